/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* activation_expand.c - activations that are sums of operators, alone and behind a product: what ONNX Runtime's
 * optimiser writes into models. Fusion then finds the parts again. Source: docs/ContribOperators.md of ONNX Runtime,
 * whose results the definitions were compared with; ONNX SwiGLU-28. */
#include "op/core/expand.h"

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

static tn_status swiglu(tn_node *n) {
    TN_TRY(need(n, 2));
    tn_value *gate = un(n, "Swish", n->inputs[0]);
    TN_UP_ROOM(gate);
    TN_TRY(tn_attr_set_float(gate->producer, "alpha", tn_attr_float(n, "alpha", 1)));
    return give(n, 0, bin(n, "Mul", gate, n->inputs[1]));
}

/* ------------------------------------------------------------------------------------------------------- products */

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
