/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* slice.c - Slice and Split: parts of a tensor. */
#include "kernel/move.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/shape/grads.h"
#include <string.h>

/* --------------------------------------------------------------------------------------------------------- Slice */

typedef struct {
    tn_dim start[TN_MAX_RANK], step[TN_MAX_RANK], count[TN_MAX_RANK]; /* per dimension; unknown parts are UNKNOWN */
} slice_spec;

/* One axis: start and end clamped as the specification says; the count of elements taken. */
static void slice_axis(tn_syms *syms, tn_dim len, tn_dim start, tn_dim end, int64_t step, tn_dim *first,
                       tn_dim *count) {
    *first = *count = TN_DIM_UNKNOWN;
    if (tn_dim_known(len) && tn_dim_known(start) && tn_dim_known(end)) {
        int64_t lo = step > 0 ? 0 : -1, hi = step > 0 ? len : len - 1;
        if (start < 0) start += len;
        if (end < 0) end += len;
        start = start < 0 ? 0 : start; /* also backwards: the specification clamps starts to 0 there, ends to -1 */
        start = start > hi ? hi : start;
        end = end < lo ? lo : end > hi ? hi : end;
        int64_t span = step > 0 ? end - start : start - end, by = step > 0            ? step
                                                                  : step == INT64_MIN ? INT64_MAX
                                                                                      : -step;
        *first = start;
        *count = span <= 0 ? 0 : (span - 1) / by + 1;
        return;
    }
    if (step < 1) return;
    /* Symbolic: the usual forms x[a:], x[:n], x[-n:], x[a:b] of a dimension long enough for them. */
    if (tn_dim_known(end) && end >= (INT64_C(1) << 31) - 1) end = len;
    if (tn_dim_known(start) && start < 0) start = tn_dim_max(syms, tn_dim_add(syms, len, start), 0);
    if (tn_dim_known(end) && end < 0) end = tn_dim_add(syms, len, end);
    end = tn_dim_min(syms, end, len);
    tn_dim span = tn_dim_max(syms, tn_dim_sub(syms, end, start), 0);
    *count = tn_dim_ceil_div(syms, span, step);
    *first = start;
}

/* Reads starts, ends, axes, steps (inputs 1..4). known: whether the axes and steps are. */
static tn_status slice_read(tn_infer *c, slice_spec *s, bool *known) {
    int rank = c->in[0]->rank, ns, ne, na = 0, nt = 0;
    const tn_dim *starts = tn_infer_ints(c, 1, &ns), *ends = tn_infer_ints(c, 2, &ne);
    const tn_dim *axes = tn_infer_has(c, 3) ? tn_infer_ints(c, 3, &na) : NULL;
    const tn_dim *steps = tn_infer_has(c, 4) ? tn_infer_ints(c, 4, &nt) : NULL;
    bool seen[TN_MAX_RANK] = { 0 };
    *known = starts && ends && (!tn_infer_has(c, 3) || axes) && (!tn_infer_has(c, 4) || steps);
    if (!*known) return TN_OK;
    if (ns != ne || (axes && na != ns) || (steps && nt != ns))
        return tn_infer_fail(c, TN_E_SHAPE, "starts, ends, axes and steps have %d, %d, %d and %d entries", ns, ne,
                             axes ? na : ns, steps ? nt : ns);
    if (!axes && ns > rank) return tn_infer_fail(c, TN_E_SHAPE, "starts has %d entries for %d dimensions", ns, rank);
    for (int i = 0; i < rank; i++) s->start[i] = 0, s->step[i] = 1, s->count[i] = c->in[0]->dims[i];
    for (int i = 0; i < ns; i++) {
        int axis = i;
        if ((axes && !tn_dim_known(axes[i])) || (steps && !tn_dim_known(steps[i]))) {
            *known = false;
            return TN_OK;
        }
        if (axes) TN_TRY(tn_op_axis(c->node, axes[i], rank, &axis));
        if (seen[axis]) return tn_infer_fail(c, TN_E_INVALID, "axis %d is named twice", axis);
        if (steps && steps[i] == 0) return tn_infer_fail(c, TN_E_INVALID, "steps[%d] is 0", i);
        seen[axis] = true;
        s->step[axis] = steps ? steps[i] : 1;
        slice_axis(c->syms, c->in[0]->dims[axis], starts[i], ends[i], s->step[axis], &s->start[axis], &s->count[axis]);
    }
    return TN_OK;
}

static tn_status slice_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), n;
    slice_spec s;
    bool known;
    if (rank < 0) {
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), -1, NULL);
        return TN_OK;
    }
    TN_TRY(slice_read(c, &s, &known));
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, known ? s.count : NULL);
    const tn_dim *data = known && rank == 1 ? tn_infer_contents(c, 0, &n) : NULL;
    if (data && tn_dim_known(s.count[0]) && tn_dim_known(s.start[0]) && s.count[0] <= TN_CONTENT_MAX) {
        tn_dim v[TN_CONTENT_MAX];
        int64_t step = s.count[0] > 1 ? s.step[0] : 0; /* a step that is not taken may be any number */
        for (int i = 0; i < s.count[0]; i++) v[i] = data[s.start[0] + i * step];
        tn_infer_out_content(c, 0, v, (int)s.count[0]);
    }
    return TN_OK;
}

