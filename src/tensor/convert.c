/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* convert.c - arrays from one element type to another, as ONNX Cast-25 says.
 *
 * An array passes in blocks through one of three stages that a core holds in its first cache: int64 (integers, bool),
 * float (all floats but float64) or double. So N types need N loads and N stores, not N x N loops; a stage that is
 * itself source or target costs nothing.
 *
 *     integer -> integer      int64 (bits above the target's width are dropped; uint64 travels as its bits)
 *     integer -> float32/64   int64, then one rounding
 *     integer -> narrow       int64, double without losing what rounding needs, float to odd, narrow
 *     float   -> integer      float; truncated; beyond the range the nearest end, NaN the lower end (Cast: undefined)
 *     float   -> 2, 4 bits    as to int64, of which the low bits stay: the backend's cases wrap, -9 to int4 is 7
 *     the same by tn_cast     to 8 and 16 bits too: as to int32, beyond whose range (and for NaN) it is 0
 *     double  -> narrow       float to odd, narrow */
#include "base/budget.h"
#include "tensor/codec.h"
#include "tensor/dtype.h"
#include <pthread.h>
#include <string.h>

#define BLOCK 1024

typedef union {
    int64_t i[BLOCK];
    float f[BLOCK];
    double d[BLOCK];
} stage;

/* C types that need no decoding; bool is stored as 0 and 1 but read as "not 0". For float -> integer: the ends, and the
 * same as numbers a float holds exactly (the upper one is the first value beyond). */
#define INTS(X)                                            \
    X(U8, uint8_t, 0, UINT8_MAX, 0, 0x1p8)                 \
    X(I8, int8_t, INT8_MIN, INT8_MAX, -0x1p7, 0x1p7)       \
    X(U16, uint16_t, 0, UINT16_MAX, 0, 0x1p16)             \
    X(I16, int16_t, INT16_MIN, INT16_MAX, -0x1p15, 0x1p15) \
    X(U32, uint32_t, 0, UINT32_MAX, 0, 0x1p32)             \
    X(I32, int32_t, INT32_MIN, INT32_MAX, -0x1p31, 0x1p31) \
    X(U64, uint64_t, 0, UINT64_MAX, 0, 0x1p64)             \
    X(I64, int64_t, INT64_MIN, INT64_MAX, -0x1p63, 0x1p63)

static inline int64_t clamp(double x, double lo, double hi, int64_t low, int64_t high) {
    return !(x > lo) ? low : x >= hi ? high : (int64_t)x;
}

/* ----------------------------------------------------------------------------------------- integers, bool, packed */

static void ints_load(tn_dtype t, const void *src, int64_t at, int n, int64_t *out) {
    switch (t) {
#define X(id, T, low, high, lo, hi)                         \
    case TN_##id: {                                         \
        const T *s = (const T *)src + at;                   \
        for (int i = 0; i < n; i++) out[i] = (int64_t)s[i]; \
        break;                                              \
    }
        INTS(X)
#undef X
    case TN_BOOL: {
        const uint8_t *s = (const uint8_t *)src + at;
        for (int i = 0; i < n; i++) out[i] = s[i] != 0;
        break;
    }
    case TN_U4:
    case TN_I4: {
        const uint8_t *s = (const uint8_t *)src + at / 2;
        int flip = t == TN_I4 ? 8 : 0; /* (v ^ 8) - 8 extends the sign */
        for (int i = 0; i < n; i++) out[i] = ((s[i / 2] >> (i % 2 * 4) & 15) ^ flip) - flip;
        break;
    }
    case TN_U2:
    case TN_I2: {
        const uint8_t *s = (const uint8_t *)src + at / 4;
        int flip = t == TN_I2 ? 2 : 0;
        for (int i = 0; i < n; i++) out[i] = ((s[i / 4] >> (i % 4 * 2) & 3) ^ flip) - flip;
        break;
    }
    default: break;
    }
}

/* Writes n packed values of `bits` bits; unused bits of the last byte are 0. */
static void pack(const int64_t *in, int n, int bits, uint8_t *out) {
    int per = 8 / bits;
    unsigned mask = (1u << bits) - 1;
    for (int i = 0; i < n; i += per) {
        unsigned byte = 0;
        for (int k = 0; k < per && i + k < n; k++) byte |= ((unsigned)in[i + k] & mask) << (k * bits);
        out[i / per] = (uint8_t)byte;
    }
}

