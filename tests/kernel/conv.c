/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv.c - convolution: every algorithm on every variant against the definition, on random descriptions; and the parts
 * of the table one by one: register tiles, the transforms of Winograd's algorithm, layout changes. */
#include "kernel/conv.h"
#include "base/status.h"
#include "lib/kernel_check.h"
#include "tensor/dtype.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define draw(lo, hi) check_int(c, lo, hi)

static const char *describe(const tn_conv_desc *d) {
    static char s[400];
    int n =
        snprintf(s, sizeof s, "%sn %d ic %d oc %d group %d layouts %d%d act %s", d->transposed ? "transposed " : "",
                 (int)d->n, (int)d->ic, (int)d->oc, (int)d->group, d->x_layout, d->y_layout, tn_act_name(d->act.kind));
    for (int i = 0; i < d->rank; i++)
        n += snprintf(s + n, sizeof s - (size_t)n, " | in %d out %d k %d s %d d %d p %d", (int)d->in[i], (int)d->out[i],
                      (int)d->kernel[i], (int)d->stride[i], (int)d->dilation[i], (int)d->pad[i]);
    return s;
}

static int64_t area(const tn_conv_desc *d, const int64_t *dims) {
    int64_t n = 1;
    for (int i = 0; i < d->rank; i++) n *= dims[i];
    return n;
}

static int64_t count(const tn_conv_desc *d, int64_t channels, const int64_t *dims, tn_conv_layout layout, int block) {
    if (layout == TN_LAYOUT_BLOCKED) channels = (channels + block - 1) / block * block;
    return d->n * channels * area(d, dims);
}

/* What a case may do beside the ordinary. */
typedef struct {
    bool lanes;   /* lanes past the channels of a blocked x or residual hold any numbers (behind an activation they do),
                   * and behind the four of the last channel NaN */
    bool special; /* some elements of x are NaN or infinite */
} spice;

static float *tensor(check_ctx *c, int64_t n, int64_t channels, int64_t pixels, tn_conv_layout layout, int block,
                     bool lanes) {
    int64_t blocks = (channels + block - 1) / block;
    if (layout != TN_LAYOUT_BLOCKED) return check_floats(c, (size_t)(n * channels * pixels));
    float *x = check_floats(c, (size_t)(n * blocks * block * pixels));
    for (int64_t i = 0; i < n * blocks * block * pixels; i++)
        if (i / block / pixels % blocks * block + i % block >= channels)
            x[i] = !lanes ? 0 : i % block >= (channels % block + 3) / 4 * 4 ? NAN : x[i] * 1000;
    return x;
}

static tn_activation random_act(check_ctx *c) {
    tn_activation t = { .kind = draw(0, 2) ? (tn_act)draw(0, TN_ACT_COUNT - 1) : TN_ACT_NONE, .a = 0.2f, .b = 0.5f };
    if (t.kind == TN_ACT_CLIP) t.a = 0.1f, t.b = 0.7f;
    return t;
}

/* Rounded to bfloat16 in place; nothing denormal. Then products of pairs are those of float32. */
static void as_bf16(float *v, int64_t n) {
    for (int64_t i = 0; i < n; i++) v[i] = fabsf(v[i]) < 1e-30f ? 0 : tn_bf16_to_f32(tn_f32_to_bf16(v[i]));
}

