/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* hostile.c - values that only a run knows and that no operator can use: axes, indices, lengths, sizes, pads, counts.
 * Every case is refused however its inputs come: declared, of unknown shape, symbolic, or as constants. The second half
 * holds what is odd and right. */
#include "lib/op_cases.h"
#include "lib/op_run.h"
#include "test.h"

#define I64_LEAST "-9223372036854775807"
#define I64_MOST  "9223372036854775807"

typedef struct {
    op_case c;
    const char *message;
} refusal;

static void refuse(const refusal *rows, size_t n) {
    for (size_t i = 0; i < n; i++) op_case_refused(&rows[i].c, rows[i].message);
}

static void axes_and_places(void **state) {
    static const refusal rows[] = {
        { { "Slice", NULL, "f32:2,3=1 i64:1=0 i64:1=1 i64:1=2", "f32:1,3=1" }, "axis 2 is outside -2..1" },
        { { "Slice", NULL, "f32:2,3=1 i64:1=0 i64:1=1 i64:1=4294967296", "f32:1,3=1" }, "axis 4294967296" },
        { { "Slice", NULL, "f32:2,3=1 i64:2=0 i64:2=1 i64:2=0,-2", "f32:1,3=1" }, "named twice" },
        { { "Slice", NULL, "f32:2,3=1 i64:1=0 i64:1=1 i64:1=0 i64:1=0", "f32:1,3=1" }, "is 0" },
        { { "Slice", NULL, "f32:2,3=1 i64:2=0 i64:1=1 i64:2=0,1", "f32:1,3=1" }, "entries" },
        { { "Squeeze", NULL, "f32:1,3=1 i64:1=7", "f32:3=1" }, "axis 7 is outside -2..1" },
        { { "Squeeze", NULL, "f32:1,3=1 i64:2=0,-2", "f32:3=1" }, "twice" },
        { { "Unsqueeze", NULL, "f32:3=1 i64:1=" I64_LEAST, "f32:1,3=1" }, "is outside" },
        { { "Unsqueeze", NULL, "f32:3=1 i64:17=0", "f32:1,3=1" }, "at most 16" },
        { { "Pad", NULL, "f32:2,2=1 i64:2=1,1 _ i64:1=5", "f32:2,4=1" }, "axis 5 is outside" },
        { { "Pad", NULL, "f32:2,2=1 i64:4=1 _ i64:2=0,-2", "f32:2,4=1" }, "named twice" },
        { { "Pad", NULL, "f32:2,2=1 i64:3=1", "f32:2,4=1" }, "4 are needed" },
        { { "Pad", NULL, "f32:2=1 i64:2=" I64_LEAST "," I64_MOST, "f32:2=1" }, "no padding" },
        { { "Pad", "mode=reflect", "f32:2=1 i64:2=-3,0", "f32:2=1" }, "padding" },
        { { "TopK", NULL, "f32:3=1,2,3 i64:1=4", "f32:3=1 i64:3=1" }, "K is 4" },
        { { "TopK", NULL, "f32:3=1,2,3 i64:1=-1", "f32:3=1 i64:3=1" }, "K is -1" },
        { { "TopK", NULL, "f32:3=1,2,3 i64:2=1,1", "f32:3=1 i64:3=1" }, "not one" },
        { { "Compress", "axis=1", "f32:2=1,2 bool:2=1", "f32:2=1" }, "axis 1 is outside -1..0" },
        { { "Unique", "axis=3", "f32:2,1=1,2", "f32:2=1" }, "axis 3 is outside -2..1" },
        { { "DFT", NULL, "f32:1,4,1=1 i64:=4 i64:=2", "f32:1,4,2=1" }, "one of the parts" },
        { { "DFT", NULL, "f32:1,4,1=1 i64:=4 i64:=4294967297", "f32:1,4,2=1" }, "is outside -3..2" },
        { { "DFT", NULL, "f32:1,4,1=1 i64:=0 i64:=1", "f32:1,4,2=1" }, "transform of 0 points" },
        { { "ScatterElements", NULL, "f32:3=1 i64:2=0,3 f32:2=1", "f32:3=1" }, "index 3" },
        { { "ScatterElements", NULL, "f32:3=1 i64:2=0," I64_LEAST " f32:2=1", "f32:3=1" }, "is outside" },
        { { "ScatterElements", "axis=1", "f32:1,3=1 i64:2,1=0 f32:2,1=1", "f32:1,3=1" }, "larger than data" },
        { { "ScatterND", NULL, "f32:2,3=1 i64:1,2=1,3 f32:1=1", "f32:2,3=1" }, "index 3" },
        { { "ScatterND", NULL, "f32:2,3=1 i64:1,1=-3 f32:1,3=1", "f32:2,3=1" }, "index -3" },
        { { "ScatterND", NULL, "f32:2,3=1 i64:1,1=1 f32:1,2=1", "f32:2,3=1" }, "updates has 2" },
        { { "ReverseSequence", NULL, "f32:2,2=1 i64:2=1,3", "f32:2,2=1" }, "sequence_lens[1] is 3" },
        { { "ReverseSequence", NULL, "f32:2,2=1 i64:2=-1,1", "f32:2,2=1" }, "sequence_lens[0] is -1" },
        { { "ReverseSequence", "time_axis=2 batch_axis=0", "f32:2,2,2=1 i64:2=1", "f32:2,2,2=1" }, "in some order" },
        { { "ReverseSequence", "time_axis=4294967296", "f32:2,2=1 i64:2=1", "f32:2,2=1" }, "axis 4294967296" },
        { { "TensorScatter", NULL, "f32:1,4,1=1 f32:1,2,1=1 i64:1=3", "f32:1,4,1=1" }, "do not fit a cache of 4" },
        { { "TensorScatter", NULL, "f32:1,4,1=1 f32:1,2,1=1 i64:2=0", "f32:1,4,1=1" }, "2 write indices" },
        { { "RotaryEmbedding", NULL, "f32:1,1,1,2=1 f32:2,1=1 f32:2,1=1 i64:1,1=2", "f32:1,1,1,2=1" },
          "position 2 is outside" },
        { { "RotaryEmbedding", NULL, "f32:1,1,1,2=1 f32:2,1=1 f32:2,1=1 i64:1,1=-1", "f32:1,1,1,2=1" },
          "position -1 is outside" },
        { { "RoiAlign", NULL, "f32:1,1,2,2=1 f32:1,4=0 i64:1=1", "f32:1,1,1,1=1" }, "index 1" },
        { { "RoiAlign", NULL, "f32:1,1,2,2=1 f32:1,5=0 i64:1=0", "f32:1,1,1,1=1" }, "must be [n, 4]" },
        { { "MaxRoiPool", "pooled_shape=[1,1]", "f32:1,1,2,2=1 f32:1,5=1", "f32:1,1,1,1=1" }, "names image 1" },
        { { "MaxRoiPool", "pooled_shape=[1,1]", "f32:1,1,2,2=1 f32:1,5=nan", "f32:1,1,1,1=1" }, "names image" },
        { { "MaxUnpool", "kernel_shape=[2]", "f32:1,1,1=1 i64:1,1,1=2", "f32:1,1,2=1" }, "index 2" },
        { { "MaxUnpool", "kernel_shape=[2]", "f32:1,1,1=1 i64:1,1,1=" I64_LEAST, "f32:1,1,2=1" }, "is not within" },
        { { "MaxUnpool", "kernel_shape=[2]", "f32:1,1,1=1 i64:1,1,2=0", "f32:1,1,2=1" }, "differ in shape" },
        { { "GRU", "hidden_size=1", "f32:1,1,1=1 f32:1,3,1=1 f32:1,3,1=1 _ i32:1=2", "f32:1,1,1,1=1" },
          "sequence_lens[0] is 2" },
        { { "RNN", "hidden_size=1", "f32:1,1,1=1 f32:1,1,1=1 f32:1,1,1=1 _ i32:1=-1", "f32:1,1,1,1=1" },
          "sequence_lens[0] is -1" },
    };
    refuse(rows, TN_COUNT(rows));
}

