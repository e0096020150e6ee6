/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state_models.h - small models whose outputs are their next inputs, in every form that a state knows, and running them
 * by hand and with a state. */
#ifndef TN_TESTS_STATE_MODELS_H
#define TN_TESTS_STATE_MODELS_H

#include "base/text.h"
#include "tenon.h"
#include "tensor/tensor.h"
#include "test.h"

enum { WIDTH = 32, HEADS = 4, SIZE = 8, ROOM = 64, MOST = 8 };

typedef struct {
    const char *name;
    tn_model *(*make)(tn_text *file); /* from file, which lives as long */
    tn_state_kind kind;               /* of all its pairs */
} state_model;

/* Those with caches of attention, then TN_STATE_UPDATED, then TN_STATE_SWAPPED. The first two compute with the length
 * of the past. */
enum { POSITIONED_MODELS = 2, CACHED_MODELS = 9, STATE_MODELS = 11 };
extern const state_model state_models[STATE_MODELS];

/** A model by hand and with a state, side by side. */
typedef struct {
    tn_model *m;
    tn_session *s;
    tn_state *state;
    size_t n_in, n_out;
    tn_tensor *fed[MOST]; /* by input: what the run before gave, by hand */
    int64_t past;
} both;

/** With a state of these options; and the end. */
void state_start(both *b, const state_model *m, tn_text *file, int threads, const tn_state_opts *o);
void state_stop(both *b, tn_text *file);

/** What the caller gives at a step for the input of that name; NULL: it is a state. The caller frees it. */
tn_tensor *state_given(const char *name, int64_t batch, int64_t rows, int64_t past);

/** A run with a state; in[i] NULL for the state's inputs. */
tn_status state_run(both *b, tn_state *state, const tn_tensor *const *in, tn_tensor **out);

/** One step both ways, of rows behind b->past: what the caller gets is no further apart than `tolerance`. */
void state_step(both *b, int64_t batch, int64_t rows, double tolerance);

/** What the state says it holds is what is fed by hand. */
void state_compare(both *b, double tolerance);

/** All pairs are of that kind. */
void state_expect(const both *b, tn_state_kind kind);

#endif
