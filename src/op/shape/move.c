/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* move.c - Transpose, Pad, DepthToSpace, SpaceToDepth: elements at other places. The loops are kernel/move.h. */
#include "kernel/move.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/shape/grads.h"
#include <string.h>

/* ----------------------------------------------------------------------------------------------------- Transpose */

typedef struct {
    tn_ints perm;
} permutation;

/* The permutation: the attribute, or all dimensions reversed. errors TN_E_INVALID. */
static tn_status read_perm(const tn_node *n, const permutation *a, int rank, int *perm) {
    const int64_t *p = a->perm.v;
    unsigned seen = 0;
    if (p && a->perm.n != (size_t)rank)
        return tn_op_fail(n, TN_E_INVALID, "perm has %zu entries for %d dimensions", a->perm.n, rank);
    for (int i = 0; i < rank; i++) {
        int64_t k = p ? p[i] : rank - 1 - i;
        if (k < 0 || k >= rank || (seen >> k & 1))
            return tn_op_fail(n, TN_E_INVALID, "perm[%d] is %lld; each of 0..%d must come once", i, (long long)k,
                              rank - 1);
        seen |= 1u << k;
        perm[i] = (int)k;
    }
    return TN_OK;
}

static tn_status transpose_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), perm[TN_MAX_RANK];
    tn_dim dims[TN_MAX_RANK];
    if (rank < 0) {
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), -1, NULL);
        return TN_OK;
    }
    TN_TRY(read_perm(c->node, c->attrs, rank, perm));
    for (int i = 0; i < rank; i++) dims[i] = c->in[0]->dims[perm[i]];
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, dims);
    return TN_OK;
}

static tn_status transpose_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    int perm[TN_MAX_RANK];
    TN_TRY(read_perm(r->node, r->attrs, x->rank, perm));
    if (tn_dtypes[x->dtype].block == 1) {
        tn_transpose_run(tn_dtypes[x->dtype].bytes, x->rank, x->dims, perm, x->data, y->data, r->pool);
        return tn_op_own_strings(y);
    }
    for (int64_t i = 0; i < tn_count(y); i++) { /* packed elements */
        int64_t at[TN_MAX_RANK], rest = i, from = 0;
        for (int d = y->rank - 1; d >= 0; d--) at[perm[d]] = rest % y->dims[d], rest /= y->dims[d];
        for (int d = 0; d < x->rank; d++) from = from * x->dims[d] + at[d];
        tn_op_copy_element(y, i, x, from);
    }
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- Pad */

typedef struct {
    int mode; /* a tn_pad_mode */
} padding;
#define MODES "constant|edge|reflect|wrap"
_Static_assert(TN_PAD_CONSTANT == 0 && TN_PAD_EDGE == 1 && TN_PAD_REFLECT == 2 && TN_PAD_WRAP == 3, "as in MODES");

static const int64_t pad_most = INT64_C(1) << 60; /* sizes and places stay far from overflow */

/* pads of n axes into before/after of all dimensions. Numbers that are not known (symbols) pass. */
static tn_status place_pads(const tn_node *n, int rank, const int64_t *pads, int64_t count, const int64_t *axes,
                            int64_t n_axes, int64_t *before, int64_t *after) {
    int place[TN_MAX_RANK], given = rank;
    if (axes) TN_TRY(tn_op_axes(n, axes, n_axes, rank, place, &given));
    if (count != 2 * given)
        return tn_op_fail(n, TN_E_SHAPE, "pads has %lld entries, %d are needed", (long long)count, 2 * given);
    for (int d = 0; d < rank; d++) before[d] = after[d] = 0;
    for (int i = 0; i < 2 * given; i++) {
        if (tn_dim_known(pads[i]) && (pads[i] < -pad_most || pads[i] > pad_most))
            return tn_op_fail(n, TN_E_INVALID, "pads[%d] is %lld, which is no padding", i, (long long)pads[i]);
        (i < given ? before : after)[axes ? place[i % given] : i % given] = pads[i];
    }
    return TN_OK;
}

