/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* upgrade_inputs.c - old forms whose attributes became inputs. */
#include "format/onnx/upgrade.h"

/* Attribute `name` (ints) becomes constant input i. Absent: nothing happens. */
static tn_status ints_to_input(tn_node *n, const char *name, int i) {
    int count;
    const int64_t *v = tn_attr_ints(n, name, &count);
    const tn_attr *a = tn_attr_find(n, name);
    if (!a) return TN_OK;
    if (a->kind != TN_ATTR_INTS)
        return tn_fail(TN_E_GRAPH, "%s: '%s' is not a list of integers", tn_node_where(n), name);
    tn_value *c = tn_up_ints(n, name, v, count);
    TN_UP_ROOM(c);
    TN_TRY(tn_node_set_input(n, i, c));
    tn_attr_remove(n, name);
    return TN_OK;
}

/* Squeeze, Unsqueeze, Reduce*: "axes". An empty list meant the same as none. */
tn_status tn_up_axes_input(tn_node *n) {
    const tn_attr *a = tn_attr_find(n, "axes");
    if (a && a->kind == TN_ATTR_INTS && !a->n && strcmp(n->type, "Unsqueeze")) {
        tn_attr_remove(n, "axes");
        return TN_OK;
    }
    return ints_to_input(n, "axes", 1);
}

tn_status tn_up_reshape(tn_node *n) {
    const tn_attr *a = tn_attr_find(n, "shape");
    if (!a && n->n_inputs < 2) return tn_fail(TN_E_GRAPH, "%s: no shape", tn_node_where(n));
    return ints_to_input(n, "shape", 1);
}

tn_status tn_up_clip(tn_node *n) {
    static const char *const names[] = { "min", "max" };
    for (int i = 0; i < 2; i++) {
        const tn_attr *a = tn_attr_find(n, names[i]);
        if (!a) continue;
        if (a->kind != TN_ATTR_FLOAT)
            return tn_fail(TN_E_GRAPH, "%s: '%s' is not a number", tn_node_where(n), names[i]);
        float v = a->f;
        tn_attr_remove(n, names[i]);
        /* The defaults, the largest floats: no bound. */
        if (i ? v >= 3.4028234e38f : v <= -3.4028234e38f) continue;
        tn_value *c = tn_up_scalar_like(n, names[i], v, n->inputs[0]);
        TN_UP_ROOM(c);
        TN_TRY(tn_node_set_input(n, 1 + i, c));
    }
    return TN_OK;
}

tn_status tn_up_slice(tn_node *n) {
    if (!tn_attr_find(n, "starts") || !tn_attr_find(n, "ends"))
        return tn_fail(TN_E_GRAPH, "%s: no starts or no ends", tn_node_where(n));
    TN_TRY(ints_to_input(n, "starts", 1));
    TN_TRY(ints_to_input(n, "ends", 2));
    return ints_to_input(n, "axes", 3);
}

tn_status tn_up_pad_names(tn_node *n) {
    int count;
    const int64_t *v = tn_attr_ints(n, "paddings", &count);
    if (!v) return TN_OK;
    TN_TRY(tn_attr_set_ints(n, "pads", v, count));
    tn_attr_remove(n, "paddings");
    return TN_OK;
}

tn_status tn_up_pad(tn_node *n) {
    if (!tn_attr_find(n, "pads")) return tn_fail(TN_E_GRAPH, "%s: no pads", tn_node_where(n));
    TN_TRY(ints_to_input(n, "pads", 1));
    float v = tn_attr_float(n, "value", 0);
    tn_attr_remove(n, "value");
    if (v == 0 || !tn_attr_is(n, "mode", "constant", "constant")) return TN_OK;
    tn_value *c = tn_up_scalar_like(n, "value", v, n->inputs[0]);
    TN_UP_ROOM(c);
    return tn_node_set_input(n, 2, c);
}

