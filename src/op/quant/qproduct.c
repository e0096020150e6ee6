/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qproduct.c - reads what a product of quantised matrices is made of, and multiplies any types: float8, 16 bits,
 * factors per row. */
#include "op/quant/qproduct.h"
#include "kernel/kernel.h"
#include "op/core/support.h"
#include "op/quant/qparam.h"
#include <math.h>
#include <string.h>

/* --------------------------------------------------------------------------------------------------------- shapes */

static void sizes_of(const tn_qgemm_attrs *of, const tn_tensor *a, const tn_tensor *b, tn_qsizes *p) {
    int ra = a->rank, rb = b->rank, ba = ra < 2 ? 0 : ra - 2, bb = rb < 2 ? 0 : rb - 2, rank = ba > bb ? ba : bb;
    int64_t rows_a = ra < 2 ? 1 : a->dims[ra - 2], cols_a = a->dims[ra - 1];
    int64_t rows_b = rb < 2 ? b->dims[0] : b->dims[rb - 2], cols_b = rb < 2 ? 1 : b->dims[rb - 1];
    int64_t dims[TN_MAX_RANK], sa[TN_MAX_RANK], sb[TN_MAX_RANK];
    *p = (tn_qsizes){ .trans_a = of->transA, .trans_b = of->transB };
    p->m = p->trans_a ? cols_a : rows_a, p->k = p->trans_a ? rows_a : cols_a, p->n = p->trans_b ? rows_b : cols_b;
    for (int i = 0; i < rank; i++) {
        int64_t da = i - (rank - ba) >= 0 ? a->dims[i - (rank - ba)] : 1;
        int64_t db = i - (rank - bb) >= 0 ? b->dims[i - (rank - bb)] : 1;
        dims[i] = da == 1 ? db : da;
    }
    p->matrices_a = tn_op_product(a->dims, 0, ba), p->matrices_b = tn_op_product(b->dims, 0, bb);
    p->batches = tn_op_product(dims, 0, rank);
    tn_broadcast_strides(rank, dims, ba, a->dims, sa);
    tn_broadcast_strides(rank, dims, bb, b->dims, sb);
    tn_loop_init(&p->loop, rank, dims, 2, (const int64_t *const[]){ sa, sb });
}

const float *tn_qper_at(const tn_qper *p, int64_t matrix) { return p->v + (p->n > p->rows ? matrix * p->rows : 0); }

static tn_status read_param(tn_run *r, int input, float dflt, int64_t rows, int64_t matrices, tn_qper *p) {
    p->rows = rows;
    TN_TRY(tn_q_floats(r, input, dflt, &p->v, &p->n));
    if (p->n == 1 || p->n == rows || p->n == rows * matrices) return TN_OK;
    return tn_op_fail(r->node, TN_E_SHAPE, "'%s' has %lld elements; 1 or %lld can be", r->node->op->in[input].name,
                      (long long)p->n, (long long)rows);
}

static tn_status read_bias(tn_qjob *j) {
    const tn_tensor *t = j->at->bias >= 0 ? tn_in(j->r, j->at->bias) : NULL;
    if (!t) return TN_OK;
    int64_t cols = t->rank > 0 ? t->dims[t->rank - 1] : 1;
    j->bias_n = tn_count(t), j->bias_rows = cols ? j->bias_n / cols : 0;
    bool fits = (cols == 1 || cols == j->p.n) && (j->bias_rows == 1 || j->bias_rows == j->p.m) &&
                (j->bias_rows == 1 || j->p.batches == 1);
    if (!fits)
        return tn_op_fail(j->r->node, TN_E_SHAPE, "the bias does not fit a result of %lld columns", (long long)j->p.n);
    if (t->dtype == TN_I32) {
        j->bias_int = t->data;
        return TN_OK;
    }
    int64_t n;
    return tn_q_floats(j->r, j->at->bias, 0, &j->bias, &n);
}

