/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* matmul.c - MatMul and Gemm, and their fused forms: C = act(alpha op(A) op(B) + beta bias + residual).
 *
 * One description (`product`) is read from the node and the shapes; prepare packs whichever operand is a constant; run
 * hands whole batches to the driver of kernel/gemm.h. float32 goes there; other types take the generic C product.
 *
 * tenon.MatMul with A of float32 may have a constant B of 16-bit floats, or keep its float32 B in such (`weights`): its
 * packed panels are of that type then, and become float32 in cache. */
#include "kernel/kernel.h"
#include "op/core/fused.h"
#include "op/core/infer.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/math/grads.h"
#include <stdio.h>
#include <string.h>

/* What a row of this family is; .arg of the row. */
enum { MATMUL, GEMM, FUSED_MATMUL };

typedef struct {
    const float *a_packed, *b_packed;
    const uint16_t *b_half;  /* B in panels of half_type */
    const uint32_t *b_pairs; /* B in panels of bfloat16 pairs */
    tn_dtype half_type;
    float alpha, beta;
    bool trans_a, trans_b;
    bool turn_a, turn_b; /* the rows of the matrices stand before the batch */
    bool no_scratch;     /* whatever the number of rows */
    tn_activation act;
} product_state;

typedef struct {
    int64_t m, n, k;
    int64_t lda, ldb;
    bool trans_a, trans_b;
    int loops; /* batch dimensions left after merging, innermost last */
    int64_t count[TN_MAX_RANK], step_a[TN_MAX_RANK], step_b[TN_MAX_RANK], step_c[TN_MAX_RANK];
} product;

typedef struct {
    float alpha, beta;
    bool trans_a, trans_b, batch_a, batch_b; /* batch: transBatch */
    tn_fused_attrs fused;
    tn_dtype weights; /* what B is kept in; TN_NONE: as it is */
} settings;

/* MatMul itself has none. */
static settings settings_of(const void *attrs) {
    return attrs ? *(const settings *)attrs : (settings){ .alpha = 1, .beta = 1 };
}

/* Matrix dimensions of an operand: rows, columns as they lie in memory; a vector is one row (A) or one column (B). A
 * turned one has its rows before the batch. */
static void matrix_of(int rank, const tn_dim *dims, bool right, bool turned, tn_dim *rows, tn_dim *cols) {
    if (rank == 1) {
        *rows = right ? dims[0] : 1;
        *cols = right ? 1 : dims[0];
    } else {
        *rows = dims[turned ? 0 : rank - 2];
        *cols = dims[rank - 1];
    }
}

/* ------------------------------------------------------------------------------------------------------ inference */

static tn_status matmul_infer(tn_infer *c) {
    settings at = settings_of(c->attrs);
    int ra = tn_infer_rank(c, 0), rb = tn_infer_rank(c, 1);
    bool ta = at.trans_a && ra != 1, tb = at.trans_b && rb != 1;
    bool turn_a = at.batch_a, turn_b = at.batch_b;
    tn_dim arows, acols, brows, bcols, dims[TN_MAX_RANK];
    tn_dtype t = tn_infer_dtype(c, 0);
    if (ra < 0 || rb < 0) {
        tn_infer_out(c, 0, t, -1, NULL);
        return TN_OK;
    }
    if (ra == 0 || rb == 0) return tn_infer_fail(c, TN_E_SHAPE, "a scalar cannot be multiplied as a matrix");
    if (c->node->op->arg == GEMM && (ra != 2 || rb != 2))
        return tn_infer_fail(c, TN_E_SHAPE, "A and B have %d and %d dimensions, 2 are needed", ra, rb);
    matrix_of(ra, c->in[0]->dims, false, turn_a, &arows, &acols);
    matrix_of(rb, c->in[1]->dims, true, turn_b, &brows, &bcols);
    tn_dim m = ta ? acols : arows, ka = ta ? arows : acols, kb = tb ? bcols : brows, n = tb ? brows : bcols;
    if (tn_dim_known(ka) && tn_dim_known(kb) && ka != kb)
        return tn_infer_fail(c, TN_E_SHAPE, "A has %lld columns but B has %lld rows", (long long)ka, (long long)kb);
    int rank = ra > rb ? ra : rb, batch = rank < 2 ? 0 : rank - 2;
    for (int i = 0; i < batch; i++) {
        int ia = i - (rank - ra), ib = i - (rank - rb);
        tn_dim a = ra > 2 && ia >= 0 ? c->in[0]->dims[ia + turn_a] : 1;
        tn_dim b = rb > 2 && ib >= 0 ? c->in[1]->dims[ib + turn_b] : 1;
        TN_TRY(tn_infer_broadcast_dim(c, a, b, &dims[i]));
    }
    int out = batch;
    if (ra > 1) dims[out++] = m;
    if (rb > 1) dims[out++] = n;
    tn_infer_out(c, 0, t, out, dims);
    const tn_encoding *e = tn_infer_encoding(c, 1);
    if (e && (rb < 2 || tn_op_product(c->in[1]->dims, 0, rb - 2) != 1))
        return tn_infer_fail(c, TN_E_UNSUPPORTED, "B holds %s blocks and must be one matrix", e->name);
    for (int i = 2; i <= 3 && i < c->n_in; i++) { /* bias and residual must broadcast into the result */
        int r = tn_infer_rank(c, i);
        if (r < 0) continue;
        bool fits = r <= out;
        for (int d = 0; fits && d < r; d++) {
            tn_dim have = c->in[i]->dims[d], want = dims[out - r + d];
            fits = !tn_dim_known(have) || !tn_dim_known(want) || have == want || have == 1;
        }
        if (!fits) return tn_infer_fail(c, TN_E_SHAPE, "input %d does not broadcast to the product's shape", i);
    }
    return TN_OK;
}

