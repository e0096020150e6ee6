/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state_session.c - the session within a session that runs with states. */
#include "engine/state.h"
#include <stddef.h>
#include <string.h>

static void drop(tn_stateful *t) {
    if (!t) return;
    tn_session *s = &t->inner;
    tn_session_drop(s);
    tn_shapes_free(&s->shapes);
    tn_heap_close(&s->heap);
    tn_heap_close(&s->outputs);
    tn_model_close(&t->model);
    tn_guard_remove(&s->guards[0]);
    pthread_mutex_destroy(&s->lock);
    tn_mem_free(t->links);
    tn_mem_free(t->kinds);
    tn_mem_free(t->outputs);
    tn_mem_free(t);
}

/* What is the outer session's, and what a session needs for itself. */
static tn_status begin(tn_stateful *t, tn_session *outer) {
    tn_session *s = &t->inner;
    *s = (tn_session){ .source = outer->source,
                       .opts = outer->opts,
                       .pool = outer->pool,
                       .cpus = outer->cpus,
                       .store = outer->store,
                       .packs = outer->packs,
                       .running = outer->running,
                       .prepared = outer->prepared,
                       .profiler = outer->profiler,
                       .tune = outer->tune,
                       .turn = outer->turn,
                       .outer = outer,
                       .work_limit = outer->work_limit };
    s->opts.n_ranges = 0; /* were for inputs that the caller gives */
    pthread_mutex_init(&s->lock, NULL);
    tn_guard_add(&s->guards[0], &s->lock, TN_GUARD_SESSION);
    if (!s->opts.no_ranges && !s->profiler && !(s->shapes = tn_shapes_new(outer->model->graph->n_inputs)))
        return TN_E_NOMEM;
    return (s->heap = tn_heap_new(TN_MEM_ACTIVATIONS)) && (s->outputs = tn_heap_new(TN_MEM_IO)) ? TN_OK : TN_E_NOMEM;
}

static tn_status take_pairs(tn_stateful *t, const tn_graph *g, const tn_state_link *pairs, int n) {
    t->n_links = n;
    t->links = tn_mem_alloc(((size_t)n + 1) * sizeof *t->links, TN_MEM_GENERAL);
    t->kinds = tn_mem_zalloc(((size_t)g->n_inputs + 1) * sizeof *t->kinds, TN_MEM_GENERAL);
    t->outputs = tn_mem_alloc(((size_t)g->n_outputs + 1) * sizeof *t->outputs, TN_MEM_GENERAL);
    if (!t->links || !t->kinds || !t->outputs) return TN_E_NOMEM;
    memcpy(t->links, pairs, (size_t)n * sizeof *pairs);
    return TN_OK;
}

/* After the pass: which output is which now. */
static void number_outputs(tn_stateful *t, int n_outputs) {
    for (int i = 0; i < n_outputs; i++) t->outputs[i] = 0;
    for (int i = 0; i < t->n_links; i++) {
        t->kinds[t->links[i].input] = t->links[i].kind;
        if (t->links[i].kind != TN_STATE_SWAPPED) t->outputs[t->links[i].output] = -1;
    }
    for (int i = 0, left = 0; i < n_outputs; i++)
        if (t->outputs[i] == 0) t->outputs[i] = left++;
    t->inner.states = t->kinds;
}

/* What the caches' first dimension is called; without caches, that of an input that the caller gives. */
static tn_dim batch_of(const tn_stateful *t, const tn_graph *g) {
    for (int i = 0; i < t->n_links; i++) {
        const tn_type *x = &g->inputs[t->links[i].input]->type;
        if (t->links[i].kind == TN_STATE_APPENDED) return tn_dim_symbolic(x->dims[0]) ? x->dims[0] : TN_DIM_UNKNOWN;
    }
    for (int i = 0; i < g->n_inputs; i++) {
        bool given = true;
        for (int k = 0; k < t->n_links; k++) given &= t->links[k].input != i;
        if (given && g->inputs[i]->type.rank > 0 && tn_dim_symbolic(g->inputs[i]->type.dims[0]))
            return g->inputs[i]->type.dims[0];
    }
    return TN_DIM_UNKNOWN;
}

