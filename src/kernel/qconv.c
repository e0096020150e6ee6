/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qconv.c - packs weights of 8-bit convolutions, and shares positions and panels among threads.
 *
 *       packed:  head | first double and single of each panel, and one more | sums of columns | codes | picks | weights
 *
 * Doubles of all panels come before singles, which of a wide form are its wide groups. The code of a double or single
 * is tap * quads + quad, where quad counts the input channels (of all groups) in fours. */
#include "base/mem.h"
#include "kernel/qconv_arrange.h"
#include <string.h>

enum { CHUNK_BYTES = 1 << 17, LEAST_ROWS = 48 };
enum { DOUBLES, SINGLES, PANELS, QUADS, WIDE, HEAD }; /* the head, int64 each */

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* ------------------------------------------------------------------------------------------------------- weights */

/* Where the parts of a packed form lie. */
typedef struct {
    int64_t panels, doubles, singles, quads, group_bytes;
    bool wide;
    int64_t (*first)[2]; /* double, single */
    int32_t *sums, *codes;
    uint8_t (*pick)[4];
    char *w;
    size_t bytes;
} parts;

static parts parts_of(int64_t nr, bool wide, int64_t panels, int64_t doubles, int64_t singles, void *at) {
    parts p = { .panels = panels, .doubles = doubles, .singles = singles, .wide = wide };
    p.group_bytes = nr * (wide ? 32 : 4);
    int64_t groups = 2 * doubles + singles;
    size_t sums = (size_t)(HEAD + 2 * (panels + 1)) * sizeof(int64_t),
           codes = sums + (size_t)(panels * nr) * sizeof(int32_t),
           pick = codes + (size_t)(doubles + singles) * sizeof(int32_t), w = tn_align_up(pick + (size_t)groups * 4, 64);
    p.bytes = w + (size_t)(groups * p.group_bytes);
    if (!at) return p;
    p.first = (int64_t(*)[2])(void *)((int64_t *)at + HEAD);
    p.sums = (int32_t *)(void *)((char *)at + sums);
    p.codes = (int32_t *)(void *)((char *)at + codes);
    p.pick = (uint8_t(*)[4])(void *)((char *)at + pick);
    p.w = (char *)at + w;
    return p;
}

static parts parts_in(const tn_qconv_kernels *kn, const void *packed) {
    const int64_t *h = packed;
    parts p = parts_of((int64_t)kn->nr, h[WIDE], h[PANELS], h[DOUBLES], h[SINGLES], (void *)(uintptr_t)packed);
    p.quads = h[QUADS];
    return p;
}

