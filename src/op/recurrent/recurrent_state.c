/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* recurrent_state.c - operators that carry a state from one call to the next: LinearAttention (Katharopoulos et al.,
 * arXiv 2006.16236; delta rule: Yang et al., arXiv 2406.06484, 2412.06464), CausalConvWithState, and TensorScatter,
 * which writes into a cache. States are f32 while they change. */
#include "kernel/kernel.h"
#include "op/attention/attention.h"
#include "op/core/ports.h"
#include "op/recurrent/grads.h"
#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------ LinearAttention */

enum { QUERY, KEY, VALUE, STATE, DECAY, BETA };

static tn_status fits(const tn_node *n, const char *what, tn_dim have, tn_dim want) {
    if (!tn_dim_known(have) || !tn_dim_known(want) || have == want) return TN_OK;
    return tn_op_fail(n, TN_E_SHAPE, "%s is %lld, %lld is needed", what, (long long)have, (long long)want);
}

typedef struct {
    int64_t kv_num_heads, q_num_heads;
    float scale;
    int update_rule; /* bits: what of decay and beta it reads */
} linear_attention;
enum { GATED = 1, DELTA = 2 };
#define RULES "linear|gated|delta|gated_delta" /* in the order of those bits */

static tn_status linear_infer(tn_infer *c) {
    const linear_attention *a = c->attrs;
    int64_t hq = a->q_num_heads, hk = a->kv_num_heads;
    bool gated = a->update_rule & GATED, delta = a->update_rule & DELTA;
    if (hq % hk)
        return tn_infer_fail(c, TN_E_INVALID, "%lld heads of keys do not divide %lld", (long long)hk, (long long)hq);
    if (gated != tn_infer_has(c, DECAY) || delta != tn_infer_has(c, BETA))
        return tn_infer_fail(c, TN_E_GRAPH, "the update rule needs %s decay and %s beta", gated ? "a" : "no",
                             delta ? "a" : "no");
    tn_dtype state = tn_infer_has(c, STATE) ? tn_infer_dtype(c, STATE) : tn_infer_dtype(c, QUERY);
    tn_infer_out(c, 0, tn_infer_dtype(c, QUERY), -1, NULL);
    if (c->n_out > 1) tn_infer_out(c, 1, state, -1, NULL);
    for (int i = 0; i < c->n_in; i++) {
        int want = i == STATE ? 4 : 3;
        if (!tn_infer_has(c, i)) continue;
        if (tn_infer_rank(c, i) < 0) return TN_OK;
        if (tn_infer_rank(c, i) != want)
            return tn_infer_fail(c, TN_E_SHAPE, "input %d has %d dimensions, not %d", i, tn_infer_rank(c, i), want);
    }
    const tn_dim *q = c->in[QUERY]->dims, *k = c->in[KEY]->dims, *v = c->in[VALUE]->dims;
    for (int i = 0; i < c->n_in; i++)
        for (int d = 0; d < 2 && tn_infer_has(c, i) && i != STATE; d++)
            TN_TRY(fits(c->node, "batch or length", c->in[i]->dims[d], q[d]));
    bool known = tn_dim_known(q[2]) && tn_dim_known(k[2]) && tn_dim_known(v[2]);
    if (!known) {
        tn_infer_out(c, 0, tn_infer_dtype(c, QUERY), 3, (tn_dim[]){ q[0], q[1], TN_DIM_UNKNOWN });
        return TN_OK;
    }
    if (q[2] % hq || k[2] % hk || v[2] % hk || q[2] / hq != k[2] / hk)
        return tn_infer_fail(c, TN_E_SHAPE, "query, key and value of %lld, %lld and %lld do not fit their heads",
                             (long long)q[2], (long long)k[2], (long long)v[2]);
    tn_dim dk = k[2] / hk, dv = v[2] / hk, state_dims[] = { q[0], hk, dk, dv };
    if (gated && tn_dim_known(c->in[DECAY]->dims[2]) && c->in[DECAY]->dims[2] != hk)
        TN_TRY(fits(c->node, "decay", c->in[DECAY]->dims[2], k[2]));
    if (delta && tn_dim_known(c->in[BETA]->dims[2]) && c->in[BETA]->dims[2] != 1)
        TN_TRY(fits(c->node, "beta", c->in[BETA]->dims[2], hk));
    for (int d = 0; d < 4 && tn_infer_has(c, STATE); d++)
        TN_TRY(fits(c->node, "past_state", c->in[STATE]->dims[d], state_dims[d]));
    tn_infer_out(c, 0, tn_infer_dtype(c, QUERY), 3, (tn_dim[]){ q[0], q[1], tn_op_dim_times(c->syms, hq, dv) });
    if (c->n_out > 1) tn_infer_out(c, 1, state, 4, state_dims);
    return TN_OK;
}

