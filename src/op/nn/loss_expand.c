/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* loss_expand.c - losses as sums of other operators. Source: docs/Operators.md of ONNX. */
#include "op/core/expand.h"

static tn_value *total(tn_build *b, tn_value *v) { return tn_emit_int(b, "ReduceSum", "keepdims", 0, v); }

/* -x[i, target[i], ...], times the weight of the class; nothing where the target is the one to ignore. */
static tn_status class_loss(tn_build *b, tn_value *x, tn_value *target, tn_value *weight, tn_value **loss) {
    tn_node *n = b->node;
    const tn_attr *ignore = tn_attr_find(n, "ignore_index");
    tn_value *ignored = NULL, *safe = target, *zero = tn_build_like(b, "number", 0, x),
             *one = tn_build_int(b, "class", 1);
    if (ignore && ignore->kind == TN_ATTR_INT) {
        ignored = tn_emit(b, "Equal", target, integer_like(b, ignore->i, target));
        safe = tn_emit(b, "Where", ignored, integer_like(b, 0, target), target);
    }
    tn_value *picked = tn_emit_int(b, "GatherElements", "axis", 1, x, tn_emit(b, "Unsqueeze", safe, one));
    tn_value *l = tn_emit(b, "Neg", tn_emit(b, "Squeeze", picked, one)), *w = NULL;
    if (weight)
        w = tn_emit(b, "Gather", weight, safe);
    else if (ignored)
        w = tn_emit(b, "CastLike", tn_emit(b, "Not", ignored), x);
    if (ignored) {
        l = tn_emit(b, "Where", ignored, zero, l);
        if (weight) w = tn_emit(b, "Where", ignored, zero, w);
    }
    if (weight) l = tn_emit(b, "Mul", l, w);
    if (tn_attr_is(n, "reduction", "none", "mean"))
        *loss = l;
    else if (tn_attr_is(n, "reduction", "sum", "mean"))
        *loss = total(b, l);
    else if (!w)
        *loss = tn_emit_int(b, "ReduceMean", "keepdims", 0, l);
    else
        *loss = tn_emit(b, "Div", total(b, l), total(b, w));
    return b->st;
}

static tn_status negative_log_likelihood(tn_build *b) {
    tn_node *n = b->node;
    tn_value *loss = NULL;
    TN_TRY(class_loss(b, n->inputs[0], n->inputs[1], tn_up_input(n, 2), &loss));
    return tn_give(b, 0, loss);
}

static tn_status softmax_cross_entropy(tn_build *b) {
    tn_node *n = b->node;
    tn_value *loss = NULL;
    tn_value *log = tn_emit_int(b, "LogSoftmax", "axis", 1, n->inputs[0]);
    TN_TRY(class_loss(b, log, n->inputs[1], tn_up_input(n, 2), &loss));
    tn_give(b, 0, loss);
    return tn_give(b, 1, log);
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
