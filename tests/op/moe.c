/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* moe.c - MoE and QMoE: numbers that onnxruntime 1.32 computed; their definition in float64 over widths, blocks, zero
 * points, activations, routings, types, one token and many; experts in blocks of an encoding; and what is refused. */
#include "lib/one_node.h"
#include "tensor/encoding.h"
#include "test.h"
#include <math.h>
#include <string.h>

static uint64_t rng = 5;
static int between(int lo, int hi) { return lo + (int)(test_random(&rng) % (uint64_t)(hi - lo + 1)); }

static double *fill(int n, int lo, int hi, double by) {
    double *v = calloc((size_t)n + 1, sizeof *v);
    assert_non_null(v);
    for (int i = 0; i < n; i++) v[i] = between(lo, hi) * by;
    return v;
}

/* ------------------------------------------------------------------------------------------------------ published */

/* Three tokens of 4, three experts of 2, the best two of them, normalised; interleaved swiglu, whose alpha is 1.702,
 * beta 1 and limit 1.5. */
static const double x[] = { 2, 0.5, 0.75, 1.75, 0.25, 1.25, 1.5, -1.25, -2, -0.75, -1, 1.5 };
static const double router[] = { 1.75, -2, 0, 1.25, -1.5, 1.25, -1.5, -0.25, 1.25 };
static const double fc1[] = { -0.75, -0.75, -1,   1,     -1,  2,     -0.25, 0,     0,     0.25,  0.25,  0,
                              2,     1.25,  1.25, 0.75,  0.5, -0.75, 2,     -0.25, -1.25, 1.5,   -1.5,  1.5,
                              0.5,   -1.75, -2,   -0.25, -2,  -1.5,  0,     2,     -0.25, 1.25,  1.75,  1.25,
                              0.5,   -0.25, 0,    -1,    0,   -0.5,  -1,    2,     -2,    -1.75, -1.25, 2 };
static const double bias1[] = { 0.75, 1.5, -1.25, 1, -0.5, 0, -2, 0.5, 1.5, 0.75, -1.5, 0.25 };
static const double fc2[] = { -1,    2,  1.5,  -1.25, 0, 1.75, 1.5, 1,    0.5,  -2,  1,   0,
                              -1.75, -1, 0.25, 1,     0, 0.5,  1.5, 0.75, -0.5, 0.5, 0.5, -1.75 };
static const double bias2[] = { -1.75, 0.75, -0.5, 0.5, -0.75, -1.25, -1.5, -0.5, 1.25, -0.5, -0.5, 0.25 };
static const double want[] = { -1.947967, 1.115483, -1.210567, 0.2323294, -0.6210338, 2.949648,
                               -1.711103, 1.021095, 2.331693,  0.8482162, 0.9770018,  -5.093792 };

static void published(void **state) {
    (void)state;
    on *o = on_new();
    on_in(o, TN_F32, "3,4", x, false);
    on_in(o, TN_F32, "3,3", router, false);
    on_in(o, TN_F32, "3,4,4", fc1, true);
    on_in(o, TN_F32, "3,4", bias1, true);
    on_in(o, TN_F32, "3,4,2", fc2, true);
    on_in(o, TN_F32, "3,4", bias2, true);
    tn_node *n = on_node(o, "com.microsoft", "MoE", 1);
    check_ok(tn_attr_set_int(n, "k", 2));
    check_ok(tn_attr_set_int(n, "normalize_routing_weights", 1));
    check_ok(tn_attr_set_int(n, "swiglu_fusion", 1));
    check_ok(tn_attr_set_string(n, "activation_type", "swiglu"));
    check_ok(tn_attr_set_float(n, "activation_alpha", 1.702f));
    check_ok(tn_attr_set_float(n, "activation_beta", 1));
    check_ok(tn_attr_set_float(n, "swiglu_limit", 1.5f));
    check_ok(on_go(o, 1));
    on_expect(o, 0, TN_F32, "3,4", want, 2e-5);
    on_free(o);
}

/* ----------------------------------------------------------------------------------------------------- definition */

enum { RELU, GELU, SILU, SWIGLU, IDENTITY };
static const char *const acts[] = { "relu", "gelu", "silu", "swiglu", "identity" };

