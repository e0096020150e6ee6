/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* grad.c - the words of gradients: nodes with their types, shapes, zeros, sums over what was broadcast. */
#include "op/core/grad.h"
#include "base/number.h"
#include "op/core/gradient.h"
#include "op/core/infer.h"
#include <stdio.h>
#include <string.h>

tn_status tn_grad_none(tn_grad *g) {
    (void)g;
    return TN_OK;
}

tn_status tn_grad_refused(tn_grad *g) {
    return tn_op_fail(g->node, TN_E_UNSUPPORTED, "%s has no gradient here", g->node->type);
}

tn_grad_kind tn_grad_kind_of(const tn_op *op) {
    if (!op || !op->grad) return TN_GRAD_UNDECIDED;
    return op->grad == tn_grad_none ? TN_GRAD_NONE : op->grad == tn_grad_refused ? TN_GRAD_REFUSED : TN_GRAD_GIVEN;
}

static bool has_float(const tn_port *p) {
    for (; p && p->name; p++)
        if (p->types & TN_FLOATS) return true;
    return false;
}

tn_grad_kind tn_grad_kind_of_all(const tn_op *op, const tn_op *const *parts, int n) {
    tn_grad_kind all = TN_GRAD_NONE;
    if (!has_float(op->in) || !has_float(op->out)) return TN_GRAD_NONE;
    for (int i = 0; i < n; i++) {
        tn_grad_kind kind = tn_grad_kind_of(parts[i]);
        if (kind == TN_GRAD_UNDECIDED || kind == TN_GRAD_REFUSED) return TN_GRAD_REFUSED;
        if (kind == TN_GRAD_GIVEN) all = kind;
    }
    return all;
}

void tn_grad_fail(tn_grad *g, tn_status st, const char *fmt, ...) {
    char text[512];
    va_list ap;
    if (g->st != TN_OK) return;
    va_start(ap, fmt);
    tn_vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    g->st = tn_op_fail(g->node, st, "its gradient: %s", text);
}

/* ----------------------------------------------------------------------------------------------------------- nodes */

/* -------------------------------------------------------------------------------------------- the node's own values */

tn_value *tn_grad_x(tn_grad *g, int i) { return i < g->node->n_inputs ? g->node->inputs[i] : NULL; }

tn_value *tn_grad_y(tn_grad *g, int i) {
    tn_node *n = g->node;
    if (g->st != TN_OK) return NULL;
    if (i < n->n_outputs && n->outputs[i]) return n->outputs[i];
    tn_value *v = tn_value_new(n->graph, n->name);
    g->st = v ? tn_node_set_output(n, i, v) : TN_E_NOMEM;
    tn_build_typed(&g->build, n);
    return v;
}

tn_value *tn_grad_dy(tn_grad *g, int i) {
    if (g->st != TN_OK) return NULL;
    if (i < g->node->n_outputs && g->dy[i]) return g->dy[i];
    tn_value *y = tn_grad_y(g, i);
    return y ? tn_grad_fill(g, y, 0) : NULL;
}

int tn_grad_rank(tn_grad *g, const tn_value *v) {
    if (!v || g->st != TN_OK) return 0;
    if (v->type.kind == TN_KIND_TENSOR && v->type.rank >= 0) return v->type.rank;
    tn_grad_fail(g, TN_E_UNSUPPORTED, "how many dimensions '%s' has must be known", v->name);
    return 0;
}

/* ------------------------------------------------------------------------------------------------------- constants */

static tn_value *numbers(tn_grad *g, const float *f, const double *v, int rank, const int64_t *dims) {
    tn_tensor t = { 0 };
    if (g->st == TN_OK) g->st = tn_tensor_init(&t, g->dtype, rank, dims, TN_MEM_GRAPH);
    if (g->st != TN_OK) return NULL;
    for (int64_t i = 0; i < tn_count(&t); i++) tn_set_f64(g->dtype, t.data, i, f ? (double)f[i] : v[i]);
    return tn_build_tensor(&g->build, "const", &t);
}

tn_value *tn_grad_reals(tn_grad *g, const double *v, int rank, const int64_t *dims) {
    return numbers(g, NULL, v, rank, dims);
}

tn_value *tn_grad_floats(tn_grad *g, const float *v, int rank, const int64_t *dims) {
    return numbers(g, v, NULL, rank, dims);
}

tn_value *tn_grad_shape(tn_grad *g, tn_value *v) {
    if (g->st != TN_OK || !v) return NULL;
    if (tn_type_static(&v->type)) return tn_build_ints(&g->build, "ints", v->type.dims, v->type.rank);
    return tn_emit(&g->build, "Shape", v);
}

tn_value *tn_grad_fill(tn_grad *g, tn_value *like, double x) {
    if (g->st != TN_OK || !like) return NULL;
    if (like->type.kind == TN_KIND_SEQUENCE || like->type.kind == TN_KIND_OPTIONAL) return tn_grad_zeros_of(g, like);
    return tn_build_fill(&g->build, tn_grad_shape(g, like), like->type.dtype ? like->type.dtype : g->dtype, x);
}

