/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* memory.c - the memory planner: no two buffers that live together overlap, and little is wasted. */
#include "engine/memory.h"
#include "base/mem.h"
#include "test.h"

static bool overlap(const tn_lifetime *a, const tn_lifetime *b) {
    if (a->last < b->first || b->last < a->first) return false;
    return a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

static void check_layout(const tn_lifetime *v, int n, size_t total) {
    for (int i = 0; i < n; i++) {
        check(v[i].offset % TN_ARENA_ALIGN == 0, "buffer %d at %zu\n", i, v[i].offset);
        check(v[i].offset + v[i].bytes <= total, "buffer %d ends behind the block\n", i);
        for (int k = 0; k < i; k++) check(!overlap(&v[i], &v[k]), "buffers %d and %d overlap\n", i, k);
    }
}

static void random_lifetimes(void **state) {
    (void)state;
    uint64_t seed = 7;
    double worst = 0, sum = 0;
    enum { ROUNDS = 300 };
    for (int round = 0; round < ROUNDS; round++) {
        tn_lifetime v[120];
        int n = 1 + (int)(test_random(&seed) % 120), steps = 1 + (int)(test_random(&seed) % 100);
        for (int i = 0; i < n; i++) {
            int first = (int)(test_random(&seed) % (unsigned)steps), len = (int)(test_random(&seed) % 10);
            v[i] = (tn_lifetime){ .bytes = test_random(&seed) % (round % 2 ? 100000 : 300),
                                  .first = first,
                                  .last = first + len };
        }
        size_t total, bound;
        check_ok(tn_memory_layout(v, n, &total));
        check_layout(v, n, total);
        bound = tn_memory_bound(v, n);
        assert_true(total >= bound);
        double waste = (double)total / (double)bound;
        sum += waste;
        if (waste > worst) worst = waste;
    }
    check(worst < 1.6 && sum / ROUNDS < 1.1, "wasted: worst %.3f, mean %.3f\n", worst, sum / ROUNDS);
}

/* A chain: every buffer meets its neighbours only, so two places are enough. */
static void chain(void **state) {
    (void)state;
    tn_lifetime v[50];
    size_t total;
    for (int i = 0; i < 50; i++) v[i] = (tn_lifetime){ .bytes = 1000, .first = i, .last = i + 1 };
    check_ok(tn_memory_layout(v, 50, &total));
    check_layout(v, 50, total);
    assert_int_equal(total, 2 * 1024);
    check_ok(tn_memory_layout(v, 0, &total));
    assert_int_equal(total, 0);
}

static void too_much(void **state) {
    (void)state;
    tn_lifetime v[2] = { { .bytes = SIZE_MAX - 10, .last = 3 }, { .bytes = 5 } };
    size_t total;
    check_fails(tn_memory_layout(v, 2, &total), TN_E_LIMIT, "");
    v[0].bytes = 10;
    tn_mem_fail_every(1);
    tn_status st = tn_memory_layout(v, 2, &total);
    tn_mem_fail_every(0);
    assert_int_equal(st, TN_E_NOMEM);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(random_lifetimes), cmocka_unit_test(chain),
                                        cmocka_unit_test(too_much) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
