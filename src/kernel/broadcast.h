/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* broadcast.h - two-operand arithmetic with NumPy broadcasting for every element type, selection, and pointwise
 * functions of one operand. f32 goes through the vector kernels; f16, bf16 and float8 are computed in f32 tile by tile
 * and rounded once; the other types are plain C loops.
 *
 * Integers wrap around. Division by zero gives 0 and the most negative number divided by -1 gives itself, so that no
 * input can trap. */
#ifndef TN_KERNEL_BROADCAST_H
#define TN_KERNEL_BROADCAST_H

#include "base/pool.h"
#include "kernel/vec.h"

/* id, name. The first eleven are tn_binary in that order; then tn_compare in its order. */
#define TN_ARITHS(X)                                             \
    X(ADD, "add")                                                \
    X(SUB, "sub")                                                \
    X(MUL, "mul")                                                \
    X(DIV, "div") /* integers: towards zero */                   \
    X(MIN, "min")                                                \
    X(MAX, "max")                                                \
    X(POW, "pow")                                                \
    X(FMOD, "fmod") /* the sign of a */                          \
    X(MOD, "mod")   /* the sign of b */                          \
    X(PRELU, "prelu")                                            \
    X(SQDIFF, "sqdiff")                                          \
    X(EQ, "equal") /* also bool; these six give bool */          \
    X(NE, "not_equal")                                           \
    X(LT, "less")                                                \
    X(LE, "less_equal")                                          \
    X(GT, "greater")                                             \
    X(GE, "greater_equal")                                       \
    X(BIT_AND, "bit_and") /* integers */                         \
    X(BIT_OR, "bit_or")                                          \
    X(BIT_XOR, "bit_xor")                                        \
    X(SHL, "shift_left") /* integers; by the width or more: 0 */ \
    X(SHR, "shift_right")                                        \
    X(AND, "and") /* bool */                                     \
    X(OR, "or")                                                  \
    X(XOR, "xor")

typedef enum {
#define X(id, name) TN_A_##id,
    TN_ARITHS(X)
#undef X
        TN_ARITH_COUNT
} tn_arith;

/** A dense operand; it broadcasts to the result's shape (aligned right). */
typedef struct {
    const void *data;
    int rank;
    const int64_t *dims;
} tn_operand;

/** The result's element type, or TN_NONE when the operation does not exist for that type. */
tn_dtype tn_arith_result(tn_arith op, tn_dtype t);

/** y = a op b over the result's shape (rank, dims), to which a and b are known to broadcast. y may be a or b when that
 *  operand has the full shape and the result its type.
 *  errors   TN_E_TYPE. */
tn_status tn_arith_run(tn_arith op, tn_dtype t, const tn_operand *a, const tn_operand *b, int rank, const int64_t *dims,
                       void *y, tn_pool *pool);

/** y = a ^ b with different types; y has a's. Integer powers are exact modulo the width; a negative exponent of an
 *  integer gives 0, except for 1 and -1.
 *  errors   TN_E_TYPE. */
tn_status tn_pow_run(tn_dtype ta, const tn_operand *a, tn_dtype tb, const tn_operand *b, int rank, const int64_t *dims,
                     void *y, tn_pool *pool);

/** y = c ? a : b for elements of 1, 2, 4, 8 or 16 bytes; c is bool. */
void tn_where_run(int bytes, const tn_operand *c, const tn_operand *a, const tn_operand *b, int rank,
                  const int64_t *dims, void *y, tn_pool *pool);

/** y = op(x; a, b) for n elements. All real floating types; ABS, NEG, SIGN, RELU, SQUARE, CLIP and the rounding ones
 *  (which do nothing) also for integers. y may be x.
 *  errors   TN_E_TYPE. */
tn_status tn_unary_run(tn_unary op, tn_dtype t, const void *x, void *y, int64_t n, double a, double b, tn_pool *pool);

/** The plain loops behind all that: n elements of type t, arrays only. NULL when there is none. */
typedef void (*tn_arith_fn)(const void *a, const void *b, void *y, size_t n);
tn_arith_fn tn_arith_loop(tn_arith op, tn_dtype t);
typedef void (*tn_unary_loop_fn)(const void *x, void *y, size_t n, double a, double b);
tn_unary_loop_fn tn_unary_loop(tn_unary op, tn_dtype t); /* f64 and integers */

#endif
