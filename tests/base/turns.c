/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* turns.c - threads that take turns, so that no more are busy than there are CPUs, and threads that keep to some CPUs.
 */
#include "base/cpu.h"
#include "base/cpuset.h"
#include "base/crew.h"
#include "base/pool.h"
#include "test.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <unistd.h>

enum { THREADS = 8 };

/* ----------------------------------------------------------------------------------------------------------- turns */

typedef struct {
    int rounds;
    tn_cpuset *set;
} taker;

static atomic_int busy, most, turns;

static void *take_turns(void *arg) {
    const taker *t = arg;
    tn_pool_keep_to(t->set);
    for (int i = 0; i < t->rounds; i++) {
        tn_pool_take_turn();
        tn_pool_enter(); /* it has entered: once more changes nothing */
        int n = atomic_fetch_add(&busy, 1) + 1, before = atomic_load(&most);
        while (before < n && !atomic_compare_exchange_weak(&most, &before, n)) {}
        if (i % 8 == 0) usleep(100);
        atomic_fetch_sub(&busy, 1);
        atomic_fetch_add(&turns, 1);
        tn_pool_leave();
        tn_pool_end_turn();
    }
    return NULL;
}

static void take_all(taker t) {
    pthread_t id[THREADS];
    atomic_store(&most, 0);
    atomic_store(&turns, 0);
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&id[i], NULL, take_turns, &t), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(id[i], NULL);
    assert_int_equal(turns, THREADS * t.rounds);
}

static void no_more_than_cpus(void **state) {
    (void)state;
    for (int cpus = 1; cpus <= 4; cpus++) {
        tn_crew_pretend_cpus(cpus);
        take_all((taker){ .rounds = 200 });
        check(most <= cpus, "%d threads were busy on %d CPUs\n", most, cpus);
    }
    tn_crew_pretend_cpus(0);
}

typedef struct {
    sem_t entered, leave;
} direct;

static void *enter_directly(void *arg) {
    direct *d = arg;
    tn_pool_enter();
    sem_post(&d->entered);
    sem_wait(&d->leave);
    tn_pool_leave();
    return NULL;
}

/* Threads of the program's own count, but one that takes its turn is let in beside any number of them. */
static void never_kept_out(void **state) {
    (void)state;
    enum { DIRECT = 3 };
    pthread_t id[DIRECT];
    direct d;
    sem_init(&d.entered, 0, 0);
    sem_init(&d.leave, 0, 0);
    tn_crew_pretend_cpus(3);
    for (int i = 0; i < DIRECT; i++) assert_int_equal(pthread_create(&id[i], NULL, enter_directly, &d), 0);
    for (int i = 0; i < DIRECT; i++) sem_wait(&d.entered);
    take_all((taker){ .rounds = 50 });
    assert_int_equal(most, 1);
    sem_post(&d.leave); /* now there is a CPU more */
    take_all((taker){ .rounds = 50 });
    check(most <= 2, "%d threads were busy beside two, on 3 CPUs\n", most);
    for (int i = 1; i < DIRECT; i++) sem_post(&d.leave);
    for (int i = 0; i < DIRECT; i++) pthread_join(id[i], NULL);
    tn_crew_pretend_cpus(0);
    sem_destroy(&d.entered);
    sem_destroy(&d.leave);
}

/* ------------------------------------------------------------------------------------------------------------ CPUs */

static tn_cpuset *set_of(int from, int n) {
    tn_cpuset *s;
    int cpus[64];
    for (int i = 0; i < n; i++) cpus[i] = tn_cpu_allowed(from + i);
    check_ok(tn_cpuset_open("a test", cpus, (size_t)n, &s));
    return s;
}

