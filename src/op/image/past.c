/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* past.c - what older operator sets say of the operators here: every version, and what its form is today.
 * Source: the operator change log of ONNX (docs/Changelog.md), versions 1 to 28. */
#include "op/core/past.h"
#include "op/core/upgrade.h"

static tn_status asymmetric(tn_node *n, tn_value *scales) {
    tn_up_retype(n, "Resize");
    TN_TRY(tn_node_set_input(n, 1, NULL)); /* roi */
    TN_TRY(tn_node_set_input(n, 2, scales));
    TN_TRY(tn_attr_set_string(n, "coordinate_transformation_mode", "asymmetric"));
    if (tn_attr_is(n, "mode", "bilinear", "nearest")) TN_TRY(tn_attr_set_string(n, "mode", "linear"));
    if (!tn_attr_is(n, "mode", "nearest", "nearest")) return TN_OK;
    return tn_attr_set_string(n, "nearest_mode", "floor");
}

static tn_value *floats(tn_build *b, const char *name, const float *v, int rank, const int64_t *dims) {
    tn_tensor t = { 0 };
    if (!tn_build_ok(b, tn_tensor_init(&t, TN_F32, rank, dims, TN_MEM_GRAPH))) return NULL;
    if (tn_count(&t)) memcpy(t.data, v, tn_tensor_bytes(&t));
    return tn_build_tensor(b, name, &t);
}

/* 1: height_scale and width_scale of [N,C,H,W]; 7: scales, an attribute; 9: scales, an input. */
static tn_status tn_up_upsample(tn_build *b) {
    tn_node *n = b->node;
    int count;
    const float *v = tn_attr_floats(n, "scales", &count);
    tn_value *scales = tn_up_input(n, 1);
    if (v) {
        scales = floats(b, "scales", v, 1, (int64_t[]){ count });
    } else if (!scales) {
        float h = tn_attr_float(n, "height_scale", 0), w = tn_attr_float(n, "width_scale", 0);
        if (!(h > 0 && w > 0)) return tn_build_fail(b, TN_E_GRAPH, "no scales");
        scales = floats(b, "scales", (float[]){ 1, 1, h, w }, 1, (int64_t[]){ 4 });
    }
    static const char *const old[] = { "scales", "height_scale", "width_scale" };
    for (size_t i = 0; i < TN_COUNT(old); i++) tn_attr_remove(n, old[i]);
    TN_TRY(b->st);
    return asymmetric(n, scales);
}

/* Whether some of the scales are below and above 1; both when they are not known. */
static void scale_kinds(const tn_value *scales, bool *below, bool *above) {
    const tn_tensor *t = scales->constant;
    *below = *above = !t;
    for (int64_t i = 0; t && i < tn_count(t); i++) {
        double v = tn_dtype_is_float(t->dtype) ? tn_get_f64(t->dtype, t->data, i) : 1;
        *below |= v<1, *above |= v> 1;
    }
}

/* Nearest of version 10 rounds down where it enlarges and up where it shrinks: then one Resize does the shrinking, and
 * another, if need be, the rest. */
static tn_status tn_up_resize_10(tn_build *b) {
    tn_node *n = b->node;
    tn_value *scales = tn_up_input(n, 1);
    bool below = false, above = false;
    if (!scales) return tn_build_fail(b, TN_E_GRAPH, "no scales");
    if (tn_attr_is(n, "mode", "nearest", "nearest")) scale_kinds(scales, &below, &above);
    if (below && above) {
        tn_value *one = tn_build_number(b, "one", TN_F32, 1);
        tn_value *most = tn_emit(b, "Min", scales, one);
        tn_value *less = tn_emit(b, "Resize", n->inputs[0], NULL, most);
        TN_TRY(b->st);
        TN_TRY(asymmetric(less->producer, most));
        tn_with(b, less, tn_attr_of_word("nearest_mode", "ceil"));
        tn_build_input(b, 0, less);
        scales = tn_emit(b, "Max", scales, one);
        below = false;
    }
    TN_TRY(b->st);
    TN_TRY(asymmetric(n, scales));
    return below ? tn_attr_set_string(n, "nearest_mode", "ceil") : TN_OK;
}

/* "tf_half_pixel_for_nn" went away with 13. Its coordinate is half a pixel to the right of half_pixel's, so rounding
 * down there is rounding half up here, and rounding to nearest (half down) there is rounding up here. What else it can
 * be said with has no newer name; the operator still knows the old one. */
static tn_status tn_up_resize_names(tn_build *b) {
    tn_node *n = b->node;
    if (!tn_attr_is(n, "coordinate_transformation_mode", "tf_half_pixel_for_nn", "half_pixel")) return b->st;
    const char *mode = NULL;
    if (tn_attr_is(n, "nearest_mode", "floor", "round_prefer_floor")) mode = "round_prefer_ceil";
    if (tn_attr_is(n, "nearest_mode", "round_prefer_floor", "round_prefer_floor")) mode = "ceil";
    if (!mode || !tn_attr_is(n, "mode", "nearest", "nearest")) return b->st;
    TN_TRY(tn_attr_set_string(n, "coordinate_transformation_mode", "half_pixel"));
    return tn_attr_set_string(n, "nearest_mode", mode);
}

