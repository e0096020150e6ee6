/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* past.c - what older operator sets say of the operators here: every version, and what its form is today.
 * Source: the operator change log of ONNX (docs/Changelog.md), versions 1 to 28. */
#include "op/core/past.h"
#include "op/core/upgrade.h"

static tn_status tn_up_rnn(tn_build *b) {
    tn_node *n = b->node;
    tn_attr_remove(n, "output_sequence");
    return tn_attr_is(n, "direction", "foward", "") ? tn_attr_set_string(n, "direction", "forward") : TN_OK;
}

/* -------------------------------------------------------------------------------------------------------- records */

const tn_op_past tn_op_past_recurrent[] = {
    { "CausalConvWithState", TN_VERSIONS({ 27, 4, 2, TN_ONLY(F32) | TN_ONLY(F16) | TN_ONLY(BF16),
                                           TN_ONLY(F32) | TN_ONLY(F16) | TN_ONLY(BF16), "activation" }) },
    { "GRU",
      TN_VERSIONS(
          { 1, 6, 2, TN_FLOATS_1, TN_FLOATS_1,
            "activation_alpha activation_beta activations clip direction hidden_size output_sequence" },
          { 3, 6, 2, TN_FLOATS_1, TN_FLOATS_1,
            "activation_alpha activation_beta activations clip direction hidden_size linear_before_reset "
            "output_sequence" },
          { 7, 6, 2, TN_FLOATS_1, TN_FLOATS_1,
            "activation_alpha activation_beta activations clip direction hidden_size linear_before_reset" },
          { 14, 6, 2, TN_FLOATS_1, TN_FLOATS_1,
            "activation_alpha activation_beta activations clip direction hidden_size layout linear_before_reset" },
          { 22, 6, 2, TN_FLOATS, TN_FLOATS,
            "activation_alpha activation_beta activations clip direction hidden_size layout linear_before_reset" }),
      .upgrades = TN_UPGRADES({ 14, tn_up_rnn }) },
    { "LSTM",
      TN_VERSIONS(
          { 1, 8, 3, TN_FLOATS_1, TN_FLOATS_1,
            "activation_alpha activation_beta activations clip direction hidden_size input_forget output_sequence" },
          { 7, 8, 3, TN_FLOATS_1, TN_FLOATS_1,
            "activation_alpha activation_beta activations clip direction hidden_size input_forget" },
          { 14, 8, 3, TN_FLOATS_1, TN_FLOATS_1,
            "activation_alpha activation_beta activations clip direction hidden_size input_forget layout" },
          { 22, 8, 3, TN_FLOATS, TN_FLOATS,
            "activation_alpha activation_beta activations clip direction hidden_size input_forget layout" }),
      .upgrades = TN_UPGRADES({ 14, tn_up_rnn }) },
    { "LinearAttention",
      TN_VERSIONS({ 27, 6, 2, TN_ONLY(F32) | TN_ONLY(F16) | TN_ONLY(BF16), TN_ONLY(F32) | TN_ONLY(F16) | TN_ONLY(BF16),
                    "chunk_size kv_num_heads q_num_heads scale update_rule" }) },
    { "RNN",
      TN_VERSIONS({ 1, 6, 2, TN_FLOATS_1, TN_FLOATS_1,
                    "activation_alpha activation_beta activations clip direction hidden_size output_sequence" },
                  { 7, 6, 2, TN_FLOATS_1, TN_FLOATS_1,
                    "activation_alpha activation_beta activations clip direction hidden_size" },
                  { 14, 6, 2, TN_FLOATS_1, TN_FLOATS_1,
                    "activation_alpha activation_beta activations clip direction hidden_size layout" },
                  { 22, 6, 2, TN_FLOATS, TN_FLOATS,
                    "activation_alpha activation_beta activations clip direction hidden_size layout" }),
      .upgrades = TN_UPGRADES({ 14, tn_up_rnn }) },
    { "TensorScatter", TN_VERSIONS({ 24, 3, 1, TN_TENSORS_24, TN_TENSORS_24, "axis mode" }) },
    { NULL },
};
