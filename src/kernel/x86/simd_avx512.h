/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* simd_avx512.h - the words in which the f32 kernels are written once and compiled for 512-bit vectors (simd_avx2.h is
 * the same for 256-bit ones). A translation unit includes one of the two. */
#ifndef TN_KERNEL_SIMD_AVX512_H
#define TN_KERNEL_SIMD_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

typedef __m512 tn_vf;    /* floats */
typedef __m512i tn_vi;   /* int32s */
typedef __mmask16 tn_vm; /* one truth per lane */
#define TN_VL      16    /* lanes */
#define TN_V(name) name##_ps512

#define V_SET(a)         _mm512_set1_ps(a)
#define V_ZERO()         _mm512_setzero_ps()
#define V_LOAD(p)        _mm512_loadu_ps(p)
#define V_STORE(p, v)    _mm512_storeu_ps(p, v)
#define V_FMA(a, b, c)   _mm512_fmadd_ps(a, b, c)  /* a * b + c */
#define V_FNMA(a, b, c)  _mm512_fnmadd_ps(a, b, c) /* c - a * b */
#define V_MIN(a, b)      _mm512_min_ps(a, b)       /* b when either is NaN */
#define V_MAX(a, b)      _mm512_max_ps(a, b)       /* b when either is NaN */
#define V_SQRT(a)        _mm512_sqrt_ps(a)
#define V_ROUND(a, mode) _mm512_roundscale_ps(a, (mode) | _MM_FROUND_NO_EXC)
#define V_AND(a, b)      _mm512_and_ps(a, b)
#define V_ANDNOT(a, b)   _mm512_andnot_ps(a, b) /* ~a & b */
#define V_OR(a, b)       _mm512_or_ps(a, b)
#define V_XOR(a, b)      _mm512_xor_ps(a, b)
#define V_CMP(a, b, how) _mm512_cmp_ps_mask(a, b, how)
#define V_SEL(m, a, b)   _mm512_mask_blend_ps(m, b, a) /* m ? a : b */
#define V_MASK_OR(a, b)  (tn_vm)((a) | (b))
#define V_ANY(m)         ((m) != 0)

#define VI_SET(a)     _mm512_set1_epi32(a)
#define VI_ADD(a, b)  _mm512_add_epi32(a, b)
#define VI_SUB(a, b)  _mm512_sub_epi32(a, b)
#define VI_AND(a, b)  _mm512_and_si512(a, b)
#define VI_SHL(a, n)  _mm512_slli_epi32(a, n)
#define VI_SRA(a, n)  _mm512_srai_epi32(a, n)
#define VI_TEST(a, b) _mm512_test_epi32_mask(a, b) /* (a & b) != 0 */
#define V_FROM_INT(a) _mm512_cvtepi32_ps(a)
#define V_TO_INT(a)   _mm512_cvtps_epi32(a) /* to nearest even */
#define V_BITS(a)     _mm512_castps_si512(a)
#define V_OF_BITS(a)  _mm512_castsi512_ps(a)

#define V_SUM(a) _mm512_reduce_add_ps(a)

/* 16-bit floats, TN_VL of them at any address. */
#define V_WIDEN_F16(p) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(p)))
#define V_WIDEN_BF16(p) \
    V_OF_BITS(VI_SHL(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)(p))), 16))

static inline tn_vm tn_v_first(size_t n) { return (tn_vm)((1u << n) - 1); } /* n < 16 */

static inline tn_vm tn_v_lanes(size_t n) { return tn_v_first(n); }
static inline tn_vi tn_vi_count(void) {
    return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/* The first n < 16 lanes; the others read as 0 and are not written. */
static inline tn_vf tn_v_loadn(const float *p, size_t n) { return _mm512_maskz_loadu_ps(tn_v_first(n), p); }
static inline void tn_v_storen(float *p, tn_vf v, size_t n) { _mm512_mask_storeu_ps(p, tn_v_first(n), v); }

/* p * 2^n with one rounding, for n a whole number of any size. */
static inline tn_vf tn_v_scale(tn_vf p, tn_vf n) { return _mm512_scalef_ps(p, n); }

/* x = m * 2^e with m in [sqrt(1/2), sqrt(2)). For 0, inf and NaN e carries the special value; m of x < 0 is NaN. */
static inline tn_vf tn_v_split(tn_vf x, tn_vf *e) {
    tn_vf m = _mm512_getmant_ps(x, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_nan), k = _mm512_getexp_ps(x);
    tn_vm big = V_CMP(m, V_SET(1.41421356f), _CMP_GT_OQ);
    *e = _mm512_mask_add_ps(k, big, k, V_SET(1.0f));
    return _mm512_mask_mul_ps(m, big, m, V_SET(0.5f));
}

/* p[index[i]]. Gather loads are slow on many processors; where the indices lie close together, as in resampling, two
 * loads and a permutation do. */
static inline tn_vf tn_v_gather(const float *p, const int32_t *index) {
    __m512i i = _mm512_loadu_si512(index);
    int32_t first = index[0];
    uint32_t span = (uint32_t)index[15] - (uint32_t)first;
    __m512i d = _mm512_sub_epi32(i, _mm512_set1_epi32(first));
    if (span < 32 && _mm512_cmple_epu32_mask(d, _mm512_set1_epi32((int)span)) == 0xffff) {
        uint32_t lanes = span == 31 ? ~0u : (2u << span) - 1;
        __m512 lo = _mm512_maskz_loadu_ps((__mmask16)lanes, p + first);
        __m512 hi = _mm512_maskz_loadu_ps((__mmask16)(lanes >> 16), p + first + 16);
        return _mm512_permutex2var_ps(lo, d, hi);
    }
    return _mm512_i32gather_ps(i, p, 4);
}

/* One byte, 0 or 1, per lane; and back: lanes whose byte is not 0. n <= 16 lanes. */
static inline void tn_v_store_bool(uint8_t *p, tn_vm m, size_t n) {
    _mm_mask_storeu_epi8(p, (__mmask16)((1u << n) - 1), _mm_maskz_set1_epi8(m, 1));
}
static inline tn_vm tn_v_load_bool(const uint8_t *p, size_t n) {
    __m128i b = _mm_maskz_loadu_epi8((__mmask16)((1u << n) - 1), p);
    return _mm_test_epi8_mask(b, b);
}

static inline float tn_v_max_of(tn_vf a) { return _mm512_reduce_max_ps(a); } /* lanes must not be NaN */
static inline float tn_v_min_of(tn_vf a) { return _mm512_reduce_min_ps(a); }

#endif
