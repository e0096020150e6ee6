/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* utf8.h - UTF-8, one code point at a time. Source: Unicode 15, table 3-7. */
#ifndef TN_BASE_UTF8_H
#define TN_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/** Length of the well-formed sequence at s, which has n >= 1 bytes; 0: there is none (overlong, surrogate, cut). */
size_t tn_utf8_length(const char *s, size_t n);

/** The code point at s[*at], which moves on. A malformed byte gives U+FFFD and moves by one. *at < n. */
uint32_t tn_utf8_next(const char *s, size_t n, size_t *at);

/** Writes c and returns its length, 1 to 4; what is no code point becomes U+FFFD. */
size_t tn_utf8_put(uint32_t c, char out[4]);

#endif
