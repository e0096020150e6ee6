/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* damage.c - small models cut off at every byte, with every bit flipped, and with random bytes: an error or a model,
 * never more. (The sanitizer builds make this sharp.) */
#include "analyse/analyse.h"
#include "base/file.h"
#include "base/log.h"
#include "format/format.h"
#include "lib/onnx_build.h"
#include "test.h"
#include <unistd.h>

static ob *branch(const char *op, const char *out) {
    ob *g = ob_graph();
    ob_node(g, op, "x", out);
    ob_output(g, out);
    return g;
}

/* A bit of everything. */
static tn_text sample(void) {
    ob *b = ob_new(8, 11), *f = ob_graph();
    ob_opset(b, "my", 1);
    ob_meta(b, "key", "value");
    ob_input(b, "x", TN_F32, "n,3");
    ob_input(b, "c", TN_BOOL, "");
    ob_value_info(b, "a", TN_F32, "n,3");
    ob_floats_init(b, "w", "3", (float[]){ 1, 2, 3 }, 3);
    ob_ints_init(b, "i", "2", (int64_t[]){ 3, -1 }, 2);
    ob_sparse(b, "s", "1,3", (float[]){ 5 }, (int64_t[]){ 0, 2 }, 1, 2);
    ob_node(b, "Constant", "", "k");
    ob_floats(b, "value_floats", (float[]){ 3, 4, 5 }, 3);
    ob_node(b, "Add", "x w", "a");
    ob_node(b, "my::F", "a s", "p");
    ob_int(b, "axis", 1);
    ob_node(b, "If", "c", "q");
    ob_subgraph(b, "then_branch", branch("Neg", "r"));
    ob_subgraph(b, "else_branch", branch("Abs", "r"));
    ob_node(b, "Sum", "p q k", "t");
    ob_node(b, "Reshape", "t i", "y");
    ob_output(b, "y");
    ob_node(f, "Mul", "u v", "m");
    ob_node(f, "Softmax", "m", "o");
    ob_ref(f, "axis", "axis", 2);
    ob_function(b, "my", "F", "u v", "o", "axis", 11, f);
    return ob_finish(b);
}

static tn_status open_bytes(const void *data, size_t n) {
    tn_model *m;
    tn_status st = tn_model_open_memory(data, n, &m);
    if (st == TN_OK)
        assert_non_null(m);
    else
        assert_null(m);
    if (st != TN_OK) assert_true(tn_error()[0] != 0);
    tn_model_close(&m);
    return st;
}

/* A heap copy of exactly n bytes, so that reading past the end is noticed. */
static tn_status open_exact(const char *data, size_t n) {
    char *copy = malloc(n ? n : 1);
    memcpy(copy, data, n);
    tn_status st = open_bytes(copy, n);
    free(copy);
    return st;
}

static void cut(void **state) {
    (void)state;
    tn_text file = sample();
    check_ok(open_exact(file.s, file.n));
    for (size_t n = 0; n < file.n; n++) open_exact(file.s, n);
    tn_text_free(&file);
}

static void flipped(void **state) {
    (void)state;
    tn_text file = sample();
    for (size_t i = 0; i < file.n * 8; i++) {
        file.s[i / 8] ^= (char)(1 << i % 8);
        open_exact(file.s, file.n);
        file.s[i / 8] ^= (char)(1 << i % 8);
    }
    tn_text_free(&file);
}

static void random_bytes(void **state) {
    (void)state;
    tn_text file = sample();
    uint64_t seed = 7;
    for (int round = 0; round < 3000; round++) {
        char *copy = malloc(file.n);
        memcpy(copy, file.s, file.n);
        for (uint64_t k = test_random(&seed) % 8; k-- > 0;)
            copy[test_random(&seed) % file.n] = (char)test_random(&seed);
        open_bytes(copy, file.n);
        free(copy);
    }
    tn_text_free(&file);
}

/* Allocations that fail, one after the other. */
static void no_memory(void **state) {
    (void)state;
    tn_text file = sample();
    for (unsigned n = 1; n < 200; n++) {
        tn_mem_fail_every(n);
        tn_status st = open_bytes(file.s, file.n);
        tn_mem_fail_every(0);
        check(st == TN_OK || st == TN_E_NOMEM || st == TN_E_LIMIT, "%u: %s: %s\n", n, tn_status_name(st), tn_error());
    }
    tn_text_free(&file);
}

/* A damaged model that is opened to be looked at can be printed and counted, or is refused; it never runs with errors.
 */
static void look_at(const char *path, const char *data, size_t n) {
    tn_model *m;
    tn_session *s = NULL;
    tn_analysis *a = NULL;
    tn_text text = { 0 };
    tn_finding f;
    check_ok(tn_file_write(path, data, n));
    if (tn_model_open_with(path, &(tn_model_opts){ .size = sizeof(tn_model_opts), .inspect = 1 }, &m) != TN_OK) {
        assert_true(tn_error()[0] != 0);
        return;
    }
    bool errors = false;
    for (size_t i = 0; i < tn_model_findings(m); i++) {
        check_ok(tn_model_finding(m, i, &f));
        errors |= f.kind == TN_FINDING_ERROR;
    }
    tn_model_print(m, &text);
    if (tn_analyse(m, NULL, &a) != TN_OK) assert_true(tn_error()[0] != 0);
    if (errors) assert_true(tn_session_new(m, NULL, &s) != TN_OK && !s);
    tn_analysis_free(&a);
    tn_text_free(&text);
    tn_model_close(&m);
}

static void looked_at(void **state) {
    (void)state;
    char path[] = "/tmp/tenon-damage-XXXXXX";
    close(mkstemp(path));
    tn_text file = sample();
    uint64_t seed = 11;
    for (size_t i = 0; i < file.n * 8; i += 3) {
        file.s[i / 8] ^= (char)(1 << i % 8);
        look_at(path, file.s, file.n);
        file.s[i / 8] ^= (char)(1 << i % 8);
    }
    for (int round = 0; round < 600; round++) {
        char *copy = malloc(file.n);
        memcpy(copy, file.s, file.n);
        for (uint64_t k = 1 + test_random(&seed) % 4; k-- > 0;)
            copy[test_random(&seed) % file.n] = (char)(test_random(&seed) % 128);
        look_at(path, copy, file.n);
        free(copy);
    }
    unlink(path);
    tn_text_free(&file);
}

int main(void) {
    tn_log_set(TN_LOG_ERROR);
    const struct CMUnitTest tests[] = { cmocka_unit_test(cut), cmocka_unit_test(flipped),
                                        cmocka_unit_test(random_bytes), cmocka_unit_test(no_memory),
                                        cmocka_unit_test(looked_at) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
