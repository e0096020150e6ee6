/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* half_avx2.c - 16-bit floats, 8 at a time (AVX2, F16C). */
#include "kernel/x86/simd_avx2.h"
#include "kernel/x86/tables.h"

#define H_WIDEN(p)     V_WIDEN_F16(p)
#define H_NARROW(p, v) _mm_storeu_si128((__m128i *)(void *)(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT))

/* The upper halves, rounded: half of the last bit's weight, and one less where that bit is 0, goes before. */
static inline __m256i round_bf16(tn_vf v) {
    __m256i u = V_BITS(v), top = _mm256_srli_epi32(u, 16);
    __m256i odd = VI_AND(top, VI_SET(1)), r = VI_ADD(u, VI_ADD(odd, VI_SET(0x7fff)));
    __m256i quiet = _mm256_or_si256(top, VI_SET(0x40));
    tn_vm nan = V_CMP(v, v, _CMP_UNORD_Q);
    return V_BITS(V_SEL(nan, V_OF_BITS(quiet), V_OF_BITS(_mm256_srli_epi32(r, 16))));
}

static inline void narrow_two(uint16_t *h, tn_vf a, tn_vf b) {
    __m256i mixed = _mm256_packus_epi32(round_bf16(a), round_bf16(b)); /* a0 b0 a1 b1 */
    _mm256_storeu_si256((__m256i *)(void *)h, _mm256_permute4x64_epi64(mixed, 0xd8));
}
#define H_NARROW_BF16(p, a, b) narrow_two(p, a, b)
#include "kernel/x86/half_simd.h"

const tn_half_kernels TN_TABLE(half, avx2) = HALF_KERNELS;