static tn_status matmul_cost(const tn_infer *c, tn_cost *out) {
    settings at = settings_of(c->attrs);
    tn_dim rows, cols;
    int rank = c->in[0]->rank;
    matrix_of(rank, c->in[0]->dims, false, at.batch_a, &rows, &cols);
    double elements = 1;
    for (int i = 0; i < c->out[0].rank; i++) elements *= (double)c->out[0].dims[i];
    out->flops = 2 * elements * (double)(at.trans_a && rank != 1 ? rows : cols);
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------------------- shapes */

/* Reads the product from exact shapes; batch dimensions that both operands walk evenly are merged. */
static void product_of(const product_state *s, int ra, const int64_t *da, int rb, const int64_t *db, product *p) {
    int64_t arows, acols, brows, bcols;
    bool ta = s->trans_a && ra != 1, tb = s->trans_b && rb != 1; /* a vector has one form */
    bool turn_a = s->turn_a && ra > 2, turn_b = s->turn_b && rb > 2;
    matrix_of(ra, da, false, turn_a, &arows, &acols);
    matrix_of(rb, db, true, turn_b, &brows, &bcols);
    *p = (product){ .m = ta ? acols : arows,
                    .k = ta ? arows : acols,
                    .n = tb ? brows : bcols,
                    .lda = turn_a ? tn_op_product(da, 1, ra) : acols,
                    .ldb = turn_b ? tn_op_product(db, 1, rb) : bcols,
                    .trans_a = ta,
                    .trans_b = tb };
    int rank = ra > rb ? ra : rb, first = rank - 2;
    int64_t sa = turn_a ? acols : arows * acols, sb = turn_b ? bcols : brows * bcols, sc = p->m * p->n;
    int64_t count[TN_MAX_RANK], step_a[TN_MAX_RANK], step_b[TN_MAX_RANK], step_c[TN_MAX_RANK];
    int n = 0; /* innermost first */
    for (int i = first - 1; i >= 0; i--) {
        int64_t a = i - (rank - ra) >= 0 ? da[i - (rank - ra) + turn_a] : 1;
        int64_t b = i - (rank - rb) >= 0 ? db[i - (rank - rb) + turn_b] : 1;
        int64_t len = a == 1 ? b : a, pa = a == 1 ? 0 : sa, pb = b == 1 ? 0 : sb;
        if (len != 1) {
            if (n > 0 && pa == step_a[n - 1] * count[n - 1] && pb == step_b[n - 1] * count[n - 1]) {
                count[n - 1] *= len;
            } else {
                count[n] = len, step_a[n] = pa, step_b[n] = pb, step_c[n] = sc;
                n++;
            }
        }
        sa *= a, sb *= b, sc *= len;
    }
    /* A batch of A against one B is simply more rows. */
    if (n > 0 && step_b[0] == 0 && !ta && !turn_a && step_a[0] == p->m * p->k) {
        p->m *= count[0];
        memmove(count, count + 1, sizeof *count * (size_t)(n - 1));
        memmove(step_a, step_a + 1, sizeof *step_a * (size_t)(n - 1));
        memmove(step_b, step_b + 1, sizeof *step_b * (size_t)(n - 1));
        memmove(step_c, step_c + 1, sizeof *step_c * (size_t)(n - 1));
        n--;
    }
    p->loops = n;
    for (int i = 0; i < n; i++) {
        p->count[n - 1 - i] = count[i];
        p->step_a[n - 1 - i] = step_a[i], p->step_b[n - 1 - i] = step_b[i], p->step_c[n - 1 - i] = step_c[i];
    }
}

/* The arguments of one call of the driver: the two innermost batch loops. */
static tn_gemm_args args_of(const product_state *s, const product *p) {
    tn_gemm_args g = { .m = p->m, .n = p->n, .k = p->k, .lda = p->lda, .ldb = p->ldb, .ldc = p->n, .ldd = p->n };
    g.trans_a = p->trans_a, g.trans_b = p->trans_b;
    g.a_packed = s->a_packed, g.b_packed = s->b_packed;
    g.b_half = s->b_half, g.half_type = s->half_type;
    g.b_pairs = s->b_pairs;
    g.alpha = s->alpha, g.beta = 1, g.act = s->act;
    for (int i = 0; i < 2 && i < p->loops; i++) {
        int from = p->loops - 1 - i; /* driver's batch[1] is the inner one */
        g.batch[1 - i] = p->count[from];
        g.stride_a[1 - i] = p->step_a[from], g.stride_b[1 - i] = p->step_b[from];
        g.stride_c[1 - i] = g.stride_d[1 - i] = p->step_c[from];
    }
    return g;
}

/* -------------------------------------------------------------------------------------------------------- prepare */

typedef struct {
    const tn_tensor *w;
    int64_t rows, cols; /* of the packed operand as the driver wants it: k x n, or m x k */
    bool trans;
    tn_pool *pool;
    tn_dtype type; /* of the packed form */
    bool pairs;
} pack_job;

static void pack_b_as(const pack_job *j, const float *w, void *dst, float *panel) {
    const tn_gemm_kernels *kn = &tn_kernels_get()->gemm;
    int64_t ld = j->trans ? j->rows : j->cols;
    if (j->pairs)
        tn_gemm_pack_b_pairs(kn, j->trans, j->rows, j->cols, w, ld, dst, panel);
    else if (j->type == TN_F32)
        tn_gemm_pack_b(kn, j->trans, j->rows, j->cols, w, ld, dst, j->pool);
    else
        tn_gemm_pack_b_half(kn, j->type, j->trans, j->rows, j->cols, w, ld, dst, panel);
}

static tn_status pack_b(void *dst, const void *user) {
    const pack_job *j = user;
    tn_tensor wide = { 0 };
    if (j->w->dtype != TN_F32) TN_TRY(tn_op_widen(j->w, &wide));
    size_t bytes = (size_t)(j->rows * tn_kernels_get()->gemm.nr) * sizeof(float);
    float *panel = tn_mem_alloc(bytes + 64, TN_MEM_SCRATCH);
    if (panel) pack_b_as(j, wide.data ? wide.data : j->w->data, dst, panel);
    tn_mem_free(panel);
    tn_tensor_reset(&wide);
    return panel ? TN_OK : tn_fail(TN_E_NOMEM, "no memory to pack weights");
}

static tn_status pack_a(void *dst, const void *user) {
    const pack_job *j = user;
    tn_gemm_pack_a(&tn_kernels_get()->gemm, j->trans, j->rows, j->cols, j->w->data, j->trans ? j->rows : j->cols, dst,
                   j->pool);
    return TN_OK;
}

/* Is constant input i one matrix (leading dimensions all 1)? */
static bool one_matrix(const tn_tensor *t) {
    return t && !t->encoding && t->rank >= 2 && tn_op_product(t->dims, 0, t->rank - 2) == 1;
}

static size_t packed_bytes(const tn_gemm_kernels *kn, const pack_job *j) {
    if (j->pairs) return tn_gemm_pack_b_pairs_bytes(kn, j->rows, j->cols);
    return j->type == TN_F32 ? tn_gemm_pack_b_bytes(kn, j->rows, j->cols)
                             : tn_gemm_pack_b_half_bytes(kn, j->rows, j->cols);
}

/* B, packed as it is or as `weights` says. A column is kept in float32: the driver turns it. Where the CPU multiplies
 * pairs of bfloat16, what was asked to be kept in that is multiplied in it, too; what the file has in it is not. */
static tn_status pack_right(tn_prep *p, product_state *s, const tn_tensor *b, tn_dtype weights) {
    const tn_gemm_kernels *kn = &tn_kernels_get()->gemm;
    int64_t rows = b->dims[b->rank - 2], cols = b->dims[b->rank - 1];
    pack_job j = { b, s->trans_b ? cols : rows, s->trans_b ? rows : cols, s->trans_b, p->pool, TN_F32, false };
    if (j.cols > 1) j.type = weights != TN_NONE ? weights : b->dtype;
    j.pairs = j.type == TN_BF16 && weights == TN_BF16 && kn->pairs;
    char key[48];
    const void *packed;
    snprintf(key, sizeof key, "%s %s%s", s->trans_b ? "gemm_bt" : "gemm_b", tn_dtype_name(j.type),
             j.pairs ? " pairs" : "");
    TN_TRY(tn_prep_pack(p, 1u << 1, key, packed_bytes(kn, &j), pack_b, &j, &packed));
    if (j.pairs)
        s->b_pairs = packed;
    else if (j.type == TN_F32)
        s->b_packed = packed;
    else
        s->b_half = packed, s->half_type = j.type;
    p->consumed |= 1u << 1;
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------ weights in blocks */

/* What the best known programs for such files do: a few rows are rounded to 8 bits (kernel/coded.h states the error).
 */
static tn_coded_b coded_of(const tn_tensor *b) { return (tn_coded_b){ tn_coded_of(b), .rounded = true }; }

static size_t encoded_scratch(const tn_gemm_args *g, const tn_tensor *t, int threads) {
    tn_coded_b b = coded_of(t);
    return g->trans_b && g->m && g->n ? tn_coded_scratch(tn_kernels_get(), g, &b, threads) : 0;
}

typedef struct {
    tn_coded c;
    int64_t first, columns;
    float *out;
} decode_job;

static void decode(void *arg, int64_t begin, int64_t end, int thread) {
    const decode_job *j = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++)
        tn_coded_row(&tn_kernels_get()->coded, &j->c, i, j->first, j->columns, j->out + i * j->columns);
}

/* B [K, N] in blocks along N: some columns at a time become floats. */
static tn_status along_columns(tn_run *r, const tn_gemm_args *whole, const tn_tensor *b) {
    enum { COLUMNS = 256 }; /* whole blocks of every encoding */
    decode_job j = { .c = tn_coded_of(b), .out = tn_run_scratch(r, (size_t)whole->k * COLUMNS * sizeof(float)) };
    if (!j.out) return tn_op_fail(r->node, TN_E_NOMEM, "no memory to decode B");
    for (; j.first < whole->n; j.first += COLUMNS) {
        tn_gemm_args g = *whole;
        g.n = g.ldb = j.columns = whole->n - j.first < COLUMNS ? whole->n - j.first : COLUMNS;
        tn_parallel(r->pool, g.k, 16, decode, &j);
        g.b = j.out, g.c += j.first;
        if (g.d) g.d += j.first;
        if (g.bias_n) g.bias_n += j.first;
        TN_TRY(tn_gemm(&tn_kernels_get()->gemm, &g, NULL, r->pool));
    }
    return TN_OK;
}

/* One B for all of A's batches that did not become rows. */
static tn_status run_encoded(tn_run *r, const tn_gemm_args *whole, void *scratch) {
    const tn_tensor *b = tn_in(r, 1);
    tn_coded_b w = coded_of(b);
    int64_t n[2] = { whole->batch[0] ? whole->batch[0] : 1, whole->batch[1] ? whole->batch[1] : 1 };
    for (int64_t i = 0; i < n[0] * n[1]; i++) {
        tn_gemm_args g = *whole;
        int64_t at[2] = { i / n[1], i % n[1] };
        for (int k = 0; k < 2; k++) {
            g.a += at[k] * g.stride_a[k], g.c += at[k] * g.stride_c[k];
            if (g.d) g.d += at[k] * g.stride_d[k];
        }
        g.batch[0] = g.batch[1] = 1;
        TN_TRY(g.trans_b ? tn_coded_gemm(tn_kernels_get(), &g, &w, scratch, r->pool) : along_columns(r, &g, b));
    }
    return TN_OK;
}

/* The scratch that products of these sizes want; where it is not known, the driver allocates. */
static tn_status matmul_fit(tn_prep *p) {
    const product_state *s = p->state;
    const tn_type *a = p->types.in[0], *b = p->types.in[1];
    const tn_tensor *w = p->types.in_tensor[1];
    int threads = tn_pool_threads(p->pool);
    product d;
    if (s->no_scratch || a->dtype != TN_F32 || !tn_type_static(a) || !tn_type_static(b)) return TN_OK;
    product_of(s, a->rank, a->dims, b->rank, b->dims, &d);
    tn_gemm_args g = args_of(s, &d);
    p->scratch =
        w && w->encoding ? encoded_scratch(&g, w, threads) : tn_gemm_scratch(&tn_kernels_get()->gemm, &g, threads);
    return TN_OK;
}

/* Does the product by a packed B want no scratch, whatever A's sizes that vary? Its columns do not. */
static bool never_scratch(const product_state *s, const tn_tensor *b) {
    if (!s->b_packed || s->trans_a || s->turn_a) return false;
    int64_t rows = b->dims[b->rank - 2], cols = b->dims[b->rank - 1];
    tn_gemm_args g = { .k = s->trans_b ? cols : rows, .n = s->trans_b ? rows : cols, .b_packed = s->b_packed };
    g.lda = g.k;
    return !tn_gemm_may_want_scratch(&tn_kernels_get()->gemm, &g);
}

static product_state *new_state(tn_prep *p) {
    product_state *s = tn_arena_new_of(p->arena, product_state);
    settings at = settings_of(p->types.attrs);
    if (!s) return NULL;
    p->state = s;
    s->alpha = at.alpha, s->beta = at.beta;
    s->trans_a = at.trans_a, s->trans_b = at.trans_b;
    s->turn_a = at.batch_a, s->turn_b = at.batch_b;
    s->act = tn_op_activation(&at.fused);
    return s;
}

static tn_status no_state(const tn_prep *p) { return tn_op_fail(p->types.node, TN_E_NOMEM, "no memory to prepare"); }

/* The constant operands in float32 products; one with its rows before the batch is none. */
static const tn_tensor *constant_a(const tn_prep *p) {
    return settings_of(p->types.attrs).batch_a ? NULL : p->types.in_tensor[0];
}
static const tn_tensor *constant_b(const tn_prep *p) {
    return settings_of(p->types.attrs).batch_b ? NULL : p->types.in_tensor[1];
}

static bool right_fits(const tn_prep *p) {
    return tn_infer_dtype(&p->types, 0) == TN_F32 && one_matrix(constant_b(p)) && !constant_a(p);
}

static tn_status right_prepare(tn_prep *p) {
    product_state *s = new_state(p);
    if (!s) return no_state(p);
    TN_TRY(pack_right(p, s, constant_b(p), settings_of(p->types.attrs).weights));
    s->no_scratch = never_scratch(s, constant_b(p));
    return matmul_fit(p);
}

static bool left_fits(const tn_prep *p) {
    const tn_tensor *a = constant_a(p);
    return tn_infer_dtype(&p->types, 0) == TN_F32 && one_matrix(a) && a->dtype == TN_F32 && !constant_b(p) &&
           tn_infer_rank(&p->types, 1) >= 2;
}

static tn_status left_prepare(tn_prep *p) {
    product_state *s = new_state(p);
    const tn_tensor *a = constant_a(p);
    const void *packed = NULL;
    if (!s) return no_state(p);
    int64_t rows = a->dims[a->rank - 2], cols = a->dims[a->rank - 1];
    pack_job j = { a, s->trans_a ? cols : rows, s->trans_a ? rows : cols, s->trans_a, p->pool, TN_F32, false };
    TN_TRY(tn_prep_pack(p, 1u << 0, s->trans_a ? "gemm_at" : "gemm_a",
                        tn_gemm_pack_a_bytes(&tn_kernels_get()->gemm, j.rows, j.cols), pack_a, &j, &packed));
    s->a_packed = packed;
    p->consumed |= 1u << 0;
    return matmul_fit(p);
}

static bool coded_fits(const tn_prep *p) { return tn_infer_encoding(&p->types, 1) != NULL; }

/* Both as they lie, unless B has to become another type first. */
static bool plain_fits(const tn_prep *p) {
    const tn_tensor *b = constant_b(p);
    return !right_fits(p) || (settings_of(p->types.attrs).weights == TN_NONE && b->dtype == TN_F32);
}

static tn_status plain_prepare(tn_prep *p) {
    if (!new_state(p)) return no_state(p);
    return tn_infer_dtype(&p->types, 0) == TN_F32 ? matmul_fit(p) : TN_OK;
}

/* Multiply-adds in nanoseconds; 0 when the sizes are not known. */
static double sums(const tn_prep *p) {
    tn_cost c = { 0 };
    if (!tn_type_static(p->types.in[0]) || !tn_type_static(&p->types.out[0])) return 0;
    (void)matmul_cost(&p->types, &c);
    return c.flops / (tn_kernels_get()->gemm.nr >= 32 ? 150 : 75) / tn_pool_threads(p->pool);
}

static double packed_estimate(const tn_prep *p) { return sums(p); }

/* Panels are made in every run: about a cycle for four floats of B. */
static double plain_estimate(const tn_prep *p) {
    const tn_type *b = p->types.in[1];
    int64_t floats = tn_type_static(b) ? tn_dims_count(b->rank, b->dims) : 0;
    return sums(p) + (double)floats / 12 + 1;
}

/* ------------------------------------------------------------------------------------------------------------ run */

/* Where a bias of shape [.., 1|M, 1|N] goes: per column, per row, or as a whole matrix. */
typedef enum { NO_BIAS, PER_COLUMN, PER_ROW, WHOLE } bias_form;

static bias_form form_of(const tn_tensor *b, int64_t m, int64_t n) {
    if (!b) return NO_BIAS;
    int64_t cols = b->rank > 0 ? b->dims[b->rank - 1] : 1, rows = tn_count(b) / (cols ? cols : 1);
    if (rows == 1 && cols == n) return PER_COLUMN;
    if (cols == 1 && rows == m && n > 1) return PER_ROW;
    return WHOLE;
}

/* bias, broadcast to the whole result and times beta, in scratch. */
static float *spread(tn_run *r, const tn_tensor *bias, float beta, int64_t m, int64_t n) {
    float *w = tn_run_scratch(r, (size_t)(m * n) * sizeof *w);
    const float *v = bias->data;
    int64_t cols = bias->rank > 0 ? bias->dims[bias->rank - 1] : 1, rows = tn_count(bias) / (cols ? cols : 1);
    if (!w || cols == 0 || rows == 0) return w;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) w[i * n + j] = beta * v[i % rows * cols + (cols == 1 ? 0 : j)];
    return w;
}

