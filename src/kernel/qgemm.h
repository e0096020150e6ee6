/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qgemm.h - 8-bit integer matrix products with zero points: C = (A - za)(B - zb), exact in int32, then scaled if asked.
 *
 * Serves MatMulInteger, QLinearMatMul, QLinearConv and their relatives. Two halves as in gemm.h: a family of strip
 * kernels, and the driver tn_qgemm (kernel/qgemm.c), which packs, corrects for the zero points and shares the work
 * among a pool.
 *
 * The kernels multiply what the packing stores: a' = a + shift_a, b' = b + shift_b, where a shift brings the operand
 * into the type the instruction wants (VNNI: u8 times s8) and moves its zero point along. Then sum (a' - za')(b' - zb')
 * = sum a' b' - za' (sum b' - K zb') - zb' sum a' so that one term per column, one per row and the raw sum are enough.
 *
 * Packed B: panels of nr columns; a panel is ceil(K / kr) groups of kr rows, and a group holds the kr elements of
 * column 0, then those of column 1, ... (what one multiply-add sums). Behind the last panel: sum b' of every column,
 * int32.
 *
 *       kr = 2, nr = 3, K = 3:   b00 b10 | b01 b11 | b02 b12      b20 0 | b21 0 | b22 0     ... sums */
#ifndef TN_KERNEL_QGEMM_H
#define TN_KERNEL_QGEMM_H

#include "base/pool.h"

/** Where the zero points, scale and type of the result come in. All arrays are the strip's own rows or columns. */
typedef struct tn_qgemm_strip {
    int64_t m, n, groups; /* C[m, n], n <= nr; groups of kr along K */
    const void *a;        /* packed rows, lda bytes apart */
    ptrdiff_t lda;
    const void *b;                     /* one packed panel */
    const int32_t *row_zero, *row_sum; /* [m]: za', sum a' */
    const int32_t *col_zero, *col_sum; /* [n]: zb', sum b' - K zb' */
    const int32_t *bias;               /* [n], added to the integer result; or NULL */
    void *c;
    ptrdiff_t ldc;      /* elements */
    tn_dtype c_type;    /* TN_I32: the integer itself; TN_F32: times scale; TN_U8, TN_I8: round(times scale) + c_zero */
    const float *scale; /* [n]; unused for TN_I32 */
    int32_t c_zero;
} tn_qgemm_strip;

typedef struct tn_qgemm_kernels {
    int mr, nr, kr, elem;     /* the tile; K per multiply-add; bytes per packed element */
    int32_t shift_a, shift_b; /* added to a signed A, to an unsigned B */

    void (*strip)(const tn_qgemm_strip *s);

    /** m rows of A; out: rows of ceil(k / kr) * kr elements, zero past k; sums[i] = sum a' of row i. */
    void (*pack_a)(bool is_signed, int64_t m, int64_t k, const void *a, ptrdiff_t lda, void *out, int32_t *sums);

    /** One panel: n <= nr columns, b(p, j) at b[p * ldb + j] or, with trans, b[j * ldb + p]; sums[j] = sum b'. */
    void (*pack_b)(bool is_signed, bool trans, int64_t k, int64_t n, const void *b, ptrdiff_t ldb, void *out,
                   int32_t *sums);

    /** acc[i] += w * (x[i * stride] - zero), i < n: a row of a depthwise convolution. |w|, |x - zero| < 256. */
    void (*add_row)(bool is_signed, int64_t n, int64_t stride, const void *x, int32_t w, int32_t zero, int32_t *acc);

    /** y[i] = v[i] as c_type says (tn_qgemm_strip), with one scale. */
    void (*store_row)(int64_t n, const int32_t *v, float scale, int32_t zero, tn_dtype type, void *y);
} tn_qgemm_kernels;

extern const tn_qgemm_kernels tn_qgemm_table_ref; /* plain C, every field; other sets: kernel/kernel.h */

typedef struct tn_qgemm_args {
    int64_t m, n, k;
    const void *a, *b; /* int8_t or uint8_t; a is [m, k], b is [k, n] or, with trans_b, [n, k] */
    bool a_signed, b_signed, trans_b;
    int64_t lda, ldb, ldc; /* elements */
    const void *b_packed;  /* from tn_qgemm_pack_b with the same k, n, sign: b, ldb, trans_b are ignored */
    const int32_t *a_zero; /* [1], or [m] when a_zero_rows; NULL: 0 */
    const int32_t *b_zero; /* [1], or [n] when b_zero_cols; NULL: 0 */
    bool a_zero_rows, b_zero_cols;
    void *c;
    tn_dtype c_type;     /* TN_I32, TN_F32, TN_U8, TN_I8: see tn_qgemm_strip */
    const int32_t *bias; /* [n] or NULL */
    const float *scale;  /* [1], or [n] when scale_cols; needed unless c_type is TN_I32 */
    bool scale_cols;
    int32_t c_zero;
} tn_qgemm_args;

size_t tn_qgemm_pack_b_bytes(const tn_qgemm_kernels *kn, int64_t k, int64_t n);
void tn_qgemm_pack_b(const tn_qgemm_kernels *kn, bool is_signed, bool trans, int64_t k, int64_t n, const void *b,
                     int64_t ldb, void *out);

/** Computes, on the pool's threads when there is enough to do. The int32 sum wraps past 2^31 (K > 33,000 at worst).
 *  scratch  tn_qgemm_scratch() bytes, 64-byte aligned, or NULL: allocated here
 *  errors   TN_E_NOMEM (only when scratch is NULL). */
size_t tn_qgemm_scratch(const tn_qgemm_kernels *kn, const tn_qgemm_args *g, int threads);
tn_status tn_qgemm(const tn_qgemm_kernels *kn, const tn_qgemm_args *g, void *scratch, tn_pool *pool);

#endif
