/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gradient_examples.c - at least one example per differentiable operator; more where formulas have cases. */
#include "lib/gradient_examples.h"
#include <stddef.h>
#include <string.h>

/* x2 ? x0 x1 : sin(x0) + x3, twice nested */
static void branches(ob *b) {
    ob *inner[2] = { ob_graph(), ob_graph() }, *outer[2] = { ob_graph(), ob_graph() };
    ob_node(inner[0], "Mul", "x0 x1", "p");
    ob_output(inner[0], "p");
    ob_node(inner[1], "Exp", "x1", "e");
    ob_output(inner[1], "e");
    ob_node(outer[0], "If", "x2", "r");
    ob_subgraph(outer[0], "then_branch", inner[0]);
    ob_subgraph(outer[0], "else_branch", inner[1]);
    ob_output(outer[0], "r");
    ob_node(outer[1], "Sin", "x0", "s");
    ob_node(outer[1], "Add", "s x3", "a");
    ob_output(outer[1], "a");
    ob_node(b, "If", "x2", "y0");
    ob_subgraph(b, "then_branch", outer[0]);
    ob_subgraph(b, "else_branch", outer[1]);
}

/* h = tanh(h x2 + x); shown: h x. x0: first h, x1: the xs, x2: captured. */
static ob *scan_body(void) {
    ob *g = ob_graph();
    ob_input(g, "h", TN_F64, "2");
    ob_input(g, "x", TN_F64, "2");
    ob_node(g, "Mul", "h x2", "p");
    ob_node(g, "Add", "p x", "q");
    ob_node(g, "Tanh", "q", "hn");
    ob_node(g, "Mul", "hn x", "shown");
    ob_output(g, "hn");
    ob_output(g, "shown");
    return g;
}

static void scan(ob *b) {
    ob_node(b, "Scan", "x0 x1", "y0 y1");
    ob_int(b, "num_scan_inputs", 1);
    ob_subgraph(b, "body", scan_body());
}

static void scan_backwards(ob *b) {
    ob_node(b, "Scan", "x0 x1", "y0 y1");
    ob_int(b, "num_scan_inputs", 1);
    ob_ints(b, "scan_input_axes", (int64_t[]){ 1 }, 1);
    ob_ints(b, "scan_input_directions", (int64_t[]){ 1 }, 1);
    ob_ints(b, "scan_output_axes", (int64_t[]){ -1 }, 1);
    ob_ints(b, "scan_output_directions", (int64_t[]){ 1 }, 1);
    ob_subgraph(b, "body", scan_body());
}

/* v = sin(v) x1 + i, as long as sum(v) < 2 and i < x2; shown: v x1. */
static void loop(ob *b) {
    ob *g = ob_graph();
    ob_input(g, "i", TN_I64, "");
    ob_input(g, "c", TN_BOOL, "");
    ob_input(g, "v", TN_F64, "2");
    ob_node(g, "Sin", "v", "s");
    ob_node(g, "Mul", "s x1", "p");
    ob_node(g, "CastLike", "i v", "f");
    ob_node(g, "Add", "p f", "vn");
    ob_node(g, "ReduceSum", "vn", "sum");
    ob_int(g, "keepdims", 0);
    ob_node(g, "Mul", "v x1", "shown");
    ob_node(g, "Less", "sum x3", "go");
    ob_output(g, "go");
    ob_output(g, "vn");
    ob_output(g, "shown");
    ob_node(b, "Loop", "x2 _ x0", "y0 y1");
    ob_subgraph(b, "body", g);
}

/* Scales are float32 at best. */
static void dequantize(ob *b) {
    ob_node(b, "Cast", "x1", "scale");
    ob_int(b, "to", 1);
    ob_node(b, "DequantizeLinear", "x0 scale x2", "y");
    ob_node(b, "Cast", "y", "y0");
    ob_int(b, "to", 11);
}

/* Operators that know no float64: the inputs of this list go through float32, and so does the result. */
static void narrow(ob *b, const char *floats) {
    for (const char *p = floats; *p; p++) {
        char in[4] = { 'x', *p }, out[4] = { 'f', *p };
        ob_node(b, "Cast", in, out);
        ob_int(b, "to", 1);
    }
}

static void widen(ob *b) {
    ob_node(b, "Cast", "y", "y0");
    ob_int(b, "to", 11);
}

static void blocked(ob *b) {
    narrow(b, "1");
    ob_node(b, "DequantizeLinear", "x0 f1", "y");
    ob_int(b, "axis", 1);
    ob_int(b, "block_size", 2);
    widen(b);
}

static void microsoft_dequantize(ob *b) {
    narrow(b, "1");
    ob_node(b, "com.microsoft::DequantizeLinear", "x0 f1 x2", "y");
    ob_int(b, "axis", 0);
    widen(b);
}

static void nbits(ob *b) {
    narrow(b, "0245");
    ob_node(b, "com.microsoft::MatMulNBits", "f0 x1 f2 x3 _ f4", "y");
    ob_int(b, "K", 20);
    ob_int(b, "N", 2);
    ob_int(b, "block_size", 16);
    widen(b);
}

/* Which rows share a scale is said by g_idx. */
static void nbits_grouped(ob *b) {
    narrow(b, "023");
    ob_node(b, "com.microsoft::MatMulNBits", "f0 x1 f2 f3 x4", "y");
    ob_int(b, "K", 32);
    ob_int(b, "N", 2);
    ob_int(b, "block_size", 16);
    widen(b);
}

static void moving_axis(ob *b) {
    ob_node(b, "Cast", "x2", "axis");
    ob_int(b, "to", 7);
    ob_node(b, "DFT", "x0 _ axis", "y0");
}

static void nbits_floats(ob *b) {
    narrow(b, "023");
    ob_node(b, "com.microsoft::MatMulNBits", "f0 x1 f2 f3", "y");
    ob_int(b, "K", 16);
    ob_int(b, "N", 2);
    ob_int(b, "bits", 3);
    ob_int(b, "block_size", 16);
    widen(b);
}

static void integer_to_float(ob *b) {
    narrow(b, "236");
    ob_node(b, "com.microsoft::MatMulIntegerToFloat", "x0 x1 f2 f3 x4 x5 f6", "y");
    widen(b);
}

static void dynamic_product(ob *b) {
    narrow(b, "024");
    ob_node(b, "com.microsoft::DynamicQuantizeMatMul", "f0 x1 f2 x3 f4", "y");
    widen(b);
}

static void quantised_gemm(ob *b) {
    narrow(b, "14");
    ob_node(b, "com.microsoft::QGemm", "x0 f1 x2 x3 f4 x5 x6", "y");
    ob_float(b, "alpha", 0.5f);
    ob_int(b, "transA", 1);
    ob_int(b, "transB", 1);
    widen(b);
}

