/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qproduct_panels.c - products of bytes by kernel/qgemm.h, constant or not: sums, codes or floats. The kernel scales
 * where there is one factor per column at most; what is left takes int32 sums. */
#include "kernel/kernel.h"
#include "op/core/support.h"
#include "op/quant/qparam.h"
#include "op/quant/qproduct.h"

/* -------------------------------------------------------------------------------------------------------- prepare */

bool tn_qpanels_fits(const tn_prep *p) {
    return tn_q_is_8bit(tn_infer_dtype(&p->types, tn_qplaces_of(p->types.node)->b)) &&
           tn_q_is_8bit(tn_qproduct_a_type(&p->types));
}

/* Words instead of bytes: two thirds of the tiles' speed on AVX2. */
double tn_qpanels_estimate(const tn_prep *p) { return 1.5 * tn_qtiles_estimate(p); }

typedef struct {
    const tn_tensor *b;
    bool trans;
    int64_t k, n;
} pack_job;

static tn_status pack_b(void *dst, const void *user) {
    const pack_job *j = user;
    tn_qgemm_pack_b(&tn_kernels_get()->qgemm, j->b->dtype == TN_I8, j->trans, j->k, j->n, j->b->data,
                    j->trans ? j->k : j->n, dst);
    return TN_OK;
}

/* What the run asks for that grows with the matrices: where threads take batches, each has scratch of its own; sums,
 * where the kernel cannot give the results. */
static size_t room_of(const tn_prep *p, bool packed) {
    const tn_infer *t = &p->types;
    tn_qsizes z;
    if (!tn_qproduct_sizes(t, &z)) return 0;
    bool joined = z.matrices_b == 1 && z.batches == z.matrices_a && !z.trans_a;
    int threads = tn_pool_threads(p->pool);
    tn_qgemm_args g = { .m = joined ? z.m * z.batches : z.m, .n = z.n, .k = z.k, .trans_b = z.trans_b };
    char any;
    g.b_packed = packed ? &any : NULL;
    size_t each = tn_align_up(tn_qgemm_scratch(&tn_kernels_get()->qgemm, &g, 1) + 64, 64) * (size_t)threads;
    size_t all = tn_align_up(tn_qgemm_scratch(&tn_kernels_get()->qgemm, &g, threads) + 64, 64);
    tn_dtype y = t->out[0].dtype;
    bool sums = y != TN_U8 && y != TN_I8 && y != TN_F32 && !tn_qplaces_of(t->node)->integer;
    return tn_qproduct_codes_room(t) + tn_room(each > all && !joined ? each : all) +
           tn_room((size_t)threads * (size_t)(z.n + 1) * sizeof(float)) +
           (z.trans_a ? tn_room((size_t)(z.m * z.k) + 1) : 0) + (sums ? tn_room((size_t)(z.m * z.n + 1) * 4) : 0);
}

