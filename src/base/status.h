/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* status.h - one sentence per thread about what went wrong, and the short way to pass a failure up. */
#ifndef TN_BASE_STATUS_H
#define TN_BASE_STATUS_H

#include "tenon.h"

/** Stores the sentence for this thread and returns s, so that `return tn_fail(TN_E_SHAPE, "...", ...)` reads well.
 *  Of a sentence of more than 1,023 bytes the middle is left out; control characters in it are escaped (base/clean.h);
 *  one of TN_E_NOMEM that does not speak of memory gets "out of memory: " in front. Arguments may point into the
 *  present sentence. */
tn_status tn_fail(tn_status s, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));

/** Puts "prefix: " before the thread's present sentence: a caller adds where it happened. Returns s. */
tn_status tn_fail_at(tn_status s, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));

/** Drops the sentence (a caller that tried, failed and went another way). */
void tn_error_clear(void);

#define TN_TRY(expr)                          \
    do {                                      \
        tn_status tn_try_ = (expr);           \
        if (tn_try_ != TN_OK) return tn_try_; \
    } while (0)

/** Copies an option struct the caller gave (NULL: none) over the zeroed defaults *to of `bytes` bytes. Its first member
 *  is its size: a shorter one is of an older header, a longer one of a newer. errors TN_E_INVALID, naming the struct */
tn_status tn_take_opts(void *to, size_t bytes, const void *given, const char *name);

#define TN_COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
