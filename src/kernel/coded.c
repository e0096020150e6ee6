/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* coded.c - the driver of products with weights in blocks: splits pieces of rows, shares the columns among threads. */
#include "kernel/coded_piece.h"
#include "kernel/coded_tiles.h"
#include "kernel/kernel.h"
#include <assert.h>
#include <string.h>

enum {
    FEW = 6,       /* rows that are multiplied by codes when floats are wanted; more go through strips */
    FEW_SPLIT = 4, /* the same of rounded rows, */
    FEW_WHOLE = 8, /*   and where blocks need no splitting: more are tiles */
    TOGETHER = 8,  /* rows of weights that meet the same activations */
    PIECE = TN_PIECE,
    STRIP = 1024, /* rows of a panel that are made at a time: long enough to be read without waiting */
};

static bool is_codebook(const tn_coded *c) { return !c->as->split && !c->as->bits; }

void tn_coded_row(const tn_coded_kernels *k, const tn_coded *c, int64_t row, int64_t first, int64_t n, float *out) {
    tn_piece p;
    if (is_codebook(c) || first % STRIP) {
        tn_coded_decode(c, row, first, n, out);
        return;
    }
    for (int64_t i = 0; i < n; i += PIECE) {
        int64_t have = tn_piece_split(k, c, row, first + i,
                                      n - i < PIECE ? (int64_t)tn_align_up((size_t)(n - i), STRIP) : PIECE, &p);
        int64_t want = n - i < have ? n - i : have, whole = want / TN_GROUP * TN_GROUP;
        float last[TN_GROUP];
        k->values(whole, p.code, p.shift, p.scale, p.offsets ? p.offset : NULL, out + i);
        if (whole == want) continue;
        int64_t g = whole / TN_GROUP;
        k->values(TN_GROUP, p.code + whole, 0, p.scale + (g >> p.shift), p.offsets ? p.offset + g : NULL, last);
        memcpy(out + i + whole, last, (size_t)(want - whole) * sizeof *out);
    }
}

/* ------------------------------------------------------------------------------------------------------ orders */

tn_coded_order tn_coded_order_of(tn_encoding_id id) {
    return id == TN_ENC_U4 ? TN_ORDER_PAIRS : id == TN_ENC_Q4_0 ? TN_ORDER_HALVES : TN_ORDER_PLAIN;
}

void tn_coded_reorder(tn_coded_order order, int64_t n, const int8_t *a, int8_t *out) {
    for (int64_t i = 0; i < n; i++) {
        int64_t from = i % 64, half = from / 32, at = from % 32;
        if (order == TN_ORDER_PAIRS) from = 2 * at + half;
        if (order == TN_ORDER_HALVES) from = at / 16 * 32 + half * 16 + at % 16;
        out[i] = a[i / 64 * 64 + from];
    }
}

/* ---------------------------------------------------------------------------------------------------- few rows */

typedef struct {
    const tn_kernels *k;
    const tn_gemm_args *g;
    const tn_coded *c;
    bool rounded;
    int64_t wide;                                     /* k, up to a multiple of 32 */
    int8_t *a;                                        /* [m, wide], with a_scale [m, wide / 32]; or */
    float *a_scale, *x, *sum;                         /* x [m, wide]; sum [m, wide / 16] */
    void (*whole)(const tn_coded_whole *w, float *y); /* NULL: pieces are split */
} few_job;

static int64_t wide_of(int64_t k) { return tn_align_up((size_t)k, TN_CODED_STEP); }

static size_t few_bytes(int64_t m, int64_t k, bool rounded) {
    size_t wide = (size_t)(m * wide_of(k));
    return tn_align_up(rounded ? wide + wide / 8 : 4 * wide, 64) + wide / 4 + 5 * (size_t)wide_of(k) + 256;
}

static void lay_out(few_job *j, char *at) {
    size_t wide = (size_t)(j->g->m * j->wide);
    j->sum = (float *)at, at += tn_align_up(wide / 4, 64);
    j->x = (float *)at; /* rounded: one row to round from, and behind it one of codes to reorder */
    at += j->rounded ? 5 * (size_t)j->wide : 4 * wide;
    if (!j->rounded) return;
    j->a_scale = (float *)at, at += tn_align_up(wide / 8, 64);
    j->a = (int8_t *)at;
}

static void sums_of(const float *x, int64_t n, float *sum) {
    for (int64_t g = 0; g < n / TN_GROUP; g++) {
        float s = 0;
        for (int i = 0; i < TN_GROUP; i++) s += x[g * TN_GROUP + i];
        sum[g] = s;
    }
}

/* A whole product wants whole blocks, and of uniform ones at least 32 elements each. */
static bool goes_whole(const tn_kernels *k, const tn_coded *c) {
    return k->coded.whole[c->as->id] && c->columns % 64 == 0 && c->block >= TN_CODED_STEP;
}

