/* upgrade_run.c - models of old operator sets give what their specification says. Expected numbers are worked out by
 * hand or in plain C here. */
#include "lib/onnx_build.h"
#include "test.h"
#include <math.h>

/* Runs the model on float inputs x (shape dims, as in "2,3") and compares its first output. Frees b. */
static void runs(ob *b, const char *dims, const float *x, int n_out, const float *want) {
    tn_text file = ob_finish(b);
    tn_model *m;
    tn_session *s;
    tn_tensor *in, *out[4] = { 0 };
    int64_t shape[TN_MAX_RANK];
    int rank = 0;
    for (const char *p = dims; *p; rank++) {
        char *end;
        shape[rank] = strtoll(p, &end, 10);
        p = *end ? end + 1 : end;
    }
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    check_ok(tn_session_new(m, NULL, &s));
    check_ok(tn_tensor_new(TN_F32, rank, shape, &in));
    memcpy(tn_tensor_data(in), x, tn_tensor_bytes(in));
    size_t n = tn_model_outputs(m);
    assert_true(n <= 4);
    check_ok(tn_session_run(s, 1, (const tn_tensor *const *)&in, n, out));
    assert_int_equal(tn_tensor_elements(out[0]), n_out);
    const float *got = tn_tensor_data(out[0]);
    for (int i = 0; i < n_out; i++)
        check(fabsf(got[i] - want[i]) <= 1e-5f * (1 + fabsf(want[i])), "element %d is %g, expected %g\n", i,
              (double)got[i], (double)want[i]);
    for (size_t i = 0; i < n; i++) tn_tensor_free(&out[i]);
    tn_tensor_free(&in);
    tn_session_free(&s);
    tn_model_close(&m);
    tn_text_free(&file);
}

static ob *begin(int opset, const char *dims) {
    ob *b = ob_new(3, opset);
    ob_input(b, "x", TN_F32, dims);
    ob_output(b, "y");
    return b;
}

static const float counting[48] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                    32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47 };

/* The second input's dimensions begin at `axis`; with and without a known shape of the first. */
static void broadcasting(void **state) {
    (void)state;
    static const float w[] = { 100, 200, 300 };
    float want[24];
    for (int i = 0; i < 24; i++) want[i] = counting[i] + w[i / 4 % 3];
    for (int known = 0; known < 2; known++) {
        ob *b = begin(6, known ? "2,3,4" : NULL);
        ob_floats_init(b, "w", "3", w, 3);
        ob_node(b, "Add", "x w", "y");
        ob_int(b, "broadcast", 1);
        ob_int(b, "axis", 1);
        runs(b, "2,3,4", counting, 24, want);
        b = begin(6, known ? "2,3,4" : NULL);
        ob_floats_init(b, "w", "3", w, 3);
        ob_node(b, "Add", "x w", "y");
        ob_int(b, "broadcast", 1);
        ob_int(b, "axis", -2);
        runs(b, "2,3,4", counting, 24, want);
    }
    float x[24], slope[] = { 2, 3, 4 };
    for (int i = 0; i < 24; i++) x[i] = -counting[i], want[i] = x[i] * slope[i / 4 % 3];
    for (int known = 0; known < 2; known++) {
        ob *b = begin(6, known ? "2,3,4" : NULL);
        ob_floats_init(b, "s", "3", slope, 3);
        ob_node(b, "PRelu", "x s", "y");
        runs(b, "2,3,4", x, 24, want);
    }
}

/* From axis 1 on everything is one row. */
static void flat_softmax(void **state) {
    (void)state;
    float x[24], soft[24], log_soft[24], hard[24] = { 0 };
    for (int i = 0; i < 24; i++) x[i] = (float)(i * 7 % 11) * 0.5f;
    for (int r = 0; r < 2; r++) {
        float sum = 0;
        int best = r * 12;
        for (int i = r * 12; i < r * 12 + 12; i++) {
            sum += expf(x[i]);
            if (x[i] > x[best]) best = i;
        }
        for (int i = r * 12; i < r * 12 + 12; i++) soft[i] = expf(x[i]) / sum, log_soft[i] = x[i] - logf(sum);
        hard[best] = 1;
    }
    static const char *const ops[] = { "Softmax", "LogSoftmax", "Hardmax" };
    const float *const want[] = { soft, log_soft, hard };
    for (int i = 0; i < 3; i++)
        for (int known = 0; known < 2; known++) {
            ob *b = begin(11, known ? "n,3,4" : NULL);
            ob_node(b, ops[i], "x", "y");
            runs(b, "2,3,4", x, 24, want[i]);
        }
}

static void bounds(void **state) {
    (void)state;
    for (int known = 0; known < 2; known++) {
        ob *b = begin(6, known ? "4" : NULL);
        ob_node(b, "Neg", "x", "t");
        ob_node(b, "Clip", "t", "y");
        ob_float(b, "min", -2);
        ob_float(b, "max", -0.5f);
        runs(b, "4", counting, 4, (float[]){ -0.5f, -1, -2, -2 });
    }
    ob *b = begin(10, NULL);
    ob_node(b, "Pad", "x", "y");
    ob_ints(b, "pads", (int64_t[]){ 1, 2 }, 2);
    ob_float(b, "value", 9);
    runs(b, "2", counting, 5, (float[]){ 9, 0, 1, 9, 9 });
    b = begin(9, "2,3");
    ob_node(b, "Slice", "x", "y");
    ob_ints(b, "starts", (int64_t[]){ -2 }, 1);
    ob_ints(b, "ends", (int64_t[]){ INT32_MAX }, 1);
    ob_ints(b, "axes", (int64_t[]){ 1 }, 1);
    runs(b, "2,3", counting, 4, (float[]){ 1, 2, 4, 5 });
}

