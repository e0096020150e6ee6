/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* codec.h - the bits of the narrow floats, in forms a compiler can vectorise: no branches, no denormal operands.
 *
 * Encoding rounds to nearest even in one of two ways. A normal result: add just under half of the bits that will be
 * dropped (and one more when the kept part is odd), then shift. A subnormal result: add a power of two whose last bit
 * weighs as much as the format's smallest step; the addition itself then rounds.
 * Sources: IEEE 754-2019; arXiv 2209.05433 (E4M3FN, E5M2); arXiv 2206.02915 (the UZ forms); OCP MX 1.0 (E8M0, E2M1);
 * special values: ONNX Cast-25. */
#ifndef TN_TENSOR_CODEC_H
#define TN_TENSOR_CODEC_H

#include "tensor/dtype.h"
#include <math.h>

static inline uint32_t tn_bits(float f) {
    union {
        float f;
        uint32_t u;
    } v = { .f = f };
    return v.u;
}

static inline float tn_from_bits(uint32_t u) {
    union {
        uint32_t u;
        float f;
    } v = { .u = u };
    return v.f;
}

/** A format of at most 8 bits: sign, exponent, mantissa. */
typedef struct {
    int mantissa, bias;
    uint8_t max, nan, over; /* codes of the largest number, of NaN, of what lies beyond the range when not saturating */
    bool signs;             /* zero and NaN have a sign; otherwise (UZ) 0x80 is the only NaN and there is no -0 */
    bool infinity;          /* codes above max are infinity and NaNs */
} tn_small_float;

extern const tn_small_float tn_f8_formats[4]; /* from TN_F8E4M3FN on */
extern const tn_small_float tn_f4e2m1;

static inline float tn_decode_f16(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = h & 0x7fff;
    uint32_t normal = (rest << 13) + (rest >= 0x7c00 ? 224u << 23 : 112u << 23);
    uint32_t small = tn_bits((float)(int32_t)rest * 0x1p-24f);
    normal |= rest > 0x7c00 ? 1u << 22 : 0; /* NaNs are quiet, as processors make them */
    return tn_from_bits(sign | (rest < 0x400 ? small : normal));
}

static inline uint16_t tn_encode_f16(float f) {
    uint32_t u = tn_bits(f), sign = u >> 16 & 0x8000, a = u & 0x7fffffff;
    uint32_t normal = (a + 0xfff + (a >> 13 & 1) - (112u << 23)) >> 13;
    uint32_t small = tn_bits(tn_from_bits(a < 113u << 23 ? a : 0) + 0.5f) - tn_bits(0.5f);
    uint32_t r = a < 113u << 23 ? small : normal;
    r = a >= 0x477ff000 ? 0x7c00 : r;                    /* 65520 and beyond: infinity */
    r = a > 0x7f800000 ? 0x7e00 | (a >> 13 & 0x3ff) : r; /* a quiet NaN that keeps its payload's top */
    return (uint16_t)(sign | r);
}

static inline uint16_t tn_encode_bf16(float f) {
    uint32_t u = tn_bits(f);
    uint32_t r = (u + 0x7fff + (u >> 16 & 1)) >> 16;
    return (uint16_t)((u & 0x7fffffff) > 0x7f800000 ? u >> 16 | 0x40 : r);
}

static inline uint8_t tn_encode_small(float f, const tn_small_float *k, bool saturate) {
    uint32_t u = tn_bits(f), sign = u >> 24 & 0x80, a = u & 0x7fffffff;
    uint32_t shift = 23 - (uint32_t)k->mantissa, rebias = (uint32_t)(127 - k->bias), least = (rebias + 1) << 23;
    uint32_t step = (rebias + 1 + shift) << 23; /* its last bit weighs one subnormal step */
    uint32_t normal = (a + (1u << (shift - 1)) - 1 + (a >> shift & 1) - (rebias << 23)) >> shift;
    uint32_t small = tn_bits(tn_from_bits(a < least ? a : 0) + tn_from_bits(step)) - step;
    uint32_t r = a < least ? small : normal;
    r = r > k->max ? (saturate ? k->max : k->over) : r;
    if (a > 0x7f800000) r = k->nan;
    if (k->signs) return (uint8_t)(sign | r);
    return (uint8_t)(r == 0 || r == 0x80 ? r : sign | r);
}

static inline float tn_decode_small(unsigned v, const tn_small_float *k) {
    unsigned top = k == &tn_f4e2m1 ? 8 : 0x80, a = v & (top - 1);
    bool minus = v & top;
    if (!k->signs && v == 0x80) return NAN;
    if (a > k->max) return k->infinity && a == k->over ? (minus ? -INFINITY : INFINITY) : (minus ? -NAN : NAN);
    unsigned e = a >> k->mantissa, m = a & ((1u << k->mantissa) - 1);
    float r = e ? ldexpf((float)(m + (1u << k->mantissa)), (int)e - k->bias - k->mantissa)
                : ldexpf((float)m, 1 - k->bias - k->mantissa);
    return minus ? -r : r;
}

/** The sign sits in bit 3; NaN has no code and becomes -0. */
static inline uint8_t tn_encode_f4(float f) {
    uint8_t r = tn_encode_small(f, &tn_f4e2m1, true);
    return f != f ? 8 : (uint8_t)((r & 7) | (r >> 4 & 8));
}

static inline float tn_decode_e8m0(uint8_t v) {
    return tn_from_bits(v == 0xff ? 0x7fc00000 : v ? (uint32_t)v << 23 : 0x00400000);
}

/** Powers of two only. Zero and what is below 2^-127 become 2^-127 when saturating; negative numbers become NaN. */
static inline uint8_t tn_encode_e8m0(float f, bool saturate, tn_round_mode round) {
    uint32_t u = tn_bits(f), least = 0x00400000, e, rest, half;
    if (f != f || (u >> 31 && u != 0x80000000)) return 0xff;
    u &= 0x7fffffff;
    if (u < least) return saturate ? 0 : 0xff;
    if (u >> 23)
        e = u >> 23, rest = u & 0x7fffff, half = 0x400000;
    else
        e = 0, rest = u - least, half = 0x200000; /* 2^-127 .. 2^-126 are subnormal: one bit less */
    if (e < 0xff) e += round == TN_ROUND_UP ? rest != 0 : round == TN_ROUND_NEAREST ? rest >= half : 0;
    return (uint8_t)(e < 0xff ? e : saturate ? 0xfe : 0xff);
}

/** f64 to f32 "to odd": an inexact result gets an odd last bit, so that rounding it again to fewer bits gives what one
 *  rounding from f64 would (Boldo & Melquiond, IEEE TC 57(4), 2008). */
static inline float tn_round_odd(double d) {
    float f = (float)d;
    uint32_t u = tn_bits(f), away = fabs((double)f) > fabs(d);
    return tn_from_bits((double)f != d ? (u - away) | 1 : u);
}

#endif
