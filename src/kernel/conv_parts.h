/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv_parts.h - what the convolution drivers share. The algorithms are one file of kernel/ each; conv.c lists them. */
#ifndef TN_KERNEL_CONV_PARTS_H
#define TN_KERNEL_CONV_PARTS_H

#include "base/budget.h"
#include "kernel/conv.h"

extern const tn_conv_algo tn_conv_algo_blocked, tn_conv_algo_thin, tn_conv_algo_pairs; /* conv_blocked.c */
extern const tn_conv_algo tn_conv_algo_depthwise;                                      /* conv_depthwise.c */
extern const tn_conv_algo tn_conv_algo_winograd;                                       /* conv_winograd.c */
extern const tn_conv_algo tn_conv_algo_reordered, tn_conv_algo_reordered_winograd;     /* conv_reordered.c */
extern const tn_conv_algo tn_conv_algo_reordered_pairs;                                /* conv_reordered.c */
extern const tn_conv_algo tn_conv_algo_transposed;                                     /* conv_transposed.c */
extern const tn_conv_algo tn_conv_algo_interleaved;                                    /* conv_interleaved.c */
extern const tn_conv_algo tn_conv_algo_columns;                                        /* conv_columns.c */
extern const tn_conv_algo tn_conv_algo_direct;                                         /* conv.c */

/** Is it likely faster than direct sums? */
bool tn_conv_winograd_pays(const struct tn_kernels *k, const tn_conv_desc *d);

static inline int64_t tn_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; } /* a >= 0 */
static inline int64_t tn_min64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t tn_max64(int64_t a, int64_t b) { return a > b ? a : b; }

/** A description of rank 1 or 2 as two dimensions: h is 1 for rank 1. */
typedef struct tn_conv_2d {
    int64_t h, w, oh, ow, kh, kw, sh, sw, dh, dw, pt, pl;
} tn_conv_2d;

static inline tn_conv_2d tn_conv_as_2d(const tn_conv_desc *d) {
    int x = d->rank - 1;
    tn_conv_2d s = { .h = 1, .oh = 1, .kh = 1, .sh = 1, .dh = 1 };
    s.w = d->in[x], s.ow = d->out[x], s.kw = d->kernel[x];
    s.sw = d->stride[x], s.dw = d->dilation[x], s.pl = d->pad[x];
    if (x > 0) {
        s.h = d->in[0], s.oh = d->out[0], s.kh = d->kernel[0];
        s.sh = d->stride[0], s.dh = d->dilation[0], s.pt = d->pad[0];
    }
    return s;
}

/** Threads worth waking for a description: one when it takes only microseconds. `speed` in GFLOP/s, roughly. */
static inline int tn_conv_threads(const tn_conv_desc *d, double speed, int threads) {
    return tn_conv_flops(d) < speed * 6e3 ? 1 : threads;
}

/** Blocks of output channels are bundled as the tiles take them, `per` at a time. Of pairs, a single block left over
 *  joins the last one. */
static inline int64_t tn_conv_bundles(int64_t blocks, int64_t per) {
    return per == 2 && blocks > 1 ? blocks / 2 : tn_ceil_div(blocks, per);
}
static inline int tn_conv_bundle_size(int64_t blocks, int64_t per, int64_t i) {
    return (int)(i == tn_conv_bundles(blocks, per) - 1 ? blocks - i * per : per);
}

/** Runs a row of `pixels` pixels in tiles of nearly equal width, at most `most`; advances t->x, t->y, t->add and, by
 * the `channels` that a tap sums, t->ahead. */
static inline void tn_conv_run_row(const tn_conv_tile_fn *by_pixels, int most, tn_conv_tile *t, int64_t pixels,
                                   int64_t x_pixel, int64_t channels) {
    tn_ticks ticks = { 0 };
    for (int64_t tiles = tn_ceil_div(pixels, most); tiles > 0; tiles--) {
        if (tn_ticks_stopped(&ticks, 4 * (uint64_t)(t->ntaps * channels))) return;
        t->pixels = (int)tn_ceil_div(pixels, tiles);
        by_pixels[t->pixels - 1](t);
        t->x += t->pixels * x_pixel;
        t->y += t->pixels * t->y_pixel;
        if (t->add) t->add += t->pixels * t->y_pixel;
        if (t->ahead) t->ahead += t->ntaps * channels * t->ahead_step;
        pixels -= t->pixels;
    }
}

/** Lets tiles prefetch the weights that come `bytes` after those in use: `tiles` tiles will run before they are needed.
 */
static inline void tn_conv_look_ahead(tn_conv_tile *t, const float *next, int64_t tiles) {
    int64_t step = 64 * t->blocks / tn_max64(tiles, 1);
    t->ahead = (const char *)next;
    t->ahead_step = step > 32 ? 64 : step > 16 ? 32 : 16;
}

/** Channels past oc are zeros in a blocked y, also where act(0) is not: lanes `used`.. of n pixels. */
static inline void tn_conv_clear_lanes(float *y, int64_t y_pixel, int64_t n, int block, int64_t used) {
    enum { PIECE = 1 << 16 }; /* pixels between looks at the budget: a row may be endless */
    for (int64_t p = 0; p < n && !(p % PIECE == 0 && tn_budget_stopped()); p++)
        for (int64_t i = used; i < block; i++) y[p * y_pixel + i] = 0;
}

/** Tiles sum channels four at a time, so that up to three lanes past the last channel meet weights of zero. Zero times
 *  infinity is NaN: what is in those lanes must be finite, also where x was not. `mixes`: channels of x are summed, so
 *  that an infinite one reaches the lanes of y. */
enum { TN_CONV_TOGETHER = 4 };
static inline bool tn_conv_must_clear(const tn_conv_desc *d, int block, bool mixes) {
    return d->oc % block && ((mixes && d->oc % TN_CONV_TOGETHER) || tn_act_scalar(d->act, 0.0f) != 0);
}

#endif
