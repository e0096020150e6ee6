/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* test_case.h - one case in the layout of the ONNX backend tests: model.onnx beside test_data_set_N folders that hold
 * input_N.pb and output_N.pb. */
#ifndef TN_CLI_TEST_CASE_H
#define TN_CLI_TEST_CASE_H

#include "analyse/agree.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct {
    int threads;
    bool no_optimize;
    const char *device; /* as tn_session_opts */
    bool require_device;
    bool reload; /* run what tn_model_save writes of the model, not the model itself */
    int vary;    /* not 0: a seed; each data set runs between others made of it, of other sizes, on the same session */
    int ranges;  /* not 0: a seed; the session is planned for ranges of shapes about the data's (test_ranges.h) */
    int *ranged; /* counts the cases that such a plan served; NULL: nobody does */
    float rtol, atol;     /* an element agrees when |have - want| <= atol + rtol |want| */
    tn_agreement *shapes; /* counts what inference said of the outputs; may be NULL */
    tn_text *gaps;        /* receives what it could not say; may be NULL */
} tn_case_opts;

/** Is there "dir/model.onnx"? */
bool tn_case_here(const char *dir);

/** Runs every data set of the case and compares the outputs, their types and shapes also with what inference
 *  says without running.
 *  sets     how many data sets were run
 *  errors   whatever reading and running say; TN_E_INVALID naming the output and its worst element when they differ,
 *           TN_E_TYPE and TN_E_SHAPE when inference disagrees */
tn_status tn_case_run(const char *dir, const tn_case_opts *o, int *sets);

#endif
