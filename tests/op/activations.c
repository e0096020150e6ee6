/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* activations.c - functions of one number, in every type of float, against their formulas in double; where C's library
 * has no closed form, as the specification writes it. */
#include "lib/op_cases.h"
#include "test.h"
#include <math.h>

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double gelu(double x) { return 0.5 * x * (1 + erf(x * sqrt(0.5))); }
static double gelu_tanh(double x) {
    return 0.5 * x * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
}
static double mish(double x) { return x * tanh(log1p(exp(x))); }
static double swish(double x) { return x * sigmoid(x); }
static double swish2(double x) { return x * sigmoid(2 * x); }
static double quick(double x) { return x * sigmoid(1.702 * x); }
static double thresholded(double x) { return x > 0.5 ? x : 0; }
static double elu(double x) { return x < 0 ? 2 * expm1(x) : x; }
static double celu(double x) { return fmax(0, x) + fmin(0, 2 * expm1(x / 2)); }
static double selu(double x) { return 1.05070102214813232421875 * (x > 0 ? x : 1.67326319217681884765625 * expm1(x)); }
static double hard_sigmoid(double x) { return fmax(0, fmin(1, 0.25 * x + 0.5)); }
static double hard_swish(double x) { return x * fmax(0, fmin(1, x / 6 + 0.5)); }
static double softplus(double x) { return log1p(exp(x)); }
static double softsign(double x) { return x / (1 + fabs(x)); }
static double leaky(double x) { return x < 0 ? 0.25 * x : x; }
static double shrink(double x) { return x < -1 ? x + 0.5 : x > 1 ? x - 0.5 : 0; }
static double sign(double x) { return (x > 0) - (x < 0); }
static double relu(double x) { return fmax(0, x); }
static double reciprocal(double x) { return 1 / x; }

enum { ANY, POSITIVE, WITHIN_ONE, ABOVE_ONE, GENTLE, INSIDE };
static const struct {
    double from, to;
} ranges[] = { [ANY] = { -8, 8 },      [POSITIVE] = { 0.03125, 40 }, [WITHIN_ONE] = { -1, 1 },
               [ABOVE_ONE] = { 1, 9 }, [GENTLE] = { -1.25, 1.25 },   [INSIDE] = { -0.875, 0.875 } };

static const struct {
    const char *op, *attrs;
    double (*f)(double);
    int range;
} functions[] = {
    { "Gelu", NULL, gelu },
    { "Gelu", "approximate=tanh", gelu_tanh },
    { "Mish", NULL, mish },
    { "Swish", NULL, swish },
    { "Swish", "alpha=2.0", swish2 },
    { "ThresholdedRelu", "alpha=0.5", thresholded },
    { "Elu", "alpha=2.0", elu },
    { "Celu", "alpha=2.0", celu }, /* all floats since version 28 */
    { "Selu", NULL, selu },
    { "HardSigmoid", "alpha=0.25", hard_sigmoid },
    { "HardSwish", NULL, hard_swish },
    { "Softplus", NULL, softplus },
    { "Softsign", NULL, softsign },
    { "LeakyRelu", "alpha=0.25", leaky },
    { "Shrink", "lambd=1.0 bias=0.5", shrink },
    { "Sigmoid", NULL, sigmoid },
    { "Tanh", NULL, tanh },
    { "Erf", NULL, erf },
    { "Relu", NULL, relu },
    { "Sign", NULL, sign },
    { "Abs", NULL, fabs },
    { "Ceil", NULL, ceil },
    { "Floor", NULL, floor },
    { "Round", NULL, nearbyint },
    { "Exp", NULL, exp },
    { "Log", NULL, log, POSITIVE },
    { "Sqrt", NULL, sqrt, POSITIVE },
    { "Reciprocal", NULL, reciprocal, POSITIVE },
    { "Sin", NULL, sin },
    { "Cos", NULL, cos },
    { "Tan", NULL, tan, GENTLE },
    { "Asin", NULL, asin, WITHIN_ONE },
    { "Acos", NULL, acos, WITHIN_ONE },
    { "Atan", NULL, atan },
    { "Sinh", NULL, sinh },
    { "Cosh", NULL, cosh },
    { "Asinh", NULL, asinh },
    { "Acosh", NULL, acosh, ABOVE_ONE },
    { "Atanh", NULL, atanh, INSIDE },
    { "com.microsoft::Gelu", NULL, gelu },
    { "com.microsoft::QuickGelu", NULL, quick },
};

enum { N = 37 };

