/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* grads.h - the gradients that rows of this folder name, and where others need them. */
#ifndef TN_OP_NN_GRADS_H
#define TN_OP_NN_GRADS_H

#include "op/core/grad.h"

tn_status tn_grad_conv(tn_grad *g);
tn_status tn_grad_max_pool(tn_grad *g);
tn_status tn_grad_pool(tn_grad *g);
tn_status tn_grad_global_pool(tn_grad *g);
tn_status tn_grad_batch_norm(tn_grad *g);
tn_status tn_grad_layer_norm(tn_grad *g);
tn_status tn_grad_group_norm(tn_grad *g);
tn_status tn_grad_lp_norm(tn_grad *g);
tn_status tn_grad_mean_variance(tn_grad *g);
tn_status tn_grad_lrn(tn_grad *g);
tn_status tn_grad_center(tn_grad *g);
tn_status tn_grad_unpool(tn_grad *g);
tn_status tn_grad_fold(tn_grad *g);
tn_status tn_grad_deform_conv(tn_grad *g);

#endif
