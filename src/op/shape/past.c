/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* past.c - what older operator sets say of the operators here: every version, and what its form is today.
 * Source: the operator change log of ONNX (docs/Changelog.md), versions 1 to 28. */
#include "op/core/past.h"
#include "op/core/upgrade.h"

/* Whether no index, cut to an integer, can be below 0. */
static bool never_negative(const tn_value *v) {
    tn_dtype t = tn_up_dtype(v);
    const tn_tensor *c = v->constant;
    if (tn_dtype_is_int(t) && !tn_dtype_is_signed(t)) return true;
    if (v->producer && (!strcmp(v->producer->type, "ArgMax") || !strcmp(v->producer->type, "ArgMin"))) return true;
    for (int64_t i = 0; c && i < tn_count(c); i++)
        if (!(tn_get_f64(c->dtype, c->data, i) > -1)) return false;
    return c != NULL;
}

/* Indices below 0 were outside, like those from the depth on. Since 11 they count from the end, so here they become one
 * that is too far from there. */
static tn_status tn_up_one_hot(tn_build *b) {
    tn_node *n = b->node;
    tn_value *at = n->inputs[0];
    if (never_negative(at)) return b->st;
    tn_value *zero = tn_build_long(b, "zero", 0), *least = tn_build_long(b, "outside", INT64_MIN / 2);
    if (tn_up_dtype(at) != TN_I64) at = tn_emit(b, "CastLike", at, zero);
    tn_value *below = tn_emit(b, "Less", at, zero);
    return tn_build_input(b, 0, tn_emit(b, "Where", below, least, at));
}

static tn_status tn_up_concat(tn_build *b) {
    return tn_attr_find(b->node, "axis") ? TN_OK : tn_attr_set_int(b->node, "axis", 1);
}

static tn_status tn_up_scatter(tn_build *b) {
    tn_node *n = b->node;
    tn_up_retype(n, "ScatterElements");
    return b->st;
}

static tn_status tn_up_reshape(tn_build *b) {
    tn_node *n = b->node;
    const tn_attr *a = tn_attr_find(n, "shape");
    if (!a && n->n_inputs < 2) return tn_build_fail(b, TN_E_GRAPH, "no shape");
    return tn_up_ints_to_input(b, "shape", 1);
}

static tn_status tn_up_slice(tn_build *b) {
    tn_node *n = b->node;
    if (!tn_attr_find(n, "starts") || !tn_attr_find(n, "ends"))
        return tn_build_fail(b, TN_E_GRAPH, "no starts or no ends");
    TN_TRY(tn_up_ints_to_input(b, "starts", 1));
    TN_TRY(tn_up_ints_to_input(b, "ends", 2));
    return tn_up_ints_to_input(b, "axes", 3);
}

static tn_status tn_up_pad_names(tn_build *b) {
    tn_node *n = b->node;
    int count;
    const int64_t *v = tn_attr_ints(n, "paddings", &count);
    if (!v) return b->st;
    TN_TRY(tn_attr_set_ints(n, "pads", v, count));
    tn_attr_remove(n, "paddings");
    return b->st;
}

static tn_status tn_up_pad(tn_build *b) {
    tn_node *n = b->node;
    if (!tn_attr_find(n, "pads")) return tn_build_fail(b, TN_E_GRAPH, "no pads");
    TN_TRY(tn_up_ints_to_input(b, "pads", 1));
    float v = tn_attr_float(n, "value", 0);
    tn_attr_remove(n, "value");
    if (v == 0 || !tn_attr_is(n, "mode", "constant", "constant")) return b->st;
    tn_value *c = tn_build_like(b, "value", v, n->inputs[0]);
    return tn_build_input(b, 2, c);
}