static tn_status run_f32(tn_run *r, const product_state *s, const product *p) {
    const tn_tensor *bias = s->beta != 0 ? tn_in(r, 2) : NULL, *residual = tn_in(r, 3);
    tn_tensor *y = tn_out(r, 0);
    tn_gemm_args g = args_of(s, p);
    int64_t rows = tn_count(y) / (p->n ? p->n : 1);
    float *d = residual ? residual->data : NULL;
    switch (form_of(bias, p->m, p->n)) {
    case NO_BIAS: break;
    case PER_COLUMN: g.bias_n = s->beta == 1 ? bias->data : spread(r, bias, s->beta, 1, p->n); break;
    case PER_ROW: g.bias_m = s->beta == 1 ? bias->data : spread(r, bias, s->beta, p->m, 1); break;
    case WHOLE: {
        float *w = spread(r, bias, s->beta, rows, p->n);
        if (!w) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the bias");
        if (d)
            for (int64_t i = 0; i < rows * p->n; i++) w[i] += d[i];
        d = w;
    }
    }
    g.d = d;
    int outer = p->loops > 2 ? p->loops - 2 : 0;
    int64_t at[TN_MAX_RANK] = { 0 }, oa = 0, ob = 0, oc = 0, calls = tn_op_product(p->count, 0, outer);
    const float *a = tn_in(r, 0)->data, *b = tn_in(r, 1)->data;
    bool encoded = tn_in(r, 1)->encoding;
    for (int64_t i = 0; i < calls; i++) {
        g.a = a + oa, g.b = b + ob;
        g.c = (float *)y->data + oc, g.d = d ? d + oc : NULL;
        TN_TRY(encoded ? run_encoded(r, &g, r->scratch) : tn_gemm(&tn_kernels_get()->gemm, &g, r->scratch, r->pool));
        for (int l = outer - 1; l >= 0; l--) {
            oa += p->step_a[l], ob += p->step_b[l], oc += p->step_c[l];
            if (++at[l] < p->count[l]) break;
            oa -= p->count[l] * p->step_a[l], ob -= p->count[l] * p->step_b[l], oc -= p->count[l] * p->step_c[l];
            at[l] = 0;
        }
    }
    return TN_OK;
}

