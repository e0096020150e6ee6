/* `tenon ops`: one operator, all of them, as JSON, and names that are nearly right. */
#include "test.h"
#include <sys/wait.h>

static char output[1 << 20];

static int tenon(const char *words) {
    const char *build = getenv("TN_BUILD");
    char command[1024];
    snprintf(command, sizeof command, "'%s/src/tenon' %s 2>&1", build ? build : ".", words);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    output[fread(output, 1, sizeof output - 1, f)] = '\0';
    int status = pclose(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect(const char *words, int code, const char *says) {
    int got = tenon(words);
    check(got == code, "tenon %s: exit code %d, expected %d; it said:\n%s\n", words, got, code, output);
    check(strstr(output, says) != NULL, "tenon %s did not say '%s'\n", words, says);
}

static void one(void **state) {
    expect("ops Conv", 0, "opsets     1, 11, 22");
    expect("ops Conv", 0, "AVX2, AVX-512"); /* read off the kernel tables */
    expect("ops Conv", 0, "pass/optimize"); /* a test that names it */
    expect("ops Upsample", 0, "rewritten on load");
    expect("ops ai.onnx.preview.training.Adam", 0, "preview.training");
}

static void all(void **state) {
    expect("ops", 0, "Relu");
    assert_null(strstr(output, "FromBlocked")); /* made by passes, not in files */
    expect("ops --json", 0, "{\"name\":\"Relu\",\"domain\":\"\",\"support\":\"row\",\"versions\":[1, 6, 13, 14]");
    expect("ops --markdown", 0, "| vec | AVX2, AVX-512 |");
}

static void mistakes(void **state) {
    expect("ops Resiz", 2, "did you mean 'Resize'?");
    expect("ops qqqqqq", 2, "there is no operator 'qqqqqq'\n");
    expect("ops Add Mul", 2, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one),
        cmocka_unit_test(all),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
