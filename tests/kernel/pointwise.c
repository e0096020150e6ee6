/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pointwise.c - pointwise programs and broadcasting arithmetic against loops that follow the definition. */
#include "base/pool.h"
#include "kernel/broadcast.h"
#include "kernel/loop.h"
#include "kernel/program.h"
#include "tensor/dtype.h"
#include "test.h"
#include <math.h>

static uint64_t seed = 7;
static int64_t pick(int64_t lo, int64_t hi) { return lo + (int64_t)(test_random(&seed) >> 33) % (hi - lo + 1); }
static float value(void) { return (float)pick(-3000, 3000) * 1e-3f; }
static tn_pool *pool;

enum { MOST = 70000 };

/* A random shape, and a random shape that broadcasts to it. */
static int random_shape(int64_t *dims) {
    static const int64_t sizes[] = { 1, 2, 3, 7, 16, 33, 130 };
    int rank = (int)pick(0, 4);
    int64_t n = 1;
    for (int d = 0; d < rank; d++) {
        dims[d] = pick(0, 40) == 0 ? 0 : sizes[pick(0, 6)];
        if (n * dims[d] > MOST) dims[d] = 1;
        n *= dims[d];
    }
    return rank;
}
static int narrower(int rank, const int64_t *dims, int64_t *d) {
    int r = pick(0, 2) ? rank : (int)pick(0, rank), how = (int)pick(0, 3);
    for (int i = 0; i < r; i++) d[i] = how == 0 || (how == 1 && pick(0, 1)) ? 1 : dims[rank - r + i];
    return r;
}
static int64_t count(int rank, const int64_t *dims) {
    int64_t n = 1;
    for (int d = 0; d < rank; d++) n *= dims[d];
    return n;
}
/* The index in an array of shape (r, d) of element e of the shape it broadcasts to. */
static int64_t source(int rank, const int64_t *dims, int r, const int64_t *d, int64_t e) {
    int64_t at = 0, step = 1;
    for (int i = rank - 1, j = r - 1; i >= 0; i--, j--) {
        int64_t k = e % dims[i];
        e /= dims[i];
        if (j < 0) continue;
        at += (d[j] == 1 ? 0 : k) * step;
        step *= d[j];
    }
    return at;
}

/* ------------------------------------------------------------------------------------------------------- programs */

/* y0 = where(x0 < x1, relu(x0) * 2.5 + x2, x1) and y1 = !(x0 < x1) in every broadcast. */
static void programs_broadcast(void **state) {
    tn_program p = { 0 };
    int x0 = tn_program_input(&p, TN_PROGRAM_F32), x1 = tn_program_input(&p, TN_PROGRAM_F32),
        x2 = tn_program_input(&p, TN_PROGRAM_F32);
    int less = tn_program_add(&p, TN_P_COMPARE, TN_C_LT, x0, x1, 0, 0, 0);
    int relu = tn_program_add(&p, TN_P_UNARY, TN_U_RELU, x0, 0, 0, 0, 0);
    int sum = tn_program_add(&p, TN_P_MULADD, 0, relu, tn_program_const(&p, 2.5f), x2, 0, 0);
    int y0 = tn_program_add(&p, TN_P_WHERE, 0, less, sum, x1, 0, 0);
    tn_program_output(&p, y0);
    tn_program_output(&p, tn_program_add(&p, TN_P_NOT, 0, less, 0, 0, 0, 0));
    check_ok(tn_program_finish(&p));
    for (int round = 0; round < 300; round++) {
        int64_t dims[4], d[3][4];
        int rank = random_shape(dims), r[3];
        int64_t n = count(rank, dims);
        float *x[3], *out = malloc((size_t)n * 4 + 4);
        uint8_t *flag = malloc((size_t)n + 1);
        tn_program_array in[3];
        for (int i = 0; i < 3; i++) {
            r[i] = narrower(rank, dims, d[i]);
            int64_t m = count(r[i], d[i]);
            x[i] = malloc((size_t)m * 4 + 4);
            for (int64_t e = 0; e < m; e++) x[i][e] = value();
            in[i].data = x[i];
            tn_broadcast_strides(rank, dims, r[i], d[i], in[i].stride);
        }
        tn_program_run(&p, rank, dims, in, (void *[]){ out, flag }, round % 2 ? pool : NULL);
        for (int64_t e = 0; e < n; e++) {
            float v[3];
            for (int i = 0; i < 3; i++) v[i] = x[i][source(rank, dims, r[i], d[i], e)];
            float want = v[0] < v[1] ? (v[0] > 0 ? v[0] : 0) * 2.5f + v[2] : v[1];
            check(fabsf(out[e] - want) <= 1e-5f, "round %d element %d: %g, not %g\n", round, (int)e, out[e], want);
            check(flag[e] == !(v[0] < v[1]), "round %d element %d: wrong flag\n", round, (int)e);
        }
        for (int i = 0; i < 3; i++) free(x[i]);
        free(out);
        free(flag);
    }
}

