/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* loss_expand.c - losses as sums of other operators. Source: docs/Operators.md of ONNX. */
#include "op/core/expand.h"

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
static const tn_attr_spec loss_attrs[] = { { "ignore_index", TN_ATTR_INT },
                                           { "reduction", TN_ATTR_STRING, .words = "mean|sum|none" },
                                           { 0 } };

const tn_op tn_ops_loss_expand[] = {
    TN_EXPANDED(NULL, 22, "NegativeLogLikelihoodLoss", negative_log_likelihood, likelihood_in, likelihood_out,
                loss_attrs, "minus the score of the right class"),
    TN_EXPANDED(NULL, 13, "SoftmaxCrossEntropyLoss", softmax_cross_entropy, entropy_in, entropy_out, loss_attrs,
                "minus the logarithm of the softmax at the right class"),
    { 0 },
};