static tn_status run_any(tn_run *r, const product_state *s, const product *p) {
    const tn_tensor *a = tn_in(r, 0), *b = tn_in(r, 1), *bias = s->beta != 0 ? tn_in(r, 2) : NULL;
    tn_tensor *y = tn_out(r, 0);
    size_t each = (size_t)tn_dtypes[a->dtype].bytes;
    tn_gemm_any g = { p->m,
                      p->n,
                      p->k,
                      .lda = p->lda,
                      .ldb = p->ldb,
                      .trans_a = p->trans_a,
                      .trans_b = p->trans_b,
                      .ldc = p->n,
                      .alpha = (double)s->alpha,
                      .beta = (double)s->beta };
    if (bias) {
        int64_t cols = bias->rank > 0 ? bias->dims[bias->rank - 1] : 1, rows = tn_count(bias) / (cols ? cols : 1);
        g.d = bias->data, g.cs_d = cols == 1 ? 0 : 1, g.rs_d = rows == 1 ? 0 : cols;
    }
    int64_t at[TN_MAX_RANK] = { 0 }, oa = 0, ob = 0, oc = 0, calls = tn_op_product(p->count, 0, p->loops);
    for (int64_t i = 0; i < calls; i++) {
        g.a = (const char *)a->data + (size_t)oa * each, g.b = (const char *)b->data + (size_t)ob * each;
        g.c = (char *)y->data + (size_t)oc * each;
        tn_status st = tn_gemm_generic(a->dtype, &g);
        if (st != TN_OK) return tn_fail_at(st, "%s", tn_node_where(r->node));
        for (int l = p->loops - 1; l >= 0; l--) {
            oa += p->step_a[l], ob += p->step_b[l], oc += p->step_c[l];
            if (++at[l] < p->count[l]) break;
            oa -= p->count[l] * p->step_a[l], ob -= p->count[l] * p->step_b[l], oc -= p->count[l] * p->step_c[l];
            at[l] = 0;
        }
    }
    return TN_OK;
}

