/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* normalise.c - normalisations on numbers whose means and variances one sees: {1, 3} has 2 and 1, {3, 4} the norm 5.
 * An epsilon of 3 beside a variance of 1 halves. */
#include "lib/op_cases.h"
#include "test.h"

static void groups(void **state) {
    static const op_case rows[] = {
        /* one scale and bias for each channel (since 21); before, for each group */
        { "GroupNormalization", "num_groups=2 epsilon=0.0", "f32:1,4,1=1,3,10,30 f32:4=1,2,3,4 f32:4=0,1,0,1",
          "f32:1,4,1=-1,3,-3,5" },
        { "GroupNormalization", "num_groups=2 epsilon=3.0", "f64:2,2,2=1,3,5,7,-1,1,0,2 f64:2=1,10 f64:2=0,1",
          "f64:2,2,2=-0.5,0.5,-4,6,-0.5,0.5,-4,6" },
        { "GroupNormalization", "num_groups=1 epsilon=0.0", "f16:1,2,1,2=1,1,3,3 f16:2=1,2 f16:2=0,0",
          "f16:1,2,1,2=-1,-1,2,2" },
        { "GroupNormalization", "num_groups=1 epsilon=0.0 stash_type=16", "bf16:1,2,2=1,3,3,1 bf16:2=1,2 bf16:2=0,0.5",
          "bf16:1,2,2=-1,1,2.5,-1.5" },
        { "GroupNormalization@18", "num_groups=2 epsilon=0.0", "f32:1,4,1=1,3,10,30 $f32:2=1,2 $f32:2=0,1",
          "f32:1,4,1=-1,1,-1,3" },
        { "GroupNormalization", "num_groups=2", "f32:0,2,3 f32:2=1 f32:2=0", "f32:0,2,3" },
        { "InstanceNormalization", "epsilon=0.0", "f32:1,2,2=1,3,10,30 f32:2=1,2 f32:2=0,1", "f32:1,2,2=-1,1,-1,3" },
        { "InstanceNormalization", "epsilon=3.0", "f64:2,1,1,2=1,3,-3,-1 f64:1=4 f64:1=1", "f64:2,1,1,2=-1,3,-1,3" },
        { "InstanceNormalization@6", "epsilon=0.0", "f16:1,1,4=0,2,0,2 f16:1=1 f16:1=0", "f16:1,1,4=-1,1,-1,1" },
        { "InstanceNormalization", "epsilon=0.0", "bf16:1,1,2=5,9 bf16:1=2 bf16:1=0", "bf16:1,1,2=-2,2" },
        { "InstanceNormalization", NULL, "f32:0,1,2 f32:1=1 f32:1=0", "f32:0,1,2" },
        { "BatchNormalization", "epsilon=0.0", "f64:2,2=1,2,3,4 f64:2=1,2 f64:2=0,1 f64:2=1,0 f64:2=4,1",
          "f64:2,2=0,5,1,9" },
        { "BatchNormalization", "epsilon=3.0", "f16:1,1,2=5,7 f16:1=2 f16:1=1 f32:1=5 f32:1=1", "f16:1,1,2=1,3" },
        { "BatchNormalization", "training_mode=1 momentum=0.75 epsilon=0.0",
          "f32:2,1,1=1,3 f32:1=1 f32:1=0 f32:1=4 f32:1=9", "f32:2,1,1=-1,1 f32:1=3.5 f32:1=7" },
    };
    op_cases(rows);
}

