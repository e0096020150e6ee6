/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* offload_plan.c - when values cross to the device and back, who waits for what, and where they lie there. */
#include "engine/memory.h"
#include "engine/planner.h"
#include <string.h>

tn_status tn_offload_add_step(tn_planner *b, int segment) {
    tn_plan *p = b->p;
    const tn_offload_border *e = tn_offload_border_of(b, segment);
    tn_step *s = &p->steps[p->n_steps++];
    *s = (tn_step){ .kind = TN_STEP_SEGMENT, .node = p->offload->segments[segment].nodes[0], .segment = segment };
    s->n_in = e->n_in;
    s->n_out = e->n_out;
    s->cost = e->cost;
    s->in = tn_arena_array(p->arena, int, (size_t)e->n_in + 1);
    s->out = tn_arena_array(p->arena, int, (size_t)e->n_out + 1);
    if (!s->in || !s->out) return tn_planner_no_memory(b);
    for (int i = 0; i < e->n_in; i++)
        if ((s->in[i] = tn_planner_slot(b, e->in[i], TN_HOME_HEAP, 0)) < 0) return tn_planner_no_memory(b);
    for (int i = 0; i < e->n_out; i++)
        if ((s->out[i] = tn_planner_slot(b, e->out[i], e->host[i] ? TN_HOME_ARENA : TN_HOME_DEVICE, 0)) < 0)
            return tn_planner_no_memory(b);
    return TN_OK;
}

/* By slot. */
typedef struct {
    int origin; /* the slot whose step made the memory */
    int maker;  /* of an origin: the step; -1: it is there from the beginning */
    int remote; /* -1: none */
} slot_facts;

typedef struct {
    tn_planner *b;
    tn_offload *o;
    slot_facts *slots;
} schedule;

static bool is_segment(const tn_step *s) { return s->kind == TN_STEP_SEGMENT; }

static tn_status note_slots(schedule *x, int (*joined)[2], int n_joined) {
    const tn_plan *p = x->b->p;
    x->slots = tn_arena_array(x->b->temp, slot_facts, (size_t)p->n_slots + 1);
    if (!x->slots) return tn_planner_no_memory(x->b);
    for (int i = 0; i < p->n_slots; i++) x->slots[i] = (slot_facts){ .origin = i, .maker = -1, .remote = -1 };
    for (int i = 0; i < p->n_steps; i++)
        for (int k = 0; k < p->steps[i].n_out; k++)
            if (p->steps[i].out[k] >= 0) x->slots[p->steps[i].out[k]].maker = i;
    for (int i = 0; i < n_joined; i++) x->slots[joined[i][0]].origin = x->slots[joined[i][1]].origin;
    return TN_OK;
}

/* The slot's remote, made if it is new. */
static int remote_of(schedule *x, int slot, int step) {
    const tn_planner *b = x->b;
    slot_facts *s = &x->slots[slot];
    if (s->remote < 0) {
        const tn_slot *k = &b->p->slots[slot];
        bool made = is_segment(&b->p->steps[step]) && s->maker == step && s->origin == slot;
        int up = made ? -1 : x->slots[s->origin].maker + 1;
        s->remote = x->o->n_remotes++;
        x->o->remotes[s->remote] = (tn_remote){ .slot = slot,
                                                .bytes = tn_slot_bytes(k),
                                                .first = made ? step : up,
                                                .up = up,
                                                .down = made && k->home != TN_HOME_DEVICE };
    }
    if (x->o->remotes[s->remote].last < step) x->o->remotes[s->remote].last = step;
    return s->remote;
}

static tn_status note_segment(schedule *x, int step) {
    const tn_step *s = &x->b->p->steps[step];
    tn_offload_segment *g = &x->o->segments[s->segment];
    g->step = step;
    g->in = tn_arena_array(x->b->p->arena, int, (size_t)s->n_in + 1);
    g->out = tn_arena_array(x->b->p->arena, int, (size_t)s->n_out + 1);
    if (!g->in || !g->out) return tn_planner_no_memory(x->b);
    for (int i = 0; i < s->n_in; i++) g->in[g->n_in++] = remote_of(x, s->in[i], step);
    for (int i = 0; i < s->n_out; i++) g->out[g->n_out++] = remote_of(x, s->out[i], step);
    if (g->n_in + g->n_out > x->o->most_places) x->o->most_places = g->n_in + g->n_out;
    return TN_OK;
}

