/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* moe.c - com.microsoft.MoE and QMoE: a mixture of experts. Each token goes to the k experts that its router scores
 * highest (moe_route.c), y = sum of weight * fc2(act(fc1 x) [* fc3 x]). Source: docs/ContribOperators.md of ONNX
 * Runtime; what it leaves open is as its CPU provider does it.
 *
 * Only experts that somebody chose are computed, each once for all its tokens, some hundred rows at a time. Weights are
 * floats, blocks of an encoding (MoE) or fields with scales (QMoE), read where they lie (kernel/coded.h). A token's sum
 * is taken in the order of experts, so that bits depend on neither threads nor neighbours' choices alone. */
#include "op/quant/moe.h"
#include "base/budget.h"
#include "kernel/kernel.h"
#include "op/core/grad.h"
#include "op/core/support.h"
#include "op/quant/qparam.h"
#include <math.h>
#include <string.h>

enum { INPUT, ROUTER, ROUTER_WEIGHTS = 14, ROWS = 256 /* of an expert at a time */ };
enum { RELU, GELU, SILU, SWIGLU, IDENTITY };
enum { APART, INTERLEAVED, BESIDE }; /* gates and values of swiglu: of fc1 and fc3, by turns, halves */

typedef struct {
    int64_t k, swiglu_fusion, expert_weight_bits, fc1_expert_weight_bits, fc2_expert_weight_bits,
        fc3_expert_weight_bits, block_size, accuracy_level, weights_prepacked;
    bool normalize_routing_weights, use_sparse_mixer, swiglu_limit_after_activation;
    float activation_alpha, activation_beta;
    tn_maybe_float swiglu_limit;
    int activation_type, quant_type;
} settings;

/* Which inputs a product has; -1: none. */
typedef struct {
    int w, scale, bias, zero;
} ports;
static const ports moe_ports[3] = { { 2, -1, 3, -1 }, { 4, -1, 5, -1 }, { 6, -1, 7, -1 } };
static const ports qmoe_ports[3] = { { 2, 3, 4, 11 }, { 5, 6, 7, 12 }, { 8, 9, 10, 13 } };

static bool is_coded(const tn_node *n) { return !strcmp(n->op->name, "QMoE"); }
static const ports *ports_of(const tn_node *n) { return is_coded(n) ? qmoe_ports : moe_ports; }

static int bits_of(const settings *a, int layer) {
    int64_t own = layer == 0   ? a->fc1_expert_weight_bits
                  : layer == 1 ? a->fc2_expert_weight_bits
                               : a->fc3_expert_weight_bits;
    return (int)(own ? own : a->expert_weight_bits);
}

/* ------------------------------------------------------------------------------------------------------ inference */

static tn_dim dim_of(const tn_infer *c, int i, int d) {
    return tn_infer_rank(c, i) > d ? c->in[i]->dims[d] : TN_DIM_UNKNOWN;
}

/* Input i, where there is one, is [want...]; dimensions that are not known are anybody's. */
static tn_status expect(tn_infer *c, int i, int rank, const tn_dim *want) {
    if (i < 0 || !tn_infer_has(c, i) || tn_infer_rank(c, i) < 0) return TN_OK;
    const char *name = c->node->op->in[i].name;
    if (tn_infer_rank(c, i) != rank)
        return tn_infer_fail(c, TN_E_SHAPE, "'%s' has %d dimensions; %d are needed", name, tn_infer_rank(c, i), rank);
    for (int d = 0; d < rank; d++) {
        tn_dim have = c->in[i]->dims[d];
        if (tn_dim_known(have) && tn_dim_known(want[d]) && have != want[d])
            return tn_infer_fail(c, TN_E_SHAPE, "'%s' has %lld in dimension %d; %lld are needed", name, (long long)have,
                                 d, (long long)want[d]);
    }
    return TN_OK;
}