static void rows_of_numbers(void **state) {
    static const op_case rows[] = {
        { "RMSNormalization", "epsilon=12.5", "f32:1,2=3,4 f32:2=1,10", "f32:1,2=0.6,8" },
        { "RMSNormalization", "epsilon=0.0 axis=-2", "f64:1,2,2=1,-1,1,1 f64:2,2=1,2,3,4", "f64:1,2,2=1,-2,3,4" },
        { "RMSNormalization", "epsilon=0.0 axis=0", "f32:2,1=1,7 f32:1=10", "f32:2,1=2,14" },
        { "RMSNormalization", "epsilon=0.0", "f16:2,2=300,-300,0.5,0.5 f16:2=1,2",
          "f16:2,2=1,-2,1,2" }, /* 300^2 > max */
        { "RMSNormalization", "epsilon=0.0", "bf16:1,2=4,4 bf16:2=3,1", "bf16:1,2=3,1" },
        /* the scale is broadcast: along the row, or from one row to the next */
        { "RMSNormalization", "epsilon=0.0 axis=-2", "f32:1,2,2=4,-4,4,4 f32:2,1=1,10", "f32:1,2,2=1,-1,10,10" },
        { "RMSNormalization", "epsilon=0.0", "f32:2,2=4,-4,4,4 f32:=3", "f32:2,2=3,-3,3,3" },
        { "RMSNormalization", "epsilon=0.0", "f64:2,1,2=4,-4,4,4 f64:2,1,1=1,10", "f64:2,1,2=1,-1,10,10" },
        { "LayerNormalization", "epsilon=0.0 axis=1", "f32:2,2,2=1,3,1,3,3,1,1,3 f32:2,1=1,10 f32:2=0,5",
          "f32:2,2,2=-1,6,-10,15,1,4,-10,15" },
        { "LayerNormalization", "epsilon=0.0", "f32:2,2=1,3,3,1 f32:2,2=1,2,3,4 f32:2,1=0,5", "f32:2,2=-1,2,8,1" },
        /* equal elements are their mean, to the last bit */
        { "LayerNormalization", NULL, "f32:1,18=2.8903718 f32:18=1 f32:18=0.5", "f32:1,18=0.5" },
        { "LayerNormalization", "epsilon=0.000000000001", "f32:1,5=1000.1,1000.1,1000.1,1000.1,1000.1 f32:5=1 f32:5=0",
          "f32:1,5=0" },
        { "RMSNormalization", NULL, "f32:0,4 f32:4=1", "f32:0,4" },
        { "RMSNormalization", NULL, "f32:1,2=0,0 f32:2=1", "f32:1,2=0" },
        { "SimplifiedLayerNormalization@17", "epsilon=12.5 axis=-1", "f32:1,2=3,4 f32:2=1,10",
          "f32:1,2=0.6,8 f32:1,1=0.2" },
        { "SimplifiedLayerNormalization@17", "epsilon=0.0", "f16:2,1,2=2,-2,8,8 f16:2=1,2", "f16:2,1,2=1,-2,1,2" },
        { "com.microsoft::SimplifiedLayerNormalization", "epsilon=0.0", "f32:1,2=4,-4 f32:2=1,2",
          "f32:1,2=1,-2 f32:1,1=0.25" },
        { "LayerNormalization", "epsilon=3.0", "f64:2,2=1,3,5,7 f64:2=1,2 f64:2=0,1", "f64:2,2=-0.5,2,-0.5,2" },
        { "LayerNormalization", "epsilon=0.0 axis=1", "f16:1,2,1=1,3 f16:2,1=1,2",
          "f16:1,2,1=-1,2 f32:1,1,1=2 f32:1,1,1=1" },
        { "LayerNormalization", "epsilon=0.0", "bf16:1,2=6,10 bf16:2=1 bf16:2=5",
          "bf16:1,2=4,6 f32:1,1=8 f32:1,1=0.5" },
        { "LayerNormalization", "epsilon=0.0", "f32:1,2=6,10 f32:2=1 f32:2=5", "f32:1,2=4,6 _ f32:1,1=0.5" },
        { "LpNormalization", NULL, "f32:2,2=3,4,0,0", "f32:2,2=0.6,0.8,0,0" },
        { "LpNormalization", "p=1 axis=0", "f64:2,2=3,-4,1,12", "f64:2,2=0.75,-0.25,0.25,0.75" },
        { "LpNormalization@1", "p=1 axis=-1", "f32:3=-1,1,2", "f32:3=-0.25,0.25,0.5" },
        { "LpNormalization", "axis=1", "f16:1,2,1=300,400", "f16:1,2,1=0.6,0.8" },
        { "LpNormalization", NULL, "bf16:2=-3,4", "bf16:2=-0.6,0.8" },
        { "LpNormalization", NULL, "f32:2,0", "f32:2,0" },
        { "MeanVarianceNormalization", NULL, "f32:2,1,1,2=1,3,3,1", "f32:2,1,1,2=-1,1,1,-1" },
        { "MeanVarianceNormalization@9", NULL, "f32:1,2,1,2=1,3,10,30", "f32:1,2,1,2=-1,1,-1,1" },
        { "MeanVarianceNormalization", "axes=[1]", "f64:2,2=1,3,4,8", "f64:2,2=-1,1,-1,1", 1e-8 }, /* its own epsilon */
        { "MeanVarianceNormalization", "axes=[-2]", "f16:2,2=1,10,3,30", "f16:2,2=-1,-1,1,1" },
        { "MeanVarianceNormalization", "axes=[0]", "bf16:2=4,8", "bf16:2=-1,1" },
        { "LRN", "size=1 alpha=1.0 beta=1.0 bias=1.0", "f64:1,2,1=1,3", "f64:1,2,1=0.5,0.3" },
        { "LRN", "size=3 alpha=3.0 beta=0.5 bias=4.0", "f16:1,3,1=2,1,2",
          "f16:1,3,1=2/3,0.2773500981,2/3" }, /* 1/sqrt 13 */
    };
    op_cases(rows);
    op_case wrong = { "LayerNormalization", NULL, "f32:2,3=1 f32:2=1", "f32:2,3=0" };
    op_case_refused(&wrong, "fit");
}

