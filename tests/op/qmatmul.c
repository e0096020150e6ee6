/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qmatmul.c - products of quantised matrices against their definition: batches that broadcast, zero points and scales
 * per tensor, row and column, float8 and 16-bit operands, biases, transposed operands; and what is refused. */
#include "lib/one_node.h"
#include "test.h"
#include <math.h>

static uint64_t rng = 11;
static int between(int lo, int hi) { return lo + (int)(test_random(&rng) % (uint64_t)(hi - lo + 1)); }

static double *whole(int n, int lo, int hi) {
    double *v = calloc((size_t)n + 1, sizeof *v);
    assert_non_null(v);
    for (int i = 0; i < n; i++) v[i] = between(lo, hi);
    return v;
}

static double *scales(int n) {
    double *v = whole(n, 1, 64);
    for (int i = 0; i < n; i++) v[i] /= 512; /* exact in every float type */
    return v;
}

static bool is_f8(tn_dtype t) { return t == TN_F8E4M3FN || t == TN_F8E5M2; }
static double *values(tn_dtype t, int n) {
    if (is_f8(t)) return whole(n, -8, 8);
    return t == TN_I8 ? whole(n, -128, 127) : t == TN_U8 ? whole(n, 0, 255) : whole(n, -3000, 3000);
}

/* Sums of a batch product [batches, m, n]; A has `ma` matrices, B `mb` (each 1 or batches). Zero points: 1, a row's or
 * column's, or every matrix's. */
typedef struct {
    int batches, ma, mb, m, n, k, nza, nzb, nsa, nsb;
    double *a, *b, *za, *zb, *sa, *sb;
} setup;

static double pick(const double *v, int n, int rows, int matrix, int i) {
    return v[n == 1 ? 0 : n == rows ? i : matrix * rows + i];
}

static double sum_of(const setup *s, int q, int i, int j) {
    int am = s->ma == 1 ? 0 : q, bm = s->mb == 1 ? 0 : q;
    double sum = 0;
    for (int k = 0; k < s->k; k++)
        sum += (s->a[(am * s->m + i) * s->k + k] - pick(s->za, s->nza, s->m, am, i)) *
               (s->b[(bm * s->k + k) * s->n + j] - pick(s->zb, s->nzb, s->n, bm, j));
    return sum;
}

static float factor_of(const setup *s, int q, int i, int j) {
    return (float)pick(s->sa, s->nsa, s->m, s->ma == 1 ? 0 : q, i) *
           (float)pick(s->sb, s->nsb, s->n, s->mb == 1 ? 0 : q, j);
}

static setup make(tn_dtype ta, tn_dtype tb) {
    setup s = { .batches = between(1, 3), .m = between(1, 40), .n = between(1, 70), .k = between(1, 90) };
    s.ma = between(0, 1) ? s.batches : 1, s.mb = s.ma < s.batches || between(0, 1) ? s.batches : 1;
    if (s.ma == 1 && s.mb == 1) s.batches = 1;
    int rows[3] = { 1, s.m, s.ma * s.m }, cols[3] = { 1, s.n, s.mb * s.n };
    s.nza = rows[between(0, 2)], s.nsa = rows[between(0, 2)], s.nzb = cols[between(0, 2)], s.nsb = cols[between(0, 2)];
    s.a = values(ta, s.ma * s.m * s.k), s.b = values(tb, s.mb * s.k * s.n);
    s.za = values(ta, s.nza), s.zb = values(tb, s.nzb), s.sa = scales(s.nsa), s.sb = scales(s.nsb);
    if (is_f8(ta)) memset(s.za, 0, sizeof(double) * (size_t)s.nza);
    if (is_f8(tb)) memset(s.zb, 0, sizeof(double) * (size_t)s.nzb);
    return s;
}

static void drop(setup *s) { free(s->a), free(s->b), free(s->za), free(s->zb), free(s->sa), free(s->sb); }

static void feed(on *o, tn_dtype t, const double *v, int n, int rows, int matrices, bool column, bool constant) {
    char dims[64];
    if (n == 1)
        *dims = 0;
    else if (n == rows && n != rows * matrices)
        sprintf(dims, "%d", rows);
    else
        sprintf(dims, column ? "%d,1,%d" : "%d,%d,1", matrices, rows);
    on_in(o, t, dims, v, constant);
}

static void matrices(on *o, tn_dtype t, const double *v, int count, int rows, int cols, bool constant) {
    char dims[64];
    sprintf(dims, "%d,%d,%d", count, rows, cols);
    on_in(o, t, dims, v, constant);
}

