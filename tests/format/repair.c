/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* repair.c - what exporters write wrongly gives what they mean, and is said with the node's name. */
#include "base/log.h"
#include "lib/op_run.h"
#include "test.h"
#include <math.h>

/* The model gives these values, and says these words of its only repair. `make` is called twice. */
static void repairs(ob *(*make)(void), int n_in, const op_data *in, const op_data *want, double tol,
                    const char *words) {
    tn_text file = ob_finish(make());
    tn_model *m;
    tn_finding f;
    tn_log_set(TN_LOG_ERROR);
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    check(tn_model_findings(m) == 1, "'%s': %zu findings\n", words, tn_model_findings(m));
    check_ok(tn_model_finding(m, 0, &f));
    check(f.kind == TN_FINDING_REPAIR && strstr(f.text, words), "'%s' lacks '%s'\n", f.text, words);
    check(strstr(f.text, "node"), "'%s' names no node\n", f.text);
    tn_model_close(&m);
    tn_text_free(&file);
    op_gives(make(), n_in, in, 1, want, tol);
    tn_log_set(TN_LOG_WARN);
}

/* The same model, written rightly, has no findings. */
static void silent(ob *b) {
    tn_text file = ob_finish(b);
    tn_model *m;
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    check(!tn_model_findings(m), "something was found in a model without mistakes\n");
    tn_model_close(&m);
    tn_text_free(&file);
}

static ob *begin(int opset, const char *dims) {
    ob *b = ob_new(10, opset);
    ob_input(b, "x", TN_F32, dims);
    ob_output(b, "y");
    return b;
}

/* ------------------------------------------------------------------------------------------------------ ai.onnx */

static ob *transposed(void) {
    ob *b = begin(13, "1,2,3");
    ob_node(b, "Transpose", "x", "y");
    ob_ints(b, "perm", (int64_t[]){ 0, -1, -2 }, 3);
    return b;
}

static ob *mixed(int64_t last) {
    ob *b = begin(13, "1,2,3");
    ob_node(b, "Transpose", "x", "y");
    ob_ints(b, "perm", (int64_t[]){ 0, 2, last }, 3);
    return b;
}

static void perm(void **state) {
    (void)state;
    op_data x = { TN_F32, "1,2,3", { 1, 2, 3, 4, 5, 6 } }, y = { TN_F32, "1,3,2", { 1, 4, 2, 5, 3, 6 } };
    repairs(transposed, 1, &x, &y, 0, "node 'y' (Transpose): perm has negative entries");
    op_refused(mixed(-1), 1, &x, "perm"); /* 2 twice */
    op_refused(mixed(-4), 1, &x, "perm");
    silent(mixed(1));
}

/* Frames of 4 points of x = 1, 2, ..., 6, two apart, of one bin and the next. */
static ob *stft_of(const char *dims) {
    ob *b = begin(17, dims);
    ob_ints_init(b, "step", "", (int64_t[]){ 2 }, 1);
    ob_ints_init(b, "length", "", (int64_t[]){ 4 }, 1);
    ob_node(b, "STFT", "x step _ length", "y");
    return b;
}
static ob *stft(void) { return stft_of("1,6"); }
static ob *open_stft(void) { return stft_of("n,m"); }

static void signal(void **state) {
    (void)state;
    op_data x = { TN_F32, "1,6", { 1, 2, 3, 4, 5, 6 } };
    op_data y = { TN_F32, "1,2,3,2", { 10, 0, -2, 2, -2, 0, 18, 0, -2, 2, -2, 0 } };
    repairs(stft, 1, &x, &y, 1e-6, "node 'y' (STFT): the signal is [batch, length]");
    repairs(open_stft, 1, &x, &y, 1e-6, "(STFT)");
    silent(stft_of("1,6,1"));
}

