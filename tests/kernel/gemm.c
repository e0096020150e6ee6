/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gemm.c - the f32 matrix product: every variant, and the driver on 1 to 3 threads, against a product in double. */
#include "kernel/gemm.h"
#include "lib/kernel_check.h"
#include "tensor/dtype.h"
#include <math.h>
#include <string.h>

/* |error| of a sum of k products of magnitude <= mag: each variant may add in any order (k roundings at worst; the
 * constant is generous for short sums and tight for long ones). Activations have slope <= ~1.1. */
static double bound(int64_t k, double mag) { return (double)(k + 8) * 0x1p-24 * mag + 1e-6; }

static float element(const float *p, int64_t ld, bool trans, int64_t i, int64_t j) {
    return trans ? p[j * ld + i] : p[i * ld + j];
}

/* What *g asks for, in double, for one product at the given offsets; writes rows ldc apart. */
static void product(const tn_gemm_args *g, const float *a, const float *b, const float *d, float *c) {
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++) {
            double sum = 0;
            for (int64_t p = 0; p < g->k; p++)
                sum += (double)element(a, g->lda, g->trans_a, i, p) * (double)element(b, g->ldb, g->trans_b, p, j);
            sum *= g->alpha;
            if (d) sum += (double)g->beta * (double)d[i * g->ldd + j];
            if (g->bias_m) sum += g->bias_m[i];
            if (g->bias_n) sum += g->bias_n[j];
            c[i * g->ldc + j] = tn_act_scalar(g->act, (float)sum);
        }
}

static tn_activation random_act(check_ctx *c) {
    tn_activation t = { .kind = check_chance(c, 40) ? TN_ACT_NONE : (tn_act)check_int(c, 0, TN_ACT_COUNT - 1) };
    t.a = t.kind == TN_ACT_CLIP ? -0.5f : 0.2f;
    t.b = 0.5f;
    return t;
}

/* A random request: shapes, leading dimensions, options. want: what it should give. */
static void random_case(check_ctx *c, tn_gemm_args *g, size_t max_m, size_t max_n, size_t max_k, float **want) {
    int64_t m = (int64_t)check_size(c, max_m), n = (int64_t)check_size(c, max_n), k = (int64_t)check_size(c, max_k);
    if (check_chance(c, 10)) m = 1;
    if (check_chance(c, 10)) n = 1;
    bool ta = check_chance(c, 30), tb = check_chance(c, 30), gap = check_chance(c, 50);
    *g = tn_gemm_dense(m, n, k, NULL, NULL, NULL);
    g->trans_a = ta, g->trans_b = tb;
    g->lda = (ta ? m : k) + (gap ? check_int(c, 0, 9) : 0);
    if (!ta && m < 200 && check_chance(c, 10)) g->lda = (k + 1023) / 1024 * 1024;
    g->ldb = (tb ? k : n) + (gap ? check_int(c, 0, 9) : 0);
    g->ldc = n + (gap ? check_int(c, 0, 9) : 0);
    g->ldd = g->ldc;
    int64_t b0 = check_chance(c, 20) ? check_int(c, 1, 3) : 1, b1 = check_chance(c, 20) ? check_int(c, 1, 3) : 1;
    int64_t batch = b0 * b1;
    int64_t size_a = (ta ? k : m) * g->lda, size_b = (tb ? n : k) * g->ldb, size_c = m * g->ldc;
    g->batch[0] = b0, g->batch[1] = b1;
    g->stride_a[1] = size_a, g->stride_a[0] = size_a * b1;
    g->stride_b[1] = check_chance(c, 50) ? 0 : size_b, g->stride_b[0] = g->stride_b[1] * b1;
    g->stride_c[1] = size_c, g->stride_c[0] = size_c * b1;
    memcpy(g->stride_d, g->stride_c, sizeof g->stride_d);
    float *a = check_floats(c, (size_t)(size_a * batch)), *b = check_floats(c, (size_t)(size_b * batch));
    if (check_chance(c, 15) && size_a && size_b) { /* infinities and NaN go where they belong, and nowhere else */
        a[check_int(c, 0, size_a - 1)] = check_chance(c, 50) ? INFINITY : NAN;
        b[check_int(c, 0, size_b - 1)] = -INFINITY;
    }
    g->a = a, g->b = b;
    if (check_chance(c, 30)) g->alpha = check_float(c, -2, 2);
    if (check_chance(c, 40)) g->d = check_floats(c, (size_t)(size_c * batch));
    if (check_chance(c, 50)) g->beta = check_float(c, -2, 2);
    if (check_chance(c, 30)) g->bias_m = check_floats(c, (size_t)m);
    if (check_chance(c, 50)) g->bias_n = check_floats(c, (size_t)n);
    g->act = random_act(c);
    *want = check_out(c, (size_t)(size_c * batch) * sizeof(float));
    for (int64_t i = 0; i < b0; i++)
        for (int64_t j = 0; j < b1; j++) {
            int64_t oc = i * g->stride_c[0] + j * g->stride_c[1];
            product(g, g->a + i * g->stride_a[0] + j * g->stride_a[1], g->b + i * g->stride_b[0] + j * g->stride_b[1],
                    g->d ? g->d + oc : NULL, *want + oc);
        }
}

