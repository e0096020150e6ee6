/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* shape.c - Reshape where there is nothing to move; Split where parts are uneven. */
#include "lib/op_run.h"
#include "test.h"

static ob *reshape(int64_t allowzero) {
    ob *b = ob_new(9, 21);
    ob_input(b, "x", TN_F32, "0,3,2");
    ob_input(b, "shape", TN_I64, "n");
    ob_output(b, "y");
    ob_node(b, "Reshape", "x shape", "y");
    ob_int(b, "allowzero", allowzero);
    return b;
}

/* A copied 0 makes both sides empty, whatever the other sizes are. */
static void nothing_fits_nothing(void **state) {
    op_data in[] = { { TN_F32, "0,3,2", { 0 } }, { TN_I64, "1", { 0 } } };
    op_gives(reshape(0), 2, in, 1, (op_data[]){ { TN_F32, "0", { 0 } } }, 0);
    in[1] = (op_data){ TN_I64, "2", { 0, 5 } };
    op_gives(reshape(0), 2, in, 1, (op_data[]){ { TN_F32, "0,5", { 0 } } }, 0);
    in[1] = (op_data){ TN_I64, "3", { 2, 0, 7 } };
    op_gives(reshape(1), 2, in, 1, (op_data[]){ { TN_F32, "2,0,7", { 0 } } }, 0);
    in[1] = (op_data){ TN_I64, "2", { 2, 5 } };
    op_refused(reshape(0), 2, in, "do not fit");
}

static ob *split(int64_t parts) {
    ob *b = ob_new(9, 18);
    ob_input(b, "x", TN_F32, "n");
    static const char *const names[] = { "a", "b", "c", "d" };
    for (int i = 0; i < (parts == 4 ? 4 : 1); i++) ob_output(b, names[i]);
    ob_node(b, "Split", "x", parts == 4 ? "a b c d" : "a");
    ob_int(b, "num_outputs", parts);
    return b;
}

/* All parts are ceil(n / parts) long but the last, which is what is left and cannot be less than nothing. */
static void uneven_parts(void **state) {
    op_data seven = { TN_F32, "7", { 1, 2, 3, 4, 5, 6, 7 } }, five = { TN_F32, "5", { 1, 2, 3, 4, 5 } };
    op_data three = { TN_F32, "3", { 1, 2, 3 } }, none = { TN_F32, "0", { 0 } };
    op_gives(split(4), 1, &seven, 4,
             (op_data[]){ { TN_F32, "2", { 1, 2 } },
                          { TN_F32, "2", { 3, 4 } },
                          { TN_F32, "2", { 5, 6 } },
                          { TN_F32, "1", { 7 } } },
             0);
    op_gives(split(4), 1, &three, 4,
             (op_data[]){ { TN_F32, "1", { 1 } }, { TN_F32, "1", { 2 } }, { TN_F32, "1", { 3 } }, { TN_F32, "0" } }, 0);
    op_gives(split(4), 1, &none, 4, (op_data[]){ none, none, none, none }, 0);
    op_refused(split(4), 1, &five, "cannot be cut into 4 parts");
    op_refused(split(INT64_MAX), 1, &five, "num_outputs");
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(nothing_fits_nothing), cmocka_unit_test(uneven_parts) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
