/* attention_group.c - GroupQueryAttention of com.microsoft: the attention of exported language models. Query heads
 * share heads of keys; new keys are rotated to their positions and written behind the earlier ones of a cache. */
#include "op/attention.h"
#include "op/grad.h"
#include <math.h>
#include <string.h>

enum { QUERY, KEY, VALUE, PAST_K, PAST_V, LENGTHS, TOTAL, COS, SIN, POSITIONS, SCORE_BIAS, SINK };
enum { Y, PRESENT_K, PRESENT_V, SCORES };

typedef struct {
    int64_t batch, rows, heads, kv_heads, size;
    int64_t room, total, keys; /* rows of past and present; the longest sentence */
    bool packed, prompt;
    int64_t *past, *length; /* per sentence: rows before the new ones, and after them */
} sizes;

/* ------------------------------------------------------------------------------------------------------ inference */

static tn_status gqa_infer(tn_infer *c) {
    tn_dtype t = tn_infer_dtype(c, QUERY), tc = tn_infer_has(c, PAST_K) ? tn_infer_dtype(c, PAST_K) : t;
    int64_t heads = tn_attr_int(c->node, "num_heads", 1), kv = tn_attr_int(c->node, "kv_num_heads", 1), total;
    bool packed = !tn_infer_has(c, KEY);
    for (int i = 0; i < c->n_out; i++) tn_infer_out(c, i, i == PRESENT_K || i == PRESENT_V ? tc : t, -1, NULL);
    if (heads % kv)
        return tn_infer_fail(c, TN_E_INVALID, "%lld heads do not divide %lld", (long long)kv, (long long)heads);
    if (packed == tn_infer_has(c, VALUE) || tn_infer_has(c, PAST_K) != tn_infer_has(c, PAST_V))
        return tn_infer_fail(c, TN_E_GRAPH, "key and value go together, and so do past_key and past_value");
    if (tn_attr_int(c->node, "do_rotary", 0) && (!tn_infer_has(c, COS) || !tn_infer_has(c, SIN)))
        return tn_infer_fail(c, TN_E_GRAPH, "do_rotary needs cos_cache and sin_cache");
    if (tn_attr_int(c->node, "sliding_window_cache", 0) || !tn_attr_is(c->node, "k_quant_type", "NONE", "NONE") ||
        !tn_attr_is(c->node, "v_quant_type", "NONE", "NONE"))
        return tn_infer_fail(c, TN_E_UNSUPPORTED, "a quantised or circular cache");
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
    for (int i = PAST_K; tn_infer_has(c, PAST_K) && i <= PAST_V; i++) {
        const tn_dim *d = c->in[i]->dims, want[] = { q[0], kv, c->in[PAST_K]->dims[2], size };
        for (int k = 0; k < 4; k++)
            if (tn_dim_known(d[k]) && tn_dim_known(want[k]) && d[k] != want[k])
                return tn_infer_fail(c, TN_E_SHAPE, "the past does not have the query's batch, heads and head size");
        room = d[2];
    }
    if (tn_infer_int(c, TOTAL, &total) && tn_dim_known(room)) rows = total > room ? total : room;
    tn_dim hidden = tn_op_dim_times(NULL, size, heads);
    tn_infer_out(c, Y, t, 3, (tn_dim[]){ q[0], q[1], packed ? hidden : q[2] });
    for (int i = PRESENT_K; i <= PRESENT_V && i < c->n_out; i++)
        tn_infer_out(c, i, tc, 4, (tn_dim[]){ q[0], kv, rows, size });
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------------------- lengths */

static tn_status read_sizes(tn_run *r, sizes *s) {
    const tn_node *n = r->node;
    const tn_tensor *q = tn_in(r, QUERY), *total = tn_in(r, TOTAL), *len = tn_in(r, LENGTHS);
    *s = (sizes){ .batch = q->dims[0], .rows = q->dims[1], .packed = !tn_run_has(r, KEY) };
    s->heads = tn_attr_int(n, "num_heads", 1), s->kv_heads = tn_attr_int(n, "kv_num_heads", 1);
    s->size = q->dims[2] / (s->packed ? s->heads + 2 * s->kv_heads : s->heads);
    s->room = tn_run_has(r, PAST_K) ? tn_in(r, PAST_K)->dims[2] : 0;
    if (tn_count(total) != 1 || tn_count(len) != s->batch)
        return tn_op_fail(n, TN_E_SHAPE, "one total_sequence_length and %lld of seqlens_k are needed",
                          (long long)s->batch);
    s->total = tn_get_i64(total->dtype, total->data, 0);
    if (s->total < s->rows || s->total > s->room + s->rows)
        return tn_op_fail(n, TN_E_INVALID, "total_sequence_length is %lld; there are %lld new rows and %lld old ones",
                          (long long)s->total, (long long)s->rows, (long long)s->room);
    s->keys = s->total > s->room ? s->total : s->room;
    s->past = tn_run_scratch(r, (size_t)(2 * s->batch + 1) * sizeof *s->past), s->length = s->past + s->batch;
    if (!s->past) return tn_op_fail(n, TN_E_NOMEM, "no memory");
    s->prompt = s->rows == s->total; /* sentences start together; shorter ones are padded behind */
    for (int64_t b = 0; b < s->batch; b++) {
        int64_t last = tn_get_i64(len->dtype, len->data, b);
        bool good = last >= 0 && last < s->total;
        s->length[b] = good ? last + 1 : 0;
        s->past[b] = s->prompt ? 0 : s->length[b] - s->rows;
        if (!good || s->past[b] < 0 || s->past[b] > s->room)
            return tn_op_fail(n, TN_E_INVALID,
                              "seqlens_k[%lld] is %lld; at most %lld rows, %lld of them new, are there", (long long)b,
                              (long long)last, (long long)s->total, (long long)s->rows);
    }
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------------- rotation */

typedef struct {
    const float *cos, *sin;
    int64_t half, limit;
    const tn_tensor *ids; /* NULL: positions follow from the lengths; of a prompt only the first one counts */
    bool interleaved;
} angles;

static tn_status read_angles(tn_run *r, const sizes *s, angles *g) {
    const tn_tensor *c = tn_in(r, COS), *si = tn_in(r, SIN);
    const void *p;
    *g = (angles){ .ids = tn_in(r, POSITIONS), .interleaved = tn_attr_int(r->node, "rotary_interleaved", 0) != 0 };
    if (!tn_attr_int(r->node, "do_rotary", 0)) return TN_OK;
    if (c->rank != 2 || !tn_dims_equal(c->rank, c->dims, si->rank, si->dims) || 2 * c->dims[1] > s->size ||
        (g->ids && tn_count(g->ids) != s->batch * s->rows))
        return tn_op_fail(r->node, TN_E_SHAPE, "cos_cache, sin_cache or position_ids do not fit heads of %lld",
                          (long long)s->size);
    g->half = c->dims[1], g->limit = c->dims[0];
    TN_TRY(tn_op_read_as(r, c, TN_F32, &p));
    g->cos = p;
    TN_TRY(tn_op_read_as(r, si, TN_F32, &p));
    g->sin = p;
    return TN_OK;
}

/* The position of row i of sentence b. Padding behind a sentence may have any. */
static tn_status position(const tn_run *r, const sizes *s, const angles *g, int64_t b, int64_t i, int64_t *at) {
    int64_t from = s->prompt ? 0 : b * s->rows + i;
    *at = g->ids ? tn_get_i64(g->ids->dtype, g->ids->data, from) : s->past[b] + i;
    if (g->ids && s->prompt && __builtin_add_overflow(*at, i, at)) *at = -1;
    if (s->past[b] + i >= s->length[b] && (*at < 0 || *at >= g->limit)) *at = 0;
    if (g->cos && (*at < 0 || *at >= g->limit))
        return tn_op_fail(r->node, TN_E_INVALID, "position %lld is outside the cache of %lld angles", (long long)*at,
                          (long long)g->limit);
    return TN_OK;
}

/* y := the row x of one head, turned where angles are given. */
static void place(const sizes *s, const angles *g, int64_t at, const float *x, float *y) {
    if (g->cos)
        tn_op_rotate(x, g->cos + at * g->half, g->sin + at * g->half, y, g->half, s->size, g->interleaved);
    else
        memcpy(y, x, (size_t)s->size * sizeof *y);
}

/* ------------------------------------------------------------------------------------------------------------ run */

/* The cache: old rows, new ones, zeros. Turned by g, unless g is NULL. */
static tn_status extend(tn_run *r, const sizes *s, const angles *g, const float *fresh, tn_attention_stride st,
                        const float *old, float *present) {
    static const angles still = { 0 };
    size_t row = (size_t)s->size * sizeof(float);
    for (int64_t b = 0; b < s->batch; b++)
        for (int64_t h = 0; h < s->kv_heads; h++) {
            float *to = present + (b * s->kv_heads + h) * s->keys * s->size;
            if (old) memcpy(to, old + (b * s->kv_heads + h) * s->room * s->size, (size_t)s->past[b] * row);
            for (int64_t i = 0; i < s->rows; i++) {
                int64_t at = 0;
                if (g) TN_TRY(position(r, s, g, b, i, &at));
                place(s, g ? g : &still, at, fresh + b * st.batch + h * st.head + i * st.row,
                      to + (s->past[b] + i) * s->size);
            }
            int64_t end = s->past[b] + s->rows;
            memset(to + end * s->size, 0, (size_t)(s->keys - end) * row);
        }
    return TN_OK;
}

static tn_status turned_queries(tn_run *r, const sizes *s, const angles *g, const float **q, tn_attention_stride *st) {
    if (!g->cos) return TN_OK;
    float *y = tn_run_scratch(r, (size_t)(s->batch * s->rows * s->heads * s->size + 1) * sizeof *y);
    if (!y) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    for (int64_t b = 0; b < s->batch; b++)
        for (int64_t i = 0; i < s->rows; i++) {
            int64_t at;
            TN_TRY(position(r, s, g, b, i, &at));
            for (int64_t h = 0; h < s->heads; h++)
                place(s, g, at, *q + b * st->batch + h * st->head + i * st->row,
                      y + ((b * s->rows + i) * s->heads + h) * s->size);
        }
    *q = y, *st = tn_op_rows(s->heads, s->rows, s->size);
    return TN_OK;
}

/* Memory for present i: the output's, or scratch where nobody wants it or its type differs. */
static tn_status present_room(tn_run *r, const sizes *s, int i, tn_dtype type, float **out) {
    int64_t dims[] = { s->batch, s->kv_heads, s->keys, s->size };
    if (tn_run_wants(r, i)) TN_TRY(tn_run_alloc(r, i, type, 4, dims));
    int64_t n;
    size_t bytes;
    TN_TRY(tn_dims_check(TN_F32, 4, dims, &n, &bytes));
    *out = tn_out(r, i) ? tn_op_room_as(r, tn_out(r, i), TN_F32) : tn_run_scratch(r, bytes + 1);
    return *out ? TN_OK : tn_op_fail(r->node, TN_E_NOMEM, "no memory");
}

/* The extra score per head: as given, or 0 for smooth_softmax. */
static tn_status read_sink(tn_run *r, const sizes *s, tn_attention *a) {
    const tn_tensor *t = tn_in(r, SINK);
    if (t && tn_count(t) != s->heads) return tn_op_fail(r->node, TN_E_SHAPE, "head_sink has not one number per head");
    if (t) return tn_op_read_as(r, t, TN_F32, &a->sink);
    if (tn_attr_int(r->node, "smooth_softmax", 0) != 1) return TN_OK;
    float *zero = tn_run_scratch(r, (size_t)s->heads * sizeof *zero);
    if (!zero) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    memset(zero, 0, (size_t)s->heads * sizeof *zero);
    a->sink = zero;
    return TN_OK;
}

static tn_status gqa_run(tn_run *r) {
    const tn_node *n = r->node;
    sizes s;
    angles g;
    const void *in[5];
    TN_TRY(read_sizes(r, &s));
    TN_TRY(read_angles(r, &s, &g));
    for (int i = QUERY; i <= PAST_V; i++) TN_TRY(tn_op_read_as(r, tn_in(r, i), TN_F32, &in[i]));
    float scale = tn_attr_float(n, "scale", 0);
    int64_t window = tn_attr_int(n, "local_window_size", -1);
    tn_attention a = { .type = TN_F32,
                       .batch = s.batch,
                       .heads = s.heads,
                       .kv_heads = s.kv_heads,
                       .rows = s.rows,
                       .keys = s.total,
                       .size_k = s.size,
                       .size_v = s.size,
                       .scale = scale != 0 ? (double)scale : 1 / sqrt((double)s.size),
                       .softcap = (double)tn_attr_float(n, "softcap", 0),
                       .left = window > 0 ? window - 1 : -1,
                       .right = tn_attr_int(n, "causal", 1) ? 0 : -1,
                       .length = s.length,
                       .offset = s.past,
                       .qk_mode = tn_attr_int(n, "qk_output", 0) == 2 ? TN_QK_SOFTMAX : TN_QK_BIASED };
    const float *q = in[QUERY], *k = in[KEY], *v = in[VALUE];
    tn_attention_stride sq = tn_op_rows(s.heads, s.rows, s.size), sk = tn_op_rows(s.kv_heads, s.rows, s.size);
    if (s.packed) {
        int64_t width = (s.heads + 2 * s.kv_heads) * s.size;
        k = q + s.heads * s.size, v = k + s.kv_heads * s.size;
        sq = sk = (tn_attention_stride){ s.rows * width, s.size, width };
    }
    float *pk, *pv;
    tn_dtype cache = tn_run_has(r, PAST_K) ? tn_in(r, PAST_K)->dtype : tn_in(r, QUERY)->dtype;
    TN_TRY(present_room(r, &s, PRESENT_K, cache, &pk));
    TN_TRY(present_room(r, &s, PRESENT_V, cache, &pv));
    TN_TRY(extend(r, &s, &g, k, sk, in[PAST_K], pk));
    TN_TRY(extend(r, &s, NULL, v, sk, in[PAST_V], pv));
    TN_TRY(turned_queries(r, &s, &g, &q, &sq));
    TN_TRY(read_sink(r, &s, &a));
    int64_t dims[] = { s.batch, s.heads, s.rows, s.total };
    if (tn_in(r, SCORE_BIAS)) TN_TRY(tn_op_mask_strides(r, tn_in(r, SCORE_BIAS), dims, false, &a.stride_bias));
    TN_TRY(tn_op_read_as(r, tn_in(r, SCORE_BIAS), TN_F32, &a.bias));
    if (tn_run_wants(r, Y))
        TN_TRY(tn_run_alloc(r, Y, tn_in(r, QUERY)->dtype, 3, (int64_t[]){ s.batch, s.rows, s.heads * s.size }));
    if (tn_run_wants(r, SCORES)) TN_TRY(tn_run_alloc(r, SCORES, tn_in(r, QUERY)->dtype, 4, dims));
    a.q = q, a.stride_q = sq, a.k = pk, a.v = pv;
    a.stride_k = a.stride_v = tn_op_planes(s.kv_heads, s.keys, s.size);
    a.y = tn_op_result_room(r, Y, TN_F32, s.batch * s.rows * s.heads * s.size),
    a.stride_y = tn_op_rows(s.heads, s.rows, s.size);
    a.qk = tn_op_room_as(r, tn_out(r, SCORES), TN_F32);
    if (!a.y || (tn_out(r, SCORES) && !a.qk)) return tn_op_fail(n, TN_E_NOMEM, "no memory");
    TN_TRY(tn_attention_run(NULL, &a, r->pool));
    TN_TRY(tn_op_store_as(pk, TN_F32, tn_out(r, PRESENT_K)));
    TN_TRY(tn_op_store_as(pv, TN_F32, tn_out(r, PRESENT_V)));
    float *scores = a.qk;
    for (int64_t i = 0; scores && i < s.batch * s.heads * s.rows * s.total; i++)
        if (scores[i] == -INFINITY) scores[i] = 0; /* what is hidden counts as 0 here */
    TN_TRY(tn_op_store_as(a.qk, TN_F32, tn_out(r, SCORES)));
    return tn_op_store_as(a.y, TN_F32, tn_out(r, Y));
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port gqa_in[] = { { "query", TN_FLOATS, 'T' },
                                  { "key", TN_FLOATS, 'T', .optional = true },
                                  { "value", TN_FLOATS, 'T', .optional = true },
                                  { "past_key", TN_FLOATS, 'C', .optional = true },
                                  { "past_value", TN_FLOATS, 'C', .optional = true },
                                  { "seqlens_k", TN_INDEX, 0 },
                                  { "total_sequence_length", TN_INDEX, 0 },
                                  { "cos_cache", TN_FLOATS, 'T', .optional = true },
                                  { "sin_cache", TN_FLOATS, 'T', .optional = true },
                                  { "position_ids", TN_INDEX, 0, .optional = true },
                                  { "attention_bias", TN_FLOATS, 'T', .optional = true },
                                  { "head_sink", TN_FLOATS, 'T', .optional = true },
                                  { 0 } };
static const tn_port gqa_out[] = { { "output", TN_FLOATS, 'T' },
                                   { "present_key", TN_FLOATS, 0, .optional = true },
                                   { "present_value", TN_FLOATS, 0, .optional = true },
                                   { "output_qk", TN_FLOATS, 'T', .optional = true },
                                   { 0 } };
static const tn_attr_spec gqa_attrs[] = { { "causal", TN_ATTR_INT },
                                          { "do_rotary", TN_ATTR_INT },
                                          { "k_quant_type", TN_ATTR_STRING },
                                          { "kv_cache_bit_width", TN_ATTR_INT },
                                          { "kv_num_heads", TN_ATTR_INT, .required = true, .min = 1, .max = INT32_MAX },
                                          { "local_window_size", TN_ATTR_INT },
                                          { "num_heads", TN_ATTR_INT, .required = true, .min = 1, .max = INT32_MAX },
                                          { "qk_norm_epsilon", TN_ATTR_FLOAT },
                                          { "qk_output", TN_ATTR_INT, .min = 0, .max = 2 },
                                          { "rotary_interleaved", TN_ATTR_INT },
                                          { "scale", TN_ATTR_FLOAT },
                                          { "sliding_window_cache", TN_ATTR_INT },
                                          { "smooth_softmax", TN_ATTR_INT },
                                          { "softcap", TN_ATTR_FLOAT },
                                          { "v_quant_type", TN_ATTR_STRING },
                                          { 0 } };

const tn_op tn_ops_attention_group[] = {
    { .name = "GroupQueryAttention",
      .domain = "com.microsoft",
      .since = 1,
      .flags = TN_OP_DYNAMIC,
      .in = gqa_in,
      .out = gqa_out,
      .attrs = gqa_attrs,
      .infer = gqa_infer,
      .run = gqa_run,
      .grad = tn_grad_group_query,
      .doc = "causal attention of query heads that share keys, with rotation and a cache" },
    { 0 },
};
