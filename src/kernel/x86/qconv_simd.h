/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qconv_simd.h - the 8-bit convolution's register tile for several instruction sets: MR rows times two vectors of int32
 * columns. The including file gives NR and MR, EACH_ROW(X), the vector type vi with VI_LOAD(p), VI_STORE(p, v),
 * VI_ZERO(), VI_FOUR(p), the four bytes at p in every lane, and VI_DOT(acc, x, w), which adds each lane's four products
 * of u8 and s8 to acc. */
#ifndef TN_KERNEL_X86_QCONV_SIMD_H
#define TN_KERNEL_X86_QCONV_SIMD_H

#include "kernel/qconv_parts.h"

#define INLINE static inline __attribute__((always_inline))

INLINE int four_at(const uint8_t *p) {
    int v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* mr: a constant after inlining; at: the tile's rows. */
INLINE void tile(const int mr, const tn_qstrip *s, const int32_t *at, int32_t *out) {
    vi acc[MR][2];
    const uint8_t *x[MR];
#define X(i)                           \
    acc[i][0] = acc[i][1] = VI_ZERO(); \
    x[i] = s->x + at[i < mr ? i : mr - 1];
    EACH_ROW(X)
#undef X
    const int8_t *w = s->w;
    const int32_t *group = s->group_at;
    for (int64_t g = s->groups; g > 0; g--, w += 2 * sizeof(vi)) {
        ptrdiff_t o = *group++;
        vi w0 = VI_LOAD(w), w1 = VI_LOAD(w + sizeof(vi));
#define X(i)                                  \
    if (i < mr) {                             \
        vi v = VI_FOUR(x[i] + o);             \
        acc[i][0] = VI_DOT(acc[i][0], v, w0); \
        acc[i][1] = VI_DOT(acc[i][1], v, w1); \
    }
        EACH_ROW(X)
#undef X
    }
#define X(i)                                        \
    if (i < mr) {                                   \
        VI_STORE(out + i * NR, acc[i][0]);          \
        VI_STORE(out + i * NR + NR / 2, acc[i][1]); \
    }
    EACH_ROW(X)
#undef X
}

#define X(i) \
    static void tile_##i(const tn_qstrip *s, const int32_t *at, int32_t *out) { tile(i + 1, s, at, out); }
EACH_ROW(X)
#undef X
#define X(i) tile_##i,
static void (*const tiles[MR])(const tn_qstrip *s, const int32_t *at, int32_t *out) = { EACH_ROW(X) };
#undef X

/* Tiles of nearly equal height. */
static void strip(const tn_qstrip *s) {
    int64_t count = (s->rows + MR - 1) / MR;
    _Alignas(64) int32_t sums[MR * NR];
    for (int64_t t = 0, r = 0; t < count; t++) {
        int64_t next = (t + 1) * s->rows / count;
        tiles[next - r - 1](s, s->row_at + r, sums);
        for (int64_t i = 0; r < next; r++, i++) end_row(s, sums + i * NR, r);
    }
}

/* Two taps side by side: their bytes become pairs of words, which one multiply-add sums. */
static void depthwise(const tn_qdepth *d) {
    size_t each = C * (d->end.y_type == TN_F32 ? sizeof(float) : 1);
    const uint8_t *x = d->x;
    char *y = d->y;
    for (int64_t p = 0; p < d->n; p++, x += d->step, y += each) {
        __m256i lo = _mm256_setzero_si256(), hi = lo;
        const int16_t *w = d->w;
        const int32_t *at = d->at;
        for (int64_t t = d->pairs; t > 0; t--, at += 2, w += 2 * C) {
            __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(x + at[0])),
                    b = _mm_loadu_si128((const __m128i *)(const void *)(x + at[1]));
            __m256i l = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b)),
                    h = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a, b));
            const __m256i *k = (const __m256i *)(const void *)w;
            lo = _mm256_add_epi32(lo, _mm256_madd_epi16(l, _mm256_loadu_si256(k)));
            hi = _mm256_add_epi32(hi, _mm256_madd_epi16(h, _mm256_loadu_si256(k + 1)));
        }
        _Alignas(64) int32_t sums[C];
        _mm256_store_si256((__m256i *)(void *)sums, lo);
        _mm256_store_si256((__m256i *)(void *)(sums + 8), hi);
        end_block(&d->end, sums, 0, C, y);
    }
}

#endif
