/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* status.c - messages of the thread, and the log. */
#include "base/clean.h"
#include "base/log.h"
#include "test.h"
#include <pthread.h>

static tn_status inner(void) { return tn_fail(TN_E_SHAPE, "A has %d columns", 3); }
static tn_status outer(void) {
    tn_status st = inner();
    return st == TN_OK ? st : tn_fail_at(st, "node '%s'", "/a/b");
}

static void sentence(void **state) {
    (void)state;
    assert_int_equal(outer(), TN_E_SHAPE);
    assert_string_equal(tn_error(), "node '/a/b': A has 3 columns");
    tn_fail(TN_E_IO, "again: %s", tn_error()); /* an argument inside the present sentence */
    assert_string_equal(tn_error(), "again: node '/a/b': A has 3 columns");
    tn_error_clear();
    assert_string_equal(tn_error(), "success");
    tn_fail(TN_E_NOMEM, "%s", "");
    assert_string_equal(tn_error(), "out of memory");
}

static void memory(void **state) {
    (void)state;
    tn_fail(TN_E_NOMEM, "reducing %d elements", 9);
    assert_string_equal(tn_error(), "out of memory: reducing 9 elements");
    tn_fail_at(TN_E_NOMEM, "m.onnx");
    assert_string_equal(tn_error(), "m.onnx: out of memory: reducing 9 elements");
    tn_fail(TN_E_NOMEM, "%s", tn_error()); /* passed on: not said twice */
    assert_string_equal(tn_error(), "m.onnx: out of memory: reducing 9 elements");
    tn_fail(TN_E_NOMEM, "no memory for the trees");
    assert_string_equal(tn_error(), "no memory for the trees");
    tn_fail(TN_E_LIMIT, "a name");
    assert_string_equal(tn_error(), "a name");
}

/* However long the way to it, the reason is there, and so are the first words. */
static void long_chain(void **state) {
    (void)state;
    char name[400];
    for (int depth = 1; depth < 40; depth++) {
        tn_fail(TN_E_GRAPH, "value 't' is defined twice");
        for (int i = 0; i < depth; i++) {
            memset(name, 'a' + i % 26, sizeof name - 1);
            name[depth * 37 % 380 + 1] = 0;
            tn_fail_at(TN_E_GRAPH, "in the function \xc3\xa9%s called by \xe2\x82\xac", name);
        }
        const char *s = tn_error(), *gap = strstr(s, " ... ");
        check(strlen(s) < 1024 && tn_is_clean(s, strlen(s)), "%s\n", s);
        check(!strncmp(s, "in the function \xc3\xa9", 18), "%s\n", s);
        check(strlen(s) > 26 && !strcmp(s + strlen(s) - 26, "value 't' is defined twice"), "%s\n", s);
        check(!gap || !strstr(gap + 1, " ... "), "%s\n", s);
    }
}

static void hostile_names(void **state) {
    (void)state;
    tn_fail(TN_E_GRAPH, "node '%s'",
            "a\x1b]0;title\a\nb\xe2\x80\xae"
            "c\xc2\x9b"
            "d\xff"
            "\xc3\xa9\\");
    assert_string_equal(tn_error(), "node 'a\\x1b]0;title\\x07\\nb\\u{202e}c\\u{9b}d\\xff\xc3\xa9\\'");
    tn_fail_at(TN_E_GRAPH, "p");
    assert_string_equal(tn_error(), "p: node 'a\\x1b]0;title\\x07\\nb\\u{202e}c\\u{9b}d\\xff\xc3\xa9\\'");
}

static void shown(void **state) {
    (void)state;
    const char *plain = "plain \xc3\xa9";
    char big[5000];
    assert_ptr_equal(tn_shown(plain), plain);
    assert_string_equal(tn_shown(NULL), "");
    assert_string_equal(tn_shown("\t\x7f\xf3\xa0\x80\xa1"), "\\t\\x7f\\u{e0021}");
    memset(big, 7, sizeof big - 1);
    big[sizeof big - 1] = 0;
    const char *s = tn_shown(big);
    check(strlen(s) == 1027 && !strcmp(s + 1020, "\\x07..."), "%zu %s\n", strlen(s), s + 1000);
    for (size_t room = 1; room < 40; room++) { /* never half a character, never more than there is room for */
        char buf[64];
        memset(buf, 1, sizeof buf);
        size_t n = tn_clean(buf, room, "a\xe2\x82\xac\n\xe2\x80\xae\xc3\xa9z", 11);
        check(n < room && strlen(buf) == n && buf[room] == 1 && tn_is_clean(buf, n), "%zu: %s\n", room, buf);
    }
}

static void long_sentence(void **state) {
    (void)state;
    char big[5000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    tn_fail(TN_E_IO, "%s", big);
    assert_int_equal(strlen(tn_error()), 1023);
    tn_fail_at(TN_E_IO, "%s", big);
    assert_int_equal(strlen(tn_error()), 1023);
}

static void *other_thread(void *arg) {
    (void)arg;
    tn_fail(TN_E_TYPE, "the other's");
    return NULL;
}

static void per_thread(void **state) {
    (void)state;
    pthread_t t;
    tn_fail(TN_E_IO, "mine");
    assert_int_equal(pthread_create(&t, NULL, other_thread, NULL), 0);
    pthread_join(t, NULL);
    assert_string_equal(tn_error(), "mine");
}

static void names(void **state) {
    (void)state;
    assert_string_equal(tn_status_name(TN_OK), "TN_OK");
    assert_string_equal(tn_status_name(TN_E_SHAPE), "TN_E_SHAPE");
    assert_string_equal(tn_status_name((tn_status)999), "unknown status");
    assert_string_equal(tn_version(), "0.1.0");
    assert_int_equal(tn_log_parse("warning"), TN_LOG_WARN);
    assert_int_equal(tn_log_parse("DEBUG"), TN_LOG_DEBUG);
    assert_int_equal(tn_log_parse("loud"), -1);
    tn_log_set(TN_LOG_ERROR);
    assert_int_equal(tn_log_get(), TN_LOG_ERROR);
    tn_log(TN_LOG_WARN, "must not be seen");
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(sentence),      cmocka_unit_test(long_sentence),
                                        cmocka_unit_test(memory),        cmocka_unit_test(long_chain),
                                        cmocka_unit_test(hostile_names), cmocka_unit_test(shown),
                                        cmocka_unit_test(per_thread),    cmocka_unit_test(names) };
    return cmocka_run_group_tests_name("base/status", tests, NULL, NULL);
}
