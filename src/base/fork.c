/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fork.c - see fork.h. The list only grows, at its head: what a fork saw before is what it calls behind. Its lock is
 * the last that a fork takes, so that whoever adds may hold any other. */
#include "base/fork.h"
#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static tn_fork_watch *all;
static _Thread_local tn_fork_watch *seen; /* by the thread that forks */

static void before(void) {
    pthread_mutex_lock(&lock);
    seen = all;
    pthread_mutex_unlock(&lock);
    for (tn_fork_watch *w = seen; w; w = w->next)
        if (w->before) w->before();
    pthread_mutex_lock(&lock);
}

static void in_parent(void) {
    pthread_mutex_unlock(&lock);
    for (tn_fork_watch *w = seen; w; w = w->next)
        if (w->parent) w->parent();
}

static void children(bool held) {
    for (tn_fork_watch *w = seen; w; w = w->next)
        if (w->child && (w->before != NULL) == held) w->child();
}

static void in_child(void) {
    pthread_mutex_unlock(&lock);
    children(true);
    children(false);
}

void tn_fork_watch_add(tn_fork_watch *w) {
    pthread_mutex_lock(&lock);
    if (!all) pthread_atfork(before, in_parent, in_child);
    if (!w->added) {
        w->added = true;
        w->next = all;
        all = w;
    }
    pthread_mutex_unlock(&lock);
}
