/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* upgrade.h - what the rewrites of old forms share (the records: past.h). */
#ifndef TN_OP_CORE_UPGRADE_H
#define TN_OP_CORE_UPGRADE_H

#include "op/core/op.h"
#include <string.h>

/** The name of something that a node becomes, after the node's own: what goes wrong with it leads back to the file. */
const char *tn_up_name(const tn_node *n, const char *what);

/* Building: NULL in gives NULL out, so that a chain is checked once at its end. */
tn_value *tn_up_emit(tn_node *before, const char *type, tn_value *a, tn_value *b, tn_value *c);
tn_value *tn_up_ints(const tn_node *n, const char *what, const int64_t *v, int count);
tn_value *tn_up_int(const tn_node *n, const char *what, int64_t v);  /* [1] */
tn_value *tn_up_long(const tn_node *n, const char *what, int64_t v); /* a scalar */
/** A scalar of the element type of `like`, as a constant when that type is known. */
tn_value *tn_up_scalar_like(tn_node *n, const char *what, float v, tn_value *like);
/** The last node emitted before n. */
static inline tn_node *tn_up_last(const tn_value *v) { return v->producer; }

/** Puts a new node of that type after n, between n's output i and its users: the users see the new node's output, under
 *  the old name. *inner receives the value that n produces now. NULL when out of memory. */
tn_node *tn_up_after(tn_node *n, int i, const char *type, tn_value **inner);

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
tn_status tn_up_fail(const tn_node *n, const char *why);

#define TN_UP_ROOM(v)                                              \
    do {                                                           \
        if (!(v)) return tn_fail(TN_E_NOMEM, "upgrading a model"); \
    } while (0)

/** Attribute `name` (ints) becomes constant input i. Absent: nothing happens. */
tn_status tn_up_ints_to_input(tn_node *n, const char *name, int i);
/** Squeeze, Unsqueeze, Reduce*: "axes" became an input. An empty list meant the same as none. */
tn_status tn_up_axes_input(tn_node *n);
/** n becomes scale * x + bias, x being its first input. */
tn_status tn_up_scale_and_add(tn_node *n, float scale, tn_value *bias);

#endif
