/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attention.c - attention by its definition: one row at a time, all scores in double precision. */
#include "kernel/attention.h"
#include "base/mem.h"
#include "tensor/dtype.h"
#include <math.h>

static double at(const tn_attention *a, const void *p, int64_t i) { return tn_get_f64(a->type, p, i); }

/* Row j of the keys or the values: in a cache, or at `plain`. */
typedef struct {
    tn_dtype type;
    const void *at;
} line;

static line line_of(const tn_attention *a, const tn_rows *rows, const void *plain, const tn_attention_stride *s,
                    int64_t b, int64_t kv, int64_t j) {
    if (rows) return (line){ rows->type, tn_row_at(rows, b, kv, j) };
    int64_t from = b * s->batch + kv * s->head + j * s->row;
    return (line){ a->type, (const char *)plain + (size_t)from * (size_t)tn_dtypes[a->type].bytes };
}

static double score_of(const tn_attention *a, int64_t q, int64_t b, int64_t kv, int64_t j) {
    double s = 0;
    line k = line_of(a, a->rows_k, a->k, &a->stride_k, b, kv, j);
    for (int64_t e = 0; e < a->size_k; e++) s += at(a, a->q, q + e) * tn_get_f64(k.type, k.at, e);
    return s * a->scale;
}

static int64_t mask_at(const tn_attention *a, const tn_attention_mask_stride *s, int64_t b, int64_t h, int64_t i,
                       int64_t j) {
    return b * s->batch + h * s->head + i * s->row + (j + (a->shift ? a->shift[b] : 0)) * s->key;
}

/* Score of one key after cap and masks; what qk wants is stored on the way. */
static double masked_score(const tn_attention *a, int64_t b, int64_t h, int64_t i, int64_t j, int64_t cell) {
    int64_t kv = h / (a->heads / a->kv_heads), from, to;
    const tn_attention_stride *q = &a->stride_q;
    tn_attention_span(a, b, i, &from, &to);
    bool sees = j >= from && j < to;
    if (!sees && !a->qk) return -INFINITY; /* nobody promises that it is there */
    double s = score_of(a, b * q->batch + h * q->head + i * q->row, b, kv, j);
    if (a->qk && a->qk_mode == TN_QK_RAW) tn_set_f64(a->type, a->qk, cell, s);
    if (a->softcap != 0) s = a->softcap * tanh(s / a->softcap);
    if (a->qk && a->qk_mode == TN_QK_CAPPED) tn_set_f64(a->type, a->qk, cell, s);
    if (a->allow && !a->allow[mask_at(a, &a->stride_allow, b, h, i, j)]) sees = false;
    if (a->choice && (a->choice[mask_at(a, &a->stride_choice, b, h, i, j)] != 0) == a->fill_where) s = a->fill;
    double bias = a->bias ? at(a, a->bias, mask_at(a, &a->stride_bias, b, h, i, j)) : 0;
    s = sees && (a->literal || !(bias == -INFINITY)) ? s + bias : -INFINITY;
    if (a->qk && a->qk_mode == TN_QK_BIASED) tn_set_f64(a->type, a->qk, cell, s);
    return s;
}

/* p: room for a weight per key, and for a row of Y. */
static void one_row(const tn_attention *a, int64_t b, int64_t h, int64_t i, double *p) {
    int64_t kv = h / (a->heads / a->kv_heads), cell = ((b * a->heads + h) * a->rows + i) * a->keys;
    const tn_attention_stride *y = &a->stride_y;
    double top = a->sink ? at(a, a->sink, h) : -INFINITY, sum = 0;
    for (int64_t j = 0; j < a->keys; j++) {
        p[j] = masked_score(a, b, h, i, j, cell + j);
        if (p[j] > top || isnan(p[j])) top = p[j];
    }
    for (int64_t j = 0; j < a->keys; j++) sum += p[j] = p[j] == -INFINITY && !a->literal ? 0 : exp(p[j] - top);
    if (a->sink) sum += exp(at(a, a->sink, h) - top);
    for (int64_t j = 0; j < a->keys; j++) {
        p[j] = sum == 0 ? 0 : p[j] / sum;
        if (a->qk && a->qk_mode == TN_QK_SOFTMAX) tn_set_f64(a->type, a->qk, cell + j, p[j]);
    }
    double *sums = p + a->keys;
    int64_t from, to;
    tn_attention_span(a, b, i, &from, &to);
    for (int64_t e = 0; e < a->size_v; e++) sums[e] = 0;
    for (int64_t j = from; j < to; j++) {
        if (p[j] == 0 && !a->literal) continue;
        line v = line_of(a, a->rows_v, a->v, &a->stride_v, b, kv, j);
        for (int64_t e = 0; e < a->size_v; e++) sums[e] += p[j] * tn_get_f64(v.type, v.at, e);
    }
    for (int64_t e = 0; e < a->size_v; e++)
        tn_set_f64(a->type, a->y, b * y->batch + h * y->head + i * y->row + e, sums[e]);
}

tn_status tn_attention_ref(const tn_attention *a) {
    double *p = tn_mem_alloc((size_t)(a->keys + a->size_v + 1) * sizeof *p, TN_MEM_SCRATCH);
    if (!p) return tn_fail(TN_E_NOMEM, "the scores of %lld keys", (long long)a->keys);
    for (int64_t b = 0; b < a->batch; b++)
        for (int64_t h = 0; h < a->heads; h++)
            for (int64_t i = 0; i < a->rows; i++) one_row(a, b, h, i, p);
    tn_mem_free(p);
    return TN_OK;
}
