/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* narrow.c - see narrow.h. A unit of work is one row (inner = 1), walked in pieces, or a block of columns, walked row
 * by row; sums are double. Softmax of short lines is that of float32, some
 * lines at a time, and so are float16's reductions but for the product: no sum of theirs is too large for float32. In
 * both cases a *strip* is up to STRIP neighbouring elements as float32: `step` is 0 where all of them belong to one
 * result, 1 where each belongs to one of its own. */
#include "kernel/narrow.h"
#include "kernel/kernel.h"
#include "tensor/dtype.h"
#include <math.h>
#include <string.h>

enum { STRIP = 1024, GRAIN = 32768, PIECE = 8192 /* elements of whole lines, on the stack */ };

bool tn_is_narrow_float(tn_dtype t) {
    return t != TN_F32 && t != TN_F64 && tn_dtype_is_float(t) && tn_dtypes[t].block == 1;
}

typedef struct {
    int what; /* the operator, or the kind of softmax */
    bool exclusive, reverse, last;
    tn_dtype t;
    int64_t n, inner, blocks;
    const char *x;
    void *y;
} job;

/* One unit: its first element, how many columns it has, and how it is walked. */
typedef struct {
    int64_t at, width;  /* width: results */
    int64_t rows, each; /* strips, elements in all of them but perhaps the last */
    int64_t next;       /* elements from one strip to the next */
    int64_t total;      /* elements in one line of strips: n (step 0), width */
    int step;
    int64_t result;
} unit;

static unit unit_at(const job *j, int64_t u) {
    if (j->inner == 1)
        return (unit){ .at = u * j->n,
                       .width = 1,
                       .rows = (j->n + STRIP - 1) / STRIP,
                       .each = STRIP,
                       .next = STRIP,
                       .total = j->n,
                       .result = u };
    int64_t c = u % j->blocks * STRIP, o = u / j->blocks, width = j->inner - c < STRIP ? j->inner - c : STRIP;
    return (unit){ .at = o * j->n * j->inner + c,
                   .width = width,
                   .rows = j->n,
                   .each = width,
                   .next = j->inner,
                   .total = width,
                   .step = 1,
                   .result = o * j->inner + c };
}

/* Elements of strip r. */
static int64_t length(const unit *u, int64_t r) {
    return u->step || u->total - r * u->each > u->each ? u->each : u->total - r * u->each;
}

static int64_t read(const job *j, const unit *u, int64_t r, float *v) {
    int64_t n = length(u, r);
    (void)tn_convert(j->t, j->x + (u->at + r * u->next) * tn_dtypes[j->t].bytes, TN_F32, v, n, false, TN_ROUND_NEAREST);
    return n;
}

static void write(const job *j, int64_t at, const float *v, int64_t n) {
    (void)tn_convert(TN_F32, v, j->t, (char *)j->y + at * tn_dtypes[j->t].bytes, n, true, TN_ROUND_NEAREST);
}

static void each_unit(job *j, int64_t outer, tn_range_fn fn, tn_pool *pool) {
    j->blocks = (j->inner + STRIP - 1) / STRIP;
    int64_t width = j->inner < STRIP ? j->inner : STRIP, each = (j->n ? j->n : 1) * (width ? width : 1);
    if (j->inner) tn_parallel(pool, outer * j->blocks, each < GRAIN ? GRAIN / each : 1, fn, j);
}

/* --------------------------------------------------------------------------------------------------- reductions */

static double first_of(tn_reduce_op op) {
    return op == TN_R_PROD ? 1 : op == TN_R_MIN ? INFINITY : op == TN_R_MAX ? -INFINITY : 0;
}

static void extreme(bool max, const float *v, int64_t n, double *acc, int step) {
    for (int64_t i = 0; i < n; i++) {
        double *a = &acc[i * step], x = (double)v[i];
        if (x != x || (max ? x > *a : x < *a)) *a = x;
    }
}

/* e^x in units of e^top, whose rise moves what was summed before. */
static void add_exp(const float *v, int64_t n, double *acc, double *top, int step) {
    for (int64_t i = 0; i < n; i++) {
        double *a = &acc[i * step], *m = &top[i * step], x = (double)v[i];
        if (x > *m) {
            *a *= *m == -INFINITY ? 0 : exp(*m - x); /* a NaN stays */
            *m = x;
        }
        if (x != -INFINITY) *a += x == *m ? 1 : exp(x - *m);
    }
}

