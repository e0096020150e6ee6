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
    struct tn_forecast_device *device; /* NULL: nothing runs on a device */
} tn_forecast;

/** A node of the optimised model, and where it runs. */
typedef struct {
    const char *name, *type;
    int segment; /* of the device, in the order they run in; -1: on the CPU */
} tn_forecast_node;

/** What of a run is a device's. */
typedef struct tn_forecast_device {
    struct tn_arena *arena; /* all of this */
    const char *name;
    const tn_forecast_node *nodes; /* in the order they run in */
    int n_nodes, n_placed, n_segments;
    int uploads, downloads; /* values that are copied in a run */
    size_t up_bytes, down_bytes;
    size_t bytes; /* of the device's memory, constants not counted */
} tn_forecast_device;

/** For these exact input types (kind NONE: the input's default). The model is optimized and planned as by
 *  tn_session_new and the first run; nothing runs. Branches and loop bodies are not counted.
 *  errors   as those two */
tn_status tn_forecast_run(const tn_model *m, const tn_type *inputs, int threads, tn_forecast *out);

/** The same for a session with these options. *out is freed with tn_forecast_free. */
tn_status tn_forecast_run_with(const tn_model *m, const tn_type *inputs, const tn_session_opts *opts, tn_forecast *out);
void tn_forecast_free(tn_forecast *f); /* where there is a device there is something to free */

#endif
