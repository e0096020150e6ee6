/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* axes.c - reductions, arg-max, softmax, normalisations and running sums over any axes, against the definitions. */
#include "base/pool.h"
#include "kernel/norm.h"
#include "kernel/reduce.h"
#include "tensor/dtype.h"
#include "test.h"
#include <math.h>

static uint64_t seed = 11;
static int64_t pick(int64_t lo, int64_t hi) { return lo + (int64_t)(test_random(&seed) >> 33) % (hi - lo + 1); }
static float value(void) { return (float)pick(-2000, 2000) * 1e-3f; }
static tn_pool *pool;

static double reduce_of(tn_reduce_op op, const double *v, int64_t n, double lowest, double highest) {
    double s = op == TN_R_PROD ? 1 : 0, top = lowest, bottom = highest;
    for (int64_t i = 0; i < n; i++) {
        top = v[i] > top ? v[i] : top;
        bottom = v[i] < bottom ? v[i] : bottom;
    }
    for (int64_t i = 0; i < n; i++) {
        if (op == TN_R_PROD)
            s *= v[i];
        else
            s += op == TN_R_SUMSQ || op == TN_R_L2 ? v[i] * v[i]
                 : op == TN_R_L1                   ? fabs(v[i])
                 : op == TN_R_LOGSUMEXP            ? exp(v[i])
                                                   : v[i];
    }
    switch (op) {
    case TN_R_MEAN: return s / (double)n;
    case TN_R_MAX: return top;
    case TN_R_MIN: return bottom;
    case TN_R_L2: return sqrt(s);
    case TN_R_LOGSUM:
    case TN_R_LOGSUMEXP: return log(s);
    default: return s;
    }
}

static void reductions(void **state) {
    static const tn_dtype types[] = { TN_F32, TN_F32, TN_F32, TN_F64, TN_F16, TN_I32, TN_I64, TN_I8, TN_U8 };
    static const int64_t sizes[] = { 1, 2, 3, 5, 17, 40 };
    for (int round = 0; round < 1500; round++) {
        tn_dtype t = types[round % (int)TN_COUNT(types)];
        tn_reduce_op op = (tn_reduce_op)pick(0, TN_REDUCE_COUNT - 1);
        bool real = tn_dtype_is_float(t);
        if (!real && op > TN_R_L1) op = TN_R_MAX;
        if (t == TN_F16 && op == TN_R_PROD) op = TN_R_SUM;
        int64_t dims[5], n = 1, kept = 1;
        int rank = (int)pick(0, 5);
        for (int d = 0; d < rank; d++) {
            dims[d] = pick(0, 50) == 0 ? 0 : round % 10 == 0 && d == 0 ? 300 : sizes[pick(0, rank > 3 ? 3 : 5)];
            n *= dims[d];
        }
        uint32_t axes = (uint32_t)pick(0, (1 << rank) - 1);
        for (int d = 0; d < rank; d++) kept *= axes >> d & 1 ? 1 : dims[d];
        int64_t each = kept ? n / kept : 0;
        char *x = malloc((size_t)n * 8 + 8), *y = malloc((size_t)kept * 8 + 8);
        double *v = calloc((size_t)(kept * (each + 1)) + 1, sizeof *v);
        int64_t *filled = calloc((size_t)kept + 1, sizeof *filled);
        for (int64_t e = 0; e < n; e++) {
            double a = op == TN_R_PROD ? (double)pick(0, 1) + 0.5 : op == TN_R_LOGSUM ? fabs(value()) + 0.1 : value();
            if (!real) a = (double)pick(tn_dtype_is_signed(t) ? -1 : 0, 1);
            tn_set_f64(t, x, e, a);
            int64_t at = 0, step = 1, k = e;
            for (int d = rank - 1; d >= 0; d--) {
                if (!(axes >> d & 1)) at += k % dims[d] * step, step *= dims[d];
                k /= dims[d];
            }
            v[at * (each + 1) + filled[at]++] = tn_get_f64(t, x, e);
        }
        check_ok(tn_reduce_run(op, t, rank, dims, axes, x, y, round % 2 ? pool : NULL));
        double lowest = real          ? -INFINITY
                        : t == TN_I8  ? -128
                        : t == TN_U8  ? 0
                        : t == TN_I32 ? INT32_MIN
                                      : (double)INT64_MIN;
        double highest = real          ? INFINITY
                         : t == TN_I8  ? 127
                         : t == TN_U8  ? 255
                         : t == TN_I32 ? INT32_MAX
                                       : (double)INT64_MAX;
        for (int64_t e = 0; e < kept; e++) {
            double want = reduce_of(op, v + e * (each + 1), filled[e], lowest, highest), got = tn_get_f64(t, y, e);
            if (t == TN_I8 && fabs(want) > 127) continue; /* wraps */
            if (t == TN_U8 && want > 255) continue;
            if (!real && op == TN_R_MEAN) want = filled[e] ? trunc(want) : 0;
            double tolerance = t == TN_F16 ? 2e-3 * (1 + fabs(want)) : 3e-6 * (1 + fabs(want) + (double)each * 0.1);
            bool good = (isnan(want) && isnan(got)) || want == got || fabs(want - got) <= tolerance;
            check(good, "round %d %s op %d axes %x: element %d is %.9g, not %.9g\n", round, tn_dtype_name(t), op, axes,
                  (int)e, got, want);
        }
        free(x);
        free(y);
        free(v);
        free(filled);
    }
    uint8_t flags[] = { 0, 1, 0, 0 }, out[2];
    check_ok(tn_reduce_run(TN_R_MAX, TN_BOOL, 2, (int64_t[]){ 2, 2 }, 2, flags, out, NULL));
    assert_true(out[0] == 1 && out[1] == 0);
    check_fails(tn_reduce_run(TN_R_SUM, TN_BOOL, 2, (int64_t[]){ 2, 2 }, 2, flags, out, NULL), TN_E_TYPE, "bool");
}

