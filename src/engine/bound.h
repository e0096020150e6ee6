/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* bound.h - outputs in memory of the caller's (tn_run_opts.bound). An output whose home is its own (TN_HOME_OUTPUT) is
 * computed right there, when that memory will do; all others are copied there when the steps are done. */
#ifndef TN_ENGINE_BOUND_H
#define TN_ENGINE_BOUND_H

#include "graph/graph.h"

/** The bound outputs of a run, and its inputs. */
typedef struct tn_bound {
    tn_bound_output *v;
    size_t n;
    const tn_datum *const *in; /* NULL entries: not given */
    size_t n_in;
} tn_bound;

/** What can be said of n bound outputs before a run. errors TN_E_INVALID (more than the graph has; two overlap),
 * TN_E_TYPE (strings) */
tn_status tn_bound_check(const tn_graph *g, const tn_bound_output *v, size_t n);

/** Where output i is bound to; NULL: nowhere. b may be NULL. */
static inline tn_bound_output *tn_bound_at(const tn_bound *b, int i) {
    return b && (size_t)i < b->n && b->v[i].data ? &b->v[i] : NULL;
}

/** Whether output i, which is bound, can be computed there: kernels store whole vectors, and may write the output
 * before they have read the last input. */
bool tn_bound_serves(const tn_bound *b, int i);

/** Notes what output `name` is, and checks that it fits. errors TN_E_TYPE, TN_E_SHAPE (too few bytes) */
tn_status tn_bound_take(tn_bound_output *o, const char *name, const tn_tensor *t);

/** tn_bound_take, and the elements are there afterwards. errors also TN_E_UNSUPPORTED (not a tensor) */
tn_status tn_bound_store(tn_bound_output *o, const char *name, const tn_datum *d);

#endif
