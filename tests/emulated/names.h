/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* names.h - included before every kernel file that is built emulated: its tables get names of their own. */
#define TN_EMULATED           1
#define TN_TABLE(family, set) emulated_##family##_table_##set
