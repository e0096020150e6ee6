/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qgemm_avx512vnni.c - the 8-bit product through VNNI, which multiplies u8 by s8 in groups of four: 14 x 32. */
#include "kernel/x86/qgemm_words512.h"
#include "kernel/x86/tables.h"
#include <stdint.h>

enum { MR = 14, NR = 32, KR = 4, SHIFT_A = 128, SHIFT_B = -128 };
typedef uint8_t elem_a;
typedef int8_t elem_b;
#define VI_DOT(acc, a, b) _mm512_dpbusd_epi32(acc, a, b)
#include "kernel/x86/qgemm_simd.h"

const tn_qgemm_kernels TN_TABLE(qgemm, avx512vnni) = QGEMM_KERNELS(MR);
