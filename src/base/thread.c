/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* thread.c - see thread.h. */
#include "base/thread.h"
#include <signal.h>
#include <stddef.h>
#include <time.h>

int tn_thread_start(pthread_t *thread, void *(*fn)(void *), void *arg) {
    static const int raised[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPROF };
    sigset_t most, before;
    sigfillset(&most);
    for (size_t i = 0; i < sizeof raised / sizeof raised[0]; i++) sigdelset(&most, raised[i]);
    pthread_sigmask(SIG_SETMASK, &most, &before);
    int e = pthread_create(thread, NULL, fn, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return e;
}

void tn_cond_init(pthread_cond_t *c) {
    pthread_condattr_t a;
    pthread_condattr_init(&a);
#if defined(__linux__)
    pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
#endif
    pthread_cond_init(c, &a);
    pthread_condattr_destroy(&a);
}
