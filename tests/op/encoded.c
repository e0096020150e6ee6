/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* encoded.c - weights in blocks as inputs of operators: those that take them give what decoded weights give, and every
 * other input of every operator refuses them with a sentence. */
#include "engine/session.h"
#include "format/format.h"
#include "lib/one_node.h"
#include "op/core/op.h"
#include "tensor/encoding.h"
#include "tensor/npy.h"
#include "test.h"
#include <math.h>

static uint64_t rng = 29;
static int between(int lo, int hi) { return lo + (int)(test_random(&rng) % (uint64_t)(hi - lo + 1)); }

/* Blocks of any codes whose scales are ordinary numbers: drawn until all elements are small. */
static uint8_t *draw(const tn_encoding *e, int64_t blocks) {
    uint8_t *q = malloc((size_t)(blocks * e->bytes));
    float v[TN_BLOCK_MAX];
    assert_non_null(q);
    for (int64_t b = 0; b < blocks; b++) {
        uint8_t *at = q + b * e->bytes;
        tn_coded c = { e, 1, e->block, e->block, 1, { at, e->bytes, TN_U8 }, { 0 }, { 0 } };
        for (bool fine = false; !fine;) {
            for (int i = 0; i < e->bytes; i++) at[i] = (uint8_t)test_random(&rng);
            tn_coded_decode(&c, 0, 0, e->block, v);
            fine = true;
            for (int i = 0; i < e->block; i++) fine = fine && fabsf(v[i]) < 1e4f;
        }
    }
    return q;
}

static double *decoded(const tn_encoding *e, const uint8_t *q, int64_t n) {
    double *w = malloc((size_t)n * sizeof *w);
    float v[TN_BLOCK_MAX];
    assert_non_null(w);
    for (int64_t b = 0; b < n / e->block; b++) {
        tn_coded c = { e, 1, e->block, e->block, 1, { q + b * e->bytes, e->bytes, TN_U8 }, { 0 }, { 0 } };
        tn_coded_decode(&c, 0, 0, e->block, v);
        for (int i = 0; i < e->block; i++) w[b * e->block + i] = (double)v[i];
    }
    return w;
}

static double *numbers(int n) {
    double *v = malloc((size_t)n * sizeof *v);
    assert_non_null(v);
    for (int i = 0; i < n; i++) v[i] = between(-64, 64) / 64.0;
    return v;
}

typedef struct {
    const char *op;
    int m, n, k;
    bool trans_a, trans_b, batch;
    int bias; /* 1: one per column; 2: a matrix */
} shape;

/* Rounded activations are off by 1 / 254 of the largest of 32, which is 1 at most here. */
static void one(const tn_encoding *e, const shape *s) {
    int batch = s->batch ? 2 : 1, m = s->m * batch;
    double *a = numbers(m * s->k), *bias = numbers(m * s->n);
    uint8_t *q = draw(e, (int64_t)s->n * s->k / e->block);
    double *w = decoded(e, q, (int64_t)s->n * s->k);
    char dims[64];
    on *o = on_new();
    snprintf(dims, sizeof dims, s->batch ? "2,%d,%d" : "%d,%d", s->trans_a ? s->k : s->m, s->trans_a ? s->m : s->k);
    on_in(o, TN_F32, dims, a, false);
    snprintf(dims, sizeof dims, "%d,%d", s->trans_b ? s->n : s->k, s->trans_b ? s->k : s->n);
    on_blocks(o, e, dims, q);
    s->bias == 2 ? snprintf(dims, sizeof dims, "%d,%d", m, s->n) : snprintf(dims, sizeof dims, "%d", s->n);
    if (s->bias) on_in(o, TN_F32, dims, bias, true);
    tn_node *node = on_node(o, "", s->op, 1);
    if (!strcmp(s->op, "Gemm")) {
        check_ok(tn_attr_set_int(node, "transB", s->trans_b));
        check_ok(tn_attr_set_int(node, "transA", s->trans_a));
        check_ok(tn_attr_set_float(node, "alpha", 0.5f));
    }
    check_ok(on_go(o, 1 + m % 2));
    for (int i = 0; i < m; i++)
        for (int j = 0; j < s->n; j++) {
            double want = 0, steps = 0;
            for (int x = 0; x < s->k; x++) {
                double b = s->trans_b ? w[j * s->k + x] : w[x * s->n + j];
                want += b * (s->trans_a ? a[x * s->m + i] : a[i * s->k + x]);
                steps += fabs(b);
            }
            double scale = !strcmp(s->op, "Gemm") ? 0.5 : 1, have = on_at(o, 0, i * s->n + j);
            want = scale * want + (s->bias ? bias[s->bias == 2 ? i * s->n + j : j] : 0);
            bool rounded = s->trans_b;
            double bound = scale * steps * (rounded ? 1 / 250.0 : 1e-5) + 1e-5;
            check(fabs(have - want) <= bound, "%s, %s %d x %d x %d: [%d, %d] is %g, expected %g (%g)\n", e->name, s->op,
                  m, s->n, s->k, i, j, have, want, bound);
        }
    on_free(o);
    free(a), free(q), free(w), free(bias);
}

