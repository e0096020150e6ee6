/* memory.c - offsets from lifetimes: the largest buffer first, into the smallest gap that its contemporaries leave. */
#include "engine/memory.h"
#include "base/mem.h"
#include <stdlib.h>

static int larger_first(const void *a, const void *b) {
    const tn_lifetime *x = *(tn_lifetime *const *)a, *y = *(tn_lifetime *const *)b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return x < y ? -1 : x > y;
}

static bool together(const tn_lifetime *a, const tn_lifetime *b) { return a->first <= b->last && b->first <= a->last; }

/* The best offset for v among `placed`, which is sorted by offset. */
static size_t best_offset(const tn_lifetime *v, tn_lifetime *const *placed, int n) {
    size_t end = 0, best = SIZE_MAX, best_gap = SIZE_MAX;
    for (int i = 0; i < n; i++) {
        const tn_lifetime *p = placed[i];
        if (!together(v, p)) continue;
        if (p->offset > end) {
            size_t gap = p->offset - end;
            if (gap >= v->bytes && gap < best_gap) {
                best = end;
                best_gap = gap;
            }
        }
        if (p->offset + p->bytes > end) end = p->offset + p->bytes;
    }
    return best != SIZE_MAX ? best : end;
}

tn_status tn_memory_layout(tn_lifetime *v, int n, size_t *total) {
    *total = 0;
    if (n == 0) return TN_OK;
    tn_lifetime **order = tn_mem_alloc((size_t)n * 2 * sizeof *order, TN_MEM_GENERAL);
    if (!order) return tn_fail(TN_E_NOMEM, "no memory to plan %d buffers", n);
    tn_lifetime **placed = order + n;
    size_t sum = 0;
    tn_status st = TN_OK;
    for (int i = 0; i < n; i++) {
        order[i] = &v[i];
        if (v[i].bytes > SIZE_MAX / 4 || sum > SIZE_MAX / 4) {
            st = tn_fail(TN_E_LIMIT, "the activations do not fit the address space");
            goto done;
        }
        v[i].bytes = tn_align_up(v[i].bytes ? v[i].bytes : 1, TN_ARENA_ALIGN);
        sum += v[i].bytes;
    }
    qsort(order, (size_t)n, sizeof *order, larger_first);
    for (int i = 0; i < n; i++) {
        tn_lifetime *b = order[i];
        b->offset = best_offset(b, placed, i);
        int at = i;
        for (; at > 0 && placed[at - 1]->offset > b->offset; at--) placed[at] = placed[at - 1];
        placed[at] = b;
        if (b->offset + b->bytes > *total) *total = b->offset + b->bytes;
    }
done:
    tn_mem_free(order);
    return st;
}

size_t tn_memory_bound(const tn_lifetime *v, int n) {
    size_t most = 0;
    for (int i = 0; i < n; i++) { /* the most is reached at some buffer's first step */
        size_t now = 0;
        for (int k = 0; k < n; k++)
            if (v[k].first <= v[i].first && v[i].first <= v[k].last)
                now += tn_align_up(v[k].bytes ? v[k].bytes : 1, TN_ARENA_ALIGN);
        if (now > most) most = now;
    }
    return most;
}
