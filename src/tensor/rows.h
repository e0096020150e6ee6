/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* rows.h - the rows of a cache of keys or values, [batch, heads, rows, size], in blocks.
 *
 *     blocks of a sentence:  [ a | b | c ]        rows 0 .. block - 1 lie in a, the next ones in b, ...
 *     a block:               per head `block` rows of `size` elements side by side
 *
 * So a cache grows without moving, and sentences share the blocks of what they have in common. Rows that lie in one
 * piece are the case of one large block per sentence. Who owns the memory says how there becomes more of it (reserve);
 * operators append and read, kernel/attention.h reads through the same list.
 *
 * Sentences of several owners in one run (engine/state_group.h) have rows of their own number:
 *
 *     length = 5:  [ . . a a a | a a ]    lengths[0] = 3, fresh[0] = 2: row 0 of the sentence is column 2 of the masks,
 *                  [ b b b b b | b . ]    lengths[1] = 5, fresh[1] = 1    so that new rows begin at column `length`
 */
#ifndef TN_TENSOR_ROWS_H
#define TN_TENSOR_ROWS_H

#include "tensor/tensor.h"

typedef struct tn_rows {
    tn_dtype type; /* of the elements in the blocks: a float type of whole bytes */
    int64_t batch, heads, size;
    int64_t block;       /* rows of a block */
    void *const *blocks; /* [batch][per]: those of each sentence, in order */
    int64_t per;
    int64_t length;         /* rows that were there before the run; the most that a sentence has */
    const int64_t *lengths; /* [batch] rows of each sentence then; NULL: length */
    const int64_t *fresh;   /* [batch] how many of the new rows are the sentence's, the first ones; known after reserve.
                               With lengths only */
    int64_t end;            /* rows that are there now: the owner counts them when the run has succeeded */
    /** Room for `rows` rows in every sentence, of which nobody else reads those from `from` <= length on; block, blocks
     *  and per may change, rows before `length` do not. Called by one thread at a time.
     *  With lengths, `from` says nothing, and each sentence gets room for its new ones among rows - length.
     *  errors TN_E_NOMEM, TN_E_LIMIT (the capacity), TN_E_INVALID (some sentence has more new rows than there are) */
    tn_status (*reserve)(struct tn_rows *r, int64_t from, int64_t rows);
    void *owner;
} tn_rows;

/** Where row `row` of head h of sentence b lies; the rest of its block's rows of that head are behind it. */
static inline void *tn_row_at(const tn_rows *r, int64_t b, int64_t h, int64_t row) {
    char *block = r->blocks[b * r->per + row / r->block];
    return block + (size_t)((h * r->block + row % r->block) * r->size) * (size_t)tn_dtypes[r->type].bytes;
}

/** Rows [first, first + n) of head h of sentence b := n rows of `from` (of type `type`, `stride` elements from one to
 *  the next). They have been reserved. errors TN_E_TYPE */
tn_status tn_rows_put(tn_rows *r, int64_t b, int64_t h, int64_t first, int64_t n, tn_dtype type, const void *from,
                      int64_t stride);

/** n rows from row `first` on, side by side in `to`, as `type`. errors TN_E_TYPE */
tn_status tn_rows_get(const tn_rows *r, int64_t b, int64_t h, int64_t first, int64_t n, tn_dtype type, void *to);

#endif
