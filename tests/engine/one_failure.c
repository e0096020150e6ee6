/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* one_failure.c - one allocation of a run fails, each in its turn, where values are passed on instead of computed: a
 * loop that takes no step hands out what it was given, which lies in the plan's block and is copied for that. The run
 * says TN_E_NOMEM or is right. All allocations of larger models: slow_alloc.c. */
#include "base/mem.h"
#include "lib/onnx_build.h"
#include "tenon.h"
#include "test.h"

/* y = x + |x| after `steps` times v -> -v. */
static tn_text looping(void) {
    ob *b = ob_new(10, 21), *g = ob_graph();
    ob_input(b, "steps", TN_I64, "");
    ob_input(b, "x", TN_F32, "n");
    ob_output(b, "y");
    ob_node(b, "Abs", "x", "a");
    ob_input(g, "i", TN_I64, "");
    ob_input(g, "go", TN_BOOL, "");
    ob_input(g, "v", TN_F32, NULL);
    ob_node(g, "Identity", "go", "on");
    ob_node(g, "Neg", "v", "w");
    ob_output(g, "on");
    ob_output(g, "w");
    ob_node(b, "Loop", "steps _ a", "last");
    ob_subgraph(b, "body", g);
    ob_node(b, "Add", "x last", "y");
    return ob_finish(b);
}

static void check_answer(const float *x, int64_t steps, const tn_tensor *y) {
    const float *v = tn_tensor_data(y);
    assert_int_equal(tn_tensor_elements(y), 3);
    for (int k = 0; k < 3; k++) assert_true(v[k] == x[k] + (steps % 2 ? -1 : 1) * (x[k] < 0 ? -x[k] : x[k]));
}

/* Every run but the first fails once, at a later allocation each time, until there is none left to fail. */
static void each_in_its_turn(void **state) {
    (void)state;
    tn_text file = looping();
    tn_model *m = NULL;
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    for (int64_t steps = 0; steps <= 2; steps++) {
        tn_session *s = NULL;
        tn_tensor *in[2], *y = NULL;
        check_ok(tn_session_new(m, NULL, &s));
        check_ok(tn_tensor_new(TN_I64, 0, NULL, &in[0]));
        check_ok(tn_tensor_new(TN_F32, 1, (int64_t[]){ 3 }, &in[1]));
        *(int64_t *)tn_tensor_data(in[0]) = steps;
        float *x = tn_tensor_data(in[1]);
        x[0] = 1, x[1] = -2, x[2] = 3;
        check_ok(tn_session_run(s, 2, (const tn_tensor *const *)in, 1, &y));
        check_answer(x, steps, y);
        tn_tensor_free(&y);
        int failures = 0;
        bool hit = true;
        for (unsigned long n = 1; hit && n < 1000; n++) {
            tn_mem_fail_once(n);
            tn_status st = tn_session_run(s, 2, (const tn_tensor *const *)in, 1, &y);
            hit = tn_mem_failed_once();
            tn_mem_fail_once(0);
            check(st == TN_OK || st == TN_E_NOMEM, "allocation %lu: %s: %s\n", n, tn_status_name(st), tn_error());
            if (st == TN_OK) check_answer(x, steps, y);
            failures += st != TN_OK;
            tn_tensor_free(&y);
        }
        assert_true(failures > 0 && !hit);
        tn_session_free(&s);
        for (int i = 0; i < 2; i++) tn_tensor_free(&in[i]);
    }
    tn_model_close(&m);
    tn_text_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_in_its_turn) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
