/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* signal_grad.c - gradients of Fourier transforms: they are linear, so what flows back goes through the adjoint, which
 * is a transform again. */
#include "op/signal/grads.h"
#include <string.h>

static bool constant_int(const tn_grad *g, int i, int64_t *out) {
    const tn_value *v = i < g->node->n_inputs ? g->node->inputs[i] : NULL;
    if (!v || !v->constant || tn_count(v->constant) != 1) return false;
    *out = tn_get_i64(v->constant->dtype, v->constant->data, 0);
    return true;
}

/* "a" := v with zeros behind, or cut, along the axis to `len` elements. */
static void fit(tn_grad *g, const char *v, const char *len) {
    tn_grad_formula(g, "a = Pad(%s, Concat{axis=0}([0], %s - Gather(Shape(%s), axis)), _, axis)", v, len, v);
}

/* "axis" [1], as 0 .. rank - 1, and "along", the same as a scalar. */
static void name_axis(tn_grad *g, int rank) {
    int64_t given = -2;
    if (!tn_grad_x(g, 2) || constant_int(g, 2, &given))
        tn_grad_let(g, "axis", tn_build_int(&g->build, "int", tn_grad_axis(given, rank)));
    else
        tn_grad_formula(g, "axis = Cast{to=7}(Reshape(x2, [1])); axis = Where(Less(axis, [0]), axis + [%d], axis)",
                        rank);
    tn_grad_formula(g, "along = Squeeze(axis, [0])");
}

/* Of a real signal's spectrum one half is shown: its other half gives nothing back, so zeros stand in its place. The
 * inverse of such a half counts all bins but the first and the middle one twice. */
tn_status tn_grad_dft(tn_grad *g) {
    int rank = tn_grad_rank(g, tn_grad_x(g, 0));
    bool inverse = tn_attr_int(g->node, "inverse", 0) != 0, half = tn_attr_int(g->node, "onesided", 0) != 0;
    name_axis(g, rank);
    tn_grad_formula(g, "n = Gather(Shape(x), axis); m = Gather(Shape(y), axis)");
    if (half && !inverse)
        tn_grad_formula(g, tn_grad_x(g, 1) ? "len = Cast{to=7}(Reshape(x1, [1]))" : "len = n");
    else
        tn_grad_formula(g, "len = m");
    tn_grad_formula(g, "size = CastLike(Squeeze(len, [0]), dy)");
    if (!inverse) {
        fit(g, "dy", "len");
        tn_grad_formula(g, "r = DFT{inverse=1}(a, _, along) * size");
    } else {
        tn_grad_formula(g, "r = DFT{onesided=%d}(dy, _, along) / size", half);
    }
    if (inverse && half) /* weights: 1, 2, 2 .., and 1 in the middle of an even length */
        tn_grad_formula(g,
                        "bins = Gather(Shape(r), axis); k = Range(#0, Squeeze(bins, [0]), #1);"
                        "once = Or(Equal(k, #0), Equal(k + k, len)); w = Where(once, CastLike(1, dy), CastLike(2, dy));"
                        "r = r * Reshape(w, Where(Equal(Range(#0, #%d, #1), axis), bins, [1]))",
                        rank);
    fit(g, "r", "n");
    /* of a real signal the real part */
    tn_grad_formula(g, "dx0 = Slice(a, [0], Gather(Shape(x), [%d]), [%d])", rank - 1, rank - 1);
    return g->st;
}

/* Frames by index, windowed, transformed. */
tn_status tn_grad_stft(tn_grad *g) {
    tn_node *mark = tn_grad_mark(g);
    tn_value *window = tn_grad_x(g, 2);
    tn_grad_formula(g, "step = Cast{to=7}(Reshape(x1, [1])); count = Gather(Shape(y), [1])");
    if (tn_grad_x(g, 3))
        tn_grad_formula(g, "len = Cast{to=7}(Reshape(x3, [1]))");
    else
        tn_grad_formula(g, window ? "len = Shape(x2)" : "len = Gather(Shape(x), [1])");
    tn_grad_formula(g, "first = Range(#0, Squeeze(count, [0]), #1) * step; tap = Range(#0, Squeeze(len, [0]), #1);"
                       "frames = Gather{axis=1}(x, Unsqueeze(first, [1]) + Unsqueeze(tap, [0]))");
    if (window) tn_grad_formula(g, "frames = frames * Unsqueeze(Pad(x2, Concat{axis=0}([0], len - Shape(x2))), [1])");
    tn_value *y = tn_grad_formula(g, "DFT{onesided=%d}(frames, _, #2)", tn_attr_int(g->node, "onesided", 1) != 0);
    tn_grad_through(g, mark, &y, 1);
    return g->st;
}
