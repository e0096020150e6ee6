/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* stats.c - figures about one tensor, and the difference of two. Elements pass as doubles, block by block. */
#include "tensor/stats.h"
#include <math.h>
#include <string.h>

#define BLOCK 1024 /* a multiple of every packed type's elements per byte */

/* The elements that can be had as doubles: numbers and bool; a complex number is two. */
static int64_t real_count(const tn_tensor *t) {
    if (t->dtype == TN_STRING || t->dtype == TN_NONE) return 0;
    return tn_count(t) * (tn_dtype_is_complex(t->dtype) ? 2 : 1);
}

static int load(const tn_tensor *t, int64_t at, int64_t count, double *out) {
    tn_dtype part = t->dtype == TN_C64 ? TN_F32 : t->dtype == TN_C128 ? TN_F64 : t->dtype;
    int n = count - at < BLOCK ? (int)(count - at) : BLOCK;
    const char *p = (const char *)t->data + at / tn_dtypes[part].block * tn_dtypes[part].bytes;
    (void)tn_convert(part, p, TN_F64, out, n, true, TN_ROUND_NEAREST);
    return n;
}

void tn_stats_of(const tn_tensor *t, tn_stats *s) {
    double x[BLOCK], sum = 0, squares = 0;
    int64_t count = real_count(t), finite = 0;
    *s = (tn_stats){ .count = t->dtype == TN_STRING ? tn_count(t) : count, .min = INFINITY, .max = -INFINITY };
    for (int64_t at = 0, n; at < count; at += n) {
        n = load(t, at, count, x);
        for (int64_t i = 0; i < n; i++) {
            if (isnan(x[i])) {
                s->nans++;
                continue;
            }
            if (x[i] < s->min) s->min = x[i];
            if (x[i] > s->max) s->max = x[i];
            if (isinf(x[i]))
                s->infinities++;
            else
                sum += x[i], finite++;
        }
    }
    if (count == s->nans) s->min = s->max = NAN;
    s->mean = finite ? sum / (double)finite : NAN;
    for (int64_t at = 0, n; at < count; at += n) { /* a second pass: squares of differences lose no digits */
        n = load(t, at, count, x);
        for (int64_t i = 0; i < n; i++)
            if (isfinite(x[i])) squares += (x[i] - s->mean) * (x[i] - s->mean);
    }
    s->deviation = finite ? sqrt(squares / (double)finite) : NAN;
}

int tn_top_k(const tn_tensor *t, int64_t row, int k, tn_top *out) {
    if (t->dtype == TN_STRING || tn_dtype_is_complex(t->dtype)) return 0;
    int64_t width = t->rank ? t->dims[t->rank - 1] : 1;
    int n = 0;
    if (width <= 0 || row < 0 || row >= tn_count(t) / width) return 0;
    for (int64_t i = 0; i < width; i++) {
        double v = tn_get_f64(t->dtype, t->data, row * width + i);
        if (isnan(v) || k <= 0 || (n == k && !(v > out[n - 1].value))) continue;
        int at = n < k ? n++ : n - 1;
        for (; at > 0 && v > out[at - 1].value; at--) out[at] = out[at - 1];
        out[at] = (tn_top){ i, v };
    }
    return n;
}

/* ---------------------------------------------------------------------------------------------------- comparing */

/* *most: the largest difference among the mismatches so far, -1 before the first. */
static void mismatch(tn_difference *d, int64_t at, double off, double *most) {
    d->mismatches++;
    if (off > *most) d->worst = at, *most = off;
}

static void compare_strings(const tn_tensor *got, const tn_tensor *want, tn_difference *d) {
    const tn_string *a = got->data, *b = want->data;
    double most = -1;
    for (int64_t i = 0; i < d->count; i++)
        if (a[i].len != b[i].len || (a[i].len && memcmp(a[i].ptr, b[i].ptr, a[i].len))) mismatch(d, i, 0, &most);
}

/* As doubles large int64 lose their last bits: equality is decided on the integers. */
static void compare_ints(const tn_tensor *got, const tn_tensor *want, tn_difference *d) {
    bool wide = want->dtype == TN_U64;
    double most = -1;
    for (int64_t i = 0; i < d->count; i++) {
        int64_t a = tn_get_i64(got->dtype, got->data, i), b = tn_get_i64(want->dtype, want->data, i);
        double x = wide ? (double)(uint64_t)a : (double)a, y = wide ? (double)(uint64_t)b : (double)b;
        if (fabs(y) > d->largest) d->largest = fabs(y);
        if (a == b) continue;
        double off = fmax(fabs(x - y), 1); /* two that round to one double differ all the same */
        if (off > d->max_abs) d->max_abs = off;
        mismatch(d, i, off, &most);
    }
}

static double distance(double a, double b) {
    if (a == b || (isnan(a) && isnan(b))) return 0; /* equal infinities too */
    return isfinite(a) && isfinite(b) ? fabs(a - b) : INFINITY;
}

static void compare_floats(const tn_tensor *got, const tn_tensor *want, double rtol, double atol, tn_difference *d) {
    double a[BLOCK], b[BLOCK], most = -1;
    int64_t count = real_count(want), per = count > d->count ? 2 : 1;
    for (int64_t at = 0, n; at < count; at += n) {
        n = load(got, at, count, a);
        (void)load(want, at, count, b);
        for (int64_t i = 0; i < n; i++) {
            double size = fabs(b[i]), off = distance(a[i], b[i]);
            if (isfinite(size) && size > d->largest) d->largest = size;
            if (off > d->max_abs) d->max_abs = off;
            if (off > 0 && !(isfinite(off) && off <= atol + rtol * size)) mismatch(d, (at + i) / per, off, &most);
        }
    }
}

tn_status tn_compare(const tn_tensor *got, const tn_tensor *want, double rtol, double atol, tn_difference *d) {
    char a[400], b[400];
    *d = (tn_difference){ .worst = -1 };
    TN_TRY(tn_tensor_plain(got, "what came out"));
    TN_TRY(tn_tensor_plain(want, "what was expected"));
    if (got->dtype != want->dtype)
        return tn_fail(TN_E_TYPE, "%s where %s was expected", tn_dtype_name(got->dtype), tn_dtype_name(want->dtype));
    if (!tn_dims_equal(got->rank, got->dims, want->rank, want->dims))
        return tn_fail(TN_E_SHAPE, "shape %s where %s was expected", tn_dims_text(got->rank, got->dims, a, sizeof a),
                       tn_dims_text(want->rank, want->dims, b, sizeof b));
    d->count = tn_count(want);
    if (want->dtype == TN_STRING)
        compare_strings(got, want, d);
    else if (tn_dtype_is_int(want->dtype) || want->dtype == TN_BOOL)
        compare_ints(got, want, d);
    else
        compare_floats(got, want, rtol, atol, d);
    d->max_rel = d->max_abs == 0 ? 0 : d->largest > 0 ? d->max_abs / d->largest : INFINITY;
    return TN_OK;
}