static void random_desc(check_ctx *c, tn_conv_desc *d, int kind) {
    *d = (tn_conv_desc){ .rank = kind >= 6    ? (int)draw(1, 3)
                                 : draw(0, 9) ? 2
                                              : 1,
                         .n = draw(0, 9) ? draw(1, 2) : 0,
                         .group = 1 };
    bool big = draw(0, 3) == 0;
    d->ic = draw(1, big ? 80 : 20), d->oc = draw(1, big ? 100 : 40);
    if (kind == 1) d->ic = draw(1, 4);
    if (kind == 2) d->group = d->oc = d->ic;
    if (kind == 3) d->group = draw(1, 3), d->ic = 16 * d->group * draw(1, 2), d->oc = 16 * d->group * draw(1, 2);
    if (kind >= 6) d->group = draw(1, 3), d->ic = d->group * draw(1, 6), d->oc = d->group * draw(1, 9);
    if (kind == 8) d->group = 1, d->ic = draw(1, 40), d->oc = draw(1, 40);
    if (kind == 9 && draw(0, 1)) d->group = d->ic = d->oc;
    if (kind == 10) d->group = draw(0, 1) ? 1 : draw(1, 2) * 2, d->ic = 16 * d->group, d->oc = 32 * d->group;
    d->x_layout = kind == 1 || kind >= 6 ? TN_LAYOUT_PLAIN : TN_LAYOUT_BLOCKED;
    d->y_layout = kind >= 6 ? TN_LAYOUT_PLAIN : TN_LAYOUT_BLOCKED;
    d->transposed = kind == 7 || kind == 8 || kind == 10;
    if (kind >= 8) d->rank = (int)draw(1, 2);
    if (kind == 8) d->x_layout = (tn_conv_layout)draw(0, 1);
    if (kind == 8 && draw(0, 1)) d->y_layout = TN_LAYOUT_BLOCKED;
    if (kind == 9 && d->group == 1) d->x_layout = (tn_conv_layout)draw(0, 1), d->y_layout = 1 - d->x_layout;
    if (kind == 10) d->x_layout = d->y_layout = TN_LAYOUT_BLOCKED;
    if (kind == 11)
        d->rank = 2, d->ic = draw(16, 40), d->oc = draw(16, 40); /* plain, but worth Winograd's transforms */
    if (kind == 11) d->group = 1, d->y_layout = (tn_conv_layout)draw(0, 1);
    bool patches = kind == 8 && draw(0, 1);
    for (int i = 0; i < d->rank; i++) {
        d->in[i] = kind == 11 ? draw(12, 20) : draw(0, 4) ? draw(1, d->rank > 2 ? 8 : 33) : 1;
        d->kernel[i] = kind == 4 ? 1 : kind == 5 || kind == 11 ? 3 : draw(1, draw(0, 3) ? 3 : 7);
        d->stride[i] = kind == 5 || kind == 11 || draw(0, 1) ? 1 : draw(1, 4);
        d->dilation[i] = kind == 5 || kind == 11 || draw(0, 3) ? 1 : draw(1, 3);
        if (patches) d->stride[i] = d->kernel[i], d->dilation[i] = 1;
        int64_t before = kind == 4 ? 0 : draw(-1, 4), after = kind == 4 ? 0 : draw(-1, 4);
        int64_t reach = d->dilation[i] * (d->kernel[i] - 1) + 1;
        d->pad[i] = before;
        if (patches) {
            d->pad[i] = 0, d->out[i] = d->in[i] * d->stride[i];
        } else if (d->transposed) {
            d->out[i] = (d->in[i] - 1) * d->stride[i] + reach - before - after + draw(0, d->stride[i] - 1);
            if (d->out[i] < 1) d->pad[i] = 0, d->out[i] = (d->in[i] - 1) * d->stride[i] + reach;
        } else {
            if (d->in[i] + before + after < reach) d->in[i] += reach;
            d->out[i] = tn_conv_out(d->in[i], d->kernel[i], d->stride[i], d->dilation[i], before, after);
        }
    }
    d->bias = draw(0, 1), d->residual = draw(0, 2) == 0;
    d->act = random_act(c);
    d->pairs = c->fast->conv.pairs[0][0] && draw(0, 1);
}

/* The channel of element i of y. */
static int64_t channel_of(const tn_conv_desc *d, int block, int64_t i) {
    int64_t blocks = (d->oc + block - 1) / block;
    if (d->y_layout != TN_LAYOUT_BLOCKED) return i / area(d, d->out) % d->oc;
    return i / block / area(d, d->out) % blocks * block + i % block;
}

/* Lanes past the channels are zeros if those of x were. At least the next layer finds no poison in what it sums, the
 * four that the last channel is one of, although x was not finite. */
static bool good_lane(const spice *s, int64_t lane, int64_t oc, float got) {
    if (s->special || s->lanes) return lane >= (oc + 3) / 4 * 4 || isfinite(got);
    return got == 0;
}

