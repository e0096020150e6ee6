/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* precision.c - regions of 16-bit floats: what is rounded and what is not; and what tn_session_opts.precision asks
 * for. That results are those of the graph as it stands, within rounding: exact.c. */
#include "pass/precision.h"
#include "base/cpu.h"
#include "engine/session.h"
#include "pass/pass.h"
#include "test.h"
#include <math.h>

static tn_value *input(tn_model *m, tn_dtype t, int rank, const int64_t *dims) {
    tn_type type = tn_type_tensor(t);
    type.rank = rank;
    for (int i = 0; i < rank; i++) type.dims[i] = dims[i];
    return tn_value_input(m->graph, "x", &type);
}

static tn_value *constant(tn_model *m, tn_dtype t, int rank, const int64_t *dims, double first, double step) {
    tn_tensor k;
    check_ok(tn_tensor_init(&k, t, rank, dims, TN_MEM_WEIGHTS));
    for (int64_t i = 0; i < tn_count(&k); i++) tn_set_f64(t, k.data, i, first + step * (double)(i % 37));
    return tn_value_constant(m->graph, "k", &k);
}

static tn_value *op(tn_model *m, const char *name, const char *type, tn_value *a, tn_value *b) {
    tn_value *in[] = { a, b };
    tn_node *n = tn_node_new(m->graph, NULL, "", type, in, b ? 2 : 1, 1);
    assert_non_null(n);
    n->name = name;
    return n->outputs[0];
}

static tn_value *cast(tn_model *m, tn_value *x, tn_dtype to) {
    tn_value *y = op(m, "cast", "Cast", x, NULL);
    check_ok(tn_attr_set_int(y->producer, "to", tn_dtypes[to].onnx));
    return y;
}

static int count(const tn_model *m, const char *type) {
    int k = 0;
    for (const tn_node *n = m->graph->first; n; n = n->next) k += !strcmp(n->type, type);
    return k;
}

static tn_tensor *run(const tn_model *m, const char *precision, bool plain, const tn_tensor *x) {
    tn_session_opts o = { .size = sizeof o, .threads = 1, .precision = precision, .no_optimize = plain };
    tn_session *s;
    tn_tensor *y;
    check_ok(tn_session_new(m, &o, &s));
    check_ok(tn_session_run(s, 1, &x, 1, &y));
    tn_session_free(&s);
    return y;
}

static tn_tensor *numbers(tn_dtype t, int rank, const int64_t *dims, double first, double step) {
    tn_tensor *x;
    check_ok(tn_tensor_new(t, rank, dims, &x));
    for (int64_t i = 0; i < tn_count(x); i++) tn_set_f64(t, x->data, i, first + step * (double)(i % 23));
    return x;
}

static double at(const tn_tensor *t, int64_t i) { return tn_get_f64(t->dtype, t->data, i); }

static const int64_t four[] = { 4 };

/* One Cast where the region begins and one where it ends, whatever lies between; moving joins in. */
static void casts_stand_at_the_edges(void **state) {
    (void)state;
    tn_model *m;
    tn_pass_ctx c = { 0 };
    check_ok(tn_model_new(&m));
    tn_value *x = input(m, TN_F16, 2, (int64_t[]){ 4, 4 }), *w = constant(m, TN_F16, 2, (int64_t[]){ 4, 4 }, -1, 0.1);
    tn_value *y = op(m, "p", "MatMul", x, w);
    y = op(m, "t", "Transpose", op(m, "r", "Relu", y, NULL), NULL);
    y = op(m, "s", "Add", op(m, "e", "Exp", y, NULL), x);
    check_ok(tn_graph_add_output(m->graph, y));
    check_ok(tn_graph_infer(m->graph));
    check_ok(tn_pass_precision(m, &c));
    check_ok(tn_graph_infer(m->graph));
    check_ok(tn_graph_check(m->graph));
    assert_int_equal(count(m, "Cast"), 2);
    assert_int_equal(m->graph->outputs[0]->type.dtype, TN_F16);
    for (const tn_node *n = m->graph->first; n; n = n->next) {
        if (!strcmp(n->type, "Cast")) continue;
        assert_int_equal(n->outputs[0]->type.dtype, TN_F32);
        if (!strcmp(n->type, "MatMul")) { /* its weights are those of the file */
            assert_string_equal(n->domain, "tenon");
            assert_ptr_equal(n->inputs[1], w);
        }
    }
    tn_model_close(&m);
}

