/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* call.h - what an operator is run with, from the step that was planned. */
#ifndef TN_ENGINE_CALL_H
#define TN_ENGINE_CALL_H

#include "engine/plan.h"

/** *r: the step's node, attributes, implementation, state, numbers of operands and bytes of room; in and out point to
 *  data[i] of the step's slots i, NULL for -1. Pool, memory and executor are left to the caller.
 *  owns     the arrays lie in `a`. returns false without memory */
bool tn_step_call(tn_arena *a, const tn_step *s, tn_datum *data, tn_run *r);

#endif
