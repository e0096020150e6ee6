/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv_avx512bf16.c - convolution tiles of bfloat16 pairs (VDPBF16PS): the tiles of AVX-512 with another product, twice
 * the multiply-adds per instruction. */
#include "kernel/conv.h"
#include "kernel/x86/math_avx512.h"
#include "kernel/x86/tables.h"
#ifdef TN_EMULATED
static inline tn_vf product_of_pairs(tn_vf s, tn_vf a, tn_vf b) {
    __m512bh x, y;
    __builtin_memcpy(&x, &a, sizeof x), __builtin_memcpy(&y, &b, sizeof y);
    return _mm512_dpbf16_ps(s, x, y);
}
#define TILE_FMA(s, a, b) (s) = product_of_pairs(s, a, b)
#else
#define TILE_FMA(s, a, b) __asm__("vdpbf16ps %2, %1, %0" : "+v"(s) : "v"(a), "v"(b))
#endif
/* in the words of that: */
#include "kernel/x86/conv_tile.h"
#include "kernel/x86/conv_tiles512.h"

TILES(TILE_DEFINE_PAIRS)

const tn_conv_kernels TN_TABLE(conv, avx512bf16) = { TILES(TILE_SET_PAIRS) };
