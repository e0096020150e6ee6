/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* queue.h - jobs that wait, in two orders at once: who is to run next, and whose time is up first. Two binary heaps in
 * memory that is taken once; each job knows its places, so that one that is cancelled leaves at once. The owner locks.
 */
#ifndef TN_ENGINE_QUEUE_H
#define TN_ENGINE_QUEUE_H

#include "base/status.h"

typedef enum { TN_BY_URGENCY, TN_BY_DEADLINE, TN_QUEUE_ORDERS } tn_queue_order;

/** A part of a job; zeroed, it waits nowhere. */
typedef struct tn_queued {
    int priority;               /* higher ones first, */
    uint64_t number;            /* then lower ones */
    uint64_t deadline;          /* on tn_clock_ns; 0: none */
    int place[TN_QUEUE_ORDERS]; /* 1 + index in the heap; 0: not in it */
} tn_queued;

typedef struct {
    tn_queued **heap[TN_QUEUE_ORDERS];
    int n[TN_QUEUE_ORDERS]; /* [TN_BY_URGENCY]: how many wait */
    int limit;
} tn_queue;

tn_status tn_queue_init(tn_queue *q, int limit); /* errors TN_E_NOMEM */
void tn_queue_clear(tn_queue *q);                /* frees the queue's memory; the jobs are their owners' */

bool tn_queue_add(tn_queue *q, tn_queued *j); /* false: as many wait as may */
void tn_queue_remove(tn_queue *q, tn_queued *j);
tn_queued *tn_queue_first(const tn_queue *q, tn_queue_order order); /* stays in; NULL: none */

/** The i-th that waits, i < n[TN_BY_URGENCY], in no order. */
static inline tn_queued *tn_queue_at(const tn_queue *q, int i) { return q->heap[TN_BY_URGENCY][i]; }

#endif
