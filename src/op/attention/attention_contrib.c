/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attention_contrib.c - MultiHeadAttention of com.microsoft: projections already done, in rows, planes or packed, with
 * masks that add a large negative number. com.microsoft's Attention becomes this one when a model is loaded
 * (attention_expand.c). */
#include "op/attention/attention.h"
#include "op/attention/grads.h"
#include <float.h>
#include <math.h>
#include <string.h>

enum { QUERY, KEY, VALUE, BIAS, MASK, SCORE_BIAS, PAST_K, PAST_V, PAST_LENGTH, BEAMS };
enum { Y, PRESENT_K, PRESENT_V, SCORES };

/* How queries, keys and values lie. */
typedef enum { APART, PACKED_QKV, PACKED_KV, PLANES } form;

typedef struct {
    int64_t num_heads;
    float mask_filter_value, scale; /* 0: 1 / sqrt(head size) */
    bool unidirectional;
} settings;

typedef struct {
    form form;
    tn_dim batch, rows, fresh, past, keys, heads, size_k, size_v;
    tn_dim room; /* rows of past and present in one buffer, `past` of them full; else -1 */
} sizes;

static tn_status need_equal(const tn_node *n, const char *what, tn_dim a, tn_dim b) {
    if (!tn_dim_known(a) || !tn_dim_known(b) || a == b) return TN_OK;
    return tn_op_fail(n, TN_E_SHAPE, "%s: %lld and %lld differ", what, (long long)a, (long long)b);
}

static tn_status per_head(const tn_node *n, tn_syms *syms, tn_dim hidden, int64_t heads, tn_dim *size) {
    if (tn_dim_known(hidden) && hidden % heads)
        return tn_op_fail(n, TN_E_SHAPE, "%lld heads do not divide %lld", (long long)heads, (long long)hidden);
    *size = tn_dim_known(hidden) ? hidden / heads : syms ? tn_dim_div(syms, hidden, heads) : TN_DIM_UNKNOWN;
    return TN_OK;
}

typedef struct {
    int rank; /* -1: unknown, 0: omitted */
    const tn_dim *dims;
} shape;

/* Rows of the past: all there are, or as many as past_sequence_length says; TN_DIM_UNKNOWN while that is not known. */
typedef struct {
    shape keys;
    bool shared;
    tn_dim full;
} earlier;

/* errors TN_E_SHAPE, TN_E_GRAPH. Unknown ranks must have been sorted out before. */
static tn_status read_sizes(const tn_node *n, const settings *at, tn_syms *syms, shape q, shape k, shape v,
                            earlier past, sizes *s) {
    int64_t heads = at->num_heads;
    *s = (sizes){ .heads = heads, .batch = q.dims[0], .rows = q.dims[1], .room = -1 };
    s->form = q.rank == 5 ? PACKED_QKV : k.rank == 5 ? PACKED_KV : k.rank == 4 ? PLANES : APART;
    int want_k = s->form == PACKED_QKV ? 0 : s->form == PACKED_KV ? 5 : s->form == PLANES ? 4 : 3;
    int want_v = s->form == PACKED_QKV || s->form == PACKED_KV ? 0 : want_k;
    if (k.rank != want_k || v.rank != want_v || (s->form != PACKED_QKV && q.rank != 3))
        return tn_op_fail(n, TN_E_SHAPE, "query, key and value of %d, %d and %d dimensions do not go together", q.rank,
                          k.rank, v.rank);
    if (s->form != PACKED_QKV) TN_TRY(need_equal(n, "batches of query and key", q.dims[0], k.dims[0]));
    switch (s->form) {
    case PACKED_QKV:
        TN_TRY(need_equal(n, "heads", q.dims[2], heads));
        TN_TRY(need_equal(n, "the packed dimension", q.dims[3], 3));
        s->fresh = s->rows, s->size_k = s->size_v = q.dims[4];
        break;
    case PACKED_KV:
        TN_TRY(need_equal(n, "heads", k.dims[2], heads));
        TN_TRY(need_equal(n, "the packed dimension", k.dims[3], 2));
        s->fresh = k.dims[1], s->size_k = s->size_v = k.dims[4];
        break;
    case PLANES:
        TN_TRY(need_equal(n, "heads", k.dims[1], heads));
        TN_TRY(need_equal(n, "heads", v.dims[1], heads));
        TN_TRY(need_equal(n, "rows of key and value", k.dims[2], v.dims[2]));
        TN_TRY(need_equal(n, "batches of key and value", k.dims[0], v.dims[0]));
        s->fresh = k.dims[2], s->size_k = k.dims[3], s->size_v = v.dims[3];
        break;
    case APART:
        TN_TRY(need_equal(n, "rows of key and value", k.dims[1], v.dims[1]));
        TN_TRY(need_equal(n, "batches of key and value", k.dims[0], v.dims[0]));
        s->fresh = k.dims[1];
        TN_TRY(per_head(n, syms, k.dims[2], heads, &s->size_k));
        TN_TRY(per_head(n, syms, v.dims[2], heads, &s->size_v));
    }
    if (s->form != PACKED_QKV) {
        tn_dim size = TN_DIM_UNKNOWN;
        TN_TRY(per_head(n, syms, q.dims[2], heads, &size));
        TN_TRY(need_equal(n, "head sizes of query and key", size, s->size_k));
    }
    s->past = past.keys.rank == 4 ? past.keys.dims[2] : 0;
    if (past.shared) {
        s->room = s->past, s->past = past.full;
        bool known = tn_dim_known(s->room) && tn_dim_known(s->past) && tn_dim_known(s->fresh);
        if (known && (s->past < 0 || s->past > s->room || s->fresh > s->room - s->past))
            return tn_op_fail(n, TN_E_INVALID, "past_sequence_length is %lld, of %lld rows, with %lld new ones",
                              (long long)s->past, (long long)s->room, (long long)s->fresh);
    }
    s->keys = tn_op_dim_plus(syms, s->past, s->fresh);
    return TN_OK;
}

