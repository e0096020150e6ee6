/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* device.c - plans that run in part on a device, the simulated one: the same bits as the CPU's whatever runs where,
 * copies counted exactly, transfers that overlap with the CPU, and every fault in turn. */
#include "base/asan.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/device_sim.h"
#include "engine/session.h"
#include "lib/onnx_build.h"
#include "test.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ThreadSanitizer allows no threads in a child. */
#if defined(__SANITIZE_THREAD__)
#define FORK_IS_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FORK_IS_WATCHED 1
#endif
#endif
#ifndef FORK_IS_WATCHED
#define FORK_IS_WATCHED 0
#endif

enum { ROWS = 4, COLS = 8, MOST_OUT = 8 };

/* A model, and a session of it on a device, whose counts can be read behind the session's end. */
typedef struct {
    tn_text file;
    tn_model *m;
    tn_session *s;
    tn_device *d;
} rig;

static tn_session_opts on(const char *device, bool require) {
    return (tn_session_opts){
        .size = sizeof(tn_session_opts), .threads = 1, .no_optimize = 1, .device = device, .require_device = require
    };
}

static void open_model(rig *r, ob *b) {
    *r = (rig){ .file = ob_finish(b) };
    check_ok(tn_model_open_memory(r->file.s, r->file.n, &r->m));
}

static void open_session(rig *r, const char *device, bool require) {
    tn_session_opts o = on(device, require);
    check_ok(tn_device_open(device, &r->d));
    check_ok(tn_session_new(r->m, &o, &r->s));
}

/* Nothing is left on the device. */
static void close_session(rig *r) {
    tn_session_free(&r->s);
    tn_sim_counts c = tn_sim_counts_of(r->d);
    check(!c.bytes && !c.memories && !c.streams && !c.programs && !c.hosts,
          "left: %zu bytes in %lu, %lu streams, %lu programs, %lu host blocks\n", c.bytes, c.memories, c.streams,
          c.programs, c.hosts);
    tn_device_close(&r->d);
}

static void close_model(rig *r) {
    tn_model_close(&r->m);
    tn_text_free(&r->file);
}

static tn_tensor *numbers(int64_t rows, unsigned seed) {
    tn_tensor *t;
    uint64_t state = seed;
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ rows, COLS }, &t));
    for (int64_t i = 0; i < rows * COLS; i++)
        ((float *)t->data)[i] = (float)(int)(test_random(&state) % 2001) / 500 - 2;
    return t;
}

static void free_all(tn_tensor **t, int n) {
    for (int i = 0; i < n; i++) tn_tensor_free(&t[i]);
}

/* Runs on the device and on the CPU: the same bits. */
static void expect_same(const rig *r, const tn_tensor *const *in, size_t n_in) {
    size_t n = tn_model_outputs(r->m);
    tn_tensor *have[MOST_OUT], *want[MOST_OUT];
    tn_session *cpu;
    tn_session_opts o = on(NULL, false);
    check_ok(tn_session_new(r->m, &o, &cpu));
    check_ok(tn_session_run(cpu, n_in, in, n, want));
    check_ok(tn_session_run(r->s, n_in, in, n, have));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(tn_tensor_bytes(have[i]), tn_tensor_bytes(want[i]));
        check(!memcmp(have[i]->data, want[i]->data, tn_tensor_bytes(want[i])), "output %d differs\n", (int)i);
    }
    free_all(have, (int)n);
    free_all(want, (int)n);
    tn_session_free(&cpu);
}

static const tn_tensor **list(tn_tensor *const *t) { return (const tn_tensor **)(uintptr_t)t; }

static tn_offload *offload_of(const rig *r) { return r->s->plans->offload; }

/* ----------------------------------------------------------------------------------------------------- known copies */

typedef struct {
    const char *words, *device;
    const char *nodes; /* "Type in out;..." */
    const char *outputs;
    int segments, up, down; /* values */
} known;

/* x is [4,8] everywhere; Relu, Add and Reshape go to the device, Sin and Mul stay. */
static const known knowns[] = {
    { "a chain on the device alone", "sim:cheap", "Relu x a;Sin a b;Relu b y", "y", 1, 1, 1 },
    { "there and back twice", "sim:cheap,ops=Relu", "Relu x a;Sin a b;Relu b y", "y", 2, 2, 2 },
    { "a value that two segments read is uploaded once", "sim:cheap,ops=Relu|Neg",
      "Sin x a;Relu a b;Neg a c;Sin b y;Sin c z", "y z", 2, 1, 2 },
    { "a value that two nodes of the CPU read is downloaded once", "sim:cheap,ops=Relu", "Relu x a;Sin a y;Cos a z",
      "y z", 1, 1, 1 },
    { "a value between segments stays on the device", "sim:cheap,ops=Relu|Neg|Add",
      "Relu x a;Sin a b;Neg a c;Add b,c y", "y", 2, 2, 2 },
    { "an output that a segment reads, too", "sim:cheap,ops=Relu", "Relu x a;Relu a b", "a b", 1, 1, 2 },
    { "an input is an output", "sim:cheap,ops=Relu", "Relu x a", "a x", 1, 1, 1 },
    { "the same value is an output twice", "sim:cheap,ops=Relu", "Relu x a;Relu a b", "b b", 1, 1, 1 },
    { "another shape inside a segment is not copied", "sim:cheap,ops=Relu|Neg", "Relu x a;Reshape a,s b;Neg b y", "y",
      1, 1, 1 },
    { "another shape behind one is made on the host", "sim:cheap,ops=Relu", "Relu x a;Reshape a,s b;Sin b y", "a y", 1,
      1, 1 },
    { "another shape of what comes from the host", "sim:cheap,ops=Relu", "Sin x a;Reshape a,s b;Relu b y", "y", 1, 1,
      1 },
    { "constants are no values", "sim:cheap,ops=Add", "Add x,k a;Add a,k y", "y", 1, 1, 1 },
    { "nothing fits", "sim:cheap,ops=Conv", "Relu x y", "y", 0, 0, 0 },
};

