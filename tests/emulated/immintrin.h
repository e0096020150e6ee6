/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* immintrin.h - stands before the compiler's own where the kernels of an instruction set are built for machines that
 * lack it: Debian's libsimde-dev gives the intrinsics in plain C, and this file those that it lacks, gets wrong in the
 * sense of the tests, or compiles too slowly.
 *
 * Masked loads and stores touch the lanes of their mask and nothing else, as the instructions do: guard pages and
 * AddressSanitizer see what a kernel reads. A multiply-add is one operation: the product is exact in double. */
#ifndef TN_TESTS_EMULATED_IMMINTRIN_H
#define TN_TESTS_EMULATED_IMMINTRIN_H

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <math.h>
#include <simde/x86/avx2.h>
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>
#include <stdint.h>
#include <string.h>

#include "tensor/codec.h"

/* Names that the library keeps to itself. */
#define __mmask16                 simde__mmask16
#define __mmask64                 simde__mmask64
#define _MM_FROUND_NO_EXC         SIMDE_MM_FROUND_NO_EXC
#define _MM_FROUND_TO_NEAREST_INT SIMDE_MM_FROUND_TO_NEAREST_INT
#define _MM_FROUND_TO_NEG_INF     SIMDE_MM_FROUND_TO_NEG_INF
#define _MM_FROUND_TO_POS_INF     SIMDE_MM_FROUND_TO_POS_INF
#define _MM_FROUND_TO_ZERO        SIMDE_MM_FROUND_TO_ZERO
#undef _mm512_madd_epi16 /* defined with too many arguments */
#define _mm512_madd_epi16 simde_mm512_madd_epi16

#define EMU      static inline __attribute__((unused))
#define EMU_CALL static __attribute__((noinline, unused)) /* keeps kernels of thousands of multiply-adds small */

/* A vector as an array: put a in, take v out. */
#define EMU_LANES(vector, lane, name)          \
    typedef union {                            \
        vector v;                              \
        lane a[sizeof(vector) / sizeof(lane)]; \
    } emu_##name;                              \
    EMU emu_##name emu_of_##name(vector v) { return (emu_##name){ v }; }
EMU_LANES(simde__m256, float, f8)
EMU_LANES(simde__m512, float, f16)
EMU_LANES(simde__m128i, uint8_t, b16)
EMU_LANES(simde__m256i, int32_t, i8)
EMU_LANES(simde__m512i, int32_t, i16)
EMU_LANES(simde__m512i, int8_t, b64)

/* ---------------------------------------------------------------------------------------- fused multiply-add */

EMU_CALL void emu_fma(int n, const float *a, const float *b, const float *c, float *y) {
    for (int i = 0; i < n; i++) y[i] = (float)((double)a[i] * (double)b[i] + (double)c[i]);
}
EMU_CALL void emu_fnma(int n, const float *a, const float *b, const float *c, float *y) {
    for (int i = 0; i < n; i++) y[i] = (float)((double)c[i] - (double)a[i] * (double)b[i]);
}
#define EMU_FMA(name, f, vector, n, lanes)               \
    EMU vector emu##name(vector a, vector b, vector c) { \
        lanes x = { a }, y = { b }, z = { c };           \
        f(n, x.a, y.a, z.a, z.a);                        \
        return z.v;                                      \
    }
EMU_FMA(_mm256_fmadd_ps, emu_fma, simde__m256, 8, emu_f8)
EMU_FMA(_mm256_fnmadd_ps, emu_fnma, simde__m256, 8, emu_f8)
EMU_FMA(_mm512_fmadd_ps, emu_fma, simde__m512, 16, emu_f16)
EMU_FMA(_mm512_fnmadd_ps, emu_fnma, simde__m512, 16, emu_f16)
#undef _mm256_fmadd_ps
#undef _mm256_fnmadd_ps
#undef _mm512_fmadd_ps
#undef _mm512_fnmadd_ps
#define _mm256_fmadd_ps  emu_mm256_fmadd_ps
#define _mm256_fnmadd_ps emu_mm256_fnmadd_ps
#define _mm512_fmadd_ps  emu_mm512_fmadd_ps
#define _mm512_fnmadd_ps emu_mm512_fnmadd_ps

