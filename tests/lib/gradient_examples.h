/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gradient_examples.h - small nodes on which gradients are checked: see tests/op/gradient.c. */
#ifndef TN_TESTS_GRADIENT_EXAMPLES_H
#define TN_TESTS_GRADIENT_EXAMPLES_H

#include "lib/onnx_build.h"

typedef struct {
    const char *op, *domain; /* domain NULL: ai.onnx */
    const char *attrs;       /* "axis=1 alpha=0.5 pads=[1,1] mode=edge activations=[Tanh,Relu]": a dot makes a float */
    /** One word per input:
     *    2,3           float64 [2,3], random in -1..1, its gradient is checked; ! before it: not checked
     *    2,3@0.1:2     random in that range      2,3=1,2,3,4,5,6    these values
     *    i s j b u     before the shape: int64, float32 (initializers), int32, bool, uint8 (inputs), with values
     *    _             omitted */
    const char *inputs;
    int outputs;         /* 0: 1 */
    bool loose;          /* computes in float32 whatever its types: larger steps, and a tolerance to match */
    bool once;           /* at a point where second derivatives are not those of the formula (zeros of products) */
    bool fixed;          /* only with declared shapes: what cannot be known otherwise is needed */
    void (*body)(ob *b); /* puts the node(s), y0.. from x0.., when one node with simple attributes does not do */
} gradient_example;

extern const gradient_example *const gradient_examples[];   /* tables that end with { 0 }; ends with NULL */
extern const gradient_example gradient_sequence_examples[]; /* two of them */
extern const gradient_example gradient_decomposed_examples[];

#endif
