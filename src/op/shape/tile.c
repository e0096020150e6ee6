/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* tile.c - Tile and Expand: a tensor repeated along its dimensions. */
#include "base/budget.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/shape/grads.h"
#include <string.h>

/* ---------------------------------------------------------------------------------------------------------- Tile */

static tn_status tile_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), n;
    const tn_dim *repeats = tn_infer_ints(c, 1, &n);
    tn_dim dims[TN_MAX_RANK];
    if (rank < 0 || !repeats) {
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, NULL);
        return TN_OK;
    }
    if (n != rank) return tn_infer_fail(c, TN_E_SHAPE, "repeats has %d entries for %d dimensions", n, rank);
    for (int d = 0; d < rank; d++) {
        if (tn_dim_known(repeats[d]) && repeats[d] < 0)
            return tn_infer_fail(c, TN_E_INVALID, "repeats[%d] is %lld", d, (long long)repeats[d]);
        dims[d] = tn_dim_mul(c->syms, c->in[0]->dims[d], repeats[d]);
    }
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, dims);
    return TN_OK;
}

/* Fills y by reading x periodically: dimension d of y (y has y->rank >= x->rank, aligned at the end) is read modulo
 * x's. Works from the last dimension outwards, so that whole finished rows are copied. */
static void repeat(tn_tensor *y, const tn_tensor *x) {
    int64_t done = 1; /* elements of a finished block at the start of y */
    int lead = y->rank - x->rank;
    int64_t total = tn_count(y), rows, row = 1;
    if (total == 0) return;
    /* 1. Place x's rows at their coordinates with every repeat index 0, 2. then double along each dimension. */
    int64_t at[TN_MAX_RANK] = { 0 }, stride[TN_MAX_RANK + 1];
    stride[y->rank] = 1;
    for (int d = y->rank - 1; d >= 0; d--) stride[d] = stride[d + 1] * y->dims[d];
    if (x->rank > 0) row = x->dims[x->rank - 1];
    rows = row ? tn_count(x) / row : 0;
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < rows; i++) {
        int64_t off = 0;
        if (tn_ticks_stopped(&ticks, 16 + (uint64_t)row)) return;
        for (int d = 0; d < x->rank - 1; d++) off += at[d] * stride[lead + d + 1];
        tn_op_copy_elements(y, off, x, i * row, row);
        for (int d = x->rank - 2; d >= 0 && ++at[d] == x->dims[d]; d--) at[d] = 0;
    }
    for (int d = y->rank - 1; d >= 0; d--) { /* dimension d: the block [0, len) is there, in every outer row of x */
        int64_t len = d >= lead ? x->dims[d - lead] : 1, want = y->dims[d], outer = 1, pos[TN_MAX_RANK] = { 0 };
        done = len * stride[d + 1];
        for (int k = lead; k < d; k++) outer *= x->dims[k - lead];
        for (int64_t o = 0; o < outer && want > len; o++) {
            int64_t base = 0;
            for (int k = lead; k < d; k++) base += pos[k] * stride[k + 1];
            for (int64_t have = done; have < want * stride[d + 1]; have *= 2) {
                int64_t n = have < want * stride[d + 1] - have ? have : want * stride[d + 1] - have;
                if (tn_ticks_stopped(&ticks, 16 + (uint64_t)n)) return;
                tn_op_copy_elements(y, base + have, y, base, n);
            }
            for (int k = d - 1; k >= lead && ++pos[k] == x->dims[k - lead]; k--) pos[k] = 0;
        }
    }
}

static tn_status repeat_run(tn_run *r) {
    repeat(tn_out(r, 0), tn_in(r, 0));
    if (tn_budget_stopped()) return tn_op_stopped(r);
    return tn_op_own_strings(tn_out(r, 0));
}

/* -------------------------------------------------------------------------------------------------------- Expand */

static tn_status expand_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), n;
    const tn_dim *shape = tn_infer_ints(c, 1, &n);
    tn_dim dims[TN_MAX_RANK];
    if (rank < 0 || !shape) {
        int length = tn_infer_length(c, 1);
        bool ranked = rank >= 0 && length >= 0 && length <= TN_MAX_RANK;
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), ranked ? (length > rank ? length : rank) : -1, NULL);
        return TN_OK;
    }
    if (n > TN_MAX_RANK) return tn_infer_fail(c, TN_E_SHAPE, "shape has %d entries, at most %d can be", n, TN_MAX_RANK);
    int out = n > rank ? n : rank;
    for (int i = 0; i < out; i++) {
        tn_dim a = i < out - rank ? 1 : c->in[0]->dims[i - (out - rank)], b = i < out - n ? 1 : shape[i - (out - n)];
        if (tn_dim_known(b) && b < 0) return tn_infer_fail(c, TN_E_SHAPE, "shape holds %lld", (long long)b);
        TN_TRY(tn_infer_broadcast_dim(c, a, b, &dims[i]));
    }
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), out, dims);
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port tile_in[] = { { "input", TN_ANY_TYPE, 'T' }, { "repeats", tn_dtype_bit(TN_I64), 0 }, { 0 } };
static const tn_port expand_in[] = { { "input", TN_ANY_TYPE, 'T' }, { "shape", tn_dtype_bit(TN_I64), 0 }, { 0 } };

const tn_op tn_ops_tile[] = {
    { .name = "Tile",
      .since = 13,
      .in = tile_in,
      .out = tn_ports_any_t,
      .infer = tile_infer,
      .run = repeat_run,
      .grad = tn_grad_tile,
      .doc = "the input repeated along each dimension" },
    { .name = "Expand",
      .since = 13,
      .in = expand_in,
      .out = tn_ports_any_t,
      .infer = expand_infer,
      .run = repeat_run,
      .grad = tn_grad_expand,
      .doc = "the input broadcast to a shape" },
    { 0 },
};