static void sizes(void **state) {
    static const refusal rows[] = {
        { { "Reshape", NULL, "f32:6=1 i64:2=-1,-1", "f32:6=1" }, "-1 twice" },
        { { "Reshape", NULL, "f32:6=1 i64:2=4,-1", "f32:6=1" }, "cannot be split by 4" },
        { { "Reshape", NULL, "f32:6=1 i64:2=3,-2", "f32:6=1" }, "shape[1] is -2" },
        { { "Reshape", NULL, "f32:6=1 i64:2=4294967296,4294967296", "f32:6=1" }, "" },
        { { "Reshape", NULL, "f32:6=1 i64:17=1", "f32:6=1" }, "at most 16" },
        { { "ConstantOfShape", NULL, "i64:2=2,-1", "f32:2=0" }, "is -1" },
        { { "ConstantOfShape", NULL, "i64:2=4611686018427387904,4", "f32:2=0" }, "" },
        { { "ConstantOfShape", NULL, "i64:17=1", "f32:2=0" }, "at most 16" },
        { { "Expand", NULL, "f32:3=1 i64:2=2,2", "f32:2,2=0" }, "broadcast" },
        { { "Expand", NULL, "f32:3=1 i64:1=-3", "f32:3=0" }, "-3" },
        { { "Tile", NULL, "f32:3=1 i64:1=-1", "f32:3=0" }, "repeats[0] is -1" },
        { { "Tile", NULL, "f32:3=1 i64:2=1", "f32:3=0" }, "2 entries for 1" },
        { { "Tile", NULL, "f32:3=1 i64:1=4611686018427387903", "f32:3=0" }, "" },
        { { "Range", NULL, "i64:=0 i64:=3 i64:=0", "i64:3=0" }, "delta is 0" },
        { { "Range", NULL, "i64:2=0 i64:=3 i64:=1", "i64:3=0" }, "2 elements" },
        { { "Range", NULL, "i64:=" I64_LEAST " i64:=" I64_MOST " i64:=1", "i64:3=0" }, "" },
        { { "Split", "axis=0", "f32:4=1 i64:2=3,2", "f32:3=1 f32:1=1" }, "adds up to 5" },
        { { "Split", "axis=0", "f32:4=1 i64:2=5,-1", "f32:3=1 f32:1=1" }, "is -1" },
        { { "Split", "axis=0", "f32:4=1 i64:3=1,1,2", "f32:3=1 f32:1=1" }, "3 entries for 2" },
        { { "Split", "axis=0", "f32:4=1 i64:2=4611686018427387903,4611686018427387903", "f32:3=1 f32:1=1" }, "" },
        { { "OneHot", NULL, "i64:2=0,1 i64:=-1 f32:2=0,1", "f32:2,1=1" }, "depth is -1" },
        { { "OneHot", NULL, "i64:2=0,1 f32:=1e30 f32:2=0,1", "f32:2,1=1" }, "" },
        { { "OneHot", NULL, "i64:2=0,1 i64:2=1,2 f32:2=0,1", "f32:2,1=1" }, "not one" },
        { { "OneHot", NULL, "i64:2=0,1 i64:=2 f32:3=0,1,1", "f32:2,1=1" }, "[off, on]" },
        { { "CenterCropPad", NULL, "f32:2,2=1 i64:1=2", "f32:2,2=1" }, "1 numbers for 2 axes" },
        { { "CenterCropPad", "axes=[1]", "f32:2,2=1 i64:1=-1", "f32:2,2=1" }, "shape holds -1" },
        { { "Resize", NULL, "f32:2=1 _ f32:1=0", "f32:2=1" }, "scales[0] is 0" },
        { { "Resize", NULL, "f32:2=1 _ f32:1=nan", "f32:2=1" }, "scales[0] is" },
        { { "Resize", NULL, "f32:2=1 _ f32:1=1e12", "f32:2=1" }, "scales[0] is 1e+12" },
        { { "Resize", NULL, "f32:2=1 _ f32:2=1", "f32:2=1" }, "1 are needed" },
        { { "Resize", NULL, "f32:2=1 _ _ i64:1=-1", "f32:2=1" }, "sizes holds -1" },
        { { "Resize", "keep_aspect_ratio_policy=not_larger",
            "f32:2,1=1 _ _ i64:2=4611686018427387903,4611686018427387903", "f32:2=1" },
          "" },
        { { "Resize", "coordinate_transformation_mode=tf_crop_and_resize", "f32:2=1 f32:3=0 _ i64:1=2", "f32:2=1" },
          "roi has 3 entries" },
        { { "Col2Im", NULL, "f32:1,1,5=1 i64:1=4 i64:1=1", "f32:1,1,4=1" }, "5 blocks" },
        { { "Col2Im", NULL, "f32:1,1,4=1 i64:1=4 i64:1=0", "f32:1,1,4=1" }, "blocks of 0" },
        { { "Col2Im", NULL, "f32:1,1,4=1 i64:1=9223372036854775807 i64:1=1", "f32:1,1,4=1" }, "" },
        { { "STFT", NULL, "f32:1,8,1=1 i64:=0 _ i64:=4", "f32:1,1,3,2=1" }, "frame_step is 0" },
        { { "STFT", NULL, "f32:1,8,1=1 i64:=1 _ i64:=9", "f32:1,1,3,2=1" }, "frames of 9 points" },
        { { "STFT", NULL, "f32:1,8,1=1 i64:=1 _ i64:=-4", "f32:1,1,3,2=1" }, "frames of -4 points" },
        { { "HannWindow", NULL, "i64:=-1", "f32:1=1" }, "size is -1" },
        { { "MelWeightMatrix", NULL, "i64:=2 i64:=0 i64:=8000 f32:=0 f32:=4000", "f32:1,2=1" }, "dft_length is 0" },
        { { "MelWeightMatrix", NULL, "i64:=2 i64:=8 i64:=0 f32:=0 f32:=4000", "f32:5,2=1" }, "sample rate of 0" },
        { { "MelWeightMatrix", NULL, "i64:=0 i64:=8 i64:=8000 f32:=0 f32:=4000", "f32:5,2=1" }, "num_mel_bins is 0" },
        { { "QuantizeLinear", "axis=1", "f32:2,3=1 f32:2=1 u8:2=0", "u8:2,3=1" }, "axis 1 has 3" },
        { { "QuantizeLinear", NULL, "f32:2,3=1 f32:3=1 u8:2=0", "u8:2,3=1" }, "differ in shape" },
        { { "DequantizeLinear", "block_size=2", "u8:4=1 f32:3=1 u8:3=0", "f32:4=1" }, "one element per block" },
        { { "Multinomial", NULL, "f32:1,2=-inf", "i32:1,1=1" }, "row 0 gives no class" },
        { { "Bernoulli", NULL, "f32:2=0.5,1.5", "f32:2=1" }, "no probability" },
        { { "Dropout", NULL, "f32:2=1 f32:=1 bool:=1", "f32:2=1" }, "0 <= ratio < 1" },
        { { "Clip", NULL, "f32:2=1 f32:2=0", "f32:2=1" }, "min must hold one element" },
        { { "Trilu", NULL, "f32:2,2=1 i64:2=0", "f32:2,2=1" }, "2 elements" },
    };
    refuse(rows, TN_COUNT(rows));
}

