/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attention_expand.c - com.microsoft's attention operators as MultiHeadAttention with what stands before and
 * behind it. Source: docs/ContribOperators.md of ONNX Runtime, whose results the definitions were compared with. */
#include "op/core/expand.h"

static tn_value *joined(tn_node *n, tn_value *a, tn_value *b) {
    return a ? with_int(bin(n, "Concat", a, b), "axis", 0) : NULL;
}

static tn_value *scalar(tn_node *n, tn_value *v) { return bin(n, "Squeeze", v, tn_up_int(n, "axis", 0)); }

/* Element i of the shape of v, as a scalar. */
static tn_value *size_of(tn_node *n, tn_value *v, int64_t i) {
    tn_value *shape = un(n, "Shape", v);
    return shape ? scalar(n, bin(n, "Gather", shape, tn_up_int(n, "dim", i))) : NULL;
}

static tn_value *casted(tn_node *n, tn_value *v, tn_dtype t) {
    return with_int(un(n, "Cast", v), "to", tn_dtypes[t].onnx);
}

/* do_rotary: the first `dim` elements of each head (0: all) are turned in pairs (i, i + dim / 2) by the token's
 * position times 10000^(-2 i / dim), as Su et al., arXiv 2104.09864, have it. `past`: how many tokens came before, or
 * NULL. */
static tn_status rotate(tn_node *n, tn_value *past, tn_value **q, tn_value **k) {
    int64_t heads = tn_attr_int(n, "num_heads", 1), given = tn_attr_int(n, "rotary_embedding_dim", 0);
    if (given < 0 || given % 2 || heads < 1)
        return tn_fail(TN_E_INVALID, "%s: rotary_embedding_dim is %lld", tn_node_where(n), (long long)given);
    tn_value *zero = scalar(n, tn_up_int(n, "zero", 0)), *one = scalar(n, tn_up_int(n, "one", 1)), *from = zero;
    tn_value *dim = scalar(n, tn_up_int(n, "dim", given)), *two = scalar(n, tn_up_int(n, "two", 2));
    if (!given) dim = bin(n, "Div", size_of(n, *q, 2), scalar(n, tn_up_int(n, "heads", heads)));
    TN_UP_ROOM(zero && one && two && dim);
    if (past) from = scalar(n, bin(n, "Reshape", casted(n, past, TN_I64), tn_up_int(n, "one", 1)));
    tn_value *to = bin(n, "Add", size_of(n, *q, 1), from);
    tn_value *at = casted(n, tri(n, "Range", from, to, one), TN_F32), *half = bin(n, "Div", dim, two);
    tn_value *i = tri(n, "Range", zero, half, one),
             *power = i && half ? bin(n, "Div", casted(n, i, TN_F32), casted(n, half, TN_F32)) : NULL;
    tn_value *turns = bin(n, "Pow", tn_value_scalar_f32(n->graph, "base", 10000), un(n, "Neg", power));
    tn_value *angle = turns ? bin(n, "Mul", bin(n, "Unsqueeze", at, tn_up_int(n, "axis", 1)), turns) : NULL;
    tn_value *shape = joined(n, bin(n, "Gather", un(n, "Shape", *q), tn_up_int(n, "batch", 0)), un(n, "Shape", angle));
    tn_value *cache[2] = { un(n, "Cos", angle), un(n, "Sin", angle) };
    TN_UP_ROOM(shape && cache[0] && cache[1]);
    for (int c = 0; c < 2; c++) cache[c] = bin(n, "CastLike", bin(n, "Expand", cache[c], shape), *q);
    for (int c = 0; c < 2; c++) {
        tn_value **x = c ? k : q, *in[] = { *x, cache[0], cache[1] };
        TN_UP_ROOM(cache[0] && cache[1]);
        tn_node *e = emit(n, "", "RotaryEmbedding", in, 3, 1);
        TN_UP_ROOM(e);
        TN_TRY(tn_attr_set_int(e, "num_heads", heads));
        TN_TRY(tn_attr_set_int(e, "rotary_embedding_dim", given));
        *x = e->outputs[0];
    }
    return TN_OK;
}

