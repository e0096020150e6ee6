/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state_group.c - see state_group.h. */
#include "engine/state_group.h"
#include <string.h>

static tn_state_slot *slot(const tn_state_group *g, size_t state, int pair) { return &g->states[state]->slots[pair]; }

static bool cached(const tn_state_slot *x) { return x->link->kind == TN_STATE_APPENDED; }

static tn_status no_memory(void) { return tn_fail(TN_E_NOMEM, "no memory for a run of several states"); }

/* ----------------------------------------------------------------------------------------------------------- checks */

/* A state and the first one: caches lie alike. */
static tn_status check_alike(const tn_state *a, const tn_state *s, size_t i) {
    if (s->session != a->session) return tn_fail(TN_E_INVALID, "states 0 and %zu are of different sessions", i);
    if (s->in != a->in)
        return tn_fail(TN_E_INVALID, "states 0 and %zu are of different pairs, which no run has together", i);
    if (s->opts.cache != a->opts.cache || s->opts.block != a->opts.block)
        return tn_fail(TN_E_INVALID,
                       "states 0 and %zu keep rows differently: as %s and %s, in blocks of %lld and %lld "
                       "(tn_state_opts.cache, .block)",
                       i, tn_dtype_name(a->opts.cache), tn_dtype_name(s->opts.cache), (long long)a->opts.block,
                       (long long)s->opts.block);
    return TN_OK;
}

static tn_status check_pair(const tn_state *s, const tn_state_slot *x, const int64_t *new_rows) {
    const char *name = x->input->name;
    if (cached(x) && !s->opts.block)
        return tn_fail(TN_E_UNSUPPORTED,
                       "states of one run keep the rows of '%s' in blocks; give tn_state_opts.block or .pool", name);
    if (!cached(x) && (x->input->type.dtype == TN_STRING || tn_dtypes[x->input->type.dtype].bytes <= 0))
        return tn_fail(TN_E_UNSUPPORTED, "'%s' is of %s, which is not stacked: run its states one by one", name,
                       tn_dtype_name(x->input->type.dtype));
    if (x->link->kind == TN_STATE_SWAPPED && new_rows)
        return tn_fail(TN_E_UNSUPPORTED,
                       "'%s' is no cache, and padding (tn_run_opts.new_rows) would be in it: run states together that "
                       "have as many new rows as each other",
                       name);
    if (tn_group_dim(s, x) < 0)
        return tn_fail(TN_E_UNSUPPORTED,
                       "the model does not say which dimension of '%s' counts sentences: run its states one by one",
                       name);
    return TN_OK;
}

tn_status tn_group_check(tn_state *const *states, size_t n, const int64_t *new_rows) {
    for (size_t i = 0; i < n; i++) {
        TN_TRY(check_alike(states[0], states[i], i));
        if (new_rows && new_rows[i] < 0)
            return tn_fail(TN_E_INVALID, "state %zu is given %lld new rows", i, (long long)new_rows[i]);
    }
    for (int i = 0; i < states[0]->n; i++) TN_TRY(check_pair(states[0], &states[0]->slots[i], new_rows));
    return TN_OK;
}

int tn_group_dim(const tn_state *s, const tn_state_slot *x) {
    const tn_type *t = &x->input->type;
    int open = -1, count = 0;
    if (cached(x)) return 0;
    for (int d = 0; d < t->rank; d++) {
        if (tn_dim_same(t->dims[d], s->in->batch)) return d;
        if (!tn_dim_known(t->dims[d])) open = d, count++;
    }
    return count == 1 ? open : t->rank > 0 && !tn_dim_known(t->dims[0]) ? 0 : -1;
}

/* ----------------------------------------------------------------------------------------------------------- caches */

/* Of the run's `all` new rows those of a state. */
static tn_status new_rows_of(const tn_state_group *g, size_t i, int64_t all, int64_t *out) {
    *out = g->new_rows ? g->new_rows[i] : all;
    if (*out <= all) return TN_OK;
    return tn_fail(TN_E_INVALID, "state %zu is given %lld new rows, but the run has %lld", i, (long long)*out,
                   (long long)all);
}

