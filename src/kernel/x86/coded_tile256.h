/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* coded_tile256.h - tiles of rounded activations times codes: a lane is a row, four codes of a row of weights go to
 * all lanes at once, so that weights need no transposing and scales are scalars.
 *
 * The file that includes it says how products of bytes u, without a sign, and s add up: FIRST_PRODUCTS(u, s),
 * ADD_PRODUCTS(sum, u, s), and ALL_PRODUCTS(sum) in the end, which is eight sums of 32 bits. Codes below 16 times eight
 * activations are at most 30480, so that 16 bits hold eight sums of two; codes below 64, two such sums; |w| of any,
 * one. */
#ifndef TN_KERNEL_X86_CODED_TILE256_H
#define TN_KERNEL_X86_CODED_TILE256_H

#include "kernel/x86/coded_dot256.h"

/* One load to all lanes: from an integer, compilers make three instructions of it. */
INLINE __m256i four_codes(const int8_t *p) {
    return _mm256_castps_si256(_mm256_broadcast_ss((const float *)(const void *)p));
}

/* The sum so far is in its register: compilers would add in trees, of more vectors than there are registers. */
#ifdef __AVX2__
#define SO_FAR(v) __asm__("" : "+x"(v))
#else
#define SO_FAR(v) (void)(v)
#endif

/* `deep` times four elements of V (1 or 2) times 8 rows and all columns: sums as instructions have them. */
INLINE void tile_products(const int V, const tn_tile_kind kind, const int deep, const tn_coded_tile *t, int64_t at,
                          __m256i part[TN_TILE_COLUMNS][2]) {
    const int8_t *a = t->a + at * TN_TILE_ROWS;
#pragma GCC unroll 8
    for (int d = 0; d < deep; d++) {
        __m256i x[2];
        for (int v = 0; v < V; v++) x[v] = load_256(a + 64 * d + 32 * v);
        for (int c = 0; c < TN_TILE_COLUMNS; c++) {
            __m256i u = four_codes(t->w[c].code + at + 4 * d), size = kind == TN_TILE_BYTES ? _mm256_abs_epi8(u) : u;
            for (int v = 0; v < V; v++) {
                __m256i y = kind == TN_TILE_BYTES ? _mm256_sign_epi8(x[v], u) : x[v];
                part[c][v] = d ? ADD_PRODUCTS(part[c][v], size, y) : FIRST_PRODUCTS(size, y);
                SO_FAR(part[c][v]);
            }
        }
    }
}

/* A group's sums of 32 bits. */
INLINE void tile_sums(const int V, const tn_tile_kind kind, const int steps, const tn_coded_tile *t, int64_t at,
                      __m256i sum[TN_TILE_COLUMNS][2]) {
    const int deep = kind == TN_TILE_FOUR_BITS ? steps : kind == TN_TILE_SIX_BITS ? 2 : 1;
#pragma GCC unroll 1 /* else vectors of several steps are loaded at once, more than there are registers */
    for (int s = 0; s < steps; s += deep) {
        __m256i part[TN_TILE_COLUMNS][2];
        tile_products(V, kind, deep, t, at + 4 * s, part);
        for (int c = 0; c < TN_TILE_COLUMNS; c++)
            for (int v = 0; v < V; v++)
                sum[c][v] = s ? _mm256_add_epi32(sum[c][v], ALL_PRODUCTS(part[c][v])) : ALL_PRODUCTS(part[c][v]);
    }
}

INLINE void tile_of(const int V, const tn_tile_kind kind, const int group, const tn_coded_tile *t, float *y) {
    __m256 acc[TN_TILE_COLUMNS][2];
    for (int c = 0; c < TN_TILE_COLUMNS; c++)
        for (int v = 0; v < V; v++) acc[c][v] = _mm256_loadu_ps(y + c * TN_TILE_ROWS + 8 * v);
    for (int64_t at = 0; at < t->n; at += group) {
        __m256i sum[TN_TILE_COLUMNS][2];
        const float *by = t->a_scale + at / 32 * TN_TILE_ROWS, *total = t->sum + at / group * TN_TILE_ROWS;
        tile_sums(V, kind, group / 4, t, at, sum);
        for (int c = 0; c < TN_TILE_COLUMNS; c++) {
            __m256 scale = _mm256_broadcast_ss(t->w[c].scale + at / group);
            for (int v = 0; v < V; v++) {
                __m256 both = _mm256_mul_ps(scale, _mm256_loadu_ps(by + 8 * v));
                acc[c][v] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[c][v]), both, acc[c][v]);
            }
            if (!t->offsets) continue;
            __m256 offset = _mm256_broadcast_ss(t->w[c].offset + at / group);
            for (int v = 0; v < V; v++) acc[c][v] = _mm256_fmadd_ps(offset, _mm256_loadu_ps(total + 8 * v), acc[c][v]);
        }
    }
    for (int c = 0; c < TN_TILE_COLUMNS; c++)
        for (int v = 0; v < V; v++) _mm256_storeu_ps(y + c * TN_TILE_ROWS + 8 * v, acc[c][v]);
}

#define TILE(name, V, kind, group) \
    static void name(const tn_coded_tile *t, float *y) { tile_of(V, kind, group, t, y); }
TILE(tile_1_4_16, 1, TN_TILE_FOUR_BITS, 16)
TILE(tile_1_4_32, 1, TN_TILE_FOUR_BITS, 32)
TILE(tile_1_6_16, 1, TN_TILE_SIX_BITS, 16)
TILE(tile_1_6_32, 1, TN_TILE_SIX_BITS, 32)
TILE(tile_1_8_16, 1, TN_TILE_BYTES, 16)
TILE(tile_1_8_32, 1, TN_TILE_BYTES, 32)
TILE(tile_2_4_16, 2, TN_TILE_FOUR_BITS, 16)
TILE(tile_2_4_32, 2, TN_TILE_FOUR_BITS, 32)
TILE(tile_2_6_16, 2, TN_TILE_SIX_BITS, 16)
TILE(tile_2_6_32, 2, TN_TILE_SIX_BITS, 32)
TILE(tile_2_8_16, 2, TN_TILE_BYTES, 16)
TILE(tile_2_8_32, 2, TN_TILE_BYTES, 32)

static void tile(const tn_coded_tile *t, float *y) {
    static void (*const of[2][3][2])(const tn_coded_tile *, float *) = {
        { { tile_1_4_16, tile_1_4_32 }, { tile_1_6_16, tile_1_6_32 }, { tile_1_8_16, tile_1_8_32 } },
        { { tile_2_4_16, tile_2_4_32 }, { tile_2_6_16, tile_2_6_32 }, { tile_2_8_16, tile_2_8_32 } },
    };
    of[t->rows > 8][t->kind][t->group == 32](t, y);
}

#endif
