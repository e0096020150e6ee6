/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* upgrade.h - old forms of the operators here as the newest ones. */
#ifndef TN_OP_MATH_UPGRADE_H
#define TN_OP_MATH_UPGRADE_H

#include "op/core/upgrade.h"

tn_status tn_up_broadcast(tn_build *b);
tn_status tn_up_prelu(tn_build *b);
tn_status tn_up_flat_softmax(tn_build *b);
tn_status tn_up_gemm(tn_build *b);
tn_status tn_up_cast(tn_build *b);
tn_status tn_up_selu(tn_build *b);
tn_status tn_up_affine(tn_build *b);
tn_status tn_up_scaled_tanh(tn_build *b);
tn_status tn_up_clip(tn_build *b);
tn_status tn_up_top_k(tn_build *b);
tn_status tn_up_dropout(tn_build *b);

#endif
