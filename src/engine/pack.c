/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pack.c - a session's packed constants: see pack.h. */
#include "engine/pack.h"
#include "base/budget.h"
#include "base/guard.h"
#include <string.h>

typedef struct entry {
    struct entry *before, *after; /* in the list of held ones, or in that of idle ones, the latest first */
    tn_form *form;
    tn_account *charged; /* NULL: none */
    int users;
} entry;

typedef struct {
    entry *first, *last;
    size_t bytes;
} entries;

struct tn_pack_use {
    tn_pack_use *next;
    entry *e;
};

struct tn_pack_cache {
    tn_store *store;
    pthread_mutex_t lock;
    tn_guard guard;
    tn_map *map; /* entries by the form's name */
    entries held, idle;
};

tn_pack_cache *tn_pack_cache_new(tn_store *store) {
    tn_pack_cache *c = tn_mem_zalloc(sizeof *c, TN_MEM_GENERAL);
    if (!c) return NULL;
    pthread_mutex_init(&c->lock, NULL);
    tn_guard_add(&c->guard, &c->lock, TN_GUARD_LEAF);
    c->store = store;
    c->map = tn_map_new(64);
    if (!c->map) tn_pack_cache_free(&c);
    return c;
}

/* -------------------------------------------------------------------------------------------------------- entries */

static void link_first(entries *l, entry *e) {
    e->before = NULL;
    e->after = l->first;
    if (l->first)
        l->first->before = e;
    else
        l->last = e;
    l->first = e;
    l->bytes += e->form->bytes;
}

static void unlink_entry(entries *l, entry *e) {
    if (e->before)
        e->before->after = e->after;
    else
        l->first = e->after;
    if (e->after)
        e->after->before = e->before;
    else
        l->last = e->before;
    l->bytes -= e->form->bytes;
}

/* What a form costs its session: what it takes in the store. */
static size_t cost(const tn_form_request *r) { return tn_align_up(r->bytes ? r->bytes : 1, 64); }

static size_t forget(tn_pack_cache *c, entries *l, entry *e) {
    tn_map_remove(c->map, e->form->name, e->form->name_len);
    unlink_entry(l, e);
    tn_account_discharge(e->charged, cost(&(tn_form_request){ .bytes = e->form->bytes }));
    size_t bytes = tn_store_release(c->store, e->form);
    tn_mem_free(e);
    return bytes;
}

void tn_pack_cache_free(tn_pack_cache **cache) {
    tn_pack_cache *c = *cache;
    if (!c) return;
    while (c->held.last) forget(c, &c->held, c->held.last);
    while (c->idle.last) forget(c, &c->idle, c->idle.last);
    tn_map_free(&c->map);
    tn_guard_remove(&c->guard);
    pthread_mutex_destroy(&c->lock);
    tn_mem_free(c);
    *cache = NULL;
}

size_t tn_pack_cache_bytes(tn_pack_cache *c) {
    pthread_mutex_lock(&c->lock);
    size_t bytes = c->held.bytes + c->idle.bytes;
    pthread_mutex_unlock(&c->lock);
    return bytes;
}

/* ---------------------------------------------------------------------------------------------- asking, letting go */

static tn_status no_memory(size_t bytes) {
    return tn_fail(TN_E_NOMEM, "no memory for %zu bytes of packed weights", bytes);
}

/* The session pays before anything is packed, so that a bound holds what is packed, too. */
static tn_status add(tn_pack_cache *c, const tn_form_request *r, const char *name, size_t n, entry **out) {
    entry *e = tn_mem_zalloc(sizeof *e, TN_MEM_GENERAL);
    tn_status st = TN_OK;
    if (!e) return no_memory(r->bytes);
    if (!tn_account_charge(cost(r), &e->charged)) st = no_memory(r->bytes);
    if (st == TN_OK) st = tn_store_get(c->store, r, name, n, &e->form);
    if (st == TN_OK && (st = tn_map_put(c->map, e->form->name, n, e)) != TN_OK) tn_store_release(c->store, e->form);
    if (st != TN_OK || e->form->in_file) {
        tn_account_discharge(e->charged, cost(r));
        e->charged = NULL;
    }
    if (st != TN_OK) {
        tn_mem_free(e);
        return st;
    }
    link_first(&c->idle, e);
    *out = e;
    return TN_OK;
}

static void hold(tn_pack_cache *c, entry *e) {
    if (e->users++) return;
    unlink_entry(&c->idle, e);
    link_first(&c->held, e);
}

static void let_go(tn_pack_cache *c, entry *e) {
    if (--e->users) return;
    unlink_entry(&c->held, e);
    link_first(&c->idle, e);
}

