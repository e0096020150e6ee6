/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attention_expand.c - com.microsoft's attention operators as MultiHeadAttention with what stands before and
 * behind it. Source: docs/ContribOperators.md of ONNX Runtime, whose results the definitions were compared with. */
#include "op/core/expand.h"

static tn_value *joined(tn_build *b, tn_value *x, tn_value *y) { return tn_emit_int(b, "Concat", "axis", 0, x, y); }

static tn_value *scalar(tn_build *b, tn_value *v) { return tn_emit(b, "Squeeze", v, tn_build_int(b, "axis", 0)); }

/* Element i of the shape of v, as a scalar. */
static tn_value *size_of(tn_build *b, tn_value *v, int64_t i) {
    return scalar(b, tn_emit(b, "Gather", tn_emit(b, "Shape", v), tn_build_int(b, "dim", i)));
}

/* do_rotary: the first `dim` elements of each head (0: all) are turned in pairs (i, i + dim / 2) by the token's
 * position times 10000^(-2 i / dim), as Su et al., arXiv 2104.09864, have it. `past`: how many tokens came before, or
 * NULL. */
static tn_status rotate(tn_build *b, tn_value *past, tn_value **q, tn_value **k) {
    tn_node *n = b->node;
    int64_t heads = tn_attr_int(n, "num_heads", 1), given = tn_attr_int(n, "rotary_embedding_dim", 0);
    if (given < 0 || given % 2 || heads < 1)
        return tn_build_fail(b, TN_E_INVALID, "rotary_embedding_dim is %lld", (long long)given);
    tn_value *zero = scalar(b, tn_build_int(b, "zero", 0)), *one = scalar(b, tn_build_int(b, "one", 1)), *from = zero;
    tn_value *dim = scalar(b, tn_build_int(b, "dim", given)), *two = scalar(b, tn_build_int(b, "two", 2));
    if (!given) dim = tn_emit(b, "Div", size_of(b, *q, 2), scalar(b, tn_build_int(b, "heads", heads)));
    if (past) from = scalar(b, tn_emit(b, "Reshape", cast(b, past, TN_I64), tn_build_int(b, "one", 1)));
    tn_value *to = tn_emit(b, "Add", size_of(b, *q, 1), from);
    tn_value *at = cast(b, tn_emit(b, "Range", from, to, one), TN_F32), *half = tn_emit(b, "Div", dim, two);
    tn_value *i = tn_emit(b, "Range", zero, half, one);
    tn_value *power = tn_emit(b, "Div", cast(b, i, TN_F32), cast(b, half, TN_F32));
    tn_value *turns = tn_emit(b, "Pow", tn_build_number(b, "base", TN_F32, 10000), tn_emit(b, "Neg", power));
    tn_value *angle = tn_emit(b, "Mul", tn_emit(b, "Unsqueeze", at, tn_build_int(b, "axis", 1)), turns);
    tn_value *shape = joined(b, tn_emit(b, "Gather", tn_emit(b, "Shape", *q), tn_build_int(b, "batch", 0)),
                             tn_emit(b, "Shape", angle));
    tn_value *cache[2] = { tn_emit(b, "Cos", angle), tn_emit(b, "Sin", angle) };
    for (int c = 0; c < 2; c++) cache[c] = tn_emit(b, "CastLike", tn_emit(b, "Expand", cache[c], shape), *q);
    for (int c = 0; c < 2; c++) {
        tn_value **x = c ? k : q;
        *x = tn_emit_int(b, "RotaryEmbedding", "num_heads", heads, *x, cache[0], cache[1]);
        tn_with(b, *x, tn_attr_of_int("rotary_embedding_dim", given));
    }
    return b->st;
}

/* Three parts along the last axis: of the sizes in in[1], else equal ones. */
static void split(tn_build *b, tn_value *const *in, int n_in, tn_value **parts) {
    tn_node *e = tn_build_node(b, "", "Split", in, n_in, 3);
    tn_build_attr(b, e, tn_attr_of_int("axis", -1));
    if (n_in < 2) tn_build_attr(b, e, tn_attr_of_int("num_outputs", 3));
    tn_build_outputs(b, e, parts, 3);
}

