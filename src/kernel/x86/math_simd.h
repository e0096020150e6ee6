/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* math_simd.h - elementary functions of a vector of floats, written once for both vector lengths. Include
 * math_avx512.h (names end in _ps512) or math_avx2.h (_ps256).
 *
 * NaN gives NaN, infinities their limits, -0 stays -0 in odd functions, denormals are read and written. Largest errors
 * against the exact value, found by a dense sweep over all floats and held by tests/kernel/vec.c (1 ulp: spacing of
 * floats at the result; denormal results: the spacing of denormals):
 *   exp 1.1 ulp   expm1 1.7   log 0.9   sigmoid 2.4   softplus 2.2   sin, cos 1.7 (|x| < 1e5: see vec_simd.h)
 *   tanh, erf 5.1 (of the spacing just below 1, which is half of that at 1; 2.6 where |y| < 1/2)
 *   gelu 2.5, silu 2, mish 2 ulp of max(|x|, |y|): far below zero gelu's x/2 (1 + erf) loses relative accuracy
 *
 * Where the coefficients come from: least squares in the requested weight (the relative error of the whole function) on
 * 500 Chebyshev nodes, the weights multiplied by the errors until those are level (Lawson's algorithm, which converges
 * to the minimax polynomial); rational functions linearise the quotient around the last denominator in each round. True
 * values came from 40-digit arithmetic; the constant terms of tanh are fixed so that small arguments are exact. */
#ifndef TN_KERNEL_MATH_SIMD_H
#define TN_KERNEL_MATH_SIMD_H

/* x = n ln 2 + r, |r| <= ln 2 / 2; ln 2 as the sum of two floats: the first product is exact inside the fma. */
static inline tn_vf TN_V(tn_exp_reduce)(tn_vf x, tn_vf *n) {
    *n = V_ROUND(x * V_SET(1.44269504f), _MM_FROUND_TO_NEAREST_INT);
    return V_FNMA(*n, V_SET(-1.90465430e-9f), V_FNMA(*n, V_SET(0.693147182f), x));
}

static inline tn_vf TN_V(tn_exp)(tn_vf x) {
    /* Past these bounds the result is 0 or inf anyway. Argument order matters: NaN passes through. */
    tn_vf n, r = TN_V(tn_exp_reduce)(V_MIN(V_SET(89.0f), V_MAX(V_SET(-104.0f), x)), &n);
    tn_vf q = V_FMA(V_SET(1.381453942e-3f), r, V_SET(8.368745446e-3f));
    q = V_FMA(q, r, V_SET(4.166838899e-2f));
    q = V_FMA(q, r, V_SET(1.666652113e-1f));
    q = V_FMA(q, r, V_SET(4.999999404e-1f));
    q = V_FMA(q * r, r, r) + V_SET(1.0f);
    return tn_v_scale(q, n);
}

/* e^x - 1 = s (p + 1) - 1 with p = e^r - 1, s = 2^n. */
static inline tn_vf TN_V(tn_expm1)(tn_vf x) {
    tn_vf n, r = TN_V(tn_exp_reduce)(V_MIN(V_SET(89.0f), V_MAX(V_SET(-18.0f), x)), &n);
    tn_vf q = V_FMA(V_SET(1.388250967e-3f), r, V_SET(8.366547525e-3f));
    q = V_FMA(q, r, V_SET(4.166720062e-2f));
    q = V_FMA(q, r, V_SET(1.666654348e-1f));
    q = V_FMA(q, r, V_SET(4.999999702e-1f));
    tn_vf p = V_FMA(q * r, r, r), half = tn_v_scale(V_SET(0.5f), n); /* 2^n itself overflows before e^x does */
    tn_vf y = V_FMA(half, p, half - V_SET(0.5f)) * V_SET(2.0f);
    return V_SEL(V_CMP(x, V_ZERO(), _CMP_EQ_OQ), x, y); /* keeps -0 */
}

