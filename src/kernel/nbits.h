/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* nbits.h - rows of weights in 2 to 8 bits, with a scale and a zero point per block: their products with a few rows
 * of floats, and their values.
 *
 * A row has `blocks` blocks of `block` elements (a multiple of 8); a block is block * bits / 8 bytes: a stream of bits,
 * the lowest of a byte first, so that fields of 3, 5, 6 and 7 bits cross bytes. Element e of block b is
 * (q - zero[b]) * scale[b].
 *
 * Products are for 2, 4 and 8 bits. The floats are dealt out first, so that one byte's elements meet floats of
 * different arrays: with per = 8 / bits, element e lies at (e % per) * (blocks * block / per) + e / per; elements past
 * the row's end are 0. */
#ifndef TN_KERNEL_NBITS_H
#define TN_KERNEL_NBITS_H

#include <stdint.h>

enum { TN_NBITS_ROWS = 4 }; /* of floats at a time */

/* Field i of a stream of fields of `bits` bits; reads no byte behind the field's last. */
static inline int tn_nbits_field(const uint8_t *q, int bits, int64_t i) {
    int64_t at = i * bits;
    int low = (int)(at % 8), both = q[at / 8] >> low;
    if (low + bits > 8) both |= q[at / 8 + 1] << (8 - low);
    return both & ((1 << bits) - 1);
}

typedef struct tn_nbits_row {
    int bits; /* 2 to 8 */
    int64_t blocks, block;
    const uint8_t *q;
    const float *scale, *zero; /* [blocks] */
} tn_nbits_row;

typedef struct tn_nbits_kernels {
    /** Of 2, 4 or 8 bits: y[r] = the row times row r of a (dealt out, blocks * block floats each), r < m <=
     * TN_NBITS_ROWS. sums[r * blocks
     *  + b]: of a's row r over block b. */
    void (*dot)(const tn_nbits_row *w, int m, const float *a, const float *sums, float *y);
    /** The row's values in order: blocks * block floats. */
    void (*unpack)(const tn_nbits_row *w, float *out);
} tn_nbits_kernels;

extern const tn_nbits_kernels tn_nbits_table_ref; /* plain C, every field; other sets: kernel/kernel.h */

#endif
