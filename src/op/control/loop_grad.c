/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* loop_grad.c - steps run backwards by a Loop: where a state or a captured value is a sequence or an optional, or a
 * state changes its shape, so that a Scan could neither carry nor stack it. States that cannot be stacked are not kept:
 * step t begins by running the first t steps again, which costs time (T^2 / 2 steps) and no memory. */
#include "op/control/steps_grad.h"
#include "op/core/gradient.h"
#include <string.h>

enum { MOST = TN_STEPS_MOST };

static bool plain(const tn_value *v) { return v->type.kind == TN_KIND_TENSOR || v->type.kind == TN_KIND_NONE; }

bool tn_steps_need_loop(const tn_steps *s) {
    for (int i = 0; i < s->body->n_inputs; i++)
        if (s->in[i].again) return true;
    for (int i = 0; i < s->caps.n; i++)
        if (!plain(s->caps.v[i])) return true;
    return false;
}

/* How many steps there were: a scalar. */
static tn_value *count_steps(tn_grad *g, const tn_steps *s) {
    for (int i = 0; i < s->body->n_inputs; i++) {
        const tn_step_input *in = &s->in[i];
        if (!in->from || in->whole) continue;
        tn_grad_let(g, "counted", in->from);
        if (!plain(in->from)) return tn_grad_formula(g, "count = SequenceLength(counted)");
        return tn_grad_formula(g, "count = Gather(Shape(counted), #%lld)", (long long)in->axis);
    }
    tn_grad_fail(g, TN_E_UNSUPPORTED, "how many steps were taken is not kept");
    return NULL;
}

/* The first t steps of a Loop again ("now"); returns the node, whose outputs are its states. */
static tn_node *earlier_steps(tn_grad *b, const tn_grad *g, const tn_steps *s) {
    const tn_node *n = g->node;
    int carried = s->body->n_inputs - 2;
    tn_value *bind[MOST], *outs[MOST], *in[MOST];
    tn_graph *sub = tn_grad_body(b, "earlier");
    for (int i = 0; i < s->body->n_inputs; i++)
        bind[i] = tn_grad_body_input(b, sub, "again", &s->body->inputs[i]->type);
    if (b->st == TN_OK) b->st = tn_graph_inline(sub, NULL, s->body, bind, "again/", outs);
    for (int i = 0; i <= carried; i++) tn_grad_body_output(b, sub, b->st == TN_OK ? outs[i] : NULL);
    for (int i = 0; i < n->n_inputs; i++) in[i] = n->inputs[i];
    in[0] = tn_grad_formula(b, "now");
    tn_node *loop = b->st == TN_OK ? tn_build_node(&b->build, "", "Loop", in, n->n_inputs, carried) : NULL;
    tn_build_attr(&b->build, loop, tn_attr_of_graph("body", sub));
    for (int i = 0; loop && i < carried; i++) loop->outputs[i]->type = s->body->inputs[i + 2]->type;
    return loop;
}

/* One slice of what was kept, or one item: that of forward step "now", of backward step "step". */
static tn_value *slice(tn_grad *b, tn_value *from, int64_t axis, int64_t direction) {
    tn_grad_let(b, "from", from);
    if (!plain(from)) return tn_grad_formula(b, "SequenceAt(from, now)");
    return tn_grad_formula(b, "Gather{axis=%lld}(from, %s)", (long long)axis, direction ? "step" : "now");
}

static void bind_inputs(tn_grad *b, const tn_grad *g, const tn_steps *s, tn_value **bind) {
    tn_node *earlier = NULL;
    for (int i = 0; i < s->body->n_inputs && b->st == TN_OK; i++) {
        const tn_step_input *in = &s->in[i];
        if (in->again) {
            if (!earlier) earlier = earlier_steps(b, g, s);
            bind[i] = earlier ? earlier->outputs[i - 2] : NULL;
        } else if (!in->from) {
            bind[i] = tn_grad_formula(b, "Equal(now, now)");
        } else {
            bind[i] =
                in->whole ? tn_emit(&b->build, "Identity", in->from) : slice(b, in->from, in->axis, in->direction);
        }
    }
}