/* Attributes beyond 32 bits, lists of other lengths than the rank, types that are none. */
static void attributes(void **state) {
    static const refusal rows[] = {
        { { "Transpose", "perm=[0,0]", "f32:2,2=1", "f32:2,2=1" }, "must come once" },
        { { "Transpose", "perm=[0,1,2]", "f32:2,2=1", "f32:2,2=1" }, "3 entries" },
        { { "Transpose", "perm=[1,4294967296]", "f32:2,2=1", "f32:2,2=1" }, "4294967296" },
        { { "DepthToSpace", "blocksize=4294967298", "f32:1,4,1,1=1", "f32:1,1,2,2=1" }, "blocksize" },
        { { "Split", "axis=4294967296", "f32:4=1", "f32:2=1 f32:2=1" }, "axis 4294967296" },
        { { "Flatten", "axis=4294967297", "f32:2,2=1", "f32:2,2=1" }, "axis 4294967297" },
        { { "Compress", "axis=4294967296", "f32:2=1 bool:2=1", "f32:2=1" }, "axis" },
        { { "OneHot", "axis=4294967295", "i64:2=0,1 i64:=2 f32:2=0,1", "f32:2,2=1" }, "axis" },
        { { "TopK", "axis=4294967296", "f32:2=1 i64:1=1", "f32:1=1 i64:1=0" }, "axis 4294967296" },
        { { "Unique", "axis=4294967296", "f32:2=1", "f32:1=1" }, "axis" },
        { { "LayerNormalization", "axis=4294967296", "f32:2=1 f32:2=1", "f32:2=1" }, "axis 4294967296" },
        { { "LayerNormalization", "stash_type=8", "f32:2=1 f32:2=1", "f32:2=1" }, "stash_type" },
        { { "LpNormalization", "p=3", "f32:2=1", "f32:2=1" }, "'p' holds 3" },
        { { "MeanVarianceNormalization", "axes=[0,9]", "f32:2=1", "f32:2=1" }, "axis 9" },
        { { "MaxPool", "kernel_shape=[2,2]", "f32:1,1,4=1", "f32:1,1,3=1" }, "kernel_shape" },
        { { "MaxPool", "kernel_shape=[2] pads=[1]", "f32:1,1,4=1", "f32:1,1,3=1" }, "pads" },
        { { "AveragePool", "kernel_shape=[2] strides=[4294967297]", "f32:1,1,4=1", "f32:1,1,3=1" }, "strides" },
        { { "LpPool", "kernel_shape=[2] p=0", "f32:1,1,4=1", "f32:1,1,3=1" }, "'p' holds 0" },
        { { "Col2Im", "strides=[1,1]", "f32:1,1,4=1 i64:1=4 i64:1=1", "f32:1,1,4=1" }, "strides" },
        { { "CenterCropPad", "axes=[0,0]", "f32:2=1 i64:2=1", "f32:1=1" }, "axes are named" },
        { { "Resize", "axes=[0,-1]", "f32:2=1 _ f32:2=1", "f32:2=1" }, "axes are named" },
        { { "EyeLike", "dtype=8", "f32:2,2=1", "f32:2,2=1" }, "no identity matrix of string" },
        { { "EyeLike", "dtype=4294967297", "f32:2,2=1", "f32:2,2=1" }, "no element type" },
        { { "SequenceEmpty", "dtype=99", "", "f32:1=1" }, "no element type" },
        { { "RandomUniformLike", "dtype=4294967297", "f32:2=1", "f32:2=1" }, "no element type" },
        { { "HannWindow", "output_datatype=8", "i64:=2", "f32:2=1" }, "not a type of numbers" },
        { { "Reshape", "allowzero=1", "f32:0=1 i64:2=0,-1", "f32:0=1" }, "-1 and 0" },
        { { "TfIdfVectorizer",
            "mode=TF min_gram_length=1 max_gram_length=1 max_skip_count=0 ngram_counts=[0] ngram_indexes=[2147483647] "
            "pool_int64s=[1]",
            "i64:1=1", "f32:1=1" },
          "ngram_indexes" },
    };
    refuse(rows, TN_COUNT(rows));
}

