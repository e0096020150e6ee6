/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attention_keys.h - the keys or values of one head as attention.c reads them: at an address with a stride, or in the
 * blocks of a cache. */
#ifndef TN_KERNEL_ATTENTION_KEYS_H
#define TN_KERNEL_ATTENTION_KEYS_H

#include "tensor/rows.h"

typedef struct {
    const tn_rows *rows; /* NULL: at `plain` */
    const float *plain;  /* row 0 */
    int64_t b, head, step, size;
    float *stage; /* room for a block of keys as floats, where rows->type is another or a piece is not enough */
} tn_keys;

/** Whether pieces are read where they lie, not from the stage. */
static inline bool tn_keys_direct(const tn_keys *k) { return !k->rows || k->rows->type == TN_F32; }

/** Rows [from, from + n) side by side, *step floats from one to the next. */
static inline const float *tn_keys_whole(const tn_keys *k, int64_t from, int64_t n, int64_t *step) {
    *step = k->rows ? k->size : k->step;
    if (!k->rows) return k->plain + from * k->step;
    (void)tn_rows_get(k->rows, k->b, k->head, from, n, TN_F32, k->stage); /* floats of any type: it cannot fail */
    return k->stage;
}

/** Row `from` of those that were staged from row `first` on; *n, the rows wanted, becomes how many follow in one piece.
 */
static inline const float *tn_keys_piece(const tn_keys *k, int64_t first, int64_t from, int64_t *n, int64_t *step) {
    *step = k->rows ? k->size : k->step;
    if (!k->rows) return k->plain + from * k->step;
    if (!tn_keys_direct(k)) return k->stage + (from - first) * k->size;
    int64_t left = k->rows->block - from % k->rows->block;
    if (left < *n) *n = left;
    return tn_row_at(k->rows, k->b, k->head, from);
}

#endif
