/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ml_forms.c - ai.onnx.ml: trees of TreeEnsemble-5, tables between types, support vectors, transforms of scores; on
 * numbers worked out by hand. */
#include "lib/op_cases.h"
#include "test.h"

static void choosing(void **state) {
    static const op_case rows[] = {
        { "ai.onnx.ml::ArrayFeatureExtractor", NULL, "f32:2,3=1,2,3,4,5,6 i64:2=2,0", "f32:2,2=3,1,6,4" },
        { "ai.onnx.ml::ArrayFeatureExtractor", NULL, "str:1,2,2=a,b,c,d i64:1,3=1,1,0", "str:1,2,3=b,b,a,d,d,c" },
        { "ai.onnx.ml::ArrayFeatureExtractor", NULL, "i64:1,2=7,8 i64:1=1", "i64:1,1=8" },
        { "ai.onnx.ml::ArrayFeatureExtractor", NULL, "f64:0,2 i64:1=1", "f64:0,1" },
        { "ai.onnx.ml::Binarizer", NULL, "f32:4=-1,0,0.5,nan", "f32:4=0,0,1,0" },
        { "ai.onnx.ml::Binarizer", "threshold=1.0", "i32:2,2=0,1,2,-5", "i32:2,2=0,0,1,0" },
        { "ai.onnx.ml::Binarizer", "threshold=0.5", "f64:2=0.5,0.75", "f64:2=0,1" },
        { "ai.onnx.ml::Binarizer", "threshold=-1.0", "i64:3=-1,-2,0", "i64:3=0,0,1" },
        { "ai.onnx.ml::CategoryMapper", "cats_int64s=[5,7] cats_strings=[a,b] default_int64=-9", "str:2,2=b,a,c,b",
          "i64:2,2=7,5,-9,7" },
        { "ai.onnx.ml::CategoryMapper", "cats_int64s=[5,7] cats_strings=[a,b] default_string=none", "i64:3=7,6,5",
          "str:3=b,none,a" },
        { "ai.onnx.ml::CategoryMapper", "cats_int64s=[5,7] cats_strings=[a,b]", "str:2=a,x", "i64:2=5,-1" },
        { "ai.onnx.ml::CategoryMapper", "cats_int64s=[5,7] cats_strings=[a,b]", "i64:2=5,1", "str:2=a,_Unused" },
        { "ai.onnx.ml::LabelEncoder", "keys_tensor=<str:2=a,b> values_tensor=<i16:2=1,2> default_tensor=<i16:1=42>",
          "str:3=b,z,a", "i16:3=2,42,1" },
        { "ai.onnx.ml::LabelEncoder", "keys_strings=[a,b] values_tensor=<i16:2=1,2>", "str:3=b,z,a", "i16:3=2,-1,1" },
        { "ai.onnx.ml::LabelEncoder", "keys_tensor=<f64:2=0.5,nan> values_tensor=<f64:2=10,20>", "f64:3=nan,0.5,7",
          "f64:3=20,10,-0", -1 },
        { "ai.onnx.ml::LabelEncoder", "keys_tensor=<i32:2=3,4> values_tensor=<str:2=x,y>", "i32:2,2=4,3,9,4",
          "str:2,2=y,x,_Unused,y" },
        { "ai.onnx.ml::LabelEncoder", "keys_int64s=[3,4] values_floats=[0.5,1.5] default_float=9.0", "i64:3=4,3,0",
          "f32:3=1.5,0.5,9" },
        { "ai.onnx.ml::LabelEncoder@2", "keys_floats=[1.0,2.0] values_strings=[x,y] default_string=z", "f32:3=2,0,1",
          "str:3=y,z,x" },
        { "ai.onnx.ml::LabelEncoder", "keys_strings=[a,b] values_strings=[b,a]", "str:0", "str:0" },
    };
    op_cases(rows);
}

