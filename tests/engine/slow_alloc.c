/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* slow_alloc.c - memory that runs out at every single allocation, one after the other, while three models are opened,
 * made ready, planned and run: a convolutional network, a transformer block whose weights are packed, and a graph whose
 * shapes and rounds depend on data. Whichever it is, the call says TN_E_NOMEM with a sentence, all memory comes back,
 * and what is there already - a model, a session - gives the right answer at the next try. */
#include "base/mem.h"
#include "lib/onnx_build.h"
#include "tenon.h"
#include "test.h"
#include <math.h>

enum { MOST = 200000, MAX_OUT = 4 };

typedef struct {
    const char *name;
    tn_text (*build)(void);
    tn_dtype type;
    int rank;
    int64_t dims[4];
} subject;

/* ---------------------------------------------------------------------------------------------------------- models */

static float *numbers(int n) {
    static float v[20000];
    uint64_t seed = 11;
    for (int i = 0; i < n && i < 20000; i++) v[i] = (float)((double)(test_random(&seed) >> 40) / (1 << 24) - 0.5);
    return v;
}

static void weight(ob *b, const char *name, const char *dims, int n) { ob_floats_init(b, name, dims, numbers(n), n); }

static tn_text conv_net(void) {
    ob *b = ob_new(10, 21);
    ob_input(b, "x", TN_F32, "n,3,h,w");
    weight(b, "w1", "16,3,3,3", 16 * 27);
    weight(b, "b1", "16", 16);
    weight(b, "s", "16", 16);
    weight(b, "w2", "16,1,3,3", 16 * 9);
    weight(b, "w3", "32,16,1,1", 32 * 16);
    weight(b, "w4", "32,10", 320);
    ob_floats_init(b, "var", "16", (float[]){ 1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 2 }, 16);
    ob_node(b, "Conv", "x w1 b1", "c1");
    ob_ints(b, "pads", (int64_t[]){ 1, 1, 1, 1 }, 4);
    ob_node(b, "BatchNormalization", "c1 s b1 b1 var", "n1");
    ob_node(b, "Relu", "n1", "r1");
    ob_node(b, "Conv", "r1 w2", "c2"); /* depthwise */
    ob_int(b, "group", 16);
    ob_ints(b, "pads", (int64_t[]){ 1, 1, 1, 1 }, 4);
    ob_node(b, "Add", "c2 r1", "a");
    ob_node(b, "Conv", "a w3", "c3");
    ob_node(b, "Sigmoid", "c3", "g");
    ob_node(b, "Mul", "c3 g", "m");
    ob_node(b, "MaxPool", "m", "p");
    ob_ints(b, "kernel_shape", (int64_t[]){ 2, 2 }, 2);
    ob_ints(b, "strides", (int64_t[]){ 2, 2 }, 2);
    ob_node(b, "GlobalAveragePool", "p", "q");
    ob_node(b, "Flatten", "q", "f");
    ob_node(b, "MatMul", "f w4", "y");
    ob_output(b, "y");
    return ob_finish(b);
}

static void heads(ob *b, const char *from, const char *to) {
    char in[32], cut[32];
    snprintf(in, sizeof in, "%s heads", from);
    snprintf(cut, sizeof cut, "%s_cut", to);
    ob_node(b, "Reshape", in, cut);
    ob_node(b, "Transpose", cut, to);
    ob_ints(b, "perm", (int64_t[]){ 0, 2, 1, 3 }, 4);
}

