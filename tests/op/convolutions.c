/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* convolutions.c - Conv and ConvTranspose against their definition in plain loops, in every type of float: groups,
 * strides, dilations, paddings, one to three dimensions; integers; what has no elements. */
#include "lib/op_cases.h"
#include "test.h"

/* Three spatial dimensions always; a form of fewer has 1 in front, and prints those behind. */
typedef struct {
    const char *type, *attrs; /* what the numbers below say, once more */
    int spatial, batch, channels, out_channels, group;
    int size[3], kernel[3], stride[3], dilation[3], begin[3], end[3], more[3]; /* more: output_padding */
    bool transposed, biased;
} form;

enum { MOST = 1024 };

static int out_size(const form *f, int d) {
    int reach = (f->kernel[d] - 1) * f->dilation[d] + 1;
    if (f->transposed) return f->stride[d] * (f->size[d] - 1) + f->more[d] + reach - f->begin[d] - f->end[d];
    return (f->size[d] + f->begin[d] + f->end[d] - reach) / f->stride[d] + 1;
}

static int flat(const int *dims, const int *at) { return (at[0] * dims[1] + at[1]) * dims[2] + at[2]; }

static int volume(const int *dims) { return dims[0] * dims[1] * dims[2]; }

/* Calls the product x[i] w[k] for all that meet in y[o]: o stride - begin + k dilation = i; transposed, the other way.
 */
static void reference(const form *f, const int *out, const double *x, const double *w, double *y) {
    int c_in = f->channels / f->group, c_out = f->out_channels / f->group;
    const int *narrow = f->transposed ? f->size : out, *wide = f->transposed ? out : f->size;
    for (int n = 0; n < f->batch; n++)
        for (int g = 0; g < f->group; g++)
            for (int c = 0; c < c_in; c++)
                for (int m = 0; m < c_out; m++)
                    for (int k = 0; k < volume(f->kernel); k++)
                        for (int a = 0; a < volume(narrow); a++) {
                            int ks[3] = { k / (f->kernel[1] * f->kernel[2]), k / f->kernel[2] % f->kernel[1],
                                          k % f->kernel[2] };
                            int as[3] = { a / (narrow[1] * narrow[2]), a / narrow[2] % narrow[1], a % narrow[2] },
                                at[3];
                            bool inside = true;
                            for (int d = 0; d < 3; d++) {
                                at[d] = as[d] * f->stride[d] - f->begin[d] + ks[d] * f->dilation[d];
                                inside = inside && at[d] >= 0 && at[d] < wide[d];
                            }
                            if (!inside) continue;
                            int b = flat(wide, at), in = n * f->channels + g * c_in + c,
                                to = n * f->out_channels + g * c_out + m;
                            int row = f->transposed ? (g * c_in + c) * c_out + m : (g * c_out + m) * c_in + c;
                            y[to * volume(out) + (f->transposed ? b : a)] +=
                                x[in * volume(f->size) + (f->transposed ? a : b)] * w[row * volume(f->kernel) + k];
                        }
}

static char *put(char *to, const form *f, int a, int b, const int *spatial, const double *v) {
    int count = a * b * volume(spatial);
    to += sprintf(to, "%s:%d,%d", f->type, a, b);
    for (int d = 3 - f->spatial; d < 3; d++) to += sprintf(to, ",%d", spatial[d]);
    for (int i = 0; i < count; i++) to += tn_snprintf(to, 64, "%c%.9g", i ? ',' : '=', v[i]);
    return to;
}

static void check_form(const form *given) {
    static double x[MOST], w[MOST], y[MOST], bias[MOST];
    static char in[40000], want[20000];
    form f = *given;
    tn_dtype t = tn_dtype_parse(f.type);
    uint64_t seed = 5;
    int out[3];
    for (int d = 0; d < 3; d++) { /* what is not said */
        f.size[d] += !f.size[d], f.kernel[d] += !f.kernel[d], f.stride[d] += !f.stride[d],
            f.dilation[d] += !f.dilation[d];
        out[d] = out_size(&f, d);
    }
    assert_true(f.batch * f.channels * volume(f.size) <= MOST && f.batch * f.out_channels * volume(out) <= MOST);
    /* eighths, whose sums are exact in float32 and up */
    for (int i = 0; i < MOST; i++) {
        x[i] = number_in(t, (double)(test_random(&seed) % 17) / 8 - 1),
        w[i] = number_in(t, (double)(test_random(&seed) % 17) / 8 - 1);
        bias[i] = f.biased ? (double)(i % 5) - 2 : 0, y[i] = 0;
    }
    for (int i = 0; i < f.batch * f.out_channels * volume(out); i++) y[i] = bias[i / volume(out) % f.out_channels];
    reference(&f, out, x, w, y);
    char *p = put(in, &f, f.batch, f.channels, f.size, x);
    *p++ = ' ';
    p = f.transposed ? put(p, &f, f.channels, f.out_channels / f.group, f.kernel, w)
                     : put(p, &f, f.out_channels, f.channels / f.group, f.kernel, w);
    if (f.biased) {
        p += sprintf(p, " %s:%d", f.type, f.out_channels);
        for (int i = 0; i < f.out_channels; i++) p += tn_snprintf(p, 64, "%c%g", i ? ',' : '=', bias[i]);
    }
    put(want, &f, f.batch, f.out_channels, out, y);
    op_cases_run(&(op_case){ f.transposed ? "ConvTranspose" : "Conv", f.attrs, in, want,
                             t == TN_BF16  ? 2e-2
                             : t == TN_F16 ? 2e-3
                                           : 1e-6 },
                 1);
}

