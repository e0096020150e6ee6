/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* signal.c - DFT and STFT: Fourier transforms along an axis, and of windowed frames. */
#include "base/budget.h"
#include "kernel/fft.h"
#include "kernel/kernel.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/signal/grads.h"
#include <string.h>

/* ------------------------------------------------------------------------------------ many transforms of one length */

enum { LANES = 16, LANE_BYTES = 1 << 18 }; /* signals taken together: as many as their points fit the L2 cache */

/* Where the signals lie in a tensor: number s begins at s / inner * outer_step + s % inner * inner_step, its points are
 * `step` apart. */
typedef struct {
    int64_t inner, outer_step, inner_step, step;
    int parts; /* 1: real, 2: complex */
} layout;

typedef struct {
    const tn_fft *fft;
    const tn_fft_kernels *kernels;
    const void *x, *window; /* window: or NULL */
    void *y;
    layout in, out;
    int64_t signals, taps, bins; /* points read of a signal (the rest are zeros), points written */
    bool inverse, hermitian;     /* hermitian: the spectrum of a real signal, of which one half is given */
    double scale;
    int64_t lanes;
    char *scratch;
    size_t per_thread;
} transforms;

static int64_t place(const layout *l, int64_t s) { return s / l->inner * l->outer_step + s % l->inner * l->inner_step; }

/* Signals s0 .. s0 + lanes - 1 side by side, and back. */
#define MOVES(T, LOAD, STORE)                                                                              \
    static void LOAD(const transforms *t, int64_t s0, int64_t lanes, T *re, T *im) {                       \
        int64_t n = tn_fft_length(t->fft);                                                                 \
        const T *window = t->window;                                                                       \
        tn_ticks ticks = { 0 };                                                                            \
        for (int64_t b = 0; b < lanes; b++) {                                                              \
            const T *x = (const T *)t->x + place(&t->in, s0 + b);                                          \
            for (int64_t i = 0; i < t->taps && !tn_ticks_stopped(&ticks, 4); i++, x += t->in.step) {       \
                T w = window ? window[i] : (T)1;                                                           \
                re[i * lanes + b] = x[0] * w, im[i * lanes + b] = t->in.parts == 2 ? x[1] * w : (T)0;      \
            }                                                                                              \
            for (int64_t i = t->taps; i < n; i++) re[i * lanes + b] = im[i * lanes + b] = 0;               \
            if (!t->hermitian) continue;                                                                   \
            im[b] = 0;                                                                                     \
            if (n % 2 == 0) im[n / 2 * lanes + b] = 0;                                                     \
            for (int64_t i = n / 2 + 1; i < n; i++) {                                                      \
                re[i * lanes + b] = re[(n - i) * lanes + b], im[i * lanes + b] = -im[(n - i) * lanes + b]; \
            }                                                                                              \
        }                                                                                                  \
    }                                                                                                      \
    static void STORE(const transforms *t, int64_t s0, int64_t lanes, const T *re, const T *im) {          \
        T scale = (T)t->scale;                                                                             \
        tn_ticks ticks = { 0 };                                                                            \
        for (int64_t b = 0; b < lanes; b++) {                                                              \
            T *y = (T *)t->y + place(&t->out, s0 + b);                                                     \
            for (int64_t i = 0; i < t->bins && !tn_ticks_stopped(&ticks, 4); i++, y += t->out.step) {      \
                y[0] = re[i * lanes + b] * scale;                                                          \
                if (t->out.parts == 2) y[1] = im[i * lanes + b] * scale;                                   \
            }                                                                                              \
        }                                                                                                  \
    }
MOVES(float, load_f32, store_f32)
MOVES(double, load_f64, store_f64)

