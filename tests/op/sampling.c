/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* sampling.c - grids, resizing, pooling with norms, columns to images, deformed kernels: forms that are newer than the
 * pinned official cases. Numbers are worked out by hand, but for the filters that are stretched: those are from a dozen
 * lines of numpy that walk over all neighbours of a pixel, weigh them by the filter, read the edge beyond the edge, and
 * divide by the sum. */
#include "lib/op_cases.h"
#include "test.h"

static void grids(void **state) {
    static const op_case rows[] = {
        { "AffineGrid", NULL, "f32:1,2,3=1,0,0,0,1,0 i64:4=1,1,2,2",
          "f32:1,2,2,2=-0.5,-0.5,0.5,-0.5,-0.5,0.5,0.5,0.5" },
        { "AffineGrid", "align_corners=1", "f32:1,2,3=1,0,0,0,1,0 i64:4=1,3,2,2", "f32:1,2,2,2=-1,-1,1,-1,-1,1,1,1" },
        /* x' = 2x + 10, y' = -x: {x, y} of one row of two */
        { "AffineGrid", "align_corners=1", "f64:1,2,3=2,0,10,-1,0,0 i64:4=1,1,1,2", "f64:1,1,2,2=8,1,12,-1" },
        { "AffineGrid", NULL, "f16:2,2,3=1,0,0,0,1,0,1,0,1,0,1,1 i64:4=2,1,1,1", "f16:2,1,1,2=0,0,1,1" },
        { "AffineGrid", NULL, "f32:1,3,4=1,0,0,0,0,1,0,0,0,0,1,5 i64:5=1,1,2,1,2",
          "f32:1,2,1,2,3=-0.5,0,4.5,0.5,0,4.5,-0.5,0,5.5,0.5,0,5.5" },
        { "AffineGrid", "align_corners=1", "bf16:1,3,4=0,0,1,0,0,0,1,1,0,0,0,5 i64:5=1,1,2,1,1",
          "bf16:1,2,1,1,3=-1,0,5,1,2,5" },
#define CUBE "f32:1,1,2,2,2=1,2,3,4,5,6,7,8 "
        { "GridSample", NULL, CUBE "f32:1,1,1,2,3=0,0,0,-1,-1,-1", "f32:1,1,1,1,2=4.5,0.125" },
        { "GridSample", "align_corners=1", CUBE "f32:1,2,1,1,3=1,-1,-1,-1,-1,0.5",
          "f32:1,1,2,1,1=2,4" }, /* x is the last axis, z the first */
        { "GridSample", "mode=nearest", CUBE "f32:1,1,1,3,3=0.5,0.5,-0.5,-0.5,0.5,0.5,3,0.5,0.5",
          "f32:1,1,1,1,3=4,7,0" },
        { "GridSample", "padding_mode=border", CUBE "f32:1,1,1,2,3=3,0,0,0,0,-9", "f32:1,1,1,1,2=5,2.5" },
        { "GridSample", "padding_mode=reflection align_corners=1", CUBE "f32:1,1,1,2,3=3,0,0,0,0,1.5",
          "f32:1,1,1,1,2=4,5.5" },
        { "GridSample", "mode=linear", "f16:1,2,1,1,2=1,3,10,30 f16:1,1,1,1,3=0,0,0", "f16:1,2,1,1,1=2,20" },
        { "GridSample", "mode=cubic align_corners=1", "f32:1,1,1,4=0,8,16,24 f32:1,1,1,2=0,0",
          "f32:1,1,1,1=12" }, /* symmetric */
        { "GridSample@16", "mode=bilinear", "f64:1,1,2,2=1,2,3,4 f64:1,1,1,2=0,0.5", "f64:1,1,1,1=3.5" },
        { "GridSample", NULL, "f32:1,1,2,2=1 f32:1,0,3,2", "f32:1,1,0,3" },
        { "com.microsoft::GridSample", "mode=bilinear padding_mode=border align_corners=1",
          "f32:1,1,2,2=1,2,3,4 f32:1,1,2,2=0,0,9,-9", "f32:1,1,1,2=2.5,2" },
        { "com.microsoft::GridSample", "mode=nearest", "f32:1,1,2,2=1,2,3,4 f32:1,1,2,2=0.5,-0.5,9,-9",
          "f32:1,1,1,2=2,0" },
    };
    op_cases(rows);
}

