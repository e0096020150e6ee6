/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* activation_expand.c - activations that are sums of operators, alone and behind a product: what ONNX Runtime's
 * optimiser writes into models. Fusion then finds the parts again. Source: docs/ContribOperators.md of ONNX Runtime,
 * whose results the definitions were compared with; ONNX SwiGLU-28. */
#include "op/math/activation_expand.h"

/* Parameters of the activation of a fused node. */
typedef struct {
    float alpha, beta, gamma;
    int64_t axis;
} act_params;

static tn_value *scaled(tn_build *b, tn_value *v, float by) {
    return tn_emit(b, "Mul", v, tn_build_like(b, "number", by, v));
}

/* Those that are several operators. */
static tn_value *composed(tn_build *b, const char *word, tn_value *v, const act_params *p) {
    if (!strcmp(word, "Clip"))
        return tn_emit(b, "Clip", v, tn_build_like(b, "number", p->alpha, v), tn_build_like(b, "number", p->beta, v));
    if (!strcmp(word, "Affine"))
        return tn_emit(b, "Add", scaled(b, v, p->alpha), tn_build_like(b, "number", p->beta, v));
    v = tn_emit(b, !strcmp(word, "ScaledTanh") ? "Tanh" : "Softplus", scaled(b, v, p->beta)); /* ParametricSoftplus */
    return scaled(b, v, p->alpha);
}

/* act(v) for the names that fused nodes carry. */
static tn_status activate(tn_build *b, tn_value *v, tn_string name, const act_params *p, tn_value **out) {
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
    if (name.len == 0) return b->st;
    for (size_t i = 0; i < TN_COUNT(acts); i++) {
        if (strlen(acts[i].word) != name.len || memcmp(acts[i].word, name.ptr, name.len)) continue;
        *out = acts[i].type ? tn_emit(b, acts[i].type, v) : composed(b, acts[i].word, v, p);
        if (acts[i].a) tn_with(b, *out, tn_attr_of_float(acts[i].a, p->alpha));
        if (acts[i].b) tn_with(b, *out, tn_attr_of_float(acts[i].b, p->beta));
        if (acts[i].c)
            tn_with(b, *out,
                    *acts[i].c == 'g' ? tn_attr_of_float(acts[i].c, p->gamma) : tn_attr_of_int(acts[i].c, p->axis));
        return b->st;
    }
    return tn_build_fail(b, TN_E_UNSUPPORTED, "activation '%.*s'", (int)(name.len < 40 ? name.len : 40), name.ptr);
}

static tn_value *gelu_tanh(tn_build *b, tn_value *v) {
    return tn_emit_with(b, "Gelu", tn_attr_of_word("approximate", "tanh"), v);
}

static tn_status gelu(tn_build *b) {
    tn_node *n = b->node;
    return tn_give(b, 0,
                   tn_emit(b, "Gelu", plus(b, n->inputs[0], tn_up_input(n, 1)))); /* BiasGelu has the second one */
}

static tn_status fast_gelu(tn_build *b) {
    tn_node *n = b->node;
    return tn_give(b, 0, gelu_tanh(b, plus(b, n->inputs[0], tn_up_input(n, 1))));
}

static tn_status quick_gelu(tn_build *b) {
    tn_node *n = b->node;
    return tn_give(b, 0,
                   tn_emit_with(b, "Swish", tn_attr_of_float("alpha", tn_attr_float(n, "alpha", 1.702f)),
                                n->inputs[0]));
}

static tn_status bias_add(tn_build *b) {
    tn_node *n = b->node;
    return tn_give(b, 0, plus(b, plus(b, n->inputs[0], n->inputs[1]), n->inputs[2]));
}

static tn_status bias_split_gelu(tn_build *b) {
    tn_node *n = b->node;
    tn_value *sum = plus(b, n->inputs[0], n->inputs[1]);
    tn_node *split = tn_build_node(b, "", "Split", &sum, 1, 2);
    tn_value *halves[2];
    tn_build_attr(b, split, tn_attr_of_int("axis", -1));
    tn_build_attr(b, split, tn_attr_of_int("num_outputs", 2));
    tn_build_outputs(b, split, halves, 2);
    return tn_give(b, 0, tn_emit(b, "Mul", halves[0], tn_emit(b, "Gelu", halves[1])));
}

