/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* kv_cache.c - caches of keys and values that are not plain numbers of all tokens: in codes (8 bits, pairs of 4 bits,
 * the first in the low half and 8 for zero, or float8, times a scale for all or for each channel of a head), or of a
 * window. */
#include "op/attention/attention.h"
#include <math.h>
#include <string.h>

int64_t tn_kv_resident(int64_t t, int64_t c, int64_t w) {
    int64_t step = c - w + 1;
    return t <= c ? t : t - step * ((t - c + step - 1) / step);
}

tn_dtype tn_kv_type(const tn_kv_attrs *a, tn_dtype past, tn_dtype plain) {
    if (past != TN_NONE || a->k_quant_type == TN_KV_NONE) return past != TN_NONE ? past : plain;
    return a->bits == 4 ? TN_U8 : TN_I8;
}

tn_status tn_kv_check(tn_infer *c, const tn_kv_attrs *a, int past, int *per) {
    int64_t bits = a->bits;
    tn_dtype t = tn_infer_dtype(c, past);
    bool codes[2] = { a->k_quant_type != TN_KV_NONE, a->v_quant_type != TN_KV_NONE };
    if (codes[0] != codes[1])
        return tn_infer_fail(c, TN_E_TYPE, "codes of keys alone, or of values alone: both caches have one type");
    if (t != TN_NONE && codes[0] != (t == TN_I8 || t == TN_U8 || t == TN_F8E4M3FN))
        return tn_infer_fail(c, TN_E_TYPE, "k_quant_type does not go with a cache of %s", tn_dtypes[t].name);
    if (!codes[0]) return TN_OK;
    if (bits != 4 && bits != 8) return tn_infer_fail(c, TN_E_INVALID, "kv_cache_bit_width is %lld", (long long)bits);
    if (t != TN_NONE && bits != (t == TN_U8 ? 4 : 8))
        return tn_infer_fail(c, TN_E_INVALID, "kv_cache_bit_width is %lld for a cache of %s", (long long)bits,
                             tn_dtypes[t].name);
    *per = bits == 4 ? 2 : 1;
    return TN_OK;
}

tn_status tn_kv_code_of(tn_run *r, const tn_kv_attrs *a, int quantised, int scale, int64_t heads, int64_t size,
                        tn_kv_code *c) {
    *c = (tn_kv_code){ .bits = 0, .size = size };
    if (quantised == TN_KV_NONE) return TN_OK;
    const tn_tensor *t = tn_in(r, scale);
    bool channels = quantised == TN_KV_PER_CHANNEL;
    int64_t want = channels ? heads * size : 1;
    if (!t || tn_count(t) != want)
        return tn_op_fail(r->node, TN_E_SHAPE, "a cache in codes needs %lld scales in input %d", (long long)want,
                          scale);
    const void *p;
    TN_TRY(tn_op_read_as(r, t, TN_F32, &p));
    c->scale = p;
    c->bits = a->bits == 4 ? 4 : 8;
    c->per_head = channels ? size : 0, c->per_element = channels ? 1 : 0;
    c->heads = heads;
    return TN_OK;
}

static float scale_at(const tn_kv_code *c, int64_t head, int64_t e) {
    return c->scale[head * c->per_head + e * c->per_element];
}

/* The code for x / scale. */
static int code_for(const tn_kv_code *c, float x) {
    float least = c->bits == 4 ? -8 : -128, most = c->bits == 4 ? 7 : 127, y = rintf(x);
    return (int)(y >= least ? y <= most ? y : most : least); /* NaN: the least */
}

tn_status tn_kv_read(tn_run *r, const tn_kv_code *c, const tn_tensor *t, const void **out) {
    if (!t || !c->bits) return tn_op_read_as(r, t, TN_F32, out);
    int64_t n = c->bits == 4 ? 2 * tn_count(t) : tn_count(t), rows = t->dims[2];
    float *x = tn_run_scratch(r, (size_t)(n + 1) * sizeof *x);
    if (!x) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the cache");
    *out = x;
    if (t->dtype == TN_U8) {
        const uint8_t *q = t->data;
        for (int64_t i = 0; i < n; i++) x[i] = (float)((q[i / 2] >> (i % 2 * 4) & 15) - 8);
    } else {
        TN_TRY(tn_convert(t->dtype, t->data, TN_F32, x, n, false, TN_ROUND_NEAREST));
    }
    for (int64_t i = 0; i < n; i++) x[i] *= scale_at(c, i / (rows * c->size) % c->heads, i % c->size);
    return TN_OK;
}

tn_status tn_kv_write(tn_run *r, const tn_kv_code *c, tn_dtype type, int64_t rows, float *x, int64_t n, tn_tensor *y) {
    if (!c->bits) return tn_op_store_as(x, TN_F32, y);
    uint8_t *q = tn_run_scratch(r, (size_t)n + 1), *pair = y ? y->data : NULL;
    float *scaled = tn_run_scratch(r, (size_t)(n + 1) * sizeof *scaled);
    if (!q || !scaled) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the cache");
    for (int64_t i = 0; i < n; i++) scaled[i] = x[i] / scale_at(c, i / (rows * c->size) % c->heads, i % c->size);
    if (type == TN_F8E4M3FN) {
        TN_TRY(tn_convert(TN_F32, scaled, type, q, n, true, TN_ROUND_NEAREST));
        TN_TRY(tn_convert(type, q, TN_F32, scaled, n, false, TN_ROUND_NEAREST));
    } else {
        for (int64_t i = 0; i < n; i++) {
            int code = code_for(c, scaled[i]);
            scaled[i] = (float)code, q[i] = (uint8_t)(c->bits == 4 ? code + 8 : code);
        }
    }
    for (int64_t i = 0; i < n; i++) x[i] = scaled[i] * scale_at(c, i / (rows * c->size) % c->heads, i % c->size);
    if (!y) return TN_OK;
    if (c->bits == 8) memcpy(y->data, q, (size_t)n);
    for (int64_t i = 0; c->bits == 4 && i < n / 2; i++) pair[i] = (uint8_t)(q[2 * i] | q[2 * i + 1] << 4);
    return TN_OK;
}
