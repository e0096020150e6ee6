/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ml_linear.c - LinearClassifier, LinearRegressor: a matrix of coefficients, then a transform of the scores. */
#include "op/ml/grads.h"
#include "op/ml/ml.h"
#include <string.h>

/* Of both rows; what one does not have is 0. */
typedef struct {
    tn_label_attrs labels;
    tn_floats coefficients, intercepts;
    int post_transform;
    int64_t targets;
} settings;

typedef struct {
    const double *weight, *bias; /* [targets, features], [targets] or NULL */
    int64_t targets, features;
    tn_post post;
    bool second; /* one score stands for two classes */
    tn_labels labels;
} linear;

enum { CLASSIFIER, REGRESSOR };

/* How many scores a row has, and how many go out: two when one score stands for two labels. */
static tn_status read_shape(const tn_node *n, const settings *a, int64_t *targets, tn_labels *labels) {
    int64_t intercepts = (int64_t)a->intercepts.n, coefficients = (int64_t)a->coefficients.n;
    *labels = (tn_labels){ 0 }, *targets = 1;
    if (coefficients < 1) return tn_op_fail(n, TN_E_INVALID, "attribute 'coefficients' is empty");
    if (n->op->arg == CLASSIFIER) TN_TRY(tn_labels_of(n, &a->labels, labels));
    *targets = n->op->arg == REGRESSOR ? a->targets : intercepts ? intercepts : labels->n ? labels->n : 1;
    if (intercepts && intercepts != *targets)
        return tn_op_fail(n, TN_E_INVALID, "%lld intercepts for %lld targets", (long long)intercepts,
                          (long long)*targets);
    if (coefficients % *targets)
        return tn_op_fail(n, TN_E_INVALID, "%lld coefficients for %lld targets", (long long)coefficients,
                          (long long)*targets);
    return TN_OK;
}

static tn_status linear_infer(tn_infer *c) {
    const settings *a = c->attrs;
    int64_t targets, n = (int64_t)a->coefficients.n;
    tn_labels labels;
    tn_dim rows, features;
    bool classifier = c->node->op->arg == CLASSIFIER;
    TN_TRY(read_shape(c->node, a, &targets, &labels));
    tn_rows_infer(c, 0, &rows, &features);
    if (tn_dim_known(features) && features * targets != n)
        return tn_infer_fail(c, TN_E_SHAPE, "%lld coefficients for %lld targets and %lld features", (long long)n,
                             (long long)targets, (long long)features);
    if (classifier) tn_infer_out(c, 0, tn_labels_type(&labels), 1, &rows);
    if (classifier && targets == 1 && labels.n == 2) targets = 2;
    if (!classifier || c->n_out > 1) tn_infer_out(c, classifier, TN_F32, 2, (tn_dim[]){ rows, targets });
    return TN_OK;
}

static tn_status linear_prepare(tn_prep *p) {
    const tn_node *n = p->types.node;
    const settings *a = p->types.attrs;
    int64_t count;
    linear *l = tn_arena_new_of(p->arena, linear);
    if (!l) return tn_op_fail(n, TN_E_NOMEM, "no memory for the coefficients");
    TN_TRY(read_shape(n, a, &l->targets, &l->labels));
    TN_TRY(tn_ml_reals(n, a->coefficients, NULL, NULL, p->arena, &l->weight, &count));
    l->features = count / l->targets;
    TN_TRY(tn_ml_reals(n, a->intercepts, NULL, NULL, p->arena, &l->bias, &count));
    l->post = (tn_post)a->post_transform;
    l->second = n->op->arg == CLASSIFIER && l->targets == 1 && l->labels.n == 2;
    p->state = l;
    return TN_OK;
}

typedef struct {
    const linear *l;
    const tn_tensor *x;
    tn_tensor *scores;
    int64_t *classes;
    double *scratch; /* features + targets + 1 per thread */
} linear_job;

/* The winning class of the raw scores: with a single one, whether it is positive (or likely, once transformed). */
static int64_t winner(const double *s, int64_t n) {
    int64_t best = 0;
    if (n == 1) return s[0] > 0;
    for (int64_t i = 1; i < n; i++)
        if (s[i] > s[best]) best = i;
    return best;
}

static void linear_part(void *arg, int64_t begin, int64_t end, int thread) {
    const linear_job *j = arg;
    const linear *l = j->l;
    double *x = j->scratch + thread * (l->features + l->targets + 1), *s = x + l->features;
    int64_t out = l->second ? 2 : l->targets;
    for (int64_t i = begin; i < end; i++) {
        tn_rows_read(j->x, i * l->features, l->features, x);
        for (int64_t t = 0; t < l->targets; t++) {
            const double *w = l->weight + t * l->features;
            double sum = 0;
            for (int64_t k = 0; k < l->features; k++) sum += w[k] * x[k];
            s[t] = sum + (l->bias ? l->bias[t] : 0);
        }
        if (j->classes) j->classes[i] = winner(s, l->targets);
        if (l->second) s[1] = s[0], s[0] = -s[0];
        tn_post_apply(l->post, s, out);
        for (int64_t t = 0; j->scores && t < out; t++) ((float *)j->scores->data)[i * out + t] = (float)s[t];
    }
}

