/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pooling.c - the loops of pooling: blocked images row by row with the family's row kernels; plain images of one or two
 * dimensions go through blocks (sixteen channels are pooled at once, and windows need no gathering); everything else
 * runs the definition, channel by channel. */
#include "kernel/pooling.h"
#include "base/budget.h"
#include "base/mem.h"
#include "kernel/conv_parts.h"
#include "kernel/kernel.h"
#include <math.h>
#include <string.h>

typedef struct {
    const tn_pooling_desc *d;
    const tn_conv_kernels *k;
    const float *x;
    float *y;
    int64_t *indices;
    float *scratch;
    size_t x_floats, y_floats, scale_floats;
    int64_t h, w, oh, ow, in, out, blocks, row_parts;
} job;

static int64_t area(int rank, const int64_t *dims) {
    int64_t n = 1;
    for (int i = 0; i < rank; i++) n *= dims[i];
    return n;
}

bool tn_pooling_valid(const tn_pooling_desc *d) {
    tn_conv_desc c = { .rank = d->rank, .n = d->n, .ic = d->channels, .oc = d->channels, .group = d->channels };
    if (d->rank < 1 || d->rank > TN_CONV_RANK || d->channels < 1) return false;
    if (d->layout == TN_LAYOUT_BLOCKED && (d->rank > 2 || d->kind == TN_POOLING_LP)) return false;
    for (int i = 0; i < d->rank; i++) {
        c.in[i] = d->in[i], c.out[i] = d->out[i], c.kernel[i] = d->kernel[i], c.stride[i] = d->stride[i];
        c.dilation[i] = d->dilation[i], c.pad[i] = d->pad[i];
        if (d->pad_end[i] < 0 || d->pad_end[i] > 1 << 30) return false;
    }
    return tn_conv_valid(&c) && d->layout <= TN_LAYOUT_BLOCKED;
}

static bool has_rows(const tn_pooling_desc *d) { return d->rank <= 2 && d->kind != TN_POOLING_LP; }

static void make_job(job *j, const tn_kernels *k, const tn_pooling_desc *d) {
    int x = d->rank - 1;
    *j = (job){ .d = d, .k = &k->conv, .h = x ? d->in[0] : 1, .w = d->in[x], .oh = x ? d->out[0] : 1, .ow = d->out[x] };
    j->in = area(d->rank, d->in), j->out = area(d->rank, d->out);
    int64_t c = k->conv.block;
    j->blocks = tn_ceil_div(d->channels, c);
    if (!has_rows(d)) return;
    if (d->kind == TN_POOLING_AVERAGE) j->scale_floats = tn_align_up((size_t)j->ow, 16);
    if (d->layout == TN_LAYOUT_PLAIN) {
        j->x_floats = tn_align_up((size_t)(j->in * c), 16);
        j->y_floats = tn_align_up((size_t)(j->out * c), 16);
    }
}

size_t tn_pooling_scratch(const tn_kernels *k, const tn_pooling_desc *d, int threads) {
    job j;
    make_job(&j, k, d);
    return (j.x_floats + j.y_floats + j.scale_floats) * sizeof(float) * (size_t)threads;
}

/* Elements of the window at output o along dimension i: inside the image, or inside the padded image. */
static int64_t elements(const tn_pooling_desc *d, int i, int64_t o, bool padded, int64_t *first) {
    int64_t at = o * d->stride[i] - d->pad[i], end = d->in[i] + (padded ? d->pad_end[i] : 0), dl = d->dilation[i];
    int64_t from = at < 0 && !padded ? tn_ceil_div(-at, dl) : 0;
    int64_t to = at >= end ? 0 : tn_min64(d->kernel[i], tn_ceil_div(end - at, dl));
    if (first) *first = at + from * dl;
    return tn_max64(0, to - from);
}

