/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* exec.c - running a frame. A static step is one call; a dynamic one gets its shapes, memory and state first. */
#include "base/clock.h"
#include "engine/session.h"
#include "kernel/empty.h"
#include <string.h>

static tn_status engine_subgraph(tn_run *r, tn_graph *g, const tn_datum *in, int n_in, tn_datum *out, int n_out);

/* --------------------------------------------------------------------------------------------------- HEAP values */

static tn_status heap_tensor(tn_frame *f, tn_dtype t, int rank, const int64_t *dims, tn_datum *out) {
    size_t bytes;
    int64_t n = rank < 0 || rank > TN_MAX_RANK ? -1 : tn_dims_count(rank, dims);
    tn_datum_reset(out);
    if (n < 0 || t == TN_NONE || !tn_dtype_bytes(t, n, &bytes))
        return tn_fail(TN_E_SHAPE, "a tensor of this shape cannot exist");
    if (t == TN_STRING) {
        TN_TRY(tn_tensor_init(&out->tensor, t, rank, dims, TN_MEM_ACTIVATIONS));
    } else {
        tn_buffer *b = tn_heap_buffer(f->session->heap, bytes);
        if (!b) return tn_fail(TN_E_NOMEM, "no memory for a tensor of %zu bytes", bytes);
        out->tensor = (tn_tensor){ .dtype = t, .rank = rank, .data = b->data, .buffer = b };
        if (rank) memcpy(out->tensor.dims, dims, (size_t)rank * sizeof *dims);
    }
    out->kind = TN_KIND_TENSOR;
    return TN_OK;
}

static tn_status engine_alloc(tn_run *r, int i, tn_dtype t, int rank, const int64_t *dims) {
    tn_status st = heap_tensor((tn_frame *)r->exec, t, rank, dims, r->out[i]);
    return st == TN_OK ? st : tn_fail_at(st, "%s", tn_node_where(r->node));
}

/* ------------------------------------------------------------------------------------------------- dynamic steps */

static size_t append_key(const tn_type *t, int64_t *key) {
    size_t n = 0;
    key[n++] = t ? (int64_t)t->kind : -1;
    if (!t || t->kind != TN_KIND_TENSOR) return n;
    key[n++] = t->dtype;
    key[n++] = t->rank;
    for (int d = 0; d < t->rank; d++) key[n++] = t->dims[d];
    return n;
}

/* Weights that were not packed are read where they lie, which must be aligned. */
static tn_status settle_weights(tn_frame *f, const tn_step *s, unsigned consumed) {
    for (int i = 0; i < s->n_in; i++) {
        if (!tn_plan_settles_later(f->plan, s, i)) continue;
        bool packed = i < 32 && consumed >> i & 1;
        tn_tensor *t = &f->data[s->in[i]].tensor;
        const void *copy;
        tn_pack_note(f->session->packs, f->plan->slots[s->in[i]].constant, packed);
        if (packed || tn_tensor_aligned(t)) continue;
        TN_TRY(tn_pack_copy(f->session->packs, f->plan->slots[s->in[i]].constant, f->own, &f->held, &copy));
        t->data = (void *)(uintptr_t)copy;
    }
    return TN_OK;
}

