/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* captures.c - the values of outer graphs that a graph and its subgraphs use. */
#include "base/map.h"
#include "engine/planner.h"
#include <string.h>

static bool within(const tn_graph *g, const tn_graph *outer) {
    while (g && g != outer) g = g->parent;
    return g != NULL;
}

typedef struct {
    tn_arena *a;
    const tn_value **v;
    int n, cap;
    tn_map *seen;
} captures;

static tn_status capture(captures *c, const tn_value *v, const tn_graph *g) {
    if (!v || within(v->graph, g) || v->constant) return TN_OK;
    if (tn_map_get(c->seen, (const char *)&v->id, sizeof v->id)) return TN_OK;
    if (c->n == c->cap) {
        int cap = c->cap ? 2 * c->cap : 8;
        const tn_value **grown = tn_arena_array(c->a, const tn_value *, (size_t)cap);
        if (!grown) return tn_fail(TN_E_NOMEM, "no memory for captured values");
        if (c->n) memcpy(grown, c->v, (size_t)c->n * sizeof *grown);
        c->v = grown;
        c->cap = cap;
    }
    c->v[c->n++] = v;
    return tn_map_put(c->seen, (const char *)&v->id, sizeof v->id, (void *)(uintptr_t)v);
}

static tn_status captures_of(captures *c, const tn_graph *g, const tn_graph *top) {
    for (const tn_node *n = g->first; n; n = n->next) {
        for (int i = 0; i < n->n_inputs; i++) TN_TRY(capture(c, n->inputs[i], top));
        tn_each_graph(n, sub) TN_TRY(captures_of(c, sub, top));
    }
    for (int i = 0; i < g->n_outputs; i++) TN_TRY(capture(c, g->outputs[i], top));
    return TN_OK;
}

tn_status tn_captures(const tn_graph *g, tn_arena *a, const tn_value ***out, int *n) {
    captures c = { .a = a, .seen = tn_map_new(16) };
    if (!c.seen) return tn_fail(TN_E_NOMEM, "no memory for captured values");
    tn_status st = captures_of(&c, g, g);
    tn_map_free(&c.seen);
    *out = c.v;
    *n = c.n;
    return st;
}
