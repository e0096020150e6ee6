/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gather_grad.c - gradients of operators that choose elements by index: gathered ones are added back where they were,
 * scattered ones are read where they went. */
#include "op/shape/grads.h"
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
