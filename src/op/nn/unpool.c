/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* unpool.c - MaxUnpool, Col2Im, CenterCropPad: parts put back, or set into the middle of, a larger image. */
#include "base/budget.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/nn/grads.h"
#include "op/nn/window.h"
#include <string.h>

static void clear(tn_tensor *y) {
    size_t bytes = 0;
    tn_dtype_bytes(y->dtype, tn_count(y), &bytes);
    if (y->dtype != TN_STRING) tn_budget_clear(y->data, bytes);
}

/* ------------------------------------------------------------------------------------------------------ MaxUnpool */

typedef struct {
    tn_window_attrs window;
} unpooling;

/* The shape that pooling's attributes make from X's: what indices count in. */
static tn_status unpooled(tn_infer *c, int rank, tn_dim *dims) {
    tn_window w;
    TN_TRY(tn_window_of(c->node, &((const unpooling *)c->attrs)->window, rank - 2, NULL, &w));
    memcpy(dims, c->in[0]->dims, sizeof *dims * (size_t)rank);
    for (int d = 0; d < w.rank; d++) {
        tn_dim steps = tn_dim_mul(c->syms, tn_dim_add(c->syms, dims[2 + d], -1), w.stride[d]);
        dims[2 + d] = tn_dim_add(c->syms, steps, w.kernel[d] - w.begin[d] - w.end[d]);
    }
    return TN_OK;
}

static tn_status unpool_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), n;
    tn_dim dims[TN_MAX_RANK];
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, NULL);
    if (rank < 0) return TN_OK;
    TN_TRY(unpooled(c, rank, dims));
    if (tn_infer_rank(c, 1) >= 0 && tn_infer_rank(c, 1) != rank)
        return tn_infer_fail(c, TN_E_SHAPE, "X and the indices differ in rank");
    if (tn_infer_has(c, 2)) {
        const tn_dim *given = tn_infer_ints(c, 2, &n);
        if (!given) return TN_OK;
        if (n != rank)
            return tn_infer_fail(c, TN_E_SHAPE, "output_shape holds %d numbers, X has %d dimensions", n, rank);
        memcpy(dims, given, sizeof *dims * (size_t)rank);
    }
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, dims);
    return TN_OK;
}

static tn_status unpool_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *index = tn_in(r, 1);
    tn_tensor *y = tn_out(r, 0);
    tn_window w;
    int64_t dims[TN_MAX_RANK] = { x->dims[0], x->dims[1] };
    TN_TRY(tn_window_of(r->node, &((const unpooling *)r->attrs)->window, x->rank - 2, NULL, &w));
    if (!tn_dims_equal(x->rank, x->dims, index->rank, index->dims))
        return tn_op_fail(r->node, TN_E_SHAPE, "X and the indices differ in shape");
    clear(y);
    if (tn_count(x) == 0) return TN_OK;
    bool larger = y->dims[0] >= dims[0] && y->dims[1] >= dims[1];
    for (int d = 0; d < w.rank; d++) {
        dims[2 + d] = (x->dims[2 + d] - 1) * w.stride[d] + w.kernel[d] - w.begin[d] - w.end[d];
        larger &= dims[2 + d] >= 0 && y->dims[2 + d] >= dims[2 + d];
    }
    /* A larger output holds the unpooled image in its first corner; any other shape takes the indices as its own. */
    if (!larger) memcpy(dims, y->dims, sizeof dims);
    int64_t total = tn_dims_count(x->rank, dims);
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < tn_count(x); i++) {
        if (tn_ticks_stopped(&ticks, 32)) return tn_op_stopped(r);
        int64_t k = ((const int64_t *)index->data)[i], to = 0, step = 1;
        if (k < 0 || k >= total)
            return tn_op_fail(r->node, TN_E_INVALID, "index %lld is not within 0..%lld", (long long)k,
                              (long long)total - 1);
        for (int d = x->rank - 1; d >= 0; d--) to += k % dims[d] * step, k /= dims[d], step *= y->dims[d];
        tn_op_copy_element(y, to, x, i);
    }
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------------------- Col2Im */

