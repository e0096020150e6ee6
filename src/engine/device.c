/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* device.c - the devices that are open, the constants in their memory, and places for a segment's inner values. */
#include "engine/device.h"
#include "base/budget.h"
#include "base/guard.h"
#include "base/map.h"
#include "base/text.h"
#include "engine/device_sim.h"
#include "engine/memory.h"
#include <string.h>

const tn_device_ops *const tn_device_rows[] = { &tn_device_sim, NULL };

/* Open devices and their constants: few, and looked for when sessions and plans are made. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static tn_device *devices;

static void guard_lock(void) {
    static tn_guard guard;
    tn_guard_add(&guard, &lock, TN_GUARD_LEAF);
}

static void take_lock(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, guard_lock);
    pthread_mutex_lock(&lock);
}

/* ------------------------------------------------------------------------------------------------- opening, closing */

static const tn_device_ops *row_of(const char *spec, size_t n) {
    for (int i = 0; tn_device_rows[i]; i++)
        if (tn_same_word_n(spec, n, tn_device_rows[i]->name)) return tn_device_rows[i];
    return NULL;
}

static tn_status unknown(const char *spec, size_t n) {
    tn_text names = { 0 };
    for (int i = 0; tn_device_rows[i]; i++) tn_text_printf(&names, ", %s", tn_device_rows[i]->name);
    tn_status st = tn_fail(TN_E_NOT_FOUND, "there is no device '%.*s'; there are: cpu%s", (int)(n < 64 ? n : 64), spec,
                           names.s ? names.s : "");
    tn_text_free(&names);
    return st;
}

static tn_status open_new(const tn_device_ops *ops, const char *spec, size_t name_n, tn_device **out) {
    tn_device *d = tn_mem_zalloc(sizeof *d, TN_MEM_GENERAL);
    size_t n = strlen(spec) + 1;
    if (!d || !(d->spec = tn_mem_alloc(n, TN_MEM_GENERAL))) {
        tn_mem_free(d);
        return tn_fail(TN_E_NOMEM, "no memory for a device");
    }
    memcpy(d->spec, spec, n);
    *d = (tn_device){ .ops = ops, .spec = d->spec, .refs = 1 };
    tn_status st = ops->open(spec[name_n] ? spec + name_n + 1 : "", &d->self);
    if (st != TN_OK) {
        tn_mem_free(d->spec);
        tn_mem_free(d);
        return st == TN_E_INVALID ? st : tn_fail_at(TN_E_DEVICE, "device '%s'", ops->name);
    }
    d->next = devices;
    *out = devices = d;
    return TN_OK;
}

tn_status tn_device_open(const char *spec, tn_device **out) {
    *out = NULL;
    if (!spec || !*spec || tn_same_word(spec, "cpu")) return TN_OK;
    size_t name_n = strcspn(spec, ":");
    const tn_device_ops *ops = row_of(spec, name_n);
    if (!ops) return unknown(spec, name_n);
    take_lock();
    for (tn_device *d = devices; d && !*out; d = d->next)
        if (!strcmp(d->spec, spec) && !d->ops->lost(d->self)) *out = d;
    if (*out) (*out)->refs++;
    tn_status st = *out ? TN_OK : open_new(ops, spec, name_n, out);
    pthread_mutex_unlock(&lock);
    return st;
}

void tn_device_close(tn_device **device) {
    tn_device *d = *device;
    *device = NULL;
    if (!d) return;
    take_lock();
    bool last = --d->refs == 0;
    for (tn_device **at = &devices; last && *at; at = &(*at)->next)
        if (*at == d) {
            *at = d->next;
            break;
        }
    pthread_mutex_unlock(&lock);
    if (!last) return;
    if (d->stream) d->ops->stream_close(d->stream);
    d->ops->close(d->self);
    tn_mem_free(d->spec);
    tn_mem_free(d);
}

tn_status tn_device_failed(const tn_device *d, tn_status st) {
    return st == TN_OK ? TN_OK : tn_fail_at(TN_E_DEVICE, "device '%s'", d->ops->name);
}

