/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attention.c - Attention of ai.onnx: heads in rows or planes, caches inside or outside, masks, the scores as an
 * output. The arithmetic is kernel/attention.h. */
#include "op/attention/attention.h"
#include "op/attention/grads.h"
#include <math.h>
#include <string.h>

enum { Q, K, V, MASK, PAST_K, PAST_V, LENGTHS };
enum { Y, PRESENT_K, PRESENT_V, SCORES };

typedef struct {
    bool is_causal;
    int64_t q_num_heads, kv_num_heads, left_window_size, right_window_size, qk_matmul_output_mode;
    tn_maybe_float scale;
    float softcap;
    tn_dtype softmax_precision;
} settings;

/* The sizes of one node, from exact or symbolic shapes. */
typedef struct {
    tn_dim batch, heads, kv_heads, rows, fresh, past, keys, size_k, size_v;
    bool planes; /* [batch, heads, rows, size], else [batch, rows, heads * size] */
} sizes;

static tn_dim divided(tn_syms *syms, tn_dim hidden, int64_t heads) {
    if (tn_dim_known(hidden)) return hidden / heads;
    return syms ? tn_dim_div(syms, hidden, heads) : TN_DIM_UNKNOWN;
}

static tn_status same_dim(const tn_node *n, const char *what, tn_dim a, tn_dim b) {
    if (!tn_dim_known(a) || !tn_dim_known(b) || a == b) return TN_OK;
    return tn_op_fail(n, TN_E_SHAPE, "%s: %lld and %lld differ", what, (long long)a, (long long)b);
}

