/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* tiles.c - cutting broadcast shapes into tiles. */
#include "kernel/tiles.h"
#include "kernel/kernel.h"
#include "kernel/loop.h"
#include <assert.h>
#include <string.h>

enum { LONG_ROW = 128, GRAIN = 32768 };

/* How an array reaches a tile of several short rows. */
typedef enum { DIRECT, NUMBER, SAME_EACH_TILE, WRITTEN_OUT } supply;

typedef struct {
    const tn_tiles *t;
    tn_loop l;
    int64_t inner;    /* length of a row */
    int64_t per_unit; /* long rows: tiles per row. Short rows: rows per tile */
    int tile;
    int offset[TN_TILE_ARRAYS + 1]; /* of each array's buffer in a thread's memory; the last: of the scratch */
    supply how[TN_TILE_ARRAYS];
} job;

static const char *address(const job *j, int i, int64_t offset) {
    return (const char *)j->t->in[i].data + offset * j->t->in[i].bytes;
}

/* n elements `stride` apart, written out densely. */
static void gather(int bytes, const char *from, int64_t stride, int64_t n, char *to) {
#define ELEMENTS(T)                                                               \
    for (int64_t e = 0; e < n; e++) ((T *)to)[e] = ((const T *)from)[e * stride]; \
    break
    if (stride == 1) {
        memcpy(to, from, (size_t)(n * bytes));
        return;
    }
    if (stride == 0 && bytes == 4) {
        tn_kernels_get()->vec.fill(*(const float *)(const void *)from, (float *)(void *)to, (size_t)n);
        return;
    }
    switch (bytes) {
    case 1: ELEMENTS(uint8_t);
    case 2: ELEMENTS(uint16_t);
    case 4: ELEMENTS(uint32_t);
    case 8: ELEMENTS(uint64_t);
    default:
        for (int64_t e = 0; e < n; e++) memcpy(to + e * bytes, from + e * stride * bytes, (size_t)bytes);
    }
#undef ELEMENTS
}

/* [begin, end): tiles, per_unit of them in each row. */
static void run_long_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    _Alignas(64) char memory[TN_TILE_MEMORY];
    tn_tile_view v[TN_TILE_ARRAYS];
    tn_walk w;
    (void)thread;
    int64_t row = begin / j->per_unit, k = begin % j->per_unit;
    tn_walk_start(&w, &j->l, 1, row);
    for (int64_t u = begin; u < end; u++) {
        int64_t from = k * j->tile, n = j->inner - from < j->tile ? j->inner - from : j->tile;
        for (int i = 0; i < j->t->n_in; i++) {
            int64_t s = j->l.stride[i][j->l.rank - 1];
            v[i] = (tn_tile_view){ address(j, i, w.offset[i] + from * s), s == 0 };
            if (s == 0 || s == 1) continue;
            gather(j->t->in[i].bytes, v[i].p, s, n, memory + j->offset[i]);
            v[i].p = memory + j->offset[i];
        }
        j->t->fn(j->t->user, v, row * j->inner + from, (size_t)n, memory + j->offset[j->t->n_in], j->tile);
        if (++k == j->per_unit) {
            k = 0;
            row++;
            tn_walk_next(&w);
        }
    }
}

/* `rows` rows of `bytes` bytes at `to`, all equal to the first. */
static void repeat(char *to, int64_t bytes, int64_t rows) {
    int64_t have = bytes, want = bytes * rows;
    while (have < want) {
        int64_t n = have < want - have ? have : want - have;
        memcpy(to + have, to, (size_t)n);
        have += n;
    }
}

/* Rows that are the same because the dimension around them repeats (a number per channel, in blocks of channels) are
 * written once and doubled. */
static void write_out(const job *j, int i, tn_walk w, int64_t rows, char *to) {
    int64_t s = j->l.stride[i][j->l.rank - 1];
    int bytes = j->t->in[i].bytes, d = w.rank - 1;
    bool repeats = d >= 0 && j->l.stride[i][d] == 0;
    while (rows > 0) {
        int64_t run = repeats ? j->l.dims[d] - w.at[d] : 1;
        if (run > rows) run = rows;
        gather(bytes, address(j, i, w.offset[i]), s, j->inner, to);
        repeat(to, j->inner * bytes, run);
        to += run * j->inner * bytes;
        rows -= run;
        if (run > 1) {
            w.at[d] += run - 1;
            for (int k = 0; k < j->l.n; k++) w.offset[k] += (run - 1) * j->l.stride[k][d];
        }
        if (rows > 0) tn_walk_next(&w);
    }
}

