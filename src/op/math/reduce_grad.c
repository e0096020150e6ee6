/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* reduce_grad.c - gradients of reductions, softmax and running sums. */
#include "op/math/grads.h"
#include <string.h>

/* What was reduced, with its axes back as dimensions of size 1: k, and the result itself: yk. */
static void keep(tn_grad *g) {
    tn_value *axes = tn_grad_x(g, 1);
    bool all = !axes || (axes->constant && tn_count(axes->constant) == 0);
    if (tn_attr_int(g->node, "keepdims", 1) || all) /* a scalar broadcasts as it is */
        tn_grad_formula(g, "k = dy; yk = y");
    else
        tn_grad_formula(g, "k = Unsqueeze(dy, x1); yk = Unsqueeze(y, x1)");
}

/* c: how many elements each result has, as a number. */
#define COUNT "c = CastLike(Size(x), x) / CastLike(Size(y), x);"

static const struct {
    const char *type, *formula;
} reductions[] = {
    { "ReduceSum", "dx0 = Expand(k, Shape(x))" },
    { "ReduceMean", COUNT "dx0 = Expand(k / c, Shape(x))" },
    { "ReduceSumSquare", "dx0 = k * 2 * x" },
    { "ReduceL1", "dx0 = k * Sign(x)" },
    { "ReduceL2", "dx0 = k * Where(Equal(yk, 0), 0, x / Where(Equal(yk, 0), 1, yk))" },
    { "ReduceLogSum", "dx0 = Expand(k * Exp(-yk), Shape(x))" },
    { "ReduceLogSumExp", "dx0 = k * Exp(x - yk)" },
};

static tn_value *again(tn_grad *g, const char *type, tn_value *v) { /* over the same axes, keeping them */
    tn_node *n = tn_build_list(&g->build, type, 1, TN_VALUES(v, tn_grad_x(g, 1)));
    if (n && g->st == TN_OK)
        g->st = tn_attr_set_int(n, "noop_with_empty_axes", tn_attr_int(g->node, "noop_with_empty_axes", 0));
    return tn_build_typed_with(&g->build, n, tn_attr_of_int("keepdims", 1));
}

tn_status tn_grad_reduce(tn_grad *g) {
    const char *type = g->node->type;
    keep(g);
    for (size_t i = 0; i < TN_COUNT(reductions); i++)
        if (!strcmp(reductions[i].type, type)) {
            tn_grad_formula(g, "%s", reductions[i].formula);
            return g->st;
        }
    if (!strcmp(type, "ReduceProd")) { /* of all but one: one zero leaves the others' product, two leave nothing */
        tn_grad_let(g, "p", again(g, "ReduceProd", tn_grad_formula(g, "z = Equal(x, 0); Where(z, 1, x)")));
        tn_grad_let(g, "n", again(g, "ReduceSum", tn_grad_formula(g, "CastLike(z, x)")));
        tn_grad_formula(g, "dx0 = k * Where(Equal(n, 0), yk / Where(z, 1, x), Where(And(Equal(n, 1), z), p, 0))");
        return g->st;
    }
    /* ReduceMax, ReduceMin: equal ones share */
    tn_grad_let(g, "n", again(g, "ReduceSum", tn_grad_formula(g, "m = CastLike(Equal(x, yk), x)")));
    tn_grad_formula(g, "dx0 = k * m / n");
    return g->st;
}

tn_status tn_grad_softmax(tn_grad *g) {
    int axis = (int)tn_attr_int(g->node, "axis", -1);
    if (!strcmp(g->node->type, "Softmax"))
        tn_grad_formula(g, "q = dy * y; dx0 = q - y * ReduceSum(q, [%d])", axis);
    else
        tn_grad_formula(g, "dx0 = dy - Exp(y) * ReduceSum(dy, [%d])", axis);
    return g->st;
}

/* Running products: x_j is a factor of every later result. Before the first zero that is y / x; for the first zero the
 * products with a one in its place; behind it nothing. */
tn_status tn_grad_cumulate(tn_grad *g) {
    int exclusive = tn_attr_int(g->node, "exclusive", 0) != 0, reverse = tn_attr_int(g->node, "reverse", 0) != 0;
    if (!strcmp(g->node->type, "CumSum")) {
        tn_grad_formula(g, "dx0 = CumSum{exclusive=%d,reverse=%d}(dy, x1)", exclusive, !reverse);
        return g->st;
    }
    tn_grad_formula(
        g,
        "z = CastLike(Equal(x, 0), x); c = CumSum{reverse=%d}(z, x1); first = Where(Equal(c, 1), z, 0);"
        "y2 = CumProd{exclusive=%d,reverse=%d}(x + first, x1);"
        "s0 = CumSum{exclusive=%d,reverse=%d}(dy * y, x1); s1 = CumSum{exclusive=%d,reverse=%d}(dy * y2, x1);"
        "dx0 = Where(Equal(first, 1), s1, Where(Equal(c, 0), s0 / Where(Equal(x, 0), 1, x), 0))",
        reverse, exclusive, reverse, exclusive, !reverse, exclusive, !reverse);
    return g->st;
}
