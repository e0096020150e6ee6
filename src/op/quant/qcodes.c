/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qcodes.c - operators on u8 codes without products, made by the pass quantise: layouts, tables, sums and products of
 * two, poolings. Blocked ones work on [N, ceil(C / 16), D.., 16] (kernel/qconv.h); channels past C hold anything. */
#include "kernel/kernel.h"
#include "kernel/loop.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/nn/blocked.h"
#include "op/nn/window.h"
#include "op/quant/qparam.h"
#include <math.h>
#include <string.h>

enum { PIECE = 4096 /* codes, or pixels, at a time */ };

/* -------------------------------------------------------------------------------------------------------- layouts */

typedef struct {
    int64_t channels; /* of QFromBlocked */
} unblocking;

static tn_status to_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    tn_dim dims[TN_MAX_RANK];
    if (rank == 0 || rank == 1 || rank >= TN_MAX_RANK)
        return tn_infer_fail(c, TN_E_SHAPE, "a tensor of %d dimensions cannot be blocked", rank);
    for (int d = 0; d < rank; d++)
        dims[d] = d == 1 ? tn_dim_ceil_div(c->syms, c->in[0]->dims[1], TN_QBLOCK) : c->in[0]->dims[d];
    dims[rank < 0 ? 0 : rank] = TN_QBLOCK;
    tn_infer_out(c, 0, TN_U8, rank < 0 ? -1 : rank + 1, dims);
    return TN_OK;
}

static tn_status from_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    tn_dim dims[TN_MAX_RANK];
    int64_t channels = ((const unblocking *)c->attrs)->channels;
    TN_TRY(tn_infer_unblocked(c, TN_QBLOCK, channels));
    for (int d = 0; d < rank - 1; d++) dims[d] = d == 1 ? channels : c->in[0]->dims[d];
    tn_infer_out(c, 0, TN_U8, rank < 0 ? -1 : rank - 1, dims);
    return TN_OK;
}

typedef struct {
    tn_transpose_fn transpose;
    const char *x;
    char *y;
    bool to;
    int64_t channels, blocks, pixels, pieces;
} layout_job;

static void reorder_part(void *arg, int64_t begin, int64_t end, int thread) {
    const layout_job *j = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        int64_t p = i % j->pieces * PIECE, block = i / j->pieces % j->blocks, image = i / j->pieces / j->blocks;
        int64_t n = j->pixels - p < PIECE ? j->pixels - p : PIECE, c = j->channels - block * TN_QBLOCK;
        int64_t plain = (image * j->channels + block * TN_QBLOCK) * j->pixels + p;
        int64_t blocked = ((image * j->blocks + block) * j->pixels + p) * TN_QBLOCK;
        c = c < TN_QBLOCK ? c : TN_QBLOCK;
        if (j->to && c < TN_QBLOCK) memset(j->y + blocked, 0, (size_t)(n * TN_QBLOCK));
        if (j->to)
            j->transpose(j->x + plain, j->pixels, j->y + blocked, TN_QBLOCK, c, n);
        else
            j->transpose(j->x + blocked, TN_QBLOCK, j->y + plain, j->pixels, n, c);
    }
}

static tn_status reorder_run(tn_run *r) {
    bool to = r->node->op->arg;
    const tn_tensor *plain = to ? tn_in(r, 0) : tn_out(r, 0);
    layout_job j = { .transpose = tn_kernels_get()->move.transpose[0], .to = to, .channels = plain->dims[1] };
    if (tn_count(plain) == 0) return TN_OK;
    j.x = tn_in(r, 0)->data, j.y = tn_out(r, 0)->data;
    j.blocks = (j.channels + TN_QBLOCK - 1) / TN_QBLOCK, j.pixels = tn_op_product(plain->dims, 2, plain->rank);
    j.pieces = (j.pixels + PIECE - 1) / PIECE;
    tn_parallel(r->pool, plain->dims[0] * j.blocks * j.pieces, 1 + PIECE / (j.pixels + 1), reorder_part, &j);
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------------------- tables */

static tn_status table_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    if (tn_infer_rank(c, 1) >= 0 && tn_type_static(c->in[1]) && tn_dims_count(c->in[1]->rank, c->in[1]->dims) != 256)
        return tn_infer_fail(c, TN_E_SHAPE, "a table has 256 entries");
    tn_infer_out(c, 0, tn_infer_dtype(c, 1), rank, rank < 0 ? NULL : c->in[0]->dims);
    return TN_OK;
}

