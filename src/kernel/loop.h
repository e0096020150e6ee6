/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* loop.h - nested loops over several strided arrays of one shape, with the fewest dimensions.
 *
 * Dimensions of one element go, and neighbours that every array walks as one become one: [N,C,H,W] op [1,C,1,1] is a
 * loop over N, C and HW. Strides count elements of the array; 0 repeats (broadcasting). */
#ifndef TN_KERNEL_LOOP_H
#define TN_KERNEL_LOOP_H

#include "tenon.h"

#define TN_LOOP_ARRAYS 20

typedef struct {
    int rank; /* at least 1, unless the shape has no elements: see total */
    int n;    /* arrays */
    int64_t total, dims[TN_MAX_RANK];
    int64_t stride[TN_LOOP_ARRAYS][TN_MAX_RANK];
} tn_loop;

/** strides[i]: rank entries for array i. dims must be a valid shape (their product fits). */
void tn_loop_init(tn_loop *l, int rank, const int64_t *dims, int n, const int64_t *const *strides);

/** Strides with which an array of shape (r, d) is read for the shape (rank, dims) it broadcasts to (aligned right,
 *  dimensions of 1 repeat). r <= rank; the shapes are known to fit. */
void tn_broadcast_strides(int rank, const int64_t *dims, int r, const int64_t *d, int64_t *strides);

/** A position in the dimensions of a loop before the last `inner` ones, with each array's offset there. */
typedef struct {
    const tn_loop *l;
    int rank; /* outer dimensions */
    int64_t at[TN_MAX_RANK], offset[TN_LOOP_ARRAYS];
} tn_walk;

void tn_walk_start(tn_walk *w, const tn_loop *l, int inner, int64_t row); /* row: in row-major order */
void tn_walk_next(tn_walk *w);                                            /* past the end wraps to row 0 */

#endif