static void ints_store(tn_dtype t, const int64_t *in, int n, void *dst, int64_t at) {
    switch (t) {
#define X(id, T, low, high, lo, hi)                  \
    case TN_##id: {                                  \
        T *d = (T *)dst + at;                        \
        for (int i = 0; i < n; i++) d[i] = (T)in[i]; \
        break;                                       \
    }
        INTS(X)
#undef X
    case TN_BOOL: {
        uint8_t *d = (uint8_t *)dst + at;
        for (int i = 0; i < n; i++) d[i] = in[i] != 0;
        break;
    }
    case TN_U4:
    case TN_I4: pack(in, n, 4, (uint8_t *)dst + at / 2); break;
    case TN_U2:
    case TN_I2: pack(in, n, 2, (uint8_t *)dst + at / 4); break;
    default: break;
    }
}

/* ------------------------------------------------------------------------------------------- floats of <= 32 bits */

static float f8_values[5][256]; /* from TN_F8E4M3FN on; the last is e8m0 */
static pthread_once_t f8_once = PTHREAD_ONCE_INIT;
static void f8_fill(void) {
    for (unsigned v = 0; v < 256; v++) {
        for (int k = 0; k < 4; k++) f8_values[k][v] = tn_decode_small(v, &tn_f8_formats[k]);
        f8_values[4][v] = tn_decode_e8m0((uint8_t)v);
    }
}

static const float *f8_table(tn_dtype t) {
    pthread_once(&f8_once, f8_fill);
    return f8_values[t == TN_F8E8M0 ? 4 : t - TN_F8E4M3FN];
}

void tn_half_widen_f16(const uint16_t *h, float *f, size_t n) {
    for (size_t i = 0; i < n; i++) f[i] = tn_decode_f16(h[i]);
}
void tn_half_widen_bf16(const uint16_t *h, float *f, size_t n) {
    for (size_t i = 0; i < n; i++) f[i] = tn_from_bits((uint32_t)h[i] << 16);
}
void tn_half_narrow_f16(const float *f, uint16_t *h, size_t n) {
    for (size_t i = 0; i < n; i++) h[i] = tn_encode_f16(f[i]);
}
void tn_half_narrow_bf16(const float *f, uint16_t *h, size_t n) {
    for (size_t i = 0; i < n; i++) h[i] = tn_encode_bf16(f[i]);
}

static const tn_half_loops plain_loops = { tn_half_widen_f16, tn_half_widen_bf16, tn_half_narrow_f16,
                                           tn_half_narrow_bf16 };
static const tn_half_loops *loops = &plain_loops;

void tn_convert_use(const tn_half_loops *better) { __atomic_store_n(&loops, better, __ATOMIC_RELEASE); }

static const tn_half_loops *half_loops(void) { return __atomic_load_n(&loops, __ATOMIC_ACQUIRE); }

static void floats_load(tn_dtype t, const void *src, int64_t at, int n, float *out) {
    static const float f4[16] = { 0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6 };
    const uint16_t *h = (const uint16_t *)src + at;
    const uint8_t *b = (const uint8_t *)src + at;
    switch (t) {
    case TN_F32: memcpy(out, (const float *)src + at, (size_t)n * sizeof *out); break;
    case TN_F16: half_loops()->widen_f16(h, out, (size_t)n); break;
    case TN_BF16: half_loops()->widen_bf16(h, out, (size_t)n); break;
    case TN_F4E2M1:
        b = (const uint8_t *)src + at / 2;
        for (int i = 0; i < n; i++) out[i] = f4[b[i / 2] >> (i % 2 * 4) & 15];
        break;
    default: {
        const float *values = f8_table(t);
        for (int i = 0; i < n; i++) out[i] = values[b[i]];
    }
    }
}

static void floats_store(tn_dtype t, const float *in, int n, void *dst, int64_t at, bool saturate,
                         tn_round_mode round) {
    uint16_t *h = (uint16_t *)dst + at;
    uint8_t *b = (uint8_t *)dst + at;
    switch (t) {
    case TN_F32: memcpy((float *)dst + at, in, (size_t)n * sizeof *in); break;
    case TN_F16: half_loops()->narrow_f16(in, h, (size_t)n); break;
    case TN_BF16: half_loops()->narrow_bf16(in, h, (size_t)n); break;
    case TN_F4E2M1:
        b = (uint8_t *)dst + at / 2;
        for (int i = 0; i < n; i += 2)
            b[i / 2] = (uint8_t)(tn_encode_f4(in[i]) | (i + 1 < n ? tn_encode_f4(in[i + 1]) << 4 : 0));
        break;
    case TN_F8E8M0:
        for (int i = 0; i < n; i++) b[i] = tn_encode_e8m0(in[i], saturate, round);
        break;
    default: {
        tn_small_float k = tn_f8_formats[t - TN_F8E4M3FN];
        for (int i = 0; i < n; i++) b[i] = tn_encode_small(in[i], &k, saturate);
    }
    }
}

