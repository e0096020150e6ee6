/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* norm_grad.c - gradients of normalisations: each is written out in elementary operators, and differentiated through
 * them. */
#include "op/nn/grads.h"
#include <string.h>

static void all_but_channels(tn_grad *g, int rank) {
    int64_t axes[TN_MAX_RANK], inner[TN_MAX_RANK];
    int n = 0, k = 0;
    for (int d = 0; d < rank; d++)
        if (d != 1) axes[n++] = d;
    for (int d = 2; d < rank; d++) inner[k++] = d - 1; /* a vector [C] as [C, 1, ..] */
    tn_grad_let(g, "axes", tn_build_ints(&g->build, "ints", axes, n));
    tn_grad_let(g, "inner", tn_build_ints(&g->build, "ints", inner, k));
}

/* A per-channel vector beside x, in x's type. */
static void per_channel(tn_grad *g, const char *name, int input) {
    tn_grad_let(g, name, tn_grad_formula(g, "Unsqueeze(CastLike(x%d, x), inner)", input));
}

tn_status tn_grad_batch_norm(tn_grad *g) {
    tn_node *mark = tn_grad_mark(g);
    int rank = tn_grad_rank(g, tn_grad_x(g, 0));
    all_but_channels(g, rank);
    per_channel(g, "scale", 1);
    per_channel(g, "shift", 2);
    tn_grad_let_number(g, "eps", (double)tn_attr_float(g->node, "epsilon", 1e-5f));
    tn_value *ys[3] = { 0 };
    if (tn_attr_int(g->node, "training_mode", 0)) {
        tn_grad_let_number(g, "keep", (double)tn_attr_float(g->node, "momentum", 0.9f));
        tn_grad_formula(g, "mean = ReduceMean(x, axes); centred = x - mean; var = ReduceMean(centred * centred, axes)");
        ys[1] = tn_grad_formula(
            g, "k1 = CastLike(keep, x3); x3 * k1 + CastLike(Reshape(mean, [-1]), x3) * (CastLike(1, x3) - k1)");
        ys[2] = tn_grad_formula(
            g, "k2 = CastLike(keep, x4); x4 * k2 + CastLike(Reshape(var, [-1]), x4) * (CastLike(1, x4) - k2)");
    } else {
        per_channel(g, "mean", 3);
        per_channel(g, "var", 4);
        tn_grad_formula(g, "centred = x - mean");
    }
    ys[0] = tn_grad_formula(g, "centred * scale / Sqrt(var + eps) + shift");
    tn_grad_through(g, mark, ys, 3);
    return g->st;
}

/* Layer and RMS normalisation: over the axes from `axis` on. */
tn_status tn_grad_layer_norm(tn_grad *g) {
    tn_node *mark = tn_grad_mark(g);
    bool rms = !strcmp(g->node->type, "RMSNormalization");
    int rank = tn_grad_rank(g, tn_grad_x(g, 0)), n = 0;
    int64_t axes[TN_MAX_RANK];
    for (int d = tn_grad_axis(tn_attr_int(g->node, "axis", -1), rank); d < rank && d >= 0; d++) axes[n++] = d;
    tn_grad_let(g, "axes", tn_build_ints(&g->build, "ints", axes, n));
    tn_grad_let_number(g, "eps", (double)tn_attr_float(g->node, "epsilon", 1e-5f));
    tn_value *ys[3] = { 0 };
    tn_grad_formula(g, rms ? "centred = x" : "mean = ReduceMean(x, axes); centred = x - mean");
    tn_grad_formula(g, "rstd = 1 / Sqrt(ReduceMean(centred * centred, axes) + eps)");
    ys[0] = tn_grad_formula(g, "out = centred * rstd * CastLike(x1, x)");
    if (tn_grad_x(g, 2)) ys[0] = tn_grad_formula(g, "out + CastLike(x2, x)");
    if (!rms && g->node->n_outputs > 1 && g->dy[1]) ys[1] = tn_grad_formula(g, "CastLike(mean, y1)");
    if (!rms && g->node->n_outputs > 2 && g->dy[2]) ys[2] = tn_grad_formula(g, "CastLike(rstd, y2)");
    tn_grad_through(g, mark, ys, 3);
    return g->st;
}

