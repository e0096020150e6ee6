/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv_transposed.c - transposed convolution of blocked tensors with the tiles of ordinary convolution.
 *
 * The output columns ox = q * stride + phase of one phase take from the same kernel columns: those kx with
 * phase + pad - kx * dilation divisible by the stride, input column q + that quotient. So every output row and phase is
 * a row of tiles with its own list of taps, whose results lie `stride` pixels apart; nothing is added up in memory.
 * Rows of x get margins of zeros (a copy) when a quotient leads out of the image.
 *
 * Weights: [bias, padded][group][bundle][ky][kx][plane][c input channels][B][c]. */
#include "base/budget.h"
#include "base/mem.h"
#include "kernel/conv_parts.h"
#include "kernel/kernel.h"
#include <string.h>

enum { FLOATS_MAX = 1 << 30, TAPS_MAX = 1 << 20, PAIR = 2 };

typedef struct {
    const tn_conv_desc *d;
    const tn_conv_kernels *k;
    const tn_conv_io *io;
    tn_conv_2d s;
    int c;
    int64_t groups, planes, blocks, bundles;
    int64_t margin, row; /* pixels before each row of x, and pixels of a row, in the copy */
    bool copy;
    size_t copy_floats, taps;
    const float *x; /* of the image at hand, as read by the tiles */
    int64_t image;
    tn_conv_tap *lists; /* `taps` for each thread */
} plan;

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static bool make_plan(plan *p, const tn_conv_kernels *k, const tn_conv_desc *d) {
    int64_t c = k->block;
    *p = (plan){ .d = d, .k = k, .c = (int)c, .groups = d->group };
    if (!d->transposed || d->rank > 2) return false;
    if (d->x_layout != TN_LAYOUT_BLOCKED || d->y_layout != TN_LAYOUT_BLOCKED) return false;
    int64_t ic = d->ic / d->group, oc = d->oc / d->group;
    if (d->group > 1 && (ic % c || oc % c)) return false;
    tn_conv_2d s = p->s = tn_conv_as_2d(d);
    if (s.h < 1 || s.w < 1) return false;
    p->planes = tn_ceil_div(ic, c), p->blocks = tn_ceil_div(oc, c);
    p->bundles = tn_conv_bundles(p->blocks, PAIR);
    int64_t least = floor_div(s.pl - (s.kw - 1) * s.dw, s.sw), most = floor_div(s.ow - 1 + s.pl, s.sw);
    p->margin = least < 0 ? -least : 0;
    p->row = p->margin + tn_max64(s.w, most + 1);
    p->copy = p->row != s.w;
    double floats = (double)p->groups * (double)p->planes * (double)s.h * (double)p->row * (double)c;
    double taps = (double)p->planes * (double)s.kh * (double)s.kw;
    if (floats > FLOATS_MAX || taps > TAPS_MAX || taps * (double)(c * c) > FLOATS_MAX) return false;
    p->copy_floats = p->copy ? tn_align_up((size_t)floats, 16) : 0;
    p->taps = (size_t)taps;
    return true;
}

/* Rows [begin, end) of all planes of the image into the copy. */
static void copy_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const plan *p = arg;
    int64_t c = p->c, w = p->s.w * c;
    const float *x = p->io->x + p->image * p->groups * p->planes * p->s.h * w;
    for (int64_t r = begin; r < end; r++) {
        float *to = (float *)p->io->scratch + r * p->row * c;
        memset(to, 0, (size_t)(p->margin * c) * 4);
        memcpy(to + p->margin * c, x + r * w, (size_t)w * 4);
        memset(to + p->margin * c + w, 0, (size_t)((p->row - p->margin) * c - w) * 4);
    }
}

/* The taps of output row oy and column phase; how many. */
static int64_t list_taps(const plan *p, int64_t oy, int64_t phase, tn_conv_tap *list) {
    const tn_conv_2d *s = &p->s;
    int64_t n = 0, c = p->c, ic = p->d->ic / p->groups;
    for (int64_t ky = 0; ky < s->kh; ky++) {
        int64_t y = oy + s->pt - ky * s->dh;
        if (y < 0 || y % s->sh || y / s->sh >= s->h) continue;
        for (int64_t kx = 0; kx < s->kw; kx++) {
            int64_t x = phase + s->pl - kx * s->dw;
            if (x % s->sw) continue;
            for (int64_t plane = 0; plane < p->planes; plane++) {
                int64_t at = (plane * s->h + y / s->sh) * p->row + x / s->sw + p->margin;
                int64_t w = ((ky * s->kw + kx) * p->planes + plane) * c * c;
                list[n++] = (tn_conv_tap){ (int32_t)(at * c), (int32_t)w,
                                           (int32_t)tn_ceil_div(tn_min64(c, ic - plane * c), TN_CONV_TOGETHER), 0 };
            }
        }
    }
    return n;
}

