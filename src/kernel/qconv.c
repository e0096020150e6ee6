/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qconv.c - packs weights of 8-bit convolutions, and shares positions and panels among threads.
 *
 *       packed:  groups, panels, quads | first group of each panel, and one more | sums    | codes  | weights
 *                int64                   int64 [panels + 1]                        int32     int32    64-byte aligned
 *                                                                                  of columns, groups
 *
 * The code of a group is tap * quads + quad, where quad counts the input channels (of all groups) in fours. */
#include "kernel/qconv.h"
#include "base/mem.h"
#include <string.h>

enum { CHUNK_BYTES = 1 << 17, LEAST_ROWS = 48, MOST_NR = 64 };

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* ------------------------------------------------------------------------------------------------------- weights */

/* Where the parts of a packed form lie. */
typedef struct {
    int64_t panels, groups, quads;
    int64_t *first;
    int32_t *sums, *codes;
    int8_t *w;
    size_t bytes;
} parts;

static parts parts_of(int64_t nr, int64_t panels, int64_t groups, void *at) {
    parts p = { .panels = panels, .groups = groups };
    size_t sums = (size_t)(panels + 4) * sizeof(int64_t), codes = sums + (size_t)(panels * nr) * sizeof(int32_t),
           w = tn_align_up(codes + (size_t)groups * sizeof(int32_t), 64);
    p.bytes = w + (size_t)(groups * nr * 4);
    if (!at) return p;
    p.first = (int64_t *)at + 3;
    p.sums = (int32_t *)(void *)((char *)at + sums);
    p.codes = (int32_t *)(void *)((char *)at + codes);
    p.w = (int8_t *)at + w;
    return p;
}

static parts parts_in(const tn_qconv_kernels *kn, const void *packed) {
    const int64_t *head = packed;
    parts p = parts_of((int64_t)kn->nr, head[1], head[0], (void *)(uintptr_t)packed);
    p.quads = head[2];
    return p;
}

/* w' of output o at channel c (of all) and tap t. */
static int weight_at(const tn_qweights *w, int64_t o, int64_t c, int64_t t) {
    int64_t i = c - o / (w->oc / w->groups) * w->ic;
    if (i < 0 || i >= w->ic) return 0;
    int64_t at = o * w->o_step + i * w->i_step + t * w->t_step;
    int v = w->is_signed ? ((const int8_t *)w->w)[at] : ((const uint8_t *)w->w)[at];
    return v - w->zero[w->zero_many ? o : 0];
}

static int clamp(int v, int lo, int hi) { return v < lo ? lo : v > hi ? hi : v; }

/* Takes from a pair what one group holds of it. */
static void take_pair(bool bounded, int *rest, int8_t *out) {
    int a = clamp(rest[0], -128, 127), b = clamp(rest[1], -128, 127);
    if (bounded && a > 0 && b > 0) b = clamp(b, 0, 128 - a);
    if (bounded && a < 0 && b < 0) b = clamp(b, -128 - a, 0);
    rest[0] -= a, rest[1] -= b;
    if (out) out[0] = (int8_t)a, out[1] = (int8_t)b;
}

/* The groups of one quad: how many; written to codes and w unless those are NULL. */
static int64_t pack_quad(const tn_qconv_kernels *kn, int (*rest)[4], int64_t columns, int32_t code, int32_t *codes,
                         int8_t *w) {
    int64_t n = 0, nr = (int64_t)kn->nr;
    for (;; n++) {
        int any = 0;
        for (int64_t j = 0; j < columns; j++) any |= rest[j][0] | rest[j][1] | rest[j][2] | rest[j][3];
        if (!any) return n;
        for (int64_t j = 0; j < columns; j++) {
            int8_t *to = w ? w + n * nr * 4 + 4 * j : NULL;
            take_pair(kn->bounded, rest[j], to);
            take_pair(kn->bounded, rest[j] + 2, to ? to + 2 : NULL);
        }
        if (codes) codes[n] = code;
    }
}

/* The input channels, rounded out to fours, that some column of [o0, o0 + n) sees. */
static void channels_of(const tn_qweights *w, int64_t o0, int64_t n, int64_t *begin, int64_t *end) {
    int64_t each = w->oc / w->groups;
    *begin = o0 / each * w->ic / 4;
    *end = ceil_div(((o0 + n - 1) / each + 1) * w->ic, 4);
}

