/* vec.c - the pointwise kernels in plain C: the definition of correct. */
#include "kernel/vec.h"
#include <math.h>

#define X(id, name) name,
const char *const tn_unary_names[] = { TN_UNARIES(X) };
const char *const tn_binary_names[] = { TN_BINARIES(X) };
const char *const tn_compare_names[] = { TN_COMPARES(X) };
#undef X

/* Comparisons are written so that NaN falls through. */
static float clip(float x, float lo, float hi) {
    x = x < lo ? lo : x;
    return x > hi ? hi : x;
}

static float identity(float x, float a, float b) { return x; }
static float abs_(float x, float a, float b) { return fabsf(x); }
static float neg(float x, float a, float b) { return -x; }
static float sign(float x, float a, float b) { return x > 0 ? 1.0f : x < 0 ? -1.0f : x; }
static float floor_(float x, float a, float b) { return floorf(x); }
static float ceil_(float x, float a, float b) { return ceilf(x); }
static float round_(float x, float a, float b) { return rintf(x); }
static float trunc_(float x, float a, float b) { return truncf(x); }
static float sqrt_(float x, float a, float b) { return sqrtf(x); }
static float rsqrt(float x, float a, float b) { return 1.0f / sqrtf(x); }
static float reciprocal(float x, float a, float b) { return 1.0f / x; }
static float square(float x, float a, float b) { return x * x; }
static float exp_(float x, float a, float b) { return expf(x); }
static float expm1_(float x, float a, float b) { return expm1f(x); }
static float log_(float x, float a, float b) { return logf(x); }
static float sin_(float x, float a, float b) { return sinf(x); }
static float cos_(float x, float a, float b) { return cosf(x); }
static float tan_(float x, float a, float b) { return tanf(x); }
static float asin_(float x, float a, float b) { return asinf(x); }
static float acos_(float x, float a, float b) { return acosf(x); }
static float atan_(float x, float a, float b) { return atanf(x); }
static float sinh_(float x, float a, float b) { return sinhf(x); }
static float cosh_(float x, float a, float b) { return coshf(x); }
static float tanh_(float x, float a, float b) { return tanhf(x); }
static float asinh_(float x, float a, float b) { return asinhf(x); }
static float acosh_(float x, float a, float b) { return acoshf(x); }
static float atanh_(float x, float a, float b) { return atanhf(x); }
static float erf_(float x, float a, float b) { return erff(x); }
static float sigmoid(float x, float a, float b) {
    float e = expf(-fabsf(x));
    return (x < 0 ? e : 1.0f) / (1.0f + e);
}
static float relu(float x, float a, float b) { return x < 0 ? 0.0f : x; }
static float leaky_relu(float x, float a, float b) { return x < 0 ? a * x : x; }
static float thresholded_relu(float x, float a, float b) { return x <= a ? 0.0f : x; }
static float elu(float x, float a, float b) { return x < 0 ? a * expm1f(x) : x; }
static float selu(float x, float a, float b) { return b * (x < 0 ? a * expm1f(x) : x); }
static float celu(float x, float a, float b) { return x < 0 ? a * expm1f(x / a) : x; }
static float clip_(float x, float a, float b) { return clip(x, a, b); }
static float hardsigmoid(float x, float a, float b) { return clip(a * x + b, 0.0f, 1.0f); }
static float hardswish(float x, float a, float b) {
    return x < -3.0f ? -0.0f : x * clip(x * (1.0f / 6) + 0.5f, 0.0f, 1.0f); /* -inf gives 0 */
}
static float softplus(float x, float a, float b) { return (x < 0 ? 0.0f : x) + log1pf(expf(-fabsf(x))); }
static float softsign(float x, float a, float b) { return isinf(x) ? copysignf(1.0f, x) : x / (1.0f + fabsf(x)); }
static float mish(float x, float a, float b) { return x < -1e4f ? -0.0f : x * tanhf(softplus(x, a, b)); }
static float silu(float x, float a, float b) { return x < -1e4f ? -0.0f : x * sigmoid(x, a, b); }
static float swish(float x, float a, float b) { return a * x < -1e4f ? 0.0f : x * sigmoid(a * x, a, b); }
static float gelu(float x, float a, float b) { return x < -1e4f ? -0.0f : 0.5f * x * (1.0f + erff(x * 0.707106781f)); }
static float gelu_tanh(float x, float a, float b) {
    return x < -1e4f ? -0.0f : 0.5f * x * (1.0f + tanhf(0.797884561f * x * (1.0f + 0.044715f * x * x)));
}
static float shrink(float x, float a, float b) { return x < -a ? x + b : x > a ? x - b : x != x ? x : 0.0f; }
static float affine(float x, float a, float b) { return a * x + b; }

