/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ml.h - what the classifiers and regressors of ai.onnx.ml share: transforms of scores, class labels, rows of features.
 * Scores are computed in double and rounded once. */
#ifndef TN_OP_ML_ML_H
#define TN_OP_ML_ML_H

#include "op/core/op.h"

#define TN_ML "ai.onnx.ml"

/* ------------------------------------------------------------------------------------------------------- transforms */

typedef enum { TN_POST_NONE, TN_POST_SOFTMAX, TN_POST_LOGISTIC, TN_POST_SOFTMAX_ZERO, TN_POST_PROBIT } tn_post;
#define TN_POST_WORDS "NONE|SOFTMAX|LOGISTIC|SOFTMAX_ZERO|PROBIT"

tn_post tn_post_read(const tn_node *n); /* attribute post_transform, a checked word */
/** In place on the n scores of one row; a single score has no others to be shared with, so the softmaxes leave it.
 * PROBIT is the usual approximation of the inverse error function (Winitzki 2008), as every runtime has it. */
void tn_post_apply(tn_post p, double *s, int64_t n);
double tn_logistic(double v);

/* ----------------------------------------------------------------------------------------------------------- labels */

typedef struct {
    const int64_t *ints; /* or NULL */
    const tn_string *strings;
    int64_t n; /* 0: no labels; classes are then their numbers */
} tn_labels;

/** Attributes `ints` and `strings`, of which one may be there. errors TN_E_INVALID: both are. */
tn_status tn_labels_read(const tn_node *n, const char *ints, const char *strings, tn_labels *out);
static inline tn_dtype tn_labels_type(const tn_labels *l) { return l->strings ? TN_STRING : TN_I64; }
/** y[i] := label k (k itself, as text if need be, when there are no labels or not so many). errors TN_E_NOMEM */
tn_status tn_labels_put(const tn_labels *l, tn_tensor *y, int64_t i, int64_t k);

/* ------------------------------------------------------------------------------------------------------------- rows */

/** The input of a model as rows of features: [N, C], or [C], which is one row. More dimensions: the trailing ones count
 *  as features. */
void tn_rows_infer(const tn_infer *c, int i, tn_dim *rows, tn_dim *features);
static inline int64_t tn_rows_features(const tn_tensor *x) {
    int64_t n = 1;
    for (int d = x->rank > 1; d < x->rank; d++) n *= x->dims[d];
    return n;
}
static inline int64_t tn_rows_count(const tn_tensor *x) { return x->rank > 1 ? x->dims[0] : 1; }
/** n elements from x[at] on, as double. */
void tn_rows_read(const tn_tensor *x, int64_t at, int64_t n, double *out);

/** Real numbers of an attribute, a list of floats or a tensor of any real type, as double in the arena; NULL, 0 when it
 *  is absent. errors TN_E_NOMEM, TN_E_TYPE */
tn_status tn_ml_reals(const tn_node *n, const char *name, tn_arena *a, const double **out, int64_t *count);

#define TN_ML_NUMBERS (tn_dtype_bit(TN_F32) | tn_dtype_bit(TN_F64) | tn_dtype_bit(TN_I64) | tn_dtype_bit(TN_I32))
extern const tn_port tn_ml_ports_x[];          /* X: float, double, int64, int32 */
extern const tn_port tn_ml_ports_f32[];        /* Y: float */
extern const tn_port tn_ml_ports_classified[]; /* label (int64 or string), scores */

#endif
