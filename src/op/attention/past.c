/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* past.c - what older operator sets say of the operators here: every version, and what its form is today.
 * Source: the operator change log of ONNX (docs/Changelog.md), versions 1 to 28. */
#include "op/core/past.h"
#include "op/core/upgrade.h"

/* How many rows v has for each head, [1]: its last dimension but one. */
static tn_value *rows_of(tn_build *b, tn_value *v) {
    return tn_emit(b, "Gather", tn_emit(b, "Shape", v), tn_build_int(b, "rows", -2));
}

/* A mask with one column was for all keys. Since 24 a mask with fewer columns than keys hides the rest. */
static tn_status tn_up_attention(tn_build *b) {
    tn_node *n = b->node;
    enum { K = 1, MASK = 3, PAST_K = 4 };
    tn_value *k = tn_up_input(n, K), *mask = tn_up_input(n, MASK), *past = tn_up_input(n, PAST_K);
    int rank = mask ? tn_up_rank(mask) : -1;
    tn_dim last = rank > 0 ? mask->type.dims[rank - 1] : TN_DIM_UNKNOWN;
    if (!k || !mask || rank == 0 || (tn_dim_known(last) && last != 1)) return b->st;
    tn_value *keys = rows_of(b, k), *cached = past ? rows_of(b, past) : NULL;
    if (past) keys = tn_emit(b, "Add", keys, cached);
    return tn_build_input(b, MASK, tn_emit(b, "Expand", mask, keys));
}

/* Attention: a mask with fewer columns than there are keys hides the others since 24; before, one column was for all
 * keys. Only a mask whose width the reader knows, too, is one of the old version. */
static bool mask_may_be_short(const tn_node *n) {
    enum { K = 1, MASK = 3, PAST_K = 4 };
    if (n->n_inputs <= MASK || !n->inputs[MASK]) return false;
    int64_t keys = tn_past_size(tn_past_type(n, K), -2), width = tn_past_size(tn_past_type(n, MASK), -1), past = 0;
    if (n->n_inputs > PAST_K && n->inputs[PAST_K]) past = tn_past_size(tn_past_type(n, PAST_K), -2);
    int64_t all;
    return n->inputs[MASK]->producer || keys < 0 || past < 0 || __builtin_add_overflow(keys, past, &all) ||
           width != all;
}

/* -------------------------------------------------------------------------------------------------------- records */

const tn_op_past tn_op_past_attention[] = {
    { "Attention",
      TN_VERSIONS({ 23, 6, 4, TN_FLOATS, TN_FLOATS,
                    "is_causal kv_num_heads q_num_heads qk_matmul_output_mode scale softcap softmax_precision" },
                  { 24, 7, 4, TN_FLOATS, TN_FLOATS,
                    "is_causal kv_num_heads q_num_heads qk_matmul_output_mode scale softcap softmax_precision" },
                  { 25, 7, 4, TN_FLOATS, TN_FLOATS,
                    "is_causal kv_num_heads left_window_size q_num_heads qk_matmul_output_mode right_window_size scale "
                    "softcap softmax_precision" }),
      .upgrades = TN_UPGRADES({ 24, tn_up_attention }), .demands = TN_DEMANDS({ 24, .when = mask_may_be_short }) },
    { "RotaryEmbedding",
      TN_VERSIONS({ 23, 4, 1, TN_ONLY(F32) | TN_ONLY(F16) | TN_ONLY(BF16), TN_ONLY(F32) | TN_ONLY(F16) | TN_ONLY(BF16),
                    "interleaved num_heads rotary_embedding_dim" }) },
    { NULL },
};
