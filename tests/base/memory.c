/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* memory.c - counted memory, arenas and the hash map. */
#include "base/arena.h"
#include "base/map.h"
#include "test.h"

static void counted(void **state) {
    (void)state;
    tn_mem_stats before = tn_mem_stats_of(TN_MEM_SCRATCH), all = tn_mem_stats_all();
    tn_mem_reset_peak();
    char *a = tn_mem_alloc(1000, TN_MEM_SCRATCH), *big = tn_mem_zalloc((size_t)5 << 20, TN_MEM_SCRATCH);
    void *none = tn_mem_alloc(0, TN_MEM_SCRATCH);
    assert_non_null(a);
    assert_non_null(big);
    assert_non_null(none);
    assert_int_equal((uintptr_t)a % 64, 0);
    assert_int_equal((uintptr_t)big % 64, 0);
    for (size_t i = 0; i < (size_t)5 << 20; i += 997) assert_int_equal(big[i], 0);
    big[((size_t)5 << 20) - 1] = 1;
    tn_mem_stats now = tn_mem_stats_of(TN_MEM_SCRATCH);
    assert_int_equal(now.now - before.now, 1000 + ((size_t)5 << 20));
    assert_int_equal(now.count - before.count, 3);
    tn_mem_free(a);
    tn_mem_free(big);
    tn_mem_free(none);
    tn_mem_free(NULL);
    now = tn_mem_stats_of(TN_MEM_SCRATCH);
    assert_int_equal(now.now, before.now);
    assert_int_equal(now.peak - before.now, 1000 + ((size_t)5 << 20));
    assert_int_equal(tn_mem_stats_all().now, all.now);
    assert_string_equal(tn_mem_tag_name(TN_MEM_WEIGHTS), "weights");
    assert_null(tn_mem_alloc(SIZE_MAX, TN_MEM_GENERAL));
    assert_null(tn_mem_alloc(SIZE_MAX / 2, TN_MEM_GENERAL));
}

static void failing(void **state) {
    (void)state;
    tn_mem_fail_every(3);
    for (int i = 1; i <= 9; i++) {
        void *p = tn_mem_alloc(10, TN_MEM_GENERAL);
        assert_int_equal(p == NULL, i % 3 == 0);
        tn_mem_free(p);
    }
    tn_mem_fail_every(1);
    assert_null(tn_arena_new(0, TN_MEM_GENERAL));
    assert_null(tn_map_new(0));
    tn_mem_fail_every(0);
}

static void arenas(void **state) {
    (void)state;
    size_t before = tn_mem_stats_all().now;
    tn_arena *a = tn_arena_new(0, TN_MEM_GRAPH);
    tn_arena_mark empty = tn_arena_save(a);
    for (size_t align = 1; align <= 64; align *= 2)
        for (size_t n = 0; n < 300; n += 7) {
            char *p = tn_arena_alloc(a, n, align);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % align, 0);
            for (size_t i = 0; i < n; i++) assert_int_equal(p[i], 0);
            memset(p, 0xff, n);
        }
    tn_arena_mark m = tn_arena_save(a);
    size_t held = tn_arena_bytes(a);
    memset(tn_arena_alloc(a, 64, 1), 0xff, 64);
    char *big = tn_arena_alloc(a, 3 << 20, 64);
    assert_true(tn_arena_bytes(a) >= held + (3 << 20));
    big[(3 << 20) - 1] = 1;
    tn_arena_restore(a, m);
    assert_int_equal(tn_arena_bytes(a), held);
    char *again = tn_arena_alloc(a, 64, 1); /* memory given back is zeroed when it is handed out again */
    for (int i = 0; i < 64; i++) assert_int_equal(again[i], 0);
    assert_string_equal(tn_arena_printf(a, "%s-%d", "node", 7), "node-7");
    assert_string_equal(tn_arena_strndup(a, "abcdef", 3), "abc");
    assert_string_equal(tn_arena_strdup(a, ""), "");
    assert_null(tn_arena_calloc(a, SIZE_MAX / 2, 4, 8));
    assert_null(tn_arena_alloc(a, SIZE_MAX - 10, 8));
    assert_non_null(tn_arena_array(a, int, 10));
    tn_arena_restore(a, empty);
    assert_non_null(tn_arena_new_of(a, double));
    tn_arena_free(&a);
    assert_null(a);
    tn_arena_free(&a);
    assert_int_equal(tn_mem_stats_all().now, before);
}

static void count_one(void *user, const char *key, size_t len, void *value) {
    (void)key;
    (void)len;
    *(size_t *)user += *(int *)value;
}

/* Random puts and removes against a plain array. */
static void maps(void **state) {
    (void)state;
    enum { KEYS = 2000 };
    static char keys[KEYS][12];
    static int numbers[KEYS], in[KEYS];
    tn_map *m = tn_map_new(0);
    uint64_t seed = 1;
    size_t count = 0;
    for (int i = 0; i < KEYS; i++) snprintf(keys[i], sizeof keys[i], "k%d", i), numbers[i] = i;
    for (int step = 0; step < 60000; step++) {
        int i = (int)(test_random(&seed) % KEYS);
        size_t len = strlen(keys[i]);
        assert_int_equal(tn_map_get(m, keys[i], len) != NULL, in[i]);
        if (test_random(&seed) % 2) {
            check_ok(tn_map_put(m, keys[i], len, &numbers[i]));
            count += !in[i];
            in[i] = 1;
        } else {
            assert_ptr_equal(tn_map_remove(m, keys[i], len), in[i] ? &numbers[i] : NULL);
            count -= (size_t)in[i];
            in[i] = 0;
        }
        assert_int_equal(tn_map_count(m), count);
    }
    size_t sum = 0, want = 0;
    for (int i = 0; i < KEYS; i++) {
        assert_ptr_equal(tn_map_gets(m, keys[i]), in[i] ? &numbers[i] : NULL);
        if (in[i]) want += (size_t)i;
    }
    tn_map_each(m, count_one, &sum);
    assert_int_equal(sum, want);
    check_ok(tn_map_put(m, "", 0, &sum));
    check_ok(tn_map_put(m, "a\0b", 3, &want));
    assert_ptr_equal(tn_map_get(m, NULL, 0), &sum);
    assert_ptr_equal(tn_map_get(m, "a\0b", 3), &want);
    assert_null(tn_map_get(m, "a\0c", 3));
    tn_map_free(&m);
    tn_map_free(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(counted), cmocka_unit_test(failing), cmocka_unit_test(arenas),
                                        cmocka_unit_test(maps) };
    return cmocka_run_group_tests_name("base/memory", tests, NULL, NULL);
}
