/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* reductions.c - sums, means, extremes and products of matrices for types and axes that the pinned official cases lack:
 * axes as an input (18), bool (20), axes of no elements, narrow types. */
#include "lib/op_cases.h"
#include "test.h"

static void reductions(void **state) {
    static const op_case rows[] = {
        { "ReduceMax", "keepdims=0", "bool:2,2=0,1,0,0 i64:1=1", "bool:2=1,0" },
        { "ReduceMin", NULL, "bool:2,2=0,1,1,1 i64:1=0", "bool:1,2=0,1" },
        { "ReduceMax", NULL, "i8:3=-128,-3,-7", "i8:1=-3" },
        { "ReduceMin", "keepdims=0", "u8:3=200,255,130", "u8:=130" },
        { "ReduceMax", "keepdims=0", "bf16:2,2=1,2,4,3 i64:1=-1", "bf16:2=2,4" },
        { "ReduceMax@13", "axes=[0] keepdims=0", "f32:2,1=1,2", "f32:1=2" },
        { "ReduceSum", NULL, "f16:2,2=1,2,3,4 i64:1=-2", "f16:1,2=4,6" },
        { "ReduceSum", "noop_with_empty_axes=1", "f32:2=1,2 i64:0", "f32:2=1,2" },
        { "ReduceSum", NULL, "f32:2,2=1,2,3,4 i64:0", "f32:1,1=10" },
        { "ReduceSum", "keepdims=0", "u64:2=0x8000000000000000,1 i64:1=0", "u64:=0x8000000000000001" },
        { "ReduceSumSquare", "keepdims=0 noop_with_empty_axes=1", "f32:2=3,-4", "f32:2=9,16" }, /* still squares */
        { "ReduceSumSquare", "keepdims=0", "i32:2=3,-4", "i32:=25" },
        { "ReduceMean", "keepdims=0", "f64:2,2=1,2,3,4 i64:2=0,1", "f64:=2.5" },
        { "ReduceMean", "keepdims=0", "bf16:2=1,3", "bf16:=2" },
        { "ReduceMean", NULL, "i32:2=3,4", "i32:1=3" },
        { "ReduceProd", "keepdims=0", "i64:3=2,-3,7", "i64:=-42" },
        { "ReduceProd", NULL, "f16:2,2=2,3,4,0.5 i64:1=1", "f16:2,1=6,2" },
        { "ReduceL1", "keepdims=0", "i32:3=-1,2,-3", "i32:=6" },
        { "ReduceL2", "keepdims=0", "f64:1,2=3,-4 i64:1=1", "f64:1=5" },
        { "ReduceL2", "keepdims=0", "bf16:2=3,4", "bf16:=5" },
        { "ReduceLogSum", "keepdims=0", "f32:2=1,1.71828182846", "f32:=1" },
        { "ReduceLogSumExp", "keepdims=0", "f32:2=1000,1000", "f32:=1000.6931471806" }, /* without overflow */
        { "ReduceLogSumExp", NULL, "f64:2,1=-1000,-1000 i64:1=0", "f64:1,1=-999.30685281944005" },
        /* e to the infinities: along rows, columns, and everything; the largest one is not subtracted from itself */
        { "ReduceLogSumExp", "keepdims=0", "f32:3,2=inf,1,-inf,-inf,-inf,0 i64:1=1", "f32:3=inf,-inf,0" },
        { "ReduceLogSumExp", "keepdims=0", "f32:2,3=inf,-inf,-inf,1,-inf,0 i64:1=0", "f32:3=inf,-inf,0" },
        { "ReduceLogSumExp", "keepdims=0", "f32:2,2=-inf,-inf,-inf,inf", "f32:=inf" },
        { "ReduceLogSumExp", "keepdims=0", "f64:3,2=inf,1,-inf,-inf,-inf,0 i64:1=1", "f64:3=inf,-inf,0" },
        { "ReduceLogSumExp", "keepdims=0", "f16:3,2=inf,1,-inf,-inf,nan,0 i64:1=1", "f16:3=inf,-inf,nan" },
        { "ReduceLogSumExp", "keepdims=0", "f32:3,2=nan,0,nan,inf,-inf,nan i64:1=1", "f32:3=nan" },
        { "ReduceLogSumExp", "keepdims=0", "f32:2,3=nan,inf,-inf,0,nan,nan i64:1=0", "f32:3=nan" },
        { "ReduceLogSumExp", "keepdims=0", "f64:2,2=nan,0,-inf,nan i64:1=1", "f64:2=nan" },
        { "ReduceLogSum", "keepdims=0", "f32:3,2=0,0,inf,1,-1,0 i64:1=1", "f32:3=-inf,inf,nan" },
        { "LogSoftmax", NULL, "f32:2,2=-inf,0,-1000,-1000", "f32:2,2=-inf,0,-0.69314718,-0.69314718" },
        /* of no elements */
        { "ReduceSum", "keepdims=0", "f32:2,0 i64:1=1", "f32:2=0" },
        { "ReduceProd", NULL, "i32:0,2 i64:1=0", "i32:1,2=1" },
        { "ReduceMax", "keepdims=0", "f32:0", "f32:=-inf" },
        { "ReduceMax", "keepdims=0", "i8:1,0 i64:1=1", "i8:1=-128" },
        { "ReduceMax", "keepdims=0", "bool:0", "bool:=0" },
        { "ReduceMin", "keepdims=0", "f64:0", "f64:=inf" },
        { "ReduceMin", "keepdims=0", "u8:2,0 i64:1=-1", "u8:2=255" },
        { "ReduceMin", "keepdims=0", "bool:0", "bool:=1" },
        { "ReduceSumSquare", "keepdims=0", "f32:0", "f32:=0" },
        { "ReduceL1", "keepdims=0", "f32:0", "f32:=0" },
        { "ReduceL2", "keepdims=0", "f64:0", "f64:=0" },
        { "ReduceLogSum", "keepdims=0", "f32:0", "f32:=-inf" },
        { "ReduceLogSumExp", "keepdims=0", "f32:0", "f32:=-inf" },
        { "ArgMax", "keepdims=0 axis=-1", "i8:2,2=1,1,-3,2", "i64:2=0,1" },
        { "ArgMax", "select_last_index=1", "bf16:2,1=1,1", "i64:1,1=1" },
        { "ArgMin", "keepdims=0", "u64:3=0xffffffffffffffff,1,2", "i64:=1" },
        { "ArgMin", "keepdims=0", "f16:3=3,-1,2", "i64:=1" },
        /* a NaN never wins, whatever else stands there; where nothing else does, the first element is named */
        { "ArgMax", "keepdims=0 axis=-1", "f32:4,2=nan,-inf,nan,nan,nan,1,2,nan", "i64:4=1,0,1,0" },
        { "ArgMin", "keepdims=0 axis=0", "f32:2,4=nan,nan,nan,2,inf,nan,1,nan", "i64:4=1,0,1,0" },
        { "ArgMax", "keepdims=0 axis=-1", "f64:4,2=nan,-inf,nan,nan,nan,1,2,nan", "i64:4=1,0,1,0" },
        { "ArgMin", "keepdims=0 axis=0", "f64:2,4=nan,nan,nan,2,inf,nan,1,nan", "i64:4=1,0,1,0" },
        { "ArgMax", "keepdims=0 axis=-1", "f16:4,2=nan,-inf,nan,nan,nan,1,2,nan", "i64:4=1,0,1,0" },
        { "ArgMin", "keepdims=0 axis=0", "f16:2,4=nan,nan,nan,2,inf,nan,1,nan", "i64:4=1,0,1,0" },
        { "ArgMax", "keepdims=0 axis=-1", "bf16:4,2=nan,-inf,nan,nan,nan,1,2,nan", "i64:4=1,0,1,0" },
        { "ArgMin", "keepdims=0 axis=0", "bf16:2,4=nan,nan,nan,2,inf,nan,1,nan", "i64:4=1,0,1,0" },
        { "Hardmax", NULL, "f32:2,3=nan,-inf,1,nan,-inf,nan", "f32:2,3=0,0,1,0,1,0" },
        { "Hardmax", "axis=0", "f32:3,2=nan,nan,-inf,-inf,1,nan", "f32:3,2=0,0,0,1,1,0" },
        { "Hardmax", NULL, "f64:2,3=nan,-inf,1,nan,-inf,nan", "f64:2,3=0,0,1,0,1,0" },
        { "Hardmax", NULL, "f16:2,3=nan,-inf,1,nan,-inf,nan", "f16:2,3=0,0,1,0,1,0" },
        { "Softmax", NULL, "f64:2,2=nan,1,1,nan", "f64:2,2=nan,nan,nan,nan" },
        { "Softmax", "axis=0", "f32:2,1=nan,1", "f32:2,1=nan,nan" },
        { "com.microsoft::ReduceSumInteger", "axes=[-1] keepdims=0", "i8:2,2=127,127,-128,-128", "i32:2=254,-256" },
        { "com.microsoft::ReduceSumInteger", "axes=[0] keepdims=1", "u8:2,1=255,255", "u32:1,1=510" },
        { "com.microsoft::QLinearReduceMean", "axes=[0] keepdims=1", "i8:2,1=5,7 f32:=0.5 i8:=1 f32:=0.25 i8:=-1",
          "i8:1,1=9" },
    };
    op_cases(rows);
}

