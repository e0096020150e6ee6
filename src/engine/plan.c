/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* plan.c - from a graph and exact input types to a plan: which nodes run, where every value lies. */
#include "engine/plan.h"
#include "base/budget.h"
#include "engine/frame.h"
#include "engine/memory.h"
#include <limits.h>
#include <string.h>

/* What only planning needs. */
typedef struct {
    const tn_plan_args *args;
    tn_plan *p;
    tn_arena *temp;
    const tn_node **nodes; /* in order */
    bool *live;            /* by position in nodes */
    bool *needed;          /* by value id */
    int *slot_of;          /* by value id; -1 */
    int *root;             /* by slot: union-find over homes */
    int *first, *last;     /* by slot; of a root: of its home */
    int n_nodes, cap_slots;
} planner;

/* ------------------------------------------------------------------------------------------------------ captures */

#define each_graph(node, g)                                                                      \
    for (int g##_a = 0; g##_a < (node)->n_attrs; g##_a++)                                        \
        for (size_t g##_i = 0, g##_n = graphs_in(&(node)->attrs[g##_a]); g##_i < g##_n; g##_i++) \
            for (tn_graph *g = graph_in(&(node)->attrs[g##_a], g##_i); g; g = NULL)

static size_t graphs_in(const tn_attr *a) {
    return a->kind == TN_ATTR_GRAPH ? 1 : a->kind == TN_ATTR_GRAPHS ? a->n : 0;
}
static tn_graph *graph_in(const tn_attr *a, size_t i) { return a->kind == TN_ATTR_GRAPH ? a->graph : a->graphs[i]; }

static bool within(const tn_graph *g, const tn_graph *outer) {
    while (g && g != outer) g = g->parent;
    return g != NULL;
}

typedef struct {
    tn_arena *a;
    const tn_value **v;
    int n, cap;
    tn_map *seen;
} captures;

static tn_status capture(captures *c, const tn_value *v, const tn_graph *g) {
    if (!v || within(v->graph, g) || v->constant) return TN_OK;
    if (tn_map_get(c->seen, (const char *)&v->id, sizeof v->id)) return TN_OK;
    if (c->n == c->cap) {
        int cap = c->cap ? 2 * c->cap : 8;
        const tn_value **grown = tn_arena_array(c->a, const tn_value *, (size_t)cap);
        if (!grown) return tn_fail(TN_E_NOMEM, "no memory for captured values");
        if (c->n) memcpy(grown, c->v, (size_t)c->n * sizeof *grown);
        c->v = grown;
        c->cap = cap;
    }
    c->v[c->n++] = v;
    return tn_map_put(c->seen, (const char *)&v->id, sizeof v->id, (void *)(uintptr_t)v);
}

static tn_status captures_of(captures *c, const tn_graph *g, const tn_graph *top) {
    for (const tn_node *n = g->first; n; n = n->next) {
        for (int i = 0; i < n->n_inputs; i++) TN_TRY(capture(c, n->inputs[i], top));
        each_graph(n, sub) TN_TRY(captures_of(c, sub, top));
    }
    for (int i = 0; i < g->n_outputs; i++) TN_TRY(capture(c, g->outputs[i], top));
    return TN_OK;
}

tn_status tn_captures(const tn_graph *g, tn_arena *a, const tn_value ***out, int *n) {
    captures c = { .a = a, .seen = tn_map_new(16) };
    if (!c.seen) return tn_fail(TN_E_NOMEM, "no memory for captured values");
    tn_status st = captures_of(&c, g, g);
    tn_map_free(&c.seen);
    *out = c.v;
    *n = c.n;
    return st;
}

/* ------------------------------------------------------------------------------------------------- which nodes run */

static tn_status no_memory(const planner *b) {
    return tn_fail(TN_E_NOMEM, "no memory for the plan of graph '%s'",
                   b->args->graph->name ? b->args->graph->name : "");
}

static const tn_tensor *constant_of(const planner *b, const tn_value *v) { return tn_typing_tensor(&b->p->typing, v); }

static void need(planner *b, const tn_value *v) {
    if (v && !constant_of(b, v)) b->needed[v->id] = true;
}

static tn_status need_captured(planner *b, const tn_node *n) {
    each_graph(n, g) {
        const tn_value **v = NULL;
        int count = 0;
        TN_TRY(tn_captures(g, b->temp, &v, &count));
        for (int i = 0; i < count; i++) need(b, v[i]);
    }
    return TN_OK;
}

/* Backwards from the outputs: a node runs when somebody needs a result of it that is not a constant. */
static tn_status mark_live(planner *b) {
    const tn_graph *g = b->args->graph;
    int n = 0;
    for (const tn_node *x = g->first; x; x = x->next) n++;
    b->n_nodes = n;
    b->nodes = tn_arena_array(b->temp, const tn_node *, (size_t)n + 1);
    b->live = tn_arena_array(b->temp, bool, (size_t)n + 1);
    b->needed = tn_arena_array(b->temp, bool, (size_t)b->args->model->n_values + 1);
    if (!b->nodes || !b->live || !b->needed) return no_memory(b);
    n = 0;
    for (const tn_node *x = g->first; x; x = x->next) b->nodes[n++] = x;
    for (int i = 0; i < g->n_outputs; i++) need(b, g->outputs[i]);
    while (n-- > 0) {
        const tn_node *x = b->nodes[n];
        bool live = x->op->flags & TN_OP_SIDE_EFFECT, used = false;
        for (int i = 0; i < x->n_outputs; i++)
            if (x->outputs[i]) {
                live = live || b->needed[x->outputs[i]->id];
                used = true;
            }
        b->live[n] = live;
        b->p->n_constants += used && !live;
        if (!live) continue;
        for (int i = 0; i < x->n_inputs; i++) need(b, x->inputs[i]);
        TN_TRY(need_captured(b, x));
    }
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- slots */

/* The slot of v, made with its type if it is new; -1 without memory. */
static int slot_for(planner *b, const tn_value *v, tn_home_kind home, int index) {
    tn_plan *p = b->p;
    if (b->slot_of[v->id] >= 0) return b->slot_of[v->id];
    if (p->n_slots == b->cap_slots) {
        size_t cap = b->cap_slots ? 2 * (size_t)b->cap_slots : 64;
        tn_slot *grown = tn_arena_array(b->temp, tn_slot, cap);
        if (!grown) return -1;
        if (p->n_slots) memcpy(grown, p->slots, (size_t)p->n_slots * sizeof *grown);
        p->slots = grown;
        b->cap_slots = (int)cap;
    }
    tn_slot *s = &p->slots[p->n_slots];
    const tn_tensor *k = constant_of(b, v);
    *s = (tn_slot){ .value = v, .home = home, .index = index, .constant = k };
    if (k) {
        s->home = TN_HOME_CONST;
        s->type = tn_type_tensor(k->dtype);
        s->type.rank = k->rank;
        for (int d = 0; d < k->rank; d++) s->type.dims[d] = k->dims[d];
    } else {
        s->type = p->typing.types[v->id];
    }
    s->exact = s->type.kind == TN_KIND_TENSOR && tn_type_static(&s->type) && s->type.dtype != TN_NONE;
    s->type.elem = NULL; /* lived in the planning arena */
    return b->slot_of[v->id] = p->n_slots++;
}

static size_t bytes_of(const tn_slot *s) {
    size_t bytes = 0;
    int64_t n = tn_dims_count(s->type.rank, s->type.dims);
    return n < 0 || !tn_dtype_bytes(s->type.dtype, n, &bytes) ? SIZE_MAX : bytes;
}

static tn_status make_inputs(planner *b) {
    tn_plan *p = b->p;
    const tn_graph *g = b->args->graph;
    p->inputs = tn_arena_array(p->arena, int, (size_t)g->n_inputs + 1);
    p->outer = tn_arena_array(p->arena, int, (size_t)b->args->n_captured + 1);
    b->slot_of = tn_arena_array(b->temp, int, (size_t)b->args->model->n_values + 1);
    if (!p->inputs || !p->outer || !b->slot_of) return no_memory(b);
    for (int i = 0; i <= b->args->model->n_values; i++) b->slot_of[i] = -1;
    for (int i = 0; i < g->n_inputs; i++) {
        p->inputs[i] = -1;
        if (!b->needed[g->inputs[i]->id]) continue;
        if ((p->inputs[i] = slot_for(b, g->inputs[i], TN_HOME_INPUT, i)) < 0) return no_memory(b);
    }
    p->n_outer = b->args->n_captured;
    for (int i = 0; i < p->n_outer; i++) {
        const tn_value *v = b->args->captured[i];
        p->outer[i] = -1;
        if (!b->needed[v->id]) continue;
        if ((p->outer[i] = slot_for(b, v, TN_HOME_OUTER, i)) < 0) return no_memory(b);
    }
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- steps */

static tn_status step_inputs(planner *b, tn_step *s) {
    const tn_node *n = s->node;
    for (int i = 0; i < n->n_inputs; i++) {
        s->in[i] = -1;
        if (!n->inputs[i]) continue;
        /* A value that nobody has made a slot for is a constant, or its producer comes later: a broken order. */
        s->in[i] = slot_for(b, n->inputs[i], TN_HOME_HEAP, 0);
        if (s->in[i] < 0) return no_memory(b);
    }
    return TN_OK;
}

static tn_status step_outputs(planner *b, tn_step *s) {
    const tn_node *n = s->node;
    for (int i = 0; i < n->n_outputs; i++) {
        const tn_value *v = n->outputs[i];
        s->out[i] = -1;
        if (!v || tn_typing_tensor(&b->p->typing, v)) continue;
        if (!b->needed[v->id] && !tn_op_needs_output(n->op, i)) continue;
        if ((s->out[i] = slot_for(b, n->outputs[i], TN_HOME_HEAP, 0)) < 0) return no_memory(b);
    }
    return TN_OK;
}

static tn_status step_nested(planner *b, tn_step *s) {
    int n = 0;
    each_graph(s->node, g) n++;
    if (!n) return TN_OK;
    s->nested = tn_arena_array(b->p->arena, tn_nested, (size_t)n);
    if (!s->nested) return no_memory(b);
    each_graph(s->node, g) {
        tn_nested *k = &s->nested[s->n_nested++];
        k->graph = g;
        TN_TRY(tn_captures(g, b->p->arena, &k->captured, &k->n_captured));
        k->captured_slots = tn_arena_array(b->p->arena, int, (size_t)k->n_captured + 1);
        if (!k->captured_slots) return no_memory(b);
        for (int i = 0; i < k->n_captured; i++)
            if ((k->captured_slots[i] = slot_for(b, k->captured[i], TN_HOME_HEAP, 0)) < 0) return no_memory(b);
    }
    return TN_OK;
}

static bool exact_slots(const tn_plan *p, const int *slots, int n) {
    for (int i = 0; i < n; i++)
        if (slots[i] >= 0 && !p->slots[slots[i]].exact) return false;
    return true;
}

static bool any_string(const tn_plan *p, const int *slots, int n) {
    for (int i = 0; i < n; i++)
        if (slots[i] >= 0 && p->slots[slots[i]].type.dtype == TN_STRING) return true;
    return false;
}

static bool all_tensors(const tn_plan *p, const int *slots, int n) {
    for (int i = 0; i < n; i++)
        if (slots[i] >= 0 && p->slots[slots[i]].type.kind != TN_KIND_TENSOR) return false;
    return true;
}

static bool is_static_home(tn_home_kind h) { return h != TN_HOME_HEAP; }

/* An aliasing node whose memory and shape are known needs no step: its output joins the input's home. */
static bool joins_home(const planner *b, const tn_step *s) {
    const tn_plan *p = b->p;
    if (!(s->node->op->flags & TN_OP_ALIAS) || s->n_in < 1 || s->in[0] < 0 || s->out[0] < 0) return false;
    const tn_slot *x = &p->slots[s->in[0]], *y = &p->slots[s->out[0]];
    return !s->open && x->exact && y->exact && is_static_home(x->home) && bytes_of(x) == bytes_of(y);
}

static tn_step_kind kind_of(const planner *b, const tn_step *s) {
    const tn_plan *p = b->p;
    unsigned flags = s->node->op->flags;
    if (flags & TN_OP_ALIAS) return TN_STEP_ALIAS;
    if (flags & TN_OP_DYNAMIC || s->open || s->n_nested || !exact_slots(p, s->in, s->n_in) ||
        !exact_slots(p, s->out, s->n_out) || any_string(p, s->out, s->n_out))
        return TN_STEP_DYNAMIC;
    return TN_STEP_STATIC;
}

/* The slots array grows while steps are made, so homes are joined by value: an output slot copies the input's. */
static tn_status add_step(planner *b, const tn_node *n) {
    tn_plan *p = b->p;
    tn_step *s = &p->steps[p->n_steps];
    *s = (tn_step){ .node = n, .run = n->op->run, .n_in = n->n_inputs, .n_out = n->n_outputs };
    s->in = tn_arena_array(p->arena, int, (size_t)n->n_inputs + 1);
    s->out = tn_arena_array(p->arena, int, (size_t)n->n_outputs + 1);
    if (!s->in || !s->out) return no_memory(b);
    TN_TRY(tn_op_read_attrs(n, n->op, p->arena, &s->attrs));
    s->open = !(n->op->flags & TN_OP_SUBGRAPH) && tn_typing_open(&p->typing, n); /* subgraphs are planned at run time */
    TN_TRY(step_inputs(b, s));
    TN_TRY(step_nested(b, s));
    /* Of inputs whose shapes only a run knows, the rule has checked nothing yet; an operator that allocates for itself
     * would not come by it again. */
    if (n->op->flags & TN_OP_DYNAMIC && !(n->op->flags & TN_OP_SUBGRAPH) && !exact_slots(p, s->in, s->n_in))
        s->open = true;
    TN_TRY(step_outputs(b, s));
    s->kind = kind_of(b, s);
    if (s->kind == TN_STEP_STATIC && !s->run) return tn_op_fail(n, TN_E_UNSUPPORTED, "the operator cannot run");
    for (int i = 0; i < s->n_out && s->kind == TN_STEP_STATIC; i++)
        if (s->out[i] >= 0) p->slots[s->out[i]].home = TN_HOME_ARENA;
    s->own_inputs = s->kind == TN_STEP_DYNAMIC && !s->n_nested && !all_tensors(p, s->out, s->n_out);
    p->n_steps++;
    return TN_OK;
}

/* Aliases that need no step become entries of `joined`: pairs (output, input). */
static tn_status make_steps(planner *b, int (**joined)[2], int *n_joined) {
    tn_plan *p = b->p;
    p->steps = tn_arena_array(p->arena, tn_step, (size_t)b->n_nodes + 1);
    *joined = (int(*)[2])tn_arena_array(b->temp, int, 2 * (size_t)b->n_nodes + 2);
    *n_joined = 0;
    if (!p->steps || !*joined) return no_memory(b);
    for (int i = 0; i < b->n_nodes; i++) {
        if (!b->live[i]) continue;
        TN_TRY(add_step(b, b->nodes[i]));
        tn_step *s = &p->steps[p->n_steps - 1];
        if (!joins_home(b, s)) continue;
        tn_slot *y = &p->slots[s->out[0]], *x = &p->slots[s->in[0]];
        y->home = x->home;
        y->index = x->index;
        y->constant = x->constant;
        (*joined)[*n_joined][0] = s->out[0];
        (*joined)[(*n_joined)++][1] = s->in[0];
        p->n_steps--;
    }
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------- homes and lifetimes */

static int root_of(planner *b, int s) {
    while (b->root[s] != s) s = b->root[s] = b->root[b->root[s]];
    return s;
}

static void join(planner *b, int keep, int other) {
    keep = root_of(b, keep);
    other = root_of(b, other);
    if (keep == other) return;
    b->root[other] = keep;
    if (b->first[other] < b->first[keep]) b->first[keep] = b->first[other];
    if (b->last[other] > b->last[keep]) b->last[keep] = b->last[other];
}

static void use(planner *b, int slot, int step) {
    if (slot >= 0 && step > b->last[slot]) b->last[slot] = step;
}

static tn_status lifetimes(planner *b, int (*joined)[2], int n_joined) {
    tn_plan *p = b->p;
    size_t n = (size_t)p->n_slots + 1;
    b->root = tn_arena_array(b->temp, int, n);
    b->first = tn_arena_array(b->temp, int, n);
    b->last = tn_arena_array(b->temp, int, n);
    if (!b->root || !b->first || !b->last) return no_memory(b);
    for (int i = 0; i < p->n_slots; i++) {
        b->root[i] = i;
        b->first[i] = INT_MAX; /* an alias begins with its source */
        b->last[i] = -1;
    }
    for (int i = 0; i < p->n_steps; i++) {
        const tn_step *s = &p->steps[i];
        for (int k = 0; k < s->n_out; k++) {
            if (s->out[k] < 0) continue;
            b->first[s->out[k]] = i;
            use(b, s->out[k], i);
        }
        for (int k = 0; k < s->n_in; k++) use(b, s->in[k], i);
        for (int k = 0; k < s->n_nested; k++)
            for (int c = 0; c < s->nested[k].n_captured; c++) use(b, s->nested[k].captured_slots[c], i);
    }
    for (int i = 0; i < n_joined; i++) join(b, joined[i][1], joined[i][0]);
    return TN_OK;
}

/* A graph output's home becomes that output's own memory, so the last operator writes where the caller reads; what
 * lies elsewhere (an input, a constant, another output) is copied at the end. */
static tn_status make_outputs(planner *b) {
    tn_plan *p = b->p;
    const tn_graph *g = b->args->graph;
    p->outputs = tn_arena_array(p->arena, int, (size_t)g->n_outputs + 1);
    p->output_copied = tn_arena_array(p->arena, bool, (size_t)g->n_outputs + 1);
    if (!p->outputs || !p->output_copied) return no_memory(b);
    for (int i = 0; i < g->n_outputs; i++) {
        int s = b->slot_of[g->outputs[i]->id], r = root_of(b, s);
        p->outputs[i] = s;
        b->last[r] = p->n_steps;
        if (p->slots[r].home == TN_HOME_ARENA) {
            p->slots[r].home = TN_HOME_OUTPUT;
            p->slots[r].index = i;
            p->output_bytes += bytes_of(&p->slots[r]);
        } else if (p->slots[r].home != TN_HOME_HEAP) {
            p->output_copied[i] = true;
        }
        for (int k = 0; k < i && p->slots[r].home == TN_HOME_HEAP; k++)
            if (p->outputs[k] == s) p->output_copied[i] = true;
    }
    return TN_OK;
}

/* Lets output 0 of a step take over the memory of an input that nobody reads later. */
static void join_in_place(planner *b, int step) {
    tn_plan *p = b->p;
    const tn_step *s = &p->steps[step];
    if (s->kind != TN_STEP_STATIC || !(s->node->op->flags & TN_OP_INPLACE) || s->out[0] < 0) return;
    int out = root_of(b, s->out[0]);
    for (int i = 0; i < s->n_in && i < 2; i++) {
        if (s->in[i] < 0) continue;
        const tn_slot *x = &p->slots[s->in[i]], *y = &p->slots[s->out[0]];
        int in = root_of(b, s->in[i]);
        if (p->slots[in].home != TN_HOME_ARENA || b->last[in] != step || in == out) continue;
        if (x->type.dtype != y->type.dtype || bytes_of(x) != bytes_of(y)) continue;
        bool twice = false;
        for (int k = 0; k < s->n_in; k++)
            twice = twice || (k != i && s->in[k] >= 0 && s->in[k] != s->in[i] && root_of(b, s->in[k]) == in);
        if (twice) continue;
        p->slots[in].home = p->slots[out].home;
        p->slots[in].index = p->slots[out].index;
        join(b, in, out);
        return;
    }
}

/* Offsets for all arena homes and for the steps' scratch, which lives in the same block during its step only. */
static tn_status lay_out(planner *b) {
    tn_plan *p = b->p;
    size_t most = (size_t)p->n_slots + (size_t)p->n_steps + 1;
    tn_lifetime *v = tn_arena_array(b->temp, tn_lifetime, most);
    int *at = tn_arena_array(b->temp, int, (size_t)p->n_slots + 1), n = 0;
    if (!v || !at) return no_memory(b);
    for (int i = 0; i < p->n_slots; i++) {
        if (b->root[i] != i || p->slots[i].home != TN_HOME_ARENA) continue;
        at[i] = n;
        v[n++] = (tn_lifetime){ .bytes = bytes_of(&p->slots[i]), .first = b->first[i], .last = b->last[i] };
    }
    int n_values = n;
    for (int i = 0; i < p->n_steps; i++)
        if (p->steps[i].scratch) v[n++] = (tn_lifetime){ .bytes = p->steps[i].scratch, .first = i, .last = i };
    for (int i = 0; i < n && b->args->no_sharing; i++) v[i].first = 0, v[i].last = p->n_steps;
    TN_TRY(tn_memory_layout(v, n, &p->bytes));
    for (int i = 0; i < p->n_slots; i++) {
        int r = root_of(b, i);
        p->slots[i].home = p->slots[r].home;
        p->slots[i].index = p->slots[r].index;
        if (p->slots[r].home == TN_HOME_ARENA) p->slots[i].offset = v[at[r]].offset;
    }
    n = n_values;
    for (int i = 0; i < p->n_steps; i++)
        if (p->steps[i].scratch) p->steps[i].scratch_offset = v[n++].offset;
    return TN_OK;
}

static tn_status dead_lists(planner *b) {
    tn_plan *p = b->p;
    for (int pass = 0; pass < 2; pass++) { /* count, then fill */
        for (int i = 0; i < p->n_slots; i++) {
            int last = b->last[i];
            if (p->slots[i].home != TN_HOME_HEAP || last < 0 || last >= p->n_steps) continue;
            tn_step *s = &p->steps[last];
            if (pass) s->dead[s->n_dead] = i;
            s->n_dead++;
        }
        for (int i = 0; i < p->n_steps && !pass; i++) {
            p->steps[i].dead = tn_arena_array(p->arena, int, (size_t)p->steps[i].n_dead + 1);
            if (!p->steps[i].dead) return no_memory(b);
            p->steps[i].n_dead = 0;
        }
    }
    return TN_OK;
}

static bool is_loose(const tn_slot *s) { return s->home == TN_HOME_HEAP || (!s->exact && s->home != TN_HOME_CONST); }

static bool is_bound(const tn_slot *s) {
    return s->home == TN_HOME_INPUT || s->home == TN_HOME_OUTER || s->home == TN_HOME_OUTPUT;
}

static tn_status slot_lists(planner *b) {
    tn_plan *p = b->p;
    p->bound = tn_arena_array(p->arena, int, (size_t)p->n_slots + 1);
    p->loose = tn_arena_array(p->arena, int, (size_t)p->n_slots + 1);
    if (!p->bound || !p->loose) return no_memory(b);
    for (int i = 0; i < p->n_slots; i++) {
        if (is_bound(&p->slots[i])) p->bound[p->n_bound++] = i;
        if (is_loose(&p->slots[i])) p->loose[p->n_loose++] = i;
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------ preparing */

/* A constant that is read as it lies in its file gets an aligned copy, one for the whole session. */
static tn_status align(planner *b, tn_slot *slot) {
    const void *data;
    tn_tensor *copy = tn_arena_new_of(b->p->arena, tn_tensor);
    if (!copy) return no_memory(b);
    *copy = *slot->constant;
    TN_TRY(tn_pack_copy(b->args->packs, slot->constant, b->p->arena, &b->p->held, &data));
    copy->data = (void *)(uintptr_t)data;
    copy->buffer = NULL;
    slot->constant = copy;
    return TN_OK;
}

static tn_status prepare(planner *b, tn_step *s) {
    tn_plan *p = b->p;
    const tn_op *op = s->node->op;
    bool ready = s->kind == TN_STEP_STATIC ||
                 (s->kind == TN_STEP_DYNAMIC && op->flags & TN_OP_DYNAMIC && exact_slots(p, s->in, s->n_in));
    tn_prep prep = { .arena = p->arena, .pool = b->args->pool, .packs = p->packs, .held = &p->held };
    s->prepared = ready || !op->prepare || s->n_nested;
    if (s->prepared && (op->prepare || b->args->costs)) {
        TN_TRY(tn_typing_view(&p->typing, s->node, &prep.types));
        prep.types.attrs = s->attrs;
        for (int i = 0; i < s->n_out; i++)
            if (s->node->outputs[i]) prep.types.out[i] = p->typing.types[s->node->outputs[i]->id];
        if (op->prepare) TN_TRY(tn_op_prepare(op, &prep));
        s->state = prep.state;
        s->room = s->kind == TN_STEP_STATIC && prep.room <= SIZE_MAX / 8 ? prep.room : 0;
        s->scratch = s->room ? tn_align_up(prep.scratch, 64) + s->room : prep.scratch;
        if (b->args->costs && s->kind == TN_STEP_STATIC && tn_op_cost(&prep.types, &s->cost) != TN_OK) tn_error_clear();
    }
    for (int i = 0; i < s->n_in && b->args->packs; i++) {
        tn_slot *slot = s->in[i] >= 0 ? &p->slots[s->in[i]] : NULL;
        bool consumed = i < 32 && prep.consumed >> i & 1;
        if (!slot || !slot->constant || !slot->constant->data) continue;
        bool bytes = i < 32 && prep.as_it_lies >> i & 1;
        if (!consumed && !bytes && !tn_tensor_aligned(slot->constant)) TN_TRY(align(b, slot));
        tn_pack_note(b->args->packs, slot->constant, consumed);
    }
    return TN_OK;
}

static tn_status build(planner *b) {
    tn_plan *p = b->p;
    int(*joined)[2], n_joined;
    TN_TRY(mark_live(b));
    TN_TRY(make_inputs(b));
    TN_TRY(make_steps(b, &joined, &n_joined));
    for (int i = 0; i < b->args->graph->n_outputs; i++) /* outputs that no step makes: constants */
        if (slot_for(b, b->args->graph->outputs[i], TN_HOME_HEAP, 0) < 0) return no_memory(b);
    tn_slot *slots = tn_arena_array(p->arena, tn_slot, (size_t)p->n_slots + 1);
    if (!slots) return no_memory(b);
    if (p->n_slots) memcpy(slots, p->slots, (size_t)p->n_slots * sizeof *slots);
    p->slots = slots;
    TN_TRY(lifetimes(b, joined, n_joined));
    TN_TRY(make_outputs(b));
    for (int i = 0; i < p->n_steps && !b->args->no_sharing; i++) join_in_place(b, i);
    for (int i = 0; i < p->n_steps; i++) {
        if (tn_budget_stopped_between()) return tn_op_fail(p->steps[i].node, TN_E_CANCELLED, "stopped");
        TN_TRY(prepare(b, &p->steps[i]));
    }
    TN_TRY(lay_out(b));
    TN_TRY(slot_lists(b));
    return dead_lists(b);
}

tn_status tn_plan_new(const tn_plan_args *args, tn_plan **out) {
    tn_status st = TN_E_NOMEM;
    planner b = { .args = args };
    tn_arena *keep = tn_arena_new(16384, TN_MEM_GENERAL), *temp = tn_arena_new(65536, TN_MEM_GENERAL);
    *out = NULL;
    if (!keep || !temp || !(b.p = tn_arena_new_of(keep, tn_plan))) {
        tn_arena_free(&keep);
        st = tn_fail(TN_E_NOMEM, "no memory for a plan");
        goto done;
    }
    tn_plan *p = b.p;
    p->arena = keep;
    p->graph = args->graph;
    p->packs = args->packs;
    b.temp = temp;
    if ((st = tn_typing_init(&p->typing, args->model, keep, temp, args->pool)) != TN_OK) goto done;
    for (int i = 0; i < args->graph->n_inputs; i++) {
        const tn_value *v = args->graph->inputs[i];
        bool given = args->inputs[i].kind != TN_KIND_NONE;
        tn_typing_set(&p->typing, v, &args->inputs[i], given ? NULL : v->fallback);
    }
    for (int i = 0; i < args->n_captured; i++)
        tn_typing_set(&p->typing, args->captured[i], &args->captured_types[i], args->captured_data[i]);
    if ((st = tn_typing_graph(&p->typing, args->graph)) == TN_OK) st = build(&b);
    p->owned = p->typing.owned;
    p->typing = (tn_typing){ 0 };
    if (st == TN_OK) {
        *out = p;
        b.p = NULL;
    }
done:
    if (b.p) tn_plan_free(&b.p);
    tn_arena_free(&temp);
    return st;
}

static void free_frames(tn_plan *p) {
    for (struct tn_frame *f = p->idle, *next; f; f = next) {
        next = tn_frame_next(f);
        tn_frame_free(f);
    }
    p->idle = NULL;
}

void tn_plan_free(tn_plan **plan) {
    tn_plan *p = *plan;
    *plan = NULL;
    if (!p) return;
    free_frames(p);
    for (int i = 0; i < p->n_steps; i++) {
        tn_step *s = &p->steps[i];
        if (s->state && s->node->op->release) s->node->op->release(s->state);
        for (int k = 0; k < s->n_nested; k++)
            for (tn_plan *n = s->nested[k].plans, *next; n; n = next) {
                next = n->next;
                tn_plan_free(&n);
            }
    }
    tn_pack_release(p->packs, &p->held);
    tn_owned_release(&p->owned);
    tn_mem_free(p->key);
    tn_arena *a = p->arena; /* the plan itself lives there */
    tn_arena_free(&a);
}
