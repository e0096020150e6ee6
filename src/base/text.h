/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* text.h - a growing byte string, and small string helpers. */
#ifndef TN_BASE_TEXT_H
#define TN_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct {
    char *s; /* always NUL-terminated once anything was put; NULL before */
    size_t n, cap;
    bool failed; /* an allocation failed; later puts do nothing */
} tn_text;

void tn_text_put(tn_text *t, const char *s, size_t n);
void tn_text_puts(tn_text *t, const char *s);
void tn_text_printf(tn_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void tn_text_json(tn_text *t, const char *s,
                  size_t n); /* a JSON string with quotes, clean (base/clean.h); no UTF-8: U+FFFD */
void tn_text_free(tn_text *t);

/** Equal but for the case of ASCII letters, under any locale. */
bool tn_same_word(const char *a, const char *b);
bool tn_same_word_n(const char *a, size_t n, const char *b); /* a has n bytes, b ends with NUL */

/** Of n names the one nearest to word (edit distance, at most a third of its length), or NULL: "did you mean". */
const char *tn_nearest(const char *word, const char *const *names, size_t n);

/** "1.5 MiB", "320 B"; "12.3 M" for counts. */
const char *tn_human_bytes(double v, char *buf, size_t n);
const char *tn_human_count(double v, char *buf, size_t n);

#endif
