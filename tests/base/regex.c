/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* regex.c - the regular expression engine: what matches, what is refused, and that time stays linear. */
#include "base/regex.h"
#include "base/unicode.h"
#include "test.h"
#include <time.h>

static bool matches(const char *pattern, const char *text) {
    tn_regex *re;
    check_ok(tn_regex_new(pattern, strlen(pattern), &re));
    void *scratch = malloc(tn_regex_scratch(re));
    assert_non_null(scratch);
    bool yes = tn_regex_full_match(re, text, strlen(text), scratch);
    free(scratch);
    tn_regex_free(&re);
    return yes;
}

/* Texts by '|' in `yes` match, those in `no` do not. "" between bars is the empty text. */
static const struct {
    const char *pattern, *yes, *no;
} cases[] = {
    { "", "", "a" },
    { "abc", "abc", "ab|abcd|xabc" },
    { "a*", "|a|aaaa", "b|ab" },
    { "a+?b??", "a|aab", "|b|abb" },
    { "(a|bc)*d", "d|abcd|bcbcad", "abd|c" },
    { "a||b", "a||b", "ab" },
    { "x{2}", "xx", "x|xxx" },
    { "x{2,}", "xx|xxxxx", "x" },
    { "x{0,2}y{0}", "|x|xx", "xxx|y" },
    { "x{,2}", "x{,2}", "x|xx" }, /* no count: the characters themselves */
    { "a{", "a{", "a" },
    { "(?:ab){2,3}c", "ababc|abababc", "abc|ababababc" },
    { "((a{2}){2}){2}", "aaaaaaaa", "aaaa" },
    { "(a*)*", "|aaa", "b" },
    { "(a*)+b", "b|aab", "a" },
    { "(|a)+", "|a|aaa", "b" },
    { "(){5}x", "x", "" },
    { ".", "a|\xc3\xa9|\xe4\xb8\xad", "\n|ab|\xff" },
    { "(?s).", "\n|a", "" },
    { "(?s:.)a.", "\nab", "\na\n" },
    { "[abc-e]", "a|c|d|e", "f|-" },
    { "[^abc]", "d|\n|\xc3\xa9", "a|b" },
    { "[]a]+", "]|a]", "[" },
    { "[^]a]", "b", "]|a" },
    { "[a-]", "a|-", "b" },
    { "[-a]", "a|-", "b" },
    { "[a\\]b]", "a|]|b", "\\" },
    { "[\\d\\-x]+", "12-x", "a" },
    { "[[:alpha:]_[:^space:]]", "a|_|1", " " },
    { "[[:digit:][:upper:]]+", "A1", "a" },
    { "[\xc3\xa0-\xc3\xbf]+", "\xc3\xa9\xc3\xbc", "e" },
    { "\\d+\\D\\w\\W\\s\\S", "12a_- x", "12a_-x" },
    { "\\x41\\x{e9}\\101\\t\\n\\.",
      "A\xc3\xa9"
      "A\t\n.",
      "A" },
    { "\\Qa.b*\\E+", "a.b*|a.b***", "aXb*" },
    { "\\Q.", ".", "a" },
    { "(?i)straSSe",
      "STRASSE|strasse|\xc5\xbftra\xc5\xbf\xc5\xbf"
      "e",
      "strase" },
    { "(?i)\xc3\x84k", "\xc3\xa4K|\xc3\x84\xe2\x84\xaa", "Ak" }, /* the Kelvin sign is a k */
    { "(?i:a)b", "Ab|ab", "aB" },
    { "a(?i)b|c", "aB|C", "Ab" },
    { "(a(?i)b)c", "aBc", "aBC" },
    { "(?i)[^k]", "a", "k|K|\xe2\x84\xaa" },
    { "(?i)[a-c\xce\xb1]+", "AbC\xce\x91", "d" },
    { "(?-i)a(?i-s:b)", "aB", "AB" },
    { "(?P<year>\\d{4})-(?<m>\\d\\d)", "2024-05", "2024-5" },
    { "^a$", "a", "" },
    { "a$b|a^b", "", "ab" },
    { "(?m)a$\\n^b", "a\nb", "ab" },
    { "a$\\n^b", "", "a\nb" },
    { "\\Aa\\z", "a", "ab" },
    { "\\bab\\b.\\Bc?", "ab,",
      "abc|ab,"
      "c" },
    { "a\\Bb", "ab", "a b" },
    { "\\pL+\\p{Nd}\\P{L}",
      "h\xc3\xa9"
      "7-",
      "h7a" },
    { "\\p{^L}\\pN[\\p{Lu}\\PL]", "-5A|-55", "-5a" },
    { "(?i)\\p{Lu}", "a|A", "1" },
    { "\\p{Any}", "a|\xf0\x9f\x98\x80", "" },
    { "(\\W|^)[\\w.\\-]{0,25}@(yahoo|gmail)\\.com(\\W|$)", "a.b@gmail.com|@yahoo.com", "a@b.com" },
    { "a**|x", NULL, NULL },
    { "a*+", NULL, NULL },
    { "a{2}{3}", NULL, NULL },
    { "*a", NULL, NULL },
    { "(+)", NULL, NULL },
    { "a|?", NULL, NULL },
    { "(?i)*", NULL, NULL },
    { "a{3,2}", NULL, NULL },
    { "a{1001}", NULL, NULL },
    { "a{99999999999}", NULL, NULL },
    { "((a{100}){100}){2}", NULL, NULL },
    { "(", NULL, NULL },
    { ")", NULL, NULL },
    { "(?", NULL, NULL },
    { "(?P<n", NULL, NULL },
    { "(?P<>a)", NULL, NULL },
    { "(?P<n>a)(?P<n>b)", NULL, NULL },
    { "(?=a)", NULL, NULL },
    { "(?<=a)", NULL, NULL },
    { "(?i-)", NULL, NULL },
    { "(?z)", NULL, NULL },
    { "(a)\\1", NULL, NULL },
    { "[", NULL, NULL },
    { "[]", NULL, NULL },
    { "[b-a]", NULL, NULL },
    { "[a-\\d]", NULL, NULL },
    { "[[:foo:]]", NULL, NULL },
    { "\\", NULL, NULL },
    { "\\q", NULL, NULL },
    { "\\Z", NULL, NULL },
    { "\\x1", NULL, NULL },
    { "\\x{110000}", NULL, NULL },
    { "\\x{}", NULL, NULL },
    { "\\p", NULL, NULL },
    { "\\p{L", NULL, NULL },
    { "\xff", NULL, NULL },
};

