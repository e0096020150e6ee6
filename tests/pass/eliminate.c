/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* eliminate.c - what looks like something that is there already, or does nothing, and does not: nodes that differ in
 * one attribute, branches of either condition, pairs of Reshapes and Transposes that are not what one of them says. */
#include "lib/op_run.h"
#include "lib/op_text.h"
#include "test.h"

/* Two nodes on one input that differ in one attribute of some kind; each keeps its result. */
static void twins_but_for_one_attribute(void **state) {
    (void)state;
    static const struct {
        const char *op, *inputs, *attrs[2];
        op_data x, y[2];
    } cases[] = {
        { "CumSum",
          "x axis",
          { "exclusive=0", "exclusive=1" },
          { TN_F32, "3", { 1, 2, 3 } },
          { { TN_F32, "3", { 1, 3, 6 } }, { TN_F32, "3", { 0, 1, 3 } } } },
        { "LeakyRelu",
          "x",
          { "alpha=0.5", "alpha=0.25" },
          { TN_F32, "2", { -4, 1 } },
          { { TN_F32, "2", { 2, 1 } }, { TN_F32, "2", { 1, 1 } } } },
        { "Pad",
          "x pads",
          { "mode=edge", "mode=wrap" },
          { TN_F32, "3", { 1, 2, 3 } },
          { { TN_F32, "4", { 1, 1, 2, 3 } }, { TN_F32, "4", { 3, 1, 2, 3 } } } },
        { "Transpose",
          "x",
          { "perm=[0,2,1]", "perm=[2,1,0]" },
          { TN_F32, "2,1,2", { 1, 2, 3, 4 } },
          { { TN_F32, "2,2,1", { 1, 2, 3, 4 } }, { TN_F32, "2,1,2", { 1, 3, 2, 4 } } } },
        { "ai.onnx.ml::Scaler",
          "x",
          { "scale=[2.0,3.0]", "scale=[2.0,4.0]" },
          { TN_F32, "1,2", { 1, 1 } },
          { { TN_F32, "1,2", { 2, 3 } }, { TN_F32, "1,2", { 2, 4 } } } },
        { "Softmax",
          "x",
          { NULL, "axis=0" },
          { TN_F32, "1,2", { 3, 3 } },
          { { TN_F32, "1,2", { 0.5, 0.5 } }, { TN_F32, "1,2", { 1, 1 } } } },
    };
    for (size_t i = 0; i < TN_COUNT(cases); i++) {
        ob *b = ob_new(10, 21);
        ob_opset(b, "ai.onnx.ml", 3);
        ob_input(b, "x", TN_F32, cases[i].x.dims);
        ob_ints_init(b, "axis", "", (int64_t[]){ 0 }, 1);
        ob_ints_init(b, "pads", "2", (int64_t[]){ 1, 0 }, 2);
        for (int k = 0; k < 2; k++) {
            ob_node(b, cases[i].op, cases[i].inputs, k ? "inner_b" : "inner_a"); /* outputs of the graph never go */
            ob_attrs(b, cases[i].attrs[k]);
            ob_node(b, "Abs", k ? "inner_b" : "inner_a", k ? "b" : "a");
            ob_output(b, k ? "b" : "a");
        }
        op_gives(b, 1, &cases[i].x, 2, cases[i].y, 1e-6);
    }
}

/* Operands the other way round are another difference. */
static void twins_turned_round(void **state) {
    (void)state;
    ob *b = ob_new(10, 21);
    ob_input(b, "x", TN_F32, "1");
    ob_input(b, "y", TN_F32, "1");
    ob_node(b, "Sub", "x y", "inner_a");
    ob_node(b, "Sub", "y x", "inner_b");
    ob_node(b, "Relu", "inner_a", "a");
    ob_node(b, "Relu", "inner_b", "b");
    ob_output(b, "a");
    ob_output(b, "b");
    op_data in[] = { { TN_F32, "1", { 5 } }, { TN_F32, "1", { 3 } } };
    op_gives(b, 2, in, 2, (op_data[]){ { TN_F32, "1", { 2 } }, { TN_F32, "1", { 0 } } }, 0);
}

