/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ml.c - operators of ai.onnx.ml: the rules of two classes, old forms, what is refused. */
#include "lib/op_run.h"
#include "test.h"
#include <math.h>

static ob *begin(int version, tn_dtype t, const char *op, const char *outputs) {
    char name[80];
    ob *b = ob_new(8, 15);
    ob_opset(b, "ai.onnx.ml", version);
    ob_input(b, "x", t, NULL);
    snprintf(name, sizeof name, "%s", outputs);
    for (char *rest = NULL, *p = strtok_r(name, " ", &rest); p; p = strtok_r(NULL, " ", &rest)) ob_output(b, p);
    snprintf(name, sizeof name, "ai.onnx.ml::%s", op);
    ob_node(b, name, "x", outputs);
    return b;
}

/* ----------------------------------------------------------------------------------------------------------- trees */

typedef struct {
    int64_t yes[7], no[7], id[7], feature[7], missing[7];
    float value[7];
    const char *modes;
    int n;
} tree;

/* x0 <= 0 ? (x1 <= 1 ? leaf 3 : leaf 4) : (x1 <= 2 ? leaf 5 : leaf 6) */
static const tree usual = { { 1, 3, 5 },
                            { 2, 4, 6 },
                            { 0, 1, 2, 3, 4, 5, 6 },
                            { 0, 1, 1 },
                            { 0 },
                            { 0, 1, 2 },
                            "BRANCH_LEQ|BRANCH_LEQ|BRANCH_LEQ|LEAF|LEAF|LEAF|LEAF",
                            7 };

static void nodes(ob *b, const tree *t) {
    int64_t zeros[7] = { 0 };
    ob_ints(b, "nodes_treeids", zeros, t->n);
    ob_ints(b, "nodes_nodeids", t->id, t->n);
    ob_ints(b, "nodes_featureids", t->feature, t->n);
    ob_ints(b, "nodes_truenodeids", t->yes, t->n);
    ob_ints(b, "nodes_falsenodeids", t->no, t->n);
    ob_ints(b, "nodes_missing_value_tracks_true", t->missing, t->n);
    ob_floats(b, "nodes_values", t->value, t->n);
    ob_strings(b, "nodes_modes", t->modes);
}

static ob *regressor(const tree *t, const int64_t *leaves, const int64_t *targets, const char *post) {
    ob *b = begin(1, TN_F32, "TreeEnsembleRegressor", "y");
    nodes(b, t);
    ob_int(b, "n_targets", 1);
    ob_string(b, "post_transform", post);
    ob_ints(b, "target_treeids", (int64_t[4]){ 0 }, 4);
    ob_ints(b, "target_nodeids", leaves, 4);
    ob_ints(b, "target_ids", targets, 4);
    ob_floats(b, "target_weights", (float[]){ 10, 20, 30, 40 }, 4);
    return b;
}

static const int64_t leaves[] = { 3, 4, 5, 6 }, none[4] = { 0 };

/* Enough rows for the ones that step together and those left over. */
static void rows_of_trees(void **state) {
    op_data x = { TN_F32, "21,2" }, y = { TN_F32, "21,1" };
    for (int i = 0; i < 21; i++) {
        double a = x.v[2 * i] = i % 5 - 2, b = x.v[2 * i + 1] = i % 4;
        y.v[i] = a <= 0 ? (b <= 1 ? 10 : 20) : (b <= 2 ? 30 : 40);
    }
    op_gives(regressor(&usual, leaves, none, "NONE"), 1, &x, 1, &y, 0);
    for (int i = 0; i < 21; i++) y.v[i] = 1 / (1 + exp(-y.v[i]));
    op_gives(regressor(&usual, leaves, none, "LOGISTIC"), 1, &x, 1, &y, 1e-6);
}