/* A long chain with many live values, in place over its first input. */
static void programs_reuse_buffers(void **state) {
    tn_program p = { 0 };
    int x = tn_program_input(&p, TN_PROGRAM_F32), v[20];
    for (int i = 0; i < 20; i++) v[i] = tn_program_add(&p, TN_P_UNARY, TN_U_AFFINE, x, 0, 0, 1.0f, (float)i);
    int s = v[0];
    for (int i = 1; i < 20; i++) s = tn_program_add(&p, TN_P_BINARY, i % 2 ? TN_B_ADD : TN_B_SUB, s, v[i], 0, 0, 0);
    tn_program_output(&p, s);
    check_ok(tn_program_finish(&p));
    assert_true(tn_program_may_alias(&p, 0, 0));
    assert_true(p.n_slots <= 21);
    enum { N = 5000 };
    static float data[N];
    for (int i = 0; i < N; i++) data[i] = (float)(i % 100);
    tn_program_array in = { data, { 1 } };
    tn_program_run(&p, 1, (int64_t[]){ N }, &in, (void *[]){ data }, pool);
    /* +1 -2 +3 ... +19 = 10; x: one more plus than minus, and the first */
    for (int i = 0; i < N; i++) assert_float_equal(data[i], (float)(i % 100) * 2 + 10, 1e-3);
}

static void programs_are_checked(void **state) {
    tn_program p = { 0 };
    check_fails(tn_program_finish(&p), TN_E_INVALID, "outputs");
    int x = tn_program_input(&p, TN_PROGRAM_F32), c = tn_program_input(&p, TN_PROGRAM_BOOL);
    tn_program q = p;
    tn_program_output(&q, tn_program_add(&q, TN_P_BINARY, TN_B_ADD, x, c, 0, 0, 0));
    check_fails(tn_program_finish(&q), TN_E_INVALID, "type");
    q = p;
    tn_program_output(&q, tn_program_add(&q, TN_P_UNARY, TN_UNARY_COUNT, x, 0, 0, 0, 0));
    check_fails(tn_program_finish(&q), TN_E_INVALID, "unknown");
    q = p;
    tn_program_output(&q, tn_program_add(&q, TN_P_UNARY, TN_U_ABS, TN_PROGRAM_INPUTS, 0, 0, 0, 0));
    check_fails(tn_program_finish(&q), TN_E_INVALID, "not defined");
    assert_int_equal(tn_program_add(&q, TN_P_UNARY, TN_U_ABS, -1, 0, 0, 0, 0), -1);
    /* an input read after the output was written must not share its memory */
    q = p;
    int neg = tn_program_add(&q, TN_P_UNARY, TN_U_NEG, x, 0, 0, 0, 0);
    tn_program_output(&q, neg);
    tn_program_output(&q, tn_program_add(&q, TN_P_BINARY, TN_B_MUL, neg, x, 0, 0, 0));
    check_ok(tn_program_finish(&q));
    assert_false(tn_program_may_alias(&q, 0, 0));
    assert_true(tn_program_may_alias(&q, 0, 1));
}

