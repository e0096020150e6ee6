/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gemm.c - GFLOP/s of matrix products, by shape and instruction set, beside what the core can do at best.
 *
 * usage: bench_gemm [-t THREADS] [-v VARIANT] [WORD]     only shapes whose note contains WORD
 * One thread is timed by its own CPU time, so that a busy machine only disturbs through the caches. The peak is a loop
 * of independent multiply-adds, measured anew before every shape (the machine may be shared); the best of many runs
 * counts on both sides. Rows that wait for memory have their GB/s to be judged by. */
#include "base/clock.h"
#include "base/mem.h"
#include "kernel/kernel.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PACKED, PLAIN, TRANS }; /* B: packed beforehand, [k, n] as it lies, [n, k] as it lies */

static const struct {
    int m, n, k, batch, b;
    tn_act act;
    const char *note;
} shapes[] = {
    { 512, 512, 512, 1, PACKED, 0, "square" },
    { 512, 512, 512, 1, PLAIN, 0, "square, B dynamic" },
    { 512, 512, 512, 1, TRANS, 0, "square, B transposed" },
    { 1024, 1024, 1024, 1, PACKED, 0, "square" },
    { 128, 768, 768, 1, PACKED, 0, "bert projection" },
    { 128, 3072, 768, 1, PACKED, TN_ACT_GELU_ERF, "bert up, gelu" },
    { 128, 3072, 768, 1, PACKED, 0, "bert up" },
    { 128, 768, 3072, 1, PACKED, 0, "bert down" },
    { 197, 3072, 768, 1, PACKED, 0, "vit up" },
    { 197, 768, 3072, 1, PACKED, 0, "vit down" },
    { 197, 2304, 768, 1, PACKED, 0, "vit qkv" },
    { 128, 128, 64, 12, PLAIN, 0, "attention q k" },
    { 128, 128, 64, 12, TRANS, 0, "attention q k, K transposed" },
    { 128, 64, 128, 12, PLAIN, 0, "attention p v" },
    { 197, 197, 64, 12, TRANS, 0, "vit attention q k" },
    { 197, 64, 197, 12, PLAIN, 0, "vit attention p v" },
    { 49, 49, 32, 192, TRANS, 0, "swin attention q k" },
    { 49, 32, 49, 192, PLAIN, 0, "swin attention p v" },
    { 3136, 96, 96, 1, PACKED, 0, "swin stage 1" },
    { 3136, 384, 96, 1, PACKED, 0, "swin, convnext stage 1 up" },
    { 3136, 96, 384, 1, PACKED, 0, "swin, convnext stage 1 down" },
    { 784, 768, 192, 1, PACKED, 0, "stage 2 up" },
    { 784, 192, 768, 1, PACKED, 0, "stage 2 down" },
    { 49, 768, 3072, 1, PACKED, 0, "stage 4 down" },
    { 49, 3072, 768, 1, PACKED, 0, "stage 4 up" },
    { 3136, 64, 16, 1, PACKED, TN_ACT_HARDSWISH, "mobilenet 1x1" },
    { 784, 72, 24, 1, PACKED, TN_ACT_RELU, "mobilenet 1x1" },
    { 196, 240, 40, 1, PACKED, TN_ACT_HARDSWISH, "mobilenet 1x1" },
    { 49, 960, 160, 1, PACKED, TN_ACT_HARDSWISH, "mobilenet 1x1" },
    { 40, 6625, 120, 1, PACKED, 0, "ocr head" },
    { 40, 6625, 120, 1, PLAIN, 0, "ocr head, B as it lies" },
    { 4, 768, 768, 1, PACKED, 0, "few rows" },
    { 1, 3072, 768, 1, PACKED, 0, "row, packed" },
    { 1, 3072, 768, 1, PLAIN, 0, "row" },
    { 1, 3072, 768, 1, TRANS, 0, "row" },
    { 1, 16384, 4096, 1, PACKED, 0, "row, packed, from memory" },
    { 1, 16384, 4096, 1, PLAIN, 0, "row, from memory" },
    { 1, 16384, 4096, 1, TRANS, 0, "row, from memory" },
    { 3072, 1, 768, 1, PLAIN, 0, "column" },
    { 1, 128, 64, 12, TRANS, 0, "decode q k" },
};

#if defined(__x86_64__)
/* Twelve chains keep two units of four cycles' latency busy; asm, since nothing may be folded or spilled. */
#define TWELVE(X) \
    X(0)          \
    X(1)          \
    X(2)          \
    X(3)          \
    X(4)          \
    X(5)          \
    X(6)          \
    X(7)          \
    X(8)          \
    X(9)          \
    X(10)         \
    X(11)
#define ZERO(i)    "vxorps %%xmm" #i ", %%xmm" #i ", %%xmm" #i "\n\t"
#define FMA_Y(i)   "vfmadd231ps %%ymm12, %%ymm12, %%ymm" #i "\n\t"
#define FMA_Z(i)   "vfmadd231ps %%zmm12, %%zmm12, %%zmm" #i "\n\t"
#define CLOBBER(i) "xmm" #i,
#define PEAK(name, fma, lanes)                                                                       \
    static double name(void) {                                                                       \
        long n = 100000, left = n;                                                                   \
        uint64_t t = tn_clock_ns();                                                                  \
        __asm__ volatile(TWELVE(ZERO) ZERO(12) "1:\n\t" TWELVE(fma) "dec %0\n\tjnz 1b\n\tvzeroupper" \
                         : "+r"(left)                                                                \
                         :                                                                           \
                         : "cc", TWELVE(CLOBBER) "xmm12");                                           \
        return 12.0 * 2.0 * lanes * (double)n / (double)(tn_clock_ns() - t);                         \
    }
