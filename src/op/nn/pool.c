/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pool.c - MaxPool, AveragePool, LpPool and their global forms. tenon.* rows take and give blocked tensors. */
#include "op/nn/pool.h"
#include "kernel/kernel.h"
#include "kernel/pooling.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/nn/blocked.h"
#include "op/nn/grads.h"
#include "op/nn/pool_any.h"
#include "op/nn/pool_pieces.h"
#include "op/nn/window.h"
#include <math.h>
#include <string.h>

/* .arg of a row: the kind, and whether tensors are blocked (kernel/conv.h). */
enum { KIND = 3, BLOCKED = 4 };

static tn_pooling_kind kind_of(const tn_node *n) { return (tn_pooling_kind)(n->op->arg & KIND); }
static bool blocked(const tn_node *n) { return n->op->arg & BLOCKED; }

static tn_status pool_infer(tn_infer *c) {
    int xrank = tn_infer_rank(c, 0), rank = xrank - 2 - blocked(c->node);
    const tn_pool_attrs *a = c->attrs;
    tn_window w;
    tn_dim dims[TN_MAX_RANK];
    if (xrank < 0) {
        for (int i = 0; i < c->n_out; i++) tn_infer_out(c, i, i ? TN_I64 : tn_infer_dtype(c, 0), -1, NULL);
        return TN_OK;
    }
    if (blocked(c->node)) TN_TRY(tn_infer_blocked(c, 0, tn_float_block()));
    TN_TRY(tn_window_of(c->node, &a->window, rank, NULL, &w));
    memcpy(dims, c->in[0]->dims, sizeof dims);
    for (int d = 0; d < rank; d++) TN_TRY(tn_window_out(c->node, c->syms, &w, d, c->in[0]->dims[2 + d], &dims[2 + d]));
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), xrank, dims);
    if (c->n_out > 1) tn_infer_out(c, 1, TN_I64, xrank, dims);
    return TN_OK;
}

tn_status tn_pool_describe(const tn_node *n, const tn_pool_attrs *a, const tn_tensor *x, const tn_tensor *y,
                           tn_pooling_desc *d) {
    tn_window w;
    int64_t out[TN_WINDOW_RANK];
    int rank = x->rank - 2 - blocked(n);
    TN_TRY(tn_window_of(n, &a->window, rank, NULL, &w));
    TN_TRY(tn_window_place(n, &w, x->dims + 2, out));
    *d = (tn_pooling_desc){ .kind = kind_of(n),
                            .rank = rank,
                            .n = x->dims[0],
                            .channels = blocked(n) ? x->dims[1] * x->dims[x->rank - 1] : x->dims[1],
                            .count_include_pad = a->count_include_pad,
                            .p = (double)a->p,
                            .column_major = a->storage_order,
                            .layout = blocked(n) ? TN_LAYOUT_BLOCKED : TN_LAYOUT_PLAIN };
    for (int i = 0; i < rank; i++) {
        d->in[i] = x->dims[2 + i], d->out[i] = y->dims[2 + i];
        d->kernel[i] = w.kernel[i], d->stride[i] = w.stride[i], d->dilation[i] = w.dilation[i];
        d->pad[i] = w.begin[i], d->pad_end[i] = w.end[i];
    }
    if (!tn_pooling_valid(d)) return tn_op_fail(n, TN_E_SHAPE, "the sizes of this pooling are out of range");
    return TN_OK;
}

/* Other element types: through float32 (exact for 8-bit integers and 16-bit floats). */
static tn_status as_f32(tn_run *r, const tn_tensor *x, tn_tensor *copy) {
    *copy = *x;
    if (x->dtype == TN_F32) return TN_OK;
    copy->dtype = TN_F32;
    copy->data = tn_run_scratch(r, (size_t)tn_count(x) * sizeof(float) + 64);
    if (!copy->data) return tn_op_fail(r->node, TN_E_NOMEM, "no memory to convert the input");
    return tn_convert(x->dtype, x->data, TN_F32, copy->data, tn_count(x), true, TN_ROUND_NEAREST);
}

