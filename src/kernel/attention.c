/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attention.c - the fast attention of f32: tiles of rows against blocks of keys, by the matrix and row kernels.
 *
 * A unit of work is one tile of rows of one head. A thread's units that share keys (one batch, one head of keys) are
 * done together:
 *     for each block of keys: pack its keys (transposed) and values
 *       for each tile: scores = Q K^T; masks; exponentials, against the running maximum; Y += weights V
 *     each row of Y is divided by its sum
 * Few rows (decoding one token) read keys and values where they lie; what a cache keeps in 16 bits, and what many rows
 * pack from blocks, is brought to one place first. Columns that no row of a tile sees are left out, so that causal
 * attention costs half.
 *
 * Many keys for few rows are cut into parts, a unit of work each, by sizes alone: so the bits do not depend on threads.
 * A part leaves what it summed with its maximum and sum, and join_parts adds them up. */
#include "kernel/attention.h"
#include "base/budget.h"
#include "base/mem.h"
#include "kernel/attention_keys.h"
#include "kernel/kernel.h"
#include <math.h>
#include <string.h>

enum {
    BLOCK = 512,    /* keys per block: with 64 floats per head, keys, values and scores of a block fill half of L2 */
    TILE_CELLS = 5, /* register tiles of rows per tile */
    FEW_ROWS = 8,   /* so few rows are not worth packing for */
    PART_FLOPS = 1 << 19, /* less is not worth a thread */
    FEW_FLOPS = 1 << 17   /* the same for few rows, which wait for memory */
};

typedef struct {
    const tn_attention *a;
    const tn_kernels *kn;
    int64_t group, tile, tiles; /* query heads per key head; rows per tile; tiles per head */
    int64_t block, ld;          /* keys per block; floats from one row of scores to the next */
    int64_t at_v, at_s, at_stat;
    int64_t step;  /* units done together: of one tile, or of a head of keys when there are enough heads */
    bool few;      /* rows: nothing is packed */
    bool spans;    /* lengths or windows: rows do not all see all keys */
    int64_t parts; /* of the keys, for few rows: of a block each */
    int64_t at_stage;
    size_t floats; /* of scratch per thread */
    size_t each;   /* of what a part leaves */
    float *scratch, *left;
} job;

typedef struct {
    tn_keys k, v;
    float *pack_k, *pack_v, *scores, *top, *sum, *fresh;
    float *y;             /* where a part of the keys leaves its rows of Y; NULL: they are Y's */
    int64_t b, kv, k0, n; /* the block: keys k0 .. k0 + n - 1 */
    bool ready;           /* packed, or staged */
} block_of;

/* A tile: `count` rows of head h from row i on; its statistics begin at `stat`. Its rows of Y hold nothing as long as
 * the first row's `fresh` is not 0. */
typedef struct {
    int64_t h, i, count, stat;
} tile_of;

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

static tile_of tile_at(const job *j, int64_t kv, int64_t unit, int64_t stat) {
    int64_t t = unit % j->tiles;
    return (tile_of){ kv * j->group + unit / j->tiles, t * j->tile, min64(j->tile, j->a->rows - t * j->tile), stat };
}

static float *y_row(const job *j, int64_t b, int64_t h, int64_t i) {
    const tn_attention_stride *s = &j->a->stride_y;
    return (float *)j->a->y + b * s->batch + h * s->head + i * s->row;
}

/* The same row of the tile, where the block's results go. */
static float *y_of(const job *j, const block_of *x, const tile_of *t, int64_t r) {
    return x->y ? x->y + (t->stat + r) * j->a->size_v : y_row(j, x->b, t->h, t->i + r);
}

static const float *q_row(const job *j, int64_t b, int64_t h, int64_t i) {
    const tn_attention_stride *s = &j->a->stride_q;
    return (const float *)j->a->q + b * s->batch + h * s->head + i * s->row;
}

/* ------------------------------------------------------------------------------------------------------ products */

static void pack(const job *j, const block_of *x) {
    const tn_gemm_kernels *g = &j->kn->gemm;
    int64_t step, size_k = x->k.size, size_v = x->v.size;
    const float *from = tn_keys_whole(&x->k, x->k0, x->n, &step);
    for (int64_t n = 0; n < x->n; n += g->nr)
        g->pack_b(true, size_k, min64(g->nr, x->n - n), from + n * step, step, x->pack_k + n * size_k);
    from = tn_keys_whole(&x->v, x->k0, x->n, &step);
    for (int64_t n = 0; n < size_v; n += g->nr)
        g->pack_b(false, x->n, min64(g->nr, size_v - n), from + n, step, x->pack_v + n * x->n);
}

