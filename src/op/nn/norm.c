/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* norm.c - normalisations: batch, layer, RMS, instance, group, Lp, local response. float32 takes kernel/norm.h; every
 * float type has the definition in double precision here. */
#include "kernel/norm.h"
#include "base/budget.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/nn/grads.h"
#include <math.h>
#include <string.h>

/* Attributes of the whole family; what a row does not have is 0. */
typedef struct {
    float epsilon, momentum, alpha, beta, bias;
    bool training_mode;
    tn_dtype stash_type; /* of the statistics that LayerNormalization gives */
    int64_t axis, num_groups, p, size;
    tn_ints axes;
} normalisation;

static double at(const tn_tensor *t, int64_t i) { return tn_get_f64(t->dtype, t->data, i); }

static tn_status check_count(const tn_run *r, int i, int64_t want) {
    const tn_tensor *t = tn_in(r, i);
    if (t && tn_count(t) != want)
        return tn_op_fail(r->node, TN_E_SHAPE, "input %d has %lld elements, %lld are needed", i, (long long)tn_count(t),
                          (long long)want);
    return TN_OK;
}

static bool all_f32(const tn_run *r) {
    for (int i = 0; i < r->n_in; i++)
        if (r->in[i] && tn_in(r, i)->dtype != TN_F32) return false;
    return true;
}

static tn_status image_infer(tn_infer *c) { /* [N, C, ...] */
    if (tn_infer_rank(c, 0) == 0 || (tn_infer_rank(c, 0) == 1 && c->node->op->arg != 1))
        return tn_infer_fail(c, TN_E_SHAPE, "the input has %d dimensions; batch and channels are needed",
                             tn_infer_rank(c, 0));
    return tn_infer_same(c);
}

/* --------------------------------------------------------------------------------------------- BatchNormalization */

static tn_status batch_infer(tn_infer *c) {
    TN_TRY(image_infer(c));
    for (int i = 1; i < c->n_out; i++) {
        int rank = tn_infer_rank(c, 0);
        tn_dim channels = rank < 0 ? TN_DIM_UNKNOWN : rank > 1 ? c->in[0]->dims[1] : 1;
        tn_infer_out(c, i, tn_infer_dtype(c, i < 3 ? 3 : 0), 1, &channels);
    }
    return TN_OK;
}

/* Training mode: the batch's own statistics, and running ones moved towards them. */
static void batch_statistics(const tn_tensor *x, int64_t channels, int64_t inner, int64_t c, double *mean,
                             double *var) {
    int64_t batch = inner ? x->dims[0] : 0;
    double sum = 0, sq = 0, n = (double)(batch * inner);
    tn_ticks ticks = { 0 };
    for (int64_t b = 0; b < batch; b++)
        for (int64_t i = 0; i < inner && !tn_ticks_stopped(&ticks, 4); i++)
            sum += at(x, (b * channels + c) * inner + i);
    *mean = sum / n;
    for (int64_t b = 0; b < batch; b++)
        for (int64_t i = 0; i < inner && !tn_ticks_stopped(&ticks, 4); i++) {
            double d = at(x, (b * channels + c) * inner + i) - *mean;
            sq += d * d;
        }
    *var = sq / n;
}

/* Outside training the running statistics stay as they are. */
static void keep_statistics(const tn_run *r) {
    for (int i = 1; i < 3; i++)
        if (tn_out(r, i)) tn_op_copy_elements(tn_out(r, i), 0, tn_in(r, 2 + i), 0, tn_count(tn_out(r, i)));
}

/* In double precision, channel by channel. */
typedef struct {
    tn_run *r;
    int64_t channels, inner;
    double eps, momentum;
    bool training;
} batch_job;

