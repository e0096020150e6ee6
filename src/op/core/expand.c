/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* expand.c - writing a node as what its operator means. */
#include "op/core/expand.h"

/* A row's operator sees all attributes; of a decomposition only those arrive that its function hands on, so that an
 * unknown one would be lost without a word. Names with two underscores are an exporter's own notes. */
static tn_status check_attr_names(const tn_node *n, const tn_op *op) {
    for (int i = 0; i < n->n_attrs; i++) {
        const char *name = n->attrs[i].name;
        const tn_attr_spec *s = op->attrs;
        while (s && s->name && strcmp(s->name, name)) s++;
        if ((s && s->name) || !strncmp(name, "__", 2)) continue;
        tn_text known = { 0 };
        for (s = op->attrs; s && s->name; s++) tn_text_printf(&known, "%s%s", s == op->attrs ? "" : ", ", s->name);
        tn_status st = tn_op_fail(n, TN_E_INVALID, "attribute '%.60s' is unknown; it has %.300s", name,
                                  known.n && !known.failed ? known.s : "none");
        tn_text_free(&known);
        return st;
    }
    return TN_OK;
}

static tn_status check_types(const tn_node *n, const tn_op *op) {
    tn_arena *a = n->graph->model->arena;
    tn_arena_mark mark = tn_arena_save(a);
    const tn_type **in = tn_arena_array(a, const tn_type *, (size_t)n->n_inputs + 1);
    if (!in) return tn_fail(TN_E_NOMEM, "upgrading a model");
    for (int i = 0; i < n->n_inputs; i++)
        if (n->inputs[i]) in[i] = &n->inputs[i]->type;
    tn_status st = tn_op_check_types_as(n, op, in, n->n_inputs);
    tn_arena_restore(a, mark);
    return st;
}

bool tn_op_expands(const tn_node *n) { return tn_op_expanded(n->domain, n->type) && !tn_op_find(n->domain, n->type); }

tn_status tn_op_expand(tn_node *n) {
    const tn_op *op = tn_op_expanded(n->domain, n->type);
    if (!op || tn_op_find(n->domain, n->type)) return TN_OK;
    TN_TRY(tn_op_check_node_as(n, op));
    TN_TRY(check_attr_names(n, op));
    TN_TRY(check_types(n, op));
    tn_build b = tn_build_for(n);
    TN_TRY(op->expand(&b));
    TN_TRY(b.st);
    for (int k = 0; k < n->n_outputs; k++)
        if (n->outputs[k]) return tn_fail(TN_E_GRAPH, "%s: %d outputs", tn_node_where(n), n->n_outputs);
    tn_node_remove(n);
    return TN_OK;
}
