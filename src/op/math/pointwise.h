/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pointwise.h - pointwise operators as instructions of a program (kernel/program.h), and the fused node that runs one.
 *
 * tenon.Pointwise takes any number of float32, float16, bfloat16 and bool inputs that broadcast together and gives one
 * output of the common shape; its attribute `program` holds the instructions. */
#ifndef TN_OP_MATH_POINTWISE_H
#define TN_OP_MATH_POINTWISE_H

#include "kernel/program.h"
#include "op/core/op.h"

/** The function and parameters of a node with one tensor operand (Relu, Gelu, Clip with constant limits, ...); false
 *  when it is none or its parameters are not constants. */
bool tn_op_unary_of(const tn_node *n, tn_unary *fn, float *a, float *b);

/** The operation of a node with two operands (tn_arith, kernel/broadcast.h: Add, Less, And, ..., also Sum, Max, Min of
 *  two), or -1. */
int tn_op_arith_of(const tn_node *n);

/** The program's letter for an element type; 0 when it has none. */
tn_program_type tn_op_program_type(tn_dtype t);

/** Writes a finished program with one output into the node's attribute. errors TN_E_NOMEM. */
tn_status tn_op_set_program(tn_node *n, const tn_program *p);

#endif
