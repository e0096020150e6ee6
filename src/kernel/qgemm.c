/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qgemm.c - the 8-bit matrix product's driver: packs A in blocks that stay in L2, B by the panel where it is not packed
 * yet, and hands strips to the family's kernel with the zero points as terms per row and per column. A task is a block
 * of rows and some of the panels; a thread packs a block once for all of its tasks that follow each other in it. */
#include "kernel/qgemm.h"
#include "base/budget.h"
#include "base/mem.h"

enum { BLOCK_BYTES = 1 << 18, THREAD_OPS = 1 << 20, TASKS = 8 /* of a thread */ };

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

typedef struct job {
    const tn_qgemm_kernels *kn;
    const tn_qgemm_args *g;
    int64_t groups, panels, block; /* rows packed at a time */
    int64_t blocks, parts;         /* of the rows; of the panels */
    int threads;
    size_t row_bytes, panel_bytes, a_bytes;
    size_t share_bytes; /* of a thread: which block it has, packed A, packed panel, four int and a float array */
    char *scratch;
} job;

static void plan(job *j, const tn_qgemm_kernels *kn, const tn_qgemm_args *g, int threads) {
    *j = (job){ .kn = kn, .g = g, .groups = ceil_div(g->k, kn->kr), .panels = ceil_div(g->n, kn->nr) };
    j->row_bytes = (size_t)(j->groups * kn->kr * kn->elem);
    j->panel_bytes = j->row_bytes * (size_t)kn->nr;
    j->block = min64(g->m, max64(BLOCK_BYTES / (int64_t)max64((int64_t)j->row_bytes, 1), 8 * kn->mr));
    double shares = 2.0 * (double)g->m * (double)g->n * (double)g->k / THREAD_OPS;
    j->threads = shares < 2 ? 1 : shares < threads ? (int)shares : threads;
    bool by_rows = j->panels < 2 * j->threads && g->m >= j->threads;
    if (by_rows) j->block = min64(j->block, ceil_div(g->m, j->threads));
    j->blocks = ceil_div(g->m, j->block);
    j->parts = by_rows || j->threads == 1 ? 1 : min64(j->panels, ceil_div(TASKS * j->threads, j->blocks));
    j->a_bytes = tn_align_up(j->row_bytes * (size_t)j->block, 64);
    j->share_bytes = 64 + j->a_bytes + tn_align_up(j->panel_bytes, 64) +
                     tn_align_up((size_t)j->block * 2 * sizeof(int32_t) + (size_t)kn->nr * 4 * sizeof(int32_t), 64);
}

/* A thread's view of its scratch. */
typedef struct share {
    int64_t *held; /* the block whose rows are packed in a; -1: none */
    char *a, *panel;
    int32_t *row_sum, *row_zero; /* [block] */
    int32_t *col_sum, *col_zero; /* [nr] */
    int32_t *raw_sum;            /* [nr]: of a panel packed here */
    float *scale;                /* [nr] */
} share;

static share share_of(const job *j, int64_t index) {
    share s = { .held = (int64_t *)(void *)(j->scratch + (size_t)index * j->share_bytes) };
    s.a = (char *)s.held + 64;
    s.panel = s.a + j->a_bytes;
    s.row_sum = (int32_t *)(void *)(s.panel + tn_align_up(j->panel_bytes, 64));
    s.row_zero = s.row_sum + j->block;
    s.col_sum = s.row_zero + j->block;
    s.col_zero = s.col_sum + j->kn->nr;
    s.raw_sum = s.col_zero + j->kn->nr;
    s.scale = (float *)(s.raw_sum + j->kn->nr);
    return s;
}

