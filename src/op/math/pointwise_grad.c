/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pointwise_grad.c - gradients of pointwise operators, mostly one formula each. */
#include "kernel/vec.h"
#include "op/math/grads.h"
#include "op/math/pointwise.h"
#include <stdio.h>
#include <string.h>

/* a and b are the operator's parameters. At kinks the derivative is that of the flat, or the left, side. */
static const char *const unary_formulas[TN_UNARY_COUNT] = {
    [TN_U_ABS] = "dx0 = dy * Sign(x)",
    [TN_U_NEG] = "dx0 = -dy",
    [TN_U_SQRT] = "dx0 = dy / (2 * y)",
    [TN_U_RECIPROCAL] = "dx0 = -dy * y * y",
    [TN_U_EXP] = "dx0 = dy * y",
    [TN_U_LOG] = "dx0 = dy / x",
    [TN_U_SIN] = "dx0 = dy * Cos(x)",
    [TN_U_COS] = "dx0 = -dy * Sin(x)",
    [TN_U_TAN] = "dx0 = dy * (1 + y * y)",
    [TN_U_ASIN] = "dx0 = dy / Sqrt(1 - x * x)",
    [TN_U_ACOS] = "dx0 = -dy / Sqrt(1 - x * x)",
    [TN_U_ATAN] = "dx0 = dy / (1 + x * x)",
    [TN_U_SINH] = "dx0 = dy * Cosh(x)",
    [TN_U_COSH] = "dx0 = dy * Sinh(x)",
    [TN_U_TANH] = "dx0 = dy * (1 - y * y)",
    [TN_U_ASINH] = "dx0 = dy / Sqrt(1 + x * x)",
    [TN_U_ACOSH] = "dx0 = dy / Sqrt(x * x - 1)",
    [TN_U_ATANH] = "dx0 = dy / (1 - x * x)",
    [TN_U_ERF] = "dx0 = dy * 1.1283791670955126 * Exp(-x * x)",
    [TN_U_SIGMOID] = "dx0 = dy * y * (1 - y)",
    [TN_U_RELU] = "dx0 = Where(Greater(x, 0), dy, 0)",
    [TN_U_LEAKY_RELU] = "dx0 = Where(Less(x, 0), a * dy, dy)",
    [TN_U_THRESHOLDED_RELU] = "dx0 = Where(Greater(x, a), dy, 0)",
    [TN_U_ELU] = "dx0 = Where(Less(x, 0), dy * (y + a), dy)",
    [TN_U_SELU] = "dx0 = Where(Less(x, 0), dy * (y + a * b), dy * b)",
    [TN_U_CELU] = "dx0 = Where(Less(x, 0), dy * (y / a + 1), dy)",
    [TN_U_HARDSIGMOID] = "dx0 = Where(And(Greater(y, 0), Less(y, 1)), a * dy, 0)",
    [TN_U_HARDSWISH] = "dx0 = dy * Where(Less(x, -3), 0, Where(Less(x, 3), x / 3 + 0.5, 1))",
    [TN_U_SOFTPLUS] = "dx0 = dy * Sigmoid(x)",
    [TN_U_SOFTSIGN] = "q = 1 + Abs(x); dx0 = dy / (q * q)",
    [TN_U_MISH] = "t = Tanh(Softplus(x)); dx0 = dy * (t + x * Sigmoid(x) * (1 - t * t))",
    [TN_U_SWISH] = "s = Sigmoid(a * x); dx0 = dy * (s + a * x * s * (1 - s))",
    [TN_U_GELU] = "dx0 = dy * (0.5 * (1 + Erf(x * 0.70710678118654752)) + x * 0.39894228040143268 * Exp(-0.5 * x * x))",
    [TN_U_GELU_TANH] = "t = Tanh(0.79788456080286536 * x * (1 + 0.044715 * x * x));"
                       "dx0 = dy * 0.5 * (1 + t + x * (1 - t * t) * 0.79788456080286536 * (1 + 0.134145 * x * x))",
    [TN_U_SHRINK] = "dx0 = Where(Or(Less(x, -a), Greater(x, a)), dy, 0)",
};

tn_status tn_grad_unary(tn_grad *g) {
    tn_unary fn;
    float a, b;
    if (!tn_op_unary_of(g->node, &fn, &a, &b) || !unary_formulas[fn])
        return tn_op_fail(g->node, TN_E_UNSUPPORTED, "%s has no formula for its gradient", g->node->type);
    tn_grad_let_number(g, "a", (double)a);
    tn_grad_let_number(g, "b", (double)b);
    tn_grad_formula(g, "%s", unary_formulas[fn]);
    return g->st;
}