static tn_status pad_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), n, na = 0;
    const tn_dim *pads = tn_infer_ints(c, 1, &n), *axes = tn_infer_has(c, 3) ? tn_infer_ints(c, 3, &na) : NULL;
    tn_dim dims[TN_MAX_RANK];
    bool known = pads && (axes || !tn_infer_has(c, 3));
    for (int i = 0; known && i < na; i++) known = tn_dim_known(axes[i]);
    if (rank < 0 || !known) {
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, NULL);
        return TN_OK;
    }
    int64_t before[TN_MAX_RANK], after[TN_MAX_RANK];
    TN_TRY(place_pads(c->node, rank, pads, n, axes, na, before, after));
    for (int d = 0; d < rank; d++) {
        dims[d] = tn_dim_add(c->syms, c->in[0]->dims[d], tn_dim_add(c->syms, before[d], after[d]));
        if (tn_dim_known(dims[d]) && dims[d] < 0)
            return tn_infer_fail(c, TN_E_SHAPE, "dimension %d would be %lld after padding", d, (long long)dims[d]);
    }
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, dims);
    return TN_OK;
}

/* Packed elements: through tensors of bytes. */
static tn_status pad_packed(tn_run *r, const int64_t *before, const int64_t *after, tn_pad_mode mode) {
    const tn_tensor *x = tn_in(r, 0), *value = tn_in(r, 2);
    tn_tensor *y = tn_out(r, 0), one = { .dtype = x->dtype };
    uint8_t fill = 0, *xb = tn_run_scratch(r, (size_t)tn_count(x) + 1),
            *yb = tn_run_scratch(r, (size_t)tn_count(y) + 1);
    if (!xb || !yb) return tn_op_fail(r->node, TN_E_NOMEM, "no memory to unpack the tensor");
    if (value && tn_count(value)) {
        one.data = value->data;
        tn_op_unpack(&one, &fill);
    }
    tn_op_unpack(x, xb);
    TN_TRY(tn_pad_run(1, x->rank, x->dims, before, after, mode, &fill, xb, yb, r->pool));
    tn_op_pack(yb, y);
    return TN_OK;
}

static tn_status pad_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *value = tn_in(r, 2);
    tn_tensor *y = tn_out(r, 0);
    int64_t *pads, *axes = NULL, n, na = 0, before[TN_MAX_RANK], after[TN_MAX_RANK];
    union {
        double d[2];
        tn_string s;
    } zero = { { 0, 0 } };
    tn_pad_mode mode = (tn_pad_mode)((const padding *)r->attrs)->mode;
    TN_TRY(tn_op_ints(r, tn_in(r, 1), &pads, &n));
    if (tn_run_has(r, 3)) TN_TRY(tn_op_ints(r, tn_in(r, 3), &axes, &na));
    for (int64_t i = 0; i < n; i++) pads[i] = tn_dim_clamp(pads[i]);
    TN_TRY(place_pads(r->node, x->rank, pads, n, axes, na, before, after));
    if (tn_count(y) == 0) return TN_OK;
    tn_status st;
    if (tn_dtypes[x->dtype].block > 1)
        st = pad_packed(r, before, after, mode);
    else
        st = tn_pad_run(tn_dtypes[x->dtype].bytes, x->rank, x->dims, before, after, mode,
                        value && tn_count(value) ? value->data : &zero, x->data, y->data, r->pool);
    return st == TN_OK ? tn_op_own_strings(y) : tn_fail_at(st, "%s", tn_node_where(r->node));
}

/* ------------------------------------------------------------------------------------- DepthToSpace, SpaceToDepth */

typedef struct {
    int64_t blocksize;
    int mode;
} blocks;
enum { DCR, CRD };

