/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* quantise_blocks.c - products of floats with constant weights of 2 or 4 bits, or of 8 bits in blocks, behind a
 * DequantizeLinear: they become MatMulNBits, which reads codes where float weights would be eight times their size.
 *
 *       x -- MatMul, Gemm -- y             W [K, N] or [N, K], a scale for all, for each column or for each block of K
 *                 |
 *       W -- DequantizeLinear (-- Transpose)
 *
 * Codes are laid out anew, [N, blocks, block] of unsigned fields; once for all products that read the same weights. */
#include "base/pool.h"
#include "pass/quantise.h"
#include <math.h>
#include <string.h>

enum { LEAST_BLOCK = 16, MOST_BLOCK = 1 << 20, USUAL_BLOCK = 128 };

static tn_status no_memory(const tn_node *n) {
    return tn_fail(TN_E_NOMEM, "no memory to quantise %s", tn_node_where(n));
}

/* ------------------------------------------------------------------------------------------------------- weights */

typedef struct {
    const tn_tensor *q, *scale, *zero; /* zero: or NULL */
    int bits, lo;                      /* the least code */
    int64_t k, n, each;                /* each: elements along K that share a scale */
    int64_t k_step, n_step;            /* of q */
    int64_t scale_k, scale_n;          /* of scale and zero, per `each` elements and per column */
    int64_t block, blocks;             /* as MatMulNBits has them */
} coded;

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* The largest block that no scale ends in; of columns with one scale the one that pads least. */
static int64_t block_of(const coded *w) {
    int64_t whole = w->each < w->k ? w->each : w->k, b = whole & -whole;
    if (w->each < w->k) return b < MOST_BLOCK ? b : MOST_BLOCK;
    return b < LEAST_BLOCK ? LEAST_BLOCK : b < USUAL_BLOCK ? b : USUAL_BLOCK;
}

static int bits_of(tn_dtype t, bool blocks) {
    if (t == TN_I4 || t == TN_U4) return 4;
    if (t == TN_I2 || t == TN_U2) return 2;
    return blocks && (t == TN_I8 || t == TN_U8) ? 8 : 0;
}

static bool all_finite(const tn_tensor *t) {
    for (int64_t i = 0; i < tn_count(t); i++)
        if (!isfinite(tn_get_f64(t->dtype, t->data, i))) return false;
    return true;
}

/* Which scale is whose: for all, along the columns, or along blocks of K. `axis` of q is K. */
static bool read_scales(const tn_node *n, int axis, coded *w) {
    const tn_tensor *s = w->scale;
    int64_t block = tn_attr_int(n, "block_size", 0), at = tn_attr_int(n, "axis", 1), count = tn_count(s);
    at += at < 0 ? 2 : 0;
    w->each = w->k;
    if (!block && count == 1) return true;
    if (!block) {
        w->scale_n = 1;
        return s->rank == 1 && at == 1 - axis && count == w->n;
    }
    int64_t blocks = ceil_div(w->k, block);
    if (at != axis || s->rank != 2 || s->dims[axis] != blocks || s->dims[1 - axis] != w->n) return false;
    w->each = block;
    w->scale_k = axis ? 1 : w->n, w->scale_n = axis ? blocks : 1;
    return true;
}

/* Constant codes whose dimension `axis` is K. */
static bool read_coded(const tn_node *n, int axis, coded *w) {
    const tn_value *zero = tn_pass_input(n, 2);
    if (!tn_pass_is_op(n, "", "DequantizeLinear") || !n->inputs[0] || !n->inputs[1]) return false;
    *w = (coded){ .q = n->inputs[0]->constant, .scale = n->inputs[1]->constant, .zero = zero ? zero->constant : NULL };
    if (!w->q || !w->scale || (zero && !w->zero) || w->q->rank != 2 || tn_count(w->q) == 0) return false;
    w->bits = bits_of(w->q->dtype, tn_attr_int(n, "block_size", 0) != 0);
    if (!w->bits || w->scale->dtype != n->outputs[0]->type.dtype || !all_finite(w->scale)) return false;
    if (w->zero && (w->zero->dtype != w->q->dtype || tn_count(w->zero) != tn_count(w->scale))) return false;
    w->lo = tn_dtype_is_signed(w->q->dtype) ? -(1 << (w->bits - 1)) : 0;
    w->k = w->q->dims[axis], w->n = w->q->dims[1 - axis];
    w->k_step = axis ? 1 : w->n, w->n_step = axis ? w->k : 1;
    if (w->k > INT32_MAX || w->n > INT32_MAX || !read_scales(n, axis, w)) return false;
    w->block = block_of(w);
    w->blocks = ceil_div(w->k, w->block);
    return w->block >= LEAST_BLOCK;
}

