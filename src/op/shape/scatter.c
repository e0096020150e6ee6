/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* scatter.c - ScatterElements, ScatterND: a copy of data with some elements replaced or combined. */
#include "base/budget.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/shape/grads.h"
#include <string.h>

typedef enum { REPLACE, ADD, MUL, MIN, MAX } reduction;
#define REDUCTIONS "none|add|mul|min|max" /* in that order */

typedef struct {
    int64_t axis;  /* ScatterElements */
    int reduction; /* a reduction */
} scatter;

static reduction reduction_of(const void *attrs) { return (reduction)((const scatter *)attrs)->reduction; }

/* y[i] := y[i] (op) u[k] for any type; integers keep all 64 bits. */
static void combine(reduction op, tn_tensor *y, int64_t i, const tn_tensor *u, int64_t k) {
    if (op == REPLACE) {
        tn_op_copy_element(y, i, u, k);
    } else if (tn_dtype_is_float(y->dtype)) {
        double a = tn_get_f64(y->dtype, y->data, i), b = tn_get_f64(u->dtype, u->data, k);
        double v = op == ADD   ? a + b
                   : op == MUL ? a * b
                   : op == MIN ? (b < a || b != b ? b : a)
                               : (b > a || b != b ? b : a);
        tn_set_f64(y->dtype, y->data, i, v);
    } else {
        int64_t a = tn_get_i64(y->dtype, y->data, i), b = tn_get_i64(u->dtype, u->data, k);
        bool less = y->dtype == TN_U64 ? (uint64_t)b < (uint64_t)a : b < a;
        uint64_t sum = (uint64_t)a + (uint64_t)b, product = (uint64_t)a * (uint64_t)b;
        int64_t v = op == ADD ? (int64_t)sum : op == MUL ? (int64_t)product : less == (op == MIN) ? b : a;
        tn_set_i64(y->dtype, y->data, i, v);
    }
}

static void copy_data(tn_run *r) {
    tn_tensor *y = tn_out(r, 0);
    if (y->data != tn_in(r, 0)->data) tn_op_copy_elements(y, 0, tn_in(r, 0), 0, tn_count(y));
}

static tn_status check_reduction(tn_infer *c) {
    tn_dtype t = tn_infer_dtype(c, 0);
    if (reduction_of(c->attrs) != REPLACE && (t == TN_STRING || tn_dtype_is_complex(t)))
        return tn_infer_fail(c, TN_E_TYPE, "%s elements cannot be reduced", tn_dtype_name(t));
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------ ScatterElements */

static tn_status scatter_elements_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), irank = tn_infer_rank(c, 1), urank = tn_infer_rank(c, 2), axis;
    TN_TRY(check_reduction(c));
    if (rank >= 0) TN_TRY(tn_op_axis(c->node, ((const scatter *)c->attrs)->axis, rank, &axis));
    if (rank >= 0 && irank >= 0 && rank != irank)
        return tn_infer_fail(c, TN_E_SHAPE, "data has %d dimensions but indices has %d", rank, irank);
    if (irank >= 0 && urank >= 0) {
        bool same = irank == urank;
        for (int i = 0; same && i < irank; i++) {
            tn_dim a = c->in[1]->dims[i], b = c->in[2]->dims[i];
            same = !tn_dim_known(a) || !tn_dim_known(b) || a == b;
        }
        if (!same) return tn_infer_fail(c, TN_E_SHAPE, "updates and indices differ in shape");
    }
    return tn_infer_same(c);
}

static tn_status scatter_elements_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *ix = tn_in(r, 1), *u = tn_in(r, 2);
    tn_tensor *y = tn_out(r, 0);
    int axis = tn_op_axis_at(((const scatter *)r->attrs)->axis, x->rank);
    reduction op = reduction_of(r->attrs);
    int64_t n = tn_count(ix), *idx, stride[TN_MAX_RANK + 1];
    copy_data(r);
    if (n == 0) return tn_op_own_strings(y);
    TN_TRY(tn_op_indices(r, ix, x->dims[axis], &idx));
    stride[x->rank] = 1;
    for (int d = x->rank - 1; d >= 0; d--) stride[d] = stride[d + 1] * x->dims[d];
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < n; i++) {
        int64_t off = 0, rest = i;
        if (tn_ticks_stopped(&ticks, 16)) return tn_op_stopped(r);
        for (int d = x->rank - 1; d >= 0; d--) {
            int64_t at = d == axis ? idx[i] : rest % ix->dims[d];
            rest /= ix->dims[d];
            if (at >= x->dims[d])
                return tn_op_fail(r->node, TN_E_SHAPE, "indices is larger than data in dimension %d (%lld > %lld)", d,
                                  (long long)ix->dims[d], (long long)x->dims[d]);
            off += at * stride[d + 1];
        }
        combine(op, y, off, u, i);
    }
    return tn_op_own_strings(y);
}

