/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* narrow.c - Cast, CastLike, QuantizeLinear and DequantizeLinear with types of 8, 4 and 2 bits: the tables of the
 * specification row by row; numbers halfway between two, the largest ones, what lies beyond. Every code and every
 * midpoint is looked at by tests/tensor/dtype.c, shapes of scales by tests/op/quantize.c. */
#include "lib/op_cases.h"
#include "test.h"

/* to=: 17 e4m3fn, 18 e4m3fnuz, 19 e5m2, 20 e5m2fnuz, 24 e8m0; the largest are 448, 240, 57344 and 57344. Halves go to
 * the even neighbour: of 17 (16 and 18), 19 (18 and 20) in three bits of mantissa, of 9 (8 and 10), 11 (10 and 12) in
 * two. */
static void float8(void **state) {
    static const op_case rows[] = {
        { "Cast", "to=17", "f32:9=0,-0,nan,inf,-inf,500,17,19,0.001953125",
          "f8e4m3fn:9=0,-0,nan,448,-448,448,16,20,0x1p-9", -1 },
        { "Cast", "to=18", "f32:9=0,-0,nan,inf,-inf,500,17,19,0.0009765625",
          "f8e4m3fnuz:9=0,0,nan,240,-240,240,16,20,0x1p-10", -1 },
        { "Cast", "to=19", "f32:8=0,-0,nan,inf,-inf,1e6,9,11", "f8e5m2:8=0,-0,nan,57344,-57344,57344,8,12", -1 },
        { "Cast", "to=20", "f32:8=0,-0,nan,inf,-inf,1e6,9,11", "f8e5m2fnuz:8=0,0,nan,57344,-57344,57344,8,12", -1 },
        { "Cast", "to=17 saturate=0", "f32:6=464,465,-500,inf,-inf,1", "f8e4m3fn:6=448,nan,nan,nan,nan,1", -1 },
        { "Cast", "to=18 saturate=0", "f32:5=240,250,inf,-inf,-1", "f8e4m3fnuz:5=240,nan,nan,nan,-1", -1 },
        { "Cast", "to=19 saturate=0", "f32:5=57344,61440,inf,-inf,-1", "f8e5m2:5=57344,inf,inf,-inf,-1", -1 },
        { "Cast", "to=20 saturate=0", "f32:5=57344,61440,inf,-inf,-1", "f8e5m2fnuz:5=57344,nan,nan,nan,-1", -1 },
        { "Cast@19", "to=17", "f16:3=1.0625,-60000,inf", "f8e4m3fn:3=1,-448,448", -1 },
        { "Cast", "to=19", "bf16:3=1.125,3e38,-0", "f8e5m2:3=1,57344,-0", -1 },
        { "Cast", "to=18", "f64:2=0.0048828125,1e300", "f8e4m3fnuz:2=0.0048828125,240", -1 }, /* five 1024ths */
        { "Cast", "to=17", "i32:3=-17,449,7", "f8e4m3fn:3=-16,448,7", -1 },
        { "Cast", "to=17", "bool:2=1,0", "f8e4m3fn:2=1,0", -1 },
        { "Cast", "to=20", "u8:2=255,3", "f8e5m2fnuz:2=256,3", -1 },
        { "Cast", "to=1", "f8e4m3fn:5=448,-0.001953125,nan,-0,1.125", "f32:5=448,-0.001953125,nan,-0,1.125", -1 },
        { "Cast", "to=10", "f8e5m2:4=57344,inf,nan,0x1p-16", "f16:4=57344,inf,nan,0x1p-16", -1 },
        { "Cast", "to=16", "f8e4m3fnuz:3=240,-0.5,nan", "bf16:3=240,-0.5,nan", -1 },
        { "Cast", "to=11", "f8e5m2fnuz:3=0x1p-17,3,nan", "f64:3=0x1p-17,3,nan", -1 },
        { "Cast", "to=6", "f8e4m3fn:3=-1.75,14,0.5", "i32:3=-1,14,0" },
        { "Cast", "to=9", "f8e5m2:4=0,-0,0x1p-16,nan", "bool:4=0,0,1,1" },
        { "Cast", "to=19", "f8e4m3fn:3=9,11,448", "f8e5m2:3=8,12,448", -1 },
        { "Cast", "to=17", "f32:0,3", "f8e4m3fn:0,3" },
        { "Cast", "to=18", "f32:=2", "f8e4m3fnuz:=2" },
        { "Cast", "to=24", "f32:6=1,1.5,2,3,1000,nan", "f8e8m0:6=1,2,2,4,1024,nan", -1 }, /* up */
        { "Cast", "to=24 round_mode=down", "f32:5=1,1.5,2,3,1000", "f8e8m0:5=1,1,2,2,512", -1 },
        { "Cast", "to=24 round_mode=nearest", "f32:5=1.25,1.5,1.75,3,1000", "f8e8m0:5=1,2,2,4,1024", -1 },
        { "Cast", "to=24", "f32:2=inf,0", "f8e8m0:2=0x1p127,0x1p-127", -1 },
        { "Cast", "to=24 saturate=0 round_mode=nearest", "f32:3=inf,0,4", "f8e8m0:3=nan,nan,4", -1 },
        { "Cast", "to=1", "f8e8m0:4=0x1p-127,1,0x1p127,nan", "f32:4=0x1p-127,1,0x1p127,nan", -1 },
        { "CastLike", NULL, "f32:3=500,17,nan f8e4m3fn:1=0", "f8e4m3fn:3=448,16,nan", -1 },
        { "CastLike", "saturate=0", "f16:2=500,9 f8e5m2:=1", "f8e5m2:2=512,8", -1 },
        { "CastLike", NULL, "f8e5m2fnuz:2=3,-0.5 f32:0", "f32:2=3,-0.5", -1 },
        { "CastLike@15", NULL, "f32:2=1.5,-2.5 i32:=0", "i32:2=1,-2" },
    };
    op_cases(rows);
}

