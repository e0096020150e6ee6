/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Bounds of runs: memory whatever holds it, deadlines and cancelling whatever runs; what is refused or stopped leaves
 * nothing behind, and the session goes on. */
#include "base/budget.h"
#include "base/asan.h"
#include "base/clock.h"
#include "engine/session.h"
#include "lib/onnx_build.h"
#include "test.h"
#include <pthread.h>
#include <time.h>

#define MS UINT64_C(1000000)

static double cpu_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* A model from memory, with the file it lies in. */
typedef struct {
    tn_text file;
    tn_model *model;
    tn_session *session;
} rig;

static rig open_rig(ob *b, tn_session_opts o) {
    rig r = { .file = ob_finish(b) };
    o.size = sizeof o;
    o.threads = 1;
    check_ok(tn_model_open_memory(r.file.s, r.file.n, &r.model));
    check_ok(tn_session_new(r.model, &o, &r.session));
    return r;
}

static void close_rig(rig *r) {
    tn_session_free(&r->session);
    tn_model_close(&r->model);
    tn_text_free(&r->file);
}

static tn_tensor *filled(tn_dtype t, int rank, const int64_t *dims, double v) {
    tn_tensor *x;
    check_ok(tn_tensor_new(t, rank, dims, &x));
    for (int64_t i = 0; i < tn_count(x); i++)
        if (tn_dtype_is_float(t))
            tn_set_f64(t, tn_tensor_data(x), i, v);
        else
            tn_set_i64(t, tn_tensor_data(x), i, (int64_t)v);
    return x;
}

/* Nothing that runs have made is left but what lies idle, and that can be given back to the last byte. */
static void check_nothing_held(tn_session *s) {
    tn_session_shed(s);
    assert_int_equal(tn_account_used(s->running), 0);
}

/* ---------------------------------------------------------------------------------------------------------- memory */

/* A sequence of as many items as x has: its memory is all in small pieces. */
static ob *splits(void) {
    ob *b = ob_new(8, 17);
    ob_input(b, "x", TN_F32, "n");
    ob_node(b, "SplitToSequence", "x", "items");
    ob_int(b, "keepdims", 0);
    ob_node(b, "SequenceLength", "items", "y");
    ob_output(b, "y");
    return b;
}

/* A Scan over the rows of x that keeps a copy of each. */
static ob *scans(void) {
    ob *g = ob_graph(), *b = ob_new(8, 17);
    ob_input(g, "state", TN_F32, NULL);
    ob_input(g, "row", TN_F32, NULL);
    ob_node(g, "Add", "state row", "next");
    ob_node(g, "Identity", "next", "kept");
    ob_output(g, "next");
    ob_output(g, "kept");
    ob_input(b, "x", TN_F32, "n,8");
    ob_floats_init(b, "zero", "8", (float[8]){ 0 }, 8);
    ob_node(b, "Scan", "zero x", "last all");
    ob_int(b, "num_scan_inputs", 1);
    ob_subgraph(b, "body", g);
    ob_node(b, "ReduceSum", "all", "y");
    ob_int(b, "keepdims", 0);
    ob_output(b, "y");
    return b;
}

/* What the shape of one tensor decides, made while running: NonZero of as many. */
static ob *counts(void) {
    ob *b = ob_new(8, 17);
    ob_input(b, "x", TN_F32, "n");
    ob_node(b, "NonZero", "x", "at");
    ob_node(b, "Concat", "at at at at", "more");
    ob_int(b, "axis", 0);
    ob_node(b, "Shape", "more", "y");
    ob_output(b, "y");
    return b;
}

static void memory_is_bounded(void **state) {
    (void)state;
    static const struct {
        ob *(*make)(void);
        int rank;
        const char *named;
    } cases[] = { { splits, 1, "SplitToSequence" }, { scans, 2, "Scan" }, { counts, 1, "" } };
    for (size_t i = 0; i < TN_COUNT(cases); i++) {
        rig r = open_rig(cases[i].make(), (tn_session_opts){ .mem_limit = 1 << 20 });
        tn_tensor *few = filled(TN_F32, cases[i].rank, (int64_t[]){ 100, 8 }, 1), *y;
        tn_tensor *many = filled(TN_F32, cases[i].rank, (int64_t[]){ 200000, 8 }, 1);
        for (int round = 0; round < 3; round++) {
            check_ok(tn_session_run(r.session, 1, (const tn_tensor *const *)&few, 1, &y));
            tn_tensor_free(&y);
            tn_mem_reset_peak();
            size_t before = tn_mem_stats_all().now;
            tn_status st = tn_session_run(r.session, 1, (const tn_tensor *const *)&many, 1, &y);
            check(st == TN_E_LIMIT, "%zu: %s (%s)\n", i, tn_status_name(st), tn_error());
            assert_null(y);
            check(strstr(tn_error(), cases[i].named) && strstr(tn_error(), "mem_limit"), "%s\n", tn_error());
            assert_true(tn_account_peak(r.session->running) <= 1 << 20);
            assert_true(tn_mem_stats_all().peak - before < 3 << 20); /* with the plan for that many */
        }
        check_nothing_held(r.session);
        tn_tensor_free(&few);
        tn_tensor_free(&many);
        close_rig(&r);
    }
}

