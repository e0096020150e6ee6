/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* test_random.h - outputs of models that draw random numbers: another generator's draw cannot be met number by number,
 * so shape, element type and statistics are compared. */
#ifndef TN_CLI_TEST_RANDOM_H
#define TN_CLI_TEST_RANDOM_H

#include "graph/graph.h"

/** Does output i of the model depend on drawn numbers? in[] are the graph's inputs (NULL: not given): Dropout draws
 * only when its training_mode is true. */
bool tn_random_output(const tn_model *m, const tn_datum *const *in, int output);

/** Compares have with the stored want:
 *    - types and shapes must be equal, and elements of want's kind (only 0 and 1 where want has nothing else);
 *    - where the operator that draws gives the output itself and its parameters are known, both must be possible draws:
 *      every element admissible, and the counts or the distribution function within bounds that a right generator
 *      leaves less than once in 100,000 draws (five standard deviations; Dvoretzky-Kiefer-Wolfowitz);
 *    - otherwise both must pass for samples of one distribution (two-sample Kolmogorov-Smirnov at 1e-5).
 *  errors   TN_E_INVALID with the figures, TN_E_TYPE, TN_E_SHAPE, TN_E_NOMEM */
tn_status tn_random_compare(const tn_model *m, const tn_datum *const *in, int output, const tn_tensor *have,
                            const tn_tensor *want, const char *where);

#endif
