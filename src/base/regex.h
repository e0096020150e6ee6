/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* regex.h - regular expressions in RE2's syntax, matched in time linear in the text: the pattern becomes a program of a
 * nondeterministic automaton, and all its states advance together (Thompson, CACM 11(6), 1968). Nothing backtracks, so
 * no pattern can make matching explode.
 *
 * Syntax: literals, . [] classes with ranges, POSIX classes and Perl classes (\d \s \w ...), \pL \p{Lu} (general
 * categories), ^ $ \A \z \b \B, groups (plain, named, (?:...)), flags (?imsU), * + ? {n} {n,} {n,m} (at most 1000) and
 * their lazy forms, |, \Q...\E, escapes as in RE2. Not supported, with an error that says so: \C and scripts such as
 * \p{Greek}; backreferences and look-around are not in RE2 either. Text is UTF-8; a malformed byte matches nothing. */
#ifndef TN_BASE_REGEX_H
#define TN_BASE_REGEX_H

#include "base/status.h"

typedef struct tn_regex tn_regex;

/** Compiles pattern[0 .. n-1].
 *  errors   TN_E_INVALID (the message says what is wrong and at which byte), TN_E_UNSUPPORTED, TN_E_LIMIT (the program
 *           would be too large), TN_E_NOMEM
 *  owns     the caller owns *out: tn_regex_free */
tn_status tn_regex_new(const char *pattern, size_t n, tn_regex **out);
void tn_regex_free(tn_regex **re); /* NULL is fine; sets *re = NULL */

/** How many bytes of scratch, aligned to 8, one match needs. A tn_regex may be used by many threads, each with its own
 *  scratch; the contents need no preparation. */
size_t tn_regex_scratch(const tn_regex *re);

/** Does the whole of s[0 .. n-1] match? */
bool tn_regex_full_match(const tn_regex *re, const char *s, size_t n, void *scratch);

#endif
