/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* sequence_grad.c - gradients of sequences and optionals. What flows back to a sequence is a sequence of as many items,
 * each of the shape of the item it belongs to; what flows back to an optional is an optional, empty when that is. So
 * everything stays within the standard's operators: sums and zeros of sequences are SequenceMap nodes, those of
 * optionals If nodes. */
#include "op/control/steps_grad.h"
#include "op/core/gradient.h"
#include "op/sequence/grads.h"
#include <string.h>

static bool is_kind(const tn_value *v, tn_kind k) { return v && v->type.kind == k; }

/* ---------------------------------------------------------------------------------------------------------- bodies */

/* A body for SequenceMap: words of *b add to it. */
static void body_start(tn_grad *g, tn_grad *b, const char *name) {
    *b = *g;
    b->n_names = 0;
    b->before = NULL;
    b->graph = tn_grad_body(g, name);
    b->st = g->st;
}

static tn_value *item(tn_grad *b, const tn_value *list) {
    static const tn_type unknown = { .kind = TN_KIND_NONE, .rank = -1 };
    return tn_grad_body_input(b, b->graph, "item", list->type.elem ? list->type.elem : &unknown);
}

/* The node that runs the body b, whose outputs are made, on each item of the lists. */
static tn_node *map_node(tn_grad *g, tn_grad *b, tn_value *const *in, int n_in) {
    tn_graph *body = b->graph;
    if (g->st == TN_OK) g->st = b->st;
    tn_node *n = g->st == TN_OK ? tn_build_node(&g->build, "", "SequenceMap", in, n_in, body->n_outputs) : NULL;
    if (!n) return NULL;
    tn_build_attr(&g->build, n, tn_attr_of_graph("body", body));
    for (int i = 0; i < body->n_outputs && g->st == TN_OK; i++)
        n->outputs[i]->type = (tn_type){ .kind = TN_KIND_SEQUENCE, .rank = -1, .elem = &body->outputs[i]->type };
    return g->st == TN_OK ? n : NULL;
}

static tn_value *map_one(tn_grad *g, tn_grad *b, tn_value *result, tn_value *const *in, int n_in) {
    tn_grad_body_output(b, b->graph, result);
    tn_node *n = map_node(g, b, in, n_in);
    return n ? n->outputs[0] : NULL;
}

/* What `then` makes when the optional holds something, else the (empty) optional itself. */
static tn_value *when_held(tn_grad *g, tn_value *o, tn_value *(*then)(tn_grad *b, tn_value *o, tn_value *other),
                           tn_value *other) {
    tn_grad b[2];
    tn_node *n = tn_build_list(&g->build, "If", 1, TN_VALUES(tn_emit(&g->build, "OptionalHasElement", o)));
    for (int i = 0; i < 2; i++) {
        body_start(g, &b[i], i ? "empty" : "held");
        tn_grad_body_output(&b[i], b[i].graph, i ? o : tn_emit(&b[0].build, "Optional", then(&b[0], o, other)));
        if (g->st == TN_OK) g->st = b[i].st;
        tn_build_attr(&g->build, n, tn_attr_of_graph(i ? "else_branch" : "then_branch", b[i].graph));
    }
    if (g->st != TN_OK) return NULL;
    n->outputs[0]->type = o->type;
    return n->outputs[0];
}

/* --------------------------------------------------------------------------------------------------- zeros and sums */

static tn_value *held_zeros(tn_grad *b, tn_value *o, tn_value *other) {
    (void)other;
    return tn_grad_fill(b, tn_emit(&b->build, "OptionalGetElement", o), 0);
}

tn_value *tn_grad_zeros_of(tn_grad *g, tn_value *like) {
    tn_grad b;
    if (g->st != TN_OK) return NULL;
    if (is_kind(like, TN_KIND_OPTIONAL)) return when_held(g, like, held_zeros, NULL);
    body_start(g, &b, "zeros");
    tn_value *x = item(&b, like), *zero = tn_grad_fill(&b, x, 0);
    return map_one(g, &b, x && !x->type.dtype ? tn_emit(&b.build, "CastLike", zero, x) : zero, &like, 1);
}

