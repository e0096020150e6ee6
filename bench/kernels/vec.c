/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* vec.c - times what is neither GEMM nor convolution: pointwise functions, reductions, normalisations, movement and
 * resampling. Prints nanoseconds per element and GB/s (bytes read and written by the function, not by the caches), for
 * plain C and every instruction set of this machine; best of several runs.
 * usage: bench_vec [WORD]      only rows whose name contains WORD; TN_THREADS sets the threads of the last part */
#include "base/clock.h"
#include "base/mem.h"
#include "base/pool.h"
#include "kernel/broadcast.h"
#include "kernel/kernel.h"
#include "kernel/loop.h"
#include "kernel/move.h"
#include "kernel/norm.h"
#include "kernel/program.h"
#include "kernel/resize.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 4096, BIG = 1 << 22 }; /* in the L1 and L2 caches; in memory */

static const char *word;
static float *x, *y, *z;

typedef void (*work)(const tn_kernels *k, int what, size_t n);

/* The best of many runs, in seconds. */
static double best(work f, const tn_kernels *k, int what, size_t n) {
    double least = 1e9, spent = 0;
    for (int i = 0; i < 3 || (spent < 0.02 && i < 2000); i++) {
        double t = tn_clock_s();
        f(k, what, n);
        t = tn_clock_s() - t;
        spent += t;
        if (t < least) least = t;
    }
    return least;
}

static void unary(const tn_kernels *k, int op, size_t n) {
    for (size_t i = 0; i < n; i += SMALL) k->vec.unary[op](x, y, SMALL, 0.5f, 0.25f);
}
static void binary(const tn_kernels *k, int op, size_t n) {
    for (size_t i = 0; i < n; i += SMALL) k->vec.binary[op][TN_VV](x, z, y, SMALL);
}
static void stream(const tn_kernels *k, int op, size_t n) { k->vec.binary[op][TN_VV](x, z, y, n); }
static void rows(const tn_kernels *k, int what, size_t n) {
    const tn_reduce_kernels *r = &k->reduce;
    static volatile float sink; /* keeps the calls */
    (void)sink;
    for (size_t i = 0; i < n; i += 1024) switch (what) {
        case 0: sink = r->sum(x, 1024); break;
        case 1: sink = r->sumsq(x, 1024, 0.1f); break;
        case 2: sink = r->max(x, 1024); break;
        case 3: sink = (float)r->argmax(x, 1024); break;
        case 4: r->softmax(x, y, 1024); break;
        case 5: r->logsoftmax(x, y, 1024); break;
        default: r->normalize(x, z, z, y, 1024, 0.1f, 1.5f);
        }
}
static void transpose(const tn_kernels *k, int log_bytes, size_t n) {
    int64_t side = 512, e = 1 << log_bytes;
    for (size_t i = 0; i < n; i += (size_t)(side * side))
        k->move.transpose[log_bytes]((const char *)x, side * e, (char *)y, side * e, side, side);
}

static void line(const char *name, work f, int what, size_t n, double bytes_each) {
    static const struct {
        const char *name;
        unsigned cpu;
    } sets[] = { { "ref", 0 }, { "avx2", TN_CPU_AVX2 }, { "avx512", TN_CPU_AVX2 | TN_CPU_AVX512 } };
    if (word && !strstr(name, word)) return;
    printf("%-28s", name);
    for (size_t s = 0; s < TN_COUNT(sets); s++) {
        static tn_kernels k;
        if (sets[s].cpu & ~tn_cpu_detected()) continue;
        tn_kernels_fill(&k, sets[s].cpu);
        double ns = best(f, &k, what, n) / (double)n * 1e9;
        printf("  %-6s %7.3f ns %6.1f GB/s", sets[s].name, ns, bytes_each / ns);
    }
    printf("\n");
}

/* ------------------------------------------------------------------------------------ whole functions, with threads */

static tn_pool *pool;
static tn_program chain;

