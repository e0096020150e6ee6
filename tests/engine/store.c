/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* store.c - sessions of one model share its packed weights and its optimized graph: what they take together, what each
 * is charged, who may give what back, and many at once. */
#include "engine/session.h"
#include "lib/onnx_build.h"
#include "test.h"
#include <pthread.h>

enum { WIDTH = 300 };

/* y = Relu(x w + c) v, where c is computed from constants: folded by the passes. */
static tn_model *model_of(tn_text *file) {
    ob *b = ob_new(9, 17);
    tn_tensor *w;
    tn_model *m;
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ WIDTH, WIDTH }, &w));
    for (int i = 0; i < WIDTH * WIDTH; i++) ((float *)w->data)[i] = (float)(i % 11) / 8 - 0.5f;
    ob_input(b, "x", TN_F32, "n,300");
    ob_init(b, "w", w);
    ob_init(b, "v", w);
    ob_node(b, "Mul", "w w", "w2");
    ob_node(b, "MatMul", "x w", "a");
    ob_node(b, "Relu", "a", "r");
    ob_node(b, "MatMul", "r v", "k");
    ob_node(b, "MatMul", "k w2", "y");
    ob_output(b, "y");
    tn_tensor_free(&w);
    *file = ob_finish(b);
    check_ok(tn_model_open_memory(file->s, file->n, &m));
    return m;
}

static tn_session *session_of(const tn_model *m, tn_session_opts o) {
    tn_session *s;
    o.size = sizeof o, o.threads = 1;
    check_ok(tn_session_new(m, &o, &s));
    return s;
}

static tn_tensor *input(int64_t n) {
    tn_tensor *x;
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ n, WIDTH }, &x));
    for (int64_t i = 0; i < n * WIDTH; i++) ((float *)x->data)[i] = (float)(i % 5) - 2;
    return x;
}

static tn_tensor *result(tn_session *s, int64_t n) {
    tn_tensor *x = input(n), *y = NULL;
    check_ok(tn_session_run(s, 1, (const tn_tensor *const[]){ x }, 1, &y));
    tn_tensor_free(&x);
    return y;
}

/* The same bits as want. */
static void gives(tn_session *s, const tn_tensor *want) {
    tn_tensor *y = result(s, want->dims[0]);
    assert_memory_equal(y->data, want->data, tn_tensor_bytes(want));
    tn_tensor_free(&y);
}

static size_t weights(void) { return tn_mem_stats_of(TN_MEM_WEIGHTS).now; }

static void sharing(void **state) {
    (void)state;
    tn_text file;
    tn_model *m = model_of(&file);
    tn_session *a = session_of(m, (tn_session_opts){ 0 });
    tn_tensor *want = result(a, 3);
    size_t one = weights(), graph = tn_mem_stats_of(TN_MEM_GRAPH).now;
    tn_session *b = session_of(m, (tn_session_opts){ 0 });
    gives(b, want);
    assert_int_equal(weights(), one);
    assert_int_equal(tn_mem_stats_of(TN_MEM_GRAPH).now, graph);
    assert_ptr_equal(a->model, b->model);
    assert_int_equal(tn_pack_cache_bytes(a->packs), tn_pack_cache_bytes(b->packs));
    assert_true(tn_pack_cache_bytes(a->packs) >= 3 * WIDTH * WIDTH * sizeof(float));
    /* Each is charged for all it uses. */
    size_t charged = tn_account_used(b->prepared);
    check(charged >= tn_pack_cache_bytes(b->packs), "%zu bytes are charged\n", charged);
    tn_session_free(&a);
    assert_int_equal(weights(), one); /* b has them still */
    gives(b, want);
    tn_session_free(&b);
    check(weights() < one, "%zu bytes of weights stay when the last session has gone\n", weights());
    tn_tensor_free(&want);
    tn_model_close(&m);
    tn_text_free(&file);
}

/* Other options are another graph; the weights that both pack alike are one. */
static void editions(void **state) {
    (void)state;
    tn_text file;
    tn_model *m = model_of(&file);
    tn_session *a = session_of(m, (tn_session_opts){ 0 });
    tn_session *b = session_of(m, (tn_session_opts){ .precision = "bf16" });
    tn_session *c = session_of(m, (tn_session_opts){ .precision = "bf16" });
    tn_session *d = session_of(m, (tn_session_opts){ .no_optimize = 1 });
    tn_session *e = session_of(m, (tn_session_opts){ .precision = "" });
    assert_ptr_not_equal(a->model, b->model);
    assert_ptr_equal(b->model, c->model);
    assert_ptr_equal(d->model, m);
    assert_ptr_equal(a->model, e->model);
    setenv("TN_PASSES", "fold", 1);
    tn_session *f = session_of(m, (tn_session_opts){ 0 });
    unsetenv("TN_PASSES");
    assert_ptr_not_equal(a->model, f->model);
    tn_session **all[] = { &a, &b, &c, &d, &e, &f };
    for (size_t i = 0; i < TN_COUNT(all); i++) tn_session_free(all[i]);
    tn_model_close(&m);
    tn_text_free(&file);
}