/* Rows of a present. */
static tn_dim present_rows(const sizes *s) { return s->room == -1 ? s->keys : s->room; }

/* ------------------------------------------------------------------------------------------------------ inference */

static shape known_shape(const tn_infer *c, int i) {
    if (!tn_infer_has(c, i)) return (shape){ 0, NULL };
    return (shape){ tn_infer_rank(c, i), c->in[i]->dims };
}

static tn_status mha_infer(tn_infer *c) {
    tn_dtype t = tn_infer_dtype(c, QUERY);
    sizes s;
    for (int i = 0; i < c->n_out; i++) tn_infer_out(c, i, t, -1, NULL);
    if (tn_infer_has(c, PAST_K) != tn_infer_has(c, PAST_V))
        return tn_infer_fail(c, TN_E_GRAPH, "past_key and past_value go together");
    earlier past = { known_shape(c, PAST_K), tn_infer_has(c, PAST_LENGTH), TN_DIM_UNKNOWN };
    if (past.shared && !tn_infer_has(c, PAST_K))
        return tn_infer_fail(c, TN_E_GRAPH, "past_sequence_length needs past_key and past_value");
    if (tn_infer_has(c, BEAMS) && !past.shared)
        return tn_infer_fail(c, TN_E_GRAPH, "cache_indirection needs past_sequence_length");
    int64_t full;
    if (past.shared && tn_infer_int(c, PAST_LENGTH, &full)) past.full = full;
    if (past.full < 0 && past.full != TN_DIM_UNKNOWN)
        return tn_infer_fail(c, TN_E_INVALID, "past_sequence_length is %lld", (long long)full);
    for (int i = 0; i < PAST_LENGTH; i++)
        if (tn_infer_has(c, i) && i != MASK && i != BIAS && tn_infer_rank(c, i) < 0) return TN_OK;
    if (tn_infer_has(c, PAST_K) && (tn_infer_rank(c, PAST_K) != 4 || tn_infer_rank(c, PAST_V) != 4))
        return tn_infer_fail(c, TN_E_SHAPE, "the past has not 4 dimensions");
    if (tn_infer_rank(c, QUERY) < 3) return tn_infer_fail(c, TN_E_SHAPE, "query has not 3 or 5 dimensions");
    TN_TRY(read_sizes(c->node, c->attrs, c->syms, known_shape(c, QUERY), known_shape(c, KEY), known_shape(c, VALUE),
                      past, &s));
    for (int i = PAST_K; tn_infer_has(c, PAST_K) && i <= PAST_V; i++) {
        const tn_dim *d = c->in[i]->dims;
        TN_TRY(need_equal(c->node, "batches of query and past", s.batch, d[0]));
        TN_TRY(need_equal(c->node, "heads of the past", s.heads, d[1]));
        TN_TRY(need_equal(c->node, "rows of the past", past.keys.dims[2], d[2]));
        TN_TRY(need_equal(c->node, "head sizes of the past", i == PAST_K ? s.size_k : s.size_v, d[3]));
    }
    if (tn_infer_rank(c, BIAS) >= 0) {
        if (tn_infer_rank(c, BIAS) != 1) return tn_infer_fail(c, TN_E_SHAPE, "the bias has not 1 dimension");
        tn_dim k = tn_op_dim_times(NULL, s.heads, s.size_k), v = tn_op_dim_times(NULL, s.heads, s.size_v);
        tn_dim all = tn_op_dim_plus(NULL, tn_op_dim_plus(NULL, k, k), v);
        TN_TRY(need_equal(c->node, "sizes of the bias and the projections", c->in[BIAS]->dims[0], all));
    }
    tn_dim dims[4] = { s.batch, s.rows, tn_op_dim_times(c->syms, s.heads, s.size_v) };
    tn_infer_out(c, Y, t, 3, dims);
    tn_dim rows = present_rows(&s);
    if (c->n_out > PRESENT_K) tn_infer_out(c, PRESENT_K, t, 4, (tn_dim[]){ s.batch, s.heads, rows, s.size_k });
    if (c->n_out > PRESENT_V) tn_infer_out(c, PRESENT_V, t, 4, (tn_dim[]){ s.batch, s.heads, rows, s.size_v });
    if (c->n_out > SCORES) tn_infer_out(c, SCORES, t, 4, (tn_dim[]){ s.batch, s.heads, s.rows, s.keys });
    return TN_OK;
}

