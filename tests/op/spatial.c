/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* spatial.c - Det, MaxUnpool, Col2Im, CenterCropPad, DeformConv, Resize: types and ranks the official cases lack, and
 * attributes that must be refused. */
#include "lib/op_run.h"
#include "test.h"
#include <math.h>

static ob *begin(tn_dtype t, const char *op, const char *inputs) {
    ob *b = ob_new(9, 22);
    ob_input(b, "x", t, NULL);
    ob_output(b, "y");
    ob_node(b, op, inputs, "y");
    return b;
}

static void determinants(void **state) {
    op_data x = { TN_F64, "2,3,3", { 0, 2, 1, 3, 0, 0, 1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9 } };
    op_data y = { TN_F64, "2", { -3, 0 } }, none = { TN_F32, "0,0" }, one = { TN_F32, "", { 1 } };
    op_gives(begin(TN_F64, "Det", "x"), 1, &x, 1, &y, 1e-14);
    x.type = y.type = TN_F16;
    op_gives(begin(TN_F16, "Det", "x"), 1, &x, 1, &y, 1e-2);
    op_gives(begin(TN_F32, "Det", "x"), 1, &none, 1, &one, 0);
    op_data wide = { TN_F32, "2,3" }, row = { TN_F32, "3" };
    op_refused(begin(TN_F32, "Det", "x"), 1, &wide, "square");
    op_refused(begin(TN_F32, "Det", "x"), 1, &row, "dimensions");
}

static ob *unpool(int64_t kernel, int64_t stride, int64_t pad, const int64_t *index, const int64_t *shape) {
    ob *b = ob_new(9, 22);
    ob_input(b, "x", TN_F32, NULL);
    ob_output(b, "y");
    ob_ints_init(b, "i", "1,1,2", index, 2);
    if (shape) ob_ints_init(b, "shape", "3", shape, 3);
    ob_node(b, "MaxUnpool", shape ? "x i shape" : "x i", "y");
    ob_ints(b, "kernel_shape", &kernel, 1);
    ob_ints(b, "strides", &stride, 1);
    ob_ints(b, "pads", (int64_t[]){ pad, pad }, 2);
    return b;
}

static void unpooling(void **state) {
    op_data x = { TN_F32, "1,1,2", { 7, 8 } }, y = { TN_F32, "1,1,4", { 0, 7, 8, 0 } };
    op_gives(unpool(2, 2, 0, (int64_t[]){ 1, 2 }, NULL), 1, &x, 1, &y, 0);
    op_data large = { TN_F32, "1,1,6", { 0, 7, 8 } }, small = { TN_F32, "1,1,3", { 0, 7, 8 } };
    op_gives(unpool(2, 2, 0, (int64_t[]){ 1, 2 }, (int64_t[]){ 1, 1, 6 }), 1, &x, 1, &large, 0);
    op_gives(unpool(2, 2, 0, (int64_t[]){ 1, 2 }, (int64_t[]){ 1, 1, 3 }), 1, &x, 1, &small, 0);
    op_refused(unpool(2, 2, 0, (int64_t[]){ 1, 4 }, NULL), 1, &x, "index 4");
    op_refused(unpool(2, 2, 0, (int64_t[]){ -1, 2 }, NULL), 1, &x, "index -1");
    op_refused(unpool(0, 2, 0, (int64_t[]){ 1, 2 }, NULL), 1, &x, "kernel_shape");
    op_refused(unpool(2, INT64_C(1) << 62, 0, (int64_t[]){ 1, 2 }, NULL), 1, &x, "strides");
    op_refused(unpool(2, 2, INT64_C(1) << 62, (int64_t[]){ 1, 2 }, NULL), 1, &x, "pads");
    op_refused(unpool(2, 2, 9, (int64_t[]){ 1, 2 }, NULL), 1, &x, "MaxUnpool");
    op_refused(unpool(2, 2, 0, (int64_t[]){ 1, 2 }, (int64_t[]){ 1, 1, -6 }), 1, &x, "MaxUnpool");
}