/* Unknown when it is too large, too: no weights are. */
static tn_dim times(tn_dim n, int64_t by) {
    int64_t all;
    return tn_dim_known(n) && !__builtin_mul_overflow(n, by, &all) ? all : TN_DIM_UNKNOWN;
}

/* Bytes of so many fields. */
static tn_dim packed(tn_dim n, int bits) {
    tn_dim all = times(n, bits);
    return tn_dim_known(all) ? all / 8 + (all % 8 > 0) : TN_DIM_UNKNOWN;
}

/* The product of `layer` is [n, k] for each expert. */
static tn_status check_layer(tn_infer *c, int layer, tn_dim experts, tn_dim n, tn_dim k) {
    const settings *a = c->attrs;
    const ports *p = &ports_of(c->node)[layer];
    int bits = bits_of(a, layer);
    TN_TRY(expect(c, p->bias, 2, (tn_dim[]){ experts, n }));
    if (!is_coded(c->node)) return expect(c, p->w, 3, (tn_dim[]){ experts, n, k });
    if (tn_dim_known(k) && (k % 8 * bits % 8 || (a->block_size && k % a->block_size)))
        return tn_infer_fail(c, TN_E_SHAPE,
                             "rows of %lld weights of %d bits: whole bytes and blocks of %lld are needed", (long long)k,
                             bits, (long long)a->block_size);
    TN_TRY(expect(c, p->w, 3, (tn_dim[]){ experts, n, packed(k, bits) }));
    if (tn_infer_has(c, p->w) && !tn_infer_has(c, p->scale))
        return tn_infer_fail(c, TN_E_GRAPH, "'%s' have no scales", c->node->op->in[p->w].name);
    if (!a->block_size) {
        TN_TRY(expect(c, p->scale, 2, (tn_dim[]){ experts, n }));
        return expect(c, p->zero, 2, (tn_dim[]){ experts, packed(n, bits) });
    }
    tn_dim blocks = tn_dim_known(k) ? k / a->block_size : TN_DIM_UNKNOWN;
    TN_TRY(expect(c, p->scale, 3, (tn_dim[]){ experts, n, blocks }));
    return expect(c, p->zero, 3, (tn_dim[]){ experts, n, packed(blocks, bits) });
}

static tn_status check_settings(tn_infer *c) {
    const settings *a = c->attrs;
    const ports *p = ports_of(c->node);
    bool third = tn_infer_has(c, p[2].w);
    if (a->activation_type == SWIGLU && (a->swiglu_fusion == APART) != third)
        return tn_infer_fail(c, TN_E_GRAPH, "swiglu_fusion is %lld and fc3_experts_weights are%s there",
                             (long long)a->swiglu_fusion, third ? "" : " not");
    if (a->use_sparse_mixer && a->k != 2)
        return tn_infer_fail(c, TN_E_INVALID, "the sparse mixer chooses 2 experts; k is %lld", (long long)a->k);
    if (!is_coded(c->node)) return TN_OK;
    if (a->weights_prepacked == 1)
        return tn_infer_fail(c, TN_E_UNSUPPORTED, "the weights are laid out for a device that is not here");
    if (a->block_size && (a->block_size < 16 || a->block_size & (a->block_size - 1)))
        return tn_infer_fail(c, TN_E_INVALID, "block_size is %lld; powers of two from 16 on can be",
                             (long long)a->block_size);
    for (int i = 0; i < 3; i++)
        if (bits_of(a, i) != 2 && bits_of(a, i) != 4 && bits_of(a, i) != 8)
            return tn_infer_fail(c, TN_E_INVALID, "weights of %d bits; 2, 4 and 8 can be", bits_of(a, i));
    return TN_OK;
}

/* Elements of the experts' inner layer, from the rows of fc2. */
static tn_dim inner_of(const tn_infer *c) {
    tn_dim have = dim_of(c, ports_of(c->node)[1].w, 2);
    if (!is_coded(c->node)) return have;
    tn_dim bits = times(have, 8);
    return tn_dim_known(bits) ? bits / bits_of(c->attrs, 1) : TN_DIM_UNKNOWN;
}

