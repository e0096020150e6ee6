/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* reorder.h - tensors between the layouts of conv.h, and channels last. */
#ifndef TN_KERNEL_REORDER_H
#define TN_KERNEL_REORDER_H

#include "kernel/conv.h"

/** y = x in another layout. x and y are [n, channels, pixels] f32 in their layouts:
 *    plain  [n, channels, pixels]      blocked  [n, ceil(channels / c), pixels, c]      last  [n, pixels, channels]
 *  with c = tn_kernels.conv.block. Lanes past the channels are written as zeros, and never read. No overlap. */
void tn_reorder(const struct tn_kernels *k, int64_t n, int64_t channels, int64_t pixels, tn_conv_layout from,
                const float *x, tn_conv_layout to, float *y, tn_pool *pool);

/** Floats of such a tensor. */
static inline int64_t tn_layout_floats(int block, tn_conv_layout layout, int64_t n, int64_t channels, int64_t pixels) {
    if (layout == TN_LAYOUT_BLOCKED) channels = (channels + block - 1) / block * block;
    return n * channels * pixels;
}

#endif