typedef struct {
    const float *q, *k, *v, *decay, *beta;
    float *state, *y, *scratch;
    int64_t steps, hq, hk, dk, dv, n_decay, n_beta; /* numbers per step and batch of decay and beta */
    float scale;
} linear_job;

/* One step of one head: S decays, learns k (x) v, and is read by the group's queries. S is [dk, dv]. */
static void linear_step(const linear_job *j, int64_t row, int64_t h, float *s, float *v) {
    const tn_vec_kernels *vec = &tn_kernels_get()->vec;
    const tn_gemm_kernels *gemm = &tn_kernels_get()->gemm;
    const float *k = j->k + (row * j->hk + h) * j->dk, *value = j->v + (row * j->hk + h) * j->dv;
    size_t dv = (size_t)j->dv;
    for (int64_t d = 0; j->decay && d < j->dk; d++) {
        float g = expf(j->decay[row * j->n_decay + (j->n_decay == j->hk ? h : h * j->dk + d)]);
        vec->unary[TN_U_AFFINE](s + d * j->dv, s + d * j->dv, dv, g, 0);
    }
    if (j->beta) {
        float beta = j->beta[row * j->n_beta + (j->n_beta == 1 ? 0 : h)];
        memcpy(v, value, dv * sizeof *v);
        gemm->gemv(j->dk, j->dv, -1, k, 1, s, j->dv, v);
        vec->unary[TN_U_AFFINE](v, v, dv, beta, 0);
        value = v;
    }
    for (int64_t d = 0; d < j->dk; d++) vec->scaleadd(value, k + d, s + d * j->dv, s + d * j->dv, dv);
    for (int64_t g = 0; g < j->hq / j->hk; g++) {
        int64_t head = row * j->hq + h * (j->hq / j->hk) + g;
        float *y = j->y + head * j->dv;
        memset(y, 0, dv * sizeof *y);
        gemm->gemv(j->dk, j->dv, j->scale, j->q + head * j->dk, 1, s, j->dv, y);
    }
}

static void linear_part(void *arg, int64_t begin, int64_t end, int thread) {
    const linear_job *j = arg;
    for (int64_t u = begin; u < end; u++)
        for (int64_t t = 0; t < j->steps; t++)
            linear_step(j, u / j->hk * j->steps + t, u % j->hk, j->state + u * j->dk * j->dv,
                        j->scratch + thread * j->dv);
}

