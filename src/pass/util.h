/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* util.h - what several passes need: visiting all graphs, reading constants, matching small patterns. */
#ifndef TN_PASS_UTIL_H
#define TN_PASS_UTIL_H

#include "op/core/op.h"
#include "pass/pass.h"

/** Calls fn for every graph, inner ones after the graph they are in. Stops at the first failure. */
tn_status tn_pass_each_graph(tn_graph *g, tn_status (*fn)(tn_graph *g, tn_pass_ctx *c), tn_pass_ctx *c);

#define tn_pass_is(n, domain_, type_) ((n) && tn_pass_is_op(n, domain_, type_))
bool tn_pass_is_op(const tn_node *n, const char *domain, const char *type); /* "" is ai.onnx */

/** The producer of input i when it is that operator (of ai.onnx) and nobody else uses the value; else NULL. */
tn_node *tn_pass_sole_producer(const tn_node *n, int i, const char *type);
/** The same, whoever else uses it. */
tn_node *tn_pass_producer(const tn_node *n, int i, const char *type);

/** A constant number (one element of any number type, any rank): its value. */
bool tn_pass_scalar(const tn_value *v, double *out);
/** Whether v is the constant number x: the one that v's element type has for it (float32 and float64: or one beside it,
 *  since x may have been computed in another way). Nothing further off stands for x: what a pass puts in its place must
 *  compute the same. */
bool tn_pass_is_scalar(const tn_value *v, double x);
/** Whether a binary operator of v and the constant number k has the shape of v: k's rank is no larger. */
bool tn_pass_keeps_rank(const tn_value *v, const tn_value *k);
/** The input of a binary node that is not `v`; NULL unless exactly one of the two is v. */
tn_value *tn_pass_other(const tn_node *n, const tn_value *v);
/** Whether one input of a binary node is the constant number x, and the result has the shape of the other, *rest. */
bool tn_pass_binary_scalar(const tn_node *n, double x, tn_value **rest);

/** Small constant integers (int32, int64; at most cap): how many, or -1 when v is not such a constant. */
int tn_pass_ints(const tn_value *v, int64_t *out, int cap);

static inline tn_value *tn_pass_input(const tn_node *n, int i) { return i < n->n_inputs ? n->inputs[i] : NULL; }
/** Input i's static rank, or -1. */
static inline int tn_pass_rank(const tn_value *v) { return v && v->type.kind == TN_KIND_TENSOR ? v->type.rank : -1; }

/** Removes n when nothing uses its outputs. */
bool tn_pass_remove_unused(tn_node *n);
/** Removes n, whose outputs are unused, and then its producers as far as they become useless. */
void tn_pass_prune(tn_node *n);
/** f, made in front of n, computes what n does: it gets n's name, the type of its output, and its users; n goes, and
 * what it alone used. f is NULL when it could not be made: errors TN_E_NOMEM */
tn_status tn_pass_become(tn_node *n, tn_node *f, tn_pass_ctx *c);
/** True when v can stand for the output `of`: not when both names belong to the model's interface. */
bool tn_pass_replaceable(const tn_value *of, const tn_value *v);

#endif
