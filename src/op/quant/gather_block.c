/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gather_block.c - com.microsoft.GatherBlockQuantized: slices of a table of codes, as numbers. A scale, and a zero
 * point where there is one, belongs to each block along one axis. Codes are bytes (8 bits, or several of 2 or 4 bits to
 * a byte, low ones first, along the last axis), 4-bit integers, float8 or float4. Source: docs/ContribOperators.md of
 * ONNX Runtime. */
#include "kernel/kernel.h"
#include "op/core/grad.h"
#include "op/core/support.h"
#include "op/quant/qparam.h"
#include <string.h>

enum { DATA, INDICES, SCALES, ZEROS };

typedef struct {
    int64_t bits, block_size, gather_axis, quantize_axis;
} settings;

typedef struct {
    int rank, axis, quantised; /* axes to gather along and of the blocks */
    int bits;                  /* of bytes; 0: the element type says it */
    int64_t block;             /* 0: the whole axis */
} form;

static bool is_real(tn_dtype t) { return (TN_F8 | tn_dtype_bit(TN_F4E2M1)) & tn_dtype_bit(t); }

static tn_status read_form(tn_infer *c, form *f) {
    const settings *a = c->attrs;
    tn_dtype t = tn_infer_dtype(c, DATA);
    *f = (form){ .rank = tn_infer_rank(c, DATA), .block = a->block_size };
    TN_TRY(tn_op_axis(c->node, a->gather_axis, f->rank, &f->axis));
    TN_TRY(tn_op_axis(c->node, a->quantize_axis, f->rank, &f->quantised));
    int64_t bits = a->bits;
    if (t == TN_U8) {
        if (bits != 2 && bits != 4 && bits != 8)
            return tn_infer_fail(c, TN_E_INVALID, "bits is %lld; 2, 4 and 8 can be", (long long)bits);
        if (f->axis != 0) return tn_infer_fail(c, TN_E_INVALID, "of packed bytes only the first axis can be gathered");
        f->bits = (int)bits;
    }
    bool whole = f->block == 0 && is_real(t);
    if (!whole && (f->block < 16 || f->block & (f->block - 1)))
        return tn_infer_fail(c, TN_E_INVALID, "block_size is %lld; powers of two from 16 on can be",
                             (long long)f->block);
    if (is_real(t) && tn_infer_has(c, ZEROS))
        return tn_infer_fail(c, TN_E_GRAPH, "codes of real numbers have no zero points");
    return TN_OK;
}

/* Dimension i of the numbers that the codes stand for. */
static tn_dim number_dim(const form *f, const tn_dim *dims, int i) {
    if (!f->bits || i != f->rank - 1) return dims[i];
    tn_dim wide = TN_DIM_UNKNOWN;
    if (!tn_dim_known(dims[i]) || __builtin_mul_overflow(dims[i], 8 / f->bits, &wide)) return TN_DIM_UNKNOWN;
    return wide;
}

static int64_t blocks_of(const form *f, int64_t n) { return f->block ? (n + f->block - 1) / f->block : n > 0; }

/* The scales have the data's rank; one for each block, for each place on the other axes. */
static tn_status check_scales(tn_infer *c, const form *f) {
    const tn_type *s = c->in[SCALES];
    if (s->rank < 0) return TN_OK;
    if (s->rank != f->rank)
        return tn_infer_fail(c, TN_E_SHAPE, "scales of %d dimensions for data of %d", s->rank, f->rank);
    for (int i = 0; i < f->rank; i++) {
        tn_dim want = number_dim(f, c->in[DATA]->dims, i);
        if (!tn_dim_known(want) || !tn_dim_known(s->dims[i])) continue;
        if (i == f->quantised) want = blocks_of(f, want);
        if (s->dims[i] != want && !(s->dims[i] == 1 && i != f->quantised && is_real(tn_infer_dtype(c, DATA))))
            return tn_infer_fail(c, TN_E_SHAPE, "scales: %lld in dimension %d, not %lld", (long long)s->dims[i], i,
                                 (long long)want);
    }
    return TN_OK;
}

