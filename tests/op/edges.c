/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* edges.c - where operators meet the ends of their types: integers that a double does not hold, axes of no elements,
 * limits of int64 as positions, inputs of two types, sums that float16 cannot hold. */
#include "lib/op_cases.h"
#include "test.h"

/* Beyond 2^53. */
static void wide_integers(void **state) {
    static const op_case rows[] = {
        { "Mod", NULL, "u64:2=0xffffffffffffffff,7 u64:=10", "u64:2=5,7" },
        { "Div", NULL, "i64:1=-9223372036854775807 i64:1=2", "i64:1=-4611686018427387903" },
        { "Div", NULL, "u64:1=0xffffffffffffffff u64:1=2", "u64:1=0x7fffffffffffffff" },
        { "Pow", NULL, "i64:2=3,-2 i32:2=39,3", "i64:2=4052555153018976267,-8" },
        { "Greater", NULL, "u64:1=0xffffffffffffffff u64:1=1", "bool:1=1" },
        { "Less", NULL, "i64:1=9007199254740992 i64:1=9007199254740993", "bool:1=1" },
        { "Neg", NULL, "i64:1=-9223372036854775807", "i64:1=9223372036854775807" },
        { "Clip", NULL, "u64:1=0xffffffffffffffff u64:=1 u64:=5", "u64:1=5" },
        { "Clip", NULL, "i64:2=9007199254740993,-5 _ i64:=9007199254740992", "i64:2=9007199254740992,-5" },
        { "ReduceSum", "keepdims=0", "i64:2=9007199254740993,9007199254740993", "i64:=18014398509481986" },
        { "ReduceMax", "keepdims=0", "i64:2=9007199254740993,9007199254740992", "i64:=9007199254740993" },
        { "CumSum", NULL, "i64:2=9007199254740993,2 i32:=0", "i64:2=9007199254740993,9007199254740995" },
        { "MatMul", NULL, "i64:1,2=9007199254740993,1 i64:2,1=1,1", "i64:1,1=9007199254740994" },
        { "TopK", NULL, "i64:2=9007199254740992,9007199254740993 i64:1=1", "i64:1=9007199254740993 i64:1=1" },
        { "ArgMax", "keepdims=0", "i64:2=9007199254740992,9007199254740993", "i64:=1" },
        { "Unique", NULL, "i64:2=9007199254740993,9007199254740992", "i64:2=9007199254740992,9007199254740993" },
        { "Equal", NULL, "u64:1=0xffffffffffffffff u64:1=0xfffffffffffffffe", "bool:1=0" },
        { "Sign", NULL, "i64:1=-9223372036854775808", "i64:1=-1" },
        { "Abs", NULL, "i64:1=-9007199254740993", "i64:1=9007199254740993" },
        { "Range", NULL, "i64:=9007199254740993 i64:=9007199254740996 i64:=2",
          "i64:2=9007199254740993,9007199254740995" },
        { "Where", NULL, "bool:2=1,0 u64:1=0xffffffffffffffff u64:1=1", "u64:2=0xffffffffffffffff,1" },
        { "ScatterElements", "reduction=add", "i64:1=9007199254740993 i64:2=0,0 i64:2=1,1", "i64:1=9007199254740995" },
        { "ScatterND", "reduction=mul", "u64:1=0x8000000000000001 i64:1,1=0 u64:1=1", "u64:1=0x8000000000000001" },
    };
    op_cases(rows);
}

static void nothing(void **state) {
    static const op_case rows[] = {
        { "Slice", NULL, "f32:4=1,2,3,4 i64:1=3 i64:1=1", "f32:0" },
        { "Einsum", "equation=bi,bi->b", "f32:0,2 f32:0,2", "f32:0" },
        { "Einsum", "equation=bi,bi->b", "f32:2,0 f32:2,0", "f32:2=0" },
        { "DequantizeLinear", "axis=0", "u8:0,2 f32:0", "f32:0,2" },
        { "Concat", "axis=0", "f32:0,2 f32:1,2=1,2", "f32:1,2=1,2" },
        { "Gather", NULL, "f32:2,0 i64:1=1", "f32:1,0" },
        { "MatMul", NULL, "f32:0,3 f32:3,2=1", "f32:0,2" },
        { "Softmax", NULL, "f32:2,0", "f32:2,0" },
        { "ArgMax", "axis=1 keepdims=0", "f32:0,2", "i64:0" },
        { "TopK", NULL, "f32:2=1,2 i64:1=0", "f32:0 i64:0" },
        { "NonZero", NULL, "f32:0,2", "i64:2,0" },
        { "Unique", NULL, "f32:0", "f32:0 i64:0 i64:0 i64:0" },
        { "Expand", NULL, "f32:1,0=1 i64:2=3,1", "f32:3,0" },
        { "Tile", NULL, "f32:2=1,2 i64:1=0", "f32:0" },
        { "OneHot", NULL, "i64:0 i64:=2 f32:2=0,1", "f32:0,2" },
        { "GridSample", NULL, "f32:0,1,2,2 f32:0,1,1,2", "f32:0,1,1,1" },
    };
    op_cases(rows);
}

