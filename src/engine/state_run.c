/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state_run.c - a run with a state: its values are the inputs, what the run made of them is kept. */
#include "engine/state_slots.h"
#include <string.h>

void tn_state_empty(tn_state_slot *x) {
    tn_cache_free(&x->cache);
    tn_tensor_reset(&x->value);
    x->ready = false;
}

void tn_state_dims(const tn_state_slot *x, int64_t *dims) {
    memcpy(dims, x->dims, (size_t)x->rank * sizeof *dims);
    if (x->link->kind == TN_STATE_APPENDED) dims[x->link->rows] = x->cache.rows.length;
}

tn_dtype tn_state_type(const tn_state *s, const tn_state_slot *x) {
    return s->opts.cache != TN_NONE ? s->opts.cache : x->input->type.dtype;
}

bool tn_state_keeps(const tn_state *s, size_t i) {
    for (int k = 0; k < s->n; k++)
        if ((size_t)s->slots[k].link->output == i) return true;
    return false;
}

/* -------------------------------------------------------------------------------------------------------- first sizes
 */

/* The size that the model calls d: as an input of this run has it. -1: none does. */
static int64_t size_called(const tn_graph *g, const tn_datum *const *in, tn_dim d) {
    for (int i = 0; i < g->n_inputs && tn_dim_symbolic(d); i++) {
        const tn_type *t = &g->inputs[i]->type;
        if (!in[i] || in[i]->kind != TN_KIND_TENSOR || t->rank != in[i]->tensor.rank) continue;
        for (int k = 0; k < t->rank; k++)
            if (t->dims[k] == d) return in[i]->tensor.dims[k];
    }
    return -1;
}

/* Whether the output has another size there: what grows from run to run begins with nothing. */
static bool grows(const tn_state *s, const tn_state_slot *x, int d) {
    if (x->link->kind == TN_STATE_APPENDED) return d == x->link->rows;
    if (x->link->kind != TN_STATE_SWAPPED) return false;
    const tn_type *out = &s->in->inner.model->graph->outputs[s->in->outputs[x->link->output]]->type;
    return out->rank == x->rank && out->dims[d] != TN_DIM_UNKNOWN && out->dims[d] != x->input->type.dims[d];
}

static tn_status find_sizes(const tn_state *s, tn_state_slot *x, const tn_datum *const *in) {
    const tn_type *t = &x->input->type;
    if (t->rank < 0)
        return tn_fail(TN_E_SHAPE, "the model does not say what shape '%s' has; give its first value with tn_state_set",
                       x->input->name);
    x->rank = t->rank;
    for (int d = 0; d < t->rank; d++) {
        int64_t n = tn_dim_known(t->dims[d]) ? t->dims[d] : size_called(s->in->inner.model->graph, in, t->dims[d]);
        if (n < 0 && d == 0) n = s->opts.batch;
        if ((n < 0 || x->link->kind == TN_STATE_APPENDED) && grows(s, x, d)) n = 0;
        if (n < 0)
            return tn_fail(TN_E_SHAPE,
                           "neither the model nor another input says how large dimension %d of '%s' is; give its first "
                           "value with tn_state_set",
                           d, x->input->name);
        x->dims[d] = n;
    }
    return TN_OK;
}

/* An empty cache, or zeros. They outlive the run and are on no run's account. */
static tn_status make_slot(const tn_state *s, tn_state_slot *x, const tn_datum *const *in) {
    TN_TRY(find_sizes(s, x, in));
    if (x->link->kind == TN_STATE_APPENDED)
        TN_TRY(tn_cache_init(&x->cache, tn_state_type(s, x), x->dims[0], x->dims[x->link->heads], x->dims[3]));
    else
        TN_TRY(tn_tensor_init(&x->value, x->input->type.dtype, x->rank, x->dims, TN_MEM_IO));
    if (x->value.data) memset(x->value.data, 0, tn_tensor_bytes(&x->value));
    x->ready = true;
    return TN_OK;
}

