/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state_calls.c - what is done to a state between runs: rewound, forked, reset, read and set; and what is refused. */
#include "base/mem.h"
#include "lib/state_models.h"
#include <pthread.h>
#include <string.h>

/* y of one step with the state at `past` rows, of a token of its own. */
static tn_tensor *next(both *b, tn_state *state, int64_t past) {
    tn_tensor *out[MOST], *in[MOST], *y = NULL;
    for (size_t i = 0; i < b->n_in; i++) {
        tn_value_info v;
        check_ok(tn_model_input(b->m, i, &v));
        in[i] = state_given(v.name, 1, 1, past);
    }
    check_ok(state_run(b, state, (const tn_tensor *const *)in, out));
    for (size_t i = 0; i < b->n_in; i++) tn_tensor_free(&in[i]);
    for (size_t o = 0; o < b->n_out; o++)
        if (out[o]) y = out[o];
    return y;
}

static void same(tn_tensor *a, tn_tensor *b, bool equal) {
    bool is = a && b && tn_tensor_bytes(a) == tn_tensor_bytes(b) && !memcmp(a->data, b->data, tn_tensor_bytes(a));
    check(is == equal, "two results are %s\n", equal ? "not the same" : "the same");
    tn_tensor_free(&a), tn_tensor_free(&b);
}

/* Rewound, a state gives again what it gave, bit by bit; what comes behind another token differs. */
static void goes_back(void **state) {
    (void)state;
    for (size_t k = 0; k < CACHED_MODELS; k++)
        for (int64_t block = 0; block < 6; block += 5) {
            both b;
            tn_text file;
            state_start(&b, &state_models[k], &file, 1,
                        &(tn_state_opts){ .size = sizeof(tn_state_opts), .block = block });
            tn_tensor *seventh = NULL;
            for (int i = 0; i < 12; i++) {
                tn_tensor *y = next(&b, b.state, i);
                if (i == 7)
                    seventh = y;
                else
                    tn_tensor_free(&y);
            }
            tn_tensor *first = next(&b, b.state, 12);
            check_ok(tn_state_rewind(b.state, 12));
            same(first, next(&b, b.state, 12), true);
            check_ok(tn_state_rewind(b.state, 7));
            assert_int_equal(tn_state_length(b.state), 7);
            same(seventh, next(&b, b.state, 7), true);
            tn_tensor *other = next(&b, b.state, 8);
            check_ok(tn_state_rewind(b.state, 0));
            assert_int_equal(tn_state_length(b.state), 0);
            same(other, next(&b, b.state, 0), false);
            check_fails(tn_state_rewind(b.state, 2), TN_E_INVALID, "rewound");
            check_fails(tn_state_rewind(b.state, -1), TN_E_INVALID, "-1");
            state_stop(&b, &file);
        }
}

/* Forks go their own ways, whichever of them writes first; what one writes the other never sees. */
static void forks_go_their_own_ways(void **state) {
    (void)state;
    for (size_t k = 0; k < STATE_MODELS; k++)
        for (int64_t block = 0; block < 9; block += 4) {
            both b;
            tn_text file;
            tn_state *fork, *third;
            state_start(&b, &state_models[k], &file, 1,
                        &(tn_state_opts){ .size = sizeof(tn_state_opts), .block = block });
            for (int i = 0; i < 6; i++) {
                tn_tensor *y = next(&b, b.state, i);
                tn_tensor_free(&y);
            }
            check_ok(tn_state_fork(b.state, &fork));
            check_ok(tn_state_fork(fork, &third));
            tn_tensor *a[3], *c[3];
            for (int i = 0; i < 3; i++) a[i] = next(&b, b.state, 6 + i);
            for (int i = 0; i < 3; i++) c[i] = next(&b, third, 6 + i);
            for (int i = 1; i < 3; i++) same(a[i], c[i], true);
            tn_tensor_free(&c[0]);
            for (int i = 0; i < 2; i++) same(next(&b, b.state, 9 + i), next(&b, third, 9 + i), true);
            tn_state_free(&third);
            same(a[0], next(&b, fork, 6), true); /* nothing of that is here */
            assert_int_equal(tn_state_length(fork), state_models[k].kind == TN_STATE_APPENDED ? 7 : 0);
            tn_state_free(&fork);
            state_stop(&b, &file);
        }
}

