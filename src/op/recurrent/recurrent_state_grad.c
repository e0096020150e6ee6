/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* recurrent_state_grad.c - gradients of LinearAttention, CausalConvWithState and TensorScatter. */
#include "op/recurrent/grads.h"

/* ----------------------------------------------------------------------------------------------- LinearAttention */

static tn_type any_of_rank(const tn_grad *g, int rank) {
    tn_type t = tn_type_tensor(g->dtype);
    t.rank = rank;
    for (int d = 0; d < rank; d++) t.dims[d] = TN_DIM_UNKNOWN;
    return t;
}

static tn_value *body_input(tn_grad *b, const char *name, int rank) {
    tn_type t = any_of_rank(b, rank);
    tn_value *v = b->st == TN_OK ? tn_value_input(b->graph, name, &t) : NULL;
    if (!v && b->st == TN_OK) b->st = TN_E_NOMEM;
    tn_grad_let(b, name, v);
    return v;
}

static void body_output(tn_grad *b, tn_value *v) {
    if (b->st == TN_OK) b->st = tn_graph_add_output(b->graph, v);
}

/* One step: the state decays, learns k (x) v, and is read by q. S [batch, heads, size_k, size_v]; q [batch, heads,
 * group, size_k]; k, v, decay and beta have no group. */
static tn_graph *linear_body(tn_grad *g, bool gated, bool delta) {
    tn_graph *sub = tn_graph_new(g->graph->model, g->graph, "step");
    if (!sub) {
        g->st = TN_E_NOMEM;
        return NULL;
    }
    tn_grad b = { .graph = sub,
                  .infer = g->infer,
                  .what = g->what,
                  .node = g->node,
                  .dy = g->dy,
                  .dx = g->dx,
                  .wants = g->wants,
                  .dtype = g->dtype };
    body_input(&b, "S", 4);
    body_input(&b, "q", 4);
    body_input(&b, "k", 3);
    body_input(&b, "v", 3);
    if (gated) body_input(&b, "decay", 3);
    if (delta) body_input(&b, "beta", 3);
    if (gated) tn_grad_formula(&b, "S = S * Exp(Unsqueeze(decay, [3]))");
    if (delta) tn_grad_formula(&b, "v = beta * (v - Squeeze(MatMul(Unsqueeze(k, [2]), S), [2]))");
    body_output(&b, tn_grad_formula(&b, "S = S + Unsqueeze(k, [3]) * Unsqueeze(v, [2])"));
    body_output(&b, tn_grad_formula(&b, "MatMul(q, S)"));
    g->st = b.st;
    return sub;
}

tn_status tn_grad_linear_attention(tn_grad *g) {
    const tn_node *n = g->node;
    tn_node *mark = tn_grad_mark(g);
    bool gated = tn_grad_x(g, 4), delta = tn_grad_x(g, 5);
    long long hq = (long long)tn_attr_int(n, "q_num_heads", 1), hk = (long long)tn_attr_int(n, "kv_num_heads", 1);
    double scale = (double)tn_attr_float(n, "scale", 0);
    static const char steps[] = "%s = Transpose{perm=[1, 0, 2, 3]}(Reshape(x%d, [0, 0, %lld, -1]))";
    tn_grad_formula(g, "q = Transpose{perm=[1, 0, 2, 3, 4]}(Reshape(x0, [0, 0, %lld, %lld, -1]))", hk, hq / hk);
    tn_grad_formula(g, steps, "k", 1, hk);
    tn_grad_formula(g, steps, "v", 2, hk);
    if (gated) tn_grad_formula(g, steps, "decay", 4, hk);
    if (delta) tn_grad_formula(g, "beta = Unsqueeze(Transpose{perm=[1, 0, 2]}(x5), [3])");
    if (scale != 0)
        tn_grad_let_number(g, "scale", scale);
    else
        tn_grad_formula(g, "scale = 1 / Sqrt(CastLike(Gather(Shape(q), [4]), q))");
    tn_grad_formula(g, "q = q * scale");
    if (tn_grad_x(g, 3))
        tn_grad_formula(g, "S = CastLike(x3, x)");
    else
        tn_grad_formula(g, "S = Expand(CastLike(0, x), Concat{axis=0}(Gather(Shape(k), [1, 2, 3]),"
                           " Gather(Shape(v), [3])))");
    tn_value *in[6] = { 0 };
    int n_in = 0;
    static const char *const names[] = { "S", "q", "k", "v", "decay", "beta" };
    for (int i = 0; i < 6; i++)
        if ((i != 4 || gated) && (i != 5 || delta)) in[n_in++] = tn_grad_formula(g, "%s", names[i]);
    tn_node *scan = tn_build_node(&g->build, "", "Scan", in, n_in, 2);
    tn_graph *body = g->st == TN_OK ? linear_body(g, gated, delta) : NULL;
    if (g->st == TN_OK) g->st = tn_attr_set(scan, &(tn_attr){ .name = "body", .kind = TN_ATTR_GRAPH, .graph = body });
    if (g->st == TN_OK) g->st = tn_attr_set_int(scan, "num_scan_inputs", n_in - 1);
    if (g->st != TN_OK) return g->st;
    scan->outputs[0]->type = any_of_rank(g, 4), scan->outputs[1]->type = any_of_rank(g, 5);
    tn_value *last = scan->outputs[0];
    tn_grad_let(g, "read", scan->outputs[1]);
    tn_value *ys[2] = { tn_grad_formula(g, "Reshape{allowzero=1}(Transpose{perm=[1, 0, 2, 3, 4]}(read), Shape(y))") };
    tn_grad_let(g, "last", last);
    if (n->n_outputs > 1 && g->dy[1]) ys[1] = tn_grad_formula(g, "CastLike(last, y1)");
    tn_grad_through(g, mark, ys, 2);
    return g->st;
}

