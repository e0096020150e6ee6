/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Numbers from and to text: correct rounding, ends, ranges; the same under a locale whose decimal point is a comma. */
#include "base/number.h"
#include "base/text.h"
#include "lib/comma.h"
#include "test.h"
#include <float.h>
#include <limits.h>
#include <math.h>

static double f64(const char *s) {
    double v = -12345;
    check(tn_parse_f64(s, &v), "'%s' was not read\n", s);
    return v;
}

static float f32(const char *s) {
    float v = -12345;
    check(tn_take_f32(&s, NULL, &v) == TN_NUMBER_READ && !*s, "not read whole: '%s' is left\n", s);
    return v;
}

static bool same(double a, double b) { return isnan(a) ? isnan(b) : !memcmp(&a, &b, sizeof a); }

static void the_grammar_of_floats(void **state) {
    static const struct {
        const char *text;
        double v;
        size_t used;
    } rows[] = {
        { "1", 1, 1 },
        { "-1.5", -1.5, 4 },
        { "+.25", .25, 4 },
        { "2.", 2, 2 },
        { "1e3", 1e3, 3 },
        { "1E+3x", 1e3, 4 },
        { "1e-3,", 1e-3, 4 },
        { "1e", 1, 1 },
        { "1e+", 1, 1 },
        { "7 8", 7, 1 },
        { "1,5", 1, 1 },
        { "1.5.5", 1.5, 3 },
        { "-0", -0.0, 2 },
        { "0x", 0, 1 },
        { "0x.8p1", 1, 6 },
        { "0x1.8p-1", .75, 8 },
        { "0x10", 16, 4 },
        { "-0X1P4", -16, 6 },
        { "inf", INFINITY, 3 },
        { "-Infinity", -INFINITY, 9 },
        { "infin", INFINITY, 3 },
        { "NaN", NAN, 3 },
        { "000.0001e4", 1, 10 },
        { "0e999999999999999999999", 0, 23 },
        { "1e999999999999999999999", INFINITY, 23 },
        { "1e-999999999999999999999", 0, 24 },
        { "0x1p99999999999999999999", INFINITY, 24 },
        { "1_000", 1, 1 },
        { "12e1.5", 120, 4 },
    };
    for (size_t i = 0; i < TN_COUNT(rows); i++) {
        const char *p = rows[i].text;
        double v = 0;
        check(tn_take_f64(&p, NULL, &v) == TN_NUMBER_READ, "'%s' was not read\n", rows[i].text);
        check(same(v, rows[i].v), "'%s' is %a, expected %a\n", rows[i].text, v, rows[i].v);
        check((size_t)(p - rows[i].text) == rows[i].used, "'%s': %d read\n", rows[i].text, (int)(p - rows[i].text));
    }
    static const char *const none[] = {
        "", "-", "+", ".", "-.", "e5", ".e5", " 1", "x", "+-1", "--1", "in", "na", "i"
    };
    for (size_t i = 0; i < TN_COUNT(none); i++) {
        const char *p = none[i];
        double v = 5;
        check(tn_take_f64(&p, NULL, &v) == TN_NUMBER_NONE && p == none[i] && v == 5, "'%s' was read\n", none[i]);
    }
}

/* The end bounds every part of a number: a text without NUL is never read past it. */
static void every_end_of_a_text(void **state) {
    static const char *const texts[] = { "-123.456e-78", "0x1f.8p+12", "-infinity", "nan", "+0.000012" };
    for (size_t i = 0; i < TN_COUNT(texts); i++)
        for (size_t n = 0; n <= strlen(texts[i]); n++) {
            char *exact = malloc(n + 1), *cut = malloc(n ? n : 1), terminated[32]; /* ASan sees a read past the end */
            memcpy(cut, texts[i], n);
            snprintf(terminated, sizeof terminated, "%.*s", (int)n, texts[i]);
            memcpy(exact, terminated, n + 1);
            const char *p = cut, *q = exact;
            double v = 1, w = 1;
            tn_number a = tn_take_f64(&p, cut + n, &v), b = tn_take_f64(&q, NULL, &w);
            check(a == b && same(v, w) && p - cut == q - exact, "'%s' by length and by NUL differ\n", terminated);
            free(cut);
            free(exact);
        }
}

