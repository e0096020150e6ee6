/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qsums.h - the sums of an 8-bit convolution on tensors in the model's order, by the two ways of ConvInteger and
 * QLinearConv (qconv.c), both exact. A convolution of many channels is a product: an image is turned so that the
 * channels of a pixel lie side by side; the taps of a piece of output positions are gathered, one row a position; the
 * rows times the packed weights (kernel/qgemm.h) give [positions, channels], which is turned back. A depthwise one has
 * nothing to gather: it sums rows of the image, tap by tap. */
#ifndef TN_OP_QUANT_QSUMS_H
#define TN_OP_QUANT_QSUMS_H

#include "kernel/kernel.h"
#include "op/nn/window.h"
#include "op/quant/qparam.h"

typedef struct {
    tn_window_attrs window;
    int64_t group;
    bool channels_last;
} tn_qsums_attrs;

/** One convolution as it runs. Sizes of a group: ic, oc channels, k = ic * taps elements a row. */
typedef struct {
    tn_conv_desc d;
    bool by_rows;     /* a depthwise one, row by row: the implementation */
    bool last, plain; /* channels last; one tap, no padding, no steps: rows are pixels */
    int64_t in, out, taps, ic, oc, k;
    int64_t piece;                             /* positions a row block has */
    size_t packed, turned, rows, result, each; /* bytes: packed weights of a group; an image turned; of a share */
    size_t product;                            /* scratch of the product */
} tn_qsums_shape;

/** Reads sizes: dimensions of x and w, the type of the result; by_rows: the way. The node names errors. */
tn_status tn_qsums_describe(const tn_node *n, const tn_qsums_attrs *a, const int64_t *xd, int xrank, const int64_t *wd,
                            tn_dtype y_type, bool by_rows, tn_qsums_shape *s);
/** Scratch of a run, in bytes. */
size_t tn_qsums_scratch(const tn_qsums_shape *s, int threads);

/** A run's operands. x_signed, w_signed: s8. wz, scale: zero points of w, and factors from sums to codes (scale.scale
 *  NULL: sums are the result), each for all channels or one of each; bias: int32, or NULL.
 *  w        as it lies in the model, for the way by rows
 *  packed   for the other one: weights by group, tn_qgemm's form of [ic * taps, oc], s.packed bytes each
 *  scratch  tn_qsums_scratch bytes */
typedef struct {
    const tn_kernels *kn;
    tn_qsums_shape s;
    bool x_signed, w_signed;
    int32_t x_zero, y_zero;
    tn_qparam wz, scale;
    const int32_t *bias;
    const uint8_t *w;
    const char *packed;
    tn_dtype y_type;
    char *scratch;
    /* The run's own: */
    const uint8_t *image, *x; /* x: of the image at hand, turned unless channels last */
    char *y;                  /* of the image at hand */
    int64_t pixel, group;     /* bytes from pixel to pixel, from group to group */
    int64_t blocks;           /* of positions */
} tn_qsums;

/** Computes y of x, both as they lie in the model. */
void tn_qsums_run(tn_qsums *j, const uint8_t *x, char *y, tn_pool *pool);

#endif
