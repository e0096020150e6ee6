/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* exec.h - what a running operator may ask of whoever runs it, and running one operator without an engine.
 *
 * tn_run.exec points to a struct whose first member is a tn_exec: the engine's frame, or the small executor here that
 * constant folding uses. */
#ifndef TN_OP_CORE_EXEC_H
#define TN_OP_CORE_EXEC_H

#include "op/core/op.h"

typedef struct tn_exec {
    tn_status (*alloc)(tn_run *r, int i, tn_dtype t, int rank, const int64_t *dims);
    tn_status (*subgraph)(tn_run *r, tn_graph *g, const tn_datum *in, int n_in, tn_datum *out, int n_out);
} tn_exec;

/** The row's shape rule on actual data (and with the tensors themselves visible): fills c, whose arrays live in
 *  `a`. out types are in c->out. attrs are the node's as tn_op_read_attrs made them; NULL: they are read now. errors as
 * the rule's. */
tn_status tn_infer_data(tn_infer *c, const tn_node *n, const void *attrs, tn_datum *const *in, tn_arena *a);

/** Runs a node alone: shape rule, preparation, run. in[i] NULL: omitted. out[i] (n->n_outputs of them, zeroed by the
 *  caller) receive data with memory of their own; also on error they are to be reset by the caller.
 *  errors   the operator's; TN_E_UNSUPPORTED for operators with subgraphs. */
tn_status tn_eval_node(const tn_node *n, tn_datum *const *in, tn_pool *pool, tn_datum *out);
/** The same, if by its row's cost it takes no more than `most` units of work (base/budget.h), and the thread's budget
 * has them left: for evaluating what might as well be left to the run. errors also TN_E_LIMIT */
tn_status tn_eval_node_within(const tn_node *n, tn_datum *const *in, tn_pool *pool, uint64_t most, tn_datum *out);

#endif
