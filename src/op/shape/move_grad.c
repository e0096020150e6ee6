/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* move_grad.c - gradients of operators that put elements elsewhere: what is copied out flows back to where it came
 * from. The usual cases have their own inverse; any other asks the operator itself where its elements came from, by
 * running it on the elements' positions. */
#include "op/math/grads.h"
#include "op/shape/grads.h"
#include <string.h>

tn_status tn_grad_reshape(tn_grad *g) {
    g->dx[0] = tn_grad_reshape_like(g, tn_grad_dy(g, 0), tn_grad_x(g, 0));
    return g->st;
}

tn_status tn_grad_transpose_of(tn_grad *g) {
    int count, rank = tn_grad_rank(g, tn_grad_x(g, 0)), inverse[TN_MAX_RANK] = { 0 };
    const int64_t *perm = tn_attr_ints(g->node, "perm", &count);
    if (perm && count != rank) tn_grad_fail(g, TN_E_INVALID, "perm has %d entries", count);
    if (g->st != TN_OK) return g->st;
    for (int i = 0; i < rank; i++) inverse[perm ? perm[i] : rank - 1 - i] = i;
    g->dx[0] = tn_grad_transpose(g, tn_grad_dy(g, 0), inverse, rank);
    return g->st;
}

/* The general case: positions go through the operator. */
tn_status tn_grad_copying(tn_grad *g) {
    if (!tn_grad_wants(g, 0)) return g->st;
    tn_value *at = tn_grad_again(g, tn_grad_positions(g, tn_grad_x(g, 0)));
    g->dx[0] = tn_grad_scatter(g, tn_grad_dy(g, 0), at, tn_grad_x(g, 0));
    return g->st;
}

/* constant: the padding has a gradient of its own; negative pads cut, so their opposite restores. */
tn_status tn_grad_pad(tn_grad *g) {
    if (!tn_attr_is(g->node, "mode", "constant", "constant")) return tn_grad_copying(g);
    tn_grad_formula(g, "inner = Pad(dy, Neg(x1), _%s)", tn_grad_x(g, 3) ? ", x3" : "");
    tn_grad_formula(g, "dx0 = inner");
    if (tn_grad_wants(g, 2))
        tn_grad_formula(g, "dx2 = Reshape(ReduceSum{keepdims=0}(dy) - ReduceSum{keepdims=0}(inner), Shape(x2))");
    return g->st;
}

/* Constant integers of input i, or -1. */
static int constants(const tn_grad *g, int i, int64_t *out) {
    const tn_value *v = i < g->node->n_inputs ? g->node->inputs[i] : NULL;
    const tn_tensor *t = v ? v->constant : NULL;
    if (!t || tn_count(t) > TN_MAX_RANK) return -1;
    for (int k = 0; k < tn_count(t); k++) out[k] = tn_get_i64(t->dtype, t->data, k);
    return (int)tn_count(t);
}

/* A slice with steps of 1 is padded back; others go by positions. */
tn_status tn_grad_slice(tn_grad *g) {
    int64_t start[TN_MAX_RANK], axes[TN_MAX_RANK], steps[TN_MAX_RANK], begin[TN_MAX_RANK] = { 0 };
    const tn_value *x = tn_grad_x(g, 0);
    int n = constants(g, 1, start), n_axes = constants(g, 3, axes), n_steps = constants(g, 4, steps);
    int rank = x->type.kind == TN_KIND_TENSOR ? x->type.rank : -1;
    bool plain = n >= 0 && rank >= 0 && (!tn_grad_x(g, 3) || n_axes == n) && (!tn_grad_x(g, 4) || n_steps == n);
    for (int i = 0; plain && i < n; i++) {
        int64_t a = n_axes >= 0 ? axes[i] : i;
        if (a < 0) a += rank;
        plain = a >= 0 && a < rank && start[i] >= 0 && (n_steps < 0 || steps[i] == 1) &&
                (start[i] == 0 || (tn_dim_known(x->type.dims[a]) && start[i] <= x->type.dims[a]));
        if (plain) begin[a] = start[i];
    }
    if (!plain) return tn_grad_copying(g);
    tn_grad_let(g, "begin", tn_build_ints(&g->build, "ints", begin, rank));
    tn_grad_formula(g, "dx0 = Pad(dy, Concat{axis=0}(begin, Shape(x) - Shape(y) - begin))");
    return g->st;
}