static tn_status linear_run(tn_run *r) {
    const tn_tensor *q = tn_in(r, QUERY), *past = tn_in(r, STATE);
    const linear_attention *a = r->attrs;
    linear_job j = { .steps = q->dims[1], .hq = a->q_num_heads, .hk = a->kv_num_heads, .scale = a->scale };
    const void *in[6];
    j.dk = q->dims[2] / j.hq, j.dv = tn_in(r, VALUE)->dims[2] / j.hk;
    if (j.scale == 0) j.scale = 1 / sqrtf((float)j.dk);
    for (int i = QUERY; i <= BETA; i++) TN_TRY(tn_op_read_as(r, tn_in(r, i), TN_F32, &in[i]));
    j.q = in[QUERY], j.k = in[KEY], j.v = in[VALUE], j.decay = in[DECAY], j.beta = in[BETA];
    if (j.decay) j.n_decay = tn_in(r, DECAY)->dims[2];
    if (j.beta) j.n_beta = tn_in(r, BETA)->dims[2];
    int64_t heads = q->dims[0] * j.hk, size, n;
    if (__builtin_mul_overflow(j.dk, j.dv, &size) || __builtin_mul_overflow(heads, size, &n))
        return tn_op_fail(r->node, TN_E_SHAPE, "%lld states of %lld times %lld", (long long)heads, (long long)j.dk,
                          (long long)j.dv);
    tn_tensor *present = tn_out(r, 1);
    j.state = present ? tn_op_room_as(r, present, TN_F32) : tn_op_scratch(r, sizeof(float), n, 1, 1);
    j.y = tn_op_result_room(r, 0, TN_F32, q->dims[0] * q->dims[1] * j.hq * j.dv);
    j.scratch = tn_op_scratch(r, sizeof(float), j.dv, tn_pool_threads(r->pool), 1);
    if (!j.state || !j.y || !j.scratch) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for its states");
    if (past && n) memcpy(j.state, in[STATE], (size_t)n * sizeof(float));
    if (!past && n) memset(j.state, 0, (size_t)n * sizeof(float));
    tn_parallel(r->pool, q->dims[0] * j.hk, 1, linear_part, &j);
    TN_TRY(tn_op_store_as(j.y, TN_F32, tn_out(r, 0)));
    return tn_op_store_as(j.state, TN_F32, present);
}

/* -------------------------------------------------------------------------------------------- CausalConvWithState */

static tn_status causal_infer(tn_infer *c) {
    TN_TRY(tn_infer_same(c));
    int rank = tn_infer_rank(c, 0), rank_w = tn_infer_rank(c, 1);
    tn_dim dims[3] = { TN_DIM_UNKNOWN, TN_DIM_UNKNOWN, TN_DIM_UNKNOWN };
    if ((rank >= 0 && rank != 3) || (rank_w >= 0 && rank_w != 3) ||
        (tn_infer_rank(c, 2) >= 0 && tn_infer_rank(c, 2) != 1) ||
        (tn_infer_rank(c, 3) >= 0 && tn_infer_rank(c, 3) != 3))
        return tn_infer_fail(c, TN_E_SHAPE, "input, weight and state have 3 dimensions, the bias has one");
    if (rank == 3) dims[0] = c->in[0]->dims[0], dims[1] = c->in[0]->dims[1];
    if (rank_w == 3) {
        const tn_dim *w = c->in[1]->dims;
        TN_TRY(fits(c->node, "channels of the weight", w[0], dims[1]));
        TN_TRY(fits(c->node, "the weight's second dimension", w[1], 1));
        if (w[2] == 0) return tn_infer_fail(c, TN_E_SHAPE, "the kernel is empty");
        if (tn_dim_known(w[2])) dims[2] = w[2] - 1;
    }
    if (tn_infer_rank(c, 2) == 1) TN_TRY(fits(c->node, "the bias", c->in[2]->dims[0], dims[1]));
    for (int d = 0; d < 3 && tn_infer_rank(c, 3) == 3; d++)
        TN_TRY(fits(c->node, "past_state", c->in[3]->dims[d], dims[d]));
    if (c->n_out > 1) tn_infer_out(c, 1, tn_infer_dtype(c, 0), 3, dims);
    return TN_OK;
}

typedef struct {
    int activation;
} causal_conv;

typedef struct {
    const float *x, *w, *bias, *past;
    float *y, *present, *line; /* line: past and fresh of one channel, per thread */
    int64_t channels, n, k;
    bool silu;
} causal_job;

static void causal_part(void *arg, int64_t begin, int64_t end, int thread) {
    const causal_job *j = arg;
    const tn_vec_kernels *vec = &tn_kernels_get()->vec;
    int64_t keep = j->k - 1;
    float *line = j->line + thread * (keep + j->n);
    for (int64_t u = begin; u < end; u++) {
        int64_t c = u % j->channels;
        float *y = j->y + u * j->n;
        if (j->past)
            memcpy(line, j->past + u * keep, (size_t)keep * sizeof *line);
        else
            memset(line, 0, (size_t)keep * sizeof *line);
        memcpy(line + keep, j->x + u * j->n, (size_t)j->n * sizeof *line);
        vec->fill(j->bias ? j->bias[c] : 0, y, (size_t)j->n);
        for (int64_t i = 0; i < j->k; i++) vec->scaleadd(line + i, j->w + c * j->k + i, y, y, (size_t)j->n);
        if (j->silu) vec->unary[TN_U_SILU](y, y, (size_t)j->n, 0, 0);
        if (j->present) memcpy(j->present + u * keep, line + j->n, (size_t)keep * sizeof *line);
    }
}