static void compare(check_ctx *c, const tn_gemm_args *g, const float *want) {
    int64_t rows = g->m * g->batch[0] * g->batch[1];
    check_close_2d(c, g->c, want, (size_t)rows, (size_t)g->n, (size_t)g->ldc, 2 * bound(g->k, fabs((double)g->alpha)),
                   1e-5);
}

static void run(check_ctx *c, size_t max_m, size_t max_n, size_t max_k) {
    const tn_gemm_kernels *kn = &c->fast->gemm;
    tn_gemm_args g;
    float *want;
    random_case(c, &g, max_m, max_n, max_k, &want);
    int64_t size_c = g.m * g.ldc * g.batch[0] * g.batch[1];
    g.c = check_out(c, (size_t)size_c * sizeof(float));
    bool alias = g.d && check_chance(c, 50);
    if (alias)
        for (int64_t i = 0; i < size_c; i++)
            if (i % g.ldc < g.n) g.c[i] = g.d[i];
    if (alias) g.d = g.c;
    bool one_b = g.stride_b[1] == 0, one_a = g.batch[0] * g.batch[1] == 1;
    if (one_b && check_chance(c, 40)) { /* a constant right operand */
        float *p = check_aligned(c, tn_gemm_pack_b_bytes(kn, g.k, g.n));
        tn_gemm_pack_b(kn, g.trans_b, g.k, g.n, g.b, g.ldb, p, NULL);
        g.b_packed = p, g.b = NULL;
    }
    if (one_a && check_chance(c, 20)) { /* a constant left operand */
        float *p = check_aligned(c, tn_gemm_pack_a_bytes(kn, g.m, g.k));
        tn_gemm_pack_a(kn, g.trans_a, g.m, g.k, g.a, g.lda, p, NULL);
        g.a_packed = p, g.a = NULL;
    }
    int threads = check_chance(c, 70) ? 1 : (int)check_int(c, 2, 3);
    tn_pool *pool = NULL;
    if (threads > 1 && tn_pool_new(threads, false, &pool) != TN_OK) check_fail(c, "no pool: %s", tn_error());
    void *scratch = check_chance(c, 50) ? NULL : check_aligned(c, tn_gemm_scratch(kn, &g, threads));
    if (alias) {
        if (tn_gemm(kn, &g, scratch, pool) != TN_OK) check_fail(c, "%s", tn_error());
    } else {
        check_call(c, tn_gemm(kn, &g, scratch, pool));
    }
    tn_pool_free(&pool);
    compare(c, &g, want);
}

static void small(check_ctx *c) { run(c, 40, 80, 40); }
static void medium(check_ctx *c) { run(c, 150, 200, 100); }
static void deep(check_ctx *c) { run(c, 20, 70, 2200); } /* K in several slices */
static void wide(check_ctx *c) { run(c, 3, 9000, 20); }
static void tall(check_ctx *c) { run(c, 3000, 40, 30); }

