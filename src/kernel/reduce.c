/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* reduce.c - reductions over any axes. The shape becomes [outer][reduced][inner]; axes that do not fit this pattern are
 * moved to the end by a transposition first. */
#include "kernel/reduce.h"
#include "base/budget.h"
#include "base/mem.h"
#include "kernel/empty.h"
#include "kernel/kernel.h"
#include "kernel/move.h"
#include "kernel/narrow.h"
#include "kernel/reduce_scattered.h"
#include "tensor/dtype.h"
#include <math.h>
#include <string.h>

enum { COLUMNS = 256, FLUSH = 64, GRAIN = 16384 };

typedef struct {
    tn_reduce_op op;
    tn_dtype t;
    int64_t outer, n, inner, blocks; /* blocks of COLUMNS in inner */
    const void *x;
    void *y;
} job;

/* ----------------------------------------------------------------------------------------------- f32, along a row */

static float reduce_row(const tn_reduce_kernels *k, tn_reduce_op op, const float *x, size_t n) {
    switch (op) {
    case TN_R_SUM: return k->sum(x, n);
    case TN_R_MEAN: return k->sum(x, n) / (float)n;
    case TN_R_MAX: return k->max(x, n);
    case TN_R_MIN: return k->min(x, n);
    case TN_R_PROD: return k->prod(x, n);
    case TN_R_SUMSQ: return k->sumsq(x, n, 0.0f);
    case TN_R_L1: return k->sumabs(x, n);
    case TN_R_L2: return sqrtf(k->sumsq(x, n, 0.0f));
    case TN_R_LOGSUM: return logf(k->sum(x, n));
    default: {
        float m = k->max(x, n), shift = isinf(m) ? 0.0f : m;
        return logf(k->expsum(x, NULL, n, shift)) + shift;
    }
    }
}

static void rows_f32(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    const tn_reduce_kernels *k = &tn_kernels_get()->reduce;
    for (int64_t r = begin; r < end; r++)
        ((float *)j->y)[r] = reduce_row(k, j->op, (const float *)j->x + r * j->n, (size_t)j->n);
}

/* ------------------------------------------------------------------------------------------- f32, down the columns */

/* acc = the rows of x combined element by element. Sums are flushed into a second accumulator every FLUSH rows. */
static void combine_rows(const tn_vec_kernels *v, tn_reduce_op op, const float *x, int64_t n, int64_t step, float *acc,
                         size_t width) {
    float part[COLUMNS], t[COLUMNS];
    tn_binary pick = op == TN_R_MAX ? TN_B_MAX : op == TN_R_MIN ? TN_B_MIN : op == TN_R_PROD ? TN_B_MUL : TN_B_ADD;
    v->fill(op == TN_R_MAX ? -INFINITY : op == TN_R_MIN ? INFINITY : op == TN_R_PROD ? 1.0f : 0.0f, acc, width);
    if (pick != TN_B_ADD) {
        for (int64_t r = 0; r < n; r++, x += step) v->binary[pick][TN_VV](acc, x, acc, width);
        return;
    }
    for (int64_t r = 0; r < n;) {
        v->fill(0.0f, part, width);
        for (int64_t stop = r + FLUSH < n ? r + FLUSH : n; r < stop; r++, x += step) {
            const float *from = x;
            if (op == TN_R_L1) v->unary[TN_U_ABS](x, t, width, 0, 0), from = t;
            if (op == TN_R_SUMSQ || op == TN_R_L2)
                v->muladd(x, x, part, part, width);
            else
                v->binary[TN_B_ADD][TN_VV](part, from, part, width);
        }
        v->binary[TN_B_ADD][TN_VV](acc, part, acc, width);
    }
}