/* The function on N numbers of its range, each as the type holds it. */
static op_case row_of(size_t i, const char *type) {
    char in[2000], want[2000];
    int a = sprintf(in, "%s:%d", type, N), b = sprintf(want, "%s", in);
    double from = ranges[functions[i].range].from, to = ranges[functions[i].range].to;
    for (int e = 0; e < N; e++) {
        double x = number_in(tn_dtype_parse(type), from + (to - from) * e / (N - 1));
        a += tn_snprintf(in + a, 64, "%c%.17g", e ? ',' : '=', x);
        b += tn_snprintf(want + b, 64, "%c%.17g", e ? ',' : '=', functions[i].f(x));
    }
    return (op_case){ functions[i].op, functions[i].attrs, strdup(in), strdup(want), 0 };
}

static void formulas(void **state) {
    static const char *const types[] = { "f32", "f64", "f16", "bf16" };
    op_case rows[TN_COUNT(functions) * TN_COUNT(types)];
    size_t n = 0;
    for (size_t i = 0; i < TN_COUNT(functions); i++)
        for (size_t k = 0; k < TN_COUNT(types); k++)
            if (k != 1 || !strstr(functions[i].op, "::")) rows[n++] = row_of(i, types[k]); /* those have no float64 */
    op_cases_run(rows, n);
    while (n-- > 0) free((char *)rows[n].in), free((char *)rows[n].want);
}

static void ends(void **state) {
    static const op_case rows[] = {
        { "Gelu", NULL, "f32:4=inf,0,nan,1e30", "f32:4=inf,0,nan,1e30" },
        { "Gelu", "approximate=tanh", "f32:4=inf,0,-100,100", "f32:4=inf,0,0,100" },
        { "Gelu", NULL, "f64:0", "f64:0" },
        { "Gelu", NULL, "f16:=-60000", "f16:=0" },
        { "Mish", NULL, "f32:4=0,100,-200,nan", "f32:4=0,100,0,nan" },
        { "Mish", NULL, "f64:3=1000,-1000,0", "f64:3=1000,0,0" },
        { "Swish", NULL, "f32:4=0,1000,-1000,nan", "f32:4=0,1000,0,nan" },
        { "Swish", "alpha=0.0", "f32:2=3,-5", "f32:2=1.5,-2.5" },
        { "Swish", "alpha=-1.0", "f32:1=1000", "f32:1=0" },
        { "SwiGLU", NULL, "f32:2,2=1,-2,3,0 f32:2,2=0.5,1,-1,9", "f32:2,2=0.3655292893,-0.2384058440,-2.8577223804,0" },
        { "SwiGLU", "alpha=0.5", "f64:2=1,-2 f64:2=0.5,1", "f64:2=0.31122966560092729,-0.53788284273999024" },
        { "SwiGLU", NULL, "f16:2=1,-2 f16:2=2,-1", "f16:2=1.4621171573,0.2384058440" },
        { "SwiGLU", NULL, "bf16:0,3 bf16:0,3", "bf16:0,3" },
        { "ThresholdedRelu", NULL, "f32:4=1,1.0000001,nan,inf", "f32:4=0,1.0000001,nan,inf" },
        { "HardSwish", NULL, "f32:3=-3,3,100", "f32:3=0,3,100" },
        { "Softplus", NULL, "f32:3=200,-200,0", "f32:3=200,0,0.6931471806" },
        { "Softplus", NULL, "f64:2=800,-800", "f64:2=800,0" },
        { "Sign", NULL, "i8:3=-128,0,5", "i8:3=-1,0,1" },
        { "Sign", NULL, "u64:2=0,0xffffffffffffffff", "u64:2=0,1" },
        { "Abs", NULL, "i32:3=-5,5,0", "i32:3=5,5,0" },
        { "Abs", NULL, "u8:1=200", "u8:1=200" },
        { "Neg", NULL, "i16:2=-32767,3", "i16:2=32767,-3" },
        { "Relu", NULL, "i8:3=-128,0,127", "i8:3=0,0,127" },
        { "Round", NULL, "f16:5=0.5,1.5,-0.5,2.5,-1.5", "f16:5=0,2,-0,2,-2", -1 },
        { "Shrink", "lambd=1.5 bias=0.0", "i32:4=-2,-1,1,2", "i32:4=-2,0,0,2" },
        { "PRelu", NULL, "f32:2,2=-1,2,-3,4 f32:2=0.5,9", "f32:2,2=-0.5,2,-1.5,4" },
        { "PRelu", NULL, "i32:3=-1,2,-3 i32:1=2", "i32:3=-2,2,-6" },
        /* the first of equal ones; axis -1 unless said; before version 13 over all that follows the axis */
        { "Hardmax", NULL, "f32:2,3=1,3,3,5,4,5", "f32:2,3=0,1,0,1,0,0" },
        { "Hardmax", "axis=0", "f64:2,2=1,7,2,7", "f64:2,2=0,1,1,0" },
        { "Hardmax", "axis=-2", "f16:1,2,2=-1,-2,-3,-1", "f16:1,2,2=1,0,0,1" },
        { "Hardmax", NULL, "bf16:1,1=-9", "bf16:1,1=1" },
        { "Hardmax", NULL, "f32:0,3", "f32:0,3" },
        { "Hardmax@11", NULL, "f32:1,2,2=1,2,3,4", "f32:1,2,2=0,0,0,1" },
        { "Hardmax@13", NULL, "f32:1,2,2=1,2,3,4", "f32:1,2,2=0,1,0,1" },
        { "Softmax", NULL, "f64:1,2=0,1.0986122886681098", "f64:1,2=0.25,0.75" },
        { "Softmax", "axis=0", "bf16:2,1=5", "bf16:2,1=0.5" },
        { "LogSoftmax", NULL, "f16:2=0,0", "f16:2=-0.6931471806" },
    };
    op_cases(rows);
}

