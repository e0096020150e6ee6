/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* repair.h - what exporters are known to write although the specification has it otherwise, and what is meant.
 * docs/onnx.md has the list for users, with the two repairs that are made elsewhere: names that hide outer ones
 * (names.c), and nodes that several branches of a tree share (op/ml/trees.c). */
#ifndef TN_FORMAT_ONNX_REPAIR_H
#define TN_FORMAT_ONNX_REPAIR_H

#include "graph/graph.h"

/** Whether the operator is one of those that are looked at: then types are wanted. */
bool tn_onnx_repairs(const tn_node *n);

/** Repairs node n, whose inputs' types are as far known as inference can say. Each repair is a finding of the model
 * that names the node. errors TN_E_NOMEM */
tn_status tn_onnx_repair(tn_node *n);

#endif