static void batch_channel(const batch_job *j, int64_t c) {
    const tn_tensor *x = tn_in(j->r, 0), *mean = tn_in(j->r, 3), *var = tn_in(j->r, 4);
    tn_tensor *y = tn_out(j->r, 0), *rm = tn_out(j->r, 1), *rv = tn_out(j->r, 2);
    double m = at(mean, c), v = at(var, c), beta = at(tn_in(j->r, 2), c);
    tn_ticks ticks = { 0 };
    if (j->training) {
        batch_statistics(x, j->channels, j->inner, c, &m, &v);
        if (rm) tn_set_f64(rm->dtype, rm->data, c, at(mean, c) * j->momentum + m * (1 - j->momentum));
        if (rv) tn_set_f64(rv->dtype, rv->data, c, at(var, c) * j->momentum + v * (1 - j->momentum));
    }
    double scale = at(tn_in(j->r, 1), c) / sqrt(v + j->eps);
    for (int64_t b = 0; b < (j->inner ? x->dims[0] : 0); b++)
        for (int64_t i = 0; i < j->inner && !tn_ticks_stopped(&ticks, 4); i++) {
            int64_t k = (b * j->channels + c) * j->inner + i;
            tn_set_f64(y->dtype, y->data, k, (at(x, k) - m) * scale + beta);
        }
}

static void batch_channels(void *arg, int64_t begin, int64_t end, int thread) {
    (void)thread;
    for (int64_t c = begin; c < end; c++) batch_channel(arg, c);
}

static tn_status batch_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *gamma = tn_in(r, 1), *beta = tn_in(r, 2), *mean = tn_in(r, 3),
                    *var = tn_in(r, 4);
    tn_tensor *y = tn_out(r, 0);
    int64_t channels = x->rank > 1 ? x->dims[1] : 1, inner = tn_op_product(x->dims, 2, x->rank);
    const normalisation *a = r->attrs;
    bool training = a->training_mode;
    double eps = (double)a->epsilon, momentum = (double)a->momentum;
    for (int i = 1; i < 5; i++) TN_TRY(check_count(r, i, channels));
    if (!training) keep_statistics(r);
    if (!training && all_f32(r)) {
        float *scale = tn_op_scratch(r, sizeof *scale, 2, channels, 1), *shift = scale + channels;
        if (!scale) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for %lld channels", (long long)channels);
        tn_batch_norm_fold(channels, gamma->data, beta->data, mean->data, var->data, (float)eps, scale, shift);
        tn_channel_affine_run(x->rank > 0 ? x->dims[0] : 1, channels, inner, x->data, scale, shift, y->data, r->pool);
        return TN_OK;
    }
    batch_job j = { r, channels, inner, eps, momentum, training };
    tn_parallel(r->pool, channels, 1, batch_channels, &j);
    return TN_OK;
}

/* ------------------------------------------------------------------------- LayerNormalization and RMSNormalization */

static tn_status layer_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), axis;
    const normalisation *a = c->attrs;
    TN_TRY(tn_infer_same(c));
    if (!(tn_dtype_bit(a->stash_type) & TN_FLOATS))
        return tn_infer_fail(c, TN_E_TYPE, "stash_type is %s, which is no type of floats",
                             tn_dtype_name(a->stash_type));
    if (rank < 0) return TN_OK;
    TN_TRY(tn_op_axis(c->node, a->axis, rank, &axis));
    for (int i = 1; i < c->n_out; i++) {
        tn_dim dims[TN_MAX_RANK];
        for (int d = 0; d < rank; d++) dims[d] = d < axis ? c->in[0]->dims[d] : 1;
        tn_infer_out(c, i, a->stash_type, rank, dims);
    }
    return TN_OK;
}

/* A scale or bias, broadcast to x. */
typedef struct {
    const tn_tensor *t; /* or NULL */
    bool plain;         /* one element for each of a row */
} row_operand;

