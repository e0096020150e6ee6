/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* expand.h - operators that are sums of others: rows without kernels, whose `expand` writes a node as what it means
 * when a model is loaded. Building blocks for it; a chain of them is checked once, at its end: no value in gives no
 * value out. */
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

/* A node with one output before n. An input that could not be made makes none. */
static inline tn_value *un(tn_node *n, const char *type, tn_value *a) { return tn_up_emit(n, type, a, NULL, NULL); }
static inline tn_value *bin(tn_node *n, const char *type, tn_value *a, tn_value *b) {
    return b ? tn_up_emit(n, type, a, b, NULL) : NULL;
}
static inline tn_value *tri(tn_node *n, const char *type, tn_value *a, tn_value *b, tn_value *c) {
    return b && c ? tn_up_emit(n, type, a, b, c) : NULL;
}

/* A node before n with any inputs (NULL entries: omitted) and `outputs` fresh outputs. NULL when out of memory. */
static inline tn_node *emit(tn_node *n, const char *domain, const char *type, tn_value *const *in, int n_in,
                            int outputs) {
    tn_node *e = tn_node_new(n->graph, n, domain, type, in, n_in, outputs);
    if (e) e->version = *domain ? 1 : TN_ONNX_OPSET_MAX, e->name = tn_up_name(n, type);
    return e;
}

static inline tn_value *with_int(tn_value *v, const char *name, int64_t x) {
    return v && tn_attr_set_int(v->producer, name, x) == TN_OK ? v : NULL;
}

/* A number of the element type of `like`. */
static inline tn_value *num(tn_node *n, float v, tn_value *like) {
    return like ? tn_up_scalar_like(n, "number", v, like) : NULL;
}

static inline tn_value *integer_like(tn_node *n, int64_t v, tn_value *like) {
    return bin(n, "CastLike", tn_up_int(n, "number", v), like);
}

/* Output i of n is v from now on. */
static inline tn_status give(tn_node *n, int i, tn_value *v) {
    if (i >= n->n_outputs || !n->outputs[i]) return TN_OK;
    TN_UP_ROOM(v);
    tn_value *out = n->outputs[i];
    tn_node *copy = tn_node_new(n->graph, n, "", "Identity", &v, 1, 0);
    TN_UP_ROOM(copy);
    TN_TRY(tn_node_set_output(n, i, NULL));
    TN_TRY(tn_node_set_output(copy, 0, out));
    copy->version = TN_ONNX_OPSET_MAX;
    copy->name = n->name;
    return TN_OK;
}

/* Attributes of n that the new node has too. */
static inline tn_status keep(tn_node *to, const tn_node *n, const char *const *names) {
    for (; *names; names++) {
        const tn_attr *a = tn_attr_find(n, *names);
        if (a) TN_TRY(tn_attr_set(to, a));
    }
    return TN_OK;
}

static inline tn_value *plus(tn_node *n, tn_value *a, tn_value *b) { return b ? bin(n, "Add", a, b) : a; }

static inline tn_status need(const tn_node *n, int inputs) {
    for (int i = 0; i < inputs; i++)
        if (!tn_up_input(n, i)) return tn_fail(TN_E_GRAPH, "%s: input %d is missing", tn_node_where(n), i);
    return TN_OK;
}

static inline tn_value *with_float(tn_value *v, const char *name, float x) {
    return v && tn_attr_set_float(v->producer, name, x) == TN_OK ? v : NULL;
}

static inline tn_value *with_word(tn_value *v, const char *name, const char *word) {
    return v && tn_attr_set_string(v->producer, name, word) == TN_OK ? v : NULL;
}

/* n under another name, in ai.onnx: the same inputs, outputs and (some) attributes. */
static inline tn_status same_as(tn_node *n, const char *type, const char *const *names) {
    tn_node *e = emit(n, "", type, n->inputs, n->n_inputs, n->n_outputs);
    TN_UP_ROOM(e);
    TN_TRY(keep(e, n, names));
    for (int i = 0; i < n->n_outputs; i++) TN_TRY(give(n, i, e->outputs[i]));
    return TN_OK;
}

#endif
