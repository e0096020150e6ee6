/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* trees_read.c - what files say of trees: see trees_read.h. */
#include "op/ml/trees_read.h"
#include "base/sort.h"
#include <string.h>

static tn_status no_memory(const tn_node *n) { return tn_op_fail(n, TN_E_NOMEM, "no memory for the trees"); }

static tn_status need(const tn_node *n, const char *name, tn_ints list, int64_t count) {
    return (int64_t)list.n == count ? TN_OK
                                    : tn_op_fail(n, TN_E_INVALID, "attribute '%s' has %zu numbers, %lld are needed",
                                                 name, list.n, (long long)count);
}

static tn_status read_missing(const tn_node *n, tn_ints tracks_true, tn_arena *a, tn_tree_source *s) {
    if (!tracks_true.n) return TN_OK;
    if ((int64_t)tracks_true.n < s->n)
        return tn_op_fail(n, TN_E_INVALID, "nodes_missing_value_tracks_true has %zu numbers, %lld are needed",
                          tracks_true.n, (long long)s->n);
    uint8_t *missing = tn_arena_array(a, uint8_t, (size_t)s->n + 1);
    if (!missing) return no_memory(n);
    for (int64_t i = 0; i < s->n; i++) missing[i] = tracks_true.v[i] != 0;
    s->missing = missing;
    return TN_OK;
}

/* Votes sorted by the node they belong to: at[i] is vote i's node (-1: none). */
static tn_status group_votes(const tn_node *n, tn_arena *a, tn_tree_source *s, int64_t votes, const int64_t *at,
                             const int64_t *target, const double *weight, int64_t targets) {
    int64_t *start = tn_arena_array(a, int64_t, (size_t)s->n + 2), *to = tn_arena_array(a, int64_t, (size_t)votes + 1);
    double *w = tn_arena_array(a, double, (size_t)votes + 1);
    if (!start || !to || !w) return no_memory(n);
    for (int64_t i = 0; i < votes; i++) {
        if (target[i] < 0 || target[i] >= targets)
            return tn_op_fail(n, TN_E_INVALID, "a leaf votes for %lld of %lld", (long long)target[i],
                              (long long)targets);
        if (at[i] >= 0) start[at[i] + 2]++;
    }
    for (int64_t i = 0; i < s->n; i++) start[i + 2] += start[i + 1];
    for (int64_t i = 0; i < votes; i++) {
        if (at[i] < 0) continue;
        int64_t k = start[at[i] + 1]++;
        to[k] = target[i], w[k] = weight[i];
    }
    s->votes_of = start, s->target = to, s->weight = w;
    return TN_OK;
}

/* ----------------------------------------------------------------- nodes named by tree and number (versions 1 to 3) */

typedef struct {
    int64_t tree, id, at;
} named_node;

