/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state.c - a run with a state gives what a run with the outputs of the one before as inputs gives: recurrent values,
 * caches of attention in every form that models have, and caches that are written into. */
#include "engine/state.h"
#include "lib/state_models.h"

/* A prompt, single tokens, a few at once; every form of a cache. The plan for a range of lengths comes by the way. */
static void follows_outputs_fed_by_hand(void **state) {
    (void)state;
    static const tn_state_opts opts[] = { { .size = sizeof(tn_state_opts) },
                                          { .size = sizeof(tn_state_opts), .block = 4 },
                                          { .size = sizeof(tn_state_opts), .block = 7, .capacity = ROOM },
                                          { .size = sizeof(tn_state_opts), .block = 16, .cache = TN_F16 },
                                          { .size = sizeof(tn_state_opts), .cache = TN_BF16 } };
    for (size_t k = 0; k < STATE_MODELS; k++)
        for (size_t o = 0; o < sizeof opts / sizeof *opts; o++) {
            both b;
            tn_text file;
            bool cached = state_models[k].kind == TN_STATE_APPENDED;
            int64_t batch = o % 2 + 1;
            double tolerance = cached && opts[o].cache == TN_F16    ? 4e-3
                               : cached && opts[o].cache == TN_BF16 ? 4e-2
                                                                    : 2e-5;
            state_start(&b, &state_models[k], &file, (int)o % 2 + 1, &opts[o]);
            state_expect(&b, state_models[k].kind);
            int64_t prompt = state_models[k].kind == TN_STATE_SWAPPED ? 1 : 5;
            state_step(&b, batch, prompt, tolerance);
            for (int i = 0; i < 24; i++) state_step(&b, batch, 1, tolerance);
            if (prompt > 1) state_step(&b, batch, 3, tolerance), state_step(&b, batch, 1, tolerance);
            if (cached) assert_int_equal(tn_state_length(b.state), b.past);
            state_compare(&b, tolerance);
            state_stop(&b, &file);
        }
}

/* Pairs of some layers only, and a graph that is not optimised: all is swapped, and the same comes out. */
static void what_is_no_cache_is_swapped(void **state) {
    (void)state;
    both b = { 0 };
    tn_text file;
    b.m = state_models[0].make(&file);
    b.n_in = tn_model_inputs(b.m), b.n_out = tn_model_outputs(b.m);
    tn_session_opts o = { .size = sizeof o, .threads = 1, .no_optimize = 1 };
    check_ok(tn_session_new(b.m, &o, &b.s));
    check_ok(tn_state_new(b.s, NULL, &b.state));
    assert_int_equal(tn_state_pairs(b.state), 4);
    state_expect(&b, TN_STATE_SWAPPED);
    state_step(&b, 2, 3, 1e-6);
    for (int i = 0; i < 5; i++) state_step(&b, 2, 1, 1e-6);
    state_compare(&b, 1e-6);
    state_stop(&b, &file);
}

/* One plan for all lengths up to the capacity, once three calls have shown that they vary. */
static void a_plan_reaches_the_capacity(void **state) {
    (void)state;
    for (int k = 0; k < 2; k++) {
        both b;
        tn_text file;
        state_start(&b, &state_models[k], &file, 1,
                    &(tn_state_opts){ .size = sizeof(tn_state_opts), .capacity = ROOM });
        state_step(&b, 1, 5, 2e-5);
        for (int i = 5; i < ROOM; i++) state_step(&b, 1, 1, 2e-5);
        const tn_session *inner = &b.s->stateful->inner;
        assert_null(b.s->stateful->next);
        check(inner->n_ranged == 1 && inner->n_plans == 2, "%d plans for ranges, %d for one length\n", inner->n_ranged,
              inner->n_plans);
        state_stop(&b, &file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(follows_outputs_fed_by_hand),
                                        cmocka_unit_test(what_is_no_cache_is_swapped),
                                        cmocka_unit_test(a_plan_reaches_the_capacity) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
