/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* model_trial.h - everything a user does with a model file, on any bytes, and what must hold whatever they are: open,
 * infer, run as it stands and optimised, run again, compile and run that, differentiate, save, open what was saved and
 * run that.
 *
 *   - what fails has a status, no result, and a sentence, which names a node, an operator or a value of the file
 *   - after a failure, as after a success, the same call gives the same again, bit by bit
 *   - what was saved opens, and means the same; what was compiled gives the same bits
 *   - what inference said of the outputs is what came out
 *   - all memory is given back
 *
 * What goes in is in the file, too, where readers do not look: in fields MT_MODEL_FEED of the model, one for each
 * input. Inputs without one are made up from their types. */
#ifndef TN_TESTS_MODEL_TRIAL_H
#define TN_TESTS_MODEL_TRIAL_H

#include "lib/model_tree.h"
#include "tensor/tensor.h"

typedef struct {
    tn_status open, run, gradient; /* what those steps returned; TN_STATUS_COUNT: not come to */
    char broken[700];              /* "": all held; else the promise that was broken, and how */
    char sentence[300];            /* of the last refusal */
} mt_report;

typedef struct {
    const char *scratch;              /* a path for files that are saved */
    char *step;                       /* 40 bytes that say what is being done, for who survives a crash; or NULL */
    bool gradient, saving, compiling; /* whether to do these, too */
    bool named;                       /* sentences must name something of the file */
    const void *good; /* the same model with sound data: what it gives must not change by the other's failing */
    size_t good_n;
    const char *feed; /* an input whose data is suspect: as a constant it must be refused alike, or give the same */
} mt_trial;

/** true when all held. */
bool mt_try(const void *model, size_t n, const mt_trial *how, mt_report *out);

/** A case of the ONNX backend tests as one file: dir/model.onnx with the data of its first set in it.
 *  false: there is none, or the model or its data is larger than `most` bytes. */
bool mt_load_case(const char *dir, size_t most, tn_text *out);

#endif
