/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qconv.c - packs weights of 8-bit convolutions, and shares positions and panels among threads.
 *
 *       packed:  groups, panels, quads, wide | first group of each panel, and one more | sums    | codes  | weights
 *                int64                         int64 [panels + 1]                        int32     int32    64-byte
 * aligned of columns, groups
 *
 * The code of a group is tap * quads + quad, where quad counts the input channels (of all groups) in fours. */
#include "kernel/qconv.h"
#include "base/mem.h"
#include <string.h>

enum { CHUNK_BYTES = 1 << 17, LEAST_ROWS = 48, MOST_NR = 64, HEAD = 4 };

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* ------------------------------------------------------------------------------------------------------- weights */

/* Where the parts of a packed form lie. */
typedef struct {
    int64_t panels, groups, quads, group_bytes;
    bool wide;
    int64_t *first;
    int32_t *sums, *codes;
    char *w;
    size_t bytes;
} parts;

static parts parts_of(int64_t nr, bool wide, int64_t panels, int64_t groups, void *at) {
    parts p = { .panels = panels, .groups = groups, .wide = wide, .group_bytes = nr * (wide ? 32 : 4) };
    size_t sums = (size_t)(panels + 1 + HEAD) * sizeof(int64_t), codes = sums + (size_t)(panels * nr) * sizeof(int32_t),
           w = tn_align_up(codes + (size_t)groups * sizeof(int32_t), 64);
    p.bytes = w + (size_t)(groups * p.group_bytes);
    if (!at) return p;
    p.first = (int64_t *)at + HEAD;
    p.sums = (int32_t *)(void *)((char *)at + sums);
    p.codes = (int32_t *)(void *)((char *)at + codes);
    p.w = (char *)at + w;
    return p;
}

static parts parts_in(const tn_qconv_kernels *kn, const void *packed) {
    const int64_t *head = packed;
    parts p = parts_of((int64_t)kn->nr, head[3], head[1], head[0], (void *)(uintptr_t)packed);
    p.quads = head[2];
    return p;
}

/* A panel's columns. */
typedef struct {
    const tn_qweights *of;
    int64_t n, begin, end; /* columns; the input channels that some column sees, rounded out to sixteens */
    int64_t at[MOST_NR], first[MOST_NR];
    int zero[MOST_NR];
} panel;

static panel panel_at(const tn_qweights *w, int64_t nr, int64_t index) {
    panel p = { .of = w, .n = min64(nr, w->oc - index * nr) };
    int64_t each = w->oc / w->groups, o = index * nr;
    p.begin = o / each * w->ic / TN_QBLOCK * TN_QBLOCK;
    p.end = ceil_div(((o + p.n - 1) / each + 1) * w->ic, TN_QBLOCK) * TN_QBLOCK;
    for (int64_t j = 0; j < p.n; j++, o++) {
        p.at[j] = o * w->o_step, p.first[j] = o / each * w->ic;
        p.zero[j] = w->zero[w->zero_many ? o : 0];
    }
    return p;
}

/* w' of column j at four channels from c on and tap t; whether one is not 0. */
static int read_four(const panel *p, int64_t j, int64_t c, int64_t t, int *to) {
    const tn_qweights *w = p->of;
    int any = 0;
    for (int k = 0; k < 4; k++) {
        int64_t i = c + k - p->first[j], at = p->at[j] + i * w->i_step + t * w->t_step;
        bool inside = i >= 0 && i < w->ic;
        int v = !inside ? 0 : (w->is_signed ? ((const int8_t *)w->w)[at] : ((const uint8_t *)w->w)[at]) - p->zero[j];
        to[k] = v, any |= v;
    }
    return any;
}

static int clamp(int v, int lo, int hi) { return v < lo ? lo : v > hi ? hi : v; }

/* Takes from a pair what one group holds of it; what is left. */
static int take_pair(bool bounded, int *rest, int8_t *out) {
    int a = clamp(rest[0], -128, 127), b = clamp(rest[1], -128, 127);
    if (bounded && a > 0 && b > 0) b = clamp(b, 0, 128 - a);
    if (bounded && a < 0 && b < 0) b = clamp(b, -128 - a, 0);
    rest[0] -= a, rest[1] -= b;
    out[0] = (int8_t)a, out[1] = (int8_t)b;
    return rest[0] | rest[1];
}

