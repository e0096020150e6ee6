/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* quant_grad.c - gradients of products with quantised weights, and of quantisation. Integers have none; activations,
 * scales, biases and zero points in floats have. */
#include "op/quant/grads.h"
#include <string.h>

/* ------------------------------------------------------------------------------------------------------ MatMulNBits */

/* [K, N]: the weights themselves (q - zero), times their scales unless `scales` are ones: the node on a unit matrix. */
static tn_value *unpacked(tn_grad *g, tn_value *scales) {
    const tn_node *n = g->node;
    long long k = (long long)tn_attr_int(n, "K", 1);
    tn_value *unit = tn_grad_formula(g, "EyeLike(Expand(CastLike(0, x), [%lld, %lld]))", k, k);
    tn_value *in[] = { unit, tn_grad_x(g, 1), scales, tn_grad_x(g, 3), tn_grad_x(g, 4) };
    tn_node *w = tn_build_node(&g->build, n->domain, n->type, in, 5, 1);
    tn_build_keep(&g->build, w, n, NULL);
    return tn_build_typed(&g->build, w);
}

/* v [K, N] summed over blocks: the sums, one per scale, in the shape of `like`. g_idx says which rows make a block. */
static tn_value *per_block(tn_grad *g, tn_value *v, tn_value *like) {
    long long k = (long long)tn_attr_int(g->node, "K", 1), block = (long long)tn_attr_int(g->node, "block_size", 16);
    long long blocks = (k + block - 1) / block;
    tn_grad_let(g, "v", v);
    tn_grad_let(g, "like", like);
    if (tn_grad_x(g, 4))
        return tn_grad_formula(g,
                               "none = Expand(CastLike(0, v), Concat{axis=0}([%lld], Gather(Shape(v), [1])));"
                               "row = Expand(Unsqueeze(Cast{to=7}(x4), [1]), Shape(v));"
                               "sums = ScatterElements{axis=0,reduction=add}(none, row, v);"
                               "Reshape(Transpose{perm=[1, 0]}(sums), Shape(like))",
                               blocks);
    return tn_grad_formula(g,
                           "Reshape(ReduceSum{keepdims=0}(Reshape(Pad(Transpose{perm=[1, 0]}(v), [0, 0, 0, %lld]),"
                           " [0, %lld, %lld]), [2]), Shape(like))",
                           blocks * block - k, blocks, block);
}

tn_status tn_grad_nbits(tn_grad *g) {
    tn_value *scales = tn_grad_x(g, 2), *zeros = tn_grad_x(g, 3);
    bool float_zeros = zeros && tn_dtype_is_float(zeros->type.dtype) && tn_grad_wants(g, 3);
    if (tn_grad_wants(g, 0)) {
        tn_grad_let(g, "w", unpacked(g, scales));
        tn_grad_formula(g, "dx0 = MatMul(dy, Transpose{perm=[1, 0]}(w))");
    }
    if (tn_grad_wants(g, 5)) tn_grad_formula(g, "dx5 ~= dy");
    if (!tn_grad_wants(g, 2) && !float_zeros) return g->st;
    tn_grad_formula(g, "dw = MatMul(Transpose{perm=[1, 0]}(Reshape(x, [-1, %lld])), Reshape(dy, [-1, %lld]))",
                    (long long)tn_attr_int(g->node, "K", 1), (long long)tn_attr_int(g->node, "N", 1));
    if (tn_grad_wants(g, 2)) {
        tn_grad_let(g, "plain", unpacked(g, tn_grad_fill(g, scales, 1)));
        g->dx[2] = per_block(g, tn_grad_formula(g, "dw * plain"), scales);
    }
    if (float_zeros) { /* they are subtracted before the scale multiplies */
        tn_value *sums = per_block(g, tn_grad_formula(g, "dw"), zeros);
        tn_grad_let(g, "sums", sums);
        tn_grad_formula(g, "dx3 = -sums * Reshape(x2, Shape(x3))");
    }
    return g->st;
}

/* --------------------------------------------------------------------------------------- products of 8-bit integers */

