/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qconv.c - convolutions of 8-bit integers: ConvInteger, which gives the int32 sums, and QLinearConv, which scales them
 * back to 8 bits; [N, C, D1 .. Dr], or channels last in com.microsoft's form. See qsums.h for how. */
#include "base/budget.h"
#include "base/mem.h"
#include "kernel/kernel.h"
#include "op/core/grad.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/nn/window.h"
#include "op/quant/qsums.h"
#include <stdio.h>
#include <string.h>

/* Where a row of this family has its inputs; -1: nowhere. */
typedef struct {
    int x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias;
} places;
enum { INTEGER, LINEAR };
enum { BY_ROWS, AS_PRODUCT }; /* .arg of the implementations */
static const places place_of[] = { { 0, -1, 2, 1, -1, 3, -1, -1, -1 }, { 0, 1, 2, 3, 4, 5, 6, 7, 8 } };
static const places *places_of(const tn_node *n) { return &place_of[n->op->arg]; }

/* ------------------------------------------------------------------------------------------------------ inference */

static tn_status qconv_infer(tn_infer *c) {
    const tn_node *n = c->node;
    const places *at = places_of(n);
    int xrank = tn_infer_rank(c, at->x), wrank = tn_infer_rank(c, at->w), rank = xrank - 2;
    const tn_qsums_attrs *a = c->attrs;
    bool last = a->channels_last;
    int64_t group = a->group;
    tn_dtype t = at->y_scale < 0               ? TN_I32
                 : tn_infer_has(c, at->y_zero) ? tn_infer_dtype(c, at->y_zero)
                                               : tn_infer_dtype(c, at->x);
    tn_dim dims[TN_MAX_RANK];
    tn_window w;
    if (xrank < 0 || wrank < 0) {
        tn_infer_out(c, 0, t, -1, NULL);
        return TN_OK;
    }
    const tn_dim *xd = c->in[at->x]->dims, *wd = c->in[at->w]->dims, *spatial = xd + (last ? 1 : 2);
    if (rank < 1 || wrank != xrank)
        return tn_infer_fail(c, TN_E_SHAPE, "x has %d dimensions and w %d; both need the same, at least 3", xrank,
                             wrank);
    TN_TRY(tn_window_of(n, &a->window, rank, wd + 2, &w));
    tn_dim have = last ? xd[1 + rank] : xd[1], need = tn_dim_mul(c->syms, wd[1], group);
    if (tn_dim_known(have) && tn_dim_known(need) && have != need)
        return tn_infer_fail(c, TN_E_SHAPE, "x has %lld channels, w is made for %lld (group %lld)", (long long)have,
                             (long long)need, (long long)group);
    if (tn_dim_known(wd[0]) && wd[0] % group != 0)
        return tn_infer_fail(c, TN_E_SHAPE, "group %lld does not divide %lld channels", (long long)group,
                             (long long)wd[0]);
    if (at->bias >= 0 && tn_infer_rank(c, at->bias) >= 0) {
        tn_dim b = tn_type_count(c->syms, c->in[at->bias]);
        if (tn_dim_known(b) && tn_dim_known(wd[0]) && b != wd[0])
            return tn_infer_fail(c, TN_E_SHAPE, "B has %lld elements for %lld output channels", (long long)b,
                                 (long long)wd[0]);
    }
    dims[0] = xd[0];
    dims[last ? 1 + rank : 1] = wd[0];
    for (int d = 0; d < rank; d++) TN_TRY(tn_window_out(n, c->syms, &w, d, spatial[d], &dims[d + (last ? 1 : 2)]));
    tn_infer_out(c, 0, t, xrank, dims);
    return TN_OK;
}

