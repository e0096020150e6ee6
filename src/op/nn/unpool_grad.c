/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* unpool_grad.c - gradients of MaxUnpool, Col2Im and CenterCropPad. */
#include "op/nn/grads.h"

tn_status tn_grad_center(tn_grad *g) {
    g->dx[0] = tn_grad_from_places(g, tn_grad_again(g, tn_grad_places(g, tn_grad_x(g, 0))), tn_grad_x(g, 0));
    return g->st;
}

tn_status tn_grad_unpool(tn_grad *g) { /* knows floats only */
    tn_grad_let(g, "numbers", tn_grad_places(g, tn_grad_x(g, 0)));
    tn_value *at = tn_grad_again(g, tn_grad_formula(g, "Cast{to=11}(numbers)"));
    g->dx[0] = tn_grad_from_places(g, at, tn_grad_x(g, 0));
    return g->st;
}

/* Blocks out of an image again: a convolution with one filter per place of the block, each image plane on its own. */
tn_status tn_grad_fold(tn_grad *g) {
    tn_value *pixels = tn_grad_y(g, 0);
    int rank = tn_grad_rank(g, pixels) - 2;
    if (g->st != TN_OK) return g->st;
    tn_grad_formula(g,
                    "taps = ReduceProd{keepdims=1}(x2, [0]); unit = EyeLike{dtype=%d}(Expand(#0, Concat{axis=0}(taps, "
                    "taps))); filters = Reshape(unit, Concat{axis=0}(taps, [1], x2));"
                    "image = Reshape(dy, Concat{axis=0}([-1, 1], Slice(Shape(y), [2], [%d], [0])))",
                    tn_dtypes[pixels->type.dtype].onnx, rank + 2);
    tn_node *conv =
        tn_build_list(&g->build, "Conv", 1, TN_VALUES(tn_grad_formula(g, "image"), tn_grad_formula(g, "filters")));
    tn_build_keep(&g->build, conv, g->node, NULL);
    g->dx[0] = tn_grad_reshape_like(g, tn_build_typed(&g->build, conv), tn_grad_x(g, 0));
    return g->st;
}
