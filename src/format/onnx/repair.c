/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* repair.c - one row per operator and known mistake. A function looks at a node and says whether it made the
 * mistake; unless the operator itself can do what is meant, the function rewrites the node. Nothing is repaired on a
 * guess: types count when inference found them, and what is not known to be wrong stays. */
#include "format/onnx/repair.h"
#include "base/sort.h"
#include "format/findings.h"
#include "op/core/upgrade.h"

#define ML "ai.onnx.ml"

typedef tn_status (*repair_fn)(tn_node *n, bool *repaired);

static tn_dim dim_of(const tn_value *v, int i) {
    int rank = v ? tn_up_rank(v) : -1;
    return i >= 0 && i < rank ? v->type.dims[i] : TN_DIM_UNKNOWN;
}

/* ------------------------------------------------------------------------------------------------------ ai.onnx */

/* PyTorch's transpose(-2, -1) of the older exporter. */
static tn_status perm_from_end(tn_node *n, bool *repaired) {
    int count;
    int64_t perm[TN_MAX_RANK];
    const int64_t *v = tn_attr_ints(n, "perm", &count);
    if (count > TN_MAX_RANK) return TN_OK;
    for (int i = 0; i < count; i++) {
        perm[i] = v[i] < 0 && v[i] >= -count ? v[i] + count : v[i];
        *repaired |= perm[i] != v[i];
    }
    return *repaired ? tn_attr_set_ints(n, "perm", perm, count) : TN_OK;
}

/* torch.stft of both exporters until 2026: [batch, length] where [batch, length, 1] is asked for. */
static tn_status signal_without_parts(tn_node *n, bool *repaired) {
    tn_value *x = tn_up_input(n, 0);
    if (!x || tn_up_rank(x) != 2) return TN_OK;
    tn_build b = tn_build_for(n);
    *repaired = true;
    return tn_build_input(&b, 0, tn_emit(&b, "Unsqueeze", x, tn_build_int(&b, "parts", 2)));
}

/* index_put and istft. */
static tn_status short_indices(tn_node *n, bool *repaired) {
    tn_value *at = tn_up_input(n, 1);
    if (!at || tn_up_dtype(at) != TN_I32) return TN_OK;
    tn_build b = tn_build_for(n);
    *repaired = true;
    return tn_build_input(&b, 1, tn_emit_int(&b, "Cast", "to", tn_dtypes[TN_I64].onnx, at));
}

/* torch.scatter takes the part of src that index covers. */
static bool covers_more(const tn_value *updates, const tn_value *indices) {
    int rank = tn_up_rank(indices);
    bool more = false;
    if (rank < 1 || rank != tn_up_rank(updates)) return false;
    for (int i = 0; i < rank; i++) {
        tn_dim have = dim_of(updates, i), want = dim_of(indices, i);
        if (tn_dim_known(have) && tn_dim_known(want) && have < want) return false;
        more |= have != want && have != TN_DIM_UNKNOWN && want != TN_DIM_UNKNOWN;
    }
    return more;
}

static tn_status too_many_updates(tn_node *n, bool *repaired) {
    tn_value *at = tn_up_input(n, 1), *updates = tn_up_input(n, 2);
    int64_t zeros[TN_MAX_RANK] = { 0 };
    if (!at || !updates || !covers_more(updates, at)) return TN_OK;
    tn_build b = tn_build_for(n);
    tn_value *from = tn_build_ints(&b, "from", zeros, tn_up_rank(at)), *to = tn_emit(&b, "Shape", at);
    *repaired = true;
    return tn_build_input(&b, 2, tn_emit(&b, "Slice", updates, from, to));
}

/* The new exporter joins rotary positions into the operator but leaves the caches at batch 1, or without a batch. The
 * operator can share them. */
