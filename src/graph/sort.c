/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* sort.c - topological order, stable: of the nodes that may come next, the one that came first in the file does.
 *
 * A node waits for the producers of its inputs and of every outer value its subgraphs use. Kahn's algorithm over a
 * binary heap of file positions; a graph already in order is only checked. */
#include "graph/internal.h"
#include <stdio.h>

typedef struct {
    int from, to; /* node numbers: to waits for from */
} edge;

typedef struct {
    tn_graph *g;
    tn_node **nodes; /* in file order; node->mark is the number */
    edge *edges;
    size_t n_edges, cap_edges;
    int *waits; /* how many edges lead to each node */
    bool sorted, nomem;
} sorter;

static void add_edge(sorter *s, const tn_value *v, int to) {
    if (!v || !v->producer || v->graph != s->g || v->producer->graph != s->g) return;
    int from = v->producer->mark;
    if (from >= to) s->sorted = false;
    if (s->n_edges == s->cap_edges) {
        size_t cap = s->cap_edges ? s->cap_edges * 2 : 64;
        edge *wider = tn_mem_alloc(cap * sizeof *wider, TN_MEM_GRAPH);
        if (!wider) {
            s->nomem = true;
            return;
        }
        if (s->n_edges) memcpy(wider, s->edges, s->n_edges * sizeof *wider);
        tn_mem_free(s->edges);
        s->edges = wider;
        s->cap_edges = cap;
    }
    s->edges[s->n_edges++] = (edge){ from, to };
}

/* Everything `n` waits for, with what its subgraphs (at most TN_MAX_DEPTH deep) take from s->g. */
static void add_edges(sorter *s, const tn_node *n, int to) {
    for (int i = 0; i < n->n_inputs && !s->nomem; i++) add_edge(s, n->inputs[i], to);
    tn_node_each_graph(n, sub) {
        tn_graph_each(sub, inner) add_edges(s, inner, to);
        for (int i = 0; i < sub->n_outputs; i++) add_edge(s, sub->outputs[i], to);
    }
}

static void heap_push(int *heap, int *n, int v) {
    int i = (*n)++;
    for (; i && heap[(i - 1) / 2] > v; i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
    heap[i] = v;
}

static int heap_pop(int *heap, int *n) {
    int top = heap[0], v = heap[--*n], i = 0;
    for (int c = 1; c < *n; c = 2 * i + 1) {
        if (c + 1 < *n && heap[c + 1] < heap[c]) c++;
        if (heap[c] >= v) break;
        heap[i] = heap[c];
        i = c;
    }
    heap[i] = v;
    return top;
}

/* Walks backwards along unfinished edges until a node repeats; the message shows the loop's first few nodes. */
static tn_status cycle_error(const sorter *s, const int *waits, int n) {
    int *before = tn_mem_alloc((size_t)n * sizeof *before, TN_MEM_GRAPH);
    bool *seen = tn_mem_zalloc((size_t)n * sizeof *seen, TN_MEM_GRAPH);
    tn_status st = tn_fail(TN_E_GRAPH, "the nodes form a cycle");
    if (!before || !seen) goto done;
    for (size_t e = 0; e < s->n_edges; e++)
        if (waits[s->edges[e].from] > 0) before[s->edges[e].to] = s->edges[e].from;
    int at = 0;
    while (waits[at] <= 0) at++;
    for (; !seen[at]; at = before[at]) seen[at] = true;

    char text[600];
    int used = 0, shown = 0, i = at;
    do {
        if (shown++ == 4) {
            used += snprintf(text + used, sizeof text - (size_t)used, " <- ...");
            break;
        }
        used += snprintf(text + used, sizeof text - (size_t)used, "%s'%.60s' (%.40s)", shown > 1 ? " <- " : "",
                         s->nodes[i]->name, s->nodes[i]->type);
        i = before[i];
    } while (i != at);
    st = tn_fail(TN_E_GRAPH, "the nodes form a cycle: %s <- '%.60s'", text, s->nodes[at]->name);
done:
    tn_mem_free(before);
    tn_mem_free(seen);
    return st;
}

static tn_status reorder(sorter *s) {
    int n = s->g->n_nodes, ready = 0, done = 0;
    tn_status st = TN_OK;
    int *waits = tn_mem_zalloc((size_t)n * sizeof *waits, TN_MEM_GRAPH);
    int *heap = tn_mem_alloc((size_t)n * sizeof *heap, TN_MEM_GRAPH);
    int *order = tn_mem_alloc((size_t)n * sizeof *order, TN_MEM_GRAPH);
    size_t *start = tn_mem_zalloc(((size_t)n + 1) * sizeof *start, TN_MEM_GRAPH);
    int *next = tn_mem_alloc((s->n_edges ? s->n_edges : 1) * sizeof *next, TN_MEM_GRAPH);
    if (!waits || !heap || !order || !start || !next) {
        st = tn_fail(TN_E_NOMEM, "sorting %d nodes", n);
        goto out;
    }
    for (size_t e = 0; e < s->n_edges; e++) { /* edges grouped by their source, by counting */
        start[s->edges[e].from + 1]++;
        waits[s->edges[e].to]++;
    }
    for (int i = 0; i < n; i++) start[i + 1] += start[i];
    for (size_t e = s->n_edges; e-- > 0;) next[--start[s->edges[e].from + 1]] = s->edges[e].to;
    /* now start[i + 1] is where node i's edges begin, and node i's edges end where node i + 1's begin */
    for (int i = 0; i < n; i++)
        if (!waits[i]) heap_push(heap, &ready, i);
    while (ready) {
        int i = order[done++] = heap_pop(heap, &ready);
        size_t end = i + 1 < n ? start[i + 2] : s->n_edges;
        for (size_t e = start[i + 1]; e < end; e++)
            if (!--waits[next[e]]) heap_push(heap, &ready, next[e]);
    }
    if (done < n) {
        st = cycle_error(s, waits, n);
        goto out;
    }
    tn_node *prev = NULL;
    for (int i = 0; i < n; i++) {
        tn_node *node = s->nodes[order[i]];
        node->prev = prev;
        node->next = NULL;
        if (prev)
            prev->next = node;
        else
            s->g->first = node;
        prev = node;
    }
    s->g->last = prev;
out:
    tn_mem_free(waits);
    tn_mem_free(heap);
    tn_mem_free(order);
    tn_mem_free(start);
    tn_mem_free(next);
    return st;
}

static tn_status sort_one(tn_graph *g) {
    if (!g->n_nodes) return TN_OK;
    sorter s = { .g = g, .sorted = true };
    s.nodes = tn_mem_alloc((size_t)g->n_nodes * sizeof *s.nodes, TN_MEM_GRAPH);
    if (!s.nodes) return tn_fail(TN_E_NOMEM, "sorting %d nodes", g->n_nodes);
    int n = 0;
    tn_graph_each(g, node) {
        node->mark = n;
        s.nodes[n++] = node;
    }
    for (int i = 0; i < n && !s.nomem; i++) add_edges(&s, s.nodes[i], i);
    tn_status st = s.nomem ? tn_fail(TN_E_NOMEM, "sorting %d nodes", n) : s.sorted ? TN_OK : reorder(&s);
    tn_mem_free(s.nodes);
    tn_mem_free(s.edges);
    return st;
}

tn_status tn_graph_sort(tn_graph *g) {
    TN_TRY(sort_one(g));
    tn_graph_each(g, n) tn_node_each_graph(n, sub) TN_TRY(tn_graph_sort(sub));
    return TN_OK;
}
