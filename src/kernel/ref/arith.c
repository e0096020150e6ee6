/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* arith.c - arithmetic on whole arrays of every type that the vector kernels leave out: f64, integers, bool. */
#include "kernel/broadcast.h"
#include <stdlib.h>

#define REAL     double
#define FN(name) name
#include "kernel/ref/scalar.h"

#define LOOP(name, T, R, expr)                                             \
    static void name(const void *pa, const void *pb, void *py, size_t n) { \
        const T *va = pa, *vb = pb;                                        \
        R *y = py;                                                         \
        for (size_t i = 0; i < n; i++) {                                   \
            T a = va[i], b = vb[i];                                        \
            y[i] = (R)(expr);                                              \
        }                                                                  \
    }
#define LOOP1(name, T, expr)                                                     \
    static void name(const void *px, void *py, size_t n, double pa, double pb) { \
        const T *vx = px;                                                        \
        T *y = py;                                                               \
        (void)pa, (void)pb;                                                      \
        for (size_t i = 0; i < n; i++) {                                         \
            T x = vx[i];                                                         \
            y[i] = (T)(expr);                                                    \
        }                                                                        \
    }

/* ----------------------------------------------------------------------------------------------------------- f64 */

#define X(f) LOOP1(f64_##f, double, f(x, pa, pb))
UNARY_FNS(X)
#undef X
#define X(f) LOOP(f64_##f, double, double, f(a, b))
BINARY_FNS(X)
#undef X

/* ------------------------------------------------------------------------------------------------------ integers */

/* Each takes the operands widened to 64 bits, which holds every product and sum modulo the narrow type. */
static int64_t sdiv(int64_t a, int64_t b) { return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b; }
static uint64_t udiv(uint64_t a, uint64_t b) { return b == 0 ? 0 : a / b; }
static int64_t srem(int64_t a, int64_t b) { return b == 0 || b == -1 ? 0 : a % b; }
static uint64_t urem(uint64_t a, uint64_t b) { return b == 0 ? 0 : a % b; }
static int64_t smod(int64_t a, int64_t b) {
    int64_t r = srem(a, b);
    return r && (r < 0) != (b < 0) ? r + b : r;
}
static uint64_t umod(uint64_t a, uint64_t b) { return urem(a, b); }
static uint64_t power(uint64_t a, uint64_t e) {
    uint64_t r = 1;
    for (; e; e >>= 1, a *= a)
        if (e & 1) r *= a;
    return r;
}
static uint64_t upow(uint64_t a, uint64_t b) { return power(a, b); }
static uint64_t spow(int64_t a, int64_t b) {
    if (b >= 0) return power((uint64_t)a, (uint64_t)b);
    return a == 1 ? 1 : a == -1 ? (b & 1 ? UINT64_MAX : 1) : 0;
}
static uint64_t shift_left(uint64_t a, uint64_t by, int width) { return by < (uint64_t)width ? a << by : 0; }
static uint64_t shift_right(uint64_t a, uint64_t by, int width) { return by < (uint64_t)width ? a >> by : 0; }

