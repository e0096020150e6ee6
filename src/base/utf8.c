/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* utf8.c - UTF-8, one code point at a time. */
#include "base/utf8.h"

size_t tn_utf8_length(const char *text, size_t n) {
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80) return 1;
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || n < len) return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)) return 0;
    if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) return 0;
    return len;
}

uint32_t tn_utf8_next(const char *text, size_t n, size_t *at) {
    static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    const char *s = text + *at;
    size_t len = tn_utf8_length(s, n - *at);
    *at += len ? len : 1;
    if (!len) return 0xfffd;
    uint32_t c = (unsigned char)s[0] & mask[len];
    for (size_t i = 1; i < len; i++) c = c << 6 | ((unsigned char)s[i] & 0x3f);
    return c;
}

size_t tn_utf8_put(uint32_t c, char out[4]) {
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) c = 0xfffd;
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char head[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = len; i-- > 1; c >>= 6) out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(head[len] | c);
    return len;
}
