/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuse_pointwise.c - chains of pointwise operators become one node where they may, and compute the same. */
#include "graph/graph.h"
#include "op/core/op.h"
#include "pass/pass.h"
#include "test.h"
#include <math.h>

static tn_type f32(int rank, const tn_dim *dims) {
    tn_type t = tn_type_tensor(TN_F32);
    t.rank = rank;
    for (int i = 0; i < rank; i++) t.dims[i] = dims[i];
    return t;
}

static tn_value *op(tn_graph *g, const char *type, tn_value *a, tn_value *b, tn_value *c) {
    tn_value *in[] = { a, b, c };
    tn_node *n = tn_node_new(g, NULL, "", type, in, c ? 3 : b ? 2 : 1, 1);
    assert_non_null(n);
    return n->outputs[0];
}

static int count(const tn_graph *g, const char *type) {
    int k = 0;
    for (const tn_node *n = g->first; n; n = n->next) k += !strcmp(n->type, type);
    return k;
}

static void fuse(tn_model *m) {
    tn_pass_ctx c = { 0 };
    check_ok(tn_graph_infer(m->graph));
    check_ok(tn_pass_fuse_pointwise(m, &c));
    check_ok(tn_graph_check(m->graph));
    check_ok(tn_graph_infer(m->graph));
}

/* Runs a model of inputs x [2,3,4] and b [3,1]. */
static void run(const tn_model *m, bool optimize, float *out) {
    float x[24], b[3] = { 0.5f, -1, 2 };
    for (int i = 0; i < 24; i++) x[i] = 0.3f * (float)i - 3;
    tn_session_opts o = { .size = sizeof o, .threads = 1, .no_optimize = !optimize };
    tn_session *s = NULL;
    tn_tensor *tx = NULL, *tb = NULL, *y = NULL;
    check_ok(tn_session_new(m, &o, &s));
    check_ok(tn_tensor_borrow(TN_F32, 3, (int64_t[]){ 2, 3, 4 }, x, &tx));
    check_ok(tn_tensor_borrow(TN_F32, 2, (int64_t[]){ 3, 1 }, b, &tb));
    check_ok(tn_session_run(s, 2, (const tn_tensor *[]){ tx, tb }, 1, &y));
    assert_int_equal(tn_tensor_elements(y), 24);
    memcpy(out, tn_tensor_data(y), 24 * sizeof *out);
    tn_tensor_free(&tx);
    tn_tensor_free(&tb);
    tn_tensor_free(&y);
    tn_session_free(&s);
}

static tn_model *model(tn_value **x, tn_value **b) {
    tn_model *m = NULL;
    check_ok(tn_model_new(&m));
    tn_dim batch = tn_sym(m->syms, "batch");
    tn_type tx = f32(3, (tn_dim[]){ batch, 3, 4 }), tb = f32(2, (tn_dim[]){ 3, 1 });
    *x = tn_value_input(m->graph, "x", &tx);
    *b = tn_value_input(m->graph, "b", &tb);
    return m;
}

static void compare(tn_model *m) {
    float plain[24], fused[24];
    run(m, false, plain);
    run(m, true, fused);
    for (int i = 0; i < 24; i++) assert_float_equal(plain[i], fused[i], 1e-5);
}

/* y = where(s < 0.25, gelu by hand of s, tanh(s) ^ 2), s = x + b: one node. */
static void a_tree_with_diamonds(void **state) {
    tn_value *x, *b;
    tn_model *m = model(&x, &b);
    tn_graph *g = m->graph;
    tn_value *s = op(g, "Add", x, b, NULL);
    tn_value *erf = op(g, "Erf", op(g, "Div", s, tn_value_scalar_f32(g, "root", 1.41421356f), NULL), NULL, NULL);
    tn_value *one = op(g, "Add", erf, tn_value_scalar_f32(g, "one", 1), NULL);
    tn_value *gelu = op(g, "Mul", op(g, "Mul", s, one, NULL), tn_value_scalar_f32(g, "half", 0.5f), NULL);
    tn_value *square = op(g, "Pow", op(g, "Tanh", s, NULL, NULL), tn_value_ints(g, "two", (int64_t[]){ 2 }, 1), NULL);
    tn_value *less = op(g, "Less", s, tn_value_scalar_f32(g, "quarter", 0.25f), NULL);
    check_ok(tn_graph_add_output(g, op(g, "Where", less, gelu, square)));
    compare(m);
    fuse(m);
    assert_int_equal(g->n_nodes, 1);
    assert_int_equal(count(g, "Pointwise"), 1);
    assert_int_equal(g->first->n_inputs, 2);
    compare(m);
    tn_model_close(&m);
}

/* A value that others want stays; a smaller operand is computed before it is broadcast. */
static void what_must_stay(void **state) {
    tn_value *x, *b;
    tn_model *m = model(&x, &b);
    tn_graph *g = m->graph;
    tn_value *small = op(g, "Exp", b, NULL, NULL);
    tn_value *wanted = op(g, "Mul", x, small, NULL);
    tn_value *y = op(g, "Sigmoid", wanted, NULL, NULL);
    check_ok(tn_graph_add_output(g, op(g, "Add", y, op(g, "Softmax", wanted, NULL, NULL), NULL)));
    compare(m);
    fuse(m);
    assert_int_equal(count(g, "Exp"), 1);
    assert_int_equal(count(g, "Mul"), 1);
    assert_int_equal(count(g, "Softmax"), 1);
    assert_int_equal(count(g, "Pointwise"), 1);
    assert_int_equal(g->n_nodes, 4);
    tn_model_close(&m);
}

/* Integers, single operators, and chains over unknown shapes are left alone; long chains are cut. */
static void limits(void **state) {
    tn_value *x, *b;
    tn_model *m = model(&x, &b);
    tn_graph *g = m->graph;
    tn_value *v = op(g, "Add", x, b, NULL);
    for (int i = 0; i < 60; i++) v = op(g, i % 2 ? "Neg" : "Softsign", v, NULL, NULL);
    tn_value *c = op(g, "Softmax", v, NULL, NULL);
    check_ok(tn_graph_add_output(g, op(g, "Relu", c, NULL, NULL)));
    compare(m);
    fuse(m);
    assert_int_equal(count(g, "Relu"), 1);
    assert_true(count(g, "Pointwise") >= 2 && g->n_nodes <= 6);
    tn_model_close(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_with_diamonds),
        cmocka_unit_test(what_must_stay),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
