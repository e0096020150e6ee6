/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* past.c - what older operator sets say of the operators here: every version, and what its form is today.
 * Source: the operator change log of ONNX (docs/Changelog.md), versions 1 to 28. */
#include "op/core/past.h"
#include "op/core/upgrade.h"
#include <math.h>

/* p was any number. Of a fraction: (sum |x|^p)^(1/p), the sum being a norm with p = 1. */
static tn_status tn_up_lp(tn_build *b) {
    tn_node *n = b->node;
    const tn_attr *a = tn_attr_find(n, "p");
    if (!a || a->kind != TN_ATTR_FLOAT) return b->st;
    float p = a->f;
    if (p >= 1 && p <= 1000 && p == (float)(int)p) return tn_attr_set_int(n, "p", (int64_t)p);
    if (!(p > 0 && p < INFINITY)) return tn_build_fail(b, TN_E_INVALID, "p is %g, which makes no norm", (double)p);
    tn_value *x = n->inputs[0], *by = tn_build_like(b, "p", p, x);
    tn_value *power = tn_emit(b, "Pow", tn_emit(b, "Abs", x), by);
    tn_build_input(b, 0, power);
    TN_TRY(tn_attr_set_int(n, "p", 1));
    if (!n->n_outputs || !n->outputs[0]) return b->st; /* nobody sees the result */
    tn_value *root = tn_emit(b, "Reciprocal", by);
    tn_node *pow = tn_build_behind(b, 0, "Pow");
    return pow ? tn_node_set_input(pow, 1, root) : b->st;
}

/* spatial=0: mean and variance belong to every element of a sample, so broadcasting arithmetic says it all. */
static tn_status elementwise_norm(tn_build *b) {
    tn_node *n = b->node;
    tn_value **in = n->inputs;
    tn_value *eps = tn_build_like(b, "epsilon", tn_attr_float(n, "epsilon", 1e-5f), in[0]);
    tn_value *deviation = tn_emit(b, "Sqrt", tn_emit(b, "Add", in[4], eps));
    tn_value *unit = tn_emit(b, "Div", tn_emit(b, "Sub", in[0], in[3]), deviation);
    tn_value *scaled = tn_emit(b, "Mul", unit, in[1]), *bias = in[2];
    tn_up_retype(n, "Add");
    n->n_attrs = 0;
    tn_build_input(b, 0, scaled);
    tn_build_input(b, 1, bias);
    for (int i = 2; i < n->n_inputs; i++) tn_build_input(b, i, NULL);
    n->n_inputs = 2;
    return b->st;
}

/* Output i of n is `shape`d like v from now on: a reshaping stands between it and its users. */
static tn_status reshaped(tn_build *b, int i, tn_value *shape) {
    tn_node *n = b->node;
    if (i >= n->n_outputs || !n->outputs[i]) return b->st;
    tn_node *back = tn_build_behind(b, i, "Reshape");
    tn_build_attr(b, back, tn_attr_of_int("allowzero", 1));
    return back ? tn_node_set_input(back, 1, shape) : b->st;
}

/* Statistics of every element of a sample, over the batch: those of a matrix [N, C * D1 * .. * Dn], whose columns are
 * channels. */
static tn_status flat_norm(tn_build *b) {
    tn_node *n = b->node;
    tn_value *shape = tn_emit(b, "Shape", n->inputs[0]), *flat = tn_build_int(b, "flat", -1);
    tn_value *x = tn_emit(b, "Flatten", n->inputs[0]), *like = NULL;
    for (int i = 1; i < 5; i++) {
        if (i == 3) like = tn_emit(b, "Shape", n->inputs[3]);
        tn_value *v = tn_emit(b, "Reshape", n->inputs[i], flat);
        tn_build_input(b, i, v);
    }
    tn_build_input(b, 0, x);
    for (int i = 0; i < 5; i++) TN_TRY(reshaped(b, i, i ? like : shape));
    return b->st;
}

/* The mean and variance of the batch itself: with a momentum of 0 they are what newer versions give as the running
 * ones, and those are blended here. */
