/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* coded_avx2.c - weights in blocks (AVX2): their codes, their values, their products. Layouts: encoding_split.c. */
#include "kernel/x86/tables.h"
#include "tensor/encoding_split.h"
#include <immintrin.h>
#include <math.h>
#include <string.h>
#define FOUR(u, s) _mm256_madd_epi16(_mm256_maddubs_epi16(u, s), _mm256_set1_epi16(1))
#define EIGHT(u0, s0, u1, s1)                                                                       \
    _mm256_madd_epi16(_mm256_add_epi16(_mm256_maddubs_epi16(u0, s0), _mm256_maddubs_epi16(u1, s1)), \
                      _mm256_set1_epi16(1))
#define FIRST_PRODUCTS(u, s)    _mm256_maddubs_epi16(u, s)
#define ADD_PRODUCTS(sum, u, s) _mm256_add_epi16(sum, _mm256_maddubs_epi16(u, s))
#define ALL_PRODUCTS(sum)       _mm256_madd_epi16(sum, _mm256_set1_epi16(1))
#include "kernel/x86/coded_grids256.h"
#include "kernel/x86/coded_tile256.h"
#include "kernel/x86/coded_whole256.h"

INLINE void same(int n, float *to, float v) {
    for (int i = 0; i < n; i++) to[i] = v;
}

/* Bits [shift, shift + 2) of bytes. */
#define TWO(v, shift) _mm256_and_si256(_mm256_srli_epi16(v, shift), _mm256_set1_epi8(3))

/* Sixteen bytes: 32 halves, all low ones first. */
INLINE __m256i halves(const uint8_t *p) {
    __m128i q = load_128(p);
    return low(_mm256_inserti128_si256(_mm256_castsi128_si256(q), _mm_srli_epi16(q, 4), 1));
}

INLINE __m256i less(__m256i v, int by) { return _mm256_sub_epi8(v, _mm256_set1_epi8((char)by)); }

/* 32 bits become bytes of `value` or 0. */
INLINE __m256i bits_as(const uint8_t *p, int value) {
    return _mm256_and_si256(bits_as_masks(word_at(p)), _mm256_set1_epi8((char)value));
}

INLINE __m256i named(const int8_t *table, __m256i v) {
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(load_128(table)), v);
}

/* ---------------------------------------------------------------------------------------------------- splitting */

#define BLOCKS(name, elements, size)                                                                                \
    static void split_##name(int64_t blocks, const uint8_t *p, int8_t *code, float *scale, float *offset) {         \
        for (int64_t b = 0; b < blocks;                                                                             \
             b++, p += (size), code += (elements), scale += (elements) / TN_GROUP, offset += (elements) / TN_GROUP) \
            name(p, code, scale, offset);                                                                           \
    }

INLINE void q4_0(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    same(2, scale, half_at(p)), same(2, offset, 0);
    store_256(code, less(halves(p + 2), 8));
}
BLOCKS(q4_0, 32, 18)

INLINE void q4_1(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    same(2, scale, half_at(p)), same(2, offset, half_at(p + 2));
    store_256(code, halves(p + 4));
}
BLOCKS(q4_1, 32, 20)

INLINE void q5_0(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    same(2, scale, half_at(p)), same(2, offset, 0);
    store_256(code, less(_mm256_or_si256(halves(p + 6), bits_as(p + 2, 16)), 16));
}
BLOCKS(q5_0, 32, 22)

INLINE void q5_1(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    same(2, scale, half_at(p)), same(2, offset, half_at(p + 2));
    store_256(code, _mm256_or_si256(halves(p + 8), bits_as(p + 4, 16)));
}
BLOCKS(q5_1, 32, 24)

INLINE void q8_0(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    same(2, scale, half_at(p)), same(2, offset, 0);
    store_256(code, load_256(p + 2));
}
BLOCKS(q8_0, 32, 34)

INLINE void iq4_nl(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    same(2, scale, half_at(p)), same(2, offset, 0);
    store_256(code, named(tn_iq4_levels, halves(p + 2)));
}
BLOCKS(iq4_nl, 32, 18)

