/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* decompose.h - building blocks of the definitions of operators in terms of others. A chain of them is checked
 * once, at its end: no value in gives no value out. */
#ifndef TN_FORMAT_ONNX_DECOMPOSE_H
#define TN_FORMAT_ONNX_DECOMPOSE_H

#include "format/onnx/upgrade.h"

/** What an operator means in terms of others. Its descriptor says of it what a row says of an operator that is run:
 *  inputs, outputs, attributes, a line of documentation; nodes are checked against it before they are rewritten. An
 *  attribute that it does not list is refused, since nothing would become of it. fn gives n's outputs to other nodes,
 *  named after n; n is then removed. */
typedef struct {
    tn_op op; /* no infer, run or grad: those of what it becomes */
    tn_upgrade_fn fn;
} tn_decomposition;

/* A row: TN_DEFINED("com.microsoft", 1, "Gelu", gelu, x_in, y_out, NULL, "one line"). */
#define TN_DEFINED(domain_, since_, name_, fn_, in_, out_, attrs_, doc_) \
    {                                                                    \
        .op = { .name = name_,                                           \
                .domain = domain_,                                       \
                .since = since_,                                         \
                .in = in_,                                               \
                .out = out_,                                             \
                .attrs = attrs_,                                         \
                .doc = doc_ },                                           \
        .fn = fn_                                                        \
    }
#define TN_MICROSOFT(name_, fn_, in_, out_, attrs_, doc_) \
    TN_DEFINED("com.microsoft", 1, name_, fn_, in_, out_, attrs_, doc_)

#define TN_I32_ONLY tn_dtype_bit(TN_I32)
#define TN_I64_ONLY tn_dtype_bit(TN_I64)
#define TN_CODES    (tn_dtype_bit(TN_U8) | tn_dtype_bit(TN_I8) | tn_dtype_bit(TN_U16) | tn_dtype_bit(TN_I16))
#define TN_SCALES   (tn_dtype_bit(TN_F32) | tn_dtype_bit(TN_F16) | tn_dtype_bit(TN_BF16))

extern const tn_decomposition tn_decompose_attention[]; /* each ends with a row without a function */
extern const tn_decomposition tn_decompose_microsoft[];
extern const tn_decomposition tn_decompose_quantized[];

/* decompose_state.c */
tn_status tn_decompose_linear_attention(tn_node *n);
tn_status tn_decompose_causal_conv(tn_node *n);

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

#endif
