/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pooling.c - pooling on every variant against the definition, on random windows. */
#include "kernel/pooling.h"
#include "base/status.h"
#include "kernel/reorder.h"
#include "lib/kernel_check.h"
#include "tensor/dtype.h"
#include <math.h>
#include <string.h>

#define pick(lo, hi) check_int(c, lo, hi)

static float *values(check_ctx *c, int64_t n) {
    float *x = check_floats(c, (size_t)n);
    for (int64_t i = 0; i < n; i++) x[i] *= 10;
    return x;
}

static void random_desc(check_ctx *c, tn_pooling_desc *d) {
    *d = (tn_pooling_desc){ .kind = (tn_pooling_kind)pick(0, 2),
                            .rank = (int)pick(1, 3),
                            .n = pick(1, 2),
                            .channels = pick(1, 40),
                            .count_include_pad = pick(0, 1),
                            .p = (double)pick(1, 3) };
    if (d->rank < 3 && d->kind != TN_POOLING_LP) d->layout = (tn_conv_layout)pick(0, 1);
    for (int i = 0; i < d->rank; i++) {
        d->kernel[i] = pick(1, pick(0, 3) ? 3 : 12), d->stride[i] = pick(1, 3), d->dilation[i] = pick(0, 3) ? 1 : 2;
        d->in[i] = pick(1, 20), d->pad[i] = pick(0, d->kernel[i] - 1), d->pad_end[i] = pick(0, d->kernel[i] - 1);
        int64_t reach = (d->kernel[i] - 1) * d->dilation[i] + 1;
        if (d->in[i] + d->pad[i] + d->pad_end[i] < reach) d->in[i] += reach;
        bool ceil_mode = pick(0, 1);
        d->out[i] =
            (d->in[i] + d->pad[i] + d->pad_end[i] - reach + (ceil_mode ? d->stride[i] - 1 : 0)) / d->stride[i] + 1;
    }
}

/* NaN and infinities among x; sums of them are what IEEE says, in any order. */
static void spoil(check_ctx *c, float *x, int64_t n, tn_pooling_kind kind) {
    for (int64_t left = n && check_chance(c, 40) ? pick(1, 4) : 0; left > 0; left--)
        x[pick(0, n - 1)] = kind == TN_POOLING_LP ? NAN : pick(0, 1) ? NAN : pick(0, 1) ? INFINITY : -INFINITY;
}

static void compare(check_ctx *c, const float *want, const float *got, int64_t n) {
    check_close(c, got, want, (size_t)n, 1e-4, 1e-5);
}

static void windows(check_ctx *c) {
    const tn_kernels *k = c->fast;
    tn_pooling_desc d;
    random_desc(c, &d);
    if (!tn_pooling_valid(&d)) check_fail(c, "should be valid");
    int64_t in = 1, out = 1;
    for (int j = 0; j < d.rank; j++) in *= d.in[j], out *= d.out[j];
    int64_t nx = tn_layout_floats(k->conv.block, d.layout, d.n, d.channels, in);
    int64_t ny = tn_layout_floats(k->conv.block, d.layout, d.n, d.channels, out);
    float *x = values(c, nx), *want = check_out(c, (size_t)ny * 4), *y = check_out(c, (size_t)ny * 4);
    spoil(c, x, nx, d.kind);
    void *scratch = check_aligned(c, tn_pooling_scratch(k, &d, 3));
    tn_pooling_ref(&d, k->conv.block, x, want, NULL);
    check_call(c, tn_pooling_run(k, &d, x, y, NULL, scratch, check_pool(c)));
    compare(c, want, y, ny);
    y = check_out(c, (size_t)ny * 4);
    tn_pooling_run(k, &d, x, y, NULL, NULL, NULL); /* without scratch */
    compare(c, want, y, ny);
}

