/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state_pool.c - a bound on the bytes of caches' blocks. Blocks count as long as somebody has them, states or a run; so
 * they hold the pool, too. */
#include "engine/state.h"

struct tn_state_pool {
    atomic_int holders;
    atomic_ullong used, most, blocks;
    uint64_t bytes;
};

tn_state_pool *tn_state_pool_hold(tn_state_pool *p) {
    if (p) atomic_fetch_add(&p->holders, 1);
    return p;
}

void tn_state_pool_free(tn_state_pool **pool) {
    tn_state_pool *p = pool ? *pool : NULL;
    if (!p) return;
    *pool = NULL;
    if (atomic_fetch_sub(&p->holders, 1) == 1) tn_mem_free(p);
}

tn_status tn_state_pool_new(uint64_t bytes, tn_state_pool **out) {
    if (!out) return tn_fail(TN_E_INVALID, "a NULL argument");
    *out = NULL;
    if (!bytes) return tn_fail(TN_E_INVALID, "a pool of 0 bytes has no block");
    tn_state_pool *p = tn_mem_zalloc(sizeof *p, TN_MEM_GENERAL);
    if (!p) return tn_fail(TN_E_NOMEM, "no memory for a pool of states");
    p->bytes = bytes;
    atomic_store(&p->holders, 1);
    *out = p;
    return TN_OK;
}

tn_status tn_state_pool_describe(const tn_state_pool *pool, tn_state_pool_info *out) {
    tn_state_pool *p = (tn_state_pool *)(uintptr_t)pool; /* atomics are read through what is not const */
    if (!p || !out) return tn_fail(TN_E_INVALID, "a NULL argument");
    *out = (tn_state_pool_info){ .bytes = p->bytes,
                                 .used = atomic_load(&p->used),
                                 .most = atomic_load(&p->most),
                                 .blocks = atomic_load(&p->blocks) };
    return TN_OK;
}

static bool take(tn_state_pool *p, uint64_t bytes) {
    unsigned long long used = atomic_load(&p->used), most = atomic_load(&p->most);
    do
        if (bytes > p->bytes || used > p->bytes - bytes) return false;
    while (!atomic_compare_exchange_weak(&p->used, &used, used + bytes));
    while (most < used + bytes && !atomic_compare_exchange_weak(&p->most, &most, used + bytes)) {}
    atomic_fetch_add(&p->blocks, 1);
    return true;
}

static void give_back(tn_buffer *b) {
    tn_state_pool *p = b->user;
    atomic_fetch_sub(&p->used, b->bytes);
    atomic_fetch_sub(&p->blocks, 1);
    tn_mem_free(b->data);
    tn_state_pool_free(&p);
}

tn_status tn_state_pool_charge(tn_state_pool *p, tn_buffer *b, const char *name) {
    if (!take(p, b->bytes))
        return tn_fail(TN_E_LIMIT,
                       "no block of %zu bytes is left for '%s': %llu of the %llu bytes of its pool (tn_state_pool_new) "
                       "are in use; free or rewind states, or make the pool larger",
                       b->bytes, name, (unsigned long long)atomic_load(&p->used), (unsigned long long)p->bytes);
    b->user = tn_state_pool_hold(p);
    b->release = give_back;
    return TN_OK;
}
