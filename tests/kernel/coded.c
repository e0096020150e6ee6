/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* coded.c - weights in blocks: every variant splits, rounds and multiplies as plain C does; and whole products, of all
 * encodings and shapes, against the definition in double, within the error that kernel/coded.h states. */
#include "lib/kernel_check.h"
#include <math.h>
#include <string.h>

static bool is_number(float v) { return isfinite(v); }

/* ---------------------------------------------------------------------------------------------------- the kernels */

static void splits(check_ctx *c) {
    for (int id = 0; id < TN_ENC_COUNT; id++) {
        const tn_encoding *e = &tn_encodings[id];
        if (!e->split) continue;
        int64_t blocks = check_int(c, 1, 3), n = blocks * e->block, groups = n / TN_GROUP;
        const uint8_t *q = check_bytes(c, (size_t)(blocks * e->bytes));
        int8_t *want = check_out(c, (size_t)n), *got = check_out(c, (size_t)n);
        float *s = check_out(c, (size_t)groups * 4), *o = check_out(c, (size_t)groups * 4);
        float *gs = check_out(c, (size_t)groups * 4), *go = check_out(c, (size_t)groups * 4);
        c->ref->coded.split[id](blocks, q, want, s, o);
        check_call(c, c->fast->coded.split[id](blocks, q, got, gs, go));
        check_same(c, got, want, (size_t)n);
        check_close(c, gs, s, (size_t)groups, 0, 0);
        check_close(c, go, o, (size_t)groups, 0, 0);
        for (int64_t g = 0; g < groups && !e->offsets; g++)
            if (o[g] != 0) check_fail(c, "%s is said to have no offsets", e->name);
    }
}

static void fields(check_ctx *c) {
    for (int bits = 2; bits <= 8; bits++) {
        int64_t n = check_int(c, 0, 30) * 8;
        const uint8_t *q = check_bytes(c, (size_t)(n / 8 * bits));
        int8_t *want = check_out(c, (size_t)n), *got = check_out(c, (size_t)n);
        for (int64_t i = 0; i < n; i++) want[i] = (int8_t)(tn_field(q, bits, i) - (1 << (bits - 1)));
        check_call(c, c->fast->coded.fields[bits](n, q, got));
        check_same(c, got, want, (size_t)n);
    }
}

static void values(check_ctx *c) {
    int64_t n = check_int(c, 0, 9) * TN_GROUP, groups = n / TN_GROUP;
    int shift = (int)check_int(c, 0, 3);
    const int8_t *code = (const int8_t *)check_bytes(c, (size_t)n);
    const float *s = check_floats(c, (size_t)((groups + (1 << shift) - 1) >> shift));
    const float *o = check_chance(c, 70) ? check_floats(c, (size_t)groups) : NULL;
    float *want = check_out(c, (size_t)n * 4), *got = check_out(c, (size_t)n * 4);
    c->ref->coded.values(n, code, shift, s, o, want);
    check_call(c, c->fast->coded.values(n, code, shift, s, o, got));
    check_close(c, got, want, (size_t)n, 0x1p-16, 0);
}

static void rounding(check_ctx *c) {
    static const float extremes[] = { NAN,        INFINITY, -INFINITY, 0x1p-121f, 0x1p-120f,
                                      -0x1p-149f, 3e38f,    -3.4e38f,  0,         -0.0f };
    int64_t n = check_int(c, 1, 6) * 32;
    float *x = check_floats(c, (size_t)n), *scale = check_out(c, (size_t)n / 8), *sum = check_out(c, (size_t)n / 4);
    float *want_scale = check_out(c, (size_t)n / 8), *want_sum = check_out(c, (size_t)n / 4);
    int8_t *want = check_out(c, (size_t)n), *got = check_out(c, (size_t)n);
    if (check_chance(c, 30))
        for (int64_t i = 0; i < 32; i++) x[i] *= check_chance(c, 50) ? 0 : 0x1p-125f;
    if (check_chance(c, 30)) x[check_int(c, 0, n - 1)] = extremes[check_int(c, 0, TN_COUNT(extremes) - 1)];
    c->ref->coded.round(n, x, want, want_scale, want_sum);
    check_call(c, c->fast->coded.round(n, x, got, scale, sum));
    check_same(c, got, want, (size_t)n);
    check_close(c, scale, want_scale, (size_t)n / 32, 0, 0);
    check_close(c, sum, want_sum, (size_t)n / 16, 0, 0);
    for (int64_t i = 0; i < n; i++) {
        double step = (double)scale[i / 32];
        if (isnan(step) || step == 0) continue;
        if (got[i] == -128 || fabs(step * got[i] - (double)x[i]) > step * (0.5 + 1e-4))
            check_fail(c, "%g became %d times %g", (double)x[i], got[i], step);
    }
}

