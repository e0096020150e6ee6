/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pool_pieces.c - see pool_pieces.h. */
#include "op/nn/pool_pieces.h"
#include "base/budget.h"

typedef struct {
    const tn_pool_pieces *p;
    const char *x;
    char *y, *memory;
    int64_t groups; /* of channels, per image */
} job;

static size_t floats_bytes(int64_t n) { return tn_align_up((size_t)n * sizeof(float) + 64, 64); }

static size_t thread_bytes(const tn_pool_pieces *p) {
    return floats_bytes(p->together * p->in) + floats_bytes(p->together * p->out) + tn_align_up(p->scratch, 64);
}

size_t tn_pool_pieces_bytes(const tn_pool_pieces *p, int threads) { return thread_bytes(p) * (size_t)threads; }

static void some(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    const tn_pool_pieces *p = j->p;
    int64_t bytes = tn_dtypes[p->type].bytes;
    float *x = (float *)(void *)(j->memory + (size_t)thread * thread_bytes(p));
    float *y = (float *)(void *)((char *)x + floats_bytes(p->together * p->in));
    void *scratch = (char *)y + floats_bytes(p->together * p->out);
    for (int64_t i = begin; i < end && !tn_budget_stopped(); i++) {
        int64_t first = i % j->groups * p->together, left = p->channels - first,
                at = i / j->groups * p->channels + first;
        int64_t channels = left < p->together ? left : p->together;
        (void)tn_convert(p->type, j->x + at * p->in * bytes, TN_F32, x, channels * p->in, true, TN_ROUND_NEAREST);
        p->pool(p, channels, x, y, scratch);
        (void)tn_convert(TN_F32, y, p->type, j->y + at * p->out * bytes, channels * p->out, true, TN_ROUND_NEAREST);
    }
}

void tn_pool_pieces_run(const tn_pool_pieces *p, const void *x, void *y, void *memory, tn_pool *pool) {
    job j = { p, x, y, memory, (p->channels + p->together - 1) / p->together };
    int64_t each = 1 + p->together * (p->in + p->out);
    tn_parallel(pool, p->images * j.groups, 1 + 16384 / each, some, &j);
}
