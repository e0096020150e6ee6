/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* constants.c - Constant in all its forms, sparse tensors as attributes and as initializers, and what fills tensors:
 * ConstantOfShape, EyeLike, Range, OneHot. */
#include "lib/op_cases.h"
#include "lib/op_run.h"
#include "test.h"

static void values(void **state) {
    static const op_case rows[] = {
        { "Constant", "value=<f32:2,2=1,2,3,4>", "", "f32:2,2=1,2,3,4" },
        { "Constant", "value=<str:2=a,b>", "", "str:2=a,b" },
        { "Constant", "value=<i4:3=-8,7,1>", "", "i4:3=-8,7,1" },
        { "Constant", "value=<f8e5m2:2=inf,-3>", "", "f8e5m2:2=inf,-3" },
        { "Constant", "value=<u2:5=3,2,1,0,3>", "", "u2:5=3,2,1,0,3" },
        { "Constant", "value=<c64:1=1,-2>", "", "c64:1=1,-2" },
        { "Constant", "value=<f64:0,3>", "", "f64:0,3" },
        { "Constant", "value=<bool:=1>", "", "bool:=1" },
        { "Constant@9", "value=<u64:1=0xffffffffffffffff>", "", "u64:1=0xffffffffffffffff" },
        { "Constant", "value_float=2.5", "", "f32:=2.5" },
        { "Constant", "value_floats=[1.5,-2.0]", "", "f32:2=1.5,-2" },
        { "Constant", "value_int=-7", "", "i64:=-7" },
        { "Constant", "value_ints=[1,-9223372036854775808]", "", "i64:2=1,-9223372036854775808" },
        { "Constant@12", "value_string=word", "", "str:=word" },
        { "Constant", "value_strings=[a,bc]", "", "str:2=a,bc" },
    };
    op_cases(rows);
}

/* Places count through the whole tensor, or are one index for each dimension. */
static void sparse(void **state) {
    static const op_case rows[] = {
        { "Constant@11", "sparse_value={f32:2=7,8;i64:2=1,5;2,3}", "", "f32:2,3=0,7,0,0,0,8" },
        { "Constant", "sparse_value={f32:2=7,8;i64:2,2=0,1,1,2;2,3}", "", "f32:2,3=0,7,0,0,0,8" },
        { "Constant", "sparse_value={f64:1=-0.5;i64:1,1=2;4}", "", "f64:4=0,0,-0.5,0" },
        { "Constant", "sparse_value={i64:2=3,-4;i64:2=0,3;4}", "", "i64:4=3,0,0,-4" },
        { "Constant", "sparse_value={i32:2=3,-4;i64:2,3=0,0,1,1,1,0;2,2,2}", "", "i32:2,2,2=0,3,0,0,0,0,-4,0" },
        { "Constant", "sparse_value={f16:1=2.5;i64:1=0;1,2}", "", "f16:1,2=2.5,0" },
        { "Constant", "sparse_value={bf16:1=2.5;i64:1,2=0,1;1,2}", "", "bf16:1,2=0,2.5" },
        { "Constant", "sparse_value={u8:1=255;i64:1=1;2}", "", "u8:2=0,255" },
        { "Constant", "sparse_value={bool:1=1;i64:1=2;3}", "", "bool:3=0,0,1" },
        { "Constant", "sparse_value={i16:1=-1;i64:1=1;2,1}", "", "i16:2,1=0,-1" },
        { "Constant", "sparse_value={f8e4m3fn:1=448;i64:1=1;2}", "", "f8e4m3fn:2=0,448" },
        { "Constant", "sparse_value={c64:1=1,-2;i64:1=1;2}", "", "c64:2=0,0,1,-2" },
        { "Constant", "sparse_value={f32:0;i64:0;2,2}", "", "f32:2,2=0" },
    };
    op_cases(rows);
    static const struct {
        const char *attrs, *words;
    } wrong[] = {
        { "sparse_value={f32:1=7;i64:1=6;2,3}", "entry 0 lies outside" },
        { "sparse_value={f32:1=7;i64:1,2=0,3;2,3}", "entry 0 lies outside" },
        { "sparse_value={f32:2=7,8;i64:1=1;2,3}", "" },
        { "sparse_value={f32:1=7;i64:1=-1;2,3}", "entry 0 lies outside" },
        { "value_int=1 value_float=1.0", "" },
        { NULL, "" },
    };
    for (size_t i = 0; i < TN_COUNT(wrong); i++)
        op_case_refused(&(op_case){ "Constant", wrong[i].attrs, "", "f32:=0", 0 }, wrong[i].words);
}