/* ------------------------------------------------------------------------------------------------------ arithmetic */

static double want_arith(tn_arith op, double a, double b, bool whole) {
    switch (op) {
    case TN_A_ADD: return a + b;
    case TN_A_SUB: return a - b;
    case TN_A_MUL: return a * b;
    case TN_A_DIV: return whole ? (b == 0 ? 0 : trunc(a / b)) : a / b;
    case TN_A_MIN: return a < b ? a : b;
    case TN_A_MAX: return a > b ? a : b;
    case TN_A_FMOD: return whole && b == 0 ? 0 : fmod(a, b);
    case TN_A_MOD: return whole && b == 0 ? 0 : a - b * floor(a / b);
    case TN_A_PRELU: return a < 0 ? a * b : a;
    case TN_A_SQDIFF: return (a - b) * (a - b);
    case TN_A_EQ: return a == b;
    case TN_A_NE: return a != b;
    case TN_A_LT: return a < b;
    case TN_A_LE: return a <= b;
    case TN_A_GT: return a > b;
    default: return a >= b;
    }
}

static void arithmetic_of_all_types(void **state) {
    static const tn_dtype types[] = { TN_F32, TN_F64, TN_F16, TN_BF16, TN_I8,  TN_I16,
                                      TN_I32, TN_I64, TN_U8,  TN_U16,  TN_U32, TN_U64 };
    for (int round = 0; round < 1500; round++) {
        tn_dtype t = types[round % (int)TN_COUNT(types)];
        tn_arith op = (tn_arith)pick(0, TN_A_GE);
        if (op == TN_A_POW) continue;
        int64_t dims[4], d[2][4];
        int rank = random_shape(dims), r[2];
        int64_t n = count(rank, dims), lo = tn_dtype_is_signed(t) || tn_dtype_is_float(t) ? -10 : 0;
        char *x[2], *y = malloc((size_t)n * 8 + 8);
        tn_operand o[2];
        for (int i = 0; i < 2; i++) {
            r[i] = narrower(rank, dims, d[i]);
            int64_t m = count(r[i], d[i]);
            x[i] = malloc((size_t)m * 8 + 8);
            /* small numbers keep every result exact in every type; no zero divisors for floats */
            for (int64_t e = 0; e < m; e++) {
                int64_t v = pick(lo, 10);
                tn_set_f64(t, x[i], e, (double)(v == 0 && tn_dtype_is_float(t) ? 4 : v));
            }
            o[i] = (tn_operand){ x[i], r[i], d[i] };
        }
        if (lo == 0 && (op == TN_A_SUB || op == TN_A_SQDIFF)) op = TN_A_ADD; /* would wrap */
        check_ok(tn_arith_run(op, t, &o[0], &o[1], rank, dims, y, round % 2 ? pool : NULL));
        tn_dtype ty = tn_arith_result(op, t);
        for (int64_t e = 0; e < n; e++) {
            double a = tn_get_f64(t, x[0], source(rank, dims, r[0], d[0], e));
            double b = tn_get_f64(t, x[1], source(rank, dims, r[1], d[1], e));
            double want = want_arith(op, a, b, tn_dtype_is_int(t)), got = tn_get_f64(ty, y, e);
            if (t == TN_I8 && fabs(want) > 127) continue; /* wraps */
            if (t == TN_U8 && want > 255) continue;
            if (t == TN_I8 && (op == TN_A_SQDIFF)) continue;
            double tolerance = t == TN_F32 ? 1e-5 : t == TN_F16 ? 0.06 : t == TN_BF16 ? 1 : 1e-12;
            check(fabs(got - want) <= tolerance, "%s of %s: %g and %g give %g, not %g\n", tn_dtype_name(t),
                  (const char *[]){ "add", "sub", "mul", "div", "min", "max", "pow", "fmod", "mod", "prelu", "sqdiff",
                                    "eq", "ne", "lt", "le", "gt", "ge" }[op],
                  a, b, got, want);
        }
        free(x[0]);
        free(x[1]);
        free(y);
    }
}

