/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pool.c - parallel ranges: who gets which part.
 *
 * The range is cut into units of nearly equal length. Each seat (a thread of this call) has a share of them, first and
 * end in one atomic word. Its owner takes three quarters of what is left from the front until nothing is; then it takes
 * from the backs of the others' shares in the same way, so that a thread that comes late, is slow or never comes costs
 * little. As a rule everybody does its own share, and so finds what it wrote in the operator before in its cache; with
 * halves instead of three quarters small networks were 1 to 2 % slower (more parts, more taken from others). */
#include "base/pool.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/crew.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include <stdlib.h>

enum {
    MOST_UNITS = 1 << 30,
    LEAST_PARTS = 16,  /* a share is taken in parts of at least a 16th */
    PACE_NS = 1000000, /* what a part takes under something that can stop it */
    ALIGN = 64,
    LONG = 2048, /* elements: parts of long units begin on whole cache lines */
};

struct tn_pool {
    int threads; /* with the caller */
    bool pin;
};

typedef struct {
    tn_range_fn fn;
    void *arg, *under;
    const tn_pool_hooks *hooks; /* NULL: it runs under nothing */
    bool paced;                 /* something can stop it */
    int64_t n, each, longer;    /* length of a unit; so many are one longer */
    uint32_t units, least;      /* least: units that are worth a claim */
    int seats;
    _Alignas(64) atomic_uint_fast64_t range; /* the caller's share */
    tn_worker *team[TN_CREW_MAX];            /* [seat - 1] */
} job;

static _Thread_local bool inside; /* this thread is running a part: nested calls run alone */
static _Atomic(const tn_pool_hooks *) all_hooks;

void tn_pool_set_hooks(const tn_pool_hooks *hooks) { atomic_store(&all_hooks, hooks); }

/* ------------------------------------------------------------------------------------------------------------ units */

static void cut(job *j, int64_t grain, int threads) {
    if (grain < 1) grain = 1;
    if (grain >= LONG) grain += ALIGN;
    int64_t units = j->n / grain;
    if (units < 1) units = 1;
    if (units > MOST_UNITS) units = MOST_UNITS;
    if (units > threads && units < 8 * threads) units -= units % threads; /* few: equal shares */
    j->units = (uint32_t)units;
    j->each = j->n / units, j->longer = j->n % units;
}

/* Where unit u begins. */
static int64_t place(const job *j, uint32_t u) {
    if (u == j->units) return j->n;
    int64_t at = j->each * u + (u < j->longer ? u : j->longer);
    return j->each >= LONG + ALIGN ? at / ALIGN * ALIGN : at;
}

static atomic_uint_fast64_t *range_of(job *j, int seat) { return seat ? &j->team[seat - 1]->range : &j->range; }

static void deal(job *j) {
    for (int i = 0; i < j->seats; i++) {
        uint64_t from = (uint64_t)j->units * (uint64_t)i / (uint64_t)j->seats;
        uint64_t to = (uint64_t)j->units * (uint64_t)(i + 1) / (uint64_t)j->seats;
        atomic_store_explicit(range_of(j, i), from << 32 | to, memory_order_relaxed);
    }
    j->least = 1 + j->units / (uint32_t)(j->seats * LEAST_PARTS);
}

typedef struct {
    uint32_t from, to;
} part;

/* The greater part of what is left of a share, at its front or back, but no more than `most`; empty: nothing is left.
 */
static part claim(job *j, int seat, bool front, uint32_t most) {
    atomic_uint_fast64_t *range = range_of(j, seat);
    uint64_t r = atomic_load_explicit(range, memory_order_relaxed), rest;
    part p;
    do {
        uint32_t from = (uint32_t)(r >> 32), to = (uint32_t)r, left = to - from, take = left - left / 4;
        if (!left) return (part){ 0, 0 };
        if (take < j->least) take = j->least;
        if (take > most) take = most;
        if (take > left) take = left;
        p = front ? (part){ from, from + take } : (part){ to - take, to };
        rest = front ? (uint64_t)p.to << 32 | to : (uint64_t)from << 32 | p.from;
    } while (!atomic_compare_exchange_weak_explicit(range, &r, rest, memory_order_relaxed, memory_order_relaxed));
    return p;
}

static part claim_any(job *j, int seat, uint32_t most) {
    part p = claim(j, seat, true, most);
    for (int k = 1; p.from == p.to && k < j->seats; k++) {
        int victim = seat + k < j->seats ? seat + k : seat + k - j->seats;
        p = claim(j, victim, false, most);
    }
    return p;
}

/* ---------------------------------------------------------------------------------------------------------- working */