/* ------------------------------------------------------------------------------------------------------ ScatterND */

static tn_status scatter_nd_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), irank = tn_infer_rank(c, 1);
    TN_TRY(check_reduction(c));
    if (irank == 0 || rank == 0) return tn_infer_fail(c, TN_E_SHAPE, "data and indices need at least one dimension");
    if (rank > 0 && irank > 0 && tn_dim_known(c->in[1]->dims[irank - 1])) {
        int64_t depth = c->in[1]->dims[irank - 1];
        if (depth < 0 || depth > rank)
            return tn_infer_fail(c, TN_E_SHAPE, "the last dimension of indices is %lld, data has only %d dimensions",
                                 (long long)depth, rank);
    }
    return tn_infer_same(c);
}

static tn_status scatter_nd_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *ix = tn_in(r, 1), *u = tn_in(r, 2);
    tn_tensor *y = tn_out(r, 0);
    int depth = (int)ix->dims[ix->rank - 1];
    int64_t tuples = tn_op_product(ix->dims, 0, ix->rank - 1), inner = tn_op_product(x->dims, depth, x->rank), all;
    reduction op = reduction_of(r->attrs);
    if (__builtin_mul_overflow(tuples, inner, &all) || tn_count(u) != all)
        return tn_op_fail(r->node, TN_E_SHAPE, "updates has %lld elements, indices and data ask for %lld times %lld",
                          (long long)tn_count(u), (long long)tuples, (long long)inner);
    copy_data(r);
    if (all == 0) return tn_op_own_strings(y);
    tn_ticks ticks = { 0 };
    for (int64_t t = 0; t < tuples; t++) {
        int64_t off;
        if (tn_ticks_stopped(&ticks, 16 + 4 * (uint64_t)inner)) return tn_op_stopped(r);
        TN_TRY(tn_op_index_tuple(r->node, x->dims, depth, ix, t * depth, &off));
        if (op == REPLACE) {
            tn_op_copy_elements(y, off * inner, u, t * inner, inner);
            continue;
        }
        for (int64_t i = 0; i < inner; i++) combine(op, y, off * inner + i, u, t * inner + i);
    }
    return tn_op_own_strings(y);
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port elements_in[] = {
    { "data", TN_ANY_TYPE, 'T' }, { "indices", TN_INDEX, 0 }, { "updates", TN_ANY_TYPE, 'T' }, { 0 }
};
static const tn_port nd_in[] = {
    { "data", TN_ANY_TYPE, 'T' }, { "indices", tn_dtype_bit(TN_I64), 0 }, { "updates", TN_ANY_TYPE, 'T' }, { 0 }
};
static const tn_attr_spec elements_attrs[] = { { TN_INT(scatter, axis, 0) },
                                               { TN_WORD(scatter, reduction, REDUCTIONS, "none") },
                                               { 0 } };
static const tn_attr_spec nd_attrs[] = { { TN_WORD(scatter, reduction, REDUCTIONS, "none") }, { 0 } };

const tn_op tn_ops_scatter[] = {
    { .name = "ScatterElements",
      .since = 18,
      .in = elements_in,
      .out = tn_ports_any_t,
      TN_ATTRS(elements_attrs, scatter),
      .infer = scatter_elements_infer,
      .run = scatter_elements_run,
      .grad = tn_grad_scatter_into,
      .doc = "data with single elements replaced by updates, or combined with them" },
    { .name = "ScatterND",
      .since = 18,
      .in = nd_in,
      .out = tn_ports_any_t,
      TN_ATTRS(nd_attrs, scatter),
      .infer = scatter_nd_infer,
      .run = scatter_nd_run,
      .grad = tn_grad_scatter_into,
      .doc = "data with slices replaced by updates, or combined with them" },
    { 0 },
};
