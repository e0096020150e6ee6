/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attention_group.c - GroupQueryAttention of com.microsoft: the attention of exported language models. Query heads
 * share heads of keys; new keys are normalised, rotated to their positions and written behind the earlier ones of a
 * cache.
 *
 * A cache may be as large as a window only (sliding_window_cache): it keeps the last rows, of which there are, after
 * T tokens, T while they fit into its C rows; then C - W + 1 of them make room whenever it is full, W being the window.
 * Attention then sees a stage: what the cache holds and the new rows behind it. */
#include "op/attention/attention_group.h"
#include "op/attention/grads.h"
#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------------ inference */

/* The forms of a cache that are not plain numbers of all tokens. */
static tn_status check_cache(tn_infer *c, int *per) {
    const tn_gqa *at = c->attrs;
    if (tn_infer_has(c, NORM_Q) != tn_infer_has(c, NORM_K))
        return tn_infer_fail(c, TN_E_GRAPH, "q_norm_weight and k_norm_weight go together");
    if (at->sliding_window_cache && (at->local_window_size <= 0 || !tn_infer_has(c, PAST_K)))
        return tn_infer_fail(c, TN_E_INVALID, "sliding_window_cache needs local_window_size and a past");
    return tn_kv_check(c, &at->kv, PAST_K, per);
}

