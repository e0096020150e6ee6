/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* upgrade.c - old forms of operators come out in their newest form. What is expected is the printed graph: the main
 * lines of it, in order. */
#include "base/file.h"
#include "format/format.h"
#include "lib/onnx_build.h"
#include "test.h"

/* Reads, upgrades, prints; every string of `lines` must occur, one after the other. Frees b. */
static void expect(ob *b, const char *const *lines) {
    tn_text file = ob_finish(b), shown = { 0 };
    tn_model *m;
    tn_declared_list declared;
    check_ok(tn_model_new(&m));
    check_ok(tn_onnx_read(m, (const uint8_t *)file.s, file.n, &declared));
    check_ok(tn_onnx_upgrade(m));
    for (int i = 0; i < m->n_values; i++) /* types that were found on the way would only blur the lines */
        if (m->values[i]->producer) m->values[i]->type = (tn_type){ .rank = -1 };
    tn_model_print(m, &shown);
    const char *at = shown.s;
    for (; *lines; lines++) {
        const char *hit = strstr(at, *lines);
        check(hit, "'%s' is missing in:\n%s\n", *lines, shown.s);
        at = hit + strlen(*lines);
    }
    tn_model_close(&m);
    tn_text_free(&shown);
    tn_text_free(&file);
}

#define LINES(...) \
    (const char *const[]) { __VA_ARGS__, NULL }

static ob *one_input(int opset, tn_dtype t, const char *dims) {
    ob *b = ob_new(3, opset);
    ob_input(b, "x", t, dims);
    ob_output(b, "y");
    return b;
}

static void clip(void **state) {
    (void)state;
    ob *b = one_input(6, TN_F32, "2,3");
    ob_node(b, "Clip", "x", "y");
    ob_float(b, "min", -1);
    ob_float(b, "max", 0.5f);
    expect(b, LINES("y/min: float32[] -1 constant", "y = Clip(x, y/min -1, y/max 0.5)\n"));
    b = one_input(6, TN_F16, "2,3");
    ob_node(b, "Clip", "x", "y");
    ob_float(b, "max", 6);
    expect(b, LINES("y/max: float16[] 6 constant", "y = Clip(x, _, y/max 6)\n"));
    b = one_input(6, TN_NONE, NULL); /* the type is not known yet */
    ob_node(b, "Clip", "x", "y");
    ob_float(b, "max", 6);
    expect(b, LINES("CastLike_out = CastLike(y/max 6, x)", "y = Clip(x, _, CastLike_out)"));
    b = one_input(6, TN_F32, "2");
    ob_node(b, "Clip", "x", "y");
    expect(b, LINES("y = Clip(x)\n"));
    b = ob_new(8, 13);
    ob_input(b, "x", TN_F32, "2");
    ob_input(b, "low", TN_F32, "");
    ob_node(b, "Clip", "x low", "y");
    ob_output(b, "y");
    expect(b, LINES("y = Clip(x, low)\n"));
}