static void resizing(void **state) {
    static const op_case rows[] = {
        { "Resize", NULL, "f32:1,1,2=1,2 _ f32:3=1,1,2 i64:0", "f32:1,1,4=1,1,2,2" }, /* empty: as if omitted */
        { "Resize", NULL, "f32:1,1,2=1,2 f32:0 f32:0 i64:3=1,1,4", "f32:1,1,4=1,1,2,2" },
        { "Resize", "axes=[1] mode=linear antialias=1", "f32:1,4=1,2,3,4 _ f32:1=0.5", "f32:1,2=1.625,3.375" },
        { "Resize", "axes=[0] mode=linear antialias=1", "f64:6=1,5,2,8,3,9 _ _ i64:1=4", "f64:4=7/3,11/3,17/3,7" },
        { "Resize", "axes=[-1] mode=linear antialias=1", "f32:1,1,1,3=1,5,2 _ _ i64:1=5",
          "f32:1,1,1,5=1,2.6,5,3.2,2" }, /* larger: as ever */
        { "Resize", "mode=cubic antialias=1", "f32:1,6=1,5,2,8,3,9 _ _ i64:2=1,3",
          "f32:1,3=2.484375,4.73828125,6.671875" },
        { "Resize", "mode=cubic antialias=1 exclude_outside=1 cubic_coeff_a=-0.5", "f32:6=1,5,2,8,3,9 _ _ i64:1=3",
          "f32:3=2.6903765690,4.7786259542,6.4058577406" },
        { "Resize", "mode=cubic axes=[1]", "f64:1,3=1,5,2 _ _ i64:1=5", "f64:1,5=0.616,2.768,5,3.452,1.712" },
        { "Resize", "keep_aspect_ratio_policy=not_larger", "f32:1,2=1,2 _ _ i64:2=5,4", "f32:2,4=1,1,2,2,1,1,2,2" },
        { "Resize", "keep_aspect_ratio_policy=not_smaller axes=[0,1]", "f32:1,2=1,2 _ _ i64:2=3,1",
          "f32:3,6=1,1,1,2,2,2,1,1,1,2,2,2,1,1,1,2,2,2" },
        { "Resize", "keep_aspect_ratio_policy=not_larger axes=[-1,0]", "u8:1,2=1,2 _ _ i64:2=4,5",
          "u8:2,4=1,1,2,2,1,1,2,2" },
        { "Resize", "keep_aspect_ratio_policy=not_smaller axes=[1]", "f32:2,2=1,2,3,4 _ _ i64:1=4",
          "f32:2,4=1,1,2,2,3,3,4,4" },
        { "Resize", "axes=[2,0]", "i8:1,1,2=-1,7 _ f32:2=1,2", "i8:2,1,2=-1,7,-1,7" },
        /* corners are those of the result, however long the scale says that it is */
        { "Resize", "mode=linear coordinate_transformation_mode=align_corners", "f32:4=0,1,2,3 _ f32:1=1.7",
          "f32:6=0,0.6,1.2,1.8,2.4,3" },
        { "Resize", "mode=linear coordinate_transformation_mode=align_corners", "f64:4=0,1,2,3 _ f32:1=0.6",
          "f64:2=0,3" },
        { "Resize", "mode=nearest nearest_mode=ceil coordinate_transformation_mode=align_corners",
          "i32:4=0,1,2,3 _ f32:1=0.9", "i32:3=0,2,3" },
        { "Resize", "mode=linear coordinate_transformation_mode=half_pixel_symmetric", "f32:4=1,2,3,4 _ f32:1=0.6",
          "f32:2=5/3,10/3" },
        { "Resize", "mode=nearest nearest_mode=ceil", "bf16:2=1,2 _ f32:1=2", "bf16:4=1,2,2,2" },
        { "Resize", "mode=nearest nearest_mode=floor coordinate_transformation_mode=asymmetric",
          "i32:3=1,2,3 _ f32:1=1.5", "i32:4=1,1,2,3" },
        { "Resize", "coordinate_transformation_mode=tf_crop_and_resize mode=linear axes=[1] extrapolation_value=9.0",
          "f32:1,4=1,2,3,4 f32:2=0.3333333333,2 _ i64:1=2", "f32:1,2=2,9" },
        { "Resize", "mode=linear coordinate_transformation_mode=align_corners", "f16:2=1,3 _ _ i64:1=3",
          "f16:3=1,2,3" },
        { "Resize", NULL, "str:2=a,b _ _ i64:1=4", "str:4=a,a,b,b" },
        { "Resize", "axes=[0]", "f32:2,0 _ _ i64:1=4", "f32:4,0" },
    };
    op_cases(rows);
}