typedef struct {
    bool coded, zeros, third, biases, weights, normalise, sparse, after, constant;
    int tokens, experts, hidden, inner, k, bits, block, act, fusion, level;
    tn_dtype type;
} setup;

/* The weights of all experts, [experts, n, k], as numbers, and the inputs that say them. */
typedef struct {
    int n, k;
    double *w, *bias, *field, *scale, *zero;
    int blocks, zeros; /* of a row; bytes of an expert's zero points */
} layer;

static void put_field(double *bytes, int bits, int i, int v) { bytes[i * bits / 8] += v << i * bits % 8; }

static layer draw(const setup *s, int n, int k) {
    int rows = s->experts * n, block = s->block ? s->block : k;
    layer l = { n, k, .bias = fill(rows, -8, 8, 0.125), .blocks = k / block };
    if (!s->coded) {
        l.w = fill(rows * k, -16, 16, 1.0 / 32);
        return l;
    }
    int per = s->block ? n : 1,
        fields = s->block ? l.blocks : n; /* rows of zero points of an expert, and their fields */
    l.zeros = per * ((fields * s->bits + 7) / 8);
    l.w = fill(rows * k, 0, 0, 0), l.field = fill(rows * k * s->bits / 8, 0, 0, 0);
    l.scale = fill(rows * l.blocks, 1, 16, 1.0 / 1024), l.zero = fill(s->experts * l.zeros, 0, 0, 0);
    for (int r = 0; r < rows; r++)
        for (int b = 0; b < l.blocks; b++) {
            int e = r / n, i = r % n, zero = s->zeros ? between(0, (1 << s->bits) - 1) : 1 << (s->bits - 1);
            double *at = l.zero + e * l.zeros + (s->block ? i * (l.zeros / per) : 0);
            put_field(at, s->bits, s->block ? b : i, zero);
            for (int c = b * block; c < (b + 1) * block; c++) {
                int q = between(0, (1 << s->bits) - 1);
                put_field(l.field + r * k * s->bits / 8, s->bits, c, q);
                l.w[r * k + c] = (q - zero) * l.scale[r * l.blocks + b];
            }
        }
    return l;
}

static void drop(layer *l) { free(l->w), free(l->bias), free(l->field), free(l->scale), free(l->zero); }

static void give(on *o, const setup *s, const layer *l) {
    char dims[64];
    snprintf(dims, sizeof dims, "%d,%d,%d", s->experts, l->n, s->coded ? l->k * s->bits / 8 : l->k);
    on_in(o, s->coded ? TN_U8 : s->type, dims, s->coded ? l->field : l->w, s->constant);
    if (s->coded) {
        snprintf(dims, sizeof dims, s->block ? "%d,%d,%d" : "%d,%d", s->experts, l->n, l->blocks);
        on_in(o, s->type, dims, l->scale, s->constant);
    }
    snprintf(dims, sizeof dims, "%d,%d", s->experts, l->n);
    s->biases ? on_in(o, s->type, dims, l->bias, true) : on_none(o);
}

static void give_zeros(on *o, const setup *s, const layer *l) {
    char dims[64];
    if (!l->w || !s->zeros) {
        on_none(o);
        return;
    }
    snprintf(dims, sizeof dims, s->block ? "%d,%d,%d" : "%d,%d", s->experts, s->block ? l->n : l->zeros,
             s->block ? l->zeros / l->n : 0);
    on_in(o, TN_U8, dims, l->zero, true);
}

/* y [n] = one expert's product. */
static void product(const setup *s, const layer *l, int e, const double *v, double *y) {
    for (int i = 0; i < l->n; i++) {
        y[i] = s->biases ? l->bias[e * l->n + i] : 0;
        for (int c = 0; c < l->k; c++) y[i] += v[c] * l->w[(e * l->n + i) * l->k + c];
    }
}

static double gated(const setup *s, double gate, double up) {
    const double limit = 2;
    if (!s->after) gate = fmin(gate, limit);
    up = fmax(fmin(up, limit), -limit);
    double open = gate / (1 + exp(-1.5 * gate));
    return (s->after ? fmin(open, limit) : open) * (up + 0.25);
}