static void features(void **state) {
    static const op_case rows[] = {
        { "ai.onnx.ml::OneHotEncoder", "cats_int64s=[3,5,7]", "i64:2=7,4", "f32:2,3=0,0,1,0,0,0" },
        { "ai.onnx.ml::OneHotEncoder", "cats_strings=[a,b]", "str:1,2=b,a", "f32:1,2,2=0,1,1,0" },
        { "ai.onnx.ml::OneHotEncoder", "cats_int64s=[1,2]", "f32:2=2,1", "f32:2,2=0,1,1,0" },
        { "ai.onnx.ml::Scaler", "offset=[1.0,2.0] scale=[2.0,10.0]", "f64:2,2=1,2,3,4", "f32:2,2=0,0,4,20" },
        { "ai.onnx.ml::Scaler", "offset=[1.0] scale=[0.5]", "i64:3=1,2,-3", "f32:3=0,0.5,-2" },
        { "ai.onnx.ml::Normalizer", "norm=MAX", "f32:2,3=1,2,4,-3,1,3", "f32:2,3=0.25,0.5,1,-1,1/3,1" },
        { "ai.onnx.ml::Normalizer", "norm=L1", "f64:2,2=1,-3,0,0", "f32:2,2=0.25,-0.75,0,0" },
        { "ai.onnx.ml::Normalizer", "norm=L2", "i64:2=3,4", "f32:2=0.6,0.8" },
        { "ai.onnx.ml::Imputer", "imputed_value_floats=[7.0,8.0] replaced_value_float=nan", "f32:2,2=nan,1,2,nan",
          "f32:2,2=7,1,2,8" },
        { "ai.onnx.ml::Imputer", "imputed_value_floats=[5.0] replaced_value_float=-1.0", "f64:3=-1,0,2",
          "f64:3=5,0,2" },
        { "ai.onnx.ml::Imputer", "imputed_value_int64s=[5] replaced_value_int64=2", "i64:3=2,0,2", "i64:3=5,0,5" },
        { "ai.onnx.ml::FeatureVectorizer", "inputdimensions=[2,1]", "f32:2,2=1,2,3,4 f32:2,1=5,6",
          "f32:2,3=1,2,5,3,4,6" },
        { "ai.onnx.ml::FeatureVectorizer", "inputdimensions=[1,2]", "i64:1,2=1,2 i64:1,2=3,4", "f32:1,3=1,3,4" },
    };
    op_cases(rows);
}

#define MODEL "coefficients=[1.0,2.0,3.0,4.0] intercepts=[0.5,-1.0] targets=2 "
#define LINES "ai.onnx.ml::LinearRegressor"

