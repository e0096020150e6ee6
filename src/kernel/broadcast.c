/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* broadcast.c - operations on one, two and three broadcast operands of any type, tile by tile. */
#include "kernel/broadcast.h"
#include "kernel/kernel.h"
#include "kernel/loop.h"
#include "kernel/tiles.h"
#include "tensor/dtype.h"
#include <assert.h>
#include <string.h>

_Static_assert(TN_A_SQDIFF == (int)TN_B_SQDIFF && TN_A_EQ == (int)TN_BINARY_COUNT && TN_A_GE == TN_A_EQ + (int)TN_C_GE,
               "tn_arith begins with tn_binary and tn_compare");

static bool is_compare(tn_arith op) { return op >= TN_A_EQ && op <= TN_A_GE; }

/* Types that are computed in f32. */
static bool is_small_float(tn_dtype t) {
    return t != TN_F32 && t != TN_F64 && tn_dtype_is_float(t) && tn_dtypes[t].block == 1;
}

tn_dtype tn_arith_result(tn_arith op, tn_dtype t) {
    bool f32 = t == TN_F32 || is_small_float(t);
    if (f32 ? op > TN_A_GE : !tn_arith_loop(op, t)) return TN_NONE;
    return is_compare(op) ? TN_BOOL : t;
}

static tn_tile_array array_of(const tn_operand *o, int bytes, int rank, const int64_t *dims) {
    tn_tile_array a = { .data = o->data, .bytes = bytes };
    assert(o->rank <= rank);
    tn_broadcast_strides(rank, dims, o->rank, o->dims, a.stride);
    return a;
}

/* ------------------------------------------------------------------------------------------------ two operands */

typedef struct {
    tn_arith op;
    tn_dtype t, tb; /* of a and of b */
    tn_arith_fn loop;
    char *y;
    int y_bytes;
} arith;

static void f32_op(tn_arith op, tn_tile_view a, tn_tile_view b, void *y, size_t n) {
    const tn_vec_kernels *k = &tn_kernels_get()->vec;
    float all;
    if (a.one && b.one) { /* one result for the whole tile */
        if (is_compare(op)) {
            uint8_t c;
            k->compare[op - TN_A_EQ][TN_VV](a.p, b.p, &c, 1);
            memset(y, c, n);
        } else {
            k->binary[op][TN_VV](a.p, b.p, &all, 1);
            k->fill(all, y, n);
        }
        return;
    }
    tn_form form = b.one ? TN_VS : a.one ? TN_SV : TN_VV;
    if (is_compare(op))
        k->compare[op - TN_A_EQ][form](a.p, b.p, y, n);
    else
        k->binary[op][form](a.p, b.p, y, n);
}

static void tile_f32(void *user, const tn_tile_view *v, int64_t at, size_t n, char *scratch, int tile) {
    const arith *j = user;
    f32_op(j->op, v[0], v[1], j->y + at * j->y_bytes, n);
}

/* A view of an array as f32. */
static tn_tile_view widened(tn_dtype t, tn_tile_view v, size_t n, float *to) {
    (void)tn_convert(t, v.p, TN_F32, to, v.one ? 1 : (int64_t)n, true, TN_ROUND_NEAREST);
    return (tn_tile_view){ to, v.one };
}

static void tile_small_float(void *user, const tn_tile_view *v, int64_t at, size_t n, char *scratch, int tile) {
    const arith *j = user;
    float *fa = (float *)scratch, *fb = fa + tile;
    tn_tile_view a = widened(j->t, v[0], n, fa), b = widened(j->t, v[1], n, fb);
    char *y = j->y + at * j->y_bytes;
    if (is_compare(j->op)) {
        f32_op(j->op, a, b, y, n);
        return;
    }
    f32_op(j->op, a, b, a.one ? fb : fa, n);
    (void)tn_convert(TN_F32, a.one ? fb : fa, j->t, y, (int64_t)n, true, TN_ROUND_NEAREST);
}

/* n copies of one element. */
static const void *repeated(tn_tile_view v, int bytes, size_t n, char *to) {
    if (!v.one) return v.p;
    if (bytes == 1)
        memset(to, *(const uint8_t *)v.p, n);
    else
        for (size_t i = 0; i < n; i++) memcpy(to + i * (size_t)bytes, v.p, (size_t)bytes);
    return to;
}

static void tile_loop(void *user, const tn_tile_view *v, int64_t at, size_t n, char *scratch, int tile) {
    const arith *j = user;
    int bytes = tn_dtypes[j->t].bytes;
    const void *a = repeated(v[0], bytes, n, scratch);
    const void *b = repeated(v[1], bytes, n, scratch + tile * bytes);
    j->loop(a, b, j->y + at * j->y_bytes, n);
}

