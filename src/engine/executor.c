/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* executor.c - see executor.h: threads, opening and closing. What is submitted is in submit.c. */
#include "engine/executor.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/fork.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/pool.h"
#include "base/thread.h"
#include "engine/submit.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static _Thread_local tn_executor_thread *self; /* NULL: not an executor's thread */
static atomic_uint forks;

bool tn_executor_inside(const tn_executor *e) { return self && self->executor == e; }

/* ----------------------------------------------------------------------------------------------- locks and sleeping */

static void after_fork(void) {
    atomic_fetch_add(&forks, 1);
    self = NULL;
}

static tn_fork_watch watch = { .child = after_fork };

bool tn_executor_sleep(tn_executor *e, pthread_cond_t *c, uint64_t until) {
    if (until == UINT64_MAX) return pthread_cond_wait(c, &e->lock), true;
#if !defined(__linux__)
    struct timespec now; /* condition variables know the clock on the wall only */
    clock_gettime(CLOCK_REALTIME, &now);
    until = until - tn_clock_ns() + (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
    struct timespec t = { (time_t)(until / 1000000000), (long)(until % 1000000000) };
    return !pthread_cond_timedwait(c, &e->lock, &t);
}

/* What the parent's threads had in hand is the parent's. */
static void lose(tn_executor *e, tn_ticket *j) {
    tn_cond_init(&j->over);
    j->sought = 0;
    j->state = TN_JOB_OVER;
    j->status = TN_E_CANCELLED;
    snprintf(j->error, sizeof j->error, "the run was submitted before the fork: it is the parent's");
    tn_executor_let_go(e, j);
}

/* In the child: there is only this thread. */
static void begin_anew(tn_executor *e) {
    e->forks = atomic_load(&forks);
    tn_cond_init(&e->work);
    tn_cond_init(&e->over);
    for (int i = 0; i < e->most; i++) {
        tn_ticket *j = e->threads[i].job;
        e->refs -= e->threads[i].alive;
        e->threads[i] = (tn_executor_thread){ 0 };
        if (j) lose(e, j);
    }
    e->n_threads = e->n_idle = e->n_called = 0;
    for (tn_queued *q; (q = tn_queue_first(&e->queue, TN_BY_URGENCY));)
        tn_executor_drop(e, (tn_ticket *)q, TN_E_CANCELLED, "");
    for (tn_ticket *j = e->unrun, *next; j; j = next) {
        next = j->next;
        lose(e, j);
    }
    e->unrun = NULL, e->unrun_at = &e->unrun, e->n_unrun = 0;
}

void tn_executor_lock(tn_executor *e) {
    pthread_mutex_lock(&e->lock);
    if (e->forks != atomic_load_explicit(&forks, memory_order_relaxed)) begin_anew(e);
}

void tn_executor_unlock(tn_executor *e) { pthread_mutex_unlock(&e->lock); }

/* ------------------------------------------------------------------------------------------------------------- jobs */

static void free_job(tn_ticket *j) {
    pthread_cond_destroy(&j->over);
    tn_mem_free(j->inputs);
    tn_mem_free(j);
}

void tn_executor_let_go(tn_executor *e, tn_ticket *j) {
    if (--j->held) return;
    if (e->n_spare >= TN_EXECUTOR_SPARE) {
        free_job(j);
        return;
    }
    j->next = e->spare;
    e->spare = j;
    e->n_spare++;
}

static void free_spare(tn_executor *e) {
    for (tn_ticket *j = e->spare, *next; j; j = next) {
        next = j->next;
        free_job(j);
    }
}

void tn_executor_drop(tn_executor *e, tn_ticket *j, tn_status st, const char *why) {
    tn_queue_remove(&e->queue, &j->queued);
    j->state = TN_JOB_ENDED;
    j->status = st;
    j->ended = tn_clock_ns();
    snprintf(j->error, sizeof j->error, "%s", why);
    j->next = NULL;
    *e->unrun_at = j;
    e->unrun_at = &j->next;
    e->n_unrun++;
}

static tn_ticket *take_unrun(tn_executor *e) {
    tn_ticket *j = e->unrun;
    if (!j) return NULL;
    e->unrun = j->next;
    if (!e->unrun) e->unrun_at = &e->unrun;
    e->n_unrun--;
    return j;
}

void tn_executor_expire(tn_executor *e) {
    tn_queued *q = tn_queue_first(&e->queue, TN_BY_DEADLINE);
    for (uint64_t now = q ? tn_clock_ns() : 0; q && q->deadline <= now; q = tn_queue_first(&e->queue, TN_BY_DEADLINE)) {
        char why[160];
        tn_ticket *j = (tn_ticket *)q;
        tn_snprintf(why, sizeof why,
                    "the run waited in the queue for %.6g ms, until its time was up; tn_run_opts.timeout_ns raises it",
                    (double)(now - j->submitted) * 1e-6);
        tn_executor_drop(e, j, TN_E_LIMIT, why);
    }
}

/* ---------------------------------------------------------------------------------------------------------- threads */

#if defined(__linux__)
static void name_thread(void) {
    char name[16];
    snprintf(name, sizeof name, "tenon-run-%d", (self->index + 1) % 1000);
    pthread_setname_np(pthread_self(), name);
}

/* Also again before each run: one of a session with CPUs of its own had this thread go there. */
static void pin(const tn_executor *e) {
    cpu_set_t one;
    if (!e->pins) return;
    CPU_ZERO(&one);
    CPU_SET((size_t)e->pins[self->index % e->n_pins], &one);
    if (sched_setaffinity(0, sizeof one, &one)) tn_log(TN_LOG_DEBUG, "thread %d cannot be pinned", self->index);
}
#else
static void name_thread(void) {}
static void pin(const tn_executor *e) { (void)e; }
#endif

/* The callback, and what follows from it; under the lock, which is let go meanwhile. */
static void call_back(tn_executor *e, tn_ticket *j) {
    tn_ticket *outer = self->job; /* when a callback closes something and is called for others */
    self->job = j;
    j->state = TN_JOB_ENDED;
    tn_executor_unlock(e);
    tn_job_report(j);
    pthread_mutex_lock(&e->lock);
    self->job = outer;
    j->state = TN_JOB_OVER;
    if (j->sought) pthread_cond_broadcast(&j->over);
    pthread_cond_broadcast(&e->over);
    tn_executor_let_go(e, j);
}

/* Under the lock, which is let go meanwhile. What was urgent before the turn came may have gone. */
static void run_next(tn_executor *e) {
    tn_executor_unlock(e);
    tn_pool_take_turn();
    pthread_mutex_lock(&e->lock);
    tn_executor_expire(e);
    tn_ticket *j = (tn_ticket *)tn_queue_first(&e->queue, TN_BY_URGENCY);
    if (j) {
        tn_queue_remove(&e->queue, &j->queued);
        j->state = TN_JOB_RUNNING;
        self->job = j;
    }
    tn_executor_unlock(e);
    if (j) pin(e), tn_job_run(j);
    tn_pool_end_turn();
    pthread_mutex_lock(&e->lock);
    self->job = NULL;
    if (j) call_back(e, j);
}

static void rest(tn_executor *e) {
    e->n_idle++;
    while (!e->n_called && !e->closing) pthread_cond_wait(&e->work, &e->lock);
    e->n_idle--;
    if (e->n_called) e->n_called--;
}

static void serve(tn_executor *e) {
    for (;;) {
        tn_executor_expire(e);
        tn_ticket *j = take_unrun(e);
        if (j)
            call_back(e, j);
        else if (e->queue.n[TN_BY_URGENCY])
            run_next(e);
        else if (e->closing)
            return;
        else
            rest(e);
    }
}

static void *thread_main(void *arg) {
    self = arg;
    tn_executor *e = self->executor;
    if (e->cpus) tn_pool_keep_to(e->cpus);
    name_thread();
    pthread_mutex_lock(&e->lock);
    serve(e);
    self->alive = false;
    self = NULL;
    pthread_cond_broadcast(&e->over);
    tn_executor_unref(e);
    return NULL;
}

static bool start_thread(tn_executor *e) {
    tn_executor_thread *t = &e->threads[e->n_threads];
    *t = (tn_executor_thread){ .executor = e, .index = e->n_threads, .alive = true };
    int error = tn_thread_start(&t->id, thread_main, t);
    if (error) {
        tn_log(TN_LOG_WARN, "thread %d of an executor cannot be started: %s", t->index + 1, strerror(error));
        *t = (tn_executor_thread){ 0 };
        return false;
    }
    e->n_threads++;
    e->refs++;
    return true;
}

bool tn_executor_call(tn_executor *e) {
    if (e->n_called < e->n_idle) {
        e->n_called++;
        pthread_cond_signal(&e->work);
        return true;
    }
    return (e->n_threads < e->most && start_thread(e)) || e->n_threads;
}

/* ---------------------------------------------------------------------------------------------- opening and closing */

static tn_status read_opts(const tn_executor_opts *given, tn_executor_opts *o) {
    *o = (tn_executor_opts){ 0 };
    TN_TRY(tn_take_opts(o, sizeof *o, given, "tn_executor_opts"));
    if (o->runs < 0 || o->runs > TN_CREW_MAX)
        return tn_fail(TN_E_INVALID, "%d runs at once; 1 to %d, or 0 for one for each CPU", o->runs, TN_CREW_MAX);
    if (o->queue < 0 || o->queue > TN_EXECUTOR_LONGEST)
        return tn_fail(TN_E_INVALID, "a queue of %d runs; 1 to %d, or 0 for %d", o->queue, TN_EXECUTOR_LONGEST,
                       TN_EXECUTOR_QUEUE);
    if (!o->queue) o->queue = TN_EXECUTOR_QUEUE;
    return TN_OK;
}

/* One CPU for each thread, in the order given. */
static tn_status take_pins(tn_executor *e, const tn_executor_opts *o) {
    int n = o->cpus ? (int)o->n_cpus : tn_cpu_allowed_count();
    if (!o->pinned) return TN_OK;
    if (!(e->pins = tn_mem_alloc((size_t)n * sizeof *e->pins, TN_MEM_GENERAL)))
        return tn_fail(TN_E_NOMEM, "no memory for an executor");
    for (int i = 0; i < n; i++) e->pins[i] = o->cpus ? o->cpus[i] : tn_cpu_allowed(i);
    e->n_pins = n;
    return TN_OK;
}

static void destroy(tn_executor *e) {
    tn_guard_remove(&e->guard);
    free_spare(e);
    tn_queue_clear(&e->queue);
    tn_cpuset_close(&e->cpus);
    tn_mem_free(e->pins);
    pthread_cond_destroy(&e->work);
    pthread_cond_destroy(&e->over);
    pthread_mutex_destroy(&e->lock);
    tn_mem_free(e);
}

void tn_executor_unref(tn_executor *e) {
    bool last = !--e->refs;
    tn_executor_unlock(e);
    if (last) destroy(e);
}

tn_status tn_executor_new(const tn_executor_opts *opts, tn_executor **out) {
    tn_executor_opts o;
    if (!out) return tn_fail(TN_E_INVALID, "tn_executor_new needs a place for the executor");
    *out = NULL;
    TN_TRY(read_opts(opts, &o));
    tn_fork_watch_add(&watch);
    tn_executor *e = tn_mem_zalloc(sizeof *e, TN_MEM_GENERAL);
    if (!e) return tn_fail(TN_E_NOMEM, "no memory for an executor");
    pthread_mutex_init(&e->lock, NULL);
    tn_cond_init(&e->work);
    tn_cond_init(&e->over);
    e->refs = 1;
    e->forks = atomic_load(&forks);
    e->unrun_at = &e->unrun;
    tn_status st = tn_queue_init(&e->queue, o.queue);
    if (st == TN_OK && (o.cpus || o.n_cpus)) st = tn_cpuset_open("tn_executor_opts.cpus", o.cpus, o.n_cpus, &e->cpus);
    if (st == TN_OK) st = take_pins(e, &o);
    if (st != TN_OK) {
        destroy(e);
        return st;
    }
    e->most = o.runs ? o.runs : e->cpus ? e->cpus->n : tn_cpu_count();
    if (e->most > TN_CREW_MAX) e->most = TN_CREW_MAX;
    tn_guard_add(&e->guard, &e->lock, TN_GUARD_LEAF);
    *out = e;
    return TN_OK;
}

static bool about(const tn_ticket *j, const tn_session *s) { return j && (!s || j->session == s); }

/* Under the lock: what is queued (of the session, or all) ends; its callbacks are still to come. */
static void cancel_queued(tn_executor *e, const tn_session *s) {
    for (int i = e->queue.n[TN_BY_URGENCY] - 1; i >= 0; i--) {
        tn_ticket *j = (tn_ticket *)tn_queue_at(&e->queue, i);
        if (!about(j, s)) continue;
        tn_executor_drop(e, j, TN_E_CANCELLED,
                         s ? "the session was closed before the run began"
                           : "the executor was closed before the run began");
        i = e->queue.n[TN_BY_URGENCY]; /* they have changed places */
    }
}

/* Does any thread but this one have to do with the session (NULL: with any job), or any ended one wait? */
static bool in_hand(const tn_executor *e, const tn_session *s) {
    for (const tn_ticket *j = e->unrun; j; j = j->next)
        if (about(j, s)) return true;
    for (int i = 0; i < e->most; i++)
        if (&e->threads[i] != self && about(e->threads[i].job, s)) return true;
    return false;
}

/* Under the lock: ends what is queued and waits for what is in hand. A thread of the executor calls back for what ended
 * itself, since nobody else may be there to do so. */
static void settle(tn_executor *e, const tn_session *s) {
    cancel_queued(e, s);
    if (e->unrun) tn_executor_call(e);
    for (tn_ticket *j; tn_executor_inside(e) && (j = take_unrun(e));) call_back(e, j);
    while (in_hand(e, s)) tn_executor_sleep(e, &e->over, UINT64_MAX);
}

/* Under the lock, which is let go: threads end. This one goes on by itself when it is one of them. */
static void end_threads(tn_executor *e) {
    pthread_t ids[TN_CREW_MAX];
    int n = 0;
    e->closing = true;
    pthread_cond_broadcast(&e->work);
    for (int i = 0; i < e->n_threads; i++) {
        if (&e->threads[i] == self)
            pthread_detach(e->threads[i].id);
        else
            ids[n++] = e->threads[i].id;
    }
    tn_executor_unlock(e);
    for (int i = 0; i < n; i++) pthread_join(ids[i], NULL);
}

void tn_executor_free(tn_executor **executor) {
    tn_executor *e = executor ? *executor : NULL;
    if (!e) return;
    *executor = NULL;
    tn_executor_lock(e);
    e->closing = true; /* nothing is submitted any more */
    settle(e, NULL);
    end_threads(e);
    pthread_mutex_lock(&e->lock);
    tn_executor_unref(e);
}

void tn_executor_load(tn_executor *e, int *queued, int *running) {
    int n = 0, waiting = 0;
    if (e) {
        tn_executor_lock(e);
        for (int i = 0; i < e->most; i++) n += e->threads[i].job != NULL;
        waiting = e->queue.n[TN_BY_URGENCY] + e->n_unrun;
        tn_executor_unlock(e);
    }
    if (queued) *queued = waiting;
    if (running) *running = n;
}

tn_status tn_executor_drain(tn_executor *e, uint64_t timeout_ns) {
    if (!e) return tn_fail(TN_E_INVALID, "tn_executor_drain needs an executor");
    if (tn_executor_inside(e)) return tn_fail(TN_E_INVALID, "a thread of the executor cannot wait for all its runs");
    uint64_t until = tn_executor_until(tn_clock_ns(), timeout_ns);
    bool in_time = true;
    tn_executor_lock(e);
    int left;
    while ((left = e->queue.n[TN_BY_URGENCY] + in_hand(e, NULL)) && in_time)
        in_time = tn_executor_sleep(e, &e->over, until);
    tn_executor_unlock(e);
    return left ? tn_fail(TN_E_BUSY, "the executor is not idle after %.6g ms", (double)timeout_ns * 1e-6) : TN_OK;
}

/* --------------------------------------------------------------------------------------------------------- sessions */

static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static tn_guard shared_guard;
static tn_executor *shared;
static int sharers;

static void guard_shared(void) { tn_guard_add(&shared_guard, &shared_lock, TN_GUARD_LEAF); }

/* The one that is there, or *fresh, which is taken over then; NULL: neither. */
static tn_executor *join_shared(tn_executor **fresh) {
    pthread_mutex_lock(&shared_lock);
    if (!shared) shared = *fresh, *fresh = NULL;
    sharers += shared != NULL;
    tn_executor *e = shared;
    pthread_mutex_unlock(&shared_lock);
    return e;
}

/* It is made while nothing is locked, and in vain when another thread was faster. */
tn_status tn_executor_share(tn_executor **out) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    tn_executor *fresh = NULL;
    pthread_once(&once, guard_shared);
    if ((*out = join_shared(&fresh))) return TN_OK;
    TN_TRY(tn_executor_new(NULL, &fresh));
    *out = join_shared(&fresh);
    tn_executor_free(&fresh);
    return TN_OK;
}

void tn_executor_unshare(void) {
    tn_executor *last = NULL;
    pthread_mutex_lock(&shared_lock);
    if (!--sharers) last = shared, shared = NULL;
    pthread_mutex_unlock(&shared_lock);
    tn_executor_free(&last);
}

void tn_executor_lease(tn_executor *e) {
    tn_executor_lock(e);
    e->refs++;
    tn_executor_unlock(e);
}

void tn_executor_leave(tn_executor *e, const tn_session *s) {
    tn_executor_lock(e);
    settle(e, s);
    tn_executor_unref(e);
}
