/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* reduce.h - reductions, arg-max and arg-min, softmax and running sums.
 *
 * The table holds what runs along one contiguous row of f32; the functions below it serve any axes and element types.
 * Sums of long rows are kept in blocks, so that the error grows with the number of blocks and not of elements. */
#ifndef TN_KERNEL_REDUCE_H
#define TN_KERNEL_REDUCE_H

#include "base/pool.h"

typedef struct tn_reduce_kernels {
    float (*sum)(const float *x, size_t n);                 /* 0 when empty */
    float (*sumabs)(const float *x, size_t n);              /* sum |x| */
    float (*sumsq)(const float *x, size_t n, float center); /* sum (x - center)^2 */
    float (*prod)(const float *x, size_t n);                /* 1 when empty */
    float (*max)(const float *x, size_t n);                 /* NaN if there is one; -inf when empty */
    float (*min)(const float *x, size_t n);                 /* NaN if there is one; +inf when empty */
    size_t (*argmax)(const float *x, size_t n);             /* the first; NaN never wins; 0 when nothing does */
    size_t (*argmin)(const float *x, size_t n);
    /* y = exp(x - shift), the sum returned; results below 2^-126 may be 0. y may be x, or NULL: only the sum */
    float (*expsum)(const float *x, float *y, size_t n, float shift);
    void (*softmax)(const float *x, float *y, size_t n);    /* one row; y may be x */
    void (*logsoftmax)(const float *x, float *y, size_t n); /* one row; y may be x */
    /* y = (x - mean) * rstd * gamma + beta; gamma and beta are rows, or NULL for 1 and 0; y may be x */
    void (*normalize)(const float *x, const float *gamma, const float *beta, float *y, size_t n, float mean,
                      float rstd);
} tn_reduce_kernels;

extern const tn_reduce_kernels tn_reduce_table_ref; /* plain C, every field; other sets: kernel/kernel.h */

/* id, name */
#define TN_REDUCES(X)      \
    X(SUM, "sum")          \
    X(MEAN, "mean")        \
    X(MAX, "max")          \
    X(MIN, "min")          \
    X(PROD, "prod")        \
    X(SUMSQ, "sum_square") \
    X(L1, "l1")            \
    X(L2, "l2")            \
    X(LOGSUM, "log_sum")   \
    X(LOGSUMEXP, "log_sum_exp")

typedef enum {
#define X(id, name) TN_R_##id,
    TN_REDUCES(X)
#undef X
        TN_REDUCE_COUNT
} tn_reduce_op;

/** y = x reduced over the dimensions whose bit is set in `axes` (bit 0: the first). y is dense in the order of the
 * other dimensions. Real floating types, integers; MAX and MIN also bool. Integers: SUM, MEAN, PROD, SUMSQ and L1 wrap
 * in 64 bits, MEAN truncates; the last three go through double. Nothing reduced over (axes 0) still applies the
 * operation to single elements. Reducing no elements gives 0, 1 for PROD, the type's lowest (highest) value for MAX
 * (MIN), NaN for a MEAN, -inf for the logarithms. errors   TN_E_TYPE, TN_E_NOMEM. */
tn_status tn_reduce_run(tn_reduce_op op, tn_dtype t, int rank, const int64_t *dims, uint32_t axes, const void *x,
                        void *y, tn_pool *pool);

/** Indices of the largest (smallest) elements along one axis; x is seen as [outer][n][inner], y as [outer][inner].
 *  last: of equal elements the last, else the first. NaN never wins.
 *  errors   TN_E_TYPE. */
tn_status tn_arg_run(bool max, bool last, tn_dtype t, int64_t outer, int64_t n, int64_t inner, const void *x,
                     int64_t *y, tn_pool *pool);

typedef enum { TN_SOFTMAX, TN_LOGSOFTMAX, TN_HARDMAX } tn_softmax_kind;

/** Along the middle of [outer][n][inner]; floating types. y may be x.
 *  errors   TN_E_TYPE, TN_E_NOMEM. */
tn_status tn_softmax_run(tn_softmax_kind kind, tn_dtype t, int64_t outer, int64_t n, int64_t inner, const void *x,
                         void *y, tn_pool *pool);

/** Running sums along the middle of [outer][n][inner]; f32 sums run in f64. exclusive: element i holds the sum before
 *  it. product: running products instead. y must not be x.
 *  errors   TN_E_TYPE. */
tn_status tn_cumsum_run(tn_dtype t, int64_t outer, int64_t n, int64_t inner, bool exclusive, bool reverse, bool product,
                        const void *x, void *y, tn_pool *pool);

#endif
