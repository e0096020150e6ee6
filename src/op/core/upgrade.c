/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* upgrade.c - what the rewrites of old forms share. */
#include "op/core/upgrade.h"

const char *tn_up_name(const tn_node *n, const char *what) {
    const char *s = tn_arena_printf(n->graph->model->arena, "%.200s/%s", n->name, what);
    return s ? s : what;
}

tn_value *tn_up_emit(tn_node *before, const char *type, tn_value *a, tn_value *b, tn_value *c) {
    tn_value *in[] = { a, b, c };
    if (!a) return NULL;
    tn_node *n = tn_node_new(before->graph, before, "", type, in, c ? 3 : b ? 2 : 1, 1);
    if (!n) return NULL;
    n->version = TN_ONNX_OPSET_MAX;
    n->name = tn_up_name(before, type);
    return n->outputs[0];
}

tn_value *tn_up_ints(const tn_node *n, const char *what, const int64_t *v, int count) {
    return tn_value_ints(n->graph, tn_up_name(n, what), v, count);
}

tn_value *tn_up_int(const tn_node *n, const char *what, int64_t v) { return tn_up_ints(n, what, &v, 1); }

tn_value *tn_up_long(const tn_node *n, const char *what, int64_t v) {
    tn_tensor t = { 0 };
    if (tn_tensor_init(&t, TN_I64, 0, NULL, TN_MEM_GRAPH) != TN_OK) return NULL;
    memcpy(t.data, &v, sizeof v);
    tn_value *c = tn_value_constant(n->graph, tn_up_name(n, what), &t);
    tn_tensor_reset(&t);
    return c;
}

tn_value *tn_up_scalar_like(tn_node *n, const char *what, float v, tn_value *like) {
    tn_dtype t = tn_up_dtype(like);
    if (t == TN_NONE)
        return tn_up_emit(n, "CastLike", tn_value_scalar_f32(n->graph, tn_up_name(n, what), v), like, NULL);
    tn_tensor c = { 0 };
    if (tn_tensor_init(&c, t, 0, NULL, TN_MEM_GRAPH) != TN_OK) return NULL;
    tn_set_f64(t, c.data, 0, (double)v);
    tn_value *value = tn_value_constant(n->graph, tn_up_name(n, what), &c);
    tn_tensor_reset(&c);
    return value;
}

tn_node *tn_up_after(tn_node *n, int i, const char *type, tn_value **inner) {
    tn_value *outer = n->outputs[i];
    *inner = tn_value_new(n->graph, outer->name);
    if (!*inner || tn_node_set_output(n, i, *inner) != TN_OK) return NULL;
    tn_node *after = tn_node_new(n->graph, n->next, "", type, inner, 1, 0);
    if (!after || tn_node_set_output(after, 0, outer) != TN_OK) return NULL;
    after->version = TN_ONNX_OPSET_MAX;
    after->name = outer->name;
    return after;
}

void tn_up_retype(tn_node *n, const char *type) {
    n->type = type;
    n->op = NULL;
}

void tn_up_drop_outputs(tn_node *n, int keep) {
    for (int i = keep; i < n->n_outputs; i++)
        if (n->outputs[i]) n->outputs[i]->producer = NULL;
    if (n->n_outputs > keep) n->n_outputs = keep;
}

tn_status tn_up_fail(const tn_node *n, const char *why) {
    return tn_fail(TN_E_UNSUPPORTED, "%s of opset %d: %s", tn_node_where(n), n->version, why);
}

tn_status tn_up_ints_to_input(tn_node *n, const char *name, int i) {
    int count;
    const int64_t *v = tn_attr_ints(n, name, &count);
    const tn_attr *a = tn_attr_find(n, name);
    if (!a) return TN_OK;
    if (a->kind != TN_ATTR_INTS)
        return tn_fail(TN_E_GRAPH, "%s: '%s' is not a list of integers", tn_node_where(n), name);
    tn_value *c = tn_up_ints(n, name, v, count);
    TN_UP_ROOM(c);
    TN_TRY(tn_node_set_input(n, i, c));
    tn_attr_remove(n, name);
    return TN_OK;
}

tn_status tn_up_axes_input(tn_node *n) {
    const tn_attr *a = tn_attr_find(n, "axes");
    if (a && a->kind == TN_ATTR_INTS && !a->n && strcmp(n->type, "Unsqueeze")) {
        tn_attr_remove(n, "axes");
        return TN_OK;
    }
    return tn_up_ints_to_input(n, "axes", 1);
}

tn_status tn_up_scale_and_add(tn_node *n, float scale, tn_value *bias) {
    tn_value *s = tn_up_scalar_like(n, "scale", scale, n->inputs[0]);
    tn_value *scaled = s ? tn_up_emit(n, "Mul", n->inputs[0], s, NULL) : NULL;
    TN_UP_ROOM(scaled && bias);
    tn_up_retype(n, "Add");
    n->n_attrs = 0;
    TN_TRY(tn_node_set_input(n, 0, scaled));
    return tn_node_set_input(n, 1, bias);
}
