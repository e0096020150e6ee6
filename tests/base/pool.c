/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pool.c - CPU facts and the thread pool. Built with -fsanitize=thread it is the pool's race test. */
#include "base/pool.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/crew.h"
#include "test.h"
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void cpu_facts(void **state) {
    (void)state;
    char b[128];
    assert_true(tn_cpu_count() >= 1 && tn_cpu_count() <= tn_cpu_allowed_count());
    assert_int_equal(tn_cpu_flags() & ~tn_cpu_detected(), 0);
    if (tn_cpu_detected() & TN_CPU_AVX512) assert_true(tn_cpu_detected() & TN_CPU_AVX2);
    for (int i = 1; i <= 3; i++) assert_true(tn_cpu_cache(i) >= 4096);
    assert_true(tn_cpu_cache(1) < tn_cpu_cache(2));
    assert_int_equal(tn_cpu_parse("ref"), 0);
    assert_true(tn_cpu_parse("AVX2") & TN_CPU_AVX2);
    assert_int_equal(tn_cpu_parse("avx2") & TN_CPU_AVX512, 0);
    assert_int_equal(tn_cpu_parse("mmx"), -1);
    assert_int_equal(tn_cpu_parse("native") & tn_cpu_detected(), tn_cpu_detected());
    assert_string_equal(tn_cpu_name(0, b, sizeof b), "ref");
    assert_string_equal(tn_cpu_name((unsigned)tn_cpu_parse("avx512vnni"), b, sizeof b), "avx512 vnni");
    assert_string_equal(tn_cpu_name(TN_CPU_AVX2, b, 3), "av");
    print_message("cpu: %s, %s, %d threads, caches %zu %zu %zu\n", tn_cpu_model(),
                  tn_cpu_name(tn_cpu_detected(), b, sizeof b), tn_cpu_count(), tn_cpu_cache(1), tn_cpu_cache(2),
                  tn_cpu_cache(3));
    assert_true(strlen(tn_cpu_model()) > 0);
}

typedef struct {
    int64_t n, grain;
    int threads;
    unsigned char *seen;  /* one per index */
    atomic_int busy[64];  /* a thread has this number now */
    atomic_int parts, of; /* parts; threads that had one: a bit each */
    tn_pool *pool;
} job;

static void mark(void *arg, int64_t begin, int64_t end, int thread) {
    job *j = arg;
    assert(begin < end && thread >= 0 && thread < j->threads);
    assert(j->n < j->grain || end - begin >= j->grain);
    assert(atomic_exchange(&j->busy[thread], 1) == 0);
    atomic_fetch_add(&j->parts, 1);
    atomic_fetch_or(&j->of, 1 << thread);
    for (int64_t i = begin; i < end; i++) j->seen[i]++;
    atomic_store(&j->busy[thread], 0);
}

static void check_marks(const job *j, int64_t room) {
    for (int64_t i = 0; i < room; i++) assert_int_equal(j->seen[i], i < j->n);
    int64_t most = j->n / j->grain < j->threads ? j->n / j->grain : j->threads;
    assert_true(j->n == 0 || __builtin_popcount((unsigned)j->of) <= (most ? most : 1));
}

static void every_index_once(void **state) {
    (void)state;
    static unsigned char seen[1000];
    for (int threads = 1; threads <= 5; threads++) {
        tn_pool *p;
        check_ok(tn_pool_new(threads, threads % 2, &p));
        assert_int_equal(tn_pool_threads(p), threads);
        for (int64_t n = 0; n < 1000; n = n < 20 ? n + 1 : n * 3 / 2)
            for (int64_t grain = 1; grain < 200; grain = grain * 2 + 1) {
                job j = { .n = n, .grain = grain, .threads = threads, .seen = seen, .pool = p };
                memset(seen, 0, sizeof seen);
                tn_parallel(p, n, grain, mark, &j);
                check_marks(&j, 1000);
            }
        tn_pool_free(&p);
        assert_null(p);
    }
    job j = { .n = 10, .grain = 1, .threads = 1, .seen = seen };
    memset(seen, 0, sizeof seen);
    tn_parallel(NULL, 10, 1, mark, &j);
    assert_int_equal(j.parts, 1);
    assert_int_equal(tn_pool_threads(NULL), 1);
}

static uint64_t next_random(uint64_t *s) {
    *s ^= *s << 13, *s ^= *s >> 7, *s ^= *s << 17;
    return *s;
}