static tn_text transformer(void) {
    ob *b = ob_new(10, 21);
    ob_input(b, "x", TN_F32, "batch,steps,32");
    static const char *const square[] = { "wq", "wk", "wv", "wo" };
    for (int i = 0; i < 4; i++) weight(b, square[i], "32,32", 1024);
    weight(b, "w1", "32,64", 2048);
    weight(b, "w2", "64,32", 2048);
    weight(b, "g", "32", 32);
    weight(b, "b1", "64", 64);
    ob_ints_init(b, "heads", "4", (int64_t[]){ 0, 0, 4, 8 }, 4);
    ob_ints_init(b, "flat", "3", (int64_t[]){ 0, 0, 32 }, 3);
    ob_floats_init(b, "scale", "", (float[]){ 0.35355339f }, 1);
    ob_node(b, "LayerNormalization", "x g g", "n");
    ob_node(b, "MatMul", "n wq", "q");
    ob_node(b, "MatMul", "n wk", "k");
    ob_node(b, "MatMul", "n wv", "v");
    heads(b, "q", "qh");
    heads(b, "k", "kh");
    heads(b, "v", "vh");
    ob_node(b, "Transpose", "kh", "kt");
    ob_ints(b, "perm", (int64_t[]){ 0, 1, 3, 2 }, 4);
    ob_node(b, "MatMul", "qh kt", "scores");
    ob_node(b, "Mul", "scores scale", "scaled");
    ob_node(b, "Softmax", "scaled", "p");
    ob_node(b, "MatMul", "p vh", "o");
    ob_node(b, "Transpose", "o", "ot");
    ob_ints(b, "perm", (int64_t[]){ 0, 2, 1, 3 }, 4);
    ob_node(b, "Reshape", "ot flat", "of");
    ob_node(b, "MatMul", "of wo", "mixed");
    ob_node(b, "Add", "mixed x", "a");
    ob_node(b, "MatMul", "a w1", "h");
    ob_node(b, "Add", "h b1", "hb");
    ob_node(b, "Gelu", "hb", "ge");
    ob_node(b, "MatMul", "ge w2", "d");
    ob_node(b, "Add", "d a", "y");
    ob_output(b, "y");
    return ob_finish(b);
}

/* Five rounds: the state grows, a sequence collects, every round gives a row. */
static ob *rounds(void) {
    ob *g = ob_graph();
    ob_input(g, "i", TN_I64, "");
    ob_input(g, "go", TN_BOOL, "");
    ob_input(g, "state", TN_F32, NULL);
    ob_node(g, "Concat", "state x", "longer");
    ob_int(g, "axis", 0);
    ob_node(g, "ReduceMax", "longer", "row");
    ob_int(g, "keepdims", 0);
    ob_node(g, "Identity", "go", "go_on");
    ob_output(g, "go_on");
    ob_output(g, "longer");
    ob_output(g, "row");
    return g;
}

static ob *halves(const char *op) {
    ob *g = ob_graph();
    ob_node(g, op, "picked", "branch_out");
    ob_output(g, "branch_out");
    return g;
}

static tn_text dynamic(void) {
    ob *b = ob_new(10, 21);
    ob_input(b, "x", TN_F32, "n");
    ob_ints_init(b, "five", "", (int64_t[]){ 5 }, 1);
    ob_ints_init(b, "two", "", (int64_t[]){ 2 }, 1);
    ob_floats_init(b, "zero", "", (float[]){ 0 }, 1);
    ob_floats_init(b, "table", "3", (float[]){ 3, 1, 2 }, 3); /* passed through, borrowed from the file */
    ob_node(b, "Optional", "table", "maybe");
    ob_node(b, "OptionalGetElement", "maybe", "given");
    ob_node(b, "Loop", "five _ x", "last rows");
    ob_subgraph(b, "body", rounds());
    ob_node(b, "NonZero", "last", "where");
    ob_node(b, "Transpose", "where", "at");
    ob_node(b, "GatherND", "last at", "picked");
    ob_node(b, "SplitToSequence", "picked two", "parts");
    ob_node(b, "SequenceInsert", "parts rows", "more");
    ob_node(b, "ConcatFromSequence", "more", "joined");
    ob_int(b, "axis", 0);
    ob_node(b, "ReduceSum", "picked", "sum");
    ob_int(b, "keepdims", 0);
    ob_node(b, "Greater", "sum zero", "positive");
    ob_node(b, "If", "positive", "chosen");
    ob_subgraph(b, "then_branch", halves("Neg"));
    ob_subgraph(b, "else_branch", halves("Abs"));
    /* the shape -1, known only when it runs: what the arena holds is passed through under it, and copied for that */
    ob_ints_init(b, "none", "1", (int64_t[]){ 0 }, 1);
    ob_ints_init(b, "one", "1", (int64_t[]){ 1 }, 1);
    ob_node(b, "Abs", "x", "size");
    ob_node(b, "Shape", "at", "found");
    ob_node(b, "Slice", "found none one", "rows_found");
    ob_node(b, "Mul", "rows_found none", "nothing");
    ob_node(b, "Sub", "nothing one", "flat");
    ob_node(b, "Reshape", "size flat", "passed");
    ob_node(b, "Concat", "joined chosen given passed", "y");
    ob_int(b, "axis", 0);
    ob_output(b, "y");
    ob_output(b, "rows");
    return ob_finish(b);
}

