/* unary.c - pointwise operators of one tensor: y[i] = f(x[i]; a, b). One table says which function and where its
 * parameters come from. float32 runs on the vector kernels, 16-bit floats through float32 tiles, float64 and integers
 * in plain C at their own precision. */
#include "kernel/kernel.h"
#include "op/ports.h"
#include "op/support.h"
#include <math.h>
#include <string.h>

typedef struct {
    tn_unary fn;
    const char *a_name, *b_name; /* attributes, NULL: the constant */
    float a, b;                  /* defaults */
} unary_def;

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
    X("Celu", CELU, 12, TN_FLOATS, "alpha", NULL, 1, 0, "x < 0 ? alpha (e^(x/alpha) - 1) : x")                  \
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

static const unary_def defs[] = {
#define X(name, id, since, types, an, bn, av, bv, doc) [OP_##id] = { TN_U_##id, an, bn, av, bv },
    UNARY_OPS(X)
#undef X
        [OP_GELU] = { TN_U_GELU },
    [OP_GELU_TANH] = { TN_U_GELU_TANH },
};

/* f at double precision: the definition for float64. The float32 one is tn_unary_scalar. */
static double unary_f64(tn_unary fn, double x, double a, double b) {
    switch (fn) {
    case TN_U_IDENTITY: return x;
    case TN_U_ABS: return fabs(x);
    case TN_U_NEG: return -x;
    case TN_U_SIGN: return x > 0 ? 1 : x < 0 ? -1 : x;
    case TN_U_FLOOR: return floor(x);
    case TN_U_CEIL: return ceil(x);
    case TN_U_ROUND: return nearbyint(x);
    case TN_U_TRUNC: return trunc(x);
    case TN_U_SQRT: return sqrt(x);
    case TN_U_RSQRT: return 1 / sqrt(x);
    case TN_U_RECIPROCAL: return 1 / x;
    case TN_U_SQUARE: return x * x;
    case TN_U_EXP: return exp(x);
    case TN_U_EXPM1: return expm1(x);
    case TN_U_LOG: return log(x);
    case TN_U_SIN: return sin(x);
    case TN_U_COS: return cos(x);
    case TN_U_TAN: return tan(x);
    case TN_U_ASIN: return asin(x);
    case TN_U_ACOS: return acos(x);
    case TN_U_ATAN: return atan(x);
    case TN_U_SINH: return sinh(x);
    case TN_U_COSH: return cosh(x);
    case TN_U_TANH: return tanh(x);
    case TN_U_ASINH: return asinh(x);
    case TN_U_ACOSH: return acosh(x);
    case TN_U_ATANH: return atanh(x);
    case TN_U_ERF: return erf(x);
    case TN_U_SIGMOID: return 1 / (1 + exp(-x));
    case TN_U_RELU: return x < 0 ? 0 : x;
    case TN_U_LEAKY_RELU: return x < 0 ? a * x : x;
    case TN_U_THRESHOLDED_RELU: return x > a ? x : x != x ? x : 0;
    case TN_U_ELU: return x < 0 ? a * expm1(x) : x;
    case TN_U_SELU: return b * (x < 0 ? a * expm1(x) : x);
    case TN_U_CELU: return x < 0 ? a * expm1(x / a) : x;
    case TN_U_CLIP: return x < a ? a : x > b ? b : x;
    case TN_U_HARDSIGMOID: return fmin(fmax(a * x + b, 0), 1) + (x != x ? x : 0);
    case TN_U_HARDSWISH: return x * fmin(fmax(x / 6 + 0.5, 0), 1);
    case TN_U_SOFTPLUS: return fmax(x, 0) + log1p(exp(-fabs(x)));
    case TN_U_SOFTSIGN: return x / (1 + fabs(x));
    case TN_U_MISH: return x * tanh(fmax(x, 0) + log1p(exp(-fabs(x))));
    case TN_U_SILU: return x / (1 + exp(-x));
    case TN_U_SWISH: return x / (1 + exp(-a * x));
    case TN_U_GELU: return 0.5 * x * (1 + erf(x * 0.70710678118654752440));
    case TN_U_GELU_TANH: return 0.5 * x * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
    case TN_U_SHRINK: return x < -a ? x + b : x > a ? x - b : x != x ? x : 0;
    case TN_U_AFFINE: return a * x + b;
    case TN_UNARY_COUNT: break;
    }
    return NAN;
}

