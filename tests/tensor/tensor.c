/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* tensor.c - tensors, shared memory, strings, sequences; the public functions. */
#include "tensor/tensor.h"
#include "test.h"
#include <pthread.h>

static void shapes(void **state) {
    (void)state;
    char text[64];
    int64_t huge[] = { INT64_MAX / 2, 4 }, zero[] = { 0, 1000, INT64_MAX / 8000 }, far[] = { INT64_MAX, 0, 2 },
            minus[] = { 2, -1 };
    assert_int_equal(tn_dims_count(0, NULL), 1);
    assert_int_equal(tn_dims_count(2, huge), -1);
    assert_int_equal(tn_dims_count(3, zero), 0);
    assert_int_equal(tn_dims_count(3, far), -1); /* strides would overflow, though nothing is there */
    assert_int_equal(tn_dims_count(2, minus), -1);
    assert_string_equal(tn_dims_text(0, NULL, text, sizeof text), "scalar");
    assert_string_equal(tn_dims_text(3, (int64_t[]){ 1, 3, 224 }, text, sizeof text), "1x3x224");
    assert_string_equal(tn_dims_text(3, (int64_t[]){ 100, 300, 224 }, text, 6), "100x3");
    assert_true(tn_dims_equal(2, minus, 2, minus));
    assert_false(tn_dims_equal(2, minus, 1, minus));
    assert_true(tn_dims_equal(0, NULL, 0, NULL));
}

static void public_calls(void **state) {
    (void)state;
    tn_tensor *t;
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ 3, 5 }, &t));
    assert_int_equal(tn_tensor_dtype(t), TN_F32);
    assert_int_equal(tn_tensor_rank(t), 2);
    assert_int_equal(tn_tensor_dims(t)[1], 5);
    assert_int_equal(tn_tensor_elements(t), 15);
    assert_int_equal(tn_tensor_bytes(t), 60);
    assert_int_equal((uintptr_t)tn_tensor_data(t) % 64, 0);
    for (int i = 0; i < 15; i++) assert_true(((float *)tn_tensor_data(t))[i] == 0);
    tn_tensor_free(&t);
    assert_null(t);
    tn_tensor_free(&t);

    check_ok(tn_tensor_new(TN_I4, 0, NULL, &t));
    assert_int_equal(tn_tensor_elements(t), 1);
    assert_int_equal(tn_tensor_bytes(t), 1);
    tn_tensor_free(&t);

    check_ok(tn_tensor_new(TN_F32, 3, (int64_t[]){ 2, 0, 7 }, &t));
    assert_int_equal(tn_tensor_elements(t), 0);
    assert_null(tn_tensor_data(t));
    tn_tensor_free(&t);

    float own[4] = { 1, 2, 3, 4 };
    check_ok(tn_tensor_borrow(TN_F32, 1, (int64_t[]){ 4 }, own, &t));
    assert_ptr_equal(tn_tensor_data(t), own);
    tn_tensor_free(&t);

    check_fails(tn_tensor_borrow(TN_F32, 1, (int64_t[]){ 4 }, NULL, &t), TN_E_INVALID, "NULL");
    check_fails(tn_tensor_new(TN_F32, 17, (int64_t[17]){ 0 }, &t), TN_E_SHAPE, "17 dimensions");
    check_fails(tn_tensor_new(TN_F32, -1, NULL, &t), TN_E_SHAPE, "-1 dimensions");
    check_fails(tn_tensor_new(TN_F32, 2, (int64_t[]){ 1, -5 }, &t), TN_E_SHAPE, "negative");
    check_fails(tn_tensor_new(TN_F32, 2, (int64_t[]){ INT64_MAX, 2 }, &t), TN_E_SHAPE, "too large");
    check_fails(tn_tensor_new(TN_F64, 1, (int64_t[]){ INT64_MAX / 8 }, &t), TN_E_SHAPE, "too large");
    check_fails(tn_tensor_new(TN_U8, 1, (int64_t[]){ (int64_t)1 << 61 }, &t), TN_E_NOMEM, "uint8");
    check_fails(tn_tensor_new(TN_NONE, 0, NULL, &t), TN_E_TYPE, "not an element type");
    check_fails(tn_tensor_new((tn_dtype)500, 0, NULL, &t), TN_E_TYPE, "500");
    assert_null(t);
    for (unsigned n = 1; n < 4; n++) {
        tn_mem_fail_every(n);
        tn_status st = tn_tensor_new(TN_F32, 1, (int64_t[]){ 4 }, &t);
        tn_mem_fail_every(0);
        assert_int_equal(st, TN_E_NOMEM);
        assert_null(t);
    }
}

