/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* device_sim_stream.c - a stream of the simulated device: commands in a queue, and a thread that does them in order. */
#include "base/budget.h"
#include "base/clock.h"
#include "base/thread.h"
#include "engine/device_sim_parts.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct command {
    struct command *next;
    tn_sim_event what; /* UPLOAD, DOWNLOAD, RUN */
    tn_device_ticket ticket;
    void *host;
    tn_device_place place; /* of a copy; the work place of a run */
    void *program;
    tn_device_place *in, *out; /* behind the command */
} command;

typedef struct {
    tn_sim *sim;
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t work, done;
    command *first, **last;
    tn_device_ticket given, reached;
    bool busy, closing;
    volatile int drop; /* what runs now is to stop */
    tn_status failed;
    char why[512];
} stream;

/* ------------------------------------------------------------------------------------------------------- the thread */

static struct timespec after(uint64_t ns) {
    uint64_t at = tn_clock_ns() + ns;
    return (struct timespec){ .tv_sec = (time_t)(at / 1000000000), .tv_nsec = (long)(at % 1000000000) };
}

/* Takes its time, unless the stream is reset meanwhile. */
static void delay(stream *s, uint64_t us) {
    if (!us) return;
    struct timespec until = after(us * 1000);
    pthread_mutex_lock(&s->lock);
    while (!s->drop && pthread_cond_timedwait(&s->work, &s->lock, &until) == 0) continue;
    pthread_mutex_unlock(&s->lock);
}

static tn_status copy(tn_sim *sim, const command *c) {
    bool up = c->what == TN_SIM_UPLOAD;
    char *at;
    tn_sim_touch(sim, c->place.memory, up);
    tn_status st = tn_sim_at(c->place, c->place.bytes, &at);
    if (st == TN_OK) tn_budget_copy(up ? at : c->host, up ? c->host : at, c->place.bytes);
    tn_sim_leave(sim, c->place.memory, up);
    if (st == TN_OK) tn_sim_copied(sim, up, c->host, c->place.bytes);
    return st;
}

static tn_status carry_out(stream *s, const command *c) {
    tn_sim *sim = s->sim;
    delay(s, c->what == TN_SIM_RUN ? sim->o.run_us : sim->o.copy_us);
    TN_TRY(tn_sim_does(sim, c->what));
    tn_budget b = { .cancel = &s->drop }, *before = tn_budget_enter(&b);
    tn_status st = c->what == TN_SIM_RUN ? tn_sim_execute(sim, c->program, c->in, c->out, c->place) : copy(sim, c);
    tn_budget_leave(before);
    return st;
}

static command *next_command(stream *s) {
    while (!s->first && !s->closing) pthread_cond_wait(&s->work, &s->lock);
    command *c = s->first;
    if (!c) return NULL;
    if (!(s->first = c->next)) s->last = &s->first;
    s->busy = true;
    return c;
}