/* Attention with its projection: a matrix product, whose columns are queries, keys and values. */
static tn_status attention(tn_build *b) {
    tn_node *n = b->node;
    static const char *const names[] = { "num_heads", "scale", "unidirectional", "mask_filter_value", NULL };
    tn_value *full = NULL; /* of past and present in one buffer; without a past there is nothing to share */
    if (tn_attr_int(n, "past_present_share_buffer", 0) && tn_up_input(n, 4)) {
        full = tn_up_input(n, 6);
        if (!full) return tn_build_fail(b, TN_E_GRAPH, "past_present_share_buffer needs past_sequence_length");
    }
    tn_value *qkv = plus(b, tn_emit(b, "MatMul", n->inputs[0], n->inputs[1]), tn_up_input(n, 2));
    int count;
    const int64_t *sizes = tn_attr_ints(n, "qkv_hidden_sizes", &count);
    if (sizes && count != 3) return tn_build_fail(b, TN_E_INVALID, "qkv_hidden_sizes has %d entries", count);
    tn_value *in[2] = { qkv, sizes ? tn_build_ints(b, "sizes", sizes, 3) : NULL }, *parts[3];
    split(b, in, sizes ? 2 : 1, parts);
    tn_value *past[2] = { NULL, NULL };
    for (int i = 0; i < 2 && tn_up_input(n, 4); i++) { /* [2, batch, heads, past, size] */
        tn_value *one = tn_emit(b, "Gather", n->inputs[4], tn_build_int(b, "part", i));
        past[i] = tn_emit(b, "Squeeze", one, tn_build_int(b, "axis", 0));
    }
    bool present = n->n_outputs > 1 && n->outputs[1];
    tn_value *q = parts[0], *k = parts[1];
    if (tn_attr_int(n, "do_rotary", 0))
        TN_TRY(rotate(b, full ? full : past[0] ? size_of(b, past[0], 2) : NULL, &q, &k));
    tn_value *all[] = { q, k, parts[2], NULL, tn_up_input(n, 3), tn_up_input(n, 5), past[0], past[1], full };
    tn_node *e = tn_build_node(b, n->domain, "MultiHeadAttention", all, 9, present ? 3 : 1);
    TN_TRY(b->st);
    tn_build_keep(b, e, n, names);
    tn_give(b, 0, e->outputs[0]);
    if (!present) return b->st;
    k = tn_emit(b, "Unsqueeze", e->outputs[1], tn_build_int(b, "axis", 0));
    tn_value *v = tn_emit(b, "Unsqueeze", e->outputs[2], tn_build_int(b, "axis", 0));
    return tn_give(b, 1, joined(b, k, v));
}

/* e, an Attention that was written for b's node, is expanded in turn. */
static tn_status expand_attention(tn_build *b, tn_node *e) {
    tn_build inner = tn_build_for(e);
    TN_TRY(b->st);
    if (tn_build_ok(b, attention(&inner)) && tn_build_ok(b, inner.st)) tn_node_remove(e);
    return b->st;
}

/* Attention of dequantised inputs and weights; both products sum integers exactly in the original, floats here. */
static tn_status quantised_attention(tn_build *b) {
    tn_node *n = b->node;
    static const char *const names[] = { "num_heads",
                                         "scale",
                                         "unidirectional",
                                         "mask_filter_value",
                                         "do_rotary",
                                         "past_present_share_buffer",
                                         "rotary_embedding_dim",
                                         NULL };
    tn_value *x = tn_emit(b, "DequantizeLinear", n->inputs[0], n->inputs[3], tn_up_input(n, 6));
    tn_value *w = tn_emit(b, "DequantizeLinear", n->inputs[1], n->inputs[4], tn_up_input(n, 7));
    tn_value *in[] = { x, w, n->inputs[2], tn_up_input(n, 5), tn_up_input(n, 8) };
    tn_node *e = tn_build_node(b, n->domain, "Attention", in, 5, n->n_outputs);
    TN_TRY(b->st);
    tn_build_keep(b, e, n, names);
    for (int i = 0; i < n->n_outputs; i++) tn_give(b, i, e->outputs[i]);
    return expand_attention(b, e);
}

/* One token of each sentence against its past: MultiHeadAttention with its inputs in another order. The width of the
 * beams (input 8) is that of cache_indirection, too. */