/* The two tables of Cast whole, whatever the numbers come from. A row of edges: the largest number; what rounds to it;
 * the first that does not, halfway to the next of that mantissa where the largest is odd; far beyond. */
static void out_of_range(void **state) {
    static const struct {
        const char *type, *edges, *saturated, *plain;
        int to;
    } types[] = {
        { "f8e4m3fn", "448,464,464.25,480,60000,-464,-464.25,-480", "448,448,448,448,448,-448,-448,-448",
          "448,448,nan,nan,nan,-448,nan,nan", 17 },
        { "f8e4m3fnuz", "240,247.875,248,256,60000,-247.875,-248,-256", "240,240,240,240,240,-240,-240,-240",
          "240,240,nan,nan,nan,-240,nan,nan", 18 },
        { "f8e5m2", "57344,61408,61440,65504,63000,-61408,-61440,-65504",
          "57344,57344,57344,57344,57344,-57344,-57344,-57344", "57344,57344,inf,inf,inf,-57344,-inf,-inf", 19 },
        { "f8e5m2fnuz", "57344,61408,61440,65504,63000,-61408,-61440,-65504",
          "57344,57344,57344,57344,57344,-57344,-57344,-57344", "57344,57344,nan,nan,nan,-57344,nan,nan", 20 },
    };
    static const char *const sources[] = { "f32", "f64", "f16", "str" }; /* each holds all of the edges */
    for (size_t i = 0; i < TN_COUNT(types) * 2; i++) {
        bool saturate = i % 2, infinite = types[i / 2].to == 19, signs = i / 2 % 2 == 0;
        const char *type = types[i / 2].type, *top = strrchr(types[i / 2].saturated, '-'), *less = top;
        const char *beyond = saturate ? top + 1 : infinite ? "inf" : "nan";
        const char *below = saturate ? less : infinite ? "-inf" : "nan";
        char in[200], like[240], cast[40], want[200], flag[16];
        snprintf(flag, sizeof flag, "saturate=%d", saturate);
        snprintf(cast, sizeof cast, "to=%d %s", types[i / 2].to, flag);
        snprintf(want, sizeof want, "%s:13=0,%s,nan,%s,%s,%s", type, signs ? "-0" : "0", beyond, below,
                 saturate ? types[i / 2].saturated : types[i / 2].plain);
        for (size_t k = 0; k < TN_COUNT(sources); k++) {
            snprintf(in, sizeof in, "%s:13=0,-0,nan,inf,-inf,%s", sources[k], types[i / 2].edges);
            snprintf(like, sizeof like, "%s %s:=0", in, type);
            op_cases(((op_case[]){ { "Cast", cast, in, want, -1 }, { "CastLike", flag, like, want, -1 } }));
        }
        snprintf(like, sizeof like, "f32:13=0,-0,nan,inf,-inf,%s f32:=1", types[i / 2].edges);
        snprintf(cast, sizeof cast, "output_dtype=%d %s", types[i / 2].to, flag);
        op_cases(((op_case[]){ { "QuantizeLinear", cast, like, want, -1 } }));
    }
}