typedef struct {
    int rank;
    int64_t image[TN_MAX_RANK], block[TN_MAX_RANK], blocks[TN_MAX_RANK];
    int64_t stride[TN_MAX_RANK], dilation[TN_MAX_RANK], begin[TN_MAX_RANK];
    int64_t pixels, offsets, places; /* products of image, block and blocks */
    tn_dtype type;
    const char *x;
    char *y;
} fold;

enum { FOLD_RANK = TN_MAX_RANK - 2, FOLD_MAX = INT32_MAX };

typedef struct {
    tn_ints dilations, pads, strides;
} folding;

static tn_status fold_numbers(const tn_node *n, const char *name, tn_ints list, int64_t dflt, int64_t *out, int count) {
    if (list.v && list.n != (size_t)count)
        return tn_op_fail(n, TN_E_INVALID, "attribute '%s' has %zu numbers, %d are needed", name, list.n, count);
    for (int i = 0; i < count; i++) out[i] = list.v ? list.v[i] : dflt;
    return TN_OK;
}

/* Everything but the data, from exact sizes. */
static tn_status fold_read(const tn_node *n, const folding *a, int rank, const int64_t *image, const int64_t *block,
                           fold *f) {
    int64_t pads[2 * TN_MAX_RANK];
    *f = (fold){ .rank = rank, .pixels = 1, .offsets = 1, .places = 1 };
    TN_TRY(fold_numbers(n, "dilations", a->dilations, 1, f->dilation, rank));
    TN_TRY(fold_numbers(n, "strides", a->strides, 1, f->stride, rank));
    TN_TRY(fold_numbers(n, "pads", a->pads, 0, pads, 2 * rank));
    for (int d = 0; d < rank; d++) {
        if (image[d] < 1 || image[d] > FOLD_MAX || block[d] < 1 || block[d] > FOLD_MAX)
            return tn_op_fail(n, TN_E_INVALID, "an image of %lld and blocks of %lld in dimension %d",
                              (long long)image[d], (long long)block[d], d);
        int64_t room = image[d] + pads[d] + pads[rank + d] - f->dilation[d] * (block[d] - 1) - 1;
        f->image[d] = image[d], f->block[d] = block[d], f->begin[d] = pads[d];
        f->blocks[d] = room < 0 ? 0 : room / f->stride[d] + 1;
        if (__builtin_mul_overflow(f->pixels, image[d], &f->pixels) ||
            __builtin_mul_overflow(f->offsets, block[d], &f->offsets) ||
            __builtin_mul_overflow(f->places, f->blocks[d], &f->places))
            return tn_op_fail(n, TN_E_SHAPE, "the image or its blocks have more elements than can be counted");
    }
    return TN_OK;
}

static tn_status fold_infer(tn_infer *c) {
    int n_image, n_block;
    const tn_dim *image = tn_infer_ints(c, 1, &n_image), *block = tn_infer_ints(c, 2, &n_block);
    if (tn_infer_rank(c, 0) >= 0 && tn_infer_rank(c, 0) != 3)
        return tn_infer_fail(c, TN_E_SHAPE, "the input has %d dimensions, 3 are needed", tn_infer_rank(c, 0));
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), -1, NULL);
    if (!image) return TN_OK;
    if (n_image < 1 || n_image > FOLD_RANK || (block && n_block != n_image))
        return tn_infer_fail(c, TN_E_SHAPE, "image_shape holds %d numbers, block_shape %d", n_image, n_block);
    tn_dim dims[TN_MAX_RANK] = { TN_DIM_UNKNOWN, TN_DIM_UNKNOWN };
    memcpy(dims + 2, image, sizeof *dims * (size_t)n_image);
    if (tn_infer_rank(c, 0) == 3) {
        dims[0] = c->in[0]->dims[0], dims[1] = block ? c->in[0]->dims[1] : TN_DIM_UNKNOWN;
        bool exact = block && tn_dim_known(c->in[0]->dims[2]);
        for (int d = 0; d < n_image; d++) exact &= tn_dim_known(image[d]) && block && tn_dim_known(block[d]);
        for (int d = 0; block && d < n_image; d++) dims[1] = tn_dim_div(c->syms, dims[1], block[d]);
        fold f;
        if (exact) TN_TRY(fold_read(c->node, c->attrs, n_image, image, block, &f));
        if (exact && f.places != c->in[0]->dims[2])
            return tn_infer_fail(c, TN_E_SHAPE, "the input has %lld blocks, image and blocks make %lld",
                                 (long long)c->in[0]->dims[2], (long long)f.places);
        if (exact && tn_dim_known(c->in[0]->dims[1]) && c->in[0]->dims[1] % f.offsets)
            return tn_infer_fail(c, TN_E_SHAPE, "%lld is not a multiple of the block's %lld elements",
                                 (long long)c->in[0]->dims[1], (long long)f.offsets);
    }
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), 2 + n_image, dims);
    return TN_OK;
}

