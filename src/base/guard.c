/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* guard.c - see guard.h. */
#include "base/guard.h"
#include "base/fork.h"
#include <stddef.h>

static pthread_mutex_t list = PTHREAD_MUTEX_INITIALIZER; /* taken before any guarded lock */
static tn_guard *all[TN_GUARD_RANKS];

static void hold_all(void) {
    pthread_mutex_lock(&list);
    for (int rank = 0; rank < TN_GUARD_RANKS; rank++)
        for (tn_guard *g = all[rank]; g; g = g->next) pthread_mutex_lock(g->lock);
}

static void let_go(void) {
    for (int rank = TN_GUARD_RANKS - 1; rank >= 0; rank--)
        for (tn_guard *g = all[rank]; g; g = g->next) pthread_mutex_unlock(g->lock);
    pthread_mutex_unlock(&list);
}

static tn_fork_watch forks = { .before = hold_all, .parent = let_go, .child = let_go };

void tn_guard_add(tn_guard *g, pthread_mutex_t *lock, tn_guard_rank rank) {
    tn_fork_watch_add(&forks);
    pthread_mutex_lock(&list);
    *g = (tn_guard){ lock, rank, all[rank], &all[rank] };
    if (g->next) g->next->at = &g->next;
    all[rank] = g;
    pthread_mutex_unlock(&list);
}

void tn_guard_remove(tn_guard *g) {
    if (!g->lock) return;
    pthread_mutex_lock(&list);
    if (g->next) g->next->at = g->at;
    *g->at = g->next;
    pthread_mutex_unlock(&list);
    *g = (tn_guard){ 0 };
}
