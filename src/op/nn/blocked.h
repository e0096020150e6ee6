/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* blocked.h - what the rules of operators on blocked channels [N, C/c, D.., c] ask of their inputs. Passes put them
 * together well; a compiled file may hold anything. */
#ifndef TN_OP_NN_BLOCKED_H
#define TN_OP_NN_BLOCKED_H

#include "kernel/kernel.h"
#include "op/core/op.h"

/** Channels of a block of floats. */
static inline int64_t tn_float_block(void) { return tn_kernels_get()->conv.block; }

/** errors TN_E_SHAPE: input i has another block than that, or is none, as far as is known. */
static inline tn_status tn_infer_blocked(const tn_infer *c, int i, int64_t block) {
    int rank = tn_infer_rank(c, i);
    if (rank < 0) return TN_OK;
    tn_dim last = rank >= 3 ? c->in[i]->dims[rank - 1] : 0;
    if (rank >= 3 && (!tn_dim_known(last) || last == block)) return TN_OK;
    return tn_infer_fail(c, TN_E_SHAPE, "input %d is not of blocks of %lld channels", i, (long long)block);
}

/** errors TN_E_SHAPE: `channels` are not what input 0, of such blocks, holds. */
static inline tn_status tn_infer_unblocked(const tn_infer *c, int64_t block, int64_t channels) {
    TN_TRY(tn_infer_blocked(c, 0, block));
    if (tn_infer_rank(c, 0) < 0 || !tn_dim_known(c->in[0]->dims[1])) return TN_OK;
    if (channels >= 1 && (channels - 1) / block + 1 == c->in[0]->dims[1]) return TN_OK;
    return tn_infer_fail(c, TN_E_SHAPE, "%lld blocks do not hold %lld channels", (long long)c->in[0]->dims[1],
                         (long long)channels);
}

/** errors TN_E_SHAPE: input i, where there is one, is not of output 0's shape, as far as is known. */
static inline tn_status tn_infer_like_output(const tn_infer *c, int i) {
    int rank = tn_infer_rank(c, i);
    bool same = rank < 0 || c->out[0].rank < 0 || rank == c->out[0].rank;
    for (int d = 0; same && rank >= 0 && d < c->out[0].rank; d++) {
        tn_dim a = c->in[i]->dims[d], b = c->out[0].dims[d];
        same = !tn_dim_known(a) || !tn_dim_known(b) || a == b;
    }
    return same ? TN_OK : tn_infer_fail(c, TN_E_SHAPE, "input %d is not of the result's shape", i);
}

#endif