static void against_loops(void **state) {
    static const form rows[] = {
        { "f32", NULL, 2, 2, 3, 5, 1, .size = { 1, 5, 7 }, .kernel = { 1, 3, 3 }, .biased = true },
        { "f32", "strides=[2,1] pads=[1,0,1,2]", 2, 1, 2, 4, 1, .size = { 1, 6, 5 }, .kernel = { 1, 3, 2 },
          .stride = { 1, 2, 1 }, .begin = { 0, 1, 0 }, .end = { 0, 1, 2 } },
        { "f32", "group=4 pads=[1,1,1,1]", 2, 1, 4, 4, 4, .size = { 1, 6, 6 }, .kernel = { 1, 3, 3 },
          .begin = { 0, 1, 1 }, .end = { 0, 1, 1 }, .biased = true },
        { "f32", "group=2 dilations=[2,1]", 2, 1, 4, 6, 2, .size = { 1, 6, 4 }, .kernel = { 1, 2, 3 },
          .dilation = { 1, 2, 1 } },
        { "f32", "auto_pad=SAME_UPPER strides=[2]", 1, 2, 3, 2, 1, .size = { 1, 1, 6 }, .kernel = { 1, 1, 3 },
          .stride = { 1, 1, 2 }, .end = { 0, 0, 1 } },
        { "f32", "auto_pad=SAME_LOWER strides=[2]", 1, 2, 3, 2, 1, .size = { 1, 1, 6 }, .kernel = { 1, 1, 3 },
          .stride = { 1, 1, 2 }, .begin = { 0, 0, 1 } },
        { "f32", "pads=[1,0,0,0,1,0]", 3, 1, 2, 3, 1, .size = { 3, 4, 3 }, .kernel = { 2, 2, 2 }, .begin = { 1, 0, 0 },
          .end = { 0, 1, 0 }, .biased = true },
        { "f64", "strides=[2] dilations=[2] pads=[2,1]", 1, 2, 2, 2, 1, .size = { 1, 1, 9 }, .kernel = { 1, 1, 3 },
          .stride = { 1, 1, 2 }, .dilation = { 1, 1, 2 }, .begin = { 0, 0, 2 }, .end = { 0, 0, 1 }, .biased = true },
        { "f64", "group=3", 3, 1, 3, 6, 3, .size = { 2, 3, 3 }, .kernel = { 1, 2, 3 } },
        { "f16", "pads=[1,1,1,1]", 2, 1, 3, 4, 1, .size = { 1, 5, 4 }, .kernel = { 1, 3, 3 }, .begin = { 0, 1, 1 },
          .end = { 0, 1, 1 }, .biased = true },
        { "bf16", "group=2", 1, 2, 4, 2, 2, .size = { 1, 1, 8 }, .kernel = { 1, 1, 4 } },
        { "f32", NULL, 2, 1, 40, 17, 1, .size = { 1, 4, 5 }, .kernel = { 1, 1, 1 }, .biased = true },
        { "f32", NULL, 2, 2, 3, 2, 1, .size = { 1, 3, 4 }, .kernel = { 1, 3, 2 }, .transposed = true, .biased = true },
        { "f32", "strides=[2,3] pads=[1,0,0,1] output_padding=[1,2]", 2, 1, 2, 3, 1, .size = { 1, 3, 2 },
          .kernel = { 1, 3, 3 }, .stride = { 1, 2, 3 }, .begin = { 0, 1, 0 }, .end = { 0, 0, 1 }, .more = { 0, 1, 2 },
          .transposed = true },
        { "f32", "group=2 dilations=[2]", 1, 2, 4, 6, 2, .size = { 1, 1, 4 }, .kernel = { 1, 1, 3 },
          .dilation = { 1, 1, 2 }, .transposed = true, .biased = true },
        { "f32", "strides=[2,2] auto_pad=SAME_UPPER", 2, 1, 2, 2, 1, .size = { 1, 2, 3 }, .kernel = { 1, 3, 3 },
          .stride = { 1, 2, 2 }, .end = { 0, 1, 1 }, .transposed = true },
        { "f32", "strides=[2,2] auto_pad=SAME_LOWER", 2, 1, 2, 2, 1, .size = { 1, 2, 3 }, .kernel = { 1, 3, 3 },
          .stride = { 1, 2, 2 }, .begin = { 0, 1, 1 }, .transposed = true },
        { "f32", "strides=[2] output_shape=[8]", 1, 1, 1, 2, 1, .size = { 1, 1, 4 }, .kernel = { 1, 1, 3 },
          .stride = { 1, 1, 2 }, .begin = { 0, 0, 1 }, .transposed = true },
        { "f64", NULL, 3, 1, 2, 2, 1, .size = { 2, 2, 3 }, .kernel = { 2, 1, 2 }, .transposed = true, .biased = true },
        { "f16", "strides=[2]", 1, 1, 3, 2, 1, .size = { 1, 1, 4 }, .kernel = { 1, 1, 2 }, .stride = { 1, 1, 2 },
          .transposed = true },
        { "bf16", "group=2 strides=[1,2]", 2, 1, 2, 2, 2, .size = { 1, 2, 3 }, .kernel = { 1, 2, 2 },
          .stride = { 1, 1, 2 }, .transposed = true, .biased = true },
    };
    for (size_t i = 0; i < TN_COUNT(rows); i++) check_form(&rows[i]);
}