/* DynamicQuantizeMatMul's A. */
static tn_status quantise_a(tn_qjob *j, const tn_tensor *a) {
    uint8_t *q = tn_run_scratch(j->r, (size_t)tn_count(a) + 64), zero;
    float *found = tn_run_scratch(j->r, 2 * sizeof *found);
    if (!q || !found) return tn_op_fail(j->r->node, TN_E_NOMEM, "no memory for the quantised operand");
    tn_q_dynamic(a->data, tn_count(a), q, &found[0], &zero, j->r->pool);
    found[1] = (float)zero;
    j->a = (const char *)q, j->a_type = TN_U8;
    j->sa.v = &found[0], j->za.v = &found[1];
    return TN_OK;
}

tn_status tn_qjob_read(tn_run *r, tn_qjob *j) {
    const tn_qplaces *at = tn_qplaces_of(r->node);
    const tn_tensor *a = tn_in(r, at->a), *b = tn_in(r, at->b);
    tn_qper ys, yz;
    *j = (tn_qjob){ .r = r, .at = at, .a = a->data, .a_type = a->dtype, .b_type = b->dtype };
    sizes_of(tn_qgemm_attrs_of(r->attrs), a, b, &j->p);
    TN_TRY(read_param(r, at->a_scale, 1, j->p.m, j->p.matrices_a, &j->sa));
    TN_TRY(read_param(r, at->b_scale, 1, j->p.n, j->p.matrices_b, &j->sb));
    TN_TRY(read_param(r, at->a_zero, 0, j->p.m, j->p.matrices_a, &j->za));
    TN_TRY(read_param(r, at->b_zero, 0, j->p.n, j->p.matrices_b, &j->zb));
    TN_TRY(read_param(r, at->y_scale, 1, 1, 1, &ys));
    TN_TRY(read_param(r, at->y_zero, 0, 1, 1, &yz));
    TN_TRY(read_bias(j));
    if (at->dynamic) TN_TRY(quantise_a(j, a));
    j->y_scale = *ys.v, j->y_zero = (double)*yz.v, j->alpha = tn_qgemm_attrs_of(r->attrs)->alpha;
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------------- prepare */

tn_status tn_qproduct_state_of(tn_prep *p, tn_qproduct_state **s) {
    if (!(*s = tn_arena_new_of(p->arena, tn_qproduct_state)))
        return tn_op_fail(p->types.node, TN_E_NOMEM, "no memory to prepare");
    **s = (tn_qproduct_state){ 0 };
    p->state = *s;
    return TN_OK;
}

static tn_tensor shape_of(const tn_type *t) {
    tn_tensor x = { .dtype = t->dtype, .rank = t->rank };
    for (int i = 0; i < t->rank; i++) x.dims[i] = t->dims[i];
    return x;
}

bool tn_qproduct_sizes(const tn_infer *t, tn_qsizes *sizes) {
    const tn_qplaces *at = tn_qplaces_of(t->node);
    if (!tn_type_static(t->in[at->a]) || !tn_type_static(t->in[at->b]) || !tn_type_static(&t->out[0])) return false;
    const tn_tensor a = shape_of(t->in[at->a]), b = shape_of(t->in[at->b]);
    sizes_of(tn_qgemm_attrs_of(t->attrs), &a, &b, sizes);
    return true;
}

size_t tn_qproduct_codes_room(const tn_infer *t) {
    const tn_qplaces *at = tn_qplaces_of(t->node);
    const tn_type *a = t->in[at->a];
    return at->dynamic ? tn_room((size_t)tn_dims_count(a->rank, a->dims) + 64) + tn_room(2 * sizeof(float)) : 0;
}

tn_dtype tn_qproduct_a_type(const tn_infer *t) {
    const tn_qplaces *at = tn_qplaces_of(t->node);
    return at->dynamic ? TN_U8 : tn_infer_dtype(t, at->a);
}

const tn_tensor *tn_qproduct_weights(const tn_infer *t) {
    const tn_tensor *b = t->in_tensor[tn_qplaces_of(t->node)->b];
    bool usable =
        b && tn_q_is_8bit(b->dtype) && tn_count(b) > 0 && b->rank >= 2 && tn_op_product(b->dims, 0, b->rank - 2) == 1;
    return usable ? b : NULL;
}

/* ------------------------------------------------------------------------------------------------------------ run */

/* n results of row i of a batch, from its sums. */
void tn_qjob_finish(const tn_qjob *j, int64_t am, int64_t bm, int64_t i, const double *sums, int64_t at) {
    tn_tensor *y = tn_out(j->r, 0);
    const float *sa = tn_qper_at(&j->sa, am), *sb = tn_qper_at(&j->sb, bm);
    bool integer = tn_dtype_is_int(y->dtype);
    int bits = tn_dtype_bits(y->dtype);
    double lo = tn_dtype_is_signed(y->dtype) ? -ldexp(1, bits - 1) : 0, hi = lo + ldexp(1, bits) - 1;
    for (int64_t c = 0; c < j->p.n; c++) {
        float scale = j->alpha * sa[j->sa.n > 1 ? i : 0] * sb[j->sb.n > 1 ? c : 0] / j->y_scale;
        int64_t b = (j->bias_rows > 1 ? i * (j->bias_n / j->bias_rows) : 0) + (j->bias_n > j->bias_rows ? c : 0);
        double v = sums[c] + (j->bias_int ? (double)j->bias_int[b] : 0);
        v = (double)((float)v * scale) + (j->bias ? (double)j->bias[b] : 0);
        if (!integer) {
            tn_set_f64(y->dtype, y->data, at + c, v + j->y_zero);
            continue;
        }
        v = nearbyint(v) + j->y_zero;
        tn_set_i64(y->dtype, y->data, at + c, (int64_t)(v > lo ? v < hi ? v : hi : lo));
    }
}

/* Any types: operands as floats with their zero points taken off, sums as doubles. */
static tn_status run_plain(tn_qjob *j) {
    const tn_tensor *b = tn_in(j->r, j->at->b);
    const tn_qsizes *p = &j->p;
    tn_walk w;
    size_t na = (size_t)(p->m * p->k), nb = (size_t)(p->k * p->n);
    float *fa = tn_run_scratch(j->r, (na + 1) * sizeof *fa), *fb = tn_run_scratch(j->r, (nb + 1) * sizeof *fb);
    double *sums = tn_run_scratch(j->r, (size_t)(p->n + 1) * sizeof *sums);
    tn_tensor *y = tn_out(j->r, 0);
    if (!fa || !fb || !sums) return tn_op_fail(j->r->node, TN_E_NOMEM, "no memory for the product");
    tn_walk_start(&w, &p->loop, 0, 0);
    for (int64_t q = 0; q < p->batches; q++, tn_walk_next(&w)) {
        int64_t am = w.offset[0], bm = w.offset[1];
        const float *za = tn_qper_at(&j->za, am), *zb = tn_qper_at(&j->zb, bm);
        const char *a = tn_op_past(j->a, am * p->m * p->k * tn_dtypes[j->a_type].bytes);
        const char *bs = tn_op_past(b->data, bm * p->k * p->n * tn_dtypes[j->b_type].bytes);
        TN_TRY(tn_convert(j->a_type, a, TN_F32, fa, (int64_t)na, true, TN_ROUND_NEAREST));
        TN_TRY(tn_convert(j->b_type, bs, TN_F32, fb, (int64_t)nb, true, TN_ROUND_NEAREST));
        for (int64_t i = 0; i < p->m; i++) {
            memset(sums, 0, (size_t)p->n * sizeof *sums);
            for (int64_t k = 0; k < p->k; k++) {
                double x = (double)(fa[p->trans_a ? k * p->m + i : i * p->k + k] - za[j->za.n > 1 ? i : 0]);
                for (int64_t c = 0; c < p->n; c++)
                    sums[c] += x * (double)(fb[p->trans_b ? c * p->k + k : k * p->n + c] - zb[j->zb.n > 1 ? c : 0]);
            }
            int64_t at = (q * p->m + i) * p->n;
            if (j->at->integer)
                for (int64_t c = 0; c < p->n; c++) ((uint32_t *)y->data)[at + c] = (uint32_t)(int64_t)sums[c];
            else
                tn_qjob_finish(j, am, bm, i, sums, at);
        }
    }
    return TN_OK;
}

tn_status tn_qplain_run(tn_run *r) {
    tn_qjob j;
    if (tn_count(tn_out(r, 0)) == 0) return TN_OK;
    TN_TRY(tn_qjob_read(r, &j));
    return run_plain(&j);
}
