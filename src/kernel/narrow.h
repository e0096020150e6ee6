/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* narrow.h - reductions, softmax and running sums of the floating types that have no kernels of their own (float16,
 * bfloat16, ..): a piece at a time becomes float32 on the stack, so that they need no memory beside their inputs and
 * outputs. Arrays are [outer][n][inner]; arguments as in reduce.h. */
#ifndef TN_KERNEL_NARROW_H
#define TN_KERNEL_NARROW_H

#include "kernel/reduce.h"

/** Whether t is one of those types. */
bool tn_is_narrow_float(tn_dtype t);

void tn_narrow_reduce(tn_reduce_op op, tn_dtype t, int64_t outer, int64_t n, int64_t inner, const void *x, void *y,
                      tn_pool *pool);
void tn_narrow_arg(bool max, bool last, tn_dtype t, int64_t outer, int64_t n, int64_t inner, const void *x, int64_t *y,
                   tn_pool *pool);
void tn_narrow_softmax(tn_softmax_kind kind, tn_dtype t, int64_t outer, int64_t n, int64_t inner, const void *x,
                       void *y, tn_pool *pool);
void tn_narrow_cumsum(tn_dtype t, int64_t outer, int64_t n, int64_t inner, bool exclusive, bool reverse, bool product,
                      const void *x, void *y, tn_pool *pool);

#endif
