/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* coded.c - products with weights in blocks beside the same product with packed float32 weights, by encoding.
 *
 * usage: bench_coded [-t THREADS] [-v VARIANT] [-m ROWS] [-n COLUMNS] [-k DEPTH] [ENCODING]...
 * Float32, exact and rounded products take turns; the least time of many rounds counts, and one thread is timed by its
 * own CPU time, so that a busy machine disturbs all alike. Without -m: 1, 4, 12, 32 and 128 rows. */
#include "base/clock.h"
#include "kernel/kernel.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool own_time;

static double now(void) {
    struct timespec t;
    if (!own_time || clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t)) return (double)tn_clock_ns() * 1e-9;
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *memory(size_t bytes) {
    uint8_t *p = tn_mem_alloc(bytes, TN_MEM_GENERAL);
    if (!p) exit(2);
    for (size_t i = 0; i < bytes; i++) p[i] = (uint8_t)(i * 2654435761u >> 13);
    return p;
}

static float *floats(size_t n) {
    float *p = memory(n * sizeof *p);
    for (size_t i = 0; i < n; i++) p[i] = (float)(i * 2654435761u % 1000) * 0.002f - 1.0f;
    return p;
}

typedef struct {
    const tn_kernels *k;
    tn_pool *pool;
    tn_gemm_args g;
    tn_coded_b b;
    float *packed;
    void *scratch;
} setup;

/* Codes of any bits, scales of ordinary size: 0x2c at every other byte is a half of about 0.06. */
static tn_coded weights_of(const tn_encoding *e, int64_t n, int64_t k) {
    tn_coded w = { .as = e, .rows = n, .columns = k, .block = e->block ? e->block : 32 };
    w.blocks = k / w.block;
    int64_t row = e->block ? w.blocks * e->bytes : k / 8 * (e->bits ? e->bits : 4);
    uint8_t *q = memory((size_t)(n * row));
    w.code = (tn_part){ q, row, TN_U8 };
    if (!e->block) w.scale = (tn_part){ floats((size_t)(n * w.blocks)), w.blocks * 4, TN_F32 };
    for (int64_t i = 0; e->block && i < n * row; i += 2) q[i + 1] = 0x2c;
    return w;
}

enum { FLOAT32, EXACT, ROUNDED, WAYS };

static void once(const setup *s, int way) {
    tn_gemm_args g = s->g;
    tn_coded_b b = s->b;
    b.rounded = way == ROUNDED;
    g.b_packed = way == FLOAT32 ? s->packed : NULL;
    tn_status st =
        way == FLOAT32 ? tn_gemm(&s->k->gemm, &g, NULL, s->pool) : tn_coded_gemm(s->k, &g, &b, s->scratch, s->pool);
    if (st != TN_OK) exit(2);
}

static void measure(const setup *s, const char *name, double bits) {
    double best[WAYS] = { 1e9, 1e9, 1e9 }, work = (double)s->g.m * (double)s->g.n * (double)s->g.k;
    int rounds = work > 1e9 ? 8 : 25;
    for (int r = 0; r < rounds; r++)
        for (int way = 0; way < WAYS; way++) {
            double t = now();
            once(s, way);
            t = now() - t;
            if (t < best[way]) best[way] = t;
        }
    printf("%-8s %5.2f bits, %4d rows: float32 %8.3f ms %6.1f GMAC/s, exact %8.3f ms (%4.2f x), rounded %8.3f ms "
           "(%4.2f x)\n",
           name, bits, (int)s->g.m, best[FLOAT32] * 1e3, work / best[FLOAT32] * 1e-9, best[EXACT] * 1e3,
           best[FLOAT32] / best[EXACT], best[ROUNDED] * 1e3, best[FLOAT32] / best[ROUNDED]);
    fflush(stdout);
}

static void each_rows(setup *s, int rows, const char *name, double bits) {
    static const int many[] = { 1, 4, 12, 32, 128 };
    for (size_t i = 0; i < TN_COUNT(many); i++) {
        if (rows && i) continue;
        s->g.m = rows ? rows : many[i];
        size_t exact = (s->b.rounded = false, tn_coded_scratch(s->k, &s->g, &s->b, tn_pool_threads(s->pool)));
        size_t rounded = (s->b.rounded = true, tn_coded_scratch(s->k, &s->g, &s->b, tn_pool_threads(s->pool)));
        s->scratch = memory(exact > rounded ? exact : rounded);
        measure(s, name, bits);
        tn_mem_free(s->scratch);
    }
}

int main(int argc, char **argv) {
    int threads = 1, rows = 0, named = 0;
    int64_t n = 4096, k = 4096;
    const char *variant = "native", *names[64];
    static const char *const usual[] = { "U4",   "U8",   "U2",   "Q4_0", "Q8_0",   "Q4_K",
                                         "Q5_K", "Q6_K", "Q3_K", "Q2_K", "IQ4_XS", "MXFP4" };
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (!strcmp(argv[i], "-t") && more)
            threads = atoi(argv[++i]);
        else if (!strcmp(argv[i], "-v") && more)
            variant = argv[++i];
        else if (!strcmp(argv[i], "-m") && more)
            rows = atoi(argv[++i]);
        else if (!strcmp(argv[i], "-n") && more)
            n = atoi(argv[++i]);
        else if (!strcmp(argv[i], "-k") && more)
            k = atoi(argv[++i]) / 256 * 256;
        else if (named < (int)TN_COUNT(names))
            names[named++] = argv[i];
    }
    static tn_kernels kn;
    setup s = { .k = &kn };
    int mask = tn_cpu_parse(variant);
    if (mask < 0 || n < 1 || k < 256 || rows < 0) return 2;
    if (threads > 1 && tn_pool_new(threads, true, &s.pool) != TN_OK) return 2;
    own_time = threads == 1;
    tn_kernels_fill(&kn, (unsigned)mask & tn_cpu_detected());
    printf("%s, %s, %d thread%s, weights [%d, %d]\n", tn_cpu_model(), variant, threads, threads > 1 ? "s" : "", (int)n,
           (int)k);
    float *w = floats((size_t)(n * k)), *a = floats((size_t)((rows > 128 ? rows : 128) * k)),
          *c = floats((size_t)((rows > 128 ? rows : 128) * n));
    s.packed = memory(tn_gemm_pack_b_bytes(&kn.gemm, k, n));
    tn_gemm_pack_b(&kn.gemm, true, k, n, w, k, s.packed, s.pool);
    tn_mem_free(w);
    for (int i = 0; i < (named ? named : (int)TN_COUNT(usual)); i++) {
        const tn_encoding *e = tn_encoding_named(named ? names[i] : usual[i]);
        if (!e || (e->block && !e->split)) return 2;
        s.b = (tn_coded_b){ weights_of(e, n, k), true };
        s.g = tn_gemm_dense(1, n, k, a, NULL, c);
        each_rows(&s, rows, e->name, tn_encoding_bits(e) + (e->block ? 0 : 1));
        tn_mem_free((void *)(uintptr_t)s.b.weights.code.at);
        tn_mem_free((void *)(uintptr_t)s.b.weights.scale.at);
    }
    tn_mem_free(a), tn_mem_free(c), tn_mem_free(s.packed);
    tn_pool_free(&s.pool);
    return 0;
}
