/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* grads.h - the gradients that rows of this folder name, and where others need them. */
#ifndef TN_OP_MATH_GRADS_H
#define TN_OP_MATH_GRADS_H

#include "op/core/grad.h"

tn_status tn_grad_unary(tn_grad *g);
tn_status tn_grad_clip(tn_grad *g);
tn_status tn_grad_binary(tn_grad *g);
tn_status tn_grad_where(tn_grad *g);
tn_status tn_grad_cast(tn_grad *g);
tn_status tn_grad_dropout(tn_grad *g);
tn_status tn_grad_same(tn_grad *g);
tn_status tn_grad_reduce(tn_grad *g);
tn_status tn_grad_softmax(tn_grad *g);
tn_status tn_grad_cumulate(tn_grad *g);
tn_status tn_grad_matmul(tn_grad *g);
tn_status tn_grad_gemm(tn_grad *g);
tn_status tn_grad_einsum(tn_grad *g);
tn_status tn_grad_det(tn_grad *g);
tn_status tn_grad_cofactors(tn_grad *g);
tn_status tn_grad_topk(tn_grad *g);
tn_status tn_grad_unique(tn_grad *g);
tn_status tn_grad_fused_matmul(tn_grad *g);
tn_status tn_grad_inverse(tn_grad *g);

#endif