/* Rows of activations of n elements, every one of them in memory and no more. */
static tn_coded_rows draw_rows(check_ctx *c, int64_t n, bool rounded) {
    tn_coded_rows t = { .m = (int)check_int(c, 1, TN_CODED_ROWS), .lda = n + check_int(c, 0, 2) * 32 };
    size_t all = (size_t)((t.m - 1) * t.lda + n);
    t.sum = check_floats(c, all / 16);
    if (!rounded) {
        t.x = check_floats(c, all);
        return t;
    }
    int8_t *a = (int8_t *)check_bytes(c, all);
    if (check_chance(c, 20)) memset(a, check_chance(c, 50) ? -127 : 127, all);
    for (size_t i = 0; i < all; i++) a[i] = a[i] == -128 ? 0 : a[i]; /* rounding gives none */
    t.a = a, t.a_scale = check_floats(c, all / 32);
    return t;
}

/* Roundings of n additions add up like a random walk; their unit is that of all magnitudes together. */
static void compare(check_ctx *c, const char *what, int64_t n, int m, const float *got, const double *want,
                    const double *size) {
    for (int r = 0; r < m; r++) {
        double bound = 0x1p-24 * (4 + sqrt((double)n)) * size[r];
        if (!(fabs((double)got[r] - want[r]) <= bound))
            check_fail(c, "%s, row %d of %d, n %d: %g, should be %g (allowed %.3g)", what, r, m, (int)n, (double)got[r],
                       want[r], bound);
    }
}

static void dots(check_ctx *c) {
    bool rounded = check_chance(c, 50);
    tn_coded_dot d = { .n = check_int(c, 1, 9) * 32, .shift = (int)check_int(c, 0, 3) };
    int8_t *code = (int8_t *)check_bytes(c, (size_t)d.n);
    if (check_chance(c, 20)) memset(code, check_chance(c, 50) ? -128 : 127, (size_t)d.n);
    d.code = code, d.scale = check_floats(c, (size_t)((d.n / 16 + (1 << d.shift) - 1) >> d.shift));
    d.offset = check_chance(c, 50) ? check_floats(c, (size_t)d.n / 16) : NULL;
    d.rows = draw_rows(c, d.n, rounded);
    double want[TN_CODED_ROWS] = { 0 }, size[TN_CODED_ROWS] = { 0 };
    float *got = check_out(c, (size_t)d.rows.m * 4);
    for (int r = 0; r < d.rows.m; r++) {
        got[r] = 0;
        for (int64_t e = 0; e < d.n; e++) {
            int64_t at = r * d.rows.lda + e;
            double x = rounded ? (double)d.rows.a_scale[at / 32] * d.rows.a[at] : (double)d.rows.x[at];
            double term = (double)d.scale[e / 16 >> d.shift] * code[e] * x;
            double off = d.offset && e % 16 == 0 ? (double)d.offset[e / 16] * (double)d.rows.sum[at / 16] : 0;
            want[r] += term + off, size[r] += fabs(term) + fabs(off);
        }
    }
    check_call(c, (rounded ? c->fast->coded.dot : c->fast->coded.dot_float)(&d, got));
    for (int r = 0; r < d.rows.m; r++) got[r] = 0;
    (rounded ? c->fast->coded.dot : c->fast->coded.dot_float)(&d, got);
    compare(c, rounded ? "rounded" : "floats", d.n, d.rows.m, got, want, size);
}

