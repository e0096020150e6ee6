/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gemm_avx512.c - the f32 matrix product: a register tile of 14 x 32. */
#include "kernel/x86/math_avx512.h"
#include "kernel/x86/tables.h"

#include "kernel/x86/gemm_tile512.h"

#include "kernel/x86/gemm_simd.h"

const tn_gemm_kernels TN_TABLE(gemm, avx512) = { GEMM_FUNCTIONS };