static tn_value *held_sum(tn_grad *b, tn_value *o, tn_value *other) {
    return tn_grad_add(b, tn_emit(&b->build, "OptionalGetElement", o), tn_emit(&b->build, "OptionalGetElement", other));
}

tn_value *tn_grad_add(tn_grad *g, tn_value *p, tn_value *q) {
    tn_grad b;
    if (g->st != TN_OK || !p || !q) return NULL;
    if (is_kind(p, TN_KIND_OPTIONAL)) return when_held(g, p, held_sum, q);
    if (!is_kind(p, TN_KIND_SEQUENCE)) return tn_emit(&g->build, "Add", p, q);
    body_start(g, &b, "sum");
    tn_value *x = item(&b, p), *y = item(&b, q);
    return map_one(g, &b, tn_emit(&b.build, "Add", x, y), (tn_value *[]){ p, q }, 2);
}

/* ------------------------------------------------------------------------------------------------- items and places */

/* Input i, a position, counted from the front of `n` items ("at"). */
static void place(tn_grad *g, int i, const char *n) {
    const tn_value *v = tn_grad_x(g, i);
    const tn_tensor *t = v ? v->constant : NULL;
    if (!v)
        tn_grad_formula(g, "at = %s", n);
    else if (t && tn_count(t) == 1 && tn_get_i64(t->dtype, t->data, 0) >= 0)
        tn_grad_formula(g, "at = x%d", i);
    else
        tn_grad_formula(g, "at = Cast{to=7}(x%d); at = Where(Less(at, #0), at + %s, at)", i, n);
}

tn_status tn_grad_sequence_construct(tn_grad *g) {
    tn_value *d = tn_grad_dy(g, 0);
    for (int i = 0; i < g->node->n_inputs && g->st == TN_OK; i++)
        if (tn_grad_wants(g, i))
            g->dx[i] = tn_emit(&g->build, "SequenceAt", d, tn_build_number(&g->build, "number", TN_I64, i));
    return g->st;
}

tn_status tn_grad_sequence_at(tn_grad *g) {
    if (!tn_grad_wants(g, 0)) return g->st;
    place(g, 1, "SequenceLength(x)");
    tn_grad_let(g, "zero", tn_grad_fill(g, tn_grad_x(g, 0), 0));
    tn_grad_formula(g, "dx0 = SequenceInsert(SequenceErase(zero, at), dy, at)");
    return g->st;
}

tn_status tn_grad_sequence_insert(tn_grad *g) {
    place(g, 2, "SequenceLength(x)");
    tn_grad_formula(g, "dx0 = SequenceErase(dy, at); dx1 = SequenceAt(dy, at)");
    return g->st;
}

tn_status tn_grad_sequence_erase(tn_grad *g) {
    if (tn_grad_x(g, 1))
        place(g, 1, "SequenceLength(x)");
    else
        tn_grad_formula(g, "at = SequenceLength(x) - #1");
    tn_value *gone = tn_grad_formula(g, "SequenceAt(x, at)");
    tn_grad_let(g, "zero", tn_grad_fill(g, gone, 0));
    tn_grad_formula(g, "dx0 = SequenceInsert(dy, zero, at)");
    return g->st;
}

/* Parts are joined again, behind an empty one: there may be none at all. */
tn_status tn_grad_sequence_split(tn_grad *g) {
    int64_t axis = tn_attr_int(g->node, "axis", 0);
    tn_value *parts = tn_grad_dy(g, 0);
    if (!tn_grad_x(g, 1) && !tn_attr_int(g->node, "keepdims", 1) && g->st == TN_OK) {
        tn_grad b;
        body_start(g, &b, "parts");
        tn_value *x = item(&b, parts);
        parts = map_one(g, &b, tn_emit(&b.build, "Unsqueeze", x, tn_build_int(&b.build, "int", axis)), &parts, 1);
    }
    tn_grad_let(g, "parts", parts);
    tn_grad_formula(g,
                    "none = Slice(x, [0], [0], [%lld]);"
                    "dx0 = ConcatFromSequence{axis=%lld}(SequenceInsert(parts, CastLike(none, x)))",
                    (long long)axis, (long long)axis);
    return g->st;
}

