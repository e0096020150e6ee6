/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* deform.c - DeformConv: a convolution whose taps lie where an input says, between the pixels too. The taps of a tile
 * of places are interpolated into a matrix, which the weights are multiplied with. Source: Dai et al., ICCV 2017; Zhu
 * et al., CVPR 2019 (the mask). */
#include "kernel/kernel.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/nn/grads.h"
#include "op/nn/window.h"
#include <math.h>
#include <string.h>

enum { LISTED = 4, CORNERS = 1 << LISTED, TILE_BYTES = 4 << 20 }; /* corners are listed up to so many dimensions */

typedef struct {
    tn_window w;
    int rank;
    int64_t batch, channels, filters, groups, offset_groups;
    int64_t taps, pixels, places; /* of a kernel, of an input plane, of an output plane */
    int64_t in[TN_WINDOW_RANK], out[TN_WINDOW_RANK];
} deform;

typedef struct {
    tn_window_attrs window;
    int64_t group, offset_group;
} settings;

static tn_status expect(const tn_infer *c, int i, int d, tn_dim want, const char *what) {
    if (tn_infer_rank(c, i) < 0) return TN_OK;
    tn_dim have = c->in[i]->dims[d];
    if (!tn_dim_known(have) || !tn_dim_known(want) || have == want) return TN_OK;
    return tn_op_fail(c->node, TN_E_SHAPE, "dimension %d of the %s is %lld, should be %lld", d, what, (long long)have,
                      (long long)want);
}

static tn_status check_ranks(const tn_infer *c, int rank) {
    static const char *const names[] = { "input", "weights", "offsets", "bias", "mask" };
    if (rank >= 0 && rank < 3)
        return tn_op_fail(c->node, TN_E_SHAPE, "the input has %d dimensions; 3 to %d can be", rank, TN_MAX_RANK);
    for (int i = 1; i < 5 && rank >= 0; i++) {
        int have = tn_infer_rank(c, i), want = i == 3 ? 1 : rank;
        if (have >= 0 && have != want)
            return tn_op_fail(c->node, TN_E_SHAPE, "the %s have %d dimensions, should have %d", names[i], have, want);
    }
    return TN_OK;
}

static tn_status deform_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    const settings *a = c->attrs;
    int64_t group = a->group, offsets = a->offset_group;
    tn_dim dims[TN_MAX_RANK], taps;
    tn_window w;
    TN_TRY(check_ranks(c, rank));
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, NULL);
    if (rank < 0 || tn_infer_rank(c, 1) < 0) return TN_OK;
    const tn_dim *x = c->in[0]->dims, *k = c->in[1]->dims;
    TN_TRY(tn_window_of(c->node, &a->window, rank - 2, k + 2, &w));
    dims[0] = x[0], dims[1] = k[0], taps = 1;
    for (int d = 0; d < w.rank; d++) {
        TN_TRY(tn_window_out(c->node, c->syms, &w, d, x[2 + d], &dims[2 + d]));
        taps = tn_dim_mul(c->syms, taps, k[2 + d]);
        TN_TRY(expect(c, 2, 2 + d, dims[2 + d], "offsets"));
        TN_TRY(expect(c, 4, 2 + d, dims[2 + d], "mask"));
    }
    if (tn_dim_known(x[1]) && (x[1] % group || x[1] % offsets))
        return tn_infer_fail(c, TN_E_SHAPE, "%lld channels in %lld groups and %lld groups of offsets", (long long)x[1],
                             (long long)group, (long long)offsets);
    if (tn_dim_known(k[0]) && k[0] % group)
        return tn_infer_fail(c, TN_E_SHAPE, "%lld filters in %lld groups", (long long)k[0], (long long)group);
    TN_TRY(expect(c, 1, 1, tn_dim_div(c->syms, x[1], group), "weights"));
    tn_dim all = tn_dim_mul(c->syms, taps, offsets);
    TN_TRY(expect(c, 2, 0, x[0], "offsets"));
    TN_TRY(expect(c, 2, 1, tn_dim_mul(c->syms, all, w.rank), "offsets"));
    if (tn_infer_has(c, 3)) TN_TRY(expect(c, 3, 0, k[0], "bias"));
    if (tn_infer_has(c, 4)) {
        TN_TRY(expect(c, 4, 0, x[0], "mask"));
        TN_TRY(expect(c, 4, 1, all, "mask"));
    }
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, dims);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------- sampling */