/* Double. */
static tn_status pool_any(tn_run *r, const tn_tensor *x, tn_tensor *y, tn_tensor *index) {
    const tn_node *n = r->node;
    const tn_pool_attrs *a = r->attrs;
    int64_t out[TN_WINDOW_RANK];
    tn_pool_any d = { .kind = kind_of(n),
                      .count_include_pad = a->count_include_pad,
                      .column_major = a->storage_order,
                      .p = (double)a->p };
    TN_TRY(tn_window_of(n, &a->window, x->rank - 2, NULL, &d.window));
    TN_TRY(tn_window_place(n, &d.window, x->dims + 2, out));
    return tn_pool_any_run(r, &d, x, y, index);
}

/* Scratch for float32 copies of both sides, where they are of another type: what as_f32 and the results ask for. */
static size_t copies(const tn_type *x, const tn_type *y) {
    size_t bytes = 0;
    if (x->dtype != TN_F32) bytes += tn_room((size_t)tn_dims_count(x->rank, x->dims) * sizeof(float) + 64);
    if (y->dtype != TN_F32) bytes += tn_room((size_t)tn_dims_count(y->rank, y->dims) * sizeof(float) + 64);
    return bytes;
}

static bool exact_sides(const tn_prep *p, const tn_type **x, const tn_type **y) {
    *x = p->types.in[0], *y = &p->types.out[p->types.node->outputs[0] ? 0 : 1];
    return *x && tn_type_static(*x) && tn_type_static(*y) && (*x)->dtype != TN_F64 &&
           tn_dims_count((*y)->rank, (*y)->dims) > 0;
}

/* A plain pooling of 16-bit floats or 8-bit integers, whose indices nobody wants, goes by some channels at a time. */
static void pool_some(const tn_pool_pieces *p, int64_t channels, const float *x, float *y, void *scratch) {
    tn_pooling_desc d = *(const tn_pooling_desc *)p->user;
    d.n = 1, d.channels = channels;
    tn_pooling_run(tn_kernels_get(), &d, x, y, NULL, p->scratch ? scratch : NULL, NULL);
}

static tn_pool_pieces pieces_of(const tn_pooling_desc *d, tn_dtype t) {
    const tn_kernels *k = tn_kernels_get();
    int64_t together = d->channels < k->conv.block ? d->channels : k->conv.block;
    tn_pooling_desc some = *d;
    some.n = 1, some.channels = together;
    return (tn_pool_pieces){ .type = t,
                             .images = d->n,
                             .channels = d->channels,
                             .in = tn_op_product(d->in, 0, d->rank),
                             .out = tn_op_product(d->out, 0, d->rank),
                             .together = together,
                             .scratch = tn_pooling_scratch(k, &some, 1),
                             .pool = pool_some,
                             .user = d };
}

static bool by_pieces(const tn_node *n, tn_dtype t, bool indices) { return t != TN_F32 && !indices && !blocked(n); }

static tn_status run_pieces(tn_run *r, const tn_pool_pieces *p) {
    void *memory = tn_run_scratch(r, tn_pool_pieces_bytes(p, tn_pool_threads(r->pool)));
    if (!memory) return tn_op_fail(r->node, TN_E_NOMEM, "no memory to convert the input");
    tn_pool_pieces_run(p, tn_in(r, 0)->data, tn_out(r, 0)->data, memory, r->pool);
    return TN_OK;
}

