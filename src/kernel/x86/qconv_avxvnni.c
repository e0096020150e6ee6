/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qconv_avxvnni.c - 8-bit convolutions through AVX-VNNI, which sums four products in 32 bits. */
#include "kernel/x86/qconv_words256.h"
#include "kernel/x86/tables.h"
#include <stdint.h>

#define VI_DOT(acc, x, w) (acc) = _mm256_dpbusd_avx_epi32(acc, x, w)
#include "kernel/x86/qconv_simd.h"

const tn_qconv_kernels TN_TABLE(qconv, avxvnni) = QCONV_KERNELS(0, NULL);
