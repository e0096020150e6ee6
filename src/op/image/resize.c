/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* resize.c - Resize: resampling along chosen axes to given sizes or by given scales. The arithmetic is kernel/resize.h.
 */
#include "kernel/resize.h"
#include "op/core/grad.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include <math.h>
#include <string.h>

enum { X, ROI, SCALES, SIZES };

/* Words are in the order of kernel/resize.h's enums. */
typedef struct {
    tn_ints axes;
    int coordinate_transformation_mode, keep_aspect_ratio_policy, mode, nearest_mode;
    bool antialias, exclude_outside;
    float cubic_coeff_a, extrapolation_value;
} resize;

/* The axes that scales, sizes and roi speak of: the attribute, or all. errors TN_E_INVALID. */
static tn_status read_axes(const tn_node *n, const resize *a, int rank, int *axes, int *count) {
    if (!a->axes.v) {
        *count = rank;
        for (int d = 0; d < rank; d++) axes[d] = d;
        return TN_OK;
    }
    return tn_op_axes(n, a->axes.v, (int64_t)a->axes.n, rank, axes, count);
}

static bool crops(const resize *a) { return a->coordinate_transformation_mode == TN_COORD_TF_CROP_AND_RESIZE; }

static bool given(const tn_infer *c, int i) { /* an empty tensor counts as omitted */
    return tn_infer_has(c, i) && !(c->in[i]->rank == 1 && tn_dim_same(c->in[i]->dims[0], 0));
}

static tn_status resize_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), axes[TN_MAX_RANK], n, count;
    tn_dtype t = tn_infer_dtype(c, 0);
    const resize *a = c->attrs;
    tn_dim dims[TN_MAX_RANK];
    if (rank < 0) {
        tn_infer_out(c, 0, t, -1, NULL);
        return TN_OK;
    }
    TN_TRY(read_axes(c->node, a, rank, axes, &n));
    memcpy(dims, c->in[0]->dims, sizeof dims);
    for (int i = 0; i < n; i++) dims[axes[i]] = TN_DIM_UNKNOWN;
    if (given(c, SIZES)) {
        const tn_dim *sizes = tn_infer_ints(c, SIZES, &count);
        if (sizes && count != n) return tn_infer_fail(c, TN_E_SHAPE, "sizes has %d entries, %d are needed", count, n);
        tn_aspect policy = (tn_aspect)a->keep_aspect_ratio_policy;
        bool known = true;
        for (int i = 0; sizes && i < n; i++) {
            if (tn_dim_known(sizes[i]) && sizes[i] < 0)
                return tn_infer_fail(c, TN_E_SHAPE, "sizes holds %lld", (long long)sizes[i]);
            known &= tn_dim_known(sizes[i]) && tn_dim_known(c->in[0]->dims[axes[i]]);
            if (policy == TN_ASPECT_STRETCH) dims[axes[i]] = sizes[i];
        }
        if (sizes && known && policy != TN_ASPECT_STRETCH) {
            int64_t in[TN_MAX_RANK], out[TN_MAX_RANK];
            double scales[TN_MAX_RANK];
            for (int i = 0; i < n; i++) in[i] = c->in[0]->dims[axes[i]];
            tn_resize_sizes(policy, n, in, sizes, out, scales);
            for (int i = 0; i < n; i++) dims[axes[i]] = out[i];
        }
    } else if (given(c, SCALES) && tn_infer_tensor(c, SCALES)) {
        const tn_tensor *s = tn_infer_tensor(c, SCALES), *roi = crops(a) ? tn_infer_tensor(c, ROI) : NULL;
        if (tn_count(s) != n)
            return tn_infer_fail(c, TN_E_SHAPE, "scales has %lld entries, %d are needed", (long long)tn_count(s), n);
        if (roi && tn_count(roi) != 2 * n)
            return tn_infer_fail(c, TN_E_SHAPE, "roi has %lld entries, %d are needed", (long long)tn_count(roi), 2 * n);
        for (int i = 0; i < n; i++) {
            double by = tn_get_f64(s->dtype, s->data, i);
            if (!(by > 0) || by > 1e9) return tn_infer_fail(c, TN_E_INVALID, "scales[%d] is %g", i, by);
            if (crops(a)) {
                if (!roi) continue;
                by *= tn_get_f64(roi->dtype, roi->data, n + i) - tn_get_f64(roi->dtype, roi->data, i);
                if (!(by >= 0))
                    return tn_infer_fail(c, TN_E_INVALID, "roi ends before it starts along axis %d", axes[i]);
            }
            dims[axes[i]] = tn_dim_scale(c->syms, c->in[0]->dims[axes[i]], by);
        }
    } else if (!given(c, SCALES)) {
        return tn_infer_fail(c, TN_E_INVALID, "neither scales nor sizes are given");
    }
    tn_infer_out(c, 0, t, rank, dims);
    return TN_OK;
}

