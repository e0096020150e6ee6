/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qconv_avx512.c - 8-bit convolutions through sums of two or four products in 16 bits, as for AVX2. */
#include "kernel/x86/qconv_words512.h"
#include "kernel/x86/tables.h"
#include <stdint.h>

#define VI_ONES()       _mm512_set1_epi16(1)
#define VI_SIXTEEN(p)   _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)(p)))
#define VI_CHOOSE(v, k) _mm512_shuffle_epi8(v, k)
#define VI_ADD(a, b)    _mm512_add_epi32(a, b)
#define VI_ADD16(a, b)  _mm512_add_epi16(a, b)
#define VI_BYTES(x, w)  _mm512_maddubs_epi16(x, w)
#define VI_WORDS(x, w)  _mm512_madd_epi16(x, w)
#include "kernel/x86/qconv_simd.h"

const tn_qconv_kernels TN_TABLE(qconv, avx512) = QCONV_KERNELS(1, wide);
