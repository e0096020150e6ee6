/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* vec_simd.h - the pointwise kernels, written once for both vector lengths: vec_avx2.c and vec_avx512.c include the
 * words of their set, then this file. What is not here (tan, asin, fmod, ...) stays plain C. */
#include "kernel/vec.h"
#include <math.h>

/* y = expr(x) over whole vectors, then one partial vector. In expr: x, and the parameters as a and b. */
#define UNARY(name, expr)                                                        \
    static void name(const float *px, float *py, size_t n, float sa, float sb) { \
        tn_vf a = V_SET(sa), b = V_SET(sb);                                      \
        (void)a, (void)b;                                                        \
        for (; n >= TN_VL; n -= TN_VL, px += TN_VL, py += TN_VL) {               \
            tn_vf x = V_LOAD(px);                                                \
            V_STORE(py, expr);                                                   \
        }                                                                        \
        if (n) {                                                                 \
            tn_vf x = tn_v_loadn(px, n);                                         \
            tn_v_storen(py, expr, n);                                            \
        }                                                                        \
    }

#define SIGN_BIT   V_SET(-0.0f)
#define LESS(a, b) V_CMP(a, b, _CMP_LT_OQ)

static inline tn_vf sign_of(tn_vf x) {
    tn_vf one = V_OR(V_AND(x, SIGN_BIT), V_SET(1.0f));
    return V_SEL(V_CMP(x, V_ZERO(), _CMP_NEQ_OQ), one, x); /* NaN and +-0 as they are */
}
static inline tn_vf elu_of(tn_vf x, tn_vf a) { return V_SEL(LESS(x, V_ZERO()), a * TN_V(tn_expm1)(x), x); }
static inline tn_vf swish_of(tn_vf x, tn_vf a) {
    tn_vf z = a * x;
    return V_SEL(LESS(z, V_SET(-1e4f)), x * V_ZERO(), x * TN_V(tn_sigmoid)(z));
}
static inline tn_vf softsign_of(tn_vf x) {
    tn_vf m = V_ANDNOT(SIGN_BIT, x), y = x / (V_SET(1.0f) + m);
    return V_SEL(V_CMP(m, V_SET(INFINITY), _CMP_EQ_OQ), V_OR(V_AND(x, SIGN_BIT), V_SET(1.0f)), y);
}
static inline tn_vf shrink_of(tn_vf x, tn_vf a, tn_vf b) {
    tn_vf y = V_SEL(V_CMP(x, x, _CMP_UNORD_Q), x, V_ZERO());
    y = V_SEL(V_CMP(x, a, _CMP_GT_OQ), x - b, y);
    return V_SEL(LESS(x, -a), x + b, y);
}

UNARY(identity, x)
UNARY(abs_, V_ANDNOT(SIGN_BIT, x))
UNARY(neg, V_XOR(SIGN_BIT, x))
UNARY(sign, sign_of(x))
UNARY(floor_, V_ROUND(x, _MM_FROUND_TO_NEG_INF))
UNARY(ceil_, V_ROUND(x, _MM_FROUND_TO_POS_INF))
UNARY(round_, V_ROUND(x, _MM_FROUND_TO_NEAREST_INT))
UNARY(trunc_, V_ROUND(x, _MM_FROUND_TO_ZERO))
UNARY(sqrt_, V_SQRT(x))
UNARY(rsqrt, V_SET(1.0f) / V_SQRT(x))
UNARY(reciprocal, V_SET(1.0f) / x)
UNARY(square, x *x)
UNARY(exp_, TN_V(tn_exp)(x))
UNARY(expm1_, TN_V(tn_expm1)(x))
UNARY(log_, TN_V(tn_log)(x))
UNARY(tanh_, TN_V(tn_tanh)(x))
UNARY(erf_, TN_V(tn_erf)(x))
UNARY(sigmoid, TN_V(tn_sigmoid)(x))
UNARY(relu, TN_V(tn_relu)(x))
UNARY(leaky_relu, V_SEL(LESS(x, V_ZERO()), a *x, x))
UNARY(thresholded_relu, V_SEL(V_CMP(x, a, _CMP_LE_OQ), V_ZERO(), x))
UNARY(elu, elu_of(x, a))
UNARY(selu, b *elu_of(x, a))
UNARY(celu, V_SEL(LESS(x, V_ZERO()), a *TN_V(tn_expm1)(x / a), x))
UNARY(clip, V_MIN(b, V_MAX(a, x)))
UNARY(hardsigmoid, TN_V(tn_hardsigmoid)(x, a, b))
UNARY(hardswish, TN_V(tn_hardswish)(x))
UNARY(softplus, TN_V(tn_softplus)(x))
UNARY(softsign, softsign_of(x))
UNARY(mish, TN_V(tn_mish)(x))
UNARY(silu, TN_V(tn_silu)(x))
UNARY(swish, swish_of(x, a))
UNARY(gelu, TN_V(tn_gelu)(x))
UNARY(gelu_tanh, TN_V(tn_gelu_tanh)(x))
UNARY(shrink, shrink_of(x, a, b))
UNARY(affine, V_FMA(a, x, b))