/* Whatever the limit: a right answer or TN_E_LIMIT, and the more there is, the better. */
static void any_limit(void **state) {
    (void)state;
    tn_tensor *x = filled(TN_F32, 2, (int64_t[]){ 300, 8 }, 1), *y;
    size_t start = tn_mem_stats_all().now;
    bool was_enough = false;
    int refused = 0;
    for (size_t limit = 500; limit < 2 << 20; limit += limit / 8) {
        rig r = open_rig(scans(), (tn_session_opts){ .mem_limit = limit });
        tn_status st = tn_session_run(r.session, 1, (const tn_tensor *const *)&x, 1, &y);
        if (st == TN_OK)
            assert_true(*(float *)tn_tensor_data(y) == 8 * 300 * 301 / 2);
        else
            check(st == TN_E_LIMIT && !was_enough, "limit %zu: %s\n", limit, tn_error());
        was_enough = st == TN_OK;
        refused += st != TN_OK;
        tn_tensor_free(&y);
        check_nothing_held(r.session);
        close_rig(&r);
        assert_int_equal(tn_mem_stats_all().now, start);
    }
    assert_true(was_enough && refused > 10);
    tn_tensor_free(&x);
}

/* Memory of one shape is given up when another one needs the room. */
static void idle_memory_makes_room(void **state) {
    (void)state;
    ob *b = ob_new(8, 17);
    ob_input(b, "x", TN_F32, "n,m");
    ob_node(b, "NonZero", "x", "at");
    ob_node(b, "Transpose", "at", "y");
    ob_output(b, "y");
    rig r = open_rig(b, (tn_session_opts){ .mem_limit = 6 << 20 });
    for (int round = 0; round < 20; round++) {
        int64_t n = 20000 + 9000 * (round * 7 % 20); /* up to 190,000 pairs of 16 bytes, twice */
        tn_tensor *x = filled(TN_F32, 2, (int64_t[]){ n, 1 }, 1), *y;
        tn_status st = tn_session_run(r.session, 1, (const tn_tensor *const *)&x, 1, &y);
        check(st == (n <= 160000 ? TN_OK : st), "%lld: %s\n", (long long)n, tn_error());
        assert_true(tn_account_used(r.session->running) <= 6 << 20);
        tn_tensor_free(&y);
        tn_tensor_free(&x);
    }
    check_nothing_held(r.session);
    close_rig(&r);
}

/* An output is its new owner's: it counts for the session no longer, also when it comes back to be used again. */
static void outputs_are_handed_over(void **state) {
    (void)state;
    ob *b = ob_new(8, 17);
    ob_input(b, "x", TN_F32, "n");
    ob_node(b, "Relu", "x", "y");
    ob_node(b, "NonZero", "x", "z");
    ob_output(b, "y");
    ob_output(b, "z");
    rig r = open_rig(b, (tn_session_opts){ .mem_limit = 4 << 20 });
    tn_tensor *x = filled(TN_F32, 1, (int64_t[]){ 100000 }, 1), *out[10][2];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 10; i++) /* 12 MB together */
            check_ok(tn_session_run(r.session, 1, (const tn_tensor *const *)&x, 2, out[i]));
        check_nothing_held(r.session);
        for (int i = 0; i < 10; i++) tn_tensor_free(&out[i][0]), tn_tensor_free(&out[i][1]);
        assert_int_equal(tn_account_used(r.session->running), 0);
    }
    check_ok(tn_session_run(r.session, 1, (const tn_tensor *const *)&x, 2, out[0]));
    close_rig(&r);
    tn_tensor_free(&out[0][0]);
    tn_tensor_free(&out[0][1]);
    tn_tensor_free(&x);
}