/* softmax(data + bias) over the dimensions from `axis` on. The bias has fewer rows than the data: each of them serves
 * some that follow each other (inner), or all serve in turn, again and again. */
static tn_status bias_softmax(tn_build *b) {
    tn_node *n = b->node;
    bool inner = tn_attr_int(n, "is_inner_broadcast", 1) != 0;
    int64_t axis = tn_attr_int(n, "axis", 1);
    tn_value *x = n->inputs[0], *bias = n->inputs[1];
    if (inner && (axis == -1 || axis == tn_up_rank(x) - 1)) /* plain broadcasting */
        return tn_give(b, 0, tn_emit_int(b, "Softmax", "axis", -1, plus(b, x, bias)));
    tn_value *rows = tn_emit_int(b, "Flatten", "axis", axis, x), *shape = tn_emit(b, "Shape", x);
    tn_value *length = tn_emit(b, "Gather", tn_emit(b, "Shape", rows), tn_build_int(b, "row", 1)),
             *any = tn_build_int(b, "any", -1);
    bias = tn_emit(b, "Reshape", bias, tn_emit_int(b, "Concat", "axis", 0, any, length));
    tn_value *count = tn_emit(b, "Gather", tn_emit(b, "Shape", bias), tn_build_int(b, "rows", 0));
    tn_value *grid = tn_emit_int(b, "Concat", "axis", 0, inner ? count : any, inner ? any : count, length);
    bias = tn_emit(b, "Unsqueeze", bias, tn_build_int(b, "repeated", inner ? 1 : 0));
    tn_value *sum = tn_emit(b, "Add", tn_emit(b, "Reshape", x, grid), bias);
    return tn_give(b, 0, tn_emit(b, "Reshape", tn_emit_int(b, "Softmax", "axis", -1, sum), shape));
}

static tn_status swiglu(tn_build *b) {
    tn_node *n = b->node;
    tn_value *gate = tn_emit_with(b, "Swish", tn_attr_of_float("alpha", tn_attr_float(n, "alpha", 1)), n->inputs[0]);
    return tn_give(b, 0, tn_emit(b, "Mul", gate, n->inputs[1]));
}

/* ------------------------------------------------------------------------------------------------------- products */

/* A product of n's first inputs, with the attributes named, and n's activation behind it. */
static tn_status activated(tn_build *b, const char *domain, const char *type, int inputs, const char *const *names) {
    tn_node *n = b->node;
    tn_node *e = tn_build_node(b, domain, type, n->inputs, inputs, 1);
    tn_value *v;
    TN_TRY(b->st);
    tn_build_keep(b, e, n, names);
    act_params p = { tn_attr_float(n, "activation_alpha", 0.01f), tn_attr_float(n, "activation_beta", 0),
                     tn_attr_float(n, "activation_gamma", 0), tn_attr_int(n, "activation_axis", -1) };
    TN_TRY(activate(b, e->outputs[0], tn_attr_string(n, "activation", ""), &p, &v));
    return tn_give(b, 0, v);
}

static tn_status fused_gemm(tn_build *b) {
    tn_node *n = b->node;
    static const char *const names[] = { "alpha", "beta", "transA", "transB", NULL };
    return activated(b, "", "Gemm", n->n_inputs, names);
}