static float add(float a, float b) { return a + b; }
static float sub(float a, float b) { return a - b; }
static float mul(float a, float b) { return a * b; }
static float div_(float a, float b) { return a / b; }
static float min_(float a, float b) { return a < b || a != a ? a : b; }
static float max_(float a, float b) { return a > b || a != a ? a : b; }
static float pow_(float a, float b) { return powf(a, b); }
static float fmod_(float a, float b) { return fmodf(a, b); }
static float mod(float a, float b) {
    float r = fmodf(a, b);
    return r == 0 ? copysignf(0.0f, b) : (r < 0) != (b < 0) ? r + b : r;
}
static float prelu(float a, float b) { return a < 0 ? a * b : a; }
static float sqdiff(float a, float b) { return (a - b) * (a - b); }

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
    X(clip_)            \
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

#define X(f)                                                                  \
    static void f##_v(const float *x, float *y, size_t n, float a, float b) { \
        for (size_t i = 0; i < n; i++) y[i] = f(x[i], a, b);                  \
    }
UNARY_FNS(X)
#undef X

#define LOOP3(name, T, at_a, at_b, expr)                                 \
    static void name(const float *pa, const float *pb, T *y, size_t n) { \
        for (size_t i = 0; i < n; i++) {                                 \
            float a = pa[at_a], b = pb[at_b];                            \
            y[i] = expr;                                                 \
        }                                                                \
    }
#define FORMS(name, T, expr) \
    LOOP3(name##_vv, T, i, i, expr) LOOP3(name##_vs, T, i, 0, expr) LOOP3(name##_sv, T, 0, i, expr)

#define X(f) FORMS(f, float, f(a, b))
BINARY_FNS(X)
#undef X

FORMS(eq, uint8_t, a == b)
FORMS(ne, uint8_t, a != b)
FORMS(lt, uint8_t, a < b)
FORMS(le, uint8_t, a <= b)
FORMS(gt, uint8_t, a > b)
FORMS(ge, uint8_t, a >= b)

static void where_vv(const uint8_t *c, const float *a, const float *b, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = c[i] ? a[i] : b[i];
}
static void where_vs(const uint8_t *c, const float *a, const float *b, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = c[i] ? a[i] : b[0];
}
static void where_sv(const uint8_t *c, const float *a, const float *b, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = c[i] ? a[0] : b[i];
}
static void muladd(const float *a, const float *b, const float *c, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = a[i] * b[i] + c[i];
}
static void scaleadd(const float *a, const float *b, const float *c, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = a[i] * b[0] + c[i];
}
static void fill(float v, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = v;
}
static void from_bool(const uint8_t *x, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = x[i] != 0;
}
static void to_bool(const float *x, uint8_t *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = x[i] != 0;
}

float tn_unary_scalar(tn_unary op, float x, float a, float b) {
#define X(f) f,
    static float (*const f[])(float, float, float) = { UNARY_FNS(X) };
#undef X
    return f[op](x, a, b);
}

float tn_binary_scalar(tn_binary op, float a, float b) {
#define X(f) f,
    static float (*const f[])(float, float) = { BINARY_FNS(X) };
#undef X
    return f[op](a, b);
}

void tn_vec_fill_ref(tn_vec_kernels *k) {
#define X(f) f##_v,
    static const tn_unary_fn u[] = { UNARY_FNS(X) };
#undef X
#define X(f) { f##_vv, f##_vs, f##_sv },
    static const tn_binary_fn b[][TN_FORMS] = { BINARY_FNS(X) };
    static const tn_compare_fn c[][TN_FORMS] = { X(eq) X(ne) X(lt) X(le) X(gt) X(ge) };
#undef X
    _Static_assert(sizeof u / sizeof *u == TN_UNARY_COUNT, "one function per unary operation");
    _Static_assert(sizeof b / sizeof *b == TN_BINARY_COUNT, "one row per binary operation");
    _Static_assert(sizeof c / sizeof *c == TN_COMPARE_COUNT, "one row per comparison");
    for (int i = 0; i < TN_UNARY_COUNT; i++) k->unary[i] = u[i];
    for (int f = 0; f < TN_FORMS; f++) {
        for (int i = 0; i < TN_BINARY_COUNT; i++) k->binary[i][f] = b[i][f];
        for (int i = 0; i < TN_COMPARE_COUNT; i++) k->compare[i][f] = c[i][f];
    }
    k->where[TN_VV] = where_vv;
    k->where[TN_VS] = where_vs;
    k->where[TN_SV] = where_sv;
    k->muladd = muladd;
    k->scaleadd = scaleadd;
    k->fill = fill;
    k->from_bool = from_bool;
    k->to_bool = to_bool;
}