static bool good(const tn_conv_algo *a, const spice *s, float got, float want, float largest) {
    /* A tile of Winograd's spreads what is not finite over all of its pixels. */
    if (s->special && isnan(got) && strstr(a->name, "winograd")) return true;
    if (!isfinite(want) || !isfinite(got)) return isnan(want) ? isnan(got) : want == got;
    return fabsf(want - got) <= 2e-5f * largest;
}

static void compare(check_ctx *c, const tn_conv_desc *d, const tn_conv_algo *a, const spice *s, const float *want,
                    const float *got, int64_t n) {
    int block = c->fast->conv.block;
    /* An activation may hide how large the sums were. */
    float largest = sqrtf((float)(d->ic / d->group * area(d, d->kernel))) / 3;
    for (int64_t i = 0; i < n; i++)
        if (channel_of(d, block, i) < d->oc && isfinite(want[i])) largest = fmaxf(largest, fabsf(want[i]));
    for (int64_t i = 0; i < n; i++) {
        int64_t channel = channel_of(d, block, i);
        bool lane = channel >= d->oc;
        if (!check_untouched(&got[i]) &&
            (lane ? good_lane(s, channel, d->oc, got[i]) : good(a, s, got[i], want[i], largest)))
            continue;
        check_fail(c, "%s: %s%s%s: at %ld%s: %g, not %g", a->name, describe(d), s->special ? ", not finite" : "",
                   s->lanes ? ", lanes" : "", (long)i, lane ? " (lane)" : "", (double)got[i], (double)want[i]);
        return;
    }
}

static void add_specials(check_ctx *c, float *x, const tn_conv_desc *d, int64_t pixels) {
    int block = d->x_layout == TN_LAYOUT_BLOCKED ? c->fast->conv.block : 1;
    int64_t planes = (d->ic + block - 1) / block;
    for (int64_t left = d->n && pixels ? draw(1, 3) : 0; left > 0; left--) {
        int64_t channel = draw(0, d->ic - 1), image = draw(0, d->n - 1), pixel = draw(0, pixels - 1);
        int64_t at = ((image * planes + channel / block) * pixels + pixel) * block + channel % block;
        x[at] = draw(0, 1) ? NAN : draw(0, 1) ? INFINITY : -INFINITY;
    }
}

static int seen[TN_CONV_ALGOS]; /* how often each algorithm ran on this variant */

static void run(check_ctx *c, const tn_conv_desc *d, const spice *s) {
    const tn_kernels *k = c->fast;
    int block = k->conv.block;
    int64_t in = area(d, d->in), out = area(d, d->out), taps = area(d, d->kernel);
    size_t ny = (size_t)count(d, d->oc, d->out, d->y_layout, block);
    float *x = tensor(c, d->n, d->ic, in, d->x_layout, block, s->lanes), *bias = check_floats(c, (size_t)d->oc);
    if (s->special) add_specials(c, x, d, in);
    float *w = check_floats(c, (size_t)(d->ic * d->oc / d->group * taps)), *want = check_out(c, ny * 4);
    float *residual = d->residual ? tensor(c, d->n, d->oc, out, d->y_layout, block, s->lanes) : NULL;
    if (d->pairs) as_bf16(x, count(d, d->ic, d->in, d->x_layout, block)), as_bf16(w, d->ic * d->oc / d->group * taps);
    if (!tn_conv_valid(d)) check_fail(c, "%s: should be valid", describe(d));
    tn_conv_ref(d, block, x, w, d->bias ? bias : NULL, residual, want);
    const tn_conv_algo *list[TN_CONV_ALGOS];
    size_t n = tn_conv_list(k, d, list, TN_CONV_ALGOS);
    if (!n) check_fail(c, "%s: no algorithm", describe(d));
    for (size_t i = 0; i < n; i++) {
        const tn_conv_algo *a = list[i];
        tn_pool *pool = check_pool(c);
        for (int which = 0; tn_conv_all[which]; which++) seen[which] += tn_conv_all[which] == a;
        float *y = check_out(c, ny * 4), *packed = check_aligned(c, a->packed_bytes(k, d));
        tn_conv_io io = { .x = x, .w = packed, .residual = residual, .y = y };
        io.scratch = check_aligned(c, a->scratch_bytes(k, d, tn_pool_threads(pool)));
        a->pack(k, d, w, d->bias ? bias : NULL, packed);
        if (residual && draw(0, 1)) io.residual = memcpy(y, residual, ny * 4);
        a->run(k, d, &io, pool);
        compare(c, d, a, s, want, y, (int64_t)ny);
    }
}

