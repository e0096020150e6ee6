/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* numbers_as_text.c - where numbers are text: Cast from and to strings, CastMap, formulas of gradients, names of
 * dimensions. Once as the program starts, and again with a comma for a decimal point. */
#include "graph/dim.h"
#include "lib/comma.h"
#include "lib/op_cases.h"
#include "lib/op_run.h"
#include "test.h"
#include <math.h>

#define TEN(d) d d d d d d d d d d

static void strings_to_numbers(void **state) {
    static const op_case rows[] = {
        { "Cast", "to=1", "str:6=1.5,-.25e1,0x1p-3,1e400,-inf,+7", "f32:6=1.5,-2.5,0.125,inf,-inf,7", -1 },
        { "Cast", "to=11", "str:3=0.1,1.7976931348623157e308,4.9e-324",
          "f64:3=0x1.999999999999ap-4,0x1.fffffffffffffp1023,0x1p-1074", -1 },
        { "Cast", "to=7", "str:4=9223372036854775807,-9223372036854775808,1e3,-0",
          "i64:4=9223372036854775807,-9223372036854775808,1000,0" },
        { "Cast", "to=13", "str:2=18446744073709551615,0", "u64:2=18446744073709551615,0" },
        { "Cast", "to=9", "str:3=0,1,2.5", "bool:3=0,1,1" },
        { "Cast", "to=10", "str:2=0.5,1e-9", "f16:2=0.5,0", -1 },
        /* texts beyond any buffer: 140 zeros before, 260 digits behind the point, an exponent that takes them back */
        { "Cast", "to=6", "str:1=" TEN(TEN("0")) TEN("0000") "42", "i32:1=42" },
        { "Cast", "to=1", "str:1=0." TEN(TEN("0")) TEN(TEN("0")) TEN("000000") "25e261", "f32:1=2.5" },
        /* rounded once: by way of a float64 this would be 1 */
        { "Cast", "to=1", "str:1=1.000000059604644775390625" TEN(TEN("0")) "1", "f32:1=0x1.000002p0", -1 },
    };
    op_cases(rows);
}

static void texts_that_are_refused(void **state) {
    static const struct {
        const char *attrs, *in, *want, *words;
    } rows[] = {
        { "to=7", "str:2=1,9223372036854775808", "i64:2=0", "element 1, \"9223372036854775808\", is beyond" },
        { "to=6", "str:1=-9223372036854775809", "i32:1=0", "beyond the type's range" },
        { "to=13", "str:1=-1", "u64:1=0", "beyond the type's range" },
        { "to=13", "str:1=18446744073709551616", "u64:1=0", "beyond the type's range" },
        { "to=1", "str:1=", "f32:1=0", "element 0, \"\", is not a number" },
        { "to=1", "str:1=1.5x", "f32:1=0", "not a number" },
        { "to=7", "str:1=12a", "i64:1=0", "not a number" },
        { "to=1", "str:1=1e", "f32:1=0", "not a number" },
        { "to=1", "str:1=" TEN(TEN("0")) TEN("0000") "1;", "f32:1=0", "not a number" },
    };
    for (size_t i = 0; i < TN_COUNT(rows); i++)
        op_case_refused(&(op_case){ "Cast", rows[i].attrs, rows[i].in, rows[i].want, 0 }, rows[i].words);
}

/* What is written with a comma, as the locale would, is no number. */
static void a_comma_is_no_point(void **state) {
    ob *b = ob_new(9, 20);
    ob_input(b, "x", TN_STRING, "1");
    ob_output(b, "y");
    ob_node(b, "Cast", "x", "y");
    ob_int(b, "to", 1);
    op_refused(b, 1, &(op_data){ TN_STRING, "1", .s = { "1,5" } }, "not a number");
}

