/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* bits.c - operators on bits, comparisons and running products, for the element types of the specification. */
#include "lib/op_cases.h"
#include "test.h"

static void bitwise(void **state) {
    static const op_case rows[] = {
        { "BitwiseAnd", NULL, "u8:3=12,255,0 u8:3=10,170,7", "u8:3=8,170,0" },
        { "BitwiseOr", NULL, "u8:3=12,255,0 u8:3=10,170,7", "u8:3=14,255,7" },
        { "BitwiseXor", NULL, "u8:3=12,255,0 u8:3=10,170,7", "u8:3=6,85,7" },
        { "BitwiseNot", NULL, "u8:3=12,255,0", "u8:3=243,0,255" },
        { "BitwiseAnd", NULL, "i8:3=-1,-128,12 i8:3=7,-1,-4", "i8:3=7,-128,12" },
        { "BitwiseOr", NULL, "i16:2=-32768,256 i16:2=1,255", "i16:2=-32767,511" },
        { "BitwiseXor", NULL, "i32:2=-1,0x55555555 i32:=-1", "i32:2=0,-1431655766" },
        { "BitwiseNot", NULL, "i32:3=0,-1,2147483647", "i32:3=-1,0,-2147483648" },
        { "BitwiseNot", NULL, "i64:2=9223372036854775807,5", "i64:2=-9223372036854775808,-6" },
        { "BitwiseNot", NULL, "u64:1=1", "u64:1=0xfffffffffffffffe" },
        { "BitwiseNot", NULL, "u16:0", "u16:0" },
        { "BitwiseAnd", NULL, "u64:1=0xff00ff00ff00ff00 u64:1=0xf0f0f0f0f0f0f0f0", "u64:1=0xf000f000f000f000" },
        { "BitwiseOr", NULL, "u32:2,1=0x80000000,1 u32:3=1,2,4", /* broadcast both ways */
          "u32:2,3=0x80000001,0x80000002,0x80000004,1,3,5" },
        { "BitwiseXor", NULL, "i64:=6 i64:=3", "i64:=5" },
        { "BitwiseAnd", NULL, "u16:0,2 u16:2=1", "u16:0,2" },
        { "BitShift", "direction=LEFT", "u8:4=1,255,3,7 u8:4=7,1,0,2", "u8:4=128,254,3,28" },
        { "BitShift", "direction=RIGHT", "u64:2=0x8000000000000000,7 u64:1=63", "u64:2=1,0" },
        { "BitShift", "direction=LEFT", "u32:=3 u32:3=0,1,31", "u32:3=3,6,0x80000000" },
        { "BitShift", "direction=RIGHT", "u16:2=65535,8 u16:2=15,3", "u16:2=1,1" },
    };
    op_cases(rows);
}

/* Bit patterns of IEEE 754: 1.0f is 0x3f800000, float16 1.5 is 0x3e00, bfloat16 -2 is 0xc000. */
static void patterns(void **state) {
    static const op_case rows[] = {
        { "BitCast", "to=6", "f32:4=1,-0,inf,-2.5", "i32:4=0x3f800000,-2147483648,0x7f800000,-1071644672" },
        { "BitCast", "to=1", "i32:2,2=0x3f800000,-2147483648,0x7f800000,1", "f32:2,2=1,-0,inf,0x1p-149", -1 },
        { "BitCast", "to=7", "f64:2=1,3.75", "i64:2=4607182418800017408,0x400e000000000000" },
        { "BitCast", "to=11", "u64:2=0x3ff0000000000000,1", "f64:2=1,0x1p-1074", -1 },
        { "BitCast", "to=4", "f16:3=1.5,-0,inf", "u16:3=0x3e00,0x8000,0x7c00" },
        { "BitCast", "to=16", "i16:2=-16384,0x3f80", "bf16:2=-2,1", -1 },
        { "BitCast", "to=10", "bf16:2=1,-2", "f16:2=1.875,-2", -1 }, /* 0x3f80 and 0xc000 read as float16 */
        { "BitCast", "to=3", "u8:3=0,127,255", "i8:3=0,127,-1" },
        { "BitCast", "to=2", "bool:3=1,0,1", "u8:3=1,0,1" },
        { "BitCast", "to=9", "u8:2=1,0", "bool:2=1,0" },
        { "BitCast", "to=17", "u8:4=0x38,0x7e,0xc0,1", "f8e4m3fn:4=1,448,-2,0x1p-9" },
        { "BitCast", "to=2", "f8e5m2:3=1,inf,-57344", "u8:3=0x3c,0x7c,0xfb" },
        { "BitCast", "to=24", "u8:2=127,130", "f8e8m0:2=1,8" },
        { "BitCast", "to=22", "u4:5=7,8,15,0,9", "i4:5=7,-8,-1,0,-7" },
        { "BitCast", "to=23", "u4:4=2,7,10,1", "f4e2m1:4=1,6,-1,0.5" },
        { "BitCast", "to=25", "i2:3=-1,1,-2", "u2:3=3,1,2" },
        { "BitCast", "to=6", "f32:=2", "i32:=0x40000000" },
        { "BitCast", "to=12", "f32:0,3", "u32:0,3" },
    };
    op_cases(rows);
}

