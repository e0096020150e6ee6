/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* version.c - the version of the running library, from the header it was built with. */
#include "tenon.h"

#define STR_(x) #x
#define STR(x)  STR_(x)

const char *tn_version(void) { return STR(TN_VERSION_MAJOR) "." STR(TN_VERSION_MINOR) "." STR(TN_VERSION_PATCH); }
