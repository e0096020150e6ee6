/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* random.c - operators that draw numbers: seeds, types, distributions, what is refused. */
#include "lib/op_run.h"
#include "test.h"
#include <math.h>

/* Runs the model once or twice in one session; threads 0: one. The caller frees out[]. */
static void draw(ob *b, int threads, int runs, const tn_tensor *x, tn_tensor **out) {
    tn_text file = ob_finish(b);
    tn_model *m;
    tn_session *s;
    tn_session_opts o = { .size = sizeof o, .threads = threads ? threads : 1 };
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    check_ok(tn_session_new(m, &o, &s));
    for (int i = 0; i < runs; i++) check_ok(tn_session_run(s, x ? 1 : 0, &x, 1, &out[i]));
    tn_session_free(&s);
    tn_model_close(&m);
    tn_text_free(&file);
}

static ob *normal(tn_dtype t, int n) {
    ob *b = ob_new(10, 22);
    ob_output(b, "y");
    ob_node(b, "RandomNormal", "", "y");
    ob_ints(b, "shape", (int64_t[]){ n, 100 }, 2);
    ob_float(b, "mean", 3);
    ob_float(b, "scale", 2);
    if (t) ob_int(b, "dtype", tn_dtypes[t].onnx);
    return b;
}

static ob *uniform_like(tn_dtype x, tn_dtype y) {
    ob *b = ob_new(10, 22);
    ob_input(b, "x", x, NULL);
    ob_output(b, "y");
    ob_node(b, "RandomUniformLike", "x", "y");
    ob_float(b, "low", -1);
    ob_float(b, "high", 5);
    if (y) ob_int(b, "dtype", tn_dtypes[y].onnx);
    return b;
}

/* Of the type and shape of x, the mean 3 and the deviation 2. */
static ob *normal_like(tn_dtype x, tn_dtype y) {
    ob *b = ob_new(10, 22);
    ob_input(b, "x", x, NULL);
    ob_output(b, "y");
    ob_node(b, "RandomNormalLike", "x", "y");
    ob_float(b, "mean", 3);
    ob_float(b, "scale", 2);
    if (y) ob_int(b, "dtype", tn_dtypes[y].onnx);
    return b;
}

static void moments(const tn_tensor *t, double *mean, double *deviation, double *least, double *most) {
    double sum = 0, squares = 0;
    *least = INFINITY, *most = -INFINITY;
    for (int64_t i = 0; i < tn_count(t); i++) {
        double v = tn_get_f64(t->dtype, t->data, i);
        sum += v, squares += v * v;
        *least = fmin(*least, v), *most = fmax(*most, v);
    }
    *mean = sum / (double)tn_count(t);
    *deviation = sqrt(squares / (double)tn_count(t) - *mean * *mean);
}

static const tn_dtype floats[] = { TN_F32, TN_F64, TN_F16, TN_BF16 };

static void distributions(void **state) {
    double mean, deviation, least, most;
    tn_tensor *y, *x;
    for (int i = 0; i < 4; i++) {
        ob *b = normal(floats[i], 1000);
        ob_float(b, "seed", 7);
        draw(b, 2, 1, NULL, &y);
        assert_int_equal(y->dtype, floats[i]);
        moments(y, &mean, &deviation, &least, &most);
        check(fabs(mean - 3) < 0.05 && fabs(deviation - 2) < 0.03, "mean %g, deviation %g\n", mean, deviation);
        check(most > 9 && least < -3, "from %g to %g\n", least, most);
        tn_tensor_free(&y);
        check_ok(tn_tensor_new(i ? floats[i] : TN_STRING, 2, (int64_t[]){ 500, 200 }, &x));
        b = uniform_like(x->dtype, i ? TN_NONE : TN_F32);
        ob_float(b, "seed", 7);
        draw(b, 0, 1, x, &y);
        assert_int_equal(y->dtype, floats[i]);
        moments(y, &mean, &deviation, &least, &most);
        check(fabs(mean - 2) < 0.05 && fabs(deviation - 6 / sqrt(12)) < 0.03, "mean %g, deviation %g\n", mean,
              deviation);
        check(least >= -1 && least < -0.9 && most < 5 && most > 4.9, "from %g to %g\n", least, most);
        tn_tensor_free(&y);
        b = normal_like(x->dtype, i ? TN_NONE : TN_F32);
        ob_float(b, "seed", 7);
        draw(b, 0, 1, x, &y);
        assert_int_equal(y->dtype, floats[i]);
        assert_true(tn_dims_equal(y->rank, y->dims, 2, (int64_t[]){ 500, 200 }));
        moments(y, &mean, &deviation, &least, &most);
        check(fabs(mean - 3) < 0.05 && fabs(deviation - 2) < 0.03, "mean %g, deviation %g\n", mean, deviation);
        tn_tensor_free(&x);
        tn_tensor_free(&y);
    }
}

