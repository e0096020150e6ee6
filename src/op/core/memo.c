/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* memo.c - see memo.h. */
#include "op/core/memo.h"
#include <string.h>

typedef struct {
    const tn_node *node; /* the map's key */
    bool listed, kept;   /* `outer` is complete; `facts` are of an inference */
    int *outer;          /* ids of the node's inputs and of the outer values that its subgraphs use */
    int n_outer, cap_outer;
    tn_fact *facts; /* of those */
} entry;

struct tn_memo {
    tn_arena *a;
    tn_map *by_node;
    tn_memo_fact fact;
    void *user;
};

tn_memo *tn_memo_new(tn_arena *a, tn_memo_fact fact, void *user) {
    tn_memo *m = tn_arena_new_of(a, tn_memo);
    tn_map *map = m ? tn_map_new(16) : NULL;
    if (!map) return NULL;
    *m = (tn_memo){ a, map, fact, user };
    return m;
}

void tn_memo_free(tn_memo **m) {
    if (*m) tn_map_free(&(*m)->by_node);
    *m = NULL;
}

/* --------------------------------------------------------------------------------------------------- outer values */

/* Is the value defined in this graph or around it? */
static bool seen_from(const tn_graph *home, const tn_value *v) {
    while (home && home != v->graph) home = home->parent;
    return home != NULL;
}

static bool add_outer(tn_memo *m, entry *e, tn_map *seen, const tn_value *v, const tn_graph *home) {
    if (!v || v->constant || !seen_from(home, v)) return true;
    if (tn_map_get(seen, (const char *)&v->id, sizeof v->id)) return true;
    if (e->n_outer == e->cap_outer) {
        int cap = e->cap_outer ? 2 * e->cap_outer : 8;
        int *wider = tn_arena_array(m->a, int, (size_t)cap);
        if (!wider) return false;
        if (e->n_outer) memcpy(wider, e->outer, sizeof *wider * (size_t)e->n_outer);
        e->outer = wider;
        e->cap_outer = cap;
    }
    e->outer[e->n_outer++] = v->id;
    return tn_map_put(seen, (const char *)&v->id, sizeof v->id, e) == TN_OK;
}

static bool list_graph(tn_memo *m, entry *e, tn_map *seen, const tn_graph *g, const tn_graph *home);

static bool list_outer(tn_memo *m, entry *e, tn_map *seen, const tn_node *n, const tn_graph *home) {
    bool good = true;
    for (int i = 0; i < n->n_inputs && good; i++) good = add_outer(m, e, seen, n->inputs[i], home);
    for (int i = 0; i < n->n_attrs && good; i++) {
        const tn_attr *a = &n->attrs[i];
        if (a->kind == TN_ATTR_GRAPH) good = list_graph(m, e, seen, a->graph, home);
        for (size_t k = 0; a->kind == TN_ATTR_GRAPHS && k < a->n && good; k++)
            good = list_graph(m, e, seen, a->graphs[k], home);
    }
    return good;
}

static bool list_graph(tn_memo *m, entry *e, tn_map *seen, const tn_graph *g, const tn_graph *home) {
    bool good = true;
    for (const tn_node *n = g->first; n && good; n = n->next) good = list_outer(m, e, seen, n, home);
    for (int i = 0; i < g->n_outputs && good; i++) good = add_outer(m, e, seen, g->outputs[i], home);
    return good;
}

static entry *entry_of(tn_memo *m, const tn_node *n) {
    entry *e = tn_map_get(m->by_node, (const char *)&n, sizeof n);
    if (e) return e->listed ? e : NULL;
    tn_map *seen = tn_map_new(16);
    if ((e = tn_arena_new_of(m->a, entry)) && seen) {
        e->node = n;
        e->listed = list_outer(m, e, seen, n, n->graph) &&
                    (e->facts = tn_arena_array(m->a, tn_fact, (size_t)e->n_outer + 1)) != NULL;
        if (tn_map_put(m->by_node, (const char *)&e->node, sizeof e->node, e) != TN_OK) e->listed = false;
    }
    tn_map_free(&seen);
    return e && e->listed ? e : NULL;
}

/* ------------------------------------------------------------------------------------------------------ comparing */

static bool same_type(const tn_type *a, const tn_type *b) {
    for (int depth = 0; depth < 16; depth++) {
        if (a == b) return true;
        if (!a || !b || a->kind != b->kind || a->dtype != b->dtype || a->rank != b->rank) return false;
        if (a->rank > 0 && memcmp(a->dims, b->dims, sizeof a->dims[0] * (size_t)a->rank)) return false;
        a = a->elem;
        b = b->elem;
    }
    return false;
}

static bool same_content(const tn_content *a, const tn_content *b) {
    return a == b || (a && b && a->n == b->n && !memcmp(a->v, b->v, sizeof a->v[0] * (size_t)a->n));
}

/* Data are the same where they lie, or small and equal. */
static bool same_tensor(const tn_tensor *a, const tn_tensor *b) {
    if (a == b) return true;
    if (!a || !b || a->dtype != b->dtype || a->dtype == TN_STRING || tn_count(a) > TN_CONTENT_MAX) return false;
    if (!tn_dims_equal(a->rank, a->dims, b->rank, b->dims)) return false;
    return !tn_count(a) || !memcmp(a->data, b->data, tn_tensor_bytes(a));
}

static bool same_fact(const tn_fact *a, const tn_fact *b) {
    return same_type(&a->type, &b->type) && same_content(a->content, b->content) && same_tensor(a->tensor, b->tensor);
}

bool tn_memo_find(tn_memo *m, const tn_node *n) {
    entry *e = entry_of(m, n);
    if (!e || !e->kept) return false;
    for (int i = 0; i < e->n_outer; i++) {
        tn_fact f = m->fact(m->user, e->outer[i]);
        if (!same_fact(&e->facts[i], &f)) return false;
    }
    return true;
}

void tn_memo_keep(tn_memo *m, const tn_node *n) {
    entry *e = entry_of(m, n);
    if (!e) return;
    for (int i = 0; i < e->n_outer; i++) e->facts[i] = m->fact(m->user, e->outer[i]);
    e->kept = true;
}
