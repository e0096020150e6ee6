/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* coded_whole256.h - products of rounded activations with blocks as they lie, without splitting them first.
 *
 * Codes stay without a sign (0 .. 15, 0 .. 63), as the instructions want them; what that adds, a multiple of the sum of
 * 16 or 32 activations, is known and taken off. The file that includes it says, beside FOUR, how eight sums of eight
 * products come about: EIGHT(u0, s0, u1, s1). Sums of two products are at most 2 * 15 * 127, so that 16 bits hold two.
 */
#ifndef TN_KERNEL_X86_CODED_WHOLE256_H
#define TN_KERNEL_X86_CODED_WHOLE256_H

#include "kernel/x86/coded_dot256.h"

/* Rows are short and many: the hardware's prefetcher starts anew with each page. Only a hint, at any address. */
#define AHEAD(p) _mm_prefetch((const char *)(p) + 2048, _MM_HINT_T0)

INLINE __m128 load_two(const float *p) { return _mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)(const void *)p)); }

/* Of two floats, each four times. */
INLINE __m256 fours(__m128 v) {
    return _mm256_permutevar8x32_ps(_mm256_castps128_ps256(v), _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1));
}

INLINE float low_two(__m128 v) { return _mm_cvtss_f32(_mm_add_ss(v, _mm_movehdup_ps(v))); }

/* Float16 at p and q. */
INLINE __m128 two_halves(const uint8_t *p, const uint8_t *q) {
    uint16_t a, b;
    memcpy(&a, p, sizeof a), memcpy(&b, q, sizeof b);
    return _mm_cvtph_ps(_mm_cvtsi32_si128((int)(a | (uint32_t)b << 16)));
}

/* Sixteen sums of 16 as eight of 32. */
INLINE __m256 pairs_of(const float *sum) {
    __m256 h = _mm256_hadd_ps(_mm256_loadu_ps(sum), _mm256_loadu_ps(sum + 8));
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(h), 0xd8));
}

/* m (rows): a constant after inlining. */
#define ROWS_OF(name)                                     \
    static void name(const tn_coded_whole *w, float *y) { \
        switch (w->rows.m) {                              \
        case 1: name##_rows(1, w, y); break;              \
        case 2: name##_rows(2, w, y); break;              \
        case 3: name##_rows(3, w, y); break;              \
        default: name##_rows(4, w, y);                    \
        }                                                 \
    }

/* Two blocks of 32, whose 4-bit codes are q, with scales s. */
INLINE void two_blocks(const int m, const tn_coded_rows *t, int64_t i, __m256i q, __m128 s, __m256 *acc) {
    __m256i lo = low(q), hi = high(q);
    for (int r = 0; r < m; r++) {
        const int8_t *a = t->a + r * t->lda + 64 * i;
        __m256 both = fours(_mm_mul_ps(s, load_two(t->a_scale + r * t->lda / 32 + 2 * i)));
        __m256i eight = EIGHT(lo, load_256(a), hi, load_256(a + 32));
        acc[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(eight), both, acc[r]);
    }
}

/* Sums of 32 activations times scales and zero points: what codes without a sign are too large by. */
INLINE float zeros_times_sums(const tn_coded_whole *w, const float *sum) {
    __m256 acc = _mm256_setzero_ps();
    float rest = 0;
    int64_t i = 0;
    for (; i + 8 <= w->n / 32; i += 8) {
        __m256 z = w->zero ? _mm256_loadu_ps(w->zero + i) : _mm256_set1_ps(8);
        acc = _mm256_fmadd_ps(_mm256_mul_ps(_mm256_loadu_ps(w->scale + i), z), pairs_of(sum + 2 * i), acc);
    }
    for (; i < w->n / 32; i++) rest += w->scale[i] * (w->zero ? w->zero[i] : 8) * (sum[2 * i] + sum[2 * i + 1]);
    return sum_of(acc) + rest;
}

INLINE void whole_u4_rows(const int m, const tn_coded_whole *w, float *y) {
    __m256 acc[TN_CODED_ROWS];
    for (int r = 0; r < m; r++) acc[r] = _mm256_setzero_ps();
    for (int64_t i = 0; i < w->n / 64; i++) {
        AHEAD(w->q + 32 * i);
        two_blocks(m, &w->rows, i, load_256(w->q + 32 * i), load_two(w->scale + 2 * i), acc);
    }
    for (int r = 0; r < m; r++) y[r] += sum_of(acc[r]) - zeros_times_sums(w, w->rows.sum + r * w->rows.lda / 16);
}
ROWS_OF(whole_u4)