static shape exact_shape(const tn_run *r, int i) {
    const tn_tensor *t = tn_in(r, i);
    return t ? (shape){ t->rank, t->dims } : (shape){ 0, NULL };
}

/* --------------------------------------------------------------------------------------------------------- operands */

/* Part 0, 1 or 2 (queries, keys, values) as f32, with its bias: where it lies, or a copy in rows. */
static tn_status operand(tn_run *r, const sizes *s, int part, const float *bias, const float **data,
                         tn_attention_stride *st) {
    static const int where[4][3] = {
        { QUERY, KEY, VALUE }, { QUERY, QUERY, QUERY }, { QUERY, KEY, KEY }, { QUERY, KEY, VALUE }
    };
    int64_t rows = part ? s->fresh : s->rows, size = part == 2 ? s->size_v : s->size_k, h = s->heads;
    const void *p;
    TN_TRY(tn_op_read_as(r, tn_in(r, where[s->form][part]), TN_F32, &p));
    const float *x = p;
    *st = tn_op_rows(h, rows, size);
    if (s->form == PACKED_QKV) {
        x += part * size;
        *st = (tn_attention_stride){ rows * h * 3 * size, 3 * size, h * 3 * size };
    } else if (s->form == PACKED_KV && part) {
        x += (part - 1) * size;
        *st = (tn_attention_stride){ rows * h * 2 * size, 2 * size, h * 2 * size };
    } else if (s->form == PLANES && part) {
        *st = tn_op_planes(h, rows, size);
        bias = NULL; /* keys and values of an earlier call: theirs is in them */
    }
    *data = x;
    if (!bias) return TN_OK;
    float *copy = tn_run_scratch(r, (size_t)(s->batch * rows * h * size + 1) * sizeof *copy);
    if (!copy) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    bias += part * h * s->size_k;
    for (int64_t b = 0; b < s->batch; b++)
        for (int64_t i = 0; i < rows; i++)
            for (int64_t k = 0; k < h; k++) {
                const float *from = x + b * st->batch + i * st->row + k * st->head;
                float *to = copy + ((b * rows + i) * h + k) * size;
                for (int64_t e = 0; e < size; e++) to[e] = from[e] + bias[k * size + e];
            }
    *st = tn_op_rows(h, rows, size);
    *data = copy;
    return TN_OK;
}

/* Keys or values of the past that other beams of the sentence left, `all` being those of every beam. */
static tn_status follow_beams(tn_run *r, const sizes *s, int64_t size, const float **all) {
    const tn_tensor *t = tn_in(r, BEAMS);
    int64_t width = t->rank == 3 ? t->dims[1] : 0, plane = s->heads * s->room * size;
    if (t->rank != 3 || t->dims[2] != s->room || t->dims[0] * width != s->batch)
        return tn_op_fail(r->node, TN_E_SHAPE, "cache_indirection is not [batch, beams, %lld] for %lld rows of both",
                          (long long)s->room, (long long)s->batch);
    float *w = tn_run_scratch(r, (size_t)(s->batch * plane + 1) * sizeof *w);
    if (!w) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    memcpy(w, *all, (size_t)(s->batch * plane) * sizeof *w);
    for (int64_t b = 0; b < s->batch; b++)
        for (int64_t j = 0; j < s->past; j++) {
            int64_t beam = tn_get_i64(t->dtype, t->data, b * s->room + j);
            if (beam < 0 || beam >= width)
                return tn_op_fail(r->node, TN_E_INVALID, "cache_indirection names beam %lld of %lld", (long long)beam,
                                  (long long)width);
            for (int64_t h = 0; h < s->heads; h++) {
                int64_t at = (h * s->room + j) * size;
                memcpy(w + b * plane + at, *all + (b / width * width + beam) * plane + at, (size_t)size * sizeof *w);
            }
        }
    *all = w;
    return TN_OK;
}

