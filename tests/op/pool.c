/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pool.c - maxima of windows that hold NaN are NaN, in every type, and say where it lies. */
#include "lib/op_run.h"
#include "test.h"
#include <math.h>

static ob *pool(const char *type, tn_dtype t, bool indices) {
    ob *b = ob_new(9, 22);
    ob_input(b, "x", t, "1,1,n");
    ob_output(b, "y");
    if (indices) ob_output(b, "at");
    ob_node(b, type, "x", indices ? "y at" : "y");
    if (*type == 'M') ob_ints(b, "kernel_shape", (int64_t[]){ 2 }, 1);
    return b;
}

static void nan_stays(void **state) {
    static const tn_dtype types[] = { TN_F32, TN_F64, TN_F16, TN_BF16 };
    for (size_t i = 0; i < TN_COUNT(types); i++) {
        op_data x = { types[i], "1,1,6", { 1, 3, 2, NAN, 5, 4 } };
        op_data y[] = { { types[i], "1,1,5", { 3, 3, NAN, NAN, 5 } }, { TN_I64, "1,1,5", { 1, 1, 3, 3, 4 } } };
        op_gives(pool("MaxPool", types[i], false), 1, &x, 1, y, 0);
        op_gives(pool("MaxPool", types[i], true), 1, &x, 2, y, 0);
        op_gives(pool("GlobalMaxPool", types[i], false), 1, &x, 1, (op_data[]){ { types[i], "1,1,1", { NAN } } }, 0);
    }
    op_data low = { TN_F32, "1,1,2", { -INFINITY, -INFINITY } };
    op_data none[] = { { TN_F32, "1,1,1", { -INFINITY } }, { TN_I64, "1,1,1", { 0 } } };
    op_gives(pool("MaxPool", TN_F32, true), 1, &low, 2, none, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(nan_stays) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