/* What is done once for all tiles that see something of the block. */
static void get_ready(const job *j, block_of *x) {
    int64_t step;
    if (x->ready) return;
    x->ready = true;
    if (!j->few) pack(j, x);
    if (j->few && !tn_keys_direct(&x->k)) (void)tn_keys_whole(&x->k, x->k0, x->n, &step);
    if (j->few && !tn_keys_direct(&x->v)) (void)tn_keys_whole(&x->v, x->k0, x->n, &step);
}

static void score_few(const job *j, const block_of *x, const tile_of *t, int64_t c0, int64_t c1, float scale) {
    const tn_attention *a = j->a;
    const float *q = q_row(j, x->b, t->h, t->i);
    for (int64_t c = c0, n, step; c < c1; c += n) {
        n = c1 - c;
        const float *k = tn_keys_piece(&x->k, x->k0, x->k0 + c, &n, &step);
        for (int64_t r = 0; r < t->count; r++) {
            float *s = x->scores + r * j->ld + c;
            memset(s, 0, (size_t)n * sizeof *s);
            j->kn->gemm.gemv_t(a->size_k, n, scale, q + r * a->stride_q.row, k, step, s);
        }
    }
}

/* Scores of columns [c0, c1) of the block; whole panels may be written. */
static void score(const job *j, const block_of *x, const tile_of *t, int64_t c0, int64_t c1, float scale) {
    const tn_gemm_kernels *g = &j->kn->gemm;
    const tn_attention *a = j->a;
    const float *q = q_row(j, x->b, t->h, t->i);
    if (j->few) {
        score_few(j, x, t, c0, c1, scale);
        return;
    }
    tn_gemm_strip s = { .m = t->count, .k = a->size_k, .tiles = ceil_div(t->count, g->mr), .alpha = scale };
    s.t1 = s.tiles;
    s.a = q, s.rs_a = a->stride_q.row, s.cs_a = 1;
    s.ldb = g->nr, s.ldc = j->ld;
    for (int64_t n = c0 / g->nr * g->nr; n < c1; n += g->nr) {
        s.n = min64(g->nr, x->n - n);
        s.b = x->pack_k + n * a->size_k;
        s.c = x->scores + n;
        g->strip(&s);
    }
}

static void clear(const job *j, const block_of *x, const tile_of *t) {
    for (int64_t r = 0; r < t->count; r++) memset(y_of(j, x, t, r), 0, (size_t)j->a->size_v * sizeof(float));
}

static void gather_few(const job *j, const block_of *x, const tile_of *t, int64_t c0, int64_t c1) {
    for (int64_t c = c0, n, step; c < c1; c += n) {
        n = c1 - c;
        const float *v = tn_keys_piece(&x->v, x->k0, x->k0 + c, &n, &step);
        for (int64_t r = 0; r < t->count; r++)
            j->kn->gemm.gemv(n, j->a->size_v, 1.0f, x->scores + r * j->ld + c, 1, v, step, y_of(j, x, t, r));
    }
}

/* Y += weights [c0, c1) times the block's values. */
static void gather(const job *j, const block_of *x, const tile_of *t, int64_t c0, int64_t c1) {
    const tn_gemm_kernels *g = &j->kn->gemm;
    const tn_attention *a = j->a;
    float *y = y_row(j, x->b, t->h, t->i);
    bool first = x->fresh[t->stat] != 0;
    x->fresh[t->stat] = 0;
    if (j->few) {
        if (first) clear(j, x, t);
        gather_few(j, x, t, c0, c1);
        return;
    }
    tn_gemm_strip s = { .m = t->count, .k = c1 - c0, .tiles = ceil_div(t->count, g->mr), .alpha = 1, .beta = 1 };
    s.t1 = s.tiles;
    s.a = x->scores + c0, s.rs_a = j->ld, s.cs_a = 1;
    s.ldb = g->nr, s.ldc = s.ldd = a->stride_y.row;
    for (int64_t n = 0; n < a->size_v; n += g->nr) {
        s.n = min64(g->nr, a->size_v - n);
        s.b = x->pack_v + n * x->n + c0 * g->nr;
        s.c = y + n, s.d = first ? NULL : s.c;
        g->strip(&s);
    }
}

