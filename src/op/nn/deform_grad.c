/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* deform_grad.c - the gradient of DeformConv: written out as sampling, and a product over taps and channels. */
#include "op/nn/grads.h"
#include "op/nn/window.h"

/* Taps of the kernel relative to where a window starts, along one dimension. */
static tn_value *taps(tn_grad *g, const tn_window *w, int d, int64_t all) {
    enum { MOST = 4096 };
    int64_t v[MOST], inner = 1;
    if (all > MOST) {
        tn_grad_fail(g, TN_E_LIMIT, "a kernel of more than %d taps", (int)MOST);
        return NULL;
    }
    for (int k = d + 1; k < w->rank; k++) inner *= w->kernel[k];
    for (int64_t k = 0; k < all; k++) v[k] = k / inner % w->kernel[d] * w->dilation[d] - w->begin[d];
    return tn_build_ints(&g->build, "ints", v, (int)all);
}

/* "at": where the taps lie along dimension d, [n, sets, taps, places..], as GridSample counts: (2 p + 1) / length - 1.
 */
static tn_value *places_along(tn_grad *g, const tn_window *w, int d, int64_t all) {
    int64_t others[TN_WINDOW_RANK], behind[TN_WINDOW_RANK];
    int n = 0;
    for (int k = 0; k < w->rank; k++) {
        behind[k] = k + 1;
        if (k != d) others[n++] = k + 1;
    }
    others[n++] = 0;
    tn_grad_let(g, "tap", taps(g, w, d, all));
    tn_grad_let(g, "behind", tn_build_ints(&g->build, "ints", behind, w->rank));
    tn_grad_let(g, "others", tn_build_ints(&g->build, "ints", others, n));
    return tn_grad_formula(g,
                           "o = Gather(Shape(y), [%d]); i = Range(#0, Squeeze(o, [0]), #1) * #%lld;"
                           "base = CastLike(Unsqueeze(tap, behind) + Unsqueeze(i, others), x);"
                           "p = Gather{axis=3}(off, #%d) + base; len = CastLike(Gather(Shape(x), [%d]), x);"
                           "Unsqueeze((p + p + 1) / len - 1, [-1])",
                           d + 2, (long long)w->stride[d], d, d + 2);
}

tn_status tn_grad_deform_conv(tn_grad *g) {
    tn_node *mark = tn_grad_mark(g);
    const tn_type *tw = &tn_grad_x(g, 1)->type;
    tn_window w;
    int rank = tn_grad_rank(g, tn_grad_x(g, 0)) - 2;
    if (g->st != TN_OK || tn_grad_rank(g, tn_grad_x(g, 1)) != rank + 2) return g->st;
    for (int d = 0; d < rank; d++)
        if (!tn_attr_find(g->node, "kernel_shape") && !tn_dim_known(tw->dims[2 + d]))
            return tn_op_fail(g->node, TN_E_UNSUPPORTED, "its gradient: the kernel's size must be known");
    TN_TRY(tn_window_read(g->node, rank, tw->dims + 2, &w));
    long long all = 1, group = (long long)tn_attr_int(g->node, "group", 1),
              sets = (long long)tn_attr_int(g->node, "offset_group", 1);
    for (int d = 0; d < rank; d++) all *= (long long)w.kernel[d];
    tn_grad_formula(g,
                    "n = Gather(Shape(x), [0]); out = Slice(Shape(y), [2], [%d], [0]);"
                    "off = Reshape(x2, Concat{axis=0}(n, [%lld, %lld, %d], out))",
                    TN_MAX_RANK, sets, all, rank);
    tn_value *at[TN_WINDOW_RANK], *both;
    for (int d = 0; d < rank; d++) at[rank - 1 - d] = places_along(g, &w, d, all); /* the last dimension first */
    tn_node *join = tn_build_node(&g->build, "", "Concat", at, rank, 1);
    both = join ? tn_build_typed_with(&g->build, join, tn_attr_of_int("axis", -1)) : NULL;
    tn_grad_let(g, "both", both);
    tn_grad_formula(g,
                    "first = Gather(out, [0]); rest = Slice(out, [1], [%d], [0]);"
                    "grid = Reshape(both, Concat{axis=0}(n * [%lld], first * [%lld], rest, [%d]));"
                    "picture = Reshape(x, Concat{axis=0}(n * [%lld], [-1], Slice(Shape(x), [2], [%d], [0])));"
                    "s = Reshape(GridSample(picture, grid), Concat{axis=0}(n, [%lld, -1, %lld], out))",
                    TN_MAX_RANK, sets, all, rank, sets, TN_MAX_RANK, sets, all);
    if (tn_grad_x(g, 4)) tn_grad_formula(g, "s = s * Reshape(x4, Concat{axis=0}(n, [%lld, 1, %lld], out))", sets, all);
    tn_value *y =
        tn_grad_formula(g,
                        "columns = Reshape(s, Concat{axis=0}(n, [%lld, -1], ReduceProd(out)));"
                        "filters = Reshape(x1, Concat{axis=0}([1, %lld], Gather(Shape(x1), [0]) / [%lld], [-1]));"
                        "product = Reshape(MatMul(filters, columns), Shape(y))",
                        group, group, group);
    if (tn_grad_x(g, 3)) y = tn_grad_formula(g, "product + Unsqueeze(x3, behind)");
    tn_grad_through(g, mark, &y, 1);
    return g->st;
}