static void seeds(void **state) {
    tn_tensor *y[2], *z[2];
    ob *b = normal(TN_F32, 300);
    ob_float(b, "seed", 1);
    draw(b, 1, 2, NULL, y);
    assert_memory_equal(y[0]->data, y[1]->data, tn_tensor_bytes(y[0])); /* run to run */
    b = normal(TN_F32, 300);
    ob_float(b, "seed", 1);
    draw(b, 2, 1, NULL, z); /* whatever the threads */
    assert_memory_equal(y[0]->data, z[0]->data, tn_tensor_bytes(y[0]));
    tn_tensor_free(&z[0]);
    b = normal(TN_F32, 300);
    ob_float(b, "seed", 1.5f);
    draw(b, 2, 1, NULL, z);
    assert_memory_not_equal(y[0]->data, z[0]->data, tn_tensor_bytes(y[0]));
    tn_tensor_free(&z[0]);
    draw(normal(TN_F32, 300), 1, 2, NULL, z); /* none: others every time */
    assert_memory_not_equal(z[0]->data, z[1]->data, tn_tensor_bytes(z[0]));
    for (int i = 0; i < 2; i++) tn_tensor_free(&y[i]), tn_tensor_free(&z[i]);
}

static void bernoulli(void **state) {
    static const tn_dtype types[] = { TN_NONE, TN_F64, TN_F16, TN_BF16, TN_BOOL, TN_U8, TN_I8,
                                      TN_U16,  TN_I16, TN_I32, TN_I64,  TN_U32,  TN_U64 };
    for (size_t k = 0; k < TN_COUNT(types); k++) {
        tn_tensor *x, *y;
        check_ok(tn_tensor_new(TN_F32, 1, (int64_t[]){ 30000 }, &x));
        for (int i = 0; i < 30000; i++) ((float *)x->data)[i] = (float)(i % 3) * 0.5f;
        ob *b = ob_new(10, 15);
        ob_input(b, "x", TN_F32, "n");
        ob_output(b, "y");
        ob_node(b, "Bernoulli", "x", "y");
        if (types[k]) ob_int(b, "dtype", tn_dtypes[types[k]].onnx);
        draw(b, 2, 1, x, &y);
        assert_int_equal(y->dtype, types[k] ? types[k] : TN_F32);
        double ones = 0;
        for (int i = 0; i < 30000; i++) {
            double v = tn_get_f64(y->dtype, y->data, i);
            assert_true(v == 0 || v == 1);
            if (i % 3 != 1) assert_true(v == (i % 3) / 2);
            ones += i % 3 == 1 && v == 1;
        }
        check(fabs(ones - 5000) < 350, "%g of 10000\n", ones);
        tn_tensor_free(&x);
        tn_tensor_free(&y);
    }
}

static ob *multinomial(tn_dtype x, int64_t samples, int64_t type) {
    ob *b = ob_new(10, 22);
    ob_input(b, "x", x, NULL);
    ob_output(b, "y");
    ob_node(b, "Multinomial", "x", "y");
    ob_int(b, "sample_size", samples);
    if (type) ob_int(b, "dtype", type);
    return b;
}

