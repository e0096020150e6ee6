/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attention.c - attention on every variant against the definition: random sizes, layouts, masks, windows, NaN, caches
 * in blocks of all types, many keys for few rows. */
#include "kernel/attention.h"
#include "base/status.h"
#include "lib/kernel_check.h"
#include "tensor/dtype.h"
#include <math.h>
#include <string.h>

#define pick(lo, hi)    check_int(c, lo, hi)
#define chance(percent) check_chance(c, percent)

static float *values(check_ctx *c, int64_t n) {
    float *x = check_floats(c, (size_t)n);
    for (int64_t i = 0; i < n; i++) x[i] *= 2;
    return x;
}

/* Rows of heads, or planes of heads. */
static tn_attention_stride layout(check_ctx *c, int64_t heads, int64_t rows, int64_t size) {
    if (chance(50)) return (tn_attention_stride){ heads * rows * size, size, heads * size };
    return (tn_attention_stride){ heads * rows * size, rows * size, size };
}

/* A mask's strides: some dimensions repeat. */
static tn_attention_mask_stride mask_layout(check_ctx *c, const tn_attention *a, int64_t *count) {
    bool b = chance(50), h = chance(50), r = chance(70), k = chance(90);
    tn_attention_mask_stride s = { .key = k };
    int64_t n = k ? a->keys : 1;
    s.row = r ? n : 0, n *= r ? a->rows : 1;
    s.head = h ? n : 0, n *= h ? a->heads : 1;
    s.batch = b ? n : 0, n *= b ? a->batch : 1;
    *count = n;
    return s;
}

typedef struct {
    tn_attention a;
    int64_t lists[4][4], y_floats, qk_floats;
    float *k, *v;
    tn_rows rows[2];
} random_case;

/* One size in six is that of a real model's head, or beside it. */
static int64_t head_size(check_ctx *c) {
    static const int64_t real[] = { 64, 80, 96, 128, 160, 192, 256 };
    return chance(15) ? real[pick(0, (int64_t)TN_COUNT(real) - 1)] + pick(-1, 1) : pick(1, 40);
}

static void make_sizes(check_ctx *c, random_case *r) {
    tn_attention *a = &r->a;
    bool large = c->seed % 16 == 0;
    a->batch = pick(1, 3), a->kv_heads = pick(1, 3), a->heads = a->kv_heads * pick(1, 3);
    if (chance(5)) a->kv_heads = 1, a->heads = pick(8, 12); /* more query heads to a key head than rows of a tile */
    a->rows = large ? pick(1, 150) : pick(1, 20), a->keys = large ? pick(500, 1100) : pick(0, 60);
    a->size_k = head_size(c), a->size_v = head_size(c);
    if (large) a->batch = 1, a->heads = a->kv_heads = pick(1, 2);
    if (c->seed % 16 == 8) { /* keys that are cut into parts, with a head of them or several */
        a->rows = pick(1, 3), a->keys = pick(700, 2200);
        a->batch = pick(1, 2), a->kv_heads = pick(1, 2), a->heads = a->kv_heads * pick(1, a->rows == 1 ? 8 : 2);
    }
    a->stride_q = layout(c, a->heads, a->rows, a->size_k);
    a->stride_k = layout(c, a->kv_heads, a->keys, a->size_k);
    a->stride_v = layout(c, a->kv_heads, a->keys, a->size_v);
    a->stride_y = layout(c, a->heads, a->rows, a->size_v);
    r->y_floats = a->batch * a->heads * a->rows * a->size_v;
    r->qk_floats = a->batch * a->heads * a->rows * a->keys;
}

