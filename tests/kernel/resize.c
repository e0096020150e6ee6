/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* resize.c - resampling against a direct sum over all taps of all axes in double. */
#include "kernel/resize.h"
#include "base/pool.h"
#include "kernel/kernel.h"
#include "tensor/dtype.h"
#include "test.h"
#include <math.h>

static uint64_t seed = 5;
static int64_t pick(int64_t lo, int64_t hi) { return lo + (int64_t)(test_random(&seed) >> 33) % (hi - lo + 1); }
static float value(void) { return (float)pick(-2000, 2000) * 1e-3f; }
static tn_pool *pool;

/* The rules as ONNX words them, for one axis: fills weights for all `in` elements; returns false outside (crop). */
static bool weights(const tn_resize_opts *o, int64_t i, int64_t in, int64_t out, double s, double lo, double hi,
                    double *w) {
    double x, width = s * (double)in;
    switch (o->coord) {
    case TN_COORD_ALIGN_CORNERS: x = out == 1 ? 0 : (double)i * ((double)in - 1) / ((double)out - 1); break;
    case TN_COORD_ASYMMETRIC: x = (double)i / s; break;
    case TN_COORD_TF_CROP_AND_RESIZE:
        x = out == 1 ? (hi - lo) * ((double)in - 1) / 2 : (double)i * (hi - lo) * ((double)in - 1) / ((double)out - 1);
        x += lo * ((double)in - 1);
        if ((float)x < 0 || (float)x > (float)in - 1) return false;
        break;
    case TN_COORD_PYTORCH_HALF_PIXEL: x = out == 1 ? 0 : ((double)i + 0.5) / s - 0.5; break;
    case TN_COORD_HALF_PIXEL_SYMMETRIC:
        x = (double)in / 2 * (1 - (double)out / width) + ((double)i + 0.5) / s - 0.5;
        break;
    case TN_COORD_TF_HALF_PIXEL_FOR_NN: x = s == 1 ? (double)i : ((double)i + 0.5) / s; break;
    default: x = ((double)i + 0.5) / s - 0.5;
    }
    memset(w, 0, (size_t)in * sizeof *w);
    if (o->mode == TN_RESIZE_NEAREST) {
        x = (float)x;
        double f = floor(x), r = x - f;
        double at = r == 0                                        ? f
                    : o->nearest == TN_NEAREST_FLOOR              ? f
                    : o->nearest == TN_NEAREST_CEIL               ? f + 1
                    : o->nearest == TN_NEAREST_ROUND_PREFER_FLOOR ? (r > 0.5 ? f + 1 : f)
                                                                  : (r >= 0.5 ? f + 1 : f);
        w[at < 0 ? 0 : at > (double)in - 1 ? in - 1 : (int64_t)at] = 1;
        return true;
    }
    double shrink = o->antialias && s < 1 ? s : 1, radius = (o->mode == TN_RESIZE_CUBIC ? 2 : 1) / shrink, sum = 0,
           a = o->cubic_a;
    for (int pass = 0; pass < 2; pass++)
        for (double k = floor(x - radius) - 1; k <= x + radius + 1; k++) {
            double d = fabs(k - x) * shrink, v;
            if (o->mode == TN_RESIZE_LINEAR)
                v = d < 1 ? 1 - d : 0;
            else
                v = d <= 1  ? ((a + 2) * d - (a + 3)) * d * d + 1
                    : d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
                            : 0;
            if (o->exclude_outside && (k < 0 || k > (double)in - 1)) v = 0;
            if (pass == 0)
                sum += v;
            else
                w[k < 0 ? 0 : k > (double)in - 1 ? in - 1 : (int64_t)k] += v / sum;
        }
    return true;
}

