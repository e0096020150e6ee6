/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* rotary.c - RotaryEmbedding of ai.onnx and com.microsoft: pairs of a head's elements turned by the angle of their
 * position (Su et al., arXiv 2104.09864). A pair is (i, i + half), or (2 i, 2 i + 1) when interleaved; elements past
 * the rotated part are copied. */
#include "op/attention/attention.h"
#include "op/attention/grads.h"
#include "op/core/ports.h"
#include "tensor/codec.h"
#include <string.h>

enum { ONNX, CONTRIB }; /* .arg; they differ in the order of the inputs */

typedef struct {
    bool interleaved;
    int64_t num_heads, rotary_embedding_dim;
} rotary;

typedef struct {
    tn_dtype type;
    const char *x, *cos, *sin;
    char *y;
    int64_t heads, rows, size, half;
    bool planes, interleaved;
    bool packed, shared; /* packed: the caches are [batch, rows, half], no positions; shared: for all samples */
    const tn_tensor *ids;
    int64_t first; /* ids holds one number: where every batch begins */
} job;

static float get(tn_dtype t, const void *p, int64_t i) {
    return t == TN_F32    ? ((const float *)p)[i]
           : t == TN_F16  ? tn_decode_f16(((const uint16_t *)p)[i])
           : t == TN_BF16 ? tn_bf16_to_f32(((const uint16_t *)p)[i])
                          : (float)tn_get_f64(t, p, i);
}

static void put(tn_dtype t, void *p, int64_t i, float v) {
    if (t == TN_F32)
        ((float *)p)[i] = v;
    else
        tn_set_f64(t, p, i, (double)v);
}

void tn_op_rotate(const float *x, const float *c, const float *s, float *y, int64_t half, int64_t size,
                  bool interleaved) {
    for (int64_t i = 0; interleaved && i < half; i++) {
        float a = x[2 * i], b = x[2 * i + 1];
        y[2 * i] = c[i] * a - s[i] * b, y[2 * i + 1] = s[i] * a + c[i] * b;
    }
    for (int64_t i = 0; !interleaved && i < half; i++) {
        float a = x[i], b = x[half + i];
        y[i] = c[i] * a - s[i] * b, y[half + i] = s[i] * a + c[i] * b;
    }
    if (y != x) memcpy(y + 2 * half, x + 2 * half, (size_t)(size - 2 * half) * sizeof *y);
}

static void turn(const job *j, int64_t at, int64_t angle) {
    size_t each = (size_t)tn_dtypes[j->type].bytes;
    const char *x = j->x + (size_t)at * each, *c = j->cos + (size_t)angle * each, *s = j->sin + (size_t)angle * each;
    char *y = j->y + (size_t)at * each;
    int64_t step = j->interleaved ? 1 : j->half;
    if (j->type == TN_F32) {
        tn_op_rotate((const float *)x, (const float *)c, (const float *)s, (float *)y, j->half, j->size,
                     j->interleaved);
        return;
    }
    for (int64_t i = 0; i < j->half && j->type == TN_F64; i++) {
        int64_t k = j->interleaved ? 2 * i : i;
        double a = ((const double *)x)[k], b = ((const double *)x)[k + step];
        double cv = ((const double *)c)[i], sv = ((const double *)s)[i];
        ((double *)y)[k] = cv * a - sv * b, ((double *)y)[k + step] = sv * a + cv * b;
    }
    for (int64_t i = 0; i < j->half && j->type != TN_F64; i++) {
        int64_t k = j->interleaved ? 2 * i : i;
        float a = get(j->type, x, k), b = get(j->type, x, k + step);
        float cv = get(j->type, c, i), sv = get(j->type, s, i);
        put(j->type, y, k, cv * a - sv * b);
        put(j->type, y, k + step, sv * a + cv * b);
    }
    size_t done = (size_t)(2 * j->half) * each;
    if (y != x) memcpy(y + done, x + done, (size_t)j->size * each - done);
}

/* Items are (batch, row, head). */
static void turn_part(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    for (int64_t u = begin; u < end; u++) {
        int64_t h = u % j->heads, i = u / j->heads % j->rows, b = u / (j->heads * j->rows), cell = b * j->rows + i;
        int64_t at = (j->planes ? (b * j->heads + h) * j->rows + i : cell * j->heads + h) * j->size;
        int64_t id = j->packed       ? (j->shared ? i : cell)
                     : j->first >= 0 ? j->first + i
                                     : tn_get_i64(j->ids->dtype, j->ids->data, cell);
        turn(j, at, id * j->half);
    }
}

static tn_status check_positions(tn_run *r, const job *j, int64_t batch, int64_t limit) {
    if (j->packed) return TN_OK;
    int64_t n = j->first >= 0 ? 1 : batch * j->rows;
    for (int64_t i = 0; i < n; i++) {
        int64_t id = j->first >= 0 ? j->first : tn_get_i64(j->ids->dtype, j->ids->data, i);
        int64_t last = j->first >= 0 ? j->rows - 1 : 0;
        if (id < 0 || id >= limit || id + last >= limit)
            return tn_op_fail(r->node, TN_E_INVALID, "position %lld is outside the cache of %lld angles",
                              (long long)(id + last), (long long)limit);
    }
    return TN_OK;
}