static tn_status moe_infer(tn_infer *c) {
    const settings *a = c->attrs;
    const ports *p = ports_of(c->node);
    int rank = tn_infer_rank(c, INPUT);
    TN_TRY(check_settings(c));
    tn_infer_out(c, 0, tn_infer_dtype(c, INPUT), rank, rank < 0 ? NULL : c->in[INPUT]->dims);
    if (rank < 0) return TN_OK;
    if (rank != 2 && rank != 3)
        return tn_infer_fail(c, TN_E_SHAPE, "input has %d dimensions; rows of tokens have 2 or 3", rank);
    tn_dim hidden = dim_of(c, INPUT, rank - 1), inner = inner_of(c), experts = dim_of(c, p[0].w, 0), tokens = 1;
    for (int d = 0; d < rank - 1; d++) {
        tn_dim have = dim_of(c, INPUT, d);
        tokens = tn_dim_known(have) ? times(tokens, have) : TN_DIM_UNKNOWN;
    }
    bool fused = a->activation_type == SWIGLU && a->swiglu_fusion != APART;
    TN_TRY(expect(c, ROUTER, 2, (tn_dim[]){ tokens, experts }));
    if (is_coded(c->node)) TN_TRY(expect(c, ROUTER_WEIGHTS, 2, (tn_dim[]){ tokens, experts }));
    if (tn_dim_known(experts) && a->k > experts)
        return tn_infer_fail(c, TN_E_INVALID, "k is %lld; there are %lld experts", (long long)a->k, (long long)experts);
    tn_dim wide = fused ? times(inner, 2) : inner;
    TN_TRY(check_layer(c, 0, experts, wide, hidden));
    TN_TRY(check_layer(c, 1, experts, hidden, inner));
    return check_layer(c, 2, experts, inner, hidden);
}

static tn_status moe_cost(const tn_infer *c, tn_cost *out) {
    const settings *a = c->attrs;
    const tn_type *x = c->in[INPUT];
    int64_t layers = a->activation_type == SWIGLU || tn_infer_has(c, ports_of(c->node)[2].w) ? 3 : 2;
    tn_dim inner = inner_of(c);
    out->flops = 2 * (double)(a->k * layers) * (tn_dim_known(inner) ? (double)inner : 0);
    for (int d = 0; d < x->rank; d++) out->flops *= (double)x->dims[d];
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------- products */

/* A product of all experts: y [m, n] = x [m, k] w' + bias. */
typedef struct {
    const tn_tensor *w, *scale, *zero; /* w NULL: there is none */
    const float *bias;                 /* [experts, n] */
    int64_t n, k;
    int bits; /* of QMoE's fields; else 0 */
    int64_t block;
} layer;

typedef struct {
    tn_run *r;
    const settings *a;
    int64_t tokens, experts, hidden, inner;
    layer fc[3];
    const float *x;
    tn_choice *choices; /* by expert */
    float *y;
    float *rows, *wide, *third, *out; /* of an expert's tokens: x, fc1 x, fc3 x, fc2 of them */
    float *floats, *zeros;            /* weights and zero points of an expert, where they have to be made */
} job;

/* An expert's weights as fields: a row's zero points lie among those of its neighbours when a row has only one. */
static tn_coded fields_of(const job *j, const layer *l, int64_t expert) {
    int64_t blocks = l->block ? l->k / l->block : 1, whole = 16;
    int64_t row = l->k * l->bits / 8, scales = blocks * tn_dtypes[l->scale->dtype].bytes;
    while (whole < l->k) whole *= 2;
    tn_coded c = { .as = &tn_encodings[TN_ENC_U2 + l->bits - 2],
                   .rows = l->n,
                   .columns = l->k,
                   .block = l->block ? l->block : whole,
                   .blocks = blocks,
                   .code = { (const char *)l->w->data + expert * l->n * row, row, TN_U8 },
                   .scale = { (const char *)l->scale->data + expert * l->n * scales, scales, l->scale->dtype } };
    if (!l->zero) return c;
    int64_t of_expert = l->block ? l->n * ((blocks * l->bits + 7) / 8) : (l->n * l->bits + 7) / 8;
    const uint8_t *zero = (const uint8_t *)l->zero->data + expert * of_expert;
    if (l->block) {
        c.zero = (tn_part){ zero, of_expert / l->n, TN_U8 };
        return c;
    }
    for (int64_t i = 0; i < l->n; i++) j->zeros[i] = (float)tn_field(zero, l->bits, i);
    c.zero = (tn_part){ j->zeros, sizeof *j->zeros, TN_F32 };
    return c;
}

static tn_coded blocks_of(const layer *l, int64_t expert) {
    tn_coded c = tn_coded_of(l->w);
    c.rows = l->n;
    c.code.at = (const char *)c.code.at + expert * l->n * c.code.row;
    return c;
}

/* Rows that end within 16 elements are no pieces for the kernels. */
static bool wants_floats(const layer *l) { return l->bits ? l->k % TN_GROUP != 0 : l->w->dtype != TN_F32; }

typedef struct {
    const tn_coded *c;
    float *out;
} decode_job;

static void decode_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const decode_job *j = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++) tn_coded_decode(j->c, i, 0, j->c->columns, j->out + i * j->c->columns);
}

