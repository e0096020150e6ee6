/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gemm.c - the f32 matrix product's driver: cuts the work into cells for the threads, blocks a cell for the caches,
 * packs B where that pays. The arithmetic is in the family's kernels (gemm.h).
 *
 * A cell is a rectangle of C, in whole tiles and panels, of one product of the batch. Inside it:
 *     for each chunk of panels (only where B is packed here: the packed chunk fits the thread's scratch)
 *       for each block of rows whose slice of A stays in L2
 *         for each slice of K
 *           for each panel: one strip
 * A is read where it lies: the kernels broadcast its elements, and 14 rows read side by side stream from L2 as fast as
 * packed ones do (measured: within 1 %). Only where the rows lie a multiple of 4 KiB apart, and so fall into the same
 * set of L1, a block is copied to a better stride (8 % faster at K = 3072, the copy included). */
#include "kernel/gemm.h"
#include "base/budget.h"
#include "base/cpu.h"
#include "base/mem.h"
#include "kernel/empty.h"
#include "kernel/gemm_pairs.h"
#include "tensor/dtype.h"
#include <string.h>

enum {
    PACK_CHUNK = 1 << 18,   /* floats of B a thread packs at a time: 1 MiB */
    THREAD_FLOPS = 1 << 19, /* less than this is not worth a thread: about 2 us */
    LONG_ROWS = 4096,       /* of a panel packed at a time */
    CELLS = 8,              /* of a thread: others can take over what it has not begun */
    CELL_PANELS = 4,        /* no cell is narrower, so that A is read in long strips; */
    COPY_PANELS = 16,       /* nor than this where each copies A */
    HALF_ROWS = 64,  /* of so many 16-bit panels, and so many rows of them, become float32 at a time for one row */
    HALF_PANELS = 4, /* of A: 16 KiB with panels of 16 columns, which stay in L1 */
    DOT_ROWS = 4,    /* up to so many rows a transposed B is read in place, row by row */
};

/* The shape of the work, the same for all products of the batch. */
typedef struct job {
    const tn_gemm_kernels *kn;
    tn_gemm_args g;
    int64_t batch, tiles, panels, tm, tn; /* tm x tn cells per product */
    int64_t kc, block_tiles;              /* K per slice; tiles per block of rows */
    int64_t chunk;                        /* panels packed at a time; 0: B is used as it lies */
    int64_t copy_ld;                      /* row stride of A's copy; 0: none */
    size_t copy_at;                       /* where in the scratch it lies */
    int threads;
    bool gemv;             /* row by row through the family's gemv */
    size_t scratch_floats; /* per thread */
    float *scratch;
} job;

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* C^T = B^T A^T turns a column vector into a row vector; C's and D's elements must be contiguous for it. */
static void turn_column(tn_gemm_args *g, int nr) {
    bool dense = g->ldc == 1 && (!g->d || g->ldd == 1);
    if (g->n != 1 || g->m == 1 || !dense || g->a_packed || g->b_half) return;
    tn_gemm_args t = *g;
    t.m = 1, t.n = g->m;
    t.a = g->b_packed ? g->b_packed : g->b;
    t.lda = g->b_packed ? nr : g->ldb;
    t.trans_a = g->b_packed || !g->trans_b;
    t.b = g->a, t.ldb = g->lda, t.trans_b = !g->trans_a;
    t.b_packed = NULL; /* it is A now, a column of it */
    t.bias_m = g->bias_n, t.bias_n = g->bias_m;
    memcpy(t.stride_a, g->stride_b, sizeof t.stride_a);
    memcpy(t.stride_b, g->stride_a, sizeof t.stride_b);
    *g = t;
}

/* Packing costs about 3 cycles per row of a panel (twice that when transposing), a tile costs 14: it pays when several
 * tiles share the panel, or where B's rows are so far apart that each is a page. 16-bit panels are always made anew. */
static bool wants_pack(const job *j) {
    const tn_gemm_args *g = &j->g;
    if (g->b_half) return g->k > 0 && !j->gemv;
    if (g->b_packed || j->gemv || g->k == 0) return false;
    return g->trans_b || (j->tiles > 3 && g->k * g->ldb > (int64_t)(tn_cpu_cache(1) / sizeof(float)));
}

/* Copying costs about 1/4 cycle per element of A, its use one cycle per panel. */
static bool wants_copy(const job *j) {
    const tn_gemm_args *g = &j->g;
    return !g->a_packed && !g->trans_a && !j->gemv && g->m > 4 && g->lda % 1024 == 0 && j->panels >= 8;
}

/* How many cells: the grid whose busiest thread has least to do, reading A and B counted in. */
static void choose_grid(job *j, int threads) {
    int64_t nt = threads, parts = 1, best = INT64_MAX;
    if (j->batch % nt != 0 && j->batch < 4 * nt) {
        int64_t a = j->batch, b = nt;
        while (b) {
            int64_t r = a % b;
            a = b, b = r;
        }
        parts = nt / a;
    }
    j->tm = j->tn = 1;
    for (int64_t tn = 1; tn <= min64(parts, j->panels); tn++) {
        int64_t tm = min64(parts / tn, j->gemv ? 1 : j->tiles);
        int64_t rows = ceil_div(j->tiles, tm) * j->kn->mr, cols = ceil_div(j->panels, tn) * j->kn->nr;
        int64_t cost = ceil_div(j->batch * tm * tn, nt) * (rows * cols + 8 * (rows + cols * (j->chunk ? 3 : 1)));
        if (cost < best) best = cost, j->tm = tm, j->tn = tn;
    }
}

/* Cuts the cells of a thread into smaller ones, along columns, or along rows where those are cut already. A thread that
 * takes neighbours joins them again (run_cells). */
static void refine_grid(job *j) {
    int64_t each = j->batch * j->tm * j->tn / j->threads, times = CELLS / max64(each, 1);
    if (j->threads < 2 || times < 2) return;
    if (j->tm == 1)
        j->tn *= max64(min64(times, j->panels / j->tn / (wants_copy(j) ? COPY_PANELS : CELL_PANELS)), 1);
    else if (j->tn == 1)
        j->tm *= min64(times, max64(j->tiles / j->tm, 1));
}

static void plan(job *j, const tn_gemm_kernels *kn, const tn_gemm_args *g, int threads) {
    *j = (job){ .kn = kn, .g = *g };
    turn_column(&j->g, kn->nr);
    g = &j->g;
    j->batch = max64(g->batch[0], 1) * max64(g->batch[1], 1);
    j->gemv = !g->a_packed && (g->m == 1 || (!g->b_packed && !g->b_half && g->trans_b && g->m <= DOT_ROWS));
    j->tiles = ceil_div(g->m, kn->mr);
    j->panels = ceil_div(g->n, kn->nr);

    int64_t l2 = (int64_t)(tn_cpu_cache(2) / sizeof(float)); /* in floats */
    int64_t kc = min64(max64(l2 / (10 * kn->nr), 256), 768);
    int64_t slices = max64(ceil_div(g->k, kc), 1);
    j->kc = (ceil_div(g->k, slices) + 3) / 4 * 4;
    int64_t fit = max64(l2 * 5 / 8 / (max64(j->kc, 16) * kn->mr), 1);
    j->block_tiles = ceil_div(j->tiles, ceil_div(j->tiles, fit));
    if (wants_pack(j)) j->chunk = min64(max64(PACK_CHUNK / (g->k * kn->nr), 1), j->panels);

    double flops = 2.0 * (double)g->m * (double)g->n * (double)g->k * (double)j->batch * (j->gemv ? 8 : 1);
    double useful = flops / THREAD_FLOPS;
    j->threads = useful < 2 ? 1 : useful < threads ? (int)useful : threads;
    choose_grid(j, j->threads);
    refine_grid(j);

    size_t floats = 0;
    if (j->chunk) floats = (size_t)(j->chunk * g->k * kn->nr);
    if (j->gemv && !g->b_packed && !g->b_half && g->trans_a && g->trans_b) floats = (size_t)g->k; /* a row of A */
    if (wants_copy(j)) {
        j->copy_ld = (j->kc + 15) / 16 * 16 + 16;
        j->copy_at = tn_align_up(floats, 16);
        floats = j->copy_at + (size_t)(j->copy_ld * j->block_tiles * kn->mr);
    }
    j->scratch_floats = tn_align_up(floats, 16);
}

/* ------------------------------------------------------------------------------------------ one cell of one product */

typedef struct cell {
    const float *a, *b, *d;
    float *c;
    int64_t t0, t1, p0, p1;
} cell;

/* Points s->a and its strides at columns [k0, k0 + s->k) of A, for the strip's tiles; copies them first where wanted.
 */
static void place_a(const job *j, const cell *x, tn_gemm_strip *s, int64_t k0, float *scratch) {
    const tn_gemm_args *g = &j->g;
    s->a = x->a + k0 * s->cs_a;
    if (!j->copy_ld) return;
    int64_t r0 = s->t0 * s->m / s->tiles, r1 = s->t1 * s->m / s->tiles;
    float *copy = scratch + j->copy_at;
    for (int64_t r = r0; r < r1; r++)
        memcpy(copy + (r - r0) * j->copy_ld, s->a + r * g->lda, (size_t)s->k * sizeof *copy);
    s->a = copy - r0 * j->copy_ld; /* row 0, were it there */
    s->rs_a = j->copy_ld;
}

/* Panels [p0, p1) of a cell. b: packed panels from p0 on when packed, else B's element (0, 0). */
static void multiply(const job *j, const cell *x, int64_t p0, int64_t p1, const float *b, bool packed, float *scratch) {
    const tn_gemm_args *g = &j->g;
    int nr = j->kn->nr, mr = j->kn->mr;
    tn_gemm_strip s = { .m = g->m, .tiles = j->tiles, .ldc = g->ldc, .alpha = g->alpha, .bias_m = NULL };
    s.rs_a = g->a_packed ? 1 : g->trans_a ? 1 : g->lda;
    s.cs_a = g->a_packed ? mr : g->trans_a ? g->lda : 1;
    s.ts_a = g->a_packed ? g->k * mr : 0;
    s.ldb = packed ? nr : g->ldb;
    tn_ticks ticks = { 0 };
    for (int64_t t = x->t0; t < x->t1 && !tn_budget_stopped(); t += j->block_tiles) {
        s.t0 = t, s.t1 = min64(t + j->block_tiles, x->t1);
        int64_t k0 = 0;
        do {
            bool first = k0 == 0, last = k0 + j->kc >= g->k;
            s.k = min64(j->kc, g->k - k0);
            place_a(j, x, &s, k0, scratch);
            for (int64_t p = p0; p < p1; p++) {
                int64_t n0 = p * nr;
                /* Some 16 products in a nanosecond. */
                if (tn_ticks_stopped(&ticks, (uint64_t)((s.t1 - s.t0) * mr * nr * s.k / 16))) return;
                s.n = min64(nr, g->n - n0);
                s.b = packed ? b + ((p - p0) * g->k + k0) * nr : b + k0 * g->ldb + n0;
                s.ahead = !packed ? NULL : p + 1 < p1 ? s.b + g->k * nr : last ? NULL : b + (k0 + j->kc) * nr;
                s.c = x->c + n0;
                /* The first slice brings D in, later ones add to what is there, the last one finishes. */
                s.d = !first ? s.c : x->d ? x->d + n0 : NULL;
                s.ldd = first ? g->ldd : g->ldc;
                s.beta = first ? g->beta : 1.0f;
                s.bias_m = last ? g->bias_m : NULL;
                s.bias_n = last && g->bias_n ? g->bias_n + n0 : NULL;
                s.act = last ? g->act : (tn_activation){ 0 };
                j->kn->strip(&s);
            }
            k0 += j->kc;
        } while (k0 < g->k);
    }
}

/* Panels [p, end) as float32, in scratch: packed from B, or made of the 16-bit ones. */
static void make_panels(const job *j, const cell *x, int64_t p, int64_t end, float *scratch) {
    const tn_gemm_args *g = &j->g;
    int64_t nr = j->kn->nr;
    if (g->b_half) {
        (void)tn_convert(g->half_type, g->b_half + p * g->k * nr, TN_F32, scratch, (end - p) * g->k * nr, false,
                         TN_ROUND_NEAREST);
        return;
    }
    for (int64_t q = p; q < end; q++)
        j->kn->pack_b(g->trans_b, g->k, min64(nr, g->n - q * nr), x->b + q * nr * (g->trans_b ? g->ldb : 1), g->ldb,
                      scratch + (q - p) * g->k * nr);
}

/* packed_for: the cell whose panels lie in scratch, when the whole range fitted; spares packing again when the next
 * cell of this thread differs only in its rows. */
static void run_packing(const job *j, const cell *x, float *scratch, cell *packed_for) {
    for (int64_t p = x->p0; p < x->p1 && !tn_budget_stopped(); p += j->chunk) {
        int64_t end = min64(p + j->chunk, x->p1);
        if (packed_for->b != x->b || packed_for->p0 != p || packed_for->p1 != end) {
            make_panels(j, x, p, end, scratch);
            *packed_for = (cell){ .b = x->b, .p0 = p, .p1 = end };
        }
        multiply(j, x, p, end, scratch, true, scratch);
    }
}

/* Columns [n0, n1) of row i by the family's gemv, which adds to what C holds. */
static void gemv_row(const job *j, const cell *x, int64_t i, int64_t n0, int64_t n1, float *scratch) {
    const tn_gemm_args *g = &j->g;
    const float *a = x->a + i * (g->trans_a ? 1 : g->lda), *d = x->d ? x->d + i * g->ldd + n0 : NULL;
    float *c = x->c + i * g->ldc + n0;
    int64_t n = n1 - n0, nr = j->kn->nr;
    if (!d)
        memset(c, 0, (size_t)n * sizeof *c);
    else if (d != c || g->beta != 1.0f)
        for (int64_t q = 0; q < n; q++) c[q] = g->beta * d[q];
    if (g->b_half) {
        j->kn->gemv_half(g->half_type, g->k, n, g->alpha, a, g->trans_a ? g->lda : 1, g->b_half + n0 * g->k, c);
    } else if (g->b_packed) {
        j->kn->gemv_packed(g->k, n, g->alpha, a, g->trans_a ? g->lda : 1, x->b + n0 * g->k, c);
    } else if (!g->trans_b) {
        j->kn->gemv(g->k, n, g->alpha, a, g->trans_a ? g->lda : 1, x->b + n0, g->ldb, c);
    } else {
        if (g->trans_a && g->lda != 1) {
            for (int64_t p = 0; p < g->k; p++) scratch[p] = a[p * g->lda];
            a = scratch;
        }
        j->kn->gemv_t(g->k, n, g->alpha, a, x->b + n0 * g->ldb, g->ldb, c);
    }
    if (!g->bias_m && !g->bias_n && g->act.kind == TN_ACT_NONE) return;
    /* An empty product plus what is there, with bias and activation: the strip's epilogue alone. */
    tn_gemm_strip s = {
        .m = 1, .tiles = 1, .t1 = 1, .a = c, .b = c, .ldb = nr, .alpha = 1.0f, .beta = 1.0f, .act = g->act
    };
    s.bias_m = g->bias_m ? g->bias_m + i : NULL;
    for (int64_t q = 0; q < n; q += nr) {
        s.n = min64(nr, n - q);
        s.c = c + q, s.d = s.c;
        s.bias_n = g->bias_n ? g->bias_n + n0 + q : NULL;
        j->kn->strip(&s);
    }
}

/* Several rows share a piece of B while it is in L2. */
static void run_gemv(const job *j, const cell *x, float *scratch) {
    const tn_gemm_args *g = &j->g;
    int64_t nr = j->kn->nr, n0 = x->p0 * nr, n1 = min64(x->p1 * nr, g->n), wide = n1 - n0;
    if (g->m > 1) wide = max64((int64_t)(tn_cpu_cache(2) / 2 / sizeof(float)) / max64(g->k, 1) / nr, 1) * nr;
    for (int64_t n = n0; n < n1; n += wide)
        for (int64_t i = 0; i < g->m && !tn_budget_stopped(); i++) gemv_row(j, x, i, n, min64(n + wide, n1), scratch);
}

/* Cells are numbered so that consecutive ones share B: product, then columns, then rows. Those that lie in one row or
 * column of a product are done as one. */
static void run_cells(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    const tn_gemm_args *g = &j->g;
    float *scratch = j->scratch ? j->scratch + (size_t)thread * j->scratch_floats : NULL;
    int64_t inner = max64(g->batch[1], 1);
    cell packed_for = { 0 };
    for (int64_t u = begin, rows, columns; u < end; u += rows * columns) {
        int64_t im = u % j->tm, in = u / j->tm % j->tn, ib = u / (j->tm * j->tn), b0 = ib / inner, b1 = ib % inner;
        columns = j->tm == 1 ? min64(end - u, j->tn - in) : 1;
        rows = j->tn == 1 ? min64(end - u, j->tm - im) : 1;
        cell x = {
            .a = (g->a_packed ? g->a_packed : g->a) + b0 * g->stride_a[0] + b1 * g->stride_a[1],
            .b = (g->b_packed ? g->b_packed : g->b) + b0 * g->stride_b[0] + b1 * g->stride_b[1],
            .c = g->c + b0 * g->stride_c[0] + b1 * g->stride_c[1],
            .d = g->d ? g->d + b0 * g->stride_d[0] + b1 * g->stride_d[1] : NULL,
            .t0 = im * j->tiles / j->tm,
            .t1 = (im + rows) * j->tiles / j->tm,
            .p0 = in * j->panels / j->tn,
            .p1 = (in + columns) * j->panels / j->tn,
        };
        if (j->gemv)
            run_gemv(j, &x, scratch);
        else if (j->chunk)
            run_packing(j, &x, scratch, &packed_for);
        else if (g->b_packed)
            multiply(j, &x, x.p0, x.p1, x.b + x.p0 * g->k * j->kn->nr, true, scratch);
        else
            multiply(j, &x, x.p0, x.p1, x.b, false, scratch);
    }
}

/* ------------------------------------------------------------------------------------------------------ the entries */

bool tn_gemm_may_want_scratch(const tn_gemm_kernels *k, const tn_gemm_args *g) {
    bool copies = !g->a_packed && !g->trans_a && g->lda % 1024 == 0 && ceil_div(g->n, k->nr) >= 8;
    return !g->b_packed || g->b_half || g->b_pairs || g->n == 1 || copies; /* see turn_column, wants_copy */
}

size_t tn_gemm_scratch(const tn_gemm_kernels *k, const tn_gemm_args *g, int threads) {
    job j;
    if (g->m <= 0 || g->n <= 0) return 0;
    if (g->b_pairs) return tn_gemm_pairs_scratch(g);
    plan(&j, k, g, threads);
    return j.scratch_floats * sizeof(float) * (size_t)j.threads;
}

tn_status tn_gemm(const tn_gemm_kernels *k, const tn_gemm_args *g, void *scratch, tn_pool *pool) {
    job j;
    void *own = NULL;
    if (g->m <= 0 || g->n <= 0) return TN_OK;
    if (g->b_pairs) return tn_gemm_by_pairs(k, g, scratch, pool);
    plan(&j, k, g, tn_pool_threads(pool));
    j.g.a = tn_some(j.g.a), j.g.b = tn_some(j.g.b); /* k may be 0 */
    size_t bytes = j.scratch_floats * sizeof(float) * (size_t)j.threads;
    if (bytes && !scratch) {
        own = scratch = tn_mem_alloc(bytes, TN_MEM_SCRATCH);
        if (!own) return tn_fail(TN_E_NOMEM, "%zu bytes of scratch for a matrix product", bytes);
    }
    j.scratch = scratch;
    tn_parallel_by(pool, j.threads, j.batch * j.tm * j.tn, 1, run_cells, &j);
    tn_mem_free(own);
    return TN_OK;
}

size_t tn_gemm_pack_b_bytes(const tn_gemm_kernels *kn, int64_t k, int64_t n) {
    return (size_t)(ceil_div(n, kn->nr) * kn->nr * k) * sizeof(float);
}

size_t tn_gemm_pack_b_half_bytes(const tn_gemm_kernels *kn, int64_t k, int64_t n) {
    return tn_gemm_pack_b_bytes(kn, k, n) / 2;
}

void tn_gemm_pack_b_half(const tn_gemm_kernels *kn, tn_dtype t, bool trans, int64_t k, int64_t n, const float *b,
                         int64_t ldb, uint16_t *out, float *panel) {
    int64_t nr = kn->nr;
    for (int64_t j = 0; j < n && k; j += nr, out += k * nr) {
        kn->pack_b(trans, k, min64(nr, n - j), b + j * (trans ? ldb : 1), ldb, panel);
        (void)tn_convert(TN_F32, panel, t, out, k * nr, false, TN_ROUND_NEAREST);
    }
}

size_t tn_gemm_pack_a_bytes(const tn_gemm_kernels *kn, int64_t m, int64_t k) {
    return (size_t)(ceil_div(m, kn->mr) * kn->mr * k) * sizeof(float);
}

typedef struct pack_job {
    const tn_gemm_kernels *kn;
    bool trans;
    int64_t mn, k, ld;
    const float *in;
    float *out;
} pack_job;

/* Row-major B is packed some rows at a time for all panels, so that its pages are walked along, not across. Other
 * operands are cut only for the looks at the budget. */
static void pack_panels(void *arg, int64_t begin, int64_t end, int thread) {
    const pack_job *w = arg;
    int64_t nr = w->kn->nr, rows = w->trans ? LONG_ROWS : 32;
    tn_ticks ticks = { 0 };
    for (int64_t k0 = 0; k0 < w->k; k0 += rows)
        for (int64_t p = begin; p < end; p++) {
            int64_t k = min64(rows, w->k - k0);
            w->kn->pack_b(w->trans, k, min64(nr, w->mn - p * nr),
                          w->in + (w->trans ? p * nr * w->ld + k0 : k0 * w->ld + p * nr), w->ld,
                          w->out + (p * w->k + k0) * nr);
            if (tn_ticks_stopped(&ticks, (uint64_t)(k * nr))) return;
        }
}

static void pack_tiles(void *arg, int64_t begin, int64_t end, int thread) {
    const pack_job *w = arg;
    int64_t mr = w->kn->mr, tiles = ceil_div(w->mn, mr), rs = w->trans ? 1 : w->ld, cs = w->trans ? w->ld : 1;
    tn_ticks ticks = { 0 };
    for (int64_t t = begin; t < end; t++) {
        int64_t r0 = t * w->mn / tiles, r1 = (t + 1) * w->mn / tiles;
        for (int64_t k0 = 0; k0 < w->k; k0 += LONG_ROWS) {
            int64_t k = min64(LONG_ROWS, w->k - k0);
            w->kn->pack_a(r1 - r0, k, w->in + r0 * rs + k0 * cs, rs, cs, w->out + (t * w->k + k0) * mr);
            if (tn_ticks_stopped(&ticks, (uint64_t)(k * mr))) return;
        }
    }
}

void tn_gemm_pack_b(const tn_gemm_kernels *kn, bool trans, int64_t k, int64_t n, const float *b, int64_t ldb,
                    float *out, tn_pool *pool) {
    if (!k) return;
    pack_job w = { kn, trans, n, k, ldb, b, out };
    tn_parallel(pool, ceil_div(n, kn->nr), 16, pack_panels, &w);
}

void tn_gemm_pack_a(const tn_gemm_kernels *kn, bool trans, int64_t m, int64_t k, const float *a, int64_t lda,
                    float *out, tn_pool *pool) {
    if (!k) return;
    pack_job w = { kn, trans, m, k, lda, a, out };
    tn_parallel(pool, ceil_div(m, kn->mr), 16, pack_tiles, &w);
}
