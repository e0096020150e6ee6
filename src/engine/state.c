/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state.c - states: made, changed and read between runs, and what happens to them in one (state_run.c). */
#include "engine/state_slots.h"
#include <string.h>

enum { POOLED_ROWS = 16 }; /* of a block, where nobody says */

tn_status tn_state_enter(const tn_state *s) {
    if (!s) return tn_fail(TN_E_INVALID, "a NULL argument");
    if (!atomic_exchange(&((tn_state *)(uintptr_t)s)->busy, 1)) return TN_OK;
    return tn_fail(TN_E_INVALID, "the state is in a run, or in another call; it is in one at a time");
}

void tn_state_leave(const tn_state *s) { atomic_store(&((tn_state *)(uintptr_t)s)->busy, 0); }

/* ----------------------------------------------------------------------------------------------- making and freeing */

static tn_status read_opts(const tn_state_opts *given, tn_state_opts *o) {
    *o = (tn_state_opts){ 0 };
    TN_TRY(tn_take_opts(o, sizeof *o, given, "tn_state_opts"));
    if (o->capacity < 0 || o->block < 0 || o->batch < 0 || o->block > INT32_MAX)
        return tn_fail(TN_E_INVALID, "a capacity of %lld, blocks of %lld rows or a batch of %lld cannot be",
                       (long long)o->capacity, (long long)o->block, (long long)o->batch);
    if (o->n_pairs && !o->pairs) return tn_fail(TN_E_INVALID, "%zu pairs, but none given", o->n_pairs);
    if (o->cache != TN_NONE && o->cache != TN_F32 && o->cache != TN_F16 && o->cache != TN_BF16)
        return tn_fail(TN_E_INVALID, "a cache of %s cannot be; float32, float16 and bfloat16 can",
                       tn_dtype_name(o->cache));
    if (!o->batch) o->batch = 1;
    if (o->pool && !o->block) o->block = POOLED_ROWS;
    return TN_OK;
}

static void free_slot(tn_state_slot *x) {
    tn_cache_free(&x->cache);
    tn_tensor_reset(&x->value);
}

static tn_state *new_state(tn_session *s, const tn_state_opts *o, tn_stateful *in) {
    tn_state *t = tn_mem_zalloc(sizeof *t, TN_MEM_GENERAL);
    if (!t) return NULL;
    t->session = s, t->in = in, t->opts = *o;
    t->opts.pairs = NULL; /* the caller's again */
    tn_state_pool_hold(o->pool);
    t->n = in->n_links;
    t->slots = tn_mem_zalloc(((size_t)t->n + 1) * sizeof *t->slots, TN_MEM_GENERAL);
    if (!t->slots) tn_state_free(&t);
    for (int i = 0; t && i < t->n; i++) {
        tn_state_slot *x = &t->slots[i];
        x->link = &in->links[i];
        x->input = in->inner.model->graph->inputs[x->link->input];
        x->cache = (tn_cache){ .asked = o->block, .capacity = o->capacity, .pool = o->pool, .name = x->input->name };
    }
    return t;
}

/* Plans are for all lengths that states of these pairs may have. */
static void note_capacity(tn_stateful *t, int64_t capacity) {
    long long most = atomic_load(&t->capacity);
    while (most < capacity && !atomic_compare_exchange_weak(&t->capacity, &most, capacity)) {}
}

static tn_status no_memory(void) { return tn_fail(TN_E_NOMEM, "no memory for a state"); }

tn_status tn_state_new(tn_session *s, const tn_state_opts *opts, tn_state **out) {
    tn_state_opts o;
    tn_state_link *pairs;
    tn_stateful *in;
    int n;
    if (!out) return tn_fail(TN_E_INVALID, "a NULL argument");
    *out = NULL;
    if (!s) return tn_fail(TN_E_INVALID, "tn_state_new needs a session");
    TN_TRY(read_opts(opts, &o));
    if (s->opts.require_device)
        return tn_fail(TN_E_DEVICE, "runs with a state are on the CPU, and the session requires its device");
    const tn_graph *g = s->model->graph;
    TN_TRY(o.pairs ? tn_state_given_pairs(g, o.pairs, o.n_pairs, &pairs, &n) : tn_state_find_pairs(g, &pairs, &n));
    tn_status st = tn_stateful_for(s, pairs, n, &in);
    tn_mem_free(pairs);
    if (st == TN_OK && !(*out = new_state(s, &o, in))) st = no_memory();
    if (st == TN_OK) note_capacity(in, o.capacity);
    return st;
}

