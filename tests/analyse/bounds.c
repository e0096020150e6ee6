/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* What a small hostile model may cost those who look at it: its gradient and its analysis. */
#include "analyse/analyse.h"
#include "base/budget.h"
#include "lib/onnx_build.h"
#include "test.h"
#include <time.h>

static double cpu_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* If in If: both branches hold the next level, so that `depth` levels are 2^depth leaves of one value each. */
static ob *branches(int depth, int level) {
    char in[24], out[24];
    ob *g = ob_graph();
    snprintf(in, sizeof in, "v%d", level);
    snprintf(out, sizeof out, "v%d", level + 1);
    ob_node(g, "Sin", level ? in : "x", out);
    if (depth) {
        ob_node(g, "If", "c", "out");
        ob_subgraph(g, "then_branch", branches(depth - 1, level + 1));
        ob_subgraph(g, "else_branch", branches(depth - 1, level + 1));
    }
    ob_output(g, depth ? "out" : out);
    return g;
}

static tn_model *nested(int depth, tn_text *file) {
    ob *b = ob_new(8, 17);
    tn_model *m;
    ob_input(b, "x", TN_F32, "4");
    ob_input(b, "c", TN_BOOL, "");
    ob_node(b, "If", "c", "y");
    ob_subgraph(b, "then_branch", branches(depth, 0));
    ob_subgraph(b, "else_branch", branches(depth, 0));
    ob_output(b, "y");
    *file = ob_finish(b);
    check_ok(tn_model_open_memory(file->s, file->n, &m));
    return m;
}

/* Loop in Loop in a chain: a file of a few hundred bytes for every level. */
static ob *round_of(int depth) {
    ob *g = ob_graph();
    ob_input(g, "i", TN_I64, "");
    ob_input(g, "go", TN_BOOL, "");
    ob_input(g, "v", TN_F32, "4");
    ob_node(g, "Mul", "v v", "w");
    if (depth) {
        ob_node(g, "Loop", "n _ w", "u");
        ob_subgraph(g, "body", round_of(depth - 1));
    }
    ob_output(g, "go");
    ob_output(g, depth ? "u" : "w");
    return g;
}

static tn_model *loops(int depth, tn_text *file) {
    ob *b = ob_new(8, 17);
    tn_model *m;
    ob_input(b, "x", TN_F32, "4");
    ob_ints_init(b, "n", "", (int64_t[]){ 2 }, 1);
    ob_node(b, "Loop", "n _ x", "y");
    ob_subgraph(b, "body", round_of(depth));
    ob_output(b, "y");
    *file = ob_finish(b);
    check_ok(tn_model_open_memory(file->s, file->n, &m));
    return m;
}

/* However deep: an answer or the bound, in seconds at most; nothing is left behind. */
static void gradients_are_bounded(void **state) {
    (void)state;
    static tn_model *(*const make[])(int, tn_text *) = { nested, loops };
    static const int depths[2][3] = { { 2, 6, 9 }, { 2, 12, 40 } };
    int refused = 0, made = 0;
    for (size_t i = 0; i < TN_COUNT(make); i++)
        for (size_t k = 0; k < 3; k++) {
            tn_text file;
            tn_model *m = make[i](depths[i][k], &file), *g;
            size_t before = tn_mem_stats_all().now;
            double from = cpu_ms();
            tn_status st = tn_model_gradient(m, "y", 1, (const char *[]){ "x" }, &g);
            check(cpu_ms() - from < 20000, "%zu, %d levels: %.0f ms\n", i, depths[i][k], cpu_ms() - from);
            check(st == TN_OK || (st == TN_E_LIMIT && strstr(tn_error(), "differentiating the model")), "%s\n",
                  tn_error());
            if (getenv("TN_OVER"))
                print_message("%zu, %d levels: %s, %.1f ms, %zu KiB\n", i, depths[i][k], tn_status_name(st),
                              cpu_ms() - from, (tn_mem_stats_all().now - before) >> 10);
            refused += st == TN_E_LIMIT, made += st == TN_OK;
            tn_model_close(&g);
            assert_int_equal(tn_mem_stats_all().now, before);
            tn_model_close(&m);
            tn_text_free(&file);
        }
    assert_int_equal(made, 6); /* what there is of such files today grows no faster than they do */
    assert_int_equal(refused, 0);
}

/* Bounds that were asked for hold, and each message says how to raise them. */
static void gradients_within_options(void **state) {
    (void)state;
    static const int set = 1;
    static const struct {
        tn_model_opts opts;
        tn_status status;
        const char *words;
    } rows[] = {
        { { .size = sizeof(tn_model_opts), .node_limit = 3 }, TN_E_LIMIT, "tn_model_opts.node_limit" },
        { { .size = sizeof(tn_model_opts), .mem_limit = 1000 }, TN_E_LIMIT, "tn_model_opts.mem_limit" },
        { { .size = sizeof(tn_model_opts), .timeout_ns = 1 }, TN_E_LIMIT, "tn_model_opts.timeout_ns" },
        { { .size = sizeof(tn_model_opts), .cancel = &set }, TN_E_CANCELLED, "differentiating the model" },
        { { .size = 1 }, TN_E_INVALID, "tn_model_opts" },
        { { .size = sizeof(tn_model_opts), .node_limit = 5000 }, TN_OK, "" },
    };
    tn_text file;
    tn_model *m = loops(6, &file), *g;
    size_t start = tn_mem_stats_all().now;
    for (size_t i = 0; i < TN_COUNT(rows); i++) {
        tn_status st = tn_model_gradient_with(m, &rows[i].opts, "y", 1, (const char *[]){ "x" }, &g);
        check(st == rows[i].status && !g == (st != TN_OK), "%zu: %s, %s\n", i, tn_status_name(st), tn_error());
        check(st == TN_OK || strstr(tn_error(), rows[i].words), "%zu: %s\n", i, tn_error());
        tn_model_close(&g);
        assert_int_equal(tn_mem_stats_all().now, start);
    }
    tn_model_close(&m);
    tn_text_free(&file);
}

/* What is around stops both; nothing half made comes back. */
static void stopped_from_around(void **state) {
    (void)state;
    static const tn_budget_words words = { .what = "the test" };
    static const int set = 1;
    tn_text file;
    tn_model *m = loops(12, &file), *g;
    tn_analysis *a;
    size_t start = tn_mem_stats_all().now;
    tn_budget b = { .words = &words, .cancel = &set };
    tn_budget *before = tn_budget_enter(&b);
    tn_status st = tn_model_gradient(m, "y", 1, (const char *[]){ "x" }, &g);
    assert_true(st != TN_OK && !g);
    st = tn_analyse(m, NULL, &a);
    assert_true(st != TN_OK && !a);
    tn_budget_leave(before);
    assert_int_equal(tn_mem_stats_all().now, start);
    tn_model_close(&m);
    tn_text_free(&file);
}

static void analyses_are_bounded(void **state) {
    (void)state;
    tn_text file;
    tn_model *m = loops(50, &file);
    tn_analysis *a;
    double from = cpu_ms();
    check_ok(tn_analyse(m, NULL, &a));
    check(cpu_ms() - from < 5000, "%.0f ms\n", cpu_ms() - from);
    assert_int_equal(a->n_nodes, 102);
    tn_analysis_free(&a);
    tn_model_close(&m);
    tn_text_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_bounded),
        cmocka_unit_test(gradients_within_options),
        cmocka_unit_test(stopped_from_around),
        cmocka_unit_test(analyses_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
