/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* decompose_microsoft.c - operators of com.microsoft that are sums of those of ai.onnx: mostly what ONNX Runtime's
 * own optimiser writes into models. Fusion then finds the parts again. Source: docs/ContribOperators.md of ONNX
 * Runtime, whose results the definitions were compared with. */
#include "format/onnx/decompose.h"

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

/* --------------------------------------------------------------------------------------------------------- table */

#define FLOATS(name_) \
    { name_, TN_FLOATS, 'T' }
#define MAYBE_FLOATS(name_) \
    { name_, TN_FLOATS, 'T', .optional = true }
#define ANY(name_) \
    { name_, TN_ANY_TYPE, 'T' }
#define FLAG(name_) \
    { name_, TN_ATTR_INT }
#define NUMBER(name_) \
    { name_, TN_ATTR_FLOAT }

static const tn_port y_any[] = { ANY("Y"), { 0 } };
static const tn_port x_in[] = { FLOATS("X"), { 0 } }, y_out[] = { FLOATS("Y"), { 0 } };
static const tn_port bias_gelu_in[] = { FLOATS("A"), FLOATS("B"), { 0 } }, bias_gelu_out[] = { FLOATS("C"), { 0 } };
static const tn_port x_bias_in[] = { FLOATS("X"), FLOATS("bias"), { 0 } };
static const tn_port fast_gelu_in[] = { FLOATS("X"), MAYBE_FLOATS("bias"), { 0 } };
static const tn_port bias_add_in[] = { FLOATS("X"), FLOATS("bias"), FLOATS("skip"), { 0 } };
static const tn_port bias_softmax_in[] = { FLOATS("data"), FLOATS("bias"), { 0 } };
static const tn_port output_t[] = { FLOATS("output"), { 0 } };

static const tn_port conv_in[] = { FLOATS("X"), FLOATS("W"), MAYBE_FLOATS("B"), MAYBE_FLOATS("Z"), { 0 } };
static const tn_port gemm_in[] = {
    { "A", TN_REAL, 'T' }, { "B", TN_REAL, 'T' }, { "C", TN_REAL, 'T', .optional = true }, { 0 }
};
static const tn_port gemm_out[] = { { "Y", TN_REAL, 'T' }, { 0 } };
static const tn_port matmul_in[] = { FLOATS("A"), FLOATS("B"), { 0 } };
static const tn_port gemm_gelu_in[] = { FLOATS("X"), FLOATS("W"), MAYBE_FLOATS("bias"), { 0 } };

static const tn_port skip_in[] = { FLOATS("input"),      FLOATS("skip"),       FLOATS("gamma"),
                                   MAYBE_FLOATS("beta"), MAYBE_FLOATS("bias"), { 0 } };
static const tn_port skip_rms_in[] = { FLOATS("input"), FLOATS("skip"), FLOATS("gamma"), MAYBE_FLOATS("bias"), { 0 } };
static const tn_port skip_out[] = { FLOATS("output"),
                                    { "mean", TN_FLOATS, 0, .optional = true },
                                    { "inv_std_var", TN_FLOATS, 0, .optional = true },
                                    MAYBE_FLOATS("input_skip_bias_sum"),
                                    { 0 } };
static const tn_port rms_in[] = { { "X", TN_FLOATS, 0 }, { "scale", TN_FLOATS, 'T' }, { 0 } };
static const tn_port rms_out[] = { FLOATS("Y"), { "inv_std_var", TN_FLOATS, 0, .optional = true }, { 0 } };
static const tn_port embed_in[] = { { "input_ids", TN_INDEX, 0 },
                                    { "segment_ids", TN_INDEX, 0, .optional = true },
                                    FLOATS("word_embedding"),
                                    FLOATS("position_embedding"),
                                    MAYBE_FLOATS("segment_embedding"),
                                    FLOATS("gamma"),
                                    MAYBE_FLOATS("beta"),
                                    { "mask", TN_INDEX, 0, .optional = true },
                                    { "position_ids", TN_INDEX, 0, .optional = true },
                                    { 0 } };
static const tn_port embed_out[] = {
    FLOATS("output"), { "mask_index", TN_INDEX, 0, .optional = true }, MAYBE_FLOATS("embedding_sum"), { 0 }
};