static void missing_values(void **state) {
    tree t = usual;
    op_data x = { TN_F32, "2,2", { NAN, 0, NAN, 9 } }, no = { TN_F32, "2,1", { 30, 40 } },
            yes = { TN_F32, "2,1", { 10, 20 } };
    op_gives(regressor(&t, leaves, none, "NONE"), 1, &x, 1, &no, 0);
    t.missing[0] = 1;
    op_gives(regressor(&t, leaves, none, "NONE"), 1, &x, 1, &yes, 0);
    t.missing[0] = 0;
    t.modes = "BRANCH_GT|BRANCH_GTE|BRANCH_LT|LEAF|LEAF|LEAF|LEAF"; /* x0 > 0 ? x1 >= 1 : x1 < 2 */
    op_data z = { TN_F32, "4,2", { 1, 1, 1, 0, 0, 1, 0, 2 } }, w = { TN_F32, "4,1", { 10, 20, 30, 40 } };
    op_gives(regressor(&t, leaves, none, "NONE"), 1, &z, 1, &w, 0);
}

static void refused_trees(void **state) {
    op_data x = { TN_F32, "1,2", { 0, 0 } }, narrow = { TN_F32, "1,1", { 0 } };
    static const struct {
        int array, at;
        int64_t value;
        const char *words;
    } wrong[] = {
        { 0, 0, 9, "child" },           { 0, 0, -1, "child" },
        { 1, 2, INT64_MAX, "child" },   { 0, 1, 0, "cycle" },
        { 0, 2, 2, "cycle" },           { 2, 6, 5, "two nodes 5" },
        { 3, 0, -1, "feature" },        { 3, 1, INT64_C(1) << 40, "feature" },
        { 3, 1, INT32_MAX, "feature" }, /* more than a row has */
    };
    for (size_t i = 0; i < TN_COUNT(wrong); i++) {
        tree t = usual;
        int64_t *arrays[] = { t.yes, t.no, t.id, t.feature };
        arrays[wrong[i].array][wrong[i].at] = wrong[i].value;
        op_refused(regressor(&t, leaves, none, "NONE"), 1, &x, wrong[i].words);
    }
    tree t = usual;
    op_refused(regressor(&t, leaves, none, "NONE"), 1, &narrow, "features");
    op_refused(regressor(&t, leaves, (int64_t[]){ 0, 1, 0, 0 }, "NONE"), 1, &x, "votes for 1");
    op_refused(regressor(&t, leaves, (int64_t[]){ 0, -1, 0, 0 }, "NONE"), 1, &x, "votes for -1");
    op_refused(regressor(&t, (int64_t[]){ 3, 4, 5, 77 }, none, "NONE"), 1, &x, "node 77");
    op_refused(regressor(&t, leaves, none, "MAYBE"), 1, &x, "post_transform");
    t.modes = "BRANCH_LEQ|BRANCH_LEQ|SOMETIMES|LEAF|LEAF|LEAF|LEAF";
    op_refused(regressor(&t, leaves, none, "NONE"), 1, &x, "SOMETIMES");
    t.modes = "BRANCH_LEQ|LEAF";
    op_refused(regressor(&t, leaves, none, "NONE"), 1, &x, "nodes_modes");
    t = usual, t.n = 0;
    op_refused(regressor(&t, leaves, none, "NONE"), 1, &x, "no trees");
}

static ob *classifier(const float *weights, int64_t second, const char *post) {
    ob *b = begin(3, TN_F32, "TreeEnsembleClassifier", "y z");
    nodes(b, &usual);
    ob_string(b, "post_transform", post);
    ob_strings(b, "classlabels_strings", "no|yes");
    ob_ints(b, "class_treeids", (int64_t[4]){ 0 }, 4);
    ob_ints(b, "class_nodeids", leaves, 4);
    ob_ints(b, "class_ids", (int64_t[]){ 0, second, 0, second }, 4);
    ob_floats(b, "class_weights", weights, 4);
    return b;
}

