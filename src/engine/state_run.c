/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state_run.c - a run with a state: its values are the inputs, what the run made of them is kept. */
#include "engine/state_group.h"
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

/* ------------------------------------------------------------------------------------------------------ first sizes */

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

static tn_status find_sizes(const tn_state *s, tn_state_slot *x, const tn_datum *const *in, bool alone) {
    const tn_type *t = &x->input->type;
    if (t->rank < 0)
        return tn_fail(TN_E_SHAPE, "the model does not say what shape '%s' has; give its first value with tn_state_set",
                       x->input->name);
    x->rank = t->rank;
    for (int d = 0; d < t->rank; d++) {
        int64_t n = tn_dim_known(t->dims[d]) ? t->dims[d] : size_called(s->in->inner.model->graph, in, t->dims[d]);
        if (!alone && d == tn_group_dim(s, x)) n = s->opts.batch; /* in is of all states */
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
static tn_status make_slot(const tn_state *s, tn_state_slot *x, const tn_datum *const *in, bool alone) {
    TN_TRY(find_sizes(s, x, in, alone));
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

/* ---------------------------------------------------------------------------------------------------------- the run */

/* A run's states, the first of which stands for what all have in common; and its arrays, in and out as the inner
 * session has them. */
typedef struct {
    tn_state *const *states;
    size_t n;
    const int64_t *new_rows;
    tn_state_group *group; /* NULL: one state, whose values are the run's as they are */
    const tn_datum **in;
    tn_datum *given, *out;   /* by slot; by output of the inner session */
    const tn_tensor **parts; /* by slot: what a swapped one becomes */
    tn_bound_output *bound;  /* as out */
    bool *made;              /* by state and slot: in this run */
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

static bool is_alone(const state_run *r) { return r->n == 1 && !r->new_rows; }

/* Every value of state i is there. */
static tn_status make_ready(state_run *r, size_t i, const tn_datum *const *in) {
    tn_state *s = r->states[i];
    for (int k = 0; k < s->n; k++) {
        tn_state_slot *x = &s->slots[k];
        if (x->ready) continue;
        r->made[i * (size_t)s->n + (size_t)k] = true;
        TN_TRY(make_slot(s, x, in, is_alone(r)));
    }
    return check_lengths(s);
}

static tn_status prepare(state_run *r, const tn_datum *const *in) {
    bool alone = is_alone(r);
    for (size_t i = 0; i < r->n; i++) {
        tn_status st = make_ready(r, i, in);
        if (st != TN_OK) return alone ? st : tn_fail_at(st, "state %zu of the run", i);
    }
    if (alone) return TN_OK;
    TN_TRY(tn_group_new(r->states, r->n, r->new_rows, &r->group));
    int64_t n = size_called(r->states[0]->in->inner.model->graph, in, r->states[0]->in->batch);
    if (n < 0 || n == r->group->batch) return TN_OK;
    return tn_fail(TN_E_SHAPE, "the run's %zu states have %lld sentences together; the inputs have %lld", r->n,
                   (long long)r->group->batch, (long long)n);
}

/* A state's own value as an input. */
static void own_input(tn_state_slot *x, tn_tensor *t) {
    *t = x->value;
    if (x->link->kind != TN_STATE_APPENDED) return;
    *t = (tn_tensor){ .dtype = x->input->type.dtype, .rank = x->rank, .rows = &x->cache.rows };
    tn_state_dims(x, t->dims);
    x->cache.rows.end = x->cache.rows.length;
}

static tn_status begin(tn_state *s, state_run *r, size_t n_in, const tn_datum *const *in) {
    TN_TRY(check_given(s, in));
    memcpy(r->in, in, n_in * sizeof *in);
    TN_TRY(prepare(r, in));
    for (int i = 0; i < s->n; i++) {
        r->given[i].kind = TN_KIND_TENSOR;
        if (r->group)
            tn_group_input(r->group, i, &r->given[i].tensor);
        else
            own_input(&s->slots[i], &r->given[i].tensor);
        r->in[s->slots[i].link->input] = &r->given[i];
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

static void keep_own(tn_state *s, state_run *r) {
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
}

static tn_status keep_group(const tn_state *s, state_run *r) {
    for (int i = 0; i < s->n; i++) {
        const tn_state_link *l = s->slots[i].link;
        r->parts[i] = l->kind == TN_STATE_SWAPPED ? &r->out[s->in->outputs[l->output]].tensor : NULL;
    }
    return tn_group_keep(r->group, r->parts);
}

/* What the run made becomes the states', the rest of its outputs the caller's. */
static tn_status keep(tn_state *s, state_run *r, size_t n_out, tn_datum *out) {
    if (r->group)
        TN_TRY(keep_group(s, r));
    else
        keep_own(s, r);
    for (size_t i = 0; i < n_out; i++) {
        if (s->in->outputs[i] < 0 || tn_state_keeps(s, i)) continue;
        out[i] = r->out[s->in->outputs[i]];
        r->out[s->in->outputs[i]] = (tn_datum){ 0 };
    }
    return TN_OK;
}

/* After a failure: the next run may be of other sizes, and blocks that nothing is in are somebody else's. */
static void undo(state_run *r) {
    for (size_t i = 0; i < r->n; i++)
        for (int k = 0; k < r->states[i]->n; k++) {
            tn_state_slot *x = &r->states[i]->slots[k];
            if (r->made[i * (size_t)r->states[i]->n + (size_t)k])
                tn_state_empty(x);
            else
                tn_cache_trim(&x->cache);
        }
}

static tn_status run(state_run *r, const tn_run_opts *opts, const tn_run_job *job, size_t n_in,
                     const tn_datum *const *in, size_t n_out, tn_datum *out) {
    tn_state *s = r->states[0];
    tn_run_opts inner = *opts;
    inner.state = NULL, inner.states = NULL, inner.n_states = 0, inner.new_rows = NULL;
    inner.bound = r->bound;
    inner.n_bound = opts->n_bound ? r->n_out : 0;
    TN_TRY(bind(s, opts, r)); /* else nothing is known of what the caller bound, and it stays as it is */
    tn_status st = begin(s, r, n_in, in);
    if (st == TN_OK) st = tn_session_run_data_job(&s->in->inner, &inner, job, n_in, r->in, r->n_out, r->out);
    tell_bound(s, opts, r);
    if (st == TN_OK) st = check_swapped(s, r);
    if (st == TN_OK) st = keep(s, r, n_out, out);
    if (st != TN_OK) undo(r);
    for (size_t i = 0; i < r->n_out; i++) tn_datum_reset(&r->out[i]);
    tn_group_free(&r->group);
    return st;
}

static tn_status enter_one(const state_run *r, size_t i, const tn_session *session) {
    const tn_state *s = r->states[i];
    tn_status st = s->session == session ? tn_state_enter(s) : tn_fail(TN_E_INVALID, "the state is of another session");
    for (size_t k = 0; k < i && st != TN_OK; k++)
        if (r->states[k] == s) st = tn_fail(st, "it is state %zu, too; a state is in a run once", k);
    return st == TN_OK || r->n == 1 ? st : tn_fail_at(st, "state %zu of the run", i);
}

/* All of them, or none. */
static tn_status enter(const state_run *r, const tn_session *session) {
    for (size_t i = 0; i < r->n; i++) {
        tn_status st = enter_one(r, i, session);
        if (st == TN_OK) continue;
        while (i--) tn_state_leave(r->states[i]);
        return st;
    }
    return TN_OK;
}

static tn_status run_entered(state_run *r, const tn_run_opts *opts, const tn_run_job *job, size_t n_in,
                             const tn_datum *const *in, size_t n_out, tn_datum *out) {
    const tn_state *s = r->states[0];
    if (!is_alone(r)) TN_TRY(tn_group_check(r->states, r->n, r->new_rows)); /* they have as many pairs from here on */
    r->n_out = (size_t)s->in->inner.model->graph->n_outputs;
    size_t n = (size_t)s->n, made;
    if (__builtin_mul_overflow(n, r->n, &made)) return tn_fail(TN_E_LIMIT, "%zu states", r->n);
    size_t bytes = (n_in + 1) * sizeof *r->in + n * sizeof *r->parts + (n + r->n_out + 1) * sizeof *r->out +
                   (r->n_out + 1) * sizeof *r->bound + made;
    char *mem = tn_mem_zalloc(bytes, TN_MEM_GENERAL);
    if (!mem) return tn_fail(TN_E_NOMEM, "no memory for %zu inputs", n_in);
    r->out = (tn_datum *)(void *)mem;
    r->given = r->out + r->n_out + 1;
    r->bound = (tn_bound_output *)(void *)(r->given + n);
    r->in = (const tn_datum **)(void *)(r->bound + r->n_out + 1);
    r->parts = (const tn_tensor **)(void *)(r->in + n_in + 1);
    r->made = (bool *)(r->parts + n);
    tn_status st = run(r, opts, job, n_in, in, n_out, out);
    tn_mem_free(mem);
    return st;
}

tn_status tn_state_check_opts(const tn_run_opts *o) {
    if (o->state && (o->states || o->n_states))
        return tn_fail(TN_E_INVALID, "tn_run_opts.state and .states exclude each other");
    if (!o->states != !o->n_states)
        return tn_fail(TN_E_INVALID, "tn_run_opts.states and .n_states (%zu) go together", o->n_states);
    if (o->new_rows && !o->states) return tn_fail(TN_E_INVALID, "tn_run_opts.new_rows says how many rows .states have");
    for (size_t i = 0; i < o->n_states; i++)
        if (!o->states[i]) return tn_fail(TN_E_INVALID, "state %zu of %zu is NULL", i, o->n_states);
    return TN_OK;
}

tn_status tn_state_run(tn_session *session, const tn_run_opts *opts, const tn_run_job *job, size_t n_in,
                       const tn_datum *const *in, size_t n_out, tn_datum *out) {
    state_run r = { .states = &opts->state, .n = 1 };
    if (opts->states) r.states = opts->states, r.n = opts->n_states, r.new_rows = opts->new_rows;
    TN_TRY(enter(&r, session));
    tn_status st = run_entered(&r, opts, job, n_in, in, n_out, out);
    for (size_t i = 0; i < r.n; i++) tn_state_leave(r.states[i]);
    return st;
}
