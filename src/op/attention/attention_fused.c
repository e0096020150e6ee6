/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attention_fused.c - tenon.Attention: products, scale, mask and softmax that pass/fuse_attention.c found, with the
 * transposes around them as strides. With pasts, which pass/state.c gives it instead of a Concat, keys and values are
 * those of a cache and then K and V, which are appended to it. K and V may have fewer heads, each for a group of Q's.
 */
#include "op/attention/attention.h"
#include "op/core/ports.h"
#include <string.h>

enum { Q, K, V, BIAS, MASK, PAST_K, PAST_V };

typedef struct {
    tn_ints order_q, order_k, order_v, order_y;
    float scale, fill; /* of the scores; what takes a score's place where the mask says fill_where */
    bool fill_where;
} settings;

/* Logical dimension i of the operand is dimension order[i] of the tensor; the last one is the last of both. NULL when
 * the attribute does not fit. */
static const int64_t *order_of(tn_ints order, int rank) {
    const int64_t *p = order.v;
    unsigned seen = 0;
    if (!p || order.n != (size_t)rank || (rank != 3 && rank != 4) || p[rank - 1] != rank - 1) return NULL;
    for (int i = 0; i < rank; i++) {
        if (p[i] < 0 || p[i] >= rank || seen >> p[i] & 1) return NULL;
        seen |= 1u << p[i];
    }
    return p;
}

static const char *order_name(int i) { return i == Q ? "order_q" : i == K || i == PAST_K ? "order_k" : "order_v"; }

/* A past lies as what comes behind it does. */
static const int64_t *order_at(const settings *at, int i, int rank) {
    return order_of(i == Q ? at->order_q : i == K || i == PAST_K ? at->order_k : at->order_v, rank);
}

/* Logical sizes of input i: [heads, rows, size] or [batch, heads, rows, size]. */
static tn_status logical(const tn_node *n, const settings *at, int i, int rank, const tn_dim *dims, tn_dim *out) {
    const int64_t *p = order_at(at, i, rank);
    if (!p) return tn_op_fail(n, TN_E_GRAPH, "attribute '%s' does not fit %d dimensions", order_name(i), rank);
    for (int d = 0; d < rank; d++) out[d] = dims[p[d]];
    return TN_OK;
}

static bool differ(tn_dim a, tn_dim b) { return tn_dim_known(a) && tn_dim_known(b) && a != b; }

/* Heads of keys and values, as many as Q's or a part of them. */
static bool grouped(tn_dim heads, tn_dim kv) {
    return !tn_dim_known(heads) || !tn_dim_known(kv) || heads == kv || (kv > 0 && heads % kv == 0);
}

/* Pasts are as K and V but for their rows, of which both have the same number. */
static tn_status check_past(tn_infer *c, int rank, tn_dim (*d)[TN_MAX_RANK]) {
    tn_dim past[2][TN_MAX_RANK];
    bool both = tn_infer_has(c, PAST_K) && tn_infer_has(c, PAST_V);
    if (!tn_infer_has(c, PAST_K) && !tn_infer_has(c, PAST_V)) return TN_OK;
    if (!both || rank != 4) return tn_infer_fail(c, TN_E_GRAPH, "past_k and past_v go together, with 4 dimensions");
    for (int i = 0; i < 2; i++) {
        if (tn_infer_rank(c, PAST_K + i) < 0) return TN_OK;
        if (tn_infer_rank(c, PAST_K + i) != 4) return tn_infer_fail(c, TN_E_SHAPE, "the past has not 4 dimensions");
        TN_TRY(logical(c->node, c->attrs, PAST_K + i, rank, c->in[PAST_K + i]->dims, past[i]));
        for (int k = 0; k < rank; k++)
            if (differ(past[i][k], k == 2 ? past[0][2] : d[K + i][k]))
                return tn_infer_fail(c, TN_E_SHAPE, "the past does not fit the new keys and values");
    }
    return TN_OK;
}