typedef struct {
    const deform *d;
    tn_dtype type;                 /* TN_F32 or TN_F64, of all arrays */
    const void *x, *offset, *mask; /* of this image; mask may be NULL */
    void *columns;
    int64_t first, count; /* the places of this tile */
} sampling;

/* The corners around a coordinate (of at most LISTED dimensions) and their weights: those outside the image are left
 * out. */
static int corners_of(const deform *d, const double *at, int64_t *index, double *weight) {
    int n = 1;
    index[0] = 0, weight[0] = 1;
    for (int k = 0; k < d->rank; k++) {
        double base = floor(at[k]), t = at[k] - base;
        if (!(base >= -1 && base < (double)d->in[k])) return 0; /* far outside, or not a number */
        int64_t lo = (int64_t)base;
        int kept = 0;
        int64_t old_index[CORNERS];
        double old_weight[CORNERS];
        memcpy(old_index, index, sizeof *index * (size_t)n);
        memcpy(old_weight, weight, sizeof *weight * (size_t)n);
        for (int i = 0; i < n; i++)
            for (int side = 0; side < 2; side++) {
                if (lo + side < 0 || lo + side >= d->in[k]) continue;
                index[kept] = old_index[i] * d->in[k] + lo + side;
                weight[kept++] = old_weight[i] * (side ? t : 1 - t);
            }
        n = kept;
    }
    return n;
}

/* Row (channel, tap) of the matrix for every channel of a group of offsets: one tap at the tile's places. */
#define SAMPLE(NAME, BETWEEN, T)                                                                                       \
    /* x between its elements, dimension by dimension from k on: for so many dimensions that corners are not listed */ \
    static double BETWEEN(const deform *d, const double *at, int k, const T *x, int64_t index) {                       \
        if (k == d->rank) return (double)x[index];                                                                     \
        double base = floor(at[k]), t = at[k] - base, sum = 0;                                                         \
        if (!(base >= -1 && base < (double)d->in[k])) return 0;                                                        \
        int64_t lo = (int64_t)base, from = index * d->in[k] + lo;                                                      \
        if (lo >= 0) sum += (1 - t) * BETWEEN(d, at, k + 1, x, from);                                                  \
        if (lo + 1 < d->in[k]) sum += t * BETWEEN(d, at, k + 1, x, from + 1);                                          \
        return sum;                                                                                                    \
    }                                                                                                                  \
                                                                                                                       \
    static void NAME(const sampling *s, int64_t group, int64_t tap) {                                                  \
        const deform *d = s->d;                                                                                        \
        int64_t per = d->channels / d->offset_groups, row = group * d->taps + tap, tap_at[TN_WINDOW_RANK], rest = tap; \
        const T *x = (const T *)s->x + group * per * d->pixels, *mask = s->mask;                                       \
        const T *offset = (const T *)s->offset + row * d->rank * d->places;                                            \
        T *out = (T *)s->columns + (group * per * d->taps + tap) * s->count;                                           \
        for (int k = d->rank - 1; k >= 0; k--) tap_at[k] = rest % d->w.kernel[k], rest /= d->w.kernel[k];              \
        for (int64_t i = 0; i < s->count; i++) {                                                                       \
            int64_t place = s->first + i, index[CORNERS];                                                              \
            double at[TN_WINDOW_RANK], weight[CORNERS];                                                                \
            rest = place;                                                                                              \
            for (int k = d->rank - 1; k >= 0; k--) {                                                                   \
                int64_t o = rest % d->out[k] * d->w.stride[k] - d->w.begin[k] + tap_at[k] * d->w.dilation[k];          \
                at[k] = (double)o + (double)offset[k * d->places + place];                                             \
                rest /= d->out[k];                                                                                     \
            }                                                                                                          \
            double m = mask ? (double)mask[row * d->places + place] : 1;                                               \
            if (d->rank > LISTED) {                                                                                    \
                for (int64_t c = 0; c < per; c++)                                                                      \
                    out[c * d->taps * s->count + i] = (T)(BETWEEN(d, at, 0, x + c * d->pixels, 0) * m);                \
                continue;                                                                                              \
            }                                                                                                          \
            int n = corners_of(d, at, index, weight);                                                                  \
            for (int64_t c = 0; c < per; c++) {                                                                        \
                double sum = 0;                                                                                        \
                for (int k = 0; k < n; k++) sum += weight[k] * (double)x[c * d->pixels + index[k]];                    \
                out[c * d->taps * s->count + i] = (T)(sum * m);                                                        \
            }                                                                                                          \
        }                                                                                                              \
    }
