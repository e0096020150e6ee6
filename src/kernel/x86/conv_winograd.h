/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv_winograd.h - the transforms of F(4x4, 3x3) on vectors; see kernel/conv_winograd.c. Included after a simd header.
 *
 * B^T and A^T for the points 0, +-p, +-q (p^2 = 1/2, q^2 = 2) and infinity share even and odd parts:
 *   x0 - 5/2 x2 + x4                                     m0 + s + t                s = m1 + m2, t = m3 + m4
 *   (x4 - q^2 x2) +- p (x3 - q^2 x1)                     p e + q f                 e = m1 - m2, f = m3 - m4
 *   (x4 - p^2 x2) +- q (x3 - p^2 x1)                     p^2 s + q^2 t
 *   x1 - 5/2 x3 + x5                                     p^3 e + q^3 f + m5 */
#ifndef TN_KERNEL_X86_CONV_WINOGRAD_H
#define TN_KERNEL_X86_CONV_WINOGRAD_H

#include "kernel/conv.h"
#include "kernel/x86/activation_simd.h"

#define WINO_P 0.70710678118654752f
#define WINO_Q 1.41421356237309505f

/* Six vectors `from` apart to six `to` apart. */
static inline __attribute__((always_inline)) void winograd_in_6(const float *x, int64_t from, float *y, int64_t to) {
    tn_vf x0 = V_LOAD(x), x1 = V_LOAD(x + from), x2 = V_LOAD(x + 2 * from), x3 = V_LOAD(x + 3 * from);
    tn_vf x4 = V_LOAD(x + 4 * from), x5 = V_LOAD(x + 5 * from);
    tn_vf p = V_SET(WINO_P), q = V_SET(WINO_Q), half = V_SET(0.5f), two = V_SET(2), k = V_SET(2.5f);
    tn_vf ep = V_FNMA(two, x2, x4), op = V_FNMA(two, x1, x3), eq = V_FNMA(half, x2, x4), oq = V_FNMA(half, x1, x3);
    V_STORE(y, V_FNMA(k, x2, x0 + x4));
    V_STORE(y + to, V_FMA(p, op, ep));
    V_STORE(y + 2 * to, V_FNMA(p, op, ep));
    V_STORE(y + 3 * to, V_FMA(q, oq, eq));
    V_STORE(y + 4 * to, V_FNMA(q, oq, eq));
    V_STORE(y + 5 * to, V_FNMA(k, x3, x1 + x5));
}

static void winograd_in(const float *x, int64_t row, float *v, int64_t step) {
    float t[36 * TN_VL] __attribute__((aligned(64)));
    for (int i = 0; i < 6; i++) winograd_in_6(x + i * TN_VL, row, t + i * TN_VL, 6 * TN_VL);
    for (int i = 0; i < 6; i++) winograd_in_6(t + i * 6 * TN_VL, TN_VL, v + i * 6 * step, step);
}

/* Six vectors to four. */
static inline __attribute__((always_inline)) void winograd_out_4(const float *m, int64_t from, tn_vf y[4]) {
    tn_vf m1 = V_LOAD(m + from), m2 = V_LOAD(m + 2 * from), m3 = V_LOAD(m + 3 * from), m4 = V_LOAD(m + 4 * from);
    tn_vf s = m1 + m2, e = m1 - m2, t = m3 + m4, f = m3 - m4;
    y[0] = V_LOAD(m) + (s + t);
    y[1] = V_FMA(V_SET(WINO_P), e, V_SET(WINO_Q) * f);
    y[2] = V_FMA(V_SET(0.5f), s, t + t);
    y[3] = V_FMA(V_SET(WINO_P / 2), e, V_FMA(V_SET(2 * WINO_Q), f, V_LOAD(m + 5 * from)));
}

static void winograd_out(const float *m, int64_t step, const float *bias, const float *add, float *y, int64_t row,
                         int rows, int columns, const tn_activation *act) {
    float t[24 * TN_VL] __attribute__((aligned(64)));
    for (int i = 0; i < 6; i++) {
        tn_vf v[4];
        winograd_out_4(m + i * step, 6 * step, v);
        for (int j = 0; j < 4; j++) V_STORE(t + (j * 6 + i) * TN_VL, v[j]);
    }
    float lo, hi;
    bool clip = TN_V(tn_act_clamp)(*act, &lo, &hi);
    for (int i = 0; i < rows; i++, y += row) {
        tn_vf v[4], b = V_LOAD(bias);
        winograd_out_4(t + i * 6 * TN_VL, TN_VL, v);
        for (int j = 0; j < 4; j++) {
            if (j == columns) break;
            v[j] += b;
            if (add) v[j] += V_LOAD(add + i * row + j * TN_VL);
            if (clip) v[j] = V_MIN(V_SET(hi), V_MAX(V_SET(lo), v[j]));
            V_STORE(y + j * TN_VL, v[j]);
        }
        if (!clip) TN_V(tn_act_block)(*act, y, y, 1, columns * TN_VL, row);
    }
}

#endif