INLINE void mxfp4(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    uint32_t bits = p[0] < 2 ? 0x00200000u << p[0] : p[0] == 255 ? 0x7fc00000u : (uint32_t)(p[0] - 1) << 23;
    float half; /* 2^(e - 128); NaN */
    memcpy(&half, &bits, sizeof half);
    same(2, scale, half), same(2, offset, 0);
    store_256(code, named(tn_f4_twice, halves(p + 1)));
}
BLOCKS(mxfp4, 32, 17)

/* Eight bytes as floats times d, each twice. */
INLINE void eight_scales(__m128i bytes, float d, float *to) {
    __m256 v = bytes_times(bytes, d);
    _mm256_storeu_ps(to, _mm256_permutevar8x32_ps(v, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3)));
    _mm256_storeu_ps(to + 8, _mm256_permutevar8x32_ps(v, _mm256_setr_epi32(4, 4, 5, 5, 6, 6, 7, 7)));
}

INLINE void six_bits(const uint8_t *p, float *scale, float *offset) {
    six_scales s = six_scales_of(p + 4);
    eight_scales(s.scale, half_at(p), scale);
    eight_scales(s.least, -half_at(p + 2), offset);
}

INLINE void q4_k(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    six_bits(p, scale, offset);
    for (int i = 0; i < 4; i++) {
        __m256i q = load_256(p + 16 + 32 * i);
        store_256(code + 64 * i, low(q)), store_256(code + 64 * i + 32, high(q));
    }
}
BLOCKS(q4_k, 256, 144)

INLINE void q5_k(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    __m256i fifth = load_256(p + 16);
    six_bits(p, scale, offset);
    for (int i = 0; i < 4; i++) {
        __m256i q = load_256(p + 48 + 32 * i);
        store_256(code + 64 * i, _mm256_or_si256(low(q), bit_as(fifth, 2 * i, 16)));
        store_256(code + 64 * i + 32, _mm256_or_si256(high(q), bit_as(fifth, 2 * i + 1, 16)));
    }
}
BLOCKS(q5_k, 256, 176)

/* Sixteen signed bytes as floats times d. */
INLINE void sixteen_scales(__m128i s, float d, float *to) {
    __m256 by = _mm256_set1_ps(d);
    _mm256_storeu_ps(to, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(s)), by));
    _mm256_storeu_ps(to + 8, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(s, 8))), by));
}

INLINE void q2_k(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    __m128i s = load_128(p), four = _mm_set1_epi8(15);
    sixteen_scales(_mm_and_si128(s, four), half_at(p + 80), scale);
    sixteen_scales(_mm_and_si128(_mm_srli_epi16(s, 4), four), -half_at(p + 82), offset);
    for (int h = 0; h < 2; h++, code += 128) {
        __m256i q = load_256(p + 16 + 32 * h);
        store_256(code, TWO(q, 0)), store_256(code + 32, TWO(q, 2));
        store_256(code + 64, TWO(q, 4)), store_256(code + 96, TWO(q, 6));
    }
}
BLOCKS(q2_k, 256, 84)

INLINE void q3_k(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    uint32_t a = word_at(p + 96), b = word_at(p + 100), c = word_at(p + 104), four = 0x0f0f0f0f, two = 0x30303030;
    __m128i s = _mm_setr_epi32((int)((a & four) | (c << 4 & two)), (int)((b & four) | (c << 2 & two)),
                               (int)((a >> 4 & four) | (c & two)), (int)((b >> 4 & four) | (c >> 2 & two)));
    __m256i third = load_256(p);
    sixteen_scales(_mm_sub_epi8(s, _mm_set1_epi8(32)), half_at(p + 108), scale);
    same(16, offset, 0);
    for (int h = 0; h < 2; h++, code += 128) {
        __m256i q = load_256(p + 32 + 32 * h);
        store_256(code, less(_mm256_or_si256(TWO(q, 0), bit_as(third, 4 * h, 4)), 4));
        store_256(code + 32, less(_mm256_or_si256(TWO(q, 2), bit_as(third, 4 * h + 1, 4)), 4));
        store_256(code + 64, less(_mm256_or_si256(TWO(q, 4), bit_as(third, 4 * h + 2, 4)), 4));
        store_256(code + 96, less(_mm256_or_si256(TWO(q, 6), bit_as(third, 4 * h + 3, 4)), 4));
    }
}
BLOCKS(q3_k, 256, 110)