/* Positions as far away as they can be. */
static void limits(void **state) {
    static const op_case rows[] = {
        { "Slice", NULL, "f32:4=1,2,3,4 i64:1=1 i64:1=9223372036854775807", "f32:3=2,3,4" },
        { "Slice", NULL, "f32:4=1,2,3,4 i64:1=-1 i64:1=-9223372036854775808 i64:1=0 i64:1=-1", "f32:4=4,3,2,1" },
        { "Trilu", NULL, "f32:2,2=1 i64:=9223372036854775807", "f32:2,2=0" },
        { "Trilu", "upper=0", "f32:2,2=1 i64:=-9223372036854775808", "f32:2,2=0" },
        { "EyeLike", "k=-9223372036854775808", "f32:2,2=1", "f32:2,2=0" },
        { "Shape", "start=-9223372036854775808", "f32:2,3=0", "i64:2=2,3" },
    };
    op_cases(rows);
}

static void types(void **state) {
    static const op_case rows[] = {
        { "Attention", NULL, "f16:1,1,1,1=1 f16:1,1,2,1=0,1.0986122886681098 f32:1,1,2,1=8,4 _ f16:1,1,0,1 f32:1,1,0,1",
          "f16:1,1,1,1=5 f16:1,1,2,1=0,1.0986122886681098 f32:1,1,2,1=8,4" },
        { "Attention", NULL, "f32:1,1,1,1=1 f32:1,1,2,1=0,1.0986122886681098 f16:1,1,2,1=8,4", "f32:1,1,1,1=5" },
        { "Attention", NULL, "f32:1,1,1,1=0 f32:1,1,2,1=1 f32:1,1,2,1=8,4 f16:1,2=0,1.0986122886681098",
          "f32:1,1,1,1=5", 1e-3 },
        { "Attention", NULL, "f32:1,1,1,1=0 f32:1,1,2,1=1 f32:1,1,2,1=8,4 f64:1,1,1,2=0,1.0986122886681098",
          "f32:1,1,1,1=5" },
        { "Attention", NULL, "f32:1,1,1,1=0 f32:1,1,3,1=1 f32:1,1,3,1=2,6,100 f32:1,2=0", "f32:1,1,1,1=4" },
        { "Attention", "qk_matmul_output_mode=2", "f32:1,1,1,1=0 f32:1,1,2,1=1 f32:1,1,2,1=2,6 bool:1,2=1,0",
          "f32:1,1,1,1=2 _ _ f32:1,1,1,2=0,-inf" },
        { "Attention", "is_causal=1 q_num_heads=1 kv_num_heads=1", "f32:1,3,1=0 f32:1,2,1=1 f32:1,2,1=2,6",
          "f32:1,3,1=2,4,4" },
        { "QuantizeLinear", NULL, "i32:3=3,5,-1000 f32:=2 i8:=0", "i8:3=2,2,-128" },
        { "QuantizeLinear", NULL, "f16:2=3,5 f32:=2 i8:=0", "i8:2=2,2" },
        { "QuantizeLinear", NULL, "bf16:2=3,5 bf16:=2 u4:=1", "u4:2=3,3" },
        { "DequantizeLinear", NULL, "i32:2=5,-7 f32:=0.5 i32:=0", "f32:2=2.5,-3.5" },
        { "Mod", "fmod=1", "f64:2=-5.5,5.5 f64:=-2", "f64:2=-1.5,1.5" },
        { "Mod", "fmod=1", "f16:2=-5.5,5.5 f16:=3", "f16:2=-2.5,2.5" },
        { "Slice", NULL, "i32:2,4=1,2,3,4,5,6,7,8 i32:2=-1,3 i32:2=0,-100 i32:2=0,1 i32:2=-1,-2", "i32:1,2=8,6" },
        { "Gemm", NULL, "f32:2,1=1,2 f32:1,2=3,4 f32:2,1=10,20", "f32:2,2=13,14,26,28" },
        { "Gemm", "beta=2.0", "i64:1,1=3 i64:1,1=4 i64:1=5", "i64:1,1=22" },
        { "Gemm", "alpha=0.5", "i32:1,1=3 i32:1,1=3", "i32:1,1=4" },
        { "Cast", "to=2", "f32:8=-51.4,-1.5,-0.5,127.9,255.5,256,306,1e10", "u8:8=205,255,0,127,255,0,50,0" },
        { "Cast", "to=3", "f64:5=128,-129,300.7,nan,-1e300", "i8:5=-128,127,44,0,0" },
        { "Cast", "to=5", "f16:3=40000,-40000,inf", "i16:3=-25536,25536,0" },
        { "Cast", "to=4", "bf16:2=-1,65536", "u16:2=65535,0" },
        { "Cast", "to=6", "f32:3=3e9,-3e9,nan", "i32:3=2147483647,-2147483648,-2147483648" },
        { "CastLike", NULL, "f32:2=-1,1000 u8:=0", "u8:2=255,232" },
        { "Einsum", "equation=ij,jk", "f32:1,2=1,2 f32:2,1=3,4", "f32:1,1=11" },
        { "Einsum", "equation=ba", "f32:1,2=1,2", "f32:2,1=1,2" },
        { "Einsum", "equation=...,...", "f32:2,1=1,2 f32:2=3,4", "f32:2,2=3,4,6,8" },
        { "Einsum", "equation=ii->i", "i8:2,2=1,2,3,4", "i8:2=1,4" },
        { "Einsum", "equation=i,j,k->", "f64:2=1,2 f64:1=3 f64:2=1,1", "f64:=18" },
        { "Einsum", "equation=ij,jk,kl->il", "i32:1,2=1,2 i32:2,2=1,0,0,1 i32:2,1=3,-4", "i32:1,1=-5" },
        { "Einsum", "equation=ijk,ilm,mk->lj", "f32:1,2,2=1,2,3,4 f32:1,1,2=1,10 f32:2,2=1,2,3,4", "f32:1,2=115,261" },
        { "Einsum", "equation=ii,ij,k->j", "u8:2,2=2,9,9,3 u8:2,1=5,7 u8:2=100,100", "u8:1=56" }, /* 6200 mod 256 */
        { "Einsum", "equation=ab,ab,ab->ba", "bf16:1,2=1,2 bf16:1,2=3,4 bf16:1,1=2", "bf16:2,1=6,16" },
        { "Einsum", "equation=i,ij->j", "f16:2=1,1 f16:1,2=3,4", "f16:2=6,8" }, /* i broadcasts */
        { "Add", NULL, "u8:2=1,2 u8:1=250", "u8:2=251,252" },
        { "Sub", NULL, "i16:2,1=1,2 i16:2=5,7", "i16:2,2=-4,-6,-3,-5" },
        { "Mul", NULL, "bf16:2=1.5,-2 bf16:=3", "bf16:2=4.5,-6" },
        { "Div", NULL, "u8:2=200,7 u8:=3", "u8:2=66,2" },
        { "Pow", NULL, "f16:2=2,9 f32:1=0.5", "f16:2=1.4142135624,3" },
        { "Pow", NULL, "bf16:1=3 i64:1=2", "bf16:1=9" },
        { "Less", NULL, "bf16:2=1,2 bf16:=2", "bool:2=1,0" },
        { "And", NULL, "bool:2,1=1,0 bool:2=1,0", "bool:2,2=1,0,0,0" },
        { "Xor", NULL, "bool:2=1,0 bool:=1", "bool:2=0,1" },
        { "Min", NULL, "i8:2=-3,4 i8:=0 i8:2=-1,-9", "i8:2=-3,-9" },
        { "Max", NULL, "bf16:2=nan,1 bf16:=2", "bf16:2=nan,2" },
        { "Clip", NULL, "f64:2=nan,3 f64:=0 f64:=1", "f64:2=nan,1" },
        { "ReduceProd", "keepdims=0", "u32:2=65536,65537", "u32:=65536" },
        { "CumSum", "reverse=1", "u32:3=1,2,3 i32:=0", "u32:3=6,5,3" },
        { "ReduceMean", "keepdims=0", "f16:2=60000,60000", "f16:=60000" },
        { "ReduceL2", "keepdims=0", "f16:2=300,400", "f16:=500" },
        { "Softmax", NULL, "f32:2=-inf,0", "f32:2=0,1" },
        { "Softmax", NULL, "f16:2=60000,-60000", "f16:2=1,0" },
        { "LogSoftmax", NULL, "f64:2=1000,0", "f64:2=0,-1000" },
        { "Dropout", NULL, "bf16:2=1,2 f32:=0.5 bool:=0", "bf16:2=1,2 bool:2=1,1" },
        { "Resize", "mode=linear", "f32:1,1=3 _ _ i64:2=2,2", "f32:2,2=3" },
        { "DFT", NULL, "f64:1,2,1=1,3 _ i64:=1", "f64:1,2,2=4,0,-2,0" },
        { "DFT", "onesided=1", "f32:1,4,1=1,2,3,4", "f32:1,3,2=10,0,-2,2,-2,0" },
        { "DFT", "inverse=1", "f32:1,2,2=4,0,-2,0 _ i64:=-2", "f32:1,2,2=1,0,3,0" },
        { "HannWindow", "periodic=0", "i64:=3", "f32:3=0,1,0" },
        { "HammingWindow", NULL, "i32:=2", "f32:2=0.0869565217,1", 1e-6 },
        { "BlackmanWindow", "output_datatype=11", "i64:=4", "f64:4=0,0.34,1,0.34" },
    };
    op_cases(rows);
}

