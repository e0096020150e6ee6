/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* coded_tiles.c - many rows times weights in blocks, in integers.
 *
 * Activations are rounded once and laid out in tiles of 16 rows, a word of four elements beside the next row's. Then 32
 * rows of weights at a time are split, 512 elements deep, into codes that stay in the L1 cache (16 KiB), and meet all
 * tiles (8 KiB of each), four rows of weights at once. A weight is split once for 512 rows. */
#include "kernel/coded_tiles.h"
#include "kernel/coded_piece.h"
#include <string.h>

enum {
    COLUMNS = 32, /* rows of weights that are split before they meet the activations */
    DEPTH = TN_TILE_DEPTH,
    TILES = 32, /* of activations that meet them */
    ROWS = TN_TILE_ROWS,
};

/* What of an encoding's codes a tile wants to know: `more` makes them without a sign. */
typedef struct {
    tn_tile_kind kind;
    int more;  /* is added to codes */
    int group; /* elements that share a scale */
} manner;

static const manner manners[TN_ENC_COUNT] = {
    [TN_ENC_Q4_0] = { TN_TILE_FOUR_BITS, 8, 32 },  [TN_ENC_Q4_1] = { TN_TILE_FOUR_BITS, 0, 32 },
    [TN_ENC_Q5_0] = { TN_TILE_SIX_BITS, 16, 32 },  [TN_ENC_Q5_1] = { TN_TILE_SIX_BITS, 0, 32 },
    [TN_ENC_Q8_0] = { TN_TILE_BYTES, 0, 32 },      [TN_ENC_Q8_1] = { TN_TILE_BYTES, 0, 32 },
    [TN_ENC_Q2_K] = { TN_TILE_FOUR_BITS, 0, 16 },  [TN_ENC_Q3_K] = { TN_TILE_FOUR_BITS, 4, 16 },
    [TN_ENC_Q4_K] = { TN_TILE_FOUR_BITS, 0, 32 },  [TN_ENC_Q5_K] = { TN_TILE_SIX_BITS, 0, 32 },
    [TN_ENC_Q6_K] = { TN_TILE_SIX_BITS, 32, 16 },  [TN_ENC_Q8_K] = { TN_TILE_BYTES, 0, 32 },
    [TN_ENC_IQ2_XXS] = { TN_TILE_BYTES, 0, 32 },   [TN_ENC_IQ2_XS] = { TN_TILE_BYTES, 0, 16 },
    [TN_ENC_IQ3_XXS] = { TN_TILE_BYTES, 0, 32 },   [TN_ENC_IQ1_S] = { TN_TILE_SIX_BITS, 9, 32 },
    [TN_ENC_IQ4_NL] = { TN_TILE_BYTES, 0, 32 },    [TN_ENC_IQ3_S] = { TN_TILE_SIX_BITS, 15, 32 },
    [TN_ENC_IQ2_S] = { TN_TILE_BYTES, 0, 16 },     [TN_ENC_IQ4_XS] = { TN_TILE_BYTES, 0, 32 },
    [TN_ENC_IQ1_M] = { TN_TILE_SIX_BITS, 9, 16 },  [TN_ENC_TQ1_0] = { TN_TILE_FOUR_BITS, 1, 32 },
    [TN_ENC_TQ2_0] = { TN_TILE_FOUR_BITS, 1, 32 }, [TN_ENC_MXFP4] = { TN_TILE_SIX_BITS, 12, 32 },
    [TN_ENC_NVFP4] = { TN_TILE_SIX_BITS, 12, 16 }, [TN_ENC_U2] = { TN_TILE_FOUR_BITS, 2, 32 },
    [TN_ENC_U3] = { TN_TILE_FOUR_BITS, 4, 32 },    [TN_ENC_U4] = { TN_TILE_FOUR_BITS, 8, 32 },
    [TN_ENC_U5] = { TN_TILE_SIX_BITS, 16, 32 },    [TN_ENC_U6] = { TN_TILE_SIX_BITS, 32, 32 },
    [TN_ENC_U7] = { TN_TILE_BYTES, 0, 32 },        [TN_ENC_U8] = { TN_TILE_BYTES, 0, 32 },
};

static manner manner_of(const tn_coded *c) {
    manner m = manners[c->as->id];
    if (c->block == TN_GROUP) m.group = TN_GROUP;
    return m;
}