static void logsumexp_rows(const tn_vec_kernels *v, const float *x, int64_t n, int64_t step, float *acc, size_t width) {
    float shift[COLUMNS], t[COLUMNS];
    combine_rows(v, TN_R_MAX, x, n, step, shift, width);
    for (size_t i = 0; i < width; i++) shift[i] = isinf(shift[i]) ? 0.0f : shift[i];
    v->fill(0.0f, acc, width);
    for (int64_t r = 0; r < n; r++, x += step) {
        v->binary[TN_B_SUB][TN_VV](x, shift, t, width);
        v->unary[TN_U_EXP](t, t, width, 0, 0);
        v->binary[TN_B_ADD][TN_VV](acc, t, acc, width);
    }
    v->unary[TN_U_LOG](acc, acc, width, 0, 0);
    v->binary[TN_B_ADD][TN_VV](acc, shift, acc, width);
}

static void columns_f32(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    const tn_vec_kernels *v = &tn_kernels_get()->vec;
    for (int64_t u = begin; u < end; u++) {
        int64_t o = u / j->blocks, c = u % j->blocks * COLUMNS;
        size_t width = (size_t)(j->inner - c < COLUMNS ? j->inner - c : COLUMNS);
        const float *x = (const float *)j->x + o * j->n * j->inner + c;
        float *y = (float *)j->y + o * j->inner + c, count = (float)j->n;
        if (j->op == TN_R_LOGSUMEXP) {
            logsumexp_rows(v, x, j->n, j->inner, y, width);
            continue;
        }
        combine_rows(v, j->op, x, j->n, j->inner, y, width);
        if (j->op == TN_R_MEAN) v->binary[TN_B_DIV][TN_VS](y, &count, y, width);
        if (j->op == TN_R_L2) v->unary[TN_U_SQRT](y, y, width, 0, 0);
        if (j->op == TN_R_LOGSUM) v->unary[TN_U_LOG](y, y, width, 0, 0);
    }
}

/* ---------------------------------------------------------------------------------------------------- other types */

/* Results of f64 and integers: a wide accumulator W of the type's kind, then double for what needs real numbers. */
#define GENERIC(T, W, LOWEST, HIGHEST)                                                                   \
    static W T##_wide(tn_reduce_op op, const T *x, int64_t n, int64_t step) {                            \
        W s = op == TN_R_PROD ? (W)1 : (W)0;                                                             \
        for (int64_t i = 0; i < n; i++) {                                                                \
            W v = (W)x[i * step];                                                                        \
            if (op == TN_R_PROD)                                                                         \
                s *= v;                                                                                  \
            else                                                                                         \
                s += op == TN_R_SUMSQ ? v * v : op == TN_R_L1 && (double)x[i * step] < 0 ? (W)0 - v : v; \
        }                                                                                                \
        return s;                                                                                        \
    }                                                                                                    \
    static T T##_extreme(bool max, const T *x, int64_t n, int64_t step) {                                \
        T m = max ? (T)(LOWEST) : (T)(HIGHEST);                                                          \
        for (int64_t i = 0; i < n; i++) {                                                                \
            T v = x[i * step];                                                                           \
            if (v != v) return v;                                                                        \
            if (max ? v > m : v < m) m = v;                                                              \
        }                                                                                                \
        return m;                                                                                        \
    }                                                                                                    \
    static double T##_real(tn_reduce_op op, const T *x, int64_t n, int64_t step) {                       \
        double s = 0, shift = 0;                                                                         \
        tn_ticks ticks = { 0 };                                                                          \
        if (op == TN_R_LOGSUMEXP && n) shift = (double)T##_extreme(true, x, n, step);                    \
        if (isinf(shift)) shift = 0;                                                                     \
        for (int64_t i = 0; i < n && !tn_ticks_stopped(&ticks, 16); i++) {                               \
            double v = (double)x[i * step];                                                              \
            s += op == TN_R_L2 ? v * v : op == TN_R_LOGSUMEXP ? exp(v - shift) : v;                      \
        }                                                                                                \
        return op == TN_R_L2 ? sqrt(s) : log(s) + shift;                                                 \
    }                                                                                                    \
    static void T##_reduce(void *arg, int64_t begin, int64_t end, int thread) {                          \
        const job *j = arg;                                                                              \
        for (int64_t e = begin; e < end; e++) {                                                          \
            const T *x = (const T *)j->x + e / j->inner * j->n * j->inner + e % j->inner;                \
            T *y = (T *)j->y + e;                                                                        \
            if (j->op == TN_R_MAX || j->op == TN_R_MIN)                                                  \
                *y = T##_extreme(j->op == TN_R_MAX, x, j->n, j->inner);                                  \
            else if (j->op >= TN_R_L2)                                                                   \
                *y = (T)T##_real(j->op, x, j->n, j->inner);                                              \
            else if (j->op == TN_R_MEAN)                                                                 \
                *y = (T)T##_mean(T##_wide(j->op, x, j->n, j->inner), j->n);                              \
            else                                                                                         \
                *y = (T)T##_wide(j->op, x, j->n, j->inner);                                              \
        }                                                                                                \
    }

