/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* one_node.h - runs one operator on small tensors, for the tests of operators.
 *
 *     on *o = on_new();
 *     on_in(o, TN_U8, "2,3", (double[]){ 1, 2, 3, 4, 5, 6 }, false);     true: a constant of the model
 *     on_none(o);                                                       an omitted input
 *     tn_attr_set_int(on_node(o, "", "Relu", 1), "axis", 1);            the node, once the inputs are there
 *     check_ok(on_go(o, 1));                                            checks, builds a session, runs
 *     on_expect(o, 0, TN_U8, "2,3", (double[]){ ... }, 0);              and frees o with on_free
 */
#ifndef TN_TESTS_ONE_NODE_H
#define TN_TESTS_ONE_NODE_H

#include "graph/graph.h"

typedef struct on on;

on *on_new(void);
void on_in(on *o, tn_dtype t, const char *dims, const double *values, bool constant);
/** A constant of blocks (tensor/encoding.h) at `data`, which stays the caller's. */
void on_blocks(on *o, const struct tn_encoding *e, const char *dims, const void *data);
void on_none(on *o);
/** The node; its inputs are those given so far, then those asked for next. */
tn_node *on_node(on *o, const char *domain, const char *type, int n_out);
/** errors   whatever the model's checks, the session, or the run say */
tn_status on_go(on *o, int threads);
const tn_tensor *on_out(const on *o, int i);
double on_at(const on *o, int i, int64_t k); /* element k of output i */
/** Type, shape ("" is a scalar) and elements, up to atol; fails the test with a message otherwise. */
void on_expect(const on *o, int i, tn_dtype t, const char *dims, const double *values, double atol);
void on_free(on *o);

#endif