static void relative_bias(ob *b) {
    narrow(b, "0");
    ob_node(b, "com.microsoft::RelativePositionBias", "f0 x1 x1", "y");
    ob_int(b, "max_distance", 8);
    widen(b);
}

/* y1 of a node of ai.onnx.ml, float32, as y0. */
static void scores(ob *b, const char *op) {
    ob_node(b, "Cast", "y", "y0");
    ob_int(b, "to", 11);
    ob_node(b, op, "x0", strstr(op, "Classifier") ? "label y" : "y");
}

static void linear_regressor(ob *b) {
    scores(b, "ai.onnx.ml::LinearRegressor");
    ob_floats(b, "coefficients", (float[]){ 1, -0.5f, 2, 0.3f, 0.7f, -1 }, 6);
    ob_floats(b, "intercepts", (float[]){ 0.1f, -0.2f }, 2);
    ob_int(b, "targets", 2);
    ob_string(b, "post_transform", "LOGISTIC");
}

static void linear_classifier(ob *b) {
    scores(b, "ai.onnx.ml::LinearClassifier");
    ob_floats(b, "coefficients", (float[]){ 1, -0.5f, 2, 0.3f, 0.7f, -1, 0.2f, -0.4f, 0.6f }, 9);
    ob_floats(b, "intercepts", (float[]){ 0.1f, -0.2f, 0.3f }, 3);
    ob_ints(b, "classlabels_ints", (int64_t[]){ 4, 5, 6 }, 3);
    ob_string(b, "post_transform", "SOFTMAX");
}

static void linear_pair(ob *b) {
    scores(b, "ai.onnx.ml::LinearClassifier");
    ob_floats(b, "coefficients", (float[]){ 1, -0.5f, 2 }, 3);
    ob_floats(b, "intercepts", (float[]){ 0.1f }, 1);
    ob_strings(b, "classlabels_strings", "yes|no");
    ob_string(b, "post_transform", "LOGISTIC");
}

static void support(ob *b, const char *kind, int coefficients) {
    ob_string(b, "kernel_type", kind);
    ob_floats(b, "kernel_params", (float[]){ 0.7f, 0.5f, 3 }, 3);
    ob_floats(b, "support_vectors", (float[]){ 0.5f, 1, -1, 0.25f, 0.75f, -0.5f, 0.1f, 0.9f }, 8);
    ob_floats(b, "coefficients", (float[]){ 1, -0.5f, 0.8f, -0.3f, 0.6f, 0.2f, -0.9f, 0.4f }, coefficients);
    ob_floats(b, "rho", (float[]){ 0.1f, -0.2f, 0.3f }, 3);
}

static void svm_regressor(ob *b) {
    scores(b, "ai.onnx.ml::SVMRegressor");
    support(b, "RBF", 4);
    ob_int(b, "n_supports", 4);
}

static void svm_polynomial(ob *b) {
    scores(b, "ai.onnx.ml::SVMRegressor");
    support(b, "POLY", 4);
    ob_int(b, "n_supports", 4);
    ob_string(b, "post_transform", "LOGISTIC");
}

static void svm_classifier(ob *b) {
    scores(b, "ai.onnx.ml::SVMClassifier");
    support(b, "SIGMOID", 8);
    ob_ints(b, "vectors_per_class", (int64_t[]){ 1, 2, 1 }, 3);
    ob_ints(b, "classlabels_ints", (int64_t[]){ 0, 1, 2 }, 3);
}

static void svm_pair(ob *b) {
    scores(b, "ai.onnx.ml::SVMClassifier");
    support(b, "LINEAR", 4);
    ob_ints(b, "vectors_per_class", (int64_t[]){ 2, 2 }, 2);
    ob_ints(b, "classlabels_ints", (int64_t[]){ 0, 1 }, 2);
    ob_string(b, "post_transform", "SOFTMAX");
}

static void scaler(ob *b) {
    scores(b, "ai.onnx.ml::Scaler");
    ob_floats(b, "offset", (float[]){ 0.5f }, 1);
    ob_floats(b, "scale", (float[]){ 2, 3, -1 }, 3);
}

static void imputer(ob *b) {
    ob_node(b, "ai.onnx.ml::Imputer", "x0", "y0");
    ob_floats(b, "imputed_value_floats", (float[]){ 7 }, 1);
    ob_float(b, "replaced_value_float", 5);
}

static void normalizer(ob *b) {
    scores(b, "ai.onnx.ml::Normalizer");
    ob_string(b, "norm", "L2");
}

static void normalizer_max(ob *b) { scores(b, "ai.onnx.ml::Normalizer"); }

static void vectorizer(ob *b) {
    ob_node(b, "ai.onnx.ml::FeatureVectorizer", "x0 x1 x2", "y");
    ob_ints(b, "inputdimensions", (int64_t[]){ 2, 2, 3 }, 3);
    widen(b);
}

/* sin(s) x3 after the scores; p x4 after the softmax. */
static void flex(ob *b) {
    ob *score = ob_graph(), *weight = ob_graph();
    ob_input(score, "s", TN_F64, NULL);
    ob_node(score, "Sin", "s", "t");
    ob_node(score, "Mul", "t x3", "u");
    ob_output(score, "u");
    ob_input(weight, "p", TN_F64, NULL);
    ob_node(weight, "Mul", "p x4", "w");
    ob_output(weight, "w");
    ob_node(b, "ai.onnx.preview::FlexAttention", "x0 x1 x2", "y0");
    ob_subgraph(b, "score_mod", score);
    ob_subgraph(b, "prob_mod", weight);
}

#define MULTI(rule_) "q_num_heads=4 kv_num_heads=2 update_rule=" rule_
#define GROUPS       "0,1,0,1,1,1,0,0,1,0,1,0,0,0,1,1,0,1,0,1,1,1,0,0,1,0,1,0,0,0,1,1"
#define BYTES        "201,14,77,250,3,91,18,140,39,66,180,7,99,212,56,33"
#define U(op_) \
    { .op = op_, .inputs = "3,4" }

