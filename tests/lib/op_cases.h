/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* op_cases.h - tables of small cases: an operator, its attributes, its inputs, and the outputs its specification gives.
 *
 *     static const op_case rows[] = {
 *         { "Gelu", "approximate=tanh", "f32:2=0,inf", "f32:2=0,inf" },
 *         { "com.microsoft::Trilu", "upper=0", "f32:2,2=1,2,3,4 _", "f32:2,2=1,0,3,4" },
 *         { "ReduceMax@18", NULL, "i32:2=3,1 !i64:1=0", "i32:1=3" },
 *     };
 *     op_cases(rows);
 *
 * How attributes and tensors are written: op_text.h. Every case is run four times: inputs of declared shapes; of
 * unknown shapes; with a symbol for every dimension; and all of them constants of the model. */
#ifndef TN_TESTS_OP_CASES_H
#define TN_TESTS_OP_CASES_H

#include "lib/op_text.h"

typedef struct {
    const char *op;    /* "Name", "domain::Name", "Name@opset" (without: the newest) */
    const char *attrs; /* NULL: none */
    const char *in; /* a word per input; "_": omitted; "!" before: always a constant; "$" before: always of known shape
                       (where the specification wants to know it) */
    const char *want; /* a word per output; "_": one that nobody asks for */
    double tol;       /* 0: as the type of the output allows (see op_cases.c); below 0: exact */
} op_case;

#define op_cases(rows) op_cases_run(rows, TN_COUNT(rows))

/** Runs all of them, prints those that fail, then fails. */
void op_cases_run(const op_case *rows, size_t n);
/** However its inputs come, the case is refused, and the message holds these words. `want` says what outputs there are.
 */
void op_case_refused(const op_case *c, const char *message);

#endif
