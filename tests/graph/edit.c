/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* edit.c - graphs stay whole through random edits, sorting finds order and cycles, copies equal their source. */
#include "base/clock.h"
#include "op/core/op.h"
#include "test.h"

static uint64_t seed = 7;
static int rnd(int n) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int)((seed >> 33) % (uint64_t)n);
}

static tn_value *input(tn_graph *g, const char *name) {
    tn_type t = tn_type_tensor(TN_F32);
    t.rank = 2;
    t.dims[0] = tn_sym(g->model->syms, "n");
    t.dims[1] = 8;
    return tn_value_input(g, name, &t);
}

static tn_value *add(tn_graph *g, tn_node *before, const char *type, tn_value *a, tn_value *b) {
    tn_node *n = tn_node_new(g, before, "", type, (tn_value *[]){ a, b }, b ? 2 : 1, 1);
    assert_non_null(n);
    assert_non_null(n->op);
    return n->outputs[0];
}

static tn_model *chain(int nodes) { /* a value feeds the next node and one further on */
    tn_model *m;
    check_ok(tn_model_new(&m));
    tn_value *prev = input(m->graph, "x"), *older = prev;
    for (int i = 0; i < nodes; i++) {
        tn_value *next = add(m->graph, NULL, "MatMul", prev, i % 3 ? older : prev);
        older = prev;
        prev = next;
    }
    check_ok(tn_graph_add_output(m->graph, prev));
    return m;
}

static void shuffle(tn_graph *g) {
    tn_node *nodes[512];
    int n = 0;
    tn_graph_each(g, node) nodes[n++] = node;
    for (int i = 0; i < n; i++) tn_node_move_before(nodes[rnd(n)], rnd(4) ? nodes[rnd(n)] : NULL);
}

static void sorting(void **state) {
    tn_model *m = chain(200);
    check_ok(tn_graph_check(m->graph));
    tn_node *order[200];
    int n = 0;
    tn_graph_each(m->graph, a) order[n++] = a;
    check_ok(tn_graph_sort(m->graph)); /* in order already: nothing moves */
    n = 0;
    tn_graph_each(m->graph, b) assert_ptr_equal(order[n++], b);
    shuffle(m->graph);
    check_fails(tn_graph_check(m->graph), TN_E_GRAPH, "");
    check_ok(tn_graph_sort(m->graph));
    check_ok(tn_graph_check(m->graph));
    n = 0;
    tn_graph_each(m->graph, c) assert_ptr_equal(order[n++], c); /* the chain has one order only */
    tn_model_close(&m);
}

static void cycles(void **state) {
    tn_model *m = chain(50);
    tn_node *early = m->graph->first->next, *late = m->graph->last->prev;
    early->name = "early";
    check_ok(tn_node_set_input(early, 1, late->outputs[0]));
    check_fails(tn_graph_sort(m->graph), TN_E_GRAPH, "");
    assert_non_null(strstr(tn_error(), "cycle"));
    assert_non_null(strstr(tn_error(), "MatMul"));
    tn_model_close(&m);
    m = chain(3); /* a node that feeds itself */
    check_ok(tn_node_set_input(m->graph->last, 1, m->graph->last->outputs[0]));
    check_fails(tn_graph_sort(m->graph), TN_E_GRAPH, "");
    tn_model_close(&m);
}

/* If(cond) with branches that use outer values; returns the node. */
static tn_node *add_if(tn_graph *g, tn_value *cond, tn_value *a, tn_value *b) {
    tn_node *n = tn_node_new(g, NULL, "", "If", (tn_value *[]){ cond }, 1, 1);
    assert_non_null(n);
    for (int i = 0; i < 2; i++) {
        tn_graph *sub = tn_graph_new(g->model, g, i ? "else" : "then");
        tn_value *inner = add(sub, NULL, "MatMul", a, i ? a : b);
        tn_tensor t = { 0 };
        check_ok(tn_tensor_init(&t, TN_F32, 2, (int64_t[]){ 8, 8 }, TN_MEM_GENERAL));
        memset(t.data, 0, 256);
        tn_value *c = tn_value_constant(sub, "c", &t);
        check_ok(tn_graph_add_output(sub, add(sub, NULL, "MatMul", inner, c)));
        check_ok(tn_attr_set(n, &(tn_attr){
                                    .name = i ? "else_branch" : "then_branch", .kind = TN_ATTR_GRAPH, .graph = sub }));
    }
    return n;
}

