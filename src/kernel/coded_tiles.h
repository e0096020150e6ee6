/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* coded_tiles.h - products of many rows with weights in blocks, in integers: see coded.h for what they are off by. */
#ifndef TN_KERNEL_CODED_TILES_H
#define TN_KERNEL_CODED_TILES_H

#include "kernel/coded.h"

/** The product that g and b say, whose activations are not packed; no codebook. Bits do not depend on threads.
 *  scratch  tn_coded_tiles_bytes() */
size_t tn_coded_tiles_bytes(const tn_gemm_args *g, int threads);
void tn_coded_tiles(const tn_coded_kernels *k, const tn_gemm_args *g, const tn_coded *w, void *scratch, tn_pool *pool);

/** What the sum of row r and column n becomes before the activation. */
static inline float tn_coded_result(const tn_gemm_args *g, int64_t r, int64_t n, float sum) {
    float y = g->alpha * sum;
    if (g->d) y += g->beta * g->d[r * g->ldd + n];
    if (g->bias_m) y += g->bias_m[r];
    if (g->bias_n) y += g->bias_n[n];
    return y;
}

#endif