tn_status tn_device_wait(const tn_device *d, void *stream, tn_device_ticket t) {
    enum { LOOK_NS = 1000000 };
    for (bool done = false; !done;) {
        TN_TRY(tn_device_failed(d, d->ops->wait(stream, t, LOOK_NS, &done)));
        if (!done && tn_budget_stopped())
            return tn_fail(TN_E_CANCELLED, "stopped while device '%s' worked", d->ops->name);
    }
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------------- constants */

struct tn_device_constant {
    tn_device_constant *next;
    uint64_t id; /* 0: of one program */
    char *key;
    tn_device_place place;
    int refs;
};

static tn_device_constant *find(const tn_device *d, uint64_t id, const char *key, size_t bytes) {
    tn_device_constant *c = id ? d->constants : NULL;
    while (c && (c->id != id || c->place.bytes != bytes || strcmp(c->key, key) != 0)) c = c->next;
    return c;
}

static void free_constant(tn_device *d, tn_device_constant *c) {
    if (c->place.memory) d->ops->free(d->self, c->place.memory);
    tn_mem_free(c->key);
    tn_mem_free(c);
}

static tn_status send(tn_device *d, tn_device_place to, const void *from) {
    tn_device_ticket t;
    if (!d->stream) TN_TRY(tn_device_failed(d, d->ops->stream_open(d->self, &d->stream)));
    tn_status st = tn_device_failed(d, d->ops->upload(d->stream, to, from, &t));
    if (st == TN_OK) st = tn_device_wait(d, d->stream, t);
    if (st != TN_OK) d->ops->reset(d->stream);
    return st;
}

static tn_status fill_and_send(tn_device *d, tn_device_place to, const tn_tensor *t, tn_pack_fill fill,
                               const void *user) {
    if (!fill) return send(d, to, t->data);
    void *form = tn_mem_alloc(to.bytes, TN_MEM_GENERAL);
    tn_status st = form ? fill(form, user) : tn_fail(TN_E_NOMEM, "no memory for %zu bytes of a constant", to.bytes);
    if (st == TN_OK && tn_budget_stopped()) st = tn_fail(TN_E_CANCELLED, "stopped"); /* half made */
    if (st == TN_OK) st = send(d, to, form);
    tn_mem_free(form);
    return st;
}

static tn_status make_constant(tn_device *d, const tn_tensor *t, const char *key, size_t bytes, tn_pack_fill fill,
                               const void *user, tn_device_constant **out) {
    size_t n = strlen(key) + 1;
    tn_device_constant *c = tn_mem_zalloc(sizeof *c, TN_MEM_GENERAL);
    if (!c || !(c->key = tn_mem_alloc(n, TN_MEM_GENERAL))) {
        tn_mem_free(c);
        return tn_fail(TN_E_NOMEM, "no memory for a constant of device '%s'", d->ops->name);
    }
    memcpy(c->key, key, n);
    tn_mem_disown(c); /* it may outlive the session that made it */
    tn_mem_disown(c->key);
    c->id = t->id;
    c->refs = 1;
    tn_status st = tn_device_failed(d, d->ops->alloc(d->self, bytes ? bytes : 1, &c->place.memory));
    c->place.bytes = bytes;
    if (st == TN_OK) st = fill_and_send(d, c->place, t, fill, user);
    if (st != TN_OK) {
        free_constant(d, c);
        return st;
    }
    c->next = d->constants;
    *out = d->constants = c;
    return TN_OK;
}

tn_status tn_device_constant_get(tn_device *d, const tn_tensor *t, const char *key, size_t bytes, tn_pack_fill fill,
                                 const void *user, tn_device_constant **out) {
    take_lock();
    *out = find(d, t->id, key, bytes);
    if (*out) (*out)->refs++;
    tn_status st = *out ? TN_OK : make_constant(d, t, key, bytes, fill, user, out);
    pthread_mutex_unlock(&lock);
    return st;
}

tn_device_place tn_device_constant_place(const tn_device_constant *c) { return c->place; }

void tn_device_constant_drop(tn_device *d, tn_device_constant **constant) {
    tn_device_constant *c = *constant;
    *constant = NULL;
    if (!c) return;
    take_lock();
    bool last = --c->refs == 0;
    for (tn_device_constant **at = &d->constants; last && *at; at = &(*at)->next)
        if (*at == c) {
            *at = c->next;
            break;
        }
    void *idle = d->constants ? NULL : d->stream;
    if (idle) d->stream = NULL;
    pthread_mutex_unlock(&lock);
    if (idle) d->ops->stream_close(idle);
    if (last) free_constant(d, c);
}

/* ----------------------------------------------------------------------------------------------------- inner places */

/* What value v is another shape of; v itself when it is not, or has to lie elsewhere. */
static void find_same(const tn_segment *s, int *same) {
    for (int v = 0; v < s->n_values; v++) same[v] = v;
    for (int i = 0; i < s->n_nodes; i++) {
        const tn_segment_node *x = &s->nodes[i];
        if (!(x->node->op->flags & TN_OP_ALIAS) || x->types.n_in < 1 || x->in[0] < 0 || x->out[0] < 0) continue;
        if (s->values[x->out[0]].role == TN_ROLE_INNER) same[x->out[0]] = same[x->in[0]];
    }
}

tn_status tn_segment_lay_out(const tn_segment *s, int *same, size_t *at, size_t *bytes) {
    tn_lifetime *v = tn_mem_zalloc((size_t)(s->n_values + 1) * sizeof *v, TN_MEM_GENERAL);
    int *place = tn_mem_zalloc((size_t)(s->n_values + 1) * sizeof *place, TN_MEM_GENERAL), n = 0;
    tn_status st = v && place ? TN_OK : tn_fail(TN_E_NOMEM, "no memory to lay out a segment");
    if (st != TN_OK) goto done;
    find_same(s, same);
    for (int i = 0; i < s->n_values; i++) {
        const tn_segment_value *x = &s->values[i];
        if (x->role != TN_ROLE_INNER || same[i] != i) continue;
        place[i] = n;
        v[n++] = (tn_lifetime){ .bytes = x->bytes, .first = x->first, .last = x->last > x->first ? x->last : x->first };
    }
    for (int i = 0; i < s->n_values; i++) { /* what shares memory lives as long as the longest of them */
        int r = same[i];
        if (s->values[r].role == TN_ROLE_INNER && s->values[i].last > v[place[r]].last)
            v[place[r]].last = s->values[i].last;
    }
    st = tn_memory_layout(v, n, bytes);
    for (int i = 0; i < s->n_values && st == TN_OK; i++)
        at[i] = s->values[i].role == TN_ROLE_INNER && same[i] == i ? v[place[i]].offset : 0;
done:
    tn_mem_free(v);
    tn_mem_free(place);
    return st;
}
