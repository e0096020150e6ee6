/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* training.c - the Gradient operator (ai.onnx.preview.training): it stands in a file only, and is rewritten by reverse
 * differentiation when a model is loaded.
 *
 * Its inputs are values for the tensors that xs and zs name, and what it differentiates (y) and how are the nodes of
 * the graph between those names: a dependence that inputs do not show. So before the graph is sorted the named values
 * become inputs, too: [given xs and zs .., named xs and zs .., y]. */
#include "op/core/grad.h"
#include "op/core/gradient.h"
#include "op/core/support.h"
#include <string.h>

#define DOMAIN "ai.onnx.preview.training"

static bool is_gradient(const tn_node *n) { return !strcmp(n->type, "Gradient") && !strcmp(n->domain, DOMAIN); }

typedef struct {
    tn_strings xs, zs;
    tn_string y;
} gradient;
static const tn_attr_spec attrs[] = { { TN_STRINGS_OF(gradient, xs), .required = true },
                                      { TN_STRING_OF(gradient, y, NULL), .required = true },
                                      { TN_STRINGS_OF(gradient, zs) },
                                      { 0 } };

static tn_status append_named(tn_node *n, tn_string name) {
    char text[4097];
    if (name.len >= sizeof text) return tn_op_fail(n, TN_E_GRAPH, "it names a tensor of %zu letters", name.len);
    if (name.len) memcpy(text, name.ptr, name.len);
    text[name.len] = 0;
    tn_value *v = tn_map_gets(n->graph->model->names, text);
    if (!v || v->graph != n->graph) return tn_op_fail(n, TN_E_GRAPH, "there is no tensor '%.200s'", text);
    return tn_node_set_input(n, n->n_inputs, v);
}

