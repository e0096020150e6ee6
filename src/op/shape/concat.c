/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* concat.c - Concat: tensors one after another along an axis. */
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/shape/grads.h"
#include <string.h>

typedef struct {
    int64_t axis;
} along;

/* How many elements input i has, whatever they are; -1: not known. */
static int64_t unknown_length(const tn_infer *c, int i) {
    return tn_infer_rank(c, i) == 1 && tn_dim_known(c->in[i]->dims[0]) ? c->in[i]->dims[0] : -1;
}

static tn_status concat_infer(tn_infer *c) {
    int rank = -1, axis;
    tn_dim dims[TN_MAX_RANK];
    for (int i = 0; i < c->n_in; i++) {
        int k = tn_infer_rank(c, i);
        if (k < 0) continue;
        if (rank >= 0 && k != rank)
            return tn_infer_fail(c, TN_E_SHAPE, "input %d has %d dimensions, an earlier one %d", i, k, rank);
        rank = k;
    }
    if (rank < 0) {
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), -1, NULL);
        return TN_OK;
    }
    if (rank == 0) return tn_infer_fail(c, TN_E_SHAPE, "scalars cannot be joined");
    TN_TRY(tn_op_axis(c->node, ((const along *)c->attrs)->axis, rank, &axis));
    for (int d = 0; d < rank; d++) dims[d] = d == axis ? 0 : TN_DIM_UNKNOWN;
    for (int i = 0; i < c->n_in; i++) {
        bool ranked = tn_infer_rank(c, i) >= 0;
        for (int d = 0; d < rank; d++) {
            tn_dim k = ranked ? c->in[i]->dims[d] : TN_DIM_UNKNOWN;
            if (d == axis) {
                dims[d] = tn_dim_add(c->syms, dims[d], k);
            } else if (tn_dim_known(dims[d]) && tn_dim_known(k) && dims[d] != k) {
                return tn_infer_fail(c, TN_E_SHAPE, "input %d has %lld in dimension %d, an earlier one %lld", i,
                                     (long long)k, d, (long long)dims[d]);
            } else if (tn_dim_known(k) || dims[d] == TN_DIM_UNKNOWN) {
                dims[d] = k;
            }
        }
    }
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, dims);

    tn_dim v[TN_CONTENT_MAX]; /* joining parts of a shape */
    int n = 0;
    for (int i = 0; rank == 1 && i < c->n_in; i++) {
        int k;
        const tn_dim *part = tn_infer_contents(c, i, &k);
        int64_t length = part ? k : unknown_length(c, i);
        if (length < 0 || length > TN_CONTENT_MAX - n) return TN_OK;
        k = (int)length;
        for (int j = 0; j < k; j++) v[n++] = part ? part[j] : TN_DIM_UNKNOWN;
    }
    if (rank == 1 && tn_dtype_is_int(tn_infer_dtype(c, 0))) tn_infer_out_content(c, 0, v, n);
    return TN_OK;
}

typedef struct {
    const tn_run *r;
    int axis;
    int64_t inner, whole; /* elements behind the axis; elements of one output row */
} concat_job;

static void concat_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const concat_job *j = arg;
    tn_tensor *y = tn_out(j->r, 0);
    (void)thread;
    for (int64_t row = begin; row < end; row++) {
        int64_t at = row * j->whole;
        for (int i = 0; i < j->r->n_in; i++) {
            const tn_tensor *x = tn_in(j->r, i);
            int64_t n = x->dims[j->axis] * j->inner;
            tn_op_copy_elements(y, at, x, row * n, n);
            at += n;
        }
    }
}

static tn_status concat_run(tn_run *r) {
    tn_tensor *y = tn_out(r, 0);
    int axis = tn_op_axis_at(((const along *)r->attrs)->axis, y->rank);
    concat_job j = { r, axis, tn_op_product(y->dims, axis + 1, y->rank), tn_op_product(y->dims, axis, y->rank) };
    bool packed = tn_dtypes[y->dtype].block > 1; /* rows may share bytes: one thread */
    if (tn_count(y) > 0)
        tn_parallel(packed ? NULL : r->pool, tn_op_product(y->dims, 0, axis), 1 + 16384 / (j.whole + 1), concat_rows,
                    &j);
    return tn_op_own_strings(y);
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_attr_spec concat_attrs[] = { { TN_INT(along, axis, 0), .required = true }, { 0 } };

const tn_op tn_ops_concat[] = {
    { .name = "Concat",
      .since = 13,
      .in = tn_ports_any_many,
      .out = tn_ports_any_t,
      TN_ATTRS(concat_attrs, along),
      .infer = concat_infer,
      .run = concat_run,
      .grad = tn_grad_concat,
      .doc = "the inputs one after another along axis" },
    { 0 },
};