static tn_status float_weights(const job *j, const layer *l, int64_t expert, const float **out) {
    const char *w = l->w->data;
    int64_t n = l->n * l->k;
    *out = j->floats;
    if (n == 0) return TN_OK;
    if (l->bits) {
        tn_coded c = fields_of(j, l, expert);
        tn_parallel(j->r->pool, l->n, 1 + 4096 / l->k, decode_rows, &(decode_job){ &c, j->floats });
        return TN_OK;
    }
    if (l->w->dtype != TN_F32)
        return tn_convert(l->w->dtype, w + expert * n * tn_dtypes[l->w->dtype].bytes, TN_F32, j->floats, n, true,
                          TN_ROUND_NEAREST);
    *out = (const float *)(const void *)w + expert * n;
    return TN_OK;
}

static tn_status multiply(const job *j, const layer *l, int64_t expert, int64_t m, const float *x, tn_act act,
                          float *y) {
    tn_gemm_args g = tn_gemm_dense(m, l->n, l->k, x, NULL, y);
    g.bias_n = l->bias ? l->bias + expert * l->n : NULL, g.act.kind = act;
    if (l->n && l->k && (l->w->encoding || (l->bits && !wants_floats(l)))) {
        tn_coded_b b = { l->bits ? fields_of(j, l, expert) : blocks_of(l, expert),
                         l->w->encoding || j->a->accuracy_level == 4 };
        return tn_coded_gemm(tn_kernels_get(), &g, &b, NULL, j->r->pool);
    }
    TN_TRY(float_weights(j, l, expert, &g.b));
    g.trans_b = true, g.ldb = l->k;
    return tn_gemm(&tn_kernels_get()->gemm, &g, NULL, j->r->pool);
}

/* ------------------------------------------------------------------------------------------------------- experts */

static const tn_act acts[] = { TN_ACT_RELU, TN_ACT_GELU_TANH, TN_ACT_SILU, TN_ACT_NONE, TN_ACT_NONE };

static float swiglu(const settings *a, float gate, float up) {
    float most = a->swiglu_limit.given ? a->swiglu_limit.v : INFINITY;
    if (!a->swiglu_limit_after_activation) gate = gate > most ? most : gate;
    up = up > most ? most : up < -most ? -most : up;
    float on = gate / (1 + expf(-a->activation_alpha * gate));
    if (a->swiglu_limit_after_activation) on = on > most ? most : on;
    return on * (up + a->activation_beta);
}

