/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* edit.c - changing a graph in place. Every call keeps the invariants: uses mirror inputs, producers mirror outputs. */
#include "graph/internal.h"
#include <assert.h>

/* ------------------------------------------------------------------------------------------------------ use lists */

tn_status tn_use_add(tn_value *v, tn_use u) {
    if (!tn_grow(v->graph->model->arena, &v->uses, v->n_uses, &v->cap_uses, sizeof *v->uses)) return TN_E_NOMEM;
    v->uses[v->n_uses++] = u;
    return TN_OK;
}

static bool same_use(const tn_use *a, const tn_use *b) {
    return a->node == b->node && a->graph == b->graph && a->index == b->index;
}

/* From the last place in both directions: whoever rewrites all users of a value does so in order, and a search from one
 * end would make that quadratic. */
void tn_use_remove(tn_value *v, tn_use u) {
    int n = v->n_uses, from = v->use_hint < n ? v->use_hint : n - 1;
    for (int d = 0; d < n; d++) {
        int up = from + d, down = from - 1 - d;
        int at = up < n && same_use(&v->uses[up], &u) ? up : down >= 0 && same_use(&v->uses[down], &u) ? down : -1;
        if (at < 0) continue;
        v->uses[at] = v->uses[--v->n_uses];
        v->use_hint = at;
        return;
    }
}

bool tn_value_is_output(const tn_value *v) {
    for (int i = 0; i < v->n_uses; i++)
        if (!v->uses[i].node) return true;
    return false;
}

tn_node *tn_value_only_user(const tn_value *v) {
    tn_node *user = v->n_uses == 1 ? v->uses[0].node : NULL;
    return user && user->graph == v->graph ? user : NULL;
}

/* ------------------------------------------------------------------------------------------------------ node list */

void tn_node_link(tn_graph *g, tn_node *n, tn_node *before) {
    n->graph = g;
    n->next = before;
    n->prev = before ? before->prev : g->last;
    *(n->prev ? &n->prev->next : &g->first) = n;
    *(before ? &before->prev : &g->last) = n;
    g->n_nodes++;
}

void tn_node_unlink(tn_node *n) {
    *(n->prev ? &n->prev->next : &n->graph->first) = n->next;
    *(n->next ? &n->next->prev : &n->graph->last) = n->prev;
    n->graph->n_nodes--;
    n->prev = n->next = NULL;
}

void tn_node_move_before(tn_node *n, tn_node *before) {
    assert(!before || before->graph == n->graph);
    if (n == before) return;
    tn_graph *g = n->graph;
    tn_node_unlink(n);
    tn_node_link(g, n, before);
}

/* Outer values forget their uses in g; `root` is the depth of the graph that is dropped. */
static void detach(tn_graph *g, int root) {
    tn_graph_each(g, n) {
        for (int i = 0; i < n->n_inputs; i++)
            if (n->inputs[i] && n->inputs[i]->graph->depth < root) tn_use_remove(n->inputs[i], (tn_use){ n, g, i });
        tn_node_each_graph(n, sub) detach(sub, root);
    }
    for (int i = 0; i < g->n_outputs; i++)
        if (g->outputs[i]->graph->depth < root) tn_use_remove(g->outputs[i], (tn_use){ NULL, g, i });
}

void tn_graph_detach(tn_graph *g) { detach(g, g->depth); }

void tn_node_remove(tn_node *n) {
    for (int i = 0; i < n->n_outputs; i++) {
        if (!n->outputs[i]) continue;
        assert(n->outputs[i]->n_uses == 0);
        n->outputs[i]->producer = NULL;
    }
    for (int i = 0; i < n->n_inputs; i++)
        if (n->inputs[i]) tn_use_remove(n->inputs[i], (tn_use){ n, n->graph, i });
    tn_node_each_graph(n, sub) tn_graph_detach(sub);
    tn_node_unlink(n);
    n->graph = NULL;
}

/* ----------------------------------------------------------------------------------------------- inputs, outputs */

tn_status tn_node_set_input(tn_node *n, int i, tn_value *v) {
    assert(i >= 0);
    while (n->n_inputs <= i) {
        if (!tn_grow(n->graph->model->arena, &n->inputs, n->n_inputs, &n->cap_inputs, sizeof *n->inputs))
            return TN_E_NOMEM;
        n->inputs[n->n_inputs++] = NULL;
    }
    tn_value *old = n->inputs[i];
    if (old == v) return TN_OK;
    tn_use u = { n, n->graph, i };
    if (v) TN_TRY(tn_use_add(v, u));
    if (old) tn_use_remove(old, u);
    n->inputs[i] = v;
    return TN_OK;
}

