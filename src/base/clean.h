/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* clean.h - text from files made safe to show: what a terminal would obey, or would not show, is written as an escape.
 *
 * Escaped are control characters (\n, \x1b, \u{9b}), characters that turn the direction of writing or are invisible
 * (\u{202e}), and bytes that are no UTF-8 (\xff). Backslashes stay as they are, so cleaning twice is cleaning once. */
#ifndef TN_BASE_CLEAN_H
#define TN_BASE_CLEAN_H

#include <stdbool.h>
#include <stddef.h>

/** Writes the n bytes at s, cleaned and NUL-terminated, into `room` (>= 1) bytes; what does not fit is left out, never
 *  half a character. Returns the length. */
size_t tn_clean(char *buf, size_t room, const char *s, size_t n);

/** Whether cleaning would change anything. */
bool tn_is_clean(const char *s, size_t n);

/** s itself when it is clean, else a cleaned copy in one of eight thread-local buffers used in turn (of 1,024 bytes;
 *  longer ones end in "..."). NULL gives "". For the arguments of a printf. */
const char *tn_shown(const char *s);

#endif