tn_status tn_grad_sequence_concat(tn_grad *g) {
    long long axis = (long long)tn_attr_int(g->node, "axis", 0);
    tn_value *x = tn_grad_x(g, 0);
    tn_grad b;
    if (tn_attr_int(g->node, "new_axis", 0)) {
        tn_grad_formula(g, "dx0 = SplitToSequence{axis=%lld,keepdims=0}(dy)", axis);
        return g->st;
    }
    body_start(g, &b, "sizes");
    tn_value *part = item(&b, x);
    tn_value *size = tn_emit(&b.build, "Gather", tn_grad_shape(&b, part), tn_build_int(&b.build, "int", axis));
    tn_grad_let(g, "sizes", map_one(g, &b, size, &x, 1));
    tn_grad_formula(g, "dx0 = SplitToSequence{axis=%lld}(dy, ConcatFromSequence{axis=0}(sizes))", axis);
    return g->st;
}

/* ------------------------------------------------------------------------------------------------------- optionals */

tn_status tn_grad_optional(tn_grad *g) {
    if (tn_grad_wants(g, 0)) tn_grad_formula(g, "dx0 = OptionalGetElement(dy)");
    return g->st;
}

tn_status tn_grad_optional_get(tn_grad *g) {
    tn_grad_formula(g, is_kind(tn_grad_x(g, 0), TN_KIND_OPTIONAL) ? "dx0 = Optional(dy)" : "dx0 = dy");
    return g->st;
}

/* ----------------------------------------------------------------------------------------------------- SequenceMap */

enum { MOST = TN_GRAD_VALUES };

/* Another SequenceMap: an item's step runs the body again, then its gradient. Inputs that are whole in every step and
 * captured values get a sequence of contributions, summed behind an item of zeros. */
typedef struct {
    tn_value *x[2 * MOST]; /* what is wanted.. */
    tn_value *d[2 * MOST]; /* ..and what it stands for outside */
    int at[2 * MOST];      /* input of the node; -1: captured */
    int n;
} map_wants;

static bool whole(const tn_value *v) { return !is_kind(v, TN_KIND_SEQUENCE); }

static tn_value *summed(tn_grad *g, tn_value *parts, tn_value *like) {
    tn_grad_let(g, "parts", parts);
    tn_grad_let(g, "zero", tn_grad_fill(g, like, 0));
    return tn_grad_reshape_like(
        g,
        tn_grad_formula(g, "ReduceSum{keepdims=0}(ConcatFromSequence{axis=0,new_axis=1}(SequenceInsert(parts, "
                           "Reshape(zero, [-1]))), [0])"),
        like);
}

