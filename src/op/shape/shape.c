/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* shape.c - operators on shapes: they read a tensor's dimensions, give its memory another shape, or make tensors from
 * shapes. Their contents are followed symbolically, so that a Shape -> Gather -> Concat -> Reshape chain keeps its
 * meaning before any data exists. */
#include "base/budget.h"
#include "op/core/support.h"
#include "op/shape/grads.h"
#include <string.h>

/* ------------------------------------------------------------------------------------------------- Shape and Size */

typedef struct {
    int64_t start, end;
} shape_part;

/* Shape's start and end attributes, clamped to 0..rank. */
static void shape_range(const shape_part *a, int rank, int *start, int *end) {
    int64_t s = a->start, e = a->end;
    if (s < 0) s += rank;
    if (e < 0) e += rank;
    *start = (int)(s < 0 ? 0 : s > rank ? rank : s);
    *end = (int)(e < *start ? *start : e > rank ? rank : e);
}

static tn_status shape_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), start, end;
    if (rank < 0) {
        tn_infer_out(c, 0, TN_I64, 1, NULL);
        return TN_OK;
    }
    shape_range(c->attrs, rank, &start, &end);
    tn_infer_out(c, 0, TN_I64, 1, (tn_dim[]){ end - start });
    tn_infer_out_content(c, 0, c->in[0]->dims + start, end - start);
    return TN_OK;
}

static tn_status shape_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    int start, end;
    shape_range(r->attrs, x->rank, &start, &end);
    for (int i = start; i < end; i++) ((int64_t *)tn_out(r, 0)->data)[i - start] = x->dims[i];
    return TN_OK;
}

static tn_status size_infer(tn_infer *c) {
    tn_infer_out(c, 0, TN_I64, 0, NULL);
    if (tn_infer_rank(c, 0) >= 0) {
        tn_dim n = tn_type_count(c->syms, c->in[0]);
        tn_infer_out_content(c, 0, &n, 1);
    }
    return TN_OK;
}

static tn_status size_run(tn_run *r) {
    *(int64_t *)tn_out(r, 0)->data = tn_count(tn_in(r, 0));
    return TN_OK;
}

/* -------------------------------------------------------------------- the same memory under another shape (aliases) */

static void pass_content(tn_infer *c) {
    if (c->in_content[0]) tn_infer_out_content(c, 0, c->in_content[0]->v, c->in_content[0]->n);
}

typedef struct {
    bool allowzero;
} reshape;

