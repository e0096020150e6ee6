/* conv.h - what a convolution node computes, for the operators that are its gradients. */
#ifndef TN_OP_CONV_H
#define TN_OP_CONV_H

#include "kernel/conv.h"
#include "op/op.h"

/** Conv's (transposed: ConvTranspose's) attributes on these exact shapes: sizes, and the padding that auto_pad,
 *  output_shape and output_padding mean.
 *  errors   TN_E_INVALID, TN_E_SHAPE, naming the node */
tn_status tn_conv_describe(const tn_node *n, bool transposed, const int64_t *x, int rank, const int64_t *w,
                           tn_conv_desc *d);

/** Runs a plain description on tensors of any float type. errors TN_E_NOMEM. */
tn_status tn_conv_run_any(tn_run *r, const tn_conv_desc *d, const tn_tensor *x, const tn_tensor *w, tn_tensor *y);

#endif
