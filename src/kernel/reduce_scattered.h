/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* reduce_scattered.h - reductions over axes that are no neighbours move x first: the memory that takes, for callers
 * that lay it out beforehand. */
#ifndef TN_KERNEL_REDUCE_SCATTERED_H
#define TN_KERNEL_REDUCE_SCATTERED_H

#include "kernel/reduce.h"

/** Bytes of scratch that the reduction of x wants; 0: x is read where it lies. */
size_t tn_reduce_scratch(tn_dtype t, int rank, const int64_t *dims, uint32_t axes);

/** tn_reduce_run with so much scratch of the caller's (any alignment of an element's); NULL: it allocates. */
tn_status tn_reduce_run_in(tn_reduce_op op, tn_dtype t, int rank, const int64_t *dims, uint32_t axes, const void *x,
                           void *y, void *scratch, tn_pool *pool);

#endif