/* -------------------------------------------------------------------------------------------- float -> integer */

/* Written out per source type, so that a compiler sees simple loops. */
#define FLOAT_TO_INTS(name, F)                                                                                   \
    static void name(const F *in, int n, tn_dtype t, void *dst, int64_t at) {                                    \
        int64_t packed[BLOCK];                                                                                   \
        switch (t) {                                                                                             \
            INTS(X)                                                                                              \
        case TN_BOOL:                                                                                            \
            for (int i = 0; i < n; i++) ((uint8_t *)dst + at)[i] = !(in[i] == 0);                                \
            break;                                                                                               \
        default: {                                                                                               \
            for (int i = 0; i < n; i++) packed[i] = clamp((double)in[i], -0x1p63, 0x1p63, INT64_MIN, INT64_MAX); \
            ints_store(t, packed, n, dst, at);                                                                   \
        }                                                                                                        \
        }                                                                                                        \
    }
#define X(id, T, low, high, lo, hi)                                                                           \
    case TN_##id:                                                                                             \
        for (int i = 0; i < n; i++) ((T *)dst + at)[i] = !(in[i] > lo) ? low : in[i] >= hi ? high : (T)in[i]; \
        break;
FLOAT_TO_INTS(f32_to_ints, float)
FLOAT_TO_INTS(f64_to_ints, double)
#undef X

/* As processors convert to int32: what it cannot hold is its least number, whose low 16 bits are 0. */
#define FLOAT_TO_WRAPPED(name, F)                                                                           \
    static void name(const F *in, int n, tn_dtype t, void *dst, int64_t at) {                               \
        int64_t wide[BLOCK];                                                                                \
        for (int i = 0; i < n; i++) wide[i] = in[i] > (F)-0x1p31 && in[i] < (F)0x1p31 ? (int32_t)in[i] : 0; \
        ints_store(t, wide, n, dst, at);                                                                    \
    }
FLOAT_TO_WRAPPED(f32_to_wrapped, float)
FLOAT_TO_WRAPPED(f64_to_wrapped, double)

/* -------------------------------------------------------------------------------------------- integer -> float */

/* Beyond 2^40 the lowest 16 bits are folded into one sticky bit: exact in a double, and whatever is rounded to a narrow
 * float from there still sees on which side of a half it lies. */
static inline double int_to_f64_sticky(uint64_t magnitude, bool minus) {
    uint64_t m =
        magnitude >> 40 ? (magnitude & ~UINT64_C(0xffff)) | (uint64_t)((magnitude & 0xffff) != 0) << 16 : magnitude;
    return minus ? -(double)m : (double)m;
}

static void ints_to_floats(const int64_t *in, int n, bool from_u64, tn_dtype to, stage *s) {
    if (to == TN_F32) {
        if (from_u64)
            for (int i = 0; i < n; i++) s->f[i] = (float)(uint64_t)in[i];
        else
            for (int i = 0; i < n; i++) s->f[i] = (float)in[i];
    } else if (to == TN_F64) {
        if (from_u64)
            for (int i = 0; i < n; i++) s->d[i] = (double)(uint64_t)in[i];
        else
            for (int i = 0; i < n; i++) s->d[i] = (double)in[i];
    } else {
        for (int i = 0; i < n; i++) {
            bool minus = !from_u64 && in[i] < 0;
            s->f[i] = tn_round_odd(int_to_f64_sticky(minus ? 0 - (uint64_t)in[i] : (uint64_t)in[i], minus));
        }
    }
}

/* ---------------------------------------------------------------------------------------------------- one block */

typedef enum { INTEGER, SINGLE, DOUBLE, OTHER } class;

static class class_of(tn_dtype t) {
    if (tn_dtype_is_int(t) || t == TN_BOOL) return INTEGER;
    if (t == TN_F64) return DOUBLE;
    return tn_dtype_is_float(t) ? SINGLE : OTHER;
}

typedef struct {
    tn_dtype from, to;
    class cf, ct;
    bool saturate;
    tn_round_mode round;
    bool wrap; /* floats to 8- and 16-bit integers */
} plan;