/* ------------------------------------------------------------------------------------------------------- softmax */

/* What -inf hides stays hidden, also where the score is NaN or infinite. */
static void hide_by_bias(float *s, const float *bias, int64_t step, int64_t n) {
    for (int64_t c = 0; c < n; c++)
        if (bias[c * step] == -INFINITY) s[c] = -INFINITY;
}

static void hide(float *s, const uint8_t *allow, int64_t step, int64_t n) {
    for (int64_t c = 0; c < n; c++) s[c] = allow[c * step] ? s[c] : -INFINITY;
}

/* What is chosen instead of the score; a NaN there goes. Masks have one element per key (step 1) or per row (0). */
static void choose(const tn_vec_kernels *k, float *s, const uint8_t *choice, int64_t step, int64_t n, bool where,
                   float fill) {
    if (step && where)
        k->where[TN_SV](choice, &fill, s, s, (size_t)n);
    else if (step)
        k->where[TN_VS](choice, s, &fill, s, (size_t)n);
    else if ((*choice != 0) == where)
        k->fill(fill, s, (size_t)n);
}

/* Are the scores already divided by the cap? Not when they are wanted as they are. */
static bool capped_scale(const tn_attention *a) { return a->softcap != 0 && !(a->qk && a->qk_mode == TN_QK_RAW); }

/* Scores s of columns [c0, c1) become weights exp(score - top), of which the running sum learns. */
static void soften(const job *j, const block_of *x, const tile_of *t, int64_t r, int64_t c0, int64_t c1, float *s) {
    const tn_attention *a = j->a;
    int64_t i = t->i + r, lo, hi, all = c1 - c0;
    float *qk = a->qk ? (float *)a->qk + ((x->b * a->heads + t->h) * a->rows + i) * a->keys : NULL;
    if (qk && a->qk_mode == TN_QK_RAW) memcpy(qk, s + c0, (size_t)all * sizeof *s);
    if (a->softcap != 0) {
        if (!capped_scale(a)) j->kn->vec.unary[TN_U_AFFINE](s + c0, s + c0, (size_t)all, 1.0f / (float)a->softcap, 0);
        j->kn->vec.unary[TN_U_TANH](s + c0, s + c0, (size_t)all, 0, 0);
        j->kn->vec.unary[TN_U_AFFINE](s + c0, s + c0, (size_t)all, (float)a->softcap, 0);
    }
    if (qk && a->qk_mode == TN_QK_CAPPED) memcpy(qk, s + c0, (size_t)all * sizeof *s);
    lo = c0, hi = c1;
    if (j->spans) {
        tn_attention_span(a, x->b, i, &lo, &hi);
        lo = min64(max64(lo - x->k0, c0), c1), hi = min64(max64(hi - x->k0, lo), c1);
    }
    int64_t column = x->k0 + lo + (a->shift ? a->shift[x->b] : 0);
    if (a->choice) {
        const tn_attention_mask_stride *m = &a->stride_choice;
        choose(&j->kn->vec, s + lo, a->choice + x->b * m->batch + t->h * m->head + i * m->row + column * m->key, m->key,
               hi - lo, a->fill_where, (float)a->fill);
    }
    const float *bias = NULL;
    if (a->bias) {
        const tn_attention_mask_stride *m = &a->stride_bias;
        bias = (const float *)a->bias + x->b * m->batch + t->h * m->head + i * m->row + column * m->key;
        j->kn->vec.binary[TN_B_ADD][m->key ? TN_VV : TN_VS](s + lo, bias, s + lo, (size_t)(hi - lo));
        if (a->literal) bias = NULL;
        if (bias && (m->key == 0 || a->qk)) hide_by_bias(s + lo, bias, m->key, hi - lo), bias = NULL;
    }
    if (a->allow) {
        const tn_attention_mask_stride *m = &a->stride_allow;
        hide(s + lo, a->allow + x->b * m->batch + t->h * m->head + i * m->row + column * m->key, m->key, hi - lo);
    }
    if (qk && a->qk_mode == TN_QK_BIASED) {
        for (int64_t c = 0; c < a->keys; c++) qk[c] = c >= lo && c < hi ? s[c] : -INFINITY;
    }
    float *top = &x->top[t->stat + r], *sum = &x->sum[t->stat + r];
    float now = j->kn->reduce.max(s + lo, (size_t)(hi - lo));
    if (bias && now != now) {
        hide_by_bias(s + lo, bias, 1, hi - lo);
        now = j->kn->reduce.max(s + lo, (size_t)(hi - lo));
    }
    if (now < *top) now = *top;
    if (lo > c0) memset(s + c0, 0, (size_t)(lo - c0) * sizeof *s);
    if (c1 > hi) memset(s + hi, 0, (size_t)(c1 - hi) * sizeof *s);
    if (now == -INFINITY) { /* nothing seen yet, nothing here */
        memset(s + lo, 0, (size_t)(hi - lo) * sizeof *s);
        if (qk && a->qk_mode == TN_QK_SOFTMAX) memset(qk, 0, (size_t)a->keys * sizeof *qk);
        return;
    }
    if (*sum != 0 && *top != now) {
        float shrink = expf(*top - now), *y = y_of(j, x, t, r);
        if (x->fresh[t->stat] == 0) j->kn->vec.unary[TN_U_AFFINE](y, y, (size_t)a->size_v, shrink, 0);
        *sum *= shrink;
    }
    *top = now;
    *sum += j->kn->reduce.expsum(s + lo, s + lo, (size_t)(hi - lo), now);
    if (qk && a->qk_mode == TN_QK_SOFTMAX)
        for (int64_t c = 0; c < a->keys; c++) qk[c] = s[c] / *sum; /* the largest alone makes it 1 */
}

