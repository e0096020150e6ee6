/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* microsoft.c - attention of com.microsoft in more forms than tests/op/contrib.c: masks, pasts, biases, float16; with
 * and without known shapes. One query 1 meets keys 0 and ln 3 with values 8 and 4: 5; the first alone: 8, the last
 * alone: 4. */
#include "lib/op_cases.h"
#include "test.h"

#define MS  "com.microsoft::"
#define LN3 "1.0986122886681098"

/* q, k, v = x, x ln 3, 8 - 4 x, for the weights {1, ln 3, -4} and the bias {0, 0, 8}. */
static void projected(void **state) {
#define PROJECTION "f32:1,3=1," LN3 ",-4 f32:3=0,0,8 "
    static const op_case rows[] = {
        { MS "Attention", "num_heads=1", "f32:1,1,1=1 " PROJECTION "_ f32:2,1,1,1,1=0,8",
          "f32:1,1,1=5 f32:2,1,1,2,1=0," LN3 ",8,4" },
        { MS "Attention", "num_heads=1", "f32:1,1,1=1 " PROJECTION "i32:1,2=0,1 f32:2,1,1,1,1=0,8", "f32:1,1,1=4" },
        { MS "Attention", "num_heads=1", "f32:2,2,1=1,0,0,1 " PROJECTION "i32:2,2=1,1,0,1", "f32:2,2,1=5,6,4,4" },
        { MS "Attention", "num_heads=1", "f32:2,2,1=1,0,0,1 " PROJECTION "i32:2=2,1",
          "f32:2,2,1=5,6,8,8" }, /* how many keys there are */
        { MS "Attention", "num_heads=1", "f32:1,2,1=0,1 " PROJECTION "i32:2=2,1",
          "f32:1,2,1=4,4" }, /* up to 2, from 1 on */
        { MS "Attention", "num_heads=1 unidirectional=1", "f32:1,2,1=0,1 " PROJECTION "_ f32:2,1,1,1,1=0,8",
          "f32:1,2,1=8,5.6 f32:2,1,1,3,1=0,0," LN3 ",8,8,4" },
        { MS "Attention", "num_heads=1 scale=-1.0", "f32:1,2,1=0,1 " PROJECTION, "f32:1,2,1=6,7" },
        { MS "Attention", "num_heads=1", "f32:1,2,1=0,1 " PROJECTION "_ _ f32:1,1,2,2=0,0,0,-" LN3, "f32:1,2,1=6,6" },
        { MS "Attention", "num_heads=1", "f16:1,2,1=0,1 f16:1,3=1," LN3 ",-4 f16:3=0,0,8", "f16:1,2,1=6,5" },
        { MS "Attention", "num_heads=2", "f32:1,1,1=1 f32:1,6=1,1,0,0,3,4", "f32:1,1,2=3,4" },
        { MS "PackedAttention", "num_heads=1",
          "f16:3,1=1,0,1 f16:1,3=0," LN3 ",-4 f16:3=1,0,8 i32:2,2=0,2,3,1 i32:3=0,1,3", "f16:3,1=4,5,5" },
    };
    op_cases(rows);
}

static void many_heads(void **state) {
#define QKV "f32:1,1,1=1 f32:1,2,1=0," LN3 " f32:1,2,1=8,4 "
    static const op_case rows[] = {
        { MS "MultiHeadAttention", "num_heads=1", QKV, "f32:1,1,1=5" },
        { MS "MultiHeadAttention", "num_heads=1", QKV "f32:3=0,1,10",
          "f32:1,1,1=15" }, /* keys moved as one: the same weights */
        { MS "MultiHeadAttention", "num_heads=1", QKV "_ i32:1=1", "f32:1,1,1=8" },
        { MS "MultiHeadAttention", "num_heads=1", QKV "_ i32:1,2=0,1", "f32:1,1,1=4" },
        { MS "MultiHeadAttention", "num_heads=1", QKV "_ _ f32:1,1,1,2=0,-" LN3, "f32:1,1,1=6" },
        { MS "MultiHeadAttention", "num_heads=1 scale=-1.0", QKV, "f32:1,1,1=7" },
        { MS "MultiHeadAttention", "num_heads=1",
          "f32:1,1,1=1 f32:1,1,1=" LN3 " f32:1,1,1=4 _ _ _ f32:1,1,1,1=0 f32:1,1,1,1=8",
          "f32:1,1,1=5 f32:1,1,2,1=0," LN3 " f32:1,1,2,1=8,4" },
        { MS "MultiHeadAttention", "num_heads=1 unidirectional=1", "f32:1,2,1=1,1 f32:1,2,1=0," LN3 " f32:1,2,1=8,4",
          "f32:1,2,1=8,5" },
        { MS "MultiHeadAttention", "num_heads=2", "f16:1,1,2=0,1 f16:1,2,2=9,0,9," LN3 " f16:1,2,2=1,8,3,4",
          "f16:1,1,2=2,5" },
        { MS "MultiHeadAttention", "num_heads=1", "f32:1,2,1,3,1=1,0,8,1," LN3 ",4", "f32:1,2,1=5,5" },
        { MS "GroupQueryAttention", "num_heads=2 kv_num_heads=1",
          "f32:1,1,2=1,0 f32:1,1,1=" LN3 " f32:1,1,1=4 f32:1,1,1,1=0 f32:1,1,1,1=8 i32:1=1 !i32:=2",
          "f32:1,1,2=5,6 f32:1,1,2,1=0," LN3 " f32:1,1,2,1=8,4" },
        { MS "GroupQueryAttention", "num_heads=1 kv_num_heads=1",
          "f16:1,2,1=1,1 f16:1,2,1=0," LN3 " f16:1,2,1=8,4 _ _ i32:1=1 !i32:=2",
          "f16:1,2,1=8,5 f16:1,1,2,1=0," LN3 " f16:1,1,2,1=8,4" }, /* causal */
    };
    op_cases(rows);
}