/* Reset, a state begins anew, also with another batch; what was read out of one goes into another. */
static void begins_anew(void **state) {
    (void)state;
    for (size_t k = 0; k < STATE_MODELS; k++) {
        both b;
        tn_text file;
        tn_state *other;
        state_start(&b, &state_models[k], &file, 2, NULL);
        tn_tensor *first = next(&b, b.state, 0), *second = next(&b, b.state, 1);
        check_ok(tn_state_reset(b.state));
        same(first, next(&b, b.state, 0), true);
        check_ok(tn_state_new(b.s, &(tn_state_opts){ .size = sizeof(tn_state_opts), .block = 3 }, &other));
        for (size_t i = 0; i < tn_state_pairs(b.state); i++) {
            tn_state_info p;
            tn_tensor *held;
            check_ok(tn_state_describe(b.state, i, &p));
            check_fails(tn_state_get(other, p.input, &held), TN_E_INVALID, "first run");
            check_ok(tn_state_get(b.state, p.input, &held));
            check_ok(tn_state_set(other, p.input, held));
            tn_tensor_free(&held);
        }
        same(second, next(&b, other, 1), true);
        tn_state_free(&other);
        check_ok(tn_state_reset(b.state));
        b.past = 0;
        state_step(&b, 3, 1, 2e-5);
        state_step(&b, 3, 1, 2e-5);
        state_stop(&b, &file);
    }
}

static void run_fails(both *b, tn_state *state, int64_t batch, int64_t rows, int64_t past, tn_status status,
                      const char *words) {
    tn_tensor *out[MOST], *in[MOST];
    for (size_t i = 0; i < b->n_in; i++) {
        tn_value_info v;
        check_ok(tn_model_input(b->m, i, &v));
        in[i] = state_given(v.name, batch, rows, past);
    }
    check_fails(state_run(b, state, (const tn_tensor *const *)in, out), status, words);
    for (size_t i = 0; i < b->n_in; i++) tn_tensor_free(&in[i]);
    for (size_t o = 0; o < b->n_out; o++) assert_null(out[o]);
}

static void the_capacity_is_kept(void **state) {
    (void)state;
    for (size_t k = 0; k < CACHED_MODELS; k++)
        for (int64_t block = 0; block < 5; block += 4) {
            both b;
            tn_text file;
            state_start(&b, &state_models[k], &file, 1,
                        &(tn_state_opts){ .size = sizeof(tn_state_opts), .block = block, .capacity = 6 });
            for (int i = 0; i < 5; i++) {
                tn_tensor *y = next(&b, b.state, i);
                tn_tensor_free(&y);
            }
            run_fails(&b, b.state, 1, 2, 5, TN_E_LIMIT, "capacity of 6");
            assert_int_equal(tn_state_length(b.state), 5); /* as before */
            tn_tensor *y = next(&b, b.state, 5);
            tn_tensor_free(&y);
            run_fails(&b, b.state, 1, 1, 6, TN_E_LIMIT, "6 rows; 1 more");
            run_fails(&b, b.state, 2, 1, 6, TN_E_SHAPE, "");
            tn_tensor *large;
            tn_state_info p;
            check_ok(tn_state_describe(b.state, 0, &p));
            tn_value_info v;
            int64_t dims[4];
            for (size_t i = 0; i < b.n_in; i++) {
                check_ok(tn_model_input(b.m, i, &v));
                if (!strcmp(v.name, p.input)) break;
            }
            for (int d = 0; d < 4; d++) dims[d] = v.dims[d] >= 0 ? v.dims[d] : d ? 7 : 1; /* rows, a sentence */
            check_ok(tn_tensor_new(TN_F32, 4, dims, &large));
            check_fails(tn_state_set(b.state, p.input, large), TN_E_LIMIT, "capacity of 6");
            tn_tensor_free(&large);
            state_stop(&b, &file);
        }
}

