/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* half_avx512.c - 16-bit floats, 16 at a time (AVX-512). */
#include "kernel/x86/simd_avx512.h"
#include "kernel/x86/tables.h"

#define H_WIDEN(p)     V_WIDEN_F16(p)
#define H_NARROW(p, v) _mm256_storeu_si256((__m256i *)(void *)(p), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT))
#include "kernel/x86/half_simd.h"

const tn_half_kernels TN_TABLE(half, avx512) = HALF_KERNELS;
