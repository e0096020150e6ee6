/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state_group.h - the values of several states as those of one run: sentences of the batch one behind the other.
 *
 *     caches     one tn_rows, whose table lists the blocks of all: nothing is copied, each sentence has its own length
 *     others     stacked before the run and taken apart after it */
#ifndef TN_ENGINE_STATE_GROUP_H
#define TN_ENGINE_STATE_GROUP_H

#include "engine/state_slots.h"

/** The caches of one pair. */
typedef struct {
    tn_rows rows; /* owner: this */
    struct tn_state_group *group;
    int pair;
    int64_t *fresh; /* [batch]: rows.fresh */
} tn_group_cache;

typedef struct tn_state_group {
    tn_state *const *states; /* [n], entered, all slots ready */
    size_t n;
    int pairs;
    const int64_t *new_rows; /* [n], or NULL: all */
    int64_t batch, most;     /* sentences of all states; rows of the longest */
    int64_t *lengths;        /* [batch] */
    tn_group_cache *caches;  /* [pairs] */
    tn_tensor *values;       /* [pairs] of those that are no caches: the states' stacked */
} tn_state_group;

/** Whether these states and numbers can be in one run; they need not be ready.
 *  errors TN_E_INVALID, TN_E_UNSUPPORTED */
tn_status tn_group_check(tn_state *const *states, size_t n, const int64_t *new_rows);

/** Which dimension of a pair's value counts sentences. -1: the model does not say. */
int tn_group_dim(const tn_state *s, const tn_state_slot *x);

/** errors TN_E_NOMEM, TN_E_UNSUPPORTED (their lengths differ, and the model knows one), TN_E_SHAPE */
tn_status tn_group_new(tn_state *const *states, size_t n, const int64_t *new_rows, tn_state_group **out);
void tn_group_free(tn_state_group **g);

/** The tensor that pair i is in the run; it is the group's. */
void tn_group_input(tn_state_group *g, int i, tn_tensor *out);

/** What the run made becomes the states': given[i] is what it has for pair i where that is swapped, else nothing. After
 *  an error they are as they were. errors TN_E_NOMEM, TN_E_SHAPE */
tn_status tn_group_keep(tn_state_group *g, const tn_tensor *const *given);

#endif
