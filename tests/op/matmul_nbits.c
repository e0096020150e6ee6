/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* matmul_nbits.c - MatMulNBits against its definition: widths, blocks that end behind K, zero points of three kinds,
 * few rows and many, float types, groups, biases; and what is refused. */
#include "lib/one_node.h"
#include "test.h"
#include <math.h>

static uint64_t rng = 3;
static int between(int lo, int hi) { return lo + (int)(test_random(&rng) % (uint64_t)(hi - lo + 1)); }

static double *fill(int n, int lo, int hi, double by) {
    double *v = calloc((size_t)n + 1, sizeof *v);
    assert_non_null(v);
    for (int i = 0; i < n; i++) v[i] = between(lo, hi) * by;
    return v;
}

/* Field i of `bits` bits in a row of bytes. */
static int field(const double *bytes, int bits, int i) {
    int v = 0;
    for (int k = 0, at = i * bits; k < bits; k++, at++) v |= ((int)bytes[at / 8] >> at % 8 & 1) << k;
    return v;
}

enum { NO_ZEROS, PACKED, FLOATS };
enum { NO_GROUPS, ANY, EQUAL, SORTED };

/* A group for each of k elements: any; each as often as a block is long, in any order; in order. */
static double *draw_groups(int kind, int k, int block) {
    double *g = fill(k, 0, (k + block - 1) / block - 1, 1);
    for (int e = 0; kind != ANY && e < k; e++) g[e] = e / block;
    for (int e = k - 1; kind == EQUAL && e > 0; e--) {
        int other = between(0, e);
        double t = g[e];
        g[e] = g[other], g[other] = t;
    }
    return g;
}

typedef struct {
    int bits, k, n, m, block, zeros, level;
    int groups; /* 0: none; ANY, EQUAL, SORTED */
    bool bias, constant;
    tn_dtype type;
} setup;

static void one(const setup *s) {
    int blocks = (s->k + s->block - 1) / s->block, row = blocks * s->block * s->bits / 8;
    int zrow = s->zeros == PACKED ? (blocks * s->bits + 7) / 8 : blocks;
    double *a = fill(s->m * s->k, -16, 16, 0.125), *b = fill(s->n * row, 0, 255, 1);
    double *scale = fill(s->n * blocks, 1, 16, 0.03125), *bias = fill(s->n, -8, 8, 1);
    double *zero = s->zeros == FLOATS ? fill(s->n * zrow, 0, 9, 0.5) : fill(s->n * zrow, 0, 255, 1);
    double *groups = draw_groups(s->groups, s->k, s->block);
    char dims[64];
    on *o = on_new();
    sprintf(dims, "%d,1,%d", s->m, s->k);
    on_in(o, s->type, dims, a, false);
    sprintf(dims, "%d,%d,%d", s->n, blocks, row / blocks);
    on_in(o, TN_U8, dims, b, s->constant);
    sprintf(dims, "%d", s->n * blocks);
    on_in(o, s->type, dims, scale, s->constant);
    sprintf(dims, "%d", s->n * zrow);
    s->zeros ? on_in(o, s->zeros == PACKED ? TN_U8 : s->type, dims, zero, s->constant) : on_none(o);
    sprintf(dims, "%d", s->k);
    s->groups ? on_in(o, TN_I32, dims, groups, true) : on_none(o);
    sprintf(dims, "%d", s->n);
    if (s->bias) on_in(o, s->type, dims, bias, true);
    tn_node *n = on_node(o, "com.microsoft", "MatMulNBits", 1);
    check_ok(tn_attr_set_int(n, "K", s->k));
    check_ok(tn_attr_set_int(n, "N", s->n));
    check_ok(tn_attr_set_int(n, "bits", s->bits));
    check_ok(tn_attr_set_int(n, "block_size", s->block));
    if (s->level) check_ok(tn_attr_set_int(n, "accuracy_level", s->level));
    check_ok(on_go(o, 1 + s->m % 2));
    for (int i = 0; i < s->m; i++)
        for (int j = 0; j < s->n; j++) {
            double want = s->bias ? bias[j] : 0, size = 0, steps = 0;
            for (int k = 0; k < s->k; k++) {
                int g = s->groups ? (int)groups[k] : k / s->block;
                double z = s->zeros == FLOATS   ? zero[j * blocks + g]
                           : s->zeros == PACKED ? field(zero + j * zrow, s->bits, g)
                                                : 1 << (s->bits - 1);
                double term = a[i * s->k + k] * (field(b + j * row, s->bits, k) - z) * scale[j * blocks + g];
                want += term, size += fabs(term);
                steps += fabs((field(b + j * row, s->bits, k) - z) * scale[j * blocks + g]) * 2 / 250; /* |a| <= 2 */
            }
            double have = on_at(o, 0, i * s->n + j), tol = s->type == TN_F32 ? 1e-5 : s->type == TN_F16 ? 1e-3 : 8e-3;
            check(fabs(have - want) <= tol * fabs(want) + 1e-5 * size + 1e-6 + (s->level == 4 ? steps : 0),
                  "%d bits, K %d by %d, N %d: row %d of %d, column %d: %g, expected %g\n", s->bits, s->k, s->block,
                  s->n, i, s->m, j, have, want);
        }
    on_free(o);
    free(a), free(b), free(scale), free(bias), free(zero), free(groups);
}

