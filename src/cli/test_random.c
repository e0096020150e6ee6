/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* test_random.c - statistics instead of numbers, for outputs that depend on drawn ones. */
#include "cli/test_random.h"
#include "base/mem.h"
#include "op/core/op.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIGMAS 5    /* allowed deviation of a count */
#define ALPHA  1e-5 /* how often a right generator may be called wrong */

typedef struct {
    const tn_model *m;
    const tn_datum *const *in;
    const char *where;
} context;

/* -------------------------------------------------------------------------------------------- what depends on draws */

/* The tensor behind a value: a constant or an input; NULL: not known before a run. */
static const tn_tensor *known(const tn_model *m, const tn_datum *const *in, const tn_value *v) {
    if (!v) return NULL;
    if (v->constant) return v->constant;
    for (int i = 0; v->is_input && i < m->graph->n_inputs; i++)
        if (m->graph->inputs[i] == v && in[i] && in[i]->kind == TN_KIND_TENSOR) return &in[i]->tensor;
    return NULL;
}

static bool is(const tn_node *n, const char *type) { return !strcmp(n->type, type) && !*n->domain; }

static bool draws(const tn_model *m, const tn_datum *const *in, const tn_node *n);

static bool graph_draws(const tn_model *m, const tn_datum *const *in, const tn_graph *g) {
    for (const tn_node *n = g->first; n; n = n->next)
        if (draws(m, in, n)) return true;
    return false;
}

static bool draws(const tn_model *m, const tn_datum *const *in, const tn_node *n) {
    for (int i = 0; i < n->n_attrs; i++) {
        const tn_attr *a = &n->attrs[i];
        if (a->kind == TN_ATTR_GRAPH && graph_draws(m, in, a->graph)) return true;
        for (size_t k = 0; a->kind == TN_ATTR_GRAPHS && k < a->n; k++)
            if (graph_draws(m, in, a->graphs[k])) return true;
    }
    if (!n->op || !(n->op->flags & TN_OP_RANDOM)) return false;
    if (!is(n, "Dropout")) return true;
    if (n->n_inputs < 3 || !n->inputs[2]) return false;
    const tn_tensor *training = known(m, in, n->inputs[2]);
    return !training || (tn_count(training) && *(const uint8_t *)training->data);
}

/* Marks what is reachable backwards; each value is looked at once. */
static bool depends(const tn_model *m, const tn_datum *const *in, const tn_value *v, bool *seen) {
    if (!v || !v->producer || seen[v->id]) return false;
    seen[v->id] = true;
    if (draws(m, in, v->producer)) return true;
    for (int i = 0; i < v->producer->n_attrs; i++) /* a subgraph may read drawn numbers from outside */
        if (v->producer->attrs[i].kind == TN_ATTR_GRAPH) return true;
    for (int i = 0; i < v->producer->n_inputs; i++)
        if (depends(m, in, v->producer->inputs[i], seen)) return true;
    return false;
}

bool tn_random_output(const tn_model *m, const tn_datum *const *in, int output) {
    bool any = false; /* most models draw nothing */
    for (const tn_node *n = m->graph->first; n && !any; n = n->next) any = draws(m, in, n);
    bool *seen = any ? calloc((size_t)m->n_values + 1, sizeof *seen) : NULL;
    any = any && (!seen || depends(m, in, m->graph->outputs[output], seen));
    free(seen);
    return any;
}

/* ---------------------------------------------------------------------------------------------------------- figures */

static double at(const tn_tensor *t, int64_t i) { return tn_get_f64(t->dtype, t->data, i); }

#define wrong(c, ...) tn_fail_at(tn_fail(TN_E_INVALID, __VA_ARGS__), "%s", (c)->where)