static void attributes_to_inputs(void **state) {
    (void)state;
    ob *b = one_input(9, TN_F32, "4,5");
    ob_node(b, "Slice", "x", "y");
    ob_ints(b, "starts", (int64_t[]){ 1, 0 }, 2);
    ob_ints(b, "ends", (int64_t[]){ 3, -1 }, 2);
    ob_ints(b, "axes", (int64_t[]){ 1, 0 }, 2);
    expect(b, LINES("y = Slice(x, y/starts [1,0], y/ends [3,-1], y/axes [1,0])\n"));

    b = one_input(12, TN_F32, "1,5");
    ob_node(b, "Squeeze", "x", "a");
    ob_ints(b, "axes", (int64_t[]){ 0 }, 1);
    ob_node(b, "Squeeze", "a", "b");
    ob_node(b, "Unsqueeze", "b", "y");
    ob_ints(b, "axes", (int64_t[]){ 1, 2 }, 2);
    expect(b, LINES("a = Squeeze(x, a/axes [0])\n", "b = Squeeze(a)\n", "y = Unsqueeze(b, y/axes [1,2])\n"));

    b = one_input(13, TN_F32, "1,5");
    ob_node(b, "ReduceMean", "x", "a");
    ob_ints(b, "axes", (int64_t[]){ -1 }, 1);
    ob_int(b, "keepdims", 0);
    ob_node(b, "ReduceL2", "a", "y");
    expect(b, LINES("a = ReduceMean(x, a/axes [-1]) { keepdims=0 }\n", "y = ReduceL2(a)\n"));

    b = one_input(4, TN_F32, "2,5");
    ob_node(b, "Reshape", "x", "y");
    ob_ints(b, "shape", (int64_t[]){ 5, -1 }, 2);
    ob_ints(b, "consumed_inputs", (int64_t[]){ 0 }, 1);
    expect(b, LINES("y = Reshape(x, y/shape [5,-1])\n"));

    b = one_input(1, TN_F32, "2,5");
    ob_node(b, "Pad", "x", "y");
    ob_ints(b, "paddings", (int64_t[]){ 1, 0, 0, 1 }, 4);
    ob_float(b, "value", 2);
    ob_string(b, "mode", "constant");
    expect(b, LINES("y = Pad(x, y/pads [1,0,0,1], y/value 2) { mode=\"constant\" }\n"));
    b = one_input(10, TN_F32, "2,5");
    ob_node(b, "Pad", "x", "y");
    ob_ints(b, "pads", (int64_t[]){ 1, 0, 0, 1 }, 4);
    ob_string(b, "mode", "reflect");
    ob_float(b, "value", 2);
    expect(b, LINES("y = Pad(x, y/pads [1,0,0,1]) { mode=\"reflect\" }\n"));

    b = one_input(9, TN_F32, "2,5");
    ob_node(b, "TopK", "x", "y i");
    ob_int(b, "k", 3);
    expect(b, LINES("y, i = TopK(x, y/k [3])\n"));

    b = one_input(16, TN_F32, "1,5,1");
    ob_node(b, "DFT", "x", "y");
    expect(b, LINES("y = DFT(x, _, y/axis 1)\n"));
}

static void split(void **state) {
    (void)state;
    ob *b = one_input(11, TN_F32, "2,5");
    ob_node(b, "Split", "x", "y z");
    ob_ints(b, "split", (int64_t[]){ 2, 3 }, 2);
    ob_int(b, "axis", 1);
    expect(b, LINES("y, z = Split(x, y/split [2,3]) { axis=1 }\n"));
    b = one_input(13, TN_F32, "4,5");
    ob_node(b, "Split", "x", "y z");
    expect(b, LINES("y, z = Split(x) { num_outputs=2 }\n"));
    b = one_input(18, TN_F32, "4,5");
    ob_node(b, "Split", "x", "y z");
    ob_int(b, "num_outputs", 2);
    expect(b, LINES("y, z = Split(x) { num_outputs=2 }\n"));
}

static void dropout(void **state) {
    (void)state;
    ob *b = one_input(7, TN_F16, "2");
    ob_node(b, "Dropout", "x", "y mask");
    ob_float(b, "ratio", 0.3f);
    expect(b, LINES("y = Dropout(x)\n"));
    b = one_input(7, TN_F16, "2");
    ob_node(b, "Dropout", "x", "y mask");
    ob_output(b, "mask");
    expect(b, LINES("y, mask_1 = Dropout(x)", "mask = CastLike(mask_1, x)\n"));
    b = one_input(10, TN_F16, "2");
    ob_node(b, "Dropout", "x", "y mask");
    ob_output(b, "mask");
    expect(b, LINES("y, mask = Dropout(x)\n"));
}

