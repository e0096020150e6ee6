/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* dim_pool.c - atoms, monomials and expressions by number: equal ones have one. */
#include "graph/dim_pool.h"
#include "base/budget.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* --------------------------------------------------------------------------------------------------- hash-consing */

static uint64_t hash_bytes(uint64_t h, const void *data, size_t n) {
    const uint8_t *p = data;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}
static uint64_t hash_i64(uint64_t h, int64_t v) {
    h = (h ^ (uint64_t)v) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ (h >> 29);
}

static uint64_t hash_atom(const void *p) {
    const tn_atom *a = p;
    uint64_t h = hash_i64(hash_i64(hash_i64((uint64_t)a->kind + 1, a->symbol), a->a), a->b);
    return hash_bytes(h, &a->by, sizeof a->by);
}
static uint64_t hash_mono(const void *p) {
    const tn_mono *m = p;
    uint64_t h = (uint64_t)m->n + 77;
    for (int i = 0; i < m->n; i++) h = hash_i64(h, (int64_t)m->f[i].atom * 1000 + m->f[i].power);
    return h;
}
static uint64_t hash_expr(const void *p) {
    const tn_expr *e = p;
    uint64_t h = (uint64_t)e->n + 99;
    for (int i = 0; i < e->n; i++) h = hash_i64(hash_i64(h, e->t[i].coef), e->t[i].mono);
    return h;
}

static bool same_atom(const void *p, const void *q) {
    const tn_atom *a = p, *b = q;
    return a->kind == b->kind && a->symbol == b->symbol && a->a == b->a && a->b == b->b && a->by == b->by;
}
static bool same_mono(const void *p, const void *q) {
    const tn_mono *a = p, *b = q;
    return a->n == b->n && !memcmp(a->f, b->f, sizeof *a->f * (size_t)a->n);
}
static bool same_expr(const void *p, const void *q) {
    const tn_expr *a = p, *b = q;
    if (a->n != b->n) return false;
    for (int i = 0; i < a->n; i++)
        if (a->t[i].coef != b->t[i].coef || a->t[i].mono != b->t[i].mono) return false;
    return true;
}

typedef struct {
    uint64_t (*hash)(const void *);
    bool (*same)(const void *, const void *);
} keyed;
static const keyed atom_key = { hash_atom, same_atom }, mono_key = { hash_mono, same_mono },
                   expr_key = { hash_expr, same_expr };

static bool list_push(tn_dim_list *l, void *item) {
    if (l->n == l->cap) {
        int cap = l->cap ? l->cap * 2 : 32;
        void **wider = tn_mem_alloc((size_t)cap * sizeof *wider, TN_MEM_GRAPH);
        if (!wider) return false;
        if (l->n) memcpy(wider, l->v, (size_t)l->n * sizeof *wider);
        tn_mem_free(l->v);
        l->v = wider;
        l->cap = cap;
    }
    l->v[l->n++] = item;
    return true;
}

static bool table_grow(tn_dim_table *t, const tn_dim_list *l, const keyed *k) {
    size_t size = t->slots ? (t->mask + 1) * 2 : 64;
    int *slots = tn_mem_zalloc(size * sizeof *slots, TN_MEM_GRAPH);
    if (!slots) return false;
    tn_mem_free(t->slots);
    *t = (tn_dim_table){ slots, size - 1, l->n };
    for (int i = 0; i < l->n; i++) {
        size_t at = k->hash(l->v[i]) & t->mask;
        while (slots[at]) at = (at + 1) & t->mask;
        slots[at] = i + 1;
    }
    return true;
}

/* The index of an equal item; a new one is copied into the pool. -1 when out of memory. */
static int intern(tn_syms *s, tn_dim_list *l, tn_dim_table *t, const keyed *k, const void *item, size_t bytes) {
    if ((!t->slots || (size_t)t->used * 2 >= t->mask) && !table_grow(t, l, k)) return -1;
    size_t at = k->hash(item) & t->mask;
    for (; t->slots[at]; at = (at + 1) & t->mask)
        if (k->same(l->v[t->slots[at] - 1], item)) return t->slots[at] - 1;
    void *copy = tn_arena_alloc(s->arena, bytes, 8);
    if (!copy || !list_push(l, copy)) return -1;
    memcpy(copy, item, bytes);
    t->used++;
    t->slots[at] = l->n;
    return l->n - 1;
}