PEAK(peak_avx2, FMA_Y, 8)
PEAK(peak_avx512, FMA_Z, 16)
#endif

/* GFLOP/s of one core; 0 when there is no telling. */
static double peak(unsigned cpu) {
    double best = 0;
    for (int i = 0; i < 5; i++) {
        double g = 0;
#if defined(__x86_64__)
        g = cpu & TN_CPU_AVX512 ? peak_avx512() : cpu & TN_CPU_AVX2 ? peak_avx2() : 0;
#endif
        if (g > best) best = g;
    }
    return best;
}

static bool own_time;

static uint64_t now(void) {
    struct timespec t;
    if (!own_time || clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t)) return tn_clock_ns();
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static float *floats(size_t n) {
    float *p = tn_mem_alloc(n * sizeof *p, TN_MEM_GENERAL);
    if (!p) exit(2);
    for (size_t i = 0; i < n; i++) p[i] = (float)(i * 2654435761u % 1000) * 0.002f - 1.0f;
    return p;
}

static void measure(const tn_kernels *k, size_t which, tn_pool *pool) {
    int64_t m = shapes[which].m, n = shapes[which].n, kk = shapes[which].k, batch = shapes[which].batch;
    int how = shapes[which].b, threads = tn_pool_threads(pool);
    float *a = floats((size_t)(m * kk * batch)), *b = floats((size_t)(kk * n * batch)),
          *c = floats((size_t)(m * n * batch));
    float *bias = floats((size_t)n), *packed = NULL;
    tn_gemm_args g = tn_gemm_dense(m, n, kk, a, b, c);
    g.batch[1] = batch;
    g.stride_a[1] = m * kk, g.stride_b[1] = kk * n, g.stride_c[1] = m * n;
    g.act = (tn_activation){ shapes[which].act };
    if (how == TRANS) g.trans_b = true, g.ldb = kk;
    if (how == PACKED) {
        g.bias_n = bias;
        packed = floats(tn_gemm_pack_b_bytes(&k->gemm, kk, n) / sizeof(float));
        tn_gemm_pack_b(&k->gemm, false, kk, n, b, n, packed, pool);
        g.b_packed = packed, g.b = NULL;
    }
    void *scratch = tn_mem_alloc(tn_gemm_scratch(&k->gemm, &g, threads), TN_MEM_SCRATCH);
    double flops = 2.0 * (double)m * (double)n * (double)kk * (double)batch, best = 1e30, top = peak(k->cpu);
    int inner = flops < 1e6 ? (int)(1e6 / flops) + 1 : 1, rounds = flops < 5e7 ? 300 : 40;
    for (int r = 0; r < rounds; r++) {
        uint64_t t = now();
        for (int i = 0; i < inner; i++) (void)tn_gemm(&k->gemm, &g, scratch, pool);
        double s = (double)(now() - t) * 1e-9 / inner;
        if (s < best) best = s;
    }
    double again = peak(k->cpu), bytes = (double)(kk * n * batch + m * kk * batch + 2 * m * n * batch) * 4;
    if (again > top) top = again;
    top *= threads;
    printf("%5ld x %5ld x %5ld x %-4ld %9.1f us %8.1f GFLOP/s", (long)m, (long)n, (long)kk, (long)batch, best * 1e6,
           flops / best * 1e-9);
    if (top > 0) printf(" %5.1f %%", flops / best * 1e-9 / top * 100);
    printf(" %7.1f GB/s  %s\n", bytes / best * 1e-9, shapes[which].note);
    fflush(stdout);
    tn_mem_free(a), tn_mem_free(b), tn_mem_free(c), tn_mem_free(bias), tn_mem_free(packed), tn_mem_free(scratch);
}

int main(int argc, char **argv) {
    int threads = 1;
    const char *only = NULL, *word = "";
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-t") && i + 1 < argc)
            threads = atoi(argv[++i]);
        else if (!strcmp(argv[i], "-v") && i + 1 < argc)
            only = argv[++i];
        else
            word = argv[i];
    }
    static const char *const variants[] = { "avx512", "avx2", "ref" };
    static tn_kernels k;
    tn_pool *pool = NULL;
    if (threads > 1 && tn_pool_new(threads, true, &pool) != TN_OK) return 2;
    own_time = threads == 1;
    for (size_t v = 0; v < TN_COUNT(variants); v++) {
        int mask = tn_cpu_parse(variants[v]);
        if (mask < 0 || ((unsigned)mask & ~tn_cpu_detected()) || (only ? strcmp(only, variants[v]) != 0 : v == 2))
            continue;
        tn_kernels_fill(&k, (unsigned)mask);
        printf("%s, %d thread%s, peak of one core %.1f GFLOP/s\n", variants[v], threads, threads > 1 ? "s" : "",
               peak((unsigned)mask));
        for (size_t i = 0; i < TN_COUNT(shapes); i++)
            if (strstr(shapes[i].note, word)) measure(&k, i, pool);
    }
    tn_pool_free(&pool);
    return 0;
}
