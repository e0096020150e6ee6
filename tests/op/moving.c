/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* moving.c - operators that move elements, in forms newer than the pinned official cases, and those of com.microsoft.
 */
#include "lib/op_cases.h"
#include "test.h"

static void padding(void **state) {
    static const op_case rows[] = {
        { "Pad", "mode=wrap", "f32:3=1,2,3 i64:2=2,1", "f32:6=2,3,1,2,3,1" },
        { "Pad", "mode=wrap", "f32:2=1,2 i64:2=3,4", "f32:9=2,1,2,1,2,1,2,1,2" }, /* more than once around */
        { "Pad@19", "mode=wrap", "i64:2,2=1,2,3,4 i64:4=1,0,0,1", "i64:3,3=3,4,3,1,2,1,3,4,3" },
        { "Pad", NULL, "f32:1,2=1,2 i64:2=1,0 f32:=9 i64:1=1", "f32:1,3=9,1,2" },
        { "Pad", NULL, "f64:2,1=1,2 i64:4=0,1,1,0 f64:=-1 i64:2=1,0", "f64:3,2=-1,-1,1,-1,2,-1" }, /* of axes 1 and 0 */
        { "Pad", "mode=edge", "i8:1,3=1,2,3 i64:2=1,2 _ i64:1=-1", "i8:1,6=1,1,2,3,3,3" },
        { "Pad", "mode=reflect", "bf16:3=1,2,3 i64:2=2,1 _ i32:1=0", "bf16:6=3,2,1,2,3,2" },
        { "Pad", NULL, "f16:4=1,2,3,4 i64:2=-1,-2", "f16:1=2" },
        { "Pad", NULL, "f32:3=1,2,3 i64:2=-1,2 f32:=7", "f32:4=2,3,7,7" },
        { "Pad", NULL, "str:1=a i64:2=1,1 str:=z", "str:3=z,a,z" },
        { "Pad", NULL, "bool:1=1 i64:2=1,1 bool:=0", "bool:3=0,1,0" },
        { "Pad", NULL, "i4:2=-8,7 i64:2=1,0 i4:=3", "i4:3=3,-8,7" },
        { "Pad", NULL, "f8e4m3fn:1=448 i64:2=0,1", "f8e4m3fn:2=448,0" },
        { "Pad", NULL, "c64:1=1,2 i64:2=0,1", "c64:2=1,2,0,0" },
        { "Pad", NULL, "f32:0 i64:2=1,1 f32:=5", "f32:2=5" },
        { "com.microsoft::Pad", "mode=reflect", "f32:1,3=1,2,3 i64:4=0,1,0,1", "f32:1,5=2,1,2,3,2" },
        { "com.microsoft::Pad", NULL, "f32:2=1,2 i64:1,2=1,1 f32:1=9", "f32:4=9,1,2,9" },
        { "com.microsoft::Pad", "mode=wrap", "f32:2=1,2 i64:2=1,1", "f32:4=2,1,2,1" },
    };
    op_cases(rows);
}

