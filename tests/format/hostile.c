/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Small files that would take much: nested loops whose inference is exponential, constants whose evaluation is, lists
 * read as contents, expressions. Opening, preparing and what they may take are bounded, and the message says by what.
 */
#include "base/budget.h"
#include "engine/session.h"
#include "lib/onnx_build.h"
#include "test.h"
#include <time.h>

static double cpu_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* `depth` loops in each other; each carries a list that the innermost doubles, so that the types of all of them change
 * on the way: without a memory, inference looks at the innermost 2^depth times. `own`: each begins with a list of its
 * own instead of the outer one's. */
static ob *body(int depth, bool own) {
    ob *g = ob_graph();
    char in[16], out[16], inputs[64], fresh[16];
    snprintf(in, sizeof in, "v%d", depth), snprintf(out, sizeof out, "w%d", depth);
    snprintf(inputs, sizeof inputs, "i%d", depth), ob_input(g, inputs, TN_I64, "");
    snprintf(inputs, sizeof inputs, "c%d", depth), ob_input(g, inputs, TN_BOOL, "");
    ob_input(g, in, TN_F32, NULL);
    if (depth == 0) {
        snprintf(inputs, sizeof inputs, "%s %s", in, in);
        ob_node(g, "Concat", inputs, out);
        ob_int(g, "axis", 0);
    } else {
        snprintf(fresh, sizeof fresh, "n%d", depth);
        if (own) ob_floats_init(g, fresh, "1", (float[]){ 1 }, 1);
        snprintf(inputs, sizeof inputs, "trips _ %s", own ? fresh : in);
        ob_node(g, "Loop", inputs, out);
        ob_subgraph(g, "body", body(depth - 1, own));
    }
    snprintf(inputs, sizeof inputs, "c%d", depth), ob_output(g, inputs);
    ob_output(g, out);
    return g;
}

static tn_text nested(int depth, bool own) {
    ob *b = ob_new(8, 17);
    ob_input(b, "x", TN_F32, "1");
    ob_ints_init(b, "trips", "", (int64_t[]){ 1 }, 1);
    ob_node(b, "Loop", "trips _ x", "y");
    ob_subgraph(b, "body", body(depth - 1, own));
    ob_output(b, "y");
    return ob_finish(b);
}

static void nested_loops(void **state) {
    (void)state;
    uint64_t work[2] = { 0 };
    for (int own = 0; own < 2; own++)
        for (int k = 0; k < 2; k++) {
            tn_text file = nested(k ? 40 : 20, own);
            tn_model *m;
            tn_session *s;
            tn_session_opts o = { .size = sizeof o, .threads = 1 };
            tn_budget_words words = { "this" };
            tn_budget b = { .words = &words };
            double from = cpu_s();
            assert_true(file.n < 12000);
            check_ok(tn_model_open_memory(file.s, file.n, &m));
            tn_budget *before = tn_budget_enter(&b);
            check_ok(tn_graph_infer(m->graph));
            tn_budget_leave(before);
            work[k] = b.work;
            check_ok(tn_session_new(m, &o, &s));
            tn_tensor *x, *y;
            check_ok(tn_tensor_new(TN_F32, 1, (int64_t[]){ 1 }, &x));
            check_ok(tn_session_run(s, 1, (const tn_tensor *const *)&x, 1, &y));
            assert_int_equal(tn_count(y), 2);
            tn_tensor_free(&x);
            tn_tensor_free(&y);
            tn_session_free(&s);
            tn_model_close(&m);
            tn_text_free(&file);
            check(cpu_s() - from < 2, "%.2f s\n", cpu_s() - from);
            if (k)
                check(work[1] < 6 * work[0], "%llu, then %llu\n", (unsigned long long)work[0],
                      (unsigned long long)work[1]);
        }
}

/* Types that really change in every pass on every level, for many carried values: bounded by work. */
static void work_is_bounded(void **state) {
    (void)state;
    tn_text file = nested(30, false);
    tn_model *m;
    tn_model_opts o = { .size = sizeof o, .work_limit = 20000 };
    check_fails(tn_model_open_memory_with(file.s, file.n, &o, &m), TN_E_LIMIT, "tn_model_opts.work_limit");
    assert_null(m);
    o.work_limit = 0;
    check_ok(tn_model_open_memory_with(file.s, file.n, &o, &m));
    tn_model_close(&m);
    tn_text_free(&file);
}

