/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gather.c - Gather, GatherElements, GatherND: picking elements and slices by index. */
#include "base/budget.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/shape/grads.h"
#include <string.h>

/* --------------------------------------------------------------------------------------------------------- Gather */

typedef struct {
    int64_t axis;
} along;

static tn_status gather_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), irank = tn_infer_rank(c, 1), axis;
    tn_dtype t = tn_infer_dtype(c, 0);
    tn_dim dims[2 * TN_MAX_RANK];
    if (rank < 0 || irank < 0) {
        tn_infer_out(c, 0, t, -1, NULL);
        return TN_OK;
    }
    if (rank == 0) return tn_infer_fail(c, TN_E_SHAPE, "data is a scalar; there is no axis to gather along");
    TN_TRY(tn_op_axis(c->node, ((const along *)c->attrs)->axis, rank, &axis));
    if (rank - 1 + irank > TN_MAX_RANK)
        return tn_infer_fail(c, TN_E_SHAPE, "the result would have %d dimensions, at most %d can be", rank - 1 + irank,
                             TN_MAX_RANK);
    int n = 0;
    for (int i = 0; i < axis; i++) dims[n++] = c->in[0]->dims[i];
    for (int i = 0; i < irank; i++) dims[n++] = c->in[1]->dims[i];
    for (int i = axis + 1; i < rank; i++) dims[n++] = c->in[0]->dims[i];
    tn_infer_out(c, 0, t, n, dims);

    int nd, ni; /* picking entries of a shape */
    const tn_dim *data = rank == 1 ? tn_infer_contents(c, 0, &nd) : NULL,
                 *idx = irank <= 1 ? tn_infer_contents(c, 1, &ni) : NULL;
    if (data && idx && ni <= TN_CONTENT_MAX) {
        tn_dim v[TN_CONTENT_MAX];
        for (int i = 0; i < ni; i++) {
            int64_t k = idx[i];
            if (!tn_dim_known(k)) {
                v[i] = TN_DIM_UNKNOWN;
                continue;
            }
            if (k < -nd || k >= nd)
                return tn_infer_fail(c, TN_E_INVALID, "index %lld is outside -%d..%d", (long long)k, nd, nd - 1);
            v[i] = data[k < 0 ? k + nd : k];
        }
        tn_infer_out_content(c, 0, v, ni);
    }
    return TN_OK;
}

typedef struct {
    const char *src;
    char *dst;
    const int64_t *idx;
    int64_t n_idx, axis_len;
    size_t row; /* bytes of one slice */
} gather_job;

static void gather_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const gather_job *j = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        int64_t outer = i / j->n_idx, k = j->idx[i % j->n_idx];
        memcpy(j->dst + (size_t)i * j->row, j->src + (size_t)(outer * j->axis_len + k) * j->row, j->row);
    }
}

static tn_status gather_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *ix = tn_in(r, 1);
    tn_tensor *y = tn_out(r, 0);
    int axis = tn_op_axis_at(((const along *)r->attrs)->axis, x->rank);
    int64_t outer = 1, inner = 1, n = tn_count(ix);
    for (int i = 0; i < axis; i++) outer *= x->dims[i];
    for (int i = axis + 1; i < x->rank; i++) inner *= x->dims[i];
    if (n == 0 || outer * inner == 0) return TN_OK;
    int64_t *idx;
    TN_TRY(tn_op_indices(r, ix, x->dims[axis], &idx));
    if (tn_dtypes[x->dtype].block > 1) { /* packed elements: one by one */
        tn_ticks ticks = { 0 };
        for (int64_t i = 0; i < outer * n && !tn_ticks_stopped(&ticks, 16 + 4 * (uint64_t)inner); i++)
            tn_op_copy_elements(y, i * inner, x, (i / n * x->dims[axis] + idx[i % n]) * inner, inner);
        return TN_OK;
    }
    gather_job j = { x->data, y->data, idx, n, x->dims[axis], (size_t)inner * (size_t)tn_dtypes[x->dtype].bytes };
    tn_parallel(r->pool, outer * n, 1 + (int64_t)(65536 / (j.row + 1)), gather_rows, &j);
    return tn_op_own_strings(y);
}

/* ------------------------------------------------------------------------------------------------- GatherElements */

static tn_status gather_elements_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), irank = tn_infer_rank(c, 1), axis;
    if (rank >= 0 && irank >= 0 && rank != irank)
        return tn_infer_fail(c, TN_E_SHAPE, "data has %d dimensions but indices has %d", rank, irank);
    if (rank >= 0) TN_TRY(tn_op_axis(c->node, ((const along *)c->attrs)->axis, rank, &axis));
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), irank, irank < 0 ? NULL : c->in[1]->dims);
    return TN_OK;
}

/* The offset in a tensor of shape xd of the element that index i of a tensor of shape id names, its coordinate along
 * `axis` replaced by k; -1 when a coordinate lies outside. */
static int64_t element_offset(int rank, const int64_t *xd, const int64_t *id, int64_t i, int axis, int64_t k) {
    int64_t off = 0, stride = 1;
    for (int d = rank - 1; d >= 0; d--) {
        int64_t at = d == axis ? k : i % id[d];
        i /= id[d];
        if (at >= xd[d]) return -1;
        off += at * stride;
        stride *= xd[d];
    }
    return off;
}