static void algorithms(check_ctx *c) {
    tn_conv_desc d;
    spice s = { .lanes = check_chance(c, 30), .special = check_chance(c, 15) };
    random_desc(c, &d, (int)(c->seed % 12));
    run(c, &d, &s);
}

static void long_sums_are_cut(check_ctx *c) {
    tn_conv_desc d = { .rank = 2,
                       .n = 1,
                       .ic = 600,
                       .oc = c->seed % 2 ? 48 : 37,
                       .group = 1,
                       .in = { 5, 9 },
                       .out = { 5, 9 },
                       .kernel = { 3, 3 },
                       .stride = { 1, 1 },
                       .dilation = { 1, 1 },
                       .pad = { 1, 1 },
                       .x_layout = TN_LAYOUT_BLOCKED,
                       .y_layout = TN_LAYOUT_BLOCKED,
                       .bias = true,
                       .residual = true,
                       .pairs = c->seed % 4 > 1,
                       .act = { .kind = TN_ACT_SIGMOID } };
    run(c, &d, &(spice){ .lanes = false });
}

/* Runs after the others: the random cases reach every algorithm, of pairs where the set multiplies them. */
static void all_were_tried(check_ctx *c) {
    int sum = 0;
    for (int i = 0; tn_conv_all[i]; i++) sum += seen[i];
    for (int i = 0; sum && tn_conv_all[i]; i++)
        if (!seen[i] && (c->fast->conv.pairs[0][0] || !strstr(tn_conv_all[i]->name, "pairs")))
            check_fail(c, "%s was never tried", tn_conv_all[i]->name);
    memset(seen, 0, sizeof seen);
}

/* ------------------------------------------------------------------------------------------------ register tiles */

typedef enum { GEMM, THIN, PAIRS, DEPTHWISE, KINDS } tile_kind;

/* The products of two channels each that lie in words of 32 bits. */
static double product_of_pairs(const float *x, const float *w) {
    uint32_t a, b;
    memcpy(&a, x, sizeof a), memcpy(&b, w, sizeof b);
    return (double)tn_bf16_to_f32((uint16_t)a) * (double)tn_bf16_to_f32((uint16_t)b) +
           (double)tn_bf16_to_f32((uint16_t)(a >> 16)) * (double)tn_bf16_to_f32((uint16_t)(b >> 16));
}

/* What a tile of this kind sums, in double: taps as conv.h says. */
static double tile_sum(const tn_conv_tile *t, tile_kind kind, int block, int p, int b, int lane) {
    double sum = 0;
    for (int64_t i = 0; i < t->ntaps; i++) {
        const tn_conv_tap *tap = &t->taps[i];
        const float *x = t->x + tap->x, *w = t->w + (int64_t)tap->w * t->blocks;
        int n = kind == GEMM ? 4 * tap->n : kind == PAIRS ? 2 * tap->n : kind == THIN ? 1 : tap->n;
        for (int e = 0; e < n; e++)
            sum += kind == PAIRS ? product_of_pairs(x + p * block / 2 + e, w + (e * t->blocks + b) * block + lane)
                   : kind == DEPTHWISE
                       ? (double)x[(p + e) * block + lane] * (double)w[e * tap->step + lane]
                       : (double)x[kind == THIN ? p : p * block + e] * (double)w[(e * t->blocks + b) * block + lane];
    }
    return sum;
}

/* n words of two random numbers each. */
static void as_pairs(check_ctx *c, float *words, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        float v[2] = { check_float(c, -1, 1), check_float(c, -1, 1) };
        as_bf16(v, 2);
        uint32_t word = tn_f32_to_bf16(v[0]) | (uint32_t)tn_f32_to_bf16(v[1]) << 16;
        memcpy(&words[i], &word, sizeof word);
    }
}

