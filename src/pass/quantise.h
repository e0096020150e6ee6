/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* quantise.h - what the files of the pass quantise share: codes and their forms, and what they stand for. */
#ifndef TN_PASS_QUANTISE_H
#define TN_PASS_QUANTISE_H

#include "kernel/qconv.h"
#include "pass/util.h"

/** Forms of a value of 8-bit codes: as u8 in the model's order (plain), and on blocked channels; NULL: not there yet.
 *  Codes of s8 are kept with 128 added, and so are their zero points. */
typedef struct {
    tn_value *plain, *blocked;
    tn_value *q; /* the value itself */
    bool made;   /* an integer operator computes it */
} tn_codes;

/** MatMulNBits' B, scales, zero_points of a dequantised matrix, by which of its dimensions is K; NULL: not there yet.
 */
typedef struct {
    tn_value *form[2][3];
} tn_blocks;

typedef struct {
    tn_graph *g;
    tn_pass_ctx *ctx;
    tn_arena *arena;
    tn_codes *codes;   /* by value id */
    tn_blocks *blocks; /* the same, or NULL */
    int n_values;
} tn_quantise;

/** What numbers a code stands for: scale (code - zero). */
typedef struct {
    float scale;
    int32_t zero;
} tn_coding;

/** A float value that is DequantizeLinear of codes, or what QuantizeLinear makes of one. */
typedef struct {
    tn_value *q;
    tn_node *node; /* DequantizeLinear, QuantizeLinear */
    tn_coding of;
} tn_coded;

enum { TN_CHAIN = 16 };
/** A QuantizeLinear under way: what stands in front of it. */
typedef struct {
    tn_coded out;             /* its codes, node */
    tn_node *base;            /* the operator, or the DequantizeLinear, behind the chain */
    tn_node *chain[TN_CHAIN]; /* operators of one operand between base and node, base's side first */
    int n;
    float lo, hi; /* what the chain holds numbers in; clips: it does nothing else */
    bool clips;
} tn_requant;

bool tn_quantise_8bit(const tn_value *v);
/** Whether v is 8-bit codes dequantised by one scale. */
bool tn_quantise_coded(const tn_value *v, tn_coded *c);
tn_value *tn_quantise_plain(tn_quantise *t, const tn_coded *c);   /* NULL when out of memory */
tn_value *tn_quantise_blocked(tn_quantise *t, const tn_coded *c); /* of rank 3 or more */
bool tn_quantise_is_blocked(const tn_quantise *t, const tn_coded *c);
/** Whether blocked codes may stand for v: how many channels it has is known, for whoever wants it plain again. */
bool tn_quantise_may_block(const tn_value *v);
/** The codes of c as those of q's numbers, through q's chain: by a table, or as they are. *blocked: wanted, or what it
 *  is. */
tn_status tn_quantise_recode(tn_quantise *t, const tn_coded *c, const tn_requant *q, bool blocked, tn_value **out);
/** q.base of a and b, whose codes are x and y, as a table where both are tables of the same codes; *out NULL: they are
 *  not. */
tn_status tn_quantise_pair(tn_quantise *t, const tn_coded *a, const tn_coded *b, const tn_requant *q, tn_value *x,
                           tn_value *y, tn_value **out);
/** A number as a code of q's. */
int64_t tn_quantise_number(const tn_requant *q, double v);
/** Takes v, of a new node, as q's codes; NULL: out of memory. */
tn_status tn_quantise_adopt(tn_quantise *t, const tn_requant *q, tn_value *v, bool blocked);
/** The node's attributes of these names (ends with NULL) go to the new node. */
tn_status tn_quantise_copy_attrs(const tn_node *from, tn_node *to, const char *const *names);
tn_node *tn_quantise_node(tn_quantise *t, tn_node *before, const char *type, tn_value *const *in, int n);

/** Sets what a requantising node knows of its result. */
tn_status tn_quantise_result(const tn_requant *q, tn_node *n);

/** Makes the integer form of q, if there is one. */
tn_status tn_quantise_product(tn_quantise *t, const tn_requant *q); /* Conv, Gemm, MatMul */
tn_status tn_quantise_move(tn_quantise *t, const tn_requant *q);    /* everything else */
/** QLinearConv becomes the same node. */
tn_status tn_quantise_linear_conv(tn_quantise *t, tn_node *n);
/** MaxPool of codes that are blocked stays so. */
tn_status tn_quantise_most(tn_quantise *t, tn_node *n);
/** A product of codes and constants whose result stays float. */
tn_status tn_quantise_to_float(tn_quantise *t, tn_node *n);
/** A product of floats and constant codes of 2 or 4 bits, or of 8 in blocks, becomes MatMulNBits. */
tn_status tn_quantise_nbits(tn_quantise *t, tn_node *n);
/** MatMulInteger and what exporters write behind it becomes MatMulIntegerToFloat. */
tn_status tn_quantise_dynamic(tn_quantise *t, tn_node *n);

#endif
