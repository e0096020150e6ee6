/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* build.h - writing nodes into a graph: what operators mean in terms of others, old forms as new ones, gradients, fused
 * forms.
 *
 *     tn_value *gate = tn_emit_with(b, "Swish", tn_attr_of_float("alpha", 1.702f), x);
 *     tn_give(b, 0, tn_emit(b, "Mul", gate, y));
 *
 * Words never fail one by one: the first failure is kept in b->st, later words do nothing and give NULL, and whoever
 * made the builder reports it once, at the end. So a chain of words needs no check in between; only what is read
 * through a value that may be NULL does. */
#ifndef TN_GRAPH_BUILD_H
#define TN_GRAPH_BUILD_H

#include "graph/graph.h"
#include <string.h>

/* The members, for structs that are builders and more. */
#define TN_BUILD_MEMBERS                                                                                              \
    tn_graph *graph;                     /* where nodes go */                                                         \
    tn_node *before;                     /* in front of which one; NULL: at the end */                                \
    tn_node *node;                       /* whose meaning is built: nodes are named after it, so that what goes wrong \
                                            with them leads back to it, and messages name it; NULL: nobody's */       \
    tn_status (*infer)(const tn_node *); /* gives a new node's outputs their types; NULL: nobody asks for them yet */ \
    const char *what;                    /* what fails when types do not fit: "the gradient of"; NULL: "writing" */   \
    tn_status st;                        /* the first failure */

typedef struct tn_build {
    TN_BUILD_MEMBERS
} tn_build;

/** A builder in front of n, of what n means. */
static inline tn_build tn_build_for(tn_node *n) { return (tn_build){ .graph = n->graph, .before = n, .node = n }; }
/** A builder that gives no names, in front of `before` (NULL: at the end). */
static inline tn_build tn_build_in(tn_graph *g, tn_node *before) { return (tn_build){ .graph = g, .before = before }; }

/** Fails with "node 'x' (Conv): " before the sentence, unless something has failed before. Returns b->st. */
tn_status tn_build_fail(tn_build *b, tn_status st, const char *fmt, ...) __attribute__((format(printf, 3, 4), cold));
/** st, unless something has failed before. False when anything has. */
bool tn_build_ok(tn_build *b, tn_status st);

/* ---------------------------------------------------------------------------------------------------------- nodes */

/** A node with n_out outputs, whose attributes and types are the caller's (tn_build_typed). Inputs may be NULL behind
 *  the first: omitted. NULL after a failure. */
tn_node *tn_build_node(tn_build *b, const char *domain, const char *type, tn_value *const *in, int n_in, int n_out);
/** The same in ai.onnx, with the inputs as a list: tn_build_list(b, "Split", 2, TN_VALUES(x, sizes)). */
tn_node *tn_build_list(tn_build *b, const char *type, int n_out, tn_value *const *in);
/** Infers the types of its outputs, when b->infer; the first of them. NULL after a failure. */
tn_value *tn_build_typed(tn_build *b, tn_node *n);
/** The same once it has this attribute, too. */
tn_value *tn_build_typed_with(tn_build *b, tn_node *n, tn_attr a);
/** The same, all n_out of them; all NULL after a failure. */
void tn_build_outputs(tn_build *b, tn_node *n, tn_value **out, int n_out);
void tn_build_attr(tn_build *b, tn_node *n, tn_attr a); /* lists are copied; words are literals or the model's */
/** Attributes of `from` that n has, too: all of them, or those named (ends with NULL). */
void tn_build_keep(tn_build *b, tn_node *n, const tn_node *from, const char *const *names);

static inline tn_attr tn_attr_of_int(const char *name, int64_t v) {
    return (tn_attr){ .name = name, .kind = TN_ATTR_INT, .i = v };
}
static inline tn_attr tn_attr_of_float(const char *name, float v) {
    return (tn_attr){ .name = name, .kind = TN_ATTR_FLOAT, .f = v };
}
static inline tn_attr tn_attr_of_word(const char *name, const char *v) {
    return (tn_attr){ .name = name, .kind = TN_ATTR_STRING, .s = { v, strlen(v) } };
}
static inline tn_attr tn_attr_of_graph(const char *name, tn_graph *g) {
    return (tn_attr){ .name = name, .kind = TN_ATTR_GRAPH, .graph = g };
}
static inline tn_attr tn_attr_of_ints(const char *name, const int64_t *v, int n) {
    return (tn_attr){ .name = name, .kind = TN_ATTR_INTS, .ints = v, .n = (size_t)n };
}

/** The one output of a node of ai.onnx: tn_emit(b, "Where", mask, x, y). */
#define tn_emit(b, type, ...) tn_emit_list(b, type, NULL, TN_VALUES(__VA_ARGS__))
/** The same with an attribute: tn_emit_with(b, "Concat", tn_attr_of_int("axis", 0), x, y). */
#define tn_emit_with(b, type, attr, ...)   tn_emit_list(b, type, (tn_attr[]){ attr }, TN_VALUES(__VA_ARGS__))
#define tn_emit_int(b, type, name, v, ...) tn_emit_with(b, type, tn_attr_of_int(name, v), __VA_ARGS__)
tn_value *tn_emit_list(tn_build *b, const char *type, const tn_attr *a, tn_value *const *in);
/** One more attribute of the node that made v, or those of b->node that are named (ends with NULL); v. For builders
 *  that do not infer: a node whose types are known already is not changed any more. */
tn_value *tn_with(tn_build *b, tn_value *v, tn_attr a);
tn_value *tn_with_kept(tn_build *b, tn_value *v, const char *const *names);
/* A list with its end marked. Its arguments stand there once, so that words in words stay small. */
#define TN_VALUES(...) ((tn_value *[]){ __VA_ARGS__, &tn_values_end })
extern tn_value tn_values_end;

/* ------------------------------------------------------------------------------------------------------ constants */

tn_value *tn_build_ints(tn_build *b, const char *name, const int64_t *v, int n); /* int64 [n] */
tn_value *tn_build_int(tn_build *b, const char *name, int64_t v);                /* int64 [1] */
tn_value *tn_build_number(tn_build *b, const char *name, tn_dtype t, double v);  /* a scalar */
tn_value *tn_build_long(tn_build *b, const char *name, int64_t v);               /* an int64 scalar */
/** A scalar of the element type of `like`: a constant when that type is known. */
tn_value *tn_build_like(tn_build *b, const char *name, float v, tn_value *like);
/** v everywhere, in a shape that is a value. */
tn_value *tn_build_fill(tn_build *b, tn_value *shape, tn_dtype t, double v);
/** A constant that takes over the content of *t, which is reset in any case. */
tn_value *tn_build_tensor(tn_build *b, const char *name, tn_tensor *t);

/* ---------------------------------------------------------------------------------------------- in place of b->node */

/** Output i of the node is v from now on, under the old name; nothing happens when nobody names that output. Returns
 *  b->st, like the words below. */
tn_status tn_give(tn_build *b, int i, tn_value *v);
/** Puts a new node of that type behind b->node, between its output i and the users of that, who see the new node's
 *  output under the old name. The new node's first input is what b->node gives now. NULL after a failure. */
tn_node *tn_build_behind(tn_build *b, int i, const char *type);
/** b->node's input i becomes v. */
tn_status tn_build_input(tn_build *b, int i, tn_value *v);

#endif