static size_t atom_bytes(const void *p) { return sizeof(tn_atom); }
static size_t mono_bytes(const void *p) {
    return sizeof(tn_mono) + sizeof(tn_factor) * (size_t)((const tn_mono *)p)->n;
}
static size_t expr_bytes(const void *p) { return sizeof(tn_expr) + sizeof(tn_term) * (size_t)((const tn_expr *)p)->n; }

int tn_pool_mono(tn_syms *s, const tn_mono *m) {
    return intern(s, &s->monos, &s->mono_table, &mono_key, m, mono_bytes(m));
}

int tn_pool_expr(tn_syms *s, const tn_expr *e) {
    return intern(s, &s->exprs, &s->expr_table, &expr_key, e, expr_bytes(e));
}

/* ------------------------------------------------------------------------------------------------------------ atoms */

static tn_dim dim_of_atom(tn_syms *s, int a) {
    int m = a < 0 ? -1 : tn_mono_of_atom(s, a);
    if (m < 0) return TN_DIM_UNKNOWN;
    tn_poly p = { .n = 1, .t = { { 1, m } } };
    return tn_poly_dim(s, &p);
}

tn_dim tn_atom_make(tn_syms *s, tn_atom_kind kind, tn_dim a, tn_dim b, double by) {
    if (a == TN_DIM_UNKNOWN || b == TN_DIM_UNKNOWN) return TN_DIM_UNKNOWN;
    tn_atom x = { .kind = kind, .symbol = -1, .a = a, .b = b, .by = by, .depth = 1, .size = 1 };
    for (int i = 0; i < 2; i++) {
        tn_dim d = i ? b : a;
        const tn_expr *e = tn_dim_symbolic(d) ? tn_expr_at(s, d) : NULL;
        if (e && e->depth >= x.depth) x.depth = e->depth + 1;
        x.size += e ? e->size : 1;
    }
    if (x.depth > TN_DIM_DEPTH || x.size > TN_DIM_SIZE) return TN_DIM_UNKNOWN;
    double la = tn_dim_low(s, a), lb = tn_dim_low(s, b);
    switch (kind) {
    case TN_ATOM_FLOOR_DIV: x.low = la < 0 || lb < 0 ? -INFINITY : tn_dim_known(b) ? floor(la / (double)b) : 0; break;
    case TN_ATOM_SCALE: x.low = la < 0 || by < 0 ? -INFINITY : floor(la * by * (1 - 1e-12)); break;
    case TN_ATOM_MIN: x.low = fmin(la, lb); break;
    default: x.low = fmax(la, lb); break;
    }
    return dim_of_atom(s, intern(s, &s->atoms, &s->atom_table, &atom_key, &x, sizeof x));
}

const tn_atom *tn_atom_as(const tn_syms *s, tn_dim d, tn_atom_kind kind) {
    if (!tn_dim_symbolic(d)) return NULL;
    const tn_expr *e = tn_expr_at(s, d);
    const tn_mono *m = tn_mono_at(s, e->t[0].mono);
    if (e->n != 1 || e->t[0].coef != 1 || m->degree != 1) return NULL;
    const tn_atom *a = tn_atom_at(s, m->f[0].atom);
    return a->kind == kind ? a : NULL;
}

/* ---------------------------------------------------------------------------------------------------------- symbols */

tn_syms *tn_syms_new(void) {
    tn_syms *s = tn_mem_zalloc(sizeof *s, TN_MEM_GRAPH);
    if (!s) return NULL;
    s->arena = tn_arena_new(0, TN_MEM_GRAPH);
    s->by_name = tn_map_new(0);
    if (!s->arena || !s->by_name || tn_mono_one(s) != 0) tn_syms_free(&s);
    return s;
}

