/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* memory.c - offsets from lifetimes: the largest buffer first, into the smallest gap that its contemporaries leave. */
#include "engine/memory.h"
#include "base/budget.h"
#include "base/mem.h"
#include "base/sort.h"

static int span(const tn_lifetime *x) { return x->last - x->first; }

/* Orders in which buffers are placed. None is best for all graphs: long chains with a few large buffers want those
 * first, nets with many skips want what lives long first. Each decides ties by time, so that the result is one. */
static int by_time(const tn_lifetime *x, const tn_lifetime *y) {
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return x < y ? -1 : x > y;
}

static int larger_first(const void *a, const void *b) {
    const tn_lifetime *x = *(tn_lifetime *const *)a, *y = *(tn_lifetime *const *)b;
    return x->bytes != y->bytes ? x->bytes < y->bytes ? 1 : -1 : by_time(x, y);
}

static int longer_first(const void *a, const void *b) {
    const tn_lifetime *x = *(tn_lifetime *const *)a, *y = *(tn_lifetime *const *)b;
    return span(x) != span(y) ? span(x) < span(y) ? 1 : -1 : larger_first(a, b);
}

static int larger_area_first(const void *a, const void *b) {
    const tn_lifetime *x = *(tn_lifetime *const *)a, *y = *(tn_lifetime *const *)b;
    double p = (double)x->bytes * (span(x) + 1), q = (double)y->bytes * (span(y) + 1);
    return p < q ? 1 : p > q ? -1 : by_time(x, y);
}

static int earlier_first(const void *a, const void *b) {
    const tn_lifetime *x = *(tn_lifetime *const *)a, *y = *(tn_lifetime *const *)b;
    return x->first != y->first ? x->first < y->first ? -1 : 1 : larger_first(a, b);
}

static int (*const orders[])(const void *, const void *) = { larger_first, larger_area_first, longer_first,
                                                             earlier_first };

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

/* Places all in that order; the block's size. */
static size_t lay_out(tn_lifetime **order, tn_lifetime **placed, int n, int (*by)(const void *, const void *)) {
    size_t total = 0;
    tn_ticks ticks = { 0 };
    tn_sort(order, (size_t)n, sizeof *order, by);
    for (int i = 0; i < n && !tn_ticks_stopped(&ticks, 4 * (uint64_t)i); i++) { /* stopped, nobody will use it */
        tn_lifetime *b = order[i];
        b->offset = best_offset(b, placed, i);
        int at = i;
        for (; at > 0 && placed[at - 1]->offset > b->offset; at--) placed[at] = placed[at - 1];
        placed[at] = b;
        if (b->offset + b->bytes > total) total = b->offset + b->bytes;
    }
    return total;
}

static tn_status round_up(tn_lifetime *v, int n) {
    size_t sum = 0;
    for (int i = 0; i < n; i++) {
        if (v[i].bytes > SIZE_MAX / 4 || sum > SIZE_MAX / 4)
            return tn_fail(TN_E_LIMIT, "the activations do not fit the address space");
        v[i].bytes = tn_align_up(v[i].bytes ? v[i].bytes : 1, TN_ARENA_ALIGN);
        sum += v[i].bytes;
    }
    return TN_OK;
}

tn_status tn_memory_layout(tn_lifetime *v, int n, size_t *total) {
    *total = 0;
    if (n == 0) return TN_OK;
    TN_TRY(round_up(v, n));
    tn_lifetime **order = tn_mem_alloc((size_t)n * 2 * sizeof *order, TN_MEM_GENERAL);
    if (!order) return tn_fail(TN_E_NOMEM, "no memory to plan %d buffers", n);
    for (int i = 0; i < n; i++) order[i] = &v[i];
    size_t bound = tn_memory_bound(v, n), least = SIZE_MAX, best = 0;
    for (size_t k = 0; k < TN_COUNT(orders) && least > bound; k++) {
        size_t now = lay_out(order, order + n, n, orders[k]);
        if (now < least) least = now, best = k;
        *total = now;
    }
    if (*total != least) *total = lay_out(order, order + n, n, orders[best]); /* the last was not the best */
    tn_mem_free(order);
    return TN_OK;
}

size_t tn_memory_bound(const tn_lifetime *v, int n) {
    size_t most = 0;
    tn_ticks ticks = { 0 };
    for (int i = 0; i < n && !tn_ticks_stopped(&ticks, 2 * (uint64_t)n);
         i++) { /* the most is reached at some buffer's first step */
        size_t now = 0;
        for (int k = 0; k < n; k++)
            if (v[k].first <= v[i].first && v[i].first <= v[k].last)
                now += tn_align_up(v[k].bytes ? v[k].bytes : 1, TN_ARENA_ALIGN);
        if (now > most) most = now;
    }
    return most;
}
