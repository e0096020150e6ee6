/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* activation_simd.h - the activations of kernel/activation.h on vectors, for both vector lengths. Include after
 * math_avx512.h (the names then end in _ps512) or math_avx2.h (_ps256). */
#ifndef TN_KERNEL_ACTIVATION_SIMD_H
#define TN_KERNEL_ACTIVATION_SIMD_H

#include "kernel/activation.h"

/* None, relu and clip are one clamp: *lo and *hi are its bounds. False for the other kinds. V_MAX and V_MIN give their
 * second argument when one is NaN, so that clamping as V_MIN(hi, V_MAX(lo, x)) keeps NaN. */
static inline bool TN_V(tn_act_clamp)(tn_activation t, float *lo, float *hi) {
    *lo = t.kind == TN_ACT_RELU ? 0.0f : t.kind == TN_ACT_CLIP ? t.a : -__builtin_inff();
    *hi = t.kind == TN_ACT_CLIP ? t.b : __builtin_inff();
    return t.kind <= TN_ACT_CLIP && t.kind != TN_ACT_LEAKY_RELU;
}

static inline tn_vf TN_V(tn_leaky_relu)(tn_vf x, tn_vf a) { return V_SEL(V_CMP(x, V_ZERO(), _CMP_LT_OQ), a * x, x); }

/* y = act(x) on an [m, n] block; rows ldx and ldy floats apart. whole: x may be read up to the next multiple of TN_VL
 * in every row. One loop per kind, so that nothing is decided inside. */
static inline void TN_V(tn_act_rows)(tn_activation t, const float *x, ptrdiff_t ldx, bool whole, float *y,
                                     ptrdiff_t ldy, int64_t m, int64_t n) {
    float lo, hi;
    TN_V(tn_act_clamp)(t, &lo, &hi);
    tn_vf a = V_SET(t.a), b = V_SET(t.b), vlo = V_SET(lo), vhi = V_SET(hi);
#define TN_EACH(expr)                                                               \
    for (int64_t i = 0; i < m; i++) {                                               \
        const float *px = x + i * ldx;                                              \
        float *py = y + i * ldy;                                                    \
        int64_t j = 0;                                                              \
        for (; j + TN_VL <= n; j += TN_VL) {                                        \
            tn_vf v = V_LOAD(px + j);                                               \
            V_STORE(py + j, expr);                                                  \
        }                                                                           \
        if (j < n) {                                                                \
            tn_vf v = whole ? V_LOAD(px + j) : tn_v_loadn(px + j, (size_t)(n - j)); \
            tn_v_storen(py + j, expr, (size_t)(n - j));                             \
        }                                                                           \
    }                                                                               \
    return;
    switch (t.kind) {
    case TN_ACT_LEAKY_RELU: TN_EACH(TN_V(tn_leaky_relu)(v, a))
    case TN_ACT_HARDSWISH: TN_EACH(TN_V(tn_hardswish)(v))
    case TN_ACT_HARDSIGMOID: TN_EACH(TN_V(tn_hardsigmoid)(v, a, b))
    case TN_ACT_SIGMOID: TN_EACH(TN_V(tn_sigmoid)(v))
    case TN_ACT_TANH: TN_EACH(TN_V(tn_tanh)(v))
    case TN_ACT_GELU_ERF: TN_EACH(TN_V(tn_gelu)(v))
    case TN_ACT_GELU_TANH: TN_EACH(TN_V(tn_gelu_tanh)(v))
    case TN_ACT_SILU: TN_EACH(TN_V(tn_silu)(v))
    default: TN_EACH(V_MIN(vhi, V_MAX(vlo, v)))
    }
#undef TN_EACH
}

/* The same with equal row distances; y may be x. */
static inline void TN_V(tn_act_block)(tn_activation t, const float *x, float *y, int64_t m, int64_t n, ptrdiff_t ld) {
    TN_V(tn_act_rows)(t, x, ld, false, y, ld, m, n);
}

#endif