tn_status tn_qpanels_prepare(tn_prep *p) {
    const int at = tn_qplaces_of(p->types.node)->b;
    const tn_tensor *b = tn_qproduct_weights(&p->types);
    tn_qproduct_state *s;
    TN_TRY(tn_qproduct_state_of(p, &s));
    p->room = room_of(p, b != NULL);
    if (!b) return TN_OK;
    pack_job j = { .b = b, .trans = tn_qgemm_attrs_of(p->types.attrs)->transB };
    j.k = b->dims[b->rank - (j.trans ? 1 : 2)], j.n = b->dims[b->rank - (j.trans ? 2 : 1)];
    TN_TRY(tn_prep_pack(p, 1u << at, j.trans ? "qgemm_bt" : "qgemm_b",
                        tn_qgemm_pack_b_bytes(&tn_kernels_get()->qgemm, j.k, j.n), pack_b, &j, &s->packed));
    p->consumed |= 1u << at;
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ run */

/* A product by the kernel. as_is: it gives the results themselves, else sums. */
typedef struct {
    tn_qjob q;
    tn_qgemm_args g; /* but for what follows the matrices */
    bool as_is;
    const int32_t *za, *zb;
    float *scale; /* [threads][n] */
    char *scratch;
    size_t scratch_bytes; /* of a thread */
} panels;

/* Can the kernel give the results as they are? It takes one factor per column, and int32 to add per column. */
static bool direct(const tn_qjob *j, tn_dtype y) {
    if (j->at->integer) return true;
    return (y == TN_U8 || y == TN_I8 || y == TN_F32) && j->sa.n == 1 && j->bias_rows <= 1 &&
           (!j->bias_int || j->bias_n == j->p.n) && (y == TN_F32 || !j->bias);
}

/* The factor of every column (or one). */
static void factors(const tn_qjob *j, tn_qgemm_args *g, int64_t bm, float *v) {
    const float *sb = tn_qper_at(&j->sb, bm);
    g->scale_cols = j->sb.n > 1;
    for (int64_t c = 0; c < (g->scale_cols ? j->p.n : 1); c++) v[c] = j->alpha * *j->sa.v * sb[c] / j->y_scale;
    g->scale = v;
}

static void add_bias(float *y, const float *bias, int64_t n_bias, int64_t rows, int64_t n) {
    for (int64_t i = 0; i < rows; i++, y += n)
        for (int64_t c = 0; c < n; c++) y[c] += bias[n_bias > 1 ? c : 0];
}

/* The zero points as integers, for the kernel. */
static tn_status integers(tn_run *r, const tn_qper *p, const int32_t **out) {
    int32_t *v = tn_run_scratch(r, (size_t)(p->n + 1) * sizeof *v);
    if (!v) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for %lld zero points", (long long)p->n);
    for (int64_t i = 0; i < p->n; i++) v[i] = (int32_t)p->v[i];
    *out = v;
    return TN_OK;
}

/* Many matrices by one are a taller one, where rows have nothing of their own. */
static void join_rows(tn_qjob *j) {
    tn_qsizes *p = &j->p;
    bool same = (j->sa.n == 1 || j->sa.n != j->sa.rows) && (j->za.n == 1 || j->za.n != j->za.rows);
    if (p->matrices_b != 1 || p->batches != p->matrices_a || p->trans_a || !same || j->bias_rows > 1) return;
    p->m *= p->batches, p->batches = 1, p->matrices_a = 1;
    j->sa.rows = j->za.rows = p->m;
}

/* The arguments for batch q of matrices am, bm. */
static tn_qgemm_args args_of(const panels *s, int64_t q, int64_t am, int64_t bm, float *scale) {
    const tn_qjob *j = &s->q;
    const tn_qsizes *p = &j->p;
    const tn_tensor *b = tn_in(j->r, j->at->b), *y = tn_out(j->r, 0);
    tn_qgemm_args g = s->g;
    g.a = tn_op_past(j->a, am * p->m * p->k), g.b = tn_op_past(b->data, bm * p->k * p->n);
    g.a_zero = s->za + (tn_qper_at(&j->za, am) - j->za.v), g.b_zero = s->zb + (tn_qper_at(&j->zb, bm) - j->zb.v);
    if (s->as_is) g.c = (char *)y->data + (size_t)(q * p->m * p->n) * (size_t)tn_dtypes[y->dtype].bytes;
    if (g.c_type != TN_I32) factors(j, &g, bm, scale);
    return g;
}

/* Batches, each on one thread. */
static void run_batches(void *arg, int64_t begin, int64_t end, int thread) {
    const panels *s = arg;
    const tn_qsizes *p = &s->q.p;
    tn_walk w;
    tn_walk_start(&w, &p->loop, 0, begin);
    for (int64_t q = begin; q < end; q++, tn_walk_next(&w)) {
        tn_qgemm_args g = args_of(s, q, w.offset[0], w.offset[1], s->scale + thread * (p->n + 1));
        (void)tn_qgemm(&tn_kernels_get()->qgemm, &g, s->scratch + (size_t)thread * s->scratch_bytes, NULL);
        if (s->q.bias) add_bias(g.c, s->q.bias, s->q.bias_n, p->m, p->n);
    }
}

/* Batches in turn, each on all threads. */
static tn_status run_in_turn(panels *s) {
    const tn_kernels *kn = tn_kernels_get();
    const tn_qjob *j = &s->q;
    const tn_qsizes *p = &j->p;
    char *across = p->trans_a ? tn_run_scratch(j->r, (size_t)(p->m * p->k) + 1) : NULL;
    int32_t *sums = s->as_is ? NULL : tn_run_scratch(j->r, (size_t)(p->m * p->n + 1) * sizeof *sums);
    double *row = s->as_is ? NULL : tn_run_scratch(j->r, (size_t)(p->n + 1) * sizeof *row);
    tn_walk w;
    if ((p->trans_a && !across) || (!s->as_is && (!sums || !row)))
        return tn_op_fail(j->r->node, TN_E_NOMEM, "no memory for the product");
    s->g.c = sums;
    tn_walk_start(&w, &p->loop, 0, 0);
    for (int64_t q = 0; q < p->batches; q++, tn_walk_next(&w)) {
        int64_t am = w.offset[0], bm = w.offset[1];
        tn_qgemm_args g = args_of(s, q, am, bm, s->scale);
        if (p->trans_a) kn->move.transpose[0](g.a, p->m, across, p->k, p->k, p->m), g.a = across;
        TN_TRY(tn_qgemm(&kn->qgemm, &g, s->scratch, j->r->pool));
        if (s->as_is && j->bias) add_bias(g.c, j->bias, j->bias_n, p->m, p->n);
        for (int64_t i = 0; !s->as_is && i < p->m; i++) {
            for (int64_t c = 0; c < p->n; c++) row[c] = (double)sums[i * p->n + c];
            tn_qjob_finish(j, am, bm, i, row, (q * p->m + i) * p->n);
        }
    }
    return TN_OK;
}

/* Whether threads take batches: there are enough, or they are too small to share. */
static bool by_batches(const panels *s, int threads) {
    const tn_qsizes *p = &s->q.p;
    double work = 2.0 * (double)p->m * (double)p->n * (double)p->k;
    return s->as_is && !p->trans_a && p->batches > 1 && threads > 1 && (p->batches >= 2 * threads || work < 1 << 21);
}

tn_status tn_qpanels_run(tn_run *r) {
    const tn_qproduct_state *state = r->state;
    const tn_qgemm_kernels *kn = &tn_kernels_get()->qgemm;
    const tn_tensor *y = tn_out(r, 0);
    panels s = { .as_is = true };
    if (tn_count(y) == 0) return TN_OK;
    TN_TRY(tn_qjob_read(r, &s.q));
    join_rows(&s.q);
    const tn_qsizes *p = &s.q.p;
    s.as_is = direct(&s.q, y->dtype);
    s.g = (tn_qgemm_args){ .m = p->m, .n = p->n, .k = p->k, .lda = p->k, .ldc = p->n, .trans_b = p->trans_b };
    s.g.ldb = p->trans_b ? p->k : p->n, s.g.c_zero = (int32_t)s.q.y_zero;
    s.g.a_signed = s.q.a_type == TN_I8, s.g.b_signed = s.q.b_type == TN_I8, s.g.b_packed = state->packed;
    s.g.a_zero_rows = s.q.za.n > 1, s.g.b_zero_cols = s.q.zb.n > 1;
    s.g.c_type = s.as_is ? y->dtype : TN_I32;
    if (s.as_is) s.g.bias = s.q.bias_int;
    int threads = tn_pool_threads(r->pool);
    bool apart = by_batches(&s, threads);
    size_t shares = apart ? (size_t)threads : 1;
    s.scratch_bytes = tn_align_up(tn_qgemm_scratch(kn, &s.g, apart ? 1 : threads) + 64, 64);
    s.scale = tn_run_scratch(r, shares * (size_t)(p->n + 1) * sizeof *s.scale);
    s.scratch = tn_run_scratch(r, shares * s.scratch_bytes);
    if (!s.scale || !s.scratch) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the product");
    TN_TRY(integers(r, &s.q.za, &s.za));
    TN_TRY(integers(r, &s.q.zb, &s.zb));
    if (!apart) return run_in_turn(&s);
    tn_parallel_by(r->pool, threads, p->batches, 1, run_batches, &s);
    return TN_OK;
}
