/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* glob.h - patterns of names: * is any text, ? any character. */
#ifndef TN_BASE_GLOB_H
#define TN_BASE_GLOB_H

#include <stdbool.h>

/** Whether all of s fits the pattern [p, end). Linear but for the last *. */
bool tn_glob(const char *p, const char *end, const char *s);

#endif
