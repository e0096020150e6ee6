/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* quant_expand.c - com.microsoft's operators on quantised tensors, as what they mean: dequantise, compute,
 * quantise. Source: docs/ContribOperators.md of ONNX Runtime. */
#include "op/core/expand.h"

/* Inputs at, at + 1, at + 2: codes, scale, zero point (may be missing). */
static tn_value *floats(tn_build *b, int at) {
    tn_node *n = b->node;
    return tn_emit(b, "DequantizeLinear", n->inputs[at], n->inputs[at + 1], tn_up_input(n, at + 2));
}

/* Output 0 := v in codes, with the scale at input `at` and the zero point behind it, else 0 of the type of input
 * `like`. */
static tn_status quantised(tn_build *b, tn_value *v, int at, int like) {
    tn_node *n = b->node;
    tn_value *zero = tn_up_input(n, at + 1);
    if (!zero) zero = tn_build_like(b, "zero", 0, n->inputs[like]);
    return tn_give(b, 0, tn_emit(b, "QuantizeLinear", v, n->inputs[at], zero));
}

/* ------------------------------------------------------------------------------------------- element by element */

static tn_status binary(tn_build *b, const char *type) {
    return quantised(b, tn_emit(b, type, floats(b, 0), floats(b, 3)), 6, 0);
}

static tn_status add(tn_build *b) { return binary(b, "Add"); }
static tn_status mul(tn_build *b) { return binary(b, "Mul"); }

static tn_status sigmoid(tn_build *b) { return quantised(b, tn_emit(b, "Sigmoid", floats(b, 0)), 3, 0); }

static tn_status leaky_relu(tn_build *b) {
    tn_value *v = tn_emit(b, "LeakyRelu", floats(b, 0));
    return quantised(b, tn_with_kept(b, v, (const char *const[]){ "alpha", NULL }), 3, 0);
}

static tn_status where(tn_build *b) {
    return quantised(b, tn_emit(b, "Where", b->node->inputs[0], floats(b, 1), floats(b, 4)), 7, 1);
}

static tn_status mul_integer(tn_build *b) {
    tn_node *n = b->node;
    tn_value *side[2];
    for (int i = 0; i < 2; i++) {
        side[i] = cast(b, n->inputs[2 * i], TN_I32);
        tn_value *zero = tn_up_input(n, 2 * i + 1);
        if (zero) side[i] = tn_emit(b, "Sub", side[i], cast(b, zero, TN_I32));
    }
    return tn_give(b, 0, tn_emit(b, "Mul", side[0], side[1]));
}

/* ----------------------------------------------------------------------------------------- along some dimensions */

/* [N, spatial, C] to [N, C, spatial], or back. */
static tn_value *move_channels(tn_build *b, tn_value *v, int rank, bool to_front) {
    int64_t perm[TN_MAX_RANK] = { 0 };
    for (int i = 1; i < rank; i++) perm[i] = to_front ? (i == 1 ? rank - 1 : i - 1) : (i == rank - 1 ? 1 : i + 1);
    return tn_emit_with(b, "Transpose", tn_attr_of_ints("perm", perm, rank), v);
}

static tn_status kernel_rank(tn_build *b, int *rank) {
    tn_node *n = b->node;
    int count;
    if (!tn_attr_ints(n, "kernel_shape", &count)) return tn_build_fail(b, TN_E_INVALID, "kernel_shape is missing");
    *rank = count + 2;
    return *rank <= TN_MAX_RANK ? TN_OK : tn_build_fail(b, TN_E_SHAPE, "%d dimensions", *rank);
}

static const char *const window[] = { "auto_pad",     "ceil_mode", "count_include_pad", "dilations",
                                      "kernel_shape", "pads",      "strides",           NULL };