/* Nothing is there beside a size that memory could not hold: rooms for what is computed must not wrap. */
static void nothing_and_a_lot(void **state) {
#define VAST "4503599627370496" /* 2^52 */
    static const op_case rows[] = {
        { "LpNormalization", "axis=0", "f32:" VAST ",0", "f32:" VAST ",0" },
        { "MeanVarianceNormalization", "axes=[1]", "f32:" VAST ",0", "f32:" VAST ",0" },
        { "Trilu", NULL, "f32:" VAST ",0 i64:=" I64_LEAST, "f32:" VAST ",0" },
        { "EyeLike", "k=" I64_MOST, "f32:" VAST ",0", "f32:" VAST ",0" },
        { "ScatterND", NULL, "f32:3=1,2,3 i64:0,1 f32:0", "f32:3=1,2,3" },
        { "ScatterElements", NULL, "f32:3=1,2,3 i64:0 f32:0", "f32:3=1,2,3" },
        { "Slice", NULL, "f32:2,3=1 i64:1=0 i64:1=0 i64:1=1", "f32:2,0" },
        { "Tile", NULL, "f32:0,3 i64:2=" VAST ",0", "f32:0,0" },
        { "Expand", NULL, "f32:1,0 i64:2=" VAST ",1", "f32:" VAST ",0" },
        { "TopK", "axis=0", "f32:" VAST ",0 i64:1=" VAST, "f32:" VAST ",0 i64:" VAST ",0" },
        { "CenterCropPad", NULL, "f32:" VAST ",0 i64:2=2,3", "f32:2,3=0" },
        { "Resize", NULL, "f32:2,0=1 _ f32:2=2,1", "f32:4,0" },
    };
    op_cases(rows);
}

