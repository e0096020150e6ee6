/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* vec.h - kernels over flat f32 arrays: pointwise functions, comparisons, selection.
 *
 * Any alignment, any n (also 0). y may be exactly x (or a, b, c); other overlaps are not allowed. A scalar operand is a
 * pointer to one float. NaN in gives NaN out unless said. The plain C fill calls libm; the fast fills differ from it by
 * the bounds stated in x86/math_simd.h, and by nothing where the operation is exact. */
#ifndef TN_KERNEL_VEC_H
#define TN_KERNEL_VEC_H

#include <stddef.h>
#include <stdint.h>

/* id, name, y = f(x; a, b) */
#define TN_UNARIES(X)                                                                           \
    X(IDENTITY, "identity")     /* x */                                                         \
    X(ABS, "abs")               /* |x| */                                                       \
    X(NEG, "neg")               /* -x */                                                        \
    X(SIGN, "sign")             /* -1, 0, 1 */                                                  \
    X(FLOOR, "floor")           /* down */                                                      \
    X(CEIL, "ceil")             /* up */                                                        \
    X(ROUND, "round")           /* to nearest, half to even */                                  \
    X(TRUNC, "trunc")           /* towards 0 */                                                 \
    X(SQRT, "sqrt")             /* NaN below 0 */                                               \
    X(RSQRT, "rsqrt")           /* 1 / sqrt(x) */                                               \
    X(RECIPROCAL, "reciprocal") /* 1 / x */                                                     \
    X(SQUARE, "square")         /* x * x */                                                     \
    X(EXP, "exp")                                                                               \
    X(EXPM1, "expm1") /* exp(x) - 1 */                                                          \
    X(LOG, "log")                                                                               \
    X(SIN, "sin")                                                                               \
    X(COS, "cos")                                                                               \
    X(TAN, "tan")                                                                               \
    X(ASIN, "asin")                                                                             \
    X(ACOS, "acos")                                                                             \
    X(ATAN, "atan")                                                                             \
    X(SINH, "sinh")                                                                             \
    X(COSH, "cosh")                                                                             \
    X(TANH, "tanh")                                                                             \
    X(ASINH, "asinh")                                                                           \
    X(ACOSH, "acosh")                                                                           \
    X(ATANH, "atanh")                                                                           \
    X(ERF, "erf")                                                                               \
    X(SIGMOID, "sigmoid")                   /* 1 / (1 + exp(-x)) */                             \
    X(RELU, "relu")                         /* max(x, 0) */                                     \
    X(LEAKY_RELU, "leaky_relu")             /* x < 0 ? a x : x */                               \
    X(THRESHOLDED_RELU, "thresholded_relu") /* x > a ? x : 0 */                                 \
    X(ELU, "elu")                           /* x < 0 ? a (exp(x) - 1) : x */                    \
    X(SELU, "selu")                         /* b (x < 0 ? a (exp(x) - 1) : x) */                \
    X(CELU, "celu")                         /* x < 0 ? a (exp(x / a) - 1) : x */                \
    X(CLIP, "clip")                         /* min(max(x, a), b): b when a > b */               \
    X(HARDSIGMOID, "hardsigmoid")           /* min(max(a x + b, 0), 1) */                       \
    X(HARDSWISH, "hardswish")               /* x min(max(x / 6 + 1/2, 0), 1) */                 \
    X(SOFTPLUS, "softplus")                 /* log(1 + exp(x)) */                               \
    X(SOFTSIGN, "softsign")                 /* x / (1 + |x|) */                                 \
    X(MISH, "mish")                         /* x tanh(softplus(x)) */                           \
    X(SILU, "silu")                         /* x sigmoid(x) */                                  \
    X(SWISH, "swish")                       /* x sigmoid(a x) */                                \
    X(GELU, "gelu")                         /* x/2 (1 + erf(x / sqrt 2)) */                     \
    X(GELU_TANH, "gelu_tanh")               /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */ \
    X(SHRINK, "shrink")                     /* x < -a ? x + b : x > a ? x - b : 0 */            \
    X(AFFINE, "affine")                     /* a x + b */

/* id, name, y = f(a, b) */
#define TN_BINARIES(X)                                    \
    X(ADD, "add")                                         \
    X(SUB, "sub")                                         \
    X(MUL, "mul")                                         \
    X(DIV, "div")                                         \
    X(MIN, "min") /* NaN if either is */                  \
    X(MAX, "max") /* NaN if either is */                  \
    X(POW, "pow")                                         \
    X(FMOD, "fmod")     /* the sign of a, as in C */      \
    X(MOD, "mod")       /* the sign of b, as in Python */ \
    X(PRELU, "prelu")   /* a < 0 ? a b : a */             \
    X(SQDIFF, "sqdiff") /* (a - b)^2 */

#define TN_COMPARES(X)  \
    X(EQ, "equal")      \
    X(NE, "not_equal")  \
    X(LT, "less")       \
    X(LE, "less_equal") \
    X(GT, "greater")    \
    X(GE, "greater_equal")

typedef enum {
#define X(id, name) TN_U_##id,
    TN_UNARIES(X)
#undef X
        TN_UNARY_COUNT
} tn_unary;

typedef enum {
#define X(id, name) TN_B_##id,
    TN_BINARIES(X)
#undef X
        TN_BINARY_COUNT
} tn_binary;

typedef enum {
#define X(id, name) TN_C_##id,
    TN_COMPARES(X)
#undef X
        TN_COMPARE_COUNT
} tn_compare;

extern const char *const tn_unary_names[TN_UNARY_COUNT], *const tn_binary_names[TN_BINARY_COUNT],
                                                             *const tn_compare_names[TN_COMPARE_COUNT];

/* Which operands are arrays (V) and which one float (S). */
typedef enum { TN_VV, TN_VS, TN_SV, TN_FORMS } tn_form;

typedef void (*tn_unary_fn)(const float *x, float *y, size_t n, float a, float b);
typedef void (*tn_binary_fn)(const float *a, const float *b, float *y, size_t n);
typedef void (*tn_compare_fn)(const float *a, const float *b, uint8_t *y, size_t n);               /* 0 or 1 */
typedef void (*tn_where_fn)(const uint8_t *c, const float *a, const float *b, float *y, size_t n); /* c ? a : b */
typedef void (*tn_muladd_fn)(const float *a, const float *b, const float *c, float *y, size_t n);  /* a b + c */

typedef struct tn_vec_kernels {
    tn_unary_fn unary[TN_UNARY_COUNT];
    tn_binary_fn binary[TN_BINARY_COUNT][TN_FORMS];
    tn_compare_fn compare[TN_COMPARE_COUNT][TN_FORMS];
    tn_where_fn where[TN_FORMS]; /* the form of a and b; c is always an array */
    tn_muladd_fn muladd;         /* three arrays; one or two roundings */
    tn_muladd_fn scaleadd;       /* b is one float: a b[0] + c */
    void (*fill)(float v, float *y, size_t n);
    void (*from_bool)(const uint8_t *x, float *y, size_t n); /* 0 or 1; x not 0 counts as 1 */
    void (*to_bool)(const float *x, uint8_t *y, size_t n);   /* x != 0; NaN gives 1 */
} tn_vec_kernels;

extern const tn_vec_kernels tn_vec_table_ref; /* plain C, every field; other sets: kernel/kernel.h */

/** The definitions, one element at a time. */
float tn_unary_scalar(tn_unary op, float x, float a, float b);
float tn_binary_scalar(tn_binary op, float a, float b);

#endif