static ob *fold(tn_dtype t, int rank, const int64_t *image, const int64_t *block, int64_t stride, int64_t pad) {
    int64_t strides[4] = { stride, stride, stride, stride };
    int64_t pads[8] = { pad, pad, pad, pad, pad, pad, pad, pad };
    const char *const dims[] = { "0", "1", "2", "3" };
    ob *b = ob_new(9, 18);
    ob_input(b, "x", t, NULL);
    ob_output(b, "y");
    ob_ints_init(b, "image", dims[rank], image, rank);
    ob_ints_init(b, "block", dims[rank], block, rank);
    ob_node(b, "Col2Im", "x image block", "y");
    ob_ints(b, "strides", strides, rank);
    ob_ints(b, "pads", pads, 2 * rank);
    return b;
}

static void folding(void **state) {
    static const tn_dtype types[] = { TN_F16, TN_BF16, TN_F64, TN_U8, TN_I16, TN_I64 };
    for (size_t i = 0; i < TN_COUNT(types); i++) { /* one dimension, blocks of 2 that overlap by one */
        op_data x = { types[i], "1,2,3", { 1, 2, 3, 4, 5, 6 } }, y = { types[i], "1,1,4", { 1, 6, 8, 6 } };
        op_gives(fold(types[i], 1, (int64_t[]){ 4 }, (int64_t[]){ 2 }, 1, 0), 1, &x, 1, &y, 0);
    }
    op_data cube = { TN_F32, "1,8,1", { 1, 2, 3, 4, 5, 6, 7, 8 } }, back = { TN_F32, "1,1,2,2,2" };
    memcpy(back.v, cube.v, sizeof back.v);
    op_gives(fold(TN_F32, 3, (int64_t[]){ 2, 2, 2 }, (int64_t[]){ 2, 2, 2 }, 1, 0), 1, &cube, 1, &back, 0);
    op_data padded = { TN_F32, "1,4,1", { 1, 2, 3, 4 } }, corner = { TN_F32, "1,1,1,1", { 1 } };
    op_refused(fold(TN_F32, 2, (int64_t[]){ 1, 1 }, (int64_t[]){ 2, 2 }, 1, 1), 1, &padded, "blocks");
    op_gives(fold(TN_F32, 2, (int64_t[]){ 1, 1 }, (int64_t[]){ 2, 2 }, 4, 1), 1, &padded, 1, (corner.v[0] = 4, &corner),
             0);
    op_refused(fold(TN_F32, 1, (int64_t[]){ -4 }, (int64_t[]){ 2 }, 1, 0), 1, &padded, "Col2Im");
    op_refused(fold(TN_F32, 1, (int64_t[]){ 4 }, (int64_t[]){ 0 }, 1, 0), 1, &padded, "Col2Im");
    op_refused(fold(TN_F32, 1, (int64_t[]){ INT64_MAX }, (int64_t[]){ 2 }, 1, 0), 1, &padded, "Col2Im");
    op_refused(fold(TN_F32, 1, (int64_t[]){ 4 }, (int64_t[]){ 3 }, 1, 0), 1, &padded, "Col2Im");
    op_refused(fold(TN_F32, 1, (int64_t[]){ 4 }, (int64_t[]){ 2 }, 0, 0), 1, &padded, "strides");
    op_refused(fold(TN_F32, 1, (int64_t[]){ 4 }, (int64_t[]){ 2 }, 1, INT64_C(1) << 62), 1, &padded, "pads");
}

typedef struct {
    int64_t image[2], block[2], stride[2], dilation[2], pads[4];
} folded;

/* Block element o of block l lies at l stride + o dilation - pad of the image; what lies outside is dropped. */
static int64_t fold_by_definition(const folded *f, const double *x, double *y) {
    int64_t blocks[2], from = 0;
    for (int d = 0; d < 2; d++)
        blocks[d] =
            (f->image[d] + f->pads[d] + f->pads[2 + d] - f->dilation[d] * (f->block[d] - 1) - 1) / f->stride[d] + 1;
    for (int64_t oy = 0; oy < f->block[0]; oy++)
        for (int64_t ox = 0; ox < f->block[1]; ox++)
            for (int64_t ly = 0; ly < blocks[0]; ly++)
                for (int64_t lx = 0; lx < blocks[1]; lx++, from++) {
                    int64_t i = ly * f->stride[0] + oy * f->dilation[0] - f->pads[0];
                    int64_t j = lx * f->stride[1] + ox * f->dilation[1] - f->pads[1];
                    if (i >= 0 && i < f->image[0] && j >= 0 && j < f->image[1]) y[i * f->image[1] + j] += x[from];
                }
    return blocks[0] * blocks[1];
}

