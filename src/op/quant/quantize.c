/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* quantize.c - QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear: numbers and their low-precision codes,
 * q = saturate(round(x / scale) + zero_point), with one scale per tensor, per slice of an axis, or per block of it. */
#include "kernel/kernel.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/quant/grads.h"
#include "op/quant/qparam.h"
#include <math.h>
#include <string.h>

#define F32    tn_dtype_bit(TN_F32)
#define HALVES (tn_dtype_bit(TN_F16) | tn_dtype_bit(TN_BF16))
#define SMALL \
    (tn_dtype_bit(TN_I4) | tn_dtype_bit(TN_U4) | tn_dtype_bit(TN_I2) | tn_dtype_bit(TN_U2) | tn_dtype_bit(TN_F4E2M1))
#define CODES (TN_Q8 | TN_F8 | SMALL | tn_dtype_bit(TN_I16) | tn_dtype_bit(TN_U16)) /* what can be quantised to */

/* --------------------------------------------------------------------------------------------- which scale is whose */

typedef struct {
    int64_t inner, axis_len, block; /* block 0: one scale per slice of the axis */
    int64_t count;                  /* scales given */
    int64_t blocks;                 /* along the axis, when blocked */
} scale_map;

/* From element i on, `len` elements have the scales k, k + step, k + 2 step, ...; step is 0 or 1. */
typedef struct {
    int64_t k, step, len;
} run_of;

static run_of run_at(const scale_map *m, int64_t i) {
    if (m->count == 1) return (run_of){ 0, 0, INT64_MAX };
    int64_t along = i / m->inner % m->axis_len, outer = i / m->inner / m->axis_len, in = i % m->inner;
    if (m->block == 0) {
        if (m->inner == 1) return (run_of){ along, 1, m->axis_len - along };
        return (run_of){ along, 0, m->inner - in };
    }
    int64_t block = outer * m->blocks + along / m->block;
    if (m->inner > 1) return (run_of){ block * m->inner + in, 1, m->inner - in };
    int64_t left = m->block - along % m->block, end = m->axis_len - along;
    return (run_of){ block, 0, left < end ? left : end };
}

typedef struct {
    int64_t axis, block_size;
    tn_dtype output_dtype, precision; /* NONE: as inputs say */
    bool saturate;
} coding;

/* Checks the scale's shape. errors TN_E_SHAPE, TN_E_INVALID. */
static tn_status map_scales(const tn_node *n, const coding *a, int rank, const int64_t *dims, int srank,
                            const int64_t *sdims, scale_map *m) {
    int64_t count = tn_op_product(sdims, 0, srank);
    int axis = 0; /* of a list the only one there is */
    *m = (scale_map){ .inner = 1, .axis_len = 1, .count = count, .block = a->block_size };
    if (srank == 0 || (count == 1 && m->block == 0)) return TN_OK;
    if (rank != 1) TN_TRY(tn_op_axis(n, a->axis, rank, &axis));
    m->inner = tn_op_product(dims, axis + 1, rank);
    m->axis_len = dims[axis];
    if (m->block == 0) {
        if (srank != 1 || count != m->axis_len)
            return tn_op_fail(n, TN_E_SHAPE, "scale has %lld elements, axis %d has %lld", (long long)count, axis,
                              (long long)m->axis_len);
        return TN_OK;
    }
    m->blocks = m->axis_len / m->block + (m->axis_len % m->block != 0);
    bool fits = srank == rank;
    for (int d = 0; fits && d < rank; d++) fits = sdims[d] == (d == axis ? m->blocks : dims[d]);
    if (!fits)
        return tn_op_fail(n, TN_E_SHAPE, "scale does not have one element per block of %lld", (long long)m->block);
    if (m->count == 1) m->count = 0; /* one block per line: the general rule holds */
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------ inference */

/* An element type that an attribute names is one of `allowed`, or not given. */
static tn_status check_type(tn_infer *c, const char *name, uint64_t allowed, tn_dtype t) {
    if (t == TN_NONE || allowed & tn_dtype_bit(t)) return TN_OK;
    return tn_infer_fail(c, TN_E_TYPE, "%s is %s, which it cannot be", name, tn_dtype_name(t));
}

static tn_status quantize_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    const coding *a = c->attrs;
    tn_dtype given = a->output_dtype, t = TN_U8;
    TN_TRY(check_type(c, "output_dtype", CODES, given));
    TN_TRY(check_type(c, "precision", TN_FLOATS, a->precision));
    if (given != TN_NONE) t = given;
    if (tn_infer_has(c, 2)) t = tn_infer_dtype(c, 2);
    if (given != TN_NONE && t != TN_NONE && t != given)
        return tn_infer_fail(c, TN_E_TYPE, "output_dtype and the zero point's type differ");
    tn_infer_out(c, 0, t, rank, rank < 0 ? NULL : c->in[0]->dims);
    return TN_OK;
}

