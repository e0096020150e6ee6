/* onnx_decompose_microsoft.c - operators of com.microsoft that are sums of those of ai.onnx: mostly what ONNX Runtime's
 * own optimiser writes into models. Fusion then finds the parts again. Source: docs/ContribOperators.md of ONNX
 * Runtime, whose results the definitions were compared with. */
#include "format/onnx_decompose.h"

static tn_value *with_float(tn_value *v, const char *name, float x) {
    return v && tn_attr_set_float(v->producer, name, x) == TN_OK ? v : NULL;
}

static tn_value *with_word(tn_value *v, const char *name, const char *word) {
    return v && tn_attr_set_string(v->producer, name, word) == TN_OK ? v : NULL;
}

/* n under another name, in ai.onnx: the same inputs, outputs and (some) attributes. */
static tn_status same_as(tn_node *n, const char *type, const char *const *names) {
    tn_node *e = emit(n, "", type, n->inputs, n->n_inputs, n->n_outputs);
    TN_UP_ROOM(e);
    TN_TRY(keep(e, n, names));
    for (int i = 0; i < n->n_outputs; i++) TN_TRY(give(n, i, e->outputs[i]));
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------------- activations */

/* act(v) for the names that fused nodes carry, with parameters a and b. */
static tn_status activate(tn_node *n, tn_value *v, tn_string name, float a, float b, tn_value **out) {
    static const struct {
        const char *word, *type, *a, *b;
    } acts[] = { { "Relu", "Relu", 0, 0 },
                 { "Sigmoid", "Sigmoid", 0, 0 },
                 { "Tanh", "Tanh", 0, 0 },
                 { "HardSwish", "HardSwish", 0, 0 },
                 { "LeakyRelu", "LeakyRelu", "alpha", 0 },
                 { "HardSigmoid", "HardSigmoid", "alpha", "beta" },
                 { "ThresholdedRelu", "ThresholdedRelu", "alpha", 0 },
                 { "Elu", "Elu", "alpha", 0 },
                 { "Softplus", "Softplus", 0, 0 },
                 { "Softsign", "Softsign", 0, 0 },
                 { "Gelu", "Gelu", 0, 0 } };
    *out = v;
    if (name.len == 0) return TN_OK;
    if (name.len == 4 && !memcmp(name.ptr, "Clip", 4)) {
        *out = v ? tri(n, "Clip", v, num(n, a, v), num(n, b, v)) : NULL;
        return TN_OK;
    }
    for (size_t i = 0; i < TN_COUNT(acts); i++) {
        if (strlen(acts[i].word) != name.len || memcmp(acts[i].word, name.ptr, name.len)) continue;
        *out = un(n, acts[i].type, v);
        if (acts[i].a) *out = with_float(*out, acts[i].a, a);
        if (acts[i].b) *out = with_float(*out, acts[i].b, b);
        return TN_OK;
    }
    return tn_fail(TN_E_UNSUPPORTED, "%s: activation '%.*s'", tn_node_where(n), (int)(name.len < 40 ? name.len : 40),
                   name.ptr);
}

static tn_value *gelu_tanh(tn_node *n, tn_value *v) { return with_word(un(n, "Gelu", v), "approximate", "tanh"); }

static tn_status gelu(tn_node *n) {
    TN_TRY(need(n, 1));
    return give(n, 0, un(n, "Gelu", plus(n, n->inputs[0], tn_up_input(n, 1)))); /* BiasGelu has the second one */
}

static tn_status fast_gelu(tn_node *n) {
    TN_TRY(need(n, 1));
    return give(n, 0, gelu_tanh(n, plus(n, n->inputs[0], tn_up_input(n, 1))));
}

static tn_status quick_gelu(tn_node *n) {
    TN_TRY(need(n, 1));
    return give(n, 0, with_float(un(n, "Swish", n->inputs[0]), "alpha", tn_attr_float(n, "alpha", 1.702f)));
}

static tn_status bias_add(tn_node *n) {
    TN_TRY(need(n, 3));
    return give(n, 0, plus(n, plus(n, n->inputs[0], n->inputs[1]), n->inputs[2]));
}

static tn_status bias_split_gelu(tn_node *n) {
    TN_TRY(need(n, 2));
    tn_value *sum = plus(n, n->inputs[0], n->inputs[1]);
    TN_UP_ROOM(sum);
    tn_node *halves = emit(n, "", "Split", &sum, 1, 2);
    TN_UP_ROOM(halves);
    TN_TRY(tn_attr_set_int(halves, "axis", -1));
    TN_TRY(tn_attr_set_int(halves, "num_outputs", 2));
    return give(n, 0, bin(n, "Mul", halves->outputs[0], un(n, "Gelu", halves->outputs[1])));
}

static tn_status bias_softmax(tn_node *n) {
    TN_TRY(need(n, 2));
    if (tn_attr_int(n, "is_inner_broadcast", 1) == 0) return tn_up_fail(n, "a bias that repeats from outside");
    return give(n, 0, with_int(un(n, "Softmax", plus(n, n->inputs[0], n->inputs[1])), "axis", -1));
}

/* ------------------------------------------------------------------------------------------------ matrix products */

/* A product of n's first inputs, with the attributes named, and n's activation behind it. */
static tn_status activated(tn_node *n, const char *domain, const char *type, int inputs, const char *const *names) {
    TN_TRY(need(n, 2));
    tn_node *e = emit(n, domain, type, n->inputs, inputs, 1);
    tn_value *v;
    TN_UP_ROOM(e);
    TN_TRY(keep(e, n, names));
    TN_TRY(activate(n, e->outputs[0], tn_attr_string(n, "activation", ""), tn_attr_float(n, "activation_alpha", 0.01f),
                    tn_attr_float(n, "activation_beta", 0), &v));
    return give(n, 0, v);
}

static tn_status fused_gemm(tn_node *n) {
    static const char *const names[] = { "alpha", "beta", "transA", "transB", NULL };
    return activated(n, "", "Gemm", n->n_inputs, names);
}

static tn_status fused_conv(tn_node *n) {
    static const char *const names[] = { "auto_pad", "dilations", "group", "kernel_shape", "pads", "strides", NULL };
    int count;
    const float *p = tn_attr_floats(n, "activation_params", &count);
    TN_TRY(need(n, 2));
    tn_node *e = emit(n, "", "Conv", n->inputs, n->n_inputs < 3 ? n->n_inputs : 3, 1);
    tn_value *v;
    TN_UP_ROOM(e);
    TN_TRY(keep(e, n, names));
    TN_TRY(activate(n, plus(n, e->outputs[0], tn_up_input(n, 3)), tn_attr_string(n, "activation", ""),
                    p && count > 0 ? p[0] : 0, p && count > 1 ? p[1] : 0, &v));
    return give(n, 0, v);
}

static tn_status fused_matmul_activation(tn_node *n) {
    static const char *const names[] = { "alpha", "transA", "transB", "transBatchA", "transBatchB", NULL };
    return activated(n, n->domain, "FusedMatMul", 2, names);
}

static tn_status gemm_fast_gelu(tn_node *n) {
    TN_TRY(need(n, 2));
    return give(n, 0, gelu_tanh(n, plus(n, bin(n, "MatMul", n->inputs[0], n->inputs[1]), tn_up_input(n, 2))));
}

/* ------------------------------------------------------------------------------------------------- normalisations */

/* sum := the inputs 0 and 1 and the bias; output 3 is that sum. */
static tn_status skip_sum(tn_node *n, int bias, tn_value **sum) {
    TN_TRY(need(n, 3));
    *sum = plus(n, plus(n, n->inputs[0], n->inputs[1]), tn_up_input(n, bias));
    TN_UP_ROOM(*sum);
    return give(n, 3, *sum);
}

static tn_status layer_norm(tn_node *n, tn_value *x, tn_value *gamma, tn_value *beta, float eps, tn_node **out) {
    tn_value *in[] = { x, gamma, beta };
    tn_node *e = *out = emit(n, "", "LayerNormalization", in, beta ? 3 : 2, 3);
    TN_UP_ROOM(e);
    TN_TRY(tn_attr_set_int(e, "axis", -1));
    return tn_attr_set_float(e, "epsilon", eps);
}

static tn_status skip_layer_norm(tn_node *n) {
    tn_value *sum;
    tn_node *e;
    TN_TRY(skip_sum(n, 4, &sum));
    TN_TRY(layer_norm(n, sum, n->inputs[2], tn_up_input(n, 3), tn_attr_float(n, "epsilon", 1e-12f), &e));
    for (int i = 0; i < 3; i++) TN_TRY(give(n, i, e->outputs[i]));
    return TN_OK;
}

/* RMS normalisation of x along the last axes, and 1 / RMS, in float32, as output `rstd` where it is wanted. */
static tn_status rms_norm(tn_node *n, tn_value *x, tn_value *gamma, float eps, int64_t axis, int rstd) {
    tn_value *y = with_float(with_int(bin(n, "RMSNormalization", x, gamma), "axis", axis), "epsilon", eps);
    TN_TRY(give(n, 0, y));
    if (rstd >= n->n_outputs || !n->outputs[rstd]) return TN_OK;
    if (axis != -1) return tn_up_fail(n, "the reciprocal of the deviation along several axes");
    tn_value *mean = bin(n, "ReduceMean", bin(n, "Mul", x, x), tn_up_int(n, "axis", -1));
    tn_value *one = un(n, "Reciprocal", un(n, "Sqrt", mean ? bin(n, "Add", mean, num(n, eps, x)) : NULL));
    return give(n, rstd, with_int(un(n, "Cast", one), "to", tn_dtypes[TN_F32].onnx));
}

static tn_status skip_rms_norm(tn_node *n) {
    tn_value *sum;
    TN_TRY(skip_sum(n, 3, &sum));
    TN_TRY(rms_norm(n, sum, n->inputs[2], tn_attr_float(n, "epsilon", 1e-12f), -1, 2));
    if (n->n_outputs < 2 || !n->outputs[1]) return TN_OK; /* the mean that is not subtracted counts as 0 */
    tn_value *mean = bin(n, "ReduceMean", sum, tn_up_int(n, "axis", -1));
    mean = with_int(un(n, "Cast", mean), "to", tn_dtypes[TN_F32].onnx);
    return give(n, 1, mean ? bin(n, "Sub", mean, mean) : NULL);
}

static tn_status simple_layer_norm(tn_node *n) {
    TN_TRY(need(n, 2));
    return rms_norm(n, n->inputs[0], n->inputs[1], tn_attr_float(n, "epsilon", 1e-5f), tn_attr_int(n, "axis", -1), 1);
}

/* Sum of the embeddings of words, positions and segments, normalised. */
static tn_status embed_layer_norm(tn_node *n) {
    TN_TRY(need(n, 1));
    tn_value *ids = n->inputs[0], *segments = tn_up_input(n, 1), *table = tn_up_input(n, 4), *at = tn_up_input(n, 8),
             *mask = tn_up_input(n, 7), *positions = tn_up_input(n, 3), *gamma = tn_up_input(n, 5),
             *words = tn_up_input(n, 2);
    if (!words || !positions || !gamma)
        return tn_fail(TN_E_GRAPH, "%s: word_embedding, position_embedding or gamma is missing", tn_node_where(n));
    if (at) {
        positions = bin(n, "Gather", positions, at);
    } else { /* the first ones */
        tn_value *shape = un(n, "Shape", ids), *length = bin(n, "Gather", shape, tn_up_int(n, "one", 1));
        tn_value *in[] = { positions, tn_up_int(n, "from", 0), length, tn_up_int(n, "axis", 0) };
        TN_UP_ROOM(in[1] && in[2] && in[3]);
        tn_node *e = emit(n, "", "Slice", in, 4, 1);
        TN_UP_ROOM(e);
        positions = e->outputs[0];
    }
    tn_value *sum = bin(n, "Add", bin(n, "Gather", words, ids), positions);
    if (table) /* without segments all is the first one */
        sum = bin(n, "Add", sum, bin(n, "Gather", table, segments ? segments : tn_up_int(n, "first", 0)));
    TN_UP_ROOM(sum);
    tn_node *norm;
    TN_TRY(layer_norm(n, sum, gamma, tn_up_input(n, 6), tn_attr_float(n, "epsilon", 1e-12f), &norm));
    TN_TRY(give(n, 0, norm->outputs[0]));
    TN_TRY(give(n, 2, sum));
    if (n->n_outputs < 2 || !n->outputs[1]) return TN_OK;
    /* how many words of each sentence count; without a mask nobody asks, and the runtime says 0 */
    tn_value *count = mask ? mask : bin(n, "Sub", ids, ids);
    return give(n, 1, with_int(bin(n, "ReduceSum", count, tn_up_int(n, "axis", 1)), "keepdims", 0));
}

/* ------------------------------------------------------------------------------------------ older names, odds and ends
 */

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

static tn_status grid_sample(tn_node *n) {
    static const char *const names[] = { "padding_mode", "align_corners", NULL };
    TN_TRY(need(n, 2));
    bool cubic = tn_attr_is(n, "mode", "bicubic", "bilinear"), nearest = tn_attr_is(n, "mode", "nearest", "bilinear");
    tn_value *v = with_word(bin(n, "GridSample", n->inputs[0], n->inputs[1]), "mode",
                            cubic     ? "cubic"
                            : nearest ? "nearest"
                                      : "linear");
    TN_UP_ROOM(v);
    TN_TRY(keep(v->producer, n, names));
    return give(n, 0, v);
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

static tn_status linear_attention(tn_node *n) {
    static const char *const names[] = { "chunk_size", "kv_num_heads", "q_num_heads", "scale", "update_rule", NULL };
    if (tn_attr_int(n, "state_window", 0)) return tn_up_fail(n, "states of several steps");
    return same_as(n, "LinearAttention", names);
}

static tn_status causal_conv(tn_node *n) {
    static const char *const names[] = { "activation", NULL };
    if (tn_attr_int(n, "state_window", 0) || tn_attr_int(n, "ndim", 1) != 1)
        return tn_up_fail(n, "states of several steps, or several dimensions");
    return same_as(n, "CausalConvWithState", names);
}

/* --------------------------------------------------------------------------------------------------------- table */

#define MICROSOFT "com.microsoft"

const tn_decomposition tn_decompose_microsoft[] = {
    { MICROSOFT, "BiasAdd", bias_add },
    { MICROSOFT, "BiasGelu", gelu },
    { MICROSOFT, "BiasSoftmax", bias_softmax },
    { MICROSOFT, "BiasSplitGelu", bias_split_gelu },
    { MICROSOFT, "CausalConvWithState", causal_conv },
    { MICROSOFT, "EmbedLayerNormalization", embed_layer_norm },
    { MICROSOFT, "ExpandDims", expand_dims },
    { MICROSOFT, "FastGelu", fast_gelu },
    { MICROSOFT, "FusedConv", fused_conv },
    { MICROSOFT, "FusedGemm", fused_gemm },
    { MICROSOFT, "FusedMatMulActivation", fused_matmul_activation },
    { MICROSOFT, "GatherND", gather_nd },
    { MICROSOFT, "Gelu", gelu },
    { MICROSOFT, "GemmFastGelu", gemm_fast_gelu },
    { MICROSOFT, "GridSample", grid_sample },
    { MICROSOFT, "LinearAttention", linear_attention },
    { MICROSOFT, "Pad", pad },
    { MICROSOFT, "QuickGelu", quick_gelu },
    { MICROSOFT, "Range", range },
    { MICROSOFT, "SimplifiedLayerNormalization", simple_layer_norm },
    { MICROSOFT, "SkipLayerNormalization", skip_layer_norm },
    { MICROSOFT, "SkipSimplifiedLayerNormalization", skip_rms_norm },
    { MICROSOFT, "Trilu", trilu },
    { MICROSOFT, "Unique", unique },
    /* The runtime's optimiser leaves this one in ai.onnx, where it never was. */
    { "", "SimplifiedLayerNormalization", simple_layer_norm },
    { 0 },
};