/* Panels of 16-bit floats give what the same numbers in float32 give. */
static void half(check_ctx *c) {
    const tn_gemm_kernels *kn = &c->fast->gemm;
    tn_dtype t = check_chance(c, 50) ? TN_F16 : TN_BF16;
    int64_t m = check_chance(c, 40) ? 1 : check_int(c, 0, 60), n = check_int(c, 0, 300), k = check_int(c, 0, 900);
    bool trans = check_chance(c, 50);
    float *b = check_floats(c, (size_t)(k * n)), *d = check_floats(c, (size_t)(m * n));
    uint16_t *rounded = check_aligned(c, (size_t)(k * n) * sizeof *rounded + 64);
    tn_gemm_args g = tn_gemm_dense(m, n, k, check_floats(c, (size_t)(m * k)), b, NULL);
    g.trans_b = trans, g.ldb = trans ? k : n;
    g.d = check_chance(c, 50) ? d : NULL;
    g.bias_n = check_chance(c, 50) ? check_floats(c, (size_t)n) : NULL;
    g.act = random_act(c);
    uint16_t *packed = check_aligned(c, tn_gemm_pack_b_half_bytes(kn, k, n) + 64);
    float *panel = check_aligned(c, (size_t)(k * kn->nr) * sizeof *panel + 64);
    tn_gemm_pack_b_half(kn, t, trans, k, n, b, g.ldb, packed, panel);
    (void)tn_convert(TN_F32, b, t, rounded, k * n, false, TN_ROUND_NEAREST);
    (void)tn_convert(t, rounded, TN_F32, b, k * n, false, TN_ROUND_NEAREST);
    float *want = check_out(c, (size_t)(m * n) * sizeof *want);
    product(&g, g.a, g.b, g.d, want);
    g.c = check_out(c, (size_t)(m * n) * sizeof(float));
    g.b = NULL, g.b_half = packed, g.half_type = t;
    tn_pool *pool = check_pool(c);
    void *scratch = check_chance(c, 50) ? NULL : check_aligned(c, tn_gemm_scratch(kn, &g, tn_pool_threads(pool)));
    check_call(c, tn_gemm(kn, &g, scratch, pool));
    check_close(c, g.c, want, (size_t)(m * n), 2 * bound(k, 1), 1e-5);
}

/* Rounded to bfloat16 in place; nothing denormal. */
static void as_bf16(float *v, int64_t n) {
    for (int64_t i = 0; i < n; i++) v[i] = fabsf(v[i]) < 1e-30f ? 0 : tn_bf16_to_f32(tn_f32_to_bf16(v[i]));
}

/* Pairs of bfloat16, where the set multiplies them: both operands are rounded, sums are not. */
static void bf16_pairs(check_ctx *c) {
    const tn_gemm_kernels *kn = &c->fast->gemm;
    int64_t m = check_int(c, 0, 120), n = check_int(c, 0, 200), k = check_chance(c, 20) ? 1500 : check_int(c, 0, 130);
    if (!kn->pairs) return;
    int64_t batch = check_int(c, 1, 2);
    float *a = check_floats(c, (size_t)(m * k * batch)), *b = check_floats(c, (size_t)(k * n));
    tn_gemm_args g = tn_gemm_dense(m, n, k, a, b, NULL);
    g.trans_a = check_chance(c, 30), g.trans_b = check_chance(c, 50);
    g.lda = g.trans_a ? m : k, g.ldb = g.trans_b ? k : n;
    g.batch[1] = batch, g.stride_a[1] = m * k, g.stride_c[1] = g.stride_d[1] = m * n;
    if (check_chance(c, 50)) g.d = check_floats(c, (size_t)(m * n * batch)), g.beta = check_float(c, -2, 2);
    if (check_chance(c, 50)) g.bias_n = check_floats(c, (size_t)n);
    if (check_chance(c, 30)) g.bias_m = check_floats(c, (size_t)m);
    if (check_chance(c, 50)) g.alpha = check_float(c, -2, 2);
    g.act = random_act(c);
    uint32_t *packed = check_aligned(c, tn_gemm_pack_b_pairs_bytes(kn, k, n) + 64);
    float *panel = check_aligned(c, (size_t)(k * kn->nr) * sizeof *panel + 64);
    tn_gemm_pack_b_pairs(kn, g.trans_b, k, n, b, g.ldb, packed, panel);
    float *want = check_out(c, (size_t)(m * n * batch) * sizeof *want);
    g.c = check_out(c, (size_t)(m * n * batch) * sizeof(float));
    float *got = g.c;
    as_bf16(b, k * n);
    as_bf16(a, m * k * batch);
    for (int64_t i = 0; i < batch; i++) {
        tn_gemm_args one = g;
        one.c = want + i * m * n;
        product(&one, a + i * m * k, b, g.d ? g.d + i * m * n : NULL, one.c);
    }
    g.b = NULL, g.b_pairs = packed;
    tn_pool *pool = check_pool(c);
    void *scratch = check_chance(c, 50) ? NULL : check_aligned(c, tn_gemm_scratch(kn, &g, tn_pool_threads(pool)));
    check_call(c, tn_gemm(kn, &g, scratch, pool));
    check_close(c, got, want, (size_t)(m * n * batch), 2 * bound(k, fabs((double)g.alpha)), 1e-5);
}