tn_status tn_grad_split(tn_grad *g) {
    int n = g->node->n_outputs;
    tn_value **parts = tn_arena_array(g->graph->model->arena, tn_value *, (size_t)n + 1);
    if (!parts) return tn_fail(TN_E_NOMEM, "the gradient of %s", tn_node_where(g->node));
    for (int i = 0; i < n; i++) parts[i] = tn_grad_dy(g, i);
    tn_node *back = tn_build_node(&g->build, "", "Concat", parts, n, 1);
    g->dx[0] = tn_build_typed_with(&g->build, back, tn_attr_of_int("axis", tn_attr_int(g->node, "axis", 0)));
    return g->st;
}

tn_status tn_grad_concat(tn_grad *g) {
    int64_t axis = tn_attr_int(g->node, "axis", 0);
    int n = g->node->n_inputs;
    tn_value **sizes = tn_arena_array(g->graph->model->arena, tn_value *, (size_t)n + 1);
    if (!sizes) return tn_fail(TN_E_NOMEM, "the gradient of %s", tn_node_where(g->node));
    if (n == 1) return tn_grad_same(g);
    for (int i = 0; i < n; i++)
        sizes[i] =
            tn_emit(&g->build, "Gather", tn_grad_shape(g, tn_grad_x(g, i)), tn_build_int(&g->build, "int", axis));
    tn_node *cat = tn_build_node(&g->build, "", "Concat", sizes, n, 1);
    tn_value *all = tn_build_typed_with(&g->build, cat, tn_attr_of_int("axis", 0));
    tn_node *split = tn_build_list(&g->build, "Split", n, TN_VALUES(tn_grad_dy(g, 0), all));
    tn_build_typed_with(&g->build, split, tn_attr_of_int("axis", axis));
    for (int i = 0; split && i < n; i++) g->dx[i] = split->outputs[i];
    return g->st;
}

/* [r0 d0, r1 d1..] as [r0, d0, r1, d1..], summed over the repeats. */
tn_status tn_grad_tile(tn_grad *g) {
    int64_t axes[TN_MAX_RANK];
    int rank = tn_grad_rank(g, tn_grad_x(g, 0));
    if (2 * rank > TN_MAX_RANK) return tn_grad_copying(g);
    for (int i = 0; i < rank; i++) axes[i] = 2 * i;
    tn_grad_let(g, "axes", tn_build_ints(&g->build, "ints", axes, rank));
    if (rank == 0) return tn_grad_same(g);
    tn_grad_formula(g, "split = Reshape(Concat{axis=1}(Unsqueeze(x1, [1]), Unsqueeze(Shape(x), [1])), [-1]);"
                       "dx0 = ReduceSum{keepdims=0}(Reshape{allowzero=1}(dy, split), axes)");
    if (g->dx[0]) g->dx[0] = tn_grad_reshape_like(g, g->dx[0], tn_grad_x(g, 0));
    return g->st;
}

tn_status tn_grad_expand(tn_grad *g) {
    g->dx[0] = tn_grad_sum_to(g, tn_grad_dy(g, 0), tn_grad_x(g, 0));
    return g->st;
}

tn_status tn_grad_trilu(tn_grad *g) {
    g->dx[0] = tn_grad_again(g, tn_grad_dy(g, 0));
    return g->st;
}

tn_status tn_grad_reverse(tn_grad *g) { return tn_grad_trilu(g); }

tn_status tn_grad_space_to_depth(tn_grad *g) {
    int64_t b = tn_attr_int(g->node, "blocksize", 1);
    bool depth = !strcmp(g->node->type, "SpaceToDepth");
    if (!depth && tn_attr_is(g->node, "mode", "CRD", "DCR")) return tn_grad_copying(g);
    tn_grad_formula(g, "dx0 = %s{blocksize=%lld}(dy)", depth ? "DepthToSpace" : "SpaceToDepth", (long long)b);
    return g->st;
}

/* values = [off, on] */
tn_status tn_grad_one_hot(tn_grad *g) {
    tn_grad_formula(g,
                    "on = OneHot{axis=%lld}(x0, x1, CastLike([0, 1], x2)); hot = ReduceSum{keepdims=0}(dy * on);"
                    "all = ReduceSum{keepdims=0}(dy);"
                    "dx2 = Concat{axis=0}(Reshape(all - hot, [1]), Reshape(hot, [1]))",
                    (long long)tn_attr_int(g->node, "axis", -1));
    return g->st;
}

/* y_i = start + i delta; where it ends is a matter of steps. */
tn_status tn_grad_range(tn_grad *g) {
    tn_grad_formula(g, "dx0 ~= dy; dx2 ~= dy * CastLike(Range(#0, Size(y), #1), dy)");
    return g->st;
}
