/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* stats.c - figures about a tensor and the difference of two. */
#include "tensor/stats.h"
#include "test.h"
#include <math.h>

static tn_tensor over(tn_dtype t, int64_t n, void *data) {
    return (tn_tensor){ .dtype = t, .rank = 1, .dims = { n }, .data = data };
}

static void figures(void **state) {
    (void)state;
    float v[6] = { 1, NAN, -3, INFINITY, 2, 4 };
    tn_tensor t = over(TN_F32, 6, v);
    tn_stats s;
    tn_stats_of(&t, &s);
    assert_true(s.count == 6 && s.nans == 1 && s.infinities == 1 && s.min == -3 && s.max == INFINITY && s.mean == 1);
    assert_true(fabs(s.deviation - sqrt((0 + 16 + 1 + 9) / 4.0)) < 1e-12);
    static int32_t many[5000];
    for (int i = 0; i < 5000; i++) many[i] = i - 1000000000;
    t = over(TN_I32, 5000, many);
    tn_stats_of(&t, &s);
    assert_true(s.min == -1e9 && s.max == -1e9 + 4999 && s.mean == -1e9 + 2499.5);
    assert_true(fabs(s.deviation - sqrt((5000.0 * 5000 - 1) / 12)) < 1e-6);
    uint8_t packed[2] = { 0x91, 0x0f };
    t = over(TN_I4, 3, packed);
    tn_stats_of(&t, &s);
    assert_true(s.count == 3 && s.min == -7 && s.max == 1);
    double c[4] = { 1, 2, 3, 4 };
    t = over(TN_C128, 2, c);
    tn_stats_of(&t, &s);
    assert_true(s.count == 4 && s.mean == 2.5);
    t = over(TN_F32, 0, NULL);
    tn_stats_of(&t, &s);
    assert_true(s.count == 0 && isnan(s.min) && isnan(s.mean) && isnan(s.deviation));
    tn_string names[2] = { { "a", 1 }, { "b", 1 } };
    t = over(TN_STRING, 2, names);
    tn_stats_of(&t, &s);
    assert_true(s.count == 2 && isnan(s.max));
}

static void top(void **state) {
    (void)state;
    float v[8] = { 1, 5, NAN, 5, -1, 9, 0, 2 };
    tn_tensor t = { .dtype = TN_F32, .rank = 2, .dims = { 2, 4 }, .data = v };
    tn_top k[5];
    assert_int_equal(tn_top_k(&t, 0, 5, k), 3);
    assert_true(k[0].index == 1 && k[1].index == 3 && k[2].index == 0 && k[0].value == 5);
    assert_int_equal(tn_top_k(&t, 1, 2, k), 2);
    assert_true(k[0].index == 1 && k[0].value == 9 && k[1].index == 3);
    assert_int_equal(tn_top_k(&t, 2, 2, k), 0);
    assert_int_equal(tn_top_k(&t, 0, 0, k), 0);
    t.rank = 0;
    assert_int_equal(tn_top_k(&t, 0, 3, k), 1);
}

static void differences(void **state) {
    (void)state;
    float a[5] = { 1, 2, 3, NAN, INFINITY }, b[5] = { 1, 2.5f, 3, NAN, INFINITY };
    tn_tensor x = over(TN_F32, 5, a), y = over(TN_F32, 5, b);
    tn_difference d;
    check_ok(tn_compare(&x, &y, 0, 0, &d));
    assert_true(d.count == 5 && d.mismatches == 1 && d.worst == 1 && d.max_abs == 0.5 && d.largest == 3);
    assert_true(fabs(d.max_rel - 0.5 / 3) < 1e-12);
    check_ok(tn_compare(&x, &y, 0.2, 0, &d));
    assert_int_equal(d.mismatches, 0);
    check_ok(tn_compare(&x, &y, 0, 0.4, &d));
    assert_int_equal(d.mismatches, 1);
    a[3] = 1;
    check_ok(tn_compare(&x, &y, 1, 1e9, &d)); /* a number where NaN was expected is never right */
    assert_true(d.mismatches == 1 && d.worst == 3 && d.max_abs == INFINITY);
    a[3] = NAN, a[4] = -INFINITY;
    check_ok(tn_compare(&x, &y, 1, 1e9, &d));
    assert_true(d.mismatches == 1 && d.worst == 4);
    int64_t i[2] = { INT64_MAX, 0 }, j[2] = { INT64_MAX - 1, 0 }; /* one apart beyond 2^53 */
    x = over(TN_I64, 2, i), y = over(TN_I64, 2, j);
    check_ok(tn_compare(&x, &y, 1, 1, &d));
    assert_true(d.mismatches == 1 && d.worst == 0 && d.max_abs == 1);
    float far[2] = { 1000, 1 }, near[2] = { 1001, 1.5f }; /* the larger difference is within the tolerance */
    x = over(TN_F32, 2, far), y = over(TN_F32, 2, near);
    check_ok(tn_compare(&x, &y, 0.01, 0, &d));
    assert_true(d.mismatches == 1 && d.worst == 1 && d.max_abs == 1);
    tn_string s[2] = { { "a", 1 }, { NULL, 0 } }, r[2] = { { "b", 1 }, { NULL, 0 } };
    x = over(TN_STRING, 2, s), y = over(TN_STRING, 2, r);
    check_ok(tn_compare(&x, &y, 0, 0, &d));
    assert_true(d.mismatches == 1 && d.worst == 0);
    check_ok(tn_compare(&x, &x, 0, 0, &d));
    assert_true(d.mismatches == 0 && d.worst == -1 && d.max_rel == 0);
    x = over(TN_F32, 2, a);
    check_fails(tn_compare(&x, &y, 0, 0, &d), TN_E_TYPE, "float32 where string");
    y = over(TN_F32, 3, a);
    check_fails(tn_compare(&x, &y, 0, 0, &d), TN_E_SHAPE, "shape 2 where 3");
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(figures), cmocka_unit_test(top),
                                        cmocka_unit_test(differences) };
    return cmocka_run_group_tests_name("tensor/stats", tests, NULL, NULL);
}
