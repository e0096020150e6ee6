/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* along.c - what is computed along one axis, seen as [outer][n][inner]: where the largest element is, softmax, running
 * sums. */
#include "base/budget.h"
#include "kernel/empty.h"
#include "kernel/kernel.h"
#include "kernel/narrow.h"
#include "kernel/reduce.h"
#include "tensor/dtype.h"
#include <math.h>
#include <string.h>

enum { COLUMNS = 256, GRAIN = 16384, LONG = 1 << 20 /* elements between looks at the budget */ };

/* ------------------------------------------------------------------------------------------------ arg-max, arg-min */

typedef struct {
    bool max, last;
    tn_dtype t;
    int64_t n, inner;
    const void *x;
    int64_t *y;
} arg_job;

#define ARG(T)                                                                            \
    static void T##_arg(void *arg, int64_t begin, int64_t end, int thread) {              \
        const arg_job *j = arg;                                                           \
        for (int64_t e = begin; e < end; e++) {                                           \
            const T *x = (const T *)j->x + e / j->inner * j->n * j->inner + e % j->inner; \
            int64_t at = 0;                                                               \
            for (int64_t i = 1; i < j->n; i++) {                                          \
                T v = x[i * j->inner], b = x[at * j->inner];                              \
                bool first = b != b && v == v;                                            \
                if (first || (j->max ? v > b : v < b) || (j->last && v == b)) at = i;     \
            }                                                                             \
            j->y[e] = at;                                                                 \
        }                                                                                 \
    }
ARG(float)
ARG(double)
ARG(int8_t)
ARG(int16_t)
ARG(int32_t)
ARG(int64_t)
ARG(uint8_t)
ARG(uint16_t)
ARG(uint32_t)
ARG(uint64_t)

/* The kernels say 0 where nothing is better than an infinity: a NaN that stands there gives way to the first number. */
static size_t arg_row_f32(bool max, const float *x, size_t n) {
    const tn_reduce_kernels *k = &tn_kernels_get()->reduce;
    size_t at = (max ? k->argmax : k->argmin)(x, n);
    if (!n || x[at] == x[at]) return at;
    for (size_t i = 0; i < n; i++)
        if (x[i] == x[i]) return i;
    return 0;
}

static void arg_rows_f32(void *arg, int64_t begin, int64_t end, int thread) {
    const arg_job *j = arg;
    for (int64_t r = begin; r < end; r++)
        j->y[r] = (int64_t)arg_row_f32(j->max, (const float *)j->x + r * j->n, (size_t)j->n);
}

tn_status tn_arg_run(bool max, bool last, tn_dtype t, int64_t outer, int64_t n, int64_t inner, const void *x,
                     int64_t *y, tn_pool *pool) {
    static const tn_range_fn fns[TN_DTYPE_COUNT] = {
        [TN_F32] = float_arg,    [TN_F64] = double_arg,  [TN_I8] = int8_t_arg,  [TN_I16] = int16_t_arg,
        [TN_I32] = int32_t_arg,  [TN_I64] = int64_t_arg, [TN_U8] = uint8_t_arg, [TN_U16] = uint16_t_arg,
        [TN_U32] = uint32_t_arg, [TN_U64] = uint64_t_arg
    };
    if (tn_is_narrow_float(t)) {
        tn_narrow_arg(max, last, t, outer, n, inner, x, y, pool);
        return TN_OK;
    }
    if (!fns[t]) return tn_fail(TN_E_TYPE, "arg-max and arg-min are not defined for %s", tn_dtype_name(t));
    if (!n) outer *= inner, inner = 1; /* no offset into nothing but 0 */
    arg_job j = { max, last, t, n, inner, tn_some(x), y };
    int64_t grain = GRAIN / (n ? n : 1);
    tn_parallel(pool, outer * inner, grain > 0 ? grain : 1, t == TN_F32 && inner == 1 && !last ? arg_rows_f32 : fns[t],
                &j);
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------------- softmax */

typedef struct {
    tn_softmax_kind kind;
    int64_t n, inner, blocks;
    const float *x;
    float *y;
} softmax_job;

/* Is v a larger number than b? NaN is smaller than all. */
static bool beats(double v, double b) { return v > b || (b != b && v == v); }

static void hardmax_row(const float *x, float *y, size_t n) {
    size_t at = arg_row_f32(true, x, n);
    memset(y, 0, n * sizeof *y);
    if (n) y[at] = 1.0f;
}

/* A long row in pieces, so that the budget is asked in between. */
static void softmax_long(tn_softmax_kind kind, const float *x, float *y, int64_t n) {
    const tn_reduce_kernels *k = &tn_kernels_get()->reduce;
    const tn_vec_kernels *v = &tn_kernels_get()->vec;
    bool log = kind == TN_LOGSOFTMAX;
    float top[2] = { -INFINITY, -INFINITY };
    double sum = 0;
    for (int64_t at = 0, m; at < n && !tn_budget_stopped(); at += m) {
        m = n - at < LONG ? n - at : LONG;
        top[1] = k->max(x + at, (size_t)m);
        top[0] = k->max(top, 2);
    }
    for (int64_t at = 0, m; at < n && !tn_budget_stopped(); at += m) {
        m = n - at < LONG ? n - at : LONG;
        sum += (double)k->expsum(x + at, log ? NULL : y + at, (size_t)m, top[0]);
    }
    float by = log ? logf((float)sum) : (float)sum;
    for (int64_t at = 0, m; at < n && !tn_budget_stopped(); at += m) {
        m = n - at < LONG ? n - at : LONG;
        if (log) v->binary[TN_B_SUB][TN_VS](x + at, top, y + at, (size_t)m);
        v->binary[log ? TN_B_SUB : TN_B_DIV][TN_VS](y + at, &by, y + at, (size_t)m);
    }
}

static void softmax_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const softmax_job *j = arg;
    const tn_reduce_kernels *k = &tn_kernels_get()->reduce;
    void (*row)(const float *, float *, size_t) = j->kind == TN_SOFTMAX      ? k->softmax
                                                  : j->kind == TN_LOGSOFTMAX ? k->logsoftmax
                                                                             : hardmax_row;
    for (int64_t r = begin; r < end; r++) {
        if (j->n > LONG && j->kind != TN_HARDMAX)
            softmax_long(j->kind, j->x + r * j->n, j->y + r * j->n, j->n);
        else
            row(j->x + r * j->n, j->y + r * j->n, (size_t)j->n);
    }
}