/* ---------------------------------------------------------------------------------------------------------- work */

static void tile_step(const job *j, block_of *x, const tile_of *t) {
    const tn_attention *a = j->a;
    int64_t c0 = j->spans ? x->n : 0, c1 = j->spans ? 0 : x->n, lo, hi;
    for (int64_t r = 0; j->spans && r < t->count; r++) {
        tn_attention_span(a, x->b, t->i + r, &lo, &hi);
        if (lo < hi) c0 = min64(c0, lo - x->k0), c1 = max64(c1, hi - x->k0);
    }
    c0 = max64(c0, 0), c1 = min64(c1, x->n);
    if (a->qk) c0 = 0, c1 = x->n; /* all of it is wanted */
    if (c0 >= c1) return;
    get_ready(j, x);
    score(j, x, t, c0, c1, (float)(capped_scale(a) ? a->scale / a->softcap : a->scale));
    for (int64_t r = 0; r < t->count; r++) soften(j, x, t, r, c0, c1, x->scores + r * j->ld);
    gather(j, x, t, c0, c1);
}

/* The sink is in the sum once: with the first keys. */
static void start_rows(const job *j, const block_of *x, const tile_of *t, int64_t from) {
    const float *sink = from == 0 ? j->a->sink : NULL;
    for (int64_t r = 0; r < t->count; r++) {
        x->top[t->stat + r] = sink ? sink[t->h] : -INFINITY;
        x->sum[t->stat + r] = sink ? 1 : 0;
    }
    x->fresh[t->stat] = 1;
}

/* A row of Y is what was summed by the sum of its weights. */
static void finish_row(const job *j, float *y, float sum) {
    if (sum == 0 && j->a->literal) sum = NAN; /* 0 / 0 */
    if (sum != 0) j->kn->vec.unary[TN_U_AFFINE](y, y, (size_t)j->a->size_v, 1.0f / sum, 0);
}

static void finish_rows(const job *j, const block_of *x, const tile_of *t) {
    if (x->fresh[t->stat] != 0) clear(j, x, t);
    for (int64_t r = 0; r < t->count && x->fresh[t->stat] == 0; r++)
        finish_row(j, y_of(j, x, t, r), x->sum[t->stat + r]);
}

/* Units [begin, end) of one batch and one head of keys, with the keys [from, to). */
static void shared_keys(const job *j, block_of *x, int64_t begin, int64_t end, int64_t from, int64_t to) {
    const tn_attention *a = j->a;
    int64_t last = a->length && !a->qk ? min64(max64(a->length[x->b], 0), a->keys) : a->keys;
    for (int64_t u = begin; u < end; u++) {
        tile_of t = tile_at(j, x->kv, u, (u - begin) * j->tile);
        start_rows(j, x, &t, from);
    }
    tn_ticks ticks = { 0 };
    uint64_t each = (uint64_t)(j->tile * j->block * (a->size_k + a->size_v)) / 16; /* units of a step */
    last = min64(last, to);
    for (x->k0 = from; x->k0 < last; x->k0 += j->block) {
        x->n = min64(j->block, last - x->k0);
        x->ready = false;
        for (int64_t u = begin; u < end; u++) {
            tile_of t = tile_at(j, x->kv, u, (u - begin) * j->tile);
            if (tn_ticks_stopped(&ticks, each)) return;
            tile_step(j, x, &t);
        }
    }
    for (int64_t u = begin; u < end && !x->y; u++) {
        tile_of t = tile_at(j, x->kv, u, (u - begin) * j->tile);
        finish_rows(j, x, &t);
    }
}

