/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* control_grad.c - gradients through If, Scan and Loop.
 *
 * If      another If on the same condition, whose branches run the branch again and then its gradient.
 * Scan    the forward node is made to keep the state each step began with (one more scanned output per state). Backward
 *         is a Scan over those, last step first: a step runs the body again from its saved state, then the body's
 *         gradient. Its own states are the gradient of the state and the sums for captured outer values.
 * Loop    the same; the number of steps is the length of what was kept. loop_grad.c where a Scan does not do. */
#include "op/control/grads.h"
#include "op/control/steps_grad.h"
#include "op/core/gradient.h"
#include <string.h>

/* ------------------------------------------------------------------------------------------------- captured values */

typedef tn_grad_values value_list;
enum { MOST = TN_GRAD_VALUES };

static void note(tn_grad *g, value_list *l, tn_value *v, int depth) {
    if (!v || v->graph->depth >= depth || !tn_grad_depends(g, v)) return;
    for (int i = 0; i < l->n; i++)
        if (l->v[i] == v) return;
    if (l->n == MOST)
        tn_grad_fail(g, TN_E_LIMIT, "more than %d captured values", MOST);
    else
        l->v[l->n++] = v;
}

static void captured(tn_grad *g, const tn_graph *sub, int depth, value_list *l) {
    for (const tn_node *n = sub->first; n; n = n->next) {
        for (int i = 0; i < n->n_inputs; i++) note(g, l, n->inputs[i], depth);
        for (int a = 0; a < n->n_attrs; a++) {
            if (n->attrs[a].kind == TN_ATTR_GRAPH) captured(g, n->attrs[a].graph, depth, l);
            for (size_t k = 0; n->attrs[a].kind == TN_ATTR_GRAPHS && k < n->attrs[a].n; k++)
                captured(g, n->attrs[a].graphs[k], depth, l);
        }
    }
    for (int i = 0; i < sub->n_outputs; i++) note(g, l, sub->outputs[i], depth);
}

void tn_grad_captured(tn_grad *g, const tn_graph *sub, tn_grad_values *l) { captured(g, sub, sub->depth, l); }

static bool is_tensor(const tn_value *v) {
    return v->type.kind != TN_KIND_SEQUENCE && v->type.kind != TN_KIND_OPTIONAL;
}

static bool real(const tn_value *v) {
    return is_tensor(v) ? v->type.kind == TN_KIND_TENSOR && tn_dtype_is_float(v->type.dtype)
                        : tn_grad_differentiable(&v->type);
}

/* Whether a state keeps its shape from step to step, as far as that is known. */
static bool steady(const tn_value *first, const tn_value *later) {
    const tn_type *a = &first->type, *b = &later->type;
    if (!is_tensor(first) || !is_tensor(later)) return false;
    if (a->rank != b->rank) return false;
    for (int d = 0; d < a->rank; d++)
        if (!tn_dim_same(a->dims[d], b->dims[d])) return false;
    return true;
}

/* -------------------------------------------------------------------------------------------------------------- If */

static tn_graph *branch_back(tn_grad *g, const tn_graph *branch, const value_list *caps) {
    tn_model *m = g->graph->model;
    tn_graph *sub = tn_graph_new(m, g->graph, branch->name);
    tn_value **outs = tn_arena_array(m->arena, tn_value *, (size_t)branch->n_outputs + 1);
    tn_value *dxs[MOST];
    if (!sub || !outs) {
        g->st = TN_E_NOMEM;
        return NULL;
    }
    g->st = tn_graph_inline(sub, NULL, branch, NULL, "again/", outs);
    tn_value *ys[MOST], *dys[MOST];
    int n = 0;
    for (int i = 0; i < branch->n_outputs && i < g->node->n_outputs && n < MOST; i++)
        if (g->dy[i]) ys[n] = outs[i], dys[n++] = g->dy[i];
    tn_gradient_job job = { .graph = sub, .ys = ys, .dys = dys, .n_ys = n, .xs = caps->v, .n_xs = caps->n };
    if (g->st == TN_OK) g->st = tn_gradient_or_zeros(&job, dxs);
    for (int i = 0; i < caps->n && g->st == TN_OK; i++) tn_grad_body_output(g, sub, dxs[i]);
    return sub;
}

