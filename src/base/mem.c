/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* mem.c - counted heap memory. A 64-byte header before every block remembers its size, tag and account.
 *
 * Big blocks come straight from mmap on a huge-page boundary: they are zero for free, go back to the system when
 * released, and a transparent huge page costs one fault instead of 512. Under AddressSanitizer all blocks come from
 * malloc, so that it sees their ends. */
#include "base/mem.h"
#include "base/asan.h"
#include "base/budget.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGN      64
#define HUGE_PAGE  ((size_t)2 << 20)
#define BIG_BLOCK  ((size_t)4 << 20)
#define MAX_BLOCK  (SIZE_MAX >> 2)
#define BLOCK_MARK 0x6e6f6e65546d656dull

typedef struct {
    _Alignas(ALIGN) size_t bytes;
    size_t mapped; /* length of the mapping, 0: from the C heap */
    uint64_t mark;
    tn_account *account; /* NULL: nobody's */
    tn_mem_tag tag;
} header;

_Static_assert(sizeof(header) == ALIGN, "the header keeps the block aligned");

typedef struct {
    _Alignas(ALIGN) atomic_size_t now;
    atomic_size_t peak, count;
} counter;

static counter counters[TN_MEM_TAG_COUNT + 1]; /* the last one counts all */
static atomic_uint fail_every, fail_tick;
static atomic_ulong fail_in; /* allocations until the one that fails; 0: none */

static const char *const tag_names[TN_MEM_TAG_COUNT] = {
#define X(id, name) [TN_MEM_##id] = name,
    TN_MEM_TAGS(X)
#undef X
};

static void count_up(counter *c, size_t bytes) {
    size_t now = atomic_fetch_add_explicit(&c->now, bytes, memory_order_relaxed) + bytes;
    atomic_fetch_add_explicit(&c->count, 1, memory_order_relaxed);
    size_t peak = atomic_load_explicit(&c->peak, memory_order_relaxed);
    while (now > peak &&
           !atomic_compare_exchange_weak_explicit(&c->peak, &peak, now, memory_order_relaxed, memory_order_relaxed)) {}
}

static bool must_fail(void) {
    unsigned long left = atomic_load_explicit(&fail_in, memory_order_relaxed);
    while (left && !atomic_compare_exchange_weak_explicit(&fail_in, &left, left - 1, memory_order_relaxed,
                                                          memory_order_relaxed)) {}
    if (left == 1) return true;
    unsigned every = atomic_load_explicit(&fail_every, memory_order_relaxed);
    return every && (atomic_fetch_add_explicit(&fail_tick, 1, memory_order_relaxed) + 1) % every == 0;
}

/* ------------------------------------------------------------------------------------------------------ accounts */

struct tn_account {
    _Alignas(ALIGN) atomic_size_t used;
    atomic_size_t peak, refs; /* its owner and its blocks */
    size_t limit;
};

tn_account *tn_account_new(size_t limit) {
    void *p = NULL;
    if (must_fail() || posix_memalign(&p, ALIGN, sizeof(tn_account)) != 0) return NULL;
    tn_account *a = memset(p, 0, sizeof *a);
    a->limit = limit;
    atomic_store(&a->refs, 1);
    return a;
}

static void unref(tn_account *a) {
    if (atomic_fetch_sub(&a->refs, 1) == 1) free(a);
}

void tn_account_close(tn_account **a) {
    if (*a) unref(*a);
    *a = NULL;
}

size_t tn_account_used(const tn_account *a) { return a ? atomic_load(&a->used) : 0; }
size_t tn_account_peak(const tn_account *a) { return a ? atomic_load(&a->peak) : 0; }
size_t tn_account_limit(const tn_account *a) { return a ? a->limit : 0; }

void tn_account_discharge(tn_account *a, size_t bytes) {
    if (!a) return;
    atomic_fetch_sub_explicit(&a->used, bytes, memory_order_relaxed);
    unref(a);
}

/* The thread's account, charged; NULL when there is none. false: it may not hold so much. */
bool tn_account_charge(size_t bytes, tn_account **to) {
    tn_budget *b = tn_budget_now();
    tn_account *a = b ? b->account : NULL;
    *to = NULL;
    if (!a) return true;
    size_t now = atomic_fetch_add_explicit(&a->used, bytes, memory_order_relaxed) + bytes;
    if (a->limit && now > a->limit) {
        atomic_fetch_sub_explicit(&a->used, bytes, memory_order_relaxed);
        atomic_store_explicit(&b->held, now - bytes, memory_order_relaxed);
        atomic_store_explicit(&b->refused, bytes, memory_order_relaxed);
        return false;
    }
    atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
    *to = a;
    size_t peak = atomic_load_explicit(&a->peak, memory_order_relaxed);
    while (now > peak &&
           !atomic_compare_exchange_weak_explicit(&a->peak, &peak, now, memory_order_relaxed, memory_order_relaxed)) {}
    return true;
}

