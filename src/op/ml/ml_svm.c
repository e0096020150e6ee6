/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ml_svm.c - SVMClassifier, SVMRegressor: sums of kernels between a row and the support vectors; for classes, one
 * decision per pair and votes, or probabilities by pairwise coupling. Source: Platt 1999; Wu, Lin & Weng, JMLR 5, 2004,
 * second approach. */
#include "op/core/grad.h"
#include "op/ml/ml.h"
#include <math.h>
#include <string.h>

typedef enum { KERNEL_LINEAR, KERNEL_POLY, KERNEL_RBF, KERNEL_SIGMOID } kernel_kind;
enum { CLASSIFIER, REGRESSOR };

/* Of both rows; what one does not have is 0. */
typedef struct {
    tn_label_attrs labels;
    tn_floats coefficients, kernel_params, rho, support_vectors, prob_a, prob_b;
    int kernel_type, post_transform;
    tn_ints vectors_per_class;
    int64_t n_supports;
    bool one_class;
} settings;

typedef struct {
    kernel_kind kind;
    double gamma, coef0, degree;
    const double *vectors, *coefficients, *rho, *prob_a, *prob_b;
    int64_t n_vectors, features, n_rho, n_coefficients;
    const int64_t *per_class; /* vectors of each class */
    int64_t classes, pairs;
    bool linear; /* one vector of coefficients per class, no support vectors */
    bool positive, one_class;
    tn_post post;
    tn_labels labels;
} svm;

/* -------------------------------------------------------------------------------------------------------- reading */

static tn_status bad(const tn_node *n, const char *what, int64_t have, int64_t want) {
    return tn_op_fail(n, TN_E_INVALID, "attribute '%s' has %lld numbers, %lld are needed", what, (long long)have,
                      (long long)want);
}

static tn_status read_kernel(const tn_node *n, const settings *a, svm *s) {
    const float *p = a->kernel_params.v;
    if (a->kernel_params.n && a->kernel_params.n != 3) return bad(n, "kernel_params", (int64_t)a->kernel_params.n, 3);
    s->kind = (kernel_kind)a->kernel_type;
    if (a->kernel_params.n) s->gamma = (double)p[0], s->coef0 = (double)p[1], s->degree = (double)p[2];
    return TN_OK;
}

/* The number of classes and vectors, checked against the lists. */
static tn_status read_classes(const tn_node *n, const settings *a, svm *s) {
    int64_t count = (int64_t)a->vectors_per_class.n;
    TN_TRY(tn_labels_of(n, &a->labels, &s->labels));
    s->per_class = a->vectors_per_class.v;
    s->classes = s->labels.n ? s->labels.n : count > 0 ? count : 1;
    if (count && count != s->classes) return bad(n, "vectors_per_class", count, s->classes);
    for (int64_t i = 0; i < count; i++) {
        if (s->per_class[i] < 0 || s->per_class[i] > INT32_MAX)
            return tn_op_fail(n, TN_E_INVALID, "vectors_per_class holds %lld", (long long)s->per_class[i]);
        s->n_vectors += s->per_class[i];
    }
    s->linear = s->n_vectors == 0;
    s->pairs = s->linear ? 0 : s->classes * (s->classes - 1) / 2;
    return TN_OK;
}

