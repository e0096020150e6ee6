/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* nchwc_expand.c - com.microsoft.nchwc: ONNX Runtime's convolutions and poolings over channels in blocks, as its
 * optimiser leaves them in a saved model. A blocked tensor's declared shape is [N, C, H, W] all the same, C a multiple
 * of the block, and nothing that stands between two of these operators looks at the order of its elements. So blocked
 * tensors are taken as plain ones here, with channels of zeros at the end, and only weights are put back into their
 * order:
 *
 *     fewer channels than a block, or one per group   [O/b, I, H, W, b]           -> [O, I, H, W]
 *     else                                            [O/b, I/b, H, W, b of I, b of O]
 *
 * The library then chooses a layout of its own. How many channels a block has is not in the file: the attribute `block`
 * is put there by format/onnx/nchwc.c. Source: nchwc_schema_defs.cc and mlas.h of ONNX Runtime. */
#include "op/math/activation_expand.h"

static const char *const pool_names[] = { "auto_pad",     "ceil_mode", "count_include_pad", "dilations",
                                          "kernel_shape", "pads",      "strides",           NULL };

static tn_value *permuted(tn_build *b, tn_value *v, const int64_t *perm, int rank) {
    return tn_emit_with(b, "Transpose", tn_attr_of_ints("perm", perm, rank), v);
}

/* [N, spatial..., C] to [N, C, spatial...], or back. */
static tn_value *channels_moved(tn_build *b, tn_value *v, int rank, bool to_front) {
    int64_t perm[TN_MAX_RANK] = { 0 };
    for (int i = 1; i < rank; i++) perm[i] = to_front ? (i == 1 ? rank - 1 : i - 1) : (i == rank - 1 ? 1 : i + 1);
    return permuted(b, v, perm, rank);
}

static tn_status rank_of(tn_build *b, const tn_value *v, int *rank) {
    *rank = tn_up_rank(v);
    if (*rank >= 3) return TN_OK;
    return tn_build_fail(b, TN_E_GRAPH, "X has %d dimensions; a known number of 3 or more is needed", *rank);
}

static tn_status reorder_input(tn_build *b) {
    tn_node *n = b->node;
    tn_value *x = n->inputs[0];
    int rank;
    bool last = tn_attr_int(n, "channels_last", 0) != 0;
    int64_t block = tn_attr_int(n, "block", 8), pads[2 * TN_MAX_RANK] = { 0 };
    TN_TRY(rank_of(b, x, &rank));
    tn_dim c = x->type.dims[last ? rank - 1 : 1];
    if (!tn_dim_known(c)) return tn_build_fail(b, TN_E_GRAPH, "the number of X's channels is not known");
    if (last) x = channels_moved(b, x, rank, true);
    pads[rank + 1] = (block - c % block) % block;
    if (pads[rank + 1]) x = tn_emit(b, "Pad", x, tn_build_ints(b, "pads", pads, 2 * rank));
    return tn_give(b, 0, x);
}

static tn_status reorder_output(tn_build *b) {
    tn_node *n = b->node;
    int rank = 0;
    bool last = tn_attr_int(n, "channels_last", 0) != 0;
    int64_t channels = tn_attr_int(n, "channels", 0);
    if (last) TN_TRY(rank_of(b, n->inputs[0], &rank));
    if (channels < 1)
        return tn_build_fail(b, TN_E_INVALID, "channels is %lld; 1 or more are needed", (long long)channels);
    tn_value *y = tn_emit(b, "Slice", n->inputs[0], tn_build_int(b, "from", 0), tn_build_int(b, "channels", channels),
                          tn_build_int(b, "axis", 1));
    return tn_give(b, 0, last ? channels_moved(b, y, rank, false) : y);
}

static tn_value *ordered_weights(tn_build *b, tn_value *w, const tn_dim *d, int64_t block) {
    bool pairs = d[1] >= block;
    int64_t plain[] = { d[0], d[1], d[2], d[3] };
    int64_t few[] = { d[0] / block, d[1], d[2], d[3], block };
    int64_t many[] = { d[0] / block, d[1] / block, d[2], d[3], block, block };
    tn_value *blocked = tn_emit(b, "Reshape", w, tn_build_ints(b, "blocked", pairs ? many : few, pairs ? 6 : 5));
    tn_value *moved = pairs ? permuted(b, blocked, (int64_t[]){ 0, 5, 1, 4, 2, 3 }, 6)
                            : permuted(b, blocked, (int64_t[]){ 0, 4, 1, 2, 3 }, 5);
    return tn_emit(b, "Reshape", moved, tn_build_ints(b, "plain", plain, 4));
}

