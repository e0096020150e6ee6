/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* einsum_pairs.c - Einsum's arithmetic. Operands are joined two by two into the batched matrix product
 *
 *     [batch, rows, sum] x [batch, sum, columns] -> [batch, rows, columns]
 *
 * where a label is of the batch when both have it and it is wanted later, of the sum when both have it and it is not,
 * of the rows or columns when one has it; what only one has and nobody wants is summed before. Which two are next is
 * decided greedily, by how much larger the product is than what it replaces (Daniel Smith & Johnnie Gray, JOSS 3(26),
 * 2018). */
#include "base/budget.h"
#include "kernel/gemm.h"
#include "kernel/kernel.h"
#include "op/core/support.h"
#include "op/math/einsum.h"
#include <string.h>

enum { LABELS = TN_EINSUM_LABELS, TERMS = TN_EINSUM_TERMS };
__extension__ typedef unsigned __int128 label_set;
#define BIT(k)        ((label_set)1 << (k))
#define each_label(k) for (int k = 0; k < LABELS; k++)

/* Dimensions of size 1 are in no set: they broadcast. */
typedef struct {
    const void *data; /* of the type that is computed in; NULL while only costs are counted */
    label_set has;
    int64_t stride[LABELS]; /* of a label that stands twice: the sum, along the diagonal */
} operand;

typedef struct {
    tn_run *r;     /* NULL: only flops are counted */
    tn_dtype type; /* TN_F32, TN_F64 or TN_U64 */
    int64_t size[LABELS];
    label_set out;
    operand in[TERMS];
    int n;
    double flops;
} work;

/* --------------------------------------------------------------------------------------------------------- labels */

static double elements(const work *w, label_set s) {
    double n = 1;
    each_label(k) if (s & BIT(k)) n *= (double)w->size[k];
    return n;
}

/* What is wanted of operands a and b (b may be a) once they are joined: labels of the result and of the others. */
static label_set wanted(const work *w, int a, int b) {
    label_set s = w->out;
    for (int i = 0; i < w->n; i++)
        if (i != a && i != b) s |= w->in[i].has;
    return s;
}

static void choose(const work *w, int *a, int *b) {
    double best = 0;
    *a = 0, *b = 1;
    for (int i = 0; i < w->n; i++)
        for (int j = i + 1; j < w->n; j++) {
            label_set x = w->in[i].has, y = w->in[j].has;
            double grows = elements(w, (x | y) & wanted(w, i, j)) - elements(w, x) - elements(w, y);
            if ((i == 0 && j == 1) || grows < best) best = grows, *a = i, *b = j;
        }
}

static void lay_out(work *w, const tn_einsum *e, const int64_t *const *dims) {
    each_label(k) w->size[k] = 1;
    w->n = e->n_in;
    for (int i = 0; i < e->n_in; i++) {
        int64_t stride = 1;
        w->in[i] = (operand){ 0 };
        for (int d = e->in[i].n - 1; d >= 0; d--) {
            int k = e->in[i].label[d];
            if (dims[i][d] != 1) w->size[k] = dims[i][d], w->in[i].has |= BIT(k), w->in[i].stride[k] += stride;
            stride *= dims[i][d];
        }
    }
    for (int d = 0; d < e->out.n; d++) w->out |= BIT(e->out.label[d]);
}

/* --------------------------------------------------------------------------------------- one operand, other strides */

/* A walk over labels, the last fastest, that moves an offset in one operand. */
typedef struct {
    int n;
    int64_t size[LABELS], stride[LABELS], at[LABELS], total;
} walk;

static void walk_add(walk *s, const work *w, const operand *o, label_set labels) {
    each_label(k) {
        if (!(labels & BIT(k))) continue;
        s->size[s->n] = w->size[k], s->stride[s->n++] = o->has & BIT(k) ? o->stride[k] : 0;
        s->total *= w->size[k];
    }
}