INLINE void whole_q4_0_rows(const int m, const tn_coded_whole *w, float *y) {
    __m256 acc[TN_CODED_ROWS];
    __m128 off[TN_CODED_ROWS];
    const tn_coded_rows *t = &w->rows;
    const uint8_t *p = w->q;
    for (int r = 0; r < m; r++) acc[r] = _mm256_setzero_ps(), off[r] = _mm_setzero_ps();
    for (int64_t i = 0; i < w->n / 64; i++, p += 36) {
        AHEAD(p);
        __m256i q = _mm256_inserti128_si256(_mm256_castsi128_si256(load_128(p + 2)), load_128(p + 20), 1);
        __m128 s = two_halves(p, p + 18);
        two_blocks(m, t, i, q, s, acc);
        for (int r = 0; r < m; r++) {
            __m128 sums = _mm_loadu_ps(t->sum + r * t->lda / 16 + 4 * i);
            off[r] = _mm_fmadd_ps(s, _mm_hadd_ps(sums, sums), off[r]);
        }
    }
    for (int r = 0; r < m; r++) y[r] += sum_of(acc[r]) - 8 * low_two(off[r]);
}
ROWS_OF(whole_q4_0)

INLINE void whole_q8_0_rows(const int m, const tn_coded_whole *w, float *y) {
    __m256 acc[TN_CODED_ROWS][2];
    const tn_coded_rows *t = &w->rows;
    const uint8_t *p = w->q;
    for (int r = 0; r < m; r++) acc[r][0] = acc[r][1] = _mm256_setzero_ps();
    for (int64_t i = 0; i < w->n / 64; i++, p += 68) {
        AHEAD(p);
        float s[2] = { half_at(p), half_at(p + 34) };
        for (int k = 0; k < 2; k++) {
            __m256i v = load_256(p + 2 + 34 * k), size = _mm256_abs_epi8(v);
            for (int r = 0; r < m; r++) {
                __m256i a = _mm256_sign_epi8(load_256(t->a + r * t->lda + 64 * i + 32 * k), v);
                __m256 both = _mm256_set1_ps(s[k] * t->a_scale[r * t->lda / 32 + 2 * i + k]);
                acc[r][k] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(FOUR(size, a)), both, acc[r][k]);
            }
        }
    }
    for (int r = 0; r < m; r++) y[r] += sum_of(_mm256_add_ps(acc[r][0], acc[r][1]));
}
ROWS_OF(whole_q8_0)

/* Q4_K; Q5_K has a fifth bit of each code. */
INLINE void k_rows(const int m, const bool fifths, const tn_coded_whole *w, float *y) {
    __m256 acc[TN_CODED_ROWS][2], off[TN_CODED_ROWS];
    float scales[TN_CODED_ROWS][8];
    const tn_coded_rows *t = &w->rows;
    const uint8_t *p = w->q;
    for (int r = 0; r < m; r++) acc[r][0] = acc[r][1] = off[r] = _mm256_setzero_ps();
    for (int64_t b = 0; b < w->n / 256; b++, p += fifths ? 176 : 144) {
        six_scales six = six_scales_of(p + 4);
        __m256 s = bytes_times(six.scale, half_at(p)), least = bytes_times(six.least, half_at(p + 2));
        for (int r = 0; r < m; r++) {
            _mm256_storeu_ps(scales[r], _mm256_mul_ps(s, _mm256_loadu_ps(t->a_scale + r * t->lda / 32 + 8 * b)));
            off[r] = _mm256_fmadd_ps(least, pairs_of(t->sum + r * t->lda / 16 + 16 * b), off[r]);
        }
        __m256i top = fifths ? load_256(p + 16) : _mm256_setzero_si256();
        for (int i = 0; i < 4; i++) {
            AHEAD(p + 48 * i);
            __m256i q = load_256(p + (fifths ? 48 : 16) + 32 * i), lo = low(q), hi = high(q);
            if (fifths)
                lo = _mm256_or_si256(lo, bit_as(top, 2 * i, 16)), hi = _mm256_or_si256(hi, bit_as(top, 2 * i + 1, 16));
            for (int r = 0; r < m; r++) {
                const int8_t *a = t->a + r * t->lda + 256 * b + 64 * i;
                __m256 s0 = _mm256_broadcast_ss(&scales[r][2 * i]), s1 = _mm256_broadcast_ss(&scales[r][2 * i + 1]);
                acc[r][0] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(FOUR(lo, load_256(a))), s0, acc[r][0]);
                acc[r][1] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(FOUR(hi, load_256(a + 32))), s1, acc[r][1]);
            }
        }
    }
    for (int r = 0; r < m; r++) y[r] += sum_of(_mm256_sub_ps(_mm256_add_ps(acc[r][0], acc[r][1]), off[r]));
}
INLINE void whole_q4_k_rows(const int m, const tn_coded_whole *w, float *y) { k_rows(m, false, w, y); }
INLINE void whole_q5_k_rows(const int m, const tn_coded_whole *w, float *y) { k_rows(m, true, w, y); }
ROWS_OF(whole_q4_k)
ROWS_OF(whole_q5_k)