/* Random lengths, grains and numbers of threads, also fewer than the pool has. */
static void any_range(void **state) {
    (void)state;
    enum { ROOM = 200000 };
    unsigned char *seen = calloc(ROOM, 1);
    uint64_t s = 0x9e3779b97f4a7c15;
    for (int round = 0; round < 60; round++) {
        tn_pool *p;
        int threads = 1 + (int)(next_random(&s) % 8);
        check_ok(tn_pool_new(threads, false, &p));
        for (int i = 0; i < 10; i++) {
            int64_t n = (int64_t)(next_random(&s) >> (46 + next_random(&s) % 17)) % ROOM;
            int64_t grain = 1 + (int64_t)(next_random(&s) >> (47 + next_random(&s) % 17));
            int most = 1 + (int)(next_random(&s) % 8);
            job j = { .n = n, .grain = grain, .threads = most < threads ? most : threads, .seen = seen };
            memset(seen, 0, ROOM);
            tn_parallel_by(p, most, n, grain, mark, &j);
            check_marks(&j, ROOM);
        }
        tn_pool_free(&p);
    }
    free(seen);
}

/* Lengths beyond 32 bits: the parts add up, and meet. */
typedef struct {
    atomic_int_fast64_t length, sum; /* sum of ends - sum of begins, modulo 2^64 */
} large;

static void add_length(void *arg, int64_t begin, int64_t end, int thread) {
    (void)thread;
    large *l = arg;
    atomic_fetch_add(&l->length, end - begin);
    atomic_fetch_add(&l->sum, (int64_t)((uint64_t)end * (uint64_t)end - (uint64_t)begin * (uint64_t)begin));
}

static void long_ranges(void **state) {
    (void)state;
    tn_pool *p;
    check_ok(tn_pool_new(3, true, &p));
    for (int64_t n = 1; n < (int64_t)1 << 61; n = n * 5 + 3)
        for (int64_t grain = 1 + n / 300; grain < n; grain = grain * 7 + 1) {
            large l = { 0 };
            tn_parallel(p, n, grain, add_length, &l);
            assert_int_equal(l.length, n);
            assert_int_equal(l.sum, (int64_t)((uint64_t)n * (uint64_t)n));
        }
    tn_pool_free(&p);
}

/* The first part waits until everything else is done: another thread must take over the rest of its share. */
static void wait_for_rest(void *arg, int64_t begin, int64_t end, int thread) {
    (void)thread;
    job *j = arg;
    if (begin == 0)
        while (atomic_load(&j->parts) < j->n - end) sched_yield();
    else
        atomic_fetch_add(&j->parts, (int)(end - begin));
}

static void takes_over(void **state) {
    (void)state;
    job j = { .n = 64 };
    check_ok(tn_pool_new(2, true, &j.pool));
    if (!tn_crew_size()) skip();
    for (int i = 0; i < 20; i++) {
        j.parts = 0;
        tn_parallel(j.pool, j.n, 1, wait_for_rest, &j);
    }
    tn_pool_free(&j.pool);
}

static void inner(void *arg, int64_t begin, int64_t end, int thread) {
    assert(thread == 0 && begin == 0 && end == 100); /* alone, and so in one part */
    atomic_fetch_add((atomic_int *)arg, 1);
}

static void outer(void *arg, int64_t begin, int64_t end, int thread) {
    (void)thread;
    job *j = arg;
    for (int64_t i = begin; i < end; i++) tn_parallel(j->pool, 100, 1, inner, &j->parts);
}

static void nested(void **state) {
    (void)state;
    job j = { 0 };
    check_ok(tn_pool_new(3, true, &j.pool));
    tn_parallel(j.pool, 50, 1, outer, &j);
    assert_int_equal(j.parts, 50);
    tn_pool_free(&j.pool);
}

typedef struct {
    tn_pool *pool;
    int64_t sum[8][8]; /* by thread; a line each */
    int64_t want, got;
} summing;

static void add_up(void *arg, int64_t begin, int64_t end, int thread) {
    summing *s = arg;
    for (int64_t i = begin; i < end; i++) s->sum[thread][0] += i;
}

static void *caller(void *arg) {
    summing *s = arg;
    for (int i = 0; i < 2000; i++) {
        memset(s->sum, 0, sizeof s->sum);
        tn_parallel(s->pool, 1 + i % 97, 1, add_up, s);
        for (int t = 0; t < 8; t++) s->got += s->sum[t][0];
        int64_t n = 1 + i % 97;
        s->want += n * (n - 1) / 2;
        if (i % 500 == 0) usleep(300); /* lets the workers park */
    }
    return NULL;
}