tn_status tn_arith_run(tn_arith op, tn_dtype t, const tn_operand *a, const tn_operand *b, int rank, const int64_t *dims,
                       void *y, tn_pool *pool) {
    tn_dtype result = tn_arith_result(op, t);
    if (result == TN_NONE) return tn_fail(TN_E_TYPE, "this operation is not defined for %s", tn_dtype_name(t));
    int bytes = tn_dtypes[t].bytes;
    tn_tile_array in[2] = { array_of(a, bytes, rank, dims), array_of(b, bytes, rank, dims) };
    arith j = { .op = op, .t = t, .loop = tn_arith_loop(op, t), .y = y, .y_bytes = tn_dtypes[result].bytes };
    bool small = is_small_float(t);
    tn_tiles tiles = { .rank = rank,
                       .dims = dims,
                       .n_in = 2,
                       .in = in,
                       .weight = small || op >= TN_A_POW ? 4 : 1,
                       .scratch = t == TN_F32 ? 0
                                  : small     ? 8
                                              : 2 * bytes,
                       .fn = t == TN_F32 ? tile_f32
                             : small     ? tile_small_float
                                         : tile_loop,
                       .user = &j };
    tn_tiles_run(&tiles, pool);
    return TN_OK;
}

/* ---------------------------------------------------------------------------------------------- mixed-type powers */

/* Integer powers in 64 bits (exact modulo any narrower width), all others in f64. */
static void tile_pow(void *user, const tn_tile_view *v, int64_t at, size_t n, char *scratch, int tile) {
    const arith *j = user;
    bool whole = tn_dtype_is_int(j->t) && tn_dtype_is_int(j->tb);
    tn_dtype via = whole ? TN_I64 : TN_F64;
    char *a = scratch, *b = scratch + 8 * tile, *y = j->y + at * j->y_bytes;
    for (size_t i = 0; i < n; i++) {
        int64_t ia = v[0].one ? 0 : (int64_t)i, ib = v[1].one ? 0 : (int64_t)i;
        if (whole) {
            ((int64_t *)a)[i] = tn_get_i64(j->t, v[0].p, ia);
            ((int64_t *)b)[i] = tn_get_i64(j->tb, v[1].p, ib);
        } else {
            ((double *)a)[i] = tn_get_f64(j->t, v[0].p, ia);
            ((double *)b)[i] = tn_get_f64(j->tb, v[1].p, ib);
        }
    }
    tn_arith_loop(TN_A_POW, via)(a, b, a, n);
    for (size_t i = 0; i < n; i++) {
        if (whole)
            tn_set_i64(j->t, y, (int64_t)i, ((int64_t *)a)[i]);
        else
            tn_set_f64(j->t, y, (int64_t)i, ((double *)a)[i]);
    }
}

static bool is_number(tn_dtype t) { return (tn_dtype_is_float(t) || tn_dtype_is_int(t)) && tn_dtypes[t].block == 1; }

