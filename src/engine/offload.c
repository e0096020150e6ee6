/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* offload.c - running the segments of a plan: lanes, transfers, waiting, and what becomes of failures. */
#include "engine/offload.h"
#include "base/log.h"
#include "engine/session.h"
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------------------ lanes */

static size_t free_lane(tn_lane *l) {
    size_t bytes = l->bytes;
    if (l->stream) l->device->ops->stream_close(l->stream);
    if (l->memory) l->device->ops->free(l->device->self, l->memory);
    tn_mem_free(l);
    return bytes;
}

size_t tn_lanes_free(tn_lane *list) {
    size_t bytes = 0;
    for (tn_lane *next; list; list = next) {
        next = list->next;
        bytes += free_lane(list);
    }
    return bytes;
}

/* An idle lane: one that has room, if there is any. */
static tn_lane *take_idle(tn_session *s, size_t bytes) {
    pthread_mutex_lock(&s->lock);
    tn_lane **best = &s->lanes;
    for (tn_lane **at = &s->lanes; *at; at = &(*at)->next)
        if ((*at)->bytes >= bytes && ((*best)->bytes < bytes || (*at)->bytes < (*best)->bytes)) best = at;
    tn_lane *l = *best;
    if (l) *best = l->next;
    pthread_mutex_unlock(&s->lock);
    return l;
}

static void free_idle(tn_session *s) {
    pthread_mutex_lock(&s->lock);
    tn_lane *idle = s->lanes;
    s->lanes = NULL;
    pthread_mutex_unlock(&s->lock);
    tn_lanes_free(idle);
}

static tn_status fit_lane(tn_session *s, tn_lane *l, size_t bytes) {
    const tn_device_ops *ops = l->device->ops;
    void *self = l->device->self;
    if (!l->stream) TN_TRY(ops->stream_open(self, &l->stream));
    if (l->memory && l->bytes >= bytes) return TN_OK;
    if (l->memory) ops->free(self, l->memory);
    l->memory = NULL;
    l->bytes = 0;
    tn_status st = ops->alloc(self, bytes ? bytes : 1, &l->memory);
    if (st != TN_OK) { /* what lies idle may be in the way */
        free_idle(s);
        st = ops->alloc(self, bytes ? bytes : 1, &l->memory);
    }
    if (st == TN_OK) l->bytes = bytes;
    return st;
}

tn_status tn_lane_take(tn_session *s, const tn_offload *o, tn_lane **out) {
    tn_lane *l = take_idle(s, o->bytes);
    *out = NULL;
    if (!l && !(l = tn_mem_zalloc(sizeof *l, TN_MEM_GENERAL))) return tn_fail(TN_E_NOMEM, "no memory to run the plan");
    l->next = NULL;
    l->device = o->device;
    tn_status st = tn_device_failed(o->device, fit_lane(s, l, o->bytes));
    if (st == TN_OK)
        *out = l;
    else
        free_lane(l);
    return st;
}

/* ---------------------------------------------------------------------------------------------------------- running */

static tn_device_place place_of(const tn_frame *f, int remote) {
    const tn_remote *r = &f->plan->offload->remotes[remote];
    return (tn_device_place){ f->lane->memory, r->offset, r->bytes };
}

static void *host_of(const tn_frame *f, int remote) {
    return f->data[f->plan->offload->remotes[remote].slot].tensor.data;
}

/* A failure while the host waits for, or hands over, a segment; the sentence names its nodes. */
static tn_status fail_at(const tn_offload *o, int segment, tn_status st) {
    const tn_offload_segment *g = &o->segments[segment];
    if (st == TN_OK || st == TN_E_CANCELLED) return st;
    if (g->n_nodes == 1) return tn_fail_at(st, "node '%s'", g->nodes[0]->name);
    return tn_fail_at(st, "nodes '%s' to '%s'", g->nodes[0]->name, g->nodes[g->n_nodes - 1]->name);
}

static tn_status upload(tn_frame *f, int remote) {
    const tn_offload *o = f->plan->offload;
    tn_device_ticket t;
    tn_device_place to = place_of(f, remote);
    atomic_fetch_add(&o->use->uploads, 1);
    atomic_fetch_add(&o->use->up_bytes, to.bytes);
    tn_status st = tn_device_failed(o->device, o->device->ops->upload(f->lane->stream, to, host_of(f, remote), &t));
    return st == TN_OK ? st : tn_fail_at(st, "'%s'", f->plan->slots[o->remotes[remote].slot].value->name);
}

static tn_status wait_for(tn_frame *f, int segment) {
    const tn_offload *o = f->plan->offload;
    return fail_at(o, segment, tn_device_wait(o->device, f->lane->stream, f->tickets[segment]));
}

/* Segments run in the order of their numbers, but for those that could not be compiled. */
static int last_segment(const tn_offload *o) {
    int k = o->n_segments - 1;
    while (!o->segments[k].program) k--;
    return k;
}

