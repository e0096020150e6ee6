/* fused.h - attributes of fused nodes: what happens to a result while it is in registers.
 *
 * Nodes of the domain "tenon" (made by passes) carry activation (a name of kernel/activation.h), activation_alpha and
 * activation_beta; absent means none. */
#ifndef TN_OP_FUSED_H
#define TN_OP_FUSED_H

#include "kernel/activation.h"
#include "op/op.h"

tn_activation tn_op_activation(const tn_node *n);
tn_status tn_op_set_activation(tn_node *n, tn_activation a);

/* The attribute rows, for a tn_attr_spec table. */
#define TN_FUSED_ATTRS \
    { "activation", TN_ATTR_STRING }, { "activation_alpha", TN_ATTR_FLOAT }, { "activation_beta", TN_ATTR_FLOAT }

#endif
