/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* queue.c - see queue.h. */
#include "engine/queue.h"
#include "base/mem.h"

static bool more_urgent(const tn_queued *a, const tn_queued *b) {
    return a->priority != b->priority ? a->priority > b->priority : a->number < b->number;
}

static bool due_earlier(const tn_queued *a, const tn_queued *b) { return a->deadline < b->deadline; }

static bool (*const before[TN_QUEUE_ORDERS])(const tn_queued *, const tn_queued *) = { more_urgent, due_earlier };

static void put(tn_queue *q, tn_queue_order o, int at, tn_queued *j) {
    q->heap[o][at] = j;
    j->place[o] = at + 1;
}

/* Puts j at `at`, or where it belongs above. */
static void rise(tn_queue *q, tn_queue_order o, int at, tn_queued *j) {
    for (int up; at > 0 && before[o](j, q->heap[o][up = (at - 1) / 2]); at = up) put(q, o, at, q->heap[o][up]);
    put(q, o, at, j);
}

static void sink(tn_queue *q, tn_queue_order o, int at, tn_queued *j) {
    tn_queued **h = q->heap[o];
    for (int down; (down = 2 * at + 1) < q->n[o]; at = down) {
        if (down + 1 < q->n[o] && before[o](h[down + 1], h[down])) down++;
        if (!before[o](h[down], j)) break;
        put(q, o, at, h[down]);
    }
    rise(q, o, at, j);
}

static void take_out(tn_queue *q, tn_queue_order o, tn_queued *j) {
    int at = j->place[o] - 1;
    if (at < 0) return;
    j->place[o] = 0;
    tn_queued *last = q->heap[o][--q->n[o]];
    if (last != j) sink(q, o, at, last);
}

tn_status tn_queue_init(tn_queue *q, int limit) {
    *q = (tn_queue){ .limit = limit };
    for (int o = 0; o < TN_QUEUE_ORDERS; o++)
        if (!(q->heap[o] = tn_mem_alloc((size_t)limit * sizeof *q->heap[o], TN_MEM_GENERAL))) {
            tn_queue_clear(q);
            return tn_fail(TN_E_NOMEM, "no memory for a queue of %d runs", limit);
        }
    return TN_OK;
}

void tn_queue_clear(tn_queue *q) {
    for (int o = 0; o < TN_QUEUE_ORDERS; o++) tn_mem_free(q->heap[o]);
    *q = (tn_queue){ 0 };
}

bool tn_queue_add(tn_queue *q, tn_queued *j) {
    if (q->n[TN_BY_URGENCY] >= q->limit) return false;
    rise(q, TN_BY_URGENCY, q->n[TN_BY_URGENCY]++, j);
    if (j->deadline) rise(q, TN_BY_DEADLINE, q->n[TN_BY_DEADLINE]++, j);
    return true;
}

void tn_queue_remove(tn_queue *q, tn_queued *j) {
    for (int o = 0; o < TN_QUEUE_ORDERS; o++) take_out(q, (tn_queue_order)o, j);
}

tn_queued *tn_queue_first(const tn_queue *q, tn_queue_order order) { return q->n[order] ? q->heap[order][0] : NULL; }
