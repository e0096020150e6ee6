/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* scale.c - what a file lists is read in time that grows with its size: four times as much takes about four times as
 * long, not sixteen. Processor time of the smallest of three runs, and a generous ratio. */
#include "base/log.h"
#include "base/regex.h"
#include "format/format.h"
#include "lib/onnx_build.h"
#include "test.h"
#include <time.h>
#include <unistd.h>

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Opens what `make` builds of size n, saves it, and prints it. Opening may fail: then as `words` says. */
typedef struct {
    const char *what;
    ob *(*make)(int n);
    const char *fails; /* NULL: it opens */
    int n;
} scale;

static double measure(const scale *s, int n) {
    tn_text file = ob_finish(s->make(n)), text = { 0 };
    tn_model *m = NULL;
    char path[] = "/tmp/tenon-scale-XXXXXX";
    double t0 = cpu_seconds();
    tn_status st = tn_model_open_memory(file.s, file.n, &m);
    check(s->fails ? st != TN_OK && strstr(tn_error(), s->fails) : st == TN_OK, "%s: %s\n", s->what, tn_error());
    if (st == TN_OK) {
        close(mkstemp(path));
        check_ok(tn_model_save(m, path));
        unlink(path);
        tn_model_print(m, &text);
    }
    double t = cpu_seconds() - t0;
    tn_model_close(&m);
    tn_text_free(&text);
    tn_text_free(&file);
    return t;
}

static double least(const scale *s, int n) {
    double best = measure(s, n);
    for (int i = 0; i < 2; i++) {
        double t = measure(s, n);
        if (t < best) best = t;
    }
    return best;
}

/* ------------------------------------------------------------------------------------------------------ the files */

static ob *begin(int opset) {
    ob *b = ob_new(8, opset);
    ob_input(b, "x", TN_F32, "2");
    ob_output(b, "y");
    return b;
}

static const char *numbered(const char *format, int i) {
    static char text[4][64];
    static int turn;
    char *s = text[turn = (turn + 1) % 4];
    snprintf(s, sizeof text[0], format, i);
    return s;
}

static ob *attributes(int n) { /* nodes with as many as are allowed */
    ob *b = begin(17);
    for (int i = 0; i < n; i++) {
        ob_node(b, "Neg", "x", i ? numbered("v%d", i) : "y");
        for (int k = 0; k < 1000; k++) ob_int(b, numbered("a%d", k), k);
    }
    return b;
}

static ob *too_many_attributes(int n) {
    ob *b = begin(17);
    ob_node(b, "Neg", "x", "y");
    for (int i = 0; i < n; i++) ob_int(b, numbered("a%d", i), i);
    return b;
}

static ob *sets(int n) {
    ob *b = begin(17);
    for (int i = 0; i < n; i++) ob_opset(b, numbered("d%d", i), 1);
    ob_node(b, "Neg", "x", "y");
    return b;
}

static ob *same_set(int n) {
    ob *b = begin(17);
    for (int i = 0; i < n; i++) ob_opset(b, numbered("d%d", i % 200), 1);
    for (int i = 0; i < n; i++) ob_node(b, "Neg", "x", i ? numbered("v%d", i) : "y");
    return b;
}

static ob *unknown(int n) {
    ob *b = begin(17);
    for (int i = 0; i < n; i++) ob_node(b, numbered("Unknown%d", i), "x", i ? numbered("v%d", i) : "y");
    return b;
}

/* Every node loses its use of x and gets one of something else. */
static ob *users(int n) {
    ob *b = begin(11);
    ob_node(b, "Reshape", "x s", "r");
    ob_input(b, "s", TN_I64, NULL);
    for (int i = 0; i < n; i++) {
        ob_node(b, "Softmax", "r", i ? numbered("v%d", i) : "y");
        ob_int(b, "axis", 0);
    }
    return b;
}

static ob *bodies(int n) { /* each with constants of its own */
    ob *b = begin(17);
    ob_input(b, "c", TN_BOOL, "");
    for (int i = 0; i < n; i++) {
        ob_node(b, "If", "c", i ? numbered("v%d", i) : "y");
        for (int k = 0; k < 2; k++) {
            ob *g = ob_graph();
            ob_floats_init(g, numbered("w%d", i), "2", (float[]){ 1, 2 }, 2);
            ob_node(g, "Add", numbered("x w%d", i), "r");
            ob_output(g, "r");
            ob_subgraph(b, k ? "else_branch" : "then_branch", g);
        }
    }
    return b;
}

static ob *functions(int n) {
    ob *b = begin(17);
    ob_opset(b, "my", 1);
    for (int i = 0; i < n; i++) ob_node(b, numbered("my::F%d", i), "x", i ? numbered("v%d", i) : "y");
    for (int i = 0; i < n; i++) {
        ob *f = ob_graph();
        ob_node(f, "Neg", "a", "r");
        ob_function(b, "my", numbered("F%d", i), "a", "r", "", 17, f);
    }
    return b;
}

static ob *metadata(int n) {
    ob *b = begin(17);
    ob_node(b, "Neg", "x", "y");
    for (int i = 0; i < n; i++) ob_meta(b, numbered("k%d", i), "v");
    return b;
}

