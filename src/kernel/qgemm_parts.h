/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qgemm_parts.h - what all variants of the 8-bit product share, in C that each translation unit vectorises with its own
 * instructions: the packing and the end of a tile. The including file gives:
 *   NR, KR                 columns of a panel, elements of K per group
 *   elem_a, elem_b         the packed types
 *   SHIFT_A, SHIFT_B       added to a signed A, to an unsigned B */
#ifndef TN_KERNEL_QGEMM_PARTS_H
#define TN_KERNEL_QGEMM_PARTS_H

#include "kernel/qgemm.h"
#include <math.h>
#include <string.h>

static void pack_a(bool is_signed, int64_t m, int64_t k, const void *a, ptrdiff_t lda, void *out, int32_t *sums) {
    int64_t padded = (k + KR - 1) / KR * KR;
    elem_a *o = out;
    for (int64_t i = 0; i < m; i++, o += padded) {
        const uint8_t *u = (const uint8_t *)a + i * lda;
        const int8_t *s = (const int8_t *)u;
        uint32_t sum = 0; /* wraps, as all sums here */
        if (is_signed)
            for (int64_t p = 0; p < k; p++) o[p] = (elem_a)(s[p] + SHIFT_A), sum += (uint32_t)o[p];
        else
            for (int64_t p = 0; p < k; p++) o[p] = u[p], sum += (uint32_t)o[p];
        for (int64_t p = k; p < padded; p++) o[p] = 0;
        sums[i] = (int32_t)sum;
    }
}

#define FIXED static inline __attribute__((always_inline)) /* a size that is a constant where it is inlined */

/* `rows` <= KR rows of n columns, side by side. */
#define PACK_ROWS(T, shift)                                     \
    for (int64_t j = 0; j < n; j++) {                           \
        int32_t sum = 0;                                        \
        for (int r = 0; r < rows; r++) {                        \
            int v = ((const T *)b)[r * ldb + j] + (shift);      \
            to[j * KR + r] = (elem_b)v;                         \
            sum += v;                                           \
        }                                                       \
        sums[j] = (int32_t)((uint32_t)sums[j] + (uint32_t)sum); \
    }
FIXED void pack_rows(bool is_signed, const int rows, int64_t n, const uint8_t *restrict b, ptrdiff_t ldb,
                     elem_b *restrict to, int32_t *restrict sums) {
    if (is_signed) {
        PACK_ROWS(int8_t, 0)
    } else {
        PACK_ROWS(uint8_t, SHIFT_B)
    }
}
#undef PACK_ROWS

/* A column of k elements beside each other. */
static inline int32_t pack_column(bool is_signed, int64_t k, const uint8_t *b, elem_b *to) {
    uint32_t sum = 0;
    for (int64_t p = 0; p < k; p++) {
        int v = is_signed ? (int8_t)b[p] : b[p] + SHIFT_B;
        to[p / KR * NR * KR + p % KR] = (elem_b)v;
        sum += (uint32_t)v;
    }
    return (int32_t)sum;
}

static void pack_b(bool is_signed, bool trans, int64_t k, int64_t n, const void *b, ptrdiff_t ldb, void *out,
                   int32_t *sums) {
    elem_b *o = out;
    const uint8_t *u = b;
    int64_t groups = (k + KR - 1) / KR, whole = k / KR * KR;
    if (n < NR || whole < k) memset(o, 0, (size_t)(groups * NR * KR) * sizeof *o);
    for (int64_t j = 0; j < n; j++) sums[j] = trans ? pack_column(is_signed, k, u + j * ldb, o + j * KR) : 0;
    if (trans) return;
    for (int64_t p = 0; p < whole; p += KR) pack_rows(is_signed, KR, n, u + p * ldb, ldb, o + p * NR, sums);
    for (int64_t p = whole; p < k; p++) pack_rows(is_signed, 1, n, u + p * ldb, ldb, o + whole * NR + p % KR, sums);
}

/* Half to even; NaN (of a NaN scale) becomes the lower bound. */
static inline int32_t quantise(int32_t v, float scale, int32_t zero, float lo, float hi) {
    float x = rintf((float)v * scale) + (float)zero;
    x = x > lo ? x : lo;
    return (int32_t)(x < hi ? x : hi);
}