/* ------------------------------------------------------------------------------------------------------- new forms */

/* Where the scale of a block of MatMulNBits is. */
static int64_t scale_at(const coded *w, int64_t column, int64_t block) {
    return column * w->scale_n + block * w->block / w->each * w->scale_k;
}

/* Fields of 2, 4 or 8 bits lie within a byte, the first lowest. */
static int64_t field(const uint8_t *q, int bits, int64_t at) {
    return q[at * bits / 8] >> at * bits % 8 & ((1 << bits) - 1);
}

static void put(uint8_t *row, int bits, int64_t at, int64_t v) {
    row[at * bits / 8] = (uint8_t)(row[at * bits / 8] | v << at * bits % 8);
}

enum { STRIP = 64 /* columns at a time: their rows stay in cache while K goes by */ };
typedef struct {
    const coded *w;
    uint8_t *to;
} code_job;

/* Signed codes become unsigned fields with their highest bit turned. */
static void fill_strips(void *arg, int64_t begin, int64_t end, int thread) {
    const code_job *j = arg;
    const coded *w = j->w;
    int64_t row = w->blocks * w->block * w->bits / 8, to = end * STRIP < w->n ? end * STRIP : w->n;
    (void)thread;
    for (int64_t c = begin * STRIP; c < to; c += STRIP)
        for (int64_t k = 0; k < w->k; k++)
            for (int64_t i = c; i < c + STRIP && i < to; i++)
                put(j->to + i * row, w->bits, k, field(w->q->data, w->bits, i * w->n_step + k * w->k_step) ^ -w->lo);
}

static void fill_codes(tn_quantise *t, const coded *w, tn_tensor *x) {
    code_job j = { w, x->data };
    memset(x->data, 0, (size_t)(w->n * w->blocks * w->block * w->bits / 8));
    tn_parallel(t->ctx->pool, ceil_div(w->n, STRIP), 1, fill_strips, &j);
}

static void fill_scales(tn_quantise *t, const coded *w, tn_tensor *x) {
    size_t each = (size_t)tn_dtypes[x->dtype].bytes;
    (void)t;
    for (int64_t i = 0; i < w->n * w->blocks; i++)
        memcpy((char *)x->data + (size_t)i * each,
               (const char *)w->scale->data + (size_t)scale_at(w, i / w->blocks, i % w->blocks) * each, each);
}

static int64_t zero_at(const coded *w, int64_t column, int64_t block) {
    return (w->zero ? tn_get_i64(w->zero->dtype, w->zero->data, scale_at(w, column, block)) : 0) - w->lo;
}

static void fill_zeros(tn_quantise *t, const coded *w, tn_tensor *x) {
    int64_t row = ceil_div(w->blocks * w->bits, 8);
    (void)t;
    memset(x->data, 0, (size_t)(w->n * row));
    for (int64_t i = 0; i < w->n * w->blocks; i++)
        put((uint8_t *)x->data + i / w->blocks * row, w->bits, i % w->blocks, zero_at(w, i / w->blocks, i % w->blocks));
}

/* The middle of the range is what MatMulNBits takes where it is given none. */
static bool zeros_matter(const coded *w) {
    for (int64_t i = 0; i < w->n * w->blocks; i++)
        if (zero_at(w, i / w->blocks, i % w->blocks) != 1 << (w->bits - 1)) return true;
    return false;
}

static tn_value *made(tn_quantise *t, const coded *w, tn_dtype type, int64_t columns, const char *name,
                      void (*fill)(tn_quantise *t, const coded *w, tn_tensor *x)) {
    tn_tensor x = { 0 };
    if (tn_tensor_init(&x, type, 2, (int64_t[]){ w->n, columns }, TN_MEM_WEIGHTS) != TN_OK) return NULL;
    fill(t, w, &x);
    tn_value *v = tn_value_constant(t->g, name, &x);
    tn_tensor_reset(&x);
    return v;
}