static tn_status saved_statistics(tn_build *b) {
    tn_node *n = b->node;
    float momentum = tn_attr_float(n, "momentum", 0.9f);
    for (int i = 0; i < 2; i++) { /* [1 + i]: running; [3 + i]: saved */
        tn_value *running = n->outputs[1 + i], *out = n->n_outputs > 3 + i ? n->outputs[3 + i] : NULL;
        tn_value *saved = tn_value_new(n->graph, out ? out->name : "saved");
        if (!saved) return TN_E_NOMEM;
        TN_TRY(tn_node_set_output(n, 1 + i, saved));
        tn_build after = tn_build_in(n->graph, n->next);
        if (out) {
            tn_node *copy = tn_build_node(&after, "", "Identity", &saved, 1, 0);
            TN_TRY(after.st);
            TN_TRY(tn_node_set_output(n, 3 + i, NULL));
            TN_TRY(tn_node_set_output(copy, 0, out));
        }
        if (!running) continue;
        tn_value *old = tn_build_like(b, "momentum", momentum, n->inputs[3 + i]);
        tn_value *rest = tn_emit(b, "Sub", tn_build_like(b, "one", 1, n->inputs[3 + i]), old);
        tn_value *kept = tn_emit(b, "Mul", n->inputs[3 + i], old);
        TN_TRY(b->st);
        tn_value *now = tn_emit(&after, "Mul", saved, rest);
        tn_node *sum = tn_build_node(&after, "", "Add", (tn_value *[]){ kept, now }, 2, 0);
        TN_TRY(after.st);
        TN_TRY(tn_node_set_output(sum, 0, running));
    }
    n->n_outputs = 3;
    return tn_attr_set_float(n, "momentum", 0);
}

/* The outputs listed said whether this was training; versions 1 and 6 had a word for it, too. */
static tn_status tn_up_batch_norm(tn_build *b) {
    tn_node *n = b->node;
    bool spatial = tn_attr_int(n, "spatial", 1) != 0, test = tn_attr_int(n, "is_test", 0) != 0;
    bool training = false, saved = false, wanted = false;
    for (int i = 1; i < n->n_outputs; i++) {
        training |= n->outputs[i] && !test;
        saved |= i > 2 && tn_up_wants(n, i);
        wanted |= tn_up_wants(n, i);
    }
    tn_attr_remove(n, "spatial");
    tn_attr_remove(n, "is_test");
    if (test && wanted) return tn_build_fail(b, TN_E_GRAPH, "statistics are wanted, but is_test");
    tn_up_drop_outputs(n, !training ? 1 : saved ? 5 : 3);
    for (int i = 0; i < 5; i++)
        if (!tn_up_input(n, i)) return tn_build_fail(b, TN_E_GRAPH, "input %d is missing", i);
    if (!training) return spatial ? TN_OK : elementwise_norm(b);
    if (!spatial) TN_TRY(flat_norm(b));
    TN_TRY(tn_attr_set_int(n, "training_mode", 1));
    return saved ? saved_statistics(b) : TN_OK;
}

/* Scale and bias were given per group; now per channel: each is repeated C / groups times. */
static tn_status tn_up_group_norm(tn_build *b) {
    tn_node *n = b->node;
    int64_t groups = tn_attr_int(n, "num_groups", 0);
    if (groups < 1) return tn_build_fail(b, TN_E_GRAPH, "num_groups %lld", (long long)groups);
    tn_value *channels = tn_emit_int(b, "Shape", "start", 1, n->inputs[0]), *count = tn_build_int(b, "groups", groups);
    tn_with(b, channels, tn_attr_of_int("end", 2));
    tn_value *shape = tn_emit_int(b, "Concat", "axis", 0, count, tn_emit(b, "Div", channels, count));
    tn_value *column = tn_build_ints(b, "column", (int64_t[]){ groups, 1 }, 2), *flat = tn_build_int(b, "flat", -1);
    for (int i = 1; i <= 2; i++) {
        tn_value *v = tn_up_input(n, i);
        if (!v) return tn_build_fail(b, TN_E_GRAPH, "input %d is missing", i);
        v = tn_emit(b, "Expand", tn_emit(b, "Reshape", v, column), shape);
        v = tn_emit(b, "Reshape", v, flat);
        tn_build_input(b, i, v);
    }
    return b->st;
}

