/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* saved.c - models made from models (gradients, copies) can be printed, written and read again: values that a copy
 * lacks are gaps, which nobody trips over. */
#include "base/log.h"
#include "format/format.h"
#include "lib/onnx_build.h"
#include "op/core/op.h"
#include "test.h"
#include <math.h>
#include <unistd.h>

/* y = (x w) w; a branch has a constant of its own; some initializers nobody uses, there and here. */
static tn_text source(void) {
    ob *b = ob_new(8, 17), *g;
    ob_input(b, "x", TN_F32, "2,2");
    ob_input(b, "c", TN_BOOL, "");
    ob_input(b, "spare", TN_F32, "2");
    ob_output(b, "y");
    ob_floats_init(b, "unused", "2", (float[]){ 1, 2 }, 2);
    ob_floats_init(b, "w", "2,2", (float[]){ 1, 2, 3, 4 }, 4);
    ob_floats_init(b, "spare", "2", (float[]){ 5, 6 }, 2); /* an input with a default, used by nobody */
    ob_node(b, "MatMul", "x w", "h");
    ob_node(b, "MatMul", "h w", "k");
    ob_node(b, "If", "c", "y");
    for (int i = 0; i < 2; i++) {
        g = ob_graph();
        ob_floats_init(g, "inner", "2", (float[]){ 1, -1 }, 2);
        ob_floats_init(g, "idle", "1", (float[]){ 9 }, 1);
        ob_node(g, i ? "Mul" : "Add", "k inner", "r");
        ob_output(g, "r");
        ob_subgraph(b, i ? "else_branch" : "then_branch", g);
    }
    ob_floats_init(b, "unused_too", "2", (float[]){ 1, 2 }, 2);
    return ob_finish(b);
}

static void first_outputs(const tn_model *m, bool branch, size_t n, float *out) {
    tn_session *s;
    tn_tensor *in[3] = { NULL }, *got[4] = { NULL };
    check_ok(tn_session_new(m, NULL, &s));
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ 2, 2 }, &in[0]));
    check_ok(tn_tensor_new(TN_BOOL, 0, NULL, &in[1]));
    for (int i = 0; i < 4; i++) ((float *)tn_tensor_data(in[0]))[i] = (float)(i + 1);
    *(bool *)tn_tensor_data(in[1]) = branch;
    check_ok(tn_session_run(s, 3, (const tn_tensor *const *)in, n, got));
    for (size_t i = 0; i < n; i++) memcpy(out + 4 * i, tn_tensor_data(got[i]), 4 * sizeof *out);
    for (size_t i = 0; i < n; i++) tn_tensor_free(&got[i]);
    tn_tensor_free(&in[0]);
    tn_tensor_free(&in[1]);
    tn_session_free(&s);
}

static void of_a_gradient(void **state) {
    (void)state;
    tn_text file = source(), text = { 0 };
    tn_model *m, *g, *again;
    char path[] = "/tmp/tenon-saved-XXXXXX";
    close(mkstemp(path));
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    check_ok(tn_model_gradient(m, "y", 2, (const char *const[]){ "x", "w" }, &g));
    tn_model_print(g, &text);
    check(text.s && strstr(text.s, "grad/w"), "the gradient does not print\n");
    check_ok(tn_model_save(g, path));
    check_ok(tn_model_open(path, &again));
    assert_int_equal(tn_model_outputs(again), 3);
    for (int branch = 0; branch < 2; branch++) {
        float a[12], b[12], c[12];
        first_outputs(g, branch, 3, a);
        first_outputs(again, branch, 3, b);
        for (int i = 0; i < 12; i++)
            check(fabsf(a[i] - b[i]) <= 1e-4f, "element %d: %g and %g\n", i, (double)a[i], (double)b[i]);
        first_outputs(m, branch, 1, c);
        for (int i = 0; i < 4; i++)
            check(fabsf(a[i] - c[i]) <= 1e-4f, "element %d: %g and %g\n", i, (double)a[i], (double)c[i]);
    }
    unlink(path);
    tn_text_free(&text);
    tn_model_close(&again);
    tn_model_close(&g);
    tn_model_close(&m);
    tn_text_free(&file);
}

/* A copy has gaps where nothing uses a value: every walk over values passes over them. */
static void of_a_copy(void **state) {
    (void)state;
    tn_text file = source();
    tn_model *m, *copy;
    tn_constants c;
    int values = 0, gaps = 0;
    size_t n;
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    check_ok(tn_model_clone(m, &copy));
    for (int i = 0; i < copy->n_values; i++) gaps += !copy->values[i];
    tn_value_each(copy, v) values += v->id >= 0;
    check(gaps >= 3 && values + gaps == copy->n_values, "%d values, %d gaps of %d\n", values, gaps, copy->n_values);
    check_ok(tn_constants_of(copy, &c));
    tn_value *const *own = tn_constants_in(&c, copy->graph, &n);
    check(n == 2 && !strcmp(own[0]->name, "w") && !strcmp(own[1]->name, "spare"), "%zu constants\n", n);
    tn_constants_free(&c);
    check_ok(tn_graph_check(copy->graph));
    check_ok(tn_graph_infer(copy->graph));
    tn_model_close(&copy);
    tn_model_close(&m);
    tn_text_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(of_a_gradient), cmocka_unit_test(of_a_copy) };
    return cmocka_run_group_tests_name("format/saved", tests, NULL, NULL);
}