static int64_t pack_panel(const tn_qconv_kernels *kn, const tn_qweights *w, int64_t panel, int32_t *codes, int8_t *to,
                          int32_t *sums) {
    int64_t nr = (int64_t)kn->nr, o0 = panel * nr, n = min64(nr, w->oc - o0), begin, end, count = 0;
    int64_t quads = ceil_div(w->ic * w->groups, 4);
    channels_of(w, o0, n, &begin, &end);
    for (int64_t t = 0; t < w->taps; t++)
        for (int64_t q = begin; q < end; q++) {
            int rest[MOST_NR][4];
            for (int64_t j = 0; j < n; j++)
                for (int k = 0; k < 4; k++) {
                    rest[j][k] = weight_at(w, o0 + j, 4 * q + k, t);
                    if (sums) sums[j] = (int32_t)((uint32_t)sums[j] + (uint32_t)rest[j][k]);
                }
            count += pack_quad(kn, rest, n, (int32_t)(t * quads + q), codes ? codes + count : NULL,
                               to ? to + count * nr * 4 : NULL);
        }
    return count;
}

size_t tn_qconv_packed_bytes(const tn_qconv_kernels *kn, const tn_qweights *w) {
    int64_t panels = ceil_div(w->oc, (int64_t)kn->nr), groups = 0;
    for (int64_t p = 0; p < panels; p++) groups += pack_panel(kn, w, p, NULL, NULL, NULL);
    return parts_of((int64_t)kn->nr, panels, groups, NULL).bytes;
}

void tn_qconv_pack(const tn_qconv_kernels *kn, const tn_qweights *w, void *out) {
    int64_t nr = (int64_t)kn->nr, panels = ceil_div(w->oc, nr), groups = 0;
    int64_t *head = out;
    for (int64_t p = 0; p < panels; p++) groups += pack_panel(kn, w, p, NULL, NULL, NULL);
    parts to = parts_of(nr, panels, groups, out);
    memset(out, 0, to.bytes);
    head[0] = groups, head[1] = panels, head[2] = ceil_div(w->ic * w->groups, 4);
    for (int64_t p = 0, g = 0; p < panels; p++) {
        to.first[p] = g;
        g += pack_panel(kn, w, p, to.codes + g, to.w + g * nr * 4, to.sums + p * nr);
        to.first[p + 1] = g;
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
            int v = weight_at(w, o, o, t);
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
        int64_t panel = i % j->p.panels, r = i / j->p.panels * j->chunk, first = j->p.first[panel], c = panel * nr;
        tn_qstrip s = { .rows = min64(j->chunk, a->rows - r),
                        .groups = j->p.first[panel + 1] - first,
                        .n = min64(nr, a->columns - c),
                        .x = a->x,
                        .row_at = a->row_at + r,
                        .group_at = a->group_at + first,
                        .w = j->p.w + first * nr * 4,
                        .end = a->end,
                        .y = a->y + r * a->row_step + c / TN_QBLOCK * a->block_step,
                        .row_step = a->row_step,
                        .block_step = a->block_step };
        s.end.add += c, s.end.scale += c, s.end.bias += c;
        j->kn->strip(&s);
    }
}

void tn_qconv(const tn_qconv_kernels *kn, const tn_qconv_args *a, tn_pool *pool) {
    job j = { .kn = kn, .a = a, .p = parts_in(kn, a->packed) };
    if (a->rows <= 0 || j.p.panels <= 0) return;
    int64_t each = 1 + 4 * j.p.groups / j.p.panels, threads = tn_pool_threads(pool);
    j.chunk = CHUNK_BYTES / each;
    if (j.chunk < LEAST_ROWS) j.chunk = LEAST_ROWS;
    j.chunk = min64(j.chunk, a->rows);
    double work = (double)a->rows * (double)j.p.groups * (double)(4 * kn->nr);
    if (threads > 1 && j.p.panels < 4 * threads) j.chunk = min64(j.chunk, ceil_div(a->rows, 4 * threads));
    int64_t tasks = ceil_div(a->rows, j.chunk) * j.p.panels;
    int64_t worth = 1 + (int64_t)((double)tasks * (1 << 18) / (work + 1)); /* tasks that are worth a thread */
    tn_parallel(pool, tasks, worth, run_tasks, &j);
}
