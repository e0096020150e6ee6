/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* The commands of both READMEs do what they say: every line that begins with `tenon` in a block of shell is run in a
 * folder with the files that it names; every command of the table exists; exit codes are as told. */
#include "lib/onnx_build.h"
#include "lib/program.h"
#include "tensor/npy.h"
#include "test.h"
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 32

static char folder[] = "/tmp/tenon-readme-XXXXXX";
static bool have_models;

static const char *root(void) { return getenv("TN_ROOT"); }
static const char *build(void) { return getenv("TN_BUILD"); }

/* ------------------------------------------------------------------------------------------------- what they hold */

typedef struct {
    char *text;
    const char *lines[MOST];
    int n;
} readme;

/* All lines of shell blocks that begin with `word`; comments are cut off. */
static readme commands(const char *name, const char *word) {
    char path[1200];
    readme r = { .text = calloc(1, 1 << 16) };
    snprintf(path, sizeof path, "%s/%s", root(), name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_in_range(fread(r.text, 1, (1 << 16) - 1, f), 1, (1 << 16) - 2);
    fclose(f);
    bool shell = false;
    for (char *save = NULL, *line = strtok_r(r.text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (!strncmp(line, "```", 3)) shell = !shell && !strcmp(line, "```sh");
        if (!shell || strncmp(line, word, strlen(word)) != 0) continue;
        char *comment = strstr(line, " #");
        if (comment) *comment = 0;
        assert_true(r.n < MOST);
        r.lines[r.n++] = line;
    }
    return r;
}

static void both_languages_have_the_same_commands(void **state) {
    static const char *const words[] = { "tenon ", "make " };
    for (int w = 0; w < 2; w++) {
        readme a = commands("README.md", words[w]), b = commands("README.zh-CN.md", words[w]);
        assert_true(a.n >= 2);
        assert_int_equal(a.n, b.n);
        for (int i = 0; i < a.n; i++) {
            size_t n = strlen(a.lines[i]), m = strlen(b.lines[i]);
            while (n && a.lines[i][n - 1] == ' ') n--;
            while (m && b.lines[i][m - 1] == ' ') m--;
            assert_int_equal(n, m);
            assert_memory_equal(a.lines[i], b.lines[i], n);
        }
        free(a.text), free(b.text);
    }
}

/* -------------------------------------------------------------------------------------------------- files they name */

static void save(const char *name, ob *b) {
    char path[200];
    tn_text file = ob_finish(b);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_true(f && fwrite(file.s, 1, file.n, f) == file.n && !fclose(f));
    tn_text_free(&file);
}

/* A classifier of pictures with the shapes of a ResNet: 224 x 224, 1,000 classes. */
static ob *classifier(void) {
    float *kernel = calloc(4 * 3 * 7 * 7, sizeof *kernel), *weights = calloc(4 * 1000, sizeof *weights);
    for (int i = 0; i < 4 * 3 * 7 * 7; i++) kernel[i] = (float)(i % 13 - 6) / 60;
    for (int i = 0; i < 4 * 1000; i++) weights[i] = (float)(i % 31 - 15) / 30;
    ob *b = ob_new(8, 17);
    ob_input(b, "input", TN_F32, "1,3,224,224");
    ob_floats_init(b, "kernel", "4,3,7,7", kernel, 4 * 3 * 7 * 7);
    ob_floats_init(b, "weights", "4,1000", weights, 4 * 1000);
    ob_node(b, "Conv", "input kernel", "c");
    ob_ints(b, "strides", (int64_t[]){ 4, 4 }, 2);
    ob_node(b, "GlobalAveragePool", "c", "p");
    ob_node(b, "Flatten", "p", "f");
    ob_node(b, "MatMul", "f weights", "scores");
    ob_output(b, "scores");
    free(kernel), free(weights);
    return b;
}

static int run_in_folder(const char *line) {
    char command[3000];
    const char *models = getenv("TENON_MODELS");
    snprintf(command, sizeof command,
             "cd '%s' && export PATH='%s/src':\"$PATH\" TENON_MODELS='%s%s' && { %s; } >out.log 2>&1", folder, build(),
             models ? models : root(), models ? "" : "/models", line);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void show_log(void) {
    char command[200];
    snprintf(command, sizeof command, "cat '%s/out.log'", folder);
    if (system(command)) print_error("no log\n");
}

static int setup(void **state) {
    char path[200], make[1500];
    tn_tensor *x;
    assert_non_null(mkdtemp(folder));
    save("resnet50.onnx", classifier());
    ob *b = ob_new(8, 17);
    ob_input(b, "x", TN_F32, "2,3");
    ob_node(b, "Sigmoid", "x", "y");
    ob_output(b, "y");
    save("model.onnx", b);
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ 2, 3 }, &x));
    for (int i = 0; i < 6; i++) ((float *)tn_tensor_data(x))[i] = (float)i - 2.5f;
    snprintf(path, sizeof path, "%s/x.npy", folder);
    check_ok(tn_npy_write(x, path));
    tn_tensor_free(&x);
    assert_int_equal(run_in_folder("tenon run model.onnx --input x=x.npy --output-dir outputs"), 0);
    snprintf(make, sizeof make, "'%s/tools/make_pictures' . && mv en_clean.png receipt.jpg", build());
    assert_int_equal(run_in_folder(make), 0); /* pictures are known by their first bytes, not by their names */
    have_models = run_in_folder("ls \"$TENON_MODELS\"/ch_PP-OCRv4_det_infer.onnx") == 0;
    return 0;
}

