/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* clock.c - monotonic time. */
#include "base/clock.h"
#include <time.h>

uint64_t tn_clock_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