/* Numbers halfway between two floats, and a hair beside. */
static void rounding_is_correct(void **state) {
    assert_true(f64("9007199254740993") == 9007199254740992); /* 2^53 + 1: the tie goes to even */
    assert_true(f64("9007199254740993.0000000000000000000000000000000000000001") == 9007199254740994);
    assert_true(f64("9007199254740995") == 9007199254740996);
    assert_true(f64("2.2250738585072011e-308") == 0x0.fffffffffffffp-1022);
    assert_true(f64("1.7976931348623157e308") == DBL_MAX && f64("1.7976931348623159e308") == INFINITY);
    assert_true(f64("4.9406564584124654e-324") == 0x1p-1074 && f64("2.4703282292062327e-324") == 0);
    assert_true(f64("2.4703282292062328e-324") == 0x1p-1074);
    assert_true(f32("16777217") == 16777216 && f32("16777217.000000000000000001") == 16777218);
    assert_true(f32("3.4028235e38") == FLT_MAX && f32("3.4028236e38") == INFINITY);
    /* rounded to float64 first, this would become the tie 1 + 2^-24 and then 1 */
    assert_true(f32("1.000000059604644775390625000000000000000001") == 0x1.000002p0f);
}

/* (2^53 - 1) * 2^-1075 has 768 significant digits and is a tie; the digits come by long division by hand. */
static void hundreds_of_digits_count(void **state) {
    enum { DIGITS_OF_TIE = 1075 };
    unsigned char digit[DIGITS_OF_TIE + 400] = { 0 }; /* decimal places of 2^-1075 x 0x1fffffffffffff */
    char text[DIGITS_OF_TIE + 600];
    /* 0x1fffffffffffff * 5^1075 as a decimal number of DIGITS_OF_TIE places */
    int n = 0;
    for (uint64_t v = 0x1fffffffffffff; v; v /= 10) digit[n++] = (unsigned char)(v % 10);
    for (int times = 0; times < DIGITS_OF_TIE; times++) {
        int carry = 0;
        for (int i = 0; i < n || carry; i++) {
            int d = (i < n ? digit[i] : 0) * 5 + carry;
            digit[i] = (unsigned char)(d % 10), carry = d / 10;
            if (i >= n) n = i + 1;
        }
    }
    assert_int_equal(n, 768);
    char *p = text + sprintf(text, "0.");
    for (int i = DIGITS_OF_TIE - 1; i >= 0; i--) *p++ = (char)('0' + (i < n ? digit[i] : 0));
    *p = 0;
    assert_true(f64(text) == 0x1p-1022); /* the tie: to even */
    memset(p, '0', 300), p[300] = '1', p[301] = 0;
    assert_true(f64(text) == 0x1p-1022);
    p[300] = 0, p[-1] = (char)(p[-1] - 1);
    assert_true(f64(text) == 0x0.fffffffffffffp-1022);
    p[-1] = (char)(p[-1] + 1), p[300] = '0', p[301] = 0;
    assert_true(f64(text) == 0x1p-1022);
}

static void long_texts_keep_their_value(void **state) {
    enum { ZEROS = 200000 };
    char *text = malloc(ZEROS + 100);
    memset(text, '0', ZEROS);
    snprintf(text + ZEROS, 100, "1.5");
    assert_true(f64(text) == 1.5);
    text[0] = '1', snprintf(text + ZEROS, 100, "e-%d", ZEROS);
    assert_true(f64(text) == 0.1);
    memcpy(text, "0.0", 3), snprintf(text + ZEROS, 100, "25e%d", ZEROS - 2);
    assert_true(f64(text) == 0.25);
    free(text);
}

static void printed_numbers_read_back(void **state) {
    uint64_t seed = 7;
    char text[32];
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = test_random(&seed);
        double v;
        float w;
        uint32_t low = (uint32_t)(bits >> 32);
        memcpy(&v, &bits, sizeof v);
        memcpy(&w, &low, sizeof w);
        if (!isfinite(v) || !isfinite(w)) continue;
        assert_in_range(tn_print_f64(text, sizeof text, v, false), 1, 31);
        check(f64(text) == v, "%a was printed as %s\n", v, text);
        assert_in_range(tn_print_f64(text, sizeof text, (double)w, true), 1, 31);
        check(f32(text) == w, "%a was printed as %s\n", (double)w, text);
    }
    static const struct {
        double v;
        bool single;
        const char *text;
    } rows[] = { { 0.1, false, "0.1" },        { 0.1f, true, "0.1" },          { 0.1f, false, "0.10000000149011612" },
                 { 1e23, false, "1e+23" },     { -0.0, false, "-0" },          { INFINITY, false, "inf" },
                 { 1234567, true, "1234567" }, { 0x1p-1074, false, "5e-324" }, { NAN, false, "nan" } };
    for (size_t i = 0; i < TN_COUNT(rows); i++) {
        tn_print_f64(text, sizeof text, rows[i].v, rows[i].single);
        assert_string_equal(text, rows[i].text);
    }
}