static void definition(void **state) {
    (void)state;
    static const tn_dtype types[] = { TN_F32, TN_F32, TN_F16, TN_BF16 };
    for (int round = 0; round < 210; round++) {
        setup s = { .bits = between(2, 8),
                    .k = between(0, 2) ? between(1, 150) : 64 * between(1, 3),
                    .n = between(1, 90),
                    .block = 16 << between(0, 2) };
        s.m = between(0, 2) ? between(1, 6) : between(7, 30);
        s.zeros = between(0, 2), s.groups = between(0, 1) ? NO_GROUPS : between(ANY, SORTED), s.bias = between(0, 1),
        s.constant = between(0, 1);
        s.type = types[between(0, 3)], s.level = between(0, 4);
        one(&s);
    }
}

static void refused(void **state) {
    (void)state;
    double v[64] = { 0 };
    static const struct {
        int64_t k, n, block, bits;
        tn_status status;
        const char *words;
    } cases[] = {
        { 16, 2, 16, 4, TN_OK, "" },
        { 16, 2, 16, 3, TN_E_SHAPE, "rows of 6" },
        { 16, 2, 16, 9, TN_E_INVALID, "bits" },
        { 16, 2, 16, 1, TN_E_INVALID, "bits" },
        { 16, 2, 24, 4, TN_E_INVALID, "block_size is 24" },
        { 16, 2, 0, 4, TN_E_INVALID, "block_size" },
        { 16, INT32_MAX, 16, 4, TN_E_SHAPE, "rows of" },
        { INT64_MAX, 2, 16, 4, TN_E_INVALID, "K" },
        { 15, 2, 16, 4, TN_E_SHAPE, "16 columns, K is 15" },
    };
    for (size_t i = 0; i < TN_COUNT(cases); i++) {
        on *o = on_new();
        on_in(o, TN_F32, "1,16", v, false);
        on_in(o, TN_U8, "2,1,8", v, false);
        on_in(o, TN_F32, "2,1", v, false);
        tn_node *n = on_node(o, "com.microsoft", "MatMulNBits", 1);
        check_ok(tn_attr_set_int(n, "K", cases[i].k));
        check_ok(tn_attr_set_int(n, "N", cases[i].n));
        check_ok(tn_attr_set_int(n, "bits", cases[i].bits));
        check_ok(tn_attr_set_int(n, "block_size", cases[i].block));
        if (cases[i].status == TN_OK)
            check_ok(on_go(o, 1));
        else
            check_fails(on_go(o, 1), cases[i].status, cases[i].words);
        on_free(o);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(definition), cmocka_unit_test(refused) };
    return cmocka_run_group_tests_name("op/matmul_nbits", tests, NULL, NULL);
}