/* The threads must not change a bit. */
static void same_bits(check_ctx *c) {
    const tn_gemm_kernels *kn = &c->fast->gemm;
    int64_t m = check_int(c, 100, 300), n = check_int(c, 100, 300), k = check_int(c, 50, 900);
    size_t bytes = (size_t)(m * n) * sizeof(float);
    tn_gemm_args g = tn_gemm_dense(m, n, k, check_floats(c, (size_t)(m * k)), check_floats(c, (size_t)(k * n)), NULL);
    float *one = check_out(c, bytes), *many = check_out(c, bytes);
    tn_pool *pool = NULL;
    g.trans_b = check_chance(c, 50);
    if (g.trans_b) g.ldb = k;
    if (tn_pool_new((int)check_int(c, 2, 7), false, &pool) != TN_OK) check_fail(c, "no pool: %s", tn_error());
    g.c = one;
    if (tn_gemm(kn, &g, NULL, NULL) != TN_OK) check_fail(c, "%s", tn_error());
    g.c = many;
    if (tn_gemm(kn, &g, NULL, pool) != TN_OK) check_fail(c, "%s", tn_error());
    tn_pool_free(&pool);
    check_same(c, many, one, bytes);
}

static void gemv(check_ctx *c) {
    int64_t k = (int64_t)check_size(c, 300), n = (int64_t)check_size(c, 5000);
    bool trans = check_chance(c, 50);
    int64_t ld = (trans ? k : n) + check_int(c, 0, 5), incx = trans ? 1 : check_int(c, 1, 3);
    const float *x = check_floats(c, (size_t)(k * incx)), *b = check_floats(c, (size_t)((trans ? n : k) * ld));
    float *want = check_out(c, (size_t)n * sizeof(float)), *got = check_out(c, (size_t)n * sizeof(float));
    for (int64_t i = 0; i < n; i++) want[i] = got[i] = check_float(c, -1, 1);
    float alpha = check_float(c, -2, 2);
    if (trans) {
        c->ref->gemm.gemv_t(k, n, alpha, x, b, ld, want);
        c->fast->gemm.gemv_t(k, n, alpha, x, b, ld, got);
    } else {
        c->ref->gemm.gemv(k, n, alpha, x, incx, b, ld, want);
        c->fast->gemm.gemv(k, n, alpha, x, incx, b, ld, got);
    }
    check_close(c, got, want, (size_t)n, 2 * bound(k, 2), 1e-5);
}

/* Every activation over a range of values, through an empty product (k = 0) with D as the input. */
static void activations(check_ctx *c) {
    static const float special[] = {
        0.0f, -0.0f, INFINITY, -INFINITY, NAN, 1e-30f, -1e30f, 88.0f, -88.0f, 3.0f, -3.0f
    };
    int64_t m = check_int(c, 1, 20), n = check_int(c, 1, 70);
    float *d = check_floats(c, (size_t)(m * n)), *want = check_out(c, (size_t)(m * n) * sizeof(float));
    for (int64_t i = 0; i < m * n; i++)
        d[i] = check_chance(c, 10) ? special[check_int(c, 0, (int64_t)TN_COUNT(special) - 1)] : d[i] * 12.0f;
    tn_gemm_args g = tn_gemm_dense(m, n, 0, d, d, check_out(c, (size_t)(m * n) * sizeof(float)));
    g.d = d;
    g.act = random_act(c);
    for (int64_t i = 0; i < m * n; i++) want[i] = tn_act_scalar(g.act, d[i]);
    if (tn_gemm(&c->fast->gemm, &g, NULL, NULL) != TN_OK) check_fail(c, "%s", tn_error());
    check_close(c, g.c, want, (size_t)(m * n), 1e-6, 2e-6);
}

