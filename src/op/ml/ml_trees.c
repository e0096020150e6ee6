/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ml_trees.c - TreeEnsemble, TreeEnsembleClassifier, TreeEnsembleRegressor: sums over the leaves that rows reach. */
#include "op/core/grad.h"
#include "op/ml/ml.h"
#include "op/ml/trees_read.h"
#include <math.h>
#include <string.h>

typedef enum { ADD_AVERAGE, ADD_SUM, ADD_MIN, ADD_MAX } aggregate;
#define AGGREGATES "AVERAGE|SUM|MIN|MAX" /* in that order */

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

/* ------------------------------------------------------------------------------------------------------ preparing */

static tn_status read_targets(const tn_node *n, const tn_trees_attrs *a, ensemble *e) {
    if (n->op->arg == TN_TREES_CLASSIFIER) {
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
    const tn_trees_attrs *a = p->types.attrs;
    tn_tree_source s;
    ensemble *e = tn_arena_new_of(p->arena, ensemble);
    if (!e) return no_memory(n);
    *e = (ensemble){ .how = ADD_SUM };
    TN_TRY(read_targets(n, a, e));
    if (n->op->arg == TN_TREES_ENSEMBLE) {
        e->how = (aggregate)a->aggregate_number, e->post = (tn_post)a->post_number;
    } else {
        if (n->op->arg == TN_TREES_REGRESSOR) e->how = (aggregate)a->aggregate_function;
        e->post = (tn_post)a->post_transform;
        TN_TRY(tn_ml_reals(n, a->base_values, a->base_values_as_tensor, "base_values_as_tensor", p->arena, &e->base,
                           &e->n_base));
        if (e->n_base > 1 && e->n_base != e->targets)
            return tn_op_fail(n, TN_E_INVALID, "%lld base_values for %lld targets", (long long)e->n_base,
                              (long long)e->targets);
    }
    TN_TRY(tn_trees_read(n, a, p->arena, e->targets, &s));
    if (n->op->arg == TN_TREES_CLASSIFIER) {
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
    bool classifier = r->node->op->arg == TN_TREES_CLASSIFIER;
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
    bool classifier = c->node->op->arg == TN_TREES_CLASSIFIER;
    if (classifier) tn_infer_out(c, 0, tn_labels_type(&e.labels), 1, &rows);
    if (!classifier || c->n_out > 1)
        tn_infer_out(c, classifier, c->node->op->arg == TN_TREES_ENSEMBLE ? tn_infer_dtype(c, 0) : TN_F32, 2,
                     (tn_dim[]){ rows, e.targets });
    return TN_OK;
}

static tn_status trees_cost(const tn_infer *c, tn_cost *out) {
    const tn_trees_attrs *a = c->attrs;
    size_t trees = a->tree_roots.n ? a->tree_roots.n : a->nodes_nodeids.n;
    out->flops = (double)c->out[0].dims[0] * (double)trees; /* a guess: how deep rows go depends on them */
    return TN_OK;
}

#define NODES                                                                                             \
    { TN_INTS_OF(tn_trees_attrs, nodes_falsenodeids) }, { TN_INTS_OF(tn_trees_attrs, nodes_featureids) }, \
        { TN_INTS_OF(tn_trees_attrs, nodes_missing_value_tracks_true) }, {                                \
        TN_INTS_OF(tn_trees_attrs, nodes_truenodeids)                                                     \
    }
#define NAMED_NODES                                                                                              \
    NODES, { "nodes_hitrates", TN_ATTR_FLOATS }, { "nodes_hitrates_as_tensor", TN_ATTR_TENSOR },                 \
        { TN_STRINGS_OF(tn_trees_attrs, nodes_modes) }, { TN_INTS_OF(tn_trees_attrs, nodes_nodeids) },           \
        { TN_INTS_OF(tn_trees_attrs, nodes_treeids) }, { TN_FLOATS_OF(tn_trees_attrs, nodes_values) },           \
        { TN_TENSOR_OF(tn_trees_attrs, nodes_values_as_tensor) }, { TN_FLOATS_OF(tn_trees_attrs, base_values) }, \
        { TN_TENSOR_OF(tn_trees_attrs, base_values_as_tensor) }, {                                               \
        TN_POST_OF(tn_trees_attrs)                                                                               \
    }
#define VOTES(prefix)                                                                      \
    { TN_INTS_AS(tn_trees_attrs, votes_ids, prefix "_ids") },                              \
        { TN_INTS_AS(tn_trees_attrs, votes_nodeids, prefix "_nodeids") },                  \
        { TN_INTS_AS(tn_trees_attrs, votes_treeids, prefix "_treeids") },                  \
        { TN_FLOATS_AS(tn_trees_attrs, votes_weights, prefix "_weights") }, {              \
        TN_TENSOR_AS(tn_trees_attrs, votes_weights_as_tensor, prefix "_weights_as_tensor") \
    }

static const tn_attr_spec classifier_attrs[] = { NAMED_NODES,
                                                 VOTES("class"),
                                                 TN_LABELS_OF(tn_trees_attrs, labels, "classlabels_int64s",
                                                              "classlabels_strings"),
                                                 { 0 } };
static const tn_attr_spec regressor_attrs[] = { NAMED_NODES,
                                                { TN_WORD(tn_trees_attrs, aggregate_function, AGGREGATES, "SUM") },
                                                { TN_INT(tn_trees_attrs, n_targets, 1), .min = 1, .max = INT32_MAX },
                                                VOTES("target"),
                                                { 0 } };
static const tn_attr_spec ensemble_attrs[] = {
    NODES,
    { TN_INT_AS(tn_trees_attrs, aggregate_number, "aggregate_function", ADD_SUM), .min = ADD_AVERAGE, .max = ADD_MAX },
    { TN_INTS_OF(tn_trees_attrs, leaf_targetids), .required = true },
    { TN_TENSOR_OF(tn_trees_attrs, leaf_weights), .required = true },
    { TN_TENSOR_OF(tn_trees_attrs, membership_values) },
    { TN_INT(tn_trees_attrs, n_targets, 1), .min = 1, .max = INT32_MAX },
    { TN_INTS_OF(tn_trees_attrs, nodes_falseleafs), .required = true },
    { "nodes_hitrates", TN_ATTR_TENSOR },
    { TN_TENSOR_AS(tn_trees_attrs, nodes_mode_numbers, "nodes_modes"), .required = true },
    { TN_TENSOR_OF(tn_trees_attrs, nodes_splits), .required = true },
    { TN_INTS_OF(tn_trees_attrs, nodes_trueleafs), .required = true },
    { TN_INT_AS(tn_trees_attrs, post_number, "post_transform", TN_POST_NONE), .min = TN_POST_NONE,
      .max = TN_POST_PROBIT },
    { TN_INTS_OF(tn_trees_attrs, tree_roots), .required = true },
    { 0 }
};
static const tn_port ensemble_ports[] = {
    { "X", tn_dtype_bit(TN_F32) | tn_dtype_bit(TN_F64) | tn_dtype_bit(TN_F16), 'T' }, { 0 }
};

#define TREES(name_, since_, in_, out_, attrs_, arg_, doc_)                                                         \
    {                                                                                                               \
        .name = name_, .domain = TN_ML, .since = since_, .in = in_, .out = out_, TN_ATTRS(attrs_, tn_trees_attrs),  \
        .infer = trees_infer, .cost = trees_cost, .prepare = trees_prepare, .run = trees_run, .grad = tn_grad_none, \
        .arg = arg_, .doc = doc_                                                                                    \
    }
const tn_op tn_ops_ml_trees[] = {
    TREES("TreeEnsembleClassifier", 3, tn_ml_ports_x, tn_ml_ports_classified, classifier_attrs, TN_TREES_CLASSIFIER,
          "the class that decision trees vote for"),
    TREES("TreeEnsembleRegressor", 3, tn_ml_ports_x, tn_ml_ports_f32, regressor_attrs, TN_TREES_REGRESSOR,
          "sums, means or extremes of what decision trees say"),
    TREES("TreeEnsemble", 5, ensemble_ports, ensemble_ports, ensemble_attrs, TN_TREES_ENSEMBLE,
          "sums, means or extremes of what decision trees say"),
    { 0 },
};
