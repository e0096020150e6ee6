/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* text.c - growing strings, JSON quoting, nearest names, figures for people. */
#include "base/text.h"
#include "base/mem.h"
#include "test.h"

static void growing(void **state) {
    (void)state;
    tn_text t = { 0 };
    for (int i = 0; i < 1000; i++) tn_text_printf(&t, "%d,", i % 10);
    tn_text_puts(&t, "end");
    assert_false(t.failed);
    assert_int_equal(t.n, 2003);
    assert_int_equal(strlen(t.s), 2003);
    assert_string_equal(t.s + 1990, "5,6,7,8,9,end");
    tn_text_free(&t);
    tn_mem_fail_every(1);
    tn_text_puts(&t, "x");
    tn_mem_fail_every(0);
    assert_true(t.failed);
    tn_text_puts(&t, "y");
    assert_null(t.s);
    tn_text_free(&t);
}

static void json(const char *in, size_t n, const char *want) {
    tn_text t = { 0 };
    tn_text_json(&t, in, n);
    assert_string_equal(t.s, want);
    tn_text_free(&t);
}

static void quoting(void **state) {
    (void)state;
    json("", 0, "\"\"");
    json("a\"b\\c\n\t\x01\x7f", 9, "\"a\\\"b\\\\c\\n\\t\\u0001\\u007f\"");
    json("\xe6\xa6\xab\xf0\x9f\x98\x80", 7, "\"\xe6\xa6\xab\xf0\x9f\x98\x80\"");
    json("a\0b", 3, "\"a\\u0000b\"");
    json("\xff", 1, "\"\xef\xbf\xbd\"");
    json("\xe6\xa6", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");                 /* cut */
    json("\xc0\x80", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");                 /* overlong */
    json("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""); /* surrogate */
}

static void nearest(void **state) {
    (void)state;
    static const char *const names[] = { "run", "inspect", "bench", "ocr", "vad", "test" };
    assert_string_equal(tn_nearest("inpsect", names, 6), "inspect");
    assert_string_equal(tn_nearest("benhc", names, 6), "bench");
    assert_string_equal(tn_nearest("rn", names, 6), "run");
    assert_string_equal(tn_nearest("tset", names, 6), "test");
    assert_null(tn_nearest("serve", names, 6));
    assert_null(tn_nearest("", names, 6));
    assert_null(tn_nearest("x", names, 6));
}

static void figures(void **state) {
    (void)state;
    char b[32];
    assert_string_equal(tn_human_bytes(0, b, sizeof b), "0 B");
    assert_string_equal(tn_human_bytes(320, b, sizeof b), "320 B");
    assert_string_equal(tn_human_bytes(1023, b, sizeof b), "1023 B");
    assert_string_equal(tn_human_bytes(1536, b, sizeof b), "1.5 KiB");
    assert_string_equal(tn_human_bytes(1024 * 1023.99, b, sizeof b), "1.0 MiB");
    assert_string_equal(tn_human_bytes(-1536, b, sizeof b), "-1.5 KiB");
    assert_string_equal(tn_human_count(999, b, sizeof b), "999");
    assert_string_equal(tn_human_count(12345678, b, sizeof b), "12.3 M");
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(growing), cmocka_unit_test(quoting), cmocka_unit_test(nearest),
                                        cmocka_unit_test(figures) };
    return cmocka_run_group_tests_name("base/text", tests, NULL, NULL);
}