static void odd_and_right(void **state) {
    static const op_case rows[] = {
        { "Slice", NULL, "i64:3=5,6,7 i64:1=" I64_MOST " i64:1=" I64_LEAST " i64:1=0 i64:1=-1", "i64:3=7,6,5" },
        { "Slice", NULL, "f32:2,3=1,2,3,4,5,6 i64:1=1 i64:1=" I64_MOST " i64:1=0 i64:1=" I64_MOST, "f32:1,3=4,5,6" },
        { "Slice", NULL, "f32:2,3=1,2,3,4,5,6 i64:1=-1 i64:1=" I64_LEAST " i64:1=1 i64:1=" I64_LEAST, "f32:2,1=3,6" },
        { "Slice", NULL, "u4:3=1,2,3 i64:1=1 i64:1=" I64_MOST " i64:1=0 i64:1=" I64_MOST, "u4:1=2" },
        { "Slice", NULL, "u4:2,2=1,2,3,4 i64:2=1,0 i64:2=" I64_MOST " i64:2=0,1 i64:2=" I64_MOST, "u4:1,1=3" },
        { "Trilu", NULL, "f32:2,2=1,2,3,4 i64:=" I64_MOST, "f32:2,2=0" },
        { "Trilu", "upper=0", "f32:2,2=1,2,3,4 i64:=" I64_MOST, "f32:2,2=1,2,3,4" },
        { "Shape", "start=-" VAST " end=" VAST, "f32:2,3=1", "i64:2=2,3" },
        { "Shape", "start=1 end=" I64_LEAST, "f32:2,3=1", "i64:0" },
        { "Range", NULL, "i64:=-9223372036854775800 i64:=9223372036854775807 i64:=9223372036854775800",
          "i64:3=-9223372036854775800,0,9223372036854775800" },
        { "ConstantOfShape", "value=<f4e2m1:1=1.5>", "i64:1=3", "f4e2m1:3=1.5" },
        { "ConstantOfShape", "value=<u2:1=3>", "i64:1=5", "u2:5=3" },
        { "ConstantOfShape", "value=<i4:1=-3>", "i64:2=1,3", "i4:1,3=-3" },
        { "TensorScatter", "mode=circular", "f32:1,3,1=1,2,3 f32:1,2,1=7,8 i64:1=-1", "f32:1,3,1=8,2,7" },
        { "Resize", "coordinate_transformation_mode=tf_crop_and_resize extrapolation_value=9.0",
          "f32:2=1,2 f32:2=nan _ i64:1=2", "f32:2=9" },
        { "Resize", "mode=linear coordinate_transformation_mode=tf_crop_and_resize extrapolation_value=9.0",
          "f32:2=1,2 f32:2=nan _ i64:1=2", "f32:2=9" },
        { "OneHot", NULL, "i64:3=0,5,-1 i64:=2 f32:2=0,1", "f32:3,2=1,0,0,0,0,1" },
        { "Pad", NULL, "f32:2=1,2 i64:2=-1152921504606846976,1152921504606846976", "f32:2=0" },
        /* NaN is the largest, and the last of the smallest */
        { "TopK", NULL, "f32:4=1,nan,3,2 i64:1=2", "f32:2=nan,3 i64:2=1,2" },
        { "TopK", "largest=0", "f64:3=nan,2,1 i64:1=3", "f64:3=1,2,nan i64:3=2,1,0" },
        { "TopK", "largest=0", "f16:3=nan,2,nan i64:1=2", "f16:2=2,nan i64:2=1,0" },
        { "BatchNormalization", "epsilon=0.0", "f32:1,1,2=1,2 f32:1=1 f32:1=0 f32:1=1 f32:1=4",
          "f32:1,1,2=0,0.5 f32:1=1 f32:1=4" },
    };
    op_cases(rows);
}