/* A half and two bits on top, less 32. */
#define SIX(half, v, shift) less(_mm256_or_si256(half, _mm256_slli_epi16(TWO(v, shift), 4)), 32)
INLINE void q6_k(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    sixteen_scales(load_128(p + 192), half_at(p + 208), scale);
    same(16, offset, 0);
    for (int h = 0; h < 2; h++, code += 128) {
        __m256i a = load_256(p + 64 * h), b = load_256(p + 64 * h + 32), two = load_256(p + 128 + 32 * h);
        store_256(code, SIX(low(a), two, 0)), store_256(code + 32, SIX(low(b), two, 2));
        store_256(code + 64, SIX(high(a), two, 4)), store_256(code + 96, SIX(high(b), two, 6));
    }
}
BLOCKS(q6_k, 256, 210)

INLINE void iq4_xs(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    float d = half_at(p);
    unsigned pairs = p[2] | (unsigned)p[3] << 8, fours = word_at(p + 4);
    same(16, offset, 0);
    for (int b = 0; b < 8; b++, pairs >>= 2, fours >>= 4) {
        same(2, scale + 2 * b, d * (float)((int)((fours & 15) | (pairs & 3) << 4) - 32));
        store_256(code + 32 * b, named(tn_iq4_levels, halves(p + 8 + 16 * b)));
    }
}
BLOCKS(iq4_xs, 256, 136)

/* ------------------------------------------------------------------------------------------------------- fields */

INLINE void rest(int bits, int64_t from, int64_t n, const uint8_t *q, int8_t *code) {
    for (; from < n; from++) code[from] = (int8_t)(tn_field(q, bits, from) - (1 << (bits - 1)));
}

static void fields_8(int64_t n, const uint8_t *q, int8_t *code) {
    int64_t i = 0;
    for (; i + 32 <= n; i += 32) store_256(code + i, _mm256_xor_si256(load_256(q + i), _mm256_set1_epi8((char)128)));
    rest(8, i, n, q, code);
}

/* Bytes become words, whose high byte gets the high half. */
static void fields_4(int64_t n, const uint8_t *q, int8_t *code) {
    int64_t i = 0;
    for (; i + 32 <= n; i += 32) {
        __m256i w = _mm256_cvtepu8_epi16(load_128(q + i / 2));
        store_256(code + i, less(low(_mm256_or_si256(w, _mm256_slli_epi16(w, 4))), 8));
    }
    rest(4, i, n, q, code);
}

/* Bytes become double words, each of whose bytes gets its two bits. */
static void fields_2(int64_t n, const uint8_t *q, int8_t *code) {
    int64_t i = 0;
    for (; i + 32 <= n; i += 32) {
        __m256i w = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(q + i / 4)));
        w = _mm256_or_si256(w, _mm256_slli_epi32(w, 12)); /* bits 0 .. 3 of the bytes 0 and 2 hold what they need */
        w = _mm256_or_si256(w, _mm256_slli_epi32(w, 6));
        store_256(code + i, less(_mm256_and_si256(w, _mm256_set1_epi8(3)), 2));
    }
    rest(2, i, n, q, code);
}

/* -------------------------------------------------------------------------------------------- values and products */

INLINE __m256 eight(const int8_t *code) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)code)));
}

static void values(int64_t n, const int8_t *code, int shift, const float *scale, const float *offset, float *out) {
    for (int64_t g = 0; g < n / TN_GROUP; g++, code += TN_GROUP, out += TN_GROUP) {
        __m256 s = _mm256_broadcast_ss(scale + (g >> shift));
        __m256 o = offset ? _mm256_broadcast_ss(offset + g) : _mm256_setzero_ps();
        _mm256_storeu_ps(out, _mm256_fmadd_ps(eight(code), s, o));
        _mm256_storeu_ps(out + 8, _mm256_fmadd_ps(eight(code + 8), s, o));
    }
}