/* Sums, differences and products in the unsigned type of at least 32 bits, W, so that nothing overflows undefined. */
#define INTEGER(T, W, U, s)                                                                                      \
    LOOP(T##_add, T##_t, T##_t, (W)a + (W)b)                                                                     \
    LOOP(T##_sub, T##_t, T##_t, (W)a - (W)b)                                                                     \
    LOOP(T##_mul, T##_t, T##_t, (W)a *(W)b)                                                                      \
    LOOP(T##_div_, T##_t, T##_t, s##div(a, b))                                                                   \
    LOOP(T##_min_, T##_t, T##_t, a < b ? a : b)                                                                  \
    LOOP(T##_max_, T##_t, T##_t, a > b ? a : b)                                                                  \
    LOOP(T##_pow_, T##_t, T##_t, s##pow(a, b))                                                                   \
    LOOP(T##_fmod_, T##_t, T##_t, s##rem(a, b))                                                                  \
    LOOP(T##_mod, T##_t, T##_t, s##mod(a, b))                                                                    \
    LOOP(T##_prelu, T##_t, T##_t, is_neg_##s(a) ? (T##_t)((W)a * (W)b) : a)                                      \
    LOOP(T##_sqdiff, T##_t, T##_t, ((W)a - (W)b) * ((W)a - (W)b))                                                \
    LOOP(T##_bit_and, T##_t, T##_t, a &b)                                                                        \
    LOOP(T##_bit_or, T##_t, T##_t, a | b)                                                                        \
    LOOP(T##_bit_xor, T##_t, T##_t, a ^ b)                                                                       \
    LOOP(T##_shl, T##_t, T##_t, shift_left((U)a, (U)b, 8 * sizeof(T##_t)))                                       \
    LOOP(T##_shr, T##_t, T##_t, shift_right((U)a, (U)b, 8 * sizeof(T##_t)))                                      \
    LOOP1(T##_abs_, T##_t, is_neg_##s(x) ? (T##_t)(0 - (W)x) : x)                                                \
    LOOP1(T##_neg, T##_t, 0 - (W)x)                                                                              \
    LOOP1(T##_sign, T##_t, is_neg_##s(x) ? -1 : x != 0)                                                          \
    LOOP1(T##_relu, T##_t, is_neg_##s(x) ? 0 : x)                                                                \
    LOOP1(T##_square, T##_t, (W)x *(W)x)                                                                         \
    LOOP1(T##_clip, T##_t, ((double)x < pa ? (T##_t)pa : x) > pb ? (T##_t)pb : ((double)x < pa ? (T##_t)pa : x)) \
    LOOP1(T##_identity, T##_t, x)
#define is_neg_s(x) ((x) < 0)
#define is_neg_u(x) 0
INTEGER(int8, uint32_t, uint8_t, s)
INTEGER(int16, uint32_t, uint16_t, s)
INTEGER(int32, uint32_t, uint32_t, s)
INTEGER(int64, uint64_t, uint64_t, s)
INTEGER(uint8, uint32_t, uint8_t, u)
INTEGER(uint16, uint32_t, uint16_t, u)
INTEGER(uint32, uint32_t, uint32_t, u)
INTEGER(uint64, uint64_t, uint64_t, u)

#define COMPARES(T, name)               \
    LOOP(name##_eq, T, uint8_t, a == b) \
    LOOP(name##_ne, T, uint8_t, a != b) \
    LOOP(name##_lt, T, uint8_t, a < b)  \
    LOOP(name##_le, T, uint8_t, a <= b) \
    LOOP(name##_gt, T, uint8_t, a > b)  \
    LOOP(name##_ge, T, uint8_t, a >= b)
COMPARES(double, f64)
COMPARES(int8_t, int8)
COMPARES(int16_t, int16)
COMPARES(int32_t, int32)
COMPARES(int64_t, int64)
COMPARES(uint8_t, uint8)
COMPARES(uint16_t, uint16)
COMPARES(uint32_t, uint32)
COMPARES(uint64_t, uint64)

LOOP(bool_eq, uint8_t, uint8_t, !a == !b)
LOOP(bool_ne, uint8_t, uint8_t, !a != !b)
LOOP(bool_and, uint8_t, uint8_t, a &&b)
LOOP(bool_or, uint8_t, uint8_t, a || b)

/* -------------------------------------------------------------------------------------------------------- tables */

#define ALL_TYPES(X) \
    X(F64, f64)      \
    X(I8, int8)      \
    X(I16, int16)    \
    X(I32, int32)    \
    X(I64, int64)    \
    X(U8, uint8)     \
    X(U16, uint16)   \
    X(U32, uint32)   \
    X(U64, uint64)
#define INTEGERS(X) \
    X(I8, int8)     \
    X(I16, int16)   \
    X(I32, int32)   \
    X(I64, int64)   \
    X(U8, uint8)    \
    X(U16, uint16)  \
    X(U32, uint32)  \
    X(U64, uint64)

tn_arith_fn tn_arith_loop(tn_arith op, tn_dtype t) {
    static const tn_arith_fn fns[TN_ARITH_COUNT][TN_DTYPE_COUNT] = {
#define X(id, f) [TN_##id] = f##_add,
        [TN_A_ADD] = { ALL_TYPES(X) },
#undef X
#define X(id, f) [TN_##id] = f##_sub,
        [TN_A_SUB] = { ALL_TYPES(X) },
#undef X
#define X(id, f) [TN_##id] = f##_mul,
        [TN_A_MUL] = { ALL_TYPES(X) },
#undef X
#define X(id, f) [TN_##id] = f##_div_,
        [TN_A_DIV] = { ALL_TYPES(X) },
#undef X
#define X(id, f) [TN_##id] = f##_min_,
        [TN_A_MIN] = { ALL_TYPES(X) },
#undef X
#define X(id, f) [TN_##id] = f##_max_,
        [TN_A_MAX] = { ALL_TYPES(X) },
#undef X
#define X(id, f) [TN_##id] = f##_pow_,
        [TN_A_POW] = { ALL_TYPES(X) },
#undef X
#define X(id, f) [TN_##id] = f##_fmod_,
        [TN_A_FMOD] = { ALL_TYPES(X) },
#undef X
#define X(id, f) [TN_##id] = f##_mod,
        [TN_A_MOD] = { ALL_TYPES(X) },
#undef X
#define X(id, f) [TN_##id] = f##_prelu,
        [TN_A_PRELU] = { ALL_TYPES(X) },
#undef X
#define X(id, f) [TN_##id] = f##_sqdiff,
        [TN_A_SQDIFF] = { ALL_TYPES(X) },
#undef X
#define X(id, f) [TN_##id] = f##_eq,
        [TN_A_EQ] = { ALL_TYPES(X)[TN_BOOL] = bool_eq },
#undef X
#define X(id, f) [TN_##id] = f##_ne,
        [TN_A_NE] = { ALL_TYPES(X)[TN_BOOL] = bool_ne },
#undef X
#define X(id, f) [TN_##id] = f##_lt,
        [TN_A_LT] = { ALL_TYPES(X) },
#undef X
#define X(id, f) [TN_##id] = f##_le,
        [TN_A_LE] = { ALL_TYPES(X) },
#undef X
#define X(id, f) [TN_##id] = f##_gt,
        [TN_A_GT] = { ALL_TYPES(X) },
#undef X
#define X(id, f) [TN_##id] = f##_ge,
        [TN_A_GE] = { ALL_TYPES(X) },
#undef X
#define X(id, f) [TN_##id] = f##_bit_and,
        [TN_A_BIT_AND] = { INTEGERS(X) },
#undef X
#define X(id, f) [TN_##id] = f##_bit_or,
        [TN_A_BIT_OR] = { INTEGERS(X) },
#undef X
#define X(id, f) [TN_##id] = f##_bit_xor,
        [TN_A_BIT_XOR] = { INTEGERS(X) },
#undef X
#define X(id, f) [TN_##id] = f##_shl,
        [TN_A_SHL] = { INTEGERS(X) },
#undef X
#define X(id, f) [TN_##id] = f##_shr,
        [TN_A_SHR] = { INTEGERS(X) },
#undef X
        [TN_A_AND] = { [TN_BOOL] = bool_and },
        [TN_A_OR] = { [TN_BOOL] = bool_or },
        [TN_A_XOR] = { [TN_BOOL] = bool_ne },
    };
    return (unsigned)op < TN_ARITH_COUNT && (unsigned)t < TN_DTYPE_COUNT ? fns[op][t] : NULL;
}

tn_unary_loop_fn tn_unary_loop(tn_unary op, tn_dtype t) {
#define X(f) f64_##f,
    static const tn_unary_loop_fn f64s[TN_UNARY_COUNT] = { UNARY_FNS(X) };
#undef X
    static const struct {
        tn_dtype t;
        tn_unary_loop_fn abs, neg, sign, relu, square, clip, same;
    } ints[] = {
#define X(id, f) { TN_##id, f##_abs_, f##_neg, f##_sign, f##_relu, f##_square, f##_clip, f##_identity },
        INTEGERS(X)
#undef X
    };
    if (t == TN_F64) return f64s[op];
    for (size_t i = 0; i < TN_COUNT(ints); i++) {
        if (ints[i].t != t) continue;
        switch (op) {
        case TN_U_ABS: return ints[i].abs;
        case TN_U_NEG: return ints[i].neg;
        case TN_U_SIGN: return ints[i].sign;
        case TN_U_RELU: return ints[i].relu;
        case TN_U_SQUARE: return ints[i].square;
        case TN_U_CLIP: return ints[i].clip;
        case TN_U_IDENTITY:
        case TN_U_FLOOR:
        case TN_U_CEIL:
        case TN_U_ROUND:
        case TN_U_TRUNC: return ints[i].same;
        default: return NULL;
        }
    }
    return NULL;
}