/* Copies the box of `count` elements per dimension, from start by step, of x into y (dense). Trailing dimensions that
 * are taken whole are moved as one run. */
static void copy_box(tn_tensor *y, const tn_tensor *x, const int64_t *start, const int64_t *step, const int64_t *count,
                     tn_pool *pool) {
    int rank = x->rank, outer = rank;
    int64_t run = 1, total = tn_count(y), at[TN_MAX_RANK] = { 0 }, stride[TN_MAX_RANK + 1];
    stride[rank] = 1;
    for (int d = rank - 1; d >= 0; d--) stride[d] = stride[d + 1] * x->dims[d];
    if (total > 0 && tn_dtypes[x->dtype].block == 1) {
        int64_t sx[TN_MAX_RANK], sy[TN_MAX_RANK], from = 0, dense = 1;
        for (int d = rank - 1; d >= 0; d--) {
            sx[d] = count[d] > 1 ? stride[d + 1] * step[d] : 0; /* a step that is not taken may be any number */
            sy[d] = dense;
            dense *= count[d];
            from += start[d] * stride[d + 1];
        }
        int bytes = tn_dtypes[x->dtype].bytes;
        tn_copy_run(bytes, rank, count, (const char *)x->data + from * bytes, sx, y->data, sy, pool);
        return;
    }
    /* packed elements */
    while (outer > 0 && count[outer - 1] == x->dims[outer - 1] && step[outer - 1] == 1) run *= count[--outer];
    if (outer > 0 && step[outer - 1] == 1) run *= count[--outer];
    if (total == 0) return;
    int64_t off = 0;
    for (int d = 0; d < rank; d++) off += start[d] * stride[d + 1];
    for (int64_t done = 0; done < total; done += run) {
        tn_op_copy_elements(y, done, x, off, run);
        for (int d = outer - 1; d >= 0; d--) {
            if (count[d] == 1) continue;
            off += step[d] * stride[d + 1];
            if (++at[d] < count[d]) break;
            off -= count[d] * step[d] * stride[d + 1];
            at[d] = 0;
        }
    }
}

/* Within what a tn_dim holds as a constant: "to the very end" is often written as INT64_MIN or INT64_MAX. */
static tn_dim bound(int64_t v) {
    const int64_t most = INT64_C(1) << 61;
    return v < -most ? -most : v > most ? most : v;
}

static tn_status slice_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    int64_t *starts, *ends, *axes = NULL, *steps = NULL, n, m, n_axes, n_steps;
    int64_t start[TN_MAX_RANK], step[TN_MAX_RANK];
    TN_TRY(tn_op_ints(r, tn_in(r, 1), &starts, &n));
    TN_TRY(tn_op_ints(r, tn_in(r, 2), &ends, &m));
    n_axes = n_steps = n;
    if (tn_run_has(r, 3)) TN_TRY(tn_op_ints(r, tn_in(r, 3), &axes, &n_axes));
    if (tn_run_has(r, 4)) TN_TRY(tn_op_ints(r, tn_in(r, 4), &steps, &n_steps));
    if (n != m || n_axes != n || n_steps != n || n > x->rank) /* a scalar's shape is known without them */
        return tn_op_fail(r->node, TN_E_SHAPE, "starts, ends, axes and steps do not fit each other or the data");
    for (int d = 0; d < x->rank; d++) start[d] = 0, step[d] = 1;
    for (int64_t i = 0; i < n; i++) {
        int64_t d = axes ? axes[i] : i;
        tn_dim count;
        if (d < 0) d += x->rank;
        if (d < 0 || d >= x->rank) return tn_op_fail(r->node, TN_E_INVALID, "there is no axis %lld", (long long)d);
        if (starts[i] < TN_DIM_EXPR_TOP) starts[i] = TN_DIM_EXPR_TOP; /* "from the very end": no tn_dim goes lower */
        if (ends[i] < TN_DIM_EXPR_TOP) ends[i] = TN_DIM_EXPR_TOP;
        step[d] = steps ? steps[i] : 1;
        slice_axis(NULL, x->dims[d], bound(starts[i]), bound(ends[i]), step[d], &start[d], &count);
    }
    copy_box(y, x, start, step, y->dims, r->pool);
    return tn_op_own_strings(y);
}

/* --------------------------------------------------------------------------------------------------------- Split */

typedef struct {
    int64_t axis, num_outputs; /* num_outputs 0: as many as the node has */
} cutting;

static int64_t parts_of(const cutting *a, int n_out) { return a->num_outputs ? a->num_outputs : n_out; }