/* y[i step] += x[i]; complex numbers are two parts */
#define SUM_ROW(NAME, T, PARTS)                                                                 \
    static void NAME(int64_t n, int64_t step, const void *x, void *y) {                         \
        const T *from = x;                                                                      \
        T *to = y;                                                                              \
        for (int64_t i = 0; i < n; i++)                                                         \
            for (int k = 0; k < PARTS; k++)                                                     \
                to[i * step * PARTS + k] = (T)(to[i * step * PARTS + k] + from[i * PARTS + k]); \
    }
SUM_ROW(sum_8, uint8_t, 1)
SUM_ROW(sum_16, uint16_t, 1)
SUM_ROW(sum_32, uint32_t, 1)
SUM_ROW(sum_64, uint64_t, 1)
SUM_ROW(sum_f32, float, 1)
SUM_ROW(sum_f64, double, 1)
SUM_ROW(sum_c64, float, 2)
SUM_ROW(sum_c128, double, 2)

static void any_bool(int64_t n, int64_t step, const void *x, void *y) {
    const uint8_t *from = x;
    uint8_t *to = y;
    for (int64_t i = 0; i < n; i++) to[i * step] |= from[i];
}

static void only_string(int64_t n, int64_t step, const void *x, void *y) {
    for (int64_t i = 0; i < n; i++) ((tn_string *)y)[i * step] = ((const tn_string *)x)[i];
}

static void (*const sums[TN_DTYPE_COUNT])(int64_t, int64_t, const void *, void *) = {
    [TN_U8] = sum_8,    [TN_I8] = sum_8,      [TN_U16] = sum_16,    [TN_I16] = sum_16,         [TN_U32] = sum_32,
    [TN_I32] = sum_32,  [TN_U64] = sum_64,    [TN_I64] = sum_64,    [TN_F32] = sum_f32,        [TN_F64] = sum_f64,
    [TN_C64] = sum_c64, [TN_C128] = sum_c128, [TN_BOOL] = any_bool, [TN_STRING] = only_string,
};

/* One offset within the block of one plane: all blocks' elements there, row by row of the last dimension. */
static void fold_offset(const fold *f, const int64_t *offset, const char *x, char *y) {
    int last = f->rank - 1, each = tn_dtypes[f->type].bytes;
    int64_t row = f->blocks[last], stride = f->stride[last], shift = offset[last] * f->dilation[last] - f->begin[last];
    int64_t from = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
    int64_t to = f->image[last] - shift <= 0 ? 0 : (f->image[last] - shift + stride - 1) / stride;
    if (to > row) to = row;
    for (int64_t i = 0; i < f->places / row && from < to; i++, x += row * each) {
        int64_t rest = i, base = 0, step = f->image[last];
        bool inside = true;
        for (int d = last - 1; d >= 0; d--) {
            int64_t at = rest % f->blocks[d] * f->stride[d] + offset[d] * f->dilation[d] - f->begin[d];
            inside &= at >= 0 && at < f->image[d];
            base += at * step, step *= f->image[d], rest /= f->blocks[d];
        }
        if (inside) sums[f->type](to - from, stride, x + from * each, y + (base + shift + from * stride) * each);
    }
}

