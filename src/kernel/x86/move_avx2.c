/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* move_avx2.c - 2-D transposition in registers: 16x16 bytes, 8x8 of 16 and 32 bits, 4x4 of 64 bits. Whole blocks only;
 * what is left at the edges goes element by element. */
#include "kernel/move.h"
#include "kernel/x86/tables.h"
#include <immintrin.h>

/* Row and column by row and column, for edges. */
#define EDGE(name, T)                                                                                        \
    static void name(const char *x, int64_t ldx, char *y, int64_t ldy, int64_t rows, int64_t cols) {         \
        for (int64_t c = 0; c < cols; c++)                                                                   \
            for (int64_t r = 0; r < rows; r++)                                                               \
                __builtin_memcpy(y + c * ldy + r * (int64_t)sizeof(T), x + r * ldx + c * (int64_t)sizeof(T), \
                                 sizeof(T));                                                                 \
    }
EDGE(edge8, uint8_t)
EDGE(edge16, uint16_t)
EDGE(edge32, uint32_t)
EDGE(edge64, uint64_t)

/* Blocks of B x B, gathered to squares whose sides are a cache line so that no line is visited twice (rows a power of
 * two apart would have lost it meanwhile); then the right edge, then the bottom one. */
#define BLOCKS(name, block, edge, T, B)                                                              \
    static void name(const char *x, int64_t ldx, char *y, int64_t ldy, int64_t rows, int64_t cols) { \
        const int64_t e = sizeof(T), line = 64 / e, r_end = rows / B * B, c_end = cols / B * B;      \
        for (int64_t c0 = 0; c0 < c_end; c0 += line)                                                 \
            for (int64_t r0 = 0; r0 < r_end; r0 += line)                                             \
                for (int64_t c = c0; c < c_end && c < c0 + line; c += B)                             \
                    for (int64_t r = r0; r < r_end && r < r0 + line; r += B)                         \
                        block(x + r * ldx + c * e, ldx, y + c * ldy + r * e, ldy);                   \
        edge(x + c_end * e, ldx, y + c_end * ldy, ldy, r_end, cols - c_end);                         \
        edge(x + r_end * ldx, ldx, y + r_end * e, ldy, rows - r_end, cols);                          \
    }

#define LOAD128(p)     _mm_loadu_si128((const __m128i *)(const void *)(p))
#define STORE128(p, v) _mm_storeu_si128((__m128i *)(void *)(p), v)

/* Interleaving a row with the one half the block below, four times over, transposes 16 rows of bytes: each step moves
 * one bit of the row number into the column number. */
static inline void block8(const char *x, int64_t ldx, char *y, int64_t ldy) {
    __m128i a[16], b[16];
    for (int i = 0; i < 16; i++) a[i] = LOAD128(x + i * ldx);
    for (int step = 0; step < 4; step++) {
        for (int i = 0; i < 8; i++) {
            b[2 * i] = _mm_unpacklo_epi8(a[i], a[i + 8]);
            b[2 * i + 1] = _mm_unpackhi_epi8(a[i], a[i + 8]);
        }
        for (int i = 0; i < 16; i++) a[i] = b[i];
    }
    for (int i = 0; i < 16; i++) STORE128(y + i * ldy, a[i]);
}

static inline void block16(const char *x, int64_t ldx, char *y, int64_t ldy) {
    __m128i a[8], b[8];
    for (int i = 0; i < 8; i++) a[i] = LOAD128(x + i * ldx);
    for (int step = 0; step < 3; step++) {
        for (int i = 0; i < 4; i++) {
            b[2 * i] = _mm_unpacklo_epi16(a[i], a[i + 4]);
            b[2 * i + 1] = _mm_unpackhi_epi16(a[i], a[i + 4]);
        }
        for (int i = 0; i < 8; i++) a[i] = b[i];
    }
    for (int i = 0; i < 8; i++) STORE128(y + i * ldy, a[i]);
}

/* Rows i and i + 4 share a register from the start (two 128-bit loads), so that only steps within halves remain. */
static inline void block32(const char *x, int64_t ldx, char *y, int64_t ldy) {
    __m256 a[8], t[8];
#define HALVES(r, c)                                                                                               \
    _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps((const float *)(const void *)(x + (r)*ldx + (c)*4))), \
                         _mm_loadu_ps((const float *)(const void *)(x + ((r) + 4) * ldx + (c)*4)), 1)
    for (int i = 0; i < 4; i++) a[i] = HALVES(i, 0), a[i + 4] = HALVES(i, 4);
#undef HALVES
    for (int h = 0; h < 8; h += 4) {
        t[h] = _mm256_unpacklo_ps(a[h], a[h + 1]);
        t[h + 1] = _mm256_unpackhi_ps(a[h], a[h + 1]);
        t[h + 2] = _mm256_unpacklo_ps(a[h + 2], a[h + 3]);
        t[h + 3] = _mm256_unpackhi_ps(a[h + 2], a[h + 3]);
        a[h] = _mm256_shuffle_ps(t[h], t[h + 2], 0x44);
        a[h + 1] = _mm256_shuffle_ps(t[h], t[h + 2], 0xee);
        a[h + 2] = _mm256_shuffle_ps(t[h + 1], t[h + 3], 0x44);
        a[h + 3] = _mm256_shuffle_ps(t[h + 1], t[h + 3], 0xee);
    }
    for (int i = 0; i < 8; i++) _mm256_storeu_ps((float *)(void *)(y + i * ldy), a[i]);
}

static inline void block64(const char *x, int64_t ldx, char *y, int64_t ldy) {
    __m256d a[4];
#define HALVES(r, c)                                                                                                \
    _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd((const double *)(const void *)(x + (r)*ldx + (c)*8))), \
                         _mm_loadu_pd((const double *)(const void *)(x + ((r) + 2) * ldx + (c)*8)), 1)
    for (int i = 0; i < 2; i++) a[i] = HALVES(i, 0), a[i + 2] = HALVES(i, 2);
#undef HALVES
    for (int h = 0; h < 4; h += 2) {
        _mm256_storeu_pd((double *)(void *)(y + h * ldy), _mm256_unpacklo_pd(a[h], a[h + 1]));
        _mm256_storeu_pd((double *)(void *)(y + (h + 1) * ldy), _mm256_unpackhi_pd(a[h], a[h + 1]));
    }
}

BLOCKS(transpose8, block8, edge8, uint8_t, 16)
BLOCKS(transpose16, block16, edge16, uint16_t, 8)
BLOCKS(transpose32, block32, edge32, uint32_t, 8)
BLOCKS(transpose64, block64, edge64, uint64_t, 4)

const tn_move_kernels TN_TABLE(move, avx2) = { .transpose = { transpose8, transpose16, transpose32, transpose64 } };
