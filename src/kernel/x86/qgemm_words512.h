/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qgemm_words512.h - the 512-bit words of qgemm_simd.h, whatever multiplies. */
#ifndef TN_KERNEL_X86_QGEMM_WORDS512_H
#define TN_KERNEL_X86_QGEMM_WORDS512_H

#include "kernel/x86/rows.h"
#include <immintrin.h>

#define EACH_ROW ROWS_14
typedef __m512i vi;
#define VI_LOAD(p)     _mm512_loadu_si512(p)
#define VI_STORE(p, v) _mm512_storeu_si512(p, v)
#define VI_ZERO()      _mm512_setzero_si512()
#define VI_PAIR(p)     _mm512_set1_epi32(int_at(p))

#endif