static void make_masks(check_ctx *c, random_case *r) {
    tn_attention *a = &r->a;
    int64_t count;
    for (int64_t b = 0; b < a->batch; b++) {
        r->lists[0][b] = pick(-1, 5);
        r->lists[1][b] = chance(20) ? 0 : pick(0, a->keys + 2);
        r->lists[2][b] = pick(-4, 8);
    }
    if (chance(20)) a->first = r->lists[0];
    if (chance(40)) a->length = r->lists[1];
    if (chance(30)) a->offset = r->lists[2];
    if (chance(40)) a->right = pick(0, 3) ? 0 : 4;
    if (chance(30)) a->left = pick(0, 9);
    if (chance(40)) {
        a->stride_allow = mask_layout(c, a, &count);
        uint8_t *m = check_bytes(c, (size_t)count);
        for (int64_t i = 0; i < count; i++) m[i] &= 3;
        a->allow = m;
    }
    if (chance(40)) {
        a->stride_bias = mask_layout(c, a, &count);
        float *m = values(c, count);
        for (int64_t i = 0; i < count; i++)
            if (chance(20)) m[i] = -INFINITY;
        a->bias = m;
    }
    if (chance(20)) a->sink = values(c, a->heads);
    if (chance(40)) { /* rows that are chosen throughout, among others */
        static const double fills[] = { -64, -INFINITY, 0.5 };
        a->stride_choice = mask_layout(c, a, &count);
        uint8_t *m = check_bytes(c, (size_t)count);
        for (int64_t i = 0; i < count; i++) m[i] = (uint8_t)(i / (a->keys + 1) % 2 ? pick(0, 1) : 1);
        a->choice = m, a->fill_where = chance(60), a->fill = fills[pick(0, 2)];
    }
    if (chance(30)) { /* as the pieces say it: masks are numbers, NaN is one of them */
        a->literal = true;
        a->first = a->length = a->offset = NULL, a->allow = NULL, a->sink = NULL;
        a->left = a->right = -1, a->softcap = 0;
    }
    if (chance(25)) { /* sentences whose keys are other columns of the masks: none is behind the last */
        for (int64_t b = 0; b < a->batch; b++) {
            r->lists[3][b] = pick(0, a->keys);
            r->lists[1][b] = pick(0, a->keys - r->lists[3][b]);
        }
        a->shift = r->lists[3], a->length = r->lists[1];
    }
}

/* NaN in keys: rows that see such a key become NaN, rows from which a mask hides it do not notice. */
static void spoil_keys(check_ctx *c, random_case *r) {
    const tn_attention *a = &r->a;
    const tn_attention_stride *s = &a->stride_k;
    for (int64_t left = a->keys ? pick(1, 3) : 0; left > 0; left--)
        r->k[pick(0, a->batch - 1) * s->batch + pick(0, a->kv_heads - 1) * s->head + pick(0, a->keys - 1) * s->row +
             pick(0, a->size_k - 1)] = NAN;
}

/* The same keys or values in a cache, whose blocks lie anywhere; what no row fills is NaN. */
static void to_cache(check_ctx *c, const random_case *x, tn_rows *r, const float *from, const tn_attention_stride *s) {
    int64_t each = r->heads * r->block * r->size;
    void **blocks = check_aligned(c, (size_t)(r->batch * r->per + 1) * sizeof *blocks);
    for (int64_t i = 0; i < r->batch * r->per; i++) {
        blocks[i] = check_out(c, (size_t)each * (size_t)tn_dtypes[r->type].bytes);
        for (int64_t e = 0; e < each; e++) tn_set_f64(r->type, blocks[i], e, NAN);
    }
    r->blocks = blocks;
    for (int64_t b = 0; b < r->batch; b++)
        for (int64_t h = 0; h < r->heads; h++)
            if (tn_rows_put(r, b, h, 0, x->a.keys, TN_F32, from + b * s->batch + h * s->head, s->row) != TN_OK)
                check_fail(c, "%s", tn_error());
}

/* Keys and values as a cache keeps them: in many blocks, or all rows in one. */
static void make_cache(check_ctx *c, random_case *x) {
    static const tn_dtype types[] = { TN_F32, TN_F32, TN_F16, TN_BF16 };
    tn_attention *a = &x->a;
    tn_rows r = { .batch = a->batch, .heads = a->kv_heads };
    r.block = chance(20) ? a->keys + pick(1, 9) : a->keys > 100 ? pick(90, 700) : pick(1, 40);
    r.per = (a->keys + r.block - 1) / r.block;
    x->rows[0] = x->rows[1] = r;
    x->rows[0].size = a->size_k, x->rows[1].size = a->size_v;
    for (int i = 0; i < 2; i++) x->rows[i].type = types[pick(0, 3)];
    to_cache(c, x, &x->rows[0], x->k, &a->stride_k);
    to_cache(c, x, &x->rows[1], x->v, &a->stride_v);
    a->rows_k = &x->rows[0], a->rows_v = &x->rows[1];
    a->k = a->v = NULL;
}

