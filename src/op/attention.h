/* attention.h - what the attention operators of all domains share: a type to compute in, and strides of the layouts. */
#ifndef TN_OP_ATTENTION_H
#define TN_OP_ATTENTION_H

#include "kernel/attention.h"
#include "op/support.h"

/** The elements of t as `type` (TN_F32 or TN_F64): t's own memory when it has that type already, else converted, in the
 *  run's arena. t NULL gives NULL. errors TN_E_NOMEM. */
tn_status tn_op_read_as(tn_run *r, const tn_tensor *t, tn_dtype type, const void **out);

/** Memory to compute y in: y's own when its element type is `type`. NULL out of memory, or when y is NULL. */
void *tn_op_room_as(tn_run *r, const tn_tensor *y, tn_dtype type);

/** The same for output i, which is computed even when nobody wants it: then `count` elements of scratch. */
void *tn_op_result_room(tn_run *r, int i, tn_dtype type, int64_t count);

/** y := what was computed in tn_op_room_as's memory. */
tn_status tn_op_store_as(const void *p, tn_dtype type, tn_tensor *y);

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

/** A mask that broadcasts to [batch, heads, rows, keys] (its last dimension may be shorter than `keys`, when
 *  `short_ok`), as strides. errors TN_E_SHAPE. */
tn_status tn_op_mask_strides(const tn_run *r, const tn_tensor *m, const int64_t *dims, bool short_ok,
                             tn_attention_mask_stride *out);

#endif
