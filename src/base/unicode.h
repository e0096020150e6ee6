/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* unicode.h - facts about single code points: simple case mappings and general categories. No locale is asked.
 * Source: the Unicode Character Database (UnicodeData.txt, fields 2, 12, 13), through scripts/unicode_tables.pl. */
#ifndef TN_BASE_UNICODE_H
#define TN_BASE_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** General categories in the order of the tables. */
#define TN_CATEGORIES(X) \
    X(Lu)                \
    X(Ll)                \
    X(Lt)                \
    X(Lm)                \
    X(Lo)                \
    X(Mn)                \
    X(Mc)                \
    X(Me)                \
    X(Nd)                \
    X(Nl)                \
    X(No)                \
    X(Pc)                \
    X(Pd)                \
    X(Ps)                \
    X(Pe)                \
    X(Pi)                \
    X(Pf)                \
    X(Po)                \
    X(Sm)                \
    X(Sc)                \
    X(Sk)                \
    X(So)                \
    X(Zs)                \
    X(Zl)                \
    X(Zp)                \
    X(Cc)                \
    X(Cf)                \
    X(Cs)                \
    X(Co)                \
    X(Cn)

/** The simple (one to one) mapping; c itself where there is none. */
uint32_t tn_unicode_upper(uint32_t c);
uint32_t tn_unicode_lower(uint32_t c);

/** One representative of all code points that are equal when case does not matter ('k', 'K' and the Kelvin sign have
 *  one). The dotted and dotless Turkish letters stay what they are. */
uint32_t tn_unicode_fold(uint32_t c);

/** Calls fn for every c with tn_unicode_fold(c) != c, in no order. */
void tn_unicode_each_folded(void (*fn)(void *user, uint32_t c, uint32_t folded), void *user);

/** The categories a name means, as a set of bits in the order above: "Lu", "L" (all that begin so), "Any"; 0: none. */
uint32_t tn_unicode_categories(const char *name, size_t n);

/** Calls fn for the ranges of all code points whose category is in the set, in rising order. */
void tn_unicode_each_range(uint32_t categories, void (*fn)(void *user, uint32_t first, uint32_t last), void *user);

/** Is c whitespace (White_Space of PropList.txt)? */
bool tn_unicode_space(uint32_t c);

#endif
