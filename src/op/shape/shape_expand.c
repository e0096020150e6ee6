/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* shape_expand.c - com.microsoft's older names of operators that ai.onnx has, and what differs in them. Source:
 * docs/ContribOperators.md of ONNX Runtime. */
#include "op/core/expand.h"

static tn_status trilu(tn_node *n) {
    static const char *const names[] = { "upper", NULL };
    return same_as(n, "Trilu", names);
}

static tn_status range(tn_node *n) {
    TN_TRY(need(n, 2));
    tn_value *step = tn_up_input(n, 2);
    return give(n, 0, tri(n, "Range", n->inputs[0], n->inputs[1], step ? step : num(n, 1, n->inputs[0])));
}

static tn_status gather_nd(tn_node *n) { /* indices may have 32 bits here */
    TN_TRY(need(n, 2));
    tn_value *at = with_int(un(n, "Cast", n->inputs[1]), "to", tn_dtypes[TN_I64].onnx);
    return give(n, 0, bin(n, "GatherND", n->inputs[0], at));
}

static tn_status pad(tn_node *n) {
    static const char *const names[] = { "mode", NULL };
    TN_TRY(need(n, 2));
    tn_value *value = tn_up_input(n, 2), *flat = tn_up_int(n, "flat", -1);
    tn_value *pads = bin(n, "Reshape", n->inputs[1], flat);
    if (value) value = bin(n, "Squeeze", bin(n, "Reshape", value, flat), tn_up_int(n, "axis", 0));
    tn_value *in[] = { n->inputs[0], pads, value };
    TN_UP_ROOM(pads);
    tn_node *e = emit(n, "", "Pad", in, value ? 3 : 2, 1);
    TN_UP_ROOM(e);
    TN_TRY(keep(e, n, names));
    return give(n, 0, e->outputs[0]);
}

/* Values in the order they come, where each element's value stands, how often each comes. */
static tn_status unique(tn_node *n) {
    TN_TRY(need(n, 1));
    tn_node *e = emit(n, "", "Unique", n->inputs, 1, 4);
    TN_UP_ROOM(e);
    TN_TRY(tn_attr_set_int(e, "sorted", 0));
    TN_TRY(give(n, 0, e->outputs[0]));
    TN_TRY(give(n, 1, e->outputs[2]));
    return give(n, 2, e->outputs[3]);
}

static tn_status expand_dims(tn_node *n) {
    TN_TRY(need(n, 2));
    tn_value *axis = with_int(un(n, "Cast", n->inputs[1]), "to", tn_dtypes[TN_I64].onnx);
    return give(n, 0, bin(n, "Unsqueeze", n->inputs[0], bin(n, "Reshape", axis, tn_up_int(n, "flat", -1))));
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
