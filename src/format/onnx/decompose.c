/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* decompose.c - operators that are sums of others: losses, optimiser steps. A node without a row of its
 * own is replaced by what its specification says it means; should it get a row, the row is used instead. Source:
 * docs/Operators.md of ONNX; Kingma & Ba, ICLR 2015 (Adam); Duchi et al., JMLR 12, 2011 (Adagrad). */
#include "format/onnx/decompose.h"

/* -------------------------------------------------------------------------------------------------------- losses */

static tn_value *total(tn_node *n, tn_value *v) { return with_int(un(n, "ReduceSum", v), "keepdims", 0); }

/* -x[i, target[i], ...], times the weight of the class; nothing where the target is the one to ignore. */
static tn_status class_loss(tn_node *n, tn_value *x, tn_value *target, tn_value *weight, tn_value **loss) {
    const tn_attr *ignore = tn_attr_find(n, "ignore_index");
    tn_value *ignored = NULL, *safe = target, *zero = num(n, 0, x), *one = tn_up_int(n, "class", 1);
    if (ignore && ignore->kind == TN_ATTR_INT) {
        ignored = bin(n, "Equal", target, integer_like(n, ignore->i, target));
        safe = tri(n, "Where", ignored, integer_like(n, 0, target), target);
        TN_UP_ROOM(safe);
    }
    tn_value *picked = bin(n, "GatherElements", x, bin(n, "Unsqueeze", safe, one));
    tn_value *l = un(n, "Neg", bin(n, "Squeeze", with_int(picked, "axis", 1), one)), *w = NULL;
    if (weight)
        w = bin(n, "Gather", weight, safe);
    else if (ignored)
        w = bin(n, "CastLike", un(n, "Not", ignored), x);
    if (ignored) {
        l = tri(n, "Where", ignored, zero, l);
        if (weight) w = tri(n, "Where", ignored, zero, w);
    }
    if (weight) l = bin(n, "Mul", l, w);
    TN_UP_ROOM(l && (w || !(weight || ignored)));
    if (tn_attr_is(n, "reduction", "none", "mean"))
        *loss = l;
    else if (tn_attr_is(n, "reduction", "sum", "mean"))
        *loss = total(n, l);
    else if (!w)
        *loss = with_int(un(n, "ReduceMean", l), "keepdims", 0);
    else
        *loss = bin(n, "Div", total(n, l), total(n, w));
    return TN_OK;
}

static tn_status negative_log_likelihood(tn_node *n) {
    tn_value *loss = NULL;
    TN_TRY(need(n, 2));
    TN_TRY(class_loss(n, n->inputs[0], n->inputs[1], tn_up_input(n, 2), &loss));
    return give(n, 0, loss);
}

static tn_status softmax_cross_entropy(tn_node *n) {
    tn_value *loss = NULL;
    TN_TRY(need(n, 2));
    tn_value *log = with_int(un(n, "LogSoftmax", n->inputs[0]), "axis", 1);
    TN_UP_ROOM(log);
    TN_TRY(class_loss(n, log, n->inputs[1], tn_up_input(n, 2), &loss));
    TN_TRY(give(n, 0, loss));
    return give(n, 1, log);
}

/* ---------------------------------------------------------------------------------------------------- optimisers */

static tn_value *scaled(tn_node *n, tn_value *v, float by) { return bin(n, "Mul", v, num(n, by, v)); }

/* (1 - by) v, the difference taken in v's own type. */
static tn_value *rest(tn_node *n, tn_value *v, float by) {
    return bin(n, "Mul", v, bin(n, "Sub", num(n, 1, v), num(n, by, v)));
}

/* X, then what belongs to each X, in groups of `count`: item i of group g. */
static tn_value *item(const tn_node *n, int group, int count, int i) { return n->inputs[2 + group * count + i]; }

static tn_status groups(const tn_node *n, int per_tensor, int *count) {
    *count = (n->n_inputs - 2) / per_tensor;
    if (*count < 1 || *count * per_tensor != n->n_inputs - 2)
        return tn_fail(TN_E_GRAPH, "%s: %d inputs", tn_node_where(n), n->n_inputs);
    return need(n, n->n_inputs);
}

