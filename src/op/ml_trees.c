/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ml_trees.c - TreeEnsemble, TreeEnsembleClassifier, TreeEnsembleRegressor: sums over the leaves that rows reach. */
#include "op/grad.h"
#include "op/ml.h"
#include "op/trees.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum { ADD_AVERAGE, ADD_SUM, ADD_MIN, ADD_MAX } aggregate;
#define AGGREGATES "AVERAGE|SUM|MIN|MAX" /* in that order */

enum { CLASSIFIER, REGRESSOR, ENSEMBLE };

/* Of all rows; what one does not have is 0. `votes` are what leaves say: class_... or target_... */
typedef struct {
    tn_ints nodes_featureids, nodes_truenodeids, nodes_falsenodeids, nodes_missing_value_tracks_true;
    tn_label_attrs labels;
    int64_t n_targets;
    /* TreeEnsembleClassifier, TreeEnsembleRegressor */
    tn_strings nodes_modes;
    tn_ints nodes_nodeids, nodes_treeids, votes_treeids, votes_nodeids, votes_ids;
    tn_floats nodes_values, votes_weights, base_values;
    const tn_tensor *nodes_values_as_tensor, *votes_weights_as_tensor, *base_values_as_tensor;
    int aggregate_function, post_transform;
    /* TreeEnsemble */
    const tn_tensor *nodes_mode_numbers, *nodes_splits, *leaf_weights, *membership_values;
    tn_ints nodes_trueleafs, nodes_falseleafs, leaf_targetids, tree_roots;
    int64_t aggregate_number, post_number;
} settings;

typedef struct {
    tn_trees *trees;
    int64_t targets;
    aggregate how;
    tn_post post;
    const double *base;
    int64_t n_base;
    bool binary, positive; /* a classifier of two classes with votes for one; no vote is negative */
    tn_labels labels;
} ensemble;

static tn_status no_memory(const tn_node *n) { return tn_op_fail(n, TN_E_NOMEM, "no memory for the trees"); }

/* ------------------------------------------------------------------------------------------- reading what files say */

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

