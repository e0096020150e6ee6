/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pooling.c - pooling in plain C: the definition. */
#include "kernel/pooling.h"
#include "base/budget.h"
#include <math.h>

typedef struct {
    const tn_pooling_desc *d;
    double value;
    int64_t index; /* of the maximum within the image, -1: none */
    int64_t counted, inside;
} window;

static void take(window *w, float x, int64_t index) {
    switch (w->d->kind) {
    case TN_POOLING_MAX:
        if (w->index < 0 || !(x <= (float)w->value || isnan(w->value))) w->value = (double)x, w->index = index;
        break;
    case TN_POOLING_AVERAGE: w->value += (double)x; break;
    case TN_POOLING_LP: w->value += pow(fabs((double)x), w->d->p); break;
    }
}

static float result(const window *w) {
    if (w->d->kind == TN_POOLING_LP) return (float)pow(w->value, 1 / w->d->p);
    if (w->d->kind == TN_POOLING_MAX) return (float)w->value;
    int64_t n = w->d->count_include_pad ? w->counted : w->inside;
    return n ? (float)(w->value / (double)n) : 0;
}

/* All elements of output position o; x holds one channel, its elements `step` apart. */
static window pool_at(const tn_pooling_desc *d, const float *x, int64_t step, const int64_t *o, tn_ticks *ticks) {
    window w = { d, d->kind == TN_POOLING_MAX ? -INFINITY : 0, -1, 0, 0 };
    int64_t tap[TN_CONV_RANK] = { 0 };
    for (;;) {
        int64_t at = 0, index = 0, scale = 1;
        bool inside = true, counted = true;
        for (int i = 0; i < d->rank; i++) {
            int64_t p = o[i] * d->stride[i] - d->pad[i] + tap[i] * d->dilation[i];
            inside &= p >= 0 && p < d->in[i];
            counted &= p < d->in[i] + d->pad_end[i];
            at = at * d->in[i] + p;
            if (d->column_major) index += p * scale, scale *= d->in[i];
        }
        if (inside) take(&w, x[at * step], d->column_major ? index : at);
        w.inside += inside, w.counted += counted;
        int i = d->rank - 1;
        while (i >= 0 && ++tap[i] == d->kernel[i]) tap[i--] = 0;
        if (i < 0 || tn_ticks_stopped(ticks, 8)) return w;
    }
}

void tn_pooling_ref(const tn_pooling_desc *d, int block, const float *x, float *y, int64_t *indices) {
    bool blocked = d->layout == TN_LAYOUT_BLOCKED;
    int64_t in = 1, out = 1, step = blocked ? block : 1, blocks = (d->channels + block - 1) / block;
    for (int i = 0; i < d->rank; i++) in *= d->in[i], out *= d->out[i];
    tn_ticks ticks = { 0 };
    int64_t channels = blocked ? blocks * block : d->channels;
    for (int64_t c = 0; c < d->n * channels; c++) {
        int64_t o[TN_CONV_RANK] = { 0 };
        int64_t from = blocked ? c / block * in * block + c % block : c * in;
        int64_t to = blocked ? c / block * out * block + c % block : c * out;
        for (int64_t p = 0; p < out; p++) {
            window w = pool_at(d, x + from, step, o, &ticks);
            if (tn_ticks_stopped(&ticks, 8)) return;
            y[to + p * step] = result(&w);
            if (indices) indices[c * out + p] = w.index < 0 ? -1 : c * in + w.index;
            int i = d->rank - 1;
            while (i >= 0 && ++o[i] == d->out[i]) o[i--] = 0;
        }
    }
}
