/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* coded_avxvnni.c - split weights times rounded activations: AVX-VNNI sums four products at once. */
#include "kernel/x86/tables.h"
#include <immintrin.h>
#define FOUR(u, s)              _mm256_dpbusd_avx_epi32(_mm256_setzero_si256(), u, s)
#define EIGHT(u0, s0, u1, s1)   _mm256_dpbusd_avx_epi32(FOUR(u0, s0), u1, s1)
#define FIRST_PRODUCTS(u, s)    FOUR(u, s)
#define ADD_PRODUCTS(sum, u, s) _mm256_dpbusd_avx_epi32(sum, u, s)
#define ALL_PRODUCTS(sum)       (sum)
#include "kernel/x86/coded_tile256.h"
#include "kernel/x86/coded_whole256.h"

const tn_coded_kernels TN_TABLE(coded, avxvnni) = { .dot = dot, .whole = WHOLE, .tile = tile };