static tn_status linear_run(tn_run *r) {
    const linear *l = r->state;
    const tn_tensor *x = tn_in(r, 0);
    bool classifier = r->node->op->arg == CLASSIFIER;
    linear_job j = { .l = l, .x = x, .scores = tn_out(r, classifier) };
    int64_t n = tn_rows_count(x), each = l->features + l->targets + 1;
    if (tn_rows_features(x) != l->features)
        return tn_op_fail(r->node, TN_E_SHAPE, "rows have %lld features, the coefficients want %lld",
                          (long long)tn_rows_features(x), (long long)l->features);
    j.scratch = tn_run_scratch(r, (size_t)(each * tn_pool_threads(r->pool)) * sizeof(double));
    if (classifier) j.classes = tn_run_scratch(r, (size_t)(n + 1) * sizeof *j.classes);
    if (!j.scratch || (classifier && !j.classes)) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the scores");
    tn_parallel(r->pool, n, 1 + 32768 / (l->features * l->targets + 1), linear_part, &j);
    tn_tensor *labels = classifier ? tn_out(r, 0) : NULL;
    bool named = l->targets > 1 || l->labels.n == 2; /* one label alone does not name two classes: 0 and 1 do */
    tn_labels none = { 0 };
    for (int64_t i = 0; labels && i < n; i++)
        TN_TRY(tn_labels_put(named ? &l->labels : &none, labels, i, j.classes[i]));
    return TN_OK;
}

static tn_status linear_cost(const tn_infer *c, tn_cost *out) {
    out->flops = 2.0 * (double)((const settings *)c->attrs)->coefficients.n * (double)c->out[0].dims[0];
    return TN_OK;
}

static tn_status linear_grad(tn_grad *g) {
    const tn_node *n = g->node;
    settings a = { 0 };
    int64_t targets;
    tn_labels labels;
    bool classifier = n->op->arg == CLASSIFIER;
    if (classifier && !g->dy[1]) return TN_OK; /* a class: steps */
    TN_TRY(tn_op_fill_attrs(n, n->op->attrs, &a));
    TN_TRY(read_shape(n, &a, &targets, &labels));
    bool second = classifier && targets == 1 && labels.n == 2;
    tn_grad_post(g, (tn_post)a.post_transform, classifier, second ? 2 : targets);
    if (second) tn_grad_second(g);
    int64_t features = (int64_t)a.coefficients.n / targets;
    tn_grad_let(g, "w", tn_grad_floats(g, a.coefficients.v, 2, (int64_t[]){ targets, features }));
    tn_grad_formula(g, "dx0 = Reshape(MatMul(d, w), Shape(x))");
    return g->st;
}

static const tn_attr_spec classifier_attrs[] = { TN_LABELS_OF(settings, labels, "classlabels_ints",
                                                              "classlabels_strings"),
                                                 { TN_FLOATS_OF(settings, coefficients), .required = true },
                                                 { TN_FLOATS_OF(settings, intercepts) },
                                                 { "multi_class", TN_ATTR_INT },
                                                 { TN_POST_OF(settings) },
                                                 { 0 } };
static const tn_attr_spec regressor_attrs[] = { { TN_FLOATS_OF(settings, coefficients), .required = true },
                                                { TN_FLOATS_OF(settings, intercepts) },
                                                { TN_POST_OF(settings) },
                                                { TN_INT(settings, targets, 1), .min = 1, .max = INT32_MAX },
                                                { 0 } };

#define LINEAR(name_, out_, attrs_, arg_, doc_)                                                                        \
    {                                                                                                                  \
        .name = name_, .domain = TN_ML, .since = 1, .in = tn_ml_ports_x, .out = out_, TN_ATTRS(attrs_, settings),      \
        .infer = linear_infer, .cost = linear_cost, .prepare = linear_prepare, .run = linear_run, .grad = linear_grad, \
        .arg = arg_, .doc = doc_                                                                                       \
    }
const tn_op tn_ops_ml_linear[] = {
    LINEAR("LinearClassifier", tn_ml_ports_classified, classifier_attrs, CLASSIFIER,
           "the class of the largest linear function of the features"),
    LINEAR("LinearRegressor", tn_ml_ports_f32, regressor_attrs, REGRESSOR, "linear functions of the features"),
    { 0 },
};