static tn_status note_segments(schedule *x) {
    const tn_plan *p = x->b->p;
    size_t most = 1;
    for (int i = 0; i < p->n_steps; i++)
        if (is_segment(&p->steps[i])) most += (size_t)p->steps[i].n_in + (size_t)p->steps[i].n_out;
    if (!(x->o->remotes = tn_arena_array(p->arena, tn_remote, most))) return tn_planner_no_memory(x->b);
    for (int i = 0; i < p->n_steps; i++)
        if (is_segment(&p->steps[i])) TN_TRY(note_segment(x, i));
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------ uploads and waits */

static tn_status list_uploads(schedule *x) {
    tn_offload *o = x->o;
    size_t n = (size_t)x->b->p->n_steps + 2;
    int *at = tn_arena_array(x->b->temp, int, n);
    o->up_at = tn_arena_array(x->b->p->arena, int, n);
    o->up = tn_arena_array(x->b->p->arena, int, (size_t)o->n_remotes + 1);
    if (!at || !o->up_at || !o->up) return tn_planner_no_memory(x->b);
    for (int i = 0; i < o->n_remotes; i++)
        if (o->remotes[i].up >= 0) o->up_at[o->remotes[i].up + 1]++;
    for (size_t i = 1; i < n; i++) o->up_at[i] += o->up_at[i - 1];
    memcpy(at, o->up_at, n * sizeof *at);
    for (int i = 0; i < o->n_remotes; i++)
        if (o->remotes[i].up >= 0) o->up[at[o->remotes[i].up]++] = i;
    return TN_OK;
}

/* The step of the segment whose downloaded result a slot's memory holds; -1: none. */
static int downloaded_by(const schedule *x, int slot) {
    int from = slot >= 0 ? x->slots[slot].origin : -1, maker = from >= 0 ? x->slots[from].maker : -1;
    return maker >= 0 && is_segment(&x->b->p->steps[maker]) ? maker : -1;
}

static int latest_wait(const schedule *x, const tn_step *s) {
    int latest = -1;
    for (int i = 0; i < s->n_in; i++) {
        int m = downloaded_by(x, s->in[i]);
        if (m > latest) latest = m;
    }
    for (int k = 0; k < s->n_nested; k++)
        for (int i = 0; i < s->nested[k].n_captured; i++) {
            int m = downloaded_by(x, s->nested[k].captured_slots[i]);
            if (m > latest) latest = m;
        }
    return latest;
}

/* A wait for one segment is one for all before it. */
static tn_status note_waits(schedule *x) {
    const tn_plan *p = x->b->p;
    int seen = -1;
    x->o->waits = tn_arena_array(p->arena, int, (size_t)p->n_steps + 2);
    if (!x->o->waits) return tn_planner_no_memory(x->b);
    for (int i = 0; i < p->n_steps; i++) {
        int m = is_segment(&p->steps[i]) ? -1 : latest_wait(x, &p->steps[i]);
        if (m <= seen) continue;
        seen = m;
        x->o->waits[i] = 1 + p->steps[m].segment;
    }
    return TN_OK;
}

/* An upload is known to be done when the host has waited for a segment that comes behind it. */
static void hold_uploads(schedule *x) {
    const tn_plan *p = x->b->p;
    tn_offload *o = x->o;
    for (int i = 0; i < o->n_remotes; i++) {
        tn_remote *r = &o->remotes[i];
        if (r->up < 0) continue;
        for (r->held = r->up; r->held < p->n_steps; r->held++)
            if (o->waits[r->held] && o->segments[o->waits[r->held] - 1].step >= r->up) break;
    }
}

tn_status tn_offload_schedule(tn_planner *b, int (*joined)[2], int n_joined) {
    schedule x = { .b = b, .o = b->p->offload };
    TN_TRY(note_slots(&x, joined, n_joined));
    TN_TRY(note_segments(&x));
    TN_TRY(list_uploads(&x));
    TN_TRY(note_waits(&x));
    hold_uploads(&x);
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- memory */

tn_status tn_offload_lay_out(tn_planner *b) {
    tn_offload *o = b->p->offload;
    int n = o->n_remotes;
    tn_lifetime *v = tn_arena_array(b->temp, tn_lifetime, (size_t)n + (size_t)o->n_segments + 1);
    if (!v) return tn_planner_no_memory(b);
    for (int i = 0; i < n; i++) {
        const tn_remote *r = &o->remotes[i];
        v[i] = (tn_lifetime){ .bytes = r->bytes, .first = r->first, .last = r->last };
    }
    for (int i = 0; i < o->n_segments; i++) {
        const tn_offload_segment *g = &o->segments[i];
        v[n + i] = (tn_lifetime){ .bytes = g->work, .first = g->step, .last = g->step };
    }
    TN_TRY(tn_memory_layout(v, n + o->n_segments, &o->bytes));
    size_t most = o->device->ops->traits(o->device->self).memory;
    if (most && o->bytes > most)
        return tn_fail(TN_E_DEVICE, "device '%s': its segments need %zu bytes, and it has no more than %zu",
                       o->device->ops->name, o->bytes, most);
    for (int i = 0; i < n; i++) o->remotes[i].offset = v[i].offset;
    for (int i = 0; i < o->n_segments; i++) o->segments[i].work_offset = v[n + i].offset;
    return TN_OK;
}

void tn_offload_free(tn_offload *o) {
    for (int i = 0; o && i < o->n_segments; i++)
        if (o->segments[i].program) o->device->ops->release(o->device->self, o->segments[i].program);
}
