/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* map.c - open addressing with linear probing; removal shifts the followers back, so there are no tombstones. */
#include "base/map.h"
#include "base/mem.h"
#include <stdatomic.h>
#include <sys/random.h>

typedef struct {
    const char *key;
    void *value; /* NULL: the slot is free */
    size_t len;
    uint64_t hash;
} slot;

struct tn_map {
    slot *slots;
    size_t mask, count; /* mask: number of slots (a power of two) - 1 */
};

/* Names come from files: with a secret in the hash nobody can choose them so that all fall into one place. */
static uint64_t secret(void) {
    static _Atomic uint64_t chosen;
    uint64_t v = atomic_load_explicit(&chosen, memory_order_relaxed), none = 0;
    if (v) return v;
    if (getrandom(&v, sizeof v, GRND_NONBLOCK) != (ssize_t)sizeof v) v = (uintptr_t)&v ^ (uintptr_t)&chosen;
    v |= 1;
    return atomic_compare_exchange_strong(&chosen, &none, v) ? v : none;
}

static uint64_t hash_of(const char *key, size_t len) {
    uint64_t h = 0xcbf29ce484222325u ^ secret();
    for (size_t i = 0; i < len; i++) h = (h ^ (uint8_t)key[i]) * 0x100000001b3u;
    h ^= h >> 32; /* FNV's low bits are weak, and the table uses just those */
    h *= 0x9e3779b97f4a7c15u;
    return h ^ (h >> 29);
}

static slot *slots_new(size_t n) {
    size_t bytes;
    return tn_mul_size(n, sizeof(slot), &bytes) ? tn_mem_zalloc(bytes, TN_MEM_GENERAL) : NULL;
}

tn_map *tn_map_new(size_t expected) {
    size_t n = 8;
    while (n / 4 * 3 < expected && n < SIZE_MAX / 128) n *= 2;
    tn_map *m = tn_mem_zalloc(sizeof *m, TN_MEM_GENERAL);
    if (!m || !(m->slots = slots_new(n))) {
        tn_mem_free(m);
        return NULL;
    }
    m->mask = n - 1;
    return m;
}

void tn_map_free(tn_map **m) {
    if (!m || !*m) return;
    tn_mem_free((*m)->slots);
    tn_mem_free(*m);
    *m = NULL;
}

size_t tn_map_count(const tn_map *m) { return m->count; }

/* The key's slot, or the free one where it belongs. */
static slot *find(const tn_map *m, const char *key, size_t len, uint64_t hash) {
    size_t i = hash & m->mask;
    for (;; i = (i + 1) & m->mask) {
        slot *s = &m->slots[i];
        if (!s->value || (s->hash == hash && s->len == len && (!len || !memcmp(s->key, key, len)))) return s;
    }
}

void *tn_map_get(const tn_map *m, const char *key, size_t len) { return find(m, key, len, hash_of(key, len))->value; }

static bool grow(tn_map *m) {
    tn_map bigger = { .mask = m->mask * 2 + 1, .count = m->count };
    if (!(bigger.slots = slots_new(bigger.mask + 1))) return false;
    for (size_t i = 0; i <= m->mask; i++)
        if (m->slots[i].value) *find(&bigger, m->slots[i].key, m->slots[i].len, m->slots[i].hash) = m->slots[i];
    tn_mem_free(m->slots);
    *m = bigger;
    return true;
}

tn_status tn_map_put(tn_map *m, const char *key, size_t len, void *value) {
    uint64_t hash = hash_of(key, len);
    slot *s = find(m, key, len, hash);
    if (!s->value) {
        if (m->count + 1 > (m->mask + 1) / 4 * 3) {
            if (!grow(m)) return tn_fail(TN_E_NOMEM, "out of memory for a map of %zu entries", m->count);
            s = find(m, key, len, hash);
        }
        m->count++;
        *s = (slot){ .key = key, .len = len, .hash = hash };
    }
    s->value = value;
    return TN_OK;
}

void *tn_map_remove(tn_map *m, const char *key, size_t len) {
    slot *s = find(m, key, len, hash_of(key, len));
    void *value = s->value;
    if (!value) return NULL;
    m->count--;
    /* Whoever follows without a gap moves back, unless its home lies behind the hole. */
    size_t hole = (size_t)(s - m->slots), i = hole;
    while (m->slots[i = (i + 1) & m->mask].value) {
        size_t home = m->slots[i].hash & m->mask;
        if (((i - home) & m->mask) < ((i - hole) & m->mask)) continue;
        m->slots[hole] = m->slots[i];
        hole = i;
    }
    m->slots[hole] = (slot){ 0 };
    return value;
}

void tn_map_each(const tn_map *m, void (*fn)(void *user, const char *key, size_t len, void *value), void *user) {
    for (size_t i = 0; i <= m->mask; i++)
        if (m->slots[i].value) fn(user, m->slots[i].key, m->slots[i].len, m->slots[i].value);
}
