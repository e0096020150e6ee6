/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fft.c - transforms of every length up to 130 and some long ones against the definition, on every variant, in both
 * types. */
#include "kernel/fft.h"
#include "base/status.h"
#include "lib/kernel_check.h"
#include "tensor/dtype.h"
#include <math.h>
#include <stdlib.h>

static void set(tn_dtype t, void *p, int64_t i, double v) {
    if (t == TN_F64)
        ((double *)p)[i] = v;
    else
        ((float *)p)[i] = (float)v;
}

typedef struct {
    int64_t n, batch;
    bool inverse;
    double *x;         /* real and imaginary parts, by turns */
    long double *turn; /* cosine and sine of every n-th of a turn */
} signals;

static void make(check_ctx *c, tn_dtype t, signals *s, void *re, void *im) {
    s->x = check_aligned(c, (size_t)(s->n * s->batch) * 2 * sizeof *s->x);
    s->turn = check_aligned(c, (size_t)s->n * 2 * sizeof *s->turn);
    for (int64_t i = 0; i < s->n * s->batch; i++) {
        set(t, re, i, check_float(c, -1, 1)), set(t, im, i, check_float(c, -1, 1));
        s->x[2 * i] = tn_get_f64(t, re, i), s->x[2 * i + 1] = tn_get_f64(t, im, i);
    }
    for (int64_t i = 0; i < s->n; i++) {
        long double a = 6.283185307179586476925286766559L * (long double)i / (long double)s->n;
        s->turn[2 * i] = cosl(a), s->turn[2 * i + 1] = s->inverse ? sinl(a) : -sinl(a);
    }
}

/* Element j of signal b by the definition. */
static void element(const signals *s, int64_t j, int64_t b, long double *re, long double *im) {
    *re = *im = 0;
    for (int64_t i = 0; i < s->n; i++) {
        const long double *turn = s->turn + 2 * (i * j % s->n);
        const double *x = s->x + 2 * (i * s->batch + b);
        *re += x[0] * turn[0] - x[1] * turn[1], *im += x[0] * turn[1] + x[1] * turn[0];
    }
}

/* Largest error over the largest magnitude of the result. */
static double error_of(const signals *s, tn_dtype t, const void *re, const void *im) {
    double worst = 0, square = 0;
    for (int64_t j = 0; j<s->n; j += s->n> 2000 ? s->n / 50 : 1)
        for (int64_t b = 0; b < s->batch; b++) {
            long double r, i;
            element(s, j, b, &r, &i);
            int64_t at = j * s->batch + b;
            double e = fmax(fabs(tn_get_f64(t, re, at) - (double)r), fabs(tn_get_f64(t, im, at) - (double)i));
            if (!(e <= worst)) worst = e;
            square = fmax(square, (double)(r * r + i * i));
        }
    return square > 0 ? worst / sqrt(square) : worst;
}

static void transform(check_ctx *c, tn_dtype t, int64_t n, double most) {
    signals s = { .n = n, .batch = check_int(c, 1, n > 130 ? 3 : 13), .inverse = check_chance(c, 50) };
    size_t each = t == TN_F64 ? 8 : 4;
    tn_fft *f;
    if (tn_fft_new(t, n, &f) != TN_OK) {
        check_fail(c, "%s", tn_error());
        return;
    }
    void *(*memory)(check_ctx *, size_t) = t == TN_F64 ? check_aligned : check_out;
    void *re = memory(c, (size_t)(n * s.batch) * each), *im = memory(c, (size_t)(n * s.batch) * each);
    void *scratch = check_aligned(c, (size_t)tn_fft_scratch(f, s.batch) * each);
    make(c, t, &s, re, im);
    tn_fft_run(&c->fast->fft, f, s.batch, s.inverse ? im : re, s.inverse ? re : im, scratch);
    double error = error_of(&s, t, re, im);
    if (!(error <= most)) check_fail(c, "%s, length %d: error %g", tn_dtype_name(t), (int)n, error);
    tn_fft_free(&f);
}

/* One length in a round; their order is such that a part of the rounds takes them from everywhere. */
static const int64_t longer[] = { 400, 512, 1000, 1021, 1024, 1536, 2310, 4099, 6561 };
enum { SHORT = 130, LENGTHS = SHORT + sizeof longer / sizeof *longer };
static void every_length(check_ctx *c) {
    int64_t i = (int64_t)(c->seed * 45 % LENGTHS), n = i < SHORT ? i + 1 : longer[i - SHORT];
    transform(c, TN_F32, n, 2e-6);
    transform(c, TN_F64, n, 4e-15);
}

static void absurd_lengths(check_ctx *c) {
    tn_fft *f;
    if (tn_fft_new(TN_F32, 0, &f) != TN_E_LIMIT || f) check_fail(c, "0 points");
    if (tn_fft_new(TN_F32, -1, &f) != TN_E_LIMIT || f) check_fail(c, "-1 points");
    if (tn_fft_new(TN_F64, INT64_C(1) << 62, &f) != TN_E_LIMIT || f) check_fail(c, "2^62 points");
    if (tn_fft_new(TN_F64, 6, &f) != TN_OK || tn_fft_scratch(f, INT64_MAX / 2) != -1) check_fail(c, "scratch");
    tn_fft_free(&f);
}

static const check_case cases[] = { { "lengths", every_length, LENGTHS }, { "absurd", absurd_lengths, 1 } };
int main(int argc, char **argv) { return check_main("fft", cases, TN_COUNT(cases), argc, argv); }