typedef struct {
    const uint8_t *x, *table;
    uint8_t *y;
    int64_t n;
} table_job;

static void table_part(void *arg, int64_t begin, int64_t end, int thread) {
    const table_job *j = arg;
    int64_t from = begin * PIECE, to = end * PIECE < j->n ? end * PIECE : j->n;
    (void)thread;
    tn_kernels_get()->qconv.lookup(to - from, j->table, j->x + from, j->y + from);
}

static tn_status table_run(tn_run *r) {
    table_job j = { tn_in(r, 0)->data, tn_in(r, 1)->data, tn_out(r, 0)->data, tn_count(tn_in(r, 0)) };
    tn_parallel(r->pool, (j.n + PIECE - 1) / PIECE, 8, table_part, &j);
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------- pairs of codes */

typedef struct {
    float a_scale, b_scale, y_scale;
    int64_t a_zero, b_zero, y_zero, lo, hi;
} pairing;
enum { SUM, PRODUCT };

static tn_status pair_infer(tn_infer *c) {
    int rank;
    tn_dim dims[TN_MAX_RANK];
    TN_TRY(tn_infer_broadcast(c, 0, 1, &rank, dims));
    tn_infer_out(c, 0, TN_U8, rank, dims);
    return TN_OK;
}

typedef void (*pair_fn)(int64_t n, const uint8_t *a, const uint8_t *b, int64_t b_step, const tn_qpair *p, uint8_t *y);
typedef struct {
    tn_loop loop;
    pair_fn fn;
    tn_qpair pair, turned; /* with a and b exchanged */
    const uint8_t *a, *b;
    uint8_t *y;
    int64_t pieces; /* of a row */
} pair_job;

/* Rows of the innermost dimension, a piece at a time. */
static void pair_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const pair_job *j = arg;
    int last = j->loop.rank - 1;
    int64_t n = j->loop.dims[last], sa = j->loop.stride[0][last], sb = j->loop.stride[1][last];
    tn_walk w;
    (void)thread;
    tn_walk_start(&w, &j->loop, 1, begin / j->pieces);
    for (int64_t i = begin; i < end; i++) {
        int64_t p = i % j->pieces * PIECE, count = n - p < PIECE ? n - p : PIECE;
        const uint8_t *a = j->a + w.offset[0] + sa * p, *b = j->b + w.offset[1] + sb * p;
        uint8_t *y = j->y + i / j->pieces * n + p;
        if (sa || n == 1)
            j->fn(count, a, b, sb, &j->pair, y);
        else
            j->fn(count, b, a, 0, &j->turned, y);
        if (p + count == n) tn_walk_next(&w);
    }
}

