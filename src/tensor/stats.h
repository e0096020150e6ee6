/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* stats.h - what a tensor holds, in figures, and how two tensors differ. For reports and tests, not for hot paths. */
#ifndef TN_TENSOR_STATS_H
#define TN_TENSOR_STATS_H

#include "tensor/tensor.h"

/** Over the elements that are not NaN; infinities count in min and max but not in mean and deviation. Complex numbers
 *  count as two elements. All figures are NaN when there is no such element (and for strings). */
typedef struct {
    int64_t count, nans, infinities;
    double min, max, mean, deviation; /* deviation: of the population, sqrt(mean((x - mean)^2)) */
} tn_stats;

void tn_stats_of(const tn_tensor *t, tn_stats *out);

typedef struct {
    int64_t index; /* along the last axis */
    double value;
} tn_top;

/** The k largest elements of row `row` (all axes but the last, flattened) in falling order, ties by index, NaN never.
 *  returns  how many there are, at most k; 0 for strings and complex numbers. */
int tn_top_k(const tn_tensor *t, int64_t row, int k, tn_top *out);

/** got against want, element by element. Floats agree when |got - want| <= atol + rtol * |want|, or both are NaN, or
 * the same infinity; integers, bools and strings when they are equal. */
typedef struct {
    int64_t count, mismatches;
    int64_t worst;  /* the mismatch with the largest difference (of strings the first); -1: there is none */
    double max_abs; /* largest |got - want|; infinity when one is NaN or infinite and the other not */
    double max_rel; /* max_abs / largest |want|: what "1e-4 of the output's largest magnitude" means */
    double largest; /* largest finite |want| */
} tn_difference;

/** errors   TN_E_TYPE, TN_E_SHAPE: the two do not have the same type or shape (the message shows both). */
tn_status tn_compare(const tn_tensor *got, const tn_tensor *want, double rtol, double atol, tn_difference *out);

#endif