static tn_status fused_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, Q);
    tn_dim d[3][TN_MAX_RANK], y[TN_MAX_RANK];
    tn_infer_out(c, 0, tn_infer_dtype(c, Q), -1, NULL);
    for (int i = Q; i <= V; i++) {
        if (tn_infer_rank(c, i) < 0) return TN_OK;
        if (tn_infer_rank(c, i) != rank) return tn_infer_fail(c, TN_E_SHAPE, "operands differ in rank");
        TN_TRY(logical(c->node, c->attrs, i, rank, c->in[i]->dims, d[i]));
    }
    for (int i = K; i <= V; i++)
        for (int k = 0; k < rank; k++) {
            tn_dim a = k < rank - 3 ? d[Q][k] : k < rank - 1 ? d[K][k] : i == K ? d[Q][k] : d[V][k];
            if (differ(a, d[i][k]) || (k == rank - 3 && !grouped(d[Q][k], d[i][k])))
                return tn_infer_fail(c, TN_E_SHAPE, "the shapes of queries, keys and values do not fit each other");
        }
    TN_TRY(check_past(c, rank, d));
    const int64_t *p = order_of(((const settings *)c->attrs)->order_y, rank);
    if (!p) return tn_infer_fail(c, TN_E_GRAPH, "attribute 'order_y' does not fit %d dimensions", rank);
    for (int k = 0; k < rank; k++) y[p[k]] = k == rank - 1 ? d[V][k] : d[Q][k];
    tn_infer_out(c, 0, tn_infer_dtype(c, Q), rank, y);
    return TN_OK;
}

/* Rows of a past of this shape. */
static int64_t past_rows(const settings *at, int rank, const int64_t *dims) {
    const int64_t *order = order_at(at, PAST_K, rank);
    return order ? dims[order[rank - 2]] : 0;
}

static tn_status fused_cost(const tn_infer *c, tn_cost *out) {
    int rank = c->in[Q]->rank;
    tn_dim q[TN_MAX_RANK] = { 0 }, k[TN_MAX_RANK] = { 0 }, v[TN_MAX_RANK] = { 0 };
    TN_TRY(logical(c->node, c->attrs, Q, rank, c->in[Q]->dims, q));
    TN_TRY(logical(c->node, c->attrs, K, rank, c->in[K]->dims, k));
    TN_TRY(logical(c->node, c->attrs, V, rank, c->in[V]->dims, v));
    int64_t past = tn_infer_rank(c, PAST_K) == 4 ? past_rows(c->attrs, 4, c->in[PAST_K]->dims) : 0;
    out->flops = 2.0 * ((double)k[rank - 2] + (double)past) * (double)(q[rank - 1] + v[rank - 1]);
    for (int i = 0; i < rank - 1; i++) out->flops *= (double)q[i];
    return TN_OK;
}

/* Strides of a tensor seen through an order. */
static tn_attention_stride strides(const tn_tensor *t, const int64_t *order) {
    int64_t step[4] = { 0 }, s = 1;
    for (int d = t->rank - 1; d >= 0; d--) {
        for (int i = 0; i < t->rank; i++)
            if (order[i] == d) step[4 - t->rank + i] = s;
        s *= t->dims[d];
    }
    return (tn_attention_stride){ step[0], step[1], step[2] };
}

/* Sizes and scale, from the shapes of the operands, and behind how many keys of a past they come. */
static tn_status describe(const tn_node *n, const settings *at, int rank, const int64_t *const dims[3], int64_t past,
                          tn_attention *a) {
    tn_dim d[3][TN_MAX_RANK];
    for (int i = Q; i <= V; i++) TN_TRY(logical(n, at, i, rank, dims[i], d[i]));
    if (!grouped(d[Q][rank - 3], d[K][rank - 3]))
        return tn_op_fail(n, TN_E_SHAPE, "%lld heads of keys do not divide %lld heads of queries",
                          (long long)d[K][rank - 3], (long long)d[Q][rank - 3]);
    *a = (tn_attention){ .batch = rank == 4 ? d[Q][0] : 1,
                         .heads = d[Q][rank - 3],
                         .kv_heads = d[K][rank - 3],
                         .rows = d[Q][rank - 2],
                         .keys = past + d[K][rank - 2],
                         .size_k = d[Q][rank - 1],
                         .size_v = d[V][rank - 1],
                         .scale = (double)at->scale,
                         .left = -1,
                         .right = -1,
                         .literal = true };
    return TN_OK;
}

/* What a cache keeps is known when there is one: room for the case that asks for most. */
static tn_status fused_prepare(tn_prep *p) {
    static const tn_rows any = { .type = TN_F16 };
    const tn_infer *t = &p->types;
    const int64_t *dims[3];
    tn_attention a;
    bool past = tn_infer_has(t, PAST_K);
    if (past && !tn_type_static(t->in[PAST_K])) return TN_OK;
    for (int i = Q; i <= V; i++) {
        if (!t->in[i] || !tn_type_static(t->in[i])) return TN_OK;
        dims[i] = t->in[i]->dims;
    }
    TN_TRY(describe(t->node, t->attrs, t->in[Q]->rank, dims,
                    past ? past_rows(t->attrs, t->in[PAST_K]->rank, t->in[PAST_K]->dims) : 0, &a));
    a.type = t->in[Q]->dtype;
    if (past) a.rows_k = a.rows_v = &any;
    p->scratch = tn_attention_scratch(NULL, &a, tn_pool_threads(p->pool));
    return TN_OK;
}