static ob *model_of(const known *k) {
    char copy[400], *save;
    float values[COLS];
    ob *b = ob_new(8, 17);
    ob_input(b, "x", TN_F32, "4,8");
    for (int i = 0; i < COLS; i++) values[i] = (float)i;
    ob_floats_init(b, "k", "8", values, COLS);
    ob_ints_init(b, "s", "2", (int64_t[]){ 8, 4 }, 2);
    snprintf(copy, sizeof copy, "%s", k->nodes);
    for (char *n = strtok_r(copy, ";", &save); n; n = strtok_r(NULL, ";", &save)) {
        char type[40], in[40], out[40], *at = type;
        snprintf(type, sizeof type, "%.*s", (int)strcspn(n, " "), n), n += strcspn(n, " ") + 1;
        snprintf(in, sizeof in, "%.*s", (int)strcspn(n, " "), n), n += strcspn(n, " ") + 1;
        snprintf(out, sizeof out, "%s", n);
        for (at = in; *at; at++) *at = *at == ',' ? ' ' : *at;
        ob_node(b, type, in, out);
    }
    snprintf(copy, sizeof copy, "%s", k->outputs);
    for (char *n = strtok_r(copy, " ", &save); n; n = strtok_r(NULL, " ", &save)) ob_output(b, n);
    return b;
}

static void known_copies(void **state) {
    (void)state;
    tn_tensor *x = numbers(ROWS, 1);
    const unsigned long bytes = ROWS * COLS * sizeof(float);
    for (size_t i = 0; i < TN_COUNT(knowns); i++) {
        const known *k = &knowns[i];
        rig r;
        open_model(&r, model_of(k));
        open_session(&r, k->device, false);
        for (int round = 0; round < 2; round++) expect_same(&r, list(&x), 1);
        const tn_offload *o = offload_of(&r);
        tn_sim_counts c = tn_sim_counts_of(r.d);
        const tn_device_use *u = r.s->device;
        unsigned long constants = strstr(k->nodes, ",k") ? 1 : 0;
        check((o ? o->n_programs : 0) == k->segments, "%s: %d segments\n", k->words, o ? o->n_programs : 0);
        check(c.events[TN_SIM_UPLOAD] == 2ul * (unsigned)k->up + constants, "%s: %lu uploads in two runs\n", k->words,
              c.events[TN_SIM_UPLOAD]);
        check(c.events[TN_SIM_DOWNLOAD] == 2ul * (unsigned)k->down, "%s: %lu downloads in two runs\n", k->words,
              c.events[TN_SIM_DOWNLOAD]);
        check(c.down_bytes == 2 * bytes * (unsigned)k->down, "%s: %zu bytes came down\n", k->words, c.down_bytes);
        assert_int_equal(c.events[TN_SIM_RUN], 2 * k->segments);
        assert_int_equal(u->uploads, 2 * k->up);
        assert_int_equal(u->up_bytes, 2 * bytes * (unsigned)k->up);
        assert_int_equal(u->downloads, 2 * k->down);
        assert_int_equal(u->runs, 2 * k->segments);
        assert_int_equal(u->faults, 0);
        close_session(&r);
        close_model(&r);
    }
    tn_tensor_free(&x);
}

/* ---------------------------------------------------------------------------------------------------- random models */

static const char *const unary[] = { "Relu", "Sin", "Neg", "Abs", "Tanh", "Softmax" };
static const char *const binary[] = { "Add", "Sub", "Mul", "Max" };

/* A branch that takes a value of the graph around it: nested plans have segments, too. */
static ob *branch(const char *type, const char *value) {
    ob *g = ob_graph();
    ob_node(g, type, value, "inner");
    ob_node(g, "Relu", "inner", "result");
    ob_output(g, "result");
    return g;
}

/* Values are [n, 8]; some go through another shape, a product with a constant, or what data decides. */
static void random_node(ob *b, int i, uint64_t *seed) {
    char in[60], out[20], middle[20];
    unsigned p = (unsigned)(test_random(seed) % (unsigned)i), q = (unsigned)(test_random(seed) % (unsigned)i);
    snprintf(out, sizeof out, "v%d", i);
    snprintf(middle, sizeof middle, "m%d", i);
    switch (test_random(seed) % 10) {
    case 0:
    case 1:
    case 2:
    case 3:
        snprintf(in, sizeof in, "v%u", p);
        ob_node(b, unary[test_random(seed) % TN_COUNT(unary)], in, out);
        return;
    case 4:
        snprintf(in, sizeof in, "v%u w", p);
        ob_node(b, "MatMul", in, out);
        return;
    case 5:
        snprintf(in, sizeof in, "v%u there", p);
        ob_node(b, "Reshape", in, middle);
        snprintf(in, sizeof in, "%s back", middle);
        ob_node(b, "Reshape", in, out);
        return;
    case 6: /* rows of ones, as many as there are: found while running */
        snprintf(in, sizeof in, "v%u rows", p);
        ob_node(b, "Gather", in, out);
        return;
    case 7:
        snprintf(in, sizeof in, "v%u", p);
        ob_node(b, "If", "small", out);
        ob_subgraph(b, "then_branch", branch("Sin", in));
        ob_subgraph(b, "else_branch", branch("Neg", in));
        return;
    default:
        snprintf(in, sizeof in, "v%u v%u", p, q);
        ob_node(b, binary[test_random(seed) % TN_COUNT(binary)], in, out);
    }
}