static int by_name(const void *a, const void *b) {
    const named_node *x = a, *y = b;
    if (x->tree != y->tree) return x->tree < y->tree ? -1 : 1;
    if (x->id != y->id) return x->id < y->id ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static int64_t find_node(const named_node *v, int64_t n, int64_t tree, int64_t id) {
    int64_t lo = 0, hi = n;
    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        if (v[mid].tree < tree || (v[mid].tree == tree && v[mid].id < id))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && v[lo].tree == tree && v[lo].id == id ? v[lo].at : -1;
}

static tn_status read_modes(const tn_node *n, tn_strings modes, uint8_t *mode, int64_t count) {
    static const char *const words[] = {
        [TN_TREE_LEQ] = "BRANCH_LEQ", [TN_TREE_LT] = "BRANCH_LT", [TN_TREE_GTE] = "BRANCH_GTE",
        [TN_TREE_GT] = "BRANCH_GT",   [TN_TREE_EQ] = "BRANCH_EQ", [TN_TREE_NEQ] = "BRANCH_NEQ",
        [TN_TREE_MEMBER] = "",        [TN_TREE_LEAF] = "LEAF"
    };
    if ((int64_t)modes.n != count)
        return tn_op_fail(n, TN_E_INVALID, "attribute 'nodes_modes' has %zu words, %lld are needed", modes.n,
                          (long long)count);
    for (int64_t i = 0; i < count; i++) {
        tn_string s = modes.v[i];
        size_t k = 0;
        while (k < TN_COUNT(words) && (!*words[k] || strlen(words[k]) != s.len || memcmp(words[k], s.ptr, s.len))) k++;
        if (k == TN_COUNT(words))
            return tn_op_fail(n, TN_E_INVALID, "tree node %lld has mode '%.*s'", (long long)i,
                              (int)(s.len < 40 ? s.len : 40), s.ptr);
        mode[i] = (uint8_t)k;
    }
    return TN_OK;
}

/* Children and roots: the first node listed of a tree is its root. */
static tn_status link_nodes(const tn_node *n, const tn_trees_attrs *at, tn_arena *a, tn_tree_source *s,
                            named_node *named) {
    const int64_t *tree = at->nodes_treeids.v, *id = at->nodes_nodeids.v;
    TN_TRY(need(n, "nodes_nodeids", at->nodes_nodeids, s->n));
    TN_TRY(need(n, "nodes_truenodeids", at->nodes_truenodeids, s->n));
    TN_TRY(need(n, "nodes_falsenodeids", at->nodes_falsenodeids, s->n));
    int64_t *links = tn_arena_array(a, int64_t, 2 * (size_t)s->n + 1),
            *roots = tn_arena_array(a, int64_t, (size_t)s->n + 1);
    if (!links || !roots) return no_memory(n);
    for (int64_t i = 0; i < s->n; i++) named[i] = (named_node){ tree[i], id[i], i };
    tn_sort(named, (size_t)s->n, sizeof *named, by_name);
    for (int64_t i = 0, first = 0; i < s->n; i++) {
        if (i && named[i].tree == named[i - 1].tree && named[i].id == named[i - 1].id)
            return tn_op_fail(n, TN_E_INVALID, "tree %lld has two nodes %lld", (long long)named[i].tree,
                              (long long)named[i].id);
        if (i == 0 || named[i].tree != named[i - 1].tree) first = s->n_roots++, roots[first] = named[i].at;
        if (named[i].at < roots[first]) roots[first] = named[i].at;
    }
    for (int64_t i = 0; i < s->n; i++) {
        bool leaf = s->mode[i] == TN_TREE_LEAF;
        links[i] = leaf ? -1 : find_node(named, s->n, tree[i], at->nodes_truenodeids.v[i]);
        links[s->n + i] = leaf ? -1 : find_node(named, s->n, tree[i], at->nodes_falsenodeids.v[i]);
    }
    s->yes = links, s->no = links + s->n, s->roots = roots;
    return TN_OK;
}

/* The votes, each with the node that has it. */
static tn_status read_votes(const tn_node *n, const tn_trees_attrs *a, tn_arena *arena, const named_node *named,
                            int64_t targets, tn_tree_source *s) {
    static const char *const names[][4] = {
        [TN_TREES_CLASSIFIER] = { "class_weights_as_tensor", "class_treeids", "class_nodeids", "class_ids" },
        [TN_TREES_REGRESSOR] = { "target_weights_as_tensor", "target_treeids", "target_nodeids", "target_ids" }
    };
    const char *const *name = names[n->op->arg];
    const double *weight;
    int64_t votes;
    TN_TRY(tn_ml_reals(n, a->votes_weights, a->votes_weights_as_tensor, name[0], arena, &weight, &votes));
    TN_TRY(need(n, name[1], a->votes_treeids, votes));
    TN_TRY(need(n, name[2], a->votes_nodeids, votes));
    TN_TRY(need(n, name[3], a->votes_ids, votes));
    int64_t *at = tn_arena_array(arena, int64_t, (size_t)votes + 1);
    if (!at) return no_memory(n);
    for (int64_t i = 0; i < votes; i++) {
        int64_t tree = a->votes_treeids.v[i], id = a->votes_nodeids.v[i];
        at[i] = find_node(named, s->n, tree, id);
        if (at[i] < 0)
            return tn_op_fail(n, TN_E_INVALID, "a vote belongs to node %lld of tree %lld, which does not exist",
                              (long long)id, (long long)tree);
    }
    return group_votes(n, arena, s, votes, at, a->votes_ids.v, weight, targets);
}

static tn_status read_named(const tn_node *n, const tn_trees_attrs *a, tn_arena *arena, int64_t targets,
                            tn_tree_source *s) {
    int64_t have = (int64_t)a->nodes_treeids.n, splits;
    if (have < 1) return tn_op_fail(n, TN_E_INVALID, "attribute 'nodes_treeids' is empty: there are no trees");
    *s = (tn_tree_source){ .n = have, .feature = a->nodes_featureids.v };
    uint8_t *mode = tn_arena_array(arena, uint8_t, (size_t)have);
    named_node *named = tn_arena_array(arena, named_node, (size_t)have);
    if (!mode || !named) return no_memory(n);
    TN_TRY(read_modes(n, a->nodes_modes, mode, have));
    s->mode = mode;
    TN_TRY(need(n, "nodes_featureids", a->nodes_featureids, have));
    TN_TRY(tn_ml_reals(n, a->nodes_values, a->nodes_values_as_tensor, "nodes_values_as_tensor", arena, &s->split,
                       &splits));
    if (splits != have)
        return tn_op_fail(n, TN_E_INVALID, "%lld nodes_values, %lld are needed", (long long)splits, (long long)have);
    TN_TRY(read_missing(n, a->nodes_missing_value_tracks_true, arena, s));
    TN_TRY(link_nodes(n, a, arena, s, named));
    return read_votes(n, a, arena, named, targets, s);
}

/* --------------------------------------------------------------- nodes named by position, leaves apart (version 5) */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The members of the k-th MEMBER node are the k-th run of values that a NaN ends. */
static tn_status read_sets(const tn_node *n, const tn_tensor *membership, tn_arena *a, tn_tree_source *s, int64_t inner,
                           double *split) {
    const double *values;
    int64_t count, k = 0, sets = 0;
    TN_TRY(tn_ml_reals(n, (tn_floats){ 0 }, membership, "membership_values", a, &values, &count));
    double *members = tn_arena_array(a, double, (size_t)count + 1);
    for (int64_t i = 0; i < inner; i++)
        if (s->mode[i] == TN_TREE_MEMBER) split[i] = (double)s->n_sets++;
    int64_t *start = tn_arena_array(a, int64_t, (size_t)s->n_sets + 2);
    if (!members || !start) return no_memory(n);
    for (int64_t i = 0; i < count; i++) {
        if (values[i] == values[i]) {
            members[k++] = values[i];
            continue;
        }
        if (sets == s->n_sets) return tn_op_fail(n, TN_E_INVALID, "membership_values has more sets than nodes want");
        tn_sort(members + start[sets], (size_t)(k - start[sets]), sizeof *members, by_value);
        start[++sets] = k;
    }
    if (sets + 1 == s->n_sets && k > start[sets]) { /* the last one may go without its NaN */
        tn_sort(members + start[sets], (size_t)(k - start[sets]), sizeof *members, by_value);
        start[++sets] = k;
    }
    if (sets != s->n_sets)
        return tn_op_fail(n, TN_E_INVALID, "membership_values has %lld sets, %lld are needed", (long long)sets,
                          (long long)s->n_sets);
    s->sets = start, s->members = members;
    return TN_OK;
}

/* The trees' numbering: inner nodes, then leaves. */
static tn_status read_numbered(const tn_node *n, const tn_trees_attrs *set, tn_arena *a, int64_t targets,
                               tn_tree_source *s) {
    const tn_floats none = { 0 };
    const int64_t *yes = set->nodes_truenodeids.v, *no = set->nodes_falsenodeids.v;
    const int64_t *yes_leaf = set->nodes_trueleafs.v, *no_leaf = set->nodes_falseleafs.v;
    const double *modes, *splits, *weights;
    int64_t inner = (int64_t)set->nodes_featureids.n, n_modes, n_splits, leaves;
    TN_TRY(tn_ml_reals(n, none, set->nodes_mode_numbers, "nodes_modes", a, &modes, &n_modes));
    TN_TRY(tn_ml_reals(n, none, set->nodes_splits, "nodes_splits", a, &splits, &n_splits));
    TN_TRY(tn_ml_reals(n, none, set->leaf_weights, "leaf_weights", a, &weights, &leaves));
    TN_TRY(need(n, "nodes_truenodeids", set->nodes_truenodeids, inner));
    TN_TRY(need(n, "nodes_falsenodeids", set->nodes_falsenodeids, inner));
    TN_TRY(need(n, "nodes_trueleafs", set->nodes_trueleafs, inner));
    TN_TRY(need(n, "nodes_falseleafs", set->nodes_falseleafs, inner));
    TN_TRY(need(n, "leaf_targetids", set->leaf_targetids, leaves));
    if (n_modes != inner || n_splits != inner)
        return tn_op_fail(n, TN_E_INVALID, "%lld nodes_modes and %lld nodes_splits, %lld are needed",
                          (long long)n_modes, (long long)n_splits, (long long)inner);
    int64_t all = inner + leaves;
    *s = (tn_tree_source){ .n = inner };
    uint8_t *mode = tn_arena_array(a, uint8_t, (size_t)all + 1);
    int64_t *ints = tn_arena_array(a, int64_t, 3 * (size_t)all + (size_t)leaves + 1);
    double *split = tn_arena_array(a, double, (size_t)all + 1);
    if (!mode || !ints || !split) return no_memory(n);
    int64_t *kind = ints, *left = ints + all, *right = left + all, *at = right + all;
    TN_TRY(read_missing(n, set->nodes_missing_value_tracks_true, a, s));
    for (int64_t i = 0; i < inner; i++) {
        mode[i] = modes[i] >= 0 && modes[i] < TN_TREE_LEAF ? (uint8_t)modes[i] : 255;
        kind[i] = set->nodes_featureids.v[i], split[i] = splits[i];
        int64_t limit_yes = yes_leaf[i] ? leaves : inner, limit_no = no_leaf[i] ? leaves : inner;
        left[i] = yes[i] < 0 || yes[i] >= limit_yes ? -1 : yes[i] + (yes_leaf[i] ? inner : 0);
        right[i] = no[i] < 0 || no[i] >= limit_no ? -1 : no[i] + (no_leaf[i] ? inner : 0);
    }
    uint8_t *missing = NULL;
    if (s->missing && !(missing = tn_arena_array(a, uint8_t, (size_t)all + 1))) return no_memory(n);
    if (missing) memcpy(missing, s->missing, (size_t)inner);
    for (int64_t i = 0; i < leaves; i++) mode[inner + i] = TN_TREE_LEAF, at[i] = inner + i;
    *s = (tn_tree_source){
        .n = all, .mode = mode, .feature = kind, .split = split, .missing = missing, .yes = left, .no = right
    };
    s->roots = set->tree_roots.v;
    s->n_roots = (int64_t)set->tree_roots.n;
    for (int64_t i = 0; i < s->n_roots; i++)
        if (s->roots[i] >= inner) return tn_op_fail(n, TN_E_INVALID, "tree %lld has no root", (long long)i);
    TN_TRY(read_sets(n, set->membership_values, a, s, inner, split));
    return group_votes(n, a, s, leaves, at, set->leaf_targetids.v, weights, targets);
}

tn_status tn_trees_read(const tn_node *n, const tn_trees_attrs *at, tn_arena *a, int64_t targets, tn_tree_source *out) {
    return (n->op->arg == TN_TREES_ENSEMBLE ? read_numbered : read_named)(n, at, a, targets, out);
}
