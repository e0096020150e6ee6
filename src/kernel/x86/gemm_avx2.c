/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gemm_avx2.c - the f32 matrix product: a register tile of 6 x 16. */
#include "kernel/x86/math_avx2.h"
#include "kernel/x86/rows.h"
#include "kernel/x86/tables.h"

#define MR       6
#define EACH_ROW ROWS_6
typedef __m256i lanes;
#define LOADM(p, m)     _mm256_maskload_ps(p, m)
#define STOREM(p, m, v) _mm256_maskstore_ps(p, m, v)
#define MASKS_ARE_FREE  0

static inline __attribute__((always_inline)) void transpose(__m256 *r) {
    __m256 t[8], u[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        for (int h = 0; h < 2; h++) {
            __m256d a = _mm256_castps_pd(t[i + h]), b = _mm256_castps_pd(t[i + h + 2]);
            u[i + 2 * h] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, b));
            u[i + 2 * h + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, b));
        }
    }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2f128_ps(u[i], u[4 + i], 0x20);
        r[4 + i] = _mm256_permute2f128_ps(u[i], u[4 + i], 0x31);
    }
}

#include "kernel/x86/gemm_simd.h"

const tn_gemm_kernels TN_TABLE(gemm, avx2) = { GEMM_FUNCTIONS };
