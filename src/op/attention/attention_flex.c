/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attention_flex.c - FlexAttention of ai.onnx.preview: attention whose scores and weights pass through subgraphs.
 * Without any it is attention as in kernel/attention.h; with them the matrix of scores is made, for the subgraphs want
 * it. */
#include "kernel/kernel.h"
#include "kernel/reduce.h"
#include "op/attention/attention.h"
#include "op/attention/grads.h"
#include "op/core/ports.h"
#include <math.h>
#include <string.h>

typedef struct {
    tn_graph *score_mod, *prob_mod;
    tn_maybe_float scale;
    tn_dtype softmax_precision;
} settings;

/* The element type of scores and weights. */
static tn_dtype score_type(tn_dtype asked, tn_dtype q) {
    return asked != TN_NONE ? asked : q == TN_F64 ? TN_F64 : TN_F32;
}

static tn_status check_mod(tn_infer *c, const char *name, tn_graph *g, const tn_type *scores) {
    if (!c->subgraph) return TN_OK; /* exact shapes while running: checked before */
    if (!g) return TN_OK;
    if (g->n_inputs != 1 || g->n_outputs != 1)
        return tn_infer_fail(c, TN_E_GRAPH, "%s has %d inputs and %d outputs, one each is needed", name, g->n_inputs,
                             g->n_outputs);
    tn_type *out = tn_arena_array(c->arena, tn_type, 1);
    if (!out) return tn_infer_fail(c, TN_E_NOMEM, "no memory");
    return c->subgraph(c, g, scores, 1, out, 1);
}

static tn_status flex_infer(tn_infer *c) {
    const settings *at = c->attrs;
    tn_dtype t = tn_infer_dtype(c, 0), ts = score_type(at->softmax_precision, t);
    if (!(TN_FLOATS & tn_dtype_bit(ts))) return tn_infer_fail(c, TN_E_INVALID, "softmax_precision is not a float type");
    tn_infer_out(c, 0, t, -1, NULL);
    for (int i = 0; i < 3; i++) {
        if (tn_infer_rank(c, i) < 0) return TN_OK;
        if (tn_infer_rank(c, i) != 4)
            return tn_infer_fail(c, TN_E_SHAPE, "input %d has %d dimensions, not 4", i, tn_infer_rank(c, i));
    }
    const tn_dim *q = c->in[0]->dims, *k = c->in[1]->dims, *v = c->in[2]->dims;
    bool known = tn_dim_known(q[1]) && tn_dim_known(k[1]);
    const tn_dim pairs[][2] = { { q[0], k[0] }, { q[0], v[0] }, { k[1], v[1] }, { k[2], v[2] }, { q[3], k[3] } };
    for (size_t i = 0; i < TN_COUNT(pairs); i++)
        if (tn_dim_known(pairs[i][0]) && tn_dim_known(pairs[i][1]) && pairs[i][0] != pairs[i][1])
            return tn_infer_fail(c, TN_E_SHAPE, "the shapes of Q, K and V do not fit each other");
    if (known && (k[1] < 1 || q[1] % k[1]))
        return tn_infer_fail(c, TN_E_SHAPE, "%lld heads of K do not divide %lld heads of Q", (long long)k[1],
                             (long long)q[1]);
    tn_infer_out(c, 0, t, 4, (tn_dim[]){ q[0], q[1], q[2], v[3] });
    tn_type scores = tn_type_tensor(ts);
    scores.rank = 4;
    memcpy(scores.dims, (tn_dim[]){ q[0], q[1], q[2], k[2] }, 4 * sizeof(tn_dim));
    TN_TRY(check_mod(c, "score_mod", at->score_mod, &scores));
    return check_mod(c, "prob_mod", at->prob_mod, &scores);
}

/* ------------------------------------------------------------------------------------------------------------ run */

/* scores := what the subgraph makes of them, as `type`; a subgraph that is absent leaves them. */
static tn_status modify(tn_run *r, const char *name, tn_graph *g, tn_dtype type, tn_dtype given, const int64_t *dims,
                        void *scores) {
    tn_datum in = { .kind = TN_KIND_TENSOR }, out = { 0 };
    tn_tensor whole = { .dtype = type, .rank = 4, .data = scores };
    tn_status st = TN_OK;
    if (!g) return TN_OK;
    memcpy(whole.dims, dims, 4 * sizeof *dims);
    TN_TRY(tn_tensor_init(&in.tensor, given, 4, dims, TN_MEM_ACTIVATIONS));
    if ((st = tn_convert(type, scores, given, in.tensor.data, tn_count(&whole), false, TN_ROUND_NEAREST)) != TN_OK)
        goto done;
    if ((st = tn_run_subgraph(r, g, &in, 1, &out, 1)) != TN_OK) goto done;
    if (out.kind != TN_KIND_TENSOR || !tn_dims_equal(out.tensor.rank, out.tensor.dims, 4, dims)) {
        st = tn_op_fail(r->node, TN_E_SHAPE, "%s does not keep the shape of its input", name);
        goto done;
    }
    st = tn_convert(out.tensor.dtype, out.tensor.data, type, scores, tn_count(&whole), false, TN_ROUND_NEAREST);
done:
    tn_datum_reset(&in);
    tn_datum_reset(&out);
    return st;
}

