/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* past.c - what older operator sets say of the operators here: every version, and what its form is today.
 * Source: the operator change log of ONNX (docs/Changelog.md), versions 1 to 28. */
#include "op/core/past.h"

static bool has_no_input(const tn_node *n) { return n->n_inputs == 0 || !n->inputs[0]; }

/* -------------------------------------------------------------------------------------------------------- records */

const tn_op_past tn_op_past_sequence[] = {
    { "ConcatFromSequence", TN_VERSIONS({ 11, 1, 1, TN_SEQUENCES, TN_TENSORS_1, "axis new_axis" }) },
    { "Optional", TN_VERSIONS({ 15, 1, 1, TN_TENSORS_1 | TN_SEQUENCES, TN_OPTIONALS, "type" }) },
    { "OptionalGetElement",
      TN_VERSIONS({ 15, 1, 1, TN_OPTIONALS, TN_TENSORS_1 | TN_SEQUENCES, "" },
                  { 18, 1, 1, TN_TENSORS_1 | TN_SEQUENCES | TN_OPTIONALS, TN_TENSORS_1 | TN_SEQUENCES, "" }) },
    { "OptionalHasElement",
      TN_VERSIONS({ 15, 1, 1, TN_OPTIONALS, TN_BOOLS, "" },
                  { 18, 1, 1, TN_TENSORS_1 | TN_SEQUENCES | TN_OPTIONALS, TN_BOOLS, "" }),
      .demands = TN_DEMANDS({ 18, .when = has_no_input }) },
    { "SequenceAt", TN_VERSIONS({ 11, 2, 1, TN_SEQUENCES, TN_TENSORS_1, "" }) },
    { "SequenceConstruct", TN_VERSIONS({ 11, TN_MANY, 1, TN_TENSORS_1, TN_SEQUENCES, "" }) },
    { "SequenceEmpty", TN_VERSIONS({ 11, 0, 1, 0, TN_SEQUENCES, "dtype" }) },
    { "SequenceErase", TN_VERSIONS({ 11, 2, 1, TN_SEQUENCES, TN_SEQUENCES, "" }) },
    { "SequenceInsert", TN_VERSIONS({ 11, 3, 1, TN_SEQUENCES, TN_SEQUENCES, "" }) },
    { "SequenceLength", TN_VERSIONS({ 11, 1, 1, TN_SEQUENCES, TN_ONLY(I64), "" }) },
    { "SplitToSequence", TN_VERSIONS({ 11, 2, 1, TN_TENSORS_1, TN_SEQUENCES, "axis keepdims" },
                                     { 24, 2, 1, TN_TENSORS_13, TN_SEQUENCES, "axis keepdims" }) },
    { NULL },
};