/* Taps of random places over exact memory: the last one ends where x and w end. */
static void make_taps(check_ctx *c, tn_conv_tile *t, tile_kind kind, int block, tn_conv_tap *taps) {
    int64_t x_floats = 0, w_floats = 0, gap = draw(0, 9), pixel = kind == PAIRS ? block / 2 : block;
    for (int64_t i = 0; i < t->ntaps; i++) {
        int n = kind == GEMM || kind == PAIRS ? (int)draw(1, block / 4) : kind == THIN ? 1 : (int)draw(1, 3);
        int64_t step = block + (kind == DEPTHWISE ? draw(0, 5) : 0);
        int words = kind == PAIRS ? 2 : 4; /* or floats: of a step */
        int64_t reach = kind == GEMM || kind == PAIRS ? (t->pixels - 1) * pixel + words * n
                        : kind == THIN                ? t->pixels
                                                      : (t->pixels + n - 1) * block;
        int64_t w = kind == GEMM || kind == PAIRS ? words * n * block : kind == THIN ? block : (n - 1) * step + block;
        taps[i] = (tn_conv_tap){ (int32_t)(i * gap), (int32_t)w_floats, n, (int32_t)step };
        x_floats = i * gap + reach > x_floats ? i * gap + reach : x_floats;
        w_floats += w;
    }
    float *x = check_floats(c, (size_t)x_floats), *w = check_floats(c, (size_t)(w_floats * t->blocks));
    if (kind == PAIRS) as_pairs(c, x, x_floats), as_pairs(c, w, w_floats * t->blocks);
    t->x = x, t->w = w, t->taps = taps;
}

static void one_tile(check_ctx *c, tile_kind kind, tn_conv_tile_fn f, int pixels, int blocks) {
    int block = c->fast->conv.block;
    tn_conv_tap taps[5];
    tn_activation act = random_act(c);
    tn_conv_tile t = { .pixels = pixels, .blocks = blocks, .ntaps = draw(0, 5), .act = draw(0, 2) ? &act : NULL };
    make_taps(c, &t, kind, block, taps);
    t.y_pixel = block + (kind != DEPTHWISE && draw(0, 1) ? block : 0);
    t.y_block = pixels * t.y_pixel + draw(0, 3);
    size_t n = (size_t)((blocks - 1) * t.y_block + (pixels - 1) * t.y_pixel + block);
    if (draw(0, 1)) t.bias = check_floats(c, (size_t)(blocks * block));
    if (draw(0, 1)) t.add = check_floats(c, n);
    float *want = check_out(c, n * 4);
    t.y = check_out(c, n * 4);
    for (int p = 0; p < pixels; p++)
        for (int b = 0; b < blocks; b++)
            for (int i = 0; i < block; i++) {
                int64_t at = p * t.y_pixel + b * t.y_block + i;
                double sum = tile_sum(&t, kind, block, p, b, i);
                if (t.bias) sum += t.bias[b * block + i];
                if (t.add) sum += t.add[at];
                want[at] = t.act ? tn_act_scalar(act, (float)sum) : (float)sum;
            }
    if (t.add && draw(0, 1)) { /* in place */
        for (size_t i = 0; i < n; i++)
            if (!check_untouched(&want[i])) t.y[i] = t.add[i];
        t.add = t.y;
    }
    check_call(c, f(&t));
    for (size_t i = 0; i < n; i++) {
        bool gap = check_untouched(&want[i]);
        if (gap ? check_untouched(&t.y[i]) : fabsf(t.y[i] - want[i]) <= 2e-5f * (1 + fabsf(want[i]))) continue;
        check_fail(c, "kind %d, %d x %d, act %s, at %zu: %g, not %g", kind, pixels, blocks,
                   t.act ? tn_act_name(act.kind) : "-", i, (double)t.y[i], (double)want[i]);
        return;
    }
}

