/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* read.h - what the two halves of the reader share: the file and its blobs, and the cursor over the graph's stream. */
#ifndef TN_FORMAT_TNPLAN_READ_H
#define TN_FORMAT_TNPLAN_READ_H

#include "format/tnplan/tnplan.h"

typedef struct {
    tn_model *m;
    const uint8_t *file;
    const tn_plan_blob *blobs;
    size_t n_blobs, next_blob; /* they are taken in order */
    const uint8_t *p, *end;    /* the graph's stream */
    tn_value **values;         /* in the order in which they are defined */
    int n_values, cap_values;
    tn_tensor **tensors;
    int n_tensors, cap_tensors;
} tn_plan_reader;

/** The next blob: *data (NULL when it is empty) and *bytes. errors TN_E_FORMAT */
tn_status tn_plan_take_blob(tn_plan_reader *r, const void **data, size_t *bytes);

/** The stream, from its first byte to its last: r->m and its compiled part. errors TN_E_FORMAT, TN_E_NOMEM, ... */
tn_status tn_plan_read_stream(tn_plan_reader *r);

#endif