static tn_status row_operand_of(tn_run *r, int i, const tn_tensor *x, int axis, row_operand *out) {
    const tn_tensor *t = tn_in(r, i);
    *out = (row_operand){ t, true };
    if (!t) return TN_OK;
    if (t->rank == 1 && t->dims[0] == tn_op_product(x->dims, axis, x->rank)) return TN_OK; /* also of several axes */
    for (int d = x->rank - 1, e = t->rank - 1; d >= 0 || e >= 0; d--, e--) {
        int64_t of_x = d >= 0 ? x->dims[d] : 1, of_t = e >= 0 ? t->dims[e] : 1;
        if (of_t != 1 && of_t != of_x)
            return tn_op_fail(r->node, TN_E_SHAPE, "scale or bias does not fit: %lld elements for %lld",
                              (long long)of_t, (long long)of_x);
        if (of_t != (d >= axis ? of_x : 1)) out->plain = false;
    }
    return TN_OK;
}

/* Its element for element i of that row of n. */
static double operand_at(const row_operand *o, const tn_tensor *x, int64_t row, int64_t n, int64_t i) {
    if (o->plain) return at(o->t, i);
    int64_t k = row * n + i, place = 0, step = 1;
    for (int d = x->rank - 1, e = o->t->rank - 1; d >= 0 && e >= 0; d--, e--) {
        if (o->t->dims[e] != 1) place += k % x->dims[d] * step;
        step *= o->t->dims[e];
        k /= x->dims[d];
    }
    return at(o->t, place);
}

static tn_status layer_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *gamma = tn_in(r, 1), *beta = tn_in(r, 2);
    tn_tensor *y = tn_out(r, 0), *mean = tn_out(r, 1), *rstd = tn_out(r, 2);
    const normalisation *a = r->attrs;
    bool rms = r->node->op->arg == 1;
    int axis = tn_op_axis_at(a->axis, x->rank);
    int64_t rows = tn_op_product(x->dims, 0, axis), n = tn_op_product(x->dims, axis, x->rank);
    float eps = a->epsilon;
    row_operand g, b;
    TN_TRY(row_operand_of(r, 1, x, axis, &g));
    TN_TRY(row_operand_of(r, 2, x, axis, &b));
    if (n == 0 && !mean && !rstd) return TN_OK;
    bool whole =
        g.plain && b.plain && all_f32(r) && (!mean || mean->dtype == TN_F32) && (!rstd || rstd->dtype == TN_F32);
    if (whole && rms) {
        tn_rms_norm_run(rows, n, x->data, gamma ? gamma->data : NULL, eps, y->data, NULL, r->pool);
        return TN_OK;
    }
    if (whole) {
        tn_layer_norm_run(rows, n, x->data, gamma ? gamma->data : NULL, beta ? beta->data : NULL, eps, y->data,
                          mean ? mean->data : NULL, rstd ? rstd->data : NULL, r->pool);
        return TN_OK;
    }
    for (int64_t row = 0; row < rows; row++) {
        double m = 0, v = 0;
        for (int64_t i = 0; i < n && !rms; i++) m += at(x, row * n + i);
        m /= (double)n;
        for (int64_t i = 0; i < n; i++) v += (at(x, row * n + i) - m) * (at(x, row * n + i) - m);
        double s = 1 / sqrt(v / (double)n + (double)eps);
        if (mean) tn_set_f64(mean->dtype, mean->data, row, m);
        if (rstd) tn_set_f64(rstd->dtype, rstd->data, row, s);
        for (int64_t i = 0; i < n; i++)
            tn_set_f64(y->dtype, y->data, row * n + i,
                       (at(x, row * n + i) - m) * s * (gamma ? operand_at(&g, x, row, n, i) : 1) +
                           (beta ? operand_at(&b, x, row, n, i) : 0));
    }
    return TN_OK;
}

/* -------------------------------------------------------------------- InstanceNormalization and GroupNormalization */

