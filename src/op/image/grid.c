/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* grid.c - GridSample, AffineGrid: an image read at computed places, and the places an affine map makes. The gradient
 * of the first is grid_back.c. */
#include "op/image/grid.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/image/grads.h"
#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------------------- GridSample */

static tn_status sample_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), grid = tn_infer_rank(c, 1);
    tn_dim dims[TN_MAX_RANK];
    if (rank >= 0 && rank < 3) return tn_infer_fail(c, TN_E_SHAPE, "X has %d dimensions, at least 3 are needed", rank);
    if (rank >= 0 && grid >= 0 && rank != grid) return tn_infer_fail(c, TN_E_SHAPE, "X and grid differ in rank");
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, NULL);
    if (rank < 0 || grid < 0) return TN_OK;
    memcpy(dims, c->in[1]->dims, sizeof dims);
    for (int d = rank - 1; d >= 2; d--) dims[d] = c->in[1]->dims[d - 1];
    dims[0] = c->in[0]->dims[0], dims[1] = c->in[0]->dims[1];
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, dims);
    return TN_OK;
}

typedef struct {
    const tn_sampling *s;
    const tn_tensor *x, *grid;
    tn_tensor *y;
} sample_job;

static void sample_part(void *arg, int64_t begin, int64_t end, int thread) {
    const sample_job *j = arg;
    const tn_sampling *s = j->s;
    for (int64_t i = begin; i < end; i++) {
        tn_taps t;
        tn_sampling_taps(s, j->x, j->grid, i, NULL, thread, &t);
        for (int64_t c = 0; c < s->channels; c++) {
            int64_t plane = i / s->out * s->channels + c, to = plane * s->out + i % s->out;
            double v = tn_sampling_tapped(s, j->x, plane, &t);
            if (j->y->dtype == TN_F32)
                ((float *)j->y->data)[to] = (float)v;
            else
                tn_set_f64(j->y->dtype, j->y->data, to, v);
        }
    }
}

/* The nearest element as it is, of whatever type; outside, zero bits (of strings the empty one). */
static void copy_part(void *arg, int64_t begin, int64_t end, int thread) {
    const sample_job *j = arg;
    const tn_sampling *s = j->s;
    size_t each = (size_t)tn_dtypes[j->x->dtype].bytes;
    for (int64_t i = begin; i < end; i++) {
        tn_taps t;
        tn_sampling_taps(s, j->x, j->grid, i, NULL, thread, &t);
        for (int64_t c = 0; c < s->channels; c++) {
            int64_t plane = i / s->out * s->channels + c, to = plane * s->out + i % s->out;
            if (t.n)
                tn_op_copy_element(j->y, to, j->x, plane * s->in + t.at[0]);
            else
                memset((char *)j->y->data + (size_t)to * each, 0, each);
        }
    }
}

/* Real and imaginary parts each by themselves. */
static void complex_part(void *arg, int64_t begin, int64_t end, int thread) {
    const sample_job *j = arg;
    const tn_sampling *s = j->s;
    tn_dtype half = j->x->dtype == TN_C64 ? TN_F32 : TN_F64;
    for (int64_t i = begin; i < end; i++) {
        tn_taps t;
        tn_sampling_taps(s, j->x, j->grid, i, NULL, thread, &t);
        for (int64_t c = 0; c < 2 * s->channels; c++) {
            int64_t plane = i / s->out * s->channels + c / 2, to = plane * s->out + i % s->out;
            double sum = 0;
            for (int64_t k = 0; k < t.n; k++)
                sum += t.weight[k] * tn_get_f64(half, j->x->data, 2 * (plane * s->in + t.at[k]) + c % 2);
            tn_set_f64(half, j->y->data, 2 * to + c % 2, sum);
        }
    }
}

static tn_status sample_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *grid = tn_in(r, 1);
    tn_tensor *y = tn_out(r, 0);
    tn_sampling s;
    TN_TRY(tn_sampling_read(r, x, grid, &s));
    if (tn_count(y) == 0) return TN_OK;
    if (s.in == 0) return tn_op_fail(r->node, TN_E_SHAPE, "X is empty");
    if (x->dtype == TN_STRING && s.per_axis > 1)
        return tn_op_fail(r->node, TN_E_TYPE, "strings cannot be interpolated, only taken (mode nearest)");
    bool real = x->dtype != TN_STRING && !tn_dtype_is_complex(x->dtype);
    sample_job j = { &s, x, grid, y };
    tn_parallel(r->pool, x->dims[0] * s.out, 1 + 512 / s.channels,
                real              ? sample_part
                : s.per_axis == 1 ? copy_part
                                  : complex_part,
                &j);
    return tn_op_own_strings(y);
}

