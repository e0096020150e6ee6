/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gemm_avx512bf16.c - the f32 matrix product of AVX-512, and products of bfloat16 pairs (VDPBF16PS): the same register
 * tile of 14 x 32, twice the products per instruction. */
#include "kernel/x86/math_avx512.h"
#include "kernel/x86/tables.h"

#include "kernel/x86/gemm_tile512.h"

#include "kernel/x86/gemm_simd.h"

/* rows: a constant after inlining, <= MR. */
INLINE void pair_tile(const int rows, const tn_gemm_pairs *s, int64_t row) {
    const uint32_t *a = s->a + row * s->lda, *b = s->b;
    tn_vf acc[MR][2];
    for (int i = 0; i < MR; i++) acc[i][0] = acc[i][1] = V_ZERO();
    for (int64_t p = 0; p < s->k; p++, b += NR) {
        __m512bh b0 = (__m512bh)_mm512_loadu_si512(b), b1 = (__m512bh)_mm512_loadu_si512(b + TN_VL);
#define X(i)                                                              \
    if (i < rows) {                                                       \
        __m512bh x = (__m512bh)_mm512_set1_epi32((int)a[i * s->lda + p]); \
        acc[i][0] = _mm512_dpbf16_ps(acc[i][0], x, b0);                   \
        acc[i][1] = _mm512_dpbf16_ps(acc[i][1], x, b1);                   \
    }
        EACH_ROW(X)
#undef X
    }
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < 2 && v * TN_VL < s->n; v++) {
            int64_t left = s->n - v * TN_VL;
            lanes m = tn_v_first((size_t)(left < TN_VL ? left : TN_VL));
            float *c = s->c + (row + i) * s->ldc + v * TN_VL;
            tn_vf was = s->add ? LOADM(c, m) : V_ZERO();
            STOREM(c, m, V_FMA(V_SET(s->alpha), acc[i][v], was));
        }
}

static void pairs(const tn_gemm_pairs *s) {
    int64_t i = 0;
    for (; i + MR <= s->m; i += MR) pair_tile(MR, s, i);
    for (; i + 4 <= s->m; i += 4) pair_tile(4, s, i);
    for (; i < s->m; i++) pair_tile(1, s, i);
}

const tn_gemm_kernels TN_TABLE(gemm, avx512bf16) = { GEMM_FUNCTIONS, .pairs = pairs };