static tn_status group_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *gamma = tn_in(r, 1), *beta = tn_in(r, 2);
    tn_tensor *y = tn_out(r, 0);
    int64_t channels = x->dims[1], inner = tn_op_product(x->dims, 2, x->rank);
    const normalisation *a = r->attrs;
    int64_t groups = r->node->op->arg ? channels : a->num_groups;
    double eps = (double)a->epsilon;
    TN_TRY(check_count(r, 1, channels));
    TN_TRY(check_count(r, 2, channels));
    if (channels == 0 || tn_count(x) == 0) return TN_OK;
    if (groups < 1 || channels % groups)
        return tn_op_fail(r->node, TN_E_INVALID, "num_groups %lld does not divide %lld channels", (long long)groups,
                          (long long)channels);
    if (all_f32(r)) {
        tn_group_norm_run(x->dims[0], channels, groups, inner, x->data, gamma->data, beta->data, (float)eps, y->data,
                          r->pool);
        return TN_OK;
    }
    int64_t n = channels / groups * inner;
    for (int64_t g = 0; g < x->dims[0] * groups; g++) {
        double m = 0, v = 0;
        for (int64_t i = 0; i < n; i++) m += at(x, g * n + i);
        m /= (double)n;
        for (int64_t i = 0; i < n; i++) v += (at(x, g * n + i) - m) * (at(x, g * n + i) - m);
        double s = 1 / sqrt(v / (double)n + eps);
        for (int64_t i = 0; i < n; i++) {
            int64_t c = (g * n + i) / inner % channels;
            tn_set_f64(y->dtype, y->data, g * n + i, (at(x, g * n + i) - m) * s * at(gamma, c) + at(beta, c));
        }
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------ LpNormalization, MeanVariance, LRN */

static tn_status lp_infer(tn_infer *c) {
    int axis;
    const normalisation *a = c->attrs;
    if (tn_infer_rank(c, 0) >= 0) TN_TRY(tn_op_axis(c->node, a->axis, tn_infer_rank(c, 0), &axis));
    return tn_infer_same(c);
}

static tn_status lp_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    const normalisation *a = r->attrs;
    int axis = tn_op_axis_at(a->axis, x->rank);
    int64_t p = a->p, n = x->dims[axis], inner = tn_op_product(x->dims, axis + 1, x->rank);
    tn_ticks ticks = { 0 };
    for (int64_t l = 0; n > 0 && l < tn_count(x) / n; l++) {
        int64_t base = l / inner * n * inner + l % inner;
        double s = 0;
        for (int64_t i = 0; i < n; i++) {
            double v = at(x, base + i * inner);
            if (tn_ticks_stopped(&ticks, 4)) return tn_op_stopped(r);
            s += p == 1 ? fabs(v) : v * v;
        }
        if (p == 2) s = sqrt(s);
        for (int64_t i = 0; i < n; i++) { /* a zero vector stays zero */
            if (tn_ticks_stopped(&ticks, 8)) return tn_op_stopped(r);
            tn_set_f64(y->dtype, y->data, base + i * inner, s == 0 ? 0 : at(x, base + i * inner) / s);
        }
    }
    return TN_OK;
}

static tn_status mvn_infer(tn_infer *c) {
    const normalisation *a = c->attrs;
    int axis;
    for (size_t i = 0; i < a->axes.n && tn_infer_rank(c, 0) >= 0; i++)
        TN_TRY(tn_op_axis(c->node, a->axes.v[i], tn_infer_rank(c, 0), &axis));
    return tn_infer_same(c);
}