static inline void walk_next(walk *s, int64_t *off) {
    for (int d = s->n - 1; d >= 0; d--) {
        *off += s->stride[d];
        if (++s->at[d] < s->size[d]) return;
        *off -= s->size[d] * s->stride[d];
        s->at[d] = 0;
    }
}

/* dst[i] := the sum over `inner` at each place of `outer`. */
#define SUM_OVER(name, type_, wide)                                              \
    static void name(const void *from, walk *outer, walk *inner, void *to) {     \
        const type_ *x = from;                                                   \
        type_ *y = to;                                                           \
        int64_t base = 0;                                                        \
        tn_ticks ticks = { 0 };                                                  \
        for (int64_t i = 0; i < outer->total; i++, walk_next(outer, &base)) {    \
            int64_t off = base;                                                  \
            wide sum = 0;                                                        \
            for (int64_t j = 0; j < inner->total; j++, walk_next(inner, &off)) { \
                if (tn_ticks_stopped(&ticks, 4)) return;                         \
                sum += x[off];                                                   \
            }                                                                    \
            y[i] = (type_)sum;                                                   \
        }                                                                        \
    }
SUM_OVER(sum_f32, float, double)
SUM_OVER(sum_f64, double, double)
SUM_OVER(sum_u64, uint64_t, uint64_t)

static void *room(const work *w, int64_t n) {
    size_t bytes;
    if (!tn_dtype_bytes(w->type, n, &bytes)) return NULL;
    return tn_run_scratch(w->r, bytes + 64);
}

static void sum_over(const work *w, const operand *o, walk *outer, walk *inner, void *to) {
    if (w->type == TN_F32)
        sum_f32(o->data, outer, inner, to);
    else if (w->type == TN_F64)
        sum_f64(o->data, outer, inner, to);
    else
        sum_u64(o->data, outer, inner, to);
}