/* How many units a part may have so that it takes about PACE_NS, from how long the last one took. */
static uint32_t paced(uint32_t most, uint64_t took) {
    if (took < PACE_NS / 4) return most < MOST_UNITS ? 2 * most : most;
    return took > PACE_NS && most > 1 ? most / 2 : most;
}

static bool stopped(const job *j) { return j->paced && j->hooks->stopped(); }

/* A worker leaves when there is not enough CPU for it any more; what is left of its share goes to the others. */
static void work(job *j, int seat) {
    uint32_t most = j->paced ? 1 : UINT32_MAX; /* nothing is known of the first part */
    while (!stopped(j) && !(seat && tn_crew_crowded())) {
        part p = claim_any(j, seat, most);
        if (p.from == p.to) return;
        uint64_t start = j->paced ? tn_clock_ns() : 0;
        j->fn(j->arg, place(j, p.from), place(j, p.to), seat);
        if (j->paced) most = paced(most, tn_clock_ns() - start);
    }
}

static void work_as_worker(void *arg, int seat) {
    job *j = arg;
    void *before = j->hooks ? j->hooks->enter(j->under) : NULL;
    inside = true;
    work(j, seat);
    inside = false;
    if (j->hooks) j->hooks->leave(before);
}

static void run_alone(job *j) {
    if (!j->paced) {
        j->fn(j->arg, 0, j->n, 0);
        return;
    }
    j->seats = 1;
    deal(j);
    work(j, 0);
}

static void run_shared(job *j, int workers) {
    j->seats = workers + 1;
    deal(j);
    for (int i = 0; i < workers; i++) tn_crew_post(j->team[i], work_as_worker, j, i + 1);
    inside = true;
    work(j, 0);
    inside = false;
    for (int i = 0; i < workers; i++) tn_crew_await(j->team[i]);
    tn_crew_return(j->team, workers);
}

void tn_parallel_by(tn_pool *p, int threads, int64_t n, int64_t grain, tn_range_fn fn, void *arg) {
    job j;
    if (n <= 0) return;
    if (threads > tn_pool_threads(p)) threads = tn_pool_threads(p);
    j.fn = fn, j.arg = arg, j.n = n;
    j.hooks = atomic_load_explicit(&all_hooks, memory_order_relaxed);
    j.under = j.hooks ? j.hooks->capture() : NULL;
    if (!j.under) j.hooks = NULL;
    j.paced = j.under && j.hooks->can_stop(j.under);
    cut(&j, grain, threads);
    int most = (int64_t)j.units < threads ? (int)j.units - 1 : threads - 1;
    if (most < 1 || inside) {
        run_alone(&j);
        return;
    }
    tn_crew_enter();
    int workers = tn_crew_borrow(most, j.team);
    if (workers)
        run_shared(&j, workers);
    else
        run_alone(&j);
    tn_crew_leave();
}

void tn_parallel(tn_pool *p, int64_t n, int64_t grain, tn_range_fn fn, void *arg) {
    tn_parallel_by(p, TN_CREW_MAX, n, grain, fn, arg);
}

void tn_pool_enter(void) { tn_crew_enter(); }
void tn_pool_leave(void) { tn_crew_leave(); }
void tn_pool_take_turn(void) { tn_crew_take_turn(); }
void tn_pool_end_turn(void) { tn_crew_end_turn(); }
struct tn_cpuset *tn_pool_keep_to(struct tn_cpuset *set) {
    return tn_crew_keep_to(set);
}

/* ----------------------------------------------------------------------------------------------------- the pool */

static int wanted_threads(int threads) {
    if (threads > 0) return threads;
    const char *env = getenv("TN_THREADS");
    int n = 0;
    if (env && *env && !tn_parse_int(env, 1, TN_CREW_MAX, &n))
        tn_log(TN_LOG_WARN, "TN_THREADS=%s is not a number from 1 to %d; ignored", env, TN_CREW_MAX);
    return n > 0 ? n : tn_cpu_count();
}

tn_status tn_pool_new(int threads, bool pin, tn_pool **out) {
    threads = wanted_threads(threads);
    if (threads > TN_CREW_MAX) threads = TN_CREW_MAX;
    tn_pool *p = *out = tn_mem_zalloc(sizeof *p, TN_MEM_GENERAL);
    if (!p) return tn_fail(TN_E_NOMEM, "out of memory for a pool of %d threads", threads);
    p->threads = threads;
    p->pin = pin;
    tn_crew_join(threads, pin);
    return TN_OK;
}

void tn_pool_free(tn_pool **pp) {
    if (!pp || !*pp) return;
    tn_crew_part((*pp)->threads, (*pp)->pin);
    tn_mem_free(*pp);
    *pp = NULL;
}

int tn_pool_threads(const tn_pool *p) { return p ? p->threads : 1; }
