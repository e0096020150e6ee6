/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* topk.c - TopK and Unique: order statistics along an axis. */
#include "base/budget.h"
#include "base/sort.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/math/grads.h"
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------------------------- TopK */

typedef struct {
    int64_t axis;
    bool largest; /* what is in order anyway need not be asked for: `sorted` */
} ranking;

static tn_status topk_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), axis, n;
    tn_dim dims[TN_MAX_RANK];
    if (rank < 0) {
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), -1, NULL);
        tn_infer_out(c, 1, TN_I64, -1, NULL);
        return TN_OK;
    }
    if (rank == 0) return tn_infer_fail(c, TN_E_SHAPE, "the input is a scalar");
    TN_TRY(tn_op_axis(c->node, ((const ranking *)c->attrs)->axis, rank, &axis));
    const tn_dim *k = tn_infer_ints(c, 1, &n);
    memcpy(dims, c->in[0]->dims, sizeof dims);
    if (k && n != 1) return tn_infer_fail(c, TN_E_SHAPE, "K holds %d numbers, not one", n);
    if (k && tn_dim_known(k[0]) && (k[0] < 0 || (tn_dim_known(dims[axis]) && k[0] > dims[axis])))
        return tn_infer_fail(c, TN_E_INVALID, "K is %lld, the axis has %lld elements", (long long)k[0],
                             (long long)dims[axis]);
    dims[axis] = k ? k[0] : TN_DIM_UNKNOWN;
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, dims);
    if (c->n_out > 1) tn_infer_out(c, 1, TN_I64, rank, dims);
    return TN_OK;
}

typedef struct {
    double v; /* exact for every type but 64-bit integers, which use i */
    int64_t i64;
    int64_t at;
} ranked;

/* Does a come before b in the wanted order? Equal values keep the lower index; NaN counts as the largest. */
static bool before(const ranked *a, const ranked *b, bool largest, bool wide) {
    if (wide) {
        if (a->i64 != b->i64) return (a->i64 > b->i64) == largest;
    } else {
        bool na = a->v != a->v, nb = b->v != b->v;
        if (na != nb) return na == largest;
        if (!na && a->v != b->v) return (a->v > b->v) == largest;
    }
    return a->at < b->at;
}

/* A heap of the k best whose root is the worst of them: O(n log k), and a sorted read-out. */
static void sift(ranked *h, int64_t n, int64_t i, bool largest, bool wide) {
    for (;;) {
        int64_t w = i, l = 2 * i + 1;
        if (l < n && before(&h[w], &h[l], largest, wide)) w = l;
        if (l + 1 < n && before(&h[w], &h[l + 1], largest, wide)) w = l + 1;
        if (w == i) return;
        ranked t = h[i];
        h[i] = h[w], h[w] = t, i = w;
    }
}

typedef struct {
    tn_run *r;
    int axis;
    int64_t k;
    ranked *heaps;
    bool largest;
} topk_job;

static void topk_lines(void *arg, int64_t begin, int64_t end, int thread) {
    const topk_job *j = arg;
    const tn_tensor *x = tn_in(j->r, 0);
    tn_tensor *values = tn_out(j->r, 0), *indices = tn_out(j->r, 1);
    int64_t len = x->dims[j->axis], inner = tn_op_product(x->dims, j->axis + 1, x->rank), k = j->k;
    bool wide = x->dtype == TN_I64 || x->dtype == TN_U64;
    ranked *h = j->heaps + thread * (k + 1);
    tn_ticks ticks = { 0 };
    for (int64_t line = begin; line < end; line++) {
        int64_t base = line / inner * len * inner + line % inner, obase = line / inner * k * inner + line % inner,
                n = 0;
        for (int64_t i = 0; i < len; i++) {
            ranked e = { 0, 0, i };
            if (tn_ticks_stopped(&ticks, n < k ? 32 : 4)) return;
            if (wide) { /* uint64: flip the top bit, so that signed order is unsigned order */
                e.i64 = ((const int64_t *)x->data)[base + i * inner];
                if (x->dtype == TN_U64) e.i64 ^= INT64_MIN;
            } else if (x->dtype == TN_F32) {
                e.v = ((const float *)x->data)[base + i * inner];
            } else {
                e.v = tn_get_f64(x->dtype, x->data, base + i * inner);
            }
            if (n < k) {
                h[n++] = e;
                for (int64_t at = n - 1; at > 0 && before(&h[(at - 1) / 2], &h[at], j->largest, wide);
                     at = (at - 1) / 2) {
                    ranked t = h[at];
                    h[at] = h[(at - 1) / 2], h[(at - 1) / 2] = t;
                }
            } else if (k > 0 && before(&e, &h[0], j->largest, wide)) {
                h[0] = e;
                sift(h, n, 0, j->largest, wide);
            }
        }
        for (int64_t left = n; left > 0; left--) { /* the root is the worst left: fill from the end */
            int64_t o = obase + (left - 1) * inner;
            if (tn_ticks_stopped(&ticks, 128)) return;
            if (values) tn_op_copy_element(values, o, x, base + h[0].at * inner);
            if (indices) ((int64_t *)indices->data)[o] = h[0].at;
            h[0] = h[left - 1];
            sift(h, left - 1, 0, j->largest, wide);
        }
    }
}

