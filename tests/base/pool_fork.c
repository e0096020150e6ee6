/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pool_fork.c - pools in the child of a fork, and where the system gives no more threads. */
#include "base/asan.h"
#include "base/crew.h"
#include "base/pool.h"
#include "test.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__)
#define TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#endif

/* A child inherits the locks of AddressSanitizer's own allocator as other threads held them, and then waits for ever.
 */
#define SKIP_UNDER_ASAN \
    if (TN_ASAN) skip()

static void add(void *arg, int64_t begin, int64_t end, int thread) {
    (void)thread;
    atomic_fetch_add((atomic_int_fast64_t *)arg, (begin + end - 1) * (end - begin) / 2);
}

static bool sums_up(tn_pool *p, int64_t n) {
    atomic_int_fast64_t sum = 0;
    tn_parallel(p, n, 1, add, &sum);
    return sum == n * (n - 1) / 2;
}

/* Ends the child with `good`; a child that hangs is ended by the alarm. */
static void child(bool good) { _exit(good ? 0 : 1); }

static void check_child(pid_t p) {
    int status = -1;
    assert_true(p > 0);
    assert_int_equal(waitpid(p, &status, 0), p);
    if (status) fail_msg("the child ended with status 0x%x%s", status, WIFSIGNALED(status) ? " (it hung?)" : "");
}

static bool works(tn_pool *p) {
    bool good = true;
    alarm(30);
    for (int i = 0; i < 50; i++) good = good && sums_up(p, 1 + i * 37);
    return good;
}

static bool works_with_own(int threads) {
    tn_pool *own;
    bool good = tn_pool_new(threads, true, &own) == TN_OK && works(own);
    tn_pool_free(&own);
    return good;
}

/* The parent's pool works in the child with workers of the child's, and so does one of its own; both can be freed. */
static void idle_parent(void **state) {
    (void)state;
    SKIP_UNDER_ASAN;
    tn_pool *p;
    check_ok(tn_pool_new(3, true, &p));
    for (int i = 0; i < 10; i++) {
        assert_true(sums_up(p, 1000));
        if (i % 2) usleep(1000); /* its workers sleep */
        pid_t c = fork();
        if (c == 0) {
            bool good = works(p) && tn_crew_size() == 2 && works_with_own(2) && works_with_own(5);
            tn_pool_free(&p);
            child(good && tn_crew_size() == 0);
        }
        check_child(c);
    }
    assert_true(sums_up(p, 1000));
    assert_int_equal(tn_crew_size(), 2);
    tn_pool_free(&p);
}

static atomic_int enough;

static void *keep_running(void *arg) {
    while (!enough) sums_up(arg, 500);
    return NULL;
}

static void *open_and_close(void *arg) {
    (void)arg;
    while (!enough) {
        tn_pool *p;
        if (tn_pool_new(4, false, &p) == TN_OK) sums_up(p, 100);
        tn_pool_free(&p);
    }
    return NULL;
}

/* Forks while other threads are in the middle of calls, and of starting and stopping workers. */
static void busy_parent(void **state) {
    (void)state;
    SKIP_UNDER_ASAN;
    tn_pool *p;
    pthread_t t[3];
    check_ok(tn_pool_new(3, true, &p));
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&t[i], NULL, i < 2 ? keep_running : open_and_close, p), 0);
    for (int i = 0; i < 40; i++) {
        pid_t c = fork();
        if (c == 0) child(works(p) && works_with_own(2));
        check_child(c);
    }
    enough = 1;
    for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
    assert_true(sums_up(p, 1000));
    tn_pool_free(&p);
}

/* A child of a child. */
static void generations(void **state) {
    (void)state;
    SKIP_UNDER_ASAN;
    tn_pool *p;
    check_ok(tn_pool_new(2, true, &p));
    assert_true(sums_up(p, 100));
    pid_t c = fork();
    if (c == 0) {
        int status = -1;
        bool good = works(p);
        pid_t g = fork();
        if (g == 0) child(works(p));
        child(good && waitpid(g, &status, 0) == g && status == 0 && works(p));
    }
    check_child(c);
    tn_pool_free(&p);
}

/* No memory for stacks: a pool of what there is. */
static void few_threads(void **state) {
    (void)state;
#if TN_ASAN
    skip(); /* it wants address space itself */
#else
    pid_t c = fork();
    if (c == 0) {
        struct rlimit tight = { 64 << 20, 64 << 20 };
        tn_pool *p = NULL;
        setenv("TN_LOG", "error", 1);
        bool good = setrlimit(RLIMIT_AS, &tight) == 0 && tn_pool_new(200, true, &p) == TN_OK;
        good = good && tn_crew_size() < 199 && tn_pool_threads(p) == 200 && works(p);
        tn_pool_free(&p);
        child(good && tn_crew_size() == 0);
    }
    check_child(c);
#endif
}

int main(void) {
#if defined(TSAN) /* it does not know which threads a child no longer has, and trips over those that it starts */
    return 77;
#endif
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_parent),
        cmocka_unit_test(busy_parent),
        cmocka_unit_test(generations),
        cmocka_unit_test(few_threads),
    };
    return cmocka_run_group_tests_name("base/pool_fork", tests, NULL, NULL);
}