static tn_status make(tn_session *outer, const tn_state_link *pairs, int n, tn_stateful **out) {
    const tn_graph *g = outer->model->graph;
    tn_stateful *t = tn_mem_zalloc(sizeof *t, TN_MEM_GENERAL);
    *out = NULL;
    if (!t) return tn_fail(TN_E_NOMEM, "no memory for a session with states");
    tn_status st = begin(t, outer);
    if (st == TN_OK) st = take_pairs(t, g, pairs, n);
    if (st != TN_OK) tn_fail(st, "no memory for a session with states");
    if (st == TN_OK) st = tn_model_clone(outer->model, &t->model);
    if (st == TN_OK) st = tn_pass_states(t->model, t->links, n);
    if (st == TN_OK) st = tn_pass_one_length(t->model, t->links, n, &t->one_length);
    if (st != TN_OK) {
        drop(t);
        return st;
    }
    number_outputs(t, g->n_outputs);
    t->batch = batch_of(t, t->model->graph);
    t->inner.model = t->model;
    *out = t;
    return TN_OK;
}

/* Under the lock. */
static tn_stateful *find(tn_session *s, const tn_state_link *pairs, int n) {
    for (tn_stateful *t = s->stateful; t; t = t->next) {
        bool same = t->n_links == n;
        for (int i = 0; same && i < n; i++)
            same = t->links[i].input == pairs[i].input && t->links[i].output == pairs[i].output;
        if (same) return t;
    }
    return NULL;
}

static tn_stateful *find_locked(tn_session *s, const tn_state_link *pairs, int n) {
    pthread_mutex_lock(&s->lock);
    tn_stateful *t = find(s, pairs, n);
    pthread_mutex_unlock(&s->lock);
    return t;
}

tn_status tn_stateful_for(tn_session *s, const tn_state_link *pairs, int n, tn_stateful **out) {
    tn_stateful *t;
    if ((*out = find_locked(s, pairs, n))) return TN_OK;
    tn_budget b, *before = tn_session_keep(s, &b);
    tn_status st = tn_session_kept(&b, before, make(s, pairs, n, &t));
    if (st != TN_OK) {
        drop(t);
        return st;
    }
    pthread_mutex_lock(&s->lock);
    tn_stateful *other = find(s, pairs, n); /* another thread was faster */
    if (!other) t->next = s->stateful, s->stateful = t;
    pthread_mutex_unlock(&s->lock);
    *out = other ? other : t;
    if (other) drop(t);
    return TN_OK;
}

void tn_session_drop_stateful(tn_session *s) {
    for (tn_stateful *t = s->stateful, *next; t; t = next) {
        next = t->next;
        drop(t);
    }
    s->stateful = NULL;
}

size_t tn_session_trim_stateful(tn_session *s) {
    size_t bytes = 0;
    pthread_mutex_lock(&s->lock);
    tn_stateful *first = s->stateful; /* others come before it, and none goes */
    pthread_mutex_unlock(&s->lock);
    for (tn_stateful *t = first; t; t = t->next) bytes += tn_session_trim(&t->inner);
    return bytes;
}

void tn_session_widen_range(const tn_session *s, tn_range *r) {
    const tn_stateful *t = (const tn_stateful *)(const void *)((const char *)s - offsetof(tn_stateful, inner));
    long long most = atomic_load(&t->capacity);
    for (int i = 0; i < t->n_links; i++) {
        const tn_state_link *l = &t->links[i];
        if (l->kind != TN_STATE_APPENDED || r->inputs[l->input].kind != TN_KIND_TENSOR) continue;
        for (int k = 0; k < r->n_symbols; k++)
            if (r->inputs[l->input].dims[l->rows] == tn_sym_at(r->syms, k) && r->most[k] < most) r->most[k] = most;
    }
}
