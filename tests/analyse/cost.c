/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* cost.c - parameters, FLOPs and bytes of a small network whose figures are known on paper. */
#include "analyse/analyse.h"
#include "engine/forecast.h"
#include "test.h"

static tn_value *weights(tn_graph *g, int rank, const int64_t *dims) {
    tn_tensor t = { 0 };
    check_ok(tn_tensor_init(&t, TN_F32, rank, dims, TN_MEM_GENERAL));
    memset(t.data, 0, (size_t)tn_count(&t) * 4);
    return tn_value_constant(g, "w", &t);
}

/* x[n,3,32,32] -> Conv 8x3x3x3 pad 1 -> Relu -> Flatten -> Gemm 10. */
static tn_model *network(void) {
    tn_model *m;
    check_ok(tn_model_new(&m));
    tn_graph *g = m->graph;
    tn_type t = tn_type_tensor(TN_F32);
    t.rank = 4;
    t.dims[0] = tn_sym(m->syms, "n");
    t.dims[1] = 3;
    t.dims[2] = t.dims[3] = 32;
    tn_value *x = tn_value_input(g, "x", &t);
    tn_value *k = weights(g, 4, (int64_t[]){ 8, 3, 3, 3 }), *b = weights(g, 1, (int64_t[]){ 8 });
    tn_node *conv = tn_node_new(g, NULL, "", "Conv", (tn_value *[]){ x, k, b }, 3, 1);
    check_ok(tn_attr_set_ints(conv, "pads", (int64_t[]){ 1, 1, 1, 1 }, 4));
    tn_node *relu = tn_node_new(g, NULL, "", "Relu", conv->outputs, 1, 1);
    tn_node *flat =
        tn_node_new(g, NULL, "", "Reshape",
                    (tn_value *[]){ relu->outputs[0], tn_value_ints(g, "s", (int64_t[]){ 0, -1 }, 2) }, 2, 1);
    tn_value *w = weights(g, 2, (int64_t[]){ 8192, 10 });
    tn_node *gemm = tn_node_new(g, NULL, "", "Gemm", (tn_value *[]){ flat->outputs[0], w }, 2, 1);
    check_ok(tn_graph_add_output(g, gemm->outputs[0]));
    check_ok(tn_graph_check(g));
    check_ok(tn_graph_infer(g));
    return m;
}

static void facts(void **state) {
    tn_model *m = network();
    tn_type in = tn_analyse_input(m, 0, (const char *[]){ "n" }, (int64_t[]){ 2 }, 1, -1);
    assert_int_equal(in.dims[0], 2);
    tn_analysis *a;
    check_ok(tn_analyse(m, &in, &a));
    assert_int_equal(a->n_nodes, 4);
    assert_int_equal(a->unknown, 0);
    assert_int_equal(a->shapes, TN_OK);
    assert_int_equal(a->parameters, 8 * 27 + 8 + 81920); /* the shape [0, -1] is none */
    assert_int_equal(a->weights[TN_F32].tensors, 3);
    assert_int_equal(a->weights[TN_I64].elements, 2);
    double conv = 2.0 * 27 * 8 * 1024 * 2, gemm = 2.0 * 8192 * 10 * 2;
    assert_true(a->nodes[0].cost.flops >= conv && a->nodes[0].cost.flops < conv * 1.05); /* the bias adds a little */
    assert_true(a->nodes[1].cost.flops == 8 * 1024 * 2);
    assert_true(a->nodes[2].cost.bytes_written == 0); /* another shape, the same memory */
    assert_true(a->nodes[3].cost.flops >= gemm && a->nodes[3].cost.flops < gemm * 1.05);
    assert_string_equal(a->ops[0].type, "Conv");
    assert_int_equal(a->n_ops, 4);
    assert_true(a->nodes[0].weights.bytes_read == 4.0 * (8 * 27 + 8));
    tn_analysis_free(&a);

    tn_forecast f;
    check_ok(tn_forecast_run(m, &in, 1, &f));
    assert_int_equal(f.inputs, 2 * 3 * 1024 * 4);
    assert_int_equal(f.outputs, 2 * 10 * 4);
    assert_true(f.activations >= 2 * 8 * 1024 * 4);
    assert_int_equal(f.open, 0);
    assert_true(f.peak >= f.activations + f.inputs + f.outputs);
    tn_model_close(&m);
}

static void open_and_wrong_shapes(void **state) {
    tn_model *m = network();
    tn_analysis *a;
    check_ok(tn_analyse(m, NULL, &a)); /* n stays open */
    assert_true(a->unknown > 0);
    assert_int_equal(a->parameters, 8 * 27 + 8 + 81920);
    tn_analysis_free(&a);
    tn_type in = tn_analyse_input(m, 0, NULL, NULL, 0, 1);
    in.dims[1] = 5;
    check_ok(tn_analyse(m, &in, &a));
    assert_int_equal(a->shapes, TN_E_SHAPE);
    assert_non_null(strstr(a->why, "Conv"));
    assert_int_equal(a->parameters, 8 * 27 + 8 + 81920);
    tn_analysis_free(&a);
    tn_forecast f;
    assert_true(tn_forecast_run(m, &in, 1, &f) != TN_OK);
    tn_model_close(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(facts), cmocka_unit_test(open_and_wrong_shapes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