/* What a session gives back is not taken from the others. */
static void trimming(void **state) {
    (void)state;
    tn_text file;
    tn_model *m = model_of(&file);
    tn_session *a = session_of(m, (tn_session_opts){ .plans = 1 }), *b = session_of(m, (tn_session_opts){ .plans = 1 });
    tn_tensor *want = result(a, 2);
    gives(b, want);
    size_t held = weights();
    tn_session_trim(a);
    tn_pack_cache_trim(a->packs);
    assert_int_equal(weights(), held);
    gives(b, want);
    gives(a, want);
    tn_tensor_free(&want);
    tn_session_free(&a), tn_session_free(&b);
    tn_model_close(&m);
    tn_text_free(&file);
}

/* A bound holds what others have packed, too, so that it does not depend on them. */
static void limits(void **state) {
    (void)state;
    tn_text file;
    tn_model *m = model_of(&file);
    tn_session *a = session_of(m, (tn_session_opts){ 0 }), *b;
    tn_tensor *want = result(a, 3), *x = input(3), *y;
    size_t needs = tn_account_peak(a->prepared);
    tn_session_opts o = { .size = sizeof o, .threads = 1, .prepare_limit = 1000 };
    check_fails(tn_session_new(m, &o, &b), TN_E_LIMIT, "tn_session_opts.prepare_limit");
    o.prepare_limit = needs - WIDTH * WIDTH * sizeof(float);
    tn_status st = tn_session_new(m, &o, &b);
    if (st == TN_OK) {
        check_fails(tn_session_run(b, 1, (const tn_tensor *const[]){ x }, 1, &y), TN_E_LIMIT, "prepare_limit");
        tn_session_free(&b);
    }
    b = session_of(m, (tn_session_opts){ .prepare_limit = needs });
    gives(b, want);
    check(tn_account_peak(b->prepared) <= needs, "%zu bytes instead of %zu\n", tn_account_peak(b->prepared), needs);
    tn_session_free(&b);
    gives(a, want);
    tn_tensor_free(&want), tn_tensor_free(&x);
    tn_session_free(&a);
    tn_model_close(&m);
    tn_text_free(&file);
}

/* ----------------------------------------------------------------------------------------------------- many at once */

typedef struct {
    const tn_model *m;
    const tn_tensor *want;
    int turn;
    bool right;
} worker;

static void *come_and_go(void *arg) {
    worker *w = arg;
    w->right = true;
    for (int i = 0; i < 6 && w->right; i++) {
        tn_session *s = NULL;
        tn_tensor *y = NULL, *x = NULL;
        tn_session_opts o = { .size = sizeof o, .threads = 1, .precision = (i + w->turn) % 3 ? NULL : "f32" };
        w->right = tn_tensor_new(TN_F32, 2, w->want->dims, &x) == TN_OK && tn_session_new(w->m, &o, &s) == TN_OK;
        for (int64_t k = 0; w->right && k < tn_count(x); k++) ((float *)x->data)[k] = (float)(k % 5) - 2;
        w->right = w->right && tn_session_run(s, 1, (const tn_tensor *const[]){ x }, 1, &y) == TN_OK &&
                   !memcmp(y->data, w->want->data, tn_tensor_bytes(y));
        if (i % 2) tn_session_trim(s);
        tn_tensor_free(&x), tn_tensor_free(&y);
        tn_session_free(&s);
    }
    return NULL;
}

static void threads(void **state) {
    (void)state;
    tn_text file, same;
    for (int round = 0; round < 3; round++) {
        tn_model *m = model_of(&file), *other = model_of(&same);
        tn_session *s = session_of(other, (tn_session_opts){ 0 });
        tn_tensor *want = result(s, 2);
        pthread_t id[4];
        worker w[4];
        for (int i = 0; i < 4; i++) {
            w[i] = (worker){ m, want, i, false };
            assert_int_equal(pthread_create(&id[i], NULL, come_and_go, &w[i]), 0);
        }
        for (int i = 0; i < 4; i++) pthread_join(id[i], NULL);
        for (int i = 0; i < 4; i++) assert_true(w[i].right);
        tn_tensor_free(&want);
        tn_session_free(&s);
        tn_model_close(&m), tn_model_close(&other);
        tn_text_free(&file), tn_text_free(&same);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(sharing), cmocka_unit_test(editions),
                                        cmocka_unit_test(trimming), cmocka_unit_test(limits),
                                        cmocka_unit_test(threads) };
    return cmocka_run_group_tests_name("engine/store", tests, NULL, NULL);
}
