/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qgemm.c - GOP/s of 8-bit matrix products by shape and instruction set, B packed, int32 results.
 *
 * usage: bench_qgemm [-t THREADS] */
#include "base/clock.h"
#include "base/mem.h"
#include "kernel/kernel.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int shapes[][3] = { { 512, 512, 512 }, { 128, 768, 768 }, { 128, 3072, 768 }, { 128, 768, 3072 },
                                 { 3136, 64, 64 },  { 3136, 96, 384 }, { 49, 768, 3072 },  { 1, 3072, 768 } };

static void measure(const tn_qgemm_kernels *kn, int64_t m, int64_t n, int64_t k, tn_pool *pool) {
    uint8_t *a = tn_mem_zalloc((size_t)(m * k), TN_MEM_GENERAL), *b = tn_mem_zalloc((size_t)(k * n), TN_MEM_GENERAL);
    int32_t *c = tn_mem_zalloc((size_t)(m * n) * sizeof *c, TN_MEM_GENERAL), zero = 7;
    void *packed = tn_mem_alloc(tn_qgemm_pack_b_bytes(kn, k, n), TN_MEM_WEIGHTS);
    tn_qgemm_args g = { .m = m, .n = n, .k = k, .a = a, .b_signed = true, .lda = k, .ldb = n, .ldc = n };
    g.b_packed = packed, g.a_zero = &zero, g.c = c, g.c_type = TN_I32;
    tn_qgemm_pack_b(kn, true, false, k, n, b, n, packed);
    void *scratch = tn_mem_alloc(tn_qgemm_scratch(kn, &g, tn_pool_threads(pool)), TN_MEM_SCRATCH);
    double ops = 2.0 * (double)m * (double)n * (double)k, best = 1e30;
    for (int r = 0; r < 100; r++) {
        uint64_t t = tn_clock_ns();
        (void)tn_qgemm(kn, &g, scratch, pool);
        double s = (double)(tn_clock_ns() - t) * 1e-9;
        if (s < best) best = s;
    }
    printf("%5ld x %5ld x %5ld %9.1f us %8.1f GOP/s\n", (long)m, (long)n, (long)k, best * 1e6, ops / best * 1e-9);
    tn_mem_free(a), tn_mem_free(b), tn_mem_free(c), tn_mem_free(packed), tn_mem_free(scratch);
}

int main(int argc, char **argv) {
    static const char *const variants[] = { "avx512vnni", "avx512", "avx2" };
    static tn_kernels k;
    int threads = argc > 2 && !strcmp(argv[1], "-t") ? atoi(argv[2]) : 1;
    tn_pool *pool = NULL;
    if (threads > 1 && tn_pool_new(threads, true, &pool) != TN_OK) return 2;
    for (size_t v = 0; v < TN_COUNT(variants); v++) {
        int mask = tn_cpu_parse(variants[v]);
        if (mask < 0 || ((unsigned)mask & ~tn_cpu_detected())) continue;
        tn_kernels_fill(&k, (unsigned)mask);
        printf("%s, %d thread%s\n", variants[v], threads, threads > 1 ? "s" : "");
        for (size_t i = 0; i < TN_COUNT(shapes); i++) measure(&k.qgemm, shapes[i][0], shapes[i][1], shapes[i][2], pool);
    }
    tn_pool_free(&pool);
    return 0;
}