/* Outputs that an operator always makes and that are left out. */
static void left_out(void **state) {
    static const op_case rows[] = {
        { "LayerNormalization", "epsilon=0.0", "f32:1,2=6,10 f32:2=1", "_ f32:1,1=8" },
        { "TopK", NULL, "f32:3=1,3,2 i64:1=1", "_ i64:1=1" },
        { "BatchNormalization", "training_mode=1 momentum=0.0", "f32:2,1=1,3 f32:1=1 f32:1=0 f32:1=0 f32:1=0",
          "_ f32:1=2 f32:1=1" },
        { "DynamicQuantizeLinear", NULL, "f32:2=0,255", "_ f32:=1 u8:=0" },
        { "Unique", NULL, "f32:3=2,1,2", "_ _ _ i64:2=1,2" },
    };
    op_cases(rows);
}

/* The sign of Mod in arithmetic on shapes: (3 - 5) mod 3 is 1, and -2 with fmod. */
static void modulo(void **state) {
    for (int fmod = 0; fmod < 2; fmod++) {
        ob *b = ob_new(8, 21);
        ob_input(b, "x", TN_F32, "n");
        ob_output(b, "y");
        ob_ints_init(b, "five", "1", (int64_t[]){ 5 }, 1);
        ob_ints_init(b, "three", "1", (int64_t[]){ 3 }, 1);
        ob_ints_init(b, "four", "1", (int64_t[]){ 4 }, 1);
        ob_node(b, "Shape", "x", "n0");
        ob_node(b, "Sub", "n0 five", "d");
        ob_node(b, "Mod", "d three", "m");
        ob_int(b, "fmod", fmod);
        ob_node(b, "Add", "m four", "s");
        ob_node(b, "ConstantOfShape", "s", "y");
        op_data in = { TN_F32, "3", { 1, 2, 3 } }, want = { TN_F32, fmod ? "2" : "5", { 0 } };
        op_gives(b, 1, &in, 1, &want, 0);
    }
}

