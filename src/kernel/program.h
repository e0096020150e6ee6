/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* program.h - chains of pointwise operations run as one pass: a small program executed tile by tile, so that
 * intermediate results stay in the L1 cache.
 *
 * A program is a list of instructions in the order they run; each defines one value (f32, bool or a 16-bit float, one
 * per element) from inputs and earlier values. Inputs are arrays with broadcasting strides; outputs are dense. Example,
 * y = relu(x + b):
 *
 *     tn_program p = { 0 };
 *     int x = tn_program_input(&p, TN_PROGRAM_F32), b = tn_program_input(&p, TN_PROGRAM_F32);
 *     int s = tn_program_add(&p, TN_P_BINARY, TN_B_ADD, x, b, 0, 0, 0);
 *     tn_program_output(&p, tn_program_add(&p, TN_P_UNARY, TN_U_RELU, s, 0, 0, 0, 0));
 *     tn_status st = tn_program_finish(&p);
 *
 * The struct is plain data without pointers: copy it, keep it in an arena. */
#ifndef TN_KERNEL_PROGRAM_H
#define TN_KERNEL_PROGRAM_H

#include "base/pool.h"
#include "kernel/vec.h"

#define TN_PROGRAM_INPUTS  16
#define TN_PROGRAM_CODE    48
#define TN_PROGRAM_OUTPUTS 4
#define TN_PROGRAM_VALUES  (TN_PROGRAM_INPUTS + TN_PROGRAM_CODE)

/* What a value's elements are: a letter each, as in the table below. 16-bit floats are only converted. */
typedef enum {
    TN_PROGRAM_F32 = 'f',
    TN_PROGRAM_BOOL = 'b',
    TN_PROGRAM_F16 = 'h',
    TN_PROGRAM_BF16 = 'g'
} tn_program_type;

/* kind, operands, the result's type and theirs, meaning */
#define TN_INSTRS(X)                                              \
    X(CONST, 0, "f")     /* the number a */                       \
    X(UNARY, 1, "ff")    /* tn_unary op of x with a and b */      \
    X(BINARY, 2, "fff")  /* tn_binary op of x and y */            \
    X(COMPARE, 2, "bff") /* tn_compare op of x and y */           \
    X(WHERE, 3, "fbff")  /* x ? y : z */                          \
    X(MULADD, 3, "ffff") /* x y + z, with one or two roundings */ \
    X(AND, 2, "bbb")                                              \
    X(OR, 2, "bbb")                                               \
    X(XOR, 2, "bbb")                                              \
    X(NOT, 1, "bb")                                               \
    X(TO_F32, 1, "fb")    /* 0 or 1 */                            \
    X(TO_BOOL, 1, "bf")   /* x != 0 */                            \
    X(FROM_F16, 1, "fh")  /* exactly */                           \
    X(FROM_BF16, 1, "fg") /* exactly */                           \
    X(TO_F16, 1, "hf")    /* to nearest even */                   \
    X(TO_BF16, 1, "gf")

typedef enum {
#define X(id, operands, types) TN_P_##id,
    TN_INSTRS(X)
#undef X
        TN_INSTR_COUNT
} tn_instr_kind;

typedef struct {
    uint8_t kind, op; /* tn_instr_kind; which unary, binary or comparison */
    uint8_t src[3];   /* values: input i is i, the result of code[i] is TN_PROGRAM_INPUTS + i */
    float a, b;
} tn_instr;

typedef struct {
    int n_in, n_code, n_out;
    char in_type[TN_PROGRAM_INPUTS]; /* tn_program_type */
    tn_instr code[TN_PROGRAM_CODE];
    uint8_t out[TN_PROGRAM_OUTPUTS]; /* values; any, also inputs */
    /* by tn_program_finish: */
    char type[TN_PROGRAM_VALUES];
    uint8_t slot[TN_PROGRAM_CODE]; /* the buffer of each result */
    int n_slots;
} tn_program;

/** Building. Each returns the new value's number, or -1 when the program is full (or an operand was -1), so that
 *  calls can be chained and checked once. Operands that the kind does not take are ignored. */
int tn_program_input(tn_program *p, tn_program_type type);
int tn_program_add(tn_program *p, tn_instr_kind kind, int op, int x, int y, int z, float a, float b);
int tn_program_const(tn_program *p, float value);
int tn_program_output(tn_program *p, int value); /* the output's index, or -1 */

/** Checks operands and types, and assigns buffers. A finished program may be extended and finished again.
 *  errors   TN_E_INVALID (operand out of range or of the wrong type, unknown operation, no output). */
tn_status tn_program_finish(tn_program *p);

/** May output o be the same memory as input i? True when every reading of i comes before o is written, and their
 *  element types agree; the input must then also have the full shape. */
bool tn_program_may_alias(const tn_program *p, int i, int o);

typedef struct {
    const void *data;
    int64_t stride[TN_MAX_RANK]; /* in elements; 0 repeats: see tn_broadcast_strides (kernel/loop.h) */
} tn_program_array;

/** Runs a finished program over a shape. out[i] is dense, row-major, of the type p->type[p->out[i]].
 *  Scratch is on the stack of each thread: 48 KiB and a little. */
void tn_program_run(const tn_program *p, int rank, const int64_t *dims, const tn_program_array *in, void *const *out,
                    tn_pool *pool);

#endif