/* Of images [N, C, H, W], across the channels too or not; the variance was left alone on demand. What `across_channels`
 * takes together is what onnxruntime does. */
static tn_status tn_up_mean_variance(tn_build *b) {
    tn_node *n = b->node;
    static const int64_t axes[] = { 0, 2, 3, 1 };
    int count = tn_attr_int(n, "across_channels", 0) != 0 ? 4 : 3;
    bool scaled = tn_attr_int(n, "normalize_variance", 1) != 0;
    tn_attr_remove(n, "across_channels");
    tn_attr_remove(n, "normalize_variance");
    if (scaled) return count == 4 ? tn_attr_set_ints(n, "axes", axes, count) : TN_OK;
    tn_value *c = tn_build_ints(b, "axes", axes, count), *mean = c ? tn_emit(b, "ReduceMean", n->inputs[0], c) : NULL;
    tn_up_retype(n, "Sub");
    n->n_attrs = 0;
    return tn_build_input(b, 1, mean);
}

static int64_t item(const tn_node *n, const char *name, int i, int64_t dflt) {
    int count;
    const int64_t *v = tn_attr_ints(n, name, &count);
    int64_t x = v && i < count ? v[i] : dflt;
    return x < 0 ? 0 : x > INT32_MAX ? INT32_MAX : x;
}

/* Pooling: since 22 a last window that would begin in the padding behind the input is left out. */
static bool window_may_be_behind(const tn_node *n) {
    int axes;
    tn_attr_ints(n, "kernel_shape", &axes);
    if (!tn_attr_int(n, "ceil_mode", 0) || !tn_attr_is(n, "auto_pad", "NOTSET", "NOTSET")) return false;
    for (int i = 0; i < axes; i++) {
        int64_t step = item(n, "strides", i, 1), before = item(n, "pads", i, 0), after = item(n, "pads", axes + i, 0);
        int64_t window = item(n, "dilations", i, 1) * (item(n, "kernel_shape", i, 1) - 1) + 1;
        int64_t size = tn_past_size(tn_past_type(n, 0), 2 + i), room;
        if (after + step <= window) continue;  /* no window is that far behind another */
        if (size > INT64_MAX / 4) return true; /* beyond all arithmetic: the shape rule will say so */
        room = size + before + after - window;
        if (size < 0 || step < 1 || room < 0 || (room + step - 1) / step * step >= size + before) return true;
    }
    return false;
}

static bool scale_differs(const tn_node *n) { return tn_past_type_differs(n, 1); }
static bool mean_differs(const tn_node *n) { return tn_past_type_differs(n, 3); }

/* An output of statistics made it training before there was training_mode. */
static bool has_statistics(const tn_node *n) {
    for (int i = 1; i < n->n_outputs; i++)
        if (n->outputs[i]) return true;
    return false;
}

/* -------------------------------------------------------------------------------------------------------- records */

/* GlobalAveragePool, GlobalMaxPool */
static const tn_op_version global_average_pool_versions[] = {
    { 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "" },
    { 22, 1, 1, TN_FLOATS, TN_FLOATS, "" },
    { 0 },
};

