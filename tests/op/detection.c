/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* detection.c - boxes, grids and pooling: double precision, many dimensions, several threads, and what is refused. */
#include "lib/op_run.h"
#include "test.h"
#include <math.h>

static ob *begin(tn_dtype t, const char *op, const char *inputs) {
    ob *b = ob_new(9, 22);
    ob_input(b, "x", t, NULL);
    ob_input(b, "r", t, NULL);
    ob_output(b, "y");
    ob_node(b, op, inputs, "y");
    return b;
}

/* --------------------------------------------------------------------------------------------------------- pooling */

static ob *pool(tn_dtype t, const char *op, int rank, int64_t kernel, int64_t stride, int64_t pad) {
    int64_t k[8], s[8], p[16];
    ob *b = ob_new(9, 22);
    for (int i = 0; i < 8; i++) k[i] = kernel, s[i] = stride, p[i] = p[8 + i] = pad;
    ob_input(b, "x", t, NULL);
    ob_output(b, "y");
    ob_node(b, op, "x", "y");
    ob_ints(b, "kernel_shape", k, rank);
    ob_ints(b, "strides", s, rank);
    ob_ints(b, "pads", p, 2 * rank);
    return b;
}

static void double_pooling(void **state) {
    double a = 1 + 0x1p-40, c = 3 - 0x1p-45;
    op_data x = { TN_F64, "1,1,4", { a, c, -2, 1e-20 } };
    op_data mean = { TN_F64, "1,1,3", { (a + c) / 2, (c - 2) / 2, -1 + 5e-21 } },
            most = { TN_F64, "1,1,3", { c, c, 1e-20 } };
    op_gives(pool(TN_F64, "AveragePool", 1, 2, 1, 0), 1, &x, 1, &mean, 1e-16);
    op_gives(pool(TN_F64, "MaxPool", 1, 2, 1, 0), 1, &x, 1, &most, 0);
    op_data norm = { TN_F64, "1,1,2", { sqrt(a * a + c * c), 2 } };
    op_gives(pool(TN_F64, "LpPool", 1, 2, 2, 0), 1, &x, 1, &norm, 1e-15);
    op_data all = { TN_F64, "1,1,1", { (a + c - 2 + 1e-20) / 4 } };
    op_gives(begin(TN_F64, "GlobalAveragePool", "x"), 2, (op_data[]){ x, x }, 1, &all, 1e-16);
    all.v[0] = c;
    op_gives(begin(TN_F64, "GlobalMaxPool", "x"), 2, (op_data[]){ x, x }, 1, &all, 0);
    all.v[0] = sqrt(a * a + c * c + 4);
    op_gives(begin(TN_F64, "GlobalLpPool", "x"), 2, (op_data[]){ x, x }, 1, &all, 1e-15);
}

static void many_dimensions(void **state) {
    op_data x = { TN_F32, "1,1,2,2,2,2,2" }, y = { TN_F32, "1,1,1,1,1,1,1", { 31 } };
    for (int i = 0; i < 32; i++) x.v[i] = i;
    op_gives(pool(TN_F32, "MaxPool", 5, 2, 1, 0), 1, &x, 1, &y, 0);
    y.v[0] = 15.5;
    op_gives(pool(TN_F32, "AveragePool", 5, 2, 1, 0), 1, &x, 1, &y, 0);
}

static void refused_pools(void **state) {
    static const char *const ops[] = { "MaxPool", "AveragePool", "LpPool" };
    op_data x = { TN_F64, "1,1,4" }, flat = { TN_F64, "4" };
    for (size_t i = 0; i < TN_COUNT(ops); i++) {
        op_refused(pool(TN_F64, ops[i], 1, 0, 1, 0), 1, &x, "kernel_shape");
        op_refused(pool(TN_F64, ops[i], 1, 5, 1, 0), 1, &x, "window");
        op_refused(pool(TN_F64, ops[i], 1, INT64_C(1) << 62, 1, 0), 1, &x, "kernel_shape");
        op_refused(pool(TN_F64, ops[i], 1, 2, 0, 0), 1, &x, "strides");
        op_refused(pool(TN_F64, ops[i], 1, 2, 1, INT64_C(1) << 62), 1, &x, "pads");
        op_refused(pool(TN_F64, ops[i], 1, 2, 1, -2), 1, &x, ops[i]);
        op_refused(pool(TN_F64, ops[i], 2, 2, 1, 0), 1, &x, "numbers");
        op_refused(pool(TN_F64, ops[i], 1, 2, 1, 0), 1, &flat, "dimensions");
    }
    ob *b = pool(TN_F64, "LpPool", 1, 2, 1, 0);
    ob_int(b, "p", 0);
    op_refused(b, 1, &x, "'p'");
}

