/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gemm_simd.h - the f32 matrix product's kernels, written once for both vector lengths. The including file gives:
 *   MR              rows of the register tile; the tile is MR x 2 vectors
 *   EACH_ROW(X)     X(0) X(1) ... X(MR - 1)
 *   lanes           the type of a memory mask; LOADM(p, mask), STOREM(p, mask, v)
 *   MASKS_ARE_FREE  1: a masked load costs no more than a plain one
 *   transpose(r)    transposes TN_VL vectors of TN_VL floats in place
 *
 * The tile: 2 vectors of B are loaded per step of k, and every row takes one broadcast of A and two multiply-adds. With
 * 512 bits 14 rows fill 28 accumulators + 2 + 2 = 32 registers; 28 multiply-adds cost 14 cycles at two a cycle and
 * need 16 loads, of which 28 would fit. With 256 bits it is 6 rows, 12 + 2 + 2 = 16 registers.
 * A row of A is found from five base pointers as base + {0, 1, 2} * stride, which x86 addresses directly; so A may
 * lie packed, row-major or transposed, and one kernel serves all. */
#ifndef TN_KERNEL_GEMM_SIMD_H
#define TN_KERNEL_GEMM_SIMD_H

#include "kernel/gemm.h"
#include "kernel/x86/activation_simd.h"
#include <string.h>

#define NR     (2 * TN_VL)
#define INLINE static inline __attribute__((always_inline))

/* Few accumulators would wait for the latency of the multiply-add (4 cycles): low tiles keep 2 or 4 sets of them,
 * used in turn by successive k and added at the end. */
#define SETS(mr, nv) ((mr) * (nv) >= 8 ? 1 : (mr) * (nv) >= 4 ? 2 : 4)

/* Where the next strip's B is fetched from while this one is computed, and how far to go per step of k. Weights come
 * from memory in every run of a model larger than the last cache, and hardware prefetch stops at each page. */
typedef struct ahead {
    const char *from;
    ptrdiff_t step;
} ahead;

/* mr, nv, masked: constants after inlining. masked: B is read under the mask of the last vector (needed where it is not
 * packed; with 256 bits it costs a few per cent, with 512 nothing). a: the tile's element (0, 0); row: its row in C;
 * last: lanes of the last vector; put: those of it to store. */
