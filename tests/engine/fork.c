/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fork.c - sessions in the child of a fork: the parent's, also those that other threads were using, and the child's. */
#include "base/asan.h"
#include "engine/session.h"
#include "lib/affine.h"
#include "test.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__)
#define TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#endif

/* ThreadSanitizer trips over threads that a child starts: there is only the parent to watch then. */
#if defined(TSAN)
enum { WIDTH = 96, MOST_THREADS = 1 };
#else
enum { WIDTH = 96, MOST_THREADS = 3 };
#endif

/* A child inherits the locks of AddressSanitizer's own allocator as other threads held them, and then waits for ever.
 */
#define SKIP_UNDER_ASAN \
    if (TN_ASAN) skip()

static tn_session *session_of(const tn_model *m, int threads, int plans) {
    tn_session *s;
    tn_session_opts o = { .size = sizeof o, .threads = threads, .plans = plans };
    check_ok(tn_session_new(m, &o, &s));
    return s;
}

/* Runs n rows; does every element hold what it should? */
static bool right(tn_session *s, int64_t n) {
    tn_tensor *x = affine_input(WIDTH, n), *y = NULL;
    bool good =
        x && tn_session_run(s, 1, (const tn_tensor *const *)&x, 1, &y) == TN_OK && affine_right(x, tn_tensor_data(y));
    tn_tensor_free(&x);
    tn_tensor_free(&y);
    return good;
}

/* What a child does: uses the parent's session for shapes old and new, then one of its own, and frees both. */
static void live(const tn_model *m, tn_session *parents, int threads) {
    alarm(30);
    bool good = right(parents, 64) && right(parents, 200) && right(parents, 33);
    tn_session *own = session_of(m, threads, 0);
    good = good && right(own, 64) && right(own, 65) && right(parents, 64);
    tn_session_free(&own);
    tn_session_free(&parents);
    _exit(good ? 0 : 1);
}

static void check_child(pid_t p) {
    int status = -1;
    assert_true(p > 0);
    assert_int_equal(waitpid(p, &status, 0), p);
    if (status) fail_msg("the child ended with status 0x%x%s", status, WIFSIGNALED(status) ? " (it hung?)" : "");
}

static void idle_session(void **state) {
    (void)state;
    SKIP_UNDER_ASAN;
    tn_model *m = affine_model(WIDTH, 1);
    for (int threads = 1; threads <= MOST_THREADS; threads++) {
        tn_session *s = session_of(m, threads, 0);
        assert_true(right(s, 64));
        for (int i = 0; i < 5; i++) {
            pid_t c = fork();
            if (c == 0) live(m, s, threads);
            check_child(c);
            assert_true(right(s, 64 + i));
        }
        tn_session_free(&s);
    }
    tn_model_close(&m);
}

static atomic_int enough;

static void *run_shapes(void *arg) { /* one plan is kept: nearly every run makes one */
    for (int64_t n = 1; !enough; n = n % 5 + 1) assert_true(right(arg, n));
    return NULL;
}

static void *open_and_close(void *arg) {
    while (!enough) {
        tn_session *s = session_of(arg, 2, 0);
        assert_true(right(s, 40));
        tn_session_free(&s);
    }
    return NULL;
}

static void busy_session(void **state) {
    (void)state;
    SKIP_UNDER_ASAN;
    tn_model *m = affine_model(WIDTH, 1);
    int threads = MOST_THREADS < 2 ? MOST_THREADS : 2;
    tn_session *s = session_of(m, threads, 1);
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&t[i], NULL, i < 2 ? run_shapes : open_and_close, i < 2 ? (void *)s : m), 0);
    for (int i = 0; i < 15; i++) {
        pid_t c = fork();
        if (c == 0) live(m, s, threads);
        check_child(c);
    }
    enough = 1;
    for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
    assert_true(right(s, 64));
    tn_session_free(&s);
    tn_model_close(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(idle_session), cmocka_unit_test(busy_session) };
    return cmocka_run_group_tests_name("engine/fork", tests, NULL, NULL);
}
