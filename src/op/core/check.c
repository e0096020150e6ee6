/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* check.c - every invariant of a graph, for readers of files and for tests of passes. */
#include "op/core/op.h"
#include <stdio.h>
#include <string.h>

/* Whether `inner` is `outer` or nested in it. */
static bool within(const tn_graph *inner, const tn_graph *outer) {
    while (inner && inner->depth > outer->depth) inner = inner->parent;
    return inner == outer;
}

static bool has_use(const tn_value *v, const tn_node *n, const tn_graph *g, int index) {
    for (int i = v->n_uses - 1; i >= 0; i--)
        if (v->uses[i].node == n && v->uses[i].graph == g && v->uses[i].index == index) return true;
    return false;
}

/* What may be read at node n (NULL: at the end of g): defined before it, here or in a graph around. */
static tn_status check_read(const tn_graph *g, const tn_node *n, const tn_value *v, const char *what) {
    if (!within(g, v->graph))
        return tn_fail(TN_E_GRAPH, "%s uses '%s', which belongs to a graph that is not around it", what, v->name);
    if (!v->producer && !v->is_input && !v->constant)
        return tn_fail(TN_E_GRAPH, "%s uses '%s', which nothing defines", what, v->name);
    const tn_node *at = n; /* the node of v's own graph that contains the read */
    for (const tn_graph *here = g; here != v->graph; here = here->parent) at = here->parent_node;
    if (v->producer && v->producer->graph != v->graph)
        return tn_fail(TN_E_GRAPH, "%s uses '%s', whose node was removed", what, v->name);
    if (v->producer && at && v->producer->mark >= at->mark)
        return tn_fail(TN_E_GRAPH, "%s uses '%s' before %s gives it", what, v->name, tn_node_where(v->producer));
    return TN_OK;
}

static tn_status check_uses(const tn_value *v) {
    for (int i = 0; i < v->n_uses; i++) {
        const tn_use *u = &v->uses[i];
        bool holds = u->node
                         ? u->node->graph == u->graph && u->index < u->node->n_inputs && u->node->inputs[u->index] == v
                         : u->index < u->graph->n_outputs && u->graph->outputs[u->index] == v;
        if (!holds) return tn_fail(TN_E_GRAPH, "value '%s' lists a use that is not there", v->name);
    }
    return TN_OK;
}

static tn_status check_graph(const tn_graph *g);

static tn_status check_subgraph(const tn_graph *g, const tn_node *n, const char *attr, const tn_graph *sub) {
    if (!sub) return tn_op_fail(n, TN_E_GRAPH, "attribute '%s' holds no graph", attr);
    if (sub->parent != g || sub->parent_node != n || sub->depth != g->depth + 1)
        return tn_op_fail(n, TN_E_GRAPH, "the graph of attribute '%s' belongs elsewhere", attr);
    return check_graph(sub);
}

static tn_status check_node(const tn_graph *g, const tn_node *n) {
    if (n->graph != g || (n->next && n->next->prev != n))
        return tn_op_fail(n, TN_E_GRAPH, "is on a list that it does not belong to");
    TN_TRY(tn_op_check_node(n));
    for (int i = 0; i < n->n_inputs; i++) {
        const tn_value *v = n->inputs[i];
        if (!v) continue;
        TN_TRY(check_read(g, n, v, tn_node_where(n)));
        TN_TRY(tn_op_check_encoded(n, i, v->constant));
        /* a value with very many users is checked from its own side only: check_uses */
        if (v->n_uses <= 64 && !has_use(v, n, g, i))
            return tn_op_fail(n, TN_E_GRAPH, "input %d ('%s') does not know of it", i, v->name);
    }
    for (int i = 0; i < n->n_outputs; i++) {
        const tn_value *v = n->outputs[i];
        if (!v) continue;
        if (v->producer != n || v->producer_index != i || v->graph != g || v->is_input || v->constant)
            return tn_op_fail(n, TN_E_GRAPH, "output %d ('%s') is also defined elsewhere", i, v->name);
        TN_TRY(check_uses(v));
    }
    for (int i = 0; i < n->n_attrs; i++) {
        const tn_attr *a = &n->attrs[i];
        if (a->kind == TN_ATTR_GRAPH) TN_TRY(check_subgraph(g, n, a->name, a->graph));
        if (a->kind == TN_ATTR_GRAPHS)
            for (size_t j = 0; j < a->n; j++) TN_TRY(check_subgraph(g, n, a->name, a->graphs[j]));
    }
    return TN_OK;
}

static tn_status check_graph(const tn_graph *g) {
    int count = 0;
    tn_graph_each(g, n) n->mark = count++;
    if (count != g->n_nodes)
        return tn_fail(TN_E_GRAPH, "graph '%s' lists %d nodes and counts %d", g->name, count, g->n_nodes);
    for (int i = 0; i < g->n_inputs; i++) {
        const tn_value *v = g->inputs[i];
        if (!v->is_input || v->producer || v->graph != g)
            return tn_fail(TN_E_GRAPH, "input '%s' is also defined elsewhere", v->name);
        TN_TRY(check_uses(v));
    }
    tn_graph_each(g, n) TN_TRY(check_node(g, n));
    for (int i = 0; i < g->n_outputs; i++) {
        char what[80];
        snprintf(what, sizeof what, "output %d of graph '%.40s'", i, g->name);
        TN_TRY(check_read(g, NULL, g->outputs[i], what));
        if (g->outputs[i]->constant) TN_TRY(tn_tensor_plain(g->outputs[i]->constant, what));
        if (g->outputs[i]->n_uses <= 64 && !has_use(g->outputs[i], NULL, g, i))
            return tn_fail(TN_E_GRAPH, "%s ('%s') does not know of it", what, g->outputs[i]->name);
    }
    return TN_OK;
}

tn_status tn_graph_check(const tn_graph *g) { return check_graph(g); }