/* com.microsoft: the bias is added first, along the last axis. */
static void with_bias(void **state) {
    static const op_case rows[] = {
        { "com.microsoft::FastGelu", NULL, "f32:3=1,0,-1", "f32:3=0.8411919906,0,-0.1588080094" },
        { "com.microsoft::FastGelu", NULL, "f16:2,2=0,-1,1,-2 f16:2=1,1",
          "f16:2,2=0.8411919906,0,1.9545976776,-0.1588080094" },
        { "com.microsoft::BiasGelu", NULL, "f32:2,2=0,-1,1,-2 f32:2=1,1",
          "f32:2,2=0.8413447461,0,1.9544997361,-0.1586552539" },
        { "com.microsoft::BiasAdd", NULL, "f16:1,1,2=1,2 f16:2=10,20 f16:1,1,2=100,200", "f16:1,1,2=111,222" },
        { "com.microsoft::BiasSplitGelu", NULL, "f32:1,1,4=2,3,0,1 f32:4=0,0,1,-2",
          "f32:1,1,2=1.6826894921,-0.4759657616" },
        { "com.microsoft::QuickGelu", "alpha=1.0", "f32:2=1,-2", "f32:2=0.7310585786,-0.2384058440" },
        { "com.microsoft::GemmFastGelu", NULL, "f32:1,2=1,2 f32:2,2=1,0,0,-0.5 f32:2=0,1", "f32:1,2=0.8411919906,0" },
        { "com.microsoft::FusedMatMulActivation", "activation=LeakyRelu activation_alpha=0.5 alpha=2.0 transA=1",
          "f32:2,1=1,2 f32:2,2=1,2,-3,4", "f32:1,2=-5,20" },
        { "com.microsoft::FusedMatMulActivation", "activation=Relu transB=1", "f32:1,2=1,2 f32:2,2=1,2,3,-4",
          "f32:1,2=5,0" },
        { "com.microsoft::FusedGemm", "activation=Relu alpha=2.0 beta=-1.0 transB=1",
          "f32:1,2=1,2 f32:2,2=1,1,-1,0 f32:2=1,2", "f32:1,2=5,0" },
        { "com.microsoft::FusedConv", "activation=Relu", "f32:1,1,3=1,2,3 f32:1,1,2=1,-1 f32:1=0.5", "f32:1,1,2=0" },
        { "com.microsoft::FusedConv", "activation=LeakyRelu activation_params=[0.5]",
          "f32:1,1,1,2=1,4 f32:1,1,1,2=1,-1", "f32:1,1,1,1=-1.5" },
        { "com.microsoft::FusedConv", "activation=Clip activation_params=[0.0,6.0] pads=[1,0]",
          "f32:1,1,2=3,4 f32:1,1,2=1,1 f32:1=2 f32:1,1,2=1,-10",
          "f32:1,1,2=6,0" }, /* z is added before the activation */
        { "com.microsoft::BiasSoftmax", "axis=1 is_inner_broadcast=1", "f32:2,2=0,1,2,3 f32:1,2=1.0986122887,-1",
          "f32:2,2=0.75,0.25,0.75,0.25" },
        { "com.microsoft::BiasSoftmax", "axis=2 is_inner_broadcast=1", "f16:1,2,2=0,0,0,0 f16:1,2,2=0,0,0,1.0986122887",
          "f16:1,2,2=0.5,0.5,0.25,0.75" },
    };
    op_cases(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(formulas), cmocka_unit_test(ends),
                                        cmocka_unit_test(with_bias) };
    return cmocka_run_group_tests_name("op/activations", tests, NULL, NULL);
}
