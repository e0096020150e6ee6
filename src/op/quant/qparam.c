/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qparam.c - reads scales and zero points. */
#include "op/quant/qparam.h"
#include "base/budget.h"
#include "tensor/dtype.h"
#include <math.h>

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
    const float *x;
    uint8_t *y;
    float scale, zero;
} dynamic_job;

static void dynamic_part(void *arg, int64_t begin, int64_t end, int thread) {
    const dynamic_job *j = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        float v = nearbyintf(j->x[i] / j->scale) + j->zero;
        v = v > 0 ? v : 0; /* NaN too */
        j->y[i] = (uint8_t)(v < 255 ? v : 255);
    }
}

enum { PIECE = 1 << 20 }; /* elements between looks at the budget */

void tn_q_dynamic(const float *x, int64_t n, uint8_t *y, float *scale, uint8_t *zero, tn_pool *pool) {
    float lo = 0, hi = 0;
    for (int64_t from = 0, to; from < n && !(from && tn_budget_stopped()); from = to) {
        to = n - from < PIECE ? n : from + PIECE;
        for (int64_t i = from; i < to; i++) {
            lo = x[i] < lo ? x[i] : lo;
            hi = x[i] > hi ? x[i] : hi;
        }
    }
    float s = (hi - lo) / 255.0f;
    if (!(s > 0)) s = 1; /* all zeros */
    dynamic_job j = { x, y, s, nearbyintf(fminf(fmaxf(-lo / s, 0), 255)) };
    *scale = s;
    *zero = (uint8_t)j.zero;
    if (y) tn_parallel(pool, n, 16384, dynamic_part, &j);
}
