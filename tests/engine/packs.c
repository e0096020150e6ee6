/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* packs.c - packed constants belong to what they were made of: constants that only one plan knows, plans that come and
 * go, and packing that runs out of memory. */
#include "engine/session.h"
#include "lib/op_text.h"
#include "test.h"

/* An operator whose weights are `w0` times the first dimension of x: other numbers in every plan. */
static const struct {
    const char *op, *x, *w, *inputs; /* inputs: w is the product; the others are below */
    tn_dtype type;                   /* of x and w */
} rows[] = {
    { "MatMul", "n,40", "40,33", "x w", TN_F32 },
    { "MatMul", "n,40,40", "33,40", "w x", TN_F32 },
    { "Gemm", "n,40", "33,40", "x w", TN_F32 },
    { "Conv", "n,16,9,9", "32,16,3,3", "x w", TN_F32 },
    { "Conv", "n,16,9,9", "32,16,1,1", "x w b", TN_F32 },
    { "Conv", "n,160,3,3", "128,160,1,1", "x w", TN_F32 }, /* large: read where they lie in the file */
    { "Conv", "n,16,9,9", "16,1,3,3", "x w", TN_F32 },
    { "Conv", "n,16,9,9", "16", "x k w", TN_F32 }, /* lasting weights, a bias of the plan's */
    { "ConvTranspose", "n,16,9,9", "16,8,2,2", "x w", TN_F32 },
    { "MatMulInteger", "n,40", "40,33", "x w", TN_U8 },
    { "ConvInteger", "n,16,9,9", "32,16,3,3", "x w", TN_U8 },
    { "com.microsoft::MatMulNBits", "n,64", "16,2", "x q w", TN_F32 },
    { "RNN", "n,1,24", "1,20,24", "x w r", TN_F32 },
};

static tn_tensor *filled(tn_dtype t, const char *shape, int64_t n, unsigned spread) {
    int64_t dims[8];
    int rank = 0;
    tn_tensor *x;
    for (const char *p = shape; *p; rank++) {
        char *end;
        dims[rank] = *p == 'n' ? n : strtoll(p, &end, 10);
        if (*p == 'n') end = (char *)(uintptr_t)p + 1;
        p = *end ? end + 1 : end;
    }
    check_ok(tn_tensor_new(t, rank, dims, &x));
    for (int64_t i = 0; i < tn_count(x); i++) tn_set_f64(t, x->data, i, (double)(1 + (i * 7 + i / 5) % spread));
    return x;
}

static void put(ob *b, const char *name, tn_dtype t, const char *shape) {
    tn_tensor *x = filled(t, shape, 1, t == TN_U8 ? 200 : 3);
    ob_init(b, name, x);
    tn_tensor_free(&x);
}

/* shift: how many bytes the weights move in the file. scaled: they are multiplied by the batch. */
static tn_text model_of(size_t row, int shift, bool scaled) {
    ob *b = ob_new(9, 17);
    ob_opset(b, "com.microsoft", 1);
    ob_input(b, "x", rows[row].type, rows[row].x);
    if (scaled) {
        ob_node(b, "Shape", "x", "s");
        ob_node(b, "Gather", "s zero", "n");
        ob_node(b, "Cast", "n", "nf"), ob_int(b, "to", 1);
        ob_node(b, "Mul", "w0 nf", "wf");
        ob_node(b, "Cast", "wf", "w"), ob_int(b, "to", tn_dtypes[rows[row].type].onnx);
        ob_ints_init(b, "zero", "", (int64_t[]){ 0 }, 1);
    }
    ob_node(b, rows[row].op, rows[row].inputs, "y");
    if (!strcmp(rows[row].op, "Gemm")) ob_int(b, "transB", 1);
    if (!strcmp(rows[row].w, "16,1,3,3")) ob_int(b, "group", 16);
    if (!strcmp(rows[row].op, "RNN")) {
        ob_int(b, "hidden_size", 20);
        ob_strings(b, "activations", "Relu");
    }
    if (strstr(rows[row].op, "NBits")) {
        ob_int(b, "K", 64), ob_int(b, "N", 16), ob_int(b, "block_size", 32), ob_int(b, "bits", 4);
    }
    ob_name(b, &"node"[3 - shift]);
    if (scaled)
        put(b, "w0", TN_F32, rows[row].w);
    else
        put(b, "w", rows[row].type, rows[row].w);
    if (strstr(rows[row].inputs, " b")) put(b, "b", TN_F32, "32");
    if (strstr(rows[row].inputs, " k")) put(b, "k", TN_F32, "16,16,3,3");
    if (strstr(rows[row].inputs, " q")) put(b, "q", TN_U8, "16,2,16");
    if (strstr(rows[row].inputs, " r")) put(b, "r", TN_F32, "1,20,20");
    ob_output(b, "y");
    return ob_finish(b);
}

static tn_session *open_session(const tn_model *m, int plans) {
    tn_session *s;
    check_ok(
        tn_session_new(m, &(tn_session_opts){ .size = sizeof(tn_session_opts), .threads = 1, .plans = plans }, &s));
    return s;
}

static tn_tensor *result(tn_session *s, const tn_tensor *x) {
    tn_tensor *y = NULL;
    check_ok(tn_session_run(s, 1, &x, 1, &y));
    return y;
}

/* To the last bits: what is a constant in one plan is computed by another that serves all batches, and weights that are
 * not packed round elsewhere. */
static void same(const char *what, int64_t n, tn_tensor **a, tn_tensor *b) {
    char why[200];
    check(tensors_agree(*a, b, 1e-6, why, sizeof why), "%s, batch %d: not what a new session gives: %s\n", what, (int)n,
          why);
    tn_tensor_free(a);
}