static const tn_port trilu_in[] = { ANY("X"), { "k", TN_I64_ONLY, 0, .optional = true }, { 0 } };
static const tn_port range_in[] = {
    { "start", TN_REAL, 'T' }, { "limit", TN_REAL, 'T' }, { "delta", TN_REAL, 'T', .optional = true }, { 0 }
};
static const tn_port range_out[] = { { "Y", TN_REAL, 'T' }, { 0 } };
static const tn_port gather_in[] = { ANY("data"), { "indices", TN_INDEX, 0 }, { 0 } };
static const tn_port output_any[] = { ANY("output"), { 0 } };
static const tn_port grid_in[] = { ANY("X"), { "Grid", TN_FLOATS, 0 }, { 0 } };
static const tn_port pad_in[] = {
    ANY("data"), { "pads", TN_I64_ONLY, 0 }, { "value", TN_ANY_TYPE, 'T', .optional = true }, { 0 }
};
static const tn_port unique_in[] = { ANY("x"), { 0 } };
static const tn_port unique_out[] = {
    ANY("y"), { "idx", TN_I64_ONLY, 0, .optional = true }, { "counts", TN_I64_ONLY, 0, .optional = true }, { 0 }
};
static const tn_port expand_in[] = { ANY("X"), { "axis", TN_INDEX, 0 }, { 0 } };
static const tn_port linear_in[] = { FLOATS("query"),
                                     FLOATS("key"),
                                     FLOATS("value"),
                                     { "past_state", TN_FLOATS, 0, .optional = true },
                                     MAYBE_FLOATS("decay"),
                                     MAYBE_FLOATS("beta"),
                                     { 0 } };
static const tn_port linear_out[] = { FLOATS("output"), { "present_state", TN_FLOATS, 0, .optional = true }, { 0 } };
static const tn_port causal_in[] = {
    FLOATS("input"), FLOATS("weight"), MAYBE_FLOATS("bias"), MAYBE_FLOATS("past_state"), { 0 }
};
static const tn_port causal_out[] = { FLOATS("output"), MAYBE_FLOATS("present_state"), { 0 } };

static const tn_attr_spec alpha_attrs[] = { NUMBER("alpha"), { 0 } };
static const tn_attr_spec epsilon_attrs[] = { NUMBER("epsilon"), { 0 } };
static const tn_attr_spec rms_attrs[] = {
    { "axis", TN_ATTR_INT }, NUMBER("epsilon"), { "stash_type", TN_ATTR_INT }, { 0 }
};
static const tn_attr_spec embed_attrs[] = { NUMBER("epsilon"), { "mask_index_type", TN_ATTR_INT }, { 0 } };
static const tn_attr_spec bias_softmax_attrs[] = { { "axis", TN_ATTR_INT },
                                                   { "is_inner_broadcast", TN_ATTR_INT, .required = true },
                                                   { 0 } };
static const tn_attr_spec conv_attrs[] = { { "activation", TN_ATTR_STRING },
                                           { "activation_params", TN_ATTR_FLOATS },
                                           { "auto_pad", TN_ATTR_STRING,
                                             .words = "NOTSET|SAME_UPPER|SAME_LOWER|VALID" },
                                           { "dilations", TN_ATTR_INTS },
                                           { "group", TN_ATTR_INT },
                                           { "kernel_shape", TN_ATTR_INTS },
                                           { "pads", TN_ATTR_INTS },
                                           { "strides", TN_ATTR_INTS },
                                           { 0 } };
static const tn_attr_spec gemm_attrs[] = { { "activation", TN_ATTR_STRING },
                                           NUMBER("activation_alpha"),
                                           NUMBER("activation_beta"),
                                           NUMBER("activation_gamma"),
                                           NUMBER("alpha"),
                                           NUMBER("beta"),
                                           FLAG("transA"),
                                           FLAG("transB"),
                                           { 0 } };
static const tn_attr_spec matmul_attrs[] = { { "activation", TN_ATTR_STRING, .required = true },
                                             NUMBER("activation_alpha"),
                                             { "activation_axis", TN_ATTR_INT },
                                             NUMBER("activation_beta"),
                                             NUMBER("activation_gamma"),
                                             NUMBER("alpha"),
                                             FLAG("transA"),
                                             FLAG("transB"),
                                             FLAG("transBatchA"),
                                             FLAG("transBatchB"),
                                             { 0 } };
static const tn_attr_spec grid_attrs[] = { FLAG("align_corners"),
                                           { "mode", TN_ATTR_STRING, .words = "bilinear|nearest|bicubic" },
                                           { "padding_mode", TN_ATTR_STRING, .words = "zeros|border|reflection" },
                                           { 0 } };
