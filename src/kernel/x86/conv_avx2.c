/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv_avx2.c - convolution tiles and layout changes on 8 floats. */
#include "kernel/conv.h"
#include "kernel/x86/math_avx2.h"
#include "kernel/x86/tables.h"
/* in the words of that: */
#include "kernel/x86/conv_tile.h"

#include "kernel/x86/conv_rows.h"
#include "kernel/x86/conv_winograd.h"

/* clang-format off */
#define TILES(X) \
    X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1) X(6, 1) X(7, 1) \
    X(8, 1) X(9, 1) X(10, 1) X(11, 1) X(12, 1) \
    X(1, 2) X(2, 2) X(3, 2) X(4, 2) X(5, 2) X(6, 2) \
    X(1, 3) X(2, 3) X(3, 3) X(4, 3)
#define TILES_DW(X) \
    X(1) X(2) X(3) X(4) X(5) X(6) X(7) \
    X(8) X(9) X(10) X(11) X(12)
/* clang-format on */

static inline void transpose_8x8(__m256 r[8]) {
    __m256 t[8];
    for (int i = 0; i < 2; i++) {
        __m256 ab = _mm256_unpacklo_ps(r[4 * i], r[4 * i + 1]), cd = _mm256_unpacklo_ps(r[4 * i + 2], r[4 * i + 3]);
        __m256 ef = _mm256_unpackhi_ps(r[4 * i], r[4 * i + 1]), gh = _mm256_unpackhi_ps(r[4 * i + 2], r[4 * i + 3]);
        t[4 * i] = _mm256_shuffle_ps(ab, cd, 0x44);
        t[4 * i + 1] = _mm256_shuffle_ps(ab, cd, 0xee);
        t[4 * i + 2] = _mm256_shuffle_ps(ef, gh, 0x44);
        t[4 * i + 3] = _mm256_shuffle_ps(ef, gh, 0xee);
    }
    for (int j = 0; j < 4; j++) { /* t[4 i + j], lane l: rows 4i .. 4i + 3 of column 4l + j */
        r[j] = _mm256_permute2f128_ps(t[j], t[4 + j], 0x20);
        r[4 + j] = _mm256_permute2f128_ps(t[j], t[4 + j], 0x31);
    }
}

static void to_blocked(const float *x, int64_t x_channel, int channels, int64_t n, float *y) {
    for (int64_t p = 0; p < n; p += C, y += C * C) {
        size_t m = n - p < C ? (size_t)(n - p) : C;
        __m256 r[C];
        for (int i = 0; i < C; i++) {
            const float *from = x + i * x_channel + p;
            r[i] = i >= channels ? V_ZERO() : m == C ? V_LOAD(from) : tn_v_loadn(from, m);
        }
        transpose_8x8(r);
        for (size_t i = 0; i < m; i++) V_STORE(y + i * C, r[i]);
    }
}

static void from_blocked(const float *x, int64_t y_channel, int channels, int64_t n, float *y) {
    for (int64_t p = 0; p < n; p += C, x += C * C) {
        size_t m = n - p < C ? (size_t)(n - p) : C;
        __m256 r[C];
        for (size_t i = 0; i < C; i++) r[i] = i < m ? V_LOAD(x + i * C) : V_ZERO();
        transpose_8x8(r);
        for (int i = 0; i < channels; i++) {
            float *to = y + i * y_channel + p;
            if (m == C)
                V_STORE(to, r[i]);
            else
                tn_v_storen(to, r[i], m);
        }
    }
}

static void pick(const float *x, int64_t step, int64_t n, float *y) {
    int64_t i = 0;
    if (step == 2) {
        for (; i + C <= n; i += C) {
            __m256 a = V_LOAD(x + 2 * i), b = _mm256_loadu_ps(x + 2 * i + C - 1); /* b reads no further than needed */
            __m256 even = _mm256_shuffle_ps(a, b, _MM_SHUFFLE(3, 1, 2, 0));
            V_STORE(y + i, _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(even), 0xd8)));
        }
    }
    for (; i < n; i++) y[i] = x[i * step];
}

TILES(TILE_DEFINE_2)
TILES_DW(TILE_DEFINE_DW)

/* clang-format off */
const tn_conv_kernels TN_TABLE(conv, avx2) = {
    .block = C,
    .px = { 12, 6, 4 },
    .dw_px = 12,
    .to_blocked = to_blocked,
    .from_blocked = from_blocked,
    .pick = pick,
    .copy = copy,
    .winograd_in = winograd_in,
    .winograd_out = winograd_out,
    .max_row = max_row,
    .sum_row = sum_row,
    TILES(TILE_SET_2)
    TILES_DW(TILE_SET_DW)
};
/* clang-format on */