/* A half and two bits on top, at bits [shift, shift + 2) of two. */
#define WITH_TOP(half, two, shift) \
    _mm256_or_si256(half, _mm256_slli_epi16(_mm256_and_si256(_mm256_srli_epi16(two, shift), _mm256_set1_epi8(3)), 4))

INLINE void q6_k_step(const int m, const tn_coded_rows *t, int64_t at, __m256i u, float scales[][16], __m256 *acc) {
    for (int r = 0; r < m; r++) {
        __m256i four = FOUR(u, load_256(t->a + r * t->lda + at));
        acc[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(four), two_scales(scales[r] + at % 256 / 16), acc[r]);
    }
}

INLINE void whole_q6_k_rows(const int m, const tn_coded_whole *w, float *y) {
    __m256 even[TN_CODED_ROWS], odd[TN_CODED_ROWS], off[TN_CODED_ROWS];
    float scales[TN_CODED_ROWS][16];
    const tn_coded_rows *t = &w->rows;
    const uint8_t *p = w->q;
    for (int r = 0; r < m; r++) even[r] = odd[r] = off[r] = _mm256_setzero_ps();
    for (int64_t b = 0; b < w->n / 256; b++, p += 210) {
        __m128i s = load_128(p + 192);
        __m256 d = _mm256_set1_ps(half_at(p + 208));
        __m256 s0 = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(s)), d);
        __m256 s1 = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(s, 8))), d);
        for (int r = 0; r < m; r++) {
            __m256 by = _mm256_loadu_ps(t->a_scale + r * t->lda / 32 + 8 * b);
            const float *sum = t->sum + r * t->lda / 16 + 16 * b;
            __m256 by0 = _mm256_permutevar8x32_ps(by, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3));
            __m256 by1 = _mm256_permutevar8x32_ps(by, _mm256_setr_epi32(4, 4, 5, 5, 6, 6, 7, 7));
            _mm256_storeu_ps(scales[r], _mm256_mul_ps(s0, by0)),
                _mm256_storeu_ps(scales[r] + 8, _mm256_mul_ps(s1, by1));
            off[r] = _mm256_fmadd_ps(s0, _mm256_loadu_ps(sum), off[r]);
            off[r] = _mm256_fmadd_ps(s1, _mm256_loadu_ps(sum + 8), off[r]);
        }
        for (int h = 0; h < 2; h++) {
            AHEAD(p + 128 * h), AHEAD(p + 128 * h + 64);
            __m256i u = load_256(p + 64 * h), v = load_256(p + 64 * h + 32), two = load_256(p + 128 + 32 * h);
            int64_t at = 256 * b + 128 * h;
            q6_k_step(m, t, at, WITH_TOP(low(u), two, 0), scales, even);
            q6_k_step(m, t, at + 32, WITH_TOP(low(v), two, 2), scales, odd);
            q6_k_step(m, t, at + 64, WITH_TOP(high(u), two, 4), scales, even);
            q6_k_step(m, t, at + 96, WITH_TOP(high(v), two, 6), scales, odd);
        }
    }
    for (int r = 0; r < m; r++) y[r] += sum_of(_mm256_add_ps(even[r], odd[r])) - 32 * sum_of(off[r]);
}
ROWS_OF(whole_q6_k)

#define WHOLE                                                                                                       \
    {                                                                                                               \
        [TN_ENC_U4] = whole_u4, [TN_ENC_Q4_0] = whole_q4_0, [TN_ENC_Q8_0] = whole_q8_0, [TN_ENC_Q4_K] = whole_q4_k, \
        [TN_ENC_Q5_K] = whole_q5_k, [TN_ENC_Q6_K] = whole_q6_k,                                                     \
    }

#endif
