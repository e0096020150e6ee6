/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* train.c - gradients through the public API: a linear regression that learns, second derivatives, what is refused. */
#include "lib/onnx_build.h"
#include "test.h"
#include <math.h>
#include <tenon.h>

enum { ROWS = 32 };

static tn_model *opened(ob *b, tn_text *file) {
    tn_model *m;
    *file = ob_finish(b);
    check_ok(tn_model_open_memory(file->s, file->n, &m));
    return m;
}

/* loss = mean((x w + b - t)^2) */
static ob *regression(void) {
    ob *b = ob_new(10, 21);
    ob_input(b, "x", TN_F32, "n,2");
    ob_input(b, "t", TN_F32, "n,1");
    ob_input(b, "w", TN_F32, "2,1");
    ob_input(b, "b", TN_F32, "1");
    ob_node(b, "Gemm", "x w b", "y");
    ob_node(b, "Sub", "y t", "d");
    ob_node(b, "Mul", "d d", "q");
    ob_node(b, "ReduceMean", "q", "loss");
    ob_int(b, "keepdims", 0);
    ob_output(b, "loss");
    return b;
}

static void learns(void **state) {
    tn_text file;
    tn_model *m = opened(regression(), &file), *g = NULL;
    tn_session *s = NULL;
    tn_tensor *x, *t, *w, *b, *out[3];
    tn_value_info info;
    uint64_t seed = 3;
    check_ok(tn_model_gradient(m, "loss", 2, (const char *[]){ "w", "b" }, &g));
    assert_int_equal(tn_model_outputs(g), 3);
    check_ok(tn_model_output(g, 1, &info));
    assert_string_equal(info.name, "grad/w");
    assert_true(info.rank == 2 && info.dims[0] == 2 && info.dims[1] == 1);
    check_ok(tn_session_new(g, NULL, &s));
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ ROWS, 2 }, &x));
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ ROWS, 1 }, &t));
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ 2, 1 }, &w));
    check_ok(tn_tensor_new(TN_F32, 1, (int64_t[]){ 1 }, &b));
    float *px = tn_tensor_data(x), *pt = tn_tensor_data(t), *pw = tn_tensor_data(w), *pb = tn_tensor_data(b);
    for (int i = 0; i < ROWS; i++) {
        for (int k = 0; k < 2; k++) px[2 * i + k] = (float)((double)(test_random(&seed) >> 11) * 0x1p-52 - 1);
        pt[i] = 1.5f * px[2 * i] - 0.5f * px[2 * i + 1] + 0.25f;
    }
    float loss = 0, first = 0;
    for (int step = 0; step < 200; step++) {
        check_ok(tn_session_run(s, 4, (const tn_tensor *[]){ x, t, w, b }, 3, out));
        loss = *(float *)tn_tensor_data(out[0]);
        if (step == 0) first = loss;
        for (int k = 0; k < 2; k++) pw[k] -= 0.3f * ((float *)tn_tensor_data(out[1]))[k];
        pb[0] -= 0.3f * ((float *)tn_tensor_data(out[2]))[0];
        for (int k = 0; k < 3; k++) tn_tensor_free(&out[k]);
    }
    check(first > 0.5f && loss < 1e-8f, "the loss went from %g to %g\n", (double)first, (double)loss);
    assert_true(fabsf(pw[0] - 1.5f) < 1e-3f && fabsf(pw[1] + 0.5f) < 1e-3f && fabsf(pb[0] - 0.25f) < 1e-3f);
    tn_session_free(&s);
    tn_model_close(&g);
    tn_model_close(&m);
    tn_text_free(&file);
    tn_tensor_free(&x), tn_tensor_free(&t), tn_tensor_free(&w), tn_tensor_free(&b);
}

/* y = x^3: 3 x^2, then 6 x, by the Gradient operator of a file; its first result is what the second one differentiates,
 * and the nodes stand in no order. */
static ob *cube(const char *second_inputs) {
    ob *b = ob_new(8, 12);
    ob_opset(b, "ai.onnx.preview.training", 1);
    ob_input(b, "x", TN_F32, "2");
    ob_input(b, "z", TN_F32, "2");
    ob_node(b, "ai.onnx.preview.training::Gradient", second_inputs, "ddx");
    ob_strings(b, "xs", "x");
    ob_string(b, "y", "dx");
    ob_node(b, "ai.onnx.preview.training::Gradient", "x", "dx");
    ob_strings(b, "xs", "x");
    ob_string(b, "y", "y");
    ob_node(b, "Mul", "x x", "q");
    ob_node(b, "Mul", "q x", "y");
    ob_output(b, "dx");
    ob_output(b, "ddx");
    return b;
}