/* The lengths, when they were an input, had the data's type, which was one of floats. */
static tn_status tn_up_split_1(tn_build *b) {
    tn_node *n = b->node;
    tn_value *lengths = tn_up_input(n, 1);
    if (!lengths || tn_up_dtype(lengths) == TN_I64) return b->st;
    tn_value *longs = tn_build_int(b, "int64", 0), *whole = tn_emit(b, "CastLike", lengths, longs);
    return tn_build_input(b, 1, whole);
}

static tn_status tn_up_split_input(tn_build *b) { return tn_up_ints_to_input(b, "split", 1); }

static tn_status tn_up_split_count(tn_build *b) {
    tn_node *n = b->node;
    return tn_up_input(n, 1) ? TN_OK : tn_attr_set_int(n, "num_outputs", n->n_outputs);
}

/* (input, tiles, axis), two scalars of the data's type, to (input, repeats): ones with `tiles` at `axis`. */
static tn_status tn_up_tile(tn_build *b) {
    tn_node *n = b->node;
    if (n->n_inputs != 3) return b->st; /* the new form, as some writers of old opsets used it */
    tn_value *one = tn_build_int(b, "one", -1), *longs = tn_build_int(b, "int64", 0);
    tn_value *tiles = tn_emit(b, "CastLike", tn_emit(b, "Reshape", n->inputs[1], one), longs);
    tn_value *axis = tn_emit(b, "CastLike", tn_emit(b, "Reshape", n->inputs[2], one), longs);
    tn_value *zero = tn_build_int(b, "zero", 0), *single = tn_build_int(b, "single", 1);
    tn_value *zeros = tn_emit(b, "Mul", tn_emit(b, "Shape", n->inputs[0]), zero);
    tn_value *ones = tn_emit(b, "Add", zeros, single);
    tn_value *repeats = tn_emit(b, "ScatterElements", ones, axis, tiles);
    tn_build_input(b, 1, repeats);
    tn_build_input(b, 2, NULL);
    n->n_inputs = 2;
    return b->st;
}

/* -------------------------------------------------------------------------------------------------------- records */

/* Squeeze, Unsqueeze */
static const tn_op_version squeeze_versions[] = {
    { 1, 1, 1, TN_TENSORS_1, TN_TENSORS_1, "axes" }, { 11, 1, 1, TN_TENSORS_1, TN_TENSORS_1, "axes" },
    { 13, 2, 1, TN_TENSORS_13, TN_TENSORS_13, "" },  { 21, 2, 1, TN_TENSORS_21, TN_TENSORS_21, "" },
    { 23, 2, 1, TN_TENSORS_23, TN_TENSORS_23, "" },  { 24, 2, 1, TN_TENSORS_24, TN_TENSORS_24, "" },
    { 25, 2, 1, TN_TENSORS_25, TN_TENSORS_25, "" },  { 0 },
};

