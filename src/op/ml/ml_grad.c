/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ml_grad.c - gradients of ai.onnx.ml: scores that were transformed, features scaled, chosen and joined. Results
 * are float32 whatever the features are, so flows are cast. Trees are steps and have none; maps carry none. */
#include "op/ml/grads.h"
#include "op/ml/ml.h"
#include <math.h>
#include <string.h>

/* Scores back through the transform that made y of them, [rows, n], in the type of x. */
tn_value *tn_grad_post(tn_grad *g, tn_post post, int output, int64_t n) {
    tn_grad_formula(g, "d = d%d; t = y%d", output, output);
    switch (post) {
    case TN_POST_NONE: break;
    case TN_POST_LOGISTIC: tn_grad_formula(g, "d = d * t * (CastLike(1, t) - t)"); break;
    case TN_POST_PROBIT: /* of the normal distribution's inverse: one over the density there */
        tn_grad_formula(g, "d = d * CastLike(%.17g, t) * Exp(t * t * CastLike(0.5, t))",
                        sqrt(2 * 3.14159265358979323846));
        break;
    case TN_POST_SOFTMAX:
    case TN_POST_SOFTMAX_ZERO:
        if (n > 1) tn_grad_formula(g, "d = t * (d - ReduceSum{keepdims=1}(d * t, [1]))");
    }
    return tn_grad_formula(g, "d = CastLike(d, x)");
}

/* One score of two that are each other's negatives. */
tn_value *tn_grad_second(tn_grad *g) {
    return tn_grad_formula(g, "d = Slice(d, [1], [2], [1]) - Slice(d, [0], [1], [1])");
}

/* -------------------------------------------------------------------------------------------------------- features */

tn_status tn_grad_scaler(tn_grad *g) {
    int n;
    const float *scale = tn_attr_floats(g->node, "scale", &n);
    tn_grad_formula(g, "d = CastLike(dy, x)");
    if (n) {
        tn_grad_let(g, "scale", tn_grad_floats(g, scale, 1, (int64_t[]){ n }));
        tn_grad_formula(g, "d = d * scale");
    }
    tn_grad_formula(g, "dx0 = d");
    return g->st;
}

tn_status tn_grad_imputer(tn_grad *g) {
    double bad = (double)tn_attr_float(g->node, "replaced_value_float", 0);
    if (isnan(bad)) {
        tn_grad_formula(g, "kept = Not(IsNaN(x))");
    } else {
        tn_grad_let_number(g, "bad", bad);
        tn_grad_formula(g, "kept = Not(Equal(x, bad))");
    }
    tn_grad_formula(g, "dx0 = dy * CastLike(kept, dy)");
    return g->st;
}

tn_status tn_grad_normalizer(tn_grad *g) {
    tn_node *mark = tn_grad_mark(g);
    int axis = tn_grad_rank(g, tn_grad_x(g, 0)) > 1;
    if (tn_attr_is(g->node, "norm", "L1", "MAX"))
        tn_grad_formula(g, "by = ReduceSum{keepdims=1}(Abs(x), [%d])", axis);
    else if (tn_attr_is(g->node, "norm", "L2", "MAX"))
        tn_grad_formula(g, "by = Sqrt(ReduceSum{keepdims=1}(x * x, [%d]))", axis);
    else
        tn_grad_formula(g, "by = ReduceMax{keepdims=1}(x, [%d])", axis);
    tn_value *y = tn_grad_formula(g, "CastLike(x / Where(Equal(by, CastLike(0, by)), CastLike(1, by), by), y)");
    tn_grad_through(g, mark, &y, 1);
    return g->st;
}

tn_status tn_grad_extract(tn_grad *g) {
    tn_node *mark = tn_grad_mark(g);
    tn_value *y = tn_grad_formula(g, "Reshape(Gather{axis=-1}(x, Reshape(x1, [-1])), Shape(y))");
    tn_grad_through(g, mark, &y, 1);
    return g->st;
}

/* Inputs side by side, each cut or filled with zeros to its width. */
tn_status tn_grad_vectorizer(tn_grad *g) {
    const tn_node *n = g->node;
    tn_node *mark = tn_grad_mark(g);
    int count;
    const int64_t *width = tn_attr_ints(n, "inputdimensions", &count);
    tn_value **parts = tn_arena_array(n->graph->model->arena, tn_value *, (size_t)n->n_inputs + 1);
    if (!parts) return tn_fail(TN_E_NOMEM, "the gradient of %s", tn_node_where(n));
    for (int i = 0; i < n->n_inputs; i++) {
        tn_grad_let(g, "part", tn_grad_x(g, i));
        if (tn_grad_rank(g, tn_grad_x(g, i)) < 2) tn_grad_formula(g, "part = Unsqueeze(part, [0])");
        if (width && i < count)
            tn_grad_formula(g, "part = Slice(Pad(part, [0, 0, 0, %lld]), [0], [%lld], [1])", (long long)width[i],
                            (long long)width[i]);
        parts[i] = tn_grad_formula(g, "CastLike(part, y)");
    }
    tn_node *joined = tn_build_node(&g->build, "", "Concat", parts, n->n_inputs, 1);
    tn_value *y = tn_build_typed_with(&g->build, joined, tn_attr_of_int("axis", 1));
    tn_grad_through(g, mark, &y, 1);
    return g->st;
}
