/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* unary.c - pointwise operators of one tensor: y[i] = f(x[i]; a, b). One table says which function and where its
 * parameters come from; the loops for every element type are kernel/broadcast.h. */
#include "kernel/broadcast.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/math/grads.h"
#include "op/math/pointwise.h"
#include <math.h>
#include <string.h>

/* name, function, version, types, the attributes that are its parameters (NULL: none), their defaults, doc */
#define UNARY_OPS(X)                                                                                            \
    X("Abs", ABS, 13, TN_REAL, NULL, NULL, 0, 0, "absolute value")                                              \
    X("Neg", NEG, 13, TN_FLOATS | TN_SIGNED_INTS, NULL, NULL, 0, 0, "-x")                                       \
    X("Sign", SIGN, 13, TN_REAL, NULL, NULL, 0, 0, "-1, 0 or 1")                                                \
    X("Floor", FLOOR, 13, TN_FLOATS, NULL, NULL, 0, 0, "rounded down")                                          \
    X("Ceil", CEIL, 13, TN_FLOATS, NULL, NULL, 0, 0, "rounded up")                                              \
    X("Round", ROUND, 22, TN_FLOATS, NULL, NULL, 0, 0, "rounded to the nearest integer, halves to even")        \
    X("Sqrt", SQRT, 13, TN_FLOATS, NULL, NULL, 0, 0, "square root; NaN below 0")                                \
    X("Reciprocal", RECIPROCAL, 13, TN_FLOATS, NULL, NULL, 0, 0, "1 / x")                                       \
    X("Exp", EXP, 13, TN_FLOATS, NULL, NULL, 0, 0, "e^x")                                                       \
    X("Log", LOG, 13, TN_FLOATS, NULL, NULL, 0, 0, "natural logarithm")                                         \
    X("Sin", SIN, 22, TN_FLOATS, NULL, NULL, 0, 0, "sine")                                                      \
    X("Cos", COS, 22, TN_FLOATS, NULL, NULL, 0, 0, "cosine")                                                    \
    X("Tan", TAN, 22, TN_FLOATS, NULL, NULL, 0, 0, "tangent")                                                   \
    X("Asin", ASIN, 22, TN_FLOATS, NULL, NULL, 0, 0, "arc sine")                                                \
    X("Acos", ACOS, 22, TN_FLOATS, NULL, NULL, 0, 0, "arc cosine")                                              \
    X("Atan", ATAN, 22, TN_FLOATS, NULL, NULL, 0, 0, "arc tangent")                                             \
    X("Sinh", SINH, 22, TN_FLOATS, NULL, NULL, 0, 0, "hyperbolic sine")                                         \
    X("Cosh", COSH, 22, TN_FLOATS, NULL, NULL, 0, 0, "hyperbolic cosine")                                       \
    X("Tanh", TANH, 13, TN_FLOATS, NULL, NULL, 0, 0, "hyperbolic tangent")                                      \
    X("Asinh", ASINH, 22, TN_FLOATS, NULL, NULL, 0, 0, "inverse hyperbolic sine")                               \
    X("Acosh", ACOSH, 22, TN_FLOATS, NULL, NULL, 0, 0, "inverse hyperbolic cosine")                             \
    X("Atanh", ATANH, 22, TN_FLOATS, NULL, NULL, 0, 0, "inverse hyperbolic tangent")                            \
    X("Erf", ERF, 13, TN_REAL, NULL, NULL, 0, 0, "the error function")                                          \
    X("Sigmoid", SIGMOID, 13, TN_FLOATS, NULL, NULL, 0, 0, "1 / (1 + e^-x)")                                    \
    X("Relu", RELU, 14, TN_FLOATS | TN_SIGNED_INTS, NULL, NULL, 0, 0, "max(x, 0)")                              \
    X("LeakyRelu", LEAKY_RELU, 16, TN_FLOATS, "alpha", NULL, 0.01f, 0, "x < 0 ? alpha x : x")                   \
    X("ThresholdedRelu", THRESHOLDED_RELU, 22, TN_FLOATS, "alpha", NULL, 1, 0, "x > alpha ? x : 0")             \
    X("Elu", ELU, 22, TN_FLOATS, "alpha", NULL, 1, 0, "x < 0 ? alpha (e^x - 1) : x")                            \
    X("Selu", SELU, 22, TN_FLOATS, "alpha", "gamma", 1.67326319217681884765625f, 1.05070102214813232421875f,    \
      "gamma (x < 0 ? alpha (e^x - 1) : x)")                                                                    \
    X("Celu", CELU, 28, TN_FLOATS, "alpha", NULL, 1, 0, "x < 0 ? alpha (e^(x/alpha) - 1) : x")                  \
    X("HardSigmoid", HARDSIGMOID, 22, TN_FLOATS, "alpha", "beta", 0.2f, 0.5f, "min(max(alpha x + beta, 0), 1)") \
    X("HardSwish", HARDSWISH, 22, TN_FLOATS, NULL, NULL, 0, 0, "x min(max(x/6 + 1/2, 0), 1)")                   \
    X("Softplus", SOFTPLUS, 22, TN_FLOATS, NULL, NULL, 0, 0, "log(1 + e^x)")                                    \
    X("Softsign", SOFTSIGN, 22, TN_FLOATS, NULL, NULL, 0, 0, "x / (1 + |x|)")                                   \
    X("Mish", MISH, 22, TN_FLOATS, NULL, NULL, 0, 0, "x tanh(log(1 + e^x))")                                    \
    X("Swish", SWISH, 24, TN_FLOATS, "alpha", NULL, 1, 0, "x / (1 + e^(-alpha x))")                             \
    X("Shrink", SHRINK, 9, TN_REAL, "lambd", "bias", 0.5f, 0, "x < -lambd ? x + bias : x > lambd ? x - bias : 0")