static void run_row(const plan *p, int64_t group, int64_t oy, tn_conv_tap *list) {
    const tn_conv_2d *s = &p->s;
    int64_t c = p->c, area = s->oh * s->ow * c, first_block = (p->image * p->groups + group) * p->blocks;
    int64_t block_floats = p->planes * s->kh * s->kw * c * c;
    const float *w = p->io->w + tn_align_up((size_t)(p->groups * p->blocks * c), 16) + group * p->blocks * block_floats;
    bool clear = group == p->groups - 1 && tn_conv_must_clear(p->d, p->c, true);
    for (int64_t phase = 0; phase < tn_min64(s->sw, s->ow); phase++) {
        tn_conv_tile t = { .taps = list, .y_block = area, .y_pixel = s->sw * c, .act = &p->d->act };
        int64_t pixels = tn_ceil_div(s->ow - phase, s->sw);
        t.ntaps = list_taps(p, oy, phase, list);
        for (int64_t i = 0; i < p->bundles; i++) {
            int64_t b = i * PAIR, y = (first_block + b) * area + (oy * s->ow + phase) * c;
            t.blocks = tn_conv_bundle_size(p->blocks, PAIR, i);
            t.x = p->x + group * p->planes * s->h * p->row * c;
            t.w = w + b * block_floats;
            t.bias = p->io->w + (group * p->blocks + b) * c;
            t.y = p->io->y + y;
            t.add = p->io->residual ? p->io->residual + y : NULL;
            tn_conv_run_row(p->k->gemm[t.blocks - 1], p->k->px[t.blocks - 1], &t, pixels, c, c);
        }
    }
    if (clear)
        tn_conv_clear_lanes(p->io->y + (first_block + p->blocks - 1) * area + oy * s->ow * c, c, s->ow, p->c,
                            p->d->oc % c);
}

static void run_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const plan *p = arg;
    for (int64_t i = begin; i < end; i++) run_row(p, i / p->s.oh, i % p->s.oh, p->lists + (size_t)thread * p->taps);
}

static bool fits(const tn_kernels *k, const tn_conv_desc *d) {
    plan p;
    return make_plan(&p, &k->conv, d);
}

static size_t packed_bytes(const tn_kernels *k, const tn_conv_desc *d) {
    plan p;
    if (!make_plan(&p, &k->conv, d)) return 0;
    int64_t blocks = p.groups * p.blocks, c = p.c;
    return (tn_align_up((size_t)(blocks * c), 16) + (size_t)(blocks * p.planes * p.s.kh * p.s.kw * c * c)) * 4;
}

static size_t scratch_bytes(const tn_kernels *k, const tn_conv_desc *d, int threads) {
    plan p;
    if (!make_plan(&p, &k->conv, d)) return 0;
    return p.copy_floats * 4 + p.taps * sizeof(tn_conv_tap) * (size_t)threads;
}

static void pack_bundle(const plan *p, const float *w, int64_t group, int64_t bundle, float *to, tn_ticks *ticks) {
    int64_t c = p->c, taps = p->s.kh * p->s.kw, ics = p->d->ic / p->groups, ocs = p->d->oc / p->groups;
    int64_t first = bundle * PAIR * c, n = tn_conv_bundle_size(p->blocks, PAIR, bundle) * c;
    for (int64_t tap = 0; tap < taps; tap++)
        for (int64_t i = 0; i < p->planes * c && !tn_ticks_stopped(ticks, 16 * (uint64_t)n); i++)
            for (int64_t o = first; o < first + n; o++)
                *to++ = i < ics && o < ocs ? w[((group * ics + i) * ocs + o) * taps + tap] : 0;
}

static void pack(const tn_kernels *k, const tn_conv_desc *d, const float *w, const float *bias, float *packed) {
    plan p;
    tn_ticks ticks = { 0 };
    if (!make_plan(&p, &k->conv, d)) return;
    int64_t c = p.c, padded = p.blocks * c, ocs = d->oc / d->group;
    float *to = packed + tn_align_up((size_t)(p.groups * padded), 16);
    for (int64_t g = 0; g < p.groups; g++) {
        for (int64_t o = 0; o < padded; o++) packed[g * padded + o] = bias && o < ocs ? bias[g * ocs + o] : 0;
        for (int64_t i = 0; i < p.bundles; i++)
            pack_bundle(&p, w, g, i, to + (g * p.blocks + i * PAIR) * p.planes * p.s.kh * p.s.kw * c * c, &ticks);
    }
}

static void run(const tn_kernels *k, const tn_conv_desc *d, const tn_conv_io *io, tn_pool *pool) {
    plan p;
    if (!make_plan(&p, &k->conv, d)) return;
    p.io = io;
    p.lists = (tn_conv_tap *)((float *)io->scratch + p.copy_floats);
    for (p.image = 0; p.image < d->n; p.image++) {
        int64_t rows = p.groups * p.planes * p.s.h;
        if (p.copy) tn_parallel(pool, rows, 1 + (64 << 10) / (p.row * p.c * 4), copy_rows, &p);
        p.x = p.copy ? io->scratch : io->x + p.image * rows * p.s.w * p.c;
        tn_parallel(pool, p.groups * p.s.oh, 1, run_rows, &p);
    }
}

const tn_conv_algo tn_conv_algo_transposed = { "transposed", fits, packed_bytes, scratch_bytes, pack, run };
