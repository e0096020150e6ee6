/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qgemm_simd.h - the 8-bit product's register tile, for three instruction sets. Its shape and its way through A are
 * those of gemm_simd.h. The including file gives what qgemm_parts.h needs, with NR two vectors of int32; the rows of
 * the tile, EACH_ROW(X) for X(0) to X(MR - 1); the vector type vi with VI_LOAD(p), VI_STORE(p, v), VI_ZERO();
 * VI_PAIR(p), the 32 bits at p (one group of A, see int_at) in every lane; VI_DOT(acc, a, b), which adds the products
 * of each lane's group to acc. */
#ifndef TN_KERNEL_QGEMM_SIMD_H
#define TN_KERNEL_QGEMM_SIMD_H

#include "kernel/qgemm_parts.h"

#define INLINE static inline __attribute__((always_inline))

INLINE int int_at(const char *p) {
    int v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* mr: a constant after inlining. a: the tile's first row. */
INLINE void tile(const int mr, const tn_qgemm_strip *s, const char *a, int32_t *out) {
    vi acc[MR][2];
#define X(i) acc[i][0] = acc[i][1] = VI_ZERO();
    EACH_ROW(X)
#undef X
    const ptrdiff_t rs = s->lda;
    const char *b = s->b;
    const char *a0 = a, *a3 = a + 3 * rs, *a6 = a + 6 * rs, *a9 = a + 9 * rs, *a12 = a + 12 * rs;
#define AT(i) (((i) < 3 ? a0 : (i) < 6 ? a3 : (i) < 9 ? a6 : (i) < 12 ? a9 : a12) + (i) % 3 * rs)
#define X(i)                                  \
    if (i < mr) {                             \
        vi x = VI_PAIR(AT(i));                \
        acc[i][0] = VI_DOT(acc[i][0], x, b0); \
        acc[i][1] = VI_DOT(acc[i][1], x, b1); \
    }
#define NEXT(p, rows)          \
    if (mr > rows) {           \
        p += 4;                \
        __asm__("" : "+r"(p)); \
    }
    for (int64_t g = s->groups; g > 0; g--) {
        vi b0 = VI_LOAD(b), b1 = VI_LOAD(b + sizeof(vi));
        EACH_ROW(X)
        NEXT(a0, 0) NEXT(a3, 3) NEXT(a6, 6) NEXT(a9, 9) NEXT(a12, 12) b += 2 * sizeof(vi);
    }
#undef X
#undef NEXT
#undef AT
#define X(i)                                        \
    if (i < mr) {                                   \
        VI_STORE(out + i * NR, acc[i][0]);          \
        VI_STORE(out + i * NR + NR / 2, acc[i][1]); \
    }
    EACH_ROW(X)
#undef X
}

#define X(i) \
    static void tile_##i(const tn_qgemm_strip *s, const char *a, int32_t *out) { tile(i + 1, s, a, out); }
EACH_ROW(X)
#undef X
#define X(i) tile_##i,
static void (*const tiles[MR])(const tn_qgemm_strip *s, const char *a, int32_t *out) = { EACH_ROW(X) };
#undef X

/* Tiles of nearly equal height, as in gemm.h. */
static void strip(const tn_qgemm_strip *s) {
    int64_t count = (s->m + MR - 1) / MR;
    _Alignas(64) int32_t acc[MR * NR];
    for (int64_t t = 0, r0 = 0; t < count; t++) {
        int64_t r1 = (t + 1) * s->m / count;
        tiles[r1 - r0 - 1](s, (const char *)s->a + r0 * s->lda, acc);
        finish(s, acc, r0, r1 - r0);
        r0 = r1;
    }
}

#endif
