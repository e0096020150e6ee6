/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* coded_avx512vnni.c - split weights times rounded activations, 64 at a time. As in coded_dot256.h one operand has to
 * be without a sign: |w|, and a with the sign of w. */
#include "kernel/x86/tables.h"
#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

/* Floats p[0], p[1], .. each `times` times; of the mask's lanes alone. */
INLINE __m512 repeated(__mmask16 lanes, const float *p, int times) {
    const __m512i four = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    const __m512i eight = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    return _mm512_permutexvar_ps(times == 4 ? four : eight, _mm512_maskz_loadu_ps(lanes, p));
}

/* 64 codes of each, or (half) 32. */
INLINE void step(const int m, const tn_coded_dot *d, int64_t at, bool half, __m512 *acc) {
    __mmask64 bytes = half ? 0xffffffffu : ~(__mmask64)0;
    __m512i w = _mm512_maskz_loadu_epi8(bytes, d->code + at), size = _mm512_abs_epi8(w);
    __mmask64 below = _mm512_movepi8_mask(w);
    int64_t g = at / 16 >> d->shift;
    __m512 scale = !d->shift       ? repeated(half ? 3 : 15, d->scale + g, 4)
                   : d->shift == 1 ? repeated(half ? 1 : 3, d->scale + g, 8)
                                   : _mm512_set1_ps(d->scale[g]);
    for (int r = 0; r < m; r++) {
        __m512i a = _mm512_maskz_loadu_epi8(bytes, d->rows.a + r * d->rows.lda + at);
        a = _mm512_mask_sub_epi8(a, below, _mm512_setzero_si512(), a);
        __m512i sums = _mm512_dpbusd_epi32(_mm512_setzero_si512(), size, a);
        __m512 both = _mm512_mul_ps(scale, repeated(half ? 1 : 3, d->rows.a_scale + (r * d->rows.lda + at) / 32, 8));
        acc[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums), both, acc[r]);
    }
}

INLINE void dot_rows(const int m, const tn_coded_dot *d, float *y) {
    __m512 acc[TN_CODED_ROWS];
    float off[TN_CODED_ROWS] = { 0 };
    int64_t whole = d->n / 64 * 64;
    for (int r = 0; r < m; r++) acc[r] = _mm512_setzero_ps();
    for (int64_t at = 0; at < whole; at += 64) step(m, d, at, false, acc);
    if (whole < d->n) step(m, d, whole, true, acc);
    for (int r = 0; r < m; r++) {
        for (int64_t g = 0; d->offset && g < d->n / TN_GROUP; g++)
            off[r] += d->offset[g] * d->rows.sum[r * d->rows.lda / TN_GROUP + g];
        y[r] += _mm512_reduce_add_ps(acc[r]) + off[r];
    }
}

static void dot(const tn_coded_dot *d, float *y) {
    switch (d->rows.m) {
    case 1: dot_rows(1, d, y); break;
    case 2: dot_rows(2, d, y); break;
    case 3: dot_rows(3, d, y); break;
    default: dot_rows(4, d, y);
    }
}

const tn_coded_kernels TN_TABLE(coded, avx512vnni) = { .dot = dot };
