/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv_blocked.c - direct convolution into blocked tensors: the loops around the register tiles of conv.h.
 *
 * One driver serves three kinds of tile. In all of them x is seen as planes of pixels of `xv` floats, a tile's sum is a
 * list of taps (offsets into x and w), and y is made of blocks of c channels:
 *   gemm   x blocked: planes are channel blocks, xv = c; also grouped when groups fill whole blocks
 *   thin   x plain, few channels: planes are channels, xv = 1 (a first layer would waste 13 of 16 lanes otherwise)
 *   pairs  as gemm, but x and w are rounded to bfloat16, and what would be a float is a word of two channels: xv = c
 * / 2. x is rounded when it is copied into a band, so every band is copied
 *
 * Bands. The rows of x that a band of output rows needs are copied into a buffer with the padding before and behind
 * each row written as zeros, so that tiles know no borders; rows above and below the image are not copied, the list of
 * taps of such an output row leaves them out. With a horizontal stride s the copy sorts columns into s phases:
 *
 *     row, s = 2, pad 1:   [0 x1 x3 x5 ..][x0 x2 x4 x6 ..]
 *
 * so that neighbouring output pixels always read neighbouring input pixels. A band fits the L2 cache. Where no padding
 * and no stride asks for it, nothing is copied; 1x1 convolutions even see the image as one long row.
 *
 * Weights: blocks of output channels are bundled as the tile takes them (B of them), and
 *     packed = [bias, padded to blocks][bundle][plane][ky][kx][xv input channels][B][c]
 * so that a tile reads one stream. Long sums are cut so that the part of a bundle in use stays in L2; partial sums
 * wait in y. */
#include "base/budget.h"
#include "base/mem.h"
#include "kernel/conv_parts.h"
#include "kernel/kernel.h"
#include "tensor/dtype.h"
#include <string.h>

enum {
    SPEED = 200,              /* GFLOP/s of a thread, roughly */
    BAND_BYTES = 320 << 10,   /* of x in use at a time */
    WEIGHT_BYTES = 320 << 10, /* of a bundle's weights in use at a time */
    STREAM_BYTES = 512 << 10, /* more weights than this are prefetched */
    TAPS_MAX = 1 << 20,
    PLANE_FLOATS_MAX = 1 << 30,
    PARTS = 4,        /* of a thread's bundles: others can take over what it has not begun */
    BUFFER_HEAD = 64, /* bytes before a thread's band */
};

typedef enum { GEMM, THIN, PAIRS } tile_kind;

typedef struct {
    int32_t from, to; /* rows of the kernel that meet the image */
    const tn_conv_tap *taps;
} tap_list;

typedef struct {
    const tn_conv_desc *d;
    const tn_conv_kernels *k;
    const tn_half_kernels *half;
    const tn_conv_io *io;
    tile_kind kind;
    int c, xv, x_floats; /* x_floats: of a pixel as the caller has it; c or 1 */
    tn_conv_2d s;
    int64_t groups, planes, blocks; /* planes of x and blocks of y per group */
    int64_t per_bundle, bundles;
    int64_t tap_floats; /* of weights, per block */
    bool stream;        /* weights do not stay in L2: prefetch them */
    bool flat;          /* the image is one row */
    bool direct;        /* x is read in place */
    int64_t phases, phase_w, row_floats, row_step, band_rows, bands, band_in, plane_floats;
    bool clear;    /* lanes past oc after the activation */
    int64_t parts; /* of the bundles, for threads */
    int64_t chunk; /* planes per partial sum */
    tap_list *lists;
    int64_t nlists;
    char *buffers; /* by thread: the number of the band that lies in it, and the band */
    size_t buffer_bytes, list_bytes;
} plan;

/* ------------------------------------------------------------------------------------------------------- geometry */

static void rows_meeting_image(const plan *p, int64_t row, int64_t *from, int64_t *to) {
    int64_t top = row * p->s.sh - p->s.pt;
    int64_t a = top < 0 ? tn_ceil_div(-top, p->s.dh) : 0;
    int64_t z = top >= p->s.h ? 0 : tn_ceil_div(p->s.h - top, p->s.dh);
    *from = tn_min64(a, p->s.kh);
    *to = tn_max64(*from, tn_min64(z, p->s.kh));
}