static tn_status pair_run(tn_run *r) {
    const pairing *t = r->attrs;
    const tn_tensor *a = tn_in(r, 0), *b = tn_in(r, 1);
    tn_tensor *y = tn_out(r, 0);
    bool sum = r->node->op->arg == SUM;
    const tn_qconv_kernels *kn = &tn_kernels_get()->qconv;
    int64_t sa[TN_MAX_RANK], sb[TN_MAX_RANK];
    pair_job j = { .fn = sum ? kn->add : kn->mul, .a = a->data, .b = b->data, .y = y->data };
    if (tn_count(y) == 0) return TN_OK;
    j.pair = (tn_qpair){ .ka = sum ? t->a_scale / t->y_scale : t->a_scale * t->b_scale / t->y_scale,
                         .kb = t->b_scale / t->y_scale,
                         .za = (int32_t)t->a_zero,
                         .zb = (int32_t)t->b_zero,
                         .lo = (float)(t->lo - t->y_zero),
                         .hi = (float)(t->hi - t->y_zero),
                         .zero = (int32_t)t->y_zero };
    j.pair.c = (float)-((double)t->a_zero * (double)j.pair.ka + (double)t->b_zero * (double)j.pair.kb);
    j.turned = j.pair;
    j.turned.za = j.pair.zb, j.turned.zb = j.pair.za;
    if (sum) j.turned.ka = j.pair.kb, j.turned.kb = j.pair.ka;
    tn_broadcast_strides(y->rank, y->dims, a->rank, a->dims, sa);
    tn_broadcast_strides(y->rank, y->dims, b->rank, b->dims, sb);
    tn_loop_init(&j.loop, y->rank, y->dims, 2, (const int64_t *const[]){ sa, sb });
    int64_t n = j.loop.dims[j.loop.rank - 1];
    j.pieces = (n + PIECE - 1) / PIECE;
    tn_parallel(r->pool, tn_count(y) / n * j.pieces, 1 + 16384 / (n < PIECE ? n : PIECE), pair_rows, &j);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------- poolings */

typedef struct {
    tn_window_attrs window;
    bool count_include_pad;
    float scale, y_scale; /* of means */
    int64_t x_zero, y_zero;
} pooling;
enum { MOST, MEAN, GLOBAL };

static tn_status pool_infer(tn_infer *c) {
    const pooling *a = c->attrs;
    int xrank = tn_infer_rank(c, 0), rank = xrank - 3;
    tn_dim dims[TN_MAX_RANK];
    tn_window w;
    if (xrank < 0) {
        tn_infer_out(c, 0, TN_U8, -1, NULL);
        return TN_OK;
    }
    if (rank < 1) return tn_infer_fail(c, TN_E_SHAPE, "a tensor of %d dimensions is not blocked", xrank);
    TN_TRY(tn_infer_blocked(c, 0, TN_QBLOCK));
    memcpy(dims, c->in[0]->dims, sizeof dims);
    if (c->node->op->arg == GLOBAL)
        for (int d = 0; d < rank; d++) dims[2 + d] = 1;
    else
        TN_TRY(tn_window_of(c->node, &a->window, rank, NULL, &w));
    for (int d = 0; d < rank && c->node->op->arg != GLOBAL; d++)
        TN_TRY(tn_window_out(c->node, c->syms, &w, d, c->in[0]->dims[2 + d], &dims[2 + d]));
    tn_infer_out(c, 0, TN_U8, xrank, dims);
    return TN_OK;
}

typedef struct {
    const tn_qconv_kernels *kn;
    const tn_tensor *x;
    tn_tensor *y;
    tn_window w;
    bool most, all; /* all: what lies outside counts */
    float factor;
    int32_t x_zero, y_zero;
    int64_t in, out; /* pixels */
} pool_job;

/* Where the window's tap lies for the position; -1: outside. `counted` also within the padding. */
static int64_t tap_at(const pool_job *j, const int64_t *at, const int64_t *tap, bool *counted) {
    int64_t where = 0;
    bool inside = true;
    *counted = true;
    for (int d = 0; d < j->w.rank; d++) {
        int64_t p = at[d] * j->w.stride[d] - j->w.begin[d] + tap[d] * j->w.dilation[d], n = j->x->dims[2 + d];
        inside = inside && p >= 0 && p < n;
        *counted = *counted && p < n + j->w.end[d];
        where = where * n + p;
    }
    return inside ? where : -1;
}

static void mean_pixel(const pool_job *j, const uint8_t *x, const int64_t *at, uint8_t *y) {
    int64_t tap[TN_WINDOW_RANK] = { 0 }, taps = 1, n = 0;
    int32_t sums[TN_QBLOCK] = { 0 };
    for (int d = 0; d < j->w.rank; d++) taps *= j->w.kernel[d];
    for (int64_t t = 0; t < taps; t++) {
        bool counted;
        int64_t where = tap_at(j, at, tap, &counted);
        const uint8_t *from = x + where * TN_QBLOCK;
        for (int i = 0; where >= 0 && i < TN_QBLOCK; i++) sums[i] += from[i] - j->x_zero;
        n += where >= 0 || (j->all && counted);
        for (int d = j->w.rank - 1; d >= 0 && ++tap[d] == j->w.kernel[d]; d--) tap[d] = 0;
    }
    for (int i = 0; i < TN_QBLOCK; i++) {
        float v = rintf((float)sums[i] / (float)(n ? n : 1) * j->factor) + (float)j->y_zero;
        v = v > 0 ? v : 0;
        y[i] = (uint8_t)(v < 255 ? v : 255);
    }
}

/* One tap of a row of maxima: the pixels that lie in the image, as few calls as the stride lets. */
static void most_tap(const pool_job *j, const uint8_t *row, int64_t tap, int64_t width, uint8_t *y) {
    int last = j->w.rank - 1;
    int64_t n = j->x->dims[2 + last], stride = j->w.stride[last], from = tap * j->w.dilation[last] - j->w.begin[last];
    int64_t lo = from < 0 ? (-from + stride - 1) / stride : 0, hi = from >= n ? 0 : (n - from + stride - 1) / stride;
    hi = hi < width ? hi : width;
    if (stride == 1 && lo < hi) j->kn->most((hi - lo) * TN_QBLOCK, row + (from + lo) * TN_QBLOCK, y + lo * TN_QBLOCK);
    for (int64_t p = lo; stride > 1 && p < hi; p++) {
        const uint8_t *x = row + (from + p * stride) * TN_QBLOCK;
        uint8_t *to = y + p * TN_QBLOCK;
        for (int i = 0; i < TN_QBLOCK; i++) to[i] = x[i] > to[i] ? x[i] : to[i];
    }
}

/* A row of maxima, tap by tap. at: the row's place in the dimensions before the last. */
static void most_row(const pool_job *j, const uint8_t *x, const int64_t *at, int64_t width, uint8_t *y) {
    int last = j->w.rank - 1;
    int64_t tap[TN_WINDOW_RANK] = { 0 }, taps = 1;
    for (int d = 0; d < last; d++) taps *= j->w.kernel[d];
    memset(y, 0, (size_t)(width * TN_QBLOCK));
    for (int64_t t = 0; t < taps; t++) {
        int64_t where = 0;
        bool inside = true;
        for (int d = 0; d < last; d++) {
            int64_t p = at[d] * j->w.stride[d] - j->w.begin[d] + tap[d] * j->w.dilation[d];
            inside = inside && p >= 0 && p < j->x->dims[2 + d];
            where = where * j->x->dims[2 + d] + p;
        }
        for (int64_t k = 0; inside && k < j->w.kernel[last]; k++)
            most_tap(j, x + where * j->x->dims[2 + last] * TN_QBLOCK, k, width, y);
        for (int d = last - 1; d >= 0 && ++tap[d] == j->w.kernel[d]; d--) tap[d] = 0;
    }
}

/* Rows of pixels along the last dimension. */
static void pool_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const pool_job *j = arg;
    int rank = j->w.rank, last = rank - 1;
    int64_t width = j->y->dims[2 + last], per = j->out / width;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        int64_t at[TN_WINDOW_RANK], rest = i % per;
        const uint8_t *x = (const uint8_t *)j->x->data + i / per * j->in * TN_QBLOCK;
        uint8_t *y = (uint8_t *)j->y->data + i * width * TN_QBLOCK;
        for (int d = last - 1; d >= 0; d--) at[d] = rest % j->y->dims[2 + d], rest /= j->y->dims[2 + d];
        if (j->most) {
            most_row(j, x, at, width, y);
            continue;
        }
        for (at[last] = 0; at[last] < width; at[last]++) mean_pixel(j, x, at, y + at[last] * TN_QBLOCK);
    }
}