/* Beyond 1e5 the three-part pi/2 runs out of bits: those vectors go to libm, element by element. */
static tn_vf sincos_far(tn_vf x, int quarter) {
    float t[TN_VL];
    V_STORE(t, x);
    for (int i = 0; i < TN_VL; i++) t[i] = quarter ? cosf(t[i]) : sinf(t[i]);
    return V_LOAD(t);
}
static inline tn_vf sincos_of(tn_vf x, int quarter) {
    tn_vm far = V_CMP(V_ANDNOT(SIGN_BIT, x), V_SET(1e5f), _CMP_GT_OQ);
    return __builtin_expect(V_ANY(far), 0) ? sincos_far(x, quarter) : TN_V(tn_sincos)(x, quarter);
}
UNARY(sin_, sincos_of(x, 0))
UNARY(cos_, sincos_of(x, 1))

/* y = expr(a, b); load_a and load_b say which of them are arrays. */
#define BINARY_LOOP(name, T, step_a, step_b, store, storen, expr)               \
    static void name(const float *pa, const float *pb, T *py, size_t n) {       \
        if (!n) return;                                                         \
        tn_vf a = V_SET(*pa), b = V_SET(*pb);                                   \
        for (; n >= TN_VL; n -= TN_VL, pa += TN_VL, pb += TN_VL, py += TN_VL) { \
            if (step_a) a = V_LOAD(pa);                                         \
            if (step_b) b = V_LOAD(pb);                                         \
            store(py, expr);                                                    \
        }                                                                       \
        if (n) {                                                                \
            if (step_a) a = tn_v_loadn(pa, n);                                  \
            if (step_b) b = tn_v_loadn(pb, n);                                  \
            storen(py, expr, n);                                                \
        }                                                                       \
    }