INLINE void tile(const int mr, const int nv, const int masked, const tn_gemm_strip *s, const float *a, int64_t row,
                 float *c, ptrdiff_t ldc, lanes last, lanes put, ahead next) {
    const int sets = SETS(mr, nv);
    tn_vf acc[4][MR][2];
#define X(i)                                                                  \
    if (i < mr) {                                                             \
        acc[0][i][0] = acc[1][i][0] = acc[2][i][0] = acc[3][i][0] = V_ZERO(); \
        acc[0][i][1] = acc[1][i][1] = acc[2][i][1] = acc[3][i][1] = V_ZERO(); \
    }
    EACH_ROW(X)
#undef X
    const ptrdiff_t rs = s->rs_a, cs = s->cs_a, ldb = s->ldb;
    const float *b = s->b;
    const float *a0 = a, *a3 = a + 3 * rs, *a6 = a + 6 * rs, *a9 = a + 9 * rs, *a12 = a + 12 * rs;
#define AT(i) ((i) < 3 ? a0 : (i) < 6 ? a3 : (i) < 9 ? a6 : (i) < 12 ? a9 : a12)[(i) % 3 * rs]
#define ROW(i, set)                                                \
    if (i < mr) {                                                  \
        tn_vf x = V_SET(AT(i));                                    \
        acc[set][i][0] = V_FMA(x, b0, acc[set][i][0]);             \
        if (nv > 1) acc[set][i][1] = V_FMA(x, b1, acc[set][i][1]); \
    }
#define X0(i) ROW(i, 0)
#define X1(i) ROW(i, 1 % sets)
#define X2(i) ROW(i, 2 % sets)
#define X3(i) ROW(i, 3 % sets)
    /* The empty asm keeps the compiler from making a pointer of its own for every row. */
#define NEXT(p, rows)          \
    if (mr > rows) {           \
        p += cs;               \
        __asm__("" : "+r"(p)); \
    }
#define STEP(XU)                                                                \
    {                                                                           \
        tn_vf b0 = nv > 1 || !masked ? V_LOAD(b) : LOADM(b, last), b1 = b0;     \
        if (nv > 1) b1 = masked ? LOADM(b + TN_VL, last) : V_LOAD(b + TN_VL);   \
        __builtin_prefetch(next.from, 0, 2);                                    \
        if (NR * sizeof(float) > 64) __builtin_prefetch(next.from + 64, 0, 2);  \
        next.from += next.step;                                                 \
        EACH_ROW(XU)                                                            \
        NEXT(a0, 0) NEXT(a3, 3) NEXT(a6, 6) NEXT(a9, 9) NEXT(a12, 12) b += ldb; \
    }
    int64_t k = s->k;
    /* Unrolled only where sets take turns: in a longer loop gcc 12 spills accumulators of the full 256-bit tile. */
    for (; sets > 1 && k >= 4; k -= 4) {
        STEP(X0) STEP(X1) STEP(X2) STEP(X3)
    }
    for (; k > 0; k--) STEP(X0)
#undef STEP
#undef NEXT
#undef X0
#undef X1
#undef X2
#undef X3
#undef ROW
#undef AT

#define EACH_ACC(stmt) \
    { EACH_ROW(stmt) }
#define X(i)                                                           \
    if (i < mr)                                                        \
        for (int v = 0; v < nv; v++) {                                 \
            if (sets > 1) acc[0][i][v] += acc[1][i][v];                \
            if (sets > 2) acc[0][i][v] += acc[2][i][v] + acc[3][i][v]; \
        }
    if (sets > 1) EACH_ACC(X)
#undef X
#define ACC(i, v) acc[0][i][v]
#define X(i) \
    if (i < mr) ACC(i, 0) *= alpha, ACC(i, 1) *= alpha;
    if (s->alpha != 1.0f) {
        tn_vf alpha = V_SET(s->alpha);
        EACH_ACC(X)
    }
#undef X
#define X(i)                                                                     \
    if (i < mr) {                                                                \
        ACC(i, 0) = V_FMA(beta, nv > 1 ? V_LOAD(d) : LOADM(d, last), ACC(i, 0)); \
        if (nv > 1) ACC(i, 1) = V_FMA(beta, LOADM(d + TN_VL, last), ACC(i, 1));  \
        d += s->ldd;                                                             \
    }
    if (s->d) {
        tn_vf beta = V_SET(s->beta);
        const float *d = s->d + row * s->ldd;
        EACH_ACC(X)
    }
#undef X
#define X(i)                                 \
    if (i < mr) {                            \
        tn_vf y = V_SET(s->bias_m[row + i]); \
        ACC(i, 0) += y, ACC(i, 1) += y;      \
    }
    if (s->bias_m) EACH_ACC(X)
#undef X
#define X(i) \
    if (i < mr) ACC(i, 0) += y0, ACC(i, 1) += y1;
    if (s->bias_n) {
        tn_vf y0 = nv > 1 ? V_LOAD(s->bias_n) : LOADM(s->bias_n, last);
        tn_vf y1 = nv > 1 ? LOADM(s->bias_n + TN_VL, last) : y0;
        EACH_ACC(X)
    }
#undef X
    float lo, hi;
    bool clamp = TN_V(tn_act_clamp)(s->act, &lo, &hi);
#define X(i)                                                       \
    if (i < mr) {                                                  \
        ACC(i, 0) = V_MIN(vhi, V_MAX(vlo, ACC(i, 0)));             \
        if (nv > 1) ACC(i, 1) = V_MIN(vhi, V_MAX(vlo, ACC(i, 1))); \
    }
    if (clamp && s->act.kind != TN_ACT_NONE) {
        tn_vf vlo = V_SET(lo), vhi = V_SET(hi);
        EACH_ACC(X)
    }
#undef X
#define X(i)                                               \
    if (i < mr) {                                          \
        if (nv > 1) V_STORE(c, ACC(i, 0));                 \
        STOREM(c + (nv - 1) * TN_VL, put, ACC(i, nv - 1)); \
        c += ldc;                                          \
    }
    EACH_ACC(X)
#undef X
#undef ACC
#undef EACH_ACC
}

typedef void (*tile_fn)(const tn_gemm_strip *s, const float *a, int64_t row, float *c, ptrdiff_t ldc, lanes last,
                        lanes put, ahead next);

