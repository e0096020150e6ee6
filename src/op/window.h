/* window.h - the sliding window that convolutions and poolings share: kernel, strides, dilations, padding. */
#ifndef TN_OP_WINDOW_H
#define TN_OP_WINDOW_H

#include "op/op.h"

enum { TN_WINDOW_RANK = TN_MAX_RANK - 2 };

typedef enum { TN_PAD_EXPLICIT, TN_PAD_VALID, TN_PAD_SAME_UPPER, TN_PAD_SAME_LOWER } tn_auto_pad;

typedef struct {
    int rank;                       /* spatial dimensions */
    int64_t kernel[TN_WINDOW_RANK]; /* 0: the weight's, not known yet */
    int64_t stride[TN_WINDOW_RANK], dilation[TN_WINDOW_RANK];
    int64_t begin[TN_WINDOW_RANK], end[TN_WINDOW_RANK]; /* padding; for SAME filled by tn_window_place */
    tn_auto_pad auto_pad;
    bool ceil;
} tn_window;

/** Reads kernel_shape (or `kernel`, the weight's spatial dims, when absent; NULL: required), strides, dilations, pads,
 *  auto_pad, ceil_mode for `rank` spatial dimensions and checks them.
 *  errors   TN_E_INVALID naming the node and attribute: wrong counts, zero or negative sizes, absurd values */
tn_status tn_window_read(const tn_node *n, int rank, const tn_dim *kernel, tn_window *w);

/** Output length along spatial dimension d for an input length, as far as known. errors TN_E_SHAPE: the window does not
 * fit. */
tn_status tn_window_out(const tn_node *n, tn_syms *syms, const tn_window *w, int d, tn_dim in, tn_dim *out);

/** Exact output lengths, and the padding that SAME means for these input lengths. */
tn_status tn_window_place(const tn_node *n, tn_window *w, const int64_t *in, int64_t *out);

/** Rows for tn_attr_spec tables. */
#define TN_WINDOW_ATTRS                                                                         \
    { "auto_pad", TN_ATTR_STRING, .words = "NOTSET|SAME_UPPER|SAME_LOWER|VALID" },              \
        { "kernel_shape", TN_ATTR_INTS, .min = 1, .max = INT32_MAX }, { "pads", TN_ATTR_INTS }, \
        { "strides", TN_ATTR_INTS, .min = 1, .max = INT32_MAX }, {                              \
        "dilations", TN_ATTR_INTS, .min = 1, .max = INT32_MAX                                   \
    }

#endif