/* ----------------------------------------------------------------------------------------------------------- boxes */

static ob *nms(int64_t most, float overlap, int64_t centre) {
    ob *b = ob_new(9, 11);
    ob_input(b, "x", TN_F32, NULL);
    ob_input(b, "r", TN_F32, NULL);
    ob_output(b, "y");
    ob_ints_init(b, "most", "1", &most, 1);
    ob_floats_init(b, "overlap", "1", &overlap, 1);
    ob_node(b, "NonMaxSuppression", "x r most overlap", "y");
    ob_int(b, "center_point_box", centre);
    return b;
}

static void suppression(void **state) {
    op_data in[2] = { { TN_F32, "1,2,4", { 0, 0, 1, 1, 0, 0, 1, 1 } }, { TN_F32, "1,2,2", { 0.5, 0.9, 0.8, NAN } } };
    op_data y = { TN_I64, "2,3", { 0, 0, 1, 0, 1, 0 } }, empty = { TN_I64, "0,3" };
    op_gives(nms(INT64_MAX, 0.5f, 0), 2, in, 1, &y, 0);
    op_gives(nms(-5, 0.5f, 0), 2, in, 1, &empty, 0);
    op_refused(nms(1, 0.5f, 3), 2, in, "center_point_box");
    in[0].dims = "1,4,2";
    op_refused(nms(1, 0.5f, 0), 2, in, "boxes");
    in[0].dims = "8";
    op_refused(nms(1, 0.5f, 0), 2, in, "boxes");
}

static ob *align(int64_t image, int64_t height, int64_t ratio) {
    ob *b = ob_new(9, 16);
    ob_input(b, "x", TN_F32, NULL);
    ob_input(b, "r", TN_F32, NULL);
    ob_output(b, "y");
    ob_ints_init(b, "image", "1", &image, 1);
    ob_node(b, "RoiAlign", "x r image", "y");
    ob_int(b, "output_height", height);
    ob_int(b, "output_width", 1);
    ob_int(b, "sampling_ratio", ratio);
    return b;
}

static void regions(void **state) {
    op_data in[2] = { { TN_F32, "1,1,2,2", { 1, 2, 3, 4 } }, { TN_F32, "1,4", { 0, 0, 2, 2 } } };
    op_data y = { TN_F32, "1,1,1,1", { 2.5 } };
    op_gives(align(0, 1, 2), 2, in, 1, &y, 1e-6);
    op_refused(align(1, 1, 2), 2, in, "1");
    op_refused(align(0, 0, 2), 2, in, "output_height");
    op_refused(align(0, INT64_C(1) << 62, 2), 2, in, "output_height");
    op_refused(align(0, 1, -1), 2, in, "sampling_ratio");
    in[1].v[2] = 1e30;
    op_refused(align(0, 1, 0), 2, in, "samples");
    in[1].v[2] = NAN;
    op_refused(align(0, 1, 0), 2, in, "samples");
    op_data boxes[2] = { in[0], { TN_F32, "1,5", { 0, 0, 0, 1, 1 } } }, largest = { TN_F32, "1,1,1,1", { 4 } };
    ob *b = begin(TN_F32, "MaxRoiPool", "x r");
    ob_ints(b, "pooled_shape", (int64_t[]){ 1, 1 }, 2);
    op_gives(b, 2, boxes, 1, &largest, 0);
    static const double images[] = { 1, -1, NAN, 1e30 };
    for (size_t i = 0; i < TN_COUNT(images); i++) {
        boxes[1].v[0] = images[i];
        b = begin(TN_F32, "MaxRoiPool", "x r");
        ob_ints(b, "pooled_shape", (int64_t[]){ 1, 1 }, 2);
        op_refused(b, 2, boxes, "image");
    }
    b = begin(TN_F32, "MaxRoiPool", "x r");
    ob_ints(b, "pooled_shape", (int64_t[]){ 1, INT64_C(1) << 62 }, 2);
    op_refused(b, 2, boxes, "pooled_shape");
    b = begin(TN_F32, "MaxRoiPool", "x r");
    ob_ints(b, "pooled_shape", (int64_t[]){ 1, 1, 1 }, 3);
    op_refused(b, 2, boxes, "pooled_shape");
}