static void pieces(void **state) {
    static const op_case rows[] = {
        { "Split", "num_outputs=2", "f32:5=1,2,3,4,5", "f32:3=1,2,3 f32:2=4,5" }, /* the last one is smaller */
        { "Split", "num_outputs=3 axis=-1", "i8:1,4=1,2,3,4", "i8:1,2=1,2 i8:1,2=3,4 i8:1,0" },
        { "Split", "num_outputs=2 axis=1", "str:2,2=a,b,c,d", "str:2,1=a,c str:2,1=b,d" },
        { "Split", "axis=-2", "bf16:3,1=1,2,3 i64:2=1,2", "bf16:1,1=1 bf16:2,1=2,3" },
        { "Split", NULL, "u4:3=1,2,3 i64:3=1,0,2", "u4:1=1 u4:0 u4:2=2,3" },
        { "Split", "num_outputs=1", "f64:0,2", "f64:0,2" },
        { "Concat", "axis=-1", "i4:1,1=-8 i4:1,2=1,2 i4:1,0", "i4:1,3=-8,1,2" },
        { "Concat", "axis=0", "bool:1=1 bool:1=0", "bool:2=1,0" },
        { "Transpose", NULL, "u4:2,3=1,2,3,4,5,6", "u4:3,2=1,4,2,5,3,6" },
        { "Transpose", "perm=[1,0]", "str:1,2=a,b", "str:2,1=a,b" },
        { "Transpose", "perm=[2,0,1]", "bf16:1,2,2=1,2,3,4", "bf16:2,1,2=1,3,2,4" },
        { "Reshape", NULL, "u2:2,3=1,2,3,0,1,2 i64:2=-1,2", "u2:3,2=1,2,3,0,1,2" },
        { "Reshape", "allowzero=1", "f32:0,2 i64:2=3,0", "f32:3,0" },
        { "Reshape", NULL, "f8e5m2:2,1=1,2 i64:2=0,-1", "f8e5m2:2,1=1,2" },
        { "Flatten", "axis=-1", "i4:2,1,2=1,2,3,4", "i4:2,2=1,2,3,4" },
        { "Squeeze", NULL, "f4e2m1:1,2,1=1,6", "f4e2m1:2=1,6" },
        { "Squeeze", NULL, "i2:1,2,1=1,-2 i64:1=-1", "i2:1,2=1,-2" },
        { "Unsqueeze", NULL, "f8e4m3fn:2=1,2 i64:2=-1,0", "f8e4m3fn:1,2,1=1,2" },
        { "Shape", "start=1 end=-1", "i4:2,3,4=0", "i64:1=3" },
        { "Size", NULL, "f4e2m1:2,3=0", "i64:=6" },
        { "Identity", NULL, "f8e8m0:2=2,0.5", "f8e8m0:2=2,0.5" },
        { "Expand", NULL, "i16:2,1=1,2 i64:2=1,2", "i16:2,2=1,1,2,2" },
        { "Tile", NULL, "bool:1,2=1,0 i64:2=2,2", "bool:2,4=1,0,1,0,1,0,1,0" },
        { "Slice", NULL, "i4:5=1,2,3,4,5 i64:1=-1 i64:1=-100 i64:1=0 i64:1=-2", "i4:3=5,3,1" },
        { "Where", NULL, "bool:2,1=1,0 str:2=a,b str:=z", "str:2,2=a,b,z,z" },
        { "ReverseSequence", "time_axis=1 batch_axis=0", "i8:2,3=1,2,3,4,5,6 i64:2=2,3", "i8:2,3=2,1,3,6,5,4" },
        { "com.microsoft::ExpandDims", NULL, "f32:2=1,2 i32:=0", "f32:1,2=1,2" },
        { "com.microsoft::ExpandDims", NULL, "i64:2=1,2 i32:1=-1", "i64:2,1=1,2" },
    };
    op_cases(rows);
}

