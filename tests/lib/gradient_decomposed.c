/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gradient_decomposed.c - examples of operators that are rewritten as others when a model is loaded: their gradient is
 * that of what they become. */
#include "lib/gradient_examples.h"

/* Inputs of `list` as float32, f0.. from x0.. */
static void narrow(ob *b, const char *list) {
    for (; *list; list++) {
        char from[3] = { 'x', *list, 0 }, to[3] = { 'f', *list, 0 };
        ob_node(b, "Cast", from, to);
        ob_int(b, "to", 1);
    }
}

static void widen(ob *b, const char *from, const char *to) {
    ob_node(b, "Cast", from, to);
    ob_int(b, "to", 11);
}

static void quantised_attention(ob *b) {
    narrow(b, "234");
    ob_node(b, "com.microsoft::QAttention", "x0 x1 f2 f3 f4 _ x5 x6", "y");
    ob_int(b, "num_heads", 1);
    widen(b, "y", "y0");
}

static void quantised_lstm(ob *b) {
    narrow(b, "034");
    ob_node(b, "com.microsoft::DynamicQuantizeLSTM", "f0 x1 x2 _ _ _ _ _ f3 x5 f4", "y h");
    ob_int(b, "hidden_size", 1);
    widen(b, "y", "y0");
    widen(b, "h", "y1");
}

#define MICROSOFT .domain = "com.microsoft"
#define NCHWC     .domain = "com.microsoft.nchwc"
#define TRAINING  .domain = "ai.onnx.preview.training"