static tn_status product(tn_run *r, tn_dtype type, bool trans_b, double alpha, int64_t m, int64_t n, int64_t k,
                         const void *a, const void *b, void *c) {
    if (type == TN_F32) {
        tn_gemm_args g = tn_gemm_dense(m, n, k, a, b, c);
        g.trans_b = trans_b, g.ldb = trans_b ? k : n, g.alpha = (float)alpha;
        return tn_gemm(&tn_kernels_get()->gemm, &g, NULL, r->pool);
    }
    tn_gemm_any g = { .m = m, .n = n, .k = k, .a = a, .b = b, .lda = k, .ldb = trans_b ? k : n };
    g.trans_b = trans_b, g.c = c, g.ldc = n, g.alpha = alpha, g.beta = 1;
    return tn_gemm_generic(type, &g);
}

/* With the matrix of scores: in f32 or f64, rounded to what the subgraphs are given. */
static tn_status whole_matrix(tn_run *r, tn_attention *a, tn_dtype given) {
    int64_t dims[] = { a->batch, a->heads, a->rows, a->keys }, group = a->heads / a->kv_heads, count;
    size_t bytes, each = (size_t)tn_dtypes[a->type].bytes;
    TN_TRY(tn_dims_check(a->type, 4, dims, &count, &bytes));
    char *scores = tn_run_scratch(r, bytes + 1);
    if (!scores) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t h = 0; h < a->batch * a->heads; h++) {
            int64_t kv = h / a->heads * a->kv_heads + h % a->heads / group;
            char *s = scores + (size_t)(h * a->rows * a->keys) * each;
            const char *q = (const char *)a->q + (size_t)(h * a->rows * a->size_k) * each;
            const char *k = (const char *)a->k + (size_t)(kv * a->keys * a->size_k) * each;
            const char *v = (const char *)a->v + (size_t)(kv * a->keys * a->size_v) * each;
            char *y = (char *)a->y + (size_t)(h * a->rows * a->size_v) * each;
            if (pass == 0)
                TN_TRY(product(r, a->type, true, a->scale, a->rows, a->keys, a->size_k, q, k, s));
            else
                TN_TRY(product(r, a->type, false, 1, a->rows, a->size_v, a->keys, s, v, y));
        }
        if (pass == 1) break;
        TN_TRY(modify(r, "score_mod", ((const settings *)r->attrs)->score_mod, a->type, given, dims, scores));
        TN_TRY(tn_softmax_run(TN_SOFTMAX, a->type, a->batch * a->heads * a->rows, a->keys, 1, scores, scores, r->pool));
        TN_TRY(modify(r, "prob_mod", ((const settings *)r->attrs)->prob_mod, a->type, given, dims, scores));
    }
    return TN_OK;
}

static tn_status flex_run(tn_run *r) {
    const tn_tensor *q = tn_in(r, 0), *k = tn_in(r, 1), *v = tn_in(r, 2);
    const settings *at = r->attrs;
    tn_dtype given = score_type(at->softmax_precision, q->dtype);
    tn_attention a = { .type = given == TN_F64 || q->dtype == TN_F64 ? TN_F64 : TN_F32,
                       .batch = q->dims[0],
                       .heads = q->dims[1],
                       .kv_heads = k->dims[1],
                       .rows = q->dims[2],
                       .keys = k->dims[2],
                       .size_k = q->dims[3],
                       .size_v = v->dims[3],
                       .left = -1,
                       .right = -1 };
    a.scale = at->scale.given ? (double)at->scale.v : 1 / sqrt((double)a.size_k);
    a.stride_q = tn_op_planes(a.heads, a.rows, a.size_k), a.stride_y = tn_op_planes(a.heads, a.rows, a.size_v);
    a.stride_k = tn_op_planes(a.kv_heads, a.keys, a.size_k), a.stride_v = tn_op_planes(a.kv_heads, a.keys, a.size_v);
    TN_TRY(tn_op_read_as(r, q, a.type, &a.q));
    TN_TRY(tn_op_read_as(r, k, a.type, &a.k));
    TN_TRY(tn_op_read_as(r, v, a.type, &a.v));
    if (!(a.y = tn_op_room_as(r, tn_out(r, 0), a.type))) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    bool plain = !at->score_mod && !at->prob_mod;
    TN_TRY(plain ? tn_op_attention(r, &a) : whole_matrix(r, &a, given));
    return tn_op_store_as(a.y, a.type, tn_out(r, 0));
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port flex_in[] = { { "Q", TN_FLOATS, 'T' }, { "K", TN_FLOATS, 'T' }, { "V", TN_FLOATS, 'T' }, { 0 } };
static const tn_attr_spec flex_attrs[] = { { TN_GRAPH_OF(settings, prob_mod) },
                                           { TN_MAYBE_FLOAT(settings, scale) },
                                           { TN_GRAPH_OF(settings, score_mod) },
                                           { TN_DTYPE(settings, softmax_precision, TN_NONE) },
                                           { 0 } };

const tn_op tn_ops_attention_flex[] = {
    { .name = "FlexAttention",
      .domain = "ai.onnx.preview",
      .since = 1,
      .flags = TN_OP_SUBGRAPH,
      .in = flex_in,
      .out = tn_ports_float_t,
      TN_ATTRS(flex_attrs, settings),
      .infer = flex_infer,
      .run = flex_run,
      .grad = tn_grad_flex,
      .doc = "attention whose scores and weights pass through subgraphs" },
    { 0 },
};