/* Reshape: 0 copies the input's dimension (unless allowzero), one -1 takes what is left. */
static tn_status reshape_infer(tn_infer *c) {
    int n, wild = -1, rank = tn_infer_rank(c, 0);
    const tn_dim *want = tn_infer_ints(c, 1, &n);
    tn_dim dims[TN_MAX_RANK];
    bool allowzero = ((const reshape *)c->attrs)->allowzero, has_zero = false;
    pass_content(c);
    if (!want) { /* the rank may be known even when the numbers are not */
        const tn_type *s = tn_infer_has(c, 1) ? c->in[1] : NULL;
        bool ranked = s && s->rank == 1 && tn_dim_known(s->dims[0]) && s->dims[0] <= TN_MAX_RANK;
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), ranked ? (int)s->dims[0] : -1, NULL);
        return TN_OK;
    }
    if (n > TN_MAX_RANK) return tn_infer_fail(c, TN_E_SHAPE, "shape has %d entries, at most %d can be", n, TN_MAX_RANK);
    for (int i = 0; i < n; i++) {
        dims[i] = want[i];
        if (want[i] == -1) {
            if (wild >= 0) return tn_infer_fail(c, TN_E_SHAPE, "shape holds -1 twice (entries %d and %d)", wild, i);
            wild = i;
        } else if (tn_dim_known(want[i]) && want[i] < -1) {
            return tn_infer_fail(c, TN_E_SHAPE, "shape[%d] is %lld; only -1, 0 and sizes can be", i,
                                 (long long)want[i]);
        } else if (want[i] == 0 && !allowzero) {
            if (rank >= 0 && i >= rank)
                return tn_infer_fail(c, TN_E_SHAPE, "shape[%d] is 0 (copy), but the input has only %d dimensions", i,
                                     rank);
            dims[i] = rank < 0 ? TN_DIM_UNKNOWN : c->in[0]->dims[i];
        } else if (want[i] == 0) {
            has_zero = true;
        }
    }
    if (wild >= 0 && has_zero) return tn_infer_fail(c, TN_E_SHAPE, "shape holds -1 and 0 with allowzero");
    /* Common factors are left out on both sides, so that unknown dimensions that are copied do not matter. */
    tn_dim total = 1, rest = 1;
    bool empty = false; /* a size of 0 is copied: nothing fits nothing, whatever else is asked */
    for (int i = 0; i < (rank < 0 ? 0 : rank); i++) {
        bool copied = i < n && i != wild && want[i] == 0 && !allowzero;
        empty = empty || (copied && c->in[0]->dims[i] == 0);
        if (!copied) total = tn_dim_mul(c->syms, total, c->in[0]->dims[i]);
    }
    for (int i = 0; i < n; i++) {
        bool copied = want[i] == 0 && !allowzero;
        if (!copied && i != wild) rest = tn_dim_mul(c->syms, rest, dims[i]);
    }
    if (rank < 0) total = TN_DIM_UNKNOWN;
    if (wild >= 0) {
        if (tn_dim_known(total) && tn_dim_known(rest) && (rest == 0 ? total != 0 : total % rest != 0))
            return tn_infer_fail(c, TN_E_SHAPE, "%lld elements cannot be split by %lld for the -1 in shape",
                                 (long long)total, (long long)rest);
        dims[wild] = rest == 0 ? 0 : tn_dim_div(c->syms, total, rest);
    } else if (tn_dim_known(total) && tn_dim_known(rest) && total != rest && !empty) {
        return tn_infer_fail(c, TN_E_SHAPE, "%lld elements do not fit a shape of %lld", (long long)total,
                             (long long)rest);
    }
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), n, dims);
    return TN_OK;
}

/* Marks the axes of an axes input (negative ones count from `rank`). */
static tn_status read_axes(tn_infer *c, const tn_dim *axes, int n, int rank, bool *marked) {
    for (int i = 0; i < n; i++) {
        int axis;
        TN_TRY(tn_op_axis(c->node, axes[i], rank, &axis));
        if (marked[axis]) return tn_infer_fail(c, TN_E_INVALID, "axis %d is named twice", axis);
        marked[axis] = true;
    }
    return TN_OK;
}

static bool all_known(const tn_dim *v, int n) {
    for (int i = 0; i < n; i++)
        if (!tn_dim_known(v[i])) return false;
    return true;
}

static tn_status squeeze_infer(tn_infer *c) {
    int n = 0, rank = tn_infer_rank(c, 0), out = 0;
    const tn_dim *axes = tn_infer_has(c, 1) ? tn_infer_ints(c, 1, &n) : NULL;
    bool drop[TN_MAX_RANK] = { 0 };
    tn_dim dims[TN_MAX_RANK];
    pass_content(c);
    if (rank < 0 || (tn_infer_has(c, 1) && (!axes || !all_known(axes, n)))) {
        int length = tn_infer_length(c, 1);
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), length >= 0 && length <= rank ? rank - length : -1, NULL);
        return TN_OK;
    }
    const tn_dim *in = c->in[0]->dims;
    if (axes) TN_TRY(read_axes(c, axes, n, rank, drop));
    for (int i = 0; i < rank; i++) {
        if (!axes && !tn_dim_known(in[i])) { /* whether it is 1 is not known: nor is the rank */
            tn_infer_out(c, 0, tn_infer_dtype(c, 0), -1, NULL);
            return TN_OK;
        }
        if (!axes) drop[i] = in[i] == 1;
        if (drop[i] && tn_dim_known(in[i]) && in[i] != 1)
            return tn_infer_fail(c, TN_E_SHAPE, "dimension %d is %lld; only 1 can be squeezed", i, (long long)in[i]);
        if (!drop[i]) dims[out++] = in[i];
    }
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), out, dims);
    return TN_OK;
}

