/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* history.h - since when a node's present form is valid. */
#ifndef TN_FORMAT_ONNX_HISTORY_H
#define TN_FORMAT_ONNX_HISTORY_H

#include "graph/graph.h"

/** The lowest version of ai.onnx in which a node in its newest form is valid; the newest version of the operator when
 *  none is known to fit; 0 when ai.onnx has no such operator. */
int tn_onnx_lowest_opset(const tn_node *n);

/** The i-th operator that ai.onnx has or had, in alphabetical order; NULL past the last. *versions receives the
 * operator sets in which it changed, at most `cap`, the oldest first; *n how many. */
const char *tn_onnx_operator(int i, int *versions, int cap, int *n);

#endif
