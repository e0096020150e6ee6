/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qconv.c - 8-bit convolutions: every variant, exactly, with zero points, signs, groups, extreme codes, threads; and
 * the loops over codes. */
#include "kernel/qconv_arrange.h"
#include "lib/kernel_check.h"
#include <math.h>
#include <string.h>

enum { BLOCK = TN_QBLOCK };

static int at(const void *p, bool is_signed, int64_t i) {
    return is_signed ? ((const int8_t *)p)[i] : ((const uint8_t *)p)[i];
}

/* Now and then nothing but the ends of the range, where sums of 16 bits would overflow. */
static uint8_t *codes(check_ctx *c, size_t n, bool is_signed) {
    uint8_t *p = check_bytes(c, n);
    int kind = (int)check_int(c, 0, 3);
    for (size_t i = 0; i < n; i++) {
        if (kind == 0) p[i] = check_chance(c, 50) ? 0 : 255;
        if (kind == 1) p[i] = is_signed ? (check_chance(c, 50) ? 0x80 : 0x7f) : 255;
    }
    return p;
}

static tn_qweights weights(check_ctx *c, int64_t oc, int64_t ic, int64_t taps, int64_t groups) {
    tn_qweights w = { .oc = oc, .ic = ic, .taps = taps, .groups = groups, .is_signed = check_chance(c, 70) };
    w.w = codes(c, (size_t)(oc * ic * taps), w.is_signed);
    if (check_chance(c, 50))
        w.o_step = ic * taps, w.i_step = taps, w.t_step = 1;
    else
        w.t_step = oc * ic, w.i_step = oc, w.o_step = 1;
    w.zero_many = check_chance(c, 50);
    int32_t *zero = check_out(c, (size_t)(w.zero_many ? oc : 1) * sizeof *zero);
    bool none = check_chance(c, 40);
    for (int64_t i = 0; i < (w.zero_many ? oc : 1); i++)
        zero[i] = none ? 0 : (int32_t)check_int(c, 0, 255) - (w.is_signed ? 128 : 0);
    w.zero = zero;
    return w;
}

static int32_t weight(const tn_qweights *w, int64_t o, int64_t i, int64_t t) {
    return at(w->w, w->is_signed, o * w->o_step + i * w->i_step + t * w->t_step) - w->zero[w->zero_many ? o : 0];
}

/* The end of sums for oc columns, with room for whole blocks. */
static tn_qend end_of(check_ctx *c, int64_t oc, double largest) {
    size_t n = (size_t)((oc + BLOCK - 1) / BLOCK * BLOCK);
    int32_t *add = check_out(c, n * sizeof *add);
    float *scale = check_floats(c, n), *bias = check_floats(c, n);
    for (size_t i = 0; i < n; i++) {
        add[i] = (int32_t)check_int(c, -10000, 10000);
        scale[i] = fabsf(scale[i]) * (float)(300 / (largest + 1));
        bias[i] = check_chance(c, 50) ? 0 : 20 * bias[i];
    }
    int32_t zero = (int32_t)check_int(c, 0, 255);
    int lo = check_chance(c, 30) ? (int)check_int(c, 0, zero) : 0;
    return (tn_qend){ .add = add,
                      .scale = scale,
                      .bias = bias,
                      .lo = (float)(lo - zero),
                      .hi = (float)(255 - zero),
                      .zero = zero,
                      .y_type = check_chance(c, 60) ? TN_U8 : TN_F32 };
}

static double expected(const tn_qend *e, int64_t column, int64_t sum) {
    float v = fmaf((float)(int32_t)(sum + e->add[column]), e->scale[column], e->bias[column]);
    if (e->y_type == TN_F32) return (double)v;
    return (double)(rintf(fminf(fmaxf(v, e->lo), e->hi)) + (float)e->zero);
}

static void expect(check_ctx *c, const tn_qend *e, const char *y, int64_t i, int64_t row, int64_t column, int64_t sum) {
    double want = expected(e, column, sum);
    double have = e->y_type == TN_F32 ? (double)((const float *)(const void *)y)[i] : ((const uint8_t *)y)[i];
    if (have != want) check_fail(c, "[%d, %d]: %.9g, should be %.9g", (int)row, (int)column, have, want);
}

