/* pool.c - CPU facts and the thread pool. Built with -fsanitize=thread it is the pool's race test. */
#include "base/pool.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "test.h"
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
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
    unsigned char *seen;        /* one per index */
    atomic_int used[64], parts; /* used: part of the thread number */
    tn_pool *pool;
} job;

static void mark(void *arg, int64_t begin, int64_t end, int thread) {
    job *j = arg;
    assert(begin < end && thread >= 0 && thread < j->threads);
    assert(j->n < j->grain || end - begin >= j->grain);
    atomic_fetch_add(&j->used[thread], 1);
    atomic_fetch_add(&j->parts, 1);
    for (int64_t i = begin; i < end; i++) j->seen[i]++;
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
                for (int64_t i = 0; i < 1000; i++) assert_int_equal(seen[i], i < n);
                int64_t want = n / grain < threads ? n / grain : threads;
                if (n && !want) want = 1;
                assert_int_equal(j.parts, want);
                for (int t = 0; t < threads; t++) assert_true(j.used[t] <= 1);
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

static void inner(void *arg, int64_t begin, int64_t end, int thread) {
    assert(thread == 0 && begin == 0 && end == 100);
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
    int at[64] = { 0 };
    tn_pool *p;
    check_ok(tn_pool_new(n, true, &p));
    tn_parallel(p, n, 1, where, at);
    for (int i = 2; i < n; i++)
        for (int k = 1; k < i; k++) assert_int_not_equal(at[i], at[k]); /* a CPU each */
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
        cmocka_unit_test(cpu_facts),    cmocka_unit_test(every_index_once), cmocka_unit_test(nested),
        cmocka_unit_test(many_callers), cmocka_unit_test(parking),          cmocka_unit_test(latency),
        cmocka_unit_test(churn),
    };
    return cmocka_run_group_tests_name("base/pool", tests, NULL, NULL);
}
