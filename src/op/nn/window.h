/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* window.h - the sliding window that convolutions and poolings share: kernel, strides, dilations, padding. */
#ifndef TN_OP_NN_WINDOW_H
#define TN_OP_NN_WINDOW_H

#include "op/core/op.h"

enum { TN_WINDOW_RANK = TN_MAX_RANK - 2 };

typedef enum { TN_PAD_EXPLICIT, TN_PAD_VALID, TN_PAD_SAME_UPPER, TN_PAD_SAME_LOWER } tn_auto_pad;

/** The attributes of a window, a member of the structs of rows that have one: TN_WINDOW_OF. */
typedef struct {
    int auto_pad; /* a tn_auto_pad */
    tn_ints kernel_shape, pads, strides, dilations;
    bool ceil_mode;
} tn_window_attrs;

typedef struct {
    int rank;                       /* spatial dimensions */
    int64_t kernel[TN_WINDOW_RANK]; /* 0: the weight's, not known yet */
    int64_t stride[TN_WINDOW_RANK], dilation[TN_WINDOW_RANK];
    int64_t begin[TN_WINDOW_RANK], end[TN_WINDOW_RANK]; /* padding; for SAME filled by tn_window_place */
    tn_auto_pad auto_pad;
    bool ceil;
} tn_window;

/** The window that a describes for `rank` spatial dimensions, checked: kernel_shape, or `kernel`, the weight's spatial
 *  dims, when that is absent (NULL: it is required).
 *  errors   TN_E_INVALID naming the node and attribute: wrong counts, zero or negative sizes, absurd values; TN_E_SHAPE
 */
tn_status tn_window_of(const tn_node *n, const tn_window_attrs *a, int rank, const tn_dim *kernel, tn_window *w);

/** The same from the node's attributes themselves, for gradient builders. */
tn_status tn_window_read(const tn_node *n, int rank, const tn_dim *kernel, tn_window *w);

/** Output length along spatial dimension d for an input length, as far as known. errors TN_E_SHAPE: the window does not
 * fit. */
tn_status tn_window_out(const tn_node *n, tn_syms *syms, const tn_window *w, int d, tn_dim in, tn_dim *out);

/** Exact output lengths, and the padding that SAME means for these input lengths. */
tn_status tn_window_place(const tn_node *n, tn_window *w, const int64_t *in, int64_t *out);

/** Rows for tn_attr_spec tables: member m, a tn_window_attrs, of struct T. Ranges are what tn_window_of wants. */
#define TN_AUTO_PADS "NOTSET|VALID|SAME_UPPER|SAME_LOWER" /* in the order of tn_auto_pad */
#define TN_WINDOW_INTS(T, m, name_, lo) \
    { TN_STORED(T, m.name_, #name_, INTS, INTS, tn_ints), .min = lo, .max = INT32_MAX }
#define TN_WINDOW_OF(T, m)                                                                                    \
    { TN_WORD_AS(T, m.auto_pad, "auto_pad", TN_AUTO_PADS, "NOTSET") }, TN_WINDOW_INTS(T, m, kernel_shape, 1), \
        TN_WINDOW_INTS(T, m, pads, -INT32_MAX), TN_WINDOW_INTS(T, m, strides, 1), TN_WINDOW_INTS(T, m, dilations, 1)
#define TN_WINDOW_CEIL_OF(T, m) /* of poolings alone */ \
    { TN_FLAG_AS(T, m.ceil_mode, "ceil_mode", false) }

#endif
