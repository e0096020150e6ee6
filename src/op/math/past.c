/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* past.c - what older operator sets say of the operators here: every version, and what its form is today.
 * Source: the operator change log of ONNX (docs/Changelog.md), versions 1 to 28. */
#include "op/core/past.h"
#include "op/math/upgrade.h"

/* Acos, Asin, Atan, Cos, Sin, Tan */
static const tn_op_version acos_versions[] = {
    { 7, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "" },
    { 22, 1, 1, TN_FLOATS, TN_FLOATS, "" },
    { 0 },
};

/* Acosh, Asinh, Atanh, Cosh, Sinh */
static const tn_op_version acosh_versions[] = {
    { 9, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "" },
    { 22, 1, 1, TN_FLOATS, TN_FLOATS, "" },
    { 0 },
};

/* Add, Div, Mul, Sub */
static const tn_op_version add_versions[] = {
    { 1, 2, 1, TN_FLOATS_1, TN_FLOATS_1, "axis broadcast consumed_inputs" },
    { 6, 2, 1, TN_WIDE_1, TN_WIDE_1, "axis broadcast" },
    { 7, 2, 1, TN_WIDE_1, TN_WIDE_1, "" },
    { 13, 2, 1, TN_WIDE, TN_WIDE, "" },
    { 14, 2, 1, TN_REAL, TN_REAL, "" },
    { 0 },
};

/* And, Or, Xor */
static const tn_op_version and_versions[] = {
    { 1, 2, 1, TN_BOOLS, TN_BOOLS, "axis broadcast" },
    { 7, 2, 1, TN_BOOLS, TN_BOOLS, "" },
    { 0 },
};

/* ArgMax, ArgMin */
static const tn_op_version arg_max_versions[] = {
    { 1, 1, 1, TN_REAL_1, TN_ONLY(I64), "axis keepdims" },
    { 11, 1, 1, TN_REAL_1, TN_ONLY(I64), "axis keepdims" },
    { 12, 1, 1, TN_REAL_1, TN_ONLY(I64), "axis keepdims select_last_index" },
    { 13, 1, 1, TN_REAL, TN_ONLY(I64), "axis keepdims select_last_index" },
    { 0 },
};

/* Ceil, Exp, Floor, Log, Reciprocal, Sigmoid, Sqrt, Tanh */
static const tn_op_version ceil_versions[] = {
    { 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "consumed_inputs" },
    { 6, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "" },
    { 13, 1, 1, TN_FLOATS, TN_FLOATS, "" },
    { 0 },
};

/* Det, Round */
static const tn_op_version det_versions[] = {
    { 11, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "" },
    { 22, 1, 1, TN_FLOATS, TN_FLOATS, "" },
    { 0 },
};

/* Greater, Less */
static const tn_op_version greater_versions[] = {
    { 1, 2, 1, TN_FLOATS_1, TN_BOOLS, "axis broadcast" },
    { 7, 2, 1, TN_FLOATS_1, TN_BOOLS, "" },
    { 9, 2, 1, TN_REAL_1, TN_BOOLS, "" },
    { 13, 2, 1, TN_REAL, TN_BOOLS, "" },
    { 0 },
};

/* GreaterOrEqual, LessOrEqual */
static const tn_op_version greater_or_equal_versions[] = {
    { 12, 2, 1, TN_REAL_1, TN_BOOLS, "" },
    { 16, 2, 1, TN_REAL, TN_BOOLS, "" },
    { 0 },
};

/* Hardmax, LogSoftmax, Softmax */
static const tn_op_version hardmax_versions[] = {
    { 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "axis" },
    { 11, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "axis" },
    { 13, 1, 1, TN_FLOATS, TN_FLOATS, "axis" },
    { 0 },
};