static tn_status dequantize_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    tn_dtype given = ((const coding *)c->attrs)->output_dtype;
    TN_TRY(check_type(c, "output_dtype", HALVES | F32, given));
    if (given == TN_NONE) given = tn_infer_dtype(c, 1);
    if (given == TN_F8E8M0) return tn_infer_fail(c, TN_E_TYPE, "a float8e8m0 scale needs output_dtype");
    tn_infer_out(c, 0, given, rank, rank < 0 ? NULL : c->in[0]->dims);
    return TN_OK;
}

static tn_status dynamic_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    tn_infer_out(c, 0, TN_U8, rank, rank < 0 ? NULL : c->in[0]->dims);
    if (c->n_out > 1) tn_infer_out(c, 1, TN_F32, 0, NULL);
    if (c->n_out > 2) tn_infer_out(c, 2, TN_U8, 0, NULL);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ run */

enum { BLOCK = 1024 }; /* elements at a time; a multiple of every packed type's elements per byte */

typedef struct {
    const tn_tensor *x;
    tn_tensor *y;
    scale_map map;
    const float *scale, *zero; /* zero: NULL when there is none */
    tn_dtype precision;        /* F16 and BF16: the division is done in it */
    bool saturate;
    float lo, hi; /* of an integer type */
} job;

static void *element(const tn_tensor *t, int64_t at) { /* at: a multiple of BLOCK */
    return (char *)t->data + at / tn_dtypes[t->dtype].block * tn_dtypes[t->dtype].bytes;
}

/* What is left of numbers in 16 bits. */
static void round_to(tn_dtype t, float *v, int n) {
    uint16_t half[BLOCK];
    if (t != TN_F16 && t != TN_BF16) return;
    (void)tn_convert(TN_F32, v, t, half, n, true, TN_ROUND_NEAREST);
    (void)tn_convert(t, half, TN_F32, v, n, true, TN_ROUND_NEAREST);
}

/* Half to even, in arithmetic that every vector unit has: adding 1.5 * 2^23 leaves no bits behind the point. What lies
 * beyond 2^22 saturates in any case; NaN becomes the lower end. */
static inline float rounded(float v) {
    const float top = 0x1p22f, shift = 0x1.8p23f;
    v = v > -top ? v : -top;
    v = v < top ? v : top;
    return (v + shift) - shift;
}

/* Divided, rounded, moved by the zero point; a run of equal scales, or of one scale each. */
static void quantise_block(const job *j, int64_t at, int n, float *v) {
    bool integer = j->hi > j->lo;
    for (int i = 0; i < n;) {
        run_of r = run_at(&j->map, at + i);
        int len = r.len < n - i ? (int)r.len : n - i;
        const float *s = j->scale + r.k;
        if (r.step == 0)
            for (int e = i; e < i + len; e++) v[e] /= *s;
        else
            for (int e = 0; e < len; e++) v[i + e] /= s[e];
        i += len;
    }
    round_to(j->precision, v, n);
    for (int i = 0; i < n && integer; i++) v[i] = rounded(v[i]);
    for (int i = 0; i < n && j->zero;) {
        run_of r = run_at(&j->map, at + i);
        int len = r.len < n - i ? (int)r.len : n - i;
        for (int e = 0; e < len; e++) v[i + e] += j->zero[r.k + e * r.step];
        i += len;
    }
    for (int i = 0; i < n && integer; i++) {
        v[i] = v[i] > j->lo ? v[i] : j->lo;
        v[i] = v[i] < j->hi ? v[i] : j->hi;
    }
}

