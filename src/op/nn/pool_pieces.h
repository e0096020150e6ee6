/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pool_pieces.h - pooling of elements that are not float32: some channels of an image at a time become float32, are
 * pooled and rounded, while they are in cache. */
#ifndef TN_OP_NN_POOL_PIECES_H
#define TN_OP_NN_POOL_PIECES_H

#include "op/core/op.h"

/** x [images, channels, in] to y [images, channels, out], plain, of `type`. `pool` makes the latter of `channels`
 *  channels of one image of the former, in float32, with `scratch` bytes of memory; several threads call it at once. */
typedef struct tn_pool_pieces {
    tn_dtype type;
    int64_t images, channels, in, out;
    int64_t together; /* channels that are pooled at once, at least 1 */
    size_t scratch;
    void (*pool)(const struct tn_pool_pieces *p, int64_t channels, const float *x, float *y, void *scratch);
    const void *user;
} tn_pool_pieces;

/** Bytes that tn_pool_pieces_run wants, 64-byte aligned. */
size_t tn_pool_pieces_bytes(const tn_pool_pieces *p, int threads);
void tn_pool_pieces_run(const tn_pool_pieces *p, const void *x, void *y, void *memory, tn_pool *pool);

#endif
