/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state_slots.h - what a state consists of: state.c changes it between runs, state_run.c in them. */
#ifndef TN_ENGINE_STATE_SLOTS_H
#define TN_ENGINE_STATE_SLOTS_H

#include "engine/state.h"

/** The value of one pair. */
typedef struct {
    const tn_state_link *link;
    const tn_value *input; /* of the inner graph */
    bool ready;            /* its sizes are known, and what holds it is there */
    int rank;
    int64_t dims[TN_MAX_RANK]; /* of a cache's rows: rows.length counts */
    tn_tensor value;           /* of what is no cache */
    tn_cache cache;
} tn_state_slot;

struct tn_state {
    tn_session *session; /* the outer one */
    tn_stateful *in;
    tn_state_opts opts;
    tn_state_slot *slots;
    int n;
    atomic_int busy;
};

/** Between these two nobody else has the state. errors TN_E_INVALID: somebody has it */
tn_status tn_state_enter(const tn_state *s);
void tn_state_leave(const tn_state *s);

/** As from tn_state_new: no rows, zeros of any size. */
void tn_state_empty(tn_state_slot *x);

/** The shape that the next run's input has. */
void tn_state_dims(const tn_state_slot *x, int64_t *dims);

/** What a cache keeps its elements as. */
tn_dtype tn_state_type(const tn_state *s, const tn_state_slot *x);

#endif
