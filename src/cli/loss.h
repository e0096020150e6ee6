/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* loss.h - what a precision costs: a model's results beside those of float32. */
#ifndef TN_CLI_LOSS_H
#define TN_CLI_LOSS_H

#include "cli/feed.h"
#include "engine/session.h"

/** Runs the model twice on these inputs, as opts.precision says and in float32, and appends for every output the
 * largest difference by the largest magnitude, and the root mean square of differences by that of the output: lines, or
 * (json) a member `, "loss": [...]`. errors   those of the runs */
tn_status tn_loss(const tn_model *m, const tn_feed *feed, const tn_session_opts *opts, bool json, tn_text *out);

#endif