/* Max, Min */
static const tn_op_version max_versions[] = {
    { 1, TN_MANY, 1, TN_FLOATS_1, TN_FLOATS_1, "consumed_inputs" },
    { 6, TN_MANY, 1, TN_FLOATS_1, TN_FLOATS_1, "" },
    { 8, TN_MANY, 1, TN_FLOATS_1, TN_FLOATS_1, "" },
    { 12, TN_MANY, 1, TN_REAL_1, TN_REAL_1, "" },
    { 13, TN_MANY, 1, TN_REAL, TN_REAL, "" },
    { 0 },
};

/* Mean, Sum */
static const tn_op_version mean_versions[] = {
    { 1, TN_MANY, 1, TN_FLOATS_1, TN_FLOATS_1, "consumed_inputs" },
    { 6, TN_MANY, 1, TN_FLOATS_1, TN_FLOATS_1, "" },
    { 8, TN_MANY, 1, TN_FLOATS_1, TN_FLOATS_1, "" },
    { 13, TN_MANY, 1, TN_FLOATS, TN_FLOATS, "" },
    { 0 },
};

/* ReduceL1, ReduceL2, ReduceLogSum, ReduceLogSumExp, ReduceMean, ReduceProd, ReduceSumSquare */
static const tn_op_version reduce_l1_versions[] = {
    { 1, 1, 1, TN_WIDE_1, TN_WIDE_1, "axes keepdims" },
    { 11, 1, 1, TN_WIDE_1, TN_WIDE_1, "axes keepdims" },
    { 13, 1, 1, TN_WIDE, TN_WIDE, "axes keepdims" },
    { 18, 2, 1, TN_WIDE, TN_WIDE, "keepdims noop_with_empty_axes" },
    { 0 },
};

/* ReduceMax, ReduceMin */
static const tn_op_version reduce_max_versions[] = {
    { 1, 1, 1, TN_WIDE_1, TN_WIDE_1, "axes keepdims" },
    { 11, 1, 1, TN_WIDE_1, TN_WIDE_1, "axes keepdims" },
    { 12, 1, 1, TN_WIDE_1 | TN_ONLY(U8) | TN_ONLY(I8), TN_WIDE_1 | TN_ONLY(U8) | TN_ONLY(I8), "axes keepdims" },
    { 13, 1, 1, TN_WIDE | TN_ONLY(U8) | TN_ONLY(I8), TN_WIDE | TN_ONLY(U8) | TN_ONLY(I8), "axes keepdims" },
    { 18, 2, 1, TN_WIDE | TN_ONLY(U8) | TN_ONLY(I8), TN_WIDE | TN_ONLY(U8) | TN_ONLY(I8),
      "keepdims noop_with_empty_axes" },
    { 20, 2, 1, TN_WIDE | TN_BOOLS | TN_ONLY(U8) | TN_ONLY(I8), TN_WIDE | TN_BOOLS | TN_ONLY(U8) | TN_ONLY(I8),
      "keepdims noop_with_empty_axes" },
    { 0 },
};

/* Softplus, Softsign */
static const tn_op_version softplus_versions[] = {
    { 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "" },
    { 22, 1, 1, TN_FLOATS, TN_FLOATS, "" },
    { 0 },
};

