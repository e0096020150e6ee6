/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* layout.c - tenon.ToBlocked and tenon.FromBlocked: a value between ONNX's [N, C, H, W] and the blocked channel layout
 * [N, ceil(C / c), H, W, c] that fast convolutions use (kernel/conv.h). Made by the layout pass. */
#include "kernel/kernel.h"
#include "kernel/reorder.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/nn/blocked.h"

typedef struct {
    int64_t block;
} blocking;

typedef struct {
    int64_t channels;
} unblocking;

static tn_status to_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    int64_t block = ((const blocking *)c->attrs)->block;
    tn_dim dims[TN_MAX_RANK];
    if (block != tn_float_block() || rank == 0 || rank == 1 || rank >= TN_MAX_RANK)
        return tn_infer_fail(c, TN_E_SHAPE, "a tensor of %d dimensions cannot be blocked by %lld", rank,
                             (long long)block);
    for (int d = 0; d < rank; d++)
        dims[d] = d == 1 ? tn_dim_ceil_div(c->syms, c->in[0]->dims[1], block) : c->in[0]->dims[d];
    dims[rank < 0 ? 0 : rank] = block;
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank < 0 ? -1 : rank + 1, dims);
    return TN_OK;
}

static tn_status from_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    tn_dim dims[TN_MAX_RANK];
    TN_TRY(tn_infer_unblocked(c, tn_float_block(), ((const unblocking *)c->attrs)->channels));
    for (int d = 0; d < rank - 1; d++) dims[d] = d == 1 ? ((const unblocking *)c->attrs)->channels : c->in[0]->dims[d];
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank < 0 ? -1 : rank - 1, dims);
    return TN_OK;
}

static tn_status reorder_run(tn_run *r) {
    bool to = r->node->op->arg;
    const tn_tensor *plain = to ? tn_in(r, 0) : tn_out(r, 0);
    tn_reorder(tn_kernels_get(), plain->dims[0], plain->dims[1], tn_op_product(plain->dims, 2, plain->rank),
               to ? TN_LAYOUT_PLAIN : TN_LAYOUT_BLOCKED, tn_in(r, 0)->data, to ? TN_LAYOUT_BLOCKED : TN_LAYOUT_PLAIN,
               tn_out(r, 0)->data, r->pool);
    return TN_OK;
}

static const tn_port f32_t[] = { { "X", tn_dtype_bit(TN_F32), 'T' }, { 0 } };
static const tn_attr_spec to_attrs[] = { { TN_INT(blocking, block, 0), .required = true }, { 0 } };
static const tn_attr_spec from_attrs[] = { { TN_INT(unblocking, channels, 0), .required = true }, { 0 } };

const tn_op tn_ops_layout[] = {
    { .name = "ToBlocked",
      .domain = "tenon",
      .since = 1,
      .flags = TN_OP_INTERNAL,
      .in = f32_t,
      .out = f32_t,
      TN_ATTRS(to_attrs, blocking),
      .infer = to_infer,
      .run = reorder_run,
      .arg = true,
      .doc = "[N, C, ..] to [N, C/c, .., c]" },
    { .name = "FromBlocked",
      .domain = "tenon",
      .since = 1,
      .flags = TN_OP_INTERNAL,
      .in = f32_t,
      .out = f32_t,
      TN_ATTRS(from_attrs, unblocking),
      .infer = from_infer,
      .run = reorder_run,
      .arg = false,
      .doc = "[N, C/c, .., c] to [N, C, ..]" },
    { 0 },
};
