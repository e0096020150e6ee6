/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* resize_avx512.c - the row kernels of resampling for 16 floats at a time (AVX-512). */
#include "kernel/x86/simd_avx512.h"
/* in the words of that: */
#include "kernel/x86/resize_simd.h"
#include "kernel/x86/tables.h"

const tn_resize_kernels TN_TABLE(resize, avx512) = { gather_taps, gather, blend };
