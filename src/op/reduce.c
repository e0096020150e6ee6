/* reduce.c - reductions over axes, arg-max, softmax and running sums: one axis or several become one number, or a
 * distribution. The loops are kernel/reduce.h. */
#include "kernel/reduce.h"
#include "op/grad.h"
#include "op/ports.h"
#include "op/support.h"
#include <string.h>

/* ---------------------------------------------------------------------------------------------------- reductions */

/* Bit d set: dimension d is reduced. `axes` NULL: none given. A scalar has none to reduce (0 and -1 may be named). */
static uint32_t axes_mask(const tn_node *n, int rank, const int64_t *axes, int64_t count) {
    if (rank == 0) return 0;
    if (!axes || count == 0)
        return tn_attr_int(n, "noop_with_empty_axes", 0) ? 0 : (uint32_t)((UINT64_C(1) << rank) - 1);
    uint32_t mask = 0;
    for (int64_t i = 0; i < count; i++) mask |= 1u << (axes[i] < 0 ? axes[i] + rank : axes[i]);
    return mask;
}

static tn_status reduce_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), n = 0, out = 0;
    bool keep = tn_attr_int(c->node, "keepdims", 1) != 0;
    const tn_dim *axes = tn_infer_has(c, 1) ? tn_infer_ints(c, 1, &n) : NULL;
    tn_dim dims[TN_MAX_RANK];
    bool unknown = tn_infer_has(c, 1) && !axes;
    for (int i = 0; axes && i < n; i++) unknown |= !tn_dim_known(axes[i]);
    if (rank < 0 || unknown) {
        int length = tn_infer_length(c, 1);     /* not which axes, but how many of them */
        bool counted = rank > 0 && length == 1; /* of several, some may be the same */
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), keep ? rank : counted ? rank - 1 : -1, NULL);
        return TN_OK;
    }
    for (int i = 0; axes && i < n; i++) {
        int axis;
        TN_TRY(tn_infer_axis(c, axes[i], rank, &axis));
    }
    uint32_t mask = axes_mask(c->node, rank, axes, n);
    for (int d = 0; d < rank; d++) {
        if (!(mask >> d & 1))
            dims[out++] = c->in[0]->dims[d];
        else if (keep)
            dims[out++] = 1;
    }
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), out, dims);
    return TN_OK;
}

static tn_status reduce_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    int64_t *axes = NULL, n = 0;
    if (tn_run_has(r, 1)) TN_TRY(tn_op_ints(r, tn_in(r, 1), &axes, &n));
    tn_status st = tn_reduce_run((tn_reduce_op)r->node->op->arg, x->dtype, x->rank, x->dims,
                                 axes_mask(r->node, x->rank, axes, n), x->data, tn_out(r, 0)->data, r->pool);
    return st == TN_OK ? st : tn_fail_at(st, "%s", tn_node_where(r->node));
}

static tn_status reduce_cost(const tn_infer *c, tn_cost *out) {
    out->flops = 1;
    for (int i = 0; i < c->in[0]->rank; i++) out->flops *= (double)c->in[0]->dims[i];
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------ ArgMax, ArgMin */

static tn_status arg_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), axis, out = 0;
    bool keep = tn_attr_int(c->node, "keepdims", 1) != 0;
    tn_dim dims[TN_MAX_RANK];
    if (rank < 0) {
        tn_infer_out(c, 0, TN_I64, -1, NULL);
        return TN_OK;
    }
    TN_TRY(tn_infer_axis(c, tn_attr_int(c->node, "axis", 0), rank, &axis));
    for (int d = 0; d < rank; d++)
        if (d != axis)
            dims[out++] = c->in[0]->dims[d];
        else if (keep)
            dims[out++] = 1;
    if (tn_dim_known(c->in[0]->dims[axis]) && c->in[0]->dims[axis] == 0)
        return tn_infer_fail(c, TN_E_SHAPE, "axis %d has no elements to choose from", axis);
    tn_infer_out(c, 0, TN_I64, out, dims);
    return TN_OK;
}

/* x as [outer][n][inner] around an axis attribute. */
typedef struct {
    int64_t outer, n, inner;
} lines;

static lines lines_of(const tn_tensor *x, int axis) {
    return (lines){ tn_op_product(x->dims, 0, axis), x->rank ? x->dims[axis] : 1,
                    tn_op_product(x->dims, axis + 1, x->rank) };
}