/* Options, scales and region of a node for an input of these sizes. */
typedef struct {
    tn_resize_opts o;
    double scales[TN_MAX_RANK];
    float region[2 * TN_MAX_RANK];
} resize_plan;

static tn_status plan_of(const tn_run *r, const tn_tensor *x, resize_plan *p) {
    const resize *a = r->attrs;
    const tn_tensor *roi = tn_in(r, ROI), *s = tn_in(r, SCALES), *sizes = tn_in(r, SIZES);
    p->o = (tn_resize_opts){ .mode = (tn_resize_mode)a->mode,
                             .coord = (tn_resize_coord)a->coordinate_transformation_mode,
                             .nearest = (tn_resize_nearest)a->nearest_mode,
                             .antialias = a->antialias,
                             .exclude_outside = a->exclude_outside,
                             .cubic_a = a->cubic_coeff_a,
                             .extrapolation = a->extrapolation_value };
    int axes[TN_MAX_RANK], count;
    TN_TRY(read_axes(r->node, a, x->rank, axes, &count));
    for (int d = 0; d < x->rank; d++) p->scales[d] = 1, p->region[d] = 0, p->region[x->rank + d] = 1;
    if (sizes && tn_count(sizes) > 0) {
        int64_t in[TN_MAX_RANK], want[TN_MAX_RANK], out[TN_MAX_RANK];
        double by[TN_MAX_RANK];
        for (int i = 0; i < count; i++) in[i] = x->dims[axes[i]], want[i] = tn_get_i64(sizes->dtype, sizes->data, i);
        tn_resize_sizes((tn_aspect)a->keep_aspect_ratio_policy, count, in, want, out, by);
        for (int i = 0; i < count; i++) p->scales[axes[i]] = by[i];
    } else {
        for (int i = 0; i < count; i++) p->scales[axes[i]] = tn_get_f64(s->dtype, s->data, i);
    }
    for (int i = 0; crops(a) && roi && i < count && tn_count(roi) == 2 * count; i++) {
        p->region[axes[i]] = (float)tn_get_f64(roi->dtype, roi->data, i);
        p->region[x->rank + axes[i]] = (float)tn_get_f64(roi->dtype, roi->data, count + i);
    }
    return TN_OK;
}

/* The shape may be known without the numbers: of a scalar, or when the region is not asked for. */
static tn_status resize_check(const tn_run *r) {
    const resize *a = r->attrs;
    const tn_tensor *x = tn_in(r, r->n_in > 4 ? 4 : X);
    int64_t n = a->axes.v ? (int64_t)a->axes.n : x->rank;
    static const char *const names[] = { "", "roi", "scales", "sizes" };
    for (int i = ROI; i <= SIZES; i++) {
        const tn_tensor *t = tn_in(r, i);
        int64_t want = i == ROI ? 2 * n : n, have = t ? tn_count(t) : 0;
        if (have && have != want && (i != ROI || crops(a)))
            return tn_op_fail(r->node, TN_E_SHAPE, "%s has %lld entries, %lld are needed", names[i], (long long)have,
                              (long long)want);
    }
    const tn_tensor *scales = tn_in(r, SCALES), *sizes = tn_in(r, SIZES);
    if (n && !(scales && tn_count(scales)) && !(sizes && tn_count(sizes)))
        return tn_op_fail(r->node, TN_E_INVALID, "neither scales nor sizes are given");
    return TN_OK;
}

static tn_status resize_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, X);
    tn_tensor *y = tn_out(r, 0);
    resize_plan p;
    TN_TRY(plan_of(r, x, &p));
    if (tn_count(y) == 0) return TN_OK;
    tn_status st = tn_resize_run(&p.o, x->dtype, x->rank, x->dims, y->dims, p.scales, crops(r->attrs) ? p.region : NULL,
                                 x->data, y->data, r->pool);
    return st == TN_OK ? tn_op_own_strings(y) : tn_fail_at(st, "%s", tn_node_where(r->node));
}

/* ------------------------------------------------------------------------------------------------------- gradients */

static tn_status back_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 4);
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, rank < 0 ? NULL : c->in[4]->dims);
    return TN_OK;
}