static void sharing(void **state) {
    (void)state;
    tn_tensor a, b, c;
    check_ok(tn_tensor_init(&a, TN_I32, 1, (int64_t[]){ 3 }, TN_MEM_GENERAL));
    memcpy(a.data, (int32_t[]){ 1, 2, 3 }, 12);
    tn_tensor_share(&b, &a);
    assert_ptr_equal(b.data, a.data);
    check_ok(tn_tensor_copy(&c, &a, TN_MEM_GENERAL));
    assert_ptr_not_equal(c.data, a.data);
    tn_tensor_reset(&a);
    assert_null(a.data);
    ((int32_t *)b.data)[0] = 9;
    assert_int_equal(((int32_t *)c.data)[0], 1);
    tn_tensor_reset(&b);
    tn_tensor_reset(&b);
    tn_tensor_reset(&c);
    int32_t own[2] = { 5, 6 }; /* borrowed memory stays the owner's */
    tn_tensor d = { .dtype = TN_I32, .rank = 1, .dims = { 2 }, .data = own };
    tn_tensor_share(&b, &d);
    assert_ptr_equal(b.data, own);
    tn_tensor_reset(&b);
    assert_int_equal(own[0], 5);
}

static void strings(void **state) {
    (void)state;
    tn_tensor t, copy;
    char word[] = "hello";
    check_ok(tn_tensor_init(&t, TN_STRING, 1, (int64_t[]){ 3 }, TN_MEM_GENERAL));
    check_ok(tn_tensor_set_string(&t, 0, word, 5));
    check_ok(tn_tensor_set_string(&t, 2, "a\0b", 3));
    word[0] = 'X';
    check_ok(tn_tensor_copy(&copy, &t, TN_MEM_GENERAL));
    tn_tensor_reset(&t);
    const tn_string *s = copy.data;
    assert_int_equal(s[0].len, 5);
    assert_memory_equal(s[0].ptr, "hello", 5);
    assert_int_equal(s[1].len, 0);
    assert_memory_equal(s[2].ptr, "a\0b", 3);
    tn_tensor_reset(&copy);
    tn_tensor *p;
    check_ok(tn_tensor_new(TN_STRING, 1, (int64_t[]){ 2 }, &p));
    assert_int_equal(((tn_string *)tn_tensor_data(p))[1].len, 0);
    tn_tensor_free(&p);
}

static void sequences(void **state) {
    (void)state;
    size_t before = tn_mem_stats_all().now;
    tn_list *l = tn_list_new(0);
    for (int i = 0; i < 10; i++) {
        tn_datum d = { .kind = TN_KIND_TENSOR };
        check_ok(tn_tensor_init(&d.tensor, TN_I64, 0, NULL, TN_MEM_GENERAL));
        *(int64_t *)d.tensor.data = i;
        check_ok(tn_list_push(l, &d));
        tn_datum_reset(&d);
    }
    tn_datum seq = { .kind = TN_KIND_SEQUENCE, .list = l }, shared, copy, nested = { .kind = TN_KIND_SEQUENCE };
    tn_datum_share(&shared, &seq);
    assert_ptr_equal(shared.list, l);
    check_ok(tn_datum_copy(&copy, &seq, TN_MEM_GENERAL));
    nested.list = tn_list_new(1);
    check_ok(tn_list_push(nested.list, &seq));
    tn_datum none = { 0 };
    check_ok(tn_list_push(nested.list, &none));
    tn_datum_reset(&seq);
    *(int64_t *)shared.list->items[3].tensor.data = 77;
    assert_int_equal(*(int64_t *)copy.list->items[3].tensor.data, 3);
    assert_int_equal(*(int64_t *)nested.list->items[0].list->items[3].tensor.data, 77);
    for (unsigned n = 1; n < 40; n++) { /* out of memory at every place */
        tn_datum other;
        tn_mem_fail_every(n);
        tn_status st = tn_datum_copy(&other, &nested, TN_MEM_GENERAL);
        tn_mem_fail_every(0);
        if (st == TN_OK) assert_int_equal(other.list->items[0].list->n, 10);
        tn_datum_reset(&other);
    }
    tn_datum_reset(&shared);
    tn_datum_reset(&copy);
    tn_datum_reset(&nested);
    assert_int_equal(tn_mem_stats_all().now, before);
}