static void integer(void **state) {
    (void)state;
    static const tn_dtype types[] = { TN_U8, TN_I8 };
    for (int round = 0; round < 80; round++) {
        tn_dtype ta = types[between(0, 1)], tb = types[between(0, 1)];
        setup s = make(ta, tb);
        on *o = on_new();
        bool constant = between(0, 1), zeros = between(0, 3);
        matrices(o, ta, s.a, s.ma, s.m, s.k, false);
        matrices(o, tb, s.b, s.mb, s.k, s.n, constant);
        if (zeros) {
            feed(o, ta, s.za, s.nza, s.m, s.ma, false, false);
            feed(o, tb, s.zb, s.nzb, s.n, s.mb, true, true);
        } else {
            memset(s.za, 0, sizeof(double) * (size_t)s.nza);
            memset(s.zb, 0, sizeof(double) * (size_t)s.nzb);
        }
        on_node(o, "", "MatMulInteger", 1);
        check_ok(on_go(o, between(1, 2)));
        for (int e = 0; e < s.batches * s.m * s.n; e++) {
            double want = sum_of(&s, e / (s.m * s.n), e / s.n % s.m, e % s.n), have = on_at(o, 0, e);
            check(have == want, "element %d of [%d,%d,%d]: %g, expected %g\n", e, s.batches, s.m, s.n, have, want);
        }
        on_free(o);
        drop(&s);
    }
}

static void linear(void **state) {
    (void)state;
    static const tn_dtype types[] = { TN_U8, TN_I8, TN_U8, TN_I8, TN_F8E4M3FN, TN_F8E5M2 };
    static const tn_dtype floats[] = { TN_F32, TN_F16, TN_BF16 };
    for (int round = 0; round < 120; round++) {
        tn_dtype ta = types[between(0, 5)], tb = types[between(0, 5)], ty = types[between(0, 5)];
        tn_dtype ts = floats[between(0, 2)];
        setup s = make(ta, tb);
        double ys = 8, yz = is_f8(ty) ? 0 : ty == TN_I8 ? -5 : 100;
        on *o = on_new();
        matrices(o, ta, s.a, s.ma, s.m, s.k, false);
        feed(o, ts, s.sa, s.nsa, s.m, s.ma, false, true);
        feed(o, ta, s.za, s.nza, s.m, s.ma, false, true);
        matrices(o, tb, s.b, s.mb, s.k, s.n, between(0, 1));
        feed(o, ts, s.sb, s.nsb, s.n, s.mb, true, true);
        feed(o, tb, s.zb, s.nzb, s.n, s.mb, true, true);
        on_in(o, ts, "", &ys, true);
        on_in(o, ty, "", &yz, true);
        on_node(o, "", "QLinearMatMul", 1);
        check_ok(on_go(o, between(1, 2)));
        for (int e = 0; e < s.batches * s.m * s.n; e++) {
            int q = e / (s.m * s.n), i = e / s.n % s.m, j = e % s.n;
            double v = (double)((float)sum_of(&s, q, i, j) * (factor_of(&s, q, i, j) / (float)ys)), want;
            if (is_f8(ty)) {
                uint8_t code = tn_f32_to_f8(ty, (float)v, true);
                want = (double)tn_f8_to_f32(ty, code);
            } else {
                double lo = ty == TN_I8 ? -128 : 0;
                want = fmin(fmax(nearbyint(v) + yz, lo), lo + 255);
            }
            check(on_at(o, 0, e) == want, "%s x %s: element %d of [%d,%d,%d]: %g, expected %g\n", tn_dtype_name(ta),
                  tn_dtype_name(tb), e, s.batches, s.m, s.n, on_at(o, 0, e), want);
        }
        on_free(o);
        drop(&s);
    }
}

static void to_float(void **state) {
    (void)state;
    for (int round = 0; round < 40; round++) {
        setup s = make(TN_U8, TN_I8);
        double *bias = whole(s.n, -50, 50);
        char dims[16];
        sprintf(dims, "%d", s.n);
        on *o = on_new();
        matrices(o, TN_U8, s.a, s.ma, s.m, s.k, false);
        matrices(o, TN_I8, s.b, s.mb, s.k, s.n, true);
        feed(o, TN_F32, s.sa, s.nsa, s.m, s.ma, false, true);
        feed(o, TN_F32, s.sb, s.nsb, s.n, s.mb, true, true);
        feed(o, TN_U8, s.za, s.nza, s.m, s.ma, false, true);
        feed(o, TN_I8, s.zb, s.nzb, s.n, s.mb, true, true);
        if (round % 2) on_in(o, TN_F32, dims, bias, true);
        on_node(o, "com.microsoft", "MatMulIntegerToFloat", 1);
        check_ok(on_go(o, 1));
        for (int e = 0; e < s.batches * s.m * s.n; e++) {
            int q = e / (s.m * s.n), i = e / s.n % s.m, j = e % s.n;
            float want = (float)sum_of(&s, q, i, j) * factor_of(&s, q, i, j) + (round % 2 ? (float)bias[j] : 0);
            double off = fabs(on_at(o, 0, e) - (double)want);
            check(off <= 1e-6 * fabs((double)want), "element %d: %g, expected %g\n", e, on_at(o, 0, e), (double)want);
        }
        on_free(o);
        free(bias);
        drop(&s);
    }
}