static tn_status unsqueeze_infer(tn_infer *c) {
    int n, rank = tn_infer_rank(c, 0);
    const tn_dim *axes = tn_infer_ints(c, 1, &n);
    bool fresh[TN_MAX_RANK] = { 0 };
    tn_dim dims[TN_MAX_RANK];
    pass_content(c);
    if (rank < 0 || !axes || !all_known(axes, n)) {
        int length = tn_infer_length(c, 1);
        bool ranked = rank >= 0 && length >= 0 && length <= TN_MAX_RANK - rank;
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), ranked ? rank + length : -1, NULL);
        return TN_OK;
    }
    if (n > TN_MAX_RANK - rank)
        return tn_infer_fail(c, TN_E_SHAPE, "%d more dimensions than %d; at most %d can be", n, rank, TN_MAX_RANK);
    TN_TRY(read_axes(c, axes, n, rank + n, fresh));
    for (int i = 0, from = 0; i < rank + n; i++) dims[i] = fresh[i] ? 1 : c->in[0]->dims[from++];
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank + n, dims);
    return TN_OK;
}

typedef struct {
    int64_t axis;
} flatten;

static tn_status flatten_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    int64_t axis = ((const flatten *)c->attrs)->axis;
    if (rank < 0) {
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), 2, NULL);
        return TN_OK;
    }
    if (axis < -rank || axis > rank)
        return tn_infer_fail(c, TN_E_INVALID, "axis %lld is outside -%d..%d", (long long)axis, rank, rank);
    if (axis < 0) axis += rank;
    tn_dim dims[2] = { 1, 1 };
    for (int i = 0; i < rank; i++) dims[i >= axis] = tn_dim_mul(c->syms, dims[i >= axis], c->in[0]->dims[i]);
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), 2, dims);
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------- tensors made from shapes */

typedef struct {
    const tn_tensor *value; /* NULL: 0.0f */
} fill;

static tn_status constant_of_shape_infer(tn_infer *c) {
    const tn_tensor *value = ((const fill *)c->attrs)->value;
    tn_dtype t = value ? value->dtype : TN_F32;
    int n;
    const tn_dim *dims = tn_infer_ints(c, 0, &n);
    if (value && tn_count(value) != 1)
        return tn_infer_fail(c, TN_E_INVALID, "attribute 'value' must hold one element, not %lld",
                             (long long)tn_count(value));
    if (!dims) {
        const tn_type *s = tn_infer_has(c, 0) ? c->in[0] : NULL;
        bool ranked = s && s->rank == 1 && tn_dim_known(s->dims[0]) && s->dims[0] <= TN_MAX_RANK;
        tn_infer_out(c, 0, t, ranked ? (int)s->dims[0] : -1, NULL);
        return TN_OK;
    }
    if (n > TN_MAX_RANK) return tn_infer_fail(c, TN_E_SHAPE, "shape has %d entries, at most %d can be", n, TN_MAX_RANK);
    for (int i = 0; i < n; i++)
        if (tn_dim_known(dims[i]) && dims[i] < 0)
            return tn_infer_fail(c, TN_E_SHAPE, "shape[%d] is %lld; a size cannot be negative", i, (long long)dims[i]);
    tn_infer_out(c, 0, t, n, dims);
    if (tn_dtype_is_int(t) && n <= 1 && (n == 0 || (tn_dim_known(dims[0]) && dims[0] <= TN_CONTENT_MAX))) {
        tn_dim v[TN_CONTENT_MAX];
        int count = n == 0 ? 1 : (int)dims[0];
        for (int i = 0; i < count; i++) v[i] = tn_op_dim_at(value, 0);
        tn_infer_out_content(c, 0, v, count);
    }
    return TN_OK;
}

