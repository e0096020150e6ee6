/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* nbits_avx512.c - products of packed weights, 16 bytes of them at a time (AVX-512). */
enum { LANES = 16 };
#include "kernel/x86/nbits_simd.h"
#include "kernel/x86/tables.h"

const tn_nbits_kernels TN_TABLE(nbits, avx512) = { dot, unpack };