/* A count with the mean and variance that its distribution says; one more for what is not continuous. */
static tn_status count_fits(const context *c, const char *who, const char *what, double count, double mean,
                            double variance) {
    if (fabs(count - mean) <= SIGMAS * sqrt(variance) + 1) return TN_OK;
    return wrong(c, "%s has %g %s; %g +- %g are to be expected", who, count, what, mean, SIGMAS * sqrt(variance) + 1);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double *sorted(const tn_tensor *t) {
    int64_t n = tn_count(t);
    double *v = malloc((size_t)(n ? n : 1) * sizeof *v);
    for (int64_t i = 0; v && i < n; i++) v[i] = at(t, i);
    if (v) qsort(v, (size_t)n, sizeof *v, by_value);
    return v;
}

/* ------------------------------------------------------------------------------------------ possible draws of nodes */

/* Random zeros; the rest scaled. Output 1 is the mask of what stays. */
static tn_status dropout_fits(const context *c, const tn_node *n, bool mask, const tn_tensor *t, const char *who,
                              bool *sure) {
    const tn_tensor *x = known(c->m, c->in, n->inputs[0]),
                    *ratio = n->n_inputs > 1 ? known(c->m, c->in, n->inputs[1]) : NULL;
    if (!x || (n->n_inputs > 1 && n->inputs[1] && (!ratio || !tn_count(ratio)))) return TN_OK;
    double p = ratio ? at(ratio, 0) : 0.5, all = 0, kept = 0;
    *sure = true;
    for (int64_t i = 0; i < tn_count(t) && i < tn_count(x); i++) {
        double y = at(t, i), full = mask ? 1 : at(x, i) / (1 - p);
        if (y != 0 && !(fabs(y - full) <= 0.01 * fabs(full)) && !(isnan(y) && isnan(full)))
            return wrong(c, "%s, element %lld is %g, which is neither 0 nor %g", who, (long long)i, y, full);
        all += full != 0;
        kept += y != 0;
    }
    return count_fits(c, who, "elements that stay", kept, all * (1 - p), all * p * (1 - p));
}

static tn_status bernoulli_fits(const context *c, const tn_node *n, const tn_tensor *t, const char *who, bool *sure) {
    const tn_tensor *x = known(c->m, c->in, n->inputs[0]);
    double ones = 0, mean = 0, variance = 0;
    if (!x) return TN_OK;
    *sure = true;
    for (int64_t i = 0; i < tn_count(t) && i < tn_count(x); i++) {
        double y = at(t, i), p = at(x, i);
        if ((y != 0 && y != 1) || (y == 0 && p == 1) || (y == 1 && p == 0))
            return wrong(c, "%s, element %lld is %g, drawn with probability %g", who, (long long)i, y, p);
        ones += y;
        mean += p;
        variance += p * (1 - p);
    }
    return count_fits(c, who, "ones", ones, mean, variance);
}

static tn_status multinomial_fits(const context *c, const tn_node *n, const tn_tensor *t, const char *who, bool *sure) {
    const tn_tensor *x = known(c->m, c->in, n->inputs[0]);
    if (!x || x->rank != 2 || t->rank != 2 || x->dims[0] != t->dims[0]) return TN_OK;
    int64_t classes = x->dims[1], samples = t->dims[1];
    *sure = true;
    for (int64_t b = 0; b < x->dims[0]; b++) {
        double most = -INFINITY, sum = 0;
        for (int64_t k = 0; k < classes; k++) most = fmax(most, at(x, b * classes + k));
        for (int64_t k = 0; k < classes; k++) sum += exp(at(x, b * classes + k) - most);
        for (int64_t i = 0; i < samples; i++) {
            double y = at(t, b * samples + i);
            if (!(y >= 0 && y < (double)classes))
                return wrong(c, "%s holds class %g of %lld", who, y, (long long)classes);
        }
        for (int64_t k = 0; k < classes; k++) {
            double p = exp(at(x, b * classes + k) - most) / sum, count = 0;
            for (int64_t i = 0; i < samples; i++) count += at(t, b * samples + i) == (double)k;
            TN_TRY(count_fits(c, who, "draws of a class", count, p * (double)samples, p * (1 - p) * (double)samples));
        }
    }
    return TN_OK;
}

/* The largest distance between the sample's distribution function and the true one. */
static tn_status distribution_fits(const context *c, const tn_node *n, const tn_tensor *t, const char *who,
                                   bool *sure) {
    bool normal = strstr(n->type, "Normal") != NULL;
    double a = tn_attr_float(n, normal ? "mean" : "low", 0), b = tn_attr_float(n, normal ? "scale" : "high", 1),
           most = 0;
    int64_t count = tn_count(t);
    double *v = count && (normal ? b > 0 : b > a) ? sorted(t) : NULL;
    if (!v) return TN_OK;
    *sure = true;
    for (int64_t i = 0; i < count; i++) {
        double f = normal ? 0.5 * erfc(-(v[i] - a) / b * M_SQRT1_2) : (v[i] - a) / (b - a);
        if (!normal && !(f >= 0 && f <= 1)) most = INFINITY;
        most = fmax(most, fmax(f - (double)i / (double)count, (double)(i + 1) / (double)count - f));
    }
    free(v);
    double rounding = t->dtype == TN_F16 ? 0x1p-9 : t->dtype == TN_BF16 ? 0x1p-6 : 0; /* of narrow types */
    double bound = sqrt(log(2 / ALPHA) / (2 * (double)count)) + rounding;
    if (most <= bound) return TN_OK;
    return wrong(c, "%s is %g away from the distribution of %s; %g is allowed", who, most, n->type, bound);
}

/* Checks one of the two; *sure: enough was known for that. */
static tn_status possible(const context *c, const tn_value *v, const tn_tensor *t, const char *who, bool *sure) {
    const tn_node *n = v->producer;
    *sure = false;
    if (is(n, "Dropout")) return dropout_fits(c, n, v->producer_index == 1, t, who, sure);
    if (is(n, "Bernoulli")) return bernoulli_fits(c, n, t, who, sure);
    if (is(n, "Multinomial")) return multinomial_fits(c, n, t, who, sure);
    if (n->op && n->op->flags & TN_OP_RANDOM && !*n->domain && !strncmp(n->type, "Random", 6))
        return distribution_fits(c, n, t, who, sure);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------ two samples */

static tn_status one_distribution(const context *c, const tn_tensor *have, const tn_tensor *want) {
    int64_t n = tn_count(want);
    double *a = sorted(have), *b = sorted(want), most = 0;
    tn_status st = a && b ? TN_OK : tn_fail(TN_E_NOMEM, "%s: no memory to compare samples", c->where);
    bool binary = true;
    for (int64_t i = 0; st == TN_OK && i < n; i++) binary = binary && (b[i] == 0 || b[i] == 1);
    for (int64_t i = 0; st == TN_OK && i < n; i++) {
        if (binary && a[i] != 0 && a[i] != 1)
            st = wrong(c, "an element is %g where 0 or 1 is expected", a[i]);
        else if (isfinite(a[i]) != isfinite(b[i]))
            st = wrong(c, "%g where %g is expected among sorted elements", a[i], b[i]);
    }
    for (int64_t i = 0, j = 0; st == TN_OK && i < n && j < n;) {
        double x = fmin(a[i], b[j]);
        while (i < n && a[i] <= x) i++;
        while (j < n && b[j] <= x) j++;
        most = fmax(most, fabs((double)(i - j)) / (double)n);
    }
    double bound = sqrt(log(2 / ALPHA) / (double)(n ? n : 1));
    if (st == TN_OK && most > bound)
        st = wrong(c, "its distribution is %g away from the stored sample's; %g is allowed", most, bound);
    free(a);
    free(b);
    return st;
}

tn_status tn_random_compare(const tn_model *m, const tn_datum *const *in, int output, const tn_tensor *have,
                            const tn_tensor *want, const char *where) {
    const context c = { m, in, where };
    char a[200], b[200];
    bool sure;
    if (have->dtype != want->dtype)
        return tn_fail(TN_E_TYPE, "%s: it is %s, expected %s", where, tn_dtype_name(have->dtype),
                       tn_dtype_name(want->dtype));
    if (!tn_dims_equal(have->rank, have->dims, want->rank, want->dims))
        return tn_fail(TN_E_SHAPE, "%s: its shape is %s, expected %s", where,
                       tn_dims_text(have->rank, have->dims, a, sizeof a),
                       tn_dims_text(want->rank, want->dims, b, sizeof b));
    if (have->dtype == TN_STRING || tn_dtype_is_complex(have->dtype)) return TN_OK; /* no statistics of these */
    TN_TRY(possible(&c, m->graph->outputs[output], have, "the output", &sure));
    if (sure) return possible(&c, m->graph->outputs[output], want, "the stored output", &sure);
    return one_distribution(&c, have, want);
}
