/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* reduce.c - the row kernels of reductions: every variant against plain C (which sums in double). */
#include "base/status.h"
#include "lib/kernel_check.h"
#include <math.h>
#include <string.h>

static void check_one(check_ctx *c, const char *what, float got, float want, double tolerance) {
    bool same = (isnan(got) && isnan(want)) || got == want || fabs((double)got - want) <= tolerance;
    if (!same) check_fail(c, "%s: %.9g instead of %.9g", what, got, want);
}

/* NaN and infinities, sometimes nothing but -infinity (a row of attention that sees no key). */
static void spoil(check_ctx *c, float *x, size_t n) {
    static const float special[] = { NAN, INFINITY, -INFINITY };
    if (!n || !check_chance(c, 30)) return;
    bool all = check_chance(c, 20);
    for (size_t i = 0; i < n && all; i++) x[i] = -INFINITY;
    for (int64_t left = check_int(c, 1, 3); left > 0 && !all; left--)
        x[check_int(c, 0, (int64_t)n - 1)] = special[check_int(c, 0, 2)];
}

static void rows(check_ctx *c) {
    size_t n = check_size(c, check_chance(c, 20) ? 20000 : 400);
    float *x = check_floats(c, n);
    double size = 0;
    for (size_t i = 0; i < n; i++) size += fabs(x[i]);
    const tn_reduce_kernels *r = &c->ref->reduce, *f = &c->fast->reduce;
    float got = 0;
    check_call(c, got = f->sum(x, n));
    check_one(c, "sum", got, r->sum(x, n), 1e-6 * size);
    check_one(c, "sumabs", f->sumabs(x, n), r->sumabs(x, n), 1e-6 * size);
    check_one(c, "sumsq", f->sumsq(x, n, 0.25f), r->sumsq(x, n, 0.25f), 2e-6 * (size + (double)n));
    if (n) x[check_int(c, 0, (int64_t)n - 1)] = check_chance(c, 20) ? INFINITY : check_chance(c, 20) ? NAN : 1.5f;
    check_one(c, "max", f->max(x, n), r->max(x, n), 0);
    check_one(c, "min", f->min(x, n), r->min(x, n), 0);
    if (n > 3) x[n / 2] = x[n / 3];
    if (f->argmax(x, n) != r->argmax(x, n)) check_fail(c, "argmax: %zu, %zu", f->argmax(x, n), r->argmax(x, n));
    if (f->argmin(x, n) != r->argmin(x, n)) check_fail(c, "argmin: %zu, %zu", f->argmin(x, n), r->argmin(x, n));
    spoil(c, x, n);
    check_one(c, "sum of specials", f->sum(x, n), r->sum(x, n), 1e-6 * (size + 1));
    check_one(c, "sumabs of specials", f->sumabs(x, n), r->sumabs(x, n), 1e-6 * (size + 3));
    check_one(c, "sumsq of specials", f->sumsq(x, n, 0.25f), r->sumsq(x, n, 0.25f), 2e-6 * (size + (double)n + 3));
    for (size_t i = 0; i < n; i++) x[i] = i % 2 ? 2.0f : check_chance(c, 50) ? 0.5f : -0.5f;
    check_one(c, "prod", f->prod(x, n < 200 ? n : 200), r->prod(x, n < 200 ? n : 200), 0);
}

static void soft(check_ctx *c) {
    size_t n = check_size(c, 2000);
    float *x = check_floats(c, n), *want = check_out(c, n * 4), *got = check_out(c, n * 4);
    for (size_t i = 0; i < n; i++) x[i] *= 20;
    spoil(c, x, n);
    float sum_want = c->ref->reduce.expsum(x, want, n, 20.0f), sum_got = c->fast->reduce.expsum(x, got, n, 20.0f);
    check_close(c, got, want, n, 0x1p-126, 4e-7);
    check_one(c, "expsum", sum_got, sum_want, 2e-6 * sum_want);
    check_one(c, "expsum without y", c->fast->reduce.expsum(x, NULL, n, 20.0f), sum_want, 2e-6 * sum_want);
    c->ref->reduce.softmax(x, want, n);
    check_call(c, c->fast->reduce.softmax(x, got, n));
    check_close(c, got, want, n, 0x1p-126, 3e-6);
    memcpy(got, x, n * 4);
    c->fast->reduce.softmax(got, got, n);
    check_close(c, got, want, n, 0x1p-126, 3e-6);
    c->ref->reduce.logsoftmax(x, want, n);
    check_call(c, c->fast->reduce.logsoftmax(x, got, n));
    check_close(c, got, want, n, 4e-6, 1e-6);
}

static void normalize(check_ctx *c) {
    size_t n = check_size(c, 500);
    float *x = check_floats(c, n);
    spoil(c, x, n);
    const float *g = check_chance(c, 70) ? check_floats(c, n) : NULL,
                *b = check_chance(c, 70) ? check_floats(c, n) : NULL;
    float *want = check_out(c, n * 4), *got = check_out(c, n * 4);
    c->ref->reduce.normalize(x, g, b, want, n, 0.3f, 1.7f);
    check_call(c, c->fast->reduce.normalize(x, g, b, got, n, 0.3f, 1.7f));
    check_close(c, got, want, n, 1e-6, 1e-6);
}

static const check_case cases[] = { { "rows", rows, 150 }, { "soft", soft, 100 }, { "normalize", normalize, 100 } };
int main(int argc, char **argv) { return check_main("reduce", cases, TN_COUNT(cases), argc, argv); }