static tn_model *with_if(tn_node **the_if) {
    tn_model *m;
    check_ok(tn_model_new(&m));
    tn_type t = tn_type_tensor(TN_BOOL);
    t.rank = 0;
    tn_value *cond = tn_value_input(m->graph, "cond", &t), *x = input(m->graph, "x");
    tn_value *y = add(m->graph, NULL, "MatMul", x, x), *z = add(m->graph, NULL, "MatMul", y, x);
    *the_if = add_if(m->graph, cond, y, z);
    check_ok(tn_graph_add_output(m->graph, (*the_if)->outputs[0]));
    check_ok(tn_graph_check(m->graph));
    return m;
}

static void subgraphs_capture(void **state) {
    tn_node *n;
    tn_model *m = with_if(&n);
    tn_node_move_before(n, m->graph->first); /* its branches use what comes later now */
    check_fails(tn_graph_check(m->graph), TN_E_GRAPH, "");
    check_ok(tn_graph_sort(m->graph));
    check_ok(tn_graph_check(m->graph));
    tn_value *y = m->graph->first->outputs[0];
    int uses = y->n_uses; /* dropping the branches gives the uses back */
    assert_int_equal(uses, 4);
    check_ok(tn_value_replace(n->outputs[0], y));
    tn_node_remove(n);
    assert_int_equal(y->n_uses, 1 + 1); /* by z's node and as the output */
    assert_true(tn_value_is_output(y));
    check_ok(tn_graph_check(m->graph));
    tn_model_close(&m);
    m = with_if(&n); /* a branch whose node waits for the If itself */
    check_ok(tn_node_set_input(tn_attr_graph(n, "then_branch")->first, 0, n->outputs[0]));
    check_fails(tn_graph_sort(m->graph), TN_E_GRAPH, "");
    tn_model_close(&m);
}

static void inlining(void **state) {
    tn_node *n;
    tn_model *m = with_if(&n);
    tn_graph *then = tn_attr_graph(n, "then_branch");
    tn_value *out;
    char name[64];
    snprintf(name, sizeof name, "%s", n->outputs[0]->name);
    check_ok(tn_graph_inline(m->graph, n, then, NULL, "then/", &out));
    check_ok(tn_value_replace(n->outputs[0], out));
    tn_node_remove(n);
    check_ok(tn_graph_check(m->graph));
    assert_int_equal(m->graph->n_nodes, 4);
    assert_string_equal(m->graph->outputs[0]->name, name); /* the output keeps its name */
    assert_ptr_equal(m->graph->last->outputs[0], m->graph->outputs[0]);
    assert_non_null(m->graph->last->inputs[1]->constant);
    for (int i = 0; i < m->n_values; i++) assert_null(m->values[i]->twin);
    tn_model_close(&m);
}

static void inlining_binds_and_omits(void **state) {
    tn_model *m;
    check_ok(tn_model_new(&m));
    tn_graph *body = tn_graph_new(m, NULL, "f");
    tn_value *a = input(body, "a"), *b = input(body, "b");
    check_ok(tn_graph_add_output(body, add(body, NULL, "MatMul", a, a)));
    tn_node *clip = tn_node_new(body, NULL, "", "MatMul", (tn_value *[]){ a, b }, 2, 1);
    check_ok(tn_graph_add_output(body, clip->outputs[0]));
    check_ok(tn_graph_add_output(body, a));
    tn_value *x = input(m->graph, "x"), *outs[3];
    check_ok(tn_graph_inline(m->graph, NULL, body, (tn_value *[]){ x, NULL }, "f1/", outs));
    assert_ptr_equal(outs[2], x);
    assert_null(m->graph->last->inputs[1]);
    check_ok(tn_graph_inline(m->graph, NULL, body, (tn_value *[]){ x, x }, "f2/", outs)); /* and once more */
    assert_ptr_equal(m->graph->last->inputs[1], x);
    assert_int_equal(m->graph->n_nodes, 4);
    tn_model_close(&m);
}

static void expect_equal_graphs(const tn_graph *a, const tn_graph *b) {
    assert_int_equal(a->n_nodes, b->n_nodes);
    assert_int_equal(a->n_inputs, b->n_inputs);
    assert_int_equal(a->n_outputs, b->n_outputs);
    for (int i = 0; i < a->n_outputs; i++) assert_int_equal(a->outputs[i]->id, b->outputs[i]->id);
    const tn_node *p = a->first, *q = b->first;
    for (; p; p = p->next, q = q->next) {
        assert_string_equal(p->name, q->name);
        assert_ptr_equal(p->op, q->op);
        assert_int_equal(p->n_inputs, q->n_inputs);
        for (int i = 0; i < p->n_inputs; i++) {
            assert_int_equal(p->inputs[i]->id, q->inputs[i]->id);
            assert_ptr_not_equal(p->inputs[i], q->inputs[i]);
            assert_int_equal(p->inputs[i]->n_uses, q->inputs[i]->n_uses);
            if (p->inputs[i]->constant) assert_ptr_equal(p->inputs[i]->constant->data, q->inputs[i]->constant->data);
        }
        assert_int_equal(p->n_attrs, q->n_attrs);
        for (int i = 0; i < p->n_attrs; i++)
            if (p->attrs[i].kind == TN_ATTR_GRAPH) expect_equal_graphs(p->attrs[i].graph, q->attrs[i].graph);
    }
    assert_null(q);
}

