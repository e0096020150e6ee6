/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* grid_back.c - the gradient of GridSample, of any order. Two operators carry it, which are each other's gradients:
 *
 *   tenon.GridSlope(X, grid)          what GridSample reads, differentiated `orders` times by each number of a place
 *   tenon.GridSpread(dY, grid, like)  the opposite way: dY added up where GridSlope reads, in an image of like's shape
 *
 * With orders o, and o + d for one more by number d:  d GridSlope_o / d grid_d = GridSlope_(o + d), and GridSpread_o is
 * the adjoint of GridSlope_o in X. */
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/image/grads.h"
#include "op/image/grid.h"
#include <string.h>

/* ------------------------------------------------------------------------------------------------------------- runs */

static tn_status slope_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), grid = tn_infer_rank(c, 1);
    tn_dim dims[TN_MAX_RANK] = { 0 };
    for (int d = 0; d < rank && grid == rank; d++) dims[d] = d < 2 ? c->in[0]->dims[d] : c->in[1]->dims[d - 1];
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, grid == rank ? dims : NULL);
    return TN_OK;
}

static tn_status spread_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 2);
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, rank < 0 ? NULL : c->in[2]->dims);
    return TN_OK;
}

typedef struct {
    const tn_sampling *s;
    const tn_tensor *x, *grid;
    const int64_t *orders;
    tn_tensor *y;
} slope_job;

static void slope_part(void *arg, int64_t begin, int64_t end, int thread) {
    const slope_job *j = arg;
    const tn_sampling *s = j->s;
    for (int64_t i = begin; i < end; i++) {
        tn_taps t;
        tn_sampling_taps(s, j->x, j->grid, i, j->orders, thread, &t);
        for (int64_t c = 0; c < s->channels; c++) {
            int64_t plane = i / s->out * s->channels + c;
            tn_set_f64(j->y->dtype, j->y->data, plane * s->out + i % s->out, tn_sampling_tapped(s, j->x, plane, &t));
        }
    }
}

static tn_status slope_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *grid = tn_in(r, 1);
    tn_sampling s;
    TN_TRY(tn_sampling_read(r, x, grid, &s));
    if (tn_count(tn_out(r, 0)) == 0) return TN_OK;
    if (s.in == 0) return tn_op_fail(r->node, TN_E_SHAPE, "X is empty");
    slope_job j = { &s, x, grid, ((const tn_grid_attrs *)r->attrs)->orders.v, tn_out(r, 0) };
    tn_parallel(r->pool, x->dims[0] * s.out, 1 + 512 / s.channels, slope_part, &j);
    return TN_OK;
}

static tn_status spread_run(tn_run *r) {
    const tn_tensor *dy = tn_in(r, 0), *grid = tn_in(r, 1), *like = tn_in(r, 2);
    tn_tensor *dx = tn_out(r, 0);
    tn_sampling s;
    TN_TRY(tn_sampling_read(r, like, grid, &s));
    double *sums = tn_run_scratch(r, (size_t)tn_count(dx) * sizeof *sums + 64);
    if (!sums) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for its sums");
    memset(sums, 0, (size_t)tn_count(dx) * sizeof *sums);
    for (int64_t i = 0; i < like->dims[0] * s.out && s.in > 0; i++) {
        tn_taps t;
        int64_t first = i / s.out * s.channels;
        tn_sampling_taps(&s, like, grid, i, ((const tn_grid_attrs *)r->attrs)->orders.v, 0, &t);
        for (int64_t c = first; c < first + s.channels; c++) {
            double d = tn_get_f64(dy->dtype, dy->data, c * s.out + i % s.out);
            for (int64_t k = 0; k < t.n; k++) sums[c * s.in + t.at[k]] += t.weight[k] * d;
        }
    }
    return tn_convert(TN_F64, sums, dx->dtype, dx->data, tn_count(dx), true, TN_ROUND_NEAREST);
}

/* ------------------------------------------------------------------------------------------------------- gradients */

/* `type` on these inputs, with the attributes of the node differentiated and its orders, one more by number d (-1: no
 * more). */
