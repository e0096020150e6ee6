/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv.h - convolution of f32 tensors: what to compute (a description), and the algorithms that can compute it.
 *
 * Layouts
 *   plain     [N, C, D1 .. Dr]               ONNX's own ("NCHW"), any rank up to TN_CONV_RANK
 *   blocked   [N, ceil(C/c), D1 .. Dr, c]    c channels of one pixel side by side ("NCHWc"); c is tn_conv_kernels.block
 *                                            (16 with AVX-512, 8 otherwise). Channels past C hold zeros, in x and in y,
 * or at least finite numbers; behind the next multiple of 4 they may be anything where x is not finite. The fast
 * kernels work on blocked tensors; kernel/reorder.h converts. Weights are plain for the caller and packed once per
 * algorithm.
 *
 * How to use it: fill a tn_conv_desc, list the algorithms (the likely fastest first), choose one, pack the weights,
 * run as often as wanted with scratch memory of the size it asks for.
 *
 *     const tn_conv_algo *list[TN_CONV_ALGOS];
 *     size_t n = tn_conv_list(k, &d, list, TN_CONV_ALGOS);           // n >= 1 for every valid description
 *     float *packed = tn_mem_alloc(list[0]->packed_bytes(k, &d), TN_MEM_WEIGHTS);
 *     list[0]->pack(k, &d, w, bias, packed);
 *     list[0]->run(k, &d, &(tn_conv_io){ .x = x, .w = packed, .y = y, .scratch = s }, pool);
 */
#ifndef TN_KERNEL_CONV_H
#define TN_KERNEL_CONV_H

#include "base/pool.h"
#include "kernel/activation.h"
#include "tenon.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TN_CONV_RANK = TN_MAX_RANK - 2, /* most spatial dimensions */
    TN_CONV_ALGOS = 16,             /* room that tn_conv_list always finds sufficient */
};

typedef enum {
    TN_LAYOUT_PLAIN,
    TN_LAYOUT_BLOCKED,
    TN_LAYOUT_LAST, /* [N, D1 .. Dr, C]: for kernel/reorder.h only */
} tn_conv_layout;

/** A convolution y = act(conv(x, w) + bias + residual), or a transposed one (ONNX ConvTranspose).
 *  x [n, ic, in..], y and residual [n, oc, out..]; w [oc, ic / group, kernel..], transposed [ic, oc / group, kernel..].
 *  `pad` is the padding before each dimension; what lies behind follows from `out`, which the caller computes (so that
 *  auto_pad, ceil and output_padding need no fields here). */
typedef struct tn_conv_desc {
    int rank; /* spatial dimensions, 1 .. TN_CONV_RANK */
    int64_t n, ic, oc, group;
    int64_t in[TN_CONV_RANK], out[TN_CONV_RANK], kernel[TN_CONV_RANK];
    int64_t stride[TN_CONV_RANK], dilation[TN_CONV_RANK], pad[TN_CONV_RANK];
    bool transposed;
    tn_conv_layout x_layout, y_layout; /* the residual has y's layout */
    bool bias, residual;               /* will they be given? */
    bool pairs;                        /* may x and w be rounded to bfloat16, where the CPU multiplies pairs of it? */
    tn_activation act;
} tn_conv_desc;

/** The pointers of one run. x and y do not overlap; residual may be y itself. `scratch` is 64-byte aligned. */
typedef struct tn_conv_io {
    const float *x, *w /* packed by the same algorithm */, *residual;
    float *y;
    void *scratch;
} tn_conv_io;

struct tn_kernels;

/** One way to compute. All functions are pure; `k` is the same in all calls for one description. What pack writes
 * depends on the weights (their shape, group, transposed), the bias and the layouts alone: descriptions that differ in
 * sizes, strides, pads, residual or activation share the packed weights of an algorithm. */
