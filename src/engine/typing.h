/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* typing.h - what a plan knows of every value once the inputs' shapes are given: exact types, and the values that
 * turn out to be constants (Shape -> Gather -> Concat chains and what is computed from them).
 *
 * Graph-level inference (tn_graph_infer) keeps symbols; here every input dimension is a number, so the same shape rules
 * give numbers, and a dimension that stays unknown really depends on data. For a range of shapes (range.h) some input
 * dimensions are symbols; then nothing that a run might find otherwise is believed. The model is not touched: plans for
 * several shapes are made of one model, by several threads. */
#ifndef TN_ENGINE_TYPING_H
#define TN_ENGINE_TYPING_H

#include "op/core/op.h"

typedef struct tn_typing {
    tn_arena *keep; /* of the plan: constants */
    tn_arena *temp; /* of the planning: types and contents */
    tn_pool *pool;
    tn_syms *syms; /* of the inputs' dimensions; NULL: they are numbers */
    int n;         /* values in the model */
    tn_type *types;
    const tn_tensor **tensors; /* by value id: its data, where it is a constant in this plan */
    const tn_content **contents;
    bool *open;                    /* by value id: the rule that typed it asked for values that are not known */
    struct tn_memo *memo;          /* while a graph is being typed */
    struct tn_owned_tensor *owned; /* computed constants: the plan releases them */
    int depth;
} tn_typing;

typedef struct tn_owned_tensor {
    struct tn_owned_tensor *next;
    tn_datum datum;
} tn_owned_tensor;

tn_status tn_typing_init(tn_typing *t, const struct tn_model *m, tn_arena *keep, tn_arena *temp, tn_pool *pool);

/** Gives a graph input or an outer value its type; data is its tensor where that is constant, else NULL. Of what a
 *  sequence or an optional holds, sizes that are no numbers are forgotten. */
void tn_typing_set(tn_typing *t, const tn_value *v, const tn_type *type, const tn_tensor *data);

/** Types all values of g, whose inputs and outer values are set. errors of the shape rules, naming the node. */
tn_status tn_typing_graph(tn_typing *t, const tn_graph *g);

/** The shape rule's view of a node, as prepared from the tables; c->out is zeroed. errors TN_E_NOMEM. */
tn_status tn_typing_view(tn_typing *t, const tn_node *n, tn_infer *c);

/** Whether n's rule left values unseen that only a run knows (tn_infer.open). */
bool tn_typing_open(const tn_typing *t, const tn_node *n);

/** The constant a value is, or NULL. */
const tn_tensor *tn_typing_tensor(const tn_typing *t, const tn_value *v);

/** The contents of a value as expressions of the inputs' dimensions: all of them are known, and not all are numbers.
 *  Else NULL. */
const tn_content *tn_typing_shape_data(const tn_typing *t, const tn_value *v);

/** Whether a tensor's rank, element type and dimensions are known, be it as expressions. */
bool tn_typing_sized(const tn_type *t);

void tn_owned_release(tn_owned_tensor **list);

#endif