static ob *random_model(uint64_t *seed, const char *dims) {
    int n = 4 + (int)(test_random(seed) % 40), last = 1 + (int)(test_random(seed) % 4);
    float w[COLS * COLS];
    ob *b = ob_new(8, 17);
    ob_input(b, "v0", TN_F32, dims);
    for (int i = 0; i < COLS * COLS; i++) w[i] = (float)(int)(test_random(seed) % 9) / 16 - 0.25f;
    ob_floats_init(b, "w", "8,8", w, COLS * COLS);
    ob_ints_init(b, "there", "3", (int64_t[]){ -1, 2, 4 }, 3);
    ob_ints_init(b, "back", "2", (int64_t[]){ -1, 8 }, 2);
    ob_node(b, "Abs", "v0", "positive");
    ob_node(b, "ReduceMax", "positive", "most"), ob_ints(b, "axes", (int64_t[]){ 1 }, 1), ob_int(b, "keepdims", 0);
    ob_node(b, "Add", "most most", "some"); /* more than 0 */
    ob_node(b, "NonZero", "some", "places");
    ob_ints_init(b, "flat", "1", (int64_t[]){ -1 }, 1);
    ob_node(b, "Reshape", "places flat", "rows");
    ob_ints_init(b, "first", "", (int64_t[]){ 0 }, 1);
    ob_floats_init(b, "limit", "", (float[]){ 1.9f }, 1);
    ob_node(b, "Gather", "most first", "top");
    ob_node(b, "Less", "top limit", "small");
    for (int i = 1; i <= n; i++) random_node(b, i, seed);
    for (int i = 0; i < last; i++) {
        char name[20];
        snprintf(name, sizeof name, "v%d", n - i * (n / 4));
        ob_output(b, name);
    }
    return b;
}

static void random_models(void **state) {
    (void)state;
    uint64_t seed = 21;
    int segments = 0, rounds = TN_ASAN ? 60 : 200;
    for (int round = 0; round < rounds; round++) {
        char device[60];
        rig r;
        tn_tensor *x = numbers(ROWS, (unsigned)round + 1);
        open_model(&r, random_model(&seed, "4,8"));
        snprintf(device, sizeof device, "sim:some=%d,cheap", round);
        open_session(&r, device, false);
        for (int i = 0; i < 2; i++) expect_same(&r, list(&x), 1);
        if (offload_of(&r)) segments += offload_of(&r)->n_programs;
        assert_int_equal(r.s->device->faults, 0);
        close_session(&r);
        close_model(&r);
        tn_tensor_free(&x);
    }
    check(segments > rounds, "%d segments in %d models\n", segments, rounds);
}

/* As users have it: optimised, with and without forms for the CPU, sizes that change from call to call. */
static void optimised_and_of_any_size(void **state) {
    (void)state;
    uint64_t seed = 22;
    static const char *const devices[] = { "sim:cheap", "sim:cheap,plain", "sim:cheap,some=5", "sim" };
    for (int round = 0; round < 24; round++) {
        rig r;
        tn_session_opts o = on(devices[round % 4], false), plain = on(NULL, false);
        tn_session *cpu;
        o.no_optimize = plain.no_optimize = 0;
        open_model(&r, random_model(&seed, "n,8"));
        check_ok(tn_device_open(o.device, &r.d));
        check_ok(tn_session_new(r.m, &o, &r.s));
        check_ok(tn_session_new(r.m, &plain, &cpu));
        for (int run = 0; run < 8; run++) {
            tn_tensor *x = numbers(1 + run % 5, (unsigned)run + 1), *have[MOST_OUT], *want[MOST_OUT];
            size_t n = tn_model_outputs(r.m);
            check_ok(tn_session_run(r.s, 1, list(&x), n, have));
            check_ok(tn_session_run(cpu, 1, list(&x), n, want));
            for (size_t i = 0; i < n; i++) assert_memory_equal(have[i]->data, want[i]->data, tn_tensor_bytes(want[i]));
            free_all(have, (int)n);
            free_all(want, (int)n);
            tn_tensor_free(&x);
        }
        tn_session_free(&cpu);
        close_session(&r);
        close_model(&r);
    }
}

/* ----------------------------------------------------------------------------------------------------------- faults */

