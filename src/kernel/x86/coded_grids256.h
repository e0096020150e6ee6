/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* coded_grids256.h - blocks of IQ1, IQ2 and IQ3 into codes, 32 at a time. Layouts: encoding_split_grid.c. */
#ifndef TN_KERNEL_X86_CODED_GRIDS256_H
#define TN_KERNEL_X86_CODED_GRIDS256_H

#include "kernel/x86/coded_dot256.h"
#include "tensor/encoding_grid.h"

/* Where bit e of the word is set, byte e is -1; elsewhere 0. */
INLINE __m256i bits_as_masks(uint32_t bits) {
    const __m256i byte = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201u);
    __m256i v = _mm256_shuffle_epi8(_mm256_set1_epi32((int)bits), byte);
    return _mm256_cmpeq_epi8(_mm256_and_si256(v, bit), bit);
}

/* Code e with the sign that bit e says. */
INLINE __m256i turned(__m256i v, uint32_t signs) {
    __m256i mask = bits_as_masks(signs);
    return _mm256_sub_epi8(_mm256_xor_si256(v, mask), mask);
}

/* The signs of four eights from seven bits each. */
INLINE uint32_t four_signs(uint32_t sevens) {
    uint32_t s = (sevens & 127) | (sevens << 1 & 0x7f00) | (sevens << 2 & 0x7f0000) | (sevens << 3 & 0x7f000000);
    uint32_t odd = s ^ s >> 4;
    odd ^= odd >> 2;
    odd ^= odd >> 1;
    return s | (odd & 0x01010101) << 7;
}

INLINE long long eight_of(const int8_t *p) {
    long long v;
    memcpy(&v, p, sizeof v);
    return v;
}
INLINE __m256i eights(const int8_t (*grid)[8], int a, int b, int c, int d) {
    return _mm256_setr_epi64x(eight_of(grid[a]), eight_of(grid[b]), eight_of(grid[c]), eight_of(grid[d]));
}

/* Eight points of four; `ninth`: the indices' highest bits. */
INLINE __m256i fours_of(const int8_t (*grid)[4], const uint8_t *q, unsigned ninth) {
    int v[8];
    for (int i = 0; i < 8; i++) memcpy(&v[i], grid[q[i] | (ninth >> i & 1) << 8], sizeof *v);
    return load_256(v);
}

INLINE unsigned half_word(const uint8_t *p) { return p[0] | (unsigned)p[1] << 8; }

INLINE void two_groups(float *scale, float *offset, float s) { scale[0] = scale[1] = s, offset[0] = offset[1] = 0; }

#define GRID_BLOCKS(name, size)                                                                             \
    static void split_##name(int64_t blocks, const uint8_t *p, int8_t *code, float *scale, float *offset) { \
        const tn_grids *grids = tn_grids_get();                                                             \
        for (int64_t b = 0; b < blocks; b++, p += (size), code += 256, scale += 16, offset += 16)           \
            for (int i = 0; i < 8; i++) name(grids, p, i, code + 32 * i, scale + 2 * i, offset + 2 * i);    \
    }

/* Elements [32 i, 32 i + 32) of a block. */
INLINE void iq2_xxs(const tn_grids *grids, const uint8_t *p, int i, int8_t *code, float *scale, float *offset) {
    const uint8_t *q = p + 2 + 8 * i;
    uint32_t rest = word_at(q + 4);
    two_groups(scale, offset, half_at(p) * (0.5f + (float)(rest >> 28)) * 0.25f);
    store_256(code, turned(eights(grids->iq2_xxs, q[0], q[1], q[2], q[3]), four_signs(rest)));
}
GRID_BLOCKS(iq2_xxs, 66)

/* Scales of the two groups of 16 in a byte. */
INLINE void two_scales_of(const uint8_t *d, uint8_t both, float *scale, float *offset) {
    float by = half_at(d) * 0.25f;
    scale[0] = by * (0.5f + (float)(both & 15)), scale[1] = by * (0.5f + (float)(both >> 4));
    offset[0] = offset[1] = 0;
}

INLINE void iq2_xs(const tn_grids *grids, const uint8_t *p, int i, int8_t *code, float *scale, float *offset) {
    const uint8_t *q = p + 2 + 8 * i;
    unsigned a = half_word(q), b = half_word(q + 2), c = half_word(q + 4), d = half_word(q + 6);
    two_scales_of(p, p[66 + i], scale, offset);
    uint32_t sevens = a >> 9 | b >> 9 << 7 | c >> 9 << 14 | d >> 9 << 21;
    store_256(code, turned(eights(grids->iq2_xs, (int)(a & 511), (int)(b & 511), (int)(c & 511), (int)(d & 511)),
                           four_signs(sevens)));
}
GRID_BLOCKS(iq2_xs, 74)

