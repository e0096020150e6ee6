/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pool.h - what a pooling node computes, for the operators that are its gradients. */
#ifndef TN_OP_NN_POOL_H
#define TN_OP_NN_POOL_H

#include "kernel/pooling.h"
#include "op/nn/window.h"

/** Attributes of pooling rows; those a row does not have are 0. */
typedef struct {
    tn_window_attrs window;
    bool count_include_pad, storage_order;
    int64_t p;
} tn_pool_attrs;

/** What a node with the pooling attributes a computes from x to y. errors TN_E_INVALID, TN_E_SHAPE, TN_E_UNSUPPORTED.
 */
tn_status tn_pool_describe(const tn_node *n, const tn_pool_attrs *a, const tn_tensor *x, const tn_tensor *y,
                           tn_pooling_desc *d);

#endif