/* Panel p times rows [r0, r0 + m), whose packed form is in sh->a. */
static void run_panel(const job *j, const share *sh, int64_t p, int64_t r0, int64_t m) {
    const tn_qgemm_args *g = j->g;
    const tn_qgemm_kernels *kn = j->kn;
    int64_t n0 = p * kn->nr, n = min64(kn->nr, g->n - n0);
    const char *packed = g->b_packed;
    const int32_t *sums = sh->raw_sum;
    if (packed) {
        sums = (const int32_t *)(const void *)(packed + (size_t)j->panels * j->panel_bytes) + n0;
        packed += (size_t)p * j->panel_bytes;
    } else {
        kn->pack_b(g->b_signed, g->trans_b, g->k, n, (const char *)g->b + n0 * (g->trans_b ? g->ldb : 1), g->ldb,
                   sh->panel, sh->raw_sum);
        packed = sh->panel;
    }
    for (int64_t q = 0; q < n; q++) {
        int32_t zero = g->b_zero ? g->b_zero[g->b_zero_cols ? n0 + q : 0] : 0;
        sh->col_zero[q] = zero + (g->b_signed ? 0 : kn->shift_b);
        sh->col_sum[q] = (int32_t)((uint32_t)sums[q] - (uint32_t)g->k * (uint32_t)sh->col_zero[q]);
        if (g->scale) sh->scale[q] = g->scale[g->scale_cols ? n0 + q : 0];
    }
    size_t each = g->c_type == TN_U8 || g->c_type == TN_I8 ? 1 : 4;
    tn_qgemm_strip s = {
        .m = m,
        .n = n,
        .groups = j->groups,
        .a = sh->a,
        .lda = (ptrdiff_t)j->row_bytes,
        .b = packed,
        .row_zero = sh->row_zero,
        .row_sum = sh->row_sum,
        .col_zero = sh->col_zero,
        .col_sum = sh->col_sum,
        .bias = g->bias ? g->bias + n0 : NULL,
        .c = (char *)g->c + (size_t)(r0 * g->ldc + n0) * each,
        .ldc = g->ldc,
        .c_type = g->c_type,
        .scale = sh->scale,
        .c_zero = g->c_zero,
    };
    kn->strip(&s);
}

static void pack_rows(const job *j, const share *sh, int64_t r, int64_t m) {
    const tn_qgemm_args *g = j->g;
    j->kn->pack_a(g->a_signed, m, g->k, (const char *)g->a + r * g->lda, g->lda, sh->a, sh->row_sum);
    for (int64_t q = 0; q < m; q++)
        sh->row_zero[q] = (g->a_zero ? g->a_zero[g->a_zero_rows ? r + q : 0] : 0) + (g->a_signed ? j->kn->shift_a : 0);
}

/* Tasks are numbered block by block. */
static void run_tasks(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    share sh = share_of(j, thread);
    for (int64_t i = begin; i < end; i++) {
        int64_t block = i / j->parts, part = i % j->parts, r = block * j->block, m = min64(j->block, j->g->m - r);
        if (*sh.held != block) pack_rows(j, &sh, r, m), *sh.held = block;
        for (int64_t p = part * j->panels / j->parts; p < (part + 1) * j->panels / j->parts; p++)
            run_panel(j, &sh, p, r, m);
    }
}

size_t tn_qgemm_scratch(const tn_qgemm_kernels *kn, const tn_qgemm_args *g, int threads) {
    job j;
    if (g->m <= 0 || g->n <= 0) return 0;
    plan(&j, kn, g, threads);
    return j.share_bytes * (size_t)j.threads;
}

tn_status tn_qgemm(const tn_qgemm_kernels *kn, const tn_qgemm_args *g, void *scratch, tn_pool *pool) {
    job j;
    void *own = NULL;
    if (g->m <= 0 || g->n <= 0) return TN_OK;
    plan(&j, kn, g, tn_pool_threads(pool));
    if (!scratch) {
        own = scratch = tn_mem_alloc(j.share_bytes * (size_t)j.threads, TN_MEM_SCRATCH);
        if (!own) return tn_fail(TN_E_NOMEM, "scratch for an integer matrix product");
    }
    j.scratch = scratch;
    for (int i = 0; i < j.threads; i++) *share_of(&j, i).held = -1;
    tn_parallel_by(pool, j.threads, j.blocks * j.parts, 1, run_tasks, &j);
    tn_mem_free(own);
    return TN_OK;
}

size_t tn_qgemm_pack_b_bytes(const tn_qgemm_kernels *kn, int64_t k, int64_t n) {
    size_t panels = (size_t)ceil_div(n, kn->nr), row = (size_t)(ceil_div(k, kn->kr) * kn->kr * kn->elem);
    return panels * (size_t)kn->nr * (row + sizeof(int32_t));
}

void tn_qgemm_pack_b(const tn_qgemm_kernels *kn, bool is_signed, bool trans, int64_t k, int64_t n, const void *b,
                     int64_t ldb, void *out) {
    int64_t panels = ceil_div(n, kn->nr);
    tn_ticks ticks = { 0 };
    size_t panel = (size_t)(ceil_div(k, kn->kr) * kn->kr * kn->elem * kn->nr);
    int32_t *sums = (int32_t *)(void *)((char *)out + (size_t)panels * panel);
    for (int64_t p = 0; p < panels && !tn_ticks_stopped(&ticks, (uint64_t)(k * kn->nr)); p++)
        kn->pack_b(is_signed, trans, k, min64(kn->nr, n - p * kn->nr), (const char *)b + p * kn->nr * (trans ? ldb : 1),
                   ldb, (char *)out + (size_t)p * panel, sums + p * kn->nr);
}
