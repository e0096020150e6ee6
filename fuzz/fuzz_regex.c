/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuzz_regex.c - a pattern and a text behind the first NUL: patterns are compiled and matched; the answer is the same
 * twice and in dirty scratch; a quoted text matches itself; once more with too little memory. */
#include "base/regex.h"
#include "base/utf8.h"
#include "fuzz.h"

enum { MOST_WORK = 4000000 }; /* bytes of the pattern times those of the text: a match takes so long */

static bool valid(const char *s, size_t n) {
    for (size_t at = 0, len; at < n; at += len)
        if (!(len = tn_utf8_length(s + at, n - at))) return false;
    return true;
}

static void match(const tn_regex *re, const char *text, size_t n) {
    size_t bytes = tn_regex_scratch(re);
    void *scratch = malloc(bytes);
    if (!scratch) return;
    memset(scratch, 0xff, bytes);
    bool yes = tn_regex_full_match(re, text, n, scratch);
    must(yes == tn_regex_full_match(re, text, n, scratch));
    must(!yes || valid(text, n));
    free(scratch);
}

static void quoted(const char *text, size_t n) {
    if (memmem(text, n, "\\E", 2) || !valid(text, n) || n > 300) return;
    char pattern[310] = "\\Q";
    memcpy(pattern + 2, text, n);
    memcpy(pattern + 2 + n, "\\E", 2);
    tn_regex *re;
    must(n && text[n - 1] == '\\' ? true : tn_regex_new(pattern, n + 4, &re) == TN_OK);
    if (n && text[n - 1] == '\\') return; /* "\\E" there means a backslash and E */
    void *scratch = malloc(tn_regex_scratch(re));
    must(!scratch || tn_regex_full_match(re, text, n, scratch));
    free(scratch);
    tn_regex_free(&re);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t before = tn_mem_stats_all().now;
    const char *s = (const char *)data, *end = size ? memchr(s, 0, size) : NULL;
    size_t n = end ? (size_t)(end - s) : size;
    const char *text = end ? end + 1 : s;
    size_t length = size - (end ? n + 1 : 0);
    if (length > 2000) return 0;
    for (int round = 0; round < 2; round++) {
        tn_regex *re;
        if (round) tn_mem_fail_every(1 + (size ? data[size - 1] & 7u : 0));
        tn_status st = tn_regex_new(s, n, &re);
        tn_mem_fail_every(0);
        must(st == TN_OK ? re != NULL : !re && *tn_error());
        if (st == TN_OK && n * length < MOST_WORK) match(re, text, length);
        tn_regex_free(&re);
        must(tn_mem_stats_all().now == before);
    }
    quoted(text, length);
    must(tn_mem_stats_all().now == before);
    return 0;
}