static tn_status matmul_run(tn_run *r) {
    const product_state *s = r->state;
    const tn_tensor *a = tn_in(r, 0), *b = tn_in(r, 1);
    product p;
    if (tn_count(tn_out(r, 0)) == 0) return TN_OK;
    if (a->dtype != b->dtype && !s->b_packed && !s->b_half && !s->b_pairs)
        return tn_op_fail(r->node, TN_E_TYPE, "A is %s and B %s, which is no constant matrix", tn_dtype_name(a->dtype),
                          tn_dtype_name(b->dtype));
    product_of(s, a->rank, a->dims, b->rank, b->dims, &p);
    return a->dtype == TN_F32 ? run_f32(r, s, &p) : run_any(r, s, &p);
}

/* -------------------------------------------------------------------------------------------------- implementations */

static const tn_impl product_impls[] = {
    { "packed-b", TN_ON_CPU, 0, right_fits, packed_estimate, right_prepare, matmul_run },
    { "packed-a", TN_ON_CPU, 0, left_fits, packed_estimate, left_prepare, matmul_run },
    { "coded", TN_ON_CPU, 0, coded_fits, packed_estimate, plain_prepare, matmul_run },
    { "plain", TN_ON_CPU, 0, plain_fits, plain_estimate, plain_prepare, matmul_run },
    { 0 },
};

