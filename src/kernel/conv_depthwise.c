/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv_depthwise.c - depthwise convolution of blocked tensors: every channel is convolved with its own kernel.
 *
 * A block of channels is an image of vectors of c floats. The rows of x that a row of y needs are kept in a ring of
 * rows in L1, with zeros on both sides, so that tiles know no borders; every row of x is copied once. With a stride s
 * the copy sorts columns into s phases, so that neighbouring pixels of y read neighbouring vectors:
 *
 *     slot, s = 2, pad 1:   [0 x1 x3 x5 ..][x0 x2 x4 x6 ..]
 *
 * A tap is a run of kernel columns that lie side by side in a phase: the tile loads each vector of x once for all of
 * them. Runs need dilation * step == stride * k for whole k; otherwise every column is a run of its own.
 *
 * Weights: [bias, padded][block][ky][kx][c]. */
#include "base/budget.h"
#include "base/mem.h"
#include "kernel/conv_parts.h"
#include "kernel/kernel.h"
#include <string.h>

enum {
    SPEED = 60, /* GFLOP/s of a thread, roughly */
    FLOATS_MAX = 1 << 28,
    RUN = 3,           /* columns a tile takes at a time */
    LISTS_TAPS = 2048, /* in the lists that are kept: see run_band */
    HEAD = 64,         /* bytes before a thread's memory */
};

typedef struct {
    const tn_conv_desc *d;
    const tn_conv_kernels *k;
    const tn_conv_io *io;
    tn_conv_2d s;
    int64_t c, blocks;
    int64_t phases, phase_w, slot, slots; /* columns of a phase; floats of a slot; slots of the ring */
    int64_t bands, band_rows;             /* of y, for threads */
    int64_t runs;                         /* taps per kernel row */
    struct {
        int64_t from, to, n; /* floats: first in the row of x, its place in the slot; vectors */
    } * copies;              /* by phase */
    tn_conv_tap *row_taps;   /* those taps for a row at offset 0 */
    bool clear, keep;
    size_t taps_bytes, ring_bytes,
        thread_bytes; /* of a thread: a byte that says whether its memory is ready, then it */
    char *scratch;
} plan;

static bool make_plan(plan *p, const tn_conv_kernels *k, const tn_conv_desc *d, int threads) {
    threads = tn_conv_threads(d, SPEED, threads);
    *p = (plan){ .d = d, .k = k, .c = k->block };
    if (d->rank > 2 || d->transposed || d->group != d->ic || d->ic != d->oc) return false;
    if (d->x_layout != TN_LAYOUT_BLOCKED || d->y_layout != TN_LAYOUT_BLOCKED) return false;
    tn_conv_2d s = p->s = tn_conv_as_2d(d);
    if (s.h < 1 || s.w < 1 || s.oh < 1 || s.ow < 1 || d->n < 1) return false;
    double row = ((double)s.ow + (double)(s.kw - 1) * (double)s.dw) * (double)s.sw * (double)p->c;
    if (row * ((double)(s.kh - 1) * (double)s.dh + 1) > FLOATS_MAX) return false;
    if ((double)s.kh * (double)s.kw * (double)p->c > FLOATS_MAX) return false;
    p->blocks = tn_ceil_div(d->oc, p->c);
    for (int64_t x = 0; x < tn_min64(s.kw, s.sw); x++) p->phases = tn_max64(p->phases, x * s.dw % s.sw + 1);
    p->phase_w = s.ow + (s.kw - 1) * s.dw / s.sw;
    p->slot = p->phases * p->phase_w * p->c;
    p->slots = (s.kh - 1) * s.dh + 1;
    p->clear = tn_conv_must_clear(d, (int)p->c, false);
    int64_t tasks = d->n * p->blocks;
    p->bands = threads > 1 && tasks % threads && tasks < 8 * threads ? tn_min64(threads, s.oh) : 1;
    p->band_rows = tn_ceil_div(s.oh, p->bands);
    p->bands = tn_ceil_div(s.oh, p->band_rows);
    p->taps_bytes = tn_align_up((size_t)s.kw * sizeof(tn_conv_tap) + (size_t)p->phases * sizeof *p->copies, 64);
    int64_t list = s.kh * s.kw;
    p->keep = list * (p->slots + 1) <= LISTS_TAPS;
    p->ring_bytes = tn_align_up((size_t)(p->slots * p->slot) * 4, 64);
    p->thread_bytes = HEAD + p->ring_bytes + tn_align_up((size_t)p->slots, 64) +
                      tn_align_up((size_t)(list * (p->keep ? p->slots + 1 : 1)) * sizeof(tn_conv_tap), 64);
    return true;
}