/* Inner numbers may be larger than float16 has them; an output becomes infinite. */
static void only_outputs_overflow(void **state) {
    (void)state;
    tn_model *m;
    check_ok(tn_model_new(&m));
    tn_value *x = input(m, TN_F16, 1, four), *big = constant(m, TN_F16, 0, NULL, 256, 0);
    tn_value *y = op(m, "up", "Mul", op(m, "e", "Abs", x, NULL), big);
    check_ok(tn_graph_add_output(m->graph, op(m, "down", "Div", y, constant(m, TN_F16, 0, NULL, 512, 0))));
    check_ok(tn_graph_infer(m->graph));
    tn_tensor *in = numbers(TN_F16, 1, four, 1000, 0), *out = run(m, NULL, false, in), *plain = run(m, NULL, true, in);
    assert_true(at(out, 0) == 500); /* 256000 lies between */
    assert_true(isinf(at(plain, 0)));
    tn_tensor_free(&out);
    tn_tensor_free(&plain);
    check_ok(tn_graph_add_output(m->graph, y));
    tn_tensor *both[2];
    tn_session *s;
    check_ok(tn_session_new(m, NULL, &s));
    check_ok(tn_session_run(s, 1, (const tn_tensor *[]){ in }, 2, both));
    assert_true(at(both[0], 0) == 500 && isinf(at(both[1], 0)));
    for (int i = 0; i < 2; i++) tn_tensor_free(&both[i]);
    tn_session_free(&s);
    tn_tensor_free(&in);
    tn_model_close(&m);
}

/* 1 + 2^-12 is 1 in float16: what is cast there and back, or compared, has lost it. */
static void what_is_written_rounds(void **state) {
    (void)state;
    const tn_tensor *in = numbers(TN_F16, 1, four, 1, 0);
    for (int way = 0; way < 3; way++) {
        tn_model *m;
        check_ok(tn_model_new(&m));
        tn_value *x = input(m, TN_F16, 1, four), *tiny = constant(m, TN_F16, 0, NULL, 0x1p-12, 0);
        tn_value *sum = op(m, "s", "Add", op(m, "a", "Abs", x, NULL), tiny), *y = sum;
        if (way == 0) y = cast(m, cast(m, sum, TN_F32), TN_F16);
        if (way == 1) y = op(m, "q", "Equal", sum, x);
        if (way < 2) y = cast(m, y, TN_F16);
        y = op(m, "scaled", "Mul", op(m, "d", "Sub", y, x), constant(m, TN_F16, 0, NULL, 1024, 0));
        check_ok(tn_graph_add_output(m->graph, y));
        check_ok(tn_graph_infer(m->graph));
        tn_tensor *out = run(m, NULL, false, in);
        check(at(out, 0) == (way < 2 ? 0 : 0.25), "way %d: %g\n", way, at(out, 0));
        tn_tensor_free(&out);
        tn_model_close(&m);
    }
    tn_tensor *own = (tn_tensor *)(uintptr_t)in;
    tn_tensor_free(&own);
}

/* Two products of float32, 40 x 40. */
static tn_model *two_products(void) {
    tn_model *m;
    int64_t w[] = { 40, 40 };
    check_ok(tn_model_new(&m));
    tn_value *y = input(m, TN_F32, 2, (int64_t[]){ 3, 40 });
    y = op(m, "/encoder/first", "MatMul", y, constant(m, TN_F32, 2, w, -0.731, 0.0371));
    y = op(m, "/between", "Tanh", y, NULL);
    y = op(m, "/head/last", "MatMul", y, constant(m, TN_F32, 2, w, 0.733, -0.0373));
    check_ok(tn_graph_add_output(m->graph, y));
    check_ok(tn_graph_infer(m->graph));
    return m;
}

/* The largest difference of a precision from float32, by the largest magnitude. */
static double loss(const tn_model *m, const char *precision, const tn_tensor *x) {
    tn_tensor *a = run(m, NULL, false, x), *b = run(m, precision, false, x);
    double most = 0, top = 0;
    for (int64_t i = 0; i < tn_count(a); i++) {
        most = fmax(most, fabs(at(a, i) - at(b, i)));
        top = fmax(top, fabs(at(a, i)));
    }
    tn_tensor_free(&a);
    tn_tensor_free(&b);
    return most / top;
}

static void weights_are_rounded_where_asked(void **state) {
    (void)state;
    tn_model *m = two_products();
    tn_tensor *x = numbers(TN_F32, 2, (int64_t[]){ 3, 40 }, -0.9, 0.083);
    assert_true(loss(m, "f32", x) == 0);
    assert_true(loss(m, "bf16,f32", x) == 0);
    assert_true(loss(m, "bf16,f32:/encoder/*,f32:*last", x) == 0);
    double bf16 = loss(m, "bf16", x), f16 = loss(m, "f16", x), mixed = loss(m, "mixed", x);
    double head = loss(m, "bf16:/head/*", x), encoder = loss(m, "bf16,f32:/head/las?", x);
    check(bf16 > 1e-5 && bf16 < 8e-3, "bfloat16: %g\n", bf16);
    check(f16 > 1e-7 && f16 < 1e-3 && f16 < bf16, "float16: %g beside %g\n", f16, bf16);
    check(head > 0 && encoder > 0 && head != encoder, "parts: %g, %g\n", head, encoder);
    check(mixed == encoder, "mixed keeps the last: %g, %g\n", mixed, encoder);
    tn_tensor_free(&x);
    tn_model_close(&m);
}