static void make(check_ctx *c, random_case *r) {
    *r = (random_case){ .a = { .type = TN_F32, .left = -1, .right = -1 } };
    tn_attention *a = &r->a;
    make_sizes(c, r);
    a->q = values(c, a->batch * a->heads * a->rows * a->size_k);
    a->k = r->k = values(c, a->batch * a->kv_heads * a->keys * a->size_k);
    a->v = r->v = values(c, a->batch * a->kv_heads * a->keys * a->size_v);
    a->scale = (chance(50) ? 0.3 : 1.1) * (a->size_k > 40 ? 0.3 : 1);
    if (chance(30)) a->softcap = 1.5;
    make_masks(c, r);
    if (chance(20)) spoil_keys(c, r);
    a->qk_mode = (tn_qk_mode)pick(0, 3);
    if (chance(50)) make_cache(c, r);
}

/* With scratch that holds garbage. */
static tn_status run(check_ctx *c, const tn_attention *a, tn_pool *pool) {
    return tn_attention_run(c->fast, a, check_out(c, tn_attention_scratch(c->fast, a, tn_pool_threads(pool))), pool);
}

static void random_cases(check_ctx *c) {
    random_case r;
    make(c, &r);
    bool wants = !r.a.literal && !r.a.shift && chance(40);
    float *y[2], *qk[2];
    for (int i = 0; i < 2; i++) {
        y[i] = check_out(c, (size_t)r.y_floats * 4), qk[i] = check_out(c, (size_t)r.qk_floats * 4);
        r.a.y = y[i], r.a.qk = wants ? qk[i] : NULL;
        tn_status st = i ? run(c, &r.a, check_pool(c)) : tn_attention_ref(&r.a);
        if (st != TN_OK) check_fail(c, "%s", tn_error());
    }
    check_close(c, y[1], y[0], (size_t)r.y_floats, 3e-5, 3e-5);
    if (wants) check_close(c, qk[1], qk[0], (size_t)r.qk_floats, 3e-5, 3e-5);
}

/* Whoever computes which part: the bits are the same. */
static void threads_do_not_matter(check_ctx *c) {
    random_case r;
    make(c, &r);
    float *y[2];
    for (int i = 0; i < 2; i++) {
        r.a.y = y[i] = check_out(c, (size_t)r.y_floats * 4);
        if (run(c, &r.a, i ? check_pool(c) : NULL) != TN_OK) check_fail(c, "%s", tn_error());
    }
    for (int64_t i = 0; i < r.y_floats; i++)
        if (memcmp(y[0] + i, y[1] + i, 4))
            check_fail(c, "at %lld: %g and %g", (long long)i, (double)y[0][i], (double)y[1][i]);
}

/* Garbage in the padding of a cache is not read; a row that sees nothing is zero. */
static void padding_is_not_read(check_ctx *c) {
    enum { ROWS = 20, KEYS = 24, SIZE = 4, LENGTH = 10 };
    float *q = check_floats(c, ROWS * SIZE), *k = check_floats(c, KEYS * SIZE), *v = check_floats(c, KEYS * SIZE);
    float *y = check_out(c, ROWS * SIZE * 4);
    for (int i = 0; i < ROWS * SIZE; i++) q[i] = 0.1f;
    for (int i = 0; i < KEYS * SIZE; i++) k[i] = v[i] = i < LENGTH * SIZE ? 1.0f : NAN;
    tn_attention a = { .type = TN_F32,
                       .batch = 1,
                       .heads = 1,
                       .kv_heads = 1,
                       .rows = ROWS,
                       .keys = KEYS,
                       .size_k = SIZE,
                       .size_v = SIZE,
                       .q = q,
                       .k = k,
                       .v = v,
                       .y = y,
                       .scale = 1,
                       .left = -1,
                       .right = 0 };
    a.stride_q = a.stride_k = a.stride_v = a.stride_y = (tn_attention_stride){ 0, 0, SIZE };
    a.length = (int64_t[]){ LENGTH }, a.offset = (int64_t[]){ -LENGTH };
    if (run(c, &a, NULL) != TN_OK) check_fail(c, "%s", tn_error());
    for (int i = 0; i < ROWS * SIZE; i++)
        if (!(i < LENGTH * SIZE ? y[i] == 0 : fabsf(y[i] - 1) < 1e-6f)) check_fail(c, "at %d: %g", i, (double)y[i]);
}

static const check_case cases[] = { { "random", random_cases, 200 },
                                    { "threads", threads_do_not_matter, 100 },
                                    { "padding", padding_is_not_read, 1 } };
int main(int argc, char **argv) { return check_main("attention", cases, TN_COUNT(cases), argc, argv); }
