/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* cdist.c - com.microsoft.CDist: distances of all pairs of points. */
#include "op/core/grad.h"
#include "op/core/ports.h"
#include <math.h>

static tn_status cdist_infer(tn_infer *c) {
    tn_dim dims[2] = { TN_DIM_UNKNOWN, TN_DIM_UNKNOWN };
    for (int i = 0; i < 2; i++) {
        if (tn_infer_rank(c, i) < 0) continue;
        if (tn_infer_rank(c, i) != 2)
            return tn_infer_fail(c, TN_E_SHAPE, "input %d has %d dimensions, not 2", i, tn_infer_rank(c, i));
        dims[i] = c->in[i]->dims[0];
    }
    if (tn_infer_rank(c, 0) == 2 && tn_infer_rank(c, 1) == 2) {
        tn_dim a = c->in[0]->dims[1], b = c->in[1]->dims[1];
        if (tn_dim_known(a) && tn_dim_known(b) && a != b)
            return tn_infer_fail(c, TN_E_SHAPE, "points of %lld and of %lld numbers", (long long)a, (long long)b);
    }
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), 2, dims);
    return TN_OK;
}

typedef struct {
    const tn_tensor *a, *b;
    tn_tensor *y;
    bool root;
} cdist_job;

static void cdist_part(void *arg, int64_t begin, int64_t end, int thread) {
    const cdist_job *j = arg;
    int64_t n = j->b->dims[0], k = j->a->dims[1];
    for (int64_t i = begin; i < end; i++) {
        double s = 0;
        for (int64_t e = 0; e < k; e++) {
            double d =
                tn_get_f64(j->a->dtype, j->a->data, i / n * k + e) - tn_get_f64(j->b->dtype, j->b->data, i % n * k + e);
            s += d * d;
        }
        tn_set_f64(j->y->dtype, j->y->data, i, j->root ? sqrt(s) : s);
    }
}

typedef struct {
    int metric; /* 0: euclidean */
} metrics;

static tn_status cdist_run(tn_run *r) {
    cdist_job j = { tn_in(r, 0), tn_in(r, 1), tn_out(r, 0), ((const metrics *)r->attrs)->metric == 0 };
    tn_parallel(r->pool, tn_count(j.y), 16384 / (j.a->dims[1] + 1) + 1, cdist_part, &j);
    return TN_OK;
}

static tn_status grad_of_cdist(tn_grad *g) {
    tn_node *mark = tn_grad_mark(g);
    bool squares = tn_attr_is(g->node, "metric", "sqeuclidean", "sqeuclidean");
    tn_value *y = tn_grad_formula(g, "d = Unsqueeze(x0, [1]) - Unsqueeze(x1, [0]); %s{keepdims=0}(d, [2])",
                                  squares ? "ReduceSumSquare" : "ReduceL2");
    tn_grad_through(g, mark, &y, 1);
    return g->st;
}

#define F32_F64 (tn_dtype_bit(TN_F32) | tn_dtype_bit(TN_F64))
static const tn_port pair_in[] = { { "A", F32_F64, 'T' }, { "B", F32_F64, 'T' }, { 0 } };
static const tn_attr_spec cdist_attrs[] = { { TN_WORD(metrics, metric, "euclidean|sqeuclidean", "sqeuclidean") },
                                            { 0 } };

const tn_op tn_ops_cdist[] = {
    { .name = "CDist",
      .domain = "com.microsoft",
      .since = 1,
      .in = pair_in,
      .out = tn_ports_float_t,
      TN_ATTRS(cdist_attrs, metrics),
      .infer = cdist_infer,
      .run = cdist_run,
      .grad = grad_of_cdist,
      .doc = "distances of all pairs of points" },
    { 0 },
};
