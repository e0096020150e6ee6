/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qmatmul.c - matrix products of quantised operands: MatMulInteger gives the int32 sums, QLinearMatMul and QGemm scale
 * them back to 8 bits, MatMulIntegerToFloat and DynamicQuantizeMatMul to floats; float8 and 16-bit operands too.
 *
 * Two 8-bit operands are multiplied exactly by kernel/qgemm.h, which also scales when there is one factor per column at
 * most. Whatever is left - float8, int16, factors per row - takes sums of doubles or int32 and ends in finish(). */
#include "kernel/kernel.h"
#include "kernel/loop.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/quant/grads.h"
#include "op/quant/qparam.h"
#include <math.h>
#include <string.h>

/* Where a row of this family has its inputs; -1: nowhere. */
typedef struct {
    int a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero, bias;
    bool integer; /* gives the sums themselves */
    bool dynamic; /* A is float and quantised here */
} places;
enum { INTEGER, LINEAR, TO_FLOAT, DYNAMIC, GEMM };
static const places place_of[] = {
    [INTEGER] = { 0, -1, 2, 1, -1, 3, -1, -1, -1, .integer = true },
    [LINEAR] = { 0, 1, 2, 3, 4, 5, 6, 7, -1 },
    [TO_FLOAT] = { 0, 2, 4, 1, 3, 5, -1, -1, 6 },
    [DYNAMIC] = { 0, -1, -1, 1, 2, 3, -1, -1, 4, .dynamic = true },
    [GEMM] = { 0, 1, 2, 3, 4, 5, 7, 8, 6 },
};
static const places *places_of(const tn_node *n) { return &place_of[n->op->arg]; }

/* QGemm has attributes; the others have these. */
typedef struct {
    float alpha;
    bool transA, transB;
} gemm;
static const gemm *gemm_of(const void *attrs) {
    static const gemm plain = { .alpha = 1 };
    return attrs ? attrs : &plain;
}

/* ------------------------------------------------------------------------------------------------------ inference */

static tn_dtype result_type(const tn_infer *c) {
    const places *at = places_of(c->node);
    if (at->integer) {
        bool natural = tn_infer_dtype(c, at->a) == TN_U16 && tn_infer_dtype(c, at->b) == TN_U16;
        return natural ? TN_U32 : TN_I32;
    }
    if (at->y_zero >= 0 && tn_infer_has(c, at->y_zero)) return tn_infer_dtype(c, at->y_zero);
    if (at->y_scale >= 0 && tn_infer_has(c, at->y_scale)) return tn_infer_dtype(c, at->a);
    return at->dynamic ? TN_F32 : tn_infer_dtype(c, at->a_scale);
}

static tn_status qmatmul_infer(tn_infer *c) {
    const places *at = places_of(c->node);
    int ra = tn_infer_rank(c, at->a), rb = tn_infer_rank(c, at->b);
    tn_dim dims[TN_MAX_RANK];
    if (ra < 0 || rb < 0) {
        tn_infer_out(c, 0, result_type(c), -1, NULL);
        return TN_OK;
    }
    if (ra == 0 || rb == 0) return tn_infer_fail(c, TN_E_SHAPE, "a scalar cannot be multiplied as a matrix");
    bool ta = gemm_of(c->attrs)->transA, tb = gemm_of(c->attrs)->transB;
    if (c->node->op->arg == GEMM && (ra != 2 || rb != 2))
        return tn_infer_fail(c, TN_E_SHAPE, "A and B have %d and %d dimensions, 2 are needed", ra, rb);
    const tn_dim *da = c->in[at->a]->dims, *db = c->in[at->b]->dims;
    tn_dim ka = da[ta ? ra - 2 : ra - 1], kb = rb == 1 ? db[0] : db[tb ? rb - 1 : rb - 2];
    if (tn_dim_known(ka) && tn_dim_known(kb) && ka != kb)
        return tn_infer_fail(c, TN_E_SHAPE, "A has %lld columns but B has %lld rows", (long long)ka, (long long)kb);
    int rank = ra > rb ? ra : rb, out = rank < 2 ? 0 : rank - 2;
    for (int i = 0; i < out; i++) {
        int ia = i - (rank - ra), ib = i - (rank - rb);
        TN_TRY(tn_infer_broadcast_dim(c, ra > 2 && ia >= 0 ? da[ia] : 1, rb > 2 && ib >= 0 ? db[ib] : 1, &dims[i]));
    }
    if (ra > 1) dims[out++] = da[ta ? ra - 1 : ra - 2];
    if (rb > 1) dims[out++] = db[tb ? rb - 2 : rb - 1];
    tn_infer_out(c, 0, result_type(c), out, dims);
    return TN_OK;
}