/* {1, 2} scores 5.5 and 10; PROBIT is the inverse of the normal distribution. */
static void scores(void **state) {
    static const op_case rows[] = {
        { LINES, MODEL "post_transform=NONE", "f32:1,2=1,2", "f32:1,2=5.5,10" },
        { LINES, MODEL "post_transform=SOFTMAX", "f32:2,2=1,2,0,0",
          "f32:2,2=0.0109869426,0.9890130574,0.8175744762,0.1824255238" },
        { LINES, MODEL "post_transform=LOGISTIC", "i64:1,2=0,0", "f32:1,2=0.6224593312,0.2689414214" },
        { LINES, MODEL "post_transform=SOFTMAX_ZERO", "f64:1,2=0,0.25",
          "f32:1,2=1,0" }, /* 1 and 0: what is 0 takes no part */
        { LINES, "coefficients=[1.0] intercepts=[0.0] post_transform=PROBIT", "f32:3,1=0.5,0.975,0.1",
          "f32:3,1=0,1.9599639845,-1.2815515655", 2e-3 },
        { "ai.onnx.ml::SVMRegressor",
          "coefficients=[1.0,-2.0] support_vectors=[1.0,0.0,1.0,1.0] n_supports=2 rho=[0.5]", "f32:2,2=3,4,0,1",
          "f32:2,1=-10.5,-1.5" },
        { "ai.onnx.ml::SVMRegressor", "coefficients=[2.0,-1.0] kernel_type=LINEAR rho=[0.5]", "f32:2,2=3,4,0,1",
          "f32:2,1=2.5,-0.5" }, /* no vectors: a line */
        { "ai.onnx.ml::SVMRegressor",
          "kernel_type=POLY kernel_params=[0.5,1.0,2.0] coefficients=[1.0,-2.0] support_vectors=[1.0,0.0,1.0,1.0] "
          "n_supports=2 rho=[0.0]",
          "f64:1,2=2,4", "f32:1,1=-28" }, /* (1 + 1)^2 - 2 (3 + 1)^2 */
        { "ai.onnx.ml::SVMRegressor",
          "kernel_type=RBF kernel_params=[0.5,0.0,0.0] coefficients=[1.0,-2.0] support_vectors=[1.0,0.0,1.0,1.0] "
          "n_supports=2 rho=[1.0]",
          "f32:1,2=1,1", "f32:1,1=-0.3934693403" }, /* exp -1/2 - 2 + 1 */
        { "ai.onnx.ml::SVMRegressor",
          "kernel_type=SIGMOID kernel_params=[0.5,-1.0,0.0] coefficients=[3.0] support_vectors=[2.0] n_supports=1 "
          "rho=[0.0]",
          "i64:2,1=1,2", "f32:2,1=0,2.2847824678" },
        { "ai.onnx.ml::SVMRegressor", "one_class=1 coefficients=[1.0] support_vectors=[1.0] n_supports=1 rho=[-0.5]",
          "f32:3,1=1,0,-1", "f32:3,1=1,-1,-1" },
    };
    op_cases(rows);
}

#define TREE "ai.onnx.ml::TreeEnsemble"
#define THREE                                                                                       \
    "tree_roots=[0] nodes_featureids=[0,1,1] nodes_truenodeids=[1,0,2] nodes_falsenodeids=[2,1,3] " \
    "nodes_trueleafs=[0,1,1] nodes_falseleafs=[0,1,1] "
#define FOUR "leaf_targetids=[0,0,0,0] leaf_weights=<f32:4=10,20,30,40> n_targets=1"
/* two trees of one node: x0 <= 1 gives 1 to target 0 or 2 to target 1; x1 <= 1 gives 5 to target 0 or 7 to target 0 */
#define PAIR                                                                                                          \
    "tree_roots=[0,1] nodes_featureids=[0,1] nodes_truenodeids=[0,2] nodes_falsenodeids=[1,3] nodes_trueleafs=[1,1] " \
    "nodes_falseleafs=[1,1] nodes_modes=<u8:2=0> nodes_splits=<f32:2=1> leaf_targetids=[0,1,0,0] "                    \
    "leaf_weights=<f32:4=1,2,5,7> n_targets=2 "

