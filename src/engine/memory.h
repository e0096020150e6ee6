/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* memory.h - laying out buffers whose lifetimes are known in one block. */
#ifndef TN_ENGINE_MEMORY_H
#define TN_ENGINE_MEMORY_H

#include "base/status.h"

#define TN_ARENA_ALIGN 64

/** One buffer: alive during steps first..last (both included). */
typedef struct {
    size_t bytes;
    int first, last;
    size_t offset; /* out */
} tn_lifetime;

/** Assigns offsets (multiples of TN_ARENA_ALIGN) so that no two buffers alive at one step overlap; *total is the
 * block's size. Greedy, best fit among the gaps that neighbours in time leave (Pisarchyk & Lee 2020, "greedy by size"),
 * in several orders, of which the best is kept; the first that reaches tn_memory_bound ends the search. errors
 * TN_E_NOMEM, TN_E_LIMIT (the sum overflows). */
tn_status tn_memory_layout(tn_lifetime *v, int n, size_t *total);

/** The most bytes alive at one step: no layout can be smaller. */
size_t tn_memory_bound(const tn_lifetime *v, int n);

#endif
