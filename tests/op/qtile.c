/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qtile.c - tenon.QConv on blocked codes, bit by bit as its definition in plain C: steps, dilations, padding, groups,
 * one channel and tails of blocks, signs, zero points for all or for each, extreme codes, addends, threads. */
#include "lib/one_node.h"
#include "test.h"
#include <math.h>

enum { BLOCK = 16 };

typedef struct {
    int rank, n, group, ic, oc; /* ic, oc: of a group */
    int in[2], kernel[2], stride[2], dilation[2], before[2], after[2], out[2];
    bool is_signed, zeros, zero_many, scale_many, bias, addend;
} setup;

static int between(uint64_t *rng, int lo, int hi) { return lo + (int)(test_random(rng) % (uint64_t)(hi - lo + 1)); }

static double *codes(uint64_t *rng, int n, int lo, int hi, bool ends) {
    double *v = calloc((size_t)n + 1, sizeof *v);
    assert_non_null(v);
    for (int i = 0; i < n; i++) v[i] = ends ? (between(rng, 0, 1) ? lo : hi) : between(rng, lo, hi);
    return v;
}

static int product(const int *v, int n) {
    int p = 1;
    for (int i = 0; i < n; i++) p *= v[i];
    return p;
}

static int blocks(int channels) { return (channels + BLOCK - 1) / BLOCK; }

/* Where channel c of a pixel lies in blocked codes. */
static int place(int n, int c, int channels, int pixel, int pixels) {
    return ((n * blocks(channels) + c / BLOCK) * pixels + pixel) * BLOCK + c % BLOCK;
}

static int32_t sum_at(const setup *s, const double *x, const double *w, double xz, double wz, int n, int oc,
                      int pixel) {
    int in = product(s->in, s->rank), taps = product(s->kernel, s->rank), g = oc / s->oc;
    double sum = 0;
    for (int c = 0; c < s->ic; c++)
        for (int t = 0; t < taps; t++) {
            int from = 0, step = 1, p = pixel, tap = t;
            bool inside = true;
            for (int d = s->rank - 1; d >= 0; d--) {
                int at = p % s->out[d] * s->stride[d] - s->before[d] + tap % s->kernel[d] * s->dilation[d];
                p /= s->out[d], tap /= s->kernel[d];
                inside &= at >= 0 && at < s->in[d];
                from += at * step, step *= s->in[d];
            }
            if (inside)
                sum += (x[place(n, g * s->ic + c, s->ic * s->group, from, in)] - xz) *
                       (w[(oc * s->ic + c) * taps + t] - wz);
        }
    return (int32_t)sum;
}

static const char *dims_of(char *text, int a, int b, const int *spatial, int rank, bool blocked) {
    int k = sprintf(text, "%d,%d", a, b);
    for (int d = 0; d < rank; d++) k += sprintf(text + k, ",%d", spatial[d]);
    if (blocked) sprintf(text + k, ",%d", BLOCK);
    return text;
}

static void set_window(tn_node *node, const setup *s) {
    int64_t v[3][4];
    for (int d = 0; d < s->rank; d++) {
        v[0][d] = s->stride[d], v[1][d] = s->dilation[d];
        v[2][d] = s->before[d], v[2][s->rank + d] = s->after[d];
    }
    check_ok(tn_attr_set_ints(node, "strides", v[0], s->rank));
    check_ok(tn_attr_set_ints(node, "dilations", v[1], s->rank));
    check_ok(tn_attr_set_ints(node, "pads", v[2], 2 * s->rank));
    check_ok(tn_attr_set_int(node, "group", s->group));
}