/* The lengths, when they were an input, had the data's type, which was one of floats. */
tn_status tn_up_split_1(tn_node *n) {
    tn_value *lengths = tn_up_input(n, 1);
    if (!lengths || tn_up_dtype(lengths) == TN_I64) return TN_OK;
    tn_value *longs = tn_up_int(n, "int64", 0), *whole = longs ? tn_up_emit(n, "CastLike", lengths, longs, NULL) : NULL;
    TN_UP_ROOM(whole);
    return tn_node_set_input(n, 1, whole);
}

tn_status tn_up_split_input(tn_node *n) { return ints_to_input(n, "split", 1); }

tn_status tn_up_split_count(tn_node *n) {
    return tn_up_input(n, 1) ? TN_OK : tn_attr_set_int(n, "num_outputs", n->n_outputs);
}

tn_status tn_up_top_k(tn_node *n) {
    const tn_attr *a = tn_attr_find(n, "k");
    if (!a || a->kind != TN_ATTR_INT) return tn_fail(TN_E_GRAPH, "%s: no k", tn_node_where(n));
    tn_value *k = tn_up_int(n, "k", a->i);
    TN_UP_ROOM(k);
    tn_attr_remove(n, "k");
    return tn_node_set_input(n, 1, k);
}

/* Inference only: the ratio says nothing. The mask had the data's type before opset 10. */
tn_status tn_up_dropout(tn_node *n) {
    tn_attr_remove(n, "ratio");
    tn_attr_remove(n, "is_test");
    if (!tn_up_wants(n, 1)) tn_up_drop_outputs(n, 1);
    if (n->n_outputs < 2 || n->version >= 10) return TN_OK;
    tn_value *inner;
    tn_node *cast = tn_up_after(n, 1, "CastLike", &inner);
    TN_UP_ROOM(cast);
    return tn_node_set_input(cast, 1, n->inputs[0]);
}

tn_status tn_up_dft(tn_node *n) {
    tn_value *c = tn_up_long(n, "axis", tn_attr_int(n, "axis", 1));
    TN_UP_ROOM(c);
    tn_attr_remove(n, "axis");
    return tn_node_set_input(n, 2, c);
}

/* (input, tiles, axis), two scalars of the data's type, to (input, repeats): ones with `tiles` at `axis`. */
tn_status tn_up_tile(tn_node *n) {
    if (n->n_inputs != 3) return TN_OK; /* the new form, as some writers of old opsets used it */
    tn_value *one = tn_up_int(n, "one", -1), *longs = tn_up_int(n, "int64", 0);
    TN_UP_ROOM(n->inputs[1] && n->inputs[2] && one && longs);
    tn_value *tiles = tn_up_emit(n, "CastLike", tn_up_emit(n, "Reshape", n->inputs[1], one, NULL), longs, NULL);
    tn_value *axis = tn_up_emit(n, "CastLike", tn_up_emit(n, "Reshape", n->inputs[2], one, NULL), longs, NULL);
    tn_value *zero = tn_up_int(n, "zero", 0), *single = tn_up_int(n, "single", 1);
    tn_value *zeros = tn_up_emit(n, "Mul", tn_up_emit(n, "Shape", n->inputs[0], NULL, NULL), zero, NULL);
    tn_value *ones = tn_up_emit(n, "Add", zeros, single, NULL);
    TN_UP_ROOM(zero && single && tiles && axis);
    tn_value *repeats = tn_up_emit(n, "ScatterElements", ones, axis, tiles);
    TN_UP_ROOM(repeats);
    TN_TRY(tn_node_set_input(n, 1, repeats));
    TN_TRY(tn_node_set_input(n, 2, NULL));
    n->n_inputs = 2;
    return TN_OK;
}

/* ---------------------------------------------------------------------------------------------- Upsample and Resize */

static tn_status asymmetric(tn_node *n, tn_value *scales) {
    tn_up_retype(n, "Resize");
    TN_TRY(tn_node_set_input(n, 1, NULL)); /* roi */
    TN_TRY(tn_node_set_input(n, 2, scales));
    TN_TRY(tn_attr_set_string(n, "coordinate_transformation_mode", "asymmetric"));
    if (tn_attr_is(n, "mode", "bilinear", "nearest")) TN_TRY(tn_attr_set_string(n, "mode", "linear"));
    if (!tn_attr_is(n, "mode", "nearest", "nearest")) return TN_OK;
    return tn_attr_set_string(n, "nearest_mode", "floor");
}