static void fold_part(void *arg, int64_t begin, int64_t end, int thread) {
    const fold *f = arg;
    int64_t each = tn_dtypes[f->type].bytes;
    for (int64_t plane = begin; plane < end; plane++)
        for (int64_t k = 0; k < f->offsets; k++) {
            int64_t offset[TN_MAX_RANK], rest = k;
            for (int d = f->rank - 1; d >= 0; d--) offset[d] = rest % f->block[d], rest /= f->block[d];
            fold_offset(f, offset, f->x + (plane * f->offsets + k) * f->places * each, f->y + plane * f->pixels * each);
        }
}

static tn_status fold_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0), wide_x = *x, wide_y = *y;
    int64_t *image, *block, n, m;
    fold f;
    TN_TRY(tn_op_ints(r, tn_in(r, 1), &image, &n));
    TN_TRY(tn_op_ints(r, tn_in(r, 2), &block, &m));
    TN_TRY(fold_read(r->node, r->attrs, (int)n, image, block, &f));
    if (x->dtype == TN_F16 || x->dtype == TN_BF16) { /* sums of narrow floats are made in float32 */
        wide_x.dtype = wide_y.dtype = TN_F32;
        wide_x.data = tn_run_scratch(r, (size_t)(tn_count(x) + 1) * sizeof(float));
        wide_y.data = tn_run_scratch(r, (size_t)(tn_count(y) + 1) * sizeof(float));
        if (!wide_x.data || !wide_y.data) return tn_op_fail(r->node, TN_E_NOMEM, "no memory to convert the input");
        TN_TRY(tn_convert(x->dtype, x->data, TN_F32, wide_x.data, tn_count(x), true, TN_ROUND_NEAREST));
    }
    for (int d = 0; x->dtype == TN_STRING && d < f.rank; d++)
        if (f.blocks[d] > 1 && f.block[d] > 1 && f.stride[d] < f.dilation[d] * (f.block[d] - 1) + 1)
            return tn_op_fail(r->node, TN_E_TYPE, "the blocks overlap, and strings have no sum");
    f.type = wide_x.dtype, f.x = wide_x.data, f.y = wide_y.data;
    clear(&wide_y);
    int64_t work = tn_count(x) > 0 ? f.offsets * f.places : 0; /* no more than x has */
    if (tn_count(y) > 0 && work > 0) tn_parallel(r->pool, y->dims[0] * y->dims[1], 1 + 16384 / work, fold_part, &f);
    if (wide_y.dtype == y->dtype) return tn_op_own_strings(y);
    return tn_convert(TN_F32, wide_y.data, y->dtype, y->data, tn_count(y), true, TN_ROUND_NEAREST);
}

/* -------------------------------------------------------------------------------------------------- CenterCropPad */

typedef struct {
    tn_ints axes;
} centring;

static tn_status centre_infer(tn_infer *c) {
    tn_ints axes = ((const centring *)c->attrs)->axes;
    int rank = tn_infer_rank(c, 0), n, count = rank, place[TN_MAX_RANK];
    const tn_dim *shape = tn_infer_ints(c, 1, &n);
    tn_dim dims[TN_MAX_RANK];
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, NULL);
    if (rank < 0) return TN_OK;
    memcpy(dims, c->in[0]->dims, sizeof dims);
    if (axes.v) TN_TRY(tn_op_axes(c->node, axes.v, (int64_t)axes.n, rank, place, &count));
    if (shape && n != count) return tn_infer_fail(c, TN_E_SHAPE, "shape holds %d numbers for %d axes", n, count);
    for (int i = 0; i < count; i++) {
        int axis = axes.v ? place[i] : i;
        dims[axis] = shape ? shape[i] : TN_DIM_UNKNOWN;
        if (tn_dim_known(dims[axis]) && dims[axis] < 0)
            return tn_infer_fail(c, TN_E_INVALID, "shape holds %lld", (long long)dims[axis]);
    }
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, dims);
    return TN_OK;
}