static tn_status decoder_attention(tn_build *b) {
    tn_node *n = b->node;
    static const char *const names[] = { "num_heads", "scale", "mask_filter_value", NULL };
    tn_value *q = n->inputs[0], *k = tn_up_input(n, 1), *v = tn_up_input(n, 2);
    if (!k && !v) { /* side by side in one tensor */
        tn_value *parts[3];
        split(b, &q, 1, parts);
        q = parts[0], k = parts[1], v = parts[2];
    }
    tn_value *in[] = { q,
                       k,
                       v,
                       tn_up_input(n, 10),
                       tn_up_input(n, 3),
                       tn_up_input(n, 4),
                       tn_up_input(n, 5),
                       tn_up_input(n, 6),
                       tn_up_input(n, 7),
                       tn_up_input(n, 7) ? tn_up_input(n, 9) : NULL };
    tn_node *e = tn_build_node(b, n->domain, "MultiHeadAttention", in, 10, n->n_outputs);
    TN_TRY(b->st);
    tn_build_keep(b, e, n, names);
    for (int i = 0; i < n->n_outputs; i++) tn_give(b, i, e->outputs[i]);
    return b->st;
}

static tn_value *slice(tn_build *b, tn_value *v, tn_value *from, tn_value *to) { /* along the first axis */
    return tn_emit(b, "Slice", v, from, to, tn_build_int(b, "axis", 0));
}

/* From tokens without padding, [tokens, hidden], and where each stands in [batch, rows] (`offsets`, those of real
 * tokens first): unpacked, Attention, packed again. */
static tn_status packed_attention(tn_build *b) {
    tn_node *n = b->node;
    static const char *const names[] = { "num_heads", "scale", "qkv_hidden_sizes", NULL };
    tn_value *x = n->inputs[0], *offsets = n->inputs[3], *ends = n->inputs[4], *zero = tn_build_int(b, "zero", 0),
             *one = tn_build_int(b, "one", 1), *flat = tn_build_int(b, "flat", -1),
             *far = tn_build_int(b, "far", INT32_MAX);
    tn_value *shape = tn_emit(b, "Shape", x), *all = tn_emit(b, "Reshape", offsets, flat);
    tn_value *width = tn_emit(b, "Gather", shape, one),
             *places = slice(b, all, zero, tn_emit(b, "Gather", shape, zero));
    places = cast(b, places, TN_I64);
    tn_value *blank =
        tn_emit(b, "Expand", tn_build_like(b, "number", 0, x), joined(b, tn_emit(b, "Shape", all), width));
    tn_value *loose = tn_emit(b, "ScatterND", blank, tn_emit(b, "Unsqueeze", places, one), x);
    tn_value *length = tn_emit(b, "Sub", slice(b, ends, one, far), slice(b, ends, zero, flat));
    tn_value *in[] = { tn_emit(b, "Reshape", loose, joined(b, tn_emit(b, "Shape", offsets), width)),
                       n->inputs[1],
                       n->inputs[2],
                       length,
                       NULL,
                       tn_up_input(n, 5) };
    tn_node *e = tn_build_node(b, n->domain, "Attention", in, 6, 1);
    TN_TRY(b->st);
    tn_build_keep(b, e, n, names);
    tn_value *rows =
        joined(b, flat, tn_emit(b, "Gather", tn_emit(b, "Shape", e->outputs[0]), tn_build_int(b, "two", 2)));
    tn_give(b, 0, tn_emit(b, "Gather", tn_emit(b, "Reshape", e->outputs[0], rows), places));
    return expand_attention(b, e);
}

/* --------------------------------------------------------------------------------------------------------- table */

#define MAYBE(name_, types_, group_) \
    { name_, types_, group_, .optional = true }
#define NUM_HEADS \
    { "num_heads", TN_ATTR_INT, .required = true, .min = 1, .max = INT32_MAX }
#define MASKED                                                                                         \
    NUM_HEADS, { "mask_filter_value", TN_ATTR_FLOAT }, { "past_present_share_buffer", TN_ATTR_INT }, { \
        "scale", TN_ATTR_FLOAT                                                                         \
    }

static const tn_port attention_in[] = { { "input", TN_FLOATS, 'T' },
                                        { "weights", TN_FLOATS, 'T' },
                                        MAYBE("bias", TN_FLOATS, 'T'),
                                        MAYBE("mask_index", TN_I32_ONLY, 0),
                                        MAYBE("past", TN_FLOATS, 'T'),
                                        MAYBE("attention_bias", TN_FLOATS, 'T'),
                                        MAYBE("past_sequence_length", TN_I32_ONLY, 0),
                                        { 0 } };