static inline tn_vf TN_V(tn_log)(tn_vf x) {
    tn_vf e, f = tn_v_split(x, &e) - V_SET(1.0f), z = f * f;
    tn_vf p = V_FMA(V_SET(-7.634384185e-2f), f, V_SET(1.276542693e-1f));
    p = V_FMA(p, f, V_SET(-1.316200495e-1f));
    p = V_FMA(p, f, V_SET(1.420136839e-1f));
    p = V_FMA(p, f, V_SET(-1.662314385e-1f));
    p = V_FMA(p, f, V_SET(2.000123560e-1f));
    p = V_FMA(p, f, V_SET(-2.500082552e-1f));
    p = V_FMA(p, f, V_SET(3.333333135e-1f));
    tn_vf y = V_FMA(z * f, p, e * V_SET(1.428606765e-6f));
    y = V_FNMA(z, V_SET(0.5f), y);
    return V_FMA(e, V_SET(0.693145752f), f + y); /* 15 bits of ln 2: exact products */
}

/* log(1 + u), 0 <= u <= 1: the rounding error of 1 + u is put back to first order. */
static inline tn_vf TN_V(tn_log1p)(tn_vf u) {
    tn_vf w = u + V_SET(1.0f), lost = u - (w - V_SET(1.0f));
    return TN_V(tn_log)(w) + lost / w;
}

/* e^-|x| never overflows, and serves both sides: 1 / (1 + e) and e / (1 + e). */
static inline tn_vf TN_V(tn_sigmoid)(tn_vf x) {
    tn_vf e = TN_V(tn_exp)(V_OR(x, V_SET(-0.0f))), one = V_SET(1.0f);
    return V_SEL(V_CMP(x, V_ZERO(), _CMP_LT_OQ), e, one) / (one + e);
}

/* x P(x^2) / Q(x^2); at 9.02 tanh rounds to 1. */
static inline tn_vf TN_V(tn_tanh)(tn_vf x) {
    tn_vf c = V_MIN(V_SET(9.02f), V_MAX(V_SET(-9.02f), x)), u = c * c, one = V_SET(1.0f);
    tn_vf p = V_FMA(V_SET(1.338431765e-8f), u, V_SET(2.063584543e-5f));
    p = V_FMA(p, u, V_SET(3.497459227e-3f));
    p = V_FMA(p, u, V_SET(1.338268816e-1f));
    p = V_FMA(p, u, one);
    tn_vf q = V_FMA(V_SET(7.790261520e-7f), u, V_SET(3.288519802e-4f));
    q = V_FMA(q, u, V_SET(2.588436753e-2f));
    q = V_FMA(q, u, V_SET(4.671601057e-1f));
    q = V_FMA(q, u, one);
    tn_vf y = c * (p / q);
    return V_MIN(one, V_MAX(-one, y));
}

/* x P(x^2) / Q(x^2); at 3.93 erf rounds to 1. */
static inline tn_vf TN_V(tn_erf)(tn_vf x) {
    tn_vf c = V_MIN(V_SET(3.93f), V_MAX(V_SET(-3.93f), x)), u = c * c, one = V_SET(1.0f);
    tn_vf p = V_FMA(V_SET(2.045685505e-6f), u, V_SET(2.842405811e-4f));
    p = V_FMA(p, u, V_SET(3.756307531e-3f));
    p = V_FMA(p, u, V_SET(5.271924660e-2f));
    p = V_FMA(p, u, V_SET(1.902463585e-1f));
    p = V_FMA(p, u, V_SET(1.128379226f));
    tn_vf q = V_FMA(V_SET(3.801250205e-5f), u, V_SET(1.159457606e-3f));
    q = V_FMA(q, u, V_SET(1.495120116e-2f));
    q = V_FMA(q, u, V_SET(1.140352190e-1f));
    q = V_FMA(q, u, V_SET(5.019343495e-1f));
    q = V_FMA(q, u, one);
    tn_vf y = c * (p / q);
    return V_MIN(one, V_MAX(-one, y));
}

static inline tn_vf TN_V(tn_relu)(tn_vf x) { return V_MAX(V_ZERO(), x); }

/* The self-gated ones are x times a gate that is 0 far below: -0 there, and NaN at -inf, as inf * 0 is. */
static inline tn_vf TN_V(tn_silu)(tn_vf x) {
    return V_SEL(V_CMP(x, V_SET(-1e4f), _CMP_LT_OQ), x * V_ZERO(), x * TN_V(tn_sigmoid)(x));
}