static tn_datum number(int64_t v) {
    tn_datum d = { .kind = TN_KIND_TENSOR };
    check_ok(tn_tensor_init(&d.tensor, TN_I64, 0, NULL, TN_MEM_GENERAL));
    *(int64_t *)d.tensor.data = v;
    return d;
}

static tn_list *appended(const tn_list *l, int64_t v) {
    tn_datum d = number(v);
    tn_list *longer;
    check_ok(tn_list_append(l, &d, &longer));
    tn_datum_reset(&d);
    return longer;
}

static int64_t at(const tn_list *l, size_t i) { return *(const int64_t *)l->items[i].tensor.data; }

/* A list stays what it was, whatever is appended to it and however often; its items are copied rarely. */
static void appending(void **state) {
    size_t before = tn_mem_stats_all().now;
    tn_list *l = appended(NULL, 0), *fork = NULL;
    int moved = 0;
    for (int64_t i = 1; i < 1000; i++) {
        tn_list *longer = appended(l, i);
        moved += longer->items != l->items;
        if (i == 500) fork = appended(l, -1); /* its place is taken by now */
        assert_int_equal(l->n, (size_t)i);
        tn_list_unref(&l);
        l = longer;
    }
    assert_true(moved <= 10);
    for (size_t i = 0; i < 1000; i++) assert_int_equal(at(l, i), i);
    assert_int_equal(fork->n, 501);
    assert_int_equal(at(fork, 499), 499);
    assert_int_equal(at(fork, 500), -1);
    tn_list *again = appended(fork, -2);
    assert_int_equal(at(again, 501), -2);
    for (unsigned n = 1; n < 4; n++) { /* out of memory: the list is as it was */
        tn_datum d = number(7);
        tn_list *none;
        tn_mem_fail_every(n);
        tn_status st = tn_list_append(l, &d, &none);
        tn_mem_fail_every(0);
        if (st == TN_OK) tn_list_unref(&none);
        assert_true(st == TN_OK || !none);
        tn_datum_reset(&d);
        assert_int_equal(at(l, 999), 999);
    }
    tn_list_unref(&again);
    tn_list_unref(&fork);
    tn_list_unref(&l);
    assert_int_equal(tn_mem_stats_all().now, before);
}

enum { ROUNDS = 2000 };
typedef struct {
    const tn_list *base;
    int64_t mark;
    bool good;
} appender;

static void *append_often(void *arg) {
    appender *a = arg;
    a->good = true;
    for (int i = 0; i < ROUNDS; i++) {
        tn_list *l = appended(a->base, a->mark), *m = appended(l, a->mark + 1);
        a->good &= at(l, 0) == 5 && at(l, 1) == a->mark && at(m, 1) == a->mark && at(m, 2) == a->mark + 1;
        tn_list_unref(&l);
        tn_list_unref(&m);
    }
    return NULL;
}

/* Two threads that append to one list do not see each other. */
static void appending_together(void **state) {
    tn_list *base = appended(NULL, 5);
    appender a[2] = { { base, 10, false }, { base, 20, false } };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, append_often, &a[1]), 0);
    append_often(&a[0]);
    pthread_join(thread, NULL);
    assert_true(a[0].good && a[1].good);
    tn_list_unref(&base);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(shapes),
                                        cmocka_unit_test(public_calls),
                                        cmocka_unit_test(sharing),
                                        cmocka_unit_test(strings),
                                        cmocka_unit_test(sequences),
                                        cmocka_unit_test(appending),
                                        cmocka_unit_test(appending_together) };
    return cmocka_run_group_tests_name("tensor/tensor", tests, NULL, NULL);
}