static void dynamic(void **state) {
    (void)state;
    /* range -1 .. 4 with 0: scale 5 / 255, zero 51; every element lies on the grid */
    double step = (double)(5.0f / 255.0f), a[6] = { -51 * step, 204 * step, 0, 2 * step, -step, 100 * step };
    double b[6] = { 10, 20, 30, 40, 50, 60 }, bs[2] = { 0.5, 0.25 }, bz[2] = { 10, 20 }, bias[2] = { 1, -1 }, want[4];
    double q[6] = { -51, 204, 0, 2, -1, 100 };
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) {
            double sum = 0;
            for (int k = 0; k < 3; k++) sum += q[i * 3 + k] * (b[k * 2 + j] - bz[j]);
            want[i * 2 + j] = sum * step * bs[j] + bias[j];
        }
    on *o = on_new();
    on_in(o, TN_F32, "1,2,3", a, false);
    on_in(o, TN_U8, "3,2", b, true);
    on_in(o, TN_F32, "2", bs, true);
    on_in(o, TN_U8, "2", bz, true);
    on_in(o, TN_F32, "2", bias, true);
    on_node(o, "com.microsoft", "DynamicQuantizeMatMul", 1);
    check_ok(on_go(o, 1));
    on_expect(o, 0, TN_F32, "1,2,2", want, 1e-3);
    on_free(o);
}

/* QGemm: [1 2; 3 4; 5 6]' x [1 0 2; 0 1 1; 1 1 0]' + C, with zero points, as bytes and as floats. */
static void gemm(void **state) {
    (void)state;
    double a[6] = { 1, 2, 3, 4, 5, 6 }, b[9] = { 1, 0, 2, 0, 1, 1, 1, 1, 0 }, one = 1, zero = 0, half = 0.5, two = 2;
    double c[3] = { 10, -20, 30 }, ten = 10;
    for (int quantised = 0; quantised < 2; quantised++) {
        on *o = on_new();
        on_in(o, TN_U8, "3,2", a, false);
        on_in(o, TN_F32, "", &half, true);
        on_in(o, TN_U8, "", &one, true);
        on_in(o, TN_I8, "3,3", b, true);
        on_in(o, TN_F32, "", &two, true);
        on_in(o, TN_I8, "", &zero, true);
        on_in(o, TN_I32, "3", c, true);
        if (quantised) {
            on_in(o, TN_F32, "", &two, true);
            on_in(o, TN_I8, "", &ten, true);
        }
        tn_node *n = on_node(o, "com.microsoft", "QGemm", 1);
        check_ok(tn_attr_set_int(n, "transA", 1));
        check_ok(tn_attr_set_int(n, "transB", 1));
        check_ok(on_go(o, 1));
        /* A - 1, transposed: [0 2 4; 1 3 5]; times B': [8 6 2; 11 8 4]; plus C: [18 -14 32; 21 -12 34] */
        if (quantised)
            on_expect(o, 0, TN_I8, "2,3", (double[]){ 19, 3, 26, 20, 4, 27 }, 0); /* halves to even */
        else
            on_expect(o, 0, TN_F32, "2,3", (double[]){ 18, -14, 32, 21, -12, 34 }, 0);
        on_free(o);
    }
}

static void wide(void **state) {
    (void)state;
    double a[2] = { 30000, -2 }, b[4] = { 30000, 1, 5, -32768 };
    on *o = on_new();
    on_in(o, TN_I16, "1,2", a, false);
    on_in(o, TN_I16, "2,2", b, false);
    on_node(o, "com.microsoft", "MatMulInteger16", 1);
    check_ok(on_go(o, 1));
    on_expect(o, 0, TN_I32, "1,2", (double[]){ 899999990, 95536 }, 0);
    on_free(o);
}

static void vectors_and_refused(void **state) {
    (void)state;
    double v[12] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
    on *o = on_new();
    on_in(o, TN_U8, "3", v, false);
    on_in(o, TN_U8, "3", v, false);
    on_node(o, "", "MatMulInteger", 1);
    check_ok(on_go(o, 1));
    on_expect(o, 0, TN_I32, "", (double[]){ 14 }, 0);
    on_free(o);

    o = on_new();
    on_in(o, TN_U8, "2,3", v, false);
    on_in(o, TN_U8, "2,3", v, false);
    on_node(o, "", "MatMulInteger", 1);
    check_fails(on_go(o, 1), TN_E_SHAPE, "columns");
    on_free(o);

    o = on_new();
    on_in(o, TN_U8, "2,3", v, false);
    on_in(o, TN_U8, "3,2", v, false);
    on_none(o);
    on_in(o, TN_U8, "3", v, false);
    on_node(o, "", "MatMulInteger", 1);
    check_fails(on_go(o, 1), TN_E_SHAPE, "'b_zero_point' has 3 elements; 1 or 2");
    on_free(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integer),
        cmocka_unit_test(linear),
        cmocka_unit_test(to_float),
        cmocka_unit_test(dynamic),
        cmocka_unit_test(gemm),
        cmocka_unit_test(wide),
        cmocka_unit_test(vectors_and_refused),
    };
    return cmocka_run_group_tests_name("op/qmatmul", tests, NULL, NULL);
}