static tn_status constant_of_shape_run(tn_run *r) {
    tn_tensor *y = tn_out(r, 0);
    const tn_tensor *value = ((const fill *)r->attrs)->value;
    int64_t n = tn_count(y);
    tn_ticks ticks = { 0 };
    if (y->dtype == TN_STRING) {
        const tn_string *s = value->data;
        for (int64_t i = 0; i < n; i++) {
            if (tn_ticks_stopped(&ticks, 64 + s->len)) return tn_op_stopped(r);
            TN_TRY(tn_tensor_set_string(y, i, s->ptr, s->len));
        }
        return TN_OK;
    }
    size_t bytes = 0;
    tn_dtype_bytes(y->dtype, n, &bytes);
    if (!value) {
        tn_budget_clear(y->data, bytes);
    } else if (tn_dtypes[y->dtype].block > 1) {
        for (int64_t i = 0; i < n && !tn_ticks_stopped(&ticks, 4); i++) tn_op_copy_element(y, i, value, 0);
    } else {
        size_t each = (size_t)tn_dtypes[y->dtype].bytes;
        for (int64_t i = 0; i < n && !tn_ticks_stopped(&ticks, 1); i++)
            memcpy((char *)y->data + (size_t)i * each, value->data, each);
    }
    return TN_OK;
}

/* Range: how many steps lie in [start, limit). */
static int64_t range_count(double start, double limit, double delta) {
    double n = (limit - start) / delta;
    if (!(n > 0)) return 0;
    int64_t whole = n >= 9e15 ? INT64_MAX / 4 : (int64_t)n;
    return whole + ((double)whole < n);
}

/* start + i delta: every step that is taken fits, the products need not. */
static int64_t step_of(int64_t start, int64_t delta, int64_t i) {
    return (int64_t)((uint64_t)start + (uint64_t)delta * (uint64_t)i);
}

static tn_status range_infer(tn_infer *c) {
    tn_dtype t = tn_infer_dtype(c, 0);
    const tn_tensor *start = tn_infer_tensor(c, 0), *limit = tn_infer_tensor(c, 1), *delta = tn_infer_tensor(c, 2);
    tn_dim n = TN_DIM_UNKNOWN;
    for (int i = 0; i < 3; i++) {
        const tn_tensor *x = tn_infer_tensor(c, i);
        if (x && tn_count(x) != 1)
            return tn_infer_fail(c, TN_E_SHAPE, "input %d has %lld elements, should have one", i,
                                 (long long)tn_count(x));
    }
    if (start && limit && delta) {
        if (tn_dtype_is_int(t)) { /* exact beyond 2^53 */
            int64_t s = tn_get_i64(t, start->data, 0), l = tn_get_i64(t, limit->data, 0),
                    d = tn_get_i64(t, delta->data, 0);
            if (d == 0) return tn_infer_fail(c, TN_E_INVALID, "delta is 0");
            __int128 span = (__int128)l - s, count = span / d + (span % d != 0 && (span < 0) == (d < 0));
            n = count < 0 ? 0 : count > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)count;
        } else {
            double d = tn_get_f64(t, delta->data, 0);
            if (d == 0) return tn_infer_fail(c, TN_E_INVALID, "delta is 0");
            n = range_count(tn_get_f64(t, start->data, 0), tn_get_f64(t, limit->data, 0), d);
        }
        tn_infer_out(c, 0, t, 1, &n);
        if (tn_dtype_is_int(t) && n <= TN_CONTENT_MAX) {
            tn_dim v[TN_CONTENT_MAX];
            for (int i = 0; i < n; i++)
                v[i] = tn_dim_clamp(step_of(tn_get_i64(t, start->data, 0), tn_get_i64(t, delta->data, 0), i));
            tn_infer_out_content(c, 0, v, (int)n);
        }
        return TN_OK;
    }
    int ns, nl, nd;
    const tn_dim *s = tn_infer_ints(c, 0, &ns), *l = tn_infer_ints(c, 1, &nl), *d = tn_infer_ints(c, 2, &nd);
    if (s && l && d && ns == 1 && nl == 1 && nd == 1 && d[0] == 1) /* a length that a symbol names */
        n = tn_dim_max(c->syms, tn_dim_sub(c->syms, l[0], s[0]), 0);
    tn_infer_out(c, 0, t, 1, &n);
    return TN_OK;
}

