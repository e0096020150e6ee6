/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* grads.h - the gradients that rows of this folder name, and where others need them. */
#ifndef TN_OP_IMAGE_GRADS_H
#define TN_OP_IMAGE_GRADS_H

#include "op/core/grad.h"

tn_status tn_grad_grid_sample(tn_grad *g);

#endif
