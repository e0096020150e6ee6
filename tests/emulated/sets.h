/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* sets.h - the kernels of instruction sets, compiled for any machine: see immintrin.h here. */
#ifndef TN_TESTS_EMULATED_SETS_H
#define TN_TESTS_EMULATED_SETS_H

#include "kernel/kernel.h"

/** For tn_kernels_fill_from. Every function may be called on every machine. */
extern const tn_kernel_set emulated_sets[];
extern const size_t emulated_sets_count;

#endif
