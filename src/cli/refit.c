/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* refit.c - see refit.h. */
#include "cli/refit.h"
#include "base/clock.h"
#include "base/mem.h"
#include "engine/session.h"

enum { ROUNDS = 200 };

/* A frame of the session's plan for a range: that for its largest sizes is one. */
static tn_status take_frame(tn_session *s, const tn_range *r, tn_frame **out) {
    const tn_graph *g = s->model->graph;
    tn_type *types = tn_mem_zalloc(((size_t)g->n_inputs + 1) * sizeof *types, TN_MEM_GENERAL);
    int64_t key[1] = { -1 };
    if (!types) return tn_fail(TN_E_NOMEM, "no memory to measure other sizes");
    for (int i = 0; i < g->n_inputs; i++) types[i] = tn_range_at(r, &r->inputs[i], r->most);
    tn_plan_args args = { .model = s->model, .graph = g, .inputs = types, .pool = s->pool, .packs = s->packs };
    tn_status st = tn_session_acquire_main(s, &args, key, 1, out);
    tn_mem_free(types);
    return st;
}

static tn_status change(tn_frame *f, const int64_t *values, double *us) {
    uint64_t start = tn_clock_ns();
    if (!tn_fit_sizes(f, values)) return tn_fail(TN_E_UNSUPPORTED, "the plan for a range does not serve its sizes");
    double took = (double)(tn_clock_ns() - start) * 1e-3;
    if (*us == 0 || took < *us) *us = took;
    return TN_OK;
}

tn_status tn_refit_measure(tn_session *s, tn_refit *out) {
    tn_frame *f;
    tn_status st = TN_OK;
    *out = (tn_refit){ 0 };
    if (!s->ranged || s->ranged->range->n_symbols == 0) return TN_OK;
    const tn_range *r = s->ranged->range;
    int64_t values[2][TN_RANGE_SYMBOLS];
    for (int k = 0; k < r->n_symbols; k++) {
        values[0][k] = r->most[k];
        values[1][k] = r->most[k] > r->least[k] ? r->most[k] - 1 : r->most[k];
    }
    TN_TRY(take_frame(s, r, &f));
    for (int i = 0; i < ROUNDS && st == TN_OK && f->plan->range == r; i++)
        st = change(f, values[(i + 1) % 2], &out->us);
    for (int i = 0; i < f->plan->n_steps; i++) out->varies += f->plan->steps[i].varies;
    out->steps = f->plan->n_steps;
    tn_session_release(s, f);
    return st;
}