void tn_state_free(tn_state **state) {
    if (!state || !*state) return;
    tn_state *s = *state;
    for (int i = 0; s->slots && i < s->n; i++) free_slot(&s->slots[i]);
    tn_mem_free(s->slots);
    tn_state_pool_free(&s->opts.pool);
    tn_mem_free(s);
    *state = NULL;
}

static tn_status fork_slot(const tn_state_slot *from, tn_state_slot *to) {
    to->ready = from->ready, to->rank = from->rank;
    memcpy(to->dims, from->dims, sizeof to->dims);
    if (from->link->kind == TN_STATE_APPENDED) return tn_cache_fork(&from->cache, &to->cache);
    if (!from->ready) return TN_OK;
    return tn_tensor_copy(&to->value, &from->value, TN_MEM_IO);
}

tn_status tn_state_fork(const tn_state *s, tn_state **out) {
    if (!out) return tn_fail(TN_E_INVALID, "a NULL argument");
    *out = NULL;
    TN_TRY(tn_state_enter(s));
    tn_state *t = new_state(s->session, &s->opts, s->in);
    tn_status st = t ? TN_OK : no_memory();
    for (int i = 0; i < s->n && st == TN_OK; i++) st = fork_slot(&s->slots[i], &t->slots[i]);
    tn_state_leave(s);
    if (st != TN_OK) tn_state_free(&t);
    *out = t;
    return st;
}

/* ----------------------------------------------------------------------------------------------- length, going back */

tn_status tn_state_reset(tn_state *s) {
    TN_TRY(tn_state_enter(s));
    for (int i = 0; i < s->n; i++) tn_state_empty(&s->slots[i]);
    tn_state_leave(s);
    return TN_OK;
}

int64_t tn_state_length(const tn_state *s) {
    for (int i = 0; s && i < s->n; i++)
        if (s->slots[i].link->kind == TN_STATE_APPENDED) return s->slots[i].cache.rows.length;
    return 0;
}

static tn_status check_rewind(const tn_state *s, int64_t length) {
    if (length < 0) return tn_fail(TN_E_INVALID, "a state cannot be rewound to %lld rows", (long long)length);
    for (int i = 0; i < s->n; i++) {
        const tn_state_slot *x = &s->slots[i];
        if (x->link->kind != TN_STATE_APPENDED)
            return tn_fail(TN_E_INVALID, "'%s' is no cache and has no past to rewind to; tn_state_reset empties it",
                           x->input->name);
        if (length > x->cache.rows.length)
            return tn_fail(TN_E_INVALID, "'%s' has %lld rows and cannot be rewound to %lld", x->input->name,
                           (long long)x->cache.rows.length, (long long)length);
    }
    return TN_OK;
}

tn_status tn_state_rewind(tn_state *s, int64_t length) {
    TN_TRY(tn_state_enter(s));
    tn_status st = check_rewind(s, length);
    for (int i = 0; i < s->n && st == TN_OK; i++) {
        s->slots[i].cache.rows.length = length;
        tn_cache_trim(&s->slots[i].cache);
    }
    tn_state_leave(s);
    return st;
}

/* ------------------------------------------------------------------------------------------------- looking, setting */

size_t tn_state_pairs(const tn_state *s) { return s ? (size_t)s->n : 0; }

tn_status tn_state_describe(const tn_state *s, size_t i, tn_state_info *out) {
    if (!s || !out) return tn_fail(TN_E_INVALID, "a NULL argument");
    if (i >= (size_t)s->n) return tn_fail(TN_E_INVALID, "the state has %d pairs, not %zu", s->n, i + 1);
    const tn_state_slot *x = &s->slots[i];
    *out = (tn_state_info){ x->input->name, s->session->model->graph->outputs[x->link->output]->name, x->link->kind };
    return TN_OK;
}

static tn_state_slot *slot_of(const tn_state *s, const char *input) {
    for (int i = 0; i < s->n && input; i++)
        if (!strcmp(s->slots[i].input->name, input)) return &s->slots[i];
    tn_fail(TN_E_NOT_FOUND, "the state has no input '%s'", input ? input : "(NULL)");
    return NULL;
}

/* Where row 0 of head h of sentence b lies in a tensor of the model's layout, and the step to the next row: elements.
 */
static int64_t place(const tn_state_link *l, const int64_t *dims, int64_t b, int64_t h, int64_t *step) {
    int64_t rows = dims[l->rows], heads = dims[l->heads], size = dims[3];
    *step = l->rows == 2 ? size : heads * size;
    return b * rows * heads * size + h * size * (l->rows == 2 ? rows : 1);
}

