/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state_meets.c - runs with a state whose outputs are bound, that are submitted, of a compiled file, of a session that
 * shares the model with others, or on a device: they give what plain runs with a state give, bit by bit. */
#include "engine/state.h"
#include "lib/state_models.h"
#include <string.h>
#include <unistd.h>

enum { STEPS = 9, ROWS_BYTES = 1 << 14 };

typedef struct {
    _Alignas(64) char memory[ROWS_BYTES];
    size_t bytes;
} result;

/* Which output the caller gets: the only one that no state keeps. */
static size_t shown(const both *b, const tn_state *s) {
    for (size_t i = 0; i < b->n_out; i++)
        if (!tn_state_keeps(s, i)) return i;
    fail();
    return 0;
}

static void give(const both *b, int64_t past, tn_tensor **in) {
    for (size_t i = 0; i < b->n_in; i++) {
        tn_value_info v;
        check_ok(tn_model_input(b->m, i, &v));
        in[i] = state_given(v.name, 1, 1, past);
    }
}

typedef tn_status (*run_fn)(both *b, tn_session *s, const tn_run_opts *o, tn_tensor **in, tn_tensor **out);

static tn_status direct(both *b, tn_session *s, const tn_run_opts *o, tn_tensor **in, tn_tensor **out) {
    return tn_session_run_with(s, o, b->n_in, (const tn_tensor *const *)in, b->n_out, out);
}

static tn_status submitted(both *b, tn_session *s, const tn_run_opts *o, tn_tensor **in, tn_tensor **out) {
    tn_ticket *t;
    check_ok(tn_session_submit(s, o, b->n_in, (const tn_tensor *const *)in, b->n_out, out, NULL, NULL, &t));
    tn_status st = tn_ticket_wait(t, UINT64_MAX);
    tn_ticket_free(&t);
    return st;
}

/* One step; the output goes to memory of the caller's when `bound`. */
static void step(both *b, tn_session *s, tn_state *state, int64_t past, run_fn run, bool bound, result *r) {
    tn_tensor *in[MOST], *out[MOST] = { 0 };
    tn_bound_output places[MOST] = { 0 };
    size_t at = shown(b, state);
    tn_run_opts o = { .size = sizeof o, .state = state };
    give(b, past, in);
    if (bound) {
        places[at] = (tn_bound_output){ .data = r->memory, .bytes = sizeof r->memory };
        o.bound = places, o.n_bound = at + 1;
    }
    check_ok(run(b, s, &o, in, out));
    for (size_t i = 0; i < b->n_out; i++) assert_int_equal(out[i] != NULL, i == at && !bound);
    r->bytes = bound ? places[at].needed : tn_tensor_bytes(out[at]);
    assert_true(r->bytes && r->bytes <= sizeof r->memory);
    if (!bound) memcpy(r->memory, out[at]->data, r->bytes);
    tn_tensor_free(&out[at]);
    for (size_t i = 0; i < b->n_in; i++) tn_tensor_free(&in[i]);
}

static void same_steps(both *b, tn_session *s, run_fn run, bool bound) {
    static result want, got;
    tn_state *plain, *other;
    check_ok(tn_state_new(b->s, NULL, &plain));
    check_ok(tn_state_new(s, NULL, &other));
    for (int i = 0; i < STEPS; i++) {
        step(b, b->s, plain, i, direct, false, &want);
        step(b, s, other, i, run, bound, &got);
        assert_int_equal(got.bytes, want.bytes);
        assert_memory_equal(got.memory, want.memory, want.bytes);
    }
    assert_int_equal(tn_state_length(other), tn_state_length(plain));
    tn_state_free(&plain);
    tn_state_free(&other);
}

static void bound_and_submitted(void **state) {
    (void)state;
    for (size_t k = 0; k < STATE_MODELS; k++) {
        both b;
        tn_text file;
        state_start(&b, &state_models[k], &file, 1, NULL);
        same_steps(&b, b.s, direct, true);
        same_steps(&b, b.s, submitted, false);
        same_steps(&b, b.s, submitted, true);
        state_stop(&b, &file);
    }
}

/* Outputs that the state keeps cannot go elsewhere, too; a place that is too small loses nothing. */
static void wrong_places(void **state) {
    (void)state;
    both b;
    tn_text file;
    static result r;
    tn_tensor *in[MOST], *out[MOST] = { 0 };
    tn_bound_output places[MOST] = { 0 };
    state_start(&b, &state_models[0], &file, 1, NULL);
    size_t at = shown(&b, b.state);
    tn_run_opts o = { .size = sizeof o, .state = b.state, .bound = places, .n_bound = b.n_out };
    give(&b, 0, in);
    for (size_t i = 0; i < b.n_out; i++) places[i] = (tn_bound_output){ .data = r.memory + 1024 * i, .bytes = 1024 };
    check_fails(direct(&b, b.s, &o, in, out), TN_E_INVALID, "is the state's; it cannot be bound");
    for (size_t i = 0; i < b.n_out; i++) {
        assert_ptr_equal(places[i].data, r.memory + 1024 * i); /* what was asked for stays */
        places[i] = (tn_bound_output){ 0 };
    }
    places[at] = (tn_bound_output){ .data = r.memory, .bytes = 4 };
    check_fails(direct(&b, b.s, &o, in, out), TN_E_SHAPE, "bytes");
    assert_true(places[at].needed > 4);
    assert_int_equal(tn_state_length(b.state), 0);
    for (size_t i = 0; i < b.n_in; i++) tn_tensor_free(&in[i]);
    same_steps(&b, b.s, direct, true);
    state_stop(&b, &file);
}

/* A session of its own, of the model and of what was compiled from it. */
static void other_sessions(void **state) {
    (void)state;
    char path[] = "/tmp/tenon-state-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (size_t k = 0; k < STATE_MODELS; k++) {
        both b;
        tn_text file;
        tn_session *s;
        tn_model *compiled;
        tn_session_opts o = { .size = sizeof o, .threads = 1 };
        state_start(&b, &state_models[k], &file, 1, NULL);
        check_ok(tn_session_new(b.m, &o, &s));
        same_steps(&b, s, direct, false);
        check_ok(tn_session_compile(s, path));
        tn_session_free(&s);
        check_ok(tn_model_open(path, &compiled));
        check_ok(tn_session_new(compiled, &o, &s));
        same_steps(&b, s, direct, false);
        tn_session_free(&s);
        tn_model_close(&compiled);
        o.device = "sim:cheap";
        check_ok(tn_session_new(b.m, &o, &s));
        same_steps(&b, s, direct, false); /* states are on the CPU */
        tn_session_free(&s);
        o.require_device = 1;
        check_ok(tn_session_new(b.m, &o, &s));
        tn_state *none;
        check_fails(tn_state_new(s, NULL, &none), TN_E_DEVICE, "on the CPU");
        tn_session_free(&s);
        state_stop(&b, &file);
    }
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(bound_and_submitted), cmocka_unit_test(wrong_places),
                                        cmocka_unit_test(other_sessions) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