tn_status tn_pow_run(tn_dtype ta, const tn_operand *a, tn_dtype tb, const tn_operand *b, int rank, const int64_t *dims,
                     void *y, tn_pool *pool) {
    if (ta == tb) return tn_arith_run(TN_A_POW, ta, a, b, rank, dims, y, pool);
    if (!is_number(ta) || !is_number(tb))
        return tn_fail(TN_E_TYPE, "no powers of %s by %s", tn_dtype_name(ta), tn_dtype_name(tb));
    float exponent;
    int64_t n = 1;
    for (int i = 0; i < b->rank; i++) n *= b->dims[i];
    if (ta == TN_F32 && n == 1) { /* the common x ^ 2 with an integer 2 */
        exponent = (float)tn_get_f64(tb, b->data, 0);
        tn_operand e = { &exponent, b->rank, b->dims };
        return tn_arith_run(TN_A_POW, TN_F32, a, &e, rank, dims, y, pool);
    }
    tn_tile_array in[2] = { array_of(a, tn_dtypes[ta].bytes, rank, dims),
                            array_of(b, tn_dtypes[tb].bytes, rank, dims) };
    arith j = { .t = ta, .tb = tb, .y = y, .y_bytes = tn_dtypes[ta].bytes };
    tn_tiles tiles = {
        .rank = rank, .dims = dims, .n_in = 2, .in = in, .scratch = 16, .weight = 32, .fn = tile_pow, .user = &j
    };
    tn_tiles_run(&tiles, pool);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------ selection */

typedef struct {
    int bytes;
    char *y;
} choice;

static void tile_where(void *user, const tn_tile_view *v, int64_t at, size_t n, char *scratch, int tile) {
    const choice *j = user;
    size_t bytes = (size_t)j->bytes;
    char *y = j->y + (size_t)at * bytes;
    const uint8_t *c = v[0].p;
    if (v[0].one) {
        tn_tile_view from = *c ? v[1] : v[2];
        const void *all = repeated(from, j->bytes, n, scratch);
        if (all != y) memmove(y, all, n * bytes);
        return;
    }
    size_t sa = !v[1].one, sb = !v[2].one;
#define CHOOSE(T)                                                                                                  \
    for (size_t i = 0; i < n; i++) ((T *)y)[i] = c[i] ? ((const T *)v[1].p)[i * sa] : ((const T *)v[2].p)[i * sb]; \
    break
    switch (bytes) {
    case 1: CHOOSE(uint8_t);
    case 2: CHOOSE(uint16_t);
    case 4:
        if (sa || sb) {
            tn_kernels_get()->vec.where[!sb ? TN_VS : !sa ? TN_SV : TN_VV](c, v[1].p, v[2].p, (float *)y, n);
            break;
        }
        CHOOSE(uint32_t);
    case 8: CHOOSE(uint64_t);
    default:
        for (size_t i = 0; i < n; i++)
            memmove(y + i * bytes, c[i] ? (const char *)v[1].p + i * sa * bytes : (const char *)v[2].p + i * sb * bytes,
                    bytes);
    }
#undef CHOOSE
}

void tn_where_run(int bytes, const tn_operand *c, const tn_operand *a, const tn_operand *b, int rank,
                  const int64_t *dims, void *y, tn_pool *pool) {
    tn_tile_array in[3] = { array_of(c, 1, rank, dims), array_of(a, bytes, rank, dims),
                            array_of(b, bytes, rank, dims) };
    choice j = { bytes, y };
    tn_tiles tiles = {
        .rank = rank, .dims = dims, .n_in = 3, .in = in, .scratch = bytes, .weight = 1, .fn = tile_where, .user = &j
    };
    tn_tiles_run(&tiles, pool);
}

/* ---------------------------------------------------------------------------------------------------- one operand */

typedef struct {
    tn_unary op;
    tn_dtype t;
    tn_unary_loop_fn loop;
    const char *x;
    char *y;
    double a, b;
} unary;

static void unary_f32(void *arg, int64_t begin, int64_t end, int thread) {
    const unary *j = arg;
    tn_kernels_get()->vec.unary[j->op]((const float *)j->x + begin, (float *)j->y + begin, (size_t)(end - begin),
                                       (float)j->a, (float)j->b);
}

static void unary_small_float(void *arg, int64_t begin, int64_t end, int thread) {
    const unary *j = arg;
    float tile[1024];
    int bytes = tn_dtypes[j->t].bytes;
    for (int64_t n; begin < end; begin += n) {
        n = end - begin < 1024 ? end - begin : 1024;
        (void)tn_convert(j->t, j->x + begin * bytes, TN_F32, tile, n, true, TN_ROUND_NEAREST);
        tn_kernels_get()->vec.unary[j->op](tile, tile, (size_t)n, (float)j->a, (float)j->b);
        (void)tn_convert(TN_F32, tile, j->t, j->y + begin * bytes, n, true, TN_ROUND_NEAREST);
    }
}

static void unary_loop(void *arg, int64_t begin, int64_t end, int thread) {
    const unary *j = arg;
    int bytes = tn_dtypes[j->t].bytes;
    j->loop(j->x + begin * bytes, j->y + begin * bytes, (size_t)(end - begin), j->a, j->b);
}

/* Functions that integers have only by way of real numbers: Shrink, Erf. */
static void unary_by_f64(void *arg, int64_t begin, int64_t end, int thread) {
    const unary *j = arg;
    double v[256];
    for (int64_t n; begin < end; begin += n) {
        n = end - begin < 256 ? end - begin : 256;
        for (int64_t i = 0; i < n; i++) v[i] = tn_get_f64(j->t, j->x, begin + i);
        tn_unary_loop(j->op, TN_F64)((const char *)v, (char *)v, (size_t)n, j->a, j->b);
        for (int64_t i = 0; i < n; i++) tn_set_f64(j->t, j->y, begin + i, v[i]);
    }
}

tn_status tn_unary_run(tn_unary op, tn_dtype t, const void *x, void *y, int64_t n, double a, double b, tn_pool *pool) {
    unary j = { .op = op, .t = t, .x = x, .y = y, .a = a, .b = b };
    bool small = is_small_float(t);
    if (t != TN_F32 && !small) j.loop = tn_unary_loop(op, t);
    bool indirect = !j.loop && tn_dtype_is_int(t) && tn_unary_loop(op, TN_F64);
    if (t != TN_F32 && !small && !j.loop && !indirect)
        return tn_fail(TN_E_TYPE, "%s is not defined for %s", tn_unary_names[op], tn_dtype_name(t));
    int64_t grain = op <= TN_U_SQUARE ? 32768 : 4096;
    tn_parallel(pool, n, grain,
                t == TN_F32 ? unary_f32
                : small     ? unary_small_float
                : indirect  ? unary_by_f64
                            : unary_loop,
                &j);
    return TN_OK;
}