tn_status tn_grad_clip(tn_grad *g) {
    tn_grad_let(g, "m", tn_grad_x(g, 0));
    if (tn_grad_x(g, 1))
        tn_grad_formula(g, "m = Max(x0, x1); low = Less(x0, x1); dy1 = Where(low, 0, dy); dy2 = Where(low, dy, 0)");
    else
        tn_grad_formula(g, "dy1 = dy");
    if (tn_grad_x(g, 2))
        tn_grad_formula(g, "high = Greater(m, x2); dy1 = Where(high, 0, dy1); dx2 ~= Where(high, dy, 0)");
    if (tn_grad_x(g, 1) && tn_grad_x(g, 2)) tn_grad_formula(g, "dy2 = Where(high, 0, dy2)");
    if (tn_grad_x(g, 1)) tn_grad_formula(g, "dx1 ~= dy2");
    tn_grad_formula(g, "dx0 = dy1");
    return g->st;
}

/* ------------------------------------------------------------------------------------------------- several operands */

static const struct {
    const char *type, *formula;
} binary_formulas[] = {
    { "Add", "dx0 ~= dy; dx1 ~= dy" },
    { "Sub", "dx0 ~= dy; dx1 ~= -dy" },
    { "Mul", "dx0 ~= dy * x1; dx1 ~= dy * x0" },
    { "Div", "dx0 ~= dy / x1; dx1 ~= -dy * y / x1" },
    { "PRelu", "n = Less(x0, 0); dx0 ~= Where(n, dy * x1, dy); dx1 ~= Where(n, dy * x0, 0)" },
    { "Pow", "p = CastLike(x1, x0); dx0 ~= Where(Equal(p, 0), 0, dy * p * Pow(x0, p - 1));"
             "pos = Greater(x0, 0); dx1 ~= CastLike(Where(pos, dy * y * Log(Where(pos, x0, 1)), 0), x1)" },
    { "Mod", "dx0 ~= dy; dx1 ~= -dy * Round((x0 - y) / x1)" },
};

/* The largest (smallest) operands share what flows back. */
static void extremes(tn_grad *g) {
    char name[16];
    tn_value *count = NULL;
    for (int i = 0; i < g->node->n_inputs; i++) {
        tn_grad_let(g, "operand", tn_grad_x(g, i));
        tn_value *eq = tn_grad_formula(g, "CastLike(Equal(operand, y), dy)");
        count = count ? tn_emit(&g->build, "Add", count, eq) : eq;
    }
    tn_grad_let(g, "count", count);
    tn_grad_formula(g, "share = dy / count");
    for (int i = 0; i < g->node->n_inputs; i++) {
        if (!tn_grad_wants(g, i)) continue;
        snprintf(name, sizeof name, "dx%d", i);
        tn_grad_let(g, "operand", tn_grad_x(g, i));
        tn_grad_formula(g, "%s ~= Where(Equal(operand, y), share, 0)", name);
    }
}

tn_status tn_grad_binary(tn_grad *g) {
    const char *type = g->node->type;
    for (size_t i = 0; i < TN_COUNT(binary_formulas); i++)
        if (!strcmp(binary_formulas[i].type, type)) {
            tn_grad_formula(g, "%s", binary_formulas[i].formula);
            return g->st;
        }
    if (!strcmp(type, "Max") || !strcmp(type, "Min")) {
        extremes(g);
        return g->st;
    }
    for (int i = 0; i < g->node->n_inputs; i++) /* Sum, Mean */
        if (!strcmp(type, "Mean"))
            tn_grad_formula(g, "dx%d ~= dy / %d", i, g->node->n_inputs);
        else
            tn_grad_formula(g, "dx%d ~= dy", i);
    return g->st;
}

tn_status tn_grad_where(tn_grad *g) {
    tn_grad_formula(g, "dx1 ~= Where(x0, dy, 0); dx2 ~= Where(x0, 0, dy)");
    return g->st;
}

tn_status tn_grad_same(tn_grad *g) {
    tn_grad_formula(g, "dx0 = dy");
    return g->st;
}

tn_status tn_grad_cast(tn_grad *g) {
    tn_grad_formula(g, "dx0 = CastLike(dy, x0)");
    return g->st;
}

/* What was kept was divided by 1 - ratio, in training. */
tn_status tn_grad_dropout(tn_grad *g) {
    if (!tn_grad_x(g, 2)) return tn_grad_same(g);
    if (tn_grad_x(g, 1))
        tn_grad_formula(g, "kept = 1 - CastLike(x1, dy)");
    else
        tn_grad_formula(g, "kept = 0.5");
    tn_grad_formula(g, "dx0 = Where(y1, dy * Where(x2, 1 / kept, 1), 0)");
    return g->st;
}