static double act_of(int act, double v) {
    return act == RELU   ? fmax(v, 0)
           : act == GELU ? 0.5 * v * (1 + tanh(sqrt(2 / acos(-1)) * (v + 0.044715 * v * v * v)))
           : act == SILU ? v / (1 + exp(-v))
                         : v;
}

static void expert(const setup *s, layer fc[3], int e, const double *v, double *y) {
    double a[256], b[256], h[256];
    int n = s->inner;
    product(s, &fc[0], e, v, a);
    if (s->third) product(s, &fc[2], e, v, b);
    for (int i = 0; i < n; i++) {
        if (s->act != SWIGLU)
            h[i] = act_of(s->act, a[i]) * (s->third ? b[i] : 1);
        else
            h[i] = s->fusion == 1 ? gated(s, a[2 * i], a[2 * i + 1]) : gated(s, a[i], s->fusion ? a[n + i] : b[i]);
    }
    product(s, &fc[1], e, h, y);
}

/* The largest score of those not taken; the first of equal ones. */
static int best(int n, const double *score, const bool *taken) {
    int at = -1;
    for (int e = 0; e < n; e++)
        if (!taken[e] && (at < 0 || score[e] > score[at])) at = e;
    return at;
}

/* exp(score - most) over those that are near the best one and not taken: what Phi-3.5-MoE's router does with them. */
static double near(int n, const double *score, int top, const bool *taken) {
    double sum = 0;
    for (int e = 0; e < n; e++)
        if (!taken[e] && (score[top] - score[e]) / fmax(fabs(score[e]), score[top]) <= 0.02)
            sum += exp(score[e] - score[top]);
    return sum;
}

static void token(const setup *s, layer fc[3], const double *v, const double *score, const double *weights, double *y) {
    bool taken[16] = { false };
    double share[16], all = 0, sum = 0, one[256];
    int chosen[16];
    for (int e = 0; e < s->experts; e++) all += exp(score[e]);
    for (int i = 0; i < s->k; i++) {
        int e = chosen[i] = best(s->experts, score, taken);
        share[i] = s->sparse ? 1 / near(s->experts, score, e, taken) : weights ? weights[e] : exp(score[e]) / all;
        taken[e] = true, sum += share[i];
    }
    for (int c = 0; c < s->hidden; c++) y[c] = 0;
    for (int i = 0; i < s->k; i++) {
        double by = share[i] / (!s->sparse && (s->normalise || (s->coded && !weights)) ? sum : 1);
        expert(s, fc, chosen[i], v, one);
        for (int c = 0; c < s->hidden; c++) y[c] += by * one[c];
    }
}

static void set_all(tn_node *n, const setup *s) {
    check_ok(tn_attr_set_int(n, "k", s->k));
    check_ok(tn_attr_set_int(n, "normalize_routing_weights", s->normalise));
    check_ok(tn_attr_set_int(n, "use_sparse_mixer", s->sparse));
    check_ok(tn_attr_set_int(n, "swiglu_fusion", s->fusion));
    check_ok(tn_attr_set_int(n, "swiglu_limit_after_activation", s->after));
    check_ok(tn_attr_set_string(n, "activation_type", acts[s->act]));
    check_ok(tn_attr_set_float(n, "activation_alpha", 1.5f));
    check_ok(tn_attr_set_float(n, "activation_beta", 0.25f));
    check_ok(tn_attr_set_float(n, "swiglu_limit", 2));
    if (!s->coded) return;
    check_ok(tn_attr_set_int(n, "expert_weight_bits", s->bits));
    check_ok(tn_attr_set_int(n, "accuracy_level", s->level));
    if (s->block) check_ok(tn_attr_set_int(n, "block_size", s->block));
}