static tn_status svm_read(const tn_node *n, const settings *at, tn_arena *a, svm *s) {
    int64_t values, prob_a, prob_b;
    *s = (svm){ .post = (tn_post)at->post_transform, .positive = true };
    TN_TRY(read_kernel(n, at, s));
    TN_TRY(tn_ml_reals(n, at->support_vectors, NULL, NULL, a, &s->vectors, &values));
    TN_TRY(tn_ml_reals(n, at->coefficients, NULL, NULL, a, &s->coefficients, &s->n_coefficients));
    TN_TRY(tn_ml_reals(n, at->rho, NULL, NULL, a, &s->rho, &s->n_rho));
    TN_TRY(tn_ml_reals(n, at->prob_a, NULL, NULL, a, &s->prob_a, &prob_a));
    TN_TRY(tn_ml_reals(n, at->prob_b, NULL, NULL, a, &s->prob_b, &prob_b));
    for (int64_t i = 0; i < s->n_coefficients; i++) s->positive &= s->coefficients[i] >= 0;
    if (n->op->arg == CLASSIFIER) {
        TN_TRY(read_classes(n, at, s));
        if (prob_a != prob_b) return bad(n, "prob_b", prob_b, prob_a);
        if (prob_a && !s->linear && prob_a < s->pairs) return bad(n, "prob_a", prob_a, s->pairs);
        if (!prob_a || s->linear || s->pairs == 0) s->prob_a = NULL;
        if (s->n_rho < (s->linear ? 1 : s->pairs)) return bad(n, "rho", s->n_rho, s->linear ? 1 : s->pairs);
    } else {
        s->n_vectors = at->n_supports;
        s->one_class = at->one_class;
        s->linear = s->n_vectors == 0;
        s->classes = 1;
        if (s->n_rho < 1) return bad(n, "rho", s->n_rho, 1);
    }
    if (s->linear) {
        s->kind = KERNEL_LINEAR;
        if (s->n_coefficients < s->classes || s->n_coefficients % s->classes)
            return bad(n, "coefficients", s->n_coefficients, s->classes);
        s->features = s->n_coefficients / s->classes;
        return TN_OK;
    }
    if (values < s->n_vectors || values % s->n_vectors) return bad(n, "support_vectors", values, s->n_vectors);
    s->features = values / s->n_vectors;
    int64_t rows = n->op->arg == REGRESSOR || s->classes < 2 ? 1 : s->classes - 1;
    if (s->n_coefficients != rows * s->n_vectors) return bad(n, "coefficients", s->n_coefficients, rows * s->n_vectors);
    return TN_OK;
}

/* Scores per row that go out. */
static int64_t scores_of(const svm *s) {
    if (s->linear || s->prob_a) return s->classes;
    return s->classes == 2 || s->pairs < 1 ? 2 : s->pairs;
}

static tn_status svm_infer(tn_infer *c) {
    svm s;
    tn_dim rows, features;
    bool classifier = c->node->op->arg == CLASSIFIER;
    TN_TRY(svm_read(c->node, c->attrs, c->arena, &s));
    tn_rows_infer(c, 0, &rows, &features);
    if (tn_dim_known(features) && features != s.features)
        return tn_infer_fail(c, TN_E_SHAPE, "rows have %lld features, the vectors %lld", (long long)features,
                             (long long)s.features);
    if (classifier) tn_infer_out(c, 0, tn_labels_type(&s.labels), 1, &rows);
    if (!classifier || c->n_out > 1)
        tn_infer_out(c, classifier, TN_F32, 2, (tn_dim[]){ rows, classifier ? scores_of(&s) : 1 });
    return TN_OK;
}

static tn_status svm_prepare(tn_prep *p) {
    svm *s = tn_arena_new_of(p->arena, svm);
    if (!s) return tn_op_fail(p->types.node, TN_E_NOMEM, "no memory for the support vectors");
    p->state = s;
    return svm_read(p->types.node, p->types.attrs, p->arena, s);
}

/* -------------------------------------------------------------------------------------------------------- kernels */