static tn_status qmatmul_cost(const tn_infer *c, tn_cost *out) {
    const tn_type *a = c->in[places_of(c->node)->a];
    out->flops = 2 * (double)a->dims[gemm_of(c->attrs)->transA ? 0 : a->rank - 1];
    for (int i = 0; i < c->out[0].rank; i++) out->flops *= (double)c->out[0].dims[i];
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------------------- shapes */

typedef struct {
    int64_t m, n, k, matrices_a, matrices_b, batches;
    bool trans_a, trans_b;
    tn_loop loop; /* over batches; arrays: A, B, counted in matrices */
} product;

static void product_of(const gemm *of, const tn_tensor *a, const tn_tensor *b, product *p) {
    int ra = a->rank, rb = b->rank, ba = ra < 2 ? 0 : ra - 2, bb = rb < 2 ? 0 : rb - 2, rank = ba > bb ? ba : bb;
    int64_t rows_a = ra < 2 ? 1 : a->dims[ra - 2], cols_a = a->dims[ra - 1];
    int64_t rows_b = rb < 2 ? b->dims[0] : b->dims[rb - 2], cols_b = rb < 2 ? 1 : b->dims[rb - 1];
    int64_t dims[TN_MAX_RANK], sa[TN_MAX_RANK], sb[TN_MAX_RANK];
    *p = (product){ .trans_a = of->transA, .trans_b = of->transB };
    p->m = p->trans_a ? cols_a : rows_a, p->k = p->trans_a ? rows_a : cols_a, p->n = p->trans_b ? rows_b : cols_b;
    for (int i = 0; i < rank; i++) {
        int64_t da = i - (rank - ba) >= 0 ? a->dims[i - (rank - ba)] : 1;
        int64_t db = i - (rank - bb) >= 0 ? b->dims[i - (rank - bb)] : 1;
        dims[i] = da == 1 ? db : da;
    }
    p->matrices_a = tn_op_product(a->dims, 0, ba), p->matrices_b = tn_op_product(b->dims, 0, bb);
    p->batches = tn_op_product(dims, 0, rank);
    tn_broadcast_strides(rank, dims, ba, a->dims, sa);
    tn_broadcast_strides(rank, dims, bb, b->dims, sb);
    tn_loop_init(&p->loop, rank, dims, 2, (const int64_t *const[]){ sa, sb });
}

/* One parameter of an operand: 1, one per row (column), or one per row of every matrix. */
typedef struct {
    const float *v;
    int64_t n, rows;
} param;

static const float *param_at(const param *p, int64_t matrix) { return p->v + (p->n > p->rows ? matrix * p->rows : 0); }

static tn_status read_param(tn_run *r, int input, float dflt, int64_t rows, int64_t matrices, param *p) {
    p->rows = rows;
    TN_TRY(tn_q_floats(r, input, dflt, &p->v, &p->n));
    if (p->n == 1 || p->n == rows || p->n == rows * matrices) return TN_OK;
    return tn_op_fail(r->node, TN_E_SHAPE, "'%s' has %lld elements; 1 or %lld can be", r->node->op->in[input].name,
                      (long long)p->n, (long long)rows);
}

/* -------------------------------------------------------------------------------------------------------- prepare */

typedef struct {
    const void *packed; /* B, or NULL */
    bool tiled;         /* as kernel/qconv.h wants it */
} qmatmul_state;

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

/* ------------------------------------------------------------------------------------------------- float results */

/* Exactly n elements (or one), as far as planning knows. */
static bool counts(const tn_infer *t, int i, int64_t n) {
    if (i < 0 || !tn_infer_has(t, i)) return true;
    if (!tn_type_static(t->in[i])) return false;
    int64_t have = tn_dims_count(t->in[i]->rank, t->in[i]->dims);
    return have == 1 || have == n;
}

/* One scale for A, constant weights, at most a factor and a number for each column: sums become floats in registers. */
static bool tiles(const tn_infer *t, const places *at, int64_t n) {
    const tn_tensor *zero = at->b_zero >= 0 && tn_infer_has(t, at->b_zero) ? t->in_tensor[at->b_zero] : NULL;
    if (at->integer || at->y_scale >= 0 || t->out[0].dtype != TN_F32) return false;
    if (tn_infer_has(t, at->b_zero) && !zero) return false;
    if (at->bias >= 0 && tn_infer_has(t, at->bias) && (t->in[at->bias]->dtype != TN_F32 || t->in[at->bias]->rank > 1))
        return false;
    return counts(t, at->a_scale, 1) && counts(t, at->a_zero, 1) && counts(t, at->b_scale, n) &&
           counts(t, at->b_zero, n) && counts(t, at->bias, n);
}

typedef struct {
    tn_qweights w;
    tn_qconv_size size;
} tile_job;

static tn_status fill_tiles(void *dst, const void *user) {
    const tile_job *j = user;
    tn_qconv_pack(&tn_kernels_get()->qconv, &j->w, &j->size, dst);
    return TN_OK;
}

static tn_status prepare_tiles(tn_prep *p, const places *at, const tn_tensor *b, qmatmul_state *s) {
    const tn_infer *t = &p->types;
    const tn_qconv_kernels *kn = &tn_kernels_get()->qconv;
    const tn_tensor *zero = tn_infer_has(t, at->b_zero) ? t->in_tensor[at->b_zero] : NULL;
    int64_t k = b->dims[b->rank - 2], n = b->dims[b->rank - 1], zeros = zero ? tn_count(zero) : 1;
    int32_t *z = tn_arena_array(p->arena, int32_t, (size_t)zeros + 1);
    if (!z) return tn_op_fail(t->node, TN_E_NOMEM, "no memory to prepare");
    if (zero) TN_TRY(tn_convert(zero->dtype, zero->data, TN_I32, z, zeros, true, TN_ROUND_NEAREST));
    tn_qweights w = { .oc = n, .ic = k, .taps = 1, .groups = 1, .w = b->data, .is_signed = b->dtype == TN_I8 };
    w.o_step = 1, w.i_step = n, w.t_step = 1, w.zero = z, w.zero_many = zeros > 1;
    tile_job j = { w, tn_qconv_measure(kn, &w) };
    TN_TRY(tn_prep_pack(p, 1u << at->b | (zero ? 1u << at->b_zero : 0), "!qtile_b", j.size.bytes, fill_tiles, &j,
                        &s->packed));
    s->tiled = true;
    p->consumed |= 1u << at->b;
    return TN_OK;
}

static tn_status qmatmul_prepare(tn_prep *p) {
    const tn_node *n = p->types.node;
    const places *at = places_of(n);
    const tn_tensor *b = p->types.in_tensor[at->b];
    qmatmul_state *s = tn_arena_new_of(p->arena, qmatmul_state);
    if (!s) return tn_op_fail(n, TN_E_NOMEM, "no memory to prepare");
    *s = (qmatmul_state){ 0 };
    p->state = s;
    tn_dtype a = at->dynamic ? TN_U8 : tn_infer_dtype(&p->types, at->a);
    if (!b || !tn_q_is_8bit(b->dtype) || !tn_q_is_8bit(a) || tn_count(b) == 0) return TN_OK;
    if (b->rank < 2 || tn_op_product(b->dims, 0, b->rank - 2) != 1) return TN_OK;
    pack_job j = { .b = b, .trans = gemm_of(p->types.attrs)->transB };
    j.k = b->dims[b->rank - (j.trans ? 1 : 2)], j.n = b->dims[b->rank - (j.trans ? 2 : 1)];
    if (!j.trans && tiles(&p->types, at, j.n)) return prepare_tiles(p, at, b, s);
    TN_TRY(tn_prep_pack(p, 1u << at->b, j.trans ? "qgemm_bt" : "qgemm_b",
                        tn_qgemm_pack_b_bytes(&tn_kernels_get()->qgemm, j.k, j.n), pack_b, &j, &s->packed));
    p->consumed |= 1u << at->b;
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ run */

typedef struct {
    tn_run *r;
    const places *at;
    product p;
    const char *a;
    tn_dtype a_type, b_type;
    param sa, sb, za, zb;
    const int32_t *iza, *izb; /* the zero points as integers */
    float y_scale, alpha;
    double y_zero;
    int64_t bias_n, bias_rows; /* elements; rows that differ: 1 or m */
    const int32_t *bias_int;
    const float *bias;
} job;

/* n results of row i of a batch, from its sums. */
static tn_status finish(const job *j, int64_t am, int64_t bm, int64_t i, const double *sums, int64_t at) {
    tn_tensor *y = tn_out(j->r, 0);
    const float *sa = param_at(&j->sa, am), *sb = param_at(&j->sb, bm);
    bool integer = tn_dtype_is_int(y->dtype);
    int bits = tn_dtype_bits(y->dtype);
    double lo = tn_dtype_is_signed(y->dtype) ? -ldexp(1, bits - 1) : 0, hi = lo + ldexp(1, bits) - 1;
    for (int64_t c = 0; c < j->p.n; c++) {
        float scale = j->alpha * sa[j->sa.n > 1 ? i : 0] * sb[j->sb.n > 1 ? c : 0] / j->y_scale;
        int64_t b = (j->bias_rows > 1 ? i * (j->bias_n / j->bias_rows) : 0) + (j->bias_n > j->bias_rows ? c : 0);
        double v = sums[c] + (j->bias_int ? (double)j->bias_int[b] : 0);
        v = (double)((float)v * scale) + (j->bias ? (double)j->bias[b] : 0);
        if (!integer) {
            tn_set_f64(y->dtype, y->data, at + c, v + j->y_zero);
            continue;
        }
        v = nearbyint(v) + j->y_zero;
        tn_set_i64(y->dtype, y->data, at + c, (int64_t)(v > lo ? v < hi ? v : hi : lo));
    }
    return TN_OK;
}

/* Any types: operands as floats with their zero points taken off, sums as doubles. */
static tn_status run_plain(job *j) {
    const tn_tensor *b = tn_in(j->r, j->at->b);
    const product *p = &j->p;
    tn_walk w;
    size_t na = (size_t)(p->m * p->k), nb = (size_t)(p->k * p->n);
    float *fa = tn_run_scratch(j->r, (na + 1) * sizeof *fa), *fb = tn_run_scratch(j->r, (nb + 1) * sizeof *fb);
    double *sums = tn_run_scratch(j->r, (size_t)(p->n + 1) * sizeof *sums);
    tn_tensor *y = tn_out(j->r, 0);
    if (!fa || !fb || !sums) return tn_op_fail(j->r->node, TN_E_NOMEM, "no memory for the product");
    tn_walk_start(&w, &p->loop, 0, 0);
    for (int64_t q = 0; q < p->batches; q++, tn_walk_next(&w)) {
        int64_t am = w.offset[0], bm = w.offset[1];
        const float *za = param_at(&j->za, am), *zb = param_at(&j->zb, bm);
        const char *a = tn_op_past(j->a, am * p->m * p->k * tn_dtypes[j->a_type].bytes);
        const char *bs = tn_op_past(b->data, bm * p->k * p->n * tn_dtypes[j->b_type].bytes);
        TN_TRY(tn_convert(j->a_type, a, TN_F32, fa, (int64_t)na, true, TN_ROUND_NEAREST));
        TN_TRY(tn_convert(j->b_type, bs, TN_F32, fb, (int64_t)nb, true, TN_ROUND_NEAREST));
        for (int64_t i = 0; i < p->m; i++) {
            memset(sums, 0, (size_t)p->n * sizeof *sums);
            for (int64_t k = 0; k < p->k; k++) {
                double x = (double)(fa[p->trans_a ? k * p->m + i : i * p->k + k] - za[j->za.n > 1 ? i : 0]);
                for (int64_t c = 0; c < p->n; c++)
                    sums[c] += x * (double)(fb[p->trans_b ? c * p->k + k : k * p->n + c] - zb[j->zb.n > 1 ? c : 0]);
            }
            int64_t at = (q * p->m + i) * p->n;
            if (j->at->integer)
                for (int64_t c = 0; c < p->n; c++) ((uint32_t *)y->data)[at + c] = (uint32_t)(int64_t)sums[c];
            else
                TN_TRY(finish(j, am, bm, i, sums, at));
        }
    }
    return TN_OK;
}

/* Can the kernel give the results as they are? It takes one factor per column, and int32 to add per column. */
static bool direct(const job *j, tn_dtype y) {
    if (j->at->integer) return true;
    return (y == TN_U8 || y == TN_I8 || y == TN_F32) && j->sa.n == 1 && j->bias_rows <= 1 &&
           (!j->bias_int || j->bias_n == j->p.n) && (y == TN_F32 || !j->bias);
}

/* The factor of every column (or one), in scratch. */
static tn_status factors(const job *j, tn_qgemm_args *g, int64_t bm, float *v) {
    const float *sb = param_at(&j->sb, bm);
    g->scale_cols = j->sb.n > 1;
    for (int64_t c = 0; c < (g->scale_cols ? j->p.n : 1); c++) v[c] = j->alpha * *j->sa.v * sb[c] / j->y_scale;
    g->scale = v;
    return TN_OK;
}

static void add_bias(float *y, const float *bias, int64_t n_bias, int64_t rows, int64_t n) {
    for (int64_t i = 0; i < rows; i++, y += n)
        for (int64_t c = 0; c < n; c++) y[c] += bias[n_bias > 1 ? c : 0];
}

static tn_status run_bytes(job *j, const void *packed) {
    const tn_kernels *kn = tn_kernels_get();
    const tn_tensor *b = tn_in(j->r, j->at->b);
    tn_tensor *y = tn_out(j->r, 0);
    product *p = &j->p;
    tn_walk w;
    if (p->matrices_b == 1 && p->batches == p->matrices_a && !p->trans_a && (j->sa.n == 1 || j->sa.n != j->sa.rows) &&
        (j->za.n == 1 || j->za.n != j->za.rows) && j->bias_rows <= 1) { /* many matrices by one: a taller one */
        p->m *= p->batches, p->batches = 1, p->matrices_a = 1;
        j->sa.rows = j->za.rows = p->m;
    }
    tn_qgemm_args g = { .m = p->m, .n = p->n, .k = p->k, .lda = p->k, .ldc = p->n, .c_zero = (int32_t)j->y_zero };
    g.a_signed = j->a_type == TN_I8, g.b_signed = j->b_type == TN_I8, g.b_packed = packed;
    g.trans_b = p->trans_b, g.ldb = p->trans_b ? p->k : p->n;
    g.a_zero_rows = j->za.n > 1, g.b_zero_cols = j->zb.n > 1;
    bool as_is = direct(j, y->dtype);
    g.c_type = as_is ? y->dtype : TN_I32;
    if (as_is) g.bias = j->bias_int;
    size_t each = (size_t)tn_dtypes[y->dtype].bytes, area = (size_t)(p->m * p->k);
    float *scale = tn_run_scratch(j->r, (size_t)(p->n + 1) * sizeof *scale);
    char *across = p->trans_a ? tn_run_scratch(j->r, area + 1) : NULL;
    int32_t *sums = as_is ? NULL : tn_run_scratch(j->r, (size_t)(p->m * p->n + 1) * sizeof *sums);
    double *row = as_is ? NULL : tn_run_scratch(j->r, (size_t)(p->n + 1) * sizeof *row);
    void *scratch = tn_run_scratch(j->r, tn_qgemm_scratch(&kn->qgemm, &g, tn_pool_threads(j->r->pool)) + 64);
    if (!scale || !scratch || (p->trans_a && !across) || (!as_is && (!sums || !row)))
        return tn_op_fail(j->r->node, TN_E_NOMEM, "no memory for the product");
    tn_walk_start(&w, &p->loop, 0, 0);
    for (int64_t q = 0; q < p->batches; q++, tn_walk_next(&w)) {
        int64_t am = w.offset[0], bm = w.offset[1];
        g.a = tn_op_past(j->a, am * p->m * p->k), g.b = tn_op_past(b->data, bm * p->k * p->n);
        if (p->trans_a) {
            kn->move.transpose[0](g.a, p->m, across, p->k, p->k, p->m);
            g.a = across;
        }
        g.a_zero = j->iza + (param_at(&j->za, am) - j->za.v), g.b_zero = j->izb + (param_at(&j->zb, bm) - j->zb.v);
        g.c = as_is ? (char *)y->data + (size_t)(q * p->m * p->n) * each : (char *)sums;
        if (g.c_type != TN_I32) TN_TRY(factors(j, &g, bm, scale));
        TN_TRY(tn_qgemm(&kn->qgemm, &g, scratch, j->r->pool));
        if (as_is && j->bias) add_bias(g.c, j->bias, j->bias_n, p->m, p->n);
        for (int64_t i = 0; !as_is && i < p->m; i++) {
            for (int64_t c = 0; c < p->n; c++) row[c] = (double)sums[i * p->n + c];
            TN_TRY(finish(j, am, bm, i, row, (q * p->m + i) * p->n));
        }
    }
    return TN_OK;
}

/* The zero points as integers, for the kernel. */
static tn_status integers(tn_run *r, const param *p, const int32_t **out) {
    int32_t *v = tn_run_scratch(r, (size_t)(p->n + 1) * sizeof *v);
    if (!v) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for %lld zero points", (long long)p->n);
    for (int64_t i = 0; i < p->n; i++) v[i] = (int32_t)p->v[i];
    *out = v;
    return TN_OK;
}

static tn_status read_bias(job *j) {
    const tn_tensor *t = j->at->bias >= 0 ? tn_in(j->r, j->at->bias) : NULL;
    if (!t) return TN_OK;
    int64_t cols = t->rank > 0 ? t->dims[t->rank - 1] : 1;
    j->bias_n = tn_count(t), j->bias_rows = cols ? j->bias_n / cols : 0;
    bool fits = (cols == 1 || cols == j->p.n) && (j->bias_rows == 1 || j->bias_rows == j->p.m) &&
                (j->bias_rows == 1 || j->p.batches == 1);
    if (!fits)
        return tn_op_fail(j->r->node, TN_E_SHAPE, "the bias does not fit a result of %lld columns", (long long)j->p.n);
    if (t->dtype == TN_I32) {
        j->bias_int = t->data;
        return TN_OK;
    }
    int64_t n;
    return tn_q_floats(j->r, j->at->bias, 0, &j->bias, &n);
}

/* DynamicQuantizeMatMul's A. */
static tn_status quantise_a(job *j, const tn_tensor *a) {
    uint8_t *q = tn_run_scratch(j->r, (size_t)tn_count(a) + 64), zero;
    float *found = tn_run_scratch(j->r, 2 * sizeof *found);
    if (!q || !found) return tn_op_fail(j->r->node, TN_E_NOMEM, "no memory for the quantised operand");
    tn_q_dynamic(a->data, tn_count(a), q, &found[0], &zero, j->r->pool);
    found[1] = (float)zero;
    j->a = (const char *)q, j->a_type = TN_U8;
    j->sa.v = &found[0], j->za.v = &found[1];
    return TN_OK;
}

/* Codes of s8 as u8. */
static const uint8_t *unsigned_codes(tn_run *r, const void *a, int64_t n) {
    uint8_t *u = tn_run_scratch(r, (size_t)n + 1);
    for (int64_t i = 0; u && i < n; i++) u[i] = (uint8_t)(((const uint8_t *)a)[i] ^ 128);
    return u;
}

/* The prepared tiles: one end for every column. */
static tn_status run_tiles(job *j, const void *packed) {
    const int32_t *sums = tn_qconv_sums(&tn_kernels_get()->qconv, packed);
    int64_t n = j->p.n, rows = j->p.m * j->p.batches;
    size_t wide = tn_align_up((size_t)n, TN_QBLOCK);
    bool is_signed = j->a_type == TN_I8;
    int32_t *add = tn_run_scratch(j->r, wide * sizeof *add), zero = (int32_t)*j->za.v + (is_signed ? 128 : 0);
    float *scale = tn_run_scratch(j->r, wide * sizeof *scale), *bias = tn_run_scratch(j->r, wide * sizeof *bias);
    const uint8_t *a = is_signed ? unsigned_codes(j->r, j->a, rows * j->p.k) : (const uint8_t *)j->a;
    if (!add || !scale || !bias || (is_signed && !a))
        return tn_op_fail(j->r->node, TN_E_NOMEM, "no memory for the product");
    for (int64_t c = 0; c < (int64_t)wide; c++) {
        bool in = c < n;
        add[c] = in ? (int32_t)(0 - (uint32_t)zero * (uint32_t)sums[c]) : 0;
        scale[c] = in ? *j->sa.v * j->sb.v[j->sb.n > 1 ? c : 0] : 0;
        bias[c] = in && j->bias ? j->bias[j->bias_n > 1 ? c : 0] : 0;
    }
    tn_qend end = { .add = add, .scale = scale, .bias = bias, .y_type = TN_F32 };
    return tn_q_product(j->r, packed, a, rows, j->p.k, n, end, tn_out(j->r, 0)->data);
}

static tn_status qmatmul_run(tn_run *r) {
    const qmatmul_state *s = r->state;
    const places *at = places_of(r->node);
    const tn_tensor *a = tn_in(r, at->a), *b = tn_in(r, at->b);
    job j = { .r = r, .at = at, .a = a->data, .a_type = a->dtype, .b_type = b->dtype };
    param ys, yz;
    if (tn_count(tn_out(r, 0)) == 0) return TN_OK;
    product_of(gemm_of(r->attrs), a, b, &j.p);
    TN_TRY(read_param(r, at->a_scale, 1, j.p.m, j.p.matrices_a, &j.sa));
    TN_TRY(read_param(r, at->b_scale, 1, j.p.n, j.p.matrices_b, &j.sb));
    TN_TRY(read_param(r, at->a_zero, 0, j.p.m, j.p.matrices_a, &j.za));
    TN_TRY(read_param(r, at->b_zero, 0, j.p.n, j.p.matrices_b, &j.zb));
    TN_TRY(read_param(r, at->y_scale, 1, 1, 1, &ys));
    TN_TRY(read_param(r, at->y_zero, 0, 1, 1, &yz));
    TN_TRY(read_bias(&j));
    if (at->dynamic) TN_TRY(quantise_a(&j, a));
    j.y_scale = *ys.v, j.y_zero = (double)*yz.v, j.alpha = gemm_of(r->attrs)->alpha;
    if (!tn_q_is_8bit(j.a_type) || !tn_q_is_8bit(j.b_type)) return run_plain(&j);
    if (s->tiled) return run_tiles(&j, s->packed);
    TN_TRY(integers(r, &j.za, &j.iza));
    TN_TRY(integers(r, &j.zb, &j.izb));
    return run_bytes(&j, s->packed);
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define F32  tn_dtype_bit(TN_F32)
#define I32  tn_dtype_bit(TN_I32)
#define I16  (tn_dtype_bit(TN_I16) | tn_dtype_bit(TN_U16))
#define HALF (tn_dtype_bit(TN_F32) | tn_dtype_bit(TN_F16))
#define WIDE (HALF | tn_dtype_bit(TN_BF16))
#define QF8  (TN_Q8 | TN_F8)
static const tn_port integer_in[] = { { "A", TN_Q8, 'A' },
                                      { "B", TN_Q8, 'B' },
                                      { "a_zero_point", TN_Q8, 'A', .optional = true },
                                      { "b_zero_point", TN_Q8, 'B', .optional = true },
                                      { 0 } };
static const tn_port integer16_in[] = { { "A", I16, 0 }, { "B", I16, 0 }, { 0 } };
static const tn_port linear_in[] = { { "a", QF8, 'A' },        { "a_scale", WIDE, 'S' },   { "a_zero_point", QF8, 'A' },
                                     { "b", QF8, 'B' },        { "b_scale", WIDE, 'S' },   { "b_zero_point", QF8, 'B' },
                                     { "y_scale", WIDE, 'S' }, { "y_zero_point", QF8, 0 }, { 0 } };
static const tn_port float_in[] = { { "A", TN_Q8, 'A' },
                                    { "B", TN_Q8, 'B' },
                                    { "a_scale", HALF, 'S' },
                                    { "b_scale", HALF, 'S' },
                                    { "a_zero_point", TN_Q8, 'A', .optional = true },
                                    { "b_zero_point", TN_Q8, 'B', .optional = true },
                                    { "bias", HALF, 'S', .optional = true },
                                    { 0 } };
static const tn_port dynamic_in[] = { { "A", F32, 0 },
                                      { "B", TN_Q8, 'B' },
                                      { "b_scale", F32, 0 },
                                      { "b_zero_point", TN_Q8, 'B', .optional = true },
                                      { "bias", F32, 0, .optional = true },
                                      { 0 } };
static const tn_port gemm_in[] = { { "A", TN_Q8, 'A' },
                                   { "a_scale", F32, 0 },
                                   { "a_zero_point", TN_Q8, 'A' },
                                   { "B", TN_Q8, 'B' },
                                   { "b_scale", F32, 0 },
                                   { "b_zero_point", TN_Q8, 'B' },
                                   { "C", I32, 0, .optional = true },
                                   { "y_scale", F32, 0, .optional = true },
                                   { "y_zero_point", TN_Q8, 0, .optional = true },
                                   { 0 } };
static const tn_port i32_out[] = { { "Y", I32, 0 }, { 0 } };
static const tn_port integer16_out[] = { { "Y", I32 | tn_dtype_bit(TN_U32), 0 }, { 0 } };
static const tn_port any_out[] = { { "Y", QF8 | WIDE, 0 }, { 0 } };
static const tn_attr_spec gemm_attrs[] = {
    { TN_FLOAT(gemm, alpha, 1) }, { TN_FLAG(gemm, transA, false) }, { TN_FLAG(gemm, transB, false) }, { 0 }
};

#define MICROSOFT "com.microsoft"
#define FUNCTIONS .infer = qmatmul_infer, .cost = qmatmul_cost, .prepare = qmatmul_prepare, .run = qmatmul_run
const tn_op tn_ops_qmatmul[] = {
    { .name = "MatMulInteger",
      .since = 10,
      .in = integer_in,
      .out = i32_out,
      .arg = INTEGER,
      FUNCTIONS,
      .grad = tn_grad_none,
      .doc = "matrix product of 8-bit integers with int32 sums" },
    { .name = "QLinearMatMul",
      .since = 21,
      .in = linear_in,
      .out = any_out,
      .arg = LINEAR,
      FUNCTIONS,
      .grad = tn_grad_none,
      .doc = "matrix product of quantised tensors with a quantised result" },
    { .name = "MatMulInteger16",
      .domain = MICROSOFT,
      .since = 1,
      .in = integer16_in,
      .out = integer16_out,
      .arg = INTEGER,
      FUNCTIONS,
      .grad = tn_grad_none,
      .doc = "matrix product of 16-bit integers with int32 sums, uint32 where both are unsigned" },
    { .name = "MatMulIntegerToFloat",
      .domain = MICROSOFT,
      .since = 1,
      .in = float_in,
      .out = any_out,
      .arg = TO_FLOAT,
      FUNCTIONS,
      .grad = tn_grad_integer_to_float,
      .doc = "matrix product of quantised tensors as floats, plus a bias" },
    { .name = "DynamicQuantizeMatMul",
      .domain = MICROSOFT,
      .since = 1,
      .in = dynamic_in,
      .out = any_out,
      .arg = DYNAMIC,
      FUNCTIONS,
      .grad = tn_grad_dynamic_product,
      .doc = "floats quantised by their range, times a quantised matrix, plus a bias" },
    { .name = "QGemm",
      .domain = MICROSOFT,
      .since = 1,
      .in = gemm_in,
      .out = any_out,
      TN_ATTRS(gemm_attrs, gemm),
      .arg = GEMM,
      FUNCTIONS,
      .grad = tn_grad_quantised_gemm,
      .doc = "alpha A B + C of quantised matrices, either one transposed; quantised again or as floats" },
    { 0 },
};
