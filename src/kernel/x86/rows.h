/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* rows.h - the rows of a register tile, one by one: loops that the preprocessor unrolls, so that each accumulator stays
 * in a register of its own. */
#ifndef TN_KERNEL_X86_ROWS_H
#define TN_KERNEL_X86_ROWS_H

#define ROWS_6(X) \
    X(0)          \
    X(1)          \
    X(2)          \
    X(3)          \
    X(4)          \
    X(5)
#define ROWS_14(X) \
    ROWS_6(X) X(6) \
    X(7)           \
    X(8)           \
    X(9)           \
    X(10)          \
    X(11)          \
    X(12)          \
    X(13)

#endif