/* ----------------------------------------------------------------------------------------------- running any type */

typedef struct {
    tn_dtype t;
    const void *x;
    void *y;
    tn_unary fn;
    float a, b;
} unary_job;

enum { TILE = 512 };

static void run_f32(const unary_job *j, int64_t begin, int64_t end) {
    tn_kernels_get()->vec.unary[j->fn]((const float *)j->x + begin, (float *)j->y + begin, (size_t)(end - begin), j->a,
                                       j->b);
}

/* 16-bit floats: converted, computed and rounded tile by tile. */
static void run_half(const unary_job *j, int64_t begin, int64_t end) {
    float tile[TILE];
    for (int64_t i = begin; i < end; i += TILE) {
        int64_t n = end - i < TILE ? end - i : TILE;
        tn_convert(j->t, (const uint16_t *)j->x + i, TN_F32, tile, n, true, TN_ROUND_NEAREST);
        tn_kernels_get()->vec.unary[j->fn](tile, tile, (size_t)n, j->a, j->b);
        tn_convert(TN_F32, tile, j->t, (uint16_t *)j->y + i, n, true, TN_ROUND_NEAREST);
    }
}

static void run_f64(const unary_job *j, int64_t begin, int64_t end) {
    const double *x = j->x;
    double *y = j->y;
    for (int64_t i = begin; i < end; i++) y[i] = unary_f64(j->fn, x[i], (double)j->a, (double)j->b);
}

/* Integers: exact for the functions that keep integers integer; the rest through double. */
static void run_int(const unary_job *j, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
        int64_t x = tn_get_i64(j->t, j->x, i);
        bool negative = tn_dtype_is_signed(j->t) && x < 0;
        switch (j->fn) {
        case TN_U_ABS: x = negative ? (int64_t)(0 - (uint64_t)x) : x; break;
        case TN_U_NEG: x = (int64_t)(0 - (uint64_t)x); break;
        case TN_U_SIGN: x = negative ? -1 : x != 0; break;
        case TN_U_RELU: x = negative ? 0 : x; break;
        default:
            tn_set_f64(j->t, j->y, i, unary_f64(j->fn, tn_get_f64(j->t, j->x, i), (double)j->a, (double)j->b));
            continue;
        }
        tn_set_i64(j->t, j->y, i, x);
    }
}

static void unary_part(void *arg, int64_t begin, int64_t end, int thread) {
    const unary_job *j = arg;
    (void)thread;
    if (j->t == TN_F32)
        run_f32(j, begin, end);
    else if (j->t == TN_F64)
        run_f64(j, begin, end);
    else if (j->t == TN_F16 || j->t == TN_BF16)
        run_half(j, begin, end);
    else
        run_int(j, begin, end);
}

static bool cheap(tn_unary fn) {
    return fn == TN_U_RELU || fn == TN_U_ABS || fn == TN_U_NEG || fn == TN_U_CLIP || fn == TN_U_HARDSWISH ||
           fn == TN_U_HARDSIGMOID || fn == TN_U_LEAKY_RELU || fn == TN_U_SQUARE || fn == TN_U_AFFINE;
}

static tn_status unary_apply(tn_run *r, tn_unary fn, float a, float b) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    unary_job j = { x->dtype, x->data, y->data, fn, a, b };
    tn_parallel(r->pool, tn_count(x), cheap(fn) ? 65536 : 8192, unary_part, &j);
    return TN_OK;
}

static tn_status unary_run(tn_run *r) {
    const unary_def *d = &defs[r->node->op->arg];
    float a = d->a_name ? tn_attr_float(r->node, d->a_name, d->a) : d->a;
    float b = d->b_name ? tn_attr_float(r->node, d->b_name, d->b) : d->b;
    return unary_apply(r, d->fn, a, b);
}

static tn_status gelu_run(tn_run *r) {
    return unary_apply(r, tn_attr_is(r->node, "approximate", "tanh", "none") ? TN_U_GELU_TANH : TN_U_GELU, 0, 0);
}