static ob *equal_names(int n) { /* bodies whose values all have one name: each gets one of its own */
    ob *b = begin(17);
    ob_input(b, "c", TN_BOOL, "");
    for (int i = 0; i < n; i++) {
        ob_node(b, "If", "c", i ? numbered("v%d", i) : "y");
        for (int k = 0; k < 2; k++) {
            ob *g = ob_graph();
            ob_node(g, "Neg", "x", "same");
            ob_output(g, "same");
            ob_subgraph(b, k ? "else_branch" : "then_branch", g);
        }
    }
    return b;
}

static ob *labels(int n) {
    ob *b = ob_new(8, 17);
    int64_t *v = calloc((size_t)n, sizeof *v);
    for (int i = 0; i < n; i++) v[i] = i * INT64_C(7919) % n;
    ob_opset(b, "ai.onnx.ml", 2);
    ob_input(b, "x", TN_I64, "2");
    ob_output(b, "y");
    ob_node(b, "ai.onnx.ml::LabelEncoder", "x", "y");
    ob_ints(b, "keys_int64s", v, n);
    ob_ints(b, "values_int64s", v, n);
    free(v);
    return b;
}

static ob *votes(int n) {
    ob *b = begin(17);
    int64_t *v = calloc((size_t)n, sizeof *v);
    float *w = calloc((size_t)n, sizeof *w);
    ob_opset(b, "ai.onnx.ml", 3);
    ob_node(b, "ai.onnx.ml::TreeEnsembleRegressor", "x", "y");
    ob_ints(b, "target_treeids", v, n);
    ob_ints(b, "target_nodeids", v, n);
    ob_ints(b, "target_ids", v, n);
    ob_floats(b, "target_weights", w, n);
    ob_ints(b, "nodes_treeids", v, 1);
    free(v);
    free(w);
    return b;
}

static const scale files[] = {
    { "attributes", attributes, NULL, 40 },
    { "too many attributes", too_many_attributes, "has 20000 attributes (at most 1024)", 20000 },
    { "operator sets", sets, "more than 256 operator sets", 20000 },
    { "operator sets again and again", same_set, NULL, 4000 },
    { "unknown operators", unknown, "unsupported operators", 4000 },
    { "users of a value", users, NULL, 2000 },
    { "bodies", bodies, NULL, 1000 },
    { "functions", functions, NULL, 4000 },
    { "metadata", metadata, NULL, 40000 },
    { "equal names", equal_names, NULL, 2000 },
    { "labels", labels, NULL, 60000 },
    { "votes", votes, NULL, 60000 },
};

/* Grown to four times, at most nine times the time; what takes next to none proves nothing, and passes. */
static void grows_with_the_file(void **state) {
    (void)state;
    for (size_t i = 0; i < TN_COUNT(files); i++) {
        scale s = files[i];
        double small = least(&s, s.n);
        if (s.fails && strstr(s.fails, "20000")) s.fails = "attributes (at most 1024)";
        double large = least(&s, 4 * s.n);
        print_message("%-32s %8.1f ms, four times as much %8.1f ms\n", s.what, small * 1e3, large * 1e3);
        check(large < 9 * small + 0.02, "%s: %.1f ms, four times as much %.1f ms\n", s.what, small * 1e3, large * 1e3);
    }
}

/* ------------------------------------------------------------------------------------------------------ patterns */

static double compile(const char *head, const char *part, int n, const char *tail, bool good) {
    tn_text t = { 0 };
    tn_regex *r = NULL;
    tn_text_puts(&t, head);
    for (int i = 0; i < n; i++) tn_text_printf(&t, part, i);
    tn_text_puts(&t, tail);
    double t0 = cpu_seconds();
    tn_status st = tn_regex_new(t.s, t.n, &r);
    double seconds = cpu_seconds() - t0;
    check((st == TN_OK) == good, "%.30s: %s\n", t.s, tn_error());
    tn_regex_free(&r);
    tn_text_free(&t);
    return seconds;
}

static void patterns(void **state) {
    (void)state;
    static const struct {
        const char *head, *part, *tail;
        bool good;
        int n;
    } all[] = { { "[", "\\pL", "]", true, 20000 },
                { "[", "\\PL\\d[:alpha:]", "]", true, 10000 },
                { "(?i)[", "\\p{Lu}", "]", true, 10000 },
                { "[", "[:x", "]", true, 20000 },
                { "", "(?P<name%d>)", "", true, 2000 } };
    for (size_t i = 0; i < TN_COUNT(all); i++) {
        double small = compile(all[i].head, all[i].part, all[i].n, all[i].tail, all[i].good);
        double large = compile(all[i].head, all[i].part, 4 * all[i].n, all[i].tail, all[i].good);
        print_message("%s%s...: %.1f ms, four times as much %.1f ms\n", all[i].head, all[i].part, small * 1e3,
                      large * 1e3);
        check(large < 9 * small + 0.02, "%s%s...: %.1f ms, four times as much %.1f ms\n", all[i].head, all[i].part,
              small * 1e3, large * 1e3);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(grows_with_the_file), cmocka_unit_test(patterns) };
    tn_log_set(TN_LOG_ERROR);
    return cmocka_run_group_tests_name("format/scale", tests, NULL, NULL);
}