/* Two segments with the CPU between them, a constant, a scratch value, and a loop whose body has a segment. */
static ob *faulty_model(void) {
    ob *g = ob_graph(), *b = ob_new(8, 17);
    float w[COLS * COLS];
    for (int i = 0; i < COLS * COLS; i++) w[i] = (float)(i % 5) / 8;
    ob_input(g, "i", TN_I64, "");
    ob_input(g, "go", TN_BOOL, "");
    ob_input(g, "v", TN_F32, "4,8");
    ob_node(g, "Relu", "v", "u");
    ob_node(g, "Cos", "u", "t");
    ob_node(g, "Relu", "t", "n");
    ob_output(g, "go");
    ob_output(g, "n");
    ob_input(b, "x", TN_F32, "4,8");
    ob_floats_init(b, "w", "8,8", w, COLS * COLS);
    ob_ints_init(b, "trips", "", (int64_t[]){ 2 }, 1);
    ob_node(b, "MatMul", "x w", "a");
    ob_node(b, "Relu", "a", "c");
    ob_node(b, "Sin", "c", "d");
    ob_node(b, "MatMul", "d w", "e");
    ob_node(b, "Loop", "trips _ e", "f"), ob_subgraph(b, "body", g);
    ob_output(b, "f");
    ob_output(b, "c");
    return b;
}

static const char *const event_words[] = {
#define X(id, name) [TN_SIM_##id] = name,
    TN_SIM_EVENTS(X)
#undef X
};

/* One fault: a right result without require_device, else an error that names device and cause. returns whether the
 * fault came about. */
static bool try_fault(const rig *model, const tn_tensor *x, int event, unsigned n, const char *tail, bool require) {
    char spec[80], cause[60];
    rig r = *model;
    tn_tensor *out[2] = { NULL, NULL };
    snprintf(spec, sizeof spec, "sim:cheap,ops=MatMul|Relu,fail=%s:%u%s", event_words[event], n, tail);
    snprintf(cause, sizeof cause, *tail == '+' ? "%s number" : "%s number %u", event_words[event], n);
    size_t before = tn_mem_stats_all().now;
    if (event == TN_SIM_OPEN) { /* nobody else may open it */
        tn_session_opts o = on(spec, require);
        tn_status st = tn_session_new(r.m, &o, &r.s);
        assert_int_equal(st, require && n == 1 ? TN_E_DEVICE : TN_OK);
        if (st == TN_OK && n == 1) expect_same(&r, &x, 1);
        tn_session_free(&r.s);
        return n == 1;
    }
    open_session(&r, spec, require);
    if (require) {
        tn_status st = tn_session_run(r.s, 1, &x, 2, out);
        bool host = (event == TN_SIM_HOST && *tail != ',') ||
                    tn_sim_counts_of(r.d).events[event] < n; /* the heap serves as well */
        bool either = event == TN_SIM_ALLOC && !*tail;       /* the next attempt may succeed */
        check(host ? st == TN_OK : st == TN_E_DEVICE || (either && st == TN_OK), "%s: %s, %s\n", spec,
              tn_status_name(st), tn_error());
        if (st != TN_OK)
            check((strstr(tn_error(), cause) || (tail[0] == ',' && strstr(tn_error(), "it is lost"))) &&
                      strstr(tn_error(), "'sim'"),
                  "%s: %s\n", spec, tn_error());
        free_all(out, 2);
    } else {
        for (int i = 0; i < 5; i++) expect_same(&r, &x, 1);
    }
    bool came = tn_sim_counts_of(r.d).events[event] >= n;
    bool counted = r.s->device->faults > 0;
    bool helped = event == TN_SIM_HOST || (event == TN_SIM_ALLOC && !*tail);
    if (came && !require && !helped) check(counted, "%s is not counted\n", spec);
    close_session(&r);
    check(tn_mem_stats_all().now == before, "%s: %zu bytes are lost\n", spec, tn_mem_stats_all().now - before);
    return came;
}

static void every_fault(void **state) {
    (void)state;
    rig model;
    tn_tensor *x = numbers(ROWS, 3);
    int tried = 0;
    tn_log_set(TN_LOG_ERROR);
    open_model(&model, faulty_model());
    for (int event = 0; event < TN_SIM_EVENT_COUNT; event++)
        for (int require = 0; require < 2; require++) {
            unsigned n = 1;
            for (; n < 60 && try_fault(&model, x, event, n, "", require); n++) tried++;
            check(n > 1, "no %s ever happens\n", event_words[event]);
            (void)try_fault(&model, x, event, 2, "+", require);
            (void)try_fault(&model, x, event, 2, ",lost", require);
        }
    check(tried > 80, "%d faults tried\n", tried);
    close_model(&model);
    tn_tensor_free(&x);
    tn_log_set(TN_LOG_WARN);
}

/* After three runs in a row that failed, or when the device is lost, it is left alone. */
static void gives_up(void **state) {
    (void)state;
    rig r;
    tn_tensor *x = numbers(ROWS, 3);
    tn_log_set(TN_LOG_ERROR);
    open_model(&r, faulty_model());
    for (int lost = 0; lost < 2; lost++) {
        open_session(&r, lost ? "sim:cheap,ops=MatMul,fail=run:1,lost" : "sim:cheap,ops=MatMul,fail=run:1+", false);
        for (int i = 0; i < 6; i++) expect_same(&r, list(&x), 1);
        assert_int_equal(r.s->device->faults, lost ? 1 : 3);
        assert_int_equal(tn_sim_counts_of(r.d).events[TN_SIM_RUN], lost ? 1 : 3);
        assert_true(r.s->device->off);
        close_session(&r);
    }
    close_model(&r);
    tn_tensor_free(&x);
    tn_log_set(TN_LOG_WARN);
}

