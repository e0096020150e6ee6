/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* optimiser_expand.c - steps of optimisers as sums of other operators. Source: docs/Operators.md of ONNX; Kingma & Ba,
 * ICLR 2015 (Adam); Duchi et al., JMLR 12, 2011 (Adagrad). */
#include "op/core/expand.h"

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

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port optimiser_in[] = {
    { "R", TN_FLOATS, 0 }, { "T", TN_INDEX, 0 }, { "inputs", TN_FLOATS, 0, .variadic = true }, { 0 }
};
static const tn_port optimiser_out[] = { { "outputs", TN_FLOATS, 0, .variadic = true }, { 0 } };
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
    TN_EXPANDED("ai.onnx.preview.training", 1, name_, fn_, optimiser_in, optimiser_out, attrs_, doc_)

const tn_op tn_ops_optimiser_expand[] = {
    TRAINING("Adagrad", adagrad, adagrad_attrs, "a step of Adagrad for any number of tensors"),
    TRAINING("Adam", adam, adam_attrs, "a step of Adam for any number of tensors"),
    TRAINING("Momentum", momentum, momentum_attrs,
             "a step of gradient descent with momentum for any number of tensors"),
    { 0 },
};