/* Softmax of every column of an [n][inner] matrix, for `width` <= COLUMNS of them. */
static void softmax_block(const tn_vec_kernels *v, bool log, const float *x, float *y, int64_t n, int64_t step,
                          size_t width) {
    float top[COLUMNS], sum[COLUMNS], t[COLUMNS];
    v->fill(-INFINITY, top, width);
    for (int64_t r = 0; r < n; r++) v->binary[TN_B_MAX][TN_VV](top, x + r * step, top, width);
    v->fill(0.0f, sum, width);
    for (int64_t r = 0; r < n; r++) {
        float *e = log ? t : y + r * step;
        v->binary[TN_B_SUB][TN_VV](x + r * step, top, e, width);
        v->unary[TN_U_EXP](e, e, width, 0, 0);
        v->binary[TN_B_ADD][TN_VV](sum, e, sum, width);
    }
    if (log) v->unary[TN_U_LOG](sum, sum, width, 0, 0);
    for (int64_t r = 0; r < n; r++) {
        if (log) v->binary[TN_B_SUB][TN_VV](x + r * step, top, y + r * step, width);
        v->binary[log ? TN_B_SUB : TN_B_DIV][TN_VV](y + r * step, sum, y + r * step, width);
    }
}

static void hardmax_block(const float *x, float *y, int64_t n, int64_t step, size_t width) {
    for (size_t c = 0; c < width; c++) {
        int64_t at = 0;
        for (int64_t r = 1; r < n; r++)
            if (beats((double)x[r * step + (int64_t)c], (double)x[at * step + (int64_t)c])) at = r;
        for (int64_t r = 0; r < n; r++) y[r * step + (int64_t)c] = r == at;
    }
}

static void softmax_columns(void *arg, int64_t begin, int64_t end, int thread) {
    const softmax_job *j = arg;
    const tn_vec_kernels *v = &tn_kernels_get()->vec;
    for (int64_t u = begin; u < end; u++) {
        int64_t c = u % j->blocks * COLUMNS, at = u / j->blocks * j->n * j->inner + c;
        size_t width = (size_t)(j->inner - c < COLUMNS ? j->inner - c : COLUMNS);
        if (j->kind == TN_HARDMAX)
            hardmax_block(j->x + at, j->y + at, j->n, j->inner, width);
        else
            softmax_block(v, j->kind == TN_LOGSOFTMAX, j->x + at, j->y + at, j->n, j->inner, width);
    }
}

static void softmax_f32(tn_softmax_kind kind, int64_t outer, int64_t n, int64_t inner, const float *x, float *y,
                        tn_pool *pool) {
    softmax_job j = { kind, n, inner, (inner + COLUMNS - 1) / COLUMNS, x, y };
    int64_t width = inner < COLUMNS ? inner : COLUMNS, grain = GRAIN / 4 / (n * width > 0 ? n * width : 1);
    if (inner == 1)
        tn_parallel(pool, outer, grain > 0 ? grain : 1, softmax_rows, &j);
    else
        tn_parallel(pool, outer * j.blocks, grain > 0 ? grain : 1, softmax_columns, &j);
}