/* What the CPU refuses is refused with the CPU's words, and is no fault of the device. */
static void errors_of_the_data(void **state) {
    (void)state;
    ob *b = ob_new(8, 17);
    ob_input(b, "x", TN_F32, "4,8");
    ob_input(b, "i", TN_I64, "2");
    ob_node(b, "Relu", "x", "a");
    ob_node(b, "Gather", "a i", "y"), ob_name(b, "pick");
    ob_output(b, "y");
    rig r;
    tn_tensor *in[2] = { numbers(ROWS, 3) }, *y = (void *)1;
    check_ok(tn_tensor_new(TN_I64, 1, (int64_t[]){ 2 }, &in[1]));
    tn_log_set(TN_LOG_ERROR);
    open_model(&r, b);
    open_session(&r, "sim:cheap", false);
    expect_same(&r, list(in), 2);
    ((int64_t *)in[1]->data)[1] = 9;
    for (int i = 0; i < 4; i++) check_fails(tn_session_run(r.s, 2, list(in), 1, &y), TN_E_INVALID, "'pick'");
    assert_null(y);
    assert_true(r.s->device->faults == 0 && !r.s->device->off);
    close_session(&r);
    open_session(&r, "sim:cheap", true);
    check_fails(tn_session_run(r.s, 2, list(in), 1, &y), TN_E_DEVICE, "'pick'");
    ((int64_t *)in[1]->data)[1] = 2;
    expect_same(&r, list(in), 2);
    close_session(&r);
    close_model(&r);
    free_all(in, 2);
    tn_log_set(TN_LOG_WARN);
}

static void too_little_memory(void **state) {
    (void)state;
    rig r;
    tn_tensor *x = numbers(ROWS, 3), *out[2];
    tn_log_set(TN_LOG_ERROR);
    open_model(&r, faulty_model());
    for (int bytes = 1; bytes < 3000; bytes += 97) {
        char spec[60];
        snprintf(spec, sizeof spec, "sim:cheap,memory=%d", bytes);
        open_session(&r, spec, false);
        for (int i = 0; i < 2; i++) expect_same(&r, list(&x), 1);
        check(tn_sim_counts_of(r.d).bytes <= (size_t)bytes, "%zu bytes of %d\n", tn_sim_counts_of(r.d).bytes, bytes);
        close_session(&r);
    }
    open_session(&r, "sim:cheap,memory=100", true);
    check_fails(tn_session_run(r.s, 1, list(&x), 2, out), TN_E_DEVICE, "and it has no more than 100");
    close_session(&r);
    open_session(&r, "sim:cheap,ops=Relu,memory=300", true);
    check_fails(tn_session_run(r.s, 1, list(&x), 2, out), TN_E_DEVICE,
                "its segments need 320 bytes, and it has no more");
    close_session(&r);
    open_session(&r, "sim:cheap,ops=Relu,memory=300", false);
    for (int i = 0; i < 5; i++) expect_same(&r, list(&x), 1);
    assert_true(r.s->device->faults > 0 && !r.s->device->off);
    assert_int_equal(tn_sim_counts_of(r.d).events[TN_SIM_COMPILE], 3); /* once, however often it runs */
    close_session(&r);
    close_model(&r);
    tn_tensor_free(&x);
    tn_log_set(TN_LOG_WARN);
}

/* Every allocation of a session's life fails in turn: the right result, or no memory, and nothing is lost. */
static void without_memory(void **state) {
    (void)state;
    rig r;
    tn_tensor *x = numbers(ROWS, 3), *want[2], *out[2];
    tn_session_opts o = on("sim:cheap,ops=MatMul|Relu", false), plain = on(NULL, false);
    tn_log_set(TN_LOG_ERROR);
    open_model(&r, faulty_model());
    check_ok(tn_session_new(r.m, &plain, &r.s));
    check_ok(tn_session_run(r.s, 1, list(&x), 2, want));
    tn_session_free(&r.s);
    size_t before = tn_mem_stats_all().now;
    unsigned long n = 1, good = 0;
    for (bool failed = true; failed; n += 1 + n / (TN_ASAN ? 20 : 60)) {
        tn_mem_fail_once(n);
        tn_status st = tn_session_new(r.m, &o, &r.s);
        if (st == TN_OK) st = tn_session_run(r.s, 1, list(&x), 2, out);
        failed = tn_mem_failed_once();
        tn_mem_fail_once(0);
        check(st == TN_OK || st == TN_E_NOMEM, "allocation %lu: %s, %s\n", n, tn_status_name(st), tn_error());
        for (int i = 0; i < 2 && st == TN_OK; i++)
            assert_memory_equal(out[i]->data, want[i]->data, tn_tensor_bytes(want[i]));
        good += st == TN_OK;
        if (st == TN_OK) free_all(out, 2);
        tn_session_free(&r.s);
        check(tn_mem_stats_all().now == before, "allocation %lu: %zu bytes are lost\n", n,
              tn_mem_stats_all().now - before);
    }
    check(n > 100 && good > 3, "%lu allocations, %lu right results\n", n, good);
    free_all(want, 2);
    close_model(&r);
    tn_tensor_free(&x);
    tn_log_set(TN_LOG_WARN);
}