/* Rows [from, to) of y of one block of channels. */
static void pool_rows(const job *j, const float *x, float *y, int64_t from, int64_t to, float *scale) {
    const tn_pooling_desc *d = j->d;
    int64_t c = j->k->block, i = d->rank - 1, top = 0;
    uint64_t each = (uint64_t)(j->ow * d->kernel[i] * (i ? d->kernel[0] : 1)); /* units of a row */
    bool pad = d->count_include_pad, average = d->kind == TN_POOLING_AVERAGE;
    tn_pooling_row r = { .row_step = j->w * c,
                         .w = j->w,
                         .ow = j->ow,
                         .kernel = d->kernel[i],
                         .stride = d->stride[i],
                         .dilation = d->dilation[i],
                         .pad = d->pad[i] };
    int64_t scaled_for = -1;
    tn_ticks ticks = { 0 };
    for (int64_t oy = from; oy < to && !tn_ticks_stopped(&ticks, each); oy++) {
        r.rows = i ? elements(d, 0, oy, false, &top) : 1;
        if (i) r.row_step = j->w * c * d->dilation[0];
        r.x = r.rows ? x + top * j->w * c : x;
        r.y = y + oy * j->ow * c;
        int64_t counted = i && average ? elements(d, 0, oy, pad, NULL) : 1;
        if (average && counted != scaled_for) {
            for (int64_t ox = 0; ox < j->ow; ox++) {
                int64_t n = counted * elements(d, (int)i, ox, pad, NULL);
                scale[ox] = n ? 1.0f / (float)n : 0;
            }
            scaled_for = counted;
        }
        r.scale = average ? scale : NULL;
        (average ? j->k->sum_row : j->k->max_row)(&r);
    }
}

static void blocked_part(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    int64_t c = j->k->block;
    float *scale = j->scratch ? j->scratch + (size_t)thread * j->scale_floats : NULL; /* NULL: none wanted */
    while (begin < end) { /* rows of all blocks are counted through */
        int64_t block = begin / j->oh, row = begin % j->oh, rows = tn_min64(j->oh - row, end - begin);
        pool_rows(j, j->x + block * j->in * c, j->y + block * j->out * c, row, row + rows, scale);
        begin += rows;
    }
}

static void plain_part(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    int64_t c = j->k->block;
    float *xb = j->scratch + (size_t)thread * (j->x_floats + j->y_floats + j->scale_floats);
    float *yb = xb + j->x_floats, *scale = yb + j->y_floats;
    for (int64_t i = begin; i < end; i++) {
        int64_t image = i / j->blocks, block = i % j->blocks, first = image * j->d->channels + block * c;
        int channels = (int)tn_min64(c, j->d->channels - block * c);
        j->k->to_blocked(j->x + first * j->in, j->in, channels, j->in, xb);
        pool_rows(j, xb, yb, 0, j->oh, scale);
        j->k->from_blocked(yb, j->out, channels, j->out, j->y + first * j->out);
    }
}

/* The definition for a range of planes. */
static void general_part(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    tn_pooling_desc d = *j->d;
    bool blocked = d.layout == TN_LAYOUT_BLOCKED;
    int64_t c = blocked ? j->k->block : 1;
    d.n = end - begin, d.channels = c;
    tn_pooling_ref(&d, (int)c, j->x + begin * j->in * c, j->y + begin * j->out * c,
                   j->indices ? j->indices + begin * j->out : NULL);
    if (j->indices)
        for (int64_t i = begin * j->out; i < end * j->out; i++) j->indices[i] += j->indices[i] < 0 ? 0 : begin * j->in;
}

void tn_pooling_run(const tn_kernels *k, const tn_pooling_desc *d, const float *x, float *y, int64_t *indices,
                    void *scratch, tn_pool *pool) {
    job j;
    make_job(&j, k, d);
    j.x = x, j.y = y, j.indices = indices, j.scratch = scratch;
    bool blocked = d->layout == TN_LAYOUT_BLOCKED, empty = j.in == 0 || j.out == 0;
    bool ready = scratch || (j.x_floats + j.y_floats + j.scale_floats) == 0;
    int64_t grain = 1 + 4096 / (1 + j.ow * d->kernel[d->rank - 1]);
    if (has_rows(d) && !indices && ready && !empty && blocked)
        tn_parallel(pool, d->n * j.blocks * j.oh, grain, blocked_part, &j);
    else if (has_rows(d) && !indices && ready && !empty)
        tn_parallel(pool, d->n * j.blocks, 1, plain_part, &j);
    else
        tn_parallel(pool, d->n * (blocked ? j.blocks : d->channels), 1, general_part, &j);
}