/* ---------------------------------------------------------------------------------------- masked loads and stores */

EMU simde__m256 emu_mm256_maskload_ps(const float *p, simde__m256i mask) {
    emu_i8 m = { mask };
    emu_f8 r = { { 0 } };
    for (int i = 0; i < 8; i++)
        if (m.a[i] < 0) r.a[i] = p[i];
    return r.v;
}
EMU void emu_mm256_maskstore_ps(float *p, simde__m256i mask, simde__m256 v) {
    emu_i8 m = { mask };
    emu_f8 r = { v };
    for (int i = 0; i < 8; i++)
        if (m.a[i] < 0) p[i] = r.a[i];
}
EMU simde__m512 emu_mm512_maskz_loadu_ps(simde__mmask16 m, const void *from) {
    const float *p = from;
    emu_f16 r = { { 0 } };
    for (int i = 0; i < 16; i++)
        if (m >> i & 1) r.a[i] = p[i];
    return r.v;
}
EMU void emu_mm512_mask_storeu_ps(void *to, simde__mmask16 m, simde__m512 v) {
    float *p = to;
    emu_f16 r = { v };
    for (int i = 0; i < 16; i++)
        if (m >> i & 1) p[i] = r.a[i];
}
EMU simde__m128i emu_mm_maskz_loadu_epi8(simde__mmask16 m, const void *from) {
    const uint8_t *p = from;
    emu_b16 r = { simde_mm_setzero_si128() };
    for (int i = 0; i < 16; i++)
        if (m >> i & 1) r.a[i] = p[i];
    return r.v;
}
EMU void emu_mm_mask_storeu_epi8(void *to, simde__mmask16 m, simde__m128i v) {
    uint8_t *p = to;
    emu_b16 r = { v };
    for (int i = 0; i < 16; i++)
        if (m >> i & 1) p[i] = r.a[i];
}
EMU simde__m512i _mm512_maskz_loadu_epi8(simde__mmask64 m, const void *from) {
    const int8_t *p = from;
    emu_b64 r = { simde_mm512_setzero_si512() };
    for (int i = 0; i < 64; i++)
        if (m >> i & 1) r.a[i] = p[i];
    return r.v;
}
#undef _mm256_maskload_ps
#undef _mm256_maskstore_ps
#define _mm256_maskload_ps    emu_mm256_maskload_ps
#define _mm256_maskstore_ps   emu_mm256_maskstore_ps
#define _mm512_maskz_loadu_ps emu_mm512_maskz_loadu_ps
#define _mm512_mask_storeu_ps emu_mm512_mask_storeu_ps
#define _mm_maskz_loadu_epi8  emu_mm_maskz_loadu_epi8
#define _mm_mask_storeu_epi8  emu_mm_mask_storeu_epi8

/* -------------------------------------------------------------------------------------------------------- float16 */

EMU void emu_widen(const void *from, int n, float *f) {
    uint16_t h[16];
    memcpy(h, from, (size_t)n * sizeof *h);
    for (int i = 0; i < n; i++) f[i] = tn_decode_f16(h[i]);
}
EMU void emu_narrow(const float *f, int n, void *to) {
    uint16_t h[16];
    for (int i = 0; i < n; i++) h[i] = tn_encode_f16(f[i]);
    memcpy(to, h, (size_t)n * sizeof *h);
}
#define EMU_HALF(bits, half, lanes, n)                              \
    EMU simde__m##bits emu_mm##bits##_cvtph_ps(half h) {            \
        lanes r;                                                    \
        emu_widen(&h, n, r.a);                                      \
        return r.v;                                                 \
    }                                                               \
    EMU half emu_mm##bits##_cvtps_ph(simde__m##bits v, int how) {   \
        lanes x = { v };                                            \
        half h;                                                     \
        (void)how; /* to nearest even: nothing else is asked for */ \
        emu_narrow(x.a, n, &h);                                     \
        return h;                                                   \
    }