typedef struct {
    const tn_coded_kernels *k;
    const tn_gemm_args *g;
    const tn_coded *w;
    manner as;
    bool offsets;
    int64_t wide, tiles; /* k, up to a multiple of 32; tiles of rows */
    int8_t *a;           /* [tiles][wide / 4][16][4] */
    float *a_scale;      /* [tiles][wide / 32][16] */
    float *sum;          /* [tiles][wide / group][16] */
    char *rooms;         /* of the threads */
} job;

/* ------------------------------------------------------------------------------------------------- activations */

/* A row: as floats, codes, scales and sums. */
static size_t row_bytes(int64_t wide) { return tn_align_up((size_t)wide * 4 + (size_t)wide + (size_t)wide / 2, 64); }

static void row_floats(const tn_gemm_args *g, int64_t r, int64_t wide, float *x) {
    if (g->trans_a)
        for (int64_t e = 0; e < g->k; e++) x[e] = g->a[e * g->lda + r];
    else
        memcpy(x, g->a + r * g->lda, (size_t)g->k * sizeof *x);
    memset(x + g->k, 0, (size_t)(wide - g->k) * sizeof *x);
}

/* Row `lane` of a tile from what rounding made of it. */
static void lay_row(const job *j, int64_t tile, int lane, const int8_t *code, const float *scale, const float *sum) {
    int8_t *a = j->a + tile * j->wide * ROWS + 4 * lane;
    float *a_scale = j->a_scale + tile * (j->wide / 32) * ROWS + lane;
    float *total = j->sum + tile * (j->wide / j->as.group) * ROWS + lane;
    for (int64_t e = 0; e < j->wide / 4; e++) memcpy(a + e * 4 * ROWS, code + 4 * e, 4);
    for (int64_t b = 0; b < j->wide / 32; b++) a_scale[b * ROWS] = scale[b];
    for (int64_t i = 0; i < j->wide / j->as.group; i++)
        total[i * ROWS] = j->as.group == TN_GROUP ? sum[i] : sum[2 * i] + sum[2 * i + 1];
}

/* Lanes behind the last row are zeros: their results are thrown away, but what lies there is read. */
static void lay_tiles(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    float *x = (float *)(j->rooms + (size_t)thread * row_bytes(j->wide)), *scale = x + j->wide,
          *sum = scale + j->wide / 32;
    int8_t *code = (int8_t *)(sum + j->wide / TN_GROUP);
    for (int64_t r = begin * ROWS; r < end * ROWS; r++) {
        if (r < j->g->m)
            row_floats(j->g, r, j->wide, x);
        else
            memset(x, 0, (size_t)j->wide * sizeof *x);
        j->k->round(j->wide, x, code, scale, sum);
        lay_row(j, r / ROWS, (int)(r % ROWS), code, scale, sum);
    }
}

/* ----------------------------------------------------------------------------------------------------- weights */

/* Numbers of n groups of so many elements from those of 16, of which 2^shift are one. */
static void per_group(int group, int64_t n, const float *from, int shift, float *to) {
    if (shift > 0)
        for (int64_t i = 0; i < n; i++) to[i] = from[i * (group / TN_GROUP) >> shift];
    else if (group == TN_GROUP)
        memcpy(to, from, (size_t)n * sizeof *to);
    else
        for (int64_t i = 0; i < n; i++) to[i] = from[2 * i];
}

/* What a split piece is to a tile: codes without a sign, and a scale and an offset per group. */
static void to_strip(const manner *as, int64_t n, const tn_piece *p, bool offsets, tn_coded_strip *s) {
    int64_t groups = n / as->group;
    float more = (float)as->more;
    for (int64_t e = 0; e < n; e++) s->code[e] = (int8_t)(p->code[e] + as->more);
    per_group(as->group, groups, p->scale, p->shift, s->scale);
    if (!offsets) return;
    if (p->offsets)
        per_group(as->group, groups, p->offset, 0, s->offset);
    else
        memset(s->offset, 0, (size_t)groups * sizeof *s->offset);
    for (int64_t i = 0; i < groups; i++) s->offset[i] -= s->scale[i] * more;
}

/* `columns` rows of weights from `row` on become strips; a whole number of four is there, the last one several times.
 * Returns how deep they are. */
static int64_t split_strips(const job *j, int64_t row, int columns, int64_t first, tn_coded_strip *s) {
    tn_piece p;
    int64_t n = 0;
    for (int c = 0; c < columns; c++) {
        n = tn_piece_split(j->k, j->w, row + c, first, DEPTH, &p);
        to_strip(&j->as, n, &p, j->offsets, &s[c]);
    }
    for (int c = columns; c % TN_TILE_COLUMNS; c++) s[c] = s[columns - 1];
    return n;
}