/* The state for these shapes: the last one if they are the same, else prepared anew. */
static tn_status prepare_anew(tn_frame *f, int step, const tn_infer *types) {
    const tn_step *s = &f->plan->steps[step];
    const tn_op *op = s->node->op;
    tn_dynamic_state *d = &f->dynamic[step];
    size_t n = 0, cap = (size_t)(types->n_in + types->n_out) * TN_KEY_MAX;
    int64_t *key = tn_arena_array(f->temp, int64_t, cap + 1);
    if (!key) return tn_op_fail(s->node, TN_E_NOMEM, "no memory to prepare it");
    for (int i = 0; i < types->n_in; i++) n += append_key(types->in[i], key + n);
    for (int i = 0; i < types->n_out; i++) n += append_key(&types->out[i], key + n);
    if (d->arena && d->key_n == n && !memcmp(d->key, key, n * sizeof *key)) return TN_OK;
    tn_dynamic_state fresh = { .arena = tn_arena_new(0, TN_MEM_GENERAL) };
    tn_status st = TN_E_NOMEM;
    const tn_tensor **constants = tn_arena_array(f->temp, const tn_tensor *, (size_t)types->n_in + 1);
    if (!fresh.arena || !constants || !(fresh.key = tn_arena_array(fresh.arena, int64_t, n + 1))) {
        st = tn_op_fail(s->node, TN_E_NOMEM, "no memory to prepare it");
        goto done;
    }
    memcpy(fresh.key, key, n * sizeof *key);
    fresh.key_n = n;
    tn_prep p = {
        .types = *types, .arena = fresh.arena, .pool = f->session->pool, .packs = f->session->packs, .held = &fresh.held
    };
    for (int i = 0; i < s->n_in; i++) constants[i] = s->in[i] >= 0 ? f->plan->slots[s->in[i]].constant : NULL;
    p.types.in_tensor = constants;
    if ((st = tn_op_prepare(op, &p)) != TN_OK) goto done;
    fresh.state = p.state;
    fresh.impl = p.impl;
    fresh.scratch = p.scratch;
    if ((st = settle_weights(f, s, p.consumed)) != TN_OK) goto done;
    tn_dynamic_state old = *d; /* goes last: what both use is not packed again */
    *d = fresh;
    fresh = old;
done:
    tn_dynamic_drop(f, op, &fresh);
    return st;
}

tn_status tn_dynamic_prepare(tn_frame *f, int step, const tn_infer *types) {
    tn_budget b, *before = tn_session_keep(f->session, &b);
    tn_status st = prepare_anew(f, step, types);
    return tn_session_kept(&b, before, st);
}

/* Inputs that the operator may keep (in a sequence) move to counted memory of their own. */
static tn_status own_inputs(const tn_frame *f, const tn_step *s, tn_run *r) {
    tn_datum **in = tn_arena_array(f->temp, tn_datum *, (size_t)s->n_in + 1);
    tn_datum *copies = tn_arena_array(f->temp, tn_datum, (size_t)s->n_in + 1);
    if (!in || !copies) return tn_op_fail(s->node, TN_E_NOMEM, "no memory for its inputs");
    tn_status st = TN_OK;
    for (int i = 0; i < s->n_in; i++) {
        in[i] = r->in[i];
        if (st != TN_OK || !in[i] || in[i]->kind != TN_KIND_TENSOR || in[i]->tensor.buffer) continue;
        st = tn_datum_copy(&copies[i], in[i], TN_MEM_ACTIVATIONS);
        in[i] = &copies[i];
    }
    r->in = in;
    return st;
}

static void disown_inputs(const tn_run *shared, const tn_run *r) {
    for (int i = 0; i < r->n_in; i++)
        if (r->in != shared->in && r->in[i] != shared->in[i]) tn_datum_reset(r->in[i]);
}

/* What the plan promised to later steps must be what came out. */
static tn_status check_outputs(const tn_frame *f, const tn_step *s) {
    for (int i = 0; i < s->n_out; i++) {
        if (s->out[i] < 0) continue;
        const tn_slot *slot = &f->plan->slots[s->out[i]];
        const tn_datum *d = &f->data[s->out[i]];
        if (!slot->exact || slot->varies) continue;
        if (d->kind != TN_KIND_TENSOR || d->tensor.dtype != slot->type.dtype ||
            !tn_dims_equal(d->tensor.rank, d->tensor.dims, slot->type.rank, slot->type.dims))
            return tn_op_fail(s->node, TN_E_SHAPE, "its output %d is not what its shape rule said", i);
    }
    return TN_OK;
}

