/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* dims.c - symbolic dimensions: random expressions against plain integers, and the simplifications real models need. */
#include "graph/dim.h"
#include "test.h"

static tn_syms *s;
static tn_dim h, w, batch, seq;

static int setup(void **state) {
    s = tn_syms_new();
    batch = tn_sym(s, "batch");
    seq = tn_sym(s, "seq");
    h = tn_sym(s, "h");
    w = tn_sym(s, "w");
    return 0;
}
static int teardown(void **state) {
    tn_syms_free(&s);
    return 0;
}

static void expect_text(tn_dim d, const char *want) {
    tn_text t = { 0 };
    tn_dim_print(s, d, &t);
    assert_string_equal(t.s, want);
    tn_text_free(&t);
}

#define ADD(a, b) tn_dim_add(s, a, b)
#define SUB(a, b) tn_dim_sub(s, a, b)
#define MUL(a, b) tn_dim_mul(s, a, b)
#define DIV(a, b) tn_dim_div(s, a, b)

/* ------------------------------------------------------------------------------------------------------- property */

static uint64_t seed = 42;
static int64_t rnd(int64_t n) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)((seed >> 33) % (uint64_t)n);
}

static int64_t fdiv(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

#define TRIES 8
typedef struct { /* an expression and its plain value under each binding; bad: division by zero somewhere there */
    tn_dim d;
    int64_t v[TRIES];
    bool bad[TRIES];
} both;

static int64_t bindings[TRIES][4];

static both leaf(void) {
    both b = { 0 };
    if (rnd(3) == 0) {
        b.d = rnd(2) ? rnd(5) : rnd(200) - 40;
        for (int i = 0; i < TRIES; i++) b.v[i] = b.d;
    } else {
        int k = (int)rnd(4);
        b.d = tn_sym_at(s, k);
        for (int i = 0; i < TRIES; i++) b.v[i] = bindings[i][k];
    }
    return b;
}

static both combine(int op, both a, both b) {
    static tn_dim (*const fns[])(tn_syms *, tn_dim, tn_dim) = { tn_dim_add, tn_dim_sub,      tn_dim_mul,
                                                                tn_dim_div, tn_dim_ceil_div, tn_dim_trunc_div,
                                                                tn_dim_mod, tn_dim_min,      tn_dim_max };
    both r = { .d = fns[op](s, a.d, b.d) };
    for (int i = 0; i < TRIES; i++) {
        int64_t x = a.v[i], y = b.v[i];
        r.bad[i] = a.bad[i] || b.bad[i] || (op >= 3 && op <= 6 && y == 0) || (x > 1 << 20 || x < -(1 << 20)) ||
                   (y > 1 << 20 || y < -(1 << 20));
        if (r.bad[i]) continue;
        switch (op) {
        case 0: r.v[i] = x + y; break;
        case 1: r.v[i] = x - y; break;
        case 2: r.v[i] = x * y; break;
        case 3: r.v[i] = fdiv(x, y); break;
        case 4: r.v[i] = -fdiv(-x, y); break;
        case 5: r.v[i] = x / y; break;
        case 6: r.v[i] = x - y * fdiv(x, y); break;
        case 7: r.v[i] = x < y ? x : y; break;
        default: r.v[i] = x > y ? x : y;
        }
    }
    return r;
}

static void random_expressions(void **state) {
    int known = 0, unknown = 0;
    for (int round = 0; round < 4000; round++) {
        for (int i = 0; i < TRIES; i++)
            for (int k = 0; k < 4; k++) bindings[i][k] = i == 0 ? 1 : rnd(rnd(2) ? 6 : 300);
        both pool[24];
        int n = 0;
        for (; n < 6; n++) pool[n] = leaf();
        for (; n < 24; n++) pool[n] = combine((int)rnd(9), pool[rnd(n)], pool[rnd(n)]);
        for (int e = 0; e < n; e++) {
            for (int i = 0; i < TRIES; i++) {
                if (pool[e].bad[i] || pool[e].d == TN_DIM_UNKNOWN) {
                    unknown += !pool[e].bad[i];
                    continue;
                }
                tn_dim got = tn_dim_eval(s, pool[e].d, bindings[i], 4);
                /* a cancelled factor may hide a division by zero, never the other way round: intermediate ones stay */
                if (got != pool[e].v[i]) {
                    tn_text t = { 0 };
                    tn_dim_print(s, pool[e].d, &t);
                    fail_msg("round %d: %s is %lld, should be %lld", round, t.s, (long long)got,
                             (long long)pool[e].v[i]);
                }
                known++;
            }
        }
        for (int k = 0; k < 40; k++) { /* certain comparisons hold */
            const both *a = &pool[rnd(n)], *b = &pool[rnd(n)];
            if (!tn_dim_ge(s, a->d, b->d)) continue;
            for (int i = 0; i < TRIES; i++)
                if (!a->bad[i] && !b->bad[i]) assert_true(a->v[i] >= b->v[i]);
        }
        if (round % 200 == 199) { /* a fresh pool now and then, and a copy that means the same */
            tn_syms *copy = tn_syms_clone(s);
            assert_non_null(copy);
            for (int e = 0; e < n; e++)
                assert_true(tn_dim_eval(copy, pool[e].d, bindings[0], 4) == tn_dim_eval(s, pool[e].d, bindings[0], 4));
            assert_true(tn_sym(copy, "h") == h);
            tn_syms_free(&copy);
            teardown(NULL);
            setup(NULL);
        }
    }
    assert_true(known > 2 * unknown); /* whoever answers "unknown" too often is wrong, too */
}

/* -------------------------------------------------------------------------------------------------- simplifications */

static void polynomials(void **state) {
    assert_true(ADD(h, w) == ADD(w, h));
    assert_true(MUL(ADD(h, 1), SUB(h, 1)) == SUB(MUL(h, h), 1));
    assert_true(SUB(ADD(h, 3), h) == 3);
    assert_true(MUL(h, 0) == 0);
    expect_text(ADD(MUL(2, h), 1), "2*h + 1");
    expect_text(SUB(MUL(batch, seq), 3), "batch*seq - 3");
    expect_text(SUB(0, h), "-h");
    expect_text(TN_DIM_UNKNOWN, "?");
    expect_text(MUL(h, h), "h^2");
}

static void division(void **state) {
    assert_true(DIV(ADD(MUL(2, h), 2), 2) == ADD(h, 1));
    assert_true(DIV(MUL(h, w), w) == h);
    /* Reshape to (batch, seq, 12, -1) */
    assert_true(DIV(MUL(MUL(batch, seq), 768), MUL(MUL(batch, seq), 12)) == 64);
    assert_true(DIV(MUL(MUL(batch, seq), 768), MUL(MUL(12, batch), 64)) == seq);
    assert_true(DIV(MUL(ADD(h, 1), ADD(w, 2)), ADD(w, 2)) == ADD(h, 1));
    assert_true(DIV(MUL(batch, MUL(tn_dim_ceil_div(s, h, 4), 80)), tn_dim_ceil_div(s, h, 4)) == MUL(80, batch));
    assert_true(tn_dim_mod(s, MUL(h, 8), 4) == 0);
    assert_true(tn_dim_mod(s, ADD(MUL(h, 8), 7), 4) == 3);
    /* two strided convolutions with padding are one ceiling division */
    tn_dim once = ADD(DIV(SUB(ADD(h, 2), 3), 2), 1), twice = ADD(DIV(SUB(ADD(once, 2), 3), 2), 1);
    assert_true(once == tn_dim_ceil_div(s, h, 2));
    assert_true(twice == tn_dim_ceil_div(s, h, 4));
    expect_text(twice, "ceil(h/4)");
    expect_text(DIV(SUB(h, 2), 3), "floor((h + 1)/3) - 1");
    assert_true(DIV(SUB(0, h), 8) == SUB(0, tn_dim_ceil_div(s, h, 8)));
    tn_dim pad = tn_dim_mod(s, SUB(8, tn_dim_mod(s, h, 8)), 8); /* up to the next multiple */
    assert_true(ADD(h, pad) == MUL(8, tn_dim_ceil_div(s, h, 8)));
    assert_true(DIV(h, 0) == TN_DIM_UNKNOWN);
}

static void order(void **state) {
    assert_true(tn_dim_max(s, h, 0) == h);
    assert_true(tn_dim_min(s, h, INT64_C(1) << 40) == h);
    assert_true(tn_dim_min(s, ADD(h, w), w) == w);
    assert_true(tn_dim_min(s, h, w) == tn_dim_min(s, w, h));
    assert_true(tn_dim_max(s, tn_dim_max(s, h, w), seq) == tn_dim_max(s, h, tn_dim_max(s, seq, w)));
    assert_true(tn_dim_ge(s, MUL(2, tn_dim_ceil_div(s, h, 32)), tn_dim_ceil_div(s, h, 16)));
    assert_false(tn_dim_ge(s, h, 1));
    assert_false(tn_dim_ge(s, h, w));
    assert_true(tn_dim_ge(s, tn_dim_max(s, h, 3), 3));
    assert_true(tn_dim_trunc_div(s, h, 2) == DIV(h, 2));
    assert_true(tn_dim_scale(s, h, 2.0) == MUL(h, 2));
    assert_true(tn_dim_scale(s, h, 0.5) == DIV(h, 2));
    expect_text(tn_dim_scale(s, ADD(h, 1), 0.3), "floor(0.3*(h + 1))");
}

static void limits(void **state) {
    const tn_dim big = (INT64_C(1) << 62) - 1;
    assert_true(tn_dim_add(NULL, big, 1) == TN_DIM_UNKNOWN);
    assert_true(tn_dim_mul(NULL, big, 2) == TN_DIM_UNKNOWN);
    assert_true(tn_dim_add(NULL, 2, 3) == 5);
    assert_true(tn_dim_sub(NULL, 2, 3) == -1 && tn_dim_known(-1));
    assert_true(ADD(TN_DIM_UNKNOWN, 1) == TN_DIM_UNKNOWN);
    tn_dim d = h; /* huge powers and deep nests give up instead of growing */
    for (int i = 0; i < 200; i++) d = MUL(d, h);
    assert_true(d == TN_DIM_UNKNOWN);
    d = h;
    for (int i = 0; i < 500; i++) d = tn_dim_div(s, ADD(MUL(d, w), i), ADD(seq, i + 2));
    int64_t ones[4] = { 1, 1, 1, 1 };
    tn_dim_eval(s, d, ones, 4);
    assert_true(tn_dim_eval(s, ADD(h, w), ones, 3) == TN_DIM_UNKNOWN); /* w is not bound */
    assert_true(tn_sym_fresh(s, "x") != tn_sym_fresh(s, "x"));
    assert_int_equal(tn_sym_count(s), 6);
}

static void parsing(void **state) {
    assert_true(tn_dim_parse(s, "batch") == batch);
    assert_true(tn_dim_parse(s, "h + w") == ADD(h, w));
    assert_true(tn_dim_parse(s, "2*h + 1") == ADD(MUL(2, h), 1));
    assert_true(tn_dim_parse(s, "h*w - 3") == SUB(MUL(h, w), 3));
    assert_true(tn_dim_parse(s, "(h + 1)*w") == MUL(ADD(h, 1), w));
    assert_true(tn_dim_parse(s, "batch-size") == tn_sym(s, "batch-size"));
    static const char *const no[] = { "",
                                      "h +",
                                      "(h",
                                      "h w",
                                      "h)",
                                      "sin(h)",
                                      "min(h",
                                      "floor(h",
                                      "h^x",
                                      "*",
                                      "h^",
                                      "2 2",
                                      ",",
                                      "h/2",
                                      "max(h,)",
                                      "h^99",
                                      "(((((((((((((((((((((((((((((((((((((((((h",
                                      "?" };
    for (size_t i = 0; i + 1 < TN_COUNT(no); i++) assert_true(tn_dim_parse(s, no[i]) == TN_DIM_UNKNOWN);
    /* whatever is printed reads back as itself */
    tn_dim all[40] = { h, w, seq, batch, 7, ADD(h, 1), tn_dim_scale(s, h, 0.3) };
    int n = 7;
    while (n < 40) {
        tn_dim d = combine((int)rnd(9), (both){ .d = all[rnd(n)] }, (both){ .d = all[rnd(n)] }).d;
        if (d != TN_DIM_UNKNOWN) all[n++] = d;
    }
    for (int i = 0; i < n; i++) {
        tn_text t = { 0 };
        tn_dim_print(s, all[i], &t);
        if (t.n < 2000 && tn_dim_parse(s, t.s) != all[i]) fail_msg("%s does not read back", t.s);
        tn_text_free(&t);
    }
}

/* Coefficients beyond all sizes end in "unknown", not in an overflow on the way. */
static void coefficients_that_do_not_fit(void **state) {
    tn_dim large = 900000000000000000, a = ADD(h, MUL(9, w)),
           b = ADD(MUL(large, h), MUL(2, MUL(1000000000000000000, w)));
    assert_int_equal(MUL(a, b), TN_DIM_UNKNOWN); /* 2e18 h w + 8.1e18 h w */
    assert_int_equal(MUL(MUL(large, h), 9), TN_DIM_UNKNOWN);
    assert_int_equal(MUL(SUB(h, MUL(9, w)), SUB(MUL(large, h), MUL(2, MUL(1000000000000000000, w)))), TN_DIM_UNKNOWN);
    assert_true(tn_dim_symbolic(MUL(large, h)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(polynomials, setup, teardown),
        cmocka_unit_test_setup_teardown(division, setup, teardown),
        cmocka_unit_test_setup_teardown(order, setup, teardown),
        cmocka_unit_test_setup_teardown(limits, setup, teardown),
        cmocka_unit_test_setup_teardown(parsing, setup, teardown),
        cmocka_unit_test_setup_teardown(coefficients_that_do_not_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(random_expressions, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