/* Numbers that int32 or uint8 does not hold are not followed through a Cast: what comes out is what the run makes. */
static void narrowed(void **state) {
    static const struct {
        const char *dims;
        tn_dtype to;
        int64_t add;
        double want;
    } cases[] = { { "1", TN_U8, 256, 1 }, { "1", TN_I32, INT64_C(1) << 32, 1 }, { "1", TN_I32, 6, 7 } };
    for (size_t i = 0; i < TN_COUNT(cases); i++) {
        ob *b = ob_new(8, 21);
        ob_input(b, "x", TN_F32, "n");
        ob_output(b, "y");
        ob_ints_init(b, "more", "1", (int64_t[]){ cases[i].add }, 1);
        ob_node(b, "Shape", "x", "n0");
        ob_node(b, "Add", "n0 more", "a");
        ob_node(b, "Cast", "a", "y");
        ob_int(b, "to", tn_dtypes[cases[i].to].onnx);
        op_data in = { TN_F32, cases[i].dims, { 1 } }, want = { cases[i].to, "1", { cases[i].want } };
        op_gives(b, 1, &in, 1, &want, 0);
    }
}

/* The same where the number becomes a size: 2^32 + 1 as int32 is 1, and int32 sums wrap. */
static void narrowed_sizes(void **state) {
    for (int sum = 0; sum < 2; sum++) {
        ob *b = ob_new(8, 21);
        ob_input(b, "x", TN_F32, "n");
        ob_output(b, "y");
        ob_ints_init(b, "more", "1", (int64_t[]){ sum ? INT32_MAX : INT64_C(1) << 32 }, 1);
        ob_ints_init(b, "back", "1", (int64_t[]){ INT32_MIN }, 1);
        ob_node(b, "Shape", "x", "n0");
        ob_node(b, "Cast", "more", "more32");
        ob_int(b, "to", tn_dtypes[TN_I32].onnx);
        ob_node(b, "Cast", "n0", "n32");
        ob_int(b, "to", tn_dtypes[TN_I32].onnx);
        ob_node(b, "Add", "n0 more", "far"); /* 2^32 + 2, as int64 */
        ob_node(b, "Cast", "far", "near");   /* 2 */
        ob_int(b, "to", tn_dtypes[TN_I32].onnx);
        ob_node(b, "Add", "n32 more32", "wrapped"); /* 2 + INT32_MAX is INT32_MIN + 1 */
        ob_node(b, "Cast", sum ? "wrapped" : "near", "s");
        ob_int(b, "to", tn_dtypes[TN_I64].onnx);
        ob_node(b, "Sub", "s back", "shifted");
        ob_node(b, "ConstantOfShape", sum ? "shifted" : "s", "y");
        op_data in = { TN_F32, "2", { 1, 2 } }, want = { TN_F32, sum ? "1" : "2", { 0 } };
        op_gives(b, 1, &in, 1, &want, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(axes_and_places), cmocka_unit_test(sizes),
        cmocka_unit_test(attributes),      cmocka_unit_test(nothing_and_a_lot),
        cmocka_unit_test(odd_and_right),   cmocka_unit_test(left_out),
        cmocka_unit_test(modulo),          cmocka_unit_test(narrowed),
        cmocka_unit_test(narrowed_sizes),
    };
    return cmocka_run_group_tests_name("op/hostile", tests, NULL, NULL);
}
