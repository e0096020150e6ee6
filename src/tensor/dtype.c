/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* dtype.c - the table of element types, and single elements read and written. Arrays: convert.c. */
#include "tensor/dtype.h"
#include "base/text.h"
#include "tensor/codec.h"
#include <math.h>
#include <string.h>

const tn_dtype_info tn_dtypes[TN_DTYPE_COUNT] = {
#define X(id, name, onnx, block, bytes) [TN_##id] = { name, onnx, block, bytes },
    TN_DTYPES(X)
#undef X
};

#define BITS(id)   tn_dtype_bit(TN_##id)
#define SIGNED     (BITS(I8) | BITS(I16) | BITS(I32) | BITS(I64) | BITS(I4) | BITS(I2))
#define UNSIGNED   (BITS(U8) | BITS(U16) | BITS(U32) | BITS(U64) | BITS(U4) | BITS(U2))
#define FLOAT8     (BITS(F8E4M3FN) | BITS(F8E4M3FNUZ) | BITS(F8E5M2) | BITS(F8E5M2FNUZ) | BITS(F8E8M0))
#define FLOATS     (BITS(F64) | BITS(F32) | BITS(F16) | BITS(BF16) | FLOAT8 | BITS(F4E2M1))
#define COMPLEX    (BITS(C64) | BITS(C128))
#define IN(t, set) ((unsigned)(t) < TN_DTYPE_COUNT && (tn_dtype_bit(t) & (set)))

const char *tn_dtype_name(tn_dtype t) { return tn_dtypes[(unsigned)t < TN_DTYPE_COUNT ? t : TN_NONE].name; }

tn_dtype tn_dtype_parse(const char *name) {
    static const struct {
        const char *name;
        tn_dtype t;
    } names[] = {
#define X(id, long_name, onnx, block, bytes) { #id, TN_##id }, { long_name, TN_##id },
        TN_DTYPES(X)
#undef X
            { "float", TN_F32 },
        { "double", TN_F64 },
        { "half", TN_F16 },
        { "int", TN_I32 },
        { "long", TN_I64 },
        { "boolean", TN_BOOL },
    };
    for (size_t i = 0; i < TN_COUNT(names); i++)
        if (tn_same_word(name, names[i].name)) return names[i].t;
    return TN_NONE;
}

tn_dtype tn_dtype_from_onnx(int64_t code) {
    for (int t = 1; t < TN_DTYPE_COUNT; t++)
        if (tn_dtypes[t].onnx == code) return (tn_dtype)t;
    return TN_NONE;
}

bool tn_dtype_is_float(tn_dtype t) { return IN(t, FLOATS); }
bool tn_dtype_is_int(tn_dtype t) { return IN(t, SIGNED | UNSIGNED); }
bool tn_dtype_is_signed(tn_dtype t) { return IN(t, SIGNED | COMPLEX | (FLOATS & ~BITS(F8E8M0))); }
bool tn_dtype_is_complex(tn_dtype t) { return IN(t, COMPLEX); }

int tn_dtype_bits(tn_dtype t) {
    return t == TN_STRING || (unsigned)t >= TN_DTYPE_COUNT ? 0 : tn_dtypes[t].bytes * 8 / tn_dtypes[t].block;
}

bool tn_dtype_bytes(tn_dtype t, int64_t n, size_t *out) {
    if (n < 0) return false;
    uint64_t blocks = (uint64_t)n / (unsigned)tn_dtypes[t].block + ((uint64_t)n % (unsigned)tn_dtypes[t].block != 0);
    uint64_t bytes;
    if (__builtin_mul_overflow(blocks, (uint64_t)tn_dtypes[t].bytes, &bytes) || bytes > SIZE_MAX) return false;
    *out = (size_t)bytes;
    return true;
}

/* ------------------------------------------------------------------------------------------------ single elements */

float tn_f16_to_f32(uint16_t h) { return tn_decode_f16(h); }
uint16_t tn_f32_to_f16(float f) { return tn_encode_f16(f); }
uint16_t tn_f32_to_bf16(float f) { return tn_encode_bf16(f); }
float tn_f4_to_f32(uint8_t v) { return tn_decode_small(v & 15, &tn_f4e2m1); }
uint8_t tn_f32_to_f4(float f) { return tn_encode_f4(f); }

float tn_f8_to_f32(tn_dtype t, uint8_t v) {
    return t == TN_F8E8M0 ? tn_decode_e8m0(v) : tn_decode_small(v, &tn_f8_formats[t - TN_F8E4M3FN]);
}

uint8_t tn_f32_to_f8(tn_dtype t, float f, bool saturate) {
    if (t == TN_F8E8M0) return tn_encode_e8m0(f, saturate, TN_ROUND_UP);
    return tn_encode_small(f, &tn_f8_formats[t - TN_F8E4M3FN], saturate);
}