static void normalisation(void **state) {
    (void)state;
    static const float scale[] = { 1, 2, 3, 4, 5, 6 }, bias[] = { 0, 1, 0, 1, 0, 1 }, mean[] = { 1, 1, 1, 2, 2, 2 },
                       var[] = { 1, 4, 9, 16, 25, 36 };
    float want[12];
    for (int i = 0; i < 12; i++)
        want[i] = scale[i % 6] * (counting[i] - mean[i % 6]) / sqrtf(var[i % 6] + 1e-5f) + bias[i % 6];
    ob *b = begin(7, "2,2,3");
    ob_floats_init(b, "s", "2,3", scale, 6);
    ob_floats_init(b, "b", "2,3", bias, 6);
    ob_floats_init(b, "m", "2,3", mean, 6);
    ob_floats_init(b, "v", "2,3", var, 6);
    ob_node(b, "BatchNormalization", "x s b m v", "y");
    ob_int(b, "spatial", 0);
    runs(b, "2,2,3", counting, 12, want);

    /* Two groups of two channels of two: mean and variance over 4 numbers, 1.25 being the variance of 0 1 2 3. */
    for (int i = 0; i < 8; i++) {
        float z = (float)(i % 4) - 1.5f;
        want[i] = z / sqrtf(1.25f + 1e-5f) * (i < 4 ? 2.0f : 3.0f) + (i < 4 ? 10.0f : 20.0f);
    }
    b = begin(18, "1,4,2");
    ob_floats_init(b, "s", "2", (float[]){ 2, 3 }, 2);
    ob_floats_init(b, "b", "2", (float[]){ 10, 20 }, 2);
    ob_node(b, "GroupNormalization", "x s b", "y");
    ob_int(b, "num_groups", 2);
    runs(b, "1,4,2", counting, 8, want);
}

static void shapes(void **state) {
    (void)state;
    ob *b = begin(1, "1,2");
    ob_floats_init(b, "n", "", (float[]){ 2 }, 1);
    ob_floats_init(b, "a", "", (float[]){ 1 }, 1);
    ob_node(b, "Tile", "x n a", "y");
    runs(b, "1,2", counting, 4, (float[]){ 0, 1, 0, 1 });
    b = begin(11, "4");
    ob_node(b, "Split", "x", "z y");
    ob_ints(b, "split", (int64_t[]){ 1, 3 }, 2);
    ob_int(b, "axis", 0);
    runs(b, "4", counting, 3, (float[]){ 1, 2, 3 });
    b = begin(12, "2,2");
    ob_node(b, "Unsqueeze", "x", "a");
    ob_ints(b, "axes", (int64_t[]){ 0, 3 }, 2);
    ob_node(b, "ReduceSum", "a", "c");
    ob_ints(b, "axes", (int64_t[]){ 1 }, 1);
    ob_int(b, "keepdims", 0);
    ob_node(b, "Squeeze", "c", "y");
    ob_ints(b, "axes", (int64_t[]){ 0, 2 }, 2);
    runs(b, "2,2", counting, 2, (float[]){ 2, 4 });
}

static void upsample(void **state) {
    (void)state;
    static const float want[] = { 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 2, 2, 2, 3, 3, 3 };
    ob *b = begin(7, "1,1,2,2");
    ob_node(b, "Upsample", "x", "y");
    ob_floats(b, "scales", (float[]){ 1, 1, 2, 3 }, 4);
    runs(b, "1,1,2,2", counting, 24, want);
    b = begin(10, "1,1,2,2");
    ob_floats_init(b, "s", "4", (float[]){ 1, 1, 1, 2 }, 4);
    ob_node(b, "Resize", "x s", "y");
    ob_string(b, "mode", "linear");
    runs(b, "1,1,2,2", counting, 8, (float[]){ 0, 0.5f, 1, 1, 2, 2.5f, 3, 3 });
    for (int taller = 1; taller <= 2; taller++) { /* nearest: up where it shrinks, down where it grows */
        b = begin(10, "1,1,2,4");
        ob_floats_init(b, "s", "4", (float[]){ 1, 1, (float)taller, 0.6f }, 4);
        ob_node(b, "Resize", "x s", "y");
        runs(b, "1,1,2,4", counting, 4 * taller,
             taller == 1 ? (float[]){ 0, 2, 4, 6 } : (float[]){ 0, 2, 0, 2, 4, 6, 4, 6 });
    }
}

/* Two samples, three steps, one number each; backwards. States add up. */
static void batched_scan(void **state) {
    (void)state;
    ob *b = begin(8, "2,3,1"), *body = ob_graph();
    ob_floats_init(b, "start", "2,1", (float[]){ 100, 200 }, 2);
    ob_input(body, "sum", TN_F32, "1");
    ob_input(body, "next", TN_F32, "1");
    ob_node(body, "Add", "sum next", "now");
    ob_node(body, "Identity", "now", "copy");
    ob_output(body, "now");
    ob_output(body, "copy");
    ob_node(b, "Scan", "_ start x", "last y");
    ob_subgraph(b, "body", body);
    ob_int(b, "num_scan_inputs", 1);
    ob_ints(b, "directions", (int64_t[]){ 1 }, 1);
    runs(b, "2,3,1", counting, 6, (float[]){ 102, 103, 103, 205, 209, 212 });
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broadcasting),  cmocka_unit_test(flat_softmax), cmocka_unit_test(bounds),
        cmocka_unit_test(normalisation), cmocka_unit_test(shapes),       cmocka_unit_test(upsample),
        cmocka_unit_test(batched_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