static void few_bits(void **state) {
    static const op_case rows[] = {
        /* float4e2m1: 0 0.5 1 1.5 2 3 4 6; halves to the even code, of which are 0 1 2 4 */
        { "Cast", "to=23", "f32:9=0.25,0.75,1.25,2.5,3.5,5,7,-inf,0.26", "f4e2m1:9=0,1,1,2,4,4,6,-6,0.5", -1 },
        { "Cast", "to=23", "f16:3=-0.5,-0,100", "f4e2m1:3=-0.5,-0,6", -1 },
        { "Cast", "to=1", "f4e2m1:5=6,-0.5,0,-0,1.5", "f32:5=6,-0.5,0,-0,1.5", -1 },
        { "Cast", "to=10", "f4e2m1:2=-6,3", "f16:2=-6,3", -1 },
        { "Cast", "to=22", "f32:5=-8,7,1.75,-1.75,0", "i4:5=-8,7,1,-1,0" }, /* to integers: towards 0 */
        { "Cast", "to=21", "f16:3=15,0.5,7.75", "u4:3=15,0,7" },
        { "Cast", "to=22", "i8:5=7,8,-8,-9,16", "i4:5=7,-8,-8,7,0" }, /* the low bits, in two's complement */
        { "Cast", "to=21", "i32:4=-1,16,17,15", "u4:4=15,0,1,15" },
        { "Cast", "to=2", "u4:3=15,8,0", "u8:3=15,8,0" },
        { "Cast", "to=3", "i4:3=-8,7,-1", "i8:3=-8,7,-1" },
        { "Cast", "to=1", "i4:3=-8,7,-1", "f32:3=-8,7,-1" },
        { "Cast", "to=10", "u4:2,1=15,3", "f16:2,1=15,3" },
        { "Cast", "to=26", "f32:4=-2,1,-1.5,0.5", "i2:4=-2,1,-1,0" },
        { "Cast", "to=25", "f32:5=3,0,1.25,2,2.75", "u2:5=3,0,1,2,2" },
        { "Cast", "to=26", "i8:5=1,2,3,-2,-3", "i2:5=1,-2,-1,-2,1" },
        { "Cast", "to=3", "i2:5=1,-2,-1,0,1", "i8:5=1,-2,-1,0,1" },
        { "Cast", "to=1", "u2:3=3,2,1", "f32:3=3,2,1" },
        { "Cast", "to=16", "i2:3=-2,-1,1", "bf16:3=-2,-1,1" },
        { "Cast", "to=22", "u4:3=15,8,7", "i4:3=-1,-8,7" },
        { "Cast", "to=9", "u4:3=0,4,8", "bool:3=0,1,1" },
        { "Cast", "to=22", "bool:3=1,0,1", "i4:3=1,0,1" },
        { "Cast", "to=22", "f32:0", "i4:0" },
        { "CastLike", NULL, "f32:3=5,-5,0.5 i4:=0", "i4:3=5,-5,0" },
        { "CastLike", NULL, "i8:3=5,1,-1 u2:1=0", "u2:3=1,1,3" },
        { "CastLike", NULL, "u4:1=9 f4e2m1:=0", "f4e2m1:1=6" }, /* 9 saturates */
    };
    op_cases(rows);
}

