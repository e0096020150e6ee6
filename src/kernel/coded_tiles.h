/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* coded_tiles.h - products of many rows with weights in blocks, in integers: see coded.h for what they are off by. */
#ifndef TN_KERNEL_CODED_TILES_H
#define TN_KERNEL_CODED_TILES_H

#include "kernel/coded.h"

/** The product that g and b say, whose activations are not packed; no codebook. Bits do not depend on threads.
 *  scratch  tn_coded_tiles_bytes() */
size_t tn_coded_tiles_bytes(const tn_gemm_args *g, int threads);
void tn_coded_tiles(const tn_coded_kernels *k, const tn_gemm_args *g, const tn_coded *w, void *scratch, tn_pool *pool);

#endif