static void comparisons(void **state) {
    static const op_case rows[] = {
        { "GreaterOrEqual", NULL, "f32:5=1,2,3,nan,-0 f32:5=2,2,2,2,0", "bool:5=0,1,1,0,1" },
        { "LessOrEqual", NULL, "f32:5=1,2,3,nan,-0 f32:5=2,2,2,2,0", "bool:5=1,1,0,0,1" },
        { "GreaterOrEqual@12", NULL, "f64:2=1,inf f64:1=inf", "bool:2=0,1" },
        { "LessOrEqual@12", NULL, "f16:2,1=1,-1 f16:2=0,1", "bool:2,2=0,1,1,1" },
        { "GreaterOrEqual", NULL, "bf16:3=-inf,0,1 bf16:=0", "bool:3=0,1,1" },
        { "LessOrEqual", NULL, "i8:3=-128,0,127 i8:1=0", "bool:3=1,1,0" },
        { "LessOrEqual", NULL, "u8:3=128,0,255 u8:1=128", "bool:3=1,1,0" },
        { "GreaterOrEqual", NULL, "u64:2=0xffffffffffffffff,0 u64:=1", "bool:2=1,0" }, /* not read as -1 */
        { "GreaterOrEqual", NULL, "i64:2=9007199254740993,-1 i64:2=9007199254740992,0", "bool:2=1,0" },
        { "LessOrEqual", NULL, "i64:1=9007199254740993 i64:1=9007199254740992", "bool:1=0" },
        { "LessOrEqual@16", NULL, "u16:=7 u16:=7", "bool:=1" },
        { "GreaterOrEqual", NULL, "i16:2,0 i16:1=3", "bool:2,0" },
        { "LessOrEqual", NULL, "u32:2=0x80000000,1 u32:=2", "bool:2=0,1" },
        { "GreaterOrEqual", NULL, "i32:2=-5,5 i32:=0", "bool:2=0,1" },
        { "Equal", NULL, "str:3=a,b,a str:=a", "bool:3=1,0,1" }, /* strings since version 19 */
        { "Equal", NULL, "f16:2=nan,1 f16:2=nan,1", "bool:2=0,1" },
        { "IsNaN", NULL, "f8e4m3fn:2=nan,448", "bool:2=1,0" }, /* float8 since version 20 */
        { "IsNaN", NULL, "bf16:3=nan,inf,1", "bool:3=1,0,0" },
        { "IsInf", NULL, "f8e5m2:3=inf,-inf,nan", "bool:3=1,1,0" },
        { "IsInf", "detect_negative=0", "f16:3=inf,-inf,1", "bool:3=1,0,0" },
        { "IsInf", "detect_positive=0", "bf16:3=inf,-inf,1", "bool:3=0,1,0" },
    };
    op_cases(rows);
}

static void running_products(void **state) {
    static const op_case rows[] = {
        { "CumProd", NULL, "f32:3=1,2,3 i32:=0", "f32:3=1,2,6" },
        { "CumProd", "exclusive=1", "f32:3=1,2,3 i64:=0", "f32:3=1,1,2" },
        { "CumProd", "reverse=1", "f64:3=1,2,3 i32:=-1", "f64:3=6,6,3" },
        { "CumProd", "exclusive=1 reverse=1", "i32:3=1,2,3 i32:=0", "i32:3=6,3,1" },
        { "CumProd", NULL, "i64:2,3=1,2,3,4,5,6 i64:=1", "i64:2,3=1,2,6,4,20,120" },
        { "CumProd", NULL, "i64:2,3=1,2,3,4,5,6 i64:=-2", "i64:2,3=1,2,3,4,10,18" },
        { "CumProd", "reverse=1", "f16:2,2=2,3,0.5,-1 i32:=0", "f16:2,2=1,-3,0.5,-1" },
        { "CumProd", NULL, "bf16:4=-1,2,-4,0.5 i32:=0", "bf16:4=-1,-2,8,4" },
        { "CumProd", NULL, "u32:3=65536,65536,5 i32:=0", "u32:3=65536,0,0" }, /* modulo 2^32 */
        { "CumProd", "exclusive=1", "u64:2,1=7,9 i32:=1", "u64:2,1=1,1" },
        { "CumProd", NULL, "f32:2,0 i32:=0", "f32:2,0" },
        { "CumSum", "exclusive=1 reverse=1", "i64:3=1,2,3 i64:=-1", "i64:3=5,3,0" },
        { "CumSum", NULL, "bf16:3=1,2,4 i32:=0", "bf16:3=1,3,7" },
    };
    op_cases(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(bitwise), cmocka_unit_test(patterns),
                                        cmocka_unit_test(comparisons), cmocka_unit_test(running_products) };
    return cmocka_run_group_tests_name("op/bits", tests, NULL, NULL);
}