static void other_casts(void **state) {
    static const op_case rows[] = {
        { "Cast", "to=3", "i16:2=200,-129", "i8:2=-56,127" },
        { "Cast", "to=6", "i64:2=4294967295,-4294967296", "i32:2=-1,0" },
        { "Cast", "to=13", "i8:1=-1", "u64:1=0xffffffffffffffff" },
        { "Cast", "to=10", "f32:4=65504,65520,-1e10,0x1p-25", "f16:4=65504,inf,-inf,0", -1 },
        { "Cast", "to=16", "f32:3=1.00390625,1.01171875,3.4e38", "bf16:3=1,1.015625,inf", -1 },
        { "Cast", "to=11", "u64:1=0xffffffffffffffff", "f64:1=0x1p64", -1 },
        { "Cast", "to=7", "f64:2=9007199254740993,-1.99", "i64:2=9007199254740992,-1" },
        { "Cast", "to=9", "f32:5=0,-0,nan,0x1p-149,-3", "bool:5=0,0,1,1,1" },
        { "Cast", "to=9", "i64:3=0,256,-1", "bool:3=0,1,1" },
        { "Cast", "to=8", "i64:2=-12,9223372036854775807", "str:2=-12,9223372036854775807" },
        { "Cast", "to=8", "f32:2=314.15927,1", "str:2=314.15927,1" },
        { "Cast", "to=1", "str:6=3.5,1e-5,+INF,-inf,NaN,1E8", "f32:6=3.5,1e-5,inf,-inf,nan,1e8" },
        { "Cast", "to=6", "str:2=-7,1000", "i32:2=-7,1000" },
        { "Cast", "to=23", "str:4=-0.5,100,2.5,-inf", "f4e2m1:4=-0.5,6,2,-6", -1 },
        { "Cast", "to=22", "str:3=-8,7,1.75", "i4:3=-8,7,1" },
        { "Cast", "to=24 round_mode=down", "str:4=1,1.5,3,1000", "f8e8m0:4=1,1,2,512", -1 },
        { "Cast", "to=24 saturate=0 round_mode=nearest", "str:4=inf,0,4,1.5", "f8e8m0:4=nan,nan,4,2", -1 },
        { "CastLike", "round_mode=nearest", "str:2=1.25,1.75 f8e8m0:=1", "f8e8m0:2=1,2", -1 },
    };
    op_cases(rows);
}

