/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* resize_taps.h - along one axis of a resampling: which input elements every output element is made of. */
#ifndef TN_KERNEL_RESIZE_TAPS_H
#define TN_KERNEL_RESIZE_TAPS_H

#include "kernel/resize.h"

/* How one axis is resampled: tap k of output i reads input index[k * out + i] with weight w[k * out + i]. */
typedef struct {
    int64_t in, out;
    int taps;
    int32_t *index;
    float *w;
    double *exact;    /* the weights in float64, when it is float64 that is resized; else NULL */
    uint8_t *outside; /* tf_crop_and_resize: 1 where the output lies outside the picture; NULL: nowhere */
} tn_taps;

/** Along an axis of `in` elements that become `out`, `scale` times as many, from `start` to `end` of it with
 *  tf_crop_and_resize. exact: with the weights in float64, too. *a is to be freed in any case.
 *  errors TN_E_INVALID (nothing to resample, or by no factor), TN_E_LIMIT, TN_E_NOMEM */
tn_status tn_taps_init(tn_taps *a, const tn_resize_opts *o, bool exact, int64_t in, int64_t out, double scale,
                       double start, double end);
void tn_taps_free(tn_taps *a);

#endif
