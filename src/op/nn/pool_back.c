/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pool_back.c - what flows back through poolings.
 *
 *   tenon.PoolSum(A, like)   sums over windows, of like's shape; attributes of the pooling node, and
 *                            `average`  each window's sum is divided as AveragePool does
 *                            `back`     0: A is an image, like the pooled one; 1: the transpose, each element of A is
 *                                       added to all places of its window */
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/nn/grads.h"
#include "op/nn/pool.h"
#include "op/nn/window.h"
#include <math.h>
#include <string.h>

/* -------------------------------------------------------------------------------------------------------- windows */

/* The flat place in the image that tap t of window p reads, or -1; *padded: inside the padded image. */
static int64_t place(const tn_pooling_desc *d, int64_t p, int64_t t, bool *padded) {
    int64_t far = 0, stride = 1;
    bool inside = true;
    *padded = true;
    for (int k = d->rank - 1; k >= 0; k--) {
        int64_t at = p % d->out[k] * d->stride[k] + t % d->kernel[k] * d->dilation[k] - d->pad[k];
        p /= d->out[k], t /= d->kernel[k];
        inside &= at >= 0 && at < d->in[k];
        *padded &= at < d->in[k] + d->pad_end[k];
        far += at * stride, stride *= d->in[k];
    }
    return inside ? far : -1;
}

typedef struct {
    const tn_pooling_desc *d;
    const double *x;
    double *y;
    int64_t in, out, taps;
    bool average, back;
} pool_job;

static pool_job job_of(const tn_pooling_desc *d) {
    return (pool_job){ .d = d,
                       .in = tn_op_product(d->in, 0, d->rank),
                       .out = tn_op_product(d->out, 0, d->rank),
                       .taps = tn_op_product(d->kernel, 0, d->rank) };
}

/* ------------------------------------------------------------------------------------------------- sums and back */

typedef struct {
    tn_pool_attrs pool;
    bool average, back;
} pool_sum_attrs;

static tn_status sum_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 1);
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, rank < 0 ? NULL : c->in[1]->dims);
    return TN_OK;
}

static void sum_channels(void *arg, int64_t begin, int64_t end, int thread) {
    const pool_job *j = arg;
    (void)thread;
    for (int64_t c = begin; c < end; c++)
        for (int64_t p = 0; p < j->out; p++) {
            int64_t count = 0;
            double s = 0, by = 1;
            for (int pass = j->average ? 0 : 1; pass < 2; pass++) /* the count first, then the elements */
                for (int64_t t = 0; t < j->taps; t++) {
                    bool padded;
                    int64_t at = place(j->d, p, t, &padded);
                    if (pass == 0)
                        count += j->d->count_include_pad ? padded : at >= 0, by = count ? 1 / (double)count : 0;
                    else if (at >= 0 && j->back)
                        j->y[c * j->in + at] += by * j->x[c * j->out + p];
                    else if (at >= 0)
                        s += by * j->x[c * j->in + at];
                }
            if (!j->back) j->y[c * j->out + p] = s;
        }
}

static tn_status sum_run(tn_run *r) {
    const tn_tensor *a = tn_in(r, 0), *like = tn_in(r, 1);
    tn_tensor *y = tn_out(r, 0);
    tn_pooling_desc d;
    const pool_sum_attrs *of = r->attrs;
    bool back = of->back;
    TN_TRY(tn_pool_describe(r->node, &of->pool, back ? like : a, back ? a : like, &d));
    if (a->rank != like->rank || a->dims[0] != like->dims[0] || a->dims[1] != like->dims[1])
        return tn_op_fail(r->node, TN_E_SHAPE, "the two shapes do not belong together");
    pool_job j = job_of(&d);
    int64_t n = tn_count(a), m = tn_count(y);
    double *x = tn_run_scratch(r, (size_t)n * sizeof *x + 64), *out = tn_run_scratch(r, (size_t)m * sizeof *out + 64);
    if (!x || !out) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for its sums");
    TN_TRY(tn_convert(a->dtype, a->data, TN_F64, x, n, true, TN_ROUND_NEAREST));
    memset(out, 0, (size_t)m * sizeof *out);
    j.x = x, j.y = out, j.back = back, j.average = of->average;
    if (n && m) tn_parallel(r->pool, d.n * d.channels, 1, sum_channels, &j);
    return tn_convert(TN_F64, out, y->dtype, y->data, m, true, TN_ROUND_NEAREST);
}

/* -------------------------------------------------------------------------------------------------------- builders */

static tn_value *pool_sum(tn_grad *g, tn_value *a, tn_value *like, bool average, bool back) {
    tn_node *n = tn_build_node(&g->build, "tenon", "PoolSum", (tn_value *[]){ a, like }, 2, 1);
    tn_build_keep(&g->build, n, g->node, NULL);
    if (n && g->st == TN_OK) g->st = tn_attr_set_int(n, "average", average);
    return n ? tn_build_typed_with(&g->build, n, tn_attr_of_int("back", back)) : NULL;
}