static void transform_part(void *arg, int64_t begin, int64_t end, int thread) {
    const transforms *t = arg;
    bool wide = tn_fft_dtype(t->fft) == TN_F64;
    size_t each = wide ? sizeof(double) : sizeof(float);
    for (int64_t group = begin; group < end; group++) {
        int64_t s0 = group * t->lanes, lanes = t->signals - s0 < t->lanes ? t->signals - s0 : t->lanes;
        size_t part = (size_t)(tn_fft_length(t->fft) * lanes) * each;
        char *re = t->scratch + (size_t)thread * t->per_thread, *im = re + part + TN_FFT_SKEW;
        if (wide)
            load_f64(t, s0, lanes, (double *)(void *)re, (double *)(void *)im);
        else
            load_f32(t, s0, lanes, (float *)(void *)re, (float *)(void *)im);
        tn_fft_run(t->kernels, t->fft, lanes, t->inverse ? im : re, t->inverse ? re : im, im + part + TN_FFT_SKEW);
        if (wide)
            store_f64(t, s0, lanes, (const double *)(void *)re, (const double *)(void *)im);
        else
            store_f32(t, s0, lanes, (const float *)(void *)re, (const float *)(void *)im);
    }
}

static tn_status no_memory(const tn_run *r) { return tn_op_fail(r->node, TN_E_NOMEM, "no memory to transform in"); }

/* t->fft is set; x, y and the window are of its type. */
static tn_status transform_all(tn_run *r, transforms *t) {
    int64_t n = tn_fft_length(t->fft), each = tn_dtypes[tn_fft_dtype(t->fft)].bytes;
    if (t->signals == 0) return TN_OK;
    t->kernels = &tn_kernels_get()->fft;
    t->lanes = LANE_BYTES / (4 * each) / n;
    t->lanes = t->lanes < 1 ? 1 : t->lanes > LANES ? LANES : t->lanes;
    t->lanes = t->lanes > t->signals ? t->signals : t->lanes;
    int64_t extra = tn_fft_scratch(t->fft, t->lanes), groups = (t->signals + t->lanes - 1) / t->lanes;
    size_t all;
    if (extra < 0 || !tn_mul_size((size_t)(2 * n * t->lanes + extra), (size_t)each, &t->per_thread))
        return no_memory(r);
    t->per_thread = tn_align_up(t->per_thread + 2 * TN_FFT_SKEW, 64);
    int64_t threads = tn_pool_threads(r->pool) < groups ? tn_pool_threads(r->pool) : groups;
    if (!tn_mul_size(t->per_thread, (size_t)tn_pool_threads(r->pool), &all)) return no_memory(r);
    if (threads == 1) all = t->per_thread;
    if (!(t->scratch = tn_run_scratch(r, all))) return no_memory(r);
    tn_parallel(threads == 1 ? NULL : r->pool, groups, 1 + 32768 / (n * t->lanes), transform_part, t);
    return TN_OK;
}

/* DFT is computed in double: of one long signal small bins beside large ones should mean something. The frames of STFT
 * are short and many: they stay float32 where they are not double. */
static tn_dtype work_type(const tn_node *n, tn_dtype t) { return t == TN_F64 || n->op->arg ? TN_F64 : TN_F32; }

/* *data: the tensor's elements in type t. */
static tn_status widen(tn_run *r, const tn_tensor *x, tn_dtype t, const void **data) {
    *data = x->data;
    if (x->dtype == t) return TN_OK;
    void *copy = tn_run_scratch(r, (size_t)(tn_count(x) + 1) * (size_t)tn_dtypes[t].bytes);
    if (!copy) return no_memory(r);
    *data = copy;
    return tn_convert(x->dtype, x->data, t, copy, tn_count(x), true, TN_ROUND_NEAREST);
}

/* Runs with the plan made in prepare, or one made now. */
static tn_status with_plan(tn_run *r, transforms *t, int64_t n) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    tn_fft *own = NULL;
    tn_status st = TN_OK;
    tn_dtype work = work_type(r->node, x->dtype);
    if (tn_count(y) == 0) return TN_OK;
    TN_TRY(widen(r, x, work, &t->x));
    t->y = y->data;
    if (y->dtype != work && !(t->y = tn_run_scratch(r, (size_t)tn_count(y) * (size_t)tn_dtypes[work].bytes)))
        return no_memory(r);
    t->fft = r->state;
    if (!t->fft || tn_fft_length(t->fft) != n) st = tn_fft_new(work, n, &own), t->fft = own;
    if (st == TN_OK) st = transform_all(r, t);
    tn_fft_free(&own);
    if (st == TN_OK && t->y != y->data)
        st = tn_convert(work, t->y, y->dtype, y->data, tn_count(y), true, TN_ROUND_NEAREST);
    return st;
}