static void block_from_ints(const plan *p, const void *src, void *dst, int64_t at, int n) {
    stage ints, floats;
    const int64_t *in = ints.i;
    if (p->from == TN_I64 || p->from == TN_U64)
        in = (const int64_t *)src + at;
    else
        ints_load(p->from, src, at, n, ints.i);
    if (p->ct == INTEGER) {
        ints_store(p->to, in, n, dst, at);
        return;
    }
    ints_to_floats(in, n, p->from == TN_U64, p->to, &floats);
    if (p->ct == DOUBLE)
        memcpy((double *)dst + at, floats.d, (size_t)n * sizeof(double));
    else
        floats_store(p->to, floats.f, n, dst, at, p->saturate, p->round);
}

static void block_from_floats(const plan *p, const void *src, void *dst, int64_t at, int n) {
    stage s;
    const float *in = s.f;
    if (p->from == TN_F32)
        in = (const float *)src + at;
    else if (p->to == TN_F32) {
        floats_load(p->from, src, at, n, (float *)dst + at);
        return;
    } else
        floats_load(p->from, src, at, n, s.f);
    if (p->ct == INTEGER)
        (p->wrap ? f32_to_wrapped : f32_to_ints)(in, n, p->to, dst, at);
    else if (p->ct == SINGLE)
        floats_store(p->to, in, n, dst, at, p->saturate, p->round);
    else
        for (int i = 0; i < n; i++) ((double *)dst + at)[i] = (double)in[i];
}

static void block_from_doubles(const plan *p, const void *src, void *dst, int64_t at, int n) {
    const double *in = (const double *)src + at;
    stage s;
    if (p->ct == INTEGER) {
        (p->wrap ? f64_to_wrapped : f64_to_ints)(in, n, p->to, dst, at);
    } else if (p->to == TN_F32) {
        for (int i = 0; i < n; i++) ((float *)dst + at)[i] = (float)in[i];
    } else {
        for (int i = 0; i < n; i++) s.f[i] = tn_round_odd(in[i]);
        floats_store(p->to, s.f, n, dst, at, p->saturate, p->round);
    }
}

static tn_status convert(tn_dtype from, const void *src, tn_dtype to, void *dst, int64_t n, bool saturate,
                         tn_round_mode round, bool wrap) {
    plan p = { from, to, class_of(from), class_of(to), saturate, round, wrap };
    if (n <= 0) return TN_OK;
    if (tn_dtype_is_complex(from) && tn_dtype_is_complex(to)) { /* pairs of real numbers */
        p = (plan){ from == TN_C64 ? TN_F32 : TN_F64, to == TN_C64 ? TN_F32 : TN_F64, 0, 0, saturate, round, wrap };
        p.cf = class_of(p.from);
        p.ct = class_of(p.to);
        if (n > INT64_MAX / 2) return tn_fail(TN_E_SHAPE, "cannot convert %lld elements", (long long)n);
        n *= 2;
    }
    if (p.cf == OTHER || p.ct == OTHER)
        return tn_fail(TN_E_TYPE, "cannot convert %s to %s", tn_dtype_name(from), tn_dtype_name(to));
    if (p.from == p.to) {
        size_t bytes;
        if (!tn_dtype_bytes(p.from, n, &bytes))
            return tn_fail(TN_E_SHAPE, "cannot convert %lld elements", (long long)n);
        if ((const char *)dst >= (const char *)src + bytes || (const char *)src >= (const char *)dst + bytes)
            tn_budget_copy(dst, src, bytes);
        else
            memmove(dst, src, bytes);
        return TN_OK;
    }
    tn_ticks ticks = { 0 };
    for (int64_t at = 0; at < n && !tn_ticks_stopped(&ticks, 2 * BLOCK); at += BLOCK) {
        int m = n - at < BLOCK ? (int)(n - at) : BLOCK;
        if (p.cf == INTEGER)
            block_from_ints(&p, src, dst, at, m);
        else if (p.cf == SINGLE)
            block_from_floats(&p, src, dst, at, m);
        else
            block_from_doubles(&p, src, dst, at, m);
    }
    return TN_OK;
}

tn_status tn_convert(tn_dtype from, const void *src, tn_dtype to, void *dst, int64_t n, bool saturate,
                     tn_round_mode round) {
    return convert(from, src, to, dst, n, saturate, round, false);
}

tn_status tn_cast(tn_dtype from, const void *src, tn_dtype to, void *dst, int64_t n, bool saturate,
                  tn_round_mode round) {
    bool wrap = to == TN_I8 || to == TN_U8 || to == TN_I16 || to == TN_U16;
    return convert(from, src, to, dst, n, saturate, round, wrap);
}