static tn_status arg_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    lines l = lines_of(x, tn_op_axis(r->node, "axis", 0, x->rank));
    tn_status st = tn_arg_run(r->node->op->arg, tn_attr_int(r->node, "select_last_index", 0) != 0, x->dtype, l.outer,
                              l.n, l.inner, x->data, tn_out(r, 0)->data, r->pool);
    return st == TN_OK ? st : tn_fail_at(st, "%s", tn_node_where(r->node));
}

/* ------------------------------------------------------------------------------------------------------- softmax */

static tn_status softmax_infer(tn_infer *c) {
    int axis;
    if (tn_infer_rank(c, 0) > 0) TN_TRY(tn_infer_axis(c, tn_attr_int(c->node, "axis", -1), tn_infer_rank(c, 0), &axis));
    return tn_infer_same(c);
}

static tn_status softmax_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    lines l = lines_of(x, x->rank ? tn_op_axis(r->node, "axis", -1, x->rank) : 0);
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

static tn_status cumulate_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    int64_t axis;
    TN_TRY(tn_op_one_int(r, 1, 0, &axis));
    if (x->rank == 0 || axis < -x->rank || axis >= x->rank)
        return tn_op_fail(r->node, TN_E_INVALID, "axis %lld is outside -%d..%d", (long long)axis, x->rank, x->rank - 1);
    lines l = lines_of(x, (int)(axis < 0 ? axis + x->rank : axis));
    tn_status st =
        tn_cumsum_run(x->dtype, l.outer, l.n, l.inner, tn_attr_int(r->node, "exclusive", 0) != 0,
                      tn_attr_int(r->node, "reverse", 0) != 0, r->node->op->arg, x->data, tn_out(r, 0)->data, r->pool);
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
static const tn_attr_spec reduce_attrs[] = { { "keepdims", TN_ATTR_INT },
                                             { "noop_with_empty_axes", TN_ATTR_INT },
                                             { 0 } };
static const tn_attr_spec arg_attrs[] = {
    { "axis", TN_ATTR_INT }, { "keepdims", TN_ATTR_INT }, { "select_last_index", TN_ATTR_INT }, { 0 }
};
static const tn_attr_spec axis_attrs[] = { { "axis", TN_ATTR_INT }, { 0 } };
static const tn_attr_spec cumulate_attrs[] = { { "exclusive", TN_ATTR_INT }, { "reverse", TN_ATTR_INT }, { 0 } };

#define REDUCE_OF(kind_, name_, since_, arg_, doc_)                                                         \
    {                                                                                                       \
        .name = name_, .since = since_, .in = kind_##_in, .out = kind_##_out, .attrs = reduce_attrs,        \
        .infer = reduce_infer, .cost = reduce_cost, .run = reduce_run, .grad = tn_grad_reduce, .arg = arg_, \
        .doc = doc_                                                                                         \
    }
#define REDUCE(name_, since_, arg_, doc_)  REDUCE_OF(reduce, name_, since_, arg_, doc_)
#define EXTREME(name_, since_, arg_, doc_) REDUCE_OF(extreme, name_, since_, arg_, doc_)
#define ARG(name_, arg_, doc_)                                                                                  \
    {                                                                                                           \
        .name = name_, .since = 13, .in = tn_ports_real_t, .out = tn_ports_i64, .attrs = arg_attrs,             \
        .infer = arg_infer, .cost = reduce_cost, .run = arg_run, .grad = tn_grad_none, .arg = arg_, .doc = doc_ \
    }
#define SOFTMAX(name_, arg_, grad_, doc_)                                                                     \
    {                                                                                                         \
        .name = name_, .since = 13, .flags = TN_OP_INPLACE, .in = tn_ports_float_t, .out = tn_ports_float_t,  \
        .attrs = axis_attrs, .infer = softmax_infer, .cost = softmax_cost, .run = softmax_run, .grad = grad_, \
        .arg = arg_, .doc = doc_                                                                              \
    }
#define CUMULATE(name_, since_, arg_, doc_)                                                              \
    {                                                                                                    \
        .name = name_, .since = since_, .in = cumulate_in, .out = cumulate_out, .attrs = cumulate_attrs, \
        .infer = tn_infer_same, .run = cumulate_run, .grad = tn_grad_cumulate, .arg = arg_, .doc = doc_  \
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