static void pooling(void **state) {
    static const op_case rows[] = {
        { "LpPool", "kernel_shape=[2] dilations=[2] p=1", "f32:1,1,4=3,-4,12,5", "f32:1,1,2=15,9" },
        { "LpPool", "kernel_shape=[2] strides=[2]", "f32:1,1,4=3,4,12,-5", "f32:1,1,2=5,13" },
        { "LpPool", "kernel_shape=[2] strides=[2] ceil_mode=1", "f64:1,1,3=3,4,12", "f64:1,1,2=5,12" },
        { "LpPool", "kernel_shape=[2] auto_pad=SAME_UPPER", "f16:1,1,3=3,4,12", "f16:1,1,3=5,12.6491106407,12" },
        { "LpPool", "kernel_shape=[2] auto_pad=SAME_LOWER p=1", "bf16:1,1,3=3,4,12", "bf16:1,1,3=3,7,16" },
        { "LpPool", "kernel_shape=[2,2] pads=[0,0,1,1] p=3", "f32:1,1,2,2=1,2,3,4",
          "f32:1,1,2,2=4.6415888336,4.1601676461,4.4979414453,4" },
        { "GlobalLpPool", NULL, "f32:1,2,2=3,4,5,-12", "f32:1,2,1=5,13" },
        { "GlobalLpPool", "p=1", "f16:1,1,2,2=1,-2,3,4", "f16:1,1,1,1=10" },
        { "MaxPool", "kernel_shape=[2] strides=[2] ceil_mode=1", "i8:1,1,3=-3,-4,-12",
          "i8:1,1,2=-3,-12 i64:1,1,2=0,2" },
        { "MaxPool", "kernel_shape=[2] pads=[1,1]", "u8:1,1,2=3,7", "u8:1,1,3=3,7,7" },
        { "MaxPool", "kernel_shape=[2] dilations=[2]", "f16:1,1,4=3,1,2,5", "f16:1,1,2=3,5" },
        { "MaxPool", "kernel_shape=[2,1] storage_order=1", "bf16:1,1,2,2=1,4,3,2", "bf16:1,1,1,2=3,4 i64:1,1,1,2=1,2" },
        { "AveragePool", "kernel_shape=[2] dilations=[2]", "f32:1,1,4=3,1,2,5",
          "f32:1,1,2=2.5,3" }, /* dilations since 19 */
        { "AveragePool", "kernel_shape=[2] pads=[1,1] count_include_pad=1", "f16:1,1,2=3,7", "f16:1,1,3=1.5,5,3.5" },
        { "AveragePool", "kernel_shape=[2] pads=[1,1]", "bf16:1,1,2=3,7", "bf16:1,1,3=3,5,7" },
        { "AveragePool", "kernel_shape=[2] strides=[2] ceil_mode=1 count_include_pad=1", "f64:1,1,3=3,5,7",
          "f64:1,1,2=4,7" }, /* beyond the padding nothing counts */
        { "GlobalAveragePool", NULL, "f16:1,2,2=1,3,5,9", "f16:1,2,1=2,7" },
        { "GlobalMaxPool", NULL, "bf16:1,2,2=1,3,9,5", "bf16:1,2,1=3,9" },
        { "com.microsoft::NhwcMaxPool", "kernel_shape=[2,2]", "i8:1,2,2,2=1,-8,2,-7,3,-6,0,-5", "i8:1,1,1,2=3,-5" },
    };
    op_cases(rows);
}

