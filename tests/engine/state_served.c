/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state_served.c - runs of several states as a server makes them: submitted, side by side with one pool, with memory
 * that runs out anywhere; and what a session says of runs with states, its profile and its timings. */
#include "base/mem.h"
#include "engine/session.h"
#include "engine/tune.h"
#include "lib/onnx_build.h"
#include "lib/state_models.h"
#include <pthread.h>
#include <string.h>

enum { TOGETHER = 2, STEPS = 4 };

static void give(const both *b, int64_t past, tn_tensor **in) {
    for (size_t i = 0; i < b->n_in; i++) {
        tn_value_info v;
        check_ok(tn_model_input(b->m, i, &v));
        in[i] = state_given(v.name, TOGETHER, 1, past);
    }
}

/* A step of both, whose sentences are of one length. */
static tn_status step(both *b, tn_state *const *states, tn_tensor **in, bool submit, tn_tensor **y) {
    tn_tensor *out[MOST] = { 0 };
    tn_ticket *t;
    tn_run_opts o = { .size = sizeof o, .states = states, .n_states = TOGETHER };
    const tn_tensor *const *given = (const tn_tensor *const *)in;
    tn_status st;
    *y = NULL;
    if (submit) {
        check_ok(tn_session_submit(b->s, &o, b->n_in, given, b->n_out, out, NULL, NULL, &t));
        st = tn_ticket_wait(t, UINT64_MAX);
        tn_ticket_free(&t);
    } else {
        st = tn_session_run_with(b->s, &o, b->n_in, given, b->n_out, out);
    }
    for (size_t i = 0; i < b->n_out; i++)
        if (out[i]) *y = out[i];
    return st;
}

static void begin(both *b, const tn_state_opts *o, tn_state **states) {
    for (int i = 0; i < TOGETHER; i++) check_ok(tn_state_new(b->s, o, &states[i]));
}

static void submitted_as_called(void **state) {
    (void)state;
    tn_state_opts o = { .size = sizeof o, .block = 3 };
    for (size_t k = 0; k < STATE_MODELS; k++) {
        both b;
        tn_text file;
        tn_state *states[2][TOGETHER];
        state_start(&b, &state_models[k], &file, 1, &o);
        begin(&b, &o, states[0]), begin(&b, &o, states[1]);
        for (int past = 0; past < STEPS; past++) {
            tn_tensor *in[MOST], *y[2];
            give(&b, past, in);
            for (int i = 0; i < 2; i++) check_ok(step(&b, states[i], in, i, &y[i]));
            assert_memory_equal(y[0]->data, y[1]->data, tn_tensor_bytes(y[0]));
            for (size_t i = 0; i < b.n_in; i++) tn_tensor_free(&in[i]);
            tn_tensor_free(&y[0]), tn_tensor_free(&y[1]);
        }
        for (int i = 0; i < 2 * TOGETHER; i++) tn_state_free(&states[i / TOGETHER][i % TOGETHER]);
        state_stop(&b, &file);
    }
}

/* Some steps of new states, the second one a fork after the first step. */
static tn_status life(both *b, const tn_state_opts *o, tn_tensor *(*in)[MOST]) {
    tn_state *states[TOGETHER] = { 0 };
    tn_tensor *y;
    tn_status st = TN_OK;
    for (int i = 0; i < TOGETHER && st == TN_OK; i++) st = tn_state_new(b->s, o, &states[i]);
    for (int past = 0; past < STEPS && st == TN_OK; past++) {
        int64_t length = tn_state_length(states[0]);
        if (past == 2) tn_state_free(&states[1]), st = tn_state_fork(states[0], &states[1]);
        if (st == TN_OK) st = step(b, states, in[past], false, &y);
        if (st != TN_OK) assert_int_equal(tn_state_length(states[0]), length);
        if (st == TN_OK) tn_tensor_free(&y);
    }
    for (int i = 0; i < TOGETHER; i++) tn_state_free(&states[i]);
    return st;
}

static void each_allocation_may_fail(void **state) {
    (void)state;
    for (size_t k = 0; k < STATE_MODELS; k += k == 0 ? 4 : 1) {
        both b;
        tn_text file;
        tn_state_pool *pool;
        tn_state_pool_info info;
        check_ok(tn_state_pool_new(1 << 24, &pool));
        tn_state_opts o = { .size = sizeof o, .block = 2, .pool = pool };
        state_start(&b, &state_models[k], &file, 1, &o);
        tn_tensor *in[STEPS][MOST];
        for (int past = 0; past < STEPS; past++) give(&b, past, in[past]);
        check_ok(life(&b, &o, in));
        int failures = 0;
        bool hit = true;
        for (unsigned long n = 1; hit && n < 4000; n++) {
            tn_mem_fail_once(n);
            tn_status st = life(&b, &o, in);
            hit = tn_mem_failed_once();
            tn_mem_fail_once(0);
            failures += st != TN_OK;
            check(st == TN_OK || st == TN_E_NOMEM, "%s: %s\n", state_models[k].name, tn_error());
            check_ok(tn_state_pool_describe(pool, &info));
            check(info.used == 0 && info.blocks == 0, "%s: a failure left blocks\n", state_models[k].name);
        }
        check(!hit && failures > 5, "%s: %d failures\n", state_models[k].name, failures);
        for (size_t i = 0; i < STEPS * b.n_in; i++) tn_tensor_free(&in[i / b.n_in][i % b.n_in]);
        state_stop(&b, &file);
        tn_state_pool_free(&pool);
    }
}