static void broadcasting(void **state) {
    (void)state;
    ob *b = one_input(6, TN_F32, "2,3,4,5");
    ob_input(b, "w", TN_F32, "3,4");
    ob_node(b, "Add", "x w", "y");
    ob_int(b, "broadcast", 1);
    ob_int(b, "axis", 1);
    expect(b, LINES("Unsqueeze_out = Unsqueeze(w, y/axes [2])  # y/Unsqueeze\n", "y = Add(x, Unsqueeze_out)\n"));
    b = one_input(6, TN_F32, "2,3,4,5");
    ob_input(b, "w", TN_F32, "4,5");
    ob_node(b, "Mul", "x w", "y");
    ob_int(b, "broadcast", 1);
    expect(b, LINES("y = Mul(x, w)\n"));
    b = one_input(6, TN_F32, NULL); /* rank unknown: from the shapes at run time */
    ob_input(b, "w", TN_F32, "3");
    ob_node(b, "Sub", "x w", "y");
    ob_int(b, "broadcast", 1);
    ob_int(b, "axis", 1);
    expect(b, LINES("ConstantOfShape_out = ConstantOfShape(Max_out) { value=int64[1] [1] }",
                    "Reshape_out = Reshape(w, Concat_out)", "y = Sub(x, Reshape_out)\n"));
    b = one_input(6, TN_F32, "2,3,4");
    ob_input(b, "slope", TN_F32, "3");
    ob_node(b, "PRelu", "x slope", "y");
    expect(b, LINES("Unsqueeze(slope, y/axes [1])", "y = PRelu(x, Unsqueeze_out)\n"));
    b = one_input(6, TN_F32, "2,3,4");
    ob_input(b, "slope", TN_F32, "1");
    ob_node(b, "PRelu", "x slope", "y");
    expect(b, LINES("y = PRelu(x, slope)\n"));
    b = one_input(6, TN_F32, "2,3");
    ob_input(b, "w", TN_F32, "3,4");
    ob_input(b, "c", TN_F32, "4");
    ob_node(b, "Gemm", "x w c", "y");
    ob_int(b, "broadcast", 1);
    expect(b, LINES("y = Gemm(x, w, c)\n"));
}

static void softmax(void **state) {
    (void)state;
    ob *b = one_input(11, TN_F32, "2,3,4");
    ob_node(b, "LogSoftmax", "x", "y");
    expect(b, LINES("Shape_out = Shape(x)", "Flatten_out = Flatten(x) { axis=1 }",
                    "y_1 = LogSoftmax(Flatten_out) { axis=1 }", "y = Reshape(y_1, Shape_out) { allowzero=1 }\n"));
    b = one_input(11, TN_F32, "2,3");
    ob_node(b, "Softmax", "x", "y");
    expect(b, LINES("y = Softmax(x) { axis=1 }\n"));
    b = one_input(11, TN_F32, "n,3,1,1");
    ob_node(b, "Softmax", "x", "y");
    expect(b, LINES("y = Softmax(x) { axis=1 }\n"));
    b = one_input(12, TN_F32, "2,3,4");
    ob_node(b, "Hardmax", "x", "y");
    ob_int(b, "axis", -1); /* one dimension, now as then */
    expect(b, LINES("y = Hardmax(x) { axis=-1 }\n"));
    b = one_input(13, TN_F32, "2,3,4");
    ob_node(b, "Softmax", "x", "y");
    expect(b, LINES("y = Softmax(x)\n"));
}

