/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* planner.h - what the parts of planning share: plan.c chooses the steps, homes.c the places of values, captures.c
 * knows what subgraphs take from outside. */
#ifndef TN_ENGINE_PLANNER_H
#define TN_ENGINE_PLANNER_H

#include "engine/plan.h"

/* What only planning needs. */
typedef struct tn_planner {
    const tn_plan_args *args;
    tn_plan *p;
    tn_arena *temp;
    tn_typing most;        /* of a range: exact, for its largest sizes */
    const tn_node **nodes; /* in order */
    bool *live;            /* by position in nodes */
    bool *needed;          /* by value id */
    int *slot_of;          /* by value id; -1 */
    int *root;             /* by slot: union-find over homes */
    int *first, *last;     /* by slot; of a root: of its home */
    int n_nodes, cap_slots;
    struct tn_offload_cut *cut; /* of a plan with segments: offload_cut.c's */
    int *order, *segment;       /* [n_order] positions in nodes, in the order they run in; segments, -1: the CPU's */
    int n_order;
} tn_planner;

/* For every graph among a node's attributes. */
#define tn_each_graph(node, g)                                                                      \
    for (int g##_a = 0; g##_a < (node)->n_attrs; g##_a++)                                           \
        for (size_t g##_i = 0, g##_n = tn_graphs_in(&(node)->attrs[g##_a]); g##_i < g##_n; g##_i++) \
            for (tn_graph *g = tn_graph_in(&(node)->attrs[g##_a], g##_i); g; g = NULL)

static inline size_t tn_graphs_in(const tn_attr *a) {
    return a->kind == TN_ATTR_GRAPH ? 1 : a->kind == TN_ATTR_GRAPHS ? a->n : 0;
}
static inline tn_graph *tn_graph_in(const tn_attr *a, size_t i) {
    return a->kind == TN_ATTR_GRAPH ? a->graph : a->graphs[i];
}

static inline tn_status tn_planner_no_memory(const tn_planner *b) {
    return tn_fail(TN_E_NOMEM, "no memory for the plan of graph '%s'",
                   b->args->graph->name ? b->args->graph->name : "");
}

static inline size_t tn_slot_bytes(const tn_slot *s) {
    size_t bytes = 0;
    int64_t n = tn_dims_count(s->type.rank, s->type.dims);
    return n < 0 || !tn_dtype_bytes(s->type.dtype, n, &bytes) ? SIZE_MAX : bytes;
}

/** The slot of v, made with its type if it is new; -1 without memory. */
int tn_planner_slot(tn_planner *b, const tn_value *v, tn_home_kind home, int index);
/** Whether n appends to a state or writes into it: then it runs, whoever wants its outputs. */
bool tn_planner_writes_state(const tn_planner *b, const tn_node *n);
/** Whether the step's output is a state that it is given and writes into: it lies where input 0 does. */
bool tn_planner_updates(const tn_planner *b, const tn_step *s);
/** Once its kind is known. errors TN_E_UNSUPPORTED: the step cannot do that to a state, or would read a cache as a
 * tensor
 */
tn_status tn_planner_check_states(const tn_planner *b, const tn_step *s);
/** Which slots share a home, and how long each lives, from the steps. joined: pairs of an output and the input it lies
 * in. Graph outputs get memory of their own. errors TN_E_NOMEM */
tn_status tn_planner_lifetimes(tn_planner *b, int (*joined)[2], int n_joined);
/** Output 0 of steps that may do so takes over the memory of an input that nobody reads later. */
void tn_planner_in_place(tn_planner *b);
/** Offsets of all homes in one block, with the steps' scratch; then the lists of slots that runs go through.
 *  errors TN_E_NOMEM, TN_E_LIMIT */
tn_status tn_planner_lay_out(tn_planner *b);

#endif
