/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* simd_avx2.h - the words of simd_avx512.h for 256-bit vectors. */
#ifndef TN_KERNEL_SIMD_AVX2_H
#define TN_KERNEL_SIMD_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef __m256 tn_vf;
typedef __m256i tn_vi;
typedef __m256 tn_vm; /* all bits of a lane, or none */
#define TN_VL      8
#define TN_V(name) name##_ps256

#define V_SET(a)         _mm256_set1_ps(a)
#define V_ZERO()         _mm256_setzero_ps()
#define V_LOAD(p)        _mm256_loadu_ps(p)
#define V_STORE(p, v)    _mm256_storeu_ps(p, v)
#define V_FMA(a, b, c)   _mm256_fmadd_ps(a, b, c)
#define V_FNMA(a, b, c)  _mm256_fnmadd_ps(a, b, c)
#define V_MIN(a, b)      _mm256_min_ps(a, b)
#define V_MAX(a, b)      _mm256_max_ps(a, b)
#define V_SQRT(a)        _mm256_sqrt_ps(a)
#define V_ROUND(a, mode) _mm256_round_ps(a, (mode) | _MM_FROUND_NO_EXC)
#define V_AND(a, b)      _mm256_and_ps(a, b)
#define V_ANDNOT(a, b)   _mm256_andnot_ps(a, b)
#define V_OR(a, b)       _mm256_or_ps(a, b)
#define V_XOR(a, b)      _mm256_xor_ps(a, b)
#define V_CMP(a, b, how) _mm256_cmp_ps(a, b, how)
#define V_SEL(m, a, b)   _mm256_blendv_ps(b, a, m)
#define V_MASK_OR(a, b)  _mm256_or_ps(a, b)
#define V_ANY(m)         (_mm256_movemask_ps(m) != 0)

#define VI_SET(a)     _mm256_set1_epi32(a)
#define VI_ADD(a, b)  _mm256_add_epi32(a, b)
#define VI_SUB(a, b)  _mm256_sub_epi32(a, b)
#define VI_AND(a, b)  _mm256_and_si256(a, b)
#define VI_SHL(a, n)  _mm256_slli_epi32(a, n)
#define VI_SRA(a, n)  _mm256_srai_epi32(a, n)
#define VI_TEST(a, b) _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(a, b), b)) /* b: one bit */
#define V_FROM_INT(a) _mm256_cvtepi32_ps(a)
#define V_TO_INT(a)   _mm256_cvtps_epi32(a)
#define V_BITS(a)     _mm256_castps_si256(a)
#define V_OF_BITS(a)  _mm256_castsi256_ps(a)

/* 16-bit floats, TN_VL of them at any address. */
#define V_WIDEN_F16(p) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(p)))
#define V_WIDEN_BF16(p) \
    V_OF_BITS(VI_SHL(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)(p))), 16))

static inline float tn_v_sum_of(tn_vf a) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
#define V_SUM(a) tn_v_sum_of(a)

static inline __m256i tn_v_first(size_t n) { /* n < 8 */
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline tn_vm tn_v_lanes(size_t n) { return _mm256_castsi256_ps(tn_v_first(n)); }
static inline tn_vi tn_vi_count(void) { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
static inline tn_vf tn_v_loadn(const float *p, size_t n) { return _mm256_maskload_ps(p, tn_v_first(n)); }
static inline void tn_v_storen(float *p, tn_vf v, size_t n) { _mm256_maskstore_ps(p, tn_v_first(n), v); }

/* |n| <= 252: two powers of two, so that a denormal result is rounded once. */
static inline tn_vf tn_v_scale(tn_vf p, tn_vf n) {
    tn_vi i = V_TO_INT(n), h = VI_SRA(i, 1), bias = VI_SET(127);
    tn_vf a = V_OF_BITS(VI_SHL(VI_ADD(h, bias), 23)), b = V_OF_BITS(VI_SHL(VI_ADD(VI_SUB(i, h), bias), 23));
    return p * a * b;
}

static inline tn_vf tn_v_split(tn_vf x, tn_vf *e) {
    tn_vf tiny = V_CMP(x, V_SET(0x1p-126f), _CMP_LT_OQ);
    tn_vi b = V_BITS(V_SEL(tiny, x * V_SET(0x1p25f), x)); /* denormals become normal */
    tn_vi k = VI_SRA(VI_SUB(b, VI_SET(0x3f3504f3)), 23);  /* 0x3f3504f3: sqrt(1/2) */
    tn_vf m = V_OF_BITS(VI_SUB(b, VI_SHL(k, 23))), inf = V_SET(__builtin_inff());
    tn_vf r = V_FROM_INT(k) - V_AND(tiny, V_SET(25.0f));
    r = V_SEL(V_CMP(x, V_ZERO(), _CMP_EQ_OQ), -inf, r);
    r = V_SEL(V_CMP(x, inf, _CMP_EQ_OQ), inf, r);
    *e = r;
    m = V_SEL(V_CMP(x, inf, _CMP_EQ_OQ), V_SET(1.0f), m);
    m = V_SEL(V_CMP(x, V_ZERO(), _CMP_EQ_OQ), V_SET(1.0f), m);
    return V_SEL(V_CMP(x, V_ZERO(), _CMP_NGE_UQ), V_SET(__builtin_nanf("")), m);
}

/* p[index[i]]: one load and a permutation where the indices lie within eight elements. */
static inline tn_vf tn_v_gather(const float *p, const int32_t *index) {
    __m256i i = _mm256_loadu_si256((const __m256i *)(const void *)index);
    int32_t first = index[0];
    uint32_t span = (uint32_t)index[7] - (uint32_t)first;
    __m256i d = _mm256_sub_epi32(i, _mm256_set1_epi32(first));
    __m256i near_ = _mm256_cmpeq_epi32(_mm256_min_epu32(d, _mm256_set1_epi32((int)span)), d);
    if (span < 8 && _mm256_movemask_epi8(near_) == -1)
        return _mm256_permutevar8x32_ps(_mm256_maskload_ps(p + first, tn_v_first(span + 1)), d);
    return _mm256_i32gather_ps(p, i, 4);
}

static inline void tn_v_store_bool(uint8_t *p, tn_vm m, size_t n) {
    __m256i w = _mm256_and_si256(_mm256_castps_si256(m), _mm256_set1_epi32(1));
    __m128i h = _mm_packs_epi32(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1));
    uint64_t b = (uint64_t)_mm_cvtsi128_si64(_mm_packs_epi16(h, h));
    memcpy(p, &b, n);
}
static inline tn_vm tn_v_load_bool(const uint8_t *p, size_t n) {
    uint64_t b = 0;
    memcpy(&b, p, n);
    __m256i w = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)b));
    return _mm256_castsi256_ps(_mm256_cmpgt_epi32(w, _mm256_setzero_si256()));
}

static inline float tn_v_max_of(tn_vf a) {
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
static inline float tn_v_min_of(tn_vf a) {
    __m128 s = _mm_min_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_min_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_min_ss(s, _mm_movehdup_ps(s)));
}

#endif