static const tn_attr_spec pad_attrs[] = { { "mode", TN_ATTR_STRING, .words = "constant|reflect|edge|wrap" }, { 0 } };
static const tn_attr_spec trilu_attrs[] = { FLAG("upper"), { 0 } };
static const tn_attr_spec linear_attrs[] = {
    { "chunk_size", TN_ATTR_INT },
    { "kv_num_heads", TN_ATTR_INT, .required = true, .min = 1, .max = INT32_MAX },
    { "q_num_heads", TN_ATTR_INT, .required = true, .min = 1, .max = INT32_MAX },
    NUMBER("scale"),
    { "state_window", TN_ATTR_INT, .min = 0, .max = 8 },
    { "update_rule", TN_ATTR_STRING, .words = "linear|gated|delta|gated_delta" },
    { 0 }
};
static const tn_attr_spec causal_attrs[] = {
    { "activation", TN_ATTR_STRING, .words = "none|silu|swish" }, FLAG("channels_last"),
    { "dilation", TN_ATTR_INT, .min = 1, .max = INT32_MAX },      { "ndim", TN_ATTR_INT, .min = 1, .max = 3 },
    { "state_window", TN_ATTR_INT, .min = 0, .max = 8 },          { 0 }
};

#define RMS_DOC "each row divided by its root mean square, then scaled"

const tn_decomposition tn_decompose_microsoft[] = {
    TN_MICROSOFT("BiasAdd", bias_add, bias_add_in, y_out, NULL, "X + bias + skip"),
    TN_MICROSOFT("BiasGelu", gelu, bias_gelu_in, bias_gelu_out, NULL, "Gelu of A + B"),
    TN_MICROSOFT("BiasSoftmax", bias_softmax, bias_softmax_in, output_t, bias_softmax_attrs, "Softmax of data + bias"),
    TN_MICROSOFT("BiasSplitGelu", bias_split_gelu, x_bias_in, y_out, NULL,
                 "one half of X + bias times Gelu of the other"),
    TN_MICROSOFT("CausalConvWithState", tn_decompose_causal_conv, causal_in, causal_out, causal_attrs,
                 "depthwise convolution of the past, whose end is kept for the next call"),
    TN_MICROSOFT("EmbedLayerNormalization", embed_layer_norm, embed_in, embed_out, embed_attrs,
                 "the sum of the embeddings of words, positions and segments, normalised"),
    TN_MICROSOFT("ExpandDims", expand_dims, expand_in, y_any, NULL, "one dimension of size 1 more"),
    TN_MICROSOFT("FastGelu", fast_gelu, fast_gelu_in, y_out, NULL, "Gelu of X + bias, by tanh"),
    TN_MICROSOFT("FusedConv", fused_conv, conv_in, y_out, conv_attrs, "Conv, plus Z, and an activation"),
    TN_MICROSOFT("FusedGemm", fused_gemm, gemm_in, gemm_out, gemm_attrs, "Gemm and an activation"),
    TN_MICROSOFT("FusedMatMulActivation", fused_matmul_activation, matmul_in, y_out, matmul_attrs,
                 "FusedMatMul and an activation"),
    TN_MICROSOFT("GatherND", gather_nd, gather_in, output_any, NULL, "the slices that tuples of indices name"),
    TN_MICROSOFT("Gelu", gelu, x_in, y_out, NULL, "x Phi(x)"),
    TN_MICROSOFT("GemmFastGelu", gemm_fast_gelu, gemm_gelu_in, y_out, NULL, "FastGelu of X W + bias"),
    TN_MICROSOFT("GridSample", grid_sample, grid_in, y_any, grid_attrs, "X at the places that a grid names"),
    TN_MICROSOFT("LinearAttention", tn_decompose_linear_attention, linear_in, linear_out, linear_attrs,
                 "attention by a recurrent state instead of a softmax"),
    TN_MICROSOFT("Pad", pad, pad_in, output_any, pad_attrs, "borders added or cut off"),
    TN_MICROSOFT("QuickGelu", quick_gelu, x_in, y_out, alpha_attrs, "x sigmoid(alpha x)"),
    TN_MICROSOFT("Range", range, range_in, range_out, NULL, "start, start + delta, .. below limit"),
    TN_MICROSOFT("SimplifiedLayerNormalization", simple_layer_norm, rms_in, rms_out, rms_attrs, RMS_DOC),
    TN_MICROSOFT("SkipLayerNormalization", skip_layer_norm, skip_in, skip_out, epsilon_attrs,
                 "LayerNormalization of input + skip + bias"),
    TN_MICROSOFT("SkipSimplifiedLayerNormalization", skip_rms_norm, skip_rms_in, skip_out, epsilon_attrs,
                 "RMSNormalization of input + skip + bias"),
    TN_MICROSOFT("Trilu", trilu, trilu_in, y_any, trilu_attrs, "the upper or lower triangle, else zeros"),
    TN_MICROSOFT("Unique", unique, unique_in, unique_out, NULL, "the different values in the order they come"),
    /* The runtime's optimiser leaves this one in ai.onnx, where it never was. */
    TN_DEFINED(NULL, 1, "SimplifiedLayerNormalization", simple_layer_norm, rms_in, rms_out, rms_attrs, RMS_DOC),
    { .fn = NULL },
};