static void add(tn_reduce_op op, const float *v, int64_t n, double *acc, double *top, int step) {
    switch (op) {
    case TN_R_MIN:
    case TN_R_MAX: extreme(op == TN_R_MAX, v, n, acc, step); return;
    case TN_R_PROD:
        for (int64_t i = 0; i < n; i++) acc[i * step] *= (double)v[i];
        return;
    case TN_R_L1:
        for (int64_t i = 0; i < n; i++) acc[i * step] += fabs((double)v[i]);
        return;
    case TN_R_L2:
    case TN_R_SUMSQ:
        for (int64_t i = 0; i < n; i++) acc[i * step] += (double)v[i] * (double)v[i];
        return;
    case TN_R_LOGSUMEXP: add_exp(v, n, acc, top, step); return;
    default:
        for (int64_t i = 0; i < n; i++) acc[i * step] += (double)v[i];
    }
}

static float finish(tn_reduce_op op, double acc, double top, int64_t n) {
    switch (op) {
    case TN_R_MEAN: return (float)(acc / (double)n);
    case TN_R_L2: return (float)sqrt(acc);
    case TN_R_LOGSUM: return (float)log(acc);
    case TN_R_LOGSUMEXP: return (float)(log(acc) + (isinf(top) && acc == 0 ? 0 : top));
    default: return (float)acc;
    }
}

static void reduce_units(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    tn_reduce_op op = (tn_reduce_op)j->what;
    float v[STRIP];
    double acc[STRIP], top[STRIP];
    for (int64_t i = begin; i < end; i++) {
        unit u = unit_at(j, i);
        for (int64_t c = 0; c < u.width; c++) acc[c] = first_of(op), top[c] = -INFINITY;
        for (int64_t r = 0; r < u.rows; r++) add(op, v, read(j, &u, r, v), acc, top, u.step);
        for (int64_t c = 0; c < u.width; c++) v[c] = finish(op, acc[c], top[c], j->n);
        write(j, u.result, v, u.width);
    }
}

static bool lines_fit(int64_t n, int64_t inner) { return n > 0 && inner > 0 && inner <= PIECE / n; }

static void reduce_lines(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    float v[PIECE], results[PIECE];
    int64_t line = j->n * j->inner, most = PIECE / line;
    for (int64_t i = begin; i < end; i += most) {
        int64_t lines = end - i < most ? end - i : most;
        const char *x = j->x + i * line * tn_dtypes[j->t].bytes;
        (void)tn_convert(j->t, x, TN_F32, v, lines * line, false, TN_ROUND_NEAREST);
        (void)tn_reduce_run((tn_reduce_op)j->what, TN_F32, 3, (int64_t[]){ lines, j->n, j->inner }, 1u << 1, v, results,
                            NULL);
        write(j, i * j->inner, results, lines * j->inner);
    }
}

void tn_narrow_reduce(tn_reduce_op op, tn_dtype t, int64_t outer, int64_t n, int64_t inner, const void *x, void *y,
                      tn_pool *pool) {
    job j = { .what = (int)op, .t = t, .n = n, .inner = inner, .x = x, .y = y };
    if (t == TN_F16 && op != TN_R_PROD && lines_fit(n, inner))
        tn_parallel(pool, outer, 1 + GRAIN / (n * inner), reduce_lines, &j);
    else
        each_unit(&j, outer, reduce_units, pool);
}

/* Where the largest (what != 0) or smallest is: y, by result. */
static void find_extreme(const job *j, const unit *u, int64_t *y, float *v) {
    float best[STRIP];
    for (int64_t c = 0; c < u->width; c++) y[c] = 0;
    for (int64_t r = 0; r < u->rows; r++) {
        int64_t n = read(j, u, r, v);
        for (int64_t k = 0; k < n; k++) {
            int64_t at = u->step ? r : r * STRIP + k, c = k * u->step;
            bool better = j->what ? v[k] > best[c] : v[k] < best[c], first = best[c] != best[c] && v[k] == v[k];
            if (at && !(first || better || (j->last && v[k] == best[c]))) continue;
            best[c] = v[k], y[c] = at;
        }
    }
}

static void arg_units(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    float v[STRIP];
    for (int64_t i = begin; i < end; i++) {
        unit u = unit_at(j, i);
        find_extreme(j, &u, (int64_t *)j->y + u.result, v);
    }
}

void tn_narrow_arg(bool max, bool last, tn_dtype t, int64_t outer, int64_t n, int64_t inner, const void *x, int64_t *y,
                   tn_pool *pool) {
    job j = { .what = max, .last = last, .t = t, .n = n, .inner = inner, .x = x, .y = y };
    each_unit(&j, outer, arg_units, pool);
}