/* What a thread's buffers hold: array i's row at `offset`, repeated `rows` times; 0 rows: nothing of use. */
typedef struct {
    int64_t offset[TN_TILE_ARRAYS], rows[TN_TILE_ARRAYS];
} held;

/* The next r rows of array i: where they are, or in the thread's buffer. */
static tn_tile_view supply_rows(const job *j, int i, const tn_walk *w, int64_t r, char *buffer, held *h) {
    int d = j->l.rank - 2;
    if (j->how[i] <= NUMBER) return (tn_tile_view){ address(j, i, w->offset[i]), j->how[i] == NUMBER };
    bool equal = j->how[i] == SAME_EACH_TILE || (j->l.stride[i][d] == 0 && j->l.dims[d] - w->at[d] >= r);
    if (!equal || h->rows[i] < r || h->offset[i] != w->offset[i]) {
        write_out(j, i, *w, r, buffer);
        h->offset[i] = w->offset[i];
        h->rows[i] = equal ? r : 0;
    }
    return (tn_tile_view){ buffer, false };
}

/* [begin, end): tiles of per_unit rows. */
static void run_short_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    _Alignas(64) char memory[TN_TILE_MEMORY];
    tn_tile_view v[TN_TILE_ARRAYS];
    held h = { .rows = { 0 } };
    tn_walk w;
    (void)thread;
    int64_t rows = j->l.total / j->inner;
    for (int64_t u = begin; u < end; u++) {
        int64_t row = u * j->per_unit, r = rows - row < j->per_unit ? rows - row : j->per_unit;
        tn_walk_start(&w, &j->l, 1, row);
        for (int i = 0; i < j->t->n_in; i++) v[i] = supply_rows(j, i, &w, r, memory + j->offset[i], &h);
        j->t->fn(j->t->user, v, row * j->inner, (size_t)(r * j->inner), memory + j->offset[j->t->n_in], j->tile);
    }
}

static supply supply_of(const tn_loop *l, int i) {
    bool outer_zero = true, dense = true;
    int64_t step = 1;
    for (int d = l->rank - 1; d >= 0; d--) {
        dense &= l->stride[i][d] == step;
        step *= l->dims[d];
        if (d < l->rank - 1) outer_zero &= l->stride[i][d] == 0;
    }
    if (dense) return DIRECT;
    if (!outer_zero) return WRITTEN_OUT;
    return l->stride[i][l->rank - 1] == 0 ? NUMBER : SAME_EACH_TILE;
}

/* Tile length and buffers: everything within the thread's memory, each buffer on its own cache lines. */
static void lay_out(job *j) {
    int each = j->t->scratch;
    for (int i = 0; i < j->t->n_in; i++) each += j->t->in[i].bytes;
    j->tile = TN_TILE_MEMORY / (each ? each : 1) / 64 * 64;
    if (j->tile > TN_TILE_LONGEST) j->tile = TN_TILE_LONGEST;
    assert(j->tile >= LONG_ROW);
    int at = 0;
    for (int i = 0; i < j->t->n_in; i++) {
        j->offset[i] = at;
        at += j->tile * j->t->in[i].bytes;
    }
    j->offset[j->t->n_in] = at;
}

void tn_tiles_run(const tn_tiles *t, tn_pool *pool) {
    job j = { .t = t };
    const int64_t *strides[TN_TILE_ARRAYS];
    assert(t->n_in <= TN_TILE_ARRAYS);
    for (int i = 0; i < t->n_in; i++) strides[i] = t->in[i].stride;
    tn_loop_init(&j.l, t->rank, t->dims, t->n_in, strides);
    if (!j.l.total) return;
    j.inner = j.l.dims[j.l.rank - 1];
    lay_out(&j);
    int64_t grain = GRAIN / (j.tile * (int64_t)(t->weight ? t->weight : 1)), rows = j.l.total / j.inner;
    if (grain < 1) grain = 1;
    if (j.inner >= LONG_ROW || j.l.rank == 1) {
        j.per_unit = (j.inner + j.tile - 1) / j.tile;
        tn_parallel(pool, rows * j.per_unit, grain, run_long_rows, &j);
        return;
    }
    j.per_unit = j.tile / j.inner;
    for (int i = 0; i < t->n_in; i++) j.how[i] = supply_of(&j.l, i);
    tn_parallel(pool, (rows + j.per_unit - 1) / j.per_unit, grain, run_short_rows, &j);
}