/* Heads and head size; the angles decide both where attributes do not (com.microsoft). */
static tn_status read_layout(tn_run *r, const tn_tensor *x, const tn_tensor *cos, job *j) {
    const rotary *a = r->attrs;
    int64_t heads = a->num_heads, part = a->rotary_embedding_dim;
    j->planes = x->rank == 4;
    j->rows = j->planes ? x->dims[2] : x->dims[1];
    if (j->planes) {
        j->heads = x->dims[1], j->size = x->dims[3];
    } else {
        int64_t hidden = x->dims[2], half = cos->dims[cos->rank - 1];
        if (heads == 0 && r->node->op->arg == CONTRIB && part == 0) heads = half > 0 ? hidden / 2 / half : 0;
        if (heads < 1 || hidden % heads)
            return tn_op_fail(r->node, TN_E_INVALID, "num_heads %lld does not divide %lld", (long long)heads,
                              (long long)hidden);
        j->heads = heads, j->size = hidden / heads;
    }
    if (part == 0) part = j->size;
    if (part % 2 || part > j->size)
        return tn_op_fail(r->node, TN_E_INVALID, "%lld of %lld elements cannot be turned in pairs", (long long)part,
                          (long long)j->size);
    j->half = part / 2;
    return TN_OK;
}

static tn_status rotary_run(tn_run *r) {
    bool contrib = r->node->op->arg == CONTRIB;
    const tn_tensor *x = tn_in(r, 0), *cos = tn_in(r, contrib ? 2 : 1), *sin = tn_in(r, contrib ? 3 : 2);
    job j = { .type = x->dtype,
              .x = x->data,
              .cos = cos->data,
              .sin = sin->data,
              .y = tn_out(r, 0)->data,
              .interleaved = ((const rotary *)r->attrs)->interleaved,
              .ids = tn_in(r, contrib ? 1 : 3),
              .first = -1 };
    TN_TRY(read_layout(r, x, cos, &j));
    int64_t batch = x->dims[0];
    j.packed = !j.ids;
    if (j.ids && contrib && tn_count(j.ids) == 1) {
        j.first = tn_get_i64(j.ids->dtype, j.ids->data, 0);
        if (j.first < 0) return tn_op_fail(r->node, TN_E_INVALID, "position %lld", (long long)j.first);
    }
    if (j.ids && j.first < 0 && tn_count(j.ids) != batch * j.rows)
        return tn_op_fail(r->node, TN_E_SHAPE, "%lld positions for %lld rows", (long long)tn_count(j.ids),
                          (long long)(batch * j.rows));
    int rank = j.packed ? 3 : 2;
    j.shared = j.packed && cos->dims[0] == 1; /* what exporters write: format/onnx/repair.c */
    bool good = cos->rank == rank && cos->dims[rank - 1] == j.half &&
                tn_dims_equal(cos->rank, cos->dims, sin->rank, sin->dims) &&
                (!j.packed || ((j.shared || cos->dims[0] == batch) && cos->dims[1] == j.rows));
    if (!good)
        return tn_op_fail(r->node, TN_E_SHAPE, "the caches of cosines and sines do not fit %lld pairs per head",
                          (long long)j.half);
    TN_TRY(check_positions(r, &j, batch, cos->dims[0]));
    tn_parallel(r->pool, batch * j.rows * j.heads, 8192 / (j.size + 1) + 1, turn_part, &j);
    return TN_OK;
}

static tn_status rotary_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    if (rank >= 0 && rank != 3 && rank != 4)
        return tn_infer_fail(c, TN_E_SHAPE, "the input has %d dimensions, 3 or 4 are needed", rank);
    for (int i = 1; i < c->n_in; i++) {
        bool cache = c->node->op->arg == CONTRIB ? i >= 2 : i <= 2;
        if (cache && tn_infer_rank(c, i) >= 0 && (tn_infer_rank(c, i) < 2 || tn_infer_rank(c, i) > 3))
            return tn_infer_fail(c, TN_E_SHAPE, "the cache has %d dimensions", tn_infer_rank(c, i));
    }
    return tn_infer_same(c);
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port onnx_in[] = { { "X", TN_FLOATS, 'T' },
                                   { "cos_cache", TN_FLOATS, 'T' },
                                   { "sin_cache", TN_FLOATS, 'T' },
                                   { "position_ids", TN_INDEX, 0, .optional = true },
                                   { 0 } };
static const tn_port contrib_in[] = { { "input", TN_FLOATS, 'T' },
                                      { "position_ids", TN_INDEX, 0 },
                                      { "cos_cache", TN_FLOATS, 'T' },
                                      { "sin_cache", TN_FLOATS, 'T' },
                                      { 0 } };
#define ROTARY_ATTRS                                                                                         \
    { TN_FLAG(rotary, interleaved, false) }, { TN_INT(rotary, num_heads, 0), .min = 0, .max = INT32_MAX }, { \
        TN_INT(rotary, rotary_embedding_dim, 0), .min = 0, .max = INT32_MAX                                  \
    }
static const tn_attr_spec onnx_attrs[] = { ROTARY_ATTRS, { 0 } };
static const tn_attr_spec contrib_attrs[] = {
    ROTARY_ATTRS, { "is_packed_batching", TN_ATTR_INT }, { "scale", TN_ATTR_FLOAT }, { 0 }
};

const tn_op tn_ops_rotary[] = {
    { .name = "RotaryEmbedding",
      .since = 23,
      .in = onnx_in,
      .out = tn_ports_float_t,
      TN_ATTRS(onnx_attrs, rotary),
      .infer = rotary_infer,
      .run = rotary_run,
      .arg = ONNX,
      .grad = tn_grad_rotary,
      .doc = "pairs of each head's elements turned by the angle of their position" },
    { .name = "RotaryEmbedding",
      .domain = "com.microsoft",
      .since = 1,
      .in = contrib_in,
      .out = tn_ports_float_t,
      TN_ATTRS(contrib_attrs, rotary),
      .infer = rotary_infer,
      .run = rotary_run,
      .arg = CONTRIB,
      .grad = tn_grad_rotary,
      .doc = "pairs of each head's elements turned by the angle of their position" },
    { 0 },
};
