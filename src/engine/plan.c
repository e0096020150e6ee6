/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* plan.c - from a graph and exact input types to a plan: which nodes run, where every value lies. */
#include "base/budget.h"
#include "engine/frame.h"
#include "engine/planner.h"
#include <string.h>

/* ------------------------------------------------------------------------------------------------- which nodes run */

static const tn_tensor *constant_of(const tn_planner *b, const tn_value *v) {
    return tn_typing_tensor(&b->p->typing, v);
}

/* What no step makes: constants, and contents that are known as expressions. */
static bool given(const tn_planner *b, const tn_value *v) {
    return constant_of(b, v) || tn_typing_shape_data(&b->p->typing, v);
}

static void need(tn_planner *b, const tn_value *v) {
    if (v && !given(b, v)) b->needed[v->id] = true;
}

static tn_status need_captured(tn_planner *b, const tn_node *n) {
    tn_each_graph(n, g) {
        const tn_value **v = NULL;
        int count = 0;
        TN_TRY(tn_captures(g, b->temp, &v, &count));
        for (int i = 0; i < count; i++) need(b, v[i]);
    }
    return TN_OK;
}

/* Backwards from the outputs: a node runs when somebody needs a result of it that is not a constant. */
static tn_status mark_live(tn_planner *b) {
    const tn_graph *g = b->args->graph;
    int n = 0;
    for (const tn_node *x = g->first; x; x = x->next) n++;
    b->n_nodes = n;
    b->nodes = tn_arena_array(b->temp, const tn_node *, (size_t)n + 1);
    b->live = tn_arena_array(b->temp, bool, (size_t)n + 1);
    b->needed = tn_arena_array(b->temp, bool, (size_t)b->args->model->n_values + 1);
    if (!b->nodes || !b->live || !b->needed) return tn_planner_no_memory(b);
    n = 0;
    for (const tn_node *x = g->first; x; x = x->next) b->nodes[n++] = x;
    for (int i = 0; i < g->n_outputs; i++) need(b, g->outputs[i]);
    while (n-- > 0) {
        const tn_node *x = b->nodes[n];
        bool live = x->op->flags & TN_OP_SIDE_EFFECT || tn_planner_writes_state(b, x), used = false;
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

/* Of a slot that is no constant: its type; in a plan for a range what is an expression there. false without memory. */
static bool vary(tn_planner *b, tn_slot *s) {
    const tn_typing *t = &b->p->typing;
    const tn_value *v = s->value;
    const tn_content *k = tn_typing_shape_data(t, v);
    const tn_type *type = &t->types[v->id];
    s->type = *type;
    if (!b->args->range || type->kind != TN_KIND_TENSOR || tn_type_static(type)) {
        if (!k) return true;
    } else {
        s->exact = tn_typing_sized(type);
        if (!s->exact) return true;
        tn_dim *dims = tn_arena_array(b->p->arena, tn_dim, (size_t)type->rank + 1);
        if (!dims) return false;
        memcpy(dims, type->dims, (size_t)type->rank * sizeof *dims);
        s->varies = dims;
        s->type = tn_range_at(b->args->range, type, b->args->range->most);
        const tn_type *most = &b->most.types[v->id];
        s->exact = most->kind == TN_KIND_TENSOR && tn_dims_equal(most->rank, most->dims, s->type.rank, s->type.dims);
    }
    if (!k) return true;
    size_t bytes = sizeof *k + (size_t)k->n * sizeof k->v[0];
    tn_content *own = tn_arena_alloc(b->p->arena, bytes, 8);
    if (!own) return false;
    memcpy(own, k, bytes);
    s->content = own;
    s->home = TN_HOME_SHAPE;
    return true;
}

static tn_slot *slots_room(tn_planner *b) { /* for all that is needed; then for twice as many */
    int n = 16;
    for (int i = 0; i < b->args->model->n_values; i++) n += b->needed[i];
    b->cap_slots = b->cap_slots ? 2 * b->cap_slots : n;
    return tn_arena_room(b->temp, (size_t)b->cap_slots * sizeof(tn_slot), _Alignof(tn_slot));
}

int tn_planner_slot(tn_planner *b, const tn_value *v, tn_home_kind home, int index) {
    tn_plan *p = b->p;
    if (b->slot_of[v->id] >= 0) return b->slot_of[v->id];
    if (p->n_slots == b->cap_slots) {
        tn_slot *grown = slots_room(b);
        if (!grown) return -1;
        if (p->n_slots) memcpy(grown, p->slots, (size_t)p->n_slots * sizeof *grown);
        p->slots = grown;
    }
    tn_slot *s = &p->slots[p->n_slots];
    const tn_tensor *k = constant_of(b, v);
    *s = (tn_slot){ .value = v, .home = home, .index = index, .constant = k, .exact = true };
    if (k) {
        s->home = TN_HOME_CONST;
        s->type = tn_type_tensor(k->dtype);
        s->type.rank = k->rank;
        for (int d = 0; d < k->rank; d++) s->type.dims[d] = k->dims[d];
    } else if (!vary(b, s)) {
        return -1;
    }
    s->exact = s->exact && s->type.kind == TN_KIND_TENSOR && tn_type_static(&s->type) && s->type.dtype != TN_NONE;
    s->type.elem = NULL; /* lived in the planning arena */
    return b->slot_of[v->id] = p->n_slots++;
}

static tn_status make_inputs(tn_planner *b) {
    tn_plan *p = b->p;
    const tn_graph *g = b->args->graph;
    p->inputs = tn_arena_array(p->arena, int, (size_t)g->n_inputs + 1);
    p->outer = tn_arena_array(p->arena, int, (size_t)b->args->n_captured + 1);
    b->slot_of = tn_arena_array(b->temp, int, (size_t)b->args->model->n_values + 1);
    if (!p->inputs || !p->outer || !b->slot_of) return tn_planner_no_memory(b);
    for (int i = 0; i <= b->args->model->n_values; i++) b->slot_of[i] = -1;
    for (int i = 0; i < g->n_inputs; i++) {
        p->inputs[i] = -1;
        if (!b->needed[g->inputs[i]->id]) continue;
        if ((p->inputs[i] = tn_planner_slot(b, g->inputs[i], TN_HOME_INPUT, i)) < 0) return tn_planner_no_memory(b);
    }
    p->n_outer = b->args->n_captured;
    for (int i = 0; i < p->n_outer; i++) {
        const tn_value *v = b->args->captured[i];
        p->outer[i] = -1;
        if (!b->needed[v->id]) continue;
        if ((p->outer[i] = tn_planner_slot(b, v, TN_HOME_OUTER, i)) < 0) return tn_planner_no_memory(b);
    }
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- steps */

static tn_status step_inputs(tn_planner *b, tn_step *s) {
    const tn_node *n = s->node;
    for (int i = 0; i < n->n_inputs; i++) {
        s->in[i] = -1;
        if (!n->inputs[i]) continue;
        /* A value that nobody has made a slot for is a constant, or its producer comes later: a broken order. */
        s->in[i] = tn_planner_slot(b, n->inputs[i], TN_HOME_HEAP, 0);
        if (s->in[i] < 0) return tn_planner_no_memory(b);
    }
    return TN_OK;
}

static tn_status step_outputs(tn_planner *b, tn_step *s) {
    const tn_node *n = s->node;
    for (int i = 0; i < n->n_outputs; i++) {
        const tn_value *v = n->outputs[i];
        s->out[i] = -1;
        if (!v || given(b, v)) continue;
        if (!b->needed[v->id] && !tn_op_needs_output(n->op, i)) continue;
        if ((s->out[i] = tn_planner_slot(b, n->outputs[i], TN_HOME_HEAP, 0)) < 0) return tn_planner_no_memory(b);
    }
    return TN_OK;
}

static tn_status step_nested(tn_planner *b, tn_step *s) {
    int n = 0;
    tn_each_graph(s->node, g) n++;
    if (!n) return TN_OK;
    s->nested = tn_arena_array(b->p->arena, tn_nested, (size_t)n);
    if (!s->nested) return tn_planner_no_memory(b);
    tn_each_graph(s->node, g) {
        tn_nested *k = &s->nested[s->n_nested++];
        k->graph = g;
        TN_TRY(tn_captures(g, b->p->arena, &k->captured, &k->n_captured));
        k->captured_slots = tn_arena_array(b->p->arena, int, (size_t)k->n_captured + 1);
        if (!k->captured_slots) return tn_planner_no_memory(b);
        for (int i = 0; i < k->n_captured; i++)
            if ((k->captured_slots[i] = tn_planner_slot(b, k->captured[i], TN_HOME_HEAP, 0)) < 0)
                return tn_planner_no_memory(b);
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
static bool joins_home(const tn_planner *b, const tn_step *s) {
    const tn_plan *p = b->p;
    if (!(s->node->op->flags & TN_OP_ALIAS) || s->n_in < 1 || s->in[0] < 0 || s->out[0] < 0) return false;
    const tn_slot *x = &p->slots[s->in[0]], *y = &p->slots[s->out[0]];
    return !s->open && x->exact && y->exact && is_static_home(x->home) && tn_slot_bytes(x) == tn_slot_bytes(y);
}

static tn_step_kind kind_of(const tn_planner *b, const tn_step *s) {
    const tn_plan *p = b->p;
    unsigned flags = s->node->op->flags;
    if (flags & TN_OP_ALIAS) return TN_STEP_ALIAS;
    if (flags & TN_OP_DYNAMIC || s->open || s->n_nested || !exact_slots(p, s->in, s->n_in) ||
        !exact_slots(p, s->out, s->n_out) || any_string(p, s->out, s->n_out))
        return TN_STEP_DYNAMIC;
    return TN_STEP_STATIC;
}

static bool varies(const tn_plan *p, const int *slots, int n) {
    for (int i = 0; i < n; i++)
        if (slots[i] >= 0 && (p->slots[slots[i]].varies || p->slots[slots[i]].home == TN_HOME_SHAPE)) return true;
    return false;
}

/* The slots array grows while steps are made, so homes are joined by value: an output slot copies the input's. */
static tn_status add_step(tn_planner *b, const tn_node *n) {
    tn_plan *p = b->p;
    tn_step *s = &p->steps[p->n_steps];
    *s = (tn_step){ .node = n, .run = n->op->run, .n_in = n->n_inputs, .n_out = n->n_outputs };
    s->in = tn_arena_array(p->arena, int, (size_t)n->n_inputs + 1);
    s->out = tn_arena_array(p->arena, int, (size_t)n->n_outputs + 1);
    if (!s->in || !s->out) return tn_planner_no_memory(b);
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
    s->varies = varies(p, s->in, s->n_in) || varies(p, s->out, s->n_out);
    if (s->kind == TN_STEP_STATIC && !s->run) return tn_op_fail(n, TN_E_UNSUPPORTED, "the operator cannot run");
    for (int i = 0; i < s->n_out && s->kind == TN_STEP_STATIC; i++)
        if (s->out[i] >= 0) p->slots[s->out[i]].home = TN_HOME_ARENA;
    TN_TRY(tn_planner_check_states(b, s));
    s->own_inputs = s->kind == TN_STEP_DYNAMIC && !s->n_nested && !all_tensors(p, s->out, s->n_out);
    p->n_steps++;
    return TN_OK;
}

/* The k-th node in the order they run in: its position. A segment's step stands for all its nodes: -1 then. */
static tn_status next_node(tn_planner *b, int k, int *position) {
    *position = b->order ? b->order[k] : k;
    int segment = b->order ? b->segment[k] : -1;
    if (segment < 0) return TN_OK;
    *position = -1;
    return k && b->segment[k - 1] == segment ? TN_OK : tn_offload_add_step(b, segment);
}

/* Aliases that need no step, and outputs that are a state, become entries of `joined`: pairs (output, input). */
static tn_status make_steps(tn_planner *b, int (**joined)[2], int *n_joined) {
    tn_plan *p = b->p;
    p->steps = tn_arena_array(p->arena, tn_step, (size_t)b->n_nodes + 1);
    *joined = (int(*)[2])tn_arena_array(b->temp, int, 2 * (size_t)b->n_nodes + 2);
    *n_joined = 0;
    if (!p->steps || !*joined) return tn_planner_no_memory(b);
    for (int k = 0, i; k < (b->order ? b->n_order : b->n_nodes); k++) {
        TN_TRY(next_node(b, k, &i));
        if (i < 0 || !b->live[i]) continue;
        TN_TRY(add_step(b, b->nodes[i]));
        tn_step *s = &p->steps[p->n_steps - 1];
        bool updates = tn_planner_updates(b, s);
        if (!updates && !joins_home(b, s)) continue;
        tn_slot *y = &p->slots[s->out[0]], *x = &p->slots[s->in[0]];
        y->home = x->home;
        y->index = x->index;
        y->constant = x->constant;
        y->content = x->content;
        (*joined)[*n_joined][0] = s->out[0];
        (*joined)[(*n_joined)++][1] = s->in[0];
        if (updates) continue;
        s->kind = TN_STEP_NONE;
        if (!b->args->range) p->n_steps--;
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------ preparing */

/* A constant that is read as it lies in its file gets an aligned copy, one for the whole session. */
static tn_status align(tn_planner *b, tn_slot *slot) {
    const void *data;
    tn_tensor *copy = tn_arena_new_of(b->p->arena, tn_tensor);
    if (!copy) return tn_planner_no_memory(b);
    *copy = *slot->constant;
    TN_TRY(tn_pack_copy(b->args->packs, slot->constant, b->p->arena, &b->p->held, &data));
    copy->data = (void *)(uintptr_t)data;
    copy->buffer = NULL;
    slot->constant = copy;
    return TN_OK;
}

/* What prepare sees of a step. In a plan for a range those are the largest sizes, and no values but constants. */
static tn_status view_of(tn_planner *b, const tn_step *s, tn_infer *c) {
    tn_typing *t = b->args->range ? &b->most : &b->p->typing;
    const tn_node *n = s->node;
    TN_TRY(tn_typing_view(t, n, c));
    c->attrs = s->attrs;
    for (int i = 0; i < s->n_out; i++)
        if (n->outputs[i]) c->out[i] = t->types[n->outputs[i]->id];
    if (!b->args->range) return TN_OK;
    const tn_tensor **data = tn_arena_array(b->temp, const tn_tensor *, (size_t)n->n_inputs + 1);
    if (!data) return tn_planner_no_memory(b);
    for (int i = 0; i < n->n_inputs; i++)
        if (n->inputs[i]) data[i] = constant_of(b, n->inputs[i]);
    c->in_tensor = data;
    c->in_content = tn_arena_array(b->temp, const tn_content *, (size_t)n->n_inputs + 1);
    return c->in_content ? TN_OK : tn_planner_no_memory(b);
}

bool tn_plan_settles_later(const tn_plan *p, const tn_step *s, int i) {
    enum { LARGE = 65536 };
    const tn_tensor *t = s->in[i] >= 0 ? p->slots[s->in[i]].constant : NULL;
    return !s->prepared && t && t->id && tn_dtype_is_float(t->dtype) && tn_tensor_bytes(t) >= LARGE;
}

static tn_status prepare(tn_planner *b, tn_step *s) {
    tn_plan *p = b->p;
    const tn_op *op = s->node->op;
    if (s->kind == TN_STEP_NONE || s->kind == TN_STEP_SEGMENT) return TN_OK;
    bool ready = s->kind == TN_STEP_STATIC || (s->kind == TN_STEP_DYNAMIC && op->flags & TN_OP_DYNAMIC &&
                                               exact_slots(p, s->in, s->n_in) && !s->varies);
    tn_prep prep = { .arena = p->arena, .pool = b->args->pool, .packs = p->packs, .held = &p->held };
    s->prepared = ready || !op->prepare || s->n_nested;
    if (s->prepared && (op->prepare || b->args->costs)) {
        TN_TRY(view_of(b, s, &prep.types));
        if (op->impls && b->args->tune) tn_tune_choose(b->args->tune, op, &prep);
        if (op->prepare) TN_TRY(tn_op_prepare(op, &prep));
        s->state = prep.state;
        s->impl = prep.impl;
        s->room = s->kind == TN_STEP_STATIC && prep.room <= SIZE_MAX / 8 ? prep.room : 0;
        s->scratch = s->room ? tn_align_up(prep.scratch, 64) + s->room : prep.scratch;
        if (b->args->costs && s->kind == TN_STEP_STATIC && tn_op_cost(&prep.types, &s->cost) != TN_OK) tn_error_clear();
    }
    for (int i = 0; i < s->n_in && b->args->packs; i++) {
        tn_slot *slot = s->in[i] >= 0 ? &p->slots[s->in[i]] : NULL;
        bool consumed = i < 32 && prep.consumed >> i & 1;
        if (!slot || !slot->constant || !slot->constant->data || tn_plan_settles_later(p, s, i)) continue;
        bool bytes = i < 32 && prep.as_it_lies >> i & 1;
        if (!consumed && !bytes && !tn_tensor_aligned(slot->constant)) TN_TRY(align(b, slot));
        tn_pack_note(b->args->packs, slot->constant, consumed);
    }
    return TN_OK;
}

static tn_status build(tn_planner *b) {
    tn_plan *p = b->p;
    int(*joined)[2], n_joined;
    TN_TRY(mark_live(b));
    TN_TRY(make_inputs(b));
    if (b->args->device && !b->args->range) TN_TRY(tn_offload_cut(b));
    TN_TRY(make_steps(b, &joined, &n_joined));
    for (int i = 0; i < b->args->graph->n_outputs; i++) /* outputs that no step makes: constants */
        if (tn_planner_slot(b, b->args->graph->outputs[i], TN_HOME_HEAP, 0) < 0) return tn_planner_no_memory(b);
    tn_slot *slots = tn_arena_array(p->arena, tn_slot, (size_t)p->n_slots + 1);
    if (!slots) return tn_planner_no_memory(b);
    if (p->n_slots) memcpy(slots, p->slots, (size_t)p->n_slots * sizeof *slots);
    p->slots = slots;
    if (b->order) TN_TRY(tn_offload_schedule(b, joined, n_joined));
    TN_TRY(tn_planner_lifetimes(b, joined, n_joined));
    tn_planner_in_place(b);
    for (int i = 0; i < p->n_steps; i++) {
        if (tn_budget_stopped()) return tn_op_fail(p->steps[i].node, TN_E_CANCELLED, "stopped");
        TN_TRY(prepare(b, &p->steps[i]));
    }
    if (b->order)
        TN_TRY(tn_offload_lay_out(b));
    else
        p->offload = NULL; /* no segment: it holds no program */
    return tn_planner_lay_out(b);
}

static void set_inputs(const tn_planner *b, tn_typing *t, const tn_type *types) {
    for (int i = 0; i < b->args->graph->n_inputs; i++) {
        const tn_value *v = b->args->graph->inputs[i];
        tn_typing_set(t, v, &types[i], types[i].kind != TN_KIND_NONE ? NULL : v->fallback);
    }
}

/* The largest sizes of a range, typed like any shapes: what the symbols say must agree, and the block is for them. */
static tn_status type_largest(tn_planner *b) {
    const tn_range *r = b->p->range;
    const tn_graph *g = b->args->graph;
    tn_type *types = tn_arena_array(b->temp, tn_type, (size_t)g->n_inputs + 1);
    if (!types) return tn_planner_no_memory(b);
    for (int i = 0; i < g->n_inputs; i++) types[i] = tn_range_at(r, &r->inputs[i], r->most);
    TN_TRY(tn_typing_init(&b->most, b->args->model, b->temp, b->temp, b->args->pool));
    set_inputs(b, &b->most, types);
    return tn_typing_graph(&b->most, g);
}

static tn_status make(const tn_plan_args *args, tn_plan **out) {
    tn_status st = TN_E_NOMEM;
    tn_planner b = { .args = args };
    tn_arena *keep = tn_arena_new(16384, TN_MEM_GENERAL), *temp = tn_arena_new(65536, TN_MEM_GENERAL);
    *out = NULL;
    if (!keep || !temp || !(b.p = tn_arena_new_of(keep, tn_plan))) {
        tn_range *range = args->range;
        tn_range_free(&range);
        tn_arena_free(&keep);
        st = tn_fail(TN_E_NOMEM, "no memory for a plan");
        goto done;
    }
    tn_plan *p = b.p;
    p->refs = 1;
    p->arena = keep;
    p->graph = args->graph;
    p->packs = args->packs;
    p->range = args->range;
    p->device = args->device;
    b.temp = temp;
    if ((st = tn_typing_init(&p->typing, args->model, keep, temp, args->pool)) != TN_OK) goto done;
    if (p->range) p->typing.syms = p->range->syms;
    set_inputs(&b, &p->typing, p->range ? p->range->inputs : args->inputs);
    if (p->range && (st = type_largest(&b)) != TN_OK) goto done;
    for (int i = 0; i < args->n_captured; i++)
        tn_typing_set(&p->typing, args->captured[i], &args->captured_types[i], args->captured_data[i]);
    if ((st = tn_typing_graph(&p->typing, args->graph)) == TN_OK) st = build(&b);
    if (args->tune) tn_tune_save(args->tune);
    p->owned = p->typing.owned;
    p->typing = (tn_typing){ 0 };
    if (st == TN_OK) {
        *out = p;
        b.p = NULL;
    }
done:
    tn_owned_release(&b.most.owned);
    if (b.p) tn_plan_free(&b.p);
    tn_arena_free(&temp);
    return st;
}

/* What the device cannot hold has a plan without it, which is found as the device's. */
tn_status tn_plan_new(const tn_plan_args *args, tn_plan **out) {
    tn_status st = make(args, out);
    if (st != TN_E_DEVICE || !args->device || args->device->require) return st;
    tn_plan_args own = *args;
    own.device = NULL;
    tn_device_use_fault(args->device, false, tn_error(), "these shapes run on the CPU");
    tn_error_clear();
    st = make(&own, out);
    if (st == TN_OK) (*out)->device = args->device;
    return st;
}