/* ------------------------------------------------------------------------------------------------------- softmax */

/* Hardmax puts its 1 where the first of the largest is. */
static void hard(const job *j, const unit *u, float *v) {
    int64_t at[STRIP];
    job find = *j;
    find.what = 1;
    find_extreme(&find, u, at, v);
    for (int64_t r = 0; r < u->rows; r++) {
        int64_t n = length(u, r);
        for (int64_t k = 0; k < n; k++) v[k] = at[k * u->step] == (u->step ? r : r * STRIP + k);
        write(j, u->at + r * u->next, v, n);
    }
}

static void soft(const job *j, const unit *u, float *v) {
    const tn_vec_kernels *k = &tn_kernels_get()->vec;
    double top[STRIP], sum[STRIP];
    float shift[STRIP];
    for (int64_t c = 0; c < u->width; c++) top[c] = -INFINITY, sum[c] = 0;
    for (int64_t r = 0; r < u->rows; r++) extreme(true, v, read(j, u, r, v), top, u->step);
    for (int64_t pass = 0; pass < 2; pass++) {
        bool log_form = pass && j->what == TN_LOGSOFTMAX;
        for (int64_t c = 0; c < u->width; c++) shift[c] = (float)(top[c] + (log_form ? log(sum[c]) : 0));
        for (int64_t r = 0; r < u->rows; r++) {
            int64_t n = read(j, u, r, v);
            for (int64_t i = 0; i < n; i++) v[i] -= shift[i * u->step];
            if (!log_form) k->unary[TN_U_EXP](v, v, (size_t)n, 0, 0);
            if (!pass) add(TN_R_SUM, v, n, sum, NULL, u->step);
            if (!pass) continue;
            for (int64_t i = 0; i < n && !log_form; i++) v[i] = (float)((double)v[i] / sum[i * u->step]);
            write(j, u->at + r * u->next, v, n);
        }
    }
}

static void softmax_units(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    float v[STRIP];
    for (int64_t i = begin; i < end; i++) {
        unit u = unit_at(j, i);
        (j->what == TN_HARDMAX ? hard : soft)(j, &u, v);
    }
}

/* Whole lines, as many as fit. */
static void softmax_lines(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    float v[PIECE];
    int64_t line = j->n * j->inner, most = PIECE / line;
    for (int64_t i = begin; i < end; i += most) {
        int64_t lines = end - i < most ? end - i : most, n = lines * line;
        const char *x = j->x + i * line * tn_dtypes[j->t].bytes;
        (void)tn_convert(j->t, x, TN_F32, v, n, false, TN_ROUND_NEAREST);
        (void)tn_softmax_run((tn_softmax_kind)j->what, TN_F32, lines, j->n, j->inner, v, v, NULL);
        write(j, i * line, v, n);
    }
}

void tn_narrow_softmax(tn_softmax_kind kind, tn_dtype t, int64_t outer, int64_t n, int64_t inner, const void *x,
                       void *y, tn_pool *pool) {
    job j = { .what = (int)kind, .t = t, .n = n, .inner = inner, .x = x, .y = y };
    if (kind != TN_HARDMAX && lines_fit(n, inner))
        tn_parallel(pool, outer, 1 + GRAIN / (n * inner), softmax_lines, &j);
    else
        each_unit(&j, outer, softmax_units, pool);
}

/* -------------------------------------------------------------------------------------------------- running sums */

static void cumsum_units(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    float v[STRIP];
    double s[STRIP];
    for (int64_t i = begin; i < end; i++) {
        unit u = unit_at(j, i);
        for (int64_t c = 0; c < u.width; c++) s[c] = j->what;
        for (int64_t k = 0; k < u.rows; k++) {
            int64_t r = j->reverse ? u.rows - 1 - k : k, n = read(j, &u, r, v);
            for (int64_t e = 0; e < n; e++) {
                int64_t at = j->reverse ? n - 1 - e : e;
                double *sum = &s[at * u.step], was = *sum;
                *sum = j->what ? was * (double)v[at] : was + (double)v[at];
                v[at] = (float)(j->exclusive ? was : *sum);
            }
            write(j, u.at + r * u.next, v, n);
        }
    }
}

void tn_narrow_cumsum(tn_dtype t, int64_t outer, int64_t n, int64_t inner, bool exclusive, bool reverse, bool product,
                      const void *x, void *y, tn_pool *pool) {
    job j = {
        .what = product, .exclusive = exclusive, .reverse = reverse, .t = t, .n = n, .inner = inner, .x = x, .y = y
    };
    each_unit(&j, outer, cumsum_units, pool);
}
