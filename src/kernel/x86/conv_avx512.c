/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv_avx512.c - convolution tiles and layout changes on 16 floats. */
#include "kernel/conv.h"
#include "kernel/x86/math_avx512.h"
#include "kernel/x86/tables.h"
/* in the words of that: */
#include "kernel/x86/conv_tile.h"

#include "kernel/x86/conv_rows.h"
#include "kernel/x86/conv_tiles512.h"
#include "kernel/x86/conv_winograd.h"

/* clang-format off */
#define TILES_DW(X) \
    X(1) X(2) X(3) X(4) X(5) X(6) X(7) \
    X(8) X(9) X(10) X(11) X(12) X(13) X(14)
/* clang-format on */

/* Four 4 x 4 transposes at a time, one per 128-bit lane: rows a..d of 16 columns become 16 columns of 4. */
static inline void transpose_16x16(__m512 r[16]) {
    __m512 t[16];
    for (int i = 0; i < 4; i++) {
        __m512 ab = _mm512_unpacklo_ps(r[4 * i], r[4 * i + 1]), cd = _mm512_unpacklo_ps(r[4 * i + 2], r[4 * i + 3]);
        __m512 ef = _mm512_unpackhi_ps(r[4 * i], r[4 * i + 1]), gh = _mm512_unpackhi_ps(r[4 * i + 2], r[4 * i + 3]);
        t[4 * i] = _mm512_shuffle_ps(ab, cd, 0x44);
        t[4 * i + 1] = _mm512_shuffle_ps(ab, cd, 0xee);
        t[4 * i + 2] = _mm512_shuffle_ps(ef, gh, 0x44);
        t[4 * i + 3] = _mm512_shuffle_ps(ef, gh, 0xee);
    }
    for (int j = 0; j < 4; j++) { /* t[4 i + j], lane l: rows 4i .. 4i + 3 of column 4l + j */
        __m512 a = _mm512_shuffle_f32x4(t[j], t[4 + j], 0x44), b = _mm512_shuffle_f32x4(t[8 + j], t[12 + j], 0x44);
        __m512 c = _mm512_shuffle_f32x4(t[j], t[4 + j], 0xee), d = _mm512_shuffle_f32x4(t[8 + j], t[12 + j], 0xee);
        r[j] = _mm512_shuffle_f32x4(a, b, 0x88);
        r[4 + j] = _mm512_shuffle_f32x4(a, b, 0xdd);
        r[8 + j] = _mm512_shuffle_f32x4(c, d, 0x88);
        r[12 + j] = _mm512_shuffle_f32x4(c, d, 0xdd);
    }
}

static void to_blocked(const float *x, int64_t x_channel, int channels, int64_t n, float *y) {
    for (int64_t p = 0; p < n; p += C, y += C * C) {
        int m = n - p < C ? (int)(n - p) : C;
        __mmask16 mask = (__mmask16)((1u << m) - 1);
        __m512 r[C];
        for (int i = 0; i < C; i++) r[i] = i < channels ? _mm512_maskz_loadu_ps(mask, x + i * x_channel + p) : V_ZERO();
        transpose_16x16(r);
        for (int i = 0; i < m; i++) V_STORE(y + i * C, r[i]);
    }
}

static void from_blocked(const float *x, int64_t y_channel, int channels, int64_t n, float *y) {
    for (int64_t p = 0; p < n; p += C, x += C * C) {
        int m = n - p < C ? (int)(n - p) : C;
        __mmask16 mask = (__mmask16)((1u << m) - 1);
        __m512 r[C];
        for (int i = 0; i < C; i++) r[i] = i < m ? V_LOAD(x + i * C) : V_ZERO();
        transpose_16x16(r);
        for (int i = 0; i < channels; i++) _mm512_mask_storeu_ps(y + i * y_channel + p, mask, r[i]);
    }
}

static void pick(const float *x, int64_t step, int64_t n, float *y) {
    int64_t i = 0;
    if (step == 2) {
        __m512i even = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 14, 12, 10, 8, 6, 4, 2, 0);
        for (; i + C <= n; i += C) /* the second vector reads no further than needed */
            V_STORE(y + i, _mm512_permutex2var_ps(V_LOAD(x + 2 * i), even, V_LOAD(x + 2 * i + C - 1)));
    }
    for (; i < n; i++) y[i] = x[i * step];
}

TILES(TILE_DEFINE_2)
TILES_DW(TILE_DEFINE_DW)

/* clang-format off */
const tn_conv_kernels TN_TABLE(conv, avx512) = {
    .block = C,
    .px = { 14, 14, 9 },
    .dw_px = 14,
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