static void products(void **state) {
    static const op_case rows[] = {
        { "MatMul", NULL, "i32:2,2=1,2,3,4 i32:2=5,-6", "i32:2=-7,-9" },
        { "MatMul", NULL, "u64:1,1=0x100000000 u64:1,1=3", "u64:1,1=0x300000000" },
        { "MatMul", NULL, "bf16:1,2=1,2 bf16:2,1=3,4", "bf16:1,1=11" },
        { "MatMul", NULL, "f16:2,1,2=1,2,3,4 f16:2,1=10,1", "f16:2,1,1=12,34" },
        { "MatMul", NULL, "f64:2=1,2 f64:2=3,4", "f64:=11" },
        { "MatMul", NULL, "f32:2,0 f32:0,2", "f32:2,2=0" },
        { "Gemm", "alpha=2.0 beta=0.5 transB=1", "f64:1,2=1,2 f64:1,2=3,4 f64:=10", "f64:1,1=27" },
        { "Gemm", "transA=1", "bf16:2,1=1,2 bf16:2,2=1,2,3,4", "bf16:1,2=7,10" },
        { "Gemm", NULL, "i32:1,2=1,2 i32:2,1=3,4 i32:1=-1", "i32:1,1=10" },
        { "Gemm", NULL, "f16:2,0 f16:0,1 f16:2,1=3,4", "f16:2,1=3,4" },
        { "MatMulInteger", NULL, "i8:1,2=-128,127 u8:2,1=255,255 i8:=-128 u8:=0", "i32:1,1=65025" },
        { "MatMulInteger", NULL, "u8:2,1=1,2 u8:1,2=3,4 u8:2=1,1 u8:2=0,4", "i32:2,2=0,0,3,0" },
        { "QLinearMatMul", NULL, "i8:1,2=2,4 f32:=0.5 i8:=0 i8:2,1=4,8 f32:=0.25 i8:=0 f32:=0.5 i8:=1",
          "i8:1,1=11" }, /* 1 + 4 is 10 halves */
        { "QLinearMatMul", NULL, "u8:1,1=4 f16:=0.5 u8:=0 u8:1,1=8 f16:=0.25 u8:=0 f16:=1 u8:=0",
          "u8:1,1=4" }, /* float16 scales since 21 */
        { "Einsum", "equation=ij,jk->ik", "f64:1,2=1,2 f64:2,1=3,4", "f64:1,1=11" },
        { "Einsum", "equation=...ii->...i", "i32:1,2,2=1,2,3,4", "i32:1,2=1,4" },
        /* A and a are two letters, and capitals come first where the result is not named */
        { "Einsum", "equation=aA->Aa", "f32:2,3=1,2,3,4,5,6", "f32:3,2=1,4,2,5,3,6" },
        { "Einsum", "equation=aA,A", "f32:2,3=1,2,3,4,5,6 f32:3=1,10,100", "f32:2=321,654" },
        { "Einsum", "equation=aB", "i32:2,3=1,2,3,4,5,6", "i32:3,2=1,4,2,5,3,6" },
        { "Einsum", "equation=Zz,zZ->", "f64:1,2=1,2 f64:2,1=3,4", "f64:=11" },
        { "Einsum", "equation=i,i", "bf16:2=1,2 bf16:2=3,4", "bf16:=11" },
        { "Einsum", "equation=bij,bjk->bik", "f16:1,1,2=1,2 f16:1,2,1=3,4", "f16:1,1,1=11" },
        { "Det", NULL, "bf16:2,2=1,2,3,4", "bf16:=-2" },
        { "Mod", "fmod=1", "bf16:2=5.5,-5.5 bf16:=2", "bf16:2=1.5,-1.5" },
        { "Mod", NULL, "i8:2=-7,7 i8:2=3,-3", "i8:2=2,-2" },
        { "Mod", "fmod=1", "i64:2=-7,7 i64:2=3,-3", "i64:2=-1,1" },
        { "Div", NULL, "i32:2=-7,7 i32:=2", "i32:2=-3,3" },
        { "Pow", NULL, "f32:2=2,3 i64:2=3,-1", "f32:2=8,1/3" },
        { "Pow", NULL, "i32:2=2,3 f32:2=3.0,2.0", "i32:2=8,9" },
        { "Clip", NULL, "i8:3=-100,0,100 i8:=-5 i8:=7", "i8:3=-5,0,7" },
        { "Clip", NULL, "bf16:2=1,9 _ bf16:=2", "bf16:2=1,2" },
        { "Max", NULL, "u64:2=0xffffffffffffffff,1 u64:=2", "u64:2=0xffffffffffffffff,2" },
        { "Min", NULL, "f16:2=nan,1 f16:2=0,2", "f16:2=nan,1" },
        { "Mean", NULL, "f64:2=1,2 f64:=4 f64:1=1", "f64:2=2,7/3" },
        { "Sum", NULL, "bf16:2,1=1,2 bf16:2=3,4", "bf16:2,2=4,5,5,6" },
        { "com.microsoft::Inverse", NULL, "f32:1,2,2=0,2,4,0", "f32:1,2,2=0,0.25,0.5,0" },
        { "com.microsoft::Inverse", NULL, "f64:2,2=4,7,2,6", "f64:2,2=0.6,-0.7,-0.2,0.4" },
        { "com.microsoft::FusedMatMul", "transB=1 alpha=0.5", "f16:1,2=1,2 f16:1,2=3,4", "f16:1,1=5.5" },
        { "com.microsoft::TransposeMatMul", "transA=1", "f32:2,1=1,2 f32:2,1=3,4", "f32:1,1=11" },
        { "com.microsoft::CDist", "metric=euclidean", "f32:1,2=0,0 f32:2,2=3,4,1,0", "f32:1,2=5,1" },
        { "com.microsoft::MulInteger", NULL, "u8:2=10,255 u8:=5 u8:1=7 u8:=9", "i32:2=-10,-500" },
    };
    op_cases(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(reductions), cmocka_unit_test(products) };
    return cmocka_run_group_tests_name("op/reductions", tests, NULL, NULL);
}