/* ----------------------------------------------------------------------------------------------------------- rows */

#define TYPES (TN_FLOATS | TN_INTS)
static const tn_port product_in[] = { { "A", TN_REAL, 'T' }, { "B", TN_REAL, 'T', .encoded = true }, { 0 } };
static const tn_port gemm_in[] = {
    { "A", TYPES, 'T' }, { "B", TYPES, 'T', .encoded = true }, { "C", TYPES, 'T', .optional = true }, { 0 }
};
static const tn_port fused_in[] = { { "A", TN_FLOATS, 'T' },
                                    { "B", TN_FLOATS, 0, .encoded = true }, /* constants also of 16 bits */
                                    { "bias", TN_FLOATS, 'T', .optional = true },
                                    { "residual", TN_FLOATS, 'T', .optional = true },
                                    { 0 } };
#define GEMM_ATTRS                                                     \
    { TN_FLOAT(settings, alpha, 1) }, { TN_FLOAT(settings, beta, 1) }, \
        { TN_FLAG_AS(settings, trans_a, "transA", false) }, {          \
        TN_FLAG_AS(settings, trans_b, "transB", false)                 \
    }
static const tn_attr_spec gemm_attrs[] = { GEMM_ATTRS, { 0 } };
static const tn_attr_spec contrib_attrs[] = {
    { TN_FLOAT(settings, alpha, 1) },
    { TN_FLAG_AS(settings, trans_a, "transA", false) },
    { TN_FLAG_AS(settings, trans_b, "transB", false) },
    { TN_FLAG_AS(settings, batch_a, "transBatchA", false), .min = 0, .max = 1 },
    { TN_FLAG_AS(settings, batch_b, "transBatchB", false), .min = 0, .max = 1 },
    { 0 }
};
static const tn_attr_spec fused_attrs[] = {
    GEMM_ATTRS, TN_FUSED_ATTRS(settings, fused), { TN_DTYPE(settings, weights, TN_NONE) }, { 0 }
};

