/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* report.h - tensors for people: shape and statistics on one line, the best classes. */
#ifndef TN_CLI_REPORT_H
#define TN_CLI_REPORT_H

#include "base/text.h"
#include "tensor/tensor.h"

/** "float32[1,1000]  min -2.1  max 3.4  mean 0.01  std 0.9", with NaN and infinity counts when there are any. */
void tn_report_tensor(const tn_tensor *t, tn_text *out);

/** Any data on lines of its own: tensors as above, sequences and maps by their size and their first few items. */
void tn_report_datum(const tn_datum *d, tn_text *out);

/** The k largest of the last axis of the first row: "  281  0.87". Nothing for tensors that are no scores. */
void tn_report_top(const tn_tensor *t, int k, tn_text *out);

#endif
