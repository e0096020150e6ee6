/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* optimisers.c - Adagrad, Adam and Momentum of ai.onnx.preview.training in both types, several tensors at once, the
 * first step and later ones; square roots come out whole. */
#include "lib/op_cases.h"
#include "test.h"

#define ADAGRAD  "ai.onnx.preview.training::Adagrad"
#define ADAM     "ai.onnx.preview.training::Adam"
#define MOMENTUM "ai.onnx.preview.training::Momentum"

static void steps(void **state) {
    static const op_case rows[] = {
        /* h = 16 + 3^2 = 25, x - 0.5 * 3 / 5 */
        { ADAGRAD, "epsilon=0.0", "f32:=0.5 i64:=0 f32:1=1 f32:1=3 f32:1=16", "f32:1=0.7 f32:1=25" },
        /* the rate is 0.5 / (1 + 4 * 0.25); the gradient 2 + 0.5 * 2 */
        { ADAGRAD, "epsilon=0.0 decay_factor=0.25 norm_coefficient=0.5", "f64:=0.5 i64:=4 f64:1=2 f64:1=2 f64:1=16",
          "f64:1=1.85 f64:1=25" },
        { ADAGRAD, "epsilon=1.0", "f64:=6 i64:=0 f64:1=1 f64:2=0,10 f64:1=3 f64:2=4,-3 f64:1=16 f64:2=0,16",
          "f64:1=-2 f64:2=-4.8,13 f64:1=25 f64:2=16,25" },
        /* v = 0.5 * 2 + 0.5 * 4, h = 0.75 * 4 + 0.25 * 4^2; x - 0.5 * v / sqrt h */
        { ADAM, "alpha=0.5 beta=0.75 epsilon=0.0", "f64:=0.5 i64:=0 f64:1=1 f64:1=4 f64:1=2 f64:1=4",
          "f64:1=0.43305329048615915 f64:1=3 f64:1=7" },
        /* t = 1: the rate is 0.5 * sqrt(1 - 0.75) / (1 - 0.5) = 0.5 */
        { ADAM, "alpha=0.5 beta=0.75 epsilon=1.0", "f32:=0.5 i64:=1 f32:1=1 f32:1=4 f32:1=0 f32:1=0",
          "f32:1=2/3 f32:1=2 f32:1=4" },
        { ADAM, "alpha=0.5 beta=0.75 epsilon=1.0 norm_coefficient=1.0 norm_coefficient_post=0.5",
          "f64:=0.5 i64:=1 f64:1=1 f64:1=3 f64:1=0 f64:1=0", "f64:1=1/3 f64:1=2 f64:1=4" },
        { ADAM, "alpha=0.5 beta=0.75 epsilon=1.0",
          "f32:=0.5 i64:=1 f32:1=1 f32:1=0 f32:1=4 f32:1=-4 f32:1=0 f32:1=0 f32:1=0 f32:1=0",
          "f32:1=2/3 f32:1=1/3 f32:1=2 f32:1=-2 f32:1=4 f32:1=4" },
        /* v = 0.5 * 2 + 0.25 * 4; the first step takes the gradient whole */
        { MOMENTUM, "alpha=0.5 beta=0.25 mode=standard norm_coefficient=0.0", "f32:=0.5 i64:=1 f32:1=1 f32:1=4 f32:1=2",
          "f32:1=0 f32:1=2" },
        { MOMENTUM, "alpha=0.5 beta=0.25 mode=standard norm_coefficient=0.0", "f64:=0.5 i64:=0 f64:1=1 f64:1=4 f64:1=2",
          "f64:1=-1.5 f64:1=5" },
        { MOMENTUM, "alpha=0.5 beta=0.25 mode=nesterov norm_coefficient=0.0", "f64:=0.5 i64:=1 f64:1=1 f64:1=4 f64:1=2",
          "f64:1=-1.5 f64:1=2" }, /* 4 + 0.5 * 2 */
        { MOMENTUM, "alpha=0.5 beta=0.25 mode=standard norm_coefficient=2.0",
          "f64:=0.5 i64:=1 f64:1=1 f64:2=0,1 f64:1=2 f64:2=4,2 f64:1=2 f64:2=2,0",
          "f64:1=0 f64:2=-1,0.5 f64:1=2 f64:2=2,1" },
    };
    op_cases(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(steps) };
    return cmocka_run_group_tests_name("op/optimisers", tests, NULL, NULL);
}