/* (sum |x|^p)^(1/p): the derivative is sign(x) |x|^(p-1) y^(1-p); a window of zeros has none to give. */
static void lp_parts(tn_grad *g) {
    tn_pool_attrs a = { 0 };
    if (g->st == TN_OK) g->st = tn_op_fill_attrs(g->node, g->node->op->attrs, &a);
    double p = (double)a.p;
    tn_grad_let_number(g, "p1", p - 1);
    tn_grad_formula(g, "still = Equal(y, 0); flow = Where(still, 0, dy * Pow(Where(still, 1, y), -p1));"
                       "own = Sign(x) * Pow(Abs(x), p1)");
}

tn_status tn_grad_pool(tn_grad *g) {
    if (!strcmp(g->node->type, "AveragePool")) {
        g->dx[0] = pool_sum(g, tn_grad_dy(g, 0), tn_grad_x(g, 0), true, true);
        return g->st;
    }
    lp_parts(g);
    tn_grad_let(g, "sums", pool_sum(g, tn_grad_formula(g, "flow"), tn_grad_x(g, 0), false, true));
    tn_grad_formula(g, "dx0 = own * sums");
    return g->st;
}

static tn_status tn_grad_pool_sum(tn_grad *g) {
    pool_sum_attrs a;
    TN_TRY(tn_op_fill_attrs(g->node, g->node->op->attrs, &a));
    if (tn_grad_wants(g, 0)) g->dx[0] = pool_sum(g, tn_grad_dy(g, 0), tn_grad_x(g, 0), a.average, !a.back);
    return g->st;
}

/* The indices say where the largest elements were; they are asked for in plain order. */
tn_status tn_grad_max_pool(tn_grad *g) {
    tn_value *at;
    tn_pool_attrs a = { 0 };
    TN_TRY(tn_op_fill_attrs(g->node, g->node->op->attrs, &a));
    if (a.storage_order) {
        tn_node *again = tn_build_list(&g->build, "MaxPool", 2, TN_VALUES(tn_grad_x(g, 0)));
        tn_build_keep(&g->build, again, g->node, NULL);
        tn_build_typed_with(&g->build, again, tn_attr_of_int("storage_order", 0));
        at = again ? again->outputs[1] : NULL;
    } else {
        at = tn_grad_y(g, 1);
    }
    g->dx[0] = tn_grad_scatter(g, tn_grad_dy(g, 0), at, tn_grad_x(g, 0));
    return g->st;
}

tn_status tn_grad_global_pool(tn_grad *g) {
    const char *type = g->node->type;
    int64_t axes[TN_MAX_RANK];
    int rank = tn_grad_rank(g, tn_grad_x(g, 0));
    for (int i = 2; i < rank; i++) axes[i - 2] = i;
    if (rank > 2) tn_grad_let(g, "axes", tn_build_ints(&g->build, "ints", axes, rank - 2));
    if (rank == 2 && strcmp(type, "GlobalLpPool")) {
        tn_grad_formula(g, "dx0 = dy"); /* one element each */
    } else if (!strcmp(type, "GlobalAveragePool")) {
        tn_grad_formula(g, "dx0 = Expand(dy * (CastLike(Size(y), dy) / CastLike(Size(x), dy)), Shape(x))");
    } else if (!strcmp(type, "GlobalMaxPool")) {
        tn_grad_formula(g, "m = CastLike(Equal(x, y), x); dx0 = dy * m / ReduceSum(m, axes)");
    } else {
        lp_parts(g);
        tn_grad_formula(g, "dx0 = own * flow");
    }
    return g->st;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port sum_in[] = { { "A", TN_FLOATS, 'T' }, { "like", TN_FLOATS, 0 }, { 0 } };
static const tn_attr_spec attrs[] = { TN_WINDOW_OF(pool_sum_attrs, pool.window),
                                      TN_WINDOW_CEIL_OF(pool_sum_attrs, pool.window),
                                      { TN_FLAG_AS(pool_sum_attrs, pool.count_include_pad, "count_include_pad",
                                                   false) },
                                      { TN_INT_AS(pool_sum_attrs, pool.p, "p", 2), .min = 1, .max = INT32_MAX },
                                      { TN_FLAG(pool_sum_attrs, average, false) },
                                      { TN_FLAG(pool_sum_attrs, back, false) },
                                      { 0 } };

const tn_op tn_ops_pool_back[] = {
    { .name = "PoolSum",
      .domain = "tenon",
      .since = 1,
      .flags = TN_OP_INTERNAL,
      .in = sum_in,
      .out = tn_ports_float_t,
      TN_ATTRS(attrs, pool_sum_attrs),
      .infer = sum_infer,
      .run = sum_run,
      .grad = tn_grad_pool_sum,
      .doc = "sums over windows, or every element to all places of its window" },
    { 0 },
};
