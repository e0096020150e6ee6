/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* math_avx2.h - elementary functions of 8 floats: tn_exp_ps256 and its family (math_simd.h lists them). */
#ifndef TN_KERNEL_MATH_AVX2_H
#define TN_KERNEL_MATH_AVX2_H

#include "kernel/x86/simd_avx2.h"
/* in the words of that: */
#include "kernel/x86/math_simd.h"

#endif