static void all_modes(void **state) {
    for (int round = 0; round < 1500; round++) {
        tn_resize_opts o = { .mode = (tn_resize_mode)pick(0, 2),
                             .coord = (tn_resize_coord)pick(0, TN_COORD_COUNT - 1),
                             .nearest = (tn_resize_nearest)pick(0, 3),
                             .antialias = pick(0, 2) == 0,
                             .exclude_outside = pick(0, 3) == 0,
                             .cubic_a = pick(0, 1) ? -0.75f : -0.5f,
                             .extrapolation = 7 };
        if (o.mode == TN_RESIZE_NEAREST) o.antialias = false;
        int rank = (int)pick(1, 4);
        int64_t in[4], out[4], n = 1, m = 1;
        double scales[4];
        float roi[8];
        for (int d = 0; d < rank; d++) {
            in[d] = d < 2 && rank > 2 ? pick(1, 3) : pick(1, 24);
            out[d] = pick(0, 1) ? in[d] : pick(1, d < 2 && rank > 2 ? 4 : 40);
            scales[d] = (double)out[d] / (double)in[d];
            if (pick(0, 3) == 0) { /* a scale that does not divide */
                scales[d] *= 1.03;
                out[d] = (int64_t)(scales[d] * (double)in[d]);
                if (out[d] < 1) out[d] = 1;
            }
            roi[d] = (float)pick(-2, 4) * 0.1f;
            roi[rank + d] = (float)pick(6, 12) * 0.1f;
            n *= in[d];
            m *= out[d];
        }
        float *x = malloc((size_t)n * 4), *y = malloc((size_t)m * 4);
        double *w[4];
        for (int d = 0; d < rank; d++) w[d] = malloc((size_t)in[d] * sizeof(double));
        for (int64_t e = 0; e < n; e++) x[e] = value();
        check_ok(tn_resize_run(&o, TN_F32, rank, in, out, scales, roi, x, y, round % 2 ? pool : NULL));
        for (int64_t e = 0; e < m; e++) {
            if (m > 2000 && e % 37) continue;
            bool inside = true;
            int64_t k = e;
            for (int d = rank - 1; d >= 0; d--) {
                inside &= weights(&o, k % out[d], in[d], out[d], scales[d], roi[d], roi[rank + d], w[d]);
                k /= out[d];
            }
            double want = 0;
            for (int64_t i = 0; i < n; i++) {
                double v = x[i];
                k = i;
                for (int d = rank - 1; d >= 0 && v != 0; d--) v *= w[d][k % in[d]], k /= in[d];
                want += v;
            }
            if (!inside) want = 7;
            check(fabs(want - y[e]) <= 2e-5,
                  "round %d mode %d rule %s antialias %d exclude %d: element %d is %g, not %g\n", round, o.mode,
                  tn_resize_coord_names[o.coord], o.antialias, o.exclude_outside, (int)e, y[e], want);
        }
        for (int d = 0; d < rank; d++) free(w[d]);
        free(x);
        free(y);
    }
}

static void other_types(void **state) {
    tn_resize_opts o = { .mode = TN_RESIZE_LINEAR, .coord = TN_COORD_HALF_PIXEL };
    uint8_t x[] = { 0, 100, 200, 255 }, y[8];
    check_ok(tn_resize_run(&o, TN_U8, 1, (int64_t[]){ 4 }, (int64_t[]){ 8 }, (double[]){ 2 }, NULL, x, y, NULL));
    assert_true(y[0] == 0 && y[1] == 25 && y[2] == 75 && y[7] == 255);
    o = (tn_resize_opts){ .mode = TN_RESIZE_NEAREST, .coord = TN_COORD_ASYMMETRIC, .nearest = TN_NEAREST_FLOOR };
    int64_t a[] = { 1, 2, 3 }, b[6];
    check_ok(tn_resize_run(&o, TN_I64, 1, (int64_t[]){ 3 }, (int64_t[]){ 6 }, (double[]){ 2 }, NULL, a, b, NULL));
    assert_true(b[0] == 1 && b[1] == 1 && b[2] == 2 && b[3] == 2 && b[4] == 3 && b[5] == 3);
    check_fails(tn_resize_run(&o, TN_I64, 1, (int64_t[]){ 0 }, (int64_t[]){ 6 }, (double[]){ 2 }, NULL, a, b, NULL),
                TN_E_INVALID, "resizing");
}

