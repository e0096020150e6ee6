/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* nchwc.h - how many channels a block of com.microsoft.nchwc has, in a model that ONNX Runtime's optimiser wrote. */
#ifndef TN_FORMAT_ONNX_NCHWC_H
#define TN_FORMAT_ONNX_NCHWC_H

#include "graph/graph.h"

/** Gives all nodes of that domain the attribute `block`: 8 or 16. What the weights' shapes do not say is what ONNX
 *  Runtime would take on this CPU, with a finding that says so. Models without such nodes stay as they are.
 *  errors TN_E_NOMEM */
tn_status tn_onnx_blocks(tn_model *m);

#endif
