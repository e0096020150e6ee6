/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* shape_expand.c - com.microsoft's older names of operators that ai.onnx has, and what differs in them. Source:
 * docs/ContribOperators.md of ONNX Runtime. */
#include "op/core/expand.h"

static tn_status trilu(tn_build *b) {
    tn_value *y = tn_build_typed(b, tn_build_node(b, "", "Trilu", b->node->inputs, b->node->n_inputs, 1));
    return tn_give(b, 0, tn_with_kept(b, y, (const char *const[]){ "upper", NULL }));
}

static tn_status range(tn_build *b) {
    tn_node *n = b->node;
    tn_value *step = tn_up_input(n, 2);
    return tn_give(b, 0,
                   tn_emit(b, "Range", n->inputs[0], n->inputs[1],
                           step ? step : tn_build_like(b, "number", 1, n->inputs[0])));
}

static tn_status gather_nd(tn_build *b) { /* indices may have 32 bits here */
    tn_value **in = b->node->inputs;
    return tn_give(b, 0, tn_emit(b, "GatherND", in[0], cast(b, in[1], TN_I64)));
}

static tn_status pad(tn_build *b) {
    tn_node *n = b->node;
    static const char *const names[] = { "mode", NULL };
    tn_value *value = tn_up_input(n, 2), *flat = tn_build_int(b, "flat", -1);
    tn_value *pads = tn_emit(b, "Reshape", n->inputs[1], flat);
    if (value) value = tn_emit(b, "Squeeze", tn_emit(b, "Reshape", value, flat), tn_build_int(b, "axis", 0));
    return tn_give(b, 0, tn_with_kept(b, tn_emit(b, "Pad", n->inputs[0], pads, value), names));
}

/* Values in the order they come, where each element's value stands, how often each comes. */
static tn_status unique(tn_build *b) {
    tn_node *e = tn_build_node(b, "", "Unique", b->node->inputs, 1, 4);
    tn_value *out[4];
    tn_build_attr(b, e, tn_attr_of_int("sorted", 0));
    tn_build_outputs(b, e, out, 4);
    tn_give(b, 0, out[0]);
    tn_give(b, 1, out[2]);
    return tn_give(b, 2, out[3]);
}

static tn_status expand_dims(tn_build *b) {
    tn_node *n = b->node;
    tn_value *axis = cast(b, n->inputs[1], TN_I64);
    return tn_give(b, 0,
                   tn_emit(b, "Unsqueeze", n->inputs[0], tn_emit(b, "Reshape", axis, tn_build_int(b, "flat", -1))));
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define ANY(name_) \
    { name_, TN_ANY_TYPE, 'T' }
#define FLAG(name_) \
    { name_, TN_ATTR_INT }

static const tn_port y_any[] = { ANY("Y"), { 0 } };
static const tn_port trilu_in[] = { ANY("X"), { "k", TN_I64_ONLY, 0, .optional = true }, { 0 } };
static const tn_port range_in[] = {
    { "start", TN_REAL, 'T' }, { "limit", TN_REAL, 'T' }, { "delta", TN_REAL, 'T', .optional = true }, { 0 }
};
static const tn_port range_out[] = { { "Y", TN_REAL, 'T' }, { 0 } };
static const tn_port gather_in[] = { ANY("data"), { "indices", TN_INDEX, 0 }, { 0 } };
static const tn_port output_any[] = { ANY("output"), { 0 } };
static const tn_port pad_in[] = {
    ANY("data"), { "pads", TN_I64_ONLY, 0 }, { "value", TN_ANY_TYPE, 'T', .optional = true }, { 0 }
};
static const tn_port unique_in[] = { ANY("x"), { 0 } };
static const tn_port unique_out[] = {
    ANY("y"), { "idx", TN_I64_ONLY, 0, .optional = true }, { "counts", TN_I64_ONLY, 0, .optional = true }, { 0 }
};
static const tn_port expand_in[] = { ANY("X"), { "axis", TN_INDEX, 0 }, { 0 } };

static const tn_attr_spec pad_attrs[] = { { "mode", TN_ATTR_STRING, .words = "constant|reflect|edge|wrap" }, { 0 } };
static const tn_attr_spec trilu_attrs[] = { FLAG("upper"), { 0 } };

const tn_op tn_ops_shape_expand[] = {
    TN_MICROSOFT("ExpandDims", expand_dims, expand_in, y_any, NULL, "one dimension of size 1 more"),
    TN_MICROSOFT("GatherND", gather_nd, gather_in, output_any, NULL, "the slices that tuples of indices name"),
    TN_MICROSOFT("Pad", pad, pad_in, output_any, pad_attrs, "borders added or cut off"),
    TN_MICROSOFT("Range", range, range_in, range_out, NULL, "start, start + delta, .. below limit"),
    TN_MICROSOFT("Trilu", trilu, trilu_in, y_any, trilu_attrs, "the upper or lower triangle, else zeros"),
    TN_MICROSOFT("Unique", unique, unique_in, unique_out, NULL, "the different values in the order they come"),
    { 0 },
};