/* ------------------------------------------------------------------------------------------- CausalConvWithState */

/* The present state is what the line of past and input ends with. */
tn_status tn_grad_causal_conv(tn_grad *g) {
    tn_node *mark = tn_grad_mark(g);
    tn_value *ys[2];
    const tn_type *w = &tn_grad_x(g, 1)->type, *x = &tn_grad_x(g, 0)->type;
    if (w->rank != 3 || x->rank != 3 || !tn_dim_known(w->dims[0]))
        return tn_op_fail(g->node, TN_E_UNSUPPORTED, "its gradient: how many channels it has must be known");
    tn_grad_formula(g, "keep = Gather(Shape(x1), [2]) - [1]");
    if (tn_grad_x(g, 3))
        tn_grad_formula(g, "line = Concat{axis=2}(x3, x)");
    else
        tn_grad_formula(g, "line = Pad(x, Concat{axis=0}(keep, [0]), _, [2])");
    tn_value *y =
        tn_grad_formula(g, "v = Conv{group=%lld}(line, x1%s)", (long long)w->dims[0], tn_grad_x(g, 2) ? ", x2" : "");
    if (!tn_attr_is(g->node, "activation", "none", "none")) y = tn_grad_formula(g, "v * Sigmoid(v)");
    ys[0] = y;
    ys[1] = tn_grad_formula(g, "Slice(line, Gather(Shape(x), [2]), [%d], [2])", INT32_MAX);
    tn_grad_through(g, mark, ys, 2);
    return g->st;
}

/* --------------------------------------------------------------------------------------------------- TensorScatter */

/* Where the update was written, the cache has nothing to say. */
tn_status tn_grad_tensor_scatter(tn_grad *g) {
    tn_value *past = tn_grad_x(g, 0), *update = tn_grad_x(g, 1);
    tn_value *in[3] = { tn_grad_dy(g, 0), NULL, tn_grad_x(g, 2) };
    if (tn_grad_wants(g, 0)) {
        in[1] = tn_grad_fill(g, update, 0);
        tn_node *n = tn_build_node(&g->build, "", "TensorScatter", in, 3, 1);
        tn_build_keep(&g->build, n, g->node, NULL);
        g->dx[0] = tn_build_typed(&g->build, n);
    }
    if (tn_grad_wants(g, 1)) {
        tn_grad_let(g, "empty", tn_grad_fill(g, past, 0));
        in[0] = tn_grad_formula(g, "Cast{to=7}(empty)");
        in[1] = tn_grad_places(g, update);
        tn_node *n = tn_build_node(&g->build, "", "TensorScatter", in, 3, 1);
        tn_build_keep(&g->build, n, g->node, NULL);
        g->dx[1] = tn_grad_from_places(g, tn_build_typed(&g->build, n), update);
    }
    return g->st;
}