EMU_HALF(256, simde__m128i, emu_f8, 8)
EMU_HALF(512, simde__m256i, emu_f16, 16)
#undef _mm256_cvtph_ps /* simde has these two, but not for signalling NaN */
#undef _mm256_cvtps_ph
#define _mm256_cvtph_ps emu_mm256_cvtph_ps
#define _mm256_cvtps_ph emu_mm256_cvtps_ph
#define _mm512_cvtph_ps emu_mm512_cvtph_ps
#define _mm512_cvtps_ph emu_mm512_cvtps_ph

/* Two products of bfloat16 to each float32; denormal numbers count as zeros, before and behind. */
typedef simde__m512i emu_m512bh;
#define __m512bh emu_m512bh
EMU float emu_bf16(uint32_t half) {
    float f = tn_from_bits(half << 16);
    return fabsf(f) < 0x1p-126f ? 0.0f : f;
}
EMU_CALL simde__m512 emu_mm512_dpbf16_ps(simde__m512 acc, simde__m512i a, simde__m512i b) {
    emu_f16 r = { acc };
    emu_i16 x = { a }, y = { b };
    for (int i = 0; i < 16; i++) {
        uint32_t u = (uint32_t)x.a[i], v = (uint32_t)y.a[i];
        r.a[i] = (float)((double)emu_bf16(u >> 16) * (double)emu_bf16(v >> 16) + (double)r.a[i]);
        r.a[i] = (float)((double)emu_bf16(u & 0xffff) * (double)emu_bf16(v & 0xffff) + (double)r.a[i]);
    }
    return r.v;
}
#undef _mm512_dpbf16_ps
#define _mm512_dpbf16_ps emu_mm512_dpbf16_ps
EMU simde__m512i emu_mm512_cvtepu16_epi32(simde__m256i v) {
    uint16_t h[16];
    emu_i16 r;
    memcpy(h, &v, sizeof h);
    for (int i = 0; i < 16; i++) r.a[i] = h[i];
    return r.v;
}
#undef _mm512_cvtepu16_epi32
#define _mm512_cvtepu16_epi32 emu_mm512_cvtepu16_epi32

/* ------------------------------------------------------------------------------------------------ what it lacks */

