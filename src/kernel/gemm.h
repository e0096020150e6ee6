/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gemm.h - f32 matrix products: C = act(alpha * op(A) op(B) + beta * D + bias).
 *
 * Two halves. `tn_gemm_kernels` is the family: the register-tile kernels of one instruction set, which know nothing of
 * caches and threads. `tn_gemm` and the pack functions below are the driver (kernel/gemm.c): it blocks for the caches,
 * packs what is worth packing and shares the work among a pool. Callers use the driver:
 *
 *     const tn_gemm_kernels *k = &tn_kernels_get()->gemm;
 *     tn_gemm_args g = tn_gemm_dense(m, n, kk, x, w, y);           row-major, dense, alpha = 1
 *     g.b_packed = w_packed;                                       made once by tn_gemm_pack_b
 *     g.bias_n = bias, g.act = (tn_activation){ TN_ACT_GELU_ERF };
 *     st = tn_gemm(k, &g, scratch, pool);                          scratch: tn_gemm_scratch() bytes, or NULL
 *
 * Packed B: panels of nr columns, each K rows long; row k of a panel is nr floats, contiguous. Columns past N hold
 * zeros. Nothing in the layout depends on how K is blocked later, so that any [k0, k1) of a panel is contiguous too.
 *
 *       B [K=3, N=6], nr = 4                    panel 0                         panel 1
 *       b00 b01 b02 b03 b04 b05
 *       b10 b11 b12 b13 b14 b15     ->  b00 b01 b02 b03 b10 b11 ... b23 | b04 b05 0 0 b14 b15 0 0 b24 b25 0 0
 *       b20 b21 b22 b23 b24 b25
 *
 * Packed A: M is cut into T = ceil(M / mr) tiles of nearly equal height, tile t being rows [t M / T, (t+1) M / T), so
 * that no tile is so low that the multiply-add latency shows. Column k of a tile is mr floats (the rows, then zeros):
 *
 *       A [M=5, K=2], mr = 4 (two tiles, of 2 and 3 rows)
 *       a00 a01                        tile 0                                tile 1
 *       a10 a11           ->  a00 a10 0 0 a01 a11 0 0   |   a20 a30 a40 0 a21 a31 a41 0
 *       ...
 * gemm_pairs.c is the driver for products of bfloat16 pairs; tn_gemm hands them on.
 * (Goto & van de Geijn, ACM TOMS 34(3), 2008; Van Zee & van de Geijn, ACM TOMS 41(3), 2015.) */
#ifndef TN_KERNEL_GEMM_H
#define TN_KERNEL_GEMM_H

#include "base/pool.h"
#include "kernel/activation.h"

/* ------------------------------------------------------------------------------------------------- the kernels */

/** One column strip: C[m, n] with n <= nr, over tiles [t0, t1) of the T tiles that m is cut into (see above).
 *  Every pointer is to row 0, also when t0 > 0. Strides are in floats. */
typedef struct tn_gemm_strip {
    int64_t m, n, k;
    int64_t tiles, t0, t1; /* T = ceil(m / mr) */
    const float *a;        /* element (i, p) of tile t, its first row being r: */
    ptrdiff_t rs_a, cs_a,
        ts_a;       /*   a[(r + i) * rs_a + p * cs_a] when ts_a == 0, else a[t * ts_a + i * rs_a + p * cs_a] */
    const float *b; /* element (p, j): b[p * ldb + j]; nothing at j >= n is read unless ldb == nr */
    ptrdiff_t ldb;
    float *c;
    ptrdiff_t ldc;
    float alpha, beta;
    const float *d; /* + beta * d; NULL: none. May be c. */
    ptrdiff_t ldd;
    const float *bias_m, *bias_n; /* per row, per column of the strip; NULL: none */
    tn_activation act;
    const float *ahead; /* k * nr floats that the next strip will want from far memory; only a hint, may be NULL */
} tn_gemm_strip;

/** A strip of products of bfloat16 pairs: C[i, j] = (add ? C[i, j] : 0) + alpha * the sum over p < k of both products
 * of pairs a[i * lda + p] and b[p * nr + j], i < m, j < n <= nr. The lower half of a word is the pair's first number.
 */
typedef struct tn_gemm_pairs {
    int64_t m, n, k; /* k: pairs */
    const uint32_t *a, *b;
    ptrdiff_t lda; /* in pairs */
    float *c;
    ptrdiff_t ldc;
    float alpha;
    bool add;
} tn_gemm_pairs;

