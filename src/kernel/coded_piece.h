/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* coded_piece.h - a piece of a row of weights in blocks (tensor/encoding.h), split: what the products of coded.h read.
 */
#ifndef TN_KERNEL_CODED_PIECE_H
#define TN_KERNEL_CODED_PIECE_H

#include "kernel/coded.h"

enum { TN_PIECE = 2048 }; /* elements split at a time: with scales and offsets 3 KiB */

typedef struct {
    int8_t code[TN_PIECE];
    float scale[TN_PIECE / TN_GROUP], offset[TN_PIECE / TN_GROUP];
    int shift;    /* 2^shift groups share a scale */
    bool offsets; /* else all are 0, and not there */
} tn_piece;

static inline const uint8_t *tn_codes_of(const tn_coded *c, int64_t row) {
    return (const uint8_t *)c->code.at + row * c->code.row;
}

/** Blocks are powers of two. A piece holds whole blocks, or lies in one. */
static inline int tn_shift_of(const tn_coded *c) { return __builtin_ctzll((uint64_t)c->block); }

/** n numbers of a row from `first` on. n <= TN_PIECE / 16 */
void tn_part_floats(const tn_part *p, int64_t row, int64_t first, int64_t n, float *out);

/** Zero points of n blocks less 2^(bits - 1), as codes are stored. */
void tn_zeros_of(const tn_coded_kernels *k, const tn_coded *c, int64_t row, int64_t first, int64_t n, float *out);

/** Elements from `first` on, up to `most` <= TN_PIECE of them; what lies behind the row's end is 0.
 *  first    0 or a multiple of 256. Not of a codebook.
 *  returns  how many, a multiple of 32 */
int64_t tn_piece_split(const tn_coded_kernels *k, const tn_coded *c, int64_t row, int64_t first, int64_t most,
                       tn_piece *p);

#endif
