/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ml_features.c - ArrayFeatureExtractor, Binarizer, FeatureVectorizer, Imputer, Normalizer, Scaler: columns chosen,
 * joined and put on one scale. */
#include "base/budget.h"
#include "op/core/support.h"
#include "op/ml/grads.h"
#include "op/ml/ml.h"
#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------- ArrayFeatureExtractor */

static tn_status extract_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    tn_dim dims[TN_MAX_RANK] = { 1 };
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank < 0 ? -1 : rank < 2 ? 2 : rank, NULL);
    if (rank < 0) return TN_OK;
    if (rank == 0) return tn_infer_fail(c, TN_E_SHAPE, "X is a scalar");
    for (int d = 0; d < rank - 1; d++) dims[d] = c->in[0]->dims[d];
    if (rank == 1) rank = 2; /* one row */
    dims[rank - 1] = tn_infer_rank(c, 1) < 0 ? TN_DIM_UNKNOWN : tn_type_count(c->syms, c->in[1]);
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, dims);
    return TN_OK;
}

static tn_status extract_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *index = tn_in(r, 1);
    tn_tensor *y = tn_out(r, 0);
    int64_t columns = x->dims[x->rank - 1], n = tn_count(index), rows = tn_op_product(x->dims, 0, x->rank - 1);
    const int64_t *at = index->data;
    for (int64_t k = 0; k < n; k++)
        if (at[k] < 0 || at[k] >= columns)
            return tn_op_fail(r->node, TN_E_INVALID, "column %lld of %lld", (long long)at[k], (long long)columns);
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < n; k++) {
            if (tn_ticks_stopped(&ticks, 8)) return tn_op_stopped(r);
            tn_op_copy_element(y, i * n + k, x, i * columns + at[k]);
        }
    return tn_op_own_strings(y);
}

/* ---------------------------------------------------------------------------------------------------- Binarizer */

typedef struct {
    float threshold;
} binarizer;

static tn_status binarize_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    double threshold = (double)((const binarizer *)r->attrs)->threshold;
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < tn_count(x); i++) {
        if (tn_ticks_stopped(&ticks, 8)) return tn_op_stopped(r);
        tn_set_i64(y->dtype, y->data, i, tn_get_f64(x->dtype, x->data, i) > threshold);
    }
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------- FeatureVectorizer */

/* Columns of input i in the result: inputdimensions says how many, also when the input has fewer or more. */
typedef struct {
    tn_ints inputdimensions;
} join;

static tn_status widths(const tn_node *n, const join *a, const int64_t **out) {
    *out = a->inputdimensions.v;
    if (*out && a->inputdimensions.n != (size_t)n->n_inputs)
        return tn_op_fail(n, TN_E_INVALID, "inputdimensions has %zu numbers for %d inputs", a->inputdimensions.n,
                          n->n_inputs);
    return TN_OK;
}

static tn_status join_infer(tn_infer *c) {
    const int64_t *width;
    tn_dim total = 0, rows = TN_DIM_UNKNOWN;
    TN_TRY(widths(c->node, c->attrs, &width));
    for (int i = 0; i < c->n_in; i++) {
        tn_dim n, features;
        if (tn_infer_rank(c, i) > 2 || tn_infer_rank(c, i) == 0)
            return tn_infer_fail(c, TN_E_SHAPE, "input %d has %d dimensions; 1 or 2 can be", i, tn_infer_rank(c, i));
        tn_rows_infer(c, i, &n, &features);
        if (tn_dim_known(n) && tn_dim_known(rows) && n != rows)
            return tn_infer_fail(c, TN_E_SHAPE, "input %d has %lld rows, another %lld", i, (long long)n,
                                 (long long)rows);
        if (!tn_dim_known(rows)) rows = n;
        total = tn_dim_add(c->syms, total, width ? width[i] : features);
    }
    tn_infer_out(c, 0, TN_F32, 2, (tn_dim[]){ rows, total });
    return TN_OK;
}