static void maxima_know_their_place(check_ctx *c) {
    /* 2 images x 2 channels of 2 x 3; the largest of each 2 x 2 window. */
    float x[24], y[8];
    int64_t at[8];
    for (int i = 0; i < 24; i++) x[i] = (float)(i * 7 % 24);
    tn_pooling_desc d = { .kind = TN_POOLING_MAX,
                          .rank = 2,
                          .n = 2,
                          .channels = 2,
                          .in = { 2, 3 },
                          .out = { 1, 2 },
                          .kernel = { 2, 2 },
                          .stride = { 1, 1 },
                          .dilation = { 1, 1 } };
    tn_pooling_run(c->fast, &d, x, y, at, NULL, NULL);
    for (int i = 0; i < 8; i++)
        if (!(x[at[i]] == y[i] && at[i] / 6 == i / 2)) check_fail(c, "maximum %d", i);
    d.column_major = true;
    tn_pooling_run(c->fast, &d, x, y, at, NULL, NULL);
    for (int i = 0; i < 8; i++) {
        int64_t in = at[i] % 6, row = in % 2, column = in / 2;
        if (x[i / 2 * 6 + row * 3 + column] != y[i]) check_fail(c, "maximum %d by columns", i);
    }
}

static void whole_images_are_one_window(check_ctx *c) {
    tn_pooling_desc d = { .kind = (tn_pooling_kind)pick(0, 2),
                          .rank = 1,
                          .n = pick(1, 2),
                          .channels = pick(1, 40),
                          .in = { pick(1, 70) },
                          .out = { 1 },
                          .stride = { 1 },
                          .dilation = { 1 },
                          .p = 2,
                          .layout = (tn_conv_layout)pick(0, 1) };
    d.kernel[0] = d.in[0];
    int64_t nx = tn_layout_floats(c->fast->conv.block, d.layout, d.n, d.channels, d.in[0]);
    int64_t ny = tn_layout_floats(c->fast->conv.block, d.layout, d.n, d.channels, 1);
    float *x = values(c, nx), *want = check_out(c, (size_t)ny * 4), *y = check_out(c, (size_t)ny * 4);
    spoil(c, x, nx, d.kind);
    tn_pooling_ref(&d, c->fast->conv.block, x, want, NULL);
    tn_global_pooling(c->fast, d.kind, d.p, d.n, d.channels, d.in[0], d.layout, x, y, check_pool(c));
    compare(c, want, y, ny);
}

static void channels_last_is_reached_from_everywhere(check_ctx *c) {
    const tn_kernels *k = c->fast;
    static const tn_conv_layout all[] = { TN_LAYOUT_PLAIN, TN_LAYOUT_BLOCKED, TN_LAYOUT_LAST };
    int64_t n = pick(1, 2), channels = pick(1, 40), pixels = pick(1, 40), plain_floats = n * channels * pixels;
    int64_t blocked = tn_layout_floats(k->conv.block, TN_LAYOUT_BLOCKED, n, channels, pixels);
    float *plain = values(c, plain_floats);
    for (size_t from = 0; from < 3; from++)
        for (size_t to = 0; to < 3; to++) {
            size_t na = (size_t)(all[from] == TN_LAYOUT_BLOCKED ? blocked : plain_floats);
            size_t nb = (size_t)(all[to] == TN_LAYOUT_BLOCKED ? blocked : plain_floats);
            float *a = check_out(c, na * 4), *b = check_out(c, nb * 4), *back = check_out(c, (size_t)plain_floats * 4);
            tn_reorder(k, n, channels, pixels, TN_LAYOUT_PLAIN, plain, all[from], a, NULL);
            tn_reorder(k, n, channels, pixels, all[from], a, all[to], b, check_pool(c));
            tn_reorder(k, n, channels, pixels, all[to], b, TN_LAYOUT_PLAIN, back, NULL);
            check_same(c, back, plain, (size_t)plain_floats * 4);
            if (all[to] == TN_LAYOUT_LAST && b[(pixels - 1) * channels + channels - 1] != plain[channels * pixels - 1])
                check_fail(c, "channels do not come last");
        }
}

static const check_case cases[] = { { "windows", windows, 200 },
                                    { "maxima", maxima_know_their_place, 1 },
                                    { "whole", whole_images_are_one_window, 60 },
                                    { "layouts", channels_last_is_reached_from_everywhere, 40 } };
int main(int argc, char **argv) { return check_main("pooling", cases, TN_COUNT(cases), argc, argv); }
