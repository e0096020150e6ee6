/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* nbits.c - products with packed weights: every variant against plain C, and unpacked values of every width; odd
 * numbers of blocks. */
#include "kernel/nbits.h"
#include "lib/kernel_check.h"
#include <math.h>
#include <string.h>

/* What a row's product may be off by: kernels take the sums of q a and of z a apart, each in float. Roundings of n
 * additions add up like a random walk; their unit is that of all magnitudes together. */
static double rounding(const tn_nbits_row *w, const float *a) {
    int64_t n = w->blocks * w->block, per = 8 / w->bits;
    double sum = 0;
    for (int64_t e = 0; e < n; e++) {
        double q = tn_nbits_field(w->q, w->bits, e), z = fabs((double)w->zero[e / w->block]);
        sum += (q + z) * fabs((double)w->scale[e / w->block] * (double)a[e % per * (n / per) + e / per]);
    }
    return 0x1p-24 * (4 + sqrt((double)n)) * sum;
}

static void products(check_ctx *c) {
    static const int widths[] = { 2, 4, 8 };
    tn_nbits_row w = { .bits = widths[check_int(c, 0, 2)], .blocks = check_int(c, 1, 9) };
    w.block = check_chance(c, 30) ? check_int(c, 1, 9) * 8 : INT64_C(16) << check_int(c, 0, 4);
    int64_t n = w.blocks * w.block, per = 8 / w.bits;
    int m = (int)check_int(c, 1, TN_NBITS_ROWS);
    w.q = check_bytes(c, (size_t)(n / per));
    float *scale = check_floats(c, (size_t)w.blocks), *zero = check_floats(c, (size_t)w.blocks);
    float *a = check_floats(c, (size_t)(m * n)), *sums = check_out(c, (size_t)(m * w.blocks) * sizeof *sums);
    for (int64_t b = 0; b < w.blocks; b++) zero[b] *= (float)(1 << w.bits);
    w.scale = scale, w.zero = zero;
    if (check_chance(c, 15)) a[check_int(c, 0, m * n - 1)] = check_chance(c, 50) ? NAN : INFINITY;
    for (int64_t i = 0; i < m * w.blocks; i++) sums[i] = 0;
    for (int64_t i = 0; i < m * n; i++) {
        int64_t dealt = i % n, e = dealt % (n / per) * per + dealt / (n / per);
        sums[i / n * w.blocks + e / w.block] += a[i];
    }
    float want[TN_NBITS_ROWS], *got = check_out(c, (size_t)m * sizeof *got);
    c->ref->nbits.dot(&w, m, a, sums, want);
    check_call(c, c->fast->nbits.dot(&w, m, a, sums, got));
    for (int r = 0; r < m; r++) {
        double bound = rounding(&w, a + r * n);
        if (!isfinite(want[r]) || isnan(bound) ? !isfinite(got[r]) : fabs((double)got[r] - (double)want[r]) <= bound)
            continue;
        check_fail(c, "row %d of %d, %d bits, %d blocks of %d: %g, should be %g (allowed %.3g)", r, m, w.bits,
                   (int)w.blocks, (int)w.block, (double)got[r], (double)want[r], bound);
    }
}

static void values(check_ctx *c) {
    tn_nbits_row w = { .bits = (int)check_int(c, 2, 8), .blocks = check_int(c, 1, 9) };
    w.block = check_chance(c, 30) ? check_int(c, 1, 9) * 8 : INT64_C(16) << check_int(c, 0, 4);
    int64_t n = w.blocks * w.block;
    w.q = check_bytes(c, (size_t)(n / 8 * w.bits));
    w.scale = check_floats(c, (size_t)w.blocks), w.zero = check_floats(c, (size_t)w.blocks);
    float *got = check_out(c, (size_t)n * sizeof *got), *want = check_out(c, (size_t)n * sizeof *want);
    c->ref->nbits.unpack(&w, want);
    check_call(c, c->fast->nbits.unpack(&w, got));
    check_close(c, got, want, (size_t)n, 1e-5, 1e-5);
}

static const check_case cases[] = { { "products", products, 300 }, { "values", values, 300 } };

int main(int argc, char **argv) { return check_main("nbits", cases, TN_COUNT(cases), argc, argv); }
