/* `tenon ocr` and `tenon vad` from outside: help, mistakes in the options, files that cannot be read, exit codes. */
#include "test.h"
#include <sys/wait.h>

static char output[1 << 16];

/* Runs the program with these words; both streams land in `output`. Returns the exit code. */
static int tenon(const char *words) {
    const char *build = getenv("TN_BUILD");
    char command[2048];
    snprintf(command, sizeof command, "TENON_MODELS=/nowhere XDG_DATA_HOME=/nowhere '%s/src/tenon' %s 2>&1",
             build ? build : ".", words);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    output[fread(output, 1, sizeof output - 1, f)] = '\0';
    int status = pclose(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect(const char *words, int code, const char *says) {
    int got = tenon(words);
    check(got == code, "tenon %s: exit code %d, expected %d; it said:\n%s\n", words, got, code, output);
    check(strstr(output, says) != NULL, "tenon %s did not say '%s' but:\n%s\n", words, says, output);
}

static void help(void **state) {
    expect("ocr --help", 0, "--annotate OUT.png");
    expect("ocr --help", 0, "examples:");
    expect("vad -h", 0, "--sample-rate HZ");
    expect("--help", 0, "ocr");
    expect("--help", 0, "vad");
}

static void mistakes(void **state) {
    expect("ocr", 2, "it needs IMAGE...");
    expect("ocr --jsn x.png", 2, "did you mean '--json'");
    expect("ocr --json=yes x.png", 2, "takes no value");
    expect("ocr x.png --det", 2, "--det needs a value");
    expect("ocr --max-side 5 x.png", 2, "from 32 to 8192");
    expect("ocr --max-side 96x x.png", 2, "not '96x'");
    expect("ocr --min-score nan x.png", 2, "not 'nan'");
    expect("ocr --log-level loud x.png", 2, "--log-level");
    expect("vad --sample-rate 44100 a.wav", 2, "8000 or 16000");
    expect("vad --threshold 2 a.wav", 2, "--threshold");
    expect("vaad", 2, "did you mean 'vad'");
}

static void failures(void **state) {
    expect("ocr x.png", 1, "ch_PP-OCRv4_det_infer.onnx is not in /nowhere");
    expect("ocr --models /elsewhere x.png", 1, "is not in /elsewhere;");
    expect("ocr --det /nowhere/d.onnx --rec r --cls c --dict k x.png", 1, "/nowhere/d.onnx");
    expect("vad a.wav", 1, "silero_vad.onnx is not in");
    expect("vad -- --json", 1, "silero_vad.onnx"); /* a file of that name */
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(help), cmocka_unit_test(mistakes),
                                        cmocka_unit_test(failures) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