static tn_status causal_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *w = tn_in(r, 1);
    causal_job j = { .channels = x->dims[1], .n = x->dims[2], .k = w->dims[2] };
    const void *in[4];
    j.silu = ((const causal_conv *)r->attrs)->activation != 0;
    for (int i = 0; i < 4; i++) TN_TRY(tn_op_read_as(r, tn_in(r, i), TN_F32, &in[i]));
    j.x = in[0], j.w = in[1], j.bias = in[2], j.past = in[3];
    j.y = tn_op_result_room(r, 0, TN_F32, tn_count(x));
    j.present = tn_op_room_as(r, tn_out(r, 1), TN_F32);
    j.line = tn_op_scratch(r, sizeof(float), j.k - 1 + j.n, tn_pool_threads(r->pool), 1);
    if (!j.y || !j.line || (tn_out(r, 1) && !j.present)) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    tn_parallel(r->pool, x->dims[0] * j.channels, 4096 / (j.n + 1) + 1, causal_part, &j);
    TN_TRY(tn_op_store_as(j.y, TN_F32, tn_out(r, 0)));
    return tn_op_store_as(j.present, TN_F32, tn_out(r, 1));
}

/* -------------------------------------------------------------------------------------------------- TensorScatter */

typedef struct {
    int64_t axis;
    int mode;
} tensor_scatter;
enum { CIRCULAR = 1 };

static tn_status cache_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), axis;
    TN_TRY(tn_infer_same(c));
    if (rank < 0) return TN_OK;
    TN_TRY(tn_op_axis(c->node, ((const tensor_scatter *)c->attrs)->axis, rank, &axis));
    if (axis == 0) return tn_infer_fail(c, TN_E_INVALID, "axis 0 is the batch");
    if (tn_infer_rank(c, 1) < 0) return TN_OK;
    if (tn_infer_rank(c, 1) != rank) return tn_infer_fail(c, TN_E_SHAPE, "cache and update differ in rank");
    for (int d = 0; d < rank; d++)
        if (d != axis) TN_TRY(fits(c->node, "a dimension of the update", c->in[1]->dims[d], c->in[0]->dims[d]));
    tn_dim have = c->in[0]->dims[axis], more = c->in[1]->dims[axis];
    if (tn_dim_known(have) && tn_dim_known(more) && more > have)
        return tn_infer_fail(c, TN_E_SHAPE, "%lld new rows for a cache of %lld", (long long)more, (long long)have);
    return TN_OK;
}

