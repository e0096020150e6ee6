/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attention.h - scaled dot-product attention: Y = softmax(cap(scale Q K^T) + bias) V, masks and windows included.
 *
 * One description serves every operator of the kind: heads may lie in rows (batch, row, head, element) or in planes
 * (batch, head, row, element), several query heads may share one pair of key and value heads, and which keys a row sees
 * is said by lengths, windows, a mask of booleans and an additive bias, all of them optional.
 *
 * The fast version never makes the whole matrix of scores: a tile of rows meets one block of keys after the other, with
 * a running maximum and sum per row (Milakov & Gimelshein, arXiv 1805.02867; Dao et al., arXiv 2205.14135). A block's
 * keys and values are packed once for all tiles of a thread. Few rows, as when one token is decoded, read keys and
 * values where they lie; many keys are cut into parts then, whose sums are joined, so that a few heads keep all threads
 * busy.
 *
 * Keys and values lie at k and v with strides, or in the blocks of a cache (tensor/rows.h), which may be of 16 bits. */
#ifndef TN_KERNEL_ATTENTION_H
#define TN_KERNEL_ATTENTION_H

#include "base/pool.h"
#include "tensor/rows.h"

struct tn_kernels; /* kernel/kernel.h */

/** What attention hands out besides Y: the scores at one of these moments. */
typedef enum {
    TN_QK_RAW,    /* scale Q K^T */
    TN_QK_CAPPED, /* after the soft cap */
    TN_QK_BIASED, /* and masks and bias; -inf where a row does not see a key */
    TN_QK_SOFTMAX /* the weights; a row that sees no key is zero */
} tn_qk_mode;

/** Elements from one batch, head and row to the next; those of a row lie side by side. */
typedef struct {
    int64_t batch, head, row;
} tn_attention_stride;

/** From one batch, head, row and key to the next; 0 repeats. */
typedef struct {
    int64_t batch, head, row, key;
} tn_attention_mask_stride;

typedef struct tn_attention {
    tn_dtype type;                  /* of q, k, v, y, bias and qk: TN_F32, TN_F64 */
    int64_t batch, heads, kv_heads; /* kv_heads divides heads: query head h reads head h / (heads / kv_heads) */
    int64_t rows, keys;             /* of queries; of keys and values */
    int64_t size_k, size_v;         /* of a head of q and k; of v and y */
    const void *q, *k, *v;
    void *y;
    tn_attention_stride stride_q, stride_k, stride_v, stride_y;
    const tn_rows *rows_k, *rows_v; /* instead of k and v: rows [0, keys) of a cache of this batch, kv_heads and sizes,
                                       as table and block say. Both or neither; NULL: neither */
    double scale;
    double softcap; /* c tanh(score / c); 0: none */

    /* Row i of batch b sees key j when all of these hold. */
    const int64_t *first;  /* [batch]: first[b] <= j; NULL: 0 */
    const int64_t *length; /* [batch]: j < length[b]; NULL: keys */
    const int64_t *offset; /* [batch]: row i stands at position i + offset[b]; NULL: 0 */
    const int64_t
        *shift;          /* [batch]: key j of batch b is column j + shift[b] of the masks below. NULL: 0. Not with qk */
    int64_t left, right; /* position - left <= j <= position + right; negative: no bound. Causal: right = 0 */
    const uint8_t *allow; /* not 0 at (b, h, i, j); NULL: everywhere */
    tn_attention_mask_stride stride_allow;
    const void *bias; /* added to the score; -inf hides the key, whatever the score. NULL: none */
    tn_attention_mask_stride stride_bias;

    const uint8_t *choice; /* the score is `fill` where (choice != 0) == fill_where, before the bias. NULL: nowhere */
    tn_attention_mask_stride stride_choice;
    bool fill_where;
    double fill;
    bool literal; /* as Add and Softmax say it: a bias of -inf hides no NaN, and a row of nothing but -inf gives NaN.
                   * Of the masks only bias and choice, and neither softcap, sink nor qk, are for that */

    const void *sink; /* [heads]: a further score that takes part in the sum and has no value; NULL: none */
    void *qk;         /* [batch, heads, rows, keys]; NULL: not wanted */
    tn_qk_mode qk_mode;
} tn_attention;

/** Computes. A row that sees no key gives zeros; one of nothing but -inf, when `literal`, NaN. The result does not
 *  depend on the number of threads.
 *  kn       the kernels to use; NULL: those of this CPU
 *  y, qk    must not overlap anything else
 *  scratch  tn_attention_scratch bytes
 *  NaN      of keys that no row of a tile sees by length or window is not read; elsewhere it propagates as IEEE says
 *  errors   TN_E_NOMEM, TN_E_TYPE. Sizes are the caller's promise. */
tn_status tn_attention_run(const struct tn_kernels *kn, const tn_attention *a, void *scratch, tn_pool *pool);

/** Bytes of scratch (64-byte aligned) that this needs with a pool of so many threads: only sizes, lengths and windows
 * of `a` matter, not the data. 0: none, scratch may be NULL. SIZE_MAX: more than there can be. */
size_t tn_attention_scratch(const struct tn_kernels *kn, const tn_attention *a, int threads);

/** The definition, in double precision: ref/attention.c. errors TN_E_NOMEM. */
tn_status tn_attention_ref(const tn_attention *a);

/** The keys [*from, *to) that row i of batch b may see by lengths and windows; from <= to. */
static inline void tn_attention_span(const tn_attention *a, int64_t b, int64_t i, int64_t *from, int64_t *to) {
    int64_t lo = a->first && a->first[b] > 0 ? a->first[b] : 0, hi = a->keys;
    if (a->length && a->length[b] < hi) hi = a->length[b];
    int64_t at = i + (a->offset ? a->offset[b] : 0);
    if (a->left >= 0 && at - a->left > lo) lo = at - a->left;
    if (a->right >= 0 && at + a->right + 1 < hi) hi = at + a->right + 1;
    if (hi < 0) hi = 0;
    *from = lo < hi ? lo : hi;
    *to = hi;
}

#endif
