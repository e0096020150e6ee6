/* gemm_generic.c - matrix products on the element types that have no fast kernels: f64 and integers by plain loops, the
 * short floats through f32. */
#include "base/mem.h"
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
        for (int64_t i = 0; i < g->m; i++) {                                                                         \
            type *c = (type *)g->c + i * g->ldc;                                                                     \
            for (int64_t j = 0; j < g->n; j++) c[j] = 0;                                                             \
            for (int64_t p = 0; !g->trans_b && p < g->k; p++) {                                                      \
                wide x = (wide)a[i * rs + p * cs];                                                                   \
                const type *row = b + p * g->ldb;                                                                    \
                for (int64_t j = 0; j < g->n; j++) c[j] = (type)((wide)c[j] + x * (wide)row[j]);                     \
            }                                                                                                        \
            for (int64_t j = 0; g->trans_b && j < g->n; j++) {                                                       \
                wide sum = 0;                                                                                        \
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

/* A dense f32 copy of `rows` rows of `cols` elements, ld apart; NULL when out of memory or of an unknown type. */
static float *widen(tn_dtype t, const void *p, int64_t rows, int64_t cols, int64_t ld) {
    float *out = tn_mem_alloc((size_t)(rows * cols) * sizeof *out, TN_MEM_SCRATCH);
    const char *in = tn_some(p);
    for (int64_t i = 0; out && i < rows; i++)
        if (tn_convert(t, in + i * ld * tn_dtypes[t].bytes, TN_F32, out + i * cols, cols, false, TN_ROUND_NEAREST) !=
            TN_OK) {
            tn_mem_free(out);
            return NULL;
        }
    return out;
}

static tn_status through_f32(tn_dtype t, const tn_gemm_any *g) {
    tn_status st = TN_OK;
    int64_t a_rows = g->trans_a ? g->k : g->m, a_cols = g->trans_a ? g->m : g->k;
    int64_t b_rows = g->trans_b ? g->n : g->k, b_cols = g->trans_b ? g->k : g->n;
    float *a = widen(t, g->a, a_rows, a_cols, g->lda), *b = widen(t, g->b, b_rows, b_cols, g->ldb);
    float *c = tn_mem_alloc((size_t)(g->m * g->n) * sizeof *c, TN_MEM_SCRATCH);
    if (!a || !b || !c) {
        st = tn_fail(TN_E_NOMEM, "a matrix product of %s in float32", tn_dtype_name(t));
        goto done;
    }
    tn_gemm_args f = tn_gemm_dense(g->m, g->n, g->k, a, b, c);
    f.lda = a_cols, f.ldb = b_cols;
    f.trans_a = g->trans_a, f.trans_b = g->trans_b;
    f.alpha = (float)g->alpha;
    if ((st = tn_gemm(&tn_kernels_get()->gemm, &f, NULL, NULL)) != TN_OK) goto done;
    size_t size = (size_t)tn_dtypes[t].bytes;
    for (int64_t i = 0; i < g->m; i++) {
        for (int64_t j = 0; g->d && j < g->n; j++)
            c[i * g->n + j] += (float)(g->beta * tn_get_f64(t, g->d, i * g->rs_d + j * g->cs_d));
        st = tn_convert(TN_F32, c + i * g->n, t, (char *)g->c + (size_t)(i * g->ldc) * size, g->n, false,
                        TN_ROUND_NEAREST);
        if (st != TN_OK) goto done;
    }
done:
    tn_mem_free(a), tn_mem_free(b), tn_mem_free(c);
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
