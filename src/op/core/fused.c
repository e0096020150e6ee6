/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fused.c - reading and writing the attributes of fused nodes. */
#include "op/core/fused.h"
#include <string.h>

tn_activation tn_op_activation(const tn_fused_attrs *at) {
    tn_string s = at->name;
    tn_activation a = { TN_ACT_NONE, at->alpha, at->beta };
    for (int k = 0; k < TN_ACT_COUNT; k++) {
        const char *name = tn_act_name((tn_act)k);
        if (strlen(name) == s.len && !memcmp(name, s.ptr, s.len)) a.kind = (tn_act)k;
    }
    return a;
}

tn_status tn_op_set_activation(tn_node *n, tn_activation a) {
    TN_TRY(tn_attr_set_string(n, "activation", tn_act_name(a.kind)));
    TN_TRY(tn_attr_set_float(n, "activation_alpha", a.a));
    return tn_attr_set_float(n, "activation_beta", a.b);
}
