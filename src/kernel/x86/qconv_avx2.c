/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qconv_avx2.c - 8-bit convolutions: two or four products are added in 16 bits, which the packing keeps
 * from overflowing, then pairs of those in 32. */
#include "kernel/x86/qconv_words256.h"
#include "kernel/x86/tables.h"
#include <stdint.h>

#define VI_ONES()       _mm256_set1_epi16(1)
#define VI_SIXTEEN(p)   _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)(p)))
#define VI_CHOOSE(v, k) _mm256_shuffle_epi8(v, k)
#define VI_ADD(a, b)    _mm256_add_epi32(a, b)
#define VI_ADD16(a, b)  _mm256_add_epi16(a, b)
#define VI_BYTES(x, w)  _mm256_maddubs_epi16(x, w)
#define VI_WORDS(x, w)  _mm256_madd_epi16(x, w)
#include "kernel/x86/qconv_simd.h"

const tn_qconv_kernels TN_TABLE(qconv, avx2) = QCONV_KERNELS(1, wide);