static void resize(void **state) {
    (void)state;
    static const char asymmetric[] = "coordinate_transformation_mode=\"asymmetric\"";
    ob *b = one_input(7, TN_F32, "1,1,2,2");
    ob_node(b, "Upsample", "x", "y");
    ob_floats(b, "scales", (float[]){ 1, 1, 2, 3 }, 4);
    expect(b, LINES("y = Resize(x, _, y/scales [1,1,2,3]) {", asymmetric, "nearest_mode=\"floor\""));
    b = one_input(1, TN_F32, "1,1,2,2");
    ob_node(b, "Upsample", "x", "y");
    ob_float(b, "width_scale", 3);
    ob_float(b, "height_scale", 2);
    ob_string(b, "mode", "bilinear");
    expect(b, LINES("y = Resize(x, _, y/scales [1,1,2,3]) { mode=\"linear\"", asymmetric));
    b = one_input(9, TN_F32, "1,1,2,2");
    ob_input(b, "s", TN_F32, "4");
    ob_node(b, "Upsample", "x s", "y");
    expect(b, LINES("y = Resize(x, _, s) {", asymmetric));
    b = one_input(10, TN_F32, "1,1,2,2");
    ob_input(b, "s", TN_F32, "4");
    ob_node(b, "Resize", "x s", "y");
    ob_string(b, "mode", "linear");
    expect(b, LINES("y = Resize(x, _, s) { mode=\"linear\"", asymmetric));
    b = one_input(11, TN_F32, "1,1,2,2");
    ob_input(b, "s", TN_F32, "4");
    ob_node(b, "Resize", "x _ s", "y");
    ob_string(b, "coordinate_transformation_mode", "tf_half_pixel_for_nn");
    ob_string(b, "nearest_mode", "floor");
    expect(b, LINES("coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_ceil\""));
}

static void normalisation(void **state) {
    (void)state;
    ob *b = one_input(6, TN_F32, "2,3,4");
    for (int i = 0; i < 4; i++) ob_input(b, (const char *[]){ "s", "b", "m", "v" }[i], TN_F32, "3");
    ob_node(b, "BatchNormalization", "x s b m v", "y o1 o2 o3 o4");
    ob_int(b, "is_test", 1);
    ob_int(b, "spatial", 1);
    ob_ints(b, "consumed_inputs", (int64_t[]){ 0, 0, 0, 1, 1 }, 5);
    expect(b, LINES("y = BatchNormalization(x, s, b, m, v)"));
    b = one_input(7, TN_F32, "2,3,4");
    for (int i = 0; i < 4; i++) ob_input(b, (const char *[]){ "s", "b", "m", "v" }[i], TN_F32, "3,4");
    ob_node(b, "BatchNormalization", "x s b m v", "y");
    ob_int(b, "spatial", 0);
    expect(b, LINES("Add(v, y/epsilon 1e-05)", "Sqrt_out = Sqrt(", "Sub_out = Sub(x, m)",
                    "Div_out = Div(Sub_out, Sqrt_out)", "Mul_out = Mul(Div_out, s)", "y = Add(Mul_out, b)\n"));
    b = one_input(18, TN_F32, "2,6,4");
    for (int i = 0; i < 2; i++) ob_input(b, (const char *[]){ "s", "b" }[i], TN_F32, "3");
    ob_node(b, "GroupNormalization", "x s b", "y");
    ob_int(b, "num_groups", 3);
    expect(b, LINES("Shape(x) { start=1, end=2 }", "Reshape(s, y/column [3,1])", "Expand(",
                    "Reshape(b, y/column [3,1])", "y = GroupNormalization(x, Reshape_out_", "{ num_groups=3 }"));
}