/* How x is read: in place, flattened, or through bands. */
static void plan_reading(plan *p) {
    int64_t last = (p->s.ow - 1) * p->s.sw + (p->s.kw - 1) * p->s.dw; /* column of the padded row */
    bool unpadded = p->s.pl == 0 && last < p->s.w;
    p->flat = p->s.kh == 1 && p->s.kw == 1 && p->s.sh == 1 && p->s.sw == 1 && p->s.pt == 0 && unpadded &&
              p->s.oh <= p->s.h && (p->s.ow == p->s.w || p->s.oh == 1);
    p->direct = p->kind != PAIRS && p->s.sw == 1 && unpadded &&
                !(p->s.kh == 1 && p->s.sh > 1 && p->planes * p->s.h * p->s.w > 1 << 29);
    if (p->flat) p->s.w *= p->s.h, p->s.ow *= p->s.oh, p->s.h = p->s.oh = 1;
    if (p->direct || p->flat) {
        p->phases = 1, p->phase_w = p->s.w, p->row_step = p->s.sh;
        p->plane_floats = p->s.h * p->s.w * p->xv;
    } else {
        int64_t used = 0; /* phases that some tap falls into: 0, dw, 2 dw .. modulo sw */
        for (int64_t x = 0; x < tn_min64(p->s.kw, p->s.sw); x++) used = tn_max64(used, x * p->s.dw % p->s.sw);
        p->phases = used + 1;
        p->phase_w = p->s.ow + (p->s.kw - 1) * p->s.dw / p->s.sw;
        p->row_step = p->s.kh == 1 ? 1 : p->s.sh;
    }
    p->row_floats = p->phases * p->phase_w * p->xv;
}

static int64_t band_in_rows(const plan *p, int64_t rows) {
    return p->row_step == 1 && p->s.kh == 1 ? rows : (rows - 1) * p->s.sh + (p->s.kh - 1) * p->s.dh + 1;
}

/* Bands that fit the cache, and pieces for threads: rows when x is larger than the weights, else output channels. */
static void plan_split(plan *p, int threads) {
    int64_t units = p->flat ? p->s.ow : p->s.oh, images = p->d->n * p->groups;
    int64_t unit_bytes = (p->flat ? p->xv : p->row_step * p->row_floats) * p->planes * 4;
    int64_t fixed = p->flat ? 0 : band_in_rows(p, 1) - p->row_step;
    int64_t budget = BAND_BYTES - (p->flat ? 0 : fixed * p->row_floats * p->planes * 4);
    int64_t rows = tn_max64(1, budget / tn_max64(1, unit_bytes));
    int64_t bands = tn_ceil_div(units, tn_min64(rows, units));
    int64_t weights = p->planes * p->s.kh * p->s.kw * p->tap_floats * p->blocks;
    bool wide = weights > units * unit_bytes / 4 && p->bundles >= 2 * threads;
    p->parts = 1;
    if (threads > 1 && images * bands % threads) {
        if (images * bands < 8 * threads && wide)
            p->parts = threads * tn_max64(1, tn_min64(PARTS, p->bundles / threads));
        else if (images * bands < 8 * threads)
            bands = tn_min64(units, tn_ceil_div(bands, threads) * threads);
        if (images * bands < threads && p->parts == 1)
            p->parts = tn_min64(p->bundles, tn_ceil_div(threads, images * bands));
    }
    p->band_rows = tn_ceil_div(units, bands);
    if (p->flat && p->bands > 1) p->band_rows = tn_ceil_div(p->band_rows, 2) * 2;
    p->bands = tn_ceil_div(units, p->band_rows);
    p->band_in = p->flat ? 1 : band_in_rows(p, p->band_rows);
    if (!p->direct) p->plane_floats = p->flat ? p->band_rows * p->xv : p->band_in * p->row_floats;
    p->buffer_bytes = p->direct ? 0 : tn_align_up((size_t)(p->planes * p->plane_floats) * 4, 64) + BUFFER_HEAD;
    int64_t chunk = WEIGHT_BYTES / tn_max64(1, p->s.kh * p->s.kw * p->tap_floats * p->per_bundle * 4);
    p->chunk = tn_ceil_div(p->planes, tn_ceil_div(p->planes, tn_max64(1, chunk)));
}