tn_status tn_node_set_output(tn_node *n, int i, tn_value *v) {
    assert(i >= 0 && (!v || !v->producer));
    while (n->n_outputs <= i) {
        if (!tn_grow(n->graph->model->arena, &n->outputs, n->n_outputs, &n->cap_outputs, sizeof *n->outputs))
            return TN_E_NOMEM;
        n->outputs[n->n_outputs++] = NULL;
    }
    if (n->outputs[i]) n->outputs[i]->producer = NULL;
    n->outputs[i] = v;
    if (v) {
        v->producer = n;
        v->producer_index = i;
    }
    return TN_OK;
}

void tn_graph_remove_output(tn_graph *g, int i) {
    tn_use_remove(g->outputs[i], (tn_use){ NULL, g, i });
    for (; i + 1 < g->n_outputs; i++) {
        tn_value *v = g->outputs[i] = g->outputs[i + 1];
        for (int u = 0; u < v->n_uses; u++)
            if (same_use(&v->uses[u], &(tn_use){ NULL, g, i + 1 })) {
                v->uses[u].index = i;
                break;
            }
    }
    g->n_outputs--;
}

/* ---------------------------------------------------------------------------------------------------- replacement */

static void point_use(tn_use u, tn_value *to) {
    if (u.node)
        u.node->inputs[u.index] = to;
    else
        u.graph->outputs[u.index] = to;
}

static bool names_output(const tn_use *u) { return !u->node && !u->graph->parent; }

static bool is_named(const tn_value *v) { /* the world knows it by its name */
    if (v->is_input) return true;
    for (int i = 0; i < v->n_uses; i++)
        if (names_output(&v->uses[i])) return true;
    return false;
}

static tn_status swap_names(tn_value *a, tn_value *b) {
    tn_map *names = a->graph->model->names;
    const char *name = a->name;
    a->name = b->name;
    b->name = name;
    TN_TRY(tn_map_put(names, a->name, strlen(a->name), a)); /* both keys are there: nothing is allocated */
    return tn_map_put(names, b->name, strlen(b->name), b);
}

/* An output that must stay itself: an Identity node at the end of its graph gives it the value `to`. */
static tn_status give_by_identity(tn_value *from, tn_value *to) {
    tn_node *id = tn_node_new(from->graph, NULL, "", "Identity", &to, 1, 0);
    if (!id) return TN_E_NOMEM;
    if (from->producer) {
        tn_value *unused = tn_value_new(from->graph, from->name);
        if (!unused) return TN_E_NOMEM;
        TN_TRY(tn_node_set_output(from->producer, from->producer_index, unused));
    }
    from->constant = NULL;
    TN_TRY(tn_node_set_output(id, 0, from));
    id->name = from->name;
    return TN_OK;
}

tn_status tn_value_replace(tn_value *from, tn_value *to) {
    if (from == to) return TN_OK;
    bool named = false, must_stay = false; /* an output use that keeps `from` */
    bool to_named = is_named(to);
    for (int i = 0; i < from->n_uses; i++) {
        const tn_use *u = &from->uses[i];
        if (u->node) continue;
        if (names_output(u)) {
            named = true;
            if (to_named || to->graph != from->graph) must_stay = true;
        } else if (to->graph != u->graph) {
            must_stay = true;
        }
    }
    if (from->is_input) must_stay = named = false; /* nothing can produce an input */

    while (to->cap_uses < to->n_uses + from->n_uses + 1) { /* all room first: what follows cannot fail half-way */
        int n = to->n_uses, cap = to->cap_uses;
        to->n_uses = cap;
        bool ok = tn_grow(to->graph->model->arena, &to->uses, cap, &to->cap_uses, sizeof *to->uses);
        to->n_uses = n;
        if (!ok) return TN_E_NOMEM;
    }
    if (must_stay) TN_TRY(give_by_identity(from, to));
    int kept = 0;
    for (int i = 0; i < from->n_uses; i++) {
        tn_use u = from->uses[i];
        if (must_stay && !u.node) {
            from->uses[kept++] = u;
        } else {
            point_use(u, to);
            to->uses[to->n_uses++] = u;
        }
    }
    from->n_uses = kept;
    return named && !must_stay ? swap_names(from, to) : TN_OK;
}