/* A matrix [m, k] times [k, n]. */
static void product(check_ctx *c, int64_t m, int64_t n, int64_t k) {
    const tn_qconv_kernels *kn = &c->fast->qconv;
    if (n < 1 || k < 1) return;
    tn_qweights w = weights(c, n, k, 1, 1);
    int64_t lda = (k + BLOCK - 1) / BLOCK * BLOCK;
    const uint8_t *x = codes(c, (size_t)(m * lda), false);
    tn_qconv_size size = check_chance(c, 50) ? tn_qconv_measure(kn, &w) : tn_qconv_measure_kept(kn, &w);
    void *packed = check_aligned(c, size.bytes);
    tn_qconv_pack(kn, &w, &size, packed);
    tn_qconv_forget(&size);
    int32_t *group_at = check_out(c, (size_t)tn_qconv_groups(packed) * sizeof *group_at), tap = 0;
    int32_t *row_at = check_out(c, (size_t)m * sizeof *row_at);
    tn_qconv_places(kn, packed, BLOCK, &tap, group_at);
    for (int64_t i = 0; i < m; i++) row_at[i] = (int32_t)(i * lda);
    tn_qconv_args a = { .rows = m, .columns = n, .packed = packed, .x = x, .row_at = row_at, .group_at = group_at };
    a.end = end_of(c, n, 255.0 * 128 * (double)k);
    int64_t each = a.end.y_type == TN_F32 ? 4 : 1;
    a.y = check_out(c, (size_t)(m * n * each));
    a.row_step = (ptrdiff_t)(n * each), a.block_step = BLOCK * each;
    check_call(c, tn_qconv(kn, &a, check_pool(c)));
    for (int64_t j = 0; j < n; j++) {
        int64_t all = 0;
        for (int64_t p = 0; p < k; p++) all += weight(&w, j, p, 0);
        if (tn_qconv_sums(kn, packed)[j] != all) check_fail(c, "sum of column %d", (int)j);
        for (int64_t i = 0; i < m; i++) {
            int64_t sum = 0;
            for (int64_t p = 0; p < k; p++) sum += x[i * lda + p] * weight(&w, j, p, 0);
            expect(c, &a.end, a.y, i * n + j, i, j, sum);
        }
    }
}

static void small(check_ctx *c) {
    product(c, (int64_t)check_size(c, 30), (int64_t)check_size(c, 70), (int64_t)check_size(c, 60));
}
static void large(check_ctx *c) {
    product(c, (int64_t)check_size(c, 150), (int64_t)check_size(c, 100), (int64_t)check_size(c, 400));
}

/* A convolution of blocked channels, with taps anywhere within an image. */
static void grouped(check_ctx *c) {
    const tn_qconv_kernels *kn = &c->fast->qconv;
    int64_t groups = check_int(c, 1, 4), ic = check_int(c, 1, 20), oc = groups * check_int(c, 1, 20);
    int64_t taps = check_int(c, 1, 5), pixels = check_int(c, 1, 30), all = groups * ic;
    int64_t block = (pixels + taps) * BLOCK, blocks = (all + BLOCK - 1) / BLOCK, oblocks = (oc + BLOCK - 1) / BLOCK;
    tn_qweights w = weights(c, oc, ic, taps, groups);
    const uint8_t *x = codes(c, (size_t)(blocks * block), false);
    tn_qconv_size size = check_chance(c, 50) ? tn_qconv_measure(kn, &w) : tn_qconv_measure_kept(kn, &w);
    void *packed = check_aligned(c, size.bytes);
    tn_qconv_pack(kn, &w, &size, packed);
    tn_qconv_forget(&size);
    int32_t *group_at = check_out(c, (size_t)tn_qconv_groups(packed) * sizeof *group_at), tap_at[5];
    int32_t *row_at = check_out(c, (size_t)pixels * sizeof *row_at);
    for (int t = 0; t < taps; t++) tap_at[t] = (int32_t)check_int(c, 0, taps) * BLOCK;
    for (int64_t i = 0; i < pixels; i++) row_at[i] = (int32_t)(i * BLOCK);
    tn_qconv_places(kn, packed, block, tap_at, group_at);
    tn_qconv_args a = {
        .rows = pixels, .columns = oblocks * BLOCK, .packed = packed, .x = x, .row_at = row_at, .group_at = group_at
    };
    a.end = end_of(c, oc, 255.0 * 128 * (double)(ic * taps));
    int64_t each = a.end.y_type == TN_F32 ? 4 : 1;
    a.y = check_out(c, (size_t)(oblocks * BLOCK * pixels * each));
    a.row_step = (ptrdiff_t)(BLOCK * each), a.block_step = (ptrdiff_t)(pixels * BLOCK * each);
    check_call(c, tn_qconv(kn, &a, check_pool(c)));
    for (int64_t o = 0; o < oc; o++)
        for (int64_t p = 0; p < pixels; p++) {
            int64_t sum = 0;
            for (int64_t t = 0; t < taps; t++)
                for (int64_t i = 0; i < ic; i++) {
                    int64_t ch = o / (oc / groups) * ic + i;
                    sum += x[ch / BLOCK * block + p * BLOCK + tap_at[t] + ch % BLOCK] * weight(&w, o, i, t);
                }
            expect(c, &a.end, a.y, (o / BLOCK * pixels + p) * BLOCK + o % BLOCK, p, o, sum);
        }
}

