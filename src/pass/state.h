/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state.h - inputs and outputs that are one value from run to run become something that runs append to or write into.
 *
 *     past ─ Concat ─ present             past is a cache, to which Attention appends `new`:
 *     new ──┘    └─── Attention    ──▶    past ──┐
 *                                         new ─── Attention
 *
 *     past ─ Attention ─ present   ──▶    past ─ Attention           (also MultiHeadAttention, GroupQueryAttention)
 *     cache ─ TensorScatter ─ cache' ──▶  the same, with both in one place
 *
 * It is no pass of the list: it is applied to a copy of an optimised model when somebody makes a state of these pairs,
 * and no other pass comes after it. */
#ifndef TN_PASS_STATE_H
#define TN_PASS_STATE_H

#include "graph/graph.h"

/** A pair of an input and an output of the main graph, by number. */
typedef struct {
    int input, output;
    tn_state_kind kind;
    int rows, heads; /* of a cache: which dimensions of the input they are. The first is the sentence, the last the size
                        of a head */
} tn_state_link;

/** Finds out what each pair can be. Of those that are not TN_STATE_SWAPPED the output goes (those behind it move up)
 * and the graph is as above; links keep their order and numbers. Pairs differ in inputs and outputs.
 *  errors TN_E_NOMEM, TN_E_LIMIT */
tn_status tn_pass_states(tn_model *m, tn_state_link *links, int n);

/** Of a graph that tn_pass_states made with these links: what keeps sentences of several lengths from one run, the node
 *  that computes with the number of rows that shapes say the past has, beyond masks. *out NULL: nothing does
 *  (state_length.c). errors TN_E_NOMEM */
tn_status tn_pass_one_length(const tn_model *m, const tn_state_link *links, int n, const tn_node **out);

#endif