static tn_status qconv_cost(const tn_infer *c, tn_cost *out) {
    const tn_type *y = &c->out[0], *w = c->in[places_of(c->node)->w];
    out->flops = 2;
    for (int i = 0; i < y->rank; i++) out->flops *= (double)y->dims[i];
    for (int i = 1; i < w->rank; i++) out->flops *= (double)w->dims[i];
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------------- weights */

typedef struct {
    const uint8_t *w;
    bool is_signed;
    int64_t group, oc, ic, taps;
    size_t bytes; /* of a packed group */
    uint8_t *turned;
} pack_job;

/* Rows have the channels of a tap side by side, weights the taps of a channel. */
static tn_status pack_weights(void *dst, const void *user) {
    const pack_job *j = user;
    const tn_kernels *kn = tn_kernels_get();
    int64_t k = j->ic * j->taps;
    tn_ticks ticks = { 0 };
    for (int64_t g = 0; g < j->group && !tn_ticks_stopped(&ticks, j->bytes); g++) {
        const uint8_t *w = j->w + g * j->oc * k;
        for (int64_t o = 0; o < j->oc && j->taps > 1 && !tn_ticks_stopped(&ticks, (uint64_t)k); o++)
            kn->move.transpose[0]((const char *)w + o * k, j->taps, (char *)j->turned + o * k, j->ic, j->ic, j->taps);
        tn_qgemm_pack_b(&kn->qgemm, j->is_signed, true, k, j->oc, j->taps > 1 ? j->turned : w, k,
                        (char *)dst + (size_t)g * j->bytes);
    }
    return TN_OK;
}

static pack_job pack_of(const tn_qsums_attrs *a, const tn_tensor *w) {
    pack_job j = { .w = w->data, .is_signed = w->dtype == TN_I8, .group = a->group };
    j.oc = w->dims[0] / j.group, j.ic = w->dims[1], j.taps = tn_op_product(w->dims, 2, w->rank);
    j.bytes = tn_align_up(tn_qgemm_pack_b_bytes(&tn_kernels_get()->qgemm, j.ic * j.taps, j.oc), 64);
    return j;
}

typedef struct {
    const char *packed; /* NULL: packed while running */
    size_t scratch;     /* 0: shapes were not known */
} qconv_state;

static tn_status qconv_prepare(tn_prep *p) {
    const tn_infer *t = &p->types;
    const places *at = places_of(t->node);
    const tn_tensor *w = t->in_tensor[at->w];
    const bool by_rows = p->impl->arg == BY_ROWS;
    tn_qsums_shape s;
    qconv_state *state = tn_arena_new_of(p->arena, qconv_state);
    if (!state) return tn_op_fail(t->node, TN_E_NOMEM, "no memory to prepare");
    *state = (qconv_state){ 0 };
    p->state = state;
    if (!w || tn_infer_rank(t, at->x) < 0 || tn_count(w) == 0) return TN_OK; /* without weights there is no result */
    if (tn_type_static(t->in[at->x])) {
        TN_TRY(tn_qsums_describe(t->node, t->attrs, t->in[at->x]->dims, t->in[at->x]->rank, w->dims, t->out[0].dtype,
                                 by_rows, &s));
        p->scratch = state->scratch = tn_qsums_scratch(&s, tn_pool_threads(p->pool));
    }
    if (by_rows) return TN_OK;
    pack_job j = pack_of(t->attrs, w);
    if (j.taps > 1 && !(j.turned = tn_mem_alloc((size_t)(j.oc * j.ic * j.taps), TN_MEM_SCRATCH)))
        return tn_op_fail(t->node, TN_E_NOMEM, "no memory to pack weights");
    char key[64];
    const void *packed = NULL;
    snprintf(key, sizeof key, "qconv %lld", (long long)j.group);
    tn_status st = tn_prep_pack(p, 1u << at->w, key, j.bytes * (size_t)j.group, pack_weights, &j, &packed);
    tn_mem_free(j.turned);
    state->packed = packed;
    if (st == TN_OK) p->consumed |= 1u << at->w;
    return st;
}

/* ------------------------------------------------------------------------------------------------------------ run */

static tn_status pack_now(tn_run *r, const tn_tensor *w, const char **packed) {
    pack_job p = pack_of(r->attrs, w);
    char *to = tn_run_scratch(r, p.bytes * (size_t)p.group + 64);
    p.turned = tn_run_scratch(r, (size_t)(p.oc * p.ic * p.taps) + 64);
    if (!to || !p.turned) return tn_op_fail(r->node, TN_E_NOMEM, "no memory to pack weights");
    pack_weights(to, &p);
    *packed = to;
    return TN_OK;
}

/* The factor from sums to results: x_scale w_scale / y_scale. */
static tn_status read_scales(tn_run *r, const places *at, int64_t oc, tn_qparam *out) {
    tn_qparam xs, ws, ys;
    if (at->y_scale < 0) return TN_OK;
    TN_TRY(tn_q_scales(r, at->x_scale, 1, &xs));
    TN_TRY(tn_q_scales(r, at->w_scale, oc, &ws));
    TN_TRY(tn_q_scales(r, at->y_scale, 1, &ys));
    int64_t n = ws.many ? oc : 1;
    float *v = tn_run_scratch(r, (size_t)n * sizeof *v);
    if (!v) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for %lld scales", (long long)n);
    for (int64_t i = 0; i < n; i++) v[i] = *xs.scale * ws.scale[i] / *ys.scale;
    *out = (tn_qparam){ .many = ws.many, .scale = v };
    return TN_OK;
}

static tn_status qconv_run(tn_run *r) {
    const qconv_state *state = r->state;
    const places *at = places_of(r->node);
    const tn_tensor *x = tn_in(r, at->x), *w = tn_in(r, at->w);
    tn_tensor *y = tn_out(r, 0);
    tn_qparam xz, yz;
    if (tn_count(y) == 0) return TN_OK;
    tn_qsums j = { .kn = tn_kernels_get(), .x_signed = x->dtype == TN_I8, .w_signed = w->dtype == TN_I8 };
    TN_TRY(tn_qsums_describe(r->node, r->attrs, x->dims, x->rank, w->dims, y->dtype, r->impl->arg == BY_ROWS, &j.s));
    TN_TRY(tn_q_zeros(r, at->x_zero, 1, &xz));
    TN_TRY(tn_q_zeros(r, at->w_zero, j.s.d.oc, &j.wz));
    TN_TRY(tn_q_zeros(r, at->y_zero, 1, &yz));
    TN_TRY(read_scales(r, at, j.s.d.oc, &j.scale));
    j.x_zero = *xz.zero, j.y_zero = *yz.zero, j.y_type = y->dtype;
    j.w = w->data, j.packed = state->packed;
    if (at->bias >= 0 && tn_run_has(r, at->bias)) j.bias = tn_in(r, at->bias)->data;
    j.scratch = state->scratch ? r->scratch : tn_run_scratch(r, tn_qsums_scratch(&j.s, tn_pool_threads(r->pool)) + 64);
    if (!j.scratch) return tn_op_fail(r->node, TN_E_NOMEM, "no scratch memory");
    if (!j.s.by_rows && !j.packed) TN_TRY(pack_now(r, w, &j.packed));
    tn_qsums_run(&j, x->data, y->data, r->pool);
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------- implementations */

/* One input channel in each group: there is nothing to gather. */
static bool rows_fit(const tn_prep *p) {
    const tn_type *w = p->types.in[places_of(p->types.node)->w];
    return tn_type_static(w) && w->rank > 2 && w->dims[1] == 1;
}

/* Products per nanosecond; a product uses as many columns of its tiles as a group has outputs. */
static double estimate(const tn_prep *p) {
    enum { COLUMNS = 16 };
    const tn_infer *t = &p->types;
    const tn_type *w = t->in[places_of(t->node)->w];
    int64_t outputs = w && w->rank > 0 ? w->dims[0] / ((const tn_qsums_attrs *)t->attrs)->group : 0;
    tn_cost c = { 0 };
    if (!tn_type_static(w) || !tn_type_static(&t->out[0]) || outputs < 1) return 0;
    (void)qconv_cost(t, &c);
    double columns = (double)(outputs < COLUMNS ? outputs : COLUMNS) / COLUMNS;
    return c.flops * (p->impl->arg == BY_ROWS ? 0.1 : 0.049 / columns) / tn_pool_threads(p->pool);
}

static const tn_impl qconv_impls[] = {
    { "rows", TN_ON_CPU, BY_ROWS, rows_fit, estimate, qconv_prepare, qconv_run },
    { "product", TN_ON_CPU, AS_PRODUCT, NULL, estimate, qconv_prepare, qconv_run },
    { 0 },
};

/* ----------------------------------------------------------------------------------------------------------- rows */

#define F32 tn_dtype_bit(TN_F32)
static const tn_port integer_in[] = { { "x", TN_Q8, 'X' },
                                      { "w", TN_Q8, 'W' },
                                      { "x_zero_point", TN_Q8, 'X', .optional = true },
                                      { "w_zero_point", TN_Q8, 'W', .optional = true },
                                      { 0 } };
#define LINEAR_IN(may)                                                                                   \
    {                                                                                                    \
        { "x", TN_Q8, 'X' }, { "x_scale", F32, 0 }, { "x_zero_point", TN_Q8, 'X', .optional = may },     \
            { "w", TN_Q8, 'W' }, { "w_scale", F32, 0 }, { "w_zero_point", TN_Q8, 'W', .optional = may }, \
            { "y_scale", F32, 0 }, { "y_zero_point", TN_Q8, 0, .optional = may },                        \
            { "B", tn_dtype_bit(TN_I32), 0, .optional = true }, {                                        \
            0                                                                                            \
        }                                                                                                \
    }
static const tn_port linear_in[] = LINEAR_IN(false), microsoft_in[] = LINEAR_IN(true);
static const tn_port q8_out[] = { { "y", TN_Q8, 0 }, { 0 } };
static const tn_port i32_out[] = { { "y", tn_dtype_bit(TN_I32), 0 }, { 0 } };
#define CONV_ATTRS \
    TN_WINDOW_OF(tn_qsums_attrs, window), { TN_INT(tn_qsums_attrs, group, 1), .min = 1, .max = INT32_MAX }
static const tn_attr_spec conv_attrs[] = { CONV_ATTRS, { 0 } };
static const tn_attr_spec microsoft_attrs[] = { CONV_ATTRS, { TN_FLAG(tn_qsums_attrs, channels_last, false) }, { 0 } };

const tn_op tn_ops_qconv[] = {
    { .name = "ConvInteger",
      .since = 10,
      .in = integer_in,
      .out = i32_out,
      TN_ATTRS(conv_attrs, tn_qsums_attrs),
      .infer = qconv_infer,
      .cost = qconv_cost,
      TN_IMPLS(qconv_impls),
      .arg = INTEGER,
      .grad = tn_grad_none,
      .doc = "convolution of 8-bit integers with int32 sums" },
    { .name = "QLinearConv",
      .since = 10,
      .in = linear_in,
      .out = q8_out,
      TN_ATTRS(conv_attrs, tn_qsums_attrs),
      .infer = qconv_infer,
      .cost = qconv_cost,
      TN_IMPLS(qconv_impls),
      .arg = LINEAR,
      .grad = tn_grad_none,
      .doc = "convolution of quantised tensors with a quantised result" },
    { .name = "QLinearConv",
      .domain = "com.microsoft",
      .since = 1,
      .in = microsoft_in,
      .out = q8_out,
      TN_ATTRS(microsoft_attrs, tn_qsums_attrs),
      .infer = qconv_infer,
      .cost = qconv_cost,
      TN_IMPLS(qconv_impls),
      .arg = LINEAR,
      .grad = tn_grad_none,
      .doc = "QLinearConv, also for tensors whose channels are last" },
    { 0 },
};