static tn_status centre_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    int last = x->rank - 1;
    int64_t from[TN_MAX_RANK], to[TN_MAX_RANK], size[TN_MAX_RANK], rows = 1;
    clear(y);
    if (tn_count(x) == 0 || tn_count(y) == 0) return TN_OK;
    for (int d = 0; d <= last; d++) {
        int64_t a = x->dims[d], b = y->dims[d];
        from[d] = a > b ? (a - b) / 2 : 0, to[d] = b > a ? (b - a) / 2 : 0, size[d] = a < b ? a : b;
        if (d < last) rows *= size[d];
    }
    if (last < 0) tn_op_copy_element(y, 0, x, 0);
    for (int64_t i = 0; i < rows && last >= 0; i++) {
        int64_t rest = i, at = 0, put = 0, step_x = x->dims[last], step_y = y->dims[last];
        for (int d = last - 1; d >= 0; d--) {
            int64_t k = rest % size[d];
            at += (from[d] + k) * step_x, put += (to[d] + k) * step_y;
            step_x *= x->dims[d], step_y *= y->dims[d], rest /= size[d];
        }
        tn_op_copy_elements(y, put + to[last], x, at + from[last], size[last]);
    }
    return tn_op_own_strings(y);
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define COMPLEX (tn_dtype_bit(TN_C64) | tn_dtype_bit(TN_C128))
static const tn_port unpool_in[] = { { "X", TN_FLOATS, 'T' },
                                     { "I", tn_dtype_bit(TN_I64), 0 },
                                     { "output_shape", tn_dtype_bit(TN_I64), 0, .optional = true },
                                     { 0 } };
static const tn_attr_spec unpool_attrs[] = { TN_WINDOW_INTS(unpooling, window, kernel_shape, 1),
                                             TN_WINDOW_INTS(unpooling, window, pads, 0),
                                             TN_WINDOW_INTS(unpooling, window, strides, 1),
                                             { 0 } };
static const tn_port fold_in[] = { { "input", TN_REAL | TN_BOOLS | COMPLEX | tn_dtype_bit(TN_STRING), 'T' },
                                   { "image_shape", tn_dtype_bit(TN_I64), 0 },
                                   { "block_shape", tn_dtype_bit(TN_I64), 0 },
                                   { 0 } };
static const tn_attr_spec fold_attrs[] = { { TN_INTS_OF(folding, dilations), .min = 1, .max = FOLD_MAX },
                                           { TN_INTS_OF(folding, pads), .min = 0, .max = FOLD_MAX },
                                           { TN_INTS_OF(folding, strides), .min = 1, .max = FOLD_MAX },
                                           { 0 } };
static const tn_port centre_in[] = { { "input_data", TN_ANY_TYPE, 'T' }, { "shape", TN_INDEX, 0 }, { 0 } };
static const tn_attr_spec centre_attrs[] = { { TN_INTS_OF(centring, axes) }, { 0 } };

const tn_op tn_ops_unpool[] = {
    { .name = "MaxUnpool",
      .since = 22,
      .in = unpool_in,
      .out = tn_ports_float_t,
      TN_ATTRS(unpool_attrs, unpooling),
      .infer = unpool_infer,
      .run = unpool_run,
      .grad = tn_grad_unpool,
      .doc = "maxima back at the places they came from, zeros around them" },
    { .name = "Col2Im",
      .since = 18,
      .in = fold_in,
      .out = tn_ports_any_t,
      TN_ATTRS(fold_attrs, folding),
      .infer = fold_infer,
      .run = fold_run,
      .grad = tn_grad_fold,
      .doc = "the sum of overlapping blocks, each at its place in an image" },
    { .name = "CenterCropPad",
      .since = 18,
      .in = centre_in,
      .out = tn_ports_any_t,
      TN_ATTRS(centre_attrs, centring),
      .infer = centre_infer,
      .run = centre_run,
      .grad = tn_grad_center,
      .doc = "the middle of a tensor, or zeros around it" },
    { 0 },
};
