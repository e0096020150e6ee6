/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Options as every sub-command reads them: singular and plural, missing and wrong values, the nearest name, help. */
#include "lib/program.h"
#include "test.h"

static void names(void **state) {
    program_says("bench none.onnx --shape x=1", 1, "none.onnx"); /* the option is known, the file is not */
    program_says("bench none.onnx --shapes x=1", 1, "none.onnx");
    program_says("run none.onnx --shapes=x=1", 1, "none.onnx");
    program_says("run none.onnx --seeds 1", 2, "did you mean '--seed'?"); /* given once: there is no plural */
    program_says("run none.onnx --shap x=1", 2, "did you mean '--shape'?");
    program_says("run none.onnx --qqqqqq", 2, "there is no option '--qqqqqq'\n");
}

static void values(void **state) {
    program_says("run none.onnx --shape", 2, "--shape needs a value");
    program_says("run none.onnx --threads two", 2, "not 'two'");
    program_says("run none.onnx --threads -1", 2, "not '-1'");
    program_says("run none.onnx --mem-limit 12Q", 2, "64K, 512M or 2G, not '12Q'");
    program_says("run none.onnx --mem-limit -1", 2, "not '-1'");
    program_says("run none.onnx --mem-limit 99999999999G", 2, "not '99999999999G'");
    program_says("run none.onnx --mem-limit 3MiB --timeout 1.5", 1, "none.onnx");
    program_says("run none.onnx --timeout 0", 2, "--timeout takes a number from");
    program_says("run none.onnx --log-level loud", 2, "loud");
    program_says("run", 2, "it needs MODEL");
}

static void help(void **state) {
    program_says("run --help", 0, "examples:");
    program_says("bench --help", 0, "--shapes NAME=");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(values),
        cmocka_unit_test(help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