/* Caches that grew apart (tn_state_set) would be another past in each layer. */
static tn_status check_lengths(const tn_state *s) {
    const tn_state_slot *first = NULL;
    for (int i = 0; i < s->n; i++) {
        const tn_state_slot *x = &s->slots[i];
        if (x->link->kind != TN_STATE_APPENDED) continue;
        if (first && x->cache.rows.length != first->cache.rows.length)
            return tn_fail(TN_E_INVALID, "'%s' has %lld rows, '%s' has %lld: the caches of a state have one length",
                           first->input->name, (long long)first->cache.rows.length, x->input->name,
                           (long long)x->cache.rows.length);
        if (!first) first = x;
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ the run
 */

/* A run's arrays: in and out as the inner session has them. */
typedef struct {
    const tn_datum **in;
    tn_datum *given, *out;  /* by slot; by output of the inner session */
    tn_bound_output *bound; /* as out */
    bool *made;             /* by slot: in this run */
    size_t n_out;
} state_run;

/* Where the inner session writes what the caller bound. */
static tn_status bind(const tn_state *s, const tn_run_opts *opts, state_run *r) {
    const tn_graph *g = s->session->model->graph;
    for (size_t i = 0; i < opts->n_bound; i++) {
        if (!opts->bound[i].data) continue;
        if (tn_state_keeps(s, i))
            return tn_fail(TN_E_INVALID, "output '%s' is the state's; it cannot be bound", g->outputs[i]->name);
        r->bound[s->in->outputs[i]] = opts->bound[i];
    }
    return TN_OK;
}

/* What a run says of bound outputs, it says to the caller. */
static void tell_bound(const tn_state *s, const tn_run_opts *opts, const state_run *r) {
    for (size_t i = 0; i < opts->n_bound; i++)
        if (opts->bound[i].data && !tn_state_keeps(s, i)) opts->bound[i] = r->bound[s->in->outputs[i]];
}

static tn_status check_given(const tn_state *s, const tn_datum *const *in) {
    for (int i = 0; i < s->n; i++)
        if (in[s->slots[i].link->input])
            return tn_fail(TN_E_INVALID, "input '%s' is the state's; give NULL for it", s->slots[i].input->name);
    return TN_OK;
}

static tn_status begin(tn_state *s, state_run *r, size_t n_in, const tn_datum *const *in) {
    TN_TRY(check_given(s, in));
    memcpy(r->in, in, n_in * sizeof *in);
    for (int i = 0; i < s->n; i++) {
        tn_state_slot *x = &s->slots[i];
        if (!x->ready) {
            r->made[i] = true;
            TN_TRY(make_slot(s, x, in));
        }
    }
    TN_TRY(check_lengths(s));
    for (int i = 0; i < s->n; i++) {
        tn_state_slot *x = &s->slots[i];
        tn_tensor *t = &r->given[i].tensor;
        r->given[i].kind = TN_KIND_TENSOR;
        *t = x->value;
        if (x->link->kind == TN_STATE_APPENDED) {
            *t = (tn_tensor){ .dtype = x->input->type.dtype, .rank = x->rank, .rows = &x->cache.rows };
            tn_state_dims(x, t->dims);
            x->cache.rows.end = x->cache.rows.length;
        }
        r->in[x->link->input] = &r->given[i];
    }
    return TN_OK;
}

static tn_status check_swapped(const tn_state *s, const state_run *r) {
    for (int i = 0; i < s->n; i++) {
        const tn_state_slot *x = &s->slots[i];
        const tn_datum *d = &r->out[s->in->outputs[x->link->output]];
        if (x->link->kind != TN_STATE_SWAPPED || (d->kind == TN_KIND_TENSOR && d->tensor.dtype == x->input->type.dtype))
            continue;
        return tn_fail(TN_E_TYPE, "what the run gives for '%s' is no tensor of its type", x->input->name);
    }
    return TN_OK;
}

/* What the run made becomes the state's, the rest of its outputs the caller's. */
static void keep(tn_state *s, state_run *r, size_t n_out, tn_datum *out) {
    for (int i = 0; i < s->n; i++) {
        tn_state_slot *x = &s->slots[i];
        if (x->link->kind == TN_STATE_APPENDED) x->cache.rows.length = x->cache.rows.end;
        if (x->link->kind != TN_STATE_SWAPPED) continue;
        tn_datum *d = &r->out[s->in->outputs[x->link->output]];
        tn_tensor_reset(&x->value);
        x->value = d->tensor;
        x->rank = d->tensor.rank;
        memcpy(x->dims, d->tensor.dims, sizeof x->dims);
        *d = (tn_datum){ 0 };
    }
    for (size_t i = 0; i < n_out; i++) {
        if (s->in->outputs[i] < 0) continue;
        out[i] = r->out[s->in->outputs[i]];
        r->out[s->in->outputs[i]] = (tn_datum){ 0 };
    }
}

static tn_status run(tn_state *s, const tn_run_opts *opts, const tn_run_job *job, state_run *r, size_t n_in,
                     const tn_datum *const *in, size_t n_out, tn_datum *out) {
    tn_run_opts inner = *opts;
    inner.state = NULL;
    inner.bound = r->bound;
    inner.n_bound = opts->n_bound ? r->n_out : 0;
    TN_TRY(bind(s, opts, r)); /* else nothing is known of what the caller bound, and it stays as it is */
    tn_status st = begin(s, r, n_in, in);
    if (st == TN_OK) st = tn_session_run_data_job(&s->in->inner, &inner, job, n_in, r->in, r->n_out, r->out);
    tell_bound(s, opts, r);
    if (st == TN_OK) st = check_swapped(s, r);
    if (st == TN_OK) keep(s, r, n_out, out);
    for (int i = 0; i < s->n && st != TN_OK; i++)
        if (r->made[i]) tn_state_empty(&s->slots[i]); /* the next one may be of other sizes */
    for (size_t i = 0; i < r->n_out; i++) tn_datum_reset(&r->out[i]);
    return st;
}

tn_status tn_state_run(tn_session *session, const tn_run_opts *opts, const tn_run_job *job, size_t n_in,
                       const tn_datum *const *in, size_t n_out, tn_datum *out) {
    tn_state *s = opts->state;
    if (s->session != session) return tn_fail(TN_E_INVALID, "the state is of another session");
    state_run r = { .n_out = (size_t)s->in->inner.model->graph->n_outputs };
    size_t n = (size_t)s->n;
    size_t bytes = (n_in + 1) * sizeof *r.in + (n + r.n_out + 1) * sizeof *r.out + (r.n_out + 1) * sizeof *r.bound + n;
    char *mem = tn_mem_zalloc(bytes, TN_MEM_GENERAL);
    if (!mem) return tn_fail(TN_E_NOMEM, "no memory for %zu inputs", n_in);
    r.out = (tn_datum *)(void *)mem;
    r.given = r.out + r.n_out + 1;
    r.bound = (tn_bound_output *)(void *)(r.given + n);
    r.in = (const tn_datum **)(void *)(r.bound + r.n_out + 1);
    r.made = (bool *)(r.in + n_in + 1);
    tn_status st = tn_state_enter(s);
    if (st == TN_OK) {
        st = run(s, opts, job, &r, n_in, in, n_out, out);
        tn_state_leave(s);
    }
    tn_mem_free(mem);
    return st;
}