SAMPLE(sample_f32, between_f32, float)
SAMPLE(sample_f64, between_f64, double)

static void sample_part(void *arg, int64_t begin, int64_t end, int thread) {
    const sampling *s = arg;
    for (int64_t i = begin; i < end; i++)
        (s->type == TN_F64 ? sample_f64 : sample_f32)(s, i / s->d->taps, i % s->d->taps);
}

/* -------------------------------------------------------------------------------------------------------- product */

/* Filters of every group times the tile's matrix, into the tile's places of one image. */
static tn_status multiply(tn_run *r, const sampling *s, const void *w, const void *bias, void *y) {
    const deform *d = s->d;
    int64_t m = d->filters / d->groups, k = d->channels / d->groups * d->taps;
    for (int64_t g = 0; g < d->groups; g++) {
        if (s->type == TN_F64) {
            tn_gemm_any a = { .m = m,
                              .n = s->count,
                              .k = k,
                              .lda = k,
                              .ldb = s->count,
                              .ldc = d->places,
                              .alpha = 1,
                              .beta = bias ? 1 : 0,
                              .rs_d = 1 };
            a.a = (const double *)w + g * m * k, a.b = (const double *)s->columns + g * k * s->count;
            a.c = (double *)y + g * m * d->places + s->first, a.d = bias ? (const double *)bias + g * m : NULL;
            TN_TRY(tn_gemm_generic(TN_F64, &a));
            continue;
        }
        tn_gemm_args a =
            tn_gemm_dense(m, s->count, k, (const float *)w + g * m * k, (const float *)s->columns + g * k * s->count,
                          (float *)y + g * m * d->places + s->first);
        a.ldc = d->places;
        a.bias_m = bias ? (const float *)bias + g * m : NULL;
        TN_TRY(tn_gemm(&tn_kernels_get()->gemm, &a, NULL, r->pool));
    }
    return TN_OK;
}

/* The elements of input i in the type of the computation: narrow floats become float32. */
static tn_status widened(tn_run *r, int i, tn_dtype type, const void **data) {
    const tn_tensor *t = tn_in(r, i);
    *data = t ? t->data : NULL;
    if (!t || t->dtype == type) return TN_OK;
    float *copy = tn_run_scratch(r, (size_t)(tn_count(t) + 1) * sizeof *copy);
    if (!copy) return tn_op_fail(r->node, TN_E_NOMEM, "no memory to convert input %d", i);
    *data = copy;
    return tn_convert(t->dtype, t->data, TN_F32, copy, tn_count(t), true, TN_ROUND_NEAREST);
}

static tn_status describe(tn_run *r, deform *d) {
    const tn_tensor *x = tn_in(r, 0), *w = tn_in(r, 1), *y = tn_out(r, 0);
    const settings *a = r->attrs;
    *d = (deform){ .rank = x->rank - 2,
                   .batch = x->dims[0],
                   .channels = x->dims[1],
                   .filters = w->dims[0],
                   .groups = a->group,
                   .offset_groups = a->offset_group,
                   .taps = tn_op_product(w->dims, 2, w->rank),
                   .pixels = tn_op_product(x->dims, 2, x->rank),
                   .places = tn_op_product(y->dims, 2, y->rank) };
    TN_TRY(tn_window_of(r->node, &a->window, d->rank, w->dims + 2, &d->w));
    memcpy(d->in, x->dims + 2, sizeof *d->in * (size_t)d->rank);
    memcpy(d->out, y->dims + 2, sizeof *d->out * (size_t)d->rank);
    return TN_OK;
}

