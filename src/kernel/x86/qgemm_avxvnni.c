/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qgemm_avxvnni.c - the 8-bit product through AVX-VNNI, which multiplies u8 by s8 in groups of four: 6 x 16. */
#include "kernel/x86/rows.h"
#include "kernel/x86/tables.h"
#include <immintrin.h>
#include <stdint.h>

enum { MR = 6, NR = 16, KR = 4, SHIFT_A = 128, SHIFT_B = -128 };
#define EACH_ROW ROWS_6
typedef uint8_t elem_a;
typedef int8_t elem_b;
typedef __m256i vi;
#define VI_LOAD(p)        _mm256_loadu_si256((const vi *)(const void *)(p))
#define VI_STORE(p, v)    _mm256_storeu_si256((vi *)(void *)(p), v)
#define VI_ZERO()         _mm256_setzero_si256()
#define VI_PAIR(p)        _mm256_set1_epi32(int_at(p))
#define VI_DOT(acc, a, b) _mm256_dpbusd_avx_epi32(acc, a, b)
#include "kernel/x86/qgemm_simd.h"

const tn_qgemm_kernels TN_TABLE(qgemm, avxvnni) = QGEMM_KERNELS(MR);