/* Sizes of 0 go there and back, too. */
static void nothing_to_do(void **state) {
    (void)state;
    ob *b = ob_new(8, 17);
    ob_input(b, "x", TN_F32, "n,8");
    ob_node(b, "Relu", "x", "a");
    ob_node(b, "Sin", "a", "c");
    ob_node(b, "Relu", "c", "y");
    ob_output(b, "y");
    ob_output(b, "a");
    rig r;
    open_model(&r, b);
    open_session(&r, "sim:ops=Relu", true);
    for (int n = 0; n < 3; n++) {
        tn_tensor *x = numbers(n, 1);
        expect_same(&r, list(&x), 1);
        tn_tensor_free(&x);
    }
    close_session(&r);
    close_model(&r);
}

/* ------------------------------------------------------------------------------------------------------ overlapping */

enum { SLOW_MS = 40 };

/* An operator of the CPU that takes its time, however busy the machine is: it waits. */
static tn_status slow_decoder(void *user, const void *data, size_t bytes, tn_tensor **rgb) {
    (void)user, (void)data, (void)bytes;
    struct timespec t = { .tv_nsec = SLOW_MS * 1000000 };
    nanosleep(&t, NULL);
    return tn_tensor_new(TN_U8, 3, (int64_t[]){ 1, 1, 3 }, rgb);
}

/* The least time of a run on that device, once it is little enough. */
static double least_ms(const tn_model *m, const char *device, double enough, const tn_tensor *const *in) {
    tn_session *s;
    tn_tensor *out[2];
    tn_session_opts o = on(device, false);
    double least = 1e9;
    check_ok(tn_session_new(m, &o, &s));
    for (int i = 0; i < 20 && least > enough; i++) {
        double t0 = tn_clock_s();
        check_ok(tn_session_run(s, 2, in, 2, out));
        double ms = (tn_clock_s() - t0) * 1e3;
        if (ms < least) least = ms;
        free_all(out, 2);
    }
    tn_session_free(&s);
    return least;
}

/* x goes to the device for 40 ms in all; the picture takes the CPU as long. Done side by side they take little more
 * than one of them: while a segment runs, and while values go up and down. */
static void overlap(void **state) {
    (void)state;
    ob *b = ob_new(10, 20);
    ob_input(b, "x", TN_F32, "4,8");
    ob_input(b, "file", TN_U8, "4");
    ob_node(b, "ImageDecoder", "file", "picture");
    ob_node(b, "Relu", "x", "a");
    ob_node(b, "Cos", "a", "y");
    ob_output(b, "picture");
    ob_output(b, "y");
    rig r;
    open_model(&r, b);
    tn_tensor *in[2] = { numbers(ROWS, 3) };
    check_ok(tn_tensor_new(TN_U8, 1, (int64_t[]){ 4 }, &in[1]));
    memset(in[1]->data, 1, 4);
    tn_set_image_decoder(slow_decoder, NULL);
    static const char *const devices[] = { "sim:cheap,ops=Relu,run_us=40000", "sim:cheap,ops=Relu,copy_us=20000",
                                           "sim:cheap,ops=Relu,copy_us=13333,run_us=13334" };
    for (size_t i = 0; i < TN_COUNT(devices); i++) {
        double both = least_ms(r.m, devices[i], SLOW_MS * 1.5, list(in));
        check(both >= SLOW_MS, "%s: %.1f ms, less than the device takes\n", devices[i], both);
        check(both < SLOW_MS * 1.6, "%s: %.1f ms, where either takes %d alone\n", devices[i], both, SLOW_MS);
    }
    tn_set_image_decoder(NULL, NULL);
    close_model(&r);
    free_all(in, 2);
}

/* Values go up as soon as they are there, not when they are read; a wait comes no sooner than somebody reads. */
static void early_and_late(void **state) {
    (void)state;
    rig r;
    tn_tensor *x = numbers(ROWS, 1);
    const known k = { .nodes = "Sin x a;Cos a b;Tanh b c;Add a,b d;Sin c e;Neg d y", .outputs = "e y" };
    open_model(&r, model_of(&k));
    open_session(&r, "sim:cheap,ops=Add", true);
    expect_same(&r, list(&x), 1);
    const tn_plan *p = r.s->plans;
    const tn_offload *o = p->offload;
    assert_int_equal(p->n_steps, 6);
    assert_int_equal(o->segments[0].step, 2); /* as early as can be */
    for (int i = 0; i < o->n_remotes; i++) {
        const char *name = p->slots[o->remotes[i].slot].value->name;
        int want = !strcmp(name, "a") ? 1 : !strcmp(name, "b") ? 2 : -1;
        check(o->remotes[i].up == want, "%s goes up before step %d\n", name, o->remotes[i].up);
    }
    for (int i = 0; i < p->n_steps; i++) check(o->waits[i] == (i == 5), "step %d waits\n", i);
    close_session(&r);
    close_model(&r);
    tn_tensor_free(&x);
}

/* What the host makes for the device, and takes from it, lies in memory that copies are fast from. */
static void pinned(void **state) {
    (void)state;
    rig r;
    tn_tensor *x = numbers(ROWS, 1);
    const known k = { .nodes = "Sin x a;Relu a b;Transpose b y", .outputs = "y" };
    open_model(&r, model_of(&k));
    open_session(&r, "sim:cheap,ops=Relu", true);
    expect_same(&r, list(&x), 1);
    assert_int_equal(tn_sim_counts_of(r.d).pinned, 2);
    assert_int_equal(tn_sim_counts_of(r.d).hosts, 1);
    close_session(&r);
    close_model(&r);
    tn_tensor_free(&x);
}

