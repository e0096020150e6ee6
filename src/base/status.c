/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* status.c - the thread's sentence about its last failed call. */
#include "base/status.h"
#include "base/clean.h"
#include "base/number.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SENTENCE_BYTES 1024
#define RAW_BYTES      8192 /* names in it have up to 4 KiB each */

static _Thread_local struct {
    tn_status status;
    char text[SENTENCE_BYTES];
} last;

static const struct {
    const char *name, *text;
} statuses[TN_STATUS_COUNT] = {
#define X(id, sentence) [TN_##id] = { "TN_" #id, sentence },
    TN_STATUSES(X)
#undef X
};

/* What is longer keeps its beginning and its end, where the reason stands: a chain of "in the function ..." grows from
 * the front. Cutting again what was cut before takes the old gap out, since both ends have fixed lengths. */
static void shorten(char *text) {
    enum { GAP = 5, END = (SENTENCE_BYTES - 1 - GAP) * 2 / 3, BEGIN = SENTENCE_BYTES - 1 - GAP - END };
    size_t n = strlen(text), begin = BEGIN, end = END;
    if (n < SENTENCE_BYTES) return;
    while (begin && ((unsigned char)text[begin] & 0xc0) == 0x80) begin--; /* not inside a character */
    while (end && ((unsigned char)text[n - end] & 0xc0) == 0x80) end--;
    memcpy(text + begin, " ... ", GAP);
    memmove(text + begin + GAP, text + n - end, end + 1);
}

/* Built aside first: the arguments may point into the sentence that is about to be replaced. */
static void keep(tn_status s, char *text) {
    char clean[4 * SENTENCE_BYTES];
    shorten(text);
    tn_clean(clean, sizeof clean, text, strlen(text)); /* names from files may hold anything */
    shorten(clean);
    last.status = s;
    memcpy(last.text, clean, strlen(clean) + 1);
}

/* Whoever runs out of memory says of what; that it was memory is said here. */
static void say_memory(char *text) {
    static const char lead[] = "out of memory: ";
    size_t n = strlen(text), room = sizeof lead - 1;
    if (!n || strstr(text, "out of memory") || strstr(text, "no memory")) return;
    if (n + room >= RAW_BYTES) n = RAW_BYTES - room - 1;
    memmove(text + room, text, n);
    memcpy(text, lead, room);
    text[room + n] = 0;
}

tn_status tn_fail(tn_status s, const char *fmt, ...) {
    char text[RAW_BYTES];
    va_list ap;
    va_start(ap, fmt);
    tn_vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (s == TN_E_NOMEM) say_memory(text);
    keep(s, text);
    return s;
}

tn_status tn_fail_at(tn_status s, const char *fmt, ...) {
    char text[RAW_BYTES + SENTENCE_BYTES];
    va_list ap;
    va_start(ap, fmt);
    int n = tn_vsnprintf(text, RAW_BYTES, fmt, ap);
    va_end(ap);
    size_t used = n < 0 ? 0 : n < RAW_BYTES ? (size_t)n : RAW_BYTES - 1;
    snprintf(text + used, sizeof text - used, ": %s", tn_error());
    keep(s, text);
    return s;
}

void tn_error_clear(void) {
    last.status = TN_OK;
    last.text[0] = 0;
}

const char *tn_error(void) { return last.text[0] ? last.text : statuses[last.status].text; }

const char *tn_status_name(tn_status s) { return (unsigned)s < TN_STATUS_COUNT ? statuses[s].name : "unknown status"; }

tn_status tn_take_opts(void *to, size_t bytes, const void *given, const char *name) {
    size_t size;
    if (given) {
        memcpy(&size, given, sizeof size);
        if (size <= sizeof size || size > 4096)
            return tn_fail(TN_E_INVALID, "%s.size is %zu; set it to sizeof(%s)", name, size, name);
        memcpy(to, given, size < bytes ? size : bytes);
    }
    memcpy(to, &bytes, sizeof bytes);
    return TN_OK;
}