static void prepare_rows(few_job *j) {
    const tn_gemm_args *g = j->g;
    tn_coded_order order = j->whole ? tn_coded_order_of(j->c->as->id) : TN_ORDER_PLAIN;
    for (int64_t r = 0; r < g->m; r++) {
        float *x = j->x + (j->rounded ? 0 : r * j->wide), *sum = j->sum + r * j->wide / TN_GROUP;
        int8_t *a = j->rounded ? j->a + r * j->wide : NULL, *plain = order ? (int8_t *)j->x + 4 * j->wide : a;
        memcpy(x, g->a + r * g->lda, (size_t)g->k * sizeof *x);
        memset(x + g->k, 0, (size_t)(j->wide - g->k) * sizeof *x);
        if (!j->rounded) {
            sums_of(x, j->wide, sum);
            continue;
        }
        j->k->coded.round(j->wide, x, plain, j->a_scale + r * j->wide / TN_CODED_STEP, sum);
        if (order) tn_coded_reorder(order, j->wide, plain, a);
    }
}

static tn_coded_rows rows_from(const few_job *j, int64_t r, int64_t first) {
    int64_t at = r * j->wide + first, left = j->g->m - r;
    tn_coded_rows t = { left < TN_CODED_ROWS ? (int)left : TN_CODED_ROWS, j->wide, .sum = j->sum + at / TN_GROUP };
    if (j->rounded)
        t.a = j->a + at, t.a_scale = j->a_scale + at / TN_CODED_STEP;
    else
        t.x = j->x + at;
    return t;
}

/* A piece of one row of weights times all rows of activations. */
static void dot_piece(const few_job *j, const tn_piece *p, int64_t first, int64_t n, float *y) {
    for (int64_t r = 0; r < j->g->m; r += TN_CODED_ROWS) {
        tn_coded_dot d = { n, p->code, p->shift, p->scale, p->offsets ? p->offset : NULL, rows_from(j, r, first) };
        (j->rounded ? j->k->coded.dot : j->k->coded.dot_float)(&d, y + r);
    }
}

/* Numbers of blocks, one per 32 elements. */
static void per_step(const tn_coded *c, int64_t first, int64_t n, const float *v, float *out) {
    int64_t block = first >> tn_shift_of(c);
    for (int64_t i = 0; i < n / TN_CODED_STEP; i++) out[i] = v[((first + i * TN_CODED_STEP) >> tn_shift_of(c)) - block];
}

/* Scales and zero points of elements [first, first + n) of a uniform row. */
static void uniform_numbers(const few_job *j, int64_t row, int64_t first, int64_t n, float *scale, float *zero) {
    const tn_coded *c = j->c;
    int shift = tn_shift_of(c);
    int64_t block = first >> shift, blocks = ((first + n - 1) >> shift) - block + 1;
    float v[PIECE / TN_CODED_STEP];
    tn_part_floats(&c->scale, row, block, blocks, v);
    per_step(c, first, n, v, scale);
    if (!c->zero.at) return;
    tn_zeros_of(&j->k->coded, c, row, block, blocks, v);
    for (int64_t i = 0; i < blocks; i++) v[i] += (float)(1 << (c->as->bits - 1));
    per_step(c, first, n, v, zero);
}

/* Are a row's scales what the kernel wants, where they are? */
static bool as_they_lie(const tn_coded *c, int64_t row) {
    const char *at = (const char *)c->scale.at + row * c->scale.row;
    return c->block == TN_CODED_STEP && c->scale.dtype == TN_F32 && !c->zero.at && (uintptr_t)at % sizeof(float) == 0;
}

/* What a row's scales and zero points become where they are not what the kernel wants. */
typedef struct {
    float scale[PIECE / TN_CODED_STEP], zero[PIECE / TN_CODED_STEP];
} numbers;

/* Elements [first, first + n) of a row: all of them unless numbers have to be made. */
static tn_coded_whole whole_of(const few_job *j, int64_t row, int64_t first, int64_t n, numbers *room) {
    const tn_coded *c = j->c;
    tn_coded_whole w = { .n = n, .q = tn_codes_of(c, row) + first * c->as->bits / 8 };
    if (!c->as->bits) return w;
    w.scale = room->scale, w.zero = c->zero.at ? room->zero : NULL;
    if (as_they_lie(c, row))
        w.scale = (const float *)((const char *)c->scale.at + row * c->scale.row) + first / TN_CODED_STEP;
    else
        uniform_numbers(j, row, first, n, room->scale, room->zero);
    return w;
}