tn_status tn_offload_before(tn_frame *f, int i) {
    const tn_offload *o = f->plan->offload;
    for (int k = o->up_at[i]; k < o->up_at[i + 1]; k++) TN_TRY(upload(f, o->up[k]));
    if (i == f->plan->n_steps) return wait_for(f, last_segment(o));
    return o->waits[i] ? wait_for(f, o->waits[i] - 1) : TN_OK;
}

static tn_status download(tn_frame *f, int remote, tn_device_ticket *t) {
    const tn_offload *o = f->plan->offload;
    tn_device_place from = place_of(f, remote);
    if (!o->remotes[remote].down) return TN_OK;
    atomic_fetch_add(&o->use->downloads, 1);
    atomic_fetch_add(&o->use->down_bytes, from.bytes);
    return o->device->ops->download(f->lane->stream, host_of(f, remote), from, t);
}

static tn_status launch(tn_frame *f, int segment) {
    const tn_offload *o = f->plan->offload;
    const tn_offload_segment *g = &o->segments[segment];
    tn_device_ticket *t = &f->tickets[segment];
    tn_device_place *in = f->places, *out = f->places + g->n_in;
    for (int i = 0; i < g->n_in; i++) in[i] = place_of(f, g->in[i]);
    for (int i = 0; i < g->n_out; i++) out[i] = place_of(f, g->out[i]);
    tn_device_place work = { f->lane->memory, g->work_offset, g->work };
    TN_TRY(o->device->ops->run(f->lane->stream, g->program, in, out, work, t));
    atomic_fetch_add(&o->use->runs, 1);
    for (int i = 0; i < g->n_out; i++) TN_TRY(download(f, g->out[i], t));
    return TN_OK;
}

tn_status tn_offload_step(tn_frame *f, int i, bool wait) {
    const tn_offload *o = f->plan->offload;
    int segment = f->plan->steps[i].segment;
    TN_TRY(fail_at(o, segment, tn_device_failed(o->device, launch(f, segment))));
    return wait ? wait_for(f, segment) : TN_OK;
}

void tn_offload_abandon(tn_frame *f) { f->plan->offload->device->ops->reset(f->lane->stream); }

/* --------------------------------------------------------------------------------------------------------- sessions */

tn_device_use *tn_device_use_now(tn_device_use *u) { return u && !atomic_load(&u->off) ? u : NULL; }

bool tn_device_use_falls_back(tn_device_use *u, tn_status st, char *why, size_t n) {
    if (st == TN_OK) atomic_store(&u->in_row, 0);
    if (st != TN_E_DEVICE || u->require) return false;
    snprintf(why, n, "%s", tn_error());
    tn_error_clear();
    return true;
}

void tn_device_use_fault(tn_device_use *u, bool ran, const char *why, const char *what) {
    enum { PATIENCE = 3 };
    atomic_fetch_add(&u->faults, 1);
    bool off = (ran && atomic_fetch_add(&u->in_row, 1) + 1 >= PATIENCE) || u->device->ops->lost(u->device->self);
    if (!atomic_exchange(&u->warned, true)) tn_log(TN_LOG_WARN, "%s; %s", why, what);
    if (off && !atomic_exchange(&u->off, true))
        tn_log(TN_LOG_WARN, "device '%s' is not used any more: %s", u->device->ops->name, why);
}

tn_status tn_offload_plan_usual(tn_session *s, const tn_range *r) {
    size_t n = (size_t)r->n_inputs, key_n = 0;
    tn_type *types = tn_mem_zalloc((n + 1) * sizeof *types, TN_MEM_GENERAL);
    int64_t *key = tn_mem_alloc((n + 1) * TN_KEY_MAX * sizeof *key, TN_MEM_GENERAL);
    tn_status st = types && key ? TN_OK : tn_fail(TN_E_NOMEM, "no memory for %zu inputs", n);
    for (size_t i = 0; i < n && st == TN_OK; i++) {
        tn_datum d = { .kind = r->inputs[i].kind };
        types[i] = tn_range_at(r, &r->inputs[i], r->usual);
        d.tensor.dtype = types[i].dtype;
        d.tensor.rank = types[i].rank;
        memcpy(d.tensor.dims, types[i].dims, sizeof d.tensor.dims);
        key_n += tn_session_key(d.kind == TN_KIND_NONE ? NULL : &d, key + key_n);
    }
    tn_plan_args args = { .model = s->model,
                          .graph = s->model->graph,
                          .inputs = types,
                          .pool = s->pool,
                          .packs = s->packs,
                          .device = s->device,
                          .costs = s->profiler != NULL };
    tn_frame *f = NULL;
    if (st == TN_OK) st = tn_session_acquire_main(s, &args, key, key_n, &f);
    if (f) tn_session_release(s, f);
    tn_mem_free(types);
    tn_mem_free(key);
    return st == TN_E_DEVICE && !s->device->require ? TN_OK : st;
}
