/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* topk_grad.c - gradients of TopK and Unique: what was chosen gets what flows back. */
#include "op/math/grads.h"

tn_status tn_grad_topk(tn_grad *g) {
    tn_grad_let(g, "zero", tn_grad_fill(g, tn_grad_x(g, 0), 0));
    tn_grad_formula(g, "dx0 = ScatterElements{axis=%lld,reduction=add}(zero, y1, dy)",
                    (long long)tn_attr_int(g->node, "axis", -1));
    return g->st;
}

/* The first of equal slices is the one that is shown. */
tn_status tn_grad_unique(tn_grad *g) {
    tn_value *x = tn_grad_x(g, 0), *first = tn_grad_y(g, 1);
    if (tn_attr_find(g->node, "axis")) {
        tn_grad_let(g, "places", tn_grad_positions(g, x));
        first = tn_grad_formula(g, "Gather{axis=%lld}(places, y1)", (long long)tn_attr_int(g->node, "axis", 0));
    }
    g->dx[0] = tn_grad_scatter(g, tn_grad_dy(g, 0), first, x);
    return g->st;
}
