/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* guard.h - locks that a fork leaves usable.
 *
 * A child has the locks of its parent, but only the thread that called fork: what another thread held stays locked for
 * ever, around data it left half changed. So fork waits until it holds every guarded lock itself, and both processes
 * let them go again. Rules for who has a guarded lock:
 *   - while holding one, take only those of a later rank
 *   - add and remove guards while holding none
 *   - no fork by a thread that holds one */
#ifndef TN_BASE_GUARD_H
#define TN_BASE_GUARD_H

#include <pthread.h>

/* The order in which a thread takes them. */
typedef enum {
    TN_GUARD_EDITIONS,
    TN_GUARD_PLANNING,
    TN_GUARD_SESSION,
    TN_GUARD_LEAF,
    TN_GUARD_STORE,
    TN_GUARD_RANKS
} tn_guard_rank;

typedef struct tn_guard {
    pthread_mutex_t *lock;
    tn_guard_rank rank;
    struct tn_guard *next, **at;
} tn_guard;

/** Between the lock's init and destroy; g stays where it is meanwhile. Removing what is zeroed does nothing. */
void tn_guard_add(tn_guard *g, pthread_mutex_t *lock, tn_guard_rank rank);
void tn_guard_remove(tn_guard *g);

#endif