static void quantising(void **state) {
    static const op_case rows[] = {
        /* one scale: 3 / 2 = 1.5 and 5 / 2 = 2.5 are 2 */
        { "QuantizeLinear", NULL, "f32:5=3,5,-4,1000,-1000 f32:=2 u8:=10", "u8:5=12,12,8,255,0" },
        { "QuantizeLinear", NULL, "f32:4=3,5,-256,1000 f32:=2 i8:=0", "i8:4=2,2,-128,127" },
        { "QuantizeLinear", NULL, "f32:2=3,-5 f32:=2", "u8:2=2,0" },
        { "QuantizeLinear", NULL, "f32:3=3,1e9,-1e9 f32:=2 u16:=7", "u16:3=9,65535,0" },
        { "QuantizeLinear", NULL, "f32:3=3,1e9,-1e9 f32:=2 i16:=-7", "i16:3=-5,32767,-32768" },
        { "QuantizeLinear", NULL, "f32:4=3,100,-100,-5 f32:=2 i4:=1", "i4:4=3,7,-8,-1" },
        { "QuantizeLinear", NULL, "f32:3=3,100,-100 f32:=2 u4:=1", "u4:3=3,15,0" },
        { "QuantizeLinear", NULL, "f32:5=-1,-0.6,0,0.4,9 f32:=0.5 i2:=0", "i2:5=-2,-1,0,1,1" },
        { "QuantizeLinear", "output_dtype=25", "f32:4=-1,0.4,1.6,9 f32:=0.5", "u2:4=0,1,3,3" },
        { "QuantizeLinear", "output_dtype=21", "f16:2=3,-5 f16:=2", "u4:2=2,0" },
        { "QuantizeLinear", NULL, "f32:3=34,1000,-2 f32:=2 f8e4m3fn:=0", "f8e4m3fn:3=16,448,-1", -1 },
        { "QuantizeLinear", "saturate=0", "f32:2=1000,-2 f32:=2 f8e4m3fn:=0", "f8e4m3fn:2=nan,-1", -1 },
        { "QuantizeLinear", NULL, "f32:2=18,-1e9 f32:=2 f8e5m2:=0", "f8e5m2:2=8,-57344", -1 },
        { "QuantizeLinear", NULL, "f32:2=34,-1e9 f32:=2 f8e4m3fnuz:=0", "f8e4m3fnuz:2=16,-240", -1 },
        { "QuantizeLinear", "output_dtype=20", "f32:2=18,-1e9 f32:=2", "f8e5m2fnuz:2=8,-57344", -1 },
        { "QuantizeLinear", "output_dtype=23", "f32:3=2.5,-100,1 f32:=2", "f4e2m1:3=1,-6,0.5", -1 },
        /* a scale for each slice of an axis; the axis is 1 unless said */
        { "QuantizeLinear", NULL, "f32:2,2=4,4,-4,8 f32:2=2,4 u8:2=10,20", "u8:2,2=12,21,8,22" },
        { "QuantizeLinear", "axis=-2", "f32:2,2=4,4,-4,8 f32:2=2,4 i8:2=0,1", "i8:2,2=2,2,0,3" },
        { "QuantizeLinear@13", "axis=0", "f32:2,1,1=4,4 f32:2=2,4 u8:2=10,20", "u8:2,1,1=12,21" },
        { "QuantizeLinear@10", NULL, "f32:2=4,-4 f32:=2 u8:=10", "u8:2=12,8" },
        /* a scale for each two of an axis; the last block is short */
        { "QuantizeLinear", "axis=1 block_size=2", "f32:1,5=2,4,4,8,9 f32:1,3=1,4,3 u8:1,3=0,1,2", "u8:1,5=2,4,2,3,5" },
        { "QuantizeLinear", "axis=0 block_size=2", "f32:3,2=2,4,4,8,9,6 f32:2,2=1,4,3,2 i4:2,2=0,1,0,-1",
          "i4:3,2=2,2,4,3,3,2" },
        { "QuantizeLinear", "axis=-1 block_size=2 output_dtype=17", "f16:1,4=2,34,4,9 f16:1,2=2,1",
          "f8e4m3fn:1,4=1,16,4,9", -1 },
        { "QuantizeLinear", "precision=1", "f16:1=1 f16:=0.333251953125 u8:=0", "u8:1=3" },
        { "QuantizeLinear", NULL, "f32:0,2 f32:2=1 u8:2=0", "u8:0,2" },
        { "DequantizeLinear", NULL, "u8:3=12,0,255 f32:=2 u8:=10", "f32:3=4,-20,490" },
        { "DequantizeLinear", NULL, "i8:2=-128,127 f32:=0.5", "f32:2=-64,63.5" },
        { "DequantizeLinear", NULL, "i32:2=-100000,3 f32:=0.5", "f32:2=-50000,1.5" },
        { "DequantizeLinear", NULL, "u16:2=65535,1 f32:=2 u16:=65535", "f32:2=0,-131068" },
        { "DequantizeLinear", NULL, "i16:2=-32768,1 f16:=0.5 i16:=0", "f16:2=-16384,0.5" },
        { "DequantizeLinear", NULL, "i4:3=-8,7,1 f32:=2 i4:=1", "f32:3=-18,12,0" },
        { "DequantizeLinear", NULL, "u4:3=15,0,1 bf16:=2 u4:=1", "bf16:3=28,-2,0" },
        { "DequantizeLinear", NULL, "i2:3=-2,1,0 f32:=3 i2:=1", "f32:3=-9,0,-3" },
        { "DequantizeLinear", NULL, "u2:3=3,1,0 f32:=3", "f32:3=9,3,0" },
        { "DequantizeLinear", NULL, "f8e4m3fn:3=448,-0.5,nan f32:=2", "f32:3=896,-1,nan" },
        { "DequantizeLinear", NULL, "f8e5m2:3=57344,inf,-3 f16:=0.5 f8e5m2:=0", "f16:3=28672,inf,-1.5" },
        { "DequantizeLinear", NULL, "f8e4m3fnuz:2=240,nan f32:=2", "f32:2=480,nan" },
        { "DequantizeLinear", NULL, "f8e5m2fnuz:2=57344,0x1p-17 f32:=2", "f32:2=114688,0x1p-16" },
        { "DequantizeLinear", NULL, "f4e2m1:3=6,-0.5,1.5 f32:=2", "f32:3=12,-1,3" },
        { "DequantizeLinear", NULL, "u8:2,2=12,21,8,22 f32:2=2,4 u8:2=10,20", "f32:2,2=4,4,-4,8" },
        { "DequantizeLinear", "axis=-2", "i8:2,2=2,2,0,3 f32:2=2,4 i8:2=0,1", "f32:2,2=4,4,-4,8" },
        { "DequantizeLinear", "axis=0", "f8e4m3fn:2,1=3,5 f32:2=2,4", "f32:2,1=6,20" },
        { "DequantizeLinear", "axis=1 block_size=2", "u8:1,5=2,4,2,3,5 f32:1,3=1,4,3 u8:1,3=0,1,2",
          "f32:1,5=2,4,4,8,9" },
        { "DequantizeLinear", "axis=0 block_size=2", "i4:3,2=2,2,4,3,3,2 f32:2,2=1,4,3,2 i4:2,2=0,1,0,-1",
          "f32:3,2=2,4,4,8,9,6" },
        { "DequantizeLinear", "axis=-1 block_size=3", "u4:1,1,4=1,2,3,4 f16:1,1,2=1,10", "f16:1,1,4=1,2,3,40" },
        { "DequantizeLinear", "output_dtype=10", "u8:2=3,5 f32:=0.5", "f16:2=1.5,2.5" },
        { "DequantizeLinear", "output_dtype=1 axis=1 block_size=2", "f4e2m1:1,4=6,-1,1,0.5 f8e8m0:1,2=2,0.5",
          "f32:1,4=12,-2,0.5,0.25" },
        { "DequantizeLinear", NULL, "i8:0 f32:=1", "f32:0" },
        { "com.microsoft::QuantizeLinear", NULL, "f32:3=3,5,-1e9 f32:=2 i16:=7", "i16:3=9,9,-32768" },
        { "com.microsoft::QuantizeLinear", "axis=0", "f16:2,1=3,4 f16:2=2,1 u8:2=10,20", "u8:2,1=12,24" },
        { "com.microsoft::DequantizeLinear", NULL, "u16:2=65535,1 f32:=2 u16:=65535", "f32:2=0,-131068" },
        { "com.microsoft::DequantizeLinear", "axis=1", "i8:1,2=3,4 f32:2=2,1 i8:2=1,-1", "f32:1,2=4,5" },
        { "com.microsoft::DequantizeLinear", NULL, "i4:2=7,-8 f16:=2 i4:=1", "f16:2=12,-18" },
        { "DynamicQuantizeLinear", NULL, "f32:3=0,255,51", "u8:3=0,255,51 f32:=1 u8:=0" },
        { "DynamicQuantizeLinear", NULL, "f32:2,2=-51,204,0,-1.5",
          "u8:2,2=0,255,51,49 f32:=1 u8:=51" }, /* 49.5 rounds -1.5 to -2 */
        { "DynamicQuantizeLinear", NULL, "f32:2=-2.55,-0.51",
          "u8:2=0,204 f32:=0.01 u8:=255" }, /* 0 is always in the range */
    };
    op_cases(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(float8), cmocka_unit_test(out_of_range),
                                        cmocka_unit_test(few_bits), cmocka_unit_test(other_casts),
                                        cmocka_unit_test(quantising) };
    return cmocka_run_group_tests_name("op/narrow", tests, NULL, NULL);
}
