/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* coded.h - products of float32 rows with weights in blocks (tensor/encoding.h): C = act(alpha A W' + beta D + bias).
 *
 * Weights are split, a piece of a row at a time, into 8-bit codes with a scale and an offset per 16 of them, which lie
 * in the L1 cache and never anywhere else: nothing is copied when a plan is made, scales and zero points are read where
 * the file has them. Splitting is per encoding, everything behind it is one code for all.
 *
 *   few rows (a language model's next token)   dot products of the piece with each row. Either exact: codes become
 *       floats and meet float activations; or through 8 bits: activations are rounded to 127 steps per block of 32
 *       (below), and codes meet codes in integers
 *   many rows (a prompt)                       where activations may be rounded, tiles of 16 rows meet 4 rows of codes
 *       in integers; else strips of weights become floats in the L2 cache, packed as the kernels of gemm.h want them
 *
 * Rounded activations: of a block x of 32, with t = max |x| / 127, codes are round(x / t), so each is off by t / 2 at
 * most. A result is therefore off by at most
 *
 *       sum over blocks b of  max |x_b| / 254 * sum |w_b|                                        (tn_coded_bound)
 *
 * and by what float32 sums round; typically by the square root of that, since errors have both signs. A block with a
 * NaN or an infinity gives NaN; one whose largest magnitude is below 2^-120 counts as 0. */
#ifndef TN_KERNEL_CODED_H
#define TN_KERNEL_CODED_H

#include "base/pool.h"
#include "kernel/gemm.h"
#include "tensor/encoding.h"

enum {
    TN_CODED_STEP = 32, /* elements of a block of rounded activations; kernels take multiples of it */
    TN_CODED_ROWS = 4,  /* of activations at a time */
};

/** Up to TN_CODED_ROWS rows of activations: rounded ones, or floats. */
typedef struct {
    int m;                /* 1 .. TN_CODED_ROWS */
    int64_t lda;          /* elements from one row to the next: a multiple of 32 */
    const int8_t *a;      /* rounded; */
    const float *a_scale; /*   one per 32, rows lda / 32 apart */
    const float *x;       /* or the floats themselves */
    const float *sum;     /* of 16 activations (of either kind), rows lda / 16 apart */
} tn_coded_rows;

/** Split weights. n: a multiple of 32. */
typedef struct {
    int64_t n;
    const int8_t *code;
    int shift;           /* 2^shift groups of 16 share a scale */
    const float *scale;  /* [n / 16 >> shift] */
    const float *offset; /* [n / 16]; NULL: all are 0 */
    tn_coded_rows rows;
} tn_coded_dot;

/** Weights as they lie. n: a multiple of 64. */
typedef struct {
    int64_t n;
    const uint8_t *q;          /* whole blocks; uniform: fields */
    const float *scale, *zero; /* uniform: of 32 elements each; zero NULL: 2^(bits - 1) */
    tn_coded_rows rows;        /* rounded; elements in the order that `order` says */
} tn_coded_whole;

enum {
    TN_TILE_ROWS = 16,   /* of activations that meet */
    TN_TILE_COLUMNS = 4, /*   as many rows of weights */
    TN_TILE_DEPTH = 512, /* elements of a strip */
};

/** What a tile's codes are: without a sign below 16 or 64, or any. */
typedef enum { TN_TILE_FOUR_BITS, TN_TILE_SIX_BITS, TN_TILE_BYTES } tn_tile_kind;

/** A piece of a row of weights for tiles: a scale and an offset per group. */
typedef struct {
    int8_t code[TN_TILE_DEPTH];
    float scale[TN_TILE_DEPTH / TN_GROUP], offset[TN_TILE_DEPTH / TN_GROUP];
} tn_coded_strip;

/** Weights times the rounded activations of many rows. n: a multiple of 32, TN_TILE_DEPTH at most. */
typedef struct {
    int64_t n;
    int rows;  /* that are wanted, 1 .. 16; all 16 are there */
    int group; /* elements that share a scale, 16 or 32 */
    tn_tile_kind kind;
    bool offsets;            /* else all are 0 */
    const tn_coded_strip *w; /* [4] */
    const int8_t *a;         /* [n / 4][16][4] */
    const float *a_scale;    /* [n / 32][16] */
    const float *sum;        /* of the activations of a group: [n / group][16] */
} tn_coded_tile;

/** How a whole product wants its activations: of every 64, elements as bytes of 4-bit fields have them. */
typedef enum {
    TN_ORDER_PLAIN,
    TN_ORDER_PAIRS,  /* a byte holds two neighbours: 0 2 .. 62, then 1 3 .. 63 */
    TN_ORDER_HALVES, /* a byte holds i and i + 16 of 32: 0 .. 15, 32 .. 47, then 16 .. 31, 48 .. 63 */
} tn_coded_order;

typedef struct tn_coded_kernels {
    /** Blocks into codes, by encoding. NULL: a uniform encoding or a codebook. */
    tn_split_fn split[TN_ENC_COUNT];
    /** n fields of 2 to 8 bits (the index), n a multiple of 8, become codes: field - 2^(bits - 1). */
    void (*fields[9])(int64_t n, const uint8_t *q, int8_t *code);
    /** out[e] = scale[e / 16 >> shift] * code[e] + offset[e / 16]; n a multiple of 16; offset NULL: 0. */
    void (*values)(int64_t n, const int8_t *code, int shift, const float *scale, const float *offset, float *out);
    /** n floats, a multiple of 32, rounded: codes, scales per 32, sums (scale times sum of codes) per 16. */
    void (*round)(int64_t n, const float *x, int8_t *code, float *scale, float *sum);
    /** y[r] += sum over e of w[e] * activation[r][e], r < m: from rounded rows, from floats. */
    void (*dot)(const tn_coded_dot *d, float *y);
    void (*dot_float)(const tn_coded_dot *d, float *y);
    /** The first without splitting, where that is faster; else NULL. tn_coded_order_of says the order. */
    void (*whole[TN_ENC_COUNT])(const tn_coded_whole *w, float *y);
    /** y[c][r] += sum over e of w[c][e] * activation[r][e]: y [4][16]; rows that are not wanted may change or not. */
    void (*tile)(const tn_coded_tile *t, float *y);
} tn_coded_kernels;

tn_coded_order tn_coded_order_of(tn_encoding_id id);
/** One row of n rounded activations, a multiple of 64, in that order. */
void tn_coded_reorder(tn_coded_order order, int64_t n, const int8_t *a, int8_t *out);

extern const tn_coded_kernels tn_coded_table_ref; /* plain C, every field; other sets: kernel/kernel.h */

/* -------------------------------------------------------------------------------------------------- the driver */

typedef struct {
    tn_coded weights; /* W [n, k]: rows are the product's columns */
    bool rounded;     /* activations may be rounded to 8 bits */
} tn_coded_b;

struct tn_kernels; /* kernel/kernel.h */

/** C = act(alpha A W' + beta D + bias) as tn_gemm says; g's n and k are W's rows and columns, its b, ldb, trans_b,
 *  b_packed and batches are ignored. Results do not depend on the number of threads.
 *  scratch  tn_coded_scratch() bytes, 64-byte aligned, or NULL: allocated here
 *  errors   TN_E_NOMEM. Sizes are the caller's promise. */
size_t tn_coded_scratch(const struct tn_kernels *k, const tn_gemm_args *g, const tn_coded_b *b, int threads);
tn_status tn_coded_gemm(const struct tn_kernels *k, const tn_gemm_args *g, const tn_coded_b *b, void *scratch,
                        tn_pool *pool);

/** Elements [first, first + n) of a row as floats; first: a multiple of 16 and of the block of encodings of blocks. The
 *  fast form of tn_coded_decode, within roundings of it. */
void tn_coded_row(const tn_coded_kernels *k, const tn_coded *c, int64_t row, int64_t first, int64_t n, float *out);

#endif