/* Kernel columns grouped by the phase they read, neighbours joined. */
static void list_runs(plan *p) {
    const tn_conv_2d *s = &p->s;
    tn_conv_tap *t = p->row_taps;
    for (int64_t phase = 0; phase < p->phases; phase++) {
        int64_t last = -2, last_x = 0;
        for (int64_t x = 0; x < s->kw; x++) {
            if (x * s->dw % s->sw != phase) continue;
            int64_t column = x * s->dw / s->sw;
            if (column == last + 1 && t != p->row_taps && t[-1].n < RUN &&
                (t[-1].n == 1 || t[-1].step == (x - last_x) * p->c)) {
                t[-1].n++, t[-1].step = (int32_t)((x - last_x) * p->c);
            } else {
                *t++ = (tn_conv_tap){ (int32_t)((phase * p->phase_w + column) * p->c), (int32_t)(x * p->c), 1, 0 };
            }
            last = column, last_x = x;
        }
    }
    p->runs = t - p->row_taps;
}

/* What of a row of x goes where in a slot, phase by phase; the zeros on both sides are there already. */
static void list_copies(plan *p) {
    const tn_conv_2d *s = &p->s;
    for (int64_t phase = 0; phase < p->phases; phase++) {
        int64_t shift = s->pl - phase; /* column of index i: i * sw - shift */
        int64_t a = shift > 0 ? tn_min64(p->phase_w, tn_ceil_div(shift, s->sw)) : 0;
        int64_t z = s->w + shift > 0 ? tn_min64(p->phase_w, tn_ceil_div(s->w + shift, s->sw)) : 0;
        p->copies[phase].from = (a * s->sw - shift) * p->c;
        p->copies[phase].to = (phase * p->phase_w + a) * p->c;
        p->copies[phase].n = tn_max64(0, z - a);
    }
}

static void copy_row(const plan *p, const float *x, float *slot) {
    for (int64_t i = 0; i < p->phases; i++)
        p->k->copy(x + p->copies[i].from, p->s.sw * p->c, p->copies[i].n, slot + p->copies[i].to);
}

/* The taps of a row of y whose first row of x is `top`, row max(top, 0) being in the slot at `base`; how many. */
static int64_t list_taps(const plan *p, int64_t top, int64_t base, tn_conv_tap *taps) {
    const tn_conv_2d *s = &p->s;
    int64_t n = 0, first = tn_max64(top, 0), slot_end = p->slots * p->slot;
    for (int64_t ky = 0; ky < s->kh; ky++) {
        int64_t y = top + ky * s->dh, at = base + (y - first) * p->slot;
        if (y < 0 || y >= s->h) continue;
        if (at >= slot_end) at -= slot_end;
        for (int64_t i = 0; i < p->runs; i++) {
            taps[n] = p->row_taps[i];
            taps[n].x += (int32_t)at;
            taps[n++].w += (int32_t)(ky * s->kw * p->c);
        }
    }
    return n;
}

/* Rows that see the whole kernel have the same taps whenever the ring stands the same: those lists are kept, one for
 * each slot, for as long as the thread works. */
typedef struct {
    float *ring;
    tn_conv_tap *edge, *kept; /* list of a row at the edge; [slot][kh * runs] */
    unsigned char *made;      /* [slot]; NULL: too many to keep */
} memory;