static tn_status dynamic_step(tn_frame *f, int step) {
    const tn_step *s = &f->plan->steps[step];
    const tn_op *op = s->node->op;
    tn_run r = f->runs[step];
    tn_infer types;
    tn_status st = TN_OK;
    if (!s->run) return tn_op_fail(s->node, TN_E_UNSUPPORTED, "the operator cannot run");
    if (!(op->flags & TN_OP_DYNAMIC) || !s->prepared || s->open) {
        TN_TRY(tn_infer_data(&types, s->node, s->attrs, r.in, f->temp));
        for (int i = 0; i < s->n_out && !(op->flags & TN_OP_DYNAMIC); i++) {
            const tn_type *t = &types.out[i];
            if (s->out[i] < 0) continue;
            if (t->kind != TN_KIND_TENSOR || !tn_type_static(t))
                return tn_op_fail(s->node, TN_E_SHAPE, "the shape of its output %d is not known", i);
            st = heap_tensor(f, t->dtype, t->rank, t->dims, r.out[i]);
            if (st != TN_OK) return tn_fail_at(st, "%s", tn_node_where(s->node));
        }
    }
    if (!s->prepared) {
        TN_TRY(tn_dynamic_prepare(f, step, &types));
        r.state = f->dynamic[step].state;
        r.impl = f->dynamic[step].impl;
        size_t scratch = f->dynamic[step].scratch;
        if (scratch && !(r.scratch = tn_arena_room(f->temp, scratch, 64)))
            return tn_op_fail(s->node, TN_E_NOMEM, "no memory for %zu bytes of scratch", scratch);
    }
    if (s->own_inputs) st = own_inputs(f, s, &r);
    if (st == TN_OK) st = tn_op_run(op, &r);
    disown_inputs(&f->runs[step], &r);
    return st == TN_OK ? check_outputs(f, s) : st;
}

static tn_status alias_step(tn_frame *f, int step) {
    const tn_step *s = &f->plan->steps[step];
    const tn_run *r = &f->runs[step];
    tn_infer types;
    if (s->n_in < 1 || !r->in[0] || !r->out[0]) return tn_op_fail(s->node, TN_E_GRAPH, "has no input or no output");
    if (r->in[0]->kind != TN_KIND_TENSOR) return tn_run_share((tn_run *)r, 0, r->in[0]);
    TN_TRY(tn_infer_data(&types, s->node, s->attrs, r->in, f->temp));
    const tn_type *t = &types.out[0];
    if (t->kind != TN_KIND_TENSOR || !tn_type_static(t) ||
        tn_dims_count(t->rank, t->dims) != tn_count(&r->in[0]->tensor))
        return tn_op_fail(s->node, TN_E_SHAPE, "its output's shape does not fit its input");
    TN_TRY(tn_run_share((tn_run *)r, 0, r->in[0]));
    r->out[0]->tensor.rank = t->rank;
    if (t->rank) memcpy(r->out[0]->tensor.dims, t->dims, (size_t)t->rank * sizeof t->dims[0]);
    return TN_OK;
}

static tn_status other_step(tn_frame *f, int i) {
    const tn_step *s = &f->plan->steps[i];
    if (s->kind == TN_STEP_NONE) return TN_OK;
    if (s->kind == TN_STEP_SEGMENT) return tn_offload_step(f, i, f->times != NULL);
    f->step = i;
    tn_status st = s->kind == TN_STEP_ALIAS ? alias_step(f, i) : dynamic_step(f, i);
    for (int k = 0; k < s->n_dead; k++) tn_datum_reset(&f->data[s->dead[k]]);
    return st;
}

/* ------------------------------------------------------------------------------------------------------ the frame */

static void place_scratch(tn_run *r, const tn_step *s, char *at) {
    if (s->scratch > s->room) r->scratch = at;
    if (s->room) r->room = at + s->scratch - s->room;
}

bool tn_frame_place(tn_frame *f) {
    const tn_plan *p = f->plan;
    char *base = tn_some(f->block ? f->block->data : NULL);
    if (base == f->base) return false;
    f->base = base;
    for (int i = 0; i < p->n_slots; i++)
        if (p->slots[i].home == TN_HOME_ARENA) f->data[i].tensor.data = base + p->slots[i].offset;
    for (int i = 0; i < p->n_steps; i++)
        if (p->steps[i].scratch) place_scratch(&f->runs[i], &p->steps[i], base + p->steps[i].scratch_offset);
    return true;
}

