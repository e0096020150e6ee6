/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* heap.h - buffers that outlive a run or whose size is known only while running: kept for the next run instead of
 * freed, since fresh pages cost more than filling them. Safe from several threads at once. */
#ifndef TN_ENGINE_HEAP_H
#define TN_ENGINE_HEAP_H

#include "tensor/tensor.h"

typedef struct tn_heap tn_heap;

tn_heap *tn_heap_new(tn_mem_tag tag); /* counted as `tag`; NULL when out of memory */

/** A buffer of at least `bytes` bytes (refs = 1); it returns to the heap with its last reference, from any thread, also
 *  after tn_heap_close. NULL when out of memory. It is on the account of the thread's budget, also when it lay idle. */
tn_buffer *tn_heap_buffer(tn_heap *h, size_t bytes);

size_t tn_heap_idle(tn_heap *h); /* bytes that lie idle */
size_t tn_heap_trim(tn_heap *h); /* frees what lies idle: how many bytes */

/** Frees what lies idle; the rest goes with its last buffer. */
void tn_heap_close(tn_heap **h);

#endif