#define TILE(i, nv, masked)                                                                               \
    static void tile_##i##_##nv##_##masked(const tn_gemm_strip *s, const float *a, int64_t row, float *c, \
                                           ptrdiff_t ldc, lanes last, lanes put, ahead next) {            \
        tile(i + 1, nv, masked, s, a, row, c, ldc, last, put, next);                                      \
    }
#define X10(i) TILE(i, 1, 0)
#define X11(i) TILE(i, 1, 1)
#define X20(i) TILE(i, 2, 0)
#define X21(i) TILE(i, 2, 1)
EACH_ROW(X11)
EACH_ROW(X21)
#if !MASKS_ARE_FREE
EACH_ROW(X10)
EACH_ROW(X20)
#endif
#undef X10
#undef X11
#undef X20
#undef X21

/* By masked, vectors, rows. */
#define X10(i) tile_##i##_1_0,
#define X11(i) tile_##i##_1_1,
#define X20(i) tile_##i##_2_0,
#define X21(i) tile_##i##_2_1,
#if MASKS_ARE_FREE
static const tile_fn tiles[1][2][MR] = { { { EACH_ROW(X11) }, { EACH_ROW(X21) } } };
#else
static const tile_fn tiles[2][2][MR] = { { { EACH_ROW(X10) }, { EACH_ROW(X20) } },
                                         { { EACH_ROW(X11) }, { EACH_ROW(X21) } } };
#endif
#undef X10
#undef X11
#undef X20
#undef X21
#undef TILE

/* Kinds beyond a clamp: the tile was put down in whole vectors, which can be read again at once (what was stored under
 * a mask could not: no forwarding). */
static __attribute__((noinline)) void activate(const tn_gemm_strip *s, const float *from, int64_t row, int64_t rows) {
    TN_V(tn_act_rows)(s->act, from, NR, true, s->c + row * s->ldc, s->ldc, rows, s->n);
}

static void strip(const tn_gemm_strip *s) {
    int nv = s->n > TN_VL ? 2 : 1;
    lanes last = tn_v_first((size_t)(s->n - (nv - 1) * TN_VL));
    bool masked = !MASKS_ARE_FREE && s->n != nv * TN_VL && s->ldb != NR;
    float lo, hi;
    bool clamp = TN_V(tn_act_clamp)(s->act, &lo, &hi);
    float whole[MR * NR] __attribute__((aligned(64)));
    ahead next = { (const char *)s->b, 0 };
    if (s->ahead) next = (ahead){ (const char *)s->ahead, (ptrdiff_t)(NR * sizeof(float)) / (s->t1 - s->t0) };
    for (int64_t t = s->t0, r0 = t * s->m / s->tiles; t < s->t1; t++) {
        int64_t r1 = (t + 1) * s->m / s->tiles;
        const float *a = s->ts_a ? s->a + t * s->ts_a : s->a + r0 * s->rs_a;
        if (clamp) {
            tiles[masked][nv - 1][r1 - r0 - 1](s, a, r0, s->c + r0 * s->ldc, s->ldc, last, last, next);
        } else {
            tiles[masked][nv - 1][r1 - r0 - 1](s, a, r0, whole, NR, last, tn_v_first(TN_VL), next);
            activate(s, whole, r0, r1 - r0);
        }
        next.from += next.step * s->k;
        r0 = r1;
    }
}

/* ------------------------------------------------------------------------------------------------------- packing */

/* TN_VL rows (those past `rows` are zeros) of `cols` <= TN_VL floats, ld apart; r[] becomes their columns. */
INLINE void load_transposed(tn_vf *r, const float *p, ptrdiff_t ld, int64_t rows, int64_t cols) {
    lanes in = tn_v_first((size_t)cols);
    for (int i = 0; i < TN_VL; i++) r[i] = i < rows ? LOADM(p + i * ld, in) : V_ZERO();
    transpose(r);
}

