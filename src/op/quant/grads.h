/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* grads.h - the gradients that rows of this folder name, and where others need them. */
#ifndef TN_OP_QUANT_GRADS_H
#define TN_OP_QUANT_GRADS_H

#include "op/core/grad.h"

tn_status tn_grad_dequantize(tn_grad *g);
tn_status tn_grad_nbits(tn_grad *g);
tn_status tn_grad_integer_to_float(tn_grad *g);
tn_status tn_grad_dynamic_product(tn_grad *g);
tn_status tn_grad_quantised_gemm(tn_grad *g);

#endif
