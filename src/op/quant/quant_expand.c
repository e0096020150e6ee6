/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* quant_expand.c - com.microsoft's operators on quantised tensors, as what they mean: dequantise, compute,
 * quantise. Source: docs/ContribOperators.md of ONNX Runtime. */
#include "op/core/expand.h"

static tn_value *cast(tn_node *n, tn_value *v, tn_dtype t) {
    return with_int(un(n, "Cast", v), "to", tn_dtypes[t].onnx);
}

/* The attributes that the new node's operator has too. */
static tn_value *with_attrs(tn_value *v, const tn_node *n, const char *const *names) {
    for (; v && *names; names++) {
        const tn_attr *a = tn_attr_find(n, *names);
        if (a && tn_attr_set(v->producer, a) != TN_OK) return NULL;
    }
    return v;
}

/* Inputs at, at + 1, at + 2: codes, scale, zero point (may be missing). */
static tn_value *floats(tn_node *n, int at) {
    return tn_up_emit(n, "DequantizeLinear", n->inputs[at], n->inputs[at + 1], tn_up_input(n, at + 2));
}

/* Output 0 := v in codes, with the scale at input `at` and the zero point behind it, else 0 of the type of input
 * `like`. */
static tn_status quantised(tn_node *n, tn_value *v, int at, int like) {
    tn_value *zero = tn_up_input(n, at + 1);
    if (v && !zero) zero = tn_up_scalar_like(n, "zero", 0, n->inputs[like]);
    if (!v || !zero) return tn_fail(TN_E_NOMEM, "%s: no memory", tn_node_where(n));
    return give(n, 0, tn_up_emit(n, "QuantizeLinear", v, n->inputs[at], zero));
}

static tn_status all_of(const tn_node *n, const int *inputs, int count) {
    for (int i = 0; i < count; i++)
        if (!tn_up_input(n, inputs[i]))
            return tn_fail(TN_E_GRAPH, "%s: input %d is missing", tn_node_where(n), inputs[i]);
    return TN_OK;
}
#define NEED(n, ...) \
    TN_TRY(all_of(n, (const int[]){ __VA_ARGS__ }, (int)(sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))))

/* ---------------------------------------------------------------------------------------------------- element by
 * element */

static tn_status binary(tn_node *n, const char *type) {
    NEED(n, 0, 1, 3, 4, 6);
    return quantised(n, bin(n, type, floats(n, 0), floats(n, 3)), 6, 0);
}

static tn_status add(tn_node *n) { return binary(n, "Add"); }
static tn_status mul(tn_node *n) { return binary(n, "Mul"); }

static tn_status sigmoid(tn_node *n) {
    NEED(n, 0, 1, 3);
    return quantised(n, un(n, "Sigmoid", floats(n, 0)), 3, 0);
}

static tn_status leaky_relu(tn_node *n) {
    NEED(n, 0, 1, 3);
    tn_value *v = un(n, "LeakyRelu", floats(n, 0));
    return quantised(n, with_attrs(v, n, (const char *const[]){ "alpha", NULL }), 3, 0);
}

static tn_status where(tn_node *n) {
    NEED(n, 0, 1, 2, 4, 5, 7);
    tn_value *x = floats(n, 1), *y = floats(n, 4);
    return quantised(n, x && y ? tn_up_emit(n, "Where", n->inputs[0], x, y) : NULL, 7, 1);
}

static tn_status mul_integer(tn_node *n) {
    NEED(n, 0, 2);
    tn_value *side[2];
    for (int i = 0; i < 2; i++) {
        side[i] = cast(n, n->inputs[2 * i], TN_I32);
        tn_value *zero = tn_up_input(n, 2 * i + 1);
        if (zero) side[i] = (zero = cast(n, zero, TN_I32)) ? bin(n, "Sub", side[i], zero) : NULL;
        TN_UP_ROOM(side[i]);
    }
    return give(n, 0, bin(n, "Mul", side[0], side[1]));
}

/* ------------------------------------------------------------------------------------------------- along some
 * dimensions */