static void many_callers(void **state) {
    (void)state;
    enum { CALLERS = 4 };
    static summing s[CALLERS];
    pthread_t t[CALLERS];
    tn_pool *p;
    check_ok(tn_pool_new(3, true, &p));
    for (int i = 0; i < CALLERS; i++) {
        s[i].pool = p;
        assert_int_equal(pthread_create(&t[i], NULL, caller, &s[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) pthread_join(t[i], NULL);
    for (int i = 0; i < CALLERS; i++) assert_int_equal(s[i].got, s[i].want);
    tn_pool_free(&p);
}

/* Results written by workers are visible to the caller, with and without parking in between. */
static void fill(void *arg, int64_t begin, int64_t end, int thread) {
    (void)thread;
    for (int64_t i = begin; i < end; i++) ((int *)arg)[i] += 1;
}

static void parking(void **state) {
    (void)state;
    static int v[64];
    tn_pool *p;
    check_ok(tn_pool_new(4, true, &p));
    for (int i = 0; i < 300; i++) {
        tn_parallel(p, 64, 1, fill, v);
        for (int k = 0; k < 64; k++) assert_int_equal(v[k], i + 1);
        if (i % 3 == 0) usleep((unsigned)(i % 4) * 80);
    }
    tn_pool_free(&p);
}

/* Pools of different sizes, a caller each, that share four CPUs: no more than four threads are ever at work. */
typedef struct {
    int threads;
    pthread_barrier_t *ready;
    int64_t got;
} sharer;
static atomic_int at_work, most_at_work;

static void count_workers(void *arg, int64_t begin, int64_t end, int thread) {
    (void)thread;
    int now = atomic_fetch_add(&at_work, 1) + 1, most = atomic_load(&most_at_work);
    while (now > most && !atomic_compare_exchange_weak(&most_at_work, &most, now)) {}
    for (volatile int i = 0; i < 200; i++) {}
    atomic_fetch_sub(&at_work, 1);
    atomic_fetch_add((atomic_int_fast64_t *)arg, end - begin);
}

static void *share(void *arg) {
    sharer *s = arg;
    tn_pool *p;
    check_ok(tn_pool_new(s->threads, true, &p));
    tn_pool_enter();
    pthread_barrier_wait(s->ready);
    for (int i = 0; i < 2000; i++) {
        atomic_int_fast64_t n = 0;
        tn_parallel(p, 100, 1, count_workers, &n);
        s->got += n;
    }
    pthread_barrier_wait(s->ready);
    tn_pool_leave();
    tn_pool_free(&p);
    return NULL;
}

static void share_cpus(void **state) {
    (void)state;
    enum { SHARERS = 3, CPUS = 4 };
    pthread_barrier_t ready;
    pthread_barrier_init(&ready, NULL, SHARERS);
    tn_crew_pretend_cpus(CPUS);
    sharer s[SHARERS];
    pthread_t t[SHARERS];
    atomic_store(&most_at_work, 0);
    for (int i = 0; i < SHARERS; i++) {
        s[i] = (sharer){ 2 + i, &ready, 0 };
        assert_int_equal(pthread_create(&t[i], NULL, share, &s[i]), 0);
    }
    for (int i = 0; i < SHARERS; i++) pthread_join(t[i], NULL);
    for (int i = 0; i < SHARERS; i++) assert_int_equal(s[i].got, 200000);
    assert_in_range(most_at_work, 1, CPUS);
    assert_int_equal(tn_crew_size(), 0); /* the last pool took its workers along */
    tn_crew_pretend_cpus(0);
    pthread_barrier_destroy(&ready);
}

/* As many workers as the largest pool wants, or several want together where there are CPUs for them. */
static void how_many(void **state) {
    (void)state;
    tn_pool *a, *b, *c;
    tn_crew_pretend_cpus(6);
    check_ok(tn_pool_new(3, false, &a));
    assert_int_equal(tn_crew_size(), 2);
    check_ok(tn_pool_new(3, true, &b));
    assert_int_equal(tn_crew_size(), 4);
    check_ok(tn_pool_new(3, true, &c));
    assert_int_equal(tn_crew_size(), 5);
    tn_pool_free(&b);
    tn_pool_free(&c);
    assert_int_equal(tn_crew_size(), 2);
    tn_pool_free(&a);
    check_ok(tn_pool_new(9, true, &a));
    assert_int_equal(tn_crew_size(), 8);
    tn_pool_free(&a);
    assert_int_equal(tn_crew_size(), 0);
    tn_crew_pretend_cpus(0);
}

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Workers that have nothing to do sleep. */
static void idle_is_free(void **state) {
    (void)state;
    static int v[64];
    tn_pool *p;
    check_ok(tn_pool_new(4, true, &p));
    for (int i = 0; i < 20; i++) tn_parallel(p, 64, 1, fill, v);
    usleep(20000);
    double before = cpu_seconds();
    usleep(300000);
    double used = cpu_seconds() - before;
    if (used > 0.003) fail_msg("%.1f ms of CPU in 300 ms of nothing to do", used * 1e3);
    tn_pool_free(&p);
}

/* ------------------------------------------------------------------------------------------------------ stopping */

/* What the calls run under: stops after so many parts. */
typedef struct {
    atomic_int parts, most, entered, left;
} limit;
static _Thread_local limit *under;

static void *limit_capture(void) { return under; }
static bool limit_can_stop(void *what) { return what; }
static void *limit_enter(void *what) {
    limit *before = under;
    under = what;
    atomic_fetch_add(&under->entered, 1);
    return before;
}
static void limit_leave(void *before) {
    atomic_fetch_add(&under->left, 1);
    under = before;
}
static bool limit_stopped(void) { return under->parts >= under->most; }
static const tn_pool_hooks limits = { limit_capture, limit_can_stop, limit_enter, limit_leave, limit_stopped };

typedef struct {
    limit *l;
    atomic_int done;
} limited;

static void work_under(void *arg, int64_t begin, int64_t end, int thread) {
    (void)thread;
    limited *j = arg;
    assert(under == j->l);
    atomic_fetch_add(&under->parts, 1);
    atomic_fetch_add(&j->done, (int)(end - begin));
}

static void stops(void **state) {
    (void)state;
    enum { N = 100000 };
    tn_pool_set_hooks(&limits);
    for (int threads = 1; threads <= 4; threads++)
        for (int most = 0; most < 6; most++) {
            limit l = { .most = most };
            limited j = { .l = &l };
            tn_pool *p;
            check_ok(tn_pool_new(threads, false, &p));
            under = &l;
            tn_parallel(p, N, 1, work_under, &j);
            assert_in_range(l.parts, most, most + threads - 1); /* each thread may be about to begin one */
            assert_true(j.done < N);
            tn_parallel(p, N, 1, work_under, &j);
            assert_in_range(l.parts, most, most + threads - 1);
            under = NULL;
            assert_int_equal(l.entered, l.left);
            tn_pool_free(&p);
        }
    limit l = { .most = INT32_MAX };
    limited j = { .l = &l };
    under = &l;
    tn_parallel(NULL, N, 1, work_under, &j);
    assert_int_equal(j.done, N);
    assert_true(l.parts > 5);
    under = NULL; /* nothing to stop it: one part */
    job alone = { .n = 100, .grain = 1, .threads = 1, .seen = calloc(100, 1) };
    tn_parallel(NULL, 100, 1, mark, &alone);
    assert_int_equal(alone.parts, 1);
    free(alone.seen);
    tn_pool_set_hooks(NULL);
}

static void where(void *arg, int64_t begin, int64_t end, int thread) {
    (void)begin;
    (void)end;
    ((int *)arg)[thread] = sched_getcpu();
}

static void nothing(void *arg, int64_t begin, int64_t end, int thread) {
    (void)arg;
    (void)begin;
    (void)end;
    (void)thread;
}

/* Prints the cost of a dispatch; no bound is checked, since the machine may be busy. */
static void latency(void **state) {
    (void)state;
    int n = tn_cpu_count();
    if (n < 2) skip();
    if (n > 64) n = 64;
    int at[64];
    memset(at, -1, sizeof at);
    tn_pool *p;
    check_ok(tn_pool_new(n, true, &p));
    tn_parallel(p, n, 1, where, at);
    for (int i = 2; i < n; i++)
        for (int k = 1; k < i && at[i] >= 0; k++) assert_int_not_equal(at[i], at[k]); /* a CPU each */
    double best = 1e9;
    for (int round = 0; round < 50; round++) {
        uint64_t t0 = tn_clock_ns();
        for (int i = 0; i < 200; i++) tn_parallel(p, n, 1, nothing, NULL);
        double each = (double)(tn_clock_ns() - t0) / 200;
        if (each < best) best = each;
    }
    print_message("dispatch to %d threads: %.2f us (best)\n", n, best / 1000);
    tn_pool_free(&p);
}

static void churn(void **state) {
    (void)state;
    for (int i = 0; i < 50; i++) {
        tn_pool *p;
        int v[8] = { 0 };
        check_ok(tn_pool_new(1 + i % 4, true, &p));
        if (i % 2) tn_parallel(p, 8, 1, fill, v);
        tn_pool_free(&p);
    }
    setenv("TN_THREADS", "3", 1);
    tn_pool *p;
    check_ok(tn_pool_new(0, true, &p));
    assert_int_equal(tn_pool_threads(p), 3);
    tn_pool_free(&p);
    unsetenv("TN_THREADS");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpu_facts),    cmocka_unit_test(every_index_once),
        cmocka_unit_test(any_range),    cmocka_unit_test(long_ranges),
        cmocka_unit_test(takes_over),   cmocka_unit_test(nested),
        cmocka_unit_test(many_callers), cmocka_unit_test(share_cpus),
        cmocka_unit_test(how_many),     cmocka_unit_test(parking),
        cmocka_unit_test(idle_is_free), cmocka_unit_test(stops),
        cmocka_unit_test(latency),      cmocka_unit_test(churn),
    };
    return cmocka_run_group_tests_name("base/pool", tests, NULL, NULL);
}