static tn_status topk_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    const ranking *a = r->attrs;
    topk_job j = { r, tn_op_axis_at(a->axis, x->rank), tn_get_i64(TN_I64, tn_in(r, 1)->data, 0) };
    j.largest = a->largest;
    int64_t len = x->dims[j.axis], lines = len ? tn_count(x) / len : 0, threads = tn_pool_threads(r->pool);
    if (lines == 0 || j.k == 0) return TN_OK;
    j.heaps = tn_op_scratch(r, sizeof *j.heaps, threads, j.k, threads);
    if (!j.heaps) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for K = %lld", (long long)j.k);
    tn_parallel(r->pool, lines, 1 + 8192 / (len + 1), topk_lines, &j);
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------------- Unique */

enum { FLAT = TN_MAX_RANK }; /* no axis is given: single elements */
typedef struct {
    int64_t axis;
    bool sorted;
} distinct;

static tn_status unique_infer(tn_infer *c) {
    int64_t given = ((const distinct *)c->attrs)->axis;
    int rank = tn_infer_rank(c, 0), axis;
    tn_dim dims[TN_MAX_RANK];
    if (given != FLAT && rank >= 0) {
        TN_TRY(tn_op_axis(c->node, given, rank, &axis));
        memcpy(dims, c->in[0]->dims, sizeof dims);
        dims[axis] = TN_DIM_UNKNOWN;
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, dims);
    } else {
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), given != FLAT ? -1 : 1, NULL);
    }
    for (int i = 1; i < c->n_out; i++) tn_infer_out(c, i, TN_I64, 1, NULL);
    return TN_OK;
}

typedef struct {
    const tn_tensor *x;
    int64_t outer, len, inner; /* slices run along `len` */
} slices;

static int compare_elements(const tn_tensor *x, int64_t a, int64_t b) {
    if (x->dtype == TN_STRING) {
        const tn_string *s = x->data;
        size_t n = s[a].len < s[b].len ? s[a].len : s[b].len;
        int c = n ? memcmp(s[a].ptr, s[b].ptr, n) : 0;
        return c ? c : (s[a].len > s[b].len) - (s[a].len < s[b].len);
    }
    if (tn_dtype_is_float(x->dtype)) {
        double u = tn_get_f64(x->dtype, x->data, a), v = tn_get_f64(x->dtype, x->data, b);
        if (u != u || v != v) return (u != u) - (v != v);
        return (u > v) - (u < v);
    }
    int64_t u = tn_get_i64(x->dtype, x->data, a), v = tn_get_i64(x->dtype, x->data, b);
    if (x->dtype == TN_U64) return ((uint64_t)u > (uint64_t)v) - ((uint64_t)u < (uint64_t)v);
    return (u > v) - (u < v);
}

static int compare_slices(const slices *s, int64_t a, int64_t b) {
    for (int64_t o = 0; o < s->outer; o++)
        for (int64_t i = 0; i < s->inner; i++) {
            int c = compare_elements(s->x, (o * s->len + a) * s->inner + i, (o * s->len + b) * s->inner + i);
            if (c) return c;
        }
    return 0;
}

static int by_slice(const void *a, const void *b, void *user) {
    int64_t i = *(const int64_t *)a, k = *(const int64_t *)b;
    int c = compare_slices(user, i, k);
    return c ? c : (i > k) - (i < k);
}

static int by_number(const void *a, const void *b, void *user) {
    const int64_t *first = user;
    int64_t u = first[*(const int64_t *)a], v = first[*(const int64_t *)b];
    return (u > v) - (u < v);
}

