/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* half.h - arrays of 16-bit floats to float32 and back: the bits that tensor/codec.h gives, signalling NaNs become
 * quiet ones. The kernels read them through these loops, and tn_convert does once the tables are filled. */
#ifndef TN_KERNEL_HALF_H
#define TN_KERNEL_HALF_H

#include "tensor/dtype.h"

/** All four; n may be 0. Rounding is to nearest even; what lies beyond float16's range becomes infinity. */
typedef tn_half_loops tn_half_kernels;

extern const tn_half_kernels tn_half_table_ref; /* plain C, every field; other sets: kernel/kernel.h */

#endif
