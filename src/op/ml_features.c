/* ml_features.c - ArrayFeatureExtractor, Binarizer, FeatureVectorizer, Imputer, Normalizer, Scaler: columns chosen,
 * joined and put on one scale. */
#include "op/grad.h"
#include "op/ml.h"
#include "op/support.h"
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
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < n; k++) tn_op_copy_element(y, i * n + k, x, i * columns + at[k]);
    return tn_op_own_strings(y);
}

/* ---------------------------------------------------------------------------------------------------- Binarizer */

static tn_status binarize_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    double threshold = (double)tn_attr_float(r->node, "threshold", 0);
    for (int64_t i = 0; i < tn_count(x); i++)
        tn_set_i64(y->dtype, y->data, i, tn_get_f64(x->dtype, x->data, i) > threshold);
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------- FeatureVectorizer */

/* Columns of input i in the result: inputdimensions says how many, also when the input has fewer or more. */
static tn_status widths(const tn_node *n, const int64_t **out) {
    int count;
    *out = tn_attr_ints(n, "inputdimensions", &count);
    if (*out && count != n->n_inputs)
        return tn_op_fail(n, TN_E_INVALID, "inputdimensions has %d numbers for %d inputs", count, n->n_inputs);
    return TN_OK;
}

static tn_status join_infer(tn_infer *c) {
    const int64_t *width;
    tn_dim total = 0, rows = TN_DIM_UNKNOWN;
    TN_TRY(widths(c->node, &width));
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
    TN_TRY(widths(r->node, &width));
    if (tn_count(y)) memset(y->data, 0, (size_t)tn_count(y) * sizeof(float));
    for (int i = 0; i < r->n_in; i++) {
        const tn_tensor *x = tn_in(r, i);
        int64_t have = tn_rows_features(x), want = width ? width[i] : have, n = have < want ? have : want;
        if (tn_rows_count(x) != rows)
            return tn_op_fail(r->node, TN_E_SHAPE, "input %d has %lld rows, another %lld", i,
                              (long long)tn_rows_count(x), (long long)rows);
        for (int64_t k = 0; k < rows && n > 0; k++)
            TN_TRY(tn_convert(x->dtype, (const char *)x->data + k * have * tn_dtypes[x->dtype].bytes, TN_F32,
                              (float *)y->data + k * total + at, n, true, TN_ROUND_NEAREST));
        at += want;
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------ Imputer */

static tn_status impute_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    bool real = tn_dtype_is_float(x->dtype);
    int count;
    const float *reals = tn_attr_floats(r->node, "imputed_value_floats", &count);
    const int64_t *ints = NULL;
    if (!real) ints = tn_attr_ints(r->node, "imputed_value_int64s", &count);
    int64_t columns = x->rank ? x->dims[x->rank - 1] : 1, bad_int = tn_attr_int(r->node, "replaced_value_int64", 0);
    double bad = (double)tn_attr_float(r->node, "replaced_value_float", 0);
    if (count < 1) return tn_op_fail(r->node, TN_E_INVALID, "no imputed values of the input's kind");
    if (count != 1 && count != columns)
        return tn_op_fail(r->node, TN_E_INVALID, "%d imputed values for %lld columns", count, (long long)columns);
    for (int64_t i = 0; i < tn_count(x); i++) {
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

/* Along the second dimension, of vectors along their only one. */
static tn_status normalize_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    float *y = tn_out(r, 0)->data;
    bool l1 = tn_attr_is(r->node, "norm", "L1", "MAX"), l2 = tn_attr_is(r->node, "norm", "L2", "MAX");
    int64_t rows = tn_rows_count(x), n = x->rank > 1 ? x->dims[1] : tn_count(x);
    int64_t inner = x->rank > 2 ? tn_op_product(x->dims, 2, x->rank) : 1;
    for (int64_t i = 0; i < rows * inner; i++) {
        int64_t base = i / inner * n * inner + i % inner;
        double by = l1 || l2 ? 0 : -INFINITY;
        for (int64_t k = 0; k < n; k++) {
            double v = tn_get_f64(x->dtype, x->data, base + k * inner);
            by = l1 ? by + fabs(v) : l2 ? by + v * v : v > by ? v : by;
        }
        if (l2) by = sqrt(by);
        for (int64_t k = 0; k < n; k++) {
            double v = tn_get_f64(x->dtype, x->data, base + k * inner);
            y[base + k * inner] = (float)(by != 0 ? v / by : v);
        }
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------- Scaler */

static tn_status scale_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    float *y = tn_out(r, 0)->data;
    int n_offset, n_scale;
    const float *offset = tn_attr_floats(r->node, "offset", &n_offset),
                *scale = tn_attr_floats(r->node, "scale", &n_scale);
    int64_t columns = x->rank ? x->dims[x->rank - 1] : 1;
    if ((n_offset > 1 && n_offset != columns) || (n_scale > 1 && n_scale != columns))
        return tn_op_fail(r->node, TN_E_INVALID, "%d offsets and %d scales for %lld columns", n_offset, n_scale,
                          (long long)columns);
    for (int64_t i = 0; i < tn_count(x); i++) {
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
static const tn_attr_spec binarize_attrs[] = { { "threshold", TN_ATTR_FLOAT }, { 0 } };
static const tn_attr_spec join_attrs[] = { { "inputdimensions", TN_ATTR_INTS, .min = 0, .max = INT32_MAX }, { 0 } };
static const tn_attr_spec impute_attrs[] = { { "imputed_value_floats", TN_ATTR_FLOATS },
                                             { "imputed_value_int64s", TN_ATTR_INTS },
                                             { "replaced_value_float", TN_ATTR_FLOAT },
                                             { "replaced_value_int64", TN_ATTR_INT },
                                             { 0 } };
static const tn_attr_spec normalize_attrs[] = { { "norm", TN_ATTR_STRING, .words = "MAX|L1|L2" }, { 0 } };
static const tn_attr_spec scale_attrs[] = { { "offset", TN_ATTR_FLOATS }, { "scale", TN_ATTR_FLOATS }, { 0 } };

#define FEATURES(name_, in_, out_, attrs_, infer_, run_, grad_, doc_)                                         \
    {                                                                                                         \
        .name = name_, .domain = TN_ML, .since = 1, .in = in_, .out = out_, .attrs = attrs_, .infer = infer_, \
        .run = run_, .grad = grad_, .doc = doc_                                                               \
    }
const tn_op tn_ops_ml_features[] = {
    FEATURES("ArrayFeatureExtractor", extract_in, extract_out, NULL, extract_infer, extract_run, tn_grad_extract,
             "columns by number"),
    FEATURES("Binarizer", tn_ml_ports_x, tn_ml_ports_x, binarize_attrs, tn_infer_same, binarize_run, tn_grad_none,
             "1 above a threshold, else 0"),
    FEATURES("FeatureVectorizer", many_in, tn_ml_ports_f32, join_attrs, join_infer, join_run, tn_grad_vectorizer,
             "the columns of all inputs side by side"),
    FEATURES("Imputer", tn_ml_ports_x, tn_ml_ports_x, impute_attrs, tn_infer_same, impute_run, tn_grad_imputer,
             "one value, often NaN, replaced by another per column"),
    FEATURES("Normalizer", tn_ml_ports_x, tn_ml_ports_f32, normalize_attrs, float_infer, normalize_run,
             tn_grad_normalizer, "rows divided by their largest element or norm"),
    FEATURES("Scaler", tn_ml_ports_x, tn_ml_ports_f32, scale_attrs, float_infer, scale_run, tn_grad_scaler,
             "(x - offset) * scale, by column"),
    { 0 },
};