/* Convolutions in the blocked layout: 1x1, strided 3x3, in two groups; and 3x3 by Winograd, whose weights stay. */
static void convolutions_keep_weights(void **state) {
    static const struct {
        int64_t side, stride, group;
        bool kept;
    } forms[] = { { 1, 1, 1, true }, { 3, 2, 1, true }, { 1, 1, 2, true }, { 3, 1, 1, false } };
    (void)state;
    tn_tensor *x = numbers(TN_F32, 4, (int64_t[]){ 1, 32, 28, 28 }, -0.9, 0.083);
    for (size_t i = 0; i < TN_COUNT(forms); i++) {
        tn_model *m;
        int64_t k = forms[i].side, w[] = { 64, 32 / forms[i].group, k, k }, bias = 64;
        check_ok(tn_model_new(&m));
        tn_value *in[] = { input(m, TN_F32, 4, x->dims), constant(m, TN_F32, 4, w, -0.731, 0.0371),
                           constant(m, TN_F32, 1, &bias, 0.123, 0.1) };
        tn_node *n = tn_node_new(m->graph, NULL, "", "Conv", in, 3, 1);
        check_ok(tn_attr_set_ints(n, "strides", (int64_t[]){ forms[i].stride, forms[i].stride }, 2));
        check_ok(tn_attr_set_ints(n, "pads", (int64_t[]){ k / 2, k / 2, k / 2, k / 2 }, 4));
        check_ok(tn_attr_set_int(n, "group", forms[i].group));
        tn_value *y = op(m, "act", "Relu", n->outputs[0], NULL);
        check_ok(tn_graph_add_output(m->graph, op(m, "more", "Sigmoid", y, NULL)));
        check_ok(tn_graph_infer(m->graph));
        double lost = loss(m, "bf16", x), less = loss(m, "f16", x);
        bool fast = tn_cpu_flags() & TN_CPU_AVX2; /* plain C has other algorithms */
        check(lost < 8e-3 && less < 1e-3 && less <= lost, "form %zu: %g, %g\n", i, lost, less);
        check(!fast || (lost > 0) == forms[i].kept, "form %zu: %g\n", i, lost);
        tn_model_close(&m);
    }
    tn_tensor_free(&x);
}

static void words_that_mean_nothing(void **state) {
    (void)state;
    check_ok(tn_precision_check(NULL));
    check_ok(tn_precision_check(""));
    check_ok(tn_precision_check("bf16,f32:a?c*,file:x"));
    check_fails(tn_precision_check("fp8"), TN_E_INVALID, "fp8");
    check_fails(tn_precision_check("bf16,f3:*"), TN_E_INVALID, "'f3'");
    check_fails(tn_precision_check("bf16:"), TN_E_INVALID, "pattern");
    assert_int_equal(tn_precision_of("bf16,f32:/a/*,f16:*c", "/b"), TN_PRECISION_BF16);
    assert_int_equal(tn_precision_of("bf16,f32:/a/*,f16:*c", "/a/b"), TN_PRECISION_F32);
    assert_int_equal(tn_precision_of("bf16,f32:/a/*,f16:*c", "/a/bc"), TN_PRECISION_F16);
    assert_int_equal(tn_precision_of("mixed:a?c", "ac"), TN_PRECISION_FILE);
    assert_int_equal(tn_precision_of("mixed:a*b*c", "axbbxc"), TN_PRECISION_MIXED);
    tn_model *m = two_products();
    tn_session *s;
    check_fails(tn_session_new(m, &(tn_session_opts){ .size = sizeof(tn_session_opts), .precision = "half" }, &s),
                TN_E_INVALID, "half");
    tn_model_close(&m);
}

/* A name that is no operator's row would never be met. */
static void every_name_is_an_operator(void **state) {
    const char *list, *domain;
    (void)state;
    int names = 0;
    for (size_t i = 0; (list = tn_precision_listed(i, &domain)); i++) {
        char *copy = strdup(list), *save = NULL;
        for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save), names++)
            check(tn_op_find(domain, w) != NULL, "%s is no operator of '%s'\n", w, domain);
        free(copy);
    }
    assert_true(names > 80);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(casts_stand_at_the_edges),  cmocka_unit_test(only_outputs_overflow),
        cmocka_unit_test(what_is_written_rounds),    cmocka_unit_test(weights_are_rounded_where_asked),
        cmocka_unit_test(words_that_mean_nothing),   cmocka_unit_test(every_name_is_an_operator),
        cmocka_unit_test(convolutions_keep_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