static inline tn_vf TN_V(tn_gelu)(tn_vf x) {
    tn_vf h = x * V_SET(0.5f), y = V_FMA(h, TN_V(tn_erf)(x * V_SET(0.707106781f)), h);
    return V_SEL(V_CMP(x, V_SET(-1e4f), _CMP_LT_OQ), x * V_ZERO(), y);
}

static inline tn_vf TN_V(tn_gelu_tanh)(tn_vf x) {
    tn_vf h = x * V_SET(0.5f), u = x * V_SET(0.797884561f) * V_FMA(x * x, V_SET(0.044715f), V_SET(1.0f));
    return V_SEL(V_CMP(x, V_SET(-1e4f), _CMP_LT_OQ), x * V_ZERO(), V_FMA(h, TN_V(tn_tanh)(u), h));
}

static inline tn_vf TN_V(tn_softplus)(tn_vf x) {
    return V_MAX(V_ZERO(), x) + TN_V(tn_log1p)(TN_V(tn_exp)(V_OR(x, V_SET(-0.0f))));
}

/* tanh(log(1 + e)) = t / (t + 2) with t = e (e + 2); past 20 it is 1. */
static inline tn_vf TN_V(tn_mish)(tn_vf x) {
    tn_vf e = TN_V(tn_exp)(V_MIN(V_SET(20.0f), x)), t = e * (e + V_SET(2.0f)), y = x * (t / (t + V_SET(2.0f)));
    return V_SEL(V_CMP(x, V_SET(-1e4f), _CMP_LT_OQ), x * V_ZERO(), y);
}

static inline tn_vf TN_V(tn_hardsigmoid)(tn_vf x, tn_vf alpha, tn_vf beta) {
    return V_MIN(V_SET(1.0f), V_MAX(V_ZERO(), V_FMA(alpha, x, beta)));
}

/* x (x + 3) / 6 between -3 and 3. The product with a rounded 1/6 would be off in one direction everywhere, and networks
 * with this activation in every layer add that up: one step of correction makes it a division. */
static inline tn_vf TN_V(tn_hardswish)(tn_vf x) {
    tn_vf sixth = V_SET(1.0f / 6), u = x * (x + V_SET(3.0f)), y = u * sixth;
    y = V_FMA(V_FNMA(V_SET(6.0f), y, u), sixth, y);
    y = V_SEL(V_CMP(x, V_SET(3.0f), _CMP_GE_OQ), x, y);
    return V_SEL(V_CMP(x, V_SET(-3.0f), _CMP_LT_OQ), x * V_ZERO(), y);
}

/* sin (quarter 0) or cos (quarter 1) for |x| < 1e5: x = n pi/2 + r with pi/2 as three floats. For |x| >= 1 the first
 * step is exact, since both terms are multiples of 2^-23. */
static inline tn_vf TN_V(tn_sincos)(tn_vf x, int quarter) {
    tn_vf n = V_ROUND(x * V_SET(0.636619772f), _MM_FROUND_TO_NEAREST_INT);
    tn_vf r =
        V_FNMA(n, V_SET(-1.715124510e-15f), V_FNMA(n, V_SET(-4.371138829e-8f), V_FNMA(n, V_SET(1.570796371f), x)));
    tn_vi k = VI_ADD(V_TO_INT(n), VI_SET(quarter));
    tn_vf u = r * r, s = V_FMA(V_SET(-1.951463200e-4f), u, V_SET(8.332155645e-3f));
    s = V_FMA(s, u, V_SET(-1.666665524e-1f));
    s = V_FMA(s * u, r, r);
    tn_vf c = V_FMA(V_SET(2.443241283e-5f), u, V_SET(-1.388730947e-3f));
    c = V_FMA(c, u, V_SET(4.166664556e-2f));
    c = V_FMA(c * u, u, V_FNMA(u, V_SET(0.5f), V_SET(1.0f)));
    tn_vf y = V_SEL(VI_TEST(k, VI_SET(1)), c, s);
    return V_XOR(y, V_OF_BITS(VI_SHL(VI_AND(k, VI_SET(2)), 30)));
}

#endif
