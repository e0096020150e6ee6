/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state.h - values that outlive runs, inside the engine.
 *
 *   session ── stateful (one for each set of pairs): a session within it, with a graph of its own ── plans
 *        └──── states: the values of a set of pairs, any number of them; a run is given one
 *
 * The graph is a copy of the session's in which caches are appended to (pass/state.h). Its session has plans and blocks
 * of its own, and the weights, threads and accounts of the one around it. */
#ifndef TN_ENGINE_STATE_H
#define TN_ENGINE_STATE_H

#include "engine/session.h"
#include "pass/state.h"
#include "tensor/rows.h"
#include <stdatomic.h>

/* ---------------------------------------------------------------------------------------- sessions within a session */

typedef struct tn_stateful {
    struct tn_stateful *next;
    tn_session inner;
    tn_model *model;      /* the inner session's, which is its own */
    tn_state_link *links; /* by input; `output` is the outer session's */
    int n_links;
    tn_state_kind *kinds;      /* by input of the graph */
    atomic_llong capacity;     /* the largest that a state of these pairs has; 0: none has any */
    int *outputs;              /* by output of the outer session: the inner one's; -1: none, it is a state in place */
    tn_dim batch;              /* what the model calls the number of sentences; TN_DIM_UNKNOWN: nothing */
    const tn_node *one_length; /* computes with the one length that all caches of a run have; NULL: none does */
} tn_stateful;

/** The one for these pairs (each with other inputs and outputs), made when there is none yet; it stays until the
 * session is freed. errors TN_E_NOMEM, TN_E_LIMIT */
tn_status tn_stateful_for(tn_session *s, const tn_state_link *pairs, int n, tn_stateful **out);

/* ----------------------------------------------------------------------------------------------------------- caches */

/** The memory of a cache's rows: blocks that several caches may share as long as nobody writes into them. */
typedef struct {
    tn_rows rows; /* owner: this cache, which therefore stays where it is */
    tn_buffer **buffers;
    void **places;       /* the buffers' memory: rows.blocks */
    int64_t asked;       /* rows of a block; 0: all in one, which is replaced by a larger one when it is full */
    int64_t capacity;    /* rows at most; 0: any number */
    tn_state_pool *pool; /* where blocks count, the state's; NULL: nowhere */
    const char *name;    /* of the input, for messages */
} tn_cache;

/** Counts b in the pool, which it holds until it is freed. errors TN_E_LIMIT, with which it does not */
tn_status tn_state_pool_charge(tn_state_pool *p, tn_buffer *b, const char *name);
tn_state_pool *tn_state_pool_hold(tn_state_pool *p); /* NULL is fine; tn_state_pool_free lets go */

/** An empty cache of these sizes, with `asked`, `capacity` and `name` as they are. errors TN_E_NOMEM, TN_E_SHAPE */
tn_status tn_cache_init(tn_cache *c, tn_dtype type, int64_t batch, int64_t heads, int64_t size);
void tn_cache_free(tn_cache *c); /* `asked`, `capacity`, `pool` and `name` stay */
void tn_cache_trim(tn_cache *c); /* blocks behind the length go back to the pool; without one they stay */
/** *out := the same rows, of which none is copied before one of the two writes near them. errors TN_E_NOMEM */
tn_status tn_cache_fork(const tn_cache *c, tn_cache *out);

/* ------------------------------------------------------------------------------------------------------------ pairs */

/** The pairs of inputs and outputs whose names say that the one becomes the other: *out (tn_mem_free) has *n.
 *  errors TN_E_NOT_FOUND (none), TN_E_LIMIT (too many inputs and outputs), TN_E_NOMEM */
tn_status tn_state_find_pairs(const tn_graph *g, tn_state_link **out, int *n);

/** The pairs that a user gives. errors TN_E_NOT_FOUND, TN_E_INVALID, TN_E_NOMEM */
tn_status tn_state_given_pairs(const tn_graph *g, const tn_state_pair *pairs, size_t count, tn_state_link **out,
                               int *n);

/** Whether the output can be the input of the next run. errors TN_E_TYPE, TN_E_SHAPE */
tn_status tn_state_check_pair(const tn_graph *g, const tn_state_link *l);

/* ------------------------------------------------------------------------------------------------------------- runs */

/** tn_session_run_data_job for opts with a state or several, and as many inputs and outputs as the model has. in[i] of
 * the state's inputs is NULL; out[i] of its outputs stays empty, and is not bound. */
tn_status tn_state_run(tn_session *s, const tn_run_opts *opts, const tn_run_job *job, size_t n_in,
                       const tn_datum *const *in, size_t n_out, tn_datum *out);

/** Whether the options of a run with a state, or several, can be; nothing is known of the states. errors TN_E_INVALID
 */
tn_status tn_state_check_opts(const tn_run_opts *o);

/** The state that says which inputs and outputs are states', or NULL. The options have been checked. */
static inline const tn_state *tn_run_state(const tn_run_opts *o) { return o->n_states ? o->states[0] : o->state; }

/** Whether output i of the session is one of the state's: a run gives it to nobody. */
bool tn_state_keeps(const tn_state *s, size_t i);

#endif