static tn_keys keys_at(const tn_rows *rows, const void *plain, const tn_attention_stride *s, int64_t size, int64_t b,
                       int64_t kv, float *stage) {
    const float *first = rows ? NULL : (const float *)plain + b * s->batch + kv * s->head;
    return (tn_keys){ rows, first, b, kv, s->row, size, stage };
}

/* The block of a thread: its scratch, and statistics of all rows that share keys at `stat`. */
static block_of block_for(const job *j, int64_t shared, int thread, float *stat, int64_t rows) {
    const tn_attention *a = j->a;
    float *scratch = j->scratch + (size_t)thread * j->floats, *stage = scratch + j->at_stage;
    int64_t b = shared / a->kv_heads, kv = shared % a->kv_heads;
    block_of x = { .pack_k = scratch, .pack_v = scratch + j->at_v, .scores = scratch + j->at_s, .b = b, .kv = kv };
    x.k = keys_at(a->rows_k, a->k, &a->stride_k, a->size_k, b, kv, j->few ? x.pack_k : stage);
    x.v = keys_at(a->rows_v, a->v, &a->stride_v, a->size_v, b, kv, j->few ? x.pack_v : stage);
    x.top = stat, x.sum = stat + rows, x.fresh = stat + 2 * rows;
    return x;
}

static void units(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    int64_t per = j->group * j->tiles;
    begin *= j->step, end *= j->step;
    while (begin < end) {
        int64_t g = begin / per, stop = min64(end, (g + 1) * per);
        block_of x = block_for(j, g, thread, j->scratch + (size_t)thread * j->floats + j->at_stat, per * j->tile);
        shared_keys(j, &x, begin - g * per, stop - g * per, 0, j->a->keys);
        begin = stop;
    }
}

/* --------------------------------------------------------------------------------------------------- parts of keys */

/* Unit u: part u % parts of the keys of a batch and head of keys, with all rows that share them. It leaves per row a
 * maximum, a sum, whether nothing was seen, and a row of Y. */
static void key_parts(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    for (int64_t u = begin; u < end; u++) {
        float *left = j->left + (size_t)u * j->each;
        int64_t rows = j->group * j->tile, from = u % j->parts * j->block;
        block_of x = block_for(j, u / j->parts, thread, left, rows);
        x.y = left + 3 * rows;
        shared_keys(j, &x, 0, j->group, from, from + j->block);
    }
}

/* Row `at` of those that share keys: *top of all its parts, NaN if one is; whether any has seen a key. */
static bool top_of_parts(const job *j, const float *left, int64_t at, float *top) {
    bool any = false;
    *top = -INFINITY;
    for (int64_t p = 0; p < j->parts; p++, left += j->each) {
        any = any || left[2 * j->group * j->tile + at / j->tile * j->tile] == 0;
        if (left[at] > *top || left[at] != left[at]) *top = left[at];
        if (*top != *top) return true;
    }
    return any;
}

static void join_parts(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    int64_t rows = j->group * j->tile;
    (void)thread;
    for (int64_t u = begin; u < end; u++) {
        const float *left = j->left + (size_t)(u / rows * j->parts) * j->each;
        int64_t at = u % rows, g = u / rows;
        float top, sum = 0;
        float *y = y_row(j, g / j->a->kv_heads, g % j->a->kv_heads * j->group + at / j->tile, at % j->tile);
        bool any = top_of_parts(j, left, at, &top);
        memset(y, 0, (size_t)j->a->size_v * sizeof *y);
        for (int64_t p = 0; p < j->parts && any; p++, left += j->each) {
            bool unseen = left[2 * rows + at / j->tile * j->tile] != 0;
            float by = left[at] == -INFINITY ? 0 : expf(left[at] - top);
            sum += by * left[rows + at];
            if (!unseen && by != 0)
                j->kn->vec.scaleadd(left + 3 * rows + at * j->a->size_v, &by, y, y, (size_t)j->a->size_v);
        }
        if (any) finish_row(j, y, sum);
    }
}

