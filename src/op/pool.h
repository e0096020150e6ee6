/* pool.h - what a pooling node computes, for the operators that are its gradients. */
#ifndef TN_OP_POOL_H
#define TN_OP_POOL_H

#include "kernel/pooling.h"
#include "op/op.h"

/** What a node with pooling attributes computes from x to y. errors TN_E_INVALID, TN_E_SHAPE, TN_E_UNSUPPORTED. */
tn_status tn_pool_describe(const tn_node *n, const tn_tensor *x, const tn_tensor *y, tn_pooling_desc *d);

#endif