/* ----------------------------------------------------------------------------------------------------------- grids */

static ob *sampled(tn_dtype t, const char *mode) {
    ob *b = ob_new(9, 22);
    ob_input(b, "x", t, NULL);
    ob_input(b, "grid", TN_F32, NULL);
    ob_output(b, "y");
    ob_node(b, "GridSample", "x grid", "y");
    ob_string(b, "mode", mode);
    return b;
}

/* The nearest element of any type, and what lies outside; strings cannot be blended, complex numbers part by part. */
static void grids_of_any_type(void **state) {
    op_data grid = { TN_F32, "1,1,3,2", { -0.5, -0.5, 0.5, 0.5, 3, 0 } };
    op_data words[2] = { { TN_STRING, "1,1,2,2", { 0 }, { "a", "b", "c", "d" } }, grid };
    op_data said = { TN_STRING, "1,1,1,3", { 0 }, { "a", "d", "" } };
    op_gives(sampled(TN_STRING, "nearest"), 2, words, 1, &said, 0);
    op_refused(sampled(TN_STRING, "linear"), 2, words, "interpolated");
    static const tn_dtype types[] = { TN_BOOL, TN_C64, TN_C128 };
    for (size_t i = 0; i < TN_COUNT(types); i++)
        for (int linear = 0; linear < 2; linear++) {
            op_data in[2] = { { types[i], "1,1,2,2", { 1, 0, 0, 1 } }, grid };
            op_data y = { types[i], "1,1,1,3", { 1, 1, 0 } };
            op_gives(sampled(types[i], linear ? "linear" : "nearest"), 2, in, 1, &y, 0);
        }
}

static void grids(void **state) {
    op_data in[2] = { { TN_F64, "1,1,2,2", { 1, 2, 3, 4 } },
                      { TN_F64, "1,2,2,2", { 0, 0, -0.5, -0.5, NAN, INFINITY, 1e300, -INFINITY } } };
    op_data y = { TN_F64, "1,1,2,2", { 2.5, 1, 0, 0 } };
    op_gives(begin(TN_F64, "GridSample", "x r"), 2, in, 1, &y, 1e-15);
    ob *b = begin(TN_F64, "GridSample", "x r");
    ob_string(b, "mode", "quartic");
    op_refused(b, 2, in, "mode");
    in[1].dims = "1,2,4";
    op_refused(begin(TN_F64, "GridSample", "x r"), 2, in, "rank");
    in[1].dims = "2,2,1,2";
    op_refused(begin(TN_F64, "GridSample", "x r"), 2, in, "grid");
    in[1].dims = "1,2,1,4";
    op_refused(begin(TN_F64, "GridSample", "x r"), 2, in, "grid");
    static const int64_t sizes[][4] = { { 1, 1, -2, 2 }, { 1, 1, INT64_MAX, 2 }, { 2, 1, 2, 2 } };
    op_data theta = { TN_F64, "1,2,3", { 1, 0, 0, 0, 1, 0 } };
    for (size_t i = 0; i < TN_COUNT(sizes); i++) {
        b = ob_new(9, 20);
        ob_input(b, "x", TN_F64, NULL);
        ob_output(b, "y");
        ob_ints_init(b, "size", "4", sizes[i], 4);
        ob_node(b, "AffineGrid", "x size", "y");
        op_refused(b, 1, &theta, "");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(double_pooling),   cmocka_unit_test(many_dimensions),
                                        cmocka_unit_test(refused_pools),    cmocka_unit_test(suppression),
                                        cmocka_unit_test(regions),          cmocka_unit_test(grids),
                                        cmocka_unit_test(grids_of_any_type) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