/* Who waits for a device that takes a minute stops when told to, and the session goes on. */
static void stopping(void **state) {
    (void)state;
    rig r;
    tn_tensor *x = numbers(ROWS, 3), *out[2];
    open_model(&r, faulty_model());
    static const char *const slow[] = { "sim:cheap,ops=MatMul|Relu,run_us=60000000",
                                        "sim:cheap,ops=MatMul|Relu,copy_us=60000000" };
    for (int i = 0; i < 2; i++) {
        if (i) continue; /* constants are copied while the plan is made: below */
        open_session(&r, slow[i], i == 0);
        for (int n = 0; n < 3; n++) {
            tn_run_opts o = { .size = sizeof o, .timeout_ns = 30000000 };
            double t0 = tn_clock_s();
            check_fails(tn_session_run_with(r.s, &o, 1, list(&x), 2, out), TN_E_LIMIT, "30 ms");
            double ms = (tn_clock_s() - t0) * 1e3;
            check(ms < 1000, "stopped after %.1f ms\n", ms);
        }
        assert_int_equal(r.s->device->faults, 0);
        close_session(&r);
    }
    open_session(&r, slow[1], false);
    int flag = 1;
    tn_run_opts o = { .size = sizeof o, .timeout_ns = 30000000 };
    double t0 = tn_clock_s();
    check_fails(tn_session_run_with(r.s, &o, 1, list(&x), 2, out), TN_E_LIMIT, "30 ms");
    o.cancel = &flag;
    check_fails(tn_session_run_with(r.s, &o, 1, list(&x), 2, out), TN_E_CANCELLED, "cancelled");
    check(tn_clock_s() - t0 < 1, "stopped after %.3f s\n", tn_clock_s() - t0);
    close_session(&r);
    close_model(&r);
    tn_tensor_free(&x);
}

/* ------------------------------------------------------------------------------------------------ sessions, threads */

/* Constants of a model are on the device once, for all plans and sessions. */
static void constants_are_shared(void **state) {
    (void)state;
    ob *b = ob_new(8, 17);
    float w[COLS] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    ob_input(b, "x", TN_F32, "n,8");
    ob_floats_init(b, "w", "8", w, COLS);
    ob_node(b, "Mul", "x w", "a");
    ob_node(b, "Add", "a w", "y");
    ob_output(b, "y");
    rig r, other;
    open_model(&r, b);
    open_session(&r, "sim:cheap", true);
    other = r;
    tn_session_opts o = on("sim:cheap", true);
    check_ok(tn_session_new(r.m, &o, &other.s));
    for (int n = 1; n <= 3; n++) {
        tn_tensor *x = numbers(n, 1);
        expect_same(&r, list(&x), 1);
        expect_same(&other, list(&x), 1);
        tn_tensor_free(&x);
    }
    tn_sim_counts c = tn_sim_counts_of(r.d);
    assert_int_equal(c.events[TN_SIM_UPLOAD], 6 + 1);
    assert_int_equal(c.programs, 6);
    tn_session_free(&other.s);
    close_session(&r);
    close_model(&r);
}

typedef struct {
    rig *r;
    unsigned seed;
    bool good;
} runner;

static void *run_often(void *arg) {
    runner *x = arg;
    tn_session *cpu;
    tn_session_opts o = on(NULL, false);
    size_t n = tn_model_outputs(x->r->m);
    x->good = tn_session_new(x->r->m, &o, &cpu) == TN_OK;
    for (unsigned i = 0; i < 30 && x->good; i++) {
        tn_tensor *in = NULL, *have[MOST_OUT] = { NULL }, *want[MOST_OUT] = { NULL };
        int64_t rows = 1 + (x->seed + i) % 3;
        x->good = tn_tensor_new(TN_F32, 2, (int64_t[]){ rows, COLS }, &in) == TN_OK;
        for (int64_t k = 0; k < rows * COLS; k++) ((float *)in->data)[k] = (float)((k * 7 + i + x->seed) % 11) - 5;
        x->good = x->good && tn_session_run(x->r->s, 1, list(&in), n, have) == TN_OK &&
                  tn_session_run(cpu, 1, list(&in), n, want) == TN_OK;
        for (size_t k = 0; k < n && x->good; k++)
            x->good = !memcmp(have[k]->data, want[k]->data, tn_tensor_bytes(want[k]));
        if (i == 20) tn_session_trim(x->r->s);
        free_all(have, (int)n);
        free_all(want, (int)n);
        tn_tensor_free(&in);
    }
    tn_session_free(&cpu);
    return NULL;
}

