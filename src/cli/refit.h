/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* refit.h - what it costs a plan for a range of shapes to take on other sizes, for `tenon bench`. */
#ifndef TN_CLI_REFIT_H
#define TN_CLI_REFIT_H

#include "tenon.h"

typedef struct {
    double us;         /* of one change, the least of several; 0: the session has no plan for a range */
    int steps, varies; /* of the plan; those whose sizes change */
} tn_refit;

/** Takes sizes from one below the largest to the largest and back, without running. While nobody else uses the session.
 *  errors   TN_E_NOMEM, TN_E_UNSUPPORTED: the plan does not serve such sizes */
tn_status tn_refit_measure(tn_session *s, tn_refit *out);

#endif