static tn_status join_run(tn_run *r) {
    tn_tensor *y = tn_out(r, 0);
    const int64_t *width;
    int64_t rows = y->dims[0], total = y->dims[1], at = 0;
    TN_TRY(widths(r->node, r->attrs, &width));
    tn_ticks ticks = { 0 };
    tn_budget_clear(y->data, (size_t)tn_count(y) * sizeof(float));
    for (int i = 0; i < r->n_in; i++) {
        const tn_tensor *x = tn_in(r, i);
        int64_t have = tn_rows_features(x), want = width ? width[i] : have, n = have < want ? have : want;
        if (tn_rows_count(x) != rows)
            return tn_op_fail(r->node, TN_E_SHAPE, "input %d has %lld rows, another %lld", i,
                              (long long)tn_rows_count(x), (long long)rows);
        for (int64_t k = 0; k < rows && n > 0 && !tn_ticks_stopped(&ticks, 32 + (uint64_t)n); k++)
            TN_TRY(tn_convert(x->dtype, (const char *)x->data + k * have * tn_dtypes[x->dtype].bytes, TN_F32,
                              (float *)y->data + k * total + at, n, true, TN_ROUND_NEAREST));
        at += want;
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------ Imputer */

typedef struct {
    tn_floats imputed_value_floats;
    tn_ints imputed_value_int64s;
    float replaced_value_float;
    int64_t replaced_value_int64;
} imputer;

static tn_status impute_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    bool real = tn_dtype_is_float(x->dtype);
    const imputer *a = r->attrs;
    const float *reals = a->imputed_value_floats.v;
    const int64_t *ints = a->imputed_value_int64s.v;
    int64_t columns = x->rank ? x->dims[x->rank - 1] : 1, bad_int = a->replaced_value_int64;
    int64_t count = (int64_t)(real ? a->imputed_value_floats.n : a->imputed_value_int64s.n);
    double bad = (double)a->replaced_value_float;
    if (count < 1) return tn_op_fail(r->node, TN_E_INVALID, "no imputed values of the input's kind");
    if (count != 1 && count != columns)
        return tn_op_fail(r->node, TN_E_INVALID, "%lld imputed values for %lld columns", (long long)count,
                          (long long)columns);
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < tn_count(x) && !tn_ticks_stopped(&ticks, 8); i++) {
        int64_t k = count == 1 ? 0 : i % columns;
        if (real) {
            double v = tn_get_f64(x->dtype, x->data, i);
            tn_set_f64(y->dtype, y->data, i, v == bad || (isnan(bad) && isnan(v)) ? (double)reals[k] : v);
        } else {
            int64_t v = tn_get_i64(x->dtype, x->data, i);
            tn_set_i64(y->dtype, y->data, i, v == bad_int ? ints[k] : v);
        }
    }
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------------- Normalizer */

static tn_status float_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    tn_infer_out(c, 0, TN_F32, rank, rank < 0 ? NULL : c->in[0]->dims);
    return TN_OK;
}

typedef struct {
    int norm;
} normalizer;

/* Along the second dimension, of vectors along their only one. */
static tn_status normalize_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    float *y = tn_out(r, 0)->data;
    enum { MAX, L1, L2 }; /* in the order of the words */
    int norm = ((const normalizer *)r->attrs)->norm;
    bool l1 = norm == L1, l2 = norm == L2;
    int64_t rows = tn_rows_count(x), n = x->rank > 1 ? x->dims[1] : tn_count(x);
    int64_t inner = x->rank > 2 ? tn_op_product(x->dims, 2, x->rank) : 1;
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < rows * inner; i++) {
        int64_t base = i / inner * n * inner + i % inner;
        double by = l1 || l2 ? 0 : -INFINITY;
        for (int64_t k = 0; k < n; k++) {
            double v = tn_get_f64(x->dtype, x->data, base + k * inner);
            if (tn_ticks_stopped(&ticks, 4)) return tn_op_stopped(r);
            by = l1 ? by + fabs(v) : l2 ? by + v * v : v > by ? v : by;
        }
        if (l2) by = sqrt(by);
        for (int64_t k = 0; k < n; k++) {
            double v = tn_get_f64(x->dtype, x->data, base + k * inner);
            if (tn_ticks_stopped(&ticks, 8)) return tn_op_stopped(r);
            y[base + k * inner] = (float)(by != 0 ? v / by : v);
        }
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------- Scaler */

typedef struct {
    tn_floats offset, scale;
} scaler;

static tn_status scale_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    float *y = tn_out(r, 0)->data;
    const scaler *at = r->attrs;
    const float *offset = at->offset.v, *scale = at->scale.v;
    int64_t n_offset = (int64_t)at->offset.n, n_scale = (int64_t)at->scale.n;
    int64_t columns = x->rank ? x->dims[x->rank - 1] : 1;
    if ((n_offset > 1 && n_offset != columns) || (n_scale > 1 && n_scale != columns))
        return tn_op_fail(r->node, TN_E_INVALID, "%lld offsets and %lld scales for %lld columns", (long long)n_offset,
                          (long long)n_scale, (long long)columns);
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < tn_count(x) && !tn_ticks_stopped(&ticks, 16); i++) {
        double a = n_offset ? (double)offset[n_offset == 1 ? 0 : i % columns] : 0;
        double b = n_scale ? (double)scale[n_scale == 1 ? 0 : i % columns] : 1;
        y[i] = (float)((tn_get_f64(x->dtype, x->data, i) - a) * b);
    }
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port extract_in[] = { { "X", TN_ML_NUMBERS | tn_dtype_bit(TN_STRING), 'T' },
                                      { "Y", tn_dtype_bit(TN_I64), 0 },
                                      { 0 } };
