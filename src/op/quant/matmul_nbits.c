/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* matmul_nbits.c - com.microsoft.MatMulNBits: Y = A W' + bias with W [N, K] in 2 to 8 bits, a scale and a zero point
 * per block of K. Source: docs/ContribOperators.md of ONNX Runtime.
 *
 * A few rows (a language model's next token) are multiplied by the packed weights as they lie in the file, which costs
 * a half or an eighth of the memory traffic of floats. Many rows are worth unpacking for: some columns at a time, so
 * that the floats stay in the cache. */
#include "kernel/kernel.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/quant/grads.h"
#include "op/quant/qparam.h"
#include <stdio.h>
#include <string.h>

enum { A, B, SCALES, ZEROS, GROUPS, BIAS };

typedef struct {
    int bits;
    int64_t k, n, block, blocks; /* blocks: of a row */
    int64_t row_bytes;
} weights;

typedef struct {
    int64_t K, N, bits, block_size;
    bool weight_prepacked;
} settings;

static tn_status read_weights(const tn_node *n, const settings *a, weights *w) {
    *w = (weights){ .bits = (int)a->bits, .k = a->K, .n = a->N, .block = a->block_size };
    if (w->block < 16 || w->block & (w->block - 1))
        return tn_op_fail(n, TN_E_INVALID, "block_size is %lld; powers of two from 16 on can be", (long long)w->block);
    if (a->weight_prepacked)
        return tn_op_fail(n, TN_E_UNSUPPORTED, "the weights are laid out for a device that is not here");
    w->blocks = (w->k + w->block - 1) / w->block;
    w->row_bytes = w->blocks * (w->block / 8 * w->bits);
    return TN_OK;
}

static int64_t zero_bytes(const weights *w) { return (w->blocks * w->bits + 7) / 8; }

/* ------------------------------------------------------------------------------------------------------ inference */

static tn_status check_count(tn_infer *c, int i, int64_t rows, int64_t per_row) {
    if (tn_infer_rank(c, i) < 0) return TN_OK;
    tn_dim have = tn_type_count(c->syms, c->in[i]);
    if (!tn_dim_known(have) || have == rows * per_row) return TN_OK;
    return tn_infer_fail(c, TN_E_SHAPE, "'%s' has %lld elements; %lld rows of %lld are needed", c->node->op->in[i].name,
                         (long long)have, (long long)rows, (long long)per_row);
}

static tn_status nbits_infer(tn_infer *c) {
    weights w;
    int rank = tn_infer_rank(c, A);
    tn_dim dims[TN_MAX_RANK];
    TN_TRY(read_weights(c->node, c->attrs, &w));
    TN_TRY(check_count(c, B, w.n, w.row_bytes));
    TN_TRY(check_count(c, SCALES, w.n, w.blocks));
    if (tn_infer_has(c, ZEROS))
        TN_TRY(check_count(c, ZEROS, w.n, tn_infer_dtype(c, ZEROS) == TN_U8 ? zero_bytes(&w) : w.blocks));
    TN_TRY(check_count(c, BIAS, 1, w.n));
    if (tn_infer_rank(c, GROUPS) >= 0) { /* one per element, perhaps of whole blocks */
        tn_dim have = tn_type_count(c->syms, c->in[GROUPS]);
        if (tn_dim_known(have) && (have < w.k || have > w.blocks * w.block))
            return tn_infer_fail(c, TN_E_SHAPE, "g_idx has %lld elements for K = %lld", (long long)have,
                                 (long long)w.k);
    }
    if (rank < 0) {
        tn_infer_out(c, 0, tn_infer_dtype(c, A), -1, NULL);
        return TN_OK;
    }
    if (rank == 0) return tn_infer_fail(c, TN_E_SHAPE, "A is a scalar");
    memcpy(dims, c->in[A]->dims, sizeof *dims * (size_t)rank);
    if (tn_dim_known(dims[rank - 1]) && dims[rank - 1] != w.k)
        return tn_infer_fail(c, TN_E_SHAPE, "A has %lld columns, K is %lld", (long long)dims[rank - 1], (long long)w.k);
    dims[rank - 1] = w.n;
    tn_infer_out(c, 0, tn_infer_dtype(c, A), rank, dims);
    return TN_OK;
}

static tn_status nbits_cost(const tn_infer *c, tn_cost *out) {
    out->flops = 2 * (double)((const settings *)c->attrs)->K;
    for (int i = 0; i < c->out[0].rank; i++) out->flops *= (double)c->out[0].dims[i];
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------- scales, zero points */

typedef struct {
    const float *scale, *zero; /* [n, blocks]; NULL: inputs, read while running */
} nbits_state;

static tn_status scales_of(const tn_tensor *t, float *v) {
    return tn_convert(t->dtype, t->data, TN_F32, v, tn_count(t), true, TN_ROUND_NEAREST);
}

static tn_status zeros_of(const weights *w, const tn_tensor *t, float *v) {
    int64_t n = w->n * w->blocks;
    if (t && t->dtype != TN_U8) return scales_of(t, v);
    for (int64_t i = 0; i < n; i++) {
        v[i] = (float)(1 << (w->bits - 1));
        if (!t) continue;
        const uint8_t *row = (const uint8_t *)t->data + i / w->blocks * zero_bytes(w);
        v[i] = (float)tn_nbits_field(row, w->bits, i % w->blocks);
    }
    return TN_OK;
}

typedef struct {
    const weights *w;
    const tn_tensor *scale, *zero;
} expand_job;

/* Scales, then zero points, as numbers: of tensors that may lie at any address of their file. */
static tn_status expand(void *dst, const void *user) {
    const expand_job *j = user;
    tn_tensor scale = { 0 }, zero = { 0 };
    tn_tensor_share(&scale, j->scale);
    if (j->zero) tn_tensor_share(&zero, j->zero);
    tn_status st = tn_tensor_align(&scale);
    if (st == TN_OK && j->zero) st = tn_tensor_align(&zero);
    if (st == TN_OK) st = scales_of(&scale, dst);
    if (st == TN_OK) st = zeros_of(j->w, j->zero ? &zero : NULL, (float *)dst + j->w->n * j->w->blocks);
    tn_tensor_reset(&scale);
    tn_tensor_reset(&zero);
    return st;
}

static tn_status nbits_prepare(tn_prep *p) {
    const tn_infer *t = &p->types;
    const tn_tensor *scale = t->in_tensor[SCALES], *zero = tn_infer_has(t, ZEROS) ? t->in_tensor[ZEROS] : NULL;
    weights w;
    nbits_state *s = tn_arena_new_of(p->arena, nbits_state);
    if (!s) return tn_op_fail(t->node, TN_E_NOMEM, "no memory to prepare");
    *s = (nbits_state){ 0 };
    p->state = s;
    TN_TRY(read_weights(t->node, t->attrs, &w));
    if (!scale || (tn_infer_has(t, ZEROS) && !zero)) return TN_OK;
    expand_job j = { &w, scale, zero };
    const void *v = NULL;
    char key[64];
    snprintf(key, sizeof key, "nbits %d %lld %lld", w.bits, (long long)w.n, (long long)w.blocks);
    TN_TRY(tn_prep_pack(p, 1u << SCALES | (zero ? 1u << ZEROS : 0), key, (size_t)(2 * w.n * w.blocks) * sizeof(float),
                        expand, &j, &v));
    s->scale = v, s->zero = s->scale + w.n * w.blocks;
    p->consumed |= 1u << SCALES | (zero ? 1u << ZEROS : 0);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ run */

typedef struct {
    const tn_nbits_kernels *kn;
    weights w;
    const uint8_t *q;
    const float *scale, *zero, *bias;
    const int32_t *groups;
    const float *dealt, *sums; /* A, a few rows */
    int m;
    float *y, *unpacked;
    int64_t first; /* of the columns to unpack */
} job;

static tn_nbits_row row_of(const job *j, int64_t n) {
    return (tn_nbits_row){ j->w.bits,
                           j->w.blocks,
                           j->w.block,
                           j->q + n * j->w.row_bytes,
                           j->scale + n * j->w.blocks,
                           j->zero + n * j->w.blocks };
}

static void multiply(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    (void)thread;
    for (int64_t n = begin; n < end; n++) {
        tn_nbits_row w = row_of(j, n);
        float y[TN_NBITS_ROWS];
        j->kn->dot(&w, j->m, j->dealt, j->sums, y);
        for (int r = 0; r < j->m; r++) j->y[r * j->w.n + n] = y[r] + (j->bias ? j->bias[n] : 0);
    }
}

/* m rows of A, dealt out as the kernel wants them, with the sums of their blocks. */
static void deal(const weights *w, int m, const float *a, float *dealt, float *sums) {
    int64_t row = w->blocks * w->block, per = 8 / w->bits;
    memset(dealt, 0, (size_t)(m * row) * sizeof *dealt);
    for (int r = 0; r < m; r++, a += w->k, dealt += row)
        for (int64_t b = 0; b < w->blocks; b++) {
            int64_t end = (b + 1) * w->block < w->k ? (b + 1) * w->block : w->k;
            float sum = 0;
            for (int64_t e = b * w->block; e < end; e++) {
                dealt[e % per * (row / per) + e / per] = a[e];
                sum += a[e];
            }
            sums[r * w->blocks + b] = sum;
        }
}

static tn_status run_few(tn_run *r, job *j, int64_t m, const float *a) {
    size_t row = (size_t)(j->w.blocks * j->w.block);
    float *dealt = tn_run_scratch(r, TN_NBITS_ROWS * row * sizeof *dealt + 64);
    float *sums = tn_run_scratch(r, TN_NBITS_ROWS * (size_t)j->w.blocks * sizeof *sums + 64);
    if (!dealt || !sums) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the product");
    j->dealt = dealt, j->sums = sums;
    for (int64_t i = 0; i < m; i += TN_NBITS_ROWS, j->y += TN_NBITS_ROWS * j->w.n) {
        j->m = m - i < TN_NBITS_ROWS ? (int)(m - i) : TN_NBITS_ROWS;
        deal(&j->w, j->m, a + i * j->w.k, dealt, sums);
        tn_parallel(r->pool, j->w.n, 1 + (1 << 16) / (int64_t)(row + 1), multiply, j);
    }
    return TN_OK;
}

/* Group g_idx[e] has the scale and zero point of element e. */
static void unpack_groups(const job *j, int64_t n, float *out) {
    for (int64_t e = 0; e < j->w.k; e++) {
        int64_t g = n * j->w.blocks + j->groups[e];
        int q = tn_nbits_field(j->q + n * j->w.row_bytes, j->w.bits, e);
        out[e] = ((float)q - j->zero[g]) * j->scale[g];
    }
}

static void unpack(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        float *out = j->unpacked + i * j->w.blocks * j->w.block;
        tn_nbits_row w = row_of(j, j->first + i);
        if (j->groups)
            unpack_groups(j, j->first + i, out);
        else
            j->kn->unpack(&w, out);
    }
}

static tn_status run_many(tn_run *r, job *j, int64_t m, const float *a) {
    enum { BYTES = 1 << 21, LEAST = 64 };
    int64_t row = j->w.blocks * j->w.block, columns = BYTES / 4 / row;
    columns = columns < LEAST ? LEAST : columns / 32 * 32;
    columns = columns < j->w.n ? columns : j->w.n;
    j->unpacked = tn_run_scratch(r, (size_t)(columns * row) * sizeof *j->unpacked + 64);
    if (!j->unpacked) return tn_op_fail(r->node, TN_E_NOMEM, "no memory to unpack weights");
    for (j->first = 0; j->first < j->w.n; j->first += columns) {
        int64_t n = j->w.n - j->first < columns ? j->w.n - j->first : columns;
        tn_parallel(r->pool, n, 4, unpack, j);
        tn_gemm_args g = tn_gemm_dense(m, n, j->w.k, a, j->unpacked, j->y + j->first);
        g.trans_b = true, g.ldb = row, g.ldc = g.ldd = j->w.n;
        g.bias_n = j->bias ? j->bias + j->first : NULL;
        TN_TRY(tn_gemm(&tn_kernels_get()->gemm, &g, NULL, r->pool));
    }
    return TN_OK;
}

static tn_status check_groups(tn_run *r, const weights *w, const int32_t *g) {
    for (int64_t e = 0; e < w->k; e++)
        if (g[e] < 0 || g[e] >= w->blocks)
            return tn_op_fail(r->node, TN_E_INVALID, "g_idx[%lld] is %d; there are %lld groups", (long long)e, g[e],
                              (long long)w->blocks);
    return TN_OK;
}

static tn_status nbits_run(tn_run *r) {
    enum { FEW = 12 }; /* rows for which the packed weights are read again and again */
    const nbits_state *s = r->state;
    const tn_tensor *b = tn_in(r, B);
    tn_tensor *y = tn_out(r, 0);
    job j = { .kn = &tn_kernels_get()->nbits, .q = b->data, .scale = s->scale, .zero = s->zero };
    int64_t count, m;
    const float *rows;
    if (tn_count(y) == 0) return TN_OK;
    TN_TRY(read_weights(r->node, r->attrs, &j.w));
    if (!j.scale) {
        float *zero = tn_run_scratch(r, (size_t)(j.w.n * j.w.blocks + 1) * sizeof *zero);
        if (!zero) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the zero points");
        TN_TRY(tn_q_floats(r, SCALES, 1, &j.scale, &count));
        TN_TRY(zeros_of(&j.w, tn_in(r, ZEROS), zero));
        j.zero = zero;
    }
    if (tn_run_has(r, BIAS)) TN_TRY(tn_q_floats(r, BIAS, 0, &j.bias, &count));
    if (tn_run_has(r, GROUPS)) {
        j.groups = tn_in(r, GROUPS)->data;
        TN_TRY(check_groups(r, &j.w, j.groups));
    }
    TN_TRY(tn_q_floats(r, A, 0, &rows, &count));
    m = count / j.w.k;
    float *out = y->dtype == TN_F32 ? y->data : tn_run_scratch(r, (size_t)(m * j.w.n) * sizeof *out + 64);
    if (!out) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the result");
    j.y = out;
    bool whole = 8 % j.w.bits == 0; /* no field crosses bytes */
    TN_TRY(m <= FEW && whole && !j.groups ? run_few(r, &j, m, rows) : run_many(r, &j, m, rows));
    return y->dtype == TN_F32 ? TN_OK : tn_convert(TN_F32, out, y->dtype, y->data, m * j.w.n, true, TN_ROUND_NEAREST);
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define REAL (tn_dtype_bit(TN_F32) | tn_dtype_bit(TN_F16) | tn_dtype_bit(TN_BF16))
#define U8   tn_dtype_bit(TN_U8)
static const tn_port nbits_in[] = { { "A", REAL, 'T' },
                                    { "B", U8, 0 },
                                    { "scales", REAL, 'T' },
                                    { "zero_points", U8 | REAL, 0, .optional = true },
                                    { "g_idx", tn_dtype_bit(TN_I32), 0, .optional = true },
                                    { "bias", REAL, 'T', .optional = true },
                                    { 0 } };
static const tn_port nbits_out[] = { { "Y", REAL, 'T' }, { 0 } };
static const tn_attr_spec nbits_attrs[] = { { TN_INT(settings, K, 0), .required = true, .min = 1, .max = INT32_MAX },
                                            { TN_INT(settings, N, 0), .required = true, .min = 1, .max = INT32_MAX },
                                            { TN_INT(settings, block_size, 0), .required = true, .min = 16,
                                              .max = 1 << 20 },
                                            { TN_INT(settings, bits, 4), .min = 2, .max = 8 },
                                            { "accuracy_level", TN_ATTR_INT },
                                            { TN_FLAG(settings, weight_prepacked, false) },
                                            { 0 } };

const tn_op tn_ops_matmul_nbits[] = {
    { .name = "MatMulNBits",
      .domain = "com.microsoft",
      .since = 1,
      .in = nbits_in,
      .out = nbits_out,
      TN_ATTRS(nbits_attrs, settings),
      .infer = nbits_infer,
      .cost = nbits_cost,
      .prepare = nbits_prepare,
      .run = nbits_run,
      .grad = tn_grad_nbits,
      .doc = "matrix product with weights of 2 to 8 bits in blocks" },
    { 0 },
};
