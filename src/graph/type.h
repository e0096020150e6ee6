/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* type.h - what is known of a value before it exists: kind, element type, symbolic shape; and of its contents. */
#ifndef TN_GRAPH_TYPE_H
#define TN_GRAPH_TYPE_H

#include "graph/dim.h"
#include "tensor/tensor.h"

typedef struct tn_type {
    tn_kind kind;   /* TN_KIND_NONE: nothing known */
    tn_dtype dtype; /* TENSOR: element type. MAP: key type */
    int rank;       /* TENSOR: -1 when unknown */
    tn_dim dims[TN_MAX_RANK];
    const struct tn_type *elem; /* SEQUENCE, OPTIONAL: element. MAP: value type */
} tn_type;

/** Contents of a small tensor (at most TN_CONTENT_MAX elements, rank 0 or 1, integer type), as far as known: the way
 *  Shape -> Gather -> Concat -> Reshape keeps its meaning. v[i] may be symbolic or TN_DIM_UNKNOWN. */
#define TN_CONTENT_MAX 64
typedef struct {
    int n;
    tn_dim v[];
} tn_content;

static inline tn_type tn_type_tensor(tn_dtype t) { return (tn_type){ .kind = TN_KIND_TENSOR, .dtype = t, .rank = -1 }; }
tn_type tn_type_of(const tn_datum *d);              /* the exact type of data; lists describe their first item */
bool tn_type_static(const tn_type *t);              /* a tensor whose rank and dims are all constants */
tn_dim tn_type_count(tn_syms *s, const tn_type *t); /* elements */
void tn_type_print(const tn_syms *s, const tn_type *t, tn_text *out); /* "float32[batch,3,224,224]", "seq(int64[?])" */

/** Narrows *into by what `other` knows. errors TN_E_TYPE, TN_E_SHAPE when they contradict each other. */
tn_status tn_type_merge(tn_type *into, const tn_type *other);
/** *into becomes what both agree on (the two branches of If). A differing dimension becomes TN_DIM_UNKNOWN. */
void tn_type_join(tn_type *into, const tn_type *other);

#endif
