/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* states.h - which inputs and outputs of a model can be a state (docs/state.md), for `tenon inspect`. */
#ifndef TN_CLI_STATES_H
#define TN_CLI_STATES_H

#include "graph/graph.h"

/** Adds what pairs there are, each with what a run does with it and the bytes of a row of a cache: as text, or as a
 * JSON member that begins with a comma. Nothing where names say that there are none, or the model cannot be run. The
 * model is optimised for it. */
void tn_states_put(const tn_model *m, const char *precision, bool json, tn_text *out);

#endif
