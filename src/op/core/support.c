/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* support.c - index tensors and single elements. */
#include "op/core/support.h"
#include "base/budget.h"
#include <string.h>

tn_status tn_op_indices(tn_run *r, const tn_tensor *ix, int64_t len, int64_t **out) {
    int64_t n = tn_count(ix), *v = NULL;
    bool plain = ix->dtype == TN_I64;
    const int64_t *given = ix->data;
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; plain && i < n && !tn_ticks_stopped(&ticks, 1); i++) plain = given[i] >= 0;
    if (plain) {
        v = ix->data;
    } else {
        v = tn_run_scratch(r, (size_t)(n ? n : 1) * sizeof *v);
        if (!v) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for %lld indices", (long long)n);
        for (int64_t i = 0; i < n; i++) {
            if (tn_ticks_stopped(&ticks, 4)) return tn_op_stopped(r);
            v[i] = tn_get_i64(ix->dtype, ix->data, i);
            if (v[i] < 0) v[i] += len;
        }
    }
    for (int64_t i = 0; i < n; i++) {
        if (tn_ticks_stopped(&ticks, 2)) return tn_op_stopped(r);
        if (v[i] < 0 || v[i] >= len)
            return tn_op_fail(r->node, TN_E_INVALID, "index %lld (element %lld of indices) is outside -%lld..%lld",
                              (long long)tn_get_i64(ix->dtype, ix->data, i), (long long)i, (long long)len,
                              (long long)len - 1);
    }
    *out = v;
    return TN_OK;
}

tn_status tn_op_index_tuple(const tn_node *n, const int64_t *dims, int depth, const tn_tensor *ix, int64_t at,
                            int64_t *offset) {
    int64_t off = 0;
    for (int i = 0; i < depth; i++) {
        int64_t k = tn_get_i64(ix->dtype, ix->data, at + i);
        if (k < -dims[i] || k >= dims[i])
            return tn_op_fail(n, TN_E_INVALID, "index %lld is outside -%lld..%lld of dimension %d", (long long)k,
                              (long long)dims[i], (long long)dims[i] - 1, i);
        off = off * dims[i] + (k < 0 ? k + dims[i] : k);
    }
    *offset = off;
    return TN_OK;
}

/* The raw bits of one packed element; low bits come first. */
static unsigned packed_get(const uint8_t *p, int64_t i, int block) {
    int bits = 8 / block;
    return p[i / block] >> (i % block * bits) & ((1u << bits) - 1);
}

static void packed_set(uint8_t *p, int64_t i, int block, unsigned v) {
    int bits = 8 / block, shift = (int)(i % block) * bits;
    unsigned mask = ((1u << bits) - 1) << shift;
    p[i / block] = (uint8_t)((p[i / block] & ~mask) | (v << shift));
}

void tn_op_copy_element(tn_tensor *y, int64_t i, const tn_tensor *x, int64_t k) { tn_op_copy_elements(y, i, x, k, 1); }

enum { MANY = 1 << 16 };

/* Strings are copied whole: what reads them next follows their addresses. */
void tn_op_copy_elements(tn_tensor *y, int64_t i, const tn_tensor *x, int64_t k, int64_t n) {
    if (n <= 0) return; /* also: empty tensors have no memory */
    const tn_dtype_info *d = &tn_dtypes[x->dtype];
    if (d->block > 1) {
        for (int64_t j = 0; j < n; j++) packed_set(y->data, i + j, d->block, packed_get(x->data, k + j, d->block));
        return;
    }
    size_t each = (size_t)d->bytes;
    char *to = (char *)y->data + (size_t)i * each;
    const char *from = (const char *)x->data + (size_t)k * each;
    if (x->dtype != TN_STRING && n >= MANY)
        tn_budget_copy(to, from, (size_t)n * each);
    else
        memcpy(to, from, (size_t)n * each);
}

void tn_op_unpack(const tn_tensor *x, uint8_t *bytes) {
    for (int64_t i = 0; i < tn_count(x); i++) bytes[i] = (uint8_t)packed_get(x->data, i, tn_dtypes[x->dtype].block);
}

void tn_op_pack(const uint8_t *bytes, tn_tensor *y) {
    for (int64_t i = 0; i < tn_count(y); i++) packed_set(y->data, i, tn_dtypes[y->dtype].block, bytes[i]);
}

tn_status tn_op_own_strings(tn_tensor *t) {
    if (t->dtype != TN_STRING) return TN_OK;
    const tn_string *s = t->data;
    int64_t n = tn_count(t);
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < n; i++) {
        if (tn_ticks_stopped(&ticks, 64 + s[i].len)) return tn_fail(TN_E_CANCELLED, "copying strings was stopped");
        TN_TRY(tn_tensor_set_string(t, i, s[i].ptr, s[i].len));
    }
    return TN_OK;
}

tn_status tn_op_ints(tn_run *r, const tn_tensor *t, int64_t **out, int64_t *n) {
    *n = tn_count(t);
    *out = tn_run_scratch(r, (size_t)(*n ? *n : 1) * sizeof **out);
    if (!*out) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for %lld integers", (long long)*n);
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < *n; i++) {
        if (tn_ticks_stopped(&ticks, 4)) return tn_op_stopped(r);
        (*out)[i] = tn_get_i64(t->dtype, t->data, i);
    }
    return TN_OK;
}

void *tn_op_scratch(tn_run *r, size_t each, int64_t a, int64_t b, int64_t extra) {
    int64_t n;
    size_t bytes;
    if (__builtin_mul_overflow(a, b, &n) || __builtin_add_overflow(n, extra, &n) || n < 0) return NULL;
    if (!tn_mul_size((size_t)n, each, &bytes) || bytes > PTRDIFF_MAX) return NULL;
    return tn_run_scratch(r, bytes);
}

tn_status tn_op_one_int(const tn_run *r, int i, int64_t dflt, int64_t *out) {
    const tn_tensor *t = tn_in(r, i);
    *out = dflt;
    if (!t) return TN_OK;
    if (tn_count(t) != 1)
        return tn_op_fail(r->node, TN_E_SHAPE, "input %d has %lld elements, should have one", i,
                          (long long)tn_count(t));
    *out = tn_get_i64(t->dtype, t->data, 0);
    return TN_OK;
}

tn_status tn_op_widen(const tn_tensor *t, tn_tensor *out) {
    tn_tensor own = { 0 };
    tn_status st = tn_tensor_aligned(t) ? TN_OK : tn_tensor_copy(&own, t, TN_MEM_SCRATCH);
    if (st == TN_OK) st = tn_tensor_init(out, TN_F32, t->rank, t->dims, TN_MEM_SCRATCH);
    if (st == TN_OK)
        st = tn_convert(t->dtype, own.data ? own.data : t->data, TN_F32, out->data, tn_count(t), false,
                        TN_ROUND_NEAREST);
    tn_tensor_reset(&own);
    return st;
}