static void sparse_initializers(void **state) {
    static const struct {
        const char *elements, *at, *dims, *dense;
    } rows[] = {
        { "f32:2=7,8", "i64:2=1,5", "2,3", "f32:2,3=0,7,0,0,0,8" },
        { "f64:2=7,8", "i64:2,2=0,1,1,2", "2,3", "f64:2,3=0,7,0,0,0,8" },
        { "i64:1=-9", "i64:1=0", "2", "i64:2=-9,0" },
        { "i32:2=1,2", "i64:2,3=0,0,0,1,0,1", "2,1,2", "i32:2,1,2=1,0,0,2" },
        { "f16:1=0.5", "i64:1,1=1", "2", "f16:2=0,0.5" },
        { "u8:1=200", "i64:1=1", "1,2", "u8:1,2=0,200" },
        { "bool:1=1", "i64:1,2=0,1", "1,2", "bool:1,2=0,1" },
    };
    for (size_t i = 0; i < TN_COUNT(rows); i++) {
        tn_tensor *v = tensor_of_text(rows[i].elements), *at = tensor_of_text(rows[i].at);
        tn_tensor *want = tensor_of_text(rows[i].dense), *out = NULL;
        char why[300];
        tn_model *m = NULL;
        tn_session *s = NULL;
        ob *b = ob_new(13, 28);
        ob_sparse_init(b, "w", rows[i].dims, v, at);
        ob_node(b, "Identity", "w", "y");
        ob_output(b, "y");
        tn_text file = ob_finish(b);
        check_ok(tn_model_open_memory(file.s, file.n, &m));
        check_ok(tn_session_new(m, NULL, &s));
        check_ok(tn_session_run(s, 0, NULL, 1, &out));
        check(tensors_agree(out, want, 0, why, sizeof why), "%s at %s %s\n", rows[i].elements, rows[i].at, why);
        tn_session_free(&s);
        tn_model_close(&m);
        tn_text_free(&file);
        tn_tensor_free(&v), tn_tensor_free(&at), tn_tensor_free(&want), tn_tensor_free(&out);
    }
}

static void filled(void **state) {
    static const op_case rows[] = {
        { "ConstantOfShape", NULL, "i64:2=1,2", "f32:1,2=0" },
        { "ConstantOfShape", "value=<i8:1=-3>", "i64:1=2", "i8:2=-3" },
        { "ConstantOfShape", "value=<bf16:1=2.5>", "i64:0", "bf16:=2.5" },
        { "ConstantOfShape", "value=<i4:1=-3>", "i64:1=3", "i4:3=-3" },
        { "ConstantOfShape", "value=<f8e4m3fn:1=448>", "i64:2=2,1", "f8e4m3fn:2,1=448" },
        { "ConstantOfShape", "value=<bool:1=1>", "i64:2=0,2", "bool:0,2" },
        { "EyeLike", NULL, "f32:2,3=9", "f32:2,3=1,0,0,0,1,0" },
        { "EyeLike", "k=1 dtype=7", "f64:2,3=9", "i64:2,3=0,1,0,0,0,1" },
        { "EyeLike", "k=-1 dtype=16", "i32:3,2=9", "bf16:3,2=0,0,1,0,0,1" },
        { "EyeLike", "k=5 dtype=9", "i32:1,2=9", "bool:1,2=0" },
        { "Range", NULL, "f64:=1 f64:=2 f64:=0.25", "f64:4=1,1.25,1.5,1.75" },
        { "Range", NULL, "i16:=5 i16:=-1 i16:=-2", "i16:3=5,3,1" },
        { "Range", NULL, "i32:=3 i32:=3 i32:=1", "i32:0" },
        { "Range", NULL, "f16:=0 f16:=2 f16:=0.5", "f16:4=0,0.5,1,1.5" }, /* float16 and bfloat16 since version 27 */
        { "Range", NULL, "bf16:=2 bf16:=0 bf16:=-0.5", "bf16:4=2,1.5,1,0.5" },
        { "com.microsoft::Range", NULL, "i64:=1 i64:=4", "i64:3=1,2,3" }, /* a step of 1 may be left out */
        { "com.microsoft::Range", NULL, "f32:=1 f32:=2 f32:=0.5", "f32:2=1,1.5" },
        { "OneHot", NULL, "i64:2=1,-1 i64:=3 f32:2=0,5", "f32:2,3=0,5,0,0,0,5" },
        { "OneHot@10", NULL, "i64:4=1,-1,3,-3 i64:=3 f32:2=0,5", "f32:4,3=0,5,0,0" },
        { "OneHot@9", NULL, "i64:=-1 i64:1=2 f32:2=0,5", "f32:2=0" },
        { "OneHot@9", "axis=0", "i8:2=-1,1 u8:=2 i32:2=0,5", "i32:2,2=0,0,0,5" },
        { "OneHot@9", NULL, "f32:3=-1,-0.5,1.5 f32:=2 i32:2=0,5", "i32:3,2=0,0,5,0,0,5" },
        { "OneHot@9", NULL, "u8:2=255,0 i64:=2 f32:2=0,5", "f32:2,2=0,0,5,0" },
        { "OneHot", "axis=0", "i32:2=0,7 i32:1=2 str:2=off,on", "str:2,2=on,off,off,off" },
        { "OneHot", "axis=-2", "f32:1,2=0,1 i64:=2 i8:2=-1,1", "i8:1,2,2=1,-1,-1,1" },
        { "Trilu", "upper=0", "f32:2,2=1,2,3,4", "f32:2,2=1,0,3,4" },
        { "Trilu", NULL, "i64:2,3=1,2,3,4,5,6 i64:=1", "i64:2,3=0,2,3,0,0,6" },
        { "Trilu", "upper=0", "bool:2,1,2=1 i64:=-1", "bool:2,1,2=0" },
        { "Trilu", NULL, "f64:0,2,2", "f64:0,2,2" },
        { "com.microsoft::Trilu", "upper=0", "f32:2,2=1,2,3,4 i64:=0", "f32:2,2=1,0,3,4" },
        { "com.microsoft::Trilu", NULL, "i64:1,2,2=1,2,3,4 i64:=-1", "i64:1,2,2=1,2,3,4" },
    };
    op_cases(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(values), cmocka_unit_test(sparse),
                                        cmocka_unit_test(sparse_initializers), cmocka_unit_test(filled) };
    return cmocka_run_group_tests_name("op/constants", tests, NULL, NULL);
}