static tn_status shared(tn_pack_cache *c, const tn_form_request *r, tn_arena *a, tn_pack_use **held, const void **out) {
    char name[TN_FORM_NAME];
    size_t n = tn_form_name(r, name);
    tn_pack_use *use = tn_arena_new_of(a, tn_pack_use);
    if (!use) return no_memory(r->bytes);
    if (!tn_budget_lock(&c->lock)) return tn_fail(TN_E_CANCELLED, "packing weights was stopped");
    entry *e = tn_map_get(c->map, name, n);
    tn_status st = e ? TN_OK : add(c, r, name, n, &e);
    if (st == TN_OK) hold(c, e);
    pthread_mutex_unlock(&c->lock);
    if (st != TN_OK) return st;
    *use = (tn_pack_use){ .next = *held, .e = e };
    *held = use;
    *out = e->form->data;
    return TN_OK;
}

/* Of a call that was stopped it is half made, and must not stay. */
static tn_status alone(const tn_form_request *r, tn_arena *a, const void **out) {
    void *data = tn_arena_room(a, r->bytes ? r->bytes : 1, 64);
    if (!data) return no_memory(r->bytes);
    TN_TRY(r->fill(data, r->user));
    *out = data;
    return tn_budget_stopped() ? tn_fail(TN_E_CANCELLED, "packing weights was stopped") : TN_OK;
}

static tn_status get(tn_pack_cache *c, const tn_form_request *r, tn_arena *a, tn_pack_use **held, const void **out) {
    bool lasting = c && held;
    for (int i = 0; i < r->n; i++) lasting = lasting && r->of[i]->id;
    return lasting ? shared(c, r, a, held, out) : alone(r, a, out);
}

tn_status tn_prep_pack(tn_prep *p, unsigned inputs, const char *key, size_t bytes, tn_pack_fill fill, const void *user,
                       const void **out) {
    tn_form_request r = { .key = key, .bytes = bytes, .fill = fill, .user = user };
    *out = NULL;
    for (int i = 0; inputs >> i; i++) {
        if (!(inputs >> i & 1)) continue;
        const tn_tensor *t = i < p->types.n_in ? p->types.in_tensor[i] : NULL;
        if (!t || r.n == TN_FORM_OF)
            return tn_op_fail(p->types.node, TN_E_INVALID, "input %d cannot be packed: %s", i,
                              t ? "too many others are" : "it is not a constant");
        r.of[r.n++] = t;
    }
    if (!r.n || strlen(key) > TN_FORM_KEY)
        return tn_op_fail(p->types.node, TN_E_INVALID, "'%s' cannot be the key of packed weights", key);
    tn_status st = get(p->packs, &r, p->arena, p->held, out);
    return st == TN_OK ? st : tn_fail_at(st, "%s", tn_node_where(p->types.node));
}

static tn_status copy_tensor(void *dst, const void *user) {
    const tn_tensor *t = user;
    tn_budget_copy(dst, t->data, tn_tensor_bytes(t));
    return TN_OK;
}

/* What shape rules have read of a constant must be what a run reads: such a copy is never a file's. */
tn_status tn_pack_copy(tn_pack_cache *c, const tn_tensor *t, tn_arena *a, tn_pack_use **held, const void **out) {
    tn_form_request r = {
        .of = { t }, .n = 1, .key = "!aligned", .bytes = tn_tensor_bytes(t), .fill = copy_tensor, .user = t
    };
    return get(c, &r, a, held, out);
}

void tn_pack_release(tn_pack_cache *c, tn_pack_use **held) {
    if (!*held) return;
    pthread_mutex_lock(&c->lock);
    for (tn_pack_use *u = *held; u; u = u->next) let_go(c, u->e);
    while (c->idle.last && c->idle.bytes > c->held.bytes) forget(c, &c->idle, c->idle.last);
    pthread_mutex_unlock(&c->lock);
    *held = NULL;
}

size_t tn_pack_cache_trim(tn_pack_cache *c) {
    size_t bytes = 0;
    pthread_mutex_lock(&c->lock);
    while (c->idle.last) bytes += forget(c, &c->idle, c->idle.last);
    pthread_mutex_unlock(&c->lock);
    return bytes;
}

void tn_pack_note(tn_pack_cache *c, const tn_tensor *t, bool consumed) { tn_store_note(c->store, t, consumed); }

static tn_status hold_each(tn_pack_cache *c, entry *e, tn_arena *a, tn_pack_use **held) {
    for (entry *after; e; e = after) {
        tn_pack_use *use = tn_arena_new_of(a, tn_pack_use);
        if (!use) return no_memory(e->form->bytes);
        after = e->after;
        *use = (tn_pack_use){ .next = *held, .e = e };
        *held = use;
        hold(c, e);
    }
    return TN_OK;
}

tn_status tn_pack_hold_all(tn_pack_cache *c, tn_arena *a, tn_pack_use **held) {
    pthread_mutex_lock(&c->lock);
    tn_status st = hold_each(c, c->held.first, a, held);
    if (st == TN_OK) st = hold_each(c, c->idle.first, a, held);
    pthread_mutex_unlock(&c->lock);
    return st;
}

const tn_form *tn_pack_next(const tn_pack_use **list) {
    const tn_pack_use *u = *list;
    if (u) *list = u->next;
    return u ? u->e->form : NULL;
}