static void multinomials(void **state) {
    for (int k = 0; k < 4; k++) {
        tn_tensor *x, *y;
        double count[2][3] = { 0 };
        static const double logs[6] = { 1, 1 + 1.0986122886681098, -INFINITY, -500, -500, -500 }; /* 1:3:0, 1:1:1 */
        check_ok(tn_tensor_new(floats[k], 2, (int64_t[]){ 2, 3 }, &x));
        for (int i = 0; i < 6; i++) tn_set_f64(floats[k], x->data, i, logs[i]);
        draw(multinomial(floats[k], 12000, k % 2 ? 7 : 0), 0, 1, x, &y);
        assert_int_equal(y->dtype, k % 2 ? TN_I64 : TN_I32);
        for (int i = 0; i < 24000; i++) {
            int64_t v = tn_get_i64(y->dtype, y->data, i);
            assert_in_range(v, 0, 2);
            count[i / 12000][v]++;
        }
        check(fabs(count[0][0] - 3000) < 250 && count[0][2] == 0, "%g, %g\n", count[0][0], count[0][2]);
        for (int c = 0; c < 3; c++) check(fabs(count[1][c] - 4000) < 260, "%g of 12000\n", count[1][c]);
        tn_tensor_free(&x);
        tn_tensor_free(&y);
    }
}

static ob *dropout(tn_dtype t, float ratio, int64_t seed) {
    ob *b = ob_new(10, 22);
    ob_input(b, "x", t, NULL);
    ob_input(b, "on", TN_BOOL, "");
    ob_output(b, "y");
    ob_output(b, "mask");
    ob_floats_init(b, "ratio", "", &ratio, 1);
    ob_node(b, "Dropout", "x ratio on", "y mask");
    if (seed >= 0) ob_int(b, "seed", seed);
    return b;
}

static void dropping(void **state) {
    op_data in[2] = { { TN_F8E5M2, "4", { 1, 2, 3, 4 } }, { TN_BOOL, "", { 0 } } };
    op_data out[2] = { { TN_F8E5M2, "4", { 1, 2, 3, 4 } }, { TN_BOOL, "4", { 1, 1, 1, 1 } } };
    op_gives(dropout(TN_F8E5M2, 0.25f, 1), 2, in, 2, out, 0);
    in[0].type = out[0].type = TN_F64;
    op_gives(dropout(TN_F64, 0.25f, -1), 2, in, 2, out, 0);
    in[1].v[0] = 1;
    op_gives(dropout(TN_F64, 0, -1), 2, in, 2, out, 0);
    op_refused(dropout(TN_F64, 1, -1), 2, in, "ratio");
    op_refused(dropout(TN_F64, NAN, -1), 2, in, "ratio");
}

static void refused(void **state) {
    op_data p = { TN_F32, "2", { 0.5, 1.5 } }, row = { TN_F32, "1,2", { -INFINITY, -INFINITY } };
    ob *b = ob_new(10, 22);
    ob_input(b, "x", TN_F32, NULL);
    ob_output(b, "y");
    ob_node(b, "Bernoulli", "x", "y");
    op_refused(b, 1, &p, "probability");
    op_refused(multinomial(TN_F32, 5, 0), 1, &row, "row 0");
    op_refused(multinomial(TN_F32, 0, 0), 1, &row, "sample_size");
    op_refused(multinomial(TN_F32, 5, 1), 1, &row, "float32");
    op_refused(multinomial(TN_F32, 5, 99), 1, &row, "dtype");
    op_refused(multinomial(TN_F32, 5, 0), 1, &p, "[batch, classes]");
    static const int64_t shapes[][2] = { { -1, 2 }, { INT64_MAX, INT64_MAX }, { INT64_C(1) << 50, 1024 } };
    for (int i = 0; i < 3; i++) {
        b = ob_new(10, 22);
        ob_output(b, "y");
        ob_node(b, "RandomUniform", "", "y");
        ob_ints(b, "shape", shapes[i], 2);
        op_refused(b, 0, NULL, "");
    }
    op_data words = { TN_STRING, "1", .s = { "a" } };
    op_refused(uniform_like(TN_STRING, TN_NONE), 1, &words, "string");
    op_refused(uniform_like(TN_STRING, TN_I32), 1, &words, "int32");
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(distributions), cmocka_unit_test(seeds),
                                        cmocka_unit_test(bernoulli),     cmocka_unit_test(multinomials),
                                        cmocka_unit_test(dropping),      cmocka_unit_test(refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
