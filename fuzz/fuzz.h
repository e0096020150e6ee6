/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h - what a fuzz target includes. A target is fuzz_NAME.c with one function; libFuzzer calls it (-Dfuzz=true),
 * and so does run.c, which makes it an ordinary regression test over files. A property that does not hold: abort(). */
#ifndef TN_FUZZ_FUZZ_H
#define TN_FUZZ_FUZZ_H

#include "base/mem.h"
#include "base/status.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Reads every byte, so that a sanitizer sees memory that is not there. */
static inline void fuzz_touch(const void *p, size_t n) {
    uint8_t x = 0;
    for (size_t i = 0; i < n; i++) x ^= ((const uint8_t *)p)[i];
    __asm__ volatile("" : : "r"(x));
}

#define must(cond)            \
    do {                      \
        if (!(cond)) abort(); \
    } while (0)

#endif