static tn_status from_cache(const tn_state_slot *x, tn_tensor *y) {
    const tn_rows *r = &x->cache.rows;
    size_t bytes = (size_t)tn_dtypes[y->dtype].bytes;
    for (int64_t b = 0; b < r->batch; b++)
        for (int64_t h = 0; h < r->heads; h++)
            for (int64_t i = 0; i < r->length; i++) {
                int64_t step, at = place(x->link, y->dims, b, h, &step);
                TN_TRY(tn_rows_get(r, b, h, i, 1, y->dtype, (char *)y->data + (size_t)(at + i * step) * bytes));
            }
    return TN_OK;
}

static tn_status get(const tn_state_slot *x, tn_tensor **out) {
    if (!x->ready) return tn_fail(TN_E_INVALID, "the shape of '%s' is not known before the first run", x->input->name);
    if (x->link->kind != TN_STATE_APPENDED) {
        tn_tensor copy;
        TN_TRY(tn_tensor_copy(&copy, &x->value, TN_MEM_IO));
        return tn_tensor_move_out(&copy, out);
    }
    int64_t dims[TN_MAX_RANK];
    tn_state_dims(x, dims);
    TN_TRY(tn_tensor_new(x->input->type.dtype, x->rank, dims, out));
    tn_status st = from_cache(x, *out);
    if (st != TN_OK) tn_tensor_free(out);
    return st;
}

tn_status tn_state_get(const tn_state *s, const char *input, tn_tensor **out) {
    if (!out) return tn_fail(TN_E_INVALID, "a NULL argument");
    *out = NULL;
    TN_TRY(tn_state_enter(s));
    const tn_state_slot *x = slot_of(s, input);
    tn_status st = x ? get(x, out) : TN_E_NOT_FOUND;
    tn_state_leave(s);
    return st;
}

static tn_status to_cache(const tn_state *s, tn_state_slot *x, const tn_tensor *v) {
    tn_rows *r = &x->cache.rows;
    int64_t rows = v->dims[x->link->rows];
    size_t bytes = (size_t)tn_dtypes[v->dtype].bytes;
    TN_TRY(tn_cache_init(&x->cache, tn_state_type(s, x), v->dims[0], v->dims[x->link->heads], v->dims[3]));
    TN_TRY(r->reserve(r, 0, rows));
    for (int64_t b = 0; b < r->batch; b++)
        for (int64_t h = 0; h < r->heads; h++) {
            int64_t step, at = place(x->link, v->dims, b, h, &step);
            TN_TRY(tn_rows_put(r, b, h, 0, rows, v->dtype, (const char *)v->data + (size_t)at * bytes, step));
        }
    r->length = rows;
    return TN_OK;
}

static tn_status check_value(const tn_state_slot *x, const tn_tensor *v) {
    const tn_type *t = &x->input->type;
    char text[96];
    TN_TRY(tn_tensor_plain(v, x->input->name));
    if (v->dtype != t->dtype)
        return tn_fail(TN_E_TYPE, "'%s' is %s, not %s", x->input->name, tn_dtype_name(t->dtype),
                       tn_dtype_name(v->dtype));
    bool good = t->rank < 0 || t->rank == v->rank;
    for (int d = 0; good && d < t->rank; d++) good = !tn_dim_known(t->dims[d]) || t->dims[d] == v->dims[d];
    if (good) return TN_OK;
    return tn_fail(TN_E_SHAPE, "'%s' cannot be of shape %s: the model declares another", x->input->name,
                   tn_dims_text(v->rank, v->dims, text, sizeof text));
}

static tn_status set(const tn_state *s, tn_state_slot *x, const tn_tensor *v) {
    tn_tensor copy = { 0 };
    TN_TRY(check_value(x, v));
    if (x->link->kind != TN_STATE_APPENDED) TN_TRY(tn_tensor_copy(&copy, v, TN_MEM_IO));
    tn_state_empty(x);
    x->value = copy;
    if (x->link->kind == TN_STATE_APPENDED) {
        tn_status st = to_cache(s, x, v);
        if (st != TN_OK) tn_cache_free(&x->cache);
        if (st != TN_OK) return st;
    }
    x->rank = v->rank;
    memcpy(x->dims, v->dims, sizeof x->dims);
    x->ready = true;
    return TN_OK;
}

tn_status tn_state_set(tn_state *s, const char *input, const tn_tensor *value) {
    if (!value) return tn_fail(TN_E_INVALID, "a NULL argument");
    TN_TRY(tn_state_enter(s));
    tn_state_slot *x = slot_of(s, input);
    tn_status st = x ? set(s, x, value) : TN_E_NOT_FOUND;
    tn_state_leave(s);
    return st;
}