const tn_small_float tn_f8_formats[4] = {
    { .mantissa = 3, .bias = 7, .max = 0x7e, .nan = 0x7f, .over = 0x7f, .signs = true },
    { .mantissa = 3, .bias = 8, .max = 0x7f, .nan = 0x80, .over = 0x80 },
    { .mantissa = 2, .bias = 15, .max = 0x7b, .nan = 0x7f, .over = 0x7c, .signs = true, .infinity = true },
    { .mantissa = 2, .bias = 16, .max = 0x7f, .nan = 0x80, .over = 0x80 },
};
const tn_small_float tn_f4e2m1 = { .mantissa = 1, .bias = 1, .max = 7, .nan = 0xff, .over = 7, .signs = true };

static unsigned packed_get(tn_dtype t, const void *data, int64_t i) {
    int block = tn_dtypes[t].block, bits = 8 / block;
    return ((const uint8_t *)data)[i / block] >> (i % block * bits) & ((1u << bits) - 1);
}

static void packed_set(tn_dtype t, void *data, int64_t i, unsigned v) {
    int block = tn_dtypes[t].block, bits = 8 / block, shift = (int)(i % block) * bits;
    uint8_t *p = (uint8_t *)data + i / block, mask = (uint8_t)((1u << bits) - 1);
    *p = (uint8_t)((*p & ~(mask << shift)) | (v & mask) << shift);
}

/* One element at any address: weights stay where they are in their file. */
#define LOAD(type)                                                                 \
    ({                                                                             \
        type one_;                                                                 \
        memcpy(&one_, (const char *)data + i * (int64_t)sizeof one_, sizeof one_); \
        one_;                                                                      \
    })
#define STORE(type, v)                                                       \
    do {                                                                     \
        type one_ = (type)(v);                                               \
        memcpy((char *)data + i * (int64_t)sizeof one_, &one_, sizeof one_); \
    } while (0)

typedef union { /* an element of any type, aligned */
    uint64_t u[2];
    double d[2];
    tn_string s;
} element;

/* Any type but the common ones: as an array of one. A packed element is moved to the front of a byte for that. */
static void get_as(tn_dtype t, const void *data, int64_t i, tn_dtype to, void *v) {
    element one = { 0 };
    if (tn_dtypes[t].block > 1)
        *(uint8_t *)&one = (uint8_t)packed_get(t, data, i);
    else
        memcpy(&one, (const char *)data + i * tn_dtypes[t].bytes, (size_t)tn_dtypes[t].bytes);
    (void)tn_convert(t, &one, to, v, 1, true, TN_ROUND_UP);
}

static void set_from(tn_dtype from, const void *v, tn_dtype t, void *data, int64_t i) {
    element one = { 0 };
    if (tn_convert(from, v, t, &one, 1, true, TN_ROUND_UP) != TN_OK) return;
    if (tn_dtypes[t].block > 1)
        packed_set(t, data, i, *(uint8_t *)&one);
    else
        memcpy((char *)data + i * tn_dtypes[t].bytes, &one, (size_t)tn_dtypes[t].bytes);
}

double tn_get_f64(tn_dtype t, const void *data, int64_t i) {
    double v = 0;
    switch (t) {
    case TN_F32: return LOAD(float);
    case TN_F64: return LOAD(double);
    case TN_I32: return LOAD(int32_t);
    case TN_I64: return (double)LOAD(int64_t);
    case TN_U8: return ((const uint8_t *)data)[i];
    default: get_as(t, data, i, TN_F64, &v); return v;
    }
}

int64_t tn_get_i64(tn_dtype t, const void *data, int64_t i) {
    int64_t v = 0;
    switch (t) {
    case TN_I32: return LOAD(int32_t);
    case TN_I64: return LOAD(int64_t);
    case TN_U8: return ((const uint8_t *)data)[i];
    case TN_I8: return ((const int8_t *)data)[i];
    case TN_BOOL: return ((const uint8_t *)data)[i] != 0;
    default: get_as(t, data, i, TN_I64, &v); return v;
    }
}

void tn_set_f64(tn_dtype t, void *data, int64_t i, double v) {
    switch (t) {
    case TN_F32: STORE(float, v); break;
    case TN_F64: STORE(double, v); break;
    default: set_from(TN_F64, &v, t, data, i); break;
    }
}

void tn_set_i64(tn_dtype t, void *data, int64_t i, int64_t v) {
    switch (t) {
    case TN_I32: STORE(int32_t, v); break;
    case TN_I64: STORE(int64_t, v); break;
    default: set_from(TN_I64, &v, t, data, i); break;
    }
}