static double double_mean(double s, int64_t n) { return s / (double)n; }
static int64_t signed_mean(uint64_t s, int64_t n) { return n ? (int64_t)s / n : 0; }
static uint64_t unsigned_mean(uint64_t s, int64_t n) { return n ? s / (uint64_t)n : 0; }
#define int8_t_mean   signed_mean
#define int16_t_mean  signed_mean
#define int32_t_mean  signed_mean
#define int64_t_mean  signed_mean
#define uint8_t_mean  unsigned_mean
#define uint16_t_mean unsigned_mean
#define uint32_t_mean unsigned_mean
#define uint64_t_mean unsigned_mean
GENERIC(double, double, -INFINITY, INFINITY)
GENERIC(int8_t, uint64_t, INT8_MIN, INT8_MAX)
GENERIC(int16_t, uint64_t, INT16_MIN, INT16_MAX)
GENERIC(int32_t, uint64_t, INT32_MIN, INT32_MAX)
GENERIC(int64_t, uint64_t, INT64_MIN, INT64_MAX)
GENERIC(uint8_t, uint64_t, 0, UINT8_MAX)
GENERIC(uint16_t, uint64_t, 0, UINT16_MAX)
GENERIC(uint32_t, uint64_t, 0, UINT32_MAX)
GENERIC(uint64_t, uint64_t, 0, UINT64_MAX)

static tn_range_fn reducer(tn_dtype t, tn_reduce_op op) {
    static const tn_range_fn fns[TN_DTYPE_COUNT] = {
        [TN_F64] = double_reduce,   [TN_I8] = int8_t_reduce,    [TN_I16] = int16_t_reduce,
        [TN_I32] = int32_t_reduce,  [TN_I64] = int64_t_reduce,  [TN_U8] = uint8_t_reduce,
        [TN_U16] = uint16_t_reduce, [TN_U32] = uint32_t_reduce, [TN_U64] = uint64_t_reduce
    };
    if (t == TN_BOOL) return op == TN_R_MAX || op == TN_R_MIN ? uint8_t_reduce : NULL;
    return fns[t];
}

/* The empty maximum of bool is false, the empty minimum true. */
static void fix_empty_bool(const job *j) {
    if (j->t == TN_BOOL && !j->n) memset(j->y, j->op == TN_R_MIN, (size_t)(j->outer * j->inner));
}

