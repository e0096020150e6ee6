/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* clean.c - text from files made safe to show. Source: Unicode 15, Bidi_Control and Default_Ignorable_Code_Point;
 * ECMA-48 (control sequences). */
#include "base/clean.h"
#include "base/utf8.h"
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Besides ASCII's: the second set of controls; what turns or hides text; separators that end a line. */
static const struct {
    uint32_t first, last;
} hidden[] = {
    { 0x80, 0x9f },     { 0xad, 0xad },     { 0x61c, 0x61c },     { 0x180b, 0x180f },
    { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },   { 0xfe00, 0xfe0f },
    { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xe0000, 0xe0fff },
};

static bool shows(uint32_t c) {
    if (c < 0x80) return c >= 0x20 && c != 0x7f;
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (c >= hidden[i].first && c <= hidden[i].last) return false;
    return true;
}

/* The next character at s (n >= 1): how many bytes it takes, and how it is shown. */
static size_t step(const char *s, size_t n, char out[16], size_t *shown) {
    size_t len = tn_utf8_length(s, n), at = 0;
    uint32_t c = len ? tn_utf8_next(s, n, &at) : (uint8_t)*s;
    if (len && shows(c)) {
        memcpy(out, s, *shown = len);
        return len;
    }
    int put = !len || (c < 0x80 && c != '\n' && c != '\t') ? snprintf(out, 16, "\\x%02x", (unsigned)c)
              : c < 0x80                                   ? snprintf(out, 16, "\\%c", c == '\n' ? 'n' : 't')
                                                           : snprintf(out, 16, "\\u{%x}", (unsigned)c);
    *shown = put > 0 ? (size_t)put : 0;
    return len ? len : 1;
}

size_t tn_clean(char *buf, size_t room, const char *s, size_t n) {
    size_t used = 0, shown;
    char out[16];
    for (size_t i = 0; i < n;) {
        i += step(s + i, n - i, out, &shown);
        if (shown >= room - used) break;
        memcpy(buf + used, out, shown);
        used += shown;
    }
    buf[used] = 0;
    return used;
}

bool tn_is_clean(const char *s, size_t n) {
    for (size_t i = 0; i < n;) {
        size_t len = tn_utf8_length(s + i, n - i), at = i;
        if (!len || !shows(tn_utf8_next(s, n, &at))) return false;
        i += len;
    }
    return true;
}

const char *tn_shown(const char *s) {
    enum { ROOM = 1024 };
    static _Thread_local char texts[8][ROOM + 4];
    static _Thread_local unsigned turn;
    size_t n = s ? strlen(s) : 0, shown;
    if (!n || tn_is_clean(s, n)) return n ? s : "";
    char *text = texts[turn++ % 8], out[16];
    size_t used = 0;
    for (size_t i = 0; i < n; used += shown) {
        i += step(s + i, n - i, out, &shown);
        if (used + shown > ROOM) return memcpy(text + used, "...", 4), text;
        memcpy(text + used, out, shown);
    }
    text[used] = 0;
    return text;
}
