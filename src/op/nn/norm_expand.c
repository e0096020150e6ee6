/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* norm_expand.c - normalisations with what stands before them, as ONNX Runtime's optimiser writes them into models.
 * Source: docs/ContribOperators.md of ONNX Runtime, whose results the definitions were compared with. */
#include "op/core/expand.h"

/* sum := the inputs 0 and 1 and the bias; output 3 is that sum. */
static tn_status skip_sum(tn_node *n, int bias, tn_value **sum) {
    TN_TRY(need(n, 3));
    *sum = plus(n, plus(n, n->inputs[0], n->inputs[1]), tn_up_input(n, bias));
    TN_UP_ROOM(*sum);
    return give(n, 3, *sum);
}

static tn_status layer_norm(tn_node *n, tn_value *x, tn_value *gamma, tn_value *beta, float eps, tn_node **out) {
    tn_value *in[] = { x, gamma, beta };
    tn_node *e = *out = emit(n, "", "LayerNormalization", in, beta ? 3 : 2, 3);
    TN_UP_ROOM(e);
    TN_TRY(tn_attr_set_int(e, "axis", -1));
    return tn_attr_set_float(e, "epsilon", eps);
}

static tn_status skip_layer_norm(tn_node *n) {
    tn_value *sum;
    tn_node *e;
    TN_TRY(skip_sum(n, 4, &sum));
    TN_TRY(layer_norm(n, sum, n->inputs[2], tn_up_input(n, 3), tn_attr_float(n, "epsilon", 1e-12f), &e));
    for (int i = 0; i < 3; i++) TN_TRY(give(n, i, e->outputs[i]));
    return TN_OK;
}

static tn_value *scalar_int(tn_node *n, int64_t v) {
    return bin(n, "Squeeze", tn_up_int(n, "number", v), tn_up_int(n, "axis", 0));
}

/* RMS normalisation of x along the last axes, and 1 / RMS, in float32, as output `rstd` where it is wanted. */
static tn_status rms_norm(tn_node *n, tn_value *x, tn_value *gamma, float eps, int64_t axis, int rstd) {
    tn_value *y = with_float(with_int(bin(n, "RMSNormalization", x, gamma), "axis", axis), "epsilon", eps);
    TN_TRY(give(n, 0, y));
    if (rstd >= n->n_outputs || !n->outputs[rstd]) return TN_OK;
    tn_value *axes = tn_up_int(n, "axis", -1);
    if (axis != -1) { /* from `axis` to the last one, however many there are */
        tn_value *end = axis < 0 ? scalar_int(n, 0) : un(n, "Size", un(n, "Shape", x));
        axes = tri(n, "Range", scalar_int(n, axis), end, scalar_int(n, 1));
    }
    tn_value *mean = axes ? bin(n, "ReduceMean", bin(n, "Mul", x, x), axes) : NULL;
    tn_value *one = un(n, "Reciprocal", un(n, "Sqrt", mean ? bin(n, "Add", mean, num(n, eps, x)) : NULL));
    return give(n, rstd, with_int(un(n, "Cast", one), "to", tn_dtypes[TN_F32].onnx));
}

static tn_status skip_rms_norm(tn_node *n) {
    tn_value *sum;
    TN_TRY(skip_sum(n, 3, &sum));
    TN_TRY(rms_norm(n, sum, n->inputs[2], tn_attr_float(n, "epsilon", 1e-12f), -1, 2));
    if (n->n_outputs < 2 || !n->outputs[1]) return TN_OK; /* the mean that is not subtracted counts as 0 */
    tn_value *mean = bin(n, "ReduceMean", sum, tn_up_int(n, "axis", -1));
    mean = with_int(un(n, "Cast", mean), "to", tn_dtypes[TN_F32].onnx);
    return give(n, 1, mean ? bin(n, "Sub", mean, mean) : NULL);
}

static tn_status simple_layer_norm(tn_node *n) {
    TN_TRY(need(n, 2));
    return rms_norm(n, n->inputs[0], n->inputs[1], tn_attr_float(n, "epsilon", 1e-5f), tn_attr_int(n, "axis", -1), 1);
}

