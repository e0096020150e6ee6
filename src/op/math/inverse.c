/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* inverse.c - com.microsoft.Inverse: inverses of square matrices, by Gauss and Jordan. */
#include "base/budget.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/math/grads.h"
#include <math.h>

static tn_status inverse_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    if (rank >= 0 && rank < 2) return tn_infer_fail(c, TN_E_SHAPE, "the input has %d dimensions, not 2 or more", rank);
    if (rank >= 2) {
        tn_dim a = c->in[0]->dims[rank - 2], b = c->in[0]->dims[rank - 1];
        if (tn_dim_known(a) && tn_dim_known(b) && a != b)
            return tn_infer_fail(c, TN_E_SHAPE, "matrices of %lld x %lld are not square", (long long)a, (long long)b);
    }
    return tn_infer_same(c);
}

/* a [n, 2 n] holds the matrix and the unit matrix; Gauss and Jordan turn it into the unit matrix and the inverse. A
 * singular matrix gives infinities and NaN. */
static void eliminate(double *a, int64_t n) {
    int64_t w = 2 * n;
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < n; i++) {
        int64_t best = i;
        for (int64_t r = i + 1; r < n; r++)
            if (fabs(a[r * w + i]) > fabs(a[best * w + i])) best = r;
        for (int64_t k = 0; k < w && best != i; k++) {
            double t = a[i * w + k];
            a[i * w + k] = a[best * w + k], a[best * w + k] = t;
        }
        double by = 1 / a[i * w + i];
        for (int64_t k = 0; k < w; k++) a[i * w + k] *= by;
        for (int64_t r = 0; r < n; r++) {
            double f = a[r * w + i];
            if (tn_ticks_stopped(&ticks, (uint64_t)w)) return;
            if (r == i || f == 0) continue;
            for (int64_t k = i; k < w; k++) a[r * w + k] -= f * a[i * w + k];
        }
    }
}

typedef struct {
    const tn_tensor *x;
    tn_tensor *y;
    double *room;
    int64_t n;
} inverse_job;

static void inverse_part(void *arg, int64_t begin, int64_t end, int thread) {
    const inverse_job *j = arg;
    int64_t n = j->n;
    double *a = j->room + thread * 2 * n * n;
    for (int64_t m = begin; m < end; m++) {
        for (int64_t i = 0; i < n; i++)
            for (int64_t k = 0; k < n; k++) {
                a[i * 2 * n + k] = tn_get_f64(j->x->dtype, j->x->data, (m * n + i) * n + k);
                a[i * 2 * n + n + k] = i == k;
            }
        eliminate(a, n);
        for (int64_t i = 0; i < n; i++)
            for (int64_t k = 0; k < n; k++)
                tn_set_f64(j->y->dtype, j->y->data, (m * n + i) * n + k, a[i * 2 * n + n + k]);
    }
}

static tn_status inverse_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    inverse_job j = { x, tn_out(r, 0), NULL, x->dims[x->rank - 1] };
    if (tn_count(x) == 0) return TN_OK;
    j.room = tn_run_scratch(r, (size_t)(2 * j.n * j.n) * sizeof(double) * (size_t)tn_pool_threads(r->pool));
    if (!j.room) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    int64_t work = j.n * j.n * j.n;
    tn_parallel(r->pool, tn_count(x) / (j.n * j.n), work > 65536 ? 1 : 65536 / work, inverse_part, &j);
    return TN_OK;
}

const tn_op tn_ops_inverse[] = {
    { .name = "Inverse",
      .domain = "com.microsoft",
      .since = 1,
      .in = tn_ports_float_t,
      .out = tn_ports_float_t,
      .infer = inverse_infer,
      .run = inverse_run,
      .grad = tn_grad_inverse,
      .doc = "the inverse of each matrix" },
    { 0 },
};