/* (dY, roi, scales, sizes, X): what flows back to X. */
static tn_status back_run(tn_run *r) {
    const tn_tensor *dy = tn_in(r, 0), *x = tn_in(r, 4);
    tn_tensor *dx = tn_out(r, 0);
    resize_plan p;
    TN_TRY(plan_of(r, x, &p));
    int64_t n = tn_count(dy), m = tn_count(dx);
    double *a = tn_run_scratch(r, (size_t)n * sizeof *a + 64), *b = tn_run_scratch(r, (size_t)m * sizeof *b + 64);
    if (!a || !b) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for its sums");
    TN_TRY(tn_convert(dy->dtype, dy->data, TN_F64, a, n, true, TN_ROUND_NEAREST));
    tn_status st =
        tn_resize_f64(&p.o, true, x->rank, x->dims, dy->dims, p.scales, crops(r->attrs) ? p.region : NULL, a, b);
    if (st != TN_OK) return tn_fail_at(st, "%s", tn_node_where(r->node));
    return tn_convert(TN_F64, b, dx->dtype, dx->data, m, true, TN_ROUND_NEAREST);
}

static tn_node *back_node(tn_grad *g, const char *domain, const char *type, tn_value *const *in, int n) {
    tn_node *node = tn_build_node(&g->build, domain, type, in, n, 1);
    tn_build_keep(&g->build, node, g->node, NULL);
    return node;
}

static tn_status tn_grad_resize(tn_grad *g) {
    tn_value *in[] = {
        tn_grad_dy(g, 0),
        tn_grad_x(g, ROI),
        tn_grad_x(g, SCALES),
        tn_grad_x(g, SIZES),
        tn_grad_x(g, X)
    };
    for (int i = 1; i < 4; i++)
        if (tn_grad_wants(g, i)) return tn_op_fail(g->node, TN_E_UNSUPPORTED, "only X has a gradient");
    g->dx[0] = tn_build_typed(&g->build, back_node(g, "tenon", "ResizeBack", in, 5));
    return g->st;
}

static tn_status grad_of_back(tn_grad *g) { /* linear: forward again */
    tn_value *in[] = { tn_grad_dy(g, 0), tn_grad_x(g, ROI), tn_grad_x(g, SCALES), tn_grad_x(g, SIZES) };
    tn_node *n = back_node(g, "", "Resize", in, 4);
    if (n && g->st == TN_OK) g->st = tn_attr_set_float(n, "extrapolation_value", 0);
    g->dx[0] = tn_build_typed(&g->build, n);
    return g->st;
}

static const tn_port resize_in[] = { { "X", TN_ANY_TYPE, 'T' },
                                     { "roi", TN_FLOATS, 0, .optional = true },
                                     { "scales", TN_FLOATS, 0, .optional = true },
                                     { "sizes", tn_dtype_bit(TN_I64), 0, .optional = true },
                                     { 0 } };
#define NAME(id, name) "|" name /* lists begin with the second character */
static const tn_attr_spec resize_attrs[] = {
    { TN_FLAG(resize, antialias, false) },
    { TN_INTS_OF(resize, axes) },
    { TN_WORD(resize, coordinate_transformation_mode, &(TN_RESIZE_COORDS(NAME))[1], "half_pixel") },
    { TN_FLOAT(resize, cubic_coeff_a, -0.75f) },
    { TN_FLAG(resize, exclude_outside, false) },
    { TN_FLOAT(resize, extrapolation_value, 0) },
    { TN_WORD(resize, keep_aspect_ratio_policy, "stretch|not_larger|not_smaller", "stretch") },
    { TN_WORD(resize, mode, "nearest|linear|cubic", "nearest") },
    { TN_WORD(resize, nearest_mode, &(TN_RESIZE_NEARESTS(NAME))[1], "round_prefer_floor") },
    { 0 },
};

static const tn_port back_in[] = { { "dY", TN_FLOATS, 'T' },
                                   { "roi", TN_FLOATS, 0, .optional = true },
                                   { "scales", TN_FLOATS, 0, .optional = true },
                                   { "sizes", tn_dtype_bit(TN_I64), 0, .optional = true },
                                   { "X", TN_FLOATS, 'T' },
                                   { 0 } };

const tn_op tn_ops_resize[] = {
    { .name = "Resize",
      .since = 19,
      .in = resize_in,
      .out = tn_ports_any_t,
      TN_ATTRS(resize_attrs, resize),
      .infer = resize_infer,
      .check = resize_check,
      .run = resize_run,
      .grad = tn_grad_resize,
      .doc = "resampling to sizes or by scales: nearest, linear or cubic" },
    { .name = "ResizeBack",
      .domain = "tenon",
      .since = 1,
      .flags = TN_OP_INTERNAL,
      .in = back_in,
      .out = tn_ports_float_t,
      TN_ATTRS(resize_attrs, resize),
      .infer = back_infer,
      .check = resize_check,
      .run = back_run,
      .grad = grad_of_back,
      .doc = "what flows back through Resize" },
    { 0 },
};