static double kernel(const svm *s, const double *a, const double *b) {
    double sum = 0;
    if (s->kind == KERNEL_RBF) {
        for (int64_t i = 0; i < s->features; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
        return exp(-s->gamma * sum);
    }
    for (int64_t i = 0; i < s->features; i++) sum += a[i] * b[i];
    if (s->kind == KERNEL_LINEAR) return sum;
    sum = s->gamma * sum + s->coef0;
    return s->kind == KERNEL_POLY ? pow(sum, s->degree) : tanh(sum);
}

/* One decision per pair of classes i < j: positive for i. k: the kernels of all vectors. */
static void decide_pairs(const svm *s, const double *k, double *scores, int64_t *votes) {
    int64_t at = 0, first_i = 0;
    for (int64_t i = 0; i < s->classes; i++) {
        int64_t first_j = first_i + s->per_class[i];
        for (int64_t j = i + 1; j < s->classes; j++, at++) {
            const double *a = s->coefficients + (j - 1) * s->n_vectors, *b = s->coefficients + i * s->n_vectors;
            double sum = s->rho[at];
            for (int64_t v = 0; v < s->per_class[i]; v++) sum += a[first_i + v] * k[first_i + v];
            for (int64_t v = 0; v < s->per_class[j]; v++) sum += b[first_j + v] * k[first_j + v];
            scores[at] = sum;
            votes[sum > 0 ? i : j]++;
            first_j += s->per_class[j];
        }
        first_i += s->per_class[i];
    }
}

/* Probabilities p of n classes from those of pairs, r[i * n + j] of i against j: minimises the sum over pairs of
 * (r_ji p_i - r_ij p_j)^2 with the sum of p at 1. q: n * n, t: n. */
static void couple(int64_t n, const double *r, double *q, double *t, double *p) {
    for (int64_t i = 0; i < n; i++) {
        p[i] = 1 / (double)n;
        q[i * n + i] = 0;
        for (int64_t j = 0; j < n; j++) {
            if (j == i) continue;
            q[i * n + i] += r[j * n + i] * r[j * n + i];
            q[i * n + j] = -r[j * n + i] * r[i * n + j];
        }
    }
    for (int round = 0; round < (n > 100 ? n : 100); round++) {
        double all = 0, worst = 0;
        for (int64_t i = 0; i < n; i++) {
            t[i] = 0;
            for (int64_t j = 0; j < n; j++) t[i] += q[i * n + j] * p[j];
            all += p[i] * t[i];
        }
        for (int64_t i = 0; i < n; i++) worst = fmax(worst, fabs(t[i] - all));
        if (worst < 0.005 / (double)n) break;
        for (int64_t i = 0; i < n; i++) {
            double d = (all - t[i]) / q[i * n + i];
            p[i] += d;
            all = (all + d * (d * q[i * n + i] + 2 * t[i])) / ((1 + d) * (1 + d));
            for (int64_t j = 0; j < n; j++) {
                t[j] = (t[j] + d * q[i * n + j]) / (1 + d);
                p[j] /= 1 + d;
            }
        }
    }
}

static void probabilities(const svm *s, const double *scores, double *room, double *p) {
    int64_t n = s->classes, at = 0;
    double *r = room, *q = r + n * n, *t = q + n * n;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++, at++) {
            double v = 1 - tn_logistic(scores[at] * s->prob_a[at] + s->prob_b[at]);
            v = fmin(fmax(v, 1e-7), 1 - 1e-7);
            r[i * n + j] = v, r[j * n + i] = 1 - v;
        }
    couple(n, r, q, t, p);
}

/* -------------------------------------------------------------------------------------------------------- running */

typedef struct {
    const svm *s;
    const tn_tensor *x;
    tn_tensor *scores;
    int64_t *classes, *votes; /* votes: s->classes per thread */
    double *scratch;
    int64_t per_thread;
} svm_job;

static int64_t most(const double *v, int64_t n) {
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (v[i] > v[best]) best = i;
    return best;
}

/* Scores of one row, transformed; returns the class. out holds max(pairs, classes, 2). */
static int64_t classify(const svm *s, const double *x, double *room, int64_t *votes, double *out) {
    int64_t best = 0, n = scores_of(s);
    if (s->linear) {
        for (int64_t c = 0; c < s->classes; c++) out[c] = s->rho[0] + kernel(s, x, s->coefficients + c * s->features);
        best = s->classes == 1 ? out[0] > 0 : most(out, s->classes);
        tn_post_apply(s->post, out, n);
        return best;
    }
    double *k = room, *pair = k + s->n_vectors, *rest = pair + s->pairs + 2;
    for (int64_t v = 0; v < s->n_vectors; v++) k[v] = kernel(s, x, s->vectors + v * s->features);
    memset(votes, 0, sizeof *votes * (size_t)s->classes);
    pair[0] = s->rho[0];
    decide_pairs(s, k, pair, votes);
    for (int64_t c = 1; c < s->classes; c++)
        if (votes[c] > votes[best]) best = c;
    if (s->prob_a)
        probabilities(s, pair, rest, out);
    else if (s->pairs > 1)
        memcpy(out, pair, sizeof *out * (size_t)s->pairs);
    else
        out[0] = -pair[0], out[1] = pair[0];
    tn_post_apply(s->post, out, n);
    return best; /* by votes, also beside probabilities, as libsvm and all who follow it have it */
}

static double regress(const svm *s, const double *x) {
    double sum = s->rho[0];
    if (s->linear) sum += kernel(s, x, s->coefficients);
    for (int64_t v = 0; v < s->n_vectors; v++) sum += s->coefficients[v] * kernel(s, x, s->vectors + v * s->features);
    if (s->one_class) return sum > 0 ? 1 : -1;
    tn_post_apply(s->post, &sum, 1);
    return sum;
}