static const int64_t one_dim[] = { 4 };
#define RUN(op, t, T, ...)                                             \
    T a_[] = { __VA_ARGS__ }, y_[4];                                   \
    tn_operand oa_ = { a_, 1, one_dim }, ob_ = { a_ + 4, 1, one_dim }; \
    check_ok(tn_arith_run(op, t, &oa_, &ob_, 1, one_dim, y_, NULL))

static void integers_do_not_trap(void **state) {
    {
        RUN(TN_A_DIV, TN_I32, int32_t, INT32_MIN, 5, -7, 0, -1, 0, 2, 0);
        assert_true(y_[0] == INT32_MIN && y_[1] == 0 && y_[2] == -3 && y_[3] == 0);
    }
    {
        RUN(TN_A_DIV, TN_I64, int64_t, INT64_MIN, 5, -7, 0, -1, 0, 2, 0);
        assert_true(y_[0] == INT64_MIN && y_[1] == 0 && y_[2] == -3 && y_[3] == 0);
    }
    {
        RUN(TN_A_MOD, TN_I64, int64_t, INT64_MIN, 5, -7, 7, -1, 0, 3, -3);
        assert_true(y_[0] == 0 && y_[1] == 0 && y_[2] == 2 && y_[3] == -2);
    }
    {
        RUN(TN_A_POW, TN_I32, int32_t, 2, -3, 1, 2, 10, 3, -5, -1);
        assert_true(y_[0] == 1024 && y_[1] == -27 && y_[2] == 1 && y_[3] == 0);
    }
    {
        RUN(TN_A_SHL, TN_U8, uint8_t, 1, 255, 3, 7, 7, 1, 8, 200);
        assert_true(y_[0] == 128 && y_[1] == 254 && y_[2] == 0 && y_[3] == 0);
    }
    {
        RUN(TN_A_BIT_XOR, TN_U16, uint16_t, 0xffff, 1, 2, 3, 0xff, 1, 1, 0);
        assert_true(y_[0] == 0xff00 && y_[1] == 0 && y_[2] == 3 && y_[3] == 3);
    }
    {
        RUN(TN_A_XOR, TN_BOOL, uint8_t, 1, 0, 1, 0, 1, 0, 0, 1);
        assert_true(y_[0] == 0 && y_[1] == 0 && y_[2] == 1 && y_[3] == 1);
    }
    tn_operand o = { one_dim, 0, NULL };
    check_fails(tn_arith_run(TN_A_AND, TN_F32, &o, &o, 0, NULL, NULL, NULL), TN_E_TYPE, "float32");
    check_fails(tn_arith_run(TN_A_ADD, TN_BOOL, &o, &o, 0, NULL, NULL, NULL), TN_E_TYPE, "bool");
}

static void mixed_powers(void **state) {
    float base[] = { 2, 3, -2, 0.5f };
    int64_t e[] = { 3, 2, 3, -1 };
    float y[4];
    tn_operand a = { base, 1, one_dim }, b = { e, 1, one_dim }, two = { e + 1, 0, NULL };
    check_ok(tn_pow_run(TN_F32, &a, TN_I64, &b, 1, one_dim, y, NULL));
    assert_true(y[0] == 8 && y[1] == 9 && y[2] == -8 && y[3] == 2);
    check_ok(tn_pow_run(TN_F32, &a, TN_I64, &two, 1, one_dim, y, NULL));
    assert_true(y[0] == 4 && y[1] == 9 && y[2] == 4 && y[3] == 0.25f);
    int64_t whole[] = { 2, 3, -2, 10 }, yi[4];
    float half[] = { 3, 2, 3, 0.5f };
    tn_operand ai = { whole, 1, one_dim }, bf = { half, 1, one_dim };
    check_ok(tn_pow_run(TN_I64, &ai, TN_F32, &bf, 1, one_dim, yi, NULL));
    assert_true(yi[0] == 8 && yi[1] == 9 && yi[2] == -8 && yi[3] == 3);
}