static void tiles(check_ctx *c) {
    const tn_conv_kernels *k = &c->fast->conv;
    for (int b = 0; b < TN_CONV_B; b++)
        for (int p = 0; p < TN_CONV_P; p++) {
            if (!k->gemm[b][p] != (p >= k->px[b]) || !k->thin[b][p] != (p >= k->px[b]))
                check_fail(c, "tables and px[%d] differ at %d pixels", b, p + 1);
            if (p < k->px[b]) one_tile(c, GEMM, k->gemm[b][p], p + 1, b + 1);
            if (p < k->px[b]) one_tile(c, THIN, k->thin[b][p], p + 1, b + 1);
            if (p < k->px[b] && k->pairs[0][0]) one_tile(c, PAIRS, k->pairs[b][p], p + 1, b + 1);
        }
    for (int p = 0; p < k->dw_px; p++) one_tile(c, DEPTHWISE, k->dw[p], p + 1, 1);
}

/* -------------------------------------------------------------------------------------------- Winograd's transforms */

#define P 0.70710678118654752
#define Q 1.41421356237309505
static const double b_t[6][6] = { { 1, 0, -2.5, 0, 1, 0 },      { 0, -2 * P, -2, P, 1, 0 },
                                  { 0, 2 * P, -2, -P, 1, 0 },   { 0, -Q / 2, -0.5, Q, 1, 0 },
                                  { 0, Q / 2, -0.5, -Q, 1, 0 }, { 0, 1, 0, -2.5, 0, 1 } };
static const double a_t[4][6] = {
    { 1, 1, 1, 1, 1, 0 }, { 0, P, -P, Q, -Q, 0 }, { 0, 0.5, 0.5, 2, 2, 0 }, { 0, P / 2, -P / 2, 2 * Q, -2 * Q, 1 }
};

static void winograd(check_ctx *c) {
    const tn_conv_kernels *k = &c->fast->conv;
    int block = k->block;
    int64_t row = 6 * block + draw(0, 9), step = block + draw(0, 9);
    const float *x = check_floats(c, (size_t)(5 * row + 6 * block));
    float *want = check_out(c, (size_t)(35 * step + block) * 4), *got = check_out(c, (size_t)(35 * step + block) * 4);
    for (int e = 0; e < 36; e++)
        for (int l = 0; l < block; l++) {
            double sum = 0;
            for (int i = 0; i < 36; i++)
                sum += b_t[e / 6][i / 6] * b_t[e % 6][i % 6] * (double)x[i / 6 * row + i % 6 * block + l];
            want[e * step + l] = (float)sum;
        }
    check_call(c, k->winograd_in(x, row, got, step));
    check_close_2d(c, got, want, 36, (size_t)block, (size_t)step, 1e-5, 1e-5);

    const float *m = check_floats(c, (size_t)(35 * step + block)), *bias = check_floats(c, (size_t)block);
    int rows = (int)draw(1, 4), columns = (int)draw(1, 4);
    int64_t y_row = columns * block + draw(0, 9);
    size_t n = (size_t)((rows - 1) * y_row + columns * block);
    const float *add = draw(0, 1) ? check_floats(c, n) : NULL;
    tn_activation act = random_act(c);
    want = check_out(c, n * 4), got = check_out(c, n * 4);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns * block; j++) {
            double sum = (double)bias[j % block] + (add ? (double)add[i * y_row + j] : 0);
            for (int e = 0; e < 36; e++) sum += a_t[i][e / 6] * a_t[j / block][e % 6] * (double)m[e * step + j % block];
            want[i * y_row + j] = tn_act_scalar(act, (float)sum);
        }
    k->winograd_out(m, step, bias, add, got, y_row, rows, columns, &act);
    check_close_2d(c, got, want, (size_t)rows, (size_t)(columns * block), (size_t)y_row, 5e-5, 1e-5);
}

/* -------------------------------------------------------------------------------------------------- moving pixels */

static void moves(check_ctx *c) {
    const tn_conv_kernels *k = &c->fast->conv;
    int64_t n = draw(0, 70), step = draw(1, 4), wide = k->block, x_step = wide + draw(0, 9);
    const float *x = check_floats(c, (size_t)(n ? (n - 1) * step + 1 : 0));
    float *y = check_out(c, (size_t)n * 4), *want = check_out(c, (size_t)n * 4);
    for (int64_t i = 0; i < n; i++) want[i] = x[i * step];
    k->pick(x, step, n, y);
    check_same(c, y, want, (size_t)n * 4);
    x = check_floats(c, (size_t)(n ? (n - 1) * x_step + wide : 0));
    y = check_out(c, (size_t)(n * wide) * 4), want = check_out(c, (size_t)(n * wide) * 4);
    for (int64_t i = 0; i < n * wide; i++) want[i] = x[i / wide * x_step + i % wide];
    k->copy(x, x_step, n, y);
    check_same(c, y, want, (size_t)(n * wide) * 4);
}

