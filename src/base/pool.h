/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pool.h - index ranges shared among threads: cut into chunks that are claimed, a thread's own first, then others'.
 *
 * The calling thread works too, as thread 0, so a pool of one thread starts none. The workers are the process's: pools
 * of any size borrow from one set of them for the time of a call, so that together they never keep more threads running
 * than there are CPUs, unless a single caller asks for more (base/crew.h). Whoever finds none runs its range alone.
 *
 * fork: a child may use the pools of its parent, also when other threads were in the middle of a call; it starts
 * workers of its own when it first wants some. */
#ifndef TN_BASE_POOL_H
#define TN_BASE_POOL_H

#include "base/status.h"

typedef struct tn_pool tn_pool;

/** threads 0: TN_THREADS, else tn_cpu_count(). pin: workers stay on a CPU each, since woken threads that do not often
 *  share one; the caller's thread is never pinned. When the system gives fewer threads the pool works with those.
 *  errors   TN_E_NOMEM */
tn_status tn_pool_new(int threads, bool pin, tn_pool **out);
void tn_pool_free(tn_pool **p);
int tn_pool_threads(const tn_pool *p); /* 1 when p is NULL */

/** fn(arg, begin, end, thread): a part [begin, end) of [0, n). It is called several times by a thread, with parts of
 *  any length from `grain` on that need not follow each other. thread is 0 .. threads-1, and during one tn_parallel a
 *  number belongs to one thread: what lies in memory of that number is found again by the next part. */
typedef void (*tn_range_fn)(void *arg, int64_t begin, int64_t end, int thread);

/** Splits [0, n) among at most tn_pool_threads(p) threads, in parts of at least `grain` (>= 1), and returns when all
 *  are done. A nested call, a NULL pool or n < 2 grain runs on the calling thread, in one part when nothing can stop
 * it. Stopped (see below), it returns without having called fn for the rest. */
void tn_parallel(tn_pool *p, int64_t n, int64_t grain, tn_range_fn fn, void *arg);

/** The same with at most `threads` of the pool's, numbered 0 .. threads-1: for work that is too small for all. */
void tn_parallel_by(tn_pool *p, int threads, int64_t n, int64_t grain, tn_range_fn fn, void *arg);

/** This thread is busy from enter to leave (they nest): it counts as one of the threads that run, also between its
 * calls of tn_parallel. A session's run does this; a call of tn_parallel outside does it for itself. */
void tn_pool_enter(void);
void tn_pool_leave(void);

/** The same for a thread that can wait until it is wanted (an executor's): it begins when fewer threads are busy than
 *  there are CPUs, or no other that came by here is, so that threads of the program's own never keep it out for good.
 */
void tn_pool_take_turn(void);
void tn_pool_end_turn(void);

/** This thread and the workers it borrows keep to these CPUs (base/cpuset.h) from now on; NULL: it may run wherever it
 *  could before. Returns what it kept to. */
struct tn_cpuset *tn_pool_keep_to(struct tn_cpuset *set);

/** What calls may run under: something of the calling thread's that counts what they take and may be stopped, such as a
 *  budget.
 *
 *     capture   what the calling thread runs under; NULL: nothing
 *     can_stop  could that ever be stopped?
 *     enter     the worker that calls it works for that now; returns what was before
 *     leave     it does so no more
 *     stopped   must the work of this thread stop? Asked by every thread before each part; once true it stays so
 *
 * Under what can be stopped parts take about a millisecond, also on one thread. A call that was stopped has left its
 * results half made, and does not say so: who set the deadline asks after each step, throws the results away, and
 * returns an error. Set once, before pools are used; without hooks nothing is asked. */
typedef struct {
    void *(*capture)(void);
    bool (*can_stop)(void *what);
    void *(*enter)(void *what);
    void (*leave)(void *before);
    bool (*stopped)(void);
} tn_pool_hooks;
void tn_pool_set_hooks(const tn_pool_hooks *hooks); /* must stay; NULL: none */

#endif