/* ------------------------------------------------------------------------------------------------- whole images */

typedef struct {
    const tn_conv_kernels *k;
    tn_pooling_kind kind;
    double p;
    int64_t pixels;
    const float *x;
    float *y;
} global_job;

static void global_blocked(void *arg, int64_t begin, int64_t end, int thread) {
    const global_job *j = arg;
    int64_t c = j->k->block;
    bool average = j->kind == TN_POOLING_AVERAGE;
    float scale = 1.0f / (float)j->pixels;
    for (int64_t i = begin; i < end; i++) {
        tn_pooling_row r = { .x = j->x + i * j->pixels * c,
                             .rows = 1,
                             .w = j->pixels,
                             .ow = 1,
                             .kernel = j->pixels,
                             .stride = 1,
                             .dilation = 1,
                             .scale = average ? &scale : NULL,
                             .y = j->y + i * c };
        (average ? j->k->sum_row : j->k->max_row)(&r);
    }
}

static void global_lp_blocked(const global_job *j, const float *x, float *y) {
    int64_t c = j->k->block;
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < c; i++) {
        double sum = 0;
        for (int64_t p = 0; p < j->pixels && !tn_ticks_stopped(&ticks, 32); p++)
            sum += pow(fabs((double)x[p * c + i]), j->p);
        y[i] = (float)pow(sum, 1 / j->p);
    }
}

static float global_plain(const global_job *j, const float *x) {
    enum { LANES = 16 };
    float s[LANES];
    double sum = 0;
    int64_t n = j->pixels, i = 0;
    if (j->kind == TN_POOLING_LP) {
        tn_ticks ticks = { 0 };
        for (; i < n && !tn_ticks_stopped(&ticks, 32); i++) sum += pow(fabs((double)x[i]), j->p);
        return (float)pow(sum, 1 / j->p);
    }
    bool max = j->kind == TN_POOLING_MAX;
    for (int l = 0; l < LANES; l++) s[l] = max ? -INFINITY : 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) s[l] = max ? tn_max_or_nan(s[l], x[i + l]) : s[l] + x[i + l];
    for (; i < n; i++) s[0] = max ? tn_max_or_nan(s[0], x[i]) : s[0] + x[i];
    for (int l = 1; l < LANES; l++) s[0] = max ? tn_max_or_nan(s[0], s[l]) : s[0] + s[l];
    return max ? s[0] : s[0] / (float)n;
}

static void global_rest(void *arg, int64_t begin, int64_t end, int thread) {
    const global_job *j = arg;
    for (int64_t i = begin; i < end; i++) j->y[i] = global_plain(j, j->x + i * j->pixels);
}

static void global_rest_blocked(void *arg, int64_t begin, int64_t end, int thread) {
    const global_job *j = arg;
    int64_t c = j->k->block;
    for (int64_t i = begin; i < end; i++) global_lp_blocked(j, j->x + i * j->pixels * c, j->y + i * c);
}

void tn_global_pooling(const tn_kernels *k, tn_pooling_kind kind, double p, int64_t n, int64_t channels, int64_t pixels,
                       tn_conv_layout layout, const float *x, float *y, tn_pool *pool) {
    global_job j = { &k->conv, kind, p, pixels, x, y };
    int64_t c = k->conv.block, blocks = n * tn_ceil_div(channels, c), grain = 1 + 16384 / (1 + pixels);
    if (layout == TN_LAYOUT_BLOCKED)
        tn_parallel(pool, blocks, 1 + grain / c, kind == TN_POOLING_LP ? global_rest_blocked : global_blocked, &j);
    else
        tn_parallel(pool, n * channels, grain, global_rest, &j);
}