tn_status tn_gradient_nodes_open(tn_model *m) {
    tn_graph_each(m->graph, n) {
        if (!is_gradient(n)) continue;
        gradient a;
        TN_TRY(tn_op_check_node(n));
        TN_TRY(tn_op_fill_attrs(n, attrs, &a));
        if ((size_t)n->n_inputs != a.xs.n + a.zs.n)
            return tn_op_fail(n, TN_E_GRAPH, "has %d inputs for %zu names in xs and zs", n->n_inputs, a.xs.n + a.zs.n);
        if ((size_t)n->n_outputs > a.xs.n)
            return tn_op_fail(n, TN_E_GRAPH, "has %d outputs for %zu names in xs", n->n_outputs, a.xs.n);
        for (size_t i = 0; i < a.xs.n; i++) TN_TRY(append_named(n, a.xs.v[i]));
        for (size_t i = 0; i < a.zs.n; i++) TN_TRY(append_named(n, a.zs.v[i]));
        TN_TRY(append_named(n, a.y));
    }
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------- at other values */

/* The nodes from the named values to y once more, with the given inputs in the names' place. */
static tn_status copy_slice(tn_node *grad, int count, tn_value **xs, tn_value **y) {
    tn_model *m = grad->graph->model;
    tn_value **twin = tn_arena_array(m->arena, tn_value *, (size_t)m->n_values + 1), *in[64];
    int ids = m->n_values;
    tn_build b = tn_build_in(grad->graph, grad);
    if (!twin) return tn_fail(TN_E_NOMEM, "a gradient");
    for (int i = 0; i < count; i++) {
        tn_value *v = tn_emit(&b, "Identity", grad->inputs[i]);
        if (!v) return b.st;
        v->type = grad->inputs[i]->type;
        twin[grad->inputs[count + i]->id] = xs[i] = v;
    }
    for (tn_node *n = grad->graph->first, *end = xs[0]->producer; n && n != end; n = n->next) {
        bool inside = false;
        for (int i = 0; i < n->n_inputs; i++)
            inside |= n->inputs[i] && n->inputs[i]->id < ids && twin[n->inputs[i]->id] != NULL;
        if (!inside) continue;
        if (n->n_inputs > (int)TN_COUNT(in) || (n->op && n->op->flags & TN_OP_SUBGRAPH))
            return tn_op_fail(grad, TN_E_UNSUPPORTED, "%s cannot be copied to other values", tn_node_where(n));
        for (int i = 0; i < n->n_inputs; i++) {
            tn_value *t = n->inputs[i] && n->inputs[i]->id < ids ? twin[n->inputs[i]->id] : NULL;
            in[i] = t ? t : n->inputs[i];
        }
        tn_node *c = tn_build_node(&b, n->domain, n->type, in, n->n_inputs, n->n_outputs);
        tn_build_keep(&b, c, n, NULL);
        TN_TRY(b.st);
        c->version = n->version;
        for (int i = 0; i < n->n_outputs; i++) {
            if (!n->outputs[i]) continue;
            c->outputs[i]->type = n->outputs[i]->type;
            if (!twin[n->outputs[i]->id]) twin[n->outputs[i]->id] = c->outputs[i];
        }
    }
    if (twin[(*y)->id]) *y = twin[(*y)->id];
    return TN_OK;
}

static tn_status check_floats(const tn_node *n, const tn_value *v) {
    if (v->type.kind == TN_KIND_TENSOR && tn_dtype_is_float(v->type.dtype)) return TN_OK;
    return tn_op_fail(n, TN_E_TYPE, "'%.200s' is no tensor of floats", v->name);
}

static tn_status rewrite(tn_node *n) {
    gradient a;
    TN_TRY(tn_op_fill_attrs(n, attrs, &a));
    int nx = (int)a.xs.n, count = nx + (int)a.zs.n; /* as many as it has inputs */
    tn_arena *arena = n->graph->model->arena;
    tn_value **xs = tn_arena_array(arena, tn_value *, (size_t)count + 1), *y = n->inputs[2 * count];
    tn_value **dxs = tn_arena_array(arena, tn_value *, (size_t)count + 1);
    bool same = true;
    if (!xs || !dxs) return tn_fail(TN_E_NOMEM, "a gradient");
    TN_TRY(check_floats(n, y));
    for (int i = 0; i < count; i++) {
        xs[i] = n->inputs[count + i];
        same &= n->inputs[i] == xs[i];
        if (i < nx) TN_TRY(check_floats(n, xs[i]));
    }
    if (!same && count) TN_TRY(copy_slice(n, count, xs, &y));
    tn_gradient_job job = {
        .graph = n->graph, .before = n, .ys = &y, .n_ys = 1, .xs = xs, .n_xs = count, .partial = true
    };
    tn_status st = tn_gradient_or_zeros(&job, dxs);
    if (st != TN_OK) return tn_fail_at(st, "%s", tn_node_where(n));
    for (int i = 0; i < nx && i < n->n_outputs; i++)
        if (n->outputs[i]) TN_TRY(tn_value_replace(n->outputs[i], dxs[i]));
    tn_node_remove(n);
    return TN_OK;
}

tn_status tn_gradient_nodes(tn_model *m) {
    tn_graph_each(m->graph, n) {
        if (!is_gradient(n)) continue;
        TN_TRY(rewrite(n));
        TN_TRY(tn_graph_infer(m->graph)); /* the next one may differentiate what this one gave */
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------- row */

static tn_status gradient_infer(tn_infer *c) {
    for (int i = 0; i < c->n_out && i < c->n_in; i++)
        if (c->in[i]) c->out[i] = *c->in[i];
    return TN_OK;
}

static tn_status gradient_run(tn_run *r) {
    return tn_op_fail(r->node, TN_E_UNSUPPORTED, "a gradient is taken in the main graph only");
}

static const tn_port any_many[] = { { "Inputs", TN_ANY_TYPE, 0, .variadic = true }, { 0 } };
static const tn_port out_many[] = { { "Outputs", TN_FLOATS, 0, .optional = true, .variadic = true }, { 0 } };

const tn_op tn_ops_training[] = {
    { .name = "Gradient",
      .domain = DOMAIN,
      .since = 1,
      .in = any_many,
      .out = out_many,
      TN_ATTRS(attrs, gradient),
      .infer = gradient_infer,
      .run = gradient_run,
      .grad = tn_grad_refused, /* gone before anything is differentiated */
      .doc = "partial derivatives of a tensor of the graph; rewritten on load" },
    { 0 },
};
