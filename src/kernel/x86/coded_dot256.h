/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* coded_dot256.h - split weights times rounded activations, 32 at a time. The file that includes it says how eight sums
 * of four products come about: FOUR(u, s), u being u8 and s s8.
 *
 * Instructions want one operand without a sign: |w|, and a with the sign of w. Neither leaves its type: |-128| is 128
 * as u8, and |a| <= 127. Two products are at most 2 * 128 * 127 = 32512, so that 16 bits hold them. */
#ifndef TN_KERNEL_X86_CODED_DOT256_H
#define TN_KERNEL_X86_CODED_DOT256_H

#include "kernel/coded.h"
#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

INLINE float sum_of(__m256 a) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

/* Products of n floats, n even and small: offsets and sums of groups. */
INLINE float sum_products(int64_t n, const float *a, const float *b) {
    __m256 s = _mm256_setzero_ps();
    float rest = 0;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) s = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), s);
    for (; i < n; i++) rest += a[i] * b[i];
    return sum_of(s) + rest;
}

INLINE __m256i load_256(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }

INLINE __m128i load_128(const void *p) { return _mm_loadu_si128((const __m128i *)p); }
INLINE void store_256(int8_t *p, __m256i v) { _mm256_storeu_si256((__m256i *)(void *)p, v); }

INLINE float half_at(const uint8_t *p) {
    uint16_t h;
    memcpy(&h, p, sizeof h);
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(h)));
}

INLINE uint32_t word_at(const uint8_t *p) {
    uint32_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

/* The low and the high halves of bytes. */
INLINE __m256i low(__m256i v) { return _mm256_and_si256(v, _mm256_set1_epi8(15)); }
INLINE __m256i high(__m256i v) { return low(_mm256_srli_epi16(v, 4)); }
/* Bit `which` of 32 bytes as `value` or 0. */
INLINE __m256i bit_as(__m256i v, int which, int value) {
    __m256i bit = _mm256_set1_epi8((char)(1 << which));
    return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(v, bit), bit), _mm256_set1_epi8((char)value));
}

/* Eight bytes as floats times d. */
INLINE __m256 bytes_times(__m128i bytes, float d) {
    return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)), _mm256_set1_ps(d));
}

/* The eight scales and minima of six bits of Q4_K and Q5_K, a byte each. */
typedef struct {
    __m128i scale, least;
} six_scales;

INLINE __m128i two_words(uint32_t a, uint32_t b) { return _mm_insert_epi32(_mm_cvtsi32_si128((int)a), (int)b, 1); }

INLINE six_scales six_scales_of(const uint8_t *p) {
    uint32_t a = word_at(p), b = word_at(p + 4), c = word_at(p + 8), six = 0x3f3f3f3f, two = 0x30303030;
    return (six_scales){ two_words(a & six, (c & 0x0f0f0f0f) | (a >> 2 & two)),
                         two_words(b & six, (c >> 4 & 0x0f0f0f0f) | (b >> 2 & two)) };
}

/* Two floats, each four times. */
INLINE __m256 two_scales(const float *p) {
    __m256i both = _mm256_castsi128_si256(_mm_loadl_epi64((const __m128i *)(const void *)p));
    return _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(both, _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1)));
}

/* Scales of blocks i and i + 1 of 32. */
INLINE __m256 scale_of(const tn_coded_dot *d, int64_t i) {
    return d->shift ? _mm256_broadcast_ss(d->scale + (2 * i >> d->shift)) : two_scales(d->scale + 2 * i);
}

/* 32 of each. */
INLINE void dot_step(const int m, const tn_coded_dot *d, int64_t i, __m256 scale, __m256 *acc) {
    __m256i w = load_256(d->code + 32 * i), size = _mm256_abs_epi8(w);
    for (int r = 0; r < m; r++) {
        __m256i a = _mm256_sign_epi8(load_256(d->rows.a + r * d->rows.lda + 32 * i), w);
        __m256 both = _mm256_mul_ps(scale, _mm256_broadcast_ss(d->rows.a_scale + r * d->rows.lda / 32 + i));
        acc[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(FOUR(size, a)), both, acc[r]);
    }
}

/* m: a constant after inlining. Two chains of sums, since one would wait for itself. */
INLINE void dot_rows(const int m, const tn_coded_dot *d, float *y) {
    __m256 even[TN_CODED_ROWS], odd[TN_CODED_ROWS];
    int64_t i = 0;
    for (int r = 0; r < m; r++) even[r] = odd[r] = _mm256_setzero_ps();
    for (; i + 2 <= d->n / 32; i += 2) {
        dot_step(m, d, i, scale_of(d, i), even);
        dot_step(m, d, i + 1, scale_of(d, i + 1), odd);
    }
    if (i < d->n / 32) dot_step(m, d, i, scale_of(d, i), even);
    for (int r = 0; r < m; r++) {
        y[r] += sum_of(_mm256_add_ps(even[r], odd[r]));
        if (d->offset) y[r] += sum_products(d->n / 16, d->offset, d->rows.sum + r * d->rows.lda / 16);
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

#endif
