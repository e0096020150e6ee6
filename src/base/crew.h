/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* crew.h - the process's worker threads. All pools share them: a job borrows workers, gives each a seat, and returns
 * them when it is done. For pool.c alone; everybody else uses pool.h.
 *
 *     IDLE --post--> POSTED --the worker--> RUNNING --the worker--> IDLE
 *                       '------------------recall------------------^
 *
 * A posted worker that does not come (something else has its CPU) is recalled, so that nobody waits for it. One that
 * came and was then pushed off its CPU in the middle of a chunk is lent the CPU of the thread that waits for it. */
#ifndef TN_BASE_CREW_H
#define TN_BASE_CREW_H

#include "base/status.h"
#include <pthread.h>
#include <stdatomic.h>
#if defined(__linux__)
#include <sched.h>
#include <time.h>
#endif

#define TN_CREW_MAX 256 /* threads of a job, with the caller */

typedef enum { TN_WORKER_GONE, TN_WORKER_IDLE, TN_WORKER_POSTED, TN_WORKER_RUNNING, TN_WORKER_LEAVE } tn_worker_state;

typedef void (*tn_seat_fn)(void *job, int seat);

typedef struct tn_worker {
    /* What passes to and fro between two CPUs, in one line, since each crossing costs a part of a dispatch. */
    _Alignas(64) atomic_uint state; /* tn_worker_state */
    atomic_uint worker_asleep, caller_asleep;
    atomic_uint_fast64_t range; /* the seat's share, for the job's owner to use */

    /* What an idle worker does not look at. Whoever sets `taken` may write the rest. */
    _Alignas(64) atomic_uint taken;
    int seat;
    tn_seat_fn work;
    void *job;
    struct tn_cpuset *within; /* of who borrowed it */

    /* What it is. */
    _Alignas(64) atomic_int home; /* the CPU it is pinned to; -1: none */
    atomic_int lent;              /* it runs on the CPU of who waits for it */
    int index;
    bool joinable;
    pthread_t thread;
#if defined(__linux__)
    cpu_set_t allowed;
    clockid_t clock; /* of its CPU time */
    bool kept;       /* it has no home, and was kept to a set of CPUs */
    bool has_clock;
#endif
} tn_worker;

/** A pool of `threads` (with the caller) opens or closes. Workers are started until there are as many as can be of use:
 *  as many as the pools want together, but no more than CPUs (or the largest pool has) without a caller. If the system
 *  gives no more threads there are fewer, which is logged. They are pinned while every open pool wants that. */
void tn_crew_join(int threads, bool pin);
void tn_crew_part(int threads, bool pin);

/** This thread begins or ends to work: it counts as running. */
void tn_crew_enter(void);
void tn_crew_leave(void);

/** As enter and leave, for a thread that waits until fewer threads are at work than there are CPUs (of its set, too),
 * or no other that came by here is. */
void tn_crew_take_turn(void);
void tn_crew_end_turn(void);

/** This thread keeps to the set's CPUs (NULL: to none) and borrows only workers that do. Returns what it kept to. */
struct tn_cpuset *tn_crew_keep_to(struct tn_cpuset *set);

/** Up to `most` workers for this thread, into `team`; how many. None when the CPUs have enough to do: with two and more
 *  threads at work there are never more running than CPUs; a single one gets what it asks for. */
int tn_crew_borrow(int most, tn_worker **team);
void tn_crew_post(tn_worker *w, tn_seat_fn work, void *job, int seat);
/** Returns when the worker has done its part, or will not begin it. */
void tn_crew_await(tn_worker *w);
void tn_crew_return(tn_worker **team, int n);

/** More threads run than CPUs, because another has begun: workers should leave at the next chance. */
bool tn_crew_crowded(void);

/** For tests: CPUs to reckon with, 0: the machine's; workers that are there now. */
void tn_crew_pretend_cpus(int n);
int tn_crew_size(void);
tn_worker *tn_crew_worker(int i); /* i < tn_crew_size() */

#endif
