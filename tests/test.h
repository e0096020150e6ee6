/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* test.h - what every test includes: cmocka with its four headers, and checks that print the library's sentence. */
#ifndef TN_TESTS_TEST_H
#define TN_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/number.h"
#include "base/status.h"
#include "lib/comma.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** The call must return TN_OK; prints tn_error() if not. */
#define check_ok(expr)                                                                                \
    do {                                                                                              \
        tn_status check_st_ = (expr);                                                                 \
        if (check_st_ != TN_OK) fail_msg("%s: %s: %s", #expr, tn_status_name(check_st_), tn_error()); \
    } while (0)

/** The call must return this status, with a sentence that holds `words` (may be ""). */
#define check_fails(expr, status, words)                                                                       \
    do {                                                                                                       \
        tn_status check_st_ = (expr);                                                                          \
        if (check_st_ != (status))                                                                             \
            fail_msg("%s: %s, expected %s (%s)", #expr, tn_status_name(check_st_), tn_status_name(status),     \
                     tn_error());                                                                              \
        if (!strstr(tn_error(), words)) fail_msg("%s: the message '%s' lacks '%s'", #expr, tn_error(), words); \
    } while (0)

/** check(cond, "printf text"...): fails with the text. */
#define check(cond, ...)                         \
    do {                                         \
        if (!(cond)) {                           \
            print_error(__VA_ARGS__);            \
            fail_msg("check failed: %s", #cond); \
        }                                        \
    } while (0)

/* Every test runs under a locale with a comma, too. */
__attribute__((constructor)) static void test_locale(void) { comma_locale_if_asked(); }

/** strtod under any locale: the number at s; *end (may be NULL) behind it. */
static inline double test_number(const char *s, const char **end) {
    double v = 0;
    tn_take_f64(&s, NULL, &v);
    if (end) *end = s;
    return v;
}

/** A small deterministic random generator (xorshift*), so that failures can be repeated. */
static inline uint64_t test_random(uint64_t *state) {
    uint64_t x = *state ? *state : 0x9e3779b97f4a7c15u;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1du;
}

#endif
