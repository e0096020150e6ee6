/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* grad_index.c - gradients of operators that choose elements by index: gathered ones are added back where they were,
 * scattered ones are read where they went. */
#include "op/grad.h"
#include <stdio.h>
#include <string.h>

/* Slices along an axis: with the axis first on both sides it is one ScatterND. */
tn_status tn_grad_gather(tn_grad *g) {
    tn_value *x = tn_grad_x(g, 0), *dy = tn_grad_dy(g, 0);
    int rank = tn_grad_rank(g, x), picks = tn_grad_rank(g, tn_grad_x(g, 1)), perm[TN_MAX_RANK], back[TN_MAX_RANK];
    int axis = tn_grad_axis(tn_attr_int(g->node, "axis", 0), rank), n = 0, out = rank - 1 + picks;
    if (g->st != TN_OK || out > TN_MAX_RANK) return tn_grad_copying(g);
    for (int i = 0; i < picks; i++) perm[n++] = axis + i;
    for (int i = 0; i < out; i++)
        if (i < axis || i >= axis + picks) perm[n++] = i;
    int front[TN_MAX_RANK]; /* x's axis first */
    front[0] = axis;
    for (int i = 0; i < rank; i++)
        if (i != axis) front[i < axis ? i + 1 : i] = i;
    for (int i = 0; i < rank; i++) back[front[i]] = i;
    tn_grad_let(g, "updates", tn_grad_transpose(g, dy, perm, out));
    tn_grad_let(g, "zero", tn_grad_transpose(g, tn_grad_fill(g, x, 0), front, rank));
    tn_value *sum = tn_grad_formula(g, "ScatterND{reduction=add}(zero, Unsqueeze(Cast{to=7}(x1), [-1]), updates)");
    g->dx[0] = tn_grad_transpose(g, sum, back, rank);
    return g->st;
}

tn_status tn_grad_gather_elements(tn_grad *g) {
    tn_grad_let(g, "zero", tn_grad_fill(g, tn_grad_x(g, 0), 0));
    tn_grad_formula(g, "dx0 = ScatterElements{axis=%lld,reduction=add}(zero, x1, dy)",
                    (long long)tn_attr_int(g->node, "axis", 0));
    return g->st;
}

/* ScatterElements and ScatterND; G and S stand for the operators that read and write at the indices. */
tn_status tn_grad_scatter_into(tn_grad *g) {
    bool nd = !strcmp(g->node->type, "ScatterND");
    char read[64] = "GatherND", write[64];
    int axis = (int)tn_attr_int(g->node, "axis", 0);
    if (!nd) snprintf(read, sizeof read, "GatherElements{axis=%d}", axis);
    tn_grad_let(g, "zero", tn_grad_fill(g, tn_grad_x(g, 2), 0));
    if (nd)
        snprintf(write, sizeof write, "ScatterND{reduction=");
    else
        snprintf(write, sizeof write, "ScatterElements{axis=%d,reduction=", axis);
    if (tn_attr_is(g->node, "reduction", "none", "none"))
        tn_grad_formula(g, "dx0 = %snone}(dy, x1, zero); dx2 = %s(dy, x1)", write, read);
    else if (tn_attr_is(g->node, "reduction", "add", "none"))
        tn_grad_formula(g, "dx0 = dy; dx2 = %s(dy, x1)", read);
    else if (tn_attr_is(g->node, "reduction", "mul", "none"))
        tn_grad_formula(g,
                        "dx0 = %smul}(dy, x1, x2); z = Equal(x2, 0);"
                        "dx2 = Where(z, %s(dy * x0, x1), %s(dy * y, x1) / Where(z, 1, x2))",
                        write, read, read);
    else /* the winner takes what flows back; equal ones share it */
        tn_grad_formula(g,
                        "own = CastLike(Equal(x0, y), y); theirs = CastLike(Equal(x2, %s(y, x1)), y);"
                        "share = dy / %sadd}(own, x1, theirs); dx0 = share * own; dx2 = theirs * %s(share, x1)",
                        read, write, read);
    return g->st;
}

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

/* y = (x - zero point) scale: only scale is a real number. */
tn_status tn_grad_dequantize(tn_grad *g) {
    tn_value *x = tn_grad_x(g, 0), *s = tn_grad_x(g, 1), *y = tn_grad_y(g, 0);
    int rank = tn_grad_rank(g, x), axis = tn_grad_axis(tn_attr_int(g->node, "axis", 1), rank), n = 0;
    int64_t axes[TN_MAX_RANK];
    long long block = (long long)tn_attr_int(g->node, "block_size", 0);
    int per_axis = tn_grad_rank(g, s);
    if (g->st != TN_OK) return g->st;
    for (int i = 0; i < rank; i++)
        if (!per_axis || i != axis) axes[n++] = i;
    tn_node *steps = tn_grad_node(g, "DequantizeLinear", 1, x, tn_grad_fill(g, s, 1), tn_grad_x(g, 2));
    tn_grad_copy_attrs(g, steps, g->node);
    tn_grad_let(g, "steps", tn_grad_made(g, steps));
    tn_grad_let(g, "axes", tn_grad_ints(g, axes, n));
    (void)y;
    tn_grad_formula(g, "q = CastLike(dy, steps) * steps");
    if (block) /* the axis as blocks of elements, and the elements summed */
        tn_grad_formula(
            g,
            "long = Gather(Shape(x1), [%d]) * [%lld]; q = Pad(q, Concat{axis=0}([0], long -"
            " Gather(Shape(q), [%d])), _, [%d]);"
            "cut = Concat{axis=0}(Slice(Shape(x1), [0], [%d], [0]), [%lld], Slice(Shape(x1), [%d], [%d], [0]));"
            "q = ReduceSum{keepdims=0}(Reshape{allowzero=1}(q, cut), [%d])",
            axis, block, axis, axis, axis + 1, block, axis + 1, TN_MAX_RANK, axis + 1);
    else if (n)
        tn_grad_formula(g, "q = ReduceSum{keepdims=0}(q, axes)");
    tn_grad_formula(g, "dx1 = CastLike(Reshape(q, Shape(x1)), x1)");
    return g->st;
}