static tn_status range_run(tn_run *r) {
    tn_tensor *y = tn_out(r, 0);
    const tn_tensor *start = tn_in(r, 0), *delta = tn_in(r, 2);
    tn_ticks ticks = { 0 };
    if (tn_dtype_is_int(y->dtype)) {
        int64_t v = tn_get_i64(y->dtype, start->data, 0), d = tn_get_i64(y->dtype, delta->data, 0);
        for (int64_t i = 0; i < y->dims[0] && !tn_ticks_stopped(&ticks, 2); i++)
            tn_set_i64(y->dtype, y->data, i, step_of(v, d, i));
    } else {
        double v = tn_get_f64(y->dtype, start->data, 0), d = tn_get_f64(y->dtype, delta->data, 0);
        for (int64_t i = 0; i < y->dims[0] && !tn_ticks_stopped(&ticks, 4); i++)
            tn_set_f64(y->dtype, y->data, i, v + (double)i * d);
    }
    return TN_OK;
}

typedef struct {
    tn_dtype dtype;
    int64_t k;
} eye;

static tn_status eye_infer(tn_infer *c) {
    tn_dtype given = ((const eye *)c->attrs)->dtype, t = given ? given : tn_infer_dtype(c, 0);
    int rank = tn_infer_rank(c, 0);
    if (given && !(tn_dtype_bit(given) & (TN_REAL | TN_BOOLS)))
        return tn_infer_fail(c, TN_E_TYPE, "there is no identity matrix of %s", tn_dtype_name(given));
    if (rank >= 0 && rank != 2) return tn_infer_fail(c, TN_E_SHAPE, "the input has %d dimensions, 2 are needed", rank);
    tn_infer_out(c, 0, t, 2, rank == 2 ? c->in[0]->dims : NULL);
    return TN_OK;
}

