/* report.h - tensors for people: shape and statistics on one line, the best classes, and differences between two. */
#ifndef TN_CLI_REPORT_H
#define TN_CLI_REPORT_H

#include "base/text.h"
#include "tensor/tensor.h"

/** "float32[1,1000]  min -2.1  max 3.4  mean 0.01  std 0.9", with NaN and infinity counts when there are any. */
void tn_report_tensor(const tn_tensor *t, tn_text *out);

/** The k largest of the last axis of the first row: "  281  0.87". Nothing for tensors that are no scores. */
void tn_report_top(const tn_tensor *t, int k, tn_text *out);

/** What separates got from want. */
typedef struct {
    double max_abs; /* largest absolute difference; infinity when one is NaN and the other is not */
    double max_rel; /* max_abs over the largest magnitude in want (0 when that is 0 and nothing differs) */
    int64_t differ; /* elements outside |got - want| <= atol + rtol |want|, or unequal for exact types */
    int64_t first;  /* the first of them, -1 */
} tn_difference;

/** errors   TN_E_TYPE, TN_E_SHAPE: they cannot be compared; the sentence says both shapes */
tn_status tn_compare_tensors(const tn_tensor *got, const tn_tensor *want, double rtol, double atol, tn_difference *d);

#endif