static tn_status shared_caches(tn_node *n, bool *repaired) {
    enum { X, COS, SIN, IDS };
    const tn_value *x = tn_up_input(n, X), *cos = tn_up_input(n, COS);
    if (!x || !cos || !tn_up_input(n, SIN) || tn_up_input(n, IDS)) return TN_OK;
    int rank = tn_up_rank(cos);
    *repaired = rank == 2 || (rank == 3 && dim_of(cos, 0) == 1 && tn_up_rank(x) > 0 && dim_of(x, 0) != 1);
    tn_build b = tn_build_for(n);
    for (int i = COS; i <= SIN && rank == 2; i++)
        tn_build_input(&b, i, tn_emit(&b, "Unsqueeze", n->inputs[i], tn_build_int(&b, "batch", 0)));
    return b.st;
}

/* ------------------------------------------------------------------------------------------------------------ ML */

typedef struct {
    int64_t tree, node, at;
} vote;

static int by_leaf(const void *a, const void *b) {
    const vote *x = a, *y = b;
    if (x->tree != y->tree) return x->tree < y->tree ? -1 : 1;
    if (x->node != y->node) return x->node < y->node ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Marks every vote but a leaf's first; returns how many stay, -1 when out of memory. */
static int64_t mark_repeated(const int64_t *tree, const int64_t *node, int n, bool *drop) {
    vote *v = tn_mem_alloc(((size_t)n + 1) * sizeof *v, TN_MEM_GRAPH);
    int64_t kept = n;
    if (!v) return -1;
    for (int i = 0; i < n; i++) v[i] = (vote){ tree[i], node[i], i };
    tn_sort(v, (size_t)n, sizeof *v, by_leaf);
    for (int i = 1; i < n; i++) {
        drop[v[i].at] = v[i].tree == v[i - 1].tree && v[i].node == v[i - 1].node;
        kept -= drop[v[i].at];
    }
    tn_mem_free(v);
    return kept;
}

static tn_status keep_votes(tn_node *n, const char *name, const bool *drop, int count, int64_t kept) {
    const tn_attr *a = tn_attr_find(n, name);
    tn_arena *arena = n->graph->model->arena;
    if (!a) return TN_OK;
    tn_attr now = *a;
    size_t at = 0;
    if (a->kind == TN_ATTR_INTS && (int)a->n == count) {
        int64_t *v = tn_arena_array(arena, int64_t, (size_t)kept);
        if (!v) return tn_fail(TN_E_NOMEM, "votes of trees");
        for (int i = 0; i < count; i++)
            if (!drop[i]) v[at++] = a->ints[i];
        now.ints = v;
    } else if (a->kind == TN_ATTR_FLOATS && (int)a->n == count) {
        float *v = tn_arena_array(arena, float, (size_t)kept);
        if (!v) return tn_fail(TN_E_NOMEM, "votes of trees");
        for (int i = 0; i < count; i++)
            if (!drop[i]) v[at++] = a->floats[i];
        now.floats = v;
    } else if (a->kind == TN_ATTR_TENSOR && a->tensor && a->tensor->data && tn_count(a->tensor) == count) {
        tn_tensor *t = tn_model_tensor(n->graph->model);
        if (!t) return TN_E_NOMEM;
        TN_TRY(tn_tensor_init(t, a->tensor->dtype, 1, &kept, TN_MEM_GRAPH));
        for (int i = 0; i < count; i++)
            if (!drop[i]) tn_set_f64(t->dtype, t->data, (int64_t)at++, tn_get_f64(t->dtype, a->tensor->data, i));
        now.tensor = t;
    } else {
        return TN_OK; /* of another length, or empty: the operator says so */
    }
    now.n = (size_t)kept;
    return tn_attr_set(n, &now);
}

/* skl2onnx repeats a leaf's weight once per class (decision_leaf, decision_path). With a single target the peer takes
 * the first of them, and so gets what scikit-learn gives; the sum that the text asks for would be wrong. */
static tn_status repeated_votes(tn_node *n, const char *const *names, bool *repaired) {
    int count, have;
    const int64_t *tree = tn_attr_ints(n, names[0], &count), *node = tn_attr_ints(n, names[1], &have);
    if (have != count || count < 2) return TN_OK;
    const int64_t *target = tn_attr_ints(n, names[2], &have);
    if (have != count) return TN_OK;
    for (int i = 1; i < count; i++)
        if (target[i] != target[0]) return TN_OK;
    bool *drop = tn_mem_zalloc((size_t)count * sizeof *drop, TN_MEM_GRAPH);
    int64_t kept = drop ? mark_repeated(tree, node, count, drop) : -1;
    tn_status st = kept < 0 ? tn_fail(TN_E_NOMEM, "votes of trees") : TN_OK;
    *repaired = kept >= 0 && kept < count;
    for (int i = 0; i < 5 && *repaired && st == TN_OK; i++) st = keep_votes(n, names[i], drop, count, kept);
    tn_mem_free(drop);
    return st;
}

static tn_status repeated_class_votes(tn_node *n, bool *repaired) {
    static const char *const names[] = { "class_treeids", "class_nodeids", "class_ids", "class_weights",
                                         "class_weights_as_tensor" };
    return repeated_votes(n, names, repaired);
}

static tn_status repeated_target_votes(tn_node *n, bool *repaired) {
    static const char *const names[] = { "target_treeids", "target_nodeids", "target_ids", "target_weights",
                                         "target_weights_as_tensor" };
    return repeated_votes(n, names, repaired);
}

/* A published sample of the peer has twelve for three classes of two features; the peer uses the first six. */
static tn_status too_many_coefficients(tn_node *n, bool *repaired) {
    int count, classes;
    const tn_value *x = tn_up_input(n, 0);
    tn_dim features = x ? dim_of(x, tn_up_rank(x) - 1) : TN_DIM_UNKNOWN;
    const float *v = tn_attr_floats(n, "coefficients", &count);
    tn_attr_floats(n, "intercepts", &classes);
    if (classes < 1 || !tn_dim_known(features) || features < 1 || features >= count / classes) return TN_OK;
    *repaired = true;
    return tn_attr_set_floats(n, "coefficients", v, classes * (int)features);
}

/* ---------------------------------------------------------------------------------------------------------- table */

static const struct {
    const char *op, *domain;
    repair_fn fn;
    const char *what;
} rows[] = {
    { "GatherND", "", short_indices, "indices are int32; they are made int64" },
    { "LinearClassifier", ML, too_many_coefficients,
      "there are more coefficients than classes and features ask for; "
      "the first ones are used" },
    { "RotaryEmbedding", "", shared_caches, "the caches have a batch of 1, or none; all samples share them" },
    { "STFT", "", signal_without_parts, "the signal is [batch, length]; it is taken for [batch, length, 1]" },
    { "Scatter", "", too_many_updates, "updates is larger than indices; the part that indices covers is used" },
    { "ScatterElements", "", too_many_updates, "updates is larger than indices; the part that indices covers is used" },
    { "ScatterND", "", short_indices, "indices are int32; they are made int64" },
    { "Transpose", "", perm_from_end, "perm has negative entries; they count from the last dimension" },
    { "TreeEnsembleClassifier", ML, repeated_class_votes,
      "leaves list a vote for one class several times; the first "
      "counts" },
    { "TreeEnsembleRegressor", ML, repeated_target_votes,
      "leaves list a vote for one target several times; the first "
      "counts" },
};

bool tn_onnx_repairs(const tn_node *n) {
    for (size_t i = 0; i < TN_COUNT(rows); i++)
        if (!strcmp(rows[i].op, n->type) && !strcmp(rows[i].domain, n->domain)) return true;
    return false;
}

tn_status tn_onnx_repair(tn_node *n) {
    for (size_t i = 0; i < TN_COUNT(rows); i++) {
        if (strcmp(rows[i].op, n->type) || strcmp(rows[i].domain, n->domain)) continue;
        bool repaired = false;
        TN_TRY(rows[i].fn(n, &repaired));
        if (!repaired) continue;
        TN_TRY(
            tn_find(n->graph->model, TN_FINDING_REPAIR, TN_OK, rows[i].what, "%s: %s", tn_node_where(n), rows[i].what));
    }
    return TN_OK;
}