tn_status tn_expand_fused_conv(tn_build *b, tn_value *x, tn_value *w) {
    tn_node *n = b->node;
    static const char *const names[] = { "auto_pad", "dilations", "group", "kernel_shape", "pads", "strides", NULL };
    int count;
    const float *p = tn_attr_floats(n, "activation_params", &count);
    tn_value *in[] = { x, w, tn_up_input(n, 2) };
    tn_node *e = tn_build_node(b, "", "Conv", in, in[2] ? 3 : 2, 1);
    tn_value *v;
    TN_TRY(b->st);
    tn_build_keep(b, e, n, names);
    act_params a = { .alpha = p && count > 0 ? p[0] : 0, .beta = p && count > 1 ? p[1] : 0, .axis = 1 };
    TN_TRY(activate(b, plus(b, e->outputs[0], tn_up_input(n, 3)), tn_attr_string(n, "activation", ""), &a, &v));
    return tn_give(b, 0, v);
}

static tn_status fused_conv(tn_build *b) { return tn_expand_fused_conv(b, b->node->inputs[0], b->node->inputs[1]); }

static tn_status fused_matmul_activation(tn_build *b) {
    tn_node *n = b->node;
    static const char *const names[] = { "alpha", "transA", "transB", "transBatchA", "transBatchB", NULL };
    return activated(b, n->domain, "FusedMatMul", 2, names);
}

static tn_status gemm_fast_gelu(tn_build *b) {
    tn_node *n = b->node;
    return tn_give(b, 0, gelu_tanh(b, plus(b, tn_emit(b, "MatMul", n->inputs[0], n->inputs[1]), tn_up_input(n, 2))));
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define FLOATS(name_) \
    { name_, TN_FLOATS, 'T' }
#define MAYBE_FLOATS(name_) \
    { name_, TN_FLOATS, 'T', .optional = true }
#define FLAG(name_) \
    { name_, TN_ATTR_INT }
#define NUMBER(name_) \
    { name_, TN_ATTR_FLOAT }

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
static const tn_port swiglu_in[] = { FLOATS("A"), FLOATS("B"), { 0 } };

static const tn_attr_spec alpha_attrs[] = { NUMBER("alpha"), { 0 } };
static const tn_attr_spec bias_softmax_attrs[] = { { "axis", TN_ATTR_INT },
                                                   { "is_inner_broadcast", TN_ATTR_INT, .required = true },
                                                   { 0 } };
static const tn_attr_spec conv_attrs[] = { TN_FUSED_CONV_ATTRS, { 0 } };
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

const tn_op tn_ops_activation_expand[] = {
    TN_MICROSOFT("BiasAdd", bias_add, bias_add_in, y_out, NULL, "X + bias + skip"),
    TN_MICROSOFT("BiasGelu", gelu, bias_gelu_in, bias_gelu_out, NULL, "Gelu of A + B"),
    TN_MICROSOFT("BiasSoftmax", bias_softmax, bias_softmax_in, output_t, bias_softmax_attrs, "Softmax of data + bias"),
    TN_MICROSOFT("BiasSplitGelu", bias_split_gelu, x_bias_in, y_out, NULL,
                 "one half of X + bias times Gelu of the other"),
    TN_MICROSOFT("FastGelu", fast_gelu, fast_gelu_in, y_out, NULL, "Gelu of X + bias, by tanh"),
    TN_MICROSOFT("FusedConv", fused_conv, conv_in, y_out, conv_attrs, "Conv, plus Z, and an activation"),
    TN_MICROSOFT("FusedGemm", fused_gemm, gemm_in, gemm_out, gemm_attrs, "Gemm and an activation"),
    TN_MICROSOFT("FusedMatMulActivation", fused_matmul_activation, matmul_in, y_out, matmul_attrs,
                 "FusedMatMul and an activation"),
    TN_MICROSOFT("Gelu", gelu, x_in, y_out, NULL, "x Phi(x)"),
    TN_MICROSOFT("GemmFastGelu", gemm_fast_gelu, gemm_gelu_in, y_out, NULL, "FastGelu of X W + bias"),
    TN_MICROSOFT("QuickGelu", quick_gelu, x_in, y_out, alpha_attrs, "x sigmoid(alpha x)"),
    TN_EXPANDED(NULL, 28, "SwiGLU", swiglu, swiglu_in, y_out, alpha_attrs, "A sigmoid(alpha A) B"),
    { 0 },
};
