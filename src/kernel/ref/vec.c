/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* vec.c - the pointwise kernels in plain C: the definition of correct. */
#include "kernel/vec.h"

#define X(id, name) name,
const char *const tn_unary_names[] = { TN_UNARIES(X) };
const char *const tn_binary_names[] = { TN_BINARIES(X) };
const char *const tn_compare_names[] = { TN_COMPARES(X) };
#undef X

#define REAL     float
#define FN(name) name
#include "kernel/ref/scalar.h"

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

const tn_vec_kernels tn_vec_table_ref = {
#define X(f) f##_v,
    .unary = { UNARY_FNS(X) },
#undef X
#define X(f) { f##_vv, f##_vs, f##_sv },
    .binary = { BINARY_FNS(X) },
    .compare = { X(eq) X(ne) X(lt) X(le) X(gt) X(ge) },
#undef X
    .where = { [TN_VV] = where_vv, [TN_VS] = where_vs, [TN_SV] = where_sv },
    .muladd = muladd,
    .scaleadd = scaleadd,
    .fill = fill,
    .from_bool = from_bool,
    .to_bool = to_bool,
};
#define X(f) +1
_Static_assert(UNARY_FNS(X) == TN_UNARY_COUNT, "one function per unary operation");
_Static_assert(BINARY_FNS(X) == TN_BINARY_COUNT, "one row per binary operation");
#undef X
