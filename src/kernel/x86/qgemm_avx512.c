/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qgemm_avx512.c - the 8-bit product through 16-bit multiply-adds: 14 x 32. */
#include "kernel/x86/qgemm_words512.h"
#include "kernel/x86/tables.h"
#include <stdint.h>

enum { MR = 14, NR = 32, KR = 2, SHIFT_A = 0, SHIFT_B = 0 };
typedef int16_t elem_a, elem_b;
#define VI_DOT(acc, a, b) _mm512_add_epi32(acc, _mm512_madd_epi16(a, b))
#include "kernel/x86/qgemm_simd.h"

const tn_qgemm_kernels TN_TABLE(qgemm, avx512) = QGEMM_KERNELS(MR);
