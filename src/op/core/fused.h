/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fused.h - attributes of fused nodes: what happens to a result while it is in registers.
 *
 * Nodes of the domain "tenon" (made by passes) carry activation (a name of kernel/activation.h), activation_alpha and
 * activation_beta; absent means none. */
#ifndef TN_OP_CORE_FUSED_H
#define TN_OP_CORE_FUSED_H

#include "kernel/activation.h"
#include "op/core/op.h"

/** What a row's struct holds of it. */
typedef struct {
    tn_string name;
    float alpha, beta;
} tn_fused_attrs;

tn_activation tn_op_activation(const tn_fused_attrs *a);
tn_status tn_op_set_activation(tn_node *n, tn_activation a);

/* The attribute rows for a tn_attr_spec table, whose struct T has a tn_fused_attrs `m`. */
#define TN_FUSED_ATTRS(T, m)                                                                                 \
    { TN_STRING_AS(T, m.name, "activation", "none") }, { TN_FLOAT_AS(T, m.alpha, "activation_alpha", 0) }, { \
        TN_FLOAT_AS(T, m.beta, "activation_beta", 0)                                                         \
    }

#endif
