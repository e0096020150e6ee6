/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* reduce_avx2.c - the row kernels of reductions for 8 floats at a time (AVX2, FMA). */
#include "kernel/x86/math_avx2.h"
#include "kernel/x86/reduce_simd.h"
#include "kernel/x86/tables.h"

const tn_reduce_kernels TN_TABLE(reduce, avx2) = REDUCE_KERNELS;