static tn_status reserve_each(tn_group_cache *c, int64_t all, int64_t *per) {
    const tn_state_group *g = c->group;
    *per = 0;
    for (size_t i = 0, b = 0; i < g->n; i++) {
        tn_rows *r = &slot(g, i, c->pair)->cache.rows;
        int64_t n;
        TN_TRY(new_rows_of(g, i, all, &n));
        tn_status st = n ? r->reserve(r, r->length, r->length + n) : TN_OK;
        if (st != TN_OK) return tn_fail_at(st, "state %zu of the run", i);
        r->end = r->length + n;
        if (r->per > *per) *per = r->per;
        for (int64_t k = 0; k < r->batch; k++) c->fresh[b++] = n;
    }
    return TN_OK;
}

/* The table of all: each sentence's blocks, then nothing. */
static tn_status list(tn_group_cache *c, int64_t per) {
    const tn_state_group *g = c->group;
    size_t n;
    if (__builtin_mul_overflow((size_t)g->batch, (size_t)per, &n) || n > SIZE_MAX / sizeof(void *) - 1)
        return no_memory();
    void **table = tn_mem_zalloc((n + 1) * sizeof *table, TN_MEM_GENERAL), **at = table;
    if (!table) return no_memory();
    tn_mem_disown(table); /* it is freed after the run */
    for (size_t i = 0; i < g->n; i++) {
        const tn_rows *r = &slot(g, i, c->pair)->cache.rows;
        for (int64_t b = 0; b < r->batch; b++, at += per)
            memcpy(at, r->blocks + b * r->per, (size_t)r->per * sizeof *at);
    }
    tn_mem_free((void *)(uintptr_t)c->rows.blocks);
    c->rows.blocks = table, c->rows.per = per;
    return TN_OK;
}

static tn_status reserve(tn_rows *r, int64_t from, int64_t rows) {
    int64_t per;
    (void)from;
    TN_TRY(reserve_each(r->owner, rows - r->length, &per));
    return list(r->owner, per);
}