#define CONTRIB(NAME)                                                                                           \
    {                                                                                                           \
        .name = NAME, .domain = "com.microsoft", .since = 1, .in = tn_ports_real_x2, .out = tn_ports_real_t,    \
        TN_ATTRS(contrib_attrs, settings), .infer = matmul_infer, .cost = matmul_cost, TN_IMPLS(product_impls), \
        .fit = matmul_fit, .arg = MATMUL, .grad = tn_grad_fused_matmul,                                         \
        .doc = "alpha A B, either matrix transposed; leading dimensions are batches and broadcast"              \
    }

const tn_op tn_ops_matmul[] = {
    { .name = "MatMul",
      .since = 13,
      .in = product_in,
      .out = tn_ports_real_t,
      .infer = matmul_infer,
      .cost = matmul_cost,
      TN_IMPLS(product_impls),
      .fit = matmul_fit,
      .arg = MATMUL,
      .grad = tn_grad_matmul,
      .doc = "matrix product as in NumPy: leading dimensions are batches and broadcast" },
    { .name = "Gemm",
      .since = 13,
      .in = gemm_in,
      .out = tn_ports_real_t,
      TN_ATTRS(gemm_attrs, settings),
      .infer = matmul_infer,
      .cost = matmul_cost,
      TN_IMPLS(product_impls),
      .fit = matmul_fit,
      .arg = GEMM,
      .grad = tn_grad_gemm,
      .doc = "alpha A B + beta C, either matrix transposed" },
    { .name = "MatMul",
      .domain = "tenon",
      .since = 1,
      .flags = TN_OP_INTERNAL,
      .in = fused_in,
      .out = tn_ports_float_t,
      TN_ATTRS(fused_attrs, settings),
      .infer = matmul_infer,
      .cost = matmul_cost,
      TN_IMPLS(product_impls),
      .fit = matmul_fit,
      .arg = FUSED_MATMUL,
      .doc = "act(alpha A B + beta bias + residual): MatMul or Gemm with what follows it" },
    CONTRIB("FusedMatMul"),
    CONTRIB("TransposeMatMul"), /* its older name */
    { 0 },
};