typedef struct {
    both *b;
    tn_state *states[TOGETHER];
    tn_tensor *y[STEPS];
} worker;

static void *work(void *arg) {
    worker *w = arg;
    for (int i = 0; i < STEPS; i++) {
        tn_tensor *in[MOST];
        give(w->b, i + 1, in);
        check_ok(step(w->b, w->states, in, false, &w->y[i]));
        for (size_t k = 0; k < w->b->n_in; k++) tn_tensor_free(&in[k]);
    }
    return NULL;
}

/* Runs of forks of the same two states, all with blocks of one pool. */
static void side_by_side(void **state) {
    (void)state;
    enum { THREADS = 3 };
    for (size_t k = 0; k < STATE_MODELS; k++) {
        both b;
        tn_text file;
        worker w[THREADS];
        pthread_t t[THREADS];
        tn_state_pool *pool;
        tn_state_pool_info info;
        tn_tensor *in[MOST], *y;
        check_ok(tn_state_pool_new(1 << 24, &pool));
        tn_state_opts o = { .size = sizeof o, .block = 4, .pool = pool };
        state_start(&b, &state_models[k], &file, 1, &o);
        w[0] = (worker){ .b = &b };
        begin(&b, &o, w[0].states);
        give(&b, 0, in);
        check_ok(step(&b, w[0].states, in, false, &y)); /* blocks to share */
        tn_tensor_free(&y);
        for (size_t i = 0; i < b.n_in; i++) tn_tensor_free(&in[i]);
        for (int i = 1; i < THREADS; i++) {
            w[i] = (worker){ .b = &b };
            for (int n = 0; n < TOGETHER; n++) check_ok(tn_state_fork(w[0].states[n], &w[i].states[n]));
        }
        for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&t[i], NULL, work, &w[i]), 0);
        for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
        for (int n = 0; n < STEPS; n++)
            for (int i = THREADS - 1; i >= 0; i--) {
                assert_memory_equal(w[i].y[n]->data, w[0].y[n]->data, tn_tensor_bytes(w[0].y[n]));
                tn_tensor_free(&w[i].y[n]);
            }
        for (int i = 0; i < THREADS * TOGETHER; i++) tn_state_free(&w[i / TOGETHER].states[i % TOGETHER]);
        check_ok(tn_state_pool_describe(pool, &info));
        assert_int_equal(info.used, 0);
        state_stop(&b, &file);
        tn_state_pool_free(&pool);
    }
}

/* Nodes of runs with states are in the session's profile. */
static void profiled(void **state) {
    (void)state;
    both b = { 0 };
    tn_text file;
    tn_profile_row *rows;
    size_t n, attention = 0;
    b.m = state_models[POSITIONED_MODELS].make(&file);
    b.n_in = tn_model_inputs(b.m), b.n_out = tn_model_outputs(b.m);
    tn_session_opts o = { .size = sizeof o, .threads = 1, .profile = 1 };
    check_ok(tn_session_new(b.m, &o, &b.s));
    check_ok(tn_state_new(b.s, &(tn_state_opts){ .size = sizeof(tn_state_opts) }, &b.state));
    for (int i = 0; i < STEPS; i++) state_step(&b, 1, 1, 2e-5); /* by hand, and with a state: twice as many calls */
    check_ok(tn_session_profile(b.s, &rows, &n));
    for (size_t i = 0; i < n; i++)
        if (!strcmp(rows[i].type, "Attention")) attention += (size_t)rows[i].calls;
    tn_mem_free(rows);
    assert_int_equal(attention, 2 * 2 * STEPS);
    state_stop(&b, &file);
}

/* A sum of convolutions from run to run: what is measured for it is the session's. */
static void tuned(void **state) {
    (void)state;
    enum { CHANNELS = 24, SIDE = 20 };
    static float weights[CHANNELS * CHANNELS * 9];
    for (int i = 0; i < CHANNELS * CHANNELS * 9; i++) weights[i] = (float)(i % 23 - 11) / 100;
    ob *o = ob_new(8, 17);
    ob_input(o, "x", TN_F32, "1,24,20,20"), ob_input(o, "sum_in", TN_F32, "1,24,18,18");
    ob_floats_init(o, "w", "24,24,3,3", weights, CHANNELS * CHANNELS * 9);
    ob_node(o, "Conv", "x w", "c"), ob_node(o, "Add", "c sum_in", "sum_out");
    ob_output(o, "sum_out");
    tn_text file = ob_finish(o);
    both b = { .n_in = 2, .n_out = 1 };
    tn_tensor *x, *out;
    check_ok(tn_model_open_memory(file.s, file.n, &b.m));
    check_ok(
        tn_session_new(b.m,
                       &(tn_session_opts){ .size = sizeof(tn_session_opts), .threads = 1, .tune = 1, .tune_cache = "" },
                       &b.s));
    check_ok(tn_state_new(b.s, NULL, &b.state));
    check_ok(tn_tensor_new(TN_F32, 4, (int64_t[]){ 1, CHANNELS, SIDE, SIDE }, &x));
    memset(x->data, 0, tn_tensor_bytes(x));
    check_ok(state_run(&b, b.state, (const tn_tensor *const[]){ x, NULL }, &out));
    assert_null(out); /* it is the state's */
    assert_true(tn_tune_measured(b.s->tune) > 0);
    tn_tensor_free(&x);
    state_stop(&b, &file);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(submitted_as_called),
                                        cmocka_unit_test(each_allocation_may_fail), cmocka_unit_test(side_by_side),
                                        cmocka_unit_test(profiled), cmocka_unit_test(tuned) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