static ob *nd(const char *op, const char *in, tn_dtype t) {
    ob *b = begin(18, "2,2");
    tn_tensor at;
    check_ok(tn_tensor_init(&at, t, 2, (int64_t[]){ 2, 1 }, TN_MEM_GENERAL));
    tn_set_i64(t, at.data, 0, 1);
    tn_set_i64(t, at.data, 1, 0);
    ob_init(b, "at", &at);
    tn_tensor_reset(&at);
    ob_floats_init(b, "u", "2,2", (float[]){ 5, 6, 7, 8 }, 4);
    ob_node(b, op, in, "y");
    return b;
}
static ob *scatter_nd(void) { return nd("ScatterND", "x at u", TN_I32); }
static ob *gather_nd(void) { return nd("GatherND", "x at", TN_I32); }

static void indices(void **state) {
    (void)state;
    op_data x = { TN_F32, "2,2", { 1, 2, 3, 4 } };
    op_data put = { TN_F32, "2,2", { 7, 8, 5, 6 } }, got = { TN_F32, "2,2", { 3, 4, 1, 2 } };
    repairs(scatter_nd, 1, &x, &put, 0, "node 'y' (ScatterND): indices are int32");
    repairs(gather_nd, 1, &x, &got, 0, "node 'y' (GatherND): indices are int32");
    silent(nd("ScatterND", "x at u", TN_I64));
}

/* Also in a body, where shapes are not known: the element type of what a Loop carries is. */
static ob *scatter_in_loop(void) {
    ob *b = begin(18, "2"), *body = ob_graph();
    tn_tensor at;
    check_ok(tn_tensor_init(&at, TN_I32, 2, (int64_t[]){ 1, 1 }, TN_MEM_GENERAL));
    tn_set_i64(TN_I32, at.data, 0, 1);
    ob_init(b, "at", &at);
    tn_tensor_reset(&at);
    ob_ints_init(b, "trips", "", (int64_t[]){ 3 }, 1);
    ob_input(body, "i", TN_I64, "");
    ob_input(body, "c", TN_BOOL, "");
    ob_input(body, "s", TN_F32, NULL);
    ob_input(body, "k", TN_I32, NULL);
    ob_floats_init(body, "u", "1", (float[]){ 9 }, 1);
    ob_node(body, "ScatterND", "s k u", "t");
    ob_node(body, "Identity", "c", "d");
    ob_node(body, "Identity", "k", "l");
    ob_output(body, "d");
    ob_output(body, "t");
    ob_output(body, "l");
    ob_node(b, "Loop", "trips _ x at", "y z");
    ob_subgraph(b, "body", body);
    return b;
}

static void indices_of_a_body(void **state) {
    (void)state;
    op_data x = { TN_F32, "2", { 1, 2 } }, y = { TN_F32, "2", { 1, 9 } };
    repairs(scatter_in_loop, 1, &x, &y, 0, "(ScatterND): indices are int32");
}

static ob *scatter_of(const char *updates, int n) {
    static const float u[] = { 5, 6, 7, 8, 9, 10 };
    ob *b = begin(18, "2,3");
    ob_ints_init(b, "at", "1,2", (int64_t[]){ 2, 0 }, 2);
    ob_floats_init(b, "u", updates, u, n);
    ob_node(b, "ScatterElements", "x at u", "y");
    ob_int(b, "axis", 1);
    return b;
}
static ob *scatter_more(void) { return scatter_of("2,3", 6); }

static void updates(void **state) {
    (void)state;
    op_data x = { TN_F32, "2,3", { 0 } }, y = { TN_F32, "2,3", { 6, 0, 5, 0, 0, 0 } };
    repairs(scatter_more, 1, &x, &y, 0, "node 'y' (ScatterElements): updates is larger than indices");
    op_refused(scatter_of("1,1", 1), 1, &x, "differ in shape");
    op_refused(scatter_of("2,1", 2), 1, &x, "differ in shape"); /* larger here, smaller there */
    silent(scatter_of("1,2", 2));
}