static void numbers_to_strings(void **state) {
    static const op_case rows[] = {
        { "Cast", "to=8", "f32:5=1.5,-0.1,1e-20,16777216,inf", "str:5=1.5,-0.1,1e-20,16777216,INF" },
        { "Cast", "to=8", "f64:3=0.1,1e300,-2.5", "str:3=0.1,1e+300,-2.5" },
        { "Cast", "to=8", "i64:2=-9223372036854775808,7", "str:2=-9223372036854775808,7" },
        { "Cast", "to=8", "f16:1=0.333251953125", "str:1=0.33325195" },
        { "Cast", "to=8", "f32:3=-inf,nan,-0", "str:3=-INF,NaN,-0" },
        { "Cast", "to=8", "f64:2=-inf,inf", "str:2=-INF,INF" },
        { "Cast", "to=8", "u64:1=18446744073709551615", "str:1=18446744073709551615" },
        { "Cast", "to=8", "bool:2=1,0", "str:2=True,False" },
    };
    op_cases(rows);
}

/* d erf(x)/dx = 2/sqrt(pi) exp(-x^2): its formula writes the constant as text. */
static void gradients(void **state) {
    static const char *const types[] = { "Erf", "Gelu" };
    static const double want[] = { 0.87878257893544, 0.86749512465616 }; /* at 0.5 */
    for (int i = 0; i < 2; i++) {
        ob *b = ob_new(9, 20);
        ob_input(b, "x", TN_F64, "1");
        ob_output(b, "y");
        ob_node(b, types[i], "x", "y");
        tn_text file = ob_finish(b);
        tn_model *m, *g;
        tn_session *s;
        tn_tensor *x, *out[2];
        check_ok(tn_model_open_memory(file.s, file.n, &m));
        check_ok(tn_model_gradient(m, NULL, 1, (const char *[]){ "x" }, &g));
        check_ok(tn_session_new(g, NULL, &s));
        check_ok(tn_tensor_new(TN_F64, 1, (int64_t[]){ 1 }, &x));
        *(double *)tn_tensor_data(x) = 0.5;
        check_ok(tn_session_run(s, 1, (const tn_tensor *[]){ x }, 2, out));
        double got = *(double *)tn_tensor_data(out[1]);
        check(fabs(got - want[i]) < 1e-12, "%s: %.14g, expected %.14g\n", types[i], got, want[i]);
        tn_tensor_free(&x), tn_tensor_free(&out[0]), tn_tensor_free(&out[1]);
        tn_session_free(&s), tn_model_close(&g), tn_model_close(&m), tn_text_free(&file);
    }
}

static void dimensions(void **state) {
    static const char *const texts[] = { "floor(0.3*h)", "2*h + 3", "floor(h/4)" };
    tn_syms *s = tn_syms_new();
    for (size_t i = 0; i < TN_COUNT(texts); i++) {
        tn_text t = { 0 };
        tn_dim d = tn_dim_parse(s, texts[i]);
        assert_true(tn_dim_symbolic(d));
        tn_dim_print(s, d, &t);
        assert_string_equal(t.s, texts[i]);
        tn_text_free(&t);
    }
    assert_int_equal(tn_dim_parse(s, "999999999999999999"), 999999999999999999);
    assert_int_equal(tn_dim_parse(s, "1000000000000000000"), TN_DIM_UNKNOWN);
    assert_int_equal(tn_dim_parse(s, "18446744073709551617"), TN_DIM_UNKNOWN);
    tn_syms_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_to_strings),
        cmocka_unit_test(strings_to_numbers),
        cmocka_unit_test(texts_that_are_refused),
        cmocka_unit_test(a_comma_is_no_point),
        cmocka_unit_test(numbers_to_strings),
        cmocka_unit_test(gradients),
        cmocka_unit_test(dimensions),
    };
    int failed = cmocka_run_group_tests_name("as it starts", tests, NULL, NULL);
    comma_locale();
    return failed + cmocka_run_group_tests_name("under a comma", tests, NULL, NULL);
}