static void cloning(void **state) {
    tn_node *n;
    tn_model *m = with_if(&n), *copy;
    check_ok(tn_model_clone(m, &copy));
    check_ok(tn_graph_check(copy->graph));
    expect_equal_graphs(m->graph, copy->graph);
    check_ok(tn_value_replace(copy->graph->last->outputs[0],
                              copy->graph->first->outputs[0])); /* the source stays as it was */
    check_ok(tn_graph_check(m->graph));
    tn_model_close(&copy);
    tn_model_close(&m);
}

static void replacing_outputs(void **state) {
    tn_model *m = chain(3); /* x -> a -> b -> c; c is the output */
    tn_graph *g = m->graph;
    tn_value *c = g->outputs[0], *x = g->inputs[0];
    const char *name = c->name;
    check_ok(tn_value_replace(c, x)); /* an input cannot take another name: an Identity carries it */
    assert_string_equal(g->outputs[0]->name, name);
    assert_string_equal(g->outputs[0]->producer->type, "Identity");
    assert_ptr_equal(g->outputs[0]->producer->inputs[0], x);
    check_ok(tn_graph_check(g));
    check_ok(tn_graph_add_output(g, g->first->outputs[0])); /* two outputs that become the same value keep two names */
    const char *second = g->outputs[1]->name;
    check_ok(tn_value_replace(g->outputs[0], g->outputs[1]));
    assert_string_equal(g->outputs[0]->name, name);
    assert_string_equal(g->outputs[1]->name, second);
    check_ok(tn_graph_check(g));
    tn_model_close(&m);
}

static void random_edits(void **state) {
    for (int round = 0; round < 60; round++) {
        tn_model *m = chain(20);
        tn_graph *g = m->graph;
        for (int step = 0; step < 60; step++) {
            tn_node *at = g->first;
            for (int k = rnd(g->n_nodes); k > 0; k--) at = at->next;
            tn_value *out = at->outputs[0];
            switch (rnd(6)) {
            case 0: add(g, at, "Identity", at->inputs[0], NULL); break;
            case 1:
                if (at->n_inputs > 1) check_ok(tn_node_set_input(at, 1, at->inputs[0]));
                break;
            case 2: check_ok(tn_value_replace(out, at->inputs[0])); break;
            case 3:
                if (!out->n_uses && g->n_nodes > 2) tn_node_remove(at);
                break;
            case 4: {
                tn_value *v = add(g, at, "Identity", at->inputs[0], NULL);
                check_ok(tn_node_set_input(at, 0, v));
                break;
            }
            default: check_ok(tn_graph_add_output(g, out));
            }
            check_ok(tn_graph_check(g));
        }
        tn_model *copy;
        check_ok(tn_model_clone(m, &copy));
        check_ok(tn_graph_check(copy->graph));
        expect_equal_graphs(g, copy->graph);
        tn_model_close(&copy);
        check_ok(tn_graph_infer(g));
        tn_model_close(&m);
    }
}

static void attributes(void **state) {
    tn_model *m = chain(1);
    tn_node *n = m->graph->first;
    char name[] = "perm";
    check_ok(tn_attr_set_ints(n, name, (int64_t[]){ 1, 0 }, 2));
    name[0] = 'x'; /* the model has its own copy */
    check_ok(tn_attr_set_float(n, "alpha", 0.5f));
    check_ok(tn_attr_set_string(n, "mode", "linear"));
    check_ok(tn_attr_set_int(n, "axis", -1));
    int count;
    const int64_t *v = tn_attr_ints(n, "perm", &count);
    assert_int_equal(count, 2);
    assert_int_equal(v[0], 1);
    assert_int_equal(tn_attr_int(n, "axis", 7), -1);
    assert_int_equal(tn_attr_int(n, "alpha", 7), 7); /* another kind */
    assert_true(tn_attr_is(n, "mode", "linear", "nearest"));
    assert_true(tn_attr_is(n, "none", "nearest", "nearest"));
    check_ok(tn_attr_set_int(n, "axis", 3));
    assert_int_equal(n->n_attrs, 4);
    tn_attr_remove(n, "perm");
    assert_null(tn_attr_find(n, "perm"));
    assert_int_equal(tn_attr_int(n, "axis", 7), 3);
    tn_model_close(&m);
}

