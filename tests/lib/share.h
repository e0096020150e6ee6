/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* share.h - TN_CHECK_SHARE=N: long sweeps take one trial of N, for builds that only look once more (sanitizers, another
 * CPU, another locale) at what the plain build has tried whole. */
#ifndef TN_TESTS_SHARE_H
#define TN_TESTS_SHARE_H

#include <stdbool.h>
#include <stdlib.h>

static inline long check_share(void) {
    const char *s = getenv("TN_CHECK_SHARE");
    long n = s ? strtol(s, NULL, 10) : 1;
    return n > 1 ? n : 1;
}

/** Is it the turn of trial `*i`, which is counted? Trials of one kind lie in rows and columns: a plain stride would
 * take the same column of every row, a hash of the number does not. */
static inline bool check_turn(unsigned long *i) {
    static long share;
    if (!share) share = check_share();
    unsigned long x = (*i)++ * 0x9e3779b97f4a7c15u;
    return (x >> 32) % (unsigned long)share == 0;
}

#endif