typedef struct tn_conv_algo {
    const char *name;
    bool (*fits)(const struct tn_kernels *k, const tn_conv_desc *d);
    size_t (*packed_bytes)(const struct tn_kernels *k, const tn_conv_desc *d);
    size_t (*scratch_bytes)(const struct tn_kernels *k, const tn_conv_desc *d, int threads); /* of the pool run with */
    /** bias [oc] is copied too (NULL when !d->bias); channels past oc and ic become zeros. */
    void (*pack)(const struct tn_kernels *k, const tn_conv_desc *d, const float *w, const float *bias, float *packed);
    void (*run)(const struct tn_kernels *k, const tn_conv_desc *d, const tn_conv_io *io, tn_pool *pool);
    /** Floats that packed weights begin with and that are no weights (the bias): what follows may be kept in 16 bits
     *  between runs. NULL: it may not (transformed weights would lose more than their own rounding). */
    size_t (*bias_floats)(const struct tn_kernels *k, const tn_conv_desc *d);
} tn_conv_algo;

/** All algorithms, in the order of preference: X(name, share, passes).
 *  share    of the core's multiply-adds that the definition's sums run at, roughly; Winograd's is above 1, and so is
 *           that of bfloat16 pairs, which comes first where both fit: it reads an eighth of the weights
 *  passes   over x and y in memory */
#define TN_CONV_ALGO_LIST(X)      \
    X(depthwise, 0.9, 1)          \
    X(thin, 0.9, 1)               \
    X(pairs, 2, 1)                \
    X(winograd, 2, 1)             \
    X(blocked, 0.9, 1)            \
    X(interleaved, 0.8, 1)        \
    X(transposed, 0.7, 1)         \
    X(reordered_pairs, 1.8, 3)    \
    X(reordered_winograd, 1.8, 3) \
    X(reordered, 0.7, 3)          \
    X(columns, 0.3, 3)            \
    X(direct, 0.02, 1)

/** The places in tn_conv_all: TN_CONV_blocked, ... */
#define TN_CONV_PLACE(name, share, passes) TN_CONV_##name,
typedef enum { TN_CONV_ALGO_LIST(TN_CONV_PLACE) } tn_conv_place;
#undef TN_CONV_PLACE

/** About how many nanoseconds an algorithm that fits takes with so many threads: good enough to compare it with others,
 *  of this list and of other devices. */
double tn_conv_estimate(const struct tn_kernels *k, const tn_conv_desc *d, tn_conv_place at, int threads);

/** The algorithms that fit, likely fastest first; returns how many (at least one, at most max). */
size_t tn_conv_list(const struct tn_kernels *k, const tn_conv_desc *d, const tn_conv_algo **out, size_t max);

/** All algorithms there are, by tn_conv_place; ends with NULL. */
extern const tn_conv_algo *const tn_conv_all[];

/** True when sizes are positive (n and in/out may be 0), group divides ic and oc, and no element count or offset
 *  overflows. Anything else must not reach the functions above. */
bool tn_conv_valid(const tn_conv_desc *d);

/** out = (in + before + after - dilation * (kernel - 1) - 1) / stride + 1, or 0 when the kernel does not fit. */
int64_t tn_conv_out(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, int64_t before, int64_t after);

/** Multiply-adds of the definition (padding counted), times two. */
double tn_conv_flops(const tn_conv_desc *d);

/** The definition, for every description: plain C with double sums, weights and bias as the caller has them. */
void tn_conv_ref(const tn_conv_desc *d, int block, const float *x, const float *w, const float *bias,
                 const float *residual, float *y);

/** The same for output channels oc_begin .. oc_end - 1 only; channels past oc, which a blocked y has, become zeros. */
void tn_conv_ref_part(const tn_conv_desc *d, int block, const float *x, const float *w, const float *bias,
                      const float *residual, float *y, int64_t oc_begin, int64_t oc_end);

/* ------------------------------------------------------------------ for the drivers in kernel/conv_*.c, and tests */

/** One step of a tile's sum: `n` groups of four input channels found at x + .x and w + .w * blocks (in floats). */
typedef struct tn_conv_tap {
    int32_t x, w, n, step;
} tn_conv_tap;

