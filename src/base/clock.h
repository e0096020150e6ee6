/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* clock.h - monotonic time, and the CPU time of a thread. */
#ifndef TN_BASE_CLOCK_H
#define TN_BASE_CLOCK_H

#include <stdint.h>

uint64_t tn_clock_ns(void);
uint64_t tn_clock_thread_ns(void); /* the calling thread's CPU time; 0 where that is not known */
static inline double tn_clock_s(void) { return (double)tn_clock_ns() * 1e-9; }

#endif
