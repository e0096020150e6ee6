/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* findings.h - what opening a model found: what was repaired, what the file says wrongly, and, when a model is opened
 * to be looked at, what keeps it from running. They stay with the model: tn_model_finding. */
#ifndef TN_FORMAT_FINDINGS_H
#define TN_FORMAT_FINDINGS_H

#include "graph/graph.h"

/** Notes one finding. Findings of one key (a literal; NULL: each is one of its own) are counted together: the first
 *  one's text stays. After TN_MAX_FINDINGS the rest is only counted. A model with an error cannot be run.
 *  errors   TN_E_NOMEM */
tn_status tn_find(tn_model *m, tn_finding_kind kind, tn_status status, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/** A failed step when the model is opened to be looked at: its sentence becomes an error finding, and TN_OK is
 *  returned. Else, and when memory or a limit ran out, st is returned as it is. */
tn_status tn_find_failure(tn_model *m, tn_status st);

/** One warning per finding to the log, with the model's path. */
void tn_findings_log(const tn_model *m);

#define TN_MAX_FINDINGS 200

#endif
