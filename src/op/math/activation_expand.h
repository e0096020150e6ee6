/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* activation_expand.h - what expansions of other domains share with those of com.microsoft. */
#ifndef TN_OP_MATH_ACTIVATION_EXPAND_H
#define TN_OP_MATH_ACTIVATION_EXPAND_H

#include "op/core/expand.h"

/** Gives b->node, a convolution [data, weights, bias or none, summand or none] with the attributes of Conv,
 * `activation` and `activation_params`, as a Conv of x and w (which stand for its first two inputs), the sum and the
 * activation. errors TN_E_UNSUPPORTED (an activation that is unknown), TN_E_NOMEM */
tn_status tn_expand_fused_conv(tn_build *b, tn_value *x, tn_value *w);

/** The attributes of such a convolution, and what auto_pad can be. */
#define TN_PAD_WORDS "NOTSET|SAME_UPPER|SAME_LOWER|VALID"
#define TN_FUSED_CONV_ATTRS                                                                     \
    { "activation", TN_ATTR_STRING }, { "activation_params", TN_ATTR_FLOATS },                  \
        { "auto_pad", TN_ATTR_STRING, .words = TN_PAD_WORDS }, { "dilations", TN_ATTR_INTS },   \
        { "group", TN_ATTR_INT }, { "kernel_shape", TN_ATTR_INTS }, { "pads", TN_ATTR_INTS }, { \
        "strides", TN_ATTR_INTS                                                                 \
    }

#endif