static void table(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *pattern = cases[i].pattern;
        tn_regex *re;
        if (!cases[i].yes) {
            check(tn_regex_new(pattern, strlen(pattern), &re) == TN_E_INVALID, "'%s' is not refused\n", pattern);
            assert_null(re);
            continue;
        }
        for (int want = 0; want < 2; want++) {
            char texts[256], *p = texts;
            snprintf(texts, sizeof texts, "%s", want ? cases[i].yes : cases[i].no);
            if (!*texts && ((want && !strcmp(pattern, "a$b|a^b")) || (want && !strcmp(pattern, "a$\\n^b")))) continue;
            if (!*texts && !want && matches(pattern, "")) continue; /* nothing is said */
            for (char *text; (text = strsep(&p, "|"));)
                check(matches(pattern, text) == want, "'%s' and '%s': expected %d\n", pattern, text, want);
        }
    }
}

static void refusals(void **state) {
    (void)state;
    tn_regex *re;
    check_fails(tn_regex_new("a\\Cb", 4, &re), TN_E_UNSUPPORTED, "byte 1");
    check_fails(tn_regex_new("\\p{Greek}", 9, &re), TN_E_UNSUPPORTED, "Greek");
    check_fails(tn_regex_new("a(b", 3, &re), TN_E_INVALID, "byte 1: ( without )");
    char deep[4096], large[64];
    memset(deep, '(', 2000), memset(deep + 2000, ')', 2000);
    check_fails(tn_regex_new(deep, 4000, &re), TN_E_LIMIT, "groups within groups");
    snprintf(large, sizeof large, "(.{20}[ab][cd][ef]){1,40}|.{50}|(\\d{10}\\w{90}){10}");
    check_ok(tn_regex_new(large, strlen(large), &re));
    tn_regex_free(&re);
    char huge[1400];
    for (int i = 0; i < 200; i++) memcpy(huge + 7 * i, "a{1000}", 7);
    check_fails(tn_regex_new(huge, sizeof huge, &re), TN_E_LIMIT, "too large");
    assert_int_equal(matches("a", "a"), 1); /* NUL is a character like any other */
    check_ok(tn_regex_new("a\0b", 3, &re));
    void *scratch = malloc(tn_regex_scratch(re));
    assert_true(tn_regex_full_match(re, "a\0b", 3, scratch));
    assert_false(tn_regex_full_match(re, "a", 1, scratch));
    free(scratch);
    tn_regex_free(&re);
}

static double cpu_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* What takes backtracking engines for ever: twice the text, about twice the time. */
static void linear(void **state) {
    (void)state;
    static char text[40001];
    memset(text, 'a', 40000);
    assert_false(matches("(a*)*b", text));
    assert_false(matches("(a|a)*b", text));
    text[1000] = 0;
    assert_true(matches("(a?){1000}a{1000}", text));
    text[1000] = 'a';
    double t[2];
    for (int i = 0; i < 2; i++) {
        text[20000 << i] = 0;
        t[i] = cpu_ms();
        assert_false(matches("(x+x+)+y|([a-z]+)*1|(a|ab|b)*c", text));
        t[i] = cpu_ms() - t[i];
        text[20000 << i] = 'a';
        text[40000] = 0;
    }
    check(t[1] < 20 * t[0] + 50, "%.3f ms, then %.3f ms of CPU time\n", t[0], t[1]);
}

static void unicode(void **state) {
    (void)state;
    static const struct {
        uint32_t c, upper, lower;
    } letters[] = { { 'a', 'A', 'a' },
                    { 0xe9, 0xc9, 0xe9 },
                    { 0xdf, 0xdf, 0xdf },
                    { 0x3c2, 0x3a3, 0x3c2 },
                    { 0x416, 0x416, 0x436 },
                    { 0x561, 0x531, 0x561 },
                    { 0xff41, 0xff21, 0xff41 },
                    { 0x10400, 0x10400, 0x10428 },
                    { 0x1e9e, 0x1e9e, 0xdf },
                    { 0x4e2d, 0x4e2d, 0x4e2d },
                    { 0x10ffff, 0x10ffff, 0x10ffff } };
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        assert_int_equal(tn_unicode_upper(letters[i].c), letters[i].upper);
        assert_int_equal(tn_unicode_lower(letters[i].c), letters[i].lower);
    }
    assert_int_equal(tn_unicode_fold(0x212a), 'k');
    assert_int_equal(tn_unicode_fold(0x130), 0x130);
    assert_int_equal(tn_unicode_categories("X", 1), 0);
    assert_true(tn_unicode_space(0x3000) && tn_unicode_space('\n') && !tn_unicode_space(0x200b));
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(table), cmocka_unit_test(refusals), cmocka_unit_test(linear),
                                        cmocka_unit_test(unicode) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
