/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* nbits_simd.h - products of packed weights, in loops of LANES that each translation unit vectorises with its own
 * instructions. sum (q - z) s a = s (sum q a - z sum a): the zero point costs one multiply-add a block. */
#ifndef TN_KERNEL_NBITS_SIMD_H
#define TN_KERNEL_NBITS_SIMD_H

#include "kernel/nbits.h"

#define INLINE static inline __attribute__((always_inline))

/* `lanes` bytes at q, each of `per` elements, times m rows of a. m, bits, lanes: constants after inlining. */
INLINE void step(const int m, const int bits, const int lanes, const uint8_t *q, const float *a, int64_t row,
                 int64_t deal, float part[][LANES]) {
    for (int p = 0; p < 8 / bits; p++) {
        float x[LANES];
        for (int j = 0; j < lanes; j++) x[j] = (float)(q[j] >> (p * bits) & ((1 << bits) - 1));
        for (int r = 0; r < m; r++)
            for (int j = 0; j < lanes; j++) part[r][j] += x[j] * a[r * row + p * deal + j];
    }
}

INLINE void dot_rows(const int m, const int bits, const tn_nbits_row *w, const float *a, const float *sums, float *y) {
    int64_t row = w->blocks * w->block, deal = row / (8 / bits), bytes = w->block / (8 / bits);
    float acc[TN_NBITS_ROWS][LANES] = { 0 }, off[TN_NBITS_ROWS] = { 0 };
    const uint8_t *q = w->q;
    for (int64_t b = 0; b < w->blocks; b++) {
        float part[TN_NBITS_ROWS][LANES] = { 0 }, s = w->scale[b], z = w->zero[b];
        int64_t i = 0;
        for (; i + LANES <= bytes; i += LANES) step(m, bits, LANES, q + i, a + i, row, deal, part);
        for (; i < bytes; i += 2) step(m, bits, 2, q + i, a + i, row, deal, part); /* blocks are multiples of 8 */
        for (int r = 0; r < m; r++) {
            for (int j = 0; j < LANES; j++) acc[r][j] += s * part[r][j];
            off[r] += s * z * sums[r * w->blocks + b];
        }
        q += bytes, a += bytes;
    }
    for (int r = 0; r < m; r++) {
        float sum = 0;
        for (int j = 0; j < LANES; j++) sum += acc[r][j];
        y[r] = sum - off[r];
    }
}

#define DOT(bits)                                                                                       \
    static void dot_##bits(const tn_nbits_row *w, int m, const float *a, const float *sums, float *y) { \
        m == 1   ? dot_rows(1, bits, w, a, sums, y)                                                     \
        : m == 2 ? dot_rows(2, bits, w, a, sums, y)                                                     \
        : m == 3 ? dot_rows(3, bits, w, a, sums, y)                                                     \
                 : dot_rows(4, bits, w, a, sums, y);                                                    \
    }
DOT(2)
DOT(4)
DOT(8)

static void dot(const tn_nbits_row *w, int m, const float *a, const float *sums, float *y) {
    (w->bits == 4 ? dot_4 : w->bits == 8 ? dot_8 : dot_2)(w, m, a, sums, y);
}

INLINE void unpack_bits(const int bits, const tn_nbits_row *w, float *out) {
    const int per = 8 / bits;
    int64_t bytes = w->block / per;
    const uint8_t *q = w->q;
    for (int64_t b = 0; b < w->blocks; b++, q += bytes, out += w->block) {
        float s = w->scale[b], z = w->zero[b];
        for (int64_t i = 0; i < bytes; i++)
            for (int p = 0; p < per; p++) out[i * per + p] = ((float)(q[i] >> (p * bits) & ((1 << bits) - 1)) - z) * s;
    }
}

/* Eight fields of `bits` bits fill `bits` bytes. */
INLINE void unpack_stream(const int bits, const tn_nbits_row *w, float *out) {
    const uint8_t *q = w->q;
    for (int64_t b = 0; b < w->blocks; b++) {
        float s = w->scale[b], z = w->zero[b];
        for (int64_t i = 0; i < w->block; i += 8, q += bits, out += 8) {
            uint64_t eight = 0;
            for (int p = 0; p < bits; p++) eight |= (uint64_t)q[p] << (8 * p);
            for (int p = 0; p < 8; p++) out[p] = ((float)(int)(eight >> (p * bits) & ((1u << bits) - 1)) - z) * s;
        }
    }
}

static void unpack(const tn_nbits_row *w, float *out) {
    switch (w->bits) {
    case 2: unpack_bits(2, w, out); break;
    case 3: unpack_stream(3, w, out); break;
    case 4: unpack_bits(4, w, out); break;
    case 5: unpack_stream(5, w, out); break;
    case 6: unpack_stream(6, w, out); break;
    case 7: unpack_stream(7, w, out); break;
    default: unpack_bits(8, w, out);
    }
}

#endif
