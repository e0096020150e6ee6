/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv_interleaved.c - transposed convolution whose kernel equals its stride, to a plain y.
 *
 * The patches that input pixels spread to do not overlap, so y is a 1x1 convolution with oc * kh * kw outputs whose
 * channels are then laid side by side (the segmentation heads that double the size of an image do this, often with one
 * output channel, which a blocked y would pad to c). A row of x becomes blocked, then [oc, kh, kw][w], then kh rows of
 * y:
 *
 *     kw = 2:   a0 a1 a2 ..  (kx = 0)
 *               b0 b1 b2 ..  (kx = 1)     ->   a0 b0 a1 b1 a2 b2 ..
 *
 * Weights: [bias per output, padded][bundle][plane][c input channels][B][c], outputs in the order oc, ky, kx. */
#include "base/budget.h"
#include "base/mem.h"
#include "kernel/conv_parts.h"
#include "kernel/kernel.h"
#include <string.h>

enum { FLOATS_MAX = 1 << 30, PAIR = 2, PIECE = 512 /* pixels of x at a time: the pieces stay in L2 */ };

typedef struct {
    const tn_conv_desc *d;
    const tn_conv_kernels *k;
    const tn_conv_io *io;
    tn_conv_2d s;
    int c;
    int64_t planes, outputs, blocks, bundles, piece, pieces;
    size_t x_floats, blocked_floats, row_floats; /* per thread: x blocked, y blocked, y as rows */
    size_t list_bytes;
    const tn_conv_tap *taps;
    char *scratch;
} plan;

static bool make_plan(plan *p, const tn_conv_kernels *k, const tn_conv_desc *d) {
    int64_t c = k->block;
    *p = (plan){ .d = d, .k = k, .c = (int)c };
    if (!d->transposed || d->rank > 2 || d->group != 1 || d->residual || d->y_layout != TN_LAYOUT_PLAIN) return false;
    tn_conv_2d s = p->s = tn_conv_as_2d(d);
    if (s.h < 1 || s.w < 1 || s.pt || s.pl || s.dh != 1 || s.dw != 1 || s.kh != s.sh || s.kw != s.sw) return false;
    if (s.oh != s.h * s.kh || s.ow != s.w * s.kw) return false;
    double outputs = (double)d->oc * (double)s.kh * (double)s.kw;
    double x = (double)(d->ic + c) * (double)s.h * (double)s.w;
    if (outputs * (double)(d->ic + c) > FLOATS_MAX || x > FLOATS_MAX || outputs * PIECE > FLOATS_MAX) return false;
    p->outputs = (int64_t)outputs;
    p->planes = tn_ceil_div(d->ic, c), p->blocks = tn_ceil_div(p->outputs, c);
    p->bundles = tn_conv_bundles(p->blocks, PAIR);
    p->pieces = tn_ceil_div(s.w, PIECE), p->piece = tn_ceil_div(s.w, p->pieces);
    p->x_floats = d->x_layout == TN_LAYOUT_PLAIN ? (size_t)(p->planes * p->piece * c) : 0;
    p->blocked_floats = (size_t)(p->blocks * p->piece * c);
    p->row_floats = tn_align_up((size_t)(p->outputs * p->piece), 16);
    p->list_bytes = tn_align_up((size_t)p->planes * sizeof(tn_conv_tap), 64);
    return true;
}

static size_t floats_per_thread(const plan *p) { return p->x_floats + p->blocked_floats + p->row_floats; }

static void interleave(const float *rows, int64_t n, int64_t kw, float *y) {
    if (kw == 2) {
        for (int64_t i = 0; i < n; i++) y[2 * i] = rows[i], y[2 * i + 1] = rows[n + i];
        return;
    }
    for (int64_t x = 0; x < kw; x++)
        for (int64_t i = 0; i < n; i++) y[i * kw + x] = rows[x * n + i];
}

