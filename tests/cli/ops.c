/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* `tenon ops`: one operator, all of them, as JSON, and names that are nearly right. */
#include "lib/program.h"
#include "test.h"

static void one(void **state) {
    program_says("ops Conv", 0, "opsets     1, 11, 22");
    program_says("ops Conv", 0, "AVX2, AVX-512"); /* read off the kernel tables */
    program_says("ops Conv", 0, "pass/optimize"); /* a test that names it */
    program_says("ops Upsample", 0, "rewritten on load");
    program_says("ops ai.onnx.preview.training.Adam", 0, "preview.training");
}

/* Operators that are rewritten on load have no row, and yet all that a row shows. */
static void rewritten(void **state) {
    program_says("ops com.microsoft.SkipLayerNormalization", 0,
                 "decomposed on load into other operators\n  opsets     1\n");
    program_says("ops com.microsoft.SkipLayerNormalization", 0, "beta                 floats (T), optional");
    program_says("ops com.microsoft.SkipLayerNormalization", 0, "attributes epsilon              float\n");
    program_says("ops com.microsoft.SkipLayerNormalization", 0, "becomes    Add, LayerNormalization\n");
    program_says("ops com.microsoft.SkipLayerNormalization", 0, "gradient   yes");
    program_says("ops QLinearAdd", 0, "gradient   none");
    program_says("ops SoftmaxCrossEntropyLoss", 0, "opsets     12, 13\n");
    program_says("ops SoftmaxCrossEntropyLoss --json", 0, "\"becomes\":[{\"name\":\"LogSoftmax\",\"domain\":\"\"}");
    program_says("ops SoftmaxCrossEntropyLoss --json", 0, "\"words\":[\"mean\",\"sum\",\"none\"]");
}

/* Official cases are counted by the operators in them, not by their names: test_instancenorm_*. */
static void cases(void **state) {
    assert_null(strstr(program_says("ops InstanceNormalization", 0, "official cases"), " 0 official"));
    assert_null(strstr(program_says("ops com.microsoft.Attention", 0, "op/contrib"), "op/attention")); /* ai.onnx's */
}

static void all(void **state) {
    assert_null(strstr(program_says("ops", 0, "Relu"), "FromBlocked")); /* made by passes, not in files */
    program_says("ops --json", 0, "{\"name\":\"Relu\",\"domain\":\"\",\"support\":\"row\",\"versions\":[1, 6, 13, 14]");
    program_says("ops --markdown", 0, "| vec | AVX2, AVX-512 |");
}

static void mistakes(void **state) {
    program_says("ops Resiz", 2, "did you mean 'Resize'?");
    program_says("ops qqqqqq", 2, "there is no operator 'qqqqqq'\n");
    program_says("ops Add Mul", 2, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one), cmocka_unit_test(rewritten), cmocka_unit_test(cases),
        cmocka_unit_test(all), cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