static tn_status pool_prepare(tn_prep *p) {
    const tn_type *x, *y;
    tn_pooling_desc d;
    if (!exact_sides(p, &x, &y)) return TN_OK;
    tn_tensor tx = { .rank = x->rank }, ty = { .rank = y->rank };
    memcpy(tx.dims, x->dims, sizeof tx.dims[0] * (size_t)x->rank);
    memcpy(ty.dims, y->dims, sizeof ty.dims[0] * (size_t)y->rank);
    TN_TRY(tn_pool_describe(p->types.node, p->types.attrs, &tx, &ty, &d));
    int threads = tn_pool_threads(p->pool);
    tn_pool_pieces pieces = pieces_of(&d, x->dtype);
    p->room = by_pieces(p->types.node, x->dtype, p->types.n_out > 1 && p->types.node->outputs[1])
                  ? tn_room(tn_pool_pieces_bytes(&pieces, threads))
                  : copies(x, y) + tn_room(tn_pooling_scratch(tn_kernels_get(), &d, threads));
    return TN_OK;
}

static tn_status pool_run(tn_run *r) {
    const tn_kernels *k = tn_kernels_get();
    tn_tensor x, *y = tn_out(r, 0), *index = tn_out(r, 1), out;
    tn_pooling_desc d;
    if (!blocked(r->node) && tn_in(r, 0)->dtype == TN_F64) return pool_any(r, tn_in(r, 0), y, index);
    if (tn_count(y ? y : index) == 0) return TN_OK; /* also without channels, which the kernels do not know */
    TN_TRY(tn_pool_describe(r->node, r->attrs, tn_in(r, 0), y ? y : index, &d));
    if (by_pieces(r->node, tn_in(r, 0)->dtype, index)) {
        tn_pool_pieces p = pieces_of(&d, y->dtype);
        return run_pieces(r, &p);
    }
    TN_TRY(as_f32(r, tn_in(r, 0), &x));
    size_t need = tn_pooling_scratch(k, &d, tn_pool_threads(r->pool));
    void *scratch = need ? tn_run_scratch(r, need) : NULL;
    out = y ? *y : *index;
    if (!y || y->dtype != TN_F32) {
        out.data = tn_run_scratch(r, (size_t)tn_count(&out) * sizeof(float) + 64);
        if (!out.data) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the result");
    }
    tn_pooling_run(k, &d, x.data, out.data, index ? index->data : NULL, scratch, r->pool);
    if (y && y->dtype != TN_F32)
        return tn_convert(TN_F32, out.data, y->dtype, y->data, tn_count(y), true, TN_ROUND_NEAREST);
    return TN_OK;
}

static tn_status pool_cost(const tn_infer *c, tn_cost *out) {
    const tn_pool_attrs *a = c->attrs;
    tn_window w;
    int rank = c->in[0]->rank - 2 - blocked(c->node);
    TN_TRY(tn_window_of(c->node, &a->window, rank, NULL, &w));
    out->flops = 1;
    for (int d = 0; d < c->out[0].rank; d++) out->flops *= (double)c->out[0].dims[d];
    for (int d = 0; d < rank; d++) out->flops *= (double)w.kernel[d];
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------------------- global */

static tn_status global_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    tn_dim dims[TN_MAX_RANK];
    if (rank >= 0 && rank < 2)
        return tn_infer_fail(c, TN_E_SHAPE, "the input has %d dimensions, at least 2 are needed", rank);
    if (blocked(c->node)) TN_TRY(tn_infer_blocked(c, 0, tn_float_block()));
    for (int d = 0; d < rank; d++) dims[d] = d < 2 || (blocked(c->node) && d == rank - 1) ? c->in[0]->dims[d] : 1;
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, rank < 0 ? NULL : dims);
    return TN_OK;
}

/* Of double: one channel, by the definition. */
static double global_f64(tn_pooling_kind kind, double p, int64_t n, const double *x) {
    double sum = 0, most = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        sum += kind == TN_POOLING_LP ? pow(fabs(x[i]), p) : x[i];
        most = most >= x[i] || isnan(most) ? most : x[i];
    }
    return kind == TN_POOLING_MAX ? most : kind == TN_POOLING_LP ? pow(sum, 1 / p) : n ? sum / (double)n : 0;
}

