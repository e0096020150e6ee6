/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* infer.h - drives the operators' shape rules over graphs: symbolically for a whole model, exactly for a plan, or for
 * one node from actual data. */
#ifndef TN_OP_CORE_INFER_H
#define TN_OP_CORE_INFER_H

#include "op/core/op.h"

/** What is known of one value. */
typedef struct {
    tn_type type;              /* kind NONE: nothing */
    const tn_content *content; /* known small contents, or NULL */
    const tn_tensor *tensor;   /* constants: the data; else NULL */
} tn_fact;

typedef struct {
    int n;
    tn_fact *facts; /* by value id; values of subgraphs too */
} tn_type_table;

/** What inferring one node counts as, in units of work (base/budget.h). */
#define TN_INFER_UNITS 1000

/** Runs one node's rule: c->in... are filled in, c->out (n_out, zeroed here) and c->out_content receive the result.
 *  Input types are checked against the row first, sizes of the results after.
 *  errors   TN_E_TYPE, TN_E_SHAPE, TN_E_INVALID, TN_E_UNSUPPORTED, naming the node */
tn_status tn_infer_node(tn_infer *c);

/** After tn_infer_node: runs the node on what is known of its inputs, where that is cheap, to learn the contents of its
 *  small outputs (c->out_content; types that were open; out_tensor[i], zeroed by the caller, for constants, which live
 *  in c->arena). Never fails: what cannot be known stays unknown. */
void tn_infer_follow(tn_infer *c, tn_arena *scratch, const tn_tensor **out_tensor);

/** For a rule: what input i is encoded in (tensor/encoding.h); NULL: nothing, or it is not known, and then it is not:
 *  only constants are. */
const struct tn_encoding *tn_infer_encoding(const tn_infer *c, int i);

/** tn_graph_infer of a whole model, which goes on behind nodes whose rules fail when fn is there: it is told of each
 * (the sentence is set), whose outputs stay unknown. What fn returns, unless TN_OK, ends the walk. */
tn_status tn_graph_infer_all(tn_graph *g, tn_status (*fn)(void *user, const tn_node *n, tn_status st), void *user);

/** Gives v the type and contents found, copied into its model. errors TN_E_NOMEM */
tn_status tn_infer_keep(tn_model *m, tn_value *v, const tn_fact *f);

/** Types and contents of one node's outputs from those its inputs have in the model: for nodes that were just added.
 *  Nodes with subgraphs are left alone. errors as tn_infer_node */
tn_status tn_infer_added(const tn_node *n);

/** Types and contents of all values of g (and its subgraphs) for the given types of its inputs, without touching the
 *  model: several threads may do this with one model at once.
 *  input_types  in the order of g->inputs; exact for a plan. Declared types of other values are not believed.
 *  arena        holds the table; the caller's
 *  syms         the pool that symbolic dimensions of input_types belong to; NULL when all are constants (then what
 *               depends on data is TN_DIM_UNKNOWN)
 *  errors       as tn_infer_node */
tn_status tn_infer_graph_types(const tn_model *m, const tn_graph *g, const tn_type *input_types, tn_arena *arena,
                               tn_syms *syms, tn_type_table *out);

#endif