const tn_op_past tn_op_past_shape[] = {
    { "Compress",
      TN_VERSIONS({ 9, 2, 1, TN_TENSORS_1, TN_TENSORS_1, "axis" }, { 11, 2, 1, TN_TENSORS_1, TN_TENSORS_1, "axis" }) },
    { "Concat",
      TN_VERSIONS({ 1, TN_MANY, 1, TN_FLOATS_1, TN_FLOATS_1, "axis" },
                  { 4, TN_MANY, 1, TN_TENSORS_1, TN_TENSORS_1, "axis" },
                  { 11, TN_MANY, 1, TN_TENSORS_1, TN_TENSORS_1, "axis" },
                  { 13, TN_MANY, 1, TN_TENSORS_13, TN_TENSORS_13, "axis" }),
      .upgrades = TN_UPGRADES({ 4, tn_up_concat }) },
    { "Constant",
      TN_VERSIONS({ 1, 0, 1, 0, TN_FLOATS_1, "value" }, { 9, 0, 1, 0, TN_TENSORS_1, "value" },
                  { 11, 0, 1, 0, TN_TENSORS_1, "sparse_value value" },
                  { 12, 0, 1, 0, TN_TENSORS_1,
                    "sparse_value value value_float value_floats value_int value_ints value_string value_strings" },
                  { 13, 0, 1, 0, TN_TENSORS_13,
                    "sparse_value value value_float value_floats value_int value_ints value_string value_strings" },
                  { 19, 0, 1, 0, TN_TENSORS_19,
                    "sparse_value value value_float value_floats value_int value_ints value_string value_strings" },
                  { 21, 0, 1, 0, TN_TENSORS_21,
                    "sparse_value value value_float value_floats value_int value_ints value_string value_strings" },
                  { 23, 0, 1, 0, TN_TENSORS_23,
                    "sparse_value value value_float value_floats value_int value_ints value_string value_strings" },
                  { 24, 0, 1, 0, TN_TENSORS_24,
                    "sparse_value value value_float value_floats value_int value_ints value_string value_strings" },
                  { 25, 0, 1, 0, TN_TENSORS_25,
                    "sparse_value value value_float value_floats value_int value_ints value_string value_strings" }) },
    { "ConstantOfShape", TN_VERSIONS({ 9, 1, 1, TN_ONLY(I64), TN_REAL_1 | TN_BOOLS, "value" },
                                     { 20, 1, 1, TN_ONLY(I64), TN_REAL | TN_NEW_19 | TN_BOOLS, "value" },
                                     { 21, 1, 1, TN_ONLY(I64), TN_REAL | TN_NEW_21 | TN_BOOLS, "value" },
                                     { 23, 1, 1, TN_ONLY(I64), TN_REAL | TN_NEW_23 | TN_BOOLS, "value" },
                                     { 24, 1, 1, TN_ONLY(I64), TN_REAL | TN_NEW_24 | TN_BOOLS, "value" },
                                     { 25, 1, 1, TN_ONLY(I64), TN_REAL | TN_NEW_25 | TN_BOOLS, "value" }) },
    { "DepthToSpace", TN_VERSIONS({ 1, 1, 1, TN_TENSORS_1, TN_TENSORS_1, "blocksize" },
                                  { 11, 1, 1, TN_TENSORS_1, TN_TENSORS_1, "blocksize mode" },
                                  { 13, 1, 1, TN_TENSORS_13, TN_TENSORS_13, "blocksize mode" }) },
    { "Expand",
      TN_VERSIONS({ 8, 2, 1, TN_TENSORS_1, TN_TENSORS_1, "" }, { 13, 2, 1, TN_TENSORS_13, TN_TENSORS_13, "" }) },
    { "EyeLike", TN_VERSIONS({ 9, 1, 1, TN_REAL_1 | TN_BOOLS, TN_REAL_1 | TN_BOOLS, "dtype k" },
                             { 22, 1, 1, TN_REAL | TN_BOOLS, TN_REAL | TN_BOOLS, "dtype k" }) },
    { "Flatten",
      TN_VERSIONS({ 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "axis" }, { 9, 1, 1, TN_TENSORS_1, TN_TENSORS_1, "axis" },
                  { 11, 1, 1, TN_TENSORS_1, TN_TENSORS_1, "axis" }, { 13, 1, 1, TN_TENSORS_13, TN_TENSORS_13, "axis" },
                  { 21, 1, 1, TN_TENSORS_21, TN_TENSORS_21, "axis" },
                  { 23, 1, 1, TN_TENSORS_23, TN_TENSORS_23, "axis" },
                  { 24, 1, 1, TN_TENSORS_24, TN_TENSORS_24, "axis" },
                  { 25, 1, 1, TN_TENSORS_25, TN_TENSORS_25, "axis" }) },
    { "Gather",
      TN_VERSIONS({ 1, 2, 1, TN_TENSORS_1, TN_TENSORS_1, "axis" }, { 11, 2, 1, TN_TENSORS_1, TN_TENSORS_1, "axis" },
                  { 13, 2, 1, TN_TENSORS_13, TN_TENSORS_13, "axis" }) },
    { "GatherElements", TN_VERSIONS({ 11, 2, 1, TN_TENSORS_1, TN_TENSORS_1, "axis" },
                                    { 13, 2, 1, TN_TENSORS_13, TN_TENSORS_13, "axis" }) },
    { "GatherND",
      TN_VERSIONS({ 11, 2, 1, TN_TENSORS_1, TN_TENSORS_1, "" }, { 12, 2, 1, TN_TENSORS_1, TN_TENSORS_1, "batch_dims" },
                  { 13, 2, 1, TN_TENSORS_13, TN_TENSORS_13, "batch_dims" }) },
    { "Identity",
      TN_VERSIONS(
          { 1, 1, 1, TN_TENSORS_1, TN_TENSORS_1, "" }, { 13, 1, 1, TN_TENSORS_13, TN_TENSORS_13, "" },
          { 14, 1, 1, TN_TENSORS_13 | TN_SEQUENCES, TN_TENSORS_13 | TN_SEQUENCES, "" },
          { 16, 1, 1, TN_TENSORS_13 | TN_SEQUENCES | TN_OPTIONALS, TN_TENSORS_13 | TN_SEQUENCES | TN_OPTIONALS, "" },
          { 19, 1, 1, TN_TENSORS_19 | TN_SEQUENCES | TN_OPTIONALS, TN_TENSORS_19 | TN_SEQUENCES | TN_OPTIONALS, "" },
          { 21, 1, 1, TN_TENSORS_21 | TN_SEQUENCES | TN_OPTIONALS, TN_TENSORS_21 | TN_SEQUENCES | TN_OPTIONALS, "" },
          { 23, 1, 1, TN_TENSORS_23 | TN_SEQUENCES | TN_OPTIONALS, TN_TENSORS_23 | TN_SEQUENCES | TN_OPTIONALS, "" },
          { 24, 1, 1, TN_TENSORS_24 | TN_SEQUENCES | TN_OPTIONALS, TN_TENSORS_24 | TN_SEQUENCES | TN_OPTIONALS, "" },
          { 25, 1, 1, TN_TENSORS_25 | TN_SEQUENCES | TN_OPTIONALS, TN_TENSORS_25 | TN_SEQUENCES | TN_OPTIONALS, "" }) },
    { "NonZero",
      TN_VERSIONS({ 9, 1, 1, TN_TENSORS_1, TN_ONLY(I64), "" }, { 13, 1, 1, TN_TENSORS_13, TN_ONLY(I64), "" }) },
    { "OneHot",
      TN_VERSIONS({ 9, 3, 1, TN_REAL_1, TN_TENSORS_1, "axis" }, { 11, 3, 1, TN_REAL_1, TN_TENSORS_1, "axis" }),
      .upgrades = TN_UPGRADES({ 11, tn_up_one_hot }) },
    { "Pad",
      TN_VERSIONS({ 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "mode paddings value" },
                  { 2, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "mode pads value" }, { 11, 3, 1, TN_REAL_1, TN_REAL_1, "mode" },
                  { 13, 3, 1, TN_TENSORS_13, TN_TENSORS_13, "mode" },
                  { 18, 4, 1, TN_TENSORS_13, TN_TENSORS_13, "mode" },
                  { 19, 4, 1, TN_TENSORS_13, TN_TENSORS_13, "mode" },
                  { 21, 4, 1, TN_TENSORS_21, TN_TENSORS_21, "mode" },
                  { 23, 4, 1, TN_TENSORS_23, TN_TENSORS_23, "mode" },
                  { 24, 4, 1, TN_TENSORS_24, TN_TENSORS_24, "mode" },
                  { 25, 4, 1, TN_TENSORS_25, TN_TENSORS_25, "mode" }),
      .upgrades = TN_UPGRADES({ 2, tn_up_pad_names }, { 11, tn_up_pad }),
      .demands = TN_DEMANDS({ 19, .attr = "mode", .value = "wrap" }) },
    { "Range", TN_VERSIONS({ 11, 3, 1, TN_INDEX | TN_ONLY(F32) | TN_ONLY(I16) | TN_ONLY(F64),
                             TN_INDEX | TN_ONLY(F32) | TN_ONLY(I16) | TN_ONLY(F64), "" },
                           { 27, 3, 1, TN_FLOATS | TN_INDEX | TN_ONLY(I16), TN_FLOATS | TN_INDEX | TN_ONLY(I16),
                             "stash_type" }) },
    { "Reshape",
      TN_VERSIONS({ 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "consumed_inputs shape" },
                  { 5, 2, 1, TN_TENSORS_1, TN_TENSORS_1, "" }, { 13, 2, 1, TN_TENSORS_13, TN_TENSORS_13, "" },
                  { 14, 2, 1, TN_TENSORS_13, TN_TENSORS_13, "allowzero" },
                  { 19, 2, 1, TN_TENSORS_19, TN_TENSORS_19, "allowzero" },
                  { 21, 2, 1, TN_TENSORS_21, TN_TENSORS_21, "allowzero" },
                  { 23, 2, 1, TN_TENSORS_23, TN_TENSORS_23, "allowzero" },
                  { 24, 2, 1, TN_TENSORS_24, TN_TENSORS_24, "allowzero" },
                  { 25, 2, 1, TN_TENSORS_25, TN_TENSORS_25, "allowzero" }),
      .upgrades = TN_UPGRADES({ 5, tn_up_reshape }) },
    { "ReverseSequence", TN_VERSIONS({ 10, 2, 1, TN_TENSORS_1, TN_TENSORS_1, "batch_axis time_axis" }) },
    { "Scatter", TN_VERSIONS({ 9, 3, 1, TN_TENSORS_1, TN_TENSORS_1, "axis" }),
      .upgrades = TN_UPGRADES({ TN_ONNX_OPSET_MAX, tn_up_scatter }) }, /* deprecated since 11 */
    { "ScatterElements",
      TN_VERSIONS({ 11, 3, 1, TN_TENSORS_1, TN_TENSORS_1, "axis" }, { 13, 3, 1, TN_TENSORS_13, TN_TENSORS_13, "axis" },
                  { 16, 3, 1, TN_TENSORS_13, TN_TENSORS_13, "axis reduction" },
                  { 18, 3, 1, TN_TENSORS_13, TN_TENSORS_13, "axis reduction" }),
      .demands = TN_DEMANDS({ 18, .attr = "reduction", .value = "max" }, { 18, .attr = "reduction", .value = "min" }) },
    { "ScatterND",
      TN_VERSIONS({ 11, 3, 1, TN_TENSORS_1, TN_TENSORS_1, "" }, { 13, 3, 1, TN_TENSORS_13, TN_TENSORS_13, "" },
                  { 16, 3, 1, TN_TENSORS_13, TN_TENSORS_13, "reduction" },
                  { 18, 3, 1, TN_TENSORS_13, TN_TENSORS_13, "reduction" }),
      .demands = TN_DEMANDS({ 18, .attr = "reduction", .value = "max" }, { 18, .attr = "reduction", .value = "min" }) },
    { "Shape", TN_VERSIONS({ 1, 1, 1, TN_TENSORS_1, TN_ONLY(I64), "" }, { 13, 1, 1, TN_TENSORS_13, TN_ONLY(I64), "" },
                           { 15, 1, 1, TN_TENSORS_13, TN_ONLY(I64), "end start" },
                           { 19, 1, 1, TN_TENSORS_19, TN_ONLY(I64), "end start" },
                           { 21, 1, 1, TN_TENSORS_21, TN_ONLY(I64), "end start" },
                           { 23, 1, 1, TN_TENSORS_23, TN_ONLY(I64), "end start" },
                           { 24, 1, 1, TN_TENSORS_24, TN_ONLY(I64), "end start" },
                           { 25, 1, 1, TN_TENSORS_25, TN_ONLY(I64), "end start" }) },
    { "Size", TN_VERSIONS({ 1, 1, 1, TN_TENSORS_1, TN_ONLY(I64), "" }, { 13, 1, 1, TN_TENSORS_13, TN_ONLY(I64), "" },
                          { 19, 1, 1, TN_TENSORS_19, TN_ONLY(I64), "" }, { 21, 1, 1, TN_TENSORS_21, TN_ONLY(I64), "" },
                          { 23, 1, 1, TN_TENSORS_23, TN_ONLY(I64), "" }, { 24, 1, 1, TN_TENSORS_24, TN_ONLY(I64), "" },
                          { 25, 1, 1, TN_TENSORS_25, TN_ONLY(I64), "" }) },
    { "Slice",
      TN_VERSIONS({ 1, 1, 1, TN_TENSORS_1, TN_TENSORS_1, "axes ends starts" },
                  { 10, 5, 1, TN_TENSORS_1, TN_TENSORS_1, "" }, { 11, 5, 1, TN_TENSORS_1, TN_TENSORS_1, "" },
                  { 13, 5, 1, TN_TENSORS_13, TN_TENSORS_13, "" }),
      .upgrades = TN_UPGRADES({ 10, tn_up_slice }) },
    { "SpaceToDepth", TN_VERSIONS({ 1, 1, 1, TN_TENSORS_1, TN_TENSORS_1, "blocksize" },
                                  { 13, 1, 1, TN_TENSORS_13, TN_TENSORS_13, "blocksize" }) },
    { "Split",
      TN_VERSIONS({ 1, 2, TN_MANY, TN_FLOATS_1, TN_FLOATS_1, "axis split" },
                  { 2, 1, TN_MANY, TN_TENSORS_1, TN_TENSORS_1, "axis split" },
                  { 11, 1, TN_MANY, TN_TENSORS_1, TN_TENSORS_1, "axis split" },
                  { 13, 2, TN_MANY, TN_TENSORS_13, TN_TENSORS_13, "axis" },
                  { 18, 2, TN_MANY, TN_TENSORS_13, TN_TENSORS_13, "axis num_outputs" }),
      .upgrades = TN_UPGRADES({ 2, tn_up_split_1 }, { 13, tn_up_split_input }, { 18, tn_up_split_count }) },
    { "Squeeze", squeeze_versions, .upgrades = TN_UPGRADES({ 13, tn_up_axes_input }) },
    { "Tile",
      TN_VERSIONS({ 1, 3, 1, TN_FLOATS_1, TN_FLOATS_1, "" }, { 6, 2, 1, TN_TENSORS_1, TN_TENSORS_1, "" },
                  { 13, 2, 1, TN_TENSORS_13, TN_TENSORS_13, "" }),
      .upgrades = TN_UPGRADES({ 6, tn_up_tile }) },
    { "Transpose",
      TN_VERSIONS({ 1, 1, 1, TN_TENSORS_1, TN_TENSORS_1, "perm" }, { 13, 1, 1, TN_TENSORS_13, TN_TENSORS_13, "perm" },
                  { 21, 1, 1, TN_TENSORS_21, TN_TENSORS_21, "perm" },
                  { 23, 1, 1, TN_TENSORS_23, TN_TENSORS_23, "perm" },
                  { 24, 1, 1, TN_TENSORS_24, TN_TENSORS_24, "perm" },
                  { 25, 1, 1, TN_TENSORS_25, TN_TENSORS_25, "perm" }) },
    { "Trilu", TN_VERSIONS({ 14, 2, 1, TN_TENSORS_13, TN_TENSORS_13, "upper" }) },
    { "Unsqueeze", squeeze_versions, .upgrades = TN_UPGRADES({ 13, tn_up_axes_input }) },
    { "Where", TN_VERSIONS({ 9, 3, 1, TN_BOOLS, TN_TENSORS_1, "" }, { 16, 3, 1, TN_BOOLS, TN_TENSORS_13, "" }) },
    { NULL },
};
