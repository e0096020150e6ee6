/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* resize_simd.h - the row kernels of resampling, written once for both vector lengths. The processor's gather loads
 * take about one cycle per element, which the weights hide. */
#include "kernel/resize.h"

static void gather_taps(const float *x, const int32_t *index, const float *w, int taps, int64_t n, float *y) {
    int64_t i = 0;
    for (; i + TN_VL <= n; i += TN_VL) {
        tn_vf s = V_LOAD(w + i) * tn_v_gather(x, index + i);
        for (int k = 1; k < taps; k++) s = V_FMA(V_LOAD(w + k * n + i), tn_v_gather(x, index + k * n + i), s);
        V_STORE(y + i, s);
    }
    for (; i < n; i++) {
        float s = w[i] * x[index[i]];
        for (int k = 1; k < taps; k++) s += w[k * n + i] * x[index[k * n + i]];
        y[i] = s;
    }
}

static void gather(const uint32_t *x, const int32_t *index, int64_t n, uint32_t *y) {
    int64_t i = 0;
    for (; i + TN_VL <= n; i += TN_VL)
        V_STORE((float *)(void *)(y + i), tn_v_gather((const float *)(const void *)x, index + i));
    for (; i < n; i++) y[i] = x[index[i]];
}

static void blend(const float *const *rows, const float *w, int taps, int64_t n, float *y) {
    int64_t i = 0;
    for (; i + TN_VL <= n; i += TN_VL) {
        tn_vf s = V_SET(w[0]) * V_LOAD(rows[0] + i);
        for (int k = 1; k < taps; k++) s = V_FMA(V_SET(w[k]), V_LOAD(rows[k] + i), s);
        V_STORE(y + i, s);
    }
    if (i == n) return;
    size_t r = (size_t)(n - i);
    tn_vf s = V_SET(w[0]) * tn_v_loadn(rows[0] + i, r);
    for (int k = 1; k < taps; k++) s = V_FMA(V_SET(w[k]), tn_v_loadn(rows[k] + i, r), s);
    tn_v_storen(y + i, s, r);
}