/* A slot of an input or an outer value: the memory is the giver's, the shape the slot's own where it is known. */
static tn_status borrow(tn_frame *f, int slot, const tn_datum *from) {
    const tn_slot *s = &f->plan->slots[slot];
    tn_datum *d = &f->data[slot];
    if (!from) return tn_fail(TN_E_INVALID, "'%s' was not given", s->value->name);
    if (!s->exact) {
        *d = *from;
        if (d->kind == TN_KIND_TENSOR) d->tensor.data = tn_some(d->tensor.data);
        return TN_OK;
    }
    d->tensor.data = tn_some(from->tensor.data); /* operators add offsets of 0 to what has no elements, too */
    d->tensor.buffer = from->tensor.buffer;
    d->tensor.encoding = from->tensor.encoding;
    d->tensor.rows = from->tensor.rows;
    return TN_OK;
}

static tn_status output_buffer(tn_frame *f, size_t bytes, bool nested, tn_buffer **out) {
    *out = tn_heap_buffer(nested ? f->session->heap : f->session->outputs, bytes);
    return *out ? TN_OK : tn_fail(TN_E_NOMEM, "no memory for an output of %zu bytes", bytes);
}

static tn_status bind(tn_frame *f, const tn_datum *const *in, const tn_datum *const *captured, tn_datum *out,
                      bool nested) {
    const tn_plan *p = f->plan;
    for (int i = 0; i < p->graph->n_outputs; i++) {
        const tn_slot *s = &p->slots[p->outputs[i]];
        if (s->home != TN_HOME_OUTPUT || p->output_copied[i]) continue;
        size_t bytes = 0;
        tn_tensor *t = &out[i].tensor;
        *t = f->data[p->outputs[i]].tensor;
        t->buffer = NULL;
        tn_bound_output *o = tn_bound_at(f->bound, i);
        if (o) TN_TRY(tn_bound_take(o, p->graph->outputs[i]->name, t));
        if (o && tn_bound_serves(f->bound, i)) {
            t->data = o->data;
        } else {
            tn_dtype_bytes(t->dtype, tn_count(t), &bytes);
            TN_TRY(output_buffer(f, bytes, nested, &t->buffer));
            t->data = t->buffer->data;
        }
        out[i].kind = TN_KIND_TENSOR;
    }
    for (int k = 0; k < p->n_bound; k++) {
        int i = p->bound[k];
        const tn_slot *s = &p->slots[i];
        /* An output's buffer stays out of sight: its memory may be written again in place, so nobody may keep it. */
        if (s->home == TN_HOME_INPUT)
            TN_TRY(borrow(f, i, in[s->index]));
        else if (s->home == TN_HOME_OUTER)
            TN_TRY(borrow(f, i, captured[s->index]));
        else
            f->data[i].tensor.data = out[s->index].tensor.data;
    }
    return TN_OK;
}

static tn_status collect(tn_frame *f, tn_datum *out, bool nested) {
    const tn_plan *p = f->plan;
    for (int i = 0; i < p->graph->n_outputs; i++) {
        const tn_slot *s = &p->slots[p->outputs[i]];
        const tn_datum *d = &f->data[p->outputs[i]];
        bool counted = d->kind != TN_KIND_TENSOR || d->tensor.buffer;
        bool own = s->home == TN_HOME_OUTPUT && !p->output_copied[i];
        tn_bound_output *o = tn_bound_at(f->bound, i);
        if (o) TN_TRY(tn_bound_store(o, p->graph->outputs[i]->name, own ? &out[i] : d));
        if (o || own) continue;
        if (s->home == TN_HOME_HEAP && !p->output_copied[i])
            tn_datum_share(&out[i], d);
        else if (nested && counted)
            tn_datum_share(&out[i], d);
        else
            TN_TRY(tn_datum_copy(&out[i], d, TN_MEM_IO));
    }
    /* Only now: others may have been copied from there. */
    for (int i = 0; i < p->graph->n_outputs; i++)
        if (tn_bound_at(f->bound, i)) tn_datum_reset(&out[i]);
    return TN_OK;
}