/* [N, spatial, C] to [N, C, spatial], or back. */
static tn_value *move_channels(tn_node *n, tn_value *v, int rank, bool to_front) {
    int64_t perm[TN_MAX_RANK] = { 0 };
    for (int i = 1; i < rank; i++) perm[i] = to_front ? (i == 1 ? rank - 1 : i - 1) : (i == rank - 1 ? 1 : i + 1);
    v = un(n, "Transpose", v);
    return v && tn_attr_set_ints(v->producer, "perm", perm, rank) == TN_OK ? v : NULL;
}

static tn_status kernel_rank(const tn_node *n, int *rank) {
    int count;
    if (!tn_attr_ints(n, "kernel_shape", &count))
        return tn_fail(TN_E_INVALID, "%s: kernel_shape is missing", tn_node_where(n));
    *rank = count + 2;
    return *rank <= TN_MAX_RANK ? TN_OK : tn_fail(TN_E_SHAPE, "%s: %d dimensions", tn_node_where(n), *rank);
}

static const char *const window[] = { "auto_pad",     "ceil_mode", "count_include_pad", "dilations",
                                      "kernel_shape", "pads",      "strides",           NULL };

static tn_status average_pool(tn_node *n) {
    int rank = 0;
    bool last = tn_attr_int(n, "channels_last", 0) != 0;
    NEED(n, 0, 1, 3);
    TN_TRY(kernel_rank(n, &rank));
    tn_value *v = floats(n, 0);
    if (last) v = move_channels(n, v, rank, true);
    v = with_attrs(un(n, "AveragePool", v), n, window);
    if (last) v = move_channels(n, v, rank, false);
    return quantised(n, v, 3, 0);
}

static tn_status nhwc_max_pool(tn_node *n) {
    int rank = 0;
    NEED(n, 0);
    TN_TRY(kernel_rank(n, &rank));
    tn_value *v = with_attrs(un(n, "MaxPool", move_channels(n, n->inputs[0], rank, true)), n, window);
    return give(n, 0, move_channels(n, v, rank, false));
}

/* Means over all dimensions but the first and the last, however many there are: of [N, ..., C] as [N, spatial, C]. */
static tn_value *middle_means(tn_node *n, tn_value *v) {
    tn_value *shape = un(n, "Shape", n->inputs[0]), *first = tn_up_int(n, "first", 0), *last = tn_up_int(n, "last", -1);
    tn_value *batch = bin(n, "Gather", shape, first), *channels = bin(n, "Gather", shape, last);
    tn_value *ones = bin(n, "Sub", un(n, "Shape", shape), tn_up_int(n, "ends", 2));
    ones = bin(n, "Expand", tn_up_int(n, "one", 1), ones);
    if (!batch || !last || !channels || !ones) return NULL;
    tn_node *flat = emit(n, "", "Concat", (tn_value *[]){ batch, last, channels }, 3, 1);
    tn_node *whole = emit(n, "", "Concat", (tn_value *[]){ batch, ones, channels }, 3, 1);
    if (!flat || !whole) return NULL;
    v = bin(n, "ReduceMean", bin(n, "Reshape", v, with_int(flat->outputs[0], "axis", 0)), tn_up_int(n, "axis", 1));
    return v ? bin(n, "Reshape", v, with_int(whole->outputs[0], "axis", 0)) : NULL;
}

static tn_status global_average_pool(tn_node *n) {
    NEED(n, 0, 1, 3);
    bool last = tn_attr_int(n, "channels_last", 0) != 0;
    tn_value *v = floats(n, 0);
    return quantised(n, last ? middle_means(n, v) : un(n, "GlobalAveragePool", v), 3, 0);
}

/* A reduction whose axes are an attribute here and an input there. */
static tn_value *reduced(tn_node *n, const char *type, tn_value *v) {
    int count;
    const int64_t *axes = tn_attr_ints(n, "axes", &count);
    tn_value *at = axes ? tn_up_ints(n, "axes", axes, count) : NULL;
    if (axes && !at) return NULL;
    return with_int(tn_up_emit(n, type, v, at, NULL), "keepdims", tn_attr_int(n, "keepdims", 1));
}

static tn_status reduce_mean(tn_node *n) {
    NEED(n, 0, 1, 3);
    return quantised(n, reduced(n, "ReduceMean", floats(n, 0)), 3, 0);
}