/* Group and instance normalisation: a group's channels as one row. */
tn_status tn_grad_group_norm(tn_grad *g) {
    tn_node *mark = tn_grad_mark(g);
    bool instance = !strcmp(g->node->type, "InstanceNormalization");
    int rank = tn_grad_rank(g, tn_grad_x(g, 0));
    all_but_channels(g, rank);
    per_channel(g, "scale", 1);
    per_channel(g, "shift", 2);
    tn_grad_let_number(g, "eps", (double)tn_attr_float(g->node, "epsilon", 1e-5f));
    if (instance)
        tn_grad_formula(g, "rows = Reshape(x, Concat{axis=0}(Gather(Shape(x), [0, 1]), [-1]))");
    else
        tn_grad_formula(g, "rows = Reshape(x, Concat{axis=0}(Gather(Shape(x), [0]), [%lld, -1]))",
                        (long long)tn_attr_int(g->node, "num_groups", 1));
    tn_value *y = tn_grad_formula(
        g, "centred = rows - ReduceMean(rows, [2]);"
           "normal = Reshape{allowzero=1}(centred / Sqrt(ReduceMean(centred * centred, [2]) + eps), Shape(x));"
           "normal * scale + shift");
    tn_grad_through(g, mark, &y, 1);
    return g->st;
}

tn_status tn_grad_lp_norm(tn_grad *g) {
    tn_node *mark = tn_grad_mark(g);
    const char *norm = tn_attr_int(g->node, "p", 2) == 1 ? "ReduceL1" : "ReduceL2";
    tn_value *y = tn_grad_formula(g, "n = %s(x, [%lld]); x / Where(Equal(n, 0), 1, n)", norm,
                                  (long long)tn_attr_int(g->node, "axis", -1));
    tn_grad_through(g, mark, &y, 1);
    return g->st;
}

tn_status tn_grad_mean_variance(tn_grad *g) {
    static const int64_t usual[] = { 0, 2, 3 };
    tn_node *mark = tn_grad_mark(g);
    int n;
    const int64_t *axes = tn_attr_ints(g->node, "axes", &n);
    tn_grad_let(g, "axes",
                axes ? tn_build_ints(&g->build, "ints", axes, n) : tn_build_ints(&g->build, "ints", usual, 3));
    tn_value *y = tn_grad_formula(g, "centred = x - ReduceMean(x, axes);"
                                     "centred / (Sqrt(ReduceMean(centred * centred, axes)) + 1e-9)");
    tn_grad_through(g, mark, &y, 1);
    return g->st;
}

/* The window over channels is an average pooling of the squares, with all other dimensions folded. */
tn_status tn_grad_lrn(tn_grad *g) {
    tn_node *mark = tn_grad_mark(g);
    long long size = (long long)tn_attr_int(g->node, "size", 1);
    tn_grad_let_number(g, "alpha", (double)tn_attr_float(g->node, "alpha", 1e-4f));
    tn_grad_let_number(g, "beta", (double)tn_attr_float(g->node, "beta", 0.75f));
    tn_grad_let_number(g, "bias", (double)tn_attr_float(g->node, "bias", 1));
    tn_value *y = tn_grad_formula(
        g,
        "rows = Reshape(x, Concat{axis=0}(Gather(Shape(x), [0]), [1], Gather(Shape(x), [1]), [-1]));"
        "means = AveragePool{kernel_shape=[%lld, 1],pads=[%lld, 0, %lld, 0],count_include_pad=1}(rows * rows);"
        "x / Pow(bias + alpha * Reshape{allowzero=1}(means, Shape(x)), beta)",
        size, (size - 1) / 2, size / 2);
    tn_grad_through(g, mark, &y, 1);
    return g->st;
}