void tn_syms_free(tn_syms **syms) {
    tn_syms *s = syms ? *syms : NULL;
    if (!s) return;
    tn_mem_free(s->atoms.v);
    tn_mem_free(s->monos.v);
    tn_mem_free(s->exprs.v);
    tn_mem_free(s->names.v);
    tn_mem_free(s->symbols);
    tn_mem_free(s->atom_table.slots);
    tn_mem_free(s->mono_table.slots);
    tn_mem_free(s->expr_table.slots);
    tn_map_free(&s->by_name);
    tn_arena_free(&s->arena);
    tn_mem_free(s);
    *syms = NULL;
}

static tn_dim new_symbol(tn_syms *s, const char *own_name) {
    int i = s->names.n;
    if (i == s->cap_symbols) {
        int cap = i ? i * 2 : 16;
        tn_dim *wider = tn_mem_alloc((size_t)cap * sizeof *wider, TN_MEM_GRAPH);
        if (!wider) return TN_DIM_UNKNOWN;
        if (i) memcpy(wider, s->symbols, (size_t)i * sizeof *wider);
        tn_mem_free(s->symbols);
        s->symbols = wider;
        s->cap_symbols = cap;
    }
    tn_atom x = { .kind = TN_ATOM_SYMBOL, .symbol = i, .size = 1 };
    int a = intern(s, &s->atoms, &s->atom_table, &atom_key, &x, sizeof x);
    tn_dim d = dim_of_atom(s, a);
    if (d == TN_DIM_UNKNOWN || !list_push(&s->names, (char *)own_name)) return TN_DIM_UNKNOWN;
    s->symbols[i] = d;
    return tn_map_put(s->by_name, own_name, strlen(own_name), s->atoms.v[a]) == TN_OK ? d : TN_DIM_UNKNOWN;
}

tn_dim tn_sym(tn_syms *s, const char *name) {
    const tn_atom *known = tn_map_gets(s->by_name, name);
    if (known) return s->symbols[known->symbol];
    const char *own = tn_arena_strdup(s->arena, name);
    return own ? new_symbol(s, own) : TN_DIM_UNKNOWN;
}

tn_dim tn_sym_fresh(tn_syms *s, const char *hint) {
    char name[80];
    for (int i = s->names.n;; i++) {
        snprintf(name, sizeof name, "%.60s__%d", hint && *hint ? hint : "unk", i);
        if (!tn_map_gets(s->by_name, name)) return tn_sym(s, name);
    }
}

int tn_sym_count(const tn_syms *s) { return s->names.n; }
const char *tn_sym_name(const tn_syms *s, int i) { return s->names.v[i]; }

tn_dim tn_sym_at(const tn_syms *s, int i) { return s->symbols[i]; }

/* Everything is named by index, so a copy of the lists in order is the same pool. */
static bool clone_list(tn_syms *to, tn_dim_list *l, tn_dim_table *t, const keyed *k, const tn_dim_list *from,
                       size_t (*bytes)(const void *)) {
    for (int i = 0; i < from->n; i++)
        if (intern(to, l, t, k, from->v[i], bytes(from->v[i])) != i) return false;
    return true;
}
tn_syms *tn_syms_clone(const tn_syms *from) {
    tn_syms *s = tn_syms_new();
    if (!s) return NULL;
    bool ok = clone_list(s, &s->atoms, &s->atom_table, &atom_key, &from->atoms, atom_bytes) &&
              clone_list(s, &s->monos, &s->mono_table, &mono_key, &from->monos, mono_bytes) &&
              clone_list(s, &s->exprs, &s->expr_table, &expr_key, &from->exprs, expr_bytes);
    s->cap_symbols = from->names.n;
    s->symbols = tn_mem_alloc((size_t)from->names.n * sizeof *s->symbols, TN_MEM_GRAPH);
    ok = ok && s->symbols;
    for (int i = 0; ok && i < from->names.n; i++) {
        char *name = tn_arena_strdup(s->arena, from->names.v[i]);
        s->symbols[i] = from->symbols[i];
        int a = tn_mono_at(s, tn_expr_at(s, s->symbols[i])->t[0].mono)->f[0].atom;
        ok = name && list_push(&s->names, name) && tn_map_put(s->by_name, name, strlen(name), s->atoms.v[a]) == TN_OK;
    }
    if (!ok) tn_syms_free(&s);
    return s;
}
