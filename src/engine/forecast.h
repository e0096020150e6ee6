/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* forecast.h - what running a model will take, told before it runs: the plan that a session would make, measured. */
#ifndef TN_ENGINE_FORECAST_H
#define TN_ENGINE_FORECAST_H

#include "graph/graph.h"

typedef struct {
    size_t activations; /* the block of one run: intermediate values laid out by lifetimes, with scratch */
    size_t outputs;     /* tensors handed to the caller */
    size_t inputs;      /* tensors the caller holds */
    size_t packed;      /* weights in the form kernels want, made once per session */
    size_t peak;        /* the sum: heap a first run holds at most, model file and its mapping not counted */
    int steps;          /* operators that run, after optimization and folding */
    int open;           /* values whose size only data decides; they are not in `activations` */
} tn_forecast;

/** For these exact input types (kind NONE: the input's default). The model is optimized and planned as by
 *  tn_session_new and the first run; nothing runs. Branches and loop bodies are not counted.
 *  errors   as those two */
tn_status tn_forecast_run(const tn_model *m, const tn_type *inputs, int threads, tn_forecast *out);

/** The same with tn_session_opts.precision. */
tn_status tn_forecast_run_as(const tn_model *m, const tn_type *inputs, int threads, const char *precision,
                             tn_forecast *out);

#endif