enum {
#define X(name, id, ...) OP_##id,
    UNARY_OPS(X)
#undef X
        OP_GELU,
    OP_GELU_TANH,
};

typedef struct {
    float a, b;
} params;

static const tn_unary defs[] = {
#define X(name, id, since, types, an, bn, av, bv, doc) [OP_##id] = TN_U_##id,
    UNARY_OPS(X)
#undef X
        [OP_GELU] = TN_U_GELU,
    [OP_GELU_TANH] = TN_U_GELU_TANH,
};

static tn_status unary_apply(tn_run *r, tn_unary fn, double a, double b) {
    const tn_tensor *x = tn_in(r, 0);
    tn_status st = tn_unary_run(fn, x->dtype, x->data, tn_out(r, 0)->data, tn_count(x), a, b, r->pool);
    return st == TN_OK ? st : tn_fail_at(st, "%s", tn_node_where(r->node));
}

static tn_status unary_run(tn_run *r) {
    const params *p = r->attrs;
    return unary_apply(r, defs[r->node->op->arg], (double)p->a, (double)p->b);
}

typedef struct {
    int approximate;
} gelu;
static const tn_attr_spec gelu_attrs[] = { { TN_WORD(gelu, approximate, "none|tanh", "none") }, { 0 } };
static tn_unary gelu_of(const gelu *g) { return g->approximate ? TN_U_GELU_TANH : TN_U_GELU; }

static tn_status gelu_run(tn_run *r) { return unary_apply(r, gelu_of(r->attrs), 0, 0); }

/* A scalar constant input of a float type; absent ones leave *out as it is. */
static bool constant_limit(const tn_node *n, int i, float *out) {
    if (i >= n->n_inputs || !n->inputs[i]) return true;
    const tn_tensor *t = n->inputs[i]->constant;
    if (!t || tn_count(t) != 1 || !tn_dtype_is_float(t->dtype)) return false;
    *out = (float)tn_get_f64(t->dtype, t->data, 0);
    return true;
}

static tn_status clip_run(tn_run *r);