/* Drops what the run left: HEAP values, and pointers to memory of others. */
static void clean(tn_frame *f) {
    const tn_plan *p = f->plan;
    for (int k = 0; k < p->n_loose; k++) {
        tn_datum *d = &f->data[p->loose[k]];
        if (p->slots[p->loose[k]].home == TN_HOME_HEAP)
            tn_datum_reset(d);
        else
            *d = (tn_datum){ 0 };
    }
    tn_frame_fit_temp(f);
}

/* A result that shares memory with an input of the caller or a constant gets its own. */
static tn_status own_outputs(tn_frame *f, tn_datum *out) {
    for (int k = 0; k < f->plan->graph->n_outputs; k++) {
        tn_datum copy;
        if (out[k].kind != TN_KIND_TENSOR || !out[k].tensor.buffer ||
            __atomic_load_n(&out[k].tensor.buffer->refs, __ATOMIC_ACQUIRE) == 1)
            continue;
        TN_TRY(tn_datum_copy(&copy, &out[k], TN_MEM_IO));
        tn_datum_reset(&out[k]);
        out[k] = copy;
    }
    return TN_OK;
}

static void empty_temp(tn_frame *f) {
    size_t held = tn_arena_bytes(f->temp);
    if (held > f->room->most) f->room->most = held;
    tn_arena_restore(f->temp, f->temp_mark);
}

/* After a step: st, or why the run must stop there; the step's own sentence then says less. */
static tn_status judge(const tn_step *s, tn_status st) {
    if (st == TN_OK && !tn_budget_stopped()) return TN_OK;
    return tn_budget_verdict(tn_budget_now(), st, tn_node_where(s->node));
}

/* Step i, once what it needs of a device is there. */
static tn_status run_step(tn_frame *f, int i) {
    const tn_step *s = &f->plan->steps[i];
    if (f->lane) TN_TRY(tn_offload_before(f, i));
    f->runs[i].room_used = 0;
    return s->kind == TN_STEP_STATIC ? tn_op_run(s->node->op, &f->runs[i]) : other_step(f, i);
}

static tn_status run_steps(tn_frame *f) {
    const tn_plan *p = f->plan;
    for (int i = 0; i < p->n_steps; i++) {
        const tn_step *s = &p->steps[i];
        tn_status st = run_step(f, i);
        tn_arena_mark now = tn_arena_save(f->temp);
        if (now.used != f->temp_mark.used || now.block != f->temp_mark.block) empty_temp(f);
        if ((st = judge(s, st)) != TN_OK) return st;
    }
    return TN_OK;
}

static tn_status run_steps_timed(tn_frame *f) {
    const tn_plan *p = f->plan;
    f->started = tn_clock_ns();
    for (int i = 0; i < p->n_steps; i++) {
        const tn_step *s = &p->steps[i];
        uint64_t t0 = tn_clock_ns();
        tn_status st = run_step(f, i);
        f->times[i] = tn_clock_ns() - t0;
        empty_temp(f);
        if ((st = judge(s, st)) != TN_OK) return st;
    }
    return TN_OK;
}

tn_status tn_frame_run(tn_frame *f, const tn_datum *const *in, const tn_datum *const *captured, tn_datum *out,
                       bool nested) {
    f->exec = (tn_exec){ engine_alloc, engine_subgraph };
    int n = f->plan->graph->n_outputs;
    for (int i = 0; i < n; i++) out[i] = (tn_datum){ 0 };
    tn_frame_place(f);
    tn_status st = bind(f, in, captured, out, nested);
    if (st == TN_OK) st = f->times ? run_steps_timed(f) : run_steps(f);
    if (st == TN_OK && f->lane) st = tn_offload_before(f, f->plan->n_steps);
    if (st != TN_OK && f->lane) tn_offload_abandon(f);
    if (st == TN_OK) st = collect(f, out, nested);
    clean(f);
    if (st == TN_OK && !nested && f->plan->n_loose) st = own_outputs(f, out);
    for (int i = 0; i < n && st != TN_OK; i++) tn_datum_reset(&out[i]);
    return st;
}