/* Attention with its projection: a matrix product, whose columns are queries, keys and values. */
static tn_status attention(tn_node *n) {
    static const char *const names[] = { "num_heads", "scale", "unidirectional", "mask_filter_value", NULL };
    TN_TRY(need(n, 2));
    tn_value *full = NULL; /* of past and present in one buffer; without a past there is nothing to share */
    if (tn_attr_int(n, "past_present_share_buffer", 0) && tn_up_input(n, 4)) {
        full = tn_up_input(n, 6);
        if (!full)
            return tn_fail(TN_E_GRAPH, "%s: past_present_share_buffer needs past_sequence_length", tn_node_where(n));
    }
    tn_value *qkv = plus(n, bin(n, "MatMul", n->inputs[0], n->inputs[1]), tn_up_input(n, 2));
    int count;
    const int64_t *sizes = tn_attr_ints(n, "qkv_hidden_sizes", &count);
    if (sizes && count != 3)
        return tn_fail(TN_E_INVALID, "%s: qkv_hidden_sizes has %d entries", tn_node_where(n), count);
    tn_value *in[2] = { qkv, sizes ? tn_up_ints(n, "sizes", sizes, 3) : NULL };
    TN_UP_ROOM(qkv && (!sizes || in[1]));
    tn_node *split = emit(n, "", "Split", in, sizes ? 2 : 1, 3);
    TN_UP_ROOM(split);
    TN_TRY(tn_attr_set_int(split, "axis", -1));
    if (!sizes) TN_TRY(tn_attr_set_int(split, "num_outputs", 3));
    tn_value *past[2] = { NULL, NULL }, *first = NULL;
    for (int i = 0; i < 2 && tn_up_input(n, 4); i++) { /* [2, batch, heads, past, size] */
        first = tn_value_ints(n->graph, "part", &(int64_t){ i }, 1);
        past[i] = bin(n, "Squeeze", bin(n, "Gather", n->inputs[4], first), tn_up_int(n, "axis", 0));
        TN_UP_ROOM(past[i]);
    }
    bool present = n->n_outputs > 1 && n->outputs[1];
    tn_value *q = split->outputs[0], *k = split->outputs[1];
    if (tn_attr_int(n, "do_rotary", 0))
        TN_TRY(rotate(n, full ? full : past[0] ? size_of(n, past[0], 2) : NULL, &q, &k));
    tn_value *all[] = { q, k, split->outputs[2], NULL, tn_up_input(n, 3), tn_up_input(n, 5), past[0], past[1], full };
    tn_node *e = emit(n, n->domain, "MultiHeadAttention", all, 9, present ? 3 : 1);
    TN_UP_ROOM(e);
    TN_TRY(keep(e, n, names));
    TN_TRY(give(n, 0, e->outputs[0]));
    if (!present) return TN_OK;
    k = bin(n, "Unsqueeze", e->outputs[1], tn_up_int(n, "axis", 0));
    tn_value *v = bin(n, "Unsqueeze", e->outputs[2], tn_up_int(n, "axis", 0));
    return give(n, 1, k ? with_int(bin(n, "Concat", k, v), "axis", 0) : NULL);
}

/* Attention of dequantised inputs and weights; both products sum integers exactly in the original, floats here. */
static tn_status quantised_attention(tn_node *n) {
    static const char *const names[] = { "num_heads",
                                         "scale",
                                         "unidirectional",
                                         "mask_filter_value",
                                         "do_rotary",
                                         "past_present_share_buffer",
                                         "rotary_embedding_dim",
                                         NULL };
    TN_TRY(need(n, 5));
    tn_value *x = tn_up_emit(n, "DequantizeLinear", n->inputs[0], n->inputs[3], tn_up_input(n, 6));
    tn_value *w = tn_up_emit(n, "DequantizeLinear", n->inputs[1], n->inputs[4], tn_up_input(n, 7));
    TN_UP_ROOM(x && w);
    tn_value *in[] = { x, w, n->inputs[2], tn_up_input(n, 5), tn_up_input(n, 8) };
    tn_node *e = emit(n, n->domain, "Attention", in, 5, n->n_outputs);
    TN_UP_ROOM(e);
    TN_TRY(keep(e, n, names));
    for (int i = 0; i < n->n_outputs; i++) TN_TRY(give(n, i, e->outputs[i]));
    TN_TRY(attention(e));
    tn_node_remove(e);
    return TN_OK;
}