static tn_status prepare_length(tn_prep *p, int64_t n) {
    tn_fft *f;
    tn_dtype t = tn_infer_dtype(&p->types, 0);
    if (n < 1 || n > 1 << 24 || t == TN_NONE) return TN_OK; /* made while running, or refused there */
    TN_TRY(tn_fft_new(work_type(p->types.node, t), n, &f));
    p->state = f;
    return TN_OK;
}

static void release_plan(void *state) {
    tn_fft *f = state;
    tn_fft_free(&f);
}

/* ------------------------------------------------------------------------------------------------------------- DFT */

typedef struct {
    bool inverse, onesided;
} transform;

typedef struct {
    int axis; /* -1: not known yet */
    bool inverse, onesided;
    tn_dim in, length, bins; /* along the axis: points given, of the transform, of the result */
} dft_shape;

static tn_status dft_read(tn_infer *c, dft_shape *s) {
    int rank = tn_infer_rank(c, 0);
    int64_t axis = -2, length;
    const transform *a = c->attrs;
    *s = (dft_shape){ .axis = -1,
                      .inverse = a->inverse,
                      .onesided = a->onesided,
                      .in = TN_DIM_UNKNOWN,
                      .length = TN_DIM_UNKNOWN,
                      .bins = TN_DIM_UNKNOWN };
    if (rank < 0) return TN_OK;
    tn_dim parts = rank ? c->in[0]->dims[rank - 1] : 1;
    if (rank < 2) return tn_infer_fail(c, TN_E_SHAPE, "the input has %d dimensions, at least 2 are needed", rank);
    if (tn_dim_known(parts) && parts != 1 && parts != 2)
        return tn_infer_fail(c, TN_E_SHAPE,
                             "the last dimension is %lld; it holds real parts (1) or complex numbers (2)",
                             (long long)parts);
    if (tn_dim_known(parts) && s->onesided && parts != (s->inverse ? 2 : 1))
        return tn_infer_fail(c, TN_E_SHAPE, "a one-sided %s wants %s input", s->inverse ? "inverse" : "transform",
                             s->inverse ? "complex" : "real");
    if (tn_infer_has(c, 2) && !tn_infer_int(c, 2, &axis)) return TN_OK;
    TN_TRY(tn_op_axis(c->node, axis, rank, &s->axis));
    if (s->axis == rank - 1)
        return tn_infer_fail(c, TN_E_INVALID, "axis %lld is the one of the parts", (long long)axis);
    s->in = c->in[0]->dims[s->axis];
    s->length = s->inverse && s->onesided ? tn_dim_mul(c->syms, tn_dim_add(c->syms, s->in, -1), 2) : s->in;
    if (tn_infer_has(c, 1)) {
        int n;
        const tn_dim *given = tn_infer_ints(c, 1, &n);
        if (given && n != 1) return tn_infer_fail(c, TN_E_SHAPE, "dft_length holds %d numbers, one is needed", n);
        s->length = given ? given[0] : tn_infer_int(c, 1, &length) ? length : TN_DIM_UNKNOWN;
    }
    if (tn_dim_known(s->length) && s->length < 1)
        return tn_infer_fail(c, TN_E_INVALID, "a transform of %lld points", (long long)s->length);
    s->bins = s->onesided && !s->inverse ? tn_dim_add(c->syms, tn_dim_div(c->syms, s->length, 2), 1) : s->length;
    return TN_OK;
}

