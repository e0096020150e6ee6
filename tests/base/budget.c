/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Budgets: what is within another is stopped by it, workers charge the call they work for, nobody waits for a lock for
 * longer than it may. */
#include "base/budget.h"
#include "base/clock.h"
#include "test.h"
#include <time.h>

static const tn_budget_words words = { .what = "the test" };
static int flag;

static void stopped_from_around(void **state) {
    (void)state;
    tn_budget outer = { .words = &words, .cancel = &flag }, inner;
    flag = 0;
    tn_budget *first = tn_budget_enter(&outer);
    tn_budget_inner(&inner, &words, NULL);
    tn_budget *second = tn_budget_enter(&inner);
    assert_false(tn_budget_stopped());
    flag = 1;
    assert_true(tn_budget_stopped());
    flag = 0;
    assert_true(tn_budget_stopped()); /* once is for ever */
    tn_budget_leave(second);
    assert_int_equal(tn_budget_verdict(&inner, TN_OK, NULL), TN_E_CANCELLED); /* it may be half made */
    tn_budget_leave(first);
    check_fails(tn_budget_verdict(&outer, TN_OK, NULL), TN_E_CANCELLED, "the test was cancelled");
}

enum { PARTS = 64, BYTES = 1000 };

typedef struct {
    void *held[PARTS];
} blocks;

static void allocate(void *arg, int64_t begin, int64_t end, int thread) {
    blocks *b = arg;
    struct timespec t = { .tv_nsec = 100000 }; /* so that others come, too */
    (void)thread;
    for (int64_t i = begin; i < end; i++) b->held[i] = tn_mem_alloc(BYTES, TN_MEM_SCRATCH), nanosleep(&t, NULL);
}

/* Every byte of every thread is on the account, also where nothing can stop the call. */
static void workers_charge(void **state) {
    (void)state;
    tn_pool *pool;
    check_ok(tn_pool_new(4, false, &pool));
    tn_pool_set_hooks(&tn_budget_pool_hooks);
    for (int limited = 0; limited < 2; limited++)
        for (int cancel = 0; cancel < 2; cancel++) {
            blocks b;
            flag = 0;
            tn_budget budget = { .words = &words, .account = tn_account_new(limited ? PARTS / 2 * BYTES : 0) };
            if (cancel) budget.cancel = &flag;
            tn_budget *before = tn_budget_enter(&budget);
            tn_parallel(pool, PARTS, 1, allocate, &b);
            tn_budget_leave(before);
            size_t used = tn_account_used(budget.account);
            int got = 0;
            for (int i = 0; i < PARTS; i++) got += b.held[i] != NULL;
            assert_true(limited ? got > 0 && got < PARTS / 2 && used <= PARTS / 2 * BYTES : got == PARTS);
            assert_true(used >= (size_t)got * BYTES);
            for (int i = 0; i < PARTS; i++) tn_mem_free(b.held[i]);
            assert_int_equal(tn_account_used(budget.account), 0);
            assert_int_equal(tn_budget_verdict(&budget, limited ? TN_E_NOMEM : TN_OK, NULL),
                             limited ? TN_E_LIMIT : TN_OK);
            tn_account_close(&budget.account);
        }
    tn_pool_set_hooks(NULL);
    tn_pool_free(&pool);
}

static void waits_no_longer_than_it_may(void **state) {
    (void)state;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    tn_budget b = { .words = &words };
    assert_true(tn_budget_lock(&lock)); /* under no budget, too */
    tn_budget_set_timeout(&b, 20000000);
    tn_budget *before = tn_budget_enter(&b);
    uint64_t from = tn_clock_ns();
    assert_false(tn_budget_lock(&lock));
    assert_true(tn_clock_ns() - from > 15000000);
    pthread_mutex_unlock(&lock);
    assert_true(tn_budget_lock(&lock)); /* one that nobody has costs no wait */
    pthread_mutex_unlock(&lock);
    tn_budget_leave(before);
}

static void copies(void **state) {
    (void)state;
    enum { N = (9 << 20) + 5 };
    char *a = tn_mem_alloc(N, TN_MEM_GENERAL), *b = tn_mem_zalloc(N, TN_MEM_GENERAL);
    tn_budget budget = { .words = &words, .cancel = &flag };
    for (int i = 0; i < N; i++) a[i] = (char)(i * 31 + i / 256);
    tn_budget_copy(b, a, N);
    assert_memory_equal(a, b, N);
    tn_budget_clear(b, N);
    for (int i = 0; i < N; i++) assert_true(!b[i]);
    flag = 1;
    tn_budget *before = tn_budget_enter(&budget);
    tn_budget_copy(b, a, N);
    tn_budget_leave(before);
    assert_true(!b[N - 1]); /* its end was not reached */
    tn_budget_copy(NULL, NULL, 0);
    tn_budget_clear(NULL, 0);
    tn_mem_free(a);
    tn_mem_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stopped_from_around),
        cmocka_unit_test(workers_charge),
        cmocka_unit_test(waits_no_longer_than_it_may),
        cmocka_unit_test(copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