/* n numbers as codes of a type. */
#define CODES(T, lo, hi) \
    for (int64_t j = 0; j < n; j++) ((T *)y)[j] = (T)quantise(v[j], s->scale[j], s->c_zero, lo, hi);

/* Row i of the strip from its raw sums: corrects, scales, stores. */
FIXED void finish_row(const tn_qgemm_strip *s, const int32_t *acc, int64_t i, const int64_t n) {
    uint32_t za = (uint32_t)s->row_zero[i], sum = (uint32_t)s->row_sum[i];
    int32_t v[NR];
    char *y = (char *)s->c + i * s->ldc * (s->c_type == TN_U8 || s->c_type == TN_I8 ? 1 : 4);
    for (int64_t j = 0; j < n; j++)
        v[j] = (int32_t)((uint32_t)acc[j] - za * (uint32_t)s->col_sum[j] - sum * (uint32_t)s->col_zero[j]);
    if (s->bias)
        for (int64_t j = 0; j < n; j++) v[j] = (int32_t)((uint32_t)v[j] + (uint32_t)s->bias[j]);
    if (s->c_type == TN_I32) {
        memcpy(y, v, (size_t)n * sizeof *v);
    } else if (s->c_type == TN_F32) {
        for (int64_t j = 0; j < n; j++) ((float *)(void *)y)[j] = (float)v[j] * s->scale[j];
    } else if (s->c_type == TN_U8) {
        CODES(uint8_t, 0.0f, 255.0f)
    } else {
        CODES(int8_t, -128.0f, 127.0f)
    }
}
#undef CODES

/* Rows [row, row + rows) of the strip, NR sums a row. */
static inline void finish(const tn_qgemm_strip *s, const int32_t *acc, int64_t row, int64_t rows) {
    for (int64_t i = row; i < row + rows; i++, acc += NR)
        if (s->n == NR)
            finish_row(s, acc, i, NR);
        else
            finish_row(s, acc, i, s->n);
}

#define ADD_ROW(T, step)            \
    for (int64_t i = 0; i < n; i++) \
        acc[i] = (int32_t)((uint32_t)acc[i] + (uint32_t)(w * ((int32_t)((const T *)x)[i * (step)] - zero)));
static void add_row(bool is_signed, int64_t n, int64_t stride, const void *x, int32_t w, int32_t zero, int32_t *acc) {
    if (is_signed && stride == 1) {
        ADD_ROW(int8_t, 1)
    } else if (is_signed && stride == 2) {
        ADD_ROW(int8_t, 2)
    } else if (is_signed) {
        ADD_ROW(int8_t, stride)
    } else if (stride == 1) {
        ADD_ROW(uint8_t, 1)
    } else if (stride == 2) {
        ADD_ROW(uint8_t, 2)
    } else {
        ADD_ROW(uint8_t, stride)
    }
}
#undef ADD_ROW

static void store_row(int64_t n, const int32_t *v, float scale, int32_t zero, tn_dtype type, void *y) {
    if (type == TN_I32) {
        memcpy(y, v, (size_t)n * sizeof *v);
    } else if (type == TN_F32) {
        for (int64_t i = 0; i < n; i++) ((float *)y)[i] = (float)v[i] * scale;
    } else if (type == TN_U8) {
        for (int64_t i = 0; i < n; i++) ((uint8_t *)y)[i] = (uint8_t)quantise(v[i], scale, zero, 0.0f, 255.0f);
    } else {
        for (int64_t i = 0; i < n; i++) ((int8_t *)y)[i] = (int8_t)quantise(v[i], scale, zero, -128.0f, 127.0f);
    }
}

#define QGEMM_KERNELS(rows)                                                                             \
    {                                                                                                   \
        .mr = rows, .nr = NR, .kr = KR, .elem = sizeof(elem_a), .shift_a = SHIFT_A, .shift_b = SHIFT_B, \
        .strip = strip, .pack_a = pack_a, .pack_b = pack_b, .add_row = add_row, .store_row = store_row  \
    }

#endif
