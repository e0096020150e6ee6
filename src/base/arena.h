/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* arena.h - memory that is freed all at once: a graph's nodes, a parser's strings, a step's scratch.
 *
 * Blocks are chained and grow; nothing moves. Not safe from several threads at once. */
#ifndef TN_BASE_ARENA_H
#define TN_BASE_ARENA_H

#include "base/mem.h"
#include <stdarg.h>

typedef struct tn_arena tn_arena;
typedef struct {
    void *block;
    size_t used;
} tn_arena_mark;

tn_arena *tn_arena_new(size_t first_block, tn_mem_tag tag); /* first_block 0: 4 KiB; NULL when out of memory */
void tn_arena_free(tn_arena **a);

/** `bytes` bytes aligned to `align` (a power of two <= 64), zeroed; NULL when out of memory. */
void *tn_arena_alloc(tn_arena *a, size_t bytes, size_t align);

/** The same, not zeroed: for what is written before it is read. Sanitized builds fill it with NaNs. */
void *tn_arena_room(tn_arena *a, size_t bytes, size_t align);

#define tn_arena_new_of(a, T)   ((T *)tn_arena_alloc(a, sizeof(T), _Alignof(T)))
#define tn_arena_array(a, T, n) ((T *)tn_arena_calloc(a, n, sizeof(T), _Alignof(T)))
void *tn_arena_calloc(tn_arena *a, size_t n, size_t each, size_t align); /* checks n * each for overflow */

char *tn_arena_strndup(tn_arena *a, const char *s, size_t n); /* NUL added */
char *tn_arena_strdup(tn_arena *a, const char *s);
char *tn_arena_printf(tn_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

tn_arena_mark tn_arena_save(const tn_arena *a);
void tn_arena_restore(tn_arena *a, tn_arena_mark m); /* frees what was allocated since the mark */
void tn_arena_disown(tn_arena *a);                   /* tn_mem_disown of all its blocks */
size_t tn_arena_bytes(const tn_arena *a);            /* bytes held, for reports */

#endif