static tn_value *floats(const tn_node *n, const float *v, int count) {
    tn_tensor t = { 0 };
    if (tn_tensor_init(&t, TN_F32, 1, (int64_t[]){ count }, TN_MEM_GRAPH) != TN_OK) return NULL;
    if (count) memcpy(t.data, v, sizeof *v * (size_t)count);
    tn_value *c = tn_value_constant(n->graph, "scales", &t);
    tn_tensor_reset(&t);
    return c;
}

/* 1: height_scale and width_scale of [N,C,H,W]; 7: scales, an attribute; 9: scales, an input. */
tn_status tn_up_upsample(tn_node *n) {
    int count;
    const float *v = tn_attr_floats(n, "scales", &count);
    tn_value *scales = tn_up_input(n, 1);
    if (v) {
        scales = floats(n, v, count);
        TN_UP_ROOM(scales);
    } else if (!scales) {
        float h = tn_attr_float(n, "height_scale", 0), w = tn_attr_float(n, "width_scale", 0);
        if (!(h > 0 && w > 0)) return tn_fail(TN_E_GRAPH, "%s: no scales", tn_node_where(n));
        scales = floats(n, (float[]){ 1, 1, h, w }, 4);
        TN_UP_ROOM(scales);
    }
    static const char *const old[] = { "scales", "height_scale", "width_scale" };
    for (size_t i = 0; i < TN_COUNT(old); i++) tn_attr_remove(n, old[i]);
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
tn_status tn_up_resize_10(tn_node *n) {
    tn_value *scales = tn_up_input(n, 1);
    bool below = false, above = false;
    if (!scales) return tn_fail(TN_E_GRAPH, "%s: no scales", tn_node_where(n));
    if (tn_attr_is(n, "mode", "nearest", "nearest")) scale_kinds(scales, &below, &above);
    if (below && above) {
        tn_value *one = tn_value_scalar_f32(n->graph, "one", 1);
        tn_value *most = tn_up_emit(n, "Min", scales, one, NULL);
        tn_value *less = most ? tn_up_emit(n, "Resize", n->inputs[0], NULL, most) : NULL;
        TN_UP_ROOM(one && less);
        TN_TRY(asymmetric(less->producer, most));
        TN_TRY(tn_attr_set_string(less->producer, "nearest_mode", "ceil"));
        TN_TRY(tn_node_set_input(n, 0, less));
        scales = tn_up_emit(n, "Max", scales, one, NULL);
        TN_UP_ROOM(scales);
        below = false;
    }
    TN_TRY(asymmetric(n, scales));
    return below ? tn_attr_set_string(n, "nearest_mode", "ceil") : TN_OK;
}

/* "tf_half_pixel_for_nn" went away with 13. Its coordinate is half a pixel to the right of half_pixel's, so rounding
 * down there is rounding half up here, and rounding to nearest (half down) there is rounding up here. What else it can
 * be said with has no newer name; the operator still knows the old one. */
tn_status tn_up_resize_names(tn_node *n) {
    if (!tn_attr_is(n, "coordinate_transformation_mode", "tf_half_pixel_for_nn", "half_pixel")) return TN_OK;
    const char *mode = NULL;
    if (tn_attr_is(n, "nearest_mode", "floor", "round_prefer_floor")) mode = "round_prefer_ceil";
    if (tn_attr_is(n, "nearest_mode", "round_prefer_floor", "round_prefer_floor")) mode = "ceil";
    if (!mode || !tn_attr_is(n, "mode", "nearest", "nearest")) return TN_OK;
    TN_TRY(tn_attr_set_string(n, "coordinate_transformation_mode", "half_pixel"));
    return tn_attr_set_string(n, "nearest_mode", mode);
}
