/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* park.h - how threads wait for each other: a pause for spinning, and sleeping on a word.
 *
 * A sleeper says so in a word of its own before it looks at the word it waits for; who changes that one looks
 * afterwards whether anybody sleeps, both in the one order of seq_cst: no wake-up is lost. */
#ifndef TN_BASE_PARK_H
#define TN_BASE_PARK_H

#include <stdatomic.h>
#include <stdint.h>

static inline void tn_relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/** Sleeps while *word is `value`, until tn_park_wake or for `ns` (0: without end). May return early: look again. */
void tn_park(atomic_uint *word, unsigned value, uint64_t ns);
/** Wakes one sleeper. The word need not exist any more. */
void tn_park_wake(atomic_uint *word);

#endif
