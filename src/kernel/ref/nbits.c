/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* nbits.c - products of packed weights in plain C: the definition of correct. */
#include "kernel/nbits.h"

static double value(const tn_nbits_row *w, int64_t b, int64_t e) {
    int q = tn_nbits_field(w->q, w->bits, b * w->block + e);
    return ((double)q - (double)w->zero[b]) * (double)w->scale[b];
}

static void dot(const tn_nbits_row *w, int m, const float *a, const float *sums, float *y) {
    int64_t per = 8 / w->bits, n = w->blocks * w->block;
    for (int r = 0; r < m; r++) {
        double sum = 0;
        for (int64_t e = 0; e < n; e++)
            sum += value(w, e / w->block, e % w->block) * (double)a[r * n + e % per * (n / per) + e / per];
        y[r] = (float)sum;
    }
}

static void unpack(const tn_nbits_row *w, float *out) {
    for (int64_t b = 0; b < w->blocks; b++)
        for (int64_t e = 0; e < w->block; e++) *out++ = (float)value(w, b, e);
}

const tn_nbits_kernels tn_nbits_table_ref = { dot, unpack };
