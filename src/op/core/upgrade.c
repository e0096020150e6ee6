/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* upgrade.c - what the rewrites of old forms share. */
#include "op/core/upgrade.h"

void tn_up_retype(tn_node *n, const char *type) {
    n->type = type;
    n->op = NULL;
}

void tn_up_drop_outputs(tn_node *n, int keep) {
    for (int i = keep; i < n->n_outputs; i++)
        if (n->outputs[i]) n->outputs[i]->producer = NULL;
    if (n->n_outputs > keep) n->n_outputs = keep;
}

tn_status tn_up_fail(tn_build *b, const char *why) {
    if (b->st != TN_OK) return b->st;
    return b->st = tn_fail(TN_E_UNSUPPORTED, "%s of opset %d: %s", tn_node_where(b->node), b->node->version, why);
}

tn_status tn_up_ints_to_input(tn_build *b, const char *name, int i) {
    tn_node *n = b->node;
    int count;
    const int64_t *v = tn_attr_ints(n, name, &count);
    const tn_attr *a = tn_attr_find(n, name);
    if (!a) return b->st;
    if (a->kind != TN_ATTR_INTS) return tn_build_fail(b, TN_E_GRAPH, "'%s' is not a list of integers", name);
    tn_value *c = tn_build_ints(b, name, v, count);
    tn_build_input(b, i, c);
    tn_attr_remove(n, name);
    return b->st;
}

tn_status tn_up_axes_input(tn_build *b) {
    tn_node *n = b->node;
    const tn_attr *a = tn_attr_find(n, "axes");
    if (a && a->kind == TN_ATTR_INTS && !a->n && strcmp(n->type, "Unsqueeze")) {
        tn_attr_remove(n, "axes");
        return b->st;
    }
    return tn_up_ints_to_input(b, "axes", 1);
}

tn_status tn_up_scale_and_add(tn_build *b, float scale, tn_value *bias) {
    tn_node *n = b->node;
    tn_value *s = tn_build_like(b, "scale", scale, n->inputs[0]);
    tn_value *scaled = tn_emit(b, "Mul", n->inputs[0], s);
    tn_up_retype(n, "Add");
    n->n_attrs = 0;
    tn_build_input(b, 0, scaled);
    return tn_build_input(b, 1, bias);
}
