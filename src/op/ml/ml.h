/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ml.h - what the classifiers and regressors of ai.onnx.ml share: transforms of scores, class labels, rows of features.
 * Scores are computed in double and rounded once. */
#ifndef TN_OP_ML_ML_H
#define TN_OP_ML_ML_H

#include "op/core/op.h"

#define TN_ML "ai.onnx.ml"

/* ------------------------------------------------------------------------------------------------------- transforms */

typedef enum { TN_POST_NONE, TN_POST_SOFTMAX, TN_POST_LOGISTIC, TN_POST_SOFTMAX_ZERO, TN_POST_PROBIT } tn_post;
#define TN_POST_WORDS "NONE|SOFTMAX|LOGISTIC|SOFTMAX_ZERO|PROBIT" /* in that order */
/** The spec of attribute post_transform, an int of struct T that is a tn_post. */
#define TN_POST_OF(T) TN_WORD(T, post_transform, TN_POST_WORDS, "NONE")

/** In place on the n scores of one row; a single score has no others to be shared with, so the softmaxes leave it.
 * PROBIT is the usual approximation of the inverse error function (Winitzki 2008), as every runtime has it. */
void tn_post_apply(tn_post p, double *s, int64_t n);
double tn_logistic(double v);

/* For gradients; both name what they return "d". */
struct tn_grad;
/** d of the raw scores, [rows, n], in the type of x */
tn_value *tn_grad_post(struct tn_grad *g, tn_post post, int output, int64_t n);
/** d of the one score behind a pair -s, s */
tn_value *tn_grad_second(struct tn_grad *g);

/* ----------------------------------------------------------------------------------------------------------- labels */

typedef struct {
    const int64_t *ints; /* or NULL */
    const tn_string *strings;
    int64_t n; /* 0: no labels; classes are then their numbers */
} tn_labels;

/** How two attributes with labels lie in a row's struct, and their specs; one of the two may have any. */
typedef struct {
    tn_ints ints;
    tn_strings strings;
} tn_label_attrs;
#define TN_LABELS_OF(T, m, ints_name, strings_name) \
    { TN_INTS_AS(T, m.ints, ints_name) }, { TN_STRINGS_AS(T, m.strings, strings_name) }
/** errors TN_E_INVALID: both have. */
tn_status tn_labels_of(const tn_node *n, const tn_label_attrs *a, tn_labels *out);
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

/** Numbers of a list, or, where that has none, of a tensor of any real type (NULL: none), as double in the arena; NULL,
 *  0 when there are none. name: the tensor's attribute, for the message. errors TN_E_NOMEM, TN_E_TYPE */
tn_status tn_ml_reals(const tn_node *n, tn_floats list, const tn_tensor *tensor, const char *name, tn_arena *a,
                      const double **out, int64_t *count);

#define TN_ML_NUMBERS (tn_dtype_bit(TN_F32) | tn_dtype_bit(TN_F64) | tn_dtype_bit(TN_I64) | tn_dtype_bit(TN_I32))
extern const tn_port tn_ml_ports_x[];          /* X: float, double, int64, int32 */
extern const tn_port tn_ml_ports_f32[];        /* Y: float */
extern const tn_port tn_ml_ports_classified[]; /* label (int64 or string), scores */

#endif