EMU simde__m256i _mm256_dpbusd_avx_epi32(simde__m256i sum, simde__m256i u, simde__m256i s) {
    emu_i8 r = { sum };
    uint8_t a[32];
    int8_t b[32];
    memcpy(a, &u, sizeof a), memcpy(b, &s, sizeof b);
    for (int i = 0; i < 32; i++) r.a[i / 4] += a[i] * b[i];
    return r.v;
}
EMU simde__m128i _mm_maskz_set1_epi8(simde__mmask16 m, char x) {
    emu_b16 r;
    for (int i = 0; i < 16; i++) r.a[i] = m >> i & 1 ? (uint8_t)x : 0;
    return r.v;
}
EMU simde__mmask16 _mm_test_epi8_mask(simde__m128i a, simde__m128i b) {
    emu_b16 x = { a }, y = { b };
    unsigned m = 0;
    for (int i = 0; i < 16; i++) m |= (unsigned)((x.a[i] & y.a[i]) != 0) << i;
    return (simde__mmask16)m;
}
EMU simde__m512i _mm512_cvtepi8_epi32(simde__m128i v) {
    emu_b16 x = { v };
    emu_i16 r;
    for (int i = 0; i < 16; i++) r.a[i] = (int8_t)x.a[i];
    return r.v;
}
EMU simde__m512 _mm512_cvtepi32_ps(simde__m512i v) {
    emu_i16 x = { v };
    emu_f16 r;
    for (int i = 0; i < 16; i++) r.a[i] = (float)x.a[i];
    return r.v;
}
EMU simde__m512i _mm512_cvtps_epi32(simde__m512 v) { /* INT_MIN for what does not fit */
    emu_f16 x = { v };
    emu_i16 r;
    for (int i = 0; i < 16; i++) r.a[i] = x.a[i] >= -0x1p31f && x.a[i] < 0x1p31f ? (int32_t)lrintf(x.a[i]) : INT32_MIN;
    return r.v;
}
EMU simde__m512i emu_mm512_srai_epi32(simde__m512i v, unsigned n) {
    emu_i16 x = { v };
    for (int i = 0; i < 16; i++) x.a[i] >>= n > 31 ? 31 : n;
    return x.v;
}
#define _mm512_srai_epi32 emu_mm512_srai_epi32
EMU simde__m512 emu_mm512_sqrt_ps(simde__m512 v) {
    emu_f16 x = { v };
    for (int i = 0; i < 16; i++) x.a[i] = sqrtf(x.a[i]);
    return x.v;
}
#undef _mm512_sqrt_ps
#define _mm512_sqrt_ps emu_mm512_sqrt_ps
EMU simde__m512 emu_mm512_roundscale_ps(simde__m512 v, int how) { /* to whole numbers: how >> 4 is 0 */
    emu_f16 x = { v };
    for (int i = 0; i < 16; i++) {
        float a = x.a[i];
        switch (how & 3) {
        case 0: x.a[i] = rintf(a); break;
        case 1: x.a[i] = floorf(a); break;
        case 2: x.a[i] = ceilf(a); break;
        default: x.a[i] = truncf(a);
        }
    }
    return x.v;
}
#undef _mm512_roundscale_ps
#define _mm512_roundscale_ps emu_mm512_roundscale_ps
/* The exponent of |x|: of 0 -inf, of an infinity inf. */
EMU simde__m512 _mm512_getexp_ps(simde__m512 v) {
    emu_f16 x = { v };
    for (int i = 0; i < 16; i++) x.a[i] = isnan(x.a[i]) ? x.a[i] : logbf(x.a[i]);
    return x.v;
}
/* The significand in [1, 2); NaN below 0; 1 for 0 and infinity. */
EMU simde__m512 emu_mm512_getmant_ps(simde__m512 v) {
    emu_f16 x = { v };
    for (int i = 0; i < 16; i++) {
        int e;
        float a = x.a[i];
        x.a[i] = a < 0 ? NAN : isnan(a) ? a : a == 0 || isinf(a) ? 1.0f : 2 * frexpf(a, &e);
    }
    return x.v;
}
#define _MM_MANT_NORM_1_2             0
#define _MM_MANT_SIGN_nan             2
#define _mm512_getmant_ps(a, norm, s) emu_mm512_getmant_ps(((void)(norm), (void)(s), (a)))
/* x * 2^floor(n) with one rounding. */
EMU simde__m512 emu_mm512_scalef_ps(simde__m512 v, simde__m512 n) {
    emu_f16 x = { v }, e = { n };
    for (int i = 0; i < 16; i++) {
        float k = floorf(e.a[i]);
        x.a[i] = isnan(k) ? k : ldexpf(x.a[i], k > 1000 ? 1000 : k < -1000 ? -1000 : (int)k);
    }
    return x.v;
}
#undef _mm512_scalef_ps
#define _mm512_scalef_ps emu_mm512_scalef_ps
EMU simde__m512 emu_mm512_i32gather_ps(simde__m512i index, const float *p) {
    emu_i16 x = { index };
    emu_f16 r;
    for (int i = 0; i < 16; i++) r.a[i] = p[x.a[i]];
    return r.v;
}
#define _mm512_i32gather_ps(index, p, scale) emu_mm512_i32gather_ps(index, p) /* scale: 4 */
EMU simde__m512 emu_mm512_shuffle_f32x4(simde__m512 a, simde__m512 b, int how) {
    emu_f16 x = { a }, y = { b }, r;
    for (int q = 0; q < 4; q++) memcpy(r.a + 4 * q, (q < 2 ? x.a : y.a) + 4 * (how >> (2 * q) & 3), 16);
    return r.v;
}
#undef _mm512_shuffle_f32x4
#define _mm512_shuffle_f32x4 emu_mm512_shuffle_f32x4

/* The order of the instruction's compilers: halves, quarters, pairs. */
#define EMU_REDUCE(name, expr)                           \
    EMU float _mm512_reduce_##name##_ps(simde__m512 v) { \
        emu_f16 x = { v };                               \
        for (int n = 8; n; n /= 2)                       \
            for (int i = 0; i < n; i++) {                \
                float a = x.a[i], b = x.a[i + n];        \
                x.a[i] = expr;                           \
            }                                            \
        return x.a[0];                                   \
    }
EMU_REDUCE(add, a + b)
EMU_REDUCE(max, a > b ? a : b)
EMU_REDUCE(min, a < b ? a : b)

#endif
