/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ml_trees.c - TreeEnsemble, TreeEnsembleClassifier, TreeEnsembleRegressor: sums over the leaves that rows reach. */
#include "base/sort.h"
#include "op/grad.h"
#include "op/ml.h"
#include "op/trees.h"
#include <math.h>
#include <string.h>

typedef enum { ADD_AVERAGE, ADD_SUM, ADD_MIN, ADD_MAX } aggregate;

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

static tn_status read_ints(const tn_node *n, const char *name, int64_t count, const int64_t **out) {
    int have;
    *out = tn_attr_ints(n, name, &have);
    if (have != count)
        return tn_op_fail(n, TN_E_INVALID, "attribute '%s' has %d numbers, %lld are needed", name, have,
                          (long long)count);
    return TN_OK;
}

/* "NAME", or "NAME_as_tensor". */
static tn_status read_reals(const tn_node *n, const char *name, const char *tensor, tn_arena *a, const double **out,
                            int64_t *count) {
    TN_TRY(tn_ml_reals(n, name, a, out, count));
    return *count ? TN_OK : tn_ml_reals(n, tensor, a, out, count);
}

static tn_status read_missing(const tn_node *n, tn_arena *a, tn_tree_source *s) {
    int have;
    const int64_t *v = tn_attr_ints(n, "nodes_missing_value_tracks_true", &have);
    if (!have) return TN_OK;
    if (have < s->n && have)
        return tn_op_fail(n, TN_E_INVALID, "nodes_missing_value_tracks_true has %d numbers, %lld are needed", have,
                          (long long)s->n);
    uint8_t *missing = tn_arena_array(a, uint8_t, (size_t)s->n + 1);
    if (!missing) return no_memory(n);
    for (int64_t i = 0; i < s->n && i < have; i++) missing[i] = v[i] != 0;
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

static tn_status read_modes(const tn_node *n, uint8_t *mode, int64_t count) {
    static const char *const words[] = {
        [TN_TREE_LEQ] = "BRANCH_LEQ", [TN_TREE_LT] = "BRANCH_LT", [TN_TREE_GTE] = "BRANCH_GTE",
        [TN_TREE_GT] = "BRANCH_GT",   [TN_TREE_EQ] = "BRANCH_EQ", [TN_TREE_NEQ] = "BRANCH_NEQ",
        [TN_TREE_MEMBER] = "",        [TN_TREE_LEAF] = "LEAF"
    };
    const tn_attr *a = tn_attr_find(n, "nodes_modes");
    if (!a || (int64_t)a->n != count)
        return tn_op_fail(n, TN_E_INVALID, "attribute 'nodes_modes' has %zu words, %lld are needed", a ? a->n : 0,
                          (long long)count);
    for (int64_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < TN_COUNT(words) && (!*words[k] || strlen(words[k]) != a->strings[i].len ||
                                       memcmp(words[k], a->strings[i].ptr, a->strings[i].len)))
            k++;
        if (k == TN_COUNT(words))
            return tn_op_fail(n, TN_E_INVALID, "tree node %lld has mode '%.*s'", (long long)i,
                              (int)(a->strings[i].len < 40 ? a->strings[i].len : 40), a->strings[i].ptr);
        mode[i] = (uint8_t)k;
    }
    return TN_OK;
}

/* Children and roots: the first node listed of a tree is its root. */
static tn_status link_nodes(const tn_node *n, tn_arena *a, tn_tree_source *s, named_node *named, const int64_t *tree) {
    const int64_t *id, *yes, *no;
    TN_TRY(read_ints(n, "nodes_nodeids", s->n, &id));
    TN_TRY(read_ints(n, "nodes_truenodeids", s->n, &yes));
    TN_TRY(read_ints(n, "nodes_falsenodeids", s->n, &no));
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
        links[i] = leaf ? -1 : find_node(named, s->n, tree[i], yes[i]);
        links[s->n + i] = leaf ? -1 : find_node(named, s->n, tree[i], no[i]);
    }
    s->yes = links, s->no = links + s->n, s->roots = roots;
    return TN_OK;
}

