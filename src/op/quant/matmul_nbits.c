/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* matmul_nbits.c - com.microsoft.MatMulNBits: Y = A W' + bias with W [N, K] in 2 to 8 bits, a scale and a zero point
 * per block of K. Source: docs/ContribOperators.md of ONNX Runtime.
 *
 * The weights are read as they lie in the file, a piece of a row at a time (kernel/coded.h); scales and zero points,
 * too: nothing is copied when a plan is made.
 *
 * accuracy_level says what activations may become: 4 is 8-bit integers; all others, and none given, leave them float32,
 * as ONNX Runtime's CPU provider does.
 *
 * g_idx says which scale and zero point an element has. What quantises in the order of activations (GPTQ) writes groups
 * of equal size whose elements are scattered: constant weights are then packed once with the elements of a group side
 * by side, and every run brings the columns of A in that order. Anything else is unpacked as it comes. */
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
    int64_t K, N, bits, block_size, accuracy_level;
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

/* --------------------------------------------------------------------------------------------------------- prepare */

/* Where the parts of the weights lie: all addresses NULL while only shapes are known. */
static tn_coded view(const weights *w, const tn_tensor *q, const tn_tensor *scale, const tn_tensor *zero) {
    tn_coded c = { .as = &tn_encodings[TN_ENC_U2 + w->bits - 2],
                   .rows = w->n,
                   .columns = w->k,
                   .block = w->block,
                   .blocks = w->blocks,
                   .code = { q ? q->data : NULL, w->row_bytes, TN_U8 } };
    if (scale) c.scale = (tn_part){ scale->data, w->blocks * tn_dtypes[scale->dtype].bytes, scale->dtype };
    if (zero && zero->dtype == TN_U8) c.zero = (tn_part){ zero->data, zero_bytes(w), TN_U8 };
    if (zero && zero->dtype != TN_U8)
        c.zero = (tn_part){ zero->data, w->blocks * tn_dtypes[zero->dtype].bytes, zero->dtype };
    return c;
}

static int64_t rows_of(const tn_type *a) {
    int64_t m = 1;
    for (int i = 0; i < a->rank - 1; i++) m *= a->dims[i];
    return m;
}

/* Weights whose g_idx is known: element e of a row is column from[e] of A. */
typedef struct {
    bool straight;       /* from[e] is e: the weights are those of the file */
    const uint8_t *code; /* else packed */
    const int32_t *from;
} sorted;

/* from[e] in ascending groups, of which each must have as many elements as a block; false: they do not. */
static bool sort_groups(const weights *w, const int32_t *group, int64_t *next, int32_t *from) {
    for (int64_t b = 0; b < w->blocks; b++) next[b] = b * w->block;
    for (int64_t e = 0; e < w->k; e++) {
        int32_t g = group[e];
        if (g < 0 || g >= w->blocks) return false; /* a run says so */
        int64_t end = (g + 1) * w->block < w->k ? (g + 1) * w->block : w->k;
        if (next[g] == end) return false;
        from[next[g]++] = (int32_t)e;
    }
    return true;
}

static bool is_straight(const weights *w, const int32_t *from) {
    for (int64_t e = 0; e < w->k; e++)
        if (from[e] != e) return false;
    return true;
}

typedef struct {
    const weights *w;
    const uint8_t *code;
    const int32_t *from;
} sort_job;

static tn_status pack_sorted(void *dst, const void *user) {
    const sort_job *j = user;
    memset(dst, 0, (size_t)(j->w->n * j->w->row_bytes));
    for (int64_t i = 0; i < j->w->n; i++) {
        const uint8_t *q = j->code + i * j->w->row_bytes;
        uint8_t *out = (uint8_t *)dst + i * j->w->row_bytes;
        for (int64_t e = 0; e < j->w->k; e++) {
            int64_t at = e * j->w->bits;
            int field = tn_field(q, j->w->bits, j->from[e]) << at % 8;
            out[at / 8] |= (uint8_t)field;
            if (field >> 8) out[at / 8 + 1] |= (uint8_t)(field >> 8);
        }
    }
    return TN_OK;
}

static tn_status prepare_groups(tn_prep *p, const weights *w) {
    const tn_infer *t = &p->types;
    const tn_tensor *groups = t->in_tensor[GROUPS], *code = t->in_tensor[B];
    char key[96];
    if (!groups || !code) return TN_OK;
    sorted *s = tn_arena_alloc(p->arena, sizeof *s, 8);
    int32_t *from = tn_arena_array(p->arena, int32_t, (size_t)w->k);
    int64_t *next = tn_mem_alloc((size_t)w->blocks * sizeof *next, TN_MEM_SCRATCH);
    bool sorts = s && from && next && sort_groups(w, groups->data, next, from), room = s && from && next;
    tn_mem_free(next);
    if (!room) return tn_op_fail(t->node, TN_E_NOMEM, "no memory to sort weights");
    if (!sorts) return TN_OK;
    *s = (sorted){ .straight = is_straight(w, from), .from = from };
    p->state = s;
    if (s->straight) return TN_OK;
    sort_job j = { w, code->data, from };
    snprintf(key, sizeof key, "nbits sorted %d %lld %lld %lld", w->bits, (long long)w->block, (long long)w->n,
             (long long)w->k);
    TN_TRY(tn_prep_pack(p, 1u << B | 1u << GROUPS, key, (size_t)(w->n * w->row_bytes), pack_sorted, &j,
                        (const void **)&s->code));
    p->consumed |= 1u << B;
    return TN_OK;
}

