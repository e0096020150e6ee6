/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* reduce.c - reductions over axes, arg-max, softmax and running sums: one axis or several become one number, or a
 * distribution. The loops are kernel/reduce.h. */
#include "kernel/reduce_scattered.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/math/grads.h"
#include <string.h>

/* ---------------------------------------------------------------------------------------------------- reductions */

typedef struct {
    bool keepdims, noop_with_empty_axes;
} reduction;

/* Bit d set: dimension d is reduced. `axes` NULL: none given. A scalar has none to reduce (0 and -1 may be named).
 * errors TN_E_INVALID: an axis that x does not have */
static tn_status axes_mask(const tn_node *n, const reduction *a, int rank, const int64_t *axes, int64_t count,
                           uint32_t *mask) {
    *mask = 0;
    if (!axes || count == 0) {
        if (!a->noop_with_empty_axes) *mask = (uint32_t)((UINT64_C(1) << rank) - 1);
        return TN_OK;
    }
    for (int64_t i = 0; i < count; i++) {
        int axis;
        TN_TRY(tn_op_axis(n, axes[i], rank ? rank : 1, &axis));
        if (rank) *mask |= 1u << axis;
    }
    return TN_OK;
}

static tn_status reduce_infer(tn_infer *c) {
    const reduction *a = c->attrs;
    int rank = tn_infer_rank(c, 0), n = 0, out = 0;
    const tn_dim *axes = tn_infer_has(c, 1) ? tn_infer_ints(c, 1, &n) : NULL;
    tn_dim dims[TN_MAX_RANK];
    bool unknown = tn_infer_has(c, 1) && !axes;
    for (int i = 0; axes && i < n; i++) unknown |= !tn_dim_known(axes[i]);
    if (rank < 0 || unknown) {
        int length = tn_infer_length(c, 1);     /* not which axes, but how many of them */
        bool counted = rank > 0 && length == 1; /* of several, some may be the same */
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), a->keepdims ? rank : counted ? rank - 1 : -1, NULL);
        return TN_OK;
    }
    uint32_t mask;
    TN_TRY(axes_mask(c->node, a, rank, axes, n, &mask));
    for (int d = 0; d < rank; d++) {
        if (!(mask >> d & 1))
            dims[out++] = c->in[0]->dims[d];
        else if (a->keepdims)
            dims[out++] = 1;
    }
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), out, dims);
    return TN_OK;
}

/* The scratch of scattered axes, where the plan knows which they are; else the run allocates. */
static tn_status reduce_prepare(tn_prep *p) {
    const tn_infer *t = &p->types;
    const tn_type *x = t->in[0];
    const tn_tensor *axes = tn_infer_has(t, 1) ? t->in_tensor[1] : NULL;
    int64_t v[TN_MAX_RANK], n = axes ? tn_count(axes) : 0;
    uint32_t mask;
    p->scratch = 0;
    if (!tn_type_static(x) || (tn_infer_has(t, 1) && !axes) || n > TN_MAX_RANK) return TN_OK;
    for (int64_t i = 0; i < n; i++) v[i] = tn_get_i64(axes->dtype, axes->data, i);
    TN_TRY(axes_mask(t->node, t->attrs, x->rank, n ? v : NULL, n, &mask));
    p->scratch = tn_reduce_scratch(x->dtype, x->rank, x->dims, mask);
    return TN_OK;
}

static tn_status reduce_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    int64_t *axes = NULL, n = 0;
    if (tn_run_has(r, 1)) TN_TRY(tn_op_ints(r, tn_in(r, 1), &axes, &n));
    uint32_t mask;
    TN_TRY(axes_mask(r->node, r->attrs, x->rank, axes, n, &mask));
    tn_status st = tn_reduce_run_in((tn_reduce_op)r->node->op->arg, x->dtype, x->rank, x->dims, mask, x->data,
                                    tn_out(r, 0)->data, r->scratch, r->pool);
    return st == TN_OK ? st : tn_fail_at(st, "%s", tn_node_where(r->node));
}

