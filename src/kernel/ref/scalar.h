/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* scalar.h - the definitions of the pointwise functions for one floating type. Include it once per type with
 *   REAL       the type (float, double)
 *   FN(name)   the name of its functions
 * Order and names are those of the lists in kernel/vec.h; <tgmath.h> picks the libm function of the type. Comparisons
 * are written so that NaN falls through. */
#include <tgmath.h>

#define U(name, expr) \
    static inline REAL FN(name)(REAL x, REAL a, REAL b) { return expr; }
#define B(name, expr) \
    static inline REAL FN(name)(REAL a, REAL b) { return expr; }
#define C(v)      ((REAL)(v))
#define FAR_BELOW C(-1e4) /* where x * e^x is 0 for long: -0, and NaN at -inf, as inf * 0 is */

U(clip, (x < a ? a : x) > b ? b : (x < a ? a : x))
U(identity, x)
U(abs_, fabs(x))
U(neg, -x)
U(sign, x > 0 ? C(1) : x < 0 ? C(-1) : x)
U(floor_, floor(x))
U(ceil_, ceil(x))
U(round_, rint(x))
U(trunc_, trunc(x))
U(sqrt_, sqrt(x))
U(rsqrt, C(1) / sqrt(x))
U(reciprocal, C(1) / x)
U(square, x *x)
U(exp_, exp(x))
U(expm1_, expm1(x))
U(log_, log(x))
U(sin_, sin(x))
U(cos_, cos(x))
U(tan_, tan(x))
U(asin_, asin(x))
U(acos_, acos(x))
U(atan_, atan(x))
U(sinh_, sinh(x))
U(cosh_, cosh(x))
U(tanh_, tanh(x))
U(asinh_, asinh(x))
U(acosh_, acosh(x))
U(atanh_, atanh(x))
U(erf_, erf(x))
U(sigmoid, (x < 0 ? exp(-fabs(x)) : C(1)) / (C(1) + exp(-fabs(x))))
U(relu, x < 0 ? C(0) : x)
U(leaky_relu, x < 0 ? a * x : x)
U(thresholded_relu, x <= a ? C(0) : x)
U(elu, x < 0 ? a * expm1(x) : x)
U(selu, b *(x < 0 ? a * expm1(x) : x))
U(celu, x < 0 ? a * expm1(x / a) : x)
U(hardsigmoid, FN(clip)(a *x + b, 0, 1))
U(hardswish, x < -3 ? x * C(0) : x >= 3 ? x : x * (x + 3) / 6)
U(softplus, (x < 0 ? C(0) : x) + log1p(exp(-fabs(x))))
U(softsign, isinf(x) ? copysign(C(1), x) : x / (C(1) + fabs(x)))
U(mish, x < FAR_BELOW ? x * C(0) : x * tanh(FN(softplus)(x, a, b)))
U(silu, x < FAR_BELOW ? x * C(0) : x * FN(sigmoid)(x, a, b))
U(swish, a *x < FAR_BELOW ? x * C(0) : x * FN(sigmoid)(a * x, a, b))
U(gelu, x < FAR_BELOW ? x * C(0) : C(0.5) * x * (C(1) + erf(x * C(0.70710678118654752))))
U(gelu_tanh,
  x < FAR_BELOW ? x * C(0) : C(0.5) * x * (C(1) + tanh(C(0.79788456080286536) * x * (C(1) + C(0.044715) * x * x))))
U(shrink, x<-a ? x + b : x> a ? x - b : x != x ? x : C(0))
U(affine, a *x + b)

B(add, a + b)
B(sub, a - b)
B(mul, a *b)
B(div_, a / b)
B(min_, a < b || a != a ? a : b)
B(max_, a > b || a != a ? a : b)
B(pow_, pow(a, b))
B(fmod_, fmod(a, b))
static inline REAL FN(mod)(REAL a, REAL b) {
    REAL r = fmod(a, b);
    return r == 0 ? copysign(C(0), b) : (r < 0) != (b < 0) ? r + b : r;
}
B(prelu, a < 0 ? a * b : a)
B(sqdiff, (a - b) * (a - b))

#undef U
#undef B
#undef C
#undef FAR_BELOW

/* In the order of the lists in vec.h. */
#define UNARY_FNS(X)    \
    X(identity)         \
    X(abs_)             \
    X(neg)              \
    X(sign)             \
    X(floor_)           \
    X(ceil_)            \
    X(round_)           \
    X(trunc_)           \
    X(sqrt_)            \
    X(rsqrt)            \
    X(reciprocal)       \
    X(square)           \
    X(exp_)             \
    X(expm1_)           \
    X(log_)             \
    X(sin_)             \
    X(cos_)             \
    X(tan_)             \
    X(asin_)            \
    X(acos_)            \
    X(atan_)            \
    X(sinh_)            \
    X(cosh_)            \
    X(tanh_)            \
    X(asinh_)           \
    X(acosh_)           \
    X(atanh_)           \
    X(erf_)             \
    X(sigmoid)          \
    X(relu)             \
    X(leaky_relu)       \
    X(thresholded_relu) \
    X(elu)              \
    X(selu)             \
    X(celu)             \
    X(clip)             \
    X(hardsigmoid)      \
    X(hardswish)        \
    X(softplus)         \
    X(softsign)         \
    X(mish)             \
    X(silu)             \
    X(swish)            \
    X(gelu)             \
    X(gelu_tanh)        \
    X(shrink)           \
    X(affine)
#define BINARY_FNS(X) \
    X(add)            \
    X(sub)            \
    X(mul)            \
    X(div_)           \
    X(min_)           \
    X(max_)           \
    X(pow_)           \
    X(fmod_)          \
    X(mod)            \
    X(prelu)          \
    X(sqdiff)
