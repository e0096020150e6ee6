/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* norm_expand.c - normalisations with what stands before them, as ONNX Runtime's optimiser writes them into models.
 * Source: docs/ContribOperators.md of ONNX Runtime, whose results the definitions were compared with. */
#include "op/core/expand.h"

/* sum := the inputs 0 and 1 and the bias; output 3 is that sum. */
static tn_status skip_sum(tn_build *b, int bias, tn_value **sum) {
    tn_node *n = b->node;
    *sum = plus(b, plus(b, n->inputs[0], n->inputs[1]), tn_up_input(n, bias));
    return tn_give(b, 3, *sum);
}

/* Three outputs: the result, mean and 1 / deviation. */
static void layer_norm(tn_build *b, tn_value *x, tn_value *gamma, tn_value *beta, float eps, tn_value **out) {
    tn_node *e = tn_build_node(b, "", "LayerNormalization", (tn_value *[]){ x, gamma, beta }, 3, 3);
    tn_build_attr(b, e, tn_attr_of_int("axis", -1));
    tn_build_attr(b, e, tn_attr_of_float("epsilon", eps));
    tn_build_outputs(b, e, out, 3);
}

static tn_status skip_layer_norm(tn_build *b) {
    tn_node *n = b->node;
    tn_value *sum, *norm[3];
    TN_TRY(skip_sum(b, 4, &sum));
    layer_norm(b, sum, n->inputs[2], tn_up_input(n, 3), tn_attr_float(n, "epsilon", 1e-12f), norm);
    for (int i = 0; i < 3; i++) tn_give(b, i, norm[i]);
    return b->st;
}

static tn_value *scalar_int(tn_build *b, int64_t v) {
    return tn_emit(b, "Squeeze", tn_build_int(b, "number", v), tn_build_int(b, "axis", 0));
}

/* RMS normalisation of x along the last axes, and 1 / RMS, in float32, as output `rstd` where it is wanted. */
static tn_status rms_norm(tn_build *b, tn_value *x, tn_value *gamma, float eps, int64_t axis, int rstd) {
    tn_node *n = b->node;
    tn_value *y = tn_emit_int(b, "RMSNormalization", "axis", axis, x, gamma);
    tn_give(b, 0, tn_with(b, y, tn_attr_of_float("epsilon", eps)));
    if (rstd >= n->n_outputs || !n->outputs[rstd]) return b->st;
    tn_value *axes = tn_build_int(b, "axis", -1);
    if (axis != -1) { /* from `axis` to the last one, however many there are */
        tn_value *end = axis < 0 ? scalar_int(b, 0) : tn_emit(b, "Size", tn_emit(b, "Shape", x));
        axes = tn_emit(b, "Range", scalar_int(b, axis), end, scalar_int(b, 1));
    }
    tn_value *mean = tn_emit(b, "ReduceMean", tn_emit(b, "Mul", x, x), axes);
    tn_value *root = tn_emit(b, "Sqrt", tn_emit(b, "Add", mean, tn_build_like(b, "number", eps, x)));
    return tn_give(b, rstd, cast(b, tn_emit(b, "Reciprocal", root), TN_F32));
}

static tn_status skip_rms_norm(tn_build *b) {
    tn_node *n = b->node;
    tn_value *sum;
    TN_TRY(skip_sum(b, 3, &sum));
    TN_TRY(rms_norm(b, sum, n->inputs[2], tn_attr_float(n, "epsilon", 1e-12f), -1, 2));
    if (n->n_outputs < 2 || !n->outputs[1]) return b->st; /* the mean that is not subtracted counts as 0 */
    tn_value *mean = tn_emit(b, "ReduceMean", sum, tn_build_int(b, "axis", -1));
    mean = cast(b, mean, TN_F32);
    return tn_give(b, 1, tn_emit(b, "Sub", mean, mean));
}

static tn_status simple_layer_norm(tn_build *b) {
    tn_node *n = b->node;
    return rms_norm(b, n->inputs[0], n->inputs[1], tn_attr_float(n, "epsilon", 1e-5f), tn_attr_int(n, "axis", -1), 1);
}

/* Sum of the embeddings of words, positions and segments, normalised. */
static tn_status embed_layer_norm(tn_build *b) {
    tn_node *n = b->node;
    tn_value *ids = n->inputs[0], *segments = tn_up_input(n, 1), *table = tn_up_input(n, 4), *at = tn_up_input(n, 8),
             *mask = tn_up_input(n, 7), *positions = tn_up_input(n, 3), *gamma = tn_up_input(n, 5),
             *words = tn_up_input(n, 2);
    if (!words || !positions || !gamma)
        return tn_build_fail(b, TN_E_GRAPH, "word_embedding, position_embedding or gamma is missing");
    if (at) {
        positions = tn_emit(b, "Gather", positions, at);
    } else { /* the first ones */
        tn_value *shape = tn_emit(b, "Shape", ids), *length = tn_emit(b, "Gather", shape, tn_build_int(b, "one", 1));
        positions = tn_emit(b, "Slice", positions, tn_build_int(b, "from", 0), length, tn_build_int(b, "axis", 0));
    }
    tn_value *sum = tn_emit(b, "Add", tn_emit(b, "Gather", words, ids), positions);
    if (table) /* without segments all is the first one */
        sum = tn_emit(b, "Add", sum, tn_emit(b, "Gather", table, segments ? segments : tn_build_int(b, "first", 0)));
    tn_value *norm[3];
    layer_norm(b, sum, gamma, tn_up_input(n, 6), tn_attr_float(n, "epsilon", 1e-12f), norm);
    tn_give(b, 0, norm[0]);
    tn_give(b, 2, sum);
    if (n->n_outputs < 2 || !n->outputs[1]) return b->st;
    /* how many words of each sentence count; without a mask nobody asks, and the runtime says 0 */
    tn_value *count = mask ? mask : tn_emit(b, "Sub", ids, ids);
    return tn_give(b, 1, tn_emit_int(b, "ReduceSum", "keepdims", 0, count, tn_build_int(b, "axis", 1)));
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