/* The body of the backward Loop: the step, the condition, the states' gradients, the sums for captured values. */
static tn_graph *back_body(tn_grad *g, const tn_steps *s, tn_value *last) {
    tn_value *bind[MOST], *outs[MOST], *sums[MOST], *ys[2 * MOST], *dys[2 * MOST], *xs[2 * MOST], *dxs[2 * MOST];
    int n = s->body->n_inputs, n_ys = 0, n_xs = 0, states, out_of[2 * MOST];
    tn_type step = { .kind = TN_KIND_TENSOR, .dtype = TN_I64 }, go = { .kind = TN_KIND_TENSOR, .dtype = TN_BOOL };
    tn_grad b = *g;
    b.n_names = 0, b.before = NULL, b.graph = tn_grad_body(g, "back"), b.st = g->st;
    tn_grad_let(&b, "step", tn_grad_body_input(&b, b.graph, "step", &step));
    tn_value *on = tn_grad_body_input(&b, b.graph, "go", &go);
    for (int i = 0; i < n; i++)
        if (s->in[i].state)
            out_of[n_ys] = s->in[i].out,
            dys[n_ys++] = tn_grad_body_input(&b, b.graph, "d_state", &s->in[i].d_final->type);
    states = n_ys;
    for (int i = 0; i < s->caps.n; i++) sums[i] = tn_grad_body_input(&b, b.graph, "d_captured", &s->caps.v[i]->type);
    tn_grad_let(&b, "last", last);
    tn_grad_formula(&b, "now = last - step");
    bind_inputs(&b, g, s, bind);
    for (int i = 0; i < s->n_out; i++)
        out_of[n_ys] = s->out[i].out, dys[n_ys++] = slice(&b, s->out[i].dy, s->out[i].axis, s->out[i].direction);
    tn_node *mark = b.graph ? b.graph->last : NULL; /* how the inputs came to be is no part of the step */
    if (b.st == TN_OK) b.st = tn_graph_inline(b.graph, NULL, s->body, bind, "again/", outs);
    for (int i = 0; i < n_ys && b.st == TN_OK; i++) ys[i] = outs[out_of[i]];
    for (int i = 0; i < n && b.st == TN_OK; i++)
        if (s->in[i].state) xs[n_xs++] = bind[i];
    for (int i = 0; i < s->caps.n; i++) xs[n_xs++] = s->caps.v[i];
    for (int i = 0; i < n && b.st == TN_OK; i++)
        if (!s->in[i].state && s->in[i].give >= 0) xs[n_xs++] = bind[i];
    tn_gradient_job job = {
        .graph = b.graph, .after = mark, .ys = ys, .dys = dys, .n_ys = n_ys, .xs = xs, .n_xs = n_xs
    };
    if (b.st == TN_OK) b.st = tn_gradient_or_zeros(&job, dxs);
    tn_grad_body_output(&b, b.graph, on);
    for (int i = 0; i < n_xs && b.st == TN_OK; i++) {
        int c = i - states;
        tn_grad_body_output(&b, b.graph, c >= 0 && c < s->caps.n ? tn_grad_add(&b, sums[c], dxs[i]) : dxs[i]);
    }
    g->st = b.st;
    return b.graph;
}

/* Slices stacked by backward steps, along axis 0, as the forward node's input has them. */
static tn_value *restack(tn_grad *g, tn_value *v, const tn_step_input *in) {
    int rank = tn_grad_rank(g, in->from), perm[TN_MAX_RANK], axis = tn_grad_axis(in->axis, rank);
    tn_grad_let(g, "stack", v);
    if (!in->direction) v = tn_grad_formula(g, "Gather(stack, Range(last, #-1, #-1))");
    for (int d = 0; d < rank; d++) perm[d] = d == axis ? 0 : d < axis ? d + 1 : d;
    return tn_grad_transpose(g, v, perm, rank);
}

void tn_steps_by_loop(tn_grad *g, tn_steps *s) {
    tn_value *in[2 * MOST + 2] = { count_steps(g, s), NULL };
    int n = s->body->n_inputs, n_in = 2, n_out, at = 0;
    tn_value *last = tn_grad_formula(g, "last = count - #1");
    if (s->body->n_outputs > MOST) tn_grad_fail(g, TN_E_LIMIT, "more than %d outputs of its body", MOST);
    if (g->st != TN_OK) return;
    tn_graph *sub = back_body(g, s, last);
    if (g->st != TN_OK) return;
    for (int i = 0; i < n; i++)
        if (s->in[i].state) in[n_in++] = s->in[i].d_final;
    for (int i = 0; i < s->caps.n; i++) in[n_in++] = tn_grad_fill(g, s->caps.v[i], 0);
    n_out = n_in - 2;
    for (int i = 0; i < n; i++) n_out += !s->in[i].state && s->in[i].give >= 0;
    tn_node *loop = g->st == TN_OK ? tn_build_node(&g->build, "", "Loop", in, n_in, n_out) : NULL;
    tn_build_attr(&g->build, loop, tn_attr_of_graph("body", sub));
    if (g->st != TN_OK) return;
    for (int i = 0; i < n; i++)
        if (s->in[i].state) {
            loop->outputs[at]->type = tn_grad_x(g, i)->type;
            if (s->in[i].give >= 0) g->dx[s->in[i].give] = loop->outputs[at];
            at++;
        }
    for (int i = 0; i < s->caps.n; i++) {
        loop->outputs[at]->type = s->caps.v[i]->type;
        tn_grad_give(g, s->caps.v[i], loop->outputs[at++]);
    }
    for (int i = 0; i < n && g->st == TN_OK; i++)
        if (!s->in[i].state && s->in[i].give >= 0) g->dx[s->in[i].give] = restack(g, loop->outputs[at++], &s->in[i]);
}