/* A few constants, and all their products: 60^5 of them. */
static void constants_are_not_computed_for_ever(void **state) {
    (void)state;
    float v[60];
    for (int i = 0; i < 60; i++) v[i] = (float)i;
    for (int how = 0; how < 2; how++) {
        ob *b = ob_new(8, 17);
        ob_input(b, "x", TN_F32, "1");
        ob_floats_init(b, "k", "60", v, 60);
        ob_floats_init(b, "big", "60,60", (float[3600]){ 1 }, 3600);
        if (how == 0) {
            ob_node(b, "Einsum", "k k k k k", "e");
            ob_string(b, "equation", "a,b,c,d,e->ae");
        } else {
            int64_t sizes[] = { 1, 1, 100000, 60 };
            ob_floats_init(b, "p", "1,1,60,60", (float[3600]){ 1 }, 3600);
            ob_ints_init(b, "sizes", "4", sizes, 4);
            ob_node(b, "Resize", "p _ _ sizes", "r");
            ob_string(b, "mode", "cubic");
            ob_node(b, "ReduceSum", "r", "e");
        }
        ob_node(b, "ReduceSum", "e", "sum");
        ob_int(b, "keepdims", 0);
        ob_node(b, "Add", "x sum", "y");
        ob_output(b, "y");
        tn_text file = ob_finish(b);
        tn_model *m;
        tn_session *s;
        tn_session_opts o = { .size = sizeof o, .threads = 1 };
        double from = cpu_s();
        check_ok(tn_model_open_memory(file.s, file.n, &m));
        check_ok(tn_session_new(m, &o, &s));
        check(cpu_s() - from < 3, "%d: %.2f s\n", how, cpu_s() - from);
        tn_session_free(&s);
        tn_model_close(&m);
        tn_text_free(&file);
    }
}

/* One long list of whole numbers that many nodes look at. */
static void lists_are_not_copied(void **state) {
    (void)state;
    enum { N = 120000, NODES = 400 };
    int64_t *v = calloc(N, sizeof *v);
    ob *b = ob_new(8, 17);
    char name[32];
    for (int i = 0; i < N; i++) v[i] = i;
    ob_ints_init(b, "list", "120000", v, N);
    ob_ints_init(b, "at", "1", (int64_t[]){ 7 }, 1);
    ob_ints_init(b, "end", "1", (int64_t[]){ 9 }, 1);
    for (int i = 0; i < NODES; i++) {
        snprintf(name, sizeof name, "y%d", i);
        ob_node(b,
                i % 4 == 0   ? "Gather"
                : i % 4 == 1 ? "Slice"
                : i % 4 == 2 ? "Concat"
                             : "Add",
                i % 4 == 1 ? "list at end" : "list at", name);
        if (i % 4 == 2) ob_int(b, "axis", 0);
        if (i % 4 == 0) ob_output(b, name);
    }
    tn_text file = ob_finish(b);
    tn_model *m;
    tn_mem_reset_peak();
    size_t start = tn_mem_stats_all().now;
    double from = cpu_s();
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    check(cpu_s() - from < 1, "%.2f s\n", cpu_s() - from);
    check(tn_mem_stats_all().peak - start < 32 << 20, "%zu bytes\n", tn_mem_stats_all().peak - start);
    tn_model_close(&m);
    tn_text_free(&file);
    free(v);
}

static void bounds_of_opening(void **state) {
    (void)state;
    ob *b = ob_new(8, 17);
    char from[16], to[16];
    ob_input(b, "x0", TN_F32, "n");
    for (int i = 0; i < 200; i++) {
        snprintf(from, sizeof from, "x%d", i), snprintf(to, sizeof to, "x%d", i + 1);
        ob_node(b, "Relu", from, to);
    }
    ob_output(b, "x200");
    tn_text file = ob_finish(b);
    size_t start = tn_mem_stats_all().now;
    const int stop = 1;
    const struct {
        tn_model_opts o;
        tn_status st;
        const char *words;
    } cases[] = {
        { { .mem_limit = 40000 }, TN_E_LIMIT, "tn_model_opts.mem_limit" },
        { { .node_limit = 150 }, TN_E_LIMIT, "more than 150 nodes; tn_model_opts.node_limit" },
        { { .work_limit = 100000 }, TN_E_LIMIT, "tn_model_opts.work_limit" },
        { { .timeout_ns = 1 }, TN_E_LIMIT, "tn_model_opts.timeout_ns" },
        { { .cancel = &stop }, TN_E_CANCELLED, "reading the model was cancelled" },
        { { .mem_limit = 8 << 20, .node_limit = 400, .work_limit = 10000000, .timeout_ns = UINT64_C(100000000000) },
          TN_OK,
          "" },
    };
    for (size_t i = 0; i < TN_COUNT(cases); i++) {
        tn_model_opts o = cases[i].o;
        tn_model *m;
        o.size = sizeof o;
        tn_status st = tn_model_open_memory_with(file.s, file.n, &o, &m);
        check(st == cases[i].st && (st == TN_OK || strstr(tn_error(), cases[i].words)), "%zu: %s\n", i, tn_error());
        assert_true((m != NULL) == (st == TN_OK));
        tn_model_close(&m);
        assert_int_equal(tn_mem_stats_all().now, start);
    }
    tn_model *m;
    check_fails(tn_model_open_memory_with(file.s, file.n, &(tn_model_opts){ .size = 4 }, &m), TN_E_INVALID,
                "tn_model_opts.size");
    tn_text_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_loops),
        cmocka_unit_test(work_is_bounded),
        cmocka_unit_test(constants_are_not_computed_for_ever),
        cmocka_unit_test(lists_are_not_copied),
        cmocka_unit_test(bounds_of_opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
