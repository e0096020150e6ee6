/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attention.h - what the attention operators of all domains share: a type to compute in, and strides of the layouts. */
#ifndef TN_OP_ATTENTION_ATTENTION_H
#define TN_OP_ATTENTION_ATTENTION_H

#include "kernel/attention.h"
#include "op/core/support.h"

/** The elements of t as `type` (TN_F32 or TN_F64): t's own memory when it has that type already, else converted, in the
 *  run's arena. t NULL gives NULL. errors TN_E_NOMEM. */
tn_status tn_op_read_as(tn_run *r, const tn_tensor *t, tn_dtype type, const void **out);

/** Memory to compute y in: y's own when its element type is `type`. NULL out of memory, or when y is NULL. */
void *tn_op_room_as(tn_run *r, const tn_tensor *y, tn_dtype type);

/** The same for output i, which is computed even when nobody wants it: then `count` elements of scratch. */
void *tn_op_result_room(tn_run *r, int i, tn_dtype type, int64_t count);

/** y := what was computed in tn_op_room_as's memory. */
tn_status tn_op_store_as(const void *p, tn_dtype type, tn_tensor *y);

/** Runs the kernel with scratch of the run. errors TN_E_NOMEM. */
tn_status tn_op_attention(tn_run *r, const tn_attention *a);

/** Strides of [batch, heads, rows, size], and of [batch, rows, heads * size]. */
static inline tn_attention_stride tn_op_planes(int64_t heads, int64_t rows, int64_t size) {
    return (tn_attention_stride){ heads * rows * size, rows * size, size };
}
static inline tn_attention_stride tn_op_rows(int64_t heads, int64_t rows, int64_t size) {
    return (tn_attention_stride){ heads * rows * size, size, heads * size };
}

/** a * b and a + b as far as known: TN_DIM_UNKNOWN when they do not fit 64 bits. syms may be NULL. */
tn_dim tn_op_dim_times(tn_syms *syms, tn_dim a, tn_dim b);
tn_dim tn_op_dim_plus(tn_syms *syms, tn_dim a, tn_dim b);

/** present [batch, heads, past + fresh, size] := past rows (NULL: none), then fresh rows; all of `type`. */
void tn_op_append(tn_dtype type, int64_t batch, int64_t heads, int64_t size, const void *past, int64_t past_rows,
                  const void *fresh, tn_attention_stride stride, int64_t fresh_rows, void *present);

/** One head's row x [size] turned by `half` angles (rotary.c): pairs (i, i + half), or (2 i, 2 i + 1) when interleaved;
 * what lies past them is copied. y may be x. */
void tn_op_rotate(const float *x, const float *cos, const float *sin, float *y, int64_t half, int64_t size,
                  bool interleaved);

/** The cache that input i of the node brings, with room for `rows` rows, of which those from `from` on will be written
 *  (tn_rows.reserve).
 *  errors TN_E_SHAPE (it is not of these sizes), and those of tn_rows.reserve, naming the node */
tn_status tn_op_cache_room(tn_run *r, int i, int64_t batch, int64_t heads, int64_t size, int64_t from, int64_t rows,
                           tn_rows **out);

/** Rows [first[b], first[b] + fresh) of every head := those of x, floats of type `type` in `stride`; first NULL: behind
 *  the rows that there are. Of sentences with rows of their own number (c->lengths) as many as c->fresh says, behind
 *  theirs. */
void tn_op_cache_put(tn_run *r, tn_rows *c, const int64_t *first, int64_t fresh, tn_dtype type, const void *x,
                     tn_attention_stride stride);

/** Both: `fresh` rows behind those of the cache of input i. errors as tn_op_cache_room */
static inline tn_status tn_op_cache_append(tn_run *r, int i, int64_t batch, int64_t heads, int64_t size, int64_t fresh,
                                           tn_dtype type, const void *x, tn_attention_stride stride,
                                           const tn_rows **out) {
    tn_rows *c;
    int64_t length = tn_in(r, i)->rows->length;
    TN_TRY(tn_op_cache_room(r, i, batch, heads, size, length, length + fresh, &c));
    tn_op_cache_put(r, c, NULL, fresh, type, x, stride);
    *out = c;
    return TN_OK;
}

/** What a's sentences see of caches whose sentences have rows of their own number: lengths, offsets and where masks
 *  begin, and no key behind column `end` of a mask. Nothing happens where a's cache has one length.
 *  errors TN_E_UNSUPPORTED (scores are wanted), TN_E_NOMEM */
tn_status tn_op_attention_ragged(tn_run *r, tn_attention *a, int64_t end);

/** Whether input i brings a cache. */
static inline bool tn_op_has_cache(const tn_run *r, int i) { return tn_run_has(r, i) && tn_in(r, i)->rows; }

/** What the attributes say of a cache in codes; quantised: NONE, PER_TENSOR or PER_CHANNEL, in the order of
 * TN_KV_CODES. */
#define TN_KV_CODES "NONE|PER_TENSOR|PER_CHANNEL"
enum { TN_KV_NONE, TN_KV_PER_TENSOR, TN_KV_PER_CHANNEL };
typedef struct {
    int k_quant_type, v_quant_type;
    int64_t bits; /* kv_cache_bit_width */
} tn_kv_attrs;

/** How a cache of keys or values [batch, heads, rows, size] is coded (kv_cache.c). */
typedef struct {
    int bits;           /* 0: plain numbers; 4 (in pairs) or 8 */
    const float *scale; /* [1], or [heads, size] */
    int64_t heads, size, per_head, per_element;
} tn_kv_code;

/** Whether the codes that the node's attributes name go with the type of its input `past`; *per: elements of a head to
 *  one of the cache. errors TN_E_TYPE, TN_E_INVALID. */
tn_status tn_kv_check(tn_infer *c, const tn_kv_attrs *a, int past, int *per);

/** The element type of a cache: the past's; without one, that of codes of kv_cache_bit_width bits, or `plain`. */
tn_dtype tn_kv_type(const tn_kv_attrs *a, tn_dtype past, tn_dtype plain);

/** Rows of a cache of c rows after t tokens, when it keeps windows of w <= c. */
int64_t tn_kv_resident(int64_t t, int64_t c, int64_t w);

/** Reads the code of `quantised` keys or values (TN_KV_...) and the scales, input `scale`. errors TN_E_SHAPE,
 * TN_E_NOMEM. */
tn_status tn_kv_code_of(tn_run *r, const tn_kv_attrs *a, int quantised, int scale, int64_t heads, int64_t size,
                        tn_kv_code *c);

/** The numbers of cache t as float32. t NULL gives NULL. errors TN_E_NOMEM. */
tn_status tn_kv_read(tn_run *r, const tn_kv_code *c, const tn_tensor *t, const void **out);

/** x, n numbers in planes of `rows` rows, becomes what the codes of `type` keep of it; y (may be NULL) gets the codes.
 *  errors TN_E_NOMEM. */
tn_status tn_kv_write(tn_run *r, const tn_kv_code *c, tn_dtype type, int64_t rows, float *x, int64_t n, tn_tensor *y);

/** A mask that broadcasts to [batch, heads, rows, keys] (its last dimension may be shorter than `keys`, when
 *  `short_ok`), as strides. errors TN_E_SHAPE. */
tn_status tn_op_mask_strides(const tn_run *r, const tn_tensor *m, const int64_t *dims, bool short_ok,
                             tn_attention_mask_stride *out);

#endif