static tn_status average_pool(tn_build *b) {
    tn_node *n = b->node;
    int rank = 0;
    bool last = tn_attr_int(n, "channels_last", 0) != 0;
    TN_TRY(kernel_rank(b, &rank));
    tn_value *v = floats(b, 0);
    if (last) v = move_channels(b, v, rank, true);
    v = tn_with_kept(b, tn_emit(b, "AveragePool", v), window);
    if (last) v = move_channels(b, v, rank, false);
    return quantised(b, v, 3, 0);
}

static tn_status nhwc_max_pool(tn_build *b) {
    tn_node *n = b->node;
    int rank = 0;
    TN_TRY(kernel_rank(b, &rank));
    tn_value *v = tn_with_kept(b, tn_emit(b, "MaxPool", move_channels(b, n->inputs[0], rank, true)), window);
    return tn_give(b, 0, move_channels(b, v, rank, false));
}

/* Means over all dimensions but the first and the last, however many there are: of [N, ..., C] as [N, spatial, C]. */
static tn_value *middle_means(tn_build *b, tn_value *v) {
    tn_node *n = b->node;
    tn_value *shape = tn_emit(b, "Shape", n->inputs[0]), *first = tn_build_int(b, "first", 0),
             *last = tn_build_int(b, "last", -1);
    tn_value *batch = tn_emit(b, "Gather", shape, first), *channels = tn_emit(b, "Gather", shape, last);
    tn_value *ones = tn_emit(b, "Sub", tn_emit(b, "Shape", shape), tn_build_int(b, "ends", 2));
    ones = tn_emit(b, "Expand", tn_build_int(b, "one", 1), ones);
    tn_value *flat = tn_emit_int(b, "Concat", "axis", 0, batch, last, channels);
    tn_value *whole = tn_emit_int(b, "Concat", "axis", 0, batch, ones, channels);
    v = tn_emit(b, "ReduceMean", tn_emit(b, "Reshape", v, flat), tn_build_int(b, "axis", 1));
    return tn_emit(b, "Reshape", v, whole);
}

static tn_status global_average_pool(tn_build *b) {
    tn_node *n = b->node;
    bool last = tn_attr_int(n, "channels_last", 0) != 0;
    tn_value *v = floats(b, 0);
    return quantised(b, last ? middle_means(b, v) : tn_emit(b, "GlobalAveragePool", v), 3, 0);
}

/* A reduction whose axes are an attribute here and an input there. */
static tn_value *reduced(tn_build *b, const char *type, tn_value *v) {
    tn_node *n = b->node;
    int count;
    const int64_t *axes = tn_attr_ints(n, "axes", &count);
    tn_value *at = axes ? tn_build_ints(b, "axes", axes, count) : NULL;
    return tn_emit_int(b, type, "keepdims", tn_attr_int(n, "keepdims", 1), v, at);
}

static tn_status reduce_mean(tn_build *b) { return quantised(b, reduced(b, "ReduceMean", floats(b, 0)), 3, 0); }

static tn_status reduce_sum_integer(tn_build *b) {
    tn_node *n = b->node;
    tn_dtype t = tn_up_dtype(n->inputs[0]) == TN_U8 ? TN_U32 : TN_I32;
    if (tn_up_dtype(n->inputs[0]) == TN_NONE)
        return tn_build_fail(b, TN_E_UNSUPPORTED, "whether it sums int8 or uint8 is not known");
    return tn_give(b, 0, reduced(b, "ReduceSum", cast(b, n->inputs[0], t)));
}

/* Below version 13 the axis and all behind it are one dimension. */
static tn_status softmax(tn_build *b) {
    tn_node *n = b->node;
    bool flat = tn_attr_int(n, "opset", 13) < 13;
    int64_t axis = tn_attr_int(n, "axis", -1);
    tn_value *v = floats(b, 0);
    if (flat) v = tn_emit_int(b, "Flatten", "axis", axis, v);
    v = tn_emit_int(b, "Softmax", "axis", flat ? -1 : axis, v);
    if (flat) v = tn_emit(b, "Reshape", v, tn_emit(b, "Shape", n->inputs[0]));
    return quantised(b, v, 3, 0);
}