/* Sum of the embeddings of words, positions and segments, normalised. */
static tn_status embed_layer_norm(tn_node *n) {
    TN_TRY(need(n, 1));
    tn_value *ids = n->inputs[0], *segments = tn_up_input(n, 1), *table = tn_up_input(n, 4), *at = tn_up_input(n, 8),
             *mask = tn_up_input(n, 7), *positions = tn_up_input(n, 3), *gamma = tn_up_input(n, 5),
             *words = tn_up_input(n, 2);
    if (!words || !positions || !gamma)
        return tn_fail(TN_E_GRAPH, "%s: word_embedding, position_embedding or gamma is missing", tn_node_where(n));
    if (at) {
        positions = bin(n, "Gather", positions, at);
    } else { /* the first ones */
        tn_value *shape = un(n, "Shape", ids), *length = bin(n, "Gather", shape, tn_up_int(n, "one", 1));
        tn_value *in[] = { positions, tn_up_int(n, "from", 0), length, tn_up_int(n, "axis", 0) };
        TN_UP_ROOM(in[1] && in[2] && in[3]);
        tn_node *e = emit(n, "", "Slice", in, 4, 1);
        TN_UP_ROOM(e);
        positions = e->outputs[0];
    }
    tn_value *sum = bin(n, "Add", bin(n, "Gather", words, ids), positions);
    if (table) /* without segments all is the first one */
        sum = bin(n, "Add", sum, bin(n, "Gather", table, segments ? segments : tn_up_int(n, "first", 0)));
    TN_UP_ROOM(sum);
    tn_node *norm;
    TN_TRY(layer_norm(n, sum, gamma, tn_up_input(n, 6), tn_attr_float(n, "epsilon", 1e-12f), &norm));
    TN_TRY(give(n, 0, norm->outputs[0]));
    TN_TRY(give(n, 2, sum));
    if (n->n_outputs < 2 || !n->outputs[1]) return TN_OK;
    /* how many words of each sentence count; without a mask nobody asks, and the runtime says 0 */
    tn_value *count = mask ? mask : bin(n, "Sub", ids, ids);
    return give(n, 1, with_int(bin(n, "ReduceSum", count, tn_up_int(n, "axis", 1)), "keepdims", 0));
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define FLOATS(name_) \
    { name_, TN_FLOATS, 'T' }
#define MAYBE_FLOATS(name_) \
    { name_, TN_FLOATS, 'T', .optional = true }
#define NUMBER(name_) \
    { name_, TN_ATTR_FLOAT }

static const tn_port skip_in[] = { FLOATS("input"),      FLOATS("skip"),       FLOATS("gamma"),
                                   MAYBE_FLOATS("beta"), MAYBE_FLOATS("bias"), { 0 } };
static const tn_port skip_rms_in[] = { FLOATS("input"), FLOATS("skip"), FLOATS("gamma"), MAYBE_FLOATS("bias"), { 0 } };
static const tn_port skip_out[] = { FLOATS("output"),
                                    { "mean", TN_FLOATS, 0, .optional = true },
                                    { "inv_std_var", TN_FLOATS, 0, .optional = true },
                                    MAYBE_FLOATS("input_skip_bias_sum"),
                                    { 0 } };
static const tn_port rms_in[] = { { "X", TN_FLOATS, 0 }, { "scale", TN_FLOATS, 'T' }, { 0 } };
static const tn_port rms_out[] = { FLOATS("Y"), { "inv_std_var", TN_FLOATS, 0, .optional = true }, { 0 } };
static const tn_port embed_in[] = { { "input_ids", TN_INDEX, 0 },
                                    { "segment_ids", TN_INDEX, 0, .optional = true },
                                    FLOATS("word_embedding"),
                                    FLOATS("position_embedding"),
                                    MAYBE_FLOATS("segment_embedding"),
                                    FLOATS("gamma"),
                                    MAYBE_FLOATS("beta"),
                                    { "mask", TN_INDEX, 0, .optional = true },
                                    { "position_ids", TN_INDEX, 0, .optional = true },
                                    { 0 } };
static const tn_port embed_out[] = {
    FLOATS("output"), { "mask_index", TN_INDEX, 0, .optional = true }, MAYBE_FLOATS("embedding_sum"), { 0 }
};

static const tn_attr_spec epsilon_attrs[] = { NUMBER("epsilon"), { 0 } };
static const tn_attr_spec rms_attrs[] = {
    { "axis", TN_ATTR_INT }, NUMBER("epsilon"), { "stash_type", TN_ATTR_INT }, { 0 }
};
static const tn_attr_spec embed_attrs[] = { NUMBER("epsilon"), { "mask_index_type", TN_ATTR_INT }, { 0 } };

#define RMS_DOC "each row divided by its root mean square, then scaled"

const tn_op tn_ops_norm_expand[] = {
    TN_MICROSOFT("EmbedLayerNormalization", embed_layer_norm, embed_in, embed_out, embed_attrs,
                 "the sum of the embeddings of words, positions and segments, normalised"),
    TN_MICROSOFT("SimplifiedLayerNormalization", simple_layer_norm, rms_in, rms_out, rms_attrs, RMS_DOC),
    TN_MICROSOFT("SkipLayerNormalization", skip_layer_norm, skip_in, skip_out, epsilon_attrs,
                 "LayerNormalization of input + skip + bias"),
    TN_MICROSOFT("SkipSimplifiedLayerNormalization", skip_rms_norm, skip_rms_in, skip_out, epsilon_attrs,
                 "RMSNormalization of input + skip + bias"),
    /* The runtime's optimiser leaves this one in ai.onnx, where it never was. */
    TN_EXPANDED(NULL, 1, "SimplifiedLayerNormalization", simple_layer_norm, rms_in, rms_out, rms_attrs, RMS_DOC),
    { 0 },
};