const gradient_example gradient_decomposed_examples[] = {
    /* losses, steps of optimisers */
    { .op = "NegativeLogLikelihoodLoss", .inputs = "3,4 i3=1,0,3 4@0.1:1" },
    { .op = "NegativeLogLikelihoodLoss", .attrs = "reduction=none ignore_index=2", .inputs = "2,4,2 i2,2=1,2,3,0" },
    { .op = "SoftmaxCrossEntropyLoss", .inputs = "3,4 i3=1,0,3", .outputs = 2 },
    { .op = "SoftmaxCrossEntropyLoss", .attrs = "reduction=sum ignore_index=0", .inputs = "3,4 i3=1,0,3 4@0.1:1" },
    { .op = "Adagrad",
      TRAINING,
      .attrs = "decay_factor=0.1 epsilon=0.01 norm_coefficient=0.2",
      .inputs = "@0.1:0.9 i=2 3 3 3@0.5:1",
      .outputs = 2 },
    { .op = "Adam",
      TRAINING,
      .attrs = "norm_coefficient=0.2 norm_coefficient_post=0.1",
      .inputs = "@0.1:0.9 i=2 3 3 3 3@0.5:1",
      .outputs = 3 },
    { .op = "Momentum",
      TRAINING,
      .attrs = "alpha=0.9 beta=0.5 mode=nesterov norm_coefficient=0.1",
      .inputs = "@0.1:0.9 i=2 2 2 2",
      .outputs = 2 },
    /* activations */
    { .op = "SwiGLU", .attrs = "alpha=1.5", .inputs = "2,3 2,3" },
    { .op = "BiasAdd", MICROSOFT, .inputs = "1,2,3 3 1,2,3" },
    { .op = "BiasGelu", MICROSOFT, .inputs = "2,3 3" },
    { .op = "BiasSoftmax", MICROSOFT, .attrs = "axis=1 is_inner_broadcast=1", .inputs = "2,3 2,3" },
    { .op = "BiasSplitGelu", MICROSOFT, .inputs = "1,2,6 6" },
    { .op = "FastGelu", MICROSOFT, .inputs = "2,3 3" },
    { .op = "Gelu", MICROSOFT, .inputs = "2,3" },
    { .op = "QuickGelu", MICROSOFT, .attrs = "alpha=1.3", .inputs = "2,3" },
    /* products */
    { .op = "FusedConv", MICROSOFT, .attrs = "activation=Tanh", .inputs = "1,2,4,4 3,2,3,3 3", .fixed = true },
    { .op = "FusedGemm", MICROSOFT, .attrs = "activation=Tanh transB=1 alpha=0.5", .inputs = "2,3 4,3 4" },
    { .op = "FusedMatMulActivation", MICROSOFT, .attrs = "activation=Sigmoid transA=1", .inputs = "3,2 3,4" },
    { .op = "GemmFastGelu", MICROSOFT, .inputs = "2,3 3,4 4" },
    /* blocked channels */
    { .op = "AveragePool", NCHWC, .attrs = "kernel_shape=[2,2]", .inputs = "1,2,3,3" },
    { .op = "Conv", NCHWC, .attrs = "activation=Tanh", .inputs = "1,2,3,3 16,2,2,2 16", .fixed = true },
    { .op = "GlobalAveragePool", NCHWC, .inputs = "1,2,3,3" },
    { .op = "GlobalMaxPool", NCHWC, .inputs = "1,2,3,3" },
    { .op = "MaxPool", NCHWC, .attrs = "kernel_shape=[2,2]", .inputs = "1,2,3,3" },
    { .op = "ReorderInput", NCHWC, .inputs = "1,3,2,2", .fixed = true },
    { .op = "ReorderOutput", NCHWC, .attrs = "channels=2", .inputs = "1,8,2,2" },
    { .op = "Upsample", NCHWC, .attrs = "scales=[1,1,2,2] mode=linear", .inputs = "1,1,2,2", .fixed = true },
    /* normalisations */
    { .op = "EmbedLayerNormalization",
      MICROSOFT,
      .inputs = "j2,3=0,2,1,1,3,0 j2,3=0,1,1,0,0,1 4,4 3,4 2,4 4 4",
      .outputs = 1,
      .loose = true },
    { .op = "SimplifiedLayerNormalization", .attrs = "axis=-1", .inputs = "2,4 4", .loose = true },
    { .op = "SimplifiedLayerNormalization",
      MICROSOFT,
      .attrs = "axis=-1 epsilon=0.01",
      .inputs = "2,4 4",
      .loose = true },
    { .op = "SkipLayerNormalization", MICROSOFT, .inputs = "1,2,4 1,2,4 4 4 4", .loose = true },
    { .op = "SkipSimplifiedLayerNormalization", MICROSOFT, .inputs = "1,2,4 1,2,4 4 4", .loose = true },
    /* attention */
    { .op = "Attention", MICROSOFT, .attrs = "num_heads=2", .inputs = "1,3,4 4,12 12", .loose = true },
    { .op = "Attention",
      MICROSOFT,
      .attrs = "num_heads=1 unidirectional=1",
      .inputs = "1,2,3 3,6 6 _ 2,1,1,2,2",
      .outputs = 2,
      .loose = true },
    { .op = "DecoderMaskedMultiHeadAttention",
      MICROSOFT,
      .attrs = "num_heads=2",
      .inputs = "1,1,4 1,1,4 1,1,4",
      .loose = true },
    { .op = "PackedAttention",
      MICROSOFT,
      .attrs = "num_heads=1",
      .inputs = "3,2 2,6 6 j2,2=0,2,3,1 j3=0,1,3",
      .loose = true,
      .fixed = true },
    { .op = "QAttention",
      MICROSOFT,
      .inputs = "u1,2,2=1,20,3,40 u2,6=1,2,3,4,5,6,7,8,9,1,2,3 6 =0.05 =0.1 u=7 u=4",
      .loose = true,
      .body = quantised_attention },
    { .op = "DynamicQuantizeLSTM",
      MICROSOFT,
      .inputs = "2,1,2 u1,2,4=1,2,3,4,5,6,7,8 u1,1,4=9,1,2,3 1@0.05:0.1 1@0.05:0.1 u1=4",
      .outputs = 2,
      .loose = true,
      .body = quantised_lstm },
    { .op = "LinearAttention",
      MICROSOFT,
      .attrs = "q_num_heads=1 kv_num_heads=1 update_rule=linear",
      .inputs = "1,3,2 1,3,2 1,3,2",
      .outputs = 2,
      .loose = true },
    { .op = "CausalConvWithState",
      MICROSOFT,
      .attrs = "activation=silu",
      .inputs = "1,2,4 2,1,3 2",
      .outputs = 2,
      .loose = true,
      .fixed = true },
    /* movement */
    { .op = "ExpandDims", MICROSOFT, .inputs = "2,3 j=1" },
    { .op = "GatherND", MICROSOFT, .inputs = "3,4,2 j3,2=0,1,2,3,0,1" },
    { .op = "GridSample", MICROSOFT, .attrs = "mode=bicubic", .inputs = "1,1,4,4 1,2,2,2@-0.9:0.9" },
    { .op = "NhwcMaxPool", MICROSOFT, .attrs = "kernel_shape=[2,2]", .inputs = "1,3,3,2", .fixed = true },
    { .op = "Pad", MICROSOFT, .inputs = "2,3 i4=1,0,2,1 1" },
    { .op = "Range", MICROSOFT, .inputs = "=0.3 !=2.05 =0.4" },
    { .op = "Trilu", MICROSOFT, .attrs = "upper=0", .inputs = "3,4" },
    { .op = "Unique", MICROSOFT, .inputs = "5" },
    { 0 },
};
