/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* expand.h - operators that are sums of others: rows without kernels, whose `expand` writes a node as what it means
 * when a model is loaded, in the words of graph/build.h. */
#ifndef TN_OP_CORE_EXPAND_H
#define TN_OP_CORE_EXPAND_H

#include "op/core/upgrade.h"

/** The row of an operator that is expanded, or NULL. */
const tn_op *tn_op_expanded(const char *domain, const char *type);
/** The i-th row with `expand`, NULL past the last. */
const tn_op *tn_op_expanded_at(int i);
/** Whether tn_op_expand would replace it. */
bool tn_op_expands(const tn_node *n);
/** Replaces a node whose operator has such a row. n is checked against the row first, and then removed.
 *  errors TN_E_GRAPH, TN_E_INVALID, TN_E_TYPE, naming the node. */
tn_status tn_op_expand(tn_node *n);
/** becomes.c: the rows of what such an operator becomes in any of the forms tried, at most `cap`; how many. */
int tn_op_becomes(const tn_op *op, const tn_op **rows, int cap);

/* A row: TN_EXPANDED("com.microsoft", 1, "Gelu", gelu, x_in, y_out, NULL, "one line"). */
#define TN_EXPANDED(domain_, since_, name_, fn_, in_, out_, attrs_, doc_)                                        \
    {                                                                                                            \
        .name = name_, .domain = domain_, .since = since_, .in = in_, .out = out_, .attrs = attrs_, .doc = doc_, \
        .expand = fn_                                                                                            \
    }
#define TN_MICROSOFT(name_, fn_, in_, out_, attrs_, doc_) \
    TN_EXPANDED("com.microsoft", 1, name_, fn_, in_, out_, attrs_, doc_)

#define TN_I32_ONLY tn_dtype_bit(TN_I32)
#define TN_I64_ONLY tn_dtype_bit(TN_I64)
#define TN_CODES    (tn_dtype_bit(TN_U8) | tn_dtype_bit(TN_I8) | tn_dtype_bit(TN_U16) | tn_dtype_bit(TN_I16))
#define TN_SCALES   (tn_dtype_bit(TN_F32) | tn_dtype_bit(TN_F16) | tn_dtype_bit(TN_BF16))

/* Words of expansions, beside those of graph/build.h. */
static inline tn_value *integer_like(tn_build *b, int64_t v, tn_value *like) {
    return tn_emit(b, "CastLike", tn_build_int(b, "number", v), like);
}

static inline tn_value *plus(tn_build *b, tn_value *x, tn_value *y) { return y ? tn_emit(b, "Add", x, y) : x; }

/* v as another element type. */
static inline tn_value *cast(tn_build *b, tn_value *v, tn_dtype t) {
    return tn_emit_int(b, "Cast", "to", tn_dtypes[t].onnx, v);
}

/* Of any number of inputs, the first ones are there. */
static inline tn_status need(tn_build *b, int inputs) {
    for (int i = 0; i < inputs; i++)
        if (!tn_up_input(b->node, i)) return tn_build_fail(b, TN_E_GRAPH, "input %d is missing", i);
    return TN_OK;
}

#endif
