/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* vec_avx512.c - the pointwise kernels for 16 floats at a time (AVX-512 F, BW, DQ, VL). */
#include "kernel/x86/math_avx512.h"
#include "kernel/x86/tables.h"
#include "kernel/x86/vec_simd.h"

const tn_vec_kernels TN_TABLE(vec, avx512) = VEC_KERNELS;
