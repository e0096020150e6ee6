/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state.c - a step of a model with a cache, by the length of its past: with outputs fed back as inputs, and with a
 * state.
 *
 *     bench_state MODEL.onnx [THREADS [ROWS...]]
 *
 * Inputs that are no part of the state are of one row, filled with ones. Printed are the best time of a step of each
 * kind and the least CPU time of one, measured in turn, and how many bytes of keys and values it writes; then the same
 * of 8 states with that past (of lengths that differ a little, where the model can), in one run and in 8. Models to
 * measure: tools/make_decoder.c. */
#include "tenon.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 41, MOST = 512, TOGETHER = 8, APART = 9 /* rows of the longest before the shortest */ };

typedef struct {
    tn_model *model;
    tn_session *session;
    tn_state *state, *many[TOGETHER];
    size_t n_in, n_out;
    tn_tensor *in[MOST], *wide[MOST]; /* of one sentence; of TOGETHER, without the state's */
    bool kept[MOST];                  /* by input: the state's */
} bench;

static void need(tn_status st) {
    if (st == TN_OK) return;
    fprintf(stderr, "%s\n", tn_error());
    exit(1);
}

static double now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void ones(tn_tensor *t) {
    unsigned char *p = tn_tensor_data(t);
    for (int64_t i = 0; i < tn_tensor_elements(t); i++) switch (tn_tensor_dtype(t)) {
        case TN_F32: ((float *)(void *)p)[i] = 0.5f; break;
        case TN_I64: ((int64_t *)(void *)p)[i] = 1; break;
        case TN_I32: ((int32_t *)(void *)p)[i] = 1; break;
        default: break;
        }
}

/* Inputs for a past of so many rows; a symbol whose name has "past" in it is that, "total" one more, "batch" is the
 * batch, others are 1. */
static void make_inputs(bench *b, int64_t rows, int64_t batch) {
    for (size_t i = 0; i < b->n_in; i++) {
        tn_value_info v;
        int64_t dims[TN_MAX_RANK];
        need(tn_model_input(b->model, i, &v));
        for (int d = 0; d < v.rank; d++) {
            const char *s = v.symbols[d];
            dims[d] = v.dims[d] >= 0            ? v.dims[d]
                      : s && strstr(s, "total") ? rows + 1
                      : s && strstr(s, "past")  ? rows
                      : s && strstr(s, "batch") ? batch
                                                : 1;
        }
        tn_tensor **in = batch > 1 ? &b->wide[i] : &b->in[i];
        tn_tensor_free(in);
        if (batch > 1 && b->kept[i]) continue;
        need(tn_tensor_new(v.dtype, v.rank, dims, in));
        ones(*in);
    }
}

static void run(bench *b, const tn_run_opts *o) {
    tn_tensor *out[MOST];
    const tn_tensor *in[MOST];
    for (size_t i = 0; i < b->n_in; i++) in[i] = o->states ? b->wide[i] : o->state && b->kept[i] ? NULL : b->in[i];
    need(tn_session_run_with(b->session, o, b->n_in, in, b->n_out, out));
    for (size_t i = 0; i < b->n_out; i++) tn_tensor_free(&out[i]);
}

/* Milliseconds of n runs and those of CPU time, where they are less than best[0] and best[1]. */
static void timed(bench *b, const tn_run_opts *o, size_t n, double *best) {
    double t = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < n; i++) run(b, &o[i]);
    t = now(CLOCK_MONOTONIC) - t, cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    if (t < best[0]) best[0] = t;
    if (cpu < best[1]) best[1] = cpu;
}