static void lack_of_memory(void **state) {
    (void)state;
    static ob *(*const make[])(void) = { splits, scans, counts };
    for (size_t i = 0; i < TN_COUNT(make); i++) {
        tn_tensor *x = filled(TN_F32, i == 1 ? 2 : 1, (int64_t[]){ 20, 8 }, 1), *y;
        int failures = 0, answers = 0;
        size_t start = tn_mem_stats_all().now;
        rig r = { .file = ob_finish(make[i]()) };
        check_ok(tn_model_open_memory(r.file.s, r.file.n, &r.model));
        for (unsigned every = 1; every < 400; every += every < 100 ? 1 : 17) {
            tn_session_opts o = { .size = sizeof o, .threads = 1, .mem_limit = 1 << 20 };
            tn_mem_fail_every(every);
            tn_status st = tn_session_new(r.model, &o, &r.session);
            y = NULL;
            if (st == TN_OK) st = tn_session_run(r.session, 1, (const tn_tensor *const *)&x, 1, &y);
            tn_mem_fail_every(0);
            check(st == TN_OK || st == TN_E_NOMEM, "%zu, every %u: %s (%s)\n", i, every, tn_status_name(st),
                  tn_error());
            failures += st != TN_OK;
            answers += st == TN_OK;
            tn_tensor_free(&y);
            if (r.session) check_nothing_held(r.session);
            tn_session_free(&r.session);
        }
        assert_true(failures > 0 && answers > 0);
        close_rig(&r);
        assert_int_equal(tn_mem_stats_all().now, start);
        tn_tensor_free(&x);
    }
}

/* -------------------------------------------------------------------------------------------- deadlines, cancelling */

/* As many rounds as x says, each with nothing to do, or with a step of its own. */
static ob *loops(bool step) {
    ob *g = ob_graph(), *b = ob_new(8, 17);
    ob_input(g, "i", TN_I64, "");
    ob_input(g, "go", TN_BOOL, "");
    ob_input(g, "v", TN_F32, "4");
    if (step) ob_node(g, "Cos", "v", "w");
    ob_output(g, "go");
    ob_output(g, step ? "w" : "v");
    ob_input(b, "x", TN_I64, "");
    ob_floats_init(b, "v0", "4", (float[4]){ 1, 2, 3, 4 }, 4);
    ob_node(b, "Loop", "x _ v0", "y");
    ob_subgraph(b, "body", g);
    ob_output(b, "y");
    return b;
}

static int flag;

static void *set_flag(void *arg) {
    struct timespec t = { .tv_nsec = 20000000 };
    nanosleep(&t, NULL);
    __atomic_store_n(&flag, 1, __ATOMIC_RELAXED);
    return arg;
}

static void endless_loops_stop(void **state) {
    (void)state;
    for (int step = 0; step < 2; step++) {
        rig r = open_rig(loops(step), (tn_session_opts){ 0 });
        tn_tensor *trips = filled(TN_I64, 0, NULL, 2e9), *few = filled(TN_I64, 0, NULL, 3), *y = (void *)1;
        tn_run_opts o = { .size = sizeof o, .cancel = &flag };
        pthread_t thread;
        flag = 0;
        assert_int_equal(pthread_create(&thread, NULL, set_flag, NULL), 0);
        check_fails(tn_session_run_with(r.session, &o, 1, (const tn_tensor *const *)&trips, 1, &y), TN_E_CANCELLED,
                    "cancelled");
        assert_null(y);
        pthread_join(thread, NULL);
        check_fails(tn_session_run_with(r.session, &o, 1, (const tn_tensor *const *)&few, 1, &y), TN_E_CANCELLED,
                    "cancelled"); /* the flag is still set */
        flag = 0;
        check_ok(tn_session_run_with(r.session, &o, 1, (const tn_tensor *const *)&few, 1, &y));
        tn_tensor_free(&y);
        o = (tn_run_opts){ .size = sizeof o, .timeout_ns = 20 * MS };
        double from = cpu_ms();
        check_fails(tn_session_run_with(r.session, &o, 1, (const tn_tensor *const *)&trips, 1, &y), TN_E_LIMIT,
                    "timeout_ns");
        check(cpu_ms() - from < 60, "stopped after %.1f ms\n", cpu_ms() - from);
        bool named = strstr(tn_error(), "(Loop)") || strstr(tn_error(), "(Cos)");
        check(named && strstr(tn_error(), "20 ms"), "%s\n", tn_error());
        assert_null(y);
        check_ok(tn_session_run(r.session, 1, (const tn_tensor *const *)&few, 1, &y));
        tn_tensor_free(&y);
        check_nothing_held(r.session);
        tn_tensor_free(&trips);
        tn_tensor_free(&few);
        close_rig(&r);
    }
}

