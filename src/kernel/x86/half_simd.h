/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* half_simd.h - 16-bit floats to float32 and back, a vector at a time. float16 has instructions (a translation unit
 * defines H_WIDEN and H_NARROW, and may define H_NARROW_BF16, of two vectors); bfloat16 is the upper half of a float32,
 * and the codec's loops become good code. VCVTNEPS2BF16 is not used: it takes denormal numbers for zeros. */
#ifndef TN_KERNEL_HALF_SIMD_H
#define TN_KERNEL_HALF_SIMD_H

#include "kernel/half.h"
#include "tensor/codec.h"

static void widen_f16(const uint16_t *h, float *f, size_t n) {
    size_t i = 0;
    for (; i + TN_VL <= n; i += TN_VL) V_STORE(f + i, H_WIDEN(h + i));
    for (; i < n; i++) f[i] = tn_decode_f16(h[i]);
}

static void narrow_f16(const float *f, uint16_t *h, size_t n) {
    size_t i = 0;
    for (; i + TN_VL <= n; i += TN_VL) H_NARROW(h + i, V_LOAD(f + i));
    for (; i < n; i++) h[i] = tn_encode_f16(f[i]);
}

static void widen_bf16(const uint16_t *h, float *f, size_t n) {
    for (size_t i = 0; i < n; i++) f[i] = tn_from_bits((uint32_t)h[i] << 16);
}

static void narrow_bf16(const float *f, uint16_t *h, size_t n) {
    size_t i = 0;
#ifdef H_NARROW_BF16
    for (; i + 2 * TN_VL <= n; i += 2 * TN_VL) H_NARROW_BF16(h + i, V_LOAD(f + i), V_LOAD(f + i + TN_VL));
#endif
    for (; i < n; i++) h[i] = tn_encode_bf16(f[i]);
}

#define HALF_KERNELS \
    { widen_f16, widen_bf16, narrow_f16, narrow_bf16 }

#endif