static void depthwise(check_ctx *c) {
    int64_t oc = check_int(c, 1, 40), taps = check_int(c, 1, 9), n = check_int(c, 0, 20), stride = check_int(c, 1, 2);
    int64_t block = (n * stride + 16) * BLOCK, blocks = (oc + BLOCK - 1) / BLOCK, pairs = (taps + 1) / 2;
    tn_qweights w = weights(c, oc, 1, taps, oc);
    const uint8_t *x = codes(c, (size_t)(blocks * block), false);
    void *packed = check_aligned(c, tn_qdepth_packed_bytes(&w));
    int32_t tap_at[10] = { 0 };
    for (int t = 0; t < taps; t++) tap_at[t] = (int32_t)check_int(c, 0, 15) * BLOCK;
    tn_qdepth_pack(&w, packed);
    tn_qend end = end_of(c, oc, 255.0 * 128 * (double)taps);
    size_t each = end.y_type == TN_F32 ? 4 : 1;
    for (int64_t b = 0; b < blocks; b++) {
        tn_qdepth d = { .n = n, .pairs = pairs, .x = x + b * block, .step = (ptrdiff_t)(stride * BLOCK), .at = tap_at };
        d.w = (const int16_t *)packed + b * pairs * 2 * BLOCK;
        d.end = end, d.end.add += b * BLOCK, d.end.scale += b * BLOCK, d.end.bias += b * BLOCK;
        d.y = check_out(c, (size_t)(n * BLOCK) * each);
        check_call(c, c->fast->qconv.depthwise(&d));
        for (int64_t o = b * BLOCK; o < oc && o < (b + 1) * BLOCK; o++)
            for (int64_t p = 0; p < n; p++) {
                int64_t sum = 0;
                for (int64_t t = 0; t < taps; t++) sum += d.x[p * d.step + tap_at[t] + o % BLOCK] * weight(&w, o, 0, t);
                expect(c, &end, d.y, p * BLOCK + o % BLOCK, p, o, sum);
            }
    }
}

static void loops(check_ctx *c) {
    const tn_qconv_kernels *kn = &c->fast->qconv, *ref = &c->ref->qconv;
    size_t n = check_size(c, 300);
    bool many = check_chance(c, 60);
    const uint8_t *a = codes(c, n, false), *b = codes(c, many ? n : 1, false);
    uint8_t *have = check_out(c, n), *want = check_out(c, n);
    int32_t zero = (int32_t)check_int(c, 0, 255);
    tn_qpair p = { .ka = check_float(c, 0.01f, 2), .kb = check_float(c, 0.01f, 2), .c = check_float(c, -200, 200) };
    p.za = (int32_t)check_int(c, 0, 255), p.zb = (int32_t)check_int(c, 0, 255);
    p.lo = (float)-zero, p.hi = (float)(255 - zero), p.zero = zero;
    check_call(c, kn->add((int64_t)n, a, b, many, &p, have));
    ref->add((int64_t)n, a, b, many, &p, want);
    check_same(c, have, want, n);
    p.ka *= 0.01f;
    check_call(c, kn->mul((int64_t)n, a, b, many, &p, have));
    ref->mul((int64_t)n, a, b, many, &p, want);
    check_same(c, have, want, n);
    for (size_t i = 0; i < n; i++) {
        float v = (float)((a[i] - p.za) * (b[many ? i : 0] - p.zb)) * p.ka;
        if (want[i] != rintf(fminf(fmaxf(v, p.lo), p.hi)) + (float)zero) check_fail(c, "product %d", (int)i);
    }
    float *x = check_floats(c, n), lo = 0, hi = 0, least = 0, most = 0, scale = check_float(c, 0.003f, 0.02f);
    for (size_t i = 0; i < n; i++) {
        if (check_chance(c, 3)) x[i] = check_chance(c, 50) ? NAN : INFINITY;
        least = x[i] < least ? x[i] : least, most = x[i] > most ? x[i] : most;
    }
    kn->range((int64_t)n, x, &lo, &hi);
    if (lo != least || hi != most)
        check_fail(c, "range %g .. %g, should be %g .. %g", (double)lo, (double)hi, (double)least, (double)most);
    check_call(c, kn->quantise((int64_t)n, x, scale, zero, have));
    for (size_t i = 0; i < n; i++) {
        float v = isnan(x[i]) ? 0 : fminf(fmaxf(rintf(x[i] / scale) + (float)zero, 0), 255);
        if ((float)have[i] != v) check_fail(c, "code %d of %g: %d", (int)i, (double)x[i], have[i]);
    }
    memcpy(want, a, n);
    memcpy(have, a, n);
    ref->most((int64_t)n, many ? b : a, want);
    kn->most((int64_t)n, many ? b : a, have);
    check_same(c, have, want, n);
    uint8_t *table = check_bytes(c, 256), *found = check_out(c, n);
    check_call(c, kn->lookup((int64_t)n, table, a, found));
    for (size_t i = 0; i < n; i++)
        if (found[i] != table[a[i]]) check_fail(c, "table of %d at %d: %d", a[i], (int)i, found[i]);
    for (size_t i = 0; many && i < n; i++)
        if (want[i] != (a[i] > b[i] ? a[i] : b[i])) check_fail(c, "greater %d", (int)i);
}

