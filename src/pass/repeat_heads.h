/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* repeat_heads.h - keys and values that exporters repeat for groups of query heads:
 *
 *     x [batch, 2, rows, size] ─ Unsqueeze ─ Expand [batch, 2, 4, rows, size] ─ Reshape [batch, 8, rows, size]
 *
 * Attention takes x as it is. */
#ifndef TN_PASS_REPEAT_HEADS_H
#define TN_PASS_REPEAT_HEADS_H

#include "pass/util.h"

/** What v, of rank 4, repeats along dimension `heads`, every element *times (> 1) side by side; NULL: nothing certain.
 */
tn_value *tn_pass_repeated(const tn_value *v, int heads, int64_t *times);

/** Attention of ai.onnx without a past and its own outputs, whose keys and values of rank 4 are repeated: takes them as
 *  they are. *changed: whether it did. errors TN_E_NOMEM */
tn_status tn_pass_take_repeated(tn_node *n, bool *changed);

#endif