/* The same where past and present are one buffer with room for more: new rows go behind those that are full. */
static tn_status in_buffer(tn_run *r, const sizes *s, tn_tensor *present, int64_t size, const float *old,
                           const float **data, tn_attention_stride *st) {
    int64_t n = s->batch * s->heads * s->room * size;
    float *all = present ? tn_op_room_as(r, present, TN_F32) : tn_run_scratch(r, (size_t)(n + 1) * sizeof *all);
    if (!all) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    memcpy(all, old, (size_t)n * sizeof *all);
    for (int64_t b = 0; b < s->batch; b++)
        for (int64_t h = 0; h < s->heads; h++)
            for (int64_t i = 0; i < s->fresh; i++)
                memcpy(all + ((b * s->heads + h) * s->room + s->past + i) * size,
                       *data + b * st->batch + h * st->head + i * st->row, (size_t)size * sizeof *all);
    *data = all, *st = tn_op_planes(s->heads, s->room, size);
    TN_TRY(tn_op_store_as(all, TN_F32, present));
    return tn_run_has(r, BEAMS) ? follow_beams(r, s, size, data) : TN_OK;
}

/* Keys or values with the past before them; output `present` gets them where it is wanted. */
static tn_status joined(tn_run *r, const sizes *s, int part, const float **data, tn_attention_stride *st) {
    int past = part == 1 ? PAST_K : PAST_V, present = part == 1 ? PRESENT_K : PRESENT_V;
    int64_t size = part == 2 ? s->size_v : s->size_k;
    const void *old;
    if (!tn_run_has(r, past) && !tn_out(r, present)) return TN_OK;
    TN_TRY(tn_op_read_as(r, tn_in(r, past), TN_F32, &old));
    if (s->room != -1) return in_buffer(r, s, tn_out(r, present), size, old, data, st);
    float *all = tn_out(r, present)
                     ? tn_op_room_as(r, tn_out(r, present), TN_F32)
                     : tn_run_scratch(r, (size_t)(s->batch * s->heads * s->keys * size + 1) * sizeof *all);
    if (!all) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    tn_op_append(TN_F32, s->batch, s->heads, size, old, s->past, *data, *st, s->fresh, all);
    *data = all, *st = tn_op_planes(s->heads, s->keys, size);
    return tn_op_store_as(all, TN_F32, tn_out(r, present));
}

/* ---------------------------------------------------------------------------------------------------------- masks */

/* The mask as numbers to add, [batch, rows or 1, keys]; NULL when there is none. */
static tn_status mask_bias(tn_run *r, const sizes *s, float **out, int64_t *rows) {
    const tn_tensor *m = tn_in(r, MASK);
    *out = NULL, *rows = 1;
    if (!m) return TN_OK;
    int64_t n = tn_count(m), ends = m->rank == 1 ? n : 0, row_step = 0, batch_step = 0, first = 0;
    float filter = ((const settings *)r->attrs)->mask_filter_value;
    bool good = m->rank == 1 ? n == s->batch || n == 2 * s->batch || n == 3 * s->batch + 2
                             : m->rank >= 2 && m->rank <= 4 && m->dims[0] == s->batch;
    if (m->rank == 2) good &= m->dims[1] == s->keys, batch_step = s->keys;
    if (m->rank == 3) {
        good &= m->dims[1] == s->rows && m->dims[2] == s->keys;
        *rows = s->rows, row_step = s->keys, batch_step = s->rows * s->keys;
    }
    if (m->rank == 4) { /* a square one for the longest sequence */
        good &= m->dims[1] == 1 && m->dims[2] >= s->past + s->rows && m->dims[3] >= s->keys;
        *rows = s->rows, row_step = m->dims[3], batch_step = m->dims[2] * m->dims[3], first = s->past * m->dims[3];
    }
    char text[96];
    if (!good)
        return tn_op_fail(r->node, TN_E_SHAPE, "a mask of shape %s does not fit %lld sentences, %lld rows, %lld keys",
                          tn_dims_text(m->rank, m->dims, text, sizeof text), (long long)s->batch, (long long)s->rows,
                          (long long)s->keys);
    float *w = *out = tn_run_scratch(r, (size_t)(s->batch * *rows * s->keys + 1) * sizeof *w);
    if (!w) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    for (int64_t b = 0; b < s->batch; b++)
        for (int64_t i = 0; i < *rows; i++)
            for (int64_t j = 0; j < s->keys; j++) {
                bool seen;
                if (ends) {
                    int64_t from = ends == 2 * s->batch ? tn_get_i64(m->dtype, m->data, s->batch + b) : 0;
                    seen = j >= from && j < tn_get_i64(m->dtype, m->data, b);
                } else {
                    seen = tn_get_i64(m->dtype, m->data, b * batch_step + first + i * row_step + j) > 0;
                }
                *w++ = seen ? 0 : filter;
            }
    return TN_OK;
}

