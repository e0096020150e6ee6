/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fork.h - what is to be done about fork(2): the process has one registration, and this is its list.
 *
 * A fork calls every `before`, then the system's fork, then every `parent` in the parent; in the child it calls first
 * the `child` of those that have a `before` - so that what they held is free - and then those of the others. All is
 * done by the thread that forks. */
#ifndef TN_BASE_FORK_H
#define TN_BASE_FORK_H

#include <stdbool.h>

typedef struct tn_fork_watch {
    void (*before)(void), (*parent)(void), (*child)(void); /* NULL: nothing to do */
    struct tn_fork_watch *next;                            /* not the caller's */
    bool added;                                            /* not the caller's */
} tn_fork_watch;

/** From now on and for ever; w stays where it is. Adding it again does nothing. Any thread, any locks held but those
 *  that a `before` takes and keeps. */
void tn_fork_watch_add(tn_fork_watch *w);

#endif