static tn_status infer(tn_infer *c) {
    int rank = tn_infer_rank(c, DATA), q = tn_infer_rank(c, INDICES), n = 0;
    tn_dim dims[2 * TN_MAX_RANK];
    form f;
    tn_infer_out(c, 0, tn_infer_dtype(c, SCALES), -1, NULL);
    if (rank < 0 || q < 0) return TN_OK;
    if (rank == 0) return tn_infer_fail(c, TN_E_SHAPE, "data is a scalar; there is no axis to gather along");
    if (rank - 1 + q > TN_MAX_RANK) return tn_infer_fail(c, TN_E_SHAPE, "%d dimensions are too many", rank - 1 + q);
    TN_TRY(read_form(c, &f));
    TN_TRY(check_scales(c, &f));
    for (int i = 0; i < f.axis; i++) dims[n++] = number_dim(&f, c->in[DATA]->dims, i);
    for (int i = 0; i < q; i++) dims[n++] = c->in[INDICES]->dims[i];
    for (int i = f.axis + 1; i < rank; i++) dims[n++] = number_dim(&f, c->in[DATA]->dims, i);
    tn_infer_out(c, 0, tn_infer_dtype(c, SCALES), n, dims);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ run */

typedef struct {
    form f;
    const tn_tensor *data, *zeros, *indices;
    const float *scales;
    float *y;
    int64_t dims[TN_MAX_RANK], step[TN_MAX_RANK]; /* of the numbers; of the scales, by axis */
    int64_t picks, inner, run;                    /* indices; numbers behind the axis; those of one run */
    tn_coded c;                                   /* of as_rows */
    int64_t zero_row, zero_bytes;                 /* zero points of a row, bytes they take */
} job;

static float code_at(const job *j, int64_t i) {
    if (j->f.bits) return (float)tn_field(j->data->data, j->f.bits, i);
    return (float)tn_get_f64(j->data->dtype, j->data->data, i);
}

static float zero_at(const job *j, int64_t i) {
    if (!j->zeros) return j->f.bits ? (float)(1 << (j->f.bits - 1)) : 0;
    if (!j->f.bits) return (float)tn_get_f64(j->zeros->dtype, j->zeros->data, i);
    return (float)tn_field((const uint8_t *)j->zeros->data + i / j->zero_row * j->zero_bytes, j->f.bits,
                           i % j->zero_row);
}

/* Runs of numbers that lie side by side in table and result. */
static void gather(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    int last = j->f.rank - 1;
    (void)thread;
    for (int64_t k = begin; k < end; k++) {
        int64_t at = k * j->run, e = at % j->inner, pick = at / j->inner % j->picks, outer = at / j->inner / j->picks;
        int64_t index = tn_get_i64(j->indices->dtype, j->indices->data, pick), len = j->dims[j->f.axis];
        index += index < 0 ? len : 0;
        if (index < 0 || index >= len) { /* nothing is there */
            memset(j->y + at, 0, (size_t)j->run * sizeof *j->y);
            continue;
        }
        int64_t from = (outer * len + index) * j->inner + e, rest = from, base = 0, place = 0;
        for (int d = last; d >= 0; rest /= j->dims[d], d--) {
            int64_t x = rest % j->dims[d];
            if (d == last)
                place = x;
            else
                base += (d == j->f.quantised && j->f.block ? x / j->f.block : d == j->f.quantised ? 0 : x) * j->step[d];
        }
        for (int64_t i = 0; i < j->run; i++, place++) {
            int64_t b = j->f.quantised != last ? place : j->f.block ? place / j->f.block : 0;
            int64_t s = base + b * j->step[last];
            j->y[at + i] = (code_at(j, from + i) - zero_at(j, s)) * j->scales[s];
        }
    }
}

static tn_status check_zeros(tn_run *r, job *j, const tn_tensor *scales) {
    if (!j->zeros) return TN_OK;
    int64_t rows = 1, have = tn_count(j->zeros), want = tn_count(scales);
    for (int i = 0; i < scales->rank - 1; i++) rows *= scales->dims[i];
    j->zero_row = scales->dims[scales->rank - 1], j->zero_bytes = (j->zero_row * j->f.bits + 7) / 8;
    if (j->f.bits) want = rows * j->zero_bytes;
    if (have == want) return TN_OK;
    return tn_op_fail(r->node, TN_E_SHAPE, "%lld zero points; %lld are needed", (long long)have, (long long)want);
}

/* Packed fields whose blocks lie along the last axis are rows as the kernels of kernel/coded.h know them: then scales,
 * too, are read where they are, and not those of the whole table. */
static bool as_rows(job *j, const tn_tensor *scales) {
    int last = j->f.rank - 1;
    int64_t columns = j->dims[last], rows = tn_op_product(j->dims, 0, last), blocks = blocks_of(&j->f, columns);
    if (!j->f.bits || j->f.quantised != last || last < 1 || columns % TN_GROUP || tn_count(scales) != rows * blocks)
        return false;
    j->c = (tn_coded){ .as = &tn_encodings[TN_ENC_U2 + j->f.bits - 2],
                       .rows = rows,
                       .columns = columns,
                       .block = j->f.block,
                       .blocks = blocks,
                       .code = { j->data->data, columns / 8 * j->f.bits, TN_U8 },
                       .scale = { scales->data, blocks * tn_dtypes[scales->dtype].bytes, scales->dtype } };
    if (j->zeros) j->c.zero = (tn_part){ j->zeros->data, j->zero_bytes, TN_U8 };
    return true;
}

static void gather_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    int64_t inner = j->inner / j->run; /* rows of a slice */
    (void)thread;
    for (int64_t k = begin; k < end; k++) {
        int64_t pick = k / inner, index = tn_get_i64(j->indices->dtype, j->indices->data, pick), len = j->dims[0];
        float *y = j->y + k * j->run;
        index += index < 0 ? len : 0;
        if (index < 0 || index >= len) /* nothing is there */
            memset(y, 0, (size_t)j->run * sizeof *y);
        else
            tn_coded_row(&tn_kernels_get()->coded, &j->c, index * inner + k % inner, 0, j->run, y);
    }
}

