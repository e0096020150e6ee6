/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* heap.c - recycled buffers by size class: four classes per power of two, so at most a fifth is wasted. Fresh memory is
 * taken only as long as no more is held, in use and idle, than was once in use: before that, what was idle longest
 * goes. So when shapes change from run to run, yesterday's classes make room for today's, whose pages are then mostly
 * theirs. */
#include "engine/heap.h"
#include "base/guard.h"
#include <pthread.h>

#define SMALL   4096 /* below it the C heap is as good */
#define CLASSES 256

/* Lies in the idle buffer itself. */
typedef struct idle {
    struct idle *next;          /* of its class */
    struct idle *newer, *older; /* of all */
    size_t size;
    int class;
} idle;

struct tn_heap {
    pthread_mutex_t lock;
    tn_guard guard;
    idle *lists[CLASSES];
    idle *newest, *oldest;
    size_t used, kept, most; /* bytes alive, bytes idle, most bytes alive since the last trim */
    size_t alive;            /* buffers */
    tn_mem_tag tag;          /* what the memory is counted as */
    bool closed;
};

/* The class of a size above SMALL, and that class's size. */
static int class_of(size_t bytes, size_t *size) {
    int log = 63 - __builtin_clzll((unsigned long long)(bytes - 1));
    size_t step = (size_t)1 << (log - 2);
    *size = tn_align_up(bytes, step);
    return log * 4 + (int)((*size - ((size_t)1 << log)) / step) - 1;
}

tn_heap *tn_heap_new(tn_mem_tag tag) {
    tn_heap *h = tn_mem_zalloc(sizeof *h, TN_MEM_GENERAL);
    if (!h) return NULL;
    h->tag = tag;
    pthread_mutex_init(&h->lock, NULL);
    tn_guard_add(&h->guard, &h->lock, TN_GUARD_LEAF);
    return h;
}

static void destroy(tn_heap *h) {
    tn_guard_remove(&h->guard);
    pthread_mutex_destroy(&h->lock);
    tn_mem_free(h);
}

/* ------------------------------------------------------------------------------------------------- what lies idle */

static void lay_down(tn_heap *h, void *data, int class, size_t size) {
    idle *i = data;
    *i = (idle){ .next = h->lists[class], .older = h->newest, .size = size, .class = class };
    h->lists[class] = i;
    if (h->newest)
        h->newest->newer = i;
    else
        h->oldest = i;
    h->newest = i;
    h->kept += size;
}

static void pick_up(tn_heap *h, idle *i) {
    idle **at = &h->lists[i->class];
    while (*at != i) at = &(*at)->next; /* the one that is wanted is first; the oldest one last */
    *at = i->next;
    if (i->newer)
        i->newer->older = i->older;
    else
        h->newest = i->older;
    if (i->older)
        i->older->newer = i->newer;
    else
        h->oldest = i->newer;
    h->kept -= i->size;
}

/* Takes out the oldest until no more than `limit` idle bytes are left; a list by `next` for free_all. */
static idle *evict(tn_heap *h, size_t limit) {
    idle *out = NULL;
    while (h->oldest && h->kept > limit) {
        idle *i = h->oldest;
        pick_up(h, i);
        i->next = out;
        out = i;
    }
    return out;
}

/* Not under the lock: unmapping takes time. */
static size_t free_all(idle *i) {
    size_t bytes = 0;
    for (idle *next; i; i = next) {
        next = i->next;
        bytes += i->size;
        tn_mem_free(i);
    }
    return bytes;
}

/* -------------------------------------------------------------------------------------------------------- buffers */

static void release(tn_buffer *b) {
    tn_heap *h = b->user;
    size_t size;
    int c = class_of(b->bytes, &size);
    pthread_mutex_lock(&h->lock);
    lay_down(h, b->data, c, size);
    h->used -= size;
    h->alive--;
    idle *out = evict(h, h->closed ? 0 : h->most);
    bool last = h->alive == 0 && h->closed;
    pthread_mutex_unlock(&h->lock);
    free_all(out);
    if (last) destroy(h);
}

tn_buffer *tn_heap_buffer(tn_heap *h, size_t bytes) {
    if (bytes <= SMALL || bytes > SIZE_MAX / 2) return tn_buffer_new(bytes, h->tag);
    size_t size;
    int c = class_of(bytes, &size);
    tn_buffer *b = tn_mem_zalloc(sizeof *b, h->tag);
    idle *out = NULL;
    if (!b) return NULL;
    pthread_mutex_lock(&h->lock);
    if (h->lists[c]) {
        b->data = h->lists[c];
        pick_up(h, b->data);
    }
    h->used += size;
    h->alive++;
    if (h->used > h->most) h->most = h->used;
    if (!b->data) out = evict(h, h->most - h->used);
    pthread_mutex_unlock(&h->lock);
    free_all(out);
    *b = (tn_buffer){ .refs = 1, .data = b->data, .bytes = bytes, .release = release, .user = h };
    if (b->data ? !tn_mem_adopt(b->data) : !(b->data = tn_mem_alloc(size, h->tag))) {
        tn_mem_free(b->data);
        pthread_mutex_lock(&h->lock);
        h->used -= size;
        h->alive--;
        pthread_mutex_unlock(&h->lock);
        tn_mem_free(b);
        return NULL;
    }
    return b;
}

size_t tn_heap_idle(tn_heap *h) {
    pthread_mutex_lock(&h->lock);
    size_t kept = h->kept;
    pthread_mutex_unlock(&h->lock);
    return kept;
}

size_t tn_heap_trim(tn_heap *h) {
    pthread_mutex_lock(&h->lock);
    idle *out = evict(h, 0);
    h->most = h->used;
    pthread_mutex_unlock(&h->lock);
    return free_all(out);
}

void tn_heap_close(tn_heap **heap) {
    tn_heap *h = *heap;
    *heap = NULL;
    if (!h) return;
    pthread_mutex_lock(&h->lock);
    h->closed = true;
    idle *out = evict(h, 0);
    bool last = h->alive == 0;
    pthread_mutex_unlock(&h->lock);
    free_all(out);
    if (last) destroy(h);
}
