/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* thread.h - starting threads that leave signals to the program, and what they wait with. */
#ifndef TN_BASE_THREAD_H
#define TN_BASE_THREAD_H

#include <pthread.h>

/** pthread_create of a thread that gets no signals but those that a thread raises itself. returns 0, or an errno */
int tn_thread_start(pthread_t *thread, void *(*fn)(void *), void *arg);

/** A condition variable whose timed waits count by tn_clock_ns's clock, where the system has that (Linux). */
void tn_cond_init(pthread_cond_t *c);

#endif
