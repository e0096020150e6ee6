/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* upgrade.c - every operator in its newest form: one row per operator and change of form. A row is applied to
 * nodes whose version is below `below`; rows of one operator stand in the order of versions, so an old node climbs
 * through all of them. Changes that only widened types or added attributes with neutral defaults need no row. Source:
 * the operator change log of ONNX (docs/Changelog.md), versions 1 to 28. */
#include "format/onnx/upgrade.h"
#include "format/findings.h"
#include "format/onnx/repair.h"
#include "graph/internal.h"
#include "op/core/infer.h"

static const struct {
    const char *op;
    int below;
    tn_upgrade_fn fn;
} rows[] = {
    { "Add", 7, tn_up_broadcast },
    { "Affine", 28, tn_up_affine }, /* experimental, until opset 10 */
    { "And", 7, tn_up_broadcast },
    { "Attention", 24, tn_up_attention },
    { "BatchNormalization", 14, tn_up_batch_norm },
    { "Cast", 6, tn_up_cast },
    { "Clip", 11, tn_up_clip },
    { "Concat", 4, tn_up_concat },
    { "DFT", 20, tn_up_dft },
    { "Div", 7, tn_up_broadcast },
    { "Dropout", 12, tn_up_dropout },
    { "Equal", 7, tn_up_broadcast },
    { "GRU", 14, tn_up_rnn },
    { "Gemm", 7, tn_up_gemm },
    { "GlobalLpPool", 2, tn_up_lp },
    { "Greater", 7, tn_up_broadcast },
    { "GridSample", 20, tn_up_grid_sample },
    { "GroupNormalization", 21, tn_up_group_norm },
    { "Hardmax", 13, tn_up_flat_softmax },
    { "ImageScaler", 28, tn_up_image_scaler }, /* experimental, until opset 10 */
    { "LSTM", 14, tn_up_rnn },
    { "Less", 7, tn_up_broadcast },
    { "LogSoftmax", 13, tn_up_flat_softmax },
    { "LpPool", 2, tn_up_lp },
    { "MeanVarianceNormalization", 9, tn_up_mean_variance }, /* experimental */
    { "Mul", 7, tn_up_broadcast },
    { "OneHot", 11, tn_up_one_hot },
    { "Or", 7, tn_up_broadcast },
    { "PRelu", 7, tn_up_prelu },
    { "Pad", 2, tn_up_pad_names },
    { "Pad", 11, tn_up_pad },
    { "Pow", 7, tn_up_broadcast },
    { "RNN", 14, tn_up_rnn },
    { "ReduceL1", 18, tn_up_axes_input },
    { "ReduceL2", 18, tn_up_axes_input },
    { "ReduceLogSum", 18, tn_up_axes_input },
    { "ReduceLogSumExp", 18, tn_up_axes_input },
    { "ReduceMax", 18, tn_up_axes_input },
    { "ReduceMean", 18, tn_up_axes_input },
    { "ReduceMin", 18, tn_up_axes_input },
    { "ReduceProd", 18, tn_up_axes_input },
    { "ReduceSum", 13, tn_up_axes_input },
    { "ReduceSumSquare", 18, tn_up_axes_input },
    { "Reshape", 5, tn_up_reshape },
    { "Resize", 11, tn_up_resize_10 },
    { "Resize", 13, tn_up_resize_names },
    { "RoiAlign", 16, tn_up_roi_align },
    { "ScaledTanh", 28, tn_up_scaled_tanh }, /* experimental, until opset 10 */
    { "Scan", 9, tn_up_scan_8 },
    { "Scatter", 28, tn_up_scatter }, /* deprecated since 11 */
    { "Selu", 6, tn_up_selu },
    { "Slice", 10, tn_up_slice },
    { "Softmax", 13, tn_up_flat_softmax },
    { "Split", 2, tn_up_split_1 },
    { "Split", 13, tn_up_split_input },
    { "Split", 18, tn_up_split_count },
    { "Squeeze", 13, tn_up_axes_input },
    { "Sub", 7, tn_up_broadcast },
    { "Tile", 6, tn_up_tile },
    { "TopK", 10, tn_up_top_k },
    { "Unsqueeze", 13, tn_up_axes_input },
    { "Upsample", 28, tn_up_upsample }, /* deprecated since 10 */
    { "Xor", 7, tn_up_broadcast },
};

bool tn_onnx_upgrades(const char *type) {
    for (size_t i = 0; i < TN_COUNT(rows); i++)
        if (rows[i].below == TN_ONNX_OPSET_MAX && !strcmp(rows[i].op, type)) return true;
    return false;
}

/* ------------------------------------------------------------------------------------------------------ building */

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

/* ------------------------------------------------------------------------------------------------------- one node */

static tn_status check_inputs(const tn_node *n) {
    /* Every operator with a row has a first input (Scan: a later one). */
    if (!tn_up_input(n, 0) && strcmp(n->type, "Scan"))
        return tn_fail(TN_E_GRAPH, "%s: the first input is missing", tn_node_where(n));
    return TN_OK;
}

static tn_status upgrade_node(tn_node *n) {
    if (*n->domain) return TN_OK;
    if (n->version < 6) tn_attr_remove(n, "consumed_inputs");
    const char *type = n->type; /* a row may change it; the rows that follow are still the old type's */
    for (size_t i = 0; i < TN_COUNT(rows); i++) {
        if (n->version >= rows[i].below || strcmp(rows[i].op, type)) continue;
        TN_TRY(check_inputs(n));
        TN_TRY(rows[i].fn(n));
    }
    return TN_OK;
}

static bool is_old(const tn_node *n) {
    for (size_t i = 0; i < TN_COUNT(rows) && !*n->domain; i++)
        if (n->version < rows[i].below && !strcmp(rows[i].op, n->type)) return true;
    return false;
}

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
        if (is_old(n) || tn_onnx_decomposes(n) || tn_onnx_repairs(n)) return true;
        tn_node_each_graph(n, sub) if (any_rewritten(sub)) return true;
    }
    return false;
}

static tn_status rewrite(tn_node *n) {
    TN_TRY(tn_onnx_repair(n));
    TN_TRY(upgrade_node(n));
    return tn_onnx_decompose(n);
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
    upgrade u = { .scratch = tn_arena_new(0, TN_MEM_GRAPH), .follow = any_rewritten(m->graph) };
    tn_status st = u.scratch ? tn_graph_sort(m->graph) : tn_fail(TN_E_NOMEM, "upgrading a model");
    if (st == TN_OK) st = upgrade_graph(m->graph, &u);
    tn_arena_free(&u.scratch);
    return st;
}
