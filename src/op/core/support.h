/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* support.h - what several operator families need when they run: reading index tensors, moving single elements. */
#ifndef TN_OP_CORE_SUPPORT_H
#define TN_OP_CORE_SUPPORT_H

#include "op/core/op.h"

/** An int32 or int64 index tensor as int64 values in 0..len-1 (negative ones counted from the end), in the run's arena
 *  (or the tensor's own memory when nothing had to be changed).
 *  errors   TN_E_INVALID naming the node and the index, TN_E_NOMEM */
tn_status tn_op_indices(tn_run *r, const tn_tensor *ix, int64_t len, int64_t **out);

/** The offset (in slices) that `depth` indices at ix[at ..] name in the leading dimensions dims[0 .. depth-1].
 *  errors   TN_E_INVALID */
tn_status tn_op_index_tuple(const tn_node *n, const int64_t *dims, int depth, const tn_tensor *ix, int64_t at,
                            int64_t *offset);

/** y[i] := x[k], and n elements from there; equal element types, packed ones too. Strings are shallow: finish with
 *  tn_op_own_strings. */
void tn_op_copy_element(tn_tensor *y, int64_t i, const tn_tensor *x, int64_t k);
void tn_op_copy_elements(tn_tensor *y, int64_t i, const tn_tensor *x, int64_t k, int64_t n);

/** The bits of a packed tensor's elements, one element to a byte, and back. */
void tn_op_unpack(const tn_tensor *x, uint8_t *bytes);
void tn_op_pack(const uint8_t *bytes, tn_tensor *y);

/** Gives a string tensor that was filled with borrowed strings its own copies; others are left alone. errors
 * TN_E_NOMEM. */
tn_status tn_op_own_strings(tn_tensor *t);

/** All elements of an integer tensor (any rank, any integer type) as int64 in the run's arena. errors TN_E_NOMEM. */
tn_status tn_op_ints(tn_run *r, const tn_tensor *t, int64_t **out, int64_t *n);

/** A float32 copy of a constant of any float type, which may lie at any address.
 *  errors   TN_E_NOMEM
 *  owns     the caller owns *out: tn_tensor_reset */
tn_status tn_op_widen(const tn_tensor *t, tn_tensor *out);

/** Scratch for a * b + extra elements of `each` bytes, none of them negative: for sizes that nothing else has shown to
 *  fit memory. NULL when there is not so much. */
void *tn_op_scratch(tn_run *r, size_t each, int64_t a, int64_t b, int64_t extra);

/** The one element of an integer input: an axis, a position, a count; `dflt` when it is omitted.
 *  errors   TN_E_SHAPE: it has none or several */
tn_status tn_op_one_int(const tn_run *r, int i, int64_t dflt, int64_t *out);

/** Product of dims[from .. to-1]. */
static inline int64_t tn_op_product(const int64_t *dims, int from, int to) {
    int64_t n = 1;
    for (int i = from; i < to; i++) n *= dims[i];
    return n;
}

/** p moved by some bytes. An empty tensor has no memory, and NULL is not moved, not even by nothing. */
static inline const char *tn_op_past(const void *p, int64_t bytes) { return p ? (const char *)p + bytes : NULL; }

/** Where an axis lies that tn_op_axis has accepted for this rank. */
static inline int tn_op_axis_at(int64_t axis, int rank) { return (int)(axis < 0 ? axis + rank : axis); }

#endif