static tn_status join_caches(tn_state_group *g, int i) {
    tn_group_cache *c = &g->caches[i];
    const tn_rows *first = &slot(g, 0, i)->cache.rows;
    *c = (tn_group_cache){ .rows = *first, .group = g, .pair = i };
    c->rows.batch = g->batch, c->rows.length = g->most, c->rows.lengths = g->lengths;
    c->rows.blocks = NULL, c->rows.per = 0;
    c->rows.reserve = reserve, c->rows.owner = c;
    c->rows.fresh = c->fresh = tn_mem_zalloc(((size_t)g->batch + 1) * sizeof *c->fresh, TN_MEM_GENERAL);
    if (!c->fresh) return no_memory();
    for (size_t k = 0; k < g->n; k++) {
        tn_rows *r = &slot(g, k, i)->cache.rows;
        if (r->heads != first->heads || r->size != first->size || r->type != first->type)
            return tn_fail(TN_E_SHAPE, "'%s' has %lld heads of %lld in state 0, and %lld of %lld in state %zu",
                           slot(g, k, i)->input->name, (long long)first->heads, (long long)first->size,
                           (long long)r->heads, (long long)r->size, k);
        r->end = r->length;
    }
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------- other values */

/* The value of a pair in pieces: `outer` of them, a state's share of each being `inner` bytes for each sentence. */
typedef struct {
    size_t outer, inner;
    int dim;
} pieces;

static pieces pieces_of(const tn_tensor *t, int dim) {
    pieces p = { 1, (size_t)tn_dtypes[t->dtype].bytes, dim };
    for (int d = 0; d < dim; d++) p.outer *= (size_t)t->dims[d];
    for (int d = dim + 1; d < t->rank; d++) p.inner *= (size_t)t->dims[d];
    return p;
}

/* Sentences [at, at + those of `part`) of `all` := part, or part := those. */
static void copy_part(tn_tensor *all, tn_tensor *part, int dim, int64_t at, bool into_all) {
    pieces p = pieces_of(part, dim);
    size_t share = (size_t)part->dims[dim] * p.inner, step = (size_t)all->dims[dim] * p.inner;
    for (size_t i = 0; i < p.outer && share; i++) {
        char *whole = (char *)all->data + i * step + (size_t)at * p.inner, *own = (char *)part->data + i * share;
        memcpy(into_all ? whole : own, into_all ? own : whole, share);
    }
}

/* All but the number of sentences is the same in all states. */
static tn_status check_stack(const tn_state_group *g, int i, int dim) {
    const tn_state_slot *a = slot(g, 0, i);
    char one[96], other[96];
    for (size_t k = 1; k < g->n; k++) {
        const tn_state_slot *x = slot(g, k, i);
        bool same = x->rank == a->rank;
        for (int d = 0; same && d < a->rank; d++) same = d == dim || x->dims[d] == a->dims[d];
        if (!same)
            return tn_fail(TN_E_UNSUPPORTED,
                           "'%s' is no cache (tn_state_describe), and of shape %s in state 0, of %s in state %zu: run "
                           "states of one shape together",
                           a->input->name, tn_dims_text(a->rank, a->dims, one, sizeof one),
                           tn_dims_text(x->rank, x->dims, other, sizeof other), k);
    }
    return TN_OK;
}

static tn_status stack(tn_state_group *g, int i) {
    const tn_state_slot *a = slot(g, 0, i);
    int dim = tn_group_dim(g->states[0], a);
    int64_t dims[TN_MAX_RANK], at = 0;
    TN_TRY(check_stack(g, i, dim));
    memcpy(dims, a->dims, sizeof dims);
    dims[dim] = 0;
    for (size_t k = 0; k < g->n; k++) dims[dim] += slot(g, k, i)->dims[dim];
    TN_TRY(tn_tensor_init(&g->values[i], a->input->type.dtype, a->rank, dims, TN_MEM_IO));
    for (size_t k = 0; k < g->n; k++) {
        tn_state_slot *x = slot(g, k, i);
        copy_part(&g->values[i], &x->value, dim, at, true);
        at += x->dims[dim];
    }
    return TN_OK;
}

/* The parts of `all` for each state, in memory of their own. */
static tn_status take_apart(const tn_state_group *g, int i, const tn_tensor *all, tn_tensor *parts) {
    int dim = tn_group_dim(g->states[0], slot(g, 0, i));
    int64_t at = 0;
    char text[96];
    if (all->rank != g->values[i].rank || all->dims[dim] != g->values[i].dims[dim])
        return tn_fail(TN_E_SHAPE, "what the run gives for '%s' is %s, which is not of %lld sentences",
                       slot(g, 0, i)->input->name, tn_dims_text(all->rank, all->dims, text, sizeof text),
                       (long long)g->values[i].dims[dim]);
    for (size_t k = 0; k < g->n; k++) {
        int64_t dims[TN_MAX_RANK];
        memcpy(dims, all->dims, sizeof dims);
        dims[dim] = slot(g, k, i)->dims[dim];
        TN_TRY(tn_tensor_init(&parts[k], all->dtype, all->rank, dims, TN_MEM_IO));
        copy_part((tn_tensor *)(uintptr_t)all, &parts[k], dim, at, false);
        at += dims[dim];
    }
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------------- the group */

static tn_status measure(tn_state_group *g) {
    int64_t least = INT64_MAX;
    size_t at = 0;
    for (size_t k = 0; k < g->n; k++)
        if (__builtin_add_overflow(g->batch, g->states[k]->opts.batch, &g->batch) || g->batch > INT32_MAX)
            return tn_fail(TN_E_LIMIT, "the states have more than %d sentences", INT32_MAX);
    if (!(g->lengths = tn_mem_alloc(((size_t)g->batch + 1) * sizeof *g->lengths, TN_MEM_GENERAL))) return no_memory();
    for (size_t k = 0; k < g->n; k++) {
        int64_t n = tn_state_length(g->states[k]);
        for (int64_t b = 0; b < g->states[k]->opts.batch; b++) g->lengths[at++] = n;
        if (n > g->most) g->most = n;
        if (n < least) least = n;
    }
    const tn_node *why = g->states[0]->in->one_length;
    if (least == g->most || !why) return TN_OK;
    return tn_op_fail(why, TN_E_UNSUPPORTED,
                      "it computes with the one length that the shapes of caches have, and these states have %lld to "
                      "%lld rows: run states of one length together, or export the model with positions as an input",
                      (long long)least, (long long)g->most);
}

/* A cache that tn_state_set made has a batch of its own. */
static tn_status check_batches(const tn_state_group *g) {
    for (size_t k = 0; k < g->n; k++)
        for (int i = 0; i < g->pairs; i++) {
            const tn_state_slot *x = slot(g, k, i);
            int64_t n = x->dims[tn_group_dim(g->states[k], x)], want = g->states[k]->opts.batch;
            if (n != want)
                return tn_fail(TN_E_SHAPE, "'%s' of state %zu has %lld sentences, tn_state_opts.batch says %lld",
                               x->input->name, k, (long long)n, (long long)want);
        }
    return TN_OK;
}

tn_status tn_group_new(tn_state *const *states, size_t n, const int64_t *new_rows, tn_state_group **out) {
    tn_state_group *g = *out = tn_mem_zalloc(sizeof *g, TN_MEM_GENERAL);
    if (!g) return no_memory();
    *g = (tn_state_group){ .states = states, .n = n, .pairs = states[0]->n, .new_rows = new_rows };
    g->caches = tn_mem_zalloc(((size_t)g->pairs + 1) * sizeof *g->caches, TN_MEM_GENERAL);
    g->values = tn_mem_zalloc(((size_t)g->pairs + 1) * sizeof *g->values, TN_MEM_GENERAL);
    tn_status st = g->caches && g->values ? check_batches(g) : no_memory();
    if (st == TN_OK) st = measure(g);
    for (int i = 0; i < g->pairs && st == TN_OK; i++) st = cached(slot(g, 0, i)) ? join_caches(g, i) : stack(g, i);
    if (st != TN_OK) tn_group_free(out);
    return st;
}

void tn_group_free(tn_state_group **group) {
    tn_state_group *g = *group;
    if (!g) return;
    for (int i = 0; i < g->pairs && g->caches; i++) {
        tn_mem_free((void *)(uintptr_t)g->caches[i].rows.blocks);
        tn_mem_free(g->caches[i].fresh);
    }
    for (int i = 0; i < g->pairs && g->values; i++) tn_tensor_reset(&g->values[i]);
    tn_mem_free(g->caches);
    tn_mem_free(g->values);
    tn_mem_free(g->lengths);
    tn_mem_free(g);
    *group = NULL;
}

void tn_group_input(tn_state_group *g, int i, tn_tensor *out) {
    const tn_state_slot *x = slot(g, 0, i);
    *out = g->values[i];
    if (!cached(x)) return;
    *out = (tn_tensor){ .dtype = x->input->type.dtype, .rank = x->rank, .rows = &g->caches[i].rows };
    tn_state_dims(x, out->dims);
    out->dims[0] = g->batch, out->dims[x->link->rows] = g->most;
}

tn_status tn_group_keep(tn_state_group *g, const tn_tensor *const *given) {
    tn_status st = TN_OK;
    tn_tensor *parts = tn_mem_zalloc((g->n * (size_t)g->pairs + 1) * sizeof *parts, TN_MEM_GENERAL);
    if (!parts) return no_memory();
    for (int i = 0; i < g->pairs && st == TN_OK; i++)
        if (!cached(slot(g, 0, i)))
            st = take_apart(g, i, given[i] ? given[i] : &g->values[i], parts + (size_t)i * g->n);
    for (size_t u = 0; u < g->n * (size_t)g->pairs; u++) {
        tn_state_slot *x = slot(g, u % g->n, (int)(u / g->n));
        if (st == TN_OK && cached(x)) x->cache.rows.length = x->cache.rows.end;
        if (st == TN_OK && !cached(x)) {
            tn_tensor before = x->value;
            x->value = parts[u], parts[u] = before, x->rank = x->value.rank;
            memcpy(x->dims, x->value.dims, sizeof x->dims);
        }
        tn_tensor_reset(&parts[u]);
    }
    tn_mem_free(parts);
    return st;
}
