/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* budget.h - what a piece of work may take: bytes, nodes, work and time; and how it is stopped from outside.
 *
 * Opening a model, making a session and every run have a budget each. The present one belongs to the thread, like the
 * sentence about an error: what allocates, infers, evaluates or loops charges it without being handed it, so nothing
 * can be forgotten on the way. Worker threads enter the budget of the call they work for.
 *
 *     bytes   every tn_mem_alloc made under the budget counts on its account until it is freed, by whomever. An
 *             allocation beyond the limit fails, and the budget remembers that it was the limit and not the machine.
 *     nodes   of graphs that are made
 *     work    units of about a nanosecond that are known before the work begins: the same on every machine
 *     time    a deadline on the monotonic clock; a flag of the caller's that says stop
 *
 * What was exceeded or asked for stays: once tn_budget_stopped says true, it says so until the budget ends, so that a
 * loop may give up with a half made result, whose status the budget's owner replaces (tn_budget_verdict). */
#ifndef TN_BASE_BUDGET_H
#define TN_BASE_BUDGET_H

#include "base/mem.h"
#include "base/pool.h"
#include "base/status.h"
#include <pthread.h>
#include <stdatomic.h>

typedef enum {
    TN_STOP_NONE,
    TN_STOP_CANCEL, /* the caller's flag was set */
    TN_STOP_TIME,   /* the deadline has passed */
    TN_STOP_WORK,
    TN_STOP_NODES,
} tn_stop;

/** How messages call what is bounded, and what raises each bound (NULL: it cannot be raised). */
typedef struct {
    const char *what; /* "the run" */
    const char *bytes, *nodes, *work, *time;
} tn_budget_words;

typedef struct tn_budget {
    const tn_budget_words *words;
    tn_account *account;              /* the owner's; NULL: bytes are not counted */
    uint64_t node_limit, work_limit;  /* 0: none */
    uint64_t started, deadline;       /* tn_clock_ns; deadline 0: none */
    struct tn_budget *around;         /* what stops it stops this one, too */
    const volatile int *cancel;       /* not 0: stop; NULL: nobody can */
    const volatile int *also;         /* the same, somebody else's */
    atomic_uint_fast64_t nodes, work; /* so far */
    atomic_size_t refused, held;      /* bytes of the last allocation that the limit refused; on the account then */
    atomic_int stop;                  /* tn_stop */
    bool explained;                   /* the thread's sentence already says why */
} tn_budget;

/** Makes b this thread's budget (NULL: none) and returns the one before, for tn_budget_leave. b is the caller's and
 *  stays where it is until then. */
tn_budget *tn_budget_enter(tn_budget *b);
void tn_budget_leave(tn_budget *before);
tn_budget *tn_budget_now(void); /* this thread's; NULL: none */

/** A budget within the thread's present one, for making what outlives it (plans, packed weights): bytes, nodes and work
 *  of its own. The outer deadline and flag stop it, too: who keeps a piece asks tn_budget_stopped once it is made,
 * since it may be half made then. */
void tn_budget_inner(tn_budget *b, const tn_budget_words *words, tn_account *account);

/** `timeout_ns` from now on (0: none). */
void tn_budget_set_timeout(tn_budget *b, uint64_t timeout_ns);

/** Must the thread's work stop? Asks the budgets around, too. Reads the clock only where there is a deadline. About
 *  2 ns without, 30 ns with one. */
bool tn_budget_stopped(void);

/** Locks, however long another thread has it; false: stopped while it waited. */
bool tn_budget_lock(pthread_mutex_t *lock);

/** For tight loops: `units` more of about a nanosecond each have been done; looks once in a while. Stopped, it stays
 * so, for the loops around. */
typedef struct {
    uint64_t done;
} tn_ticks;
#define TN_TICKS_LOOK ((uint64_t)1 << 18)
static inline bool tn_ticks_stopped(tn_ticks *t, uint64_t units) {
    if ((t->done += units) < TN_TICKS_LOOK) return false;
    bool stopped = tn_budget_stopped();
    t->done = stopped ? TN_TICKS_LOOK : 0;
    return stopped;
}

/** memcpy and memset that stop with the budget; what is not done yet is left as it is then. */
void tn_budget_copy(void *to, const void *from, size_t bytes);
void tn_budget_clear(void *to, size_t bytes);

/** Charges work or nodes. false: the budget does not have so much left; it counts as stopped then. */
bool tn_budget_work(uint64_t units);
bool tn_budget_nodes(uint64_t n);
/** Charges work that can be left out: false when it does not fit, and nothing has happened. */
bool tn_budget_afford(uint64_t units);

/** What the owner of b returns for a call under it that returned st: TN_E_CANCELLED or TN_E_LIMIT when it was stopped
 *  (also when st is TN_OK: the result is not whole), TN_E_LIMIT when memory was refused by the limit; else st itself.
 *  Where a budget around b was stopped its owner has the last word. The sentence says where (NULL: nothing of that),
 * which bound, what it was, and what raises it. */
tn_status tn_budget_verdict(tn_budget *b, tn_status st, const char *where);

/** For tn_pool_set_hooks: workers enter the budget of the call they work for. */
extern const tn_pool_hooks tn_budget_pool_hooks;

/** Adds without overflow: costs are products of sizes that nobody has checked. */
static inline uint64_t tn_budget_units(double units) {
    return units >= 0x1p62 ? UINT64_C(1) << 62 : units > 0 ? (uint64_t)units : 0;
}

#endif
