/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* rune_set.c - sets of code points as sorted ranges. */
#include "base/regex_tree.h"
#include "base/sort.h"
#include "base/unicode.h"
#include <string.h>

void tn_rune_set_add(tn_rune_set *s, uint32_t first, uint32_t last) {
    if (s->n && s->v[s->n - 1].last + 1 == first && s->v[s->n - 1].first <= first) { /* the common case of a run */
        s->v[s->n - 1].last = last;
        return;
    }
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 8;
        tn_rune_range *v = tn_arena_array(s->arena, tn_rune_range, cap);
        if (!v) {
            s->failed = true;
            return;
        }
        if (s->n) memcpy(v, s->v, s->n * sizeof *v);
        s->v = v;
        s->cap = cap;
    }
    s->v[s->n++] = (tn_rune_range){ first, last };
}

static int by_first(const void *a, const void *b) {
    uint32_t x = ((const tn_rune_range *)a)->first, y = ((const tn_rune_range *)b)->first;
    return x < y ? -1 : x > y;
}

void tn_rune_set_finish(tn_rune_set *s) {
    size_t n = 0;
    if (s->n) tn_sort(s->v, s->n, sizeof *s->v, by_first);
    for (size_t i = 0; i < s->n; i++) {
        if (n && s->v[i].first <= s->v[n - 1].last + 1) {
            if (s->v[i].last > s->v[n - 1].last) s->v[n - 1].last = s->v[i].last;
        } else {
            s->v[n++] = s->v[i];
        }
    }
    s->n = n;
    s->ascii[0] = s->ascii[1] = 0;
    for (size_t i = 0; i < n; i++)
        for (uint32_t c = s->v[i].first; c <= s->v[i].last && c < 128; c++) s->ascii[c / 64] |= UINT64_C(1) << c % 64;
}

void tn_rune_set_negate(tn_rune_set *s) {
    tn_rune_set_finish(s);
    tn_rune_set old = *s;
    uint32_t from = 0;
    s->v = NULL;
    s->n = s->cap = 0;
    for (size_t i = 0; i < old.n; i++) {
        if (old.v[i].first > from) tn_rune_set_add(s, from, old.v[i].first - 1);
        from = old.v[i].last + 1;
    }
    if (from <= TN_RUNE_MAX) tn_rune_set_add(s, from, TN_RUNE_MAX);
    tn_rune_set_finish(s);
}

bool tn_rune_set_has(const tn_rune_set *s, uint32_t c) {
    if (c < 128) return s->ascii[c / 64] >> c % 64 & 1;
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (s->v[mid].last < c)
            low = mid + 1;
        else
            high = mid;
    }
    return low < s->n && s->v[low].first <= c;
}

typedef struct {
    const tn_rune_set *have;
    tn_rune_set *add;
} fold_job;

static void add_folded(void *user, uint32_t c, uint32_t folded) {
    fold_job *j = user;
    if (tn_rune_set_has(j->have, c)) tn_rune_set_add(j->add, folded, folded);
}

static void add_unfolded(void *user, uint32_t c, uint32_t folded) {
    fold_job *j = user;
    if (tn_rune_set_has(j->have, folded)) tn_rune_set_add(j->add, c, c);
}

/* ASCII letters have two partners outside ASCII: the long s and the Kelvin sign. */
static void fold_ascii(tn_rune_set *s) {
    for (uint32_t c = 'a'; c <= 'z'; c++) {
        bool here = tn_rune_set_has(s, c) || tn_rune_set_has(s, c - 32);
        if (!here) continue;
        tn_rune_set_add(s, c, c);
        tn_rune_set_add(s, c - 32, c - 32);
        if (c == 's') tn_rune_set_add(s, 0x17f, 0x17f);
        if (c == 'k') tn_rune_set_add(s, 0x212a, 0x212a);
    }
    tn_rune_set_finish(s);
}

/* First the representatives of what is there, then everything that has one of these. */
void tn_rune_set_fold(tn_rune_set *s) {
    tn_rune_set_finish(s);
    if (!s->n || s->v[s->n - 1].last < 128) {
        fold_ascii(s);
        return;
    }
    for (int round = 0; round < 2; round++) {
        tn_rune_set_finish(s);
        tn_rune_set have = *s;
        tn_rune_set more = { .arena = s->arena };
        tn_unicode_each_folded(round ? add_unfolded : add_folded, &(fold_job){ &have, &more });
        for (size_t i = 0; i < more.n; i++) tn_rune_set_add(s, more.v[i].first, more.v[i].last);
        s->failed |= more.failed;
    }
    tn_rune_set_finish(s);
}