/* v := x[at ..] as floats, a block or what is left of the last; how many. */
static int load_block(const job *j, int64_t at, float *v) {
    int64_t left = tn_count(j->x) - at;
    int n = left < BLOCK ? (int)left : BLOCK;
    (void)tn_convert(j->x->dtype, element(j->x, at), TN_F32, v, n, true, TN_ROUND_NEAREST);
    return n;
}

static void quantise_part(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    float v[BLOCK];
    int64_t total = tn_count(j->x);
    (void)thread;
    for (int64_t at = begin * BLOCK; at < end * BLOCK && at < total; at += BLOCK) {
        int n = load_block(j, at, v);
        round_to(j->precision, v, n);
        quantise_block(j, at, n, v);
        (void)tn_convert(TN_F32, v, j->y->dtype, element(j->y, at), n, j->saturate, TN_ROUND_NEAREST);
    }
}

/* A block of anything. */
static void dequantise_block(const job *j, int64_t at) {
    float v[BLOCK];
    int n = load_block(j, at, v);
    for (int i = 0; i < n;) {
        run_of r = run_at(&j->map, at + i);
        int len = r.len < n - i ? (int)r.len : n - i;
        const float *s = j->scale + r.k;
        for (int e = 0; e < len && j->zero; e++) v[i + e] -= j->zero[r.k + e * r.step];
        if (r.step == 0)
            for (int e = i; e < i + len; e++) v[e] *= *s;
        else
            for (int e = 0; e < len; e++) v[i + e] *= s[e];
        i += len;
    }
    (void)tn_convert(TN_F32, v, j->y->dtype, element(j->y, at), n, true, TN_ROUND_NEAREST);
}

#define EACH_CODE(X) \
    X(U8, uint8_t)   \
    X(I8, int8_t)    \
    X(U16, uint16_t) \
    X(I16, int16_t)