/* Blocks as they lie, against the codes they split into; sums as they follow from the activations. */
static void wholes(check_ctx *c) {
    for (int id = 0; id < TN_ENC_COUNT; id++) {
        const tn_encoding *e = &tn_encodings[id];
        if (!c->fast->coded.whole[id]) continue;
        int64_t step = e->block > 64 ? e->block : 64, n = check_int(c, 1, 4) * step;
        tn_coded_whole w = { .n = n };
        tn_coded v = { .as = e, .rows = 1, .columns = n, .block = e->block ? e->block : 32 };
        size_t bytes = e->block ? (size_t)(n / e->block * e->bytes) : (size_t)(n / 8 * e->bits);
        uint8_t *q = check_bytes(c, bytes), *b = check_out(c, bytes);
        memcpy(b, q, bytes);
        /* Scales are ordinary halves, so that sums are numbers: every exponent above 15 loses its top bit. */
        for (int64_t i = 0; e->block && i < n / e->block; i++)
            for (int h = 0; h < 2; h++) {
                int at = id == TN_ENC_Q6_K ? 208 : h && e->block == 256 ? 2 : 0;
                b[i * e->bytes + at + 1] &= 0xbf;
            }
        w.q = b, v.code = (tn_part){ b, (int64_t)bytes, TN_U8 }, v.blocks = n / v.block;
        if (!e->block) {
            w.scale = check_floats(c, (size_t)n / 32), v.scale = (tn_part){ w.scale, n / 8, TN_F32 };
            if (check_chance(c, 50)) {
                float *z = check_floats(c, (size_t)n / 32);
                for (int64_t i = 0; i < n / 32; i++) z[i] = 8 + 8 * z[i];
                w.zero = z, v.zero = (tn_part){ z, n / 8, TN_F32 };
            }
        }
        w.rows = draw_rows(c, n, true);
        tn_coded_rows *t = &w.rows;
        float *sum = check_out(c, (size_t)((t->m - 1) * t->lda + n) / 4), values[4 * TN_BLOCK_MAX];
        int8_t *ordered = check_out(c, (size_t)((t->m - 1) * t->lda + n));
        const int8_t *plain = t->a;
        float *got = check_out(c, (size_t)t->m * 4);
        double want[TN_CODED_ROWS] = { 0 }, size[TN_CODED_ROWS] = { 0 };
        tn_coded_decode(&v, 0, 0, n, values);
        for (int r = 0; r < t->m; r++) {
            tn_coded_reorder(tn_coded_order_of((tn_encoding_id)id), n, plain + r * t->lda, ordered + r * t->lda);
            for (int64_t at = r * t->lda; at < r * t->lda + n; at++) {
                double x = (double)t->a_scale[at / 32] * plain[at];
                if (at % 16 == 0) sum[at / 16] = 0;
                sum[at / 16] += t->a_scale[at / 32] * (float)plain[at];
                want[r] += (double)values[at - r * t->lda] * x;
            }
            /* Offsets and codes without a sign are up to 64 times a scale, which one of 16 weights shows. */
            for (int64_t g = 0; g < n / 16; g++) {
                double most = 0, all = 0;
                for (int64_t i = 16 * g; i < 16 * g + 16; i++) {
                    most = fmax(most, fabs((double)values[i]));
                    all += fabs((double)t->a_scale[(r * t->lda + i) / 32] * plain[r * t->lda + i]);
                }
                size[r] += 64 * (most + (w.scale ? 16 * fabs((double)w.scale[g / 2]) : 0)) * all;
            }
            got[r] = 0;
        }
        t->sum = sum, t->a = ordered;
        c->fast->coded.whole[id](&w, got);
        compare(c, e->name, n, t->m, got, want, size);
    }
}

