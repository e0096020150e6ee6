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

/* Parameters of the activation of a fused node. */
typedef struct {
    float alpha, beta, gamma;
    int64_t axis;
} act_params;

static tn_value *scaled(tn_node *n, tn_value *v, float by) { return bin(n, "Mul", v, num(n, by, v)); }

/* Those that are several operators. */
static tn_value *composed(tn_node *n, const char *word, tn_value *v, const act_params *p) {
    if (!v) return NULL;
    if (!strcmp(word, "Clip")) return tri(n, "Clip", v, num(n, p->alpha, v), num(n, p->beta, v));
    if (!strcmp(word, "Affine")) return bin(n, "Add", scaled(n, v, p->alpha), num(n, p->beta, v));
    v = un(n, !strcmp(word, "ScaledTanh") ? "Tanh" : "Softplus", scaled(n, v, p->beta)); /* ParametricSoftplus */
    return v ? scaled(n, v, p->alpha) : NULL;
}

/* act(v) for the names that fused nodes carry. */
static tn_status activate(tn_node *n, tn_value *v, tn_string name, const act_params *p, tn_value **out) {
    static const struct {
        const char *word, *type; /* NULL: composed */
        const char *a, *b, *c;   /* what alpha, beta and gamma are called; c: "axis", too */
    } acts[] = { { "Affine", NULL, 0, 0, 0 },
                 { "Celu", "Celu", "alpha", 0, 0 },
                 { "Clip", NULL, 0, 0, 0 },
                 { "Elu", "Elu", "alpha", 0, 0 },
                 { "Gelu", "Gelu", 0, 0, 0 },
                 { "HardSigmoid", "HardSigmoid", "alpha", "beta", 0 },
                 { "HardSwish", "HardSwish", 0, 0, 0 },
                 { "Hardmax", "Hardmax", 0, 0, "axis" },
                 { "Identity", "Identity", 0, 0, 0 },
                 { "LeakyRelu", "LeakyRelu", "alpha", 0, 0 },
                 { "LogSoftmax", "LogSoftmax", 0, 0, "axis" },
                 { "Mish", "Mish", 0, 0, 0 },
                 { "ParametricSoftplus", NULL, 0, 0, 0 },
                 { "Relu", "Relu", 0, 0, 0 },
                 { "ScaledTanh", NULL, 0, 0, 0 },
                 { "Selu", "Selu", "alpha", 0, "gamma" },
                 { "Sigmoid", "Sigmoid", 0, 0, 0 },
                 { "Silu", "Swish", 0, 0, 0 },
                 { "Softmax", "Softmax", 0, 0, "axis" },
                 { "Softplus", "Softplus", 0, 0, 0 },
                 { "Softsign", "Softsign", 0, 0, 0 },
                 { "Tanh", "Tanh", 0, 0, 0 },
                 { "ThresholdedRelu", "ThresholdedRelu", "alpha", 0, 0 } };
    *out = v;
    if (name.len == 0) return TN_OK;
    for (size_t i = 0; i < TN_COUNT(acts); i++) {
        if (strlen(acts[i].word) != name.len || memcmp(acts[i].word, name.ptr, name.len)) continue;
        *out = acts[i].type ? un(n, acts[i].type, v) : composed(n, acts[i].word, v, p);
        if (acts[i].a) *out = with_float(*out, acts[i].a, p->alpha);
        if (acts[i].b) *out = with_float(*out, acts[i].b, p->beta);
        if (acts[i].c)
            *out = *acts[i].c == 'g' ? with_float(*out, acts[i].c, p->gamma) : with_int(*out, acts[i].c, p->axis);
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

/* softmax(data + bias) over the dimensions from `axis` on. The bias has fewer rows than the data: each of them serves
 * some that follow each other (inner), or all serve in turn, again and again. */
static tn_status bias_softmax(tn_node *n) {
    TN_TRY(need(n, 2));
    bool inner = tn_attr_int(n, "is_inner_broadcast", 1) != 0;
    int64_t axis = tn_attr_int(n, "axis", 1);
    tn_value *x = n->inputs[0], *bias = n->inputs[1];
    if (inner && (axis == -1 || axis == tn_up_rank(x) - 1)) /* plain broadcasting */
        return give(n, 0, with_int(un(n, "Softmax", plus(n, x, bias)), "axis", -1));
    tn_value *rows = with_int(un(n, "Flatten", x), "axis", axis), *shape = un(n, "Shape", x);
    tn_value *length = bin(n, "Gather", un(n, "Shape", rows), tn_up_int(n, "row", 1)), *any = tn_up_int(n, "any", -1);
    bias = any ? bin(n, "Reshape", bias, with_int(bin(n, "Concat", any, length), "axis", 0)) : NULL;
    tn_value *count = bin(n, "Gather", un(n, "Shape", bias), tn_up_int(n, "rows", 0));
    tn_value *parts[] = { inner ? count : any, inner ? any : count, length };
    TN_UP_ROOM(shape && length && count);
    tn_node *grid = emit(n, "", "Concat", parts, 3, 1);
    TN_UP_ROOM(grid);
    TN_TRY(tn_attr_set_int(grid, "axis", 0));
    bias = bin(n, "Unsqueeze", bias, tn_up_int(n, "repeated", inner ? 1 : 0));
    tn_value *sum = bias ? bin(n, "Add", bin(n, "Reshape", x, grid->outputs[0]), bias) : NULL;
    return give(n, 0, bin(n, "Reshape", with_int(un(n, "Softmax", sum), "axis", -1), shape));
}

/* ------------------------------------------------------------------------------------------------ matrix products */

/* A product of n's first inputs, with the attributes named, and n's activation behind it. */
static tn_status activated(tn_node *n, const char *domain, const char *type, int inputs, const char *const *names) {
    TN_TRY(need(n, 2));
    tn_node *e = emit(n, domain, type, n->inputs, inputs, 1);
    tn_value *v;
    TN_UP_ROOM(e);
    TN_TRY(keep(e, n, names));
    act_params p = { tn_attr_float(n, "activation_alpha", 0.01f), tn_attr_float(n, "activation_beta", 0),
                     tn_attr_float(n, "activation_gamma", 0), tn_attr_int(n, "activation_axis", -1) };
    TN_TRY(activate(n, e->outputs[0], tn_attr_string(n, "activation", ""), &p, &v));
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
    act_params a = { .alpha = p && count > 0 ? p[0] : 0, .beta = p && count > 1 ? p[1] : 0, .axis = 1 };
    TN_TRY(activate(n, plus(n, e->outputs[0], tn_up_input(n, 3)), tn_attr_string(n, "activation", ""), &a, &v));
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

static tn_value *scalar_int(tn_node *n, int64_t v) {
    return bin(n, "Squeeze", tn_up_int(n, "number", v), tn_up_int(n, "axis", 0));
}

/* RMS normalisation of x along the last axes, and 1 / RMS, in float32, as output `rstd` where it is wanted. */
static tn_status rms_norm(tn_node *n, tn_value *x, tn_value *gamma, float eps, int64_t axis, int rstd) {
    tn_value *y = with_float(with_int(bin(n, "RMSNormalization", x, gamma), "axis", axis), "epsilon", eps);
    TN_TRY(give(n, 0, y));
    if (rstd >= n->n_outputs || !n->outputs[rstd]) return TN_OK;
    tn_value *axes = tn_up_int(n, "axis", -1);
    if (axis != -1) { /* from `axis` to the last one, however many there are */
        tn_value *end = axis < 0 ? scalar_int(n, 0) : un(n, "Size", un(n, "Shape", x));
        axes = tri(n, "Range", scalar_int(n, axis), end, scalar_int(n, 1));
    }
    tn_value *mean = axes ? bin(n, "ReduceMean", bin(n, "Mul", x, x), axes) : NULL;
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

static tn_status linear_attention(tn_node *n) { return tn_decompose_linear_attention(n); }
static tn_status causal_conv(tn_node *n) { return tn_decompose_causal_conv(n); }

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
