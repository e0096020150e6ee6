/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* comma.h - a locale whose decimal point is a comma, as in most of Europe, made on the spot: no system needs to have
 * one installed. A test calls it itself; with TN_TEST_LOCALE=comma every test runs in it.
 */
#ifndef TN_TESTS_COMMA_H
#define TN_TESTS_COMMA_H

/** From here on printf writes 1,5 for 1.5 in this process. Ends the process when there can be no such locale. */
void comma_locale(void);

/** comma_locale() once, when TN_TEST_LOCALE asks for it (test.h calls it before main). */
void comma_locale_if_asked(void);

#endif
