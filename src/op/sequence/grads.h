/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* grads.h - the gradients that rows of this folder name, and where others need them. */
#ifndef TN_OP_SEQUENCE_GRADS_H
#define TN_OP_SEQUENCE_GRADS_H

#include "op/core/grad.h"

tn_status tn_grad_sequence_construct(tn_grad *g);
tn_status tn_grad_sequence_at(tn_grad *g);
tn_status tn_grad_sequence_insert(tn_grad *g);
tn_status tn_grad_sequence_erase(tn_grad *g);
tn_status tn_grad_sequence_split(tn_grad *g);
tn_status tn_grad_sequence_concat(tn_grad *g);
tn_status tn_grad_optional(tn_grad *g);
tn_status tn_grad_optional_get(tn_grad *g);
tn_status tn_grad_sequence_map(tn_grad *g);

#endif
