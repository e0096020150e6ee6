/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* move.c - 2-D transposition in plain C, in blocks that fit the cache. */
#include "kernel/move.h"

enum { BLOCK = 16 };

typedef struct {
    uint64_t lo, hi;
} pair;

#define TRANSPOSE(name, T)                                                                                         \
    static void name##_block(const char *x, int64_t ldx, char *y, int64_t ldy, int64_t rows, int64_t cols) {       \
        for (int64_t c = 0; c < cols; c++)                                                                         \
            for (int64_t r = 0; r < rows; r++)                                                                     \
                __builtin_memcpy(y + c * ldy + r * (int64_t)sizeof(T), x + r * ldx + c * (int64_t)sizeof(T),       \
                                 sizeof(T));                                                                       \
    }                                                                                                              \
    static void name(const char *x, int64_t ldx, char *y, int64_t ldy, int64_t rows, int64_t cols) {               \
        for (int64_t c = 0; c < cols; c += BLOCK)                                                                  \
            for (int64_t r = 0; r < rows; r += BLOCK)                                                              \
                name##_block(x + r * ldx + c * (int64_t)sizeof(T), ldx, y + c * ldy + r * (int64_t)sizeof(T), ldy, \
                             rows - r < BLOCK ? rows - r : BLOCK, cols - c < BLOCK ? cols - c : BLOCK);            \
    }
TRANSPOSE(transpose8, uint8_t)
TRANSPOSE(transpose16, uint16_t)
TRANSPOSE(transpose32, uint32_t)
TRANSPOSE(transpose64, uint64_t)
TRANSPOSE(transpose128, pair)

const tn_move_kernels tn_move_table_ref = {
    .transpose = { transpose8, transpose16, transpose32, transpose64, transpose128 },
};