static const tn_port extract_out[] = { { "Z", TN_ML_NUMBERS | tn_dtype_bit(TN_STRING), 'T' }, { 0 } };
static const tn_port many_in[] = { { "X", TN_ML_NUMBERS, 'T', .variadic = true }, { 0 } };
static const tn_attr_spec binarize_attrs[] = { { TN_FLOAT(binarizer, threshold, 0) }, { 0 } };
static const tn_attr_spec join_attrs[] = { { TN_INTS_OF(join, inputdimensions), .min = 0, .max = INT32_MAX }, { 0 } };
static const tn_attr_spec impute_attrs[] = { { TN_FLOATS_OF(imputer, imputed_value_floats) },
                                             { TN_INTS_OF(imputer, imputed_value_int64s) },
                                             { TN_FLOAT(imputer, replaced_value_float, 0) },
                                             { TN_INT(imputer, replaced_value_int64, 0) },
                                             { 0 } };
static const tn_attr_spec normalize_attrs[] = { { TN_WORD(normalizer, norm, "MAX|L1|L2", "MAX") }, { 0 } };
static const tn_attr_spec scale_attrs[] = { { TN_FLOATS_OF(scaler, offset) }, { TN_FLOATS_OF(scaler, scale) }, { 0 } };

#define FEATURES(name_, in_, out_, attrs_, infer_, run_, grad_, doc_)                                             \
    {                                                                                                             \
        .name = name_, .domain = TN_ML, .since = 1, .in = in_, .out = out_, attrs_, .infer = infer_, .run = run_, \
        .grad = grad_, .doc = doc_                                                                                \
    }
#define SPECS(specs, T) TN_ATTRS(specs, T)
const tn_op tn_ops_ml_features[] = {
    FEATURES("ArrayFeatureExtractor", extract_in, extract_out, .attrs = NULL, extract_infer, extract_run,
             tn_grad_extract, "columns by number"),
    FEATURES("Binarizer", tn_ml_ports_x, tn_ml_ports_x, SPECS(binarize_attrs, binarizer), tn_infer_same, binarize_run,
             tn_grad_none, "1 above a threshold, else 0"),
    FEATURES("FeatureVectorizer", many_in, tn_ml_ports_f32, SPECS(join_attrs, join), join_infer, join_run,
             tn_grad_vectorizer, "the columns of all inputs side by side"),
    FEATURES("Imputer", tn_ml_ports_x, tn_ml_ports_x, SPECS(impute_attrs, imputer), tn_infer_same, impute_run,
             tn_grad_imputer, "one value, often NaN, replaced by another per column"),
    FEATURES("Normalizer", tn_ml_ports_x, tn_ml_ports_f32, SPECS(normalize_attrs, normalizer), float_infer,
             normalize_run, tn_grad_normalizer, "rows divided by their largest element or norm"),
    FEATURES("Scaler", tn_ml_ports_x, tn_ml_ports_f32, SPECS(scale_attrs, scaler), float_infer, scale_run,
             tn_grad_scaler, "(x - offset) * scale, by column"),
    { 0 },
};