static tn_status gqa_infer(tn_infer *c) {
    const tn_gqa *at = c->attrs;
    tn_dtype t = tn_infer_dtype(c, QUERY), tc = tn_kv_type(&at->kv, tn_infer_dtype(c, PAST_K), t);
    int64_t heads = at->num_heads, kv = at->kv_num_heads, total;
    bool packed = !tn_infer_has(c, KEY);
    for (int i = 0; i < c->n_out; i++) tn_infer_out(c, i, i == PRESENT_K || i == PRESENT_V ? tc : t, -1, NULL);
    if (heads % kv)
        return tn_infer_fail(c, TN_E_INVALID, "%lld heads do not divide %lld", (long long)kv, (long long)heads);
    if (packed == tn_infer_has(c, VALUE) || tn_infer_has(c, PAST_K) != tn_infer_has(c, PAST_V))
        return tn_infer_fail(c, TN_E_GRAPH, "key and value go together, and so do past_key and past_value");
    if (at->do_rotary && (!tn_infer_has(c, COS) || !tn_infer_has(c, SIN)))
        return tn_infer_fail(c, TN_E_GRAPH, "do_rotary needs cos_cache and sin_cache");
    bool window = at->sliding_window_cache;
    int per = 1; /* elements of a head to one of the cache */
    TN_TRY(check_cache(c, &per));
    for (int i = QUERY; i <= PAST_V; i++) {
        if (!tn_infer_has(c, i)) continue;
        if (tn_infer_rank(c, i) < 0) return TN_OK;
        if (tn_infer_rank(c, i) != (i < PAST_K ? 3 : 4))
            return tn_infer_fail(c, TN_E_SHAPE, "input %d has %d dimensions", i, tn_infer_rank(c, i));
    }
    const tn_dim *q = c->in[QUERY]->dims;
    tn_dim size = TN_DIM_UNKNOWN, rows = TN_DIM_UNKNOWN, room = 0;
    int64_t parts = packed ? heads + 2 * kv : heads;
    if (tn_dim_known(q[2])) {
        if (q[2] % parts)
            return tn_infer_fail(c, TN_E_SHAPE, "%lld heads do not divide %lld", (long long)parts, (long long)q[2]);
        size = q[2] / parts;
    }
    for (int i = KEY; !packed && i <= VALUE; i++)
        for (int d = 0; d < 3; d++) {
            tn_dim have = c->in[i]->dims[d], want = d < 2 ? q[d] : tn_op_dim_times(NULL, size, kv);
            if (tn_dim_known(have) && tn_dim_known(want) && have != want)
                return tn_infer_fail(c, TN_E_SHAPE, "key and value do not have the query's batch, rows and head size");
        }
    tn_dim cached = tn_dim_known(size) ? size / per : size;
    if (tn_dim_known(size) && size % per)
        return tn_infer_fail(c, TN_E_SHAPE, "heads of %lld elements are no pairs", (long long)size);
    for (int i = PAST_K; tn_infer_has(c, PAST_K) && i <= PAST_V; i++) {
        const tn_dim *d = c->in[i]->dims, want[] = { q[0], kv, c->in[PAST_K]->dims[2], cached };
        for (int k = 0; k < 4; k++)
            if (tn_dim_known(d[k]) && tn_dim_known(want[k]) && d[k] != want[k])
                return tn_infer_fail(c, TN_E_SHAPE, "the past does not have the query's batch, heads and head size");
        room = d[2];
    }
    if (window)
        rows = room;
    else if (tn_infer_int(c, TOTAL, &total) && tn_dim_known(room))
        rows = total > room ? total : room;
    tn_dim hidden = tn_op_dim_times(NULL, size, heads);
    tn_infer_out(c, Y, t, 3, (tn_dim[]){ q[0], q[1], packed ? hidden : q[2] });
    for (int i = PRESENT_K; i <= PRESENT_V && i < c->n_out; i++)
        tn_infer_out(c, i, tc, 4, (tn_dim[]){ q[0], kv, rows, cached });
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------------------- lengths */

/* What seqlens_k[b] must be where the cache knows how long its sentences are. */
static tn_status check_length(const tn_run *r, const tn_rows *c, const tn_gqa_sizes *s, int64_t b) {
    const tn_tensor *given = tn_in(r, LENGTHS);
    int64_t last = tn_get_i64(given->dtype, given->data, b), end = c->lengths[b] + c->fresh[b];
    if (last != end - 1)
        return tn_op_fail(r->node, TN_E_INVALID,
                          "seqlens_k[%lld] is %lld; the state of that sentence has %lld rows and gets %lld new ones, "
                          "which makes %lld",
                          (long long)b, (long long)last, (long long)c->lengths[b], (long long)c->fresh[b],
                          (long long)end - 1);
    if (end > s->total)
        return tn_op_fail(r->node, TN_E_INVALID, "total_sequence_length is %lld; sentence %lld has %lld rows",
                          (long long)s->total, (long long)b, (long long)end);
    return TN_OK;
}

/* The lengths of sentences whose caches have rows of their own number. */
static tn_status ragged_sizes(tn_run *r, tn_gqa_sizes *s) {
    tn_rows *c;
    if (tn_run_wants(r, SCORES))
        return tn_op_fail(r->node, TN_E_UNSUPPORTED,
                          "its scores are an output, which several states in one run do not have");
    s->kept = s->keys = s->room + s->rows;
    TN_TRY(tn_op_cache_room(r, PAST_K, s->batch, s->kv_heads, s->size, s->room, s->kept, &c));
    s->prompt = s->room == 0;
    for (int64_t b = 0; b < s->batch; b++) {
        TN_TRY(check_length(r, c, s, b));
        s->past[b] = s->before[b] = c->lengths[b];
        s->length[b] = s->end[b] = c->lengths[b] + c->fresh[b];
    }
    return TN_OK;
}

static tn_status read_sizes(tn_run *r, tn_gqa_sizes *s) {
    const tn_node *n = r->node;
    const tn_gqa *at = r->attrs;
    const tn_tensor *q = tn_in(r, QUERY), *total = tn_in(r, TOTAL), *len = tn_in(r, LENGTHS);
    *s = (tn_gqa_sizes){ .batch = q->dims[0], .rows = q->dims[1], .packed = !tn_run_has(r, KEY) };
    s->heads = at->num_heads, s->kv_heads = at->kv_num_heads;
    s->size = q->dims[2] / (s->packed ? s->heads + 2 * s->kv_heads : s->heads);
    s->room = tn_run_has(r, PAST_K) ? tn_in(r, PAST_K)->dims[2] : 0;
    if (tn_count(total) != 1 || tn_count(len) != s->batch)
        return tn_op_fail(n, TN_E_SHAPE, "one total_sequence_length and %lld of seqlens_k are needed",
                          (long long)s->batch);
    s->total = tn_get_i64(total->dtype, total->data, 0);
    int64_t window = at->local_window_size;
    s->window = at->sliding_window_cache;
    if (s->window && s->room < window)
        return tn_op_fail(n, TN_E_INVALID, "a window of %lld does not fit a cache of %lld rows", (long long)window,
                          (long long)s->room);
    if (s->total < s->rows || (!s->window && s->total > s->room + s->rows))
        return tn_op_fail(n, TN_E_INVALID, "total_sequence_length is %lld; there are %lld new rows and %lld old ones",
                          (long long)s->total, (long long)s->rows, (long long)s->room);
    s->kept = s->window || s->total < s->room ? s->room : s->total;
    s->keys = s->window ? s->room + s->rows : s->kept;
    int64_t *room = tn_run_scratch(r, (size_t)(4 * s->batch + 1) * sizeof *room);
    if (!room) return tn_op_fail(n, TN_E_NOMEM, "no memory");
    s->past = room, s->length = room + s->batch, s->before = room + 2 * s->batch, s->end = room + 3 * s->batch;
    if (tn_op_has_cache(r, PAST_K) && tn_in(r, PAST_K)->rows->lengths) return ragged_sizes(r, s);
    s->prompt = s->rows == s->total; /* sentences start together; shorter ones are padded behind */
    for (int64_t b = 0; b < s->batch; b++) {
        int64_t last = tn_get_i64(len->dtype, len->data, b);
        bool good = last >= 0 && last < s->total;
        s->length[b] = good ? last + 1 : 0;
        s->past[b] = s->prompt ? 0 : s->length[b] - s->rows;
        s->before[b] = s->window ? tn_kv_resident(s->past[b], s->room, window) : s->past[b];
        s->end[b] = s->before[b] + s->length[b] - s->past[b];
        if (!good || s->past[b] < 0 || s->before[b] > s->room)
            return tn_op_fail(n, TN_E_INVALID,
                              "seqlens_k[%lld] is %lld; at most %lld rows, %lld of them new, are there", (long long)b,
                              (long long)last, (long long)s->total, (long long)s->rows);
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ run */

/* What attention is given: old rows, new ones, zeros. Turned by g, unless g is NULL. */
static tn_status extend(tn_run *r, const tn_gqa_sizes *s, const tn_gqa_angles *g, const float *fresh,
                        tn_attention_stride st, const float *old, float *stage) {
    static const tn_gqa_angles still = { 0 };
    size_t row = (size_t)s->size * sizeof(float);
    for (int64_t b = 0; b < s->batch; b++)
        for (int64_t h = 0; h < s->kv_heads; h++) {
            float *to = stage + (b * s->kv_heads + h) * s->keys * s->size;
            if (old) memcpy(to, old + (b * s->kv_heads + h) * s->room * s->size, (size_t)s->before[b] * row);
            for (int64_t i = 0; i < s->rows; i++) {
                int64_t at = 0;
                if (g) TN_TRY(tn_gqa_position(r, s, g, b, i, &at));
                tn_gqa_place(s, g ? g : &still, at, fresh + b * st.batch + h * st.head + i * st.row,
                             to + (s->before[b] + i) * s->size);
            }
            int64_t end = s->before[b] + s->rows;
            memset(to + end * s->size, 0, (size_t)(s->keys - end) * row);
        }
    return TN_OK;
}

/* New rows go behind the old ones of a cache that is given as such, where attention reads them. */
static tn_status append(tn_run *r, const tn_gqa_sizes *s, const tn_gqa_angles *g, const float *fresh,
                        tn_attention_stride st, int past, const tn_rows **out) {
    tn_gqa_sizes alone = *s; /* the new rows without the old ones */
    tn_rows *cache;
    size_t bytes = (size_t)(s->batch * s->kv_heads * s->rows * s->size) * sizeof(float);
    float *stage = tn_run_scratch(r, bytes + 1);
    alone.keys = s->rows, alone.before = tn_run_scratch(r, (size_t)(s->batch + 1) * sizeof *alone.before);
    if (!stage || !alone.before) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    memset(alone.before, 0, (size_t)s->batch * sizeof *alone.before);
    TN_TRY(extend(r, &alone, g, fresh, st, NULL, stage));
    int64_t first = s->room;
    for (int64_t b = 0; b < s->batch; b++)
        if (s->before[b] < first) first = s->before[b];
    TN_TRY(tn_op_cache_room(r, past, s->batch, s->kv_heads, s->size, first, s->kept, &cache));
    tn_op_cache_put(r, cache, s->before, s->rows, TN_F32, stage, tn_op_planes(s->kv_heads, s->rows, s->size));
    *out = cache;
    return TN_OK;
}

/* The rows of the stage that a cache of windows keeps, then zeros. */
static void keep_window(const tn_run *r, const tn_gqa_sizes *s, const float *stage, float *present) {
    int64_t window = ((const tn_gqa *)r->attrs)->local_window_size;
    size_t row = (size_t)s->size * sizeof(float);
    for (int64_t b = 0; b < s->batch; b++) {
        int64_t rows = tn_kv_resident(s->length[b], s->room, window);
        for (int64_t h = 0; h < s->kv_heads; h++) {
            int64_t plane = b * s->kv_heads + h;
            float *to = present + plane * s->room * s->size;
            memcpy(to, stage + (plane * s->keys + s->end[b] - rows) * s->size, (size_t)rows * row);
            memset(to + rows * s->size, 0, (size_t)(s->room - rows) * row);
        }
    }
}

/* Memory for what attention is given of keys or values: the output's, or scratch where nobody wants it, its type
 * differs or it keeps a part only. */
static tn_status stage_room(tn_run *r, const tn_gqa_sizes *s, const tn_kv_code *code, int i, tn_dtype type,
                            float **out) {
    int64_t dims[] = { s->batch, s->kv_heads, s->kept, code->bits == 4 ? s->size / 2 : s->size };
    if (tn_run_wants(r, i)) TN_TRY(tn_run_alloc(r, i, type, 4, dims));
    dims[2] = s->keys, dims[3] = s->size;
    int64_t n;
    size_t bytes;
    TN_TRY(tn_dims_check(TN_F32, 4, dims, &n, &bytes));
    bool direct = tn_out(r, i) && type == TN_F32 && !s->window;
    *out = direct ? tn_out(r, i)->data : tn_run_scratch(r, bytes + 1);
    return *out ? TN_OK : tn_op_fail(r->node, TN_E_NOMEM, "no memory");
}

/* Output i := what the cache holds from now on. In a cache of codes attention, too, sees what they keep of the numbers.
 */
static tn_status keep(tn_run *r, const tn_gqa_sizes *s, const tn_kv_code *code, int i, tn_dtype type, float *stage) {
    int64_t plane = s->batch * s->kv_heads * s->size;
    if (!s->window) return tn_kv_write(r, code, type, s->keys, stage, plane * s->keys, tn_out(r, i));
    if (code->bits) TN_TRY(tn_kv_write(r, code, type, s->keys, stage, plane * s->keys, NULL));
    if (!tn_out(r, i)) return TN_OK;
    float *kept = type == TN_F32 ? tn_out(r, i)->data : tn_run_scratch(r, (size_t)(plane * s->kept + 1) * sizeof *kept);
    if (!kept) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    keep_window(r, s, stage, kept);
    return tn_kv_write(r, code, type, s->kept, kept, plane * s->kept, tn_out(r, i));
}

/* The bias of the scores, whose columns are tokens; those of a stage begin with the oldest row there is. */
static tn_status read_bias(tn_run *r, const tn_gqa_sizes *s, tn_attention *a) {
    const tn_tensor *t = tn_in(r, SCORE_BIAS);
    int64_t dims[] = { s->batch, s->heads, s->rows, s->total };
    const void *p;
    if (!t) return TN_OK;
    tn_attention_mask_stride m;
    TN_TRY(tn_op_mask_strides(r, t, dims, false, &m));
    TN_TRY(tn_op_read_as(r, t, TN_F32, &p));
    a->bias = p, a->stride_bias = m;
    if (!s->window) return TN_OK;
    float *w = tn_run_scratch(r, (size_t)(s->batch * s->heads * s->rows * s->keys + 1) * sizeof *w);
    if (!w) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    a->bias = w,
    a->stride_bias = (tn_attention_mask_stride){ s->heads * s->rows * s->keys, s->rows * s->keys, s->keys, 1 };
    for (int64_t b = 0; b < s->batch; b++)
        for (int64_t h = 0; h < s->heads; h++)
            for (int64_t i = 0; i < s->rows; i++)
                for (int64_t j = 0; j < s->keys; j++) {
                    int64_t token = s->past[b] - s->before[b] + j;
                    bool there = token >= 0 && token < s->total;
                    *w++ = there ? ((const float *)p)[b * m.batch + h * m.head + i * m.row + token * m.key] : 0;
                }
    return TN_OK;
}

/* The extra score per head: as given, or 0 for smooth_softmax. */
static tn_status read_sink(tn_run *r, const tn_gqa_sizes *s, tn_attention *a) {
    const tn_tensor *t = tn_in(r, SINK);
    if (t && tn_count(t) != s->heads) return tn_op_fail(r->node, TN_E_SHAPE, "head_sink has not one number per head");
    if (t) return tn_op_read_as(r, t, TN_F32, &a->sink);
    if (((const tn_gqa *)r->attrs)->smooth_softmax != 1) return TN_OK;
    float *zero = tn_run_scratch(r, (size_t)s->heads * sizeof *zero);
    if (!zero) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    memset(zero, 0, (size_t)s->heads * sizeof *zero);
    a->sink = zero;
    return TN_OK;
}

/* The scores of a stage, whose columns begin with the oldest row there is, where the columns are tokens. What is no
 * longer there lies before every window, and is hidden. */
static void spread_scores(const tn_gqa_sizes *s, const float *stage, float *scores) {
    for (int64_t u = 0; u < s->batch * s->heads * s->rows; u++, stage += s->keys, scores += s->total) {
        int64_t b = u / (s->heads * s->rows), first = s->past[b] - s->before[b];
        memset(scores, 0, (size_t)s->total * sizeof *scores);
        for (int64_t j = 0; j < s->end[b]; j++) scores[first + j] = stage[j];
    }
}

static tn_status gqa_run(tn_run *r) {
    const tn_node *n = r->node;
    tn_gqa_sizes s;
    tn_gqa_angles g;
    const void *in[5];
    tn_kv_code code[2];
    const tn_gqa *at = r->attrs;
    TN_TRY(read_sizes(r, &s));
    TN_TRY(tn_gqa_read_angles(r, &s, &g));
    for (int i = QUERY; i <= VALUE; i++) TN_TRY(tn_op_read_as(r, tn_in(r, i), TN_F32, &in[i]));
    TN_TRY(tn_kv_code_of(r, &at->kv, at->kv.k_quant_type, SCALE_K, s.kv_heads, s.size, &code[0]));
    TN_TRY(tn_kv_code_of(r, &at->kv, at->kv.v_quant_type, SCALE_V, s.kv_heads, s.size, &code[1]));
    bool append_only = tn_op_has_cache(r, PAST_K);
    for (int i = PAST_K; i <= PAST_V && !append_only; i++)
        TN_TRY(tn_kv_read(r, &code[i - PAST_K], tn_in(r, i), &in[i]));
    int64_t window = at->local_window_size;
    tn_attention a = { .type = TN_F32,
                       .batch = s.batch,
                       .heads = s.heads,
                       .kv_heads = s.kv_heads,
                       .rows = s.rows,
                       .keys = s.window ? s.keys : s.total,
                       .size_k = s.size,
                       .size_v = s.size,
                       .scale = at->scale != 0 ? (double)at->scale : 1 / sqrt((double)s.size),
                       .softcap = (double)at->softcap,
                       .left = window > 0 ? window - 1 : -1,
                       .right = at->causal ? 0 : -1,
                       .length = s.end,
                       .offset = s.before,
                       .qk_mode = at->qk_output == 2 ? TN_QK_SOFTMAX : TN_QK_BIASED };
    const float *q = in[QUERY], *k = in[KEY], *v = in[VALUE];
    tn_attention_stride sq = tn_op_rows(s.heads, s.rows, s.size), sk = tn_op_rows(s.kv_heads, s.rows, s.size);
    if (s.packed) {
        int64_t width = (s.heads + 2 * s.kv_heads) * s.size;
        k = q + s.heads * s.size, v = k + s.kv_heads * s.size;
        sq = sk = (tn_attention_stride){ s.rows * width, s.size, width };
    }
    float *pk = NULL, *pv = NULL;
    tn_dtype cache =
        tn_kv_type(&at->kv, tn_run_has(r, PAST_K) ? tn_in(r, PAST_K)->dtype : TN_NONE, tn_in(r, QUERY)->dtype);
    TN_TRY(tn_gqa_read_norm(r, &s, NORM_K, &g));
    if (append_only) {
        TN_TRY(append(r, &s, &g, k, sk, PAST_K, &a.rows_k));
        TN_TRY(append(r, &s, NULL, v, sk, PAST_V, &a.rows_v));
    } else {
        TN_TRY(stage_room(r, &s, &code[0], PRESENT_K, cache, &pk));
        TN_TRY(stage_room(r, &s, &code[1], PRESENT_V, cache, &pv));
        TN_TRY(extend(r, &s, &g, k, sk, in[PAST_K], pk));
        TN_TRY(extend(r, &s, NULL, v, sk, in[PAST_V], pv));
        TN_TRY(keep(r, &s, &code[0], PRESENT_K, cache, pk));
        TN_TRY(keep(r, &s, &code[1], PRESENT_V, cache, pv));
    }
    TN_TRY(tn_gqa_read_norm(r, &s, NORM_Q, &g));
    TN_TRY(tn_gqa_turned_queries(r, &s, &g, &q, &sq));
    TN_TRY(read_sink(r, &s, &a));
    TN_TRY(read_bias(r, &s, &a));
    int64_t dims[] = { s.batch, s.heads, s.rows, s.total };
    if (tn_run_wants(r, Y))
        TN_TRY(tn_run_alloc(r, Y, tn_in(r, QUERY)->dtype, 3, (int64_t[]){ s.batch, s.rows, s.heads * s.size }));
    if (tn_run_wants(r, SCORES)) TN_TRY(tn_run_alloc(r, SCORES, tn_in(r, QUERY)->dtype, 4, dims));
    a.q = q, a.stride_q = sq, a.k = pk, a.v = pv;
    a.stride_k = a.stride_v = tn_op_planes(s.kv_heads, s.keys, s.size);
    a.y = tn_op_result_room(r, Y, TN_F32, s.batch * s.rows * s.heads * s.size),
    a.stride_y = tn_op_rows(s.heads, s.rows, s.size);
    float *scores = tn_op_room_as(r, tn_out(r, SCORES), TN_F32);
    a.qk = scores;
    if (scores && s.window)
        a.qk = tn_run_scratch(r, (size_t)(s.batch * s.heads * s.rows * s.keys + 1) * sizeof *scores);
    if (!a.y || (tn_out(r, SCORES) && !a.qk)) return tn_op_fail(n, TN_E_NOMEM, "no memory");
    TN_TRY(tn_op_attention(r, &a));
    if (scores && s.window) spread_scores(&s, a.qk, scores);
    for (int64_t i = 0; scores && i < s.batch * s.heads * s.rows * s.total; i++)
        if (scores[i] == -INFINITY) scores[i] = 0; /* what is hidden counts as 0 here */
    TN_TRY(tn_op_store_as(scores, TN_F32, tn_out(r, SCORES)));
    return tn_op_store_as(a.y, TN_F32, tn_out(r, Y));
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define CACHE (TN_FLOATS | tn_dtype_bit(TN_I8) | tn_dtype_bit(TN_U8) | tn_dtype_bit(TN_F8E4M3FN))
static const tn_port gqa_in[] = { { "query", TN_FLOATS, 'T' },
                                  { "key", TN_FLOATS, 'T', .optional = true },
                                  { "value", TN_FLOATS, 'T', .optional = true },
                                  { "past_key", CACHE, 'C', .optional = true, .rows = true },
                                  { "past_value", CACHE, 'C', .optional = true, .rows = true },
                                  { "seqlens_k", TN_INDEX, 0 },
                                  { "total_sequence_length", TN_INDEX, 0 },
                                  { "cos_cache", TN_FLOATS, 'T', .optional = true },
                                  { "sin_cache", TN_FLOATS, 'T', .optional = true },
                                  { "position_ids", TN_INDEX, 0, .optional = true },
                                  { "attention_bias", TN_FLOATS, 'T', .optional = true },
                                  { "head_sink", TN_FLOATS, 'T', .optional = true },
                                  { "k_scale", tn_dtype_bit(TN_F32), 0, .optional = true },
                                  { "v_scale", tn_dtype_bit(TN_F32), 0, .optional = true },
                                  { "q_norm_weight", TN_FLOATS, 'T', .optional = true },
                                  { "k_norm_weight", TN_FLOATS, 'T', .optional = true },
                                  { 0 } };
static const tn_port gqa_out[] = { { "output", TN_FLOATS, 'T' },
                                   { "present_key", CACHE, 0, .optional = true },
                                   { "present_value", CACHE, 0, .optional = true },
                                   { "output_qk", TN_FLOATS, 'T', .optional = true },
                                   { 0 } };
#define QUANTISED(which) \
    { TN_WORD_AS(tn_gqa, kv.which, #which, TN_KV_CODES, "NONE") }
static const tn_attr_spec gqa_attrs[] = {
    { TN_FLAG(tn_gqa, causal, true) },
    { TN_FLAG(tn_gqa, do_rotary, false) },
    QUANTISED(k_quant_type),
    { TN_INT_AS(tn_gqa, kv.bits, "kv_cache_bit_width", 0) },
    { TN_INT(tn_gqa, kv_num_heads, 1), .required = true, .min = 1, .max = INT32_MAX },
    { TN_INT(tn_gqa, local_window_size, -1) },
    { TN_INT(tn_gqa, num_heads, 1), .required = true, .min = 1, .max = INT32_MAX },
    { TN_FLOAT(tn_gqa, qk_norm_epsilon, 1e-6f) },
    { TN_INT(tn_gqa, qk_output, 0), .min = 0, .max = 2 },
    { TN_FLAG(tn_gqa, rotary_interleaved, false) },
    { TN_FLOAT(tn_gqa, scale, 0) },
    { TN_FLAG(tn_gqa, sliding_window_cache, false) },
    { TN_INT(tn_gqa, smooth_softmax, 0) },
    { TN_FLOAT(tn_gqa, softcap, 0) },
    QUANTISED(v_quant_type),
    { 0 }
};

/* Scores and their products with the values: every row with every key. */
static tn_status gqa_cost(const tn_infer *c, tn_cost *out) {
    const tn_type *q = c->in[0];
    if (q->rank != 3) return TN_OK;
    double keys = (double)q->dims[1] + (tn_infer_rank(c, 3) == 4 ? (double)c->in[3]->dims[2] : 0); /* past_key */
    out->flops = 4 * (double)q->dims[0] * (double)q->dims[1] * keys * (double)q->dims[2];
    return TN_OK;
}

const tn_op tn_ops_attention_group[] = {
    { .name = "GroupQueryAttention",
      .domain = "com.microsoft",
      .since = 1,
      .flags = TN_OP_DYNAMIC,
      .in = gqa_in,
      .out = gqa_out,
      TN_ATTRS(gqa_attrs, tn_gqa),
      .infer = gqa_infer,
      .cost = gqa_cost,
      .run = gqa_run,
      .grad = tn_grad_group_query,
      .doc = "causal attention of query heads that share keys, with rotation and a cache" },
    { 0 },
};
