/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attention_support.c - what the attention operators share: conversions, layouts, appending to a cache. */
#include "op/attention/attention.h"
#include <string.h>

tn_status tn_op_attention(tn_run *r, const tn_attention *a) {
    size_t bytes = tn_attention_scratch(NULL, a, tn_pool_threads(r->pool));
    void *scratch = bytes && bytes != SIZE_MAX ? tn_run_scratch(r, bytes) : NULL;
    if (bytes && !scratch) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for its scores");
    return tn_attention_run(NULL, a, scratch, r->pool);
}

tn_status tn_op_read_as(tn_run *r, const tn_tensor *t, tn_dtype type, const void **out) {
    *out = t ? t->data : NULL;
    if (!t || t->dtype == type) return TN_OK;
    size_t bytes;
    void *p = tn_dtype_bytes(type, tn_count(t), &bytes) ? tn_run_scratch(r, bytes + 1) : NULL;
    if (!p) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    *out = p;
    return tn_convert(t->dtype, t->data, type, p, tn_count(t), false, TN_ROUND_NEAREST);
}

void *tn_op_room_as(tn_run *r, const tn_tensor *y, tn_dtype type) {
    size_t bytes;
    if (!y) return NULL;
    if (y->dtype == type) return y->data;
    return tn_dtype_bytes(type, tn_count(y), &bytes) ? tn_run_scratch(r, bytes + 1) : NULL;
}

void *tn_op_result_room(tn_run *r, int i, tn_dtype type, int64_t count) {
    size_t bytes;
    if (tn_out(r, i)) return tn_op_room_as(r, tn_out(r, i), type);
    return tn_dtype_bytes(type, count, &bytes) ? tn_run_scratch(r, bytes + 1) : NULL;
}

tn_status tn_op_store_as(const void *p, tn_dtype type, tn_tensor *y) {
    if (!y || y->data == p) return TN_OK;
    return tn_convert(type, p, y->dtype, y->data, tn_count(y), false, TN_ROUND_NEAREST);
}

tn_dim tn_op_dim_times(tn_syms *syms, tn_dim a, tn_dim b) {
    tn_dim c;
    if (!tn_dim_known(a) || !tn_dim_known(b)) return syms ? tn_dim_mul(syms, a, b) : TN_DIM_UNKNOWN;
    return __builtin_mul_overflow(a, b, &c) ? TN_DIM_UNKNOWN : c;
}

tn_dim tn_op_dim_plus(tn_syms *syms, tn_dim a, tn_dim b) {
    tn_dim c;
    if (!tn_dim_known(a) || !tn_dim_known(b)) return syms ? tn_dim_add(syms, a, b) : TN_DIM_UNKNOWN;
    return __builtin_add_overflow(a, b, &c) ? TN_DIM_UNKNOWN : c;
}

void tn_op_append(tn_dtype type, int64_t batch, int64_t heads, int64_t size, const void *past, int64_t past_rows,
                  const void *fresh, tn_attention_stride stride, int64_t fresh_rows, void *present) {
    size_t each = (size_t)tn_dtypes[type].bytes, row = (size_t)size * each;
    char *to = present;
    for (int64_t b = 0; b < batch; b++)
        for (int64_t h = 0; h < heads; h++) {
            if (past_rows > 0)
                memcpy(to, (const char *)past + (size_t)((b * heads + h) * past_rows) * row, (size_t)past_rows * row);
            to += (size_t)past_rows * row;
            const char *from = (const char *)fresh + (size_t)(b * stride.batch + h * stride.head) * each;
            for (int64_t i = 0; i < fresh_rows; i++, to += row) memcpy(to, from + (size_t)(i * stride.row) * each, row);
        }
}

