/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* math_avx512.h - elementary functions of 16 floats: tn_exp_ps512 and its family (math_simd.h lists them). */
#ifndef TN_KERNEL_MATH_AVX512_H
#define TN_KERNEL_MATH_AVX512_H

#include "kernel/x86/simd_avx512.h"
/* in the words of that: */
#include "kernel/x86/math_simd.h"

#endif