static void run_piece(const plan *p, int64_t image, int64_t row, int64_t first, float *memory) {
    const tn_conv_2d *s = &p->s;
    int64_t c = p->c, n = tn_min64(p->piece, s->w - first), area = s->h * s->w;
    float *xb = memory, *yb = xb + p->x_floats, *rows = yb + p->blocked_floats;
    const float *x = p->io->x + image * p->planes * area * c + (row * s->w + first) * c;
    if (p->x_floats) {
        const float *plain = p->io->x + image * p->d->ic * area + row * s->w + first;
        for (int64_t i = 0; i < p->planes; i++)
            p->k->to_blocked(plain + i * c * area, area, (int)tn_min64(c, p->d->ic - i * c), n, xb + i * p->piece * c);
        x = xb;
    }
    for (int64_t i = 0; i < p->bundles; i++) {
        int64_t b = i * PAIR;
        tn_conv_tile t = { .blocks = tn_conv_bundle_size(p->blocks, PAIR, i),
                           .x = x,
                           .taps = p->taps,
                           .ntaps = p->planes,
                           .y = yb + b * p->piece * c,
                           .y_block = p->piece * c,
                           .y_pixel = c,
                           .act = &p->d->act };
        t.bias = p->io->w + b * c;
        t.w = p->io->w + tn_align_up((size_t)(p->blocks * c), 16) + b * p->planes * c * c;
        tn_conv_run_row(p->k->gemm[t.blocks - 1], p->k->px[t.blocks - 1], &t, n, c, c);
    }
    for (int64_t b = 0; b < p->blocks; b++)
        p->k->from_blocked(yb + b * p->piece * c, n, (int)tn_min64(c, p->outputs - b * c), n, rows + b * c * n);
    for (int64_t o = 0; o < p->d->oc; o++)
        for (int64_t ky = 0; ky < s->kh; ky++) {
            float *y = p->io->y + ((image * p->d->oc + o) * s->oh + row * s->kh + ky) * s->ow + first * s->kw;
            interleave(rows + (o * s->kh + ky) * s->kw * n, n, s->kw, y);
        }
}

static void run_pieces(void *arg, int64_t begin, int64_t end, int thread) {
    const plan *p = arg;
    float *memory = (float *)(p->scratch + p->list_bytes) + (size_t)thread * floats_per_thread(p);
    for (int64_t i = begin; i < end; i++)
        run_piece(p, i / p->pieces / p->s.h, i / p->pieces % p->s.h, i % p->pieces * p->piece, memory);
}

static bool fits(const tn_kernels *k, const tn_conv_desc *d) {
    plan p;
    return make_plan(&p, &k->conv, d);
}

static size_t packed_bytes(const tn_kernels *k, const tn_conv_desc *d) {
    plan p;
    if (!make_plan(&p, &k->conv, d)) return 0;
    return (tn_align_up((size_t)(p.blocks * p.c), 16) + (size_t)(p.blocks * p.planes * p.c * p.c)) * 4;
}

static size_t scratch_bytes(const tn_kernels *k, const tn_conv_desc *d, int threads) {
    plan p;
    if (!make_plan(&p, &k->conv, d)) return 0;
    return p.list_bytes + floats_per_thread(&p) * 4 * (size_t)threads;
}

static void pack(const tn_kernels *k, const tn_conv_desc *d, const float *w, const float *bias, float *packed) {
    plan p;
    tn_ticks ticks = { 0 };
    if (!make_plan(&p, &k->conv, d)) return;
    int64_t c = p.c, taps = p.s.kh * p.s.kw;
    for (int64_t o = 0; o < p.blocks * c; o++) packed[o] = bias && o < p.outputs ? bias[o / taps] : 0;
    float *to = packed + tn_align_up((size_t)(p.blocks * c), 16);
    for (int64_t b = 0; b < p.bundles; b++)
        for (int64_t i = 0; i < p.planes * c && !tn_ticks_stopped(&ticks, 4 * PAIR * (uint64_t)c); i++)
            for (int64_t o = b * PAIR * c, n = tn_conv_bundle_size(p.blocks, PAIR, b) * c; n > 0; n--, o++)
                *to++ = i < d->ic && o < p.outputs ? w[i * p.outputs + o] : 0;
}

static void run(const tn_kernels *k, const tn_conv_desc *d, const tn_conv_io *io, tn_pool *pool) {
    plan p;
    if (!make_plan(&p, &k->conv, d)) return;
    tn_conv_tap *taps = io->scratch;
    int64_t area = d->x_layout == TN_LAYOUT_PLAIN ? p.piece : p.s.h * p.s.w;
    for (int64_t i = 0; i < p.planes; i++)
        taps[i] = (tn_conv_tap){ (int32_t)(i * area * p.c), (int32_t)(i * p.c * p.c),
                                 (int32_t)tn_ceil_div(tn_min64(p.c, d->ic - i * p.c), TN_CONV_TOGETHER), 0 };
    p.io = io, p.taps = taps, p.scratch = io->scratch;
    tn_parallel(pool, d->n * p.s.h * p.pieces, 1, run_pieces, &p);
}

const tn_conv_algo tn_conv_algo_interleaved = { "interleaved", fits, packed_bytes, scratch_bytes, pack, run };