static int64_t up16(int64_t n) { return (n + 15) / 16 * 16; }

/* How the work is cut, and the scratch of a thread. */
static job cut(const tn_kernels *kn, const tn_attention *a) {
    job j = { .a = a, .kn = kn ? kn : tn_kernels_get(), .group = a->heads / a->kv_heads };
    int64_t mr = j.kn->gemm.mr, nr = j.kn->gemm.nr;
    j.spans = a->first || a->length || a->left >= 0 || a->right >= 0;
    j.few = a->rows * j.group <= FEW_ROWS;
    j.tiles = ceil_div(a->rows, mr * TILE_CELLS);
    j.tile = ceil_div(a->rows, j.tiles);
    j.tiles = ceil_div(a->rows, j.tile);
    j.block = a->keys <= BLOCK * 3 / 2 || a->qk ? max64(a->keys, 1) : BLOCK;
    j.parts = j.few ? ceil_div(a->keys, j.block) : 1;
    j.each = j.parts > 1 ? (size_t)up16(j.group * j.tile * (3 + a->size_v)) : 0;
    j.ld = up16(ceil_div(j.block, nr) * nr) + 16;
    bool packs = !j.few || (a->rows_k && a->rows_k->type != TN_F32) || (a->rows_v && a->rows_v->type != TN_F32);
    j.at_v = packs ? up16(ceil_div(j.block, nr) * nr * a->size_k) : 0;
    j.at_s = j.at_v + (packs ? up16(ceil_div(a->size_v, nr) * nr * j.block) : 0);
    j.at_stat = j.at_s + j.ld * j.tile;
    j.at_stage = j.at_stat + up16(3 * j.tiles * j.tile * j.group);
    j.floats = (size_t)(j.at_stage + (!j.few && a->rows_k ? up16(j.block * max64(a->size_k, a->size_v)) : 0));
    return j;
}

static bool nothing(const tn_attention *a) {
    return a->batch <= 0 || a->heads <= 0 || a->rows <= 0 || (a->size_v <= 0 && !a->qk);
}

size_t tn_attention_scratch(const tn_kernels *kn, const tn_attention *a, int threads) {
    size_t bytes, left;
    if (nothing(a) || a->type != TN_F32) return 0;
    job j = cut(kn, a);
    bool fits = tn_mul_size(j.floats * sizeof(float), (size_t)threads, &bytes) &&
                tn_mul_size(j.each * sizeof(float), (size_t)(a->batch * a->kv_heads * j.parts), &left);
    return fits && !__builtin_add_overflow(bytes, left, &bytes) ? bytes : SIZE_MAX;
}

static int64_t grain_of(double flops, double enough) {
    return flops >= enough ? 1 : (int64_t)(enough / (flops + 1)) + 1;
}

tn_status tn_attention_run(const tn_kernels *kn, const tn_attention *a, void *scratch, tn_pool *pool) {
    if (nothing(a)) return TN_OK;
    if (a->type == TN_F64) return tn_attention_ref(a);
    if (a->type != TN_F32) return tn_fail(TN_E_TYPE, "attention of element type %d", (int)a->type);
    job j = cut(kn, a);
    int threads = tn_pool_threads(pool);
    int64_t shared = a->batch * a->kv_heads, rows = j.group * j.tile;
    double of_key = 2.0 * (double)(a->size_k + a->size_v);
    j.scratch = scratch;
    j.left = j.scratch + (size_t)threads * j.floats;
    if (j.parts > 1) {
        tn_parallel(pool, shared * j.parts, grain_of(of_key * (double)(rows * j.block), FEW_FLOPS), key_parts, &j);
        if (!tn_budget_stopped())
            tn_parallel(pool, shared * rows, grain_of((double)(j.parts * a->size_v), FEW_FLOPS), join_parts, &j);
        return TN_OK;
    }
    bool by_head = j.few || shared >= 4 * threads; /* then nobody packs keys twice */
    j.step = by_head ? j.group * j.tiles : 1;
    double each = of_key * (double)(j.tile * j.step) * (double)a->keys;
    tn_parallel(pool, shared * j.group * j.tiles / j.step, grain_of(each, j.few ? FEW_FLOPS : PART_FLOPS), units, &j);
    return TN_OK;
}
