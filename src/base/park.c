/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* park.c - sleeping on a word: a futex where there is one. */
#include "base/park.h"
#include <stddef.h>
#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void tn_park(atomic_uint *word, unsigned value, uint64_t ns) {
    struct timespec t = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, ns ? &t : NULL, NULL, 0);
}

void tn_park_wake(atomic_uint *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); }

#else
#include <pthread.h>
#include <time.h>

/* One lock for all: these systems take the slow road only after the spin. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

void tn_park(atomic_uint *word, unsigned value, uint64_t ns) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    uint64_t end = (uint64_t)t.tv_nsec + ns;
    t.tv_sec += (time_t)(end / 1000000000), t.tv_nsec = (long)(end % 1000000000);
    pthread_mutex_lock(&lock);
    if (atomic_load(word) == value) {
        if (ns)
            pthread_cond_timedwait(&cond, &lock, &t);
        else
            pthread_cond_wait(&cond, &lock);
    }
    pthread_mutex_unlock(&lock);
}

void tn_park_wake(atomic_uint *word) {
    (void)word;
    pthread_mutex_lock(&lock);
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&lock);
}
#endif
