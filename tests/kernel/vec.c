/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* vec.c - the pointwise kernels: every variant against plain C on random arrays, special values, and the elementary
 * functions against double libm over a sweep of all floats with the bounds stated in kernel/x86/math_simd.h. */
#include "lib/kernel_check.h"
#include "tensor/dtype.h"
#include <math.h>
#include <string.h>

/* Specials turn up among random values of several magnitudes. */
static float *values(check_ctx *c, size_t n) {
    static const float special[] = { 0.0f,  -0.0f,  INFINITY, -INFINITY, NAN,   1.0f,   -1.0f,   0.5f, 2.5f,
                                     -3.5f, 1e-40f, 1e30f,    -1e30f,    88.0f, -88.0f, -104.0f, 3.0f, -3.0f };
    float *x = check_floats(c, n);
    for (size_t i = 0; i < n; i++) {
        float m = (const float[]){ 1.0f, 4.0f, 30.0f, 1000.0f }[check_int(c, 0, 3)];
        x[i] *= m;
        if (check_chance(c, 10)) x[i] = special[check_int(c, 0, (int64_t)TN_COUNT(special) - 1)];
    }
    return x;
}

/* How far a fast function may be from plain C: abs + rel * |want|. Exact ones are left out. */
static const struct {
    int op;
    double abs, rel;
} loose[] = {
    { TN_U_EXP, 0, 3e-7 },          { TN_U_EXPM1, 0, 4e-7 },        { TN_U_LOG, 0, 3e-7 },
    { TN_U_SIN, 1e-6, 1e-6 },       { TN_U_COS, 1e-6, 1e-6 },       { TN_U_TANH, 0, 6e-7 },
    { TN_U_ERF, 0, 6e-7 },          { TN_U_SIGMOID, 1e-44, 5e-7 },  { TN_U_ELU, 0, 5e-7 },
    { TN_U_SELU, 0, 5e-7 },         { TN_U_CELU, 0, 6e-7 },         { TN_U_HARDSIGMOID, 2e-7, 2e-7 },
    { TN_U_HARDSWISH, 4e-7, 4e-7 }, { TN_U_SOFTPLUS, 1e-44, 6e-7 }, { TN_U_MISH, 3e-6, 1e-6 },
    { TN_U_SILU, 1e-42, 6e-7 },     { TN_U_SWISH, 1e-42, 6e-7 },    { TN_U_GELU, 4e-6, 1e-6 },
    { TN_U_GELU_TANH, 4e-6, 1e-6 }, { TN_U_AFFINE, 4e-6, 2e-7 },    { TN_U_RSQRT, 0, 2e-7 },
};

static void unary(check_ctx *c) {
    size_t n = check_size(c, 300);
    for (int op = 0; op < TN_UNARY_COUNT; op++) {
        const float *x = values(c, n);
        float a = check_float(c, 0.1f, 2.0f), b = check_float(c, 0.1f, 3.0f), *want = check_out(c, n * 4);
        bool in_place = check_chance(c, 20);
        float *got = check_out(c, n * 4);
        if (in_place) memcpy(got, x, n * 4);
        c->ref->vec.unary[op](x, want, n, a, b);
        check_call(c, c->fast->vec.unary[op](in_place && check_timing(c, -1) <= 0 ? got : x, got, n, a, b));
        double abs = 0, rel = 0;
        for (size_t i = 0; i < TN_COUNT(loose); i++)
            if (loose[i].op == op) abs = loose[i].abs, rel = loose[i].rel;
        check_close(c, got, want, n, abs, rel);
    }
}

