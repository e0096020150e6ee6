/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* by_the_text.c - operators drawn at random from the list, and what the text of their specification says of them,
 * written out once more: quantisation whose scale comes with the data, ranges, blocks of pixels, determinants, odd
 * functions. */
#include "lib/op_cases.h"
#include "lib/op_run.h"
#include "test.h"
#include <math.h>

/* y_scale = (max(0, x) - min(0, x)) / 255, the zero point is -min / scale rounded to even and clipped, as is y. */
static void dynamic_quantisation(void **state) {
    (void)state;
    static const double shift[] = { 0, 5, -5, 0.5, -0.5, 100, 1e-3 };
    for (size_t i = 0; i < TN_COUNT(shift); i++) {
        op_data x = { TN_F32, "2,16" };
        op_data y[] = { { TN_U8, "2,16" }, { TN_F32, "" }, { TN_U8, "" } };
        float lo = 0, hi = 0;
        for (int k = 0; k < 32; k++) {
            float v = (float)(sin(k * k + 0.5 * (double)i) * 3 + shift[i]);
            x.v[k] = (double)v, lo = fminf(lo, v), hi = fmaxf(hi, v);
        }
        float scale = (hi - lo) / 255, zero = rintf(-lo / scale);
        zero = fminf(fmaxf(zero, 0), 255);
        for (int k = 0; k < 32; k++) y[0].v[k] = (double)fminf(fmaxf(rintf((float)x.v[k] / scale) + zero, 0), 255);
        y[1].v[0] = (double)scale, y[2].v[0] = (double)zero;
        op_gives(op_one("", "DynamicQuantizeLinear", "y scale zero", 1, &x), 1, &x, 3, y, 1e-7);
    }
}

/* max(ceil((limit - start) / delta), 0) numbers, start + i delta. */
static void ranges(void **state) {
    (void)state;
    static const op_case rows[] = {
        { "Range", NULL, "i64:=10 i64:=4 i64:=-2", "i64:3=10,8,6" },
        { "Range", NULL, "i32:=10 i32:=3 i32:=-2", "i32:4=10,8,6,4" },
        { "Range", NULL, "i16:=1 i16:=6 i16:=2", "i16:3=1,3,5" },
        { "Range", NULL, "f32:=0 f32:=1 f32:=0.25", "f32:4=0,0.25,0.5,0.75" },
        { "Range", NULL, "f64:=1 f64:=0 f64:=-0.3", "f64:4=1,0.7,0.4,0.1" },
        { "Range", NULL, "i64:=4 i64:=4 i64:=1", "i64:0" },
        { "Range", NULL, "f32:=4 f32:=1 f32:=1", "f32:0" },
        { "Range", NULL, "i64:=1 i64:=4 i64:=-1", "i64:0" },
        { "Range", NULL, "i64:=-9223372036854775807 i64:=9223372036854775807 i64:=9223372036854775807",
          "i64:2=-9223372036854775807,0" },
    };
    op_cases(rows);
}

/* Pixel (h b + i, w b + j) of channel c is at (h, w) of channel (i b + j) C + c, or (CRD) c b b + i b + j. */
static void blocks_of_pixels(void **state) {
    (void)state;
    for (int form = 0; form < 2 * 2 * 2; form++) {
        int crd = form & 1, b = 1 + (form >> 1 & 1) + 1, way = form >> 2, channels = b == 2 ? 3 : 1, h = b == 2 ? 2 : 1,
            w = 2;
        if (way && crd) continue; /* SpaceToDepth has one form */
        char deep[24], wide[24];
        double in[64], out[64];
        int n = channels * b * b * h * w;
        op_data d = { TN_F32, deep, .large = in }, s = { TN_F32, wide, .large = out };
        snprintf(deep, sizeof deep, "1,%d,%d,%d", channels * b * b, h, w);
        snprintf(wide, sizeof wide, "1,%d,%d,%d", channels, h * b, w * b);
        for (int k = 0; k < n; k++) in[k] = k;
        for (int c = 0; c < channels; c++)
            for (int y = 0; y < h * b; y++)
                for (int x = 0; x < w * b; x++) {
                    int i = y % b, j = x % b, from = crd ? c * b * b + i * b + j : (i * b + j) * channels + c;
                    out[(c * h * b + y) * w * b + x] = in[(from * h + y / b) * w + x / b];
                }
        ob *g = op_one("", way ? "SpaceToDepth" : "DepthToSpace", "y", 1, way ? &s : &d);
        ob_int(g, "blocksize", b);
        if (!way) ob_string(g, "mode", crd ? "CRD" : "DCR");
        op_gives(g, 1, way ? &s : &d, 1, way ? &d : &s, 0);
    }
}