/* K and V go behind the rows of the caches. */
static tn_status append(tn_run *r, tn_attention *a, int64_t fresh) {
    if (!tn_op_has_cache(r, PAST_K) || !tn_op_has_cache(r, PAST_V))
        return tn_op_fail(r->node, TN_E_INVALID, "the past is no cache");
    TN_TRY(
        tn_op_cache_append(r, PAST_K, a->batch, a->kv_heads, a->size_k, fresh, a->type, a->k, a->stride_k, &a->rows_k));
    return tn_op_cache_append(r, PAST_V, a->batch, a->kv_heads, a->size_v, fresh, a->type, a->v, a->stride_v,
                              &a->rows_v);
}

static tn_status fused_run(tn_run *r) {
    const tn_node *n = r->node;
    const settings *at = r->attrs;
    int rank = tn_in(r, Q)->rank;
    const int64_t *order[3], *order_y = order_of(at->order_y, rank);
    tn_attention a;
    for (int i = Q; i <= V; i++) order[i] = order_at(at, i, rank);
    const tn_tensor *k = tn_in(r, K), *past = tn_in(r, PAST_K);
    TN_TRY(describe(n, at, rank, (const int64_t *const[]){ tn_in(r, Q)->dims, k->dims, tn_in(r, V)->dims },
                    past ? past_rows(at, rank, past->dims) : 0, &a));
    a.type = tn_in(r, Q)->dtype;
    a.q = tn_in(r, Q)->data, a.k = tn_in(r, K)->data, a.v = tn_in(r, V)->data, a.y = tn_out(r, 0)->data;
    a.stride_q = strides(tn_in(r, Q), order[Q]), a.stride_k = strides(tn_in(r, K), order[K]);
    a.stride_v = strides(tn_in(r, V), order[V]), a.stride_y = strides(tn_out(r, 0), order_y);
    if (past) TN_TRY(append(r, &a, k->dims[order[K][rank - 2]]));
    TN_TRY(tn_op_attention_ragged(r, &a, a.keys));
    const tn_tensor *bias = tn_in(r, BIAS);
    const tn_tensor *mask = tn_in(r, MASK);
    int64_t dims[] = { a.batch, a.heads, a.rows, a.keys };
    if (bias) {
        TN_TRY(tn_op_mask_strides(r, bias, dims, false, &a.stride_bias));
        a.bias = bias->data;
    }
    if (mask) {
        TN_TRY(tn_op_mask_strides(r, mask, dims, false, &a.stride_choice));
        a.choice = mask->data;
        a.fill_where = at->fill_where;
        a.fill = (double)at->fill;
    }
    return r->scratch ? tn_attention_run(NULL, &a, r->scratch, r->pool) : tn_op_attention(r, &a);
}

static const tn_port fused_in[] = { { "Q", tn_dtype_bit(TN_F32), 'T' },
                                    { "K", tn_dtype_bit(TN_F32), 'T' },
                                    { "V", tn_dtype_bit(TN_F32), 'T' },
                                    { "bias", tn_dtype_bit(TN_F32), 'T', .optional = true },
                                    { "mask", tn_dtype_bit(TN_BOOL), 0, .optional = true },
                                    { "past_k", TN_FLOATS, 0, .optional = true, .rows = true },
                                    { "past_v", TN_FLOATS, 0, .optional = true, .rows = true },
                                    { 0 } };
static const tn_attr_spec fused_attrs[] = { { TN_INTS_OF(settings, order_q), .required = true },
                                            { TN_INTS_OF(settings, order_k), .required = true },
                                            { TN_INTS_OF(settings, order_v), .required = true },
                                            { TN_INTS_OF(settings, order_y), .required = true },
                                            { TN_FLOAT(settings, scale, 1) },
                                            { TN_FLOAT(settings, fill, 0) },
                                            { TN_FLAG(settings, fill_where, 1) },
                                            { 0 } };

const tn_op tn_ops_attention_fused[] = {
    { .name = "Attention",
      .domain = "tenon",
      .since = 1,
      .flags = TN_OP_INTERNAL,
      .in = fused_in,
      .out = tn_ports_float_t,
      TN_ATTRS(fused_attrs, settings),
      .infer = fused_infer,
      .cost = fused_cost,
      .prepare = fused_prepare,
      .fit = fused_prepare,
      .run = fused_run,
      .doc = "softmax(scale Q K^T + bias) V, scores that are `fill` where mask is fill_where; transposes as strides" },
    { 0 },
};