typedef struct tn_gemm_kernels {
    int mr, nr; /* the register tile: rows and columns */

    /** C = act(alpha * A B + beta * D + bias_m + bias_n) on one strip. k may be 0. */
    void (*strip)(const tn_gemm_strip *s);

    /** One panel of packed B: n <= nr columns, k rows; out holds k * nr floats.
     *  b        element (p, j) at b[p * ldb + j], or b[j * ldb + p] when trans */
    void (*pack_b)(bool trans, int64_t k, int64_t n, const float *b, ptrdiff_t ldb, float *out);

    /** One tile of packed A: m <= mr rows; out holds k * mr floats; element (i, p) at a[i * rs + p * cs]. */
    void (*pack_a)(int64_t m, int64_t k, const float *a, ptrdiff_t rs, ptrdiff_t cs, float *out);

    /** y[j] += alpha * sum_p x[p * incx] * b[p * ldb + j], j < n: streams the rows of a row-major matrix. */
    void (*gemv)(int64_t k, int64_t n, float alpha, const float *x, ptrdiff_t incx, const float *b, ptrdiff_t ldb,
                 float *y);

    /** y[j] += alpha * sum_p x[p] * b[j * ldb + p], j < n: one dot product per row. */
    void (*gemv_t)(int64_t k, int64_t n, float alpha, const float *x, const float *b, ptrdiff_t ldb, float *y);

    /** y[j] += alpha * sum_p x[p * incx] * B[p, j], j < n, B in packed panels of k rows. */
    void (*gemv_packed)(int64_t k, int64_t n, float alpha, const float *x, ptrdiff_t incx, const float *b, float *y);

    /** The same with panels of 16-bit floats, TN_F16 or TN_BF16. */
    void (*gemv_half)(tn_dtype t, int64_t k, int64_t n, float alpha, const float *x, ptrdiff_t incx, const uint16_t *b,
                      float *y);

    /** NULL where there is no instruction for it. Denormal numbers count as zeros; sums are of float32. */
    void (*pairs)(const tn_gemm_pairs *s);
} tn_gemm_kernels;

extern const tn_gemm_kernels tn_gemm_table_ref; /* plain C, every field; other sets: kernel/kernel.h */

/* -------------------------------------------------------------------------------------------------- the driver */

/** What to compute. Start from tn_gemm_dense() and change what differs. Leading dimensions and strides in floats. */
typedef struct tn_gemm_args {
    int64_t m, n, k; /* C is [m, n]; any may be 0 (k == 0: the product is 0) */
    const float *a, *b;
    int64_t lda, ldb; /* a is [m, k], or [k, m] when trans_a; b is [k, n], or [n, k] when trans_b */
    bool trans_a, trans_b;
    const float *a_packed;   /* from tn_gemm_pack_a with the same m, k: a, lda and trans_a are ignored */
    const float *b_packed;   /* from tn_gemm_pack_b with the same k, n: b, ldb and trans_b are ignored */
    const uint16_t *b_half;  /* the same from tn_gemm_pack_b_half: 16-bit floats, which become float32 a piece at a */
    tn_dtype half_type;      /* time, in cache; of this type. NULL, TN_NONE: none */
    const uint32_t *b_pairs; /* from tn_gemm_pack_b_pairs: A is rounded to bfloat16, too. Not with a_packed */
    float *c;
    int64_t ldc;
    float alpha;
    const float *d; /* a residual [m, n] added as beta * d before the activation; may be c itself; NULL: none */
    int64_t ldd;
    float beta;
    const float *bias_m; /* [m], one per row, or NULL */
    const float *bias_n; /* [n], one per column, or NULL */
    tn_activation act;
    int64_t batch[2];                                           /* two nested counts of products; 0 means 1 */
    int64_t stride_a[2], stride_b[2], stride_c[2], stride_d[2]; /* from one product to the next; 0 shares the operand */
} tn_gemm_args;

/** Row-major, dense, alpha = 1, beta = 1, one product, no bias, no activation. */
static inline tn_gemm_args tn_gemm_dense(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c) {
    return (tn_gemm_args){ .m = m,
                           .n = n,
                           .k = k,
                           .a = a,
                           .b = b,
                           .lda = k,
                           .ldb = n,
                           .c = c,
                           .ldc = n,
                           .ldd = n,
                           .alpha = 1.0f,
                           .beta = 1.0f };
}