/* y[i] = (x[i] - zero) scale */
#define X(id, T)         \
    if (type == TN_##id) \
        for (int64_t i = 0; i < n; i++) y[i] = ((float)((const T *)x)[i] - zero) * scale;
static void numbers_of(tn_dtype type, int64_t n, const void *restrict x, float scale, float zero, float *restrict y) {
    EACH_CODE(X)
}
#undef X

/* y[i] = x[i] / scale rounded, plus zero, saturated */
#define X(id, T)                                         \
    if (j->y->dtype == TN_##id)                          \
        for (int64_t i = 0; i < n; i++) {                \
            float v = rounded(x[i] / scale) + zero;      \
            v = v > lo ? v : lo;                         \
            ((T *)y)[i] = (T)(int32_t)(v < hi ? v : hi); \
        }
static void codes_of(const job *j, int64_t n, const float *restrict x, float scale, float zero, void *restrict y) {
    const float lo = j->lo, hi = j->hi;
    EACH_CODE(X)
}
#undef X

static bool whole_bytes(tn_dtype t) {
#define X(id, T) || t == TN_##id
    return false EACH_CODE(X);
#undef X
}

/* Elements [at, end) of 8 or 16 bits and of float32, where scales do not change from one element to the next. */
static void code_runs(const job *j, bool to_codes, int64_t at, int64_t end) {
    const tn_tensor *q = to_codes ? j->y : j->x, *f = to_codes ? j->x : j->y;
    while (at < end) {
        run_of r = run_at(&j->map, at);
        int64_t n = r.len < end - at ? r.len : end - at;
        float scale = j->scale[r.k], zero = j->zero ? j->zero[r.k] : 0, *numbers = (float *)f->data + at;
        void *codes = (char *)q->data + at * tn_dtypes[q->dtype].bytes;
        if (to_codes)
            codes_of(j, n, numbers, scale, zero, codes);
        else
            numbers_of(q->dtype, n, codes, scale, zero, numbers);
        at += n;
    }
}

/* Whether code_runs can do it. */
static bool has_runs(const job *j, const tn_tensor *q, const tn_tensor *f) {
    return whole_bytes(q->dtype) && f->dtype == TN_F32 && run_at(&j->map, 0).step == 0;
}

static void dequantise_part(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    int64_t total = tn_count(j->x), to = end * BLOCK < total ? end * BLOCK : total;
    (void)thread;
    if (has_runs(j, j->x, j->y)) {
        code_runs(j, false, begin * BLOCK, to);
        return;
    }
    for (int64_t at = begin * BLOCK; at < to; at += BLOCK) dequantise_block(j, at);
}

static void code_part(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    int64_t total = tn_count(j->x);
    (void)thread;
    code_runs(j, true, begin * BLOCK, end * BLOCK < total ? end * BLOCK : total);
}

static tn_status set_up(tn_run *r, job *j) {
    const tn_tensor *scale = tn_in(r, 1), *zero = tn_in(r, 2);
    int64_t n;
    const coding *a = r->attrs;
    *j = (job){ .x = tn_in(r, 0),
                .y = tn_out(r, 0),
                .saturate = a->saturate || r->node->op->domain }; /* com.microsoft always does */
    TN_TRY(map_scales(r->node, a, j->x->rank, j->x->dims, scale->rank, scale->dims, &j->map));
    if (zero && tn_count(zero) != tn_count(scale))
        return tn_op_fail(r->node, TN_E_SHAPE, "scale and zero point differ in shape");
    TN_TRY(tn_q_floats(r, 1, 1, &j->scale, &n));
    if (zero) TN_TRY(tn_q_floats(r, 2, 0, &j->zero, &n));
    return TN_OK;
}

/* Floats to u8 by one scale. */
static void quantise_bytes(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    int64_t total = tn_count(j->x), from = begin * BLOCK, to = end * BLOCK < total ? end * BLOCK : total;
    (void)thread;
    tn_kernels_get()->qconv.quantise(to - from, (const float *)j->x->data + from, *j->scale,
                                     j->zero ? (int32_t)*j->zero : 0, (uint8_t *)j->y->data + from);
}

static tn_status quantize_run(tn_run *r) {
    job j;
    TN_TRY(set_up(r, &j));
    tn_dtype precision = ((const coding *)r->attrs)->precision;
    j.precision = precision ? precision : tn_in(r, 1)->dtype;
    if (j.map.count == 1 && j.x->dtype == TN_F32 && j.y->dtype == TN_U8 && j.precision == TN_F32) {
        tn_parallel(r->pool, (tn_count(j.x) + BLOCK - 1) / BLOCK, 16, quantise_bytes, &j);
        return TN_OK;
    }
    if (tn_dtype_is_int(j.y->dtype)) {
        int bits = tn_dtype_bits(j.y->dtype);
        j.lo = tn_dtype_is_signed(j.y->dtype) ? -ldexpf(1, bits - 1) : 0;
        j.hi = j.lo + ldexpf(1, bits) - 1;
    }
    bool runs = j.precision == TN_F32 && has_runs(&j, j.y, j.x);
    tn_parallel(r->pool, (tn_count(j.x) + BLOCK - 1) / BLOCK, 16, runs ? code_part : quantise_part, &j);
    return TN_OK;
}

static tn_status dequantize_run(tn_run *r) {
    job j;
    TN_TRY(set_up(r, &j));
    tn_parallel(r->pool, (tn_count(j.x) + BLOCK - 1) / BLOCK, 16, dequantise_part, &j);
    return TN_OK;
}

static tn_status dynamic_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0), *scale = tn_out(r, 1), *zero = tn_out(r, 2);
    float s;
    uint8_t z;
    tn_q_dynamic(x->data, tn_count(x), y ? y->data : NULL, &s, &z, r->pool);
    if (scale) *(float *)scale->data = s;
    if (zero) *(uint8_t *)zero->data = z;
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define I32  tn_dtype_bit(TN_I32)
#define E8M0 tn_dtype_bit(TN_F8E8M0)
static const tn_port quantize_in[] = { { "x", F32 | HALVES | I32, 0 },
                                       { "y_scale", F32 | HALVES | I32 | E8M0, 0 },
                                       { "y_zero_point", CODES, 0, .optional = true },
                                       { 0 } };
static const tn_port dequantize_in[] = { { "x", CODES | I32, 'T' },
                                         { "x_scale", F32 | HALVES | E8M0, 0 },
                                         { "x_zero_point", CODES | I32, 'T', .optional = true },
                                         { 0 } };
static const tn_port f32_in[] = { { "x", F32, 0 }, { 0 } };
static const tn_port dynamic_out[] = {
    { "y", tn_dtype_bit(TN_U8), 0 }, { "y_scale", F32, 0 }, { "y_zero_point", tn_dtype_bit(TN_U8), 0 }, { 0 }
};
#define AXIS \
    { TN_INT(coding, axis, 1) }
#define PLACE \
    AXIS, { TN_INT(coding, block_size, 0), .min = 0, .max = INT64_MAX }, { TN_DTYPE(coding, output_dtype, TN_NONE) }
static const tn_attr_spec quantize_attrs[] = {
    PLACE, { TN_DTYPE(coding, precision, TN_NONE) }, { TN_FLAG(coding, saturate, true) }, { 0 }
};
static const tn_attr_spec dequantize_attrs[] = { PLACE, { 0 } };
static const tn_attr_spec microsoft_attrs[] = { AXIS, { 0 } };

const tn_op tn_ops_quantize[] = {
    { .name = "QuantizeLinear",
      .since = 25,
      .in = quantize_in,
      .out = tn_ports_any_free,
      TN_ATTRS(quantize_attrs, coding),
      .infer = quantize_infer,
      .run = quantize_run,
      .grad = tn_grad_none,
      .doc = "numbers to codes: round(x / scale) + zero point, saturated" },
    { .name = "DequantizeLinear",
      .since = 25,
      .in = dequantize_in,
      .out = tn_ports_any_free,
      TN_ATTRS(dequantize_attrs, coding),
      .infer = dequantize_infer,
      .run = dequantize_run,
      .grad = tn_grad_dequantize,
      .doc = "codes to numbers: (x - zero point) scale" },
    { .name = "DynamicQuantizeLinear",
      .since = 11,
      .in = f32_in,
      .out = dynamic_out,
      .infer = dynamic_infer,
      .run = dynamic_run,
      .grad = tn_grad_none,
      .doc = "numbers to bytes, with scale and zero point taken from their range" },
    { .name = "QuantizeLinear",
      .domain = "com.microsoft",
      .since = 1,
      .in = quantize_in,
      .out = tn_ports_any_free,
      TN_ATTRS(microsoft_attrs, coding),
      .infer = quantize_infer,
      .run = quantize_run,
      .grad = tn_grad_none,
      .doc = "QuantizeLinear without blocks" },
    { .name = "DequantizeLinear",
      .domain = "com.microsoft",
      .since = 1,
      .in = dequantize_in,
      .out = tn_ports_any_free,
      TN_ATTRS(microsoft_attrs, coding),
      .infer = dequantize_infer,
      .run = dequantize_run,
      .grad = tn_grad_dequantize,
      .doc = "DequantizeLinear without blocks" },
    { 0 },
};
