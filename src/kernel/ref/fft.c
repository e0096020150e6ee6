/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fft.c - the passes of transforms in plain C. */
#include "kernel/fft_passes.h"

const tn_fft_kernels tn_fft_table_ref = { pass_f32, pass_f64 };
