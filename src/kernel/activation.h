/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* activation.h - the activations a kernel can apply to a result while it is still in registers.
 *
 * Shared by gemm and conv. The scalar function below is the definition; kernel/x86/activation_*.h hold the vector
 * forms. NaN stays NaN under every activation. */
#ifndef TN_KERNEL_ACTIVATION_H
#define TN_KERNEL_ACTIVATION_H

/* id, name, y = f(x), what a and b mean there */
#define TN_ACTS(X)                                                                        \
    X(NONE, "none")               /* x */                                                 \
    X(RELU, "relu")               /* max(x, 0) */                                         \
    X(LEAKY_RELU, "leaky_relu")   /* x < 0 ? a * x : x */                                 \
    X(CLIP, "clip")               /* min(max(x, a), b): when a > b the result is b */     \
    X(HARDSWISH, "hardswish")     /* x * min(max(x / 6 + 1/2, 0), 1) */                   \
    X(HARDSIGMOID, "hardsigmoid") /* min(max(a * x + b, 0), 1) */                         \
    X(SIGMOID, "sigmoid")         /* 1 / (1 + exp(-x)) */                                 \
    X(TANH, "tanh")               /* tanh(x) */                                           \
    X(GELU_ERF, "gelu_erf")       /* x/2 * (1 + erf(x / sqrt 2)) */                       \
    X(GELU_TANH, "gelu_tanh")     /* x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))) */ \
    X(SILU, "silu")               /* x / (1 + exp(-x)) */

typedef enum {
#define X(id, name) TN_ACT_##id,
    TN_ACTS(X)
#undef X
        TN_ACT_COUNT
} tn_act;

/** An activation and its parameters; all zero is "none". */
typedef struct tn_activation {
    tn_act kind;
    float a, b; /* see TN_ACTS; unused ones are ignored */
} tn_activation;

/** f(x) in plain C. */
float tn_act_scalar(tn_activation act, float x);

/** f over n floats in plain C; y may be x. */
void tn_act_array(tn_activation act, const float *x, float *y, long n);

const char *tn_act_name(tn_act kind); /* "gelu_erf"; "none" for anything that is no activation. Never NULL. */

#endif
