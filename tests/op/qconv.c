/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qconv.c - ConvInteger and QLinearConv against their definition: signs, groups, ranks, steps, zero points per channel,
 * biases, channels last, both ways to compute, threads; and what is refused. */
#include "lib/one_node.h"
#include "test.h"
#include <math.h>

typedef struct {
    int rank, n, group, ic, oc; /* ic, oc: of a group */
    int in[3], kernel[3], stride[3], dilation[3], before[3], after[3], out[3];
    bool x_signed, w_signed, y_signed, linear, per_channel, bias, last, constant;
} setup;

static int between(uint64_t *rng, int lo, int hi) { return lo + (int)(test_random(rng) % (uint64_t)(hi - lo + 1)); }

static double *numbers(uint64_t *rng, size_t n, double lo, double hi) {
    double *v = calloc(n + 1, sizeof *v);
    assert_non_null(v);
    for (size_t i = 0; i < n; i++) v[i] = floor(lo + (double)(test_random(rng) % 100000) / 100000 * (hi - lo + 1));
    return v;
}

static int product(const int *v, int n) {
    int p = 1;
    for (int i = 0; i < n; i++) p *= v[i];
    return p;
}

/* Offset of a pixel's channel in [N, C, spatial] or [N, spatial, C]. */
static int place(const setup *s, int n, int c, int channels, int pixel, int pixels) {
    return s->last ? (n * pixels + pixel) * channels + c : (n * channels + c) * pixels + pixel;
}

static double sum_at(const setup *s, const double *x, const double *w, double xz, double wz, int n, int oc, int pixel) {
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
            if (!inside) continue;
            sum += (x[place(s, n, g * s->ic + c, s->ic * s->group, from, in)] - xz) *
                   (w[(oc * s->ic + c) * taps + t] - wz);
        }
    return sum;
}

static char *dims_of(char *text, int a, int b, const int *spatial, int rank, bool last) {
    int k = sprintf(text, "%d", a);
    if (!last) k += sprintf(text + k, ",%d", b);
    for (int d = 0; d < rank; d++) k += sprintf(text + k, ",%d", spatial[d]);
    if (last) sprintf(text + k, ",%d", b);
    return text;
}

static void set_window(tn_node *node, const setup *s) {
    int64_t strides[3], dilations[3], pads[6];
    for (int d = 0; d < s->rank; d++) {
        strides[d] = s->stride[d], dilations[d] = s->dilation[d];
        pads[d] = s->before[d], pads[s->rank + d] = s->after[d];
    }
    check_ok(tn_attr_set_ints(node, "strides", strides, s->rank));
    check_ok(tn_attr_set_ints(node, "dilations", dilations, s->rank));
    check_ok(tn_attr_set_ints(node, "pads", pads, 2 * s->rank));
    check_ok(tn_attr_set_int(node, "group", s->group));
    if (s->last) check_ok(tn_attr_set_int(node, "channels_last", 1));
}

static void one(const setup *s, uint64_t *rng, int threads) {
    int channels = s->group * s->ic, outs = s->group * s->oc, in = product(s->in, s->rank);
    int out = product(s->out, s->rank), taps = product(s->kernel, s->rank);
    double xl = s->x_signed ? -128 : 0, wl = s->w_signed ? -128 : 0;
    double *x = numbers(rng, (size_t)(s->n * channels * in), xl, xl + 255);
    double *w = numbers(rng, (size_t)(outs * s->ic * taps), wl, wl + 255);
    double *xz = numbers(rng, 1, xl, xl + 255), *wz = numbers(rng, (size_t)outs, wl, wl + 255);
    double *bias = numbers(rng, (size_t)outs, -20000, 20000), *ws = numbers(rng, (size_t)outs, 1, 200);
    double xs = 0.25, ys = 64.0, yz = s->y_signed ? -7 : 9;
    for (int i = 0; i < outs; i++) ws[i] = (double)(float)(ws[i] / 256);
    tn_dtype xt = s->x_signed ? TN_I8 : TN_U8, wt = s->w_signed ? TN_I8 : TN_U8, yt = s->y_signed ? TN_I8 : TN_U8;
    char text[100], many[16];
    many[0] = 0;
    if (s->per_channel) sprintf(many, "%d", outs);
    on *o = on_new();
    on_in(o, xt, dims_of(text, s->n, channels, s->in, s->rank, s->last), x, false);
    if (s->linear) {
        on_in(o, TN_F32, "", &xs, true);
        on_in(o, xt, "", xz, true);
    }
    on_in(o, wt, dims_of(text, outs, s->ic, s->kernel, s->rank, false), w, s->constant);
    if (s->linear) {
        on_in(o, TN_F32, many, ws, true);
        on_in(o, wt, many, wz, true);
        on_in(o, TN_F32, "", &ys, true);
        on_in(o, yt, "", &yz, true);
        if (s->bias) on_in(o, TN_I32, (sprintf(text, "%d", outs), text), bias, true);
    } else {
        on_in(o, xt, "", xz, true);
        on_in(o, wt, many, wz, true);
    }
    set_window(on_node(o, s->last ? "com.microsoft" : "", s->linear ? "QLinearConv" : "ConvInteger", 1), s);
    check_ok(on_go(o, threads));
    for (int n = 0; n < s->n; n++)
        for (int c = 0; c < outs; c++)
            for (int p = 0; p < out; p++) {
                int k = s->per_channel ? c : 0;
                double want = sum_at(s, x, w, *xz, wz[k], n, c, p), have = on_at(o, 0, place(s, n, c, outs, p, out));
                if (s->linear) {
                    float scale = (float)xs * (float)ws[k] / (float)ys, lo = s->y_signed ? -128 : 0;
                    want = (double)rintf((float)(want + (s->bias ? bias[c] : 0)) * scale) + yz;
                    want = want < (double)lo ? (double)lo : want > (double)lo + 255 ? (double)lo + 255 : want;
                }
                check(have == want,
                      "%s rank %d, group %d of %d to %d: image %d channel %d pixel %d is %g, expected %g\n",
                      s->linear ? "linear" : "integer", s->rank, s->group, s->ic, s->oc, n, c, p, have, want);
            }
    on_free(o);
    free(x), free(w), free(xz), free(wz), free(bias), free(ws);
}

