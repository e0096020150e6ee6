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
        cmocka_unit_test(one),
        cmocka_unit_test(all),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
