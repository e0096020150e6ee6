/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qproduct_tiles.c - products of bytes with one constant matrix by the tiles of kernel/qconv.h, whose sums become codes
 * or floats while they are in registers: one scale for A, a factor and a number for each column. */
#include "kernel/kernel.h"
#include "op/core/support.h"
#include "op/quant/qparam.h"
#include "op/quant/qproduct.h"

/* -------------------------------------------------------------------------------------------------------- prepare */

/* Exactly n elements (or one), as far as planning knows. */
static bool counts(const tn_infer *t, int i, int64_t n) {
    if (i < 0 || !tn_infer_has(t, i)) return true;
    if (!tn_type_static(t->in[i])) return false;
    int64_t have = tn_dims_count(t->in[i]->rank, t->in[i]->dims);
    return have == 1 || have == n;
}

/* A number for each column: floats are added to float results, int32 to sums. */
static bool bias_fits(const tn_infer *t, int i, int64_t n) {
    if (i < 0 || !tn_infer_has(t, i)) return true;
    const tn_type *b = t->in[i];
    if (!counts(t, i, n) || (b->dtype != TN_I32 && (b->dtype != TN_F32 || t->out[0].dtype != TN_F32))) return false;
    return b->rank <= 1 || b->dims[b->rank - 1] == n;
}

bool tn_qtiles_fits(const tn_prep *p) {
    const tn_infer *t = &p->types;
    const tn_qplaces *at = tn_qplaces_of(t->node);
    const tn_qgemm_attrs *of = tn_qgemm_attrs_of(t->attrs);
    const tn_tensor *b = tn_qproduct_weights(t);
    tn_dtype y = t->out[0].dtype;
    if (at->integer || of->transA || !b || !tn_q_is_8bit(tn_qproduct_a_type(t))) return false;
    if (at->y_scale >= 0 && tn_infer_has(t, at->y_scale) ? !tn_q_is_8bit(y) : y != TN_F32) return false;
    if (tn_infer_has(t, at->b_zero) && !t->in_tensor[at->b_zero]) return false;
    int64_t n = b->dims[b->rank - (of->transB ? 2 : 1)];
    return counts(t, at->a_scale, 1) && counts(t, at->a_zero, 1) && counts(t, at->y_scale, 1) &&
           counts(t, at->y_zero, 1) && counts(t, at->b_scale, n) && counts(t, at->b_zero, n) &&
           bias_fits(t, at->bias, n);
}

/* Zen 3: 175 products of bytes and as many sums a ns. */
double tn_qtiles_estimate(const tn_prep *p) {
    const tn_type *y = &p->types.out[0];
    const tn_tensor *b = tn_qproduct_weights(&p->types);
    double results = tn_type_static(y) ? (double)tn_dims_count(y->rank, y->dims) : 1;
    double k = b ? (double)b->dims[b->rank - (tn_qgemm_attrs_of(p->types.attrs)->transB ? 1 : 2)] : 1;
    return 500 + 2 * results * k / 175;
}

typedef struct {
    tn_qweights w;
    tn_qconv_size size;
} tile_job;

static tn_status fill_tiles(void *dst, const void *user) {
    const tile_job *j = user;
    tn_qconv_pack(&tn_kernels_get()->qconv, &j->w, &j->size, dst);
    return TN_OK;
}

/* What the run asks for that grows with A. */
static size_t room_of(const tn_infer *t) {
    tn_qsizes z;
    if (!tn_qproduct_sizes(t, &z)) return 0;
    size_t turned = tn_qproduct_a_type(t) == TN_I8 ? tn_room((size_t)(z.m * z.batches * z.k) + 1) : 0;
    return turned + tn_qproduct_codes_room(t);
}

