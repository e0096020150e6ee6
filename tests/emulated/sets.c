/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* sets.c - the emulated tables, as kernel.c lists the true ones. Built with names.h; TN_NOT_EMULATED: there are none.
 */
#include "emulated/sets.h"
#include "kernel/x86/tables.h"

#ifdef TN_NOT_EMULATED
const tn_kernel_set emulated_sets[1];
const size_t emulated_sets_count = 0;
#else
const tn_kernel_set emulated_sets[] = { TN_X86_SETS };
const size_t emulated_sets_count = sizeof emulated_sets / sizeof *emulated_sets;
#endif