static void one(const setup *s) {
    bool fused = s->act == SWIGLU && s->fusion;
    layer fc[3] = { draw(s, s->inner * (fused ? 2 : 1), s->hidden), draw(s, s->hidden, s->inner), { 0 } };
    if (s->third) fc[2] = draw(s, s->inner, s->hidden);
    double *v = fill(s->tokens * s->hidden, -8, 8, 0.125), *y = fill(s->hidden, 0, 0, 0);
    double *score = fill(s->tokens * s->experts, -64, 64, 1.0 / 32),
           *weights = fill(s->tokens * s->experts, 1, 32, 1.0 / 32);
    char dims[64];
    on *o = on_new();
    snprintf(dims, sizeof dims, s->tokens % 2 ? "%d,%d" : "2,%d,%d", s->tokens % 2 ? s->tokens : s->tokens / 2,
             s->hidden);
    on_in(o, s->type, dims, v, false);
    snprintf(dims, sizeof dims, "%d,%d", s->tokens, s->experts);
    on_in(o, s->type, dims, score, false);
    give(o, s, &fc[0]), give(o, s, &fc[1]);
    if (s->third)
        give(o, s, &fc[2]);
    else
        for (int i = 0; i < (s->coded ? 3 : 2); i++) on_none(o);
    for (int i = 0; s->coded && i < 3; i++) give_zeros(o, s, &fc[i]);
    if (s->weights) on_in(o, s->type, dims, weights, false);
    set_all(on_node(o, "com.microsoft", s->coded ? "QMoE" : "MoE", 1), s);
    check_ok(on_go(o, 1 + s->tokens % 3));
    double most = 0, tol = s->type == TN_BF16 ? 3e-2 : s->type == TN_F16 ? 4e-3 : 3e-5;
    for (int t = 0; t < s->tokens; t++) {
        token(s, fc, v + t * s->hidden, score + t * s->experts, s->weights ? weights + t * s->experts : NULL, y);
        for (int c = 0; c < s->hidden; c++) most = fmax(most, fabs(y[c]));
    }
    for (int t = 0; t < s->tokens; t++) {
        token(s, fc, v + t * s->hidden, score + t * s->experts, s->weights ? weights + t * s->experts : NULL, y);
        for (int c = 0; c < s->hidden; c++) {
            double have = on_at(o, 0, t * s->hidden + c), bound = tol * (1 + fabs(y[c]) + most / 10);
            if (s->level == 4) bound += 0.03 * most; /* steps of 8 bits, of what cancels, too */
            check(fabs(have - y[c]) <= bound,
                  "%s, %s, %d tokens of %d, %d of %d experts of %d, %d bits by %d: [%d, %d] is %g, expected %g\n",
                  s->coded ? "QMoE" : "MoE", acts[s->act], s->tokens, s->hidden, s->k, s->experts, s->inner, s->bits,
                  s->block, t, c, have, y[c]);
        }
    }
    on_free(o);
    for (int i = 0; i < 3; i++) drop(&fc[i]);
    free(v), free(y), free(score), free(weights);
}

static void definition(void **state) {
    (void)state;
    for (int round = 0; round < 160; round++) {
        setup s = { .coded = between(0, 1),
                    .zeros = between(0, 1),
                    .biases = between(0, 1),
                    .normalise = between(0, 1),
                    .after = between(0, 4) == 0,
                    .constant = between(0, 1),
                    .tokens = between(0, 3) ? between(1, 9) : between(30, 70),
                    .experts = between(2, 8),
                    .bits = 2 << between(0, 2),
                    .block = 16 * between(0, 2),
                    .act = between(0, 4),
                    .type = between(0, 3)   ? TN_F32
                            : between(0, 1) ? TN_F16
                                            : TN_BF16 };
        s.hidden = 32 * between(1, 2), s.inner = 32 * between(1, 2);
        if (!s.block && between(0, 1)) s.hidden = 4 * between(1, 9), s.inner = 8 * between(1, 4);
        if (!s.coded) s.bits = s.block = 0, s.zeros = false;
        s.k = between(1, s.experts < 3 ? s.experts : 3);
        s.sparse = s.k == 2 && s.type == TN_F32 && between(0, 4) == 0;
        s.fusion = s.act == SWIGLU ? between(0, 2) : 0;
        s.third = s.act == SWIGLU ? s.fusion == 0 : between(0, 1);
        s.weights = s.coded && !s.sparse && between(0, 2) == 0, s.level = s.coded && between(0, 3) == 0 ? 4 : 0;
        one(&s);
    }
}

