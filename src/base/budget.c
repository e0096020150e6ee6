/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* budget.c - the thread's budget: charging it, stopping, and the sentence about what was exceeded. */
#include "base/budget.h"
#include "base/clock.h"
#include "base/number.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    WAIT_NS = 2000000, /* between looks of who waits for a lock */
    PIECE = 1 << 22,   /* bytes that are moved between looks: a millisecond, with the pages that come in */
};

static _Thread_local tn_budget *now;

tn_budget *tn_budget_enter(tn_budget *b) {
    tn_budget *before = now;
    now = b;
    return before;
}

void tn_budget_leave(tn_budget *before) { now = before; }
tn_budget *tn_budget_now(void) { return now; }

void tn_budget_inner(tn_budget *b, const tn_budget_words *words, tn_account *account) {
    *b = (tn_budget){ .words = words, .account = account, .around = now };
}

void tn_budget_set_timeout(tn_budget *b, uint64_t timeout_ns) {
    if (!timeout_ns) return;
    b->started = tn_clock_ns();
    if (__builtin_add_overflow(b->started, timeout_ns, &b->deadline)) b->deadline = UINT64_MAX;
}

/* The first reason stays. */
static void stop(tn_budget *b, tn_stop why) {
    int none = TN_STOP_NONE;
    atomic_compare_exchange_strong(&b->stop, &none, why);
}

static bool is_set(const volatile int *flag) { return flag && __atomic_load_n(flag, __ATOMIC_RELAXED); }

static tn_stop look(tn_budget *b) {
    if (atomic_load_explicit(&b->stop, memory_order_relaxed) == TN_STOP_NONE) {
        if (is_set(b->cancel) || is_set(b->also))
            stop(b, TN_STOP_CANCEL);
        else if (b->deadline && tn_clock_ns() >= b->deadline)
            stop(b, TN_STOP_TIME);
    }
    return (tn_stop)atomic_load_explicit(&b->stop, memory_order_relaxed);
}

bool tn_budget_stopped(void) {
    for (tn_budget *b = now; b; b = b->around)
        if (look(b) != TN_STOP_NONE) return true;
    return false;
}

/* Nobody wakes who waits when the deadline comes or the flag is set: it looks up once in a while. */
static bool wait_for(pthread_mutex_t *lock) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += WAIT_NS;
    if (until.tv_nsec >= 1000000000) until.tv_nsec -= 1000000000, until.tv_sec++;
    return !pthread_mutex_timedlock(lock, &until);
}

bool tn_budget_lock(pthread_mutex_t *lock) {
    if (!pthread_mutex_trylock(lock)) return true;
    while (!tn_budget_stopped())
        if (wait_for(lock)) return true;
    return false;
}

static size_t piece(size_t left) { return left < PIECE ? left : PIECE; }

void tn_budget_copy(void *to, const void *from, size_t bytes) {
    size_t n = piece(bytes);
    if (bytes) memcpy(to, from, n);
    for (size_t at = n; at < bytes && !tn_budget_stopped(); at += n)
        memcpy((char *)to + at, (const char *)from + at, n = piece(bytes - at));
}

void tn_budget_clear(void *to, size_t bytes) {
    size_t n = piece(bytes);
    if (bytes) memset(to, 0, n);
    for (size_t at = n; at < bytes && !tn_budget_stopped(); at += n) memset((char *)to + at, 0, n = piece(bytes - at));
}

static void *capture(void) { return now; }
static void *enter(void *what) { return tn_budget_enter(what); }
static void leave(void *before) { tn_budget_leave(before); }

static bool can_stop(void *what) {
    for (const tn_budget *b = what; b; b = b->around)
        if (b->deadline || b->cancel || b->also) return true;
    return false;
}

const tn_pool_hooks tn_budget_pool_hooks = { capture, can_stop, enter, leave, tn_budget_stopped };

/* Adds n to *used unless that goes beyond the limit. */
static bool charge(atomic_uint_fast64_t *used, uint64_t limit, uint64_t n) {
    uint64_t before = atomic_load_explicit(used, memory_order_relaxed), after;
    do {
        if (__builtin_add_overflow(before, n, &after)) after = UINT64_MAX;
        if (limit && after > limit) return false;
    } while (!atomic_compare_exchange_weak_explicit(used, &before, after, memory_order_relaxed, memory_order_relaxed));
    return true;
}

bool tn_budget_afford(uint64_t units) {
    tn_budget *b = now;
    return !b || charge(&b->work, b->work_limit, units);
}

bool tn_budget_work(uint64_t units) {
    if (tn_budget_afford(units)) return true;
    stop(now, TN_STOP_WORK);
    return false;
}

bool tn_budget_nodes(uint64_t n) {
    tn_budget *b = now;
    if (!b || charge(&b->nodes, b->node_limit, n)) return true;
    stop(b, TN_STOP_NODES);
    return false;
}

/* ------------------------------------------------------------------------------------------------- the sentences */

static tn_status over(const char *where, const char *fact, const char *option) {
    return tn_fail(TN_E_LIMIT, "%s%s%s%s%s%s", where ? where : "", where ? ": " : "", fact, option ? "; " : "",
                   option ? option : "", option ? " raises it" : "");
}

static tn_status out_of_bytes(const tn_budget *b, const char *where, size_t wanted) {
    char fact[200];
    snprintf(fact, sizeof fact, "%zu more bytes would exceed the memory limit of %zu; %s holds %zu", wanted,
             tn_account_limit(b->account), b->words->what, atomic_load(&b->held));
    return over(where, fact, b->words->bytes);
}

static tn_status why(const tn_budget *b, tn_stop s, const char *where) {
    char fact[200];
    const char *what = b->words->what;
    switch (s) {
    case TN_STOP_TIME:
        tn_snprintf(fact, sizeof fact, "%s is not done after %.6g ms", what, (double)(b->deadline - b->started) * 1e-6);
        return over(where, fact, b->words->time);
    case TN_STOP_WORK:
        snprintf(fact, sizeof fact, "%s would take more than %llu units of work", what,
                 (unsigned long long)b->work_limit);
        return over(where, fact, b->words->work);
    case TN_STOP_NODES:
        snprintf(fact, sizeof fact, "%s would make more than %llu nodes", what, (unsigned long long)b->node_limit);
        return over(where, fact, b->words->nodes);
    default: break;
    }
    return tn_fail(TN_E_CANCELLED, "%s%s%s was cancelled", where ? where : "", where ? ": " : "", what);
}

static bool stopped_around(const tn_budget *b) {
    for (b = b->around; b; b = b->around)
        if (atomic_load_explicit(&b->stop, memory_order_relaxed) != TN_STOP_NONE) return true;
    return false;
}

tn_status tn_budget_verdict(tn_budget *b, tn_status st, const char *where) {
    if (!b) return st;
    tn_stop s = (tn_stop)atomic_load_explicit(&b->stop, memory_order_relaxed);
    size_t refused = atomic_load_explicit(&b->refused, memory_order_relaxed);
    if (s == TN_STOP_NONE && st == TN_OK && stopped_around(b)) return TN_E_CANCELLED;
    if (s == TN_STOP_NONE && (st != TN_E_NOMEM || !refused)) return st;
    if (b->explained && st != TN_OK) return st;
    b->explained = true;
    return s != TN_STOP_NONE ? why(b, s, where) : out_of_bytes(b, where, refused);
}