/* Strips of any codes of their kind times tiles of rows, every row of which is read and those wanted counted. */
static void tiles(check_ctx *c) {
    static const int below[] = { 16, 64, 0 };
    tn_coded_tile t = { .n = check_int(c, 1, TN_TILE_DEPTH / 32) * 32, .rows = (int)check_int(c, 1, TN_TILE_ROWS) };
    t.group = check_chance(c, 50) ? 16 : 32, t.kind = (tn_tile_kind)check_int(c, 0, 2), t.offsets = check_chance(c, 50);
    tn_coded_strip *w = check_aligned(c, TN_TILE_COLUMNS * sizeof *w);
    bool extreme = check_chance(c, 20);
    for (int i = 0; i < TN_TILE_COLUMNS; i++) {
        memcpy(w[i].code, check_bytes(c, TN_TILE_DEPTH), TN_TILE_DEPTH);
        for (int e = 0; below[t.kind] && e < TN_TILE_DEPTH; e++)
            w[i].code[e] = (int8_t)(extreme ? below[t.kind] - 1 : (uint8_t)w[i].code[e] % below[t.kind]);
        memcpy(w[i].scale, check_floats(c, TN_TILE_DEPTH / 16), sizeof w[i].scale);
        memcpy(w[i].offset, check_floats(c, TN_TILE_DEPTH / 16), sizeof w[i].offset);
    }
    size_t all = (size_t)t.n * TN_TILE_ROWS;
    int8_t *a = (int8_t *)check_bytes(c, all);
    for (size_t i = 0; i < all; i++) a[i] = extreme ? 127 : a[i] == -128 ? 0 : a[i];
    t.w = w, t.a = a, t.a_scale = check_floats(c, all / 32), t.sum = check_floats(c, all / (size_t)t.group);
    float got[TN_TILE_COLUMNS * TN_TILE_ROWS] = { 0 };
    c->fast->coded.tile(&t, got);
    for (int i = 0; i < TN_TILE_COLUMNS; i++) {
        double want[TN_TILE_ROWS] = { 0 }, size[TN_TILE_ROWS] = { 0 };
        for (int r = 0; r < t.rows; r++)
            for (int64_t e = 0; e < t.n; e++) {
                double term = (double)w[i].scale[e / t.group] * w[i].code[e] *
                              a[(e / 4 * TN_TILE_ROWS + r) * 4 + e % 4] * (double)t.a_scale[e / 32 * TN_TILE_ROWS + r];
                bool add = t.offsets && e % t.group == 0;
                double off = add ? (double)w[i].offset[e / t.group] * (double)t.sum[e / t.group * TN_TILE_ROWS + r] : 0;
                want[r] += term + off, size[r] += fabs(term) + fabs(off);
            }
        compare(c, "a tile", t.n, t.rows, got + i * TN_TILE_ROWS, want, size);
    }
}

/* ------------------------------------------------------------------------------------------------- whole products */

static tn_dtype any_real(check_ctx *c) { return (tn_dtype[]){ TN_F32, TN_F16, TN_BF16 }[check_int(c, 0, 2)]; }

/* Scales (or zero points) from v as type t in fresh memory, and what they are then in v. */
static tn_part part_of(check_ctx *c, tn_dtype t, int64_t row, int64_t n, float *v) {
    size_t each = t == TN_F32 ? 4 : 2;
    void *at = check_bytes(c, (size_t)n * each), *made = check_aligned(c, (size_t)n * each); /* read at any address */
    (void)tn_convert(TN_F32, v, t, made, n, true, TN_ROUND_NEAREST);
    memcpy(at, made, (size_t)n * each);
    return (tn_part){ at, row * (int64_t)each, t };
}