INLINE void iq2_s(const tn_grids *grids, const uint8_t *p, int i, int8_t *code, float *scale, float *offset) {
    const uint8_t *q = p + 2 + 4 * i;
    int top = p[66 + i];
    two_scales_of(p, p[74 + i], scale, offset);
    __m256i v = eights(grids->iq2_s, q[0] | (top << 8 & 768), q[1] | (top << 6 & 768), q[2] | (top << 4 & 768),
                       q[3] | (top << 2 & 768));
    store_256(code, turned(v, word_at(p + 34 + 4 * i)));
}
GRID_BLOCKS(iq2_s, 82)

INLINE void iq3_xxs(const tn_grids *grids, const uint8_t *p, int i, int8_t *code, float *scale, float *offset) {
    uint32_t rest = word_at(p + 66 + 4 * i);
    two_groups(scale, offset, half_at(p) * (0.5f + (float)(rest >> 28)) * 0.5f);
    store_256(code, turned(fours_of(grids->iq3_xxs, p + 2 + 8 * i, 0), four_signs(rest)));
}
GRID_BLOCKS(iq3_xxs, 98)

INLINE void iq3_s(const tn_grids *grids, const uint8_t *p, int i, int8_t *code, float *scale, float *offset) {
    int four = p[106 + i / 2] >> (i % 2 * 4) & 15;
    two_groups(scale, offset, half_at(p) * (float)(1 + 2 * four));
    store_256(code, turned(fours_of(grids->iq3_s, p + 2 + 8 * i, p[66 + i]), word_at(p + 74 + 4 * i)));
}
GRID_BLOCKS(iq3_s, 110)

/* An eighth more or less; masks: -1 in the bytes of eights that are to be less. */
INLINE __m256i eighth_off(__m256i v, __m256i less) {
    return _mm256_add_epi8(v, _mm256_or_si256(less, _mm256_set1_epi8(1)));
}

INLINE void iq1_s(const tn_grids *grids, const uint8_t *p, int i, int8_t *code, float *scale, float *offset) {
    const uint8_t *q = p + 2 + 4 * i;
    int rest = (int)half_word(p + 34 + 2 * i);
    two_groups(scale, offset, half_at(p) * 0.125f * (float)(1 + 2 * (rest >> 12 & 7)));
    __m256i v = eights(grids->iq1, q[0] | (rest << 8 & 1792), q[1] | (rest << 5 & 1792), q[2] | (rest << 2 & 1792),
                       q[3] | (rest >> 1 & 1792));
    store_256(code, eighth_off(v, _mm256_set1_epi8((char)-(rest >> 15))));
}
GRID_BLOCKS(iq1_s, 50)

INLINE float iq1_m_scale(const uint8_t *p) {
    uint16_t d = (uint16_t)(p[49] >> 4 | (p[51] & 240) | (p[53] & 240) << 4 | (p[55] & 240) << 8);
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(d))) * 0.125f;
}

INLINE void iq1_m(const tn_grids *grids, const uint8_t *p, int i, int8_t *code, float *scale, float *offset) {
    const uint8_t *q = p + 4 * i;
    int rest = (int)half_word(p + 32 + 2 * i), six = (int)half_word(p + 48 + i / 2 * 2) >> (i % 2 * 6);
    float by = iq1_m_scale(p);
    scale[0] = by * (float)(1 + 2 * (six & 7)), scale[1] = by * (float)(1 + 2 * (six >> 3 & 7));
    offset[0] = offset[1] = 0;
    __m256i v = eights(grids->iq1, q[0] | (rest << 8 & 1792), q[1] | (rest << 4 & 1792), q[2] | (rest & 1792),
                       q[3] | (rest >> 4 & 1792));
    __m256i less = _mm256_setr_epi64x(-(rest >> 3 & 1), -(rest >> 7 & 1), -(rest >> 11 & 1), -(rest >> 15 & 1));
    store_256(code, eighth_off(v, less));
}
GRID_BLOCKS(iq1_m, 56)

#define GRID_SPLITS                                                                                 \
    [TN_ENC_IQ1_S] = split_iq1_s, [TN_ENC_IQ1_M] = split_iq1_m, [TN_ENC_IQ2_XXS] = split_iq2_xxs,   \
    [TN_ENC_IQ2_XS] = split_iq2_xs, [TN_ENC_IQ2_S] = split_iq2_s, [TN_ENC_IQ3_XXS] = split_iq3_xxs, \
    [TN_ENC_IQ3_S] = split_iq3_s

#endif