static void softmax_f64(tn_softmax_kind kind, int64_t outer, int64_t n, int64_t inner, const double *x, double *y) {
    tn_ticks ticks = { 0 };
    for (int64_t e = 0; e < outer * inner; e++) {
        if (tn_ticks_stopped(&ticks, 32)) return;
        int64_t from = e / inner * n * inner + e % inner, at = 0;
        double s = 0, m = n ? x[from] : 0;
        for (int64_t i = 0; i < n && !tn_ticks_stopped(&ticks, 2); i++)
            if (x[from + i * inner] > m) m = x[from + i * inner];
        for (int64_t i = 1; i < n && !tn_ticks_stopped(&ticks, 2); i++)
            if (beats(x[from + i * inner], x[from + at * inner])) at = i;
        for (int64_t i = 0; i < n && !tn_ticks_stopped(&ticks, 16); i++) s += exp(x[from + i * inner] - m);
        for (int64_t i = 0; i < n && !tn_ticks_stopped(&ticks, 32); i++) {
            double v = x[from + i * inner] - m;
            y[from + i * inner] = kind == TN_HARDMAX ? i == at : kind == TN_SOFTMAX ? exp(v) / s : v - log(s);
        }
    }
}

tn_status tn_softmax_run(tn_softmax_kind kind, tn_dtype t, int64_t outer, int64_t n, int64_t inner, const void *x,
                         void *y, tn_pool *pool) {
    if (outer * n * inner == 0) return TN_OK; /* also where 2^40 rows have none */
    if (t == TN_F32) {
        softmax_f32(kind, outer, n, inner, x, y, pool);
        return TN_OK;
    }
    if (t == TN_F64) {
        softmax_f64(kind, outer, n, inner, x, y);
        return TN_OK;
    }
    if (!tn_is_narrow_float(t)) return tn_fail(TN_E_TYPE, "softmax is not defined for %s", tn_dtype_name(t));
    tn_narrow_softmax(kind, t, outer, n, inner, x, y, pool);
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------------- running sums */

typedef struct {
    int64_t n, inner;
    bool exclusive, reverse, product;
    const void *x;
    void *y;
} cumsum_job;

#define CUMSUM(T, W)                                                                     \
    static void T##_cumsum(void *arg, int64_t begin, int64_t end, int thread) {          \
        const cumsum_job *j = arg;                                                       \
        tn_ticks ticks = { 0 };                                                          \
        for (int64_t e = begin; e < end; e++) {                                          \
            int64_t at = e / j->inner * j->n * j->inner + e % j->inner, step = j->inner; \
            if (j->reverse) at += (j->n - 1) * step, step = -step;                       \
            const T *x = (const T *)j->x + at;                                           \
            T *y = (T *)j->y + at;                                                       \
            W s = (W)j->product;                                                         \
            for (int64_t i = 0; i < j->n && !tn_ticks_stopped(&ticks, 4); i++) {         \
                if (j->exclusive) y[i * step] = (T)s;                                    \
                s = j->product ? s * (W)x[i * step] : s + (W)x[i * step];                \
                if (!j->exclusive) y[i * step] = (T)s;                                   \
            }                                                                            \
        }                                                                                \
    }
CUMSUM(float, double)
CUMSUM(double, double)
CUMSUM(int32_t, uint64_t)
CUMSUM(int64_t, uint64_t)
CUMSUM(uint32_t, uint64_t)
CUMSUM(uint64_t, uint64_t)

tn_status tn_cumsum_run(tn_dtype t, int64_t outer, int64_t n, int64_t inner, bool exclusive, bool reverse, bool product,
                        const void *x, void *y, tn_pool *pool) {
    static const tn_range_fn fns[TN_DTYPE_COUNT] = {
        [TN_F32] = float_cumsum,   [TN_F64] = double_cumsum,   [TN_I32] = int32_t_cumsum,
        [TN_I64] = int64_t_cumsum, [TN_U32] = uint32_t_cumsum, [TN_U64] = uint64_t_cumsum
    };
    if (outer * n * inner == 0) return TN_OK; /* also where 2^40 rows have none */
    if (tn_is_narrow_float(t)) {
        tn_narrow_cumsum(t, outer, n, inner, exclusive, reverse, product, x, y, pool);
        return TN_OK;
    }
    if (!fns[t]) return tn_fail(TN_E_TYPE, "running sums are not defined for %s", tn_dtype_name(t));
    cumsum_job j = { n, inner, exclusive, reverse, product, x, y };
    int64_t grain = GRAIN / (n ? n : 1);
    tn_parallel(pool, outer * inner, grain > 0 ? grain : 1, fns[t], &j);
    return TN_OK;
}
