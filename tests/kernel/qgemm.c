/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qgemm.c - the 8-bit matrix product: every variant, exactly, with zero points, signs, packing, scaling and threads. */
#include "kernel/qgemm.h"
#include "lib/kernel_check.h"
#include <math.h>
#include <string.h>

static int at(const uint8_t *p, bool is_signed, int64_t i) { return is_signed ? (int8_t)p[i] : p[i]; }

/* 8-bit zero points of the operand's type, one or `n`; or NULL. */
static const int32_t *zeros(check_ctx *c, bool is_signed, bool many, int64_t n) {
    if (check_chance(c, 30)) return NULL;
    int32_t *z = check_out(c, (size_t)(many ? n : 1) * sizeof *z);
    for (int64_t i = 0; i < (many ? n : 1); i++) z[i] = (int32_t)check_int(c, 0, 255) - (is_signed ? 128 : 0);
    return z;
}

static double expected(const tn_qgemm_args *g, int64_t i, int64_t j) {
    int64_t za = g->a_zero ? g->a_zero[g->a_zero_rows ? i : 0] : 0,
            zb = g->b_zero ? g->b_zero[g->b_zero_cols ? j : 0] : 0;
    int64_t sum = g->bias ? g->bias[j] : 0;
    for (int64_t p = 0; p < g->k; p++)
        sum += (at(g->a, g->a_signed, i * g->lda + p) - za) *
               (at(g->b, g->b_signed, g->trans_b ? j * g->ldb + p : p * g->ldb + j) - zb);
    if (g->c_type == TN_I32) return (double)sum;
    float y = (float)(int32_t)sum * g->scale[g->scale_cols ? j : 0];
    if (g->c_type == TN_F32) return (double)y;
    y = rintf(y) + (float)g->c_zero;
    float lo = g->c_type == TN_U8 ? 0.0f : -128.0f, hi = g->c_type == TN_U8 ? 255.0f : 127.0f;
    return (double)fminf(fmaxf(y, lo), hi);
}

static double result(const tn_qgemm_args *g, int64_t i) {
    switch (g->c_type) {
    case TN_I32: return (double)((int32_t *)g->c)[i];
    case TN_F32: return (double)((float *)g->c)[i];
    case TN_U8: return ((uint8_t *)g->c)[i];
    default: return ((int8_t *)g->c)[i];
    }
}

static void run(check_ctx *c, size_t max_m, size_t max_n, size_t max_k) {
    const tn_qgemm_kernels *kn = &c->fast->qgemm;
    static const tn_dtype types[] = { TN_I32, TN_F32, TN_U8, TN_I8 };
    tn_qgemm_args g = { .m = (int64_t)check_size(c, max_m),
                        .n = (int64_t)check_size(c, max_n),
                        .k = (int64_t)check_size(c, max_k) };
    g.a_signed = check_chance(c, 50), g.b_signed = check_chance(c, 50), g.trans_b = check_chance(c, 50);
    g.a_zero_rows = check_chance(c, 50), g.b_zero_cols = check_chance(c, 50), g.scale_cols = check_chance(c, 50);
    g.lda = g.k + check_int(c, 0, 5), g.ldb = (g.trans_b ? g.k : g.n) + check_int(c, 0, 5),
    g.ldc = g.n + check_int(c, 0, 5);
    g.a = check_bytes(c, (size_t)(g.m * g.lda));
    g.b = check_bytes(c, (size_t)((g.trans_b ? g.n : g.k) * g.ldb));
    g.a_zero = zeros(c, g.a_signed, g.a_zero_rows, g.m), g.b_zero = zeros(c, g.b_signed, g.b_zero_cols, g.n);
    g.c_type = types[check_int(c, 0, 3)];
    size_t each = g.c_type == TN_U8 || g.c_type == TN_I8 ? 1 : 4;
    g.c = check_out(c, (size_t)(g.m * g.ldc) * each);
    int64_t scales = g.scale_cols && g.n ? g.n : 1;
    float *scale = check_floats(c, (size_t)scales);
    for (int64_t j = 0; j < scales; j++) scale[j] *= 0.003f;
    g.scale = g.c_type == TN_I32 ? NULL : scale;
    g.c_zero = (int32_t)check_int(c, 0, 100);
    if (check_chance(c, 30)) {
        int32_t *bias = check_out(c, (size_t)g.n * sizeof *bias);
        for (int64_t j = 0; j < g.n; j++) bias[j] = (int32_t)check_int(c, -10000, 10000);
        g.bias = bias;
    }
    tn_qgemm_args want = g;
    if (check_chance(c, 50)) {
        void *packed = check_aligned(c, tn_qgemm_pack_b_bytes(kn, g.k, g.n));
        tn_qgemm_pack_b(kn, g.b_signed, g.trans_b, g.k, g.n, g.b, g.ldb, packed);
        g.b_packed = packed, g.b = NULL;
    }
    int threads = check_chance(c, 70) ? 1 : (int)check_int(c, 2, 3);
    tn_pool *pool = NULL;
    if (threads > 1 && tn_pool_new(threads, false, &pool) != TN_OK) check_fail(c, "no pool: %s", tn_error());
    void *scratch = check_chance(c, 50) ? NULL : check_aligned(c, tn_qgemm_scratch(kn, &g, threads));
    check_call(c, tn_qgemm(kn, &g, scratch, pool));
    tn_pool_free(&pool);
    for (int64_t i = 0; i + 1 < g.m; i++)
        if (!check_untouched_bytes(g.c, (size_t)(i * g.ldc + g.n) * each, (size_t)(g.ldc - g.n) * each))
            check_fail(c, "wrote between rows %d and %d", (int)i, (int)i + 1);
    for (int64_t i = 0; i < g.m; i++)
        for (int64_t j = 0; j < g.n; j++) {
            double e = expected(&want, i, j), r = result(&g, i * g.ldc + j);
            if (r == e) continue;
            check_fail(c, "[%d, %d] of [%d, %d], k %d: %.9g, should be %.9g", (int)i, (int)j, (int)g.m, (int)g.n,
                       (int)g.k, r, e);
            return;
        }
}