/* Number of different (from, to) pairs over all rows. */
static int64_t count_lists(const plan *p) {
    int64_t n = 0, a = -1, z = -1;
    for (int64_t r = 0; r < p->s.oh; r++) {
        int64_t from, to;
        rows_meeting_image(p, r, &from, &to);
        if (from != a || to != z) n++, a = from, z = to;
    }
    return tn_max64(n, 1);
}

/* False when the description is not for this driver. */
static bool make_plan(plan *p, const tn_kernels *all, const tn_conv_desc *d, tile_kind kind, int threads) {
    const tn_conv_kernels *k = &all->conv;
    threads = tn_conv_threads(d, SPEED, threads);
    *p = (plan){ .d = d, .k = k, .half = &all->half, .kind = kind, .c = k->block };
    int c = p->c;
    if (d->rank > 2 || d->transposed || d->y_layout != TN_LAYOUT_BLOCKED) return false;
    if (kind == PAIRS && (!d->pairs || !k->pairs[0][0])) return false;
    if (d->x_layout != (kind == THIN ? TN_LAYOUT_PLAIN : TN_LAYOUT_BLOCKED)) return false;
    p->s = tn_conv_as_2d(d);
    p->x_floats = kind == THIN ? 1 : c;
    p->xv = kind == PAIRS ? c / 2 : p->x_floats;
    p->groups = d->group;
    int64_t ic = d->ic / d->group, oc = d->oc / d->group;
    if (d->group > 1 && (kind == THIN || ic % c || oc % c)) return false;
    p->planes = kind == THIN ? ic : tn_ceil_div(ic, c), p->blocks = tn_ceil_div(oc, c);
    p->tap_floats = (int64_t)p->xv * c;
    p->per_bundle = 2;
    p->bundles = tn_conv_bundles(p->blocks, p->per_bundle);
    if (d->n < 1 || p->s.oh < 1 || p->s.ow < 1 || p->s.h < 1 || p->s.w < 1) return false;
    plan_reading(p);
    p->clear = tn_conv_must_clear(d, c, true);
    p->stream = kind != THIN && p->planes * p->s.kh * p->s.kw * p->tap_floats * p->blocks * 4 > STREAM_BYTES;
    double taps = (double)p->planes * (double)p->s.kh * (double)p->s.kw;
    double row = (double)p->row_floats * (double)p->planes * ((double)(p->s.kh - 1) * (double)p->s.dh + 1);
    if (taps > TAPS_MAX || row > PLANE_FLOATS_MAX) return false;
    if ((double)p->planes * (double)p->s.h * (double)p->s.w * p->xv > PLANE_FLOATS_MAX && p->direct) return false;
    if (taps * (double)p->tap_floats > PLANE_FLOATS_MAX) return false;
    plan_split(p, threads);
    if (p->planes * p->plane_floats > PLANE_FLOATS_MAX) return false;
    p->nlists = count_lists(p);
    size_t bytes =
        (size_t)p->nlists * (sizeof(tap_list) + (size_t)(p->planes * p->s.kh * p->s.kw) * sizeof(tn_conv_tap));
    if (bytes > (size_t)1 << 30) return false;
    p->list_bytes = tn_align_up(bytes, 64);
    return true;
}

/* ---------------------------------------------------------------------------------------------------------- taps */