const tn_op_past tn_op_past_math[] = {
    { "Abs", TN_VERSIONS({ 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "consumed_inputs" },
                         { 6, 1, 1, TN_REAL_1, TN_REAL_1, "" }, { 13, 1, 1, TN_REAL, TN_REAL, "" }) },
    { "Acos", acos_versions },
    { "Acosh", acosh_versions },
    { "Add", add_versions, .upgrades = TN_UPGRADES({ 7, tn_up_broadcast }) },
    { "Affine", .upgrades = TN_UPGRADES({ TN_ONNX_OPSET_MAX, tn_up_affine }) }, /* experimental, until opset 10 */
    { "And", and_versions, .upgrades = TN_UPGRADES({ 7, tn_up_broadcast }) },
    { "ArgMax", arg_max_versions },
    { "ArgMin", arg_max_versions },
    { "Asin", acos_versions },
    { "Asinh", acosh_versions },
    { "Atan", acos_versions },
    { "Atanh", acosh_versions },
    { "Bernoulli", TN_VERSIONS({ 15, 1, 1, TN_FLOATS_1, TN_REAL | TN_BOOLS, "dtype seed" },
                               { 22, 1, 1, TN_FLOATS, TN_REAL | TN_BOOLS, "dtype seed" }) },
    { "BitCast", TN_VERSIONS({ 26, 1, 1, TN_REAL | TN_NEW_25 | TN_BOOLS | TN_ONLY(C64) | TN_ONLY(C128),
                               TN_REAL | TN_NEW_25 | TN_BOOLS | TN_ONLY(C64) | TN_ONLY(C128), "to" }) },
    { "BitShift", TN_VERSIONS({ 11, 2, 1, TN_UNSIGNED_INTS, TN_UNSIGNED_INTS, "direction" }) },
    { "BitwiseAnd", TN_VERSIONS({ 18, 2, 1, TN_INTS, TN_INTS, "" }) },
    { "BitwiseNot", TN_VERSIONS({ 18, 1, 1, TN_INTS, TN_INTS, "" }) },
    { "BitwiseOr", TN_VERSIONS({ 18, 2, 1, TN_INTS, TN_INTS, "" }) },
    { "BitwiseXor", TN_VERSIONS({ 18, 2, 1, TN_INTS, TN_INTS, "" }) },
    { "Cast",
      TN_VERSIONS({ 1, 1, 1, TN_REAL_1 | TN_BOOLS, TN_REAL_1 | TN_BOOLS, "to" },
                  { 6, 1, 1, TN_REAL_1 | TN_BOOLS, TN_REAL_1 | TN_BOOLS, "to" },
                  { 9, 1, 1, TN_REAL_1 | TN_BOOLS | TN_ONLY(STRING), TN_REAL_1 | TN_BOOLS | TN_ONLY(STRING), "to" },
                  { 13, 1, 1, TN_CAST_13, TN_CAST_13, "to" }, { 19, 1, 1, TN_CAST_19, TN_CAST_19, "saturate to" },
                  { 21, 1, 1, TN_CAST_21, TN_CAST_21, "saturate to" },
                  { 23, 1, 1, TN_CAST_23, TN_CAST_23, "saturate to" },
                  { 24, 1, 1, TN_CAST_24, TN_CAST_24, "round_mode saturate to" },
                  { 25, 1, 1, TN_CAST_25, TN_CAST_25, "round_mode saturate to" }),
      .upgrades = TN_UPGRADES({ 6, tn_up_cast }) },
    { "CastLike",
      TN_VERSIONS({ 15, 2, 1, TN_CAST_13, TN_CAST_13, "" }, { 19, 2, 1, TN_CAST_19, TN_CAST_19, "saturate" },
                  { 21, 2, 1, TN_CAST_21, TN_CAST_21, "saturate" }, { 23, 2, 1, TN_CAST_23, TN_CAST_23, "saturate" },
                  { 24, 2, 1, TN_CAST_24, TN_CAST_24, "round_mode saturate" },
                  { 25, 2, 1, TN_CAST_25, TN_CAST_25, "round_mode saturate" }) },
    { "Ceil", ceil_versions },
    { "Celu",
      TN_VERSIONS({ 12, 1, 1, TN_ONLY(F32), TN_ONLY(F32), "alpha" }, { 28, 1, 1, TN_FLOATS, TN_FLOATS, "alpha" }) },
    { "Clip",
      TN_VERSIONS({ 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "consumed_inputs max min" },
                  { 6, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "max min" }, { 11, 3, 1, TN_FLOATS_1, TN_FLOATS_1, "" },
                  { 12, 3, 1, TN_REAL_1, TN_REAL_1, "" }, { 13, 3, 1, TN_REAL, TN_REAL, "" }),
      .upgrades = TN_UPGRADES({ 11, tn_up_clip }) },
    { "Cos", acos_versions },
    { "Cosh", acosh_versions },
    { "CumProd", TN_VERSIONS({ 26, 2, 1, TN_WIDE, TN_WIDE, "exclusive reverse" }) },
    { "CumSum",
      TN_VERSIONS({ 11, 2, 1, TN_INDEX | TN_ONLY(F32) | TN_ONLY(F64) | TN_ONLY(U32) | TN_ONLY(U64),
                    TN_INDEX | TN_ONLY(F32) | TN_ONLY(F64) | TN_ONLY(U32) | TN_ONLY(U64), "exclusive reverse" },
                  { 14, 2, 1, TN_WIDE, TN_WIDE, "exclusive reverse" }) },
    { "Det", det_versions },
    { "Div", add_versions, .upgrades = TN_UPGRADES({ 7, tn_up_broadcast }) },
    { "Dropout",
      TN_VERSIONS({ 1, 1, 2, TN_FLOATS_1, TN_FLOATS_1, "consumed_inputs is_test ratio" },
                  { 6, 1, 2, TN_FLOATS_1, TN_FLOATS_1, "is_test ratio" },
                  { 7, 1, 2, TN_FLOATS_1, TN_FLOATS_1, "ratio" }, { 10, 1, 2, TN_FLOATS_1, TN_FLOATS_1, "ratio" },
                  { 12, 3, 2, TN_FLOATS_1, TN_FLOATS_1, "seed" }, { 13, 3, 2, TN_FLOATS, TN_FLOATS, "seed" },
                  { 22, 3, 2, TN_FLOATS | TN_NEW_19, TN_FLOATS | TN_NEW_19, "seed" }),
      .upgrades = TN_UPGRADES({ 12, tn_up_dropout }),
      .demands = TN_DEMANDS({ 22, .input = 1, .before = TN_FLOATS_1 }) },
    { "Einsum", TN_VERSIONS({ 12, TN_MANY, 1, TN_REAL_1, TN_REAL_1, "equation" }) },
    { "Elu", TN_VERSIONS({ 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "alpha consumed_inputs" },
                         { 6, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "alpha" }, { 22, 1, 1, TN_FLOATS, TN_FLOATS, "alpha" }) },
    { "Equal",
      TN_VERSIONS({ 1, 2, 1, TN_INDEX | TN_BOOLS, TN_BOOLS, "axis broadcast" },
                  { 7, 2, 1, TN_INDEX | TN_BOOLS, TN_BOOLS, "" }, { 11, 2, 1, TN_REAL_1 | TN_BOOLS, TN_BOOLS, "" },
                  { 13, 2, 1, TN_REAL | TN_BOOLS, TN_BOOLS, "" }, { 19, 2, 1, TN_CAST_13, TN_BOOLS, "" }),
      .upgrades = TN_UPGRADES({ 7, tn_up_broadcast }) },
    { "Erf", TN_VERSIONS({ 9, 1, 1, TN_REAL_1, TN_REAL_1, "" }, { 13, 1, 1, TN_FLOATS, TN_FLOATS, "" }) },
    { "Exp", ceil_versions },
    { "Floor", ceil_versions },
    { "Gelu", TN_VERSIONS({ 20, 1, 1, TN_FLOATS, TN_FLOATS, "approximate" }) },
    { "Gemm",
      TN_VERSIONS({ 1, 3, 1, TN_FLOATS_1, TN_FLOATS_1, "alpha beta broadcast transA transB" },
                  { 6, 3, 1, TN_FLOATS_1, TN_FLOATS_1, "alpha beta broadcast transA transB" },
                  { 7, 3, 1, TN_FLOATS_1, TN_FLOATS_1, "alpha beta transA transB" },
                  { 9, 3, 1, TN_WIDE_1, TN_WIDE_1, "alpha beta transA transB" },
                  { 11, 3, 1, TN_WIDE_1, TN_WIDE_1, "alpha beta transA transB" },
                  { 13, 3, 1, TN_WIDE, TN_WIDE, "alpha beta transA transB" }),
      .upgrades = TN_UPGRADES({ 7, tn_up_gemm }) },
    { "Greater", greater_versions, .upgrades = TN_UPGRADES({ 7, tn_up_broadcast }) },
    { "GreaterOrEqual", greater_or_equal_versions },
    { "HardSigmoid", TN_VERSIONS({ 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "alpha beta consumed_inputs" },
                                 { 6, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "alpha beta" },
                                 { 22, 1, 1, TN_FLOATS, TN_FLOATS, "alpha beta" }) },
    { "HardSwish", TN_VERSIONS({ 14, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "" }, { 22, 1, 1, TN_FLOATS, TN_FLOATS, "" }) },
    { "Hardmax", hardmax_versions, .upgrades = TN_UPGRADES({ 13, tn_up_flat_softmax }), .demands = TN_DEMANDS({ 13 }) },
    { "IsInf", TN_VERSIONS({ 10, 1, 1, TN_ONLY(F32) | TN_ONLY(F64), TN_BOOLS, "detect_negative detect_positive" },
                           { 20, 1, 1, TN_FLOATS | TN_NEW_19, TN_BOOLS, "detect_negative detect_positive" }) },
    { "IsNaN", TN_VERSIONS({ 9, 1, 1, TN_FLOATS_1, TN_BOOLS, "" }, { 13, 1, 1, TN_FLOATS, TN_BOOLS, "" },
                           { 20, 1, 1, TN_FLOATS | TN_NEW_19, TN_BOOLS, "" }) },
    { "LeakyRelu",
      TN_VERSIONS({ 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "alpha consumed_inputs" },
                  { 6, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "alpha" }, { 16, 1, 1, TN_FLOATS, TN_FLOATS, "alpha" }) },
    { "Less", greater_versions, .upgrades = TN_UPGRADES({ 7, tn_up_broadcast }) },
    { "LessOrEqual", greater_or_equal_versions },
    { "Log", ceil_versions },
    { "LogSoftmax", hardmax_versions, .upgrades = TN_UPGRADES({ 13, tn_up_flat_softmax }),
      .demands = TN_DEMANDS({ 13 }) },
    { "MatMul", TN_VERSIONS({ 1, 2, 1, TN_FLOATS_1, TN_FLOATS_1, "" }, { 9, 2, 1, TN_WIDE_1, TN_WIDE_1, "" },
                            { 13, 2, 1, TN_WIDE, TN_WIDE, "" }) },
    { "Max", max_versions },
    { "Mean", mean_versions },
    { "Min", max_versions },
    { "Mish", TN_VERSIONS({ 18, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "" }, { 22, 1, 1, TN_FLOATS, TN_FLOATS, "" }) },
    { "Mod", TN_VERSIONS({ 10, 2, 1, TN_REAL_1, TN_REAL_1, "fmod" }, { 13, 2, 1, TN_REAL, TN_REAL, "fmod" }) },
    { "Mul", add_versions, .upgrades = TN_UPGRADES({ 7, tn_up_broadcast }) },
    { "Multinomial", TN_VERSIONS({ 7, 1, 1, TN_FLOATS_1, TN_INDEX, "dtype sample_size seed" },
                                 { 22, 1, 1, TN_FLOATS, TN_INDEX, "dtype sample_size seed" }) },
    { "Neg", TN_VERSIONS({ 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "consumed_inputs" },
                         { 6, 1, 1, TN_FLOATS_1 | TN_SIGNED_INTS, TN_FLOATS_1 | TN_SIGNED_INTS, "" },
                         { 13, 1, 1, TN_FLOATS | TN_SIGNED_INTS, TN_FLOATS | TN_SIGNED_INTS, "" }) },
    { "Not", TN_VERSIONS({ 1, 1, 1, TN_BOOLS, TN_BOOLS, "" }) },
    { "Or", and_versions, .upgrades = TN_UPGRADES({ 7, tn_up_broadcast }) },
    { "PRelu",
      TN_VERSIONS({ 1, 2, 1, TN_FLOATS_1, TN_FLOATS_1, "consumed_inputs" }, { 6, 2, 1, TN_FLOATS_1, TN_FLOATS_1, "" },
                  { 7, 2, 1, TN_FLOATS_1, TN_FLOATS_1, "" }, { 9, 2, 1, TN_WIDE_1, TN_WIDE_1, "" },
                  { 16, 2, 1, TN_WIDE, TN_WIDE, "" }),
      .upgrades = TN_UPGRADES({ 7, tn_up_prelu }) },
    { "Pow",
      TN_VERSIONS({ 1, 2, 1, TN_FLOATS_1, TN_FLOATS_1, "axis broadcast" }, { 7, 2, 1, TN_FLOATS_1, TN_FLOATS_1, "" },
                  { 12, 2, 1, TN_FLOATS_1 | TN_INDEX, TN_FLOATS_1 | TN_INDEX, "" },
                  { 13, 2, 1, TN_FLOATS | TN_INDEX, TN_FLOATS | TN_INDEX, "" },
                  { 15, 2, 1, TN_FLOATS | TN_INDEX, TN_FLOATS | TN_INDEX, "" }),
      .upgrades = TN_UPGRADES({ 7, tn_up_broadcast }), .demands = TN_DEMANDS({ 15, .input = 1, .before = TN_REAL_1 }) },
    { "RandomNormal", TN_VERSIONS({ 1, 0, 1, 0, TN_FLOATS_1, "dtype mean scale seed shape" },
                                  { 22, 0, 1, 0, TN_FLOATS, "dtype mean scale seed shape" }) },
    { "RandomNormalLike", TN_VERSIONS({ 1, 1, 1, TN_TENSORS_1, TN_FLOATS_1, "dtype mean scale seed" },
                                      { 22, 1, 1, TN_TENSORS_13, TN_FLOATS, "dtype mean scale seed" }) },
    { "RandomUniform", TN_VERSIONS({ 1, 0, 1, 0, TN_FLOATS_1, "dtype high low seed shape" },
                                   { 22, 0, 1, 0, TN_FLOATS, "dtype high low seed shape" }) },
    { "RandomUniformLike", TN_VERSIONS({ 1, 1, 1, TN_TENSORS_1, TN_FLOATS_1, "dtype high low seed" },
                                       { 22, 1, 1, TN_TENSORS_13, TN_FLOATS, "dtype high low seed" }) },
    { "Reciprocal", ceil_versions },
    { "ReduceL1", reduce_l1_versions, .upgrades = TN_UPGRADES({ 18, tn_up_axes_input }) },
    { "ReduceL2", reduce_l1_versions, .upgrades = TN_UPGRADES({ 18, tn_up_axes_input }) },
    { "ReduceLogSum", reduce_l1_versions, .upgrades = TN_UPGRADES({ 18, tn_up_axes_input }) },
    { "ReduceLogSumExp", reduce_l1_versions, .upgrades = TN_UPGRADES({ 18, tn_up_axes_input }) },
    { "ReduceMax", reduce_max_versions, .upgrades = TN_UPGRADES({ 18, tn_up_axes_input }) },
    { "ReduceMean", reduce_l1_versions, .upgrades = TN_UPGRADES({ 18, tn_up_axes_input }) },
    { "ReduceMin", reduce_max_versions, .upgrades = TN_UPGRADES({ 18, tn_up_axes_input }) },
    { "ReduceProd", reduce_l1_versions, .upgrades = TN_UPGRADES({ 18, tn_up_axes_input }) },
    { "ReduceSum",
      TN_VERSIONS({ 1, 1, 1, TN_WIDE_1, TN_WIDE_1, "axes keepdims" },
                  { 11, 1, 1, TN_WIDE_1, TN_WIDE_1, "axes keepdims" },
                  { 13, 2, 1, TN_WIDE, TN_WIDE, "keepdims noop_with_empty_axes" }),
      .upgrades = TN_UPGRADES({ 13, tn_up_axes_input }) },
    { "ReduceSumSquare", reduce_l1_versions, .upgrades = TN_UPGRADES({ 18, tn_up_axes_input }) },
    { "Relu", TN_VERSIONS({ 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "consumed_inputs" },
                          { 6, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "" }, { 13, 1, 1, TN_FLOATS, TN_FLOATS, "" },
                          { 14, 1, 1, TN_FLOATS | TN_SIGNED_INTS, TN_FLOATS | TN_SIGNED_INTS, "" }) },
    { "Round", det_versions },
    { "ScaledTanh",
      .upgrades = TN_UPGRADES({ TN_ONNX_OPSET_MAX, tn_up_scaled_tanh }) }, /* experimental, until opset 10 */
    { "Selu",
      TN_VERSIONS({ 1, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "alpha consumed_inputs gamma" },
                  { 6, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "alpha gamma" },
                  { 22, 1, 1, TN_FLOATS, TN_FLOATS, "alpha gamma" }),
      .upgrades = TN_UPGRADES({ 6, tn_up_selu }) },
    { "Shrink", TN_VERSIONS({ 9, 1, 1, TN_REAL_1, TN_REAL_1, "bias lambd" }) },
    { "Sigmoid", ceil_versions },
    { "Sign", TN_VERSIONS({ 9, 1, 1, TN_REAL_1, TN_REAL_1, "" }, { 13, 1, 1, TN_REAL, TN_REAL, "" }) },
    { "Sin", acos_versions },
    { "Sinh", acosh_versions },
    { "Softmax", hardmax_versions, .upgrades = TN_UPGRADES({ 13, tn_up_flat_softmax }), .demands = TN_DEMANDS({ 13 }) },
    { "Softplus", softplus_versions },
    { "Softsign", softplus_versions },
    { "Sqrt", ceil_versions },
    { "Sub", add_versions, .upgrades = TN_UPGRADES({ 7, tn_up_broadcast }) },
    { "Sum", mean_versions },
    { "SwiGLU", TN_VERSIONS({ 28, 2, 1, TN_FLOATS, TN_FLOATS, "alpha" }) },
    { "Swish", TN_VERSIONS({ 24, 1, 1, TN_FLOATS, TN_FLOATS, "alpha" }) },
    { "Tan", acos_versions },
    { "Tanh", ceil_versions },
    { "ThresholdedRelu",
      TN_VERSIONS({ 10, 1, 1, TN_FLOATS_1, TN_FLOATS_1, "alpha" }, { 22, 1, 1, TN_FLOATS, TN_FLOATS, "alpha" }) },
    { "TopK",
      TN_VERSIONS({ 1, 1, 2, TN_FLOATS_1, TN_FLOATS_1, "axis k" }, { 10, 2, 2, TN_FLOATS_1, TN_FLOATS_1, "axis" },
                  { 11, 2, 2, TN_REAL_1, TN_REAL_1, "axis largest sorted" },
                  { 24, 2, 2, TN_REAL, TN_REAL, "axis largest sorted" }),
      .upgrades = TN_UPGRADES({ 10, tn_up_top_k }) },
    { "Unique", TN_VERSIONS({ 11, 1, 4, TN_TENSORS_1, TN_TENSORS_1, "axis sorted" }) },
    { "Xor", and_versions, .upgrades = TN_UPGRADES({ 7, tn_up_broadcast }) },
    { NULL },
};