/* Row r of what fc2 reads, in the place of row r of `wide`: no later than what it is made of. */
static void combine(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    const settings *a = j->a;
    int64_t n = j->inner;
    (void)thread;
    for (int64_t r = begin; r < end; r++) {
        float *w = j->wide + r * j->fc[0].n;
        const float *third = j->third + r * n;
        for (int64_t i = 0; i < n; i++) {
            if (a->activation_type != SWIGLU)
                w[i] *= third[i];
            else if (a->swiglu_fusion == INTERLEAVED)
                w[i] = swiglu(a, w[2 * i], w[2 * i + 1]);
            else
                w[i] = swiglu(a, w[i], a->swiglu_fusion == APART ? third[i] : w[n + i]);
        }
        if (j->fc[0].n != n) memmove(j->third + r * n, w, (size_t)n * sizeof *w); /* without gaps */
    }
}

/* One expert's next m tokens. */
static tn_status some_tokens(const job *j, int64_t expert, int64_t m, const tn_choice *c) {
    bool gated = j->fc[2].w || j->a->activation_type == SWIGLU, apart = j->fc[0].n != j->inner;
    for (int64_t i = 0; i < m; i++)
        memcpy(j->rows + i * j->hidden, j->x + c[i].token * j->hidden, (size_t)j->hidden * sizeof *j->rows);
    TN_TRY(multiply(j, &j->fc[0], expert, m, j->rows, acts[j->a->activation_type], j->wide));
    if (j->fc[2].w) TN_TRY(multiply(j, &j->fc[2], expert, m, j->rows, TN_ACT_NONE, j->third));
    if (gated) tn_parallel(j->r->pool, m, 1 + 4096 / (j->inner + 1), combine, (void *)(uintptr_t)j);
    TN_TRY(multiply(j, &j->fc[1], expert, m, apart ? j->third : j->wide, TN_ACT_NONE, j->out));
    for (int64_t i = 0; i < m; i++) {
        float *y = j->y + c[i].token * j->hidden;
        const float *out = j->out + i * j->hidden;
        for (int64_t e = 0; e < j->hidden; e++) y[e] += c[i].weight * out[e];
    }
    return TN_OK;
}