static void two_classes(void **state) {
    op_data x = { TN_F32, "2,2", { 0, 0, 0, 9 } }; /* leaves 3 and 4 */
    op_data want[2] = { { TN_STRING, "2", .s = { "no", "yes" } }, { TN_F32, "2,2", { 0.75, 0.25, 0.375, 0.625 } } };
    op_gives(classifier((float[]){ 0.25f, 0.625f, 0, 0 }, 0, "NONE"), 1, &x, 2, want, 0);
    op_data mixed[2] = { { TN_STRING, "2", .s = { "no", "yes" } }, { TN_F32, "2,2", { 2, -2, -1, 1 } } };
    op_gives(classifier((float[]){ -2, 1, 0, 0 }, 0, "NONE"), 1, &x, 2, mixed, 0);
    for (int i = 0; i < 4; i++) mixed[1].v[i] = 1 / (1 + exp(-mixed[1].v[i]));
    op_gives(classifier((float[]){ -2, 1, 0, 0 }, 0, "LOGISTIC"), 1, &x, 2, mixed, 1e-7);
    op_data both[2] = { { TN_STRING, "2", .s = { "no", "yes" } }, { TN_F32, "2,2", { 3, 0, 0, 4 } } };
    op_gives(classifier((float[]){ 3, 4, 0, 0 }, 1, "NONE"), 1, &x, 2, both, 0);
}

/* -------------------------------------------------------------------------------------------------- linear, vectors */

static void linear_models(void **state) {
    op_data x = { TN_F64, "2,2", { 1, 2, -3, 0 } }, one = { TN_F64, "2", { 1, 2 } };
    op_data y = { TN_F32, "2,2", { 1 + 4 + 0.5, 3 + 8 - 1, -3 + 0.5, -9 - 1 } };
    for (int round = 0; round < 3; round++) {
        ob *b = begin(1, TN_F64, "LinearRegressor", "y");
        ob_floats(b, "coefficients", (float[]){ 1, 2, 3, 4 }, round == 2 ? 3 : 4);
        ob_floats(b, "intercepts", (float[]){ 0.5f, -1 }, 2);
        ob_int(b, "targets", 2);
        if (round == 0)
            op_gives(b, 1, &x, 1, &y, 0);
        else if (round == 1)
            op_gives(b, 1, &one, 1, (y.dims = "1,2", &y), 0);
        else
            op_refused(b, 1, &x, "coefficients");
    }
    ob *b = begin(1, TN_F64, "LinearClassifier", "l s");
    ob_floats(b, "coefficients", (float[]){ 1, 1 }, 2);
    ob_floats(b, "intercepts", (float[]){ 0 }, 1);
    ob_ints(b, "classlabels_ints", (int64_t[]){ 4, 7 }, 2);
    ob_string(b, "post_transform", "LOGISTIC");
    double p = 1 / (1 + exp(-3));
    op_data want[2] = { { TN_I64, "2", { 7, 4 } }, { TN_F32, "2,2", { 1 - p, p, p, 1 - p } } };
    op_gives(b, 1, &x, 2, want, 1e-7);
    b = begin(1, TN_F64, "LinearClassifier", "l s");
    ob_floats(b, "coefficients", (float[]){ 1, 1 }, 2);
    ob_ints(b, "classlabels_ints", (int64_t[]){ 4 }, 1);
    ob_strings(b, "classlabels_strings", "a");
    op_refused(b, 1, &x, "exclude");
}

static ob *svm(const int64_t *per_class, int n_rho, int prob) {
    ob *b = begin(1, TN_F32, "SVMClassifier", "l s");
    ob_string(b, "kernel_type", "RBF");
    ob_floats(b, "kernel_params", (float[]){ 0.5f, 0, 0 }, 3);
    ob_floats(b, "support_vectors", (float[]){ 0, 0, 2, 2 }, 4);
    ob_floats(b, "coefficients", (float[]){ 1, -1 }, 2);
    ob_floats(b, "rho", (float[]){ 0.125f, 0 }, n_rho);
    ob_ints(b, "vectors_per_class", per_class, 2);
    ob_ints(b, "classlabels_ints", (int64_t[]){ 4, 7 }, 2);
    if (prob) {
        ob_floats(b, "prob_a", (float[]){ -1 }, 1);
        ob_floats(b, "prob_b", (float[]){ 0.25f, 0 }, prob);
    }
    return b;
}