static void nesting_is_bounded(void **state) {
    tn_model *m;
    check_ok(tn_model_new(&m));
    tn_graph *g = m->graph;
    int depth = 0;
    while ((g = tn_graph_new(m, g, "deeper"))) depth++;
    assert_int_equal(depth, TN_MAX_DEPTH);
    assert_non_null(strstr(tn_error(), "deeper"));
    tn_model_close(&m);
}

static void unknown_operator(void **state) {
    tn_model *m = chain(1);
    tn_value *x = m->graph->inputs[0];
    tn_node *n = tn_node_new(m->graph, NULL, "", "Foo", &x, 1, 1);
    assert_null(n->op);
    check_fails(tn_graph_check(m->graph), TN_E_UNSUPPORTED, "");
    assert_non_null(strstr(tn_error(), "Foo (ai.onnx"));
    tn_model_close(&m);
    assert_ptr_equal(tn_op_find("ai.onnx", "MatMul"), tn_op_find("", "MatMul"));
    assert_null(tn_op_find("nowhere", "MatMul"));
    for (int i = 0; i < tn_op_count(); i++) {
        const tn_op *op = tn_op_at(i);
        assert_ptr_equal(tn_op_find(op->domain, op->name), op); /* also: no row twice */
        assert_true(tn_op_min_inputs(op) <= tn_op_max_inputs(op));
    }
}

static void memory_runs_out(void **state) {
    int failed = 0;
    for (unsigned every = 1; every < 40; every++) {
        tn_model *m = NULL, *copy = NULL;
        tn_mem_fail_every(every);
        if (tn_model_new(&m) == TN_OK) {
            tn_type t = tn_type_tensor(TN_F32);
            t.rank = 2;
            t.dims[0] = tn_dim_mul(m->syms, 3, tn_sym(m->syms, "n"));
            t.dims[1] = TN_DIM_UNKNOWN;
            tn_value *v = tn_value_input(m->graph, "x", &t);
            for (int i = 0; i < 200 && v; i++) {
                tn_node *n = tn_node_new(m->graph, NULL, "", "MatMul", (tn_value *[]){ v, v }, 2, 1);
                v = n ? n->outputs[0] : NULL;
            }
            if (!v || tn_graph_sort(m->graph) != TN_OK || tn_graph_infer(m->graph) != TN_OK ||
                tn_model_clone(m, &copy) != TN_OK)
                failed++;
        }
        tn_mem_fail_every(0);
        tn_model_close(&copy);
        tn_model_close(&m);
    }
    assert_true(failed > 0);
}

static void large_is_quick(void **state) {
    double t[6];
    t[0] = tn_clock_s();
    tn_model *m = chain(20000), *copy;
    tn_tensor c = { 0 };
    check_ok(tn_tensor_init(&c, TN_F32, 2, (int64_t[]){ 8, 8 }, TN_MEM_GENERAL));
    memset(c.data, 0, 256);
    tn_value *shared = tn_value_constant(m->graph, "w", &c); /* one constant that everybody uses */
    tn_graph_each(m->graph, n) check_ok(tn_node_set_input(n, 1, shared));
    tn_node_move_before(m->graph->last, m->graph->first); /* so that sorting has work */
    t[1] = tn_clock_s();
    check_ok(tn_graph_sort(m->graph));
    t[2] = tn_clock_s();
    check_ok(tn_graph_check(m->graph));
    t[3] = tn_clock_s();
    check_ok(tn_graph_infer(m->graph));
    t[4] = tn_clock_s();
    check_ok(tn_model_clone(m, &copy));
    t[5] = tn_clock_s();
    tn_model_close(&copy);
    tn_model_close(&m);
    static const char *const steps[] = { "built", "sorted", "checked", "inferred", "copied" };
    for (int i = 0; i < 5; i++) print_message("20,000 nodes %s: %.1f ms\n", steps[i], (t[i + 1] - t[i]) * 1e3);
    assert_true(t[5] - t[0] < 5); /* an algorithm that is quadratic takes longer */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorting),
        cmocka_unit_test(cycles),
        cmocka_unit_test(subgraphs_capture),
        cmocka_unit_test(inlining),
        cmocka_unit_test(inlining_binds_and_omits),
        cmocka_unit_test(cloning),
        cmocka_unit_test(replacing_outputs),
        cmocka_unit_test(random_edits),
        cmocka_unit_test(attributes),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(unknown_operator),
        cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(large_is_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