const tn_op_past tn_op_past_nn[] = {
    { "AveragePool",
      TN_VERSIONS({ 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "auto_pad kernel_shape pads strides" },
                  { 7, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "auto_pad count_include_pad kernel_shape pads strides" },
                  { 10, 1, 1, TN_FLOATS_1, TN_FLOATS_1,
                    "auto_pad ceil_mode count_include_pad kernel_shape pads strides" },
                  { 11, 1, 1, TN_FLOATS_1, TN_FLOATS_1,
                    "auto_pad ceil_mode count_include_pad kernel_shape pads strides" },
                  { 19, 1, 1, TN_FLOATS_1, TN_FLOATS_1,
                    "auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides" },
                  { 22, 1, 1, TN_FLOATS, TN_FLOATS,
                    "auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides" }),
      .demands = TN_DEMANDS({ 22, .when = window_may_be_behind }) },
    { "BatchNormalization",
      TN_VERSIONS({ 1, 5, 5, TN_FLOATS_1, TN_FLOATS_1, "consumed_inputs epsilon is_test momentum spatial" },
                  { 6, 5, 5, TN_FLOATS_1, TN_FLOATS_1, "epsilon is_test momentum spatial" },
                  { 7, 5, 5, TN_FLOATS_1, TN_FLOATS_1, "epsilon momentum spatial" },
                  { 9, 5, 5, TN_FLOATS_1, TN_FLOATS_1, "epsilon momentum" },
                  { 14, 5, 3, TN_FLOATS, TN_FLOATS, "epsilon momentum training_mode" },
                  { 15, 5, 3, TN_FLOATS, TN_FLOATS, "epsilon momentum training_mode" }),
      .upgrades = TN_UPGRADES({ 14, tn_up_batch_norm }),
      .demands =
          TN_DEMANDS({ 14, .when = mean_differs }, { 14, .when = has_statistics }, { 15, .when = scale_differs }) },
    { "CenterCropPad", TN_VERSIONS({ 18, 2, 1, TN_TENSORS_13, TN_TENSORS_13, "axes" }) },
    { "Col2Im", TN_VERSIONS({ 18, 3, 1, TN_TENSORS_13, TN_TENSORS_13, "dilations pads strides" }) },
    { "Conv", TN_VERSIONS({ 1, 3, 1, TN_FLOATS_1, TN_FLOATS_1, "auto_pad dilations group kernel_shape pads strides" },
                          { 11, 3, 1, TN_FLOATS_1, TN_FLOATS_1, "auto_pad dilations group kernel_shape pads strides" },
                          { 22, 3, 1, TN_FLOATS, TN_FLOATS, "auto_pad dilations group kernel_shape pads strides" }) },
    { "ConvTranspose",
      TN_VERSIONS({ 1, 3, 1, TN_FLOATS_1, TN_FLOATS_1,
                    "auto_pad dilations group kernel_shape output_padding output_shape pads strides" },
                  { 11, 3, 1, TN_FLOATS_1, TN_FLOATS_1,
                    "auto_pad dilations group kernel_shape output_padding output_shape pads strides" },
                  { 22, 3, 1, TN_FLOATS, TN_FLOATS,
                    "auto_pad dilations group kernel_shape output_padding output_shape pads strides" }) },
    { "DeformConv",
      TN_VERSIONS({ 19, 5, 1, TN_FLOATS_1, TN_FLOATS_1, "dilations group kernel_shape offset_group pads strides" },
                  { 22, 5, 1, TN_FLOATS, TN_FLOATS, "dilations group kernel_shape offset_group pads strides" }) },
    { "GlobalAveragePool", global_average_pool_versions },
    { "GlobalLpPool",
      TN_VERSIONS({ 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "p" }, { 2, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "p" },
                  { 22, 1, 1, TN_FLOATS, TN_FLOATS, "p" }),
      .upgrades = TN_UPGRADES({ 2, tn_up_lp }) },
    { "GlobalMaxPool", global_average_pool_versions },
    { "GroupNormalization", TN_VERSIONS({ 21, 3, 1, TN_FLOATS, TN_FLOATS, "epsilon num_groups stash_type" }),
      .upgrades = TN_UPGRADES({ 21, tn_up_group_norm }) },
    { "InstanceNormalization",
      TN_VERSIONS({ 1, 3, 1, TN_FLOATS_1, TN_FLOATS_1, "consumed_inputs epsilon" },
                  { 6, 3, 1, TN_FLOATS_1, TN_FLOATS_1, "epsilon" }, { 22, 3, 1, TN_FLOATS, TN_FLOATS, "epsilon" }) },
    { "LRN", TN_VERSIONS({ 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "alpha beta bias size" },
                         { 13, 1, 1, TN_FLOATS, TN_FLOATS, "alpha beta bias size" }) },
    { "LayerNormalization", TN_VERSIONS({ 17, 3, 3, TN_FLOATS, TN_FLOATS, "axis epsilon stash_type" }) },
    { "LpNormalization",
      TN_VERSIONS({ 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "axis p" }, { 22, 1, 1, TN_FLOATS, TN_FLOATS, "axis p" }) },
    { "LpPool",
      TN_VERSIONS({ 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "auto_pad kernel_shape p pads strides" },
                  { 2, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "auto_pad kernel_shape p pads strides" },
                  { 11, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "auto_pad kernel_shape p pads strides" },
                  { 18, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "auto_pad ceil_mode dilations kernel_shape p pads strides" },
                  { 22, 1, 1, TN_FLOATS, TN_FLOATS, "auto_pad ceil_mode dilations kernel_shape p pads strides" }),
      .upgrades = TN_UPGRADES({ 2, tn_up_lp }) },
    { "MaxPool",
      TN_VERSIONS({ 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "auto_pad kernel_shape pads strides" },
                  { 8, 1, 2, TN_FLOATS_1, TN_FLOATS_1, "auto_pad kernel_shape pads storage_order strides" },
                  { 10, 1, 2, TN_FLOATS_1, TN_FLOATS_1,
                    "auto_pad ceil_mode dilations kernel_shape pads storage_order strides" },
                  { 11, 1, 2, TN_FLOATS_1, TN_FLOATS_1,
                    "auto_pad ceil_mode dilations kernel_shape pads storage_order strides" },
                  { 12, 1, 2, TN_FLOATS_1 | TN_ONLY(U8) | TN_ONLY(I8), TN_FLOATS_1 | TN_ONLY(U8) | TN_ONLY(I8),
                    "auto_pad ceil_mode dilations kernel_shape pads storage_order strides" },
                  { 22, 1, 2, TN_FLOATS | TN_ONLY(U8) | TN_ONLY(I8), TN_FLOATS | TN_ONLY(U8) | TN_ONLY(I8),
                    "auto_pad ceil_mode dilations kernel_shape pads storage_order strides" }),
      .demands = TN_DEMANDS({ 22, .when = window_may_be_behind }) },
    { "MaxUnpool", TN_VERSIONS({ 9, 3, 1, TN_FLOATS_1, TN_FLOATS_1, "kernel_shape pads strides" },
                               { 11, 3, 1, TN_FLOATS_1, TN_FLOATS_1, "kernel_shape pads strides" },
                               { 22, 3, 1, TN_FLOATS, TN_FLOATS, "kernel_shape pads strides" }) },
    { "MeanVarianceNormalization",
      TN_VERSIONS({ 9, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "axes" }, { 13, 1, 1, TN_FLOATS, TN_FLOATS, "axes" }),
      .upgrades = TN_UPGRADES({ 9, tn_up_mean_variance }) }, /* experimental */
    { "NegativeLogLikelihoodLoss", TN_VERSIONS({ 12, 3, 1, TN_FLOATS_1, TN_FLOATS_1, "ignore_index reduction" },
                                               { 13, 3, 1, TN_FLOATS_1, TN_FLOATS_1, "ignore_index reduction" },
                                               { 22, 3, 1, TN_FLOATS, TN_FLOATS, "ignore_index reduction" }) },
    { "RMSNormalization", TN_VERSIONS({ 23, 2, 1, TN_FLOATS, TN_FLOATS, "axis epsilon stash_type" }) },
    { "SoftmaxCrossEntropyLoss", TN_VERSIONS({ 12, 3, 2, TN_FLOATS_1, TN_FLOATS_1, "ignore_index reduction" },
                                             { 13, 3, 2, TN_FLOATS, TN_FLOATS, "ignore_index reduction" }) },
    { NULL },
};
