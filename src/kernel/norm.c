/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* norm.c - normalisations, row by row through the reduction kernels. */
#include "kernel/norm.h"
#include "base/budget.h"
#include "kernel/empty.h"
#include "kernel/kernel.h"
#include <math.h>

enum { GRAIN = 8192, LONG = 1 << 20 /* elements of a row between looks at the budget */ };

typedef struct {
    int64_t n, channels, groups; /* n: elements that share their statistics, or of one channel */
    const float *x, *gamma, *beta;
    float eps, *y, *mean, *rstd;
} job;

static int64_t grain_of(int64_t n) { return n < GRAIN ? GRAIN / (n ? n : 1) : 1; }

static int64_t piece(int64_t left) { return left < LONG ? left : LONG; }

static float sum_of(const tn_reduce_kernels *k, const float *x, int64_t n) {
    if (n <= LONG) return k->sum(x, (size_t)n);
    double s = 0;
    for (int64_t at = 0; at < n && !tn_budget_stopped(); at += LONG) s += (double)k->sum(x + at, (size_t)piece(n - at));
    return (float)s;
}

static float squares_of(const tn_reduce_kernels *k, const float *x, int64_t n, float from) {
    if (n <= LONG) return k->sumsq(x, (size_t)n, from);
    double s = 0;
    for (int64_t at = 0; at < n && !tn_budget_stopped(); at += LONG)
        s += (double)k->sumsq(x + at, (size_t)piece(n - at), from);
    return (float)s;
}

static void normalize(const tn_reduce_kernels *k, const float *x, const float *gamma, const float *beta, float *y,
                      int64_t n, float mean, float rstd) {
    for (int64_t at = 0; at < n && !(at && tn_budget_stopped()); at += LONG)
        k->normalize(x + at, gamma ? gamma + at : NULL, beta ? beta + at : NULL, y + at, (size_t)piece(n - at), mean,
                     rstd);
}

/* Where elements differ little for their size, the last bit of the mean is much of what is left of them (all of it,
 * when they are equal): it is corrected by the mean of the differences. */
static void statistics(const tn_reduce_kernels *k, const float *x, int64_t n, float eps, float *mean, float *rstd) {
    *mean = sum_of(k, x, n) / (float)n;
    float var = squares_of(k, x, n, *mean) / (float)n;
    if (*mean * *mean > 1e4f * (var + eps)) {
        double rest = 0;
        tn_ticks ticks = { 0 };
        for (int64_t i = 0; i < n && !tn_ticks_stopped(&ticks, 1); i++) rest += (double)(x[i] - *mean);
        *mean += (float)(rest / (double)n);
        var = squares_of(k, x, n, *mean) / (float)n;
    }
    *rstd = 1.0f / sqrtf(var + eps);
}

static void layer_norm(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    const tn_reduce_kernels *k = &tn_kernels_get()->reduce;
    for (int64_t r = begin; r < end; r++) {
        float mean, rstd;
        const float *x = j->x + r * j->n;
        statistics(k, x, j->n, j->eps, &mean, &rstd);
        normalize(k, x, j->gamma, j->beta, j->y + r * j->n, j->n, mean, rstd);
        if (j->mean) j->mean[r] = mean;
        if (j->rstd) j->rstd[r] = rstd;
    }
}

void tn_layer_norm_run(int64_t rows, int64_t n, const float *x, const float *gamma, const float *beta, float eps,
                       float *y, float *mean, float *rstd, tn_pool *pool) {
    job j = {
        .n = n, .x = tn_some(x), .gamma = gamma, .beta = beta, .eps = eps, .y = tn_some(y), .mean = mean, .rstd = rstd
    };
    tn_parallel(pool, rows, grain_of(n), layer_norm, &j);
}

static void rms_norm(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    const tn_reduce_kernels *k = &tn_kernels_get()->reduce;
    for (int64_t r = begin; r < end; r++) {
        const float *x = j->x + r * j->n;
        float rstd = 1.0f / sqrtf(squares_of(k, x, j->n, 0.0f) / (float)j->n + j->eps);
        normalize(k, x, j->gamma, NULL, j->y + r * j->n, j->n, 0.0f, rstd);
        if (j->rstd) j->rstd[r] = rstd;
    }
}

void tn_rms_norm_run(int64_t rows, int64_t n, const float *x, const float *gamma, float eps, float *y, float *rstd,
                     tn_pool *pool) {
    job j = { .n = n, .x = tn_some(x), .gamma = gamma, .eps = eps, .y = tn_some(y), .rstd = rstd };
    tn_parallel(pool, rows, grain_of(n), rms_norm, &j);
}

/* One group of one image: its channels differ in gamma and beta only. */
static void group_norm(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    const tn_kernels *k = tn_kernels_get();
    int64_t per = j->channels / j->groups;
    for (int64_t u = begin; u < end; u++) {
        int64_t first = u % j->groups * per;
        const float *x = j->x + u * per * j->n;
        float *y = j->y + u * per * j->n, mean, rstd;
        statistics(&k->reduce, x, per * j->n, j->eps, &mean, &rstd);
        for (int64_t c = 0; c < per; c++, x += j->n, y += j->n) {
            float scale = rstd * (j->gamma ? j->gamma[first + c] : 1.0f);
            if (tn_budget_stopped()) return;
            normalize(&k->reduce, x, NULL, NULL, y, j->n, mean, scale);
            if (j->beta) k->vec.binary[TN_B_ADD][TN_VS](y, &j->beta[first + c], y, (size_t)j->n);
        }
    }
}

void tn_group_norm_run(int64_t batch, int64_t channels, int64_t groups, int64_t inner, const float *x,
                       const float *gamma, const float *beta, float eps, float *y, tn_pool *pool) {
    job j = { .n = inner,
              .channels = channels,
              .groups = groups,
              .x = tn_some(x),
              .gamma = gamma,
              .beta = beta,
              .eps = eps,
              .y = tn_some(y) };
    tn_parallel(pool, batch * groups, grain_of(channels / groups * inner), group_norm, &j);
}

static void channel_affine(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    tn_unary_fn affine = tn_kernels_get()->vec.unary[TN_U_AFFINE];
    for (int64_t r = begin; r < end; r++)
        affine(j->x + r * j->n, j->y + r * j->n, (size_t)j->n, j->gamma[r % j->channels], j->beta[r % j->channels]);
}

void tn_channel_affine_run(int64_t batch, int64_t channels, int64_t inner, const float *x, const float *scale,
                           const float *shift, float *y, tn_pool *pool) {
    job j = { .n = inner, .channels = channels, .x = tn_some(x), .gamma = scale, .beta = shift, .y = tn_some(y) };
    tn_parallel(pool, batch * channels, 2 * grain_of(inner), channel_affine, &j);
}

void tn_batch_norm_fold(int64_t channels, const float *gamma, const float *beta, const float *mean, const float *var,
                        float eps, float *scale, float *shift) {
    for (int64_t c = 0; c < channels; c++) {
        float s = gamma[c] / sqrtf(var[c] + eps), t = beta[c] - mean[c] * s;
        scale[c] = s;
        shift[c] = t;
    }
}
