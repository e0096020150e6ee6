/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv.c - every convolution of known networks under every algorithm: time, GFLOP/s, share of the FMA peak.
 * usage: bench_conv [-t THREADS] [-a] [-q] [NETWORK ...]     -a: every algorithm that fits, not only the first
 *                                                            -q: totals only
 * The peak is measured in the same run, in turn with the kernels, since the clock of a shared machine wanders. A row's
 * time is the best of several with everything in the caches: in a network, weights come from memory. Shares above 100%
 * are multiplications saved: by Winograd's algorithm, and at the borders. */
#include "kernel/conv.h"
#include "base/clock.h"
#include "base/mem.h"
#include "kernel/kernel.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *net;
    int times, ic, oc, group, h, w, kh, kw, sh, sw, ph, pw, dilation, oh, ow;
} shape;

static const shape shapes[] = {
#include "conv_shapes.h"
};

static float *filled(size_t n) {
    float *p = tn_mem_alloc(n * sizeof *p + 64, TN_MEM_GENERAL);
    for (size_t i = 0; i < n; i++) p[i] = (float)((int)(i * 2654435761u >> 20) - 2048) * 1e-4f;
    return p;
}

/* FMA throughput of this moment: the kernels' own tile on operands that never leave L1. */
static double peak(const tn_kernels *k) {
    const tn_conv_kernels *c = &k->conv;
    enum { TAPS = 4, RUNS = 4000 };
    static float *x, *w, y[2 * 14 * 16];
    int p = c->px[1], b = c->block;
    if (!x) x = filled(14 * 16 * TAPS), w = filled(2 * 16 * 16 * TAPS);
    tn_conv_tap taps[TAPS];
    for (int i = 0; i < TAPS; i++) taps[i] = (tn_conv_tap){ .x = i * p * b, .w = i * b * b, .n = b / 4 };
    tn_conv_tile t = {
        .pixels = p, .blocks = 2, .x = x, .w = w, .taps = taps, .ntaps = TAPS, .y = y, .y_block = 14 * 16, .y_pixel = b
    };
    double start = tn_clock_s();
    for (int i = 0; i < RUNS; i++) c->gemm[1][p - 1](&t);
    return 2.0 * RUNS * TAPS * b * b * p * 2 / (tn_clock_s() - start) * 1e-9;
}

static tn_conv_desc desc_of(const shape *s, bool residual) {
    return (tn_conv_desc){ .rank = 2,
                           .n = 1,
                           .ic = s->ic,
                           .oc = s->oc,
                           .group = s->group,
                           .in = { s->h, s->w },
                           .out = { s->oh, s->ow },
                           .kernel = { s->kh, s->kw },
                           .stride = { s->sh, s->sw },
                           .dilation = { s->dilation, s->dilation },
                           .pad = { s->ph, s->pw },
                           .x_layout = s->ic <= 4 ? TN_LAYOUT_PLAIN : TN_LAYOUT_BLOCKED,
                           .y_layout = TN_LAYOUT_BLOCKED,
                           .bias = true,
                           .residual = residual,
                           .act = { .kind = TN_ACT_RELU } };
}

typedef struct {
    double ms, peak;
} timing;

static timing measure(const tn_kernels *k, const tn_conv_desc *d, const tn_conv_algo *a, tn_pool *pool) {
    size_t pad = 16, nx = (size_t)((d->ic + pad) * d->in[0] * d->in[1]),
           ny = (size_t)((d->oc + pad) * d->out[0] * d->out[1]);
    float *x = filled(nx), *y = filled(ny), *bias = filled((size_t)d->oc);
    float *w = filled((size_t)(d->oc * d->ic / d->group * d->kernel[0] * d->kernel[1]));
    float *packed = tn_mem_zalloc(a->packed_bytes(k, d), TN_MEM_WEIGHTS);
    void *scratch = tn_mem_zalloc(a->scratch_bytes(k, d, tn_pool_threads(pool)), TN_MEM_SCRATCH);
    a->pack(k, d, w, bias, packed);
    tn_conv_io io = { .x = x, .w = packed, .y = y, .scratch = scratch };
    timing best = { 1e30, 0 };
    double spent = 0;
    for (int i = 0; i < 40 && (spent < 0.06 || i < 4); i++) {
        double pk = i % 4 == 0 ? peak(k) : 0, start = tn_clock_s();
        a->run(k, d, &io, pool);
        double t = tn_clock_s() - start;
        spent += t;
        if (t * 1e3 < best.ms) best.ms = t * 1e3;
        if (pk > best.peak) best.peak = pk;
    }
    tn_mem_free(x), tn_mem_free(y), tn_mem_free(bias), tn_mem_free(w), tn_mem_free(packed), tn_mem_free(scratch);
    return best;
}

static void print_row(const shape *s, const tn_conv_algo *a, timing t, double flops, int threads) {
    double g = flops / t.ms * 1e-6;
    printf("%-20s x%-2d %4d>%-4d %3dx%-3d k%dx%d s%d g%-4d %-12s %9.4f ms %7.1f GF/s %5.1f%%\n", s->net, s->times,
           s->ic, s->oc, s->h, s->w, s->kh, s->kw, s->sh, s->group, a->name, t.ms, g, 100 * g / (t.peak * threads));
}

int main(int argc, char **argv) {
    int threads = 1, opt;
    bool all = false, quiet = false;
    while ((opt = getopt(argc, argv, "t:aq")) != -1) {
        if (opt == 't') threads = atoi(optarg);
        if (opt == 'a') all = true;
        if (opt == 'q') quiet = true;
    }
    tn_pool *pool = NULL;
    if (threads > 1 && tn_pool_new(threads, true, &pool) != TN_OK) return 1;
    const tn_kernels *k = tn_kernels_get();
    for (size_t i = 0; i < TN_COUNT(shapes);) {
        const char *net = shapes[i].net;
        bool wanted = optind == argc;
        for (int j = optind; j < argc; j++) wanted |= !strcmp(argv[j], net);
        double ms = 0, ideal = 0, flops_all = 0;
        for (; i < TN_COUNT(shapes) && !strcmp(net, shapes[i].net); i++) {
            const shape *s = &shapes[i];
            if (!wanted) continue;
            tn_conv_desc d = desc_of(s, false);
            const tn_conv_algo *list[TN_CONV_ALGOS];
            size_t n = tn_conv_list(k, &d, list, TN_CONV_ALGOS);
            double flops = tn_conv_flops(&d);
            for (size_t j = 0; j < (all ? n : 1); j++) {
                if (j && !strcmp(list[j]->name, "direct")) continue;
                timing t = measure(k, &d, list[j], pool);
                if (!quiet) print_row(s, list[j], t, flops, threads);
                if (j) continue;
                ms += t.ms * s->times, ideal += flops / (t.peak * threads) * 1e-6 * s->times;
                flops_all += flops * s->times;
            }
        }
        if (wanted)
            printf("%-20s total %.3f ms, %.1f GF/s, %.1f%% of peak (%.1f GF/s)\n", net, ms, flops_all / ms * 1e-6,
                   100 * ideal / ms, flops_all / ideal * 1e-6);
    }
    tn_pool_free(&pool);
    return 0;
}