/* Codes, scales and zero points are read wherever they lie in their file: none wants an aligned copy. */
static tn_status nbits_prepare(tn_prep *p) {
    const tn_infer *t = &p->types;
    weights w;
    TN_TRY(read_weights(t->node, t->attrs, &w));
    for (int i = B; i <= ZEROS; i++)
        if (tn_infer_has(t, i) && t->in_tensor[i]) p->as_it_lies |= 1u << i;
    if (tn_infer_has(t, GROUPS)) TN_TRY(prepare_groups(p, &w));
    if (tn_infer_has(t, GROUPS) && !p->state) return TN_OK;
    if (!tn_type_static(t->in[A]) || !tn_type_static(&t->out[0])) return TN_OK;
    tn_coded_b b = { view(&w, NULL, NULL, NULL), ((const settings *)t->attrs)->accuracy_level == 4 };
    tn_gemm_args g = tn_gemm_dense(rows_of(t->in[A]), w.n, w.k, NULL, NULL, NULL);
    if (g.m) p->scratch = tn_coded_scratch(tn_kernels_get(), &g, &b, tn_pool_threads(p->pool));
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ run */

typedef struct {
    tn_coded c;
    const int32_t *groups;
    int64_t first; /* of the columns to unpack */
    float *unpacked;
} job;

/* Group g_idx[e] has the scale and zero point of element e. */
static void unpack(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        int64_t row = j->first + i;
        const uint8_t *q = (const uint8_t *)j->c.code.at + row * j->c.code.row;
        float *out = j->unpacked + i * j->c.columns;
        for (int64_t e = 0; e < j->c.columns; e++)
            out[e] = ((float)tn_field(q, j->c.as->bits, e) - tn_coded_zero(&j->c, row, j->groups[e])) *
                     tn_coded_scale(&j->c, row, j->groups[e]);
    }
}

static tn_status run_groups(tn_run *r, job *j, const tn_gemm_args *whole) {
    enum { BYTES = 1 << 21, LEAST = 64 };
    int64_t columns = BYTES / 4 / whole->k;
    columns = columns < LEAST ? LEAST : columns / 32 * 32;
    columns = columns < whole->n ? columns : whole->n;
    j->unpacked = tn_run_scratch(r, (size_t)(columns * whole->k) * sizeof *j->unpacked + 64);
    if (!j->unpacked) return tn_op_fail(r->node, TN_E_NOMEM, "no memory to unpack weights");
    for (j->first = 0; j->first < whole->n; j->first += columns) {
        tn_gemm_args g = *whole;
        g.n = whole->n - j->first < columns ? whole->n - j->first : columns;
        tn_parallel(r->pool, g.n, 4, unpack, j);
        g.b = j->unpacked, g.trans_b = true, g.ldb = whole->k;
        g.c += j->first, g.bias_n = g.bias_n ? g.bias_n + j->first : NULL;
        TN_TRY(tn_gemm(&tn_kernels_get()->gemm, &g, NULL, r->pool));
    }
    return TN_OK;
}

/* Columns of A in the order of sorted weights. */
typedef struct {
    const float *a;
    float *out;
    int64_t k;
    const int32_t *from;
} gather_job;

static void gather_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const gather_job *j = arg;
    (void)thread;
    for (int64_t r = begin; r < end; r++)
        for (int64_t e = 0; e < j->k; e++) j->out[r * j->k + e] = j->a[r * j->k + j->from[e]];
}

/* The codes of the plan and the columns that they meet, in the places of those of the file. */
static tn_status use_sorted(tn_run *r, const sorted *s, tn_coded *c, tn_gemm_args *g) {
    if (s->straight) return TN_OK;
    gather_job j = { g->a, tn_run_scratch(r, (size_t)(g->m * g->k) * sizeof *j.out), g->k, s->from };
    if (!j.out) return tn_op_fail(r->node, TN_E_NOMEM, "no memory to sort columns");
    tn_parallel(r->pool, g->m, 1 + 4096 / g->k, gather_rows, &j);
    g->a = j.out, c->code.at = s->code;
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
    const settings *a = r->attrs;
    tn_tensor *y = tn_out(r, 0);
    const float *rows, *bias = NULL;
    int64_t count, m;
    weights w;
    if (tn_count(y) == 0) return TN_OK;
    TN_TRY(read_weights(r->node, a, &w));
    job j = { .c = view(&w, tn_in(r, B), tn_in(r, SCALES), tn_in(r, ZEROS)) };
    if (tn_run_has(r, BIAS)) TN_TRY(tn_q_floats(r, BIAS, 0, &bias, &count));
    const sorted *s = r->state;
    if (tn_run_has(r, GROUPS) && !s) {
        j.groups = tn_in(r, GROUPS)->data;
        TN_TRY(check_groups(r, &w, j.groups));
    }
    TN_TRY(tn_q_floats(r, A, 0, &rows, &count));
    m = count / w.k;
    float *out = y->dtype == TN_F32 ? y->data : tn_run_scratch(r, (size_t)(m * w.n) * sizeof *out + 64);
    if (!out) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the result");
    tn_gemm_args g = tn_gemm_dense(m, w.n, w.k, rows, NULL, out);
    if (s) TN_TRY(use_sorted(r, s, &j.c, &g));
    tn_coded_b b = { j.c, a->accuracy_level == 4 };
    g.bias_n = bias;
    TN_TRY(j.groups ? run_groups(r, &j, &g) : tn_coded_gemm(tn_kernels_get(), &g, &b, r->scratch, r->pool));
    return y->dtype == TN_F32 ? TN_OK : tn_convert(TN_F32, out, y->dtype, y->data, m * w.n, true, TN_ROUND_NEAREST);
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
                                            { TN_INT(settings, accuracy_level, 0) },
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