/* The narrow groups of four channels: how many. Codes and weights are written unless codes is NULL. */
static int64_t pack_four(const tn_qconv_kernels *kn, int (*rest)[4], int64_t columns, int32_t code, int32_t *codes,
                         int8_t *w) {
    int64_t n = 0;
    for (int any = 1; any; n++) {
        any = 0;
        for (int64_t j = 0; j < columns; j++) {
            int8_t pair[4];
            any |= take_pair(kn->bounded, rest[j], pair) | take_pair(kn->bounded, rest[j] + 2, pair + 2);
            if (codes) memcpy(w + (n * (int64_t)kn->nr + j) * 4, pair, 4);
        }
        if (codes) codes[n] = code;
    }
    return n;
}

/* The groups of a panel: how many, narrow and wide. Written in the form of `to` (NULL: counted alone) from its g-th. */
static void pack_panel(const tn_qconv_kernels *kn, const tn_qweights *w, int64_t index, const parts *to, int64_t g,
                       int64_t count[2]) {
    int64_t nr = (int64_t)kn->nr, quads = ceil_div(w->ic * w->groups, 4);
    panel p = panel_at(w, nr, index);
    bool narrow = to && !to->wide, wide = to && to->wide;
    count[0] = count[1] = 0;
    for (int64_t t = 0; t < w->taps; t++)
        for (int64_t c = p.begin; c < p.end; c += TN_QBLOCK) {
            int some = 0;
            for (int64_t q = 0; q < TN_QBLOCK; q += 4) {
                int rest[MOST_NR][4], any = 0;
                int32_t code = (int32_t)(t * quads + (c + q) / 4);
                int64_t at = g + count[0];
                for (int64_t j = 0; j < p.n; j++) any |= read_four(&p, j, c + q, t, rest[j]);
                some |= any;
                for (int64_t j = 0; any && to && j < p.n; j++)
                    to->sums[index * nr + j] += rest[j][0] + rest[j][1] + rest[j][2] + rest[j][3];
                int16_t *words = wide && any ? (int16_t *)(void *)(to->w + (g + count[1]) * to->group_bytes) : NULL;
                for (int64_t j = 0; words && j < p.n; j++)
                    for (int k = 0; k < 4; k++) words[(((q + k) / 2) * nr + j) * 2 + k % 2] = (int16_t)rest[j][k];
                if (any && !wide)
                    count[0] += pack_four(kn, rest, p.n, code, narrow ? to->codes + at : NULL,
                                          narrow ? (int8_t *)to->w + at * to->group_bytes : NULL);
            }
            if (some && wide) to->codes[g + count[1]] = (int32_t)(t * quads + c / 4);
            count[1] += some != 0;
        }
}

tn_qconv_size tn_qconv_measure(const tn_qconv_kernels *kn, const tn_qweights *w) {
    int64_t nr = (int64_t)kn->nr, panels = ceil_div(w->oc, nr), narrow = 0, wide = 0;
    for (int64_t i = 0; i < panels; i++) {
        int64_t count[2];
        pack_panel(kn, w, i, NULL, 0, count);
        narrow += count[0], wide += count[1];
    }
    /* A wide group takes the time of 5.6 narrow ones (Zen 3: 125 and 175 GOP/s). */
    tn_qconv_size s = { .wide = kn->wide && 5 * narrow > 28 * wide };
    s.groups = s.wide ? wide : narrow;
    s.bytes = parts_of(nr, s.wide, panels, s.groups, NULL).bytes;
    return s;
}

void tn_qconv_pack(const tn_qconv_kernels *kn, const tn_qweights *w, const tn_qconv_size *size, void *out) {
    int64_t nr = (int64_t)kn->nr, panels = ceil_div(w->oc, nr), count[2];
    int64_t *head = out;
    parts to = parts_of(nr, size->wide, panels, size->groups, out);
    memset(out, 0, to.bytes);
    head[0] = size->groups, head[1] = panels, head[2] = ceil_div(w->ic * w->groups, 4), head[3] = size->wide;
    for (int64_t i = 0, g = 0; i < panels; i++) {
        to.first[i] = g;
        pack_panel(kn, w, i, &to, g, count);
        to.first[i + 1] = g += count[size->wide];
    }
}

int64_t tn_qconv_groups(const void *packed) { return *(const int64_t *)packed; }

const int32_t *tn_qconv_sums(const tn_qconv_kernels *kn, const void *packed) { return parts_in(kn, packed).sums; }