static void fill_list(const plan *p, const tap_list *l, tn_conv_tap *t) {
    int64_t ic = p->d->ic / p->d->group;
    for (int64_t plane = 0; plane < p->planes; plane++) {
        int64_t channels = p->kind == THIN ? 1 : tn_min64(p->c, ic - plane * p->c);
        for (int64_t y = l->from; y < l->to; y++) {
            int64_t row = plane * p->plane_floats + y * p->s.dh * p->row_floats;
            for (int64_t x = 0; x < p->s.kw; x++) {
                int64_t phase = p->direct ? 0 : x * p->s.dw % p->s.sw,
                        column = p->direct ? x * p->s.dw : x * p->s.dw / p->s.sw;
                int64_t index = (plane * p->s.kh + y) * p->s.kw + x;
                *t++ = (tn_conv_tap){ .x = (int32_t)(row + (phase * p->phase_w + column) * p->xv),
                                      .w = (int32_t)(index * p->tap_floats),
                                      .n = (int32_t)tn_ceil_div(channels, TN_CONV_TOGETHER) };
            }
        }
    }
}

static void fill_lists(plan *p, void *memory) {
    p->lists = memory;
    tn_conv_tap *t = (tn_conv_tap *)(p->lists + p->nlists);
    int64_t n = 0;
    for (int64_t r = 0; r < p->s.oh; r++) {
        int64_t from, to;
        rows_meeting_image(p, r, &from, &to);
        if (n && p->lists[n - 1].from == from && p->lists[n - 1].to == to) continue;
        p->lists[n] = (tap_list){ (int32_t)from, (int32_t)to, t };
        fill_list(p, &p->lists[n++], t);
        t += p->planes * (to - from) * p->s.kw;
    }
}

static const tap_list *list_of_row(const plan *p, int64_t row, const tap_list *guess) {
    int64_t from, to;
    rows_meeting_image(p, row, &from, &to);
    if (guess->from == from && guess->to == to) return guess;
    const tap_list *l = p->lists;
    while (l->from != from || l->to != to) l++;
    return l;
}

/* --------------------------------------------------------------------------------------------------------- bands */

/* n pixels of x, `step` pixels apart, as bfloat16: their words. */
static void round_pixels(const plan *p, const float *x, int64_t step, int64_t n, float *to) {
    enum { PIXELS = 32, CHANNELS = 16 };
    float near[PIXELS * CHANNELS];
    for (int64_t i = 0; i < n; i += PIXELS, to += PIXELS * p->xv) {
        int64_t some = tn_min64(PIXELS, n - i);
        if (i % (PIXELS << 10) == 0 && tn_budget_stopped()) return;
        const float *from = x + i * step * p->c;
        if (step > 1) p->k->copy(from, step * p->c, some, near), from = near;
        p->half->narrow_bf16(from, (uint16_t *)(void *)to, (size_t)(some * p->c));
    }
}

/* One row of one plane into the buffer, phase by phase. */
static void copy_row(const plan *p, const float *x, float *to) {
    int64_t v = p->xv, sw = p->s.sw;
    for (int64_t phase = 0; phase < p->phases; phase++, to += p->phase_w * v) {
        int64_t shift = p->s.pl - phase; /* column of index i: i * sw - shift */
        int64_t a = shift > 0 ? tn_min64(p->phase_w, tn_ceil_div(shift, sw)) : 0;
        int64_t z = p->s.w + shift > 0 ? tn_min64(p->phase_w, tn_ceil_div(p->s.w + shift, sw)) : 0;
        if (z < a) z = a;
        if (a) tn_budget_clear(to, (size_t)(a * v) * 4);
        if (z < p->phase_w) tn_budget_clear(to + z * v, (size_t)((p->phase_w - z) * v) * 4);
        const float *from = x + (a * sw - shift) * p->x_floats;
        if (z == a) continue;
        if (p->kind == PAIRS) {
            round_pixels(p, from, sw, z - a, to + a * v);
        } else if (sw == 1) {
            tn_budget_copy(to + a * v, from, (size_t)((z - a) * v) * 4);
        } else if (v == 1) {
            p->k->pick(from, sw, z - a, to + a);
        } else {
            p->k->copy(from, sw * v, z - a, to + a * v);
        }
    }
}

/* Some pixels of an image that is one row: of pairs only, others are read in place. */
static void round_band(const plan *p, const float *x, int64_t first, int64_t pixels, float *to) {
    for (int64_t plane = 0; plane < p->planes; plane++)
        round_pixels(p, x + (plane * p->s.w + first) * p->c, 1, pixels, to + plane * p->plane_floats);
}