/* The learning rate, whose type is its own, in the type of x. */
static tn_value *rate_for(tn_node *n, tn_value *x) { return bin(n, "CastLike", n->inputs[0], x); }

/* The gradient with the penalty on large weights: g + norm_coefficient x. */
static tn_value *penalised(tn_node *n, tn_value *x, tn_value *g) {
    return bin(n, "Add", scaled(n, x, tn_attr_float(n, "norm_coefficient", 0)), g);
}

/* v where the update count is above 0, else w. */
static tn_value *when_started(tn_node *n, tn_value *t, tn_value *v, tn_value *w) {
    return tri(n, "Where", bin(n, "Greater", t, integer_like(n, 0, t)), v, w);
}

static tn_status momentum(tn_node *n) {
    int count;
    TN_TRY(groups(n, 3, &count));
    tn_value *t = n->inputs[1];
    float alpha = tn_attr_float(n, "alpha", 0), beta = tn_attr_float(n, "beta", 0);
    for (int i = 0; i < count; i++) {
        tn_value *x = item(n, 0, count, i), *v = item(n, 2, count, i), *g = penalised(n, x, item(n, 1, count, i));
        tn_value *b = when_started(n, t, num(n, beta, x), num(n, 1, x));
        v = bin(n, "Add", scaled(n, v, alpha), bin(n, "Mul", g, b));
        tn_value *step = v;
        if (tn_attr_is(n, "mode", "nesterov", "standard")) step = bin(n, "Add", g, v ? scaled(n, v, alpha) : NULL);
        TN_TRY(give(n, i, bin(n, "Sub", x, bin(n, "Mul", step, rate_for(n, x)))));
        TN_TRY(give(n, count + i, v));
    }
    return TN_OK;
}

static tn_status adagrad(tn_node *n) {
    int count;
    TN_TRY(groups(n, 3, &count));
    for (int i = 0; i < count; i++) {
        tn_value *x = item(n, 0, count, i), *h = item(n, 2, count, i), *g = penalised(n, x, item(n, 1, count, i));
        tn_value *steps = bin(n, "CastLike", n->inputs[1], x);
        tn_value *slow =
            bin(n, "Add", steps ? scaled(n, steps, tn_attr_float(n, "decay_factor", 0)) : NULL, num(n, 1, x));
        h = bin(n, "Add", h, bin(n, "Mul", g, g));
        tn_value *scale = bin(n, "Add", un(n, "Sqrt", h), num(n, tn_attr_float(n, "epsilon", 1e-6f), x));
        tn_value *step = bin(n, "Div", bin(n, "Mul", bin(n, "Div", rate_for(n, x), slow), g), scale);
        TN_TRY(give(n, i, bin(n, "Sub", x, step)));
        TN_TRY(give(n, count + i, h));
    }
    return TN_OK;
}

/* alpha-weighted mean of old and new */
static tn_value *blend(tn_node *n, tn_value *old, tn_value *now, float alpha) {
    return now ? bin(n, "Add", scaled(n, old, alpha), rest(n, now, alpha)) : NULL;
}

