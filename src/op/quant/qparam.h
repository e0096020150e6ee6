/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qparam.h - scales and zero points of quantised operands, as the integer kernels want them. */
#ifndef TN_OP_QUANT_QPARAM_H
#define TN_OP_QUANT_QPARAM_H

#include "kernel/qconv.h"
#include "op/core/op.h"

/** Scales or zero points of one operand: one for all (many false) or one per row, column or channel. */
typedef struct {
    bool many;
    const float *scale;  /* 1 or n */
    const int32_t *zero; /* 1 or n */
} tn_qparam;

/** Input i as zero points (or scales) in the run's arena: 1, or n of them. An absent input is one 0 (or 1). i < 0:
 *  absent. Zero points are integers; scales are any floats.
 *  errors   TN_E_SHAPE naming node and input: another number of elements; TN_E_NOMEM */
tn_status tn_q_zeros(tn_run *r, int i, int64_t n, tn_qparam *out);
tn_status tn_q_scales(tn_run *r, int i, int64_t n, tn_qparam *out);

/** The same with the count read from the tensor: for shapes that the operator judges itself. *n elements. */
tn_status tn_q_floats(tn_run *r, int i, float dflt, const float **out, int64_t *n);

/** Bytes from the range of x, which always holds 0: y[i] = round(x[i] / scale) + zero, with scale = range / 255 (1 when
 *  all are 0). y may be NULL: scale and zero only. */
void tn_q_dynamic(const float *x, int64_t n, uint8_t *y, float *scale, uint8_t *zero, tn_pool *pool);

/** y [m, n] = x [m, k] of codes times packed weights, with its end (kernel/qconv.h), in the run's scratch.
 *  errors   TN_E_NOMEM */
tn_status tn_q_product(tn_run *r, const void *packed, const uint8_t *x, int64_t m, int64_t k, int64_t n, tn_qend end,
                       void *y);

/** Element types of quantised tensors. */
#define TN_Q8 (tn_dtype_bit(TN_I8) | tn_dtype_bit(TN_U8))
#define TN_F8 \
    (tn_dtype_bit(TN_F8E4M3FN) | tn_dtype_bit(TN_F8E4M3FNUZ) | tn_dtype_bit(TN_F8E5M2) | tn_dtype_bit(TN_F8E5M2FNUZ))

static inline bool tn_q_is_8bit(tn_dtype t) { return t == TN_I8 || t == TN_U8; }

#endif