/* One token of each sentence against its past: MultiHeadAttention with its inputs in another order. The width of the
 * beams (input 8) is that of cache_indirection, too. */
static tn_status decoder_attention(tn_node *n) {
    static const char *const names[] = { "num_heads", "scale", "mask_filter_value", NULL };
    TN_TRY(need(n, 1));
    tn_value *q = n->inputs[0], *k = tn_up_input(n, 1), *v = tn_up_input(n, 2);
    if (!k && !v) { /* side by side in one tensor */
        tn_node *parts = emit(n, "", "Split", &q, 1, 3);
        TN_UP_ROOM(parts);
        TN_TRY(tn_attr_set_int(parts, "axis", -1));
        TN_TRY(tn_attr_set_int(parts, "num_outputs", 3));
        q = parts->outputs[0], k = parts->outputs[1], v = parts->outputs[2];
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
    tn_node *e = emit(n, n->domain, "MultiHeadAttention", in, 10, n->n_outputs);
    TN_UP_ROOM(e);
    TN_TRY(keep(e, n, names));
    for (int i = 0; i < n->n_outputs; i++) TN_TRY(give(n, i, e->outputs[i]));
    return TN_OK;
}

static tn_value *slice(tn_node *n, tn_value *v, tn_value *from, tn_value *to) { /* along the first axis */
    tn_value *in[] = { v, from, to, tn_up_int(n, "axis", 0) };
    tn_node *e = v && from && to && in[3] ? emit(n, "", "Slice", in, 4, 1) : NULL;
    return e ? e->outputs[0] : NULL;
}

/* From tokens without padding, [tokens, hidden], and where each stands in [batch, rows] (`offsets`, those of real
 * tokens first): unpacked, Attention, packed again. */
static tn_status packed_attention(tn_node *n) {
    static const char *const names[] = { "num_heads", "scale", "qkv_hidden_sizes", NULL };
    TN_TRY(need(n, 5));
    tn_value *x = n->inputs[0], *offsets = n->inputs[3], *ends = n->inputs[4], *zero = tn_up_int(n, "zero", 0),
             *one = tn_up_int(n, "one", 1), *flat = tn_up_int(n, "flat", -1), *far = tn_up_int(n, "far", INT32_MAX);
    tn_value *shape = un(n, "Shape", x), *all = bin(n, "Reshape", offsets, flat);
    tn_value *width = bin(n, "Gather", shape, one), *places = slice(n, all, zero, bin(n, "Gather", shape, zero));
    places = with_int(un(n, "Cast", places), "to", tn_dtypes[TN_I64].onnx);
    tn_value *blank = bin(n, "Expand", num(n, 0, x), joined(n, un(n, "Shape", all), width));
    tn_value *loose = tri(n, "ScatterND", blank, bin(n, "Unsqueeze", places, one), x);
    tn_value *length = bin(n, "Sub", slice(n, ends, one, far), slice(n, ends, zero, flat));
    tn_value *in[] = { bin(n, "Reshape", loose, joined(n, un(n, "Shape", offsets), width)),
                       n->inputs[1],
                       n->inputs[2],
                       length,
                       NULL,
                       tn_up_input(n, 5) };
    TN_UP_ROOM(in[0] && length);
    tn_node *e = emit(n, n->domain, "Attention", in, 6, 1);
    TN_UP_ROOM(e);
    TN_TRY(keep(e, n, names));
    tn_value *rows = joined(n, flat, bin(n, "Gather", un(n, "Shape", e->outputs[0]), tn_up_int(n, "two", 2)));
    TN_TRY(give(n, 0, bin(n, "Gather", bin(n, "Reshape", e->outputs[0], rows), places)));
    TN_TRY(attention(e)); /* it has no row of its own */
    tn_node_remove(e);
    return TN_OK;
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
