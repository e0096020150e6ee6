/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* optimize.c - the passes together: small networks of convolutions, gates, residuals and norms give what the graph as
 * it stands gives, and are fused and placed as intended. */
#include "engine/session.h"
#include "pass/pass.h"
#include "test.h"
#include <math.h>

static uint64_t seed = 5;

static float uniform(void) { return (float)(test_random(&seed) >> 40) / 8388608.0f - 1; }

static tn_value *constant(tn_model *m, int rank, const int64_t *dims, float scale, float add) {
    tn_tensor t;
    check_ok(tn_tensor_init(&t, TN_F32, rank, dims, TN_MEM_WEIGHTS));
    for (int64_t i = 0; i < tn_count(&t); i++) ((float *)t.data)[i] = uniform() * scale + add;
    return tn_value_constant(m->graph, "k", &t);
}

static tn_node *make(tn_model *m, const char *type, int n, tn_value *a, tn_value *b, tn_value *c) {
    tn_value *in[3] = { a, b, c };
    tn_node *x = tn_node_new(m->graph, NULL, "", type, in, n, 1);
    assert_non_null(x);
    assert_non_null(x->op);
    return x;
}

static tn_value *unary(tn_model *m, const char *type, tn_value *x) {
    return make(m, type, 1, x, NULL, NULL)->outputs[0];
}
static tn_value *binary(tn_model *m, const char *type, tn_value *a, tn_value *b) {
    return make(m, type, 2, a, b, NULL)->outputs[0];
}
static tn_value *number(tn_model *m, float v) { return tn_value_scalar_f32(m->graph, "c", v); }

static tn_value *conv(tn_model *m, tn_value *x, int64_t ic, int64_t oc, int64_t k, int64_t group) {
    const int64_t dims[4] = { oc, ic / group, k, k }, pads[4] = { k / 2, k / 2, k / 2, k / 2 };
    tn_node *n = make(m, "Conv", 3, x, constant(m, 4, dims, 0.3f, 0), constant(m, 1, &oc, 1, 0));
    check_ok(tn_attr_set_ints(n, "pads", pads, 4));
    check_ok(tn_attr_set_int(n, "group", group));
    return n->outputs[0];
}

static tn_value *batch_norm(tn_model *m, tn_value *x, int64_t c) {
    tn_value *in[5] = { x, constant(m, 1, &c, 0.5f, 1), constant(m, 1, &c, 1, 0), constant(m, 1, &c, 1, 0),
                        constant(m, 1, &c, 0.4f, 1) };
    tn_node *n = tn_node_new(m->graph, NULL, "", "BatchNormalization", in, 5, 1);
    assert_non_null(n);
    return n->outputs[0];
}

/* x min(max(x + 3, 0), 6) / 6 */
static tn_value *hard_swish(tn_model *m, tn_value *x) {
    tn_value *clip = make(m, "Clip", 3, binary(m, "Add", x, number(m, 3)), number(m, 0), number(m, 6))->outputs[0];
    return binary(m, "Div", binary(m, "Mul", x, clip), number(m, 6));
}

static tn_value *gelu(tn_model *m, tn_value *x) {
    tn_value *e = unary(m, "Erf", binary(m, "Div", x, number(m, (float)sqrt(2))));
    return binary(m, "Mul", binary(m, "Mul", x, binary(m, "Add", e, number(m, 1))), number(m, 0.5f));
}

static int count(const tn_graph *g, const char *domain, const char *type) {
    int n = 0;
    for (const tn_node *x = g->first; x; x = x->next)
        n += !strcmp(x->type, type) && !strcmp(x->domain ? x->domain : "", domain);
    return n;
}

/* Runs the model both ways; the optimized graph is handed to `look`. */
static void compare(tn_model *m, const tn_value *x, void (*look)(const tn_graph *g)) {
    tn_session *s[2];
    tn_tensor *in, *out[2];
    check_ok(tn_graph_infer(m->graph));
    check_ok(tn_tensor_new(TN_F32, x->type.rank, x->type.dims, &in));
    for (int64_t i = 0; i < tn_count(in); i++) ((float *)in->data)[i] = uniform() * 2;
    for (int i = 0; i < 2; i++) {
        tn_session_opts o = { .size = sizeof o, .threads = 1, .no_optimize = i };
        check_ok(tn_session_new(m, &o, &s[i]));
        check_ok(tn_session_run(s[i], 1, (const tn_tensor *const *)&in, 1, &out[i]));
    }
    look(s[0]->model->graph);
    double worst = 0, most = 0;
    assert_true(tn_dims_equal(out[0]->rank, out[0]->dims, out[1]->rank, out[1]->dims));
    for (int64_t i = 0; i < tn_count(out[0]); i++) {
        double a = (double)((float *)out[0]->data)[i], b = (double)((float *)out[1]->data)[i];
        worst = fmax(worst, fabs(a - b));
        most = fmax(most, fabs(b));
    }
    check(worst <= 2e-5 * most, "differs by %g of %g\n", worst, most);
    for (int i = 0; i < 2; i++) {
        tn_tensor_free(&out[i]);
        tn_session_free(&s[i]);
    }
    tn_tensor_free(&in);
    tn_model_close(&m);
}

static tn_value *begin(tn_model **m, int rank, const tn_dim *dims) {
    tn_type t = tn_type_tensor(TN_F32);
    t.rank = rank;
    memcpy(t.dims, dims, sizeof *dims * (size_t)rank);
    check_ok(tn_model_new(m));
    return tn_value_input((*m)->graph, "x", &t);
}

