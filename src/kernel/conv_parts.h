/* conv_parts.h - the convolution algorithms, one file of kernel/ each; conv.c lists them. */
#ifndef TN_KERNEL_CONV_PARTS_H
#define TN_KERNEL_CONV_PARTS_H

#include "kernel/conv.h"

extern const tn_conv_algo tn_conv_algo_blocked, tn_conv_algo_thin, tn_conv_algo_depthwise; /* conv_blocked.c */
extern const tn_conv_algo tn_conv_algo_direct;                                             /* conv.c */

#endif