/* Y_scale, Y_zero_point, then three inputs a tensor. */
static tn_status concat(tn_build *b) {
    tn_node *n = b->node;
    int count = (n->n_inputs - 2) / 3;
    if (count * 3 != n->n_inputs - 2) return tn_build_fail(b, TN_E_GRAPH, "%d inputs", n->n_inputs);
    TN_TRY(need(b, n->n_inputs - 1)); /* the last zero point may be missing, too */
    tn_value **parts = tn_arena_array(n->graph->model->arena, tn_value *, (size_t)count);
    if (!parts) return tn_build_fail(b, TN_E_NOMEM, "%d inputs", n->n_inputs);
    for (int i = 0; i < count; i++) parts[i] = floats(b, 2 + 3 * i);
    tn_value *whole = tn_build_typed(b, tn_build_node(b, "", "Concat", parts, count, 1));
    return quantised(b, tn_with_kept(b, whole, (const char *const[]){ "axis", NULL }), 0, 2);
}

/* ------------------------------------------------------------------------------------------------------------ LSTM */

/* Weights [directions, in, 4 hidden] as LSTM's [directions, 4 hidden, in]; scale and zero point per direction, or per
 * direction and column. */
static tn_value *lstm_weights(tn_build *b, int at, int scale) {
    tn_node *n = b->node;
    tn_value *w = cast(b, n->inputs[at], TN_F32), *form = tn_build_ints(b, "columns", (const int64_t[]){ 0, 1, -1 }, 3);
    tn_value *zero = tn_up_input(n, scale + 1), *s = tn_emit(b, "Reshape", n->inputs[scale], form);
    if (zero) w = tn_emit(b, "Sub", w, tn_emit(b, "Reshape", cast(b, zero, TN_F32), form));
    w = tn_emit(b, "Mul", w, s);
    return tn_emit_with(b, "Transpose", tn_attr_of_ints("perm", (const int64_t[]){ 0, 2, 1 }, 3), w);
}

/* The weights are dequantised; what flows through the cells is never quantised. */
static tn_status lstm(tn_build *b) {
    tn_node *n = b->node;
    static const char *const names[] = { "activation_alpha", "activation_beta", "activations",  "clip",
                                         "direction",        "hidden_size",     "input_forget", NULL };
    tn_value *in[8], *out[3];
    for (int i = 0; i < 8; i++) in[i] = n->inputs[i];
    in[1] = lstm_weights(b, 1, 8), in[2] = lstm_weights(b, 2, 10);
    tn_node *cell = tn_build_node(b, "", "LSTM", in, 8, 3);
    tn_build_keep(b, cell, n, names);
    tn_build_outputs(b, cell, out, 3);
    for (int i = 0; i < 3; i++) tn_give(b, i, out[i]);
    return b->st;
}

/* ----------------------------------------------------------------------------------------------------------- table */

/* Inputs are often three: codes, their scale, their zero point. */
#define QUANTISED(x_, scale_, zero_) \
    { x_, TN_CODES, 'T' }, { scale_, TN_SCALES, 0 }, { zero_, TN_CODES, 'T', .optional = true }
#define RESULT(scale_, zero_) \
    { scale_, TN_SCALES, 0 }, { zero_, TN_CODES, 'T', .optional = true }, { 0 }
#define WINDOW                                                                                                         \
    { "auto_pad", TN_ATTR_STRING, .words = "NOTSET|SAME_UPPER|SAME_LOWER|VALID" }, { "ceil_mode", TN_ATTR_INT },       \
        { "dilations", TN_ATTR_INTS }, { "kernel_shape", TN_ATTR_INTS, .required = true }, { "pads", TN_ATTR_INTS }, { \
        "strides", TN_ATTR_INTS                                                                                        \
    }