static void small_ones(void **state) {
    (void)state;
    static const op_case rows[] = {
        { "Det", NULL, "f32:2,2,2,2=1,2,3,4,2,0,0,3,0,1,1,0,5,5,5,5", "f32:2,2=-2,6,-1,0" },
        { "Det", NULL, "f64:3,1,1=-7,0,2.5", "f64:3=-7,0,2.5" },
        { "Det", NULL, "f32:1,3,3=0,0,2,0,3,0,5,0,0", "f32:1=-30" }, /* rows change places */
        { "And", NULL, "bool:2,1=1,0 bool:3=1,0,1", "bool:2,3=1,0,1,0,0,0" },
        { "And", NULL, "bool:=1 bool:1,1=1", "bool:1,1=1" },
        { "Div", NULL, "i8:4=-7,7,-7,7 i8:4=2,-2,-2,2", "i8:4=-3,-3,3,3" },
        { "Div", NULL, "f32:4=1,-1,0,inf f32:4=0,0,0,inf", "f32:4=inf,-inf,nan,nan" },
        { "Div", NULL, "u64:=0xffffffffffffffff u64:2=2,0xffffffffffffffff", "u64:2=0x7fffffffffffffff,1" },
        { "Cos", NULL, "f32:5=0,3.14159274101257,-100000,inf,nan", "f32:5=1,-1,-0.99936080743821,nan,nan" },
        { "Cos", NULL, "f64:2=1e5,-0", "f64:2=-0.99936080743821,1" },
        { "Asinh", NULL, "f32:7=0,1e-10,1e30,-1e30,inf,-inf,nan",
          "f32:7=0,1e-10,69.770699734,-69.770699734,inf,-inf,nan" },
        { "Asinh", NULL, "f64:3=1e-300,-0.5,1e300", "f64:3=1e-300,-0.48121182505960347,691.46867507877360" },
        { "Asinh", NULL, "f16:3=65504,-65504,-1", "f16:3=11.783,-11.783,-0.8813735870" },
        { "Celu", "alpha=2.0", "f32:5=-2,3,-inf,nan,-1e-6", "f32:5=-1.26424111766,3,-2,nan,-9.9999975e-7" },
        { "Celu", "alpha=0.5", "f64:2=-1,inf", "f64:2=-0.43233235838169365,inf" },
        { "Celu", NULL, "f16:2=-1,0", "f16:2=-0.63212055,0" },
        { "Elu", "alpha=2.0", "f32:4=-1,-inf,nan,5", "f32:4=-1.26424111766,-2,nan,5" },
        { "Elu", NULL, "f64:1=-1e-9", "f64:1=-9.999999995e-10" },
        { "Atanh", NULL, "f32:6=1,-1,2,0.5,nan,-0.5", "f32:6=inf,-inf,nan,0.549306144334,nan,-0.549306144334" },
        { "Atanh", NULL, "f64:2=1e-8,-0.9", "f64:2=1e-8,-1.4722194895832204" },
        { "Asin", NULL, "f32:4=1,-1,2,0.5", "f32:4=1.57079632679,-1.57079632679,nan,0.523598775598" },
        { "QLinearConv", NULL, /* 2 (5 - 1) + 3 (0 - 1) is 5, times 0.5 * 0.25 / 0.125, and 10 */
          "u8:1,1,2=5,0 f32:=0.5 u8:=1 i8:1,1,2=2,3 f32:=0.25 i8:=0 f32:=0.125 u8:=10", "u8:1,1,1=15" },
        { "QLinearConv", "pads=[1,0]", /* the padding counts as the zero point, that is, as nothing */
          "i8:1,1,2=5,0 f32:=1 i8:=-3 i8:1,1,2=2,3 f32:=1 i8:=1 f32:=1 i8:=7", "i8:1,1,2=23,21" },
        /* a list of scales for a list: its only axis, whatever the attribute's default says */
        { "QuantizeLinear", NULL, "f32:3=1,2,3 f32:3=1,0.5,2 u8:3=0,1,2", "u8:3=1,5,4" },
        { "DequantizeLinear", NULL, "i8:3=1,-2,3 f32:3=1,0.5,2 i8:3=0,1,2", "f32:3=1,-1.5,2" },
        { "com.microsoft::MatMulInteger16", NULL, "i16:1,2=-32768,32767 i16:2,1=32767,2", "i32:1,1=-1073643522" },
        { "com.microsoft::MatMulInteger16", NULL, "u16:2,1=65535,1 u16:1,2=65535,3",
          "u32:2,2=4294836225,196605,65535,3" },
        { "BlackmanWindow", "periodic=0", "i64:=5", "f32:5=0,0.34,1,0.34,0" },
        { "BlackmanWindow", NULL, "i32:=4", "f32:4=0,0.34,1,0.34" },
        { "HannWindow", "periodic=0 output_datatype=11", "i64:=3", "f64:3=0,1,0" },
        { "Bernoulli", "dtype=6", "f32:4=0,1,1,0", "i32:4=0,1,1,0" },
        { "Bernoulli", NULL, "f64:2,1=1,0", "f64:2,1=1,0" },
    };
    op_cases(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(dynamic_quantisation), cmocka_unit_test(ranges),
                                        cmocka_unit_test(blocks_of_pixels), cmocka_unit_test(small_ones) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