static tn_status eye_run(tn_run *r) {
    tn_tensor *y = tn_out(r, 0);
    int64_t k = ((const eye *)r->attrs)->k, rows = y->dims[0], cols = y->dims[1];
    size_t bytes = 0;
    tn_dtype_bytes(y->dtype, rows * cols, &bytes);
    if (bytes == 0) return TN_OK;
    tn_budget_clear(y->data, bytes);
    if (tn_budget_stopped()) return tn_op_stopped(r);
    for (int64_t i = 0; i < rows; i++)
        if (k < cols - i && k >= -i) tn_set_f64(y->dtype, y->data, i * cols + i + k, 1);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------- rows */

static const tn_port data_in[] = { { "data", TN_ANY_TYPE, 0 }, { 0 } };
static const tn_port int64_out[] = { { "output", tn_dtype_bit(TN_I64), 0 }, { 0 } };
static const tn_port data_ints_in[] = { { "data", TN_ANY_TYPE, 'T' }, { "shape", tn_dtype_bit(TN_I64), 0 }, { 0 } };
static const tn_port data_axes_in[] = { { "data", TN_ANY_TYPE, 'T' },
                                        { "axes", tn_dtype_bit(TN_I64), 0, .optional = true },
                                        { 0 } };
static const tn_port data_out[] = { { "output", TN_ANY_TYPE, 'T' }, { 0 } };
static const tn_port shape_in[] = { { "input", tn_dtype_bit(TN_I64), 0 }, { 0 } };
static const tn_port range_in[] = {
    { "start", TN_REAL, 'T' }, { "limit", TN_REAL, 'T' }, { "delta", TN_REAL, 'T' }, { 0 }
};
static const tn_attr_spec range_attrs[] = { { "stash_type", TN_ATTR_INT }, /* at least that exact: always double */
                                            { 0 } };
static const tn_port eye_in[] = { { "input", TN_REAL | TN_BOOLS, 0 }, { 0 } };

static const tn_attr_spec shape_attrs[] = { { TN_INT(shape_part, start, 0) },
                                            { TN_INT(shape_part, end, INT64_MAX) },
                                            { 0 } };
static const tn_attr_spec reshape_attrs[] = { { TN_FLAG(reshape, allowzero, false) }, { 0 } };
static const tn_attr_spec axis_attrs[] = { { TN_INT(flatten, axis, 1) }, { 0 } };
static const tn_attr_spec value_attrs[] = { { TN_TENSOR_OF(fill, value) }, { 0 } };
static const tn_attr_spec eye_attrs[] = { { TN_DTYPE(eye, dtype, TN_NONE) }, { TN_INT(eye, k, 0) }, { 0 } };

const tn_op tn_ops_shape[] = {
    { .name = "Shape",
      .since = 25,
      .flags = TN_OP_SHAPE_ONLY,
      .in = data_in,
      .out = int64_out,
      TN_ATTRS(shape_attrs, shape_part),
      .infer = shape_infer,
      .run = shape_run,
      .grad = tn_grad_none,
      .doc = "the input's dimensions, or a slice of them" },
    { .name = "Size",
      .since = 25,
      .flags = TN_OP_SHAPE_ONLY,
      .in = data_in,
      .out = int64_out,
      .infer = size_infer,
      .run = size_run,
      .grad = tn_grad_none,
      .doc = "how many elements the input has" },
    { .name = "Reshape",
      .since = 25,
      .flags = TN_OP_ALIAS,
      .in = data_ints_in,
      .out = data_out,
      TN_ATTRS(reshape_attrs, reshape),
      .infer = reshape_infer,
      .grad = tn_grad_reshape,
      .doc = "the same elements under another shape; 0 copies a dimension, -1 is what is left" },
    { .name = "Squeeze",
      .since = 25,
      .flags = TN_OP_ALIAS,
      .in = data_axes_in,
      .out = data_out,
      .infer = squeeze_infer,
      .grad = tn_grad_reshape,
      .doc = "drops dimensions of size 1: the named ones, or all" },
    { .name = "Unsqueeze",
      .since = 25,
      .flags = TN_OP_ALIAS,
      .in = data_axes_in,
      .out = data_out,
      .infer = unsqueeze_infer,
      .grad = tn_grad_reshape,
      .doc = "inserts dimensions of size 1" },
    { .name = "Flatten",
      .since = 25,
      .flags = TN_OP_ALIAS,
      .in = data_in,
      .out = data_out,
      TN_ATTRS(axis_attrs, flatten),
      .infer = flatten_infer,
      .grad = tn_grad_reshape,
      .doc = "two dimensions: those before axis and those from it on, each multiplied out" },
    { .name = "ConstantOfShape",
      .since = 25,
      .in = shape_in,
      .out = data_out,
      TN_ATTRS(value_attrs, fill),
      .infer = constant_of_shape_infer,
      .run = constant_of_shape_run,
      .grad = tn_grad_none,
      .doc = "a tensor of that shape filled with one value" },
    { .name = "Range",
      .since = 27,
      .in = range_in,
      .out = data_out,
      .attrs = range_attrs,
      .infer = range_infer,
      .run = range_run,
      .grad = tn_grad_range,
      .doc = "start, start + delta, ... up to but without limit" },
    { .name = "EyeLike",
      .since = 22,
      .flags = TN_OP_SHAPE_ONLY,
      .in = eye_in,
      .out = data_out,
      TN_ATTRS(eye_attrs, eye),
      .infer = eye_infer,
      .run = eye_run,
      .grad = tn_grad_none,
      .doc = "ones on the k-th diagonal, zeros elsewhere" },
    { 0 },
};