static const subject subjects[] = {
    { "conv net", conv_net, TN_F32, 4, { 1, 3, 9, 10 } },
    { "transformer block", transformer, TN_F32, 3, { 2, 7, 32 } },
    { "dynamic steps", dynamic, TN_F32, 1, { 6 } },
};

/* --------------------------------------------------------------------------------------------------------------
 * walking */

typedef struct {
    const subject *of;
    tn_text file;
    tn_tensor *x, *want[MAX_OUT];
    int threads;
} walk;

static tn_status new_session(const walk *w, const tn_model *m, tn_session **s) {
    tn_session_opts o = { .size = sizeof o, .threads = w->threads, .unpinned = 1, .plans = 2 };
    return tn_session_new(m, &o, s);
}

static tn_status run(const tn_model *m, tn_session *s, const tn_tensor *x, tn_tensor **y) {
    return tn_session_run(s, 1, (const tn_tensor *[]){ x }, tn_model_outputs(m), y);
}

static void drop(tn_tensor **y) {
    for (int i = 0; i < MAX_OUT; i++) tn_tensor_free(&y[i]);
}

static void compare(const walk *w, const char *step, unsigned long n, tn_tensor **y) {
    for (int i = 0; i < MAX_OUT && w->want[i]; i++) {
        size_t bytes = tn_tensor_bytes(w->want[i]);
        check(y[i] && tn_tensor_bytes(y[i]) == bytes &&
                  !memcmp(tn_tensor_data(y[i]), tn_tensor_data(w->want[i]), bytes),
              "%s, %s, allocation %lu: another answer afterwards\n", w->of->name, step, n);
    }
}

/* A refusal is TN_E_NOMEM with words of memory. */
static void refused(const walk *w, const char *step, unsigned long n, tn_status st) {
    check(st == TN_E_NOMEM, "%s, %s, allocation %lu: %s: %s\n", w->of->name, step, n, tn_status_name(st), tn_error());
    check(strlen(tn_error()) > 5, "%s, %s, allocation %lu: the sentence is '%s'\n", w->of->name, step, n, tn_error());
}

static void balance(const walk *w, const char *step, unsigned long n, size_t before) {
    size_t now = tn_mem_stats_all().now;
    check(now == before, "%s, %s, allocation %lu: %zu bytes were not given back\n", w->of->name, step, n, now - before);
}

/* Opening: nothing is left behind, and the next opening works. */
static unsigned long walk_opening(const walk *w) {
    size_t before = tn_mem_stats_all().now;
    for (unsigned long n = 1; n < MOST; n++) {
        tn_model *m = NULL;
        tn_mem_fail_once(n);
        tn_status st = tn_model_open_memory(w->file.s, w->file.n, &m);
        bool hit = tn_mem_failed_once();
        tn_mem_fail_once(0);
        if (st != TN_OK) refused(w, "opening", n, st);
        check((st == TN_OK) == (m != NULL), "%s, opening, allocation %lu: %p\n", w->of->name, n, (void *)m);
        tn_model_close(&m);
        balance(w, "opening", n, before);
        if (!hit) return n - 1;
    }
    fail_msg("no end of allocations");
    return 0;
}

/* Making a session ready (passes, constants, packing), then its first run. */
static unsigned long walk_session(const walk *w, const tn_model *m) {
    size_t before = tn_mem_stats_all().now;
    for (unsigned long n = 1; n < MOST; n++) {
        tn_session *s = NULL;
        tn_tensor *y[MAX_OUT] = { 0 };
        tn_mem_fail_once(n);
        tn_status st = new_session(w, m, &s);
        bool hit = tn_mem_failed_once();
        tn_mem_fail_once(0);
        if (st != TN_OK) refused(w, "making a session", n, st);
        check((st == TN_OK) == (s != NULL), "%s, session, allocation %lu: %p\n", w->of->name, n, (void *)s);
        if (s && hit) { /* survived: what was left out (a fusion, a folding) changes rounding at most */
            check_ok(run(m, s, w->x, y));
            for (int i = 0; w->want[i]; i++)
                check(tn_tensor_bytes(y[i]) == tn_tensor_bytes(w->want[i]), "%s, allocation %lu: another shape\n",
                      w->of->name, n);
            drop(y);
        }
        tn_session_free(&s);
        balance(w, "making a session", n, before);
        if (!hit) return n - 1;
    }
    fail_msg("no end of allocations");
    return 0;
}

