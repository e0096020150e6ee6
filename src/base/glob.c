/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* glob.c - see glob.h. */
#include "base/glob.h"
#include <stddef.h>

bool tn_glob(const char *p, const char *end, const char *s) {
    const char *star = NULL, *retry = NULL;
    while (*s) {
        if (p < end && *p == '*') {
            star = p++;
            retry = s;
        } else if (p < end && (*p == '?' || *p == *s)) {
            p++, s++;
        } else if (star) {
            p = star + 1;
            s = ++retry;
        } else {
            return false;
        }
    }
    while (p < end && *p == '*') p++;
    return p == end;
}