/* Two dimensions that differ in everything, padded on every side. */
static void folding_by_definition(void **state) {
    static const folded table[] = {
        { { 4, 5 }, { 2, 3 }, { 1, 2 }, { 1, 1 }, { 1, 0, 0, 1 } },
        { { 3, 4 }, { 2, 2 }, { 2, 1 }, { 2, 1 }, { 2, 1, 1, 0 } },
        { { 5, 3 }, { 3, 1 }, { 2, 2 }, { 1, 3 }, { 0, 2, 2, 1 } },
        { { 2, 2 }, { 2, 2 }, { 3, 3 }, { 2, 2 }, { 3, 3, 3, 3 } },
        { { 1, 6 }, { 1, 3 }, { 1, 1 }, { 1, 2 }, { 2, 3, 1, 0 } },
    };
    for (size_t i = 0; i < TN_COUNT(table); i++) {
        const folded *f = &table[i];
        char dims_in[24], dims_out[24];
        op_data x = { TN_F64, dims_in }, y = { TN_F64, dims_out };
        double in[512];
        for (int k = 0; k < 512; k++) in[k] = k + 1;
        int64_t places = fold_by_definition(f, in, y.v);
        snprintf(dims_in, sizeof dims_in, "1,%d,%d", (int)(f->block[0] * f->block[1]), (int)places);
        snprintf(dims_out, sizeof dims_out, "1,1,%d,%d", (int)f->image[0], (int)f->image[1]);
        x.large = in;
        ob *b = ob_new(9, 18);
        ob_input(b, "x", TN_F64, NULL);
        ob_output(b, "y");
        ob_ints_init(b, "image", "2", f->image, 2);
        ob_ints_init(b, "block", "2", f->block, 2);
        ob_node(b, "Col2Im", "x image block", "y");
        ob_ints(b, "strides", f->stride, 2);
        ob_ints(b, "dilations", f->dilation, 2);
        ob_ints(b, "pads", f->pads, 4);
        op_gives(b, 1, &x, 1, &y, 0);
    }
}

static ob *centre(tn_dtype t, int n, const int64_t *shape, const int64_t *axes) {
    ob *b = ob_new(9, 18);
    ob_input(b, "x", t, NULL);
    ob_output(b, "y");
    ob_ints_init(b, "shape", n == 1 ? "1" : "2", shape, n);
    ob_node(b, "CenterCropPad", "x shape", "y");
    if (axes) ob_ints(b, "axes", axes, n);
    return b;
}

static void centring(void **state) {
    op_data x = { TN_STRING, "2,3", .s = { "a", "b", "c", "d", "e", "f" } };
    op_data y = { TN_STRING, "3,2", .s = { "a", "b", "d", "e", "", "" } };
    op_gives(centre(TN_STRING, 2, (int64_t[]){ 3, 2 }, NULL), 1, &x, 1, &y, 0);
    op_data q = { TN_I4, "5", { 1, -2, 3, -4, 5 } }, p = { TN_I4, "8", { 0, 1, -2, 3, -4, 5, 0, 0 } };
    op_gives(centre(TN_I4, 1, (int64_t[]){ 8 }, (int64_t[]){ -1 }), 1, &q, 1, &p, 0);
    op_refused(centre(TN_I4, 1, (int64_t[]){ -8 }, NULL), 1, &q, "shape");
    op_refused(centre(TN_I4, 1, (int64_t[]){ INT64_MAX }, NULL), 1, &q, "");
    op_refused(centre(TN_I4, 1, (int64_t[]){ 8 }, (int64_t[]){ 1 }), 1, &q, "axis");
    op_refused(centre(TN_I4, 2, (int64_t[]){ 8, 8 }, NULL), 1, &q, "shape");
}