/* (x - mean) / (std + 1e-9) over the given axes, default 0, 2, 3. */
static tn_status mvn_run(tn_run *r) {
    static const int64_t usual[] = { 0, 2, 3 };
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    tn_ints axes = ((const normalisation *)r->attrs)->axes;
    if (!axes.v) axes = (tn_ints){ usual, TN_COUNT(usual) };
    unsigned mask = 0;
    int64_t cells = 1, total = tn_count(x);
    if (total == 0) return TN_OK;
    for (size_t i = 0; i < axes.n; i++) mask |= 1u << tn_op_axis_at(axes.v[i], x->rank);
    for (int d = 0; d < x->rank; d++)
        if (!(mask >> d & 1)) cells *= x->dims[d];
    double *sum = tn_op_scratch(r, sizeof *sum, 2, cells, 1), *sq = sum + cells;
    if (!sum) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for %lld sums", (long long)cells);
    memset(sum, 0, (size_t)(2 * cells) * sizeof *sum);
    tn_ticks ticks = { 0 };
    for (int pass = 0; pass < 3; pass++)
        for (int64_t i = 0; i < total; i++) {
            if (tn_ticks_stopped(&ticks, 16)) return tn_op_stopped(r);
            int64_t cell = 0, rest = i, stride = 1;
            for (int d = x->rank - 1; d >= 0; d--) {
                if (!(mask >> d & 1)) cell += rest % x->dims[d] * stride, stride *= x->dims[d];
                rest /= x->dims[d];
            }
            double n = (double)(total / cells), m = sum[cell] / n, v = at(x, i);
            if (pass == 0)
                sum[cell] += v;
            else if (pass == 1)
                sq[cell] += (v - m) * (v - m);
            else
                tn_set_f64(y->dtype, y->data, i, (v - m) / (sqrt(sq[cell] / n) + 1e-9));
        }
    return TN_OK;
}

/* y = x / (bias + alpha/size * sum of squares over `size` neighbouring channels)^beta */
static tn_status lrn_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    const normalisation *a = r->attrs;
    int64_t size = a->size, channels = x->dims[1], inner = tn_op_product(x->dims, 2, x->rank);
    double alpha = (double)a->alpha, beta = (double)a->beta, bias = (double)a->bias;
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < tn_count(x); i++) {
        if (tn_ticks_stopped(&ticks, 64 + 4 * (uint64_t)size)) return tn_op_stopped(r);
        int64_t c = i / inner % channels, base = i - c * inner, from = c - (size - 1) / 2, to = c + size / 2;
        double s = 0;
        for (int64_t k = from < 0 ? 0 : from; k <= to && k < channels; k++)
            s += at(x, base + k * inner) * at(x, base + k * inner);
        tn_set_f64(y->dtype, y->data, i, at(x, i) / pow(bias + alpha / (double)size * s, beta));
    }
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port batch_in[] = { { "X", TN_FLOATS, 'T' },         { "scale", TN_FLOATS, 0 },
                                    { "B", TN_FLOATS, 0 },           { "input_mean", TN_FLOATS, 'U' },
                                    { "input_var", TN_FLOATS, 'U' }, { 0 } };
static const tn_port batch_out[] = { { "Y", TN_FLOATS, 'T' },
                                     { "running_mean", TN_FLOATS, 'U', .optional = true },
                                     { "running_var", TN_FLOATS, 'U', .optional = true },
                                     { 0 } };
static const tn_port layer_in[] = {
    { "X", TN_FLOATS, 0 }, { "Scale", TN_FLOATS, 0 }, { "B", TN_FLOATS, 0, .optional = true }, { 0 }
};
static const tn_port rms_in[] = { { "X", TN_FLOATS, 0 }, { "scale", TN_FLOATS, 0 }, { 0 } };
static const tn_port layer_out[] = { { "Y", TN_FLOATS, 0 },
                                     { "Mean", TN_FLOATS, 0, .optional = true },
                                     { "InvStdDev", TN_FLOATS, 0, .optional = true },
                                     { 0 } };
static const tn_port group_in[] = {
    { "X", TN_FLOATS, 'T' }, { "scale", TN_FLOATS, 'T' }, { "bias", TN_FLOATS, 'T' }, { 0 }
};
#define FLOAT(name, dflt) \
    { TN_FLOAT(normalisation, name, dflt) }
#define EPSILON FLOAT(epsilon, 1e-5f)
#define AXIS \
    { TN_INT(normalisation, axis, -1) }