static void small_forms(void **state) {
    (void)state;
    ob *b = one_input(5, TN_F32, "2");
    ob_node(b, "Cast", "x", "y");
    ob_string(b, "to", "INT64");
    expect(b, LINES("y = Cast(x) { to=7 }\n"));
    b = one_input(1, TN_F32, "2,1");
    ob_node(b, "Concat", "x x", "y");
    expect(b, LINES("y = Concat(x, x) { axis=1 }\n"));
    b = one_input(1, TN_F32, "1,1,2,2");
    ob_node(b, "GlobalLpPool", "x", "y");
    ob_float(b, "p", 3);
    expect(b, LINES("y = GlobalLpPool(x) { p=3 }\n"));
    b = one_input(5, TN_F32, "2");
    ob_node(b, "Selu", "x", "y");
    expect(b, LINES("y = Selu(x) { alpha=1.6732, gamma=1.0507 }\n"));
    b = one_input(10, TN_F32, "2");
    ob_input(b, "i", TN_I64, "1");
    ob_input(b, "u", TN_F32, "1");
    ob_node(b, "Scatter", "x i u", "y");
    expect(b, LINES("y = ScatterElements(x, i, u)\n"));
    b = one_input(16, TN_F32, "1,1,2,2");
    ob_input(b, "g", TN_F32, "1,2,2,2");
    ob_node(b, "GridSample", "x g", "y");
    ob_string(b, "mode", "bicubic");
    expect(b, LINES("y = GridSample(x, g) { mode=\"cubic\" }\n"));
    b = one_input(10, TN_F32, "1,1,2,2");
    ob_input(b, "r", TN_F32, "1,4");
    ob_input(b, "i", TN_I64, "1");
    ob_node(b, "RoiAlign", "x r i", "y");
    expect(b, LINES("coordinate_transformation_mode=\"output_half_pixel\""));
    b = one_input(6, TN_F32, "3,1,2");
    ob_input(b, "w", TN_F32, "1,4,2");
    ob_input(b, "r", TN_F32, "1,4,4");
    ob_node(b, "RNN", "x w r", "y");
    ob_int(b, "output_sequence", 1);
    ob_int(b, "hidden_size", 4);
    expect(b, LINES("y = RNN(x, w, r) { hidden_size=4 }\n"));
    b = one_input(1, TN_F32, "2,3");
    ob_input(b, "n", TN_F32, "");
    ob_input(b, "a", TN_F32, "");
    ob_node(b, "Tile", "x n a", "y");
    expect(b, LINES("ScatterElements(", "y = Tile(x, ScatterElements_out)\n"));
    b = one_input(8, TN_F32, "1,3,2,2");
    ob_node(b, "ImageScaler", "x", "y");
    ob_float(b, "scale", 0.5f);
    ob_floats(b, "bias", (float[]){ 1, 2, 3 }, 3);
    expect(b, LINES("y/bias: float32[3,1,1] constant", "Mul(x, y/scale 0.5)", "y = Add(Mul_out, y/bias)\n"));
}

static void scan(void **state) {
    (void)state;
    ob *b = ob_new(3, 8);
    ob_input(b, "s", TN_F32, "1,2");
    ob_input(b, "x", TN_F32, "1,3,2");
    ob *body = ob_graph();
    ob_input(body, "sum", TN_F32, "2");
    ob_input(body, "next", TN_F32, "2");
    ob_node(body, "Add", "sum next", "now");
    ob_node(body, "Identity", "now", "out");
    ob_output(body, "now");
    ob_output(body, "out");
    ob_node(b, "Scan", "_ s x", "y z");
    ob_subgraph(b, "body", body);
    ob_int(b, "num_scan_inputs", 1);
    ob_ints(b, "directions", (int64_t[]){ 1 }, 1);
    ob_output(b, "y");
    ob_output(b, "z");
    expect(b, LINES("y, z = Scan(s, x) { body=<sample>, num_scan_inputs=2 }", "graph sample(sample, sample_1)",
                    "Scan(sample, sample_1) { body=<body>, num_scan_inputs=1, scan_input_directions=[1] }",
                    "now = Add(sum, next)"));
}

static void refused(void **state) {
    (void)state;
    ob *b = one_input(5, TN_F32, "2,3,4");
    ob_node(b, "Cast", "x", "y");
    ob_string(b, "to", "FLAOT");
    tn_text file = ob_finish(b);
    tn_model *m;
    tn_declared_list declared;
    check_ok(tn_model_new(&m));
    check_ok(tn_onnx_read(m, (const uint8_t *)file.s, file.n, &declared));
    check_fails(tn_onnx_upgrade(m), TN_E_UNSUPPORTED, "node 'y' (Cast) of opset 5");
    tn_model_close(&m);
    tn_text_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clip),         cmocka_unit_test(attributes_to_inputs),
        cmocka_unit_test(split),        cmocka_unit_test(dropout),
        cmocka_unit_test(broadcasting), cmocka_unit_test(softmax),
        cmocka_unit_test(resize),       cmocka_unit_test(normalisation),
        cmocka_unit_test(small_forms),  cmocka_unit_test(scan),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