static tn_status deform_run(tn_run *r) {
    tn_tensor *y = tn_out(r, 0);
    tn_dtype type = y->dtype == TN_F64 ? TN_F64 : TN_F32;
    int64_t each = tn_dtypes[type].bytes;
    deform d;
    const void *in[5];
    char *out = y->data;
    TN_TRY(describe(r, &d));
    if (tn_count(y) == 0) return TN_OK;
    for (int i = 0; i < 5; i++) TN_TRY(widened(r, i, type, &in[i]));
    int64_t rows = d.channels * d.taps, tile = rows ? TILE_BYTES / each / rows : d.places;
    tile = tile < 16 ? 16 : tile;
    tile = tile > d.places ? d.places : tile;
    sampling s = { .d = &d, .type = type };
    size_t bytes;
    if (!tn_mul_size((size_t)rows * (size_t)each, (size_t)tile, &bytes) || !(s.columns = tn_run_scratch(r, bytes + 64)))
        return tn_op_fail(r->node, TN_E_NOMEM, "no memory for %lld samples", (long long)rows);
    if (y->dtype != type && !(out = tn_run_scratch(r, (size_t)tn_count(y) * (size_t)each)))
        return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the result");
    for (int64_t b = 0; b < d.batch; b++) {
        int64_t all = d.offset_groups * d.taps * d.places;
        s.x = (const char *)in[0] + b * d.channels * d.pixels * each;
        s.offset = (const char *)in[2] + b * all * d.rank * each;
        s.mask = in[4] ? (const char *)in[4] + b * all * each : NULL;
        for (s.first = 0; s.first < d.places; s.first += tile) {
            s.count = d.places - s.first < tile ? d.places - s.first : tile;
            tn_parallel(r->pool, d.offset_groups * d.taps, 1, sample_part, &s);
            TN_TRY(multiply(r, &s, in[1], in[3], out + b * d.filters * d.places * each));
        }
    }
    if (y->dtype == type) return TN_OK;
    return tn_convert(TN_F32, out, y->dtype, y->data, tn_count(y), true, TN_ROUND_NEAREST);
}

static tn_status deform_cost(const tn_infer *c, tn_cost *out) {
    const tn_type *w = c->in[1];
    out->flops = 2;
    for (int d = 0; d < c->out[0].rank; d++) out->flops *= (double)c->out[0].dims[d];
    for (int d = 1; d < w->rank; d++) out->flops *= (double)w->dims[d];
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port deform_in[] = { { "X", TN_FLOATS, 'T' },
                                     { "W", TN_FLOATS, 'T' },
                                     { "offset", TN_FLOATS, 'T' },
                                     { "B", TN_FLOATS, 'T', .optional = true },
                                     { "mask", TN_FLOATS, 'T', .optional = true },
                                     { 0 } };
static const tn_attr_spec deform_attrs[] = { TN_WINDOW_INTS(settings, window, dilations, 1),
                                             { TN_INT(settings, group, 1), .min = 1, .max = INT32_MAX },
                                             TN_WINDOW_INTS(settings, window, kernel_shape, 1),
                                             { TN_INT(settings, offset_group, 1), .min = 1, .max = INT32_MAX },
                                             TN_WINDOW_INTS(settings, window, pads, 0),
                                             TN_WINDOW_INTS(settings, window, strides, 1),
                                             { 0 } };

const tn_op tn_ops_deform[] = {
    { .name = "DeformConv",
      .since = 22,
      .in = deform_in,
      .out = tn_ports_float_t,
      TN_ATTRS(deform_attrs, settings),
      .infer = deform_infer,
      .cost = deform_cost,
      .run = deform_run,
      .grad = tn_grad_deform_conv,
      .doc = "a convolution whose taps are moved by an input" },
    { 0 },
};