/* Experts of Q8_0 blocks and what they decode to are the same mixture, up to activations of 8 bits. */
static void encoded(void **state) {
    (void)state;
    enum { EXPERTS = 3, HIDDEN = 64, INNER = 32, TOKENS = 20 };
    const tn_encoding *e = &tn_encodings[TN_ENC_Q8_0];
    double *v = fill(TOKENS * HIDDEN, -8, 8, 0.125), *score = fill(TOKENS * EXPERTS, -64, 64, 1.0 / 32), *have[2];
    uint8_t *q[2];
    tn_tensor t[2], plain[2];
    int64_t dims[2][3] = { { EXPERTS, INNER, HIDDEN }, { EXPERTS, HIDDEN, INNER } };
    for (int i = 0; i < 2; i++) {
        size_t blocks = EXPERTS * INNER * HIDDEN / 32;
        assert_non_null(q[i] = malloc(blocks * 34));
        for (size_t b = 0; b < blocks * 34; b++) q[i][b] = b % 34 ? (uint8_t)test_random(&rng) : 0;
        for (size_t b = 0; b < blocks; b++) q[i][b * 34 + 1] = 0x1c; /* about 0.004 */
        check_ok(tn_tensor_encoded(&t[i], e, 3, dims[i], q[i], blocks * 34, NULL));
        check_ok(tn_tensor_decode(&t[i], &plain[i], TN_MEM_GENERAL));
    }
    for (int way = 0; way < 2; way++) {
        on *o = on_new();
        on_in(o, TN_F32, "20,64", v, false);
        on_in(o, TN_F32, "20,3", score, false);
        for (int i = 0; i < 2; i++) {
            const char *text = i ? "3,64,32" : "3,32,64";
            double *w = fill((int)tn_count(&plain[i]), 0, 0, 0);
            for (int64_t k = 0; k < tn_count(&plain[i]); k++) w[k] = (double)((float *)plain[i].data)[k];
            way ? on_blocks(o, e, text, q[i]) : on_in(o, TN_F32, text, w, true);
            if (!i) on_none(o);
            free(w);
        }
        tn_node *n = on_node(o, "com.microsoft", "MoE", 1);
        check_ok(tn_attr_set_int(n, "k", 2));
        check_ok(tn_attr_set_string(n, "activation_type", "silu"));
        check_ok(on_go(o, 2));
        have[way] = fill(TOKENS * HIDDEN, 0, 0, 0);
        for (int i = 0; i < TOKENS * HIDDEN; i++) have[way][i] = on_at(o, 0, i);
        on_free(o);
    }
    for (int i = 0; i < TOKENS * HIDDEN; i++)
        check(fabs(have[0][i] - have[1][i]) <= 0.05 * (1 + fabs(have[0][i])), "element %d: %g and %g\n", i, have[0][i],
              have[1][i]);
    for (int i = 0; i < 2; i++) tn_tensor_reset(&plain[i]), free(q[i]), free(have[i]);
    free(v), free(score);
}

/* -------------------------------------------------------------------------------------------------------- refused */