static void one(const setup *s, uint64_t *rng, int threads) {
    int channels = s->group * s->ic, outs = s->group * s->oc, in = product(s->in, s->rank);
    int out = product(s->out, s->rank), taps = product(s->kernel, s->rank), wl = s->is_signed ? -128 : 0;
    int xz = between(rng, 0, 255), yz = between(rng, 0, 255), lo = between(rng, 0, yz), hi = between(rng, yz, 255);
    double *x = codes(rng, s->n * blocks(channels) * in * BLOCK, 0, 255, between(rng, 0, 3) == 0);
    double *w = codes(rng, outs * s->ic * taps, wl, wl + 255, between(rng, 0, 3) == 0);
    double *wz = codes(rng, outs, wl, wl + 255, false), *addend = codes(rng, outs, -20000, 20000, false);
    double *scale = codes(rng, outs, 1, 200, false), *bias = codes(rng, outs, -50, 50, false);
    for (int i = 0; i < outs; i++) scale[i] = (double)(float)(scale[i] / (300.0 * s->ic * taps * 64));
    char text[100], many[16];
    sprintf(many, "%d", outs);
    on *o = on_new();
    on_in(o, TN_U8, dims_of(text, s->n, blocks(channels), s->in, s->rank, true), x, false);
    on_in(o, s->is_signed ? TN_I8 : TN_U8, dims_of(text, outs, s->ic, s->kernel, s->rank, false), w, true);
    if (s->zeros)
        on_in(o, s->is_signed ? TN_I8 : TN_U8, s->zero_many ? many : "", wz, true);
    else
        on_none(o);
    on_in(o, TN_F32, s->scale_many ? many : "1", scale, true);
    if (s->bias)
        on_in(o, TN_F32, many, bias, true);
    else
        on_none(o);
    if (s->addend) on_in(o, TN_I32, many, addend, true);
    tn_node *node = on_node(o, "tenon", "QConv", 1);
    set_window(node, s);
    check_ok(tn_attr_set_int(node, "x_zero", xz));
    check_ok(tn_attr_set_int(node, "y_zero", yz));
    check_ok(tn_attr_set_int(node, "lo", lo));
    check_ok(tn_attr_set_int(node, "hi", hi));
    check_ok(on_go(o, threads));
    for (int n = 0; n < s->n; n++)
        for (int c = 0; c < outs; c++)
            for (int p = 0; p < out; p++) {
                double zero = s->zeros ? wz[s->zero_many ? c : 0] : 0;
                int32_t sum = sum_at(s, x, w, xz, zero, n, c, p) + (s->addend ? (int32_t)addend[c] : 0);
                float v = fmaf((float)sum, (float)scale[s->scale_many ? c : 0], s->bias ? (float)bias[c] : 0);
                float want = rintf(fminf(fmaxf(v, (float)(lo - yz)), (float)(hi - yz))) + (float)yz;
                double have = on_at(o, 0, place(n, c, outs, p, out));
                check(have == (double)want,
                      "rank %d, group %d of %d to %d: image %d channel %d pixel %d is %g, not %g\n", s->rank, s->group,
                      s->ic, s->oc, n, c, p, have, (double)want);
            }
    on_free(o);
    free(x), free(w), free(wz), free(addend), free(scale), free(bias);
}

static void definition(void **state) {
    (void)state;
    uint64_t rng = 11;
    for (int round = 0; round < 160; round++) {
        setup s = { .rank = between(&rng, 1, 2), .n = between(&rng, 1, 2), .group = 1 };
        s.ic = between(&rng, 1, 40), s.oc = between(&rng, 1, 40);
        if (round % 4 == 0) s.ic = 1;
        if (round % 4 == 1) s.group = between(&rng, 2, 4), s.ic = between(&rng, 1, 20), s.oc = between(&rng, 1, 20);
        if (round % 4 == 2) s.group = between(&rng, 2, 40), s.ic = 1, s.oc = between(&rng, 0, 4) ? 1 : 2;
        bool pixels = round % 5 == 0;
        for (int d = 0; d < s.rank; d++) {
            s.kernel[d] = pixels ? 1 : between(&rng, 1, 4), s.stride[d] = between(&rng, 1, 3);
            s.dilation[d] = between(&rng, 1, 3), s.before[d] = pixels ? 0 : between(&rng, 0, 3);
            s.after[d] = pixels ? 0 : between(&rng, 0, 3);
            int reach = s.dilation[d] * (s.kernel[d] - 1) + 1, least = reach - s.before[d] - s.after[d];
            s.in[d] = between(&rng, least > 1 ? least : 1, reach + 9);
            s.out[d] = (s.in[d] + s.before[d] + s.after[d] - reach) / s.stride[d] + 1;
        }
        s.is_signed = between(&rng, 0, 3), s.zeros = between(&rng, 0, 1), s.zero_many = between(&rng, 0, 1);
        s.scale_many = between(&rng, 0, 1), s.bias = between(&rng, 0, 1), s.addend = between(&rng, 0, 1);
        one(&s, &rng, between(&rng, 1, 2));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(definition) };
    return cmocka_run_group_tests_name("op/qtile", tests, NULL, NULL);
}