static tn_status dft_infer(tn_infer *c) {
    dft_shape s;
    tn_dim dims[TN_MAX_RANK];
    int rank = tn_infer_rank(c, 0);
    TN_TRY(dft_read(c, &s));
    for (int d = 0; d < rank; d++)
        dims[d] = d == rank - 1 ? (s.inverse && s.onesided ? 1 : 2) : s.axis < 0 ? TN_DIM_UNKNOWN : c->in[0]->dims[d];
    if (s.axis >= 0) dims[s.axis] = s.bins;
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, rank < 0 ? NULL : dims);
    return TN_OK;
}

static tn_status dft_prepare(tn_prep *p) {
    dft_shape s;
    TN_TRY(dft_read(&p->types, &s));
    return tn_dim_known(s.length) ? prepare_length(p, s.length) : TN_OK;
}

static int64_t scalar_at(const tn_run *r, int i, int64_t dflt) {
    const tn_tensor *t = tn_in(r, i);
    return t && tn_count(t) > 0 ? tn_get_i64(t->dtype, t->data, 0) : dflt;
}

static tn_status dft_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    const tn_tensor *y = tn_out(r, 0);
    int64_t at = scalar_at(r, 2, -2);
    int axis = tn_op_axis_at(at, x->rank);
    bool inverse = ((const transform *)r->attrs)->inverse, onesided = ((const transform *)r->attrs)->onesided;
    int64_t in = x->dims[axis], bins = y->dims[axis], inner = tn_op_product(x->dims, axis + 1, x->rank - 1);
    int64_t n = scalar_at(r, 1, inverse && onesided ? 2 * (in - 1) : in), taps = in;
    if (inverse && onesided && taps > n / 2 + 1) taps = n / 2 + 1;
    int p = (int)x->dims[x->rank - 1], q = (int)y->dims[y->rank - 1];
    transforms t = { .in = { inner, in * inner * p, p, inner * p, p },
                     .out = { inner, bins * inner * q, q, inner * q, q },
                     .signals = tn_op_product(x->dims, 0, axis) * inner,
                     .taps = taps < n ? taps : n,
                     .bins = bins,
                     .inverse = inverse,
                     .hermitian = inverse && onesided,
                     .scale = inverse ? 1 / (double)n : 1 };
    return with_plan(r, &t, n);
}

/* ------------------------------------------------------------------------------------------------------------ STFT */

/* The frame length: the input, else the window's, else the whole signal. */
static tn_status stft_length(tn_infer *c, tn_dim *out) {
    int64_t v;
    int window = tn_infer_rank(c, 2);
    if (window >= 0 && window != 1) return tn_infer_fail(c, TN_E_SHAPE, "the window has %d dimensions", window);
    if (tn_infer_has(c, 3))
        *out = tn_infer_int(c, 3, &v) ? v : TN_DIM_UNKNOWN;
    else if (tn_infer_has(c, 2))
        *out = window == 1 ? c->in[2]->dims[0] : TN_DIM_UNKNOWN;
    else
        *out = tn_infer_rank(c, 0) == 3 ? c->in[0]->dims[1] : TN_DIM_UNKNOWN;
    if (tn_dim_known(*out) && *out < 1) return tn_infer_fail(c, TN_E_INVALID, "frames of %lld points", (long long)*out);
    return TN_OK;
}

