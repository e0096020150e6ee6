/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* sets.c - the emulated tables, as kernel.c lists the true ones. Built with names.h. */
#include "emulated/sets.h"
#include "kernel/x86/tables.h"

const tn_kernel_set emulated_sets[] = { TN_X86_SETS };
const size_t emulated_sets_count = sizeof emulated_sets / sizeof *emulated_sets;