static void binary(check_ctx *c) {
    size_t n = check_size(c, 300);
    static const float exponents[] = { 2.0f, 3.0f, 0.5f, -1.0f, 1.0f, 1.7f };
    for (int op = 0; op < TN_BINARY_COUNT; op++)
        for (int form = 0; form < TN_FORMS; form++) {
            float *a = values(c, form == TN_SV || !n ? 1 : n), *b = values(c, form == TN_VS || !n ? 1 : n);
            if (op == TN_B_POW && form == TN_VS) b[0] = exponents[check_int(c, 0, 5)];
            float *want = check_out(c, n * 4), *got = check_out(c, n * 4);
            c->ref->vec.binary[op][form](a, b, want, n);
            check_call(c, c->fast->vec.binary[op][form](a, b, got, n));
            check_close(c, got, want, n, 0, op == TN_B_POW ? 4e-7 : op == TN_B_SQDIFF ? 2e-7 : 0);
        }
}

static void compare(check_ctx *c) {
    size_t n = check_size(c, 300);
    for (int op = 0; op < TN_COMPARE_COUNT; op++)
        for (int form = 0; form < TN_FORMS; form++) {
            float *a = values(c, form == TN_SV || !n ? 1 : n), *b = values(c, form == TN_VS || !n ? 1 : n);
            for (size_t i = 0; i < (form == TN_SV ? 1 : n); i += 3) a[i] = b[form == TN_VV ? i : 0];
            uint8_t *want = check_out(c, n), *got = check_out(c, n);
            c->ref->vec.compare[op][form](a, b, want, n);
            check_call(c, c->fast->vec.compare[op][form](a, b, got, n));
            check_same(c, got, want, n);
        }
}

static void where(check_ctx *c) {
    size_t n = check_size(c, 300);
    for (int form = 0; form < TN_FORMS; form++) {
        uint8_t *m = check_bytes(c, n);
        for (size_t i = 0; i < n; i++) m[i] &= check_chance(c, 50) ? 0xff : 0;
        const float *a = values(c, form == TN_SV || !n ? 1 : n), *b = values(c, form == TN_VS || !n ? 1 : n);
        float *want = check_out(c, n * 4), *got = check_out(c, n * 4);
        c->ref->vec.where[form](m, a, b, want, n);
        check_call(c, c->fast->vec.where[form](m, a, b, got, n));
        check_close(c, got, want, n, 0, 0);
    }
}

/* Ordinary values and specials: a product of large ones and a sum may round at any magnitude. */
static float *others_of(check_ctx *c, size_t n) {
    float *x = check_floats(c, n);
    for (size_t i = 0; i < n; i++)
        if (check_chance(c, 5)) x[i] = (const float[]){ NAN, INFINITY, -INFINITY, -0.0f }[check_int(c, 0, 3)];
    return x;
}

static void others(check_ctx *c) {
    size_t n = check_size(c, 300);
    const float *a = others_of(c, n), *b = others_of(c, n + 1), *d = others_of(c, n);
    float *want = check_out(c, n * 4), *got = check_out(c, n * 4);
    c->ref->vec.muladd(a, b, d, want, n);
    check_call(c, c->fast->vec.muladd(a, b, d, got, n));
    check_close(c, got, want, n, 1e-6, 1e-6);
    c->ref->vec.scaleadd(a, b, d, want, n);
    c->fast->vec.scaleadd(a, b, d, got, n);
    check_close(c, got, want, n, 1e-6, 1e-6);
    c->fast->vec.fill(3.5f, got, n);
    for (size_t i = 0; i < n; i++)
        if (got[i] != 3.5f) check_fail(c, "fill: element %zu is %g", i, got[i]);
    uint8_t *m = check_bytes(c, n), *flag = check_out(c, n), *flag_want = check_out(c, n);
    for (size_t i = 0; i < n; i++) m[i] &= check_chance(c, 50) ? 0xff : 0;
    c->ref->vec.from_bool(m, want, n);
    c->fast->vec.from_bool(m, got, n);
    check_close(c, got, want, n, 0, 0);
    float *x = values(c, n);
    c->ref->vec.to_bool(x, flag_want, n);
    c->fast->vec.to_bool(x, flag, n);
    check_same(c, flag, flag_want, n);
}