/* ---------------------------------------------------------------------------------------------------------- shapes */

static bool same_shape(const tn_type *a, const tn_type *b) {
    if (a->kind != TN_KIND_TENSOR || b->kind != TN_KIND_TENSOR || a->rank < 0 || a->rank != b->rank) return false;
    for (int d = 0; d < a->rank; d++)
        if (!tn_dim_same(a->dims[d], b->dims[d])) return false;
    return true;
}

tn_value *tn_grad_reshape_like(tn_grad *g, tn_value *v, tn_value *like) {
    if (g->st != TN_OK || !v || !like) return NULL;
    if (same_shape(&v->type, &like->type)) return v;
    return tn_emit_int(&g->build, "Reshape", "allowzero", 1, v,
                       tn_grad_shape(g, like)); /* a 0 is a dimension without elements, not "as before" */
}

tn_value *tn_grad_transpose(tn_grad *g, tn_value *v, const int *perm, int rank) {
    int64_t p[TN_MAX_RANK];
    bool same = true;
    for (int i = 0; i < rank; i++) p[i] = perm[i], same &= perm[i] == i;
    if (same || g->st != TN_OK) return v;
    return tn_emit_with(&g->build, "Transpose", tn_attr_of_ints("perm", p, rank), v);
}

/* Shapes that only the run knows: the axes where x has 1 and v more are computed. */
static tn_value *sum_to_dynamic(tn_grad *g, tn_value *v, tn_value *x) {
    tn_value *sv = tn_grad_shape(g, v), *sx = tn_grad_shape(g, x);
    tn_value *missing = tn_emit(&g->build, "Sub", tn_emit(&g->build, "Shape", sv), tn_emit(&g->build, "Shape", sx));
    tn_value *ones = tn_emit(&g->build, "Expand", tn_build_int(&g->build, "int", 1), missing);
    tn_value *full = tn_emit_int(&g->build, "Concat", "axis", 0, ones, sx);
    tn_value *wide = tn_emit(&g->build, "Not", tn_emit(&g->build, "Equal", full, sv));
    tn_value *axes =
        tn_emit(&g->build, "Reshape", tn_emit(&g->build, "NonZero", wide), tn_build_int(&g->build, "int", -1));
    tn_value *out = tn_emit_int(&g->build, "ReduceSum", "noop_with_empty_axes", 1, v, axes);
    return out ? tn_emit_int(&g->build, "Reshape", "allowzero", 1, out, sx) : NULL;
}

tn_value *tn_grad_sum_to(tn_grad *g, tn_value *v, tn_value *x) {
    if (g->st != TN_OK || !v || !x) return NULL;
    const tn_type *tv = &v->type, *tx = &x->type;
    if (same_shape(tv, tx)) return v;
    if (tv->kind != TN_KIND_TENSOR || tx->kind != TN_KIND_TENSOR || tv->rank < 0 || tx->rank < 0)
        return sum_to_dynamic(g, v, x);
    int64_t axes[TN_MAX_RANK];
    int n = 0, lead = tv->rank - tx->rank;
    for (int d = 0; d < tv->rank; d++) {
        tn_dim dv = tv->dims[d], dx = d < lead ? 1 : tx->dims[d - lead];
        if (tn_dim_same(dv, dx)) {
            if (d < lead) axes[n++] = d;
        } else if (dx == 1) {
            axes[n++] = d;
        } else if (!tn_dim_known(dx) && dv != 1) {
            return sum_to_dynamic(g, v, x);
        }
    }
    if (n) {
        v = tn_emit_int(&g->build, "ReduceSum", "keepdims", lead <= 0, v, tn_build_ints(&g->build, "ints", axes, n));
    }
    return v && lead > 0 ? tn_grad_reshape_like(g, v, x) : v;
}

/* -------------------------------------------------------------------------------------------------- copied elements */

tn_value *tn_grad_positions(tn_grad *g, tn_value *x) {
    tn_grad_let(g, "positions_of", x);
    return tn_grad_formula(g, "Reshape{allowzero=1}(Range(#0, Size(positions_of), #1), Shape(positions_of))");
}

tn_value *tn_grad_scatter(tn_grad *g, tn_value *dy, tn_value *at, tn_value *x) {
    tn_grad_let(g, "scatter_dy", dy);
    tn_grad_let(g, "scatter_at", at);
    tn_grad_let(g, "scatter_like", x);
    tn_grad_let(g, "scatter_zero", tn_grad_fill(g, x, 0));
    tn_grad_formula(g, "scatter_flat = ScatterElements{reduction=add}(Reshape(scatter_zero, [-1]), "
                       "Reshape(scatter_at, [-1]), Reshape(scatter_dy, [-1]))");
    return tn_grad_formula(g, "Reshape{allowzero=1}(scatter_flat, Shape(scatter_like))");
}

