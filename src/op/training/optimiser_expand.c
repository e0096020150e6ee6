/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* optimiser_expand.c - steps of optimisers as sums of other operators. Source: docs/Operators.md of ONNX; Kingma & Ba,
 * ICLR 2015 (Adam); Duchi et al., JMLR 12, 2011 (Adagrad). */
#include "op/core/expand.h"

static tn_value *scaled(tn_build *b, tn_value *v, float by) {
    return tn_emit(b, "Mul", v, tn_build_like(b, "number", by, v));
}

/* (1 - by) v, the difference taken in v's own type. */
static tn_value *rest(tn_build *b, tn_value *v, float by) {
    return tn_emit(b, "Mul", v, tn_emit(b, "Sub", tn_build_like(b, "number", 1, v), tn_build_like(b, "number", by, v)));
}

/* X, then what belongs to each X, in groups of `count`: item i of group g. */
static tn_value *item(const tn_build *b, int group, int count, int i) { return b->node->inputs[2 + group * count + i]; }

static tn_status groups(tn_build *b, int per_tensor, int *count) {
    tn_node *n = b->node;
    *count = (n->n_inputs - 2) / per_tensor;
    if (*count < 1 || *count * per_tensor != n->n_inputs - 2)
        return tn_build_fail(b, TN_E_GRAPH, "%d inputs", n->n_inputs);
    return need(b, n->n_inputs);
}

/* The learning rate, whose type is its own, in the type of x. */
static tn_value *rate_for(tn_build *b, tn_value *x) { return tn_emit(b, "CastLike", b->node->inputs[0], x); }

/* The gradient with the penalty on large weights: g + norm_coefficient x. */
static tn_value *penalised(tn_build *b, tn_value *x, tn_value *g) {
    tn_node *n = b->node;
    return tn_emit(b, "Add", scaled(b, x, tn_attr_float(n, "norm_coefficient", 0)), g);
}

/* v where the update count is above 0, else w. */
static tn_value *when_started(tn_build *b, tn_value *t, tn_value *v, tn_value *w) {
    return tn_emit(b, "Where", tn_emit(b, "Greater", t, integer_like(b, 0, t)), v, w);
}

static tn_status momentum(tn_build *b) {
    tn_node *n = b->node;
    int count;
    TN_TRY(groups(b, 3, &count));
    tn_value *t = n->inputs[1];
    float alpha = tn_attr_float(n, "alpha", 0), beta = tn_attr_float(n, "beta", 0);
    for (int i = 0; i < count; i++) {
        tn_value *x = item(b, 0, count, i), *v = item(b, 2, count, i), *g = penalised(b, x, item(b, 1, count, i));
        tn_value *by = when_started(b, t, tn_build_like(b, "number", beta, x), tn_build_like(b, "number", 1, x));
        v = tn_emit(b, "Add", scaled(b, v, alpha), tn_emit(b, "Mul", g, by));
        tn_value *step = v;
        if (tn_attr_is(n, "mode", "nesterov", "standard")) step = tn_emit(b, "Add", g, scaled(b, v, alpha));
        tn_give(b, i, tn_emit(b, "Sub", x, tn_emit(b, "Mul", step, rate_for(b, x))));
        tn_give(b, count + i, v);
    }
    return b->st;
}

static tn_status adagrad(tn_build *b) {
    tn_node *n = b->node;
    int count;
    TN_TRY(groups(b, 3, &count));
    for (int i = 0; i < count; i++) {
        tn_value *x = item(b, 0, count, i), *h = item(b, 2, count, i), *g = penalised(b, x, item(b, 1, count, i));
        tn_value *steps = tn_emit(b, "CastLike", n->inputs[1], x);
        tn_value *slow =
            tn_emit(b, "Add", scaled(b, steps, tn_attr_float(n, "decay_factor", 0)), tn_build_like(b, "number", 1, x));
        h = tn_emit(b, "Add", h, tn_emit(b, "Mul", g, g));
        tn_value *scale =
            tn_emit(b, "Add", tn_emit(b, "Sqrt", h), tn_build_like(b, "number", tn_attr_float(n, "epsilon", 1e-6f), x));
        tn_value *step = tn_emit(b, "Div", tn_emit(b, "Mul", tn_emit(b, "Div", rate_for(b, x), slow), g), scale);
        tn_give(b, i, tn_emit(b, "Sub", x, step));
        tn_give(b, count + i, h);
    }
    return b->st;
}

/* alpha-weighted mean of old and new */
static tn_value *blend(tn_build *b, tn_value *old, tn_value *now, float alpha) {
    return tn_emit(b, "Add", scaled(b, old, alpha), rest(b, now, alpha));
}

static tn_status adam(tn_build *b) {
    tn_node *n = b->node;
    int count;
    TN_TRY(groups(b, 4, &count));
    float alpha = tn_attr_float(n, "alpha", 0.9f), beta = tn_attr_float(n, "beta", 0.999f);
    for (int i = 0; i < count; i++) {
        tn_value *x = item(b, 0, count, i), *g = penalised(b, x, item(b, 1, count, i)),
                 *one = tn_build_like(b, "number", 1, x);
        tn_value *v = blend(b, item(b, 2, count, i), g, alpha);
        tn_value *h = blend(b, item(b, 3, count, i), tn_emit(b, "Mul", g, g), beta),
                 *t = tn_emit(b, "CastLike", n->inputs[1], x);
        tn_value *rate =
            tn_emit(b, "Mul", rate_for(b, x),
                    tn_emit(b, "Sqrt",
                            tn_emit(b, "Sub", one, tn_emit(b, "Pow", tn_build_like(b, "number", beta, x), t))));
        rate =
            tn_emit(b, "Div", rate, tn_emit(b, "Sub", one, tn_emit(b, "Pow", tn_build_like(b, "number", alpha, x), t)));
        rate = when_started(b, n->inputs[1], rate, rate_for(b, x));
        tn_value *root =
            tn_emit(b, "Add", tn_emit(b, "Sqrt", h), tn_build_like(b, "number", tn_attr_float(n, "epsilon", 1e-6f), x));
        tn_value *now = tn_emit(b, "Sub", x, tn_emit(b, "Div", tn_emit(b, "Mul", rate, v), root));
        float post = tn_attr_float(n, "norm_coefficient_post", 0);
        if (post != 0) now = rest(b, now, post);
        tn_give(b, i, now);
        tn_give(b, count + i, v);
        tn_give(b, 2 * count + i, h);
    }
    return b->st;
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