/* 8 states with that past, in one run and in 8. */
static void measure_many(bench *b, int64_t rows) {
    double one[2] = { 1e9, 1e9 }, each[2] = { 1e9, 1e9 };
    tn_run_opts alone[TOGETHER], all = { .size = sizeof all, .states = b->many, .n_states = TOGETHER };
    int64_t length[TOGETHER];
    for (int i = 0; i < TOGETHER; i++) {
        tn_state_free(&b->many[i]);
        need(tn_state_fork(b->state, &b->many[i]));
        length[i] = i && rows > TOGETHER * APART ? rows - i * APART : rows;
        need(tn_state_rewind(b->many[i], length[i]));
        alone[i] = (tn_run_opts){ .size = sizeof all, .state = b->many[i] };
    }
    make_inputs(b, rows, TOGETHER);
    for (int r = 0; r < ROUNDS; r++) {
        timed(b, alone, TOGETHER, each);
        for (int i = 0; i < TOGETHER; i++) need(tn_state_rewind(b->many[i], length[i]));
        timed(b, &all, 1, one);
        for (int i = 0; i < TOGETHER; i++) need(tn_state_rewind(b->many[i], length[i]));
    }
    printf("%6lld  %d apart %7.2f ms, CPU %7.2f   together %7.2f ms, CPU %7.2f   %.2f, CPU %.2f\n", (long long)rows,
           TOGETHER, each[0], each[1], one[0], one[1], one[0] / each[0], one[1] / each[1]);
}

static void measure(bench *b, int64_t rows) {
    double hand[2] = { 1e9, 1e9 }, with[2] = { 1e9, 1e9 };
    size_t bytes = 0;
    make_inputs(b, rows, 1);
    need(tn_state_reset(b->state));
    for (size_t i = 0; i < tn_state_pairs(b->state); i++) {
        tn_state_info p;
        need(tn_state_describe(b->state, i, &p));
        for (size_t k = 0; k < b->n_in; k++) {
            tn_value_info v;
            need(tn_model_input(b->model, k, &v));
            if (strcmp(v.name, p.input) != 0) continue;
            b->kept[k] = true;
            bytes += tn_tensor_bytes(b->in[k]);
            need(tn_state_set(b->state, p.input, b->in[k]));
        }
    }
    for (int r = 0; r < ROUNDS; r++) {
        timed(b, &(tn_run_opts){ .size = sizeof(tn_run_opts) }, 1, hand);
        timed(b, &(tn_run_opts){ .size = sizeof(tn_run_opts), .state = b->state }, 1, with);
        need(tn_state_rewind(b->state, rows));
    }
    printf("%6lld  by hand %7.2f ms, CPU %7.2f, %9zu bytes   state %7.2f ms, CPU %7.2f, %7zu bytes   %.2f, CPU %.2f\n",
           (long long)rows, hand[0], hand[1], bytes + bytes / (size_t)rows, with[0], with[1], bytes / (size_t)rows,
           with[0] / hand[0], with[1] / hand[1]);
    measure_many(b, rows);
}

int main(int argc, char **argv) {
    static bench b;
    if (argc < 2) return fprintf(stderr, "bench_state MODEL.onnx [THREADS [ROWS...]]\n"), 2;
    need(tn_model_open(argv[1], &b.model));
    b.n_in = tn_model_inputs(b.model), b.n_out = tn_model_outputs(b.model);
    if (b.n_in > MOST || b.n_out > MOST) return fprintf(stderr, "more than %d inputs or outputs\n", MOST), 2;
    tn_session_opts o = { .size = sizeof o, .threads = argc > 2 ? atoi(argv[2]) : 1 };
    need(tn_session_new(b.model, &o, &b.session));
    need(tn_state_new(b.session, &(tn_state_opts){ .size = sizeof(tn_state_opts), .block = 16 }, &b.state));
    static const int64_t usual[] = { 16, 128, 512, 1000 };
    for (int i = 0; argc <= 3 && i < 4; i++) measure(&b, usual[i]);
    for (int i = 3; i < argc; i++) measure(&b, atoll(argv[i]));
    for (size_t i = 0; i < b.n_in; i++) tn_tensor_free(&b.in[i]), tn_tensor_free(&b.wide[i]);
    tn_state_free(&b.state);
    for (int i = 0; i < TOGETHER; i++) tn_state_free(&b.many[i]);
    tn_session_free(&b.session);
    tn_model_close(&b.model);
    return 0;
}
