/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* dtype.h - facts about element types, and conversions of single elements and whole arrays.
 *
 * One table row per type (TN_DTYPES in tenon.h); block-quantised encodings will be rows like any other: `block`
 * elements share `bytes` bytes. */
#ifndef TN_TENSOR_DTYPE_H
#define TN_TENSOR_DTYPE_H

#include "base/status.h"

typedef struct {
    const char *name;
    int onnx;  /* TensorProto.DataType */
    int block; /* elements per block: 1, or 2/4 for packed 4- and 2-bit types */
    int bytes; /* bytes per block */
} tn_dtype_info;

extern const tn_dtype_info tn_dtypes[TN_DTYPE_COUNT];

tn_dtype tn_dtype_from_onnx(int64_t code); /* TN_NONE when there is no such type */

bool tn_dtype_is_float(tn_dtype t); /* float64 ... float4e2m1; not complex */
bool tn_dtype_is_int(tn_dtype t);   /* signed and unsigned, 2 to 64 bits; not bool */
bool tn_dtype_is_signed(tn_dtype t);
bool tn_dtype_is_complex(tn_dtype t);
int tn_dtype_bits(tn_dtype t); /* of one element; 0 for string and none */

/** Sets of types, for operator rows: tn_dtype_bit(TN_F32) | ... */
#define tn_dtype_bit(t) (UINT64_C(1) << (t))

/** Bytes of n elements, rounded up to whole blocks; false on overflow. */
bool tn_dtype_bytes(tn_dtype t, int64_t n, size_t *out);

/** Single elements. Rounding is to nearest even; float8 and float4 saturate as ONNX Cast does with saturate=1. */
float tn_f16_to_f32(uint16_t h);
uint16_t tn_f32_to_f16(float f);
static inline float tn_bf16_to_f32(uint16_t h) {
    union {
        uint32_t u;
        float f;
    } v = { .u = (uint32_t)h << 16 };
    return v.f;
}
uint16_t tn_f32_to_bf16(float f);
float tn_f8_to_f32(tn_dtype t, uint8_t v);
uint8_t tn_f32_to_f8(tn_dtype t, float f, bool saturate); /* the four float8 formats and e8m0 */
float tn_f4_to_f32(uint8_t v);                            /* low 4 bits */
uint8_t tn_f32_to_f4(float f);

/** Element i of an array of any real type as double (int64/uint64 lose bits above 2^53), and back (with ONNX Cast's
 *  rules for the type: integers wrap or truncate as in C after a check, floats round to nearest even). */
double tn_get_f64(tn_dtype t, const void *data, int64_t i);
void tn_set_f64(tn_dtype t, void *data, int64_t i, double v);
int64_t tn_get_i64(tn_dtype t, const void *data, int64_t i); /* integers and bool exactly; floats truncated */
void tn_set_i64(tn_dtype t, void *data, int64_t i, int64_t v);

typedef enum { TN_ROUND_NEAREST, TN_ROUND_UP, TN_ROUND_DOWN } tn_round_mode; /* e8m0's round_mode */

/** Arrays of n 16-bit floats to float32 and back, to nearest even. */
typedef struct {
    void (*widen_f16)(const uint16_t *h, float *f, size_t n);
    void (*widen_bf16)(const uint16_t *h, float *f, size_t n);
    void (*narrow_f16)(const float *f, uint16_t *h, size_t n);
    void (*narrow_bf16)(const float *f, uint16_t *h, size_t n);
} tn_half_loops;

/* In plain C. */
void tn_half_widen_f16(const uint16_t *h, float *f, size_t n);
void tn_half_widen_bf16(const uint16_t *h, float *f, size_t n);
void tn_half_narrow_f16(const float *f, uint16_t *h, size_t n);
void tn_half_narrow_bf16(const float *f, uint16_t *h, size_t n);

/** The loops that tn_convert and tn_cast go through from now on, which compute the same bits: the layer above has
 *  those of this CPU (kernel/half.h). They live as long as the process. Called from any thread. */
void tn_convert_use(const tn_half_loops *loops);

/** Converts n elements from src to dst; types may be any real types or bool (strings: see op/math/cast.c), complex to
 *  complex only. Fast paths for the common pairs. dst and src must not overlap unless equal types.
 *  errors   TN_E_TYPE. */
tn_status tn_convert(tn_dtype from, const void *src, tn_dtype to, void *dst, int64_t n, bool saturate,
                     tn_round_mode round);
/** The same as ONNX's Cast: floats beyond the range of an 8- or 16-bit integer, which the specification leaves open,
 *  wrap as in PyTorch and onnxruntime (by way of int32: 260 to uint8 is 4, what int32 cannot hold and NaN are 0), where
 *  tn_convert takes the nearest end. */
tn_status tn_cast(tn_dtype from, const void *src, tn_dtype to, void *dst, int64_t n, bool saturate,
                  tn_round_mode round);

#endif
