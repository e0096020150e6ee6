/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gemm_pairs.c - products of bfloat16 pairs: A is rounded to bfloat16 once, B was when it was packed, sums are float32.
 *
 * A unit of work is a block of rows of one panel: its part of C is set to beta * D, gets the sums slice by slice of K,
 * and bias and activation in a last walk (an empty product of the float32 strip). */
#include "kernel/gemm_pairs.h"
#include "base/budget.h"
#include "base/mem.h"
#include "tensor/dtype.h"
#include <string.h>

enum {
    ROWS = 84,          /* of a unit: six tiles */
    SLICE = 512,        /* pairs of K at a time: a panel's slice is 64 KiB */
    PIECE = 256,        /* numbers gathered at a time from a transposed A */
    FLOPS_ONE = 1 << 20 /* less is one thread's */
};

typedef struct {
    const tn_gemm_kernels *kn;
    const tn_gemm_args *g;
    const float *a, *d; /* of this product of the batch */
    float *c;
    uint32_t *pairs; /* A: m rows of `half` pairs */
    int64_t half, blocks;
} job;

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t half_of(int64_t k) { return (k + 1) / 2; }

/* Rows of A as pairs; the second number of an odd last one is 0. */
static void round_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    const tn_gemm_args *g = j->g;
    float piece[PIECE];
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        uint16_t *to = (uint16_t *)(void *)(j->pairs + i * j->half);
        for (int64_t p = 0; p < g->k; p += PIECE) {
            int64_t n = min64(PIECE, g->k - p);
            const float *from = g->trans_a ? piece : j->a + i * g->lda + p;
            for (int64_t q = 0; q < n && g->trans_a; q++) piece[q] = j->a[(p + q) * g->lda + i];
            (void)tn_convert(TN_F32, from, TN_BF16, to + p, n, false, TN_ROUND_NEAREST);
        }
        if (g->k % 2) to[g->k] = 0;
    }
}

/* beta * D where there is one; whether there was. */
static bool begin_with(const job *j, int64_t r0, int64_t rows, int64_t n0, int64_t n) {
    const tn_gemm_args *g = j->g;
    for (int64_t i = r0; j->d && i < r0 + rows; i++)
        for (int64_t q = n0; q < n0 + n; q++) j->c[i * g->ldc + q] = g->beta * j->d[i * g->ldd + q];
    return j->d != NULL;
}

static void end_with(const job *j, int64_t r0, int64_t rows, int64_t n0, int64_t n) {
    const tn_gemm_args *g = j->g;
    if (!g->bias_m && !g->bias_n && g->act.kind == TN_ACT_NONE) return;
    float *c = j->c + r0 * g->ldc + n0;
    int64_t tiles = (rows + j->kn->mr - 1) / j->kn->mr;
    tn_gemm_strip s = { .m = rows, .n = n, .tiles = tiles, .t1 = tiles, .a = c, .b = c, .ldb = j->kn->nr, .c = c };
    s.ldc = s.ldd = g->ldc, s.d = c, s.alpha = s.beta = 1, s.act = g->act;
    s.bias_m = g->bias_m ? g->bias_m + r0 : NULL;
    s.bias_n = g->bias_n ? g->bias_n + n0 : NULL;
    j->kn->strip(&s);
}

static void run_units(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    const tn_gemm_args *g = j->g;
    int64_t nr = j->kn->nr;
    (void)thread;
    for (int64_t u = begin; u < end && !tn_budget_stopped(); u++) {
        int64_t panel = u / j->blocks, r0 = u % j->blocks * ROWS, n0 = panel * nr;
        int64_t rows = min64(ROWS, g->m - r0), n = min64(nr, g->n - n0);
        bool add = begin_with(j, r0, rows, n0, n);
        int64_t p = 0;
        do {
            tn_gemm_pairs s = { .m = rows, .n = n, .k = min64(SLICE, j->half - p), .lda = j->half, .ldc = g->ldc };
            s.a = j->pairs + r0 * j->half + p;
            s.b = g->b_pairs + panel * nr * j->half + p * nr;
            s.c = j->c + r0 * g->ldc + n0;
            s.alpha = g->alpha, s.add = add || p > 0;
            j->kn->pairs(&s);
            p += SLICE;
        } while (p < j->half);
        end_with(j, r0, rows, n0, n);
    }
}

size_t tn_gemm_pairs_scratch(const tn_gemm_args *g) { return (size_t)(g->m * half_of(g->k)) * sizeof(uint32_t) + 64; }

tn_status tn_gemm_by_pairs(const tn_gemm_kernels *k, const tn_gemm_args *g, void *scratch, tn_pool *pool) {
    job j = { .kn = k, .g = g, .half = half_of(g->k), .blocks = (g->m + ROWS - 1) / ROWS };
    void *own = scratch ? NULL : tn_mem_alloc(tn_gemm_pairs_scratch(g), TN_MEM_SCRATCH);
    if (!scratch && !own) return tn_fail(TN_E_NOMEM, "no memory for the scratch of a matrix product");
    j.pairs = scratch ? scratch : own;
    int64_t outer = g->batch[0] > 1 ? g->batch[0] : 1, inner = g->batch[1] > 1 ? g->batch[1] : 1;
    bool one = 2.0 * (double)g->m * (double)g->n * (double)g->k < FLOPS_ONE;
    for (int64_t b = 0; b < outer * inner && !tn_budget_stopped(); b++) {
        int64_t b0 = b / inner, b1 = b % inner;
        j.a = g->a + b0 * g->stride_a[0] + b1 * g->stride_a[1];
        j.c = g->c + b0 * g->stride_c[0] + b1 * g->stride_c[1];
        j.d = g->d ? g->d + b0 * g->stride_d[0] + b1 * g->stride_d[1] : NULL;
        tn_parallel(one ? NULL : pool, g->m, 16, round_rows, &j);
        tn_parallel(one ? NULL : pool, (g->n + k->nr - 1) / k->nr * j.blocks, 1, run_units, &j);
    }
    tn_mem_free(own);
    return TN_OK;
}

size_t tn_gemm_pack_b_pairs_bytes(const tn_gemm_kernels *kn, int64_t k, int64_t n) {
    return (size_t)((n + kn->nr - 1) / kn->nr * kn->nr * half_of(k)) * sizeof(uint32_t);
}

void tn_gemm_pack_b_pairs(const tn_gemm_kernels *kn, bool trans, int64_t k, int64_t n, const float *b, int64_t ldb,
                          uint32_t *out, float *panel) {
    int64_t nr = kn->nr;
    for (int64_t j = 0; j < n && k; j += nr) {
        kn->pack_b(trans, k, min64(nr, n - j), b + j * (trans ? ldb : 1), ldb, panel);
        for (int64_t p = 0; p < half_of(k); p++)
            for (int64_t c = 0; c < nr; c++) {
                uint32_t low = tn_f32_to_bf16(panel[2 * p * nr + c]);
                uint32_t high = 2 * p + 1 < k ? tn_f32_to_bf16(panel[(2 * p + 1) * nr + c]) : 0;
                *out++ = low | high << 16;
            }
    }
}