static tn_status gather_elements_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *ix = tn_in(r, 1);
    tn_tensor *y = tn_out(r, 0);
    int axis = tn_op_axis_at(((const along *)r->attrs)->axis, x->rank);
    int64_t n = tn_count(y), *idx;
    if (n == 0) return TN_OK;
    TN_TRY(tn_op_indices(r, ix, x->dims[axis], &idx));
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < n; i++) {
        if (tn_ticks_stopped(&ticks, 16)) return tn_op_stopped(r);
        int64_t from = element_offset(x->rank, x->dims, ix->dims, i, axis, idx[i]);
        if (from < 0)
            return tn_op_fail(r->node, TN_E_SHAPE, "indices is larger than data in a dimension other than axis %d",
                              axis);
        tn_op_copy_element(y, i, x, from);
    }
    return tn_op_own_strings(y);
}

/* ------------------------------------------------------------------------------------------------------- GatherND */

typedef struct {
    int64_t batch_dims;
} batched;

static tn_status gather_nd_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), irank = tn_infer_rank(c, 1);
    int64_t batch = ((const batched *)c->attrs)->batch_dims;
    tn_dim dims[2 * TN_MAX_RANK];
    if (rank < 0 || irank < 0 || (irank > 0 && !tn_dim_known(c->in[1]->dims[irank - 1]))) {
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), -1, NULL);
        return TN_OK;
    }
    if (rank == 0 || irank == 0) return tn_infer_fail(c, TN_E_SHAPE, "data and indices need at least one dimension");
    int64_t depth = c->in[1]->dims[irank - 1];
    if (batch < 0 || batch >= irank || batch > rank)
        return tn_infer_fail(c, TN_E_INVALID, "batch_dims %lld does not fit ranks %d and %d", (long long)batch, rank,
                             irank);
    if (depth < 1 || depth > rank - batch)
        return tn_infer_fail(c, TN_E_SHAPE, "the last dimension of indices is %lld; 1..%lld fit data", (long long)depth,
                             (long long)(rank - batch));
    int n = 0;
    for (int i = 0; i < irank - 1; i++) dims[n++] = c->in[1]->dims[i];
    for (int i = (int)(batch + depth); i < rank; i++) dims[n++] = c->in[0]->dims[i];
    if (n > TN_MAX_RANK) return tn_infer_fail(c, TN_E_SHAPE, "the result would have %d dimensions", n);
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), n, dims);
    return TN_OK;
}

static tn_status gather_nd_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *ix = tn_in(r, 1);
    tn_tensor *y = tn_out(r, 0);
    int batch = (int)((const batched *)r->attrs)->batch_dims, depth = (int)ix->dims[ix->rank - 1];
    int64_t tuples = tn_count(ix) / (depth ? depth : 1), inner = 1, batches = 1, per_batch = 1;
    for (int i = batch + depth; i < x->rank; i++) inner *= x->dims[i];
    for (int i = 0; i < batch; i++) {
        if (x->dims[i] != ix->dims[i])
            return tn_op_fail(r->node, TN_E_SHAPE, "batch dimension %d is %lld in data but %lld in indices", i,
                              (long long)x->dims[i], (long long)ix->dims[i]);
        batches *= x->dims[i];
    }
    for (int i = batch; i < x->rank; i++) per_batch *= x->dims[i];
    if (tn_count(y) == 0) return TN_OK;
    tn_ticks ticks = { 0 };
    for (int64_t t = 0; t < tuples; t++) {
        int64_t off;
        if (tn_ticks_stopped(&ticks, 16 + (uint64_t)inner)) return tn_op_stopped(r);
        TN_TRY(tn_op_index_tuple(r->node, x->dims + batch, depth, ix, t * depth, &off));
        off = t / (tuples / batches) * per_batch + off * inner;
        tn_op_copy_elements(y, t * inner, x, off, inner);
    }
    return tn_op_own_strings(y);
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port gather_in[] = { { "data", TN_ANY_TYPE, 'T' }, { "indices", TN_INDEX, 0 }, { 0 } };
static const tn_port gather_nd_in[] = { { "data", TN_ANY_TYPE, 'T' }, { "indices", tn_dtype_bit(TN_I64), 0 }, { 0 } };
static const tn_attr_spec axis_attrs[] = { { TN_INT(along, axis, 0) }, { 0 } };
static const tn_attr_spec batch_attrs[] = { { TN_INT(batched, batch_dims, 0) }, { 0 } };

const tn_op tn_ops_gather[] = {
    { .name = "Gather",
      .since = 13,
      .in = gather_in,
      .out = tn_ports_any_t,
      TN_ATTRS(axis_attrs, along),
      .infer = gather_infer,
      .run = gather_run,
      .grad = tn_grad_gather,
      .doc = "slices of data along axis, in the order of indices" },
    { .name = "GatherElements",
      .since = 13,
      .in = gather_in,
      .out = tn_ports_any_t,
      TN_ATTRS(axis_attrs, along),
      .infer = gather_elements_infer,
      .run = gather_elements_run,
      .grad = tn_grad_gather_elements,
      .doc = "one element per index; the index replaces the coordinate along axis" },
    { .name = "GatherND",
      .since = 13,
      .in = gather_nd_in,
      .out = tn_ports_any_t,
      TN_ATTRS(batch_attrs, batched),
      .infer = gather_nd_infer,
      .run = gather_nd_run,
      .grad = tn_grad_copying,
      .doc = "slices of data; each tuple of indices names the first coordinates" },
    { 0 },
};
