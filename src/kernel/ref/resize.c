/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* resize.c - the row kernels of resampling in plain C. */
#include "kernel/resize.h"

static void gather_taps(const float *x, const int32_t *index, const float *w, int taps, int64_t n, float *y) {
    for (int64_t i = 0; i < n; i++) {
        float s = 0;
        for (int k = 0; k < taps; k++) s += w[k * n + i] * x[index[k * n + i]];
        y[i] = s;
    }
}

static void gather(const uint32_t *x, const int32_t *index, int64_t n, uint32_t *y) {
    for (int64_t i = 0; i < n; i++) y[i] = x[index[i]];
}

static void blend(const float *const *rows, const float *w, int taps, int64_t n, float *y) {
    for (int64_t i = 0; i < n; i++) {
        float s = 0;
        for (int k = 0; k < taps; k++) s += w[k] * rows[k][i];
        y[i] = s;
    }
}

const tn_resize_kernels tn_resize_table_ref = { gather_taps, gather, blend };