#define BINARY(name, expr)                                          \
    BINARY_LOOP(name##_vv, float, 1, 1, V_STORE, tn_v_storen, expr) \
    BINARY_LOOP(name##_vs, float, 1, 0, V_STORE, tn_v_storen, expr) \
    BINARY_LOOP(name##_sv, float, 0, 1, V_STORE, tn_v_storen, expr)
#define STORE_BOOL(p, m) tn_v_store_bool(p, m, TN_VL)
#define COMPARE(name, how)                                                               \
    BINARY_LOOP(name##_vv, uint8_t, 1, 1, STORE_BOOL, tn_v_store_bool, V_CMP(a, b, how)) \
    BINARY_LOOP(name##_vs, uint8_t, 1, 0, STORE_BOOL, tn_v_store_bool, V_CMP(a, b, how)) \
    BINARY_LOOP(name##_sv, uint8_t, 0, 1, STORE_BOOL, tn_v_store_bool, V_CMP(a, b, how))

/* min and max give their second operand when one is NaN: right unless the first is. */
static inline tn_vf or_nan(tn_vf a, tn_vf y) { return V_SEL(V_CMP(a, a, _CMP_UNORD_Q), a, y); }

BINARY(add, a + b)
BINARY(sub, a - b)
BINARY(mul, a *b)
BINARY(div_, a / b)
BINARY(min_, or_nan(a, V_MIN(a, b)))
BINARY(max_, or_nan(a, V_MAX(a, b)))
BINARY(prelu, V_SEL(LESS(a, V_ZERO()), a *b, a))
BINARY(sqdiff, (a - b) * (a - b))
COMPARE(eq, _CMP_EQ_OQ)
COMPARE(ne, _CMP_NEQ_UQ)
COMPARE(lt, _CMP_LT_OQ)
COMPARE(le, _CMP_LE_OQ)
COMPARE(gt, _CMP_GT_OQ)
COMPARE(ge, _CMP_GE_OQ)

/* Powers with an exponent that models use need no pow: x^(1/2) of -0 is +0, of -inf +inf. */
UNARY(cube, x *x *x)
UNARY(root, V_SEL(V_CMP(x, V_SET(-INFINITY), _CMP_EQ_OQ), V_SET(INFINITY), V_SQRT(x + V_ZERO())))
static void pow_vs(const float *a, const float *b, float *y, size_t n) {
    static const struct {
        float exponent;
        tn_unary_fn f;
    } easy[] = { { 2.0f, square }, { 3.0f, cube }, { 0.5f, root }, { -1.0f, reciprocal }, { 1.0f, identity } };
    float e = *b;
    for (size_t i = 0; i < sizeof easy / sizeof *easy; i++)
        if (e == easy[i].exponent) {
            easy[i].f(a, y, n, 0, 0);
            return;
        }
    for (size_t i = 0; i < n; i++) y[i] = powf(a[i], e);
}

#define WHERE(name, step_a, step_b)                                                             \
    static void name(const uint8_t *c, const float *pa, const float *pb, float *py, size_t n) { \
        if (!n) return;                                                                         \
        tn_vf a = V_SET(*pa), b = V_SET(*pb);                                                   \
        for (; n >= TN_VL; n -= TN_VL, c += TN_VL, pa += TN_VL, pb += TN_VL, py += TN_VL) {     \
            if (step_a) a = V_LOAD(pa);                                                         \
            if (step_b) b = V_LOAD(pb);                                                         \
            V_STORE(py, V_SEL(tn_v_load_bool(c, TN_VL), a, b));                                 \
        }                                                                                       \
        if (n) {                                                                                \
            if (step_a) a = tn_v_loadn(pa, n);                                                  \
            if (step_b) b = tn_v_loadn(pb, n);                                                  \
            tn_v_storen(py, V_SEL(tn_v_load_bool(c, n), a, b), n);                              \
        }                                                                                       \
    }
WHERE(where_vv, 1, 1)
WHERE(where_vs, 1, 0)
WHERE(where_sv, 0, 1)

static void muladd(const float *a, const float *b, const float *c, float *y, size_t n) {
    for (; n >= TN_VL; n -= TN_VL, a += TN_VL, b += TN_VL, c += TN_VL, y += TN_VL)
        V_STORE(y, V_FMA(V_LOAD(a), V_LOAD(b), V_LOAD(c)));
    if (n) tn_v_storen(y, V_FMA(tn_v_loadn(a, n), tn_v_loadn(b, n), tn_v_loadn(c, n)), n);
}
static void scaleadd(const float *a, const float *b, const float *c, float *y, size_t n) {
    tn_vf s = V_SET(*b);
    for (; n >= TN_VL; n -= TN_VL, a += TN_VL, c += TN_VL, y += TN_VL) V_STORE(y, V_FMA(V_LOAD(a), s, V_LOAD(c)));
    if (n) tn_v_storen(y, V_FMA(tn_v_loadn(a, n), s, tn_v_loadn(c, n)), n);
}
static void fill(float v, float *y, size_t n) {
    for (; n >= TN_VL; n -= TN_VL, y += TN_VL) V_STORE(y, V_SET(v));
    if (n) tn_v_storen(y, V_SET(v), n);
}
static void from_bool(const uint8_t *x, float *y, size_t n) {
    tn_vf one = V_SET(1.0f), zero = V_ZERO();
    for (; n >= TN_VL; n -= TN_VL, x += TN_VL, y += TN_VL) V_STORE(y, V_SEL(tn_v_load_bool(x, TN_VL), one, zero));
    if (n) tn_v_storen(y, V_SEL(tn_v_load_bool(x, n), one, zero), n);
}
static void to_bool(const float *x, uint8_t *y, size_t n) {
    for (; n >= TN_VL; n -= TN_VL, x += TN_VL, y += TN_VL)
        tn_v_store_bool(y, V_CMP(V_LOAD(x), V_ZERO(), _CMP_NEQ_UQ), TN_VL);
    if (n) tn_v_store_bool(y, V_CMP(tn_v_loadn(x, n), V_ZERO(), _CMP_NEQ_UQ), n);
}

/* What is 0 here stays as plain C has it (kernel/kernel.h). */
#define FORMS(name) \
    { [TN_VV] = name##_vv, [TN_VS] = name##_vs, [TN_SV] = name##_sv }
#define VEC_KERNELS                                                                                           \
    {                                                                                                         \
        .unary = { [TN_U_IDENTITY] = identity,                                                                \
                   [TN_U_ABS] = abs_,                                                                         \
                   [TN_U_NEG] = neg,                                                                          \
                   [TN_U_SIGN] = sign,                                                                        \
                   [TN_U_FLOOR] = floor_,                                                                     \
                   [TN_U_CEIL] = ceil_,                                                                       \
                   [TN_U_ROUND] = round_,                                                                     \
                   [TN_U_TRUNC] = trunc_,                                                                     \
                   [TN_U_SQRT] = sqrt_,                                                                       \
                   [TN_U_RSQRT] = rsqrt,                                                                      \
                   [TN_U_RECIPROCAL] = reciprocal,                                                            \
                   [TN_U_SQUARE] = square,                                                                    \
                   [TN_U_EXP] = exp_,                                                                         \
                   [TN_U_EXPM1] = expm1_,                                                                     \
                   [TN_U_LOG] = log_,                                                                         \
                   [TN_U_SIN] = sin_,                                                                         \
                   [TN_U_COS] = cos_,                                                                         \
                   [TN_U_TANH] = tanh_,                                                                       \
                   [TN_U_ERF] = erf_,                                                                         \
                   [TN_U_SIGMOID] = sigmoid,                                                                  \
                   [TN_U_RELU] = relu,                                                                        \
                   [TN_U_LEAKY_RELU] = leaky_relu,                                                            \
                   [TN_U_THRESHOLDED_RELU] = thresholded_relu,                                                \
                   [TN_U_ELU] = elu,                                                                          \
                   [TN_U_SELU] = selu,                                                                        \
                   [TN_U_CELU] = celu,                                                                        \
                   [TN_U_CLIP] = clip,                                                                        \
                   [TN_U_HARDSIGMOID] = hardsigmoid,                                                          \
                   [TN_U_HARDSWISH] = hardswish,                                                              \
                   [TN_U_SOFTPLUS] = softplus,                                                                \
                   [TN_U_SOFTSIGN] = softsign,                                                                \
                   [TN_U_MISH] = mish,                                                                        \
                   [TN_U_SILU] = silu,                                                                        \
                   [TN_U_SWISH] = swish,                                                                      \
                   [TN_U_GELU] = gelu,                                                                        \
                   [TN_U_GELU_TANH] = gelu_tanh,                                                              \
                   [TN_U_SHRINK] = shrink,                                                                    \
                   [TN_U_AFFINE] = affine },                                                                  \
        .binary = { [TN_B_ADD] = FORMS(add),     [TN_B_SUB] = FORMS(sub),       [TN_B_MUL] = FORMS(mul),      \
                    [TN_B_DIV] = FORMS(div_),    [TN_B_MIN] = FORMS(min_),      [TN_B_MAX] = FORMS(max_),     \
                    [TN_B_PRELU] = FORMS(prelu), [TN_B_SQDIFF] = FORMS(sqdiff), [TN_B_POW][TN_VS] = pow_vs }, \
        .compare = { [TN_C_EQ] = FORMS(eq), [TN_C_NE] = FORMS(ne), [TN_C_LT] = FORMS(lt),                     \
                     [TN_C_LE] = FORMS(le), [TN_C_GT] = FORMS(gt), [TN_C_GE] = FORMS(ge) },                   \
        .where = FORMS(where), .muladd = muladd, .scaleadd = scaleadd, .fill = fill, .from_bool = from_bool,  \
        .to_bool = to_bool                                                                                    \
    }
