/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gradient.h - automatic differentiation over a graph, in reverse: nodes are added that compute gradients. */
#ifndef TN_OP_CORE_GRADIENT_H
#define TN_OP_CORE_GRADIENT_H

#include "op/core/op.h"

typedef struct {
    tn_graph *graph; /* types inferred; sorted */
    tn_node *before; /* the new nodes go in front of it, and what is differentiated stands before it; NULL: the end */
    tn_node *after;  /* only nodes behind this one are looked at; NULL: from the first */
    tn_value *const *ys;  /* what is differentiated */
    tn_value *const *dys; /* seeds of the ys' types; NULL, or NULL entries: ones (the gradient of the sum) */
    int n_ys;
    tn_value *const *xs; /* with respect to what: values of the graph, or of graphs around it */
    int n_xs;
    bool partial; /* the xs are independent: what leads to one of them is not followed further back */
} tn_gradient_job;

/** Adds the nodes; dxs[i] becomes the gradient for xs[i], or NULL when nothing depends on it.
 *  Types of the new nodes are inferred, except inside of subgraphs: run tn_graph_infer when all is done.
 *  errors   TN_E_UNSUPPORTED (an operator without gradient, naming it and the node), TN_E_NOMEM, TN_E_SHAPE */
tn_status tn_gradient(const tn_gradient_job *job, tn_value **dxs);

/** The same with zeros in x's shape instead of NULL. */
tn_status tn_gradient_or_zeros(const tn_gradient_job *job, tn_value **dxs);

/** Gradient nodes (ai.onnx.preview.training) of a model's main graph. `open`, before the graph is sorted: the tensors
 *  they name become inputs of theirs. The other, with types inferred: they are rewritten, types are inferred again.
 *  errors   TN_E_GRAPH (a name that is not there), and those of tn_gradient */
tn_status tn_gradient_nodes_open(tn_model *m);
tn_status tn_gradient_nodes(tn_model *m);

#endif
