/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv_winograd.c - 3x3 convolution of stride 1 by Winograd's minimal filtering F(4x4, 3x3), on blocked tensors.
 *
 * A 4 x 4 tile of y needs a 6 x 6 tile of x: y = A^T [ sum over ic of (G w G^T) . (B^T x B) ] A. The sums are 36
 * products of matrices [tiles, ic] x [ic, oc], one for each place of the 6 x 6, and run on the tiles of ordinary
 * convolution with a quarter of the multiplications (Lavin & Gray, CVPR 2016).
 *
 * The transforms interpolate at 0, +-1/sqrt 2, +-sqrt 2 and infinity. These points keep the numbers of one size: the
 * errors are about four times those of the direct sum, a third of what the usual 0, +-1, +-2 give.
 *
 * A batch of tiles at a time goes through all three steps in one thread. Where there is more of U than of the tiles,
 * threads take different blocks of output channels of a batch, so that each reads a part of U, and each that works on a
 * batch transforms its x:
 *   V [36][plane][tile][c]     transformed x     (in scratch)
 *   M [36][block][tile][c]     products          (in scratch)
 *   U [36][bundle][plane][c input channels][B][c] transformed weights, after the bias, padded to blocks
 * Where the 36 parts begin is kept off powers of two, which would fall into one set of L1. */
#include "base/budget.h"
#include "base/mem.h"
#include "kernel/conv_parts.h"
#include "kernel/kernel.h"
#include <math.h>
#include <string.h>

enum {
    SPEED = 400, /* GFLOP/s of a thread, roughly */
    PLACES = 36,
    OUT = 4,
    IN = 6,
    PAIR = 2,
    FLOATS_MAX = 1 << 30,
    BATCH_BYTES = 640 << 10,
    BATCH_MIN = 28,
    STREAM_BYTES = 512 << 10,
    PARTS = 4, /* of the output channels, for a thread: others can take over what it has not begun */
    HEAD = 64, /* bytes before a thread's V: which batch it is of */
};

typedef struct {
    const tn_conv_desc *d;
    const tn_conv_kernels *k;
    const tn_conv_io *io;
    tn_conv_2d s;
    int64_t c, planes, blocks, bundles;
    int64_t across, down, tiles, batch, batches; /* tiles of an image; tiles of all; of a batch */
    int64_t parts;                               /* of the bundles */
    int64_t v_step, m_step;                      /* floats from one place to the next */
    size_t taps_bytes, thread_bytes;
    tn_conv_tap *taps;
    bool clear;
} plan;

static bool make_plan(plan *p, const tn_conv_kernels *k, const tn_conv_desc *d, int threads) {
    threads = tn_conv_threads(d, SPEED, threads);
    *p = (plan){ .d = d, .k = k, .c = k->block };
    if (d->rank != 2 || d->transposed || d->group != 1) return false;
    if (d->x_layout != TN_LAYOUT_BLOCKED || d->y_layout != TN_LAYOUT_BLOCKED) return false;
    tn_conv_2d s = p->s = tn_conv_as_2d(d);
    if (s.kh != 3 || s.kw != 3 || s.sh != 1 || s.sw != 1 || s.dh != 1 || s.dw != 1) return false;
    if (d->n < 1 || s.h < 1 || s.w < 1 || s.oh < 1 || s.ow < 1) return false;
    int64_t c = p->c;
    p->planes = tn_ceil_div(d->ic, c), p->blocks = tn_ceil_div(d->oc, c), p->bundles = tn_conv_bundles(p->blocks, PAIR);
    if ((double)p->planes * (double)p->blocks * (double)(c * c) > FLOATS_MAX / PLACES) return false;
    p->across = tn_ceil_div(s.ow, OUT), p->down = tn_ceil_div(s.oh, OUT);
    if ((double)d->n * (double)p->across * (double)p->down > FLOATS_MAX) return false;
    p->tiles = d->n * p->across * p->down;
    int64_t bytes = PLACES * 4 * c * (p->planes + p->blocks), weights = PLACES * p->planes * p->blocks * c * c * 4;
    int64_t most = tn_max64(BATCH_MIN * (weights > 4 * BATCH_BYTES ? 2 : 1), BATCH_BYTES / bytes);
    p->batches = tn_ceil_div(p->tiles, most);
    p->parts = 1;
    if (threads > 1 && p->batches < 8 * threads && weights > p->tiles * bytes && p->bundles >= threads)
        p->parts = threads * tn_min64(PARTS, p->bundles / threads);
    else if (p->batches < 8 * threads)
        p->batches = tn_min64(p->tiles, tn_ceil_div(p->batches, threads) * threads);
    p->batch = tn_ceil_div(p->tiles, p->batches);
    p->batches = tn_ceil_div(p->tiles, p->batch);
    p->v_step = (p->planes * p->batch + (p->planes * p->batch + 1) % 2) * c;
    p->m_step = (p->blocks * p->batch + (p->blocks * p->batch + 1) % 2) * c;
    if ((double)p->batch * (double)bytes > FLOATS_MAX) return false;
    p->taps_bytes = tn_align_up((size_t)p->planes * sizeof(tn_conv_tap), 64);
    p->thread_bytes = HEAD + tn_align_up((size_t)(PLACES * (p->v_step + p->m_step)) * 4, 64);
    p->clear = tn_conv_must_clear(d, (int)c, true);
    return true;
}