bool tn_op_unary_of(const tn_node *n, tn_unary *fn, float *a, float *b) {
    if (!n->op) return false;
    if (n->op->run == unary_run) {
        params p = { 0 };
        if (tn_op_fill_attrs(n, n->op->attrs, &p) != TN_OK) return false;
        *fn = defs[n->op->arg], *a = p.a, *b = p.b;
        return true;
    }
    *a = *b = 0;
    if (n->op->run == gelu_run) {
        gelu g;
        if (tn_op_fill_attrs(n, gelu_attrs, &g) != TN_OK) return false;
        *fn = gelu_of(&g);
        return true;
    }
    *fn = TN_U_CLIP;
    *a = -INFINITY;
    *b = INFINITY;
    return n->op->run == clip_run && constant_limit(n, 1, a) && constant_limit(n, 2, b);
}

/* Clip's bounds are tensors: integer types compare exactly. */
static tn_status clip_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *lo = tn_in(r, 1), *hi = tn_in(r, 2);
    tn_tensor *y = tn_out(r, 0);
    for (int i = 1; i <= 2; i++)
        if (tn_in(r, i) && tn_count(tn_in(r, i)) != 1)
            return tn_op_fail(r->node, TN_E_SHAPE, "%s must hold one element, not %lld", i == 1 ? "min" : "max",
                              (long long)tn_count(tn_in(r, i)));
    if (tn_dtype_is_float(x->dtype))
        return unary_apply(r, TN_U_CLIP, lo ? tn_get_f64(lo->dtype, lo->data, 0) : -INFINITY,
                           hi ? tn_get_f64(hi->dtype, hi->data, 0) : INFINITY);
    bool wide = x->dtype == TN_U64;
    for (int64_t i = 0; i < tn_count(x); i++) {
        int64_t v = tn_get_i64(x->dtype, x->data, i);
        int64_t a = lo ? tn_get_i64(lo->dtype, lo->data, 0) : v, b = hi ? tn_get_i64(hi->dtype, hi->data, 0) : 0;
        if (wide ? (uint64_t)v < (uint64_t)a : v < a) v = a;
        if (hi && (wide ? (uint64_t)v > (uint64_t)b : v > b)) v = b;
        tn_set_i64(y->dtype, y->data, i, v);
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------ tests and logic: bool results */

static tn_status bool_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    tn_infer_out(c, 0, TN_BOOL, rank, rank < 0 ? NULL : c->in[0]->dims);
    return TN_OK;
}

static tn_status isnan_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    uint8_t *y = tn_out(r, 0)->data;
    for (int64_t i = 0; i < tn_count(x); i++) y[i] = isnan(tn_get_f64(x->dtype, x->data, i)) != 0;
    return TN_OK;
}

typedef struct {
    bool detect_negative, detect_positive;
} infinities;

static tn_status isinf_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    uint8_t *y = tn_out(r, 0)->data;
    const infinities *a = r->attrs;
    bool pos = a->detect_positive, neg = a->detect_negative;
    for (int64_t i = 0; i < tn_count(x); i++) {
        double v = tn_get_f64(x->dtype, x->data, i);
        y[i] = (pos && v == INFINITY) || (neg && v == -INFINITY);
    }
    return TN_OK;
}

static tn_status not_run(tn_run *r) {
    const uint8_t *x = tn_in(r, 0)->data;
    uint8_t *y = tn_out(r, 0)->data;
    for (int64_t i = 0, n = tn_count(tn_in(r, 0)); i < n; i++) y[i] = !x[i];
    return TN_OK;
}

static tn_status bitwise_not_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    for (int64_t i = 0; i < tn_count(x); i++)
        tn_set_i64(x->dtype, tn_out(r, 0)->data, i, ~tn_get_i64(x->dtype, x->data, i));
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define X(name, id, since, types, an, bn, av, bv, doc)                             \
    static const tn_port ports_##id[] = { { "X", types, 'T' }, { 0 } };            \
    static const tn_attr_spec attrs_##id[] = { { TN_FLOAT_AS(params, a, an, av) }, \
                                               { TN_FLOAT_AS(params, b, bn, bv) }, \
                                               { 0 } };