tn_status tn_grad_if(tn_grad *g) {
    static const char *const names[] = { "then_branch", "else_branch" };
    value_list *caps = tn_arena_new_of(g->graph->model->arena, value_list);
    if (!caps) return tn_fail(TN_E_NOMEM, "the gradient of %s", tn_node_where(g->node));
    for (int b = 0; b < 2; b++) {
        const tn_graph *branch = tn_attr_graph(g->node, names[b]);
        tn_grad_captured(g, branch, caps);
    }
    if (!caps->n || g->st != TN_OK) return g->st;
    tn_node *n = tn_build_node(&g->build, "", "If", (tn_value *[]){ tn_grad_x(g, 0) }, 1, caps->n);
    for (int b = 0; b < 2 && g->st == TN_OK; b++)
        tn_build_attr(&g->build, n, tn_attr_of_graph(names[b], branch_back(g, tn_attr_graph(g->node, names[b]), caps)));
    for (int i = 0; i < caps->n && g->st == TN_OK; i++) {
        n->outputs[i]->type = caps->v[i]->type;
        tn_grad_give(g, caps->v[i], n->outputs[i]);
    }
    return g->st;
}

/* -------------------------------------------------------------------------------------------------------- backwards */

static tn_type slice_type(const tn_type *t) { /* without one dimension; the rest is inferred later */
    tn_type s = *t;
    if (s.rank > 0) s.rank--;
    for (int d = 0; d < s.rank; d++) s.dims[d] = TN_DIM_UNKNOWN;
    return s;
}

static tn_value *true_value(tn_grad *g, tn_graph *sub) {
    tn_tensor t = { 0 };
    if (g->st == TN_OK) g->st = tn_tensor_init(&t, TN_BOOL, 0, NULL, TN_MEM_GRAPH);
    if (g->st != TN_OK) return NULL;
    *(uint8_t *)t.data = 1;
    tn_value *v = tn_value_constant(sub, "go", &t);
    if (!v) g->st = TN_E_NOMEM;
    tn_tensor_reset(&t);
    return v;
}

static tn_value *add(tn_grad *g, tn_graph *sub, tn_value *a, tn_value *b) {
    tn_grad inner = *g;
    inner.graph = sub, inner.before = NULL;
    tn_value *v = tn_grad_add(&inner, a, b);
    g->st = inner.st;
    return v;
}

/* The body of the backward Scan: inputs are the states' gradients, the sums for captured values, then the slices. */
static tn_graph *back_body(tn_grad *g, tn_steps *s) {
    tn_model *m = g->graph->model;
    tn_graph *sub = tn_graph_new(m, g->graph, "back");
    int n = s->body->n_inputs, n_ys = 0, n_xs = 0;
    tn_value *bind[MOST], *ys[2 * MOST], *dys[2 * MOST], *xs[2 * MOST], *dxs[2 * MOST], *sums[MOST], *outs[MOST];
    int out_of[2 * MOST];
    if (!sub || s->body->n_outputs > MOST) {
        g->st = sub ? tn_fail(TN_E_LIMIT, "more than %d outputs of a body", MOST) : TN_E_NOMEM;
        return NULL;
    }
    for (int i = 0; i < n; i++)
        if (s->in[i].state)
            out_of[n_ys] = s->in[i].out, dys[n_ys++] = tn_grad_body_input(g, sub, "d_state", &s->in[i].d_final->type);
    for (int i = 0; i < s->caps.n; i++) sums[i] = tn_grad_body_input(g, sub, "d_captured", &s->caps.v[i]->type);
    for (int i = 0; i < n; i++) {
        bind[i] = s->in[i].from ? tn_grad_body_input(g, sub, "saved", &s->body->inputs[i]->type) : true_value(g, sub);
        if (g->st == TN_OK && s->in[i].from && s->in[i].from->type.kind == TN_KIND_TENSOR && bind[i]->type.rank < 0)
            bind[i]->type = slice_type(&s->in[i].from->type);
    }
    for (int i = 0; i < s->n_out; i++) {
        tn_type t = s->body->outputs[s->out[i].out]->type;
        if (t.kind == TN_KIND_NONE) t = slice_type(&s->out[i].dy->type);
        out_of[n_ys] = s->out[i].out, dys[n_ys++] = tn_grad_body_input(g, sub, "d_scanned", &t);
    }
    if (g->st == TN_OK) g->st = tn_graph_inline(sub, NULL, s->body, bind, "again/", outs);
    if (g->st != TN_OK) return NULL;
    for (int i = 0; i < n_ys; i++) ys[i] = outs[out_of[i]];
    for (int i = 0; i < n; i++)
        if (s->in[i].state) xs[n_xs++] = bind[i];
    int n_states = n_xs;
    for (int i = 0; i < s->caps.n; i++) xs[n_xs++] = s->caps.v[i];
    for (int i = 0; i < n; i++)
        if (!s->in[i].state && s->in[i].give >= 0) xs[n_xs++] = bind[i];
    tn_gradient_job job = { .graph = sub, .ys = ys, .dys = dys, .n_ys = n_ys, .xs = xs, .n_xs = n_xs };
    g->st = tn_gradient_or_zeros(&job, dxs);
    for (int i = 0; i < n_xs && g->st == TN_OK; i++) {
        int c = i - n_states;
        tn_grad_body_output(g, sub, c >= 0 && c < s->caps.n ? add(g, sub, sums[c], dxs[i]) : dxs[i]);
    }
    return sub;
}