static void support_vectors(void **state) {
    op_data x = { TN_F32, "1,2", { 0, 0 } }, wide = { TN_F32, "1,3" };
    double s = 0.125 + 1 - exp(-0.5 * 8), p = 1 / (1 + exp(-s + 0.25));
    op_data want[2] = { { TN_I64, "1", { 4 } }, { TN_F32, "1,2", { -s, s } } };
    op_gives(svm((int64_t[]){ 1, 1 }, 1, 0), 1, &x, 2, want, 1e-6);
    want[1].v[0] = p, want[1].v[1] = 1 - p; /* coupling two classes gives the pair's own probability, nearly */
    op_gives(svm((int64_t[]){ 1, 1 }, 1, 1), 1, &x, 2, want, 1e-2);
    op_refused(svm((int64_t[]){ 1, 1 }, 1, 0), 1, &wide, "features");
    op_refused(svm((int64_t[]){ 1, -1 }, 1, 0), 1, &x, "vectors_per_class");
    op_refused(svm((int64_t[]){ 1, INT64_MAX }, 1, 0), 1, &x, "vectors_per_class");
    op_refused(svm((int64_t[]){ 1, 2 }, 1, 0), 1, &x, "support_vectors");
    op_refused(svm((int64_t[]){ 1, 1 }, 0, 0), 1, &x, "rho");
    op_refused(svm((int64_t[]){ 1, 1 }, 1, 2), 1, &x, "prob_b");
}

/* -------------------------------------------------------------------------------------------------- tables and maps */

static void encoders(void **state) {
    op_data words = { TN_STRING, "2,2", .s = { "b", "?", "a", "b" } }, places = { TN_I64, "2,2", { 1, -5, 0, 1 } };
    ob *b = begin(1, TN_STRING, "LabelEncoder", "y"); /* the first form: places in one list */
    ob_strings(b, "classes_strings", "a|b");
    ob_int(b, "default_int64", -5);
    op_gives(b, 1, &words, 1, &places, 0);
    b = begin(1, TN_I64, "LabelEncoder", "y");
    ob_strings(b, "classes_strings", "a|b");
    ob_string(b, "default_string", "?");
    op_gives(b, 1, &places, 1, &words, 0);
    b = begin(2, TN_F32, "LabelEncoder", "y"); /* a repeated key: the last one; NaN is a key like any other */
    ob_floats(b, "keys_floats", (float[]){ 1, NAN, 1 }, 3);
    ob_ints(b, "values_int64s", (int64_t[]){ 10, 20, 30 }, 3);
    op_data x = { TN_F32, "4", { 1, NAN, 2, -0.0 } }, y = { TN_I64, "4", { 30, 20, -1, -1 } };
    op_gives(b, 1, &x, 1, &y, 0);
    b = begin(2, TN_F32, "LabelEncoder", "y");
    ob_ints(b, "keys_int64s", (int64_t[]){ 1 }, 1);
    ob_ints(b, "values_int64s", (int64_t[]){ 1 }, 1);
    op_refused(b, 1, &x, "keys");
    b = begin(2, TN_F32, "LabelEncoder", "y");
    ob_floats(b, "keys_floats", (float[]){ 1, 2 }, 2);
    ob_ints(b, "values_int64s", (int64_t[]){ 1 }, 1);
    op_refused(b, 1, &x, "2 keys");
    b = begin(1, TN_F32, "OneHotEncoder", "y");
    ob_ints(b, "cats_int64s", (int64_t[]){ 1 }, 1);
    ob_int(b, "zeros", 0);
    op_refused(b, 1, &x, "category");
    b = begin(1, TN_F32, "OneHotEncoder", "y");
    ob_strings(b, "cats_strings", "a");
    op_refused(b, 1, &x, "categories");
}