static void wrong_calls_are_told(void **state) {
    (void)state;
    both b, other;
    tn_text file, other_file;
    tn_state *s = NULL;
    tn_tensor *t;
    state_start(&b, &state_models[0], &file, 1, NULL),
        state_start(&other, &state_models[STATE_MODELS - 1], &other_file, 1, NULL);
    run_fails(&b, other.state, 1, 1, 0, TN_E_INVALID, "another session");
    const tn_state_opts opts[] = { { .size = 3 },
                                   { .size = sizeof(tn_state_opts), .capacity = -1 },
                                   { .size = sizeof(tn_state_opts), .cache = TN_I8 },
                                   { .size = sizeof(tn_state_opts), .n_pairs = 1 } };
    for (size_t i = 0; i < sizeof opts / sizeof *opts; i++) {
        check_fails(tn_state_new(b.s, &opts[i], &s), TN_E_INVALID, "");
        assert_null(s);
    }
    const struct {
        tn_state_pair pairs[2];
        tn_status status;
        const char *words;
    } pairs[] = {
        { { { "past_k0", "present_k0" }, { "past_k0", "present_v0" } }, TN_E_INVALID, "two pairs" },
        { { { "past_k0", "present_k0" }, { "past_v0", "present_k0" } }, TN_E_INVALID, "two pairs" },
        { { { "past_k0", "present_k0" }, { "past_k9", "present_v0" } }, TN_E_NOT_FOUND, "no input 'past_k9'" },
        { { { "past_k0", "nothing" }, { "x", "present_v0" } }, TN_E_NOT_FOUND, "no output 'nothing'" },
        { { { "x", "present_v0" }, { "past_k0", "present_k0" } }, TN_E_SHAPE, "shapes differ" },
        { { { NULL, "present_v0" }, { "past_k0", NULL } }, TN_E_INVALID, "no name" }
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        check_fails(tn_state_new(b.s,
                                 &(tn_state_opts){
                                     .size = sizeof(tn_state_opts), .pairs = pairs[i].pairs, .n_pairs = 2 },
                                 &s),
                    pairs[i].status, pairs[i].words);
    check_fails(tn_state_get(b.state, "x", &t), TN_E_NOT_FOUND, "no input 'x'");
    check_fails(tn_state_get(b.state, NULL, &t), TN_E_NOT_FOUND, "");
    check_fails(tn_state_rewind(other.state, 0), TN_E_INVALID, "no cache");
    check_fails(tn_state_new(NULL, NULL, &s), TN_E_INVALID, "session");
    check_fails(tn_state_fork(NULL, &s), TN_E_INVALID, "NULL");
    check_ok(tn_tensor_new(TN_F32, 4, (int64_t[]){ 1, HEADS + 1, 2, SIZE }, &t));
    check_fails(tn_state_set(b.state, "past_v1", t), TN_E_SHAPE, "1x5x2x8");
    tn_tensor_free(&t);
    check_ok(tn_tensor_new(TN_F16, 4, (int64_t[]){ 1, HEADS, 2, SIZE }, &t));
    check_fails(tn_state_set(b.state, "past_v1", t), TN_E_TYPE, "float32, not float16");
    tn_tensor_free(&t);
    check_ok(tn_tensor_new(TN_F32, 4, (int64_t[]){ 1, HEADS, 2, SIZE }, &t));
    check_ok(tn_state_set(b.state, "past_v1", t)); /* one cache of four */
    run_fails(&b, b.state, 1, 1, 0, TN_E_INVALID, "one length");
    const tn_tensor *in[] = { NULL, t, NULL, NULL, NULL };
    tn_tensor *out[5];
    check_fails(state_run(&b, b.state, in, out), TN_E_INVALID, "give NULL");
    tn_tensor_free(&t);
    tn_state_free(NULL);
    assert_int_equal(tn_state_length(NULL), 0);
    state_stop(&b, &file), state_stop(&other, &other_file);
}

/* ----------------------------------------------------------------------------------------------- memory and threads */

enum { LIFE = 4 };

/* A state's life with what can fail in it. Whatever fails says so; the state is as before then. */
static tn_status life(both *b, const tn_state_opts *o, tn_tensor *(*in)[MOST]) {
    tn_state *s = NULL, *fork = NULL;
    tn_status st = tn_state_new(b->s, o, &s);
    for (int64_t past = 0; past < LIFE && st == TN_OK; past++) {
        tn_tensor *out[MOST] = { 0 };
        int64_t length = tn_state_length(s);
        if (past == 2) st = tn_state_fork(s, &fork);
        if (st == TN_OK) st = state_run(b, fork ? fork : s, (const tn_tensor *const *)in[past], out);
        if (st != TN_OK) assert_int_equal(tn_state_length(s), length);
        for (size_t i = 0; i < b->n_out; i++) tn_tensor_free(&out[i]);
    }
    tn_state_free(&s), tn_state_free(&fork);
    return st;
}

static void give(const both *b, tn_tensor *(*in)[MOST]) {
    for (int64_t past = 0; past < LIFE; past++)
        for (size_t i = 0; i < b->n_in; i++) {
            tn_value_info v;
            check_ok(tn_model_input(b->m, i, &v));
            in[past][i] = state_given(v.name, 1, 1, past);
        }
}

/* Every allocation fails once, each in its turn. */
static void each_allocation_may_fail(void **state) {
    (void)state;
    for (size_t k = 0; k < STATE_MODELS; k += k == 0 ? 4 : 1) {
        both b;
        tn_text file;
        tn_state_opts o = { .size = sizeof o, .block = k % 2 ? 2 : 0, .capacity = 8 };
        state_start(&b, &state_models[k], &file, 1, &o);
        tn_tensor *in[LIFE][MOST];
        give(&b, in);
        check_ok(life(&b, &o, in));
        int failures = 0;
        bool hit = true;
        for (unsigned long n = 1; hit && n < 2000; n++) {
            tn_mem_fail_once(n);
            tn_status st = life(&b, &o, in);
            hit = tn_mem_failed_once();
            tn_mem_fail_once(0);
            failures += st != TN_OK;
            check(st == TN_OK || st == TN_E_NOMEM, "%s: %s\n", state_models[k].name, tn_error());
        }
        check(!hit && failures > 5, "%s: %d failures\n", state_models[k].name, failures);
        for (int i = 0; i < LIFE; i++)
            for (size_t n = 0; n < b.n_in; n++) tn_tensor_free(&in[i][n]);
        state_stop(&b, &file);
    }
}

typedef struct {
    both *b;
    tn_state *state;
    tn_tensor *y[8];
} worker;

static void *work(void *arg) {
    worker *w = arg;
    for (int i = 0; i < 8; i++) w->y[i] = next(w->b, w->state, i);
    return NULL;
}

/* States of one session in threads of their own, two of them forks of one that had begun. */
static void states_run_side_by_side(void **state) {
    (void)state;
    enum { THREADS = 3 };
    for (size_t k = 0; k < STATE_MODELS; k++) {
        both b;
        tn_text file;
        worker w[THREADS];
        pthread_t t[THREADS];
        tn_state_opts o = { .size = sizeof o, .block = 16 };
        state_start(&b, &state_models[k], &file, 1, &o);
        for (int i = 0; i < THREADS; i++) {
            w[i] = (worker){ .b = &b };
            check_ok(i ? tn_state_fork(w[0].state, &w[i].state) : tn_state_new(b.s, &o, &w[0].state));
        }
        for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&t[i], NULL, work, &w[i]), 0);
        for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
        for (int n = 0; n < 8; n++) {
            for (int i = 1; i < THREADS; i++) {
                assert_memory_equal(w[i].y[n]->data, w[0].y[n]->data, tn_tensor_bytes(w[0].y[n]));
                tn_tensor_free(&w[i].y[n]);
            }
            tn_tensor_free(&w[0].y[n]);
        }
        for (int i = 0; i < THREADS; i++) tn_state_free(&w[i].state);
        state_stop(&b, &file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(goes_back),
                                        cmocka_unit_test(forks_go_their_own_ways),
                                        cmocka_unit_test(begins_anew),
                                        cmocka_unit_test(the_capacity_is_kept),
                                        cmocka_unit_test(wrong_calls_are_told),
                                        cmocka_unit_test(each_allocation_may_fail),
                                        cmocka_unit_test(states_run_side_by_side) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