static void by_hand(void **state) {
    static const op_case rows[] = {
        { "ConvInteger", NULL, "u8:1,1,3=2,3,4 u8:1,1,2=3,5 u8:=1 u8:=4", "i32:1,1,2=1,1" },
        { "ConvInteger", "pads=[1,0]", "i8:1,1,2=-128,127 i8:1,1,2=-1,2 i8:=-128",
          "i32:1,1,2=0,510" }, /* padded with what stands for 0 */
        { "ConvInteger", NULL, "u8:1,1,2=10,20 i8:2,1,2=1,-1,2,0 u8:=0 i8:2=0,1", "i32:1,2,1=-10,-10" },
        { "QLinearConv", NULL, "u8:1,1,2=4,6 f32:=0.5 u8:=2 i8:1,1,2=4,-8 f32:=0.25 i8:=0 f32:=0.5 u8:=10 i32:1=16",
          "u8:1,1,1=8" },
        { "QLinearConv", NULL, "i8:1,1,1=4 f32:=1 i8:=0 i8:2,1,1=1,1 f32:2=0.5,2 i8:2=0 f32:=1 i8:=0", "i8:1,2,1=2,8" },
        { "com.microsoft::QLinearConv", "channels_last=1 strides=[2]",
          "u8:1,3,1=4,9,6 f32:=0.5 u8:=2 i8:1,1,1=4 f32:=0.25 i8:=0 f32:=0.5 u8:=10", "u8:1,2,1=12,14" },
        { "Conv", NULL, "f32:0,1,3 f32:2,1,2=1", "f32:0,2,2" },
        { "Conv", NULL, "f64:1,1,1,1=3 f64:1,1,1,1=-2", "f64:1,1,1,1=-6" },
        { "ConvTranspose", NULL, "f32:0,1,3 f32:1,2,2=1", "f32:0,2,4" },
    };
    op_cases(rows);
}

static void losses(void **state) {
    static const op_case rows[] = {
        { "NegativeLogLikelihoodLoss", NULL, "f64:2,2=-1,-2,-3,-4 i64:2=0,1", "f64:=2.5" },
        { "NegativeLogLikelihoodLoss", "reduction=sum ignore_index=-1", "f16:3,2=-1,-2,-3,-4,-5,-6 i32:3=1,-1,0",
          "f16:=7" },
        { "NegativeLogLikelihoodLoss", "reduction=none", "bf16:1,2,2=-1,-2,-3,-4 i64:1,2=1,0 bf16:2=1,10",
          "bf16:1,2=30,2" },
        { "NegativeLogLikelihoodLoss", NULL, "f32:2,2=-1,-2,-3,-4 i64:2=0,1 f32:2=1,3",
          "f32:=3.25" }, /* (1 + 12) / 4 */
        { "SoftmaxCrossEntropyLoss", NULL, "f64:2,2=0,1.0986122886681098,0,0 i64:2=1,0", "f64:=0.49041462650586309" },
        { "SoftmaxCrossEntropyLoss", "reduction=none", "f16:1,2=0,1.0986122887 i32:1=0",
          "f16:1=1.3862943611 f16:1,2=-1.3862943611,-0.2876820724" },
        { "SoftmaxCrossEntropyLoss", "reduction=sum ignore_index=7", "bf16:2,2=0,0,0,0 i64:2=7,1",
          "bf16:=0.6931471806" },
        { "SoftmaxCrossEntropyLoss", NULL, "f32:2,2=0,0,0,0 i64:2=0,1 f32:2=1,3",
          "f32:=0.6931471806 f32:2,2=-0.6931471806" },
    };
    op_cases(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(against_loops), cmocka_unit_test(by_hand),
                                        cmocka_unit_test(losses) };
    return cmocka_run_group_tests_name("op/convolutions", tests, NULL, NULL);
}
