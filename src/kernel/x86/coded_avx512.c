/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* coded_avx512.c - values of split weights and their products with floats, a group of 16 at a time (AVX-512). */
#include "kernel/x86/tables.h"
#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

INLINE __m512 sixteen(const int8_t *code) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)code)));
}

static void values(int64_t n, const int8_t *code, int shift, const float *scale, const float *offset, float *out) {
    for (int64_t g = 0; g < n / TN_GROUP; g++)
        _mm512_storeu_ps(out + 16 * g, _mm512_fmadd_ps(sixteen(code + 16 * g), _mm512_set1_ps(scale[g >> shift]),
                                                       _mm512_set1_ps(offset ? offset[g] : 0.0f)));
}

INLINE void float_rows(const int m, const tn_coded_dot *d, float *y) {
    __m512 acc[TN_CODED_ROWS][2];
    float off[TN_CODED_ROWS] = { 0 };
    for (int r = 0; r < m; r++) acc[r][0] = acc[r][1] = _mm512_setzero_ps();
    for (int64_t g = 0; g < d->n / TN_GROUP; g += 2) /* n is a multiple of 32 */
        for (int i = 0; i < 2; i++) {
            __m512 w = _mm512_mul_ps(sixteen(d->code + 16 * (g + i)), _mm512_set1_ps(d->scale[(g + i) >> d->shift]));
            for (int r = 0; r < m; r++)
                acc[r][i] = _mm512_fmadd_ps(w, _mm512_loadu_ps(d->rows.x + r * d->rows.lda + 16 * (g + i)), acc[r][i]);
        }
    for (int r = 0; r < m; r++) {
        for (int64_t g = 0; d->offset && g < d->n / TN_GROUP; g++)
            off[r] += d->offset[g] * d->rows.sum[r * d->rows.lda / TN_GROUP + g];
        y[r] += _mm512_reduce_add_ps(_mm512_add_ps(acc[r][0], acc[r][1])) + off[r];
    }
}

static void dot_float(const tn_coded_dot *d, float *y) {
    switch (d->rows.m) {
    case 1: float_rows(1, d, y); break;
    case 2: float_rows(2, d, y); break;
    case 3: float_rows(3, d, y); break;
    default: float_rows(4, d, y);
    }
}

const tn_coded_kernels TN_TABLE(coded, avx512) = { .values = values, .dot_float = dot_float };