static void global_some(const tn_pool_pieces *p, int64_t channels, const float *x, float *y, void *scratch) {
    const tn_run *r = p->user;
    (void)scratch;
    tn_global_pooling(tn_kernels_get(), kind_of(r->node), (double)((const tn_pool_attrs *)r->attrs)->p, 1, channels,
                      p->in, TN_LAYOUT_PLAIN, x, y, NULL);
}

static tn_pool_pieces global_pieces(const int64_t *dims, int rank, tn_dtype t) {
    return (tn_pool_pieces){ .type = t,
                             .images = dims[0],
                             .channels = dims[1],
                             .in = tn_op_product(dims, 2, rank),
                             .out = 1,
                             .together = 1,
                             .pool = global_some };
}

static tn_status global_prepare(tn_prep *p) {
    const tn_type *x, *y;
    if (!exact_sides(p, &x, &y)) return TN_OK;
    tn_pool_pieces pieces = global_pieces(x->dims, x->rank, x->dtype);
    p->room = by_pieces(p->types.node, x->dtype, false)
                  ? tn_room(tn_pool_pieces_bytes(&pieces, tn_pool_threads(p->pool)))
                  : copies(x, y);
    return TN_OK;
}

static tn_status global_run(tn_run *r) {
    tn_tensor x, *y = tn_out(r, 0);
    bool b = blocked(r->node);
    double p = (double)((const tn_pool_attrs *)r->attrs)->p;
    if (y->dtype == TN_F64) {
        const tn_tensor *in = tn_in(r, 0);
        int64_t n = tn_op_product(in->dims, 2, in->rank);
        for (int64_t i = 0; i < tn_count(y); i++)
            ((double *)y->data)[i] = global_f64(kind_of(r->node), p, n, (const double *)in->data + i * n);
        return TN_OK;
    }
    if (by_pieces(r->node, y->dtype, false)) {
        if (tn_count(y) == 0) return TN_OK;
        tn_pool_pieces pieces = global_pieces(tn_in(r, 0)->dims, tn_in(r, 0)->rank, y->dtype);
        pieces.user = r;
        return run_pieces(r, &pieces);
    }
    TN_TRY(as_f32(r, tn_in(r, 0), &x));
    int64_t pixels = tn_op_product(x.dims, 2, x.rank - b), channels = b ? x.dims[1] * x.dims[x.rank - 1] : x.dims[1];
    float *out = y->data;
    if (y->dtype != TN_F32 && !(out = tn_run_scratch(r, (size_t)tn_count(y) * sizeof *out + 64)))
        return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the result");
    tn_global_pooling(tn_kernels_get(), kind_of(r->node), p, x.dims[0], channels, pixels,
                      b ? TN_LAYOUT_BLOCKED : TN_LAYOUT_PLAIN, x.data, out, r->pool);
    if (y->dtype != TN_F32) return tn_convert(TN_F32, out, y->dtype, y->data, tn_count(y), true, TN_ROUND_NEAREST);
    return TN_OK;
}