/* Dequantise, compute, quantise. */
static void quantised(void **state) {
    static const op_case rows[] = {
        { MS "QLinearAdd", NULL, "i8:2,1=-4,4 f32:=0.5 i8:=0 i8:2=2,8 f32:=0.25 i8:=0 f32:=0.5 i8:=-1",
          "i8:2,2=-4,-1,4,7" },
        { MS "QLinearMul", NULL, "u8:2=4,8 f32:=0.5 u8:=2 u8:=6 f32:=0.5 u8:=2 f32:=1 u8:=1", "u8:2=3,7" },
        { MS "QLinearAdd", NULL, "u8:1=255 f32:=1 _ u8:1=255 f32:=1 _ f32:=1", "u8:1=255" },
        { MS "QLinearWhere", NULL, "bool:2,1=1,0 u8:2=4,6 f32:=0.5 u8:=0 u8:=10 f32:=1 u8:=5 f32:=0.5 u8:=1",
          "u8:2,2=5,7,11,11" },
        { MS "QLinearLeakyRelu", "alpha=0.5", "u8:3=0,4,8 f32:=0.5 u8:=4 f32:=0.25 u8:=10", "u8:3=6,10,18" },
        { MS "QLinearSigmoid", NULL, "u8:2=10,12 f32:=0.5493061443 u8:=10 f32:=0.00390625 u8:=0",
          "u8:2=128,192" }, /* 1/2, 3/4 */
        { MS "QLinearSoftmax", "axis=-1 opset=13", "i8:1,2=0,2 f32:=0.5493061443 i8:=0 f32:=0.00390625 i8:=-128",
          "i8:1,2=-64,64" },
        { MS "QLinearAveragePool", "kernel_shape=[2] pads=[1,0]", "u8:1,1,2=4,8 f32:=0.5 u8:=2 f32:=0.5 u8:=0",
          "u8:1,1,2=2,4" },
        { MS "QLinearAveragePool", "kernel_shape=[2] pads=[1,0] count_include_pad=1",
          "u8:1,1,2=4,8 f32:=0.5 u8:=2 f32:=0.5 u8:=0", "u8:1,1,2=1,4" },
        { MS "QLinearGlobalAveragePool", NULL, "i8:1,2,2,1=1,3,-4,-8 f32:=1 i8:=1 f32:=0.5 i8:=0", "i8:1,2,1,1=2,-14" },
        { MS "QLinearGlobalAveragePool", "channels_last=1", "u8:1,2,1,2=1,10,3,20 f32:=1 u8:=0 f32:=1 u8:=1",
          "u8:1,1,1,2=3,16" },
        { MS "QLinearConcat", "axis=-1", "f32:=1 u8:=10 u8:1,1=3 f32:=2 u8:=1 u8:1,2=3,4 f32:=0.5 u8:=0",
          "u8:1,3=14,12,12" },
        { MS "QLinearReduceMean", "axes=[1] keepdims=0", "u8:1,2,2=2,4,6,8 f32:=0.5 u8:=0 f32:=1 u8:=3", "u8:1,2=5,6" },
        { MS "QAttention", "num_heads=1", "i8:1,2,1=2,4 i8:1,3=0,0,6 f32:3=1,1,0 f32:=0.5 f32:=0.5 _ i8:=0 i8:=0",
          "f32:1,2,1=4.5" },
        { MS "DynamicQuantizeMatMul", NULL, "f32:1,2=0,255 u8:2,1=3,5 f32:=0.5 u8:=1", "f32:1,1=510" },
        { MS "MatMulIntegerToFloat", NULL, "u8:1,2=3,5 i8:2,1=2,-4 f32:=0.5 f32:=0.25 u8:=1 i8:=0 f32:1=10",
          "f32:1,1=8.5" },
        { MS "MatMulInteger16", NULL, "i16:1,2=-32768,3 i16:2,1=2,5", "i32:1,1=-65521" },
        { MS "QGemm", "alpha=2.0 transB=1", "u8:1,2=3,5 f32:=0.5 u8:=1 i8:1,2=2,-4 f32:=0.25 i8:=0", "f32:1,1=-3" },
        { MS "QGemm", NULL, "u8:1,1=5 f32:=0.5 u8:=1 u8:1,1=6 f32:=0.5 u8:=2 i32:1=4 f32:=1 u8:=7",
          "u8:1,1=12" }, /* 4 + 1 */
    };
    op_cases(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(projected), cmocka_unit_test(many_heads),
                                        cmocka_unit_test(quantised) };
    return cmocka_run_group_tests_name("op/microsoft", tests, NULL, NULL);
}
