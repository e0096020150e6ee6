/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* grid_expand.c - com.microsoft's GridSample, an older form of the one of ai.onnx. Source: docs/ContribOperators.md of
 * ONNX Runtime. */
#include "op/core/expand.h"

static tn_status grid_sample(tn_node *n) {
    static const char *const names[] = { "padding_mode", "align_corners", NULL };
    TN_TRY(need(n, 2));
    bool cubic = tn_attr_is(n, "mode", "bicubic", "bilinear"), nearest = tn_attr_is(n, "mode", "nearest", "bilinear");
    tn_value *v = with_word(bin(n, "GridSample", n->inputs[0], n->inputs[1]), "mode",
                            cubic     ? "cubic"
                            : nearest ? "nearest"
                                      : "linear");
    TN_UP_ROOM(v);
    TN_TRY(keep(v->producer, n, names));
    return give(n, 0, v);
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
