/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv.h - what a convolution node computes, for the operators that are its gradients. */
#ifndef TN_OP_NN_CONV_H
#define TN_OP_NN_CONV_H

#include "kernel/conv.h"
#include "op/core/fused.h"
#include "op/nn/window.h"

/** The attributes of all convolutions; a row lists those that it has. */
typedef struct {
    tn_window_attrs window;
    int64_t group, x_block, y_block;      /* blocks: of tenon.Conv, 0: plain */
    tn_ints output_padding, output_shape; /* of transposed ones */
    bool transposed;                      /* of ConvBack and ConvWeightBack */
    tn_fused_attrs fused;
    tn_dtype weights; /* of tenon.Conv: what packed weights are kept in; TN_NONE: float32 */
} tn_conv_attrs;

/* What all rows list, and what transposed ones do. */
#define TN_CONV_SPECS \
    TN_WINDOW_OF(tn_conv_attrs, window), { TN_INT(tn_conv_attrs, group, 1), .min = 1, .max = INT32_MAX }
#define TN_CONV_TRANSPOSED_SPECS                                                 \
    { TN_INTS_OF(tn_conv_attrs, output_padding), .min = 0, .max = INT32_MAX }, { \
        TN_INTS_OF(tn_conv_attrs, output_shape)                                  \
    }

/** Conv's (transposed: ConvTranspose's) attributes on these exact shapes: sizes, and the padding that auto_pad,
 *  output_shape and output_padding mean.
 *  errors   TN_E_INVALID, TN_E_SHAPE, naming the node */
tn_status tn_conv_describe(const tn_node *n, const tn_conv_attrs *a, bool transposed, const int64_t *x, int rank,
                           const int64_t *w, tn_conv_desc *d);

/** Runs a plain description on tensors of any float type. errors TN_E_NOMEM. */
tn_status tn_conv_run_any(tn_run *r, const tn_conv_desc *d, const tn_tensor *x, const tn_tensor *w, tn_tensor *y);

#endif