static ob *rotary_of(const char *x, const char *cache) {
    ob *b = begin(23, x);
    ob_floats_init(b, "cos", cache, (float[]){ 1, 0 }, 2);
    ob_floats_init(b, "sin", cache, (float[]){ 0, 1 }, 2);
    ob_node(b, "RotaryEmbedding", "x cos sin", "y");
    return b;
}
static ob *rotary_shared(void) { return rotary_of("3,1,2,2", "1,2,1"); }
static ob *rotary_open(void) { return rotary_of("n,1,2,2", "1,2,1"); }
static ob *rotary_without(void) { return rotary_of("3,1,2,2", "2,1"); }

static void caches(void **state) {
    (void)state;
    op_data x = { TN_F32, "3,1,2,2", { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 } };
    op_data y = { TN_F32, "3,1,2,2", { 1, 2, -4, 3, 5, 6, -8, 7, 9, 10, -12, 11 } };
    repairs(rotary_shared, 1, &x, &y, 0, "node 'y' (RotaryEmbedding): the caches have a batch of 1, or none");
    repairs(rotary_open, 1, &x, &y, 0, "(RotaryEmbedding)");
    repairs(rotary_without, 1, &x, &y, 0, "(RotaryEmbedding)");
    silent(rotary_of("1,1,2,2", "1,2,1"));
    op_data two = { TN_F32, "3,1,2,2", { 0 } };
    op_refused(rotary_of("3,1,2,2", "2,1,1"), 1, &two, "caches");
}

/* --------------------------------------------------------------------------------------------------- hidden names */

enum { INPUT, INITIALIZER, NODE };

/* y = x + 1 three times, by a body one of whose names is also an outer one's. */
static ob *shadow(int how) {
    ob *b = begin(17, "2"), *body = ob_graph();
    ob_floats_init(b, "s", "2", (float[]){ 100, 200 }, 2); /* 's', 'one', 't' have namesakes inside */
    ob_floats_init(b, "one", "1", (float[]){ 50 }, 1);
    ob_node(b, "Add", "s one", "t");
    ob_ints_init(b, "trips", "", (int64_t[]){ 3 }, 1);
    ob_input(body, "i", TN_I64, "");
    ob_input(body, "c", TN_BOOL, "");
    ob_input(body, how == INPUT ? "s" : "state", TN_F32, NULL);
    ob_floats_init(body, how == INITIALIZER ? "one" : "step", "1", (float[]){ 1 }, 1);
    ob_node(body, "Identity", "c", "d");
    ob_node(body, "Add",
            how == INPUT         ? "s step"
            : how == INITIALIZER ? "state one"
                                 : "state step",
            how == NODE ? "t" : "r");
    ob_output(body, "d");
    ob_output(body, how == NODE ? "t" : "r");
    ob_node(b, "Loop", "trips _ x", "v");
    ob_subgraph(b, "body", body);
    ob_node(b, "Sub", "t t", "nothing");
    ob_node(b, "Add", "v nothing", "y");
    return b;
}
static ob *shadow_input(void) { return shadow(INPUT); }
static ob *shadow_initializer(void) { return shadow(INITIALIZER); }
static ob *shadow_node(void) { return shadow(NODE); }

static void names(void **state) {
    (void)state;
    op_data x = { TN_F32, "2", { 1, 2 } }, y = { TN_F32, "2", { 4, 5 } };
    repairs(shadow_input, 1, &x, &y, 0, "(Loop): value 's' of its subgraph hides one of that name");
    repairs(shadow_initializer, 1, &x, &y, 0, "(Loop): value 'one' of its subgraph hides");
    repairs(shadow_node, 1, &x, &y, 0, "(Loop): value 't' of its subgraph hides");
}

/* ------------------------------------------------------------------------------------------------------------ ML */