static tn_status all_experts(const job *j) {
    int64_t all = j->tokens * j->a->k;
    memset(j->y, 0, (size_t)(j->tokens * j->hidden) * sizeof *j->y);
    for (int64_t i = 0, m; i < all; i += m) {
        for (m = 1; m < ROWS && i + m < all && j->choices[i + m].expert == j->choices[i].expert;) m++;
        TN_TRY(some_tokens(j, j->choices[i].expert, m, j->choices + i));
        if (tn_budget_stopped()) return tn_op_stopped(j->r);
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ run */

static tn_status read_layer(tn_run *r, const ports *p, int which, layer *l) {
    const settings *a = r->attrs;
    int64_t count;
    *l = (layer){ .w = tn_in(r, p->w), .bits = is_coded(r->node) ? bits_of(a, which) : 0, .block = a->block_size };
    if (!l->w) return TN_OK;
    l->n = l->w->dims[1], l->k = l->bits ? l->w->dims[2] * 8 / l->bits : l->w->dims[2];
    if (p->scale >= 0) l->scale = tn_in(r, p->scale), l->zero = tn_in(r, p->zero);
    if (tn_run_has(r, p->bias)) TN_TRY(tn_q_floats(r, p->bias, 0, &l->bias, &count));
    return TN_OK;
}

/* n floats for each of m rows; *ok becomes false where there is no memory. */
static float *rows_of(tn_run *r, int64_t m, int64_t n, bool *ok) {
    size_t bytes;
    if (__builtin_mul_overflow((size_t)m * sizeof(float), (size_t)n, &bytes)) return *ok = false, NULL;
    float *p = tn_run_scratch(r, bytes + 64);
    *ok = *ok && p;
    return p;
}

static tn_status get_memory(job *j) {
    int64_t m = j->tokens < ROWS ? j->tokens : ROWS, most = 0, columns = 0;
    bool ok = true;
    for (int i = 0; i < 3; i++) {
        const layer *l = &j->fc[i];
        if (l->w && wants_floats(l) && l->n * l->k > most) most = l->n * l->k;
        if (l->w && l->zero && l->n > columns) columns = l->n;
    }
    j->choices = tn_run_scratch(j->r, (size_t)(j->tokens * j->a->k + 1) * sizeof *j->choices);
    j->rows = rows_of(j->r, m, j->hidden, &ok), j->out = rows_of(j->r, m, j->hidden, &ok);
    j->wide = rows_of(j->r, m, j->fc[0].n, &ok), j->third = rows_of(j->r, m, j->inner, &ok);
    j->floats = rows_of(j->r, 1, most, &ok), j->zeros = rows_of(j->r, 1, columns, &ok);
    if (ok && j->choices) return TN_OK;
    return tn_op_fail(j->r->node, TN_E_NOMEM, "no memory for the experts' rows");
}

static tn_status choose(job *j) {
    const settings *a = j->a;
    tn_routing how = { j->tokens, j->experts, .k = a->k, .sparse = a->use_sparse_mixer };
    int64_t count;
    TN_TRY(tn_q_floats(j->r, ROUTER, 0, &how.scores, &count));
    if (is_coded(j->r->node) && tn_run_has(j->r, ROUTER_WEIGHTS))
        TN_TRY(tn_q_floats(j->r, ROUTER_WEIGHTS, 0, &how.weights, &count));
    how.normalise = a->normalize_routing_weights || (is_coded(j->r->node) && !how.weights);
    int64_t *starts = tn_run_scratch(j->r, (size_t)(j->experts + 1) * sizeof *starts);
    tn_choice *by_token = tn_run_scratch(j->r, (size_t)(j->tokens * a->k + 1) * sizeof *by_token);
    if (!starts || !by_token)
        return tn_op_fail(j->r->node, TN_E_NOMEM, "no memory for %lld tokens' experts", (long long)j->tokens);
    tn_route(&how, by_token);
    tn_route_group(j->tokens * a->k, by_token, j->experts, starts, j->choices);
    return TN_OK;
}

static tn_status moe_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, INPUT);
    const ports *p = ports_of(r->node);
    tn_tensor *y = tn_out(r, 0);
    job j = { .r = r, .a = r->attrs, .experts = tn_in(r, p[0].w)->dims[0], .hidden = x->dims[x->rank - 1] };
    int64_t count = tn_count(y);
    if (count == 0) return TN_OK;
    j.tokens = count / j.hidden;
    for (int i = 0; i < 3; i++) TN_TRY(read_layer(r, &p[i], i, &j.fc[i]));
    j.inner = j.fc[1].k;
    TN_TRY(tn_q_floats(r, INPUT, 0, &j.x, &count));
    TN_TRY(get_memory(&j));
    TN_TRY(choose(&j));
    j.y = y->dtype == TN_F32 ? y->data : tn_run_scratch(r, (size_t)count * sizeof *j.y);
    if (!j.y) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the result");
    TN_TRY(all_experts(&j));
    return y->dtype == TN_F32 ? TN_OK : tn_convert(TN_F32, j.y, y->dtype, y->data, count, true, TN_ROUND_NEAREST);
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define REAL (tn_dtype_bit(TN_F32) | tn_dtype_bit(TN_F16) | tn_dtype_bit(TN_BF16))
#define U8   tn_dtype_bit(TN_U8)
static const tn_port moe_in[] = { { "input", REAL, 'T' },
                                  { "router_probs", REAL, 'T' },
                                  { "fc1_experts_weights", REAL, 0, .encoded = true },
                                  { "fc1_experts_bias", REAL, 'T', .optional = true },
                                  { "fc2_experts_weights", REAL, 0, .encoded = true },
                                  { "fc2_experts_bias", REAL, 'T', .optional = true },
                                  { "fc3_experts_weights", REAL, 0, .optional = true, .encoded = true },
                                  { "fc3_experts_bias", REAL, 'T', .optional = true },
                                  { 0 } };
static const tn_port qmoe_in[] = { { "input", REAL, 'T' },
                                   { "router_probs", REAL, 'T' },
                                   { "fc1_experts_weights", U8, 0 },
                                   { "fc1_scales", REAL, 'S', .optional = true },
                                   { "fc1_experts_bias", REAL, 'T', .optional = true },
                                   { "fc2_experts_weights", U8, 0 },
                                   { "fc2_scales", REAL, 'S', .optional = true },
                                   { "fc2_experts_bias", REAL, 'T', .optional = true },
                                   { "fc3_experts_weights", U8, 0, .optional = true },
                                   { "fc3_scales", REAL, 'S', .optional = true },
                                   { "fc3_experts_bias", REAL, 'T', .optional = true },
                                   { "fc1_zero_points", U8, 0, .optional = true },
                                   { "fc2_zero_points", U8, 0, .optional = true },
                                   { "fc3_zero_points", U8, 0, .optional = true },
                                   { "router_weights", REAL, 'T', .optional = true },
                                   { 0 } };
static const tn_port out[] = { { "output", REAL, 'T' }, { 0 } };

#define MOE_ATTRS                                                                                                \
    { TN_INT(settings, k, 1), .min = 1, .max = 1024 },                                                           \
        { TN_WORD(settings, activation_type, "relu|gelu|silu|swiglu|identity", "relu") },                        \
        { TN_FLAG(settings, normalize_routing_weights, false) }, { TN_FLAG(settings, use_sparse_mixer, false) }, \
        { TN_INT(settings, swiglu_fusion, 0), .min = 0, .max = 2 }, { TN_FLOAT(settings, activation_alpha, 1) }, \
        { TN_FLOAT(settings, activation_beta, 0) }, { TN_MAYBE_FLOAT(settings, swiglu_limit) },                  \
        { TN_FLAG(settings, swiglu_limit_after_activation, false) },
static const tn_attr_spec moe_attrs[] = { MOE_ATTRS{ 0 } };
static const tn_attr_spec qmoe_attrs[] = { MOE_ATTRS{ TN_INT(settings, expert_weight_bits, 4), .min = 2, .max = 8 },
                                           { TN_INT(settings, fc1_expert_weight_bits, 0), .min = 0, .max = 8 },
                                           { TN_INT(settings, fc2_expert_weight_bits, 0), .min = 0, .max = 8 },
                                           { TN_INT(settings, fc3_expert_weight_bits, 0), .min = 0, .max = 8 },
                                           { TN_INT(settings, block_size, 0), .min = 0, .max = 1 << 20 },
                                           { TN_INT(settings, accuracy_level, 0) },
                                           { TN_INT(settings, weights_prepacked, -1), .min = -1, .max = 1 },
                                           { TN_WORD(settings, quant_type, "int", "int") },
                                           { 0 } };

#define MOE_ROW                                                                                              \
    .domain = "com.microsoft", .since = 1, .out = out, .infer = moe_infer, .cost = moe_cost, .run = moe_run, \
    .grad = tn_grad_refused
const tn_op tn_ops_moe[] = {
    { .name = "MoE",
      MOE_ROW,
      .in = moe_in,
      TN_ATTRS(moe_attrs, settings),
      .doc = "a mixture of experts: each token meets the k that its router scores highest" },
    { .name = "QMoE",
      MOE_ROW,
      .in = qmoe_in,
      TN_ATTRS(qmoe_attrs, settings),
      .doc = "a mixture of experts with weights of 2, 4 or 8 bits" },
    { 0 },
};
