/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* program.h - runs the built program as a user would. */
#ifndef TN_TESTS_PROGRAM_H
#define TN_TESTS_PROGRAM_H

/** Runs `tenon WORDS` without models anywhere; its exit code must be `code`, and what it prints on both streams must
 * hold `says`. returns everything it printed, until the next call. */
const char *program_says(const char *words, int code, const char *says);

#endif