static void products(void **state) {
    (void)state;
    static const shape shapes[] = { { "Gemm", 1, 7, 512, .trans_b = true },
                                    { "Gemm", 5, 40, 256, .trans_b = true, .bias = 1 },
                                    { "Gemm", 30, 33, 768, .trans_b = true },
                                    { "Gemm", 50, 33, 512, .trans_b = true, .bias = 1 },
                                    { "Gemm", 3, 9, 256, .trans_a = true, .trans_b = true },
                                    { "Gemm", 2, 256, 7, .bias = 1 },
                                    { "Gemm", 3, 768, 5, .bias = 2 },
                                    { "Gemm", 3, 20, 256, .trans_b = true, .bias = 2 },
                                    { "MatMul", 1, 512, 11 },
                                    { "MatMul", 20, 256, 9, .batch = true } };
    for (int id = 0; id < TN_ENC_COUNT; id++)
        for (size_t i = 0; i < TN_COUNT(shapes) && tn_encodings[id].split; i++) one(&tn_encodings[id], &shapes[i]);
}

static void rows(void **state) {
    (void)state;
    static const double index[] = { 2, -1, 0, 2 };
    for (int id = 0; id < TN_ENC_COUNT; id++) {
        const tn_encoding *e = &tn_encodings[id];
        if (!e->split) continue;
        uint8_t *q = draw(e, 3 * 2 * 512 / e->block);
        double *w = decoded(e, q, 3 * 2 * 512);
        for (int axis = 0; axis < 2; axis++) {
            on *o = on_new();
            on_blocks(o, e, axis ? "2,3,512" : "3,2,512", q);
            on_in(o, TN_I64, "4", index, false);
            check_ok(tn_attr_set_int(on_node(o, "", "Gather", 1), "axis", axis));
            check_ok(on_go(o, 2));
            for (int i = 0; i < 4 * 2 * 512; i++) {
                int slice = (int)index[axis ? i / 512 % 4 : i / 1024], at = slice < 0 ? slice + 3 : slice;
                double want = w[axis ? (i / 2048 * 3 + at) * 512 + i % 512 : at * 1024 + i % 1024];
                check(fabs(on_at(o, 0, i) - want) <= 1e-5 * fabs(want) + 1e-3,
                      "%s, axis %d, element %d: %g, expected %g\n", e->name, axis, i, on_at(o, 0, i), want);
            }
            on_free(o);
        }
        free(q), free(w);
    }
}

static void refused_shapes(void **state) {
    (void)state;
    const tn_encoding *e = &tn_encodings[TN_ENC_Q8_0];
    uint8_t *q = draw(e, 32);
    double *a = numbers(1024);
    on *o = on_new();
    on_blocks(o, e, "16,64", q);
    on_in(o, TN_I64, "1", a, false);
    check_ok(tn_attr_set_int(on_node(o, "", "Gather", 1), "axis", 1));
    check_fails(on_go(o, 1), TN_E_UNSUPPORTED, "blocks along axis 1");
    on_free(o);
    o = on_new();
    on_in(o, TN_F32, "2,4,8", a, false);
    on_blocks(o, e, "2,8,64", q);
    on_node(o, "", "MatMul", 1);
    check_fails(on_go(o, 1), TN_E_UNSUPPORTED, "must be one matrix");
    on_free(o);
    o = on_new();
    on_in(o, TN_F32, "2,64", a, false);
    on_blocks(o, e, "64", q);
    on_node(o, "", "MatMul", 1);
    check_fails(on_go(o, 1), TN_E_UNSUPPORTED, "must be one matrix");
    on_free(o);
    free(q), free(a);
}

/* ------------------------------------------------------------------------------------------------- every operator */

static int ports(const tn_port *p) {
    int n = 0;
    while (p && p[n].name) n++;
    return n;
}

/* A node with blocks at input `at`, whatever else it gets: refused, and never run. */
static tn_status with_blocks(const tn_op *op, int at, int n_in, const void *q, const double *numbers) {
    on *o = on_new();
    for (int i = 0; i < n_in; i++)
        i == at ? on_blocks(o, &tn_encodings[TN_ENC_Q8_0], "4,32", q) : on_in(o, TN_F32, "4,32", numbers, false);
    on_node(o, op->domain ? op->domain : "", op->name, ports(op->out) ? 1 : 0);
    tn_status st = on_go(o, 1);
    if (st != TN_OK) assert_true(strlen(tn_error()) > 10);
    on_free(o);
    return st;
}