static int teardown(void **state) {
    char command[200];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* ------------------------------------------------------------------------------------------------------- they work */

static void every_command_runs(void **state) {
    readme r = commands("README.md", "tenon ");
    assert_in_range(r.n, 5, MOST);
    for (int i = 0; i < r.n; i++) {
        if (!strncmp(r.lines[i], "tenon ocr", 9)) continue;
        int code = run_in_folder(r.lines[i]);
        if (code) show_log();
        check(code == 0, "%s: exit code %d\n", r.lines[i], code);
    }
    free(r.text);
}

static void reading_a_receipt(void **state) {
    if (!have_models) skip(); /* `make test` brings them */
    readme r = commands("README.md", "tenon ocr");
    assert_int_equal(r.n, 1);
    int code = run_in_folder(r.lines[0]);
    if (code) show_log();
    assert_int_equal(code, 0);
    assert_int_equal(run_in_folder("head -c 4 out.png | grep -q PNG"), 0); /* the annotated picture */
    free(r.text);
}

static void an_expectation_that_fails_is_said(void **state) {
    assert_int_equal(run_in_folder("tenon run model.onnx --input x=zeros --expect outputs/ >said 2>&1"), 1);
    assert_int_equal(run_in_folder("grep -q 'largest difference' said"), 0);
}

static void the_table_lists_the_commands(void **state) {
    char path[1200], line[2000];
    int n = 0, listed = 0;
    snprintf(path, sizeof path, "%s/README.md", root());
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        char name[20], words[40];
        size_t len = strncmp(line, "| `tenon ", 9) ? 0 : strspn(line + 9, "abcdefghijklmnopqrstuvwxyz");
        if (!len || len >= sizeof name) continue;
        snprintf(name, sizeof name, "%.*s", (int)len, line + 9);
        snprintf(words, sizeof words, "%s --help", name);
        program_says(words, 0, "examples:");
        n++;
    }
    fclose(f);
    const char *help = strstr(program_says("--help", 0, "commands:"), "commands:\n") + 10;
    for (; !strncmp(help, "  ", 2); help = strchr(help, '\n') + 1) listed++;
    assert_int_equal(n, listed);
}

static void exit_codes(void **state) {
    program_says("--version", 0, "tenon ");
    program_says("run /nowhere.onnx", 1, "/nowhere.onnx");
    program_says("nothing", 2, "no command");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_languages_have_the_same_commands),
        cmocka_unit_test(every_command_runs),
        cmocka_unit_test(reading_a_receipt),
        cmocka_unit_test(an_expectation_that_fails_is_said),
        cmocka_unit_test(the_table_lists_the_commands),
        cmocka_unit_test(exit_codes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