UNARY_OPS(X)
#undef X

#define TN_ALL_FLOATS                                                                                \
    (TN_FLOATS | tn_dtype_bit(TN_F8E4M3FN) | tn_dtype_bit(TN_F8E4M3FNUZ) | tn_dtype_bit(TN_F8E5M2) | \
     tn_dtype_bit(TN_F8E5M2FNUZ))
static const tn_port clip_in[] = {
    { "X", TN_REAL, 'T' }, { "min", TN_REAL, 'T', .optional = true }, { "max", TN_REAL, 'T', .optional = true }, { 0 }
};
static const tn_port nan_in[] = { { "X", TN_ALL_FLOATS, 0 }, { 0 } };
static const tn_port ints_t[] = { { "X", TN_INTS, 'T' }, { 0 } };
static const tn_port bool_in[] = { { "X", TN_BOOLS, 0 }, { 0 } };
static const tn_attr_spec isinf_attrs[] = { { TN_FLAG(infinities, detect_negative, true) },
                                            { TN_FLAG(infinities, detect_positive, true) },
                                            { 0 } };

/* Steps have no gradient. */
#define STEP(id)    (OP_##id == OP_SIGN || OP_##id == OP_FLOOR || OP_##id == OP_CEIL || OP_##id == OP_ROUND)
#define GRAD_OF(id) STEP(id) ? tn_grad_none : tn_grad_unary
#define POINT       (TN_OP_POINTWISE | TN_OP_INPLACE)
const tn_op tn_ops_unary[] = {
#define X(name_, id, since_, types, an, bn, av, bv, doc_) \
    { .name = name_,                                      \
      .since = since_,                                    \
      .flags = POINT,                                     \
      .in = ports_##id,                                   \
      .out = ports_##id,                                  \
      TN_ATTRS(attrs_##id, params),                       \
      .infer = tn_infer_same,                             \
      .run = unary_run,                                   \
      .grad = GRAD_OF(id),                                \
      .arg = OP_##id,                                     \
      .doc = doc_ },
    UNARY_OPS(X)
#undef X
        { .name = "Gelu",
          .since = 20,
          .flags = POINT,
          .in = tn_ports_float_t,
          .out = tn_ports_float_t,
          TN_ATTRS(gelu_attrs, gelu),
          .infer = tn_infer_same,
          .run = gelu_run,
          .grad = tn_grad_unary,
          .doc = "x/2 (1 + erf(x / sqrt 2)), or its tanh approximation" },
    { .name = "Clip",
      .since = 13,
      .flags = POINT,
      .in = clip_in,
      .out = tn_ports_real_t,
      .infer = tn_infer_same,
      .run = clip_run,
      .grad = tn_grad_clip,
      .doc = "x limited to min..max" },
    { .name = "IsNaN",
      .since = 20,
      .flags = TN_OP_POINTWISE,
      .in = nan_in,
      .out = tn_ports_bool,
      .infer = bool_infer,
      .run = isnan_run,
      .grad = tn_grad_none,
      .doc = "whether x is NaN" },
    { .name = "IsInf",
      .since = 20,
      .flags = TN_OP_POINTWISE,
      .in = nan_in,
      .out = tn_ports_bool,
      TN_ATTRS(isinf_attrs, infinities),
      .infer = bool_infer,
      .run = isinf_run,
      .grad = tn_grad_none,
      .doc = "whether x is infinite, of either or one sign" },
    { .name = "Not",
      .since = 1,
      .flags = POINT,
      .in = bool_in,
      .out = tn_ports_bool,
      .infer = bool_infer,
      .run = not_run,
      .grad = tn_grad_none,
      .doc = "logical negation" },
    { .name = "BitwiseNot",
      .since = 18,
      .flags = POINT,
      .in = ints_t,
      .out = ints_t,
      .infer = tn_infer_same,
      .run = bitwise_not_run,
      .grad = tn_grad_none,
      .doc = "every bit flipped" },
    { 0 },
};