static tn_coded uniform(check_ctx *c, int bits, int64_t n) {
    tn_coded w = { .as = &tn_encodings[TN_ENC_U2 + bits - 2], .rows = n };
    w.columns = check_chance(c, 10) ? check_int(c, 2000, 4200) : check_int(c, 1, 300);
    if (check_chance(c, 40)) w.columns = check_int(c, 1, 6) * 64;
    w.block = check_chance(c, 10) ? 4096 : INT64_C(16) << check_int(c, 0, 4);
    w.blocks = (w.columns + w.block - 1) / w.block;
    int64_t row = w.blocks * w.block / 8 * bits, zrow = (w.blocks * bits + 7) / 8;
    w.code = (tn_part){ check_bytes(c, (size_t)(n * row)), row, TN_U8 };
    w.scale = part_of(c, any_real(c), w.blocks, n * w.blocks, check_floats(c, (size_t)(n * w.blocks)));
    if (check_chance(c, 60)) w.zero = (tn_part){ check_bytes(c, (size_t)(n * zrow)), zrow, TN_U8 };
    if (check_chance(c, 30)) {
        float *z = check_floats(c, (size_t)(n * w.blocks));
        for (int64_t i = 0; i < n * w.blocks; i++) z[i] = (z[i] + 1) * (float)(1 << (bits - 1));
        w.zero = part_of(c, any_real(c), w.blocks, n * w.blocks, z);
    }
    return w;
}

static tn_coded codebook(check_ctx *c, int64_t n) {
    tn_coded w = { .as = &tn_encodings[TN_ENC_NF4], .rows = n, .block = 64, .columns = check_int(c, 1, 700) };
    w.blocks = (w.columns + 63) / 64;
    w.code = (tn_part){ check_bytes(c, (size_t)(n * w.blocks * 32)), w.blocks * 32, TN_U8 };
    w.scale = part_of(c, any_real(c), w.blocks, n * w.blocks, check_floats(c, (size_t)(n * w.blocks)));
    return w;
}

static tn_coded blocks(check_ctx *c, const tn_encoding *e, int64_t n) {
    tn_coded w = { .as = e, .rows = n, .block = e->block };
    w.blocks = check_int(c, 1, e->block < 256 ? 20 : check_chance(c, 20) ? 10 : 3), w.columns = w.blocks * e->block;
    w.code = (tn_part){ check_bytes(c, (size_t)(n * w.blocks * e->bytes)), w.blocks * e->bytes, TN_U8 };
    return w;
}

static void product(check_ctx *c, tn_coded_b b, int64_t m) {
    int64_t n = b.weights.rows;
    int64_t k = b.weights.columns, lda = k + check_int(c, 0, 3), ldc = n + check_int(c, 0, 3);
    float *a = check_floats(c, (size_t)(m * lda)), *bias = check_floats(c, (size_t)n),
          *d = check_floats(c, (size_t)(m * ldc));
    float *got = check_out(c, (size_t)(m * ldc) * 4), w[5400];
    tn_gemm_args g = tn_gemm_dense(m, n, k, a, NULL, got);
    g.lda = lda, g.ldc = g.ldd = ldc, g.alpha = check_float(c, -2, 2), g.beta = check_float(c, -1, 1);
    g.bias_n = check_chance(c, 50) ? bias : NULL, g.d = check_chance(c, 50) ? d : NULL;
    g.act.kind = check_chance(c, 30) ? TN_ACT_RELU : TN_ACT_NONE;
    tn_pool *pool = check_pool(c);
    size_t need = tn_coded_scratch(c->fast, &g, &b, tn_pool_threads(pool));
    void *scratch = check_chance(c, 50) ? check_aligned(c, need) : NULL;
    if (tn_coded_gemm(c->fast, &g, &b, scratch, pool) != TN_OK) check_fail(c, "%s", tn_error());
    for (int64_t j = 0; j < n; j++) {
        tn_coded_decode(&b.weights, j, 0, k, w);
        for (int64_t i = 0; i < m; i++) {
            double sum = 0, size = 0, steps = 0, most = 0;
            bool odd = false; /* no number among the weights */
            for (int64_t e2 = 0; e2 < k; e2++) {
                if (e2 % 32 == 0) {
                    most = 0;
                    for (int64_t f = e2; f < k && f < e2 + 32; f++) most = fmax(most, fabs((double)a[i * lda + f]));
                }
                odd = odd || !is_number(w[e2]);
                sum += (double)w[e2] * (double)a[i * lda + e2];
                size += fabs((double)w[e2] * (double)a[i * lda + e2]) + fabs((double)w[e2]) * most;
                steps += most / 254 * fabs((double)w[e2]);
            }
            double add = (g.d ? (double)g.beta * (double)d[i * ldc + j] : 0) + (g.bias_n ? (double)bias[j] : 0);
            double want = (double)g.alpha * sum + add, have = (double)got[i * ldc + j];
            double bound = fabs((double)g.alpha) * ((b.rounded ? 1.001 * steps : 0) + 1e-4 * size) + 1e-5;
            if (g.act.kind == TN_ACT_RELU) want = want > 0 ? want : 0;
            if (odd || !isfinite(want) || size > 1e37) continue;
            if (!(fabs(have - want) <= bound))
                check_fail(c, "%s, %d x %d x %d, block %d, %s: [%d, %d] is %g, should be %g (allowed %.3g)",
                           b.weights.as->name, (int)m, (int)n, (int)k, (int)b.weights.block,
                           b.rounded ? "rounded" : "exact", (int)i, (int)j, have, want, bound);
        }
    }
    for (int64_t i = 0; i < m - 1; i++)
        for (int64_t j = n; j < ldc; j++)
            if (!check_untouched(got + i * ldc + j)) check_fail(c, "wrote beside row %d", (int)i);
}