/* One node that works for a second and longer, over inputs filled with ones. */
typedef struct {
    const char *type, *inputs;
    struct {
        tn_dtype t;
        const char *dims;
    } in[4];
    const char *attr;
    int64_t v;
    const char *equation;
} long_node;

static const long_node long_nodes[] = {
    { "Conv", "a b", { { TN_F32, "4,256,96,96" }, { TN_F32, "512,256,5,5" } } },
    { "Conv", "a b", { { TN_F32, "4,256,96,96" }, { TN_F32, "512,256,3,3" } } }, /* by Winograd */
    { "Conv", "a b", { { TN_F64, "1,128,96,96" }, { TN_F64, "128,128,3,3" } } },
    { "Conv", "a b", { { TN_F16, "4,256,96,96" }, { TN_F16, "512,256,5,5" } } },
    { "ConvTranspose", "a b", { { TN_F64, "1,128,96,96" }, { TN_F64, "128,128,3,3" } } },
    { "MatMul", "a b", { { TN_F32, "4096,4096" }, { TN_F32, "4096,8192" } } },
    { "MatMul", "a b", { { TN_F64, "2048,2048" }, { TN_F64, "2048,2048" } } },
    { "MatMul", "a b", { { TN_I32, "2048,2048" }, { TN_I32, "2048,2048" } } },
    { "Einsum", "a b", { { TN_F64, "64,64,256" }, { TN_F64, "256,64,64" } }, .equation = "abc,cde->adbe" },
    { "Einsum", "a", { { TN_F32, "900,700,900" } }, .equation = "abc->b" },
    { "LSTM",
      "a b c",
      { { TN_F32, "40000,1,64" }, { TN_F32, "1,1024,64" }, { TN_F32, "1,1024,256" } },
      "hidden_size",
      256 },
    { "LSTM",
      "a b c",
      { { TN_F64, "4000,1,64" }, { TN_F64, "1,1024,64" }, { TN_F64, "1,1024,256" } },
      "hidden_size",
      256 },
    { "Softmax", "a", { { TN_F32, "4000,20000" } } },
    { "Erf", "a", { { TN_F64, "60000000" } } },
};

static tn_tensor *ones(tn_dtype t, const char *dims) {
    int64_t d[8];
    int rank = 0;
    for (const char *p = dims; *p; p += strcspn(p, ","), p += *p == ',') d[rank++] = strtoll(p, NULL, 10);
    tn_tensor *x;
    check_ok(tn_tensor_new(t, rank, d, &x)); /* zeros take no memory until they are written */
    return x;
}

static void long_nodes_stop(void **state) {
    (void)state;
    double worst = 0;
    for (size_t i = 0; i < TN_COUNT(long_nodes); i++) {
        const long_node *n = &long_nodes[i];
        ob *b = ob_new(8, 17);
        tn_tensor *in[4] = { 0 }, *y = NULL;
        size_t n_in = 0;
        for (; n_in < 4 && n->in[n_in].dims; n_in++) {
            ob_input(b, (char[]){ (char)('a' + n_in), 0 }, n->in[n_in].t, n->in[n_in].dims);
            in[n_in] = ones(n->in[n_in].t, n->in[n_in].dims);
        }
        ob_node(b, n->type, n->inputs, "y");
        if (n->attr) ob_int(b, n->attr, n->v);
        if (n->equation) ob_string(b, "equation", n->equation);
        ob_output(b, "y");
        rig r = open_rig(b, (tn_session_opts){ 0 });
        tn_run_opts o = { .size = sizeof o, .timeout_ns = 30 * MS };
        double least = 1e9; /* of several: the first ones make the plan and touch the memory */
        for (int round = 0; round < 4; round++) {
            double from = cpu_ms();
            tn_status st = tn_session_run_with(r.session, &o, n_in, (const tn_tensor *const *)in, 1, &y);
            double over = cpu_ms() - from - 30;
            check(st == TN_E_LIMIT, "%s %s: %s\n", n->type, n->in[0].dims, st == TN_OK ? "was done" : tn_error());
            assert_null(y);
            if (over < least) least = over;
            if (getenv("TN_OVER")) print_message("%-14s %s  %.1f ms over\n", n->type, n->in[0].dims, over);
        }
        if (least > worst) worst = least;
        check_nothing_held(r.session);
        close_rig(&r);
        for (size_t k = 0; k < n_in; k++) tn_tensor_free(&in[k]);
    }
    print_message("at most %.1f ms of CPU time beyond the deadline\n", worst);
    double most = TN_ASAN ? 400 : 40; /* 10 are promised; other work on the machine adds its own, sanitizers tenfold */
    check(worst < most, "%.1f ms\n", worst);
}

