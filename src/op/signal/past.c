/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* past.c - what older operator sets say of the operators here: every version, and what its form is today.
 * Source: the operator change log of ONNX (docs/Changelog.md), versions 1 to 28. */
#include "op/core/past.h"
#include "op/core/upgrade.h"

static tn_status tn_up_dft(tn_build *b) {
    tn_node *n = b->node;
    tn_value *c = tn_build_long(b, "axis", tn_attr_int(n, "axis", 1));
    tn_attr_remove(n, "axis");
    return tn_build_input(b, 2, c);
}

/* -------------------------------------------------------------------------------------------------------- records */

const tn_op_past tn_op_past_signal[] = {
    { "BlackmanWindow", TN_VERSIONS({ 17, 1, 1, TN_INDEX, TN_REAL, "output_datatype periodic" }) },
    { "DFT",
      TN_VERSIONS({ 17, 2, 1, TN_FLOATS, TN_FLOATS, "axis inverse onesided" },
                  { 20, 3, 1, TN_FLOATS, TN_FLOATS, "inverse onesided" }),
      .upgrades = TN_UPGRADES({ 20, tn_up_dft }), .demands = TN_DEMANDS({ 20 }) },
    { "HammingWindow", TN_VERSIONS({ 17, 1, 1, TN_INDEX, TN_REAL, "output_datatype periodic" }) },
    { "HannWindow", TN_VERSIONS({ 17, 1, 1, TN_INDEX, TN_REAL, "output_datatype periodic" }) },
    { "MelWeightMatrix", TN_VERSIONS({ 17, 5, 1, TN_INDEX, TN_REAL, "output_datatype" }) },
    { "STFT", TN_VERSIONS({ 17, 4, 1, TN_FLOATS, TN_FLOATS, "onesided" }) },
    { NULL },
};