static void whole_numbers_say_when_they_do_not_fit(void **state) {
    static const struct {
        const char *text;
        tn_number got;
        int64_t v;
    } rows[] = {
        { "0", TN_NUMBER_READ, 0 },
        { "-0017", TN_NUMBER_READ, -17 },
        { "+5", TN_NUMBER_READ, 5 },
        { "9223372036854775807", TN_NUMBER_READ, INT64_MAX },
        { "9223372036854775808", TN_NUMBER_RANGE, INT64_MAX },
        { "-9223372036854775808", TN_NUMBER_READ, INT64_MIN },
        { "-9223372036854775809", TN_NUMBER_RANGE, INT64_MIN },
        { "18446744073709551616", TN_NUMBER_RANGE, INT64_MAX },
        { "99999999999999999999999999", TN_NUMBER_RANGE, INT64_MAX },
        { "-99999999999999999999999999", TN_NUMBER_RANGE, INT64_MIN },
    };
    for (size_t i = 0; i < TN_COUNT(rows); i++) {
        const char *p = rows[i].text;
        int64_t v = 77;
        check(tn_take_i64(&p, NULL, &v) == rows[i].got && v == rows[i].v && !*p, "'%s' is %lld\n", rows[i].text,
              (long long)v);
    }
    uint64_t u = 1;
    const char *p = "18446744073709551615", *q = "18446744073709551616", *minus = "-1", *zero = "-0";
    assert_true(tn_take_u64(&p, NULL, &u) == TN_NUMBER_READ && u == UINT64_MAX);
    assert_true(tn_take_u64(&q, NULL, &u) == TN_NUMBER_RANGE && u == UINT64_MAX);
    assert_true(tn_take_u64(&minus, NULL, &u) == TN_NUMBER_RANGE && u == 0);
    assert_true(tn_take_u64(&zero, NULL, &u) == TN_NUMBER_READ && u == 0);
    int n = 3;
    int64_t v = 3;
    assert_false(tn_parse_int("2147483648", INT_MIN, INT_MAX, &n) || tn_parse_int("11", 0, 10, &n) || n != 3);
    assert_false(tn_parse_i64("", 0, 9, &v) || tn_parse_i64("1 ", 0, 9, &v) || tn_parse_i64("0x1", 0, 9, &v) || v != 3);
    assert_true(tn_parse_int("-2147483648", INT_MIN, INT_MAX, &n) && n == INT_MIN);
}

static void words_compare_by_ascii(void **state) {
    assert_true(tn_same_word("INFO", "info") && tn_same_word("", "") && tn_same_word("a1-Z", "A1-z"));
    assert_false(tn_same_word("inf", "info") || tn_same_word("info", "inf") || tn_same_word("@", "`"));
    assert_true(tn_same_word_n("Tanhx", 4, "tanh") && !tn_same_word_n("tan", 3, "tanh") &&
                !tn_same_word_n("tanhx", 5, "tanh"));
}

/* In a program with a comma for a point, text of ours has points. */
static void printing_under_a_comma(void **state) {
    char text[40];
    tn_text t = { 0 };
    snprintf(text, sizeof text, "%.1f", 1.5);
    assert_string_equal(text, "1,5"); /* the locale is what the test needs */
    tn_snprintf(text, sizeof text, "%.1f %g %d", 1.5, 2.5, 3);
    assert_string_equal(text, "1.5 2.5 3");
    tn_text_printf(&t, "%.2f", 0.25);
    assert_string_equal(t.s, "0.25");
    tn_text_free(&t);
    tn_fail(TN_E_INVALID, "p is %g", 0.5);
    assert_string_equal(tn_error(), "p is 0.5");
    assert_string_equal(tn_human_bytes(1536, text, sizeof text), "1.5 KiB");
    snprintf(text, sizeof text, "%.1f", 1.5);
    assert_string_equal(text, "1,5"); /* and the program's own locale is back */
}

#define EVERYTHING                                                                                  \
    cmocka_unit_test(the_grammar_of_floats), cmocka_unit_test(every_end_of_a_text),                 \
        cmocka_unit_test(rounding_is_correct), cmocka_unit_test(hundreds_of_digits_count),          \
        cmocka_unit_test(long_texts_keep_their_value), cmocka_unit_test(printed_numbers_read_back), \
        cmocka_unit_test(whole_numbers_say_when_they_do_not_fit), cmocka_unit_test(words_compare_by_ascii)

int main(void) {
    const struct CMUnitTest plain[] = { EVERYTHING },
                            comma[] = { EVERYTHING, cmocka_unit_test(printing_under_a_comma) };
    int failed = cmocka_run_group_tests_name("numbers", plain, NULL, NULL);
    comma_locale();
    return failed + cmocka_run_group_tests_name("numbers under a comma", comma, NULL, NULL);
}