/* Boxes that do not overlap: each is compared with all before it. */
static void suppression_stops(void **state) {
    (void)state;
    enum { N = 60000 };
    ob *b = ob_new(8, 17);
    ob_input(b, "boxes", TN_F32, "1,n,4");
    ob_input(b, "scores", TN_F32, "1,1,n");
    ob_ints_init(b, "most", "1", (int64_t[]){ N }, 1);
    ob_node(b, "NonMaxSuppression", "boxes scores most", "y");
    ob_output(b, "y");
    rig r = open_rig(b, (tn_session_opts){ 0 });
    tn_tensor *in[2] = { filled(TN_F32, 3, (int64_t[]){ 1, N, 4 }, 0), filled(TN_F32, 3, (int64_t[]){ 1, 1, N }, 0) },
              *y;
    for (int i = 0; i < N; i++) {
        float *box = (float *)tn_tensor_data(in[0]) + 4 * i;
        box[0] = (float)(2 * i), box[2] = (float)(2 * i + 1), box[3] = 1;
        ((float *)tn_tensor_data(in[1]))[i] = (float)(i % 977);
    }
    tn_run_opts o = { .size = sizeof o, .timeout_ns = 50 * MS };
    double from = cpu_ms();
    check_fails(tn_session_run_with(r.session, &o, 2, (const tn_tensor *const *)in, 1, &y), TN_E_LIMIT,
                "NonMaxSuppression");
    check(cpu_ms() - from < 90, "stopped after %.1f ms\n", cpu_ms() - from);
    check_nothing_held(r.session);
    close_rig(&r);
    tn_tensor_free(&in[0]);
    tn_tensor_free(&in[1]);
}

/* --------------------------------------------------------------------------------------------------------- options */

static void options(void **state) {
    (void)state;
    rig r = open_rig(loops(true), (tn_session_opts){ .mem_limit = 1 << 20 });
    tn_tensor *few = filled(TN_I64, 0, NULL, 3), *y;
    tn_run_opts o = { .size = 5 };
    check_fails(tn_session_run_with(r.session, &o, 1, (const tn_tensor *const *)&few, 1, &y), TN_E_INVALID,
                "tn_run_opts.size");
    o = (tn_run_opts){ .size = offsetof(tn_run_opts, cancel), .cancel = (const volatile int *)1 }; /* an older header */
    check_ok(tn_session_run_with(r.session, &o, 1, (const tn_tensor *const *)&few, 1, &y));
    tn_tensor_free(&y);
    o = (tn_run_opts){ .size = sizeof o, .timeout_ns = UINT64_MAX };
    check_ok(tn_session_run_with(r.session, &o, 1, (const tn_tensor *const *)&few, 1, &y));
    tn_tensor_free(&y);
    tn_session_opts old = { .size = offsetof(tn_session_opts, prepare_limit), .threads = 1, .prepare_limit = 1 };
    tn_session *s;
    check_ok(tn_session_new(r.model, &old, &s));
    tn_session_free(&s);
    old = (tn_session_opts){ .size = sizeof old, .threads = 1, .prepare_limit = 1000 };
    check_fails(tn_session_new(r.model, &old, &s), TN_E_LIMIT, "tn_session_opts.prepare_limit");
    assert_null(s);
    old = (tn_session_opts){ .size = sizeof old, .threads = 1, .work_limit = 10 };
    tn_status st = tn_session_new(r.model, &old, &s);
    if (st == TN_OK) st = tn_session_run(s, 1, (const tn_tensor *const *)&few, 1, &y);
    check(st == TN_E_LIMIT && strstr(tn_error(), "work_limit"), "%s\n", tn_error());
    tn_session_free(&s);
    tn_tensor_free(&few);
    close_rig(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(any_limit),
        cmocka_unit_test(idle_memory_makes_room),
        cmocka_unit_test(outputs_are_handed_over),
        cmocka_unit_test(lack_of_memory),
        cmocka_unit_test(endless_loops_stop),
        cmocka_unit_test(suppression_stops),
        cmocka_unit_test(long_nodes_stop),
        cmocka_unit_test(options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
