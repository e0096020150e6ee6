/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* upgrade.h - helpers shared by the rewrites of old operator forms. */
#ifndef TN_FORMAT_ONNX_UPGRADE_H
#define TN_FORMAT_ONNX_UPGRADE_H

#include "format/format.h"
#include "op/core/op.h"

/** Rewrites one node whose version is below the row's; may insert nodes around it. */
typedef tn_status (*tn_upgrade_fn)(tn_node *n);

/** Whether files may name an operator that is rewritten as a newer one, whatever their version. */
bool tn_onnx_upgrades(const char *type);

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

/* upgrade_inputs.c: attributes that became inputs */
tn_status tn_up_axes_input(tn_node *n);
tn_status tn_up_reshape(tn_node *n);
tn_status tn_up_clip(tn_node *n);
tn_status tn_up_slice(tn_node *n);
tn_status tn_up_pad_names(tn_node *n);
tn_status tn_up_pad(tn_node *n);
tn_status tn_up_split_1(tn_node *n);
tn_status tn_up_split_input(tn_node *n);
tn_status tn_up_split_count(tn_node *n);
tn_status tn_up_top_k(tn_node *n);
tn_status tn_up_dropout(tn_node *n);
tn_status tn_up_dft(tn_node *n);
tn_status tn_up_tile(tn_node *n);
tn_status tn_up_upsample(tn_node *n);
tn_status tn_up_resize_10(tn_node *n);
tn_status tn_up_resize_names(tn_node *n);

/* upgrade_forms.c: meanings that changed */
tn_status tn_up_attention(tn_node *n);
tn_status tn_up_broadcast(tn_node *n);
tn_status tn_up_prelu(tn_node *n);
tn_status tn_up_flat_softmax(tn_node *n);
tn_status tn_up_gemm(tn_node *n);
tn_status tn_up_cast(tn_node *n);
tn_status tn_up_batch_norm(tn_node *n);
tn_status tn_up_group_norm(tn_node *n);
tn_status tn_up_lp(tn_node *n);
tn_status tn_up_concat(tn_node *n);
tn_status tn_up_selu(tn_node *n);
tn_status tn_up_scatter(tn_node *n);
tn_status tn_up_rnn(tn_node *n);
tn_status tn_up_grid_sample(tn_node *n);
tn_status tn_up_roi_align(tn_node *n);
tn_status tn_up_one_hot(tn_node *n);
tn_status tn_up_scan_8(tn_node *n);
tn_status tn_up_mean_variance(tn_node *n);
tn_status tn_up_image_scaler(tn_node *n);
tn_status tn_up_affine(tn_node *n);
tn_status tn_up_scaled_tanh(tn_node *n);

/* decompose.c */
/** Replaces a node whose operator has no row of its own, but a definition in terms of others. n is checked against the
 *  definition's descriptor first, and then removed. errors TN_E_GRAPH, TN_E_INVALID, TN_E_TYPE, naming the node. */
tn_status tn_onnx_decompose(tn_node *n);

/** Whether tn_onnx_decompose would replace it. */
bool tn_onnx_decomposes(const tn_node *n);

/** The descriptor of the i-th such operator, NULL past the last. */
const tn_op *tn_onnx_decomposed(int i);

/** becomes.c: the rows of what such an operator becomes in any of the forms tried, at most `cap`; how many. */
int tn_onnx_becomes(const tn_op *op, const tn_op **rows, int cap);

#endif