/** Bytes of scratch tn_gemm needs for these arguments with a pool of `threads`. Pointers in *g are only compared
 *  with NULL, so that it can be asked at planning time (any non-NULL a_packed/b_packed will do). */
size_t tn_gemm_scratch(const tn_gemm_kernels *k, const tn_gemm_args *g, int threads);

/** Whether that can be other than 0 for products like g with another number of rows or of products. */
bool tn_gemm_may_want_scratch(const tn_gemm_kernels *k, const tn_gemm_args *g);

/** Computes. Batches, tiles and panels are shared among the pool's threads (NULL: this thread); a product too small to
 *  share stays on one. The result does not depend on the number of threads.
 *  scratch  tn_gemm_scratch(k, g, tn_pool_threads(pool)) bytes, 64-byte aligned, or NULL: allocated here
 *  a, b     must not overlap c; d may be c (equal layout)
 *  NaN      and infinities of A and B propagate as IEEE says; a padded column never touches a real one
 *  errors   TN_E_NOMEM (only when scratch is NULL). Sizes are the caller's promise. */
tn_status tn_gemm(const tn_gemm_kernels *k, const tn_gemm_args *g, void *scratch, tn_pool *pool);

/** Packed operands: sizes in bytes (the caller has checked that k * n floats fit memory), and the packing itself.
 *  b is [k, n] or, with trans, [n, k]. a is [m, k] or, with trans, [k, m]. out is 64-byte aligned. */
size_t tn_gemm_pack_b_bytes(const tn_gemm_kernels *kn, int64_t k, int64_t n);
void tn_gemm_pack_b(const tn_gemm_kernels *kn, bool trans, int64_t k, int64_t n, const float *b, int64_t ldb,
                    float *out, tn_pool *pool);
/** Packed panels of 16-bit floats (TN_F16 or TN_BF16, to nearest even): half the bytes. panel: room for k * nr floats,
 *  zeroed or not. */
size_t tn_gemm_pack_b_half_bytes(const tn_gemm_kernels *kn, int64_t k, int64_t n);
void tn_gemm_pack_b_half(const tn_gemm_kernels *kn, tn_dtype t, bool trans, int64_t k, int64_t n, const float *b,
                         int64_t ldb, uint16_t *out, float *panel);
/** Panels of bfloat16 pairs, for tables that have `pairs`: pair p of column j at [panel][p][j], an odd k is filled with
 *  zeros. panel as above. */
size_t tn_gemm_pack_b_pairs_bytes(const tn_gemm_kernels *kn, int64_t k, int64_t n);
void tn_gemm_pack_b_pairs(const tn_gemm_kernels *kn, bool trans, int64_t k, int64_t n, const float *b, int64_t ldb,
                          uint32_t *out, float *panel);
size_t tn_gemm_pack_a_bytes(const tn_gemm_kernels *kn, int64_t m, int64_t k);
void tn_gemm_pack_a(const tn_gemm_kernels *kn, bool trans, int64_t m, int64_t k, const float *a, int64_t lda,
                    float *out, tn_pool *pool);

/* -------------------------------------------------------------------------------------- other element types */

/** C = alpha * op(A) op(B) + beta * D on the types ONNX's MatMul and Gemm know. f64 and the integers (which wrap) run
 * in plain C; f16 and bf16 go through f32 and are rounded once, at the end. Leading dimensions count elements. */
typedef struct tn_gemm_any {
    int64_t m, n, k;
    const void *a, *b;
    int64_t lda, ldb; /* as in tn_gemm_args */
    bool trans_a, trans_b;
    void *c;
    int64_t ldc;
    double alpha, beta; /* for integers: applied in double, then truncated; exact when both are 1 */
    const void *d; /* element (i, j) at i * rs_d + j * cs_d, so that a row, a column or a scalar repeats; or NULL */
    int64_t rs_d, cs_d;
} tn_gemm_any;

/** d must not overlap c. One thread, and memory of its own where the type goes through f32.
 *  errors   TN_E_TYPE (neither an integer of whole bytes nor a float of whole bytes), TN_E_NOMEM. */
tn_status tn_gemm_generic(tn_dtype t, const tn_gemm_any *g);

#endif
