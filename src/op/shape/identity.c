/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* identity.c - operators that hand their input on: Identity, and Dropout as it is at inference. */
#include "op/math/grads.h"

tn_status tn_infer_pass(tn_infer *c) {
    if (tn_infer_has(c, 0)) c->out[0] = *c->in[0];
    if (tn_infer_has(c, 0) && c->in_content[0]) c->out_content[0] = c->in_content[0];
    return TN_OK;
}

static const tn_port any_in[] = { { "input", 0, 0 }, { 0 } };
static const tn_port any_out[] = { { "output", 0, 0 }, { 0 } };

const tn_op tn_ops_identity[] = {
    { .name = "Identity",
      .since = 25,
      .flags = TN_OP_ALIAS,
      .in = any_in,
      .out = any_out,
      .infer = tn_infer_pass,
      .grad = tn_grad_same,
      .doc = "the input, unchanged: a tensor, a sequence or an optional" },
    { 0 },
};
