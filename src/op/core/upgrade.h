/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* upgrade.h - what the rewrites of old forms share, beside the words of graph/build.h (the records: past.h). */
#ifndef TN_OP_CORE_UPGRADE_H
#define TN_OP_CORE_UPGRADE_H

#include "graph/build.h"
#include "op/core/op.h"
#include <string.h>

static inline int tn_up_rank(const tn_value *v) { return v->type.kind == TN_KIND_TENSOR ? v->type.rank : -1; }
static inline tn_dtype tn_up_dtype(const tn_value *v) {
    return v->type.kind == TN_KIND_TENSOR ? v->type.dtype : TN_NONE;
}
static inline tn_value *tn_up_input(const tn_node *n, int i) { return i < n->n_inputs ? n->inputs[i] : NULL; }
static inline bool tn_up_wants(const tn_node *n, int i) {
    return i < n->n_outputs && n->outputs[i] && n->outputs[i]->n_uses > 0;
}
void tn_up_retype(tn_node *n, const char *type); /* type: a literal */
void tn_up_drop_outputs(tn_node *n, int keep);   /* the outputs from `keep` on have no uses */
/** "node 'x' (Cast) of opset 5: why" */
tn_status tn_up_fail(tn_build *b, const char *why);

/** Attribute `name` (ints) becomes constant input i. Absent: nothing happens. */
tn_status tn_up_ints_to_input(tn_build *b, const char *name, int i);
/** Squeeze, Unsqueeze, Reduce*: "axes" became an input. An empty list meant the same as none. */
tn_status tn_up_axes_input(tn_build *b);
/** The node becomes scale * x + bias, x being its first input. */
tn_status tn_up_scale_and_add(tn_build *b, float scale, tn_value *bias);

#endif