/* ------------------------------------------------------------------------------------------------------- the sweep */

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double softplus(double x) { return x > 40 ? x : log1p(exp(x)); }
static double silu(double x) { return x * sigmoid(x); }
static double mish(double x) { return x * tanh(softplus(x)); }
static double gelu(double x) { return 0.5 * x * erfc(-x * M_SQRT1_2); }

/* Largest error in units of the spacing of floats at the result (for `wide` rows at the larger of |x| and |y|). */
static const struct {
    const char *name;
    int op;
    double (*truth)(double);
    double ulp, limit; /* bound; arguments beyond limit are skipped (0: none) */
    bool wide;
} sweep[] = {
    { "exp", TN_U_EXP, exp, 1.1, 0, false },
    { "expm1", TN_U_EXPM1, expm1, 1.7, 0, false },
    { "log", TN_U_LOG, log, 0.9, 0, false },
    { "tanh", TN_U_TANH, tanh, 5.1, 0, false },
    { "erf", TN_U_ERF, erf, 5.1, 0, false },
    { "sigmoid", TN_U_SIGMOID, sigmoid, 2.4, 0, false },
    { "softplus", TN_U_SOFTPLUS, softplus, 2.2, 0, false },
    { "silu", TN_U_SILU, silu, 2.0, 0, true },
    { "mish", TN_U_MISH, mish, 2.0, 0, true },
    { "gelu", TN_U_GELU, gelu, 2.5, 0, true },
    { "sin", TN_U_SIN, sin, 1.7, 1e5, false },
    { "cos", TN_U_COS, cos, 1.7, 1e5, false },
    { "sqrt", TN_U_SQRT, sqrt, 0.51, 0, false },
};

static double error_in_ulp(double want, float got, double scale) {
    float w = (float)want;
    if (isnan(want)) return isnan(got) ? 0 : INFINITY;
    if (isinf(w)) return got == w || fabsf(got) > 3.4e38f ? 0 : INFINITY;
    if (w == 0 && want == 0 && signbit(w) != signbit(got) && scale == 0) return INFINITY; /* odd functions keep -0 */
    if (fabs(want) > scale) scale = fabs(want);
    double spacing = scale < 0x1p-126 ? 0x1p-149 : ldexp(1, ilogb(scale) - 23);
    return fabs(got - want) / spacing;
}

enum { CHUNK = 1024, STRIDE = 4999 };
static void bounds(check_ctx *c) {
    static float x[CHUNK], y[CHUNK];
    if (c->is_ref) return; /* libm's own errors are not ours */
    for (size_t s = 0; s < TN_COUNT(sweep); s++) {
        double worst = 0;
        float at = 0;
        for (uint64_t u = c->seed % STRIDE; u < (uint64_t)1 << 32;) {
            size_t n = 0;
            for (; n < CHUNK && u < (uint64_t)1 << 32; u += STRIDE) {
                uint32_t bits = (uint32_t)u;
                memcpy(&x[n], &bits, 4);
                if (sweep[s].limit > 0 && !(fabsf(x[n]) <= (float)sweep[s].limit)) continue;
                n++;
            }
            c->fast->vec.unary[sweep[s].op](x, y, n, 0, 0);
            for (size_t i = 0; i < n; i++) {
                double e = error_in_ulp(sweep[s].truth(x[i]), y[i], sweep[s].wide ? fabs(x[i]) : 0);
                if (!(e <= worst)) worst = e, at = x[i];
            }
        }
        if (!(worst <= sweep[s].ulp))
            check_fail(c, "%s(%.9g) is off by %.2f ulp, bound %.2f", sweep[s].name, at, worst, sweep[s].ulp);
    }
}

static const check_case cases[] = { { "unary", unary, 60 }, { "binary", binary, 40 }, { "compare", compare, 40 },
                                    { "where", where, 60 }, { "others", others, 60 }, { "bounds", bounds, 1 } };
int main(int argc, char **argv) { return check_main("vec", cases, TN_COUNT(cases), argc, argv); }