void tn_qconv_places(const tn_qconv_kernels *kn, const void *packed, int64_t block, const int32_t *tap_at,
                     int32_t *group_at) {
    parts p = parts_in(kn, packed);
    for (int64_t g = 0; g < p.groups; g++) {
        int64_t t = p.codes[g] / p.quads, q = p.codes[g] % p.quads;
        group_at[g] = (int32_t)(tap_at[t] + q / 4 * block + q % 4 * 4);
    }
}

/* ----------------------------------------------------------------------------------------------------- depthwise */

static int64_t depth_blocks(const tn_qweights *w) { return ceil_div(w->oc, TN_QBLOCK); }
static int64_t depth_pairs(const tn_qweights *w) { return ceil_div(w->taps, 2); }

static int depth_weight(const tn_qweights *w, int64_t o, int64_t t) {
    int64_t at = o * w->o_step + t * w->t_step;
    return (w->is_signed ? ((const int8_t *)w->w)[at] : ((const uint8_t *)w->w)[at]) - w->zero[w->zero_many ? o : 0];
}

size_t tn_qdepth_packed_bytes(const tn_qweights *w) {
    return (size_t)(depth_blocks(w) * TN_QBLOCK) * (2 * sizeof(int16_t) * (size_t)depth_pairs(w) + sizeof(int32_t));
}

const int32_t *tn_qdepth_sums(const tn_qweights *w, const void *packed) {
    return (const int32_t *)(const void *)((const int16_t *)packed + depth_blocks(w) * TN_QBLOCK * 2 * depth_pairs(w));
}

void tn_qdepth_pack(const tn_qweights *w, void *out) {
    int16_t *to = out;
    int32_t *sums = (int32_t *)(uintptr_t)tn_qdepth_sums(w, out);
    memset(out, 0, tn_qdepth_packed_bytes(w));
    for (int64_t o = 0; o < w->oc; o++)
        for (int64_t t = 0; t < w->taps; t++) {
            int v = depth_weight(w, o, t);
            to[((o / TN_QBLOCK * depth_pairs(w) + t / 2) * TN_QBLOCK + o % TN_QBLOCK) * 2 + t % 2] = (int16_t)v;
            sums[o] += v;
        }
}

/* ------------------------------------------------------------------------------------------------------- running */

typedef struct {
    const tn_qconv_kernels *kn;
    const tn_qconv_args *a;
    parts p;
    int64_t chunk; /* rows of a task */
} job;

/* Tasks are numbered chunk by chunk, so that neighbours read the same rows. */
static void run_tasks(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    const tn_qconv_args *a = j->a;
    int64_t nr = (int64_t)j->kn->nr;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        int64_t k = i % j->p.panels, r = i / j->p.panels * j->chunk, first = j->p.first[k], c = k * nr;
        tn_qstrip s = { .rows = min64(j->chunk, a->rows - r),
                        .groups = j->p.first[k + 1] - first,
                        .n = min64(nr, a->columns - c),
                        .x = a->x,
                        .row_at = a->row_at + r,
                        .group_at = a->group_at + first,
                        .w = j->p.w + first * j->p.group_bytes,
                        .end = a->end,
                        .y = a->y + r * a->row_step + c / TN_QBLOCK * a->block_step,
                        .row_step = a->row_step,
                        .block_step = a->block_step };
        s.end.add += c, s.end.scale += c, s.end.bias += c;
        (j->p.wide ? j->kn->wide : j->kn->strip)(&s);
    }
}

void tn_qconv(const tn_qconv_kernels *kn, const tn_qconv_args *a, tn_pool *pool) {
    job j = { .kn = kn, .a = a, .p = parts_in(kn, a->packed) };
    if (a->rows <= 0 || j.p.panels <= 0) return;
    int64_t channels = j.p.wide ? TN_QBLOCK : 4, each = 1 + channels * j.p.groups / j.p.panels,
            threads = tn_pool_threads(pool);
    j.chunk = CHUNK_BYTES / each;
    if (j.chunk < LEAST_ROWS) j.chunk = LEAST_ROWS;
    j.chunk = min64(j.chunk, a->rows);
    double work = (double)a->rows * (double)j.p.groups * (double)(channels * (int64_t)kn->nr);
    if (threads > 1 && j.p.panels < 4 * threads) j.chunk = min64(j.chunk, ceil_div(a->rows, 4 * threads));
    int64_t tasks = ceil_div(a->rows, j.chunk) * j.p.panels;
    int64_t worth = 1 + (int64_t)((double)tasks * (1 << 18) / (work + 1)); /* tasks that are worth a thread */
    tn_parallel(pool, tasks, worth, run_tasks, &j);
}