static void refused(void **state) {
    (void)state;
    static const struct {
        const char *x, *router, *fc1, *fc2, *act;
        int64_t k, fusion, sparse;
        tn_status status;
        const char *words;
    } cases[] = {
        { "2,4", "2,3", "3,4,4", "3,4,4", "relu", 1, 0, 0, TN_OK, "" },
        { "2,4", "2,3", "3,4,4", "3,4,4", "relu", 4, 0, 0, TN_E_INVALID, "k is 4; there are 3 experts" },
        { "2,4", "2,3", "3,4,4", "3,4,4", "relu", 0, 0, 0, TN_E_INVALID, "k" },
        { "2,4", "3,3", "3,4,4", "3,4,4", "relu", 1, 0, 0, TN_E_SHAPE, "'router_probs' has 3 in dimension 0; 2" },
        { "2,4", "2,2", "3,4,4", "3,4,4", "relu", 1, 0, 0, TN_E_SHAPE, "'router_probs' has 2 in dimension 1; 3" },
        { "2,4", "2,3", "3,4,5", "3,4,4", "relu", 1, 0, 0, TN_E_SHAPE, "'fc1_experts_weights' has 5" },
        { "2,4", "2,3", "3,4,4", "3,5,4", "relu", 1, 0, 0, TN_E_SHAPE, "'fc2_experts_weights' has 5" },
        { "2,4", "2,3", "3,4,4", "3,16", "relu", 1, 0, 0, TN_E_SHAPE, "'fc2_experts_weights' has 2 dimensions" },
        { "4", "2,3", "3,4,4", "3,4,4", "relu", 1, 0, 0, TN_E_SHAPE, "1 dimensions" },
        { "2,4", "2,3", "3,4,4", "3,4,4", "swiglu", 1, 0, 0, TN_E_GRAPH, "swiglu_fusion is 0" },
        { "2,4", "2,3", "3,4,4", "3,4,4", "swiglu", 1, 1, 0, TN_E_SHAPE, "8 are needed" },
        { "2,4", "2,3", "3,4,4", "3,4,4", "tanh", 1, 0, 0, TN_E_INVALID, "activation_type" },
        { "2,4", "2,3", "3,4,4", "3,4,4", "relu", 1, 0, 1, TN_E_INVALID, "sparse mixer" },
    };
    double v[64] = { 0 };
    for (size_t i = 0; i < TN_COUNT(cases); i++) {
        on *o = on_new();
        on_in(o, TN_F32, cases[i].x, v, false);
        on_in(o, TN_F32, cases[i].router, v, false);
        on_in(o, TN_F32, cases[i].fc1, v, true);
        on_none(o);
        on_in(o, TN_F32, cases[i].fc2, v, true);
        tn_node *n = on_node(o, "com.microsoft", "MoE", 1);
        check_ok(tn_attr_set_int(n, "k", cases[i].k));
        check_ok(tn_attr_set_int(n, "swiglu_fusion", cases[i].fusion));
        check_ok(tn_attr_set_int(n, "use_sparse_mixer", cases[i].sparse));
        check_ok(tn_attr_set_string(n, "activation_type", cases[i].act));
        if (cases[i].status == TN_OK)
            check_ok(on_go(o, 1));
        else
            check_fails(on_go(o, 1), cases[i].status, cases[i].words);
        on_free(o);
    }
}

/* Scores that are no numbers choose some experts all the same. */
static void odd_scores(void **state) {
    (void)state;
    double v[8] = { 1, 2, 3, 4, 5, 6, 7, 8 },
           score[6] = { (double)NAN, 1, (double)NAN, (double)NAN, (double)INFINITY, (double)-INFINITY }, w[48] = { 0 };
    on *o = on_new();
    on_in(o, TN_F32, "2,4", v, false);
    on_in(o, TN_F32, "2,3", score, false);
    on_in(o, TN_F32, "3,4,4", w, true);
    on_none(o);
    on_in(o, TN_F32, "3,4,4", w, true);
    check_ok(tn_attr_set_int(on_node(o, "com.microsoft", "MoE", 1), "k", 3));
    check_ok(on_go(o, 1));
    assert_true(isnan(on_at(o, 0, 0)) && isnan(on_at(o, 0, 4)));
    on_free(o);
}

/* An inner layer of no elements: sums of nothing. */
static void empty_layer(void **state) {
    (void)state;
    double v[32] = { 0 }, score[2] = { 1, 2 }, scale[32] = { 0 };
    on *o = on_new();
    on_in(o, TN_F32, "1,16", v, false);
    on_in(o, TN_F32, "1,2", score, false);
    on_in(o, TN_U8, "2,0,8", v, true);
    on_in(o, TN_F32, "2,0,1", scale, true);
    on_none(o);
    on_in(o, TN_U8, "2,16,0", v, true);
    on_in(o, TN_F32, "2,16,0", scale, true);
    for (int i = 0; i < 4; i++) on_none(o);
    on_in(o, TN_U8, "2,0,1", v, true);
    tn_node *n = on_node(o, "com.microsoft", "QMoE", 1);
    check_ok(tn_attr_set_int(n, "k", 1));
    check_ok(tn_attr_set_int(n, "block_size", 16));
    check_ok(on_go(o, 1));
    assert_true(on_at(o, 0, 0) == 0 && on_at(o, 0, 15) == 0);
    on_free(o);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(published),  cmocka_unit_test(definition),
                                        cmocka_unit_test(encoded),    cmocka_unit_test(refused),
                                        cmocka_unit_test(odd_scores), cmocka_unit_test(empty_layer) };
    return cmocka_run_group_tests_name("op/moe", tests, NULL, NULL);
}