/* Tile number t: its image and the corner of its output. */
typedef struct {
    int64_t image, y, x;
} place;
static place place_of(const plan *p, int64_t t) {
    int64_t image = t / (p->across * p->down), rest = t - image * p->across * p->down, row = rest / p->across;
    return (place){ image, row * OUT, (rest - row * p->across) * OUT };
}

/* The 6 x 6 pixels at (y, x) with zeros outside the image. */
static void copy_edge(const plan *p, const float *plane, int64_t y, int64_t x, float *to) {
    int64_t c = p->c, a = tn_min64(IN, tn_max64(0, -x)), z = tn_max64(a, tn_min64(IN, p->s.w - x));
    memset(to, 0, (size_t)(IN * IN * c) * 4);
    for (int64_t i = 0; i < IN; i++)
        if (y + i >= 0 && y + i < p->s.h)
            p->k->copy(plane + ((y + i) * p->s.w + x + a) * c, c, z - a, to + (i * IN + a) * c);
}

static void transform_in(const plan *p, int64_t first, int64_t n, float *v) {
    enum { C_MAX = 16 };
    float edge[IN * IN * C_MAX] __attribute__((aligned(64)));
    int64_t c = p->c, h = p->s.h, w = p->s.w;
    for (int64_t t = 0; t < n; t++) {
        place at = place_of(p, first + t);
        int64_t y = at.y - p->s.pt, x = at.x - p->s.pl;
        bool inside = y >= 0 && x >= 0 && y + IN <= h && x + IN <= w;
        for (int64_t i = 0; i < p->planes; i++) {
            const float *plane = p->io->x + (at.image * p->planes + i) * h * w * c;
            float *to = v + (i * p->batch + t) * c;
            if (!inside) copy_edge(p, plane, y, x, edge);
            if (inside)
                p->k->winograd_in(plane + (y * w + x) * c, w * c, to, p->v_step);
            else
                p->k->winograd_in(edge, IN * c, to, p->v_step);
        }
    }
}

static void multiply(const plan *p, int64_t n, const float *v, float *m, int64_t first, int64_t end) {
    int64_t c = p->c, block_floats = p->planes * c * c;
    const float *u = p->io->w + tn_align_up((size_t)(p->blocks * c), 16);
    for (int64_t e = 0; e < PLACES; e++)
        for (int64_t i = first; i < end; i++) {
            int64_t b = i * PAIR;
            tn_conv_tile t = { .blocks = tn_conv_bundle_size(p->blocks, PAIR, i),
                               .x = v + e * p->v_step,
                               .w = u + (e * p->blocks + b) * block_floats,
                               .taps = p->taps,
                               .ntaps = p->planes,
                               .y = m + e * p->m_step + b * p->batch * c,
                               .y_block = p->batch * c,
                               .y_pixel = c };
            int most = p->k->px[t.blocks - 1];
            if (PLACES * p->blocks * block_floats * 4 > STREAM_BYTES)
                tn_conv_look_ahead(&t, t.w + t.blocks * block_floats, tn_ceil_div(n, most));
            tn_conv_run_row(p->k->gemm[t.blocks - 1], most, &t, n, c, c);
        }
}