#define EIGHT_BITS (tn_dtype_bit(TN_U8) | tn_dtype_bit(TN_I8))
#define F32_ONLY   tn_dtype_bit(TN_F32)

static const tn_port codes_y[] = { { "Y", TN_CODES, 'T' }, { 0 } };
static const tn_port codes_c[] = { { "C", TN_CODES, 'T' }, { 0 } };
static const tn_port codes_z[] = { { "Z", TN_CODES, 'T' }, { 0 } };
static const tn_port unary_in[] = { QUANTISED("X", "X_scale", "X_zero_point"), RESULT("Y_scale", "Y_zero_point") };
static const tn_port mean_in[] = { QUANTISED("data", "data_scale", "data_zero_point"),
                                   RESULT("reduced_scale", "reduced_zero_point") };
static const tn_port mean_out[] = { { "reduced", TN_CODES, 'T' }, { 0 } };
static const tn_port binary_in[] = { QUANTISED("A", "A_scale", "A_zero_point"),
                                     QUANTISED("B", "B_scale", "B_zero_point"), RESULT("C_scale", "C_zero_point") };
static const tn_port where_in[] = { { "condition", TN_BOOLS, 0 },
                                    QUANTISED("X", "x_scale", "x_zero_point"),
                                    QUANTISED("Y", "y_scale", "y_zero_point"),
                                    RESULT("z_scale", "z_zero_point") };
static const tn_port concat_in[] = { { "Y_scale", TN_SCALES, 0 },
                                     { "Y_zero_point", TN_CODES, 'T', .optional = true },
                                     { "X", TN_CODES, 0 },
                                     { "X_scale", TN_SCALES, 0 },
                                     { "inputs", TN_CODES | TN_SCALES, 0, .optional = true, .variadic = true },
                                     { 0 } };
static const tn_port product_in[] = { { "A", TN_CODES, 'T' },
                                      { "A_zero_point", TN_CODES, 'T', .optional = true },
                                      { "B", TN_CODES, 'T' },
                                      { "B_zero_point", TN_CODES, 'T', .optional = true },
                                      { 0 } };
static const tn_port product_out[] = { { "C", TN_I32_ONLY, 0 }, { 0 } };
static const tn_port sum_in[] = { { "data", EIGHT_BITS, 0 }, { 0 } };
static const tn_port sum_out[] = { { "reduced", TN_I32_ONLY | tn_dtype_bit(TN_U32), 0 }, { 0 } };
static const tn_port pool_in[] = { { "x", EIGHT_BITS | TN_FLOATS, 'T' }, { 0 } };
static const tn_port pool_out[] = { { "y", EIGHT_BITS | TN_FLOATS, 'T' }, { 0 } };
static const tn_port lstm_in[] = { { "X", F32_ONLY, 0 },
                                   { "W", EIGHT_BITS, 'W' },
                                   { "R", EIGHT_BITS, 'R' },
                                   { "B", F32_ONLY, 0, .optional = true },
                                   { "sequence_lens", TN_I32_ONLY, 0, .optional = true },
                                   { "initial_h", F32_ONLY, 0, .optional = true },
                                   { "initial_c", F32_ONLY, 0, .optional = true },
                                   { "P", F32_ONLY, 0, .optional = true },
                                   { "W_scale", F32_ONLY, 0 },
                                   { "W_zero_point", EIGHT_BITS, 'W', .optional = true },
                                   { "R_scale", F32_ONLY, 0 },
                                   { "R_zero_point", EIGHT_BITS, 'R', .optional = true },
                                   { 0 } };
static const tn_port lstm_out[] = { { "Y", F32_ONLY, 0, .optional = true },
                                    { "Y_h", F32_ONLY, 0, .optional = true },
                                    { "Y_c", F32_ONLY, 0, .optional = true },
                                    { 0 } };

