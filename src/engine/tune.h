/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* tune.h - choosing implementations by measuring them while planning (tn_session_opts.tune).
 *
 * A step whose row lists several (op/core/op.h) is prepared and run with each that is likely, on memory of its own of
 * the step's sizes, until it has had a few ms of CPU time; the fastest is taken and noted under what was computed, so
 * that an equal step, a later plan and a later session (timings.h) measure nothing. What is measured, and how long, is
 * bounded; a deadline of the call that plans ends it, too. */
#ifndef TN_ENGINE_TUNE_H
#define TN_ENGINE_TUNE_H

#include "engine/timings.h"
#include "op/core/op.h"

typedef struct tn_tune tn_tune;

/** file: where timings are kept between sessions; NULL: the usual place; "": nowhere. errors TN_E_NOMEM */
tn_status tn_tune_new(const char *file, int threads, tn_tune **out);
/** Knows what lines of a file (tn_timings_export) say, and measures nothing. where: what warnings call them. errors
 *  TN_E_NOMEM */
tn_status tn_tune_given(const char *text, size_t n, const char *where, int threads, tn_tune **out);
void tn_tune_free(tn_tune **t); /* writes what is new */

/** The implementation that is known or measured to be the fastest for what p describes.
 *  p        p->types exact, p->pool; p->impl is set to what is returned
 *  returns  NULL: there is nothing to choose from, or it cannot be measured; the estimates choose then
 *  threads  one at a time: whoever plans (the session's lock of planning) */
const tn_impl *tn_tune_choose(tn_tune *t, const tn_op *op, tn_prep *p);

/** How many implementations were run so far. */
int tn_tune_measured(const tn_tune *t);

/** Writes what was measured since the last time, when there is a file. A failure is a warning. As tn_tune_choose: one
 *  thread at a time. */
void tn_tune_save(tn_tune *t);

/** What was chosen so far, to be written to a compiled file. As tn_tune_choose: one thread at a time. */
const tn_timings *tn_tune_chosen(const tn_tune *t);

/** What is computed, as timings name it: operator, attributes, types, which inputs are constants. returns false: it has
 *  no such name (attributes of other kinds than numbers and words, open sizes, too long). */
bool tn_tune_describe(const tn_infer *c, tn_text *out);

#endif
