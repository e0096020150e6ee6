/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* reduce.c - the row kernels of reductions in plain C: sums in f64, the definition of correct. */
#include "kernel/reduce.h"
#include <math.h>

static float sum(const float *x, size_t n) {
    double s = 0;
    for (size_t i = 0; i < n; i++) s += x[i];
    return (float)s;
}

static float sumabs(const float *x, size_t n) {
    double s = 0;
    for (size_t i = 0; i < n; i++) s += fabs(x[i]);
    return (float)s;
}

static float sumsq(const float *x, size_t n, float center) {
    double s = 0;
    for (size_t i = 0; i < n; i++) s += ((double)x[i] - center) * ((double)x[i] - center);
    return (float)s;
}

static float prod(const float *x, size_t n) {
    double p = 1;
    for (size_t i = 0; i < n; i++) p *= x[i];
    return (float)p;
}

static float max(const float *x, size_t n) {
    float m = -INFINITY;
    for (size_t i = 0; i < n; i++) m = x[i] > m || x[i] != x[i] ? x[i] : m;
    for (size_t i = 0; i < n; i++)
        if (x[i] != x[i]) return x[i];
    return m;
}

static float min(const float *x, size_t n) {
    float m = INFINITY;
    for (size_t i = 0; i < n; i++) m = x[i] < m ? x[i] : m;
    for (size_t i = 0; i < n; i++)
        if (x[i] != x[i]) return x[i];
    return m;
}

static size_t argmax(const float *x, size_t n) {
    size_t at = 0;
    float best = -INFINITY;
    for (size_t i = 0; i < n; i++)
        if (x[i] > best) best = x[at = i];
    return at;
}

static size_t argmin(const float *x, size_t n) {
    size_t at = 0;
    float best = INFINITY;
    for (size_t i = 0; i < n; i++)
        if (x[i] < best) best = x[at = i];
    return at;
}

static float expsum(const float *x, float *y, size_t n, float shift) {
    double s = 0;
    for (size_t i = 0; i < n; i++) {
        float e = expf(x[i] - shift);
        if (y) y[i] = e;
        s += e;
    }
    return (float)s;
}

static void softmax(const float *x, float *y, size_t n) {
    float s = expsum(x, y, n, max(x, n));
    for (size_t i = 0; i < n; i++) y[i] /= s;
}

static void logsoftmax(const float *x, float *y, size_t n) {
    float m = max(x, n), s = logf(expsum(x, NULL, n, m));
    for (size_t i = 0; i < n; i++) y[i] = x[i] - m - s;
}

static void normalize(const float *x, const float *gamma, const float *beta, float *y, size_t n, float mean,
                      float rstd) {
    for (size_t i = 0; i < n; i++) y[i] = (x[i] - mean) * rstd * (gamma ? gamma[i] : 1.0f) + (beta ? beta[i] : 0.0f);
}

const tn_reduce_kernels tn_reduce_table_ref = {
    .sum = sum,
    .sumabs = sumabs,
    .sumsq = sumsq,
    .prod = prod,
    .max = max,
    .min = min,
    .argmax = argmax,
    .argmin = argmin,
    .expsum = expsum,
    .softmax = softmax,
    .logsoftmax = logsoftmax,
    .normalize = normalize,
};