static void constants_of_plans(void **state) {
    (void)state;
    for (size_t row = 0; row < TN_COUNT(rows); row++) {
        tn_text file = model_of(row, 0, true);
        tn_model *m;
        check_ok(tn_model_open_memory(file.s, file.n, &m));
        tn_session *one = open_session(m, 1), *some = open_session(m, 16);
        for (int64_t n = 1; n <= 60; n++) {
            tn_tensor *x = filled(rows[row].type, rows[row].x, n, 5);
            tn_session *fresh = open_session(m, 1);
            tn_tensor *want = result(fresh, x), *y = result(one, x), *z = result(some, x);
            same(rows[row].op, n, &y, want);
            same(rows[row].op, n, &z, want);
            tn_session_free(&fresh);
            tn_tensor_free(&want), tn_tensor_free(&x);
        }
        tn_session_free(&one), tn_session_free(&some);
        tn_model_close(&m);
        tn_text_free(&file);
    }
}

/* The product by hand: y = x (w0 n), so that not both sessions can be wrong. */
static void by_hand(void **state) {
    (void)state;
    tn_text file = model_of(0, 0, true);
    tn_model *m;
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    tn_session *s = open_session(m, 1);
    tn_tensor *w = filled(TN_F32, rows[0].w, 1, 3);
    for (int64_t n = 1; n <= 60; n++) {
        tn_tensor *x = filled(TN_F32, rows[0].x, n, 5), *y = result(s, x);
        for (int64_t i = 0; i < n * 33; i++) {
            double sum = 0;
            for (int64_t k = 0; k < 40; k++)
                sum += (double)((float *)x->data)[i / 33 * 40 + k] * (double)((float *)w->data)[k * 33 + i % 33];
            check((double)((float *)y->data)[i] == sum * (double)n, "batch %d, element %d\n", (int)n, (int)i);
        }
        tn_tensor_free(&x), tn_tensor_free(&y);
    }
    tn_tensor_free(&w);
    tn_session_free(&s);
    tn_model_close(&m);
    tn_text_free(&file);
}

/* The k-th allocation of a run fails, for every k: what the failed run left behind must not be used by the next. */
static void out_of_memory(void **state) {
    (void)state;
    for (size_t row = 0; row < TN_COUNT(rows); row++)
        for (int scaled = 0; scaled < 2; scaled++) {
            if (!scaled && strstr(rows[row].inputs, " k")) continue; /* the same as the one before it */
            tn_text file = model_of(row, 1 + (int)(row % 3), scaled);
            tn_model *m;
            check_ok(tn_model_open_memory(file.s, file.n, &m));
            tn_tensor *x = filled(rows[row].type, rows[row].x, 3, 5), *y = NULL;
            tn_session *fresh = open_session(m, 1);
            tn_tensor *want = result(fresh, x);
            tn_session_free(&fresh);
            tn_status st = TN_E_NOMEM;
            for (unsigned k = 1; st != TN_OK; k++) {
                tn_session *s = open_session(m, 2);
                tn_mem_fail_every(k);
                st = tn_session_run(s, 1, (const tn_tensor *const *)&x, 1, &y);
                tn_mem_fail_every(0);
                check(st == TN_OK || st == TN_E_NOMEM, "%s: %s\n", rows[row].op, tn_error());
                if (st == TN_OK) same(rows[row].op, 3, &y, want);
                y = result(s, x);
                same(rows[row].op, 3, &y, want);
                tn_session_free(&s);
            }
            tn_tensor_free(&want), tn_tensor_free(&x);
            tn_model_close(&m);
            tn_text_free(&file);
        }
}

/* Every constant of a model has an id, the same in a copy; other tensors have none. */
static void ids(void **state) {
    (void)state;
    tn_text file = model_of(0, 0, true);
    tn_model *m, *copy;
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    check_ok(tn_model_clone(m, &copy));
    for (int i = 0; i < m->n_values; i++) {
        const tn_tensor *t = m->values[i]->constant;
        if (!t) continue;
        assert_true(t->id != 0);
        assert_true(copy->values[i]->constant->id == t->id);
        for (int k = 0; k < i; k++) assert_true(!m->values[k]->constant || m->values[k]->constant->id != t->id);
    }
    tn_tensor *x = filled(TN_F32, "4", 1, 3);
    assert_true(x->id == 0);
    tn_tensor_free(&x);
    tn_model_close(&copy), tn_model_close(&m);
    tn_text_free(&file);
}

/* Forms that nobody uses stay within what is used, and go when asked. */
static void bounded(void **state) {
    (void)state;
    tn_text file = model_of(3, 0, false);
    tn_model *m;
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    tn_session *s = open_session(m, 1);
    for (int64_t n = 1; n <= 20; n++) {
        tn_tensor *x = filled(TN_F32, rows[3].x, n, 5), *y = result(s, x);
        size_t all = tn_pack_cache_bytes(s->packs);
        if (n % 5 == 0) {
            tn_pack_cache_trim(s->packs);
            size_t held = tn_pack_cache_bytes(s->packs);
            check(held && all <= 2 * held, "%zu bytes of packed weights, %zu are in use\n", all, held);
        }
        tn_tensor_free(&y);
        y = result(s, x); /* what is in use is still there */
        tn_tensor_free(&x), tn_tensor_free(&y);
    }
    tn_session_free(&s);
    tn_model_close(&m);
    tn_text_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(constants_of_plans), cmocka_unit_test(by_hand),
                                        cmocka_unit_test(out_of_memory), cmocka_unit_test(ids),
                                        cmocka_unit_test(bounded) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
