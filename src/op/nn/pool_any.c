/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pool_any.c - pooling of any rank in double: see pool_any.h. */
#include "op/nn/pool_any.h"
#include "op/core/support.h"
#include <math.h>

typedef struct {
    const tn_pool_any *d;
    const tn_tensor *x, *shape; /* shape: of the result */
    tn_tensor *y, *index;
    const double *data;
    int64_t in, out; /* elements of a plane */
} job;

/* One window, clipped to the image: along every dimension the first element inside and how many there are. */
typedef struct {
    int64_t first[TN_WINDOW_RANK], n[TN_WINDOW_RANK], inside;
    double counted; /* with padding: may be more than memory could hold */
} clipped;

static clipped clip(const job *j, const int64_t *o) {
    const tn_window *w = &j->d->window;
    clipped c = { .inside = 1, .counted = 1 };
    for (int k = 0; k < w->rank; k++) {
        int64_t at = o[k] * w->stride[k] - w->begin[k], len = j->x->dims[2 + k], step = w->dilation[k];
        int64_t from = at < 0 ? (-at + step - 1) / step : 0, to = at >= len ? 0 : (len - at + step - 1) / step;
        int64_t padded = at >= len + w->end[k] ? 0 : (len + w->end[k] - at + step - 1) / step;
        to = to < w->kernel[k] ? to : w->kernel[k];
        c.first[k] = at + from * step, c.n[k] = to > from ? to - from : 0;
        c.inside *= c.n[k];
        c.counted *= (double)(padded < w->kernel[k] ? padded : w->kernel[k]);
    }
    return c;
}

static double pool_one(const job *j, const double *x, const int64_t *o, int64_t *index) {
    const tn_pool_any *d = j->d;
    int rank = d->window.rank;
    clipped c = clip(j, o);
    int64_t tap[TN_WINDOW_RANK] = { 0 };
    double sum = 0, most = -INFINITY;
    *index = -1;
    for (int64_t i = 0; i < c.inside; i++) {
        int64_t at = 0, flat = 0, scale = 1;
        for (int k = 0; k < rank; k++) {
            int64_t p = c.first[k] + tap[k] * d->window.dilation[k];
            at = at * j->x->dims[2 + k] + p;
            flat += p * scale, scale *= j->x->dims[2 + k];
        }
        double v = x[at];
        if (d->kind == TN_POOLING_LP) sum += pow(fabs(v), d->p);
        if (d->kind == TN_POOLING_AVERAGE) sum += v;
        if (*index < 0 || !(v <= most || isnan(most))) *index = d->column_major ? flat : at, most = v;
        for (int k = rank - 1; k >= 0 && ++tap[k] == c.n[k]; k--) tap[k] = 0;
    }
    if (d->kind == TN_POOLING_LP) return pow(sum, 1 / d->p);
    if (d->kind == TN_POOLING_MAX) return most;
    double n = d->count_include_pad ? c.counted : (double)c.inside;
    return n > 0 ? sum / n : 0;
}

static void pool_part(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    for (int64_t i = begin; i < end; i++) {
        int64_t o[TN_WINDOW_RANK], rest = i % j->out, plane = i / j->out, index;
        for (int k = j->d->window.rank - 1; k >= 0; k--)
            o[k] = rest % j->shape->dims[2 + k], rest /= j->shape->dims[2 + k];
        double v = pool_one(j, j->data + plane * j->in, o, &index);
        if (j->y) tn_set_f64(j->y->dtype, j->y->data, i, v);
        if (j->index) ((int64_t *)j->index->data)[i] = index < 0 ? -1 : plane * j->in + index;
    }
}

tn_status tn_pool_any_run(tn_run *r, const tn_pool_any *d, const tn_tensor *x, tn_tensor *y, tn_tensor *index) {
    job j = { .d = d, .x = x, .shape = y ? y : index, .y = y, .index = index, .data = x->data };
    int64_t n = tn_count(j.shape);
    if (n == 0) return TN_OK;
    if (x->dtype != TN_F64) {
        double *wide = tn_run_scratch(r, (size_t)(tn_count(x) + 1) * sizeof *wide);
        if (!wide) return tn_op_fail(r->node, TN_E_NOMEM, "no memory to convert the input");
        TN_TRY(tn_convert(x->dtype, x->data, TN_F64, wide, tn_count(x), true, TN_ROUND_NEAREST));
        j.data = wide;
    }
    j.in = tn_op_product(x->dims, 2, x->rank), j.out = tn_op_product(j.shape->dims, 2, j.shape->rank);
    tn_parallel(r->pool, n, 256, pool_part, &j);
    return TN_OK;
}