static tn_status cache_run(tn_run *r) {
    const tn_tensor *past = tn_in(r, 0), *x = tn_in(r, 1), *at = tn_in(r, 2);
    tn_tensor *y = tn_out(r, 0);
    const tensor_scatter *a = r->attrs;
    int axis = tn_op_axis_at(a->axis, past->rank);
    bool circular = a->mode == CIRCULAR;
    int64_t inner = tn_op_product(past->dims, axis + 1, past->rank), middle = tn_op_product(past->dims, 1, axis);
    int64_t rows = past->dims[axis], n = x->dims[axis], batch = past->dims[0];
    if (at && tn_count(at) != batch)
        return tn_op_fail(r->node, TN_E_SHAPE, "%lld write indices for a batch of %lld", (long long)tn_count(at),
                          (long long)batch);
    if (y->data != past->data) tn_op_copy_elements(y, 0, past, 0, tn_count(past));
    if (tn_count(x) == 0) return tn_op_own_strings(y);
    for (int64_t b = 0; b < batch; b++) {
        int64_t first = at ? tn_get_i64(at->dtype, at->data, b) : 0;
        if (circular && first < 0) first = (first % rows + rows) % rows;
        if (first < 0 || (!circular && first > rows - n))
            return tn_op_fail(r->node, TN_E_INVALID, "%lld rows from row %lld on do not fit a cache of %lld",
                              (long long)n, (long long)first, (long long)rows);
        first %= rows;
        for (int64_t m = b * middle; m < (b + 1) * middle; m++) {
            int64_t head = n < rows - first ? n : rows - first;
            tn_op_copy_elements(y, (m * rows + first) * inner, x, m * n * inner, head * inner);
            tn_op_copy_elements(y, m * rows * inner, x, (m * n + head) * inner, (n - head) * inner);
        }
    }
    return tn_op_own_strings(y);
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port linear_in[] = { { "query", TN_FLOATS, 'T' },
                                     { "key", TN_FLOATS, 'T' },
                                     { "value", TN_FLOATS, 'T' },
                                     { "past_state", TN_FLOATS, 'S', .optional = true },
                                     { "decay", TN_FLOATS, 'T', .optional = true },
                                     { "beta", TN_FLOATS, 'T', .optional = true },
                                     { 0 } };
static const tn_port linear_out[] = { { "output", TN_FLOATS, 'T' },
                                      { "present_state", TN_FLOATS, 0, .optional = true },
                                      { 0 } };
static const tn_attr_spec linear_attrs[] = {
    { "chunk_size", TN_ATTR_INT },
    { TN_INT(linear_attention, kv_num_heads, 0), .required = true, .min = 1, .max = INT32_MAX },
    { TN_INT(linear_attention, q_num_heads, 0), .required = true, .min = 1, .max = INT32_MAX },
    { TN_FLOAT(linear_attention, scale, 0) },
    { TN_WORD(linear_attention, update_rule, RULES, "gated_delta") },
    { 0 }
};
static const tn_port causal_in[] = { { "input", TN_FLOATS, 'T' },
                                     { "weight", TN_FLOATS, 'T' },
                                     { "bias", TN_FLOATS, 'T', .optional = true },
                                     { "past_state", TN_FLOATS, 'T', .optional = true },
                                     { 0 } };
static const tn_port causal_out[] = { { "output", TN_FLOATS, 'T' },
                                      { "present_state", TN_FLOATS, 'T', .optional = true },
                                      { 0 } };
static const tn_attr_spec causal_attrs[] = { { TN_WORD(causal_conv, activation, "none|silu|swish", "none") }, { 0 } };
static const tn_port cache_in[] = { { "past_cache", TN_ANY_TYPE, 'T' },
                                    { "update", TN_ANY_TYPE, 'T' },
                                    { "write_indices", TN_INDEX, 0, .optional = true },
                                    { 0 } };
static const tn_attr_spec cache_attrs[] = { { TN_INT(tensor_scatter, axis, -2) },
                                            { TN_WORD(tensor_scatter, mode, "linear|circular", "linear") },
                                            { 0 } };

const tn_op tn_ops_recurrent_state[] = {
    { .name = "LinearAttention",
      .since = 27,
      .in = linear_in,
      .out = linear_out,
      TN_ATTRS(linear_attrs, linear_attention),
      .infer = linear_infer,
      .run = linear_run,
      .grad = tn_grad_linear_attention,
      .doc = "attention as a recurrence: a matrix per head that decays, learns key and value, and is read by queries" },
    { .name = "CausalConvWithState",
      .since = 27,
      .in = causal_in,
      .out = causal_out,
      TN_ATTRS(causal_attrs, causal_conv),
      .infer = causal_infer,
      .run = causal_run,
      .grad = tn_grad_causal_conv,
      .doc = "depthwise convolution over the past, whose last values are carried along" },
    { .name = "TensorScatter",
      .since = 24,
      .flags = TN_OP_UPDATES,
      .in = cache_in,
      .out = tn_ports_any_t,
      TN_ATTRS(cache_attrs, tensor_scatter),
      .infer = cache_infer,
      .run = cache_run,
      .grad = tn_grad_tensor_scatter,
      .doc = "a cache with new rows written at an index per batch" },
    { 0 },
};
