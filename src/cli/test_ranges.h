/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* test_ranges.h - ranges of shapes about those of a case's data, at random: for `tenon test --ranges`. */
#ifndef TN_CLI_TEST_RANGES_H
#define TN_CLI_TEST_RANGES_H

#include "graph/graph.h"

typedef struct {
    tn_shape_range v[64];
    size_t n;
    int64_t dims[64][2 * TN_MAX_RANK];
    char *names[64]; /* of the inputs: the model they come from may be read anew */
} tn_random_ranges;

/** Bounds about the sizes of given inputs, some sizes that are equal being one symbol of the model, which is changed to
 *  say so; others vary on their own, and some do not vary.
 *  given    [inputs of m] exact types; kind NONE: not given
 *  out      nothing when an input is no tensor
 *  errors   TN_E_NOMEM */
tn_status tn_random_ranges_make(tn_model *m, const tn_type *given, unsigned seed, tn_random_ranges *out);
void tn_random_ranges_free(tn_random_ranges *r);

#endif