/* The mean of whole images. */
static void pool_images(void *arg, int64_t begin, int64_t end, int thread) {
    const pool_job *j = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        const uint8_t *x = (const uint8_t *)j->x->data + i * j->in * TN_QBLOCK;
        int64_t sums[TN_QBLOCK] = { 0 };
        for (int64_t p = 0; p < j->in; p++, x += TN_QBLOCK)
            for (int k = 0; k < TN_QBLOCK; k++) sums[k] += x[k];
        for (int k = 0; k < TN_QBLOCK; k++) {
            float mean = (float)(sums[k] - j->in * j->x_zero) / (float)j->in;
            float v = rintf(mean * j->factor) + (float)j->y_zero;
            v = v > 0 ? v : 0;
            ((uint8_t *)j->y->data)[i * TN_QBLOCK + k] = (uint8_t)(v < 255 ? v : 255);
        }
    }
}

static tn_status pool_run(tn_run *r) {
    const pooling *a = r->attrs;
    const tn_tensor *x = tn_in(r, 0);
    int rank = x->rank - 3, kind = r->node->op->arg;
    int64_t out[TN_WINDOW_RANK];
    pool_job j = { .kn = &tn_kernels_get()->qconv, .x = x, .y = tn_out(r, 0), .most = kind == MOST };
    if (tn_count(j.y) == 0) return TN_OK;
    j.all = a->count_include_pad, j.factor = kind == MOST ? 1 : a->scale / a->y_scale;
    j.x_zero = (int32_t)a->x_zero, j.y_zero = (int32_t)a->y_zero;
    j.in = tn_op_product(x->dims, 2, 2 + rank), j.out = tn_op_product(j.y->dims, 2, 2 + rank);
    int64_t images = x->dims[0] * x->dims[1];
    if (kind == GLOBAL) {
        tn_parallel(r->pool, images, 1 + 2048 / (j.in + 1), pool_images, &j);
        return TN_OK;
    }
    TN_TRY(tn_window_of(r->node, &a->window, rank, NULL, &j.w));
    TN_TRY(tn_window_place(r->node, &j.w, x->dims + 2, out));
    int64_t width = j.y->dims[1 + rank];
    tn_parallel(r->pool, images * (j.out / width), 1 + 256 / width, pool_rows, &j);
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define U8 tn_dtype_bit(TN_U8)
static const tn_port one[] = { { "X", U8, 0 }, { 0 } };
static const tn_port two[] = { { "A", U8, 0 }, { "B", U8, 0 }, { 0 } };
static const tn_port out[] = { { "Y", U8, 0 }, { 0 } };
static const tn_port table_in[] = { { "X", TN_Q8, 0 }, { "table", TN_Q8, 0 }, { 0 } };
static const tn_port table_out[] = { { "Y", TN_Q8, 0 }, { 0 } };
#define CODE(T, name, dflt) \
    { TN_INT(T, name, dflt), .min = 0, .max = 255 }
static const tn_attr_spec from_attrs[] = { { TN_INT(unblocking, channels, 0), .required = true }, { 0 } };
static const tn_attr_spec pair_attrs[] = { { TN_FLOAT(pairing, a_scale, 1) },
                                           { TN_FLOAT(pairing, b_scale, 1) },
                                           { TN_FLOAT(pairing, y_scale, 1) },
                                           CODE(pairing, a_zero, 0),
                                           CODE(pairing, b_zero, 0),
                                           CODE(pairing, y_zero, 0),
                                           CODE(pairing, lo, 0),
                                           CODE(pairing, hi, 255),
                                           { 0 } };
#define WINDOW TN_WINDOW_OF(pooling, window), TN_WINDOW_CEIL_OF(pooling, window)
#define MEAN_OF                                                                                   \
    { TN_FLOAT(pooling, scale, 1) }, { TN_FLOAT(pooling, y_scale, 1) }, CODE(pooling, x_zero, 0), \
        CODE(pooling, y_zero, 0)
static const tn_attr_spec most_attrs[] = { WINDOW, { 0 } };
static const tn_attr_spec mean_attrs[] = { WINDOW, { TN_FLAG(pooling, count_include_pad, false) }, MEAN_OF, { 0 } };
static const tn_attr_spec global_attrs[] = { MEAN_OF, { 0 } };

#define ROW(name_, in_, out_, infer_, run_, arg_, doc_)                                                             \
    .name = name_, .domain = "tenon", .since = 1, .flags = TN_OP_INTERNAL, .in = in_, .out = out_, .infer = infer_, \
    .run = run_, .arg = arg_, .doc = doc_
const tn_op tn_ops_qcodes[] = {
    { ROW("QToBlocked", one, out, to_infer, reorder_run, true, "codes [N, C, ..] to [N, C/16, .., 16]") },
    { ROW("QFromBlocked", one, out, from_infer, reorder_run, false, "codes [N, C/16, .., 16] to [N, C, ..]"),
      TN_ATTRS(from_attrs, unblocking) },
    { ROW("QTable", table_in, table_out, table_infer, table_run, 0, "codes to codes by a table of 256") },
    { ROW("QAdd", two, out, pair_infer, pair_run, SUM, "the sum of quantised tensors, quantised again"),
      TN_ATTRS(pair_attrs, pairing) },
    { ROW("QMul", two, out, pair_infer, pair_run, PRODUCT, "the product of quantised tensors, quantised again"),
      TN_ATTRS(pair_attrs, pairing) },
    { ROW("QMaxPool", one, out, pool_infer, pool_run, MOST, "MaxPool of blocked codes"),
      TN_ATTRS(most_attrs, pooling) },
    { ROW("QAveragePool", one, out, pool_infer, pool_run, MEAN, "AveragePool of blocked codes, quantised again"),
      TN_ATTRS(mean_attrs, pooling) },
    { ROW("QGlobalAveragePool", one, out, pool_infer, pool_run, GLOBAL,
          "GlobalAveragePool of blocked codes, quantised again"),
      TN_ATTRS(global_attrs, pooling) },
    { 0 },
};