static void where_of_all_sizes(void **state) {
    for (int round = 0; round < 500; round++) {
        int64_t dims[4], d[3][4];
        int rank = random_shape(dims), r[3], bytes = 1 << round % 5;
        int64_t n = count(rank, dims);
        uint8_t *x[3], *y = malloc((size_t)(n * bytes) + 1);
        tn_operand o[3];
        for (int i = 0; i < 3; i++) {
            r[i] = narrower(rank, dims, d[i]);
            int64_t m = count(r[i], d[i]) * bytes;
            x[i] = malloc((size_t)m + 1);
            for (int64_t e = 0; e < m; e++) x[i][e] = (uint8_t)(i ? pick(0, 255) : pick(0, 1));
            o[i] = (tn_operand){ x[i], r[i], d[i] };
        }
        tn_where_run(bytes, &o[0], &o[1], &o[2], rank, dims, y, pool);
        for (int64_t e = 0; e < n; e++) {
            int from = x[0][source(rank, dims, r[0], d[0], e)] ? 1 : 2;
            int64_t at = source(rank, dims, r[from], d[from], e);
            check(memcmp(y + e * bytes, x[from] + at * bytes, (size_t)bytes) == 0, "round %d element %d\n", round,
                  (int)e);
        }
        for (int i = 0; i < 3; i++) free(x[i]);
        free(y);
    }
}

static void unary_of_other_types(void **state) {
    double x[] = { -2, -0.5, 0, 3 }, y[4];
    check_ok(tn_unary_run(TN_U_SIGMOID, TN_F64, x, y, 4, 0, 0, NULL));
    for (int i = 0; i < 4; i++) assert_true(fabs(y[i] - 1 / (1 + exp(-x[i]))) < 1e-15);
    int64_t whole[] = { INT64_MIN, -5, 0, INT64_MAX }, z[4];
    check_ok(tn_unary_run(TN_U_ABS, TN_I64, whole, z, 4, 0, 0, NULL));
    assert_true(z[0] == INT64_MIN && z[1] == 5 && z[3] == INT64_MAX);
    check_ok(tn_unary_run(TN_U_SIGN, TN_I64, whole, z, 4, 0, 0, NULL));
    assert_true(z[0] == -1 && z[1] == -1 && z[2] == 0 && z[3] == 1);
    uint16_t h[3000], g[3000];
    for (int i = 0; i < 3000; i++) h[i] = tn_f32_to_f16((float)i * 0.01f - 15);
    check_ok(tn_unary_run(TN_U_TANH, TN_F16, h, g, 3000, 0, 0, pool));
    for (int i = 0; i < 3000; i++) assert_float_equal(tn_f16_to_f32(g[i]), tanhf(tn_f16_to_f32(h[i])), 1e-3);
    check_fails(tn_unary_run(TN_U_EXP, TN_STRING, z, z, 1, 0, 0, NULL), TN_E_TYPE, "exp");
}

static int start(void **state) { return tn_pool_new(2, false, &pool); }
static int stop(void **state) {
    tn_pool_free(&pool);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_broadcast),   cmocka_unit_test(programs_reuse_buffers),
        cmocka_unit_test(programs_are_checked), cmocka_unit_test(arithmetic_of_all_types),
        cmocka_unit_test(integers_do_not_trap), cmocka_unit_test(mixed_powers),
        cmocka_unit_test(where_of_all_sizes),   cmocka_unit_test(unary_of_other_types),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