/* prefix: "class" or "target", of the attributes that hold the votes. */
static tn_status read_named(const tn_node *n, tn_arena *a, const char *prefix, int64_t targets, tn_tree_source *s) {
    char name[4][40];
    static const char *const parts[] = { "treeids", "nodeids", "ids", "weights" };
    int have;
    int64_t splits, weights;
    const int64_t *tree = tn_attr_ints(n, "nodes_treeids", &have), *vote_tree, *vote_id, *target;
    const double *weight;
    if (have < 1) return tn_op_fail(n, TN_E_INVALID, "attribute 'nodes_treeids' is empty: there are no trees");
    *s = (tn_tree_source){ .n = have };
    uint8_t *mode = tn_arena_array(a, uint8_t, (size_t)have);
    named_node *named = tn_arena_array(a, named_node, (size_t)have);
    if (!mode || !named) return no_memory(n);
    TN_TRY(read_modes(n, mode, have));
    s->mode = mode;
    TN_TRY(read_ints(n, "nodes_featureids", have, &s->feature));
    TN_TRY(read_reals(n, "nodes_values", "nodes_values_as_tensor", a, &s->split, &splits));
    if (splits != have) return tn_op_fail(n, TN_E_INVALID, "%lld nodes_values, %d are needed", (long long)splits, have);
    TN_TRY(read_missing(n, a, s));
    TN_TRY(link_nodes(n, a, s, named, tree));
    for (int i = 0; i < 4; i++) {
        strcpy(name[i], prefix);
        strcat(strcat(name[i], "_"), parts[i]);
    }
    char as_tensor[64];
    strcat(strcpy(as_tensor, name[3]), "_as_tensor");
    TN_TRY(read_reals(n, name[3], as_tensor, a, &weight, &weights));
    TN_TRY(read_ints(n, name[0], weights, &vote_tree));
    TN_TRY(read_ints(n, name[1], weights, &vote_id));
    TN_TRY(read_ints(n, name[2], weights, &target));
    int64_t *at = tn_arena_array(a, int64_t, (size_t)weights + 1);
    if (!at) return no_memory(n);
    for (int64_t i = 0; i < weights; i++) {
        at[i] = find_node(named, have, vote_tree[i], vote_id[i]);
        if (at[i] < 0)
            return tn_op_fail(n, TN_E_INVALID, "a vote belongs to node %lld of tree %lld, which does not exist",
                              (long long)vote_id[i], (long long)vote_tree[i]);
    }
    return group_votes(n, a, s, weights, at, target, weight, targets);
}