static void small(check_ctx *c) { run(c, 40, 80, 40); }
static void medium(check_ctx *c) { run(c, 150, 200, 300); }
static void tall(check_ctx *c) { run(c, 2500, 40, 130); } /* several blocks of rows */

static void rows(check_ctx *c) {
    static const tn_dtype types[] = { TN_I32, TN_F32, TN_U8, TN_I8 };
    int64_t n = (int64_t)check_size(c, 200), stride = check_int(c, 1, 3);
    bool is_signed = check_chance(c, 50);
    uint8_t *x = check_bytes(c, (size_t)(n ? (n - 1) * stride + 1 : 0));
    int32_t *acc = check_out(c, (size_t)n * sizeof *acc), *want = check_out(c, (size_t)n * sizeof *want);
    int32_t w = (int32_t)check_int(c, -255, 255), zero = (int32_t)check_int(c, 0, 255) - (is_signed ? 128 : 0);
    for (int64_t i = 0; i < n; i++) {
        acc[i] = want[i] = (int32_t)check_int(c, -10000, 10000);
        want[i] += w * (at(x, is_signed, i * stride) - zero);
    }
    c->fast->qgemm.add_row(is_signed, n, stride, x, w, zero, acc);
    for (int64_t i = 0; i < n; i++)
        if (acc[i] != want[i]) check_fail(c, "sum %d of %d: %d, should be %d", (int)i, (int)n, acc[i], want[i]);
    float scale = 0.0042f;
    tn_qgemm_args g = { .k = 0, .c_type = types[check_int(c, 0, 3)], .scale = &scale, .c_zero = zero };
    g.c = check_out(c, (size_t)n * (g.c_type == TN_U8 || g.c_type == TN_I8 ? 1 : 4));
    c->fast->qgemm.store_row(n, want, scale, zero, g.c_type, g.c);
    for (int64_t i = 0; i < n; i++) {
        g.bias = &want[i];
        double e = expected(&g, 0, 0), r = result(&g, i);
        if (r != e) check_fail(c, "stored %d of %d: %.9g, should be %.9g", (int)i, (int)n, r, e);
    }
}

static const check_case cases[] = {
    { "small", small, 300 }, { "medium", medium, 20 }, { "tall", tall, 10 }, { "rows", rows, 100 }
};

int main(int argc, char **argv) { return check_main("qgemm", cases, TN_COUNT(cases), argc, argv); }