/* `rows` rows of weights, y[row][activation]: each few activations, which stay in the L1 cache, meet all of them. */
static void dot_whole(const few_job *j, int64_t row, int rows, float y[][FEW_WHOLE]) {
    tn_coded_whole w[TOGETHER];
    numbers room[TOGETHER];
    int64_t most = j->c->as->bits && !as_they_lie(j->c, row) ? PIECE : j->c->columns;
    for (int64_t first = 0; first < j->c->columns; first += most) {
        int64_t n = j->c->columns - first < most ? j->c->columns - first : most;
        for (int i = 0; i < rows; i++) w[i] = whole_of(j, row + i, first, n, &room[i]);
        for (int64_t r = 0; r < j->g->m; r += TN_CODED_ROWS)
            for (int i = 0; i < rows; i++) {
                w[i].rows = rows_from(j, r, first);
                j->whole(&w[i], y[i] + r);
            }
    }
}

/* Codebooks have floats only. */
static void dot_codebook(const few_job *j, int64_t row, float *y) {
    float w[PIECE / 4];
    for (int64_t first = 0; first < j->g->k; first += PIECE / 4) {
        int64_t n = j->g->k - first < PIECE / 4 ? j->g->k - first : PIECE / 4;
        tn_coded_decode(j->c, row, first, n, w);
        for (int64_t r = 0; r < j->g->m; r++) j->k->gemm.gemv_t(n, 1, 1, j->x + r * j->wide + first, w, n, y + r);
    }
}

static void dot_pieces(const few_job *j, int64_t row, float *y) {
    tn_piece p;
    for (int64_t first = 0, n; first < j->g->k; first += n) {
        n = tn_piece_split(&j->k->coded, j->c, row, first, PIECE, &p);
        dot_piece(j, &p, first, n, y);
    }
}

static void dot_rows(const few_job *j, int64_t row, int rows, float y[][FEW_WHOLE]) {
    memset(y, 0, (size_t)rows * sizeof *y);
    if (j->whole) {
        dot_whole(j, row, rows, y);
        return;
    }
    for (int i = 0; i < rows; i++) (is_codebook(j->c) ? dot_codebook : dot_pieces)(j, row + i, y[i]);
}

static void few_columns(void *arg, int64_t begin, int64_t end, int thread) {
    const few_job *j = arg;
    const tn_gemm_args *g = j->g;
    float y[TOGETHER][FEW_WHOLE];
    (void)thread;
    int rows = g->m <= TN_CODED_ROWS ? 1 : TOGETHER; /* activations that are in L1 anyway: rows in their order */
    for (int64_t n = begin; n < end; n += rows) {
        rows = end - n < rows ? (int)(end - n) : rows;
        dot_rows(j, n, rows, y);
        for (int64_t r = 0; r < g->m; r++)
            for (int i = 0; i < rows; i++) g->c[r * g->ldc + n + i] = tn_coded_result(g, r, n + i, y[i][r]);
    }
    if (g->act.kind == TN_ACT_NONE) return;
    for (int64_t r = 0; r < g->m; r++) {
        float *c = g->c + r * g->ldc + begin;
        tn_act_array(g->act, c, c, end - begin);
    }
}

static void few(const tn_kernels *k, const tn_gemm_args *g, const tn_coded_b *b, char *scratch, tn_pool *pool) {
    few_job j = { k, g, &b->weights, b->rounded && !is_codebook(&b->weights), .wide = wide_of(g->k) };
    if (j.rounded && goes_whole(k, j.c)) j.whole = k->coded.whole[j.c->as->id];
    lay_out(&j, scratch);
    prepare_rows(&j);
    tn_parallel(pool, g->n, 1 + (1 << 16) / j.wide, few_columns, &j);
}

/* ---------------------------------------------------------------------------------------------------- many rows */

/* STRIP rows of one panel are made in the L2 cache and multiplied at once: floats of the weights are never in memory. A
 * few panels take turns at the same columns of A, which stay in the L2 cache meanwhile. */
typedef struct {
    const tn_kernels *k;
    const tn_gemm_args *g;
    const tn_coded *c;
    const float *a; /* packed */
    float *strips;  /* of each thread: [nr][STRIP], then a packed strip */
} many_job;

enum { TURNS = 4 }; /* panels that share columns of A */

static int64_t strip_floats(const tn_kernels *k) { return 2 * k->gemm.nr * STRIP; }

/* Rows [at, at + depth) of the panel of `n` columns from `first` on, packed. */
static const float *make_strip(const many_job *j, int64_t first, int64_t n, int64_t at, int64_t depth, float *room) {
    float *packed = room + j->k->gemm.nr * STRIP;
    for (int64_t i = 0; i < n; i++) tn_coded_row(&j->k->coded, j->c, first + i, at, depth, room + i * STRIP);
    j->k->gemm.pack_b(true, depth, n, room, STRIP, packed);
    return packed;
}