/* --------------------------------------------------------------- nodes named by position, leaves apart (version 5) */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The members of the k-th MEMBER node are the k-th run of values that a NaN ends. */
static tn_status read_sets(const tn_node *n, tn_arena *a, tn_tree_source *s, int64_t inner, double *split) {
    const double *values;
    int64_t count, k = 0, sets = 0;
    TN_TRY(tn_ml_reals(n, "membership_values", a, &values, &count));
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
static tn_status read_numbered(const tn_node *n, tn_arena *a, int64_t targets, tn_tree_source *s) {
    int have;
    const int64_t *feature = tn_attr_ints(n, "nodes_featureids", &have), *yes, *no, *yes_leaf, *no_leaf, *target;
    const double *modes, *splits, *weights;
    int64_t inner = have, n_modes, n_splits, leaves;
    TN_TRY(tn_ml_reals(n, "nodes_modes", a, &modes, &n_modes));
    TN_TRY(tn_ml_reals(n, "nodes_splits", a, &splits, &n_splits));
    TN_TRY(tn_ml_reals(n, "leaf_weights", a, &weights, &leaves));
    TN_TRY(read_ints(n, "nodes_truenodeids", inner, &yes));
    TN_TRY(read_ints(n, "nodes_falsenodeids", inner, &no));
    TN_TRY(read_ints(n, "nodes_trueleafs", inner, &yes_leaf));
    TN_TRY(read_ints(n, "nodes_falseleafs", inner, &no_leaf));
    TN_TRY(read_ints(n, "leaf_targetids", leaves, &target));
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
    TN_TRY(read_missing(n, a, s));
    for (int64_t i = 0; i < inner; i++) {
        mode[i] = modes[i] >= 0 && modes[i] < TN_TREE_LEAF ? (uint8_t)modes[i] : 255;
        kind[i] = feature[i], split[i] = splits[i];
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
    s->roots = tn_attr_ints(n, "tree_roots", &have);
    s->n_roots = have;
    for (int64_t i = 0; i < have; i++)
        if (s->roots[i] >= inner) return tn_op_fail(n, TN_E_INVALID, "tree %lld has no root", (long long)i);
    TN_TRY(read_sets(n, a, s, inner, split));
    return group_votes(n, a, s, leaves, at, target, weights, targets);
}

/* ------------------------------------------------------------------------------------------------------ preparing */

enum { CLASSIFIER, REGRESSOR, ENSEMBLE };

static tn_status read_targets(const tn_node *n, ensemble *e) {
    if (n->op->arg == CLASSIFIER) {
        TN_TRY(tn_labels_read(n, "classlabels_int64s", "classlabels_strings", &e->labels));
        e->targets = e->labels.n;
        if (!e->targets) return tn_op_fail(n, TN_E_INVALID, "there are no class labels");
        return TN_OK;
    }
    e->targets = tn_attr_int(n, "n_targets", 1);
    return TN_OK;
}

static tn_status trees_prepare(tn_prep *p) {
    const tn_node *n = p->types.node;
    tn_tree_source s;
    ensemble *e = tn_arena_new_of(p->arena, ensemble);
    if (!e) return no_memory(n);
    *e = (ensemble){ .how = ADD_SUM };
    TN_TRY(read_targets(n, e));
    if (n->op->arg == ENSEMBLE) {
        e->how = (aggregate)tn_attr_int(n, "aggregate_function", ADD_SUM);
        e->post = (tn_post)tn_attr_int(n, "post_transform", TN_POST_NONE);
        TN_TRY(read_numbered(n, p->arena, e->targets, &s));
    } else {
        e->how = tn_attr_is(n, "aggregate_function", "AVERAGE", "SUM") ? ADD_AVERAGE
                 : tn_attr_is(n, "aggregate_function", "MIN", "SUM")   ? ADD_MIN
                 : tn_attr_is(n, "aggregate_function", "MAX", "SUM")   ? ADD_MAX
                                                                       : ADD_SUM;
        e->post = tn_post_read(n);
        TN_TRY(read_reals(n, "base_values", "base_values_as_tensor", p->arena, &e->base, &e->n_base));
        if (e->n_base > 1 && e->n_base != e->targets)
            return tn_op_fail(n, TN_E_INVALID, "%lld base_values for %lld targets", (long long)e->n_base,
                              (long long)e->targets);
        TN_TRY(read_named(n, p->arena, n->op->arg == CLASSIFIER ? "class" : "target", e->targets, &s));
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
    TN_TRY(read_targets(c->node, &e));
    tn_rows_infer(c, 0, &rows, &features);
    bool classifier = c->node->op->arg == CLASSIFIER;
    if (classifier) tn_infer_out(c, 0, tn_labels_type(&e.labels), 1, &rows);
    if (!classifier || c->n_out > 1)
        tn_infer_out(c, classifier, c->node->op->arg == ENSEMBLE ? tn_infer_dtype(c, 0) : TN_F32, 2,
                     (tn_dim[]){ rows, e.targets });
    return TN_OK;
}

static tn_status trees_cost(const tn_infer *c, tn_cost *out) {
    int trees = 0;
    tn_attr_ints(c->node, "tree_roots", &trees);
    if (!trees) tn_attr_ints(c->node, "nodes_nodeids", &trees);
    out->flops = (double)c->out[0].dims[0] * (double)trees; /* a guess: how deep rows go depends on them */
    return TN_OK;
}

#define NODES                                                                     \
    { "nodes_falsenodeids", TN_ATTR_INTS }, { "nodes_featureids", TN_ATTR_INTS }, \
        { "nodes_missing_value_tracks_true", TN_ATTR_INTS }, {                    \
        "nodes_truenodeids", TN_ATTR_INTS                                         \
    }
#define NAMED_NODES                                                                                               \
    NODES, { "nodes_hitrates", TN_ATTR_FLOATS }, { "nodes_hitrates_as_tensor", TN_ATTR_TENSOR },                  \
        { "nodes_modes", TN_ATTR_STRINGS }, { "nodes_nodeids", TN_ATTR_INTS }, { "nodes_treeids", TN_ATTR_INTS }, \
        { "nodes_values", TN_ATTR_FLOATS }, { "nodes_values_as_tensor", TN_ATTR_TENSOR },                         \
        { "base_values", TN_ATTR_FLOATS }, { "base_values_as_tensor", TN_ATTR_TENSOR }, {                         \
        "post_transform", TN_ATTR_STRING, .words = TN_POST_WORDS                                                  \
    }

static const tn_attr_spec classifier_attrs[] = { NAMED_NODES,
                                                 { "class_ids", TN_ATTR_INTS },
                                                 { "class_nodeids", TN_ATTR_INTS },
                                                 { "class_treeids", TN_ATTR_INTS },
                                                 { "class_weights", TN_ATTR_FLOATS },
                                                 { "class_weights_as_tensor", TN_ATTR_TENSOR },
                                                 { "classlabels_int64s", TN_ATTR_INTS },
                                                 { "classlabels_strings", TN_ATTR_STRINGS },
                                                 { 0 } };
static const tn_attr_spec regressor_attrs[] = { NAMED_NODES,
                                                { "aggregate_function", TN_ATTR_STRING,
                                                  .words = "AVERAGE|SUM|MIN|MAX" },
                                                { "n_targets", TN_ATTR_INT, .min = 1, .max = INT32_MAX },
                                                { "target_ids", TN_ATTR_INTS },
                                                { "target_nodeids", TN_ATTR_INTS },
                                                { "target_treeids", TN_ATTR_INTS },
                                                { "target_weights", TN_ATTR_FLOATS },
                                                { "target_weights_as_tensor", TN_ATTR_TENSOR },
                                                { 0 } };
static const tn_attr_spec ensemble_attrs[] = { NODES,
                                               { "aggregate_function", TN_ATTR_INT, .min = 0, .max = 3 },
                                               { "leaf_targetids", TN_ATTR_INTS, .required = true },
                                               { "leaf_weights", TN_ATTR_TENSOR, .required = true },
                                               { "membership_values", TN_ATTR_TENSOR },
                                               { "n_targets", TN_ATTR_INT, .min = 1, .max = INT32_MAX },
                                               { "nodes_falseleafs", TN_ATTR_INTS, .required = true },
                                               { "nodes_hitrates", TN_ATTR_TENSOR },
                                               { "nodes_modes", TN_ATTR_TENSOR, .required = true },
                                               { "nodes_splits", TN_ATTR_TENSOR, .required = true },
                                               { "nodes_trueleafs", TN_ATTR_INTS, .required = true },
                                               { "post_transform", TN_ATTR_INT, .min = 0, .max = 4 },
                                               { "tree_roots", TN_ATTR_INTS, .required = true },
                                               { 0 } };
static const tn_port ensemble_ports[] = {
    { "X", tn_dtype_bit(TN_F32) | tn_dtype_bit(TN_F64) | tn_dtype_bit(TN_F16), 'T' }, { 0 }
};

#define TREES(name_, since_, in_, out_, attrs_, arg_, doc_)                                                         \
    {                                                                                                               \
        .name = name_, .domain = TN_ML, .since = since_, .in = in_, .out = out_, .attrs = attrs_,                   \
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