static tn_status reduce_cost(const tn_infer *c, tn_cost *out) {
    out->flops = 1;
    for (int i = 0; i < c->in[0]->rank; i++) out->flops *= (double)c->in[0]->dims[i];
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------ ArgMax, ArgMin */

typedef struct {
    int64_t axis;
    bool keepdims, select_last_index;
} choice;

static tn_status arg_infer(tn_infer *c) {
    const choice *a = c->attrs;
    int rank = tn_infer_rank(c, 0), axis, out = 0;
    tn_dim dims[TN_MAX_RANK];
    if (rank < 0) {
        tn_infer_out(c, 0, TN_I64, -1, NULL);
        return TN_OK;
    }
    TN_TRY(tn_op_axis(c->node, a->axis, rank, &axis));
    for (int d = 0; d < rank; d++)
        if (d != axis)
            dims[out++] = c->in[0]->dims[d];
        else if (a->keepdims)
            dims[out++] = 1;
    if (tn_dim_known(c->in[0]->dims[axis]) && c->in[0]->dims[axis] == 0)
        return tn_infer_fail(c, TN_E_SHAPE, "axis %d has no elements to choose from", axis);
    tn_infer_out(c, 0, TN_I64, out, dims);
    return TN_OK;
}

/* x as [outer][n][inner] around an axis that the shape rule has checked. */
typedef struct {
    int64_t outer, n, inner;
} lines;

static lines lines_of(const tn_tensor *x, int64_t given) {
    int axis = x->rank ? tn_op_axis_at(given, x->rank) : 0;
    return (lines){ tn_op_product(x->dims, 0, axis), x->rank ? x->dims[axis] : 1,
                    tn_op_product(x->dims, axis + 1, x->rank) };
}

static tn_status arg_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    const choice *a = r->attrs;
    lines l = lines_of(x, a->axis);
    tn_status st = tn_arg_run(r->node->op->arg, a->select_last_index, x->dtype, l.outer, l.n, l.inner, x->data,
                              tn_out(r, 0)->data, r->pool);
    return st == TN_OK ? st : tn_fail_at(st, "%s", tn_node_where(r->node));
}

/* ------------------------------------------------------------------------------------------------------- softmax */

typedef struct {
    int64_t axis;
} along;

static tn_status softmax_infer(tn_infer *c) {
    const along *a = c->attrs;
    int axis;
    if (tn_infer_rank(c, 0) > 0) TN_TRY(tn_op_axis(c->node, a->axis, tn_infer_rank(c, 0), &axis));
    return tn_infer_same(c);
}

static tn_status softmax_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    lines l = lines_of(x, ((const along *)r->attrs)->axis);
    tn_status st = tn_softmax_run((tn_softmax_kind)r->node->op->arg, x->dtype, l.outer, l.n, l.inner, x->data,
                                  tn_out(r, 0)->data, r->pool);
    return st == TN_OK ? st : tn_fail_at(st, "%s", tn_node_where(r->node));
}