static void known_branches(void **state) {
    (void)state;
    for (int on = 0; on < 2; on++) {
        ob *b = ob_new(10, 21), *g[2] = { ob_graph(), ob_graph() };
        tn_tensor *cond = tensor_of_text(on ? "bool:=1" : "bool:=0");
        ob_input(b, "x", TN_F32, "2");
        ob_init(b, "on", cond);
        tn_tensor_free(&cond);
        ob_node(g[0], "Neg", "x", "n");
        ob_output(g[0], "n");
        ob_node(g[1], "Add", "x x", "s");
        ob_output(g[1], "s");
        ob_node(b, "If", "on", "y");
        ob_subgraph(b, "then_branch", g[0]);
        ob_subgraph(b, "else_branch", g[1]);
        ob_output(b, "y");
        op_data x = { TN_F32, "2", { 1, -3 } }, y = { TN_F32, "2", { on ? -1 : 2, on ? 3 : -6 } };
        op_gives(b, 1, &x, 1, &y, 0);
    }
}

/* A 0 copies a size of what stands between, or is none where zeros are allowed. */
static void pairs_of_reshapes(void **state) {
    (void)state;
    static const struct {
        const char *x, *y;
        int64_t first[3], second[3];
        int allowzero;
    } cases[] = {
        { "2,3,4", "4,6,1", { 4, 6, 1 }, { 0, -1, 1 }, 0 }, { "2,3,4", "6,2,2", { 6, 4, 1 }, { 0, 2, -1 }, 0 },
        { "0,3,4", "3,0,5", { 0, 1, 7 }, { 3, 0, 5 }, 1 },  { "2,3,4", "3,8,1", { 6, 4, 1 }, { 3, -1, 1 }, 1 },
        { "1,3,2", "1,1,6", { 1, 6, 1 }, { 1, 1, -1 }, 0 },
    };
    for (size_t i = 0; i < TN_COUNT(cases); i++) {
        ob *b = ob_new(10, 21);
        op_data x = { TN_F32, cases[i].x }, y = { TN_F32, cases[i].y };
        for (int k = 0; k < 24; k++) x.v[k] = y.v[k] = k;
        ob_input(b, "x", TN_F32, cases[i].x);
        ob_ints_init(b, "first", "3", cases[i].first, 3);
        ob_ints_init(b, "second", "3", cases[i].second, 3);
        ob_node(b, "Reshape", "x first", "m");
        ob_int(b, "allowzero", cases[i].allowzero);
        ob_node(b, "Reshape", "m second", "y");
        ob_int(b, "allowzero", cases[i].allowzero);
        ob_output(b, "y");
        op_gives(b, 1, &x, 1, &y, 0);
    }
}

/* Element k of y is the element of x that both permutations, one after the other, bring there. */
static void pairs_of_transposes(void **state) {
    (void)state;
    static const int64_t perms[][3] = { { 1, 2, 0 }, { 2, 0, 1 }, { 0, 2, 1 }, { 2, 1, 0 }, { 1, 0, 2 }, { 0, 1, 2 } };
    const int64_t size[3] = { 2, 3, 4 };
    for (int i = 0; i < 36; i++) {
        const int64_t *p = perms[i / 6], *q = perms[i % 6];
        char dims[24];
        op_data x = { TN_F32, "2,3,4" }, y = { TN_F32, dims };
        int64_t d[3]; /* dimension a of y is dimension p[q[a]] of x */
        for (int a = 0; a < 3; a++) d[a] = p[q[a]];
        snprintf(dims, sizeof dims, "%d,%d,%d", (int)size[d[0]], (int)size[d[1]], (int)size[d[2]]);
        for (int k = 0; k < 24; k++) {
            int64_t at[3] = { k / 12, k / 4 % 3, k % 4 };
            x.v[k] = k;
            y.v[(at[d[0]] * size[d[1]] + at[d[1]]) * size[d[2]] + at[d[2]]] = k;
        }
        ob *b = ob_new(10, 21);
        ob_input(b, "x", TN_F32, "2,3,4");
        ob_node(b, "Transpose", "x", "m");
        ob_ints(b, "perm", p, 3);
        ob_node(b, "Transpose", "m", "y");
        ob_ints(b, "perm", q, 3);
        ob_output(b, "y");
        op_gives(b, 1, &x, 1, &y, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(twins_but_for_one_attribute),
                                        cmocka_unit_test(twins_turned_round), cmocka_unit_test(known_branches),
                                        cmocka_unit_test(pairs_of_reshapes), cmocka_unit_test(pairs_of_transposes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
