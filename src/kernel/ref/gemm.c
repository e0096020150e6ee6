/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gemm.c - the f32 matrix product in plain C: the definition of correct, and what runs where nothing faster does. */
#include "kernel/gemm.h"
#include "tensor/dtype.h"
#include <string.h>

enum { MR = 4, NR = 8 };

static void strip(const tn_gemm_strip *s) {
    for (int64_t t = s->t0; t < s->t1; t++) {
        int64_t r0 = t * s->m / s->tiles, r1 = (t + 1) * s->m / s->tiles;
        const float *at = s->ts_a ? s->a + t * s->ts_a : s->a + r0 * s->rs_a;
        for (int64_t i = r0; i < r1; i++, at += s->rs_a) {
            float acc[NR] = { 0 };
            for (int64_t p = 0; p < s->k; p++)
                for (int64_t j = 0; j < s->n; j++) acc[j] += at[p * s->cs_a] * s->b[p * s->ldb + j];
            for (int64_t j = 0; j < s->n; j++) {
                float y = s->alpha * acc[j];
                if (s->d) y += s->beta * s->d[i * s->ldd + j];
                if (s->bias_m) y += s->bias_m[i];
                if (s->bias_n) y += s->bias_n[j];
                s->c[i * s->ldc + j] = tn_act_scalar(s->act, y);
            }
        }
    }
}

/* Weights lie in their file at any address. */
static float loose(const float *p, ptrdiff_t i) {
    float v;
    memcpy(&v, (const char *)p + i * (ptrdiff_t)sizeof v, sizeof v);
    return v;
}

static void pack_b(bool trans, int64_t k, int64_t n, const float *b, ptrdiff_t ldb, float *out) {
    for (int64_t p = 0; p < k; p++, out += NR)
        for (int64_t j = 0; j < NR; j++) out[j] = j >= n ? 0.0f : loose(b, trans ? j * ldb + p : p * ldb + j);
}

static void pack_a(int64_t m, int64_t k, const float *a, ptrdiff_t rs, ptrdiff_t cs, float *out) {
    for (int64_t p = 0; p < k; p++, out += MR)
        for (int64_t i = 0; i < MR; i++) out[i] = i >= m ? 0.0f : loose(a, i * rs + p * cs);
}

static void gemv(int64_t k, int64_t n, float alpha, const float *x, ptrdiff_t incx, const float *b, ptrdiff_t ldb,
                 float *y) {
    for (int64_t p = 0; p < k; p++) {
        float v = alpha * x[p * incx];
        for (int64_t j = 0; j < n; j++) y[j] += v * b[p * ldb + j];
    }
}

static void gemv_t(int64_t k, int64_t n, float alpha, const float *x, const float *b, ptrdiff_t ldb, float *y) {
    for (int64_t j = 0; j < n; j++) {
        float sum = 0.0f;
        for (int64_t p = 0; p < k; p++) sum += x[p] * b[j * ldb + p];
        y[j] += alpha * sum;
    }
}

static void gemv_packed(int64_t k, int64_t n, float alpha, const float *x, ptrdiff_t incx, const float *b, float *y) {
    for (int64_t j = 0; j < n; j += NR, b += k * NR) gemv(k, n - j < NR ? n - j : NR, alpha, x, incx, b, NR, y + j);
}

/* A few rows of a panel at a time become float32. */
static void gemv_half(tn_dtype t, int64_t k, int64_t n, float alpha, const float *x, ptrdiff_t incx, const uint16_t *b,
                      float *y) {
    enum { ROWS = 32 };
    float wide[ROWS * NR];
    for (int64_t j = 0; j < n; j += NR)
        for (int64_t p = 0; p < k; p += ROWS) {
            int64_t rows = k - p < ROWS ? k - p : ROWS;
            (t == TN_F16 ? tn_half_widen_f16 : tn_half_widen_bf16)(b, wide, (size_t)(rows * NR));
            gemv(rows, n - j < NR ? n - j : NR, alpha, x + p * incx, incx, wide, NR, y + j);
            b += rows * NR;
        }
}

const tn_gemm_kernels tn_gemm_table_ref = {
    .mr = MR,
    .nr = NR,
    .strip = strip,
    .pack_b = pack_b,
    .pack_a = pack_a,
    .gemv = gemv,
    .gemv_t = gemv_t,
    .gemv_packed = gemv_packed,
    .gemv_half = gemv_half,
};