static tn_status tn_up_grid_sample(tn_build *b) {
    tn_node *n = b->node;
    if (tn_attr_is(n, "mode", "bilinear", "")) return tn_attr_set_string(n, "mode", "linear");
    if (tn_attr_is(n, "mode", "bicubic", "")) return tn_attr_set_string(n, "mode", "cubic");
    return b->st;
}

static tn_status tn_up_roi_align(tn_build *b) {
    tn_node *n = b->node;
    return tn_attr_set_string(n, "coordinate_transformation_mode", "output_half_pixel");
}

/* y = scale * x + bias[c] */
static tn_status tn_up_image_scaler(tn_build *b) {
    int count;
    const float *bias = tn_attr_floats(b->node, "bias", &count);
    tn_value *v = floats(b, "bias", bias, 3, (int64_t[]){ count, 1, 1 });
    return tn_up_scale_and_add(b, tn_attr_float(b->node, "scale", 1), v);
}

/* -------------------------------------------------------------------------------------------------------- records */

const tn_op_past tn_op_past_image[] = {
    { "AffineGrid", TN_VERSIONS({ 20, 2, 1, TN_FLOATS, TN_FLOATS, "align_corners" }) },
    { "GridSample",
      TN_VERSIONS({ 16, 2, 1, TN_TENSORS_1, TN_TENSORS_1, "align_corners mode padding_mode" },
                  { 20, 2, 1, TN_TENSORS_1, TN_TENSORS_1, "align_corners mode padding_mode" },
                  { 22, 2, 1, TN_TENSORS_13, TN_TENSORS_13, "align_corners mode padding_mode" }),
      .upgrades = TN_UPGRADES({ 20, tn_up_grid_sample }),
      .demands = TN_DEMANDS({ 20 }, { 22, .input = 1, .before = TN_FLOATS_1 }) },
    { "ImageDecoder", TN_VERSIONS({ 20, 1, 1, TN_ONLY(U8), TN_ONLY(U8), "pixel_format" }) },
    { "ImageScaler",
      .upgrades = TN_UPGRADES({ TN_ONNX_OPSET_MAX, tn_up_image_scaler }) }, /* experimental, until opset 10 */
    { "MaxRoiPool", TN_VERSIONS({ 1, 2, 1, TN_FLOATS_1, TN_FLOATS_1, "pooled_shape spatial_scale" },
                                { 22, 2, 1, TN_FLOATS, TN_FLOATS, "pooled_shape spatial_scale" }) },
    { "NonMaxSuppression", TN_VERSIONS({ 10, 5, 1, TN_ONLY(F32), TN_ONLY(I64), "center_point_box" },
                                       { 11, 5, 1, TN_ONLY(F32), TN_ONLY(I64), "center_point_box" }) },
    { "Resize",
      TN_VERSIONS(
          { 10, 2, 1, TN_TENSORS_1, TN_TENSORS_1, "mode" },
          { 11, 4, 1, TN_TENSORS_1, TN_TENSORS_1,
            "coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value mode nearest_mode" },
          { 13, 4, 1, TN_TENSORS_13, TN_TENSORS_13,
            "coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value mode nearest_mode" },
          { 18, 4, 1, TN_TENSORS_13, TN_TENSORS_13,
            "antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value "
            "keep_aspect_ratio_policy mode nearest_mode" },
          { 19, 4, 1, TN_TENSORS_13, TN_TENSORS_13,
            "antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value "
            "keep_aspect_ratio_policy mode nearest_mode" }),
      .upgrades = TN_UPGRADES({ 11, tn_up_resize_10 }, { 13, tn_up_resize_names }),
      .demands =
          TN_DEMANDS({ 11 }, { 19, .attr = "coordinate_transformation_mode", .value = "half_pixel_symmetric" }) },
    { "RoiAlign",
      TN_VERSIONS({ 10, 3, 1, TN_FLOATS_1, TN_FLOATS_1,
                    "mode output_height output_width sampling_ratio spatial_scale" },
                  { 16, 3, 1, TN_FLOATS_1, TN_FLOATS_1,
                    "coordinate_transformation_mode mode output_height output_width sampling_ratio spatial_scale" },
                  { 22, 3, 1, TN_FLOATS, TN_FLOATS,
                    "coordinate_transformation_mode mode output_height output_width sampling_ratio spatial_scale" }),
      .upgrades = TN_UPGRADES({ 16, tn_up_roi_align }), .demands = TN_DEMANDS({ 16 }) },
    { "Upsample",
      TN_VERSIONS({ 1, 1, 1, TN_FLOATS_1 | TN_INDEX | TN_BOOLS, TN_FLOATS_1 | TN_INDEX | TN_BOOLS,
                    "height_scale mode width_scale" },
                  { 7, 1, 1, TN_TENSORS_1, TN_TENSORS_1, "mode scales" },
                  { 9, 2, 1, TN_TENSORS_1, TN_TENSORS_1, "mode" }),
      .upgrades = TN_UPGRADES({ TN_ONNX_OPSET_MAX, tn_up_upsample }) }, /* deprecated since 10 */
    { NULL },
};