static tn_node *map_back(tn_grad *g, const tn_graph *body, map_wants *w) {
    tn_value *in[2 * MOST], *bind[MOST], *outs[MOST], *ys[MOST], *dys[MOST], *dxs[2 * MOST];
    int n_in = g->node->n_inputs, n_ys = 0;
    tn_grad b;
    body_start(g, &b, "back");
    for (int i = 0; i < n_in && b.st == TN_OK; i++) {
        in[i] = tn_grad_x(g, i);
        if (!in[i]) tn_grad_fail(&b, TN_E_GRAPH, "input %d is omitted", i);
        if (b.st != TN_OK) break;
        bind[i] = whole(in[i]) ? tn_grad_body_input(&b, b.graph, "whole", &in[i]->type) : item(&b, in[i]);
    }
    if (b.st == TN_OK) b.st = tn_graph_inline(b.graph, NULL, body, bind, "again/", outs);
    for (int i = 0; i < g->node->n_outputs && b.st == TN_OK; i++) {
        if (!g->dy[i]) continue;
        in[n_in + n_ys] = g->dy[i];
        ys[n_ys] = outs[i], dys[n_ys++] = item(&b, g->dy[i]);
    }
    for (int i = 0; i < w->n && b.st == TN_OK; i++)
        if (w->at[i] >= 0) w->x[i] = bind[w->at[i]];
    tn_gradient_job job = { .graph = b.graph, .ys = ys, .dys = dys, .n_ys = n_ys, .xs = w->x, .n_xs = w->n };
    if (b.st == TN_OK) b.st = tn_gradient_or_zeros(&job, dxs);
    for (int i = 0; i < w->n && b.st == TN_OK; i++) {
        if (whole(w->d[i])) dxs[i] = tn_emit(&b.build, "Reshape", dxs[i], tn_build_int(&b.build, "int", -1));
        tn_grad_body_output(&b, b.graph, dxs[i]);
    }
    return map_node(g, &b, in, n_in + n_ys);
}

/* Captured sequences have no SequenceMap that collects for them: a Loop adds up what each step has for them. */
static void map_lists(tn_grad *g, tn_graph *body, const tn_grad_values *lists) {
    tn_steps *s = tn_arena_new_of(g->graph->model->arena, tn_steps);
    if (!s) {
        g->st = tn_fail(TN_E_NOMEM, "the gradient of %s", tn_node_where(g->node));
        return;
    }
    s->body = body, s->caps = *lists;
    for (int i = 0; i < g->node->n_inputs; i++)
        s->in[i] = (tn_step_input){ .from = tn_grad_x(g, i), .whole = whole(tn_grad_x(g, i)), .give = -1 };
    for (int i = 0; i < g->node->n_outputs; i++)
        if (g->dy[i]) s->out[s->n_out++] = (tn_step_output){ .out = i, .dy = g->dy[i] };
    tn_steps_by_loop(g, s);
}

tn_status tn_grad_sequence_map(tn_grad *g) {
    const tn_graph *body = tn_attr_graph(g->node, "body");
    map_wants *w = tn_arena_new_of(g->graph->model->arena, map_wants);
    tn_grad_values *caps = tn_arena_new_of(g->graph->model->arena, tn_grad_values);
    tn_grad_values *lists = tn_arena_new_of(g->graph->model->arena, tn_grad_values);
    if (!w || !caps || !lists) return tn_fail(TN_E_NOMEM, "the gradient of %s", tn_node_where(g->node));
    if (g->node->n_inputs > MOST || g->node->n_outputs > MOST)
        return tn_op_fail(g->node, TN_E_LIMIT, "its body is too wide");
    tn_grad_captured(g, body, caps);
    for (int i = 0; i < g->node->n_inputs; i++)
        if (tn_grad_wants(g, i)) w->d[w->n] = tn_grad_x(g, i), w->at[w->n++] = i;
    for (int i = 0; i < caps->n; i++) {
        if (is_kind(caps->v[i], TN_KIND_SEQUENCE) || is_kind(caps->v[i], TN_KIND_OPTIONAL)) {
            lists->v[lists->n++] = caps->v[i];
            continue;
        }
        w->x[w->n] = w->d[w->n] = caps->v[i], w->at[w->n++] = -1;
    }
    tn_node *n = g->st == TN_OK ? map_back(g, body, w) : NULL;
    for (int i = 0; n && i < w->n && g->st == TN_OK; i++) {
        tn_value *d = n->outputs[i];
        if (w->at[i] < 0)
            tn_grad_give(g, w->d[i], summed(g, d, w->d[i]));
        else
            g->dx[w->at[i]] = whole(w->d[i]) ? summed(g, d, w->d[i]) : d;
    }
    if (lists->n) map_lists(g, tn_attr_graph(g->node, "body"), lists);
    return g->st;
}