static size_t whole(size_t bytes) { return tn_align_up(bytes, ALIGN) + ALIGN; }

void tn_mem_disown(void *p) {
    tn_budget *b = tn_budget_now();
    tn_account *a = b ? b->account : NULL;
    if (!p || !a) return;
    header *h = (header *)p - 1;
    /* Two threads may hand out one shared block: one of them takes it off. */
    if (__atomic_compare_exchange_n(&h->account, &a, NULL, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        tn_account_discharge(b->account, whole(h->bytes));
}

bool tn_mem_adopt(void *p) {
    header *h = (header *)p - 1;
    return h->account || tn_account_charge(whole(h->bytes), &h->account);
}

/* ------------------------------------------------------------------------------------------------------- blocks */

/* Maps `total` bytes whose start lies on a huge page; the slack before and behind is given back. */
static void *map_big(size_t total, size_t *mapped) {
    size_t want = total + HUGE_PAGE;
    char *raw = mmap(NULL, want, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) return NULL;
    char *start = (char *)tn_align_up((size_t)(uintptr_t)raw, HUGE_PAGE);
    size_t length = tn_align_up(total, 4096);
    if (start > raw) munmap(raw, (size_t)(start - raw));
    if (start + length < raw + want) munmap(start + length, (size_t)(raw + want - (start + length)));
#ifdef MADV_HUGEPAGE
    madvise(start, length, MADV_HUGEPAGE);
#endif
    *mapped = length;
    return start;
}

static void *allocate(size_t bytes, tn_mem_tag tag, bool zero) {
    if (bytes > MAX_BLOCK || must_fail()) return NULL;
    size_t total = whole(bytes), mapped = 0;
    tn_account *account;
    header *h;
    if (!tn_account_charge(total, &account)) return NULL;
    if (bytes >= BIG_BLOCK && !TN_ASAN) {
        h = map_big(total, &mapped);
    } else {
        /* Under the sanitizer the exact size, so that one byte beyond the end is seen. */
        void *p = NULL;
        h = posix_memalign(&p, ALIGN, TN_ASAN ? bytes + ALIGN : total) == 0 ? p : NULL;
        if (h && zero) memset(h + 1, 0, bytes);
    }
    if (!h) return tn_account_discharge(account, total), NULL;
    h->bytes = bytes;
    h->mapped = mapped;
    h->account = account;
    h->mark = BLOCK_MARK;
    h->tag = tag;
    count_up(&counters[tag], bytes);
    count_up(&counters[TN_MEM_TAG_COUNT], bytes);
    return h + 1;
}

void *tn_mem_alloc(size_t bytes, tn_mem_tag tag) { return allocate(bytes, tag, false); }
void *tn_mem_zalloc(size_t bytes, tn_mem_tag tag) { return allocate(bytes, tag, true); }

void tn_mem_free(void *p) {
    if (!p) return;
    header *h = (header *)p - 1;
    if (h->mark != BLOCK_MARK) abort(); /* not from here, freed twice, or overrun from the left */
    h->mark = 0;
    tn_account_discharge(h->account, whole(h->bytes));
    atomic_fetch_sub_explicit(&counters[h->tag].now, h->bytes, memory_order_relaxed);
    atomic_fetch_sub_explicit(&counters[TN_MEM_TAG_COUNT].now, h->bytes, memory_order_relaxed);
    if (h->mapped)
        munmap(h, h->mapped);
    else
        free(h);
}

static tn_mem_stats read_counter(counter *c) {
    return (tn_mem_stats){ .now = atomic_load_explicit(&c->now, memory_order_relaxed),
                           .peak = atomic_load_explicit(&c->peak, memory_order_relaxed),
                           .count = atomic_load_explicit(&c->count, memory_order_relaxed) };
}

tn_mem_stats tn_mem_stats_of(tn_mem_tag tag) { return read_counter(&counters[tag]); }
tn_mem_stats tn_mem_stats_all(void) { return read_counter(&counters[TN_MEM_TAG_COUNT]); }
const char *tn_mem_tag_name(tn_mem_tag tag) { return (unsigned)tag < TN_MEM_TAG_COUNT ? tag_names[tag] : "unknown"; }

void tn_mem_reset_peak(void) {
    for (int i = 0; i <= TN_MEM_TAG_COUNT; i++)
        atomic_store_explicit(&counters[i].peak, atomic_load_explicit(&counters[i].now, memory_order_relaxed),
                              memory_order_relaxed);
}

void tn_mem_fail_once(unsigned long n) { atomic_store(&fail_in, n); }
bool tn_mem_failed_once(void) { return !atomic_load(&fail_in); }

void tn_mem_fail_every(unsigned n) {
    atomic_store(&fail_tick, 0);
    atomic_store(&fail_every, n);
}
