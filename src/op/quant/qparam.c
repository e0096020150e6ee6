/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qparam.c - reads scales and zero points. */
#include "op/quant/qparam.h"
#include "kernel/kernel.h"
#include "tensor/dtype.h"
#include <math.h>
#include <string.h>

static tn_status wrong_count(const tn_run *r, int i, int64_t have, int64_t n) {
    const tn_op *op = r->node->op;
    return tn_op_fail(r->node, TN_E_SHAPE, "'%s' has %lld elements; 1 or %lld can be", op->in[i].name, (long long)have,
                      (long long)n);
}

tn_status tn_q_floats(tn_run *r, int i, float dflt, const float **out, int64_t *n) {
    const tn_tensor *t = i >= 0 ? tn_in(r, i) : NULL;
    *n = t ? tn_count(t) : 1;
    if (t && t->dtype == TN_F32) {
        *out = t->data;
        return TN_OK;
    }
    float *v = tn_run_scratch(r, (size_t)(*n + 1) * sizeof *v);
    if (!v) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for %lld scales", (long long)*n);
    *out = v;
    *v = dflt;
    return t ? tn_convert(t->dtype, t->data, TN_F32, v, *n, true, TN_ROUND_NEAREST) : TN_OK;
}

tn_status tn_q_scales(tn_run *r, int i, int64_t n, tn_qparam *out) {
    int64_t have;
    TN_TRY(tn_q_floats(r, i, 1, &out->scale, &have));
    if (have != 1 && have != n) return wrong_count(r, i, have, n);
    out->many = have != 1;
    return TN_OK;
}

tn_status tn_q_zeros(tn_run *r, int i, int64_t n, tn_qparam *out) {
    const tn_tensor *t = i >= 0 ? tn_in(r, i) : NULL;
    int64_t have = t ? tn_count(t) : 1;
    if (have != 1 && have != n) return wrong_count(r, i, have, n);
    int32_t *v = tn_run_scratch(r, (size_t)(have + 1) * sizeof *v);
    if (!v) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for %lld zero points", (long long)have);
    *v = 0;
    out->zero = v;
    out->many = have != 1;
    return t ? tn_convert(t->dtype, t->data, TN_I32, v, have, true, TN_ROUND_NEAREST) : TN_OK;
}

typedef struct {
    const tn_qconv_kernels *kn;
    const float *x;
    uint8_t *y;
    int64_t n;
    float scale, lo, hi;
    uint8_t zero;
    float found[64][2]; /* by thread */
} dynamic_job;

enum { PART = 4096 }; /* numbers at a time */

static int64_t part_of(const dynamic_job *j, int64_t i) { return j->n - i * PART < PART ? j->n - i * PART : PART; }

static void range_part(void *arg, int64_t begin, int64_t end, int thread) {
    dynamic_job *j = arg;
    for (int64_t i = begin; i < end; i++)
        j->kn->range(part_of(j, i), j->x + i * PART, &j->found[thread][0], &j->found[thread][1]);
}

static void dynamic_part(void *arg, int64_t begin, int64_t end, int thread) {
    const dynamic_job *j = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++)
        j->kn->quantise(part_of(j, i), j->x + i * PART, j->scale, j->zero, j->y + i * PART);
}

void tn_q_dynamic(const float *x, int64_t n, uint8_t *y, float *scale, uint8_t *zero, tn_pool *pool) {
    enum { MOST = 64, GRAIN = 16 };
    dynamic_job j = { .kn = &tn_kernels_get()->qconv, .x = x, .y = y, .n = n };
    int threads = tn_pool_threads(pool) < MOST ? tn_pool_threads(pool) : MOST;
    int64_t parts = (n + PART - 1) / PART;
    tn_parallel_by(pool, threads, parts, GRAIN, range_part, &j);
    for (int t = 0; t < threads; t++) {
        j.lo = j.found[t][0] < j.lo ? j.found[t][0] : j.lo;
        j.hi = j.found[t][1] > j.hi ? j.found[t][1] : j.hi;
    }
    float s = (j.hi - j.lo) / 255.0f;
    if (!(s > 0)) s = 1; /* all zeros */
    *scale = j.scale = s;
    *zero = j.zero = (uint8_t)nearbyintf(fminf(fmaxf(-j.lo / s, 0), 255));
    if (y) tn_parallel(pool, parts, GRAIN, dynamic_part, &j);
}

/* Rows of whole sixteens, so that the last one may be read to its end. */
static void widen(const uint8_t *x, int64_t m, int64_t k, uint8_t *to, int64_t wide) {
    for (int64_t i = 0; i < m; i++) {
        memcpy(to + i * wide, x + i * k, (size_t)k);
        memset(to + i * wide + k, 0, (size_t)(wide - k));
    }
}

tn_status tn_q_product(tn_run *r, const void *packed, const uint8_t *x, int64_t m, int64_t k, int64_t n, tn_qend end,
                       void *y) {
    const tn_qconv_kernels *kn = &tn_kernels_get()->qconv;
    int64_t wide = (k + TN_QBLOCK - 1) / TN_QBLOCK * TN_QBLOCK, most = INT32_MAX / (wide + 1),
            each = end.y_type == TN_F32 ? sizeof(float) : 1;
    if (most < 1) return tn_op_fail(r->node, TN_E_LIMIT, "rows of %lld codes are too long", (long long)k);
    most = most < m ? most : m;
    int32_t *row_at = tn_run_scratch(r, (size_t)(most + 1) * sizeof *row_at), tap = 0;
    int32_t *group_at = tn_run_scratch(r, (size_t)(tn_qconv_groups(packed) + 1) * sizeof *group_at);
    uint8_t *copy = wide > k ? tn_run_scratch(r, (size_t)(m * wide)) : NULL;
    if (!row_at || !group_at || (wide > k && !copy))
        return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the product");
    if (copy) widen(x, m, k, copy, wide);
    for (int64_t i = 0; i < most; i++) row_at[i] = (int32_t)(i * wide);
    tn_qconv_places(kn, packed, TN_QBLOCK, &tap, group_at);
    for (int64_t i = 0; i < m; i += most) {
        tn_qconv_args a = { .rows = m - i < most ? m - i : most, .columns = n, .packed = packed };
        a.x = (copy ? copy : x) + i * wide, a.row_at = row_at, a.group_at = group_at, a.end = end;
        a.y = (char *)y + i * n * each, a.row_step = (ptrdiff_t)(n * each), a.block_step = TN_QBLOCK * (ptrdiff_t)each;
        tn_qconv(kn, &a, r->pool);
    }
    return TN_OK;
}
