/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* output_names.h - files for a model's outputs: one name each, made from names that may hold anything. */
#ifndef TN_CLI_OUTPUT_NAMES_H
#define TN_CLI_OUTPUT_NAMES_H

#include "graph/graph.h"

/** A name for a file (without its ending) per output of the model: the output's own where that is a plain file name,
 * else with '_' in place of what is no letter, digit, '.', '_' or '-' (letters of all alphabets are kept), at most 200
 * bytes; where two would be equal, the later one ends in "-2", "-3", ... An output that needs no change keeps its name.
 *  out      n_outputs names in arena a
 *  errors   TN_E_NOMEM */
tn_status tn_output_names(const tn_model *m, tn_arena *a, const char ***out);

#endif
