/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* op_text.h - attributes and tensors as tests write them in tables.
 *
 *     ob_attrs(b, "axis=1 alpha=0.5 pads=[1,1] mode=edge activations=[Tanh,Relu] value=<u8:2=1,2>");
 *     tn_tensor *t = tensor_of_text("f16:2,3=1,-0,nan,inf,1/3,0x1p-24");
 *
 * A tensor is TYPE:DIMENSIONS=ELEMENTS: short names of types (f32, i64, u4, bf16, f8e5m2, str, bool, c64), no dimension
 * for a scalar. The last element given stands for those that follow; none are needed where there are none. A complex
 * number is two elements. Strings are separated by commas. */
#ifndef TN_TESTS_OP_TEXT_H
#define TN_TESTS_OP_TEXT_H

#include "lib/onnx_build.h"

/** Attributes of the last node, separated by spaces; a dot makes a float of a number,
 *  and nan is one. A sparse tensor is {ELEMENTS;PLACES;DIMENSIONS}: {f32:2=7,8;i64:2=0,3;2,2}. NULL: none. */
void ob_attrs(ob *b, const char *attrs);

/** The caller frees the tensor. What cannot be read fails the test. */
tn_tensor *tensor_of_text(const char *text);

double number_in(tn_dtype t, double v); /* v as the type holds it */

/** Equal types and shapes; integers, strings and bool exactly, numbers within
 *  tol * max(1, |wanted|). With tol 0, a wanted -0 must be -0. returns whether; if not, `why` says what differs. */
bool tensors_agree(const tn_tensor *got, const tn_tensor *want, double tol, char *why, size_t size);

#endif
