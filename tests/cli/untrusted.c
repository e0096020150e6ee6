/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* untrusted.c - the program with files that nobody should trust: names that speak to terminals, models that cannot run,
 * pipes, outputs whose names collide. */
#include "base/clean.h"
#include "base/file.h"
#include "lib/onnx_build.h"
#include "lib/program.h"
#include "test.h"
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/tenon-untrusted-XXXXXX";

static const char *in_folder(const char *name) {
    static char path[4][200];
    static int turn;
    char *p = path[turn = (turn + 1) % 4];
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

static int make_folder(void **state) { return mkdtemp(folder) ? 0 : 1; }

static int remove_folder(void **state) {
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void save(ob *b, const char *name) {
    tn_text file = ob_finish(b);
    check_ok(tn_file_write(in_folder(name), file.s, file.n));
    tn_text_free(&file);
}

static const char *says(const char *words, const char *name, const char *more, int code, const char *text) {
    char line[1200];
    snprintf(line, sizeof line, "%s %s %s", words, in_folder(name), more);
    return program_says(line, code, text);
}

/* ----------------------------------------------------------------------------------------------------------- names */

/* ESC, BEL, a new line, the second control set's CSI, a mark that turns the direction, no UTF-8. */
#define EVIL                              \
    "e\x1b[31m\a\nq\xc2\x9bw\xe2\x80\xae" \
    "r\xff"

static void only_clean_lines(const char *text, const char *what) {
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        check(tn_is_clean(line, n), "%s prints unsafe bytes:\n%.*s\n", what, (int)n, line);
        line += n + (line[n] == '\n');
    }
    check(!strstr(text, "\nq"), "%s: a name began a line of its own:\n%s\n", what, text);
}

static ob *evil(const char *type) {
    ob *b = ob_new(8, 17);
    ob_opset(b, "dom" EVIL, 1);
    ob_meta(b, "key" EVIL, "value" EVIL);
    ob_input(b, "in" EVIL, TN_F32, "dim" EVIL);
    ob_floats_init(b, "weight" EVIL, "1", (float[]){ 1 }, 1);
    ob_node(b, type, "in" EVIL " weight" EVIL, "out" EVIL);
    ob_name(b, "node" EVIL);
    ob_int(b, "attribute" EVIL, 1);
    ob_output(b, "out" EVIL);
    return b;
}

static void names(void **state) {
    (void)state;
    static const char *const commands[] = { "inspect",
                                            "inspect --nodes",
                                            "inspect --json",
                                            "run --dimension 3",
                                            "run --dimension 3 --profile",
                                            "run --json --dimension 3",
                                            "bench --iterations 2 --dimension 3" };
    save(evil("Add"), "good.onnx");
    save(evil("What" EVIL), "unknown.onnx");
    save(evil("dom" EVIL "::What" EVIL), "domain.onnx");
    for (size_t i = 0; i < TN_COUNT(commands); i++) {
        const char *text = says(commands[i], "good.onnx", "", 0, "");
        only_clean_lines(text, commands[i]);
        check(strstr(text, "\\x1b[31m") || strstr(text, "\\u001b[31m") || i == 6, "%s shows no name:\n%s\n",
              commands[i], text);
        only_clean_lines(says(commands[i], "unknown.onnx", "", 1, "unsupported operator"), commands[i]);
        only_clean_lines(says(commands[i], "domain.onnx", "", 1, "unsupported operator"), commands[i]);
    }
    only_clean_lines(says("run --input nobody=zeros", "good.onnx", "", 1, "no such input"), "a wrong input");
    only_clean_lines(says("run", "good.onnx", "", 1, "give its shape"), "an open shape");
}

/* ------------------------------------------------------------------------------------------- what cannot be run */

static ob *begin(void) {
    ob *b = ob_new(8, 17);
    ob_input(b, "x", TN_F32, "2,3");
    return b;
}

static void findings(void **state) {
    (void)state;
    ob *b = begin();
    ob_external(b, "w", "3,4", "gone.bin", "0", "48");
    ob_node(b, "MatMul", "x w", "h");
    ob_node(b, "Frobnicate", "h", "k");
    ob_node(b, "Frobnicate", "h", "k2");
    ob_node(b, "MatMul", "h h", "bad"); /* [2,4] by [2,4] */
    ob_node(b, "Concat", "h h", "wrong");
    ob_string(b, "axis", "one");
    ob_node(b, "Relu", "k", "y");
    ob_node(b, "Relu", "h", "z");
    ob_output(b, "y");
    ob_output(b, "z");
    save(b, "broken.onnx");
    const char *text = says("inspect", "broken.onnx", "", 1, "this model cannot be run");
    static const char *const lines[] = { "parameters  12 in 48 B",
                                         "z",
                                         "float32[2,4]",
                                         "MatMul",
                                         "Frobnicate",
                                         "gone.bin', is missing",
                                         "unsupported operator: Frobnicate (ai.onnx 17)",
                                         " and 1 more",
                                         "node 'bad' (MatMul)",
                                         "node 'wrong' (Concat): attribute 'axis'" };
    for (size_t i = 0; i < TN_COUNT(lines); i++)
        check(strstr(text, lines[i]), "'%s' is missing in\n%s\n", lines[i], text);
    says("inspect --json", "broken.onnx", "", 1, "\"runnable\": false, \"findings\": [{\"kind\": \"error\"");
    says("run", "broken.onnx", "", 1, "gone.bin");

    tn_model *m;
    tn_session *s;
    check_fails(tn_model_open(in_folder("broken.onnx"), &m), TN_E_IO, "gone.bin");
    check_ok(tn_model_open_with(in_folder("broken.onnx"),
                                &(tn_model_opts){ .size = sizeof(tn_model_opts), .inspect = 1 }, &m));
    check_fails(tn_session_new(m, NULL, &s), TN_E_IO, "opened to be looked at only");
    check_fails(tn_model_save(m, in_folder("copy.onnx")), TN_E_IO, "opened to be looked at only");
    tn_model_close(&m);

    b = begin(); /* a body that fits no data is no error until it is run */
    ob *g = ob_graph();
    ob_input(b, "c", TN_BOOL, "");
    ob_node(g, "MatMul", "x x", "r");
    ob_output(g, "r");
    ob *h = ob_graph();
    ob_node(h, "Relu", "x", "r");
    ob_output(h, "r");
    ob_node(b, "If", "c", "y");
    ob_subgraph(b, "then_branch", g);
    ob_subgraph(b, "else_branch", h);
    ob_output(b, "y");
    save(b, "branch.onnx");
    says("inspect", "branch.onnx", "", 0, "operators");
}

static void repaired(void **state) {
    (void)state;
    ob *b = begin();
    ob_node(b, "Transpose", "x", "y");
    ob_ints(b, "perm", (int64_t[]){ -1, 0 }, 2);
    ob_output_info(b, "y", TN_F32, "2,3");
    save(b, "repaired.onnx");
    const char *text = says("inspect", "repaired.onnx", "", 0, "repaired  node 'y' (Transpose): perm has negative");
    check(strstr(text, "warning   output 'y' is declared as float32[2,3] but is float32[3,2]"), "%s\n", text);
    check(!strstr(text, "tenon: warning"), "said twice:\n%s\n", text);
    says("run", "repaired.onnx", "", 0, "repaired.onnx: node 'y' (Transpose): perm has negative entries");
}

static void pipes(void **state) {
    (void)state;
    ob *b = begin();
    ob_external(b, "w", "3,4", "pipe", "0", "48");
    ob_node(b, "MatMul", "x w", "y");
    ob_output(b, "y");
    save(b, "external.onnx");
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    alarm(60);
    says("inspect", "pipe", "", 1, "is a pipe, not a file");
    says("run", "external.onnx", "", 1, "is a pipe, not a file");
    says("run", "external.onnx", "--input x=pipe", 1, "a pipe");
    alarm(0);
}

/* --------------------------------------------------------------------------------------------------------- outputs */

static void output_files(void **state) {
    (void)state;
    static const struct {
        const char *name, *file;
    } out[] = { { "a/b", "a_b-2" }, { "a_b", "a_b" },    { "a:b", "a_b-3" },      { "\xc3\xa9\xe6\xa6\xab", NULL },
                { "..", "_." },     { "x\x1by", "x_y" }, { ".hidden", "_hidden" } };
    ob *b = begin();
    for (size_t i = 0; i < TN_COUNT(out); i++) {
        ob_node(b, "Add", "x k", out[i].name);
        char k[8];
        snprintf(k, sizeof k, "k%zu", i);
        ob_output(b, out[i].name);
    }
    ob_floats_init(b, "k", "1", (float[]){ 1 }, 1);
    save(b, "names.onnx");
    char more[300];
    snprintf(more, sizeof more, "--output-dir %s", in_folder("out"));
    says("run", "names.onnx", more, 0, "a_b-2.npy");
    for (size_t i = 0; i < TN_COUNT(out); i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/out/%s.npy", folder, out[i].file ? out[i].file : out[i].name);
        check(!access(path, R_OK), "no file %s\n", path);
    }
    snprintf(more, sizeof more, "--expect %s", in_folder("out")); /* each is held against its own */
    says("run", "names.onnx", more, 0, "equals");
    snprintf(more, sizeof more, "--output-dir %s/not/there", folder); /* before anything is computed */
    const char *text = says("run", "names.onnx", more, 1, "cannot make the folder");
    check(!strstr(text, "loaded in") && !strstr(text, "mean"), "it ran first:\n%s\n", text);
}

static void small_floats(void **state) {
    (void)state;
    static const tn_dtype types[] = { TN_BF16, TN_F8E4M3FN, TN_F8E5M2, TN_I4 };
    for (size_t i = 0; i < TN_COUNT(types); i++) {
        ob *b = ob_new(10, 24);
        ob_input(b, "x", types[i], "3");
        ob_node(b, "Identity", "x", "y");
        ob_node(b, "Cast", "x", "z");
        ob_int(b, "to", 1);
        ob_output(b, "y");
        ob_output(b, "z");
        save(b, "types.onnx");
        char more[600];
        snprintf(more, sizeof more, "--output-dir %s", in_folder("types"));
        says("run", "types.onnx", more, 0, "y");
        snprintf(more, sizeof more, "--input x=%s/types/y.npy --expect %s/types", folder, folder);
        says("run", "types.onnx", more, 0, "equals");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(names),        cmocka_unit_test(findings),
                                        cmocka_unit_test(repaired),     cmocka_unit_test(pipes),
                                        cmocka_unit_test(output_files), cmocka_unit_test(small_floats) };
    return cmocka_run_group_tests_name("cli/untrusted", tests, make_folder, remove_folder);
}