static tn_status run(tn_run *r) {
    const tn_tensor *scales = tn_in(r, SCALES);
    tn_tensor *y = tn_out(r, 0);
    job j = { .data = tn_in(r, DATA), .zeros = tn_in(r, ZEROS), .indices = tn_in(r, INDICES) };
    const settings *a = r->attrs;
    int64_t count, total = tn_count(y), stride = 1;
    int rank = j.data->rank;
    j.f = (form){ .rank = rank,
                  .axis = tn_op_axis_at(a->gather_axis, rank),
                  .quantised = tn_op_axis_at(a->quantize_axis, rank),
                  .bits = j.data->dtype == TN_U8 ? (int)a->bits : 0,
                  .block = a->block_size };
    if (total == 0) return TN_OK;
    TN_TRY(check_zeros(r, &j, scales));
    for (int i = rank - 1; i >= 0; i--) {
        j.dims[i] = number_dim(&j.f, j.data->dims, i);
        j.step[i] = scales->dims[i] == 1 ? 0 : stride;
        stride *= scales->dims[i];
    }
    j.picks = tn_count(j.indices), j.inner = tn_op_product(j.dims, j.f.axis + 1, rank);
    j.run = j.f.axis == rank - 1 ? 1 : j.dims[rank - 1];
    j.y = y->dtype == TN_F32 ? y->data : tn_run_scratch(r, (size_t)total * sizeof *j.y);
    if (!j.y) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the result");
    bool rows = as_rows(&j, scales);
    if (!rows) TN_TRY(tn_q_floats(r, SCALES, 1, &j.scales, &count));
    tn_parallel(r->pool, total / j.run, 1 + 4096 / j.run, rows ? gather_rows : gather, &j);
    return y->dtype == TN_F32 ? TN_OK : tn_convert(TN_F32, j.y, y->dtype, y->data, total, true, TN_ROUND_NEAREST);
}

/* ------------------------------------------------------------------------------------------------------------ row */

#define REAL  (tn_dtype_bit(TN_F32) | tn_dtype_bit(TN_F16) | tn_dtype_bit(TN_BF16))
#define WHOLE (tn_dtype_bit(TN_U8) | tn_dtype_bit(TN_I4) | tn_dtype_bit(TN_U4))
static const tn_port in[] = { { "data", WHOLE | TN_F8 | tn_dtype_bit(TN_F4E2M1), 'Q' },
                              { "indices", TN_INDEX, 0 },
                              { "scales", REAL, 'T' },
                              { "zero_points", WHOLE, 'Q', .optional = true },
                              { 0 } };
static const tn_port out[] = { { "output", REAL, 'T' }, { 0 } };
static const tn_attr_spec attrs[] = { { TN_INT(settings, bits, 4) },
                                      { TN_INT(settings, block_size, 128) },
                                      { TN_INT(settings, gather_axis, 0) },
                                      { TN_INT(settings, quantize_axis, 1) },
                                      { 0 } };

const tn_op tn_ops_gather_block[] = {
    { .name = "GatherBlockQuantized",
      .domain = "com.microsoft",
      .since = 1,
      .in = in,
      .out = out,
      TN_ATTRS(attrs, settings),
      .infer = infer,
      .run = run,
      .grad = tn_grad_refused,
      .doc = "slices of a table of codes with a scale for each block" },
    { 0 },
};
