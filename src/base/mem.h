/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* mem.h - counted heap memory: what `inspect` predicts can be compared with what a run really took.
 *
 * Every allocation of the library goes through here under a tag. Counters are process-wide and exact. Blocks are also
 * charged to the account of the thread's budget, whose limit makes allocations fail. Tests can make them fail, too. */
#ifndef TN_BASE_MEM_H
#define TN_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_MEM_TAGS(X)            \
    X(GENERAL, "general")         \
    X(GRAPH, "graph")             \
    X(WEIGHTS, "weights")         \
    X(ACTIVATIONS, "activations") \
    X(SCRATCH, "scratch")         \
    X(IO, "inputs and outputs")

typedef enum {
#define X(id, name) TN_MEM_##id,
    TN_MEM_TAGS(X)
#undef X
        TN_MEM_TAG_COUNT
} tn_mem_tag;

/** `bytes` bytes aligned to 64, not zeroed; NULL when out of memory or beyond the thread's budget (bytes == 0 is served
 * with a unique pointer). Large blocks (>= 4 MiB) ask for transparent huge pages. Release with tn_mem_free only. */
void *tn_mem_alloc(size_t bytes, tn_mem_tag tag);
void *tn_mem_zalloc(size_t bytes, tn_mem_tag tag);
void tn_mem_free(void *p); /* NULL is fine */

/** An account: what may be held of blocks charged to it (base/budget.h says which). Bytes are those the block really
 *  takes: its own, rounded up, and the header. It lives until it is closed and its last block is freed. */
typedef struct tn_account tn_account;
tn_account *tn_account_new(size_t limit); /* 0: none; NULL when out of memory */
void tn_account_close(tn_account **a);    /* NULL is fine */
size_t tn_account_used(const tn_account *a);
size_t tn_account_peak(const tn_account *a); /* most that it ever was */
size_t tn_account_limit(const tn_account *a);
/** Charges the account of the thread's budget with bytes that no block of its own stands for: a share in what several
 *  hold. false: it may not hold so much. *to is that account (NULL: there is none), for tn_account_discharge. */
bool tn_account_charge(size_t bytes, tn_account **to);
void tn_account_discharge(tn_account *a, size_t bytes); /* NULL is fine */

/** Takes a block off the account of the thread's budget, if it is charged there: somebody else owns it from now on. */
void tn_mem_disown(void *p); /* NULL is fine */
/** Charges a block that is on no account to the thread's budget. false: that has not so much left. */
bool tn_mem_adopt(void *p);

typedef struct {
    size_t now, peak, count; /* bytes now, most bytes ever since the last reset, allocations made */
} tn_mem_stats;

tn_mem_stats tn_mem_stats_of(tn_mem_tag tag);
tn_mem_stats tn_mem_stats_all(void);
const char *tn_mem_tag_name(tn_mem_tag tag);
void tn_mem_reset_peak(void); /* peak = now, for all tags */

/** For tests: every n-th allocation fails from now on; 0 switches it off. */
void tn_mem_fail_every(unsigned n);
/** For tests: the n-th allocation from now on fails, and no other; 0 switches it off. tn_mem_failed_once: it was come
 *  to (or switched off). */
void tn_mem_fail_once(unsigned long n);
bool tn_mem_failed_once(void);

/** *out = a * b (bytes); false on overflow. */
static inline int tn_mul_size(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }
static inline size_t tn_align_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

#endif