/* A panel's columns. */
typedef struct {
    const tn_qweights *of;
    int64_t n, begin, end; /* columns; the input channels that some column sees, rounded out to sixteens */
    int64_t at[TN_QCOLUMNS], first[TN_QCOLUMNS];
    int zero[TN_QCOLUMNS];
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

/* w' of sixteen channels from c on, of tap t. */
typedef int16_t sixteen[TN_QBLOCK][TN_QCOLUMNS];

/* Reads it; whether something is not 0. */
static int read_block(const panel *p, int64_t c, int64_t t, sixteen to) {
    const tn_qweights *w = p->of;
    int any = 0;
    for (int64_t j = 0; j < p->n; j++) {
        int64_t lo = p->first[j] - c, hi = lo + w->ic, at = p->at[j] + t * w->t_step - lo * w->i_step;
        for (int64_t k = 0; k < TN_QBLOCK; k++) {
            int v = k < lo || k >= hi ? 0
                                      : (w->is_signed ? ((const int8_t *)w->w)[at + k * w->i_step]
                                                      : ((const uint8_t *)w->w)[at + k * w->i_step]) -
                                            p->zero[j];
            to[k][j] = (int16_t)v, any |= v;
        }
    }
    return any;
}

static int clamp(int v, int lo, int hi) { return v < lo ? lo : v > hi ? hi : v; }

/* A group of the four channels from q on, of what s8 holds of them; whether there was something. */
static int take_four(int64_t columns, int q, sixteen rest, int8_t (*w)[4]) {
    int any = 0;
    for (int64_t j = 0; j < columns; j++)
        for (int k = 0; k < 4; k++) {
            int v = clamp(rest[q + k][j], -128, 127);
            rest[q + k][j] = (int16_t)(rest[q + k][j] - v);
            w[j][k] = (int8_t)v, any |= v;
        }
    return any;
}

/* Rounds of groups in a row: a head, then which channels, and the weights of nr columns, of each group. */
typedef struct {
    char *at; /* NULL: nothing is kept */
    size_t n, room;
} kept;
typedef struct {
    int32_t doubles, singles, more;
} kept_head;

/* Where groups go: NULL, they are counted alone. */
typedef struct {
    const tn_qconv_kernels *kn;
    const parts *to;
    kept *keep;                     /* what was found is written there; or NULL */
    const char *from;               /* what was found before is read here; or NULL */
    int64_t doubles, singles, wide; /* so far */
} packer;

static void keep_bytes(kept *k, const void *from, size_t n) {
    if (k->at && k->n + n > k->room) {
        char *more = tn_mem_alloc(2 * (k->n + n), TN_MEM_SCRATCH);
        if (more) memcpy(more, k->at, k->n);
        tn_mem_free(k->at);
        k->at = more, k->room = 2 * (k->n + n);
    }
    if (k->at) memcpy(k->at + k->n, from, n);
    k->n += n;
}

static void keep_round(kept *k, size_t nr, const tn_qround *r, bool more) {
    int groups = 2 * r->doubles + r->singles;
    keep_bytes(k, &(kept_head){ r->doubles, r->singles, more }, sizeof(kept_head));
    keep_bytes(k, r->pick, (size_t)groups * 4);
    for (int g = 0; g < groups; g++) keep_bytes(k, r->w[g], nr * 4);
}

static bool kept_round(const char **from, size_t nr, tn_qround *r) {
    kept_head head;
    memcpy(&head, *from, sizeof head);
    *from += sizeof head;
    r->doubles = head.doubles, r->singles = head.singles;
    int groups = 2 * r->doubles + r->singles;
    memcpy(r->pick, *from, (size_t)groups * 4);
    *from += (size_t)groups * 4;
    for (int g = 0; g < groups; g++, *from += nr * 4) memcpy(r->w[g], *from, nr * 4);
    return head.more;
}

/* n groups of one code: doubles are two each. */
static void put_groups(packer *k, bool doubles, int64_t n, int32_t code, uint8_t (*pick)[4],
                       int8_t (*w)[TN_QCOLUMNS][4]) {
    const parts *to = k->to;
    int64_t at = doubles ? k->doubles : k->singles, group = doubles ? 2 * at : 2 * (to ? to->doubles : 0) + at;
    *(doubles ? &k->doubles : &k->singles) += doubles ? n / 2 : n;
    if (!to) return;
    for (int64_t i = 0; i < n; i++, group++) {
        to->codes[doubles ? at + i / 2 : to->doubles + at + i] = code;
        memcpy(to->pick[group], pick[i], 4);
        memcpy(to->w + group * to->group_bytes, w[i], (size_t)to->group_bytes);
    }
}

/* Rounds of arranged groups, until nothing is left. */
static void put_bounded(packer *k, int64_t columns, int32_t code, sixteen rest) {
    tn_qround r;
    memset(&r, 0, sizeof r);
    for (bool more = true; more;) {
        more = k->from ? kept_round(&k->from, k->kn->nr, &r) : tn_qarrange(columns, rest, &r);
        if (k->keep) keep_round(k->keep, k->kn->nr, &r, more);
        put_groups(k, true, 2 * r.doubles, code, r.pick, r.w);
        put_groups(k, false, r.singles, code, r.pick + 2 * r.doubles, r.w + 2 * r.doubles);
    }
}

static void put_fours(packer *k, int64_t columns, int32_t code, sixteen rest) {
    uint8_t pick[1][4] = { { 0 } };
    int8_t w[1][TN_QCOLUMNS][4] = { { { 0 } } };
    for (int q = 0; q < TN_QBLOCK; q += 4)
        while (take_four(columns, q, rest, w[0])) put_groups(k, false, 1, code + q / 4, pick, w);
}

static void put_wide(packer *k, int64_t columns, int32_t code, sixteen rest) {
    int64_t nr = (int64_t)k->kn->nr;
    int16_t *w = (int16_t *)(void *)(k->to->w + k->singles * k->to->group_bytes);
    for (int64_t j = 0; j < columns; j++)
        for (int i = 0; i < TN_QBLOCK; i++) w[(i / 2 * nr + j) * 2 + i % 2] = rest[i][j];
    k->to->codes[k->singles++] = code;
}

/* The groups of a panel. */
static void pack_panel(packer *k, const tn_qweights *w, int64_t index) {
    int64_t nr = (int64_t)k->kn->nr, quads = ceil_div(w->ic * w->groups, 4);
    panel p = panel_at(w, nr, index);
    sixteen rest;
    for (int64_t t = 0; t < w->taps; t++)
        for (int64_t c = p.begin; c < p.end; c += TN_QBLOCK) {
            int32_t code = (int32_t)(t * quads + c / 4);
            if (!read_block(&p, c, t, rest)) continue;
            k->wide++;
            for (int64_t j = 0; k->to && j < p.n; j++)
                for (int i = 0; i < TN_QBLOCK; i++) k->to->sums[index * nr + j] += rest[i][j];
            if (k->to && k->to->wide)
                put_wide(k, p.n, code, rest);
            else if (k->kn->bounded)
                put_bounded(k, p.n, code, rest);
            else
                put_fours(k, p.n, code, rest);
        }
}

static tn_qconv_size measure(const tn_qconv_kernels *kn, const tn_qweights *w, kept *keep) {
    int64_t nr = (int64_t)kn->nr, panels = ceil_div(w->oc, nr);
    packer k = { .kn = kn, .keep = keep };
    for (int64_t i = 0; i < panels; i++) pack_panel(&k, w, i);
    /* A wide group takes the time of 5.6 singles (Zen 3: 125 and 175 GOP/s), and a double that of 1.5. */
    tn_qconv_size s = { k.doubles, k.singles, .wide = kn->wide && 15 * k.doubles + 10 * k.singles > 56 * k.wide };
    if (s.wide) s.doubles = 0, s.singles = k.wide;
    s.bytes = parts_of(nr, s.wide, panels, s.doubles, s.singles, NULL).bytes;
    return s;
}

tn_qconv_size tn_qconv_measure(const tn_qconv_kernels *kn, const tn_qweights *w) { return measure(kn, w, NULL); }

tn_qconv_size tn_qconv_measure_kept(const tn_qconv_kernels *kn, const tn_qweights *w) {
    enum { FIRST = 1 << 12 };
    kept keep = { .at = kn->bounded ? tn_mem_alloc(FIRST, TN_MEM_SCRATCH) : NULL, .room = FIRST };
    tn_qconv_size s = measure(kn, w, keep.at ? &keep : NULL);
    s.kept = keep.at;
    return s;
}

void tn_qconv_forget(tn_qconv_size *s) {
    tn_mem_free(s->kept);
    s->kept = NULL;
}

void tn_qconv_pack(const tn_qconv_kernels *kn, const tn_qweights *w, const tn_qconv_size *size, void *out) {
    int64_t nr = (int64_t)kn->nr, panels = ceil_div(w->oc, nr), *head = out;
    parts to = parts_of(nr, size->wide, panels, size->doubles, size->singles, out);
    packer k = { .kn = kn, .to = &to, .from = size->kept };
    memset(out, 0, to.bytes);
    head[DOUBLES] = size->doubles, head[SINGLES] = size->singles, head[PANELS] = panels, head[WIDE] = size->wide;
    head[QUADS] = ceil_div(w->ic * w->groups, 4);
    for (int64_t i = 0; i < panels; i++) {
        to.first[i][0] = k.doubles, to.first[i][1] = k.singles;
        pack_panel(&k, w, i);
    }
    to.first[panels][0] = k.doubles, to.first[panels][1] = k.singles;
}

int64_t tn_qconv_groups(const void *packed) {
    const int64_t *head = packed;
    return head[DOUBLES] + head[SINGLES];
}

const int32_t *tn_qconv_sums(const tn_qconv_kernels *kn, const void *packed) { return parts_in(kn, packed).sums; }

void tn_qconv_places(const tn_qconv_kernels *kn, const void *packed, int64_t block, const int32_t *tap_at,
                     int32_t *group_at) {
    parts p = parts_in(kn, packed);
    for (int64_t g = 0; g < p.doubles + p.singles; g++) {
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

/* n doubles or singles: the first of them, and its first group. */
static tn_qgroups groups_at(const job *j, int64_t n, int64_t first, int64_t group) {
    return (tn_qgroups){
        .n = n, .at = j->a->group_at + first, .pick = j->p.pick[group], .w = j->p.w + group * j->p.group_bytes
    };
}

/* Tasks are numbered chunk by chunk, so that neighbours read the same rows. */
static void run_tasks(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    const tn_qconv_args *a = j->a;
    int64_t nr = (int64_t)j->kn->nr;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        int64_t k = i % j->p.panels, r = i / j->p.panels * j->chunk, c = k * nr;
        const int64_t *from = j->p.first[k], *to = j->p.first[k + 1];
        tn_qstrip s = { .rows = min64(j->chunk, a->rows - r),
                        .n = min64(nr, a->columns - c),
                        .x = a->x,
                        .row_at = a->row_at + r,
                        .doubles = groups_at(j, to[0] - from[0], from[0], 2 * from[0]),
                        .singles = groups_at(j, to[1] - from[1], j->p.doubles + from[1], 2 * j->p.doubles + from[1]),
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
    int64_t channels = j.p.wide ? TN_QBLOCK : 4, groups = 2 * j.p.doubles + j.p.singles,
            each = 1 + channels * groups / j.p.panels, threads = tn_pool_threads(pool);
    j.chunk = CHUNK_BYTES / each;
    if (j.chunk < LEAST_ROWS) j.chunk = LEAST_ROWS;
    j.chunk = min64(j.chunk, a->rows);
    double work = (double)a->rows * (double)groups * (double)(channels * (int64_t)kn->nr);
    if (threads > 1 && j.p.panels < 4 * threads) j.chunk = min64(j.chunk, ceil_div(a->rows, 4 * threads));
    int64_t tasks = ceil_div(a->rows, j.chunk) * j.p.panels;
    int64_t worth = 1 + (int64_t)((double)tasks * (1 << 18) / (work + 1)); /* tasks that are worth a thread */
    tn_parallel(pool, tasks, worth, run_tasks, &j);
}