static tn_status reduce_3d(const job *j, tn_pool *pool) {
    if (!j->outer || !j->inner) return TN_OK;
    job k = *j;
    if (tn_is_narrow_float(j->t)) {
        tn_narrow_reduce(j->op, j->t, j->outer, j->n, j->inner, j->x, j->y, pool);
        return TN_OK;
    }
    int64_t each = j->n ? j->n : 1, grain = GRAIN / each;
    if (!j->n) k.outer *= k.inner, k.inner = 1, k.x = tn_some(k.x); /* no offset into nothing but 0 */
    if (j->t != TN_F32) {
        tn_parallel(pool, k.outer * k.inner, grain > 0 ? grain : 1, reducer(j->t, j->op), &k);
        fix_empty_bool(j);
        return TN_OK;
    }
    if (k.inner == 1) {
        tn_parallel(pool, k.outer, grain > 0 ? grain : 1, rows_f32, &k);
        return TN_OK;
    }
    k.blocks = (j->inner + COLUMNS - 1) / COLUMNS;
    int64_t width = j->inner < COLUMNS ? j->inner : COLUMNS;
    grain = GRAIN / (each * width);
    tn_parallel(pool, j->outer * k.blocks, grain > 0 ? grain : 1, columns_f32, &k);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------- any axes */

/* Runs of kept and of reduced dimensions, from the first: how many dimensions in each. */
static int runs_of(int rank, const int64_t *dims, uint32_t axes, int64_t *size, bool *reduced) {
    int n = 0;
    for (int d = 0; d < rank; d++) {
        bool r = axes >> d & 1;
        if (dims[d] == 1) continue;
        if (n && reduced[n - 1] == r) {
            size[n - 1] *= dims[d];
        } else {
            size[n] = dims[d];
            reduced[n++] = r;
        }
    }
    return n;
}

static tn_status reduce_scattered(job *j, int n, const int64_t *size, const bool *reduced, void *moved, tn_pool *pool) {
    int perm[TN_MAX_RANK], k = 0;
    j->outer = j->n = j->inner = 1;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < n; i++)
            if (reduced[i] == pass) {
                perm[k++] = i;
                *(pass ? &j->n : &j->outer) *= size[i];
            }
    size_t bytes = (size_t)(j->outer * j->n) * (size_t)tn_dtypes[j->t].bytes;
    void *own = moved ? NULL : tn_mem_alloc(bytes, TN_MEM_SCRATCH);
    if (!moved && !own) return tn_fail(TN_E_NOMEM, "reducing %zu bytes", bytes);
    if (!moved) moved = own;
    tn_transpose_run(tn_dtypes[j->t].bytes, n, size, perm, j->x, moved, pool);
    j->x = moved;
    tn_status st = reduce_3d(j, pool);
    tn_mem_free(own);
    return st;
}

/* Runs that no three loops walk. */
static bool scattered(int n, const bool *reduced) { return n > 3 || (n == 3 && reduced[0]); }

static bool any_empty(int n, const int64_t *size) {
    for (int i = 0; i < n; i++)
        if (size[i] == 0) return true;
    return false;
}

size_t tn_reduce_scratch(tn_dtype t, int rank, const int64_t *dims, uint32_t axes) {
    int64_t size[TN_MAX_RANK];
    bool reduced[TN_MAX_RANK];
    int n = runs_of(rank, dims, axes, size, reduced);
    size_t bytes = (size_t)tn_dtypes[t].bytes;
    if (!scattered(n, reduced) || any_empty(n, size)) return 0;
    for (int i = 0; i < n; i++) bytes *= (size_t)size[i]; /* a tensor's size: it can be counted */
    return bytes;
}

tn_status tn_reduce_run(tn_reduce_op op, tn_dtype t, int rank, const int64_t *dims, uint32_t axes, const void *x,
                        void *y, tn_pool *pool) {
    return tn_reduce_run_in(op, t, rank, dims, axes, x, y, NULL, pool);
}

tn_status tn_reduce_run_in(tn_reduce_op op, tn_dtype t, int rank, const int64_t *dims, uint32_t axes, const void *x,
                           void *y, void *scratch, tn_pool *pool) {
    if (t != TN_F32 && !tn_is_narrow_float(t) && !reducer(t, op))
        return tn_fail(TN_E_TYPE, "this reduction is not defined for %s", tn_dtype_name(t));
    int64_t size[TN_MAX_RANK];
    bool reduced[TN_MAX_RANK];
    int n = runs_of(rank, dims, axes, size, reduced);
    job j = { .op = op, .t = t, .outer = 1, .n = 1, .inner = 1, .x = x, .y = y };
    if (scattered(n, reduced)) {
        if (!any_empty(n, size)) return reduce_scattered(&j, n, size, reduced, scratch, pool);
        for (int d = 0; d < rank; d++) *(axes >> d & 1 ? &j.n : &j.outer) *= dims[d]; /* nothing to move */
        return reduce_3d(&j, pool);
    }
    for (int i = 0; i < n; i++) {
        if (reduced[i])
            j.n = size[i];
        else if (i == 0 && n > 1)
            j.outer = size[i];
        else
            j.inner = size[i];
    }
    return reduce_3d(&j, pool);
}
