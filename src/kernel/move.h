/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* move.h - moving elements without computing: transposition, strided copies, gather, padding, tiling. Elements are
 * bytes: 1, 2, 4, 8 or 16 each (strings count as 16). Sources and results never overlap. */
#ifndef TN_KERNEL_MOVE_H
#define TN_KERNEL_MOVE_H

#include "base/pool.h"

/** The table: 2-D transposition of elements of 1 << i bytes. Row r of x begins at x + r * ldx (bytes) and has `cols`
 *  elements side by side; y's row c begins at y + c * ldy and gets `rows` elements. */
typedef void (*tn_transpose_fn)(const char *x, int64_t ldx, char *y, int64_t ldy, int64_t rows, int64_t cols);
typedef struct tn_move_kernels {
    tn_transpose_fn transpose[5];
} tn_move_kernels;

extern const tn_move_kernels tn_move_table_ref; /* plain C, every field; other sets: kernel/kernel.h */

/** Copies an array of shape dims; strides in elements, any sign; a 0 in sx repeats (expanding). y's elements must be
 *  distinct. rank up to 2 * TN_MAX_RANK. Slices, concatenation, expanding and tiling are this. */
void tn_copy_run(int bytes, int rank, const int64_t *dims, const void *x, const int64_t *sx, void *y, const int64_t *sy,
                 tn_pool *pool);

/** y's dimension i is x's dimension perm[i]; both dense. */
void tn_transpose_run(int bytes, int rank, const int64_t *dims, const int *perm, const void *x, void *y, tn_pool *pool);

/** `rows` rows of row_bytes each; ldx and ldy bytes apart. */
void tn_copy_rows_run(int64_t rows, int64_t row_bytes, const void *x, int64_t ldx, void *y, int64_t ldy, tn_pool *pool);

/** y[outer][count][row] = x[outer][n][row] at indices; a negative index counts from n. row_bytes: of one row.
 *  errors   TN_E_INVALID (an index out of range; y is unspecified then). */
tn_status tn_gather_run(int64_t outer, int64_t n, int64_t row_bytes, const int64_t *indices, int64_t count,
                        const void *x, void *y, tn_pool *pool);

/** y[i0][i1]... = x[map0[i0]][map1[i1]]...: padding, nearest-neighbour resizing. What follows the mapped dimensions is
 *  one unit of bytes. An index of -1 stands for `value`, one element of `bytes` bytes; value NULL: there is none. */
typedef struct {
    int rank; /* at least 1 */
    int bytes;
    int64_t unit, in[TN_MAX_RANK], out[TN_MAX_RANK];
    const int32_t *map[TN_MAX_RANK]; /* out[d] entries, -1 .. in[d] - 1 */
    const char *value, *x;
    char *y;
} tn_map_copy;
void tn_map_copy_run(const tn_map_copy *m, tn_pool *pool);

typedef enum { TN_PAD_CONSTANT, TN_PAD_EDGE, TN_PAD_REFLECT, TN_PAD_WRAP } tn_pad_mode;

/** y's dimension d has before[d] + dims[d] + after[d] elements; negative pads cut. value: one element (CONSTANT).
 *  REFLECT does not repeat the edge and bounces as often as needed. A dimension of no elements can only be padded by a
 *  constant.
 *  errors   TN_E_INVALID, TN_E_LIMIT, TN_E_NOMEM. */
tn_status tn_pad_run(int bytes, int rank, const int64_t *dims, const int64_t *before, const int64_t *after,
                     tn_pad_mode mode, const void *value, const void *x, void *y, tn_pool *pool);

/** y's dimension d is x's, repeated reps[d] times. */
void tn_tile_run(int bytes, int rank, const int64_t *dims, const int64_t *reps, const void *x, void *y, tn_pool *pool);

/** x [n][c][h][w], c a multiple of block^2, to [n][c / block^2][h block][w block]. crd: ONNX's mode "CRD", else "DCR".
 */
void tn_depth_to_space_run(int bytes, int64_t n, int64_t c, int64_t h, int64_t w, int64_t block, bool crd,
                           const void *x, void *y, tn_pool *pool);
/** x [n][c][h][w] to [n][c block^2][h / block][w / block] (the inverse of "DCR"). */
void tn_space_to_depth_run(int bytes, int64_t n, int64_t c, int64_t h, int64_t w, int64_t block, const void *x, void *y,
                           tn_pool *pool);

#endif
