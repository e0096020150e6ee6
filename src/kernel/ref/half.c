/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* half.c - 16-bit floats in plain C: the codec, element by element. */
#include "kernel/half.h"

const tn_half_kernels tn_half_table_ref = { tn_half_widen_f16, tn_half_widen_bf16, tn_half_narrow_f16,
                                            tn_half_narrow_bf16 };
