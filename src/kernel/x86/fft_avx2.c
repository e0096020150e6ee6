/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fft_avx2.c - the passes of transforms, compiled for AVX2. */
#include "kernel/fft_passes.h"
#include "kernel/x86/tables.h"

const tn_fft_kernels TN_TABLE(fft, avx2) = { pass_f32, pass_f64 };