static void run_band(const plan *p, int64_t image_block, int64_t from, int64_t to, const memory *m) {
    const tn_conv_2d *s = &p->s;
    int64_t c = p->c, block = image_block % p->blocks, copied = 0, whole = s->kh * p->runs;
    const float *x = p->io->x + image_block * s->h * s->w * c;
    const float *w = p->io->w + tn_align_up((size_t)(p->blocks * c), 16) + block * s->kh * s->kw * c;
    tn_conv_tile t = { .blocks = 1, .w = w, .bias = p->io->w + block * c, .y_pixel = c, .act = &p->d->act };
    int64_t slot_end = p->slots * p->slot, top = from * s->sh - s->pt, stands = tn_max64(top, 0) % p->slots;
    for (int64_t oy = from; oy < to; oy++, top += s->sh) {
        int64_t first = tn_max64(top, 0), end = tn_min64(s->h, top + p->slots);
        int64_t base = stands * p->slot, y = tn_max64(copied, first), at = base + (y - first) * p->slot;
        for (; y < end; y++, at += p->slot)
            copy_row(p, x + y * s->w * c, m->ring + (at < slot_end ? at : at - slot_end));
        copied = tn_max64(copied, end);
        if (top < 0 || end < top + p->slots || !m->made) {
            t.taps = m->edge, t.ntaps = list_taps(p, top, base, m->edge);
        } else {
            tn_conv_tap *list = m->kept + stands * whole;
            if (!m->made[stands]) list_taps(p, top, base, list), m->made[stands] = 1;
            t.taps = list, t.ntaps = whole;
        }
        stands += tn_max64(top + s->sh, 0) - first;
        if (stands >= p->slots) stands = stands < 2 * p->slots ? stands - p->slots : stands % p->slots;
        int64_t out = (image_block * s->oh + oy) * s->ow * c;
        t.x = m->ring, t.y = p->io->y + out, t.add = p->io->residual ? p->io->residual + out : NULL;
        tn_conv_run_row(p->k->dw, p->k->dw_px, &t, s->ow, c, c);
        if (p->clear && block == p->blocks - 1) tn_conv_clear_lanes(p->io->y + out, c, s->ow, (int)c, p->d->oc % c);
    }
}

static char *head_of(const plan *p, int thread) {
    return p->scratch + p->taps_bytes + (size_t)thread * p->thread_bytes;
}

static void run_bands(void *arg, int64_t begin, int64_t end, int thread) {
    const plan *p = arg;
    char *ready = head_of(p, thread), *at = ready + HEAD;
    memory m = { .ring = (float *)at };
    if (!*ready) memset(at, 0, p->ring_bytes + (p->keep ? (size_t)p->slots : 0));
    *ready = 1;
    m.made = p->keep ? (unsigned char *)at + p->ring_bytes : NULL;
    m.edge = (tn_conv_tap *)(at + p->ring_bytes + tn_align_up((size_t)p->slots, 64));
    m.kept = m.edge + p->s.kh * p->s.kw;
    for (int64_t i = begin; i < end; i++) {
        int64_t row = i % p->bands * p->band_rows;
        run_band(p, i / p->bands, row, tn_min64(row + p->band_rows, p->s.oh), &m);
    }
}

static bool fits(const tn_kernels *k, const tn_conv_desc *d) {
    plan p;
    return make_plan(&p, &k->conv, d, 1);
}

static size_t packed_bytes(const tn_kernels *k, const tn_conv_desc *d) {
    plan p;
    if (!make_plan(&p, &k->conv, d, 1)) return 0;
    return (tn_align_up((size_t)(p.blocks * p.c), 16) + (size_t)(p.blocks * p.s.kh * p.s.kw * p.c)) * 4;
}

static size_t scratch_bytes(const tn_kernels *k, const tn_conv_desc *d, int threads) {
    plan p;
    if (!make_plan(&p, &k->conv, d, threads)) return 0;
    return p.taps_bytes + p.thread_bytes * (size_t)threads;
}

static void pack(const tn_kernels *k, const tn_conv_desc *d, const float *w, const float *bias, float *packed) {
    plan p;
    tn_ticks ticks = { 0 };
    if (!make_plan(&p, &k->conv, d, 1)) return;
    int64_t taps = p.s.kh * p.s.kw;
    float *to = packed + tn_align_up((size_t)(p.blocks * p.c), 16);
    for (int64_t o = 0; o < p.blocks * p.c && !tn_ticks_stopped(&ticks, 2 * (uint64_t)taps); o++) {
        packed[o] = bias && o < d->oc ? bias[o] : 0;
        for (int64_t t = 0; t < taps; t++) to[(o / p.c * taps + t) * p.c + o % p.c] = o < d->oc ? w[o * taps + t] : 0;
    }
}

static void run(const tn_kernels *k, const tn_conv_desc *d, const tn_conv_io *io, tn_pool *pool) {
    plan p;
    if (tn_conv_threads(d, SPEED, 2) == 1) pool = NULL;
    if (!make_plan(&p, &k->conv, d, tn_pool_threads(pool))) return;
    p.io = io, p.scratch = io->scratch, p.row_taps = io->scratch;
    p.copies = (void *)(p.row_taps + p.s.kw);
    list_runs(&p);
    list_copies(&p);
    for (int i = 0; i < tn_pool_threads(pool); i++) *head_of(&p, i) = 0;
    tn_parallel(pool, d->n * p.blocks * p.bands, 1, run_bands, &p);
}

const tn_conv_algo tn_conv_algo_depthwise = { "depthwise", fits, packed_bytes, scratch_bytes, pack, run };
