/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* random.c - keys for streams without a seed. */
#include "base/random.h"
#include "base/clock.h"
#include <sys/random.h>
#include <unistd.h>

uint64_t tn_random_fresh_key(void) {
    static uint64_t calls;
    uint64_t seed = 0, call = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) seed = tn_clock_ns() ^ (uint64_t)getpid() << 40;
    return tn_random_key(seed + call * TN_RANDOM_STEP);
}