/* o := itself with only `keep` of its labels, the others summed, dense in the order of the labels. */
static tn_status reduce(work *w, operand *o, label_set keep) {
    walk outer = { .total = 1 }, inner = { .total = 1 };
    label_set gone = o->has & ~keep;
    if (!gone) return TN_OK;
    w->flops += elements(w, o->has);
    walk_add(&outer, w, o, o->has & keep);
    walk_add(&inner, w, o, gone);
    operand y = { .has = o->has & keep };
    int64_t stride = 1;
    for (int k = LABELS - 1; k >= 0; k--)
        if (y.has & BIT(k)) y.stride[k] = stride, stride *= w->size[k];
    if (w->r) {
        void *to = room(w, outer.total);
        if (!to) return tn_op_fail(w->r->node, TN_E_NOMEM, "no memory for a partial sum");
        sum_over(w, o, &outer, &inner, to);
        y.data = to;
    }
    *o = y;
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------- two operands */

enum { BATCH, ROWS, COLUMNS, SUM, GROUPS };

/* o's elements in the order of three groups of labels: its own memory where they lie so, else a copy. NULL: no memory
 */
static const void *ordered(const work *w, const operand *o, const label_set g[3]) {
    walk outer = { .total = 1 }, one = { .total = 1 };
    for (int i = 0; i < 3; i++) walk_add(&outer, w, o, g[i]);
    int64_t dense = 1;
    bool as_it_lies = true;
    for (int d = outer.n - 1; d >= 0; d--) {
        as_it_lies = as_it_lies && outer.stride[d] == dense;
        dense *= outer.size[d];
    }
    if (outer.total == 0) return ""; /* nothing is read; an empty tensor has no memory of its own */
    if (as_it_lies) return o->data;
    void *to = room(w, outer.total);
    if (to) sum_over(w, o, &outer, &one, to);
    return to;
}

typedef struct {
    tn_dtype type;
    int64_t m, n, k;
    const char *a, *b;
    char *c;
} products;

/* One tiny product after another: what a call for each would cost more than. */
#define TINY(name, type_)                                                                        \
    static void name(const products *p, int64_t begin, int64_t end) {                            \
        for (int64_t s = begin; s < end; s++) {                                                  \
            const type_ *a = (const type_ *)(const void *)p->a + s * p->m * p->k;                \
            const type_ *b = (const type_ *)(const void *)p->b + s * p->k * p->n;                \
            type_ *c = (type_ *)(void *)p->c + s * p->m * p->n;                                  \
            for (int64_t i = 0; i < p->m; i++)                                                   \
                for (int64_t j = 0; j < p->n; j++) {                                             \
                    type_ sum = 0;                                                               \
                    for (int64_t q = 0; q < p->k; q++) sum += a[i * p->k + q] * b[q * p->n + j]; \
                    c[i * p->n + j] = sum;                                                       \
                }                                                                                \
        }                                                                                        \
    }
TINY(tiny_f32, float)
TINY(tiny_f64, double)
TINY(tiny_u64, uint64_t)

static void tiny_part(void *arg, int64_t begin, int64_t end, int thread) {
    const products *p = arg;
    (void)thread;
    (p->type == TN_F32 ? tiny_f32 : p->type == TN_F64 ? tiny_f64 : tiny_u64)(p, begin, end);
}

/* Rows begin .. end - 1 of all products, of the types that have no fast kernels. */
static void rows_part(void *arg, int64_t begin, int64_t end, int thread) {
    const products *p = arg;
    (void)thread;
    for (int64_t row = begin, next; row < end; row = next) {
        int64_t s = row / p->m, i = row % p->m;
        next = (s + 1) * p->m < end ? (s + 1) * p->m : end;
        tn_gemm_any g = {
            .m = next - row, .n = p->n, .k = p->k, .lda = p->k, .ldb = p->n, .ldc = p->n, .alpha = 1, .beta = 1
        };
        g.a = p->a + (s * p->m + i) * p->k * 8, g.b = p->b + s * p->k * p->n * 8, g.c = p->c + row * p->n * 8;
        (void)tn_gemm_generic(p->type, &g); /* float64 and uint64 need no memory */
    }
}

static tn_status multiply(const work *w, products *p, int64_t batch) {
    double each = (double)p->m * (double)p->n * (double)p->k;
    if (each < 512) {
        tn_parallel(w->r->pool, batch, 1 + (int64_t)(16384 / (each + 1)), tiny_part, p);
        return TN_OK;
    }
    if (p->type != TN_F32) {
        tn_parallel(w->r->pool, batch * p->m, 1 + (int64_t)(16384 / ((double)p->n * (double)p->k + 1)), rows_part, p);
        return TN_OK;
    }
    tn_gemm_args args = tn_gemm_dense(p->m, p->n, p->k, (const float *)(const void *)p->a,
                                      (const float *)(const void *)p->b, (float *)(void *)p->c);
    args.batch[0] = batch;
    args.stride_a[0] = p->m * p->k, args.stride_b[0] = p->k * p->n, args.stride_c[0] = p->m * p->n;
    return tn_gemm(&tn_kernels_get()->gemm, &args, NULL, w->r->pool);
}

static int64_t count_of(const work *w, label_set s) {
    int64_t n = 1;
    each_label(k) if (s & BIT(k)) n *= w->size[k];
    return n;
}

static void dense_as(const work *w, operand *y, const label_set g[3]) {
    int64_t stride = 1;
    *y = (operand){ .has = g[0] | g[1] | g[2] };
    for (int i = 2; i >= 0; i--)
        for (int k = LABELS - 1; k >= 0; k--)
            if (g[i] & BIT(k)) y->stride[k] = stride, stride *= w->size[k];
}

/* y := a times b, summed over what neither the result nor the others want. */
static tn_status join(work *w, const operand *a, const operand *b, label_set keep, operand *y) {
    label_set both = a->has & b->has, g[GROUPS];
    g[BATCH] = both & keep, g[SUM] = both & ~keep, g[ROWS] = a->has & ~both, g[COLUMNS] = b->has & ~both;
    w->flops += 2 * elements(w, a->has | b->has);
    if (elements(w, g[BATCH] | g[ROWS] | g[COLUMNS]) > 1e15)
        return w->r ? tn_op_fail(w->r->node, TN_E_LIMIT, "a product on the way has too many elements") : TN_OK;
    dense_as(w, y, (label_set[3]){ g[BATCH], g[ROWS], g[COLUMNS] });
    if (!w->r) return TN_OK;
    products p = { w->type, count_of(w, g[ROWS]), count_of(w, g[COLUMNS]), count_of(w, g[SUM]), NULL, NULL, NULL };
    int64_t batch = count_of(w, g[BATCH]);
    void *c = room(w, batch * p.m * p.n);
    p.a = ordered(w, a, (label_set[3]){ g[BATCH], g[ROWS], g[SUM] });
    p.b = ordered(w, b, (label_set[3]){ g[BATCH], g[SUM], g[COLUMNS] });
    if (!c || !p.a || !p.b) return tn_op_fail(w->r->node, TN_E_NOMEM, "no memory for a product of two operands");
    y->data = p.c = c;
    return batch > 0 ? multiply(w, &p, batch) : TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ all */

/* Joins pairs until one operand is left. */
static tn_status join_all(work *w) {
    while (w->n > 1) {
        int a, b;
        operand y;
        choose(w, &a, &b);
        label_set keep = wanted(w, a, b);
        TN_TRY(reduce(w, &w->in[a], keep | w->in[b].has));
        TN_TRY(reduce(w, &w->in[b], keep | w->in[a].has));
        TN_TRY(join(w, &w->in[a], &w->in[b], keep, &y));
        w->in[a] = y;
        w->in[b] = w->in[--w->n];
    }
    return TN_OK;
}

double tn_einsum_flops(const tn_einsum *e, const int64_t *const *dims) {
    work w = { .type = TN_F32 };
    lay_out(&w, e, dims);
    (void)join_all(&w); /* counts only: nothing can fail */
    return w.flops + elements(&w, w.in[0].has | w.out);
}

/* Input i in the type that is computed in. */
static tn_status load(work *w, int i) {
    const tn_tensor *x = tn_in(w->r, i);
    w->in[i].data = x->data;
    if (x->dtype == w->type) return TN_OK;
    void *to = room(w, tn_count(x));
    if (!to) return tn_op_fail(w->r->node, TN_E_NOMEM, "no memory to convert input %d", i);
    w->in[i].data = to;
    return tn_convert(x->dtype, x->data, w->type, to, tn_count(x), false, TN_ROUND_NEAREST);
}

/* The last operand in the order of the result, broadcast where it lacks a dimension. */
static tn_status finish(work *w, const tn_einsum *e) {
    tn_tensor *y = tn_out(w->r, 0);
    walk outer = { .total = 1 }, inner = { .total = 1 };
    const operand *o = &w->in[0];
    for (int d = 0; d < e->out.n; d++) walk_add(&outer, w, o, BIT(e->out.label[d]));
    walk_add(&inner, w, o, o->has & ~w->out);
    void *to = y->dtype == w->type ? y->data : room(w, tn_count(y));
    if (!to) return tn_op_fail(w->r->node, TN_E_NOMEM, "no memory for the result");
    sum_over(w, o, &outer, &inner, to);
    if (to == y->data) return TN_OK;
    return tn_convert(w->type, to, y->dtype, y->data, tn_count(y), false, TN_ROUND_NEAREST);
}

tn_status tn_einsum_run(tn_run *r, const tn_einsum *e) {
    const int64_t *dims[TERMS] = { 0 };
    tn_dtype t = tn_out(r, 0)->dtype;
    work w = { .r = r, .type = tn_dtype_is_int(t) ? TN_U64 : t == TN_F64 ? TN_F64 : TN_F32 };
    for (int i = 0; i < e->n_in; i++) dims[i] = tn_in(r, i)->dims;
    lay_out(&w, e, dims);
    for (int i = 0; i < e->n_in; i++) TN_TRY(load(&w, i));
    TN_TRY(join_all(&w));
    return finish(&w, e);
}