static void layouts(check_ctx *c) {
    const tn_conv_kernels *k = &c->fast->conv;
    for (int channels = 1; channels <= k->block; channels++) {
        int64_t n = draw(0, 40), ld = n + draw(0, 3);
        size_t plain = (size_t)(n ? (channels - 1) * ld + n : 0), all = (size_t)(n * k->block);
        const float *x = check_floats(c, plain);
        float *b = check_out(c, all * 4), *want = check_out(c, all * 4), *y = check_out(c, plain * 4);
        for (int64_t i = 0; i < n * k->block; i++)
            want[i] = i % k->block < channels ? x[i % k->block * ld + i / k->block] : 0;
        k->to_blocked(x, ld, channels, n, b);
        check_same(c, b, want, all * 4);
        for (size_t i = 0; i < all; i++) /* lanes past the channels are not read */
            if ((int64_t)i % k->block >= channels) b[i] = NAN;
        k->from_blocked(b, ld, channels, n, y);
        if (n) check_close_2d(c, y, x, (size_t)channels, (size_t)n, (size_t)ld, 0, 0);
    }
}

/* ---------------------------------------------------------------------------------------------------------- sizes */

#define MUST(cond) \
    if (!(cond)) check_fail(c, "%s", #cond)

static void sizes_that_overflow_are_refused(check_ctx *c) {
    tn_conv_desc ok = { .rank = 2,
                        .n = 1,
                        .ic = 4,
                        .oc = 6,
                        .group = 2,
                        .in = { 5, 5 },
                        .out = { 3, 3 },
                        .kernel = { 3, 3 },
                        .stride = { 1, 1 },
                        .dilation = { 1, 1 } };
    MUST(tn_conv_valid(&ok));
    tn_conv_desc d = ok;
    d.group = 4; /* does not divide oc */
    MUST(!tn_conv_valid(&d));
    d = ok, d.rank = TN_CONV_RANK + 1;
    MUST(!tn_conv_valid(&d));
    d = ok, d.stride[1] = 0;
    MUST(!tn_conv_valid(&d));
    d = ok, d.n = (int64_t)1 << 40, d.in[0] = d.in[1] = 1 << 29;
    MUST(!tn_conv_valid(&d));
    d = ok, d.x_layout = TN_LAYOUT_LAST;
    MUST(!tn_conv_valid(&d));
    MUST(tn_conv_out(5, 3, 2, 1, 1, 1) == 3);
    MUST(tn_conv_out(2, 5, 1, 1, 1, 1) == 0);
    /* valid, but with more padding than any buffer should hold: some algorithm remains, without asking for it */
    d = ok, d.pad[0] = d.pad[1] = 1 << 29, d.dilation[0] = d.dilation[1] = 1 << 29, d.ic = d.oc = d.group = 64;
    d.x_layout = d.y_layout = TN_LAYOUT_BLOCKED;
    const tn_conv_algo *list[TN_CONV_ALGOS];
    size_t n = tn_conv_list(c->fast, &d, list, TN_CONV_ALGOS);
    MUST(n > 0);
    for (size_t i = 0; i < n; i++) MUST(list[i]->scratch_bytes(c->fast, &d, 2) < (size_t)1 << 33);
}

static const check_case cases[] = { { "algorithms", algorithms, 600 },
                                    { "all_were_tried", all_were_tried, 1 },
                                    { "long_sums", long_sums_are_cut, 4 },
                                    { "tiles", tiles, 12 },
                                    { "winograd", winograd, 60 },
                                    { "moves", moves, 120 },
                                    { "layouts", layouts, 12 },
                                    { "sizes", sizes_that_overflow_are_refused, 1 } };

int main(int argc, char **argv) { return check_main("conv", cases, TN_COUNT(cases), argc, argv); }
