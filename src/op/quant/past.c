/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* past.c - what older operator sets say of the operators here: every version, and what its form is today.
 * Source: the operator change log of ONNX (docs/Changelog.md), versions 1 to 28. */
#include "op/core/past.h"

static bool quantize_scale_differs(const tn_node *n) {
    return tn_past_type_differs(n, 1) && !(tn_past_type(n, 0)->dtype == TN_I32 && tn_past_type(n, 1)->dtype == TN_F32);
}

/* -------------------------------------------------------------------------------------------------------- records */

const tn_op_past tn_op_past_quant[] = {
    { "ConvInteger", TN_VERSIONS({ 10, 4, 1, TN_ONLY(U8) | TN_ONLY(I8), TN_ONLY(I32),
                                   "auto_pad dilations group kernel_shape pads strides" }) },
    { "DequantizeLinear",
      TN_VERSIONS({ 10, 3, 1, TN_ONLY(U8) | TN_ONLY(I8) | TN_ONLY(I32), TN_ONLY(F32), "" },
                  { 13, 3, 1, TN_ONLY(U8) | TN_ONLY(I8) | TN_ONLY(I32), TN_ONLY(F32), "axis" },
                  { 19, 3, 1, TN_NEW_19 | TN_ONLY(U8) | TN_ONLY(I8) | TN_ONLY(I32),
                    TN_ONLY(F32) | TN_ONLY(F16) | TN_ONLY(BF16), "axis" },
                  { 21, 3, 1, TN_NEW_21 | TN_ONLY(U8) | TN_ONLY(I8) | TN_ONLY(U16) | TN_ONLY(I16) | TN_ONLY(I32),
                    TN_ONLY(F32) | TN_ONLY(F16) | TN_ONLY(BF16), "axis block_size" },
                  { 23, 3, 1, TN_NEW_23 | TN_ONLY(U8) | TN_ONLY(I8) | TN_ONLY(U16) | TN_ONLY(I16) | TN_ONLY(I32),
                    TN_ONLY(F32) | TN_ONLY(F16) | TN_ONLY(BF16), "axis block_size output_dtype" },
                  { 24, 3, 1, TN_NEW_23 | TN_ONLY(U8) | TN_ONLY(I8) | TN_ONLY(U16) | TN_ONLY(I16) | TN_ONLY(I32),
                    TN_ONLY(F32) | TN_ONLY(F16) | TN_ONLY(BF16), "axis block_size output_dtype" },
                  { 25, 3, 1,
                    TN_NEW_23 | TN_INT2 | TN_ONLY(U8) | TN_ONLY(I8) | TN_ONLY(U16) | TN_ONLY(I16) | TN_ONLY(I32),
                    TN_ONLY(F32) | TN_ONLY(F16) | TN_ONLY(BF16), "axis block_size output_dtype" }),
      .demands = TN_DEMANDS({ 24, .input = 1, .before = TN_ONLY(F32) | TN_ONLY(F16) | TN_ONLY(BF16) }) },
    { "DynamicQuantizeLinear", TN_VERSIONS({ 11, 1, 3, TN_ONLY(F32), TN_ONLY(U8), "" }) },
    { "MatMulInteger", TN_VERSIONS({ 10, 4, 1, TN_ONLY(U8) | TN_ONLY(I8), TN_ONLY(I32), "" }) },
    { "QLinearConv", TN_VERSIONS({ 10, 9, 1, TN_ONLY(U8) | TN_ONLY(I8), TN_ONLY(U8) | TN_ONLY(I8),
                                   "auto_pad dilations group kernel_shape pads strides" }) },
    { "QLinearMatMul",
      TN_VERSIONS({ 10, 8, 1, TN_ONLY(U8) | TN_ONLY(I8), TN_ONLY(U8) | TN_ONLY(I8), "" },
                  { 21, 8, 1, TN_NEW_19 | TN_ONLY(U8) | TN_ONLY(I8), TN_NEW_19 | TN_ONLY(U8) | TN_ONLY(I8), "" }),
      .demands = TN_DEMANDS({ 21, .input = 1, .before = TN_ONLY(F32) },
                            { 21, .input = 3, .before = TN_ONLY(U8) | TN_ONLY(I8) },
                            { 21, .input = 4, .before = TN_ONLY(F32) }, { 21, .input = 6, .before = TN_ONLY(F32) }) },
    { "QuantizeLinear",
      TN_VERSIONS({ 10, 3, 1, TN_ONLY(F32) | TN_ONLY(I32), TN_ONLY(U8) | TN_ONLY(I8), "" },
                  { 13, 3, 1, TN_ONLY(F32) | TN_ONLY(I32), TN_ONLY(U8) | TN_ONLY(I8), "axis" },
                  { 19, 3, 1, TN_ONLY(F32) | TN_ONLY(I32) | TN_ONLY(F16) | TN_ONLY(BF16),
                    TN_NEW_19 | TN_ONLY(U8) | TN_ONLY(I8), "axis saturate" },
                  { 21, 3, 1, TN_ONLY(F32) | TN_ONLY(I32) | TN_ONLY(F16) | TN_ONLY(BF16),
                    TN_NEW_21 | TN_ONLY(U8) | TN_ONLY(I8) | TN_ONLY(U16) | TN_ONLY(I16),
                    "axis block_size output_dtype saturate" },
                  { 23, 3, 1, TN_ONLY(F32) | TN_ONLY(I32) | TN_ONLY(F16) | TN_ONLY(BF16),
                    TN_NEW_23 | TN_ONLY(U8) | TN_ONLY(I8) | TN_ONLY(U16) | TN_ONLY(I16),
                    "axis block_size output_dtype precision saturate" },
                  { 24, 3, 1, TN_ONLY(F32) | TN_ONLY(I32) | TN_ONLY(F16) | TN_ONLY(BF16),
                    TN_NEW_23 | TN_ONLY(U8) | TN_ONLY(I8) | TN_ONLY(U16) | TN_ONLY(I16),
                    "axis block_size output_dtype precision saturate" },
                  { 25, 3, 1, TN_ONLY(F32) | TN_ONLY(I32) | TN_ONLY(F16) | TN_ONLY(BF16),
                    TN_NEW_23 | TN_INT2 | TN_ONLY(U8) | TN_ONLY(I8) | TN_ONLY(U16) | TN_ONLY(I16),
                    "axis block_size output_dtype precision saturate" }),
      .demands = TN_DEMANDS({ 19, .input = 1, .before = TN_ONLY(F32) },
                            { 24, .input = 1, .before = TN_ONLY(F32) | TN_ONLY(I32) | TN_ONLY(F16) | TN_ONLY(BF16) },
                            { 23, .when = quantize_scale_differs }) },
    { NULL },
};