static void svm_part(void *arg, int64_t begin, int64_t end, int thread) {
    const svm_job *j = arg;
    const svm *s = j->s;
    double *x = j->scratch + thread * j->per_thread, *out = x + s->features, *room = out + s->pairs + s->classes + 2;
    for (int64_t i = begin; i < end; i++) {
        tn_rows_read(j->x, i * s->features, s->features, x);
        if (!j->classes) {
            ((float *)j->scores->data)[i] = (float)regress(s, x);
            continue;
        }
        int64_t n = scores_of(s);
        j->classes[i] = classify(s, x, room, j->votes + thread * s->classes, out);
        for (int64_t k = 0; j->scores && k < n; k++) ((float *)j->scores->data)[i * n + k] = (float)out[k];
    }
}

static tn_status svm_run(tn_run *r) {
    const svm *s = r->state;
    const tn_tensor *x = tn_in(r, 0);
    bool classifier = r->node->op->arg == CLASSIFIER;
    svm_job j = { .s = s, .x = x, .scores = tn_out(r, classifier) };
    int64_t n = tn_rows_count(x), threads = tn_pool_threads(r->pool);
    if (tn_rows_features(x) != s->features)
        return tn_op_fail(r->node, TN_E_SHAPE, "rows have %lld features, the vectors %lld",
                          (long long)tn_rows_features(x), (long long)s->features);
    j.per_thread =
        s->features + 2 * s->pairs + s->n_vectors + (s->prob_a ? 2 * s->classes * s->classes : 0) + 2 * s->classes + 8;
    j.scratch = tn_run_scratch(r, (size_t)(j.per_thread * threads) * sizeof(double));
    if (classifier) {
        j.classes = tn_run_scratch(r, (size_t)(n + 1) * sizeof *j.classes);
        j.votes = tn_run_scratch(r, (size_t)(s->classes * threads) * sizeof *j.votes);
    }
    if (!j.scratch || (classifier && (!j.classes || !j.votes)))
        return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the scores");
    tn_parallel(r->pool, n, 1 + 20000 / ((s->n_vectors + 1) * (s->features + 10)), svm_part, &j);
    tn_tensor *labels = classifier ? tn_out(r, 0) : NULL;
    for (int64_t i = 0; labels && i < n; i++) TN_TRY(tn_labels_put(&s->labels, labels, i, j.classes[i]));
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------------- gradient */

/* [pairs, vectors]: what each vector's kernel adds to each decision. */
static tn_value *decisions(tn_grad *g, const svm *s) {
    int64_t pairs = s->pairs > 0 ? s->pairs : 1, at = 0, first_i = 0;
    if (g->node->op->arg == REGRESSOR) return tn_grad_reals(g, s->coefficients, 2, (int64_t[]){ 1, s->n_vectors });
    double *m = tn_arena_array(g->graph->model->arena, double, (size_t)(pairs * s->n_vectors));
    if (!m) {
        tn_grad_fail(g, TN_E_NOMEM, "no memory");
        return NULL;
    }
    memset(m, 0, sizeof *m * (size_t)(pairs * s->n_vectors));
    for (int64_t i = 0; i < s->classes; first_i += s->per_class[i++]) {
        int64_t first_j = first_i + s->per_class[i];
        for (int64_t j = i + 1; j < s->classes; first_j += s->per_class[j++], at++) {
            double *row = m + at * s->n_vectors;
            const double *a = s->coefficients + (j - 1) * s->n_vectors, *b = s->coefficients + i * s->n_vectors;
            for (int64_t v = first_i; v < first_i + s->per_class[i]; v++) row[v] = a[v];
            for (int64_t v = first_j; v < first_j + s->per_class[j]; v++) row[v] = b[v];
        }
    }
    return tn_grad_reals(g, m, 2, (int64_t[]){ pairs, s->n_vectors });
}

/* d: the gradient of the kernels [rows, vectors]; v: the vectors; u: the rows. */
static void kernel_back(tn_grad *g, const svm *s) {
    tn_grad_let_number(g, "gamma", s->gamma);
    tn_grad_let_number(g, "coef", s->coef0);
    tn_grad_let_number(g, "degree", s->degree);
    tn_grad_formula(g, "u = Reshape(x, [-1, %lld]); dot = MatMul(u, Transpose{perm=[1, 0]}(v))",
                    (long long)s->features);
    switch (s->kind) {
    case KERNEL_LINEAR: break;
    case KERNEL_POLY: tn_grad_formula(g, "d = d * degree * gamma * Pow(gamma * dot + coef, degree - 1)"); break;
    case KERNEL_SIGMOID: tn_grad_formula(g, "k = Tanh(gamma * dot + coef); d = d * gamma * (1 - k * k)"); break;
    case KERNEL_RBF:
        tn_grad_formula(g,
                        "far = ReduceSum{keepdims=1}(u * u, [1]) + Reshape(ReduceSum(v * v, [1]), [1, -1]) - 2 * dot;"
                        "d = 2 * gamma * d * Exp(-gamma * far);"
                        "dx0 = Reshape(MatMul(d, v) - u * ReduceSum{keepdims=1}(d, [1]), Shape(x))");
        return;
    }
    tn_grad_formula(g, "dx0 = Reshape(MatMul(d, v), Shape(x))");
}

static tn_status svm_grad(tn_grad *g) {
    svm s;
    settings a = { 0 };
    bool classifier = g->node->op->arg == CLASSIFIER;
    TN_TRY(tn_op_fill_attrs(g->node, g->node->op->attrs, &a));
    TN_TRY(svm_read(g->node, &a, g->graph->model->arena, &s));
    if (s.one_class || (classifier && !g->dy[1])) return TN_OK; /* a side, a class: steps */
    if (s.prob_a)
        return tn_op_fail(g->node, TN_E_UNSUPPORTED, "its gradient: not of probabilities, which an iteration couples");
    tn_grad_post(g, s.post, classifier, classifier ? scores_of(&s) : 1);
    if (classifier && !s.linear && s.pairs <= 1) tn_grad_second(g);
    if (s.linear) {
        tn_grad_let(g, "v", tn_grad_reals(g, s.coefficients, 2, (int64_t[]){ s.classes, s.features }));
    } else {
        tn_grad_let(g, "v", tn_grad_reals(g, s.vectors, 2, (int64_t[]){ s.n_vectors, s.features }));
        tn_grad_let(g, "m", decisions(g, &s));
        tn_grad_formula(g, "d = MatMul(d, m)");
    }
    kernel_back(g, &s);
    return g->st;
}

/* ------------------------------------------------------------------------------------------------------------ rows */

#define SVM_ATTRS                                                                                          \
    { TN_FLOATS_OF(settings, coefficients), .required = true }, { TN_FLOATS_OF(settings, kernel_params) }, \
        { TN_WORD(settings, kernel_type, "LINEAR|POLY|RBF|SIGMOID", "LINEAR") }, /* kernel_kind */         \
        { TN_POST_OF(settings) }, { TN_FLOATS_OF(settings, rho) }, {                                       \
        TN_FLOATS_OF(settings, support_vectors)                                                            \
    }
static const tn_attr_spec classifier_attrs[] = { SVM_ATTRS,
                                                 TN_LABELS_OF(settings, labels, "classlabels_ints",
                                                              "classlabels_strings"),
                                                 { TN_FLOATS_OF(settings, prob_a) },
                                                 { TN_FLOATS_OF(settings, prob_b) },
                                                 { TN_INTS_OF(settings, vectors_per_class) },
                                                 { 0 } };
static const tn_attr_spec regressor_attrs[] = { SVM_ATTRS,
                                                { TN_INT(settings, n_supports, 0), .min = 0, .max = INT32_MAX },
                                                { TN_FLAG(settings, one_class, 0) },
                                                { 0 } };

/* Every row against every support vector. */
static tn_status svm_cost(const tn_infer *c, tn_cost *out) {
    tn_dim elements = c->in[0]->rank < 0 ? TN_DIM_UNKNOWN : tn_type_count(c->syms, c->in[0]);
    tn_dim width = c->in[0]->rank > 0 ? c->in[0]->dims[c->in[0]->rank - 1] : 1;
    if (tn_dim_known(elements) && tn_dim_known(width) && width > 0)
        out->flops = 3 * (double)elements / (double)width * (double)((const settings *)c->attrs)->support_vectors.n;
    return TN_OK;
}

#define SVM(name_, out_, attrs_, arg_, doc_)                                                                         \
    {                                                                                                                \
        .name = name_, .domain = TN_ML, .since = 1, .in = tn_ml_ports_x, .out = out_, TN_ATTRS(attrs_, settings),    \
        .infer = svm_infer, .cost = svm_cost, .prepare = svm_prepare, .run = svm_run, .grad = svm_grad, .arg = arg_, \
        .doc = doc_                                                                                                  \
    }
const tn_op tn_ops_ml_svm[] = {
    SVM("SVMClassifier", tn_ml_ports_classified, classifier_attrs, CLASSIFIER,
        "the class that support vectors vote for, or probabilities"),
    SVM("SVMRegressor", tn_ml_ports_f32, regressor_attrs, REGRESSOR,
        "a sum of kernels with support vectors, or on which side of it a row lies"),
    { 0 },
};