static void logsumexp_of_infinities(void **state) {
    float x[] = { -INFINITY, -INFINITY, 1000, 1000, INFINITY, 0 }, y[3];
    check_ok(tn_reduce_run(TN_R_LOGSUMEXP, TN_F32, 2, (int64_t[]){ 3, 2 }, 2, x, y, NULL));
    assert_true(y[0] == -INFINITY && fabsf(y[1] - 1000.6931f) < 1e-3f && y[2] == INFINITY);
}

static void arguments(void **state) {
    static const tn_dtype types[] = { TN_F32, TN_F64, TN_I8, TN_I64, TN_U16, TN_F16 };
    for (int round = 0; round < 400; round++) {
        tn_dtype t = types[round % (int)TN_COUNT(types)];
        int64_t outer = pick(1, 5), n = pick(1, 70), inner = pick(0, 1) ? 1 : pick(1, 20);
        bool max = pick(0, 1), last = pick(0, 1);
        char *x = malloc((size_t)(outer * n * inner) * 8);
        int64_t *y = malloc((size_t)(outer * inner) * 8);
        for (int64_t e = 0; e < outer * n * inner; e++) tn_set_f64(t, x, e, (double)pick(0, 9));
        check_ok(tn_arg_run(max, last, t, outer, n, inner, x, y, pool));
        for (int64_t o = 0; o < outer; o++)
            for (int64_t i = 0; i < inner; i++) {
                int64_t at = 0;
                for (int64_t k = 0; k < n; k++) {
                    double v = tn_get_f64(t, x, (o * n + k) * inner + i),
                           b = tn_get_f64(t, x, (o * n + at) * inner + i);
                    if (max ? v > b : v < b) at = k;
                    if (last && v == b) at = k;
                }
                check(y[o * inner + i] == at, "round %d: %d, not %d\n", round, (int)y[o * inner + i], (int)at);
            }
        free(x);
        free(y);
    }
}