static tn_status global_cost(const tn_infer *c, tn_cost *out) {
    out->flops = 1;
    for (int d = 0; d < c->in[0]->rank; d++) out->flops *= (double)c->in[0]->dims[d];
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port max_in[] = { { "X", TN_FLOATS | tn_dtype_bit(TN_U8) | tn_dtype_bit(TN_I8), 'T' }, { 0 } };
static const tn_port max_out[] = { { "Y", TN_FLOATS | tn_dtype_bit(TN_U8) | tn_dtype_bit(TN_I8), 'T',
                                     .optional = true },
                                   { "Indices", tn_dtype_bit(TN_I64), 0, .optional = true },
                                   { 0 } };
#define SLIDING TN_WINDOW_OF(tn_pool_attrs, window), TN_WINDOW_CEIL_OF(tn_pool_attrs, window)
#define POWER \
    { TN_INT(tn_pool_attrs, p, 2), .min = 1, .max = INT32_MAX }
static const tn_attr_spec max_attrs[] = { SLIDING, { TN_FLAG(tn_pool_attrs, storage_order, false) }, { 0 } };
static const tn_attr_spec average_attrs[] = { SLIDING, { TN_FLAG(tn_pool_attrs, count_include_pad, false) }, { 0 } };
static const tn_attr_spec lp_attrs[] = { SLIDING, POWER, { 0 } };
static const tn_attr_spec global_lp_attrs[] = { POWER, { 0 } };

#define WINDOW(name_, domain_, since_, flags_, in_, out_, attrs_, arg_, grad_, doc_)                      \
    {                                                                                                     \
        .name = name_, .domain = domain_, .since = since_, .flags = flags_, .in = in_, .out = out_,       \
        TN_ATTRS(attrs_, tn_pool_attrs), .infer = pool_infer, .cost = pool_cost, .prepare = pool_prepare, \
        .fit = pool_prepare, .run = pool_run, .grad = grad_, .arg = arg_, .doc = doc_                     \
    }
#define GLOBAL(name_, domain_, since_, flags_, attrs_, arg_, grad_, doc_)                                            \
    {                                                                                                                \
        .name = name_, .domain = domain_, .since = since_, .flags = flags_, .in = tn_ports_float_t,                  \
        .out = tn_ports_float_t, TN_ATTRS(attrs_, tn_pool_attrs), .infer = global_infer, .cost = global_cost,        \
        .prepare = global_prepare, .fit = global_prepare, .run = global_run, .grad = grad_, .arg = arg_, .doc = doc_ \
    }
const tn_op tn_ops_pool[] = {
    WINDOW("MaxPool", NULL, 22, 0, max_in, max_out, max_attrs, TN_POOLING_MAX, tn_grad_max_pool,
           "the largest of each window, and where it is"),
    WINDOW("AveragePool", NULL, 22, 0, tn_ports_float_t, tn_ports_float_t, average_attrs, TN_POOLING_AVERAGE,
           tn_grad_pool, "the mean of each window"),
    WINDOW("LpPool", NULL, 22, 0, tn_ports_float_t, tn_ports_float_t, lp_attrs, TN_POOLING_LP, tn_grad_pool,
           "the p-norm of each window"),
    WINDOW("MaxPool", "tenon", 1, TN_OP_INTERNAL, tn_ports_float_t, tn_ports_float_t, max_attrs,
           TN_POOLING_MAX | BLOCKED, NULL, "MaxPool of a blocked tensor"),
    WINDOW("AveragePool", "tenon", 1, TN_OP_INTERNAL, tn_ports_float_t, tn_ports_float_t, average_attrs,
           TN_POOLING_AVERAGE | BLOCKED, NULL, "AveragePool of a blocked tensor"),
    GLOBAL("GlobalMaxPool", NULL, 22, 0, NULL, TN_POOLING_MAX, tn_grad_global_pool, "the largest of each channel"),
    GLOBAL("GlobalAveragePool", NULL, 22, 0, NULL, TN_POOLING_AVERAGE, tn_grad_global_pool, "the mean of each channel"),
    GLOBAL("GlobalLpPool", NULL, 22, 0, global_lp_attrs, TN_POOLING_LP, tn_grad_global_pool,
           "the p-norm of each channel"),
    GLOBAL("GlobalMaxPool", "tenon", 1, TN_OP_INTERNAL, NULL, TN_POOLING_MAX | BLOCKED, NULL,
           "GlobalMaxPool of a blocked tensor"),
    GLOBAL("GlobalAveragePool", "tenon", 1, TN_OP_INTERNAL, NULL, TN_POOLING_AVERAGE | BLOCKED, NULL,
           "GlobalAveragePool of a blocked tensor"),
    { 0 },
};