/* The first strip brings what is added, the last one the activation; C holds the sums in between. */
static void multiply_strip(const many_job *j, int64_t first, int64_t n, int64_t at, int64_t depth, const float *b) {
    const tn_gemm_args *g = j->g;
    int64_t mr = j->k->gemm.mr, tiles = (g->m + mr - 1) / mr;
    tn_gemm_strip s = { .m = g->m, .n = n, .k = depth, .tiles = tiles, .t1 = tiles, .alpha = g->alpha };
    s.a = j->a + at * mr, s.rs_a = 1, s.cs_a = mr, s.ts_a = g->k * mr;
    s.b = b, s.ldb = j->k->gemm.nr;
    s.c = g->c + first, s.ldc = g->ldc;
    if (at == 0) {
        s.d = g->d ? g->d + first : NULL, s.ldd = g->ldd, s.beta = g->beta;
        s.bias_m = g->bias_m, s.bias_n = g->bias_n ? g->bias_n + first : NULL;
    } else {
        s.d = s.c, s.ldd = s.ldc, s.beta = 1;
    }
    if (at + depth == g->k) s.act = g->act;
    j->k->gemm.strip(&s);
}

static void many_columns(void *arg, int64_t begin, int64_t end, int thread) {
    const many_job *j = arg;
    int64_t nr = j->k->gemm.nr, from = begin * TURNS * nr, to = end * TURNS * nr;
    float *room = j->strips + thread * strip_floats(j->k);
    to = to < j->g->n ? to : j->g->n;
    for (; from < to; from += TURNS * nr)
        for (int64_t at = 0; at < j->g->k; at += STRIP) {
            int64_t depth = j->g->k - at < STRIP ? j->g->k - at : STRIP;
            for (int64_t n = from; n < to && n < from + TURNS * nr; n += nr) {
                int64_t columns = to - n < nr ? to - n : nr;
                multiply_strip(j, n, columns, at, depth, make_strip(j, n, columns, at, depth, room));
            }
        }
}

static size_t packed_a_bytes(const tn_kernels *k, const tn_gemm_args *g) {
    return g->a_packed ? 0 : tn_align_up(tn_gemm_pack_a_bytes(&k->gemm, g->m, g->k), 64);
}

static void many(const tn_kernels *k, const tn_gemm_args *g, const tn_coded_b *b, char *scratch, tn_pool *pool) {
    many_job j = { k, g, &b->weights, g->a_packed, (float *)(scratch + packed_a_bytes(k, g)) };
    if (!j.a) {
        tn_gemm_pack_a(&k->gemm, g->trans_a, g->m, g->k, g->a, g->lda, (float *)scratch, pool);
        j.a = (float *)scratch;
    }
    tn_parallel(pool, (g->n + TURNS * k->gemm.nr - 1) / (TURNS * k->gemm.nr), 1, many_columns, &j);
}

/* ------------------------------------------------------------------------------------------------------ the door */

static bool is_few(const tn_kernels *k, const tn_gemm_args *g, const tn_coded_b *b) {
    int64_t most = is_codebook(&b->weights) || !b->rounded ? FEW : goes_whole(k, &b->weights) ? FEW_WHOLE : FEW_SPLIT;
    return g->m <= most && !g->trans_a && !g->a_packed;
}

/* Rounded rows are tiles unless they are few, or floats already packed. */
static bool in_tiles(const tn_coded_b *b, const tn_gemm_args *g) {
    return b->rounded && !is_codebook(&b->weights) && !g->a_packed;
}

size_t tn_coded_scratch(const tn_kernels *k, const tn_gemm_args *g, const tn_coded_b *b, int threads) {
    if (is_few(k, g, b)) return few_bytes(g->m, g->k, b->rounded && !is_codebook(&b->weights));
    if (in_tiles(b, g)) return tn_coded_tiles_bytes(g, threads);
    return packed_a_bytes(k, g) + (size_t)(threads * strip_floats(k)) * sizeof(float);
}

tn_status tn_coded_gemm(const tn_kernels *k, const tn_gemm_args *g, const tn_coded_b *b, void *scratch, tn_pool *pool) {
    void *own = NULL;
    assert(g->n == b->weights.rows && g->k == b->weights.columns);
    if (g->m == 0 || g->n == 0) return TN_OK;
    size_t bytes = tn_coded_scratch(k, g, b, tn_pool_threads(pool));
    if (!scratch && !(scratch = own = tn_mem_alloc(bytes, TN_MEM_SCRATCH)))
        return tn_fail(TN_E_NOMEM, "out of memory for %zu bytes of a product", bytes);
    if (is_few(k, g, b))
        few(k, g, b, scratch, pool);
    else if (in_tiles(b, g))
        tn_coded_tiles(&k->coded, g, &b->weights, scratch, pool);
    else
        many(k, g, b, scratch, pool);
    tn_mem_free(own);
    return TN_OK;
}