static void softmax(void **state) {
    static const tn_dtype types[] = { TN_F32, TN_F32, TN_F64, TN_F16 };
    for (int round = 0; round < 300; round++) {
        tn_dtype t = types[round % (int)TN_COUNT(types)];
        tn_softmax_kind kind = (tn_softmax_kind)pick(0, 2);
        int64_t outer = pick(1, 6), n = pick(1, 100), inner = pick(0, 1) ? 1 : pick(2, 300), count = outer * n * inner;
        char *x = malloc((size_t)count * 8), *y = malloc((size_t)count * 8);
        for (int64_t e = 0; e < count; e++) tn_set_f64(t, x, e, value() * 10);
        check_ok(tn_softmax_run(kind, t, outer, n, inner, x, y, pool));
        for (int64_t e = 0; e < outer * inner; e++) {
            int64_t from = e / inner * n * inner + e % inner, at = 0;
            double s = 0, m = -INFINITY;
            for (int64_t k = 0; k < n; k++) {
                double v = tn_get_f64(t, x, from + k * inner);
                if (v > m) m = v, at = k;
            }
            for (int64_t k = 0; k < n; k++) s += exp(tn_get_f64(t, x, from + k * inner) - m);
            for (int64_t k = 0; k < n; k++) {
                double v = tn_get_f64(t, x, from + k * inner) - m, got = tn_get_f64(t, y, from + k * inner);
                double want = kind == TN_SOFTMAX ? exp(v) / s : kind == TN_LOGSOFTMAX ? v - log(s) : k == at;
                double tolerance =
                    t == TN_F16 ? 1e-3 * (1 + fabs(want)) : 4e-6 * (fabs(want) + (kind == TN_LOGSOFTMAX));
                check(fabs(got - want) <= tolerance + 1e-12, "round %d kind %d n %d inner %d: %g, not %g\n", round,
                      kind, (int)n, (int)inner, got, want);
            }
        }
        free(x);
        free(y);
    }
}

/* Rows with a mean a thousand times their deviation. */
static void norms(void **state) {
    for (int round = 0; round < 100; round++) {
        int64_t batch = pick(1, 4), groups = pick(1, 3), per = pick(1, 4), channels = groups * per,
                inner = pick(1, 200);
        int64_t count = batch * channels * inner, n = per * inner;
        float *x = malloc((size_t)count * 4), *y = malloc((size_t)count * 4), *g = malloc((size_t)count * 4),
              *b = malloc((size_t)count * 4);
        for (int64_t e = 0; e < count; e++)
            x[e] = value() + (round % 2 ? 100.0f : 0.0f), g[e] = value(), b[e] = value();
        bool affine = pick(0, 1);
        tn_group_norm_run(batch, channels, groups, inner, x, affine ? g : NULL, affine ? b : NULL, 1e-3f, y, pool);
        for (int64_t u = 0; u < batch * groups; u++) {
            double mean = 0, var = 0;
            for (int64_t e = 0; e < n; e++) mean += x[u * n + e];
            mean /= (double)n;
            for (int64_t e = 0; e < n; e++) var += (x[u * n + e] - mean) * (x[u * n + e] - mean);
            double rstd = 1 / sqrt(var / (double)n + 1e-3);
            for (int64_t e = 0; e < n; e++) {
                int64_t c = u % groups * per + e / inner;
                double want = (x[u * n + e] - mean) * rstd * (affine ? g[c] : 1) + (affine ? b[c] : 0);
                check(fabs(want - y[u * n + e]) < 2e-3, "group norm: %g, not %g\n", y[u * n + e], want);
            }
        }
        int64_t rows = batch * channels;
        float *mean_out = malloc((size_t)rows * 4), *rstd_out = malloc((size_t)rows * 4);
        tn_layer_norm_run(rows, inner, x, affine ? g : NULL, affine ? b : NULL, 1e-3f, y, mean_out, rstd_out, pool);
        for (int64_t r = 0; r < rows; r++) {
            double mean = 0, var = 0;
            for (int64_t e = 0; e < inner; e++) mean += x[r * inner + e];
            mean /= (double)inner;
            for (int64_t e = 0; e < inner; e++) var += (x[r * inner + e] - mean) * (x[r * inner + e] - mean);
            double rstd = 1 / sqrt(var / (double)inner + 1e-3);
            assert_true(fabs(mean_out[r] - mean) < 1e-4 && fabs(rstd_out[r] - rstd) < 1e-3 * rstd);
            for (int64_t e = 0; e < inner; e++) {
                double want = (x[r * inner + e] - mean) * rstd * (affine ? g[e] : 1) + (affine ? b[e] : 0);
                check(fabs(want - y[r * inner + e]) < 2e-3, "layer norm: %g, not %g\n", y[r * inner + e], want);
            }
        }
        tn_rms_norm_run(rows, inner, x, g, 1e-3f, y, NULL, pool);
        for (int64_t r = 0; r < rows; r++) {
            double s = 0;
            for (int64_t e = 0; e < inner; e++) s += (double)x[r * inner + e] * x[r * inner + e];
            for (int64_t e = 0; e < inner; e++) {
                double want = x[r * inner + e] / sqrt(s / (double)inner + 1e-3) * g[e];
                assert_true(fabs(want - y[r * inner + e]) < 1e-4 * (1 + fabs(want)));
            }
        }
        free(x), free(y), free(g), free(b), free(mean_out), free(rstd_out);
    }
}