static void features(void **state) {
    op_data x = { TN_I32, "2,3", { 3, -4, 0, 0, 0, 0 } }, l2 = { TN_F32, "2,3", { 0.6, -0.8, 0, 0, 0, 0 } };
    ob *b = begin(1, TN_I32, "Normalizer", "y");
    ob_string(b, "norm", "L2");
    op_gives(b, 1, &x, 1, &l2, 1e-7);
    b = begin(1, TN_I32, "Imputer", "y");
    ob_ints(b, "imputed_value_int64s", (int64_t[]){ 7, 8, 9 }, 3);
    op_data filled = { TN_I32, "2,3", { 3, -4, 9, 7, 8, 9 } };
    op_gives(b, 1, &x, 1, &filled, 0);
    b = begin(1, TN_I32, "Imputer", "y");
    ob_ints(b, "imputed_value_int64s", (int64_t[]){ 7, 8 }, 2);
    op_refused(b, 1, &x, "2 imputed");
    b = begin(1, TN_I32, "Imputer", "y");
    op_refused(b, 1, &x, "imputed");
    b = begin(1, TN_I32, "Scaler", "y");
    ob_floats(b, "offset", (float[]){ 1, 2 }, 2);
    op_refused(b, 1, &x, "2 offsets");
    b = begin(1, TN_I32, "FeatureVectorizer", "y");
    ob_ints(b, "inputdimensions", (int64_t[]){ 3, 3 }, 2);
    op_refused(b, 1, &x, "inputdimensions");
    b = begin(1, TN_I32, "FeatureVectorizer", "y");
    ob_ints(b, "inputdimensions", (int64_t[]){ 4 }, 1);
    op_data wider = { TN_F32, "2,4", { 3, -4, 0, 0, 0, 0, 0, 0 } };
    op_gives(b, 1, &x, 1, &wider, 0);
}

/* Scores to maps, and the map of the second row to tensors. */
static ob *through_map(const char *labels, const char *op, const char *attr, const char *words) {
    ob *b = ob_new(8, 15);
    ob_opset(b, "ai.onnx.ml", 1);
    ob_input(b, "x", TN_F32, NULL);
    ob_output(b, "y");
    ob_ints_init(b, "one", "", (int64_t[]){ 1 }, 1);
    ob_node(b, "ai.onnx.ml::ZipMap", "x", "s");
    if (labels)
        ob_strings(b, "classlabels_strings", labels);
    else
        ob_ints(b, "classlabels_int64s", (int64_t[]){ 2, 0 }, 2);
    ob_node(b, "SequenceAt", "s one", "m");
    ob_node(b, op, "m", "y");
    if (words && !strcmp(attr, "string_vocabulary"))
        ob_strings(b, attr, words);
    else if (words)
        ob_string(b, attr, words);
    return b;
}

static void maps(void **state) {
    op_data x = { TN_F32, "2,2", { 1, 2, 3.5, -4 } };
    op_data y = { TN_F32, "1,3", { -4, 0, 3.5 } }, ordered = { TN_I64, "1,2", { -4, 3 } };
    op_data text = { TN_STRING, "1,2", .s = { "-4", "3.5" } };
    op_gives(through_map("a|b", "ai.onnx.ml::DictVectorizer", "string_vocabulary", "b|c|a"), 1, &x, 1, &y, 0);
    op_gives(through_map(NULL, "ai.onnx.ml::CastMap", "cast_to", "TO_INT64"), 1, &x, 1, &ordered, 0);
    op_gives(through_map(NULL, "ai.onnx.ml::CastMap", "cast_to", "TO_STRING"), 1, &x, 1, &text, 0);
    ob *b = through_map(NULL, "ai.onnx.ml::CastMap", "map_form", "SPARSE");
    ob_int(b, "max_map", 4);
    op_data sparse = { TN_F32, "1,4", { -4, 0, 3.5, 0 } };
    op_gives(b, 1, &x, 1, &sparse, 0);
    b = through_map(NULL, "ai.onnx.ml::CastMap", "map_form", "SPARSE");
    ob_int(b, "max_map", 2);
    op_refused(b, 1, &x, "key 2");
    op_refused(through_map("a|b", "ai.onnx.ml::DictVectorizer", "string_vocabulary", "b|c"), 1, &x, "vocabulary");
    op_refused(through_map(NULL, "ai.onnx.ml::DictVectorizer", "string_vocabulary", "b|c"), 1, &x, "keys");
    op_refused(through_map("a|b|c", "ai.onnx.ml::CastMap", "cast_to", "TO_FLOAT"), 1, &x, "");
    op_refused(through_map("a|b", "ai.onnx.ml::CastMap", "cast_to", "TO_FLOAT"), 1, &x, "keys");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_trees), cmocka_unit_test(missing_values), cmocka_unit_test(refused_trees),
        cmocka_unit_test(two_classes),   cmocka_unit_test(linear_models),  cmocka_unit_test(support_vectors),
        cmocka_unit_test(encoders),      cmocka_unit_test(features),       cmocka_unit_test(maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
