/* onnx_decompose_quantized.c - com.microsoft's operators on quantised tensors, as what they mean: dequantise, compute,
 * quantise. Source: docs/ContribOperators.md of ONNX Runtime. */
#include "format/onnx_decompose.h"

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
    tn_node *flat = tn_node_new(n->graph, n, "", "Concat", (tn_value *[]){ batch, last, channels }, 3, 1);
    tn_node *whole = tn_node_new(n->graph, n, "", "Concat", (tn_value *[]){ batch, ones, channels }, 3, 1);
    if (!flat || !whole) return NULL;
    flat->version = whole->version = TN_ONNX_OPSET_MAX;
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
    tn_node *whole = tn_node_new(n->graph, n, "", "Concat", parts, count, 1);
    TN_UP_ROOM(whole);
    whole->version = TN_ONNX_OPSET_MAX;
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
    tn_node *cell = tn_node_new(n->graph, n, "", "LSTM", in, 8, 3);
    TN_UP_ROOM(cell);
    cell->version = TN_ONNX_OPSET_MAX;
    TN_UP_ROOM(with_attrs(cell->outputs[0], n, names));
    for (int i = 0; i < 3; i++) TN_TRY(give(n, i, cell->outputs[i]));
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- table */

#define MICROSOFT "com.microsoft"
const tn_decomposition tn_decompose_quantized[] = {
    { MICROSOFT, "DynamicQuantizeLSTM", lstm },
    { MICROSOFT, "MulInteger", mul_integer },
    { MICROSOFT, "NhwcMaxPool", nhwc_max_pool },
    { MICROSOFT, "QLinearAdd", add },
    { MICROSOFT, "QLinearAveragePool", average_pool },
    { MICROSOFT, "QLinearConcat", concat },
    { MICROSOFT, "QLinearGlobalAveragePool", global_average_pool },
    { MICROSOFT, "QLinearLeakyRelu", leaky_relu },
    { MICROSOFT, "QLinearMul", mul },
    { MICROSOFT, "QLinearReduceMean", reduce_mean },
    { MICROSOFT, "QLinearSigmoid", sigmoid },
    { MICROSOFT, "QLinearSoftmax", softmax },
    { MICROSOFT, "QLinearWhere", where },
    { MICROSOFT, "ReduceSumInteger", reduce_sum_integer },
    { 0 },
};