static void products(check_ctx *c) {
    int64_t m = check_chance(c, 60) ? check_int(c, 1, 6) : check_int(c, 7, 40), n = check_int(c, 1, 70);
    int id = (int)check_int(c, 0, TN_ENC_COUNT + 8);
    const tn_encoding *e = id < TN_ENC_COUNT ? &tn_encodings[id] : NULL;
    tn_coded_b b = { .rounded = check_chance(c, 50) };
    b.weights = id == TN_ENC_NF4 ? codebook(c, n)
                : e && e->split  ? blocks(c, e, n)
                                 : uniform(c, (int)check_int(c, 2, 8), n);
    product(c, b, m);
}

/* What goes whole, and what only nearly does. */
static void four_bits(check_ctx *c) {
    tn_coded_b b = { uniform(c, 4, check_int(c, 1, 20)), true };
    product(c, b, check_int(c, 1, 9));
}

/* One column of ones in front of a 1 among zeros: the error of rounding is what the header says, and comes about. */
static void worst_case(check_ctx *c) {
    enum { K = 32 };
    uint8_t q[18];
    float a[K], y;
    memset(q, 0x99, sizeof q); /* codes 9 - 8 = 1 */
    q[0] = 0, q[1] = 0x3c;     /* times 1.0 */
    tn_coded_b b = { { &tn_encodings[TN_ENC_Q4_0], 1, K, 32, 1, { q, 18, TN_U8 }, { 0 }, { 0 } }, true };
    for (int i = 0; i < K; i++) a[i] = i ? 0.4999f / 127 : 1;
    tn_gemm_args g = tn_gemm_dense(1, 1, K, a, NULL, &y);
    if (tn_coded_gemm(c->fast, &g, &b, NULL, NULL) != TN_OK) check_fail(c, "%s", tn_error());
    if (fabsf(y - 1) > 1e-6f) check_fail(c, "halves of a step should have vanished: %g", (double)y);
    b.rounded = false;
    if (tn_coded_gemm(c->fast, &g, &b, NULL, NULL) != TN_OK) check_fail(c, "%s", tn_error());
    if (fabsf(y - (1 + 31 * a[1])) > 1e-5f) check_fail(c, "exact product is %g", (double)y);
}

static const check_case cases[] = { { "splits", splits, 100 },       { "fields", fields, 100 },
                                    { "values", values, 100 },       { "rounding", rounding, 300 },
                                    { "dots", dots, 400 },           { "wholes", wholes, 200 },
                                    { "tiles", tiles, 150 },         { "products", products, 250 },
                                    { "four_bits", four_bits, 150 }, { "worst_case", worst_case, 1 } };

int main(int argc, char **argv) { return check_main("coded", cases, TN_COUNT(cases), argc, argv); }