static ob *deform(tn_dtype t, int64_t group, int64_t offsets, int64_t pad, int64_t dilation) {
    ob *b = ob_new(9, 22);
    ob_input(b, "x", t, NULL);
    ob_input(b, "w", t, NULL);
    ob_input(b, "o", t, NULL);
    ob_output(b, "y");
    ob_node(b, "DeformConv", "x w o", "y");
    ob_int(b, "group", group);
    ob_int(b, "offset_group", offsets);
    ob_ints(b, "pads", (int64_t[]){ pad, pad }, 2);
    ob_ints(b, "dilations", &dilation, 1);
    return b;
}

static void deformed(void **state) {
    /* one dimension: taps at 0, 1 of a line, the second moved by half a pixel, then out of the line */
    static const tn_dtype types[] = { TN_F32, TN_F64, TN_F16, TN_BF16 };
    for (size_t i = 0; i < TN_COUNT(types); i++) {
        op_data in[3] = { { types[i], "1,1,3", { 2, 4, 8 } },
                          { types[i], "1,1,2", { 1, 10 } },
                          { types[i], "1,2,2", { 0, 0, 0.5, 0.5 } } };
        op_data y = { types[i], "1,1,2", { 2 + 60, 4 + 40 } };
        op_gives(deform(types[i], 1, 1, 0, 1), 3, in, 1, &y, 0);
        in[2].v[2] = NAN, y.v[0] = 2, in[2].v[3] = 1e30, y.v[1] = 4;
        op_gives(deform(types[i], 1, 1, 0, 1), 3, in, 1, &y, 0);
    }
    op_data in[3] = { { TN_F32, "1,1,3" }, { TN_F32, "1,1,2" }, { TN_F32, "1,2,2" } };
    op_refused(deform(TN_F32, 0, 1, 0, 1), 3, in, "group");
    op_refused(deform(TN_F32, 2, 1, 0, 1), 3, in, "groups");
    op_refused(deform(TN_F32, 1, 2, 0, 1), 3, in, "groups");
    op_refused(deform(TN_F32, 1, 1, 1, 1), 3, in, "offsets");
    op_refused(deform(TN_F32, 1, 1, INT64_C(1) << 62, 1), 3, in, "pads");
    op_refused(deform(TN_F32, 1, 1, 0, 0), 3, in, "dilations");
    op_refused(deform(TN_F32, 1, 1, 0, INT32_MAX), 3, in, "DeformConv");
}

/* One element of output: pytorch_half_pixel takes the first of the input, half_pixel the middle. */
static void resized_to_one(void **state) {
    static const struct {
        const char *how;
        double y;
    } cases[] = { { "pytorch_half_pixel", 8 }, { "half_pixel", 2.5 }, { "asymmetric", 8 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        op_data x = { TN_F32, "4", { 8, 4, 1, 9 } }, y = { TN_F32, "1", { cases[i].y } };
        ob *b = ob_new(9, 22);
        ob_input(b, "x", TN_F32, NULL);
        ob_output(b, "y");
        ob_ints_init(b, "sizes", "1", (int64_t[]){ 1 }, 1);
        ob_node(b, "Resize", "x _ _ sizes", "y");
        ob_string(b, "mode", "linear");
        ob_string(b, "coordinate_transformation_mode", cases[i].how);
        op_gives(b, 1, &x, 1, &y, 1e-6);
    }
}

/* Five times 2.6 is 13, though the nearest float to 2.6 lies below it. */
static void scaled_sizes(void **state) {
    ob *b = ob_new(9, 22);
    ob_input(b, "x", TN_F32, NULL);
    ob_output(b, "y");
    ob_floats_init(b, "scales", "1", (float[]){ 2.6f }, 1);
    ob_node(b, "Resize", "x _ scales", "r");
    ob_node(b, "Shape", "r", "y");
    op_gives(b, 1, &(op_data){ TN_F32, "5" }, 1, &(op_data){ TN_I64, "1", { 13 } }, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(scaled_sizes),   cmocka_unit_test(determinants),
                                        cmocka_unit_test(unpooling),      cmocka_unit_test(folding),
                                        cmocka_unit_test(centring),       cmocka_unit_test(deformed),
                                        cmocka_unit_test(resized_to_one), cmocka_unit_test(folding_by_definition) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