static void backwards(tn_grad *g, tn_steps *s) {
    int n = s->body->n_inputs, n_in = 0, n_states = 0, n_out, k = 0, stacked = 0;
    tn_value *in[4 * MOST], *like[3 * MOST];
    int64_t axes[2 * MOST], directions[2 * MOST], out_axes[MOST], out_directions[MOST];
    tn_graph *sub = back_body(g, s);
    if (g->st != TN_OK) return;
    for (int i = 0; i < n; i++)
        if (s->in[i].state) like[n_in] = s->in[i].d_final, in[n_in++] = s->in[i].d_final;
    for (int i = 0; i < s->caps.n; i++) like[n_in] = s->caps.v[i], in[n_in++] = tn_grad_fill(g, s->caps.v[i], 0);
    n_states = n_in;
    for (int i = 0; i < n; i++)
        if (s->in[i].from) in[n_in++] = s->in[i].from, axes[k] = s->in[i].axis, directions[k++] = !s->in[i].direction;
    for (int i = 0; i < s->n_out; i++)
        in[n_in++] = s->out[i].dy, axes[k] = s->out[i].axis, directions[k++] = !s->out[i].direction;
    n_out = n_states;
    for (int i = 0; i < n; i++)
        if (!s->in[i].state && s->in[i].give >= 0) {
            like[n_out++] = s->in[i].from;
            out_axes[stacked] = s->in[i].axis, out_directions[stacked++] = !s->in[i].direction;
        }
    tn_node *scan = tn_build_node(&g->build, "", "Scan", in, n_in, n_out);
    if (!scan) return;
    tn_build_attr(&g->build, scan, tn_attr_of_graph("body", sub));
    if (g->st == TN_OK) g->st = tn_attr_set_int(scan, "num_scan_inputs", k);
    if (g->st == TN_OK) g->st = tn_attr_set_ints(scan, "scan_input_axes", axes, k);
    if (g->st == TN_OK) g->st = tn_attr_set_ints(scan, "scan_input_directions", directions, k);
    if (g->st == TN_OK && stacked) g->st = tn_attr_set_ints(scan, "scan_output_axes", out_axes, stacked);
    if (g->st == TN_OK && stacked) g->st = tn_attr_set_ints(scan, "scan_output_directions", out_directions, stacked);
    for (int i = 0; i < n_out && g->st == TN_OK; i++) scan->outputs[i]->type = like[i]->type;
    int at = 0, slice = n_states;
    for (int i = 0; i < n && g->st == TN_OK; i++)
        if (s->in[i].state && s->in[i].give >= 0)
            g->dx[s->in[i].give] = scan->outputs[at++];
        else if (s->in[i].state)
            at++;
        else if (s->in[i].give >= 0)
            g->dx[s->in[i].give] = scan->outputs[slice++];
    for (int i = 0; i < s->caps.n && g->st == TN_OK; i++) tn_grad_give(g, s->caps.v[i], scan->outputs[at++]);
}

/* One more scanned output of the forward node: what a body's input is at each step. */
static tn_value *kept(tn_grad *g, tn_graph *body, tn_value *v, int place) {
    tn_grad_body_output(g, body, v);
    tn_value *out = g->st == TN_OK ? tn_value_new(g->node->graph, "kept") : NULL;
    if (!out) {
        if (g->st == TN_OK) g->st = TN_E_NOMEM;
        return NULL;
    }
    g->st = tn_node_set_output(g->node, place, out);
    out->type = v->type;
    if (out->type.rank >= 0 && out->type.rank < TN_MAX_RANK) {
        memmove(out->type.dims + 1, v->type.dims, sizeof v->type.dims[0] * (size_t)v->type.rank);
        out->type.dims[0] = TN_DIM_UNKNOWN;
        out->type.rank++;
    }
    return out;
}

