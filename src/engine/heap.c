/* heap.c - recycled buffers by size class: four classes per power of two, so at most a fifth is wasted. Never more lies
 * idle than was once in use. */
#include "engine/heap.h"
#include "base/guard.h"
#include <pthread.h>

#define SMALL   4096 /* below it the C heap is as good */
#define CLASSES 256

typedef struct idle {
    struct idle *next;
} idle;

struct tn_heap {
    pthread_mutex_t lock;
    tn_guard guard;
    idle *lists[CLASSES];
    size_t used, kept, most; /* bytes alive, bytes idle, most bytes ever alive */
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

static void release(tn_buffer *b) {
    tn_heap *h = b->user;
    size_t size;
    int c = class_of(b->bytes, &size);
    pthread_mutex_lock(&h->lock);
    bool keep = !h->closed && h->kept + size <= h->most, last = h->alive == 1 && h->closed;
    if (keep) {
        idle *i = b->data;
        i->next = h->lists[c];
        h->lists[c] = i;
        h->kept += size;
    }
    h->used -= size;
    h->alive--;
    pthread_mutex_unlock(&h->lock);
    if (!keep) tn_mem_free(b->data);
    if (last) destroy(h);
}

tn_buffer *tn_heap_buffer(tn_heap *h, size_t bytes) {
    if (bytes <= SMALL || bytes > SIZE_MAX / 2) return tn_buffer_new(bytes, h->tag);
    size_t size;
    int c = class_of(bytes, &size);
    tn_buffer *b = tn_mem_zalloc(sizeof *b, h->tag);
    if (!b) return NULL;
    pthread_mutex_lock(&h->lock);
    if (h->lists[c]) {
        b->data = h->lists[c];
        h->lists[c] = h->lists[c]->next;
        h->kept -= size;
    }
    h->used += size;
    h->alive++;
    if (h->used > h->most) h->most = h->used;
    pthread_mutex_unlock(&h->lock);
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

size_t tn_heap_used(tn_heap *h) {
    pthread_mutex_lock(&h->lock);
    size_t used = h->used;
    pthread_mutex_unlock(&h->lock);
    return used;
}

/* Under the lock. */
static void free_idle(tn_heap *h) {
    for (int c = 0; c < CLASSES; c++)
        for (idle *i; (i = h->lists[c]);) {
            h->lists[c] = i->next;
            tn_mem_free(i);
        }
    h->kept = 0;
}

void tn_heap_trim(tn_heap *h) {
    pthread_mutex_lock(&h->lock);
    free_idle(h);
    pthread_mutex_unlock(&h->lock);
}

void tn_heap_close(tn_heap **heap) {
    tn_heap *h = *heap;
    *heap = NULL;
    if (!h) return;
    pthread_mutex_lock(&h->lock);
    h->closed = true;
    free_idle(h);
    bool last = h->alive == 0;
    pthread_mutex_unlock(&h->lock);
    if (last) destroy(h);
}