static void definition(void **state) {
    (void)state;
    uint64_t rng = 7;
    for (int round = 0; round < 150; round++) {
        setup s = { .rank = between(&rng, 1, 3), .n = between(&rng, 1, 2), .group = between(&rng, 1, 3) };
        s.ic = between(&rng, 1, 20), s.oc = between(&rng, 1, 40);
        if (round % 3 == 0) s.group = between(&rng, 4, 20), s.ic = 1, s.oc = between(&rng, 1, 2); /* depthwise */
        bool pixels = round % 7 == 0;
        for (int d = 0; d < s.rank; d++) {
            s.kernel[d] = pixels ? 1 : between(&rng, 1, 4), s.stride[d] = pixels ? 1 : between(&rng, 1, 3);
            s.dilation[d] = between(&rng, 1, 2), s.before[d] = pixels ? 0 : between(&rng, 0, 3);
            s.after[d] = pixels ? 0 : between(&rng, 0, 3);
            int reach = s.dilation[d] * (s.kernel[d] - 1) + 1;
            s.in[d] = between(&rng, reach, s.rank == 3 ? reach + 5 : reach + 16);
            s.out[d] = (s.in[d] + s.before[d] + s.after[d] - reach) / s.stride[d] + 1;
        }
        s.x_signed = between(&rng, 0, 1), s.w_signed = between(&rng, 0, 1), s.y_signed = between(&rng, 0, 1);
        s.linear = between(&rng, 0, 3), s.per_channel = between(&rng, 0, 1), s.bias = between(&rng, 0, 1);
        s.last = s.linear && between(&rng, 0, 1), s.constant = between(&rng, 0, 2);
        one(&s, &rng, between(&rng, 1, 2));
    }
}

static void refused(void **state) {
    (void)state;
    double x[64] = { 0 };
    on *o = on_new();
    on_in(o, TN_U8, "1,2,4", x, false);
    on_in(o, TN_U8, "3,2,2", x, false);
    tn_node *n = on_node(o, "", "ConvInteger", 1);
    check_ok(tn_attr_set_int(n, "group", 0));
    check_fails(on_go(o, 1), TN_E_INVALID, "group");
    check_ok(tn_attr_set_int(n, "group", 2));
    check_fails(on_go(o, 1), TN_E_SHAPE, "channels");
    check_ok(tn_attr_set_int(n, "group", 1));
    check_ok(tn_attr_set_ints(n, "pads", (int64_t[]){ INT64_MAX, 1 }, 2));
    check_fails(on_go(o, 1), TN_E_INVALID, "pads");
    check_ok(tn_attr_set_ints(n, "pads", (int64_t[]){ 1, 1 }, 2));
    check_ok(on_go(o, 1));
    on_free(o);

    o = on_new();
    on_in(o, TN_U8, "1,2,4", x, false);
    on_in(o, TN_I8, "3,2,2", x, false);
    on_none(o);
    on_in(o, TN_I8, "2", x, false); /* zero points: 1 or 3 */
    on_node(o, "", "ConvInteger", 1);
    check_fails(on_go(o, 1), TN_E_SHAPE, "'w_zero_point' has 2 elements; 1 or 3");
    on_free(o);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(definition), cmocka_unit_test(refused) };
    return cmocka_run_group_tests_name("op/qconv", tests, NULL, NULL);
}
