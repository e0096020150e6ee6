/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of graph/ share: growing lists, use lists, the node list. */
#ifndef TN_GRAPH_INTERNAL_H
#define TN_GRAPH_INTERNAL_H

#include "graph/graph.h"

/** Room for one more element of `each` bytes in the arena array *array (n used, *cap places). False: no memory. */
bool tn_grow(tn_arena *a, void *array, int n, int *cap, size_t each);

tn_status tn_use_add(tn_value *v, tn_use u);
void tn_use_remove(tn_value *v, tn_use u); /* must be there */
void tn_node_link(tn_graph *g, tn_node *n, tn_node *before);
void tn_node_unlink(tn_node *n);

/** Calls fn for every graph in the node's attributes. */
#define tn_node_each_graph(n, g)                                                         \
    for (int g##_a = 0; g##_a < (n)->n_attrs; g##_a++)                                   \
        for (size_t g##_i = 0; g##_i < tn_attr_graph_count(&(n)->attrs[g##_a]); g##_i++) \
            for (tn_graph *g = tn_attr_graph_at(&(n)->attrs[g##_a], g##_i); g; g = NULL)

static inline size_t tn_attr_graph_count(const tn_attr *a) {
    return a->kind == TN_ATTR_GRAPH ? 1 : a->kind == TN_ATTR_GRAPHS ? a->n : 0;
}
static inline tn_graph *tn_attr_graph_at(const tn_attr *a, size_t i) {
    return a->kind == TN_ATTR_GRAPH ? a->graph : a->graphs[i];
}

#endif
