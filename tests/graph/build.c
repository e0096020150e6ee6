/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* build.c - writing nodes: names lead back, the first failure is kept and nothing is made after it, one node takes the
 * place of another. */
#include "graph/build.h"
#include "base/mem.h"
#include "op/core/infer.h"
#include "op/core/op.h"
#include "test.h"
#include <string.h>

/* x -> Neg, called "old", -> output y */
static tn_node *model(tn_model **m) {
    tn_type t = tn_type_tensor(TN_F32);
    t.rank = 1, t.dims[0] = 3;
    check_ok(tn_model_new(m));
    tn_value *x = tn_value_input((*m)->graph, "x", &t);
    tn_node *n = tn_node_new((*m)->graph, NULL, "", "Neg", &x, 1, 1);
    n->name = "old";
    check_ok(tn_graph_add_output((*m)->graph, n->outputs[0]));
    return n;
}

static void takes_the_place(void **state) {
    tn_model *m;
    tn_node *n = model(&m);
    tn_value *y = n->outputs[0], *x = n->inputs[0];
    tn_build b = tn_build_for(n);
    tn_value *two = tn_build_like(&b, "two", 2, x), *sum = tn_emit(&b, "Add", x, two);
    tn_value *whole = tn_emit_int(&b, "Concat", "axis", 0, sum, x, sum);
    check_ok(tn_give(&b, 0, whole));
    check_ok(b.st);
    tn_node_remove(n);
    assert_string_equal(sum->producer->name, "old/Add");
    assert_string_equal(two->name, "old/two");
    assert_int_equal(two->type.dtype, TN_F32);
    assert_int_equal(whole->producer->n_inputs, 3);
    assert_int_equal(tn_attr_int(whole->producer, "axis", 7), 0);
    assert_ptr_equal(m->graph->outputs[0], y); /* the value that others know */
    assert_string_equal(y->producer->type, "Identity");
    check_ok(tn_graph_check(m->graph));
    check_ok(tn_graph_infer(m->graph));
    assert_int_equal(y->type.dims[0], 9);
    tn_model_close(&m);
}

static void keeps_the_first_failure(void **state) {
    tn_model *m;
    tn_node *n = model(&m);
    tn_build b = tn_build_for(n);
    int before = m->graph->n_nodes;
    assert_null(tn_emit(&b, "Exp", NULL));
    check_fails(b.st, TN_E_GRAPH, "node 'old' (Neg): an input is missing");
    tn_build_fail(&b, TN_E_SHAPE, "a second one");
    assert_null(tn_emit_int(&b, "Softmax", "axis", 1, n->inputs[0]));
    assert_null(tn_build_int(&b, "one", 1));
    assert_true(tn_give(&b, 0, n->inputs[0]) == TN_E_GRAPH && b.st == TN_E_GRAPH);
    assert_int_equal(m->graph->n_nodes, before);
    assert_non_null(n->outputs[0]);
    tn_model_close(&m);
}

/* With types, what does not fit is said at once, of the node it was written for. */
static void infers(void **state) {
    tn_model *m;
    tn_node *n = model(&m);
    tn_build b = tn_build_for(n);
    b.infer = tn_infer_added, b.what = "the test of";
    tn_value *v = tn_emit(&b, "Exp", n->inputs[0]);
    assert_true(v && v->type.rank == 1 && v->type.dims[0] == 3);
    tn_value *at = tn_build_int(&b, "at", 5);
    assert_null(tn_emit(&b, "Unsqueeze", v, at));
    check_fails(b.st, TN_E_INVALID, "the test of node 'old' (Neg)");
    tn_model_close(&m);
}

static void stands_behind(void **state) {
    tn_model *m;
    tn_node *n = model(&m);
    tn_value *y = n->outputs[0];
    tn_build b = tn_build_for(n);
    tn_node *behind = tn_build_behind(&b, 0, "Abs");
    check_ok(b.st);
    assert_ptr_equal(behind->outputs[0], y);
    assert_ptr_equal(behind->inputs[0], n->outputs[0]);
    assert_ptr_equal(n->next, behind);
    check_ok(tn_graph_check(m->graph));
    tn_model_close(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(takes_the_place), cmocka_unit_test(keeps_the_first_failure),
                                        cmocka_unit_test(infers), cmocka_unit_test(stands_behind) };
    return cmocka_run_group_tests_name("graph/build", tests, NULL, NULL);
}
