/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* arena.c - chained blocks that are freed all at once. Each new block doubles up to 1 MiB, so a big graph needs few. */
#include "base/arena.h"
#include "base/asan.h"
#include "base/number.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

#define FIRST_BLOCK ((size_t)4096)
#define TOP_BLOCK   ((size_t)1 << 20)
#define ALIGN       64

typedef struct block {
    struct block *before;
    size_t size, used; /* of the bytes behind this header */
} block;

#define HEAD tn_align_up(sizeof(block), ALIGN)

struct tn_arena {
    block *top;
    size_t next_size, held;
    tn_mem_tag tag;
};

static char *bytes_of(block *b) { return (char *)b + HEAD; }

tn_arena *tn_arena_new(size_t first_block, tn_mem_tag tag) {
    tn_arena *a = tn_mem_zalloc(sizeof *a, tag);
    if (!a) return NULL;
    a->next_size = first_block ? first_block : FIRST_BLOCK;
    a->held = sizeof *a;
    a->tag = tag;
    return a;
}

static void pop(tn_arena *a) {
    block *b = a->top;
    a->top = b->before;
    a->held -= HEAD + b->size;
    TN_UNPOISON(bytes_of(b), b->size);
    tn_mem_free(b);
}

void tn_arena_free(tn_arena **a) {
    if (!a || !*a) return;
    while ((*a)->top) pop(*a);
    tn_mem_free(*a);
    *a = NULL;
}

static block *push(tn_arena *a, size_t at_least) {
    size_t size = a->next_size > at_least ? a->next_size : at_least, total;
    if (__builtin_add_overflow(size, HEAD, &total)) return NULL;
    block *b = tn_mem_alloc(total, a->tag);
    if (!b) return NULL;
    *b = (block){ .before = a->top, .size = size };
    TN_POISON(bytes_of(b), size);
    a->top = b;
    a->held += total;
    if (a->next_size < TOP_BLOCK) a->next_size *= 2;
    return b;
}

static void *take(tn_arena *a, size_t bytes, size_t align) {
    assert(align && align <= ALIGN && (align & (align - 1)) == 0);
    block *b = a->top;
    size_t at = b ? tn_align_up(b->used, align) : 0;
    if (!b || at > b->size || bytes > b->size - at) {
        if (!(b = push(a, bytes ? bytes : 1))) return NULL;
        at = 0;
    }
    b->used = at + bytes;
    char *p = bytes_of(b) + at;
    TN_UNPOISON(p, bytes);
    return p;
}

void *tn_arena_alloc(tn_arena *a, size_t bytes, size_t align) {
    void *p = take(a, bytes, align);
    return p ? memset(p, 0, bytes) : NULL;
}

void *tn_arena_room(tn_arena *a, size_t bytes, size_t align) {
    void *p = take(a, bytes, align);
    if (p && TN_ASAN) memset(p, 0xff, bytes); /* whoever counts on zeros is found */
    return p;
}

void *tn_arena_calloc(tn_arena *a, size_t n, size_t each, size_t align) {
    size_t bytes;
    return tn_mul_size(n, each, &bytes) ? tn_arena_alloc(a, bytes, align) : NULL;
}

char *tn_arena_strndup(tn_arena *a, const char *s, size_t n) {
    if (n == SIZE_MAX) return NULL;
    char *copy = tn_arena_alloc(a, n + 1, 1);
    if (copy && n) memcpy(copy, s, n);
    return copy;
}

char *tn_arena_strdup(tn_arena *a, const char *s) { return tn_arena_strndup(a, s, strlen(s)); }

char *tn_arena_printf(tn_arena *a, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = tn_vsnprintf(NULL, 0, fmt, ap);
    char *s = n < 0 ? NULL : tn_arena_alloc(a, (size_t)n + 1, 1);
    if (s) tn_vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(ap);
    return s;
}

tn_arena_mark tn_arena_save(const tn_arena *a) {
    return (tn_arena_mark){ .block = a->top, .used = a->top ? a->top->used : 0 };
}

void tn_arena_restore(tn_arena *a, tn_arena_mark m) {
    /* An arena that was empty keeps its first block: saved and restored once per node, it would come and go each time.
     */
    while (a->top && a->top != m.block && (m.block || a->top->before)) pop(a);
    assert(!m.block || a->top == m.block);
    if (!a->top) return;
    TN_POISON(bytes_of(a->top) + m.used, a->top->size - m.used);
    a->top->used = m.used;
}

void tn_arena_disown(tn_arena *a) {
    for (block *b = a->top; b; b = b->before) tn_mem_disown(b);
    tn_mem_disown(a);
}

size_t tn_arena_bytes(const tn_arena *a) { return a->held; }