/* Blocks [from, to) of y. */
static void transform_out(const plan *p, int64_t first, int64_t n, const float *m, int64_t from, int64_t to) {
    int64_t c = p->c, oh = p->s.oh, ow = p->s.ow;
    for (int64_t t = 0; t < n; t++) {
        place at = place_of(p, first + t);
        int rows = (int)tn_min64(OUT, oh - at.y), columns = (int)tn_min64(OUT, ow - at.x);
        for (int64_t b = from; b < to; b++) {
            int64_t y = (((at.image * p->blocks + b) * oh + at.y) * ow + at.x) * c;
            const float *add = p->io->residual ? p->io->residual + y : NULL;
            p->k->winograd_out(m + (b * p->batch + t) * c, p->m_step, p->io->w + b * c, add, p->io->y + y, ow * c, rows,
                               columns, &p->d->act);
            for (int r = 0; r < rows && p->clear && b == p->blocks - 1; r++)
                tn_conv_clear_lanes(p->io->y + y + r * ow * c, c, columns, (int)c, p->d->oc % c);
        }
    }
}

static int64_t *batch_held(const plan *p, int thread) {
    return (int64_t *)(void *)((char *)p->io->scratch + p->taps_bytes + (size_t)thread * p->thread_bytes);
}

/* [begin, end): parts, batch by batch. */
static void run_parts(void *arg, int64_t begin, int64_t end, int thread) {
    const plan *p = arg;
    int64_t *held = batch_held(p, thread);
    float *v = (float *)(void *)((char *)held + HEAD), *m = v + PLACES * p->v_step;
    for (int64_t i = begin, stop; i < end; i = stop) {
        int64_t batch = i / p->parts, first = batch * p->batch, n = tn_min64(p->batch, p->tiles - first);
        stop = tn_min64(end, (batch + 1) * p->parts);
        int64_t from = i % p->parts * p->bundles / p->parts, to = (stop - batch * p->parts) * p->bundles / p->parts;
        if (*held != batch) transform_in(p, first, n, v), *held = batch;
        multiply(p, n, v, m, from, to);
        transform_out(p, first, n, m, from * PAIR, to == p->bundles ? p->blocks : to * PAIR);
    }
}

static bool fits(const tn_kernels *k, const tn_conv_desc *d) {
    plan p;
    return make_plan(&p, &k->conv, d, 1);
}

bool tn_conv_winograd_pays(const tn_kernels *k, const tn_conv_desc *d) {
    /* Weights grow fourfold and are read once for every batch: that must be worth it. */
    int64_t tiles = tn_ceil_div(d->out[0], OUT) * tn_ceil_div(d->out[1], OUT) * d->n;
    return d->ic / d->group >= k->conv.block && d->oc / d->group >= k->conv.block && tiles >= 9;
}

static size_t packed_bytes(const tn_kernels *k, const tn_conv_desc *d) {
    plan p;
    if (!make_plan(&p, &k->conv, d, 1)) return 0;
    return (tn_align_up((size_t)(p.blocks * p.c), 16) + (size_t)(PLACES * p.blocks * p.planes * p.c * p.c)) * 4;
}

static size_t scratch_bytes(const tn_kernels *k, const tn_conv_desc *d, int threads) {
    plan p;
    if (!make_plan(&p, &k->conv, d, threads)) return 0;
    return p.taps_bytes + p.thread_bytes * (size_t)threads;
}

/* u = G w G^T for `n` kernels side by side: w [9][n], u [36][n]. Row of G for a point q: (1, q, q^2) / product of the
 * distances to the other finite points. In double, since it is done once. */