tn_status tn_qtiles_prepare(tn_prep *p) {
    const tn_infer *t = &p->types;
    const tn_qplaces *at = tn_qplaces_of(t->node);
    const tn_qconv_kernels *kn = &tn_kernels_get()->qconv;
    const tn_tensor *b = tn_qproduct_weights(t), *zero = tn_infer_has(t, at->b_zero) ? t->in_tensor[at->b_zero] : NULL;
    bool trans = tn_qgemm_attrs_of(t->attrs)->transB;
    int64_t rows = b->dims[b->rank - 2], columns = b->dims[b->rank - 1], zeros = zero ? tn_count(zero) : 1;
    int32_t *z = tn_arena_array(p->arena, int32_t, (size_t)zeros + 1);
    tn_qproduct_state *s;
    TN_TRY(tn_qproduct_state_of(p, &s));
    if (!z) return tn_op_fail(t->node, TN_E_NOMEM, "no memory to prepare");
    if (zero) TN_TRY(tn_convert(zero->dtype, zero->data, TN_I32, z, zeros, true, TN_ROUND_NEAREST));
    tn_qweights w = { .oc = trans ? rows : columns, .ic = trans ? columns : rows, .taps = 1, .groups = 1 };
    w.w = b->data, w.is_signed = b->dtype == TN_I8, w.zero = z, w.zero_many = zeros > 1;
    w.o_step = trans ? columns : 1, w.i_step = trans ? 1 : columns, w.t_step = 1;
    tile_job j = { w, tn_qconv_measure_kept(kn, &w) };
    tn_status st = tn_prep_pack(p, 1u << at->b | (zero ? 1u << at->b_zero : 0), trans ? "!qtile_bt" : "!qtile_b",
                                j.size.bytes, fill_tiles, &j, &s->packed);
    tn_qconv_forget(&j.size);
    TN_TRY(st);
    p->consumed |= 1u << at->b;
    p->room = room_of(t);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ run */

/* Codes of s8 as u8, or back. */
static void turn(const uint8_t *from, int64_t n, uint8_t *to) {
    for (int64_t i = 0; i < n; i++) to[i] = from[i] ^ 128;
}

static tn_status no_memory(const tn_qjob *j) { return tn_op_fail(j->r->node, TN_E_NOMEM, "no memory for the product"); }

/* What every column ends with; arrays are the run's. */
static tn_status end_of(const tn_qjob *j, const int32_t *sums, int32_t a_zero, tn_dtype y, tn_qend *end) {
    int64_t n = j->p.n, wide = (int64_t)tn_align_up((size_t)n, TN_QBLOCK);
    int32_t *add = tn_run_scratch(j->r, (size_t)wide * sizeof *add);
    float *scale = tn_run_scratch(j->r, (size_t)wide * sizeof *scale);
    float *bias = tn_run_scratch(j->r, (size_t)wide * sizeof *bias);
    if (!add || !scale || !bias) return no_memory(j);
    for (int64_t c = 0; c < wide; c++) {
        bool in = c < n;
        uint32_t more = in && j->bias_int ? (uint32_t)j->bias_int[j->bias_n > 1 ? c : 0] : 0;
        add[c] = in ? (int32_t)(more - (uint32_t)a_zero * (uint32_t)sums[c]) : 0;
        scale[c] = in ? j->alpha * *j->sa.v * j->sb.v[j->sb.n > 1 ? c : 0] / j->y_scale : 0;
        bias[c] = in && j->bias ? j->bias[j->bias_n > 1 ? c : 0] : 0;
    }
    *end = (tn_qend){ .add = add, .scale = scale, .bias = bias, .y_type = y == TN_F32 ? TN_F32 : TN_U8 };
    end->zero = (int32_t)j->y_zero + (y == TN_I8 ? 128 : 0);
    end->lo = (float)-end->zero, end->hi = (float)(255 - end->zero);
    return TN_OK;
}

tn_status tn_qtiles_run(tn_run *r) {
    const tn_qproduct_state *s = r->state;
    tn_tensor *y = tn_out(r, 0);
    tn_qjob j;
    tn_qend end;
    if (tn_count(y) == 0) return TN_OK;
    TN_TRY(tn_qjob_read(r, &j));
    int64_t rows = j.p.m * j.p.batches;
    bool is_signed = j.a_type == TN_I8;
    const uint8_t *a = (const uint8_t *)j.a;
    if (is_signed) {
        uint8_t *u = tn_run_scratch(r, (size_t)(rows * j.p.k) + 1);
        if (!u) return no_memory(&j);
        turn(a, rows * j.p.k, u);
        a = u;
    }
    TN_TRY(end_of(&j, tn_qconv_sums(&tn_kernels_get()->qconv, s->packed), (int32_t)*j.za.v + (is_signed ? 128 : 0),
                  y->dtype, &end));
    TN_TRY(tn_q_product(r, s->packed, a, rows, j.p.k, j.p.n, end, y->data));
    if (y->dtype == TN_I8) turn(y->data, tn_count(y), y->data);
    return TN_OK;
}