/* One split at 0.5; leaf 1 votes 10 and leaf 2 votes 20, each `times` times. */
static ob *votes(int times, bool two) {
    int64_t tree[8] = { 0 }, node[8], target[8] = { 0 };
    float weight[8];
    ob *b = begin(17, "n,1");
    ob_opset(b, "ai.onnx.ml", 3);
    ob_node(b, "ai.onnx.ml::TreeEnsembleRegressor", "x", "y");
    ob_ints(b, "nodes_treeids", tree, 3);
    ob_ints(b, "nodes_nodeids", (int64_t[]){ 0, 1, 2 }, 3);
    ob_ints(b, "nodes_featureids", tree, 3);
    ob_ints(b, "nodes_truenodeids", (int64_t[]){ 1, 0, 0 }, 3);
    ob_ints(b, "nodes_falsenodeids", (int64_t[]){ 2, 0, 0 }, 3);
    ob_floats(b, "nodes_values", (float[]){ 0.5f, 0, 0 }, 3);
    ob_strings(b, "nodes_modes", "BRANCH_LEQ|LEAF|LEAF");
    for (int i = 0; i < 2 * times; i++) {
        node[i] = 1 + i / times;
        weight[i] = (float)(10 * node[i] + i % times); /* only the first of each counts */
        target[i] = two ? i % 2 : 0;
    }
    ob_ints(b, "target_treeids", tree, 2 * times);
    ob_ints(b, "target_nodeids", node, 2 * times);
    ob_ints(b, "target_ids", target, 2 * times);
    ob_floats(b, "target_weights", weight, 2 * times);
    ob_int(b, "n_targets", two ? 2 : 1);
    return b;
}
static ob *three_times(void) { return votes(3, false); }

static void repeated_votes(void **state) {
    (void)state;
    op_data x = { TN_F32, "2,1", { 0, 1 } }, y = { TN_F32, "2,1", { 10, 20 } };
    op_data sums = { TN_F32, "2,2", { 22, 11, 21, 42 } }; /* several targets: as the text has it, the sum */
    repairs(three_times, 1, &x, &y, 0, "TreeEnsembleRegressor): leaves list a vote for one target several times");
    silent(votes(1, false));
    silent(votes(3, true));
    op_gives(votes(3, true), 1, &x, 1, &sums, 0);
}

static ob *classifier(int n) {
    static const float w[] = { 1, 0, 0, 1, 1, 1, 9, 9, 9, 9, 9, 9 };
    ob *b = ob_new(10, 17);
    ob_opset(b, "ai.onnx.ml", 1);
    ob_input(b, "x", TN_F32, "n,2");
    ob_node(b, "ai.onnx.ml::LinearClassifier", "x", "label y");
    ob_ints(b, "classlabels_ints", (int64_t[]){ 0, 1, 2 }, 3);
    ob_floats(b, "coefficients", w, n);
    ob_floats(b, "intercepts", (float[]){ 0, 0.5f, -1 }, 3);
    ob_output(b, "y");
    return b;
}
static ob *twelve(void) { return classifier(12); }

static void coefficients(void **state) {
    (void)state;
    op_data x = { TN_F32, "2,2", { 1, 2, 3, 4 } }, y = { TN_F32, "2,3", { 1, 2.5, 2, 3, 4.5, 6 } };
    repairs(twelve, 1, &x, &y, 1e-6, "LinearClassifier): there are more coefficients");
    silent(classifier(6));
    op_refused(classifier(3), 1, &x, "coefficients");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(perm),         cmocka_unit_test(signal),
        cmocka_unit_test(indices),      cmocka_unit_test(indices_of_a_body),
        cmocka_unit_test(updates),      cmocka_unit_test(caches),
        cmocka_unit_test(names),        cmocka_unit_test(repeated_votes),
        cmocka_unit_test(coefficients),
    };
    return cmocka_run_group_tests_name("format/repair", tests, NULL, NULL);
}