static tn_status block_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    int64_t b = ((const blocks *)c->attrs)->blocksize;
    bool to_space = c->node->op->arg;
    if (rank < 0) {
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), 4, NULL);
        return TN_OK;
    }
    if (rank != 4) return tn_infer_fail(c, TN_E_SHAPE, "the input has %d dimensions, 4 are needed", rank);
    const tn_dim *x = c->in[0]->dims;
    for (int d = to_space ? 1 : 2; d < (to_space ? 2 : 4); d++) {
        int64_t by = to_space ? b * b : b;
        if (tn_dim_known(x[d]) && x[d] % by != 0)
            return tn_infer_fail(c, TN_E_SHAPE, "dimension %d is %lld, not a multiple of %lld", d, (long long)x[d],
                                 (long long)by);
    }
    if (to_space)
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), 4,
                     (tn_dim[]){ x[0], tn_dim_div(c->syms, x[1], b * b), tn_dim_mul(c->syms, x[2], b),
                                 tn_dim_mul(c->syms, x[3], b) });
    else
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), 4,
                     (tn_dim[]){ x[0], tn_dim_mul(c->syms, x[1], b * b), tn_dim_div(c->syms, x[2], b),
                                 tn_dim_div(c->syms, x[3], b) });
    return TN_OK;
}

static tn_status block_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    const blocks *a = r->attrs;
    int64_t b = a->blocksize;
    int bytes = tn_dtypes[x->dtype].bytes;
    if (tn_count(y) == 0) return TN_OK;
    if (r->node->op->arg)
        tn_depth_to_space_run(bytes, x->dims[0], x->dims[1], x->dims[2], x->dims[3], b, a->mode == CRD, x->data,
                              y->data, r->pool);
    else
        tn_space_to_depth_run(bytes, x->dims[0], x->dims[1], x->dims[2], x->dims[3], b, x->data, y->data, r->pool);
    return tn_op_own_strings(y);
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port pad_in[] = { { "data", TN_ANY_TYPE, 'T' },
                                  { "pads", tn_dtype_bit(TN_I64), 0 },
                                  { "constant_value", TN_ANY_TYPE, 'T', .optional = true },
                                  { "axes", TN_INDEX, 0, .optional = true },
                                  { 0 } };
static const tn_port block_in[] = { { "input", TN_ANY_TYPE & ~TN_PACKED, 'T' }, { 0 } };
static const tn_attr_spec perm_attrs[] = { { TN_INTS_OF(permutation, perm) }, { 0 } };
static const tn_attr_spec pad_attrs[] = { { TN_WORD(padding, mode, MODES, "constant") }, { 0 } };
#define BLOCK_SIZE \
    { TN_INT(blocks, blocksize, 0), .required = true, .min = 1, .max = INT32_MAX }
static const tn_attr_spec space_attrs[] = { BLOCK_SIZE, { TN_WORD(blocks, mode, "DCR|CRD", "DCR") }, { 0 } };
static const tn_attr_spec depth_attrs[] = { BLOCK_SIZE, { 0 } };

const tn_op tn_ops_move[] = {
    { .name = "Transpose",
      .since = 25,
      .in = tn_ports_any_t,
      .out = tn_ports_any_t,
      TN_ATTRS(perm_attrs, permutation),
      .infer = transpose_infer,
      .run = transpose_run,
      .grad = tn_grad_transpose_of,
      .doc = "dimensions in another order" },
    { .name = "Pad",
      .since = 25,
      .in = pad_in,
      .out = tn_ports_any_t,
      TN_ATTRS(pad_attrs, padding),
      .infer = pad_infer,
      .run = pad_run,
      .grad = tn_grad_pad,
      .doc = "more elements at the edges, or fewer: constant, edge, reflect or wrap" },
    { .name = "DepthToSpace",
      .since = 13,
      .in = block_in,
      .out = tn_ports_any_t,
      TN_ATTRS(space_attrs, blocks),
      .infer = block_infer,
      .run = block_run,
      .arg = true,
      .grad = tn_grad_space_to_depth,
      .doc = "channels become blocks of pixels" },
    { .name = "SpaceToDepth",
      .since = 13,
      .in = block_in,
      .out = tn_ports_any_t,
      TN_ATTRS(depth_attrs, blocks),
      .infer = block_infer,
      .run = block_run,
      .arg = false,
      .grad = tn_grad_space_to_depth,
      .doc = "blocks of pixels become channels" },
    { 0 },
};