static tn_status softmax_cost(const tn_infer *c, tn_cost *out) {
    TN_TRY(reduce_cost(c, out));
    out->flops *= 5; /* maximum, subtraction, exponential, sum, division */
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------- CumSum and CumProd */

typedef struct {
    bool exclusive, reverse;
} running;

static tn_status cumulate_check(const tn_run *r) {
    int64_t given;
    int axis;
    TN_TRY(tn_op_one_int(r, 1, 0, &given));
    return tn_op_axis(r->node, given, tn_in(r, 0)->rank, &axis);
}

static tn_status cumulate_run(tn_run *r) {
    const running *a = r->attrs;
    const tn_tensor *x = tn_in(r, 0);
    int64_t axis;
    TN_TRY(tn_op_one_int(r, 1, 0, &axis));
    lines l = lines_of(x, axis);
    tn_status st = tn_cumsum_run(x->dtype, l.outer, l.n, l.inner, a->exclusive, a->reverse, r->node->op->arg, x->data,
                                 tn_out(r, 0)->data, r->pool);
    return st == TN_OK ? st : tn_fail_at(st, "%s", tn_node_where(r->node));
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define AXES \
    { "axes", tn_dtype_bit(TN_I64), 0, .optional = true }
static const tn_port reduce_in[] = { { "data", TN_REAL, 'T' }, AXES, { 0 } };
static const tn_port reduce_out[] = { { "reduced", TN_REAL, 'T' }, { 0 } };
static const tn_port extreme_in[] = { { "data", TN_REAL | TN_BOOLS, 'T' }, AXES, { 0 } };
static const tn_port extreme_out[] = { { "reduced", TN_REAL | TN_BOOLS, 'T' }, { 0 } };
#define CUMULATED                                                                                       \
    (TN_FLOATS | TN_INDEX | tn_dtype_bit(TN_U32) | tn_dtype_bit(TN_U64)) /* as the kernels and ONNX say \
                                                                          */
static const tn_port cumulate_in[] = { { "x", CUMULATED, 'T' }, { "axis", TN_INDEX, 0 }, { 0 } };
static const tn_port cumulate_out[] = { { "y", CUMULATED, 'T' }, { 0 } };
static const tn_attr_spec reduce_attrs[] = { { TN_FLAG(reduction, keepdims, true) },
                                             { TN_FLAG(reduction, noop_with_empty_axes, false) },
                                             { 0 } };
static const tn_attr_spec arg_attrs[] = { { TN_INT(choice, axis, 0) },
                                          { TN_FLAG(choice, keepdims, true) },
                                          { TN_FLAG(choice, select_last_index, false) },
                                          { 0 } };
static const tn_attr_spec axis_attrs[] = { { TN_INT(along, axis, -1) }, { 0 } };
static const tn_attr_spec cumulate_attrs[] = { { TN_FLAG(running, exclusive, false) },
                                               { TN_FLAG(running, reverse, false) },
                                               { 0 } };

#define REDUCE_OF(kind_, name_, since_, arg_, doc_)                                                              \
    {                                                                                                            \
        .name = name_, .since = since_, .in = kind_##_in, .out = kind_##_out, TN_ATTRS(reduce_attrs, reduction), \
        .infer = reduce_infer, .cost = reduce_cost, .prepare = reduce_prepare, .fit = reduce_prepare,            \
        .run = reduce_run, .grad = tn_grad_reduce, .arg = arg_, .doc = doc_                                      \
    }
#define REDUCE(name_, since_, arg_, doc_)  REDUCE_OF(reduce, name_, since_, arg_, doc_)
#define EXTREME(name_, since_, arg_, doc_) REDUCE_OF(extreme, name_, since_, arg_, doc_)
#define ARG(name_, arg_, doc_)                                                                                  \
    {                                                                                                           \
        .name = name_, .since = 13, .in = tn_ports_real_t, .out = tn_ports_i64, TN_ATTRS(arg_attrs, choice),    \
        .infer = arg_infer, .cost = reduce_cost, .run = arg_run, .grad = tn_grad_none, .arg = arg_, .doc = doc_ \
    }
#define SOFTMAX(name_, arg_, grad_, doc_)                                                                             \
    {                                                                                                                 \
        .name = name_, .since = 13, .flags = TN_OP_INPLACE, .in = tn_ports_float_t, .out = tn_ports_float_t,          \
        TN_ATTRS(axis_attrs, along), .infer = softmax_infer, .cost = softmax_cost, .run = softmax_run, .grad = grad_, \
        .arg = arg_, .doc = doc_                                                                                      \
    }
#define CUMULATE(name_, since_, arg_, doc_)                                                                          \
    {                                                                                                                \
        .name = name_, .since = since_, .in = cumulate_in, .out = cumulate_out, TN_ATTRS(cumulate_attrs, running),   \
        .infer = tn_infer_same, .check = cumulate_check, .run = cumulate_run, .grad = tn_grad_cumulate, .arg = arg_, \
        .doc = doc_                                                                                                  \
    }

const tn_op tn_ops_reduce[] = {
    REDUCE("ReduceSum", 13, TN_R_SUM, "the sum over axes"),
    REDUCE("ReduceMean", 18, TN_R_MEAN, "the mean over axes"),
    EXTREME("ReduceMax", 20, TN_R_MAX, "the largest over axes"),
    EXTREME("ReduceMin", 20, TN_R_MIN, "the smallest over axes"),
    REDUCE("ReduceProd", 18, TN_R_PROD, "the product over axes"),
    REDUCE("ReduceSumSquare", 18, TN_R_SUMSQ, "the sum of squares over axes"),
    REDUCE("ReduceL1", 18, TN_R_L1, "the sum of magnitudes over axes"),
    REDUCE("ReduceL2", 18, TN_R_L2, "the Euclidean norm over axes"),
    REDUCE("ReduceLogSum", 18, TN_R_LOGSUM, "the logarithm of the sum over axes"),
    REDUCE("ReduceLogSumExp", 18, TN_R_LOGSUMEXP, "log(sum(exp(x))) over axes"),
    ARG("ArgMax", true, "where the largest element along an axis is"),
    ARG("ArgMin", false, "where the smallest element along an axis is"),
    SOFTMAX("Softmax", TN_SOFTMAX, tn_grad_softmax, "exp(x) / sum(exp(x)) along an axis"),
    SOFTMAX("LogSoftmax", TN_LOGSOFTMAX, tn_grad_softmax, "the logarithm of Softmax"),
    SOFTMAX("Hardmax", TN_HARDMAX, tn_grad_none, "1 at the first largest element along an axis, 0 elsewhere"),
    CUMULATE("CumSum", 14, false, "running sums along an axis"),
    CUMULATE("CumProd", 26, true, "running products along an axis"),
    { 0 },
};
