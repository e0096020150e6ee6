/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* executor.h - inside an executor: threads that run what was submitted.
 *
 *                    .---cancelled, or its time is up---.
 *                    |                                  v
 *     submit --> QUEUED --a thread has its turn--> RUNNING --> ENDED --the callback has returned--> OVER
 *
 * A job is a tn_ticket. The executor has it until it is over, its caller for as long as it likes; then it is kept for
 * the next submit. ENDED jobs that were not run wait in a list of their own for a thread that calls their callbacks.
 *
 * A thread that is about to run a job takes a turn first (tn_pool_take_turn), so that all executors together, and the
 * callers of tn_session_run, keep no more threads busy than there are CPUs; callbacks are called without one.
 *
 * The lock is a leaf: nothing else is locked while it is held, and no callback is called. After a fork the child's
 * first call on an executor makes it anew: no threads, no jobs (tn_executor_lock). */
#ifndef TN_ENGINE_EXECUTOR_H
#define TN_ENGINE_EXECUTOR_H

#include "base/cpuset.h"
#include "base/crew.h"
#include "base/guard.h"
#include "engine/queue.h"
#include <pthread.h>

#define TN_EXECUTOR_QUEUE   1024
#define TN_EXECUTOR_LONGEST (1 << 20)
#define TN_EXECUTOR_SPARE   256 /* jobs kept */

typedef enum { TN_JOB_QUEUED, TN_JOB_RUNNING, TN_JOB_ENDED, TN_JOB_OVER } tn_job_state;

struct tn_ticket {
    tn_queued queued; /* first: the queue's */
    tn_ticket *next;  /* among those that ended unrun, or that are kept for others */
    tn_executor *executor;
    tn_session *session;
    tn_run_opts opts;
    const tn_tensor **inputs; /* a copy of the list */
    tn_tensor **outputs;
    size_t n_in, n_out, room; /* room: for inputs */
    tn_run_done done;
    void *user;
    uint64_t submitted, begun, ended; /* begun 0: it was not */
    tn_job_state state;
    int held;   /* by the executor, by the caller */
    int sought; /* threads that wait for it */
    bool stoppable;
    int stop; /* atomic: it was cancelled */
    pthread_cond_t over;
    tn_status status;
    char error[1024];
};

typedef struct {
    tn_executor *executor;
    int index;
    bool alive;
    pthread_t id;
    tn_ticket *job; /* that it runs, or calls back for */
} tn_executor_thread;

struct tn_executor {
    pthread_mutex_t lock;
    tn_guard guard;
    pthread_cond_t work; /* there is something to do */
    pthread_cond_t over; /* some job is */
    int refs;            /* its owner, threads, sessions, tickets */
    unsigned forks;      /* that it has seen */
    bool closing;
    tn_cpuset *cpus; /* NULL: all */
    int *pins;       /* [n_pins]; NULL: threads move */
    int n_pins;
    tn_queue queue;
    uint64_t number;      /* of the last job */
    tn_ticket *unrun;     /* ended without having been run: the first, */
    tn_ticket **unrun_at; /* and where the next one goes */
    int n_unrun;
    tn_ticket *spare; /* jobs for the next submits */
    int n_spare;
    int n_threads, most;  /* started; at most */
    int n_idle, n_called; /* that wait for work; that were called and have not come yet */
    tn_executor_thread threads[TN_CREW_MAX];
};

/** Locks; in the child of a fork it drops what was the parent's first. */
void tn_executor_lock(tn_executor *e);
void tn_executor_unlock(tn_executor *e);

/** Under the lock: one more or one less of those that hold it. The last one unlocks and frees it. */
void tn_executor_unref(tn_executor *e);

/** Under the lock: a thread comes to work, one that waits or a new one. false: there is none and none can be started.
 */
bool tn_executor_call(tn_executor *e);

/** Is this thread one of the executor's? */
bool tn_executor_inside(const tn_executor *e);

/** Under the lock: the job, which was queued, has ended so. */
void tn_executor_drop(tn_executor *e, tn_ticket *j, tn_status st, const char *why);

/** Under the lock: jobs whose time is up leave the queue. */
void tn_executor_expire(tn_executor *e);

/** Under the lock: the job goes to the spare ones when nobody has it any more. */
void tn_executor_let_go(tn_executor *e, tn_ticket *j);

/** Sleeps on c until tn_clock_ns() is `until` (UINT64_MAX: for ever) or c is signalled. false: it is time. */
bool tn_executor_sleep(tn_executor *e, pthread_cond_t *c, uint64_t until);

/** `ns` after `from`; for ever stays that. */
static inline uint64_t tn_executor_until(uint64_t from, uint64_t ns) {
    uint64_t until;
    return __builtin_add_overflow(from, ns, &until) ? UINT64_MAX : until;
}

/** The executor of sessions that have none, with a reference for the caller; made with the first.
 *  errors TN_E_NOMEM */
tn_status tn_executor_share(tn_executor **out);
void tn_executor_unshare(void);

/** A session takes a lease on the executor; gives it back: what it has queued is cancelled, and no callback of it is
 * running any more, but one of the calling thread's. */
void tn_executor_lease(tn_executor *e);
void tn_executor_leave(tn_executor *e, const tn_session *s);

#endif