static tn_status conv(tn_build *b) {
    tn_node *n = b->node;
    tn_value *w = n->inputs[1];
    const tn_dim *d = w->type.dims;
    int64_t block = tn_attr_int(n, "block", 8);
    bool known = tn_up_rank(w) == 4;
    for (int i = 0; known && i < 4; i++) known = tn_dim_known(d[i]) && d[i] > 0;
    if (!known) return tn_build_fail(b, TN_E_GRAPH, "W needs a known shape of 4 dimensions, none of them 0");
    if (d[0] % block || (d[1] >= block && d[1] % block))
        return tn_build_fail(b, TN_E_GRAPH, "W has %lld outputs of %lld channels, which are no blocks of %lld",
                             (long long)d[0], (long long)d[1], (long long)block);
    return tn_expand_fused_conv(b, n->inputs[0], ordered_weights(b, w, d, block));
}

static tn_status pool(tn_build *b) {
    tn_value *v = tn_emit(b, b->node->type, b->node->inputs[0]);
    return tn_give(b, 0, tn_with_kept(b, v, pool_names));
}

static tn_status upsample(tn_build *b) {
    tn_node *n = b->node;
    int count, rank = tn_up_rank(n->inputs[0]);
    const int64_t *scales = tn_attr_ints(n, "scales", &count);
    bool linear = tn_attr_is(n, "mode", "linear", "nearest");
    if (rank >= 0 && count != rank) return tn_build_fail(b, TN_E_INVALID, "%d scales for %d dimensions", count, rank);
    tn_value *by = cast(b, tn_build_ints(b, "scales", scales, count), TN_F32);
    tn_value *v =
        tn_emit_with(b, "Resize", tn_attr_of_word("mode", linear ? "linear" : "nearest"), n->inputs[0], NULL, by);
    if (linear)
        return tn_give(b, 0, tn_with_kept(b, v, (const char *const[]){ "coordinate_transformation_mode", NULL }));
    tn_with(b, v, tn_attr_of_word("coordinate_transformation_mode", "asymmetric")); /* whole scales: each is repeated */
    return tn_give(b, 0, tn_with(b, v, tn_attr_of_word("nearest_mode", "floor")));
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define FLOATS(name_) \
    { name_, TN_FLOATS, 'T' }
#define MAYBE_FLOATS(name_) \
    { name_, TN_FLOATS, 'T', .optional = true }
#define BLOCK \
    { "block", TN_ATTR_INT, .min = 8, .max = 16 }
#define NCHWC(name_, fn_, in_, attrs_, doc_) TN_EXPANDED("com.microsoft.nchwc", 1, name_, fn_, in_, y_out, attrs_, doc_)

static const tn_port x_in[] = { FLOATS("X"), { 0 } }, y_out[] = { FLOATS("Y"), { 0 } };
static const tn_port conv_in[] = { FLOATS("X"), FLOATS("W"), MAYBE_FLOATS("B"), MAYBE_FLOATS("Sum"), { 0 } };
static const tn_attr_spec reorder_input_attrs[] = { BLOCK, { "channels_last", TN_ATTR_INT }, { 0 } };
static const tn_attr_spec reorder_output_attrs[] = {
    BLOCK, { "channels", TN_ATTR_INT, .required = true }, { "channels_last", TN_ATTR_INT }, { 0 }
};
static const tn_attr_spec conv_attrs[] = { BLOCK, TN_FUSED_CONV_ATTRS, { 0 } };
static const tn_attr_spec pool_attrs[] = { BLOCK,
                                           { "auto_pad", TN_ATTR_STRING, .words = TN_PAD_WORDS },
                                           { "ceil_mode", TN_ATTR_INT },
                                           { "count_include_pad", TN_ATTR_INT },
                                           { "dilations", TN_ATTR_INTS },
                                           { "kernel_shape", TN_ATTR_INTS },
                                           { "pads", TN_ATTR_INTS },
                                           { "storage_order", TN_ATTR_INT },
                                           { "strides", TN_ATTR_INTS },
                                           { 0 } };
static const tn_attr_spec no_attrs[] = { BLOCK, { 0 } };
static const tn_attr_spec upsample_attrs[] = { BLOCK,
                                               { "coordinate_transformation_mode", TN_ATTR_STRING },
                                               { "mode", TN_ATTR_STRING, .words = "nearest|linear" },
                                               { "scales", TN_ATTR_INTS, .required = true },
                                               { 0 } };

const tn_op tn_ops_nchwc_expand[] = {
    NCHWC("AveragePool", pool, x_in, pool_attrs, "AveragePool of blocked channels"),
    NCHWC("Conv", conv, conv_in, conv_attrs, "FusedConv of blocked channels with blocked weights"),
    NCHWC("GlobalAveragePool", pool, x_in, no_attrs, "GlobalAveragePool of blocked channels"),
    NCHWC("GlobalMaxPool", pool, x_in, no_attrs, "GlobalMaxPool of blocked channels"),
    NCHWC("MaxPool", pool, x_in, pool_attrs, "MaxPool of blocked channels"),
    NCHWC("ReorderInput", reorder_input, x_in, reorder_input_attrs, "channels into blocks"),
    NCHWC("ReorderOutput", reorder_output, x_in, reorder_output_attrs, "channels out of blocks"),
    NCHWC("Upsample", upsample, x_in, upsample_attrs, "Resize of blocked channels by whole scales"),
    { 0 },
};