tn_value *tn_grad_again(tn_grad *g, tn_value *x) {
    tn_value *in[64];
    int n = g->node->n_inputs;
    if (n > (int)TN_COUNT(in)) tn_grad_fail(g, TN_E_LIMIT, "%d inputs", n);
    if (g->st != TN_OK) return NULL;
    for (int i = 0; i < n; i++) in[i] = i ? g->node->inputs[i] : x;
    tn_node *again = tn_build_node(&g->build, g->node->domain, g->node->type, in, n, 1);
    tn_build_keep(&g->build, again, g->node, NULL);
    return tn_build_typed(&g->build, again);
}

/* ---------------------------------------------------------------------------------------------------------- bodies */

tn_graph *tn_grad_body(tn_grad *g, const char *name) {
    tn_graph *sub = g->st == TN_OK ? tn_graph_new(g->graph->model, g->graph, name) : NULL;
    if (!sub && g->st == TN_OK) g->st = TN_E_NOMEM;
    return sub;
}

tn_value *tn_grad_body_input(tn_grad *g, tn_graph *sub, const char *name, const tn_type *t) {
    tn_value *v = g->st == TN_OK ? tn_value_input(sub, name, t) : NULL;
    if (!v && g->st == TN_OK) g->st = TN_E_NOMEM;
    return v;
}

/* An output of a subgraph must be made in it. */
void tn_grad_body_output(tn_grad *g, tn_graph *sub, tn_value *v) {
    if (g->st != TN_OK) return;
    if (v->graph != sub || !v->producer) {
        tn_build b = tn_build_in(sub, NULL);
        tn_value *id = tn_emit(&b, "Identity", v);
        if (!tn_build_ok(&g->build, b.st)) return;
        id->type = v->type;
        v = id;
    }
    g->st = tn_graph_add_output(sub, v);
}

/* ---------------------------------------------------------------------------------------- through other operators */

tn_node *tn_grad_mark(tn_grad *g) { return g->before ? g->before->prev : g->graph->last; }

void tn_grad_through(tn_grad *g, tn_node *mark, tn_value *const *ys, int n) {
    enum { MOST = 64 };
    tn_value *xs[MOST + TN_GRAD_VALUES], *dxs[MOST + TN_GRAD_VALUES], *y[MOST], *dy[MOST];
    int at[MOST], n_in = 0, n_ys = 0, n_xs;
    tn_grad_values caps = { .n = 0 };
    for (int i = 0; i < g->node->n_inputs && n_in < MOST; i++)
        if (g->wants[i] && g->node->inputs[i]) at[n_in] = i, xs[n_in++] = g->node->inputs[i];
    for (int i = 0; i < n && i < g->node->n_outputs && n_ys < MOST; i++)
        if (ys[i] && g->dy[i]) y[n_ys] = ys[i], dy[n_ys++] = g->dy[i];
    for (int i = 0; i < g->node->n_attrs; i++)
        if (g->node->attrs[i].kind == TN_ATTR_GRAPH) tn_grad_captured(g, g->node->attrs[i].graph, &caps);
    n_xs = n_in;
    for (int i = 0; i < caps.n; i++) {
        bool is_input = false;
        for (int k = 0; k < n_in; k++) is_input |= xs[k] == caps.v[i];
        if (!is_input) xs[n_xs++] = caps.v[i];
    }
    if (g->st != TN_OK) return;
    tn_gradient_job job = {
        .graph = g->graph, .before = g->before, .after = mark, .ys = y, .dys = dy, .n_ys = n_ys, .xs = xs, .n_xs = n_xs
    };
    g->st = tn_gradient(&job, dxs);
    for (int i = 0; i < n_in && g->st == TN_OK; i++) { /* an input may be there twice: its gradient came whole, once */
        bool again = false;
        for (int k = 0; k < i; k++) again |= xs[k] == xs[i];
        g->dx[at[i]] = again ? NULL : dxs[i];
    }
    for (int i = n_in; i < n_xs; i++) tn_grad_give(g, xs[i], dxs[i]);
    if (g->st != TN_OK) tn_fail_at(g->st, "the gradient of %s", tn_node_where(g->node));
}

/* Operators that copy some elements and put zeros elsewhere, run on positions counted from 1: 0 is nowhere. `at` is
 * what came out. */
tn_value *tn_grad_from_places(tn_grad *g, tn_value *at, tn_value *x) {
    tn_grad_let(g, "at", at);
    tn_grad_formula(g, "at = Cast{to=7}(at); none = Equal(at, #0)");
    tn_value *flow = tn_grad_formula(g, "Where(none, 0, dy)");
    return tn_grad_scatter(g, flow, tn_grad_formula(g, "Where(none, #0, at - #1)"), x);
}

tn_value *tn_grad_places(tn_grad *g, tn_value *x) {
    tn_grad_let(g, "places", tn_grad_positions(g, x));
    return tn_grad_formula(g, "places + #1");
}