static void trees(void **state) {
    static const op_case rows[] = {
        /* x0 <= 0 ? (x1 < 1 ? 10 : 20) : (x1 >= 2 ? 30 : 40) */
        { TREE, THREE FOUR " nodes_modes=<u8:3=0,1,2> nodes_splits=<f32:3=0,1,2>", "f32:4,2=0,0,0,1,1,2,1,1.5",
          "f32:4,1=10,20,30,40" },
        /* x0 > 0 ? (x1 = 1 ? 10 : 20) : (x1 != 1 ? 30 : 40) */
        { TREE, THREE FOUR " nodes_modes=<u8:3=3,4,5> nodes_splits=<f32:3=0,1,1>", "f32:4,2=1,1,1,2,0,2,0,1",
          "f32:4,1=10,20,30,40" },
        { TREE,
          THREE FOUR " nodes_modes=<u8:3=0,0,0> nodes_splits=<f32:3=0,1,2> nodes_missing_value_tracks_true=[1,0,0]",
          "f32:2,2=nan,1,nan,nan", "f32:2,1=10,20" },
        { TREE,
          THREE "leaf_targetids=[0,1,2,1] leaf_weights=<f64:4=10,20,30,40> n_targets=3 nodes_modes=<u8:3=0> "
                "nodes_splits=<f64:3=0,1,2>",
          "f64:2,2=0,0,1,9", "f64:2,3=10,0,0,0,40,0" },
        /* x0 in {1, 2} ? 10 : x0 in {3} ? 20 : 30 */
        { TREE,
          "tree_roots=[0] nodes_featureids=[0,0] nodes_truenodeids=[0,1] nodes_falsenodeids=[1,2] "
          "nodes_trueleafs=[1,1] nodes_falseleafs=[0,1] "
          "nodes_modes=<u8:2=6> nodes_splits=<f32:2=nan> membership_values=<f32:5=1,2,nan,3,nan> "
          "leaf_targetids=[0,0,0] "
          "leaf_weights=<f32:3=10,20,30> n_targets=1",
          "f32:5,1=1,2,3,4,1.5", "f32:5,1=10,10,20,30,30" },
        { TREE, PAIR, "f32:2,2=0,0,2,2", "f32:2,2=6,0,7,2" },
        { TREE, PAIR "aggregate_function=0", "f32:2,2=0,0,2,2", "f32:2,2=3,0,3.5,1" },
        { TREE, PAIR "aggregate_function=2", "f32:1,2=0,0", "f32:1,2=1,0" },
        { TREE, PAIR "aggregate_function=3", "f32:1,2=0,2", "f32:1,2=7,0" },
        { TREE, PAIR "post_transform=2", "f32:1,2=2,0", "f32:1,2=0.9933071491,0.8807970780" },
        { TREE, PAIR "post_transform=1", "f32:1,2=2,0", "f32:1,2=0.9525741268,0.0474258732" },
        /* a tree that is a leaf: both branches name it */
        { TREE,
          "tree_roots=[0] nodes_featureids=[0] nodes_truenodeids=[0] nodes_falsenodeids=[0] nodes_trueleafs=[1] "
          "nodes_falseleafs=[1] "
          "nodes_modes=<u8:1=0> nodes_splits=<f16:1=0> leaf_targetids=[0] leaf_weights=<f16:1=2.5> n_targets=1",
          "f16:2,1=-1,1", "f16:2,1=2.5" },
        { TREE, THREE FOUR " nodes_modes=<u8:3=0> nodes_splits=<f32:3=0,1,2>", "f32:0,2", "f32:0,1" },
    };
    op_cases(rows);
}

/* Modes are 0 to 6; 7 is how leaves are marked inside. */
static void refused_trees(void **state) {
#define ONE                                                                                                 \
    "tree_roots=[0] nodes_featureids=[0] nodes_truenodeids=[0] nodes_falsenodeids=[1] nodes_trueleafs=[1] " \
    "nodes_falseleafs=[1] nodes_splits=<f32:1=1> leaf_targetids=[0,0] leaf_weights=<f32:2=1,2> n_targets=1 "
    static const struct {
        op_case what;
        const char *words;
    } rows[] = {
        { { TREE, ONE "nodes_modes=<u8:1=7>", "f32:1,1=0", "f32:1,1=0" }, "tree node 0 has no such mode" },
        { { TREE, ONE "nodes_modes=<u8:1=255>", "f32:1,1=0", "f32:1,1=0" }, "tree node 0 has no such mode" },
        { { TREE, ONE "nodes_modes=<u8:1=6>", "f32:1,1=0", "f32:1,1=0" }, "0 sets, 1 are needed" },
        { { TREE, ONE "nodes_modes=<u8:2=0>", "f32:1,1=0", "f32:1,1=0" }, "2 nodes_modes" },
    };
    for (size_t i = 0; i < TN_COUNT(rows); i++) op_case_refused(&rows[i].what, rows[i].words);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(choosing), cmocka_unit_test(features),
                                        cmocka_unit_test(scores), cmocka_unit_test(trees),
                                        cmocka_unit_test(refused_trees) };
    return cmocka_run_group_tests_name("op/ml_forms", tests, NULL, NULL);
}