static void every_operator(void **state) {
    (void)state;
    uint8_t *q = draw(&tn_encodings[TN_ENC_Q8_0], 4);
    double *a = numbers(128);
    int taken = 0, told = 0;
    tn_tensor t;
    check_ok(tn_tensor_encoded(&t, &tn_encodings[TN_ENC_Q8_0], 2, (int64_t[]){ 4, 32 }, q, 999, NULL));
    for (int i = 0; i < tn_op_count(); i++) {
        const tn_op *op = tn_op_at(i);
        int n = ports(op->in);
        for (int p = 0; p < n && p < 12; p++) {
            int n_in = p + 1 > tn_op_min_inputs(op) ? p + 1 : tn_op_min_inputs(op);
            if (op->in[p].encoded) {
                taken++;
                continue;
            }
            tn_status st = with_blocks(op, p, n_in < 12 ? n_in : 12, q, a);
            check(st != TN_OK, "%s takes blocks as %s and says nothing\n", op->name, op->in[p].name);
            told += strstr(tn_error(), "holds Q8_0 blocks") != NULL;
        }
    }
    /* B of MatMul, Gemm and the fused product, data of Gather: those of products() and rows(); weights of MoE. */
    assert_int_equal(taken, 7);
    assert_true(told > 100); /* the others fail for what else is wrong with such a node */
    free(q), free(a);
}

/* ------------------------------------------------------------------------------------------------- around operators */

/* y = relu(A W' + b): passes fuse it. */
static void fused(void **state) {
    (void)state;
    const tn_encoding *e = &tn_encodings[TN_ENC_Q4_K];
    uint8_t *q = draw(e, 5);
    double *w = decoded(e, q, 5 * 256);
    tn_model *m, *copy;
    tn_session *s = NULL;
    tn_tensor t, bias, *x, *y = NULL;
    check_ok(tn_model_new(&m));
    tn_type type = tn_type_tensor(TN_F32);
    type.rank = 2, type.dims[0] = 2, type.dims[1] = 256;
    check_ok(tn_tensor_encoded(&t, e, 2, (int64_t[]){ 5, 256 }, q, SIZE_MAX, NULL));
    check_ok(tn_tensor_init(&bias, TN_F32, 1, (int64_t[]){ 5 }, TN_MEM_WEIGHTS));
    for (int i = 0; i < 5; i++) ((float *)bias.data)[i] = (float)i - 2;
    tn_value *in[] = { tn_value_input(m->graph, "x", &type), tn_value_constant(m->graph, "w", &t),
                       tn_value_constant(m->graph, "b", &bias) };
    tn_node *n = tn_node_new(m->graph, NULL, "", "Gemm", in, 3, 1);
    check_ok(tn_attr_set_int(n, "transB", 1));
    n = tn_node_new(m->graph, NULL, "", "Relu", n->outputs, 1, 1);
    check_ok(tn_graph_add_output(m->graph, n->outputs[0]));
    check_ok(tn_graph_check(m->graph));
    check_ok(tn_graph_infer(m->graph));
    check_fails(tn_onnx_write(m, "/dev/null", 1 << 20), TN_E_UNSUPPORTED, "w holds Q4_K blocks");
    tn_text text = { 0 };
    tn_graph_print(m->graph, &text);
    assert_non_null(strstr(text.s, "Q4_K 4.5 bits"));
    tn_text_free(&text);
    check_ok(tn_model_clone(m, &copy));
    check_ok(tn_session_new(copy, &(tn_session_opts){ .size = sizeof(tn_session_opts), .threads = 1 }, &s));
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ 2, 256 }, &x));
    for (int i = 0; i < 512; i++) ((float *)x->data)[i] = (float)between(-8, 8) / 8;
    check_ok(tn_session_run(s, 1, (const tn_tensor *const[]){ x }, 1, &y));
    for (int i = 0; i < 10; i++) {
        double want = i % 5 - 2, steps = 0, have = (double)((float *)y->data)[i];
        for (int k = 0; k < 256; k++)
            want += w[i % 5 * 256 + k] * (double)((float *)x->data)[i / 5 * 256 + k], steps += fabs(w[i % 5 * 256 + k]);
        check(fabs(have - fmax(want, 0)) <= steps / 250, "%d: %g, expected %g\n", i, have, want);
    }
    tn_tensor_free(&x), tn_tensor_free(&y);
    /* Blocks are no input of a run, and no output of a model. */
    check_ok(tn_tensor_encoded(&t, e, 2, (int64_t[]){ 2, 256 }, q, SIZE_MAX, NULL));
    check_fails(tn_session_run(s, 1, (const tn_tensor *const[]){ &t }, 1, &y), TN_E_UNSUPPORTED, "x holds Q4_K blocks");
    check_fails(tn_npy_write(&t, "/dev/null"), TN_E_UNSUPPORTED, "blocks");
    check_ok(tn_graph_add_output(m->graph, in[1]));
    check_fails(tn_graph_check(m->graph), TN_E_UNSUPPORTED, "holds Q4_K blocks");
    tn_session_free(&s);
    tn_model_close(&copy), tn_model_close(&m);
    free(q), free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(products), cmocka_unit_test(rows),
                                        cmocka_unit_test(refused_shapes), cmocka_unit_test(every_operator),
                                        cmocka_unit_test(fused) };
    return cmocka_run_group_tests_name("op/encoded", tests, NULL, NULL);
}
