/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* nbits_avx2.c - products of packed weights, 8 bytes of them at a time (AVX2). */
enum { LANES = 8 };
#include "kernel/x86/nbits_simd.h"
#include "kernel/x86/tables.h"

const tn_nbits_kernels TN_TABLE(nbits, avx2) = { dot, unpack };
