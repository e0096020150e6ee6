/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* model_equal.h - whether two models are the same graph: names, order, attributes, contents, types. */
#ifndef TN_TESTS_MODEL_EQUAL_H
#define TN_TESTS_MODEL_EQUAL_H

#include "graph/graph.h"

/** True when equal; else `why` says the first difference. What nothing uses is not compared. */
bool models_equal(const tn_model *a, const tn_model *b, char *why, size_t n);

#endif
