/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* decompose.c - operators that are rewritten as others when a model is loaded: malformed nodes are refused by name,
 * like those of operators with rows; what goes wrong later leads back to the node of the file; descriptors are
 * complete. */
#include "graph/graph.h"
#include "lib/op_run.h"
#include "op/core/expand.h"
#include "op/core/grad.h"
#include "tenon.h"
#include "test.h"

static ob *node(const char *type, const char *inputs, const char *outputs) {
    ob *b = ob_new(10, 28);
    ob_opset(b, "com.microsoft", 1);
    ob_opset(b, "ai.onnx.preview.training", 1);
    ob_input(b, "a", TN_F32, "2,4");
    ob_input(b, "c", TN_F32, "2,4");
    ob_input(b, "g", TN_F32, "4");
    ob_input(b, "i", TN_I64, "2");
    ob_node(b, type, inputs, outputs);
    return b;
}

static void refused(ob *b, tn_status status, const char *words) {
    ob_output(b, "y");
    tn_text file = ob_finish(b);
    tn_model *m = NULL;
    tn_status st = tn_model_open_memory(file.s, file.n, &m);
    check(st == status && strstr(tn_error(), words), "%d, '%s' instead of '%s'\n", (int)st, tn_error(), words);
    tn_model_close(&m);
    tn_text_free(&file);
}

static void loads(ob *b) {
    ob_output(b, "y");
    tn_text file = ob_finish(b);
    tn_model *m = NULL;
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    tn_model_close(&m);
    tn_text_free(&file);
}

/* ------------------------------------------------------------------------------------------------------- refusals */

static void counts(void **state) {
    refused(node("com.microsoft::SkipLayerNormalization", "a c", "y"), TN_E_GRAPH,
            "node 'y' (com.microsoft.SkipLayerNormalization): has 2 inputs, needs at least 3");
    refused(node("com.microsoft::SkipLayerNormalization", "a _ g", "y"), TN_E_GRAPH, "input 1 (skip) is missing");
    refused(node("com.microsoft::Gelu", "a c", "y"), TN_E_GRAPH, "can have at most 1");
    refused(node("com.microsoft::Gelu", "a", "y z"), TN_E_GRAPH, "has 2 outputs, can have at most 1");
    refused(node("ai.onnx.preview.training::Adam", "a i a a a", "y"), TN_E_GRAPH, "(ai.onnx.preview.training.Adam)");
}

static void attributes(void **state) {
    ob *b = node("com.microsoft::QuickGelu", "a", "y");
    ob_int(b, "alpha", 2);
    refused(b, TN_E_INVALID, "node 'y' (com.microsoft.QuickGelu): attribute 'alpha' is an integer, should be a float");
    b = node("com.microsoft::QuickGelu", "a", "y");
    ob_float(b, "alfa", 2);
    refused(b, TN_E_INVALID, "node 'y' (com.microsoft.QuickGelu): attribute 'alfa' is unknown; it has alpha");
    b = node("com.microsoft::BiasAdd", "a g c", "y");
    ob_float(b, "scale", 2);
    refused(b, TN_E_INVALID, "attribute 'scale' is unknown; it has none");
    b = node("com.microsoft::QuickGelu", "a", "y");
    ob_string(b, "__note", "an exporter's own");
    loads(b);
    refused(node("com.microsoft::Attention", "a c", "y"), TN_E_GRAPH,
            "node 'y' (com.microsoft.Attention): attribute 'num_heads' (an integer) is missing");
    b = node("com.microsoft::Attention", "a c", "y");
    ob_int(b, "num_heads", 0);
    refused(b, TN_E_INVALID, "attribute 'num_heads' holds 0, allowed is 1 to");
    b = node("SoftmaxCrossEntropyLoss", "a i", "y");
    ob_string(b, "reduction", "product");
    refused(b, TN_E_INVALID,
            "node 'y' (SoftmaxCrossEntropyLoss): attribute 'reduction' is 'product', should be one of");
}

static void types(void **state) {
    refused(node("com.microsoft::Gelu", "i", "y"), TN_E_TYPE,
            "node 'y' (com.microsoft.Gelu): input 0 (X) is int64[2]; allowed: float32");
    refused(node("com.microsoft::QLinearSigmoid", "a g _ g", "y"), TN_E_TYPE,
            "(com.microsoft.QLinearSigmoid): input 0");
}

/* Shapes are known later, when the node is no more: its name is still there, in front of that of its part. */
static void later(void **state) {
    refused(node("com.microsoft::BiasAdd", "a i c", "y"), TN_E_TYPE, "node 'y' (com.microsoft.BiasAdd)");
    ob *b = node("com.microsoft::FusedGemm", "a g", "y");
    refused(b, TN_E_SHAPE, "node 'y/Gemm' (Gemm)");
    b = node("com.microsoft::PackedAttention", "a g g i i", "y"); /* what it becomes is rewritten itself */
    ob_int(b, "num_heads", 1);
    refused(b, TN_E_SHAPE, "node 'y/Attention/");
}