/* The inputs B, scales and zero_points of the weights behind v; found again by the next product of them. */
static tn_status inputs_of(tn_quantise *t, const tn_value *v, int axis, const coded *w, tn_value **in) {
    tn_blocks *b = &t->blocks[v->id];
    tn_value **form = b->form[axis];
    if (!form[0]) {
        bool zeros = zeros_matter(w);
        tn_value *codes = made(t, w, TN_U8, w->blocks * w->block * w->bits / 8, "codes", fill_codes);
        form[1] = made(t, w, w->scale->dtype, w->blocks, "scales", fill_scales);
        if (zeros) form[2] = made(t, w, TN_U8, ceil_div(w->blocks * w->bits, 8), "zeros", fill_zeros);
        if (!codes || !form[1] || (zeros && !form[2])) return no_memory(v->producer);
        form[0] = codes;
    }
    memcpy(in, form, sizeof b->form[axis]);
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------------- products */

/* The dequantised weights of a product, and which of their dimensions is K; NULL: it has none. */
static const tn_value *weights_of(const tn_node *n, int *axis) {
    bool gemm = tn_pass_is_op(n, "", "Gemm");
    if ((!gemm && !tn_pass_is_op(n, "", "MatMul")) || n->n_inputs < 2 || !n->inputs[0] || !n->inputs[1]) return NULL;
    *axis = gemm && tn_attr_int(n, "transB", 0);
    if (gemm && (tn_attr_int(n, "transA", 0) || tn_attr_float(n, "alpha", 1) != 1)) return NULL;
    const tn_value *w = n->inputs[1];
    const tn_node *turn = w->producer;
    if (!tn_pass_is(turn, "", "Transpose") || tn_pass_rank(turn->inputs[0]) != 2) return w;
    int count;
    const int64_t *perm = tn_attr_ints(turn, "perm", &count);
    if (count && perm[0] == 0) return NULL;
    *axis = 1 - *axis;
    return turn->inputs[0];
}

/* Whether Gemm's C is a number for each column; *bias NULL: there is none. */
static bool read_bias(const tn_node *n, int64_t columns, tn_dtype type, tn_value **bias) {
    *bias = tn_pass_is_op(n, "", "Gemm") ? tn_pass_input(n, 2) : NULL;
    if (!*bias) return true;
    return tn_attr_float(n, "beta", 1) == 1 && (*bias)->constant && (*bias)->constant->rank == 1 &&
           (*bias)->constant->dims[0] == columns && (*bias)->type.dtype == type;
}

tn_status tn_quantise_nbits(tn_quantise *t, tn_node *n) {
    int axis;
    coded w;
    tn_value *in[6] = { NULL };
    const tn_value *v = weights_of(n, &axis);
    if (!v || !v->producer || v->id >= t->n_values || tn_pass_rank(n->inputs[0]) < 1 || n->inputs[0]->constant)
        return TN_OK;
    if (!read_coded(v->producer, axis, &w) || n->inputs[0]->type.dtype != w.scale->dtype) return TN_OK;
    if (!read_bias(n, w.n, w.scale->dtype, &in[5])) return TN_OK;
    if (!t->blocks) t->blocks = tn_arena_array(t->arena, tn_blocks, (size_t)t->n_values);
    if (!t->blocks) return no_memory(n);
    in[0] = n->inputs[0];
    TN_TRY(inputs_of(t, v, axis, &w, in + 1));
    tn_node *y = tn_node_new(t->g, n, "com.microsoft", "MatMulNBits", in, in[5] ? 6 : in[3] ? 4 : 3, 1);
    if (!y) return no_memory(n);
    TN_TRY(tn_attr_set_int(y, "K", w.k));
    TN_TRY(tn_attr_set_int(y, "N", w.n));
    TN_TRY(tn_attr_set_int(y, "bits", w.bits));
    TN_TRY(tn_attr_set_int(y, "block_size", w.block));
    return tn_pass_become(n, y, t->ctx);
}