static tn_status stft_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    bool onesided = ((const transform *)c->attrs)->onesided;
    int64_t step;
    tn_dim length = TN_DIM_UNKNOWN, dims[4] = { TN_DIM_UNKNOWN, TN_DIM_UNKNOWN, TN_DIM_UNKNOWN, 2 };
    TN_TRY(stft_length(c, &length));
    if (rank >= 0 && rank != 3)
        return tn_infer_fail(c, TN_E_SHAPE, "the signal has %d dimensions: [batch, length, parts] is needed", rank);
    if (rank == 3) {
        tn_dim parts = c->in[0]->dims[2];
        if (tn_dim_known(parts) && parts != 1 && (parts != 2 || onesided))
            return tn_infer_fail(c, TN_E_SHAPE, "the last dimension is %lld; %s", (long long)parts,
                                 onesided ? "a one-sided transform wants 1" : "it can be 1 or 2");
        dims[0] = c->in[0]->dims[0];
    }
    if (tn_infer_int(c, 1, &step)) {
        if (step < 1) return tn_infer_fail(c, TN_E_INVALID, "frame_step is %lld", (long long)step);
        if (rank == 3) {
            tn_dim room = tn_dim_sub(c->syms, c->in[0]->dims[1], length);
            if (tn_dim_known(room) && room < 0)
                return tn_infer_fail(c, TN_E_SHAPE, "frames of %lld points of a signal of %lld", (long long)length,
                                     (long long)c->in[0]->dims[1]);
            dims[1] = tn_dim_add(c->syms, tn_dim_div(c->syms, room, step), 1);
        }
    }
    dims[2] = onesided ? tn_dim_add(c->syms, tn_dim_div(c->syms, length, 2), 1) : length;
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), 4, dims);
    return TN_OK;
}

static tn_status stft_prepare(tn_prep *p) {
    tn_dim length = TN_DIM_UNKNOWN;
    TN_TRY(stft_length(&p->types, &length));
    return tn_dim_known(length) ? prepare_length(p, length) : TN_OK;
}

static tn_status stft_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *window = tn_in(r, 2), *y = tn_out(r, 0);
    int64_t length = x->dims[1], step = scalar_at(r, 1, 1), frames = y->dims[1], bins = y->dims[2];
    int64_t n = scalar_at(r, 3, window ? window->dims[0] : length), parts = x->dims[2];
    transforms t = { .in = { frames, length * parts, step * parts, parts, (int)parts },
                     .out = { frames, frames * bins * 2, bins * 2, 2, 2 },
                     .signals = x->dims[0] * frames,
                     .taps = n,
                     .bins = bins,
                     .scale = 1 };
    if (window && window->dims[0] < n) t.taps = window->dims[0]; /* what it does not reach counts nothing */
    if (window) TN_TRY(widen(r, window, work_type(r->node, x->dtype), &t.window));
    return with_plan(r, &t, n);
}

/* ------------------------------------------------------------------------------------------------------------ rows */

static const tn_port dft_in[] = { { "input", TN_FLOATS, 'T' },
                                  { "dft_length", TN_INDEX, 0, .optional = true },
                                  { "axis", tn_dtype_bit(TN_I64), 0, .optional = true },
                                  { 0 } };
static const tn_port stft_in[] = { { "signal", TN_FLOATS, 'T' },
                                   { "frame_step", TN_INDEX, 'I' },
                                   { "window", TN_FLOATS, 'T', .optional = true },
                                   { "frame_length", TN_INDEX, 'I', .optional = true },
                                   { 0 } };
static const tn_attr_spec dft_attrs[] = { { TN_FLAG(transform, inverse, false), .min = 0, .max = 1 },
                                          { TN_FLAG(transform, onesided, false), .min = 0, .max = 1 },
                                          { 0 } };
static const tn_attr_spec stft_attrs[] = { { TN_FLAG(transform, onesided, true), .min = 0, .max = 1 }, { 0 } };

const tn_op tn_ops_signal[] = {
    { .name = "DFT",
      .since = 20,
      .in = dft_in,
      .out = tn_ports_float_t,
      TN_ATTRS(dft_attrs, transform),
      .infer = dft_infer,
      .prepare = dft_prepare,
      .run = dft_run,
      .release = release_plan,
      .arg = 1,
      .grad = tn_grad_dft,
      .doc = "the discrete Fourier transform along an axis" },
    { .name = "STFT",
      .since = 17,
      .in = stft_in,
      .out = tn_ports_float_t,
      TN_ATTRS(stft_attrs, transform),
      .infer = stft_infer,
      .prepare = stft_prepare,
      .run = stft_run,
      .release = release_plan,
      .grad = tn_grad_stft,
      .doc = "the Fourier transforms of windowed frames of a signal" },
    { 0 },
};