static const gradient_example examples[] = {
    /* pointwise */
    U("Abs"),
    U("Neg"),
    { .op = "Sqrt", .inputs = "3,4@0.2:2" },
    { .op = "Reciprocal", .inputs = "3,4@0.4:2" },
    U("Exp"),
    { .op = "Log", .inputs = "3,4@0.3:2" },
    U("Sin"),
    U("Cos"),
    U("Tan"),
    { .op = "Asin", .inputs = "3,4@-0.9:0.9" },
    { .op = "Acos", .inputs = "3,4@-0.9:0.9" },
    U("Atan"),
    U("Sinh"),
    U("Cosh"),
    U("Tanh"),
    U("Asinh"),
    { .op = "Acosh", .inputs = "3,4@1.2:3" },
    { .op = "Atanh", .inputs = "3,4@-0.9:0.9" },
    U("Erf"),
    U("Sigmoid"),
    U("Relu"),
    { .op = "LeakyRelu", .attrs = "alpha=0.3", .inputs = "3,4" },
    { .op = "ThresholdedRelu", .attrs = "alpha=0.3", .inputs = "3,4" },
    { .op = "Elu", .attrs = "alpha=0.7", .inputs = "3,4" },
    U("Selu"),
    { .op = "Celu", .attrs = "alpha=0.7", .inputs = "3,4" },
    { .op = "HardSigmoid", .inputs = "3,5@-4:4" },
    { .op = "HardSwish", .inputs = "3,5@-5:5" },
    { .op = "Softplus", .inputs = "3,5@-5:5" },
    U("Softsign"),
    { .op = "Mish", .inputs = "3,5@-3:3" },
    { .op = "Swish", .attrs = "alpha=1.5", .inputs = "3,5@-3:3" },
    { .op = "Shrink", .attrs = "lambd=0.4 bias=0.1", .inputs = "3,4" },
    { .op = "Gelu", .inputs = "3,5@-3:3" },
    { .op = "Gelu", .attrs = "approximate=tanh", .inputs = "3,5@-3:3" },
    { .op = "Clip", .inputs = "3,5 =-0.52 =0.31" },
    { .op = "Clip", .inputs = "3,5 =-0.52" },
    { .op = "Clip", .inputs = "3,5 _ =0.31" },
    { .op = "Add", .inputs = "2,3 3" },
    { .op = "Add", .inputs = "2,1,3 4,1" },
    { .op = "Sub", .inputs = "3 2,3" },
    { .op = "Mul", .inputs = "2,1,3 4,1" },
    { .op = "Div", .inputs = "2,1,3 4,1@0.5:2" },
    { .op = "PRelu", .inputs = "2,3,4 3,1" },
    { .op = "Pow", .inputs = "2,3@0.3:2 3" },
    { .op = "Pow", .inputs = "2,3 !=2" },
    { .op = "Mod", .attrs = "fmod=1", .inputs = "2,3@-3:3 3@0.7:0.9" },
    { .op = "Max", .inputs = "2,3 3 1" },
    { .op = "Min", .inputs = "2,3 3 2,1" },
    { .op = "Sum", .inputs = "2,3 3 1" },
    { .op = "Mean", .inputs = "2,3 3 1" },
    { .op = "Where", .inputs = "b2,1=1,0 3 2,3" },
    { .op = "Identity", .inputs = "2,3" },
    { .op = "Cast", .attrs = "to=11", .inputs = "2,3" },
    { .op = "CastLike", .inputs = "2,3 !1" },
    { .op = "Dropout", .inputs = "2,3" },
    { .op = "Dropout", .attrs = "seed=3", .inputs = "4,5 !=0.4 b=1", .outputs = 2 },
    /* reductions */
    { .op = "ReduceSum", .inputs = "2,3,4 i2=0,2" },
    { .op = "ReduceSum", .attrs = "keepdims=0", .inputs = "2,3,4 i1=-2" },
    { .op = "ReduceSum", .attrs = "keepdims=0", .inputs = "2,3" },
    { .op = "ReduceSum", .attrs = "noop_with_empty_axes=1", .inputs = "2,3 i0=" },
    { .op = "ReduceMean", .attrs = "keepdims=0", .inputs = "2,3,4 i2=0,2" },
    { .op = "ReduceMean", .inputs = "2,3" },
    { .op = "ReduceMax", .attrs = "keepdims=0", .inputs = "2,3,4 i1=1" },
    { .op = "ReduceMin", .inputs = "2,3,4 i2=0,2" },
    { .op = "ReduceProd", .attrs = "keepdims=0", .inputs = "2,3,4 i2=0,2" },
    { .op = "ReduceProd", .inputs = "3,3=0,2,3,0,0,4,0.5,2,3 i1=1", .once = true },
    { .op = "ReduceSumSquare", .attrs = "keepdims=0", .inputs = "2,3,4 i1=1" },
    { .op = "ReduceL1", .attrs = "keepdims=0", .inputs = "2,3,4 i1=1" },
    { .op = "ReduceL2", .inputs = "2,3,4 i1=1" },
    { .op = "ReduceLogSum", .attrs = "keepdims=0", .inputs = "2,3,4@0.1:2 i1=1" },
    { .op = "ReduceLogSumExp", .attrs = "keepdims=0", .inputs = "2,3,4 i1=1" },
    { .op = "Softmax", .attrs = "axis=1", .inputs = "2,3,4" },
    { .op = "Softmax", .inputs = "2,3" },
    { .op = "LogSoftmax", .attrs = "axis=0", .inputs = "2,3,4" },
    { .op = "CumSum", .inputs = "2,4 i=1" },
    { .op = "CumSum", .attrs = "exclusive=1 reverse=1", .inputs = "2,4 i=-1" },
    { .op = "CumProd", .inputs = "2,4 i=1" },
    { .op = "CumProd", .attrs = "exclusive=1 reverse=1", .inputs = "2,4 i=-1" },
    { .op = "CumProd", .inputs = "1,5=2,0,3,0,4 i=1", .once = true },
    /* products */
    { .op = "MatMul", .inputs = "2,3 3,4" },
    { .op = "MatMul", .inputs = "3 3,4" },
    { .op = "MatMul", .inputs = "2,5,3 3" },
    { .op = "MatMul", .inputs = "3 3" },
    { .op = "MatMul", .inputs = "2,1,2,3 4,3,2" },
    { .op = "Gemm", .inputs = "2,3 3,4 4" },
    { .op = "Gemm", .attrs = "transA=1 transB=1 alpha=0.7 beta=1.3", .inputs = "3,2 4,3 2,1" },
    { .op = "Gemm", .attrs = "transA=1", .inputs = "3,2 3,4" },
    { .op = "Gemm", .attrs = "transB=1", .inputs = "2,3 4,3 2,4" },
    { .op = "Einsum", .attrs = "equation=ij,jk->ik", .inputs = "2,3 3,4" },
    { .op = "Einsum", .attrs = "equation=ij,jk", .inputs = "2,3 3,4" },
    { .op = "Einsum", .attrs = "equation=...ij,...jk->...ik", .inputs = "2,1,2,3 4,3,2" },
    { .op = "Einsum", .attrs = "equation=ijk,j->i", .inputs = "2,3,4 3" },
    { .op = "Einsum", .attrs = "equation=ii->i", .inputs = "3,3" },
    { .op = "Einsum", .attrs = "equation=iij,k->j", .inputs = "3,3,2 2" },
    { .op = "Einsum", .attrs = "equation=i,j->", .inputs = "3 2" },
    { .op = "Det", .inputs = "2,3,3" },
    { .op = "Det", .inputs = "2,2=1,2,2,4" },
    /* moving */
    { .op = "Reshape", .inputs = "2,6 i3=3,-1,2" },
    { .op = "Squeeze", .inputs = "2,1,3 i1=1" },
    { .op = "Unsqueeze", .inputs = "2,3 i2=0,2" },
    { .op = "Flatten", .attrs = "axis=1", .inputs = "2,3,2" },
    { .op = "Transpose", .attrs = "perm=[1,2,0]", .inputs = "2,3,4" },
    { .op = "Transpose", .inputs = "2,3,4" },
    { .op = "Expand", .inputs = "3,1 i3=2,3,4" },
    { .op = "Tile", .inputs = "2,3 i2=2,3" },
    { .op = "Concat", .attrs = "axis=1", .inputs = "2,3 2,1 2,2" },
    { .op = "Concat", .attrs = "axis=-2", .inputs = "2,3 1,3" },
    { .op = "Split", .attrs = "axis=1", .inputs = "2,6 i3=1,2,3", .outputs = 3 },
    { .op = "Split", .attrs = "axis=-1 num_outputs=2", .inputs = "2,5", .outputs = 2 },
    { .op = "Slice", .inputs = "4,5 i2=1,0 i2=3,4" },
    { .op = "Slice", .inputs = "4,5 i2=-1,4 i2=-4,0 i2=0,1 i2=-1,-2" },
    { .op = "Slice", .inputs = "4,5 i1=-3 i1=100 i1=1" },
    { .op = "Pad", .inputs = "3,4 i4=1,0,2,1 =0.5" },
    { .op = "Pad", .inputs = "3,4 i4=-1,2,1,-1" },
    { .op = "Pad", .inputs = "3,4 i2=1,2 _ i1=-1" },
    { .op = "Pad", .attrs = "mode=reflect", .inputs = "3,4 i4=1,2,2,1" },
    { .op = "Pad", .attrs = "mode=edge", .inputs = "3,4 i4=1,2,2,1" },
    { .op = "Pad", .attrs = "mode=wrap", .inputs = "3,4 i4=1,2,2,1" },
    { .op = "DepthToSpace", .attrs = "blocksize=2", .inputs = "1,8,2,3" },
    { .op = "DepthToSpace", .attrs = "blocksize=2 mode=CRD", .inputs = "1,8,2,3" },
    { .op = "SpaceToDepth", .attrs = "blocksize=2", .inputs = "1,2,4,6" },
    { .op = "Trilu", .inputs = "2,3,4 i=1" },
    { .op = "Trilu", .attrs = "upper=0", .inputs = "3,4" },
    { .op = "ReverseSequence", .attrs = "time_axis=0 batch_axis=1", .inputs = "4,2,2 i2=3,4" },
    { .op = "OneHot", .attrs = "axis=0", .inputs = "i3=1,0,2 i=4 2" },
    { .op = "Compress", .attrs = "axis=1", .inputs = "2,4 b4=1,0,1,1" },
    { .op = "Compress", .inputs = "2,3 b5=1,0,1,1,0" },
    { .op = "Range", .inputs = "=0.3 !=2.05 =0.4" },
    /* indices */
    { .op = "Gather", .inputs = "4,3 i2,2=0,3,1,0" },
    { .op = "Gather", .attrs = "axis=1", .inputs = "2,4,3 i2=-1,1" },
    { .op = "Gather", .attrs = "axis=-1", .inputs = "2,4 i=2" },
    { .op = "Gather", .attrs = "axis=1", .inputs = "2,4,3 j3=1,1,2" },
    { .op = "GatherElements", .attrs = "axis=1", .inputs = "2,3 i2,4=0,1,2,1,0,0,-1,0" },
    { .op = "GatherND", .inputs = "3,4,2 i3,2=0,1,2,3,0,1" },
    { .op = "GatherND", .attrs = "batch_dims=1", .inputs = "2,3,2 i2,1=1,0" },
    { .op = "ScatterElements", .attrs = "axis=1", .inputs = "2,4 i2,2=0,3,1,2 2,2" },
    { .op = "ScatterElements", .attrs = "axis=1 reduction=add", .inputs = "2,4 i2,2=0,0,1,2 2,2" },
    { .op = "ScatterElements", .attrs = "axis=0 reduction=mul", .inputs = "3,2 i2,2=0,0,0,2 2,2" },
    { .op = "ScatterElements", .attrs = "axis=1 reduction=max", .inputs = "2,4 i2,3=0,0,1,2,2,1 2,3" },
    { .op = "ScatterElements", .attrs = "axis=1 reduction=min", .inputs = "2,4 i2,3=0,0,1,2,2,1 2,3" },
    { .op = "ScatterND", .inputs = "4,3 i2,1=2,0 2,3" },
    { .op = "ScatterND", .attrs = "reduction=add", .inputs = "4,3 i3,1=2,0,2 3,3" },
    { .op = "ScatterND", .attrs = "reduction=mul", .inputs = "4,3 i2,2=2,0,2,0 2" },
    { .op = "ScatterND", .attrs = "reduction=max", .inputs = "4,3 i3,1=2,0,2 3,3" },
    { .op = "TopK", .attrs = "axis=0", .inputs = "4,3 i1=2", .outputs = 2 },
    { .op = "TopK", .attrs = "largest=0", .inputs = "3,5 i1=3", .outputs = 2 },
    { .op = "Unique", .inputs = "2,3", .outputs = 1 },
    { .op = "Unique", .attrs = "axis=1 sorted=0", .inputs = "2,3", .outputs = 2 },
    /* convolution, pooling */
    { .op = "Conv", .inputs = "2,2,7 3,2,3 3" },
    { .op = "Conv", .attrs = "strides=[2,2] pads=[1,0,2,1] group=2", .inputs = "2,4,6,5 6,2,3,2 6" },
    { .op = "Conv", .attrs = "dilations=[2,1] auto_pad=SAME_UPPER strides=[1,2]", .inputs = "1,2,6,5 2,2,3,3" },
    { .op = "Conv", .attrs = "auto_pad=SAME_LOWER strides=[2,3]", .inputs = "1,1,6,5 2,1,2,2" },
    { .op = "Conv", .attrs = "strides=[2,1,1] pads=[1,0,0,1,0,1]", .inputs = "1,2,4,3,3 2,2,3,2,2 2" },
    { .op = "Conv",
      .attrs = "strides=[1,2,1,1,1] pads=[1,0,0,0,0,0,0,1,0,0] group=2",
      .inputs = "1,2,2,3,2,1,2 2,1,2,2,2,1,2 2" },
    { .op = "ConvTranspose", .attrs = "strides=[1,1,2,1,1]", .inputs = "1,2,2,1,2,1,2 2,1,1,2,2,1,2 1" },
    { .op = "ConvTranspose", .inputs = "2,2,4 2,3,3 3" },
    { .op = "ConvTranspose",
      .attrs = "strides=[2,3] pads=[1,0,0,1] output_padding=[1,1] group=2",
      .inputs = "2,4,3,2 4,2,3,3 4" },
    { .op = "ConvTranspose",
      .attrs = "strides=[2,2] auto_pad=SAME_UPPER dilations=[1,2]",
      .inputs = "1,2,3,2 2,1,3,2" },
    { .op = "ConvTranspose", .attrs = "strides=[2,2] output_shape=[7,6]", .inputs = "1,2,3,3 2,1,3,2" },
    { .op = "DeformConv",
      .attrs = "pads=[1,0,0,1]",
      .inputs = "1,2,3,4 2,2,2,2 1,8,3,4@-0.8:0.9 2 1,4,3,4",
      .fixed = true },
    { .op = "DeformConv",
      .attrs = "strides=[2,1] dilations=[1,2] group=2 offset_group=2",
      .inputs = "1,4,4,4 2,2,2,2 1,16,2,2@-0.8:0.9",
      .fixed = true },
    { .op = "DeformConv",
      .attrs = "pads=[1,0] strides=[2] dilations=[2] offset_group=2",
      .inputs = "2,2,6 2,2,2 2,4,3@-0.8:0.9 2",
      .fixed = true },
    { .op = "DeformConv",
      .attrs = "strides=[1,2,1] pads=[0,0,1,0,0,0]",
      .inputs = "1,1,2,3,2 2,1,1,2,2 1,12,2,1,2@-0.8:0.9 2 1,4,2,1,2",
      .fixed = true },
    { .op = "DeformConv", .inputs = "1,1,2,1,2,2 1,1,1,1,2,1 1,8,2,1,1,2@-0.8:0.9", .fixed = true },
    { .op = "MaxPool", .attrs = "kernel_shape=[3,2] strides=[2,1] pads=[1,0,1,1]", .inputs = "2,2,5,4" },
    { .op = "MaxPool",
      .attrs = "kernel_shape=[2,2] strides=[2,2] ceil_mode=1 storage_order=1",
      .inputs = "1,2,5,3",
      .outputs = 2 },
    { .op = "AveragePool", .attrs = "kernel_shape=[3,2] strides=[2,1] pads=[1,0,1,1]", .inputs = "2,2,5,4" },
    { .op = "AveragePool",
      .attrs = "kernel_shape=[3] strides=[2] pads=[1,1] count_include_pad=1 ceil_mode=1",
      .inputs = "2,2,6" },
    { .op = "AveragePool",
      .attrs = "kernel_shape=[2,2,2] dilations=[2,1,1] auto_pad=SAME_UPPER",
      .inputs = "1,1,4,3,3" },
    { .op = "LpPool", .attrs = "kernel_shape=[2,2] p=3 strides=[2,1] pads=[0,1,0,0]", .inputs = "1,2,4,3" },
    { .op = "LpPool", .attrs = "kernel_shape=[2]", .inputs = "1,2,4" },
    { .op = "MaxPool", .attrs = "kernel_shape=[1,2,2,1,2] pads=[0,0,1,0,0,0,0,0,0,0]", .inputs = "1,2,1,2,2,1,3" },
    { .op = "AveragePool", .attrs = "kernel_shape=[1,2,2,1,2] pads=[0,0,1,0,0,0,0,0,0,0]", .inputs = "1,2,1,2,2,1,3" },
    { .op = "LpPool", .attrs = "kernel_shape=[2,1,1,1,2] p=3", .inputs = "1,2,3,2,1,1,3" },
    { .op = "GlobalAveragePool", .inputs = "2,3" },
    { .op = "GlobalMaxPool", .inputs = "2,3" },
    { .op = "GlobalLpPool", .inputs = "2,3" },
    { .op = "GlobalAveragePool", .inputs = "2,3,4,2" },
    { .op = "GlobalMaxPool", .inputs = "2,3,4,2" },
    { .op = "GlobalLpPool", .attrs = "p=3", .inputs = "2,3,4,2" },
    /* normalisations */
    { .op = "BatchNormalization", .inputs = "2,3,4 3 3 3 3@0.5:2" },
    { .op = "BatchNormalization",
      .attrs = "training_mode=1 momentum=0.7",
      .inputs = "4,2,3 2 2 2 2@0.5:2",
      .outputs = 3 },
    { .op = "LayerNormalization", .attrs = "epsilon=0.01", .inputs = "2,3,4 4 4" },
    { .op = "LayerNormalization", .attrs = "axis=1 stash_type=11", .inputs = "2,3,2 3,2", .outputs = 3 },
    { .op = "RMSNormalization", .attrs = "axis=-2", .inputs = "2,3,4 3,4" },
    { .op = "InstanceNormalization", .inputs = "2,3,5 3 3" },
    { .op = "GroupNormalization", .attrs = "num_groups=2", .inputs = "2,4,3 4 4" },
    { .op = "LpNormalization", .attrs = "axis=1", .inputs = "2,3,2" },
    { .op = "LpNormalization", .attrs = "axis=0 p=1", .inputs = "3,2" },
    { .op = "MeanVarianceNormalization", .inputs = "2,3,2,2" },
    { .op = "MeanVarianceNormalization", .attrs = "axes=[1]", .inputs = "2,3,2" },
    { .op = "LRN", .attrs = "size=3 alpha=0.5 beta=0.6 bias=1.5", .inputs = "2,5,2,2" },
    { .op = "LRN", .attrs = "size=2 alpha=0.5", .inputs = "1,5,2" },
    /* pictures */
    { .op = "Resize", .inputs = "1,2,3,4 _ s4=1,1,2,1.5" },
    { .op = "Resize", .attrs = "mode=linear", .inputs = "1,1,3,4 _ _ i4=1,1,5,7" },
    { .op = "Resize",
      .attrs = "mode=linear antialias=1 coordinate_transformation_mode=asymmetric",
      .inputs = "1,1,5,6 _ s4=1,1,0.6,0.5" },
    { .op = "Resize", .attrs = "mode=cubic exclude_outside=1", .inputs = "1,1,4,4 _ _ i4=1,1,7,3" },
    { .op = "Resize",
      .attrs = "mode=cubic coordinate_transformation_mode=align_corners axes=[2,3]",
      .inputs = "1,1,4,4 _ _ i2=6,6" },
    { .op = "Resize",
      .attrs = "mode=linear coordinate_transformation_mode=tf_crop_and_resize extrapolation_value=3.0",
      .inputs = "1,1,4,4 s8=0,0,0.2,-0.3,1,1,0.8,1.2 _ i4=1,1,3,6" },
    { .op = "GridSample", .inputs = "1,2,4,3 1,3,2,2@-1.1:1.1" },
    { .op = "GridSample",
      .attrs = "mode=cubic align_corners=1 padding_mode=border",
      .inputs = "2,1,4,5 2,2,3,2@-0.9:0.9" },
    { .op = "GridSample", .attrs = "padding_mode=reflection", .inputs = "1,1,3,3,3 1,2,2,2,3@-1.3:1.3" },
    { .op = "AffineGrid", .inputs = "2,2,3 i4=2,1,3,4" },
    { .op = "AffineGrid", .attrs = "align_corners=1", .inputs = "1,3,4 i5=1,1,2,3,2" },
    { .op = "RoiAlign",
      .attrs = "output_height=2 output_width=3 sampling_ratio=2 spatial_scale=0.9",
      .inputs = "1,2,5,6 !2,4=0.3,0.4,4.1,3.8,1,1,3,4 i2=0,0" },
    { .op = "RoiAlign",
      .attrs = "mode=max output_height=2 output_width=2 sampling_ratio=1",
      .inputs = "1,1,5,6 !1,4=0.3,0.4,4.1,3.8 i1=0" },
    { .op = "RoiAlign",
      .attrs = "output_height=2 output_width=3 sampling_ratio=2 spatial_scale=0.75 "
               "coordinate_transformation_mode=half_pixel",
      .inputs = "2,2,5,6 2,4=1.1,0.7,4.3,5.2,0.4,1.3,6.9,4.1 i2=1,0" },
    { .op = "RoiAlign",
      .attrs = "output_height=2 output_width=2 coordinate_transformation_mode=output_half_pixel",
      .inputs = "1,2,5,6 2,4=-0.3,0.6,6.13,3.9,1.15,2.2,1.65,2.9 i2=0,0" },
    { .op = "RoiAlign",
      .attrs = "output_height=1 output_width=2 mode=max sampling_ratio=2",
      .inputs = "1,2,4,4@0.1:2 1,4=0.2,0.7,3.65,3.35 i1=0" },
    { .op = "MaxRoiPool", .attrs = "pooled_shape=[2,2]", .inputs = "1,2,5,6 2,5=0,0.2,0.1,4.1,3.2,0,1,1,5.1,4" },
    { .op = "DequantizeLinear", .inputs = "u2,3=1,20,3,40,5,60 3 u3=1,2,3", .loose = true, .body = dequantize },
    { .op = "DequantizeLinear", .inputs = "u2,3=1,20,3,40,5,60 =0.3 u=7", .loose = true, .body = dequantize },
    { .op = "DequantizeLinear", .inputs = "u2,5=1,20,3,40,5,60,2,3,4,5 2,3", .loose = true, .body = blocked },
    { .op = "DequantizeLinear",
      .domain = "com.microsoft",
      .inputs = "u2,3=1,20,3,40,5,60 2 u2=1,2",
      .loose = true,
      .body = microsoft_dequantize },
    { .op = "MatMulNBits",
      .domain = "com.microsoft",
      .inputs = "2,3,20 u2,2,8=" BYTES "," BYTES " 2,2@0.1:0.5 u2,1=137,40 2 2",
      .loose = true,
      .body = nbits },
    { .op = "MatMulNBits",
      .domain = "com.microsoft",
      .inputs = "2,16 u2,1,6=201,14,77,250,3,91,18,140,39,66,180,7 2,1@0.1:0.5 2,1@1:5",
      .loose = true,
      .body = nbits_floats },
    { .op = "MatMulNBits",
      .domain = "com.microsoft",
      .inputs = "2,32 u2,2,8=" BYTES "," BYTES " 2,2@0.1:0.5 2,2@1:5 j32=" GROUPS,
      .loose = true,
      .body = nbits_grouped },
    { .op = "MatMulIntegerToFloat",
      .domain = "com.microsoft",
      .inputs = "u2,3=1,20,3,40,5,60 u3,2=9,8,7,6,5,4 =0.03 2@0.01:0.02 u=7 u2=5,6 2",
      .loose = true,
      .body = integer_to_float },
    { .op = "DynamicQuantizeMatMul",
      .domain = "com.microsoft",
      .inputs = "!2,3 u3,2=9,8,7,6,5,4 2@0.01:0.2 u2=5,6 2",
      .loose = true,
      .body = dynamic_product },
    { .op = "QGemm",
      .domain = "com.microsoft",
      .inputs = "u3,2=1,20,3,40,5,60 =0.03 u=7 u4,3=9,8,7,6,5,4,3,2,1,9,8,7 4@0.1:0.2 u4=5,6,7,8 j4=10,20,-5,3",
      .loose = true,
      .body = quantised_gemm },
    { .op = "MaxUnpool", .attrs = "kernel_shape=[2,2] strides=[2,2]", .inputs = "1,1,2,2 i1,1,2,2=5,7,13,15" },
    { .op = "MaxUnpool",
      .attrs = "kernel_shape=[2,2] strides=[2,2]",
      .inputs = "1,1,2,2 i1,1,2,2=5,7,13,15 i4=1,1,5,5" },
    { .op = "Col2Im", .inputs = "1,8,6 i2=3,4 i2=2,2" },
    { .op = "Col2Im", .attrs = "strides=[2,1] pads=[1,0,1,1] dilations=[1,2]", .inputs = "2,4,9 i2=4,4 i2=2,2" },
    { .op = "CenterCropPad", .attrs = "axes=[0,1]", .inputs = "3,5,2 i2=4,3" },
    { .op = "TensorScatter", .inputs = "2,3,4,2 2,3,2,2 i2=1,2" },
    { .op = "TensorScatter", .attrs = "mode=circular axis=1", .inputs = "2,4,2 2,3,2 i2=1,3" },
    /* signals */
    { .op = "DFT", .inputs = "2,5,1 _ i=1" },
    { .op = "DFT", .inputs = "2,5,2 i=7 i=-2" },
    { .op = "DFT", .attrs = "onesided=1", .inputs = "2,6,1 i=4 i=1" },
    { .op = "DFT", .attrs = "onesided=1", .inputs = "5,2,1 _ i=0" },
    { .op = "DFT", .attrs = "inverse=1", .inputs = "2,5,2 _ i=1" },
    { .op = "DFT", .attrs = "inverse=1 onesided=1", .inputs = "2,4,2 i=6 i=1" },
    { .op = "DFT", .attrs = "inverse=1 onesided=1", .inputs = "2,3,2 i=5 i=1" },
    { .op = "DFT", .inputs = "2,3,2 _ j=1", .body = moving_axis },
    { .op = "DFT", .inputs = "2,3,1 _ j=-3", .body = moving_axis },
    { .op = "STFT", .inputs = "2,12,1 i=3 5", .fixed = true },
    { .op = "STFT", .attrs = "onesided=0", .inputs = "1,10,2 i=2 _ i=4", .fixed = true },
    /* attention */
    { .op = "Attention", .inputs = "2,2,3,4 2,2,5,4 2,2,5,3" },
    { .op = "Attention",
      .attrs = "q_num_heads=4 kv_num_heads=2 is_causal=1 softcap=1.5 scale=0.7",
      .inputs = "2,3,8 2,3,4 2,3,4 3,5 2,2,2,2 2,2,2,2",
      .outputs = 3 },
    { .op = "Attention", .inputs = "1,1,2,3 1,1,3,3 1,1,3,3 b2,3=1,0,1,1,1,0" },
    { .op = "Attention", .attrs = "softcap=1.5", .inputs = "1,2,2,3 1,2,3,3 1,2,3,2", .outputs = 4 },
    { .op = "Attention",
      .attrs = "qk_matmul_output_mode=1 softcap=1.5",
      .inputs = "1,2,2,3 1,2,3,3 1,2,3,2 2,3",
      .outputs = 4 },
    { .op = "Attention", .attrs = "qk_matmul_output_mode=2", .inputs = "1,2,2,3 1,1,3,3 1,1,3,2 2,3", .outputs = 4 },
    { .op = "Attention",
      .attrs = "qk_matmul_output_mode=3 is_causal=1",
      .inputs = "1,2,2,3 1,2,3,3 1,2,3,2 b2,3=0,0,0,1,1,0",
      .outputs = 4 },
    { .op = "Attention", .attrs = "is_causal=1", .inputs = "2,1,2,3 2,1,4,3 2,1,4,3 _ _ _ i2=3,4" },
    { .op = "Attention", .attrs = "left_window_size=1 right_window_size=0", .inputs = "1,1,3,2 1,1,4,2 1,1,4,2" },
    { .op = "Attention", .attrs = "right_window_size=1", .inputs = "1,1,2,2 1,1,2,2 1,1,2,2 _ 1,1,2,2 1,1,2,2" },
    { .op = "FlexAttention", .domain = "ai.onnx.preview", .attrs = "scale=0.6", .inputs = "1,2,2,3 1,1,3,3 1,1,3,2" },
    { .op = "FlexAttention", .domain = "ai.onnx.preview", .inputs = "1,2,2,3 1,1,3,3 1,1,3,2 2,1,1 2,3", .body = flex },
    { .op = "LinearAttention", .attrs = MULTI("linear"), .inputs = "2,3,8 2,3,4 2,3,6", .outputs = 2, .loose = true },
    { .op = "LinearAttention",
      .attrs = MULTI("gated") " scale=0.4",
      .inputs = "2,3,8 2,3,4 2,3,6 2,2,2,3 2,3,4@-1:0",
      .outputs = 2,
      .loose = true },
    { .op = "LinearAttention",
      .attrs = MULTI("delta"),
      .inputs = "2,2,8 2,2,4 2,2,6 _ _ 2,2,2@0:1",
      .outputs = 2,
      .loose = true },
    { .op = "LinearAttention",
      .attrs = MULTI("gated_delta"),
      .inputs = "2,2,8 2,2,4 2,2,6 2,2,2,3 2,2,2@-1:0 2,2,1@0:1",
      .outputs = 2,
      .loose = true },
    { .op = "MultiHeadAttention",
      .domain = "com.microsoft",
      .attrs = "num_heads=2",
      .inputs = "2,3,4 2,2,4 2,2,6 14 j2=2,1 1,2,3,2",
      .loose = true,
      .fixed = true },
    { .op = "MultiHeadAttention",
      .domain = "com.microsoft",
      .attrs = "num_heads=2 unidirectional=1 scale=0.7 mask_filter_value=-1.5",
      .inputs = "2,2,4 2,2,4 2,2,4 _ j2,3=1,0,1,1,1,0 _ 2,2,1,2 2,2,1,2",
      .outputs = 3,
      .loose = true },
    { .op = "MultiHeadAttention",
      .domain = "com.microsoft",
      .attrs = "num_heads=2 mask_filter_value=-1.5",
      .inputs = "2,3,2,3,2 _ _ 12 j4=2,3,1,0",
      .loose = true,
      .fixed = true },
    { .op = "MultiHeadAttention",
      .domain = "com.microsoft",
      .attrs = "num_heads=2",
      .inputs = "2,3,4 2,2,2,2,2 _ _ j2,3,2=1,0,1,1,0,1,1,1,1,1,0,1",
      .loose = true },
    { .op = "MultiHeadAttention",
      .domain = "com.microsoft",
      .attrs = "num_heads=2",
      .inputs = "2,2,4 2,2,3,2 2,2,3,2 12",
      .outputs = 4,
      .loose = true },
    { .op = "GroupQueryAttention",
      .domain = "com.microsoft",
      .attrs = "num_heads=4 kv_num_heads=2 softcap=2.5 local_window_size=2",
      .inputs = "2,3,8 2,3,4 2,3,4 _ _ j2=2,1 j=3",
      .outputs = 3,
      .loose = true },
    { .op = "GroupQueryAttention",
      .domain = "com.microsoft",
      .attrs = "num_heads=2 kv_num_heads=1 do_rotary=1 scale=0.6",
      .inputs = "2,2,16 _ _ 2,1,3,4 2,1,3,4 j2=3,2 j=4 6,2 6,2 _ 1,2,2,4 2",
      .outputs = 3,
      .loose = true },
    { .op = "GroupQueryAttention",
      .domain = "com.microsoft",
      .attrs = "num_heads=2 kv_num_heads=2 do_rotary=1 rotary_interleaved=1 smooth_softmax=1 qk_output=2",
      .inputs = "1,1,8 1,1,8 1,1,8 1,2,4,4 1,2,4,4 j1=2 j=3 6,2 6,2 i1,1=3",
      .outputs = 4,
      .loose = true },
    { .op = "GroupQueryAttention",
      .domain = "com.microsoft",
      .attrs = "num_heads=2 kv_num_heads=1 qk_norm_epsilon=0.1",
      .inputs = "1,2,8 1,2,4 1,2,4 _ _ j1=1 j=2 _ _ _ _ _ _ _ 4 4",
      .outputs = 3,
      .loose = true },
    { .op = "RelativePositionBias",
      .domain = "com.microsoft",
      .inputs = "4,2 i1=3",
      .loose = true,
      .body = relative_bias },
    { .op = "RotaryEmbedding", .inputs = "1,2,3,4 1,3,2 1,3,2" },
    { .op = "RotaryEmbedding",
      .attrs = "interleaved=1 num_heads=2 rotary_embedding_dim=4",
      .inputs = "2,3,12 5,2 5,2 i2,3=0,1,2,2,3,4" },
    { .op = "RotaryEmbedding", .domain = "com.microsoft", .inputs = "1,3,8 i1=1 5,2 5,2" },
    { .op = "CausalConvWithState",
      .attrs = "activation=silu",
      .inputs = "2,3,4 3,1,3 3 2,3,2",
      .outputs = 2,
      .loose = true,
      .fixed = true },
    { .op = "CausalConvWithState", .inputs = "2,3,4 3,1,2", .loose = true, .fixed = true },
    { .op = "FusedMatMul", .domain = "com.microsoft", .attrs = "alpha=0.5 transA=1 transB=1", .inputs = "2,3,2 4,3" },
    { .op = "FusedMatMul",
      .domain = "com.microsoft",
      .attrs = "transBatchA=1 transBatchB=1 transB=1",
      .inputs = "3,2,4 2,2,4" },
    { .op = "FusedMatMul", .domain = "com.microsoft", .attrs = "transBatchA=1 transA=1", .inputs = "3,1,2,2 2,3,2" },
    { .op = "TransposeMatMul", .domain = "com.microsoft", .attrs = "transB=1", .inputs = "2,3 4,3" },
    { .op = "Inverse", .domain = "com.microsoft", .inputs = "2,2,2=2,1,0.5,3,1,-1,0.3,2" },
    { .op = "CDist", .domain = "com.microsoft", .inputs = "2,3 4,3" },
    { .op = "CDist", .domain = "com.microsoft", .attrs = "metric=euclidean", .inputs = "2,3 4,3" },
    /* recurrent */
    { .op = "RNN", .attrs = "hidden_size=3", .inputs = "3,2,2 1,3,2 1,3,3", .outputs = 2 },
    { .op = "RNN",
      .attrs = "hidden_size=2 direction=bidirectional activations=[Tanh,ScaledTanh] clip=0.8",
      .inputs = "3,2,2 2,2,2 2,2,2 2,4 j2=3,2 2,2,2",
      .outputs = 2 },
    { .op = "GRU", .attrs = "hidden_size=2", .inputs = "3,2,2 1,6,2 1,6,2 1,12 _ 1,2,2", .outputs = 2 },
    { .op = "GRU",
      .attrs = "hidden_size=2 linear_before_reset=1 direction=reverse layout=1",
      .inputs = "2,3,2 1,6,2 1,6,2 1,12 j2=2,3",
      .outputs = 2 },
    { .op = "LSTM", .attrs = "hidden_size=2", .inputs = "3,2,2 1,8,2 1,8,2", .outputs = 3 },
    { .op = "LSTM",
      .attrs = "hidden_size=2 direction=bidirectional",
      .inputs = "3,2,2 2,8,2 2,8,2 2,16 j2=3,2 2,2,2 2,2,2 2,6",
      .outputs = 3 },
    { .op = "LSTM", .attrs = "hidden_size=2 input_forget=1", .inputs = "2,1,2 1,8,2 1,8,2 1,16", .outputs = 3 },
    /* features */
    { .op = "LinearRegressor", .domain = "ai.onnx.ml", .inputs = "2,3", .loose = true, .body = linear_regressor },
    { .op = "LinearClassifier", .domain = "ai.onnx.ml", .inputs = "2,3", .loose = true, .body = linear_classifier },
    { .op = "LinearClassifier", .domain = "ai.onnx.ml", .inputs = "2,3", .loose = true, .body = linear_pair },
    { .op = "SVMRegressor", .domain = "ai.onnx.ml", .inputs = "3,2", .loose = true, .body = svm_regressor },
    { .op = "SVMRegressor", .domain = "ai.onnx.ml", .inputs = "3,2", .loose = true, .body = svm_polynomial },
    { .op = "SVMClassifier", .domain = "ai.onnx.ml", .inputs = "3,2", .loose = true, .body = svm_classifier },
    { .op = "SVMClassifier", .domain = "ai.onnx.ml", .inputs = "3,2", .loose = true, .body = svm_pair },
    { .op = "Scaler", .domain = "ai.onnx.ml", .inputs = "2,3", .loose = true, .body = scaler },
    { .op = "Imputer", .domain = "ai.onnx.ml", .inputs = "2,3=1,2,3,-1,2,0.5", .body = imputer },
    { .op = "Normalizer", .domain = "ai.onnx.ml", .inputs = "2,3,2@0.2:1", .loose = true, .body = normalizer },
    { .op = "Normalizer", .domain = "ai.onnx.ml", .inputs = "3", .loose = true, .body = normalizer },
    { .op = "Normalizer", .domain = "ai.onnx.ml", .inputs = "2,3@0.2:1", .loose = true, .body = normalizer_max },
    { .op = "ArrayFeatureExtractor", .domain = "ai.onnx.ml", .inputs = "2,2,4 i1,2=3,1" },
    { .op = "ArrayFeatureExtractor", .domain = "ai.onnx.ml", .inputs = "4 i2=0,0" },
    { .op = "FeatureVectorizer", .domain = "ai.onnx.ml", .inputs = "2,3 2,2 2,1", .loose = true, .body = vectorizer },
    /* subgraphs */
    { .op = "If", .inputs = "2,3 3 b=1 2,3", .body = branches },
    { .op = "If", .inputs = "2,3 2,3 b=0 2,3", .body = branches },
    { .op = "Scan", .inputs = "2 4,2 2", .outputs = 2, .body = scan },
    { .op = "Scan", .inputs = "2 2,3 2", .outputs = 2, .body = scan_backwards },
    { .op = "Loop", .inputs = "2 2 i=3 !=100.5", .outputs = 2, .body = loop },
    { .op = "Loop", .inputs = "2 2 i=30 !=3.3", .outputs = 2, .body = loop },
    { 0 },
};

const gradient_example *const gradient_examples[] = { examples, gradient_sequence_examples,
                                                      gradient_decomposed_examples, NULL };
