/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* text.c - a growing byte string, and small string helpers. */
#include "base/text.h"
#include "base/clean.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/utf8.h"
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Room for n more bytes and the NUL. */
static bool reserve(tn_text *t, size_t n) {
    if (t->failed) return false;
    size_t want;
    if (__builtin_add_overflow(t->n, n, &want) || want >= SIZE_MAX / 4) {
        t->failed = true;
        return false;
    }
    if (want < t->cap) return true;
    size_t cap = t->cap ? t->cap * 2 : 128;
    if (cap <= want) cap = want + 1;
    char *s = tn_mem_alloc(cap, TN_MEM_GENERAL);
    if (!s) {
        t->failed = true;
        return false;
    }
    if (t->n) memcpy(s, t->s, t->n);
    s[t->n] = 0;
    tn_mem_free(t->s);
    t->s = s;
    t->cap = cap;
    return true;
}

void tn_text_put(tn_text *t, const char *s, size_t n) {
    if (!reserve(t, n)) return;
    if (n) memcpy(t->s + t->n, s, n);
    t->n += n;
    t->s[t->n] = 0;
}

void tn_text_puts(tn_text *t, const char *s) { tn_text_put(t, s, strlen(s)); }

void tn_text_printf(tn_text *t, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = tn_vsnprintf(NULL, 0, fmt, ap);
    if (n < 0)
        t->failed = true;
    else if (reserve(t, (size_t)n)) {
        tn_vsnprintf(t->s + t->n, (size_t)n + 1, fmt, again);
        t->n += (size_t)n;
    }
    va_end(again);
    va_end(ap);
}

static void put_escaped(tn_text *t, const char *s, size_t len) {
    size_t at = 0;
    uint32_t c = tn_utf8_next(s, len, &at);
    if (c >= 0x10000)
        tn_text_printf(t, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
    else
        tn_text_printf(t, "\\u%04x", c);
}

void tn_text_json(tn_text *t, const char *s, size_t n) {
    static const char shorts[][3] = { ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r" };
    tn_text_put(t, "\"", 1);
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)s[i];
        size_t len = tn_utf8_length(s + i, n - i);
        if (!len)
            tn_text_puts(t, "\xef\xbf\xbd");
        else if (c == '"' || c == '\\')
            tn_text_put(t, (char[]){ '\\', (char)c }, 2);
        else if (c < sizeof shorts / sizeof *shorts && shorts[c][0])
            tn_text_put(t, shorts[c], 2);
        else if (!tn_is_clean(s + i, len)) /* JSON allows most of these, a terminal would obey them */
            put_escaped(t, s + i, len);
        else
            tn_text_put(t, s + i, len);
        i += len ? len : 1;
    }
    tn_text_put(t, "\"", 1);
}

void tn_text_free(tn_text *t) {
    tn_mem_free(t->s);
    *t = (tn_text){ 0 };
}

static int lower(char c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; }

bool tn_same_word_n(const char *a, size_t n, const char *b) {
    for (; n && *b && lower(*a) == lower(*b); n--) a++, b++;
    return !n && !*b;
}

bool tn_same_word(const char *a, const char *b) { return tn_same_word_n(a, strlen(a), b); }

#define WORD_MAX 63

/* Edit distance counting a swap of neighbours as one edit (optimal string alignment). */
static size_t distance(const char *a, size_t na, const char *b, size_t nb) {
    size_t rows[3][WORD_MAX + 1], *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= nb; j++) last[j] = j;
    for (size_t i = 1; i <= na; i++) {
        now[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (last[j] + 1 < best) best = last[j] + 1;
            if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[nb];
}

const char *tn_nearest(const char *word, const char *const *names, size_t n) {
    size_t len = strlen(word), limit = len / 3 ? len / 3 : 1, least = limit + 1;
    const char *best = NULL;
    if (!len || len > WORD_MAX) return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t other = strlen(names[i]);
        if (other > WORD_MAX) continue;
        size_t d = distance(word, len, names[i], other);
        if (d < least && d < other) {
            least = d;
            best = names[i];
        }
    }
    return best;
}

static const char *human(double v, double step, const char *const *units, size_t n_units, char *buf, size_t n) {
    size_t u = 0;
    double size = v < 0 ? -v : v;
    /* 1023.96 KiB would print as 1024.0 KiB: go up where the rounded figure would reach the step. */
    while (u + 1 < n_units && size >= (u ? step - 0.05 : step)) {
        size /= step;
        u++;
    }
    const char *gap = units[u][0] ? " " : "";
    tn_snprintf(buf, n, u ? "%s%.1f%s%s" : "%s%.0f%s%s", v < 0 ? "-" : "", size, gap, units[u]);
    return buf;
}

const char *tn_human_bytes(double v, char *buf, size_t n) {
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    return human(v, 1024, units, sizeof units / sizeof *units, buf, n);
}

const char *tn_human_count(double v, char *buf, size_t n) {
    static const char *const units[] = { "", "k", "M", "G", "T", "P", "E" };
    return human(v, 1000, units, sizeof units / sizeof *units, buf, n);
}
