/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pool_any.h - pooling of any rank in double: what the float32 kernels (kernel/pooling.h) do not do. */
#ifndef TN_OP_NN_POOL_ANY_H
#define TN_OP_NN_POOL_ANY_H

#include "kernel/pooling.h"
#include "op/nn/window.h"

typedef struct {
    tn_pooling_kind kind;
    tn_window window; /* placed: see tn_window_place */
    bool count_include_pad, column_major;
    double p;
} tn_pool_any;

/** x [n, channels, in..] to y of the same type and rank, and, for a maximum, the flat positions of the elements
 *  taken (kernel/pooling.h says what is counted). y or index may be NULL. errors TN_E_NOMEM */
tn_status tn_pool_any_run(tn_run *r, const tn_pool_any *d, const tn_tensor *x, tn_tensor *y, tn_tensor *index);

#endif
