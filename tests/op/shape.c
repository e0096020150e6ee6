/* shape.c - Reshape where there is nothing to move. */
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

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(nothing_fits_nothing) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
