/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* upgrade.c - the walk over a model that was read: every node is repaired, brought to the newest form of its operator
 * and, when its operator is a sum of others, written as those. What it means is in the operators' folders
 * (op/core/past.h, op/core/expand.h); this gives the types that rewrites look at. */
#include "format/findings.h"
#include "format/format.h"
#include "format/onnx/nchwc.h"
#include "format/onnx/repair.h"
#include "graph/internal.h"
#include "op/core/expand.h"
#include "op/core/infer.h"
#include "op/core/past.h"

/* ------------------------------------------------------------------------------------------------------- types */

/* Many rewrites are simpler when ranks and element types are known, so inference goes along with them, from the inputs'
 * types and the constants. Nothing that the file states of other values is used: where it is wrong, a rewrite that
 * believed it would change what the model means. What cannot be known stays unknown, and the rewrites then take the
 * longer way. */
typedef struct {
    tn_arena *scratch;
    bool follow; /* whether any node of the model is rewritten: else nobody asks for types */
} upgrade;

/* A body's results, as far as they are known whatever its inputs are. */
static tn_status body_results(tn_infer *c, tn_graph *g, const tn_type *in_types, int n_in, tn_type *out_types,
                              int n_out) {
    for (int i = 0; i < n_out; i++)
        out_types[i] = g && i < g->n_outputs ? g->outputs[i]->type : (tn_type){ .rank = -1 };
    return TN_OK;
}

/* Element types of what a body is given: those do not change from step to step. Shapes may. */
static void body_inputs(const tn_node *n, tn_graph *g) {
    bool loop = !strcmp(n->type, "Loop"), scan = !strcmp(n->type, "Scan");
    if (*n->domain || (!loop && !scan)) return;
    int shift = scan && n->version < 9 ? 1 : 0; /* the lengths */
    for (int i = 0; i < g->n_inputs; i++) {
        const tn_value *v = tn_up_input(n, i + shift);
        tn_dtype t = loop && i == 0 ? TN_I64 : loop && i == 1 ? TN_BOOL : v ? tn_up_dtype(v) : TN_NONE;
        if (t != TN_NONE && g->inputs[i]->type.kind == TN_KIND_NONE) g->inputs[i]->type = tn_type_tensor(t);
    }
}

static tn_status keep_types(tn_node *n, const tn_infer *c) {
    for (int i = 0; i < n->n_outputs; i++) {
        tn_fact f = { .type = c->out[i], .content = c->out_content[i] };
        if (n->outputs[i] && f.type.kind != TN_KIND_NONE) TN_TRY(tn_infer_keep(n->graph->model, n->outputs[i], &f));
    }
    return TN_OK;
}

static tn_status follow_types(tn_node *n, tn_arena *scratch) {
    tn_arena_mark mark = tn_arena_save(scratch);
    size_t n_in = (size_t)n->n_inputs + 1, n_out = (size_t)n->n_outputs + 1;
    const tn_type **in = tn_arena_array(scratch, const tn_type *, n_in);
    const tn_tensor **tensors = tn_arena_array(scratch, const tn_tensor *, n_in + n_out);
    const tn_content **contents = tn_arena_array(scratch, const tn_content *, n_in + n_out);
    tn_type *out = tn_arena_array(scratch, tn_type, n_out);
    if (!in || !tensors || !contents || !out) return tn_fail(TN_E_NOMEM, "upgrading a model");
    for (int i = 0; i < n->n_inputs; i++) {
        if (!n->inputs[i]) continue;
        in[i] = &n->inputs[i]->type;
        tensors[i] = n->inputs[i]->constant;
        contents[i] = n->inputs[i]->content;
    }
    tn_infer c = { .node = n,
                   .syms = n->graph->model->syms,
                   .arena = scratch,
                   .n_in = n->n_inputs,
                   .n_out = n->n_outputs,
                   .in = in,
                   .in_tensor = tensors,
                   .in_content = contents,
                   .out = out,
                   .out_content = contents + n_in,
                   .subgraph = body_results };
    n->op = tn_op_find(n->domain, n->type);
    tn_status st = n->op && tn_op_check_node(n) == TN_OK ? tn_infer_node(&c) : TN_E_GRAPH;
    if (st == TN_OK) {
        tn_infer_follow(&c, scratch, tensors + n_in);
        st = keep_types(n, &c);
    } else {
        tn_error_clear(); /* the checks after upgrading will say what is wrong */
        st = TN_OK;
    }
    tn_arena_restore(scratch, mark);
    return st;
}

/* ------------------------------------------------------------------------------------------------------- walking */

static bool any_rewritten(const tn_graph *g) {
    tn_graph_each(g, n) {
        if (tn_op_is_old(n) || tn_op_expands(n) || tn_onnx_repairs(n)) return true;
        tn_node_each_graph(n, sub) if (any_rewritten(sub)) return true;
    }
    return false;
}

static tn_status rewrite(tn_node *n) {
    TN_TRY(tn_onnx_repair(n));
    TN_TRY(tn_op_upgrade_node(n));
    return tn_op_expand(n);
}

static tn_status upgrade_graph(tn_graph *g, const upgrade *u) {
    tn_graph_each(g, n) {
        tn_node *before = n->prev, *end = n->next;
        tn_node_each_graph(n, sub) {
            body_inputs(n, sub);
            TN_TRY(upgrade_graph(sub, u));
            for (int i = 0; i < sub->n_inputs; i++) sub->inputs[i]->type = (tn_type){ .rank = -1 };
        }
        tn_status st = rewrite(n);
        if (st != TN_OK && n->graph) n->version = TN_VERSION_BROKEN;
        TN_TRY(tn_find_failure(g->model, st));
        for (tn_node *k = before ? before->next : g->first; u->follow && k != end; k = k->next)
            if (k->version != TN_VERSION_BROKEN) TN_TRY(follow_types(k, u->scratch));
    }
    return TN_OK;
}

tn_status tn_onnx_upgrade(tn_model *m) {
    TN_TRY(tn_onnx_blocks(m));
    upgrade u = { .scratch = tn_arena_new(0, TN_MEM_GRAPH), .follow = any_rewritten(m->graph) };
    tn_status st = u.scratch ? tn_graph_sort(m->graph) : tn_fail(TN_E_NOMEM, "upgrading a model");
    if (st == TN_OK) st = upgrade_graph(m->graph, &u);
    tn_arena_free(&u.scratch);
    return st;
}
