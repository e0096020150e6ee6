/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gemm_generic.c - matrix products on the element types that have no fast kernels: f64 and integers by plain loops, the
 * short floats through f32. */
#include "base/budget.h"
#include "kernel/empty.h"
#include "kernel/kernel.h"
#include "tensor/dtype.h"
#include <string.h>

/* Rows of C are sums of rows of B (or dot products when B is transposed), in the type itself; `wide` is the type whose
 * arithmetic cannot overflow in an undefined way. */
#define PRODUCT(name, type, wide)                                                                                    \
    static void name(const tn_gemm_any *g) {                                                                         \
        const type *a = g->a, *b = g->b, *d = g->d;                                                                  \
        int64_t rs = g->trans_a ? 1 : g->lda, cs = g->trans_a ? g->lda : 1;                                          \
        bool plain = g->alpha == 1.0 && (!d || g->beta == 1.0);                                                      \
        tn_ticks ticks = { 0 };                                                                                      \
        for (int64_t i = 0; i < g->m; i++) {                                                                         \
            type *c = (type *)g->c + i * g->ldc;                                                                     \
            for (int64_t j = 0; j < g->n; j++) c[j] = 0;                                                             \
            for (int64_t p = 0; !g->trans_b && p < g->k; p++) {                                                      \
                wide x = (wide)a[i * rs + p * cs];                                                                   \
                if (tn_ticks_stopped(&ticks, (uint64_t)g->n)) return;                                                \
                const type *row = b + p * g->ldb;                                                                    \
                for (int64_t j = 0; j < g->n; j++) c[j] = (type)((wide)c[j] + x * (wide)row[j]);                     \
            }                                                                                                        \
            for (int64_t j = 0; g->trans_b && j < g->n; j++) {                                                       \
                wide sum = 0;                                                                                        \
                if (tn_ticks_stopped(&ticks, (uint64_t)g->k)) return;                                                \
                const type *row = b + j * g->ldb;                                                                    \
                for (int64_t p = 0; p < g->k; p++) sum += (wide)a[i * rs + p * cs] * (wide)row[p];                   \
                c[j] = (type)sum;                                                                                    \
            }                                                                                                        \
            for (int64_t j = 0; j < g->n && (d || !plain); j++) {                                                    \
                type y = d ? d[i * g->rs_d + j * g->cs_d] : 0;                                                       \
                c[j] = plain ? (type)((wide)c[j] + (wide)y) : (type)(g->alpha * (double)c[j] + g->beta * (double)y); \
            }                                                                                                        \
        }                                                                                                            \
    }

PRODUCT(product_f64, double, double)
PRODUCT(product_i8, int8_t, uint32_t)
PRODUCT(product_u8, uint8_t, uint32_t)
PRODUCT(product_i16, int16_t, uint32_t)
PRODUCT(product_u16, uint16_t, uint32_t)
PRODUCT(product_i32, int32_t, uint32_t)
PRODUCT(product_u32, uint32_t, uint32_t)
PRODUCT(product_i64, int64_t, uint64_t)
PRODUCT(product_u64, uint64_t, uint64_t)

/* A tile of each operand as f32, so that memory is bounded whatever the sizes are. */
enum { TILE_M = 512, TILE_N = 512, TILE_K = 1024 };

/* A dense f32 copy of `rows` rows of `cols` elements, ld apart. */
static tn_status widen(tn_dtype t, const char *p, int64_t rows, int64_t cols, int64_t ld, float *out) {
    for (int64_t i = 0; i < rows; i++)
        TN_TRY(tn_convert(t, p + i * ld * tn_dtypes[t].bytes, TN_F32, out + i * cols, cols, false, TN_ROUND_NEAREST));
    return TN_OK;
}