INLINE void float_rows(const int m, const tn_coded_dot *d, float *y) {
    __m256 acc[TN_CODED_ROWS][2];
    for (int r = 0; r < m; r++) acc[r][0] = acc[r][1] = _mm256_setzero_ps();
    for (int64_t g = 0; g < d->n / TN_GROUP; g++) {
        __m256 s = _mm256_broadcast_ss(d->scale + (g >> d->shift));
        __m256 a = _mm256_mul_ps(eight(d->code + 16 * g), s), b = _mm256_mul_ps(eight(d->code + 16 * g + 8), s);
        for (int r = 0; r < m; r++) {
            const float *x = d->rows.x + r * d->rows.lda + 16 * g;
            acc[r][0] = _mm256_fmadd_ps(a, _mm256_loadu_ps(x), acc[r][0]);
            acc[r][1] = _mm256_fmadd_ps(b, _mm256_loadu_ps(x + 8), acc[r][1]);
        }
    }
    for (int r = 0; r < m; r++) {
        y[r] += sum_of(_mm256_add_ps(acc[r][0], acc[r][1]));
        if (d->offset) y[r] += sum_products(d->n / 16, d->offset, d->rows.sum + r * d->rows.lda / 16);
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

/* ----------------------------------------------------------------------------------------------------- rounding */

/* Bits of the largest magnitude of 32: those of NaN and infinity are larger than all others. */
INLINE int largest_bits(const float *x) {
    const __m256i size = _mm256_set1_epi32(0x7fffffff);
    __m256i most = _mm256_setzero_si256();
    for (int i = 0; i < 4; i++) most = _mm256_max_epi32(most, _mm256_and_si256(load_256(x + 8 * i), size));
    __m128i m = _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1)));
}

INLINE __m256i rounded(const float *x, __m256 by) { return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), by)); }

INLINE int sum_of_ints(__m256i v) {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

static void round_rows(int64_t n, const float *x, int8_t *code, float *scale, float *sum) {
    for (int64_t b = 0; b < n / 32; b++, x += 32, code += 32) {
        int bits = largest_bits(x);
        float most;
        memcpy(&most, &bits, sizeof most);
        bool number = bits < 0x7f800000, any = number && most >= 0x1p-120f;
        scale[b] = any ? most / 127.0f : number ? 0.0f : NAN;
        if (!any) {
            memset(code, 0, 32);
            sum[2 * b] = sum[2 * b + 1] = scale[b];
            continue;
        }
        __m256 by = _mm256_set1_ps(127.0f / most);
        __m256i v0 = rounded(x, by), v1 = rounded(x + 8, by), v2 = rounded(x + 16, by), v3 = rounded(x + 24, by);
        __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(v0, v1), _mm256_packs_epi32(v2, v3));
        store_256(code, _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
        sum[2 * b] = scale[b] * (float)sum_of_ints(_mm256_add_epi32(v0, v1));
        sum[2 * b + 1] = scale[b] * (float)sum_of_ints(_mm256_add_epi32(v2, v3));
    }
}

const tn_coded_kernels TN_TABLE(coded, avx2) = {
    .split = {
        [TN_ENC_Q4_0] = split_q4_0,
        [TN_ENC_Q4_1] = split_q4_1,
        [TN_ENC_Q5_0] = split_q5_0,
        [TN_ENC_Q5_1] = split_q5_1,
        [TN_ENC_Q8_0] = split_q8_0,
        [TN_ENC_Q2_K] = split_q2_k,
        [TN_ENC_Q3_K] = split_q3_k,
        [TN_ENC_Q4_K] = split_q4_k,
        [TN_ENC_Q5_K] = split_q5_k,
        [TN_ENC_Q6_K] = split_q6_k,
        [TN_ENC_IQ4_NL] = split_iq4_nl,
        [TN_ENC_IQ4_XS] = split_iq4_xs,
        [TN_ENC_MXFP4] = split_mxfp4,
        GRID_SPLITS,
    },
    .fields = { [2] = fields_2, [4] = fields_4, [8] = fields_8 },
    .values = values,
    .round = round_rows,
    .dot = dot,
    .dot_float = dot_float,
    .whole = WHOLE,
    .tile = tile,
};
