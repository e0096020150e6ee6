/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* grid_expand.c - com.microsoft's GridSample, an older form of the one of ai.onnx. Source: docs/ContribOperators.md of
 * ONNX Runtime. */
#include "op/core/expand.h"

static tn_status grid_sample(tn_build *b) {
    tn_node *n = b->node;
    static const char *const names[] = { "padding_mode", "align_corners", NULL };
    bool cubic = tn_attr_is(n, "mode", "bicubic", "bilinear"), nearest = tn_attr_is(n, "mode", "nearest", "bilinear");
    tn_value *v = tn_emit_with(b, "GridSample",
                               tn_attr_of_word("mode", cubic     ? "cubic"
                                                       : nearest ? "nearest"
                                                                 : "linear"),
                               n->inputs[0], n->inputs[1]);
    return tn_give(b, 0, tn_with_kept(b, v, names));
}

#define ANY(name_) \
    { name_, TN_ANY_TYPE, 'T' }
#define FLAG(name_) \
    { name_, TN_ATTR_INT }

static const tn_port y_any[] = { ANY("Y"), { 0 } };
static const tn_port grid_in[] = { ANY("X"), { "Grid", TN_FLOATS, 0 }, { 0 } };

static const tn_attr_spec grid_attrs[] = { FLAG("align_corners"),
                                           { "mode", TN_ATTR_STRING, .words = "bilinear|nearest|bicubic" },
                                           { "padding_mode", TN_ATTR_STRING, .words = "zeros|border|reflection" },
                                           { 0 } };

const tn_op tn_ops_grid_expand[] = {
    TN_MICROSOFT("GridSample", grid_sample, grid_in, y_any, grid_attrs, "X at the places that a grid names"),
    { 0 },
};