/* ------------------------------------------------------------------------------------------------------ subgraphs */

static tn_nested *nested_of(const tn_step *s, const tn_graph *g) {
    for (int i = 0; i < s->n_nested; i++)
        if (s->nested[i].graph == g) return &s->nested[i];
    return NULL;
}

/* A nested graph's run: its arguments as the plan and the frame want them. */
typedef struct {
    int64_t *key;
    size_t key_n;
    tn_type *types, *outer_types;
    const tn_datum **in, **outer;
    const tn_tensor **outer_data;
} nested_run;

static bool describe(tn_frame *f, const tn_nested *k, const tn_datum *in, int n_in, nested_run *c) {
    size_t ni = (size_t)n_in + 1, no = (size_t)k->n_captured + 1;
    c->types = tn_arena_array(f->temp, tn_type, ni);
    c->outer_types = tn_arena_array(f->temp, tn_type, no);
    c->in = tn_arena_array(f->temp, const tn_datum *, ni);
    c->outer = tn_arena_array(f->temp, const tn_datum *, no);
    c->outer_data = tn_arena_array(f->temp, const tn_tensor *, no);
    c->key = tn_arena_array(f->temp, int64_t, (ni + no) * TN_KEY_MAX);
    if (!c->types || !c->outer_types || !c->in || !c->outer || !c->outer_data || !c->key) return false;
    for (int i = 0; i < n_in; i++) {
        c->in[i] = &in[i];
        c->types[i] = tn_type_of(&in[i]);
        c->key_n += tn_session_key(&in[i], c->key + c->key_n);
    }
    for (int i = 0; i < k->n_captured; i++) {
        const tn_slot *s = &f->plan->slots[k->captured_slots[i]];
        c->outer[i] = &f->data[k->captured_slots[i]];
        c->outer_types[i] = tn_type_of(c->outer[i]);
        c->outer_data[i] = s->constant;
        if (!s->constant) c->key_n += tn_session_key(c->outer[i], c->key + c->key_n);
    }
    return true;
}

static tn_status engine_subgraph(tn_run *r, tn_graph *g, const tn_datum *in, int n_in, tn_datum *out, int n_out) {
    tn_frame *f = (tn_frame *)r->exec, *inner;
    tn_session *s = f->session;
    tn_nested *k = nested_of(&f->plan->steps[f->step], g);
    for (int i = 0; i < n_out; i++) out[i] = (tn_datum){ 0 };
    if (tn_budget_stopped()) return tn_op_stopped(r); /* its body may have no step that looks */
    if (!k || n_in != g->n_inputs || n_out != g->n_outputs)
        return tn_op_fail(r->node, TN_E_GRAPH, "its subgraph has %d inputs and %d outputs, not %d and %d", g->n_inputs,
                          g->n_outputs, n_in, n_out);
    nested_run c = { 0 };
    tn_arena_mark mark = tn_arena_save(f->temp);
    if (!describe(f, k, in, n_in, &c)) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for its subgraph");
    tn_plan_args args = { .model = s->model,
                          .graph = g,
                          .inputs = c.types,
                          .captured = k->captured,
                          .captured_types = c.outer_types,
                          .captured_data = c.outer_data,
                          .n_captured = k->n_captured,
                          .pool = s->pool,
                          .packs = s->packs,
                          .device = f->plan->device,
                          .tune = s->tune,
                          .costs = s->profiler != NULL };
    tn_plan_list list = { &k->plans, &k->n_plans, TN_NESTED_PLANS };
    tn_status st = tn_session_acquire(s, list, &args, c.key, c.key_n, &inner);
    if (st == TN_OK) {
        st = tn_frame_run(inner, c.in, c.outer, out, true);
        tn_session_release(s, inner);
    }
    tn_arena_restore(f->temp, mark);
    return st;
}