static tn_value *derived(tn_grad *g, const char *type, tn_value *const *in, int n_in, int rank, int d) {
    int count;
    const int64_t *old = tn_attr_ints(g->node, "orders", &count);
    int64_t orders[TN_MAX_RANK] = { 0 };
    for (int k = 0; k < rank; k++) orders[k] = (old ? old[k] : 0) + (k == d);
    tn_node *n = tn_build_node(&g->build, "tenon", type, in, n_in, 1);
    tn_build_keep(&g->build, n, g->node, NULL);
    if (n && g->st == TN_OK) g->st = tn_attr_set_ints(n, "orders", orders, rank);
    return tn_build_typed(&g->build, n);
}

/* What flows back to the grid, when what is read from x flows `flow`. */
static tn_value *to_grid(tn_grad *g, tn_value *flow, tn_value *x, tn_value *grid, int rank) {
    tn_value *parts[TN_MAX_RANK];
    for (int d = 0; d < rank; d++) {
        tn_grad_let(g, "flow", flow);
        tn_grad_let(g, "slope", derived(g, "GridSlope", (tn_value *[]){ x, grid }, 2, rank, d));
        parts[d] = tn_grad_formula(g, "Unsqueeze(ReduceSum{keepdims=0}(flow * slope, [1]), [-1])");
    }
    tn_node *all = tn_build_node(&g->build, "", "Concat", parts, rank, 1);
    return tn_emit(&g->build, "CastLike", tn_build_typed_with(&g->build, all, tn_attr_of_int("axis", -1)), grid);
}

static int image_rank(tn_grad *g, tn_value *x) {
    int rank = tn_grad_rank(g, x) - 2;
    if (g->st == TN_OK && rank < 1) tn_grad_fail(g, TN_E_SHAPE, "an image of %d dimensions", rank);
    return rank;
}

/* GridSample and GridSlope: (X, grid) */
tn_status tn_grad_grid_sample(tn_grad *g) {
    tn_value *dy = tn_grad_dy(g, 0), *x = tn_grad_x(g, 0), *grid = tn_grad_x(g, 1);
    int rank = image_rank(g, x);
    if (tn_grad_wants(g, 0)) g->dx[0] = derived(g, "GridSpread", (tn_value *[]){ dy, grid, x }, 3, rank, -1);
    if (tn_grad_wants(g, 1)) g->dx[1] = to_grid(g, dy, x, grid, rank);
    return g->st;
}

/* (dY, grid, like), linear in dY; of `like` only the shape is read */
static tn_status spread_grad(tn_grad *g) {
    tn_value *d = tn_grad_dy(g, 0), *grid = tn_grad_x(g, 1);
    int rank = image_rank(g, d);
    if (tn_grad_wants(g, 0)) g->dx[0] = derived(g, "GridSlope", (tn_value *[]){ d, grid }, 2, rank, -1);
    if (tn_grad_wants(g, 1)) g->dx[1] = to_grid(g, tn_grad_x(g, 0), d, grid, rank);
    return g->st;
}

/* ------------------------------------------------------------------------------------------------------------ rows */

static const tn_port slope_in[] = { { "X", TN_FLOATS, 'T' }, { "grid", TN_FLOATS, 0 }, { 0 } };
static const tn_port spread_in[] = {
    { "dY", TN_FLOATS, 'T' }, { "grid", TN_FLOATS, 0 }, { "like", TN_FLOATS, 0 }, { 0 }
};
static const tn_attr_spec attrs[] = { TN_GRID_SPECS, { TN_INTS_OF(tn_grid_attrs, orders) }, { 0 } };

const tn_op tn_ops_grid_back[] = {
    { .name = "GridSlope",
      .domain = "tenon",
      .since = 1,
      .flags = TN_OP_INTERNAL,
      .in = slope_in,
      .out = tn_ports_float_t,
      TN_ATTRS(attrs, tn_grid_attrs),
      .infer = slope_infer,
      .run = slope_run,
      .grad = tn_grad_grid_sample,
      .doc = "a derivative of GridSample with respect to its grid" },
    { .name = "GridSpread",
      .domain = "tenon",
      .since = 1,
      .flags = TN_OP_INTERNAL,
      .in = spread_in,
      .out = tn_ports_float_t,
      TN_ATTRS(attrs, tn_grid_attrs),
      .infer = spread_infer,
      .run = spread_run,
      .grad = spread_grad,
      .doc = "the gradient of GridSample's image" },
    { 0 },
};
