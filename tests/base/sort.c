/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Sorting: against qsort for every kind of order, in bounded time, and stopped in the middle without losing anything.
 */
#include "base/sort.h"
#include "base/budget.h"
#include "base/clock.h"
#include "test.h"
#include <stdlib.h>

static int by_i64(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int by_bytes(const void *a, const void *b) { return memcmp(a, b, 3); }

/* Element i of n in one of the patterns that quicksorts are known to be slow on. */
static int64_t pattern(int kind, int64_t i, int64_t n, uint64_t *seed) {
    switch (kind) {
    case 0: return (int64_t)(test_random(seed) >> 1);
    case 1: return i;
    case 2: return n - i;
    case 3: return 7;
    case 4: return i % 3;
    case 5: return i < n / 2 ? i : n - i; /* an organ pipe */
    case 6: return i % 2 ? i : n - i;     /* two interleaved runs */
    default: return i + 1 < n ? i : -1;   /* sorted but for the last */
    }
}

static void as_qsort(void **state) {
    (void)state;
    static const int64_t lengths[] = { 0, 1, 2, 3, 16, 17, 18, 100, 1000, 65537 };
    uint64_t seed = 5;
    for (size_t l = 0; l < TN_COUNT(lengths); l++)
        for (int kind = 0; kind < 8; kind++) {
            int64_t n = lengths[l];
            int64_t *a = malloc((size_t)(n + 1) * sizeof *a), *b = malloc((size_t)(n + 1) * sizeof *b);
            for (int64_t i = 0; i < n; i++) a[i] = b[i] = pattern(kind, i, n, &seed);
            tn_sort(a, (size_t)n, sizeof *a, by_i64);
            qsort(b, (size_t)n, sizeof *b, by_i64);
            assert_memory_equal(a, b, (size_t)n * sizeof *a);
            free(a);
            free(b);
        }
}

static void any_size(void **state) {
    (void)state;
    enum { N = 5000 };
    unsigned char a[N * 3], b[N * 3];
    uint64_t seed = 9;
    for (int i = 0; i < N * 3; i++) a[i] = b[i] = (unsigned char)(test_random(&seed) >> 60);
    tn_sort(a, N, 3, by_bytes);
    qsort(b, N, 3, by_bytes);
    assert_memory_equal(a, b, sizeof a);
}

/* An adversary that answers so that every pivot is bad (McIlroy, A killer adversary for quicksort, 1999). */
typedef struct {
    int64_t *value, solid, gas, candidate, compared;
} adversary;

static int evil(const void *a, const void *b, void *user) {
    adversary *e = user;
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    e->compared++;
    if (e->value[x] == e->gas && e->value[y] == e->gas) e->value[x == e->candidate ? x : y] = e->solid++;
    if (e->value[x] == e->gas)
        e->candidate = x;
    else if (e->value[y] == e->gas)
        e->candidate = y;
    return (e->value[x] > e->value[y]) - (e->value[x] < e->value[y]);
}

static void worst_case(void **state) {
    (void)state;
    enum { N = 20000 };
    int64_t *v = malloc(N * sizeof *v), *value = malloc(N * sizeof *value);
    adversary e = { .value = value, .gas = N };
    for (int64_t i = 0; i < N; i++) v[i] = i, value[i] = N;
    tn_sort_with(v, N, sizeof *v, evil, &e, 16);
    assert_true(e.compared < 100 * N); /* log2 N is 14; quadratic would be 10000 and more */
    for (int64_t i = 1; i < N; i++) assert_true(value[v[i - 1]] <= value[v[i]]);
    free(v);
    free(value);
}

static int flag, calls;
static int sets_flag(const void *a, const void *b, void *user) {
    if (++calls == *(int *)user) flag = 1;
    return by_i64(a, b);
}

static void stops(void **state) {
    (void)state;
    enum { N = 200000 };
    static const tn_budget_words words = { .what = "the test" };
    int64_t *v = malloc(N * sizeof *v);
    for (int at = 1; at < 4000000; at = at * 3 + 1) {
        tn_budget b = { .words = &words, .cancel = &flag };
        uint64_t seed = 1;
        for (int64_t i = 0; i < N; i++) v[i] = i * 7919 % N;
        flag = calls = 0;
        tn_budget *before = tn_budget_enter(&b);
        tn_sort_with(v, N, sizeof *v, sets_flag, &at, (uint64_t)(16 + test_random(&seed) % 5));
        tn_budget_leave(before);
        if (flag) assert_true(calls < at + 20000); /* the next look, and no more */
        qsort(v, N, sizeof *v, by_i64);
        for (int64_t i = 0; i < N; i++) assert_true(v[i] == i);
    }
    free(v);
}

/* Contradictory answers: nothing is lost, nothing outside is touched. */
static int at_random(const void *a, const void *b, void *user) {
    (void)a;
    (void)b;
    return (int)(test_random(user) >> 62) - 1;
}

static void contradictions(void **state) {
    (void)state;
    enum { N = 3000 };
    int64_t v[N];
    uint64_t seed = 3;
    for (int round = 0; round < 50; round++) {
        for (int64_t i = 0; i < N; i++) v[i] = i;
        tn_sort_with(v, N, sizeof *v, at_random, &seed, 16);
        qsort(v, N, sizeof *v, by_i64);
        for (int64_t i = 0; i < N; i++) assert_true(v[i] == i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_qsort), cmocka_unit_test(any_size),       cmocka_unit_test(worst_case),
        cmocka_unit_test(stops),    cmocka_unit_test(contradictions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
