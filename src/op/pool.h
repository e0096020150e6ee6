/* pool.h - poolings in float64, and what their gradients need. */
#ifndef TN_OP_POOL_H
#define TN_OP_POOL_H

#include "kernel/pooling.h"
#include "op/op.h"

/** What a node with pooling attributes computes from x to y. errors TN_E_INVALID, TN_E_SHAPE, TN_E_UNSUPPORTED. */
tn_status tn_pool_describe(const tn_node *n, const tn_tensor *x, const tn_tensor *y, tn_pooling_desc *d);

/** A plain pooling at float64's own precision; y or index may be NULL. */
void tn_pool_f64(const tn_pooling_desc *d, const double *x, double *y, int64_t *index, tn_pool *pool);
void tn_pool_global_f64(tn_pooling_kind kind, double p, int64_t channels, int64_t pixels, const double *x, double *y);

#endif