/* Every convolution is fused and blocked; one value leaves the region. */
static void look_network(const tn_graph *g) {
    assert_int_equal(count(g, "", "Conv"), 0);
    assert_int_equal(count(g, "tenon", "Conv"), 6);
    assert_int_equal(count(g, "", "BatchNormalization"), 0);
    assert_int_equal(count(g, "", "Clip"), 0);
    assert_int_equal(count(g, "", "Relu"), 0);
    assert_int_equal(count(g, "tenon", "ToBlocked"), 0);
    assert_int_equal(count(g, "tenon", "FromBlocked"), 1);
    assert_int_equal(count(g, "tenon", "GlobalAveragePool"), 1);
}

static void network(void **state) {
    (void)state;
    tn_model *m;
    tn_value *x = begin(&m, 4, (tn_dim[]){ 2, 3, 12, 10 });
    tn_value *a = hard_swish(m, batch_norm(m, conv(m, x, 3, 32, 3, 1), 32)); /* first layer, plain input */
    tn_value *b = unary(m, "Relu", conv(m, a, 32, 32, 3, 32));               /* depthwise */
    tn_value *gate = unary(m, "GlobalAveragePool", b);                       /* squeeze and excite */
    gate = unary(m, "Relu", conv(m, gate, 32, 16, 1, 1));
    gate = unary(m, "Sigmoid", conv(m, gate, 16, 32, 1, 1));
    b = binary(m, "Mul", b, gate);
    tn_value *r = unary(m, "Relu", binary(m, "Add", conv(m, b, 32, 32, 1, 1), a)); /* residual */
    tn_node *cat = make(m, "Concat", 2, r, b, NULL);
    check_ok(tn_attr_set_int(cat, "axis", 1));
    tn_node *pool = make(m, "MaxPool", 1, cat->outputs[0], NULL, NULL);
    check_ok(tn_attr_set_ints(pool, "kernel_shape", (int64_t[]){ 2, 2 }, 2));
    check_ok(tn_attr_set_ints(pool, "strides", (int64_t[]){ 2, 2 }, 2));
    tn_value *y = binary(m, "Mul", conv(m, pool->outputs[0], 64, 20, 1, 1),
                         constant(m, 3, (int64_t[]){ 20, 1, 1 }, 1, 0)); /* channels that do not fill a block */
    check_ok(tn_graph_add_output(m->graph, y));
    compare(m, x, look_network);
}

static void look_mlp(const tn_graph *g) {
    assert_int_equal(count(g, "", "LayerNormalization"), 1);
    assert_int_equal(count(g, "tenon", "MatMul"), 2);
    assert_int_equal(count(g, "", "Erf"), 0);
    assert_int_equal(g->n_nodes, 3);
}

/* A transformer's second half, as older exporters write it. */
static void mlp(void **state) {
    (void)state;
    tn_model *m;
    tn_value *x = begin(&m, 3, (tn_dim[]){ 2, 5, 24 }), *axes = tn_value_ints(m->graph, "axes", (int64_t[]){ -1 }, 1);
    tn_value *d = binary(m, "Sub", x, binary(m, "ReduceMean", x, axes));
    tn_value *var = binary(m, "ReduceMean", binary(m, "Pow", d, number(m, 2)), axes);
    tn_value *n = binary(m, "Div", d, unary(m, "Sqrt", binary(m, "Add", var, number(m, 1e-5f))));
    const int64_t w = 24, h = 40;
    n = binary(m, "Add", binary(m, "Mul", n, constant(m, 1, &w, 1, 0)), constant(m, 1, &w, 1, 0));
    tn_value *up = binary(m, "Add", binary(m, "MatMul", n, constant(m, 2, (int64_t[]){ w, h }, 0.3f, 0)),
                          constant(m, 1, &h, 1, 0));
    tn_value *down = binary(m, "Add", constant(m, 1, &w, 1, 0),
                            binary(m, "MatMul", gelu(m, up), constant(m, 2, (int64_t[]){ h, w }, 0.3f, 0)));
    check_ok(tn_graph_add_output(m->graph, binary(m, "Add", x, down)));
    compare(m, x, look_mlp);
}

static void look_leftovers(const tn_graph *g) {
    assert_int_equal(count(g, "", "Identity"), 0);
    assert_int_equal(count(g, "", "Transpose"), 0);
    assert_int_equal(count(g, "", "Shape"), 0);
    assert_int_equal(count(g, "", "Sigmoid") + count(g, "", "Swish") + count(g, "tenon", "Pointwise"), g->n_nodes);
}

/* Identities, transposes that cancel, the same twice, shapes that are known. */
static void leftovers(void **state) {
    (void)state;
    tn_model *m;
    tn_value *x = begin(&m, 2, (tn_dim[]){ 3, 4 });
    tn_value *t[2];
    for (int i = 0; i < 2; i++) {
        tn_node *p = make(m, "Transpose", 1, unary(m, "Identity", x), NULL, NULL);
        tn_node *q = make(m, "Transpose", 1, p->outputs[0], NULL, NULL);
        check_ok(tn_attr_set_ints(p, "perm", (int64_t[]){ 1, 0 }, 2));
        check_ok(tn_attr_set_ints(q, "perm", (int64_t[]){ 1, 0 }, 2));
        t[i] = unary(m, "Sigmoid", q->outputs[0]);
    }
    tn_value *y = binary(m, "Reshape", binary(m, "Mul", t[0], t[1]), unary(m, "Shape", x));
    check_ok(tn_graph_add_output(m->graph, y));
    compare(m, x, look_leftovers);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(network), cmocka_unit_test(mlp), cmocka_unit_test(leftovers) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