/** One register tile: P pixels of B blocks of c output channels. y(p, b) lies at y + p * y_pixel + b * y_block. */
typedef struct tn_conv_tile {
    int pixels, blocks; /* P and B, also the place of the function in its table */
    const float *x, *w;
    const tn_conv_tap *taps;
    int64_t ntaps;
    const float *bias; /* B * c floats the sum begins with, or NULL */
    const float *add;  /* laid out as y: residual or partial sums, or NULL; may be y */
    float *y;
    int64_t y_block, y_pixel; /* in floats */
    const tn_activation *act; /* NULL: none */
    const char *ahead;        /* memory wanted soon: gemm tiles prefetch 4 * ahead_step bytes of it per 4 channels */
    int64_t ahead_step;       /* 16, 32 or 64; 0: none */
} tn_conv_tile;

typedef void (*tn_conv_tile_fn)(const tn_conv_tile *t);

enum { TN_CONV_B = 3, TN_CONV_P = 14 }; /* largest tile in either direction, for the sizes of tables */

/* The larger one, NaN when either is NaN. */
static inline float tn_max_or_nan(float a, float b) { return a >= b || a != a ? a : b; }

/** One row of a blocked pooling: y[o] = scale[o] * sum, or the maximum, over `rows` rows of x `row_step` floats apart
 * and the columns o * stride - pad + t * dilation, t < kernel, that lie inside [0, w). */
typedef struct tn_pooling_row {
    const float *x;
    int64_t rows, row_step, w, ow, kernel, stride, dilation, pad;
    const float *scale; /* ow factors, or NULL: 1 */
    float *y;
} tn_pooling_row;

/** Tile functions by [B - 1][P - 1]; NULL beyond px[B - 1].
 *  gemm   pixel p reads x + p * c, c channels each: 1x1, k x k over padded rows, and the products of Winograd
 *  pairs  the same with two channels as bfloat16 in a word of 32 bits (the even one below) wherever x and w have
 *         floats: a pixel of x is c / 2 words, and a tap's four channels are two. NULL where the CPU has no such
 * product thin   pixel p reads x + p, one channel per tap (.n ignored): first layers over plain x dw     depthwise: [P
 * - 1]; a tap is n <= 3 vectors of weights `step` floats apart; for the i-th, pixel p reads the vector x + (p + i) * c.
 * y_pixel is c. */
typedef struct tn_conv_kernels {
    int block; /* c */
    int px[TN_CONV_B];
    tn_conv_tile_fn gemm[TN_CONV_B][TN_CONV_P];
    tn_conv_tile_fn thin[TN_CONV_B][TN_CONV_P];
    tn_conv_tile_fn pairs[TN_CONV_B][TN_CONV_P];
    tn_conv_tile_fn dw[TN_CONV_P];
    int dw_px;
    /** y[p * c + i] = i < channels ? x[i * x_channel + p] : 0, p < n; and back (only i < channels written). */
    void (*to_blocked)(const float *x, int64_t x_channel, int channels, int64_t n, float *y);
    void (*from_blocked)(const float *x, int64_t y_channel, int channels, int64_t n, float *y);
    void (*pick)(const float *x, int64_t step, int64_t n, float *y);   /* y[i] = x[i * step] */
    void (*copy)(const float *x, int64_t x_step, int64_t n, float *y); /* n vectors of c, x_step floats apart */
    /** The transforms of kernel/conv_winograd.c. in: 6 x 6 vectors at x, rows `row` floats apart, to 36 at v, `step`
     * apart. out: 36 vectors at m to the first rows x columns of a 4 x 4 at y, plus bias and (may be NULL) add,
     * activated. */
    void (*winograd_in)(const float *x, int64_t row, float *v, int64_t step);
    void (*winograd_out)(const float *m, int64_t step, const float *bias, const float *add, float *y, int64_t row,
                         int rows, int columns, const tn_activation *act);
    void (*max_row)(const tn_pooling_row *r); /* NaN where a window holds one */
    void (*sum_row)(const tn_pooling_row *r);
} tn_conv_kernels;

extern const tn_conv_kernels tn_conv_table_ref; /* plain C, every field; other sets: kernel/kernel.h */

#endif
