/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* submit.h - what an executor's thread does for a job that was submitted. */
#ifndef TN_ENGINE_SUBMIT_H
#define TN_ENGINE_SUBMIT_H

#include "tenon.h"

/** Runs it: sets its status, sentence and times. */
void tn_job_run(tn_ticket *j);

/** Calls its callback, if there is one; nothing of it is touched afterwards. */
void tn_job_report(const tn_ticket *j);

#endif