/* Rows [r, r + rows) and columns [c, c + cols) of an operand that may lie transposed. */
static tn_status widen_part(tn_dtype t, const void *p, bool trans, int64_t ld, int64_t r, int64_t rows, int64_t c,
                            int64_t cols, float *out) {
    const char *at = (const char *)p + (trans ? c * ld + r : r * ld + c) * tn_dtypes[t].bytes;
    return widen(t, at, trans ? cols : rows, trans ? rows : cols, ld, out);
}

/* Rows i.. and columns j.. of C from its f32 sums, with what is added to them. */
static tn_status narrow(tn_dtype t, const tn_gemm_any *g, int64_t i, int64_t rows, int64_t j, int64_t cols, float *c) {
    for (int64_t r = 0; r < rows; r++, c += cols) {
        for (int64_t k = 0; g->d && k < cols; k++)
            c[k] += (float)(g->beta * tn_get_f64(t, g->d, (i + r) * g->rs_d + (j + k) * g->cs_d));
        char *to = (char *)g->c + ((i + r) * g->ldc + j) * tn_dtypes[t].bytes;
        TN_TRY(tn_convert(TN_F32, c, t, to, cols, false, TN_ROUND_NEAREST));
    }
    return TN_OK;
}

static int64_t less(int64_t a, int64_t b) { return a < b ? a : b; }

/* The tile of C at (i, j). */
static tn_status tile(tn_dtype t, const tn_gemm_any *g, int64_t i, int64_t j, float *a, float *b, float *c) {
    int64_t m = less(TILE_M, g->m - i), n = less(TILE_N, g->n - j);
    if (g->k == 0) memset(c, 0, (size_t)(m * n) * sizeof *c);
    for (int64_t p = 0; p < g->k; p += TILE_K) {
        int64_t k = less(TILE_K, g->k - p);
        TN_TRY(widen_part(t, g->a, g->trans_a, g->lda, i, m, p, k, a));
        TN_TRY(widen_part(t, g->b, g->trans_b, g->ldb, p, k, j, n, b));
        tn_gemm_args f = tn_gemm_dense(m, n, k, a, b, c);
        f.lda = g->trans_a ? m : k, f.ldb = g->trans_b ? k : n;
        f.trans_a = g->trans_a, f.trans_b = g->trans_b;
        f.alpha = (float)g->alpha;
        if (p) f.d = c;
        TN_TRY(tn_gemm(&tn_kernels_get()->gemm, &f, NULL, NULL));
    }
    return narrow(t, g, i, m, j, n, c);
}

static tn_status through_f32(tn_dtype t, const tn_gemm_any *g) {
    tn_status st = TN_OK;
    int64_t m = less(TILE_M, g->m), n = less(TILE_N, g->n), k = less(TILE_K, g->k);
    float *a = tn_mem_alloc((size_t)(m * k + k * n + m * n) * sizeof *a, TN_MEM_SCRATCH), *b = a + m * k;
    if (!a) return tn_fail(TN_E_NOMEM, "a matrix product of %s in float32", tn_dtype_name(t));
    for (int64_t j = 0; j < g->n && st == TN_OK; j += TILE_N)
        for (int64_t i = 0; i < g->m && st == TN_OK; i += TILE_M) st = tile(t, g, i, j, a, b, b + k * n);
    tn_mem_free(a);
    return st;
}

tn_status tn_gemm_generic(tn_dtype t, const tn_gemm_any *g) {
    static void (*const products[TN_DTYPE_COUNT])(const tn_gemm_any *) = {
        [TN_F64] = product_f64, [TN_I8] = product_i8,   [TN_U8] = product_u8,
        [TN_I16] = product_i16, [TN_U16] = product_u16, [TN_I32] = product_i32,
        [TN_U32] = product_u32, [TN_I64] = product_i64, [TN_U64] = product_u64,
    };
    if ((unsigned)t < TN_DTYPE_COUNT && products[t]) {
        products[t](g);
        return TN_OK;
    }
    if (!tn_dtype_is_float(t) || tn_dtypes[t].block != 1)
        return tn_fail(TN_E_TYPE, "no matrix product of %s", tn_dtype_name(t));
    return through_f32(t, g);
}