static void places(void **state) {
    static const op_case rows[] = {
        { "Gather", "axis=-1", "i4:2,2=1,2,3,4 i32:1=-1", "i4:2,1=2,4" },
        { "Gather", NULL, "str:2=a,b i64:2,1=1,0", "str:2,1=b,a" },
        { "GatherElements", "axis=-1", "bf16:2,2=1,2,3,4 i64:2,1=-1,0", "bf16:2,1=2,3" },
        { "GatherND", "batch_dims=1", "i8:2,2=1,2,3,4 i64:2,1=1,0", "i8:2=2,3" },
        { "com.microsoft::GatherND", NULL, "f32:2,2=1,2,3,4 i32:2,2=0,1,1,0", "f32:2=2,3" },
        { "com.microsoft::GatherND", NULL, "i64:2,2=1,2,3,4 i64:1,1=-1", "i64:1,2=3,4" },
        /* reductions: add and mul since 16, max and min since 18 */
        { "ScatterElements", "reduction=max", "f32:3=1,5,3 i64:3=0,1,0 f32:3=2,4,0", "f32:3=2,5,3" },
        { "ScatterElements", "reduction=min axis=-1", "i64:1,3=1,5,3 i64:1,3=0,1,-1 i64:1,3=2,4,0", "i64:1,3=1,4,0" },
        { "ScatterElements", "reduction=mul", "f16:2=2,3 i32:2=0,0 f16:2=5,7", "f16:2=70,3" },
        { "ScatterElements", "reduction=add axis=1", "bf16:1,2=2,3 i64:1,2=1,1 bf16:1,2=1,1", "bf16:1,2=2,5" },
        { "ScatterND", "reduction=max", "f64:3=1,5,3 i64:3,1=0,1,0 f64:3=2,4,0", "f64:3=2,5,3" },
        { "ScatterND", "reduction=min", "i32:2,2=1,5,3,4 i64:1,1=1 i32:1,2=9,0", "i32:2,2=1,5,3,0" },
        { "ScatterND", NULL, "str:2=a,b i64:1,1=-1 str:1=z", "str:2=a,z" },
        { "ScatterND", "reduction=add", "f16:2=1,2 i64:2,1=1,1 f16:2=3,4", "f16:2=1,9" },
        { "Scatter@9", "axis=1", "f32:1,3=1,2,3 i64:1,1=2 f32:1,1=9", "f32:1,3=1,2,9" },
        { "TopK", NULL, "i8:4=3,-1,3,2 i64:1=2", "i8:2=3,3 i64:2=0,2" },
        { "TopK", "largest=0 axis=0", "bf16:3,1=3,1,2 i64:1=2", "bf16:2,1=1,2 i64:2,1=1,2" }, /* bfloat16 since 24 */
        { "TopK", NULL, "u64:2=0xffffffffffffffff,1 i64:1=1", "u64:1=0xffffffffffffffff i64:1=0" },
        { "Unique", "sorted=0", "f32:4=2,1,2,3", "f32:3=2,1,3 i64:3=0,1,3 i64:4=0,1,0,2 i64:3=2,1,1" },
        { "Unique", "axis=0", "i8:3,2=2,1,0,5,2,1", "i8:2,2=0,5,2,1 i64:2=1,0 i64:3=1,0,1 i64:2=1,2" },
        { "Unique", NULL, "str:3=b,a,b", "str:2=a,b _ i64:3=1,0,1" },
        { "com.microsoft::Unique", NULL, "f32:4=2,1,2,3", "f32:3=2,1,3 i64:4=0,1,0,2 i64:3=2,1,1" },
        { "NonZero", NULL, "bool:2,2=1,0,0,1", "i64:2,2=0,1,0,1" },
        { "NonZero", NULL, "f16:=3", "i64:0,1" },
        { "Compress", "axis=1", "str:1,3=a,b,c bool:2=0,1", "str:1,1=b" },
        { "Compress", "axis=-1", "f32:2,3=1,2,3,4,5,6 bool:2=0,1", "f32:2,1=2,5" }, /* what the condition lacks goes */
        { "Compress", NULL, "f32:2,3=1,2,3,4,5,6 bool:4=0,1,0,1", "f32:2=2,4" },
        /* Counted from the end, on any axis; what is out of range lights nothing. */
        { "OneHot", NULL, "i64:4=-1,0,-3,2 i64:=3 f32:2=0,1", "f32:4,3=0,0,1,1,0,0,1,0,0,0,0,1" },
        { "OneHot", "axis=0", "i32:2=-2,1 i64:1=3 i8:2=-1,5", "i8:3,2=-1,-1,5,5,-1,-1" },
        { "OneHot", "axis=-2", "i64:1,2=3,-4 f32:=3 f64:2=2,7", "f64:1,3,2=2" },
        { "Trilu", "upper=0", "i32:2,3=1,2,3,4,5,6", "i32:2,3=1,0,0,4,5,0" },
        { "Trilu", "upper=0", "f32:2,2,2=1,2,3,4,5,6,7,8 i64:=-1", "f32:2,2,2=0,0,3,0,0,0,7,0" },
        { "Trilu", "upper=0", "f16:3,2=1,2,3,4,5,6 i64:=1", "f16:3,2=1,2,3,4,5,6" },
        { "Trilu", NULL, "u8:3,3=1,2,3,4,5,6,7,8,9", "u8:3,3=1,2,3,0,5,6,0,0,9" },
        { "Trilu", NULL, "i64:3,3=1,2,3,4,5,6,7,8,9 i64:1=-1", "i64:3,3=1,2,3,4,5,6,0,8,9" },
        { "Trilu", NULL, "bool:2,3=1,1,1,1,1,1 i64:=2", "bool:2,3=0,0,1,0,0,0" },
    };
    op_cases(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(padding), cmocka_unit_test(pieces), cmocka_unit_test(places) };
    return cmocka_run_group_tests_name("op/moving", tests, NULL, NULL);
}