static const tn_port attention_out[] = { { "output", TN_FLOATS, 'T' }, MAYBE("present", TN_FLOATS, 'T'), { 0 } };
static const tn_attr_spec attention_attrs[] = { MASKED,
                                                { "do_rotary", TN_ATTR_INT },
                                                { "qkv_hidden_sizes", TN_ATTR_INTS, .min = 0, .max = INT32_MAX },
                                                { "rotary_embedding_dim", TN_ATTR_INT },
                                                { "unidirectional", TN_ATTR_INT },
                                                { 0 } };

static const tn_port decoder_in[] = { { "query", TN_FLOATS, 'T' },
                                      MAYBE("key", TN_FLOATS, 'T'),
                                      MAYBE("value", TN_FLOATS, 'T'),
                                      MAYBE("mask_index", TN_I32_ONLY, 0),
                                      MAYBE("attention_bias", TN_FLOATS, 'T'),
                                      MAYBE("past_key", TN_FLOATS, 'T'),
                                      MAYBE("past_value", TN_FLOATS, 'T'),
                                      MAYBE("past_sequence_length", TN_I32_ONLY, 0),
                                      MAYBE("beam_width", TN_I32_ONLY, 0),
                                      MAYBE("cache_indirection", TN_I32_ONLY, 0),
                                      MAYBE("bias", TN_FLOATS, 'T'),
                                      { 0 } };
static const tn_port decoder_out[] = { { "output", TN_FLOATS, 'T' },
                                       MAYBE("present_key", TN_FLOATS, 'T'),
                                       MAYBE("present_value", TN_FLOATS, 'T'),
                                       MAYBE("qk", TN_FLOATS, 0),
                                       { 0 } };
static const tn_attr_spec decoder_attrs[] = { MASKED, { "output_qk", TN_ATTR_INT }, { 0 } };

static const tn_port packed_in[] = { { "input", TN_FLOATS, 'T' },
                                     { "weights", TN_FLOATS, 'T' },
                                     { "bias", TN_FLOATS, 'T' },
                                     { "token_offset", TN_INDEX, 0 },
                                     { "cumulative_sequence_length", TN_INDEX, 0 },
                                     MAYBE("attention_bias", TN_FLOATS, 'T'),
                                     { 0 } };
static const tn_port packed_out[] = { { "output", TN_FLOATS, 'T' }, { 0 } };
static const tn_attr_spec packed_attrs[] = {
    NUM_HEADS, { "qkv_hidden_sizes", TN_ATTR_INTS, .min = 0, .max = INT32_MAX }, { "scale", TN_ATTR_FLOAT }, { 0 }
};

static const tn_port quantised_in[] = { { "input", TN_CODES, 'X' },
                                        { "weight", TN_CODES, 'W' },
                                        { "bias", TN_SCALES, 'T' },
                                        { "input_scale", TN_SCALES, 'T' },
                                        { "weight_scale", TN_SCALES, 'T' },
                                        MAYBE("mask_index", TN_I32_ONLY, 0),
                                        MAYBE("input_zero_point", TN_CODES, 'X'),
                                        MAYBE("weight_zero_point", TN_CODES, 'W'),
                                        MAYBE("past", TN_SCALES, 'T'),
                                        { 0 } };
static const tn_port quantised_out[] = { { "output", TN_SCALES, 'T' }, MAYBE("present", TN_SCALES, 'T'), { 0 } };
static const tn_attr_spec quantised_attrs[] = { MASKED,
                                                { "do_rotary", TN_ATTR_INT },
                                                { "rotary_embedding_dim", TN_ATTR_INT },
                                                { "unidirectional", TN_ATTR_INT },
                                                { 0 } };

const tn_op tn_ops_attention_expand[] = {
    TN_MICROSOFT("Attention", attention, attention_in, attention_out, attention_attrs,
                 "a projection to queries, keys and values, and MultiHeadAttention of them"),
    TN_MICROSOFT("DecoderMaskedMultiHeadAttention", decoder_attention, decoder_in, decoder_out, decoder_attrs,
                 "MultiHeadAttention of one token to its past"),
    TN_MICROSOFT("PackedAttention", packed_attention, packed_in, packed_out, packed_attrs,
                 "Attention of sentences of different lengths, packed without padding"),
    TN_MICROSOFT("QAttention", quantised_attention, quantised_in, quantised_out, quantised_attrs,
                 "Attention of quantised inputs and weights"),
    { 0 },
};