static void several_threads(void **state) {
    (void)state;
    enum { THREADS = 4 };
    uint64_t seed = 23;
    static const char *const devices[] = { "sim:cheap,some=1", "sim:cheap,some=2,fail=run:40",
                                           "sim:cheap,some=3,fail=upload:30+", "sim:cheap,some=4,memory=6000" };
    tn_log_set(TN_LOG_ERROR);
    for (size_t k = 0; k < TN_COUNT(devices); k++) {
        rig r;
        pthread_t t[THREADS];
        runner x[THREADS];
        open_model(&r, random_model(&seed, "n,8"));
        open_session(&r, devices[k], false);
        for (int i = 0; i < THREADS; i++) {
            x[i] = (runner){ .r = &r, .seed = (unsigned)i };
            assert_int_equal(pthread_create(&t[i], NULL, run_often, &x[i]), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(t[i], NULL);
            check(x[i].good, "%s, thread %d: %s\n", devices[k], i, tn_error());
        }
        close_session(&r);
        close_model(&r);
    }
    tn_log_set(TN_LOG_WARN);
}

/* Ranges are for exact plans then: any size within and without gives what the CPU gives. */
static void given_ranges(void **state) {
    (void)state;
    uint64_t seed = 24;
    rig r;
    open_model(&r, random_model(&seed, "n,8"));
    tn_shape_range range = { .input = "v0", .rank = 2, .min = (int64_t[]){ 1, 8 }, .max = (int64_t[]){ 6, 8 } };
    tn_session_opts o = on("sim:cheap,some=9", false);
    o.ranges = &range, o.n_ranges = 1;
    check_ok(tn_device_open(o.device, &r.d));
    check_ok(tn_session_new(r.m, &o, &r.s));
    for (int n = 1; n < 9; n++) {
        tn_tensor *x = numbers(n, (unsigned)n);
        expect_same(&r, list(&x), 1);
        tn_tensor_free(&x);
    }
    close_session(&r);
    range.input = "nobody";
    check_fails(tn_session_new(r.m, &o, &r.s), TN_E_NOT_FOUND, "nobody");
    close_model(&r);
}

static void refused(void **state) {
    (void)state;
    rig r;
    tn_tensor *x = numbers(ROWS, 1), *y;
    tn_log_set(TN_LOG_ERROR);
    open_model(&r, model_of(&knowns[0]));
    static const struct {
        const char *device, *words;
        tn_status st;
    } wrong[] = {
        { "abacus", "there is no device 'abacus'; there are: cpu, sim", TN_E_NOT_FOUND },
        { "sim:ops", "ops wants a value", TN_E_INVALID },
        { "sim:ops=Relu,memory=lots", "'lots' is no number", TN_E_INVALID },
        { "sim:cheap=1", "a flag has no value", TN_E_INVALID },
        { "sim:speed=9", "no option 'speed'", TN_E_INVALID },
        { "sim:fail=heart:1", "not 'heart:1'", TN_E_INVALID },
        { "sim:fail=run", "not 'run'", TN_E_INVALID },
        { "sim:fail=run:+", "is no number", TN_E_INVALID },
        { "sim:run_us=99999999999", "no delay is longer", TN_E_INVALID },
    };
    for (size_t i = 0; i < TN_COUNT(wrong); i++) {
        tn_session_opts o = on(wrong[i].device, i % 2);
        check_fails(tn_session_new(r.m, &o, &r.s), wrong[i].st, wrong[i].words);
    }
    tn_session_opts o = on("sim:ops=Conv", true);
    check_ok(tn_session_new(r.m, &o, &r.s));
    check_fails(tn_session_run(r.s, 1, list(&x), 1, &y), TN_E_DEVICE, "kernel for none of the 3 nodes: Relu");
    tn_session_free(&r.s);
    o = on("CPU", true);
    check_ok(tn_session_new(r.m, &o, &r.s));
    assert_null(r.s->device);
    expect_same(&r, list(&x), 1);
    tn_session_free(&r.s);
    close_model(&r);
    tn_tensor_free(&x);
    tn_log_set(TN_LOG_WARN);
}

/* In a child the parent's device is lost; sessions go on without it, and new ones have one of their own. */
static void after_fork(void **state) {
    (void)state;
    if (TN_ASAN || FORK_IS_WATCHED) skip();
    rig r;
    tn_tensor *x = numbers(ROWS, 1);
    open_model(&r, faulty_model());
    open_session(&r, "sim:cheap", false);
    expect_same(&r, list(&x), 1);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(20);
        tn_log_set(TN_LOG_ERROR);
        tn_session *own = NULL;
        tn_tensor *out[2], *mine[2];
        tn_session_opts o = on("sim:cheap", true);
        bool good = tn_session_run(r.s, 1, list(&x), 2, out) == TN_OK && r.s->device->off;
        good = good && tn_session_new(r.m, &o, &own) == TN_OK && tn_session_run(own, 1, list(&x), 2, mine) == TN_OK;
        good = good && !memcmp(out[0]->data, mine[0]->data, tn_tensor_bytes(out[0]));
        tn_session_free(&own);
        tn_session_free(&r.s);
        _exit(good ? 0 : 1);
    }
    int status;
    waitpid(pid, &status, 0);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %d\n", status);
    expect_same(&r, list(&x), 1);
    close_session(&r);
    close_model(&r);
    tn_tensor_free(&x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_copies),
        cmocka_unit_test(random_models),
        cmocka_unit_test(optimised_and_of_any_size),
        cmocka_unit_test(every_fault),
        cmocka_unit_test(gives_up),
        cmocka_unit_test(errors_of_the_data),
        cmocka_unit_test(too_little_memory),
        cmocka_unit_test(without_memory),
        cmocka_unit_test(nothing_to_do),
        cmocka_unit_test(overlap),
        cmocka_unit_test(early_and_late),
        cmocka_unit_test(pinned),
        cmocka_unit_test(stopping),
        cmocka_unit_test(constants_are_shared),
        cmocka_unit_test(several_threads),
        cmocka_unit_test(given_ranges),
        cmocka_unit_test(refused),
        cmocka_unit_test(after_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