/* A round's lanes hold at most 128 on either side of zero, of whichever channels; what they take is gone from rest. */
static void check_lane(check_ctx *c, const tn_qround *r, int64_t column, int byte, int group, int groups) {
    int above = 0, below = 0;
    for (int g = group; g < group + groups; g++)
        for (int k = byte; k < byte + 2; k++) {
            int w = r->w[g][column][k];
            *(w > 0 ? &above : &below) += w;
        }
    if (above > 128 || below < -128)
        check_fail(c, "column %d, group %d: %d and %d in a lane", (int)column, group, above, below);
}

static void arranged(check_ctx *c) {
    int64_t columns = check_int(c, 1, TN_QCOLUMNS);
    int16_t rest[BLOCK][TN_QCOLUMNS] = { { 0 } };
    int want[BLOCK][TN_QCOLUMNS] = { { 0 } };
    int spread = (int)check_int(c, 1, 255), share = (int)check_int(c, 0, 100), rounds = 0;
    bool ends = check_chance(c, 30), more;
    for (int i = 0; i < BLOCK; i++)
        for (int64_t j = 0; j < columns; j++) {
            if (!check_chance(c, share)) continue;
            int v = (int)check_int(c, -spread, spread);
            want[i][j] = rest[i][j] = (int16_t)(ends ? (v < 0 ? -spread : spread) : v);
        }
    do {
        tn_qround r;
        memset(&r, 0, sizeof r);
        more = tn_qarrange(columns, rest, &r);
        int groups = 2 * r.doubles + r.singles;
        for (int g = 0; g < groups; g++)
            for (int64_t j = 0; j < columns; j++)
                for (int k = 0; k < 4; k++) {
                    if (r.pick[g][k] >= BLOCK) check_fail(c, "channel %d", r.pick[g][k]);
                    want[r.pick[g][k]][j] -= r.w[g][j][k];
                    if (k % 2) continue;
                    bool twice = g < 2 * r.doubles;
                    if (!twice || g % 2 == 0) check_lane(c, &r, j, k, g, twice ? 2 : 1);
                }
        if (more && (!groups || ++rounds > 64)) check_fail(c, "no end after %d rounds", rounds);
    } while (more && rounds <= 64);
    for (int i = 0; i < BLOCK; i++)
        for (int64_t j = 0; j < columns; j++)
            if (want[i][j] || rest[i][j]) check_fail(c, "%d of channel %d, column %d is left", want[i][j], i, (int)j);
}

static const check_case cases[] = { { "arranged", arranged, 300 },   { "small", small, 300 },
                                    { "large", large, 20 },          { "grouped", grouped, 100 },
                                    { "depthwise", depthwise, 100 }, { "loops", loops, 200 } };

int main(int argc, char **argv) { return check_main("qconv", cases, TN_COUNT(cases), argc, argv); }