/* ---------------------------------------------------------------------------------------------------- products */

typedef struct {
    tn_coded_strip strip[COLUMNS];
    float y[TILES][COLUMNS][ROWS];
} room;

static void meet(const job *j, int64_t tile, int columns, int64_t first, int64_t n, const tn_coded_strip *s,
                 float y[COLUMNS][ROWS]) {
    int64_t left = j->g->m - tile * ROWS, group = j->as.group;
    tn_coded_tile t = { .n = n,
                        .rows = left < ROWS ? (int)left : ROWS,
                        .group = j->as.group,
                        .kind = j->as.kind,
                        .offsets = j->offsets,
                        .a = j->a + (tile * j->wide + first) * ROWS,
                        .a_scale = j->a_scale + (tile * j->wide + first) / 32 * ROWS,
                        .sum = j->sum + (tile * j->wide + first) / group * ROWS };
    for (int c = 0; c < columns; c += TN_TILE_COLUMNS) {
        t.w = s + c;
        j->k->tile(&t, y[c]);
    }
}

static void write_tile(const tn_gemm_args *g, int64_t first_row, int64_t column, int columns, float y[COLUMNS][ROWS]) {
    for (int64_t r = first_row; r < g->m && r < first_row + ROWS; r++) {
        float *c = g->c + r * g->ldc + column;
        for (int i = 0; i < columns; i++) c[i] = tn_coded_result(g, r, column + i, y[i][r - first_row]);
        if (g->act.kind != TN_ACT_NONE) tn_act_array(g->act, c, c, columns);
    }
}

/* `columns` columns of the product, `tiles` tiles of rows from `from` on. */
static void some_rows(const job *j, int64_t column, int columns, int64_t from, int64_t tiles, room *at) {
    memset(at->y, 0, (size_t)tiles * sizeof at->y[0]);
    for (int64_t first = 0, n; first < j->g->k; first += n) {
        n = split_strips(j, column, columns, first, at->strip);
        for (int64_t t = 0; t < tiles; t++) meet(j, from + t, columns, first, n, at->strip, at->y[t]);
    }
    for (int64_t t = 0; t < tiles; t++) write_tile(j->g, (from + t) * ROWS, column, columns, at->y[t]);
}

static void some_columns(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    room *at = (room *)(void *)(j->rooms + (size_t)thread * sizeof(room));
    for (int64_t c = begin * COLUMNS; c < end * COLUMNS && c < j->g->n; c += COLUMNS) {
        int columns = j->g->n - c < COLUMNS ? (int)(j->g->n - c) : COLUMNS;
        for (int64_t t = 0; t < j->tiles; t += TILES)
            some_rows(j, c, columns, t, j->tiles - t < TILES ? j->tiles - t : TILES, at);
    }
}

/* ------------------------------------------------------------------------------------------------------ the door */

static int64_t wide_of(const tn_gemm_args *g) { return (int64_t)tn_align_up((size_t)g->k, TN_CODED_STEP); }
static int64_t tiles_of(const tn_gemm_args *g) { return (g->m + ROWS - 1) / ROWS; }
static size_t room_bytes(int64_t wide) {
    return tn_align_up(sizeof(room) > row_bytes(wide) ? sizeof(room) : row_bytes(wide), 64);
}

size_t tn_coded_tiles_bytes(const tn_gemm_args *g, int threads) {
    size_t all = (size_t)(tiles_of(g) * ROWS * wide_of(g));
    return all + all / 8 + all / 4 + (size_t)threads * room_bytes(wide_of(g));
}

void tn_coded_tiles(const tn_coded_kernels *k, const tn_gemm_args *g, const tn_coded *w, void *scratch, tn_pool *pool) {
    job j = { k, g, w, .as = manner_of(w), .wide = wide_of(g), .tiles = tiles_of(g), .a = scratch };
    size_t all = (size_t)(j.tiles * ROWS * j.wide); /* a multiple of 512 */
    j.offsets = j.as.more || w->as->offsets;
    j.a_scale = (float *)(void *)((char *)scratch + all);
    j.sum = (float *)(void *)((char *)scratch + all + all / 8);
    j.rooms = (char *)scratch + all + all / 8 + all / 4;
    tn_parallel(pool, j.tiles, 1, lay_tiles, &j);
    tn_parallel(pool, (g->n + COLUMNS - 1) / COLUMNS, 1, some_columns, &j);
}