/* The other types, on small whole numbers, which all of them hold exactly. */
static void generic(check_ctx *c) {
    static const tn_dtype types[] = { TN_F32, TN_F64, TN_F16, TN_BF16, TN_I32, TN_I64, TN_U32, TN_U64, TN_I16, TN_U16 };
    tn_dtype t = types[check_int(c, 0, (int64_t)TN_COUNT(types) - 1)];
    tn_gemm_any g = { .m = check_int(c, 0, 20), .n = check_int(c, 0, 40), .k = check_int(c, 0, 12) };
    g.trans_a = check_chance(c, 50), g.trans_b = check_chance(c, 50);
    g.lda = (g.trans_a ? g.m : g.k) + check_int(c, 0, 3);
    g.ldb = (g.trans_b ? g.k : g.n) + check_int(c, 0, 3);
    g.ldc = g.n + check_int(c, 0, 3);
    g.alpha = check_chance(c, 50) ? 1 : 2;
    g.beta = check_chance(c, 50) ? 1 : 3;
    g.rs_d = check_chance(c, 50) ? 0 : g.n, g.cs_d = check_chance(c, 50) ? 0 : 1;
    int64_t na = (g.trans_a ? g.k : g.m) * g.lda, nb = (g.trans_b ? g.n : g.k) * g.ldb, nd = g.m * g.n;
    size_t size = (size_t)tn_dtypes[t].bytes;
    void *a = check_aligned(c, (size_t)na * size), *b = check_aligned(c, (size_t)nb * size);
    void *d = check_aligned(c, (size_t)nd * size);
    for (int64_t i = 0; i < na; i++) tn_set_i64(t, a, i, check_int(c, 0, 2));
    for (int64_t i = 0; i < nb; i++) tn_set_i64(t, b, i, check_int(c, 0, 2));
    for (int64_t i = 0; i < nd; i++) tn_set_i64(t, d, i, check_int(c, 0, 9));
    g.a = a, g.b = b, g.d = check_chance(c, 70) ? d : NULL;
    g.c = check_aligned(c, (size_t)(g.m * g.ldc) * size);
    if (tn_gemm_generic(t, &g) != TN_OK) check_fail(c, "%s: %s", tn_dtype_name(t), tn_error());
    for (int64_t i = 0; i < g.m; i++)
        for (int64_t j = 0; j < g.n; j++) {
            int64_t sum = 0;
            for (int64_t p = 0; p < g.k; p++)
                sum += tn_get_i64(t, a, g.trans_a ? p * g.lda + i : i * g.lda + p) *
                       tn_get_i64(t, b, g.trans_b ? j * g.ldb + p : p * g.ldb + j);
            sum *= (int64_t)g.alpha;
            if (g.d) sum += (int64_t)g.beta * tn_get_i64(t, d, i * g.rs_d + j * g.cs_d);
            int64_t got = tn_get_i64(t, g.c, i * g.ldc + j);
            if (got == sum) continue;
            check_fail(c, "%s [%d, %d]: %d, should be %d", tn_dtype_name(t), (int)i, (int)j, (int)got, (int)sum);
            return;
        }
    if (tn_gemm_generic(TN_BOOL, &g) != TN_E_TYPE) check_fail(c, "bool should be refused");
}

static const check_case cases[] = {
    { "small", small, 400 },
    { "medium", medium, 60 },
    { "deep", deep, 60 },
    { "wide", wide, 30 },
    { "tall", tall, 30 },
    { "same_bits", same_bits, 6 },
    { "gemv", gemv, 100 },
    { "activations", activations, 300 },
    { "generic", generic, 200 },
    { "half", half, 80 },
    { "bf16_pairs", bf16_pairs, 60 },
};

int main(int argc, char **argv) { return check_main("gemm", cases, TN_COUNT(cases), argc, argv); }
