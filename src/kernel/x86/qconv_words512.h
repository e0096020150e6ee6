/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qconv_words512.h - the 512-bit words of qconv_simd.h, whatever multiplies: 14 x 32. */
#ifndef TN_KERNEL_X86_QCONV_WORDS512_H
#define TN_KERNEL_X86_QCONV_WORDS512_H

#include "kernel/x86/rows.h"
#include <immintrin.h>

enum { MR = 14, NR = 32 };
#define EACH_ROW ROWS_14
typedef __m512i vi;
#define VI_LOAD(p)     _mm512_loadu_si512(p)
#define VI_STORE(p, v) _mm512_storeu_si512(p, v)
#define VI_ZERO()      _mm512_setzero_si512()
#define VI_FOUR(p)     _mm512_set1_epi32(four_at(p))

#endif
