/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qgemm_avx2.c - the 8-bit product through 16-bit multiply-adds, which are exact (the 8-bit one saturates): 6 x 16. */
#include "kernel/x86/rows.h"
#include "kernel/x86/tables.h"
#include <immintrin.h>
#include <stdint.h>

enum { MR = 6, NR = 16, KR = 2, SHIFT_A = 0, SHIFT_B = 0 };
#define EACH_ROW ROWS_6
typedef int16_t elem_a, elem_b;
typedef __m256i vi;
#define VI_LOAD(p)        _mm256_loadu_si256((const vi *)(const void *)(p))
#define VI_STORE(p, v)    _mm256_storeu_si256((vi *)(void *)(p), v)
#define VI_ZERO()         _mm256_setzero_si256()
#define VI_PAIR(p)        _mm256_set1_epi32(int_at(p))
#define VI_DOT(acc, a, b) _mm256_add_epi32(acc, _mm256_madd_epi16(a, b))
#include "kernel/x86/qgemm_simd.h"

const tn_qgemm_kernels TN_TABLE(qgemm, avx2) = QGEMM_KERNELS(MR);