static void pack_b(bool trans, int64_t k, int64_t n, const float *b, ptrdiff_t ldb, float *out) {
    int64_t n0 = n < TN_VL ? n : TN_VL, n1 = n - n0;
    if (!trans) {
        lanes m0 = tn_v_first((size_t)n0), m1 = tn_v_first((size_t)n1);
        for (int64_t p = 0; p < k; p++, b += ldb, out += NR) {
            V_STORE(out, LOADM(b, m0));
            V_STORE(out + TN_VL, n1 ? LOADM(b + TN_VL, m1) : V_ZERO());
        }
        return;
    }
    for (int64_t p = 0; p < k; p += TN_VL, out += NR * TN_VL) {
        int64_t cols = k - p < TN_VL ? k - p : TN_VL;
        tn_vf r[TN_VL];
        load_transposed(r, b + p, ldb, n0, cols);
        for (int64_t i = 0; i < cols; i++) V_STORE(out + i * NR, r[i]);
        load_transposed(r, b + p + (n1 ? TN_VL * ldb : 0), ldb, n1, cols);
        for (int64_t i = 0; i < cols; i++) V_STORE(out + i * NR + TN_VL, r[i]);
    }
}

static void pack_a(int64_t m, int64_t k, const float *a, ptrdiff_t rs, ptrdiff_t cs, float *out) {
    lanes all = tn_v_first(MR), in = tn_v_first((size_t)m);
    if (rs == 1) {
        for (int64_t p = 0; p < k; p++, a += cs, out += MR) STOREM(out, all, LOADM(a, in));
        return;
    }
    if (cs != 1) {
        for (int64_t p = 0; p < k; p++, out += MR)
            for (int64_t i = 0; i < MR; i++) out[i] = i < m ? a[i * rs + p * cs] : 0.0f;
        return;
    }
    for (int64_t p = 0; p < k; p += TN_VL) {
        int64_t cols = k - p < TN_VL ? k - p : TN_VL;
        tn_vf r[TN_VL];
        load_transposed(r, a + p, rs, m, cols);
        for (int64_t i = 0; i < cols; i++, out += MR) STOREM(out, all, r[i]);
    }
}

/* ---------------------------------------------------------------------------------------- one row: memory speed */

/* `rows` (a constant) rows of b added to y; y is read and written once per 8 rows, and stays in L1 (see gemv). */
INLINE void gemv_rows(const int rows, int64_t n, const float *x, const float *b, ptrdiff_t ldb, float *y) {
    int64_t j = 0;
    for (; j + TN_VL <= n; j += TN_VL) {
        tn_vf v = V_LOAD(y + j);
        for (int r = 0; r < rows; r++) v = V_FMA(V_SET(x[r]), V_LOAD(b + r * ldb + j), v);
        V_STORE(y + j, v);
    }
    if (j < n) {
        lanes m = tn_v_first((size_t)(n - j));
        tn_vf v = LOADM(y + j, m);
        for (int r = 0; r < rows; r++) v = V_FMA(V_SET(x[r]), LOADM(b + r * ldb + j, m), v);
        STOREM(y + j, m, v);
    }
}

static void gemv(int64_t k, int64_t n, float alpha, const float *x, ptrdiff_t incx, const float *b, ptrdiff_t ldb,
                 float *y) {
    enum { WIDE = 4096 };
    for (int64_t j = 0; j < n; j += WIDE) {
        int64_t w = n - j < WIDE ? n - j : WIDE, p = 0;
        float xs[8];
        for (; p + 8 <= k; p += 8) {
            for (int r = 0; r < 8; r++) xs[r] = alpha * x[(p + r) * incx];
            gemv_rows(8, w, xs, b + p * ldb + j, ldb, y + j);
        }
        for (; p < k; p++) {
            xs[0] = alpha * x[p * incx];
            gemv_rows(1, w, xs, b + p * ldb + j, ldb, y + j);
        }
    }
}

/* A vector of B's elements, of type t (a constant), from element `at` on. */
INLINE tn_vf load_as(const tn_dtype t, const void *b, int64_t at) {
    if (t == TN_F16) return V_WIDEN_F16((const uint16_t *)b + at);
    return t == TN_BF16 ? V_WIDEN_BF16((const uint16_t *)b + at) : V_LOAD((const float *)b + at);
}

/* `count` (a constant, <= 4) packed panels side by side: a single stream of loads leaves a third of the memory's speed
 * unused, and eight accumulators hide the latency of the multiply-add. */