static tn_status adam(tn_node *n) {
    int count;
    TN_TRY(groups(n, 4, &count));
    float alpha = tn_attr_float(n, "alpha", 0.9f), beta = tn_attr_float(n, "beta", 0.999f);
    for (int i = 0; i < count; i++) {
        tn_value *x = item(n, 0, count, i), *g = penalised(n, x, item(n, 1, count, i)), *one = num(n, 1, x);
        tn_value *v = blend(n, item(n, 2, count, i), g, alpha);
        tn_value *h = blend(n, item(n, 3, count, i), bin(n, "Mul", g, g), beta),
                 *t = bin(n, "CastLike", n->inputs[1], x);
        tn_value *rate =
            bin(n, "Mul", rate_for(n, x), un(n, "Sqrt", bin(n, "Sub", one, bin(n, "Pow", num(n, beta, x), t))));
        rate = bin(n, "Div", rate, bin(n, "Sub", one, bin(n, "Pow", num(n, alpha, x), t)));
        rate = when_started(n, n->inputs[1], rate, rate_for(n, x));
        tn_value *root = bin(n, "Add", un(n, "Sqrt", h), num(n, tn_attr_float(n, "epsilon", 1e-6f), x));
        tn_value *now = bin(n, "Sub", x, bin(n, "Div", bin(n, "Mul", rate, v), root));
        float post = tn_attr_float(n, "norm_coefficient_post", 0);
        if (post != 0 && now) now = rest(n, now, post);
        TN_TRY(give(n, i, now));
        TN_TRY(give(n, count + i, v));
        TN_TRY(give(n, 2 * count + i, h));
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------ activation */

static tn_status swiglu(tn_node *n) {
    TN_TRY(need(n, 2));
    tn_value *gate = un(n, "Swish", n->inputs[0]);
    TN_UP_ROOM(gate);
    TN_TRY(tn_attr_set_float(gate->producer, "alpha", tn_attr_float(n, "alpha", 1)));
    return give(n, 0, bin(n, "Mul", gate, n->inputs[1]));
}

/* --------------------------------------------------------------------------------------------------------- table */

static const tn_port likelihood_in[] = {
    { "input", TN_FLOATS, 'T' }, { "target", TN_INDEX, 0 }, { "weight", TN_FLOATS, 'T', .optional = true }, { 0 }
};
static const tn_port likelihood_out[] = { { "loss", TN_FLOATS, 'T' }, { 0 } };
static const tn_port entropy_in[] = {
    { "scores", TN_FLOATS, 'T' }, { "labels", TN_INDEX, 0 }, { "weights", TN_FLOATS, 'T', .optional = true }, { 0 }
};
static const tn_port entropy_out[] = { { "output", TN_FLOATS, 'T' },
                                       { "log_prob", TN_FLOATS, 'T', .optional = true },
                                       { 0 } };
static const tn_port swiglu_in[] = { { "A", TN_FLOATS, 'T' }, { "B", TN_FLOATS, 'T' }, { 0 } };
static const tn_port swiglu_out[] = { { "Y", TN_FLOATS, 'T' }, { 0 } };
static const tn_port optimiser_in[] = {
    { "R", TN_FLOATS, 0 }, { "T", TN_INDEX, 0 }, { "inputs", TN_FLOATS, 0, .variadic = true }, { 0 }
};
static const tn_port optimiser_out[] = { { "outputs", TN_FLOATS, 0, .variadic = true }, { 0 } };

static const tn_attr_spec loss_attrs[] = { { "ignore_index", TN_ATTR_INT },
                                           { "reduction", TN_ATTR_STRING, .words = "mean|sum|none" },
                                           { 0 } };
static const tn_attr_spec swiglu_attrs[] = { { "alpha", TN_ATTR_FLOAT }, { 0 } };
static const tn_attr_spec adagrad_attrs[] = {
    { "decay_factor", TN_ATTR_FLOAT }, { "epsilon", TN_ATTR_FLOAT }, { "norm_coefficient", TN_ATTR_FLOAT }, { 0 }
};
static const tn_attr_spec adam_attrs[] = { { "alpha", TN_ATTR_FLOAT },
                                           { "beta", TN_ATTR_FLOAT },
                                           { "epsilon", TN_ATTR_FLOAT },
                                           { "norm_coefficient", TN_ATTR_FLOAT },
                                           { "norm_coefficient_post", TN_ATTR_FLOAT },
                                           { 0 } };
static const tn_attr_spec momentum_attrs[] = { { "alpha", TN_ATTR_FLOAT, .required = true },
                                               { "beta", TN_ATTR_FLOAT, .required = true },
                                               { "mode", TN_ATTR_STRING, .required = true,
                                                 .words = "standard|nesterov" },
                                               { "norm_coefficient", TN_ATTR_FLOAT, .required = true },
                                               { 0 } };

#define TRAINING(name_, fn_, attrs_, doc_) \
    TN_DEFINED("ai.onnx.preview.training", 1, name_, fn_, optimiser_in, optimiser_out, attrs_, doc_)

static const tn_decomposition rows[] = {
    TN_DEFINED(NULL, 22, "NegativeLogLikelihoodLoss", negative_log_likelihood, likelihood_in, likelihood_out,
               loss_attrs, "minus the score of the right class"),
    TN_DEFINED(NULL, 13, "SoftmaxCrossEntropyLoss", softmax_cross_entropy, entropy_in, entropy_out, loss_attrs,
               "minus the logarithm of the softmax at the right class"),
    TN_DEFINED(NULL, 28, "SwiGLU", swiglu, swiglu_in, swiglu_out, swiglu_attrs, "A sigmoid(alpha A) B"),
    TRAINING("Adagrad", adagrad, adagrad_attrs, "a step of Adagrad for any number of tensors"),
    TRAINING("Adam", adam, adam_attrs, "a step of Adam for any number of tensors"),
    TRAINING("Momentum", momentum, momentum_attrs,
             "a step of gradient descent with momentum for any number of tensors"),
    { .fn = NULL },
};

static const tn_decomposition *const tables[] = { rows, tn_decompose_attention, tn_decompose_microsoft,
                                                  tn_decompose_quantized };

const tn_op *tn_onnx_decomposed(int i) {
    for (size_t t = 0; i >= 0 && t < TN_COUNT(tables); t++)
        for (const tn_decomposition *d = tables[t]; d->fn; d++)
            if (i-- == 0) return &d->op;
    return NULL;
}

static const tn_decomposition *definition_of(const tn_node *n) {
    for (size_t t = 0; t < TN_COUNT(tables); t++)
        for (const tn_decomposition *d = tables[t]; d->fn; d++)
            if (!strcmp(d->op.name, n->type) && !strcmp(d->op.domain ? d->op.domain : "", n->domain)) return d;
    return NULL;
}

/* ------------------------------------------------------------------------------------------------------ checking */

/* A row's operator sees all attributes; of a decomposition only those arrive that its function hands on, so that an
 * unknown one would be lost without a word. Names with two underscores are an exporter's own notes. */
static tn_status check_attr_names(const tn_node *n, const tn_op *op) {
    for (int i = 0; i < n->n_attrs; i++) {
        const char *name = n->attrs[i].name;
        const tn_attr_spec *s = op->attrs;
        while (s && s->name && strcmp(s->name, name)) s++;
        if ((s && s->name) || !strncmp(name, "__", 2)) continue;
        tn_text known = { 0 };
        for (s = op->attrs; s && s->name; s++) tn_text_printf(&known, "%s%s", s == op->attrs ? "" : ", ", s->name);
        tn_status st = tn_op_fail(n, TN_E_INVALID, "attribute '%.60s' is unknown; it has %.300s", name,
                                  known.n && !known.failed ? known.s : "none");
        tn_text_free(&known);
        return st;
    }
    return TN_OK;
}

static tn_status check_types(const tn_node *n, const tn_op *op) {
    tn_arena *a = n->graph->model->arena;
    tn_arena_mark mark = tn_arena_save(a);
    const tn_type **in = tn_arena_array(a, const tn_type *, (size_t)n->n_inputs + 1);
    if (!in) return tn_fail(TN_E_NOMEM, "upgrading a model");
    for (int i = 0; i < n->n_inputs; i++)
        if (n->inputs[i]) in[i] = &n->inputs[i]->type;
    tn_status st = tn_op_check_types_as(n, op, in, n->n_inputs);
    tn_arena_restore(a, mark);
    return st;
}

bool tn_onnx_decomposes(const tn_node *n) { return definition_of(n) && !tn_op_find(n->domain, n->type); }

tn_status tn_onnx_decompose(tn_node *n) {
    const tn_decomposition *d = definition_of(n);
    if (!d || tn_op_find(n->domain, n->type)) return TN_OK;
    TN_TRY(tn_op_check_node_as(n, &d->op));
    TN_TRY(check_attr_names(n, &d->op));
    TN_TRY(check_types(n, &d->op));
    TN_TRY(d->fn(n));
    for (int k = 0; k < n->n_outputs; k++)
        if (n->outputs[k]) return tn_fail(TN_E_GRAPH, "%s: %d outputs", tn_node_where(n), n->n_outputs);
    tn_node_remove(n);
    return TN_OK;
}