static void sets(void **state) {
    (void)state;
    tn_cpuset *a = set_of(0, 1), *b = set_of(0, 1), *c;
    int last = tn_cpu_allowed(tn_cpu_allowed_count() - 1), twice[] = { last, last };
    assert_ptr_equal(a, b);
    assert_int_equal(a->n, 1);
    assert_true(tn_cpuset_has(a, tn_cpu_allowed(0)));
    assert_false(tn_cpuset_has(a, -1) || tn_cpuset_has(a, TN_CPUSET_MAX) || tn_cpuset_has(a, TN_CPUSET_MAX - 1));
    check_ok(tn_cpuset_open("a test", twice, 2, &c));
    assert_int_equal(c->n, 1);
    tn_cpuset_close(&a);
    assert_null(a);
    tn_cpuset_close(&b);
    tn_cpuset_close(&c);
    tn_cpuset_close(&c);
    tn_cpuset_close(NULL);
    check_fails(tn_cpuset_open("my option", twice, 0, &a), TN_E_INVALID, "my option: 0 CPUs");
    check_fails(tn_cpuset_open("my option", NULL, 3, &a), TN_E_INVALID, "3 CPUs, but none given");
    check_fails(tn_cpuset_open("my option", (int[]){ last, -1 }, 2, &a), TN_E_INVALID, "my option names CPU -1");
    check_fails(tn_cpuset_open("my option", (int[]){ INT32_MAX }, 1, &a), TN_E_INVALID, "this process may use");
    assert_null(a);
}

/* Parts of two callers that keep to the same CPUs: where they ran, and how many at once. */
typedef struct {
    tn_pool *pool;
    tn_cpuset *set;
    atomic_int *now, *most;
    atomic_bool good;
} kept;

static void part(void *arg, int64_t begin, int64_t end, int thread) {
    kept *k = arg;
    (void)begin, (void)end, (void)thread;
    int n = atomic_fetch_add(k->now, 1) + 1, before = atomic_load(k->most);
    while (before < n && !atomic_compare_exchange_weak(k->most, &before, n)) {}
    if (!tn_cpuset_has(k->set, sched_getcpu())) k->good = false;
    for (volatile int i = 0; i < 2000; i++) {}
    atomic_fetch_sub(k->now, 1);
}

static void *run_kept(void *arg) {
    kept *k = arg;
    cpu_set_t before, after;
    sched_getaffinity(0, sizeof before, &before);
    tn_pool_enter();
    tn_cpuset *outer = tn_pool_keep_to(k->set);
    for (int i = 0; i < 100; i++) tn_parallel(k->pool, 64, 1, part, k);
    tn_pool_keep_to(outer);
    tn_pool_leave();
    sched_getaffinity(0, sizeof after, &after);
    if (outer || !CPU_EQUAL(&before, &after)) k->good = false;
    return NULL;
}

static void kept_to_cpus(void **state) {
    (void)state;
    int all = tn_cpu_allowed_count() < 4 ? tn_cpu_allowed_count() : 4;
    for (int n = 1; n <= all; n++)
        for (int pin = 0; pin <= 1; pin++) {
            kept k[2];
            pthread_t id;
            atomic_int now = 0, high = 0;
            tn_pool *p;
            check_ok(tn_pool_new(4, pin, &p));
            for (int i = 0; i < 2; i++) k[i] = (kept){ p, set_of(all - n, n), &now, &high, true };
            run_kept(&k[0]);
            check(high <= n, "one caller kept %d threads busy on %d CPUs\n", high, n);
            assert_int_equal(pthread_create(&id, NULL, run_kept, &k[1]), 0);
            run_kept(&k[0]);
            pthread_join(id, NULL);
            assert_true(k[0].good && k[1].good);
            assert_int_equal(k[0].set->load.callers, 0);
            assert_int_equal(k[0].set->load.leased, 0);
            for (int i = 0; i < 2; i++) tn_cpuset_close(&k[i].set);
            tn_pool_free(&p);
        }
}

/* Turns within a set are bounded by its CPUs, too. */
static void turns_within(void **state) {
    (void)state;
    tn_cpuset *s = set_of(0, 1);
    tn_crew_pretend_cpus(4);
    take_all((taker){ .rounds = 100, .set = s });
    assert_int_equal(most, 1);
    tn_crew_pretend_cpus(0);
    tn_cpuset_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(no_more_than_cpus), cmocka_unit_test(never_kept_out),
                                        cmocka_unit_test(sets), cmocka_unit_test(kept_to_cpus),
                                        cmocka_unit_test(turns_within) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