/* What is whole stays whole though the weights' sum is not quite 1; wide integers are not rounded to float32; a cubic
 * overshoot ends at the type's bounds; fractions are cut off. */
static void integers(void **state) {
    tn_resize_opts o = { .mode = TN_RESIZE_CUBIC, .coord = TN_COORD_HALF_PIXEL, .cubic_a = -0.75f, .antialias = true };
    uint8_t x[3], y[11];
    int64_t a[3], b[11];
    for (int i = 0; i < 3; i++) x[i] = 201, a[i] = (INT64_C(1) << 40) + 1;
    for (int64_t n = 1; n <= 11; n++) {
        double s = (double)n / 3;
        check_ok(tn_resize_run(&o, TN_U8, 1, (int64_t[]){ 3 }, (int64_t[]){ n }, &s, NULL, x, y, NULL));
        check_ok(tn_resize_run(&o, TN_I64, 1, (int64_t[]){ 3 }, (int64_t[]){ n }, &s, NULL, a, b, NULL));
        for (int i = 0; i < n; i++) assert_true(y[i] == x[0] && b[i] == a[0]);
    }
    int32_t step[4] = { INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX }, z[8];
    check_ok(tn_resize_run(&o, TN_I32, 1, (int64_t[]){ 4 }, (int64_t[]){ 8 }, (double[]){ 2 }, NULL, step, z, NULL));
    assert_true(z[2] == INT32_MIN && z[5] == INT32_MAX && z[3] > INT32_MIN && z[4] < INT32_MAX);
    o.mode = TN_RESIZE_LINEAR;
    int32_t c[2] = { -3, 4 }, d[3];
    check_ok(tn_resize_run(&o, TN_I32, 1, (int64_t[]){ 2 }, (int64_t[]){ 3 }, (double[]){ 1.5 }, NULL, c, d, NULL));
    assert_true(d[0] == -3 && d[1] == 0 && d[2] == 4); /* 0.5 */
}

static void aspect_policies(void **state) {
    int64_t out[2];
    double s[2];
    tn_resize_sizes(TN_ASPECT_NOT_LARGER, 2, (int64_t[]){ 2, 4 }, (int64_t[]){ 7, 8 }, out, s);
    assert_true(out[0] == 4 && out[1] == 8 && s[0] == 2 && s[1] == 2);
    tn_resize_sizes(TN_ASPECT_NOT_SMALLER, 2, (int64_t[]){ 2, 4 }, (int64_t[]){ 7, 8 }, out, s);
    assert_true(out[0] == 7 && out[1] == 14 && s[0] == 3.5f);
    tn_resize_sizes(TN_ASPECT_STRETCH, 2, (int64_t[]){ 2, 4 }, (int64_t[]){ 7, 8 }, out, s);
    assert_true(out[0] == 7 && out[1] == 8 && s[1] == 2);
}

/* Three of five: the middle of output 1 is input 2 exactly, which 3/5 in float32 misses. */
static void scales_of_sizes_are_not_rounded(void **state) {
    tn_resize_opts o = { .mode = TN_RESIZE_NEAREST, .coord = TN_COORD_HALF_PIXEL, .nearest = TN_NEAREST_FLOOR };
    float x[] = { 0, 1, 2, 3, 4 }, y[3];
    int64_t in = 5, want = 3, out;
    double scale;
    tn_resize_sizes(TN_ASPECT_STRETCH, 1, &in, &want, &out, &scale);
    check_ok(tn_resize_run(&o, TN_F32, 1, &in, &out, &scale, NULL, x, y, NULL));
    assert_true(y[0] == 0 && y[1] == 2 && y[2] == 3);
}

static int start(void **state) { return tn_pool_new(2, false, &pool); }
static int stop(void **state) {
    tn_pool_free(&pool);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_modes),
        cmocka_unit_test(other_types),
        cmocka_unit_test(integers),
        cmocka_unit_test(aspect_policies),
        cmocka_unit_test(scales_of_sizes_are_not_rounded),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