static tn_status unique_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    const distinct *of = r->attrs;
    bool a = of->axis != FLAT;
    int axis = a ? tn_op_axis_at(of->axis, x->rank) : 0;
    slices s = { x, 1, tn_count(x), 1 };
    int64_t dims[TN_MAX_RANK];
    memcpy(dims, x->dims, sizeof dims);
    if (a) {
        s.outer = tn_count(x) ? tn_op_product(x->dims, 0, axis) : 0;
        s.len = x->dims[axis];
        s.inner = tn_op_product(x->dims, axis + 1, x->rank);
    }
    /* order: slices sorted; group[k]: which distinct slice the k-th is; first/count per group; place: output position.
     */
    int64_t *list[5], groups = 0;
    for (int i = 0; i < 5; i++)
        if (!(list[i] = tn_op_scratch(r, sizeof *list[i], s.len, 1, 1)))
            return tn_op_fail(r->node, TN_E_NOMEM, "no memory for %lld slices", (long long)s.len);
    int64_t *order = list[0], *group = list[1], *first = list[2], *count = list[3], *place = list[4];
    for (int64_t i = 0; i < s.len; i++) order[i] = i;
    uint64_t units = 32 + 4 * (uint64_t)(s.outer * s.inner); /* of a comparison */
    tn_ticks ticks = { 0 };
    tn_sort_with(order, (size_t)s.len, sizeof *order, by_slice, &s, units);
    if (tn_budget_stopped()) return tn_op_stopped(r);
    for (int64_t i = 0; i < s.len; i++) {
        if (tn_ticks_stopped(&ticks, units)) return tn_op_stopped(r);
        if (i == 0 || compare_slices(&s, order[i - 1], order[i]) != 0) first[groups] = order[i], count[groups++] = 0;
        count[groups - 1]++;
        group[order[i]] = groups - 1;
    }
    int64_t *show = order; /* groups in the order they are to appear; `order` has done its work */
    for (int64_t g = 0; g < groups; g++) show[g] = g;
    if (!of->sorted) tn_sort_with(show, (size_t)groups, sizeof *show, by_number, first, 16);
    if (tn_budget_stopped()) return tn_op_stopped(r);
    for (int64_t i = 0; i < groups; i++) {
        if (tn_ticks_stopped(&ticks, 16)) return tn_op_stopped(r);
        place[show[i]] = i;
    }

    dims[axis] = groups;
    if (tn_run_wants(r, 0)) {
        TN_TRY(tn_run_alloc(r, 0, x->dtype, a ? x->rank : 1, dims));
        for (int64_t o = 0; o < s.outer; o++)
            for (int64_t i = 0; i < groups; i++) {
                if (tn_ticks_stopped(&ticks, 32 + (uint64_t)s.inner)) return tn_op_stopped(r);
                tn_op_copy_elements(tn_out(r, 0), (o * groups + i) * s.inner, x, (o * s.len + first[show[i]]) * s.inner,
                                    s.inner);
            }
        TN_TRY(tn_op_own_strings(tn_out(r, 0)));
    }
    for (int out = 1; out < r->n_out; out++) {
        int64_t len = out == 2 ? s.len : groups;
        if (!tn_run_wants(r, out)) continue;
        TN_TRY(tn_run_alloc(r, out, TN_I64, 1, &len));
        int64_t *v = tn_out(r, out)->data;
        for (int64_t i = 0; i < len && !tn_ticks_stopped(&ticks, 16); i++)
            v[i] = out == 1 ? first[show[i]] : out == 2 ? place[group[i]] : count[show[i]];
    }
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port topk_in[] = { { "X", TN_REAL, 'T' }, { "K", tn_dtype_bit(TN_I64), 0 }, { 0 } };
static const tn_port topk_out[] = { { "Values", TN_REAL, 'T' }, { "Indices", tn_dtype_bit(TN_I64), 0 }, { 0 } };
static const tn_port unique_in[] = { { "X", TN_ANY_TYPE, 'T' }, { 0 } };
static const tn_port unique_out[] = { { "Y", TN_ANY_TYPE, 'T' },
                                      { "indices", tn_dtype_bit(TN_I64), 0, .optional = true },
                                      { "inverse_indices", tn_dtype_bit(TN_I64), 0, .optional = true },
                                      { "counts", tn_dtype_bit(TN_I64), 0, .optional = true },
                                      { 0 } };
static const tn_attr_spec topk_attrs[] = {
    { TN_INT(ranking, axis, -1) }, { TN_FLAG(ranking, largest, true) }, { "sorted", TN_ATTR_INT }, { 0 }
};
static const tn_attr_spec unique_attrs[] = { { TN_INT(distinct, axis, FLAT), .min = -TN_MAX_RANK,
                                               .max = TN_MAX_RANK - 1 },
                                             { TN_FLAG(distinct, sorted, true) },
                                             { 0 } };

const tn_op tn_ops_topk[] = {
    { .name = "TopK",
      .since = 24,
      .in = topk_in,
      .out = topk_out,
      TN_ATTRS(topk_attrs, ranking),
      .infer = topk_infer,
      .run = topk_run,
      .grad = tn_grad_topk,
      .doc = "the K largest or smallest along an axis, in order, with their indices" },
    { .name = "Unique",
      .since = 11,
      .flags = TN_OP_DYNAMIC,
      .in = unique_in,
      .out = unique_out,
      TN_ATTRS(unique_attrs, distinct),
      .infer = unique_infer,
      .run = unique_run,
      .grad = tn_grad_unique,
      .doc = "distinct elements or slices, where they are and how often" },
    { 0 },
};