static void check_cube(const char *inputs, float want) {
    tn_text file;
    tn_model *m = opened(cube(inputs), &file);
    tn_session *s;
    tn_tensor *x, *z, *out[2];
    check_ok(tn_session_new(m, NULL, &s));
    float at_x[] = { 2, -1 }, at_z[] = { 5, 1 };
    check_ok(tn_tensor_borrow(TN_F32, 1, (int64_t[]){ 2 }, at_x, &x));
    check_ok(tn_tensor_borrow(TN_F32, 1, (int64_t[]){ 2 }, at_z, &z));
    check_ok(tn_session_run(s, 2, (const tn_tensor *[]){ x, z }, 2, out));
    float *d = tn_tensor_data(out[0]), *dd = tn_tensor_data(out[1]);
    check(d[0] == 12 && d[1] == 3 && dd[0] == want, "gradients %g, %g, then %g\n", (double)d[0], (double)d[1],
          (double)dd[0]);
    for (int k = 0; k < 2; k++) tn_tensor_free(&out[k]);
    tn_tensor_free(&x), tn_tensor_free(&z);
    tn_session_free(&s);
    tn_model_close(&m);
    tn_text_free(&file);
}

static void gradient_nodes(void **state) {
    check_cube("x", 12);
    check_cube("z", 30); /* the same function at another place */
}

static void refused(void **state) {
    tn_text file;
    tn_model *m = opened(regression(), &file), *g;
    check_fails(tn_model_gradient(m, "no", 1, (const char *[]){ "w" }, &g), TN_E_NOT_FOUND, "no value 'no'");
    check_fails(tn_model_gradient(m, NULL, 1, (const char *[]){ "v" }, &g), TN_E_NOT_FOUND, "'v'");
    tn_model_close(&m);
    tn_text_free(&file);

    ob *b = ob_new(8, 18);
    ob_input(b, "x", TN_F32, "2");
    ob_input(b, "i", TN_I64, "4,4");
    ob_node(b, "CastLike", "i x", "f");
    ob_node(b, "Resize", "f _ x", "y");
    ob_name(b, "grow");
    ob_output(b, "y");
    m = opened(b, &file);
    check_fails(tn_model_gradient(m, NULL, 1, (const char *[]){ "x" }, &g), TN_E_UNSUPPORTED, "'grow' (Resize)");
    check_fails(tn_model_gradient(m, NULL, 1, (const char *[]){ "i" }, &g), TN_E_TYPE, "no tensor of floats");
    tn_model_close(&m);
    tn_text_free(&file);

    b = cube("x");
    ob_node(b, "ai.onnx.preview.training::Gradient", "x", "e");
    ob_strings(b, "xs", "x");
    ob_string(b, "y", "nowhere");
    file = ob_finish(b);
    check_fails(tn_model_open_memory(file.s, file.n, &m), TN_E_GRAPH, "no tensor 'nowhere'");
    tn_text_free(&file);

    b = cube("x");
    ob_node(b, "ai.onnx.preview.training::Gradient", "x", "e f");
    ob_strings(b, "xs", "x");
    ob_string(b, "y", "y");
    ob_output(b, "f");
    file = ob_finish(b);
    check_fails(tn_model_open_memory(file.s, file.n, &m), TN_E_GRAPH, "2 outputs for 1 names");
    tn_text_free(&file);

    b = cube("x");
    ob_node(b, "Shape", "x", "i");
    ob_node(b, "ai.onnx.preview.training::Gradient", "i", "e");
    ob_strings(b, "xs", "i");
    ob_string(b, "y", "y");
    file = ob_finish(b);
    check_fails(tn_model_open_memory(file.s, file.n, &m), TN_E_TYPE, "'i' is no tensor of floats");
    tn_text_free(&file);
}

/* An unconnected value has a gradient of zeros; a step function lets nothing through. */
static void zeros(void **state) {
    ob *b = ob_new(8, 14);
    ob_input(b, "x", TN_F32, "n");
    ob_input(b, "z", TN_F32, "n,m");
    ob_node(b, "Floor", "x", "y");
    ob_output(b, "y");
    tn_text file;
    tn_model *m = opened(b, &file), *g;
    tn_session *s;
    tn_tensor *x, *z, *out[3];
    check_ok(tn_model_gradient(m, NULL, 2, (const char *[]){ "x", "z" }, &g));
    check_ok(tn_session_new(g, NULL, &s));
    check_ok(tn_tensor_new(TN_F32, 1, (int64_t[]){ 2 }, &x));
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ 2, 3 }, &z));
    check_ok(tn_session_run(s, 2, (const tn_tensor *[]){ x, z }, 3, out));
    assert_true(tn_tensor_rank(out[2]) == 2 && tn_tensor_dims(out[2])[1] == 3);
    for (int i = 0; i < 6; i++) assert_true(((float *)tn_tensor_data(out[2]))[i] == 0);
    for (int i = 0; i < 2; i++) assert_true(((float *)tn_tensor_data(out[1]))[i] == 0);
    for (int k = 0; k < 3; k++) tn_tensor_free(&out[k]);
    tn_tensor_free(&x), tn_tensor_free(&z);
    tn_session_free(&s);
    tn_model_close(&g);
    tn_model_close(&m);
    tn_text_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns),
        cmocka_unit_test(gradient_nodes),
        cmocka_unit_test(refused),
        cmocka_unit_test(zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