static void copy_band(const plan *p, const float *x, int64_t first_row, int64_t rows, float *to) {
    if (p->flat) return round_band(p, x, first_row, rows, to);
    int64_t in_rows = band_in_rows(p, rows), jump = p->row_step == p->s.sh ? 1 : p->s.sh;
    for (int64_t plane = 0; plane < p->planes; plane++) {
        for (int64_t r = 0; r < in_rows; r++) {
            int64_t y = first_row * p->s.sh - p->s.pt + r * jump;
            if (y < 0 || y >= p->s.h) continue;
            if (tn_budget_stopped()) return;
            copy_row(p, x + (plane * p->s.h + y) * p->s.w * p->x_floats,
                     to + plane * p->plane_floats + r * p->row_floats);
        }
    }
}

/* ---------------------------------------------------------------------------------------------------------- tiles */

typedef struct {
    const float *x; /* where row 0, column 0 of the band is read */
    int64_t image, group, first, rows;
} band;

static void run_tiles(const plan *p, const tap_list *l, int64_t from_tap, int64_t taps, tn_conv_tile *t,
                      int64_t pixels) {
    const tn_conv_kernels *k = p->k;
    int b = t->blocks - 1;
    t->taps = l->taps + from_tap, t->ntaps = taps;
    const tn_conv_tile_fn *tiles = p->kind == GEMM ? k->gemm[b] : p->kind == THIN ? k->thin[b] : k->pairs[b];
    tn_conv_run_row(tiles, k->px[b], t, pixels, p->xv, p->xv);
}

/* One bundle over a band, the sum cut into chunks of planes. */
static void run_bundle(const plan *p, const band *b, int64_t bundle) {
    int64_t c = p->c, first = bundle * p->per_bundle, pixels = p->s.oh * p->s.ow;
    int64_t y_blocks = (b->image * p->groups + b->group) * p->blocks + first;
    const float *bias = p->io->w + (b->group * p->blocks + first) * c;
    int64_t block_floats = p->planes * p->s.kh * p->s.kw * p->tap_floats;
    const float *w =
        p->io->w + tn_align_up((size_t)(p->groups * p->blocks * c), 16) + (b->group * p->blocks + first) * block_floats;
    tn_conv_tile t = {
        .blocks = tn_conv_bundle_size(p->blocks, p->per_bundle, bundle), .y_block = pixels * c, .y_pixel = c, .w = w
    };
    for (int64_t plane = 0; plane < p->planes; plane += p->chunk) {
        int64_t planes = tn_min64(p->chunk, p->planes - plane);
        bool last = plane + planes == p->planes;
        bool clear = last && p->clear && bundle == p->bundles - 1 && b->group == p->groups - 1;
        const tap_list *l = p->lists;
        int64_t width = p->flat ? b->rows : p->s.ow, tiles = tn_ceil_div(width, p->k->px[t.blocks - 1]);
        if (p->stream)
            tn_conv_look_ahead(&t, w + (plane + planes) * p->s.kh * p->s.kw * p->tap_floats * t.blocks,
                               tiles * (p->flat ? 1 : b->rows));
        for (int64_t r = 0; r < (p->flat ? 1 : b->rows); r++) {
            l = list_of_row(p, p->flat ? 0 : b->first + r, l);
            int64_t row = p->flat ? b->first : (b->first + r) * p->s.ow, per_plane = (l->to - l->from) * p->s.kw;
            t.x = b->x + (p->flat ? 0 : r * p->row_step * p->row_floats);
            t.y = p->io->y + y_blocks * t.y_block + row * c;
            t.add = plane ? t.y : p->io->residual ? p->io->residual + y_blocks * t.y_block + row * c : NULL;
            t.bias = plane ? NULL : bias;
            t.act = last ? &p->d->act : NULL;
            float *y = t.y + (t.blocks - 1) * t.y_block;
            int64_t n = p->flat ? b->rows : p->s.ow;
            run_tiles(p, l, plane * per_plane, planes * per_plane, &t, n);
            if (clear) tn_conv_clear_lanes(y, c, n, p->c, p->d->oc % c);
        }
    }
}

