/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* grads.h - the gradients that rows of this folder name, and where others need them. */
#ifndef TN_OP_ML_GRADS_H
#define TN_OP_ML_GRADS_H

#include "op/core/grad.h"

tn_status tn_grad_linear(tn_grad *g);
tn_status tn_grad_scaler(tn_grad *g);
tn_status tn_grad_imputer(tn_grad *g);
tn_status tn_grad_normalizer(tn_grad *g);
tn_status tn_grad_extract(tn_grad *g);
tn_status tn_grad_vectorizer(tn_grad *g);

#endif