/* The mask and the additive bias as one. */
static tn_status read_bias(tn_run *r, const sizes *s, tn_attention *a) {
    const tn_tensor *t = tn_in(r, SCORE_BIAS);
    int64_t dims[4] = { s->batch, s->heads, s->rows, s->keys }, rows;
    float *mask;
    const void *given;
    TN_TRY(mask_bias(r, s, &mask, &rows));
    TN_TRY(tn_op_read_as(r, t, TN_F32, &given));
    if (t) TN_TRY(tn_op_mask_strides(r, t, dims, false, &a->stride_bias));
    a->bias = given;
    if (!mask) return TN_OK;
    tn_attention_mask_stride m = { rows * s->keys, 0, rows > 1 ? s->keys : 0, 1 }, g = a->stride_bias;
    a->bias = mask, a->stride_bias = m;
    if (!given) return TN_OK;
    float *sum = tn_run_scratch(r, (size_t)(s->batch * s->heads * s->rows * s->keys + 1) * sizeof *sum);
    if (!sum) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    a->bias = sum;
    a->stride_bias = (tn_attention_mask_stride){ s->heads * s->rows * s->keys, s->rows * s->keys, s->keys, 1 };
    for (int64_t b = 0; b < s->batch; b++)
        for (int64_t h = 0; h < s->heads; h++)
            for (int64_t i = 0; i < s->rows; i++)
                for (int64_t j = 0; j < s->keys; j++)
                    *sum++ = mask[b * m.batch + i * m.row + j] +
                             ((const float *)given)[b * g.batch + h * g.head + i * g.row + j * g.key];
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ run */

static tn_status mha_run(tn_run *r) {
    const tn_node *n = r->node;
    const settings *at = r->attrs;
    sizes s;
    const tn_tensor *full = tn_in(r, PAST_LENGTH);
    if (full && tn_count(full) != 1) return tn_op_fail(n, TN_E_SHAPE, "past_sequence_length is not one number");
    earlier past = { exact_shape(r, PAST_K), full, full ? tn_get_i64(full->dtype, full->data, 0) : 0 };
    TN_TRY(read_sizes(n, at, NULL, exact_shape(r, QUERY), exact_shape(r, KEY), exact_shape(r, VALUE), past, &s));
    tn_attention a = { .type = TN_F32,
                       .batch = s.batch,
                       .heads = s.heads,
                       .kv_heads = s.heads,
                       .rows = s.rows,
                       .keys = s.keys,
                       .size_k = s.size_k,
                       .size_v = s.size_v,
                       .scale = at->scale != 0 ? (double)at->scale : 1 / sqrt((double)s.size_k),
                       .left = -1,
                       .right = at->unidirectional ? 0 : -1,
                       .qk_mode = TN_QK_BIASED };
    const void *bias;
    const float *q, *k, *v;
    TN_TRY(tn_op_read_as(r, tn_in(r, BIAS), TN_F32, &bias));
    TN_TRY(operand(r, &s, 0, bias, &q, &a.stride_q));
    TN_TRY(operand(r, &s, 1, bias, &k, &a.stride_k));
    TN_TRY(operand(r, &s, 2, bias, &v, &a.stride_v));
    if (tn_op_has_cache(r, PAST_K)) {
        TN_TRY(tn_op_cache_append(r, PAST_K, s.batch, s.heads, s.size_k, s.fresh, TN_F32, k, a.stride_k, &a.rows_k));
        TN_TRY(tn_op_cache_append(r, PAST_V, s.batch, s.heads, s.size_v, s.fresh, TN_F32, v, a.stride_v, &a.rows_v));
    } else {
        TN_TRY(joined(r, &s, 1, &k, &a.stride_k));
        TN_TRY(joined(r, &s, 2, &v, &a.stride_v));
    }
    TN_TRY(read_bias(r, &s, &a));
    int64_t *offset = tn_run_scratch(r, (size_t)(s.batch + 1) * sizeof *offset);
    a.q = q, a.k = k, a.v = v;
    a.y = tn_op_result_room(r, Y, TN_F32, s.batch * s.rows * s.heads * s.size_v);
    a.qk = tn_op_room_as(r, tn_out(r, SCORES), TN_F32);
    a.stride_y = tn_op_rows(s.heads, s.rows, s.size_v);
    if (!a.y || !offset || (tn_out(r, SCORES) && !a.qk)) return tn_op_fail(n, TN_E_NOMEM, "no memory");
    for (int64_t b = 0; b < s.batch; b++) offset[b] = s.past;
    a.offset = offset;
    TN_TRY(tn_op_attention_ragged(r, &a, s.keys));
    TN_TRY(tn_op_attention(r, &a));
    TN_TRY(tn_op_store_as(a.y, TN_F32, tn_out(r, Y)));
    float *scores = a.qk;
    for (int64_t i = 0; scores && i < s.batch * s.heads * s.rows * s.keys; i++)
        if (scores[i] == -INFINITY) scores[i] = -FLT_MAX; /* what lies ahead is hidden by this number */
    return tn_op_store_as(scores, TN_F32, tn_out(r, SCORES));
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port mha_in[] = { { "query", TN_FLOATS, 'T' },
                                  { "key", TN_FLOATS, 'T', .optional = true },
                                  { "value", TN_FLOATS, 'T', .optional = true },
                                  { "bias", TN_FLOATS, 'T', .optional = true },
                                  { "key_padding_mask", TN_INDEX, 0, .optional = true },
                                  { "attention_bias", TN_FLOATS, 'T', .optional = true },
                                  { "past_key", TN_FLOATS, 'T', .optional = true, .rows = true },
                                  { "past_value", TN_FLOATS, 'T', .optional = true, .rows = true },
                                  { "past_sequence_length", TN_INDEX, 0, .optional = true },
                                  { "cache_indirection", TN_INDEX, 0, .optional = true },
                                  { 0 } };
static const tn_port mha_out[] = { { "output", TN_FLOATS, 'T' },
                                   { "present_key", TN_FLOATS, 'T', .optional = true },
                                   { "present_value", TN_FLOATS, 'T', .optional = true },
                                   { "qk", TN_FLOATS, 'T', .optional = true },
                                   { 0 } };
static const tn_attr_spec mha_attrs[] = { { TN_FLOAT(settings, mask_filter_value, -10000) },
                                          { TN_INT(settings, num_heads, 1), .required = true, .min = 1,
                                            .max = INT32_MAX },
                                          { TN_FLOAT(settings, scale, 0) },
                                          { TN_FLAG(settings, unidirectional, false) },
                                          { 0 } };

/* Scores and their products with the values: every row with every key. */
static tn_status mha_cost(const tn_infer *c, tn_cost *out) {
    const tn_type *q = c->in[0], *k = tn_infer_has(c, 1) ? c->in[1] : q;
    if (q->rank < 3 || k->rank < 3) return TN_OK;
    double keys = (double)k->dims[k->rank == 4 ? 2 : 1];
    double width = q->rank == 3 ? (double)q->dims[2] : (double)q->dims[2] * (double)q->dims[q->rank - 1];
    if (tn_infer_rank(c, 6) == 4) keys += (double)c->in[6]->dims[2]; /* past_key */
    out->flops = 4 * (double)q->dims[0] * (double)q->dims[1] * keys * width;
    return TN_OK;
}

const tn_op tn_ops_attention_contrib[] = {
    { .name = "MultiHeadAttention",
      .domain = "com.microsoft",
      .since = 1,
      .in = mha_in,
      .out = mha_out,
      TN_ATTRS(mha_attrs, settings),
      .infer = mha_infer,
      .cost = mha_cost,
      .run = mha_run,
      .grad = tn_grad_multi_head,
      .doc = "attention after the projections: bias, masks, a cache of earlier keys and values" },
    { 0 },
};