static const tn_attr_spec batch_attrs[] = {
    EPSILON, FLOAT(momentum, 0.9f), { TN_FLAG(normalisation, training_mode, false) }, { 0 }
};
static const tn_attr_spec layer_attrs[] = { AXIS, EPSILON, { TN_DTYPE(normalisation, stash_type, TN_F32) }, { 0 } };
static const tn_attr_spec group_attrs[] = {
    EPSILON, { TN_INT(normalisation, num_groups, 0), .required = true }, { "stash_type", TN_ATTR_INT }, { 0 }
};
static const tn_attr_spec eps_attrs[] = { EPSILON, { 0 } };
static const tn_attr_spec lp_attrs[] = { AXIS, { TN_INT(normalisation, p, 2), .min = 1, .max = 2 }, { 0 } };
static const tn_attr_spec axes_attrs[] = { { TN_INTS_OF(normalisation, axes) }, { 0 } };
static const tn_attr_spec lrn_attrs[] = { FLOAT(alpha, 1e-4f),
                                          FLOAT(beta, 0.75f),
                                          FLOAT(bias, 1),
                                          { TN_INT(normalisation, size, 1), .required = true, .min = 1,
                                            .max = INT32_MAX },
                                          { 0 } };

const tn_op tn_ops_norm[] = {
    { .name = "BatchNormalization",
      .since = 15,
      .in = batch_in,
      .out = batch_out,
      TN_ATTRS(batch_attrs, normalisation),
      .infer = batch_infer,
      .run = batch_run,
      .arg = 1,
      .grad = tn_grad_batch_norm,
      .doc = "each channel scaled and shifted by its statistics" },
    { .name = "LayerNormalization",
      .since = 17,
      .flags = TN_OP_INPLACE,
      .in = layer_in,
      .out = layer_out,
      TN_ATTRS(layer_attrs, normalisation),
      .infer = layer_infer,
      .run = layer_run,
      .grad = tn_grad_layer_norm,
      .doc = "each row to mean 0 and deviation 1, then scaled and shifted" },
    { .name = "RMSNormalization",
      .since = 23,
      .flags = TN_OP_INPLACE,
      .in = rms_in,
      .out = tn_ports_any_free,
      TN_ATTRS(layer_attrs, normalisation),
      .infer = layer_infer,
      .run = layer_run,
      .arg = 1,
      .grad = tn_grad_layer_norm,
      .doc = "each row divided by its root mean square, then scaled" },
    { .name = "InstanceNormalization",
      .since = 22,
      .in = group_in,
      .out = tn_ports_float_t,
      TN_ATTRS(eps_attrs, normalisation),
      .infer = image_infer,
      .run = group_run,
      .arg = 2,
      .grad = tn_grad_group_norm,
      .doc = "each channel of each image normalised on its own" },
    { .name = "GroupNormalization",
      .since = 21,
      .in = group_in,
      .out = tn_ports_float_t,
      TN_ATTRS(group_attrs, normalisation),
      .infer = image_infer,
      .run = group_run,
      .arg = 0,
      .grad = tn_grad_group_norm,
      .doc = "groups of channels of each image normalised together" },
    { .name = "LpNormalization",
      .since = 22,
      .in = tn_ports_float_t,
      .out = tn_ports_float_t,
      TN_ATTRS(lp_attrs, normalisation),
      .infer = lp_infer,
      .run = lp_run,
      .grad = tn_grad_lp_norm,
      .doc = "vectors along an axis divided by their 1- or 2-norm" },
    { .name = "MeanVarianceNormalization",
      .since = 13,
      .in = tn_ports_float_t,
      .out = tn_ports_float_t,
      TN_ATTRS(axes_attrs, normalisation),
      .infer = mvn_infer,
      .run = mvn_run,
      .grad = tn_grad_mean_variance,
      .doc = "mean 0 and deviation 1 over axes" },
    { .name = "LRN",
      .since = 13,
      .in = tn_ports_float_t,
      .out = tn_ports_float_t,
      TN_ATTRS(lrn_attrs, normalisation),
      .infer = image_infer,
      .run = lrn_run,
      .grad = tn_grad_lrn,
      .doc = "local response normalisation across channels" },
    { 0 },
};