/* com.microsoft: what is skipped is added, and what is added is kept. */
static void with_skip(void **state) {
    static const op_case rows[] = {
        { "com.microsoft::SkipLayerNormalization", "epsilon=3.0",
          "f32:1,1,2=1,2 f32:1,1,2=0,1 f32:2=1,10 f32:2=0,1 f32:2=-5,-5",
          "f32:1,1,2=-0.5,6 f32:1,1,1=-3 f32:1,1,1=0.5 f32:1,1,2=-4,-2" },
        { "com.microsoft::SkipLayerNormalization", NULL, "f16:2,1,2=1,2,2,1 f16:2,1,2=0,1,1,0 f16:2=1,2",
          "f16:2,1,2=-1,2,1,-2" },
        { "com.microsoft::SkipSimplifiedLayerNormalization", "epsilon=12.5", "f32:1,1,2=1,2 f32:1,1,2=2,2 f32:2=1,10",
          "f32:1,1,2=0.6,8 _ f32:1,1,1=0.2 f32:1,1,2=3,4" },
        { "com.microsoft::SkipSimplifiedLayerNormalization", "epsilon=12.5",
          "f32:1,1,2=1,2 f32:1,1,2=1,3 f32:2=1 f32:2=1,-1", "f32:1,1,2=0.6,0.8" },
        /* words 2 and 0, positions 0 and 1, segments 1 and 0; of the second sentence one token is masked */
        { "com.microsoft::EmbedLayerNormalization", "epsilon=0.0",
          "i32:2,2=2,0,0,2 i32:2,2=1,0,0,0 f32:3,2=1,3,0,0,5,1 f32:2,2=0,2,4,0 f32:2,2=0,0,0,-10 f32:2=1,2 f32:2=0,1 "
          "i32:2,2=1,1,1,0",
          "f32:2,2,2=1,-1,1,-1,-1,3,1,-1 i32:2=2,1" },
        { "com.microsoft::EmbedLayerNormalization", "epsilon=0.0",
          "i32:1,2=0,1 _ f32:2,2=1,3,5,1 f32:2,2=0,2,4,0 _ f32:2=1 f32:2=0 _ i32:1,2=0,1",
          "f32:1,2,2=-1,1,1,-1 i32:1=0 f32:1,2,2=1,5,9,1" },
    };
    op_cases(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(groups), cmocka_unit_test(rows_of_numbers),
                                        cmocka_unit_test(with_skip) };
    return cmocka_run_group_tests_name("op/normalise", tests, NULL, NULL);
}