enum { WIDE_MAX = 3 * 16 };
static void transform_weights(const double w[9][WIDE_MAX], int64_t n, double u[PLACES][WIDE_MAX]) {
    const double r = sqrt(0.5);
    const double g[IN][3] = { { 1, 0, 0 },
                              { -2.0 / 3, -2.0 / 3 * r, -1.0 / 3 },
                              { -2.0 / 3, 2.0 / 3 * r, -1.0 / 3 },
                              { 1.0 / 6, r / 3, 1.0 / 3 },
                              { 1.0 / 6, -r / 3, 1.0 / 3 },
                              { 0, 0, 1 } };
    double t[IN][3][WIDE_MAX];
    for (int i = 0; i < IN; i++)
        for (int x = 0; x < 3; x++)
            for (int64_t o = 0; o < n; o++)
                t[i][x][o] = g[i][0] * w[x][o] + g[i][1] * w[3 + x][o] + g[i][2] * w[6 + x][o];
    for (int i = 0; i < IN; i++)
        for (int j = 0; j < IN; j++)
            for (int64_t o = 0; o < n; o++)
                u[i * IN + j][o] = t[i][0][o] * g[j][0] + t[i][1][o] * g[j][1] + t[i][2][o] * g[j][2];
}

static void pack_bundle(const plan *p, const float *w, int64_t bundle, float *to, tn_ticks *ticks) {
    int64_t first = bundle * PAIR * p->c, wide = tn_conv_bundle_size(p->blocks, PAIR, bundle) * p->c;
    int64_t ic = p->d->ic, n = tn_min64(wide, p->d->oc - first), part = p->blocks * p->planes * p->c * p->c;
    double in[9][WIDE_MAX] = { 0 }, u[PLACES][WIDE_MAX];
    for (int64_t i = 0; i < p->planes * p->c && !tn_ticks_stopped(ticks, 16 * PLACES * (uint64_t)wide);
         i++, to += wide) {
        if (i < ic) {
            for (int64_t o = 0; o < n; o++)
                for (int t = 0; t < 9; t++) in[t][o] = (double)w[((first + o) * ic + i) * 9 + t];
            transform_weights(in, wide, u);
        }
        for (int64_t e = 0; e < PLACES; e++) {
            if (i == 0 && tn_budget_stopped()) return; /* each place may begin a large page, a millisecond */
            for (int64_t o = 0; o < wide; o++) to[e * part + o] = i < ic ? (float)u[e][o] : 0;
        }
    }
}

static void pack(const tn_kernels *k, const tn_conv_desc *d, const float *w, const float *bias, float *packed) {
    plan p;
    tn_ticks ticks = { 0 };
    if (!make_plan(&p, &k->conv, d, 1)) return;
    float *to = packed + tn_align_up((size_t)(p.blocks * p.c), 16);
    for (int64_t o = 0; o < p.blocks * p.c; o++) packed[o] = bias && o < d->oc ? bias[o] : 0;
    for (int64_t b = 0; b < p.bundles; b++) pack_bundle(&p, w, b, to + b * PAIR * p.planes * p.c * p.c, &ticks);
}

static void run(const tn_kernels *k, const tn_conv_desc *d, const tn_conv_io *io, tn_pool *pool) {
    plan p;
    if (tn_conv_threads(d, SPEED, 2) == 1) pool = NULL;
    if (!make_plan(&p, &k->conv, d, tn_pool_threads(pool))) return;
    p.io = io, p.taps = io->scratch;
    for (int64_t i = 0; i < p.planes; i++)
        p.taps[i] = (tn_conv_tap){ (int32_t)(i * p.batch * p.c), (int32_t)(i * p.c * p.c),
                                   (int32_t)tn_ceil_div(tn_min64(p.c, d->ic - i * p.c), TN_CONV_TOGETHER), 0 };
    for (int i = 0; i < tn_pool_threads(pool); i++) *batch_held(&p, i) = -1;
    tn_parallel(pool, p.batches * p.parts, 1, run_parts, &p);
}

const tn_conv_algo tn_conv_algo_winograd = { "winograd", fits, packed_bytes, scratch_bytes, pack, run };
