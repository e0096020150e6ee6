/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Convolutions of an empty batch, grouped and not: nothing is computed, and nothing is packed for it either. Pooling of
 * no images of no channels. */
#include "lib/op_run.h"
#include "test.h"

static void batch_of_none(const char *op, const char *weight, int in, int out, int group) {
    static double zeros[9 * 16 * 3];
    char x[32], y[32];
    ob *b = ob_new(10, 22);
    snprintf(x, sizeof x, "0,%d,6,2", in);
    snprintf(y, sizeof y, "0,%d,6,%d", out, strcmp(op, "Conv") ? 4 : 2);
    static float w[9 * 16 * 3];
    ob_input(b, "x", TN_F32, x);
    ob_floats_init(b, "w", weight, w, 9 * 16 * 3);
    ob_node(b, op, "x w", "y");
    ob_int(b, "group", group);
    if (!strcmp(op, "Conv")) ob_ints(b, "pads", (int64_t[]){ 0, 1, 0, 1 }, 4);
    ob_output(b, "y");
    op_gives(b, 1, (op_data[]){ { TN_F32, x, .large = zeros } }, 1, (op_data[]){ { TN_F32, y, .large = zeros } }, 0);
}

static void empty_batch(void **state) {
    batch_of_none("ConvTranspose", "9,16,1,3", 9, 48, 3);
    batch_of_none("ConvTranspose", "9,16,1,3", 9, 16, 1);
    batch_of_none("Conv", "48,3,1,3", 9, 48, 3);
    batch_of_none("Conv", "16,9,1,3", 9, 16, 1);
}

static void no_channels(void **state) {
    ob *b = ob_new(10, 22);
    ob_input(b, "x", TN_F32, "0,0,3,4");
    ob_node(b, "MaxPool", "x", "y");
    ob_ints(b, "kernel_shape", (int64_t[]){ 2, 2 }, 2);
    ob_output(b, "y");
    op_gives(b, 1, (op_data[]){ { TN_F32, "0,0,3,4" } }, 1, (op_data[]){ { TN_F32, "0,0,2,3" } }, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(empty_batch), cmocka_unit_test(no_channels) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