/* Planning and running: a new session each time, whose first run fails at n; its next one must be right. */
static unsigned long walk_first_run(const walk *w, const tn_model *m) {
    size_t before = tn_mem_stats_all().now;
    for (unsigned long n = 1; n < MOST; n++) {
        tn_session *s = NULL;
        tn_tensor *y[MAX_OUT] = { 0 };
        check_ok(new_session(w, m, &s));
        tn_mem_fail_once(n);
        tn_status st = run(m, s, w->x, y);
        bool hit = tn_mem_failed_once();
        tn_mem_fail_once(0);
        if (st != TN_OK) {
            refused(w, "planning", n, st);
            for (int i = 0; i < MAX_OUT; i++)
                check(!y[i], "%s, allocation %lu: an output in spite of failing\n", w->of->name, n);
            check_ok(run(m, s, w->x, y));
        }
        compare(w, "planning", n, y);
        drop(y);
        tn_session_free(&s);
        balance(w, "planning", n, before);
        if (!hit) return n - 1;
    }
    fail_msg("no end of allocations");
    return 0;
}

/* Running what is planned: one session for all; it never forgets what it can. */
static unsigned long walk_runs(const walk *w, const tn_model *m) {
    tn_session *s = NULL;
    tn_tensor *y[MAX_OUT] = { 0 };
    size_t before = tn_mem_stats_all().now;
    check_ok(new_session(w, m, &s));
    check_ok(run(m, s, w->x, y));
    drop(y);
    unsigned long n = 1;
    for (bool hit = true; hit; n++) {
        tn_mem_fail_once(n);
        tn_status st = run(m, s, w->x, y);
        hit = tn_mem_failed_once();
        tn_mem_fail_once(0);
        if (st != TN_OK) {
            refused(w, "running", n, st);
            check_ok(run(m, s, w->x, y));
        }
        compare(w, "running", n, y);
        drop(y);
    }
    tn_session_free(&s);
    balance(w, "running", n, before);
    return n - 2;
}

/* Saving and differentiating read what is there: they fail without a trace as well. */
static unsigned long walk_gradient(const walk *w, const tn_model *m) {
    size_t before = tn_mem_stats_all().now;
    for (unsigned long n = 1; n < MOST; n++) {
        tn_model *g = NULL;
        tn_mem_fail_once(n);
        tn_status st = tn_model_gradient(m, "y", 1, (const char *[]){ "x" }, &g);
        bool hit = tn_mem_failed_once();
        tn_mem_fail_once(0);
        if (st != TN_OK) refused(w, "differentiating", n, st);
        tn_model_close(&g);
        balance(w, "differentiating", n, before);
        if (!hit) return n - 1;
    }
    fail_msg("no end of allocations");
    return 0;
}

static void all_of(const subject *of, int threads) {
    walk w = { .of = of, .file = of->build(), .threads = threads };
    tn_model *m = NULL;
    tn_session *s = NULL;
    check_ok(tn_tensor_new(of->type, of->rank, of->dims, &w.x));
    memcpy(tn_tensor_data(w.x), numbers((int)tn_tensor_elements(w.x)), tn_tensor_bytes(w.x));
    check_ok(tn_model_open_memory(w.file.s, w.file.n, &m));
    check_ok(new_session(&w, m, &s));
    check_ok(run(m, s, w.x, w.want));
    tn_session_free(&s);
    unsigned long opening = threads == 1 ? walk_opening(&w) : 0, made = walk_session(&w, m),
                  first = walk_first_run(&w, m), later = walk_runs(&w, m),
                  gradient = threads == 1 ? walk_gradient(&w, m) : 0;
    print_message("%s, %d threads: %lu allocations while opening, %lu making a session, %lu in its first run, %lu in a "
                  "later one, %lu differentiating\n",
                  of->name, threads, opening, made, first, later, gradient);
    drop(w.want);
    tn_tensor_free(&w.x);
    tn_model_close(&m);
    tn_text_free(&w.file);
}

static void one_thread(void **state) {
    (void)state;
    for (size_t i = 0; i < TN_COUNT(subjects); i++) all_of(&subjects[i], 1);
}

static void two_threads(void **state) {
    (void)state;
    for (size_t i = 0; i < TN_COUNT(subjects); i++) all_of(&subjects[i], 2);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(one_thread), cmocka_unit_test(two_threads) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
