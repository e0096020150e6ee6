/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* upgrade_run.c - models of old operator sets give what their specification says. Expected numbers are worked out by
 * hand or in plain C here. */
#include "lib/onnx_build.h"
#include "test.h"
#include <math.h>

/* Runs the model on float inputs x (shape dims, as in "2,3") and compares its outputs, one behind the other. Frees b.
 */
static void runs(ob *b, const char *dims, const float *x, int n_out, const float *want) {
    tn_text file = ob_finish(b);
    tn_model *m;
    tn_session *s;
    tn_tensor *in, *out[6] = { 0 };
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
    assert_true(n <= 6);
    check_ok(tn_session_run(s, 1, (const tn_tensor *const *)&in, n, out));
    int at = 0;
    for (size_t k = 0; k < n; k++) {
        const float *got = tn_tensor_data(out[k]);
        for (int64_t i = 0; i < tn_tensor_elements(out[k]); i++, at++)
            check(at < n_out && fabsf(got[i] - want[at]) <= 1e-5f * (1 + fabsf(want[at])),
                  "output %d, element %d is %g, expected %g\n", (int)k, (int)i, (double)got[i],
                  (double)(at < n_out ? want[at] : 0));
    }
    assert_int_equal(at, n_out);
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

/* Two samples of two channels of two: 0 1, 2 3 and 4 5, 6 7; means of the channels are 2.5 and 4.5, of all 3.5. */
static void mean_variance(void **state) {
    (void)state;
    float want[8];
    for (int across = 0; across < 2; across++)
        for (int scaled = 0; scaled < 2; scaled++)
            for (int known = 0; known < 2; known++) {
                for (int i = 0; i < 8; i++) {
                    float mean = across ? 3.5f : i / 2 % 2 ? 4.5f : 2.5f, variance = across ? 5.25f : 4.25f;
                    want[i] = (counting[i] - mean) / (scaled ? sqrtf(variance) : 1);
                }
                ob *b = begin(8, known ? "2,2,1,2" : NULL);
                ob_node(b, "MeanVarianceNormalization", "x", "y");
                if (across) ob_int(b, "across_channels", 1);
                if (!scaled) ob_int(b, "normalize_variance", 0);
                runs(b, "2,2,1,2", counting, 8, want);
            }
}

static void shapes(void **state) {
    (void)state;
    ob *b = begin(1, "1,2");
    ob_floats_init(b, "n", "", (float[]){ 2 }, 1);
    ob_floats_init(b, "a", "", (float[]){ 1 }, 1);
    ob_node(b, "Tile", "x n a", "y");
    runs(b, "1,2", counting, 4, (float[]){ 0, 1, 0, 1 });
    for (int known = 0; known < 2; known++) { /* lengths are of the data's type */
        b = begin(1, known ? "4" : NULL);
        ob_floats_init(b, "n", "2", (float[]){ 1, 3 }, 2);
        ob_node(b, "Split", "x n", "z y");
        ob_int(b, "axis", 0);
        runs(b, "4", counting, 3, (float[]){ 1, 2, 3 });
    }
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

/* Statistics of a batch, per channel: what version 14 calls running ones blend them with the old; the saved ones are
 * they themselves. x counts from 0, [2, 2, 2]: the channels hold 0 1 4 5 and 2 3 6 7, of variance 4.25. */
static void trained(void **state) {
    (void)state;
    enum { Y = 8 };
    float want[Y + 8], mean[] = { 2.5f, 4.5f }, var = 4.25f;
    for (int i = 0; i < Y; i++)
        want[i] = (counting[i] - mean[i / 2 % 2]) / sqrtf(var + 1e-5f) * (i / 2 % 2 ? 2.0f : 1.0f) + 1;
    for (int c = 0; c < 2; c++) {
        want[Y + c] = 0.75f * 10 + 0.25f * mean[c], want[Y + 2 + c] = 0.75f * 20 + 0.25f * var;
        want[Y + 4 + c] = mean[c], want[Y + 6 + c] = var;
    }
    static const int versions[] = { 1, 6, 7, 9, 9, 6 };
    for (int k = 0; k < 6; k++) {
        ob *b = begin(versions[k], k & 1 ? NULL : "2,2,2");
        ob_floats_init(b, "s", "2", (float[]){ 1, 2 }, 2);
        ob_floats_init(b, "b", "2", (float[]){ 1, 1 }, 2);
        ob_floats_init(b, "m", "2", (float[]){ 10, 10 }, 2);
        ob_floats_init(b, "v", "2", (float[]){ 20, 20 }, 2);
        ob_node(b, "BatchNormalization", "x s b m v", "y m1 v1 m2 v2");
        if (k < 4) ob_float(b, "momentum", 0.75f);
        if (k == 4) { /* the saved ones alone */
            ob_output(b, "m2");
            ob_output(b, "v2");
            float few[12];
            memcpy(few, want, sizeof(float) * Y), memcpy(few + Y, want + Y + 4, sizeof(float) * 4);
            runs(b, "2,2,2", counting, 12, few);
        } else if (k == 5) { /* none is wanted: that they are listed makes it training */
            runs(b, "2,2,2", counting, Y, want);
        } else {
            for (int i = 0; i < 4; i++) ob_output(b, (const char *[]){ "m1", "v1", "m2", "v2" }[i]);
            runs(b, "2,2,2", counting, Y + 8, want);
        }
    }
}

/* spatial = 0: every element of a sample has its own statistics. Elements are i and i + 6: the mean i + 3, variance 9.
 */
static void trained_by_element(void **state) {
    (void)state;
    float want[12 + 24], six[6], zero[6] = { 0 };
    for (int i = 0; i < 6; i++) six[i] = (float)i;
    for (int i = 0; i < 12; i++) want[i] = (i < 6 ? -1.0f : 1.0f) * 3 / sqrtf(9 + 1e-5f) * six[i % 6] + 2 * six[i % 6];
    for (int i = 0; i < 6; i++) {
        want[12 + i] = 0.9f * six[i] + 0.1f * (six[i] + 3), want[18 + i] = 0.1f * 9;
        want[24 + i] = six[i] + 3, want[30 + i] = 9;
    }
    float bias[6];
    for (int i = 0; i < 6; i++) bias[i] = 2 * six[i];
    for (int saved = 0; saved < 2; saved++)
        for (int known = 0; known < 2; known++) {
            ob *b = begin(7, known ? "2,2,3" : NULL);
            ob_floats_init(b, "s", "2,3", six, 6);
            ob_floats_init(b, "b", "2,3", bias, 6);
            ob_floats_init(b, "m", "2,3", six, 6);
            ob_floats_init(b, "v", "2,3", zero, 6);
            ob_node(b, "BatchNormalization", "x s b m v", saved ? "y m1 v1 m2 v2" : "y m1 v1");
            ob_int(b, "spatial", 0);
            for (int i = 0; i < (saved ? 4 : 2); i++) ob_output(b, (const char *[]){ "m1", "v1", "m2", "v2" }[i]);
            runs(b, "2,2,3", counting, saved ? 36 : 24, want);
        }
}

/* p was any number. */
static void fractional_norms(void **state) {
    (void)state;
    float x[] = { 1, -2, 3, -4 }, p = 1.5f, all = 0, two[3];
    for (int i = 0; i < 4; i++) all += powf(fabsf(x[i]), p);
    for (int i = 0; i < 3; i++) two[i] = powf(powf(fabsf(x[i]), p) + powf(fabsf(x[i + 1]), p), 1 / p);
    all = powf(all, 1 / p);
    for (int known = 0; known < 2; known++) {
        ob *b = begin(1, known ? "1,1,4" : NULL);
        ob_node(b, "GlobalLpPool", "x", "y");
        ob_float(b, "p", p);
        runs(b, "1,1,4", x, 1, &all);
        b = begin(1, known ? "1,1,4" : NULL);
        ob_node(b, "LpPool", "x", "y");
        ob_ints(b, "kernel_shape", (int64_t[]){ 2 }, 1);
        ob_float(b, "p", p);
        runs(b, "1,1,4", x, 3, two);
    }
    ob *b = begin(1, "1,1,4"); /* of the square roots: (1 + sqrt 2 + sqrt 3 + 2)^2 */
    ob_node(b, "GlobalLpPool", "x", "y");
    ob_float(b, "p", 0.5f);
    all = powf(3 + sqrtf(2) + sqrtf(3), 2);
    runs(b, "1,1,4", x, 1, &all);
}

/* Pixel i of six comes from (i + 0.5) / 1.5 of four: 1/3, 1, 5/3, 7/3, 3, 11/3. What is not resized stays. */
static void half_pixel_for_nn(void **state) {
    (void)state;
    static const struct {
        const char *mode, *nearest;
        float want[6];
    } cases[] = { { "nearest", "floor", { 0, 1, 1, 2, 3, 3 } },
                  { "nearest", "ceil", { 1, 1, 2, 3, 3, 3 } },
                  { "nearest", "round_prefer_floor", { 0, 1, 2, 2, 3, 3 } },
                  { "nearest", "round_prefer_ceil", { 0, 1, 2, 2, 3, 3 } },
                  { "linear", "floor", { 1 / 3.0f, 1, 5 / 3.0f, 7 / 3.0f, 3, 3 } } };
    for (size_t k = 0; k < TN_COUNT(cases); k++) {
        float want[12], scale = 1.5f;
        for (int i = 0; i < 12; i++) want[i] = cases[k].want[i % 6] + (i < 6 ? 0.0f : 4.0f);
        ob *b = begin(11, "2,4");
        ob_floats_init(b, "r", "0", NULL, 0);
        ob_floats_init(b, "s", "2", (float[]){ 1, scale }, 2);
        ob_node(b, "Resize", "x r s", "y");
        ob_string(b, "coordinate_transformation_mode", "tf_half_pixel_for_nn");
        ob_string(b, "mode", cases[k].mode);
        ob_string(b, "nearest_mode", cases[k].nearest);
        runs(b, "2,4", counting, 12, want);
    }
    /* halves are rounded one way or the other: 0.5, 1.5 of (i + 0.5) / 1 do not come up, of scale 3 twice a third does
     */
    for (int up = 0; up < 2; up++) {
        ob *b = begin(12, "2,3"); /* i of 1: 0.5 / (1 / 3) = 1.5 */
        ob_floats_init(b, "r", "0", NULL, 0);
        ob_floats_init(b, "s", "2", (float[]){ 1, 0.33333334f }, 2);
        ob_node(b, "Resize", "x r s", "y");
        ob_string(b, "coordinate_transformation_mode", "tf_half_pixel_for_nn");
        ob_string(b, "nearest_mode", up ? "round_prefer_ceil" : "round_prefer_floor");
        runs(b, "2,3", counting, 2, up ? (float[]){ 2, 5 } : (float[]){ 1, 4 });
    }
    /* cubic, a = -0.75, at 5/3 between 1 and 2: weights of 0 1 2 3 at distances 5/3, 2/3, 1/3, 4/3 */
    const float a = -0.75f, d[] = { 5 / 3.0f, 2 / 3.0f, 1 / 3.0f, 4 / 3.0f };
    float sum = 0;
    for (int i = 0; i < 4; i++)
        sum += (float)i * (d[i] <= 1 ? ((a + 2) * d[i] - (a + 3)) * d[i] * d[i] + 1
                                     : ((a * d[i] - 5 * a) * d[i] + 8 * a) * d[i] - 4 * a);
    ob *b = begin(11, "4");
    ob_floats_init(b, "r", "0", NULL, 0);
    ob_floats_init(b, "s", "1", (float[]){ 1.5f }, 1);
    ob_node(b, "Resize", "x r s", "z");
    ob_string(b, "coordinate_transformation_mode", "tf_half_pixel_for_nn");
    ob_string(b, "mode", "cubic");
    ob_ints_init(b, "i", "1", (int64_t[]){ 2 }, 1);
    ob_node(b, "Gather", "z i", "y");
    runs(b, "4", counting, 1, &sum);
}

/* Sequences of two steps and of three; what lies behind a sequence is zero. */
static void scan_of_lengths(void **state) {
    (void)state;
    ob *b = begin(8, "2,3,1"), *body = ob_graph();
    ob_floats_init(b, "start", "2,1", (float[]){ 100, 200 }, 2);
    ob_ints_init(b, "len", "2", (int64_t[]){ 2, 3 }, 2);
    ob_input(body, "sum", TN_F32, "1");
    ob_input(body, "next", TN_F32, "1");
    ob_node(body, "Add", "sum next", "now");
    ob_node(body, "Identity", "now", "copy");
    ob_output(body, "now");
    ob_output(body, "copy");
    ob_node(b, "Scan", "len start x", "last y");
    ob_subgraph(b, "body", body);
    ob_int(b, "num_scan_inputs", 1);
    ob_output(b, "last");
    runs(b, "2,3,1", counting, 8, (float[]){ 100, 101, 0, 203, 207, 212, 101, 212 });
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broadcasting),       cmocka_unit_test(flat_softmax),     cmocka_unit_test(bounds),
        cmocka_unit_test(normalisation),      cmocka_unit_test(mean_variance),    cmocka_unit_test(shapes),
        cmocka_unit_test(upsample),           cmocka_unit_test(batched_scan),     cmocka_unit_test(trained),
        cmocka_unit_test(trained_by_element), cmocka_unit_test(fractional_norms), cmocka_unit_test(half_pixel_for_nn),
        cmocka_unit_test(scan_of_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