static int64_t listed(const tn_node *n, const char *name, int i) {
    int count;
    const int64_t *v = tn_attr_ints(n, name, &count);
    return v && i < count ? v[i] : 0;
}

static tn_steps *start(tn_grad *g) {
    tn_graph *body = tn_attr_graph(g->node, "body");
    tn_steps *s = tn_arena_new_of(g->graph->model->arena, tn_steps);
    if (!s || !body || body->n_inputs > MOST || body->n_outputs > MOST) {
        g->st = s ? tn_op_fail(g->node, TN_E_LIMIT, "its body is too wide") : tn_fail(TN_E_NOMEM, "a gradient");
        return NULL;
    }
    s->body = body;
    tn_grad_captured(g, body, &s->caps);
    return g->st == TN_OK ? s : NULL;
}

tn_status tn_grad_scan(tn_grad *g) {
    tn_steps *s = start(g);
    if (!s) return g->st;
    int64_t scanned = tn_attr_int(g->node, "num_scan_inputs", 0);
    if (scanned < 0 || scanned > g->node->n_inputs)
        return tn_op_fail(g->node, TN_E_GRAPH, "num_scan_inputs is %lld of %d inputs", (long long)scanned,
                          g->node->n_inputs);
    int states = g->node->n_inputs - (int)scanned, outs = s->body->n_outputs;
    int given = g->node->n_outputs;
    for (int i = 0; i < s->body->n_inputs && g->st == TN_OK; i++) {
        tn_step_input *b = &s->in[i];
        *b = (tn_step_input){ .give = tn_grad_wants(g, i) ? i : -1 };
        if (i >= states) {
            b->from = tn_grad_x(g, i);
            b->axis = listed(g->node, "scan_input_axes", i - states);
            b->direction = listed(g->node, "scan_input_directions", i - states);
            continue;
        }
        b->state = real(tn_grad_x(g, i));
        b->out = i;
        if (b->state) b->d_final = tn_grad_dy(g, i);
    }
    for (int i = states; i < outs && i < given; i++)
        if (g->dy[i])
            s->out[s->n_out++] = (tn_step_output){ i, g->dy[i], listed(g->node, "scan_output_axes", i - states),
                                                   listed(g->node, "scan_output_directions", i - states) };
    for (int i = 0; i < states && g->st == TN_OK; i++)
        s->in[i].from = kept(g, s->body, s->body->inputs[i], s->body->n_outputs);
    (tn_steps_need_loop(s) ? tn_steps_by_loop : backwards)(g, s);
    return g->st;
}

tn_status tn_grad_loop(tn_grad *g) {
    tn_steps *s = start(g);
    if (!s) return g->st;
    int carried = s->body->n_inputs - 2, outs = s->body->n_outputs, given = g->node->n_outputs;
    s->in[0] = s->in[1] = (tn_step_input){ .give = -1 };
    for (int i = 0; i < carried && g->st == TN_OK; i++) {
        tn_step_input *b = &s->in[i + 2];
        const tn_value *x = tn_grad_x(g, i + 2);
        *b = (tn_step_input){ .give = tn_grad_wants(g, i + 2) ? i + 2 : -1, .out = i + 1 };
        b->state = x && real(x);
        b->again = x && !steady(x, s->body->inputs[i + 2]);
        if (b->state) b->d_final = tn_grad_dy(g, i);
    }
    for (int i = 1 + carried; i < outs && i - 1 < given; i++)
        if (g->dy[i - 1]) s->out[s->n_out++] = (tn_step_output){ i, g->dy[i - 1], 0, 0 };
    for (int i = 0; i < s->body->n_inputs && g->st == TN_OK;
         i++) /* the condition, output 0 of the body, is none of the node's */
        if (i != 1 && !s->in[i].again) s->in[i].from = kept(g, s->body, s->body->inputs[i], s->body->n_outputs - 1);
    (tn_steps_need_loop(s) ? tn_steps_by_loop : backwards)(g, s);
    return g->st;
}
