/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* vad.c - runs the Silero VAD network over a stream. Each run sees the chunk after the last samples of the one before
 * (its context), and the recurrent state that the run before left. */
#include "audio/vad.h"
#include "base/mem.h"
#include <string.h>

#define STATE_WIDTH    128
#define PROGRESS_EVERY 64 /* chunks: two seconds */

static const struct {
    int rate;
    size_t chunk, context;
} rates[] = { { 16000, 512, 64 }, { 8000, 256, 32 } };

/* The model's inputs and outputs, in no promised order. */
enum { IN_SOUND, IN_STATE, IN_RATE, N_IN, OUT_PROB = 0, OUT_STATE, N_OUT };
static const char *const in_names[N_IN] = { "input", "state", "sr" };
static const char *const out_names[N_OUT] = { "output", "stateN" };

struct tn_vad {
    tn_model *model;
    tn_session *session;
    int rate;
    size_t chunk, context;
    size_t in_at[N_IN], out_at[N_OUT]; /* positions in the model's lists */
    tn_tensor *in[N_IN];               /* sound [1, context + chunk], state [2, 1, 128], rate scalar */
};

typedef tn_status (*value_fn)(const tn_model *m, size_t i, tn_value_info *out);

static tn_status find(const tn_model *m, value_fn get, size_t n, const char *name, size_t *at) {
    for (size_t i = 0; i < n; i++) {
        tn_value_info v;
        TN_TRY(get(m, i, &v));
        if (strcmp(v.name, name) == 0) {
            *at = i;
            return TN_OK;
        }
    }
    return tn_fail(TN_E_SHAPE, "not a Silero VAD v5 model: it has no '%s'", name);
}

static tn_status prepare(tn_vad *v, const char *path, int threads) {
    TN_TRY(tn_model_open(path, &v->model));
    if (tn_model_inputs(v->model) != N_IN || tn_model_outputs(v->model) != N_OUT)
        return tn_fail(TN_E_SHAPE, "%s: not a Silero VAD v5 model: %zu inputs and %zu outputs", path,
                       tn_model_inputs(v->model), tn_model_outputs(v->model));
    for (int i = 0; i < N_IN; i++) TN_TRY(find(v->model, tn_model_input, N_IN, in_names[i], &v->in_at[i]));
    for (int i = 0; i < N_OUT; i++) TN_TRY(find(v->model, tn_model_output, N_OUT, out_names[i], &v->out_at[i]));
    TN_TRY(tn_tensor_new(TN_F32, 2, (int64_t[]){ 1, (int64_t)(v->context + v->chunk) }, &v->in[IN_SOUND]));
    TN_TRY(tn_tensor_new(TN_F32, 3, (int64_t[]){ 2, 1, STATE_WIDTH }, &v->in[IN_STATE]));
    TN_TRY(tn_tensor_new(TN_I64, 0, NULL, &v->in[IN_RATE]));
    *(int64_t *)tn_tensor_data(v->in[IN_RATE]) = v->rate;
    return tn_session_new(v->model, &(tn_session_opts){ .size = sizeof(tn_session_opts), .threads = threads },
                          &v->session);
}

tn_status tn_vad_open(const char *model_path, int rate, int threads, tn_vad **out) {
    *out = NULL;
    size_t which = 0;
    while (which < TN_COUNT(rates) && rates[which].rate != rate) which++;
    if (which == TN_COUNT(rates))
        return tn_fail(TN_E_INVALID, "%d samples per second; 8000 or 16000 are possible", rate);
    tn_vad *v = tn_mem_zalloc(sizeof *v, TN_MEM_GENERAL);
    if (!v) return tn_fail(TN_E_NOMEM, "speech detector");
    v->rate = rate, v->chunk = rates[which].chunk, v->context = rates[which].context;
    tn_status st = prepare(v, model_path, threads);
    if (st == TN_OK)
        *out = v;
    else
        tn_vad_close(&v);
    return st;
}

void tn_vad_close(tn_vad **v) {
    if (!*v) return;
    for (int i = 0; i < N_IN; i++) tn_tensor_free(&(*v)->in[i]);
    tn_session_free(&(*v)->session);
    tn_model_close(&(*v)->model);
    tn_mem_free(*v);
    *v = NULL;
}

void tn_vad_reset(tn_vad *v) {
    memset(tn_tensor_data(v->in[IN_SOUND]), 0, tn_tensor_bytes(v->in[IN_SOUND]));
    memset(tn_tensor_data(v->in[IN_STATE]), 0, tn_tensor_bytes(v->in[IN_STATE]));
}

size_t tn_vad_chunk(const tn_vad *v) { return v->chunk; }
int tn_vad_rate(const tn_vad *v) { return v->rate; }

/* n <= chunk samples; zeros fill up. */
static tn_status push(tn_vad *v, const float *sample, size_t n, float *prob) {
    float *sound = tn_tensor_data(v->in[IN_SOUND]);
    memmove(sound, sound + v->chunk, v->context * sizeof *sound); /* the end of the last run's input */
    memcpy(sound + v->context, sample, n * sizeof *sound);
    memset(sound + v->context + n, 0, (v->chunk - n) * sizeof *sound);
    const tn_tensor *in[N_IN];
    tn_tensor *out[N_OUT];
    for (int i = 0; i < N_IN; i++) in[v->in_at[i]] = v->in[i];
    TN_TRY(tn_session_run(v->session, N_IN, in, N_OUT, out));
    tn_status st = TN_OK;
    tn_tensor *p = out[v->out_at[OUT_PROB]], **state = &out[v->out_at[OUT_STATE]];
    if (tn_tensor_dtype(p) != TN_F32 || tn_tensor_elements(p) != 1 || tn_tensor_dtype(*state) != TN_F32 ||
        tn_tensor_elements(*state) != tn_tensor_elements(v->in[IN_STATE])) {
        st = tn_fail(TN_E_SHAPE, "not a Silero VAD v5 model: its outputs are not [1, 1] and [2, 1, %d]", STATE_WIDTH);
    } else {
        *prob = *(const float *)tn_tensor_data(p);
        memcpy(tn_tensor_data(v->in[IN_STATE]), tn_tensor_data(*state), tn_tensor_bytes(*state));
    }
    for (int i = 0; i < N_OUT; i++) tn_tensor_free(&out[i]);
    return st;
}

tn_status tn_vad_push(tn_vad *v, const float *chunk, float *prob) { return push(v, chunk, v->chunk, prob); }

tn_status tn_vad_run(tn_vad *v, const float *sample, size_t n, float *prob, bool (*progress)(void *user, size_t done),
                     void *user) {
    tn_vad_reset(v);
    for (size_t i = 0, at = 0; at < n; i++, at += v->chunk) {
        if (progress && i % PROGRESS_EVERY == 0 && !progress(user, at)) return tn_fail(TN_E_CANCELLED, "stopped");
        TN_TRY(push(v, sample + at, n - at < v->chunk ? n - at : v->chunk, &prob[i]));
    }
    if (progress && !progress(user, n)) return tn_fail(TN_E_CANCELLED, "stopped");
    return TN_OK;
}