/* --------------------------------------------------------------------------------------------------------- values */

static ob *floats(const char *type, const char *inputs, int n_in) {
    static const char *const names[] = { "a", "b", "c" };
    ob *b = ob_new(10, 28);
    ob_opset(b, "com.microsoft", 1);
    for (int i = 0; i < n_in; i++) ob_input(b, names[i], TN_F32, NULL);
    ob_output(b, "y");
    ob_node(b, type, inputs, "y");
    return b;
}

/* On numbers worked out by hand; most decomposed operators have tests of their own in tests/op. */
static void values(void **state) {
    op_data pair[] = { { TN_F32, "1,2", { 0, 0.693147181 } }, { TN_F32, "2", { 0, 0.405465108 } } };
    op_data quarters = { TN_F32, "1,2", { 0.25, 0.75 } }; /* 1 to 2 times 1.5 */
    ob *b = floats("com.microsoft::BiasSoftmax", "a b", 2);
    ob_int(b, "axis", 1);
    ob_int(b, "is_inner_broadcast", 1);
    op_gives(b, 2, pair, 1, &quarters, 1e-6);

    op_data factors[] = { { TN_F32, "2,1", { 1, 2 } }, { TN_F32, "2,2", { 1, 2, 3, 4 } } };
    op_data leaky = { TN_F32, "1,2", { -3.5, -5 } }; /* -(7, 10), halved below 0 */
    b = floats("com.microsoft::FusedMatMulActivation", "a b", 2);
    ob_int(b, "transA", 1);
    ob_float(b, "alpha", -1);
    ob_string(b, "activation", "LeakyRelu");
    ob_float(b, "activation_alpha", 0.5f);
    op_gives(b, 2, factors, 1, &leaky, 0);

    op_data gemm[] = { { TN_F32, "1,1", { 2 } }, { TN_F32, "1,2", { 0.5, 1 } }, { TN_F32, "2", { 1, -2 } } };
    op_data gelu = { TN_F32, "1,2", { 1.954597694, 0 } }; /* of 2 and 0, by tanh */
    op_gives(floats("com.microsoft::GemmFastGelu", "a b c", 3), 3, gemm, 1, &gelu, 1e-5);

    op_data gate[] = { { TN_F32, "2", { 2, 0 } }, { TN_F32, "2", { 3, 5 } } };
    op_data gated = { TN_F32, "2", { 2 * 3 * 0.880797078, 0 } };
    op_gives(floats("SwiGLU", "a b", 2), 2, gate, 1, &gated, 1e-6);
}

/* ---------------------------------------------------------------------------------------------------- descriptors */

/* Every operator that is rewritten says what it is, and becomes rows. */
static void complete(void **state) {
    const tn_op *op, *parts[32];
    int count = 0;
    for (int i = 0; (op = tn_op_expanded_at(i)); i++, count++) {
        check(op->name && op->since > 0 && op->doc && op->in && op->out, "%s: its descriptor has gaps\n", op->name);
        check(!tn_op_find(op->domain, op->name), "%s has a row, too\n", op->name);
        int n = tn_op_becomes(op, parts, (int)TN_COUNT(parts));
        check(n > 0 && n < (int)TN_COUNT(parts), "%s becomes %d operators\n", op->name, n);
        for (const tn_port *p = op->in; p->name; p++) check(p->types, "%s: %s has no types\n", op->name, p->name);
    }
    assert_true(count > 40);
}

static void becomes(void **state) {
    const tn_op *op = NULL, *parts[32];
    for (int i = 0; (op = tn_op_expanded_at(i)) && strcmp(op->name, "QLinearAveragePool"); i++) continue;
    assert_non_null(op);
    bool pools = false, moves = false;
    int n = tn_op_becomes(op, parts, (int)TN_COUNT(parts));
    for (int i = 0; i < n; i++) {
        pools = pools || !strcmp(parts[i]->name, "AveragePool");
        moves = moves || !strcmp(parts[i]->name, "Transpose"); /* with channels_last alone */
    }
    assert_true(pools && moves);
    assert_int_equal(tn_grad_kind_of_all(op, parts, n), TN_GRAD_NONE); /* codes in, codes out */
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(counts), cmocka_unit_test(attributes),
                                        cmocka_unit_test(types),  cmocka_unit_test(later),
                                        cmocka_unit_test(values), cmocka_unit_test(complete),
                                        cmocka_unit_test(becomes) };
    return cmocka_run_group_tests_name("format/decompose", tests, NULL, NULL);
}