static void batch_norm(void **state) {
    float gamma[] = { 2, -1 }, beta[] = { 0.5f, 3 }, mean[] = { 1, -2 }, var[] = { 4, 0.25f }, scale[2], shift[2];
    tn_batch_norm_fold(2, gamma, beta, mean, var, 0, scale, shift);
    float x[12], y[12];
    for (int i = 0; i < 12; i++) x[i] = (float)i;
    tn_channel_affine_run(2, 2, 3, x, scale, shift, y, NULL);
    for (int i = 0; i < 12; i++) {
        int c = i / 3 % 2;
        assert_float_equal(y[i], (x[i] - mean[c]) / sqrtf(var[c]) * gamma[c] + beta[c], 1e-4);
    }
}

static void running_sums(void **state) {
    for (int flags = 0; flags < 8; flags++) {
        bool exclusive = flags & 1, reverse = flags & 2, product = flags & 4;
        int64_t x[2 * 4 * 3], y[2 * 4 * 3];
        for (int i = 0; i < 24; i++) x[i] = pick(-3, 3);
        check_ok(tn_cumsum_run(TN_I64, 2, 4, 3, exclusive, reverse, product, x, y, pool));
        for (int o = 0; o < 2; o++)
            for (int i = 0; i < 3; i++)
                for (int k = 0; k < 4; k++) {
                    int64_t s = product;
                    for (int j = 0; j < 4; j++) {
                        bool in = reverse ? j > k || (j == k && !exclusive) : j < k || (j == k && !exclusive);
                        int64_t v = x[(o * 4 + j) * 3 + i];
                        if (in) s = product ? s * v : s + v;
                    }
                    assert_int_equal(y[(o * 4 + k) * 3 + i], s);
                }
    }
}

static int start(void **state) { return tn_pool_new(2, false, &pool); }
static int stop(void **state) {
    tn_pool_free(&pool);
    return 0;
}

/* Arrays without elements are NULL, and nothing is added to that (clang's sanitizer looks). */
static void nothing_to_reduce(void **state) {
    static const tn_dtype types[] = { TN_F32, TN_F64, TN_F16, TN_I32, TN_U8 };
    enum { OUTER = 3, INNER = 200 };
    for (size_t t = 0; t < TN_COUNT(types); t++) {
        double y[OUTER * INNER];
        int64_t at[OUTER * INNER], dims[] = { OUTER, 0, INNER };
        check_ok(tn_reduce_run(TN_R_SUM, types[t], 3, dims, 1u << 1, NULL, y, pool));
        for (int64_t i = 0; i < OUTER * INNER; i++) assert_true(tn_get_f64(types[t], y, i) == 0);
        check_ok(tn_reduce_run(TN_R_PROD, types[t], 3, dims, 1u << 1, NULL, y, NULL));
        for (int64_t i = 0; i < OUTER * INNER; i++) assert_true(tn_get_f64(types[t], y, i) == 1);
        check_ok(tn_arg_run(true, false, types[t], OUTER, 0, INNER, NULL, at, NULL));
        for (int i = 0; i < OUTER * INNER; i++) assert_true(at[i] == 0);
        if (types[t] == TN_U8) continue;
        check_ok(tn_cumsum_run(types[t], INT64_C(1) << 40, 0, INNER, true, true, false, NULL, NULL, NULL));
        if (types[t] != TN_I32)
            check_ok(tn_softmax_run(TN_SOFTMAX, types[t], INT64_C(1) << 40, 0, INNER, NULL, NULL, pool));
    }
    float mean[OUTER], rstd[OUTER];
    tn_layer_norm_run(OUTER, 0, NULL, NULL, NULL, 1e-5f, NULL, mean, rstd, NULL);
    tn_rms_norm_run(OUTER, 0, NULL, NULL, 1e-5f, NULL, rstd, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reductions),   cmocka_unit_test(logsumexp_of_infinities),
        cmocka_unit_test(arguments),    cmocka_unit_test(softmax),
        cmocka_unit_test(norms),        cmocka_unit_test(batch_norm),
        cmocka_unit_test(running_sums), cmocka_unit_test(nothing_to_reduce),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
