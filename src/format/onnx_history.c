/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* onnx_history.c - the history of the operators of ai.onnx: what each version accepts. It tells the writer the lowest
 * operator set in which a node is valid. Source: the operator change log of ONNX (docs/Changelog.md). */
#include "format/onnx_history.h"
#include "op/op.h"

#define ANY 99

/* Types are bits by TensorProto.DataType, bit 0 for sequences and maps, bit 31 for optionals; 0: no such port. */
static const struct {
    const char *op;
    uint8_t since;           /* first operator set of this version */
    uint8_t inputs, outputs; /* at most, or ANY */
    uint32_t in, out;        /* types of the first input and the first output */
    const char *attrs;
} rows[] = {
    /* clang-format off */
    { "Abs", 1, 1, 1, 0x00000c02, 0x00000c02, "consumed_inputs" },
    { "Abs", 6, 1, 1, 0x00003cfe, 0x00003cfe, "" },
    { "Abs", 13, 1, 1, 0x00013cfe, 0x00013cfe, "" },
    { "Acos", 7, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Acos", 22, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Acosh", 9, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Acosh", 22, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Add", 1, 2, 1, 0x00000c02, 0x00000c02, "axis broadcast consumed_inputs" },
    { "Add", 6, 2, 1, 0x00003cc2, 0x00003cc2, "axis broadcast" },
    { "Add", 7, 2, 1, 0x00003cc2, 0x00003cc2, "" },
    { "Add", 13, 2, 1, 0x00013cc2, 0x00013cc2, "" },
    { "Add", 14, 2, 1, 0x00013cfe, 0x00013cfe, "" },
    { "AffineGrid", 20, 2, 1, 0x00010c02, 0x00010c02, "align_corners" },
    { "And", 1, 2, 1, 0x00000200, 0x00000200, "axis broadcast" },
    { "And", 7, 2, 1, 0x00000200, 0x00000200, "" },
    { "ArgMax", 1, 1, 1, 0x00003cfe, 0x00000080, "axis keepdims" },
    { "ArgMax", 11, 1, 1, 0x00003cfe, 0x00000080, "axis keepdims" },
    { "ArgMax", 12, 1, 1, 0x00003cfe, 0x00000080, "axis keepdims select_last_index" },
    { "ArgMax", 13, 1, 1, 0x00013cfe, 0x00000080, "axis keepdims select_last_index" },
    { "ArgMin", 1, 1, 1, 0x00003cfe, 0x00000080, "axis keepdims" },
    { "ArgMin", 11, 1, 1, 0x00003cfe, 0x00000080, "axis keepdims" },
    { "ArgMin", 12, 1, 1, 0x00003cfe, 0x00000080, "axis keepdims select_last_index" },
    { "ArgMin", 13, 1, 1, 0x00013cfe, 0x00000080, "axis keepdims select_last_index" },
    { "Asin", 7, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Asin", 22, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Asinh", 9, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Asinh", 22, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Atan", 7, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Atan", 22, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Atanh", 9, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Atanh", 22, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Attention", 23, 6, 4, 0x00010c02, 0x00010c02,
      "is_causal kv_num_heads q_num_heads qk_matmul_output_mode scale softcap softmax_precision" },
    { "Attention", 24, 7, 4, 0x00010c02, 0x00010c02,
      "is_causal kv_num_heads q_num_heads qk_matmul_output_mode scale softcap softmax_precision" },
    { "Attention", 25, 7, 4, 0x00010c02, 0x00010c02,
      "is_causal kv_num_heads left_window_size q_num_heads qk_matmul_output_mode right_window_size scale softcap softmax_precision" },
    { "AveragePool", 1, 1, 1, 0x00000c02, 0x00000c02, "auto_pad kernel_shape pads strides" },
    { "AveragePool", 7, 1, 1, 0x00000c02, 0x00000c02, "auto_pad count_include_pad kernel_shape pads strides" },
    { "AveragePool", 10, 1, 1, 0x00000c02, 0x00000c02,
      "auto_pad ceil_mode count_include_pad kernel_shape pads strides" },
    { "AveragePool", 11, 1, 1, 0x00000c02, 0x00000c02,
      "auto_pad ceil_mode count_include_pad kernel_shape pads strides" },
    { "AveragePool", 19, 1, 1, 0x00000c02, 0x00000c02,
      "auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides" },
    { "AveragePool", 22, 1, 1, 0x00010c02, 0x00010c02,
      "auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides" },
    { "BatchNormalization", 1, 5, 5, 0x00000c02, 0x00000c02, "consumed_inputs epsilon is_test momentum spatial" },
    { "BatchNormalization", 6, 5, 5, 0x00000c02, 0x00000c02, "epsilon is_test momentum spatial" },
    { "BatchNormalization", 7, 5, 5, 0x00000c02, 0x00000c02, "epsilon momentum spatial" },
    { "BatchNormalization", 9, 5, 5, 0x00000c02, 0x00000c02, "epsilon momentum" },
    { "BatchNormalization", 14, 5, 3, 0x00010c02, 0x00010c02, "epsilon momentum training_mode" },
    { "BatchNormalization", 15, 5, 3, 0x00010c02, 0x00010c02, "epsilon momentum training_mode" },
    { "Bernoulli", 15, 1, 1, 0x00000c02, 0x00013efe, "dtype seed" },
    { "Bernoulli", 22, 1, 1, 0x00010c02, 0x00013efe, "dtype seed" },
    { "BitCast", 26, 1, 1, 0x07fffefe, 0x07fffefe, "to" },
    { "BitShift", 11, 2, 1, 0x00003014, 0x00003014, "direction" },
    { "BitwiseAnd", 18, 2, 1, 0x000030fc, 0x000030fc, "" },
    { "BitwiseNot", 18, 1, 1, 0x000030fc, 0x000030fc, "" },
    { "BitwiseOr", 18, 2, 1, 0x000030fc, 0x000030fc, "" },
    { "BitwiseXor", 18, 2, 1, 0x000030fc, 0x000030fc, "" },
    { "BlackmanWindow", 17, 1, 1, 0x000000c0, 0x00013cfe, "output_datatype periodic" },
    { "Cast", 1, 1, 1, 0x00003efe, 0x00003efe, "to" },
    { "Cast", 6, 1, 1, 0x00003efe, 0x00003efe, "to" },
    { "Cast", 9, 1, 1, 0x00003ffe, 0x00003ffe, "to" },
    { "Cast", 13, 1, 1, 0x00013ffe, 0x00013ffe, "to" },
    { "Cast", 19, 1, 1, 0x001f3ffe, 0x001f3ffe, "saturate to" },
    { "Cast", 21, 1, 1, 0x007f3ffe, 0x007f3ffe, "saturate to" },
    { "Cast", 23, 1, 1, 0x00ff3ffe, 0x00ff3ffe, "saturate to" },
    { "Cast", 24, 1, 1, 0x01ff3ffe, 0x01ff3ffe, "round_mode saturate to" },
    { "Cast", 25, 1, 1, 0x07ff3ffe, 0x07ff3ffe, "round_mode saturate to" },
    { "CastLike", 15, 2, 1, 0x00013ffe, 0x00013ffe, "" },
    { "CastLike", 19, 2, 1, 0x001f3ffe, 0x001f3ffe, "saturate" },
    { "CastLike", 21, 2, 1, 0x007f3ffe, 0x007f3ffe, "saturate" },
    { "CastLike", 23, 2, 1, 0x00ff3ffe, 0x00ff3ffe, "saturate" },
    { "CastLike", 24, 2, 1, 0x01ff3ffe, 0x01ff3ffe, "round_mode saturate" },
    { "CastLike", 25, 2, 1, 0x07ff3ffe, 0x07ff3ffe, "round_mode saturate" },
    { "CausalConvWithState", 27, 4, 2, 0x00010402, 0x00010402, "activation" },
    { "Ceil", 1, 1, 1, 0x00000c02, 0x00000c02, "consumed_inputs" },
    { "Ceil", 6, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Ceil", 13, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Celu", 12, 1, 1, 0x00000002, 0x00000002, "alpha" },
    { "Celu", 28, 1, 1, 0x00010c02, 0x00010c02, "alpha" },
    { "CenterCropPad", 18, 2, 1, 0x0001fffe, 0x0001fffe, "axes" },
    { "Clip", 1, 1, 1, 0x00000c02, 0x00000c02, "consumed_inputs max min" },
    { "Clip", 6, 1, 1, 0x00000c02, 0x00000c02, "max min" },
    { "Clip", 11, 3, 1, 0x00000c02, 0x00000c02, "" },
    { "Clip", 12, 3, 1, 0x00003cfe, 0x00003cfe, "" },
    { "Clip", 13, 3, 1, 0x00013cfe, 0x00013cfe, "" },
    { "Col2Im", 18, 3, 1, 0x0001fffe, 0x0001fffe, "dilations pads strides" },
    { "Compress", 9, 2, 1, 0x0000fffe, 0x0000fffe, "axis" },
    { "Compress", 11, 2, 1, 0x0000fffe, 0x0000fffe, "axis" },
    { "Concat", 1, 99, 1, 0x00000c02, 0x00000c02, "axis" },
    { "Concat", 4, 99, 1, 0x0000fffe, 0x0000fffe, "axis" },
    { "Concat", 11, 99, 1, 0x0000fffe, 0x0000fffe, "axis" },
    { "Concat", 13, 99, 1, 0x0001fffe, 0x0001fffe, "axis" },
    { "ConcatFromSequence", 11, 1, 1, 0x00000001, 0x0000fffe, "axis new_axis" },
    { "Constant", 1, 0, 1, 0x00000000, 0x00000c02, "value" },
    { "Constant", 9, 0, 1, 0x00000000, 0x0000fffe, "value" },
    { "Constant", 11, 0, 1, 0x00000000, 0x0000fffe, "sparse_value value" },
    { "Constant", 12, 0, 1, 0x00000000, 0x0000fffe,
      "sparse_value value value_float value_floats value_int value_ints value_string value_strings" },
    { "Constant", 13, 0, 1, 0x00000000, 0x0001fffe,
      "sparse_value value value_float value_floats value_int value_ints value_string value_strings" },
    { "Constant", 19, 0, 1, 0x00000000, 0x001ffffe,
      "sparse_value value value_float value_floats value_int value_ints value_string value_strings" },
    { "Constant", 21, 0, 1, 0x00000000, 0x007ffffe,
      "sparse_value value value_float value_floats value_int value_ints value_string value_strings" },
    { "Constant", 23, 0, 1, 0x00000000, 0x00fffffe,
      "sparse_value value value_float value_floats value_int value_ints value_string value_strings" },
    { "Constant", 24, 0, 1, 0x00000000, 0x01fffffe,
      "sparse_value value value_float value_floats value_int value_ints value_string value_strings" },
    { "Constant", 25, 0, 1, 0x00000000, 0x07fffffe,
      "sparse_value value value_float value_floats value_int value_ints value_string value_strings" },
    { "ConstantOfShape", 9, 1, 1, 0x00000080, 0x00003efe, "value" },
    { "ConstantOfShape", 20, 1, 1, 0x00000080, 0x001f3efe, "value" },
    { "ConstantOfShape", 21, 1, 1, 0x00000080, 0x007f3efe, "value" },
    { "ConstantOfShape", 23, 1, 1, 0x00000080, 0x00ff3efe, "value" },
    { "ConstantOfShape", 24, 1, 1, 0x00000080, 0x01ff3efe, "value" },
    { "ConstantOfShape", 25, 1, 1, 0x00000080, 0x07ff3efe, "value" },
    { "Conv", 1, 3, 1, 0x00000c02, 0x00000c02, "auto_pad dilations group kernel_shape pads strides" },
    { "Conv", 11, 3, 1, 0x00000c02, 0x00000c02, "auto_pad dilations group kernel_shape pads strides" },
    { "Conv", 22, 3, 1, 0x00010c02, 0x00010c02, "auto_pad dilations group kernel_shape pads strides" },
    { "ConvInteger", 10, 4, 1, 0x0000000c, 0x00000040, "auto_pad dilations group kernel_shape pads strides" },
    { "ConvTranspose", 1, 3, 1, 0x00000c02, 0x00000c02,
      "auto_pad dilations group kernel_shape output_padding output_shape pads strides" },
    { "ConvTranspose", 11, 3, 1, 0x00000c02, 0x00000c02,
      "auto_pad dilations group kernel_shape output_padding output_shape pads strides" },
    { "ConvTranspose", 22, 3, 1, 0x00010c02, 0x00010c02,
      "auto_pad dilations group kernel_shape output_padding output_shape pads strides" },
    { "Cos", 7, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Cos", 22, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Cosh", 9, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Cosh", 22, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "CumProd", 26, 2, 1, 0x00013cc2, 0x00013cc2, "exclusive reverse" },
    { "CumSum", 11, 2, 1, 0x000038c2, 0x000038c2, "exclusive reverse" },
    { "CumSum", 14, 2, 1, 0x00013cc2, 0x00013cc2, "exclusive reverse" },
    { "DFT", 17, 2, 1, 0x00010c02, 0x00010c02, "axis inverse onesided" },
    { "DFT", 20, 3, 1, 0x00010c02, 0x00010c02, "inverse onesided" },
    { "DeformConv", 19, 5, 1, 0x00000c02, 0x00000c02, "dilations group kernel_shape offset_group pads strides" },
    { "DeformConv", 22, 5, 1, 0x00010c02, 0x00010c02, "dilations group kernel_shape offset_group pads strides" },
    { "DepthToSpace", 1, 1, 1, 0x0000fffe, 0x0000fffe, "blocksize" },
    { "DepthToSpace", 11, 1, 1, 0x0000fffe, 0x0000fffe, "blocksize mode" },
    { "DepthToSpace", 13, 1, 1, 0x0001fffe, 0x0001fffe, "blocksize mode" },
    { "DequantizeLinear", 10, 3, 1, 0x0000004c, 0x00000002, "" },
    { "DequantizeLinear", 13, 3, 1, 0x0000004c, 0x00000002, "axis" },
    { "DequantizeLinear", 19, 3, 1, 0x001e004c, 0x00010402, "axis" },
    { "DequantizeLinear", 21, 3, 1, 0x007e007c, 0x00010402, "axis block_size" },
    { "DequantizeLinear", 23, 3, 1, 0x00fe007c, 0x00010402, "axis block_size output_dtype" },
    { "DequantizeLinear", 24, 3, 1, 0x00fe007c, 0x00010402, "axis block_size output_dtype" },
    { "DequantizeLinear", 25, 3, 1, 0x06fe007c, 0x00010402, "axis block_size output_dtype" },
    { "Det", 11, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Det", 22, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Div", 1, 2, 1, 0x00000c02, 0x00000c02, "axis broadcast consumed_inputs" },
    { "Div", 6, 2, 1, 0x00003cc2, 0x00003cc2, "axis broadcast" },
    { "Div", 7, 2, 1, 0x00003cc2, 0x00003cc2, "" },
    { "Div", 13, 2, 1, 0x00013cc2, 0x00013cc2, "" },
    { "Div", 14, 2, 1, 0x00013cfe, 0x00013cfe, "" },
    { "Dropout", 1, 1, 2, 0x00000c02, 0x00000c02, "consumed_inputs is_test ratio" },
    { "Dropout", 6, 1, 2, 0x00000c02, 0x00000c02, "is_test ratio" },
    { "Dropout", 7, 1, 2, 0x00000c02, 0x00000c02, "ratio" },
    { "Dropout", 10, 1, 2, 0x00000c02, 0x00000c02, "ratio" },
    { "Dropout", 12, 3, 2, 0x00000c02, 0x00000c02, "seed" },
    { "Dropout", 13, 3, 2, 0x00010c02, 0x00010c02, "seed" },
    { "Dropout", 22, 3, 2, 0x001f0c02, 0x001f0c02, "seed" },
    { "DynamicQuantizeLinear", 11, 1, 3, 0x00000002, 0x00000004, "" },
    { "Einsum", 12, 99, 1, 0x00003cfe, 0x00003cfe, "equation" },
    { "Elu", 1, 1, 1, 0x00000c02, 0x00000c02, "alpha consumed_inputs" },
    { "Elu", 6, 1, 1, 0x00000c02, 0x00000c02, "alpha" },
    { "Elu", 22, 1, 1, 0x00010c02, 0x00010c02, "alpha" },
    { "Equal", 1, 2, 1, 0x000002c0, 0x00000200, "axis broadcast" },
    { "Equal", 7, 2, 1, 0x000002c0, 0x00000200, "" },
    { "Equal", 11, 2, 1, 0x00003efe, 0x00000200, "" },
    { "Equal", 13, 2, 1, 0x00013efe, 0x00000200, "" },
    { "Equal", 19, 2, 1, 0x00013ffe, 0x00000200, "" },
    { "Erf", 9, 1, 1, 0x00003cfe, 0x00003cfe, "" },
    { "Erf", 13, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Exp", 1, 1, 1, 0x00000c02, 0x00000c02, "consumed_inputs" },
    { "Exp", 6, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Exp", 13, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Expand", 8, 2, 1, 0x0000fffe, 0x0000fffe, "" },
    { "Expand", 13, 2, 1, 0x0001fffe, 0x0001fffe, "" },
    { "EyeLike", 9, 1, 1, 0x00003efe, 0x00003efe, "dtype k" },
    { "EyeLike", 22, 1, 1, 0x00013efe, 0x00013efe, "dtype k" },
    { "Flatten", 1, 1, 1, 0x00000c02, 0x00000c02, "axis" },
    { "Flatten", 9, 1, 1, 0x0000fffe, 0x0000fffe, "axis" },
    { "Flatten", 11, 1, 1, 0x0000fffe, 0x0000fffe, "axis" },
    { "Flatten", 13, 1, 1, 0x0001fffe, 0x0001fffe, "axis" },
    { "Flatten", 21, 1, 1, 0x007ffffe, 0x007ffffe, "axis" },
    { "Flatten", 23, 1, 1, 0x00fffffe, 0x00fffffe, "axis" },
    { "Flatten", 24, 1, 1, 0x01fffffe, 0x01fffffe, "axis" },
    { "Flatten", 25, 1, 1, 0x07fffffe, 0x07fffffe, "axis" },
    { "Floor", 1, 1, 1, 0x00000c02, 0x00000c02, "consumed_inputs" },
    { "Floor", 6, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Floor", 13, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "GRU", 1, 6, 2, 0x00000c02, 0x00000c02,
      "activation_alpha activation_beta activations clip direction hidden_size output_sequence" },
    { "GRU", 3, 6, 2, 0x00000c02, 0x00000c02,
      "activation_alpha activation_beta activations clip direction hidden_size linear_before_reset output_sequence" },
    { "GRU", 7, 6, 2, 0x00000c02, 0x00000c02,
      "activation_alpha activation_beta activations clip direction hidden_size linear_before_reset" },
    { "GRU", 14, 6, 2, 0x00000c02, 0x00000c02,
      "activation_alpha activation_beta activations clip direction hidden_size layout linear_before_reset" },
    { "GRU", 22, 6, 2, 0x00010c02, 0x00010c02,
      "activation_alpha activation_beta activations clip direction hidden_size layout linear_before_reset" },
    { "Gather", 1, 2, 1, 0x0000fffe, 0x0000fffe, "axis" },
    { "Gather", 11, 2, 1, 0x0000fffe, 0x0000fffe, "axis" },
    { "Gather", 13, 2, 1, 0x0001fffe, 0x0001fffe, "axis" },
    { "GatherElements", 11, 2, 1, 0x0000fffe, 0x0000fffe, "axis" },
    { "GatherElements", 13, 2, 1, 0x0001fffe, 0x0001fffe, "axis" },
    { "GatherND", 11, 2, 1, 0x0000fffe, 0x0000fffe, "" },
    { "GatherND", 12, 2, 1, 0x0000fffe, 0x0000fffe, "batch_dims" },
    { "GatherND", 13, 2, 1, 0x0001fffe, 0x0001fffe, "batch_dims" },
    { "Gelu", 20, 1, 1, 0x00010c02, 0x00010c02, "approximate" },
    { "Gemm", 1, 3, 1, 0x00000c02, 0x00000c02, "alpha beta broadcast transA transB" },
    { "Gemm", 6, 3, 1, 0x00000c02, 0x00000c02, "alpha beta broadcast transA transB" },
    { "Gemm", 7, 3, 1, 0x00000c02, 0x00000c02, "alpha beta transA transB" },
    { "Gemm", 9, 3, 1, 0x00003cc2, 0x00003cc2, "alpha beta transA transB" },
    { "Gemm", 11, 3, 1, 0x00003cc2, 0x00003cc2, "alpha beta transA transB" },
    { "Gemm", 13, 3, 1, 0x00013cc2, 0x00013cc2, "alpha beta transA transB" },
    { "GlobalAveragePool", 1, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "GlobalAveragePool", 22, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "GlobalLpPool", 1, 1, 1, 0x00000c02, 0x00000c02, "p" },
    { "GlobalLpPool", 2, 1, 1, 0x00000c02, 0x00000c02, "p" },
    { "GlobalLpPool", 22, 1, 1, 0x00010c02, 0x00010c02, "p" },
    { "GlobalMaxPool", 1, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "GlobalMaxPool", 22, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Greater", 1, 2, 1, 0x00000c02, 0x00000200, "axis broadcast" },
    { "Greater", 7, 2, 1, 0x00000c02, 0x00000200, "" },
    { "Greater", 9, 2, 1, 0x00003cfe, 0x00000200, "" },
    { "Greater", 13, 2, 1, 0x00013cfe, 0x00000200, "" },
    { "GreaterOrEqual", 12, 2, 1, 0x00003cfe, 0x00000200, "" },
    { "GreaterOrEqual", 16, 2, 1, 0x00013cfe, 0x00000200, "" },
    { "GridSample", 16, 2, 1, 0x0000fffe, 0x0000fffe, "align_corners mode padding_mode" },
    { "GridSample", 20, 2, 1, 0x0000fffe, 0x0000fffe, "align_corners mode padding_mode" },
    { "GridSample", 22, 2, 1, 0x0001fffe, 0x0001fffe, "align_corners mode padding_mode" },
    { "GroupNormalization", 21, 3, 1, 0x00010c02, 0x00010c02, "epsilon num_groups stash_type" },
    { "HammingWindow", 17, 1, 1, 0x000000c0, 0x00013cfe, "output_datatype periodic" },
    { "HannWindow", 17, 1, 1, 0x000000c0, 0x00013cfe, "output_datatype periodic" },
    { "HardSigmoid", 1, 1, 1, 0x00000c02, 0x00000c02, "alpha beta consumed_inputs" },
    { "HardSigmoid", 6, 1, 1, 0x00000c02, 0x00000c02, "alpha beta" },
    { "HardSigmoid", 22, 1, 1, 0x00010c02, 0x00010c02, "alpha beta" },
    { "HardSwish", 14, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "HardSwish", 22, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Hardmax", 1, 1, 1, 0x00000c02, 0x00000c02, "axis" },
    { "Hardmax", 11, 1, 1, 0x00000c02, 0x00000c02, "axis" },
    { "Hardmax", 13, 1, 1, 0x00010c02, 0x00010c02, "axis" },
    { "Identity", 1, 1, 1, 0x0000fffe, 0x0000fffe, "" },
    { "Identity", 13, 1, 1, 0x0001fffe, 0x0001fffe, "" },
    { "Identity", 14, 1, 1, 0x0001ffff, 0x0001ffff, "" },
    { "Identity", 16, 1, 1, 0x8001ffff, 0x8001ffff, "" },
    { "Identity", 19, 1, 1, 0x801fffff, 0x801fffff, "" },
    { "Identity", 21, 1, 1, 0x807fffff, 0x807fffff, "" },
    { "Identity", 23, 1, 1, 0x80ffffff, 0x80ffffff, "" },
    { "Identity", 24, 1, 1, 0x81ffffff, 0x81ffffff, "" },
    { "Identity", 25, 1, 1, 0x87ffffff, 0x87ffffff, "" },
    { "If", 1, 1, 99, 0x00000200, 0x0000fffe, "else_branch then_branch" },
    { "If", 11, 1, 99, 0x00000200, 0x0000fffe, "else_branch then_branch" },
    { "If", 13, 1, 99, 0x00000200, 0x0000ffff, "else_branch then_branch" },
    { "If", 16, 1, 99, 0x00000200, 0x8001ffff, "else_branch then_branch" },
    { "If", 19, 1, 99, 0x00000200, 0x801fffff, "else_branch then_branch" },
    { "If", 21, 1, 99, 0x00000200, 0x807fffff, "else_branch then_branch" },
    { "If", 23, 1, 99, 0x00000200, 0x80ffffff, "else_branch then_branch" },
    { "If", 24, 1, 99, 0x00000200, 0x81ffffff, "else_branch then_branch" },
    { "If", 25, 1, 99, 0x00000200, 0x87ffffff, "else_branch then_branch" },
    { "ImageDecoder", 20, 1, 1, 0x00000004, 0x00000004, "pixel_format" },
    { "InstanceNormalization", 1, 3, 1, 0x00000c02, 0x00000c02, "consumed_inputs epsilon" },
    { "InstanceNormalization", 6, 3, 1, 0x00000c02, 0x00000c02, "epsilon" },
    { "InstanceNormalization", 22, 3, 1, 0x00010c02, 0x00010c02, "epsilon" },
    { "IsInf", 10, 1, 1, 0x00000802, 0x00000200, "detect_negative detect_positive" },
    { "IsInf", 20, 1, 1, 0x001f0c02, 0x00000200, "detect_negative detect_positive" },
    { "IsNaN", 9, 1, 1, 0x00000c02, 0x00000200, "" },
    { "IsNaN", 13, 1, 1, 0x00010c02, 0x00000200, "" },
    { "IsNaN", 20, 1, 1, 0x001f0c02, 0x00000200, "" },
    { "LRN", 1, 1, 1, 0x00000c02, 0x00000c02, "alpha beta bias size" },
    { "LRN", 13, 1, 1, 0x00010c02, 0x00010c02, "alpha beta bias size" },
    { "LSTM", 1, 8, 3, 0x00000c02, 0x00000c02,
      "activation_alpha activation_beta activations clip direction hidden_size input_forget output_sequence" },
    { "LSTM", 7, 8, 3, 0x00000c02, 0x00000c02,
      "activation_alpha activation_beta activations clip direction hidden_size input_forget" },
    { "LSTM", 14, 8, 3, 0x00000c02, 0x00000c02,
      "activation_alpha activation_beta activations clip direction hidden_size input_forget layout" },
    { "LSTM", 22, 8, 3, 0x00010c02, 0x00010c02,
      "activation_alpha activation_beta activations clip direction hidden_size input_forget layout" },
    { "LayerNormalization", 17, 3, 3, 0x00010c02, 0x00010c02, "axis epsilon stash_type" },
    { "LeakyRelu", 1, 1, 1, 0x00000c02, 0x00000c02, "alpha consumed_inputs" },
    { "LeakyRelu", 6, 1, 1, 0x00000c02, 0x00000c02, "alpha" },
    { "LeakyRelu", 16, 1, 1, 0x00010c02, 0x00010c02, "alpha" },
    { "Less", 1, 2, 1, 0x00000c02, 0x00000200, "axis broadcast" },
    { "Less", 7, 2, 1, 0x00000c02, 0x00000200, "" },
    { "Less", 9, 2, 1, 0x00003cfe, 0x00000200, "" },
    { "Less", 13, 2, 1, 0x00013cfe, 0x00000200, "" },
    { "LessOrEqual", 12, 2, 1, 0x00003cfe, 0x00000200, "" },
    { "LessOrEqual", 16, 2, 1, 0x00013cfe, 0x00000200, "" },
    { "LinearAttention", 27, 6, 2, 0x00010402, 0x00010402, "chunk_size kv_num_heads q_num_heads scale update_rule" },
    { "Log", 1, 1, 1, 0x00000c02, 0x00000c02, "consumed_inputs" },
    { "Log", 6, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Log", 13, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "LogSoftmax", 1, 1, 1, 0x00000c02, 0x00000c02, "axis" },
    { "LogSoftmax", 11, 1, 1, 0x00000c02, 0x00000c02, "axis" },
    { "LogSoftmax", 13, 1, 1, 0x00010c02, 0x00010c02, "axis" },
    { "Loop", 1, 99, 99, 0x00000080, 0x0000fffe, "body" },
    { "Loop", 11, 99, 99, 0x00000080, 0x0000fffe, "body" },
    { "Loop", 13, 99, 99, 0x00000080, 0x0000ffff, "body" },
    { "Loop", 16, 99, 99, 0x00000080, 0x8001ffff, "body" },
    { "Loop", 19, 99, 99, 0x00000080, 0x801fffff, "body" },
    { "Loop", 21, 99, 99, 0x00000080, 0x807fffff, "body" },
    { "Loop", 23, 99, 99, 0x00000080, 0x80ffffff, "body" },
    { "Loop", 24, 99, 99, 0x00000080, 0x81ffffff, "body" },
    { "Loop", 25, 99, 99, 0x00000080, 0x87ffffff, "body" },
    { "LpNormalization", 1, 1, 1, 0x00000c02, 0x00000c02, "axis p" },
    { "LpNormalization", 22, 1, 1, 0x00010c02, 0x00010c02, "axis p" },
    { "LpPool", 1, 1, 1, 0x00000c02, 0x00000c02, "auto_pad kernel_shape p pads strides" },
    { "LpPool", 2, 1, 1, 0x00000c02, 0x00000c02, "auto_pad kernel_shape p pads strides" },
    { "LpPool", 11, 1, 1, 0x00000c02, 0x00000c02, "auto_pad kernel_shape p pads strides" },
    { "LpPool", 18, 1, 1, 0x00000c02, 0x00000c02, "auto_pad ceil_mode dilations kernel_shape p pads strides" },
    { "LpPool", 22, 1, 1, 0x00010c02, 0x00010c02, "auto_pad ceil_mode dilations kernel_shape p pads strides" },
    { "MatMul", 1, 2, 1, 0x00000c02, 0x00000c02, "" },
    { "MatMul", 9, 2, 1, 0x00003cc2, 0x00003cc2, "" },
    { "MatMul", 13, 2, 1, 0x00013cc2, 0x00013cc2, "" },
    { "MatMulInteger", 10, 4, 1, 0x0000000c, 0x00000040, "" },
    { "Max", 1, 99, 1, 0x00000c02, 0x00000c02, "consumed_inputs" },
    { "Max", 6, 99, 1, 0x00000c02, 0x00000c02, "" },
    { "Max", 8, 99, 1, 0x00000c02, 0x00000c02, "" },
    { "Max", 12, 99, 1, 0x00003cfe, 0x00003cfe, "" },
    { "Max", 13, 99, 1, 0x00013cfe, 0x00013cfe, "" },
    { "MaxPool", 1, 1, 1, 0x00000c02, 0x00000c02, "auto_pad kernel_shape pads strides" },
    { "MaxPool", 8, 1, 2, 0x00000c02, 0x00000c02, "auto_pad kernel_shape pads storage_order strides" },
    { "MaxPool", 10, 1, 2, 0x00000c02, 0x00000c02,
      "auto_pad ceil_mode dilations kernel_shape pads storage_order strides" },
    { "MaxPool", 11, 1, 2, 0x00000c02, 0x00000c02,
      "auto_pad ceil_mode dilations kernel_shape pads storage_order strides" },
    { "MaxPool", 12, 1, 2, 0x00000c0e, 0x00000c0e,
      "auto_pad ceil_mode dilations kernel_shape pads storage_order strides" },
    { "MaxPool", 22, 1, 2, 0x00010c0e, 0x00010c0e,
      "auto_pad ceil_mode dilations kernel_shape pads storage_order strides" },
    { "MaxRoiPool", 1, 2, 1, 0x00000c02, 0x00000c02, "pooled_shape spatial_scale" },
    { "MaxRoiPool", 22, 2, 1, 0x00010c02, 0x00010c02, "pooled_shape spatial_scale" },
    { "MaxUnpool", 9, 3, 1, 0x00000c02, 0x00000c02, "kernel_shape pads strides" },
    { "MaxUnpool", 11, 3, 1, 0x00000c02, 0x00000c02, "kernel_shape pads strides" },
    { "MaxUnpool", 22, 3, 1, 0x00010c02, 0x00010c02, "kernel_shape pads strides" },
    { "Mean", 1, 99, 1, 0x00000c02, 0x00000c02, "consumed_inputs" },
    { "Mean", 6, 99, 1, 0x00000c02, 0x00000c02, "" },
    { "Mean", 8, 99, 1, 0x00000c02, 0x00000c02, "" },
    { "Mean", 13, 99, 1, 0x00010c02, 0x00010c02, "" },
    { "MeanVarianceNormalization", 9, 1, 1, 0x00000c02, 0x00000c02, "axes" },
    { "MeanVarianceNormalization", 13, 1, 1, 0x00010c02, 0x00010c02, "axes" },
    { "MelWeightMatrix", 17, 5, 1, 0x000000c0, 0x00013cfe, "output_datatype" },
    { "Min", 1, 99, 1, 0x00000c02, 0x00000c02, "consumed_inputs" },
    { "Min", 6, 99, 1, 0x00000c02, 0x00000c02, "" },
    { "Min", 8, 99, 1, 0x00000c02, 0x00000c02, "" },
    { "Min", 12, 99, 1, 0x00003cfe, 0x00003cfe, "" },
    { "Min", 13, 99, 1, 0x00013cfe, 0x00013cfe, "" },
    { "Mish", 18, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Mish", 22, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Mod", 10, 2, 1, 0x00003cfe, 0x00003cfe, "fmod" },
    { "Mod", 13, 2, 1, 0x00013cfe, 0x00013cfe, "fmod" },
    { "Mul", 1, 2, 1, 0x00000c02, 0x00000c02, "axis broadcast consumed_inputs" },
    { "Mul", 6, 2, 1, 0x00003cc2, 0x00003cc2, "axis broadcast" },
    { "Mul", 7, 2, 1, 0x00003cc2, 0x00003cc2, "" },
    { "Mul", 13, 2, 1, 0x00013cc2, 0x00013cc2, "" },
    { "Mul", 14, 2, 1, 0x00013cfe, 0x00013cfe, "" },
    { "Multinomial", 7, 1, 1, 0x00000c02, 0x000000c0, "dtype sample_size seed" },
    { "Multinomial", 22, 1, 1, 0x00010c02, 0x000000c0, "dtype sample_size seed" },
    { "Neg", 1, 1, 1, 0x00000c02, 0x00000c02, "consumed_inputs" },
    { "Neg", 6, 1, 1, 0x00000cea, 0x00000cea, "" },
    { "Neg", 13, 1, 1, 0x00010cea, 0x00010cea, "" },
    { "NegativeLogLikelihoodLoss", 12, 3, 1, 0x00000c02, 0x00000c02, "ignore_index reduction" },
    { "NegativeLogLikelihoodLoss", 13, 3, 1, 0x00000c02, 0x00000c02, "ignore_index reduction" },
    { "NegativeLogLikelihoodLoss", 22, 3, 1, 0x00010c02, 0x00010c02, "ignore_index reduction" },
    { "NonMaxSuppression", 10, 5, 1, 0x00000002, 0x00000080, "center_point_box" },
    { "NonMaxSuppression", 11, 5, 1, 0x00000002, 0x00000080, "center_point_box" },
    { "NonZero", 9, 1, 1, 0x0000fffe, 0x00000080, "" },
    { "NonZero", 13, 1, 1, 0x0001fffe, 0x00000080, "" },
    { "Not", 1, 1, 1, 0x00000200, 0x00000200, "" },
    { "OneHot", 9, 3, 1, 0x00003cfe, 0x0000fffe, "axis" },
    { "OneHot", 11, 3, 1, 0x00003cfe, 0x0000fffe, "axis" },
    { "Optional", 15, 1, 1, 0x0000ffff, 0x80000000, "type" },
    { "OptionalGetElement", 15, 1, 1, 0x80000000, 0x0000ffff, "" },
    { "OptionalGetElement", 18, 1, 1, 0x8000ffff, 0x0000ffff, "" },
    { "OptionalHasElement", 15, 1, 1, 0x80000000, 0x00000200, "" },
    { "OptionalHasElement", 18, 1, 1, 0x8000ffff, 0x00000200, "" },
    { "Or", 1, 2, 1, 0x00000200, 0x00000200, "axis broadcast" },
    { "Or", 7, 2, 1, 0x00000200, 0x00000200, "" },
    { "PRelu", 1, 2, 1, 0x00000c02, 0x00000c02, "consumed_inputs" },
    { "PRelu", 6, 2, 1, 0x00000c02, 0x00000c02, "" },
    { "PRelu", 7, 2, 1, 0x00000c02, 0x00000c02, "" },
    { "PRelu", 9, 2, 1, 0x00003cc2, 0x00003cc2, "" },
    { "PRelu", 16, 2, 1, 0x00013cc2, 0x00013cc2, "" },
    { "Pad", 1, 1, 1, 0x00000c02, 0x00000c02, "mode paddings value" },
    { "Pad", 2, 1, 1, 0x00000c02, 0x00000c02, "mode pads value" },
    { "Pad", 11, 3, 1, 0x00003cfe, 0x00003cfe, "mode" },
    { "Pad", 13, 3, 1, 0x0001fffe, 0x0001fffe, "mode" },
    { "Pad", 18, 4, 1, 0x0001fffe, 0x0001fffe, "mode" },
    { "Pad", 19, 4, 1, 0x0001fffe, 0x0001fffe, "mode" },
    { "Pad", 21, 4, 1, 0x007ffffe, 0x007ffffe, "mode" },
    { "Pad", 23, 4, 1, 0x00fffffe, 0x00fffffe, "mode" },
    { "Pad", 24, 4, 1, 0x01fffffe, 0x01fffffe, "mode" },
    { "Pad", 25, 4, 1, 0x07fffffe, 0x07fffffe, "mode" },
    { "Pow", 1, 2, 1, 0x00000c02, 0x00000c02, "axis broadcast" },
    { "Pow", 7, 2, 1, 0x00000c02, 0x00000c02, "" },
    { "Pow", 12, 2, 1, 0x00000cc2, 0x00000cc2, "" },
    { "Pow", 13, 2, 1, 0x00010cc2, 0x00010cc2, "" },
    { "Pow", 15, 2, 1, 0x00010cc2, 0x00010cc2, "" },
    { "QLinearConv", 10, 9, 1, 0x0000000c, 0x0000000c, "auto_pad dilations group kernel_shape pads strides" },
    { "QLinearMatMul", 10, 8, 1, 0x0000000c, 0x0000000c, "" },
    { "QLinearMatMul", 21, 8, 1, 0x001e000c, 0x001e000c, "" },
    { "QuantizeLinear", 10, 3, 1, 0x00000042, 0x0000000c, "" },
    { "QuantizeLinear", 13, 3, 1, 0x00000042, 0x0000000c, "axis" },
    { "QuantizeLinear", 19, 3, 1, 0x00010442, 0x001e000c, "axis saturate" },
    { "QuantizeLinear", 21, 3, 1, 0x00010442, 0x007e003c, "axis block_size output_dtype saturate" },
    { "QuantizeLinear", 23, 3, 1, 0x00010442, 0x00fe003c, "axis block_size output_dtype precision saturate" },
    { "QuantizeLinear", 24, 3, 1, 0x00010442, 0x00fe003c, "axis block_size output_dtype precision saturate" },
    { "QuantizeLinear", 25, 3, 1, 0x00010442, 0x06fe003c, "axis block_size output_dtype precision saturate" },
    { "RMSNormalization", 23, 2, 1, 0x00010c02, 0x00010c02, "axis epsilon stash_type" },
    { "RNN", 1, 6, 2, 0x00000c02, 0x00000c02,
      "activation_alpha activation_beta activations clip direction hidden_size output_sequence" },
    { "RNN", 7, 6, 2, 0x00000c02, 0x00000c02,
      "activation_alpha activation_beta activations clip direction hidden_size" },
    { "RNN", 14, 6, 2, 0x00000c02, 0x00000c02,
      "activation_alpha activation_beta activations clip direction hidden_size layout" },
    { "RNN", 22, 6, 2, 0x00010c02, 0x00010c02,
      "activation_alpha activation_beta activations clip direction hidden_size layout" },
    { "RandomNormal", 1, 0, 1, 0x00000000, 0x00000c02, "dtype mean scale seed shape" },
    { "RandomNormal", 22, 0, 1, 0x00000000, 0x00010c02, "dtype mean scale seed shape" },
    { "RandomNormalLike", 1, 1, 1, 0x0000fffe, 0x00000c02, "dtype mean scale seed" },
    { "RandomNormalLike", 22, 1, 1, 0x0001fffe, 0x00010c02, "dtype mean scale seed" },
    { "RandomUniform", 1, 0, 1, 0x00000000, 0x00000c02, "dtype high low seed shape" },
    { "RandomUniform", 22, 0, 1, 0x00000000, 0x00010c02, "dtype high low seed shape" },
    { "RandomUniformLike", 1, 1, 1, 0x0000fffe, 0x00000c02, "dtype high low seed" },
    { "RandomUniformLike", 22, 1, 1, 0x0001fffe, 0x00010c02, "dtype high low seed" },
    { "Range", 11, 3, 1, 0x000008e2, 0x000008e2, "" },
    { "Range", 27, 3, 1, 0x00010ce2, 0x00010ce2, "stash_type" },
    { "Reciprocal", 1, 1, 1, 0x00000c02, 0x00000c02, "consumed_inputs" },
    { "Reciprocal", 6, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Reciprocal", 13, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "ReduceL1", 1, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceL1", 11, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceL1", 13, 1, 1, 0x00013cc2, 0x00013cc2, "axes keepdims" },
    { "ReduceL1", 18, 2, 1, 0x00013cc2, 0x00013cc2, "keepdims noop_with_empty_axes" },
    { "ReduceL2", 1, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceL2", 11, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceL2", 13, 1, 1, 0x00013cc2, 0x00013cc2, "axes keepdims" },
    { "ReduceL2", 18, 2, 1, 0x00013cc2, 0x00013cc2, "keepdims noop_with_empty_axes" },
    { "ReduceLogSum", 1, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceLogSum", 11, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceLogSum", 13, 1, 1, 0x00013cc2, 0x00013cc2, "axes keepdims" },
    { "ReduceLogSum", 18, 2, 1, 0x00013cc2, 0x00013cc2, "keepdims noop_with_empty_axes" },
    { "ReduceLogSumExp", 1, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceLogSumExp", 11, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceLogSumExp", 13, 1, 1, 0x00013cc2, 0x00013cc2, "axes keepdims" },
    { "ReduceLogSumExp", 18, 2, 1, 0x00013cc2, 0x00013cc2, "keepdims noop_with_empty_axes" },
    { "ReduceMax", 1, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceMax", 11, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceMax", 12, 1, 1, 0x00003cce, 0x00003cce, "axes keepdims" },
    { "ReduceMax", 13, 1, 1, 0x00013cce, 0x00013cce, "axes keepdims" },
    { "ReduceMax", 18, 2, 1, 0x00013cce, 0x00013cce, "keepdims noop_with_empty_axes" },
    { "ReduceMax", 20, 2, 1, 0x00013ece, 0x00013ece, "keepdims noop_with_empty_axes" },
    { "ReduceMean", 1, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceMean", 11, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceMean", 13, 1, 1, 0x00013cc2, 0x00013cc2, "axes keepdims" },
    { "ReduceMean", 18, 2, 1, 0x00013cc2, 0x00013cc2, "keepdims noop_with_empty_axes" },
    { "ReduceMin", 1, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceMin", 11, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceMin", 12, 1, 1, 0x00003cce, 0x00003cce, "axes keepdims" },
    { "ReduceMin", 13, 1, 1, 0x00013cce, 0x00013cce, "axes keepdims" },
    { "ReduceMin", 18, 2, 1, 0x00013cce, 0x00013cce, "keepdims noop_with_empty_axes" },
    { "ReduceMin", 20, 2, 1, 0x00013ece, 0x00013ece, "keepdims noop_with_empty_axes" },
    { "ReduceProd", 1, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceProd", 11, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceProd", 13, 1, 1, 0x00013cc2, 0x00013cc2, "axes keepdims" },
    { "ReduceProd", 18, 2, 1, 0x00013cc2, 0x00013cc2, "keepdims noop_with_empty_axes" },
    { "ReduceSum", 1, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceSum", 11, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceSum", 13, 2, 1, 0x00013cc2, 0x00013cc2, "keepdims noop_with_empty_axes" },
    { "ReduceSumSquare", 1, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceSumSquare", 11, 1, 1, 0x00003cc2, 0x00003cc2, "axes keepdims" },
    { "ReduceSumSquare", 13, 1, 1, 0x00013cc2, 0x00013cc2, "axes keepdims" },
    { "ReduceSumSquare", 18, 2, 1, 0x00013cc2, 0x00013cc2, "keepdims noop_with_empty_axes" },
    { "RegexFullMatch", 20, 1, 1, 0x00000100, 0x00000200, "pattern" },
    { "Relu", 1, 1, 1, 0x00000c02, 0x00000c02, "consumed_inputs" },
    { "Relu", 6, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Relu", 13, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Relu", 14, 1, 1, 0x00010cea, 0x00010cea, "" },
    { "Reshape", 1, 1, 1, 0x00000c02, 0x00000c02, "consumed_inputs shape" },
    { "Reshape", 5, 2, 1, 0x0000fffe, 0x0000fffe, "" },
    { "Reshape", 13, 2, 1, 0x0001fffe, 0x0001fffe, "" },
    { "Reshape", 14, 2, 1, 0x0001fffe, 0x0001fffe, "allowzero" },
    { "Reshape", 19, 2, 1, 0x001ffffe, 0x001ffffe, "allowzero" },
    { "Reshape", 21, 2, 1, 0x007ffffe, 0x007ffffe, "allowzero" },
    { "Reshape", 23, 2, 1, 0x00fffffe, 0x00fffffe, "allowzero" },
    { "Reshape", 24, 2, 1, 0x01fffffe, 0x01fffffe, "allowzero" },
    { "Reshape", 25, 2, 1, 0x07fffffe, 0x07fffffe, "allowzero" },
    { "Resize", 10, 2, 1, 0x0000fffe, 0x0000fffe, "mode" },
    { "Resize", 11, 4, 1, 0x0000fffe, 0x0000fffe,
      "coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value mode nearest_mode" },
    { "Resize", 13, 4, 1, 0x0001fffe, 0x0001fffe,
      "coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value mode nearest_mode" },
    { "Resize", 18, 4, 1, 0x0001fffe, 0x0001fffe,
      "antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value keep_aspect_ratio_policy mode nearest_mode" },
    { "Resize", 19, 4, 1, 0x0001fffe, 0x0001fffe,
      "antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value keep_aspect_ratio_policy mode nearest_mode" },
    { "ReverseSequence", 10, 2, 1, 0x0000fffe, 0x0000fffe, "batch_axis time_axis" },
    { "RoiAlign", 10, 3, 1, 0x00000c02, 0x00000c02, "mode output_height output_width sampling_ratio spatial_scale" },
    { "RoiAlign", 16, 3, 1, 0x00000c02, 0x00000c02,
      "coordinate_transformation_mode mode output_height output_width sampling_ratio spatial_scale" },
    { "RoiAlign", 22, 3, 1, 0x00010c02, 0x00010c02,
      "coordinate_transformation_mode mode output_height output_width sampling_ratio spatial_scale" },
    { "RotaryEmbedding", 23, 4, 1, 0x00010402, 0x00010402, "interleaved num_heads rotary_embedding_dim" },
    { "Round", 11, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Round", 22, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "STFT", 17, 4, 1, 0x00010c02, 0x00010c02, "onesided" },
    { "Scan", 8, 99, 99, 0x00000080, 0x0000fffe, "body directions num_scan_inputs" },
    { "Scan", 9, 99, 99, 0x0000fffe, 0x0000fffe,
      "body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions" },
    { "Scan", 11, 99, 99, 0x0000fffe, 0x0000fffe,
      "body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions" },
    { "Scan", 16, 99, 99, 0x0001fffe, 0x0001fffe,
      "body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions" },
    { "Scan", 19, 99, 99, 0x001ffffe, 0x001ffffe,
      "body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions" },
    { "Scan", 21, 99, 99, 0x007ffffe, 0x007ffffe,
      "body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions" },
    { "Scan", 23, 99, 99, 0x00fffffe, 0x00fffffe,
      "body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions" },
    { "Scan", 24, 99, 99, 0x01fffffe, 0x01fffffe,
      "body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions" },
    { "Scan", 25, 99, 99, 0x07fffffe, 0x07fffffe,
      "body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions" },
    { "Scatter", 9, 3, 1, 0x0000fffe, 0x0000fffe, "axis" },
    { "ScatterElements", 11, 3, 1, 0x0000fffe, 0x0000fffe, "axis" },
    { "ScatterElements", 13, 3, 1, 0x0001fffe, 0x0001fffe, "axis" },
    { "ScatterElements", 16, 3, 1, 0x0001fffe, 0x0001fffe, "axis reduction" },
    { "ScatterElements", 18, 3, 1, 0x0001fffe, 0x0001fffe, "axis reduction" },
    { "ScatterND", 11, 3, 1, 0x0000fffe, 0x0000fffe, "" },
    { "ScatterND", 13, 3, 1, 0x0001fffe, 0x0001fffe, "" },
    { "ScatterND", 16, 3, 1, 0x0001fffe, 0x0001fffe, "reduction" },
    { "ScatterND", 18, 3, 1, 0x0001fffe, 0x0001fffe, "reduction" },
    { "Selu", 1, 1, 1, 0x00000c02, 0x00000c02, "alpha consumed_inputs gamma" },
    { "Selu", 6, 1, 1, 0x00000c02, 0x00000c02, "alpha gamma" },
    { "Selu", 22, 1, 1, 0x00010c02, 0x00010c02, "alpha gamma" },
    { "SequenceAt", 11, 2, 1, 0x00000001, 0x0000fffe, "" },
    { "SequenceConstruct", 11, 99, 1, 0x0000fffe, 0x00000001, "" },
    { "SequenceEmpty", 11, 0, 1, 0x00000000, 0x00000001, "dtype" },
    { "SequenceErase", 11, 2, 1, 0x00000001, 0x00000001, "" },
    { "SequenceInsert", 11, 3, 1, 0x00000001, 0x00000001, "" },
    { "SequenceLength", 11, 1, 1, 0x00000001, 0x00000080, "" },
    { "SequenceMap", 17, 99, 99, 0x00000001, 0x00000001, "body" },
    { "Shape", 1, 1, 1, 0x0000fffe, 0x00000080, "" },
    { "Shape", 13, 1, 1, 0x0001fffe, 0x00000080, "" },
    { "Shape", 15, 1, 1, 0x0001fffe, 0x00000080, "end start" },
    { "Shape", 19, 1, 1, 0x001ffffe, 0x00000080, "end start" },
    { "Shape", 21, 1, 1, 0x007ffffe, 0x00000080, "end start" },
    { "Shape", 23, 1, 1, 0x00fffffe, 0x00000080, "end start" },
    { "Shape", 24, 1, 1, 0x01fffffe, 0x00000080, "end start" },
    { "Shape", 25, 1, 1, 0x07fffffe, 0x00000080, "end start" },
    { "Shrink", 9, 1, 1, 0x00003cfe, 0x00003cfe, "bias lambd" },
    { "Sigmoid", 1, 1, 1, 0x00000c02, 0x00000c02, "consumed_inputs" },
    { "Sigmoid", 6, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Sigmoid", 13, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Sign", 9, 1, 1, 0x00003cfe, 0x00003cfe, "" },
    { "Sign", 13, 1, 1, 0x00013cfe, 0x00013cfe, "" },
    { "Sin", 7, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Sin", 22, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Sinh", 9, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Sinh", 22, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Size", 1, 1, 1, 0x0000fffe, 0x00000080, "" },
    { "Size", 13, 1, 1, 0x0001fffe, 0x00000080, "" },
    { "Size", 19, 1, 1, 0x001ffffe, 0x00000080, "" },
    { "Size", 21, 1, 1, 0x007ffffe, 0x00000080, "" },
    { "Size", 23, 1, 1, 0x00fffffe, 0x00000080, "" },
    { "Size", 24, 1, 1, 0x01fffffe, 0x00000080, "" },
    { "Size", 25, 1, 1, 0x07fffffe, 0x00000080, "" },
    { "Slice", 1, 1, 1, 0x0000fffe, 0x0000fffe, "axes ends starts" },
    { "Slice", 10, 5, 1, 0x0000fffe, 0x0000fffe, "" },
    { "Slice", 11, 5, 1, 0x0000fffe, 0x0000fffe, "" },
    { "Slice", 13, 5, 1, 0x0001fffe, 0x0001fffe, "" },
    { "Softmax", 1, 1, 1, 0x00000c02, 0x00000c02, "axis" },
    { "Softmax", 11, 1, 1, 0x00000c02, 0x00000c02, "axis" },
    { "Softmax", 13, 1, 1, 0x00010c02, 0x00010c02, "axis" },
    { "SoftmaxCrossEntropyLoss", 12, 3, 2, 0x00000c02, 0x00000c02, "ignore_index reduction" },
    { "SoftmaxCrossEntropyLoss", 13, 3, 2, 0x00010c02, 0x00010c02, "ignore_index reduction" },
    { "Softplus", 1, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Softplus", 22, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Softsign", 1, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Softsign", 22, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "SpaceToDepth", 1, 1, 1, 0x0000fffe, 0x0000fffe, "blocksize" },
    { "SpaceToDepth", 13, 1, 1, 0x0001fffe, 0x0001fffe, "blocksize" },
    { "Split", 1, 2, 99, 0x00000c02, 0x00000c02, "axis split" },
    { "Split", 2, 1, 99, 0x0000fffe, 0x0000fffe, "axis split" },
    { "Split", 11, 1, 99, 0x0000fffe, 0x0000fffe, "axis split" },
    { "Split", 13, 2, 99, 0x0001fffe, 0x0001fffe, "axis" },
    { "Split", 18, 2, 99, 0x0001fffe, 0x0001fffe, "axis num_outputs" },
    { "SplitToSequence", 11, 2, 1, 0x0000fffe, 0x00000001, "axis keepdims" },
    { "SplitToSequence", 24, 2, 1, 0x0001fffe, 0x00000001, "axis keepdims" },
    { "Sqrt", 1, 1, 1, 0x00000c02, 0x00000c02, "consumed_inputs" },
    { "Sqrt", 6, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Sqrt", 13, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Squeeze", 1, 1, 1, 0x0000fffe, 0x0000fffe, "axes" },
    { "Squeeze", 11, 1, 1, 0x0000fffe, 0x0000fffe, "axes" },
    { "Squeeze", 13, 2, 1, 0x0001fffe, 0x0001fffe, "" },
    { "Squeeze", 21, 2, 1, 0x007ffffe, 0x007ffffe, "" },
    { "Squeeze", 23, 2, 1, 0x00fffffe, 0x00fffffe, "" },
    { "Squeeze", 24, 2, 1, 0x01fffffe, 0x01fffffe, "" },
    { "Squeeze", 25, 2, 1, 0x07fffffe, 0x07fffffe, "" },
    { "StringConcat", 20, 2, 1, 0x00000100, 0x00000100, "" },
    { "StringNormalizer", 10, 1, 1, 0x00000100, 0x00000100, "case_change_action is_case_sensitive locale stopwords" },
    { "StringSplit", 20, 1, 2, 0x00000100, 0x00000100, "delimiter maxsplit" },
    { "Sub", 1, 2, 1, 0x00000c02, 0x00000c02, "axis broadcast consumed_inputs" },
    { "Sub", 6, 2, 1, 0x00003cc2, 0x00003cc2, "axis broadcast" },
    { "Sub", 7, 2, 1, 0x00003cc2, 0x00003cc2, "" },
    { "Sub", 13, 2, 1, 0x00013cc2, 0x00013cc2, "" },
    { "Sub", 14, 2, 1, 0x00013cfe, 0x00013cfe, "" },
    { "Sum", 1, 99, 1, 0x00000c02, 0x00000c02, "consumed_inputs" },
    { "Sum", 6, 99, 1, 0x00000c02, 0x00000c02, "" },
    { "Sum", 8, 99, 1, 0x00000c02, 0x00000c02, "" },
    { "Sum", 13, 99, 1, 0x00010c02, 0x00010c02, "" },
    { "SwiGLU", 28, 2, 1, 0x00010c02, 0x00010c02, "alpha" },
    { "Swish", 24, 1, 1, 0x00010c02, 0x00010c02, "alpha" },
    { "Tan", 7, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Tan", 22, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "Tanh", 1, 1, 1, 0x00000c02, 0x00000c02, "consumed_inputs" },
    { "Tanh", 6, 1, 1, 0x00000c02, 0x00000c02, "" },
    { "Tanh", 13, 1, 1, 0x00010c02, 0x00010c02, "" },
    { "TensorScatter", 24, 3, 1, 0x01fffffe, 0x01fffffe, "axis mode" },
    { "TfIdfVectorizer", 9, 1, 1, 0x000001c0, 0x00000002,
      "max_gram_length max_skip_count min_gram_length mode ngram_counts ngram_indexes pool_int64s pool_strings weights" },
    { "ThresholdedRelu", 10, 1, 1, 0x00000c02, 0x00000c02, "alpha" },
    { "ThresholdedRelu", 22, 1, 1, 0x00010c02, 0x00010c02, "alpha" },
    { "Tile", 1, 3, 1, 0x00000c02, 0x00000c02, "" },
    { "Tile", 6, 2, 1, 0x0000fffe, 0x0000fffe, "" },
    { "Tile", 13, 2, 1, 0x0001fffe, 0x0001fffe, "" },
    { "TopK", 1, 1, 2, 0x00000c02, 0x00000c02, "axis k" },
    { "TopK", 10, 2, 2, 0x00000c02, 0x00000c02, "axis" },
    { "TopK", 11, 2, 2, 0x00003cfe, 0x00003cfe, "axis largest sorted" },
    { "TopK", 24, 2, 2, 0x00013cfe, 0x00013cfe, "axis largest sorted" },
    { "Transpose", 1, 1, 1, 0x0000fffe, 0x0000fffe, "perm" },
    { "Transpose", 13, 1, 1, 0x0001fffe, 0x0001fffe, "perm" },
    { "Transpose", 21, 1, 1, 0x007ffffe, 0x007ffffe, "perm" },
    { "Transpose", 23, 1, 1, 0x00fffffe, 0x00fffffe, "perm" },
    { "Transpose", 24, 1, 1, 0x01fffffe, 0x01fffffe, "perm" },
    { "Transpose", 25, 1, 1, 0x07fffffe, 0x07fffffe, "perm" },
    { "Trilu", 14, 2, 1, 0x0001fffe, 0x0001fffe, "upper" },
    { "Unique", 11, 1, 4, 0x0000fffe, 0x0000fffe, "axis sorted" },
    { "Unsqueeze", 1, 1, 1, 0x0000fffe, 0x0000fffe, "axes" },
    { "Unsqueeze", 11, 1, 1, 0x0000fffe, 0x0000fffe, "axes" },
    { "Unsqueeze", 13, 2, 1, 0x0001fffe, 0x0001fffe, "" },
    { "Unsqueeze", 21, 2, 1, 0x007ffffe, 0x007ffffe, "" },
    { "Unsqueeze", 23, 2, 1, 0x00fffffe, 0x00fffffe, "" },
    { "Unsqueeze", 24, 2, 1, 0x01fffffe, 0x01fffffe, "" },
    { "Unsqueeze", 25, 2, 1, 0x07fffffe, 0x07fffffe, "" },
    { "Upsample", 1, 1, 1, 0x00000ec2, 0x00000ec2, "height_scale mode width_scale" },
    { "Upsample", 7, 1, 1, 0x0000fffe, 0x0000fffe, "mode scales" },
    { "Upsample", 9, 2, 1, 0x0000fffe, 0x0000fffe, "mode" },
    { "Where", 9, 3, 1, 0x00000200, 0x0000fffe, "" },
    { "Where", 16, 3, 1, 0x00000200, 0x0001fffe, "" },
    { "Xor", 1, 2, 1, 0x00000200, 0x00000200, "axis broadcast" },
    { "Xor", 7, 2, 1, 0x00000200, 0x00000200, "" },
    /* clang-format on */
};

/* Meanings that changed without a visible difference in attributes or inputs. */
static const struct {
    const char *op;
    int since;
} meanings[] = {
    { "DFT", 20 },    { "GridSample", 20 }, { "Hardmax", 13 }, { "LogSoftmax", 13 },
    { "Resize", 11 }, { "RoiAlign", 16 },   { "Scan", 9 },     { "Softmax", 13 },
};

/* Values that came later than the attribute that takes them. */
static const struct {
    const char *op, *attr, *value;
    int since;
} values[] = {
    { "Pad", "mode", "wrap", 19 },
    { "Resize", "coordinate_transformation_mode", "half_pixel_symmetric", 19 },
    { "ScatterElements", "reduction", "max", 18 },
    { "ScatterElements", "reduction", "min", 18 },
    { "ScatterND", "reduction", "max", 18 },
    { "ScatterND", "reduction", "min", 18 },
};

/* Types that later inputs than the first had before a version: where no other port of the rows above tells. */
static const struct {
    const char *op;
    uint8_t input, since;
    uint32_t before;
} inputs[] = {
    { "DequantizeLinear", 1, 24, 0x00010402 }, { "Dropout", 1, 22, 0x00000c02 },
    { "GridSample", 1, 22, 0x00000c02 },       { "Pow", 1, 15, 0x00003cfe },
    { "QLinearMatMul", 1, 21, 0x00000002 },    { "QLinearMatMul", 3, 21, 0x0000000c },
    { "QLinearMatMul", 4, 21, 0x00000002 },    { "QLinearMatMul", 6, 21, 0x00000002 },
    { "QuantizeLinear", 1, 19, 0x00000002 },   { "QuantizeLinear", 1, 24, 0x00010442 },
};

static bool has_word(const char *words, const char *word) {
    size_t n = strlen(word);
    for (const char *p = words; (p = strstr(p, word)) != NULL; p += n)
        if ((p == words || p[-1] == ' ') && (p[n] == ' ' || !p[n])) return true;
    return false;
}

/* Unknown types fit everywhere. */
static bool type_fits(uint32_t mask, const tn_value *v) {
    if (!v || v->type.kind == TN_KIND_NONE) return true;
    if (v->type.kind == TN_KIND_OPTIONAL) return mask >> 31;
    if (v->type.kind != TN_KIND_TENSOR) return mask & 1;
    return v->type.dtype == TN_NONE || mask >> tn_dtypes[v->type.dtype].onnx & 1;
}

/* ---------------------------------------------------------------------------------------------- forms of a node */

static const tn_type *type_of(const tn_node *n, int i) {
    static const tn_type none = { .rank = -1 };
    return i < n->n_inputs && n->inputs[i] && n->inputs[i]->type.kind == TN_KIND_TENSOR ? &n->inputs[i]->type : &none;
}

/* A number, or TN_DIM_UNKNOWN. i < 0 counts from the last. */
static int64_t size_of(const tn_type *t, int i) {
    int at = i < 0 ? i + t->rank : i;
    return at >= 0 && at < t->rank && tn_dim_known(t->dims[at]) ? t->dims[at] : TN_DIM_UNKNOWN;
}

/* Attention: a mask with fewer columns than there are keys hides the others since 24; before, one column was for all
 * keys. Only a mask whose width the reader knows, too, is one of the old version. */
static bool mask_may_be_short(const tn_node *n) {
    enum { K = 1, MASK = 3, PAST_K = 4 };
    if (n->n_inputs <= MASK || !n->inputs[MASK]) return false;
    int64_t keys = size_of(type_of(n, K), -2), width = size_of(type_of(n, MASK), -1), past = 0;
    if (n->n_inputs > PAST_K && n->inputs[PAST_K]) past = size_of(type_of(n, PAST_K), -2);
    int64_t all;
    return n->inputs[MASK]->producer || keys < 0 || past < 0 || __builtin_add_overflow(keys, past, &all) ||
           width != all;
}

static int64_t item(const tn_node *n, const char *name, int i, int64_t dflt) {
    int count;
    const int64_t *v = tn_attr_ints(n, name, &count);
    int64_t x = v && i < count ? v[i] : dflt;
    return x < 0 ? 0 : x > INT32_MAX ? INT32_MAX : x;
}

/* Pooling: since 22 a last window that would begin in the padding behind the input is left out. */
static bool window_may_be_behind(const tn_node *n) {
    int axes;
    tn_attr_ints(n, "kernel_shape", &axes);
    if (!tn_attr_int(n, "ceil_mode", 0) || !tn_attr_is(n, "auto_pad", "NOTSET", "NOTSET")) return false;
    for (int i = 0; i < axes; i++) {
        int64_t step = item(n, "strides", i, 1), before = item(n, "pads", i, 0), after = item(n, "pads", axes + i, 0);
        int64_t window = item(n, "dilations", i, 1) * (item(n, "kernel_shape", i, 1) - 1) + 1;
        int64_t size = size_of(type_of(n, 0), 2 + i), room;
        if (after + step <= window) continue;  /* no window is that far behind another */
        if (size > INT64_MAX / 4) return true; /* beyond all arithmetic: the shape rule will say so */
        room = size + before + after - window;
        if (size < 0 || step < 1 || room < 0 || (room + step - 1) / step * step >= size + before) return true;
    }
    return false;
}

static bool type_differs(const tn_node *n, int input) {
    tn_dtype x = type_of(n, 0)->dtype, y = type_of(n, input)->dtype;
    return x != TN_NONE && y != TN_NONE && x != y;
}

static bool scale_differs(const tn_node *n) { return type_differs(n, 1); }
static bool mean_differs(const tn_node *n) { return type_differs(n, 3); }

static bool quantize_scale_differs(const tn_node *n) {
    return scale_differs(n) && !(type_of(n, 0)->dtype == TN_I32 && type_of(n, 1)->dtype == TN_F32);
}

static bool has_no_input(const tn_node *n) { return n->n_inputs == 0 || !n->inputs[0]; }

/* BatchNormalization: an output of statistics made it training before there was training_mode. */
static bool has_statistics(const tn_node *n) {
    for (int i = 1; i < n->n_outputs; i++)
        if (n->outputs[i]) return true;
    return false;
}

static const struct {
    const char *op;
    int since;
    bool (*is)(const tn_node *n);
} forms[] = {
    { "Attention", 24, mask_may_be_short },       { "AveragePool", 22, window_may_be_behind },
    { "BatchNormalization", 14, mean_differs },   { "BatchNormalization", 15, scale_differs },
    { "BatchNormalization", 14, has_statistics }, { "MaxPool", 22, window_may_be_behind },
    { "OptionalHasElement", 18, has_no_input },   { "QuantizeLinear", 23, quantize_scale_differs },
};

static int later(int a, int b) { return a > b ? a : b; }

/* The first version that can mean what the node means, whatever older ones accept. */
static int since(const tn_node *n) {
    int least = 1;
    for (size_t i = 0; i < TN_COUNT(meanings); i++)
        if (!strcmp(meanings[i].op, n->type)) least = later(least, meanings[i].since);
    for (size_t i = 0; i < TN_COUNT(values); i++)
        if (!strcmp(values[i].op, n->type) && tn_attr_is(n, values[i].attr, values[i].value, ""))
            least = later(least, values[i].since);
    for (size_t i = 0; i < TN_COUNT(inputs); i++)
        if (!strcmp(inputs[i].op, n->type) && inputs[i].input < n->n_inputs &&
            !type_fits(inputs[i].before, n->inputs[inputs[i].input]))
            least = later(least, inputs[i].since);
    for (size_t i = 0; i < TN_COUNT(forms); i++)
        if (!strcmp(forms[i].op, n->type) && forms[i].is(n)) least = later(least, forms[i].since);
    return least;
}

static bool node_fits(const tn_node *n, size_t row) {
    int in = n->n_inputs;
    while (in && !n->inputs[in - 1]) in--;
    if (in > rows[row].inputs || n->n_outputs > rows[row].outputs) return false;
    if (n->n_inputs && !type_fits(rows[row].in, n->inputs[0])) return false;
    bool many = rows[row].outputs == ANY; /* If, Loop, Scan and others: all outputs are of one set of types */
    for (int i = 0; i < n->n_outputs && (i == 0 || many); i++)
        if (!type_fits(rows[row].out, n->outputs[i])) return false;
    for (int i = 2; i < in && !strcmp(n->type, "Loop"); i++) /* the carried values too */
        if (!type_fits(rows[row].out, n->inputs[i])) return false;
    for (int i = 0; i < n->n_attrs; i++)
        if (!has_word(rows[row].attrs, n->attrs[i].name)) return false;
    return true;
}

int tn_onnx_lowest_opset(const tn_node *n) {
    int least = since(n), last = 0;
    for (size_t i = 0; i < TN_COUNT(rows); i++) {
        if (strcmp(rows[i].op, n->type)) continue;
        last = rows[i].since;
        if (last >= least && node_fits(n, i)) return last;
    }
    return last;
}

const char *tn_onnx_operator(int i, int *versions, int cap, int *n) {
    *n = 0;
    for (size_t row = 0; row < TN_COUNT(rows); row++) {
        bool first = !row || strcmp(rows[row - 1].op, rows[row].op) != 0;
        if (first && i-- == 0) {
            const char *op = rows[row].op;
            for (; row < TN_COUNT(rows) && !strcmp(rows[row].op, op); row++)
                if (*n < cap) versions[(*n)++] = rows[row].since;
            return op;
        }
    }
    return NULL;
}