static tn_status split_infer(tn_infer *c) {
    const cutting *a = c->attrs;
    int rank = tn_infer_rank(c, 0), axis, n;
    tn_dtype t = tn_infer_dtype(c, 0);
    int64_t parts = parts_of(a, c->n_out);
    bool all = true; /* every size is known */
    if (rank < 0) {
        for (int i = 0; i < c->n_out; i++) tn_infer_out(c, i, t, -1, NULL);
        return TN_OK;
    }
    TN_TRY(tn_op_axis(c->node, a->axis, rank, &axis));
    tn_dim len = c->in[0]->dims[axis], dims[TN_MAX_RANK];
    const tn_dim *split = tn_infer_has(c, 1) ? tn_infer_ints(c, 1, &n) : NULL;
    memcpy(dims, c->in[0]->dims, sizeof dims);
    if (split && n != c->n_out) return tn_infer_fail(c, TN_E_SHAPE, "split has %d entries for %d outputs", n, c->n_out);
    if (parts < c->n_out || parts < 1)
        return tn_infer_fail(c, TN_E_INVALID, "num_outputs is %lld for %d outputs", (long long)parts, c->n_out);
    tn_dim each = tn_dim_known(len) ? len / parts + (len % parts > 0) : tn_dim_ceil_div(c->syms, len, parts), sum = 0;
    if (!tn_infer_has(c, 1) && tn_dim_known(len) && each > 0 && parts - 1 > len / each)
        return tn_infer_fail(c, TN_E_SHAPE, "%lld elements cannot be cut into %lld parts: %lld in each leave nothing",
                             (long long)len, (long long)parts, (long long)each);
    for (int i = 0; i < c->n_out; i++) {
        if (split)
            dims[axis] = split[i];
        else if (tn_infer_has(c, 1))
            dims[axis] = TN_DIM_UNKNOWN;
        else /* equal parts; the last one is what is left */
            dims[axis] = i + 1 < parts ? each : tn_dim_sub(c->syms, len, tn_dim_mul(c->syms, each, parts - 1));
        if (tn_dim_known(dims[axis]) && dims[axis] < 0)
            return tn_infer_fail(c, TN_E_SHAPE, "split[%d] is %lld", i, (long long)dims[axis]);
        sum = tn_dim_add(c->syms, sum, dims[axis]);
        all = all && tn_dim_known(dims[axis]);
        tn_infer_out(c, i, t, rank, dims);
    }
    if (split && all && tn_dim_known(len) && sum != len) /* also a sum beyond all numbers */
        return tn_infer_fail(c, TN_E_SHAPE, "split adds up to %lld, axis %d has %lld", (long long)sum, axis,
                             (long long)len);
    int nd; /* parts of a shape */
    const tn_dim *data = rank == 1 && all ? tn_infer_contents(c, 0, &nd) : NULL;
    for (int i = 0, at = 0; data && i < c->n_out && c->out[i].dims[0] <= nd - at; i++) {
        tn_infer_out_content(c, i, data + at, (int)c->out[i].dims[0]);
        at += (int)c->out[i].dims[0];
    }
    return TN_OK;
}

static tn_status split_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    const cutting *a = r->attrs;
    int axis = tn_op_axis_at(a->axis, x->rank);
    int64_t zero[TN_MAX_RANK] = { 0 }, one[TN_MAX_RANK], *split = NULL, n = 0;
    int64_t each = 0, parts = parts_of(a, r->n_out);
    for (int d = 0; d < x->rank; d++) one[d] = 1;
    if (tn_run_has(r, 1))
        TN_TRY(tn_op_ints(r, tn_in(r, 1), &split, &n));
    else
        each = x->dims[axis] / parts + (x->dims[axis] % parts > 0);
    for (int i = 0; i < r->n_out; i++) { /* an output nobody wants still takes its part */
        tn_tensor *y = tn_out(r, i);
        if (y) {
            copy_box(y, x, zero, one, y->dims, r->pool);
            TN_TRY(tn_op_own_strings(y));
        }
        zero[axis] += split ? split[i] : each;
        if (zero[axis] > x->dims[axis]) zero[axis] = x->dims[axis];
    }
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port slice_in[] = { { "data", TN_ANY_TYPE, 'T' },
                                    { "starts", TN_INDEX, 'I' },
                                    { "ends", TN_INDEX, 'I' },
                                    { "axes", TN_INDEX, 'I', .optional = true },
                                    { "steps", TN_INDEX, 'I', .optional = true },
                                    { 0 } };
static const tn_port split_in[] = { { "input", TN_ANY_TYPE, 'T' },
                                    { "split", tn_dtype_bit(TN_I64), 0, .optional = true },
                                    { 0 } };
static const tn_attr_spec split_attrs[] = { { TN_INT(cutting, axis, 0) },
                                            { TN_INT(cutting, num_outputs, 0), .min = 1, .max = INT32_MAX },
                                            { 0 } };

const tn_op tn_ops_slice[] = {
    { .name = "Slice",
      .since = 13,
      .in = slice_in,
      .out = tn_ports_any_t,
      .infer = slice_infer,
      .run = slice_run,
      .grad = tn_grad_slice,
      .doc = "from starts to ends by steps along axes" },
    { .name = "Split",
      .since = 18,
      .in = split_in,
      .out = tn_ports_any_many,
      TN_ATTRS(split_attrs, cutting),
      .infer = split_infer,
      .run = split_run,
      .grad = tn_grad_split,
      .doc = "parts along axis, of the given or equal sizes" },
    { 0 },
};