/* The places are linear in theta: what they are for the unit map, with a one behind, are the factors. */
static tn_status tn_grad_affine_grid(tn_grad *g) {
    int rank = tn_grad_rank(g, tn_grad_y(g, 0)) - 2;
    tn_grad_formula(g, "unit = Reshape(CastLike(%s, x), [1, %d, %d])",
                    rank == 3 ? "[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]" : "[1, 0, 0, 0, 1, 0]", rank, rank + 1);
    tn_grad_formula(g,
                    "base = AffineGrid{align_corners=%d}(Expand(unit, Shape(x)), x1);"
                    "places = Pad(Reshape(base, [0, -1, %d]), [0, 0, 0, 0, 0, 1], CastLike(1, x));"
                    "dx0 = MatMul(Transpose{perm=[0, 2, 1]}(Reshape(dy, [0, -1, %d])), places)",
                    tn_attr_int(g->node, "align_corners", 0) != 0, rank, rank);
    return g->st;
}

/* ---------------------------------------------------------------------------------------------------- AffineGrid */

static tn_status affine_infer(tn_infer *c) {
    int n;
    const tn_dim *size = tn_infer_ints(c, 1, &n);
    if (!size) { /* its length says the rank, the transform the batch */
        tn_dim shape[5] = { tn_infer_rank(c, 0) == 3 ? c->in[0]->dims[0] : TN_DIM_UNKNOWN };
        n = tn_infer_length(c, 1);
        for (int d = 1; d < 5; d++) shape[d] = d == n - 1 ? n - 2 : TN_DIM_UNKNOWN;
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), n == 4 || n == 5 ? n : -1, shape);
        return TN_OK;
    }
    if (n != 4 && n != 5) return tn_infer_fail(c, TN_E_SHAPE, "size has %d elements; 4 or 5 are needed", n);
    tn_dim dims[5] = { size[0] };
    for (int d = 2; d < n; d++) dims[d - 1] = size[d];
    dims[n - 1] = n - 2;
    for (int d = 0; d < n; d++)
        if (tn_dim_known(dims[d]) && dims[d] < 0) return tn_infer_fail(c, TN_E_INVALID, "size is negative");
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), n, dims);
    return TN_OK;
}

typedef struct {
    const tn_tensor *theta;
    tn_tensor *y;
    bool corners;
    int64_t places;
} affine_job;

static void affine_part(void *arg, int64_t begin, int64_t end, int thread) {
    const affine_job *j = arg;
    const tn_tensor *theta = j->theta;
    int rank = j->y->rank - 2;
    for (int64_t i = begin; i < end; i++) {
        double at[3];
        int64_t rest = i % j->places;
        for (int d = 0; d < rank; d++) { /* x first, y, z: the last dimension first */
            int64_t len = j->y->dims[rank - d], k = rest % len;
            rest /= len;
            at[d] = !j->corners ? (double)(2 * k + 1) / (double)len - 1
                    : len > 1   ? 2 * (double)k / (double)(len - 1) - 1
                                : 0;
        }
        for (int row = 0; row < rank; row++) {
            int64_t base = (i / j->places * rank + row) * (rank + 1);
            double v = tn_sampling_number(theta, base + rank);
            for (int d = 0; d < rank; d++) v += tn_sampling_number(theta, base + d) * at[d];
            tn_set_f64(j->y->dtype, j->y->data, i * rank + row, v);
        }
    }
}

static tn_status affine_run(tn_run *r) {
    const tn_tensor *theta = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    int rank = y->rank - 2;
    affine_job j = { theta, y, ((const tn_grid_attrs *)r->attrs)->align_corners, tn_op_product(y->dims, 1, rank + 1) };
    if (theta->rank != 3 || theta->dims[0] != y->dims[0] || theta->dims[1] != rank || theta->dims[2] != rank + 1)
        return tn_op_fail(r->node, TN_E_SHAPE, "theta must be [N, %d, %d] with size's N", rank, rank + 1);
    tn_parallel(r->pool, y->dims[0] * j.places, 512, affine_part, &j);
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port sample_in[] = { { "X", TN_ANY_TYPE & ~TN_PACKED, 'T' }, { "grid", TN_FLOATS, 0 }, { 0 } };
static const tn_attr_spec sample_attrs[] = { TN_GRID_SPECS, { 0 } };
static const tn_port affine_in[] = { { "theta", TN_FLOATS, 'T' }, { "size", tn_dtype_bit(TN_I64), 0 }, { 0 } };
static const tn_attr_spec affine_attrs[] = { { TN_FLAG(tn_grid_attrs, align_corners, false) }, { 0 } };

const tn_op tn_ops_grid[] = {
    { .name = "GridSample",
      .since = 22,
      .in = sample_in,
      .out = tn_ports_any_t,
      TN_ATTRS(sample_attrs, tn_grid_attrs),
      .infer = sample_infer,
      .run = sample_run,
      .grad = tn_grad_grid_sample,
      .doc = "an image or volume interpolated at the places of a grid" },
    { .name = "AffineGrid",
      .since = 20,
      .in = affine_in,
      .out = tn_ports_float_t,
      TN_ATTRS(affine_attrs, tn_grid_attrs),
      .infer = affine_infer,
      .run = affine_run,
      .grad = tn_grad_affine_grid,
      .doc = "where an affine map takes the pixels of an image" },
    { 0 },
};
