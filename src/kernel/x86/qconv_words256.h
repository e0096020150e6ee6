/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qconv_words256.h - the 256-bit words of qconv_simd.h, whatever multiplies: 6 x 16. */
#ifndef TN_KERNEL_X86_QCONV_WORDS256_H
#define TN_KERNEL_X86_QCONV_WORDS256_H

#include "kernel/x86/rows.h"
#include <immintrin.h>

enum { MR = 6, NR = 16 };
#define EACH_ROW ROWS_6
typedef __m256i vi;
#define VI_LOAD(p)     _mm256_load_si256((const vi *)(const void *)(p))
#define VI_STORE(p, v) _mm256_store_si256((vi *)(void *)(p), v)
#define VI_ZERO()      _mm256_setzero_si256()
#define VI_FOUR(p)     _mm256_set1_epi32(four_at(p))

#endif