/* q, k and v are [batch, rows, heads * size] or [batch, heads, rows, size], all known in rank. */
static tn_status read_sizes(const tn_node *n, const settings *at, tn_syms *syms, const tn_dim *q, const tn_dim *k,
                            const tn_dim *v, int rank, const tn_dim *past, sizes *s) {
    *s = (sizes){ .batch = q[0], .planes = rank == 4 };
    if (s->planes) {
        s->heads = q[1], s->rows = q[2], s->size_k = q[3];
        s->kv_heads = k[1], s->fresh = k[2], s->size_v = v[3];
        TN_TRY(same_dim(n, "heads of K and V", k[1], v[1]));
        TN_TRY(same_dim(n, "head sizes of Q and K", q[3], k[3]));
        TN_TRY(same_dim(n, "rows of K and V", k[2], v[2]));
    } else {
        s->heads = at->q_num_heads, s->kv_heads = at->kv_num_heads;
        if (s->heads < 1 || s->kv_heads < 1)
            return tn_op_fail(n, TN_E_INVALID, "inputs of 3 dimensions need q_num_heads and kv_num_heads");
        for (int i = 0; i < 3; i++) {
            tn_dim hidden = i == 0 ? q[2] : i == 1 ? k[2] : v[2], by = i == 0 ? s->heads : s->kv_heads;
            if (tn_dim_known(hidden) && hidden % by)
                return tn_op_fail(n, TN_E_SHAPE, "%lld heads do not divide %lld", (long long)by, (long long)hidden);
        }
        s->rows = q[1], s->fresh = k[1];
        s->size_k = divided(syms, q[2], s->heads), s->size_v = divided(syms, v[2], s->kv_heads);
        TN_TRY(same_dim(n, "head sizes of Q and K", s->size_k, divided(syms, k[2], s->kv_heads)));
        TN_TRY(same_dim(n, "rows of K and V", k[1], v[1]));
    }
    TN_TRY(same_dim(n, "batches of Q and K", q[0], k[0]));
    TN_TRY(same_dim(n, "batches of Q and V", q[0], v[0]));
    if (tn_dim_known(s->heads) && tn_dim_known(s->kv_heads) && (s->kv_heads < 1 || s->heads % s->kv_heads))
        return tn_op_fail(n, TN_E_SHAPE, "%lld heads of K do not divide %lld heads of Q", (long long)s->kv_heads,
                          (long long)s->heads);
    s->past = past ? past[2] : 0;
    s->keys = tn_op_dim_plus(syms, s->past, s->fresh);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------ inference */

static tn_status attention_infer(tn_infer *c) {
    const settings *at = c->attrs;
    int rank = tn_infer_rank(c, Q);
    bool past = tn_infer_has(c, PAST_K);
    tn_dtype t = tn_infer_dtype(c, Q), tv = tn_infer_dtype(c, V);
    if (past != tn_infer_has(c, PAST_V)) return tn_infer_fail(c, TN_E_GRAPH, "past_key and past_value go together");
    if (past && tn_infer_has(c, LENGTHS))
        return tn_infer_fail(c, TN_E_GRAPH, "a past inside and lengths of a cache outside exclude each other");
    for (int i = 0; i < c->n_out; i++) tn_infer_out(c, i, i == PRESENT_V ? tv : t, -1, NULL);
    if (at->softcap < 0) return tn_infer_fail(c, TN_E_INVALID, "softcap is negative");
    for (int i = Q; i <= V; i++) {
        int have = tn_infer_rank(c, i);
        if (have < 0) return TN_OK;
        if (have != rank || (rank != 3 && rank != 4))
            return tn_infer_fail(c, TN_E_SHAPE, "Q, K and V must all have 3 or all 4 dimensions; input %d has %d", i,
                                 have);
    }
    for (int i = PAST_K; past && i <= PAST_V; i++)
        if (tn_infer_rank(c, i) != 4)
            return tn_infer_rank(c, i) < 0 ? TN_OK : tn_infer_fail(c, TN_E_SHAPE, "the past has not 4 dimensions");
    if (tn_infer_rank(c, LENGTHS) >= 0 && tn_infer_rank(c, LENGTHS) != 1)
        return tn_infer_fail(c, TN_E_SHAPE, "nonpad_kv_seqlen has not 1 dimension");
    sizes s;
    TN_TRY(read_sizes(c->node, at, c->syms, c->in[Q]->dims, c->in[K]->dims, c->in[V]->dims, rank,
                      past ? c->in[PAST_K]->dims : NULL, &s));
    if (past) {
        const tn_dim *pk = c->in[PAST_K]->dims, *pv = c->in[PAST_V]->dims;
        TN_TRY(same_dim(c->node, "rows of past_key and past_value", pk[2], pv[2]));
        TN_TRY(same_dim(c->node, "batches of K and past_key", s.batch, pk[0]));
        TN_TRY(same_dim(c->node, "batches of V and past_value", s.batch, pv[0]));
        TN_TRY(same_dim(c->node, "heads of K and past_key", s.kv_heads, pk[1]));
        TN_TRY(same_dim(c->node, "heads of V and past_value", s.kv_heads, pv[1]));
        TN_TRY(same_dim(c->node, "head sizes of K and past_key", s.size_k, pk[3]));
        TN_TRY(same_dim(c->node, "head sizes of V and past_value", s.size_v, pv[3]));
    }
    tn_dim hidden = tn_op_dim_times(c->syms, s.heads, s.size_v);
    tn_infer_out(c, Y, t, rank,
                 s.planes ? (tn_dim[]){ s.batch, s.heads, s.rows, s.size_v } : (tn_dim[]){ s.batch, s.rows, hidden });
    if (c->n_out > PRESENT_K) tn_infer_out(c, PRESENT_K, t, 4, (tn_dim[]){ s.batch, s.kv_heads, s.keys, s.size_k });
    if (c->n_out > PRESENT_V) tn_infer_out(c, PRESENT_V, tv, 4, (tn_dim[]){ s.batch, s.kv_heads, s.keys, s.size_v });
    if (c->n_out > SCORES) tn_infer_out(c, SCORES, t, 4, (tn_dim[]){ s.batch, s.heads, s.rows, s.keys });
    return TN_OK;
}

static tn_status attention_cost(const tn_infer *c, tn_cost *out) {
    sizes s;
    TN_TRY(read_sizes(c->node, c->attrs, c->syms, c->in[Q]->dims, c->in[K]->dims, c->in[V]->dims, c->in[Q]->rank,
                      tn_infer_has(c, PAST_K) ? c->in[PAST_K]->dims : NULL, &s));
    out->flops =
        2.0 * (double)s.batch * (double)s.heads * (double)s.rows * (double)s.keys * (double)(s.size_k + s.size_v);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ run */

/* Fresh rows of input i go behind those of a cache, where attention reads them. */
static tn_status appended(tn_run *r, const sizes *s, int i, int past, int64_t size, const tn_rows **rows) {
    const tn_tensor *x = tn_in(r, i);
    tn_attention_stride stride =
        s->planes ? tn_op_planes(s->kv_heads, s->fresh, size) : tn_op_rows(s->kv_heads, s->fresh, size);
    return tn_op_cache_append(r, past, s->batch, s->kv_heads, size, s->fresh, x->dtype, x->data, stride, rows);
}

/* Past and fresh rows of input i as one [batch, kv_heads, keys, size], in output `present` where that is wanted. */
static tn_status joined(tn_run *r, const sizes *s, int i, int past, int present, int64_t size, tn_dtype type,
                        const void **data, tn_attention_stride *stride) {
    const tn_tensor *x = tn_in(r, i);
    tn_tensor *out = tn_out(r, present);
    *stride = s->planes ? tn_op_planes(s->kv_heads, s->fresh, size) : tn_op_rows(s->kv_heads, s->fresh, size);
    if (!tn_run_has(r, past) && !out) return tn_op_read_as(r, x, type, data);
    size_t bytes;
    void *whole = out ? out->data : NULL;
    if (!whole && tn_dtype_bytes(x->dtype, s->batch * s->kv_heads * s->keys * size, &bytes))
        whole = tn_run_scratch(r, bytes + 1);
    if (!whole) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    tn_op_append(x->dtype, s->batch, s->kv_heads, size, tn_run_has(r, past) ? tn_in(r, past)->data : NULL, s->past,
                 x->data, *stride, s->fresh, whole);
    *stride = tn_op_planes(s->kv_heads, s->keys, size);
    tn_tensor all = { .dtype = x->dtype, .rank = 4, .dims = { s->batch, s->kv_heads, s->keys, size }, .data = whole };
    return tn_op_read_as(r, &all, type, data);
}

/* The mask, and where it ends when it is shorter than the keys (then nothing beyond is seen). */
static tn_status read_mask(tn_run *r, const sizes *s, tn_attention *a, int64_t *end) {
    const tn_tensor *m = tn_in(r, MASK);
    int64_t dims[4] = { s->batch, s->heads, s->rows, s->keys };
    *end = s->keys;
    if (!m) return TN_OK;
    if (m->rank == 0) return tn_op_fail(r->node, TN_E_SHAPE, "the mask is a scalar");
    TN_TRY(tn_op_mask_strides(r, m, dims, true, m->dtype == TN_BOOL ? &a->stride_allow : &a->stride_bias));
    *end = m->dims[m->rank - 1];
    if (m->dtype != TN_BOOL) return tn_op_read_as(r, m, a->type, &a->bias);
    a->allow = m->data;
    return TN_OK;
}

/* Lengths and offsets per batch. */
static tn_status read_lengths(tn_run *r, const sizes *s, int64_t mask_end, tn_attention *a) {
    const tn_tensor *given = tn_in(r, LENGTHS);
    if (given && tn_count(given) != s->batch)
        return tn_op_fail(r->node, TN_E_SHAPE, "nonpad_kv_seqlen has %lld entries for a batch of %lld",
                          (long long)tn_count(given), (long long)s->batch);
    int64_t *length = tn_run_scratch(r, (size_t)(2 * s->batch + 1) * sizeof *length), *offset = length + s->batch;
    if (!length) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    for (int64_t b = 0; b < s->batch; b++) {
        int64_t n = given ? tn_get_i64(given->dtype, given->data, b) : s->keys;
        n = n < 0 ? 0 : n > s->keys ? s->keys : n;
        length[b] = n < mask_end ? n : mask_end;
        offset[b] = given ? n - s->rows : s->past;
    }
    a->length = length, a->offset = offset;
    return TN_OK;
}

/* How far a row sees to one side of where it stands; -1: any distance. */
static int64_t window(int64_t size) { return size < INT32_MAX ? size : INT32_MAX; }

static tn_status attention_run(tn_run *r) {
    const tn_tensor *q = tn_in(r, Q), *k = tn_in(r, K), *v = tn_in(r, V);
    const tn_node *n = r->node;
    const settings *at = r->attrs;
    sizes s;
    TN_TRY(read_sizes(n, at, NULL, q->dims, k->dims, v->dims, q->rank,
                      tn_run_has(r, PAST_K) ? tn_in(r, PAST_K)->dims : NULL, &s));
    bool wide = q->dtype == TN_F64 || v->dtype == TN_F64 || at->softmax_precision == TN_F64;
    tn_attention a = { .type = wide ? TN_F64 : TN_F32,
                       .batch = s.batch,
                       .heads = s.heads,
                       .kv_heads = s.kv_heads,
                       .rows = s.rows,
                       .keys = s.keys,
                       .size_k = s.size_k,
                       .size_v = s.size_v,
                       .left = window(at->left_window_size),
                       .right = at->is_causal ? 0 : window(at->right_window_size),
                       .softcap = (double)at->softcap,
                       .qk_mode = (tn_qk_mode)at->qk_matmul_output_mode };
    a.scale = at->scale.given ? (double)at->scale.v : 1 / sqrt((double)s.size_k);
    a.stride_q = s.planes ? tn_op_planes(s.heads, s.rows, s.size_k) : tn_op_rows(s.heads, s.rows, s.size_k);
    a.stride_y = s.planes ? tn_op_planes(s.heads, s.rows, s.size_v) : tn_op_rows(s.heads, s.rows, s.size_v);
    TN_TRY(tn_op_read_as(r, q, a.type, &a.q));
    if (tn_op_has_cache(r, PAST_K)) {
        TN_TRY(appended(r, &s, K, PAST_K, s.size_k, &a.rows_k));
        TN_TRY(appended(r, &s, V, PAST_V, s.size_v, &a.rows_v));
    } else {
        TN_TRY(joined(r, &s, K, PAST_K, PRESENT_K, s.size_k, a.type, &a.k, &a.stride_k));
        TN_TRY(joined(r, &s, V, PAST_V, PRESENT_V, s.size_v, a.type, &a.v, &a.stride_v));
    }
    int64_t mask_end;
    TN_TRY(read_mask(r, &s, &a, &mask_end));
    TN_TRY(read_lengths(r, &s, mask_end, &a));
    a.qk = tn_op_room_as(r, tn_out(r, SCORES), a.type);
    TN_TRY(tn_op_attention_ragged(r, &a, mask_end));
    a.y = tn_op_result_room(r, Y, a.type, s.batch * s.rows * s.heads * s.size_v);
    if (!a.y || (tn_out(r, SCORES) && !a.qk)) return tn_op_fail(n, TN_E_NOMEM, "no memory");
    TN_TRY(tn_op_attention(r, &a));
    TN_TRY(tn_op_store_as(a.y, a.type, tn_out(r, Y)));
    return tn_op_store_as(a.qk, a.type, tn_out(r, SCORES));
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define MASK_TYPES (TN_REAL | TN_BOOLS)
static const tn_port attention_in[] = { { "Q", TN_FLOATS, 'T' },
                                        { "K", TN_FLOATS, 'T' },
                                        { "V", TN_FLOATS, 'U' },
                                        { "attn_mask", MASK_TYPES, 0, .optional = true },
                                        { "past_key", TN_FLOATS, 'T', .optional = true, .rows = true },
                                        { "past_value", TN_FLOATS, 'U', .optional = true, .rows = true },
                                        { "nonpad_kv_seqlen", tn_dtype_bit(TN_I64), 0, .optional = true },
                                        { 0 } };
static const tn_port attention_out[] = { { "Y", TN_FLOATS, 'T' },
                                         { "present_key", TN_FLOATS, 'T', .optional = true },
                                         { "present_value", TN_FLOATS, 'U', .optional = true },
                                         { "qk_matmul_output", TN_FLOATS, 'T', .optional = true },
                                         { 0 } };
static const tn_attr_spec attention_attrs[] = { { TN_FLAG(settings, is_causal, false) },
                                                { TN_INT(settings, kv_num_heads, 0), .min = 1, .max = INT32_MAX },
                                                { TN_INT(settings, left_window_size, -1), .min = -1, .max = INT64_MAX },
                                                { TN_INT(settings, q_num_heads, 0), .min = 1, .max = INT32_MAX },
                                                { TN_INT(settings, qk_matmul_output_mode, 0), .min = 0, .max = 3 },
                                                { TN_INT(settings, right_window_size, -1), .min = -1,
                                                  .max = INT64_MAX },
                                                { TN_MAYBE_FLOAT(settings, scale) },
                                                { TN_FLOAT(settings, softcap, 0) },
                                                { TN_DTYPE(settings, softmax_precision, TN_NONE) },
                                                { 0 } };

const tn_op tn_ops_attention[] = {
    { .name = "Attention",
      .since = 25,
      .in = attention_in,
      .out = attention_out,
      TN_ATTRS(attention_attrs, settings),
      .infer = attention_infer,
      .cost = attention_cost,
      .run = attention_run,
      .grad = tn_grad_attention,
      .doc = "softmax(scale Q K^T + mask) V per head, with a cache of earlier keys and values" },
    { 0 },
};