static void whole(const tn_kernels *k, int what, size_t n) {
    static const int64_t picture[] = { 1, 64, 128, 512 }, rows_of[] = { 4096, 1024 }, token[] = { 16, 256, 1024 };
    static const int nhwc[] = { 0, 2, 3, 1 };
    static const int64_t in[] = { 1, 64, 128, 256 }, twice[] = { 1, 64, 256, 512 };
    static const double scales[] = { 1, 1, 2, 2 };
    tn_operand a = { x, 4, picture }, b = { z, 4, picture }, c = { z, 4, (int64_t[]){ 1, 64, 1, 1 } };
    tn_operand t = { x, 3, token }, last = { z, 1, (int64_t[]){ 1024 } };
    tn_resize_opts o = { .mode = TN_RESIZE_LINEAR, .coord = TN_COORD_HALF_PIXEL };
    tn_program_array p[2] = { { .data = x }, { .data = z } };
    switch (what) {
    case 0: (void)tn_arith_run(TN_A_ADD, TN_F32, &a, &b, 4, picture, y, pool); break;
    case 1: (void)tn_arith_run(TN_A_MUL, TN_F32, &a, &c, 4, picture, y, pool); break;
    case 2: (void)tn_arith_run(TN_A_ADD, TN_F32, &t, &last, 3, token, y, pool); break;
    case 3: (void)tn_softmax_run(TN_SOFTMAX, TN_F32, 4096, 1024, 1, x, y, pool); break;
    case 4: tn_layer_norm_run(4096, 1024, x, z, z, 1e-5f, y, NULL, NULL, pool); break;
    case 5: (void)tn_reduce_run(TN_R_MEAN, TN_F32, 2, rows_of, 2, x, y, pool); break;
    case 6: (void)tn_reduce_run(TN_R_MEAN, TN_F32, 2, rows_of, 1, x, y, pool); break;
    case 7: tn_transpose_run(4, 4, picture, nhwc, x, y, pool); break;
    case 8:
        o.mode = TN_RESIZE_NEAREST, o.coord = TN_COORD_ASYMMETRIC, o.nearest = TN_NEAREST_FLOOR;
        (void)tn_resize_run(&o, TN_F32, 4, in, twice, scales, NULL, x, y, pool);
        break;
    case 9: (void)tn_resize_run(&o, TN_F32, 4, in, twice, scales, NULL, x, y, pool); break;
    case 10:
        tn_broadcast_strides(4, picture, 4, picture, p[0].stride);
        tn_broadcast_strides(4, picture, 4, c.dims, p[1].stride);
        tn_program_run(&chain, 4, picture, p, (void *[]){ y }, pool);
        break;
    default: tn_group_norm_run(1, 64, 64, 65536, x, z, z, 1e-5f, y, pool);
    }
}

static void whole_line(const char *name, int what, double bytes_each) {
    if (word && !strstr(name, word)) return;
    double s = best(whole, NULL, what, 0);
    printf("%-44s %8.3f ms %7.3f ns %6.1f GB/s\n", name, s * 1e3, s / BIG * 1e9, bytes_each * BIG / s * 1e-9);
}

int main(int argc, char **argv) {
    word = argc > 1 ? argv[1] : NULL;
    size_t bytes = (size_t)BIG * 8 + 64;
    x = tn_mem_alloc(bytes, TN_MEM_GENERAL), y = tn_mem_alloc(bytes, TN_MEM_GENERAL);
    z = tn_mem_alloc(bytes, TN_MEM_GENERAL);
    if (!x || !y || !z) return 1;
    for (size_t i = 0; i < bytes / 4; i++)
        x[i] = (float)(i * 2654435761u % 2000) * 1e-3f - 0.9f, z[i] = 1.5f - x[i], y[i] = 0;
    printf("pointwise, %d elements in cache\n", SMALL);
    for (int op = 0; op < TN_UNARY_COUNT; op++) line(tn_unary_names[op], unary, op, 16 * SMALL, 8);
    for (int op = 0; op < TN_BINARY_COUNT; op++) line(tn_binary_names[op], binary, op, 16 * SMALL, 12);
    line("add, from memory", stream, TN_B_ADD, BIG, 12);
    static const char *const row_names[] = { "row sum",     "row sumsq",      "row max",      "row argmax",
                                             "row softmax", "row logsoftmax", "row normalize" };
    for (int i = 0; i < (int)TN_COUNT(row_names); i++) line(row_names[i], rows, i, 64 * 1024, i < 4 ? 4 : 8);
    for (int i = 0; i < 5; i++) {
        char name[40];
        snprintf(name, sizeof name, "transpose 512x512, %d bytes", 1 << i);
        line(name, transpose, i, 512 * 512, 2 << i);
    }
    if (tn_pool_new(0, true, &pool) != TN_OK) return 1;
    int a = tn_program_input(&chain, TN_PROGRAM_F32), b = tn_program_input(&chain, TN_PROGRAM_F32);
    int s = tn_program_add(&chain, TN_P_BINARY, TN_B_ADD, a, b, 0, 0, 0);
    int g = tn_program_add(&chain, TN_P_UNARY, TN_U_SIGMOID, s, 0, 0, 0, 0);
    tn_program_output(&chain, tn_program_add(&chain, TN_P_BINARY, TN_B_MUL, s, g, 0, 0, 0));
    if (tn_program_finish(&chain) != TN_OK) return 1;
    printf("whole functions, %d elements in memory, %d threads\n", BIG, tn_pool_threads(pool));
    static const struct {
        const char *name;
        double bytes;
    } wholes[] = { { "add [1,64,128,512]", 12 },
                   { "mul by [1,64,1,1]", 8 },
                   { "add [16,256,1024] + [1024]", 8 },
                   { "softmax [4096,1024]", 8 },
                   { "layer norm [4096,1024]", 8 },
                   { "mean of rows [4096,1024]", 4 },
                   { "mean of columns [4096,1024]", 4 },
                   { "NCHW to NHWC [1,64,128,512]", 8 },
                   { "resize nearest x2 to [1,64,256,512]", 10 },
                   { "resize linear x2 to [1,64,256,512]", 10 },
                   { "program (x+b) sigmoid(x+b), b [1,64,1,1]", 8 },
                   { "instance norm [1,64,65536]", 8 } };
    for (int i = 0; i < (int)TN_COUNT(wholes); i++) whole_line(wholes[i].name, i, wholes[i].bytes);
    tn_pool_free(&pool);
    tn_mem_free(x), tn_mem_free(y), tn_mem_free(z);
    return 0;
}
