/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gemm_pairs.h - tn_gemm's other driver: products of bfloat16 pairs (tn_gemm_args.b_pairs). */
#ifndef TN_KERNEL_GEMM_PAIRS_H
#define TN_KERNEL_GEMM_PAIRS_H

#include "kernel/gemm.h"

size_t tn_gemm_pairs_scratch(const tn_gemm_args *g);
tn_status tn_gemm_by_pairs(const tn_gemm_kernels *k, const tn_gemm_args *g, void *scratch, tn_pool *pool);

#endif
