/* status.c - messages of the thread, and the log. */
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
    const struct CMUnitTest tests[] = { cmocka_unit_test(sentence), cmocka_unit_test(long_sentence),
                                        cmocka_unit_test(per_thread), cmocka_unit_test(names) };
    return cmocka_run_group_tests_name("base/status", tests, NULL, NULL);
}