static void corners(void **state) {
    static const op_case rows[] = {
        { "Relu", NULL, "f32:2=nan,-0", "f32:2=nan,0" },
        { "Clip", NULL, "f32:1=5 f32:=7 f32:=3", "f32:1=3" }, /* the upper bound wins */
        { "NonZero", NULL, "f32:2=nan,-0", "i64:1,1=0" },
        { "IsInf", NULL, "f64:2=inf,1", "bool:2=1,0" },
        { "Mod", "fmod=1", "f32:1=3 f32:1=0", "f32:1=nan" },
        { "Range", NULL, "i32:=2147483646 i32:=2147483647 i32:=5", "i32:1=2147483646" },
        { "GatherElements", "axis=0", "f32:2,2=1,2,3,4 i64:0,2", "f32:0,2" },
        { "GatherND", NULL, "f32:2=1,2 i64:0,1", "f32:0" },
        { "ScatterND", NULL, "f32:2=1,2 i64:0,1 f32:0", "f32:2=1,2" },
        { "ReverseSequence", NULL, "f32:2,1=1,2 i64:1=0", "f32:2,1=1,2" },
        { "Split", "num_outputs=3", "f32:4=1,2,3,4", "f32:2=1,2 f32:2=3,4 f32:0" },
        { "Flatten", "axis=0", "f32:=5", "f32:1,1=5" },
        { "MatMul", NULL, "f32:2=1,2 f32:3,2,1=1,2,3,4,5,6", "f32:3,1=5,11,17" },
        { "MatMul", NULL, "f32:3,1,2=1,2,3,4,5,6 f32:2=1,2", "f32:3,1=5,11,17" },
        { "Expand", NULL, "f32:2,1=1,2 i64:3=1,1,1", "f32:1,2,1=1,2" },
        { "Softmax", "axis=0", "f32:=5", "f32:=1" },
        { "LayerNormalization", NULL, "f32:2,0 f32:0", "f32:2,0" },
        { "BatchNormalization", NULL, "f32:0,2 f32:2=1 f32:2=1 f32:2=1 f32:2=1", "f32:0,2" },
        { "InstanceNormalization", NULL, "f32:1,1,0 f32:1=1 f32:1=0", "f32:1,1,0" },
        { "LRN", "size=2 alpha=2.0 beta=1.0 bias=1.0", "f32:1,3,1=1,2,3",
          "f32:1,3,1=1/6,1/7,0.3" }, /* one more behind */
        { "Dropout", "seed=3", "f32:3=1,2,3 f32:=0 bool:=1", "f32:3=1,2,3 bool:3=1" },
    };
    op_cases(rows);
    static const op_case refused[] = {
        { "ReduceSum", NULL, "bool:2=1", "bool:1=1" },
        { "ReduceL2", NULL, "bool:2=1", "bool:1=1" },
        { "CumSum", NULL, "i8:2=1 i32:=0", "i8:2=1" },
    };
    for (size_t i = 0; i < TN_COUNT(refused); i++) op_case_refused(&refused[i], "allowed: ");
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(wide_integers), cmocka_unit_test(nothing),
                                        cmocka_unit_test(limits), cmocka_unit_test(types), cmocka_unit_test(corners) };
    return cmocka_run_group_tests_name("op/edges", tests, NULL, NULL);
}