static int64_t *band_held(const plan *p, int thread) {
    return (int64_t *)(void *)(p->buffers + (size_t)thread * p->buffer_bytes);
}

static void run_tasks(void *arg, int64_t begin, int64_t end, int thread) {
    const plan *p = arg;
    int64_t *held = band_held(p, thread);
    float *buffer = (float *)(void *)((char *)held + BUFFER_HEAD);
    for (int64_t task = begin; task < end; task++) {
        int64_t part = task % p->parts, rest = task / p->parts, units = p->flat ? p->s.ow : p->s.oh;
        band b = { .first = rest % p->bands * p->band_rows,
                   .group = rest / p->bands % p->groups,
                   .image = rest / p->bands / p->groups };
        b.rows = tn_min64(p->band_rows, units - b.first);
        const float *x = p->io->x + (b.image * p->groups + b.group) * p->planes * p->s.h * p->s.w * p->x_floats;
        if (p->direct) {
            b.x = x + (p->flat ? b.first * p->xv : (b.first * p->s.sh - p->s.pt) * p->row_floats);
        } else {
            if (*held != rest) copy_band(p, x, b.first, b.rows, buffer), *held = rest;
            b.x = buffer;
        }
        if (tn_budget_stopped()) return; /* a band may be one endless row */
        for (int64_t i = part * p->bundles / p->parts; i < (part + 1) * p->bundles / p->parts; i++)
            run_bundle(p, &b, i);
    }
}

static void run(const tn_kernels *k, const tn_conv_desc *d, const tn_conv_io *io, tn_pool *pool, tile_kind kind) {
    plan p;
    if (tn_conv_threads(d, SPEED, 2) == 1) pool = NULL;
    if (!make_plan(&p, k, d, kind, tn_pool_threads(pool))) return;
    p.io = io;
    fill_lists(&p, io->scratch);
    p.buffers = (char *)io->scratch + p.list_bytes;
    for (int i = 0; i < tn_pool_threads(pool) && !p.direct; i++) *band_held(&p, i) = -1;
    tn_parallel(pool, d->n * p.groups * p.bands * p.parts, 1, run_tasks, &p);
}

/* -------------------------------------------------------------------------------------------------------- packing */

static size_t packed_bytes(const tn_kernels *k, const tn_conv_desc *d, tile_kind kind) {
    plan p;
    if (!make_plan(&p, k, d, kind, 1)) return 0;
    int64_t blocks = p.groups * p.blocks;
    return (tn_align_up((size_t)(blocks * p.c), 16) + (size_t)(blocks * p.planes * p.s.kh * p.s.kw * p.tap_floats)) * 4;
}

static size_t scratch_bytes(const tn_kernels *k, const tn_conv_desc *d, int threads, tile_kind kind) {
    plan p;
    if (!make_plan(&p, k, d, kind, threads)) return 0;
    return p.list_bytes + p.buffer_bytes * (size_t)threads;
}

/* Weights of a plane's channels and taps for output channel o: they lie `wide` apart. */
static void pack_floats(const plan *p, const float *from, int64_t channels, int64_t wide, int64_t o, float *to) {
    int64_t taps = p->s.kh * p->s.kw;
    for (int64_t i = 0; i < channels; i++)
        for (int64_t t = 0; t < taps; t++) to[(t * p->xv + i) * wide + o] = *from++;
}

static void pack_pairs(const plan *p, const float *from, int64_t channels, int64_t wide, int64_t o, float *words) {
    int64_t taps = p->s.kh * p->s.kw;
    uint16_t *to = (uint16_t *)(void *)words;
    for (int64_t i = 0; i < channels; i++)
        for (int64_t t = 0; t < taps; t++) to[((t * p->xv + i / 2) * wide + o) * 2 + i % 2] = tn_f32_to_bf16(*from++);
}