INLINE void gemv_panels(const int count, const tn_dtype t, int64_t k, int64_t n, float alpha, const float *x,
                        ptrdiff_t incx, const void *b, float *y) {
    tn_vf acc[8];
    for (int v = 0; v < 2 * count; v++) acc[v] = V_ZERO();
    for (int64_t p = 0; p < k; p++, x += incx) {
        tn_vf s = V_SET(*x);
        for (int v = 0; v < 2 * count; v++)
            acc[v] = V_FMA(s, load_as(t, b, (v / 2 * k + p) * NR + v % 2 * TN_VL), acc[v]);
    }
    tn_vf a = V_SET(alpha);
    for (int v = 0; v < 2 * count && v * TN_VL < n; v++) {
        int64_t left = n - v * TN_VL;
        lanes m = tn_v_first((size_t)(left < TN_VL ? left : TN_VL));
        STOREM(y + v * TN_VL, m, V_FMA(a, acc[v], LOADM(y + v * TN_VL, m)));
    }
}

static void gemv_packed(int64_t k, int64_t n, float alpha, const float *x, ptrdiff_t incx, const float *b, float *y) {
    int64_t j = 0;
    for (; j + 3 * NR < n; j += 4 * NR) gemv_panels(4, TN_F32, k, n - j, alpha, x, incx, b + j * k, y + j);
    for (; j < n; j += NR) gemv_panels(1, TN_F32, k, n - j, alpha, x, incx, b + j * k, y + j);
}

INLINE void gemv_of(const tn_dtype t, int64_t k, int64_t n, float alpha, const float *x, ptrdiff_t incx,
                    const uint16_t *b, float *y) {
    int64_t j = 0;
    for (; j + 3 * NR < n; j += 4 * NR) gemv_panels(4, t, k, n - j, alpha, x, incx, b + j * k, y + j);
    for (; j < n; j += NR) gemv_panels(1, t, k, n - j, alpha, x, incx, b + j * k, y + j);
}

static void gemv_half(tn_dtype t, int64_t k, int64_t n, float alpha, const float *x, ptrdiff_t incx, const uint16_t *b,
                      float *y) {
    t == TN_F16 ? gemv_of(TN_F16, k, n, alpha, x, incx, b, y) : gemv_of(TN_BF16, k, n, alpha, x, incx, b, y);
}

/* Four dot products at once, two accumulators each. */
INLINE void dots(const int rows, int64_t k, float alpha, const float *x, const float *b, ptrdiff_t ldb, float *y) {
    tn_vf s[4][2];
    for (int r = 0; r < rows; r++) s[r][0] = s[r][1] = V_ZERO();
    int64_t p = 0;
    for (; p + 2 * TN_VL <= k; p += 2 * TN_VL) {
        tn_vf x0 = V_LOAD(x + p), x1 = V_LOAD(x + p + TN_VL);
        for (int r = 0; r < rows; r++) {
            s[r][0] = V_FMA(x0, V_LOAD(b + r * ldb + p), s[r][0]);
            s[r][1] = V_FMA(x1, V_LOAD(b + r * ldb + p + TN_VL), s[r][1]);
        }
    }
    for (; p < k; p += TN_VL) {
        lanes m = tn_v_first((size_t)(k - p < TN_VL ? k - p : TN_VL));
        tn_vf x0 = LOADM(x + p, m);
        for (int r = 0; r < rows; r++) s[r][0] = V_FMA(x0, LOADM(b + r * ldb + p, m), s[r][0]);
    }
    for (int r = 0; r < rows; r++) y[r] += alpha * V_SUM(s[r][0] + s[r][1]);
}

static void gemv_t(int64_t k, int64_t n, float alpha, const float *x, const float *b, ptrdiff_t ldb, float *y) {
    int64_t j = 0;
    for (; j + 4 <= n; j += 4) dots(4, k, alpha, x, b + j * ldb, ldb, y + j);
    for (; j < n; j++) dots(1, k, alpha, x, b + j * ldb, ldb, y + j);
}

/* What every table of these kernels holds. */
#define GEMM_FUNCTIONS                                                                                      \
    .mr = MR, .nr = NR, .strip = strip, .pack_b = pack_b, .pack_a = pack_a, .gemv = gemv, .gemv_t = gemv_t, \
    .gemv_packed = gemv_packed, .gemv_half = gemv_half

#endif
