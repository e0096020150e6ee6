/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* einsum.h - a read equation, and its sum of products by pairs (einsum_pairs.c). */
#ifndef TN_OP_MATH_EINSUM_H
#define TN_OP_MATH_EINSUM_H

#include "op/core/op.h"

enum { TN_EINSUM_LABELS = 52 + TN_MAX_RANK, TN_EINSUM_TERMS = 64 }; /* letters, then what an ellipsis stands for */

typedef struct {
    int n, dots; /* labels, and where among them the ellipsis stood, or -1 */
    uint8_t label[TN_EINSUM_LABELS];
} tn_einsum_term;

typedef struct {
    int n_in, dots_rank;
    tn_einsum_term in[TN_EINSUM_TERMS], out;
    int count[TN_EINSUM_LABELS]; /* uses among the inputs */
} tn_einsum;

/** Multiply-adds times two that tn_einsum_run does for operands of these shapes. */
double tn_einsum_flops(const tn_einsum *e, const int64_t *const *dims);

/** Output 0 := the sum, two operands at a time: those first whose product is small beside them. Floats are summed in
 *  float32 or float64, integers modulo 2^64. The inputs' shapes fit the equation.
 *  errors   TN_E_NOMEM, TN_E_LIMIT (a product on the way that cannot be held), naming the node */
tn_status tn_einsum_run(tn_run *r, const tn_einsum *e);

#endif
