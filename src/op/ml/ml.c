/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ml.c - transforms of scores, class labels and rows: see ml.h. */
#include "op/ml/ml.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------------- transforms */

double tn_logistic(double v) {
    double e = exp(-fabs(v));
    return v < 0 ? e / (1 + e) : 1 / (1 + e);
}

/* sqrt(2) times the inverse error function at 2 v - 1. */
static double probit(double v) {
    double x = 2 * v - 1, sign = x < 0 ? -1 : 1, rest = (1 - x) * (1 + x);
    double l = log(rest), a = 2 / (3.14159 * 0.147) + 0.5 * l, b = l / 0.147;
    return 1.41421356 * sign * sqrt(sqrt(a * a - b) - a);
}

/* Scores of (nearly) zero keep that value, instead of a share of the whole, when `zero`. */
static void softmax(double *s, int64_t n, bool zero) {
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++) most = s[i] > most ? s[i] : most;
    for (int64_t i = 0; i < n; i++) {
        if (zero && fabs(s[i]) <= 1e-7)
            s[i] *= exp(-most);
        else
            s[i] = exp(s[i] - most);
        sum += s[i];
    }
    for (int64_t i = 0; i < n; i++) s[i] = sum == 0 && zero ? 0.5 : s[i] / sum;
}

void tn_post_apply(tn_post p, double *s, int64_t n) {
    if (n > 1 && (p == TN_POST_SOFTMAX || p == TN_POST_SOFTMAX_ZERO)) softmax(s, n, p == TN_POST_SOFTMAX_ZERO);
    for (int64_t i = 0; i < n && (p == TN_POST_LOGISTIC || p == TN_POST_PROBIT); i++)
        s[i] = p == TN_POST_LOGISTIC ? tn_logistic(s[i]) : probit(s[i]);
}

/* ----------------------------------------------------------------------------------------------------------- labels */

tn_status tn_labels_of(const tn_node *n, const tn_label_attrs *a, tn_labels *out) {
    *out = (tn_labels){ 0 };
    if (a->ints.n && a->strings.n)
        return tn_op_fail(n, TN_E_INVALID, "labels are given as integers and as strings, which exclude each other");
    if (a->ints.n) *out = (tn_labels){ .ints = a->ints.v, .n = (int64_t)a->ints.n };
    if (a->strings.n) *out = (tn_labels){ .strings = a->strings.v, .n = (int64_t)a->strings.n };
    return TN_OK;
}

tn_status tn_labels_put(const tn_labels *l, tn_tensor *y, int64_t i, int64_t k) {
    if (y->dtype == TN_STRING) {
        char buf[24];
        int len = snprintf(buf, sizeof buf, "%lld", (long long)k);
        if (k >= 0 && k < l->n && l->strings) return tn_tensor_set_string(y, i, l->strings[k].ptr, l->strings[k].len);
        return tn_tensor_set_string(y, i, buf, (size_t)len);
    }
    ((int64_t *)y->data)[i] = k >= 0 && k < l->n && l->ints ? l->ints[k] : k;
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------- rows */

void tn_rows_infer(const tn_infer *c, int i, tn_dim *rows, tn_dim *features) {
    int rank = tn_infer_rank(c, i);
    *rows = *features = TN_DIM_UNKNOWN;
    if (rank < 0) return;
    *rows = rank > 1 ? c->in[i]->dims[0] : 1;
    *features = 1;
    for (int d = rank > 1; d < rank; d++) *features = tn_dim_mul(c->syms, *features, c->in[i]->dims[d]);
}

void tn_rows_read(const tn_tensor *x, int64_t at, int64_t n, double *out) {
    if (n > 0)
        tn_convert(x->dtype, (const char *)x->data + at * tn_dtypes[x->dtype].bytes, TN_F64, out, n, true,
                   TN_ROUND_NEAREST);
}

tn_status tn_ml_reals(const tn_node *n, tn_floats list, const tn_tensor *tensor, const char *name, tn_arena *a,
                      const double **out, int64_t *count) {
    *out = NULL, *count = 0;
    if (!list.n && !tensor) return TN_OK;
    tn_dtype t = list.n ? TN_F32 : tensor->dtype;
    if (!(tn_dtype_bit(t) & TN_REAL))
        return tn_op_fail(n, TN_E_TYPE, "attribute '%s' holds %s, should hold numbers", name, tn_dtype_name(t));
    *count = list.n ? (int64_t)list.n : tn_count(tensor);
    double *v = tn_arena_array(a, double, (size_t)*count + 1);
    if (!v) return tn_op_fail(n, TN_E_NOMEM, "no memory for %lld numbers", (long long)*count);
    *out = v;
    return *count ? tn_convert(t, list.n ? list.v : tensor->data, TN_F64, v, *count, true, TN_ROUND_NEAREST) : TN_OK;
}

const tn_port tn_ml_ports_x[] = { { "X", TN_ML_NUMBERS, 'T' }, { 0 } };
const tn_port tn_ml_ports_f32[] = { { "Y", tn_dtype_bit(TN_F32), 0 }, { 0 } };
const tn_port tn_ml_ports_classified[] = { { "Y", tn_dtype_bit(TN_I64) | tn_dtype_bit(TN_STRING), 0 },
                                           { "Z", tn_dtype_bit(TN_F32), 0 },
                                           { 0 } };