static void *stream_main(void *arg) {
    stream *s = arg;
    pthread_mutex_lock(&s->lock);
    for (command *c; (c = next_command(s)); tn_mem_free(c)) {
        tn_status st = TN_OK;
        if (s->failed == TN_OK) {
            pthread_mutex_unlock(&s->lock);
            st = carry_out(s, c);
            pthread_mutex_lock(&s->lock);
        }
        if (st != TN_OK) {
            s->failed = st;
            snprintf(s->why, sizeof s->why, "%s", tn_error());
        }
        s->reached = c->ticket;
        s->busy = false;
        pthread_cond_broadcast(&s->done);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* --------------------------------------------------------------------------------------------------------- commands */

static tn_status give(stream *s, command *c, tn_device_ticket *t) {
    pthread_mutex_lock(&s->lock);
    *t = c->ticket = ++s->given;
    *s->last = c;
    s->last = &c->next;
    pthread_cond_broadcast(&s->work);
    pthread_mutex_unlock(&s->lock);
    return TN_OK;
}

static command *new_command(stream *s, tn_sim_event what, size_t places) {
    command *c = NULL;
    if (tn_sim_does(s->sim, TN_SIM_ENQUEUE) != TN_OK) return NULL;
    c = tn_mem_zalloc(sizeof *c + places * sizeof(tn_device_place), TN_MEM_GENERAL);
    if (!c) {
        tn_fail(TN_E_NOMEM, "no memory for a command");
        return NULL;
    }
    c->what = what;
    c->in = (tn_device_place *)(void *)(c + 1);
    return c;
}

static tn_status give_copy(stream *s, tn_sim_event what, tn_device_place place, void *host, tn_device_ticket *t) {
    command *c = new_command(s, what, 0);
    if (!c) return TN_E_DEVICE;
    c->place = place;
    c->host = host;
    return give(s, c, t);
}

tn_status tn_sim_upload(void *self, tn_device_place to, const void *from, tn_device_ticket *t) {
    return give_copy(self, TN_SIM_UPLOAD, to, (void *)(uintptr_t)from, t);
}

tn_status tn_sim_download(void *self, void *to, tn_device_place from, tn_device_ticket *t) {
    return give_copy(self, TN_SIM_DOWNLOAD, from, to, t);
}

tn_status tn_sim_run(void *self, void *program, const tn_device_place *in, const tn_device_place *out,
                     tn_device_place work, tn_device_ticket *t) {
    int n_in, n_out;
    tn_sim_places(program, &n_in, &n_out);
    command *c = new_command(self, TN_SIM_RUN, (size_t)(n_in + n_out));
    if (!c) return TN_E_DEVICE;
    c->out = c->in + n_in;
    if (n_in) memcpy(c->in, in, (size_t)n_in * sizeof *in);
    if (n_out) memcpy(c->out, out, (size_t)n_out * sizeof *out);
    c->place = work;
    c->program = program;
    return give(self, c, t);
}

tn_status tn_sim_wait(void *self, tn_device_ticket t, uint64_t ns, bool *done) {
    stream *s = self;
    tn_status st = TN_OK;
    *done = true;
    if (!tn_sim_ours(s->sim)) return tn_fail(TN_E_DEVICE, "it belongs to the process that forked this one");
    struct timespec until = after(ns);
    pthread_mutex_lock(&s->lock);
    while (s->reached < t && s->failed == TN_OK && pthread_cond_timedwait(&s->done, &s->lock, &until) == 0) continue;
    *done = s->reached >= t || s->failed != TN_OK;
    if (s->failed != TN_OK) st = tn_fail(s->failed, "%s", s->why);
    pthread_mutex_unlock(&s->lock);
    return st;
}

static void drop_all(stream *s) {
    for (command *c = s->first, *next; c; c = next) {
        next = c->next;
        tn_mem_free(c);
    }
    s->first = NULL;
    s->last = &s->first;
}

void tn_sim_reset(void *self) {
    stream *s = self;
    if (!tn_sim_ours(s->sim)) return;
    pthread_mutex_lock(&s->lock);
    drop_all(s);
    __atomic_store_n(&s->drop, 1, __ATOMIC_RELAXED);
    pthread_cond_broadcast(&s->work);
    while (s->busy) pthread_cond_wait(&s->done, &s->lock);
    __atomic_store_n(&s->drop, 0, __ATOMIC_RELAXED);
    s->failed = TN_OK;
    s->reached = s->given;
    pthread_mutex_unlock(&s->lock);
}

/* ------------------------------------------------------------------------------------------------- opening, closing */

static void count_streams(tn_sim *sim, int by) {
    pthread_mutex_lock(&sim->lock);
    sim->counts.streams += (unsigned long)by;
    pthread_mutex_unlock(&sim->lock);
}

static void destroy(stream *s) {
    pthread_cond_destroy(&s->work);
    pthread_cond_destroy(&s->done);
    pthread_mutex_destroy(&s->lock);
    tn_mem_free(s);
}

tn_status tn_sim_stream_open(void *self, void **out) {
    tn_sim *sim = self;
    TN_TRY(tn_sim_does(sim, TN_SIM_STREAM));
    stream *s = tn_mem_zalloc(sizeof *s, TN_MEM_GENERAL);
    if (!s) return tn_fail(TN_E_NOMEM, "no memory for a stream");
    tn_mem_disown(s);
    s->sim = sim;
    s->last = &s->first;
    pthread_mutex_init(&s->lock, NULL);
    tn_cond_init(&s->work);
    tn_cond_init(&s->done);
    if (tn_thread_start(&s->thread, stream_main, s)) {
        destroy(s);
        return tn_fail(TN_E_DEVICE, "no thread for a stream");
    }
    count_streams(sim, 1);
    *out = s;
    return TN_OK;
}

void tn_sim_stream_close(void *self) {
    stream *s = self;
    if (!tn_sim_ours(s->sim)) { /* its thread is the parent's */
        drop_all(s);
        tn_mem_free(s);
        return;
    }
    tn_sim_reset(s);
    pthread_mutex_lock(&s->lock);
    s->closing = true;
    pthread_cond_broadcast(&s->work);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    count_streams(s->sim, -1);
    destroy(s);
}