static const tn_attr_spec lstm_attrs[] = { { "activation_alpha", TN_ATTR_FLOATS },
                                           { "activation_beta", TN_ATTR_FLOATS },
                                           { "activations", TN_ATTR_STRINGS },
                                           { "clip", TN_ATTR_FLOAT },
                                           { "direction", TN_ATTR_STRING, .words = "forward|reverse|bidirectional" },
                                           { "hidden_size", TN_ATTR_INT },
                                           { "input_forget", TN_ATTR_INT, .min = 0, .max = 1 },
                                           { 0 } };
static const tn_attr_spec max_attrs[] = { WINDOW, { 0 } };
static const tn_attr_spec average_attrs[] = {
    WINDOW, { "channels_last", TN_ATTR_INT }, { "count_include_pad", TN_ATTR_INT }, { 0 }
};
static const tn_attr_spec axis_attrs[] = { { "axis", TN_ATTR_INT, .required = true }, { 0 } };
static const tn_attr_spec last_attrs[] = { { "channels_last", TN_ATTR_INT }, { 0 } };
static const tn_attr_spec leaky_attrs[] = { { "alpha", TN_ATTR_FLOAT }, { 0 } };
static const tn_attr_spec reduce_attrs[] = { { "axes", TN_ATTR_INTS, .required = true },
                                             { "keepdims", TN_ATTR_INT, .required = true },
                                             { 0 } };
static const tn_attr_spec softmax_attrs[] = { { "axis", TN_ATTR_INT },
                                              { "opset", TN_ATTR_INT, .required = true },
                                              { 0 } };

const tn_op tn_ops_quant_expand[] = {
    TN_MICROSOFT("DynamicQuantizeLSTM", lstm, lstm_in, lstm_out, lstm_attrs, "LSTM with quantised weights"),
    TN_MICROSOFT("MulInteger", mul_integer, product_in, product_out, NULL,
                 "(A - A_zero_point) (B - B_zero_point), in int32"),
    TN_MICROSOFT("NhwcMaxPool", nhwc_max_pool, pool_in, pool_out, max_attrs, "MaxPool with the channels last"),
    TN_MICROSOFT("QLinearAdd", add, binary_in, codes_c, NULL, "A + B of codes, in codes"),
    TN_MICROSOFT("QLinearAveragePool", average_pool, unary_in, codes_y, average_attrs,
                 "AveragePool of codes, in codes; the channels may be last"),
    TN_MICROSOFT("QLinearConcat", concat, concat_in, codes_y, axis_attrs,
                 "Concat of codes with scales of their own, in codes"),
    TN_MICROSOFT("QLinearGlobalAveragePool", global_average_pool, unary_in, codes_y, last_attrs,
                 "the mean of each channel of codes, in codes; the channels may be last"),
    TN_MICROSOFT("QLinearLeakyRelu", leaky_relu, unary_in, codes_y, leaky_attrs, "LeakyRelu of codes, in codes"),
    TN_MICROSOFT("QLinearMul", mul, binary_in, codes_c, NULL, "A B of codes, in codes"),
    TN_MICROSOFT("QLinearReduceMean", reduce_mean, mean_in, mean_out, reduce_attrs, "means of codes, in codes"),
    TN_MICROSOFT("QLinearSigmoid", sigmoid, unary_in, codes_y, NULL, "Sigmoid of codes, in codes"),
    TN_MICROSOFT("QLinearSoftmax", softmax, unary_in, codes_y, softmax_attrs,
                 "Softmax of codes, in codes; below opset 13 of an axis and all behind it"),
    TN_MICROSOFT("QLinearWhere", where, where_in, codes_z, NULL, "Where of codes, in codes"),
    TN_MICROSOFT("ReduceSumInteger", reduce_sum_integer, sum_in, sum_out, reduce_attrs,
                 "sums of 8-bit integers, in 32 bits"),
    { 0 },
};
