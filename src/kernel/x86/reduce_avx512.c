/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* reduce_avx512.c - the row kernels of reductions for 16 floats at a time (AVX-512). */
#include "kernel/x86/math_avx512.h"
#include "kernel/x86/reduce_simd.h"
#include "kernel/x86/tables.h"

const tn_reduce_kernels TN_TABLE(reduce, avx512) = REDUCE_KERNELS;