static void pieces(void **state) {
    static const op_case rows[] = {
        /* blocks of 2 x 1 side by side, then overlapping ones; what meets is added */
        { "Col2Im", NULL, "f32:1,2,2=1,2,3,4 i64:2=2,2 i64:2=2,1", "f32:1,1,2,2=1,2,3,4" },
        { "Col2Im", "strides=[1,1]", "f32:1,4,2=1,2,3,4,5,6,7,8 i64:2=2,3 i64:2=2,2", "f32:1,1,2,3=1,5,4,5,13,8" },
        { "Col2Im", "dilations=[2]", "f64:1,2,1=1,2 i64:1=3 i64:1=2", "f64:1,1,3=1,0,2" },
        { "Col2Im", "pads=[0,1,0,1]", "f32:2,1,4=1,2,3,4,5,6,7,8 i64:2=1,2 i64:2=1,1", "f32:2,1,1,2=2,3,6,7" },
        { "Col2Im", "strides=[2]", "f16:1,4,2=1,2,3,4,5,6,7,8 i64:1=4 i64:1=2", "f16:1,2,4=1,3,2,4,5,7,6,8" },
        { "CenterCropPad", NULL, "f32:1,5=1,2,3,4,5 i64:2=1,2", "f32:1,2=2,3" },
        { "CenterCropPad", "axes=[-1]", "f64:2,1=1,2 i64:1=4", "f64:2,4=0,1,0,0,0,2,0,0" },
        { "CenterCropPad", "axes=[1,0]", "i32:2,3=1,2,3,4,5,6 i64:2=1,4", "i32:4,1=0,2,5,0" },
        /* taps of a row of three at 0 and 1; {dy, dx} for each tap; the mask weighs them; the bias is added */
        { "DeformConv", "kernel_shape=[1,2]", "f32:1,1,1,3=2,4,8 f32:1,1,1,2=1,10 f32:1,4,1,2=0", "f32:1,1,1,2=42,84" },
        { "DeformConv", NULL,
          "f32:1,1,1,3=2,4,8 f32:1,1,1,2=1,10 f32:1,4,1,2=0,0,0,0.5,0,0,-0.5,1 f32:1=100 f32:1,2,1,2=1,1,1,0.5",
          "f32:1,1,1,2=132,106" }, /* 2 + 10 * 3, and 6 + 10 * 0.5 * 0 */
        { "DeformConv", "pads=[0,0,1,0]", "f64:1,1,2,1=3,5 f64:1,1,2,1=1,1 f64:1,4,2,1=0", "f64:1,1,2,1=8,5" },
        { "DeformConv", "strides=[2] group=2", "f32:1,2,3=1,2,3,4,5,6 f32:2,1,1=1,10 f32:1,1,2=1,-1",
          "f32:1,2,2=2,2,50,50" },
        { "DeformConv", "offset_group=2", "f16:1,2,2=1,2,30,40 f16:1,2,1=1,1 f16:1,2,2=0,0,1,-1", "f16:1,1,2=41,32" },
        { "DeformConv", "dilations=[2]", "bf16:1,1,3=1,2,4 bf16:1,1,2=1,1 bf16:1,2,1=0", "bf16:1,1,1=5" },
        { "MaxUnpool", "kernel_shape=[2] strides=[2]", "f16:1,1,2=7,8 i64:1,1,2=1,2", "f16:1,1,4=0,7,8,0" },
        { "RoiAlign", "output_height=1 output_width=1 sampling_ratio=2", "f16:1,1,2,2=1,2,3,4 f16:1,4=0,0,2,2 i64:1=0",
          "f16:1,1,1,1=2.5" },
        { "RoiAlign",
          "output_height=1 output_width=2 sampling_ratio=1 mode=max coordinate_transformation_mode=output_half_pixel",
          "f64:1,1,1,4=1,2,3,4 f64:1,4=0,0,4,1 i64:1=0", "f64:1,1,1,2=2,4" },
        /* A sample up to one element outside is the border's value, on every side; further out it counts as 0. */
        { "RoiAlign",
          "output_height=1 output_width=3 sampling_ratio=1 coordinate_transformation_mode=output_half_pixel",
          "f32:1,1,1,2=3,5 f32:1,4=-1,0,2,1 i64:1=0", "f32:1,1,1,3=3,4,5" },
        { "RoiAlign",
          "output_height=3 output_width=1 sampling_ratio=1 coordinate_transformation_mode=output_half_pixel",
          "f64:1,1,2,1=3,5 f64:1,4=0,-1,1,2 i64:1=0", "f64:1,1,3,1=3,4,5" },
        { "RoiAlign",
          "output_height=1 output_width=4 sampling_ratio=1 coordinate_transformation_mode=output_half_pixel",
          "f32:1,1,1,2=3,5 f32:1,4=-3,0,5,1 i64:1=0", "f32:1,1,1,4=0,3,5,0" },
        { "MaxRoiPool", "pooled_shape=[1,2] spatial_scale=0.5", "f32:1,1,1,4=1,5,3,4 f32:1,5=0,0,0,6,0",
          "f32:1,1,1,2=5,4" },
        { "DepthToSpace", "blocksize=2 mode=CRD", "f16:1,4,1,1=1,2,3,4", "f16:1,1,2,2=1,2,3,4" },
        { "SpaceToDepth", "blocksize=2", "i8:1,1,2,2=1,2,3,4", "i8:1,4,1,1=1,2,3,4" },
    };
    op_cases(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(grids), cmocka_unit_test(resizing), cmocka_unit_test(pooling),
                                        cmocka_unit_test(pieces) };
    return cmocka_run_group_tests_name("op/sampling", tests, NULL, NULL);
}
