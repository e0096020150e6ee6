/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* vec_avx2.c - the pointwise kernels for 8 floats at a time (AVX2, FMA). */
#include "kernel/x86/math_avx2.h"
#include "kernel/x86/tables.h"
#include "kernel/x86/vec_simd.h"

const tn_vec_kernels TN_TABLE(vec, avx2) = VEC_KERNELS;
