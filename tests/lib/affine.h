/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* affine.h - a model whose results are easily checked, of any size: y = Relu(x w + x), once or many times in a row. */
#ifndef TN_TESTS_AFFINE_H
#define TN_TESTS_AFFINE_H

#include "op/core/op.h"

/** Input "x" and one output, both float32 [n, width]; the same w in all layers. */
tn_model *affine_model(int width, int layers);

/** An input of so many rows, the caller's. NULL: out of memory. */
tn_tensor *affine_input(int width, int64_t rows);

/** Is y, of a model of one layer, what x gives, exactly (sums of small integers)? May be called on any thread. */
bool affine_right(const tn_tensor *x, const float *y);

#endif
