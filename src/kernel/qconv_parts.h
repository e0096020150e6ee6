/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qconv_parts.h - what all variants of the 8-bit convolution share, in C that each translation unit vectorises with its
 * own instructions: the end of sums, and loops over codes. The including file gives NR. */
#ifndef TN_KERNEL_QCONV_PARTS_H
#define TN_KERNEL_QCONV_PARTS_H

#include "kernel/qconv.h"
#include <math.h>
#include <string.h>

enum { C = TN_QBLOCK };

/* Held between bounds, which are whole numbers, before it is rounded half to even; NaN becomes the lower one. */
static inline float held(float v, float lo, float hi) {
    v = v > lo ? v : lo;
    return v < hi ? v : hi;
}

static inline uint8_t code_of(float v, float lo, float hi, int32_t zero) {
    return (uint8_t)((int32_t)rintf(held(v, lo, hi)) + zero);
}

/* Sixteen sums of columns c .. c + 15, of which n are wanted. */
static inline void end_block(const tn_qend *e, const int32_t *sums, int64_t c, int64_t n, char *y) {
    float v[C];
    uint8_t q[C];
    for (int i = 0; i < C; i++)
        v[i] = fmaf((float)(int32_t)((uint32_t)sums[i] + (uint32_t)e->add[c + i]), e->scale[c + i], e->bias[c + i]);
    if (e->y_type == TN_F32) {
        memcpy(y, v, (size_t)n * sizeof *v);
        return;
    }
    for (int i = 0; i < C; i++) q[i] = code_of(v[i], e->lo, e->hi, e->zero);
    memcpy(y, q, (size_t)n);
}

/* A row of NR sums. */
static inline void end_row(const tn_qstrip *s, const int32_t *sums, int64_t row) {
    char *y = s->y + row * s->row_step;
    for (int64_t c = 0; c < s->n; c += C, y += s->block_step)
        end_block(&s->end, sums + c, c, s->n - c < C ? s->n - c : C, y);
}

static void add(int64_t n, const uint8_t *a, const uint8_t *b, int64_t b_step, const tn_qpair *p, uint8_t *y) {
    const tn_qpair k = *p;
    if (b_step)
        for (int64_t i = 0; i < n; i++)
            y[i] = code_of(fmaf((float)a[i], k.ka, fmaf((float)b[i], k.kb, k.c)), k.lo, k.hi, k.zero);
    else
        for (int64_t i = 0; i < n; i++)
            y[i] = code_of(fmaf((float)a[i], k.ka, fmaf((float)*b, k.kb, k.c)), k.lo, k.hi, k.zero);
}

static void mul(int64_t n, const uint8_t *a, const uint8_t *b, int64_t b_step, const tn_qpair *p, uint8_t *y) {
    const tn_qpair k = *p;
    if (b_step)
        for (int64_t i = 0; i < n; i++)
            y[i] = code_of((float)((a[i] - k.za) * (b[i] - k.zb)) * k.ka, k.lo, k.hi, k.zero);
    else
        for (int64_t i = 0; i < n; i++) y[i] = code_of((float)((a[i] - k.za) * (*b - k.zb)) * k.ka, k.lo, k.hi, k.zero);
}

static void quantise(int64_t n, const float *x, float scale, int32_t zero, uint8_t *y) {
    const float lo = (float)-zero, hi = (float)(255 - zero);
    for (int64_t i = 0; i < n; i++) y[i] = code_of(x[i] / scale, lo, hi, zero);
}

static void range(int64_t n, const float *x, float *lo, float *hi) {
    enum { LANES = 32 };
    float l[LANES], h[LANES];
    for (int k = 0; k < LANES; k++) l[k] = *lo, h[k] = *hi;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) {
            l[k] = x[i + k] < l[k] ? x[i + k] : l[k];
            h[k] = x[i + k] > h[k] ? x[i + k] : h[k];
        }
    for (; i < n; i++) {
        l[0] = x[i] < l[0] ? x[i] : l[0];
        h[0] = x[i] > h[0] ? x[i] : h[0];
    }
    for (int k = 0; k < LANES; k++) {
        *lo = l[k] < *lo ? l[k] : *lo;
        *hi = h[k] > *hi ? h[k] : *hi;
    }
}

static void most(int64_t n, const uint8_t *x, uint8_t *y) {
    for (int64_t i = 0; i < n; i++) y[i] = x[i] > y[i] ? x[i] : y[i];
}

static void lookup(int64_t n, const uint8_t *table, const uint8_t *x, uint8_t *y); /* the including file's */

#define QCONV_KERNELS(is_bounded, wide_)                                                                    \
    {                                                                                                       \
        .nr = NR, .bounded = is_bounded, .strip = strip, .wide = wide_, .depthwise = depthwise, .add = add, \
        .mul = mul, .quantise = quantise, .range = range, .most = most, .lookup = lookup                    \
    }

#endif
