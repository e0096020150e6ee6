/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* det.c - Det: determinants of square matrices, by elimination with row exchanges, in double. */
#include "base/budget.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/math/grads.h"
#include <math.h>
#include <string.h>

static tn_status det_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    if (rank >= 0 && rank < 2)
        return tn_infer_fail(c, TN_E_SHAPE, "the input has %d dimensions, at least 2 are needed", rank);
    if (rank >= 2) {
        tn_dim m = c->in[0]->dims[rank - 2], n = c->in[0]->dims[rank - 1];
        if (tn_dim_known(m) && tn_dim_known(n) && m != n)
            return tn_infer_fail(c, TN_E_SHAPE, "matrices of %lld by %lld are not square", (long long)m, (long long)n);
    }
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank < 0 ? -1 : rank - 2, rank < 0 ? NULL : c->in[0]->dims);
    return TN_OK;
}

typedef struct {
    const tn_tensor *x;
    tn_tensor *y;
    int64_t n;
    double *room; /* n * n per thread */
} det_job;

static double determinant(double *a, int64_t n) {
    double det = 1;
    tn_ticks ticks = { 0 };
    for (int64_t k = 0; k < n; k++) {
        int64_t best = k;
        for (int64_t i = k + 1; i < n; i++)
            if (!(fabs(a[i * n + k]) <= fabs(a[best * n + k]))) best = i; /* a NaN is found, too */
        if (a[best * n + k] == 0) return 0;
        for (int64_t j = k; j < n && best != k; j++) {
            double t = a[k * n + j];
            a[k * n + j] = a[best * n + j], a[best * n + j] = t;
        }
        det *= best == k ? a[k * n + k] : -a[k * n + k];
        for (int64_t i = k + 1; i < n; i++) {
            double f = a[i * n + k] / a[k * n + k];
            if (tn_ticks_stopped(&ticks, (uint64_t)n)) return 0;
            for (int64_t j = k + 1; j < n; j++) a[i * n + j] -= f * a[k * n + j];
        }
    }
    return det;
}

static void det_part(void *arg, int64_t begin, int64_t end, int thread) {
    const det_job *j = arg;
    int64_t size = j->n * j->n;
    double *a = j->room + thread * size;
    for (int64_t b = begin; b < end; b++) {
        for (int64_t i = 0; i < size; i++) a[i] = tn_get_f64(j->x->dtype, j->x->data, b * size + i);
        tn_set_f64(j->y->dtype, j->y->data, b, determinant(a, j->n));
    }
}

static tn_status det_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    det_job j = { .x = x, .y = tn_out(r, 0), .n = x->dims[x->rank - 1] };
    size_t bytes;
    bool fits = tn_mul_size((size_t)(j.n * j.n) * sizeof *j.room, (size_t)tn_pool_threads(r->pool), &bytes);
    if (!fits || !(j.room = tn_run_scratch(r, bytes + 1)))
        return tn_op_fail(r->node, TN_E_NOMEM, "no memory for a copy of the matrices");
    tn_parallel(r->pool, tn_count(j.y), 1 + 20000 / (j.n * j.n * j.n + 1), det_part, &j);
    return TN_OK;
}

static tn_status det_cost(const tn_infer *c, tn_cost *out) {
    double n = (double)c->in[0]->dims[c->in[0]->rank - 1];
    out->flops = 2 * n * n * n / 3;
    for (int d = 0; d < c->in[0]->rank - 2; d++) out->flops *= (double)c->in[0]->dims[d];
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------- cofactors */

static double minor_of(const double *a, int64_t n, int64_t row, int64_t column, double *room) {
    double det = 1;
    int64_t m = n - 1;
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < m; j++) room[i * m + j] = a[(i + (i >= row)) * n + j + (j >= column)];
    for (int64_t k = 0; k < m; k++) { /* Gauss with pivots */
        int64_t p = k;
        for (int64_t i = k + 1; i < m; i++)
            if (fabs(room[i * m + k]) > fabs(room[p * m + k])) p = i;
        if (room[p * m + k] == 0) return 0;
        for (int64_t j = 0; p != k && j < m; j++) {
            double swap = room[p * m + j];
            room[p * m + j] = room[k * m + j], room[k * m + j] = swap;
        }
        if (p != k) det = -det;
        det *= room[k * m + k];
        for (int64_t i = k + 1; i < m; i++) {
            double f = room[i * m + k] / room[k * m + k];
            if (tn_ticks_stopped(&ticks, (uint64_t)m)) return 0;
            for (int64_t j = k; j < m; j++) room[i * m + j] -= f * room[k * m + j];
        }
    }
    return det;
}

/* The gradient of the determinant: element by element the determinant without that row and column, so that singular
 * matrices have theirs, too. O(n^5): for the small matrices determinants are taken of. */
static tn_status cofactors_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    int64_t n = x->dims[x->rank - 1];
    double *a = tn_run_scratch(r, (size_t)(2 * n * n + 1) * sizeof *a);
    if (!a) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for a copy of a matrix");
    for (int64_t base = 0; n > 0 && base < tn_count(x); base += n * n) {
        for (int64_t i = 0; i < n * n; i++) a[i] = tn_get_f64(x->dtype, x->data, base + i);
        for (int64_t i = 0; i < n * n; i++) {
            if (tn_budget_stopped()) return tn_op_stopped(r);
            double m = minor_of(a, n, i / n, i % n, a + n * n);
            tn_set_f64(y->dtype, y->data, base + i, (i / n + i % n) % 2 ? -m : m);
        }
    }
    return TN_OK;
}

const tn_op tn_ops_det[] = {
    { .name = "Det",
      .since = 22,
      .in = tn_ports_float_t,
      .out = tn_ports_float_t,
      .infer = det_infer,
      .cost = det_cost,
      .run = det_run,
      .grad = tn_grad_det,
      .doc = "the determinants of square matrices" },
    { .name = "Cofactors",
      .domain = "tenon",
      .since = 1,
      .flags = TN_OP_INTERNAL,
      .in = tn_ports_float_t,
      .out = tn_ports_float_t,
      .infer = tn_infer_same,
      .run = cofactors_run,
      .grad = tn_grad_cofactors,
      .doc = "the gradient of Det" },
    { 0 },
};
