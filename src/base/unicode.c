/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* unicode.c - simple case mappings and general categories by runs. */
#include "base/unicode.h"
#include "base/status.h"
#include <string.h>

typedef struct {
    uint32_t first, last; /* every step-th code point from first to last ... */
    int32_t step, delta;  /* ... maps to itself + delta */
} case_run;

#include "base/unicode_tables.h"

static uint32_t map(const case_run *runs, size_t n, uint32_t c) {
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (runs[mid].last < c)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == n || c < runs[low].first || (c - runs[low].first) % (uint32_t)runs[low].step) return c;
    return c + (uint32_t)runs[low].delta;
}

uint32_t tn_unicode_upper(uint32_t c) {
    if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 32 : c;
    return map(upper_runs, TN_COUNT(upper_runs), c);
}

uint32_t tn_unicode_lower(uint32_t c) {
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    return map(lower_runs, TN_COUNT(lower_runs), c);
}

uint32_t tn_unicode_fold(uint32_t c) {
    if (c == 0x130 || c == 0x131) return c;
    return tn_unicode_lower(tn_unicode_upper(c));
}

void tn_unicode_each_folded(void (*fn)(void *user, uint32_t c, uint32_t folded), void *user) {
    for (int t = 0; t < 2; t++) {
        const case_run *runs = t ? lower_runs : upper_runs;
        size_t n = t ? TN_COUNT(lower_runs) : TN_COUNT(upper_runs);
        for (size_t i = 0; i < n; i++)
            for (uint32_t c = runs[i].first; c <= runs[i].last; c += (uint32_t)runs[i].step) {
                uint32_t folded = tn_unicode_fold(c);
                if (folded != c) fn(user, c, folded);
            }
    }
}

uint32_t tn_unicode_categories(const char *name, size_t n) {
#define X(id) #id,
    static const char *const names[] = { TN_CATEGORIES(X) };
#undef X
    uint32_t set = 0;
    if (n == 3 && !memcmp(name, "Any", 3)) return (UINT32_C(1) << TN_COUNT(names)) - 1;
    if (n < 1 || n > 2) return 0;
    for (size_t i = 0; i < TN_COUNT(names); i++)
        if (!memcmp(name, names[i], n)) set |= UINT32_C(1) << i;
    return set;
}

void tn_unicode_each_range(uint32_t categories, void (*fn)(void *user, uint32_t first, uint32_t last), void *user) {
    for (size_t i = 0; i < TN_COUNT(category_runs); i++) {
        size_t k = i; /* neighbours that are both in the set are one range */
        while (k < TN_COUNT(category_runs) && categories >> (category_runs[k] & 31) & 1) k++;
        if (k == i) continue;
        fn(user, category_runs[i] >> 5, k < TN_COUNT(category_runs) ? (category_runs[k] >> 5) - 1 : 0x10ffff);
        i = k;
    }
}

bool tn_unicode_space(uint32_t c) {
    if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13);
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}
