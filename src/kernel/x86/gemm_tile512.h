/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gemm_tile512.h - what gemm_simd.h wants to know of 512-bit vectors: for the tables with and without bfloat16. */
#ifndef TN_KERNEL_GEMM_TILE512_H
#define TN_KERNEL_GEMM_TILE512_H

#include "kernel/x86/math_avx512.h"
#include "kernel/x86/rows.h"

#define MR       14
#define EACH_ROW ROWS_14
typedef __mmask16 lanes;
#define LOADM(p, m)     _mm512_maskz_loadu_ps(m, p)
#define STOREM(p, m, v) _mm512_mask_storeu_ps(p, m, v)
#define MASKS_ARE_FREE  1

/* Pairs of rows, then pairs of pairs inside each 128-bit quarter; then the quarters change places. */
static inline __attribute__((always_inline)) void transpose(__m512 *r) {
    __m512 t[16], u[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        for (int h = 0; h < 2; h++) {
            __m512d a = _mm512_castps_pd(t[i + h]), b = _mm512_castps_pd(t[i + h + 2]);
            u[i + 2 * h] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            u[i + 2 * h + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        }
    }
    for (int i = 0; i < 4; i++) { /* u[4 q + i] holds, in quarter j, column 4 j + i of rows 4 q .. 4 q + 3 */
        __m512 ab_even = _mm512_shuffle_f32x4(u[i], u[4 + i], 0x88),
               ab_odd = _mm512_shuffle_f32x4(u[i], u[4 + i], 0xdd);
        __m512 cd_even = _mm512_shuffle_f32x4(u[8 + i], u[12 + i], 0x88);
        __m512 cd_odd = _mm512_shuffle_f32x4(u[8 + i], u[12 + i], 0xdd);
        r[i] = _mm512_shuffle_f32x4(ab_even, cd_even, 0x88);
        r[8 + i] = _mm512_shuffle_f32x4(ab_even, cd_even, 0xdd);
        r[4 + i] = _mm512_shuffle_f32x4(ab_odd, cd_odd, 0x88);
        r[12 + i] = _mm512_shuffle_f32x4(ab_odd, cd_odd, 0xdd);
    }
}

#endif