/* A bundle plane by plane: for one output channel, the weights of a plane's channels and taps lie together. */
static void pack_bundle(const plan *p, const float *w, int64_t g, int64_t bundle, float *to, tn_ticks *ticks) {
    int64_t ocs = p->d->oc / p->groups, ics = p->d->ic / p->groups, taps = p->s.kh * p->s.kw;
    int64_t first = bundle * p->per_bundle * p->c, lanes = p->x_floats;
    int64_t wide = tn_conv_bundle_size(p->blocks, p->per_bundle, bundle) * p->c, n = tn_min64(wide, ocs - first);
    for (int64_t plane = 0; plane < p->planes; plane++, to += taps * p->xv * wide) {
        int64_t channels = tn_min64(lanes, ics - plane * lanes);
        if (channels < lanes || n < wide) memset(to, 0, (size_t)(taps * p->xv * wide) * 4);
        for (int64_t o = 0; o < n && !tn_ticks_stopped(ticks, 2 * (uint64_t)(channels * taps)); o++)
            (p->kind == PAIRS ? pack_pairs : pack_floats)(p, w + ((g * ocs + first + o) * ics + plane * lanes) * taps,
                                                          channels, wide, o, to);
    }
}

static void pack(const tn_kernels *k, const tn_conv_desc *d, const float *w, const float *bias, float *packed,
                 tile_kind kind) {
    plan p;
    tn_ticks ticks = { 0 };
    if (!make_plan(&p, k, d, kind, 1)) return;
    int64_t ocs = d->oc / d->group, padded = p.blocks * p.c;
    int64_t block_floats = p.planes * p.s.kh * p.s.kw * p.tap_floats;
    float *to = packed + tn_align_up((size_t)(p.groups * padded), 16);
    for (int64_t g = 0; g < p.groups; g++) {
        for (int64_t o = 0; o < padded; o++)
            packed[g * padded + o] = bias && o < ocs && g * ocs + o < d->oc ? bias[g * ocs + o] : 0;
        for (int64_t i = 0; i < p.bundles; i++)
            pack_bundle(&p, w, g, i, to + (g * p.blocks + i * p.per_bundle) * block_floats, &ticks);
    }
}

static size_t bias_floats(const tn_kernels *k, const tn_conv_desc *d, tile_kind kind) {
    plan p;
    return make_plan(&p, k, d, kind, 1) ? tn_align_up((size_t)(p.groups * p.blocks * p.c), 16) : 0;
}

/* ----------------------------------------------------------------------------------------------------- algorithms */

#define ALGORITHM(id, NAME, KIND)                                                                                     \
    static bool id##_fits(const tn_kernels *k, const tn_conv_desc *d) {                                               \
        plan p;                                                                                                       \
        return make_plan(&p, k, d, KIND, 1);                                                                          \
    }                                                                                                                 \
    static size_t id##_packed(const tn_kernels *k, const tn_conv_desc *d) { return packed_bytes(k, d, KIND); }        \
    static size_t id##_scratch(const tn_kernels *k, const tn_conv_desc *d, int threads) {                             \
        return scratch_bytes(k, d, threads, KIND);                                                                    \
    }                                                                                                                 \
    static void id##_pack(const tn_kernels *k, const tn_conv_desc *d, const float *w, const float *bias, float *to) { \
        pack(k, d, w, bias, to, KIND);                                                                                \
    }                                                                                                                 \
    static void id##_run(const tn_kernels *k, const tn_conv_desc *d, const tn_conv_io *io, tn_pool *pool) {           \
        run(k, d, io, pool, KIND);                                                                                    \
    }                                                                                                                 \
    static size_t id##_bias(const tn_kernels *k, const tn_conv_desc *d) { return bias_floats(k, d, KIND); }           \
    const tn_conv_algo tn_conv_algo_##id = {                                                                          \
        NAME, id##_fits, id##_packed, id##_scratch, id##_pack, id##_run, id##_bias                                    \
    };

ALGORITHM(blocked, "blocked", GEMM)
ALGORITHM(thin, "thin", THIN)
ALGORITHM(pairs, "pairs", PAIRS)
