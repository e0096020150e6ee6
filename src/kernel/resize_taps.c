/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* resize_taps.c - the taps of every mode and coordinate rule. */
#include "kernel/resize_taps.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

void tn_taps_free(tn_taps *a) {
    tn_mem_free(a->index);
    tn_mem_free(a->w);
    tn_mem_free(a->exact);
    tn_mem_free(a->outside);
    *a = (tn_taps){ 0 };
}

/* The input coordinate of output i. `whole`: the output's width by the scale, which need not be an integer. Corners are
 * aligned with those of the output as it is: the specification divides by length_resized - 1, and so does PyTorch, from
 * which the rule comes. */
static double coordinate(tn_resize_coord rule, int64_t i, int64_t in, int64_t out, double scale, double start,
                         double end) {
    double x = (double)i, n = (double)in, whole = scale * n;
    switch (rule) {
    case TN_COORD_ALIGN_CORNERS: return out == 1 ? 0 : x * (n - 1) / ((double)out - 1);
    case TN_COORD_ASYMMETRIC: return x / scale;
    case TN_COORD_TF_CROP_AND_RESIZE:
        return start * (n - 1) +
               (out == 1 ? (end - start) * (n - 1) / 2 : x * (end - start) * (n - 1) / ((double)out - 1));
    case TN_COORD_PYTORCH_HALF_PIXEL: return out == 1 ? 0 : (x + 0.5) / scale - 0.5;
    case TN_COORD_HALF_PIXEL_SYMMETRIC: return n / 2 * (1 - (double)out / whole) + (x + 0.5) / scale - 0.5;
    /* the formula would also shift axes that are not resized, and blend neighbouring images: they stay */
    case TN_COORD_TF_HALF_PIXEL_FOR_NN: return scale == 1 ? x : (x + 0.5) / scale;
    default: return (x + 0.5) / scale - 0.5;
    }
}

static double nearest_weight(tn_resize_nearest rule, int right, double ratio) {
    bool goes_right = ratio == 1 || (rule == TN_NEAREST_ROUND_PREFER_FLOOR  ? ratio > 0.5
                                     : rule == TN_NEAREST_ROUND_PREFER_CEIL ? ratio >= 0.5
                                                                            : rule == TN_NEAREST_CEIL);
    return goes_right == right;
}

static double cubic(double x, double a) {
    x = fabs(x);
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/* The weight at distance d (input elements, positive to the right) from the coordinate; shrink <= 1 widens. */
static double weight(const tn_resize_opts *o, double d, double shrink) {
    if (o->mode == TN_RESIZE_CUBIC) return cubic(d * shrink, o->cubic_a);
    double v = 1 - fabs(d * shrink);
    return v < 0 ? 0 : v;
}

/* Taps reach from base + first to base + first + taps - 1, where base is the element left of the coordinate (strictly:
 * a coordinate on an element has it on its right). */
static int64_t reach(const tn_resize_opts *o, double shrink, int64_t in, int64_t *first) {
    double radius = o->mode == TN_RESIZE_CUBIC ? 2 : 1;
    if (o->mode == TN_RESIZE_NEAREST || !o->antialias) shrink = 1;
    double start = floor(-radius / shrink) + 1, most = 2 * (double)in + 2;
    if (start < -most) start = -most; /* a scale below 1 / in has no output; do not let it ask for memory */
    *first = (int64_t)start;
    return 2 - 2 * *first;
}

static void fill_taps(const tn_resize_opts *o, tn_taps *a, int64_t first, double shrink, int64_t i, double x) {
    double base = ceil(x) - 1, ratio = x - base, sum = 0; /* ratio in (0, 1] */
    for (int pass = 0; pass < 2; pass++)
        for (int k = 0; k < a->taps; k++) {
            double at = base + (double)(first + k), w;
            if (o->mode == TN_RESIZE_NEAREST)
                w = nearest_weight(o->nearest, k, ratio);
            else
                w = weight(o, (double)(first + k) - ratio, shrink);
            if (o->exclude_outside && o->mode != TN_RESIZE_NEAREST && (at < 0 || at > (double)a->in - 1)) w = 0;
            if (pass == 0) {
                sum += w;
                continue;
            }
            at = at < 0 ? 0 : at > (double)a->in - 1 ? (double)a->in - 1 : at;
            a->index[k * a->out + i] = (int32_t)at;
            w = (o->antialias || o->exclude_outside) && sum != 0 ? w / sum : w;
            a->w[k * a->out + i] = (float)w;
            if (a->exact) a->exact[k * a->out + i] = w;
        }
}

tn_status tn_taps_init(tn_taps *a, const tn_resize_opts *o, bool exact, int64_t in, int64_t out, double scale,
                       double start, double end) {
    int64_t first;
    if (in < 1 || !(scale > 0))
        return tn_fail(TN_E_INVALID, "resizing a dimension of %lld by %g", (long long)in, scale);
    if (in > INT32_MAX || out > INT32_MAX) return tn_fail(TN_E_LIMIT, "resizing more than 2^31 - 1 elements");
    double shrink = o->antialias && scale < 1 ? scale : 1;
    int64_t taps = reach(o, shrink, in, &first), n_taps;
    if (taps > INT32_MAX || __builtin_mul_overflow(taps, out, &n_taps) || n_taps > INT64_MAX / 16)
        return tn_fail(TN_E_LIMIT, "resizing %lld elements by %g", (long long)in, scale);
    *a = (tn_taps){ .in = in, .out = out, .taps = (int)taps };
    size_t n = (size_t)n_taps;
    a->index = tn_mem_alloc(n * sizeof *a->index, TN_MEM_SCRATCH);
    a->w = tn_mem_alloc(n * sizeof *a->w, TN_MEM_SCRATCH);
    if (o->coord == TN_COORD_TF_CROP_AND_RESIZE) a->outside = tn_mem_alloc((size_t)out, TN_MEM_SCRATCH);
    if (exact) a->exact = tn_mem_alloc(n * sizeof *a->exact, TN_MEM_SCRATCH);
    if (!a->index || !a->w || (exact && !a->exact) || (o->coord == TN_COORD_TF_CROP_AND_RESIZE && !a->outside))
        return tn_fail(TN_E_NOMEM, "resizing to %lld elements", (long long)out);
    for (int64_t i = 0; i < out; i++) {
        double x = coordinate(o->coord, i, in, out, scale, start, end);
        if (o->mode == TN_RESIZE_NEAREST) x = (float)x; /* 3 / 0.6f is 5, not just below it */
        if (a->outside) a->outside[i] = !((float)x >= 0 && (float)x <= (float)in - 1);
        /* far outside, the taps all sit on the edge anyway; this keeps the arithmetic finite (of a NaN, too) */
        double low = -1.0 - (double)in, high = 2.0 * (double)in + 1;
        x = !(x >= low) ? low : x > high ? high : x;
        fill_taps(o, a, first, shrink, i, x);
    }
    return TN_OK;
}