/* Clip's bounds are tensors: integer types compare exactly. */
static tn_status clip_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *lo = tn_in(r, 1), *hi = tn_in(r, 2);
    tn_tensor *y = tn_out(r, 0);
    for (int i = 1; i <= 2; i++)
        if (tn_in(r, i) && tn_count(tn_in(r, i)) != 1)
            return tn_op_fail(r->node, TN_E_SHAPE, "%s must hold one element, not %lld", i == 1 ? "min" : "max",
                              (long long)tn_count(tn_in(r, i)));
    if (x->dtype == TN_F64) { /* bounds keep their precision */
        double a = lo ? *(double *)lo->data : -INFINITY, b = hi ? *(double *)hi->data : INFINITY;
        const double *px = x->data;
        double *py = y->data;
        for (int64_t i = 0; i < tn_count(x); i++) py[i] = px[i] < a ? (a > b ? b : a) : px[i] > b ? b : px[i];
        return TN_OK;
    }
    if (tn_dtype_is_float(x->dtype))
        return unary_apply(r, TN_U_CLIP, lo ? (float)tn_get_f64(lo->dtype, lo->data, 0) : -INFINITY,
                           hi ? (float)tn_get_f64(hi->dtype, hi->data, 0) : INFINITY);
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

/* -------------------------------------------------------------------------------------- tests and logic: bool results
 */

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

static tn_status isinf_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    uint8_t *y = tn_out(r, 0)->data;
    bool pos = tn_attr_int(r->node, "detect_positive", 1) != 0, neg = tn_attr_int(r->node, "detect_negative", 1) != 0;
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

#define X(name, id, since, types, an, bn, av, bv, doc)                  \
    static const tn_port ports_##id[] = { { "X", types, 'T' }, { 0 } }; \
    static const tn_attr_spec attrs_##id[] = { { an, TN_ATTR_FLOAT }, { (an) ? bn : NULL, TN_ATTR_FLOAT }, { 0 } };
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
static const tn_attr_spec gelu_attrs[] = { { "approximate", TN_ATTR_STRING, .words = "none|tanh" }, { 0 } };
static const tn_attr_spec isinf_attrs[] = { { "detect_negative", TN_ATTR_INT },
                                            { "detect_positive", TN_ATTR_INT },
                                            { 0 } };

#define POINT (TN_OP_POINTWISE | TN_OP_INPLACE)
const tn_op tn_ops_unary[] = {
#define X(name_, id, since_, types, an, bn, av, bv, doc_) \
    { .name = name_,                                      \
      .since = since_,                                    \
      .flags = POINT,                                     \
      .in = ports_##id,                                   \
      .out = ports_##id,                                  \
      .attrs = attrs_##id,                                \
      .infer = tn_infer_same,                             \
      .run = unary_run,                                   \
      .arg = OP_##id,                                     \
      .doc = doc_ },
    UNARY_OPS(X)
#undef X
        { .name = "Gelu",
          .since = 20,
          .flags = POINT,
          .in = tn_ports_float_t,
          .out = tn_ports_float_t,
          .attrs = gelu_attrs,
          .infer = tn_infer_same,
          .run = gelu_run,
          .doc = "x/2 (1 + erf(x / sqrt 2)), or its tanh approximation" },
    { .name = "Clip",
      .since = 13,
      .flags = POINT,
      .in = clip_in,
      .out = tn_ports_real_t,
      .infer = tn_infer_same,
      .run = clip_run,
      .doc = "x limited to min..max" },
    { .name = "IsNaN",
      .since = 20,
      .flags = TN_OP_POINTWISE,
      .in = nan_in,
      .out = tn_ports_bool,
      .infer = bool_infer,
      .run = isnan_run,
      .doc = "whether x is NaN" },
    { .name = "IsInf",
      .since = 20,
      .flags = TN_OP_POINTWISE,
      .in = nan_in,
      .out = tn_ports_bool,
      .attrs = isinf_attrs,
      .infer = bool_infer,
      .run = isinf_run,
      .doc = "whether x is infinite, of either or one sign" },
    { .name = "Not",
      .since = 1,
      .flags = POINT,
      .in = bool_in,
      .out = tn_ports_bool,
      .infer = bool_infer,
      .run = not_run,
      .doc = "logical negation" },
    { .name = "BitwiseNot",
      .since = 18,
      .flags = POINT,
      .in = ints_t,
      .out = ints_t,
      .infer = tn_infer_same,
      .run = bitwise_not_run,
      .doc = "every bit flipped" },
    { 0 },
};
