/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* frame.c - making frames: every static datum and every step's arguments are set once. */
#include "engine/call.h"
#include "engine/session.h"
#include "kernel/empty.h"
#include <string.h>

static void preset(tn_frame *f) {
    for (int i = 0; i < f->plan->n_slots; i++) {
        const tn_slot *s = &f->plan->slots[i];
        tn_datum *d = &f->data[i];
        if (s->home == TN_HOME_HEAP || !(s->exact || s->home == TN_HOME_CONST)) continue;
        d->kind = TN_KIND_TENSOR;
        d->tensor.dtype = s->type.dtype;
        d->tensor.rank = s->type.rank;
        for (int k = 0; k < s->type.rank; k++) d->tensor.dims[k] = s->type.dims[k];
        if (s->home == TN_HOME_CONST) {
            d->tensor.data = tn_some(s->constant->data);
            d->tensor.buffer = s->constant->buffer;
            d->tensor.encoding = s->constant->encoding;
        }
    }
}

static bool arguments(tn_frame *f) {
    for (int i = 0; i < f->plan->n_steps; i++) {
        if (!tn_step_call(f->own, &f->plan->steps[i], f->data, &f->runs[i])) return false;
        f->runs[i].pool = f->session->pool;
        f->runs[i].exec = &f->exec;
    }
    return true;
}

static bool for_segments(tn_frame *f) {
    const tn_offload *o = f->plan->offload;
    if (!o) return true;
    f->places = tn_arena_array(f->own, tn_device_place, (size_t)o->most_places + 1);
    f->tickets = tn_arena_array(f->own, tn_device_ticket, (size_t)o->n_segments + 1);
    return f->places && f->tickets;
}

static bool any_dynamic(const tn_plan *p) {
    for (int i = 0; i < p->n_steps; i++)
        if (p->steps[i].kind != TN_STEP_STATIC) return true;
    return false;
}

tn_status tn_frame_new(struct tn_session *s, tn_plan *p, tn_frame **out) {
    tn_frame *f = tn_mem_zalloc(sizeof *f, TN_MEM_GENERAL);
    *out = NULL;
    if (!f) goto fail;
    f->session = s;
    f->plan = p;
    if (!(f->own = tn_arena_new(0, TN_MEM_GENERAL))) goto fail;
    f->data = tn_arena_array(f->own, tn_datum, (size_t)p->n_slots + 1);
    f->runs = tn_arena_array(f->own, tn_run, (size_t)p->n_steps + 1);
    if (any_dynamic(p) || p->range) {
        f->dynamic = tn_arena_array(f->own, tn_dynamic_state, (size_t)p->n_steps + 1);
        if (!f->dynamic) goto fail;
    }
    if (s->profiler && !(f->times = tn_arena_array(f->own, uint64_t, (size_t)p->n_steps + 1))) goto fail;
    if (!f->data || !f->runs || !arguments(f) || !for_segments(f)) goto fail;
    preset(f);
    if (p->range && tn_fit_new(f) != TN_OK) goto fail;
    *out = f;
    return TN_OK;
fail:
    tn_frame_free(f);
    return tn_fail(TN_E_NOMEM, "no memory to run the plan");
}

void tn_dynamic_drop(tn_frame *f, const tn_op *op, tn_dynamic_state *d) {
    if (d->state && op->release) op->release(d->state);
    tn_pack_release(f->session->packs, &d->held);
    tn_arena_free(&d->arena);
    *d = (tn_dynamic_state){ 0 };
}

void tn_frame_free(tn_frame *f) {
    if (!f) return;
    for (int i = 0; f->dynamic && i < f->plan->n_steps; i++)
        tn_dynamic_drop(f, f->plan->steps[i].node->op, &f->dynamic[i]);
    tn_fit_free(f);
    tn_pack_release(f->session->packs, &f->held);
    tn_arena_free(&f->own);
    tn_mem_free(f);
}

/* The arena's first block stays. */
static bool fit(tn_temp *t, size_t first) {
    tn_arena *a = tn_arena_new(first, TN_MEM_SCRATCH);
    if (!a || !tn_arena_room(a, 1, 1)) {
        tn_arena_free(&a);
        return false;
    }
    tn_arena_free(&t->arena);
    *t = (tn_temp){ .next = t->next, .arena = a, .mark = tn_arena_save(a) };
    t->first = t->most = tn_arena_bytes(a);
    return true;
}

tn_temp *tn_temp_new(void) {
    tn_temp *t = tn_mem_zalloc(sizeof *t, TN_MEM_GENERAL);
    if (t && fit(t, 4096)) return t;
    tn_mem_free(t);
    return NULL;
}

void tn_temp_free(tn_temp *t) {
    if (t) tn_arena_free(&t->arena);
    tn_mem_free(t);
}

void tn_frame_take_temp(tn_frame *f, tn_temp *t) {
    f->room = t;
    f->temp_mark = t->mark;
    if (f->temp == t->arena) return;
    f->temp = t->arena;
    for (int i = 0; i < f->plan->n_steps; i++) f->runs[i].arena = t->arena;
}

void tn_frame_fit_temp(tn_frame *f) {
    tn_temp *t = f->room;
    if (t->most > t->first && fit(t, t->most)) tn_frame_take_temp(f, t);
}

tn_frame *tn_frame_next(tn_frame *f) { return f->next; }