static tn_status reduce_sum_integer(tn_node *n) {
    NEED(n, 0);
    tn_dtype t = tn_up_dtype(n->inputs[0]) == TN_U8 ? TN_U32 : TN_I32;
    if (tn_up_dtype(n->inputs[0]) == TN_NONE)
        return tn_fail(TN_E_UNSUPPORTED, "%s: whether it sums int8 or uint8 is not known", tn_node_where(n));
    return give(n, 0, reduced(n, "ReduceSum", cast(n, n->inputs[0], t)));
}

/* Below version 13 the axis and all behind it are one dimension. */
static tn_status softmax(tn_node *n) {
    NEED(n, 0, 1, 3);
    bool flat = tn_attr_int(n, "opset", 13) < 13;
    int64_t axis = tn_attr_int(n, "axis", -1);
    tn_value *x = floats(n, 0), *v = x;
    if (flat) v = with_int(un(n, "Flatten", v), "axis", axis);
    v = with_int(un(n, "Softmax", v), "axis", flat ? -1 : axis);
    if (flat && v) {
        tn_value *shape = un(n, "Shape", n->inputs[0]);
        v = shape ? bin(n, "Reshape", v, shape) : NULL;
    }
    return quantised(n, v, 3, 0);
}

/* Y_scale, Y_zero_point, then three inputs a tensor. */
static tn_status concat(tn_node *n) {
    int count = (n->n_inputs - 2) / 3;
    NEED(n, 0, 2, 3);
    if (count * 3 != n->n_inputs - 2) return tn_fail(TN_E_GRAPH, "%s: %d inputs", tn_node_where(n), n->n_inputs);
    tn_value **parts = tn_arena_array(n->graph->model->arena, tn_value *, (size_t)count);
    TN_UP_ROOM(parts);
    for (int i = 0; i < count; i++) {
        NEED(n, 2 + 3 * i, 3 + 3 * i);
        parts[i] = floats(n, 2 + 3 * i);
        TN_UP_ROOM(parts[i]);
    }
    tn_node *whole = emit(n, "", "Concat", parts, count, 1);
    TN_UP_ROOM(whole);
    return quantised(n, with_attrs(whole->outputs[0], n, (const char *const[]){ "axis", NULL }), 0, 2);
}

/* ------------------------------------------------------------------------------------------------------------ LSTM */

/* Weights [directions, in, 4 hidden] as LSTM's [directions, 4 hidden, in]; scale and zero point per direction, or per
 * direction and column. */
static tn_value *lstm_weights(tn_node *n, int at, int scale) {
    tn_value *w = cast(n, n->inputs[at], TN_F32), *form = tn_up_ints(n, "columns", (const int64_t[]){ 0, 1, -1 }, 3);
    tn_value *zero = tn_up_input(n, scale + 1), *s = form ? bin(n, "Reshape", n->inputs[scale], form) : NULL;
    if (w && zero) {
        zero = bin(n, "Reshape", cast(n, zero, TN_F32), form);
        w = zero ? bin(n, "Sub", w, zero) : NULL;
    }
    w = s ? bin(n, "Mul", w, s) : NULL;
    w = un(n, "Transpose", w);
    return w && tn_attr_set_ints(w->producer, "perm", (const int64_t[]){ 0, 2, 1 }, 3) == TN_OK ? w : NULL;
}

/* The weights are dequantised; what flows through the cells is never quantised. */
static tn_status lstm(tn_node *n) {
    static const char *const names[] = { "activation_alpha", "activation_beta", "activations",  "clip",
                                         "direction",        "hidden_size",     "input_forget", NULL };
    NEED(n, 0, 1, 2, 8, 10);
    tn_value *in[8];
    for (int i = 0; i < 8; i++) in[i] = n->inputs[i];
    in[1] = lstm_weights(n, 1, 8), in[2] = lstm_weights(n, 2, 10);
    TN_UP_ROOM(in[1] && in[2]);
    tn_node *cell = emit(n, "", "LSTM", in, 8, 3);
    TN_UP_ROOM(cell);
    TN_UP_ROOM(with_attrs(cell->outputs[0], n, names));
    for (int i = 0; i < 3; i++) TN_TRY(give(n, i, cell->outputs[i]));
    return TN_OK;
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