tn_status tn_op_cache_room(tn_run *r, int i, int64_t batch, int64_t heads, int64_t size, int64_t from, int64_t rows,
                           tn_rows **out) {
    tn_rows *c = tn_in(r, i)->rows;
    if (c->batch != batch || c->heads != heads || c->size != size)
        return tn_op_fail(
            r->node, TN_E_SHAPE,
            "input %d is a cache of %lld sentences, %lld heads of %lld; this run's are %lld, %lld of %lld", i,
            (long long)c->batch, (long long)c->heads, (long long)c->size, (long long)batch, (long long)heads,
            (long long)size);
    tn_status st = c->reserve(c, from, rows);
    if (rows > c->end) c->end = rows;
    *out = c;
    return st == TN_OK ? st : tn_fail_at(st, "%s", tn_node_where(r->node));
}

typedef struct {
    tn_rows *cache;
    const int64_t *first;
    int64_t fresh;
    tn_dtype type;
    const char *x;
    tn_attention_stride stride;
} put_job;

static void put_part(void *arg, int64_t begin, int64_t end, int thread) {
    const put_job *j = arg;
    tn_rows *c = j->cache;
    (void)thread;
    for (int64_t u = begin; u < end; u++) {
        int64_t b = u / c->heads, h = u % c->heads, at = b * j->stride.batch + h * j->stride.head;
        int64_t first = c->lengths ? c->lengths[b] : j->first ? j->first[b] : c->length;
        (void)tn_rows_put(c, b, h, first, c->lengths ? c->fresh[b] : j->fresh, j->type,
                          j->x + (size_t)at * (size_t)tn_dtypes[j->type].bytes,
                          j->stride.row); /* floats: cannot fail */
    }
}

void tn_op_cache_put(tn_run *r, tn_rows *c, const int64_t *first, int64_t fresh, tn_dtype type, const void *x,
                     tn_attention_stride stride) {
    enum { PART = 1 << 15 }; /* elements: less is not worth a thread */
    put_job j = { c, first, fresh, type, x, stride };
    tn_parallel(r->pool, c->batch * c->heads, PART / (fresh * c->size + 1) + 1, put_part, &j);
}

tn_status tn_op_attention_ragged(tn_run *r, tn_attention *a, int64_t end) {
    const tn_rows *c = a->rows_k;
    if (!c || !c->lengths) return TN_OK;
    if (a->qk)
        return tn_op_fail(r->node, TN_E_UNSUPPORTED,
                          "its scores are an output, which several states in one run do not have");
    int64_t *length = tn_run_scratch(r, (size_t)(2 * a->batch + 1) * sizeof *length), *shift = length + a->batch;
    if (!length) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    for (int64_t b = 0; b < a->batch; b++) {
        int64_t n = c->lengths[b] + c->fresh[b];
        shift[b] = c->length - c->lengths[b];
        length[b] = n < end - shift[b] ? n : end - shift[b];
    }
    a->offset = c->lengths, a->length = length, a->shift = shift;
    return TN_OK;
}

tn_status tn_op_mask_strides(const tn_run *r, const tn_tensor *m, const int64_t *dims, bool short_ok,
                             tn_attention_mask_stride *out) {
    int64_t step[4] = { 0 }, stride = 1;
    bool good = m->rank <= 4;
    for (int d = m->rank - 1; good && d >= 0; d--) {
        int k = 4 - m->rank + d;
        good = m->dims[d] == dims[k] || (m->dims[d] == 1 && !(k == 3 && short_ok)) ||
               (k == 3 && short_ok && m->dims[d] < dims[k]);
        step[k] = m->dims[d] == 1 ? 0 : stride;
        stride *= m->dims[d];
    }
    char have[96], want[96];
    if (!good)
        return tn_op_fail(r->node, TN_E_SHAPE, "a mask of shape %s does not fit the scores, %s",
                          tn_dims_text(m->rank, m->dims, have, sizeof have), tn_dims_text(4, dims, want, sizeof want));
    *out = (tn_attention_mask_stride){ step[0], step[1], step[2], step[3] };
    return TN_OK;
}
