/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* tiles.h - feeds a pointwise function tile by tile from arrays that broadcast.
 *
 * The shape is collapsed to rows of one inner dimension. Long rows are cut into tiles: an array is then a piece of
 * memory or, where its inner stride is 0, one element. Of short rows several make a tile, and arrays that repeat are
 * written out into a buffer first (once per thread when every tile repeats the same). */
#ifndef TN_KERNEL_TILES_H
#define TN_KERNEL_TILES_H

#include "base/pool.h"

#define TN_TILE_ARRAYS 16
#define TN_TILE_MEMORY                                                                                         \
    (48 * 1024)              /* bytes on each thread's stack for written-out arrays and the function's scratch \
                              */
#define TN_TILE_LONGEST 2048 /* elements */

/** n elements at p, or the one element at p that stands for all n. */
typedef struct {
    const void *p;
    bool one;
} tn_tile_view;

typedef struct {
    const void *data;
    int bytes;                   /* of an element: 1, 2, 4, 8 or 16 */
    int64_t stride[TN_MAX_RANK]; /* in elements; 0 repeats */
} tn_tile_array;

/** fn(user, views of the n_in arrays, index of the tile's first element in row-major order, how many elements, scratch
 * of `tile` * scratch bytes, tile): n <= tile. */
typedef void (*tn_tile_fn)(void *user, const tn_tile_view *v, int64_t at, size_t n, char *scratch, int tile);

typedef struct {
    int rank;
    const int64_t *dims;
    int n_in; /* at most TN_TILE_ARRAYS */
    const tn_tile_array *in;
    int scratch; /* bytes per element of a tile that fn wants; scratch + the arrays' bytes <= 256 */
    int weight;  /* about how many simple operations fn makes per element: decides what is worth a thread */
    tn_tile_fn fn;
    void *user;
} tn_tiles;

void tn_tiles_run(const tn_tiles *t, tn_pool *pool);

#endif