/* name: the integers of an input less their zero point, as floats; `shape` makes what lies per row a column. */
static void centred(tn_grad *g, const char *name, int input, int zero, const char *shape) {
    tn_grad_formula(g, "%s = Cast{to=1}(x%d)", name, input);
    if (!tn_grad_x(g, zero)) return;
    tn_grad_formula(g, "z = Cast{to=1}(x%d)", zero);
    if (*shape) tn_grad_formula(g, "z = Reshape(z, %s)", shape);
    tn_grad_formula(g, "%s = %s - z", name, name);
}

/* Y = (a_scale (A - za)) ((B - zb) b_scale) + bias */
tn_status tn_grad_integer_to_float(tn_grad *g) {
    tn_node *mark = tn_grad_mark(g);
    centred(g, "a", 0, 4, "[-1, 1]");
    centred(g, "b", 1, 5, "");
    tn_value *y = tn_grad_formula(g, "MatMul(CastLike(a, x2) * Reshape(x2, [-1, 1]), CastLike(b, x3) * x3)");
    tn_grad_let(g, "p", y);
    if (tn_grad_x(g, 6)) y = tn_grad_formula(g, "p + x6");
    tn_grad_through(g, mark, &y, 1);
    return g->st;
}

/* The same, A being quantised by its range: what rounding gives counts as constant, nothing flows back to A. */
tn_status tn_grad_dynamic_product(tn_grad *g) {
    tn_node *mark = tn_grad_mark(g);
    tn_value *in[] = { tn_grad_x(g, 0) };
    tn_node *n = tn_build_node(&g->build, "", "DynamicQuantizeLinear", in, 1, 3);
    if (!tn_build_typed(&g->build, n)) return g->st;
    tn_grad_let(g, "q", n->outputs[0]);
    tn_grad_let(g, "scale", n->outputs[1]);
    tn_grad_let(g, "zero", n->outputs[2]);
    centred(g, "b", 1, 3, "");
    tn_value *y = tn_grad_formula(g, "p = MatMul(DequantizeLinear(q, scale, zero), b * x2)");
    if (tn_grad_x(g, 4)) y = tn_grad_formula(g, "p + x4");
    tn_grad_through(g, mark, &y, 1);
    return g->st;
}

/* Y = alpha a_scale b_scale ((A - za) (B - zb) + C); quantised again it has no gradient. */
tn_status tn_grad_quantised_gemm(tn_grad *g) {
    const tn_node *n = g->node;
    tn_node *mark = tn_grad_mark(g);
    if (tn_grad_x(g, 7)) return TN_OK;
    centred(g, "a", 0, 2, "");
    if (tn_attr_int(n, "transB", 0)) /* zero points lie per column of the product */
        tn_grad_formula(g, "b = Transpose{perm=[1, 0]}(Cast{to=1}(x3)) - Cast{to=1}(x5)");
    else
        centred(g, "b", 3, 5, "");
    if (tn_attr_int(n, "transA", 0)) tn_grad_formula(g, "a = Transpose{perm=[1, 0]}(a)");
    tn_grad_formula(g, "p = MatMul(a, b)");
    if (tn_grad_x(g, 6)) tn_grad_formula(g, "p = p + Cast{to=1}(x6)");
    tn_grad_let_number(g, "alpha", (double)tn_attr_float(n, "alpha", 1));
    tn_value *y = tn_grad_formula(g, "p * (Reshape(x1, [1]) * x4) * alpha");
    tn_grad_through(g, mark, &y, 1);
    return g->st;
}

/* ------------------------------------------------------------------------------------------------ DequantizeLinear */

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
    tn_node *steps =
        tn_build_list(&g->build, "DequantizeLinear", 1, TN_VALUES(x, tn_grad_fill(g, s, 1), tn_grad_x(g, 2)));
    tn_build_keep(&g->build, steps, g->node, NULL);
    tn_grad_let(g, "steps", tn_build_typed(&g->build, steps));
    tn_grad_let(g, "axes", tn_build_ints(&g->build, "ints", axes, n));
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
