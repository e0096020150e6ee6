/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* variadic.c - Sum and Mean of any number of operands: 16-bit floats are rounded once. */
#include "lib/op_run.h"
#include "test.h"
#include <math.h>

static ob *of(const char *type, tn_dtype t, int n) {
    static const char *const names[] = { "a", "b", "c" };
    ob *b = ob_new(9, 13);
    for (int i = 0; i < n; i++) ob_input(b, names[i], t, NULL);
    ob_output(b, "y");
    ob_node(b, type, n == 1 ? "a" : n == 2 ? "a b" : "a b c", "y");
    return b;
}

static void rounded_once(void **state) {
    /* 2048 + 1 is 2048 in float16, whose last bit is worth 2 there, and so is that + 1; together they are 2050. */
    op_data small[] = { { TN_F16, "2", { 2048, 1 } }, { TN_F16, "1", { 1 } }, { TN_F16, "", { 1 } } };
    op_gives(of("Sum", TN_F16, 3), 3, small, 1, (op_data[]){ { TN_F16, "2", { 2050, 3 } } }, 0);
    op_data large[] = { { TN_F16, "2,1", { 65504, -65504 } }, { TN_F16, "2", { 65504, 0 } } };
    op_gives(of("Mean", TN_F16, 2), 2, large, 1, (op_data[]){ { TN_F16, "2,2", { 65504, 32752, 0, -32752 } } }, 0);
    op_gives(of("Sum", TN_F16, 2), 2, large, 1, (op_data[]){ { TN_F16, "2,2", { INFINITY, 65504, 0, -65504 } } }, 0);
    op_data brain[] = { { TN_BF16, "1", { 256 } }, { TN_BF16, "1", { 1 } }, { TN_BF16, "1", { 1 } } };
    op_gives(of("Sum", TN_BF16, 3), 3, brain, 1, (op_data[]){ { TN_BF16, "1", { 258 } } }, 0);
}

static void nothing_and_one(void **state) {
    op_data none[] = { { TN_F16, "0,2", { 0 } }, { TN_F16, "2", { 1, 2 } } }, one = { TN_F16, "2", { 3, 4 } };
    op_gives(of("Mean", TN_F16, 2), 2, none, 1, none, 0);
    op_gives(of("Mean", TN_F16, 1), 1, &one, 1, &one, 0);
    op_data doubles[] = { { TN_F64, "1", { 1 } }, { TN_F64, "2", { 2, 5 } }, { TN_F64, "", { 3 } } };
    op_gives(of("Mean", TN_F64, 3), 3, doubles, 1, (op_data[]){ { TN_F64, "2", { 2, 3 } } }, 1e-15);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(rounded_once), cmocka_unit_test(nothing_and_one) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
