/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* sort.c - quicksort that finishes short runs by insertion and turns to a heap where the pivots were bad (Musser,
 * Introspective sorting and selection algorithms, Software: Practice and Experience 27(8), 1997). Elements only ever
 * change places, so that whenever it ends none is lost. */
#include "base/sort.h"
#include "base/budget.h"
#include <string.h>

enum { FEW = 16, COMPARE_UNITS = 16 };

typedef struct {
    size_t size;
    tn_order_with order;
    void *user;
    uint64_t units;
    tn_ticks ticks;
    bool stopped;
} sorting;

static char *at(const sorting *s, char *v, size_t i) { return v + i * s->size; }

static void swap(const sorting *s, char *a, char *b) {
    uint64_t x, y;
    size_t n = s->size;
    for (; n >= sizeof x; n -= sizeof x, a += sizeof x, b += sizeof x) {
        memcpy(&x, a, sizeof x), memcpy(&y, b, sizeof y);
        memcpy(a, &y, sizeof y), memcpy(b, &x, sizeof x);
    }
    for (; n; n--, a++, b++) {
        char t = *a;
        *a = *b, *b = t;
    }
}

/* Must a stand before b? Nothing must once the sort is stopped, which ends all loops. */
static bool before(sorting *s, const char *a, const char *b) {
    if (tn_ticks_stopped(&s->ticks, s->units)) s->stopped = true;
    return !s->stopped && s->order(a, b, s->user) < 0;
}

static void insert_all(sorting *s, char *v, size_t n) {
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k && before(s, at(s, v, k), at(s, v, k - 1)); k--) swap(s, at(s, v, k), at(s, v, k - 1));
}

/* ------------------------------------------------------------------------------------------------------------ heap */

/* Lets element i sink below those that belong behind it, in a heap of n. */
static void sink(sorting *s, char *v, size_t n, size_t i) {
    for (size_t k; (k = 2 * i + 1) < n; i = k) {
        if (k + 1 < n && before(s, at(s, v, k), at(s, v, k + 1))) k++;
        if (!before(s, at(s, v, i), at(s, v, k))) return;
        swap(s, at(s, v, i), at(s, v, k));
    }
}

static void heap_sort(sorting *s, char *v, size_t n) {
    for (size_t i = n / 2; i-- && !s->stopped;) sink(s, v, n, i);
    for (size_t left = n; left > 1 && !s->stopped; left--) {
        swap(s, v, at(s, v, left - 1));
        sink(s, v, left - 1, 0);
    }
}

/* ------------------------------------------------------------------------------------------------------- quicksort */

static char *middle(sorting *s, char *a, char *b, char *c) {
    if (before(s, b, a)) {
        char *t = a;
        a = b, b = t;
    }
    return before(s, c, a) ? a : before(s, c, b) ? c : b;
}

/* The median of three, of many the median of three medians. */
static char *pivot(sorting *s, char *v, size_t n) {
    char *a = v, *b = at(s, v, n / 2), *c = at(s, v, n - 1);
    if (n >= 8 * FEW) {
        size_t e = n / 8 * s->size;
        a = middle(s, a, a + e, a + 2 * e), b = middle(s, b - e, b, b + e), c = middle(s, c - 2 * e, c - e, c);
    }
    return middle(s, a, b, c);
}

/* Where the pivot ends: nothing before it belongs behind it, nothing behind it before. Both sides stop at equals, so
 * that many of them are shared out. */
static size_t part(sorting *s, char *v, size_t n) {
    swap(s, v, pivot(s, v, n));
    size_t i = 0, k = n;
    for (;;) {
        while (++i < n && before(s, at(s, v, i), v)) {}
        while (--k > 0 && before(s, v, at(s, v, k))) {}
        if (i >= k) break;
        swap(s, at(s, v, i), at(s, v, k));
        if (s->stopped) return 0;
    }
    swap(s, v, at(s, v, k));
    return k;
}

/* The shorter side first, so that the depth is log n; `bad`: so many halvings may fail before it is the heap's turn. */
static void sort(sorting *s, char *v, size_t n, int bad) {
    while (n > FEW && !s->stopped) {
        if (!bad--) {
            heap_sort(s, v, n);
            return;
        }
        size_t k = part(s, v, n), behind = n - k - 1;
        char *rest = at(s, v, k + 1);
        if (k < behind) {
            sort(s, v, k, bad);
            v = rest, n = behind;
        } else {
            sort(s, rest, behind, bad);
            n = k;
        }
    }
    if (!s->stopped) insert_all(s, v, n);
}

void tn_sort_with(void *v, size_t n, size_t size, tn_order_with order, void *user, uint64_t units) {
    sorting s = { .size = size, .order = order, .user = user, .units = units };
    int bad = 0;
    for (size_t m = n; m; m /= 2) bad += 2;
    if (n > 1) sort(&s, v, n, bad);
}

static int without(const void *a, const void *b, void *order) { return (*(tn_order *)order)(a, b); }

void tn_sort(void *v, size_t n, size_t size, tn_order order) {
    tn_sort_with(v, n, size, without, &order, COMPARE_UNITS);
}
