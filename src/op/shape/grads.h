/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* grads.h - the gradients that rows of this folder name, and where others need them. */
#ifndef TN_OP_SHAPE_GRADS_H
#define TN_OP_SHAPE_GRADS_H

#include "op/core/grad.h"

tn_status tn_grad_reshape(tn_grad *g);
tn_status tn_grad_transpose_of(tn_grad *g);
tn_status tn_grad_pad(tn_grad *g);
tn_status tn_grad_slice(tn_grad *g);
tn_status tn_grad_split(tn_grad *g);
tn_status tn_grad_concat(tn_grad *g);
tn_status tn_grad_tile(tn_grad *g);
tn_status tn_grad_expand(tn_grad *g);
tn_status tn_grad_copying(tn_grad *g);
tn_status tn_grad_trilu(tn_grad *g);
tn_status tn_grad_space_to_depth(tn_grad *g);
tn_status tn_grad_reverse(tn_grad *g);
tn_status tn_grad_one_hot(tn_grad *g);
tn_status tn_grad_range(tn_grad *g);
tn_status tn_grad_gather(tn_grad *g);
tn_status tn_grad_gather_elements(tn_grad *g);
tn_status tn_grad_scatter_into(tn_grad *g);

#endif
