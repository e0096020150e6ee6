/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* plan_models.h - small models whose compiled files hold what compiled files can hold - blocked convolutions, fused
 * products and attention, codes, subgraphs with weights, strings, symbols -, and how such a file is damaged. */
#ifndef TN_TESTS_PLAN_MODELS_H
#define TN_TESTS_PLAN_MODELS_H

#include "base/text.h"
#include "tenon.h"

enum { PM_MODELS = 6, PM_INPUTS = 3 };

const char *pm_name(size_t i);
/** The ONNX file of model i; the caller frees it (tn_text_free), after the model. */
tn_text pm_model(size_t i);
/** Inputs for any model whose inputs are small tensors, at most PM_INPUTS; open sizes are 3. How many; 0: none or too
 *  large. The caller frees them. */
size_t pm_inputs(const tn_model *m, tn_tensor *in[PM_INPUTS]);

/** Makes a compiled file of n bytes, whatever its contents, look whole and ours: sizes and checksums of header, table
 *  and graph, version and instructions. So what is damaged below gets beyond the door. */
void pm_seal(void *file, size_t n);

/** Opens model i, runs it once and compiles it to path: 0 on success. Its outputs go to out[] when that is not NULL. */
tn_status pm_compile(size_t i, const char *path, tn_tensor *out[PM_INPUTS]);

#endif