/* ------------------------------------------------------------------- nodes named by tree and number (versions 1 to 3)
 */

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
static tn_status link_nodes(const tn_node *n, const settings *at, tn_arena *a, tn_tree_source *s, named_node *named) {
    const int64_t *tree = at->nodes_treeids.v, *id = at->nodes_nodeids.v;
    TN_TRY(need(n, "nodes_nodeids", at->nodes_nodeids, s->n));
    TN_TRY(need(n, "nodes_truenodeids", at->nodes_truenodeids, s->n));
    TN_TRY(need(n, "nodes_falsenodeids", at->nodes_falsenodeids, s->n));
    int64_t *links = tn_arena_array(a, int64_t, 2 * (size_t)s->n + 1),
            *roots = tn_arena_array(a, int64_t, (size_t)s->n + 1);
    if (!links || !roots) return no_memory(n);
    for (int64_t i = 0; i < s->n; i++) named[i] = (named_node){ tree[i], id[i], i };
    qsort(named, (size_t)s->n, sizeof *named, by_name);
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
static tn_status read_votes(const tn_node *n, const settings *a, tn_arena *arena, const named_node *named,
                            int64_t targets, tn_tree_source *s) {
    static const char *const names[][4] = {
        [CLASSIFIER] = { "class_weights_as_tensor", "class_treeids", "class_nodeids", "class_ids" },
        [REGRESSOR] = { "target_weights_as_tensor", "target_treeids", "target_nodeids", "target_ids" }
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

static tn_status read_named(const tn_node *n, const settings *a, tn_arena *arena, int64_t targets, tn_tree_source *s) {
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
        qsort(members + start[sets], (size_t)(k - start[sets]), sizeof *members, by_value);
        start[++sets] = k;
    }
    if (sets + 1 == s->n_sets && k > start[sets]) { /* the last one may go without its NaN */
        qsort(members + start[sets], (size_t)(k - start[sets]), sizeof *members, by_value);
        start[++sets] = k;
    }
    if (sets != s->n_sets)
        return tn_op_fail(n, TN_E_INVALID, "membership_values has %lld sets, %lld are needed", (long long)sets,
                          (long long)s->n_sets);
    s->sets = start, s->members = members;
    return TN_OK;
}

/* The trees' numbering: inner nodes, then leaves. */
static tn_status read_numbered(const tn_node *n, const settings *set, tn_arena *a, int64_t targets, tn_tree_source *s) {
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

/* ------------------------------------------------------------------------------------------------------ preparing */

static tn_status read_targets(const tn_node *n, const settings *a, ensemble *e) {
    if (n->op->arg == CLASSIFIER) {
        TN_TRY(tn_labels_of(n, &a->labels, &e->labels));
        e->targets = e->labels.n;
        if (!e->targets) return tn_op_fail(n, TN_E_INVALID, "there are no class labels");
        return TN_OK;
    }
    e->targets = a->n_targets;
    return TN_OK;
}

static tn_status trees_prepare(tn_prep *p) {
    const tn_node *n = p->types.node;
    const settings *a = p->types.attrs;
    tn_tree_source s;
    ensemble *e = tn_arena_new_of(p->arena, ensemble);
    if (!e) return no_memory(n);
    *e = (ensemble){ .how = ADD_SUM };
    TN_TRY(read_targets(n, a, e));
    if (n->op->arg == ENSEMBLE) {
        e->how = (aggregate)a->aggregate_number, e->post = (tn_post)a->post_number;
        TN_TRY(read_numbered(n, a, p->arena, e->targets, &s));
    } else {
        if (n->op->arg == REGRESSOR) e->how = (aggregate)a->aggregate_function;
        e->post = (tn_post)a->post_transform;
        TN_TRY(tn_ml_reals(n, a->base_values, a->base_values_as_tensor, "base_values_as_tensor", p->arena, &e->base,
                           &e->n_base));
        if (e->n_base > 1 && e->n_base != e->targets)
            return tn_op_fail(n, TN_E_INVALID, "%lld base_values for %lld targets", (long long)e->n_base,
                              (long long)e->targets);
        TN_TRY(read_named(n, a, p->arena, e->targets, &s));
    }
    if (n->op->arg == CLASSIFIER) {
        int64_t votes = s.votes_of[s.n];
        e->binary = e->targets == 2, e->positive = true;
        for (int64_t i = 0; i < votes; i++) {
            e->binary &= s.target[i] == s.target[0];
            e->positive &= s.weight[i] >= 0;
        }
    }
    p->state = e;
    return tn_trees_build(n, p->arena, &s, &e->trees);
}

/* -------------------------------------------------------------------------------------------------------- running */

enum { BLOCK = 32 }; /* rows that go through a tree while it is in the cache */

typedef struct {
    const ensemble *e;
    const tn_tensor *x;
    tn_tensor *scores;
    int64_t *classes; /* of a classifier */
    int64_t features;
    char *scratch;
    size_t per_thread;
} tree_job;

/* Adds the votes of every tree for up to BLOCK rows; got[] says which targets received one. */
static void sum_votes(const ensemble *e, const double *const *x, int rows, double *sum, bool *got) {
    const tn_tree_source *s = &e->trees->source;
    int64_t leaf[BLOCK], k = e->targets;
    for (int64_t i = 0; i < rows * k; i++) sum[i] = 0, got[i] = false;
    for (int64_t t = 0; t < e->trees->n_trees; t++) {
        tn_trees_walk(e->trees, t, x, rows, leaf);
        for (int i = 0; i < rows; i++)
            for (int64_t v = s->votes_of[leaf[i]]; v < s->votes_of[leaf[i] + 1]; v++) {
                double *to = &sum[i * k + s->target[v]], w = s->weight[v];
                bool first = !got[i * k + s->target[v]];
                got[i * k + s->target[v]] = true;
                if (e->how == ADD_MIN)
                    *to = first || w < *to ? w : *to;
                else if (e->how == ADD_MAX)
                    *to = first || w > *to ? w : *to;
                else
                    *to += w;
            }
    }
}

static int64_t largest(const double *v, int64_t n, const bool *got) {
    int64_t best = -1;
    for (int64_t i = 0; i < n; i++)
        if ((!got || got[i]) && (best < 0 || v[i] > v[best])) best = i;
    return best < 0 ? 0 : best;
}

/* One score stands for two classes: 1 - s and s when it is like a probability, that is, no vote is negative or the
 * transform wants one; else -s and s. returns the class that wins */
static int64_t two_classes(const ensemble *e, double *s, double score) {
    bool probability = e->post == TN_POST_PROBIT || (e->post == TN_POST_NONE && e->positive);
    s[0] = probability ? 1 - score : -score;
    s[1] = score;
    tn_post_apply(e->post, s, 2);
    return score > (probability ? 0.5 : 0);
}

static int64_t classify(const ensemble *e, double *s, bool *got) {
    if (e->binary) {
        int64_t voted = e->trees->source.target[0];
        double score = s[voted];
        if (e->n_base) score += e->base[e->n_base == 1 ? 0 : voted];
        return two_classes(e, s, score);
    }
    for (int64_t k = 0; k < e->targets; k++)
        if (e->n_base) s[k] += e->base[e->n_base == 1 ? 0 : k], got[k] = true;
    int64_t best = largest(s, e->targets, got);
    tn_post_apply(e->post, s, e->targets);
    return best;
}

static void regress(const ensemble *e, double *s) {
    for (int64_t k = 0; k < e->targets; k++) {
        if (e->how == ADD_AVERAGE) s[k] /= (double)e->trees->n_trees;
        if (e->n_base) s[k] += e->base[e->n_base == 1 ? 0 : k];
    }
    tn_post_apply(e->post, s, e->targets);
}

static void tree_part(void *arg, int64_t begin, int64_t end, int thread) {
    const tree_job *j = arg;
    const ensemble *e = j->e;
    double *rows = (double *)(void *)(j->scratch + (size_t)thread * j->per_thread), *sum = rows + BLOCK * j->features;
    bool *got = (bool *)(sum + BLOCK * e->targets);
    const double *x[BLOCK];
    for (int i = 0; i < BLOCK; i++) x[i] = rows + i * j->features;
    for (int64_t at = begin; at < end; at += BLOCK) {
        int n = end - at < BLOCK ? (int)(end - at) : BLOCK;
        tn_rows_read(j->x, at * j->features, n * j->features, rows);
        sum_votes(e, x, n, sum, got);
        for (int i = 0; i < n; i++) {
            double *s = sum + i * e->targets;
            if (j->classes)
                j->classes[at + i] = classify(e, s, got + i * e->targets);
            else
                regress(e, s);
            for (int64_t k = 0; j->scores && k < e->targets; k++)
                tn_set_f64(j->scores->dtype, j->scores->data, (at + i) * e->targets + k, s[k]);
        }
    }
}

static tn_status trees_run(tn_run *r) {
    const ensemble *e = r->state;
    const tn_tensor *x = tn_in(r, 0);
    bool classifier = r->node->op->arg == CLASSIFIER;
    tree_job j = { .e = e, .x = x, .scores = tn_out(r, classifier), .features = tn_rows_features(x) };
    int64_t n = tn_rows_count(x);
    size_t bytes;
    if (j.features < e->trees->features)
        return tn_op_fail(r->node, TN_E_SHAPE, "rows have %lld features, the trees ask for %lld", (long long)j.features,
                          (long long)e->trees->features);
    if (!tn_mul_size(BLOCK * (size_t)(j.features + 2 * e->targets + 2), sizeof(double), &j.per_thread) ||
        !tn_mul_size(j.per_thread, (size_t)tn_pool_threads(r->pool), &bytes) || !(j.scratch = tn_run_scratch(r, bytes)))
        return no_memory(r->node);
    if (classifier && !(j.classes = tn_run_scratch(r, (size_t)(n + 1) * sizeof *j.classes))) return no_memory(r->node);
    tn_parallel(r->pool, n, 1 + 2000 / (e->trees->n_trees + 1), tree_part, &j);
    tn_tensor *labels = classifier ? tn_out(r, 0) : NULL;
    for (int64_t i = 0; labels && i < n; i++) TN_TRY(tn_labels_put(&e->labels, labels, i, j.classes[i]));
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ rows */

static tn_status trees_infer(tn_infer *c) {
    ensemble e = { 0 };
    tn_dim rows, features;
    TN_TRY(read_targets(c->node, c->attrs, &e));
    tn_rows_infer(c, 0, &rows, &features);
    bool classifier = c->node->op->arg == CLASSIFIER;
    if (classifier) tn_infer_out(c, 0, tn_labels_type(&e.labels), 1, &rows);
    if (!classifier || c->n_out > 1)
        tn_infer_out(c, classifier, c->node->op->arg == ENSEMBLE ? tn_infer_dtype(c, 0) : TN_F32, 2,
                     (tn_dim[]){ rows, e.targets });
    return TN_OK;
}

static tn_status trees_cost(const tn_infer *c, tn_cost *out) {
    const settings *a = c->attrs;
    size_t trees = a->tree_roots.n ? a->tree_roots.n : a->nodes_nodeids.n;
    out->flops = (double)c->out[0].dims[0] * (double)trees; /* a guess: how deep rows go depends on them */
    return TN_OK;
}

#define NODES                                                                                 \
    { TN_INTS_OF(settings, nodes_falsenodeids) }, { TN_INTS_OF(settings, nodes_featureids) }, \
        { TN_INTS_OF(settings, nodes_missing_value_tracks_true) }, {                          \
        TN_INTS_OF(settings, nodes_truenodeids)                                               \
    }
#define NAMED_NODES                                                                                  \
    NODES, { "nodes_hitrates", TN_ATTR_FLOATS }, { "nodes_hitrates_as_tensor", TN_ATTR_TENSOR },     \
        { TN_STRINGS_OF(settings, nodes_modes) }, { TN_INTS_OF(settings, nodes_nodeids) },           \
        { TN_INTS_OF(settings, nodes_treeids) }, { TN_FLOATS_OF(settings, nodes_values) },           \
        { TN_TENSOR_OF(settings, nodes_values_as_tensor) }, { TN_FLOATS_OF(settings, base_values) }, \
        { TN_TENSOR_OF(settings, base_values_as_tensor) }, {                                         \
        TN_POST_OF(settings)                                                                         \
    }
#define VOTES(prefix)                                                                                               \
    { TN_INTS_AS(settings, votes_ids, prefix "_ids") }, { TN_INTS_AS(settings, votes_nodeids, prefix "_nodeids") }, \
        { TN_INTS_AS(settings, votes_treeids, prefix "_treeids") },                                                 \
        { TN_FLOATS_AS(settings, votes_weights, prefix "_weights") }, {                                             \
        TN_TENSOR_AS(settings, votes_weights_as_tensor, prefix "_weights_as_tensor")                                \
    }

static const tn_attr_spec classifier_attrs[] = {
    NAMED_NODES, VOTES("class"), TN_LABELS_OF(settings, labels, "classlabels_int64s", "classlabels_strings"), { 0 }
};
static const tn_attr_spec regressor_attrs[] = { NAMED_NODES,
                                                { TN_WORD(settings, aggregate_function, AGGREGATES, "SUM") },
                                                { TN_INT(settings, n_targets, 1), .min = 1, .max = INT32_MAX },
                                                VOTES("target"),
                                                { 0 } };
static const tn_attr_spec ensemble_attrs[] = {
    NODES,
    { TN_INT_AS(settings, aggregate_number, "aggregate_function", ADD_SUM), .min = ADD_AVERAGE, .max = ADD_MAX },
    { TN_INTS_OF(settings, leaf_targetids), .required = true },
    { TN_TENSOR_OF(settings, leaf_weights), .required = true },
    { TN_TENSOR_OF(settings, membership_values) },
    { TN_INT(settings, n_targets, 1), .min = 1, .max = INT32_MAX },
    { TN_INTS_OF(settings, nodes_falseleafs), .required = true },
    { "nodes_hitrates", TN_ATTR_TENSOR },
    { TN_TENSOR_AS(settings, nodes_mode_numbers, "nodes_modes"), .required = true },
    { TN_TENSOR_OF(settings, nodes_splits), .required = true },
    { TN_INTS_OF(settings, nodes_trueleafs), .required = true },
    { TN_INT_AS(settings, post_number, "post_transform", TN_POST_NONE), .min = TN_POST_NONE, .max = TN_POST_PROBIT },
    { TN_INTS_OF(settings, tree_roots), .required = true },
    { 0 }
};
static const tn_port ensemble_ports[] = {
    { "X", tn_dtype_bit(TN_F32) | tn_dtype_bit(TN_F64) | tn_dtype_bit(TN_F16), 'T' }, { 0 }
};

#define TREES(name_, since_, in_, out_, attrs_, arg_, doc_)                                                         \
    {                                                                                                               \
        .name = name_, .domain = TN_ML, .since = since_, .in = in_, .out = out_, TN_ATTRS(attrs_, settings),        \
        .infer = trees_infer, .cost = trees_cost, .prepare = trees_prepare, .run = trees_run, .grad = tn_grad_none, \
        .arg = arg_, .doc = doc_                                                                                    \
    }
const tn_op tn_ops_ml_trees[] = {
    TREES("TreeEnsembleClassifier", 3, tn_ml_ports_x, tn_ml_ports_classified, classifier_attrs, CLASSIFIER,
          "the class that decision trees vote for"),
    TREES("TreeEnsembleRegressor", 3, tn_ml_ports_x, tn_ml_ports_f32, regressor_attrs, REGRESSOR,
          "sums, means or extremes of what decision trees say"),
    TREES("TreeEnsemble", 5, ensemble_ports, ensemble_ports, ensemble_attrs, ENSEMBLE,
          "sums, means or extremes of what decision trees say"),
    { 0 },
};
